--- Names of the stations that a config for what was heard has: of levels of their topics.
local text = require "tagline.discover.text"

local names = {}

local NAME_LEVELS = 4

-- Words at the end of a topic that say nothing of the device.
local generic = {}
for word in ("up uplink data status state value values telemetry event events json message tele "
  .. "stat SENSOR STATE attributes measurement measurements payload out"):gmatch "%w+" do
  generic[word] = true
end

--- The first level where all have the same, as a name; nil when they have not.
function names.shared(topics)
  local first = topics[1] and topics[1].levels[1]
  for _, t in ipairs(topics) do
    if t.levels[1] ~= first or #t.levels < 2 then return nil end
  end
  local name = first and text.name(first)
  return name ~= "" and name or nil
end

-- Of these levels, the last few; `at` is among them.
local function few(parts, at)
  local first = math.max(1, #parts - NAME_LEVELS + 1)
  if at and at < first then first = at end
  return table.concat(parts, "-", first, math.min(#parts, first + NAME_LEVELS))
end

local function parts_of(levels, from, at, own)
  local parts, place = {}, nil
  for i = from, #levels do
    local part = i == at and own or text.name(levels[i])
    if part ~= "" then
      parts[#parts + 1] = part
      if i == at then place = #parts end
    end
  end
  return parts, place
end

local function clean(prefix) return (prefix:gsub("[^%w_-]", "_")) end

--- A station's name that no other has, nor any of the devices of a group.
function names.station(levels, from, g, used)
  local own = g and clean(g.prefix) .. "{dev}" .. clean(g.suffix)
  local parts, place = parts_of(levels, from, g and g.at, own)
  local short = #parts > 1 and place ~= #parts and generic[levels[#levels]]
  local list = { short and few({ table.unpack(parts, 1, #parts - 1) }, place) or nil }
  list[#list + 1] = few(parts, place)
  local function taken(name)
    if used[name] then return true end
    for _, value in ipairs(g and g.values or {}) do
      if used[names.instance(name, g, value)] then return true end
    end
    return false
  end
  local name = list[1]
  if taken(name) and list[2] then name = list[2] end
  if name == "" then name = "topic" end
  local base, n = name, 1
  while taken(name) do
    n = n + 1
    name = base .. "_" .. n
  end
  used[name] = true
  for _, value in ipairs(g and g.values or {}) do used[names.instance(name, g, value)] = true end
  return name
end

--- The name of the station that a device of a group gets.
function names.instance(name, g, value)
  local own = value:sub(#g.prefix + 1, #value - #g.suffix)
    :gsub("[^%w_-]", function(c) return ("%%%02X"):format(c:byte()) end)
  return (name:gsub("{dev}", function() return own end))
end

return names
