-- A call and all that it sets off have one time, and a turn of the loop has one, too: whatever
-- handlers do together, the messages of another line come between them, and SIGTERM ends it.
local scenario = require "spec.support.scenario"
local broker, files, process, scope, tagline, wait =
  scenario "broker files process scope tagline wait"

-- Milliseconds of processor time that a message of another line waits.
local MOST = tonumber(os.getenv "SANDBOX_TURN_MS") or 200

-- Seconds that an end takes; with sanitizers Lua's own end alone takes 0.3.
local END = files.read(tagline.program()):find("__asan_init", 1, true) and 2 or 1

local ENDLESS = "function() while true do end end"
local EXPLAINS = "while true do pcall(explain, m.topic, m.payload) end"

-- Each: what the config has besides the other line (`before` the line with trouble, its `line`
-- fields, its `station` fields), and what sets it off: messages, code at the prompt (`ask`), or
-- nothing but time. `owes`: at the end not all functions can be called, and the log says so.
local tricks = {
  { "a decoder that has messages explained that set it off again", messages = 3,
    station = "decode = function(m) " .. EXPLAINS .. " end," },
  { "the same in a coroutine", messages = 3,
    station = "decode = function(m) coroutine.wrap(function() " .. EXPLAINS .. " end)() end," },
  { "the same from the prompt", ask = "while true do pcall(explain, 'bad/1', 'x') end",
    station = "decode = function(m) " .. EXPLAINS .. " end," },
  { "an encode that writes its own tag twice", messages = 3, brief = true,
    station = [[
      decode = function() tags["bad.s.out"]:write("x") end,
      encode = function()
        for _ = 1, 2 do pcall(function() tags["bad.s.out"]:write("x") end) end
        return "x"
      end,]] },
  { "a status that switches its station", brief = true, ask = "stations['bad.s']:off()",
    station = "on_status = function(s) for _ = 1, 9 do pcall(s.off, s) pcall(s.on, s) end end," },
  { "300 timers that are due together",
    before = "for _ = 1, 300 do after(0.5, " .. ENDLESS .. ") end" },
  { "timers that fire without end",
    before = "for _ = 1, 100 do every(0.001, " .. ENDLESS .. ") end" },
  { "timers that start timers", before = [[
      local function again() for _ = 1, 3 do pcall(after, 0, again) end while true do end end
      after(0, again)]] },
  { "values of 500 tags", messages = 1, tags = 500, station = "on_value = " .. ENDLESS .. "," },
  { "values of a decoder's 500 tags", messages = 1, tags = 500, plain = true,
    station = [[
      decode = function() local t = {} for i = 1, 500 do t["t" .. i] = i end return t end,
      on_value = ]] .. ENDLESS .. "," },
  { "functions of a tag, its station and its line", messages = 5, tags = 1,
    line = "on_value = " .. ENDLESS .. ",", station = "on_value = " .. ENDLESS .. "," },
  { "statuses of 300 stations", owes = true, ask = "lines['bad']:reconnect()", stations = 300,
    station = "on_status = " .. ENDLESS .. "," },
  { "40 decoders in one read", messages = 40, station = "decode = " .. ENDLESS .. "," },
  { "functions of 200 writes", owes = true,
    ask = "for _ = 1, 200 do lines['bad']:publish('x', 'y', { qos = 1 }, " .. ENDLESS .. ") end" },
  { "coroutines of 100 writes", owes = true, ask = [[
      local function write() lines['bad']:publish('x', 'y', { qos = 1 }) while true do end end
      for _ = 1, 100 do coroutine.wrap(write)() end]] },
}

-- Expressions that PCRE2 gives up only after a while, of which a message meets hundreds.
tricks[#tricks + 1] = { "500 addresses that take long for a topic", messages = 20, stations = 500,
  address = "bad/(?:a*+c|a)*[d-e]{%d}", topic = "bad/" .. ("a"):rep(60000) }
tricks[#tricks + 1] = { "500 expressions that take long for a payload", messages = 20, tags = 500,
  expression = "((?:a*+c|a)*[d-e]{%d})", payload = ("a"):rep(60000) }

local function config (trick)
  local tags = { [[out = TxtO "OUT_VALUE", to = TxtO { "OUT_TOPIC", default = "out" },]] }
  for i = 1, trick.tags or 0 do
    local expression = trick.expression and trick.expression:format(i) or "(.*" .. ("x?"):rep(i)
      .. ")"
    local address = trick.plain and "{}" or ("{ %q }"):format("RE=" .. expression)
    tags[#tags + 1] = ("t%d = %s %s,"):format(i, trick.plain and "Ai" or "TxtI", address)
  end
  local stations = {}
  for i = 1, trick.stations or 1 do
    stations[i] = ("station %q { address = %q, %s tags = { %s } },"):format(
      i == 1 and "s" or "s" .. i, (trick.address or "bad/%d"):format(i), trick.station or "",
      table.concat(tags, " "))
  end
  return ([[
%s
line "bad" {
  host = "127.0.0.1", port = BAD, reconnect_delay = 0.1, topic_filter = "bad/#", %s
  %s
}
line "good" {
  host = "127.0.0.1", port = GOOD, topic_filter = "good",
  station "s" {
    address = "good", tags = { x = Ai { "IN_DATA", new_value_on_time_change = true } },
  },
}
]]):format(trick.before or "", trick.line or "", table.concat(stations, "\n"))
end

local function acknowledge (b)
  for _ = #b.packets, b.taken + 1, -1 do
    local p = b:next()
    if p.type == "PUBLISH" and p.qos == 1 then b:send("PUBACK", { id = p.id }) end
  end
end

describe("a turn of the loop", function()
  after_each(scope.finish)

  for _, trick in ipairs(tricks) do
    it("is not held by " .. trick[1], function()
      local bad, good = broker.new(), broker.new()
      local t = tagline.run(config(trick), { BAD = bad.port, GOOD = good.port })
      local b, c = bad:handshake(), good:handshake()
      local base = t:cpu()
      for i = 1, trick.messages or 0 do
        local topic, payload = trick.topic or "bad/1", trick.payload or "x" .. i
        b:send("PUBLISH", { topic = topic, payload = payload, qos = 0 })
      end
      if trick.ask then
        local words = { "repl", "--socket", t.socket, "--wait", "0", "-e", trick.ask }
        process.start(tagline.program(), words)
      end
      wait.poll("trouble", 20000, function() -- its own log lines may all have come before
        acknowledge(b)
        return trick.brief or t:cpu() > base + 0.02
      end)
      local tries, most, sum, id = 0, math.huge, 0, 0
      while most > MOST and tries < 3 do -- what only a busy machine adds is not there each time
        tries, most, sum = tries + 1, 0, 0
        for _ = 1, 12 do
          acknowledge(b)
          id = id + 1
          c:send("PUBLISH", { topic = "good", payload = tostring(id), qos = 1, id = id })
          local before = t:loop_cpu()
          assert.equal(id, c:expect("PUBACK", 60000).id)
          local took = (t:loop_cpu() - before) * 1000
          most, sum = math.max(most, took), sum + took
          wait.till("a value", 10000, function() return #t:lines() > 0 end)
        end
      end
      if os.getenv "SANDBOX_PRINT" then
        print(("%6.0f ms  %6.0f ms  %s"):format(most, sum, trick[1]))
      end
      assert.is_true(most <= MOST, ("%.0f ms of processor time for another line"):format(most))
      local before = t:cpu()
      t:kill "sigterm"
      local last = before
      wait.till("end of the process", 60000, function()
        if t:has_ended() then return true end
        local ok, now = pcall(t.cpu, t)
        if ok then last = now end
        return false
      end)
      assert.equal(0, t.code, t:text 'stderr':sub(-3000))
      local told = t:text("stderr"):find "functions of values, statuses, lines and writes waited"
      assert.is_true(told ~= nil or not trick.owes)
      local took = last - before
      assert.is_true(took < END, ("SIGTERM took %.2f s of processor time"):format(took))
    end)
  end
end)
