-- A gateway from OPC UA: a message has some of the nodes, each a leaf with value, time and
-- quality of its own. `decode` sets each tag at its own time; a quality other than Good makes
-- its value invalid, and a node that is not in the message keeps its value.
local time = require "tagline.codec.time"

line "opcua" {
  host = env("TAGLINE_HOST", "mqtt.example.net"), port = tonumber(env("TAGLINE_PORT", "1883")),
    client_id = "tagline-plant-opcua",
  topic_filter = "opcua/boiler",
  station "boiler" {
    address = "opcua/boiler",
    decode = function(msg)
      local values = {}
      for name, leaf in pairs(msg.json) do
        local bad = leaf.quality ~= "Good"
        values[name] = { value = leaf.value, time = assert(time.parse(leaf.timestamp)),
          status = bad and "invalid" or nil }
      end
      return values
    end,
    tags = { Temperature = Ai { unit = "°C" }, Pressure = Ai { unit = "bar" }, Running = Di {} },
  },
}
