--- Cayenne Low Power Payload: entries of channel, type and data, big-endian. Names are those of
--- The Things Network with '_' in place of '.', which a tag's name may not hold: `temperature_7`,
--- `gps_12_latitude`. Of an entry that comes twice the last counts. A polyline is a text: its
--- points as JSON, `[[48.502,11.502],[48.503,11.501]]` in degrees of latitude and longitude.
local kit = require "tagline.codec.kit"

local function axes(divisor, unit)
  return { { "_x", ">i2", divisor, unit }, { "_y", ">i2", divisor, unit },
    { "_z", ">i2", divisor, unit } }
end

-- By type: its name, then parts of (suffix, format, divisor, unit).
local types = {
  [0]   = { "digital_in", { "", ">I1" } },
  [1]   = { "digital_out", { "", ">I1" } },
  [2]   = { "analog_in", { "", ">i2", 100 } },
  [3]   = { "analog_out", { "", ">i2", 100 } },
  [100] = { "generic", { "", ">I4" } },
  [101] = { "luminosity", { "", ">I2", nil, "lux" } },
  [102] = { "presence", { "", ">I1" } },
  [103] = { "temperature", { "", ">i2", 10, "°C" } },
  [104] = { "relative_humidity", { "", ">I1", 2, "%" } },
  [113] = { "accelerometer", table.unpack(axes(1000, "g")) },
  [115] = { "barometric_pressure", { "", ">I2", 10, "hPa" } },
  [116] = { "voltage", { "", ">I2", 100, "V" } },
  [117] = { "current", { "", ">I2", 1000, "A" } },
  [118] = { "frequency", { "", ">I4", nil, "Hz" } },
  [120] = { "percentage", { "", ">I1", nil, "%" } },
  [121] = { "altitude", { "", ">i2", nil, "m" } },
  [122] = { "load", { "", ">i3", 1000, "kg" } },
  [125] = { "concentration", { "", ">I2", nil, "ppm" } },
  [128] = { "power", { "", ">I2", nil, "W" } },
  [130] = { "distance", { "", ">I4", 1000, "m" } },
  [131] = { "energy", { "", ">I4", 1000, "kWh" } },
  [132] = { "direction", { "", ">I2", nil, "°" } },
  [133] = { "unixtime", { "", ">I4", nil, "s" } },
  [134] = { "gyrometer", table.unpack(axes(100, "°/s")) },
  [135] = { "colour", { "_red", ">I1" }, { "_green", ">I1" }, { "_blue", ">I1" } },
  [136] = { "gps", { "_latitude", ">i3", 10000, "°" }, { "_longitude", ">i3", 10000, "°" },
    { "_altitude", ">i3", 100, "m" } },
  [142] = { "switch", { "", ">I1" } },
  -- Types that RAKwireless and others add, with their names.
  [105] = { "air_quality_index", { "", ">I2" } },
  [112] = { "humidity_prec", { "", ">i2", 10, "%" } },
  [119] = { "precipitation", { "", ">I4", nil, "mm/h" } },
  [137] = { "gps", { "_latitude", ">i4", 1000000, "°" }, { "_longitude", ">i4", 1000000, "°" },
    { "_altitude", ">i3", 100, "m" } },
  [138] = { "voc", { "", ">I2" } },
  [184] = { "capacity_batt", { "", ">I1", nil, "%" } },
  [185] = { "dc_current_batt", { "", ">I2", 100, "A" } },
  [186] = { "dc_voltage_batt", { "", ">I2", 100, "V" } },
  [188] = { "soil_moist", { "", ">I2", 10, "%" } },
  [190] = { "wind_speed", { "", ">I2", 100, "m/s" } },
  [191] = { "wind_direction", { "", ">I2", nil, "°" } },
  [192] = { "soil_ec", { "", ">I2", 1000, "mS/cm" } },
  [193] = { "soil_ph_h", { "", ">I2", 100 } },
  [194] = { "soil_ph_l", { "", ">I2", 10 } },
  [195] = { "pyranometer", { "", ">I2", nil, "W/m²" } },
  [203] = { "light", { "", ">I1" } },
  [227] = { "pm10", { "", ">I2", nil, "µg/m³" } },
  [228] = { "pm2_5", { "", ">I2", nil, "µg/m³" } },
  [229] = { "orientation", { "", ">i2", 10, "°" } },
  [233] = { "noise", { "", ">I2", 10, "dB" } },
}

local POLYLINE = 240

-- What a step of a polyline is, in 1/10000 degree, by the number that stands for it; below 200 it
-- stands for itself.
local step_of = { [227] = 1, [228] = 2, [229] = 5, [230] = 10, [231] = 20, [232] = 50,
  [233] = 100, [234] = 200, [235] = 500,
  [236] = 1000, [237] = 2000, [238] = 5000, [239] = 10000 }
for i = 1, 199 do step_of[i] = i end

local number_of, fields, listed = {}, {}, {}
for number = 255, 0, -1 do -- of two types of one name the first is written
  if types[number] then number_of[types[number][1]] = number end
end
for number = 0, 255 do
  for i = 2, types[number] and #types[number] or 0 do
    local part = types[number][i]
    local name = types[number][1] .. "_N" .. part[1]
    if not listed[name] then
      fields[#fields + 1] = { name = name, unit = part[4], description = "N is the channel" }
    end
    listed[name] = true
  end
end

fields[#fields + 1] = { name = "polyline_N", description = "N is the channel; points as JSON" }
number_of.polyline = POLYLINE

local function signed_nibble(n) return n < 8 and n or n - 16 end

-- A size that counts itself, the step, the first point in steps, and a byte for each further
-- point: steps of latitude in the low four bits, of longitude in the high ones.
local function read_polyline(r, name)
  local at = r.at
  local size = r:read(">I1", "size of " .. name)
  if r.err then return end
  if size < 8 then
    return r:fail(("expected at least 8 bytes of %s, got %d"):format(name, size), at)
  end
  if r:left() < size - 1 then
    return r:fail(("expected %d bytes of %s, got %d"):format(size - 1, name, r:left()))
  end
  at = r.at
  local number = r:read(">I1", "step of " .. name)
  local step = step_of[number]
  if not step then
    return r:fail(("expected a step of a polyline (1 to 199, 227 to 239) for %s, got %d"):format(
      name, number), at)
  end
  local latitude, longitude = r:read(">i3", name) * step, r:read(">i3", name) * step
  local points = { ("[%.4f,%.4f]"):format(latitude / 10000, longitude / 10000) }
  for i = 1, size - 8 do
    local byte = r:read(">I1", name)
    latitude, longitude = latitude + signed_nibble(byte & 15) * step,
      longitude + signed_nibble(byte >> 4) * step
    points[i + 1] = ("[%.4f,%.4f]"):format(latitude / 10000, longitude / 10000)
  end
  return "[" .. table.concat(points, ",") .. "]"
end

-- The parts of an entry with the names that they have on a channel; made at first use. A device
-- uses few.
local entries = kit.entries(2)
local function add_channel(number, channel)
  local entry, parts = types[number], {}
  for i = 2, #entry do
    local part = entry[i]
    parts[i - 1] = { entry[1] .. "_" .. channel .. part[1], part[2], part[3] }
  end
  entries:add(channel << 8 | number, parts)
end

local function read(r)
  local values, bytes = {}, r.bytes
  while r.at <= #bytes and not r.err do
    r:entries(entries, values)
    local at = r.at
    if at > #bytes then break end
    local channel, number = bytes:byte(at, at + 1)
    if not number then
      r.at = at + 1
      r:read(">I1", "type")
      break
    end
    local key = channel << 8 | number
    if types[number] and not entries.parts[key] then add_channel(number, channel) end
    r.at = at + 2
    if number == POLYLINE then
      local name = "polyline_" .. channel
      values[name] = read_polyline(r, name)
    elseif not r:entry(entries, key, values) then
      r:unknown(("expected a type of Cayenne LPP, got %d"):format(number), at + 1)
    end
  end
  return values
end

local cayenne_lpp = kit.device {
  name = "cayenne_lpp",
  fields = fields,
  entries = entries,
  read = read,
  examples = {
    {
      description = "all types of the first edition", port = 1,
      input =
        "0100ff0201640302154a0403eab6056501f40666320767ff640868630971fe58000f06820a7329ef0b860163"
        .. "0231fe660c8807fd8700bef500086a",
      output = {
        digital_in_1 = 255, digital_out_2 = 100, analog_in_3 = 54.5, analog_out_4 = -54.5,
          luminosity_5 = 500, presence_6 = 50,
        temperature_7 = -15.6, relative_humidity_8 = 49.5,
        accelerometer_9_x = -0.424, accelerometer_9_y = 0.015, accelerometer_9_z = 1.666,
          barometric_pressure_10 = 1073.5,
        gyrometer_11_x = 3.55, gyrometer_11_y = 5.61, gyrometer_11_z = -4.10,
        gps_12_latitude = 52.3655, gps_12_longitude = 4.8885, gps_12_altitude = 21.54,
      },
    },
  },
}

-- ---- encoding ----

-- The integer that is nearest to value * factor, or nil and what is wrong with it.
local function scaled(value, factor, format)
  if type(value) ~= "number" or value ~= value or value == math.huge or value == -math.huge then
    return nil, "expected a number, got " .. tostring(value)
  end
  local raw = math.floor(value * factor + 0.5)
  local bits = format:packsize() * 8
  local signed = format:find("i", 1, true) ~= nil
  local low, high = signed and -(1 << bits - 1) or 0, (1 << (signed and bits - 1 or bits)) - 1
  if raw < low or raw > high then
    return nil, ("expected %s to %s, got %s"):format(low / factor, high / factor, value)
  end
  return math.tointeger(raw)
end

local function channel_of(entry)
  local channel = type(entry) == "table" and math.type(entry.channel) == "integer" and entry.channel
  if channel and channel >= 0 and channel <= 255 then return channel end
  return nil, "expected a channel from 0 to 255, got "
    .. tostring(type(entry) == "table" and entry.channel or entry)
end

-- The encoded entries in one string; `one` gives an entry's bytes, or nil and why.
local function encode_all(list, one)
  if type(list) ~= "table" then return nil, "expected a list of entries, got " .. type(list) end
  local out = {}
  for i, entry in ipairs(list) do
    local bytes, why = one(entry)
    if not bytes then return nil, ("entry %d: %s"):format(i, why) end
    out[i] = bytes
  end
  return table.concat(out)
end

-- `value`: points `{ latitude, longitude }`, each at most 7 steps from the one before, and `step`
-- (the number, 1).
local function encode_polyline(channel, value)
  if type(value) ~= "table" or #value == 0 then
    return nil, "polyline: expected a list of points"
  end
  if #value > 248 then
    return nil, ("polyline: expected at most 248 points, got %d"):format(#value)
  end
  local number = value.step or 1
  local step = step_of[number]
  if not step then
    return nil, "polyline: expected a step from 1 to 199 or 227 to 239, got " .. tostring(number)
  end
  local out, latitude, longitude = {}, nil, nil
  for i, point in ipairs(value) do
    local places = {}
    for k, limit in ipairs { 90, 180 } do
      local place = type(point) == "table" and point[k]
      if type(place) ~= "number" or not (place >= -limit and place <= limit) then
        return nil, ("polyline: point %d: expected degrees from -%d to %d, got %s"):format(i,
          limit, limit, tostring(place))
      end
      places[k] = math.floor(place * 10000 / step + 0.5)
    end
    local north, east = places[1] - (latitude or 0), places[2] - (longitude or 0)
    if i == 1 then
      out[1] = string.pack(">I1I1I1I1i3i3", channel, POLYLINE, #value + 7, number, places[1],
        places[2])
    elseif math.abs(north) > 7 or math.abs(east) > 7 then
      return nil, ("polyline: point %d: expected at most 7 steps from the point before"):format(i)
    else
      out[i] = string.char(north & 15 | (east & 15) << 4)
    end
    latitude, longitude = places[1], places[2]
  end
  return table.concat(out)
end

local function encode_entry(entry)
  local channel, why = channel_of(entry)
  if not channel then return nil, why end
  local number = number_of[entry.type] or entry.type
  if number == POLYLINE then return encode_polyline(channel, entry.value) end
  local kind = types[number]
  if not kind then return nil, "expected a type of Cayenne LPP, got " .. tostring(entry.type) end
  local out = { string.char(channel, number) }
  for i = 2, #kind do
    local part = kind[i]
    local value = entry.value
    if part[1] ~= "" then value = type(value) == "table" and value[part[1]:sub(2)] or nil end
    if type(value) == "boolean" then value = value and 1 or 0 end
    local raw, wrong = scaled(value, part[3] or 1, part[2])
    if not raw then return nil, ("%s%s: %s"):format(kind[1], part[1], wrong) end
    out[i] = part[2]:pack(raw)
  end
  return table.concat(out)
end

local function encode_downlink_entry(entry)
  local channel, why = channel_of(entry)
  if not channel then return nil, why end
  local raw, wrong = scaled(entry.value, 100, ">i2")
  if not raw then return nil, wrong end
  return string.pack(">I1i2", channel, raw)
end

--- Encode as a device does: `{ { channel = 7, type = "temperature", value = -15.6 }, … }`. A type
--- is a name or its number; gps, accelerometer, gyrometer and colour take a table: `{ latitude =
--- 52.3655, longitude = 4.8885, altitude = 21.54 }`; polyline takes points, `{ { 48.502, 11.502
--- }, { 48.5021, 11.5022 }, step = 1 }`.
---@param list table[]
---@return string? bytes
---@return string? err names the entry
function cayenne_lpp.encode(list) return encode_all(list, encode_entry) end

--- Encode as The Things Network does for a device: no types, a channel and a signed number of two
--- decimals each.
---@param list table[] `{ { channel = 2, value = -50.51 }, … }`
---@return string? bytes
---@return string? err names the entry
function cayenne_lpp.encode_downlink(list) return encode_all(list, encode_downlink_entry) end

--- Read what `encode_downlink` writes.
---@param bytes string
---@return table<string, number>? values by name, `value_2`
---@return string? err names the byte, counted from 1
function cayenne_lpp.decode_downlink(bytes)
  kit.check_bytes(bytes, "cayenne_lpp.decode_downlink")
  local r, values = kit.reader("cayenne_lpp", bytes), {}
  while r:more() do
    local channel = r:read(">I1", "channel")
    local value = r:read(">i2", "value_" .. channel)
    values["value_" .. channel] = value / 100
  end
  if r.err then return nil, r.err end
  return values
end

return cayenne_lpp
