-- `tagline repl` on a running process, without a terminal: results, words, several clients,
-- slow ones.
local cjson = require "cjson"
local scenario = require "spec.support.scenario"
local broker, packet, process, scope, tagline, wait =
  scenario "broker packet process scope tagline wait"

local config = [[
line "plant" {
  host = "127.0.0.1", port = PORT, payload_type = "JSON", ignore_missing_time = true,
  publish_qos = 1, reconnect_delay = 0.05,
  password = "s3cret", user_name = "me",
  station "boiler" {
    address = "boiler/up",
    tags = { temperature = Ai { "JA=temp", unit = "°C", new_value_on_time_change = true },
      text = TxtI "JA=text",
      topic = TxtO { "OUT_TOPIC", default = "boiler/set" }, setpoint = Ao "OUT_VALUE" },
  },
  station "meter" {
    address = "meter/up", payload_type = "Text only",
    decode = function(msg) return { volts = 1 + msg.payload } end,
    tags = { volts = Ai { new_value_on_time_change = true } },
  },
}
]]

local t, c, b

local function start(text, options)
  t, c, b = tagline.connected(text or config, nil, options)
end

local function publish(topic, payload, id)
  c:send("PUBLISH", { topic = topic, payload = payload, qos = id and 1 or 0, id = id })
  if id then assert.equal(id, c:expect("PUBACK").id) end
end

local function repl(...) return tagline.command { "repl", "--socket", t.socket, ... } end

local function eval(code)
  local exit, out, errors = repl("-e", code)
  assert.equal("", errors)
  assert.equal(0, exit)
  return out
end

local function attach(...)
  return process.start(tagline.program(), { "repl", "--socket", t.socket, ... })
end

describe("repl -e", function()
  after_each(scope.finish)

  it("ends an evaluation that stays in one function after as long as a handler may take", function()
    start()
    for _, code in ipairs {
      '("a"):rep(30):find(("a?"):rep(30) .. ("a"):rep(30) .. "b")',
      "local t = {} for i = 1, 1e6 do t[i] = i * 7919 % 1000003 end table.sort(t)",
      "coroutine.wrap(function() while true do end end)()",
      'pcall(string.gsub, "x", "x", function() while true do end end)',
    } do
      local exit, _, errors = repl("-e", code)
      assert.equal(1, exit)
      assert.equal("one call ran for 0.1 s without a pause, and messages would wait; do it in \z
        smaller pieces", errors)
    end
  end)

  it("does not keep messages waiting for code that is long to read", function()
    start()
    local numbers = ("1,"):rep(7e6)
    local exit, _, errors = tagline.command({ "repl", "--socket", t.socket },
      { input = "t = {" .. numbers .. "}\n" })
    assert.equal(1, exit)
    assert.truthy(errors:find("reading the code took longer than 0.1 s", 1, true), errors)
    assert.equal("2", eval "1 + 1")
  end)

  it("shows tags, stations and lines as tables", function()
    start()
    publish("boiler/up", '{"temp":21.5,"text":"a\\nb"}', 1)
    local out = eval "tags"
    assert.truthy(out:find("\nplant%.boiler%.temperature +Ai +21%.5 +°C +valid +%d%.%d s\n"), out)
    assert.truthy(out:find('\nplant%.boiler%.text +TxtI +"a\\nb" +valid'), out)
    assert.truthy(out:find("\nplant%.meter%.volts +Ai +%- +unset"), out)
    out = eval "stations"
    assert.truthy(out:find("\nplant%.boiler +StOn +boiler/up +4 +1 +0"), out)
    out = eval "lines"
    assert.truthy(out:find("\nplant +connected +127%.0%.0%.1:%d+ +1 +%d"), out)
    assert.truthy(eval('lines.plant'):find("^line +status"))
    assert.truthy(eval('stations["plant.boiler"].tags'):find("^tag +type"))
  end)

  it("gives a text alone bare, numbers as they are, bytes as a dump", function()
    start()
    publish("boiler/up", '{"temp":21.5,"text":"hello"}', 1)
    assert.equal("hello", eval 'tags["plant.boiler.text"].value')
    assert.equal("21.5", eval 'tags["plant.boiler.temperature"].value')
    assert.equal("1\t2\tx", eval '1, 2, "x"')
    assert.truthy(eval('"\\0\\1abc"'):find("^5 bytes\n0000  00 01 61 62 63 +%.%.abc"))
  end)

  it("ends with 1 and plain words at an error", function()
    start()
    for code, expected in pairs {
      ['error("boo")'] = "boo",
      ["stauts()"] = "unknown word 'stauts'; did you mean 'status'?",
      ["x = ="] = "unexpected symbol near '='",
      ["for"] = "<name> expected at the end of the code",
      ["lines.nope.name"] = "attempt to index a nil value (field 'nope')",
      ['tags["plant.boiler.temperature"]:write(1)'] = nil,
      ['tags["plant.boiler.setpoint"].vale'] = "a tag has no field 'vale' (see help(tags))",
    } do
      local exit, out, errors = repl("-e", code)
      assert.same({ 1, "", expected }, { exit, out, errors })
    end
  end)

  it("keeps a variable that is nil apart from a word that nobody knows", function()
    start()
    assert.equal("nil", eval "x = nil; return x")
    assert.equal("nil", eval "return _G and nil")
  end)

  it("gives JSON with --json", function()
    start()
    publish("boiler/up", '{"temp":21.5}', 1)
    local function json(code)
      local exit, out = repl("--json", "-e", code)
      assert.equal(0, exit)
      return cjson.decode(out)
    end
    local tag = json 'tags["plant.boiler.temperature"]'
    assert.same({ "plant.boiler.temperature", 21.5, "valid" }, { tag.tag, tag.value, tag.status })
    assert.equal(5, #json "tags")
    assert.equal("connected", json("lines")[1].status)
    assert.same({ a = { 1, 2, "x" } }, json '{ a = { 1, 2, "x" } }')
    assert.equal("plant", json("status()").lines[1].name)
    assert.same({ base64 = "AP8=" }, json '"\\0\\xff"')
  end)

  it("writes nothing of a password", function()
    start()
    for _, code in ipairs { "lines", "lines.plant.stats", "status()", "help()",
      'help "password"' } do
      assert.falsy(eval(code):find "s3cret")
    end
    eval 'lines.plant:set { password = "an0ther" }'
    t:wait_log "REPL of uid %d+: set password = %(not shown%)"
    assert.falsy(t:text("stderr"):find "an0ther")
  end)

  it("prints more than the console holds back, and loses none of it", function()
    start()
    local exit, out, err = repl("-e", 'for i = 1, 15000 do print(i .. (" "):rep(260)) end')
    assert.equal(0, exit, err)
    local n = 0
    for number in out:gmatch "(%d+) +\n?" do
      n = n + 1
      assert.equal(n, tonumber(number))
    end
    assert.equal(15000, n)
  end)

  it("prints a long text without holding the loop", function()
    start()
    local out = eval 'print(("é"):rep(500000))'
    assert.is_true(out:gsub("\n$", "") == ("é"):rep(500000), #out)
  end)

  it("says when its own output cannot be written", function()
    start()
    local sh = ('exec %q repl --socket %q -e 5 >/dev/full'):format(tagline.program(), t.socket)
    local exit, _, errors = process.run("/bin/sh", { "-c", sh })
    assert.equal(1, exit)
    assert.equal("tagline repl: standard output: No space left on device", errors)
  end)

  it("logs who changes what", function()
    start()
    local run = attach("-e", 'tags["plant.boiler.setpoint"]:write(21.5)')
    c:send("PUBACK", { id = c:expect("PUBLISH").id })
    assert.equal(0, (run:wait_exit()))
    local uid = require("luv").getuid()
    t:wait_log(("INFO  plant: REPL of uid %d: write boiler.setpoint = 21.5"):format(uid))
    eval 'stations["plant.boiler"]:off()'
    t:wait_log(("plant: REPL of uid %d: station boiler: off"):format(uid))
    eval 'stations["plant.boiler"]:on()'
    eval 'lines.plant:publish("a", "bc", { qos = 0 })'
    t:wait_log(("plant: REPL of uid %d: publish to 'a': 2 bytes"):format(uid))
    eval "reload()"
    t:wait_log(("REPL of uid %d: reload%%(%%)"):format(uid))
    eval "lines.plant:reconnect()"
    t:wait_log(("plant: REPL of uid %d: reconnect"):format(uid))
  end)

  it("goes on with messages while it computes", function()
    start()
    local run = attach("-e", "print 'on' while true do end")
    run:wait_line "on"
    for id = 1, 50 do publish("boiler/up", '{"temp":1}', id) end
    assert.is_nil(run.code)
    run:kill "sigint"
    assert.equal(1, (run:wait_exit()))
    assert.truthy(run:text("stderr"):find "cancelled")
    publish("boiler/up", '{"temp":2}', 60)
  end)

  it("ends what a client that is gone had begun", function()
    start()
    local run = attach("-e", "print 'on' while true do n = (n or 0) + 1 end")
    run:wait_line "on"
    run:kill "sigkill"
    run:wait_exit()
    local before = t:cpu()
    for id = 1, 20 do publish("boiler/up", '{"temp":1}', id) end
    assert.equal("2", eval "1 + 1")
    assert.is_true(t:cpu() - before < 2)
  end)

  it("ends an evaluation that never does, whatever it catches", function()
    start()
    local words = { "repl", "--socket", t.socket, "-e",
      "while true do pcall(function() while true do end end) end" }
    -- five seconds of the processor, which is not ours alone
    local exit, _, errors = tagline.command(words, { milliseconds = 600000 })
    assert.equal(1, exit)
    assert.truthy(errors:find("used 5 s of processor time", 1, true), errors)
  end)

  it("refuses to yield into nowhere", function()
    start()
    local exit, _, errors = repl("-e", "coroutine.yield(1)")
    assert.equal(1, exit)
    assert.truthy(errors:find("nobody would resume it", 1, true), errors)
  end)

  it("waits for writes one after another", function()
    start()
    local run = attach("-e", 'for i = 1, 3 do print(i, tags["plant.boiler.setpoint"]:write(i)) end')
    for i = 1, 3 do
      local p = c:expect "PUBLISH"
      assert.equal(tostring(i), p.payload)
      c:send("PUBACK", { id = p.id })
    end
    assert.equal(0, (run:wait_exit()))
    assert.equal("1\ttrue\n2\ttrue\n3\ttrue", run:text())
  end)

end)

describe("several clients", function()
  after_each(scope.finish)

  it("have variables and evaluations of their own", function()
    start()
    local one, two = attach(), attach()
    one:write "x = 1\n"
    two:write "x = 2\n"
    one:write "print 'on' while true do end\n"
    one:wait_line "on"
    two:write "print(x)\n"
    two:wait_line "^2$"
    one:kill "sigint"
    one:wait_line("cancelled", nil, "stderr")
    assert.equal(1, (one:wait_exit()))
    two:write "print(x + 1)\n"
    two:wait_line "^3$"
    two:close_input()
    assert.equal(0, (two:wait_exit()))
  end)

  it("read a script from standard input, up to the first error", function()
    start()
    local run = process.start(tagline.program(), { "repl", "--socket", t.socket },
      { input = "for i = 1, 2 do\n  print(i)\nend\n1 + 1\nnope()\nprint 'never'\n" })
    assert.equal(1, (run:wait_exit()))
    assert.equal("1\n2\n2", run:text())
    assert.truthy(run:text("stderr"):find("unknown word 'nope'", 1, true))
  end)
end)

describe("watch", function()
  after_each(scope.finish)

  -- Started, and known to be watching.
  local function watching(...)
    local run = attach(...)
    wait.poll("watch", 5000, function()
      if run.code then return true end
      publish("boiler/up", '{"temp":0}')
      return #run:lines() > 0
    end)
    return run
  end

  it("streams new values by pattern until the client goes", function()
    start()
    local run = watching("-e", 'watch("plant.boi*.temp*")')
    publish("meter/up", "7", 1)
    publish("boiler/up", '{"temp":21.5,"text":"x"}', 2)
    local line = run:wait_line "21%.5"
    assert.truthy(line:find("^%d%d:%d%d:%d%d%.%d%d%dZ  plant%.boiler%.temperature  21%.5 °C$"),
      line)
    assert.falsy(run:text():find "volts")
    assert.falsy(run:text():find "boiler%.text")
    run:kill "sigkill"
    run:wait_exit()
    publish("boiler/up", '{"temp":22.5}', 3)
  end)

  it("ends after so many lines, or so many seconds", function()
    start()
    local run = watching("-e", 'watch("plant.*", { count = 3 })')
    for id = 1, 5 do publish("boiler/up", ('{"temp":%d}'):format(id), id) end
    assert.equal(0, (run:wait_exit()))
    assert.equal(3, #run:lines())
    run = attach("-e", 'watch { "plant.*", seconds = 0.2 }')
    assert.equal(0, (run:wait_exit()))
    assert.equal("", run:text())
  end)

  it("takes tags, stations and lines", function()
    start()
    for _, what in ipairs { 'tags["plant.boiler.temperature"]', 'stations["plant.boiler"]',
      "lines.plant", "tags" } do
      local run = watching("-e", ("watch { %s, count = 1 }"):format(what))
      assert.equal(0, (run:wait_exit()))
      assert.truthy(run:text():find "plant.boiler.temperature", what)
    end
  end)

  it("keeps its rate, and says how many it left out", function()
    start()
    local run = watching("-e", 'watch("*", { rate = 5, seconds = 1.5 })')
    local all = {}
    for i = 1, 1000 do
      all[i] = packet.encode("PUBLISH",
        { topic = "boiler/up", payload = ('{"temp":%d}'):format(i) })
    end
    c:send(table.concat(all))
    assert.equal(0, (run:wait_exit()))
    local shown, left = 0, 0
    for _, line in ipairs(run:lines()) do
      local n = line:match "^%[(%d+) left out: more than rate = 5 a second%]$"
      if n then left = left + tonumber(n) else shown = shown + 1 end
    end
    assert.is_true(shown <= 5 + 5 * 1.5 + 1, shown)
    assert.is_true(shown + left >= 1000, left)
  end)

  it("shows raw messages and where they went", function()
    start()
    local run = attach("-e", 'watch { topic = "+/up", rate = 100000 }')
    wait.poll("watch", 5000, function()
      publish("boiler/up", '{"temp":1}')
      return #run:lines() > 0
    end)
    eval 'stations["plant.meter"]:off()'
    c:send("PUBLISH", { topic = "meter/up", payload = "7", qos = 1, id = 5, retain = true })
    c:send("PUBLISH", { topic = "else/up", payload = "\0\xff\1", qos = 1, id = 6, dup = true })
    c:send("PUBLISH", { topic = "else/down", payload = "" })
    local line = run:wait_line "meter/up"
    assert.truthy(line:find("QoS 1 retain id 5  → plant.meter, which is off  1 byte: 7", 1, true),
      line)
    line = run:wait_line "else/up"
    assert.truthy(line:find("QoS 1 dup id 6  → no station  3 bytes: hex 00 ff 01", 1, true), line)
    run:kill "sigint"
    run:wait_exit()
    assert.falsy(run:text():find "down")
    assert.truthy(run:lines()[1]:find("QoS 0  → plant.boiler  10 bytes: {\"temp\":1}", 1, true),
      run:lines()[1])
  end)

  it("gives JSON lines with --json", function()
    start((config:gsub('address = "meter/up",', "%0 ignore_retained = true,")))
    local run = watching("--json", "-e", 'watch("plant.*", { count = 1 })')
    run:wait_exit()
    assert.equal("plant.boiler.temperature", cjson.decode(run:lines()[1]).tag)
    run = attach("--json", "-e", 'watch { topic = "#", count = 1 }')
    wait.poll("watch", 5000, function()
      publish("x/y", "\xff")
      return #run:lines() > 0
    end)
    run:wait_exit()
    local message = cjson.decode(run:lines()[1])
    assert.same({ "x/y", "unrouted", "/w==" }, { message.topic, message.fate, message.base64 })
    run = attach("--json", "-e", 'watch { topic = "meter/up", count = 1 }')
    wait.poll("watch", 5000, function()
      c:send("PUBLISH", { topic = "meter/up", payload = "7", retain = true })
      return #run:lines() > 0
    end)
    run:wait_exit()
    message = cjson.decode(run:lines()[1])
    assert.same({ "plant", "retained", "7", true },
      { message.line, message.fate, message.payload, message.retain })
  end)

  it("says what it cannot take", function()
    start()
    for code, expected in pairs {
      ["watch()"] = "expected a pattern", ["watch(5)"] = "got number",
        ['watch("x", { rate = 0 })'] = "rate: expected",
      ['watch("x", { rat = 1 })'] = "unknown option 'rat'",
        ['watch { topic = "a/#/b" }'] = "topic: expected",
      ['watch { topic = "a", "b" }'] = "not both",
        ['coroutine.wrap(function() watch("x") end)()'] = "for the prompt",
    } do
      local exit, _, errors = repl("-e", code)
      assert.equal(1, exit, code)
      assert.truthy(errors:find(expected, 1, true), errors)
    end
  end)
end)

describe("status()", function()
  after_each(scope.finish)

  it("says which config runs and that nothing is wrong", function()
    start()
    publish("boiler/up", '{"temp":1,"text":"x"}', 1)
    publish("meter/up", "1", 2)
    local out = eval "status()"
    assert.truthy(out:find("^tagline %S+, process %d+, running for [%d.]+ s, Lua uses"), out)
    assert.truthy(out:find("\nconfig %S+/config.lua, version %x%x%x%x%x%x%x%x, loaded 20%S+Z"), out)
    assert.truthy(out:find("\nline 'plant': connected to 127.0.0.1:%d+ for [%d.]+ s; 2 messages"),
      out)
    assert.truthy(out:find("\nnothing is wrong$"), out)
  end)

  it("names a decoder that fails, since when and where", function()
    start()
    publish("meter/up", "x", 1)
    publish("meter/up", "y", 2)
    local out = eval "status()"
    assert.truthy(
      out:find(
        "! decode of plant.meter has failed since 20%S+Z %([%d.]+ s ago%), 2 times, last [%d.]+ \z
          s ago\n +%S+config.lua:%d+:"), out)
    publish("meter/up", "1", 3)
    out = eval "status()"
    assert.truthy(out:find("failed 2 times, last [%d.]+ s ago; it has worked since"), out)
  end)

  it("counts the topics that no station takes", function()
    start()
    for id = 1, 30 do publish(id % 3 == 0 and "rare" or "often", "x", id) end
    local out = eval "status()"
    assert.truthy(out:find("30 messages that no station takes, most often: often (20), rare (10)",
      1, true), out)
  end)

  it("counts no topic of which it does not know how often it came", function()
    start()
    for id = 1, 200 do publish("each/" .. id, "x", id) end
    local out = eval "status()"
    assert.truthy(
      out:find "%- 200 messages that no station takes, of many topics, such as each/%d+\n    → \z
        explain%(\"each/%d+\"%) shows why", out)
  end)

  it("names a refused filter and a lower QoS", function()
    b = broker.new()
    t = tagline.run(
      (config:gsub("publish_qos = 1",
        'topic_filter = { "a/#", "b/#", "c/#" }, subscribe_qos = 2')), { PORT = b.port })
    c = b:handshake { codes = { 0x80, 1, 2 } }
    publish("b/x", "1", 1)
    local out = eval "status()"
    assert.truthy(out:find("the broker refused the topic filter 'a/#'\n", 1, true), out)
    assert.truthy(out:find("a lower QoS for 'b/#' (QoS 1, asked for 2)\n", 1, true), out)
    assert.falsy(out:find("'c/#'", 1, true))
  end)

  it("names a lost session", function()
    start()
    c:reset()
    c = b:handshake { session_present = false }
    publish("boiler/up", '{"temp":1}', 1)
    assert.truthy(eval("status()"):find("the broker lost the session 1 time, last [%d.]+ s ago"))
  end)

  it("names a Client ID that another client uses", function()
    start()
    for _ = 1, 3 do
      c:reset()
      c = b:handshake()
    end
    local out = eval "status()"
    assert.truthy(out:find("another client probably uses the Client ID 'tagline-plant'", 1, true),
      out)
  end)

  it("names stations without a message and tags without a value", function()
    start()
    publish("boiler/up", '{"temp":1}', 1)
    local out = eval "status()"
    assert.truthy(out:find("no message yet for 1 station: meter (meter/up)", 1, true), out)
    -- a missing field makes a tag invalid, it is not unset
    assert.falsy(out:find("no value yet", 1, true), out)
  end)

  it("says why a line is not connected and when it tries again", function()
    start((config:gsub("reconnect_delay = 0.05", "reconnect_delay = 30")))
    b:refuse()
    c:reset()
    wait.poll("waiting", 5000, function() return eval("lines.plant.status") == "waiting" end)
    local out = eval "status()"
    assert.truthy(out:find("! not connected: ", 1, true), out)
    assert.truthy(out:find("next attempt in %d+ s; lines.plant:reconnect%(%) tries at once"), out)
  end)

  it("names an acknowledgement that is missing for long", function()
    start((config:gsub("reconnect_delay = 0.05", "reconnect_delay = 0.05, reply_timeout = 1")))
    repl("-e", 'lines.plant:publish("a", "b", { qos = 1 }, function() end)')
    c:expect "PUBLISH"
    wait.poll("late acknowledgement", 5000,
      function() return eval("status()"):find(
        "acknowledgement of a published message has been missing for") end)
  end)
end)
