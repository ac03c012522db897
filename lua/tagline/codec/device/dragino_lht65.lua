--- Dragino LHT65 and LHT65N: temperature and humidity with one of several external sensors; 11
--- bytes on port 2, big-endian. Stored values that were asked for (datalog, ports 2 and 3) become
--- samples with their own times; port 3 also carries lists of temperatures without times, port 5
--- the device's own data. Names are those of the maker's own decoder; its texts for yes and no
--- ("High", "True") are booleans here.
---
--- One bit means two things: in the LHT65 that the external sensor is not connected, in the
--- LHT65N that the frame holds stored values which it sends again, since their acknowledgement
--- did not come. The module is the LHT65's; `dragino_lht65.n` is the LHT65N's.
local kit = require "tagline.codec.kit"
local hex = require "tagline.codec.hex"
local info = require "tagline.codec.device.dragino.info"

local NO_PROBE = 0x7FFF
local SIZE = 11
local KIND_BITS, STORED, HIGH_BIT = 0x3F, 0x40, 0x80
local FIRST_TIME = 1420070400 -- of stored values: 2015

local sensors = {
  [0] = "No external sensor", [1] = "Temperature Sensor", [2] = "Temperature Sensor",
    [4] = "Interrupt Sensor send",
  [5] = "Illumination Sensor", [6] = "ADC Sensor", [7] = "Interrupt Sensor count",
    [8] = "Interrupt Sensor count",
  [9] = "DS18B20 & timestamp", [10] = "TMP117 & timestamp", [11] = "SHT31 Sensor",
    [12] = "SHT31 Sensor",
  [14] = "Interrupt Sensor count & timestamp", [15] = "DS18B20ID", [16] = "SHT31ID",
    [32] = "NE117ID",
}

-- A probe's temperature; it is invalid when the probe is missing.
local function probe(raw, missing)
  if missing or raw == NO_PROBE then return { value = raw / 100, status = "invalid" } end
  return raw / 100
end

local probe_names = { [1] = "TempC_DS", [9] = "TempC_DS", [2] = "TempC_TMP117",
  [10] = "TempC_TMP117", [11] = "Ext_TempC_SHT",
  [12] = "Ext_TempC_SHT" }

-- What two bytes are, by the kind of external sensor; `sensors` without more than that in a
-- datalog.
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

-- What the bytes from the eighth on are. Of kinds 12 and 14 that is not published.
local function read_external(r, kind, values)
  if kind == 8 then
    values.Exit_count = r:read(">I4", "Exit_count")
  elseif kind == 9 or kind == 10 then
    values.Systimestamp = r:read(">I4", "Systimestamp")
  elseif kind ~= 12 then
    read_short(r, kind, values)
    if kind == 11 then values.Ext_Hum_SHT = (r:read(">I2", "Ext_Hum_SHT") & 0x0FFF) / 10 end
  end
end

-- Kinds in whose frames other things stand where the built-in sensor's values are.
local function read_id(r, kind, values)
  local bytes = r.bytes
  if kind == 15 then
    values.ID = hex.encode(bytes:sub(3, 6) .. bytes:sub(8, 11))
  elseif kind == 16 then
    values.ID = hex.encode(bytes:sub(3, 6))
    values.Ext_TempC_SHT = probe(r:read(">i2", "Ext_TempC_SHT"), values.No_connect)
    values.Ext_Hum_SHT = (r:read(">I2", "Ext_Hum_SHT") & 0x0FFF) / 10
  elseif kind == 32 then
    values.ID = hex.encode(bytes:sub(3, 6) .. bytes:sub(10, 11))
    values.TempC_TMP117 = probe(r:read(">i2", "TempC_TMP117"), values.No_connect)
  end
end
local has_id = { [14] = true, [15] = true, [16] = true, [32] = true }

local function unknown_kind(r, kind, at)
  r:unknown(("expected a known external sensor, got %d"):format(kind), at)
end

-- A device without stored values answers by zeros.
local function is_nothing(r) return not r.bytes:find "[^\0]" end

-- Stored values: the external sensor comes first, and a count of 32 bits (kind 8) has only its
-- lower half.
local function read_stored(r, mark)
  local samples = {}
  while r:more() do
    if not r:whole(SIZE, "a stored value") then return end
    local at = r.at
    local flags = r.bytes:byte(at + 6)
    local kind = flags & KIND_BITS
    local values = { No_connect = mark == STORED and flags & HIGH_BIT ~= 0 }
    local is_stored = flags & mark ~= 0
    if not r.bytes:find("^\0\0\0\0\0\0\0\0\0\0\0", at) and not is_stored then
      r:fail(("expected a stored value (bit 0x%02X), got 0x%02X"):format(mark, flags), at + 6)
    end
    read_short(r, sensors[kind] and kind or 0, values)
    local temperature, humidity, _, time = (">i2I2I1I4"):unpack(r.bytes, at + 2)
    r.at = at + SIZE
    values.TempC_SHT, values.Hum_SHT = temperature / 100, (humidity & 0x0FFF) / 10
    values.Ext, values.Ext_sensor = kind, sensors[kind]
    if is_stored then samples[#samples + 1] = { time = time, values = values } end
    if not sensors[kind] then unknown_kind(r, kind, at + 6) end
  end
  return samples
end

local list_sensors = { "ds18b20", "tmp117", "gxht30", "sht31" }

-- A battery, the kind of probe, and temperatures whose times are not told.
local function read_list(r)
  local battery = r:read(">I2", "BatV")
  local values = { BatV = (battery & 0x3FFF) / 1000,
    Ext_sensor = list_sensors[r:read(">I1", "the kind of probe")] }
  local n = 0
  while r:more() do
    n = n + 1
    values["Temp_" .. n] = probe(r:read(">i2", "Temp_" .. n))
  end
  return values
end

-- Port 3: stored values have their mark and a time that can be; else it is a list when its third
-- byte says so.
local function is_list(bytes)
  if #bytes < 3 or #bytes % 2 == 0 or not list_sensors[bytes:byte(3)] then return false end
  if #bytes % SIZE ~= 0 then return true end
  return bytes:byte(7) & (STORED | HIGH_BIT) == 0 or (">I4"):unpack(bytes, 8) < FIRST_TIME
end

local function read_present(r, is_n)
  if not r:exactly(SIZE) then return end
  local battery, temperature, humidity, flags = (">I2i2I2I1"):unpack(r.bytes)
  r.at = 8
  local kind = flags & KIND_BITS
  local values = { Ext = kind, Ext_sensor = sensors[kind], No_connect = not is_n
    and flags & HIGH_BIT ~= 0 }
  if kind == 9 or kind == 10 then
    values[probe_names[kind]] = probe(battery < 0x8000 and battery or battery - 0x10000,
      values.No_connect)
    values.Bat_status = humidity >> 14
  else
    values.BatV, values.Bat_status = (battery & 0x3FFF) / 1000, battery >> 14
  end
  if has_id[kind] then
    read_id(r, kind, values)
  else
    values.TempC_SHT, values.Hum_SHT = temperature / 100, (humidity & 0x0FFF) / 10
    if sensors[kind] then read_external(r, kind, values) else unknown_kind(r, kind, 7) end
  end
  return values
end

local function reader(is_n)
  return function(r, port)
    if port == 5 then return info.read(r) end
    if port and port ~= 2 and port ~= 3 then
      return r:refuse(("expected port 2, 3 or 5, got %d"):format(port))
    end
    if is_nothing(r) then return nil end
    if port == 3 and is_list(r.bytes) then return read_list(r) end
    local seventh = r.bytes:byte(7)
    if seventh and seventh & STORED ~= 0 then return read_stored(r, STORED) end
    if seventh and is_n and seventh & HIGH_BIT ~= 0 then return read_stored(r, HIGH_BIT) end
    if port == 3 then return r:fail("expected stored values (bit 0x40), got others", 7) end
    return read_present(r, is_n)
  end
end

local fields = {
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
  { name = "Temp_N", unit = "°C", description = "of a list on port 3, N from 1; without times" },
  { name = "Sensor_Model" },
  { name = "Firmware_Version" },
  { name = "Freq_Band" },
  { name = "Sub_Band" },
  { name = "Bat_mV", unit = "mV" },
}

local lht65 = kit.device {
  name = "dragino_lht65",
  fields = fields,
  read = reader(false),
  examples = {
    {
      description = "with a temperature probe", port = 2, input = "CBF60B0D0376010ADD7FFF",
      output = {
        BatV = 3.062, Bat_status = 3, TempC_SHT = 28.29, Hum_SHT = 88.6, Ext = 1,
          Ext_sensor = "Temperature Sensor",
        No_connect = false, TempC_DS = 27.81,
      },
    },
    {
      description = "whose probe is missing", port = 2, input = "CBF60B0D0376017FFF7FFF",
      output = {
        BatV = 3.062, Bat_status = 3, TempC_SHT = 28.29, Hum_SHT = 88.6, Ext = 1,
          Ext_sensor = "Temperature Sensor",
        No_connect = false, TempC_DS = { value = 327.67, status = "invalid" },
      },
    },
    {
      description = "a probe with its time", port = 2, input = "F5C90B0DC3760961CD4EDD",
      output = {
        Bat_status = 3, TempC_SHT = 28.29, Hum_SHT = 88.6, Ext = 9,
          Ext_sensor = "DS18B20 & timestamp", No_connect = false,
        TempC_DS = -26.15, Systimestamp = 1640845021,
      },
    },
    {
      -- The first two of the manual's example (LHT65 user manual, datalog uplink payload).
      description = "stored values", port = 2,
        input = "7FFF089801464160065F977FFF088E014B4160066009",
      output = {
        { time = 1611030423, values = {
          TempC_SHT = 22, Hum_SHT = 32.6, TempC_DS = { value = 327.67, status = "invalid" },
            Ext = 1,
          Ext_sensor = "Temperature Sensor", No_connect = false,
        } },
        { time = 1611030537, values = {
          TempC_SHT = 21.9, Hum_SHT = 33.1, TempC_DS = { value = 327.67, status = "invalid" },
            Ext = 1,
          Ext_sensor = "Temperature Sensor", No_connect = false,
        } },
      },
    },
  },
}

--- The decoder of the LHT65N.
lht65.n = kit.device {
  name = "dragino_lht65n",
  fields = fields,
  read = reader(true),
  examples = {
    {
      description = "with a temperature probe", port = 2, input = "CBF60B0D0376010ADD7FFF",
      output = {
        BatV = 3.062, Bat_status = 3, TempC_SHT = 28.29, Hum_SHT = 88.6, Ext = 1,
          Ext_sensor = "Temperature Sensor",
        No_connect = false, TempC_DS = 27.81,
      },
    },
    {
      description = "stored values, sent again", port = 2,
        input = "0ADD089801468160065F977FFF088E014B8160066009",
      output = {
        { time = 1611030423, values = {
          TempC_SHT = 22, Hum_SHT = 32.6, TempC_DS = 27.81, Ext = 1,
            Ext_sensor = "Temperature Sensor", No_connect = false,
        } },
        { time = 1611030537, values = {
          TempC_SHT = 21.9, Hum_SHT = 33.1, TempC_DS = { value = 327.67, status = "invalid" },
            Ext = 1,
          Ext_sensor = "Temperature Sensor", No_connect = false,
        } },
      },
    },
    {
      description = "a list of temperatures", port = 3, input = "0BF6010ADD0ADEFF9C",
      output = { BatV = 3.062, Ext_sensor = "ds18b20", Temp_1 = 27.81, Temp_2 = 27.82,
        Temp_3 = -1 },
    },
    {
      description = "the device's own data", port = 5, input = "0B010001FF0BF6",
      output = { Sensor_Model = 11, Firmware_Version = "0100", Freq_Band = 1, Sub_Band = 255,
        Bat_mV = 3062 },
    },
    {
      description = "an SHT31 with its id", port = 2, input = "CBF61122334410FF9C0220",
      output = {
        BatV = 3.062, Bat_status = 3, Ext = 16, Ext_sensor = "SHT31ID", No_connect = false,
          ID = "11223344", Ext_TempC_SHT = -1,
        Ext_Hum_SHT = 54.4,
      },
    },
    {
      description = "a TMP117 with its id", port = 2, input = "CBF611223344200ADD5566",
      output = {
        BatV = 3.062, Bat_status = 3, Ext = 32, Ext_sensor = "NE117ID", No_connect = false,
          ID = "112233445566", TempC_TMP117 = 27.81,
      },
    },
    {
      description = "a count with its time, which is told by kind only", port = 2,
        input = "CBF6000000070E61CD4EDD",
      output = { BatV = 3.062, Bat_status = 3, Ext = 14,
        Ext_sensor = "Interrupt Sensor count & timestamp", No_connect = false },
    },
    {
      description = "kind 12, of which the built-in sensor is known", port = 2,
        input = "CBF60B0D03760CFF9C0220",
      output = {
        BatV = 3.062, Bat_status = 3, TempC_SHT = 28.29, Hum_SHT = 88.6, Ext = 12,
          Ext_sensor = "SHT31 Sensor", No_connect = false,
      },
    },
  },
}

return lht65
