-- Envelopes and devices of tagline.codec in a running program: the published messages through a
-- real Mosquitto.
local hex = require "tagline.codec.hex"
local scenario = require "spec.support.scenario"
local files, mosquitto, scope, tagline = scenario "files mosquitto scope tagline"

local config = [[
local lorawan = require "tagline.codec.lorawan"
local elsys = require "tagline.codec.device.elsys"
local lht65 = require "tagline.codec.device.dragino_lht65"
local milesight = require "tagline.codec.device.milesight"
local cayenne_lpp = require "tagline.codec.cayenne_lpp"
local base64 = require "tagline.codec.base64"

line "codec" {
  host = "127.0.0.1", port = PORT, topic_filter = "#",

  station "office" {
    address = "v3/plant@ttn/devices/office/up",
    decode  = lorawan.things_stack_v3(elsys),
    encode  = function(tag, value)
      return lorawan.things_stack_v3.downlink {
        application = "plant", tenant = "ttn", device = "office", port = 15,
        payload = string.char(value),
      }
    end,
    tags = {
      temperature = Ai {}, humidity = Ai {}, co2 = Ci {}, counter = Ci {}, rssi = Ai {},
      gateway = TxtI {}, relay = Co {},
    },
  },

  station "supply" {
    address = "application/.*/event/.*",
    decode  = lorawan.chirpstack_v4(lht65),
    tags = {
      TempC_SHT = Ai {}, TempC_DS = Ai {}, BatV = Ai {}, counter = Ci {}, confirmed = Di {},
    },
  },

  station "valve-{dev}" {
    address = "loriot/(?<dev>.*)",
    decode  = lorawan.loriot(function(bytes) return { position = bytes:byte(1) } end),
    tags    = { position = Ci {}, payload = TxtI {} },
  },

  station "lpp" {
    address = "raw/lpp",
    decode = cayenne_lpp,
    tags = { temperature_7 = Ai {}, gps_12_latitude = Ai {} },
  },
  station "elsys" {
    address = "raw/base64",
    decode = base64(elsys),
    tags = { temperature = Ai {} },
  },
  station "em300" {
    address = "raw/em300",
    decode = milesight.em300,
    tags = { temperature = Ai {} },
  },
}
]]

local function read(name) return files.read("examples/" .. name .. ".json") end

local function bytes(digits) return (hex.decode(digits)) end

-- All values so far as `name=value`, sorted.
local function said(t)
  local list = {}
  for i, value in ipairs(t:values()) do
    local text = type(value.value) == "number" and ("%.14g"):format(value.value)
      or tostring(value.value)
    list[i] = value.tag:gsub("^codec%.", "") .. "=" .. text
  end
  table.sort(list)
  return list
end

describe("codecs in a running program", function()
  local m, t
  before_each(function()
    m = mosquitto.start()
    t = tagline.run(config, { PORT = m.port })
    m:wait_subscribed "tagline-codec"
  end)
  after_each(scope.finish)

  local function publish(topic, payload) m:publish(topic, payload, { qos = 1 }) end

  it("turn the published messages into values with the network's time", function()
    publish("v3/plant@ttn/devices/office/up", read "things_stack_v3/office-12")
    local value = t:value "codec.office.temperature"
    assert.same({ 22.6, "2022-07-18T09:34:15.775Z" }, { value.value, value.time })
    publish("application/17c8/device/a840/event/join", read "chirpstack_v4/return-join") -- declined
    publish("application/17c8/device/a840/event/up", read "chirpstack_v4/supply-0")
    assert.same(28.29, t:value("codec.supply.TempC_SHT").value)
    publish("loriot/a17", read "loriot/gw-1") -- declined
    publish("loriot/a17", read "loriot/rx-1")
    assert.same(1, t:value("codec.valve-a17.position").value)
    publish("raw/lpp", bytes "0767ff640c8807fd8700bef500086a")
    assert.same(-15.6, t:value("codec.lpp.temperature_7").value)
    publish("raw/base64", "AQDiAikEACcFBgYDCA==")
    assert.same(22.6, t:value("codec.elsys.temperature").value)
    t:stop()
    assert.same({
      "elsys.temperature=22.6", "lpp.gps_12_latitude=52.3655", "lpp.temperature_7=-15.6",
      "office.co2=776", "office.counter=12", "office.gateway=plant-roof", "office.humidity=41",
        "office.rssi=-57",
      "office.temperature=22.6",
      "supply.BatV=3.062", "supply.TempC_DS=27.81", "supply.TempC_SHT=28.29",
        "supply.confirmed=false", "supply.counter=0",
      "valve-a17.payload=0102aabb", "valve-a17.position=1",
    }, said(t))
    -- Whatever a codec knows beyond the station's tags is no news.
    assert.is_nil(t:text("stderr"):find("no such tag", 1, true))
  end)

  it("set stored values at their own times", function()
    publish("raw/em300", bytes "0367F6FF20CE9E74466310015D00")
    local first, second = t:value "codec.em300.temperature", t:value "codec.em300.temperature"
    assert.same({ 27.2, "2022-10-12T08:02:38.000Z", -1 }, { first.value, first.time, second.value })
    t:stop()
  end)

  it("say station, network, device and byte of a payload that is cut off", function()
    publish("v3/plant@ttn/devices/office/up",
      (read("things_stack_v3/office-12"):gsub('"AQDiAikEACcFBgYDCA=="', '"AikBAA=="')))
    t:wait_log "codec%.office: decode: things_stack_v3: elsys: byte 4: expected 2 bytes of \z
      temperature, got 1"
    t:stop()
  end)

  it("say once what an envelope declined without knowing it", function()
    publish("v3/plant@ttn/devices/office/up", '{"what":1}')
    publish("v3/plant@ttn/devices/office/up", '{"what":2}')
    t:wait_log "codec%.office: things_stack_v3: a message that is no uplink, .* is declined; it \z
      has what %(logged once%)"
    publish("raw/base64", "AQDiAikEACcFBgYDCA==")
    t:value "codec.elsys.temperature"
    local _, times = t:text("stderr"):gsub("logged once", "")
    assert.equal(1, times)
    t:stop()
  end)

  it("send a downlink on the network's topic", function()
    local listener = m:subscribe "v3/plant@ttn/devices/office/down/push"
    assert.same(0, (t:eval 'tags["codec.office.relay"]:write(7)'))
    listener:wait_line '{"downlinks":%[{"f_port":15,"frm_payload":"Bw=="}%]}'
    t:stop()
  end)
end)
