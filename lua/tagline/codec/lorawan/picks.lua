--- A network's uplinks read from the text of a message: json.pick takes the values out of it in
--- one strict pass, without a table of the document. Only what is usual is read here: at the
--- first thing that is not (a number that came as text, a list of many gateways, a field that
--- is wrong) reading gives up, and uplink.lua reads the parsed table, which has the same
--- results and says what is wrong.
local json = require "tagline.codec.lorawan.json"
local kit = require "tagline.codec.kit"
local uplinks = require "tagline.codec.lorawan.uplink"

local found, native = pcall(require, "tagline.json")
local _, bytes_of = pcall(require, "tagline.bytes")

local picks = {}

local GATEWAYS = 8 -- of a list, that are picked
local MOST_KEPT = 1000

-- A function of one text whose results are kept, some of them: servers send the same texts
-- again and again.
local function kept(f)
  local known, count = {}, 0
  return function(text)
    local result = known[text]
    if result == nil then
      if count >= MOST_KEPT then known, count = {}, 0 end
      result, count = f(text), count + 1
      known[text] = result
    end
    return result
  end
end

local eui_of = kept(uplinks.eui_of)
local whole_of = kept(function(text) return text:find "^%d+$" and math.tointeger(tonumber(text))
  or false end)
local rate_of = kept(function(text)
  local factor, width = text:match "^SF(%d%d?) ?BW(%d%d%d)"
  return factor and { math.tointeger(tonumber(factor)), math.tointeger(tonumber(width)) * 1000 }
    or false
end)
-- by width in kHz and factor
local rate_text = kept(function(key) return ("SF%dBW%d"):format(key & 15, key >> 4) end)

-- ---- compiling ----

---@class tagline.lorawan.Picks
---@field pick function
---@field first table<string, integer> the place of each field
---@field more table<string, integer[]> the places of its further paths
---@field gateways? table[] of each element: `there`, and the places of the fields within it
---@field list? integer tells whether there is a list of gateways
---@field long? integer tells whether it has more than are picked
---@field c table for `is_uplink` and `decode`: `get(path)`

local function compile_gateways(made, paths, place)
  local list = paths.gateways[1].text
  made.list, made.long, made.gateways = place("?" .. list),
    place(("?%s[%d]"):format(list, GATEWAYS + 1)), {}
  for k = 1, GATEWAYS do
    local element = ("%s[%d]"):format(list, k)
    local places = { there = place("?" .. element) }
    for _, field in ipairs(uplinks.GATEWAY_PATHS) do
      places[field] = {}
      for i, path in ipairs(paths[field] or {}) do
        places[field][i] = place(element .. "." .. path.text)
      end
    end
    made.gateways[k] = places
  end
end

--- Compile a definition's paths. nil where there is no json.pick (in a plain Lua), or a path is
--- none for it.
---@param paths table<string, table[]> compiled by uplink.compile
---@param uses? string[] paths that the definition's functions ask for
---@return tagline.lorawan.Picks?
function picks.new(paths, uses)
  if not found or not native.pick or paths.gateways and #paths.gateways > 1 then return nil end
  local addresses, index = {}, {}
  local function place(text)
    if not index[text] then
      addresses[#addresses + 1] = text
      index[text] = #addresses
    end
    return index[text]
  end

  local made = { first = {}, more = {} }
  for _, field in ipairs(uplinks.PATHS) do
    local list = paths[field]
    if list and field ~= "gateways" then
      made.first[field] = place(list[1].text)
      for i = 2, #list do
        made.more[field] = made.more[field] or {}
        made.more[field][i - 1] = place(list[i].text)
      end
    end
  end
  for _, text in ipairs(uses or {}) do place(text) end
  if paths.gateways then compile_gateways(made, paths, place) end
  local fine
  fine, made.pick = pcall(native.pick, addresses)
  if not fine then return nil end
  local c = {}
  function c.get(path)
    local value = c.values[index[path]]
    if type(value) == "userdata" then return nil end -- null
    return value
  end
  made.c = c
  return made
end

-- ---- reading; what is not usual ends it with `unusual` ----

local unusual = {}
local math_type = math.type

local function further(values, more)
  for i = 1, more and #more or 0 do
    if values[more[i]] ~= nil then return values[more[i]] end
  end
end

local function decibels(value)
  if value == nil or type(value) == "number" and value >= -1000 and value <= 1000 then
    return value
  end
  return unusual
end

local function text(value)
  if value == nil or type(value) == "string" then return value end
  return unusual
end

local function integer(value, high)
  if value == nil or math_type(value) == "integer" and value >= 0 and value <= high then
    return value
  end
  return unusual
end

-- Hz; what is below `unit` came in MHz or kHz, of which `factor` Hz are one.
local function hertz(value, unit, factor)
  if type(value) == "string" then value = whole_of(value) end
  if value == nil then return nil end
  if type(value) ~= "number" or not (value >= 0 and value <= 1e10) then return unusual end
  return math.floor((value < unit and value * factor or value) + 0.5)
end

local function first_of(values, places)
  for i = 1, #places do
    if values[places[i]] ~= nil then return values[places[i]] end
  end
end

-- The gateway that heard best; false: unusual.
local function gateways(made, values, up, snr_omitted)
  if values[made.list] == nil then return true end
  local list = made.gateways
  if values[made.long] or not values[list[1].there] then return false end
  local count, best = 0, nil
  while count < GATEWAYS and values[list[count + 1].there] do
    count = count + 1
    local rssi = decibels(first_of(values, list[count].gateway_rssi))
    if rssi == unusual then return false end
    if not best or (rssi or -math.huge) > (up.rssi or -math.huge) then
      best, up.rssi = list[count], rssi
    end
  end
  local snr, gateway = decibels(first_of(values, best.gateway_snr)),
    text(first_of(values, best.gateway))
  if snr == unusual or gateway == unusual then return false end
  if not snr and up.rssi and snr_omitted then snr = 0 end
  up.snr, up.gateway, up.gateways = snr, gateway, count
  return true
end

local function radio(network, made, values, up)
  if made.list and not gateways(made, values, up, network.snr_omitted) then return false end
  local width, factor, rate = up.bandwidth, up.spreading_factor, up.data_rate
  if rate then
    local parts = rate_of(rate)
    if parts then
      up.spreading_factor, up.bandwidth = factor or parts[1], width or parts[2]
    end
  elseif factor and width then
    up.data_rate = rate_text(width // 1000 << 4 | factor)
  end
  return true
end

local function seconds(made, values, unit)
  local value = values[made.first.time]
  if value == nil or value == "" then
    value = nil
    for _, place in ipairs(made.more.time or {}) do
      if values[place] ~= nil and values[place] ~= "" then
        value = values[place]
        break
      end
    end
  end
  if value == nil then return nil end
  if not unit then return type(value) == "string" and bytes_of.iso8601(value) or unusual end
  if type(value) == "number" and value >= 0 and value / unit[1] < uplinks.LATEST then
    return value / unit[1]
  end
  return unusual
end

local function payload(network, value, c)
  if value == nil then return "" end
  if type(value) ~= "string" or #value > 4 * kit.LONGEST then return unusual end
  return network.decode(value, c) or unusual
end

local FIELDS = { "payload", "port", "counter", "confirmed", "eui", "device", "application",
  "rssi", "snr", "best_gateway",
  "gateway_count", "frequency", "bandwidth", "spreading_factor", "data_rate", "coding_rate" }

-- nil, true or false.
local function boolean(value)
  if value == nil or value == true or value == false then return value end
  return unusual
end

--- What a message says; nil when the parsed table must be read (also when it is no uplink).
--- Raises when it is not JSON.
---@param network table with `picks`, `definition`, `options`, `decode`, `time_unit`
---@param document string
---@param topic? string
---@return tagline.Uplink?
function picks.read(network, document, topic)
  -- no object, or another format than JSON
  if type(document) ~= "string" or document:byte() ~= 123 then return nil end
  local made, definition = network.picks, network.definition
  local c, values = made.c, { made.pick(document, "the payload") }
  c.values = values
  if not definition.is_uplink(c.get, topic, network.options) then return nil end

  local first, more, v = made.first, made.more, {}
  for i = 1, #FIELDS do
    local field = FIELDS[i]
    local value = first[field] and values[first[field]]
    if value == nil and more[field] then value = further(values, more[field]) end
    v[i] = value
  end
  if first.encrypted and (v[1] == nil and values[first.encrypted] ~= nil)
    or first.encrypted_flag and values[first.encrypted_flag] == true or definition.is_partial
      and v[1] == nil then
    return nil
  end
  local absent = definition.zero_omitted and 0 or nil
  local eui = text(v[5])
  if eui and eui ~= unusual then eui = eui_of(eui) end
  local up = {
    payload = payload(network, v[1], c), port = integer(v[2], 255) or absent,
      counter = integer(v[3], 0xFFFFFFFF) or absent,
    confirmed = boolean(v[4]), dev_eui = eui, device_id = text(v[6]), application_id = text(v[7]),
    time = first.time and seconds(made, values, network.time_unit), rssi = decibels(v[8]),
      snr = decibels(v[9]),
    gateway = text(v[10]), gateways = integer(v[11], 1000000),
      frequency = hertz(v[12], 100000, 1000000),
    bandwidth = hertz(v[13], 5000, 1000), spreading_factor = integer(v[14], 12),
      data_rate = text(v[15]),
    coding_rate = text(v[16]), repeated = first.repeated and values[first.repeated] == true or nil,
  }
  for _, value in next, up do
    if value == unusual then return nil end
  end
  if first.confirmed and absent and up.confirmed == nil then up.confirmed = false end
  if network.options.gateways then up.repeated = c.get "cmd" == "gw" end
  return radio(network, made, values, up) and up or nil
end

-- ---- the parsed table ----

local path_of = kept(function(path) return json.path((path:gsub("^%?", ""))) end)

--- A parsed table for `is_uplink` and uplink.read.
---@param message table
---@return table
function picks.of_table(message)
  return { message = message, get = function(path)
    local value = json.get(message, path_of(path))
    if path:byte() == 63 then return value ~= nil or nil end
    return value
  end }
end

return picks
