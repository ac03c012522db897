--- Topics of Sparkplug B, and the request for a rebirth. Pure functions.
local clock = require "tagline.codec.sparkplug_b.clock"
local writer = require "tagline.codec.sparkplug_b.writer"

local topic = {}

--- Of each message type: does its topic name a device?
local types = { NBIRTH = false, NDEATH = false, NDATA = false, NCMD = false,
  DBIRTH = true, DDEATH = true, DDATA = true, DCMD = true }

local function show(value)
  return type(value) == "string" and ("%q"):format(value:sub(1, 60)) or tostring(value)
end

-- The levels of a topic with the byte each begins at.
local function split(text)
  local levels, places, at = {}, {}, 1
  repeat
    local slash = text:find("/", at, true)
    levels[#levels + 1], places[#places + 1] = text:sub(at, slash and slash - 1), at
    at = slash and slash + 1
  until not at
  return levels, places
end

---@class tagline.sparkplug.Topic
---@field type string NBIRTH NDEATH NDATA NCMD DBIRTH DDEATH DDATA DCMD STATE
---@field group? string
---@field edge? string
---@field device? string
---@field host? string of STATE

--- The parts of `spBv1.0/group/TYPE/edge[/device]` or `spBv1.0/STATE/host`.
---@param text string
---@return tagline.sparkplug.Topic?
---@return string? err names the byte, counted from 1
function topic.parse(text)
  local function wrong(at, expected, ...)
    return nil, ("topic, byte %d: expected "):format(at) .. expected:format(...)
  end
  local levels, places = split(text)
  if levels[1] ~= "spBv1.0" then return wrong(1, "spBv1.0, got %s", show(levels[1])) end
  for i = 2, #levels do
    if levels[i] == "" then return wrong(places[i], "a level that is not empty") end
  end
  if levels[2] == "STATE" and #levels == 3 then return { type = "STATE", host = levels[3] } end
  if #levels < 4 then return wrong(#text + 1, "spBv1.0/group/TYPE/edge, got %d levels", #levels) end
  local has_device = types[levels[3]]
  if has_device == nil then
    return wrong(places[3], "NBIRTH, NDATA or another message type, got %s", show(levels[3]))
  end
  if has_device and #levels == 4 then return wrong(#text + 1, "a device for %s", levels[3]) end
  local most = has_device and 5 or 4
  if #levels > most then return wrong(places[most + 1], "the end of the topic of %s", levels[3]) end
  return { group = levels[2], type = levels[3], edge = levels[4], device = levels[5] }
end

local function check_id(value, what)
  if type(value) ~= "string" or value == "" or value:find("[+/#\0]") then
    error(("sparkplug_b: expected %s (text without '+', '/' and '#'), got %s"):format(what,
      show(value)), 3)
  end
end

--- The topic of a message type; with a device the D… types, else the N… types.
---@param kind string
---@param group string
---@param edge string
---@param device? string
---@return string
function topic.of(kind, group, edge, device)
  local has_device = types[kind]
  if has_device == nil then
    error("sparkplug_b: expected a message type such as \"NCMD\", got " .. show(kind), 2)
  end
  if has_device ~= (device ~= nil) then
    error(("sparkplug_b: expected %s device for %s"):format(has_device and "a" or "no", kind), 2)
  end
  check_id(group, "a group's id")
  check_id(edge, "an edge node's id")
  if device ~= nil then check_id(device, "a device's id") end
  local text = ("spBv1.0/%s/%s/%s"):format(group, kind, edge)
  return device and text .. "/" .. device or text
end

--- Topic filters for what edge nodes and their devices publish. Commands are not among them.
---@param group? string nil: all groups
---@param edge? string nil: all edge nodes
---@return string[]
function topic.filters(group, edge)
  if group ~= nil then check_id(group, "a group's id") end
  if edge ~= nil then check_id(edge, "an edge node's id") end
  local list = {}
  for _, kind in ipairs { "NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH" } do
    local filter = ("spBv1.0/%s/%s/%s"):format(group or "+", kind, edge or "+")
    list[#list + 1] = types[kind] and filter .. "/+" or filter
  end
  return list
end

--- The address of a station for all that an edge node and its devices publish. Without an edge
--- node (or a group) it has named groups, and makes one station each: the station's name must
--- hold `{edge}` (and `{group}`).
---@param group? string
---@param edge? string
---@return string
function topic.address(group, edge)
  if group ~= nil then check_id(group, "a group's id") end
  if edge ~= nil then check_id(edge, "an edge node's id") end
  local function level(id, name)
    return id and id:gsub("[^%w\x80-\xff]", "\\%0") or ("(?<%s>[^/]+)"):format(name)
  end
  return ("spBv1\\.0/%s/[ND](?:BIRTH|DATA|DEATH)/%s(?:/[^/]+)?"):format(level(group, "group"),
    (level(edge, "edge")))
end

--- What asks an edge node for its birth certificates again.
---@param group string
---@param edge string
---@param timestamp? integer milliseconds since 1970, UTC; nil: now
---@return string topic
---@return string payload
function topic.rebirth(group, edge, timestamp)
  timestamp = timestamp or clock.now_ms()
  local bytes, why = writer.write { timestamp = timestamp, metrics = {
    { name = "Node Control/Rebirth", timestamp = timestamp, datatype = "Boolean", value = true } } }
  if not bytes then error("sparkplug_b: " .. why, 2) end
  return topic.of("NCMD", group, edge), bytes
end

return topic
