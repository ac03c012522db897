-- Orange Live Objects over a secure WebSocket, as the reference names it.
line "live_objects" {
  host         = env("TAGLINE_URL", "wss://liveobjects.orange-business.com:443/mqtt"),
  tls_ca_file  = env("TAGLINE_CA", ""),
  user_name    = "application",
  password     = env("LIVE_OBJECTS_API_KEY", "key"),
  client_id    = "gw1",
  topic_filter = "fifo/plant",
  station "boiler" {
    address = "fifo/plant",
    payload_type = "JSON",
    tags = { temperature = Ai { "JA=value.temp", unit = "°C" } },
  },
}
