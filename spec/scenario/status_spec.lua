-- status() names what is wrong, and --json gives the same facts; each is provoked for real.
-- More of it stands in repl_spec.
local cjson = require "cjson"
local scenario = require "spec.support.scenario"
local broker, files, mosquitto, process, scope, tagline, wait =
  scenario "broker files mosquitto process scope tagline wait"

local config = [[
line "plant" {
  host = "127.0.0.1", port = PORT, payload_type = "JSON", ignore_missing_time = true,
  publish_qos = 1, reconnect_delay = 0.05,
  offline_writes = "queue",
  station "boiler" {
    address = "boiler/up", SWT = "boiler/gone",
    tags = { temperature = Ai { "JA=temp" }, kept = Ai { "JA=kept", on_missing = "keep" },
      topic = TxtO { "OUT_TOPIC", default = "boiler/set" }, setpoint = Ao "OUT_VALUE" },
  },
}
]]

local t, c, b

local function start(text)
  t, c, b = tagline.connected(text or config)
end

local function publish(topic, payload, id) c:deliver(topic, payload, id) end

local function status()
  local exit, out, errors = t:eval "status()"
  assert.equal("", errors)
  assert.equal(0, exit)
  return out
end

local function facts()
  local exit, out = tagline.command { "repl", "--socket", t.socket, "--json", "-e", "status()" }
  assert.equal(0, exit)
  return cjson.decode(out), out
end

-- status() until it says this.
local function says(pattern)
  local out
  wait.poll(pattern, 10000, function()
    out = status()
    return out:find(pattern) ~= nil
  end, function() return out end)
end

describe("status()", function()
  after_each(scope.finish)

  it("names the config by a digest that anybody can check", function()
    start()
    local _, digest = process.run("/usr/bin/env", { "sha256sum", t.config_path })
    local now = facts()
    assert.equal(digest:match "^%x+", now.config.hash)
    assert.truthy(status():find("version " .. now.config.hash:sub(1, 8) .. ", loaded", 1, true))
  end)

  it("says that a file changed since, and what to do", function()
    start()
    files.write(t.config_path, files.read(t.config_path) .. "-- more\n")
    local out = status()
    assert.truthy(
      out:find(
        "config.lua changed on disk since; reload { dry = true } shows what it would change", 1,
          true), out)
    assert.is_true(facts().config.files[1].changed)
    assert.equal(0, (t:eval "reload()"))
    assert.falsy(status():find("changed on disk", 1, true))
    assert.is_false(facts().config.files[1].changed)
  end)

  it("counts the writes that wait for the connection, and tells the age of the oldest", function()
    start((config:gsub("reconnect_delay = 0.05", "reconnect_delay = 60")))
    b:refuse()
    c:reset()
    says "\n  ! not connected: "
    local function write(value)
      process.start(tagline.program(),
        { "repl", "--socket", t.socket, "-e",
          ('tags["plant.boiler.setpoint"]:write(%d)'):format(value) })
    end
    write(1)
    says "! 1 write has waited for the connection for %d+%.%d s\n    → they go out when the \z
      line connects, 10000 at most"
    write(2)
    says "! 2 writes wait for the connection, the oldest for %d+%.%d s\n"
    local line = facts().lines[1]
    assert.equal(2, line.queued)
    assert.is_true(line.oldest_queued >= 0)
  end)

  it("names a refused topic filter by what was asked, whatever is wanted meanwhile", function()
    b = broker.new()
    t = tagline.run((config:gsub('host = "127.0.0.1"', 'topic_filter = { "a/#", "b/#" }, %0')),
      { PORT = b.port })
    c = b:accept()
    c:expect "CONNECT"
    c:send("CONNACK", {})
    local p = c:expect "SUBSCRIBE"
    t:eval 'lines["plant"]:set { topic_filter = { "x/#", "y/#" } }'
    c:send("SUBACK", { id = p.id, codes = { 1, 0x80 } })
    says "'b/#'"
    assert.falsy(status():find("y/#", 1, true))
  end)

  it("names topic filters that the broker does not have yet", function()
    start()
    for _, change in ipairs { { 'host = "', 'topic_filter = "x/#", host = "' },
      { "SWT", "subscribe_address = true, SWT" } } do
      files.change(t.config_path, change[1], change[2])
      assert.equal(0, (t:eval "reload()"))
      says '! the topic filters were changed; the broker uses the old ones.*\n    → \z
        lines%["plant"%]:reconnect%(%) makes one'
      t:wait_log "plant: .* waits for the next connection"
      assert.is_true(facts().lines[1].filters_wait)
      t:eval 'lines["plant"]:reconnect()'
      c = b:accept()
      c:expect "CONNECT"
      c:send("CONNACK", {})
      local p = c:next()
      if p.type == "UNSUBSCRIBE" then
        c:send("UNSUBACK", { id = p.id })
        p = c:expect "SUBSCRIBE"
      end
      c:send("SUBACK", { id = p.id, codes = #p.filters == 2 and { 1, 1 } or { 1 } })
      says "connected to"
      wait.poll("the new filters", 10000, function() return not facts().lines[1].filters_wait end)
      assert.falsy(status():find("topic filters were changed", 1, true))
    end
  end)

  it("names invalid tags with their reasons, and those that never had a value", function()
    start()
    publish("boiler/up", "{}", 1)
    local out = status()
    assert.truthy(out:find("! 1 tag is invalid: plant.boiler.temperature (missing)\n", 1, true),
      out)
    local why = '→ explain(tags["plant.boiler.temperature"]) shows why; help "missing" tells \z
      what it means'
    assert.truthy(out:find(why, 1, true), out)
    assert.truthy(out:find("- no value yet, though messages came: plant.boiler.kept\n", 1, true),
      out)
    publish("boiler/up", '{"temp":1,"kept":1}', 2)
    assert.truthy(status():find "\nnothing is wrong$")
  end)

  it("names stations that are in an error though the line works", function()
    start((config:gsub("SWT = \"boiler/gone\"", "%0, time_filter = 0")))
    publish("boiler/up", '{"temp":1,"kept":1}', 1)
    publish("boiler/gone", "", 2)
    local out = status()
    assert.truthy(
      out:find(
        "! 1 station is in an error though the line works: boiler %(StHardErr for %d+%.%d s: \z
          its will came"), out)
    assert.falsy(out:find("invalid:", 1, true), out)
    publish("boiler/up", '{"temp":1,"kept":1}', 3)
    assert.truthy(status():find "\nnothing is wrong$")
  end)

  it("counts messages of devices that were not taken", function()
    start('line "plant" { host = "127.0.0.1", port = PORT, '
      .. 'station "d-{dev}" { address = "d/(?<dev>.+)", max_instances = 1, tags = { x = TxtI \z
        "IN_DATA" } } }')
    publish("d/1", "x", 1)
    publish("d/2", "x", 2)
    says "! 1 message of further devices was not taken: max_instances is reached, or the name \z
      is taken\n"
    publish("d/3", "x", 3)
    says "! 2 messages of further devices were not taken: max_instances is reached, or the name \z
      is taken\n"
  end)

  it("looks at many stations in pieces, and counts each once", function()
    start [[
local all = {}
for i = 1, 450 do
  all[i] = station("s" .. i) { address = "s/" .. i, tags = { a = Ai "JA=a", b = Ai "JA=b" } }
end
line "plant" { host = "127.0.0.1", port = PORT, payload_type = "JSON", ignore_missing_time = true,
  table.unpack(all) }
]]
    for i = 1, 450, 25 do publish("s/" .. i, '{"a":1}', i) end
    local line
    wait.poll("all of them", nil, function()
      line = facts().lines[1]
      return line.invalid_count == 18
    end)
    assert.same({ { StOn = 450 }, 432, 8, 8, 0 },
      { line.stations, line.silent_count, #line.silent, #line.invalid, line.unset_count })
    assert.equal("plant.s176.b", line.invalid[8].tag)
  end)

  it("names silence", function()
    start((config:gsub("SWT = \"boiler/gone\"", "no_data_timeout = 0.1, time_filter = 0.1")))
    says "boiler %(StHardErr for %d+%.%d s: no message for no_data_timeout%)"
  end)

  it("names another client with the same Client ID, on a real broker", function()
    local m = mosquitto.start()
    t = tagline.run(config, { PORT = m.port })
    t:wait_log "connected to"
    local other = tagline.run(config, { PORT = m.port })
    says "another client probably uses the Client ID 'tagline%-plant'\n    → give each process \z
      a client_id of its own"
    other:stop()
  end)

  it("has lists that are lists in JSON, even when nothing is in them", function()
    start()
    local _, text = facts()
    for _, name in ipairs { "problems", "failures", "filters", "unrouted_topics", "unset",
      "invalid", "failed" } do
      assert.truthy(text:find(('"%s":[]'):format(name), 1, true), name .. " in " .. text)
    end
  end)
end)
