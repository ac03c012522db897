-- Connecting, losing the connection, and ending in order.
local scenario = require "spec.support.scenario"
local broker, mosquitto, netns, process, scope, tagline, wait =
  scenario "broker mosquitto netns process scope tagline wait"

local config = [[
line "plant" {
  host = HOST, port = PORT, reconnect_delay = 0.05, EXTRA
  station "any" { address = "#", tags = { data = TxtI "IN_DATA" } },
}
]]

local function run(b, extra, options)
  return tagline.run(config, { HOST = ("%q"):format(b.host), PORT = b.port, EXTRA = extra or "" },
    options)
end

describe("a connection", function()
  after_each(scope.finish)

  for _, host in ipairs { "127.0.0.1", "::1" } do
    it("reaches a broker at " .. host .. ", and says so", function()
      local b = broker.new { host = host }
      local t = run(b)
      local c = b:handshake()
      t:wait_log("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ INFO  plant: connected to .*"
        .. b.port)
      c:send("PUBLISH", { topic = "a", payload = "x" })
      assert.equal("x", t:value("plant.any.data").value)
    end)
  end

  it("carries name, password, session, keep alive and will as the config says", function()
    local b = broker.new()
    run(b, [[
      user_name = "u", password = "p w", client_id = "me", clean_session = true, keep_alive = 77,
      topic_filter = { "a/#", "b/+" }, subscribe_qos = "QoS_0",
      will_flag = true, will_topic = "w", will_message = "gone", will_qos = 1, will_retain = true,
    ]])
    local c = b:handshake()
    local p = c.connect
    assert.same({ "u", "p w", "me", true, 77 },
      { p.user_name, p.password, p.client_id, p.clean_session, p.keep_alive })
    assert.same({ topic = "w", message = "gone", qos = 1, retain = true }, p.will)
    assert.same({ { filter = "a/#", qos = 0 }, { filter = "b/+", qos = 0 } }, c.subscribe.filters)
  end)

  for _, signal in ipairs { "sigterm", "sigint" } do
    it("ends with DISCONNECT and exit code 0 at " .. signal, function()
      local b = broker.new()
      local t = run(b)
      local c = b:handshake()
      t:wait_log "connected to"
      t:kill(signal)
      c:expect "DISCONNECT"
      assert.equal("EOF", c:expect_close())
      c:close()
      assert.same({ 0, 0 }, { t:wait_exit() })
    end)
  end

  it("ends at SIGTERM while the broker does not answer, or is not there", function()
    local b = broker.new()
    local t = run(b)
    b:accept():expect "CONNECT"
    t:stop()
    b:refuse()
    t = run(b)
    t:wait_log "refused"
    t:stop()
  end)

  it("comes back after FIN, after RST, and after a time without a broker", function()
    local b = broker.new()
    local t = run(b)
    local c = b:handshake()
    c:finish()
    c:expect_close()
    c:close()
    c = b:handshake()
    c:reset()
    c = b:handshake()
    b:refuse()
    c:close()
    t:wait_log "refused"
    b:listen()
    c = b:handshake()
    c:send("PUBLISH", { topic = "a", payload = "back" })
    assert.equal("back", t:value("plant.any.data").value)
  end)

  it("tries the redundant addresses in turn", function()
    local live, dead = broker.new { host = "127.0.0.1" }, broker.new { host = "127.0.0.2" }
    dead:refuse()
    local t = tagline.run(config, { HOST = '"127.0.0.2; 127.0.0.1"', PORT = live.port, EXTRA = "" })
    local c = live:handshake()
    c:close()
    live:handshake()
    t:wait_log "127%.0%.0%.2"
  end)

  for code, words in pairs { [1] = "protocol", [2] = "identifier", [3] = "unavailable",
    [4] = "user name", [5] = "authori" } do
    it("names a refusal with code " .. code .. " and tries again", function()
      local b = broker.new()
      local t = run(b)
      local c = b:accept()
      c:expect "CONNECT"
      c:send("CONNACK", { code = code })
      c:expect_close()
      local line = t:wait_log "refused"
      assert.truthy(line:lower():find(words, 1, true), line)
      b:accept():expect "CONNECT"
    end)
  end

  it("takes more descriptors than the soft limit of open files, up to the hard one", function()
    local b = broker.new()
    local path = tagline.config([[
      for i = 1, 50 do line("l" .. i) { host = HOST, port = PORT } end
    ]], { HOST = ("%q"):format(b.host), PORT = b.port })
    process.start("/bin/bash", { "-c", 'ulimit -Sn 40; exec "$0" "$@"', tagline.program(), "run",
      path, "--socket", scope.folder() .. "/socket" })
    local held = {} -- the broker closes a connection that nobody holds
    for i = 1, 50 do held[i] = b:handshake() end
    assert.equal(50, #held)
  end)

  it("gives up a broker that accepts and never answers, after connect_timeout", function()
    local b = broker.new()
    local t = run(b, "connect_timeout = 1,")
    local c = b:accept()
    c:expect "CONNECT"
    c:expect_close()
    t:wait_log "timeout"
    b:accept():expect "CONNECT"
  end)

  it("closes on what is no MQTT, says what was wrong, and comes back", function()
    local b = broker.new()
    local t = run(b)
    local c = b:accept()
    c:expect "CONNECT"
    c:send("HTTP/1.1 400 Bad Request\r\n\r\n")
    c:expect_close()
    t:wait_log(
      "plant: 127%.0%.0%.1:%d+: expected CONNACK, got .* %(an HTTP server%?%).*: use ws://")
    b:handshake()
  end)

  it("never shows a password", function()
    local b = broker.new()
    local extra = 'user_name = "u", password = "s3cr3t-w0rd", full_debug = true,'
    local t = run(b, extra, { arguments = { "--log-level", "debug" } })
    local c = b:handshake()
    assert.equal("s3cr3t-w0rd", c.connect.password)
    c:send("PUBLISH", { topic = "a", payload = "x", qos = 1, id = 1 })
    c:expect "PUBACK"
    t:stop()
    assert.is_nil((t:text("stderr") .. t:text("stdout")):find("s3cr3t", 1, true))
    assert.truthy(t:text("stderr"):find("CONNECT", 1, true))
  end)
end)

describe("the values stream", function()
  after_each(scope.finish)

  it("ends the program with exit code 1 when stdout is closed, says so, and acknowledges \z
    nothing unprinted", function()
    local b = broker.new()
    local t = run(b)
    local c = b:handshake()
    t:close_stdout()
    c:send("PUBLISH", { topic = "a", payload = "x", qos = 1, id = 1 })
    wait.till("close by the client", 5000, function() return c.closed end)
    for _, p in ipairs(c.packets) do assert.is_not.equal("PUBACK", p.type) end
    c:close()
    assert.equal(1, (t:wait_exit()))
    assert.truthy(t:text("stderr"):find("stdout", 1, true))
  end)

  it("holds the line back when nobody reads, bounded, and loses nothing", function()
    local b = broker.new()
    local t = run(b, nil, { paused = true })
    local c = b:handshake()
    local before = t:rss()
    local total, sent = 3000, 0
    for n = 1, total do
      c:send("PUBLISH", { topic = "a", payload = ("%06d"):format(n) .. ("x"):rep(20000) })
      sent = n
    end
    assert.equal(total, sent)
    c:not_taken(500) -- 60 MB do not fit: the program must have stopped reading
    assert.is_true(t:rss() < before + (24 << 20))
    t:resume()
    for n = 1, total do
      assert.equal(("%06d"):format(n), t:value("plant.any.data").value:sub(1, 6))
    end
    wait.till("all to be sent", 5000, function() return c.sending == 0 end)
  end)

  it("lets writes, PINGs and the goodbye out while nobody reads, and no acknowledgement", function()
    local b = broker.new()
    local t = run(b, "keep_alive = 1,", { paused = true })
    local c = b:handshake()
    -- a pipe does not hold it
    c:send("PUBLISH", { topic = "a", payload = ("x"):rep(1 << 20), qos = 1, id = 1 })
    for _ = 1, 3 do c:expect "PINGREQ" end
    assert.equal(0, (t:eval [[return lines.plant:publish("stop", "now")]]))
    local p = c:next()
    while p.type == "PINGREQ" do p = c:next() end
    assert.equal("stop", p.topic)
    t:eval "lines.plant:reconnect()"
    p = c:next()
    while p.type == "PINGREQ" do p = c:next() end
    assert.equal("DISCONNECT", p.type)
    c:close()
    c = b:accept() -- which is read as far as CONNACK, so that PINGs go out there, too
    c:expect "CONNECT"
    c:send("CONNACK", { session_present = true })
    c:expect "SUBSCRIBE"
    c:expect "PINGREQ"
    t:resume()
    t:value("plant.any.data")
  end)

  it("sends all but acknowledgements while nobody reads", function()
    local b = broker.new()
    local t = run(b, "keep_alive = 1, will_flag = true, will_topic = 'w', will_message = 'gone',",
      { paused = true })
    local c = b:handshake()
    -- a pipe does not hold it
    c:send("PUBLISH", { topic = "a", payload = ("x"):rep(1 << 20), qos = 1, id = 1 })
    for _ = 1, 3 do c:expect "PINGREQ" end
    t:ask 'after(0, function() lines.plant:publish("from/us", "5", { qos = 1 }) end)'
    assert.equal("from/us", c:next_but_pings().topic)
    t:kill "sigterm"
    assert.equal("DISCONNECT", c:next_but_pings().type)
    for _, p in ipairs(c.packets) do assert.is_not.equal("PUBACK", p.type) end
    wait.till("the end", nil, function() return t.code end)
    t:resume()
    assert.equal(0, (t:wait_exit()))
    -- the line that was begun is whole where the system lets the buffer grow, as it lets root
    local told = "1 value was not written: the reader of standard output is behind"
    local whole = t:text():sub(-1) == "}"
    assert.equal(not whole, t:text("stderr"):find(told, 1, true) ~= nil)
  end)

  it("notices that its broker vanishes while nobody reads, and nothing is lost", function()
    local net = netns.new()
    local m = mosquitto.start { net = net }
    local t = tagline.run(config, { HOST = '"127.0.0.1"', PORT = m.port,
      EXTRA = "ping_interval = 2, reply_timeout = 2," }, { net = net, paused = true })
    t:wait_log "connected to"
    local text = ("x"):rep(1 << 20) -- a pipe does not hold it
    for _, input in ipairs { text .. "\n", "the next\n" } do
      local code, _, errors = net:run(process.find "mosquitto_pub",
        { "-p", tostring(m.port), "-t", "a", "-q", "1", "-l" }, { input = input })
      assert.equal(0, code, errors)
    end
    wait.poll("a message", nil, function()
      return select(2, t:eval "lines.plant.stats.messages") ~= "0"
    end)
    net:run("/bin/sh", { "-c", "ip link set lo down" })
    t:wait_log "has given no sign of life for 4 s"
    net:run("/bin/sh", { "-c", "ip link set lo up" })
    t:wait_log "connected to"
    t:resume()
    repeat until t:value("plant.any.data").value == "the next"
    t:stop()
  end)

  it("ends with a whole line when its reader is behind, and says what is missing", function()
    local b = broker.new()
    local t = run(b, nil, { paused = true })
    local c = b:handshake()
    local total = 15000
    for n = 1, total do c:send("PUBLISH", { topic = "a", payload = ("%06d"):format(n) }) end
    c:silent(300)
    t:kill "sigterm"
    local left =
      tonumber(
        t:wait_log(
          "values? w%a+ not written"):match "(%d+) values? w%a+ not written: the reader of \z
            standard output is behind")
    t:resume()
    assert.equal(0, (t:wait_exit()))
    local lines = t:lines()
    for n, line in ipairs(lines) do
      assert.truthy(line:find(('"value":"%06d"'):format(n), 1, true) and line:find "}$", line)
    end
    assert.is_true(#lines > 0 and left > 0 and #lines + left <= total)
  end)

  it("ends when its reader has caught up", function()
    local b = broker.new()
    local t = run(b, nil, { paused = true })
    local c = b:handshake()
    for n = 1, 3000 do
      c:send("PUBLISH", { topic = "a", payload = ("%06d"):format(n) .. ("x"):rep(1000) })
    end
    c:silent(300)
    t:kill "sigterm"
    c:expect "DISCONNECT"
    t:resume()
    assert.equal(0, (t:wait_exit()))
    assert.is_nil(t:text("stderr"):find("not written", 1, true))
    local lines = t:lines()
    assert.truthy(lines[#lines]:find("}$"))
  end)

  it("blames a broker for a CONNACK that does not come, whoever holds back reading", function()
    local b = broker.new()
    local t = run(b, nil, { paused = true })
    local c = b:handshake()
    c:send("PUBLISH", { topic = "a", payload = ("x"):rep(1 << 20), qos = 1, id = 1 })
    assert.equal(0, (t:eval "lines.plant:set { connect_timeout = 1 }"))
    c = b:accept()
    c:expect "CONNECT"
    t:wait_log "no CONNACK within connect_timeout"
  end)
end)
