-- Sparkplug B: an edge node "boiler-room" with a device "boiler-1". Births name the metrics,
-- later messages carry aliases only; when one of them was lost, or the gateway has just begun,
-- the node is asked for its births again.
local sparkplug_b = require "tagline.codec.sparkplug_b"

-- All that the edge node publishes goes to one host, which remembers the births and counts the
-- sequence numbers. It tells STATE of itself,
-- retained: nodes that have it as their primary host wait for it.
local host = sparkplug_b.host {
  host_id = "tagline-plant",
  -- else the name with '_' for '/': Supply_Voltage
  tags = { ["Supply/Voltage"] = "voltage" },
  devices = { ["boiler-1"] = { ["Temp/Flow"] = "flow", ["Burner[1]"] = "stage_1",
    ["Burner[2]"] = "stage_2" } },
}

line "sparkplug" (host.line {
  host              = env("TAGLINE_HOST", "mqtt.example.net"),
  port              = tonumber(env("TAGLINE_PORT", "1883")),
  client_id         = "tagline-plant-sparkplug",
  topic_filter      = sparkplug_b.topic_filters("plant", "boiler-room"),

  station "STATE" (host.state),

  station "boiler-room" {
    address = sparkplug_b.address("plant", "boiler-room"),
    decode  = host,
    encode  = host.encode,
    tags = {
      voltage    = Ai { unit = "V" },
      events     = Ci { description = "an Int64 of the node" },
      flow       = Ai { unit = "°C", description = "device boiler-1" },
      stage_1    = Di {},
      stage_2    = Di {},
      started    = TiA {},
      operator   = TxtI {},
      setpoint   = Ao { unit = "°C",
        description = "a write is a DCMD; what the device says comes back" },
    },
  },
})
