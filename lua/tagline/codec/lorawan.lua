--- Envelopes of LoRaWAN network servers: the JSON around a device's bytes. An envelope and a
--- device make a `decode` in one line:
---
---     decode = lorawan.things_stack_v3(require "tagline.codec.device.elsys")
---
--- `lorawan.NETWORK(device, options)` gives a function for `decode`. It sets the device's
--- values and, where the station has tags of these names, `payload` (hexadecimal), `port`,
--- `counter`, `dev_eui`, `device_id`, `application_id`, `rssi` (dBm) and `snr` (dB) of the
--- gateway that heard best, its id as `gateway`, how many heard it as `gateways`, `frequency`
--- and `bandwidth` (Hz), `spreading_factor`, `data_rate`, `coding_rate`, `confirmed`. Their
--- time is the server's, unless the device tells its own. A device is a module of
--- tagline.codec.device, cayenne_lpp, or a function(bytes, port, uplink) that returns values
--- and optionally a time, nil to decline, or nil and an error; without a device only the fields
--- above are set. Messages other than uplinks are declined, and frames of port 0 or without
--- bytes do not reach the device. A message that the network is not known to send is declined,
--- and said once.
---
--- Options: `time = false` uses the time of arrival; `gateways = true` (Loriot) takes the radio
--- data from the messages "gw" too, which repeat a frame; `payload`, `port`, `counter`, `eui`,
--- `device` and `time` may each name a path in place of the usual one (`"frame.data"`),
--- `time_mask` how its time is written.
---
--- `lorawan.custom { payload = "frame.data", encoding = "hex", port = "frame.port", … }` is a
--- network of your own. `lorawan.NETWORK.uplink(json, topic)` gives those fields as a table,
--- with `payload` as bytes and `time`; `lorawan.NETWORK.downlink { … }` gives the message and
--- topic that send bytes to a device.
local hex = require "tagline.codec.hex"
local kit = require "tagline.codec.kit"
local networks = require "tagline.codec.lorawan.networks"
local picks = require "tagline.codec.lorawan.picks"
local uplinks = require "tagline.codec.lorawan.uplink"

local shown = uplinks.shown

local REPLACEABLE = { payload = true, port = true, counter = true, eui = true, device = true }

-- What a parsed message says; nil when it is no uplink, or when it is wrong (and why); then
-- also whether the network is known to send it.
---@return tagline.Uplink?, string?, boolean?
local function read_table(network, message, topic)
  local definition = network.definition
  if type(message) ~= "table" then
    return nil, ("%s: expected a JSON object, got %s"):format(network.name, shown(message))
  end
  local c = picks.of_table(message)
  if not definition.is_uplink(definition.wants_table and message or c.get, topic, network.options)
    or definition.is_partial and uplinks.find(message, network.paths.payload) == nil then
    return nil, nil, definition.is_other == nil or not not definition.is_other(message, topic)
  end
  local up, why = uplinks.read(network.name, network, c)
  if up and network.paths.repeated then
    up.repeated = uplinks.find(message, network.paths.repeated) == true
  end
  if up and network.options.gateways then up.repeated = c.get "cmd" == "gw" end
  return up, why
end

-- What reading JSON raised, in the network's name: a place in our own files tells nobody anything.
local function not_json(network, why)
  local text = type(why) == "string" and why:match "the payload is not .*"
  error(text and network.name .. ": " .. text or why, 0)
end

local function json_of(msg) return msg.json end

-- Of a message as decode gets it: its fields, payload, port, time, whether it is repeated, and
-- whether there are only those of `wanted`; or what read_table says of none.
local function read_message(network, msg, wanted)
  if network.picks and not kit.slow then
    local fields, payload, port, time, repeated = picks.read(network, msg, wanted, not_json)
    if fields then return fields, payload, port, time, repeated, wanted ~= nil end
  end
  local ok, message = pcall(json_of, msg)
  if not ok then not_json(network, message) end
  local up, why, known = read_table(network, message, msg.topic)
  if not up then return nil, why, known end
  local payload, time, repeated = up.payload, up.time, up.repeated
  up.payload, up.time, up.repeated = nil, nil, nil
  return up, payload, up.port, time, repeated, false
end

-- ---- to a station ----

-- The first names of an object, for a message.
local function names_of(message)
  local names = {}
  for name in pairs(message) do names[#names + 1] = tostring(name) end
  table.sort(names)
  if #names == 0 then return "nothing" end
  local list = table.concat(names, ", ", 1, math.min(#names, 6))
  return #list > 200 and list:sub(1, 200) .. "…" or list .. (#names > 6 and ", …" or "")
end

local function decoder(network, device)
  local decode_bytes = device ~= nil and kit.decode_bytes_of(device, network.name) or nil
  local cache, say = kit.cache(), kit.sayer()
  local frame = decode_bytes and kit.frame_of(decode_bytes)
  -- a function of the user's may look at all fields of the uplink
  local sees_all = device ~= nil and not kit.is_own(decode_bytes)

  -- What the device makes of the frame: values and a time, or nil.
  local function device_values(up, msg, payload, port, time)
    if sees_all then up.payload, up.time = payload, time end
    local values, extra, note = decode_bytes(payload, port, up)
    if sees_all then up.payload, up.time = nil, nil end
    if values == nil and extra ~= nil then error(("%s: %s"):format(network.name, extra), 0) end
    if values ~= nil and type(values) ~= "table" then
      error(("%s: expected a table of values or nil from the device, got %s"):format(network.name,
        shown(values)), 0)
    end
    if type(note) == "string" then say(msg, ("%s: %s"):format(network.name, note)) end
    return values, extra
  end

  local function no_uplink(msg, why, known)
    if why then error(why, 0) end
    if not known then
      say(msg,
        ("%s: a message that is no uplink, and none that this network is known to send, is \z
          declined; it has %s"):format(
        network.name, names_of(msg.json)), "declined")
    end
    return nil
  end

  return function(msg)
    local wanted = kit.wanted(msg.station)
    local up, payload, port, time, repeated, is_filtered = read_message(network, msg,
      not sees_all and wanted or nil)
    if not up then return no_uplink(msg, payload, port) end
    local values, device_time
    local is_read = not decode_bytes or payload == "" or port == 0 or repeated
      or is_filtered and frame and frame(payload, wanted, up)
    if not is_read then values, device_time = device_values(up, msg, payload, port, time) end
    local at = device_time or network.use_time and time or nil
    if not wanted or wanted.payload then up.payload = hex.encode(payload) end
    if values and values[1] ~= nil then -- samples: the envelope's own values come last
      local samples = decode_bytes == device and kit.own(values) or table.move(values, 1, #values,
        1, {})
      samples[#samples + 1] = { values = up }
      return kit.deliver(msg, samples, at, cache)
    end
    if is_filtered then
      for name, value in next, values or {} do
        if wanted[name] then up[name] = value end
      end
      return up, at
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
  local parts = table.move(network.definition.downlink_needs, 1,
    #network.definition.downlink_needs, 1, {})
  if d.tenant ~= nil then parts[#parts + 1] = "tenant" end
  for _, name in ipairs(parts) do
    local value = d[name]
    if type(value) ~= "string" or value == "" or value:find("[+#/%c]") then
      wrong(("%s: expected a text without '+', '#' and '/', got %s"):format(name, shown(value)))
    end
  end
  for name, words in pairs(network.definition.downlink_words or {}) do
    local value = d[name]
    if value ~= nil
      and not (type(value) == "string" and (" " .. words .. " "):find(" " .. value .. " ", 1,
        true)) then
      wrong(("%s: expected one of %s, got %s"):format(name, words, shown(value)))
    end
  end
  return make
end

-- ---- the networks ----

local function check_options(name, options)
  for option, value in pairs(options) do
    local known = REPLACEABLE[option] and type(value) == "string"
      or option == "time" and (value == false or type(value) == "string")
      or option == "time_mask" and (value == "ISO8601" or uplinks.units[value])
      or option == "gateways" and type(value) == "boolean"
    if not known then
      error(("lorawan.%s: unknown option %s = %s"):format(name, tostring(option), shown(value)), 4)
    end
  end
end

-- A definition with its options, ready to read messages.
local function configure(name, definition, options)
  check_options(name, options)
  local texts = {}
  for field, value in pairs(definition) do texts[field] = value end
  for option in pairs(REPLACEABLE) do texts[option] = options[option] or texts[option] end
  if options.time then texts.time = options.time end
  local network = { name = name, definition = definition, options = options,
    paths = uplinks.compile(texts),
    decode = definition.decode,
      time_unit = uplinks.units[options.time_mask or definition.time_mask],
    use_time = options.time ~= false, zero_omitted = definition.zero_omitted,
      snr_omitted = definition.snr_omitted }
  network.picks = not definition.wants_table and picks.new(network) or nil
  return network
end

-- A test of an uplink from the paths of which it has one.
local function add_test(definition)
  local paths = {}
  for i, path in ipairs(definition.uplink_if) do paths[i] = "?" .. path end
  definition.uses = paths
  definition.is_uplink = function(get)
    for _, path in ipairs(paths) do
      if get(path) then return true end
    end
    return false
  end
end

local function network_of(name, definition)
  if type(definition.uplink_if) == "table" then add_test(definition) end
  local network = configure(name, definition, {})

  --- What a message says, or nil when it is no uplink, or nil and an error.
  ---@param message table the parsed JSON
  ---@param topic? string
  ---@return tagline.Uplink? uplink
  ---@return string? err names the field, and the byte within it
  local function uplink(message, topic)
    local up, why = read_table(network, message, topic)
    if up then up.repeated = nil end
    return up, why
  end

  --- A message that sends bytes to a device. Raises when a parameter is wrong or the network's
  --- format is not known.
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

-- ---- networks of your own ----

--- Each path may be a list of paths, of which the first that is there counts.
---@class tagline.lorawan.Custom
---@field payload string|string[] path of the payload's text
---@field encoding? "base64"|"hex"|"bytes" how that text becomes bytes ("base64")
---@field name? string stands before errors ("custom")
---@field port? string|string[]
---@field counter? string|string[]
---@field confirmed? string|string[]
---@field eui? string|string[]
---@field device? string|string[]
---@field application? string|string[]
---@field time? string|string[]
---@field time_mask? string "ISO8601", or "UNIX", "UNIXMS", "UNIXUS", "UNIXNS"
--- A path that uplinks have (the payload's), or a function.
---@field uplink_if? string|fun(json: table, topic?: string): boolean
---@field rssi? string|string[]
---@field snr? string|string[]
--- Path of a list; gateway, gateway_rssi and gateway_snr are paths within its elements.
---@field gateways? string|string[]
---@field gateway? string|string[]
---@field gateway_rssi? string|string[]
---@field gateway_snr? string|string[]
---@field frequency? string|string[] Hz or MHz
---@field bandwidth? string|string[] Hz or kHz
---@field spreading_factor? string|string[]
---@field data_rate? string|string[]
---@field coding_rate? string|string[]

local custom_paths = {}
for _, list in ipairs { uplinks.PATHS, uplinks.GATEWAY_PATHS } do
  for _, field in ipairs(list) do custom_paths[field] = true end
end
custom_paths.repeated, custom_paths.encrypted, custom_paths.encrypted_flag = nil, nil, nil

local function check_path(field, value)
  local list = type(value) == "table" and value or { value }
  for _, path in ipairs(list) do
    if type(path) ~= "string" or path == "" then
      error(("lorawan.custom: %s: expected a path such as \"frame.data\", got %s"):format(field,
        shown(path)), 4)
    end
  end
  if #list == 0 then
    error(("lorawan.custom: %s: expected a path, got an empty list"):format(field), 4)
  end
end

local function check_custom(fields)
  if type(fields) ~= "table" then
    error("lorawan.custom: expected a table, got " .. type(fields), 3)
  end
  if fields.payload == nil then
    error("lorawan.custom: payload: expected the path of the payload, got nothing", 3)
  end
  for field, value in pairs(fields) do
    if custom_paths[field] then
      check_path(field, value)
    elseif field == "encoding" then
      if not uplinks.encodings[value] then
        error("lorawan.custom: encoding: expected \"base64\", \"hex\" or \"bytes\", got "
          .. shown(value), 3)
      end
    elseif field == "time_mask" then
      if value ~= "ISO8601" and not uplinks.units[value] then
        error("lorawan.custom: time_mask: expected ISO8601, UNIX, UNIXMS, UNIXUS or UNIXNS, got "
          .. shown(value), 3)
      end
    elseif field == "uplink_if" then
      if type(value) ~= "function" then check_path(field, value) end
    elseif field ~= "name" or type(value) ~= "string" then
      error(("lorawan.custom: unknown field %s = %s"):format(tostring(field), shown(value)), 3)
    end
  end
end

--- A network by its fields: where the payload is, how it is written, and where the rest is.
---
--- local ours = lorawan.custom { payload = "frame.data", encoding = "hex", port = "frame.port",
--- eui = "id", time = "at" }
---     decode = ours(elsys)
---@param fields tagline.lorawan.Custom
---@return table network like lorawan.things_stack_v3
function lorawan.custom(fields)
  check_custom(fields)
  local definition = {}
  for field, value in pairs(fields) do definition[field] = value end
  definition.decode = uplinks.encodings[fields.encoding or "base64"]
  local test = fields.uplink_if
  if type(test) == "function" then
    definition.is_uplink, definition.wants_table = test, true
  else
    test = test or fields.payload
    definition.uplink_if = type(test) == "table" and test or { test }
    definition.is_other = function() return false end
  end
  return network_of(fields.name or "custom", definition)
end

return lorawan
