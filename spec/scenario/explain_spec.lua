-- explain: where a message goes and what every tag becomes, and why; on the command line, in
-- the REPL and in handlers.
local cjson = require "cjson"
local scenario = require "spec.support.scenario"
local mosquitto, scope, tagline = scenario "mosquitto scope tagline"

local SITE = [[
local seen = 0
line "plant" {
  host = "127.0.0.1", port = PORT, topic_filter = { "plant/#", "more/+" }, payload_type = "JSON",
  time_field_name = "ts", time_mask = "UNIXMS",
  station "boiler" {
    address = "plant/boiler/up", station_will_topic = "plant/boiler/will",
    tags = {
      temperature = Ai {
        "JA=t", unit = "°C", linear = { 2, 1 }, range = { 0, 100 }, out_of_range = "clamp",
      },
      level = Ai { "JA=l", range = { 0, 10 }, deadband = 0.5 },
      strict = Ai { "JA=l2", range = { 0, 5 } },
      dropped = Ai { "JA=l3", range = { 0, 5 }, out_of_range = "discard" },
      kept = Ai { "JA=none", on_missing = "keep" },
      preset = TxtI { "JA=none2", on_missing = "default", default = "x" },
      word = Ai "JA=w", gone = Ai "JA=none3", at = TiA "JA=w2",
      id = Ci "IN_ID", topic = TxtI "IN_TOPIC", re = Ci "RE=\"t\":([0-9]+)", empty = Ai {},
      command = TxtO { "OUT_TOPIC", default = "plant/boiler/set" },
      setpoint = TxtO "OUT_VALUE",
    },
  },
  station "meter" {
    address = "plant/meter-.*/up", payload_type = "Text only",
    decode = function(msg)
      if msg.payload == "none" then return nil end
      seen = seen + 1
      tags["plant.meter.out"]:write("x")
      local volts = string.unpack(">I2", msg.payload)
      return { volts = volts / 10, watts = 3 }
    end,
    tags = {
      volts = Ai {}, amps = Ai {}, name = TxtI "IN_TOPIC",
      t = TxtO { "OUT_TOPIC", default = "a" }, out = TxtO "OUT_VALUE",
    },
  },
  station "d-{dev}" {
    address = "plant/d/(?<dev>[^/]+)/up", max_instances = 1, tags = { x = Ai "JA=x" },
  },
}
]]

local PORT = { PORT = "1" }

-- The document of the command, and a function that gives a tag of it.
local function ask(topic, payload)
  local path = tagline.config(SITE, PORT)
  local words = { "explain", "--json", path, topic }
  if payload then words[5] = scope.file("payload", payload) end
  local code, out, err = tagline.command(words)
  assert.same({ 0, "" }, { code, err })
  local line = cjson.decode(out).lines[1]
  return line, function(name)
    for _, tag in ipairs(line.tags) do
      if tag.name == name then return tag end
    end
  end
end

describe("tagline explain", function()
  after_each(scope.finish)

  it("names the option that reads such a text", function()
    for _, case in ipairs {
      { "Ai", "12,5", 'decimal = "," would read it' },
        { "TiR", "-1,5", 'decimal = "," would read it' },
      { "Ai", "21.5 °C", '"RE=([-+0-9.]+)" takes the number of a text' },
      { "Di", "OPEN", "words = { On = …, Off = … } reads a device's own words" },
      { "Ai", '{"value":21.5,"unit":"°C","since":"2026-11-22T14:00:00Z"}',
        'payload_type = "JSON" and an address "JA=…" read a field of it' },
      { "Ai", "abc" }, { "Ai", "[a]" }, { "Ai", "1.234,5" }, { "TiR", "12:5" }, { "Qi", "7" },
        { "Ai", "2026-11-22" },
    } do
      local path = scope.file("hint.lua",
        ('line "p" { host = "h", station "s" { address = "s", tags = { x = %s "IN_DATA" } } }')
        :format(case[1]))
      local code, out = tagline.command { "explain", path, "s",
        scope.file("payload", case[2]) }
      assert.equal(0, code)
      local hint = out:match "is not readable as %a+ %(type%)(.-)  +→"
      assert.equal(case[3] and ": " .. case[3] or "", hint, case[2])
    end
  end)

  it("names the way to a field of JSON that stands in a text", function()
    local function explained(rest)
      local path = scope.file("nested.lua", ('line "p" { host = "h", payload_type = "JSON", \z
        station "s" { address = "s", %s } }'):format(rest))
      local code, out = tagline.command { "explain", path, "s",
        scope.file("payload", [[{"up":{"data":"{\"x\":7}"}}]]) }
      assert.equal(0, code)
      return out
    end
    local out = explained 'tags = { x = Ai "JA=up.data.x" }'
    local remedy, address = out:match '(prepare = .- end) makes .-, and the address "(.-)"'
    assert.truthy(remedy, out)
    out = explained(('%s, tags = { x = Ai "%s" }'):format(remedy, address))
    assert.truthy(out:find "→ 7", out)
  end)

  it("tells why RE= found nothing", function()
    for payload, step in pairs { ['{"u":1}'] = "no-match",
      ['{"t":1,"u":"\xb0C"}'] = "not-utf8" } do
      local _, tag = ask("plant/boiler/up", payload)
      assert.same({ "missing", { { step = step } } }, { tag("re").code, tag("re").steps })
    end
    local path =
      tagline.config [[line "p" { host = "h",
        station "s" { address = "a", tags = { x = Ai "RE=T=([0-9.]+)" } } }]]
    local _, out = tagline.command { "explain", path, "a",
      scope.file("payload", "T=21.5\xb0C") }
    assert.truthy(out:find("the payload is not UTF%-8, which RE= needs +→ invalid: missing"),
      out)
    _, out = tagline.command { "explain", path, "a", scope.file("payload", "t=21.5") }
    assert.truthy(out:find("the expression does not match +→ invalid: missing"), out)
  end)

  it("tells which expressions took too many steps", function()
    local path = tagline.config [[line "p" { host = "h",
      station "s" { address = "(a+)+b" },
      station "rest" { address = ".*", tags = {
        x = TxtI "RE=^(x+x+)+y", k = TxtI { "RE=^(x+x+)+yz?", on_missing = "keep" } } } }]]
    local payload = scope.file("payload", ("x"):rep(100) .. "-y")
    local code, out, err = tagline.command { "explain", path, ("a"):rep(100) .. "-b", payload }
    assert.same({ 0, "" }, { code, err })
    assert.truthy(
      out:find("p.s +%(a%+%)%+b +regex takes too many steps on this topic: it counts as \z
        not matching"), out)
    assert.truthy(
      out:find(
        "x +TxtI .*the expression takes too many steps: it counts as not matching +→ \z
          invalid: missing"), out)
    assert.truthy(
      out:find(
        "k +TxtI .*the expression takes too many steps: it counts as not matching, not \z
          there +→ keeps its value"),
          out)
  end)

  it("tells the way to the station, without a payload", function()
    local line = ask "plant/meter-2/up"
    assert.equal("routed", line.code)
    assert.same({ { filter = "plant/#", takes = true }, { filter = "more/+", takes = false } },
      line.filters)
    assert.same({ "plant.boiler", "plant.meter" },
      { line.tried[1].station, line.tried[2].station })
    assert.same({ "differs", "level 2 is 'boiler', in the topic it is 'meter-2'", false },
      { line.tried[1].code, line.tried[1].why, line.tried[1].matched })
    assert.same({ "match", true }, { line.tried[2].code, line.tried[2].matched })
    assert.same({ "plant.meter", "regex", "plant/meter-.*/up" },
      { line.station, line.by, line.address })
    assert.is_nil(line.tags)
  end)

  it("tells what no filter, no station and a will are", function()
    local line = ask "elsewhere/x"
    assert.same({ "no-filter", false, false },
      { line.code, line.filters[1].takes, line.filters[2].takes })
    line = ask "more/x"
    assert.same({ "no-station" }, { line.code })
    assert.equal("plant.boiler", line.tried[1].station)
    line = ask("plant/boiler/will", "")
    assert.same({ "will", { { station = "plant.boiler", takes = true } } },
      { line.code, line.wills })
  end)

  it("names the device that a first message would make", function()
    local line, tag = ask("plant/d/a17/up", '{"x":5}')
    assert.same({ "delivered", "plant.d-a17", "plant.d-{dev}", false },
      { line.code, line.station, line.template, line.exists })
    assert.same({ dev = "a17" }, line.captures)
    assert.same({ "plant.d-a17.x", "new", 5 }, { tag("x").tag, tag("x").code, tag("x").value })
  end)

  it("tells each step of each tag", function()
    local line, tag = ask("plant/boiler/up",
      '{"ts":1700000000000,"t":90,"l":7,"l2":7,"l3":7,"w":"warm","w2":"warm"}')
    assert.equal("delivered", line.code)
    assert.same({ "field", "ok", "2023-11-14T22:13:20.000Z", "ts", "1700000000000" },
      { line.timestamp.from, line.timestamp.code, line.timestamp.value, line.timestamp.field,
        line.timestamp.raw })
    local t = tag "temperature"
    assert.same({ "JA=t", "90", "new", 100, "valid", "2023-11-14T22:13:20.000Z" },
      { t.address, t.raw, t.code, t.value, t.status, t.time })
    assert.same({ "convert", "linear", "clamp" },
      { t.steps[1].step, t.steps[2].step, t.steps[3].step })
    assert.same({ 90, 2, 1, 181 }, { t.steps[2].from, t.steps[2].k, t.steps[2].q,
      t.steps[2].to })
    for name, code in pairs {
      level = "new", strict = "range", dropped = "discarded", kept = "kept",
        preset = "default",
        word = "type", gone = "missing",
      at = "time", id = "new", topic = "new", re = "new", empty = "no-decode",
        command = "output",
        setpoint = "output",
    } do
      assert.equal(code, tag(name).code, name)
    end
    assert.same({ "90", 90 }, { tag("re").raw, tag("re").value })
    assert.same({ "invalid", "range" }, { tag("strict").status, tag("strict").reason })
  end)

  it("says where a payload stops to be JSON, and whose time is taken", function()
    local line, tag = ask("plant/boiler/up", '{"t":1,}')
    assert.same({ "json", 1, 8 }, { line.json.code, line.json.line, line.json.column })
    assert.same({ "json", "json", "new" }, { tag("temperature").code, line.timestamp.code,
      tag("topic").code })
    line = ask("plant/boiler/up", '{"t":1}')
    assert.same({ "arrival", "missing" }, { line.timestamp.from, line.timestamp.code })
    line = ask("plant/boiler/up", '{"ts":"noon"}')
    assert.same({ "arrival", "time", "noon" }, { line.timestamp.from, line.timestamp.code,
      line.timestamp.raw })
  end)

  it("runs decode, and tells what it gave, its error's place, and that it declined", function()
    local line, tag = ask("plant/meter-1/up", "\x01\x00")
    assert.same({ "delivered", "ok", { "watts" } },
      { line.code, line.decode.code, line.decode.unknown })
    assert.same({ "25.6", 25.6, "not-returned", "new" },
      { tag("volts").raw, tag("volts").value, tag("amps").code, tag("name").code })
    line, tag = ask("plant/meter-1/up", "\x01")
    assert.same({ "decoder", "decoder" }, { line.code, line.decode.code })
    assert.truthy(line.decode.error:find("config%.lua:28: .*data string too short"),
      line.decode.error)
    assert.same({ "decoder", "new" }, { tag("volts").code, tag("name").code })
    line = ask("plant/meter-1/up", "none")
    assert.same({ "declined", "declined" }, { line.code, line.decode.code })
  end)

  it("keeps all digits of a 64-bit integer, and says why JA= is not read where the payload \z
    is text", function()
    local path =
      tagline.config [[line "p" { host = "x",
        station "s" { address = "a", tags = { j = Ai "JA=x", n = Ci "IN_DATA" } } }]]
    local code, out, err = tagline.command({ "explain", path, "a", "-" },
      { input = "9007199254740993" })
    assert.equal(0, code, err)
    assert.truthy(out:find("→ 9007199254740993", 1, true), out)
    assert.truthy(out:find("JA=x .*→ not read: the station's payload_type is not JSON"), out)
  end)

  it("tells where the way of an address ends, and what is there instead", function()
    local path = tagline.config [==[
      line "p" { host = "x", payload_type = "JSON", station "s" { address = "a", tags = {
        a = Ai "JA=rx.temp", b = Ai "JA=rx.list[9]", c = Ai "JA=n.x.y", d = Ai 'JA=["a.b"].c',
        e = Ai "JA=e.x", f = Ai "JA=rx.list[2]", g = Ai { "JA=nul.x", on_missing = "keep" },
        h = Ai { "JA=[1]", on_missing = "default", default = 4 }, i = Ai "JA=rx.text.x",
        j = Ai "JA=rx.end.x" } } }]==]
    local doc = '{"rx":{"Temp":1,"list":[1,2],"text":"","end":""},"n":5,"e":{},"nul":null,\z
      "a\\u0041":1,"k1":1,"k2":1,"k3":3,"k4":4}'
    local code, out = tagline.command({ "explain", path, "a", "-" }, { input = doc })
    assert.equal(0, code)
    for name, text in pairs {
      a = "no 'temp' in rx, which has: Temp, list, text, end",
        b = "no '[9]' in rx.list, which has 2 items",
        c = "no 'x.y' in n, which is a number",
      d = "no '[\"a.b\"].c' in the document, which has: rx, n, e, nul, aA, k1, k2, k3, 1 more",
      e = "no 'x' in e, which is empty", f = " 2 ", g = "no 'x' in nul, which is null  ",
      h = "no '[1]' in the document, which has: rx, n, e, nul, aA, k1, k2, k3, 1 more, the \z
        default",
      i = "prepare = function(p) return json.decode(p).rx.text end makes that the document",
      j = 'prepare = function(p) return json.decode(p)["rx"]["end"] end makes that the document',
    } do
      assert.truthy(out:match("\n    " .. name .. "  [^\n]*"):find(text, 1, true), name .. ": "
        .. out)
    end
    local _, json = tagline.command({ "explain", "--json", path, "a", "-" }, { input = doc })
    assert.same({ at = "rx.list", lacks = "[9]", type = "array", has = {}, count = 2 },
      cjson.decode(json).lines[1].tags[2].near)
    _, out = tagline.command({ "explain", path, "a", "-" }, { input = '{"rx":' })
    assert.falsy(out:find("no '", 1, true), out)
  end)

  it("bounds what it tells of 10,000 stations, the likest first", function()
    local path = tagline.config [[
      local list = {}
      for i = 1, 5000 do
        list[2 * i - 1] = station("s-" .. i) { address = ("plant/s-%d/up"):format(i), tags = {} }
        list[2 * i] = station("r-" .. i) { address = ("plant/r-%d/[a-z]+"):format(i), tags = {} }
      end
      line "p" { host = "x", list }]]
    local code, out = tagline.command({ "explain", "--json", path, "plant/r-77/7" },
      { processor = 10 })
    assert.equal(0, code)
    local line = cjson.decode(out).lines[1]
    assert.equal("no-station", line.code)
    assert.is_true(#line.tried <= 15)
    assert.equal(10000 - #line.tried, line.tried_more)
    local whys = {}
    for _, t in ipairs(line.tried) do whys[t.station] = t.why end
    assert.equal("regex does not match", whys["p.r-77"], out)
  end)

  it("is text that a person can read, each line of a config in its turn", function()
    local path = tagline.config(SITE
      .. 'line "other" { host = "x", topic_filter = "o/#", station "s" { address = "o/x" } }', PORT)
    local code, out, err = tagline.command({ "explain", path, "plant/boiler/up", "-" },
      { input = '{"t":90}' })
    assert.same({ 0, "" }, { code, err })
    for _, words in ipairs {
      "line plant", "plant/# takes it", "→ address equals the topic",
        "90 × 2 + 1 = 181, 181 is outside 0..100: 100", "→ 100 °C",
      "→ invalid: missing", "line other", "none takes it; tried o/#",
    } do
      assert.truthy(out:find(words, 1, true), words .. "\n" .. out)
    end
  end)

  it("cuts a long value, with a note", function()
    local path = tagline.config(SITE, PORT)
    local code, out = tagline.command { "explain", path, "plant/boiler/up",
      scope.file("payload", ('{"none2":"%s","w":1}'):format(("é"):rep(300))) }
    assert.equal(0, code)
    assert.truthy(out:find('→ "' .. ("é"):rep(98) .. "… (600 bytes)\n", 1, true), out)
    path =
      tagline.config 'line "p" { host = "x", station "s" { address = "a", tags = { t = TxtI \z
        "IN_DATA" } } }'
    code, out = tagline.command { "explain", path, "a",
      scope.file("payload", ("\xff"):rep(1000)) }
    assert.equal(0, code)
    assert.truthy(out:find("→ base64 /+… %(1000 bytes%)$"), out)
  end)

  it("does not let a payload steer the terminal", function()
    local path = tagline.config(SITE, PORT)
    local _, out = tagline.command { "explain", path, "plant/boiler/up",
      scope.file("p", '{"w":"\\u001b[2J\\u009b1m"}') }
    assert.is_nil(out:find("[\27\x9b]"))
  end)

  for what, case in pairs {
    ["a topic with a wildcard"] = { 1, "wildcard", "CONFIG", "plant/#" },
    ["an empty topic"] = { 1, "topic", "CONFIG", "" },
    ["a file that is not there"] = { 1, "nowhere", "CONFIG", "plant/x", "/nowhere" },
    ["a config with errors"] = { 1, ":1: ", "BAD", "plant/x" },
    ["no topic"] = { 2, "TOPIC", "CONFIG" }, ["no config"] = { 2, "CONFIG" },
  } do
    it("refuses " .. what, function()
      local words = { "explain" }
      for i = 3, #case do words[i - 1] = case[i] end
      if words[2] == "CONFIG" then words[2] = tagline.config(SITE, PORT) end
      if words[2] == "BAD" then words[2] = tagline.config 'line "x" {}' end
      local code, out, err = tagline.command(words)
      assert.same({ case[1], "" }, { code, out })
      assert.truthy(err:find(case[2], 1, true), err)
    end)
  end
end)

describe("explain in the live process", function()
  after_each(scope.finish)

  local function start()
    local m = mosquitto.start()
    local t = tagline.run(SITE, { PORT = m.port })
    m:wait_subscribed "tagline-plant"
    return t, m
  end

  local function eval(t, code)
    local status, out, err = t:eval(code)
    assert.same({ 0, "" }, { status, err })
    return (out:gsub("\n$", ""))
  end

  it("changes no value, writes nothing, and makes no device", function()
    local t, m = start()
    m:publish("plant/boiler/up", '{"t":10,"l":3}')
    t:value "plant.boiler.re"
    assert.equal("21",
      eval(t,
        [[local d = explain("plant/boiler/up", '{"t":20}')
          return tags["plant.boiler.temperature"].value | 0]]))
    assert.equal("41",
      eval(t, [[return explain("plant/boiler/up", '{"t":20}').lines[1].tags[1].value | 0]]))
    assert.equal("same",
      eval(t, [[return explain("plant/boiler/up", '{"t":10}').lines[1].tags[1].code]]))
    assert.equal("deadband",
      eval(t, [[return explain("plant/boiler/up", '{"l":3.2}').lines[1].tags[2].code]]))
    assert.equal("delivered",
      eval(t, [[return explain("plant/meter-1/up", "\x01\x02").lines[1].code]]))
    assert.equal("unset", eval(t, [[return tags["plant.meter.volts"].status]]))
    assert.equal("plant.d-zz",
      eval(t, [[return explain("plant/d/zz/up", '{"x":1}').lines[1].station]]))
    assert.equal("nil", eval(t, [[return tostring(stations["plant.d-zz"])]]))
    assert.equal("0", eval(t, [[return lines.plant.stats.inflight]]))
    for _, value in ipairs(t:values()) do
      assert.is_nil(value.tag:find("^plant%.meter"), value.tag)
    end
  end)

  it("tells which of the last messages could have fed a tag, and why they did not", function()
    local t, m = start()
    m:publish("plant/boiler/up", '{"t":10}')
    m:publish("plant/boiler/up", '{"t":"warm"}')
    m:publish("plant/d/a/up", '{"x":1}')
    t:value "plant.d-a.x"
    assert.equal("2", eval(t, [[return #explain(tags["plant.boiler.temperature"]).messages]]))
    assert.equal("type new",
      eval(t,
        [[local m = explain(tags["plant.boiler.temperature"]).messages
          return m[1].code .. " " .. m[2].code]]))
    local text = eval(t, [[print(explain(tags["plant.meter.volts"]))]])
    assert.truthy(text:find("none of the 3 recorded messages", 1, true), text)
    assert.truthy(text:find("plant/boiler/up%s+2×%s+goes to plant%.boiler%s"), text)
    assert.truthy(
      text:find("plant/d/a/up%s+1×%s+goes to plant%.d%-a%s+regex does not match"), text)
  end)

  it("takes a recorded message, with its time and flags", function()
    local t, m = start()
    m:publish("plant/boiler/up", '{"ts":1700000000000,"t":10}', { qos = 1 })
    t:value "plant.boiler.temperature"
    assert.equal("1", eval(t, [[return explain(messages()[1]).qos]]))
    assert.equal("2023-11-14T22:13:20.000Z",
      eval(t, [[return explain(messages("plant.boiler")[1]).lines[1].tags[1].time]]))
  end)

  it("refuses what it cannot explain, in words", function()
    local t = start()
    for code, why in pairs {
      ['explain("a/#")'] = "wildcard", ["explain(5)"] = "expected a topic",
        ["explain{}"] = "expected a topic",
      ['explain("a", 5)'] = "payload as a string",
        ['explain("a", "", { qos = 3 })'] = "qos: expected 0 to 2",
      ['explain("a", "", { line = "x" })'] = "there is no line 'x'",
        ['messages("a/#/b")'] = "topic filter",
    } do
      local status, out, err = t:eval(code)
      assert.equal(1, status)
      assert.truthy((out .. err):find(why, 1, true), out .. err)
    end
  end)

  it("is a word of handlers", function()
    local m = mosquitto.start()
    local t = tagline.run([[line "plant" { host = "127.0.0.1", port = PORT, topic_filter = "p/#",
      station "a" { address = "p/a", tags = { x = Ai "IN_DATA" },
        on_value = function()
          print("in a handler: " .. explain("p/a", "7").lines[1].tags[1].raw .. " " .. #messages())
        end } }]], { PORT = m.port })
    m:wait_subscribed "tagline-plant"
    m:publish("p/a", "5")
    t:wait_log "in a handler: 7 1"
  end)
end)
