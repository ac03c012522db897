-- Writing output tags from a shell: the three meanings of "done".
local scenario = require "spec.support.scenario"
local broker, mosquitto, process, scope, tagline, wait =
  scenario "broker mosquitto process scope tagline wait"

local config = [[
line "plant" {
  host = "127.0.0.1", port = PORT, topic_filter = "boiler/up", reconnect_delay = 0.05,
  publish_qos = QOS, publish_retain = RETAIN,
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

local function run(port, qos, retain)
  return tagline.run(config, { PORT = port, QOS = qos, RETAIN = tostring(retain or false) })
end

-- `tagline repl -e CODE`, not waited for.
local function start_eval(t, code)
  return process.start(tagline.program(), { "repl", "--socket", t.socket, "-e", code })
end

local write = 'tags["plant.boiler.setpoint"]:write("21")'

describe("writing", function()
  after_each(scope.finish)

  for qos = 0, 2 do
    it("reaches a subscriber of Mosquitto at QoS " .. qos, function()
      local m = mosquitto.start()
      local t = run(m.port, qos)
      m:wait_subscribed "tagline-plant"
      local s = m:subscribe "boiler/set"
      local code, out, err = t:eval(write)
      assert.same({ 0, "" }, { code, err })
      assert.equal("true", out)
      assert.equal(qos .. " 0 boiler/set 21", s:wait_line "^%d")
      t:stop()
    end)
  end

  it("sets the retain flag", function()
    local b = broker.new()
    local t = run(b.port, 0, true)
    local c = b:handshake()
    assert.equal(0, (t:eval(write)))
    local p = c:expect "PUBLISH"
    assert.same({ "boiler/set", "21", 0, true, false },
      { p.topic, p.payload, p.qos, p.retain, p.dup })
  end)

  it("is done with PUBACK at QoS 1, not before", function()
    local b = broker.new()
    local t = run(b.port, 1)
    local c = b:handshake()
    local e = start_eval(t, write)
    local p = c:expect "PUBLISH"
    assert.has_error(function() e:wait_line("true", 200) end)
    c:send("PUBACK", { id = p.id })
    e:wait_line "^true$"
    assert.equal(0, (e:wait_exit()))
  end)

  it("is done with PUBCOMP at QoS 2, not before", function()
    local b = broker.new()
    local t = run(b.port, 2)
    local c = b:handshake()
    local e = start_eval(t, write)
    local p = c:expect "PUBLISH"
    c:send("PUBREC", { id = p.id })
    assert.equal(p.id, c:expect("PUBREL").id)
    assert.has_error(function() e:wait_line("true", 200) end)
    c:send("PUBCOMP", { id = p.id })
    e:wait_line "^true$"
  end)

  it("goes to the topic that OUT_TOPIC was set to", function()
    local b = broker.new()
    local t = run(b.port, 0)
    local c = b:handshake()
    assert.equal(0, (t:eval 'tags["plant.boiler.command"]:write("boiler/other")'))
    assert.equal(0, (t:eval(write)))
    assert.equal("boiler/other", c:expect("PUBLISH").topic)
  end)

  it("tells its ends in the order of writing, also where no network is needed", function()
    local b = broker.new()
    local t = run(b.port, 0)
    b:handshake()
    local code, out = t:eval [[
      local order = {}
      for i = 1, 3 do
        tags["plant.boiler.command"]:write("to/" .. i, function() order[#order + 1] = i end)
      end
      tags["plant.boiler.command"]:write("to/4")
      return table.concat(order, " ")]]
    assert.same({ 0, "1 2 3" }, { code, (out:gsub("%s*$", "")) })
  end)

  it("fails while there is no connection, and says why", function()
    local b = broker.new()
    b:refuse()
    local t = run(b.port, 1)
    t:wait_log "refused"
    local code, _, err = t:eval(write)
    assert.same({ 1, "not connected" }, { code, err })
  end)

  it("that is refused tells its function, too, and one that tries again does so in peace",
    function()
    local b = broker.new()
    b:refuse()
    local t = tagline.run(config .. [[
      tries = 0
      local function again(ok, why)
        tries = tries + 1
        if tries == 1 then print("told", ok, why) end
        tags["plant.boiler.setpoint"]:write("21", again)
      end
      after(0, function() for i = 1, 3 do lines.plant:publish("to/" .. i, "x") end end)
      after(0, function() print("said", tags["plant.boiler.setpoint"]:write("21", again)) end)
    ]], { PORT = b.port, QOS = 1, RETAIN = "false" })
    t:wait_log "WARN  plant: a write to boiler.setpoint was refused: not connected %(logged once%)"
    t:wait_line("^said\tnil\tnot connected", nil, "stderr")
    t:wait_line("^told\tfalse\tnot connected", nil, "stderr")
    local function so_far() return tonumber((select(2, t:eval "tries"):match "%d+")) end
    local from = so_far()
    -- at most twenty times a second: each look takes a process that is started
    wait.poll("it to try again", nil, function() return so_far() > from end)
    assert.is_true(so_far() < 2000)
    local _, refused = t:text("stderr"):gsub("was refused: not connected %(logged once%)", "")
    assert.equal(2, refused)
    assert.truthy(t:text("stderr"):find("plant: a publish to 'to/1' was refused", 1, true))
  end)

  it("reads values from a shell, bare", function()
    local b = broker.new()
    local t = run(b.port, 0)
    local c = b:handshake()
    c:send("PUBLISH", { topic = "boiler/up", payload = "warm enough" })
    t:value "plant.boiler.data"
    assert.same({ 0, "warm enough", "" }, { t:eval 'tags["plant.boiler.data"].value' })
    assert.same({ 0, "3", "" }, { t:eval "return 1 + 2" })
    assert.same({ 0, "here", "" }, { t:eval 'print("here")' })
  end)

  it("exits 1 on an error of the code, with the error on stderr", function()
    local b = broker.new()
    local t = run(b.port, 0)
    b:handshake()
    for _, code in ipairs { "error('no way')", "1 +", "nonsense.x" } do
      local status, _, err = t:eval(code)
      assert.equal(1, status)
      assert.is_not.equal("", err)
    end
  end)

  it("exits 1 when nothing listens on the socket", function()
    local code, _, err = tagline.command { "repl", "--socket", scope.folder() .. "/none", "-e",
      "1" }
    assert.equal(1, code)
    assert.is_not.equal("", err)
  end)
end)
