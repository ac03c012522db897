--- Elsys sensors of the ERS family (ERS, ERS CO2, ERS Eye, ELT, EMS …): entries of type and data,
--- big-endian. Names and units are those of the maker's own decoder. The two highest bits of a type
--- announce so many bytes of a time offset behind the value. Its unit is not published: the value
--- is kept at the time of the frame, and its offset told as `temperature_offset`.
local kit = require "tagline.codec.kit"

local s16, u8, u16, u32 = ">i2", ">I1", ">I2", ">I4"

-- By type: parts of name, format, divisor, unit. A part without a name is skipped.
local types = {
  [0x01] = { { "temperature", s16, 10, "°C" } },
  [0x02] = { { "humidity", u8, nil, "%" } },
  [0x03] = { { "x", ">i1", nil, "1/63 g" }, { "y", ">i1", nil, "1/63 g" },
    { "z", ">i1", nil, "1/63 g" } },
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
  [0x10] = { { "irInternalTemperature", s16, 10, "°C" },
    { "irExternalTemperature", s16, 10, "°C" } },
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

local entries = kit.entries(1, types)

local TYPE_BITS = 0x3F
local GRIDEYE, EXTERNAL_TEMPERATURE_2, SETTINGS = 0x13, 0x19, 0x3E
local PIXELS = 64

local fields = {}
for number = 0, 255 do
  for _, field in ipairs(kit.fields_of(types[number] or {})) do fields[#fields + 1] = field end
end
fields[#fields + 1] = { name = "externalTemperature2", unit = "°C",
  description = "the next are externalTemperature2_2, _3 …" }
fields[#fields + 1] = { name = "grideye_N", unit = "°C", description = "N from 1 to 64" }
fields[#fields + 1] = { name = "NAME_offset",
  description = "how long ago NAME was measured, in a unit that is not published" }

-- A reference and 64 differences from it.
local function read_grideye(r, values)
  local reference = r:read(u8, "the reference of grideye")
  if r:left() < PIXELS then
    return r:fail(("expected %d bytes of grideye, got %d"):format(PIXELS, r:left()))
  end
  for i = 1, PIXELS do values["grideye_" .. i] = reference + r:read(u8, "grideye") / 10 end
end

-- What comes behind a type that is known; nil when it is not.
local function read_entry(r, number, values, probes)
  if r:entry(entries, number, values) then return true end
  if number == GRIDEYE then
    read_grideye(r, values)
  elseif number == EXTERNAL_TEMPERATURE_2 then
    local name = probes == 0 and "externalTemperature2" or "externalTemperature2_" .. probes + 1
    values[name] = r:read(s16, name) / 10
  else
    return false
  end
  return true
end

-- A value of before, into `earlier`; its offset into `offsets`.
local function read_earlier(r, number, earlier, offsets, probes)
  local entry = {}
  if not read_entry(r, number & TYPE_BITS, entry, probes) then return false end
  local offset = r:read(">I" .. (number >> 6), "a time offset")
  for name, value in pairs(entry) do
    if earlier[name] == nil then earlier[name], offsets[name] = value, offset end
  end
  return true
end

-- What stands in for a value of now that the frame has not, wherever in the frame they stand.
local function add_earlier(earlier, offsets, values)
  for name, value in pairs(earlier) do
    if values[name] == nil then values[name], values[name .. "_offset"] = value, offsets[name] end
  end
end

local function read(r)
  local values, probes, bytes, earlier, offsets = {}, 0, r.bytes, nil, nil
  -- the device tells its settings, on a port of their own
  if bytes:byte() == SETTINGS then return nil end
  while r.at <= #bytes and not r.err do
    r:entries(entries, values)
    local at = r.at
    if at > #bytes then break end
    local number = bytes:byte(at)
    local known
    r.at = at + 1
    if number > TYPE_BITS then
      earlier, offsets = earlier or {}, offsets or {}
      known = read_earlier(r, number, earlier, offsets, probes)
    else
      known = read_entry(r, number, values, probes)
    end
    if number & TYPE_BITS == EXTERNAL_TEMPERATURE_2 then probes = probes + 1 end
    if not known then
      r:unknown(("expected a type of the ERS family, got 0x%02X"):format(number), at)
    end
  end
  if earlier then add_earlier(earlier, offsets, values) end
  return values
end

return kit.device {
  name = "elsys",
  fields = fields,
  entries = entries,
  read = read,
  examples = {
    {
      description = "temperature, humidity, light and motion", port = 1,
        input = "0100E202290400270506",
      output = { temperature = 22.6, humidity = 41, light = 39, motion = 6 },
    },
    {
      description = "with CO2", port = 1, input = "0100E202290400270506060308",
      output = { temperature = 22.6, humidity = 41, light = 39, motion = 6, co2 = 776 },
    },
    {
      description = "a temperature of before beside a light of now", port = 5,
        input = "4100FA0A022904002744000105",
      output = { temperature = 25, temperature_offset = 10, humidity = 41, light = 39 },
    },
    {
      description = "several probes", port = 5, input = "0CFFF619006419FF9C070E10",
      output = { externalTemperature = -1, externalTemperature2 = 10,
        externalTemperature2_2 = -10, vdd = 3600 },
    },
  },
}
