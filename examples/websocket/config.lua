-- MQTT over WebSocket: see wrapper.lua beside this file, and examples/README.md.
line "cloud" {
  host          = env("TAGLINE_HOST", "127.0.0.1"), -- the wrapper, not the broker
  port          = tonumber(env("TAGLINE_PORT", "1883")),
  client_id     = "plant-7",
  topic_filter  = "plant/#",
  -- The wrapper accepts a connection before it has the broker's; and what dies behind it is only
  -- noticed by asking.
  ping_interval = 30,

  station "boiler" {
    address = "plant/boiler/up",
    payload_type = "JSON",
    tags = { temperature = Ai { "JA=temp", unit = "°C" } },
  },
}
