--- Topics of Sparkplug B and the messages that a host application sends: rebirth requests and its STATE. Pure functions.
local writer = require "tagline.codec.sparkplug_b.writer"

local topic = {}

--- Of each message type: does its topic name a device?
local types = { NBIRTH = false, NDEATH = false, NDATA = false, NCMD = false,
  DBIRTH = true, DDEATH = true, DDATA = true, DCMD = true }

local function show(value) return type(value) == "string" and ("%q"):format(value:sub(1, 60)) or tostring(value) end

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
  local function wrong(at, expected, ...) return nil, ("topic, byte %d: expected "):format(at) .. expected:format(...) end
  local levels, places = split(text)
  if levels[1] ~= "spBv1.0" then return wrong(1, "spBv1.0, got %s", show(levels[1])) end
  for i = 2, #levels do
    if levels[i] == "" then return wrong(places[i], "a level that is not empty") end
  end
  if levels[2] == "STATE" and #levels == 3 then return { type = "STATE", host = levels[3] } end
  if #levels < 4 then return wrong(#text + 1, "spBv1.0/group/TYPE/edge, got %d levels", #levels) end
  local has_device = types[levels[3]]
  if has_device == nil then return wrong(places[3], "NBIRTH, NDATA or another message type, got %s", show(levels[3])) end
  if has_device and #levels == 4 then return wrong(#text + 1, "a device for %s", levels[3]) end
  local most = has_device and 5 or 4
  if #levels > most then return wrong(places[most + 1], "the end of the topic of %s", levels[3]) end
  return { group = levels[2], type = levels[3], edge = levels[4], device = levels[5] }
end

local function check_id(value, what)
  if type(value) ~= "string" or value == "" or value:find("[+/#\0]") then
    error(("sparkplug_b: expected %s (text without '+', '/' and '#'), got %s"):format(what, show(value)), 3)
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
  if has_device == nil then error("sparkplug_b: expected a message type such as \"NCMD\", got " .. show(kind), 2) end
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

--- The address of a station for all that an edge node and its devices publish. Without an edge node (or a group) it has named
--- groups, and makes one station each: the station's name must hold `{edge}` (and `{group}`).
---@param group? string
---@param edge? string
---@return string
function topic.address(group, edge)
  if group ~= nil then check_id(group, "a group's id") end
  if edge ~= nil then check_id(edge, "an edge node's id") end
  local function level(id, name) return id and id:gsub("[^%w\x80-\xff]", "\\%0") or ("(?<%s>[^/]+)"):format(name) end
  return ("spBv1\\.0/%s/[ND](?:BIRTH|DATA|DEATH)/%s(?:/[^/]+)?"):format(level(group, "group"), (level(edge, "edge")))
end

-- Whole seconds, where the clock is to be had; a spec gives its own time.
local function now_ms() return os and os.time and os.time() * 1000 or nil end
topic.now_ms = now_ms

--- What asks an edge node for its birth certificates again.
---@param group string
---@param edge string
---@param timestamp? integer milliseconds since 1970, UTC; nil: now
---@return string topic
---@return string payload
function topic.rebirth(group, edge, timestamp)
  timestamp = timestamp or now_ms()
  local bytes, why = writer.write { timestamp = timestamp, metrics = {
    { name = "Node Control/Rebirth", timestamp = timestamp, datatype = "Boolean", value = true } } }
  if not bytes then error("sparkplug_b: " .. why, 2) end
  return topic.of("NCMD", group, edge), bytes
end

-- ---- STATE ----

---@class tagline.sparkplug.State
---@field topic string
---@field online string payload of the birth; publish it with QoS 1 and retained
---@field offline string payload of the will; QoS 1 and retained too
---@field on_connect function publishes `online`, as `on_connect` of a line

--- A host application's STATE: its topic, its two payloads, and a line's `on_connect`.
---
---     local state = sparkplug_b.state("scada-1")
---     line "plant" { will_flag = true, will_qos = 1, will_retain = true, will_topic = state.topic,
---       will_message = state.offline, on_connect = state.on_connect, … }
---@param host string the host application's id
---@param timestamp? integer milliseconds since 1970, UTC, the same in both; nil: now
---@return tagline.sparkplug.State
function topic.state(host, timestamp)
  check_id(host, "a host application's id")
  timestamp = timestamp or now_ms() or 0
  if math.type(timestamp) ~= "integer" then
    error("sparkplug_b: expected a timestamp in whole milliseconds, got " .. show(timestamp), 2)
  end
  local text = '{"online":%s,"timestamp":%d}'
  local state = { topic = "spBv1.0/STATE/" .. host, online = text:format("true", timestamp),
    offline = text:format("false", timestamp) }
  function state.on_connect(line) line:publish(state.topic, state.online, { qos = 1, retain = true }) end
  return state
end

--- The payload of a STATE message: is the host application online, and since when. For `decode` there is `msg.json`.
---@param text string
---@return { online: boolean, timestamp: integer }?
---@return string? err
function topic.parse_state(text)
  local body = text:match "^%s*{%s*(.-)%s*}%s*$"
  local found = {}
  for part in ((body or "") .. ","):gmatch "%s*(.-)%s*," do
    local key, value = part:match '^"(%l+)"%s*:%s*(%w+)$'
    if not key or found[key] then body = nil else found[key] = value end
  end
  local online, timestamp = found.online, found.timestamp and found.timestamp:match "^%d+$"
  timestamp = timestamp and #timestamp <= 18 and math.tointeger(tonumber(timestamp))
  if not body or online ~= "true" and online ~= "false" or not timestamp then
    return nil, ('expected {"online":true or false,"timestamp":milliseconds}, got %s'):format(show(text))
  end
  return { online = online == "true", timestamp = timestamp }
end

return topic
