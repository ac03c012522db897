-- SenML (RFC 8428): a list of records with names, units and times relative to a base. The codec
-- gives a sample for each time; the energy is a sum, which is the tag of that name with `_sum`
-- behind it.
line "senml" {
  host = env("TAGLINE_HOST", "mqtt.example.net"), port = tonumber(env("TAGLINE_PORT", "1883")),
    client_id = "tagline-plant-senml",
  topic_filter = "site/+/senml",
  station "feed3" {
    address = "site/feed3/senml", payload_type = "JSON", decode = require "tagline.codec.senml",
    tags = {
      voltage = Ai { unit = "V" }, current = Ai { unit = "A" }, open = Di {}, label = TxtI {},
        energy_sum = Ai { unit = "Wh" },
    },
  },
}
