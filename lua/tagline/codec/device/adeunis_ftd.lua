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
local function coordinate(r, what, degree_digits, limit)
  local raw = r:read(">I4", what)
  if r.err then return end
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

-- How many bytes the flags announce, without the byte of GPS quality that newer devices send.
local function announced(flags)
  local function count(bit, bytes) return flags & bit ~= 0 and bytes or 0 end
  return 1 + count(TEMPERATURE, 1) + count(GPS, 8) + count(UPLINK, 1) + count(DOWNLINK, 1)
    + count(BATTERY, 2) + count(RADIO, 2)
end

local function read_gps(r, values, with_quality)
  values.GpsLatitude, values.HemisphereSouth = coordinate(r, "GpsLatitude", 2, 90)
  values.GpsLongitude, values.HemisphereWest = coordinate(r, "GpsLongitude", 3, 180)
  if with_quality then
    local quality = r:read(">I1", "the quality of GPS")
    values.GpsQualityReception, values.GpsQualitySatellites = quality >> 4, quality & 15
  end
end

local function read(r)
  local flags = r:read(">I1", "Status")
  local length, has_gps = announced(flags), flags & GPS ~= 0
  local with_quality = has_gps and #r.bytes == length + 1
  if not with_quality and not r:exactly(length) then return end

  local values = {
    Status = flags, TriggerAccelerometer = flags & ACCELEROMETER ~= 0,
      TriggerButton = flags & BUTTON ~= 0,
  }
  if flags & TEMPERATURE ~= 0 then values.Temperature = r:read(">i1", "Temperature") end
  if has_gps then read_gps(r, values, with_quality) end
  if flags & UPLINK ~= 0 then values.UplinkCounter = r:read(">I1", "UplinkCounter") end
  if flags & DOWNLINK ~= 0 then values.DownlinkCounter = r:read(">I1", "DownlinkCounter") end
  if flags & BATTERY ~= 0 then values.BatteryLevel = r:read(">I2", "BatteryLevel") end
  if flags & RADIO ~= 0 then
    values.RSSI = -r:read(">I1", "RSSI")
    values.SNR = r:read(">i1", "SNR")
  end
  return values
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
