-- One plant for two processes, shared by topic filter: each hears its own area, and all messages
-- of a device reach the same process. Both write into one stream; no tag belongs to two of them.
--
--   tagline run shard-a.lua        tagline run shard-b.lua
return function(area)
  outlet "bus" { nats = env("TAGLINE_NATS", "127.0.0.1"), stream = "PLANT" }

  line "plant" {
    host          = env("TAGLINE_HOST", "127.0.0.1"),
    port          = tonumber(env("TAGLINE_PORT", "1883")),
    client_id     = "plant-" .. area,
    topic_filter  = ("plant/%s/#"):format(area),
    subscribe_qos = 1,
    payload_type  = "JSON",
    time_field_name = "ts", time_mask = "UNIXMS",

    station(area .. "-{dev}") {
      address = ("plant/%s/(?<dev>[^/]+)/up"):format(area),
      no_data_timeout = 60,
      tags = { temperature = Ai { "JA=temp", unit = "°C", deadband = 0.1 } },
    },
  }
end
