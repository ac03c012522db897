-- Zigbee2MQTT: one topic for each device, with the fields that the device has; availability is
-- JSON (availability: true in its configuration). A write goes to NAME/set.
local base = "zigbee2mqtt/(?<dev>[^/]+)"

line "zigbee" {
  host = env("TAGLINE_HOST", "mqtt.example.net"), port = tonumber(env("TAGLINE_PORT", "1883")),
    client_id = "tagline-plant-zigbee",
  topic_filter = { "zigbee2mqtt/+", "zigbee2mqtt/+/availability" }, payload_type = "JSON",
  station "{dev}" {
    address = base, on_missing = "keep", SWT = "zigbee2mqtt/{dev}/availability",
      SWP = '{"state":"offline"}',
    encode = function(tag, value) return json.encode { [tag.name] = value and "ON" or "OFF" } end,
    tags = {
      temperature = Ai { "JA=temperature", unit = "°C" },
      humidity    = Ai { "JA=humidity", unit = "%" },
      closed      = Di "JA=contact",
      battery     = Ai { "JA=battery", unit = "%" },
      link        = Ci "JA=linkquality",
      state       = Do "OUT_VALUE",
      topic       = TxtO { "OUT_TOPIC", default = "zigbee2mqtt/{dev}/set" },
    },
  },
}
