--- Milesight sensors: entries of channel, type and data, little-endian (the types look like those of Cayenne LPP, the order of
--- bytes differs). One decoder per model, since the same channel means different things: `milesight.am107`, `am319`,
--- `em300` (EM300-TH), `em300_mcs`, `em300_sld` (EM300-SLD and -ZLD), `em300_di`.
--- Stored values (channel 0x20) become samples with their own times.
local kit = require "tagline.codec.kit"
local hex = require "tagline.codec.hex"

local s16, u8, u16, u32 = "<i2", "<I1", "<I2", "<I4"

local temperature = { "temperature", s16, 10, "°C" }
local humidity = { "humidity", u8, 2, "%" }
local illumination = {
  { "illumination", u16, nil, "lux" }, { "infrared_and_visible", u16, nil, "lux" }, { "infrared", u16, nil, "lux" },
}
local co2 = { "co2", u16, nil, "ppm" }
local tvoc = { "tvoc", u16, nil, "ppb" }
local pressure = { "pressure", u16, 10, "hPa" }
local pm2_5, pm10 = { "pm2_5", u16, nil, "µg/m³" }, { "pm10", u16, nil, "µg/m³" }
local pir = { "pir", u8, bool = true, nil, nil, "true: somebody moved" }
local light_level = { "light_level", u8 }
local leakage = { "leakage_status", u8, bool = true, nil, nil, "true: leak" }
local magnet = { "magnet_status", u8, bool = true, nil, nil, "true: open" }
local gpio = { "gpio", u8, bool = true, nil, nil, "true: high" }
local pulse = { "pulse", u32 }

local HISTORY, ATTRIBUTE = 0x20CE, 0xFF

-- Every model knows these; the key is channel << 8 | type.
local common = {
  [0x0175] = { { "battery", u8, nil, "%" } },
  [0x0367] = { temperature },
  [0x0468] = { humidity },
}

-- What a device tells after it joined, by type: name and count of bytes. It is no measurement, but no error either.
local attributes = {
  [0x01] = { "", 1 }, [0x09] = { "", 2 }, [0x0A] = { "", 2 }, [0x0B] = { "", 1 }, [0x0F] = { "", 1 },
  [0x16] = { "serial_number", 8 }, [0xFE] = { "", 1 }, [0xFF] = { "", 2 },
}

local function read_attribute(r, number, values)
  local name, size = attributes[number][1], attributes[number][2]
  local at = r.at
  if r:left() < size then return r:fail(("expected %d bytes of attribute 0x%02X, got %d"):format(size, number, r:left())) end
  r.at = at + size
  if name ~= "" then values[name] = hex.encode(r.bytes:sub(at, at + size - 1)) end
end

local function model(name, own, history, examples)
  local entries, keys, lists = {}, {}, {}
  for _, some in ipairs { common, own } do
    for key, parts in pairs(some) do entries[key], keys[#keys + 1] = parts, key end
  end
  table.sort(keys)
  for i, key in ipairs(keys) do lists[i] = entries[key] end
  local fields = kit.fields_of(table.unpack(lists))
  fields[#fields + 1] = { name = "serial_number", description = "after joining, hexadecimal" }

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
      elseif key == HISTORY and history then
        local sample = { time = r:read(u32, "the time of a stored value"), values = {} }
        kit.take(r, history, sample.values)
        samples[#samples + 1] = sample
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

local reserved = { "", u8 }

return {
  am107 = model("am107", {
    [0x056A] = { { "activity", u16 } },
    [0x0665] = illumination,
    [0x077D] = { co2 }, [0x087D] = { tvoc }, [0x0973] = { pressure },
  }, nil, {
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

  am319 = model("am319", {
    [0x0500] = { pir }, [0x06CB] = { light_level },
    [0x077D] = { co2 }, [0x087D] = { tvoc }, [0x0973] = { pressure },
    [0x0A7D] = { { "hcho", u16, 100, "mg/m³" } },
    [0x0B7D] = { pm2_5 }, [0x0C7D] = { pm10 },
    [0x0D7D] = { { "o3", u16, 100, "ppm" } },
    [0x0E01] = { { "beep", u8, bool = true } },
  }, {
    -- The last two bytes are hcho or o3, which nothing in the message tells apart.
    temperature, { "humidity", u16, 2, "%" }, pir, light_level, co2, tvoc, pressure, pm2_5, pm10, { "", u16 },
  }, {
    {
      description = "all values", port = 85,
      input = "0367EE0004687C05000106CB02077DA803087D2500097366270A7D04000B7D20000C7D3000",
      output = {
        temperature = 23.8, humidity = 62, pir = true, light_level = 2, co2 = 936, tvoc = 37, pressure = 1008.6, hcho = 0.04,
        pm2_5 = 32, pm10 = 48,
      },
    },
  }),

  em300 = model("em300", {}, { temperature, humidity, reserved }, {
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

  em300_mcs = model("em300_mcs", { [0x0600] = { magnet } }, { temperature, humidity, magnet }, {
    {
      description = "an open door", port = 85, input = "01755C03673401046865060001",
      output = { battery = 92, temperature = 30.8, humidity = 50.5, magnet_status = true },
    },
  }),

  em300_sld = model("em300_sld", { [0x0500] = { leakage } }, { temperature, humidity, leakage }, {
    {
      description = "no leak", port = 85, input = "01755C03673401046865050000",
      output = { battery = 92, temperature = 30.8, humidity = 50.5, leakage_status = false },
    },
    {
      description = "a stored leak", port = 85, input = "20CE9E74466310015D01",
      output = { { time = 1665561758, values = { temperature = 27.2, humidity = 46.5, leakage_status = true } } },
    },
  }),

  -- A stored value of the pulse input comes in two layouts that begin alike; only the present ones are read.
  em300_di = model("em300_di", { [0x0500] = { gpio }, [0x05C8] = { pulse } }, nil, {
    {
      description = "a counter", port = 85, input = "01755C0367340104686505C800010000",
      output = { battery = 92, temperature = 30.8, humidity = 50.5, pulse = 256 },
    },
  }),
}
