-- A first config: one broker, two kinds of devices. Try it on a broker of your own:
--
--   tagline run examples/first.lua --values
--   mosquitto_pub -t plant/boiler/up -m '{"ts": 1763820000123, "rx": {"temp": 21.5, "on": true}}'

line "plant" {
  host            = env("TAGLINE_HOST", "127.0.0.1"),
  port            = tonumber(env("TAGLINE_PORT", "1883")),
  topic_filter    = "plant/#",
  payload_type    = "JSON",
  time_field_name = "ts",
  time_mask       = "UNIXMS",

  station "boiler" {
    address = "plant/boiler/up",
    tags = {
      temperature = Ai { "JA=rx.temp", unit = "°C", range = { -40, 150 } },
      running     = Di "JA=rx.on",
      command     = TxtO { "OUT_TOPIC", default = "plant/boiler/set" },
      setpoint    = TxtO "OUT_VALUE",
    },
  },

  -- Every meter of the plant: the address is a regular expression over the whole topic.
  -- Payloads are plain text, such as "V=230.1 A=1.25".
  station "meters" {
    address      = "plant/meter-.*/up",
    payload_type = "Text only",
    tags = {
      topic = TxtI "IN_TOPIC",
      text  = TxtI "IN_DATA",
      volts = Ai { [[RE=V=([0-9.]+)]], unit = "V" },
      amps  = Ai { [[RE=A=([0-9.]+)]], unit = "A", deadband = 0.01 },
    },
  },
}
