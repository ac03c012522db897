-- Tasmota: STATE and SENSOR come at different times and hold different fields, so a field that
-- is missing says nothing (on_missing = "keep"). The time is the device's, local; LWT is its will.
line "tasmota" {
  host = env("TAGLINE_HOST", "mqtt.example.net"), port = tonumber(env("TAGLINE_PORT", "1883")),
    client_id = "tagline-plant-tasmota",
  topic_filter = { "tele/+/STATE", "tele/+/SENSOR", "tele/+/LWT" }, payload_type = "JSON",
  time_field_name = "Time", time_mask = "yyyy-mm-ddThh:mi:ss", time_zone = "Europe/Bratislava",
  station "{dev}" {
    address = "tele/(?<dev>[^/]+)/(?:STATE|SENSOR)", on_missing = "keep", SWT = "tele/{dev}/LWT",
      SWP = "Offline",
    encode = function(_, value) return value and "ON" or "OFF" end,
    tags = {
      on      = Di "JA=POWER", -- ON and OFF are read as they are
      power   = Ai { "JA=ENERGY.Power", unit = "W" },
      today   = Ai { "JA=ENERGY.Today", unit = "kWh" },
      outside = Ai { "JA=DS18B20.Temperature", unit = "°C" },
      signal  = Ai { "JA=Wifi.Signal", unit = "dBm" },
      relay   = Do "OUT_VALUE",
      topic   = TxtO { "OUT_TOPIC", default = "cmnd/{dev}/POWER" },
    },
  },
}
