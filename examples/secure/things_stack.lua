-- The Things Stack: application and tenant as user, an API key as password; its broker knows QoS 0
-- only.
line "tts" {
  host          = env("TAGLINE_URL", "mqtts://eu1.cloud.thethings.network"),
  tls_ca_file   = env("TAGLINE_CA", ""),
  user_name     = env("TTS_USER", "application@ttn"),
  password      = env("TTS_API_KEY", "NNSXS"),
  subscribe_qos = 0,
  clean_session = true,
  topic_filter  = "v3/+/devices/+/up",
  station "sensor-{dev}" {
    address = "v3/[^/]+/devices/(?<dev>[^/]+)/up", payload_type = "JSON",
    tags = { temperature = Ai { "JA=uplink_message.decoded_payload.temp", unit = "°C" } },
  },
}
