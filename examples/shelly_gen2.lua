-- Shelly devices of generation 2 and later (Plus, Pro, Gen3): each channel tells its whole
-- status on a topic of its own, and "online" is the device's will. In the device: MQTT prefix
-- "plant/NAME", "Generic status update over MQTT" on.
line "shelly" {
  host = env("TAGLINE_HOST", "mqtt.example.net"), port = tonumber(env("TAGLINE_PORT", "1883")),
    client_id = "tagline-plant-shelly",
  topic_filter = { "plant/+/status/switch:0", "plant/+/online" }, payload_type = "JSON",
  station "{dev}" {
    address = "plant/(?<dev>[^/]+)/status/switch:0", SWT = "plant/{dev}/online", SWP = "false",
    encode = function(_, value) return value and "on" or "off" end,
    tags = {
      on     = Di "JA=output",
      power  = Ai { "JA=apower", unit = "W" },
      -- devices without a meter do not send it
      volts  = Ai { "JA=voltage", unit = "V", on_missing = "keep" },
      energy = Ai { "JA=aenergy.total", unit = "Wh" },
      inside = Ai { "JA=temperature.tC", unit = "°C" },
      relay  = Do "OUT_VALUE",
      topic  = TxtO { "OUT_TOPIC", default = "plant/{dev}/command/switch:0" },
    },
  },
}
