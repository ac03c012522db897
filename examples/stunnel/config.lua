-- MQTT over TLS: see stunnel.conf beside this file, and examples/README.md.
line "cloud" {
  host          = env("TAGLINE_HOST", "127.0.0.1"), -- stunnel, not the broker
  port          = tonumber(env("TAGLINE_PORT", "1883")),
  client_id     = "plant-7",
  user_name     = env("BROKER_USER", "plant"),
  -- in a real config without the second argument: an error when it is not set
  password      = env("BROKER_PASSWORD", "secret"),
  topic_filter  = "plant/#",
  -- stunnel accepts a connection before it has the broker's: a broker that is gone shows as an end
  -- before CONNACK. A connection that died behind stunnel is only noticed by asking.
  ping_interval = 30,

  station "boiler" {
    address = "plant/boiler/up",
    payload_type = "JSON",
    tags = { temperature = Ai { "JA=temp", unit = "°C" } },
  },
}
