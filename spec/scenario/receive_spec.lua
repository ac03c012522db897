-- Receiving: from bytes on a socket to values on stdout, and what bad input does.
local scenario = require "spec.support.scenario"
local broker, mosquitto, packet, scope, tagline = scenario "broker mosquitto packet scope tagline"

local config = [[
line "plant" {
  host = "127.0.0.1", port = PORT, subscribe_qos = 2, payload_type = "JSON",
  ignore_missing_time = true,
  station "boiler" {
    address = "boiler/up",
    tags = { temperature = Ai { "JA=rx.temp", new_value_on_time_change = true },
      running = Di "JA=rx.on" },
  },
  station "any" {
    address = ".*", payload_type = "Text only",
    tags = {
      topic = TxtI { "IN_TOPIC", new_value_on_time_change = true },
      data = TxtI { "IN_DATA", new_value_on_time_change = true },
      id = Ci { "IN_ID", new_value_on_time_change = true },
    },
  },
}
]]

describe("receiving through Mosquitto", function()
  after_each(scope.finish)

  it("prints values of messages at QoS 0, 1 and 2", function()
    local m = mosquitto.start()
    local t = tagline.run(config, { PORT = m.port })
    m:wait_subscribed "tagline-plant"
    for qos = 0, 2 do
      m:publish("boiler/up", ('{"rx":{"temp":%d.5,"on":%s}}'):format(20 + qos, qos == 1),
        { qos = qos })
      local value = t:value "plant.boiler.temperature"
      assert.equal(20.5 + qos, value.value)
      assert.equal("Ai", value.type)
      assert.equal("valid", value.status)
      assert.is_nil(value.reason)
      assert.truthy(value.time:find("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ$"))
      assert.equal(qos == 1, t:value("plant.boiler.running").value)
    end
    t:stop()
  end)

  it("takes retained messages when it subscribes", function()
    local m = mosquitto.start()
    m:publish("boiler/up", '{"rx":{"temp":7}}', { retain = true, qos = 1 })
    local t = tagline.run(config, { PORT = m.port })
    assert.equal(7, t:value("plant.boiler.temperature").value)
    t:stop()
  end)

  it("receives again after the broker was killed and restarted", function()
    local m = mosquitto.start()
    local t = tagline.run(config, { PORT = m.port })
    m:wait_subscribed "tagline-plant"
    m:publish("boiler/up", '{"rx":{"temp":1}}', { qos = 1 })
    assert.equal(1, t:value("plant.boiler.temperature").value)
    m:kill()
    t:wait_log "^%S+ WARN +plant: "
    m:restart()
    m:wait_subscribed("tagline-plant", 15000)
    m:publish("boiler/up", '{"rx":{"temp":2}}', { qos = 1 })
    assert.equal(2, t:value("plant.boiler.temperature").value)
    t:stop()
  end)
end)

describe("receiving from a scripted broker", function()
  after_each(scope.finish)

  local function start(text, options)
    local b = broker.new()
    local t = tagline.run(text or config, { PORT = b.port }, options)
    return t, b:handshake(), b
  end

  -- Shows that all before was handled as it should, and that the next message is handled as if
  -- nothing had happened.
  local function still_alive(t, c)
    c:send("PUBLISH", { topic = "boiler/up", payload = '{"rx":{"temp":42,"on":true}}', qos = 1,
      id = 99 })
    repeat until t:value("plant.boiler.temperature").value == 42
    assert.equal(99, c:expect("PUBACK").id)
  end

  it("asks for what the config says", function()
    local _, c = start()
    assert.equal("tagline-plant", c.connect.client_id)
    assert.is_false(c.connect.clean_session)
    assert.same({ { filter = "#", qos = 2 } }, c.subscribe.filters)
  end)

  it("takes a stream byte by byte", function()
    local t, c = start()
    local bytes = packet.encode("PUBLISH", { topic = "boiler/up", payload = '{"rx":{"temp":3}}',
      qos = 1, id = 5 })
    for at = 1, #bytes do c:send(bytes:sub(at, at)) end
    assert.equal(3, t:value("plant.boiler.temperature").value)
    assert.equal(5, c:expect("PUBACK").id)
    still_alive(t, c)
  end)

  it("takes 1000 messages in one piece, and acknowledges them in their order", function()
    local t, c = start()
    local all = {}
    for n = 1, 1000 do
      all[n] = packet.encode("PUBLISH",
        { topic = "boiler/up", payload = ('{"rx":{"temp":%d}}'):format(n), qos = 1, id = n })
    end
    c:send(table.concat(all))
    for n = 1, 1000 do
      assert.equal(n, c:expect("PUBACK").id)
      assert.equal(n, t:value("plant.boiler.temperature").value)
    end
  end)

  it("prints a value before it acknowledges the message", function()
    local t, c = start(nil, { paused = true })
    c:send("PUBLISH", { topic = "a", payload = ("x"):rep(1 << 20), qos = 1, id = 7 })
    c:send("PUBLISH", { topic = "boiler/up", payload = '{"rx":{"temp":8}}', qos = 1, id = 8 })
    c:silent(300) -- nobody reads a megabyte that a pipe does not hold
    t:resume()
    assert.equal(7, c:expect("PUBACK").id)
    assert.equal(8, c:expect("PUBACK").id)
    assert.equal(1 << 20, #t:value("plant.any.data").value)
    assert.equal(8, t:value("plant.boiler.temperature").value)
  end)

  it("delivers a QoS 2 message once, whatever is repeated", function()
    local t, c = start()
    local message = { topic = "boiler/up", payload = '{"rx":{"temp":1}}', qos = 2, id = 3 }
    c:send("PUBLISH", message)
    assert.equal(3, c:expect("PUBREC").id)
    message.dup = true
    c:send("PUBLISH", message)
    assert.equal(3, c:expect("PUBREC").id)
    c:send("PUBREL", { id = 3 })
    assert.equal(3, c:expect("PUBCOMP").id)
    c:send("PUBREL", { id = 3 })
    assert.equal(3, c:expect("PUBCOMP").id)
    still_alive(t, c)
    local seen = 0
    for _, value in ipairs(t:values()) do
      if value.tag == "plant.boiler.temperature" then seen = seen + 1 end
    end
    assert.equal(2, seen)
  end)

  it("gives topic, payload and identifier in that order", function()
    local t, c = start()
    c:send("PUBLISH", { topic = "some/where", payload = "hello", qos = 1, id = 12 })
    c:expect "PUBACK"
    t:value "plant.any.id"
    local seen = {}
    for at, value in ipairs(t:values()) do seen[at] = { value.tag, value.value } end
    assert.same({ { "plant.any.topic", "some/where" }, { "plant.any.data", "hello" },
      { "plant.any.id", 12 } }, seen)
  end)

  it("invalidates the JSON tags of a payload that is not JSON, says where it fails, and says it \z
    once", function()
    local t, c = start()
    for id = 1, 3 do
      c:send("PUBLISH", { topic = "boiler/up", payload = '{"rx":\n {"temp" 5}}', qos = 1, id = id })
      assert.equal(id, c:expect("PUBACK").id)
    end
    local value = t:value "plant.boiler.temperature"
    assert.same({ "invalid", "json" }, { value.status, value.reason })
    local line = t:wait_log "not JSON"
    assert.truthy(line:find("line 2", 1, true), line)
    assert.truthy(line:find("column 10", 1, true), line)
    still_alive(t, c)
    local _, times = t:text("stderr"):gsub("line 2", "")
    assert.equal(1, times)
  end)

  it("invalidates tags whose address is missing, null or of another type", function()
    local t, c = start()
    for payload, reason in pairs { ['{"rx":{"on":true}}'] = "missing",
      ['{"rx":{"temp":null,"on":1}}'] = "type",
      ['{"rx":{"temp":"warm"}}'] = "type", ['{"rx":{"temp":' .. ("9"):rep(400) .. '}}'] =
        "type" } do
      still_alive(t, c)
      c:send("PUBLISH", { topic = "boiler/up", payload = payload })
      local value = t:value "plant.boiler.temperature"
      assert.same({ "invalid", reason }, { value.status, value.reason }, payload)
    end
  end)

  it("takes 100,000 nested arrays for no JSON", function()
    local t, c = start()
    c:send("PUBLISH", { topic = "boiler/up", payload = ("["):rep(100000) })
    assert.equal("json", t:value("plant.boiler.temperature").reason)
    t:wait_log "512"
    still_alive(t, c)
  end)

  it("prints a payload that is not UTF-8 in base64", function()
    local t, c = start()
    c:send("PUBLISH", { topic = "raw", payload = "\xff\0\x10" })
    local value = t:value "plant.any.data"
    assert.equal("/wAQ", value.base64)
    assert.is_nil(value.value)
    still_alive(t, c)
  end)

  it("takes a payload of 16 MB less its header", function()
    local t, c = start()
    local size = (16 << 20) - 100
    c:send("PUBLISH", { topic = "big", payload = ("x"):rep(size) })
    assert.equal(size, #t:value("plant.any.data", 20000).value)
    still_alive(t, c)
  end)

  it("takes a topic of 65535 bytes", function()
    local t, c = start()
    local topic = ("t"):rep(65535)
    c:send("PUBLISH", { topic = topic, payload = "x" })
    assert.equal(topic, t:value("plant.any.topic").value)
    still_alive(t, c)
  end)

  it("acknowledges what no station takes", function()
    local t, c = start [[line "plant" { host = "127.0.0.1", port = PORT, payload_type = "JSON",
      ignore_missing_time = true,
      station "boiler" { address = "boiler/up", tags = { temperature = Ai "JA=rx.temp" } } }]]
    c:send("PUBLISH", { topic = "else/where", payload = "x", qos = 1, id = 1 })
    assert.equal(1, c:expect("PUBACK").id)
    c:send("PUBLISH", { topic = "else/where", payload = "x", qos = 2, id = 2 })
    assert.equal(2, c:expect("PUBREC").id)
    still_alive(t, c)
  end)

  it("refuses a packet longer than max_packet_size from its length alone, when it is no message",
    function()
    local t, c, b = start [[line "plant" { host = "127.0.0.1", port = PORT,
      max_packet_size = 1000, reconnect_delay = 0.05,
      station "any" { address = "#", tags = { data = TxtI "IN_DATA" } } }]]
    local fits = packet.encode("PUBLISH", { topic = "t", payload = ("y"):rep(994) })
    assert.equal(1000, #fits)
    c:send(fits)
    assert.equal(994, #t:value("plant.any.data").value)
    local before = t:rss()
    c:send("\x90" .. packet.length(200 << 20))
    c:expect_close()
    assert.is_true(t:rss() < before + (1 << 20))
    t:wait_log "max_packet_size"
    c = b:handshake()
    c:send("PUBLISH", { topic = "t", payload = "again" })
    assert.equal("again", t:value("plant.any.data").value)
  end)

  it("survives an expression that explodes", function()
    local t, c = start [[line "plant" { host = "127.0.0.1", port = PORT, ignore_missing_time = true,
      station "boiler" { address = "boiler/up", payload_type = "JSON",
        tags = { temperature = Ai "JA=rx.temp" } },
      station "bad" { address = "(a+)+b",
        tags = { x = TxtI { "RE=^(x+x+)+y", new_value_on_time_change = true } } } }]]
    c:send("PUBLISH", { topic = "ab", payload = ("x"):rep(5000) .. "-y", qos = 1, id = 2 })
    assert.equal(2, c:expect("PUBACK").id)
    assert.equal("invalid", t:value("plant.bad.x").status)
    t:wait_log("WARN +plant%.bad: tag 'x': the regular expression takes too many steps on a \z
      payload of 5002 bytes, '" .. ("x"):rep(64)
      .. "' …: it counts as not matching %(logged once%)")
    c:send("PUBLISH", { topic = ("a"):rep(5000) .. "-b", payload = "x", qos = 1, id = 1 })
    assert.equal(1, c:expect("PUBACK").id)
    t:wait_log("WARN +plant%.bad: address '%(a%+%)%+b' takes too many steps on topic '"
      .. ("a"):rep(64) .. "' …: it counts as not matching %(logged once%)")
    c:send("PUBLISH", { topic = ("a"):rep(5001) .. "-b", payload = "x" })
    c:send("PUBLISH", { topic = "ab", payload = ("x"):rep(5001) .. "-y" })
    still_alive(t, c)
    local _, count = t:text("stderr"):gsub("too many steps", "")
    assert.equal(2, count)
    assert.equal("4", select(2, t:eval 'stations["plant.bad"].stats.given_up'):match "%d+")
  end)
end)
