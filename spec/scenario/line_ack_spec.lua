-- ACK_ID: the acknowledgement and the next message wait for the write of IN_ID's value, on the
-- whole line.
local scenario = require "spec.support.scenario"
local broker, files, mosquitto, netns, packet, process, scope, tagline, wait =
  scenario "broker files mosquitto netns packet process scope tagline wait"

local config = [[
line "plant" {
  host = "127.0.0.1", port = PORT, reconnect_delay = 0.02, reconnect_delay_max = 0.05,
  subscribe_qos = 2, topic_filter = "a/#", clean_session = CLEAN, EXTRA
  station "held" {
    address = "a/held", HOOK
    tags = { id = Ci { "IN_ID", new_value_on_time_change = true },
      data = TxtI { "IN_DATA", new_value_on_time_change = true }, ack = Co "ACK_ID" },
  },
  station "free" {
    address = "a/free", tags = { data = TxtI { "IN_DATA", new_value_on_time_change = true } },
  },
}
]]

local function start(extra, options)
  options = options or {}
  local b = broker.new()
  local t = tagline.run(config,
    { PORT = b.port, EXTRA = extra or "", CLEAN = tostring(options.clean or false),
      HOOK = options.hook or "" },
    options)
  local c = b:handshake()
  return t, c, b
end

local function ack(t, id) return t:eval(('return tags["plant.held.ack"]:write(%d)'):format(id)) end
local function confirm(t, id) assert.same({ 0, "true", "" }, { ack(t, id) }) end
-- code, stdout, stderr
local function refused(why, ...) assert.same({ 1, "nil\t" .. why, why }, { ... }) end
local function send(c, topic, payload, qos, id)
  c:send("PUBLISH", { topic = topic, payload = payload, qos = qos, id = id })
end
local function quiet(t, c, milliseconds) -- no acknowledgement, no further message's values
  c:silent(milliseconds or 80)
  assert.has_error(function() t:wait_line('data"', 1) end)
end
local function free(t) return t:value("plant.free.data").value end
local function held(t) return t:value("plant.held.data").value end

describe("ACK_ID", function()
  after_each(scope.finish)

  for qos, word in pairs { [1] = "PUBACK", [2] = "PUBREC" } do
    it("holds " .. word .. " and the next message until IN_ID's value is written to it", function()
      local t, c = start()
      send(c, "a/held", "one", qos, 11)
      assert.equal("one", held(t))
      assert.equal(11, t:value("plant.held.id").value)
      send(c, "a/held", "two", qos, 12)
      send(c, "a/free", "three", 1, 13)
      quiet(t, c)
      confirm(t, 11)
      assert.equal(11, c:expect(word).id)
      assert.equal("two", held(t))
      quiet(t, c)
      confirm(t, 12)
      assert.equal(12, c:expect(word).id)
      assert.equal("three", free(t))
      assert.equal(13, c:expect("PUBACK").id)
      if qos == 2 then
        for id = 11, 12 do
          c:send("PUBREL", { id = id })
          assert.equal(id, c:expect("PUBCOMP").id)
        end
      end
      t:stop()
    end)
  end

  it("takes 0 for QoS 0, each time", function()
    local t, c = start()
    for _, payload in ipairs { "one", "two", "three" } do send(c, "a/held", payload, 0) end
    send(c, "a/free", "end", 0)
    for _, payload in ipairs { "one", "two", "three" } do
      assert.equal(payload, held(t))
      assert.equal(0, t:value("plant.held.id").value)
      quiet(t, c, 40)
      confirm(t, 0)
    end
    assert.equal("end", free(t))
  end)

  it("refuses any other number, says which it expects, and acknowledges nothing", function()
    local t, c = start()
    refused("no message waits for an acknowledgement", ack(t, 0))
    send(c, "a/held", "one", 1, 11)
    held(t)
    for _, id in ipairs { 0, 10, 12, -11, 65547 } do
      refused(("expected 11 (IN_ID of the message that waits), got %d"):format(id), ack(t, id))
    end
    local _, _, err = t:eval 'tags["plant.held.ack"]:write("11")'
    assert.is_not.equal("", err)
    quiet(t, c)
    confirm(t, 11)
    assert.equal(11, c:expect("PUBACK").id)
    refused("no message waits for an acknowledgement", ack(t, 11))
  end)

  it("is that of the station whose message waits", function()
    local t, c =
      start(
        'station "other" { address = "a/other", tags = { id = Ci "IN_ID", ack = Co "ACK_ID" } },')
    send(c, "a/held", "one", 1, 11)
    held(t)
    refused("the message that waits belongs to station 'held'",
      t:eval 'return tags["plant.other.ack"]:write(11)')
    quiet(t, c)
    confirm(t, 11)
    assert.equal(11, c:expect("PUBACK").id)
  end)

  it("is written by a handler of the very message", function()
    local t, c = start(nil, { hook = [[on_value = function(tag)
      if tag.name == "id" then assert(tag.station.tags.ack:write(tag.value)) end end,]] })
    for id = 1, 50 do send(c, "a/held", "x", 1 + id % 2, id) end
    for id = 1, 50 do assert.equal(id, c:expect(id % 2 == 0 and "PUBACK" or "PUBREC").id) end
    t:stop()
    assert.is_nil(t:text("stderr"):find "ERROR")
  end)

  it("does not keep writes and PINGs from going out", function()
    local t, c = start "ping_interval = 0.1,"
    c:answer_pings()
    send(c, "a/held", "one", 1, 11)
    held(t)
    assert.equal(0, (t:eval 'lines.plant:publish("t", "x")'))
    assert.equal("PUBLISH", c:next_but_pings().type)
    c:expect "PINGREQ"
    confirm(t, 11)
    assert.equal(11, c:next_but_pings().id)
  end)

  it("keeps repeated QoS 2 messages out, and answers them in their place", function()
    local t, c = start()
    send(c, "a/held", "one", 2, 11)
    held(t)
    c:send("PUBLISH", { topic = "a/held", payload = "one", qos = 2, id = 11, dup = true })
    quiet(t, c)
    confirm(t, 11)
    assert.equal(11, c:expect("PUBREC").id)
    assert.equal(11, c:expect("PUBREC").id)
    c:send("PUBREL", { id = 11 })
    c:expect "PUBCOMP"
    assert.equal(1, select(2, t:text("stdout"):gsub('"one"', "")))
  end)

  it("stops reading at receive_queue, holds memory bounded, pings and times nothing, and loses \z
    nothing", function()
    local t, c, b = start "receive_queue = 100, ping_interval = 0.1, reply_timeout = 1.5,"
    c:answer_pings()
    local before = t:rss()
    local payload = ("x"):rep(10000)
    send(c, "a/held", "first", 1, 1)
    for n = 2, 3000 do send(c, "a/free", ("%06d"):format(n) .. payload, 1, n) end -- 30 MB
    held(t)
    c:not_taken(400)
    wait.poll("a full queue", 5000, function() return select(2, t:eval "lines.plant.stats.held")
      == "101" end)
    c:drop_pings()
    c:silent(2000) -- no PINGREQ, no close
    assert.is_true(t:rss() < before + (24 << 20), "memory grew by " .. (t:rss() - before))
    confirm(t, 1)
    for n = 1, 3000 do
      local p = c:next_but_pings()
      assert.same({ "PUBACK", n }, { p.type, p.id })
      if n > 1 then assert.equal(n, tonumber(free(t):sub(1, 6))) end
    end
    assert.equal(1, #b.connections)
  end)

  it("notices a broker that vanishes while receive_queue is full and nothing is read", function()
    local net = netns.new()
    local m = mosquitto.start { net = net }
    local t = tagline.run(config, { PORT = m.port, CLEAN = "false", HOOK = "",
      EXTRA = "receive_queue = 2, ping_interval = 2, reply_timeout = 2," }, { net = net })
    t:wait_log "connected to"
    local code, _, errors = net:run(process.find "mosquitto_pub",
      { "-p", tostring(m.port), "-t", "a/held", "-q", "1", "-l" }, { input = "1\n2\n3\n4\n5\n" })
    assert.equal(0, code, errors)
    wait.poll("a full queue", nil, function() return select(2, t:eval "lines.plant.stats.held")
      == "3" end)
    net:run("/bin/sh", { "-c", "ip link set lo down" })
    t:wait_log "has given no sign of life for 4 s"
    local _, out = t:eval "status()"
    assert.truthy(out:find("no sign of life", 1, true), out)
    assert.truthy(out:find("look at the network between", 1, true), out)
    net:run("/bin/sh", { "-c", "ip link set lo up" })
    t:wait_log "connected to"
  end)

  it("stops reading at receive_queue_bytes, too", function()
    local t, c = start("receive_queue_bytes = 100000,")
    send(c, "a/held", "one", 1, 11)
    for n = 12, 99 do send(c, "a/free", n .. ("x"):rep(20000), 1, n) end
    held(t)
    wait.poll("a full queue", 10000, function()
      local _, out =
        t:eval "local s = lines.plant.stats return s.held .. ' ' .. (s.held_bytes < 200000 and \z
          s.held_bytes > 100000 and 'ok' or s.held_bytes)"
      return out == "6 ok"
    end)
    confirm(t, 11)
    for _ = 12, 99 do free(t) end
    for n = 11, 99 do assert.equal(n, c:expect("PUBACK").id) end
  end)

  it("bounds messages that came in one piece by receive_queue, exactly", function()
    local t, c = start "receive_queue = 10,"
    local all =
      { packet.encode("PUBLISH", { topic = "a/held", payload = "first", qos = 1, id = 1 }) }
    for n = 2, 1000 do
      all[n] = packet.encode("PUBLISH", { topic = "a/free", payload = tostring(n), qos = 1,
        id = n })
    end
    c:send(table.concat(all))
    held(t)
    wait.poll("a full queue", 5000, function() return select(2, t:eval "lines.plant.stats.held")
      == "11" end)
    confirm(t, 1)
    for n = 1, 1000 do assert.equal(n, c:expect("PUBACK").id) end
  end)

  for _, clean in ipairs { true, false } do
    it("survives the loss of the connection while a message is held, clean session "
      .. (clean and "YES" or "NO"), function()
      local t, c, b = start(nil, { clean = clean })
      send(c, "a/held", "one", 1, 11)
      send(c, "a/free", "two", 1, 12)
      held(t)
      c:reset()
      c = b:handshake { session_present = not clean }
      if not clean then -- what was not acknowledged comes again
        c:send("PUBLISH", { topic = "a/held", payload = "one", qos = 1, id = 11, dup = true })
        c:send("PUBLISH", { topic = "a/free", payload = "two", qos = 1, id = 12, dup = true })
      end
      send(c, "a/free", "three", 1, 13)
      quiet(t, c)
      -- of the old connection: the new one owes nothing for it, and who confirms hears so
      refused(
        "the connection that brought the message is gone: nothing is acknowledged, and the \z
          broker may send it again", ack(t, 11))
      assert.equal("two", free(t))
      if not clean then
        assert.equal("one", held(t))
        confirm(t, 11)
        assert.equal(11, c:expect("PUBACK").id)
        assert.equal("two", free(t))
        assert.equal(12, c:expect("PUBACK").id)
      end
      assert.equal("three", free(t))
      assert.equal(13, c:expect("PUBACK").id)
    end)
  end

  it("delivers a QoS 2 message once although the connection broke while it was held", function()
    local t, c, b = start()
    send(c, "a/held", "one", 2, 11)
    held(t)
    c:reset()
    c = b:handshake { session_present = true }
    c:send("PUBLISH", { topic = "a/held", payload = "one", qos = 2, id = 11, dup = true })
    quiet(t, c)
    confirm(t, 11)
    assert.equal(11, c:expect("PUBREC").id)
    c:send("PUBREL", { id = 11 })
    c:expect "PUBCOMP"
    send(c, "a/free", "end", 0)
    free(t)
    assert.equal(1, select(2, t:text("stdout"):gsub('"one"', "")))
  end)

  it("comes through a new connection while receive_queue is full", function()
    local t, c, b = start("receive_queue = 5, connect_timeout = 1.5, reply_timeout = 1.5,",
      { clean = true })
    send(c, "a/held", "one", 1, 11)
    for n = 12, 20 do send(c, "a/free", tostring(n), 1, n) end
    held(t)
    wait.poll("a full queue", 5000, function() return select(2, t:eval "lines.plant.stats.held")
      == "6" end)
    t:eval "lines.plant:reconnect()" -- the loss of a connection that is not read goes unnoticed
    c:expect "DISCONNECT"
    c:close()
    c = b:handshake()
    send(c, "a/free", "30", 1, 30)
    c:silent(2000) -- longer than each timeout
    assert.equal(1, (ack(t, 11))) -- its connection is gone
    for n = 12, 16 do assert.equal(tostring(n), free(t)) end
    assert.equal("30", free(t))
    assert.equal(30, c:expect("PUBACK").id)
    assert.equal(2, #b.connections)
  end)

  for what, code in pairs { ["switched off"] = ":off()", simulated = ":simulate(true)" } do
    it("lets the line go on when the station is " .. what .. " while its message is held",
      function()
      local t, c = start()
      send(c, "a/held", "one", 1, 11)
      send(c, "a/free", "two", 1, 12)
      held(t)
      quiet(t, c, 40)
      t:eval('stations["plant.held"]' .. code)
      assert.equal(11, c:expect("PUBACK").id)
      assert.equal("two", free(t))
      assert.equal(12, c:expect("PUBACK").id)
      send(c, "a/held", "nobody's", 1, 13)
      assert.equal(13, c:expect("PUBACK").id)
    end)
  end

  it("lets the line go on when a reload takes the station, or its ACK_ID, away", function()
    local without = [[station "held" { address = "a/held",
      tags = { data = TxtI { "IN_DATA", new_value_on_time_change = true } } },]]
    for _, with in ipairs { "", without } do
      local t, c = start()
      send(c, "a/held", "one", 1, 11)
      send(c, "a/free", "two", 1, 12)
      held(t)
      files.change(t.config_path, files.read(t.config_path):match 'station "held" %b{},', with)
      t:kill "sighup"
      assert.equal(11, c:expect_past_subscribe("PUBACK").id)
      assert.equal("two", free(t))
      assert.equal(12, c:expect_past_subscribe("PUBACK").id)
      t:stop()
    end
  end)

  it("goes on with what waited when a slow reader of the values comes back", function()
    local t, c = start("", { paused = true })
    send(c, "a/held", ("x"):rep(1 << 20), 1, 11) -- more than a pipe holds
    send(c, "a/free", "two", 1, 12)
    c:silent(300)
    confirm(t, 11) -- nothing can leave, and nothing more is taken
    c:silent(100)
    t:resume()
    assert.equal(11, c:expect("PUBACK").id)
    assert.equal("two", free(t))
    assert.equal(12, c:expect("PUBACK").id)
  end)

  -- A line that is away: what waited is handled then.
  local function away(on_value)
    local b = broker.new()
    local t = tagline.run([[
line "plant" { host = "127.0.0.1", port = PORT, reconnect_delay = 60, clean_session = false,
  session_store = STORE,
  station "held" { address = "a/held", time_filter = 0, ON_VALUE
    tags = { id = Ci "IN_ID", data = TxtI "IN_DATA", ack = Co "ACK_ID" } } }
]], { PORT = b.port, STORE = ("%q"):format(scope.folder() .. "/first"), ON_VALUE = on_value or "" })
    local c = b:handshake()
    for i, text in ipairs { "one", "two", "three" } do send(c, "a/held", text, 1, 10 + i) end
    assert.equal("one", held(t))
    wait.poll("the others", 5000,
      function() return select(2, t:eval "lines.plant.stats.held") == "3" end)
    c:reset()
    t:wait_line 'held%.data.*"reason":"disconnected"'
    assert.equal(1, (ack(t, 11)))
    return t
  end

  it("leaves a station that was lost StHardErr, whatever values it has waited with", function()
    local t = away()
    t:wait_line '"value":"two"'
    t:wait_line 'held%.data.*"reason":"disconnected"'
    assert.equal("StHardErr", select(2, t:eval 'return stations["plant.held"].status'):match "%w+")
    t:stop()
  end)

  it("lets a handler of what waited take another session_store", function()
    local t = away([[on_value = function(tag)
      if tag.name == "data" and tag.value == "two" then
        lines.plant:set { session_store = "" }
        print "taken"
      end
    end,]])
    t:wait_log "taken"
    assert.same({ 0, "0", "" }, { t:eval "return lines.plant.stats.held" })
    t:stop()
  end)

  it("goes on holding when a reload changes nothing of the station", function()
    local t, c = start()
    send(c, "a/held", "one", 1, 11)
    held(t)
    t:kill "sighup"
    t:wait_log "config.lua: reloaded"
    quiet(t, c)
    confirm(t, 11)
    assert.equal(11, c:expect("PUBACK").id)
  end)
end)
