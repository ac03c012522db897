--- Where each LoRaWAN network server puts what in its messages. A definition is paths into the JSON; what is not there is not
--- known of that network.
local base64 = require "tagline.codec.base64"
local hex = require "tagline.codec.hex"
local json = require "tagline.codec.lorawan.json"
local time = require "tagline.codec.time"

-- ---- downlinks ----

local function member(list, condition, name, value)
  if condition then list[#list + 1] = { name, value } end
  return list
end

local function things_network_v2(d)
  local message = { { "port", d.port }, { "confirmed", d.confirmed }, { "payload_raw", base64.encode(d.payload) } }
  member(message, d.schedule, "schedule", d.schedule)
  return json.write(message), ("%s/devices/%s/down"):format(d.application, d.device)
end

local function things_stack_v3(d)
  local downlink = { { "f_port", d.port }, { "frm_payload", base64.encode(d.payload) } }
  member(downlink, d.priority, "priority", d.priority)
  member(downlink, d.confirmed, "confirmed", true)
  local application = d.tenant and d.application .. "@" .. d.tenant or d.application
  return json.write { { "downlinks", { downlink } } },
    ("v3/%s/devices/%s/down/%s"):format(application, d.device, d.replace and "replace" or "push")
end

local function chirpstack_topic(d) return ("application/%s/device/%s/command/down"):format(d.application, d.eui:lower()) end

local function chirpstack_v4(d)
  return json.write {
    { "devEui", d.eui:lower() }, { "confirmed", d.confirmed }, { "fPort", d.port }, { "data", base64.encode(d.payload) },
  }, chirpstack_topic(d)
end

local function chirpstack_v3(d)
  local message = { { "confirmed", d.confirmed }, { "fPort", d.port }, { "data", base64.encode(d.payload) } }
  return json.write(message), chirpstack_topic(d)
end

local function loriot(d)
  return json.write {
    { "cmd", "tx" }, { "EUI", d.eui:upper() }, { "port", d.port }, { "confirmed", d.confirmed },
    { "data", hex.encode(d.payload):upper() },
  }
end

local function actility(d)
  local message = {}
  member(message, d.time, "Time", d.time and time.format(d.time))
  member(message, true, "DevEUI", d.eui:upper())
  member(message, true, "FPort", d.port)
  member(message, true, "payload_hex", hex.encode(d.payload))
  member(message, true, "Confirmed", d.confirmed and "1" or "0")
  member(message, d.flush, "FlushDownlinkQueue", "1")
  return json.write { { "DevEUI_downlink", message } }, ("mqtt/things/%s/downlink"):format(d.eui:upper())
end

-- ---- which messages are uplinks ----

-- The events that a topic of ChirpStack can end in.
local function chirpstack_event(topic)
  return topic and (topic:match("/event/(%a+)$") or topic:match("/device/[^/]+/(%a+)$"))
end

local function chirpstack_uplink(message, topic)
  local event = chirpstack_event(topic)
  if event then return event == "up" or event == "rx" end
  return message.data ~= nil or message.fPort ~= nil
end

local function has(path)
  local keys = json.path(path)
  return function(message) return json.get(message, keys) ~= nil end
end

-- ---- payloads ----

local function base64_of_hex(text)
  local inner, why = base64.decode(text)
  if not inner then return nil, why end
  local bytes, wrong = hex.decode(inner)
  if not bytes then return nil, "in the decoded base64, " .. wrong end
  return bytes
end

-- Loriot's frame; Slovanet's is like it, as far as is known.
local function loriot_uplink(message, _, options)
  return message.cmd == "rx" or options.gateways and message.cmd == "gw"
end

--- A definition:
---   is_uplink(message, topic, options)   false: declined
---   payload, decode                      path of the text, and how it becomes bytes
---   zero_omitted                         a missing port or counter is 0, a missing confirmed false
---   time, milliseconds                   paths in order of preference; ISO 8601, or integers since 1970
---   gateways, gateway, gateway_rssi …    path of a list, and paths within its elements
---   downlink, downlink_needs             function that makes one, and which parameters besides port and payload it needs
---   downlink_words                       parameters of it that are one of a few words
return {
  things_network_v2 = {
    is_uplink = has "payload_raw",
    payload = "payload_raw", decode = base64.decode, zero_omitted = true,
    port = "port", counter = "counter", confirmed = "confirmed",
    eui = "hardware_serial", device = "dev_id", application = "app_id",
    time = { "metadata.time" },
    gateways = "metadata.gateways", gateway = "gtw_id", gateway_rssi = "rssi", gateway_snr = "snr",
    frequency = "metadata.frequency", data_rate = "metadata.data_rate", coding_rate = "metadata.coding_rate",
    downlink = things_network_v2, downlink_needs = { "application", "device" }, downlink_words = { schedule = "replace first last" },
  },

  things_stack_v3 = {
    is_uplink = has "uplink_message",
    payload = "uplink_message.frm_payload", decode = base64.decode, zero_omitted = true,
    port = "uplink_message.f_port", counter = "uplink_message.f_cnt", confirmed = "uplink_message.confirmed",
    eui = "end_device_ids.dev_eui", device = "end_device_ids.device_id",
    application = "end_device_ids.application_ids.application_id",
    time = { "uplink_message.received_at", "received_at" },
    gateways = "uplink_message.rx_metadata", gateway = "gateway_ids.gateway_id", gateway_rssi = "rssi", gateway_snr = "snr",
    frequency = "uplink_message.settings.frequency",
    spreading_factor = "uplink_message.settings.data_rate.lora.spreading_factor",
    bandwidth = "uplink_message.settings.data_rate.lora.bandwidth",
    coding_rate = "uplink_message.settings.coding_rate",
    downlink = things_stack_v3, downlink_needs = { "application", "device" },
    downlink_words = { priority = "LOWEST LOW BELOW_NORMAL NORMAL ABOVE_NORMAL HIGH HIGHEST" },
  },

  chirpstack_v4 = {
    is_uplink = chirpstack_uplink,
    payload = "data", decode = base64.decode, zero_omitted = true,
    port = "fPort", counter = "fCnt", confirmed = "confirmed",
    eui = "deviceInfo.devEui", device = "deviceInfo.deviceName", application = "deviceInfo.applicationId",
    time = { "time" },
    gateways = "rxInfo", gateway = "gatewayId", gateway_rssi = "rssi", gateway_snr = "snr",
    frequency = "txInfo.frequency", spreading_factor = "txInfo.modulation.lora.spreadingFactor",
    bandwidth = "txInfo.modulation.lora.bandwidth", coding_rate = "txInfo.modulation.lora.codeRate",
    downlink = chirpstack_v4, downlink_needs = { "application", "eui" },
  },

  chirpstack_v3 = {
    is_uplink = chirpstack_uplink,
    payload = "data", decode = base64.decode, zero_omitted = true,
    port = "fPort", counter = "fCnt", confirmed = "confirmedUplink",
    eui = "devEUI", device = "deviceName", application = "applicationID",
    time = { "publishedAt", "rxInfo[1].time" },
    gateways = "rxInfo", gateway = "gatewayID", gateway_rssi = "rssi", gateway_snr = "loRaSNR",
    frequency = "txInfo.frequency", spreading_factor = "txInfo.loRaModulationInfo.spreadingFactor",
    bandwidth = "txInfo.loRaModulationInfo.bandwidth", coding_rate = "txInfo.loRaModulationInfo.codeRate",
    downlink = chirpstack_v3, downlink_needs = { "application", "eui" },
  },

  loriot = {
    is_uplink = loriot_uplink, encrypted = "encdata",
    payload = "data", decode = hex.decode,
    port = "port", counter = "fcnt", eui = "EUI",
    time = { "ts" }, milliseconds = true,
    rssi = "rssi", snr = "snr",
    gateways = "gws", gateway = "gweui", gateway_rssi = "rssi", gateway_snr = "snr",
    frequency = "freq", data_rate = "dr",
    downlink = loriot, downlink_needs = { "eui" },
  },

  actility = {
    is_uplink = has "DevEUI_uplink",
    payload = "DevEUI_uplink.payload_hex", decode = hex.decode,
    port = "DevEUI_uplink.FPort", counter = "DevEUI_uplink.FCntUp", eui = "DevEUI_uplink.DevEUI",
    time = { "DevEUI_uplink.Time" },
    rssi = "DevEUI_uplink.LrrRSSI", snr = "DevEUI_uplink.LrrSNR", best_gateway = "DevEUI_uplink.Lrrid",
    gateway_count = "DevEUI_uplink.DevLrrCnt",
    frequency = "DevEUI_uplink.Frequency", spreading_factor = "DevEUI_uplink.SpFact",
    downlink = actility, downlink_needs = { "eui" },
  },

  live_objects = {
    is_uplink = has "value.payload",
    payload = "value.payload", decode = hex.decode,
    port = "metadata.network.lora.port", counter = "metadata.network.lora.fcnt", eui = "metadata.network.lora.devEUI",
    device = "metadata.source",
    time = { "timestamp" },
    rssi = "metadata.network.lora.rssi", snr = "metadata.network.lora.snr",
    gateway_count = "metadata.network.lora.gatewayCnt", spreading_factor = "metadata.network.lora.sf",
  },

  kerlink = {
    is_uplink = has "rx.userdata",
    payload = "rx.userdata.payload", decode = base64_of_hex,
    port = "rx.userdata.port", counter = "rx.userdata.seqno", eui = "rx.moteeui",
    time = { "rx.gwrx[1].time" },
    gateways = "rx.gwrx", gateway_rssi = "rssi", gateway_snr = "lsnr",
    frequency = "rx.userdata.motetx.freq", data_rate = "rx.userdata.motetx.datr", coding_rate = "rx.userdata.motetx.codr",
  },

  -- Published is only that the payload is hexadecimal in JSON, like Loriot's: the names are Loriot's, for options to replace.
  slovanet = {
    is_uplink = function(message) return message.cmd == nil or message.cmd == "rx" end,
    payload = "data", decode = hex.decode,
    port = "port", counter = "fcnt", eui = "EUI",
    time = { "ts" }, milliseconds = true,
    rssi = "rssi", snr = "snr", frequency = "freq", data_rate = "dr",
  },
}
