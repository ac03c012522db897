--- What a host application tells of itself: STATE, retained, with the timestamp of the CONNECT.
--- It is heard, too: who says that this host is offline while it is connected (the will of an
--- earlier connection) is corrected at once.
local clock = require "tagline.codec.sparkplug_b.clock"
local kit = require "tagline.codec.kit"

local states = {}

local RETAINED = { qos = 1, retain = true }

local function show(value)
  return type(value) == "string" and ("%q"):format(value:sub(1, 60)) or tostring(value)
end

local function text(online, timestamp)
  return ('{"online":%s,"timestamp":%d}'):format(online and "true" or "false", timestamp)
end

--- The payload of a STATE message: is the host application online, and since when. For `decode`
--- there is `msg.json`.
---@param payload string
---@return { online: boolean, timestamp: integer }?
---@return string? err
function states.parse(payload)
  local body = payload:match "^%s*{%s*(.-)%s*}%s*$"
  local found = {}
  for part in ((body or "") .. ","):gmatch "%s*(.-)%s*," do
    local key, value = part:match '^"(%l+)"%s*:%s*(%w+)$'
    if not key or found[key] then body = nil else found[key] = value end
  end
  local online, timestamp = found.online, found.timestamp and found.timestamp:match "^%d+$"
  timestamp = timestamp and #timestamp <= 18 and math.tointeger(tonumber(timestamp))
  if not body or online ~= "true" and online ~= "false" or not timestamp then
    return nil, ('expected {"online":true or false,"timestamp":milliseconds}, got %s'):format(
      show(payload))
  end
  return { online = online == "true", timestamp = timestamp }
end

---@class tagline.sparkplug.State
---@field topic string
---@field online string payload of the birth; QoS 1 and retained
---@field offline string payload of the will, with the same timestamp
---@field will fun(): string a will_message: a new timestamp for each CONNECT
---@field on_connect fun(line: tagline.Line) publishes `online`
--- Publishes that the host is offline, with the time of now.
---@field before_disconnect fun(line: tagline.Line)
--- Of a station at `topic`: corrects what others say; `online`, and `since` in seconds.
---@field decode fun(msg: table): table?
---@field station table the fields of such a station: `station "STATE" (state.station)`

--- A host application's STATE. All its functions share one timestamp.
---@param host string the host application's id
---@param timestamp? integer milliseconds since 1970, UTC; nil: now, and new for each CONNECT
---@return tagline.sparkplug.State
function states.new(host, timestamp)
  if type(host) ~= "string" or host == "" or host:find "[+/#\0]" then
    error(("sparkplug_b: expected a host application's id (text without '+', '/' and '#'), \z
      got %s"):format(show(host)), 3)
  end
  local fixed = timestamp
  timestamp = timestamp or clock.now_ms() or 0
  if math.type(timestamp) ~= "integer" then
    error("sparkplug_b: expected a timestamp in whole milliseconds, got " .. show(timestamp), 3)
  end
  local state, leaving = { topic = "spBv1.0/STATE/" .. host }, false

  local function begin(at)
    state.since, state.online, state.offline = at, text(true, at), text(false, at)
  end
  begin(timestamp)

  function state.will()
    leaving = false
    begin(fixed or clock.now_ms() or timestamp)
    return state.offline
  end

  function state.on_connect(line)
    leaving = false
    line:publish(state.topic, state.online, RETAINED)
  end

  function state.before_disconnect(line)
    leaving = true
    line:publish(state.topic, text(false, clock.now_ms() or state.since), RETAINED)
  end

  function state.decode(msg)
    local said, why = states.parse(msg.payload)
    if not said then error("sparkplug_b: STATE: " .. why, 0) end
    -- What was retained is older than our birth, which is on its way.
    if not said.online and not leaving and not msg.retain and msg.station ~= nil then
      msg.station.line:publish(state.topic, state.online, RETAINED)
    end
    return kit.deliver(msg, { online = said.online, since = said.timestamp / 1000 })
  end

  state.station = { address = state.topic, decode = state.decode, tags = {} }
  return state
end

return states
