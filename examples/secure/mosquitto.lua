-- A Mosquitto whose certificate a CA of the plant signed: see lua/doc/secure-a-line.md.
line "plant" {
  host        = env("TAGLINE_URL", "mqtts://broker.plant"),
  tls_ca_file = env("TAGLINE_CA", "/etc/tagline/ca.crt"),
  client_id   = "gw1",
  topic_filter = "plant/#",
  station "boiler" {
    address = "plant/boiler",
    payload_type = "JSON",
    tags = { temperature = Ai { "JA=temp", unit = "°C" } },
  },
}
