-- Meshtastic's JSON (mqtt.json_enabled): one topic for each gateway, messages of all nodes that
-- it hears, told apart by "type". What a message of a type has is set, the rest keeps its
-- values; the numbers of positions are ten millionths of a degree.
line "mesh" {
  host = env("TAGLINE_HOST", "mqtt.example.net"), port = tonumber(env("TAGLINE_PORT", "1883")),
    client_id = "tagline-plant-mesh",
  topic_filter = "msh/EU_868/2/json/LongFast/+", payload_type = "JSON",
    time_field_name = "timestamp", time_mask = "UNIX",
  station "gateway-{id}" {
    address = "msh/EU_868/2/json/LongFast/!(?<id>[0-9a-f]+)", on_missing = "keep",
    tags = {
      from      = Ci "JA=from",
      kind      = TxtI "JA=type",
      battery   = Ai { "JA=payload.battery_level", unit = "%" },
      volts     = Ai { "JA=payload.voltage", unit = "V" },
      outside   = Ai { "JA=payload.temperature", unit = "°C" },
      latitude  = Ai { "JA=payload.latitude_i", unit = "°", linear = { 1e-7, 0 } },
      longitude = Ai { "JA=payload.longitude_i", unit = "°", linear = { 1e-7, 0 } },
      text      = TxtI "JA=payload.text",
    },
  },
}
