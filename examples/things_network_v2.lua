-- The Things Network, version 2: one device, its uplinks and its downlink.
-- The user name is the application's id, the password one of its access keys.
-- Fields of the envelope whose value is 0, false or empty may be left out: such tags take their
-- default then.

line "ttn" {
  host            = env("TAGLINE_HOST", "eu.thethings.network"),
  port            = tonumber(env("TAGLINE_PORT", "1883")),
  user_name       = "plant-test",
  password        = env("TTN_ACCESS_KEY", "ttn-account-v2.…"),
  topic_filter    = "plant-test/devices/+/up",
  client_id       = "tagline-plant-ttn",
  clean_session   = true,
  payload_type    = "JSON",
  time_field_name = "metadata.time",
  -- the nine digits of a second are cut to three; the Z says that it is UTC
  time_mask       = "yyyy-mm-ddThh:mi:ss.mss",

  station "tester" {
    address = "plant-test/devices/fieldtestdevice/up",
    tags = {
      counter     = Ci { "JA=counter", default = 0, on_missing = "default" },
      port        = Ci "JA=port",
      confirmed   = Di { "JA=confirmed", default = false, on_missing = "default" },
      payload     = TxtI { "JA=payload_raw", default = "", on_missing = "default",
        description = "bytes of the device, base64" },
      -- The names below payload_fields are those of the application's decoder.
      temperature = Ai { "JA=payload_fields.Temperature", unit = "°C" },
      latitude    = Ai { "JA=payload_fields.GpsLatitude", unit = "°", on_missing = "keep" },
      longitude   = Ai { "JA=payload_fields.GpsLongitude", unit = "°", on_missing = "keep" },
      battery     = Ai { "JA=payload_fields.BatteryLevel", unit = "V", linear = { 0.001, 0 },
        on_missing = "keep" },
      frequency   = Ai { "JA=metadata.frequency", unit = "MHz" },
      data_rate   = TxtI "JA=metadata.data_rate",
      -- comes in nanoseconds
      airtime     = Ai { "JA=metadata.airtime", unit = "ms", linear = { 1e-6, 0 } },
      gateway     = TxtI "JA=metadata.gateways[1].gtw_id",
      rssi        = Ai { "JA=metadata.gateways[1].rssi", unit = "dBm" },
      snr         = Ai { "JA=metadata.gateways[1].snr", unit = "dB", default = 0,
        on_missing = "default" },
      -- Write {"port":1,"confirmed":false,"payload_raw":"AQIDBA==","schedule":"replace"} to
      -- `downlink`.
      down_topic  = TxtO { "OUT_TOPIC", default = "plant-test/devices/fieldtestdevice/down" },
      downlink    = TxtO "OUT_VALUE",
    },
  },
}
