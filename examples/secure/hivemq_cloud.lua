-- HiveMQ Cloud: many brokers share an address, so the server's name (SNI) decides: it is the host
-- unless tls_server_name says another.
line "hivemq" {
  host            = env("TAGLINE_URL", "mqtts://example.s1.eu.hivemq.cloud"),
  tls_ca_file     = env("TAGLINE_CA", ""),
  tls_server_name = env("HIVEMQ_NAME", ""),
  user_name       = "gw1",
  password        = env("HIVEMQ_PASSWORD", "password"),
  topic_filter    = "plant/#",
  station "boiler" {
    address = "plant/boiler",
    payload_type = "JSON",
    tags = { temperature = Ai { "JA=temp", unit = "°C" } },
  },
}
