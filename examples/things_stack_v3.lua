-- The Things Stack, version 3: several devices of one kind, made in a loop, and the joins of
-- all devices. The user name is application@tenant, the password an API key of the application.
-- Fields of the envelope whose value is 0 or empty are left out, such as the counter of a
-- device's first message.

local application = "plant@ttn"
local devices = { "office", "cellar" }

local function topic(device, what)
  return ("v3/%s/devices/%s/%s"):format(application, device, what)
end

local function room(device)
  return station(device) {
    address = topic(device, "up"),
    on_missing = "keep",                -- some readings come in every message, others now and then
    tags = {
      counter     = Ci { "JA=uplink_message.f_cnt", default = 0, on_missing = "default" },
      payload     = TxtI { "JA=uplink_message.frm_payload", default = "", on_missing = "default",
        description = "base64" },
      -- The names below decoded_payload are those of the device's payload formatter.
      temperature = Ai { "JA=uplink_message.decoded_payload.temperature", unit = "°C" },
      humidity    = Ai { "JA=uplink_message.decoded_payload.humidity", unit = "%",
        range = { 0, 100 } },
      light       = Ai { "JA=uplink_message.decoded_payload.light", unit = "lx" },
      motion      = Di "JA=uplink_message.decoded_payload.motion",
      co2         = Ai { "JA=uplink_message.decoded_payload.co2", unit = "ppm" },
      gateway     = TxtI "JA=uplink_message.rx_metadata[1].gateway_ids.gateway_id",
      rssi        = Ai { "JA=uplink_message.rx_metadata[1].rssi", unit = "dBm" },
      snr         = Ai { "JA=uplink_message.rx_metadata[1].snr", unit = "dB", default = 0,
        on_missing = "default" },
      -- comes as a text
      frequency   = Ai { "JA=uplink_message.settings.frequency", unit = "Hz" },
      spreading   = Ci "JA=uplink_message.settings.data_rate.lora.spreading_factor",
      -- "0.051321s"
      airtime     = Ai { [[RE="consumed_airtime"\s*:\s*"([0-9.]+)s"]], unit = "s" },
      received    = TiA "JA=uplink_message.received_at",
      -- Write {"downlinks":[{"f_port":15,"frm_payload":"vu8=","priority":"NORMAL"}]} to `downlink`.
      down_topic  = TxtO { "OUT_TOPIC", default = topic(device, "down/push") },
      downlink    = TxtO "OUT_VALUE",
    },
  }
end

local stations = {
  station "joins" {
    address = topic(".*", "join"),
    tags = {
      device  = TxtI { "JA=end_device_ids.device_id", new_value_on_time_change = true },
      address = TxtI "JA=end_device_ids.dev_addr",
    },
  },
}
for _, device in ipairs(devices) do stations[#stations + 1] = room(device) end

line "things-stack" {
  host            = env("TAGLINE_HOST", "eu1.cloud.thethings.network"),
  port            = tonumber(env("TAGLINE_PORT", "1883")),
  user_name       = application,
  password        = env("TTS_API_KEY", "NNSXS.…"),
  topic_filter    = { topic("+", "up"), topic("+", "join") },
  client_id       = "tagline-plant-tts",
  payload_type    = "JSON",
  time_field_name = "received_at",
  time_mask       = "ISO8601",

  table.unpack(stations),
}
