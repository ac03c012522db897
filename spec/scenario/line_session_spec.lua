-- What a session that is not clean keeps over breaks of the connection, and what becomes of it
-- when the broker does not.
local scenario = require "spec.support.scenario"
local broker, scope, tagline, wait = scenario "broker scope tagline wait"

local config = [[
fates = {}
line "plant" {
  host = "127.0.0.1", port = PORT, reconnect_delay = 0.02, reconnect_delay_max = 0.05,
  subscribe_qos = 2, clean_session = CLEAN, EXTRA
  station "any" {
    address = "#", tags = { data = TxtI { "IN_DATA", new_value_on_time_change = true } },
  },
}
]]

local function start(clean, extra)
  local t, c, b = tagline.connected(config, { CLEAN = tostring(clean), EXTRA = extra or "" })
  t:wait_log "connected to"
  return t, c, b
end

local function publish(t, list)
  local code = {}
  for _, one in ipairs(list) do
    code[#code + 1] =
      ('assert(lines.plant:publish("out", %q, { qos = %d }, function(ok, why) fates[%q] = ok \z
        and "ok" or why end))')
      :format(one[1], one[2], one[1])
  end
  assert.same({ 0, "taken", "" }, { t:ask(table.concat(code, " ") .. " return 'taken'") })
end

local function fate(t, name) return select(2, t:eval(("return fates[%q] or '-'"):format(name))) end
local function wait_fate(t, name, what)
  wait.poll(name .. " to be " .. what, 5000, function() return fate(t, name) == what end,
    function() return fate(t, name) end)
end

-- Each way in which a connection ends.
local breaks = {
  ["FIN"] = function(c) c:finish() end,
  ["RST"] = function(c) c:reset() end,
  ["a protocol violation"] = function(c) c:send("\0\0") end,
}

describe("a session that is kept", function()
  after_each(scope.finish)

  for what, cut in pairs(breaks) do
    it("repeats all that is unacknowledged, in order, after " .. what, function()
      local t, c, b = start(false)
      publish(t, { { "1", 1 }, { "2", 2 }, { "3", 2 }, { "4", 1 }, { "5", 0 }, { "6", 2 } })
      local ids = {}
      for at, name in ipairs { "1", "2", "3", "4", "5", "6" } do
        local p = c:expect "PUBLISH"
        assert.same({ name, false }, { p.payload, p.dup })
        ids[at] = p.id
      end
      c:send("PUBREC", { id = ids[3] })
      assert.equal(ids[3], c:expect("PUBREL").id)
      for _ = 1, 2 do
        cut(c)
        wait.till("close", 5000, function() return c.closed end)
        c:close()
        c = b:handshake { session_present = true }
        for at, want in ipairs { "PUBLISH", "PUBLISH", "PUBREL", "PUBLISH", "none", "PUBLISH" } do
          if want ~= "none" then
            local p = c:expect(want)
            assert.equal(ids[at], p.id)
            if want == "PUBLISH" then assert.same({ tostring(at), true }, { p.payload, p.dup }) end
          end
        end
      end
      c:send("PUBACK", { id = ids[1] })
      c:send("PUBCOMP", { id = ids[3] })
      c:send("PUBREC", { id = ids[2] })
      assert.equal(ids[2], c:expect("PUBREL").id)
      c:send("PUBCOMP", { id = ids[2] })
      c:send("PUBACK", { id = ids[4] })
      c:send("PUBREC", { id = ids[6] })
      c:expect "PUBREL"
      c:send("PUBCOMP", { id = ids[6] })
      for _, name in ipairs { "1", "2", "3", "4", "5", "6" } do wait_fate(t, name, "ok") end
      t:stop()
    end)
  end

  it("is remembered for received QoS 2 messages, too", function()
    local t, c, b = start(false)
    c:send("PUBLISH", { topic = "a", payload = "once", qos = 2, id = 5 })
    c:expect "PUBREC"
    c:reset()
    c = b:handshake { session_present = true }
    c:send("PUBLISH", { topic = "a", payload = "once", qos = 2, id = 5, dup = true })
    assert.equal(5, c:expect("PUBREC").id)
    c:send("PUBREL", { id = 5 })
    c:expect "PUBCOMP"
    c:send("PUBLISH", { topic = "a", payload = "another", qos = 2, id = 5 })
    c:expect "PUBREC"
    assert.equal("once", t:value("plant.any.data").value)
    assert.equal("another", t:value("plant.any.data").value)
  end)

  it("takes writes while the connection is down only when asked to", function()
    for _, mode in ipairs { "reject", "queue" } do
      local t, c, b = start(false, ('offline_writes = "%s",'):format(mode))
      publish(t, { { "1", 1 } })
      local id = c:expect("PUBLISH").id
      b:refuse()
      c:close()
      t:wait_log "refused"
      local _, said =
        t:ask 'local _, why = lines.plant:publish("out", "2", { qos = 1 }, function() end) \z
          return why or "taken"'
      assert.equal(mode == "reject" and "not connected" or "taken", said)
      b:listen()
      c = b:handshake { session_present = true }
      local p = c:expect "PUBLISH"
      assert.same({ "1", id, true }, { p.payload, p.id, p.dup })
      if mode == "queue" then
        p = c:expect "PUBLISH"
        assert.same({ "2", false }, { p.payload, p.dup })
      end
      t:stop()
    end
  end)

  it("is said to be lost when the broker has none, and what may go again goes anew", function()
    local t, c, b = start(false)
    publish(t, { { "1", 1 }, { "2", 2 }, { "3", 2 } })
    local ids = {}
    for at = 1, 3 do ids[at] = c:expect("PUBLISH").id end
    c:send("PUBREC", { id = ids[2] })
    c:expect "PUBREL"
    c:reset()
    c = b:handshake { session_present = false }
    t:wait_log(
      "WARN  plant: the broker lost the session: subscribing again; publishing 2 \z
        unacknowledged messages again; 1 QoS 2 message with PUBREC: not published again")
    for _, name in ipairs { "1", "3" } do
      local p = c:expect "PUBLISH"
      assert.same({ name, false }, { p.payload, p.dup })
      for _, old in ipairs(ids) do assert.is_not.equal(old, p.id) end
      c:send(name == "1" and "PUBACK" or "PUBREC", { id = p.id })
      if name == "3" then
        c:expect "PUBREL"
        c:send("PUBCOMP", { id = p.id })
      end
    end
    wait_fate(t, "1", "ok")
    wait_fate(t, "2", "session lost")
    wait_fate(t, "3", "ok")
  end)

  it("does not fail writes because of many breaks in a row", function()
    local t, c, b = start(false)
    publish(t, { { "1", 2 } })
    local id = c:expect("PUBLISH").id
    for at = 1, 10 do
      c:reset()
      c = b:accept()
      c:expect "CONNECT"
      if at % 3 > 0 then -- before CONNACK, and behind it
        c:send("CONNACK", { session_present = true })
        c:expect "SUBSCRIBE"
        local p = c:expect "PUBLISH"
        assert.same({ id, true, "1" }, { p.id, p.dup, p.payload })
      end
    end
    assert.equal("-", fate(t, "1"))
  end)
end)

describe("a clean session", function()
  after_each(scope.finish)

  for what, cut in pairs(breaks) do
    it("fails what is unconfirmed after " .. what .. ", and repeats nothing", function()
      local t, c, b = start(true, "max_inflight = 2,")
      publish(t, { { "1", 1 }, { "2", 2 }, { "3", 1 } })
      c:expect "PUBLISH"
      c:send("PUBREC", { id = c:expect("PUBLISH").id })
      c:expect "PUBREL"
      cut(c)
      wait.till("close", 5000, function() return c.closed end)
      c:close()
      for _, name in ipairs { "1", "2", "3" } do wait_fate(t, name, "connection lost") end
      c = b:handshake()
      c:silent(80)
      t:stop()
    end)
  end

  it("forgets received QoS 2 identifiers", function()
    local t, c, b = start(true)
    for at = 1, 2 do
      c:send("PUBLISH", { topic = "a", payload = "m" .. at, qos = 2, id = 5, dup = at == 2 })
      c:expect "PUBREC"
      assert.equal("m" .. at, t:value("plant.any.data").value)
      c:reset()
      c = b:handshake()
    end
  end)
end)

describe("another client with the same Client ID", function()
  after_each(scope.finish)

  it("is named after three quick closes in a row, also when addresses are tried in turn", function()
    local b = broker.new()
    local t = tagline.run(config:gsub('"127.0.0.1"', '"127.0.0.1, 127.0.0.2"'),
      { PORT = b.port, CLEAN = "false", EXTRA = "" })
    for _ = 1, 3 do
      local c = b:handshake()
      c:close()
    end
    t:wait_log "WARN  plant: the broker closed the connection right after CONNACK 3 times in a \z
      row: another client probably uses .* 'tagline%-plant'"
    t:stop()
  end)

  it("is named, too, when it waits as long as we do before it takes the connection away", function()
    local b = broker.new()
    local t = tagline.run(config:gsub("reconnect_delay = 0.02, reconnect_delay_max = 0.05",
      "reconnect_delay = 5"),
      { PORT = b.port, CLEAN = "false", EXTRA = "" })
    for n = 1, 3 do
      local c = b:handshake()
      if n == 3 then c:silent(2100) end -- longer than the 2 s that are quick for everybody
      c:close()
      wait.poll("end of the connection", 5000,
        function() return select(2, t:eval "lines.plant.status") == "waiting" end)
      t:eval "lines.plant:reconnect()"
    end
    t:wait_log "right after CONNACK 3 times in a row"
    t:stop()
  end)

  it("is suggested by code 2", function()
    local b = broker.new()
    local t = tagline.run(config, { PORT = b.port, CLEAN = "false", EXTRA = "" })
    local c = b:accept()
    c:expect "CONNECT"
    c:send("CONNACK", { code = 2 })
    t:wait_log "identifier rejected; another client may be using the same Client ID"
    t:stop()
  end)
end)
