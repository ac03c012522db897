-- session_store: what a killed process had promised, the next one keeps; packet by packet
-- against a scripted broker.
local uv = require "luv"
local scenario = require "spec.support.scenario"
local broker, process, scope, tagline, wait = scenario "broker process scope tagline wait"

local config = [[
line "plant" {
  host = "127.0.0.1", port = PORT, client_id = CLIENT, topic_filter = FILTER,
  session_store = STORE, publish_qos = QOS, offline_writes = "queue",
  reconnect_delay = 0.05, reconnect_delay_max = 0.1, EXTRA
  station "boiler" {
    address = "boiler/up",
    tags = {
      data = TxtI "IN_DATA",
      command = TxtO { "OUT_TOPIC", default = "boiler/set" },
      setpoint = TxtO "OUT_VALUE",
    },
  },
}
]]

describe("a session that is kept on disk", function()
  local b, store

  before_each(function()
    b = broker.new()
    store = scope.folder() .. "/store"
  end)
  after_each(scope.finish)

  -- Start the program. options: qos, client, filter, extra, store; and those of tagline.run.
  local function run(options)
    options = options or {}
    return tagline.run(config, {
      PORT = b.port, QOS = options.qos or 1, CLIENT = ("%q"):format(options.client or "me"),
      FILTER = ("%q"):format(options.filter or "boiler/up"),
        STORE = ("%q"):format(options.store or store), EXTRA = options.extra or "",
    }, options)
  end

  local function die(t)
    t:kill("sigkill")
    t:wait_exit()
  end

  -- A write that is reported as accepted, whether it can go out or not.
  local function accept(t, value)
    local code, out, err =
      t:ask(('tags["plant.boiler.setpoint"]:write("%s", function() end)'):format(value))
    assert.same({ 0, "true", "" }, { code, out, err })
  end

  -- CONNECT, CONNACK and SUBSCRIBE; what a session repeats comes behind it.
  local function present() return b:handshake { session_present = true } end

  local function published(c, payload, dup)
    local p = c:expect "PUBLISH"
    assert.same({ "boiler/set", payload, dup }, { p.topic, p.payload, p.dup })
    return p.id
  end

  -- Nothing comes before the answer to this.
  local function quiet(c)
    c:send("PUBLISH", { topic = "nobody/here", payload = "", qos = 1, id = 999 })
    assert.equal(999, c:expect("PUBACK").id)
  end

  for qos = 1, 2 do
    it("sends the accepted writes of a killed process in their order, at QoS " .. qos, function()
      b:refuse()
      local t = run { qos = qos }
      t:wait_log "refused"
      for _, value in ipairs { "one", "two", "three" } do accept(t, value) end
      die(t)
      t = run { qos = qos }
      t:wait_log "session_store: 3 unconfirmed writes"
      b:listen()
      local c = b:handshake()
      local ids = {}
      for at, value in ipairs { "one", "two", "three" } do ids[at] = published(c, value, false) end
      for _, id in ipairs(ids) do
        c:send(qos == 1 and "PUBACK" or "PUBREC", { id = id })
        if qos == 2 then c:send("PUBCOMP", { id = c:expect("PUBREL").id }) end
      end
      t:wait_log "writes of the previous process are settled"
      quiet(c) -- its answer leaves when that is on the disk
      die(t)
      run { qos = qos }
      quiet(present())
    end)

    it("repeats what was in flight with DUP and the same identifier, at QoS " .. qos, function()
      local t = run { qos = qos }
      local c = b:handshake()
      t:wait_log "connected to"
      accept(t, "one")
      accept(t, "two")
      local first, second = published(c, "one", false), published(c, "two", false)
      die(t)
      run { qos = qos }
      c = present()
      assert.same({ first, second }, { published(c, "one", true), published(c, "two", true) })
      quiet(c)
    end)

    it("repeats nothing that was confirmed, at QoS " .. qos, function()
      local t = run { qos = qos }
      local c = b:handshake()
      t:wait_log "connected to"
      accept(t, "one")
      local id = published(c, "one", false)
      c:send(qos == 1 and "PUBACK" or "PUBREC", { id = id })
      if qos == 2 then c:send("PUBCOMP", { id = c:expect("PUBREL").id }) end
      c:send("PUBLISH", { topic = "boiler/up", payload = "behind it", qos = 1, id = 1 })
      c:expect "PUBACK"
      die(t)
      run { qos = qos }
      quiet(present())
    end)
  end

  it("goes on with PUBREL after PUBREC, and never publishes that message again", function()
    local t = run { qos = 2 }
    local c = b:handshake()
    t:wait_log "connected to"
    accept(t, "one")
    local id = published(c, "one", false)
    c:send("PUBREC", { id = id })
    assert.equal(id, c:expect("PUBREL").id)
    die(t)
    t = run { qos = 2 }
    c = present()
    assert.equal(id, c:expect("PUBREL").id)
    die(t)
    t = run { qos = 2 }
    b:handshake { session_present = false } -- which may or may not have passed it on
    t:wait_log "settled"
    t:wait_log "WARN .* a write of the process before failed: session lost"
  end)

  it("publishes anew what was unconfirmed when the broker lost the session", function()
    local t = run()
    local c = b:handshake()
    t:wait_log "connected to"
    accept(t, "one")
    published(c, "one", false)
    die(t)
    t = run()
    c = b:handshake()
    t:wait_log "lost the session"
    published(c, "one", false)
    local _, said = t:eval "status()"
    assert.truthy(said:find("the broker lost the session 1 time", 1, true), said)
  end)

  it("stores a write before its bytes leave", function()
    local t = run()
    local c = b:handshake()
    t:wait_log "connected to"
    for n = 1, 20 do
      t:ask(('tags["plant.boiler.setpoint"]:write("%d", function() end)'):format(n))
      local id = published(c, tostring(n), false)
      die(t) -- as soon as the broker has it
      t = run()
      c = present()
      assert.equal(id, published(c, tostring(n), true))
      c:send("PUBACK", { id = id })
      quiet(c)
    end
  end)

  it("delivers a QoS 2 message once, whichever process gets its repeats", function()
    local t = run()
    local c = b:handshake()
    c:send("PUBLISH", { topic = "boiler/up", payload = "once", qos = 2, id = 7 })
    assert.equal(7, c:expect("PUBREC").id)
    assert.equal("once", t:value("plant.boiler.data").value)
    for _ = 1, 3 do
      die(t)
      t = run()
      c = present()
      c:send("PUBLISH", { topic = "boiler/up", payload = "once", qos = 2, id = 7, dup = true })
      assert.equal(7, c:expect("PUBREC").id)
    end
    c:send("PUBREL", { id = 7 })
    assert.equal(7, c:expect("PUBCOMP").id)
    c:send("PUBLISH", { topic = "boiler/up", payload = "another", qos = 2, id = 7 })
    assert.equal("another", t:value("plant.boiler.data").value)
    for _, v in ipairs(t:values()) do assert.is_not.equal("once", v.value) end
  end)

  -- What a handler prints is synced first, which takes its time: a kill within must not take a
  -- value whose identifier is stored.
  it("prints the values of a QoS 2 message before anything is synced", function()
    local path = tagline.config(config, {
      PORT = b.port, QOS = 1, CLIENT = '"me"', FILTER = '"boiler/up"', STORE = ("%q"):format(store),
      EXTRA = [[on_value = function(tag) print("handler " .. tostring(tag.value)) end,]],
    })
    local words = { "-c", 'exec "$0" "$@" 2>&1', tagline.program(), "run", path, "--values",
      "--socket", scope.folder() .. "/socket" }
    local t = process.start("/bin/sh", words)
    local c = b:handshake()
    for n = 1, 3 do
      c:send("PUBLISH", { topic = "boiler/up", payload = "message " .. n, qos = 2, id = n })
      assert.equal(n, c:expect("PUBREC").id)
      t:wait_line("^handler message " .. n)
    end
    local seen = {}
    for _, line in ipairs(t:lines()) do
      seen[#seen + 1] = line:match "^handler message %d" or line:match '"value":"(message %d)"'
    end
    assert.same({ "message 1", "handler message 1", "message 2", "handler message 2", "message 3",
      "handler message 3" }, seen)
    t:kill("sigterm")
    assert.equal(0, (t:wait_exit()))
  end)

  it("takes a new message under an identifier that was released before the kill", function()
    local t = run()
    local c = b:handshake()
    for n = 1, 5 do
      c:send("PUBLISH", { topic = "boiler/up", payload = "value " .. n, qos = 2, id = 7 })
      assert.equal("value " .. n, t:value("plant.boiler.data").value)
      c:expect "PUBREC"
      c:send("PUBREL", { id = 7 })
      c:expect "PUBCOMP"
      die(t) -- as soon as the broker may use it again
      t = run()
      c = present()
    end
  end)

  it("gives a message that waited for ACK_ID to the next process again", function()
    local extra = [[ station "held" { address = "held",
      tags = { data = TxtI "IN_DATA", id = Ci "IN_ID", ack = Co "ACK_ID" } }, ]]
    local t = run { extra = extra }
    local c = b:handshake()
    c:send("PUBLISH", { topic = "held", payload = "unconfirmed", qos = 2, id = 3 })
    t:value "plant.held.id"
    die(t)
    t = run { extra = extra }
    c = present()
    c:send("PUBLISH", { topic = "held", payload = "unconfirmed", qos = 2, id = 3, dup = true })
    assert.equal("unconfirmed", t:value("plant.held.data").value)
    assert.equal(0, (t:eval 'tags["plant.held.ack"]:write(3)'))
    assert.equal(3, c:expect("PUBREC").id)
  end)

  it("unsubscribes the filter of the process before", function()
    die((function()
      local t = run { filter = "old/#" }
      b:handshake()
      t:wait_log "connected to"
      return t
    end)())
    local t = run { filter = "new/#" }
    local c = b:accept()
    c:expect "CONNECT"
    c:send("CONNACK", { session_present = true })
    local u = c:expect "UNSUBSCRIBE"
    assert.same({ "old/#" }, u.filters)
    local s = c:expect "SUBSCRIBE"
    assert.equal("new/#", s.filters[1].filter)
    die(t) -- not answered yet: it must be asked again
    t = run { filter = "new/#" }
    c = b:accept()
    c:expect "CONNECT"
    c:send("CONNACK", { session_present = true })
    u = c:expect "UNSUBSCRIBE"
    s = c:expect "SUBSCRIBE"
    c:send("UNSUBACK", { id = u.id }):send("SUBACK", { id = s.id, codes = { 1 } })
    quiet(c)
    die(t)
    run { filter = "new/#" }
    quiet(present()) -- handshake() expects SUBSCRIBE right behind CONNECT
  end)

  it("keeps a second process out, which takes over when the first is gone", function()
    local t = run()
    b:handshake()
    t:wait_log "connected to"
    local second = run()
    second:wait_log "ERROR plant: session store .*plant%.me%.sqlite: in use by another process"
    second:wait_log "in use by another process" -- it tries again
    local code, _, err = second:eval 'tags["plant.boiler.setpoint"]:write("x", function() end)'
    assert.same({ 1, true }, { code, err:find("in use by another process", 1, true) ~= nil })
    die(t)
    present()
    second:wait_log "connected to"
  end)

  it("is that of its Client ID only", function()
    b:refuse()
    local t = run { client = "me" }
    t:wait_log "refused"
    accept(t, "mine")
    die(t)
    b:listen()
    t = run { client = "another" }
    quiet(b:handshake())
    t:stop()
    run { client = "me" }
    published(b:handshake(), "mine", false)
  end)

  it("stays behind while clean_session is on, and is there when it is off again", function()
    b:refuse()
    local t = run()
    t:wait_log "refused"
    accept(t, "kept")
    die(t)
    b:listen()
    t = run { extra = "clean_session = true," }
    local c = b:handshake()
    assert.is_true(c.connect.clean_session)
    quiet(c)
    t:stop()
    run()
    published(b:handshake(), "kept", false)
  end)

  it("survives an ordinary end, too", function()
    local t = run()
    local c = b:handshake()
    t:wait_log "connected to"
    accept(t, "one")
    local id = published(c, "one", false)
    t:kill("sigterm")
    c:expect "DISCONNECT"
    c:close()
    assert.equal(0, (t:wait_exit()))
    run()
    assert.equal(id, published(present(), "one", true))
  end)

  it("is changed on a live line as by a restart: what the old store holds stays there", function()
    local t = run()
    local c = b:handshake()
    t:wait_log "connected to"
    accept(t, "old place")
    local id = published(c, "old place", false)
    assert.equal(0, (t:eval(('lines.plant:set { session_store = %q }'):format(scope.folder()))))
    c:expect "DISCONNECT"
    c:close()
    c = present()
    quiet(c)
    accept(t, "new place")
    local new = published(c, "new place", false)
    assert.equal(0, (t:eval(('lines.plant:set { session_store = %q }'):format(store))))
    c:expect "DISCONNECT"
    c:close()
    assert.equal(id, published(present(), "old place", true))
    assert.is_number(new)
    die(t)
    run()
    assert.equal(id, published(present(), "old place", true))
  end)

  describe("that cannot be kept", function()
    it("because its file is damaged, is said, and no byte is sent", function()
      uv.fs_mkdir(store, 448)
      scope.file("plant.me.sqlite", ("no store at all "):rep(200), store)
      local t = run()
      t:wait_log "ERROR plant: session store .*/plant%.me%.sqlite: damaged, or not a session \z
        store; move it away to begin with an empty one"
      t:wait_log "damaged"
      assert.equal(0, #b.connections)
      os.remove(store .. "/plant.me.sqlite")
      b:handshake()
      t:wait_log "connected to"
    end)

    it("because there is no place for its folder, is said", function()
      local t = run { store = store .. "/no/such" }
      t:wait_log "ERROR plant: session store .*: No such file or directory"
      assert.equal(0, #b.connections)
    end)

    it("because the disk is full, closes the line and loses nothing", function()
      -- A limit on the size of files stands for the full disk; the signal that comes with it is
      -- ignored by who starts the program.
      local path = tagline.config(config, { PORT = b.port, QOS = 1, CLIENT = '"me"',
        FILTER = '"boiler/up"',
        STORE = ("%q"):format(store), EXTRA = "max_queued = 100000," })
      local socket = scope.folder() .. "/socket"
      local t = process.start("/bin/bash",
        { "-c", 'trap "" XFSZ; ulimit -S -f 200; exec "$0" "$@"', tagline.program(), "run", path,
        "--socket", socket })
      setmetatable(t, tagline)
      t.socket = socket
      local c = b:handshake()
      t:wait_log "connected to"
      local accepted, refusal = {}, nil
      for n = 1, 100 do
        local value = n .. (" filling"):rep(2000)
        local code, out, err =
          t:ask(('return (tags["plant.boiler.setpoint"]:write("%s", function() end))'):format(
            value))
        if code ~= 0 or out ~= "true" then
          refusal = out .. err
          break
        end
        accepted[#accepted + 1] = value
        assert.equal(value, c:expect("PUBLISH").payload)
      end
      assert.truthy(refusal and refusal:find("session store .*plant%.me%.sqlite: File too large"),
        refusal)
      assert.is_true(#accepted > 2)
      c:expect_close() -- the refused write did not reach the broker
      t:wait_log "ERROR plant: session store .*: File too large"
      local code, _, err = t:eval 'tags["plant.boiler.setpoint"]:write("x", function() end)'
      assert.same({ 1, true }, { code, err:find("File too large", 1, true) ~= nil })
      assert.equal(0, #b.connections - 1) -- it does not connect again before the disk works
      os.execute(("prlimit --pid %d --fsize=unlimited"):format(t.pid))
      c = present()
      for _, value in ipairs(accepted) do assert.equal(value, c:expect("PUBLISH").payload) end
      die(t)
      run()
      c = present()
      for _, value in ipairs(accepted) do assert.equal(value, c:expect("PUBLISH").payload) end
    end)
  end)

  it("leaves no lock behind, however often it is killed", function()
    for n = 1, 10 do
      local t = run()
      wait.till("a connection", 5000, function() return #b.connections >= n end)
      die(t)
    end
    local t = run()
    for _ = 1, 10 do b:accept() end
    b:handshake()
    t:wait_log "connected to"
    assert.is_nil(t:text("stderr"):find("in use"))
  end)
end)
