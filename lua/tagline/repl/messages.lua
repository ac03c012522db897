--- Recorded messages as a table that a person can read.
local more = require "tagline.repl.more"
local pretty = require "tagline.repl.pretty"
local print_module = require "tagline.repl.print"
local print_value = require "tagline.repl.print_value"

local M = {}

local SHOWN, EXCERPT = 40, 48

local function excerpt(payload)
  local cut = #payload > EXCERPT
  local part = payload:sub(1, EXCERPT)
  if not utf8.len(part) then
    -- a character may be cut in the middle
    local good = cut and part:match("^(.-)[\xC0-\xFF][\x80-\xBF]*$")
    part = good and utf8.len(good) and good or nil
  end
  if not part or part:find("[^%C\t\r\n]") then
    part = payload:sub(1, EXCERPT // 3):gsub(".", function(c) return ("%02x "):format(c:byte()) end)
    return part .. (#payload > EXCERPT // 3 and "…" or "")
  end
  return print_value.plain(part) .. (cut and "…" or "")
end

local function flags(m)
  local list = {}
  if m.retain then list[#list + 1] = "retain" end
  if m.dup then list[#list + 1] = "dup" end
  return table.concat(list, " ")
end

local function clock(seconds)
  local ms = math.floor(seconds * 1000 + 0.5)
  return ("%s.%03dZ"):format(os.date("!%Y-%m-%dT%H:%M:%S", ms // 1000), ms % 1000)
end

local function goes_to(m)
  local to = m.station and "→ " .. m.station or not m.will and "→ " .. m.line .. ": no station"
  if not m.will then return to end
  return ("%s %s of %s"):format(to and to .. "," or "→", m.birth and "birth" or "will", m.will)
end

local function row(m)
  return { "#" .. m.number, clock(m.time), print_value.plain(m.topic), tostring(m.qos), flags(m),
    tostring(#m.payload), excerpt(m.payload),
    goes_to(m) }
end

local HEAD = { "", "time", "topic", "qos", "flags", "bytes", "payload", "goes to" }

-- What gives way first where the terminal is narrow: the payload, where it goes, the topic.
local ELASTIC = { 7, 8, 3 }

local function columns(rows, options)
  return print_module.columns(rows, options.tty and options.width, ELASTIC)
end

local function message_text(m, options)
  options = options or {}
  local text = columns({ HEAD, row(m) }, options)
  local whole = pretty.payload(m.payload, print_module.dump)
  if whole == "" then return text end
  return text .. "\n\n" .. (whole:gsub("[^\n]+", print_value.plain))
end

--- The newest SHOWN messages of the first `last` ones; `older`: how many more there are that were
--- not asked for.
local function list_text(list, older, options, last)
  options = options or {}
  last = last or #list
  if last == 0 then return "(no messages recorded)" end
  local rows, first = { HEAD }, math.max(1, last - SHOWN + 1)
  for i = first, last do rows[#rows + 1] = row(list[i]) end
  local text, left = columns(rows, options), first - 1 + older
  if left == 0 then return text end
  local how = 'messages("topic/#") has those of a topic, messages("#", 10000) more'
  local function rest(o) return list_text(list, older, o, first - 1) end
  if first > 1 and more.keep(options, rest) then
    how = 'more shows them, messages("topic/#") those of a topic'
  end
  return ("(%d older ones are not shown; %s)\n"):format(left, how) .. text
end

local message_meta = { __name = "tagline.recorded", __tostring = message_text,
  __show = message_text,
  __metatable = "tagline.recorded" }

--- A list of messages; `older`: how many more there are that were not asked for.
function M.wrap(list, older)
  for _, m in ipairs(list) do setmetatable(m, message_meta) end
  return setmetatable(list, { __name = "tagline.messages", __metatable = "tagline.messages",
    __tostring = function() return list_text(list, older) end,
    __show = function(_, options) return list_text(list, older, options) end })
end

return M
