-- What both halls of a plant have in common. Each process takes one of them by its topic filter, so
-- that a device's messages all come to the same process; their histories are one PostgreSQL.
return function(hall)
  history {
    postgres = env("TAGLINE_POSTGRES", "host=db.plant dbname=plant user=tagline"),
    password = env("TAGLINE_POSTGRES_PASSWORD", "none"),
    keep = "2y",
  }
  line "plant" {
    host = env("TAGLINE_HOST", "broker.plant"),
    port = math.tointeger(env("TAGLINE_PORT", "1883")),
    client_id = "tagline-" .. hall,
    clean_session = false,
    subscribe_qos = 1,
    topic_filter = "plant/" .. hall .. "/#",
    payload_type = "JSON",
    time_field_name = "ts",
    time_mask = "UNIXMS",
    station(hall .. "-pump-{pump}") {
      address = "plant/" .. hall .. "/pump-(?<pump>[0-9]+)/up",
      tags = {
        flow = Ai { "JA=flow", unit = "l/min", history = { deadband = 0.1 } },
        running = Di "JA=on",
      },
    },
  }
end
