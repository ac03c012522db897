-- scripts/bench/decoders.lua — what the benches of decoders run: KIND is that of streams.lua;
-- `unpack`: the same bytes as cayenne by a hand-written string.unpack; `nothing`, `json`: the
-- documents of things_stack, of which decode reads nothing, or msg.json.
local elsys = require "tagline.codec.device.elsys"
local milesight = require "tagline.codec.device.milesight"
local cayenne_lpp = require "tagline.codec.cayenne_lpp"
local lorawan = require "tagline.codec.lorawan"
local sparkplug_b = require "tagline.codec.sparkplug_b"

local kind = env "KIND"

local function analog(names)
  local tags = {}
  for name in names:gmatch "%S+" do tags[name] = Ai {} end
  return tags
end

local function by_hand(msg)
  local _, _, t, _, _, h, _, _, a, _, _, p = (">I1I1i2I1I1I1I1I1i2I1I1i2"):unpack(msg.payload)
  return { temperature_1 = t / 10, humidity_2 = h / 2, analog_in_3 = a / 100, pressure_4 = p / 10 }
end

local function document(decode)
  return station "{device}" { address = "v3/plant@ttn/devices/(?<device>[^/]+)/up",
    decode = decode, tags = { none = Ai {} } }
end

local function metrics()
  local tags, types = {}, { "Ci", "Ai", "Ai", "Di", "Ci", "Ci" }
  for i = 1, 500 do
    local word = ({ Ci = Ci, Ai = Ai, Di = Di })[types[i % 6 + 1]]
    tags["Area_Metric_" .. i] = word {}
  end
  return tags
end

local lpp = analog "temperature_1 humidity_2 analog_in_3 pressure_4"
local stations = {
  things_stack = function()
    return station "{device}" { address = "v3/plant@ttn/devices/(?<device>[^/]+)/up",
      decode = lorawan.things_stack_v3(elsys),
      tags = analog "temperature humidity light motion vdd co2 rssi snr" }
  end,
  chirpstack = function()
    return station "{device}" { address = "application/17c82e96/device/(?<device>[^/]+)/event/up",
      decode = lorawan.chirpstack_v4(milesight.am107),
      tags = analog "battery temperature humidity illumination co2 tvoc pressure rssi snr" }
  end,
  cayenne = function()
    return station "{device}" { address = "lpp/(?<device>[^/]+)", decode = cayenne_lpp,
      tags = lpp }
  end,
  unpack = function()
    return station "{device}" { address = "lpp/(?<device>[^/]+)", decode = by_hand, tags = lpp }
  end,
  nothing = function() return document(function() return nil end) end,
  json = function()
    return document(function(msg)
      local _ = msg.json
      return nil
    end)
  end,
  sparkplug = function()
    return station "plant" { address = sparkplug_b.address("G", "E"), decode = sparkplug_b.host {},
      tags = metrics() }
  end,
}

line "bench" {
  host = "127.0.0.1",
  port = math.tointeger(tonumber(env "PORT")),
  topic_filter = "#",
  clean_session = true,
  stations[kind](),
}
