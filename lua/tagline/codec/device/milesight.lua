--- Milesight sensors: entries of channel, type and data, little-endian (the types look like those
--- of Cayenne LPP, the order of bytes differs). One decoder per model, since the same channel
--- means different things: `milesight.am107`, `am319` (its last sensor is either: `am319_hcho`,
--- `am319_o3`; also `am319_hcho_ir`, `am319l_hcho_ir`, `am319l_o3` and `am319_hcho_well`),
--- `em300` (EM300-TH), `em300_mcs`, `em300_sld` (EM300-SLD and -ZLD), `em300_mld`, `em300_di`,
--- `em300_di_hall` and `em300_cl`. Stored values (channels 0x20 and 0x21) become samples with
--- their own times; the AM107 has none. Answers to downlinks (channels 0xFE and 0xFF) are read
--- over; `report_interval` is told.
local kit = require "tagline.codec.kit"
local hex = require "tagline.codec.hex"

local s16, u8, u16, u32, f32 = "<i2", "<I1", "<I2", "<I4", "<f"

local function yes(name, description) return { name, u8, bool = true, nil, nil, description } end

-- Parts: name, format, divisor, unit, description (tagline.Part in kit.lua).
local temperature = { "temperature", s16, 10, "°C" }
local humidity = { "humidity", u8, 2, "%" }
local illumination = {
  { "illumination", u16, nil, "lux" }, { "infrared_and_visible", u16, nil, "lux" },
    { "infrared", u16, nil, "lux" },
}
local co2 = { "co2", u16, nil, "ppm" }
local tvoc = { "tvoc", u16, nil, "ppb" }
local pressure = { "pressure", u16, 10, "hPa" }
local reserved = { "", u8 }

local leakage = yes("leakage_status", "true: leak")
local magnet = yes("magnet_status", "true: open")
local gpio = yes("gpio", "true: high")
local pulse = { "pulse", u32 }
local water = {
  { "water_conv", u16, 10 }, { "pulse_conv", u16, 10 },
  { "water", f32, nil, nil,
    "water_conv for each pulse_conv pulses, in the unit that the device is set to", finite = true },
}
local water_alarm = { "water_alarm", u8, nil, nil,
  "1 outage, 2 its end, 3 flow, 4 its end; stored ones: 5 gpio, 6 its end, 0 none" }

local ATTRIBUTE, ANSWER = 0xFF, 0xFE

-- The key is channel << 8 | type.
local BATTERY, TEMPERATURE, HUMIDITY = 0x0175, 0x0367, 0x0468
local battery = { { "battery", u8, nil, "%" } }
local function with_common(entries)
  entries[BATTERY], entries[TEMPERATURE], entries[HUMIDITY] = battery, { temperature }, { humidity }
  return entries
end

-- What a device tells after it joined, by type: name and count of bytes. It is no measurement,
-- but no error either.
local attributes = {
  [0x01] = { "", 1 }, [0x08] = { "serial_number", 6 }, [0x09] = { "", 2 }, [0x0A] = { "", 2 },
    [0x0B] = { "", 1 },
  [0x0F] = { "", 1 }, [0x16] = { "serial_number", 8 }, [0xFE] = { "", 1 }, [0xFF] = { "", 2 },
}

-- What answers a downlink, by type: the count of bytes. These are the same in all models.
local answers = { [0x02] = 2, [0x03] = 2, [0x10] = 1, [0x11] = 4, [0x17] = 2, [0x27] = 1,
  [0x28] = 1, [0x2C] = 1, [0x2D] = 1,
  [0x2E] = 1, [0x68] = 1, [0x69] = 1, [0x6A] = 3, [0x6D] = 1 }
-- Those of the AM300 series.
local am300_answers = { [0x25] = 1, [0x39] = 1, [0x3A] = 2, [0x3B] = 1, [0x3C] = 1, [0x3D] = 1,
  [0x3E] = 1, [0x65] = 2, [0x66] = 1,
  [0xAC] = 2, [0xAD] = 1, [0xEB] = 1, [0xF0] = 4, [0xF4] = 1 }
for number, size in pairs(answers) do am300_answers[number] = size end
local REPORT_INTERVAL, AM300_REPORT_INTERVAL, CO2_CALIBRATION = 0x03, 0x3A, 0x1A
local MANUAL = 2 -- a CO2 calibration that has a value behind it

local function read_attribute(r, number, values)
  local name, size = attributes[number][1], attributes[number][2]
  local at = r.at
  if r:left() < size then
    return r:fail(("expected %d bytes of attribute 0x%02X, got %d"):format(size, number, r:left()))
  end
  r.at = at + size
  if name ~= "" then values[name] = hex.encode(r.bytes:sub(at, at + size - 1)) end
end

-- False when the answer is not known.
local function read_answer(r, number, sizes, values)
  local size = sizes[number]
  if number == CO2_CALIBRATION and sizes == am300_answers then
    size = r.bytes:byte(r.at) == MANUAL and 3 or 1
  end
  if not size then return false end
  local at = r.at
  if r:left() < size then
    r:fail(("expected %d byte%s of answer 0x%02X, got %d"):format(size, size == 1 and "" or "s",
      number, r:left()))
    return true
  end
  r.at = at + size
  if number == REPORT_INTERVAL or number == AM300_REPORT_INTERVAL then
    values.report_interval = u16:unpack(r.bytes, at)
  end
  return true
end

-- `entries` by key; `stored` by key: the parts behind a stored value's time, or a function(r,
-- values) that reads them.
local function model(name, entries, stored, examples, more_fields, sizes)
  local keys, lists = {}, {}
  for key in pairs(entries) do keys[#keys + 1] = key end
  table.sort(keys)
  for i, key in ipairs(keys) do lists[i] = entries[key] end
  for _, key in ipairs { 0x20CE, 0x21CE, 0x22CE, 0x23CE } do
    if type(stored[key]) == "table" then lists[#lists + 1] = stored[key] end
  end
  lists[#lists + 1] = more_fields
  local fields = kit.fields_of(table.unpack(lists))
  fields[#fields + 1] = { name = "serial_number", description = "after joining, hexadecimal" }
  fields[#fields + 1] = { name = "report_interval",
    description = "in an answer to a downlink, as it was set" }

  local present, stored_entries = kit.entries(2, entries), kit.entries(2)
  for key, parts in pairs(stored) do
    if type(parts) == "table" then stored_entries:add(key, parts) end
  end

  local function read_stored(r, key)
    local sample = { time = r:read(u32, "the time of a stored value"), values = {} }
    if not r:entry(stored_entries, key, sample.values) then stored[key](r, sample.values) end
    return sample
  end

  -- False when the channel and type are not known.
  local function read_other(r, channel, number, values, samples)
    local key = channel << 8 | number
    if stored[key] then
      samples[#samples + 1] = read_stored(r, key)
    elseif channel == ATTRIBUTE and attributes[number] then
      read_attribute(r, number, values)
    elseif channel == ATTRIBUTE or channel == ANSWER then
      return read_answer(r, number, sizes or answers, values)
    else
      return false
    end
    return true
  end

  local function read(r)
    local values, samples, bytes = {}, {}, r.bytes
    while r.at <= #bytes and not r.err do
      r:entries(present, values)
      local at = r.at
      if at > #bytes then break end
      local channel, number = bytes:byte(at, at + 1)
      r.at = at + 2
      if not number then
        r.at = at + 1
        r:read(u8, "type")
      elseif not r:entry(present, channel << 8 | number, values)
        and not read_other(r, channel, number, values, samples) then
        r:unknown(("expected a channel and type of this model, got 0x%02X 0x%02X"):format(
          channel, number), at)
      end
    end
    if #samples == 0 then return values end
    -- the present ones last
    if next(values) ~= nil then samples[#samples + 1] = { values = values } end
    return samples
  end

  return kit.device { name = "milesight." .. name, fields = fields, entries = present,
    read = read, examples = examples }
end

-- ---- AM319: tvoc is a rating of the air (IAQ), or a mass when the device is set to that ----

local rating = { "tvoc", u16, 100, "IAQ", "a rating; in older firmware hundredths of ppb" }
local mass = { "tvoc_density", u16, nil, "µg/m³" }
local hcho = { "hcho", u16, 100, "mg/m³" }
local o3 = { "o3", u16, 100, "ppm" }
local pm2_5, pm10 = { "pm2_5", u16, nil, "µg/m³" }, { "pm10", u16, nil, "µg/m³" }
local pir = yes("pir", "true: somebody moved")
local light_level = { "light_level", u8 }

local hcho_ppm = { "hcho", u16, 10000, "ppm" }

local function am319(own)
  local entries = with_common {
    [0x0500] = { pir }, [0x06CB] = { light_level }, [0x077D] = { co2 }, [0x087D] = { rating },
      [0x08E6] = { mass },
    [0x0973] = { pressure }, [0x0B7D] = { pm2_5 }, [0x0C7D] = { pm10 }, [0x0E01] = { yes "beep" },
  }
  for key, parts in pairs(own) do entries[key] = parts or nil end
  return entries
end

-- Nothing in a stored value tells whether its last two bytes are hcho or o3.
local function am319_stored(last)
  local function parts(first)
    return { temperature, { "humidity", u16, 2, "%" }, pir, light_level, co2, first, pressure,
      pm2_5, pm10, last }
  end
  return { [0x20CE] = parts(rating), [0x21CE] = parts(mass) }
end

local am319_o3_all = {
  description = "all values but o3", port = 85,
    input = "0367EE0004687C05000106CB02077DA803087D2500097366270B7D20000C7D3000",
  output = {
    temperature = 23.8, humidity = 62, pir = true, light_level = 2, co2 = 936, tvoc = 0.37,
      pressure = 1008.6, pm2_5 = 32, pm10 = 48,
  },
}

local function well_stored(first)
  return { temperature, { "humidity", u16, 2, "%" }, pir, light_level, co2, first, pressure,
    pm2_5, { "hcho", u16, 1000, "ppm" } }
end

local am319_all = {
  description = "all values", port = 85,
  input = "0367EE0004687C05000106CB02077DA803087D2500097366270A7D07000B7D20000C7D3000",
  output = {
    temperature = 23.8, humidity = 62, pir = true, light_level = 2, co2 = 936, tvoc = 0.37,
      pressure = 1008.6, hcho = 0.07,
    pm2_5 = 32, pm10 = 48,
  },
}

-- ---- EM300-DI: a digital input that is a level, or counts pulses ----

local GPIO, PULSE = 1, 2

-- A stored value says what the input was; the other bytes mean nothing then. Of a kind that is
-- not known none does.
local function input_kind(r) return r:read(u8, "the kind of the input") end
local function nothing(r, size, what)
  if r:whole(size, what) then r.at = r.at + size end
end

local function climate(r, values) kit.take(r, { temperature, humidity }, values) end
local function no_climate(r) kit.take(r, { { "", s16 }, { "", u8 } }, {}) end

local function stored_counter(r, values)
  climate(r, values)
  local kind = input_kind(r)
  if kind == GPIO then kit.take(r, { gpio, { "", u32 } }, values)
  elseif kind == PULSE then kit.take(r, { reserved, pulse }, values)
  else nothing(r, 5, "an input") end
end

local function stored_water(first)
  return function(r, values)
    first(r, values)
    kit.take(r, { water_alarm }, values)
    local kind = input_kind(r)
    if kind == GPIO then kit.take(r, { gpio, { "", u32 }, { "", u32 } }, values)
    elseif kind == PULSE then kit.take(r, { reserved, table.unpack(water) }, values)
    else nothing(r, 9, "an input") end
  end
end

local function inputs(entries)
  for _, channel in ipairs { 0x05, 0x06 } do -- the maker's papers say the one and the other
    entries[channel << 8 | 0xE1] = water
    entries[(channel | 0x80) << 8 | 0xE1] = { water[1], water[2], water[3], water_alarm }
  end
  entries[0x0500], entries[0x8500] = { gpio }, { gpio, yes "gpio_alarm" }
  return entries
end

-- ---- the models ----

local th_stored = { [0x20CE] = { temperature, humidity, reserved } }

return {
  am107 = model("am107", with_common {
    [0x056A] = { { "activity", u16 } },
    [0x0665] = illumination,
    [0x077D] = { co2 }, [0x087D] = { tvoc }, [0x0973] = { pressure },
  }, {}, {
    {
      description = "four values", port = 85, input = "01755C03673401046865056A4900",
      output = { battery = 92, temperature = 30.8, humidity = 50.5, activity = 73 },
    },
    {
      description = "all values", port = 85,
        input = "01755C03673401046865056A490006651C0079001400077DE704087D070009733F27",
      output = {
        battery = 92, temperature = 30.8, humidity = 50.5, activity = 73, illumination = 28,
          infrared_and_visible = 121,
        infrared = 20, co2 = 1255, tvoc = 7, pressure = 1004.7,
      },
    },
  }),

  am319 = model("am319", am319 { [0x0A7D] = { hcho }, [0x0D7D] = { o3 } },
    am319_stored { "", u16 }, { am319_all }, nil,
    am300_answers),

  -- It has no pm10; its hcho is in ppm, in present values with one digit more than in stored ones.
  am319_hcho_well = model("am319_hcho_well", am319 { [0x0C7D] = false, [0x0F7D] = { hcho_ppm } }, {
    [0x22CE] = well_stored(rating), [0x23CE] = well_stored(mass),
  }, {
    {
      description = "all values", port = 85,
        input = "0367EE0004687C05000106CB02077DA803087D250009736627" .. "0B7D20000F7D2C01",
      output = {
        temperature = 23.8, humidity = 62, pir = true, light_level = 2, co2 = 936, tvoc = 0.37,
          pressure = 1008.6, pm2_5 = 32,
        hcho = 0.03,
      },
    },
    {
      description = "a stored set", port = 85, input = "22CE9E744663EE007C000102A803250066272000"
        .. "1E00",
      output = { {
        time = 1665561758,
        values = {
          temperature = 23.8, humidity = 62, pir = true, light_level = 2, co2 = 936, tvoc = 0.37,
            pressure = 1008.6, pm2_5 = 32,
          hcho = 0.03,
        },
      } },
    },
  }, nil, am300_answers),

  am319_hcho_ir = model("am319_hcho_ir", am319 { [0x0A7D] = { hcho } }, am319_stored(hcho),
    { am319_all }, nil, am300_answers),
  am319l_hcho_ir = model("am319l_hcho_ir", am319 { [0x0A7D] = { hcho } }, am319_stored(hcho),
    { am319_all }, nil, am300_answers),
  am319l_o3 = model("am319l_o3", am319 { [0x0D7D] = { o3 } }, am319_stored(o3), { am319_o3_all },
    nil, am300_answers),

  am319_hcho = model("am319_hcho", am319 { [0x0A7D] = { hcho } }, am319_stored(hcho), {
    am319_all,
    {
      description = "a stored set, tvoc as a mass", port = 85,
        input = "21CE9E744663EE007C000102A80325006627200030000700",
      output = { {
        time = 1665561758,
        values = {
          temperature = 23.8, humidity = 62, pir = true, light_level = 2, co2 = 936,
            tvoc_density = 37, pressure = 1008.6, pm2_5 = 32,
          pm10 = 48, hcho = 0.07,
        },
      } },
    },
  }, nil, am300_answers),

  am319_o3 = model("am319_o3", am319 { [0x0D7D] = { o3 } }, am319_stored(o3), {
    am319_o3_all,
    {
      description = "a stored set", port = 85,
        input = "20CE9E744663EE007C000102A80325006627200030000400",
      output = { {
        time = 1665561758,
        values = {
          temperature = 23.8, humidity = 62, pir = true, light_level = 2, co2 = 936, tvoc = 0.37,
            pressure = 1008.6, pm2_5 = 32,
          pm10 = 48, o3 = 0.04,
        },
      } },
    },
  }, nil, am300_answers),

  em300 = model("em300", with_common {}, th_stored, {
    {
      description = "present values", port = 85, input = "01755C03673401046865",
      output = { battery = 92, temperature = 30.8, humidity = 50.5 },
    },
    {
      description = "a stored value", port = 85, input = "20CE9E74466310015D00",
      output = { { time = 1665561758, values = { temperature = 27.2, humidity = 46.5 } } },
    },
    {
      description = "a negative temperature, stored and present values", port = 85,
        input = "0367F6FF20CE9E74466310015D00",
      output = { { time = 1665561758, values = { temperature = 27.2, humidity = 46.5 } },
        { values = { temperature = -1 } } },
    },
  }),

  em300_mcs = model("em300_mcs", with_common { [0x0600] = { magnet } },
    { [0x20CE] = { temperature, humidity, magnet } }, {
    {
      description = "an open door", port = 85, input = "01755C03673401046865060001",
      output = { battery = 92, temperature = 30.8, humidity = 50.5, magnet_status = true },
    },
    {
      description = "a stored open door", port = 85, input = "20CE9E74466310015D01",
      output =
        { { time = 1665561758, values = { temperature = 27.2, humidity = 46.5,
          magnet_status = true } } },
    },
  }),

  em300_sld = model("em300_sld", with_common { [0x0500] = { leakage } },
    { [0x20CE] = { temperature, humidity, leakage } }, {
    {
      description = "no leak", port = 85, input = "01755C03673401046865050000",
      output = { battery = 92, temperature = 30.8, humidity = 50.5, leakage_status = false },
    },
    {
      description = "a stored leak", port = 85, input = "20CE9E74466310015D01",
      output =
        { { time = 1665561758, values = { temperature = 27.2, humidity = 46.5,
          leakage_status = true } } },
    },
  }),

  -- It measures no temperature: stored values have bytes for it that mean nothing. Of the present
  -- one's channel, the maker's table says 6, its examples and decoder 5.
  em300_mld = model("em300_mld", { [BATTERY] = battery, [0x0500] = { leakage },
    [0x0600] = { leakage } },
    { [0x20CE] = { { "", s16 }, reserved, leakage } }, {
    {
      description = "no leak", port = 85, input = "01755C050000",
      output = { battery = 92, leakage_status = false },
    },
    {
      description = "a stored leak", port = 85, input = "20CE9E74466300000001",
      output = { { time = 1665561758, values = { leakage_status = true } } },
    },
  }),

  em300_di = model("em300_di", inputs(with_common { [0x05C8] = { pulse } }),
    { [0x20CE] = stored_counter, [0x21CE] = stored_water(climate) }, {
    {
      description = "a counter", port = 85, input = "01755C0367340104686505C800010000",
      output = { battery = 92, temperature = 30.8, humidity = 50.5, pulse = 256 },
    },
    {
      description = "a counter, present and stored", port = 85,
        input = "01755C0367340104686520CE9E74466310015D020000010000",
      output = {
        { time = 1665561758, values = { temperature = 27.2, humidity = 46.5, pulse = 256 } },
        { values = { battery = 92, temperature = 30.8, humidity = 50.5 } },
      },
    },
    {
      description = "a stored level", port = 85, input = "20CE9E74466310015D010100000000",
      output =
        { { time = 1665561758, values = { temperature = 27.2, humidity = 46.5, gpio = true } } },
    },
    {
      description = "an alarm of water", port = 85, input = "85E10A0088023393BB4403",
      output = { water_conv = 1, pulse_conv = 64.8, water = 1500.5999755859375, water_alarm = 3 },
    },
  }, { water_alarm }),

  em300_di_hall = model("em300_di_hall", inputs { [BATTERY] = battery },
    { [0x21CE] = stored_water(no_climate) }, {
    {
      description = "no water yet", port = 85, input = "01756406E10A000A0000000000",
      output = { battery = 100, water_conv = 1, pulse_conv = 1, water = 0 },
    },
    {
      description = "an alarm of water", port = 85, input = "85E16400A0000040394401",
      output = { water_conv = 10, pulse_conv = 16, water = 741, water_alarm = 1 },
    },
    {
      description = "a stored value", port = 85, input = "21CEDFF40B650000000102010A000A000080EC44",
      output =
        { { time = 1695282399, values = { water_alarm = 1, water_conv = 1, pulse_conv = 1,
          water = 1892 } } },
    },
  }),

  em300_cl = model("em300_cl", {
    [BATTERY] = battery,
    [0x03ED] = { { "liquid", u8, nil, nil, "0 not calibrated, 1 full, 2 critical, 255 error" } },
    [0x83ED] = { { "liquid", u8 }, yes("liquid_alarm", "true: critical") },
    [0x04EE] = { yes("calibration_result", "true: it succeeded") },
  }, {}, {
    {
      description = "not calibrated", port = 85, input = "01756403ED00",
      output = { battery = 100, liquid = 0 },
    },
    {
      description = "an alarm", port = 85, input = "83ED0201",
      output = { liquid = 2, liquid_alarm = true },
    },
    {
      description = "an error, after a calibration", port = 85, input = "04EE0103EDFF",
      output = { calibration_result = true, liquid = 255 },
    },
  }),
}
