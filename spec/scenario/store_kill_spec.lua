-- session_store under kill -9 at any moment, with a real Mosquitto: what was accepted arrives,
-- and QoS 2 arrives once.
local scenario = require "spec.support.scenario"
local mosquitto, process, scope, tagline, wait = scenario "mosquitto process scope tagline wait"

local ROUNDS = 12

local writer = [[
line "plant" {
  host = "127.0.0.1", port = PORT, client_id = "writer", session_store = STORE, publish_qos = QOS,
  offline_writes = "queue", reconnect_delay = 0.02, max_inflight = 5,
  station "boiler" {
    address = "boiler/up",
    tags = { command = TxtO { "OUT_TOPIC", default = "boiler/set" }, setpoint = TxtO "OUT_VALUE" },
  },
}
local n = START
every(0.001, function()
  for _ = 1, 3 do
    n = n + 1
    local taken = n <= LAST and tags["plant.boiler.setpoint"]:write(tostring(n))
    if taken then print("accepted " .. n) end
  end
end)
]]

local reader = [[
line "plant" {
  host = "127.0.0.1", port = PORT, client_id = "reader", topic_filter = "numbers",
  subscribe_qos = 2, session_store = STORE, reconnect_delay = 0.02,
  station "all" {
    address = "numbers", tags = { number = Ci { "IN_DATA", new_value_on_time_change = true } },
  },
}
]]

describe("kill -9", function()
  after_each(scope.finish)

  for qos = 1, 2 do
    it(("loses no accepted write, at QoS %d%s"):format(qos, qos == 2 and ", and sends none twice"
      or ""), function()
      local m = mosquitto.start()
      local store = scope.folder()
      local arrived = m:subscribe("boiler/set", 2)
      local accepted, start = {}, 0
      local function run(last)
        return tagline.run(writer, { PORT = m.port, QOS = qos, STORE = ("%q"):format(store),
          START = start, LAST = last })
      end
      for round = 1, ROUNDS do
        local t = run(1000000)
        -- some before the connection is up, some long after
        for _ = 1, round * 7 % 31 + 1 do t:wait_log "^accepted" end
        t:kill("sigkill")
        t:wait_exit()
        for _, line in ipairs(t:lines "stderr") do
          local n = math.tointeger(line:match "^accepted (%d+)$")
          if n then
            accepted[#accepted + 1] = n
            start = math.max(start, n)
          end
        end
        start = start + 10 -- one that was stored, and had no time to say so, may be there, too
      end
      run(0):wait_log "connected to"
      local count, seen = {}, 0
      local function all_there()
        local lines = arrived:lines()
        while seen < #lines do
          seen = seen + 1
          local n = tonumber(lines[seen]:match " (%d+)$")
          count[n] = (count[n] or 0) + 1
        end
        for _, n in ipairs(accepted) do if not count[n] then return false end end
        return true
      end
      wait.till("last accepted write", 10000, all_there,
        function() return ("%d of %d arrived"):format(seen, #accepted) end)
      assert.is_true(#accepted > ROUNDS * 10)
      if qos == 2 then
        for n, times in pairs(count) do assert.equal(1, times, n .. " came more than once") end
      end
    end)
  end

  it("delivers no QoS 2 message twice", function()
    local m = mosquitto.start { "max_queued_messages 0" }
    local store = scope.folder()
    local source = process.start("/usr/bin/env", { "mosquitto_pub", "-p", tostring(m.port), "-h",
      "127.0.0.1", "-t", "numbers",
      "-q", "2", "-l" })
    local count, taken, sent = {}, 0, 0
    local function run()
      return tagline.run(reader, { PORT = m.port, STORE = ("%q"):format(store) })
    end
    local function send(many)
      local lines = {}
      for at = 1, many do lines[at] = sent + at end
      sent = sent + many
      source:write(table.concat(lines, "\n") .. "\n")
    end
    local function take(t)
      for _, v in ipairs(t:values()) do
        if v.value then
          count[v.value] = (count[v.value] or 0) + 1
          taken = taken + 1
        end
      end
    end
    for round = 1, ROUNDS do
      local t = run()
      t:wait_log "connected to"
      if round == 1 then m:wait_subscribed "reader" end
      send(100)
      for _ = 1, round * 11 % 37 do t:wait_line '"value":%d' end
      t:kill("sigkill")
      t:wait_exit()
      take(t)
    end
    local t = run()
    t:wait_log "connected to"
    send(1)
    t:wait_line(('"value":%d,'):format(sent))
    t:stop()
    take(t)
    -- the numbers are Mosquitto's identifiers, too: the client gets nothing else
    assert.equal("", m:too_often("reader", count))
    local missing = {}
    for n = 1, sent do if not count[n] then missing[#missing + 1] = n end end
    -- A kill just between an identifier's writing and its values' printing loses what was in
    -- flight (20 messages with Mosquitto). That moment is some microseconds long: twice among
    -- these rounds is out of the question.
    assert.is_true(#missing <= 20, "never came: " .. table.concat(missing, " "))
  end)
end)
