-- Envelopes: what each network says, what is declined, errors, and downlinks. Messages are
-- those of examples/ and of the networks' documentation.
local cjson = require "cjson"
local files = require "spec.support.files"
local base64 = require "tagline.codec.base64"
local elsys = require "tagline.codec.device.elsys"
local hex = require "tagline.codec.hex"
local lorawan = require "tagline.codec.lorawan"
local lht65 = require "tagline.codec.device.dragino_lht65"
local milesight = require "tagline.codec.device.milesight"
local support = require "spec.codec.support"

local function example(name)
  return cjson.decode(files.read("examples/" .. name .. ".json"))
end

-- A message as a station gets it; all tags that `names` lists.
local function message(json, topic, names)
  return { json = json, topic = topic, station = names and support.station(names) }
end

local function kerlink()
  return cjson.decode [[
    {"rx":{"moteeui":"00-00-00-00-00-1e-fc-1d",
    "userdata":{"seqno":77,"port":1,"payload":"NzM3RjAwZTgwMA==",
    "motetx":{"freq":868500000,"modu":"LoRa","datr":"SF7BW125","codr":"4/5"}},
    "gwrx":[{"time":"2017-07-05 16:06:52","chan":2,"rfch":0,"rssi":-33,"lsnr":7.5}]}}]]
end

-- Numbers as texts, as older streams send them.
local function actility()
  return cjson.decode [[
    {"DevEUI_uplink":{"Time":"2022-02-24T17:23:17.468+01:00","DevEUI":"70B3D57050011422",
    "FPort":"1","FCntUp":"3866","payload_hex":"0100e202290400270506","LrrRSSI":"-80.000000",
    "LrrSNR":"9.250000","SpFact":"7","Lrrid":"29000123","DevLrrCnt":"2","Frequency":868.1}}]]
end

local function chirpstack_v3()
  return cjson.decode [[
    {"applicationID":"123","applicationName":"heating","deviceName":"supply",
    "devEUI":"AgICAgICAgI=","rxInfo":[{"gatewayID":"AwMDAwMDAwM=",
    "time":"2022-07-18T09:34:15.775023242Z","rssi":-57,"loRaSNR":10}],
    "txInfo":{"frequency":868100000,"modulation":"LORA",
    "loRaModulationInfo":{"bandwidth":125,"spreadingFactor":11,"codeRate":"4/5"}},"fPort":2,
    "data":"y/YLDQN2AQrdf/8=","objectJSON":"{}"}]]
end

describe("lorawan uplink of", function()
  it("The Things Network v2", function()
    assert.same({
      payload = hex.decode "9e184856043000211770baae0bc9", port = 2, counter = 549,
        confirmed = false, dev_eui = "0018B2000000147D",
      device_id = "fieldtestdevice", application_id = "plant-test",
        time = 1499263612.741028313,
        rssi = -33, snr = 7.5,
      gateway = "eui-b827ebfffe87bd22", gateways = 2, frequency = 868100000,
        spreading_factor = 7,
        bandwidth = 125000,
      data_rate = "SF7BW125", coding_rate = "4/5",
    }, lorawan.things_network_v2.uplink(example "things_network_v2/up-549"))
    assert.is_true(
      lorawan.things_network_v2.uplink(example "things_network_v2/up-551").confirmed)
  end)

  it("The Things Stack v3", function()
    assert.same({
      payload = hex.decode "0100E202290400270506060308", port = 1, counter = 12,
        confirmed = false, dev_eui = "A81758FFFE03A1B2",
      device_id = "office", application_id = "plant", time = 1658136855.775023242, rssi = -57,
        snr = 9.2, gateway = "plant-roof",
      gateways = 2, frequency = 868100000, spreading_factor = 7, bandwidth = 125000,
        data_rate = "SF7BW125", coding_rate = "4/5",
    }, lorawan.things_stack_v3.uplink(example "things_stack_v3/office-12"))
  end)

  it("ChirpStack v4, with what is left out because it is 0", function()
    assert.same({
      payload = hex.decode "CBF60B0D0376010ADD7FFF", port = 2, counter = 0, confirmed = false,
        dev_eui = "A84041B931837A0A",
      device_id = "supply", application_id = "17c82e96-be03-4f38-aef3-f83d48582d97",
        time = 1658136855.775023242, rssi = -36,
      snr = 10.5, gateway = "0016c001f153a14c", gateways = 1, frequency = 868100000,
        spreading_factor = 7, bandwidth = 125000,
      data_rate = "SF7BW125", coding_rate = "CR_4_5",
    }, lorawan.chirpstack_v4.uplink(example "chirpstack_v4/supply-0"))
  end)

  it("ChirpStack v3, whose EUI is base64 or hexadecimal", function()
    local json = chirpstack_v3()
    local up = lorawan.chirpstack_v3.uplink(json,
      "application/123/device/0202020202020202/event/up")
    assert.same({
      payload = hex.decode "CBF60B0D0376010ADD7FFF", port = 2, counter = 0, confirmed = false,
        dev_eui = "0202020202020202",
      device_id = "supply", application_id = "123", time = 1658136855.775023242, rssi = -57,
        snr = 10, gateway = "AwMDAwMDAwM=",
      gateways = 1, frequency = 868100000, spreading_factor = 11, bandwidth = 125000,
        data_rate = "SF11BW125", coding_rate = "4/5",
    }, up)
    json.devEUI = "0202020202020202"
    assert.same("0202020202020202", lorawan.chirpstack_v3.uplink(json).dev_eui)
  end)

  it("Loriot", function()
    assert.same({ payload = "\1\2\xAA\xBB", port = 1, counter = 1,
      dev_eui = "0102030405060708",
      time = 1470850675.433 },
      lorawan.loriot.uplink(example "loriot/rx-1"))
  end)

  it("Actility, whose numbers are texts", function()
    assert.same({
      payload = hex.decode "0100e202290400270506", port = 1, counter = 3866,
        dev_eui = "70B3D57050011422", time = 1645719797.468,
      rssi = -80, snr = 9.25, gateway = "29000123", gateways = 2, frequency = 868100000,
        spreading_factor = 7,
    }, lorawan.actility.uplink(actility()))
  end)

  it("Live Objects", function()
    assert.same({
      payload = hex.decode "6d011f0179", port = 2, counter = 311, dev_eui = "0004A30B001E30F3",
      device_id = "urn:lo:nsid:lora:0004A30B001E30F3", time = 1571833964.546, rssi = -97,
        snr = 7,
        gateways = 2, spreading_factor = 9,
    }, lorawan.live_objects.uplink(example "live_objects/up-311"))
  end)

  it("Kerlink: base64 of hexadecimal", function()
    assert.same({
      payload = "\x73\x7F\x00\xE8\x00", port = 1, counter = 77, dev_eui = "00000000001EFC1D",
        time = 1499270812, rssi = -33, snr = 7.5,
      gateways = 1, frequency = 868500000, spreading_factor = 7, bandwidth = 125000,
        data_rate = "SF7BW125", coding_rate = "4/5",
    }, lorawan.kerlink.uplink(kerlink()))
  end)

  it("Slovanet (synthetic names)", function()
    assert.same({ payload = "\1\x4B\6\xA4", port = 2, counter = 41,
      dev_eui = "00124B0014D60A31",
      time = 1517513700 },
      lorawan.slovanet.uplink(example "slovanet/up-41"))
  end)

  it("takes the gateway that heard best", function()
    local json = example "things_stack_v3/office-12"
    json.uplink_message.rx_metadata = { { gateway_ids = { gateway_id = "a" } },
      { gateway_ids = { gateway_id = "b" }, rssi = -90, snr = 1 },
      { gateway_ids = { gateway_id = "c" }, rssi = -60, snr = 2 },
        { gateway_ids = { gateway_id = "d" }, rssi = -61, snr = 3 } }
    local up = lorawan.things_stack_v3.uplink(json)
    assert.same({ "c", -60, 2, 4 }, { up.gateway, up.rssi, up.snr, up.gateways })
  end)

  it("is nil for messages of other kinds", function()
    local function declined(...) assert.same({ n = 2 }, { n = 2, ... }) end
    declined(lorawan.things_network_v2.uplink { app_id = "a", dev_id = "b" })
    declined(lorawan.things_stack_v3.uplink(example "things_stack_v3/join"))
    declined(lorawan.chirpstack_v4.uplink(example "chirpstack_v4/return-join"))
    declined(lorawan.chirpstack_v4.uplink(example "chirpstack_v4/supply-status"))
    declined(lorawan.chirpstack_v4.uplink(example "chirpstack_v4/supply-0",
      "application/a/device/b/event/txack"))
    declined(lorawan.loriot.uplink(example "loriot/gw-1"))
    declined(lorawan.loriot.uplink { cmd = "txd", EUI = "0102030405060708" })
    declined(lorawan.actility.uplink { DevEUI_downlink_Sent = {} })
    declined(lorawan.live_objects.uplink { value = {} })
    declined(lorawan.kerlink.uplink { tx = {} })
    declined(lorawan.slovanet.uplink { cmd = "gw", data = "00" })
    declined(lorawan.slovanet.uplink { EUI = "00" })
    declined(lorawan.things_stack_v3.uplink { uplink_message = cjson.null })
    for _, network in pairs(lorawan) do
      if type(network) == "table" then declined(network.uplink {}) end
    end
  end)
end)

describe("lorawan error of", function()
  local function refuses(network, json, expected)
    it(expected, function() assert.same({ nil, expected },
      { lorawan[network].uplink(json) }) end)
  end

  local function tts(change)
    local json = example "things_stack_v3/office-12"
    change(json.uplink_message, json)
    return json
  end

  refuses("loriot", "x", "loriot: expected a JSON object, got 'x'")
  refuses("kerlink", cjson.null, "kerlink: expected a JSON object, got userdata: (nil)")
  refuses("loriot", example "loriot/rx-3",
    "loriot: encdata: the payload is encrypted: the server has no AppSKey of this device")
  refuses("things_stack_v3", tts(function(m) m.frm_payload = "AQDiAikEACcFBgYDCA=" end),
    "things_stack_v3: uplink_message.frm_payload: byte 19: expected a base64 letter, got '='")
  refuses("things_stack_v3", tts(function(m) m.frm_payload = 7 end),
    "things_stack_v3: uplink_message.frm_payload: expected a text, got 7")
  refuses("things_stack_v3", tts(function(m) m.frm_payload = ("AAAA"):rep(1000) end),
    "things_stack_v3: uplink_message.frm_payload: byte 1021: expected the payload of a frame, \z
      got 4000 letters")
  refuses("things_stack_v3", tts(function(m) m.f_port = 256 end),
    "things_stack_v3: uplink_message.f_port: expected an integer from 0 to 255, got 256")
  refuses("things_stack_v3", tts(function(m) m.f_cnt = "one" end),
    "things_stack_v3: uplink_message.f_cnt: expected a number, got 'one'")
  refuses("things_stack_v3", tts(function(m) m.f_cnt = 1.5 end),
    "things_stack_v3: uplink_message.f_cnt: expected an integer from 0 to 4294967295, got 1.5")
  refuses("things_stack_v3", tts(function(m) m.received_at = "yesterday" end),
    "things_stack_v3: uplink_message.received_at: byte 1: expected a time like \z
      2022-07-18T09:34:15Z, got 'yesterday'")
  refuses("things_stack_v3", tts(function(m) m.rx_metadata = 1 end),
    "things_stack_v3: uplink_message.rx_metadata: expected a list, got 1")
  refuses("things_stack_v3", tts(function(m) m.rx_metadata[2].rssi = {} end),
    "things_stack_v3: rssi: expected a number, got an object or list")
  refuses("things_stack_v3", tts(function(m) m.confirmed = "yes" end),
    "things_stack_v3: uplink_message.confirmed: expected true or false, got 'yes'")
  refuses("things_stack_v3", tts(function(_, json) json.end_device_ids.device_id = {} end),
    "things_stack_v3: end_device_ids.device_id: expected a text, got an object or list")
  refuses("things_stack_v3", tts(function(m) m.settings.frequency = "1e300" end),
    "things_stack_v3: uplink_message.settings.frequency: expected a frequency of 0 to 1e10 Hz, \z
      got 1e+300")
  refuses("things_stack_v3", tts(function(m) m.settings.frequency = "nan" end),
    "things_stack_v3: uplink_message.settings.frequency: expected a number, got 'nan'")
  refuses("kerlink", { rx = { userdata = { payload = "NzM3" } } },
    "kerlink: rx.userdata.payload: in the decoded base64, byte 4: expected a second hexadecimal \z
      digit, got the end")
  refuses("loriot", { cmd = "rx", data = "0102AABX" },
    "loriot: data: byte 8: expected a hexadecimal digit, got 'X'")
  refuses("loriot", { cmd = "rx", data = "00", ts = -1 },
    "loriot: ts: expected milliseconds since 1970, got -1")
  refuses("loriot", { cmd = "rx", data = "00", rssi = 1e300 },
    "loriot: rssi: expected decibels, got 1e+300")
  refuses("loriot", { cmd = "rx", data = "00", ts = "noon" },
    "loriot: ts: expected a number, got 'noon'")
end)

describe("lorawan and a device", function()
  it("make a decode in one line", function()
    local decode = lorawan.things_stack_v3(elsys)
    assert.same("function", type(decode))
    local values, time = decode(message(example "things_stack_v3/office-12", nil,
      { "temperature", "humidity", "co2", "rssi", "counter", "payload", "unheard_of" }))
    assert.same({ temperature = 22.6, humidity = 41, co2 = 776, rssi = -57, counter = 12,
      payload = "0100e202290400270506060308" }, values)
    assert.same(1658136855.775023242, time)
  end)

  it("decline what is no uplink", function()
    assert.is_nil(lorawan.things_stack_v3(elsys)(message(example "things_stack_v3/join")))
    assert.is_nil(lorawan.loriot(lht65)(message(example "loriot/gw-1")))
  end)

  it("name network and device in errors", function()
    local json = example "things_stack_v3/office-12"
    json.uplink_message.frm_payload = base64.encode "\2\x29\1\0"
    assert.error_matches(function() lorawan.things_stack_v3(elsys)(message(json)) end,
      "^things_stack_v3: elsys: byte 4: expected 2 bytes of temperature, got 1$")
    json.uplink_message.f_port = 6
    assert.error_matches(function() lorawan.things_stack_v3(lht65)(message(json)) end,
      "^things_stack_v3: dragino_lht65: expected port 2, 3 or 5, got 6$")
    json.uplink_message.frm_payload = "?"
    assert.error_matches(function() lorawan.things_stack_v3(elsys)(message(json)) end,
      "^things_stack_v3: uplink_message.frm_payload: byte 1: expected a base64 letter, got \z
        '%?'$")
  end)

  it("do not ask the device about frames without bytes or of port 0", function()
    local asked = 0
    local decode = lorawan.things_stack_v3(function() asked = asked + 1 return { x = 1 } end)
    local json = example "things_stack_v3/office-12"
    json.uplink_message.f_port = 0
    assert.same({ rssi = -57 }, (decode(message(json, nil, { "rssi", "x" }))))
    json.uplink_message.f_port, json.uplink_message.frm_payload = 1, nil
    assert.same({ rssi = -57 }, (decode(message(json, nil, { "rssi", "x" }))))
    assert.same(0, asked)
    json.uplink_message.frm_payload = "AA=="
    assert.same({ rssi = -57, x = 1 }, (decode(message(json, nil, { "rssi", "x" }))))
  end)

  it("may be a function of bytes, port and uplink", function()
    local decode = lorawan.loriot(function(bytes, port, uplink)
      return { sum = bytes:byte(1) + port, device = uplink.dev_eui }, 12
    end)
    assert.same({ { sum = 2, device = "0102030405060708" }, 12 },
      { decode(message(example "loriot/rx-1", nil, { "sum", "device" })) })
    decode = lorawan.loriot(function() return nil, "no such port" end)
    assert.error_matches(function() decode(message(example "loriot/rx-1")) end,
      "^loriot: no such port$")
    decode = lorawan.loriot(function() return 7 end)
    assert.error_matches(function() decode(message(example "loriot/rx-1")) end,
      "^loriot: expected a table of values or nil from the device, got 7$")
    assert.error_matches(function() lorawan.loriot(7) end,
      "loriot: expected a device module or a function%(bytes, port%), got number")
  end)

  it("put samples before the envelope's own values", function()
    local json = example "things_stack_v3/office-12"
    json.uplink_message.frm_payload = base64.encode(hex.decode "0367F6FF20CE9E74466310015D00")
    local samples, time = lorawan.things_stack_v3(milesight.em300)(message(json, nil,
      { "temperature", "rssi" }))
    assert.same({ { time = 1665561758, values = { temperature = 27.2 } },
      { values = { temperature = -1 } }, { values = { rssi = -57 } } }, samples)
    assert.same(1658136855.775023242, time)
  end)

  it("are not needed: an envelope alone gives its fields", function()
    assert.same({ counter = 1, dev_eui = "0102030405060708", payload = "0102aabb", port = 1 },
      (lorawan.loriot()(message(example "loriot/rx-1"))))
  end)
end)

describe("lorawan options", function()
  it("may ask for the time of arrival", function()
    local values, time = lorawan.loriot(nil, { time = false })(message(example "loriot/rx-1"))
    assert.same({ 1, nil }, { values.port, time })
  end)

  it("may take Loriot's radio data without decoding the frame again", function()
    local decode = lorawan.loriot(function() return { x = 1 } end, { gateways = true })
    assert.same({ x = 1 },
      (decode(message(example "loriot/rx-1", nil, { "x", "rssi", "spreading_factor" }))))
    assert.same({ rssi = -101, spreading_factor = 12 },
      (decode(message(example "loriot/gw-1", nil, { "x", "rssi", "spreading_factor" }))))
    assert.is_nil(decode(message { cmd = "txd" }))
  end)

  it("may name other paths", function()
    local decode = lorawan.slovanet(function(bytes, port) return { bytes = hex.encode(bytes),
      from = port } end,
      { payload = "frames[1].hex", port = "frames[1].p", time = "when", eui = "id",
        counter = "n",
        device = "name" })
    assert.same({ { bytes = "0a0b", from = 5, counter = 9, dev_eui = "ABC", device_id = "x" },
      1.5 }, { decode(message({
      frames = { { hex = "0A0B", p = 5 } }, when = 1500, id = "ABC", n = 9, name = "x",
    }, nil, { "bytes", "from", "counter", "dev_eui", "device_id" })) })
  end)

  for what, options in pairs {
    ["unknown option colour = 1"] = { colour = 1 },
      ["unknown option payload = 1"] = { payload = 1 },
    ["unknown option time = true"] = { time = true },
      ["expected a table of options, got number"] = 7,
  } do
    it("refuse: " .. what, function()
      local _, why = pcall(function() lorawan.loriot(nil, options) end)
      assert.matches("^spec/codec/lorawan_spec.lua:%d+: lorawan.loriot: " .. what .. "$", why)
    end)
  end
end)

describe("lorawan downlink of", function()
  local function sends(network, parameters, payload, topic)
    it(network .. " " .. payload, function()
      assert.same({ payload, topic }, { lorawan[network].downlink(parameters) })
      assert.same("table", type(cjson.decode(payload)))
    end)
  end

  sends("things_network_v2", { application = "plant-test", device = "fieldtestdevice",
    port = 1,
    payload = "\1\2\3\4", schedule = "replace" },
    [[{"port":1,"confirmed":false,"payload_raw":"AQIDBA==","schedule":"replace"}]],
      "plant-test/devices/fieldtestdevice/down")
  sends("things_stack_v3", { application = "app1", tenant = "tenant1", device = "dev1",
    port = 15,
    payload = "\xBE\xEF", priority = "HIGH",
    confirmed = true },
      [[{"downlinks":[{"f_port":15,"frm_payload":"vu8=","priority":"HIGH","confirmed":true}]}]],
    "v3/app1@tenant1/devices/dev1/down/push")
  sends("things_stack_v3", { application = "app1", device = "dev1", port = 1, payload = "",
    replace = true },
    [[{"downlinks":[{"f_port":1,"frm_payload":""}]}]], "v3/app1/devices/dev1/down/replace")
  sends("chirpstack_v4", { application = "17c8", eui = "A84041B931837A0A", port = 10,
    payload = "\1\2\3", confirmed = true },
    [[{"devEui":"a84041b931837a0a","confirmed":true,"fPort":10,"data":"AQID"}]],
    "application/17c8/device/a84041b931837a0a/command/down")
  sends("chirpstack_v3", { application = "123", eui = "0202020202020202", port = 10,
    payload = "\1\2\3" },
    [[{"confirmed":false,"fPort":10,"data":"AQID"}]],
      "application/123/device/0202020202020202/command/down")
  sends("loriot", { eui = "0102030405060708", port = 1, payload = "\1\2\xAA\xBB",
    confirmed = true },
    [[{"cmd":"tx","EUI":"0102030405060708","port":1,"confirmed":true,"data":"0102AABB"}]], nil)
  sends("actility", { eui = "70b3d57050011422", port = 1, payload = "\xAB", confirmed = true,
    flush = true, time = 1658136855.775 },
    [[{"DevEUI_downlink":{"Time":"2022-07-18T09:34:15.775Z","DevEUI":"70B3D57050011422",]]
      .. [["FPort":1,"payload_hex":"ab","Confirmed":"1","FlushDownlinkQueue":"1"}}]],
    "mqtt/things/70B3D57050011422/downlink")

  it("what a text may not hold plainly", function()
    local payload = lorawan.loriot.downlink { eui = 'a"b\\', port = 1, payload = "" }
    assert.same('A"B\\', cjson.decode(payload).EUI)
  end)

  for message_text, case in pairs {
    ["lorawan.kerlink.downlink: no downlink message of this network is known"] = { "kerlink",
      {} },
    ["lorawan.slovanet.downlink: no downlink message of this network is known"] = { "slovanet",
      {} },
    ["lorawan.live_objects.downlink: no downlink message of this network is known"] =
      { "live_objects", {} },
    ["lorawan.loriot.downlink: expected a table, got nil"] = { "loriot" },
    ["lorawan.loriot.downlink: port: expected an integer from 1 to 223, got 224"] = { "loriot",
      { port = 224 } },
    ["lorawan.loriot.downlink: port: expected an integer from 1 to 223, got nil"] = { "loriot",
      {} },
    ["lorawan.loriot.downlink: payload: expected bytes, at most 255, got nil"] = { "loriot",
      { port = 1 } },
    ["lorawan.loriot.downlink: eui: expected a text without '+', '#' and '/', got nil"] =
      { "loriot", { port = 1, payload = "" } },
    ["lorawan.things_network_v2.downlink: device: expected a text without '+', '#' and '/', got \z
      'a/b'"] =
      { "things_network_v2", { port = 1, payload = "", application = "x", device = "a/b" } },
    ["lorawan.things_network_v2.downlink: schedule: expected one of replace first last, \z
      got 'later'"] =
      { "things_network_v2", { port = 1, payload = "", application = "x", device = "a",
        schedule = "later" } },
    ["lorawan.things_stack_v3.downlink: priority: expected one of LOWEST LOW BELOW_NORMAL \z
      NORMAL ABOVE_NORMAL HIGH HIGHEST, got 'FAST'"] =
      { "things_stack_v3", { port = 1, payload = "", application = "x", device = "a",
        priority = "FAST" } },
    ["lorawan.things_stack_v3.downlink: tenant: expected a text without '+', '#' and '/', \z
      got 'a/b'"] =
      { "things_stack_v3", { port = 1, payload = "", application = "x", device = "a",
        tenant = "a/b" } },
  } do
    it("raises " .. message_text, function()
      local ok, why = pcall(function() lorawan[case[1]].downlink(case[2]) end)
      assert.is_false(ok)
      assert.same(message_text, (why:gsub("^spec/codec/lorawan_spec.lua:%d+: ", "")))
      assert.not_same(message_text, why) -- it names the line
    end)
  end
end)
