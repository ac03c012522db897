--- Checks parameters that change on a live line: line:set{ keep_alive = 60 }. The same rules as
--- in a config.
local environment = require "tagline.config.environment"
local kinds = require "tagline.config.kinds"
local near = require "tagline.config.near"
local places = require "tagline.config.places"
local shapes = require "tagline.config.shapes"
local transport = require "tagline.config.transport"

local set = {}

--- The parameters in normal form, or nil and what is wrong with the first (by name):
--- "keep_alive: expected …, got …". A text that is taken away ("") is false. `params` are those
--- that the line has, for the rules between parameters; `core` is the module tagline.core; files
--- begin in the folder of the config, whose path is `config`, as in the config itself.
function set.check(given, params, core, config)
  local shape = shapes.new(core).line
  local names, result, after = {}, {}, {}
  for name in pairs(given) do names[#names + 1] = tostring(name) end
  table.sort(names)
  for name, value in pairs(params) do after[name] = value end
  for _, name in ipairs(names) do
    local field = shape.fields[name]
    if field and name:find "^on_" then
      return nil, name .. ": is a handler, which stands in the config"
    end
    if not field then
      return nil, ("%s: unknown parameter%s"):format(name,
        near.hint(name, shape.names, shape.aliases))
    end
    local wrong, normal = field.check(given[name])
    if wrong then return nil, name .. ": " .. wrong end
    if name == "ws_headers" and type(normal) ~= "table" then
      return nil, "ws_headers: a function stands in the config; expected a table"
    end
    if name == "will_message" and type(normal) ~= "string" then
      return nil, "will_message: a function stands in the config; expected a string"
    end
    after[name] = normal
    result[name] = normal ~= nil and normal -- "" takes a text away: false
  end
  if result.session_store then
    result.session_store = places.path(places.of(config or ""), result.session_store)
  end
  transport.resolve(result, (config or ""):match "^.*/" or "")
  for name, value in pairs(result) do after[name] = value or after[name] end
  local problem
  if result.ws_headers ~= nil then result.ws_headers_called = false end
  transport.relate(after, result, function(field, text, severity)
    if severity ~= "warning" then problem = problem or field .. ": " .. text end
  end, core, nil, environment.read)
  if problem then return nil, problem end
  for _, name in ipairs { "host", "port" } do
    if after[name] ~= params[name] then result[name] = after[name] end
  end
  if after.password and not after.user_name then
    return nil, "password: expected a user_name beside the password, got none"
  end
  if after.will_flag and not after.will_topic then
    return nil, "will_flag: expected a will_topic beside will_flag, got none"
  end
  if after.reconnect_delay_max and after.reconnect_delay_max < (after.reconnect_delay or 0) then
    local name = result.reconnect_delay_max and "reconnect_delay_max" or "reconnect_delay"
    return nil, ("%s: expected reconnect_delay_max of at least reconnect_delay (%s), got %s")
      :format(name, kinds.got(after.reconnect_delay), kinds.got(after.reconnect_delay_max))
  end
  return result
end

return set
