--- The line of a host application: what it needs to subscribe to, to leave as its will, and to do
--- when its connection comes and goes.
local states = require "tagline.codec.sparkplug_b.state"
local topic = require "tagline.codec.sparkplug_b.topic"

local lines = {}

local HANDLERS = { "on_connect", "on_disconnect", "before_disconnect" }
local WILL = { "will_flag", "will_qos", "will_retain", "will_topic", "will_message" }

-- First ours, then the user's own.
local function both(ours, own)
  if not ours or not own then return ours or own end
  return function(...)
    ours(...)
    own(...)
  end
end

local function has_station(fields, address)
  for _, one in ipairs(fields) do
    if type(one) == "table" and (one.address == address or type(one.params) == "table"
      and one.params.address == address
      or has_station(one, address)) then
      return true
    end
  end
  return false
end

--- Give a host its handlers of a line and, with an id, its STATE.
---@param host table gets `on_connect`, `on_disconnect`, `before_disconnect`, `state` and `line`
---@param host_id? string
---@param connected function(line)
---@param lost function()
function lines.equip(host, host_id, connected, lost)
  local state = host_id and states.new(host_id)
  host.state = state and state.station
  host.on_connect = both(state and state.on_connect, connected)
  host.on_disconnect = lost
  host.before_disconnect = state and state.before_disconnect

  --- The fields of a line with what the host needs in it: `line "plant" (host.line { … })`. What
  --- is given stays; handlers are called after the host's. With a host_id the will is STATE, the
  --- session is a clean one, and STATE is subscribed to.
  ---@param fields table
  ---@return table
  function host.line(fields)
    if type(fields) ~= "table" then
      error("sparkplug_b: line: expected the fields of a line, got " .. type(fields), 2)
    end
    local made = {}
    for key, value in pairs(fields) do made[key] = value end
    for _, name in ipairs(HANDLERS) do made[name] = both(host[name], fields[name]) end
    local filters = fields.topic_filter or topic.filters()
    filters = type(filters) == "table" and table.move(filters, 1, #filters, 1, {}) or { filters }
    made.topic_filter = filters
    if not state then return made end

    for _, name in ipairs(WILL) do
      if fields[name] ~= nil then
        error(("sparkplug_b: line: %s: with a host_id the will is STATE"):format(name), 2)
      end
    end
    if not has_station(fields, state.topic) then
      error(
        'sparkplug_b: line: expected station "STATE" (host.state) in the line, which hears of \z
          the host itself', 2)
    end
    table.insert(filters, 1, state.topic)
    made.will_flag, made.will_qos, made.will_retain, made.will_topic, made.will_message = true, 1,
      true, state.topic, state.will
    if made.clean_session == nil then made.clean_session = true end
    return made
  end
end

return lines
