--- `tagline replay`: a capture through a config, or through two, at the time of its messages.
local capture = require "tagline.test.capture"
local explain = require "tagline.repl.explain"
local open = require("tagline.test.explain").open
local say = require "tagline.test.say"
local offline = require "tagline.offline"

local M = {}

local function tell(format, ...) say.error("tagline replay: " .. format:format(...)) end

--- "1 message is", "2 messages are".
local function plural(n, one, many) return ("%d %s"):format(n, n == 1 and one or many) end

local function first_line(text) return (text:match("^[^\n]*")) end

--- Feeds a message: to its line where the config has one of that name, else to each that
--- subscribes. Counts what nobody took.
local function feed(one, m, lines, counts)
  local options = { qos = m.qos, id = m.id, retain = m.retain, dup = m.dup, time = m.time }
  if m.line and lines[m.line] == nil then
    lines[m.line] = pcall(one.explain, one, m.topic, nil, { line = m.line })
  end
  if lines[m.line] then options.line = m.line end
  local ok, taken, unrouted = pcall(one.feed, one, m.topic, m.payload, options)
  if not ok then
    counts.wrong = (counts.wrong or 0) + 1
    return
  end
  if taken == 0 and unrouted == 0 then counts.filtered = (counts.filtered or 0) + 1 end
  if unrouted > 0 then counts.unrouted = (counts.unrouted or 0) + 1 end
end

local function tell_counts(counts, what)
  if counts.filtered then
    tell("%s taken by no topic filter%s", plural(counts.filtered, "message is", "messages are"),
      what)
  end
  if counts.unrouted then
    tell("%s taken by no station%s", plural(counts.unrouted, "message is", "messages are"), what)
  end
  if counts.wrong then
    tell("%s a topic that is not valid%s", plural(counts.wrong, "message has", "messages have"),
      what)
  end
end

--- Without where in its file it happened: a config's name and its line numbers are no
--- difference between two configs.
local function without_place(text) return (text:gsub("[^%s:]+:%d+: ", "", 1)) end

--- Says what handlers of the last message raised, each text once.
local function tell_errors(errors, topic, said)
  for _, text in ipairs(errors) do
    if not said[text] then tell("%s: %s", topic, text) end
    said[text] = true
  end
end

local function add(counts, name, n)
  if n > 0 then counts[name] = (counts[name] or 0) + n end
end

--- Feeds all messages. Those that are written as save() writes them go through C, many at a time;
--- any other is read here. `news(values)` hears each part; nothing or false ends it. Returns how
--- many there were, or nil and why.
local function feed_all(reader, one, most, news)
  local counts, lines, said, all = {}, {}, {}, 0
  while true do
    local text, at = reader:block()
    if not text then
      if at then return nil, at end
      break
    end
    local stopped, behind, fed, topic, filtered, unrouted, wrong = one:replay(text, at, most)
    reader:passed(behind, fed)
    all = all + fed
    add(counts, "filtered", filtered)
    add(counts, "unrouted", unrouted)
    add(counts, "wrong", wrong)
    if stopped == "odd" then
      local m, why = reader:next()
      if m then
        feed(one, m, lines, counts)
        topic, all = m.topic, all + 1
      elseif why then
        news((one:news()))
        return nil, why
      end
    end
    local values, _, errors = one:news()
    local ok, why = news(values)
    if not ok then return nil, why end
    tell_errors(errors, topic, said)
  end
  tell_counts(counts, "")
  return all
end

local MANY = 1000000

local function values_of(reader, one)
  local all, why = feed_all(reader, one, MANY, function(values)
    return (io.stdout:write(values))
  end)
  if all then return 0 end
  if why then tell("%s", why) end
  return 1
end

--- The values go into a history in place of stdout.
local function record(reader, one, path)
  local all
  local ok, why = one:record(path)
  if ok then all, why = feed_all(reader, one, 1000, function() return one:recorded() end) end
  if all then ok, why = one:recorded() end
  if not (all and ok) then
    tell("%s", why)
    return 1
  end
  tell("%s went into %s", plural(all, "message", "messages"), path)
  return 0
end

--- What a message made of each tag: lists of values, by tag; names in the order in which they came.
local function by_tag(values, errors)
  local tags, names = {}, {}
  for text in values:gmatch("[^\n]+") do
    local v = offline.json(text)
    if not tags[v.tag] then
      tags[v.tag] = {}
      names[#names + 1] = v.tag
    end
    table.insert(tags[v.tag], { text = text, value = v })
  end
  for _, text in ipairs(errors) do
    local scope = text:match("^[%w_%-.%%]+") or "error"
    tags[scope] = tags[scope] or {}
    if #tags[scope] == 0 then names[#names + 1] = scope end
    table.insert(tags[scope], { text = "error " .. without_place(first_line(text)),
      error = first_line(text) })
  end
  return tags, names
end

local function value_text(v)
  if v.base64 then return "base64 " .. v.base64 end
  if v.status ~= "valid" then return v.status .. (v.reason and " (" .. v.reason .. ")" or "") end
  return explain.value(v.value)
end

local function one_text(a, b)
  if not a then return "no new value" end
  if a.error then return a.error end
  local text = value_text(a.value)
  if b and b.value and value_text(b.value) == text then
    return text .. " at " .. tostring(a.value.time)
  end
  return text
end

local function differences(m, a, b, told)
  local old, names = a.tags, {}
  for _, name in ipairs(a.names) do names[#names + 1] = name end
  for _, name in ipairs(b.names) do
    if not old[name] then names[#names + 1] = name end
  end
  for _, name in ipairs(names) do
    local x, y = old[name] or {}, b.tags[name] or {}
    for i = 1, math.max(#x, #y) do
      if not (x[i] and y[i] and x[i].text == y[i].text) then
        told.count = told.count + 1
        told.tags[name] = true
        local text = ("#%d %s: %s: %s → %s"):format(m.place, m.topic, name, one_text(x[i], y[i]),
          one_text(y[i], x[i]))
        if not say.line(text) then return false end
      end
    end
  end
  return true
end

local function compare(reader, old, new, paths)
  local told = { count = 0, tags = {} }
  local counts = { old = {}, new = {} }
  local lines = { old = {}, new = {} }
  local place = 0
  while true do
    local m, why = reader:next()
    if why then
      tell("%s", why)
      return 1
    end
    if not m then break end
    place = place + 1
    m.place = place
    local made = {}
    for name, one in pairs { old = old, new = new } do
      feed(one, m, lines[name], counts[name])
      local values, _, errors = one:news()
      local tags, names = by_tag(values, errors)
      made[name] = { tags = tags, names = names }
    end
    if not differences(m, made.old, made.new, told) then return 1 end
  end
  tell_counts(counts.old, " of " .. paths.old)
  tell_counts(counts.new, " of " .. paths.new)
  local n = 0
  for _ in pairs(told.tags) do n = n + 1 end
  tell("%s, %s", plural(place, "message", "messages"), told.count == 0 and "no differences"
    or ("%s in %s"):format(plural(told.count, "difference", "differences"),
      plural(n, "tag", "tags")))
  return told.count == 0 and 0 or 1
end

function M.main(unsafe, path, config, against, history)
  local reader <close>, why = capture.open(path)
  local begin = reader and (reader:first_time() or os.time())
  if not reader then
    tell("%s", why)
    return 1
  end
  local old = nil
  if against ~= "" then
    old = open(against, unsafe ~= "", begin)
    if not old then return 1 end
  end
  local one <close> = open(config, unsafe ~= "", begin)
  if not one then return 1 end
  if history ~= "" then return record(reader, one, history) end
  if not old then return values_of(reader, one) end
  local code = compare(reader, old, one, { old = against, new = config })
  old:close()
  return code
end

return M
