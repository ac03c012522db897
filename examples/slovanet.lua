-- Slovanet, loralink.slovanet.sk. Its field names are not published; those below are synthetic,
-- modelled on Loriot's: what is known is that the payload of the device is Base16 text in a
-- JSON envelope. `message` shows what your account sends.

line "slovanet" {
  host            = env("TAGLINE_HOST", "loralink.slovanet.sk"),
  port            = tonumber(env("TAGLINE_PORT", "1883")),
  user_name       = "plant",
  password        = env("LORALINK_PASSWORD", "…"),
  topic_filter    = "loralink/plant/#",
  client_id       = "tagline-plant-slovanet",
  payload_type    = "JSON",
  time_field_name = "ts",
  time_mask       = "UNIXMS",

  station "counter" {
    address = "loralink/plant/up",
    tags = {
      message = TxtI "IN_DATA",
      eui     = TxtI "JA=EUI",
      frame   = Ci "JA=fcnt",
      payload = TxtI { "JA=data", description = "bytes of the device, hexadecimal" },
      battery = Ai { "JA=bat", unit = "%", linear = { 100 / 254, 0 }, range = { 0.1, 100 } },
    },
  },
}
