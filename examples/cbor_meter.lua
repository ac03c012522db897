-- A heat meter that sends CBOR (RFC 8949): a map whose keys are small numbers, with a time (tag
-- 1), half floats and an integer of 64 bits. It is read by the same addresses as JSON. A short
-- message keeps what it has not; one that is cut off makes all of it invalid.
line "heat" {
  host = env("TAGLINE_HOST", "mqtt.example.net"), port = tonumber(env("TAGLINE_PORT", "1883")),
    client_id = "tagline-plant-heat",
  topic_filter = "heat/+/cbor",
  station "meter" {
    address = "heat/4711/cbor", payload_type = "CBOR", time_field_name = "0", on_missing = "keep",
    tags = {
      flow = Ai { "JA=1", unit = "°C" }, back = Ai { "JA=2", unit = "°C" },
        energy = Ci { "JA=3", unit = "Wh" },
      alarm = Di { "JA=4" }, serial = TxtI { "JA=sn" },
    },
  },
}
