-- `tagline discover --config` on a real Mosquitto: what it writes passes `check`, runs,
-- and its tags have the values that were sent.
local cjson = require "cjson"
local cbor = require "tagline.codec.cbor"
local msgpack = require "tagline.codec.msgpack"
local sparkplug_b = require "tagline.codec.sparkplug_b"
local discovery = require "spec.support.discovery"
local scenario = require "spec.support.scenario"
local mosquitto, scope, tagline = scenario "mosquitto scope tagline"

local publish, discover, check = discovery.publish, discovery.discover, discovery.check
local run_for, set_of = discovery.run_for, discovery.set_of

local function json(fields) return cjson.encode(fields) end

describe("discover --config", function()
  after_each(scope.finish)

  it("reads 5,000 topics of all kinds with the values that were sent", function()
    local m = mosquitto.start { "max_queued_messages 0" }
    local list, wanted, n = {}, {}, 0
    local function unique(step)
      n = n + 1
      local value = 100000 + n * (step or 1)
      wanted[#wanted + 1] = ("%.10g"):format(value)
      return value
    end
    local now = os.time()
    for i = 1, 1500 do
      list[#list + 1] = { ("plant/meter-%d/up"):format(i), json { ts = now * 1000 + i,
        energy_kwh = unique() + 0.5, count = unique(),
          rx = { rssi = -60 - i % 50, id = unique() } } }
      wanted[#wanted - 2] = ("%.10g"):format(tonumber(wanted[#wanted - 2]) + 0.5)
    end
    for i = 1, 1000 do
      list[#list + 1] = { ("house/room%d/power_w"):format(i), tostring(unique()) }
    end
    for i = 1, 500 do
      list[#list + 1] = { ("cbor/dev%d"):format(i),
        cbor.encode { total = unique(), flow = 1.5 } }
    end
    for i = 1, 500 do
      list[#list + 1] = { ("pack/dev%d"):format(i),
        msgpack.encode { total = unique(), ok = true } }
    end
    for i = 1, 300 do
      list[#list + 1] = { ("v3/app@ttn/devices/dev%d/up"):format(i), json {
        end_device_ids = { device_id = "dev" .. i, dev_eui = ("0018B2%010X"):format(i),
          application_ids = { application_id = "app" } },
        received_at = os.date("!%Y-%m-%dT%H:%M:%S.123456789Z", now),
        uplink_message = { f_port = 1, f_cnt = unique(), frm_payload = "AQDi",
          decoded_payload = { pulses = unique() },
          rx_metadata = { { gateway_ids = { gateway_id = "g" }, rssi = -80, snr = 7.5 } },
          settings = { frequency = "868100000" } } } }
    end
    for i = 1, 200 do
      list[#list + 1] = { ("application/app/device/%016x/event/up"):format(i), json {
        deviceInfo = { devEui = ("%016x"):format(i), deviceName = "d" .. i,
          applicationId = "app" },
        time = os.date("!%Y-%m-%dT%H:%M:%SZ", now), fPort = 2, fCnt = unique(), data = "AQ==",
        object = { level_mm = unique() } } }
    end
    for i = 1, 200 do
      list[#list + 1] = { ("loriot/%d"):format(i),
        json { cmd = "rx", EUI = ("%016X"):format(i),
        ts = now * 1000, fcnt = unique(), port = 3, data = "0102" } }
    end
    for i = 1, 300 do
      list[#list + 1] = { ("zigbee2mqtt/sensor %d"):format(i), json { temperature = 20.5,
        battery = 90, update = { installed_version = unique() } } }
    end
    list[#list + 1] = { "zigbee2mqtt/bridge/state", '{"state":"online"}' }
    list[#list + 1] = { "zigbee2mqtt/bridge/devices", "[{\"friendly_name\":\"sensor 1\"}]" }
    for i = 1, 400 do -- each another document
      list[#list + 1] = { ("single/%s/%d/state"):format(("x"):rep(i % 7 + 1), i * 31),
        json { ["f" .. i] = { ["g" .. i] = unique() } } }
    end
    for i = 1, 100 do list[#list + 1] = { ("tele/plug%d/SENSOR"):format(i), json {
      Time = os.date("!%Y-%m-%dT%H:%M:%S", now), ENERGY = { Total = unique() + 0.25 } } }
      wanted[#wanted] = ("%.10g"):format(tonumber(wanted[#wanted]) + 0.25)
    end
    for i = 1, 50 do
      list[#list + 1] = { ("shelly%d/status/switch:0"):format(i), json { id = 0, output = true,
        aenergy = { total = unique() } } }
    end
    publish(m, list)
    assert.truthy(#list >= 5000, #list)
    local text = discover(m)
    local path = check(text)
    local t, seen, bad = run_for(path, set_of(wanted))
    assert.same({}, { bad[1] })
    local _, unit = t:eval 'return tags["broker.plant-meter-7.energy_kwh"].unit'
    assert.equal("kWh", unit)
    -- the time is that of the message
    assert.equal((now * 1000 + 7) % 1000, tonumber(
      seen["broker.plant-meter-7.count"].time:match "%.(%d+)Z"))
    assert.equal(7.5, seen["broker.v3-app_ttn-devices-dev1.snr"].value)
    t:stop()
  end)

  it("reads odd topics: blanks, quotes, %, UTF-8, empty levels, expressions, long ones",
    function()
    local m = mosquitto.start {}
    local list, wanted = {}, {}
    for i, topic in ipairs { "a b/c d", 'quo"te/\'x\'', "50%/%d", "é/ü/漢字", "//", "/lead",
      "trail/",
      "reg(ex", "re[g]ex/.*", "a{dev}b", "back\\slash", "$weird", "end", "function/local",
        "a.b.c",
      "x|y?z", ("l"):rep(30000) .. "/" .. ("m"):rep(20000), "]]", "--", "1/2/3", "tab\\n",
        "(lead", "?x",
      "[", ".", "*/up", "tele/plug/STATE", "tele/plug/LWT" } do
      if topic:sub(1, 1) ~= "$" then
        list[#list + 1] = { topic, tostring(7000 + i) .. ".5" }
        wanted[#wanted + 1] = tostring(7000 + i) .. ".5"
      end
    end
    list[#list + 1] = { "keys", json { ["a.b"] = 8001, ["c[1]"] = 8002, [" "] = 8003,
      ['q"'] = 8004,
      ["end"] = 8005, ["é"] = 8006, ["a=b"] = 8007, ["ä ö"] = { ["%"] = 8008 }, [""] = 1,
        ["$"] = 8011,
      list = { { id = 'x"]', v = 8009 }, { id = "y=[", v = 8010 } } } }
    list[#list + 1] = { "tele/plug/SENSOR", json { Time = "2026-11-29T12:00:00", A = 8012 } }
    list[#list + 1] = { "tele/plug2/SENSOR", "" }
    list[#list + 1] = { "tele/plug2/LWT", "Online" }
    list[#list + 1] = { "!", "" } -- a station with the address "." must not take it
    for i = 8001, 8012 do wanted[#wanted + 1] = tostring(i) end
    publish(m, list)
    local _, _, bad = run_for(check(discover(m)), set_of(wanted))
    assert.same({}, bad)
  end)

  it("gives overlapping groups expressions that take only what is theirs", function()
    local m = mosquitto.start {}
    local list, wanted = {}, {}
    for i = 1, 6 do
      list[#list + 1] = { ("p/m%d/up"):format(i), json { meter = 100 + i } }
      list[#list + 1] = { ("p/v%d/up"):format(i),
        json { valve = 200 + i, open = true, pos = 1 } }
      list[#list + 1] = { ("p/m1/x%d"):format(i), tostring(300 + i) }
      for _, base in ipairs { 100, 200, 300 } do wanted[#wanted + 1] = tostring(base + i) end
    end
    list[#list + 1] = { "p/m7/up", "gone" }
    list[#list + 1] = { "p/(odd/up", "400.5" }
    wanted[#wanted + 1], wanted[#wanted + 2] = "gone", "400.5"
    publish(m, list)
    local _, _, bad = run_for(check(discover(m)), set_of(wanted))
    assert.same({}, bad)
  end)

  it("knows types, units, ranges, times, lists and words that are repaired", function()
    local m = mosquitto.start {}
    local now = os.time()
    publish(m, {
      { "t/iso", json { time = os.date("!%Y-%m-%dT%H:%M:%SZ", now), boot_at = os.date(
        "!%Y-%m-%dT%H:%M:%SZ", now - 60), v = 1.5 } },
      { "t/unix", json { timestamp = now, v = 1.5 } },
      { "t/parts", json { a = { timestamp = os.date("!%Y-%m-%dT%H:%M:%SZ", now), v = 1.5 },
        b = { timestamp = os.date("!%Y-%m-%dT%H:%M:%SZ", now), v = 1.5 } } },
      { "t/text", json { date = os.date("!%d.%m.%Y %H:%M:%S", now), v = 1.5 } },
      { "big", '{"big":9007199254740993}' },
      { "u", json { flow_temp_c = 40, i_a = 1, i_b = 2, i_c = 3, p_kw = 2, hum_pct = 45,
        n = 3, on = true, name = "x", sn = "00123", level = 4,
        text_number = "21.5", switch = "ON", nothing = cjson.null, l = { 1, 2.5 },
        sensors = { { id = "28FF", temp = 20.5 }, { id = "28AA", temp = 21.5 } } } },
      { "w/unit", "21.5 °C" }, { "w/comma", "21,5" }, { "w/word", "off" },
      { "w/nul", '{"a":77}\0' }, { "w/nan", '{"a":NaN,"b":78}' },
    })
    local text = discover(m)
    for _, part in ipairs {
      'time_field_name = "time",\n    time_mask = "ISO8601"', 'boot_at = TiA "JA=boot_at"',
      'time_field_name = "timestamp",\n    time_mask = "UNIX"',
      'time_field_name = "date",\n    time_mask = "dd.mm.yyyy hh:mi:ss"',
      'flow_temp_c = Ai { "JA=flow_temp_c", unit = "°C" },\n', 'i_c = Ci "JA=i_c"',
      'p_kw = Ai { "JA=p_kw", unit = "kW" },\n', 'range = { 0, 100 }', 'big = Ci "JA=big"',
      'n = Ci "JA=n"', 'on = Di "JA=on"', 'sn = TxtI "JA=sn"', 'level = Ai "JA=level"',
      'text_number = Ai "JA=text_number"', 'switch = Di "JA=switch"',
      "-- nothing: only null was heard", 'l_1 = Ai "JA=l[1]"',
      '["28FF_temp"] = Ai { "JA=sensors[id=28FF].temp", unit = "°C" }, -- the unit is guessed',
      'Ai { "RE=', 'comma = Ai { decimal = "," }', 'prepare = "trim"', 'prepare = "nan"',
    } do
      assert.truthy(text:find(part, 1, true), part .. "\n" .. text)
    end
    local parts = text:match 'station "t%-parts" .-\n  },'
    assert.is_nil(parts:find "time_field_name", parts) -- whose time would it be?
    local _, seen, bad = run_for(check(text), set_of { "21.5", "1.5", "77", "78", "false" })
    assert.same({}, bad)
    assert.truthy(seen["broker.big.big"])
  end)

  it("says on_missing, and decimals, where several messages of a topic speak of them",
    function()
    local m = mosquitto.start {}
    publish(m, { { "a/x", json { p = 1, q = 2 } } })
    local text = discover(m, { { "a/x", json { p = 1.5 }, false } })
    assert.truthy(text:find('on_missing = "keep"', 1, true), text)
    assert.truthy(text:find('p = Ai "JA=p"', 1, true), text)
    assert.truthy(text:find('q = Ci "JA=q"', 1, true), text)
  end)

  it("recognises a local time by its distance from the clock", function()
    local m = mosquitto.start {}
    local text = discover(m, { { "a/x", json { time = os.date("!%Y-%m-%dT%H:%M:%S",
      os.time() + 7200), v = 1 }, false } })
    assert.truthy(text:find('time_zone = "+02:00"', 1, true), text)
    check(text)
  end)

  it("leaves commands as comments, with the station of their device", function()
    local m = mosquitto.start {}
    local list = { { "plant/boiler/state", '{"t":1}' }, { "plant/boiler/set", "22.5" },
      { "alone/set", "1" } }
    for i = 1, 5 do
      list[#list + 1] = { ("plant/valve%d/state"):format(i), '{"pos":1}' }
      list[#list + 1] = { ("plant/valve%d/set"):format(i), "1" }
    end
    publish(m, list)
    local text = discover(m)
    check(text)
    assert.truthy(
      text:find('-- command = TxtO { "OUT_TOPIC", default = "plant/boiler/set" }', 1,
      true), text)
    assert.truthy(text:find('default = "plant/valve{dev}/set" }', 1, true), text)
    assert.truthy(text:find('  --   "alone/set"', 1, true), text)
    check((text:gsub("\n +%-%- (command = [^\n]+)\n +%-%- (setpoint = [^\n]+)", "\n%1\n%2")))
  end)

  it("gives Sparkplug B a line of its own, with the metrics of births", function()
    local m = mosquitto.start {}
    local function metric(name, datatype, value)
      return { name = name, datatype = datatype, value = value, timestamp = 1486144502122 }
    end
    local function birth(topic, metrics)
      return { topic, (assert(sparkplug_b.encode_bytes { timestamp = 1486144502122, seq = 0,
        metrics = metrics })), false }
    end
    local births = {
      birth("spBv1.0/plant/NBIRTH/edge 1", { metric("bdSeq", "UInt64", 0),
        metric("Node Control/Rebirth", "Boolean", false),
          metric("Supply/Volts_V", "Float", 230.5),
        metric("A.B", "Int32", 5), metric("A_B", "Int32", 6) }),
      birth("spBv1.0/plant/DBIRTH/edge 1/dev", { metric("Temp", "Double", 21.25),
        metric("On", "Boolean", true), metric("Name", "String", "x") }),
    }
    births[2][2] = sparkplug_b.encode_bytes { timestamp = 1486144502122, seq = 1,
      metrics = sparkplug_b.decode_bytes(births[2][2]).metrics }
    local text = discover(m, births)
    local path = check(text)
    assert.truthy(text:find('Supply_Volts_V = Ai { unit = "V" }', 1, true), text)
    assert.is_nil(text:find('line "broker"', 1, true), text)
    local t = tagline.run(path)
    m:wait_subscribed "tagline-sparkplug"
    publish(m, births)
    t:value "sparkplug.edge_1.dev_Temp" -- the last one
    local values = {}
    for _, line in ipairs(t:lines()) do
      local v = cjson.decode(line)
      values[v.tag:match "[^.]*$"] = v.value
    end
    assert.same({ Supply_Volts_V = 230.5, A_B = 5, dev_Temp = 21.25, dev_On = true,
      dev_Name = "x" }, values)
    t:stop()
  end)
end)
