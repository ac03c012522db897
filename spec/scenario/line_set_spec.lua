-- Changing a line while it runs: parameters, topic filters, stations that are switched off or
-- simulated.
local scenario = require "spec.support.scenario"
local broker, scope, tagline, wait = scenario "broker scope tagline wait"

local config = [[
line "plant" {
  host = "127.0.0.1", port = PORT, reconnect_delay = 0.02, reconnect_delay_max = 0.05,
  topic_filter = "a/#", user_name = "u", password = "p", EXTRA
  station "one" {
    address = "a/1", tags = { data = TxtI { "IN_DATA", new_value_on_time_change = true } },
  },
  station "two" {
    address = "a/2", tags = { data = TxtI { "IN_DATA", new_value_on_time_change = true } },
  },
}
]]

local function start(extra)
  local t, c, b = tagline.connected(config, { EXTRA = extra or "" })
  t:wait_log "connected to"
  return t, c, b
end

local function set(t, what)
  assert.same({ 0, "", "" }, { t:eval("lines.plant:set{ " .. what .. " }") })
end

local function filters(p)
  local list = {}
  for at, one in ipairs(p.filters) do list[at] = one.filter or one end
  table.sort(list)
  return list
end

describe("line:set", function()
  after_each(scope.finish)

  for what, check in pairs {
    ['client_id = "other"'] = function(p) return p.client_id == "other" end,
    ["keep_alive = 77"] = function(p) return p.keep_alive == 77 end,
    ['clean_session = "YES"'] = function(p) return p.clean_session end,
    ['user_name = "v", password = "q"'] = function(p) return p.user_name == "v" and p.password
      == "q" end,
    ['password = ""'] = function(p) return p.user_name == "u" and not p.password end,
    ['password = "", user_name = ""'] = function(p) return not p.user_name and not p.password end,
    ['will_flag = true, will_topic = "w"'] = function(p) return p.will.topic == "w" end,
  } do
    it("closes the connection in order and makes a new one: " .. what, function()
      local t, c, b = start()
      set(t, what)
      c:expect "DISCONNECT"
      c:expect_close()
      c:close()
      local after = b:handshake()
      assert.is_true(check(after.connect))
      after:send("PUBLISH", { topic = "a/1", payload = "x" })
      assert.equal("x", t:value("plant.one.data").value)
      assert.truthy(t:text("stderr"):find("INFO  plant: parameters changed %(.*%): reconnecting"))
      assert.is_nil(t:text("stderr"):find 'password = "?q')
      t:stop()
    end)
  end

  for what, list in pairs {
    ["another Client ID"] = { 'client_id = "other"' },
    ["a session that is kept now"] = { "clean_session = true", "clean_session = false" },
  } do
    it("begins another session with " .. what .. ", which is not one that the broker lost",
      function()
      local t, c, b = start()
      for _, one in ipairs(list) do
        set(t, one)
        c:expect "DISCONNECT"
        c:close()
        c = b:handshake()
      end
      t:wait_log "reconnecting"
      wait.poll("connection", 5000, function() return select(2, t:eval "lines.plant.status")
        == "connected" end)
      assert.is_nil(select(2, t:eval "status()"):find("lost the session", 1, true))
      assert.is_nil(t:text("stderr"):find("lost the session", 1, true))
      t:stop()
    end)
  end

  it("goes to another broker", function()
    local t, c, b = start()
    local other = broker.new { host = "::1" }
    set(t, ('host = "127.0.0.1, ::1", port = %d'):format(other.port))
    c:expect "DISCONNECT"
    c:close()
    b:refuse()
    other:handshake()
    t:stop()
  end)

  it("changes the bound of what waits without a word on the wire but the new connection", function()
    local t, c, b = start()
    set(t, "max_queued = 1, max_inflight = 1")
    c:expect "DISCONNECT"
    c:close()
    b:handshake()
    wait.poll("connection", 5000, function() return select(2, t:eval "lines.plant.status")
      == "connected" end)
    local _, said = t:ask [[local why
      for _ = 1, 3 do
        local ok, no = lines.plant:publish("t", "x", { qos = 1 }, function() end)
        why = no
      end
      return why]]
    assert.equal("queue full", said)
  end)

  it("does nothing when nothing differs", function()
    local t, c = start()
    set(t, 'keep_alive = 0, topic_filter = "a/#"')
    c:silent(150)
    assert.is_nil(c.closed)
  end)

  it("is tried at once by a line that waits for its next attempt", function()
    local live = broker.new()
    local dead = broker.new { host = "127.0.0.2" }
    dead:refuse()
    local t = tagline.run(config:gsub("127.0.0.1", "127.0.0.2"):gsub("reconnect_delay.-topic",
      "reconnect_delay = 50, topic"),
      { PORT = live.port, EXTRA = "" })
    t:wait_log "refused"
    set(t, 'host = "127.0.0.1"')
    live:handshake()
    t:stop()
  end)

  for code, said in pairs {
    ["keep_alive = 70000"] = "keep_alive: expected an integer from 0 to 65535, got 70000",
    ["keep_Alive = 7"] = "keep_Alive: unknown parameter; did you mean 'keep_alive'?",
    ['topic_filter = "+/++/up"'] = "topic_filter: expected",
    ['user_name = ""'] = "password: expected a user_name",
    ["will_flag = true"] = "will_flag: expected a will_topic",
    ["reconnect_delay = 5"] =
      "reconnect_delay: expected reconnect_delay_max of at least reconnect_delay",
    ['on_value = function() end'] = "on_value: is a handler",
    ['payload_type = "JSON"'] = "payload_type: belongs to the line's stations",
    ["[1] = 2"] = "1: unknown parameter",
  } do
    it("names what is wrong, and changes nothing: " .. code, function()
      local t, c = start()
      local status, _, err = t:eval("lines.plant:set{ keep_alive = 5, " .. code .. " }")
      assert.equal(1, status)
      assert.truthy(err:find("line 'plant': " .. said, 1, true), err)
      c:silent(60)
    end)
  end

  it("wants a table", function()
    local t = start()
    local _, _, err = t:eval "lines.plant:set(5)"
    assert.truthy(err:find("expected a table { parameter = value }, got number 5", 1, true), err)
  end)
end)

describe("another topic_filter", function()
  after_each(scope.finish)

  it("waits for the next connection, where UNSUBSCRIBE goes before SUBSCRIBE", function()
    local t, c, b = start()
    set(t, 'topic_filter = { "a/1", "b" }')
    t:wait_log "the new topic_filter waits for the next connection"
    c:silent(100)
    c:close()
    c = b:accept()
    c:expect "CONNECT"
    c:send("CONNACK", { session_present = true })
    local u = c:expect "UNSUBSCRIBE"
    assert.same({ "a/#" }, filters(u))
    local s = c:expect "SUBSCRIBE"
    assert.same({ "a/1", "b" }, filters(s))
    c:send("UNSUBACK", { id = u.id })
    c:send("SUBACK", { id = s.id, codes = { 1, 1 } })
    c:send("PUBLISH", { topic = "a/1", payload = "x" })
    assert.equal("x", t:value("plant.one.data").value)
    c:close()
    c = b:handshake { session_present = true } -- no UNSUBSCRIBE again
    assert.same({ "a/1", "b" }, filters(c.subscribe))
    t:stop()
  end)

  it("goes with a connection that another parameter makes anew", function()
    local t, c, b = start()
    set(t, 'topic_filter = "b", keep_alive = 9')
    c:expect "DISCONNECT"
    c:close()
    c = b:accept()
    assert.equal(9, c:expect("CONNECT").keep_alive)
    c:send("CONNACK", { session_present = true })
    assert.same({ "a/#" }, filters(c:expect "UNSUBSCRIBE"))
    assert.same({ "b" }, filters(c:expect "SUBSCRIBE"))
    t:stop()
  end)

  it("goes when all stations are switched off and one on again", function()
    local t, c, b = start()
    set(t, 'topic_filter = "b"')
    t:eval 'stations["plant.one"]:off() stations["plant.two"]:off()'
    c:expect "DISCONNECT"
    c:close()
    t:eval 'stations["plant.one"]:on()'
    c = b:accept()
    c:expect "CONNECT"
    c:send("CONNACK", { session_present = true })
    assert.same({ "a/#" }, filters(c:expect "UNSUBSCRIBE"))
    assert.same({ "b" }, filters(c:expect "SUBSCRIBE"))
    t:stop()
  end)

  it("closes when UNSUBACK does not come, and asks again", function()
    local t, c, b = start "reply_timeout = 1,"
    set(t, 'topic_filter = "b"')
    c:close()
    for _ = 1, 2 do
      c = b:accept()
      c:expect "CONNECT"
      c:send("CONNACK", { session_present = true })
      c:expect "UNSUBSCRIBE"
      local s = c:expect "SUBSCRIBE"
      c:send("SUBACK", { id = s.id, codes = { 1 } })
      c:send("UNSUBACK", { id = 60000 })
      c:expect_close()
      t:wait_log "ERROR plant: 127%.0%.0%.1:%d+: no UNSUBACK within the reply timeout"
    end
    t:stop()
  end)
end)

describe("stations that are off or simulated", function()
  after_each(scope.finish)

  for what, code in pairs {
    ["off"] = { 'stations["plant.one"]:off()', 'stations["plant.two"]:off()',
      'stations["plant.two"]:on()' },
    ["simulated"] = { 'stations["plant.one"]:simulate(true)',
      'stations["plant.two"]:simulate(true)', 'stations["plant.one"]:simulate(false)' },
    ["off or simulated"] = { 'stations["plant.one"]:off()',
      'stations["plant.two"]:simulate(true)', 'stations["plant.one"]:on()' },
  } do
    it("end the connection when all are " .. what .. ", and one that returns begins it again",
      function()
      local t, c, b = start()
      assert.equal(0, (t:eval(code[1])))
      c:silent(80) -- one is left
      assert.equal(0, (t:eval(code[2])))
      c:expect "DISCONNECT"
      assert.equal("EOF", c:expect_close())
      c:close()
      t:wait_log "every station is off or simulated: disconnecting"
      wait.poll("state off", 5000, function() return select(2, t:eval "lines.plant.status")
        == "off" end)
      assert.has_error(function() b:accept(150) end)
      assert.equal(0, (t:eval(code[3])))
      c = b:handshake()
      c:send("PUBLISH", { topic = "a/1", payload = "x", qos = 1, id = 1 })
      c:expect "PUBACK"
      t:stop()
    end)
  end

  it("come back when they return while the socket still closes", function()
    local t, c, b = start()
    t:eval [[stations["plant.one"]:off() stations["plant.two"]:off() stations["plant.one"]:on()]]
    c:expect "DISCONNECT"
    c:close()
    b:handshake()
    wait.poll("StOn", 5000, function() return select(2, t:eval 'stations["plant.one"].status')
      == "StOn" end)
    assert.equal("StOff", (select(2, t:eval 'stations["plant.two"].status')))
  end)

  it("end the attempts, too, while the broker is not there", function()
    local b = broker.new()
    b:refuse()
    local t = tagline.run(config, { PORT = b.port, EXTRA = "" })
    t:wait_log "refused"
    t:eval 'stations["plant.one"]:off() stations["plant.two"]:off()'
    b:listen()
    assert.has_error(function() b:accept(200) end)
    t:eval 'stations["plant.two"]:on()'
    b:handshake()
    t:stop()
  end)
end)
