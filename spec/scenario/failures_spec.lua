-- What the user's functions fail at: in the log, in status(), and as JSON.
local scenario = require "spec.support.scenario"
local mosquitto, scope, tagline = scenario "mosquitto scope tagline"

local SITE = [[
every(0.01, function() error "no tick" end)
line "p" { host = "127.0.0.1", port = PORT, station "s" { address = "s", tags = { x = Ai {} },
  decode = function(msg)
    if msg.payload == "long" then error(("x"):rep(1000000)) end
    return { x = tonumber(msg.payload) }
  end } }
]]

describe("a failing function", function()
  after_each(scope.finish)

  local function start()
    local m = mosquitto.start()
    local t = tagline.run(SITE, { PORT = m.port })
    m:wait_subscribed "tagline-p"
    return t, m
  end

  it("is said once for each function and station, however often it comes", function()
    local b = require "spec.support.broker".new()
    local t = tagline.run([[
      local function fails() error "the same" end
      line "plant" { host = "127.0.0.1", port = PORT,
        station "a" { address = "a", decode = fails, tags = { x = Ai {} } },
        station "b" { address = "b", decode = fails, tags = { x = Ai {} } },
        station "c" { address = "c", on_value = fails, tags = { x = Ai "IN_DATA" } } }]],
      { PORT = b.port })
    local c = b:handshake()
    for id = 1, 9 do
      c:send("PUBLISH", { topic = ("abc"):sub(id % 3 + 1, id % 3 + 1), payload = tostring(id),
        qos = 1, id = id })
      c:expect "PUBACK"
    end
    local _, said = t:text "stderr":gsub("the same", "")
    assert.equal(3, said, t:text "stderr")
    local _, out = t:eval "return stations['plant.a'].stats.handlers.decode.errors"
    assert.equal("3", out:match "%d+")
  end)

  it("of every() is in status(), and in the log", function()
    local t = start()
    t:wait_log "every: .*config.lua:1: no tick"
    local _, text = t:eval "print(status())"
    assert.truthy(
      text:find(
        "! a function of every%(…%) failed %d+ times?, last %d[%d.]* s ago\n    .*config.lua:1: \z
          no tick"), text)
  end)

  it("that worked meanwhile fails anew: what was before is not counted", function()
    local t, m = start()
    m:publish("s", "long")
    m:publish("s", "long")
    m:publish("s", "1")
    repeat until t:value("p.s.x").value == 1
    assert.is_nil(select(2, t:eval "print(status())"):find("decode failed", 1, true))
    m:publish("s", "long")
    t:eval "return 1" -- behind it
    local _, text = t:eval "print(status())"
    assert.truthy(text:find("! decode of p%.s has failed since [^\n]*, 1 time, "), text)
  end)

  it("does not flood the log with a long text", function()
    local t, m = start()
    m:publish("s", "long")
    assert.truthy(#t:wait_log "p.s: decode: .*xxxx" < 6000)
    m:publish("s", "1")
    assert.equal(1, t:value("p.s.x").value ~= nil and 1)
  end)

  it("leaves null in JSON what is null", function()
    local t = start()
    local code, out = tagline.command { "repl", "--socket", t.socket, "--json", "-e",
      "{ a = json.null, b = 'null' }" }
    assert.same({ 0, '{"a":null,"b":"null"}' }, { code, (out:gsub("%s+$", "")) })
  end)
end)
