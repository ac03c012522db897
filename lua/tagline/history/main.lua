--- `tagline history`: reads a history's file, beside the running process or without it.
local file = require "tagline.history.file"
local range = require "tagline.history.range"
local say = require "tagline.test.say"
local csv_text = require "tagline.history.csv"

local main = {}

local function fail(text)
  say.error("tagline history: " .. text)
  return 1
end

--- A wrong command line, as all commands end with it.
local function wrong(text)
  fail(text)
  return 2
end

local stamp, csv = csv_text.stamp, csv_text.cell

--- Lines for stdout. What devices sent must not move a terminal; a file gets it as it is.
local put = io.write

local function say_below(text) io.stderr:write(text) end

local function put_visibly(...)
  say.line((table.concat { ... }:gsub("\n$", "")))
end

local function json(value)
  if type(value) ~= "string" then return value == nil and "null" or csv(value) end
  return '"' .. value:gsub('[%c"\\]', function(c)
    return c == '"' and '\\"' or c == "\\" and "\\\\" or c == "\n" and "\\n"
      or ("\\u%04x"):format(c:byte())
  end) .. '"'
end

local function as_pattern(pattern)
  return "^" .. pattern:gsub("[^%w*?]", "%%%0"):gsub("%*", ".*"):gsub("%?", ".") .. "$"
end

--- Each tag once: one that changed its type is there for each type, the newest last.
local function by_name(tags)
  local list = {}
  for _, tag in ipairs(tags) do
    local last = list[#list]
    list[last and last.name == tag.name and #list or #list + 1] = tag
  end
  return list
end

local NEAR = 2000 -- names that are compared with one that nothing has

--- Tags of the file that one of the patterns names; all without patterns.
local function choose(tags, patterns)
  if #patterns == 0 then return tags end
  local chosen, seen = {}, {}
  for _, pattern in ipairs(patterns) do
    local any = false
    for _, tag in ipairs(tags) do
      if tag.name:find(as_pattern(pattern)) then
        any = true
        if not seen[tag.name] then chosen[#chosen + 1] = tag end
        seen[tag.name] = true
      end
    end
    if not any then
      local names = {}
      for i = 1, math.min(#tags, NEAR) do names[i] = tags[i].name end
      local meant = require("tagline.config.near").find(pattern, names)
      return nil, ("no tag of the history is called '%s'%s"):format(pattern,
        meant and ("; did you mean '%s'?"):format(meant) or "")
    end
  end
  return chosen
end

--- The file of a config: what its `history { file = … }` names.
local function file_of(path)
  if not path:match("%.lua$") then return path end
  local draft, problems = require("tagline.config.load").file(path, { check = true })
  if not draft then
    for _, problem in ipairs(problems) do say.error(problem.text) end
    return nil, "the config has errors"
  end
  local why = "%s has no history { file = … }"
  for _, one in ipairs(draft.outlets and draft.outlets.list or {}) do
    if one.kind == "history" then return one.file, nil, one.keep end
    if one.kind == "postgres" then why = why .. ": ask PostgreSQL, which has its values" end
  end
  return nil, why:format(path)
end

--- As on the values stream: times as ISO 8601, bytes that are no text as base64.
local function json_value(value, is_time)
  if is_time and type(value) == "number" then return '"value":"' .. stamp(value) .. '"' end
  if type(value) == "string" and not utf8.len(value) then
    return '"base64":"' .. require("tagline.codec.base64").encode(value) .. '"'
  end
  return '"value":' .. json(value)
end

--- An interval without a value that is valid.
local function status_of(row)
  return row.status or (row.value == nil and "invalid" or "valid")
end

--- Prints rows, or intervals, as lines of JSON. Several aggregates are several members; one is the
--- value, and `as` tells which.
local function json_printer(tag, as)
  local only = as and #as == 1 and as[1]
  local tail = only and ',"as":"' .. only .. '"}\n' or "}\n"
  return function(row)
    local kind = row.type or tag.type -- from before a change of the tag's type: its own
    local parts = {}
    for i, name in ipairs(as and #as > 1 and as or {}) do
      local value = row[name]
      if value and csv_text.is_time(kind, name) then value = stamp(value) end
      parts[i] = ('"%s":%s'):format(name, json(value))
    end
    if not parts[1] then
      parts = { ('"type":"%s"'):format(kind), json_value(row.value, csv_text.is_time(kind, only)),
        ('"status":"%s"'):format(status_of(row)),
        row.reason and ('"reason":"%s"'):format(row.reason) }
    end
    put('{"time":"', stamp(row.time), '","tag":', json(tag.name), ",",
      table.concat(parts, ","), tail)
  end
end

local function printer(options, tag)
  if options.format == "json" then return json_printer(tag, options.as) end
  return function(row) put(csv_text.row(row, tag, options.as)) end
end

--- One answer holds a million rows: a range with more is read in halves.
local function each_row_of(path, question, from, to, each)
  local first, last = question.from, question.to
  question.from, question.to = from, to
  local rows, why = file.read(path, question)
  question.from, question.to = first, last
  if not rows then return nil, why end
  if rows.left_out > 0 and not question.every and to - from > 0.002 then
    local middle = from + math.floor((to - from) * 500) / 1000
    local ok
    ok, why = each_row_of(path, question, from, middle, each)
    if not ok then return nil, why end
    return each_row_of(path, question, middle, to, each)
  end
  if question.every then range.plain(rows, question.as) end
  for _, row in ipairs(rows) do
    if from == first or row.time >= from then each(row) end -- else it is the one that held
  end
  if rows.left_out > 0 then
    io.stderr:write(("tagline history: %s: %d older rows are left out, give a shorter range\n")
      :format(question.tag, rows.left_out))
  end
  return true
end

--- Calls each(row) for all rows of a tag, oldest first.
local function each_row(path, tag, question, each)
  question.tag, question.type, question.limit = tag.name, tag.type, nil
  local ok, why = each_row_of(path, question, question.from, question.to, each)
  if ok or not why:find("of a text there are", 1, true) then return ok, why end
  -- the other tags have theirs
  fail(("%s: %s"):format(tag.name, (why:gsub('as = "count"', "--as count"))))
  return true
end

--- Values that never came here are told beside the rows.
local function say_holes(path, from, to, out)
  local holes, why = file.holes(path, from, to)
  if not holes then return fail(why) end
  for _, hole in ipairs(holes) do
    out(("%d values from %s to %s are missing: they were dropped before they were stored \z
      (the spool was full, or is damaged)\n"):format(hole.count, stamp(hole.from), stamp(hole.to)))
  end
  return 0
end

local function tall(path, tags, question, options)
  options.as = question.as
  if options.format ~= "json" then put(csv_text.head(question.as)) end
  for _, tag in ipairs(tags) do
    local ok, why = each_row(path, tag, question, printer(options, tag))
    if not ok then return fail(why) end
  end
  return 0
end

--- A column for each tag, a row for each time that one of them has.
local function wide(path, tags, question)
  local times, at, columns, hidden = {}, {}, {}, 0
  for i, tag in ipairs(tags) do
    columns[i] = {}
    local ok, why = each_row(path, tag, question, function(row)
      if not at[row.time] then
        at[row.time] = true
        times[#times + 1] = row.time
      end
      if columns[i][row.time] ~= nil then hidden = hidden + 1 end
      columns[i][row.time] = csv_text.value(row.value, row.type or tag.type,
        question.as and question.as[1])
    end)
    if not ok then return fail(why) end
  end
  table.sort(times)
  local head = { "time" }
  for i, tag in ipairs(tags) do head[i + 1] = csv(tag.name) end
  put(table.concat(head, ","), "\n")
  for _, time in ipairs(times) do
    local line = { stamp(time) }
    for i = 1, #tags do line[i + 1] = columns[i][time] or "" end
    put(table.concat(line, ","), "\n")
  end
  if hidden > 0 then
    fail(("%d value%s with the time of another %s not shown"):format(hidden,
      hidden == 1 and "" or "s", hidden == 1 and "is" or "are"))
  end
  return 0
end

local function check(path)
  local problems, why = file.check(path)
  if not problems then return fail(why) end
  for _, text in ipairs(problems) do put(text, "\n") end
  if #problems == 0 then put(path, ": sound\n") end
  say_holes(path, 0, 1e11, put)
  return #problems == 0 and 0 or 1
end

--- Types of the tags that the config names, where it is one.
local function types_of(path)
  local known = {}
  if not path:match("%.lua$") then return known end
  local draft = require("tagline.config.load").file(path)
  for _, line in ipairs(draft and draft.lines or {}) do
    for _, station in ipairs(line.stations) do
      for _, tag in ipairs(station.tags) do
        known[("%s.%s.%s"):format(line.name, station.name, tag.name)] = tag.type
      end
    end
  end
  return known
end

--- Rows of a CSV file into the history.
local function import(from, path, config, keep)
  local known = types_of(config)
  for _, tag in ipairs(file.tags(path) or {}) do known[tag.name] = tag.type end
  local count, added, old = require("tagline.history.import").run(from,
    function() return file.open(path, keep) end, known)
  if not count then return fail(added) end
  put(("%d rows, %d of them new"):format(count, added), old > 0
    and (", %d older than the history keeps"):format(old) or "", "\n")
  return 0
end

--- The command: texts, "" where an option was not given; the last ones are FILE and the patterns.
function main.main(last, from, to, every, as, format, what, zone, terminal, path, ...)
  if terminal ~= "" then put = put_visibly end
  local function given(text) return text ~= "" and text or nil end
  local function number_or(text)
    return text:find "^%d+%.?%d*$" and tonumber(text) or given(text)
  end
  local why, keep
  local config = path
  path, why, keep = file_of(path)
  if not path then return fail(why) end
  if what == "check" then return check(path) end
  local csv_file = what:match("^import:(.*)$")
  if csv_file then return import(csv_file, path, config, keep) end
  local list
  if given(as) then
    list = {}
    for name in as:gmatch("[^,]+") do list[#list + 1] = name:match "^%s*(.-)%s*$" end
  end
  if format == "wide" and list and #list > 1 then
    return wrong("--wide has room for one of --as")
  end
  local present = os.time() + 1 -- the present second belongs to it
  local question
  question, why = range.read({ last = number_or(last), from = number_or(from), to = number_or(to),
    every = number_or(every), as = list, zone = given(every) and zone }, present, "--",
    function(seconds, is_to) return file.moment(zone, seconds, is_to) end)
  if not question then return wrong(why) end
  local tags
  tags, why = file.tags(path)
  if not tags then return fail(why) end
  tags, why = choose(by_name(tags), { ... })
  if not tags then return fail(why) end
  local code = format == "wide" and wide(path, tags, question)
    or format ~= "wide" and tall(path, tags, question, { format = format })
  return math.max(code, say_holes(path, question.from, question.to, say_below))
end

return main
