--- Which LoRaWAN network server does a JSON message come from? By fields that no other server
--- has; `codec` names the envelope in tagline.codec.lorawan.
local lorawan = {}

local function at(doc, path)
  for key in path:gmatch "[^.]+" do
    if type(doc) ~= "table" then return nil end
    doc = doc[key]
  end
  return doc
end

local function has(...)
  local paths = { ... }
  return function(doc)
    for _, path in ipairs(paths) do
      if at(doc, path) == nil then return false end
    end
    return true
  end
end

local function either(...)
  local tests = { ... }
  return function(doc)
    for _, test in ipairs(tests) do
      if test(doc) then return true end
    end
    return false
  end
end

-- An EUI: sixteen hexadecimal digits, or their bytes in base64.
local function is_eui(value)
  if type(value) ~= "string" then return false end
  local digits = value:gsub("[-:]", "")
  return #digits == 16 and not digits:find "%X" or #value == 12 and value:find "=$" ~= nil
end

local function app_server(doc) return doc.applicationID ~= nil and is_eui(doc.devEUI) end

--- { name, codec, is it a message of this server?, is it an uplink? }, the first that suits.
local servers = {
  { "The Things Stack v3", "things_stack_v3",
    has("end_device_ids.device_id", "end_device_ids.application_ids"), has "uplink_message" },
  { "The Things Network v2", "things_network_v2",
    has("app_id", "dev_id", "hardware_serial"), has "payload_raw" },
  { "ChirpStack v4", "chirpstack_v4",
    function(doc) return is_eui(at(doc, "deviceInfo.devEui")) end,
    either(has "data", has "fPort") },
  { "RAK gateway", "rak", function(doc) return app_server(doc) and doc.data_encode ~= nil end,
    has "data" },
  { "ChirpStack v3", "chirpstack_v3",
    function(doc)
      return app_server(doc) and (doc.objectJSON ~= nil or doc.publishedAt ~= nil
        or doc.deviceProfileID ~= nil or doc.confirmedUplink ~= nil
        or at(doc, "txInfo.loRaModulationInfo") ~= nil)
    end, either(has "data", has "fPort") },
  { "ChirpStack v1/v2", "chirpstack_v2", app_server, either(has "data", has "fPort") },
  { "AWS IoT Core", "aws_iot", has "WirelessMetadata.LoRaWAN", has "PayloadData" },
  { "Everynet", "everynet", has("meta.network", "meta.device", "type"),
    function(doc) return doc.type == "uplink" end },
  { "Helium", "helium", function(doc) return is_eui(doc.dev_eui) and doc.hotspots ~= nil end,
    has "payload" },
  { "Loriot", "loriot",
    function(doc) return type(doc.cmd) == "string" and is_eui(doc.EUI) end,
    function(doc) return doc.cmd == "rx" end },
  { "Actility ThingPark", "actility",
    either(has "DevEUI_uplink", has "DevEUI_location", has "DevEUI_downlink_Sent"),
    has "DevEUI_uplink" },
  { "Orange Live Objects", "live_objects", has("metadata.network.lora", "streamId"),
    has "value.payload" },
  { "Kerlink", "kerlink", has("rx.moteeui", "rx.userdata"), has "rx.userdata.payload" },
  { "Kerlink Wanesy", "kerlink_wmc", has("endDevice.devEui", "fCntUp"), has "payload" },
  { "MultiTech", "multitech",
    function(doc) return is_eui(doc.deveui) and (doc.gweui ~= nil or doc.datr ~= nil) end,
    has "data" },
}

--- The server's name, its codec and whether the message is an uplink; nil when it is none known.
function lorawan.of(doc)
  if type(doc) ~= "table" then return nil end
  for _, server in ipairs(servers) do
    if server[3](doc) then return server[1], server[2], server[4](doc) end
  end
  return nil
end

return lorawan
