--- Elsys sensors of the ERS family (ERS, ERS CO2, ERS Eye, ELT, EMS …): entries of type and data, big-endian.
--- Names and units are those of the maker's own decoder. The two highest bits of a type announce bytes of a time offset, whose unit is
--- not published: such entries are errors, rather than values at a wrong time.
local kit = require "tagline.codec.kit"

local s16, u8, u16, u32 = ">i2", ">I1", ">I2", ">I4"

-- By type: parts of name, format, divisor, unit. A part without a name is skipped.
local types = {
  [0x01] = { { "temperature", s16, 10, "°C" } },
  [0x02] = { { "humidity", u8, nil, "%" } },
  [0x03] = { { "x", ">i1", nil, "1/63 g" }, { "y", ">i1", nil, "1/63 g" }, { "z", ">i1", nil, "1/63 g" } },
  [0x04] = { { "light", u16, nil, "lux" } },
  [0x05] = { { "motion", u8 } },
  [0x06] = { { "co2", u16, nil, "ppm" } },
  [0x07] = { { "vdd", u16, nil, "mV" } },
  [0x08] = { { "analog1", u16, nil, "mV" } },
  [0x09] = { { "lat", ">I3", nil, nil, "as sent" }, { "long", ">I3", nil, nil, "as sent" } },
  [0x0A] = { { "pulse1", u16 } },
  [0x0B] = { { "pulseAbs", u32 } },
  [0x0C] = { { "externalTemperature", s16, 10, "°C" } },
  [0x0D] = { { "digital", u8 } },
  [0x0E] = { { "distance", u16, nil, "mm" } },
  [0x0F] = { { "accMotion", u8 } },
  [0x10] = { { "irInternalTemperature", s16, 10, "°C" }, { "irExternalTemperature", s16, 10, "°C" } },
  [0x11] = { { "occupancy", u8 } },
  [0x12] = { { "waterleak", u8 } },
  [0x14] = { { "pressure", u32, 1000, "hPa" } },
  [0x15] = { { "soundPeak", u8, nil, "dB" }, { "soundAvg", u8, nil, "dB" } },
  [0x16] = { { "pulse2", u16 } },
  [0x17] = { { "pulseAbs2", u32 } },
  [0x18] = { { "analog2", u16, nil, "mV" } },
  [0x1A] = { { "digital2", u8 } },
  [0x1B] = { { "analogUv", ">i4", nil, "µV" } },
  [0x1C] = { { "tvoc", u16, nil, "ppb" } },
  [0x3D] = { { "", u32 } }, -- for the maker's debugging
}

local OFFSET_BITS = 0xC0
local GRIDEYE, EXTERNAL_TEMPERATURE_2, SETTINGS = 0x13, 0x19, 0x3E
local PIXELS = 64

local fields = {}
for number = 0, 255 do
  for _, field in ipairs(kit.fields_of(types[number] or {})) do fields[#fields + 1] = field end
end
fields[#fields + 1] = { name = "externalTemperature2", unit = "°C", description = "the next are externalTemperature2_2, _3 …" }
fields[#fields + 1] = { name = "grideye_N", unit = "°C", description = "N from 1 to 64" }

-- A reference and 64 differences from it.
local function read_grideye(r, values)
  local reference = r:read(u8, "the reference of grideye")
  if r:left() < PIXELS then
    return r:fail(("expected %d bytes of grideye, got %d"):format(PIXELS, r:left()))
  end
  for i = 1, PIXELS do values["grideye_" .. i] = reference + r:read(u8, "grideye") / 10 end
end

local function read(r)
  local values, probes = {}, 0
  if r.bytes:byte() == SETTINGS then return nil end -- the device tells its settings, on a port of their own
  while r:more() do
    local at = r.at
    local number = r:read(u8, "type")
    local parts = types[number]
    if parts then
      kit.take(r, parts, values)
    elseif number == GRIDEYE then
      read_grideye(r, values)
    elseif number == EXTERNAL_TEMPERATURE_2 then
      probes = probes + 1
      local name = probes == 1 and "externalTemperature2" or "externalTemperature2_" .. probes
      values[name] = r:read(s16, name) / 10
    elseif number & OFFSET_BITS ~= 0 then
      r:fail(("expected a type without a time offset, got 0x%02X"):format(number), at)
    else
      r:fail(("expected a type of the ERS family, got 0x%02X"):format(number), at)
    end
  end
  return values
end

return kit.device {
  name = "elsys",
  fields = fields,
  read = read,
  examples = {
    {
      description = "temperature, humidity, light and motion", port = 1, input = "0100E202290400270506",
      output = { temperature = 22.6, humidity = 41, light = 39, motion = 6 },
    },
    {
      description = "with CO2", port = 1, input = "0100E202290400270506060308",
      output = { temperature = 22.6, humidity = 41, light = 39, motion = 6, co2 = 776 },
    },
    {
      description = "several probes", port = 5, input = "0CFFF619006419FF9C070E10",
      output = { externalTemperature = -1, externalTemperature2 = 10, externalTemperature2_2 = -10, vdd = 3600 },
    },
  },
}
