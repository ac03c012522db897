-- `tagline discover --config`: topics of one value each that belong to one device, and
-- what devices tell of themselves (Home Assistant, Homie, Zigbee2MQTT, Tasmota, Shelly).
local cjson = require "cjson"
local discovery = require "spec.support.discovery"
local scenario = require "spec.support.scenario"
local mosquitto, scope = scenario "mosquitto scope"

local function json(fields) return cjson.encode(fields) end

local function station(text, name)
  return text:match('\n  station "' .. name:gsub("%p", "%%%0") .. '" %b{},') or error(text, 2)
end

local function has(text, ...)
  for _, part in ipairs { ... } do
    assert.truthy(text:find(part, 1, true), part .. "\n" .. text)
  end
end

describe("discover --config", function()
  after_each(scope.finish)

  local m
  before_each(function() m = mosquitto.start {} end)

  local function config_of(list)
    discovery.publish(m, list)
    local text = discovery.discover(m)
    return text, discovery.check(text)
  end

  it("makes one station of a device that has a topic for each value, and of all that are alike",
    function()
      local list, wanted = {}, {}
      for i = 1, 4 do
        for name, value in pairs { temp = 100.5 + i, pressure = 200.25 + i, flow = 300 + i } do
          list[#list + 1] = { ("plant/pump%d/%s"):format(i, name), tostring(value) }
          wanted[#wanted + 1] = tostring(value)
        end
        list[#list + 1] = { ("plant/pump%d/running"):format(i), i % 2 == 0 and "on" or "off" }
      end
      list[#list + 1] = { "plant/pump2/alarm", "dry run" }
      list[#list + 1] = { "plant/valve1/position", "41.5" }
      list[#list + 1] = { "plant/valve2/position", "42.5" }
      list[#list + 1] = { "tank/level1", "71.5" }
      list[#list + 1] = { "tank/level2", "72.5" }
      list[#list + 1] = { "boiler/flow/temp_c", "60.5" }
      list[#list + 1] = { "boiler/hot water", "55.5" }
      list[#list + 1] = { "boiler/mode", "heat" }
      for _, value in ipairs { "71.5", "72.5", "dry run", "41.5", "42.5", "60.5", "55.5",
        "heat", "true", "false" } do
        wanted[#wanted + 1] = value
      end
      local text, path = config_of(list)
      has(station(text, "plant-pump{dev}"),
        'address = "plant/pump(?<dev>[^/]+)/(alarm|flow|pressure|running|temp)"',
        "pressure = Ai {", "running = Di {}", "alarm = TxtI {}", 'temp = Ai { unit = "°C" }')
      has(station(text, "tank"), "level1 = Ai {", "level2 = Ai {")
      has(station(text, "boiler"), '["hot water"] = "hot_water"', "hot_water = Ai {}")
      local t, seen, bad = discovery.run_for(path, discovery.set_of(wanted))
      assert.same({}, bad)
      assert.equal(204.25, seen["broker.plant-pump4.pressure"].value)
      assert.equal(42.5, seen["broker.plant-valve2-position.value"].value)
      assert.equal("1", (select(2, t:eval 'return #tags["broker.plant-pump1.*"] - 4')))
    end)

  it("leaves other messages of the same topics to other stations", function()
    local list, wanted = {}, {}
    for i = 1, 5 do
      list[#list + 1] = { ("a/d%d/x"):format(i), tostring(10 + i) .. ".5" }
      list[#list + 1] = { ("a/d%d/y"):format(i), tostring(20 + i) .. ".5" }
    end
    list[#list + 1] = { "a/d6/x", json { v = 30.5 } }
    list[#list + 1] = { "a/d7/x", json { v = 31.5 } }
    for i = 1, 5 do
      wanted[#wanted + 1], wanted[#wanted + 2] = 10 + i .. ".5", 20 + i .. ".5"
    end
    wanted[#wanted + 1], wanted[#wanted + 2] = "30.5", "31.5"
    local text, path = config_of(list)
    has(station(text, "a-d{dev}"), "/(x|y)")
    local _, _, bad = discovery.run_for(path, discovery.set_of(wanted))
    assert.same({}, bad)
  end)

  it("takes units, names, words and factors from Home Assistant's discovery", function()
    local text, path = config_of {
      { "homeassistant/sensor/esp1/temp/config",
        json { name = "Room", stat_t = "~/sensor/t/state",
        ["~"] = "esp1", unit_of_meas = "°F", dev_cla = "temperature" } },
      { "homeassistant/binary_sensor/esp1/door/config",
        json { name = "Door", device_class = "door",
        state_topic = "esp1/binary_sensor/door/state", payload_on = "open",
          payload_off = "shut" } },
      { "homeassistant/switch/esp1/relay/config",
        json { name = "Relay", cmd_t = "esp1/relay/set",
        stat_t = "esp1/switch/relay/state" } },
      { "homeassistant/sensor/p/config", json { name = "Power", state_topic = "meter/SENSOR",
        unit_of_measurement = "kW", value_template = "{{ value_json.p / 1000 }}" } },
      { "homeassistant/sensor/l/config", json { name = "Line 2", state_topic = "meter/SENSOR",
        unit_of_measurement = "V",
          value_template = "{{ value_json['l'][1] | float | round(1) }}" } },
      { "homeassistant/sensor/q/config", json { name = "Odd", state_topic = "meter/SENSOR",
        unit_of_measurement = "bad", value_template = "{{ value_json.q + 3 }}" } },
      { "homeassistant/device/box/config",
        json { dev = { ids = "box" }, state_topic = "box/state",
        cmps = { h = { p = "sensor", device_class = "humidity",
          value_template = "{{ value_json.hum }}" } } } },
      { "esp1/sensor/t/state", "70" }, { "esp1/binary_sensor/door/state", "open" },
      { "esp1/switch/relay/state", "OFF" },
      { "meter/SENSOR", json { p = 1500, l = { 229, 231 }, q = 7 } },
      { "box/state", json { hum = 55 } },
    }
    has(station(text, "esp1"), 'sensor_t = Ai { unit = "°F", description = "Room" }',
      'binary_sensor_door = Di { words = { On = "open", Off = "shut" }, description = "Door" }',
      'switch_relay = Di { description = "Relay" }',
        '-- command = TxtO { "OUT_TOPIC", default = "esp1/relay/set" }')
    has(station(text, "meter"),
      'p = Ai { "JA=p", unit = "kW", linear = { 0.001, 0 }, description = "Power" }',
      'l_2 = Ai { "JA=l[2]", unit = "V", description = "Line 2" }', 'q = Ci "JA=q"')
    has(station(text, "box"),
      'hum = Ai { "JA=hum", unit = "%", range = { 0, 100 }, description = "humidity" }')
    local _, seen, bad = discovery.run_for(path, discovery.set_of { "1.5", "231", "70", "true",
      "false", "55" })
    assert.same({}, bad)
    assert.equal(true, seen["broker.esp1.binary_sensor_door"].value)
  end)

  it("takes units, types and ranges from Homie's attributes and descriptions", function()
    local text, path = config_of {
      { "homie/d1/$homie", "4.0" }, { "homie/d1/$state", "ready" },
      { "homie/d1/heat/temp", "21" }, { "homie/d1/heat/temp/$unit", "°C" },
      { "homie/d1/heat/temp/$datatype", "float" }, { "homie/d1/heat/temp/$format", "-20:120" },
      { "homie/d1/heat/temp/$name", "Boiler" }, { "homie/d1/heat/temp/$settable", "true" },
      { "homie/d1/heat/on", "true" }, { "homie/d1/heat/on/$datatype", "boolean" },
      { "homie/5/d2/$description", json { homie = "5.0", nodes = { n = { properties = {
        level = { datatype = "integer", unit = "L" },
          mode = { datatype = "enum", format = "a,b" },
        pump = { datatype = "boolean", format = "idle,busy" } } } } } },
      { "homie/5/d2/n/level", "17" }, { "homie/5/d2/n/mode", "a" },
        { "homie/5/d2/n/pump", "busy" },
    }
    has(station(text, "homie-d1"),
      'heat_temp = Ai { unit = "°C", range = { -20, 120 }, description = "Boiler" }',
      "heat_on = Di {}",
        '-- command = TxtO { "OUT_TOPIC", default = "homie/d1/heat/temp/set" }')
    has(station(text, "homie-5-d2"), 'n_level = Ai { unit = "L" }',
      'n_mode = TxtI { description = "one of: a,b" }',
      'n_pump = Di { words = { On = "busy", Off = "idle" } }')
    local _, _, bad = discovery.run_for(path, discovery.set_of { "21", "17", "a", "ready",
      "true" })
    assert.same({}, bad)
  end)

  it("knows the units of Zigbee2MQTT's devices, of Tasmota and of Shelly", function()
    local text, path = config_of {
      { "zigbee2mqtt/bridge/state", '{"state":"online"}' },
      { "zigbee2mqtt/bridge/devices",
        json { { friendly_name = "kitchen", definition = { exposes = {
        { type = "numeric", property = "co", unit = "ppm", description = "Carbon monoxide" },
        { type = "switch", features = { { type = "binary", property = "state", value_on = "ON",
          value_off = "OFF", access = 7 } } },
        { type = "binary", property = "lock", value_on = "LOCK", value_off = "FREE" } } } },
        { friendly_name = "no definition" } } },
      { "zigbee2mqtt/kitchen", json { co = 3, state = "ON", lock = "FREE",
        linkquality = 80 } },
      { "tele/plug/SENSOR", json { ENERGY = { Total = 5, Power = 10, Factor = 0.9 },
        DS18B20 = { Temperature = 68 }, TempUnit = "F" } },
      { "lamp/tele/SENSOR", json { ENERGY = { Power = 7 } } }, { "lamp/cmnd/POWER", "ON" },
      { "shellies/shellyem-1/emeter/0/power", "12" },
        { "shellies/shellyem-1/emeter/0/total", "99" },
      { "shellies/shellyem-1/relay/0", "on" },
      { "shellyplus1-x/status/switch:0", json { apower = 5, aenergy = { total = 100 },
        temperature = { tC = 40 } } },
    }
    has(station(text, "zigbee2mqtt-kitchen"),
      'co = Ai { "JA=co", unit = "ppm", description = "Carbon monoxide" }',
      'lock = Di { "JA=lock", words = { On = "LOCK", Off = "FREE" } }',
        'state = Di "JA=state"',
      '-- command = TxtO { "OUT_TOPIC", default = "zigbee2mqtt/kitchen/set" }')
    has(station(text, "tele-plug"), 'Total = Ai { "JA=ENERGY.Total", unit = "kWh" }',
      'Power = Ai { "JA=ENERGY.Power", unit = "W" }', 'Factor = Ai "JA=ENERGY.Factor"',
      'Temperature = Ai { "JA=DS18B20.Temperature", unit = "°F" },\n')
    has(station(text, "lamp-tele"), 'Power = Ai { "JA=ENERGY.Power", unit = "W" }')
    has(text,
      'Topics that devices listen to (OUT_TOPIC is for these): 1 topic\n  --   \z
        "lamp/cmnd/POWER"')
    has(station(text, "shellies-shellyem-1"), 'emeter_0_power = Ai { unit = "W" }',
      'emeter_0_total = Ai { unit = "Wh" }', "relay_0 = Di {}")
    has(station(text, "shellyplus1-x-status-switch_0"),
      'apower = Ai { "JA=apower", unit = "W" }',
      'total = Ai { "JA=aenergy.total", unit = "Wh" }',
        'tC = Ai { "JA=temperature.tC", unit = "°C" }')
    local _, _, bad = discovery.run_for(path, discovery.set_of { "3", "68", "12", "99", "40" })
    assert.same({}, bad)
  end)

  it("is not misled by descriptions that are odd", function()
    local _, path = config_of {
      { "homeassistant/sensor/a/config",
        json { state_topic = { "x" }, unit_of_measurement = 5 } },
      { "homeassistant/sensor/b/config",
        json { state_topic = "t/b", unit_of_measurement = 'q"\\]]',
        name = "--]] \n end", value_template = "{% if x %}{{ value_json.a }}{% endif %}" } },
      { "homeassistant/sensor/c/config",
        json { state_topic = "t/c", unit_of_measurement = 'q"\\]]',
        name = "--]] \n end" } },
      { "homeassistant/switch/d/config", json { state_topic = "t/d", state_on = "x",
        state_off = "x",
        command_topic = "bad/#" } },
      { "homeassistant/device/e/config", json { cmps = { 1, "x", { p = 5 } } } },
      { "homie/x/$homie", "4" }, { "homie/x/n/p", "5" },
        { "homie/x/n/p/$datatype", "boolean" },
      { "homie/x/n/p/$format", "9:1" },
        { "homie/5/y/$description", json { nodes = { n = 5 } } },
      { "homie/x/n/q", "abc" }, { "homie/x/n/q/$datatype", "integer" },
      { "zigbee2mqtt/bridge/devices",
        json { 5, { friendly_name = "k", definition = { exposes = {
        5, { features = 7 }, { property = 5 } } } } } },
      { "t/b", "1.5" }, { "t/c", "2.5" }, { "t/d", "x" },
    }
    local _, _, bad = discovery.run_for(path, discovery.set_of { "1.5", "2.5", "x", "abc",
      "5" })
    assert.same({}, bad)
  end)
end)
