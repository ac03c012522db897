-- What waits for its turn waits by line: endless functions of one line hold up a function of
-- another one by a call, however many of them wait.
local scenario = require "spec.support.scenario"
local broker, scope, tagline = scenario "broker scope tagline"

-- Seconds of processor time until the other line's function is called: four calls, and room.
local MOST = 1

local ENDLESS = "function() while true do end end"

-- Each: what the decoder of the line with trouble does.
local tricks = {
  { "values of 500 tags", "local t = {} for i = 1, 500 do t['t' .. i] = i end return t",
    tags = 500 },
  { "functions of 200 writes", "for _ = 1, 200 do lines.bad:publish('x', 'y', ENDLESS) end" },
  { "functions of 200 refused writes",
    "for _ = 1, 200 do lines.bad:publish('#', 'y', ENDLESS) end" },
  { "coroutines of 100 writes", [[
    local function write() lines.bad:publish("x", "y") while true do end end
    for _ = 1, 100 do coroutine.wrap(write)() end]] },
  { "200 timers", "for _ = 1, 200 do after(0, ENDLESS) end" },
  { "timers that start timers", [[
    local function again() for _ = 1, 3 do pcall(after, 0, again) end while true do end end
    for _ = 1, 100 do after(0, again) end]] },
}

local function config (trick)
  local tags = {}
  for i = 1, trick.tags or 0 do tags[i] = ("t%d = Ai {},"):format(i) end
  return ([[
other = false
limits { handler_time = 0.1 }
line "bad" { host = "127.0.0.1", port = BAD, max_queued = 1000,
  station "s" { address = "bad",
    decode = function() %s end,
    on_value = function() while true do end end,
    tags = { %s } } }
line "good" { host = "127.0.0.1", port = GOOD,
  station "s" { address = "good",
    on_value = function(tag)
      other = not other
      if not other then return print(("good %%d"):format(tag.value)) end
      local began = os.clock() -- takes so much of the turn that the next one has to wait
      repeat until os.clock() - began > 0.07
    end,
    tags = {
      x = Ai { "RE=(.*)", new_value_on_time_change = true },
      y = Ai { "RE=(.+)", new_value_on_time_change = true },
    } } }
]]):format((trick[2]:gsub("ENDLESS", ENDLESS)), table.concat(tags, " "))
end

describe("a function of another line is called soon", function()
  after_each(scope.finish)

  for _, trick in ipairs(tricks) do
    it("beside endless " .. trick[1], function()
      local bad, good = broker.new(), broker.new()
      local t = tagline.run(config(trick), { BAD = bad.port, GOOD = good.port })
      local b, c = bad:handshake(), good:handshake()
      b:send("PUBLISH", { topic = "bad", payload = "x" })
      t:wait_log "longer than handler_time"
      for number = 1, 3 do
        c:send("PUBLISH", { topic = "good", payload = tostring(number) })
        local before = t:loop_cpu()
        t:wait_log(("good %d$"):format(number))
        local took = t:loop_cpu() - before
        if os.getenv "SPEC_PRINT" then print(trick[1], took) end
        assert.is_true(took <= MOST, ("%.2f s of processor time"):format(took))
      end
    end)
  end
end)
