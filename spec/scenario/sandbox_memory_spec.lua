-- Handlers that keep or make more than there is memory for: they fail, and what needs little goes
-- on.
local scenario = require "spec.support.scenario"
local broker, scope, tagline = scenario "broker scope tagline"

-- milliseconds of the processor, in a build with sanitizers
local SLACK = tonumber(os.getenv "SANDBOX_SLACK_MS") or 400

describe("the memory of handlers", function()
  after_each(scope.finish)

  it("gives a part of it to one text, which is made in one go", function()
    local b = broker.new()
    local t = tagline.run([[
      limits { memory = 16 * 2^20 }
      line "plant" { host = "127.0.0.1", port = PORT,
        station "s" { address = "s", tags = { x = Ai {} },
          decode = function(msg) return { x = #("x"):rep(tonumber(msg.payload)) } end } }]],
      { PORT = b.port })
    local c = b:handshake()
    c:send("PUBLISH", { topic = "s", payload = tostring(3 << 20) })
    assert.equal(3 << 20, t:value("plant.s.x").value)
    c:send("PUBLISH", { topic = "s", payload = tostring(6 << 20) })
    t:wait_log "ERROR plant.s: decode: .*not enough memory"
    t:stop()
  end)

  it("is bounded: what keeps too much fails, and what needs little goes on", function()
    local b = broker.new()
    local t = tagline.run([[
      limits { memory = 16 * 2^20, handler_time = 5 }
      local kept = {}
      local function grow() for i = 1, 1e9 do kept[#kept + 1] = ("x"):rep(1000) .. i end end
      line "plant" { host = "127.0.0.1", port = PORT, station "s" { address = "s",
        decode = function(msg)
          if msg.payload == "grow" then grow() end
          if msg.payload == "caught" then
            for _ = 1, 100 do pcall(grow) end
          end
          if msg.payload == "drop" then kept = {} end
          return { x = 1 }
        end, tags = { x = Ai { new_value_on_time_change = true } } } }]], { PORT = b.port })
    local c = b:handshake()
    local function publish (payload, id)
      c:send("PUBLISH", { topic = "s", payload = payload, qos = 1, id = id })
      assert.equal(id, c:expect("PUBACK").id)
    end
    publish("grow", 1)
    local said = t:wait_log "not enough memory"
    assert.truthy(
      said:find(
        "plant.s: decode: .*config.lua:3: not enough memory %(limits: memory = 16777216%)"),
          said)
    -- little room is left: whatever happens is told, nothing ends
    for id = 2, 40 do publish("ok", id) end
    publish("caught", 41)
    publish("drop", 42)
    for id = 43, 60 do publish("ok", id) end -- by and by there is room again
    local code, out, err = t:eval "print(tags['plant.s.x'].value)"
    assert.equal(0, code, err)
    assert.truthy(out:find "^1")
    t:stop()
  end)
end)

describe("the largest texts", function()
  after_each(scope.finish)

  it("are those of devices; a script's own are a 64th of the memory", function()
    local b = broker.new()
    local t = tagline.run([[
      limits { handler_time = 2 }
      line "plant" { host = "127.0.0.1", port = PORT, station "s" { address = "s",
        decode = function(msg)
          local ok, made = pcall(function()
            return msg.topic == "s" and #msg.payload > 6e6 and msg.payload .. "x"
          end)
          if made then error("made, of " .. #made) end
          return { n = #msg.payload, first = (tags["plant.s.all"].value or "none"):sub(1, 3) }
        end, tags = { all = TxtI "IN_DATA", n = Ci {}, first = TxtI {} } } }]], { PORT = b.port })
    local c = b:handshake()
    c:send("PUBLISH", { topic = "s", payload = ("abc"):rep(1900000), qos = 1, id = 1 })
    c:expect "PUBACK"
    assert.equal(5700000, t:value("plant.s.n").value)
    assert.equal("non", t:value("plant.s.first").value) -- addressed tags are set after decode
    c:send("PUBLISH", { topic = "s", payload = ("abc"):rep(1900000), qos = 1, id = 3 })
    c:expect "PUBACK"
    assert.equal("abc", t:value("plant.s.first").value)
    c:send("PUBLISH", { topic = "s", payload = ("abc"):rep(2100000), qos = 1, id = 2 })
    c:expect "PUBACK"
    assert.truthy(
      t:wait_log(
        "config.lua:5: not enough memory for 63000%d%d bytes at once %(limits: memory = \z
          268435456, " ..
      "of which a text may take 4194304%)"))
    repeat until t:value("plant.s.n").status == "invalid"
  end)
end)

describe("a memory that is nearly full", function()
  after_each(scope.finish)

  it("is collected in steps, and keeps nobody waiting", function()
    local b = broker.new()
    local t = tagline.run([[
      limits { memory = 128 * 2^20 }
      kept, leak = {}, {}
      for i = 1, 1000000 do kept[i] = {} end
      line "plant" { host = "127.0.0.1", port = PORT, station "s" { address = "s",
        decode = function(msg)
          if msg.payload == "leak" then for i = 1, 1e9 do leak[#leak + 1] = { i } end end
          local garbage
          for i = 1, 500 do garbage = { i, { i } } end
          return { x = tonumber(msg.payload) }
        end, tags = { x = Ai {} } } }]], { PORT = b.port })
    local c = b:handshake()
    local longest = 0
    local function publish(payload, id)
      longest = math.max(longest, 1000 * t:cpu_during(function()
        c:send("PUBLISH", { topic = "s", payload = payload, qos = 1, id = id })
        assert.equal(id, c:expect("PUBACK").id)
      end))
    end
    for id = 1, 100 do publish(tostring(id), id) end
    repeat until t:value("plant.s.x").value == 100
    for id = 101, 105 do publish("leak", id) end
    for id = 106, 200 do publish(tostring(id), id) end -- what they find is little, but enough
    repeat until t:value("plant.s.x").value == 200
    assert.is_true(longest < 100 + SLACK, ("took %.0f ms"):format(longest))
    if os.getenv "SANDBOX_PRINT" then print(("%6.1f ms  nearly full"):format(longest)) end
  end)
end)
