-- A message whose decoder takes long is handled in pieces: other lines go on between them, its own
-- line waits behind it. Counted in messages, not in time.
local scenario = require "spec.support.scenario"
local broker, files, process, scope, tagline = scenario "broker files process scope tagline"

-- Where a spec does something meanwhile, the decoder waits for it: a message of the other line, or
-- the prompt, opens its gate.
local config = [[
limits { handler_time = 60 }
local open = false
line "big" { host = "127.0.0.1", port = PORT, clean_session = false,
  station "s" { address = "s", ignore_retained = true,
    decode = function(msg)
      if #msg.payload < 1000 then return { v = 0, size = #msg.payload } end
      print("begins " .. VERSION)
      local kept, n = {}, 0
      repeat until open or msg.payload:byte() ~= ("g"):byte()
      for i = 1, 400000 do kept[i % 1000] = msg.payload:sub(i % 100, i % 100 + 20) n = n + 1 end
      return { v = n + VERSION, size = #msg.payload }
    end,
    tags = { v = Ai { new_value_on_time_change = true },
      size = Ci { new_value_on_time_change = true } } } }
line "one" { host = "127.0.0.1", port = PORT,
  station "s" { address = "o", on_value = function(tag) open = tag.value > 10 end,
    tags = { v = Ci "IN_DATA" } } }
]]

-- What keeps a decoder busy for many pieces.
local BUSY = "local kept = {} for i = 1, 400000 do \z
  kept[i % 1000] = msg.payload:sub(i % 100, i % 100 + 20) end"

-- A process that stores the long message and is killed before it confirms it; and the one behind
-- it.
local kept = [[
limits { handler_time = 60 }
local open = false
history { file = "plant.db" }
line "big" { host = "127.0.0.1", port = PORT, client_id = "big", session_store = STORE,
  subscribe_qos = 2,
  station "s" { address = "s", ignore_retained = true,
    decode = function(msg)
      if SLOW then print "begins" repeat until open end
      local kept = {}
      for i = 1, SLOW and 400000 or 0 do kept[i % 1000] = msg.payload:sub(i % 100, i % 100 + 20) end
      return { size = #msg.payload }
    end,
    tags = { ACK size = Ci { new_value_on_time_change = true } } } }
line "one" { host = "127.0.0.1", port = PORT, client_id = "one",
  station "s" { address = "o", on_value = function(tag) open = tag.value > 10 end,
    tags = { v = Ci "IN_DATA" } } }
]]

local LONG = ("x"):rep(40000)

describe("a long message", function()
  after_each(scope.finish)

  local t, b, lines

  local function start()
    b = broker.new()
    t = tagline.run(config, { PORT = b.port, VERSION = 1 })
    lines = {}
    for _ = 1, 2 do
      local c = b:handshake()
      lines[c.connect.client_id:match "%-(%a+)$"] = c
    end
  end

  local function send(id, payload, dup)
    lines.big:send("PUBLISH", { topic = "s", payload = payload, qos = 1, id = id, dup = dup })
  end

  local function begin()
    start()
    send(1, LONG)
    send(2, "short")
    t:wait_log "begins 1"
  end

  local function other(id)
    lines.one:send("PUBLISH", { topic = "o", payload = tostring(id), qos = 1, id = id })
    assert.equal(id, lines.one:expect_past_subscribe("PUBACK").id)
  end

  local function sizes(tag)
    local list = {}
    for _, value in ipairs(t:values()) do
      if value.tag == (tag or "big.s.size") then list[#list + 1] = value.value end
    end
    return list
  end

  it("lets other lines go on, and its own one wait behind it", function()
    start()
    send(1, "g" .. LONG:sub(2))
    send(2, "short")
    t:wait_log "begins 1"
    for id = 1, 10 do other(id) end
    assert.equal(#lines.big.packets, lines.big.taken, "it was done already")
    other(11)
    assert.equal(1, lines.big:expect("PUBACK").id)
    assert.equal(2, lines.big:expect("PUBACK").id)
    assert.equal(400001, t:value("big.s.v").value)
    assert.equal(0, t:value("big.s.v").value)
    t:stop()
    assert.same({ 40000, 5 }, sizes())
  end)

  it("goes on when the connection is lost, and is acknowledged when it comes again", function()
    begin()
    lines.big:reset()
    lines.big = b:handshake { session_present = true }
    send(1, LONG, true)
    assert.equal(1, lines.big:expect_past_subscribe("PUBACK").id)
    t:stop()
    assert.same({ 40000, 5, 40000 }, sizes())
  end)

  -- The message comes again under its old identifier, in another session.
  it("acknowledges nothing of a session that came meanwhile", function()
    b = broker.new()
    local folder = scope.folder()
    t = tagline.run([[
limits { handler_time = 60 }
local first = true
line "big" { host = "127.0.0.1", port = PORT, clean_session = false, session_store = FIRST,
  station "s" { address = "s",
    decode = function(msg)
      if first then lines.big:set { session_store = SECOND } end
      first = false
      BUSY
      print "ends"
      return { size = #msg.payload }
    end,
    tags = { size = Ci {} } } }
]], { PORT = b.port, BUSY = BUSY, FIRST = ("%q"):format(folder .. "/first"),
      SECOND = ("%q"):format(folder .. "/second") })
    lines = { big = b:handshake() }
    send(1, LONG)
    lines.big:expect_past_subscribe "DISCONNECT"
    lines.big:close()
    lines.big = b:handshake { session_present = true }
    send(1, LONG, true)
    assert.equal(1, lines.big:expect_past_subscribe("PUBACK").id)
    t:kill "sigkill"
    t:wait_exit()
    local _, ends = t:text("stderr"):gsub("ends", "")
    assert.equal(2, ends)
  end)

  -- The statuses of its station are printed, and when its decoder begins and ends. More words of
  -- the line and of the station. Returns the connection that the message came by.
  local function watched(of_line, of_station, open)
    b = broker.new()
    t = tagline.run([[
limits { handler_time = 60 }
line "l" { host = "127.0.0.1", port = PORT, OF_LINE
  station "s" { address = "s", no_data_timeout = 0.02, OF_STATION
    on_status = function(s) print("status " .. s.status) end,
    decode = function(msg)
      print "begins"
      BUSY
      repeat until open.now
      print "ends"
      return { size = #msg.payload }
    end,
    tags = { size = Ci {} } } }
open = { now = OPEN }
]], { PORT = b.port, BUSY = BUSY, OF_LINE = of_line, OF_STATION = of_station,
      OPEN = tostring(open) })
    local c = b:handshake()
    c:send("PUBLISH", { topic = "s", payload = LONG, qos = 1, id = 1 })
    return c
  end

  it("leaves a station that was lost meanwhile as it is", function()
    local c = watched("reconnect_delay = 60,", "time_filter = 0,", false)
    t:wait_log "begins"
    c:reset()
    t:wait_log "WARN  l: "
    t:eval "open.now = true"
    t:wait_log "ends"
    t:wait_line "40000"
    t:wait_line '"reason":"disconnected"'
    assert.equal("StHardErr", select(2, t:eval 'return stations["l.s"].status'):match "%w+")
    t:stop()
    assert.is_nil(t:text("stderr"):find "begins.*status StOn")
  end)

  it("is no silence of its line's stations", function()
    local c = watched("", "", true)
    assert.equal(1, c:expect_past_subscribe("PUBACK").id)
    t:wait_log "ends"
    t:stop()
    assert.is_nil(t:text("stderr"):find "begins.*status.*ends")
  end)

  it("is finished and acknowledged at SIGTERM", function()
    begin()
    t:kill "sigterm"
    assert.equal(1, lines.big:expect("PUBACK").id)
    local last
    repeat last = lines.big:next_but_pings() until last.type ~= "PUBACK"
    assert.equal("DISCONNECT", last.type)
    assert.equal(0, (t:wait_exit()))
    assert.equal(40000, sizes()[1])
  end)

  it("ends with the handlers that it began with, whatever a reload brings", function()
    begin()
    files.change(t.config_path, '" .. 1', '" .. 2')
    files.change(t.config_path, "n + 1,", "n + 2,")
    t:kill "sighup"
    t:wait_log "config.lua: reloaded"
    assert.equal(1, lines.big:expect("PUBACK").id)
    assert.equal(2, lines.big:expect("PUBACK").id)
    assert.equal(400001, t:value("big.s.v").value)
    send(3, LONG)
    assert.equal(3, lines.big:expect("PUBACK").id)
    assert.equal(0, t:value("big.s.v").value)
    assert.equal(400002, t:value("big.s.v").value)
  end)

  it("keeps its captures, whatever its line receives meanwhile", function()
    b = broker.new()
    t = tagline.run([[
limits { handler_time = 60 }
line "l" { host = "127.0.0.1", port = PORT,
  station "d-{dev}" { address = "d/(?<dev>.*)",
    decode = function(msg)
      print("begins " .. msg.topic)
      local n = 0
      for i = 1, 400000 do n = n + #msg.payload:sub(i % 100, i % 100 + 20) end
      return { dev = msg.captures.dev }
    end,
    tags = { dev = TxtI {} } } }
]], { PORT = b.port })
    local c = b:handshake()
    c:send("PUBLISH", { topic = "d/one", payload = LONG, qos = 1, id = 1 })
    t:wait_log "begins d/one"
    c:send("PUBLISH", { topic = "d/" .. ("two"):rep(50), payload = LONG, qos = 1, id = 2 })
    assert.equal(1, c:expect_past_subscribe("PUBACK").id)
    assert.equal(2, c:expect("PUBACK").id)
    assert.equal("one", t:value("l.d-one.dev").value)
    t:stop()
  end)

  it("goes on beside another line's, each with its own msg", function()
    b = broker.new()
    t = tagline.run([[
limits { handler_time = 60 }
for _, name in ipairs { "first", "second" } do
  line(name) { host = "127.0.0.1", port = PORT,
    station "s" { address = name,
      decode = function(msg)
        local all, n = 0, #msg.payload > 1000 and 100000 or 1
        for _ = 1, n do all = all + #msg.payload end
        assert(msg.topic == name)
        return { size = all // n }
      end,
      tags = { size = Ci { new_value_on_time_change = true } } } }
end
]], { PORT = b.port })
    local both = {}
    for _ = 1, 2 do
      local c = b:handshake()
      both[c.connect.client_id:match "%-(%a+)$"] = c
    end
    for round = 1, 3 do
      local size = 40000 + round
      for i, name in ipairs { "first", "second" } do
        both[name]:send("PUBLISH", { topic = name, payload = ("x"):rep(size + 1000 * i),
          qos = 1, id = 2 * round - 1 })
        both[name]:send("PUBLISH", { topic = name, payload = "short", qos = 1, id = 2 * round })
      end
      for _, name in ipairs { "first", "second" } do
        assert.equal(2 * round - 1, both[name]:expect_past_subscribe("PUBACK").id)
        assert.equal(2 * round, both[name]:expect("PUBACK").id)
      end
    end
    t:stop()
    assert.same({ 41001, 5, 41002, 5, 41003, 5 }, sizes "first.s.size")
    assert.same({ 42001, 5, 42002, 5, 42003, 5 }, sizes "second.s.size")
  end)

  it("goes with its line when that is removed", function()
    begin()
    local path = t.config_path
    files.write(path, ([[line "one" { host = "127.0.0.1", port = %d, station "s" { address = "o",
      tags = { v = Ci "IN_DATA" } } }]]):format(b.port))
    t:kill "sighup"
    t:wait_log "config.lua: reloaded"
    assert.equal(40000, t:value("big.s.size").value)
    other(9)
    t:stop()
  end)

  -- Its values come in one go, at its end, so a kill before finds none of them in the history and
  -- one behind it finds all; other lines' values are written meanwhile.
  it("is in the history once, with the values of other lines, wherever it is killed", function()
    local folder = scope.folder()
    local path = folder .. "/config.lua"
    b = broker.new()
    local function run(names)
      names.PORT, names.STORE = b.port, ("%q"):format(folder .. "/session")
      files.write(path, (kept:gsub("%f[%w_][A-Z]+%f[^%w_]", names)))
      t = tagline.run(path)
      lines = {}
      for _ = 1, 2 do
        local c = b:handshake { session_present = names.ACK == "" }
        lines[c.connect.client_id] = c
      end
      local again = names.ACK == ""
      lines.big:send("PUBLISH", { topic = "s", payload = LONG, qos = 2, id = 1, dup = again })
    end
    local between = 0
    local function another()
      between = between + 1
      other(between)
    end
    local function kill_amid()
      run { SLOW = "true", ACK = "" }
      t:wait_log "begins"
      for _ = 1, 3 do another() end
      assert.equal(#lines.big.packets, lines.big.taken, "it was done already")
      t:kill "sigkill"
      t:wait_exit()
    end
    kill_amid()
    run { SLOW = "false", ACK = 'id = Ci "IN_ID", ack = Co "ACK_ID",' }
    t:value "big.s.size"
    t:kill "sigkill"
    t:wait_exit()
    kill_amid()
    run { SLOW = "true", ACK = "" }
    t:wait_log "begins"
    while #lines.big.packets == lines.big.taken do another() end
    assert.is_true(between > 10, between .. " messages meanwhile")
    assert.equal(1, lines.big:expect_past_subscribe("PUBREC").id)
    t:stop()
    local function count(tag)
      local code, out, err = process.run("sqlite3", { "-readonly", folder .. "/plant.db",
        ("SELECT count(*) FROM value WHERE tag='%s' AND status='valid'"):format(tag) })
      assert.equal(0, code, err)
      return tonumber(out)
    end
    assert.equal(between, count "one.s.v")
    assert.equal(1, count "big.s.size")
  end)
end)
