--- The files that `tagline init` writes, in their order. LIBRARY becomes the path of the library
--- for editors, as JSON.
local files = {}

files[1] = { name = "plant.lua", doc = "the config", text = [=[
-- A line is one connection to a broker, a station one device, a tag one value.
local meter = require "meter" -- the decoder, in meter.lua

line "plant" {
  host         = "127.0.0.1",
  topic_filter = "plant/#",
  payload_type = "JSON",

  -- A device that sends JSON: {"temp": 71.5, "on": true}
  station "boiler" {
    address = "plant/boiler/up",
    tags = {
      temperature = Ai { "JA=temp", unit = "°C" },
      running     = Di "JA=on",
      -- A write to `setpoint` publishes to this topic.
      topic       = TxtO { "OUT_TOPIC", default = "plant/boiler/set" },
      setpoint    = Ao { "OUT_VALUE", unit = "°C", range = { 0, 95 } },
    },
  },

  -- Devices that send bytes: one station each, meter-1, meter-2 …
  station "meter-{id}" {
    address = "plant/meter-(?<id>[^/]+)/up",
    decode  = meter,
    tags = {
      volts = Ai { unit = "V" },
      amps  = Ai { unit = "A" },
    },
  },
}
]=] }

files[2] = { name = "meter.lua", doc = "a decoder", text = [=[
-- From a meter's bytes to values: volts and amps, two bytes each, most significant first, in
-- tenths and hundredths. nil would decline a message, an error is told in the log.

---@param msg tagline.Message
return function(msg)
  if #msg.payload ~= 4 then error(("expected 4 bytes, got %d"):format(#msg.payload), 0) end
  local volts, amps = string.unpack(">I2I2", msg.payload)
  return { volts = volts / 10, amps = amps / 100 }
end
]=] }

files[3] = { name = "spec/plant_spec.lua", doc = "what `tagline test` runs", text = [=[
local t = require "tagline.test"

describe("the plant", function()
  local plant

  before_each(function() plant = t.config "../plant.lua" end)

  it("reads the boiler's JSON", function()
    plant:feed("plant/boiler/up", '{"temp": 71.5, "on": true}')
    assert.equal(71.5, plant.tags["plant.boiler.temperature"].value)
    assert.is_true(plant.tags["plant.boiler.running"].value)
  end)

  it("writes the boiler's setpoint", function()
    local sent = plant:write("plant.boiler.setpoint", 55)
    assert.equal("plant/boiler/set", sent[1].topic)
    assert.equal("55", sent[1].payload)
  end)

  it("decodes a meter's bytes", function()
    plant:feed("plant/meter-7/up", t.hex "0903 007B")
    assert.equal(230.7, plant.tags["plant.meter-7.volts"].value)
    assert.equal(1.23, plant.tags["plant.meter-7.amps"].value)
  end)

  it("takes no meter's message of another length", function()
    assert.error_matches(function() plant:feed("plant/meter-7/up", t.hex "09") end,
      "expected 4 bytes, got 1")
  end)
end)
]=] }

files[4] = { name = ".luarc.json", doc = "for editors: what the words mean", text = [=[
{
  "runtime.version": "Lua 5.4",
  "workspace.library": [LIBRARY],
  "workspace.checkThirdParty": false,
  "diagnostics.globals": ["describe", "it", "before_each", "after_each"]
}
]=] }

return files
