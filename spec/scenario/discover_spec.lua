-- `tagline discover`: what it prints of a scripted broker, and how it behaves towards it.
local uv = require "luv"
local cjson = require "cjson"
local scenario = require "spec.support.scenario"
local broker, files, process, scope, tagline = scenario "broker files process scope tagline"

-- Start it against a scripted broker; what the broker sent is read when Ctrl-C ends it.
local function start(b, ...)
  return process.start(tagline.program(), { "discover", "127.0.0.1:" .. b.port, "--seconds",
    "600",
    ... })
end

local function say(c, topic, payload, retain)
  c:send("PUBLISH", { topic = topic, payload = payload, retain = retain })
end

local function finish(p, c)
  c:send("PUBREL", { id = 7 })
  c:expect "PUBCOMP" -- all before it was read
  p:kill "sigint"
  local goodbye = c:expect "DISCONNECT"
  c:expect_close()
  return p:wait_exit(), p:text "stdout", p:text "stderr", goodbye
end

local function discover(messages, ...)
  local b = broker.new()
  local p = start(b, ...)
  local c = b:handshake()
  for _, m in ipairs(messages) do say(c, m[1], m[2], m[3]) end
  local code, out, err = finish(p, c)
  return out, code, err, c
end

describe("discover", function()
  after_each(scope.finish)

  it("listens with a clean session of its own at QoS 0, publishes nothing and says goodbye",
    function()
    local b = broker.new()
    local p = start(b, "a/#", "$SYS/#", "--user", "me", "--password-file",
      scope.file("secret", "\xEF\xBB\xBFpass word\n"))
    local c = b:handshake()
    assert.truthy(c.connect.client_id:find "^taglinediscover%x+$", c.connect.client_id)
    assert.is_true(c.connect.clean_session)
    assert.is_nil(c.connect.will)
    assert.equal("me", c.connect.user_name)
    assert.equal("pass word", c.connect.password)
    assert.same({ { filter = "a/#", qos = 0 }, { filter = "$SYS/#", qos = 0 } },
      c.subscribe.filters)
    say(c, "a/b", "1")
    local code, out, err = finish(p, c)
    assert.equal(0, code)
    assert.equal("", err)
    assert.truthy(out:find "1 message of 1 topic", out)
  end)

  it("prints topics with counts, sizes, retained or live, kinds and groups", function()
    local messages = { { "plant/boiler/up", '{"t":1}', true },
      { "plant/boiler/up", '{"t":12}' },
      { "plant/pump", "running" }, { "plant/raw", "\0\1\2\255" } }
    for i = 1, 40 do
      messages[#messages + 1] = { ("plant/meter-%d/up"):format(i), '{"v":1}' }
    end
    local out, code = discover(messages)
    assert.equal(0, code)
    assert.truthy(out:find "44 messages of 43 topics", out)
    assert.truthy(out:find "\nplant/meter%-%*/up  40 topics +40 +%S+ +7 B  live +JSON\n", out)
    assert.truthy(out:find "\n  plant/meter%-1/up +1 ", out)
    assert.truthy(out:find "… and 30 more; %-%-all shows each\n", out)
    assert.truthy(out:find "\nplant/boiler/up +2 +%S+ +7–8 B  retained, live  JSON\n", out)
    assert.truthy(out:find "\nplant/pump +1 +%S+ +7 B  live +text\n", out)
    assert.truthy(out:find "\nplant/raw +1 +%S+ +4 B  live +binary", out)
  end)

  it("shows each topic of a group with --all", function()
    local messages = {}
    for i = 1, 40 do messages[i] = { ("plant/meter-%d/up"):format(i), "1" } end
    local out = discover(messages, "--all")
    for i = 1, 40 do
      assert.truthy(out:find("\n  plant/meter-" .. i .. "/up ", 1, true), out)
    end
    assert.is_nil(out:find("--all", 1, true))
  end)

  it("prints one JSON document with --json", function()
    local out = discover({ { "a/1/x", "1", true }, { "a/2/x", "22" }, { 'q"\n', "{}" } },
      "--json")
    local doc = cjson.decode(out)
    assert.equal(3, doc.messages)
    assert.equal(3, #doc.topics)
    assert.equal("a/1/x", doc.topics[1].topic)
    assert.equal("number", doc.topics[1].kind)
    assert.equal(1, doc.topics[1].retained)
    assert.is_false(doc.topics[1].live)
    assert.equal("a/*/x", doc.topics[2].group)
    assert.equal('q"\n', doc.topics[3].topic)
    assert.equal("JSON", doc.topics[3].kind)
    assert.same({ "a/1/x", "a/2/x" }, doc.groups[1].topics)
    assert.equal(2, doc.groups[1].count)
  end)

  it("says when nothing was heard: exit code 0, with --config 1, with --json an empty document",
    function()
    local out, code, err = discover {}
    assert.equal(0, code)
    assert.equal("", out)
    assert.truthy(err:find "nothing was heard", err)
    out, code, err = discover({}, "--config")
    assert.equal(1, code)
    assert.equal("", out)
    assert.truthy(err:find "nothing was heard", err)
    out, code = discover({}, "--json")
    assert.equal(0, code)
    assert.same({}, cjson.decode(out).topics)
  end)

  it("ends by itself after --seconds", function()
    local b = broker.new()
    local p = process.start(tagline.program(), { "discover", "mqtt://127.0.0.1:" .. b.port,
      "--seconds", "0.2" })
    local c = b:handshake()
    c:expect "DISCONNECT"
    c:expect_close()
    assert.equal(0, p:wait_exit())
  end)

  it("names what fails: nobody there, a refusal, all filters refused, the end of the \z
    connection", function()
    local b = broker.new()
    b:refuse()
    local code, out, err = tagline.command { "discover", "127.0.0.1:" .. b.port }
    assert.equal(1, code)
    assert.equal("", out)
    assert.truthy(err:find("connect to 127.0.0.1:" .. b.port .. ": connection refused", 1,
      true), err)
    b:listen()

    local p = start(b)
    local c = b:accept()
    c:expect "CONNECT"
    c:send("CONNACK", { code = 5 })
    assert.equal(1, p:wait_exit())
    assert.truthy(p:text("stderr"):find "not authorized", p:text "stderr")

    p = start(b)
    b:handshake { codes = { 0x80 } }
    assert.equal(1, p:wait_exit())
    assert.truthy(p:text("stderr"):find "the broker refuses topic filters: # REFUSED",
      p:text "stderr")

    p = start(b)
    c = b:handshake()
    say(c, "a/b", "1")
    c:finish()
    assert.equal(1, p:wait_exit())
    assert.truthy(p:text("stderr"):find "closed the connection", p:text "stderr")
    assert.truthy(p:text("stdout"):find "\na/b ", p:text "stdout") -- what it has, all the same
  end)

  it("goes on when the broker refuses some of the filters", function()
    local b = broker.new()
    local p = start(b, "a/#", "b/#")
    local c = b:handshake { codes = { 0, 0x80 } }
    say(c, "a/x", "1")
    local code, out, err = finish(p, c)
    assert.equal(0, code)
    assert.truthy(out:find "\na/x ", out)
    assert.truthy(err:find "b/# REFUSED", err)
  end)

  it("counts a message that is too long, and goes on behind it", function()
    local out, code = discover { { "huge", ("x"):rep(3 << 20) }, { "small", "1" } }
    assert.equal(0, code)
    assert.truthy(out:find "\nhuge +1 +%S+ +3146 KB  live  unknown\n", out)
    assert.truthy(out:find "\nsmall +1 ", out)
    assert.truthy(out:find "Of 1 topic no payload was kept", out)
  end)

  it("refuses wrong words", function()
    for _, case in ipairs {
      { { }, "a HOST is missing" },
      { { "http://x" }, "'http://x': " },
      { { "me:secret@x" }, "expected" },
      { { "x", "a/#/b" }, "FILTER 'a/#/b': " },
      { { "x", "--seconds", "0" }, "--seconds: expected seconds" },
      { { "x", "--seconds", "1e99" }, "--seconds: expected seconds" },
      { { "x", "--config", "--json" }, "--config and --json: give one" },
      { { "x", "--password-file", "f" }, "expected a --user" },
      { { "mqtt://x", "--tls-ca-file", "f" }, "is not spoken to with TLS" },
      { { "x", "--secnods", "1" }, "did you mean '--seconds'" },
    } do
      local code, _, err = tagline.command { "discover", table.unpack(case[1]) }
      assert.equal(2, code, err)
      assert.truthy(err:find(case[2], 1, true), err)
    end
    local code, _, err = tagline.command { "discover", "x", "--user", "u", "--password-file",
      "/nowhere/file" }
    assert.equal(1, code)
    assert.truthy(err:find "/nowhere/file: No such file", err)
  end)

  it("keeps up with a flood", function()
    local b = broker.new()
    local p = start(b, "--json")
    local c = b:handshake()
    local packet = require "spec.support.packet"
    for round = 1, 20 do
      local parts = {}
      for i = 1, 2000 do
        parts[i] = packet.encode("PUBLISH",
          { topic = "flood/" .. i .. "/up", payload = "1" .. round })
      end
      c:send(table.concat(parts))
    end
    local code, out = finish(p, c)
    assert.equal(0, code)
    local doc = cjson.decode(out)
    assert.equal(40000, doc.messages)
    assert.equal(2000, #doc.topics)
    assert.equal(20, doc.topics[1].count)
    assert.equal(0, doc.over)
    assert.equal("flood/*/up", doc.groups[1].pattern)
    assert.equal(2000, doc.groups[1].count)
  end)

  it("prints nothing that moves a terminal", function()
    local out = discover { { "a\27[2J/\xC2\x9B", "x" } }
    assert.is_nil(out:find "\27")
    assert.is_nil(out:find "\xC2\x9B")
    assert.truthy(out:find("a\\x1B[2J/", 1, true), out)
  end)

  it("names the password's file in a config, and never its content", function()
    local secret = scope.file("secret", "pass word\n")
    local out, code = discover({ { "a/b", "1" } }, "--config", "--user", "me",
      "--password-file", secret)
    assert.equal(0, code)
    assert.is_nil(out:find "pass word")
    assert.truthy(out:find('user_name = "me"', 1, true), out)
    assert.truthy(out:find(('password = file "%s"'):format(uv.fs_realpath(secret)), 1, true),
      out)
    local path = scope.file("config.lua", out)
    assert.equal(0, (tagline.command { "check", path }))
    assert.equal(out, files.read(path))
  end)

  it("does the same at the prompt with what was recorded", function()
    local b = broker.new()
    local t = tagline.run([[line "plant" { host = "127.0.0.1", port = PORT,
      station "all" { address = "#", tags = { topic = TxtI "IN_TOPIC" } } }]], { PORT = b.port })
    local c = b:handshake()
    local code, out, _ = t:eval "discover()"
    assert.equal(0, code)
    assert.equal("(no messages recorded)", out)
    for i = 1, 12 do say(c, ("plant/meter-%d/up"):format(i), ('{"temp_c":%d.5}'):format(i)) end
    say(c, "other", "on")
    t:value "plant.all.topic"
    t:wait_line '"value":"other"'
    _, out = t:eval "discover()"
    assert.truthy(out:find "^13 messages of 13 topics, recorded in", out)
    assert.truthy(out:find "\nplant/meter%-%*/up  12 topics +12 ", out)
    assert.truthy(out:find("… and 2 more; discover().groups shows each", 1, true), out)
    assert.truthy(out:find "\nother +1 ", out)
    _, out = t:eval 'return discover("plant/#").config'
    local path = scope.file("made.lua", out .. "\n")
    assert.equal(0, (tagline.command { "check", path }))
    assert.truthy(out:find('temp_c = Ai { "JA=temp_c", unit = "°C" }', 1, true), out)
    assert.truthy(out:find(("port = %d"):format(b.port), 1, true), out)
    local failed, _, why = t:eval "discover { 1 }"
    assert.same(
      { 1, "discover: expected a topic filter, a line, a station or a tag, got a table" },
      { failed, why })
    _, out = t:eval 'discover().topics[1].kind'
    assert.equal("text", out)
  end)
end)
