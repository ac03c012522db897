--- Where each LoRaWAN network server puts what in its messages. A definition is paths into the
--- JSON; what is not there is not known of that network.
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
  local message = { { "port", d.port }, { "confirmed", d.confirmed },
    { "payload_raw", base64.encode(d.payload) } }
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

local function chirpstack_topic(d)
  return ("application/%s/device/%s/command/down"):format(d.application, d.eui:lower())
end

local function chirpstack_v4(d)
  return json.write {
    { "devEui", d.eui:lower() }, { "confirmed", d.confirmed }, { "fPort", d.port },
      { "data", base64.encode(d.payload) },
  }, chirpstack_topic(d)
end

local function chirpstack_v3(d)
  local message = { { "confirmed", d.confirmed }, { "fPort", d.port },
    { "data", base64.encode(d.payload) } }
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
  return json.write { { "DevEUI_downlink", message } },
    ("mqtt/things/%s/downlink"):format(d.eui:upper())
end

-- ---- which messages are uplinks, and which are known to be others ----

-- `get(path)` gives a value of the message, `get "?path"` whether there is one; `uses` lists
-- what a test asks for.
local function has_any(...)
  local paths = {}
  for i, text in ipairs { ... } do paths[i] = json.path(text) end
  return function(message)
    for _, path in ipairs(paths) do
      if json.get(message, path) ~= nil then return true end
    end
    return false
  end
end

-- The events that a topic of ChirpStack can end in.
local function chirpstack_event(topic)
  return topic and (topic:match("/event/(%a+)$") or topic:match("/device/[^/]+/(%a+)$"))
end

local function chirpstack_uplink(get, topic)
  if topic and topic:sub(-9) == "/event/up" then return true end
  local event = chirpstack_event(topic)
  if event then return event == "up" or event == "rx" end
  return get "?data" or get "?fPort"
end
local chirpstack_uses = { "?data", "?fPort" }

local chirpstack_events = { status = true, join = true, ack = true, txack = true, log = true,
  location = true, error = true,
  integration = true }
-- Without such a topic: fields that only these events have.
local chirpstack_fields = has_any("margin", "acknowledged", "queueItemId", "gatewayId", "level",
  "location", "integrationName",
  "devAddr", "error", "type")

local function chirpstack_other(message, topic)
  local event = chirpstack_event(topic)
  if event then return chirpstack_events[event] end
  return chirpstack_fields(message)
end

local function words(list)
  local set = {}
  for word in list:gmatch "%S+" do set[word] = true end
  return set
end

-- Loriot's frame; Slovanet's is like it, as far as is known.
local function loriot_uplink(get, _, options)
  local command = get "cmd"
  return command == "rx" or options.gateways and command == "gw"
end
local loriot_commands = words "gw tx txd cq join_request join_accept"

local multitech_topics = words [[joined packet_recv packet_sent down_queued down_dropped mac_recv
  mac_sent moved cleared join_request join_reject]]

-- ---- payloads ----

local function base64_of_hex(text)
  local inner, why = base64.decode(text)
  if not inner then return nil, why end
  local bytes, wrong = hex.decode(inner)
  if not bytes then return nil, "in the decoded base64, " .. wrong end
  return bytes
end

-- The message says in which of the two its payload is.
local function named_encoding(field, hexadecimal)
  return function(text, c)
    if c.get(field) == hexadecimal then return hex.decode(text) end
    return base64.decode(text)
  end
end

-- ChirpStack 1 and 2 (LoRa App Server), which live on inside gateways.
local function lora_app_server(changes)
  local definition = {
    is_uplink = chirpstack_uplink, uses = chirpstack_uses, is_other = chirpstack_other,
    payload = "data", decode = base64.decode,
    port = "fPort", counter = "fCnt", eui = "devEUI", device = { "deviceName", "nodeName" },
      application = "applicationID",
    time = { "time", "rxInfo[1].time" },
    gateways = "rxInfo", gateway = { "mac", "gatewayID" }, gateway_rssi = "rssi",
      gateway_snr = "loRaSNR",
    frequency = "txInfo.frequency", spreading_factor = { "txInfo.dataRate.spreadFactor",
      "txInfo.dataRate.spreadingFactor" },
    bandwidth = "txInfo.dataRate.bandwidth", coding_rate = "txInfo.codeRate",
  }
  for field, value in pairs(changes or {}) do definition[field] = value end
  return definition
end

--- A definition: paths (a text, or a list of which the first that is there counts), and
---   uplink_if                  paths, one of which an uplink has; or
---   is_uplink(get, topic, options)
---                              false: declined; `uses`: the paths that it and decode ask for
---   is_other(message, topic)   of what was declined: does this network send such messages?
---   payload, decode(text, c)   path of the text, and how it becomes bytes; `c.get` as above
---   zero_omitted               a missing port or counter is 0, a missing confirmed false
---   snr_omitted                a gateway with an rssi and no snr heard at 0 dB
---   time, time_mask            in order of preference; ISO 8601, or UNIX, UNIXMS …
---   gateways, gateway, gateway_rssi …
---                              path of a list, and paths within its elements
---   repeated                   a path: true where the frame came already
---   encrypted, encrypted_flag  paths: there without a payload, or true, when the server has no key
---   is_partial                 a format known in part: what has no payload there is no uplink
---   downlink, downlink_needs   function that makes one, and the parameters that it needs besides
---                              port and payload
---   downlink_words             parameters of it that are one of a few words
return {
  things_network_v2 = {
    uplink_if = { "payload_raw" },
      is_other = has_any("app_id", "dev_id", "payload_fields", "app_eui", "config"),
    payload = "payload_raw", decode = base64.decode, zero_omitted = true,
    port = "port", counter = "counter", confirmed = "confirmed",
    eui = "hardware_serial", device = "dev_id", application = "app_id",
    time = "metadata.time",
    gateways = "metadata.gateways", gateway = "gtw_id", gateway_rssi = "rssi", gateway_snr = "snr",
    frequency = "metadata.frequency", data_rate = "metadata.data_rate",
      coding_rate = "metadata.coding_rate",
    downlink = things_network_v2, downlink_needs = { "application", "device" },
      downlink_words = { schedule = "replace first last" },
  },

  things_stack_v3 = {
    uplink_if = { "uplink_message" },
    is_other = has_any("join_accept", "downlink_ack", "downlink_nack", "downlink_sent",
      "downlink_failed", "downlink_queued",
      "downlink_queue_invalidated", "location_solved", "service_data", "uplink_normalized"),
    payload = "uplink_message.frm_payload", decode = base64.decode, zero_omitted = true,
      snr_omitted = true,
    port = "uplink_message.f_port", counter = "uplink_message.f_cnt",
      confirmed = "uplink_message.confirmed",
    eui = "end_device_ids.dev_eui", device = "end_device_ids.device_id",
    application = "end_device_ids.application_ids.application_id",
    time = { "uplink_message.received_at", "received_at", "uplink_message.settings.time" },
    gateways = "uplink_message.rx_metadata", gateway = "gateway_ids.gateway_id",
      gateway_rssi = "rssi", gateway_snr = "snr",
    frequency = "uplink_message.settings.frequency",
    spreading_factor = "uplink_message.settings.data_rate.lora.spreading_factor",
    bandwidth = "uplink_message.settings.data_rate.lora.bandwidth",
    coding_rate = { "uplink_message.settings.data_rate.lora.coding_rate",
      "uplink_message.settings.coding_rate" },
    downlink = things_stack_v3, downlink_needs = { "application", "device" },
    downlink_words = { priority = "LOWEST LOW BELOW_NORMAL NORMAL ABOVE_NORMAL HIGH HIGHEST" },
  },

  chirpstack_v4 = {
    is_uplink = chirpstack_uplink, uses = chirpstack_uses, is_other = chirpstack_other,
    payload = "data", decode = base64.decode, zero_omitted = true, snr_omitted = true,
    port = "fPort", counter = "fCnt", confirmed = "confirmed",
    eui = "deviceInfo.devEui", device = "deviceInfo.deviceName",
      application = "deviceInfo.applicationId",
    time = "time",
    gateways = "rxInfo", gateway = "gatewayId", gateway_rssi = "rssi", gateway_snr = "snr",
    frequency = "txInfo.frequency", spreading_factor = "txInfo.modulation.lora.spreadingFactor",
    bandwidth = "txInfo.modulation.lora.bandwidth", coding_rate = "txInfo.modulation.lora.codeRate",
    downlink = chirpstack_v4, downlink_needs = { "application", "eui" },
  },

  chirpstack_v3 = {
    is_uplink = chirpstack_uplink, uses = chirpstack_uses, is_other = chirpstack_other,
    payload = "data", decode = base64.decode, zero_omitted = true,
    port = "fPort", counter = "fCnt", confirmed = "confirmedUplink",
    eui = "devEUI", device = "deviceName", application = "applicationID",
    time = { "publishedAt", "rxInfo[1].time" },
    gateways = "rxInfo", gateway = "gatewayID", gateway_rssi = "rssi", gateway_snr = "loRaSNR",
    frequency = "txInfo.frequency", spreading_factor = "txInfo.loRaModulationInfo.spreadingFactor",
    bandwidth = "txInfo.loRaModulationInfo.bandwidth",
      coding_rate = "txInfo.loRaModulationInfo.codeRate",
    downlink = chirpstack_v3, downlink_needs = { "application", "eui" },
  },

  chirpstack_v2 = lora_app_server(),
  chirpstack_v1 = lora_app_server(),
  milesight = lora_app_server(), -- the server inside Milesight's gateways
  rak = lora_app_server {        -- inside RAK's gateways
    decode = named_encoding("data_encode", "hexstring"),
      uses = { "?data", "?fPort", "data_encode" },
    time = "timestamp", time_mask = "UNIX", gateway = { "gatewayID", "mac" },
  },

  -- Inside MultiTech's Conduits: topics lora/EUI/up.
  multitech = {
    is_uplink = function(get, topic)
      local kind = topic and topic:match "^lora/.*/([%l_]+)$"
      if kind then return kind == "up" end
      return get "?data" and get "?port"
    end,
    uses = { "?data", "?port" },
    is_other = function(_, topic) return topic and multitech_topics[topic:match "([%l_]+)$"
      or ""] end,
    payload = "data", decode = base64.decode,
    port = "port", counter = { "fcnt", "seqn" }, eui = "deveui", device = "deveui",
      application = "appeui",
    time = "timestamp", confirmed = "ack",
    rssi = "rssi", snr = "lsnr", best_gateway = "gweui",
    frequency = "freq", data_rate = "datr", coding_rate = "codr",
  },

  aws_iot = {
    uplink_if = { "WirelessMetadata.LoRaWAN" },
    is_other = has_any("WirelessMetadata.Sidewalk", "EventType", "eventType"),
    payload = "PayloadData", decode = base64.decode,
    port = { "WirelessMetadata.LoRaWAN.FPort", "WirelessMetadata.LoRaWAN.Fport" },
      counter = "WirelessMetadata.LoRaWAN.FCnt",
    eui = "WirelessMetadata.LoRaWAN.DevEui", device = "WirelessDeviceId",
    time = "WirelessMetadata.LoRaWAN.Timestamp",
    gateways = "WirelessMetadata.LoRaWAN.Gateways", gateway = "GatewayEui", gateway_rssi = "Rssi",
      gateway_snr = "Snr",
    frequency = "WirelessMetadata.LoRaWAN.Frequency",
      spreading_factor = "WirelessMetadata.LoRaWAN.SpreadingFactor",
    bandwidth = "WirelessMetadata.LoRaWAN.Bandwidth",
      coding_rate = "WirelessMetadata.LoRaWAN.CodeRate",
  },

  everynet = {
    is_uplink = function(get) return get "type" == "uplink" end, uses = { "type" },
    is_other = function(message)
      return type(message.type) == "string" and message.type ~= "uplink"
        and json.get(message, json.path "meta.device") ~= nil
    end,
    payload = "params.payload", decode = base64.decode, encrypted = "params.encrypted_payload",
      repeated = "params.duplicate",
    port = "params.port", counter = "params.counter_up", eui = "meta.device",
      application = "meta.application",
    time = { "params.rx_time", "meta.time" }, time_mask = "UNIX",
    rssi = "params.radio.hardware.rssi", snr = "params.radio.hardware.snr",
      best_gateway = "meta.gateway",
    frequency = "params.radio.freq", spreading_factor = "params.radio.modulation.spreading",
    bandwidth = "params.radio.modulation.bandwidth",
      coding_rate = "params.radio.modulation.coderate",
  },

  -- Helium's console; its network servers of today are ChirpStack v4.
  helium = {
    is_uplink = function(get)
      local kind = get "type"
      return get "?payload" and (kind == nil or kind == "uplink")
    end,
    uses = { "?payload", "type" },
    is_other = function(message) return message.type == "join" or message.type == "status" end,
    payload = "payload", decode = base64.decode,
    port = "port", counter = "fcnt", eui = "dev_eui", device = "name",
    time = "reported_at", time_mask = "UNIXMS",
    gateways = "hotspots", gateway = "name", gateway_rssi = "rssi", gateway_snr = "snr",
    frequency = "hotspots[1].frequency", data_rate = "hotspots[1].spreading",
  },

  loriot = {
    is_uplink = loriot_uplink, uses = { "cmd" }, encrypted = "encdata",
    is_other = function(message) return loriot_commands[message.cmd] end,
    payload = "data", decode = hex.decode,
    port = "port", counter = "fcnt", eui = "EUI",
    time = "ts", time_mask = "UNIXMS",
    rssi = "rssi", snr = "snr",
    gateways = "gws", gateway = "gweui", gateway_rssi = "rssi", gateway_snr = "snr",
    frequency = "freq", data_rate = "dr",
    downlink = loriot, downlink_needs = { "eui" },
  },

  actility = {
    uplink_if = { "DevEUI_uplink" },
    is_other = function(message) return type(next(message)) == "string"
      and next(message):find "^DevEUI_" ~= nil end,
    payload = "DevEUI_uplink.payload_hex", decode = hex.decode,
    port = "DevEUI_uplink.FPort", counter = "DevEUI_uplink.FCntUp", eui = "DevEUI_uplink.DevEUI",
    time = "DevEUI_uplink.Time",
    rssi = "DevEUI_uplink.LrrRSSI", snr = "DevEUI_uplink.LrrSNR",
      best_gateway = "DevEUI_uplink.Lrrid",
    gateway_count = "DevEUI_uplink.DevLrrCnt",
    frequency = "DevEUI_uplink.Frequency", spreading_factor = "DevEUI_uplink.SpFact",
    downlink = actility, downlink_needs = { "eui" },
  },

  live_objects = {
    uplink_if = { "value.payload" },
    payload = "value.payload", decode = hex.decode,
    port = "metadata.network.lora.port", counter = "metadata.network.lora.fcnt",
      eui = "metadata.network.lora.devEUI",
    device = "metadata.source",
    time = "timestamp",
    rssi = "metadata.network.lora.rssi", snr = "metadata.network.lora.snr",
    gateway_count = "metadata.network.lora.gatewayCnt",
      spreading_factor = "metadata.network.lora.sf",
    frequency = "metadata.network.lora.frequency",
  },

  kerlink = {
    uplink_if = { "rx.userdata" }, is_other = has_any("tx", "rx"),
    payload = "rx.userdata.payload", decode = base64_of_hex,
    port = "rx.userdata.port", counter = "rx.userdata.seqno", eui = "rx.moteeui",
    time = "rx.gwrx[1].time",
    gateways = "rx.gwrx", gateway = "eui", gateway_rssi = "rssi", gateway_snr = "lsnr",
    frequency = "rx.userdata.motetx.freq", data_rate = "rx.userdata.motetx.datr",
      coding_rate = "rx.userdata.motetx.codr",
  },

  -- Kerlink's Wanesy Management Center.
  kerlink_wmc = {
    is_uplink = function(get) return get "?endDevice" and get "?fCntUp" end,
      uses = { "?endDevice", "?fCntUp", "encodingType" },
    is_other = has_any("dataDownId", "dataDownEventId", "devEui", "status"),
    payload = "payload", decode = named_encoding("encodingType", "HEXA"),
      encrypted_flag = "encrypted",
    port = "fPort", counter = "fCntUp", confirmed = "confirmed", eui = "endDevice.devEui",
    time = { "recvTime", "gwRecvTime" }, time_mask = "UNIXMS",
    gateways = "gwInfo", gateway = "gwEui", gateway_rssi = "rssi", gateway_snr = "snr",
    frequency = "ulFrequency", data_rate = "dataRate", coding_rate = "codingRate",
  },

  -- Published is only that the payload is hexadecimal in JSON, like Loriot's: the names are
  -- Loriot's, for options to replace.
  slovanet = {
    is_uplink = function(get)
      local command = get "cmd"
      return command == nil or command == "rx"
    end,
    uses = { "cmd" },
    is_other = function(message) return loriot_commands[message.cmd] end, is_partial = true,
    payload = "data", decode = hex.decode,
    port = "port", counter = "fcnt", eui = "EUI",
    time = "ts", time_mask = "UNIXMS",
    rssi = "rssi", snr = "snr", frequency = "freq", data_rate = "dr",
  },
}
