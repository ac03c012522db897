--- Milesight sensors: entries of channel, type and data, little-endian (the types look like those of Cayenne LPP, the order of
--- bytes differs). One decoder per model, since the same channel means different things: `milesight.am107`, `am319` (its last sensor
--- is either: `am319_hcho`, `am319_o3`), `em300` (EM300-TH), `em300_mcs`, `em300_sld` (EM300-SLD and -ZLD), `em300_mld`, `em300_di`,
--- `em300_di_hall` and `em300_cl`. Stored values (channels 0x20 and 0x21) become samples with their own times; the AM107 has none.
--- Answers to downlinks (channels 0xFE and 0xFF with other types than below) are errors.
local kit = require "tagline.codec.kit"
local hex = require "tagline.codec.hex"

local s16, u8, u16, u32, f32 = "<i2", "<I1", "<I2", "<I4", "<f"

local function yes(name, description) return { name, u8, bool = true, nil, nil, description } end

local temperature = { "temperature", s16, 10, "°C" }
local humidity = { "humidity", u8, 2, "%" }
local illumination = {
  { "illumination", u16, nil, "lux" }, { "infrared_and_visible", u16, nil, "lux" }, { "infrared", u16, nil, "lux" },
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
  { "water", f32, nil, nil, "water_conv for each pulse_conv pulses, in the unit that the device is set to", finite = true },
}
local water_alarm = { "water_alarm", u8, nil, nil, "1 outage, 2 its end, 3 flow, 4 its end; stored ones: 5 gpio, 6 its end, 0 none" }

local ATTRIBUTE = 0xFF

-- The key is channel << 8 | type.
local BATTERY, TEMPERATURE, HUMIDITY = 0x0175, 0x0367, 0x0468
local battery = { { "battery", u8, nil, "%" } }
local function with_common(entries)
  entries[BATTERY], entries[TEMPERATURE], entries[HUMIDITY] = battery, { temperature }, { humidity }
  return entries
end

-- What a device tells after it joined, by type: name and count of bytes. It is no measurement, but no error either.
local attributes = {
  [0x01] = { "", 1 }, [0x08] = { "serial_number", 6 }, [0x09] = { "", 2 }, [0x0A] = { "", 2 }, [0x0B] = { "", 1 },
  [0x0F] = { "", 1 }, [0x16] = { "serial_number", 8 }, [0xFE] = { "", 1 }, [0xFF] = { "", 2 },
}

local function read_attribute(r, number, values)
  local name, size = attributes[number][1], attributes[number][2]
  local at = r.at
  if r:left() < size then return r:fail(("expected %d bytes of attribute 0x%02X, got %d"):format(size, number, r:left())) end
  r.at = at + size
  if name ~= "" then values[name] = hex.encode(r.bytes:sub(at, at + size - 1)) end
end

-- `entries` by key; `stored` by key: the parts behind a stored value's time, or a function(r, values) that reads them.
local function model(name, entries, stored, examples, more_fields)
  local keys, lists = {}, {}
  for key in pairs(entries) do keys[#keys + 1] = key end
  table.sort(keys)
  for i, key in ipairs(keys) do lists[i] = entries[key] end
  for _, key in ipairs { 0x20CE, 0x21CE } do
    if type(stored[key]) == "table" then lists[#lists + 1] = stored[key] end
  end
  lists[#lists + 1] = more_fields
  local fields = kit.fields_of(table.unpack(lists))
  fields[#fields + 1] = { name = "serial_number", description = "after joining, hexadecimal" }

  local function read_stored(r, parts)
    local sample = { time = r:read(u32, "the time of a stored value"), values = {} }
    if type(parts) == "function" then parts(r, sample.values) else kit.take(r, parts, sample.values) end
    return sample
  end

  local function read(r)
    local values, samples = {}, {}
    while r:more() do
      local at = r.at
      local channel = r:read(u8, "channel")
      local number = r:read(u8, "type")
      local key = channel << 8 | number
      if r.err then break end
      if entries[key] then
        kit.take(r, entries[key], values)
      elseif stored[key] then
        samples[#samples + 1] = read_stored(r, stored[key])
      elseif channel == ATTRIBUTE and attributes[number] then
        read_attribute(r, number, values)
      else
        r:fail(("expected a channel and type of this model, got 0x%02X 0x%02X"):format(channel, number), at)
      end
    end
    if #samples == 0 then return values end
    if next(values) ~= nil then samples[#samples + 1] = { values = values } end -- the present ones last
    return samples
  end

  return kit.device { name = "milesight." .. name, fields = fields, read = read, examples = examples }
end

-- ---- AM319: tvoc is a rating of the air (IAQ), or a mass when the device is set to that ----

local rating = { "tvoc", u16, nil, nil, "as it was sent: hundredths of a rating (IAQ), in older firmware ppb" }
local mass = { "tvoc_density", u16, nil, "µg/m³" }
local hcho = { "hcho", u16, 100, "mg/m³" }
local o3 = { "o3", u16, 100, "ppm" }
local pm2_5, pm10 = { "pm2_5", u16, nil, "µg/m³" }, { "pm10", u16, nil, "µg/m³" }
local pir = yes("pir", "true: somebody moved")
local light_level = { "light_level", u8 }

local function am319(own)
  local entries = with_common {
    [0x0500] = { pir }, [0x06CB] = { light_level }, [0x077D] = { co2 }, [0x087D] = { rating }, [0x08E6] = { mass },
    [0x0973] = { pressure }, [0x0B7D] = { pm2_5 }, [0x0C7D] = { pm10 }, [0x0E01] = { yes "beep" },
  }
  for key, parts in pairs(own) do entries[key] = parts end
  return entries
end

-- Nothing in a stored value tells whether its last two bytes are hcho or o3.
local function am319_stored(last)
  local function parts(first)
    return { temperature, { "humidity", u16, 2, "%" }, pir, light_level, co2, first, pressure, pm2_5, pm10, last }
  end
  return { [0x20CE] = parts(rating), [0x21CE] = parts(mass) }
end

local am319_all = {
  description = "all values", port = 85,
  input = "0367EE0004687C05000106CB02077DA803087D2500097366270A7D07000B7D20000C7D3000",
  output = {
    temperature = 23.8, humidity = 62, pir = true, light_level = 2, co2 = 936, tvoc = 37, pressure = 1008.6, hcho = 0.07,
    pm2_5 = 32, pm10 = 48,
  },
}

-- ---- EM300-DI: a digital input that is a level, or counts pulses ----

local GPIO, PULSE = 1, 2

-- A stored value says what the input was; the other bytes mean nothing then.
local function input_kind(r)
  local at = r.at
  local kind = r:read(u8, "the kind of the input")
  if not r.err and kind ~= GPIO and kind ~= PULSE then
    r:fail(("expected 1 or 2 as the kind of the input, got %d"):format(kind), at)
  end
  return kind
end

local function climate(r, values) kit.take(r, { temperature, humidity }, values) end
local function no_climate(r) kit.take(r, { { "", s16 }, { "", u8 } }, {}) end

local function stored_counter(r, values)
  climate(r, values)
  local kind = input_kind(r)
  kit.take(r, kind == GPIO and { gpio, { "", u32 } } or { reserved, pulse }, values)
end

local function stored_water(first)
  return function(r, values)
    first(r, values)
    kit.take(r, { water_alarm }, values)
    local kind = input_kind(r)
    if kind == GPIO then kit.take(r, { gpio, { "", u32 }, { "", u32 } }, values)
    else kit.take(r, { reserved, table.unpack(water) }, values) end
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
      description = "all values", port = 85, input = "01755C03673401046865056A490006651C0079001400077DE704087D070009733F27",
      output = {
        battery = 92, temperature = 30.8, humidity = 50.5, activity = 73, illumination = 28, infrared_and_visible = 121,
        infrared = 20, co2 = 1255, tvoc = 7, pressure = 1004.7,
      },
    },
  }),

  am319 = model("am319", am319 { [0x0A7D] = { hcho }, [0x0D7D] = { o3 } }, am319_stored { "", u16 }, { am319_all }),

  am319_hcho = model("am319_hcho", am319 { [0x0A7D] = { hcho } }, am319_stored(hcho), {
    am319_all,
    {
      description = "a stored set, tvoc as a mass", port = 85, input = "21CE9E744663EE007C000102A80325006627200030000700",
      output = { {
        time = 1665561758,
        values = {
          temperature = 23.8, humidity = 62, pir = true, light_level = 2, co2 = 936, tvoc_density = 37, pressure = 1008.6, pm2_5 = 32,
          pm10 = 48, hcho = 0.07,
        },
      } },
    },
  }),

  am319_o3 = model("am319_o3", am319 { [0x0D7D] = { o3 } }, am319_stored(o3), {
    {
      description = "all values but o3", port = 85, input = "0367EE0004687C05000106CB02077DA803087D2500097366270B7D20000C7D3000",
      output = {
        temperature = 23.8, humidity = 62, pir = true, light_level = 2, co2 = 936, tvoc = 37, pressure = 1008.6, pm2_5 = 32, pm10 = 48,
      },
    },
    {
      description = "a stored set", port = 85, input = "20CE9E744663EE007C000102A80325006627200030000400",
      output = { {
        time = 1665561758,
        values = {
          temperature = 23.8, humidity = 62, pir = true, light_level = 2, co2 = 936, tvoc = 37, pressure = 1008.6, pm2_5 = 32,
          pm10 = 48, o3 = 0.04,
        },
      } },
    },
  }),

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
      description = "a negative temperature, stored and present values", port = 85, input = "0367F6FF20CE9E74466310015D00",
      output = { { time = 1665561758, values = { temperature = 27.2, humidity = 46.5 } }, { values = { temperature = -1 } } },
    },
  }),

  em300_mcs = model("em300_mcs", with_common { [0x0600] = { magnet } }, { [0x20CE] = { temperature, humidity, magnet } }, {
    {
      description = "an open door", port = 85, input = "01755C03673401046865060001",
      output = { battery = 92, temperature = 30.8, humidity = 50.5, magnet_status = true },
    },
    {
      description = "a stored open door", port = 85, input = "20CE9E74466310015D01",
      output = { { time = 1665561758, values = { temperature = 27.2, humidity = 46.5, magnet_status = true } } },
    },
  }),

  em300_sld = model("em300_sld", with_common { [0x0500] = { leakage } }, { [0x20CE] = { temperature, humidity, leakage } }, {
    {
      description = "no leak", port = 85, input = "01755C03673401046865050000",
      output = { battery = 92, temperature = 30.8, humidity = 50.5, leakage_status = false },
    },
    {
      description = "a stored leak", port = 85, input = "20CE9E74466310015D01",
      output = { { time = 1665561758, values = { temperature = 27.2, humidity = 46.5, leakage_status = true } } },
    },
  }),

  -- It measures no temperature: stored values have bytes for it that mean nothing. Of the present one's channel, the maker's table says
  -- 6, its examples and decoder 5.
  em300_mld = model("em300_mld", { [BATTERY] = battery, [0x0500] = { leakage }, [0x0600] = { leakage } },
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
      description = "a counter, present and stored", port = 85, input = "01755C0367340104686520CE9E74466310015D020000010000",
      output = {
        { time = 1665561758, values = { temperature = 27.2, humidity = 46.5, pulse = 256 } },
        { values = { battery = 92, temperature = 30.8, humidity = 50.5 } },
      },
    },
    {
      description = "a stored level", port = 85, input = "20CE9E74466310015D010100000000",
      output = { { time = 1665561758, values = { temperature = 27.2, humidity = 46.5, gpio = true } } },
    },
    {
      description = "an alarm of water", port = 85, input = "85E10A0088023393BB4403",
      output = { water_conv = 1, pulse_conv = 64.8, water = 1500.5999755859375, water_alarm = 3 },
    },
  }, { water_alarm }),

  em300_di_hall = model("em300_di_hall", inputs { [BATTERY] = battery }, { [0x21CE] = stored_water(no_climate) }, {
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
      output = { { time = 1695282399, values = { water_alarm = 1, water_conv = 1, pulse_conv = 1, water = 1892 } } },
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
