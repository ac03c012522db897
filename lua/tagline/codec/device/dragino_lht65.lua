--- Dragino LHT65: temperature and humidity with one of several external sensors; 11 bytes on port 2, big-endian.
--- Names are those of the maker's own decoder; its texts for yes and no ("High", "True") are booleans here.
local kit = require "tagline.codec.kit"
local hex = require "tagline.codec.hex"

local NO_PROBE = 0x7FFF
local DATA_PORT = 2

local sensors = {
  [0] = "No external sensor", [1] = "Temperature Sensor", [4] = "Interrupt Sensor send", [5] = "Illumination Sensor",
  [6] = "ADC Sensor", [7] = "Interrupt Sensor count", [8] = "Interrupt Sensor count", [9] = "DS18B20 & timestamp",
  [15] = "DS18B20ID",
}

-- A probe's temperature; it is invalid when the probe is missing.
local function probe(raw, missing)
  if missing or raw == NO_PROBE then return { value = raw / 100, status = "invalid" } end
  return raw / 100
end

-- What the bytes from the eighth on are, by the kind of external sensor.
local function read_external(r, kind, values)
  if kind == 1 then
    values.TempC_DS = probe(r:read(">i2", "TempC_DS"), values.No_connect)
  elseif kind == 4 then
    values.Exti_pin_level = r:read(">I1", "Exti_pin_level") ~= 0
    values.Exti_status = r:read(">I1", "Exti_status") ~= 0
  elseif kind == 5 then
    values.ILL_lx = r:read(">I2", "ILL_lx")
  elseif kind == 6 then
    values.ADC_V = r:read(">I2", "ADC_V") / 1000
  elseif kind == 7 then
    values.Exit_count = r:read(">I2", "Exit_count")
  elseif kind == 8 then
    values.Exit_count = r:read(">I4", "Exit_count")
  elseif kind == 9 then
    values.Systimestamp = r:read(">I4", "Systimestamp")
  end
end

local function read(r, port)
  if port and port ~= DATA_PORT then
    return r:refuse(("expected port %d, got %d"):format(DATA_PORT, port))
  end
  if not r:exactly(11) then return end
  local battery, temperature, humidity = r:read(">I2", "BatV"), r:read(">i2", "TempC_SHT"), r:read(">I2", "Hum_SHT")
  local flags = r:read(">I1", "Ext")
  local kind = flags & 0x0F
  if flags & 0x40 ~= 0 then return nil end -- a stored value that was asked for, not the present one
  if not sensors[kind] then return r:fail(("expected a known external sensor, got %d"):format(kind), 7) end

  local values = { Ext = kind, Ext_sensor = sensors[kind], No_connect = flags & 0x80 ~= 0 }
  if kind == 9 then
    values.TempC_DS = probe(battery < 0x8000 and battery or battery - 0x10000, values.No_connect)
    values.Bat_status = humidity >> 14
  else
    values.BatV, values.Bat_status = (battery & 0x3FFF) / 1000, battery >> 14
  end
  if kind == 15 then
    values.ID = hex.encode(r.bytes:sub(3, 6) .. r.bytes:sub(8, 11))
  else
    values.TempC_SHT, values.Hum_SHT = temperature / 100, (humidity & 0x0FFF) / 10
  end
  read_external(r, kind, values)
  return values
end

return kit.device {
  name = "dragino_lht65",
  fields = {
    { name = "BatV", unit = "V" },
    { name = "Bat_status", description = "0 ultra low, 1 low, 2 OK, 3 good" },
    { name = "TempC_SHT", unit = "°C" },
    { name = "Hum_SHT", unit = "%" },
    { name = "Ext", description = "kind of the external sensor" },
    { name = "Ext_sensor", description = "the same in words" },
    { name = "No_connect", description = "the external sensor is not connected" },
    { name = "TempC_DS", unit = "°C", description = "external probe; invalid when it is missing" },
    { name = "Exti_pin_level", description = "true: high" },
    { name = "Exti_status", description = "true: the message comes from an interrupt" },
    { name = "ILL_lx", unit = "lux" },
    { name = "ADC_V", unit = "V" },
    { name = "Exit_count" },
    { name = "Systimestamp", unit = "s", description = "the device's clock, since 1970" },
    { name = "ID", description = "of the probe, hexadecimal" },
  },
  read = read,
  examples = {
    {
      description = "with a temperature probe", port = 2, input = "CBF60B0D0376010ADD7FFF",
      output = {
        BatV = 3.062, Bat_status = 3, TempC_SHT = 28.29, Hum_SHT = 88.6, Ext = 1, Ext_sensor = "Temperature Sensor",
        No_connect = false, TempC_DS = 27.81,
      },
    },
    {
      description = "whose probe is missing", port = 2, input = "CBF60B0D0376017FFF7FFF",
      output = {
        BatV = 3.062, Bat_status = 3, TempC_SHT = 28.29, Hum_SHT = 88.6, Ext = 1, Ext_sensor = "Temperature Sensor",
        No_connect = false, TempC_DS = { value = 327.67, status = "invalid" },
      },
    },
    {
      description = "a probe with its time", port = 2, input = "F5C90B0DC3760961CD4EDD",
      output = {
        Bat_status = 3, TempC_SHT = 28.29, Hum_SHT = 88.6, Ext = 9, Ext_sensor = "DS18B20 & timestamp", No_connect = false,
        TempC_DS = -26.15, Systimestamp = 1640845021,
      },
    },
  },
}
