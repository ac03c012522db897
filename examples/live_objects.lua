-- Orange Live Objects: an application key reads a FIFO, into which the account routes the
-- messages of its devices. All devices share the FIFO's topic, so the tags show the device that
-- spoke last; `device` says which one.

line "live-objects" {
  host            = env("TAGLINE_HOST", "liveobjects.orange-business.com"),
  port            = tonumber(env("TAGLINE_PORT", "1883")),
  user_name       = "application",
  password        = env("LIVE_OBJECTS_KEY", "…"),  -- an API key with the role "application"
  topic_filter    = "fifo/plant",
  subscribe_qos   = 1,
  client_id       = "tagline-plant-live-objects",
  payload_type    = "JSON",
  time_field_name = "timestamp",
  time_mask       = "yyyy-mm-ddThh:mi:ss.mss",

  station "soil" {
    address = "fifo/plant",
    tags = {
      device      = TxtI "JA=metadata.source",
      counter     = Ci "JA=metadata.network.lora.fcnt",
      payload     = TxtI { "JA=value.payload", description = "bytes of the device, hexadecimal" },
      -- The names below value are those of the account's decoder.
      temperature = Ai { "JA=value.temp_sol", unit = "°C" },
      humidity    = Ai { "JA=value.humidity", unit = "%" },
      battery     = Ai { "JA=value.batterie", unit = "V" },
      rssi        = Ai { "JA=metadata.network.lora.rssi", unit = "dBm" },
      snr         = Ai { "JA=metadata.network.lora.snr", unit = "dB" },
      spreading   = Ci "JA=metadata.network.lora.sf",
      latitude    = Ai { "JA=metadata.network.lora.location.lat", unit = "°" },
      longitude   = Ai { "JA=metadata.network.lora.location.lon", unit = "°" },
      created     = TiA "JA=created",
      labels      = TxtI "JA=tags",                -- an array: its JSON text
    },
  },
}
