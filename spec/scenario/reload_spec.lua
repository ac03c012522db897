-- Reloading: what did not change stays as it is, what did is said, and a config with errors
-- changes nothing.
local scenario = require "spec.support.scenario"
local broker, files, packet, process, scope, tagline, wait =
  scenario "broker files packet process scope tagline wait"

local config = [[
line "plant" {
  host = "127.0.0.1", port = PORT, payload_type = "JSON", ignore_missing_time = true,
  publish_qos = 1,
  station "boiler" {
    address = "boiler/up", time_filter = 10,
    tags = { temperature = Ai "JA=temp", running = Di "JA=on",
      topic = TxtO { "OUT_TOPIC", default = "boiler/set" }, setpoint = TxtO "OUT_VALUE" },
  },
  station "meter" {
    address = "meter/up", payload_type = "Text only",
    decode = function(msg) return { volts = tonumber(msg.payload) * 1 } end,
    tags = { volts = Ai { new_value_on_time_change = true } },
  },
  station "dev-{id}" {
    address = "dev/(?<id>[^/]+)/up", payload_type = "Text only",
    decode = function(msg) return { level = tonumber(msg.payload) * 1 } end,
    tags = { level = Ai { new_value_on_time_change = true } },
  },
}
]]

describe("reload()", function()
  after_each(scope.finish)

  local t, c, b

  local function start(options, text)
    b = broker.new()
    t = tagline.run(text or config, { PORT = b.port }, options)
    c = b:handshake()
  end

  local function change(from, to)
    files.change(t.config_path, from, to)
  end

  local function publish(topic, payload, id)
    c:send("PUBLISH", { topic = topic, payload = payload, qos = id and 1 or 0, id = id })
    if id then assert.equal(id, c:expect_past_subscribe("PUBACK").id) end
  end

  -- The answer of reload() at the prompt.
  local function reload(code)
    local exit, out, errors = t:eval(code or "reload()")
    assert.equal("", errors)
    assert.equal(0, exit)
    return out
  end

  -- Code whose end is waited for later.
  local function attach(code)
    return process.start(tagline.program(), { "repl", "--socket", t.socket, "--wait", "300", "-e",
      code })
  end

  local function value(tag)
    local _, out = t:eval(('return tags["%s"].value'):format(tag))
    return out
  end

  -- The connection is still the first one, and works.
  local function still_connected()
    publish("boiler/up", '{"temp":99}', 990)
    assert.equal("99", value "plant.boiler.temperature")
    assert.equal(1, #b.connections)
  end

  it("ends at SIGTERM while the socket of a removed line still closes", function()
    b = broker.new()
    local kept = 'line "kept" { host = "127.0.0.1", port = PORT, station "s" { address = "a" } }'
    local path = tagline.config(kept
      .. ' line "gone" { host = "127.0.0.1", port = PORT, station "s" { address = "a" } }',
        { PORT = b.port })
    t = tagline.run(path)
    b:handshake() -- their other ends stay open: both are closed by us, after a while
    b:handshake()
    scope.file("config.lua", (kept:gsub("PORT", b.port)), path:match "^(.*)/")
    t:kill "sighup"
    t:wait_log "reloaded"
    t:stop()
  end)

  it("says that nothing changed, and keeps connection and values", function()
    start()
    publish("boiler/up", '{"temp":21.5,"on":true}', 1)
    assert.truthy(reload():find("nothing changed", 1, true))
    assert.equal("21.5", value "plant.boiler.temperature")
    still_connected()
  end)

  it("swaps handlers, those of stations that were made for devices too", function()
    start()
    publish("meter/up", "3", 1)
    publish("dev/a/up", "4", 2)
    assert.equal(3, t:value("plant.meter.volts").value)
    assert.equal(4, t:value("plant.dev-a.level").value)
    files.write(t.config_path, (files.read(t.config_path):gsub("%* 1", "* 10")))
    reload()
    publish("meter/up", "3", 3)
    publish("dev/a/up", "4", 4)
    assert.equal(30, t:value("plant.meter.volts").value)
    assert.equal(40, t:value("plant.dev-a.level").value)
    still_connected()
  end)

  it("keeps the values of tags that did not change", function()
    start()
    publish("boiler/up", '{"temp":21.5,"on":true}', 1)
    change('running = Di "JA=on"', 'running = Di "JA=off", extra = Ai "JA=extra"')
    local said = reload()
    assert.truthy(said:find("station 'plant.boiler' changed", 1, true), said)
    assert.truthy(said:find("tag 'extra' added", 1, true), said)
    assert.truthy(said:find("tag 'running'", 1, true), said)
    assert.falsy(said:find("temperature", 1, true), said)
    assert.equal("21.5", value "plant.boiler.temperature")
    assert.equal("nil", value "plant.boiler.running")
    publish("boiler/up", '{"temp":1,"off":false,"extra":5}', 2)
    assert.equal("5", value "plant.boiler.extra")
    assert.equal("false", value "plant.boiler.running")
    still_connected()
  end)

  it("takes a tag away", function()
    start()
    change('running = Di "JA=on",', "")
    assert.truthy(reload():find("tag 'running' removed", 1, true))
    local exit, _, errors = t:eval 'return tags["plant.boiler.running"].value'
    assert.equal(1, exit)
    assert.truthy(errors:find("nil", 1, true))
    still_connected()
  end)

  it("routes a changed address, and keeps values", function()
    start()
    publish("boiler/up", '{"temp":21.5}', 1)
    change('address = "boiler/up"', 'address = "kettle/up"')
    assert.truthy(reload():find("station 'plant.boiler' changed: address", 1, true))
    assert.equal("21.5", value "plant.boiler.temperature")
    publish("boiler/up", '{"temp":1}', 2)
    assert.equal("21.5", value "plant.boiler.temperature")
    publish("kettle/up", '{"temp":2}', 3)
    assert.equal("2", value "plant.boiler.temperature")
    assert.equal(1, #b.connections)
  end)

  it("adds and removes stations", function()
    start()
    change('  station "meter" {',
      '  station "new" { address = "new/up", tags = { x = Ai "JA=x" } },\n  station "gauge" {')
    local said = reload()
    assert.truthy(said:find("station 'plant.new' added", 1, true), said)
    assert.truthy(said:find("station 'plant.gauge' added", 1, true), said)
    assert.truthy(said:find("station 'plant.meter' removed", 1, true), said)
    publish("new/up", '{"x":7}', 1)
    assert.equal("7", value "plant.new.x")
    local exit, _, errors = t:eval 's = stations["plant.meter"]; assert(s, "gone")'
    assert.equal(1, exit)
    assert.truthy(errors:find("gone", 1, true))
    still_connected()
  end)

  it("keeps the devices of a template, and the values of its tags that did not change", function()
    start()
    publish("dev/a/up", "1", 1)
    publish("dev/b/up", "2", 2)
    change("tags = { level = Ai { new_value_on_time_change = true } },\n  },\n}",
      'tags = { level = Ai { unit = "m" }, more = Ai {}, topic = TxtO { "OUT_TOPIC", default = \z
        "dev/{id}/set" } },\n  },\n}')
    local said = reload()
    assert.equal(
      "station 'plant.dev-{id}' changed: tag 'level', tag 'more' added, tag 'topic' added", said)
    assert.equal("1", value "plant.dev-a.level")
    assert.equal("2", value "plant.dev-b.level")
    assert.equal("nil", value "plant.dev-a.more")
    assert.equal("dev/b/set", value "plant.dev-b.topic")
    files.write(t.config_path,
      (files.read(t.config_path):gsub("level = tonumber%(msg.payload%) %* 1",
        "level = 7, more = 8")))
    reload()
    assert.equal("1", value "plant.dev-a.level")
    publish("dev/a/up", "3", 3)
    assert.equal("7", value "plant.dev-a.level")
    assert.equal("8", value "plant.dev-a.more")
    change("dev/{id}/set", "dev/{id}/do")
    reload()
    assert.equal("dev/a/do", value "plant.dev-a.topic")
    assert.equal("7", value "plant.dev-a.level")
    publish("dev/c/up", "3", 4)
    assert.equal("dev/c/do", value "plant.dev-c.topic")
    still_connected()
  end)

  it("keeps the devices that a changed address still takes, and drops the others", function()
    start()
    publish("dev/a/up", "1", 1)
    publish("dev/22/up", "2", 2)
    change("(?<id>[^/]+)", "(?<id>[a-z]+)")
    reload()
    assert.equal("1", value "plant.dev-a.level")
    assert.equal("nil", (select(2, t:eval 'return stations["plant.dev-22"]')))
    publish("dev/22/up", "3", 3)
    publish("dev/a/up", "4", 4)
    assert.equal("4", value "plant.dev-a.level")
    assert.equal("nil", (select(2, t:eval 'return stations["plant.dev-22"]')))
    change('station "dev-{id}"', 'station "device-{id}"')
    reload()
    assert.equal("nil", (select(2, t:eval 'return stations["plant.dev-a"]')))
    still_connected()
  end)

  it("keeps the writes of a device whose template changed", function()
    start(nil, (config:gsub("level = Ai", [[topic = TxtO { "OUT_TOPIC", default = "dev/{id}/set" },
      set = TxtO "OUT_VALUE", level = Ai]])))
    publish("dev/a/up", "1", 1)
    local writing = attach('tags["plant.dev-a.set"]:write("5", print)')
    local p = c:expect_past_subscribe "PUBLISH"
    assert.equal("dev/a/set", p.topic)
    change("tags = { topic", "tags = { first = Ai {}, topic")
    reload()
    c:send("PUBACK", { id = p.id })
    assert.equal("5", t:value("plant.dev-a.set").value)
    writing:wait_line "^true\tnil"
    still_connected()
  end)

  it("goes on waiting for ACK_ID when the station changed", function()
    start(nil, [[line "plant" { host = "127.0.0.1", port = PORT, payload_type = "JSON",
      ignore_missing_time = true,
      station "ack" { address = "ack",
        tags = { id = Ci "IN_ID", ok = Co "ACK_ID", v = Ai "JA=v" } },
      station "boiler" { address = "boiler/up", tags = { temperature = Ai "JA=temp" } } }]])
    c:send("PUBLISH", { topic = "ack", payload = '{"v":5}', qos = 1, id = 9 })
    assert.equal(9, t:value("plant.ack.id").value)
    local text = select(2, t:eval('explain(tags["plant.ack.v"])'))
    assert.truthy(
      text:find("message 9 of plant.ack waits for the write of ACK_ID, and 0 messages behind it",
        1, true), text)
    change('v = Ai "JA=v"', 'v = Ai "JA=v", w = Ai "JA=w"')
    reload()
    assert.equal("5", value "plant.ack.v")
    assert.equal(0, (t:eval 'assert(tags["plant.ack.ok"]:write(9))'))
    assert.equal(9, c:expect_past_subscribe("PUBACK").id)
    c:send("PUBLISH", { topic = "ack", payload = '{"v":6}', qos = 1, id = 10 })
    assert.equal(10, t:value("plant.ack.id").value)
    change('ok = Co "ACK_ID", ', "")
    reload()
    assert.equal(10, c:expect_past_subscribe("PUBACK").id) -- nobody can confirm it any more
    still_connected()
  end)

  it("lets a device be written out, with its values", function()
    start()
    publish("dev/a/up", "1", 1)
    publish("dev/b/up", "2", 2)
    change('  station "dev-{id}" {', [[
  station "dev-a" { address = "dev/a/up", payload_type = "Text only",
    decode = function(msg) return { level = 100 } end,
    tags = { level = Ai { new_value_on_time_change = true } } },
  station "dev-{id}" {]])
    local said = reload()
    assert.equal("station 'plant.dev-a' added", said)
    assert.equal("1", value "plant.dev-a.level")
    publish("dev/a/up", "3", 3)
    assert.equal("100", value "plant.dev-a.level")
    files.write(t.config_path, (files.read(t.config_path):gsub('  station "dev%-{id}".*', "}")))
    reload()
    publish("dev/a/up", "3", 4)
    assert.equal("100", value "plant.dev-a.level")
    assert.equal("nil", (select(2, t:eval 'return stations["plant.dev-b"]')))
    still_connected()
  end)

  it("lets an exact address stand before a device, over several reloads", function()
    start()
    publish("dev/a/up", "1", 1)
    change('  station "dev-{id}" {', [[
  station "other" { address = "dev/a/up", payload_type = "Text only",
    tags = { x = Ai "IN_DATA" } },
  station "dev-{id}" {]])
    reload()
    publish("dev/a/up", "2", 2)
    assert.equal("2", value "plant.other.x")
    assert.equal("1", value "plant.dev-a.level")
    change("level = Ai {", "more = Ai {}, level = Ai {")
    reload()
    assert.equal("1", value "plant.dev-a.level")
    files.write(t.config_path, (files.read(t.config_path):gsub('  station "dev%-{id}".*', "}")))
    reload()
    publish("dev/a/up", "3", 3)
    assert.equal("3", value "plant.other.x")
    still_connected()
  end)

  it("lets stations swap their addresses", function()
    start()
    publish("boiler/up", '{"temp":21.5}', 1)
    files.write(t.config_path,
      (files.read(t.config_path):gsub('"boiler/up"', '"X"'):gsub('"meter/up"',
        '"boiler/up"'):gsub('"X"', '"meter/up"')))
    reload()
    publish("boiler/up", "5", 2)
    assert.equal("5", value "plant.meter.volts")
    publish("meter/up", '{"temp":2}', 3)
    assert.equal("2", value "plant.boiler.temperature")
    assert.equal(1, #b.connections)
  end)

  it("makes the connection anew when a parameter of the line changes, and only then", function()
    start()
    publish("boiler/up", '{"temp":21.5}', 1)
    change("publish_qos = 1", "publish_qos = 1, keep_alive = 33")
    assert.equal("line 'plant' changed: keep_alive", reload())
    c:expect "DISCONNECT"
    c:expect_close()
    c = b:handshake { session_present = true }
    assert.equal(33, c.connect.keep_alive)
    assert.equal("21.5", value "plant.boiler.temperature")
  end)

  it("lets a new topic_filter wait for the next connection", function()
    start()
    change("publish_qos = 1", 'publish_qos = 1, topic_filter = "x/#"')
    assert.equal(
      "line 'plant' changed: topic_filter, which waits for the next connection \z
        (lines[\"plant\"]:reconnect())", reload())
    still_connected()
  end)

  it("adds and removes lines", function()
    start()
    local second = broker.new()
    local text = files.read(t.config_path)
    files.write(t.config_path,
      text .. ('line "two" { host = "127.0.0.1", port = %d, station "s" { address = "#", '
      .. 'tags = { d = TxtI "IN_DATA" } } }\n'):format(second.port))
    assert.equal("line 'two' added", reload())
    local other = second:handshake()
    other:send("PUBLISH", { topic = "q", payload = "hello" })
    assert.equal("hello", t:value("two.s.d").value)
    files.write(t.config_path, text)
    assert.equal("line 'two' removed", reload())
    other:expect "DISCONNECT"
    other:expect_close()
    still_connected()
  end)

  it("confirms a write that was in flight, also when its station changed", function()
    start()
    local writing = attach('tags["plant.boiler.setpoint"]:write("5", print)')
    local p = c:expect_past_subscribe "PUBLISH"
    assert.equal("5", p.payload)
    change('running = Di "JA=on"', 'running = Di "JA=off"')
    reload()
    c:send("PUBACK", { id = p.id })
    assert.equal("5", t:value("plant.boiler.setpoint").value)
    writing:wait_line "^true\tnil"
    still_connected()
  end)

  it("finds its writes again, whatever a function of a status ends meanwhile", function()
    b = broker.new()
    local port = b.port
    b:refuse()
    t = tagline.run([[
line "plant" { host = "127.0.0.1", port = PORT, clean_session = false, session_store = STORE,
  reconnect_delay = 60, publish_qos = 1, offline_writes = "queue",
  station "pump" { address = "pump/up",
    on_status = function() lines.plant:set { session_store = "" } end,
    tags = { topic = TxtO { "OUT_TOPIC", default = "pump/set" }, set = TxtO "OUT_VALUE" } } }
]], { PORT = port, STORE = ("%q"):format(scope.folder() .. "/store") })
    t:wait_log "connection refused"
    t:eval 'for i = 1, 3 do tags["plant.pump.set"]:write("x" .. i, print) end'
    change('address = "pump/up",', 'address = "pump/up", simulate = true,')
    t:kill "sighup"
    t:wait_log "config.lua: reloaded"
    t:stop()
    local _, ended = t:text("stderr"):gsub("false\tline closed", "")
    assert.equal(3, ended)
  end)

  it("keeps the old config when the new one has errors, and gives every problem", function()
    start()
    publish("boiler/up", '{"temp":21.5}', 1)
    change("time_filter = 10", "tme_filter = 10, decode = 5")
    local exit, out = t:eval "local ok, why = reload(); print(ok); print(why)"
    assert.equal(0, exit)
    assert.truthy(out:find("nil\n.-:5: line 'plant', station 'boiler': .-decode: expected"), out)
    assert.truthy(out:find("did you mean 'time_filter'", 1, true), out)
    t:wait_log "not reloaded, the old config stays"
    assert.equal("21.5", value "plant.boiler.temperature")
    still_connected()
    local _, status = t:eval "status()"
    assert.truthy(status:find("was refused, the old one goes on:\n", 1, true), status)
    change("tme_filter = 10, decode = 5", "time_filter = 10")
    reload()
    _, status = t:eval "status()"
    assert.falsy(status:find("refused", 1, true), status)
  end)

  it("only says what would change with { dry = true }", function()
    start()
    change("time_filter = 10", "time_filter = 11")
    assert.equal("station 'plant.boiler' changed: time_filter", reload "reload { dry = true }")
    assert.equal("station 'plant.boiler' changed: time_filter", reload "reload { dry = true }")
    assert.equal("station 'plant.boiler' changed: time_filter", reload())
    assert.truthy(reload("reload { dry = true }"):find("nothing would change", 1, true))
    files.write(t.config_path,
      "limits { handler_time = 0.2, text = 1e6 }\n" .. files.read(t.config_path))
    assert.equal("limits changed: handler_time, text", reload "reload { dry = true }")
    assert.equal("limits changed: handler_time, text", reload())
    assert.truthy(reload():find("nothing changed", 1, true))
    still_connected()
  end)

  it("comes with SIGHUP", function()
    start()
    change("time_filter = 10", "time_filter = 11")
    t:kill "sighup"
    t:wait_log "reload: station 'plant.boiler' changed: time_filter"
    t:wait_log "config.lua: reloaded"
    still_connected()
  end)

  it("comes with a changed file when --watch is given, of the config or of one it requires",
    function()
    b = broker.new()
    local folder = scope.folder()
    files.write(folder .. "/kettle.lua", "return { factor = 1 }")
    local path = scope.file("site.lua", ([[
      local kettle = require "kettle"
      line "plant" { host = "127.0.0.1", port = %d,
        station "k" { address = "k", tags = { v = Ai {} },
          decode = function(msg) return { v = tonumber(msg.payload) * kettle.factor } end } }]])
      :format(b.port), folder)
    t = tagline.run(path, nil, { arguments = { "--watch" } })
    c = b:handshake()
    publish("k", "2", 1)
    assert.equal(2, t:value("plant.k.v").value)
    files.write(folder .. "/kettle.lua", "return { factor = 1000 }")
    t:wait_log "changed on disk, reloading"
    t:wait_log "reloaded"
    publish("k", "2", 2)
    assert.equal(2000, t:value("plant.k.v").value)
    files.write(folder .. "/kettle.lua", "return {{{")
    t:wait_log "kettle.lua:1:"
    t:wait_log "not reloaded"
    publish("k", "3", 3)
    assert.equal(3000, t:value("plant.k.v").value)
  end)

  it("waits for the end of the message when a handler asks for it", function()
    start(nil, [[line "plant" { host = "127.0.0.1", port = PORT,
      station "boiler" { address = "boiler/up", payload_type = "JSON", ignore_missing_time = true,
        tags = { temperature = Ai { "JA=temp", on_value = function() reload() end } } } }]])
    change("boiler/up", "boiler/down")
    publish("boiler/up", '{"temp":1}', 1)
    t:wait_log "changed: address"
    publish("boiler/down", '{"temp":2}', 2)
    assert.equal(1, t:value("plant.boiler.temperature").value)
    assert.equal(2, t:value("plant.boiler.temperature").value)
  end)

  it("is refused while the config loads", function()
    b = broker.new()
    t = tagline.run([[reload() line "p" { host = "127.0.0.1", port = PORT,
      station "s" { address = "#", tags = {} } }]], { PORT = b.port })
    assert.equal(1, (t:wait_exit()))
    assert.truthy(t:text("stderr"):find("not while the config loads", 1, true), t:text("stderr"))
  end)

  it("loses no message of a flood", function()
    start()
    local total, sent, batch = 20000, 0, 200
    local seen, reloads = 0, 0
    local function more()
      local all = {}
      for _ = 1, batch do
        sent = sent + 1
        all[#all + 1] = packet.encode("PUBLISH", { topic = "meter/up", payload = tostring(sent),
          qos = 1, id = sent % 60000 + 1 })
      end
      c:send(table.concat(all))
    end
    local repl = process.start(tagline.program(), { "repl", "--socket", t.socket })
    while sent < total do
      more()
      if sent % 2000 == 0 then
        -- else a slow reload would see two changes, and the next one none
        if reloads > 0 then repl:wait_line "time_filter" end
        change("time_filter = " .. 10 + reloads, "time_filter = " .. 11 + reloads)
        repl:write "reload()\n"
        reloads = reloads + 1
      end
      for _ = 1, batch do
        local p = c:expect_past_subscribe "PUBACK"
        seen = seen + 1
        assert.equal(seen % 60000 + 1, p.id)
      end
    end
    repl:wait_line "time_filter"
    local next_value = 0
    wait.till("all values", 10000, function() return #t:lines() >= total end)
    for _, line in ipairs(t:values()) do
      if line.tag == "plant.meter.volts" then
        next_value = next_value + 1
        assert.equal(next_value, line.value)
      end
    end
    assert.equal(total, next_value)
    assert.equal(1, #b.connections)
  end)
end)
