-- Pixii PowerShaper, an energy storage. Its JSON payloads are arrays, so addresses begin with
-- an index. The broker knows clients by their client id alone: two systems with one id close
-- each other's connection for ever, so choose one that nobody else has.
-- Only batt_cell_v_avg and the topic status/battery are published names; the other fields are
-- synthetic.

line "pixii" {
  host            = env("TAGLINE_HOST", "powershaper.example.net"),
  port            = tonumber(env("TAGLINE_PORT", "1883")),
  user_name       = "plant",
  password        = env("PIXII_PASSWORD", "…"),
  topic_filter    = "status/#",
  client_id       = "tagline-plant-storage-1",
  payload_type    = "JSON",
  time_field_name = "[1].time",
  time_mask       = "yyyy-mm-dd hh:mi:ss.mss",
  -- the device writes local time, without saying so
  time_zone       = "Europe/Bratislava",

  station "battery" {
    address              = "status/battery",
    -- the device's last will: its values are not to be trusted after it
    station_will_topic   = "status/connection",
    station_will_payload = "offline",
    time_filter          = 30,
    tags = {
      cell_average = Ai { "JA=[1].batt_cell_v_avg", unit = "V", deadband = 0.002 },
      cell_lowest  = Ai { "JA=[1].batt_cell_v_min", unit = "V" },
      cell_highest = Ai { "JA=[1].batt_cell_v_max", unit = "V" },
      current      = Ai { "JA=[1].batt_current", unit = "A" },
      charge       = Ai { "JA=[1].soc", unit = "%", range = { 0, 100 }, out_of_range = "clamp" },
      temperature  = Ai { "JA=[1].batt_temp", unit = "°C" },
      mode         = TxtI "JA=[2].mode",
      grid_power   = Ai { "JA=[2].grid_power", unit = "kW" },
    },
  },

  -- Any further cabinet: status/battcab2, status/battcab3. An exact address goes before a
  -- regular expression.
  station "cabinets" {
    address = "status/batt.*",
    tags = {
      cabinet      = TxtI "IN_TOPIC",
      cell_average = Ai { "JA=[1].batt_cell_v_avg", unit = "V" },
      charge       = Ai { "JA=[1].soc", unit = "%" },
    },
  },

  -- Whatever no other station takes.
  station "other" {
    address = ".*",
    tags = {
      topic   = TxtI "IN_TOPIC",
      message = TxtI "JA=",
    },
  },
}
