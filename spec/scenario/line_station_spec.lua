-- The statuses of stations, and what happens to their values at each transition: the
-- connection's, the device's will, silence, the operator's switches, simulation.
local cjson = require "cjson"
local scenario = require "spec.support.scenario"
local broker, packet, scope, tagline, wait = scenario "broker packet scope tagline wait"

local config = [[
said = {} -- the statuses, and those of the tag `value` at each
value_then = {}
local function note(station)
  said[#said + 1] = station.name .. " " .. station.status
  if station.tags.value then value_then[#value_then + 1] = tostring(station.tags.value.status) end
end
line "plant" {
  host = "127.0.0.1", port = PORT, reconnect_delay = 0.02, reconnect_delay_max = 0.05,
  payload_type = "JSON",
  station "x" {
    address = "x/up", on_status = note, EXTRA
    tags = {
      value = Ai { "JA=v" }, word = TxtI "IN_DATA",
      to = TxtO { "OUT_TOPIC", default = "x/set" }, out = TxtO { "OUT_VALUE", default = "idle" },
    },
  },
  OTHERS
}
]]

local function start(extra, others, handshake)
  local b = broker.new()
  local t = tagline.run(config, { PORT = b.port, EXTRA = extra or "", OTHERS = others or "" })
  local c = handshake ~= false and b:handshake() or nil
  return t, c, b
end

local function status(t, name)
  return select(2, t:eval(("return stations[%q].status"):format(name or "plant.x")))
end
local function wait_status(t, what, name)
  wait.poll("status " .. what, 5000, function() return status(t, name) == what end,
    function() return status(t, name) end)
end
local function said(t) return select(2, t:eval 'return table.concat(said, ", ")') end
-- Statuses that last for a moment only are waited for in the list of all.
local function wait_said(t, pattern)
  wait.poll("statuses like " .. pattern, nil, function() return said(t):find(pattern) end,
    function() return said(t) end)
end
local function value_then(t) return select(2, t:eval 'return table.concat(value_then, ", ")') end

-- { value, status, reason } of a tag now.
local function tag(t, name)
  local _, out =
    t:eval(
      ('local t = tags[%q] return tostring(t.value) .. "|" .. t.status .. "|" \z
        .. (t.reason or "")'):format(name))
  return out
end

local function send(c, payload)
  c:send("PUBLISH", { topic = "x/up", payload = payload or '{"v":1}' })
end

describe("the status of a station", function()
  after_each(scope.finish)

  it("is StWait until SUBACK, then StOn", function()
    local t, _, b = start(nil, nil, false)
    local c = b:accept()
    c:expect "CONNECT"
    assert.equal("StWait", status(t))
    c:send("CONNACK", {})
    local s = c:expect "SUBSCRIBE"
    wait.poll("connection", 5000, function() return select(2, t:eval "lines.plant.status")
      == "connected" end)
    assert.equal("StWait", status(t))
    c:send("SUBACK", { id = s.id, codes = { 1 } })
    wait_status(t, "StOn")
    assert.equal("x StOn", said(t))
    assert.equal("nil|unset|", tag(t, "plant.x.value"))
    assert.equal("idle|valid|", tag(t, "plant.x.out"))
  end)

  it("becomes StComErr when the connection breaks, with values kept, and StOn again at SUBACK",
    function()
    local t, c, b = start "time_filter = 60,"
    send(c)
    t:value "plant.x.value"
    b:refuse()
    c:reset()
    wait_status(t, "StComErr")
    assert.equal("1.0|valid|", tag(t, "plant.x.value"))
    b:listen()
    c = b:handshake()
    wait_status(t, "StOn")
    assert.equal("1.0|valid|", tag(t, "plant.x.value"))
    assert.equal("x StOn, x StComErr, x StOn", said(t))
    assert.equal(2, #t:lines()) -- nothing was reported but the message
    send(c)
  end)

  it("becomes StHardErr after time_filter: what the device said is invalid, until a message comes",
    function()
    local t, c, b = start "time_filter = 0.15,"
    send(c)
    t:value "plant.x.value"
    b:refuse()
    c:reset()
    local value = t:value "plant.x.value"
    assert.same({ "invalid", "disconnected", cjson.null },
      { value.status, value.reason, value.value })
    assert.equal("nil|invalid|disconnected", tag(t, "plant.x.word"))
    assert.equal("StHardErr", status(t))
    t:wait_log "WARN  plant.x: StHardErr %(disconnected%), was StComErr"
    assert.equal("idle|valid|", tag(t, "plant.x.out"))
    assert.equal("x/set|valid|", tag(t, "plant.x.to"))
    b:listen()
    c = b:handshake()
    wait.poll("connection", 5000, function() return select(2, t:eval "lines.plant.status")
      == "connected" end)
    assert.equal("StHardErr", status(t)) -- SUBACK alone does not help any more
    send(c)
    assert.same({ 1, "valid" },
      { (function(v) return v.value, v.status end)(t:value "plant.x.value") })
    assert.equal("StOn", status(t))
    assert.equal("x StOn, x StComErr, x StHardErr, x StOn", said(t))
  end)

  it("becomes StComErr without data for no_data_timeout, then StHardErr with the reason no-data",
    function()
    local t, c = start "no_data_timeout = 0.3, time_filter = 0.15,"
    send(c)
    t:value "plant.x.value"
    assert.equal("no-data", t:value("plant.x.value").reason)
    assert.truthy(said(t):find "x StComErr, x StHardErr$", said(t))
    -- kept at first; the invalid ones are told after the status
    assert.truthy(value_then(t):find "valid, valid$", value_then(t))
    assert.equal("StHardErr", status(t))
    t:wait_log "WARN  plant.x: StHardErr %(no%-data%), was StComErr"
    send(c)
    t:value "plant.x.value"
    wait_said(t, "x StHardErr, x StOn") -- for a moment
  end)

  -- The program's own clock, for a time to pass in which nothing must happen.
  local clock = [[station "clock" { address = "clock", tags = (function()
      ticks = 0
      every(0.05, function() ticks = ticks + 1 end)
      return {}
    end)() }]]
  local function wait_ticks(t, n)
    wait.poll(n .. " ticks", 10000,
      function() return tonumber((select(2, t:eval "return ticks"))) >= n end)
  end

  it("is not silent while its messages wait behind one that awaits ACK_ID", function()
    local t, _, b = start("no_data_timeout = 0.3, time_filter = 0.1,", [[
      station "ack" { address = "ack", payload_type = "Text only",
        tags = { id = Ci "IN_ID", ack = Co "ACK_ID" } },]] .. clock, false)
    local c = b:accept() -- StOn and both messages in one piece: no silence before them
    c:expect "CONNECT"
    c:send("CONNACK", {})
    local id = c:expect("SUBSCRIBE").id
    c:send(packet.encode("SUBACK", { id = id, codes = { 1 } })
      .. packet.encode("PUBLISH", { topic = "ack", payload = "", qos = 1, id = 7 })
      .. packet.encode("PUBLISH", { topic = "x/up", payload = '{"v":1}' }))
    t:value "plant.ack.id"
    t:eval "ticks = 0"
    wait_ticks(t, 14)
    assert.equal("x StOn", said(t))
    t:eval 'tags["plant.ack.ack"]:write(7)'
    t:value "plant.x.value"
    wait_said(t, "StOn.*StComErr")
  end)

  it("makes no simulated values, and is not silent, while nobody reads the values", function()
    local b = broker.new()
    local names = { PORT = b.port, EXTRA = "no_data_timeout = 2, time_filter = 0.1,",
      OTHERS = [[station "sim" { address = "sim", tags = { v = Ci "IN_ID" } },]] .. clock }
    local t = tagline.run(config, names, { paused = true })
    local c = b:handshake()
    send(c, '{"v":"' .. ("x"):rep(1 << 20) .. '"}') -- a pipe does not hold it
    wait.poll("held", 5000,
      function() return select(2, t:eval "return lines.plant.stats.received") == "1" end)
    t:eval 'stations["plant.sim"]:simulate(true)'
    t:eval "ticks = 0"
    wait_ticks(t, 60)
    assert.equal("", said(t):match "StComErr.*" or "")
    send(c, '{"v":5}')
    t:resume()
    local last
    wait.poll("the last value", 5000, function()
      last = t:text("stdout"):find('"value":5,', 1, true)
      return last
    end)
    local _, simulated = t:text("stdout"):sub(1, last):gsub('"tag":"plant.sim.v"', "")
    assert.is_true(simulated <= 2, simulated)
  end)

  it("comes back from a short silence with the next message", function()
    local t, c = start "no_data_timeout = 0.1, time_filter = 60,"
    local times = "StOn.*StComErr"
    for _ = 1, 3 do
      wait_said(t, times .. "$")
      send(c)
      times = times .. ".*StOn.*StComErr"
    end
    wait_said(t, times)
    assert.is_nil(said(t):find "StHardErr")
  end)
end)

describe("a station will", function()
  after_each(scope.finish)

  it("puts the station into StHardErr, once, and is no message of it; the next message brings \z
    it back", function()
    local t, c = start 'SWT = "x/up", SWP = "offline",'
    send(c)
    t:value "plant.x.word"
    t:value "plant.x.value"
    c:send("PUBLISH", { topic = "x/up", payload = "offline", qos = 1, id = 1 })
    assert.equal(1, c:expect("PUBACK").id)
    assert.same({ "invalid", "station-will" },
      { (function(v) return v.status, v.reason end)(t:value "plant.x.value") })
    assert.equal("nil|invalid|station-will", tag(t, "plant.x.word"))
    assert.equal("StHardErr", status(t))
    t:wait_log "WARN  plant.x: StHardErr %(station%-will%), was StOn"
    c:send("PUBLISH", { topic = "x/up", payload = "offline" })
    send(c, '{"v":2}')
    assert.equal(2, t:value("plant.x.value").value)
    assert.equal("StOn", status(t))
    assert.equal("x StOn, x StHardErr, x StOn", said(t))
    assert.is_nil(t:text("stdout"):find('"offline"', 1, true))
  end)

  it("with another payload than SWP is an ordinary message", function()
    local t, c = start 'SWT = "x/up", SWP = "offline",'
    send(c, '{"v":3}')
    assert.equal(3, t:value("plant.x.value").value)
    c:send("PUBLISH", { topic = "x/up", payload = "offline " })
    assert.equal("json", t:value("plant.x.value").reason)
    assert.equal("StOn", status(t))
  end)

  it("on a topic of its own is unrouted with another payload, and the will without SWP", function()
    local t, c = start('SWT = "x/state", SWP = "off",',
      [[station "y" { address = "y/up", SWT = "y/state", tags = { v = TxtI "IN_DATA" } },]])
    send(c)
    t:value "plant.x.value"
    c:send("PUBLISH", { topic = "x/state", payload = "on" })
    t:wait_log "no station takes topic 'x/state'"
    assert.equal("StOn", status(t))
    c:send("PUBLISH", { topic = "x/state", payload = "off" })
    assert.equal("station-will", t:value("plant.x.value").reason)
    c:send("PUBLISH", { topic = "y/state", payload = "whatever" })
    wait_status(t, "StHardErr", "plant.y")
  end)

  it("that many stations share reaches each of them, also in place of a message of one", function()
    local others = {}
    for n = 1, 40 do
      others[n] =
        ('station "s%d" { address = "s/%d", SWT = "gateway", SWP = "gone", tags = { v = TxtI \z
          "IN_DATA" } },'):format(n, n)
    end
    others[#others + 1] = 'station "all" { address = ".*", tags = { v = TxtI "IN_DATA" } },'
    local t, c = start('SWT = "gateway", SWP = "gone",', table.concat(others, "\n"))
    for n = 1, 40 do c:send("PUBLISH", { topic = "s/" .. n, payload = "x" }) end
    for n = 1, 40 do t:value(("plant.s%d.v"):format(n)) end
    c:send("PUBLISH", { topic = "gateway", payload = "gone" })
    local left = {}
    for n = 1, 40 do left[("plant.s%d.v"):format(n)] = true end
    while next(left) do
      local v = cjson.decode(t:wait_line "station%-will")
      left[v.tag] = nil
    end
    assert.equal("StHardErr", status(t))
    c:send("PUBLISH", { topic = "s/7", payload = "back" })
    assert.equal("back", t:value("plant.s7.v").value)
    -- a will is nothing else
    for _, v in ipairs(t:values()) do assert.not_equal("plant.all.v", v.tag) end
    c:send("PUBLISH", { topic = "gateway", payload = "here" })
    assert.equal("here", t:value("plant.all.v").value)
    assert.equal("StOn", status(t, "plant.s7"))
    assert.equal("StHardErr", status(t, "plant.s8"))
  end)
end)

describe("the operator", function()
  after_each(scope.finish)

  local other = [[station "y" { address = "y/up", tags = { v = TxtI "IN_DATA" } },]]

  it("switches a station off: invalid, deaf, and back", function()
    local t, c = start(nil, other)
    send(c)
    t:value "plant.x.word"
    t:value "plant.x.value"
    t:eval 'stations["plant.x"]:off()'
    assert.same({ "invalid", "off" },
      { (function(v) return v.status, v.reason end)(t:value "plant.x.value") })
    assert.equal("StOff", status(t))
    c:send("PUBLISH", { topic = "x/up", payload = '{"v":5}', qos = 1, id = 5 })
    assert.equal(5, c:expect("PUBACK").id) -- acknowledged, no value
    assert.equal("nil|invalid|off", tag(t, "plant.x.value"))
    local _, why = t:eval 'return select(2, tags["plant.x.out"]:write("x"))'
    assert.equal("station 'x' is off", why)
    t:eval 'stations["plant.x"]:on()'
    assert.equal("StOn", status(t))
    assert.equal("nil|invalid|off", tag(t, "plant.x.value"))
    send(c, '{"v":6}')
    assert.equal(6, t:value("plant.x.value").value)
  end)

  it("simulates a station: values of its own, deaf, writes go nowhere, and back", function()
    local t, c = start(nil, other)
    send(c)
    t:value "plant.x.word"
    t:value "plant.x.value"
    t:eval 'stations["plant.x"]:simulate(true)'
    for _ = 1, 2 do
      local v = t:value "plant.x.value"
      assert.equal("valid", v.status)
      assert.is_true(v.value >= 0 and v.value <= 100)
    end
    assert.equal("StSimul", status(t))
    c:send("PUBLISH", { topic = "x/up", payload = '{"v":5000}', qos = 1, id = 5 })
    c:expect "PUBACK"
    assert.equal(0, (t:eval 'assert(tags["plant.x.out"]:write("x"))'))
    c:silent(80)
    t:eval 'stations["plant.x"]:simulate(false)'
    wait.poll("StOn", 5000, function() return status(t) == "StOn" end)
    assert.equal("nil|invalid|no-data", tag(t, "plant.x.value"))
    assert.equal("idle|valid|", tag(t, "plant.x.out"))
    send(c, '{"v":6}')
    repeat local v = t:value "plant.x.value" until v.value == 6
    assert.is_nil(t:text("stdout"):find("5000", 1, true))
  end)

  it("tells thousands of stations of a break although nobody reads the values", function()
    local b = broker.new()
    local t = tagline.run([[
local many = {}
for i = 1, 6000 do
  many[i] = station("m" .. i) { address = "m/" .. i, tags = { data = TxtI "IN_DATA" } }
end
line "plant" { host = "127.0.0.1", port = PORT, reconnect_delay = 0.02, connect_timeout = 600,
  many }
]], { PORT = b.port })
    local c = b:handshake()
    wait_status(t, "StOn", "plant.m6000")
    t:pause()
    c:send("PUBLISH", { topic = "m/1", payload = ("x"):rep(1 << 20) })
    wait.poll("the message", 20000, function()
      return select(2, t:eval "lines.plant.stats.messages") ~= "0"
    end)
    t:eval "lines.plant:reconnect()" -- and no CONNACK comes
    wait_status(t, "StComErr", "plant.m6000")
    t:resume()
  end)

  it("finds a station in StWait that returns while the line is down", function()
    local t, c, b = start("time_filter = 60,", other)
    t:eval 'stations["plant.x"]:off()'
    b:refuse()
    c:reset()
    wait_status(t, "StComErr", "plant.y")
    t:eval 'stations["plant.x"]:on()'
    assert.equal("StWait", status(t))
    b:listen()
    b:handshake()
    wait_status(t, "StOn")
  end)
end)
