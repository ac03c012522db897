-- Loriot: an output of type MQTT publishes to a broker of yours, on a topic that you choose there.
-- The server sends each frame at once as "rx", and again with the radio data of all gateways as
-- "gw". Both go to one station: what a frame does not carry keeps its value.

line "loriot" {
  host            = env("TAGLINE_HOST", "mqtt.example.net"),
  port            = tonumber(env("TAGLINE_PORT", "1883")),
  topic_filter    = "loriot/plant/up",
  client_id       = "tagline-plant-loriot",
  payload_type    = "JSON",
  time_field_name = "ts",
  time_mask       = "UNIXMS",

  station "valve" {
    address = "loriot/plant/up",
    tags = {
      kind       = TxtI { "JA=cmd", description = "rx, or gw when gateways are listed" },
      eui        = TxtI "JA=EUI",
      counter    = Ci "JA=fcnt",
      port       = Ci "JA=port",
      -- 1..254; 0 means external power and 255 not known, so the tag is invalid then, by its range.
      battery    = Ai { "JA=bat", unit = "%", linear = { 100 / 254, 0 }, range = { 0.1, 100 } },
      payload    = TxtI { "JA=data", on_missing = "keep",
        description = "bytes of the device, hexadecimal" },
      encrypted  = TxtI { "JA=encdata", on_missing = "keep",
        description = "in place of data when the server has no AppSKey" },
      confirmed  = Di "JA=ack",
      frequency  = Ai { "JA=freq", unit = "Hz", on_missing = "keep" },
      data_rate  = TxtI { "JA=dr", on_missing = "keep" },
      rssi       = Ai { "JA=gws[1].rssi", unit = "dBm", on_missing = "keep" },
      snr        = Ai { "JA=gws[1].snr", unit = "dB", on_missing = "keep" },
      -- Write {"cmd":"tx","EUI":"0102030405060708","port":1,"confirmed":true,"data":"0102AABB"}
      -- to `downlink`.
      down_topic = TxtO { "OUT_TOPIC", default = "loriot/plant/down" },
      downlink   = TxtO "OUT_VALUE",
    },
  },
}
