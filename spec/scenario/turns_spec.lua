-- How long the loop works in one turn: what many lines do at once, and what is done to thousands
-- of stations.
local scenario = require "spec.support.scenario"
local broker, files, scope, tagline, turns = scenario "broker files scope tagline turns"

-- A build that is not optimised: with sanitizers, or one that counts branches.
local slow = files.read(tagline.program()):find("__asan_init", 1, true) ~= nil
  or os.getenv "SPEC_GENTLE" ~= nil
-- Milliseconds. Alone each case below takes half of it or less.
local MOST = slow and 60 or 10

describe("a turn of the loop is short", function()
  after_each(scope.finish)

  local t

  local function run(text, words)
    t = tagline.run(turns.WATCH .. text, words,
      { arguments = { "--unsafe", "--log-level", "info" } })
  end

  local function longest() return turns.longest(t) end

  local function short(what, ms)
    if os.getenv "SPEC_PRINT" then print(what, ms) end
    assert.is_true(ms <= MOST, ("%s: %.1f ms of processor time"):format(what, ms))
  end

  it("when forty lines get a long message at once, each of which takes its share", function()
    local b = broker.new()
    run([[
limits { handler_time = 60 }
for i = 1, 40 do
  line("l" .. i) { host = "127.0.0.1", port = PORT,
    station "s" { address = "s",
      decode = function(msg)
        local n = 0
        for i = 1, WORK do n = n + #msg.payload:sub(i % 100, i % 100 + 20) end
        return { v = n }
      end,
      tags = { v = Ci {} } } }
end
]], { PORT = b.port, WORK = slow and 20000 or 50000 })
    local all = {}
    for i = 1, 40 do all[i] = b:handshake() end
    longest()
    longest() -- the first one has loaded the prompt's modules
    local payload = ("x"):rep(40000)
    for _, c in ipairs(all) do
      c:send("PUBLISH", { topic = "s", payload = payload, qos = 1, id = 1 })
    end
    for _, c in ipairs(all) do assert.equal(1, c:expect_past_subscribe("PUBACK").id) end
    short("long messages", longest())
    t:stop()
  end)

  it("when thousands of stations are exchanged, and when their line is taken away", function()
    local folder = scope.folder()
    local count = folder .. "/count"
    files.write(count, slow and "1000" or "10000")
    run([[
local many = {}
for i = 1, tonumber(file "COUNT") do
  many[i] = station("m" .. i) { address = "m/" .. i, subscribe_address = true,
    decode = function() end, tags = { v = Ai "JA=v", w = TxtI "JA=w" } }
end
if #many > 0 then
  line "many" { host = "127.0.0.1", port = 1, payload_type = "JSON", ignore_missing_time = true,
    many }
end
line "one" { host = "127.0.0.1", port = 1,
  station "s" { address = "s", tags = { v = Ci "IN_DATA" } } }
http { listen = LISTEN }
]], { COUNT = count, LISTEN = ("%q"):format(folder .. "/http") })
    t:wait_log "one: connect"
    longest()
    longest()
    t:kill "sighup"
    t:wait_log "config.lua: reloaded"
    short("a reload", longest())
    files.write(count, "0")
    t:kill "sighup"
    t:wait_log "line 'many' removed"
    t:eval "return 1"
    t:eval "return 1"
    short("a removal", longest())
    t:stop()
  end)
end)
