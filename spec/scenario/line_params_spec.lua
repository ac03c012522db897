-- Each line parameter has its effect: on the bytes of a connection, on its times, on what is
-- written. (What they do to values is in receive_spec and line_station_spec; sessions are in
-- line_session_spec.)
local uv = require "luv"
local scenario = require "spec.support.scenario"
local broker, packet, scope, tagline, wait = scenario "broker packet scope tagline wait"

local config = [[
fates = {}
line "plant" {
  host = "127.0.0.1", port = PORT, reconnect_delay = 0.02, reconnect_delay_max = 0.05, EXTRA
  station "any" {
    address = ".*", tags = { data = TxtI { "IN_DATA", new_value_on_time_change = true } },
  },
}
]]

local function run(b, extra, options)
  return tagline.run(config, { PORT = b.port, EXTRA = extra or "" }, options)
end

-- Publish these payloads to "out" and keep what becomes of each in the config's list `fates`.
local function publish(t, qos, from, to)
  local code, out, err = t:ask(([[
    local said = {}
    for n = %d, %d do
      local ok, why = lines.plant:publish("out", "m" .. n, { qos = %d },
        function(ok, why) fates[n] = ok and "ok" or why end)
      if not ok then said[#said + 1] = why end
    end
    return #said > 0 and table.concat(said, ",") or "taken"]]):format(from, to, qos))
  assert.same({ 0, "" }, { code, err })
  return out
end

local function fates(t, n)
  local _, out =
    t:eval(
      ("local all = {} for n = 1, %d do all[n] = fates[n] or '-' end return \z
        table.concat(all, ',')"):format(n))
  return out
end

describe("the parameters of CONNECT", function()
  after_each(scope.finish)

  for what, case in pairs {
    ["defaults"] = { "", { client_id = "tagline-plant", clean_session = false,
      keep_alive = 0 } },
    ["a name without a password"] = { [[user_name = "me",]],
      { client_id = "tagline-plant", clean_session = false, keep_alive = 0,
        user_name = "me" } },
    ["all that is possible"] = { [[client_id = "Zürich-1", user_name = "mé", password = "p\0\255w",
        clean_session = "YES", keep_alive = 65535, will_flag = true, will_topic = "w/é",
        will_message = "\0\1", will_qos = "QoS_2", will_retain = "YES",]],
      { client_id = "Zürich-1", clean_session = true, keep_alive = 65535, user_name = "mé",
        password = "p\0\255w",
        will = { topic = "w/é", message = "\0\1", qos = 2, retain = true } } },
    ["an empty will message"] = { [[will_flag = true, will_topic = "w",]],
      { client_id = "tagline-plant", clean_session = false, keep_alive = 0,
        will = { topic = "w", message = "", qos = 0, retain = false } } },
    ["will parameters without the flag"] =
      { [[will_topic = "w", will_message = "m", will_qos = 2, will_retain = true,]],
      { client_id = "tagline-plant", clean_session = false, keep_alive = 0 } },
  } do
    it("are on the wire, byte for byte: " .. what, function()
      local b = broker.new()
      run(b, case[1])
      local c = b:accept()
      local p = c:expect "CONNECT"
      assert.equal(#packet.encode("CONNECT", case[2]), c.received)
      p.type, p.flags = nil, nil
      assert.same(case[2], p)
    end)
  end

  it("force a clean session with a blank Client ID, and the log says so", function()
    local b = broker.new()
    local t = run(b, 'client_id = "", clean_session = "NO",')
    local p = b:handshake().connect
    assert.same({ "", true }, { p.client_id, p.clean_session })
    t:wait_log "WARN  plant: the Client ID is blank: the session is a clean one"
  end)
end)

describe("topic_filter and subscribe_qos", function()
  after_each(scope.finish)

  it("are asked for as they stand, shared subscriptions too", function()
    local b = broker.new()
    run(b,
      [[topic_filter = { "a/#", "+/é/up", "$share/group/b/+", "$SYS/x" }, subscribe_qos = 2,]])
    assert.same({ { filter = "a/#", qos = 2 }, { filter = "+/é/up", qos = 2 },
      { filter = "$share/group/b/+", qos = 2 },
      { filter = "$SYS/x", qos = 2 } }, b:handshake().subscribe.filters)
  end)

  it("leave the line connected without those that were refused, which are asked for again",
    function()
    local b = broker.new()
    local t = run(b, [[topic_filter = { "a/#", "b/#" },
      station "exact" { address = "b/1", time_filter = 60 }, station "other" { address = "a/1" },]])
    local c = b:handshake { codes = { 1, 0x80 } }
    t:wait_log "ERROR plant: filter 'b/#' refused by the broker; tagline subscribes to it again \z
      later %(logged once%)"
    local function statuses()
      return (
        select(2,
          t:eval 'return stations["plant.exact"].status .. stations["plant.other"].status .. \z
            lines.plant.status'))
    end
    assert.equal("StComErrStOnconnected", statuses())
    for _ = 1, 3 do
      local again = c:expect "SUBSCRIBE"
      assert.same({ { filter = "b/#", qos = 1 } }, again.filters)
      c:send("SUBACK", { id = again.id, codes = { 0x80 } })
    end
    local again = c:expect "SUBSCRIBE"
    c:send("SUBACK", { id = again.id, codes = { 1 } })
    t:wait_log "INFO  plant: filter 'b/#' is granted now"
    assert.equal("StOnStOnconnected", statuses())
    assert.equal(1, select(2, t:text("stderr"):gsub("refused by the broker", "")))
  end)

  it("leave every station in an error while all are refused", function()
    local b = broker.new()
    local t = run(b, [[topic_filter = "a/#", station "exact" { address = "b/1" },]])
    local c = b:handshake { codes = { 0x80 } }
    t:wait_log "ERROR plant: filter 'a/#' refused"
    c:send("PUBLISH", { topic = "a", payload = "x" })
    assert.equal("x", t:value("plant.any.data").value)
    local _, out = t:eval 'return lines.plant.status'
    assert.equal("connected", out)
  end)

  it("may be none: then the line only writes", function()
    local b = broker.new()
    local t = run(b, [[topic_filter = {},]])
    local c = b:accept()
    c:expect "CONNECT"
    c:send("CONNACK", {})
    t:wait_log "connected to"
    local _, out = t:eval 'return stations["plant.any"].status'
    assert.equal("StOn", out)
  end)

  it("say which filter was granted less, and which was refused", function()
    local b = broker.new()
    local t = run(b, [[topic_filter = { "a", "b", "c" }, subscribe_qos = 2,]])
    local c = b:handshake { codes = { 2, 0, 0x80 } }
    t:wait_log "WARN  plant: granted QoS 0 for 'b', QoS 2 was wanted"
    t:wait_log "ERROR plant: filter 'c' refused by the broker"
    c:send("PUBLISH", { topic = "a", payload = "x" })
    assert.equal("x", t:value("plant.any.data").value)
  end)

  it("add the addresses of stations that ask for it", function()
    local b = broker.new()
    tagline.run([[line "plant" { host = "127.0.0.1", port = PORT, topic_filter = "a",
      station "x" { address = "x/up", subscribe_address = true, tags = { data = TxtI "IN_DATA" } },
      station "y" { address = "a", subscribe_address = true, tags = { data = TxtI "IN_DATA" } },
      station "z" {
        address = "z/.*", subscribe_address = true, tags = { data = TxtI "IN_DATA" },
      } }]], { PORT = b.port })
    local asked = {}
    for at, one in ipairs(b:handshake().subscribe.filters) do asked[at] = one.filter end
    assert.same({ "a", "x/up" }, { asked[1], asked[2] })
  end)
end)

describe("full_debug", function()
  after_each(scope.finish)

  it("shows every packet with its fields and every value as it is set, and never the password",
    function()
    local b = broker.new()
    local t = run(b, [[full_debug = "YES", user_name = "me", password = "geheim",
      will_flag = true, will_topic = "w", will_message = "bye",
      ping_interval = 0.05, subscribe_qos = 2,]])
    local c = b:handshake():answer_pings()
    t:wait_log '%-> CONNECT level=4 clean=0 keep_alive=0 client_id="tagline%-plant" will_qos=0 \z
      will_retain=0 will_topic="w" .*"bye" user="me"'
    t:wait_log "<%- CONNACK session_present=0 code=0"
    t:wait_log '<%- SUBACK id=%d+ codes=0x02'
    c:send("PUBLISH", { topic = "a", payload = "1\n", qos = 2, id = 9, dup = true,
      retain = true })
    t:wait_log '<%- PUBLISH qos=2 dup=1 retain=1 id=9 topic="a" payload=2 bytes "1\\x0a"'
    t:wait_log 'value {"time":"[^"]+","tag":"plant.any.data","type":"TxtI","value":"1\\n",\z
      "status":"valid"}'
    t:wait_log "%-> PUBREC id=9"
    assert.equal("PUBREC", c:next_but_pings().type)
    c:send("PUBREL", { id = 9 })
    t:wait_log "<%- PUBREL id=9"
    t:wait_log "%-> PUBCOMP id=9"
    assert.equal("PUBCOMP", c:next_but_pings().type)
    t:wait_log "%-> PINGREQ"
    t:wait_log "<%- PINGRESP"
    publish(t, 2, 1, 1)
    local p = c:next_but_pings()
    assert.equal("PUBLISH", p.type)
    t:wait_log '%-> PUBLISH qos=2 dup=0 retain=0 id=%d+ topic="out" payload=2 bytes "m1"'
    c:send("PUBREC", { id = p.id })
    t:wait_log "%-> PUBREL"
    c:send("PUBCOMP", { id = p.id })
    t:wait_log "<%- PUBCOMP"
    t:stop()
    t:wait_log "%-> DISCONNECT"
    assert.truthy(t:text("stderr"):find('-> SUBSCRIBE id=%d+ "#" qos=2'))
    assert.is_nil(t:text("stderr"):find("geheim", 1, true))
  end)

  it("is silent when it is off", function()
    local b = broker.new()
    local t = run(b)
    local c = b:handshake()
    c:send("PUBLISH", { topic = "a", payload = "x" })
    t:value "plant.any.data"
    t:stop()
    assert.is_nil(t:text("stderr"):find("PUBLISH", 1, true))
  end)
end)

describe("keep_alive, ping_interval and reply_timeout", function()
  after_each(scope.finish)

  local function seconds(since) return (uv.hrtime() - since) / 1e9 end -- for lower bounds only

  it("ask the broker after ping_interval when that is shorter", function()
    local b = broker.new()
    local t = run(b, "keep_alive = 3600, ping_interval = 0.2,")
    local since = uv.hrtime()
    local c = b:handshake()
    for _ = 1, 3 do
      c:expect "PINGREQ"
      c:send("PINGRESP")
    end
    assert.is_true(seconds(since) > 0.5, "three silences of 0.2 s")
    assert.equal(1, #b.connections)
    t:stop()
  end)

  it("count ping_interval from the broker's last message", function()
    local b = broker.new()
    -- much longer than a busy machine needs from one message to the next
    run(b, "ping_interval = 2,")
    local c = b:handshake()
    local timer, sent, since = uv.new_timer(), 0, nil
    timer:start(0, 60, function()
      if sent == 12 then return end
      sent = sent + 1
      since = uv.hrtime()
      c:send("PUBLISH", { topic = "a", payload = "x" })
    end)
    c:expect "PINGREQ"
    timer:close()
    assert.equal(12, sent)
    assert.is_true(seconds(since) > 1.95)
  end)

  it("send something at least each keep_alive seconds, while the broker talks, too", function()
    local b = broker.new()
    run(b, "keep_alive = 1, ping_interval = 0,")
    local c = b:handshake()
    local timer = uv.new_timer() -- that it is in time, to the millisecond, is c.mqtt.timeout's
    timer:start(0, 100, function() c:send("PUBLISH", { topic = "a", payload = "x" }) end)
    c:expect "PINGREQ"
    timer:close()
  end)

  it("close when PINGRESP does not come, and name it", function()
    local b = broker.new()
    local t = run(b, "ping_interval = 0.05, reply_timeout = 1,")
    local c = b:handshake()
    c:expect "PINGREQ"
    c:expect_close()
    t:wait_log "ERROR plant: 127%.0%.0%.1:%d+: no PINGRESP within the reply timeout of 1 s"
    b:handshake()
  end)

  it("wait for ever with reply_timeout 0, and ping no more with ping_interval 0", function()
    local b = broker.new()
    local t = run(b, "ping_interval = 0.03, reply_timeout = 0,")
    local c = b:handshake()
    for _ = 1, 8 do c:expect "PINGREQ" end
    c:send("\x30")
    c:expect "PINGREQ"
    c:send("\x05\0\1alo")
    assert.equal("lo", t:value("plant.any.data").value)
    assert.equal(0, (t:eval "lines.plant:set{ ping_interval = 0 }"))
    while not c.closed do
      c:next() if c.packets[c.taken].type == "DISCONNECT" then break end
    end
    c:close()
    c = b:handshake()
    c:silent(200)
  end)

  it("do not bound PUBACK: a warning names it, the write waits", function()
    local b = broker.new()
    local t = run(b, "reply_timeout = 1,")
    local c = b:handshake()
    publish(t, 1, 1, 1)
    local p = c:expect "PUBLISH"
    t:wait_log("WARN  plant: PUBACK for identifier " .. p.id
      .. " .* has been missing for 1%.0 s")
    local _, age = t:eval "lines.plant.stats.oldest_inflight"
    assert.is_true(tonumber(age) >= 1)
    c:send("PUBACK", { id = p.id })
    wait.poll("confirmation", 5000, function() return fates(t, 1) == "ok" end)
    assert.equal(1, #b.connections)
  end)
end)

describe("connect_timeout, reconnect_delay", function()
  after_each(scope.finish)

  local function seconds(since) return (uv.hrtime() - since) / 1e9 end

  it("give up an address that does not answer at all, and name it", function()
    -- A listener whose queue is full does not answer further SYNs.
    local server = uv.new_tcp()
    assert(server:bind("127.0.0.1", 0))
    assert(server:listen(0, function() end))
    local port, fillers, up = server:getsockname().port, {}, 0
    for n = 1, 4 do
      fillers[n] = uv.new_tcp()
      fillers[n]:connect("127.0.0.1", port, function(why) if not why then up = up + 1 end end)
    end
    wait.till("a full queue", 5000, function() return up >= 2 end)
    local t = tagline.run(config, { PORT = port, EXTRA = "connect_timeout = 0.15," })
    t:wait_log("ERROR plant: connect to 127.0.0.1:" .. port
      .. ": no connection within connect_timeout %(0.15 s%)")
    t:wait_log "no connection within connect_timeout"
    t:stop()
    for _, one in ipairs(fillers) do one:close() end
    server:close()
  end)

  it("double the pause, with jitter, up to reconnect_delay_max, and begin anew after a success",
    function()
    local b = broker.new()
    tagline.run(config:gsub("reconnect_delay = .-, EXTRA",
      "reconnect_delay = 0.1, reconnect_delay_max = 0.4,"), { PORT = b.port })
    -- How long it waits after one attempt that fails, or after a connection that ends. A busy
    -- machine only makes it more.
    local function pause(connect)
      local c = connect(b)
      local since = uv.hrtime()
      c:close()
      wait.till("connection", nil, function() return #b.connections > b.taken end)
      return seconds(since)
    end
    local function attempt()
      local c = b:accept()
      c:expect "CONNECT"
      return c
    end
    local function success() return b:handshake() end
    for _, longest in ipairs { 0.1, 0.2, 0.4, 0.4 } do
      local took = pause(attempt)
      assert.is_true(took > longest / 2 - 0.02,
        ("a pause of %.3f s instead of %.1f"):format(took,
        longest))
    end
    -- One that is shorter than reconnect_delay_max shows the bound, without which they only
    -- grow, and the jitter.
    local function till_shorter_than(limit, connect)
      for _ = 1, 50 do
        if pause(connect) < limit then return true end
      end
    end
    assert.is_true(till_shorter_than(0.38, attempt))
    assert.is_true(till_shorter_than(0.19, success)) -- which begins anew
  end)
end)

describe("the parameters of writes", function()
  after_each(scope.finish)

  local out =
    [[station "out" { address = "none",
      tags = { to = TxtO { "OUT_TOPIC", default = "out" }, value = TxtO "OUT_VALUE" } },]]

  for qos = 0, 2 do
    it("publish_qos " .. qos .. " and publish_retain are a write's, unless it says otherwise",
      function()
      local b = broker.new()
      local t = run(b, ("publish_qos = 'QoS_%d', publish_retain = true,"):format(qos) .. out)
      local c = b:handshake()
      t:wait_log "connected"
      assert.equal(0, (t:ask 'tags["plant.out.value"]:write("x", function() end)'))
      local p = c:expect "PUBLISH"
      assert.same({ qos, true, "out", "x" }, { p.qos, p.retain, p.topic, p.payload })
      assert.equal(0, (t:eval 'lines.plant:publish("t", "y", { qos = 0, retain = false })'))
      p = c:expect "PUBLISH"
      assert.same({ 0, false, "t", "y" }, { p.qos, p.retain, p.topic, p.payload })
    end)
  end

  it("max_inflight bounds what is unacknowledged, max_queued what waits; one more fails with \z
    'queue full'", function()
    local b = broker.new()
    local t = run(b, "max_inflight = 2, max_queued = 3,")
    local c = b:handshake()
    t:wait_log "connected"
    assert.equal("queue full", publish(t, 1, 1, 6))
    local first, second = c:expect "PUBLISH", c:expect "PUBLISH"
    assert.same({ "m1", "m2" }, { first.payload, second.payload })
    c:silent(100)
    c:send("PUBACK", { id = first.id })
    local third = c:expect "PUBLISH"
    assert.equal("m3", third.payload)
    c:send("PUBACK", { id = second.id })
    c:send("PUBACK", { id = third.id })
    for n = 4, 5 do
      local p = c:expect "PUBLISH"
      assert.equal("m" .. n, p.payload)
      c:send("PUBACK", { id = p.id })
    end
    wait.poll("confirmations", 5000, function() return fates(t, 6)
      == "ok,ok,ok,ok,ok,queue full" end)
  end)

  it("offline_writes rejects by default, and queues in order when asked to, with max_queued as \z
    the bound", function()
    local b = broker.new()
    b:refuse()
    local t = run(b)
    t:wait_log "refused"
    assert.equal("not connected,not connected", publish(t, 1, 1, 2))
    t:stop()
    t = run(b, 'offline_writes = "queue", max_queued = 3,')
    t:wait_log "refused"
    assert.equal("queue full", publish(t, 1, 1, 4))
    b:listen()
    local c = b:handshake()
    for n = 1, 3 do
      local p = c:expect "PUBLISH"
      assert.same({ "m" .. n, false }, { p.payload, p.dup })
      c:send("PUBACK", { id = p.id })
    end
    wait.poll("confirmations", 5000, function() return fates(t, 4)
      == "ok,ok,ok,queue full" end)
  end)

  it("wait_timeout and max_wait_retry need no tuning: a write waits for ten messages' handlers \z
    at most", function()
    local b = broker.new()
    local t = run(b, [[wait_timeout = 100, max_wait_retry = 1000,
      station "slow" { address = "slow", tags = {},
        decode = function()
          local from = os.clock()
          repeat until os.clock() - from > 0.002
          return {}
        end },]] )
    local c = b:handshake()
    local one = packet.encode("PUBLISH", { topic = "slow", payload = "x", qos = 1, id = 1 })
    t:wait_log "connected"
    c:send(one:rep(3000)) -- six seconds of handlers, one piece
    c:expect "PUBACK"
    local _, received =
      t:eval 'assert(lines.plant:publish("t", "x", { qos = 0 })) return \z
        lines.plant.stats.received'
    local acknowledged = 1
    while c:next().type == "PUBACK" do acknowledged = acknowledged + 1 end
    assert.is_true(acknowledged <= tonumber(received) + 10, acknowledged
      .. " messages before it, of " .. received .. " received by then")
    assert.is_true(acknowledged < 3000)
    t:kill "sigkill"
  end)

  it("max_packet_size reads over what is longer: acknowledged, counted, said with its topic, \z
    and nothing ends", function()
    local b = broker.new()
    local t = run(b, "max_packet_size = 1000,")
    local c = b:handshake()
    for n = 1, 3 do
      c:send("PUBLISH", { topic = "big/one", payload = ("x"):rep(2000), qos = 1, id = n })
      assert.equal(n, c:expect("PUBACK").id)
    end
    c:send("PUBLISH", { topic = "big/two", payload = ("x"):rep(5000000), qos = 2, id = 4 })
    assert.equal(4, c:expect("PUBREC").id)
    c:send("PUBLISH", { topic = "small", payload = "x", qos = 1, id = 5 })
    assert.equal("x", t:value("plant.any.data").value)
    t:wait_log "ERROR plant: a message of topic 'big/one' has 2014 bytes, max_packet_size is \z
      1000: it is skipped and acknowledged %(logged once%)"
    t:wait_log "ERROR plant: a message of topic 'big/two' has %d+ bytes"
    assert.equal(1, select(2, t:text("stderr"):gsub("big/one", "")))
    assert.equal("4", (select(2, t:eval "return lines.plant.stats.too_long")))
    local _, status = t:eval "status()"
    assert.truthy(
      status:find(
        "4 messages longer than max_packet_size were skipped, the last on big/two, 5000016 \z
          bytes",
          1, true), status)
    assert.is_true(t:rss() < 200 << 20)
    assert.equal(1, #b.connections)
  end)

  it("max_queued_bytes bounds what waits in bytes", function()
    local b = broker.new()
    local t = run(b, [[max_queued_bytes = 10000, offline_writes = "queue",]])
    local c = b:handshake()
    t:wait_log "connected"
    b:refuse()
    c:reset()
    wait.poll("the loss", 10000,
      function() return select(2, t:eval "return lines.plant.status")
      ~= "connected" end)
    local code, _, said = t:ask [[
      for n = 1, 2 do
        assert(lines.plant:publish("t", ("x"):rep(4000), { qos = 1 },
          function(ok, why) fates[n] = ok and "ok" or why end))
      end
      assert(lines.plant:publish("t", ("x"):rep(4000), { qos = 1 }))]]
    assert.equal(1, code)
    assert.truthy(said:find("queue full", 1, true), said)
    assert.equal("8016", (select(2, t:eval "return lines.plant.stats.queued_bytes")))
  end)

  it("max_queue_age lets a write that waits fail as too old", function()
    local b = broker.new()
    local t = run(b, [[max_queue_age = 0.2, max_inflight = 1, offline_writes = "queue",]])
    local c = b:handshake()
    t:wait_log "connected"
    publish(t, 1, 1, 2)
    local sent = c:expect "PUBLISH"
    wait.poll("the second to age", 10000, function() return fates(t, 2) == "-,too old" end)
    c:send("PUBACK", { id = sent.id })
    wait.poll("the first, which was sent, to be done", 10000, function() return fates(t, 2)
      == "ok,too old" end)
    b:refuse()
    c:reset()
    wait.poll("the loss", 10000,
      function() return select(2, t:eval "return lines.plant.status")
      ~= "connected" end)
    publish(t, 1, 3, 3)
    wait.poll("the third to age without a connection", 10000, function() return fates(t, 3)
      == "ok,too old,too old" end)
  end)

  it("max_packet_size bounds what is sent, too", function()
    local b = broker.new()
    local t = run(b, "max_packet_size = 1000,")
    local c = b:handshake()
    t:wait_log "connected"
    local code, _, said = t:eval 'lines.plant:publish("t", ("x"):rep(1000), { qos = 0 })'
    assert.equal(1, code)
    assert.truthy(said:find("max_packet_size (1000)", 1, true), said)
    assert.equal(0, (t:eval 'lines.plant:publish("t", ("x"):rep(990), { qos = 0 })'))
    assert.equal(990, #c:expect("PUBLISH").payload)
  end)

  it("calls back, and prints, after the one who asked has gone", function()
    local b = broker.new()
    local t = run(b)
    local c = b:handshake()
    t:wait_log "connected"
    assert.equal(0,
      (t:ask 'lines.plant:publish("t", "x", { qos = 1 }, function(ok) print("it was", ok) end)'))
    assert.equal(0, (t:eval "1")) -- by now the end of the first one has been noticed
    c:send("PUBACK", { id = c:expect("PUBLISH").id })
    t:wait_log "^it was%s+true$"
    t:stop()
  end)
end)
