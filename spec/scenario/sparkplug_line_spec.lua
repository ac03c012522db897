-- A Sparkplug B host whose connection breaks: aliases of before mean nothing any more, tags are
-- stale, births are asked for, and STATE has the time of each CONNECT.
local sparkplug_b = require "tagline.codec.sparkplug_b"
local support = require "spec.codec.sparkplug_b_support"
local scenario = require "spec.support.scenario"
local broker, scope, tagline = scenario "broker scope tagline"

local STATE = "spBv1.0/STATE/scada"

local whole = [[
local sparkplug_b = require "tagline.codec.sparkplug_b"
local host = sparkplug_b.host { host_id = "scada", tags = { ["Temp"] = "temperature" } }
line "plant" (host.line {
  host = "127.0.0.1", port = PORT, reconnect_delay = 0.05,
  topic_filter = sparkplug_b.topic_filters "G",
  station "STATE" (host.state),
  station "node-{edge}" {
    address = sparkplug_b.address "G", decode = host, encode = host.encode, time_filter = 3600,
    tags = { temperature = Ai {}, Level = Co {} },
  },
})
]]

local plain = [[
local sparkplug_b = require "tagline.codec.sparkplug_b"
local host = sparkplug_b.host { tags = { ["Temp"] = "temperature" } }
line "plant" {
  host = "127.0.0.1", port = PORT, reconnect_delay = 0.05,
  topic_filter = sparkplug_b.topic_filters "G",
  station "node-{edge}" {
    address = sparkplug_b.address "G", decode = host, time_filter = 3600,
    tags = { temperature = Ai {} },
  },
}
]]

local function node(kind) return "spBv1.0/G/" .. kind .. "/E" end

local function birth(c)
  c:send("PUBLISH", { topic = node "NBIRTH", payload = support.bytes(support.vectors.nbirth),
    qos = 0 })
end

local function alias_data(c, seq)
  c:send("PUBLISH",
    { topic = node "NDATA", qos = 0,
      payload = assert(sparkplug_b.encode_bytes { timestamp = support.TIME, seq = seq,
    metrics = { { alias = 1, wire = "float_value", wire_value = 99 } } }) })
end

local function expect_state(c, online)
  local p = c:expect "PUBLISH"
  assert.same({ STATE, 1, true }, { p.topic, p.qos, p.retain })
  c:send("PUBACK", { id = p.id })
  local said = assert(sparkplug_b.parse_state(p.payload))
  assert.equal(online, said.online)
  return said.timestamp
end

describe("a Sparkplug host's line", function()
  after_each(scope.finish)

  it("tells when it connected, corrects who says otherwise, and asks for births after a break",
    function()
    local b = broker.new()
    local t = tagline.run(whole, { PORT = b.port })
    local c = b:handshake()
    local left = c.connect.will
    local will = assert(sparkplug_b.parse_state(left.message))
    assert.same({ false, STATE, 1, true, true }, { will.online, left.topic, left.qos, left.retain,
      c.connect.clean_session })
    assert.equal(STATE, c.subscribe.filters[1].filter)
    assert.equal(will.timestamp, expect_state(c, true))
    c:send("PUBLISH", { topic = STATE, payload = left.message, qos = 0 })
    assert.equal(will.timestamp, expect_state(c, true))

    birth(c)
    assert.equal(21.5, t:value("plant.node-E.temperature").value)
    c:reset()
    local invalid = t:value "plant.node-E.temperature"
    assert.same({ "invalid", "disconnected" }, { invalid.status, invalid.reason })

    c = b:handshake()
    local again = assert(sparkplug_b.parse_state(c.connect.will.message))
    assert.is_true(again.timestamp >= will.timestamp)
    assert.equal(again.timestamp, expect_state(c, true))
    local request = c:expect "PUBLISH"
    assert.same({ node "NCMD", 0 }, { request.topic, request.qos })
    alias_data(c, 1)
    birth(c)
    assert.equal(21.5, t:value("plant.node-E.temperature").value) -- and never 99
    t:kill()
    expect_state(c, false)
    t:stop()
  end)

  it("says that it is offline before an orderly end, with the time of that", function()
    local b = broker.new()
    local t = tagline.run(whole, { PORT = b.port })
    local c = b:handshake()
    local since = expect_state(c, true)
    t:kill()
    local p = c:expect "PUBLISH"
    local said = assert(sparkplug_b.parse_state(p.payload))
    assert.same({ STATE, 1, true, false }, { p.topic, p.qos, p.retain, said.online })
    assert.is_true(said.timestamp >= since)
    c:send("PUBLISH", { topic = STATE, payload = p.payload, qos = 0 }) -- not corrected
    c:send("PUBACK", { id = p.id })
    c:expect "DISCONNECT"
    c:close()
    assert.equal(0, (t:wait_exit()))
  end)

  it("leaves the will of before when its function fails", function()
    local b = broker.new()
    local t = tagline.run([[
      local times = 0
      line "plant" { host = "127.0.0.1", port = PORT, reconnect_delay = 0.05,
        will_flag = true, will_topic = "w",
        will_message = function() times = times + 1 return times == 1 and "first" or nil end,
        station "s" { address = "s", tags = {} } }
    ]], { PORT = b.port })
    local c = b:handshake()
    assert.equal("first", c.connect.will.message)
    c:reset()
    c = b:handshake()
    assert.equal("first", c.connect.will.message)
    t:wait_log "will_message: will_message: expected the payload as a string, got nil"
    t:stop()
  end)

  it("does not mix aliases of two connections, without its handlers either", function()
    local b = broker.new()
    local t = tagline.run(plain, { PORT = b.port })
    local c = b:handshake()
    birth(c)
    assert.equal(21.5, t:value("plant.node-E.temperature").value)
    c:reset()
    c = b:handshake()
    alias_data(c, 1)
    assert.equal(node "NCMD", c:expect("PUBLISH").topic)
    assert.equal("disconnected", t:value("plant.node-E.temperature").reason)
    birth(c)
    assert.equal(21.5, t:value("plant.node-E.temperature").value)
    t:stop()
  end)
end)
