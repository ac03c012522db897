-- Payloads as devices really send them: CBOR and MessagePack, prepare, words, commas,
-- selectors, and the stations' words beside.
local scenario = require "spec.support.scenario"
local broker, scope, tagline = scenario "broker scope tagline"

local function start(stations)
  local b = broker.new()
  local t =
    tagline.run(
      ('line "l" { host = "127.0.0.1", port = PORT, ignore_missing_time = true, publish_qos = \z
        1,\n%s\n}'):format(stations),
    { PORT = b.port })
  return t, b:handshake()
end

local id = 0
local function publish(c, topic, payload, fields)
  id = id % 65535 + 1
  local packet = { topic = topic, payload = payload, qos = 1, id = id }
  for key, value in pairs(fields or {}) do packet[key] = value end
  c:send("PUBLISH", packet)
  assert.equal(packet.id, c:expect("PUBACK").id)
end

local function ask(t, code)
  local _, out, err = t:eval(code)
  return ((out .. err):gsub("\n$", ""))
end

-- What a tag has now: its value, or its reason where it is invalid.
local function now(t, tag)
  return (
    ask(t,
      ("local t = tags[%q] return t.status == 'valid' and tostring(t.value) or t.reason or \z
        t.status"):format(tag)))
end

local function hex(text)
  return (text:gsub("%s", ""):gsub("%x%x",
    function(h) return string.char(tonumber(h, 16)) end))
end

describe("payloads", function()
  after_each(scope.finish)

  it("are CBOR and MessagePack by the same addresses, masks and reasons", function()
    local t, c = start [[
      station "c" { address = "c", payload_type = "CBOR",
        time_field_name = "ts", time_mask = "UNIXMS",
        decode = function(msg) return { n = msg.json.list[2].t, keys = msg.json[1] } end,
        tags = { temp = Ai "JA=list[id=B].t", on = Di "JA=on", big = Ci "JA=big",
          raw = TxtI "JA=raw", all = TxtI "JA=list", at = TiA "JA=at", gone = Ai "JA=gone",
          nothing = Ai "JA=nil", n = Ai {}, keys = TxtI {},
          out = Ao "OUT_VALUE", topic = TxtO { "OUT_TOPIC", default = "c/set" } } },
      station "m" { address = "m", payload_type = "MessagePack",
        decode = function(msg) return { n = msg.json.t } end,
        tags = { t = Ai "JA=t", n = Ai {},
          out = Do { "OUT_VALUE", words = { On = "OPEN" } },
          topic = TxtO { "OUT_TOPIC", default = "m/set" } } },]]
    publish(c, "c",
      hex("a8 6474736d73 00 627473 1b00000140af72b100 646c697374 82 a2 626964 6141 6174 f94d00 \z
        a2 6174 f94d20 626964 6142"
      .. "626f6e f5 63626967 1bffffffffffffffff 63726177 420001 626174 c11a514b67b0 01 6178"))
    assert.equal("20.5", now(t, "l.c.temp"))
    assert.equal("true", now(t, "l.c.on"))
    assert.equal("9223372036854775807", now(t, "l.c.big"))
    assert.equal("0 1", ask(t, 'return ("%d %d"):format(tags["l.c.raw"].value:byte(1, -1))'))
    assert.equal('[{"id":"A","t":20},{"t":20.5,"id":"B"}]', now(t, "l.c.all"))
    assert.equal("1363896240.0", now(t, "l.c.at"))
    assert.equal("missing", now(t, "l.c.gone"))
    assert.equal("20.5", now(t, "l.c.n"))
    assert.equal("x", now(t, "l.c.keys"))
    assert.equal("1377333063.936", ask(t, 'return ("%.3f"):format(tags["l.c.temp"].time)'))
    publish(c, "c", hex "a1 61")
    assert.equal("json", now(t, "l.c.temp"))
    t:wait_log "the payload is not CBOR: at byte 2: expected the rest of a"
    publish(c, "m", hex "81 a174 cb4035800000000000")
    assert.same({ "21.5", "21.5" }, { now(t, "l.m.t"), now(t, "l.m.n") })
    t:ask 'tags["l.c.out"]:write(1.5, print)'
    local p = c:expect "PUBLISH"
    assert.same({ "c/set", hex "fa3fc00000" }, { p.topic, p.payload })
    c:send("PUBACK", { id = p.id })
    t:ask 'tags["l.m.out"]:write(true, print)'
    p = c:expect "PUBLISH"
    assert.equal("\xA4OPEN", p.payload)
    c:send("PUBACK", { id = p.id })
  end)

  it("are read alike by the program and by the codecs, which a second reader agrees with",
    function()
    local random = require "spec.support.random_document"
    local t, c = start [[
      station "d" { address = "d/cbor", payload_type = "CBOR",
        tags = { same = Ci {}, other = TxtI {} },
        decode = (function()
          local cbor = require "tagline.codec.cbor"
          local count = 0
          local function same(a, b)
            if type(a) ~= "table" then return a == b and math.type(a) == math.type(b) end
            if type(b) ~= "table" then return false end
            for key, value in pairs(a) do if not same(value, b[key]) then return false end end
            for key in pairs(b) do if a[key] == nil then return false end end
            return true
          end
          return function(msg)
            if not same(msg.json, cbor.decode(msg.payload)) then return { other = msg.payload } end
            count = count + 1
            return { same = count }
          end
        end)() },]]
    local next_document = random.new(3)
    for i = 1, 300 do
      c:send("PUBLISH", { topic = "d/cbor", payload = random.odd_cbor(next_document(), i),
        qos = 0 })
    end
    publish(c, "d/cbor", "\0")
    assert.same({ "301", "unset" }, { now(t, "l.d.same"), now(t, "l.d.other") })
  end)

  it("have words for states in both directions, and decimal commas", function()
    local t, c = start [[
      station "d" { address = "d", tags = {
        open = Di { "IN_DATA", words = { Off = "CLOSED", On = { "OPEN", "opened" } } } } },
      station "j" { address = "j", payload_type = "JSON", tags = {
        on = Di { "JA=on", words = { On = { "1", "ON" } } },
        state = Qi { "JA=state", words = { Trans = "moving" } },
        temp = Ai { "JA=temp", decimal = "," }, n = Ci { "JA=n", decimal = "," },
        out = Do { "OUT_VALUE", words = { Off = "CLOSE", On = { "OPEN", "opened" } } },
        topic = TxtO { "OUT_TOPIC", default = "j/set" } } },
      station "w" { address = "w", tags = { out = Ao { "OUT_VALUE", decimal = "," },
        topic = TxtO { "OUT_TOPIC", default = "w/set" } } },]]
    for payload, value in pairs { OPEN = "true", opened = "true", CLOSED = "false",
      open = "type",
      on = "type", ["0"] = "type" } do
      publish(c, "d", payload)
      assert.equal(value, now(t, "l.d.open"), payload)
    end
    publish(c, "j", '{"on":1,"state":"moving","temp":"12,5","n":"7"}')
    assert.same({ "true", "2", "12.5", "7" }, { now(t, "l.j.on"), now(t, "l.j.state"),
      now(t, "l.j.temp"), now(t, "l.j.n") })
    publish(c, "j", '{"on":"off","state":"Trans","temp":"12.5","n":3}')
    assert.same({ "false", "type", "type", "3" }, { now(t, "l.j.on"), now(t, "l.j.state"),
      now(t, "l.j.temp"), now(t, "l.j.n") })
    publish(c, "j", '{"on":true,"state":"on","temp":"1.234,5","n":"1,2"}')
    assert.same({ "type", "1", "type", "1" }, { now(t, "l.j.on"), now(t, "l.j.state"),
      now(t, "l.j.temp"), now(t, "l.j.n") })
    publish(c, "j", '{"temp":12.25}')
    assert.equal("12.25", now(t, "l.j.temp"))
    for code, payload in pairs { ['tags["l.j.out"]:write(true, print)'] = "OPEN",
      ['tags["l.j.out"]:write(false, print)'] = "CLOSE",
      ['tags["l.w.out"]:write(12.5, print)'] = "12,5" } do
      t:ask(code)
      local p = c:expect "PUBLISH"
      assert.equal(payload, p.payload)
      c:send("PUBACK", { id = p.id })
    end
  end)

  it("are repaired by prepare before anything reads them", function()
    local t, c = start [[
      station "a" { address = "a", payload_type = "JSON", prepare = { "trim", "latin1", "nan" },
        time_field_name = "ts", time_mask = "UNIX",
        decode = function(msg) return { len = #msg.payload, u = msg.json.u } end,
        tags = { v = Ai "JA=v", u = TxtI {}, len = Ci {}, all = TxtI "IN_DATA",
          re = Ci "RE=\"v\":([0-9]+)" } },
      station "f" { address = "f", payload_type = "JSON", prepare = function(p)
          if p == "skip" then return nil end
          if p == "bad" then error "cannot" end
          if p == "odd" then return 5 end
          return (p:gsub(",}", "}"))
        end, tags = { v = Ai "JA=v", t = TxtI "IN_TOPIC" } },
      station "p" { address = "p", payload_type = "JSON", tags = { v = Ai "JA=v" } },
      station "t" { address = "t", prepare = "trim", tags = { v = Ai "IN_DATA" } },]]
    publish(c, "a", '\xEF\xBB\xBF{"v":15,"u":"\xB0C","x":NaN,"ts":86400}\0')
    assert.same({ "15.0", "°C", "15", '{"v":15,"u":"°C","x":null,"ts":86400}' },
      { now(t, "l.a.v"), now(t, "l.a.u"), now(t, "l.a.re"), now(t, "l.a.all") })
    assert.equal("86400", ask(t, 'return tags["l.a.v"].time'))
    publish(c, "t", "\0 7\0\r\n")
    assert.equal("7.0", now(t, "l.t.v"))
    publish(c, "f", '{"v":1,}')
    assert.equal("1.0", now(t, "l.f.v"))
    publish(c, "f", "skip")
    assert.same({ "1.0", "1" },
      { now(t, "l.f.v"), ask(t, 'return stations["l.f"].stats.declined') })
    publish(c, "f", "bad")
    assert.same({ "decoder", "decoder" }, { now(t, "l.f.v"), now(t, "l.f.t") })
    t:wait_log "prepare: .*cannot"
    publish(c, "f", "odd")
    t:wait_log "prepare must return the payload as a string, or nil, got number 5"
    publish(c, "f", '{"v":2}')
    assert.equal("2.0", now(t, "l.f.v"))
    assert.equal('{"v":15', ask(t, 'return messages("a")[1].payload:sub(4, 10)'),
      "the recorder keeps the raw bytes")
    publish(c, "p", '{"v":1}\0')
    t:wait_log 'expected the end of the document, got a NUL byte: prepare = "trim" repairs it'
    local text = ask(t, [[return tostring(explain("a", "\xEF\xBB\xBF{\"v\":3}\0"))]])
    assert.truthy(text:find('prepare   \\xEF\\xBB\\xBF{"v":3}\\x00 → {"v":3}', 1, true), text)
  end)

  it("that are retained touch nothing of a station that ignores them", function()
    local t, c = start [[
      station "r-{dev}" { address = "r/(?<dev>[^/]+)", ignore_retained = true,
        SWT = "r/{dev}/lwt", tags = { v = Ai "IN_DATA" } },
      station "s" { address = "s", ignore_retained = true, SWT = "s/lwt",
        tags = { v = Ai "IN_DATA" } },]]
    publish(c, "s", "1", { retain = true })
    publish(c, "r/x", "1", { retain = true })
    publish(c, "s/lwt", "gone", { retain = true })
    assert.same({ "unset", "StOn", "1" },
      { now(t, "l.s.v"), ask(t, 'return stations["l.s"].status'),
        ask(t, 'return stations["l.s"].stats.retained') })
    assert.equal("nil", ask(t, 'return tostring(stations["l.r-x"])'))
    publish(c, "s", "2")
    assert.equal("2.0", now(t, "l.s.v"))
  end)

  it("of a birth end StHardErr and touch no tag", function()
    local t, c = start [[
      station "s" { address = "s", SWT = "s/lwt", SWP = "Offline", SBP = "Online",
        tags = { v = Ai "IN_DATA" } },
      station "n" { address = "n", SWT = "n/lwt", SBP = "Online", tags = { v = Ai "IN_DATA" } },]]
    for _, name in ipairs { "s", "n" } do
      publish(c, name, "1")
      publish(c, name .. "/lwt", "Offline")
      local status = ('return stations["l.%s"].status'):format(name)
      assert.same({ "StHardErr", "station-will" },
        { (ask(t, status)), now(t, "l." .. name .. ".v") })
      publish(c, name .. "/lwt", "Online")
      assert.same({ "StOn", "station-will" },
        { (ask(t, status)), now(t, "l." .. name .. ".v") })
      publish(c, name, "2")
      assert.equal("2.0", now(t, "l." .. name .. ".v"))
    end
  end)

  it("meet stations that start off or simulated", function()
    local t = start [[
      station "o" { address = "o", off = true, simulate = true, tags = { v = Ai "IN_DATA" } },
      station "m" { address = "m", simulate = true, tags = { v = Ai "IN_DATA" } },
      station "x" { address = "x", tags = { v = Ai "IN_DATA" } },]]
    assert.equal("StOff", ask(t, 'return stations["l.o"].status'))
    assert.equal("StSimul", ask(t, 'return stations["l.m"].status'))
    assert.equal("off", now(t, "l.o.v"))
    assert.equal("valid", t:value("l.m.v").status)
  end)
end)
