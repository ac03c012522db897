-- ChirpStack, version 4. It leaves fields out whose value is 0, false or empty (some versions
-- do so for all of them), so a counter that is missing is a counter that is 0: such tags take
-- their default when the field is missing. A battery level is never 0: it is missing where the
-- device has none to tell.

local application = "17c82e96-be03-4f38-aef3-f83d48582d97"
local devices = { { name = "supply", eui = "a84041b931837a0a" },
  { name = "return", eui = "a84041b931837a0b" } }

local function topic(device, what)
  return ("application/%s/device/%s/%s"):format(application, device, what)
end

local plant = {
  host            = env("TAGLINE_HOST", "chirpstack.example.net"),
  port            = tonumber(env("TAGLINE_PORT", "1883")),
  topic_filter    = topic("+", "event/+"),
  client_id       = "tagline-plant-chirpstack",
  payload_type    = "JSON",
  time_field_name = "time",
  time_mask       = "ISO8601",
}

for _, device in ipairs(devices) do
  local eui = device.eui
  plant[#plant + 1] = station(device.name) {
    address = topic(eui, "event/up"),
    tags = {
      counter     = Ci { "JA=fCnt", default = 0, on_missing = "default" },
      data_rate   = Ci { "JA=dr", default = 0, on_missing = "default" },
      adaptive    = Di { "JA=adr", default = false, on_missing = "default" },
      confirmed   = Di { "JA=confirmed", default = false, on_missing = "default" },
      port        = Ci "JA=fPort",
      payload     = TxtI { "JA=data", default = "", on_missing = "default",
        description = "bytes of the device, base64" },
      -- The names below object are those of the device profile's codec.
      temperature = Ai { "JA=object.TempC_SHT", unit = "°C" },
      probe       = Ai { "JA=object.TempC_DS", unit = "°C" },
      humidity    = Ai { "JA=object.Hum_SHT", unit = "%" },
      battery     = Ai { "JA=object.BatV", unit = "V" },
      gateway     = TxtI "JA=rxInfo[1].gatewayId",
      rssi        = Ai { "JA=rxInfo[1].rssi", unit = "dBm" },
      snr         = Ai { "JA=rxInfo[1].snr", unit = "dB", default = 0, on_missing = "default" },
      frequency   = Ai { "JA=txInfo.frequency", unit = "Hz" },
      -- Write {"devEui":"…","confirmed":true,"fPort":10,"data":"AQID"} to `downlink`, with the
      -- device's own devEui.
      down_topic  = TxtO { "OUT_TOPIC", default = topic(eui, "command/down") },
      downlink    = TxtO "OUT_VALUE",
    },
  }
  plant[#plant + 1] = station(device.name .. "-status") {
    address = topic(eui, "event/status"),
    tags = {
      margin  = Ci { "JA=margin", unit = "dB", default = 0, on_missing = "default" },
      battery = Ai { "JA=batteryLevel", unit = "%" },
      mains   = Di { "JA=externalPowerSource", default = false, on_missing = "default" },
    },
  }
end

-- join, ack, txack, log and location of all devices: which device, and what.
plant[#plant + 1] = station "events" {
  address = topic(".*", "event/.*"),
  tags = {
    topic  = TxtI "IN_TOPIC",
    device = TxtI "JA=deviceInfo.deviceName",
  },
}

line "chirpstack" (plant)
