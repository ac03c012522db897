--- What a network's message says, by a definition of where it puts what: paths into the JSON,
--- and how the texts there become bytes, times and numbers. Knows no network.
---
--- This reads a parsed table. What is usual is read from the message's text instead, by
--- picks.lua: several times faster, with the same results.
local base64 = require "tagline.codec.base64"
local hex = require "tagline.codec.hex"
local json = require "tagline.codec.lorawan.json"
local kit = require "tagline.codec.kit"
local time = require "tagline.codec.time"

local uplinks = {}

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

--- Fields of a definition that are paths into the message; each may be a list, of which the
--- first that is there counts.
uplinks.PATHS = { "payload", "port", "counter", "confirmed", "eui", "device", "application",
  "time", "gateways", "rssi", "snr",
  "best_gateway", "gateway_count", "frequency", "bandwidth", "spreading_factor", "data_rate",
    "coding_rate", "encrypted",
  "encrypted_flag", "repeated" }
--- Those that are paths into an element of `gateways`.
uplinks.GATEWAY_PATHS = { "gateway", "gateway_rssi", "gateway_snr" }

--- The year 10000, in seconds.
uplinks.LATEST = 253402300800

--- Integers and decimals since 1970, by their mask: how many make a second, and what they are
--- called.
uplinks.units = {
  UNIX = { 1, "seconds" }, UNIXMS = { 1000, "milliseconds" }, UNIXUS = { 1000000, "microseconds" },
  UNIXNS = { 1000000000, "nanoseconds" },
}

--- How a payload's text becomes bytes.
uplinks.encodings = { base64 = base64.decode, hex = hex.decode,
  bytes = function(text) return text end }

-- ---- reading fields; the first failure stays in c.err ----

local function failed(c, path, text)
  c.err = c.err or ("%s: %s: %s"):format(c.name, path.text, text)
end

local function shown(value)
  if type(value) == "string" then return "'" .. value:sub(1, 40) .. "'" end
  if type(value) == "table" then return "an object or list" end
  return tostring(value)
end
uplinks.shown = shown

--- The value at the first of these paths that leads to one, and that path.
---@param message any
local function find(message, paths)
  for i = 1, #paths do
    local value = json.get(message, paths[i])
    if value ~= nil then return value, paths[i] end
  end
end
uplinks.find = find

-- Numbers, and texts that are numbers: several servers send them so.
local function number_in(c, value, path)
  if value == nil or value == "" then return nil end
  local number = value
  if type(value) == "string" and not value:find("[xXnN]") then number = tonumber(value) end
  if type(number) == "number" and number == number and number ~= math.huge and number
    ~= -math.huge then
    return number
  end
  return failed(c, path, "expected a number, got " .. shown(value))
end

local function number(c, paths)
  if not paths then return nil end
  local value, path = find(c.message, paths)
  return number_in(c, value, path), path
end

local function integer(c, paths, high)
  local value, path = number(c, paths)
  if value == nil then return nil end
  local whole = math.tointeger(value)
  if whole and whole >= 0 and whole <= high then return whole end
  return failed(c, path, ("expected an integer from 0 to %d, got %s"):format(high, shown(value)))
end

-- Signal strength and its distance from noise, in decibels.
local function decibels_in(c, value, path)
  value = number_in(c, value, path)
  if value and (value < -1000 or value > 1000) then
    return failed(c, path, "expected decibels, got " .. shown(value))
  end
  return value
end

local function decibels(c, paths)
  if paths then return decibels_in(c, find(c.message, paths)) end
end

local function text_in(c, value, path)
  if value == nil or type(value) == "string" then return value end
  if math.type(value) == "integer" then return tostring(value) end
  return failed(c, path, "expected a text, got " .. shown(value))
end

local function text(c, paths)
  if paths then return text_in(c, find(c.message, paths)) end
end

local function boolean(c, paths)
  if not paths then return nil end
  local value, path = find(c.message, paths)
  if value == nil or type(value) == "boolean" then return value end
  return failed(c, path, "expected true or false, got " .. shown(value))
end

-- A frequency in Hz. What is below `unit` came in MHz or kHz, of which `factor` Hz are one.
local function hertz(c, paths, unit, factor)
  local value, path = number(c, paths)
  if value == nil then return nil end
  if value < 0 or value > 1e10 then
    return failed(c, path, "expected a frequency of 0 to 1e10 Hz, got " .. shown(value))
  end
  return math.floor((value < unit and value * factor or value) + 0.5)
end

--- "00-18-b2-…", lower case, or base64 (ChirpStack v3): the same 16 digits. Anything else is
--- given as it is.
---@param value string
---@return string
function uplinks.eui_of(value)
  local digits = value:gsub("[-:]", "")
  if #digits == 16 and not digits:find("%X") then return digits:upper() end
  local bytes = #value == 12 and base64.decode(value)
  if bytes and #bytes == 8 then return hex.encode(bytes):upper() end
  return value
end

local function eui(c, paths)
  local value = text(c, paths)
  return value and uplinks.eui_of(value)
end

local function payload(c, paths, decode)
  local value, path = find(c.message, paths)
  if value == nil then return "" end
  if type(value) ~= "string" then
    return failed(c, path, "expected a text, got " .. shown(value))
  end
  if #value > 4 * kit.LONGEST then
    return failed(c, path, ("byte %d: expected the payload of a frame, got %d letters"):format(
      4 * kit.LONGEST + 1, #value))
  end
  local bytes, why = decode(value, c)
  if not bytes then return failed(c, path, why) end
  return bytes
end

local function uplink_time(c, paths, unit)
  for i = 1, #paths do
    local path = paths[i]
    local value = json.get(c.message, path)
    if value ~= nil and value ~= "" then
      if unit then
        local count = number_in(c, value, path)
        if count and count >= 0 and count / unit[1] < uplinks.LATEST then return count / unit[1] end
        return failed(c, path, ("expected %s since 1970, got %s"):format(unit[2], shown(value)))
      end
      local seconds, why = time.parse(value)
      if not seconds then return failed(c, path, why) end
      return seconds
    end
  end
end

-- The gateway that heard best.
local function read_gateways(c, definition, up)
  local paths = definition.paths
  local list, path = find(c.message, paths.gateways)
  if list == nil then return end
  if type(list) ~= "table" then return failed(c, path, "expected a list, got " .. shown(list)) end
  local best
  for i = 1, #list do
    local element = list[i]
    local rssi = paths.gateway_rssi and decibels_in(c, find(element, paths.gateway_rssi))
    if not best or (rssi or -math.huge) > (up.rssi or -math.huge) then
      best, up.rssi = element, rssi
    end
  end
  if best then
    up.snr = paths.gateway_snr and decibels_in(c, find(best, paths.gateway_snr))
    if not up.snr and up.rssi and definition.snr_omitted then up.snr = 0 end
    up.gateway = paths.gateway and text_in(c, find(best, paths.gateway))
  end
  up.gateways = #list
end

local function read_radio(c, definition, up)
  local paths = definition.paths
  up.rssi, up.snr = decibels(c, paths.rssi), decibels(c, paths.snr)
  up.gateway, up.gateways = text(c, paths.best_gateway), integer(c, paths.gateway_count, 1000000)
  if paths.gateways then read_gateways(c, definition, up) end
  -- No radio of LoRaWAN works below 100 kHz, none has a bandwidth below 5 kHz.
  up.frequency, up.bandwidth = hertz(c, paths.frequency, 100000, 1000000),
    hertz(c, paths.bandwidth, 5000, 1000)
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

--- The paths of a definition as lists of compiled ones.
---@param texts table<string, string|string[]>
function uplinks.compile(texts)
  local paths = {}
  for _, list in ipairs { uplinks.PATHS, uplinks.GATEWAY_PATHS } do
    for _, field in ipairs(list) do
      local given = texts[field]
      if given then
        paths[field] = {}
        for i, path in ipairs(type(given) == "table" and given or { given }) do
          paths[field][i] = json.path(path)
        end
      end
    end
  end
  return paths
end

--- What a message says that is an uplink; nil and an error when it is wrong.
---@param name string stands before errors
---@param definition table `paths` (compiled), `decode`, `time_unit`, `zero_omitted`, `snr_omitted`
---@param c table `message`, and `get(path)` for `decode`; a failure is left in `err`
---@return tagline.Uplink?, string?
function uplinks.read(name, definition, c)
  local paths = definition.paths
  c.name = name
  local locked = paths.encrypted and find(c.message, paths.payload) == nil
    and find(c.message, paths.encrypted) ~= nil
    and paths.encrypted or paths.encrypted_flag and find(c.message, paths.encrypted_flag) == true
      and paths.encrypted_flag
  if locked then
    failed(c, locked[1], "the payload is encrypted: the server has no AppSKey of this device")
    return nil, c.err
  end
  local absent = definition.zero_omitted and 0 or nil
  local up = {
    payload = payload(c, paths.payload, definition.decode),
    port = integer(c, paths.port, 255) or absent,
    counter = integer(c, paths.counter, 0xFFFFFFFF) or absent,
    dev_eui = eui(c, paths.eui), device_id = text(c, paths.device),
      application_id = text(c, paths.application),
    time = paths.time and uplink_time(c, paths.time, definition.time_unit),
    confirmed = boolean(c, paths.confirmed),
  }
  if paths.confirmed and absent and up.confirmed == nil then up.confirmed = false end
  read_radio(c, definition, up)
  if c.err then return nil, c.err end
  return up
end

return uplinks
