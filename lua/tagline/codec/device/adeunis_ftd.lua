--- Adeunis Field Test Device (ARF8123AA, and those of US915 and AS923, which send the position
--- and the rest in two frames): flags, then only what the flags announce. The names are those
--- that D2000 gives its fields; latitude and longitude are signed (south and west negative), RSSI
--- is in dBm.
local kit = require "tagline.codec.kit"

-- Bits of the first byte.
local TEMPERATURE, ACCELEROMETER, BUTTON, GPS, UPLINK, DOWNLINK, BATTERY, RADIO = 0x80, 0x40,
  0x20, 0x10, 8, 4, 2, 1

-- Digits of a coordinate, four bits each: degrees, minutes, decimals of minutes, and the
-- hemisphere in the last bit. What cannot be one is invalid.
local function coordinate(raw, degree_digits, limit)
  local digits = ("%08x"):format(raw)
  local negative = raw & 1 == 1
  if digits:sub(1, 7):find "%a" then return { status = "invalid" }, negative end
  local degrees = tonumber(digits:sub(1, degree_digits))
  local minutes = tonumber(digits:sub(degree_digits + 1, degree_digits + 2) .. "."
    .. digits:sub(degree_digits + 3, 7))
  local value = degrees + minutes / 60
  if minutes >= 60 or value > limit then return { value = value, status = "invalid" }, negative end
  return negative and -value or value, negative
end

-- What stands behind the flags, in this order, where its flag is set: format of string.unpack, and
-- a name or what puts it into the values.
local parts = {
  { TEMPERATURE, "i1", "Temperature" },
  { GPS, "I4", function(values, raw)
    values.GpsLatitude, values.HemisphereSouth = coordinate(raw, 2, 90)
  end },
  { GPS, "I4", function(values, raw)
    values.GpsLongitude, values.HemisphereWest = coordinate(raw, 3, 180)
  end },
  { GPS, "I1", function(values, raw)
    values.GpsQualityReception, values.GpsQualitySatellites = raw >> 4, raw & 15
  end, newer = true }, -- that newer devices send
  { UPLINK, "I1", "UplinkCounter" },
  { DOWNLINK, "I1", "DownlinkCounter" },
  { BATTERY, "I2", "BatteryLevel" },
  { RADIO, "I1", function(values, raw) values.RSSI = -raw end },
  { RADIO, "i1", "SNR" },
}

-- The frame of these flags: one format for all of it, its parts, and how long it is.
local function compile(flags, newer)
  local shape, formats = { parts = {} }, { ">" }
  for _, part in ipairs(parts) do
    if flags & part[1] ~= 0 and (newer or not part.newer) then
      shape.parts[#shape.parts + 1], formats[#formats + 1] = part[3], part[2]
    end
  end
  shape.format = table.concat(formats)
  shape.length = 1 + shape.format:packsize()
  return shape
end

local plain, newer_ones = {}, {}
for flags = 0, 255 do
  plain[flags], newer_ones[flags] = compile(flags, false), compile(flags, true)
end

local function take(values, shape, ...)
  for i, what in ipairs(shape.parts) do
    local raw = select(i, ...)
    if type(what) == "string" then values[what] = raw else what(values, raw) end
  end
  return values
end

local function read(r)
  local flags = r:read(">I1", "Status")
  local shape = plain[flags]
  if #r.bytes == newer_ones[flags].length then shape = newer_ones[flags] end
  if not r:exactly(shape.length) then return end
  r.at = #r.bytes + 1
  return take({ Status = flags, TriggerAccelerometer = flags & ACCELEROMETER ~= 0,
    TriggerButton = flags & BUTTON ~= 0 }, shape, shape.format:unpack(r.bytes, 2))
end

return kit.device {
  name = "adeunis_ftd",
  fields = {
    { name = "Status", description = "the flags of the first byte" },
    { name = "TriggerAccelerometer", description = "sent because the device moved" },
    { name = "TriggerButton", description = "sent because its button was pressed" },
    { name = "Temperature", unit = "°C" },
    { name = "GpsLatitude", unit = "°" },
    { name = "HemisphereSouth" },
    { name = "GpsLongitude", unit = "°" },
    { name = "HemisphereWest" },
    { name = "GpsQualityReception", description = "1 good, 2 average, 3 poor" },
    { name = "GpsQualitySatellites" },
    { name = "UplinkCounter" },
    { name = "DownlinkCounter" },
    { name = "BatteryLevel", unit = "mV" },
    { name = "RSSI", unit = "dBm", description = "of the last downlink" },
    { name = "SNR", unit = "dB", description = "of the last downlink" },
  },
  read = read,
  examples = {
    {
      description = "with a position", port = 2, input = "9e184856043000211770baae0bc9",
      output = {
        Status = 0x9E, TriggerAccelerometer = false, TriggerButton = false, Temperature = 24,
        GpsLatitude = 48 + 56.043 / 60, HemisphereSouth = false, GpsLongitude = 2 + 11.77 / 60,
          HemisphereWest = false,
        UplinkCounter = 186, DownlinkCounter = 174, BatteryLevel = 3017,
      },
    },
    {
      description = "with the quality of the position and radio data", port = 2,
        input = "9f14520572600000598017fefe105f1707",
      output = {
        Status = 0x9F, TriggerAccelerometer = false, TriggerButton = false, Temperature = 20,
        GpsLatitude = 52 + 5.726 / 60, HemisphereSouth = false, GpsLongitude = 5.98 / 60,
          HemisphereWest = false,
        GpsQualityReception = 1, GpsQualitySatellites = 7, UplinkCounter = 254,
          DownlinkCounter = 254, BatteryLevel = 4191,
        RSSI = -23, SNR = 7,
      },
    },
    -- this and the next: user guide of the Field Test Device for US 902-928 and AS 923, 4.1 and 4.2
    {
      description = "a frame of the position", port = 1, input = "30451596900055345027",
      output = {
        Status = 0x30, TriggerAccelerometer = false, TriggerButton = true, GpsLatitude = 45
          + 15.969 / 60, HemisphereSouth = false,
        GpsLongitude = 5 + 53.45 / 60, HemisphereWest = false, GpsQualityReception = 2,
          GpsQualitySatellites = 7,
      },
    },
    {
      description = "a frame of the rest", port = 1, input = "8F1B20200FC95207",
      output = {
        Status = 0x8F, TriggerAccelerometer = false, TriggerButton = false, Temperature = 27,
          UplinkCounter = 32, DownlinkCounter = 32,
        BatteryLevel = 4041, RSSI = -82, SNR = 7,
      },
    },
    {
      description = "a frame without a position", port = 1, input = "00",
      output = { Status = 0, TriggerAccelerometer = false, TriggerButton = false },
    },
    {
      description = "in the south-west, below zero, after the button", port = 2,
        input = "b0f63327456107040151",
      output = {
        Status = 0xB0, TriggerAccelerometer = false, TriggerButton = true, Temperature = -10,
        GpsLatitude = -(33 + 27.456 / 60), HemisphereSouth = true,
          GpsLongitude = -(70 + 40.15 / 60), HemisphereWest = true,
      },
    },
  },
}
