--- The options of a host application of Sparkplug B, and what is wrong with them.
local order = require "tagline.codec.sparkplug_b.order"

local host_options = {}

---@class tagline.sparkplug.HostOptions
---@field host_id? string the id of this host application, for its STATE
---@field tags? table<string, string|false> tag names by the names of metrics; false: leave it out
---@field devices? table<string, table> the same, for the metrics of one device
---@field prefix? boolean put the device's id and '_' before the names of its tags
--- In place of publishing the request.
---@field on_rebirth? false|fun(topic: string, payload: string, msg: table, why: string)
--- Hears of lost messages and unknown aliases; without it decode raises.
---@field on_error? fun(text: string, msg: table)
---@field check_seq? boolean false when this host does not get all messages of its nodes
---@field historical? boolean false: leave out metrics that are marked historical
---@field rebirth_interval? number seconds before a node is asked again (10)
--- Seconds that a message which comes too early is held for those before it (0: not at all).
---@field reorder_timeout? number
---@field max_inflated? integer most bytes that a compressed payload may become (1048576)

local kinds = { host_id = "string", tags = "table", devices = "table", prefix = "boolean",
  on_error = "function", check_seq = "boolean", historical = "boolean",
  rebirth_interval = "number", reorder_timeout = "number", max_inflated = "number" }

--- Raises in the name of who called the host.
function host_options.check(options)
  if type(options) ~= "table" then
    error("sparkplug_b.host: expected a table of options, got " .. type(options), 3)
  end
  for name, value in pairs(options) do
    if name == "on_rebirth" then
      if value ~= false and type(value) ~= "function" then
        error("sparkplug_b.host: on_rebirth: expected a function or false, got "
          .. tostring(value), 3)
      end
    elseif not kinds[name] then
      error(("sparkplug_b.host: unknown option '%s'"):format(tostring(name)), 3)
    elseif type(value) ~= kinds[name] then
      error(("sparkplug_b.host: %s: expected a %s, got %s"):format(name, kinds[name],
        tostring(value)), 3)
    end
  end
  local timeout = options.reorder_timeout
  if timeout and not (timeout >= 0 and timeout <= 3600) then
    error("sparkplug_b.host: reorder_timeout: expected 0 to 3600 seconds, got "
      .. tostring(timeout), 3)
  end
  if timeout and timeout > 0 and not order.has_timers then
    error("sparkplug_b.host: reorder_timeout: this Lua has no timers; run it with `tagline test`",
      3)
  end
end

return host_options
