--- Dragino LHT65, and the sensors that the LHT65N has besides: temperature and humidity with one of several external sensors; 11 bytes
--- on port 2, big-endian. Stored values that were asked for (datalog, ports 2 and 3) become samples with their own times.
--- Names are those of the maker's own decoder; its texts for yes and no ("High", "True") are booleans here.
local kit = require "tagline.codec.kit"
local hex = require "tagline.codec.hex"

local NO_PROBE = 0x7FFF
local SIZE = 11
local KIND_BITS, STORED, NOT_CONNECTED = 0x3F, 0x40, 0x80

local sensors = {
  [0] = "No external sensor", [1] = "Temperature Sensor", [2] = "Temperature Sensor", [4] = "Interrupt Sensor send",
  [5] = "Illumination Sensor", [6] = "ADC Sensor", [7] = "Interrupt Sensor count", [8] = "Interrupt Sensor count",
  [9] = "DS18B20 & timestamp", [10] = "TMP117 & timestamp", [11] = "SHT31 Sensor", [15] = "DS18B20ID",
}

-- A probe's temperature; it is invalid when the probe is missing.
local function probe(raw, missing)
  if missing or raw == NO_PROBE then return { value = raw / 100, status = "invalid" } end
  return raw / 100
end

local probe_names = { [1] = "TempC_DS", [9] = "TempC_DS", [2] = "TempC_TMP117", [10] = "TempC_TMP117", [11] = "Ext_TempC_SHT" }

-- What two bytes are, by the kind of external sensor; `sensors` without more than that in a datalog.
local function read_short(r, kind, values)
  if probe_names[kind] then
    values[probe_names[kind]] = probe(r:read(">i2", probe_names[kind]), values.No_connect)
  elseif kind == 4 then
    values.Exti_pin_level = r:read(">I1", "Exti_pin_level") ~= 0
    values.Exti_status = r:read(">I1", "Exti_status") ~= 0
  elseif kind == 5 then
    values.ILL_lx = r:read(">I2", "ILL_lx")
  elseif kind == 6 then
    values.ADC_V = r:read(">I2", "ADC_V") / 1000
  elseif kind == 7 then
    values.Exit_count = r:read(">I2", "Exit_count")
  else
    r:read(">I2", "the external sensor")
  end
end

-- What the bytes from the eighth on are.
local function read_external(r, kind, values)
  if kind == 8 then
    values.Exit_count = r:read(">I4", "Exit_count")
  elseif kind == 9 or kind == 10 then
    values.Systimestamp = r:read(">I4", "Systimestamp")
  else
    read_short(r, kind, values)
    if kind == 11 then values.Ext_Hum_SHT = (r:read(">I2", "Ext_Hum_SHT") & 0x0FFF) / 10 end
  end
end

local function read_kind(r, flags, at)
  local kind = flags & KIND_BITS
  if not sensors[kind] then r:fail(("expected a known external sensor, got %d"):format(kind), at) end
  return kind
end

-- A device without stored values answers by zeros.
local function is_nothing(r) return not r.bytes:find "[^\0]" end

-- Stored values: the external sensor comes first, and a count of 32 bits (kind 8) has only its lower half.
local function read_stored(r)
  local samples = {}
  while r:more() do
    if not r:whole(SIZE, "a stored value") then return end
    local at = r.at
    local flags = r.bytes:byte(at + 6)
    local values = { No_connect = flags & NOT_CONNECTED ~= 0 }
    if not r.bytes:find("^\0\0\0\0\0\0\0\0\0\0\0", at) and flags & STORED == 0 then
      r:fail(("expected a stored value (bit 0x40), got 0x%02X"):format(flags), at + 6)
    end
    local kind = read_kind(r, flags, at + 6)
    read_short(r, kind, values)
    values.TempC_SHT, values.Hum_SHT = r:read(">i2", "TempC_SHT") / 100, (r:read(">I2", "Hum_SHT") & 0x0FFF) / 10
    r:read(">I1", "Ext")
    values.Ext, values.Ext_sensor = kind, sensors[kind]
    local time = r:read(">I4", "the time")
    if flags & STORED ~= 0 then samples[#samples + 1] = { time = time, values = values } end
  end
  return samples
end

local function read(r, port)
  if port and port ~= 2 and port ~= 3 then return r:refuse(("expected port 2 or 3, got %d"):format(port)) end
  if is_nothing(r) then return nil end
  local seventh = r.bytes:byte(7)
  if seventh and seventh & STORED ~= 0 then return read_stored(r) end
  if port == 3 then return r:fail("expected stored values (bit 0x40), got others", 7) end
  if not r:exactly(SIZE) then return end

  local battery, temperature, humidity = r:read(">I2", "BatV"), r:read(">i2", "TempC_SHT"), r:read(">I2", "Hum_SHT")
  local flags = r:read(">I1", "Ext")
  local kind = read_kind(r, flags, 7)
  local values = { Ext = kind, Ext_sensor = sensors[kind], No_connect = flags & NOT_CONNECTED ~= 0 }
  if kind == 9 or kind == 10 then
    values[probe_names[kind]] = probe(battery < 0x8000 and battery or battery - 0x10000, values.No_connect)
    values.Bat_status = humidity >> 14
  else
    values.BatV, values.Bat_status = (battery & 0x3FFF) / 1000, battery >> 14
  end
  if kind == 15 then
    values.ID = hex.encode(r.bytes:sub(3, 6) .. r.bytes:sub(8, 11))
  else
    values.TempC_SHT, values.Hum_SHT = temperature / 100, (humidity & 0x0FFF) / 10
    read_external(r, kind, values)
  end
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
    { name = "TempC_TMP117", unit = "°C", description = "another kind of external probe" },
    { name = "Ext_TempC_SHT", unit = "°C", description = "external SHT31" },
    { name = "Ext_Hum_SHT", unit = "%", description = "external SHT31" },
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
    {
      -- The first two of the manual's example (LHT65 user manual, datalog uplink payload).
      description = "stored values", port = 2, input = "7FFF089801464160065F977FFF088E014B4160066009",
      output = {
        { time = 1611030423, values = {
          TempC_SHT = 22, Hum_SHT = 32.6, TempC_DS = { value = 327.67, status = "invalid" }, Ext = 1,
          Ext_sensor = "Temperature Sensor", No_connect = false,
        } },
        { time = 1611030537, values = {
          TempC_SHT = 21.9, Hum_SHT = 33.1, TempC_DS = { value = 327.67, status = "invalid" }, Ext = 1,
          Ext_sensor = "Temperature Sensor", No_connect = false,
        } },
      },
    },
  },
}
