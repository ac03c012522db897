-- The recorder, captures, replay and freeze.
local cjson = require "cjson"
local scenario = require "spec.support.scenario"
local files, mosquitto, scope, tagline = scenario "files mosquitto scope tagline"

local SITE = [[
line "plant" {
  host = "127.0.0.1", port = PORT, topic_filter = "plant/#", payload_type = "JSON",
  recorder = BYTES,
  station "boiler" { address = "plant/boiler/up",
    tags = { t = Ai { "JA=t", linear = { FACTOR, 0 } }, name = TxtI "JA=n" } },
  station "meter" {
    address = "plant/meter/up", payload_type = "Text only",
    decode = function(msg)
      return { volts = string.unpack(">I2", msg.payload) / 10, at = msg.time }
    end,
    tags = { volts = Ai {}, at = TiA {} },
  },
}
]]

local function words(port, factor, bytes)
  return { PORT = port or 1, FACTOR = factor or 1, BYTES = bytes or 1048576 }
end

local HEAD = '{"tagline_capture":1}\n'

local function capture(...)
  local out = { HEAD }
  for _, m in ipairs { ... } do
    m.line = m.line or "plant"
    out[#out + 1] = cjson.encode(m) .. "\n"
  end
  return scope.file("site.capture", table.concat(out))
end

local BOILER = { time = "2023-11-14T22:13:20.000Z", topic = "plant/boiler/up",
  payload = '{"t":21.5,"n":"a"}' }
local METER = { time = "2023-11-14T22:13:21.500Z", topic = "plant/meter/up", base64 = "AQA=" }

-- The order of what decode returns in one table is not defined.
local function sorted(text)
  local lines = {}
  for line in text:gmatch "[^\n]+" do lines[#lines + 1] = line end
  table.sort(lines)
  return lines
end

describe("the recorder", function()
  after_each(scope.finish)

  local function start(bytes)
    local m = mosquitto.start()
    local t = tagline.run(SITE, words(m.port, 1, bytes))
    m:wait_subscribed "tagline-plant"
    return t, m
  end

  it("lists the last messages by topic filter, station, tag and number", function()
    local t, m = start()
    m:publish("plant/boiler/up", '{"t":1}', { qos = 1 })
    m:publish("plant/meter/up", "\x01\x00")
    m:publish("plant/none", "x")
    m:publish("plant/boiler/up", '{"t":2}')
    t:value "plant.boiler.t"
    t:value "plant.meter.volts"
    t:value "plant.boiler.t"
    for code, result in pairs {
      ["#messages()"] = "4", ['#messages("plant/+/up")'] = "3",
        ['#messages("plant.boiler")'] = "2",
      ['#messages(tags["plant.meter.volts"])'] = "1", ["#messages(lines.plant)"] = "4",
        ["#messages(nil, 2)"] = "2",
      ["messages()[1].topic"] = "plant/boiler/up", ["messages()[1].qos"] = "1",
        ["messages()[4].payload"] = '{"t":2}',
      ["messages()[3].station or 'nobody'"] = "nobody",
        ["messages()[2].station"] = "plant.meter",
        ["messages(nil, 2)[1].number"] = "3",
      ["#messages('nothing/#')"] = "0",
    } do
      local status, out, err = t:eval("return " .. code)
      assert.same({ 0, result, "" }, { status, out, err }, code)
    end
    local _, text = t:eval "print(messages())"
    assert.truthy(text:find("plant/meter/up%s+0%s+2%s+01 00%s+→ plant%.meter"), text)
    assert.truthy(text:find("plant/none .*no station"), text)
  end)

  it("is bounded, and off when it is told to", function()
    local t, m = start(400)
    for i = 1, 20 do m:publish("plant/boiler/up", ('{"t":%d}'):format(i)) end
    repeat local v = t:value "plant.boiler.t" until v.value == 20
    local _, count = t:eval "return #messages()"
    assert.truthy(tonumber(count) >= 3 and tonumber(count) <= 7, count)
    local _, last = t:eval "local all = messages() return all[#all].payload"
    assert.equal('{"t":20}', last)
    scope.finish()
    t, m = start(0)
    m:publish("plant/boiler/up", '{"t":1}')
    t:value "plant.boiler.t"
    assert.same({ 0, "0", "" }, { t:eval "return #messages()" })
  end)

  it("saves a capture that replay reads back to the same values, and overwrites nothing",
    function()
    local t, m = start()
    m:publish("plant/boiler/up", '{"t":21.5,"n":"ž\\n"}')
    m:publish("plant/meter/up", "\x01\x00")
    t:value "plant.meter.at"
    local path = scope.folder() .. "/a.capture"
    local status, out, err = t:eval(("return save(%q)"):format(path))
    assert.same({ 0, "" }, { status, err })
    assert.truthy(out:find("2 messages in " .. path, 1, true), out)
    assert.equal(1, (t:eval(("save(%q)"):format(path))))
    assert.equal(1, (t:eval 'save("/nowhere/x")'))
    local code, values, problems = tagline.command { "replay", path,
      tagline.config(SITE, words()) }
    assert.same({ 0, "" }, { code, problems })
    assert.same(sorted(t:text "stdout"), sorted(values))
  end)

  it("freezes a message as a spec that passes, and fails with another config", function()
    local t, m = start()
    m:publish("plant/meter/up", "\x01\x00")
    m:publish("plant/boiler/up", '{"t":21.5}')
    t:value "plant.boiler.t"
    local folder = t.config_path:match "^(.*/)"
    for i, name in ipairs { "meter", "boiler" } do
      local status, _, err = t:eval(("return freeze(messages()[%d], %q)"):format(i,
        folder .. name
        .. "_spec.lua"))
      assert.same({ 0, "" }, { status, err })
    end
    local code, out, err = tagline.command { "test", folder .. "meter_spec.lua",
      folder .. "boiler_spec.lua" }
    assert.equal(0, code, out .. err)
    assert.truthy(out:find("2 success", 1, true), out)
    files.change(t.config_path, "/ 10", "/ 5")
    code, out = tagline.command { "test", folder .. "meter_spec.lua" }
    assert.equal(1, code)
    assert.truthy(out:find("plant.meter.volts: value: expected 25.6, got 51.2", 1, true), out)
  end)
end)

describe("freeze", function()
  after_each(scope.finish)

  it("writes a spec that passes for bytes, for a device, and without what decode remembers",
    function()
    local m = mosquitto.start()
    local config = tagline.config([[
      local n = 0
      line "p" { host = "127.0.0.1", port = PORT,
        station "d-{dev}" { address = "d/(?<dev>[^/]+)/up",
        decode = function(msg)
          n = n + 1
          return { { time = msg.time - 10, values = { v = 1, n = n, bin = "\0\xff\r" } },
            { time = msg.time, values = { v = { value = 2, status = "invalid", reason = "range" },
              t = 1e9, r = 0.1 + 0.2, big = math.maxinteger } } }
        end,
        tags = { v = Ai {}, n = Ci {}, bin = TxtI {}, t = TiA {}, r = TiR {}, big = Ci {},
          q = Qi {}, raw = TxtI "IN_DATA", topic = TxtI "IN_TOPIC",
          out = TxtO { "OUT_TOPIC", default = "d/{dev}/set" } } } }]], { PORT = m.port })
    local t = tagline.run(config)
    m:wait_subscribed "tagline-p"
    m:publish("d/ä b\"/up", "\0\xff]]\r\n")
    t:value "p.d-%C3%A4%20b%22.raw"
    local file = scope.folder() .. "/d_spec.lua"
    local code, out, err = t:eval(("return freeze(messages()[1], %q)"):format(file))
    assert.same({ 0, "" }, { code, err }, out)
    local text = files.read(file)
    assert.truthy(text:find("-- p.d-%C3%A4%20b%22.n depends on what decode remembers", 1,
      true),
      text)
    assert.truthy(utf8.len(text), text)
    code, out = tagline.command { "test", file }
    assert.equal(0, code, out)
    files.write(file, (text:gsub("9223372036854775807", "9223372036854775806")))
    code, out = tagline.command { "test", file }
    assert.equal(1, code)
    assert.truthy(
      out:find(
        "p.d-%C3%A4%20b%22.big: value: expected 9223372036854775806, got 9223372036854775807", 1,
          true), out)
  end)

  it("and save say where their file is, and the spec finds the config from any folder",
    function()
    local m = mosquitto.start()
    local path = tagline.config(SITE, words(m.port))
    local t = tagline.run(path:match "[^/]*$", nil, { cwd = path:match "^(.*)/" })
    m:wait_subscribed "tagline-plant"
    m:publish("plant/meter/up", "\x01\x00")
    t:value "plant.meter.volts"
    local code, out = t:eval 'save "one.cap"'
    assert.equal(0, code)
    assert.equal("1 message in " .. path:match "^(.*/)" .. "one.cap", out)
    local file = scope.folder() .. "/meter_spec.lua"
    assert.equal(0, (t:eval(("freeze(messages()[1], %q)"):format(file))))
    local err
    code, out, err = tagline.command({ "test", file }, { cwd = "/" })
    assert.equal(0, code, out .. err)
  end)

  it("writes a spec that passes where decode gives values without a tag", function()
    local m = mosquitto.start()
    local t = tagline.run((SITE:gsub("at = msg.time", "extra = 1")), words(m.port))
    m:wait_subscribed "tagline-plant"
    m:publish("plant/meter/up", "\x01\x00")
    t:value "plant.meter.volts"
    local file = t.config_path:match "^(.*/)" .. "meter_spec.lua"
    assert.equal(0, (t:eval(("return freeze(messages()[1], %q)"):format(file))))
    local code, out, err = tagline.command { "test", file }
    assert.equal(0, code, out .. err)
  end)
end)

describe("tagline replay", function()
  after_each(scope.finish)

  it("gives the values at the time of the messages", function()
    local code, out, err = tagline.command { "replay", capture(BOILER, METER),
      tagline.config(SITE, words()) }
    assert.same({ 0, "" }, { code, err })
    local values = {}
    for line in out:gmatch "[^\n]+" do
      local v = cjson.decode(line)
      values[v.tag] = { v.time, v.value }
    end
    assert.same({
      ["plant.boiler.t"] = { BOILER.time, 21.5 }, ["plant.boiler.name"] = { BOILER.time, "a" },
      ["plant.meter.volts"] = { METER.time, 25.6 },
        ["plant.meter.at"] = { METER.time, METER.time },
    }, values)
  end)

  it("lets timers and time-outs be due between the messages", function()
    local config = tagline.config [[
local n = 0
every(60, function() n = n + 1 tags["p.s.out"]:write(n) end)
line "p" { host = "x", station "s" { address = "a", no_data_timeout = 30, time_filter = 10,
  tags = { x = Ai "IN_DATA", out = Co "OUT_VALUE", to = TxtO { "OUT_TOPIC", default = "t" } } } }
]]
    local path = capture({ line = "p", time = "2023-11-14T22:13:20.000Z", topic = "a",
      payload = "1" },
      { line = "p", time = "2023-11-14T22:15:21.000Z", topic = "a", payload = "2" })
    local code, out, err = tagline.command { "replay", path, config }
    assert.same({ 0, "" }, { code, err })
    local seen = {}
    for line in out:gmatch "[^\n]+" do
      local v = cjson.decode(line)
      seen[#seen + 1] = ("%s %s %s"):format(v.time:sub(12, 19), v.tag:sub(5),
        v.status == "valid"
        and ("%g"):format(v.value) or v.reason)
    end
    assert.same({ "22:13:20 x 1", "22:14:00 x no-data", "22:14:20 out 1", "22:15:20 out 2",
      "22:15:21 x 2" }, seen)
  end)

  it("tells where two configs differ, tag by tag", function()
    local one, two = tagline.config(SITE, words()), tagline.config(SITE, words(1, 2))
    local path = capture(BOILER, METER)
    local code, out, err = tagline.command { "replay", "--against", one, path, two }
    assert.equal(1, code)
    assert.equal("#1 plant/boiler/up: plant.boiler.t: 21.5 → 43", out)
    assert.truthy(err:find("2 messages, 1 difference in 1 tag", 1, true), err)
    code, out, err = tagline.command { "replay", "--against", one, path, one }
    assert.same({ 0, "" }, { code, out })
    assert.truthy(err:find("no differences", 1, true), err)
  end)

  it("tells differences in status, time, and errors", function()
    local base =
      'line "plant" { host = "x", payload_type = "JSON", time_field_name = "%s", time_mask = \z
        "UNIX", ignore_missing_time = true,'
      .. ' station "s" { address = "a", %s tags = { x = Ai "JA=%s", y = Ai {} } } }'
    local old = tagline.config(base:format("", "", "x"))
    local decode = "decode = function() error('boom') end,"
    local new = tagline.config(base:format("ts", decode, "y"))
    local timed = tagline.config(base:format("ts", "", "x"))
    local path = capture { time = "2023-11-14T22:13:20.000Z", topic = "a",
      payload = '{"x":1,"ts":5}' }
    local _, out = tagline.command { "replay", "--against", old, path, new }
    assert.truthy(out:find("plant.s.x: 1 → invalid (missing)", 1, true), out)
    assert.truthy(out:find("plant.s.y: no new value → invalid (decoder)", 1, true), out)
    assert.truthy(out:find("plant.s: no new value → plant.s: decode: .*boom"), out)
    _, out = tagline.command { "replay", "--against", old, path, timed }
    assert.truthy(
      out:find("plant.s.x: 1 at 2023-11-14T22:13:20.000Z → 1 at 1970-01-01T00:00:05.000Z", 1,
        true), out)
  end)

  it("takes the same error for the same, whatever the config is called, and says it once",
    function()
    local bad = { time = BOILER.time, topic = "plant/meter/up", payload = "a" }
    local one = tagline.config(SITE, words())
    local two = scope.file("other.lua", "\n\n" .. files.read(one))
    local code, out = tagline.command { "replay", "--against", one, capture(bad, bad), two }
    assert.same({ 0, "" }, { code, out })
    local _, _, err = tagline.command { "replay", capture(bad, bad), one }
    local _, count = err:gsub("data string too short", "")
    assert.equal(1, count, err)
  end)

  it("counts what nobody takes, and tells what handlers raise", function()
    local path = capture({ time = BOILER.time, topic = "elsewhere", payload = "" },
      { time = BOILER.time, topic = "plant/x", payload = "" },
      { time = BOILER.time, topic = "plant/meter/up", payload = "a" })
    local code, _, err = tagline.command { "replay", path, tagline.config(SITE, words()) }
    assert.equal(0, code)
    assert.truthy(err:find("1 message is taken by no topic filter", 1, true), err)
    assert.truthy(err:find("1 message is taken by no station", 1, true), err)
    assert.truthy(err:find("config%.lua:9: .*data string too short"), err)
  end)

  -- Lines as save() writes them are read in C; a member that it never writes sends the
  -- line to Lua.
  it("gives the same for lines as save() writes them and for all others", function()
    local topics = { "plant/boiler/up", "plant/meter/up", "plant/x", "else/where",
      "plant/+/wrong",
      "plant/b\u{f6}iler/up" }
    local plain, odd = { HEAD }, { HEAD, "\n" }
    for i = 1, 3000 do
      local m = { line = i % 7 == 0 and "nobody" or i % 5 > 0 and "plant" or nil,
        time = ("2023-11-14T22:%02d:%02d%sZ"):format(i // 60, i % 60,
          i % 2 == 0 and (".%03d"):format(i % 1000) or ""),
        topic = topics[i % #topics + 1], qos = i % 3, id = i, retain = i % 4 == 0,
          dup = i % 9 == 0 }
      if i % 6 == 2 then
        m.base64 = ({ "AQA=", "AQ==", "", "/wAB" })[i % 4 + 1]
      else
        m.payload = ('{"t":%d.5,"n":"\u{17e}\\n\\\"%d"}'):format(i, i)
      end
      plain[#plain + 1] = cjson.encode(m) .. "\n"
      m.extra, m.retain, m.dup = "x", m.retain or cjson.null, m.dup or cjson.null
      odd[#odd + 1] = cjson.encode(m) .. (i % 100 == 0 and "\r\n \n" or "\n")
    end
    odd[#odd] = odd[#odd]:gsub("%s+$", "") -- the last line may lack its end
    local config = tagline.config(SITE, words())
    local results = {}
    for i, lines in ipairs { plain, odd } do
      results[i] = { tagline.command { "replay", scope.file("x.capture", table.concat(lines)),
        config } }
      results[i][2] = sorted(results[i][2])
    end
    assert.equal(0, results[1][1], results[1][3])
    assert.is_true(#results[1][2] > 1000, #results[1][2] .. " values")
    assert.truthy(results[1][3]:find("have a topic that is not valid", 1, true), results[1][3])
    assert.same(results[1], results[2])
  end)

  it("gives what comes before a line that is wrong, deep in the file", function()
    local lines = { HEAD }
    for i = 1, 5000 do
      lines[#lines + 1] = cjson.encode { line = "plant", time = BOILER.time,
        topic = BOILER.topic,
        payload = ('{"t":%d,"n":"%s"}'):format(i, ("x"):rep(100)) } .. "\n"
    end
    lines[#lines + 1] = "{\n"
    local path = scope.file("x.capture", table.concat(lines))
    local code, out, err = tagline.command { "replay", path, tagline.config(SITE, words()) }
    assert.equal(1, code)
    assert.truthy(err:find("x.capture:5002: expected a JSON object", 1, true), err)
    assert.truthy(out:find('"value":5000,', 1, true))
  end)

  for what, case in pairs {
    ["an empty file"] = { "", ":1: this is no capture" },
      ["another file"] = { "hello\n", ":1: this is no capture" },
    ["a capture of a later version"] = { '{"tagline_capture":2}\n',
      ":1: expected a capture of version 1, got 2" },
    ["a line that is no JSON"] = { HEAD .. "x\n", ":2: expected a JSON object" },
    ["a message without topic"] =
      { HEAD .. '{"time":"2023-11-14T22:13:20.000Z","payload":""}\n',
      ":2: expected a topic" },
    ["a message without time"] = { HEAD .. '{"topic":"a","payload":""}\n',
      ":2: expected a time" },
    ["a message without payload"] =
      { HEAD .. '{"topic":"a","time":"2023-11-14T22:13:20.000Z"}\n',
      ":2: expected a payload" },
    ["base64 that is none"] =
      { HEAD .. '{"topic":"a","time":"2023-11-14T22:13:20.000Z","base64":"*"}\n',
        ":2: expected base64" },
  } do
    it("refuses " .. what .. " with the line", function()
      local code, out, err = tagline.command { "replay", scope.file("x.capture", case[1]),
        tagline.config(SITE, words()) }
      assert.same({ 1, "" }, { code, out })
      assert.truthy(err:find("x.capture" .. case[2], 1, true), err)
    end)
  end

  it("refuses files that are not there, and too few words", function()
    local path, config = capture(BOILER), tagline.config(SITE, words())
    assert.equal(1, (tagline.command { "replay", "/nowhere", config }))
    assert.equal(1, (tagline.command { "replay", path, "/nowhere.lua" }))
    assert.equal(1, (tagline.command { "replay", "--against", "/nowhere.lua", path, config }))
    assert.equal(2, (tagline.command { "replay", path }))
    assert.equal(2, (tagline.command { "replay" }))
  end)
end)
