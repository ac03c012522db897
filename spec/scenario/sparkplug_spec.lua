-- Sparkplug B in the running program: aliases, lost messages, deaths and writes, against a
-- broker that says what it was sent.
local sparkplug_b = require "tagline.codec.sparkplug_b"
local support = require "spec.codec.sparkplug_b_support"
local scenario = require "spec.support.scenario"
local broker, scope, tagline = scenario "broker scope tagline"

local config = [[
local sparkplug_b = require "tagline.codec.sparkplug_b"
local state = sparkplug_b.state("scada", 1000)
local host = sparkplug_b.host { tags = { ["Temp"] = "temperature" }, reorder_timeout = TIMEOUT }
line "plant" {
  host = "127.0.0.1", port = PORT, topic_filter = sparkplug_b.topic_filters(),
  on_connect = state.on_connect, will_flag = true, will_qos = 1, will_retain = true,
  will_topic = state.topic, will_message = state.offline,
  station "node-{edge}" {
    address = sparkplug_b.address("G"),
    decode = host, encode = host.encode, on_status = function(s) print("now " .. s.status) end,
    tags = { temperature = Ai {}, Level = Co {} },
  },
}
]]

local function node(kind) return "spBv1.0/G/" .. kind .. "/E" end

describe("Sparkplug B", function()
  after_each(scope.finish)

  local function start(timeout)
    local b = broker.new()
    local t = tagline.run(config, { PORT = b.port, TIMEOUT = timeout or 0 })
    local c = b:handshake()
    local state = c:expect "PUBLISH"
    assert.same({ "spBv1.0/STATE/scada", '{"online":true,"timestamp":1000}', 1, true },
      { state.topic, state.payload, state.qos, state.retain })
    c:send("PUBACK", { id = state.id })
    c:send("PUBLISH", { topic = node "NBIRTH", payload = support.bytes(support.vectors.nbirth),
      qos = 0 })
    assert.equal(21.5, t:value("plant.node-E.temperature").value)
    return t, c
  end

  local function data(c, seq, level)
    c:send("PUBLISH",
      { topic = node "NDATA", qos = 0,
        payload = assert(sparkplug_b.encode_bytes { timestamp = support.TIME,
      seq = seq,
      metrics = { { alias = 2, wire = "int_value", wire_value = level } } }) })
  end

  it("gives values by alias, asks for a rebirth when one was lost, and hears of deaths", function()
    local t, c = start()
    data(c, 1, 4294967289)
    repeat local value = t:value "plant.node-E.Level" until value.value == -7
    data(c, 3, 9)
    local invalid = t:value "plant.node-E.temperature"
    assert.same({ "invalid", "decoder" }, { invalid.status, invalid.reason })
    local request = c:expect "PUBLISH"
    assert.same({ node "NCMD", 0, false }, { request.topic, request.qos, request.retain })
    local metric = assert(sparkplug_b.decode_bytes(request.payload)).metrics[1]
    assert.same({ "Node Control/Rebirth", true }, { metric.name, metric.value })
    t:wait_log "expected seq 2, got 3: messages were lost"

    c:send("PUBLISH", { topic = node "NBIRTH", payload = support.bytes(support.vectors.nbirth),
      qos = 0 })
    assert.equal(21.5, t:value("plant.node-E.temperature").value)
    c:send("PUBLISH", { topic = node "NDEATH", payload = support.bytes(support.vectors.ndeath),
      qos = 0 })
    invalid = t:value "plant.node-E.temperature"
    assert.same({ "invalid", "disconnected" }, { invalid.status, invalid.reason })
    t:wait_log "now StHardErr"
    c:send("PUBLISH", { topic = node "NBIRTH", payload = support.bytes(support.vectors.nbirth),
      qos = 0 })
    assert.equal(21.5, t:value("plant.node-E.temperature").value)
    t:wait_log "now StOn"
    t:stop()
  end)

  it("waits for a message that others overtook", function()
    local t, c = start(30)
    data(c, 2, 2)
    data(c, 1, 1)
    assert.equal(-5, t:value("plant.node-E.Level").value) -- of the birth
    assert.same({ 1, 2 },
      { t:value("plant.node-E.Level").value, t:value("plant.node-E.Level").value })
    t:stop()
  end)

  it("asks for a rebirth when a message does not come in time", function()
    local t, c = start(0.2)
    data(c, 2, 2)
    local request = c:expect "PUBLISH"
    assert.equal(node "NCMD", request.topic)
    t:wait_log "expected seq 1 within 0.2 s: messages were lost"
    data(c, 3, 3)
    repeat local value = t:value "plant.node-E.Level" until value.value == 3
    t:stop()
  end)

  it("writes a metric as a command", function()
    local t, c = start()
    assert.same({ 0, "true", "" }, { t:eval 'return tags["plant.node-E.Level"]:write(-9)' })
    local command = c:expect "PUBLISH"
    assert.equal(node "NCMD", command.topic)
    local metric = assert(sparkplug_b.decode_bytes(command.payload)).metrics[1]
    assert.same({ 2, "Int32", -9 }, { metric.alias, metric.datatype, metric.value })
    local _, out = t:eval 'local _, why = tags["plant.node-E.Level"]:write(3000000000) return why'
    assert.truthy(
      out:find("expected an integer from -2147483648 to 2147483647 for Int32, got 3000000000", 1,
        true))
    t:stop()
  end)

  it("says where a payload is wrong, and goes on", function()
    local t, c = start()
    c:send("PUBLISH", { topic = node "NDATA", payload = "\x12\x0e\x0a\x01", qos = 0 })
    t:wait_log "sparkplug_b: NDATA: byte 2: expected metrics of at most 2 bytes, got a length of 14"
    c:send("PUBLISH", { topic = node "NBIRTH", payload = support.bytes(support.vectors.nbirth),
      qos = 0 })
    repeat local value = t:value "plant.node-E.temperature" until value.value == 21.5
    t:stop()
  end)
end)
