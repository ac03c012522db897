--- `tagline history --import FILE.csv`: rows of a CSV file into a history. The columns are those
--- that the command prints: time, tag, value, and if they are there status, reason, unit. A file
--- with an error in it changes nothing; a row that is there already adds nothing.
local kinds = require "tagline.config.kinds"
local range = require "tagline.history.range"

local import = {}

local COLUMNS = { time = true, tag = true, value = true, status = true, reason = true, unit = true }
local NUMBERS = { Ai = true, Ao = true, TiR = true, ToR = true }
local INTEGERS = { Ci = true, Co = true }
local SWITCHES = { ["true"] = true, ["false"] = false, ["1"] = true, ["0"] = false }

--- The fields of a line, or nil and what is wrong with it. `plain`: the pattern of a line with as
--- many fields as the first one has, and without quotes, as nearly all are.
local function split(text, plain)
  if plain and not text:find('"', 1, true) then
    local fields = { text:match(plain) }
    if fields[1] then return fields end
  end
  local fields, at = {}, 1
  while true do
    local field
    if text:sub(at, at) == '"' then
      local parts = {}
      at = at + 1
      while true do
        local stop = text:find('"', at, true)
        if not stop then return nil, "a quote that is not closed" end
        parts[#parts + 1] = text:sub(at, stop - 1)
        at = stop + 1
        if text:sub(at, at) ~= '"' then break end
        parts[#parts + 1] = '"'
        at = at + 1
      end
      field = table.concat(parts)
    else
      local stop = text:find(",", at, true) or #text + 1
      field, at = text:sub(at, stop - 1), stop
    end
    fields[#fields + 1] = field
    if at > #text then return fields end
    if text:sub(at, at) ~= "," then return nil, "expected a comma behind the closing quote" end
    at = at + 1
  end
end

--- Records of an open file: the fields and the line in which they begin. A line break inside
--- quotes belongs to the field.
local function records(source)
  local number = 0
  return function()
    local text = source:read "l"
    if not text then return nil end
    number = number + 1
    local first = number
    while text:find('"', 1, true) and select(2, text:gsub('"', "")) % 2 == 1 do
      local more = source:read "l"
      if not more then break end
      number = number + 1
      text = text .. "\n" .. more
    end
    return first, text:byte(-1) == 13 and text:sub(1, -2) or text
  end
end

--- Where each column is: name → place. nil and what is wrong.
local function read_head(text)
  local fields, why = split((text:gsub("^\xef\xbb\xbf", "")))
  if not fields then return nil, why end
  local places = {}
  for place, name in ipairs(fields) do
    name = name:lower():match("^%s*(.-)%s*$")
    if not COLUMNS[name] then
      return nil, ("unknown column '%s'; expected time,tag,value,status,reason,unit"):format(name)
    end
    if places[name] then return nil, ("the column '%s' is there twice"):format(name) end
    places[name] = place
  end
  for _, name in ipairs { "time", "tag", "value" } do
    if not places[name] then
      return nil, ("no column '%s'; expected time,tag,value,status,reason,unit"):format(name)
    end
  end
  return places, nil, #fields
end

local function number_of(text)
  local value = text:find "^[+-]?[%d.]+[eE]?[+-]?%d*$" and tonumber(text)
  if value and value == value and math.abs(value) ~= math.huge then return value end
end

--- The value of a row by its tag's type, as the file wants it; nil and what is wrong.
local function value_of(kind, text)
  if kind == "TxtI" or kind == "TxtO" then return text end
  local value = number_of(text)
  if kind == "Di" or kind == "Do" then
    if SWITCHES[text] ~= nil then return SWITCHES[text] end
    return nil, kinds.expected("true or false", text)
  elseif INTEGERS[kind] then
    value = value and math.tointeger(value)
    if value then return value end
    return nil, kinds.expected("an integer", text)
  elseif kind == "Qi" then
    value = value and math.tointeger(value)
    if value and value >= 0 and value <= 4 then return value end
    return nil, kinds.expected("a state from 0 to 4", text)
  elseif NUMBERS[kind] then
    if value then return value + 0.0 end
    return nil, kinds.expected("a number", text)
  end
  if not value then
    value = range.time(text)
    if not value then return nil, kinds.expected("a time", text) end
  end
  return math.floor(value * 1000 + 0.5)
end

local REASONS = { missing = true, json = true, type = true, range = true, decoder = true,
  ["station-will"] = true, disconnected = true, ["no-data"] = true, off = true, time = true }

-- What was found right, of texts that come again and again: the names of tags, and what stands in
-- front of a time's seconds. Few of them are kept, whatever a file holds.
local Seen = {}
Seen.__index = Seen

local KEPT = 10000

local function new_seen() return setmetatable({ tags = {}, minutes = {}, count = 0 }, Seen) end

function Seen:keep(list, key, value)
  if self.count >= KEPT then
    self.tags, self.minutes, self.count = {}, {}, 0
  else
    list[key], self.count = value, self.count + 1
  end
  return value
end

function Seen:is_tag(name)
  return self.tags[name]
    or name:find "^[%w_%-%%]+%.[%w_%-%%]+%.[%w_%-%%]+$" and self:keep(self.tags, name, true)
end

--- As range.time(), for a text.
function Seen:time(text)
  local minute, seconds, zone = text:match "^([^:]+:%d%d):(%d%d%.?%d*)([^%d.].*)$"
  if not minute then return range.time(number_of(text) or text) end
  if zone ~= self.zone then
    self.zone, self.minutes = zone, {}
  end
  local begins = self.minutes[minute]
  if not begins then
    begins = range.time(minute .. zone)
    if not begins then return range.time(text) end
    self:keep(self.minutes, minute, begins)
  end
  return begins + tonumber(seconds)
end

--- One row: { tag =, ms =, text =, reason =, unit = }; false: it says nothing (unset). nil and
--- what is wrong. The same table each time.
local function read_row(row, fields, places, seen)
  local tag = fields[places.tag]
  local status = places.status and fields[places.status] or ""
  local reason = places.reason and fields[places.reason] or ""
  if not seen:is_tag(tag) then
    return nil, "tag: " .. kinds.expected("a full name such as plant.boiler.temperature", tag)
  end
  local seconds, why = seen:time(fields[places.time])
  if not seconds then return nil, "time: " .. why end
  if status == "unset" then return false end
  if status == "" then status = reason == "" and "valid" or "invalid" end
  if status ~= "valid" and status ~= "invalid" then
    return nil, "status: " .. kinds.expected("valid, invalid or unset", status)
  end
  if status == "valid" and reason ~= "" then return nil, "reason: a valid value has none" end
  if status == "invalid" and not REASONS[reason] then
    return nil, "reason: " .. kinds.expected("missing, json, type, range … of an invalid value",
      reason)
  end
  row.tag, row.ms, row.text = tag, math.floor(seconds * 1000 + 0.5), fields[places.value]
  row.reason = reason ~= "" and reason or nil
  row.unit = places.unit and fields[places.unit] or ""
  return row
end

--- What a tag that nobody knows is: by all its values.
local function guess(seen, text)
  if seen.kind == "TxtI" then return end
  local value = number_of(text)
  if text == "true" or text == "false" then
    seen.kind = (seen.kind == nil or seen.kind == "Di") and "Di" or "TxtI"
  elseif not value then
    seen.kind = "TxtI"
  elseif math.type(value) == "integer" and math.abs(value) >= 2 ^ 53 then
    seen.kind = (seen.kind == nil or seen.kind == "Ci" or seen.whole) and "Ci" or "TxtI"
  elseif seen.kind == "Ci" then
    if math.type(value) ~= "integer" then seen.kind = "TxtI" end
  else
    seen.kind = (seen.kind == nil or seen.kind == "Ai") and "Ai" or "TxtI"
  end
  seen.whole = seen.whole ~= false and value ~= nil and math.type(value) == "integer"
end

--- Calls each(row) for each row of a file, which is the same table each time; nil and what is
--- wrong, with its place.
local function rows(path, each)
  local source <close>, why = io.open(path, "rb")
  if not source then return nil, why end
  local _, unread = source:read(0)
  if unread then return nil, ("%s: %s"):format(path, unread) end -- a folder
  local places, width, plain
  local one, seen, line_now = {}, new_seen(), 0
  local function wrong(what) return nil, ("%s:%d: %s"):format(path, line_now, what) end
  for line, text in records(source) do
    line_now = line
    if not places then
      places, why, width = read_head(text)
      if not places then return wrong(why) end
      plain = "^" .. ("([^,]*),"):rep(width - 1) .. "([^,]*)$"
    elseif text ~= "" then
      local fields
      fields, why = split(text, plain)
      if not fields then return wrong(why) end
      if #fields ~= width then
        return wrong(("expected %d fields as in the first line, got %d"):format(width, #fields))
      end
      local row
      row, why = read_row(one, fields, places, seen)
      if row == nil then return wrong(why) end
      if row then
        why = each(row)
        if why then return wrong(why) end
      end
    end
  end
  if not places then
    return nil, path .. ": is empty; expected time,tag,value,status,reason,unit"
  end
  return true
end

--- Reads all of `csv` and stores it by `open` (the file's writer). `known`: name → type, of tags
--- that the history or its config has. Returns how many rows there were, how many of them are
--- new, and how many were older than the history keeps; nil and what is wrong.
function import.run(csv, open, known)
  local guessed = {}
  local ok, why = rows(csv, function(row)
    if row.reason then return end
    local kind = known[row.tag]
    if kind then
      local _, wrong = value_of(kind, row.text)
      return wrong and ("value: %s (%s is %s)"):format(wrong, row.tag, kind) or nil
    end
    local seen = guessed[row.tag]
    if not seen then
      seen = {}
      guessed[row.tag] = seen
    end
    guess(seen, row.text)
  end)
  if not ok then return nil, why end
  local writer
  writer, why = open()
  if not writer then return nil, why end
  local w <close> = writer
  local before, count, last = w:rows(), 0, {}
  ok, why = rows(csv, function(row)
    local kind = known[row.tag] or (guessed[row.tag] or {}).kind or "Ai"
    local place = last[row.tag]
    if not place then
      place = {}
      last[row.tag] = place
    end
    local n = place.ms == row.ms and place.n + 1 or 0
    place.ms, place.n = row.ms, n
    count = count + 1
    local _, wrong = w:add(row.tag, kind, row.unit, row.ms, n,
      not row.reason and value_of(kind, row.text) or nil, row.reason)
    return wrong
  end)
  if not ok then return nil, why end
  local old
  old, why = w:flush()
  if not old then return nil, why end
  return count, w:rows() - before, old
end

return import
