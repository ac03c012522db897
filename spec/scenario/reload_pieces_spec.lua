-- A reload of many stations goes on in pieces: messages are handled and code is evaluated between
-- them, and each message finds all of the old config or all of the new one. Counted in messages,
-- not in time: a config is being read until its gate is open.
local scenario = require "spec.support.scenario"
local broker, files, scope, tagline = scenario "broker files scope tagline"

local config = [[
print "the config is read"
repeat until file "gate" == "open"
local many = {}
for i = 1, 2000 do
  many[i] = station("m" .. i) { address = "m/" .. i,
    decode = function(msg) return { version = VERSION } end,
    tags = { version = Ai { new_value_on_time_change = true }, other = Ai "JA=x" } }
end
line "many" { host = "127.0.0.1", port = PORT, payload_type = "JSON", ignore_missing_time = true,
  many }
line "one" { host = "127.0.0.1", port = PORT,
  station "s" { address = "s", tags = { v = Ci "IN_DATA" } } }
]]

describe("a reload in pieces", function()
  after_each(scope.finish)

  local t, b, lines, gate

  -- Started, with a gate that the next reload finds closed.
  local function start()
    b = broker.new()
    local path = tagline.config(config, { PORT = b.port, VERSION = 1 })
    gate = path:match "^.*/" .. "gate"
    files.write(gate, "open")
    t = tagline.run(path)
    lines = {}
    for _ = 1, 2 do
      local c = b:handshake()
      lines[c.connect.client_id:match "%-(%a+)$"] = c
    end
    files.write(gate, "closed")
  end

  local function message(c, topic, payload, id)
    c:send("PUBLISH", { topic = topic, payload = payload, qos = 1, id = id })
    assert.equal(id, c:expect_past_subscribe("PUBACK").id)
  end

  local function said(pattern) return t:text("stderr"):find(pattern) end

  it("lets other lines go on, and exchanges a line between two messages", function()
    start()
    files.change(t.config_path, "version = 1", "version = 2")
    t:kill "sighup"
    local id = 0
    local function both()
      id = id % 60000 + 1
      message(lines.one, "s", tostring(id), id)
      message(lines.many, "m/" .. (id * 7) % 2000 + 1, '{"x":1}', id)
    end
    while not said "is read.*is read" do both() end
    for _ = 1, 6 do both() end -- who reads a config holds no message
    assert.falsy(said "config.lua: reloaded")
    files.write(gate, "open")
    while not said "config.lua: reloaded" do both() end
    message(lines.many, "m/1", "{}", 60001)
    local version, seen = 1, {}
    t:wait_line "many%.m1%.version.*\"value\":2"
    for _, value in ipairs(t:values()) do
      if value.tag:find "version$" then
        assert.is_true(value.value >= version,
          "a message found the old handlers after the new ones")
        version = value.value
        seen[version] = true
      end
    end
    assert.same({ true, true }, seen)
    t:stop()
  end)

  it("is followed by another one that was asked for meanwhile", function()
    start()
    t:kill "sighup"
    t:wait_log "the config is read"
    t:wait_log "the config is read"
    files.change(t.config_path, "version = 1", "version = 2")
    t:kill "sighup"
    t:wait_log "reloading once more, when this is done"
    files.write(gate, "open")
    t:wait_log "config.lua: reloaded"
    t:wait_log "the config is read"
    t:wait_log "config.lua: reloaded"
    message(lines.many, "m/5", "{}", 5)
    assert.equal(2, t:value("many.m5.version").value)
  end)

  it("leaves the prompt what runs", function()
    start()
    t:kill "sighup"
    t:wait_log "the config is read"
    t:wait_log "the config is read"
    local code, out = t:eval "local n = 0 for _ in pairs(tags) do n = n + 1 end return n"
    assert.equal(0, code)
    assert.equal("4001", out:gsub("%s", "") .. "")
    assert.is_nil(said "config.lua: reloaded")
    files.write(gate, "open")
    -- what comes behind it waits for its own turn
    code, out = t:eval "return reload()"
    assert.equal(0, code)
    assert.truthy(out:find("reloaded", 1, true), out)
    assert.truthy(said "config.lua: reloaded.*config.lua: reloaded")
  end)

  it("is given up at SIGTERM, and who waits for it is told", function()
    start()
    t:kill "sighup"
    t:wait_log "the config is read"
    t:wait_log "the config is read"
    message(lines.one, "s", "7", 7)
    t:stop()
    assert.truthy(said "config.lua: not reloaded: the process ends")
    assert.falsy(said "ERROR")
    assert.equal("DISCONNECT", lines.one:next_but_pings().type)
  end)

  it("shows functions of statuses the devices as they are, in the middle of an exchange", function()
    b = broker.new()
    t = tagline.run([[
local kept
line "l" { host = "127.0.0.1", port = PORT,
  station "{dev}" { address = "d/(?<dev>.*)",
    on_status = function(station)
      if kept then print("kept " .. kept.name .. " " .. kept.status) end
      kept = stations["l.a"]
      if kept then print("is " .. kept.status) end
    end,
    decode = function() return { v = 1 } end,
    tags = { v = Ci {} } } }
]], { PORT = b.port })
    local c = b:handshake()
    for i, device in ipairs { "a", "b", "c" } do message(c, "d/" .. device, "x", i) end
    files.change(t.config_path, "tags = { v = Ci {} }",
      "simulate = true, tags = { v = Ci {}, more = Ci {} }")
    t:kill "sighup"
    t:wait_log "config.lua: reloaded"
    assert.equal("StSimul", select(2, t:eval 'return stations["l.a"].status'):match "%w+")
    t:stop()
  end)

  it("connects a line that is new to all of its stations, whoever is in a hurry", function()
    b = broker.new()
    local path = tagline.config([[
every(0.001, function() local s = stations["new.m1"] if s then s:on() end end)
line "old" { host = "127.0.0.1", port = PORT,
  station "s" { address = "s", tags = { v = Ci "IN_DATA" } } }
]], { PORT = b.port })
    t = tagline.run(path)
    b:handshake()
    files.write(path, files.read(path) .. ([[
local many = {}
for i = 1, 5000 do
  many[i] = station("m" .. i) { address = "m/" .. i, tags = { v = Ci "IN_DATA" } }
end
line "new" { host = "127.0.0.1", port = %d, many }
]]):format(b.port))
    t:kill "sighup"
    local c = b:handshake()
    message(c, "m/5000", "7", 1)
    assert.equal(7, t:value("new.m5000.v").value)
    t:stop()
  end)
end)
