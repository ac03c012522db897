--- Envelopes of LoRaWAN network servers: the JSON around a device's bytes. An envelope and a device make a `decode` in one
--- line:
---
---     decode = lorawan.things_stack_v3(require "tagline.codec.device.elsys")
---
--- `lorawan.NETWORK(device, options)` gives a function for `decode`. It sets the device's values and, where the station has
--- tags of these names, `payload` (hexadecimal), `port`, `counter`, `dev_eui`, `device_id`, `application_id`, `rssi` (dBm) and
--- `snr` (dB) of the gateway that heard best, its id as `gateway`, how many heard it as `gateways`, `frequency` and
--- `bandwidth` (Hz), `spreading_factor`, `data_rate`, `coding_rate`, `confirmed`. Their time is the server's, unless the device
--- tells its own. A device is a module of tagline.codec.device, cayenne_lpp, or a function(bytes, port, uplink) that returns
--- values and optionally a time, nil to decline, or nil and an error; without a device only the fields above are set.
--- Messages other than uplinks are declined, and frames of port 0 or without bytes do not reach the device.
---
--- Options: `time = false` uses the time of arrival; `gateways = true` (Loriot) takes the radio data from the messages "gw"
--- too, which repeat a frame; `payload`, `port`, `counter`, `eui`, `device` and `time` may each name a path in place of the
--- usual one (`"frame.data"`).
---
--- `lorawan.NETWORK.uplink(json, topic)` gives those fields as a table, with `payload` as bytes and `time`;
--- `lorawan.NETWORK.downlink { … }` gives the message and topic that send bytes to a device.
local base64 = require "tagline.codec.base64"
local hex = require "tagline.codec.hex"
local json = require "tagline.codec.lorawan.json"
local kit = require "tagline.codec.kit"
local networks = require "tagline.codec.lorawan.networks"
local time = require "tagline.codec.time"

---@class tagline.Uplink
---@field payload string bytes
---@field port? integer
---@field counter? integer
---@field dev_eui? string 16 hexadecimal digits in upper case
---@field device_id? string
---@field application_id? string
---@field time? number seconds since 1970
---@field rssi? number dBm
---@field snr? number dB
---@field gateway? string
---@field gateways? integer
---@field frequency? number Hz
---@field bandwidth? number Hz
---@field spreading_factor? integer
---@field data_rate? string
---@field coding_rate? string
---@field confirmed? boolean

local PATHS = { "payload", "port", "counter", "confirmed", "eui", "device", "application", "gateways", "gateway",
  "gateway_rssi", "gateway_snr", "rssi", "snr", "best_gateway", "gateway_count", "frequency", "bandwidth", "spreading_factor",
  "data_rate", "coding_rate", "encrypted" }
local LATEST = 253402300800000 -- the year 10000, in milliseconds
local REPLACEABLE = { payload = true, port = true, counter = true, eui = true, device = true }

-- ---- reading fields; the first failure stays in c.err ----

local function failed(c, path, text)
  c.err = c.err or ("%s: %s: %s"):format(c.name, path.text, text)
end

local function shown(value)
  if type(value) == "string" then return "'" .. value:sub(1, 40) .. "'" end
  if type(value) == "table" then return "an object or list" end
  return tostring(value)
end

-- Numbers, and texts that are numbers: several servers send them so.
local function number_in(c, value, path)
  if value == nil or value == "" then return nil end
  local number = value
  if type(value) == "string" and not value:find("[xXnN]") then number = tonumber(value) end
  if type(number) == "number" and number == number and number ~= math.huge and number ~= -math.huge then return number end
  return failed(c, path, "expected a number, got " .. shown(value))
end

local function number(c, path)
  if path then return number_in(c, json.get(c.message, path), path) end
end

local function integer(c, path, high)
  local value = number(c, path)
  if value == nil then return nil end
  local whole = math.tointeger(value)
  if whole and whole >= 0 and whole <= high then return whole end
  return failed(c, path, ("expected an integer from 0 to %d, got %s"):format(high, shown(value)))
end

-- Signal strength and its distance from noise, in decibels.
local function decibels_in(c, value, path)
  value = number_in(c, value, path)
  if value and (value < -1000 or value > 1000) then return failed(c, path, "expected decibels, got " .. shown(value)) end
  return value
end

local function decibels(c, path)
  if path then return decibels_in(c, json.get(c.message, path), path) end
end

local function text_in(c, value, path)
  if value == nil or type(value) == "string" then return value end
  if math.type(value) == "integer" then return tostring(value) end
  return failed(c, path, "expected a text, got " .. shown(value))
end

local function text(c, path)
  if path then return text_in(c, json.get(c.message, path), path) end
end

local function boolean(c, path)
  local value = path and json.get(c.message, path)
  if value == nil or type(value) == "boolean" then return value end
  return failed(c, path, "expected true or false, got " .. shown(value))
end

-- A frequency in Hz. What is below `unit` came in MHz or kHz, of which `factor` Hz are one.
local function hertz(c, path, unit, factor)
  local value = number(c, path)
  if value == nil then return nil end
  if value < 0 or value > 1e10 then return failed(c, path, "expected a frequency of 0 to 1e10 Hz, got " .. shown(value)) end
  return math.floor((value < unit and value * factor or value) + 0.5)
end

-- "00-18-b2-…", lower case, or base64 (ChirpStack v3): the same 16 digits. Anything else is given as it is.
local function eui(c, path)
  local value = text(c, path)
  if not value then return nil end
  local digits = value:gsub("[-:]", "")
  if #digits == 16 and not digits:find("%X") then return digits:upper() end
  local bytes = #value == 12 and base64.decode(value)
  if bytes and #bytes == 8 then return hex.encode(bytes):upper() end
  return value
end

local function payload(c, path, decode)
  local value = json.get(c.message, path)
  if value == nil then return "" end
  if type(value) ~= "string" then return failed(c, path, "expected a text, got " .. shown(value)) end
  if #value > 4 * kit.LONGEST then
    return failed(c, path, ("byte %d: expected the payload of a frame, got %d letters"):format(4 * kit.LONGEST + 1, #value))
  end
  local bytes, why = decode(value)
  if not bytes then return failed(c, path, why) end
  return bytes
end

local function uplink_time(c, paths, milliseconds)
  for _, path in ipairs(paths) do
    local value = json.get(c.message, path)
    if value ~= nil and value ~= "" then
      if milliseconds then
        local ms = number_in(c, value, path)
        if ms and ms >= 0 and ms < LATEST then return ms / 1000 end
        return failed(c, path, "expected milliseconds since 1970, got " .. shown(value))
      end
      local seconds, why = time.parse(value)
      if not seconds then return failed(c, path, why) end
      return seconds
    end
  end
end

-- The gateway that heard best.
local function read_gateways(c, paths, up)
  local list = json.get(c.message, paths.gateways)
  if list == nil then return end
  if type(list) ~= "table" then return failed(c, paths.gateways, "expected a list, got " .. shown(list)) end
  for _, element in ipairs(list) do
    local rssi = decibels_in(c, json.get(element, paths.gateway_rssi), paths.gateway_rssi)
    if not up.best or (rssi or -math.huge) > (up.rssi or -math.huge) then
      up.best = true
      up.rssi = rssi
      up.snr = decibels_in(c, json.get(element, paths.gateway_snr), paths.gateway_snr)
      up.gateway = paths.gateway and text_in(c, json.get(element, paths.gateway), paths.gateway)
    end
  end
  up.best, up.gateways = nil, #list
end

local function read_radio(c, paths, up)
  up.rssi, up.snr = decibels(c, paths.rssi), decibels(c, paths.snr)
  up.gateway, up.gateways = text(c, paths.best_gateway), integer(c, paths.gateway_count, 1000000)
  if paths.gateways then read_gateways(c, paths, up) end
  -- No radio of LoRaWAN works below 100 kHz, none has a bandwidth below 5 kHz.
  up.frequency, up.bandwidth = hertz(c, paths.frequency, 100000, 1000000), hertz(c, paths.bandwidth, 5000, 1000)
  up.spreading_factor = integer(c, paths.spreading_factor, 12)
  up.data_rate, up.coding_rate = text(c, paths.data_rate), text(c, paths.coding_rate)
  local factor, width = (up.data_rate or ""):match("^SF(%d%d?) ?BW(%d%d%d)")
  if factor then
    up.spreading_factor = up.spreading_factor or math.tointeger(tonumber(factor))
    up.bandwidth = up.bandwidth or math.tointeger(tonumber(width)) * 1000
  elseif not up.data_rate and up.spreading_factor and up.bandwidth then
    up.data_rate = ("SF%dBW%d"):format(up.spreading_factor, up.bandwidth // 1000)
  end
end

---@return tagline.Uplink?, string?
local function read_uplink(network, message, topic)
  local c, paths, options = { name = network.name, message = message }, network.paths, network.options
  if type(message) ~= "table" then return nil, ("%s: expected a JSON object, got %s"):format(c.name, shown(message)) end
  if not network.definition.is_uplink(message, topic, options) then return nil end
  if network.required and json.get(message, paths.payload) == nil then return nil end
  if paths.encrypted and json.get(message, paths.encrypted) ~= nil and json.get(message, paths.payload) == nil then
    return failed(c, paths.encrypted, "the payload is encrypted: the server has no AppSKey of this device"), c.err
  end
  local absent = network.definition.zero_omitted and 0 or nil
  local up = {
    payload = payload(c, paths.payload, network.definition.decode),
    port = integer(c, paths.port, 255) or absent,
    counter = integer(c, paths.counter, 0xFFFFFFFF) or absent,
    dev_eui = eui(c, paths.eui), device_id = text(c, paths.device), application_id = text(c, paths.application),
    time = uplink_time(c, network.time, network.definition.milliseconds),
    confirmed = boolean(c, paths.confirmed),
  }
  if paths.confirmed and absent and up.confirmed == nil then up.confirmed = false end
  read_radio(c, paths, up)
  if c.err then return nil, c.err end
  return up
end

-- ---- to a station ----

local function decoder(network, device)
  local decode_bytes = device ~= nil and kit.decode_bytes_of(device, network.name) or nil
  local cache = kit.cache()

  -- What the device makes of the frame: values and a time, or nil.
  local function device_values(up)
    if not decode_bytes or up.payload == "" or up.port == 0 or up.repeated then return nil end
    local values, extra = decode_bytes(up.payload, up.port, up)
    if values == nil and extra ~= nil then error(("%s: %s"):format(network.name, extra), 0) end
    if values ~= nil and type(values) ~= "table" then
      error(("%s: expected a table of values or nil from the device, got %s"):format(network.name, shown(values)), 0)
    end
    return values, extra
  end

  return function(msg)
    local up, why = read_uplink(network, msg.json, msg.topic)
    if not up then
      if why then error(why, 0) end
      return nil
    end
    up.repeated = network.options.gateways and msg.json.cmd == "gw"
    local values, device_time = device_values(up)
    local at = device_time or network.use_time and up.time or nil
    up.time, up.repeated, up.payload = nil, nil, hex.encode(up.payload)
    if values and values[1] ~= nil then -- samples: the envelope's own values come last
      local samples = table.move(values, 1, #values, 1, {})
      samples[#samples + 1] = { values = up }
      return kit.deliver(msg, samples, at, cache)
    end
    for name, value in pairs(values or {}) do up[name] = value end
    return kit.deliver(msg, up, at, cache)
  end
end

-- ---- downlinks ----

local function check_downlink(network, d)
  local function wrong(what) error(("lorawan.%s.downlink: %s"):format(network.name, what), 4) end
  local make = network.definition.downlink
  if not make then wrong "no downlink message of this network is known" end
  if type(d) ~= "table" then wrong("expected a table, got " .. type(d)) end
  if math.type(d.port) ~= "integer" or d.port < 1 or d.port > 223 then
    wrong("port: expected an integer from 1 to 223, got " .. tostring(d.port))
  end
  if type(d.payload) ~= "string" or #d.payload > kit.LONGEST then
    wrong(("payload: expected bytes, at most %d, got %s"):format(kit.LONGEST, type(d.payload)))
  end
  local parts = table.move(network.definition.downlink_needs, 1, #network.definition.downlink_needs, 1, {})
  if d.tenant ~= nil then parts[#parts + 1] = "tenant" end
  for _, name in ipairs(parts) do
    local value = d[name]
    if type(value) ~= "string" or value == "" or value:find("[+#/%c]") then
      wrong(("%s: expected a text without '+', '#' and '/', got %s"):format(name, shown(value)))
    end
  end
  for name, words in pairs(network.definition.downlink_words or {}) do
    local value = d[name]
    if value ~= nil and not (type(value) == "string" and (" " .. words .. " "):find(" " .. value .. " ", 1, true)) then
      wrong(("%s: expected one of %s, got %s"):format(name, words, shown(value)))
    end
  end
  return make
end

-- ---- the networks ----

local function paths_of(name, definition, options)
  for option, value in pairs(options) do
    local known = REPLACEABLE[option] and type(value) == "string"
      or option == "time" and (value == false or type(value) == "string")
      or option == "gateways" and type(value) == "boolean"
    if not known then error(("lorawan.%s: unknown option %s = %s"):format(name, tostring(option), shown(value)), 4) end
  end
  local paths = {}
  for _, field in ipairs(PATHS) do
    local path = REPLACEABLE[field] and options[field] or definition[field]
    paths[field] = path and json.path(path)
  end
  return paths
end

-- A definition with its options, ready to read messages.
local function configure(name, definition, options)
  local network = { name = name, definition = definition, options = options, time = {} }
  network.paths = paths_of(name, definition, options)
  network.use_time = options.time ~= false
  network.required = definition.downlink == nil -- formats known in part: what has no payload there is no uplink
  for i, path in ipairs(options.time and { options.time } or definition.time) do network.time[i] = json.path(path) end
  return network
end

local function network_of(name, definition)
  local network = configure(name, definition, {})

  --- What a message says, or nil when it is no uplink, or nil and an error.
  ---@param message table the parsed JSON
  ---@param topic? string
  ---@return tagline.Uplink? uplink
  ---@return string? err names the field, and the byte within it
  local function uplink(message, topic) return read_uplink(network, message, topic) end

  --- A message that sends bytes to a device. Raises when a parameter is wrong or the network's format is not known.
  ---@param d table port, payload (bytes), confirmed; application and device, or eui; see the README
  ---@return string payload
  ---@return string? topic nil where the user chooses it
  local function downlink(d)
    local make = check_downlink(network, d)
    local copy = {}
    for key, value in pairs(d) do copy[key] = value end
    copy.confirmed = d.confirmed == true
    return make(copy)
  end

  ---@param device? tagline.Device|function
  ---@param options? table
  ---@return fun(msg: table): table?, number?
  local function decode_with(_, device, options)
    if options == nil then return decoder(network, device) end
    if type(options) ~= "table" then
      error(("lorawan.%s: expected a table of options, got %s"):format(name, type(options)), 2)
    end
    return decoder(configure(name, definition, options), device)
  end

  return setmetatable({ uplink = uplink, downlink = downlink }, { __call = decode_with })
end

local lorawan = {}
for name, definition in pairs(networks) do lorawan[name] = network_of(name, definition) end

return lorawan
