-- kill -9 at chosen points: before, in the middle of and behind each kind of write by which values,
-- sessions and places reach the disk. Whatever is killed, each number that was acknowledged is in
-- the history once. scenario/history_torture_spec.lua kills at random moments.
local scenario = require "spec.support.scenario"
local files, mosquitto, process, scope, stored, tagline =
  scenario "files mosquitto process scope stored tagline"

local killed = tagline.program():gsub("tagline$", "tagline_killed")

local config = [[
history { file = "plant.db", keep = "90d" }
spool { max = "1MB", when_full = "hold" }
line "plant" {
  host = "127.0.0.1", port = %d, client_id = "history", clean_session = false, subscribe_qos = %d,
  topic_filter = "n/#", payload_type = "JSON", reconnect_delay = 0.05, reconnect_delay_max = 0.2, %s
  station "s" { address = "n/up", tags = { n = Ci "JA=n", x = TxtI { "JA=x" } } },
}
]]
-- a QoS 1 message is known again by its time alone
local TIMED = 'time_field_name = "t", time_mask = "UNIXMS",'
local STORED = 'session_store = "%s/session",'

-- The release build has all of the points. With sanitizers, which look for what goes wrong behind
-- a kill, a third of them.
local EACH = files.read(killed):find("__asan_init", 1, true) and 3 or 1

-- Where a process is killed: the point, at which pass, and how. Passes of one process: about 20
-- messages are in flight.
local function points(qos)
  local list, at = {}, 0
  local function add(name, passes, ...)
    for _, how in ipairs { ... } do
      for _, n in ipairs(passes) do
        at = at + 1
        if at % EACH == 0 then list[#list + 1] = ("%s %d %s"):format(name, n, how) end
      end
    end
  end
  add("spool", { 1, 2, 3, 4, 5, 7, 9 }, "before", "half", "behind") -- 1: a segment's head
  add("history", { 1, 2, 3, 4, 5, 6, 8, 10, 12 }, "before", "half", "behind")
  add("cursor", { 1, 2 }, "before", "behind")
  add("unlink", { 1 }, "before", "behind")
  add("stdout", { 1, 2, 3, 5 }, "before", "half", "behind")
  add("socket", { 2, 3, 4, 5, 6, 8, 10 }, "before", "half", "behind")
  if qos == 2 then
    add("session", { 3, 5, 7, 8, 9, 10, 11, 12, 13, 14, 16, 18, 20, 24, 28 }, "before", "behind")
    add("sync", { 1, 2, 3, 5 }, "before", "behind")
  end
  return list
end

describe("kill -9 at a chosen point", function()
  after_each(scope.finish)

  -- A publisher with an open end: the next numbers, up to which one it has got them.
  local function publisher(m, qos)
    local p = process.start(process.find "mosquitto_pub",
      { "-h", "127.0.0.1", "-p", tostring(m.port), "-t", "n/up", "-q", tostring(qos), "-l" })
    local last, base = 0, os.time() * 1000 - 1000000
    return p, function(count)
      local lines = {}
      for n = last + 1, last + (count or 0) do
        lines[#lines + 1] = ('{"t":%d,"n":%d,"x":"%s"}\n'):format(base + n, n, n .. ("x"):rep(200))
      end
      last = last + #lines
      if #lines > 0 then p:write(lines) end
      return last
    end
  end

  -- The highest number that it printed.
  local function highest(p)
    local lines = p:lines()
    for at = #lines, 1, -1 do
      local n = lines[at]:match '"tag":"plant.s.n".-"value":(%d+)'
      if n then return tonumber(n) end
    end
    return 0
  end

  -- How many messages Mosquitto knows to be done, by its log.
  local function counter(m, qos)
    local done, at = 0, 0
    local word = qos == 2 and "Received PUBCOMP from history" or "Received PUBACK from history"
    return function()
      local lines = m.process:lines "stderr"
      for i = at + 1, #lines do
        if lines[i]:find(word, 1, true) then done = done + 1 end
      end
      at = #lines
      return done
    end
  end

  -- Runs it, and publishes while it lives, but no more than the 20 that Mosquitto has in flight:
  -- with more of QoS 2, it often sends messages again after their PUBREL (mosquitto:too_often).
  local function run_into(where, path, folder, publish, done)
    local p = process.start(killed, { "run", path, "--values", "--socket", folder .. "/socket" },
      { env = { TAGLINE_KILL = where }, cwd = folder })
    local seen, idle, due = 0, 0, 4
    for _ = 1, 6000 do
      local last, now = publish(), highest(p)
      if now > seen then idle, due = 0, 4 else idle = idle + 1 end
      seen = math.max(now, seen)
      local wants = (seen > 0 and last - seen < 10) or idle >= due
      if wants and last - done() <= 10 then
        publish(10)
        due = idle + 8
      end
      if pcall(p.wait_exit, p, 15) then break end
    end
    assert.equal(9, p.signal, where .. ": " .. p:text "stderr")
    p:finish()
  end

  for qos = 1, 2 do
    it(("takes no number and doubles none, at QoS %d"):format(qos), function()
      local m, folder = mosquitto.start { "max_queued_messages 0" }, scope.folder()
      local path = files.write(folder .. "/config.lua",
        config:format(m.port, qos, qos == 2 and STORED:format(folder) or TIMED))
      local t = tagline.run(path)
      m:wait_subscribed "history"
      t:stop()
      local p, publish = publisher(m, qos)
      local done = counter(m, qos)
      for _, where in ipairs(points(qos)) do run_into(where, path, folder, publish, done) end
      local last = publish()
      p:close_input()
      assert.equal(0, (p:wait_exit()))
      t = tagline.run(path)
      stored.wait(folder, last)
      t:stop()
      assert.equal("", stored.too_often(folder, m, qos))
      assert.equal(0, (tagline.command { "history", folder .. "/plant.db", "--check" }))
    end)
  end
end)
