-- Samples that servers and their documents publish, in the forms of today; what is said of
-- messages that no one knows; and networks of one's own. Identifiers are changed where a sample
-- has real ones.
local cjson = require "cjson"
local elsys = require "tagline.codec.device.elsys"
local hex = require "tagline.codec.hex"
local kit = require "tagline.codec.kit"
local lorawan = require "tagline.codec.lorawan"
local support = require "spec.codec.support"

local function uplink(network, text, topic)
  return lorawan[network].uplink(cjson.decode(text), topic)
end

describe("a published uplink of", function()
  for _, sample in ipairs(require "spec.codec.lorawan_samples") do
    it(sample.network .. ": " .. sample.what, function()
      local up, why = uplink(sample.network, sample.text, sample.topic)
      assert.is_nil(why)
      up.payload = hex.encode(up.payload)
      assert.same(sample.expected, up)
    end)
  end
end)

describe("an uplink that no one can read of", function()
  it("kerlink_wmc is encrypted", function()
    assert.same(
      { nil,
        "kerlink_wmc: encrypted: the payload is encrypted: the server has no AppSKey of this \z
          device" },
      { uplink("kerlink_wmc", [[{"payload":"00","encrypted":true,"fCntUp":1,"endDevice":{}}]]) })
  end)

  it("everynet is encrypted", function()
    assert.same({ nil,
      "everynet: params.encrypted_payload: the payload is encrypted: the server has no AppSKey \z
        of this device" },
      { uplink("everynet", [[{"type":"uplink","params":{"encrypted_payload":"AA=="}}]]) })
  end)
end)

describe("a frame that everynet sends twice", function()
  it("reaches the device once", function()
    local asked = 0
    local decode = lorawan.everynet(function() asked = asked + 1 return { x = 1 } end)
    for _, twice in ipairs { false, true } do
      decode { json = { type = "uplink",
        params = { payload = "AA==", port = 1, duplicate = twice } } }
    end
    assert.equal(1, asked)
  end)
end)

describe("a message that is no uplink", function()
  local said
  before_each(function()
    said = {}
    kit.on_say = function(text, station) said[#said + 1] = station .. ": " .. text end
  end)
  after_each(function() kit.on_say = nil end)

  local function message(json, topic, name)
    return { json = json, topic = topic, station = { full_name = name or "l.s", tags = {} } }
  end

  it("is declined without a word when the network is known to send it", function()
    for network, list in pairs {
      things_stack_v3 = { { join_accept = {} }, { downlink_ack = {} }, { service_data = {} } },
      chirpstack_v4 = { { acknowledged = true }, { margin = 5 } },
      loriot = { { cmd = "gw" }, { cmd = "txd", data = "01" }, { cmd = "tx" } },
      actility = { { DevEUI_downlink_Sent = {} }, { DevEUI_location = {} } },
      kerlink = { { tx = {} } }, kerlink_wmc = { { dataDownId = "x" } },
      aws_iot = { { WirelessMetadata = { Sidewalk = {} } } },
        everynet = { { type = "downlink", meta = { device = "x" } } },
      helium = { { type = "join" } }, things_network_v2 = { { app_id = "x", dev_id = "y" } },
    } do
      for _, json in ipairs(list) do assert.is_nil(lorawan[network](elsys)(message(json))) end
    end
    lorawan.chirpstack_v4(elsys)(message({}, "application/a/device/b/event/log"))
    lorawan.multitech(elsys)(message({}, "lora/00-80/packet_sent"))
    assert.same({}, said)
  end)

  it("is declined and said once for each station when it is none of these", function()
    local decode = lorawan.things_stack_v3(elsys)
    assert.is_nil(decode(message { b = 1, a = 2 }))
    assert.is_nil(decode(message { b = 1 }))
    assert.is_nil(decode(message({}, nil, "l.other")))
    assert.same({
      "l.s: things_stack_v3: a message that is no uplink, and none that this network is known \z
        to send, is declined; it has a, b",
      "l.other: things_stack_v3: a message that is no uplink, and none that this network is \z
        known to send, is declined; it has nothing",
    }, said)
    lorawan.custom { payload = "p" }(elsys)(message { x = 1 })
    assert.equal(3, #said)
  end)
end)

describe("lorawan.custom", function()
  it("reads a network by its fields", function()
    local ours = lorawan.custom { name = "ours", payload = "f.data", encoding = "hex",
      port = "f.p", counter = { "f.n", "n" },
      eui = "id", device = "name", time = "at", time_mask = "UNIXUS", uplink_if = "f",
        rssi = "rssi", frequency = "mhz" }
    assert.same({ payload = "\1\2", port = 3, counter = 4, dev_eui = "0102030405060708",
      device_id = "d", time = 1.5, rssi = -60,
      frequency = 868100000 },
      ours.uplink { f = { data = "0102", p = 3 }, n = 4, id = "01-02-03-04-05-06-07-08",
        name = "d", at = 1500000, rssi = -60, mhz = 868.1 })
    assert.same({ nil, "ours: f.data: byte 1: expected a hexadecimal digit, got 'x'" },
      { ours.uplink { f = { data = "xx" } } })
    assert.same({ nil, "ours: at: expected microseconds since 1970, got -1" },
      { ours.uplink { f = { data = "" }, at = -1 } })
    assert.is_nil(ours.uplink { g = 1 })
  end)

  it("makes a decode of a device", function()
    local decode = lorawan.custom { payload = "data" }(elsys, { time = false })
    assert.same({ temperature = 22.6, humidity = 41 }, (decode { json = { data = "AQDiAik=" },
      station = support.station { "temperature", "humidity" } }))
  end)

  it("takes bytes as they are, and a function that says what an uplink is", function()
    local ours = lorawan.custom { payload = "data", encoding = "bytes",
      uplink_if = function(json, topic) return json.kind == "up" and topic == "t" end }
    assert.equal("abc", ours.uplink({ kind = "up", data = "abc" }, "t").payload)
    assert.is_nil(ours.uplink({ kind = "up", data = "abc" }, "u"))
  end)

  for text, fields in pairs {
    ["expected a table, got number"] = 5,
    ["payload: expected the path of the payload, got nothing"] = {},
    ["payload: expected a path such as \"frame.data\", got 5"] = { payload = 5 },
    ["port: expected a path, got an empty list"] = { payload = "p", port = {} },
    ["encoding: expected \"base64\", \"hex\" or \"bytes\", got 'ascii85'"] = { payload = "p",
      encoding = "ascii85" },
    ["time_mask: expected ISO8601, UNIX, UNIXMS, UNIXUS or UNIXNS, got 'yyyy'"] = { payload = "p",
      time_mask = "yyyy" },
    ["uplink_if: expected a path such as \"frame.data\", got true"] = { payload = "p",
      uplink_if = true },
    ["unknown field colour = 1"] = { payload = "p", colour = 1 },
    ["unknown field name = 1"] = { payload = "p", name = 1 },
  } do
    it("refuses: " .. text, function()
      local ok, why = pcall(function() lorawan.custom(fields) end)
      assert.is_false(ok)
      assert.equal("lorawan.custom: " .. text,
        (why:gsub("^spec/codec/lorawan_networks_spec.lua:%d+: ", "")))
    end)
  end
end)
