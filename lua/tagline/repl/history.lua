--- history() and plot() of the prompt: what was, as rows or as a curve.
local kinds = require "tagline.config.kinds"
local csv = require "tagline.history.csv"
local plot = require "tagline.history.plot"
local range = require "tagline.history.range"

local TEXT_MOST = 4000000 -- bytes of CSV: a script may have texts of 4 MiB

local LIMIT_MOST = 1000000 -- rows of one answer

local history = {}

--- The full name of a tag object or of a text; an error says what was expected.
local function name_of(tag, what)
  if type(tag) == "string" then return tag end
  local ok, name = pcall(function() return tag.full_name end)
  if ok and type(name) == "string" then return name end
  if tag == nil then
    error(("%s: there is no such tag; one that only the history has is given as a text, as in \z
      %s(\"plant.boiler.temperature\", \"1h\")"):format(what, what), 3)
  end
  error(what .. ": expected a tag or its full name, as in " .. what
    .. "(tags[\"plant.boiler.temperature\"], \"1h\")", 3)
end

--- Waits for the disk; the loop has its turn while many rows become tables.
local function ask(live, name, question)
  question.tag = name
  local answer, rows = live.history(question)
  if not answer then return nil, rows end
  local at = 1
  repeat
    at = answer:fill(rows, at)
    if at then live.rest() end
  until not at
  if question.every and #question.as == 1 then range.plain(rows, question.as) end
  return rows
end

--- A copy of the options without those of answers (see history.word), and these.
local function of_answer(options)
  if type(options) ~= "table" then return options, {} end
  local copy = {}
  for key, value in pairs(options) do copy[key] = value end
  copy.csv, copy.note = nil, nil
  return copy, options
end

--- `unit` or `type` of a tag, or of the live one with this name.
local function member_of(tag, api, key)
  if type(tag) ~= "string" then return tag[key] end
  local ok, member = pcall(function() return api.tags[tag][key] end)
  return ok and member or nil
end

--- No value of a tag of this process is kept yet: that is no error, and no rows.
local function none_yet(tag, api, why)
  -- no reason: something else has resumed the coroutine that asked
  if not why or not why:find("the history has no tag", 1, true) then return nil end
  if type(tag) == "string" and not member_of(tag, api, "name") then return nil end
  return setmetatable({ left_out = 0 }, { __name = "tagline.list" })
end

local function holds_any(rows)
  for _, row in ipairs(rows) do
    if row.value ~= nil then return true end
  end
  return false
end

--- What a curve of n columns needs of any number of rows: lowest, highest and last value of
--- each column's time, and where there was none; whether texts are among them; the unit.
local function ask_curve(live, name, from, to, n)
  local ms = math.max(1, math.ceil((to - from) * 1000 / n))
  local every, offset = ms / 1000, -math.floor(from * 1000) % ms / 1000
  local intervals, why = ask(live, name, { from = from, to = to, every = every, offset = offset,
    unit = true, as = { "min", "max", "last", "good", "time_avg" } })
  if not intervals then return nil, why end
  local rows, holds, is_text = {}, false, false
  local function add(time, value)
    rows[#rows + 1] = { time = math.max(time, from), value = value,
      status = value and "valid" or "invalid" }
    holds = value ~= nil
  end
  for _, one in ipairs(intervals) do
    if one.min then
      add(one.time, one.min)
      add(one.time + every / 4, one.max)
      add(one.time + every / 2, one.last)
    elseif one.time_avg and not holds then -- held since before
      add(one.time, one.time_avg)
    elseif one.good == 0 and holds then
      add(one.time)
    end
    if one.good and one.good > 0 and not one.min and not one.time_avg then is_text = true end
  end
  return rows, is_text, intervals.unit
end

--- What the limit left out, and how it is read; nil: nothing.
local function what_is_left(rows, question)
  if rows.left_out == 0 then return nil end
  local what = question.every and "interval" or "row"
  return ("%d older %s left out: read on with to = %s, or give limit = %d"):format(rows.left_out,
    rows.left_out == 1 and what .. " is" or what .. "s are", csv.cell(rows.left_to),
    math.min(#rows + rows.left_out, LIMIT_MOST))
end

--- A range and a table of options behind it ("1h", { every = "1m" }) as one table.
local function with_range(span, options, word)
  if type(options) ~= "table" or options.last or options.from or options.to then
    error(("%s: expected one range, a text such as \"1h\" or { from =, to = }"):format(word), 3)
  end
  local all = { last = span }
  for key, value in pairs(options) do all[key] = value end
  return all
end

--- history(tag [, "1h" | { from =, to =, every =, as =, limit =, csv = }]). The API also gives a
--- function `note`, which is called with the rows: those left out lie from left_from to left_to.
function history.word(live, api)
  return function(tag, options, more)
    if more ~= nil then options = with_range(options, more, "history") end
    local name = name_of(tag, "history")
    local plain, answer = of_answer(options)
    local question, why = range.read(plain, live.now())
    if not question then error("history: " .. why, 2) end
    local wrong_csv, as_csv = kinds.boolean(answer.csv or false) -- "YES" and "NO", too
    if wrong_csv then error("history: csv: " .. wrong_csv, 2) end
    if not question.every then question.limit = question.limit or 10000 end
    -- a text needs the types: rows of another one than this name theirs
    local kind = as_csv and (member_of(tag, api, "type") or "Ai") or nil
    question.type, question.unit = kind, as_csv or nil
    local rows, wrong = ask(live, name, question)
    rows = rows or none_yet(tag, api, wrong)
    if not rows then return nil, wrong end
    if answer.note then answer.note(rows) end
    if not as_csv then return rows end
    local text = csv.text(rows, { name = name, type = kind, unit = member_of(tag, api, "unit")
      or rows.unit }, question.as, TEXT_MOST)
    local left = text and not answer.note and what_is_left(rows, question)
    if left then return text, left end
    if text then return text end
    return nil, ("%d rows are more CSV than one text holds; in a shell: %s"):format(#rows,
      "tagline history CONFIG.lua TAG --csv")
  end
end

local PLOT = { width = kinds.integer(10, 1000), height = kinds.integer(2, 200),
  ascii = kinds.boolean, from = false, to = false, last = false }

--- Options of plot, checked but for its times; an error says what was expected.
local function check_options(options)
  for key, value in pairs(options) do
    local check = PLOT[key]
    if check == nil then
      error(("plot: unknown option '%s'; expected from, to, last, width, height or ascii"):format(
        tostring(key)), 3)
    end
    local wrong = check and check(value)
    if wrong then error(("plot: %s: %s"):format(key, wrong), 3) end
  end
end

--- plot(tag … [, "1d" | { from =, to =, last =, ascii =, width =, height = }])
function history.plot_word(live, api)
  return function(...)
    local given = table.pack(...)
    local options, count = {}, given.n
    local last = given[count]
    if count > 1 and (type(last) == "table" or type(last) == "number" or type(last) == "string"
      and not last:find("%.%a")) then
      options = type(last) == "table" and last or { last = last }
      count = count - 1
      local span = given[count]
      if type(last) == "table" and count > 1 and (type(span) == "number"
        or type(span) == "string" and not span:find("%.%a")) then
        options = with_range(span, last, "plot")
        count = count - 1
      end
    end
    check_options(options)
    local _, ascii = kinds.boolean(options.ascii or false)
    local question, why = range.read({ from = options.from, to = options.to,
      last = options.last }, live.now())
    if not question then error("plot: " .. why, 2) end
    local lines = {}
    for i = 1, count do
      local name = name_of(given[i], "plot")
      local rows, wrong, unit = ask_curve(live, name, question.from, question.to,
        2 * (options.width or 80))
      if not rows then return nil, wrong end
      local kind = tostring(member_of(given[i], api, "type"))
      if (wrong or kind:find "^Txt") and not holds_any(rows) then
        return nil, ("%s is %s: a text has no curve"):format(name,
          kind:find "^Txt" and "a " .. kind or "of texts")
      end
      local drawn = plot.lines(rows, question.from, question.to,
        { name = name, ascii = ascii, width = options.width or 80,
          height = options.height, is_time = csv.is_time(kind),
          unit = member_of(given[i], api, "unit") or unit })
      table.move(drawn, 1, #drawn, #lines + 1, lines)
    end
    if count == 0 then
      error("plot: expected a tag, as in plot(tags[\"plant.boiler.temperature\"], \"1d\")", 2)
    end
    return table.concat(lines, "\n")
  end
end

return history
