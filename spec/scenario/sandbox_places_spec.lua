-- The tricks of sandbox_tricks_spec, everywhere else where a config has functions, and at the
-- prompt: another line waits for at most 0.2 s of processor time, and SIGTERM that comes in the
-- midst of them ends the process within a second. What only a busy machine adds (the spec itself
-- is held between two calls) is not there each time: a trick holds the loop when it does so thrice.
local scenario = require "spec.support.scenario"
local broker, process, scope, tagline, wait = scenario "broker process scope tagline wait"

local MOST = tonumber(os.getenv "SANDBOX_TRICK_MS") or 200
-- Each place is tried with every fourth of the tricks, another fourth than the place before
-- (TRICKS_EVERY=1: with all of them).
local EVERY = tonumber(os.getenv "TRICKS_EVERY") or 4

-- What does not end, or takes much: each in another way.
local bodies = {
  { "a loop", "while true do end" },
  { "pcall around a loop", "while true do pcall(function() while true do end end) end" },
  { "a coroutine within others",
    "local function go(n) if n == 0 then while true do end end coroutine.wrap(go)(n - 1) end \z
      while true do pcall(go, 20) end" },
  { "__close of a loop",
    "while true do pcall(function() local x <close> = setmetatable({}, { __close = function() \z
      while true do end end }) while true do end end) end" },
  { "texts without end",
    "local s = 'x' while true do s = s .. s if #s > 4e6 then s = 'x' end end" },
  { "tables without end", "local t = {} while true do t = { t, {} } end" },
  { "a pattern", "while true do pcall(string.find, ('a'):rep(3000), ('.-'):rep(4) .. 'b') end" },
  { "an expression", "while true do pcall(re.match, ('a'):rep(30), [[^(a+)+$]]) end" },
  { "a sort",
    "local t = {} for i = 1, 1e5 do t[i] = -i end while true do pcall(table.sort, t) end" },
  { "JSON",
    "local t = {} for i = 1, 1e5 do t[i] = i end \z
      while true do pcall(json.decode, json.encode(t)) end" },
  { "an error object",
    "error(setmetatable({}, { __tostring = function() while true do end end }))" },
  { "an error in a long text", "error(('x'):rep(4e6))" },
  { "itself explained", "while true do pcall(explain, 'place/data', '1') end" },
  { "writes", "while true do pcall(function() tags['bad.s.out']:write('x') end) end" },
  { "publishing",
    "while true do pcall(function() lines.bad:publish('x', ('y'):rep(1e5)) end) end" },
  { "timers", "while true do pcall(after, 0, function() while true do end end) end" },
  { "statuses",
    "while true do pcall(function() local s = stations['bad.other'] s:off() s:on() end) end" },
  { "printing", "while true do print(('x'):rep(1000)) end" },
  { "messages of the recorder", "while true do pcall(messages, '#') end" },
  { "all tags", "while true do for name, tag in pairs(tags) do local s = tostring(tag) end end" },
  { "line:set", "while true do pcall(function() lines.bad:set { keep_alive = 60 } end) end" },
  { "a dump",
    "local f = load and load or function() end \z
      while true do pcall(string.dump, f) pcall(f, 'return 1') end" },
}

-- Where: what the line, its station and its other tags have; what sets it off (a message's topic,
-- or code at the prompt).
local places = {
  { "prepare", topic = "place/prepare" },
  { "encode", topic = "place/encode" },
  { "a function of a write", topic = "place/write" },
  { "a function of a publish", topic = "place/publish" },
  { "on_value of a tag", topic = "place/value" },
  { "on_value of a station", topic = "place/data" },
  { "on_status", topic = "place/status" },
  { "a timer", topic = "place/timer" },
  { "a repeated timer", topic = "place/every" },
  { "a coroutine that waited for a write", topic = "place/waited" },
  { "decode of a device", topic = "place/device" },
  { "the prompt" },
}

local CONFIG = [[
limits { memory = 64 * 2^20 }
local which = 0
local bodies = {
BODIES}
local function act() local n = which return bodies[n]() end
local busy = false
line "bad" {
  host = "127.0.0.1", port = BAD, topic_filter = "place/#", publish_qos = 0,
  max_queued = 1000, max_queued_bytes = 2^20,
  station "set" { address = "place/set",
    tags = { n = Ci { "IN_DATA", on_value = function(tag) which = tag.value end } } },
  station "s" {
    address = "place/(encode|write|publish|status|timer|every|waited)",
    decode = function(msg)
      local what = msg.captures[1]
      if what == "encode" then busy = true tags["bad.s.out"]:write("x") busy = false
      elseif what == "write" then tags["bad.s.out"]:write("x", act)
      elseif what == "publish" then lines.bad:publish("out", "x", act)
      elseif what == "status" then stations["bad.other"]:off() stations["bad.other"]:on()
      elseif what == "timer" then after(0, act)
      elseif what == "every" then
        local n, t = 0
        t = every(0.01, function()
          n = n + 1
          if n > 2 then t:cancel() end
          act()
        end)
      else coroutine.wrap(function() tags["bad.s.out"]:write("x") act() end)() end
    end,
    encode = function() if busy then busy = false act() end return "x", "out" end,
    tags = { x = Ai {}, out = TxtO "OUT_VALUE" },
  },
  station "other" { address = "place/other", on_status = function() if which > 0 then act() end end,
    tags = { x = Ai "IN_DATA" } },
  station "prepared" { address = "place/prepare", prepare = function() act() return "1" end,
    tags = { x = Ai "IN_DATA" } },
  station "valued" { address = "place/value", tags = {
    x = Ai { "IN_DATA", new_value_on_time_change = true, on_value = function() act() end } } },
  station "data" { address = "place/data", on_value = function() act() end, tags = {
    x = Ai { "IN_DATA", new_value_on_time_change = true } } },
  station "d-{d}" { address = "place/(?<d>device)", decode = function() act() end,
    tags = { x = Ai {} } },
}
line "good" {
  host = "127.0.0.1", port = GOOD, topic_filter = "good",
  station "s" {
    address = "good", tags = { x = Ai { "IN_DATA", new_value_on_time_change = true } },
  },
}
]]

local function config ()
  local list = {}
  for i, body in ipairs(bodies) do list[i] = ("  function() %s end,\n"):format(body[2]) end
  return (CONFIG:gsub("BODIES", function() return table.concat(list) end))
end

describe("the loop is not held from", function()
  local t, b, c, number

  local function start ()
    local bad, good = broker.new(), broker.new()
    t = tagline.run(config(), { BAD = bad.port, GOOD = good.port })
    b, c = bad:handshake(), good:handshake()
    number = 0
  end

  local function set_off (place, n)
    b:send("PUBLISH", { topic = "place/set", payload = tostring(n) })
    if place.topic then
      b:send("PUBLISH", { topic = place.topic, payload = tostring(number) })
    else
      process.start(tagline.program(), { "repl", "--socket", t.socket, "-e", bodies[n][2] })
    end
  end

  -- The processor time until another line's message is acknowledged, in ms.
  local function waits ()
    number = number % 65535 + 1
    c:send("PUBLISH", { topic = "good", payload = tostring(number), qos = 1, id = number })
    local before = t:loop_cpu()
    assert.equal(number, c:expect("PUBACK", 60000).id)
    return (t:loop_cpu() - before) * 1000
  end

  setup(start)
  teardown(scope.finish)

  for p, place in ipairs(places) do
    it(place[1], function()
      for n = 1 + p % EVERY, #bodies, EVERY do
        local took, tries = math.huge, 0
        while took > MOST and tries < 3 do
          set_off(place, n)
          took, tries = waits(), tries + 1
          if os.getenv "SANDBOX_PRINT" then
            print(("%6.0f ms  %s: %s"):format(took, place[1], bodies[n][1]))
          end
          b.taken = #b.packets
        end
        assert.is_true(took <= MOST, ("%s: a message of another line waited for %.0f ms"):format(
          bodies[n][1], took))
      end
    end)
  end

  it("all of these, and SIGTERM in their midst ends them", function()
    for _, place in ipairs(places) do
      for n = 1, #bodies, 5 do set_off(place, n) end
    end
    wait.till("the first of them", 60000, function() return t:cpu() > 0 end)
    local took = t:ends_by_sigterm()
    assert.is_true(took < 1, took)
  end)
end)
