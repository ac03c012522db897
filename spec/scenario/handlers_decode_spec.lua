-- decode and encode: what they see, what they may return, and what becomes of mistakes.
local scenario = require "spec.support.scenario"
local broker, scope, tagline = scenario "broker scope tagline"

-- A config with one station whose decoder is `body`; more fields of the station and the file's
-- beginning may be given.
local function config (body, options)
  options = options or {}
  return ([[
%s
line "plant" {
  host = "127.0.0.1", port = PORT, payload_type = "JSON", ignore_missing_time = true,
  subscribe_qos = 2, publish_qos = 1,%s
  station "s" {
    address = %q, %s
    decode = function(msg) %s end,
    tags = { x = Ai {}, n = Ci {}, text = TxtI {}, on = Di {}, state = Qi {}, at = TiA {},
      lasts = TiR {}, temp = Ai "JA=temp", %s },
  },
}]]):format(options.first or "", options.line or "", options.address or "s",
    options.station or "", body, options.tags or "")
end

local function start (text)
  local b = broker.new()
  local t = tagline.run(text, { PORT = b.port })
  return t, b:handshake()
end

local id = 0
local function publish (c, payload, fields)
  id = id % 65535 + 1
  local packet = { topic = "s", payload = payload, qos = 1, id = id }
  for key, value in pairs(fields or {}) do packet[key] = value end
  c:send("PUBLISH", packet)
  if packet.qos == 1 then assert.equal(packet.id, c:expect("PUBACK").id) end
  return packet
end

-- The last value of each tag.
local function latest (t)
  t:eval "return 1" -- what was printed before is read meanwhile
  local last = {}
  for _, one in ipairs(t:values()) do last[one.tag:match "[%w_]+$"] = one end
  return last
end

describe("decode", function()
  after_each(scope.finish)

  it("gives its values in the order of the tags, more of them than are taken at once, too",
    function()
    local tags = {}
    for n = 1, 150 do tags[n] = ("v%d = Ai {}"):format(n) end
    local t, c =
      start(
        config(
          "local r = { on = true, n = 2, x = 1 } for n = 1, 50 do r['v' .. n] = n end return r",
      { tags = "\n" .. table.concat(tags, ",\n") }))
    publish(c, "a")
    t:wait_line '"tag":"plant.s.v50"'
    local order = {}
    for _, value in ipairs(t:values()) do order[#order + 1] = value.tag:match "[^.]+$" end
    local expected = { "temp", "x", "n", "on" } -- the addressed tag first
    for n = 1, 50 do expected[#expected + 1] = "v" .. n end
    assert.same(expected, order)
  end)

  it("sees the message", function()
    local text = config([[return { text = table.concat({
      msg.topic, msg.payload, msg.qos, tostring(msg.retain), tostring(msg.dup),
      tostring(msg.id == tonumber(msg.payload)), math.type(msg.id), msg.station.name,
      tostring(msg.time > 1.7e9), msg.captures[1], msg.captures.kind, #msg.captures }, " ") }]],
      { address = "s/([^/]+)/(?<kind>.*)", station = "" })
    local t, c = start(text:gsub('station "s" {', 'station "s-{kind}" {'))
    local p = publish(c, tostring(id + 1), { topic = "s/a/b", retain = true, dup = true })
    assert.equal(("s/a/b %d 1 true true true integer s-b true a b 2"):format(p.id),
      t:value("plant.s-b.text").value)
  end)

  it("makes the JSON value and the payload at first use, once", function()
    local t, c = start(config [[local a, b = msg.json, msg.json
      return { on = rawequal(a, b) and rawequal(msg.payload, msg.payload), n = a.n,
        x = a.list[2], text = tostring(a.null == json.null) }]])
    publish(c, '{"n": 9007199254740993, "list": [1, 2.5], "null": null}')
    local last = latest(t)
    assert.same({ true, "true", 2.5 }, { last.on.value, last.text.value, last.x.value })
    assert.truthy(t:text "stdout":find('"plant.s.n","type":"Ci","value":9007199254740993', 1,
      true))
  end)

  it("says where JSON is wrong, and costs only what asks for it", function()
    local t, c = start(config "return { x = msg.json.x }")
    publish(c, '{"x": 1,\n "y": }')
    local said = t:wait_log "ERROR plant.s: decode"
    assert.truthy(
      said:find("config.lua:%d+: the payload is not JSON: line 2, column 7: expected"), said)
    local last = latest(t)
    assert.same({ "invalid", "decoder" }, { last.x.status, last.n.reason })
  end)

  it("goes on with addressed tags as they are", function()
    local t, c = start(config "return { x = 1 }")
    publish(c, '{"temp": 21.5}')
    assert.equal(21.5, t:value("plant.s.temp").value)
    assert.equal(1, t:value("plant.s.x").value)
  end)

  it("returns values of each type by the table of conversions", function()
    local t, c =
      start(config [[return { x = "21.5", n = 2.5, text = 10, on = "yes", state = "Err",
        at = 86400.5, lasts = "1:00:00" }]])
    publish(c, "{}")
    local expected = { x = 21.5, n = 3, text = "10", on = true, state = 3,
      at = "1970-01-02T00:00:00.500Z" }
    local last = latest(t)
    for name, what in pairs(expected) do assert.equal(what, last[name].value, name) end
  end)

  it("returns a time for all its values", function()
    local t, c = start(config "return { x = 1 }, 1000000000.25")
    publish(c, "{}")
    assert.equal("2001-09-09T01:46:40.250Z", t:value("plant.s.x").time)
  end)

  it("returns values with a time, a status and a reason of their own", function()
    local t, c = start(config [[
      if msg.payload == "1" then
        return { x = { value = 5, time = 1 }, n = { status = "invalid" },
          text = { value = "a", status = "valid" } }
      end
      if msg.payload == "2" then
        return { x = { status = "invalid", reason = "range" }, text = {} }
      end
      return { x = { status = "odd" } }]])
    publish(c, "1")
    local x = t:value "plant.s.x"
    assert.same({ 5, "1970-01-01T00:00:01.000Z", "valid" }, { x.value, x.time, x.status })
    publish(c, "2")
    repeat x = t:value "plant.s.x" until x.status == "invalid"
    assert.equal("range", x.reason)
    local last = latest(t)
    assert.same({ "invalid", "decoder", "invalid", "missing" },
      { last.n.status, last.n.reason, last.text.status, last.text.reason })
    publish(c, "3")
    assert.truthy(t:wait_log('x: expected status "valid" or "invalid", got string "odd"'))
  end)

  it("gives addressed tags the time that it returns, a list of samples the last one's",
    function()
    local t, c = start(config [[if msg.json.fails then error "no" end
      if msg.json.list then
        return { { time = 100, values = { x = 1 } }, { time = 200.5, values = { x = 2 } } }
      end
      return msg.json.none and {} or nil, msg.json.at]])
    publish(c, '{"temp": 1, "at": 86400, "none": true}')
    assert.same({ 1, "1970-01-02T00:00:00.000Z" },
      { latest(t).temp.value, latest(t).temp.time })
    publish(c, '{"temp": 2, "list": true}')
    local last = latest(t)
    assert.same({ 2, "1970-01-01T00:03:20.500Z", 2 },
      { last.temp.value, last.temp.time, last.x.value })
    publish(c, '{"temp": 3}')
    assert.equal(3, latest(t).temp.value)
    assert.truthy(latest(t).temp.time > "2026", "declined: the time of arrival")
    publish(c, '{"temp": 4, "fails": true, "at": 86400}')
    assert.same({ 4, "decoder" }, { latest(t).temp.value, latest(t).x.reason })
    assert.truthy(latest(t).temp.time > "2026", "failed: the time of arrival")
  end)

  it("returns several samples with their own times, in their order", function()
    local t, c = start(config [[local list = {}
      for i = 1, 4 do
        list[i] = { time = i * 1000, values = { x = i, n = { value = -i, time = i * 1000 + 1 } } }
      end
      return list]])
    publish(c, "{}")
    for i = 1, 4 do
      local x = t:value "plant.s.x"
      assert.same({ i, ("1970-01-01T%02d:%02d:%02d.000Z"):format(i * 1000 // 3600,
        i * 1000 // 60 % 60, i * 1000 % 60) }, { x.value, x.time })
    end
    t:eval "return 1"
    local n = {}
    for _, one in ipairs(t:values()) do
      if one.tag == "plant.s.n" then n[#n + 1] = one.value end
    end
    assert.same({ -1, -2, -3, -4 }, n)
  end)

  for what, case in pairs {
    ["no table"] = { "list[7] = 5",
      "sample 7: expected a table { time =, values = }, got number 5" },
    ["without values"] = { "list[7].values = nil",
      "sample 7: expected values = { … }, got nil" },
    ["with a time that is a text"] = { "list[7].time = 'now'",
      'sample 7: its time: expected a time in seconds since 1970, got string "now"' },
    ["with a key that is a number"] = { "list[7].values[1] = 5",
      "sample 7: decode: expected tag names as keys, got number 1" },
    ["with an unknown reason"] =
      { "list[7].values.x = { status = 'invalid', reason = 'mood' }",
      "sample 7: x: unknown reason 'mood'" },
    ["with a time in milliseconds"] = { "list[7].time = 1700000000000",
      "sample 7: its time: expected a time in seconds since 1970, got number 1700000000000" },
    ["with a value whose time is none"] = { "list[7].values.x = { time = 0 / 0 }",
      "sample 7: x: expected a time in seconds since 1970" },
  } do
    it("sets nothing of a list with a sample " .. what .. ", and says which one it is",
      function()
      local t, c =
        start(
          config(
            "local list = {} for i = 1, 10 do list[i] = { values = { x = i, text = 'a' .. i } } \z
              end " .. case[1] .. " return list"))
      publish(c, "{}")
      assert.truthy(t:wait_log("ERROR plant.s: decode: "):find(case[2], 1, true),
        t:text "stderr")
      local last = latest(t)
      assert.same({ "invalid", "decoder", "invalid", "decoder" },
        { last.x.status, last.x.reason, last.text.status, last.text.reason })
      assert.is_nil(t:text("stdout"):find('"status":"valid"', 1, true))
    end)
  end

  it("sets all of a long list, or nothing when that takes longer than its budget", function()
    local t, c = start(config([[return tonumber(msg.payload) == 1 and short or long]], { first = [[
      short, long = {}, {}
      for i = 1, 2000 do short[i] = { time = i, values = { x = i } } end
      local one = { values = { x = 1 } }
      for i = 1, 400000 do long[i] = one end]] }))
    publish(c, "2")
    local x = t:value "plant.s.x"
    assert.same({ "invalid", "decoder" }, { x.status, x.reason })
    assert.truthy(t:wait_log "took longer than handler_time %(0.1 s%)")
    assert.is_nil(t:text("stdout"):find('"status":"valid"', 1, true))
    publish(c, "1")
    for i = 1, 2000 do assert.equal(i, t:value("plant.s.x").value) end
  end)

  it("keeps what it returned when a handler of one of its values changes the table", function()
    local t, c = start([[
      kept = {}
      line "plant" { host = "127.0.0.1", port = PORT, station "s" { address = "s",
        decode = function(msg)
          kept = { x = 1 }
          for i = 1, 100 do kept["t" .. i] = msg.payload .. i .. ("y"):rep(50) end
          return kept
        end,
        tags = (function()
          local tags = { x = Ai { on_value = function()
            for name in pairs(kept) do kept[name] = nil end
            for i = 1, 20000 do local garbage = ("z"):rep(60) .. i end
          end } }
          for i = 1, 100 do tags["t" .. i] = TxtI {} end
          return tags
        end)() } }]])
    publish(c, "text")
    t:wait_line '"tag":"plant.s.t99"'
    local last = latest(t)
    for i = 1, 100 do assert.equal("text" .. i .. ("y"):rep(50), last["t" .. i].value) end
  end)

  it("takes tables whose names change from message to message, and names that are long",
    function()
    local long = ("n"):rep(60)
    local t, c = start(config(([[local n = tonumber(msg.payload)
      if n %% 3 == 0 then return { x = n } end
      if n %% 3 == 1 then return { n = n, text = "t" .. n, %s = n } end
      return { on = n %% 2 == 0, %s = n, x = n + 0.5 }]]):format(long, long),
      { tags = long .. " = Ai {}" }))
    for n = 1, 30 do publish(c, tostring(n)) end
    local last = latest(t)
    assert.same({ 30, 28, "t28", false, 29 }, { last.x.value, last.n.value, last.text.value,
      last.on.value, last[long].value })
  end)

  it("declines with nil: nothing changes, and it is counted", function()
    local t, c = start(config [[if msg.payload == "no" then return nil end return { x = 1 }]])
    publish(c, "yes")
    assert.equal(1, t:value("plant.s.x").value)
    publish(c, "no")
    local _, out =
      t:eval "local s = stations['plant.s'].stats print(s.declined, s.handler_errors, \z
        tags['plant.s.x'].status)"
    assert.equal("1\t0\tvalid", (out:gsub("%s+$", "")))
  end)

  it("says by a third result that the device is gone: StHardErr, until the next message",
    function()
    local t, c = start(config([[if msg.payload == "bye" then return nil, 1.5, "StHardErr" end
      if msg.payload == "last" then return { x = 2 }, nil, "StHardErr" end
      return { x = 1 }, string.unpack("<I1", "\5")]], -- which gives a place as the third result
      { station = "on_status = function(s) print('now ' .. s.status) end," }))
    publish(c, '{"temp":7}')
    assert.equal(7, t:value("plant.s.temp").value)
    assert.equal(1, t:value("plant.s.x").value)
    publish(c, "bye")
    local x = t:value "plant.s.x"
    assert.same({ "invalid", "disconnected", "1970-01-01T00:00:01.500Z" },
      { x.status, x.reason, x.time })
    t:wait_log "now StHardErr"
    assert.equal("disconnected", t:value("plant.s.temp").reason) -- those with an address, too
    publish(c, '{"temp":8}')
    assert.equal(8, t:value("plant.s.temp").value)
    publish(c, "last")
    repeat x = t:value "plant.s.x" until x.reason == "disconnected"
    local _, out =
      t:eval "local s = stations['plant.s'] print(s.status, s.stats.wills, s.stats.declined, \z
        s.stats.handler_errors)"
    assert.equal("StHardErr\t2\t0\t0", (out:gsub("%s+$", "")))
    _, out = t:eval [[print(explain("s", '{"temp":9}'), explain("s", "bye"))]]
    assert.truthy(out:find("temp.-→ 9", 1), out)
    assert.truthy(out:find("invalid: disconnected", 1, true), out)
    assert.same(0, (t:eval "assert(stations['plant.s'].status == 'StHardErr')"))
  end)

  it("says once which names it returns that no tag has", function()
    local t, c = start(config "return { x = 1, unknown = 2, [msg.payload] = 3 }")
    publish(c, "other")
    publish(c, "other")
    publish(c, "third")
    t:wait_log "'third'"
    local _, count =
      t:text "stderr":gsub(
        "decode returned a value for 'unknown', but the station has no such tag", "")
    assert.equal(1, count)
    _, count = t:text "stderr":gsub("decode returned a value for 'other'", "")
    assert.equal(1, count)
    assert.equal(1, t:value("plant.s.x").value)
  end)

  it("that fails is told once for each distinct error, with file, line and traceback, counted \z
    each time, and acknowledged", function()
    local t, c =
      start(config [[local function inner() error("boom " .. msg.payload) end inner()]])
    for _ = 1, 3 do publish(c, "a") end
    publish(c, "b")
    t:wait_log "boom b"
    local log = t:text "stderr"
    assert.equal(1, select(2, log:gsub("boom a", "")))
    assert.truthy(
      log:find(
        "ERROR plant%.s: decode: %S*config%.lua:%d+: boom a\\nstack \z
          traceback:\\n.-config%.lua:%d+: in "), log)
    local _, out = t:eval [[local s = stations["plant.s"].stats
      print(s.handler_errors, s.handlers.decode.errors, s.handlers.decode.calls,
        lines.plant.stats.handler_errors)]]
    assert.equal("4\t4\t4\t4", (out:gsub("%s+$", "")))
    local x = latest(t).x
    assert.same({ "invalid", "decoder" }, { x.status, x.reason })
  end)

  for what, body in pairs {
    ["a number"] = "return 5", ["a string"] = "return 'x'",
      ["a key that is a number"] = "return { [2] = 5 }",
    ["a sample that is no table"] = "return { 1 }",
      ["a sample without values"] = "return { { time = 1 } }",
    ["a time that is a text"] = "return { x = 1 }, 'now'",
      ["an infinite time"] = "return { x = { value = 1, time = 1 / 0 } }",
    ["a status that is none"] = "return nil, nil, 'StDead'",
      ["a death at a time that is none"] =
      "return nil, 'now', 'StHardErr'",
    ["a value's field that is none"] = "return { x = { val = 5 } }",
    ["a sample's field that is none"] = "return { { tiem = 5, values = { x = 1 } } }",
    ["a reason that is none"] = "return { x = { status = 'invalid', reason = 'mood' } }",
  } do
    it("that returns " .. what .. " is told so", function()
      local t, c = start(config(body))
      publish(c, "{}")
      assert.truthy(t:wait_log "ERROR plant.s: decode: ":find "config.lua:%d+: ")
      local x = t:value "plant.s.x"
      assert.same({ "invalid", "decoder" }, { x.status, x.reason })
    end)
  end

  it("finds nothing of a message that is over", function()
    local t, c = start(config([[
      if kept then return { text = select(2, pcall(function() return kept.payload end)) } end
      kept = msg
      return { x = 1 }]], { first = "kept = false" }))
    publish(c, "first")
    publish(c, "second")
    assert.truthy(
      t:value("plant.s.text").value:find(
        "msg.payload: the message is over; copy what you need of it in decode", 1, true))
  end)
end)

describe("encode", function()
  after_each(scope.finish)

  local function with_encode (body) return config("return nil",
    { station = "encode = function(tag, value, station) " .. body .. " end,",
    tags =
      'out = Ao {}, count = Co {}, flag = Do {}, topic = TxtO { "OUT_TOPIC", default = \z
        "s/set" },' }) end

  it("makes payload, topic and options of a value", function()
    local t, c =
      start(with_encode [[return string.pack(">i4", value * 10) .. tag.name .. station.name,
        "to/" .. tag.name, { qos = 1, retain = true }]])
    local code, out = t:ask "tags['plant.s.out']:write(2.5, function() end)"
    assert.equal(0, code, out)
    local p = c:expect "PUBLISH"
    assert.same({ "to/out", "\0\0\0\25outs", 1, true },
      { p.topic, p.payload, p.qos, p.retain })
    c:send("PUBACK", { id = p.id })
    assert.equal(2.5, t:value("plant.s.out").value)
  end)

  it("takes the config's words for options", function()
    local t, c = start(with_encode [[return "x", "t", { qos = "QoS_1", retain = "NO" }]])
    t:ask "tags['plant.s.out']:write(1, function() end)"
    local p = c:expect "PUBLISH"
    assert.same({ 1, false }, { p.qos, p.retain })
  end)

  it("uses OUT_TOPIC and the line's options when it names none; integers keep 64 bits",
    function()
    local t, c = start(with_encode "return ('%d'):format(value)")
    t:ask "tags['plant.s.count']:write(math.mininteger, function() end)"
    local p = c:expect "PUBLISH"
    assert.same({ "s/set", "-9223372036854775808", 1, false },
      { p.topic, p.payload, p.qos, p.retain })
  end)

  for what, case in pairs {
    ["fails"] = { "error 'no way'", "no way" },
      ["returns no string"] = { "return 5",
        "encode must return the payload as a string, got number 5" },
    ["returns a topic that is none"] = { "return 'x', 5",
      "expected the topic as a string or nil, got number 5" },
    ["returns a QoS that is none"] = { "return 'x', 't', { qos = 3 }",
      "expected qos 0, 1 or 2, got number 3" },
    ["returns an option that is none"] = { "return 'x', 't', { reatin = true }",
      "encode: unknown option 'reatin' (known: qos retain)" },
    ["returns a flag that is none"] = { "return 'x', 't', { retain = 'maybe' }",
      "encode: expected retain = true or false, got " },
    ["never ends"] = { "while true do end", "took longer than handler_time (0.1 s)" },
  } do
    it("that " .. what .. " fails its write and says why", function()
      local t = start(with_encode(case[1]))
      local code, out, err =
        t:eval "local ok, why = tags['plant.s.out']:write(1) print(ok, why)"
      assert.equal(0, code, err)
      assert.truthy(out:find("nil", 1, true) and out:find(case[2], 1, true), out)
      assert.truthy(t:wait_log "ERROR plant.s: encode: ":find(case[2], 1, true))
    end)
  end
end)
