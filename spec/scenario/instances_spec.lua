-- One station per device: named groups in an address.
local uv = require "luv"
local scenario = require "spec.support.scenario"
local broker, packet, scope, tagline = scenario "broker packet scope tagline"

local config = [[
line "plant" {
  host = "127.0.0.1", port = PORT, payload_type = "JSON", ignore_missing_time = true,
  publish_qos = 1,
  station "sensor-{dev}" {
    address = "site/(?<dev>[^/]+)/up", MORE
    station_will_topic = "site/{dev}/will", station_will_payload = "gone {dev}",
    tags = {
      temp = Ai { "JA=temp", new_value_on_time_change = true },
      topic = TxtO { "OUT_TOPIC", default = "site/{dev}/down" }, set = Ao "OUT_VALUE",
      also = TxtI { "JA=also", default = "none of {dev}", on_missing = "default" },
    },
  },
  station "written" { address = "other", tags = { x = Ai "IN_DATA" } },
}]]

local function start (more, options)
  local b = broker.new()
  local t = tagline.run((config:gsub("MORE", function() return more or "" end)),
    { PORT = b.port }, options)
  return t, b:handshake(), b
end

local id = 0
local function publish (c, topic, payload)
  id = id % 65535 + 1
  c:send("PUBLISH", { topic = topic, payload = payload, qos = 1, id = id })
  assert.equal(id, c:expect("PUBACK").id)
end

local function eval (t, code)
  local status, out, err = t:eval(code)
  assert.equal(0, status, err)
  return (out:gsub("%s+$", ""))
end

describe("a station with named groups", function()
  after_each(scope.finish)

  it("makes a station at the first message of each device", function()
    local t, c = start()
    assert.equal("nil", eval(t, "print(stations['plant.sensor-a17'])"))
    publish(c, "site/a17/up", '{"temp": 1}')
    publish(c, "site/b/up", '{"temp": 2}')
    publish(c, "site/a17/up", '{"temp": 3}')
    assert.equal(1, t:value("plant.sensor-a17.temp").value)
    assert.equal(2, t:value("plant.sensor-b.temp").value)
    assert.equal(3, t:value("plant.sensor-a17.temp").value)
    assert.equal("2 1 StOn 2 site/a17/up", eval(t, [[local s = stations
      print(s["plant.sensor-a17"].stats.messages .. " " .. s["plant.sensor-b"].stats.messages,
        s["plant.sensor-b"].status, s["plant.sensor-{dev}"].stats.instances,
        s["plant.sensor-a17"].address)]]):gsub("%s+", " "))
  end)

  it("keeps texts up to a bound, and tells when there are more", function()
    local t, c = start(nil, nil)
    publish(c, "site/a/up", '{"temp": 1, "also": "' .. ("x"):rep(60000) .. '"}')
    assert.equal("valid", t:value("plant.sensor-a.also").status)
    t:stop()
    local b = broker.new()
    t = tagline.run("limits { instance_text = 65536 }\n" .. config:gsub("MORE", ""),
      { PORT = b.port })
    c = b:handshake()
    publish(c, "site/a/up", '{"temp": 1, "also": "' .. ("x"):rep(70000) .. '"}')
    assert.equal("range", t:value("plant.sensor-a.also").reason)
    t:wait_log "plant.sensor%-a: tag 'also': a text of 70000 bytes is not kept"
    assert.truthy(eval(t, "print(status())"):find("limits { instance_text =, text = }", 1,
      true))
  end)

  it("fills the texts of each", function()
    local t, c = start()
    publish(c, "site/a17/up", '{"temp": 1}')
    assert.equal("none of a17", t:value("plant.sensor-a17.also").value)
    assert.same({ 0, "true", "" },
      { t:ask "tags['plant.sensor-a17.set']:write(5, function() end)" })
    local p = c:expect "PUBLISH"
    assert.same({ "site/a17/down", "5" }, { p.topic, p.payload })
    c:send("PUBACK", { id = p.id })
    publish(c, "site/a17/will", "gone b") -- another text is no will, and no station takes it
    assert.equal("StOn", eval(t, "print(stations['plant.sensor-a17'].status)"))
    publish(c, "site/a17/will", "gone a17")
    assert.equal("StHardErr station-will",
      eval(t,
        "print(stations['plant.sensor-a17'].status .. ' ' .. \z
          tags['plant.sensor-a17.temp'].reason)"))
    publish(c, "site/a17/up", '{"temp": 2}')
    assert.equal("StOn 2",
      eval(t,
        "print(stations['plant.sensor-a17'].status .. ' ' .. \z
          math.tointeger(tags['plant.sensor-a17.temp'].value))"))
  end)

  it("writes bytes that a name may not hold as %XX, so that devices stay apart", function()
    local t, c = start()
    for n, dev in ipairs { "a b", "a.b", "a%20b", "ä", "a_b-c", "..", "a{dev}" } do
      publish(c, "site/" .. dev .. "/up", ('{"temp": %d}'):format(n))
    end
    for n, name in ipairs { "a%20b", "a%2Eb", "a%2520b", "%C3%A4", "a_b-c", "%2E%2E",
      "a%7Bdev%7D" } do
      assert.equal(tostring(n),
        eval(t, ("print(math.tointeger(tags['plant.sensor-%s.temp'].value))"):format(name)))
    end
  end)

  it("gives devices that share a name, by several topics, one station", function()
    local b = broker.new()
    local t = tagline.run([[line "plant" { host = "127.0.0.1", port = PORT,
      station "d-{dev}" { address = "(?:up|status)/(?<dev>.*)",
        tags = { x = TxtI { "IN_TOPIC" } } } }]], { PORT = b.port })
    local c = b:handshake()
    for _ = 1, 2 do
      for _, topic in ipairs { "up/1", "status/1" } do
        publish(c, topic, "")
        assert.equal(topic, t:value("plant.d-1.x").value)
      end
    end
    assert.equal("1", eval(t, "print(stations['plant.d-{dev}'].stats.instances)"))
  end)

  it("stops at max_instances: acknowledged, counted, said once", function()
    local t, c = start "max_instances = 3,"
    for n = 1, 8 do publish(c, ("site/%d/up"):format(n), '{"temp": 1}') end
    publish(c, "site/2/up", '{"temp": 2}')
    t:wait_log "WARN +plant%.sensor%-{dev}: has made 3 stations %(max_instances%)"
    assert.equal("3 5 5", eval(t, [[local s = stations["plant.sensor-{dev}"].stats
      print(s.instances .. " " .. s.refused .. " " .. lines.plant.stats.instances_refused)]]))
    assert.equal(1, select(2, t:text "stderr":gsub("max_instances", "")))
    assert.equal("2", eval(t, "print(math.tointeger(tags['plant.sensor-2.temp'].value))"))
  end)

  it("does not take a written station's name", function()
    local b = broker.new()
    local t = tagline.run([[line "plant" { host = "127.0.0.1", port = PORT,
      station "d-{dev}" { address = "up/(?<dev>.*)", tags = { x = Ai "IN_DATA" } },
      station "d-1" { address = "one", tags = { x = Ai "IN_DATA" } } }]], { PORT = b.port })
    local c = b:handshake()
    publish(c, "up/1", "5")
    publish(c, "up/2", "6")
    assert.equal(6, t:value("plant.d-2.x").value)
    t:wait_log "d%-{dev}: cannot make station 'd%-1', which there is already"
    publish(c, "one", "7")
    assert.equal(7, t:value("plant.d-1.x").value)
  end)

  it("is not one for two devices whose names run together", function()
    local b = broker.new()
    local t = tagline.run([[line "plant" { host = "127.0.0.1", port = PORT,
      station "d-{a}-{b}" { address = "(?<a>[^/]+)/(?<b>[^/]+)(/.*)?",
        tags = { x = Ai "IN_DATA" } } }]], { PORT = b.port })
    local c = b:handshake()
    publish(c, "a-b/c", "5")
    publish(c, "a/b-c", "6")
    t:wait_log "d%-{a}%-{b}: cannot make station 'd%-a%-b%-c' for topic 'a/b%-c': that of \z
      'a%-b/c' has this name"
    publish(c, "a-b/c/more", "7") -- the same device
    assert.same({ 5, 7 },
      { t:value("plant.d-a-b-c.x").value, t:value("plant.d-a-b-c.x").value })
    assert.equal("1 refused delivered", eval(t, [[
      local function code(topic) return explain(topic, "8").lines[1].code end
      local refused = stations["plant.d-{a}-{b}"].stats.refused
      print(refused .. " " .. code "a/b-c" .. " " .. code "a-b/c/other")]]))
  end)

  it("has statuses and silence of each device of its own", function()
    local t, c =
      start "no_data_timeout = 0.2, time_filter = 0.1, on_status = function(s) print(s.name, \z
        s.status) end,"
    publish(c, "site/a/up", '{"temp": 1}')
    publish(c, "site/b/up", '{"temp": 1}')
    t:wait_log "sensor%-a\tStComErr"
    t:wait_log "sensor%-a\tStHardErr"
    publish(c, "site/a/up", '{"temp": 2}')
    t:wait_log "sensor%-a\tStOn"
    assert.equal("StHardErr", eval(t, "print(stations['plant.sensor-b'].status)"))
  end)

  it("has handlers that see which device it is, and statistics of each", function()
    local b = broker.new()
    local t = tagline.run([[line "plant" { host = "127.0.0.1", port = PORT,
      station "d-{dev}" { address = "up/(?<dev>.*)", tags = { name = TxtI {} },
        decode = function(msg)
          if msg.payload == "bad" then error "bad" end
          return { name = msg.station.name .. " " .. msg.captures.dev }
        end } }]], { PORT = b.port })
    local c = b:handshake()
    publish(c, "up/1", "")
    publish(c, "up/2", "bad")
    publish(c, "up/2", "")
    assert.equal("d-1 1", t:value("plant.d-1.name").value)
    t:wait_log "ERROR plant.d%-2: decode: .*: bad"
    assert.equal("1 0 2 1", eval(t, [[
      local function of(n)
        local d = stations["plant.d-" .. n].stats.handlers.decode
        return d.calls .. " " .. d.errors
      end
      print(of(1) .. " " .. of(2))]]))
  end)

  it("keeps its devices and their values over a reload that leaves it as it is, with the new \z
    handlers", function()
    local b = broker.new()
    local text = [[line "plant" { host = "127.0.0.1", port = PORT,
      station "d-{dev}" { address = "up/(?<dev>.*)", max_instances = LIMIT, tags = { x = Ai {} },
        decode = function(msg) return { x = tonumber(msg.payload) * FACTOR } end } }]]
    local path = tagline.config(text, { PORT = b.port, LIMIT = 5, FACTOR = 1 })
    local t = tagline.run(path)
    local c = b:handshake()
    publish(c, "up/1", "5")
    publish(c, "up/2", "6")
    assert.equal(5, t:value("plant.d-1.x").value)
    local function reload (limit, factor)
      local new = tagline.config(text, { PORT = b.port, LIMIT = limit, FACTOR = factor })
      assert(uv.fs_copyfile(new, path))
      t:kill "sighup"
      t:wait_log "config.lua: reloaded"
    end
    reload(5, 10)
    assert.equal("5 6",
      eval(t,
        "print(math.tointeger(tags['plant.d-1.x'].value) .. ' ' .. \z
          math.tointeger(tags['plant.d-2.x'].value))"))
    publish(c, "up/1", "7")
    assert.equal(6, t:value("plant.d-2.x").value)
    assert.equal(70, t:value("plant.d-1.x").value)
    publish(c, "up/3", "1")
    assert.equal(10, t:value("plant.d-3.x").value)
    assert.equal("3", eval(t, "print(stations['plant.d-{dev}'].stats.instances)"))
  end)

  it("makes 10,000 within a second, each like any other", function()
    local t, c = start(nil, { arguments = { "--log-level", "warn" } })
    local all = {}
    for n = 1, 10000 do
      all[n] = packet.encode("PUBLISH",
        { topic = ("site/d%d/up"):format(n), payload = ('{"temp": %d}'):format(n), qos = 0 })
    end
    all[#all + 1] = packet.encode("PUBLISH", { topic = "other", payload = "1", qos = 1,
      id = 9 })
    local bytes = table.concat(all)
    local took = t:cpu_during(function()
      c:send(bytes)
      assert.equal(9, c:expect("PUBACK").id)
    end)
    if os.getenv "SANDBOX_PRINT" then print(("10,000 devices in %.3f s"):format(took)) end
    assert.is_true(took < (os.getenv "ASAN_OPTIONS" and 10 or 2), took)
    assert.equal("10000", eval(t, "print(stations['plant.sensor-{dev}'].stats.instances)"))
    assert.equal("StOn 9999 none of d9999", eval(t, [[local s = stations["plant.sensor-d9999"]
      print(s.status .. " " .. math.tointeger(s.tags.temp.value) .. " " .. s.tags.also.value)]]))
  end)
end)
