-- What handlers do to their own line while its connection ends, or while the line itself goes away.
local scenario = require "spec.support.scenario"
local broker, files, process, scope, tagline, wait =
  scenario "broker files process scope tagline wait"

local config = [[
line "plant" {
  host = "127.0.0.1", port = PORT, reconnect_delay = 0.02, reconnect_delay_max = 0.02, EXTRA
  station "pump" {
    address = "pump/up",
    on_status = function(s) if s.status == "StComErr" then STATUS end end,
    tags = { topic = TxtO { "OUT_TOPIC", default = "pump/set" }, speed = TxtO "OUT_VALUE" },
  },
  station "other" { address = "other/up", tags = { data = TxtI "IN_DATA" } },
  on_connect = function()
    tags["plant.pump.speed"]:write("1", function(ok) if not ok then WRITE end end)
  end,
  on_disconnect = function(line, why)
    print("ended: " .. why)
    DISCONNECT
    after(0.2, function() print "later" end)
  end,
}
]]

local toggle = [[stations["plant.pump"]:off(); stations["plant.pump"]:on()]]

describe("A handler of a connection's end", function()
  after_each(scope.finish)

  for where, what in pairs {
    ["on_disconnect that switches a station"] = { DISCONNECT = toggle },
    ["on_status that switches a station"] =
      { STATUS = [[stations["plant.other"]:off(); stations["plant.other"]:on()]] },
    ["a write's function that switches a station"] = { WRITE = toggle },
    ["on_disconnect that sets a parameter"] =
      { DISCONNECT = "line:set { ping_interval = math.random() }" },
    ["a write's function that begins another session"] = {
      WRITE =
        [[lines.plant:set { client_id = "c" .. math.random(1000000), clean_session = false }]],
    },
    ["on_disconnect that reconnects"] = { DISCONNECT = "line:reconnect()" },
  } do
    it("makes one new connection, not two: " .. where, function()
      local b = broker.new()
      local t = tagline.run(config, {
        PORT = b.port, EXTRA = "publish_qos = 1, clean_session = true,",
          DISCONNECT = what.DISCONNECT or "",
        STATUS = what.STATUS or "", WRITE = what.WRITE or "",
      })
      for _ = 1, 3 do
        local c = b:handshake()
        c:expect "PUBLISH"
        c:close()
        t:wait_log("^ended: 127%.0%.0%.1:%d+ closed the connection")
        -- the pause before a second attempt is over; this one's CONNACK is still to come
        t:wait_log "^later"
        assert.equal(b.taken + 1, #b.connections)
      end
      local c = b:handshake()
      c:send("PUBLISH", { topic = "other/up", payload = "x", qos = 1, id = 9 })
      repeat until c:next().type == "PUBACK"
      t:stop()
    end)
  end
end)

describe("on_disconnect of a line with very many stations", function()
  after_each(scope.finish)

  it("sees all of them after the change", function()
    local b = broker.new()
    local t = tagline.run([[local many = {}
      local function say(s) print("last is " .. s.status) end
      for i = 1, 2500 do
        many[i] = station("s" .. i) { address = "a" .. i, on_status = i == 2500 and say or nil }
      end
      line "l" { host = "127.0.0.1", port = PORT, topic_filter = "#",
      on_disconnect = function(line)
        local seen = {}
        for _, s in pairs(line.stations) do seen[s.status] = (seen[s.status] or 0) + 1 end
        print("seen", seen.StOn, seen.StComErr)
      end,
      table.unpack(many) }]], { PORT = b.port })
    local c = b:handshake()
    t:wait_log "^last is StOn"
    c:close()
    t:wait_log "^seen%s+nil%s+2500"
    t:stop()
  end)
end)

describe("Endless functions of many lines", function()
  after_each(scope.finish)

  -- A line whose values are the processor time that the process had used by then.
  local GOOD = [[line "good" { host = "127.0.0.1", port = GOOD, station "s" { address = "good",
    decode = function() return { x = os.clock() } end, tags = { x = Ai {} } } }]]

  -- Its connection, when it counts as quick: the first message of all may take 8 ms (sanitizers),
  -- which is forgotten after 64 others.
  local function quick(t, b)
    local c = b:handshake()
    for id = 1, 70 do c:deliver("good", "", id) end
    for _ = 1, 70 do t:value "good.s.x" end
    return c
  end

  -- None of so many messages of that line, with the connection `c`, waits for more than 0.2 s of
  -- processor time once it is in the socket. What the process works until a busy machine lets this
  -- spec see the answer is not in it.
  local function goes_on(t, c, messages)
    local most = 0
    for id = 1, messages do
      c:send("PUBLISH", { topic = "good", payload = "", qos = 1, id = id })
      local before = t:cpu()
      assert.equal(id, c:expect("PUBACK", 60000).id)
      most = math.max(most, t:value("good.s.x").value - before)
    end
    assert.is_true(most <= 0.2, most)
  end

  it("take turns when the lines are lost together, and have half a second at the end", function()
    local many, b, good = 8, broker.new(), broker.new()
    local t = tagline.run(([[local function endless() while true do end end
      for i = 1, %d do
        line("bad" .. i) { host = "127.0.0.1", port = PORT, on_disconnect = endless,
          reconnect_delay = 0.01, connect_timeout = 600, before_disconnect = endless,
          station "s" { address = "a" } }
      end
      ]] .. GOOD):format(many), { PORT = b.port, GOOD = good.port })
    local c, lost = quick(t, good), {}
    for i = 1, many do lost[i] = b:handshake() end
    for i = 1, many do lost[i]:close() end
    goes_on(t, c, 2 * many)
    for _ = 1, many do b:handshake() end
    wait.poll("all connections", nil, function() -- only these say goodbye
      return t:eval(("for i = 1, %d do assert(lines['bad' .. i].status == 'connected') end")
        :format(many)) == 0
    end)
    t:stop()
    assert.truthy(t:text("stderr"):find("before_disconnect is not called", 1, true))
  end)

  it("take turns when a reload takes the lines away", function()
    local many, b, good = 6, broker.new(), broker.new()
    local count = scope.file("count", tostring(many))
    local t = tagline.run("limits { handler_time = 0.05 }\n" .. GOOD .. ([[

      for i = 1, tonumber(file "COUNT") do
        line("bad" .. i) { host = "127.0.0.1", port = PORT,
          on_disconnect = function() while true do end end, station "s" { address = "a" } }
      end]]), { PORT = b.port, GOOD = good.port, COUNT = count })
    local c, lost = quick(t, good), {}
    for i = 1, many do lost[i] = b:handshake() end
    files.write(count, "0")
    t:kill "sighup"
    for i = 1, many do lost[i]:expect "DISCONNECT" end
    for i = 1, many do lost[i]:close() end
    goes_on(t, c, many)
    t:stop()
  end)

  it("take turns when many lines connect: will_message", function()
    local many, b, good = 6, broker.new(), broker.new()
    local t = tagline.run((GOOD .. [[

      for i = 1, %d do
        line("bad" .. i) { host = "127.0.0.1", port = PORT, reconnect_delay = 0.01,
          connect_timeout = 600, will_flag = true, will_topic = "w",
          will_message = function() while true do end end }
      end]]):format(many), { PORT = b.port, GOOD = good.port })
    local c, lost = quick(t, good), {}
    for i = 1, many do lost[i] = b:handshake() end
    for i = 1, many do lost[i]:close() end
    goes_on(t, c, 3 * many)
    for i = 1, many do lost[i] = b:handshake() end
    assert.equal(many, #lost)
    t:stop()
  end)
end)

describe("The process's end beside an endless evaluation at a prompt", function()
  after_each(scope.finish)

  it("is told to the functions of statuses and lines, in order", function()
    local b = broker.new()
    local t = tagline.run(config, { PORT = b.port, EXTRA = "", STATUS = 'print "lost"', WRITE = "",
      DISCONNECT = "" })
    b:handshake()
    t:wait_log "plant: connected"
    process.start(tagline.program(), { "repl", "--socket", t.socket, "-e",
      'print "begun" while true do end' }):wait_line "begun"
    t:stop()
    assert.truthy(t:text("stderr"):find("lost\nended: disconnected", 1, true), t:text("stderr"))
  end)
end)

describe("Functions that wait for their turn when a reload takes what they are of away", function()
  after_each(scope.finish)

  -- A station whose first tag uses the turn, so that the functions of the others wait; each says
  -- that it is called.
  local function station (name, tags)
    return ([[station %q { address = %q, payload_type = "JSON", ignore_missing_time = true,
      on_status = say, tags = { a = Ai { "JA=a", on_value = endless }, %s } }]]):format(
      name, name, tags)
  end

  it("are called before, and what is too much is told", function()
    local b, good = broker.new(), broker.new()
    local stays = ([[limits { handler_time = 0.02 }
      local function endless() while true do end end
      local function say(of) print(of.full_name, "is called") end
      line "good" { host = "127.0.0.1", port = %d, station "s" { address = "good",
        on_value = function() for _ = 1, 2000 do after(0, endless) end end,
        tags = { x = TxtI "IN_DATA" } } }]]):format(good.port)
    local function line (name, stations)
      return ([[line %q { host = "127.0.0.1", port = %d, reconnect_delay = 60,
        on_disconnect = function(line, why) print(line.name, "ended") end, %s }]]):format(name,
        b.port, stations)
    end
    local called, many, payload = "b = Ai { 'JA=b', on_value = say }", {}, '{"a":1,"b":1'
    for i = 1, 40 do
      many[i] = ("t%d = Ai { 'JA=t%d', on_value = endless }"):format(i, i)
      payload = ('%s,"t%d":1'):format(payload, i)
    end
    local t = tagline.run(stays .. line("other", station("x", called) .. "," ..
      station("y", called) .. "," .. station("many", table.concat(many, ",")))
      .. line("gone", station("s", called)))
    local c, one, two = good:handshake(), b:handshake(), b:handshake()
    c:send("PUBLISH", { topic = "good", payload = "", qos = 1, id = 1 })
    c:expect "PUBACK"
    t:wait_log "took longer than handler_time" -- the first of these timers
    for _, to in ipairs { one, two } do
      for id, topic in ipairs { "s", "x", "y", "many" } do
        to:send("PUBLISH", { topic = topic, payload = payload .. "}", qos = 1,
          id = id })
        to:expect_past_subscribe "PUBACK"
      end
    end
    files.write(t.config_path, stays .. line("other", station("y", "")))
    t:kill "sighup"
    for _, said in ipairs { "\ngone%.s%.b\tis called", "\ngone\tended", "\nother%.x%.b\tis called",
      "\nother%.y%.b\tis called", "WARN  %d+ functions .* %('other%.many%.t%d+' first%)" } do
      wait.till(said, nil, function() return t:text("stderr"):find(said) end)
    end
    t:stop()
  end)
end)

describe("A write's function of a line that a reload takes away", function()
  after_each(scope.finish)

  it("hears that the line is closed, and can change nothing of it", function()
    local b = broker.new()
    b:refuse()
    local store = ("session_store = %q, offline_writes = 'queue', publish_qos = 1,"):format(
      scope.folder())
    local t = tagline.run(config, { PORT = b.port, EXTRA = store, DISCONNECT = "", STATUS = "",
      WRITE = "" })
    t:wait_log "connection refused"
    t:ask [[tags["plant.pump.speed"]:write("1", function(ok, why)
      print(ok, why)
      print(pcall(lines.plant.set, lines.plant, { client_id = "another" }))
      print(lines.plant:publish("a", "b"))
      stations["plant.pump"]:off()
    end); return "written"]]
    files.write(t.config_path, ([[line "new" { host = "127.0.0.1", port = %d,
      station "x" { address = "x", tags = { d = TxtI "IN_DATA" } } }]]):format(b.port))
    t:kill "sighup"
    t:wait_log "^false%s+line closed"
    t:wait_log "^false%s+line 'plant': set: the line is being removed"
    t:wait_log "^nil%s+not connected"
    -- before, when it was just connecting
    if not t:text("stderr"):find("reloaded", 1, true) then t:wait_log "reloaded" end
    t:stop()
  end)
end)
