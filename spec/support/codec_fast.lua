-- A config whose one station runs cases by name, in a state that has the modules in C: what
-- codecs do in C gives what they do in Lua, to the last digit. Fed by
-- spec/scenario/codec_fast_spec.lua, through `tagline test`; needs `unsafe`.
-- luacheck: globals json limits line station Ai Ci Di TxtI
local base64 = require "tagline.codec.base64"
local hex = require "tagline.codec.hex"
local lorawan = require "tagline.codec.lorawan"
local time = require "tagline.codec.time"
local native = package.loaded["tagline.bytes"]
local payload, sparkplug = require "tagline.codec.sparkplug_b.payload",
  require "tagline.codec.sparkplug_b"
-- not the config's copies
local real_kit, real_time = package.loaded["tagline.codec.kit"],
  package.loaded["tagline.codec.time"]
local protobuf = package.loaded["tagline.codec.sparkplug_b.protobuf"]

local random = math.random
math.randomseed(1)

local function noise(length)
  local parts = {}
  for i = 1, length do parts[i] = string.char(random(0, 255)) end
  return table.concat(parts)
end

-- One byte of a text is another, or the text is cut or longer.
local function changed(text)
  local at, how = random(#text), random(5)
  if how == 1 then return text:sub(1, at - 1) end
  if how == 2 then return text .. text:sub(at, at) end
  local byte = how == 3 and random(0, 255) or ("0123456789abzAZ+/=-:.,TZ \"{}[]"):byte(random(30))
  return text:sub(1, at - 1) .. string.char(byte) .. text:sub(at + 1)
end

-- f(…) in C and in Lua: results, or the error.
local function both(f, ...)
  real_kit.slow, real_time.slow = false, false
  local fast = table.pack(pcall(f, ...))
  real_kit.slow, real_time.slow = true, true
  local slow = table.pack(pcall(f, ...))
  real_kit.slow, real_time.slow = false, false
  return fast, slow
end

local function show(value)
  if type(value) ~= "table" then
    return math.type(value) == "float" and ("%.17g"):format(value) .. "f" or tostring(value)
  end
  local keys, parts = {}, {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for i, key in ipairs(keys) do parts[i] = tostring(key) .. "=" .. show(value[key]) end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function same(expected, got, what)
  expected, got = show(expected), show(got)
  if expected ~= got then
    error(("%s: expected %s, got %s"):format(what or "", expected, got), 0)
  end
end

local cases = {}

function cases.base64()
  for _ = 1, 3000 do
    local bytes = noise(random(0, 40))
    local text = base64.encode(bytes)
    same(bytes, base64.decode(text))
    for _, input in ipairs { text, changed(text .. "AA=="), changed(text .. "AAA=") } do
      local fast, slow = both(base64.decode, input)
      same(slow, fast, input)
    end
    local fast, slow = both(base64.encode, bytes)
    same(slow, fast)
  end
  same(nil, native.base64_decode "AB==")
  same("", native.base64_decode "")
end

function cases.hex()
  for _ = 1, 3000 do
    local bytes = noise(random(0, 40))
    local text = hex.encode(bytes)
    for _, input in ipairs { text, text:upper(), changed(text .. "0") } do
      local fast, slow = both(hex.decode, input)
      same(slow, fast, input)
    end
  end
end

function cases.time()
  for _, text in ipairs { "2022-07-18T09:34:15.775023242+00:00", "2017-07-05 16:06:52",
    "2019-10-23T12:32:44.546Z",
    "0000-02-29T00:00:00Z", "9999-12-31T23:59:60,5-2359", "1970-01-01t00:00:00+05",
      "2000-02-29T24:00:00Z" } do
    for i = 1, 2000 do
      local input = i == 1 and text or changed(text)
      local fast, slow = both(time.parse, input)
      same(slow, fast, input)
    end
  end
end

-- Payloads of Sparkplug B, with all that they may have; then with bytes changed, cut off and
-- repeated.
local function metric_list(depth)
  local list = {}
  for i = 1, random(0, 6) do
    local metric = { name = random(3) > 1 and "metric " .. i or nil, alias = random(2) == 1
      and random(0) or nil,
      timestamp = random(2) == 1 and random(0, 1 << 50) or nil, is_historical = random(4) == 1
        or nil }
    local which = random(depth > 2 and 8 or 9)
    if which == 1 then metric.datatype, metric.is_null = "Int32", true
    elseif which == 2 then metric.datatype, metric.value = "Int64", random(0)
    elseif which == 3 then metric.datatype, metric.value = "Float", random(-1000, 1000) / 8
    elseif which == 4 then metric.datatype, metric.value = "Boolean", random(2) == 1
    elseif which == 5 then metric.datatype, metric.value = "Bytes", noise(random(0, 200))
    elseif which == 6 then metric.datatype, metric.value = "DoubleArray", { 1.5, random(), -3.25 }
    elseif which == 7 then
      metric.datatype, metric.value = "DataSet",
        { columns = { "a", "b" }, types = { "Int8", "String" }, rows = { { -1, "x" }, { 5 } } }
    elseif which == 8 then metric.datatype, metric.value = "Double", random() - 0.5
    else
      metric.datatype, metric.value = "Template", { version = "1", metrics = metric_list(depth + 1),
        parameters = { { name = "p", datatype = "UInt32", value = random(0, 4294967295) } } }
    end
    if random(3) == 1 then
      metric.properties = { Quality = { datatype = "Int32", value = 192 },
        note = { datatype = "String", value = "n" } }
    end
    if random(4) == 1 then
      metric.metadata = { size = random(0, 1 << 40), seq = 3, md5 = "x", is_multi_part = true }
    end
    list[i] = metric
  end
  return list
end

function cases.sparkplug()
  local function read(bytes)
    protobuf.slow = false
    local fast = table.pack(payload.read(bytes))
    protobuf.slow = true
    local slow = table.pack(payload.read(bytes))
    protobuf.slow = false
    same(slow, fast, hex.encode(bytes))
    return fast[1]
  end
  local good = 0
  for _ = 1, 400 do
    local bytes = assert(sparkplug.encode_bytes { timestamp = random(0, 1 << 50),
      seq = random(0, 255), uuid = "u",
      body = random(2) == 1 and noise(20) or nil, metrics = metric_list(0) })
    assert(read(bytes), "refused")
    for _ = 1, 12 do
      local input = changed(bytes)
      if random(2) == 1 and #input > 1 then input = changed(input) end
      if read(input) then good = good + 1 end
    end
  end
  if good < 100 then error("hardly any of the changed ones is good", 0) end
  for _ = 1, 4000 do read(noise(random(0, 30))) end
  local nested = ""
  for _ = 1, 40 do nested = protobuf.field(2, "message", protobuf.field(18, "message", nested)) end
  read(nested)
end

-- ---- a host of Sparkplug B, beside one that reads all messages in Lua ----

local host_tags = package.loaded["tagline.codec.sparkplug_b.tags"]

local plain_types = { "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64",
  "Float", "Double", "Boolean", "String", "DateTime", "Text", "UUID" }
local integer_bits = { Int8 = 7, Int16 = 15, Int32 = 31, Int64 = 63, UInt8 = 8, UInt16 = 16,
  UInt32 = 32, UInt64 = 64, DateTime = 64 }

-- A value as it stands on the wire, mostly one of the datatype: a field's number and kind, and it.
local function wire_of(datatype)
  if random(60) == 1 then datatype = plain_types[random(#plain_types)] end
  local bits = integer_bits[datatype]
  if bits then
    local value = random(4) == 1 and random(0) or random(0) >> 64 - random(bits)
    if bits < 32 and datatype:find "^I" and random(2) == 1 then value = -(value >> 1) - 1 end
    if random(8) == 1 then return 11, "uint64", value end
    if bits < 63 then
      return 10, "uint32", random(3) == 1 and value or value & 0xFFFFFFFF
    end
    return random(8) == 1 and 10 or 11, "uint64", value
  end
  if datatype == "Float" then return 12, "float", random(-1000, 1000) / 8 end
  if datatype == "Double" then return 13, "double", random() * 100 end
  if datatype == "Boolean" then return 14, "bool", random(2) == 1 end
  return 15, "string", noise(random(0, 50))
end

-- Metrics of a birth: some arrays among them, and now and then a name or alias twice.
local function born(first, count)
  local list = {}
  for i = 1, count do
    local name = random(40) == 1 and "metric 1" or "metric " .. i
    list[i] = { name = name, alias = random(6) > 1 and first + i or nil,
      datatype = plain_types[random(#plain_types)] }
    if random(15) == 1 then list[i].datatype, list[i].value = "DoubleArray", { 1.5, 2 }
    elseif random(20) == 1 then
      list[i].datatype, list[i].value = "Int32Array", { 1, 2, 3 }
    else list[i].is_null = true end
  end
  return list
end

local function data_metric(metric)
  local out = {}
  local function put(number, kind, value)
    table.insert(out, math.random(#out + 1), protobuf.field(number, kind, value))
  end
  if metric.alias and random(10) > 1 then put(2, "uint64", metric.alias) else
    put(1, "string", metric.name)
  end
  if random(50) == 1 then put(2, "uint64", random(20)) end
  if random(40) == 1 then put(1, "string", "") end
  if random(4) > 1 then put(3, "uint64", random(50) == 1 and random(0) or random(0, 1 << 42)) end
  if random(12) == 1 then put(4, "uint32", sparkplug.datatypes[metric.datatype]) end
  if random(90) == 1 then put(4, "uint32", random(0, 36)) end
  if random(30) == 1 then put(5, "bool", random(2) == 1) end
  if random(30) == 1 then put(6, "bool", true) end
  if random(15) == 1 then put(7, "bool", random(3) > 1) end
  if random(60) == 1 then put(8, "message", protobuf.field(7, "string", "md5")) end
  if random(60) == 1 then
    put(9, "message", protobuf.field(1, "string", "Quality") .. protobuf.field(2, "message",
      protobuf.field(1, "uint32", 3) .. protobuf.field(3, "uint32", random(2) * 96)))
  end
  if random(50) == 1 then put(30, "string", "of a later version") end
  if random(40) > 1 then
    if metric.datatype:find "Array$" then
      put(16, "bytes", noise(random(0, 2) * 8))
    else put(wire_of(metric.datatype)) end
  end
  return protobuf.field(2, "message", table.concat(out))
end

local function data_of(metrics, seq)
  local out = { protobuf.field(3, "uint64", seq) }
  for _ = 1, random(0, 8) do
    table.insert(out, random(#out + 1), data_metric(metrics[random(#metrics)]))
  end
  if random(3) > 1 then
    table.insert(out, random(#out + 1), protobuf.field(1, "uint64", random(0, 1 << 42)))
  end
  if random(60) == 1 then table.insert(out, protobuf.field(4, "string", "u")) end
  if random(60) == 1 then table.insert(out, protobuf.field(9, "uint64", 1)) end
  return table.concat(out)
end

-- Two hosts that hear the same must say the same. What they write has the time in it.
local function twin(options)
  local function one(slow)
    local said = {}
    local own = { on_error = options.on_error and function(text) said[#said + 1] = text end,
      on_rebirth = function(topic, _, _, why) said[#said + 1] = topic .. why end }
    for key, value in pairs(options) do own[key] = own[key] or value end
    local host = sparkplug.host(own)
    return function(msg, what, ...)
      host_tags.slow = slow
      local got = table.pack(pcall(what and host[what] or host, msg, ...))
      host_tags.slow = false
      if what and type(got[2]) == "string" then
        local m = sparkplug.decode_bytes(got[2])
        if m then
          m.timestamp, m.metrics[1].timestamp = nil, nil
          got[2] = m
        end
      end
      return { got, said }
    end
  end
  local fast, slow = one(false), one(true)
  return function(...)
    local expected, got = slow(...), fast(...)
    same(expected, got, type((...).payload) == "string" and hex.encode((...).payload) or "")
    return got[1]
  end
end

local function host_round(metrics, station, options)
  local both_hosts, good = twin(options), 0
  local seq = 0
  local function hear(kind, payload_bytes, to)
    return both_hosts { topic = "spBv1.0/G/" .. kind, payload = payload_bytes, time = 1000,
      station = to or station }
  end
  local function is_born(kind, list)
    hear(kind, assert(sparkplug.encode_bytes { timestamp = 5, seq = seq, metrics = list }))
  end
  is_born("NBIRTH/E", { { name = "bdSeq", datatype = "Int64", value = 1 } })
  for i = 1, 60 do
    seq = (seq + (random(30) == 1 and 2 or 1)) % 256
    local what = i == 1 and 1 or random(80)
    if what == 1 then
      if random(2) == 1 then metrics = born(random(0, 5), random(12)) end
      is_born("DBIRTH/E/D", metrics)
    elseif what == 2 then hear("DDEATH/E/D", sparkplug.encode_bytes { seq = seq, metrics = {} })
    else
      local bytes = data_of(metrics, seq)
      if random(25) == 1 then bytes = changed(bytes) end
      local got = hear("DDATA/E/D", bytes, random(12) == 1 and { full_name = "other",
        tags = station.tags } or nil)
      if got[1] and next(got[2] or {}) then good = good + 1 end
    end
    local name = next(station.tags)
    both_hosts({ name = name }, "encode", random(100), station)
  end
  return good
end

function cases.sparkplug_host()
  local good = 0
  for round = 1, 24 do
    local metrics = born(0, random(3, 12))
    local station = { full_name = "plant.E", tags = {} }
    for i = 1, 12 do
      if random(5) > 1 then
        station.tags["metric_" .. i] = { address = random(8) == 1 and "x" or "" }
      end
    end
    good = good + host_round(metrics, station, { historical = round % 4 ~= 0,
      prefix = round % 7 == 0 or nil, on_error = round % 2 == 0 and print or nil,
      tags = { ["metric 3"] = "metric_2", ["metric 4"] = round % 3 == 0 and false or nil },
      devices = { D = { ["metric 5"] = "metric_6" } } })
  end
  if good < 200 then error("hardly any message had values: " .. good, 0) end
end

local function message(text, topic)
  local m = { payload = text, topic = topic, time = 1000 }
  return setmetatable(m, { __index = function(_, key)
    if key ~= "json" then return nil end
    local ok, value = pcall(json.decode, text)
    if ok then return value end
    error((value:gsub("^.*the text", "the payload")), 0)
  end })
end

-- The payload of the message: network, topic, sample, a line each.
function cases.envelope(given, station)
  local network, topic, text = given:match "^(.-)\n(.-)\n(.*)$"
  local decode = lorawan[network](function(bytes, port) return { bytes = hex.encode(bytes),
    from = port } end)
  local bare = lorawan[network]()
  if topic == "" then topic = nil end
  local fast, slow = both(decode, message(text, topic))
  same(slow, fast)
  if not fast[2].bytes then error("no bytes: " .. show(fast), 0) end
  for _ = 1, 300 do
    local input = changed(text)
    if random(2) == 1 and #input > 1 then input = changed(input) end
    local m = message(input, topic)
    m.station = random(2) == 1 and station or nil -- with it only what is wanted comes
    fast, slow = both(random(2) == 1 and bare or decode, m)
    same(slow, fast, input)
  end
end

-- In the network's name, whichever way it is read; no place in a file of ours.
function cases.no_json()
  for input, why in pairs {
    ["{"] = "line 1, column 2: expected a key in quotes or '}'",
    [""] = "line 1, column 1: expected a value",
    ["["] = "line 1, column 2: expected a value or ']'",
    ["{}x"] = "line 1, column 3: expected the end of the document",
  } do
    local fast, slow = both(lorawan.chirpstack_v4(), message(input))
    local expected = { false, "chirpstack_v4: the payload is not JSON: " .. why, n = 2 }
    same(expected, fast, input)
    same(expected, slow, input)
  end
end

function cases.many_gateways()
  local many = {}
  for i = 1, 20 do
    many[i] = { gateway_ids = { gateway_id = "g" .. i }, rssi = -100 + i, snr = i }
  end
  local text = json.encode { uplink_message = { frm_payload = "AQ==", f_port = 1,
    rx_metadata = many } }
  local values = lorawan.things_stack_v3()(message(text))
  same({ 20, "g20", -80, 20 }, { values.gateways, values.gateway, values.rssi, values.snr })
end

function cases.custom()
  local decode = lorawan.custom { payload = { "a.data", "b" }, encoding = "hex", counter = "n" } ()
  same({ payload = "01", counter = 5 }, (decode(message '{"a":{"data":"01"},"n":5}')))
  same({ payload = "02" }, (decode(message '{"b":"02","n":null}')))
  same(nil, (decode(message '{"n":5}')))
end

function cases.pick()
  local pick = json.pick { "a.b", "list[2]", "?list", "?none", "s", "none", "n", "big", "o", "" }
  local values = table.pack(pick '{"a":{"b":1.5},"list":[1,{"x":[true]}],"s":"\\u00e9","n":null,\z
    "big":9007199254740993,"o":{}}')
  same(10, values.n)
  same({ 1.5, { x = { true } }, true, nil, "é", nil, json.null, 9007199254740993, {} },
    { table.unpack(values, 1, 9) })
  same(1.5, values[10].a.b)
end

-- Frames of devices: what they have as examples, several of them in one, and changed ones; of a
-- station, too, which wants a part of the values.
local devices = { require "tagline.codec.cayenne_lpp", require "tagline.codec.device.elsys",
  require "tagline.codec.device.adeunis_ftd", require "tagline.codec.device.dragino_lht65" }
for _, name in ipairs { "am107", "am319", "em300", "em300_di", "em300_cl", "em300_mcs" } do
  devices[#devices + 1] = require "tagline.codec.device.milesight"[name]
end

local function device_frame(device)
  local frame = hex.decode(device.examples[random(#device.examples)].input)
  while random(3) == 1 do
    frame = frame .. hex.decode(device.examples[random(#device.examples)].input)
  end
  for _ = 1, random(0, 2) do frame = #frame > 1 and changed(frame) or frame end
  return frame
end

function cases.devices(_, station)
  local whole = 0
  for _, device in ipairs(devices) do
    for _ = 1, 150 do
      local frame = device_frame(device)
      local port = random(5) == 1 and random(0, 255) or nil
      local fast, slow = both(device.decode_bytes, frame, port)
      same(slow, fast, device.name .. " " .. hex.encode(frame))
      if fast[2] then whole = whole + 1 end
      local m = message(frame, "a")
      m.station = station
      fast, slow = both(device, m)
      same({ slow[1], slow[2], slow[3] }, { fast[1], fast[2], fast[3] },
        device.name .. " " .. hex.encode(frame))
    end
  end
  if whole < 400 then error("hardly any frame is good: " .. whole, 0) end
  for channel = 0, 255 do -- more than are kept
    for _, number in ipairs { 0, 2, 100, 101, 103, 104, 113, 136 } do
      local frame = string.char(channel, number) .. noise(9)
      local fast, slow = both(devices[1].decode_bytes, frame)
      same(slow, fast, hex.encode(frame))
    end
  end
end

-- An envelope around such a frame, for a station that wants a part of the values.
function cases.device_in_envelope(_, station)
  for _, device in ipairs(devices) do
    local decode, set = lorawan.things_stack_v3(device), 0
    for _ = 1, 50 do
      local frame = device_frame(device)
      local text = base64.encode(frame)
      if random(20) == 1 then text = changed(text) end
      if random(10) == 1 then text = text:gsub("/", "\\/") end
      local m = message(('{"uplink_message":{"f_port":%d,"frm_payload":"%s","received_at":\z
        "2024-05-01T10:00:%02dZ"}}'):format(random(0, 9), text, random(10, 59)))
      m.station = station
      local fast, slow = both(decode, m)
      same({ slow[1], slow[2], slow[3] }, { fast[1], fast[2], fast[3] }, device.name .. " " .. text)
      if fast[1] and type(fast[2]) == "table" and next(fast[2]) then set = set + 1 end
    end
    if set < 5 then error("hardly any value: " .. device.name, 0) end
  end
end

-- Documents with small and large objects in each other, and keys that come twice.
local function document(depth)
  local which = random(depth > 3 and 3 or 5)
  if which == 1 then return tostring(random(-100, 100)), nil end
  if which == 2 then return '"a\\u00e9"', nil end
  if which == 3 then return "null", nil end
  local parts, n = {}, random(0, random(8) == 1 and depth < 2 and 70 or 4)
  for i = 1, n do
    local text = document(depth + 1)
    parts[i] = which == 4 and text or ('"%s%d":%s'):format(random(5) == 1 and "\\n" or "k",
      random(0, 40), text)
  end
  return (which == 4 and "[%s]" or "{%s}"):format(table.concat(parts, ","))
end

-- The same by Lua, for what document() makes.
local function read_simply(text, at)
  local first = text:sub(at, at)
  if first == "[" or first == "{" then
    local result, n = {}, 0
    at = at + 1
    while not text:find("^[%]}]", at) do
      local key, value
      if first == "{" then
        key, at = text:match('^"([^"]*)":()', at)
        key = key:gsub("\\n", "\n")
      else n, key = n + 1, n + 1 end
      value, at = read_simply(text, at)
      result[key] = value
      if text:sub(at, at) == "," then at = at + 1 end
    end
    return result, at + 1
  end
  local word, after = text:match("^([%w%-]+)()", at)
  if word then return word == "null" and json.null or math.tointeger(tonumber(word)), after end
  return "aé", (select(2, text:find('"[^"]*"', at))) + 1
end

function cases.json()
  for _ = 1, 300 do
    local text = document(0)
    same((read_simply(text, 1)), json.decode(text), text)
  end
end

-- Keys are kept from document to document: many, alike at both ends, some again.
function cases.json_keys()
  for round = 1, 200 do
    local expected, members = {}, {}
    for i = 1, random(0, 70) do
      local key = ("k"):rep(random(0, 30)) .. random(0, 40) .. ("z"):rep(random(0, 12))
      if random(50) == 1 then key = "" end
      expected[key], members[i] = round * 100 + i, ('"%s":%d'):format(key, round * 100 + i)
    end
    local text = "{" .. table.concat(members, ",") .. "}"
    same(expected, json.decode(text), text)
    local list = {}
    for i = 1, round do list[i] = { [("x"):rep(i % 9)] = i } end
    same(list, json.decode(json.encode(list)))
  end
end

-- Tables are made with room for what a key led to the last time: more, less, or something else now.
function cases.json_shapes()
  for round = 1, 100 do
    local expected, members = {}, {}
    for i = 1, 4 do
      local inner, list, value = {}, {}, {}
      for k = 1, random(0, 3) ^ 4 // 1 do
        inner[k], list[k] = ('"%d":[%d,[%d]]'):format(k, k, round), ('[%d,{"%d":[]}]'):format(k, k)
        value[tostring(k)] = { k, { round } }
      end
      members[i] = ('"%d":[{%s},7],"%d":{"a":[%s],"b":1,"b":%d}')
        :format(i, table.concat(inner, ","), i + 10, table.concat(list, ","), round)
      local a = {}
      for k = 1, #list do a[k] = { k, { [tostring(k)] = {} } } end
      expected[tostring(i)], expected[tostring(i + 10)] = { value, 7 }, { a = a, b = round }
    end
    local text = "{" .. table.concat(members, ",") .. "}"
    same(expected, json.decode(text), text)
  end
end

local function refused(why, f, ...)
  local ok, got = pcall(f, ...)
  if ok or not got:find(why, 1, true) then
    error(("expected the error %q, got %s"):format(why, show(got)), 0)
  end
end

function cases.pick_errors()
  local pick = json.pick { "a" }
  refused("the text is not JSON: line 1, column 8: expected", pick, '{"a":1,}')
  refused("the answer is not JSON: line 1, column 7: expected", pick, '{"a":1', "the answer")
  refused("string expected, got boolean", pick, true)
  refused("table expected, got number", json.pick, 5)
  refused("expected 1 to 250 addresses, got 0", json.pick, {})
  refused("address 2: expected a string, got table", json.pick, { "a", {} })
  refused("address 2: ", json.pick, { "a", "b[" })
  refused("address 1: expected at most 1000 bytes, got 1001", json.pick, { ("a"):rep(1001) })
  local list = {}
  for i = 1, 250 do list[i] = "k" .. i end
  same(7, (select(250, json.pick(list) '{"k250":7}')))
  list[251] = "x"
  refused("expected 1 to 250 addresses, got 251", json.pick, list)
end

limits { handler_time = 60 }

line "test" { host = "127.0.0.1", station "case" {
  address = "case/(.+)",
  decode = function(msg)
    local ok, why = pcall(cases[msg.captures[1]], msg.payload, msg.station)
    return { result = ok and "ok" or tostring(why) }
  end,
  tags = { result = TxtI { new_value_on_time_change = true },
    -- of the fields of an uplink these are wanted
    bytes = TxtI {}, payload = TxtI {}, rssi = Ai {}, snr = Ai {}, gateway = TxtI {},
    frequency = Ai {}, data_rate = TxtI {}, dev_eui = TxtI {}, confirmed = Di {},
    counter = Ci { "JA=counter" },
    -- and these of a device
    temperature = Ai {}, humidity = Ai {}, co2 = Ai {}, temperature_1 = Ai {},
    gps_12_latitude = Ai {}, analog_in_3 = Ai {}, TempC_SHT = Ai {}, pir = Di {}, gpio = Di {},
    externalTemperature = Ai {}, water = Ai {}, temperature_offset = Ci {} },
} }
