--- scripts/bench/streams.lua KIND COUNT FILE — makes a stream of messages for `source --file`, none
--- like another: values, lengths, the order of keys and what is missing vary.
---
--- KIND: things_stack (Elsys devices), chirpstack (Milesight AM107), cayenne (bytes), sparkplug
--- (births of 500 metrics, then data of METRICS by alias), marked (60 bytes for config.lua: a
--- mark, 1,000, then another one and COUNT more).
--- Run by a plain Lua with LUA_PATH="lua/?.lua;;".
local base64 = require "tagline.codec.base64"
local sparkplug_b = require "tagline.codec.sparkplug_b"

local kind, count, path = arg[1], tonumber(arg[2]), arg[3]
local out = assert(io.open(path, "wb"))
local DEVICES = 64

math.randomseed(20261129)
local random = math.random

local function send(topic, payload) out:write((">s2s4"):pack(topic, payload)) end

-- An object of members that are texts already, in an order of its own now and then.
local function object(members)
  if random(4) == 1 then
    for i = #members, 2, -1 do
      local k = random(i)
      members[i], members[k] = members[k], members[i]
    end
  end
  return "{" .. table.concat(members, ",") .. "}"
end

local function member(name, value) return ('"%s":%s'):format(name, value) end
local function text(name, value) return ('"%s":"%s"'):format(name, value) end

local function maybe(list, what)
  if random(5) > 1 then list[#list + 1] = what end
end

local function time_text()
  return ("2026-11-%02dT%02d:%02d:%02d.%09dZ"):format(random(1, 28), random(0, 23), random(0, 59),
    random(0, 59), random(0, 999999999))
end

-- ---- LoRaWAN ----

local function elsys_bytes()
  local bytes = (">I1i2I1I1I1I2I1I1I1I2"):pack(1, random(-200, 400), 2, random(0, 100), 4,
    random(0, 2000), 5, random(0, 20), 7, random(3000, 3700))
  if random(3) > 1 then bytes = bytes .. (">I1I2"):pack(6, random(400, 2000)) end
  if random(6) == 1 then bytes = bytes .. (">I1i2"):pack(0x0C, random(-200, 400)) end
  return bytes
end

local function am107_bytes()
  return "\x01\x75" .. ("<I1"):pack(random(0, 100))
    .. "\x03\x67" .. ("<i2"):pack(random(-200, 400))
    .. "\x04\x68" .. ("<I1"):pack(random(0, 200))
    .. "\x05\x6A" .. ("<I2"):pack(random(0, 1000))
    .. "\x06\x65" .. ("<I2I2I2"):pack(random(0, 2000), random(0, 999), random(0, 999))
    .. "\x07\x7D" .. ("<I2"):pack(random(400, 2000))
    .. "\x08\x7D" .. ("<I2"):pack(random(0, 500))
    .. "\x09\x73" .. ("<I2"):pack(random(9000, 10300))
end

local function gateway(i)
  local m = { member("gateway_ids", object { text("gateway_id", "gate-" .. i),
    text("eui", ("58A0CBFFFE80%04X"):format(random(0, 65535))) }),
    member("timestamp", random(0, 4294967295)), member("rssi", -random(60, 120)),
    member("channel_rssi", -random(60, 120)), member("snr", random(-80, 120) / 8),
    text("uplink_token", base64.encode(("<i8i8"):pack(random(0), random(0)))) }
  maybe(m, text("time", time_text()))
  maybe(m, member("channel_index", random(0, 7)))
  return object(m)
end

local function list_of(make, most)
  local list = {}
  for i = 1, random(1, most) do list[i] = make(i) end
  return "[" .. table.concat(list, ",") .. "]"
end

local function things_stack(i)
  local device = ("sensor-%02d"):format(i % DEVICES)
  local up = { text("session_key_id", "AYvG1Q2Y7gk"), member("f_port", random(1, 200)),
    member("f_cnt", random(0, 65535)), text("frm_payload", base64.encode(elsys_bytes())),
    member("rx_metadata", list_of(gateway, 3)),
    member("settings", object { member("data_rate", object { member("lora", object {
      member("bandwidth", 125000), member("spreading_factor", random(7, 12)),
      text("coding_rate", "4/5") }) }), text("frequency", "868100000"),
      member("timestamp", random(0, 4294967295)) }),
    text("received_at", time_text()), text("consumed_airtime", "0.051456s"),
    member("network_ids", object { text("net_id", "000013"), text("tenant_id", "ttn") }) }
  send(("v3/plant@ttn/devices/%s/up"):format(device), object {
    member("end_device_ids", object { text("device_id", device),
      member("application_ids", object { text("application_id", "plant") }),
      text("dev_eui", ("70B3D57ED005%04X"):format(i % DEVICES)),
      text("join_eui", "0000000000000000"), text("dev_addr", "260B1C2D") }),
    member("correlation_ids", '["as:up:01HEXKBR8Q6X9A","gs:conn:01HEX7Z"]'),
    text("received_at", time_text()), member("uplink_message", object(up)) })
end

local function rx_info()
  local m = { text("gatewayId", ("58a0cbfffe80%04x"):format(random(0, 65535))),
    member("uplinkId", random(0, 4294967295)), member("rssi", -random(60, 120)),
    member("snr", random(-80, 120) / 8), text("context", base64.encode(("<I4"):pack(random(9999)))),
    text("crcStatus", "CRC_OK") }
  maybe(m, text("gwTime", time_text()))
  return object(m)
end

local function chirpstack(i)
  local eui = ("a84041b93183%04x"):format(i % DEVICES)
  local id = ("%08x-e0d0-4d9a-8a24-6e8c6b1a3f10"):format(random(99999999))
  local m = { text("deduplicationId", id),
    text("time", time_text()), member("deviceInfo", object {
      text("tenantId", "52f14cd4-c6f1-4fbd-8f87-4025e1d49242"), text("tenantName", "Plant"),
      text("applicationId", "17c82e96-be03-4f38-aef3-f83d48582d97"),
      text("deviceProfileName", "AM107"), text("deviceName", "air-" .. i % DEVICES),
      text("devEui", eui), member("tags", "{}") }),
    text("devAddr", "00189440"), member("adr", "true"), member("dr", random(0, 5)),
    member("fCnt", random(1, 65535)), member("fPort", 85), member("confirmed", "false"),
    text("data", base64.encode(am107_bytes())), member("rxInfo", list_of(rx_info, 3)),
    member("txInfo", object { member("frequency", 868100000), member("modulation", object {
      member("lora", object { member("bandwidth", 125000),
        member("spreadingFactor", random(7, 12)), text("codeRate", "CR_4_5") }) }) }) }
  send(("application/17c82e96/device/%s/event/up"):format(eui), object(m))
end

local function cayenne(i)
  send(("lpp/sensor-%02d"):format(i % DEVICES), (">I1I1i2I1I1I1I1I1i2I1I1i2"):pack(1, 0x67,
    random(-200, 400), 2, 0x68, random(0, 200), 3, 0x02, random(-999, 999), 4, 0x73,
    random(9000, 10300)))
end

-- ---- Sparkplug B ----

local METRICS = tonumber(os.getenv "METRICS" or "500")
local BORN = 500
local types = { "Int32", "Double", "Float", "Boolean", "Int64", "UInt16" }

local function value_of(datatype)
  if datatype == "Boolean" then return random(2) == 1 end
  if datatype == "Double" then return random() * 100 end
  if datatype == "Float" then return random(-4000, 4000) / 8 end
  return datatype == "UInt16" and random(0, 65535) or random(-100000, 100000)
end

local wires = { Int32 = "int_value", Double = "double_value", Float = "float_value",
  Boolean = "boolean_value", Int64 = "long_value", UInt16 = "int_value" }

-- By alias a metric has no datatype on the wire.
local function metrics_of(n, birth)
  local list = {}
  for i = 1, n do
    local datatype = types[i % #types + 1]
    local value = value_of(datatype)
    list[i] = { alias = i, timestamp = 1764000000000 + random(0, 100000000) }
    if birth then
      list[i].name, list[i].datatype, list[i].value = "Area/Metric " .. i, datatype, value
    else
      list[i].wire = wires[datatype]
      list[i].wire_value = datatype == "Int32" and value & 0xFFFFFFFF or value
    end
  end
  return list
end

local function sparkplug()
  send("spBv1.0/G/NBIRTH/E", assert(sparkplug_b.encode_bytes { timestamp = 1764000000000, seq = 0,
    metrics = { { name = "bdSeq", datatype = "Int64", value = 0 } } }))
  send("spBv1.0/G/DBIRTH/E/D", assert(sparkplug_b.encode_bytes { timestamp = 1764000000000, seq = 1,
    metrics = metrics_of(BORN, true) }))
  for i = 1, count do -- of 256, so that the sequence goes on when they are sent again
    send("spBv1.0/G/DDATA/E/D", assert(sparkplug_b.encode_bytes {
      timestamp = 1764000000000 + i, seq = (i + 1) % 256, metrics = metrics_of(METRICS) }))
  end
end

-- ---- between two marks ----

local function measured()
  send("bench/station-00000/up", object { member("temp", random(0, 977) / 10),
    member("hum", random(0, 100)), member("on", "true") })
end

local function marked()
  send("bench/mark", "1")
  for _ = 1, 1000 do measured() end
  send("bench/mark", "2")
  for _ = 1, count do measured() end
end

local makers = { things_stack = things_stack, chirpstack = chirpstack, cayenne = cayenne }
if kind == "sparkplug" then sparkplug()
elseif kind == "marked" then marked()
else
  for i = 1, count do makers[kind](i) end
end
out:close()
