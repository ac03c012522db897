-- NATS JetStream as an outlet: what was acknowledged is in the stream, once, whatever is killed.
local scenario = require "spec.support.scenario"
local files, mosquitto, nats, pki, scope, tagline, wait =
  scenario "files mosquitto nats pki scope tagline wait"

if not nats.is_there() then
  it("is skipped: there is no nats-server here", function() end)
  return
end
local config = [[
outlet "bus" { nats = "127.0.0.1:NATS" MORE }
line "plant" {
  host = "127.0.0.1", port = PORT, client_id = "bus", clean_session = false, subscribe_qos = QOS,
  STORE topic_filter = "n/#",
  payload_type = "JSON", time_field_name = "t", time_mask = "UNIXMS",
  station "s" {
    address = "n/up", tags = { n = Ci { "JA=n" }, text = TxtI { "JA=x", on_missing = "keep" } },
  },
  station "d-{dev}" { address = "n/dev/(?<dev>[^/]+)", tags = { on = Di "JA=on" } },
}
]]

local function start(m, port, folder, names)
  local path = folder .. "/config.lua"
  names = names or {}
  names.PORT, names.NATS, names.QOS, names.MORE = m.port, port, names.QOS or 1, names.MORE or ""
  names.STORE = names.STORE or ""
  files.write(path, (config:gsub("%f[%w_][A-Z][A-Z]+%f[^%w_]",
    function(word) return names[word] and tostring(names[word]) end)))
  return tagline.run(path)
end

local function send(m, from, to, qos, base)
  for n = from, to do
    m:publish("n/up", ('{"t":%d,"n":%d}'):format(base + n, n), { qos = qos or 1 })
  end
end

local function until_stored(n, count, stream)
  wait.poll(count .. " messages in the stream", 120000,
    function() return n:count(stream or "TAGS") == count end,
    function() return tostring(n:count(stream or "TAGS")) end)
end

-- The numbers of tag n in the stream, in order.
local function numbers(n)
  local list = {}
  for _, message in ipairs(n:messages "TAGS") do
    if message.subject == "tags.plant.s.n" then
      list[#list + 1] = tonumber(message.payload:match('"value":(%d+)'))
    end
  end
  return list
end

local function is_ledger(list, count)
  local seen, doubled = {}, 0
  for _, value in ipairs(list) do
    if seen[value] then doubled = doubled + 1 end
    seen[value] = true
  end
  for value = 1, count do assert.truthy(seen[value], value .. " is lost") end
  assert.equal(0, doubled, table.concat(list, " "))
  assert.equal(count, #list)
end

describe("the outlet to NATS", function()
  after_each(scope.finish)

  it("makes the stream, and sends each value as the values stream prints it", function()
    local m, n, folder = mosquitto.start(), nats.start(), scope.folder()
    local t = start(m, n.port, folder)
    m:wait_subscribed "bus"
    m:publish("n/up", '{"t":1764504000123,"n":9007199254740993,"x":"a \\"b\\" \\u00e9"}',
      { qos = 1 })
    m:publish("n/up", '{"t":1764504000124,"n":"none"}', { qos = 1 })
    m:publish("n/dev/a b.c", '{"t":1764504000125,"on":true}', { qos = 1 })
    wait.till("the values", nil, function() return #t:values() >= 4 end)
    until_stored(n, 4)
    local lines = {}
    for _, message in ipairs(n:messages "TAGS") do lines[#lines + 1] = message.payload end
    assert.equal((t:text():gsub("\n$", "")), table.concat(lines, "\n"))
    local last = n:messages("TAGS")[4]
    assert.equal("tags.plant.d-a%20b%2Ec.on", last.subject)
    local info = n:ask "$JS.API.STREAM.INFO.TAGS"
    assert.truthy(info:find('"subjects":["tags.*.*.*"]', 1, true), info)
    t:stop()
  end)

  it("takes tags by patterns, another subject, and keeps for so long", function()
    local m, n, folder = mosquitto.start(), nats.start(), scope.folder()
    local t = start(m, n.port, folder, { MORE = [[, stream = "PLANT",
      subject = "x.{tag}.of.{station}", tags = { "plant.d-*.o?", "nix" }, keep = "1h"]] })
    m:wait_subscribed "bus"
    send(m, 1, 3, 1, os.time() * 1000)
    m:publish("n/dev/a", '{"on":true}', { qos = 1 })
    until_stored(n, 1, "PLANT")
    assert.equal("x.on.of.d-a", n:messages("PLANT")[1].subject)
    assert.truthy(n:ask("$JS.API.STREAM.INFO.PLANT"):find('"max_age":3600000000000', 1, true))
    t:stop()
  end)

  for qos = 1, 2 do
    it(("loses and doubles nothing over kills of both, at QoS %d"):format(qos), function()
      local m, n, folder = mosquitto.start(), nats.start(), scope.folder()
      local names = { QOS = qos, STORE = qos == 2 and ('session_store = "%s",'):format(folder) }
      local t = start(m, n.port, folder, names)
      m:wait_subscribed "bus"
      local base = os.time() * 1000
      for round = 0, 3 do
        send(m, round * 25 + 1, round * 25 + 25, qos, base)
        wait.till("some values", nil, function() return #t:values() >= 5 end)
        if round % 2 == 0 then
          n:kill()
          n:restart()
        else
          t:kill "sigkill"
          t:wait_exit()
          t = start(m, n.port, folder, names)
          t:wait_log "connected"
        end
      end
      wait.poll("100 values in the stream", 120000, function() return #numbers(n) >= 100 end)
      t:stop()
      is_ledger(numbers(n), 100)
      for why in t:text("stderr"):gmatch "bus: ([^\n]*); values wait in the spool" do
        assert.truthy(why:find("connection is lost", 1, true) or why:find("127.0.0.1:", 1, true)
          or why:find("JetStream", 1, true), why)
      end
    end)
  end

  it("takes the values of two processes that share a plant into one stream", function()
    local m, n = mosquitto.start(), nats.start()
    local env = { TAGLINE_PORT = tostring(m.port), TAGLINE_NATS = "127.0.0.1:" .. n.port }
    local folder, all = scope.folder(), {}
    scope.file("plant.lua", files.read "examples/shard/plant.lua", folder)
    for _, area in ipairs { "a", "b" } do
      local path = scope.file(("shard-%s.lua"):format(area),
        files.read(("examples/shard/shard-%s.lua"):format(area)), folder)
      all[area] = tagline.run(path, nil, { env = env })
      m:wait_subscribed("plant-" .. area)
    end
    for number = 1, 4 do
      m:publish(("plant/%s/d%d/up"):format(number % 2 == 0 and "a" or "b", number),
        ('{"ts":%d,"temp":%d}'):format(os.time() * 1000, number), { qos = 1 })
    end
    until_stored(n, 4, "PLANT")
    local subjects = {}
    for _, message in ipairs(n:messages "PLANT") do subjects[#subjects + 1] = message.subject end
    table.sort(subjects)
    assert.same({ "tags.plant.a-d2.temperature", "tags.plant.a-d4.temperature",
      "tags.plant.b-d1.temperature", "tags.plant.b-d3.temperature" }, subjects)
    for area, t in pairs(all) do
      t:stop()
      local path = ("examples/shard/shard-%s.lua"):format(area)
      assert.same({ 0, "", "" }, { tagline.command { "check", path } })
    end
  end)

  it("holds values while the server is away at the start, and says so", function()
    local m, folder = mosquitto.start(), scope.folder()
    local port = mosquitto.free_port()
    local t = start(m, port, folder)
    m:wait_subscribed "bus"
    t:wait_log("bus: 127.0.0.1:" .. port .. ": connection refused; values wait in the spool")
    send(m, 1, 10, 1, os.time() * 1000)
    wait.till("ten values", nil, function() return #t:values() >= 10 end)
    local _, state = t:eval [[local o = status().outlets[1]
      return o.kind .. " " .. tostring(o.up) .. " " .. o.why]]
    assert.equal(("nats false 127.0.0.1:%d: connection refused"):format(port), state)
    local n = nats.start { port = port }
    until_stored(n, 10)
    t:wait_log "bus: there again"
    t:stop()
    is_ledger(numbers(n), 10)
  end)

  it("makes a stream that was deleted anew, and goes on", function()
    local m, n, folder = mosquitto.start(), nats.start(), scope.folder()
    local t = start(m, n.port, folder)
    m:wait_subscribed "bus"
    local base = os.time() * 1000
    send(m, 1, 5, 1, base)
    until_stored(n, 5)
    n:ask "$JS.API.STREAM.DELETE.TAGS"
    send(m, 6, 10, 1, base)
    t:wait_log "bus: the stream is gone, or JetStream is off"
    until_stored(n, 5)
    assert.same({ 6, 7, 8, 9, 10 }, numbers(n))
    t:stop()
  end)

  it("doubles nothing when a break was longer than the server knows identifiers", function()
    local m, n, folder = mosquitto.start(), nats.start(), scope.folder()
    n:ask("$JS.API.STREAM.CREATE.TAGS", [[{"name":"TAGS","subjects":["tags.>"],"storage":"file",
      "retention":"limits","num_replicas":1,"duplicate_window":100000000}]])
    local t = start(m, n.port, folder)
    m:wait_subscribed "bus"
    local base = os.time() * 1000
    send(m, 1, 5, 1, base)
    until_stored(n, 5)
    t:stop()
    -- As if the process had been killed before it heard of the acknowledgements.
    local cursor = folder .. "/config.spool/bus.cursor"
    local place = files.read(cursor)
    files.write(cursor, place:sub(1, 17) .. ("%016x\n"):format(1))
    t = start(m, n.port, folder)
    send(m, 6, 7, 1, base)
    until_stored(n, 7)
    t:stop()
    is_ledger(numbers(n), 7)
  end)

  it("names a wrong password, JetStream that is off, and a stream of others", function()
    local m, folder = mosquitto.start(), scope.folder()
    local n = nats.start { "--user", "plant", "--pass", "secret" }
    n.user, n.password = "plant", "secret"
    local t = start(m, n.port, folder, { MORE = ', user = "plant", password = "wr0ng"' })
    t:wait_log "bus: the server refuses user 'plant' or its password; values wait"
    assert.falsy(t:text("stderr"):find("wr0ng", 1, true))
    local _, state = t:eval [[return require and tostring(status().outlets[1].why)]]
    assert.truthy(state:find("refuses user 'plant'", 1, true), state)
    assert.falsy(state:find("wr0ng", 1, true))
    t:stop()
    t = start(m, n.port, folder)
    t:wait_log "bus: the server wants a user: give user and password"
    t:stop()
    n:ask("$JS.API.STREAM.CREATE.TAGS", [[{"name":"TAGS","subjects":["other.*"],"storage":"file",
      "retention":"limits","num_replicas":1}]])
    t = start(m, n.port, folder, { MORE = ', user = "plant", password = "secret"' })
    t:wait_log "bus: stream 'TAGS' does not take 'tags.%*.%*.%*': add it to the stream's subjects"
    t:stop()
    local without = nats.start { without_jetstream = true }
    t = start(m, without.port, folder)
    t:wait_log "bus: JetStream is off at this server: start it with %-js"
    t:stop()
  end)

  it("speaks TLS with a server whose certificate fits, and with no other", function()
    local m, folder = mosquitto.start(), scope.folder()
    local ca = pki.new()
    local cert, key = ca:sign("nats", "IP:127.0.0.1")
    local n = nats.start { "--tls", "--tlscert", cert, "--tlskey", key }
    local t = start(m, n.port, folder, { MORE = (', tls_ca_file = "%s"'):format(ca.file) })
    t:wait_log "plant: connected"
    send(m, 1, 2, 1, os.time() * 1000)
    wait.poll("two values stored", nil, function()
      local _, stored = t:eval "return status().outlets[1].stored"
      return stored == "2"
    end)
    t:stop()
    t = start(m, n.port, folder)
    t:wait_log "bus: TLS: .*unable to get local issuer certificate.*tls_ca_file"
    t:stop()
    t = start(m, n.port, folder, { MORE = (', tls_ca_file = "%s"'):format(pki.new().file) })
    t:wait_log "bus: TLS: "
    t:stop()
    n:stop()
    cert, key = ca:sign("other", "DNS:other.example")
    n = nats.start { "--tls", "--tlscert", cert, "--tlskey", key }
    t = start(m, n.port, folder, { MORE = (', tls_ca_file = "%s"'):format(ca.file) })
    t:wait_log "bus: TLS: "
    t:stop()
  end)

  it("puts a value aside that the server refuses, and the rest goes on", function()
    local m, folder = mosquitto.start(), scope.folder()
    local n = nats.start()
    n:ask("$JS.API.STREAM.CREATE.TAGS", [[{"name":"TAGS","subjects":["tags.>"],"storage":"file",
      "retention":"limits","num_replicas":1,"max_msg_size":600}]])
    local t = start(m, n.port, folder)
    m:wait_subscribed "bus"
    m:publish("n/up", ('{"n":1,"x":"%s"}'):format(("y"):rep(2000)), { qos = 1 })
    m:publish("n/up", '{"n":2,"x":"short"}', { qos = 1 })
    until_stored(n, 3)
    t:wait_log "bus: refused is plant.s.text: "
    local _, state = t:eval [[local o = status().outlets[1]
      return o.rejected .. " " .. tostring(o.up)]]
    assert.equal("1 true", state)
    t:stop()
  end)

  it("ends within its five seconds while the server stands still, and goes on with it", function()
    local m, n, folder = mosquitto.start(), nats.start(), scope.folder()
    local t = start(m, n.port, folder)
    m:wait_subscribed "bus"
    send(m, 1, 1, 1, os.time() * 1000)
    until_stored(n, 1)
    n:freeze()
    send(m, 2, 3, 1, os.time() * 1000)
    wait.till("three values", nil, function() return #t:values() >= 3 end)
    t:stop()
    n:resume()
    t = start(m, n.port, folder)
    t:wait_log "plant: connected"
    until_stored(n, 3)
    n:freeze()
    send(m, 4, 8, 1, os.time() * 1000)
    wait.till("what waits", nil, function() return #t:values() >= 5 end)
    n:resume()
    until_stored(n, 8)
    t:stop()
    is_ledger(numbers(n), 8)
  end)
end)
