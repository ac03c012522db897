-- Lines whose messages take long take turns: none is served more often than the others.
local scenario = require "spec.support.scenario"
local broker, scope, tagline, wait = scenario "broker scope tagline wait"

local LINES, MESSAGES = 5, 60

describe("lines whose decoders never end", function()
  after_each(scope.finish)

  it("take turns: when one has had its share, all have", function()
    local text, names, brokers, connections = "", {}, {}, {}
    for i = 1, LINES do
      local word = "PORT" .. ("ABCDE"):sub(i, i)
      brokers[i] = broker.new()
      names[word] = brokers[i].port
      text = text .. ([[line "l%d" { host = "127.0.0.1", port = %s, ping_interval = 0,
        station "s" { address = "t", tags = { x = Ai {} },
          decode = function() while true do end end } }
        ]]):format(i, word)
    end
    tagline.run("limits { handler_time = 0.02 }\n" .. text, names)
    for i = 1, LINES do connections[i] = brokers[i]:handshake() end
    for id = 1, MESSAGES do
      for i = 1, LINES do
        connections[i]:send("PUBLISH", { topic = "t", payload = "x", qos = 1, id = id })
      end
    end
    local function acknowledged(i)
      local n = 0
      for _, p in ipairs(connections[i].packets) do n = n + (p.type == "PUBACK" and 1 or 0) end
      return n
    end
    local function least()
      local n = MESSAGES
      for i = 1, LINES do n = math.min(n, acknowledged(i)) end
      return n
    end
    wait.till("five acknowledgements for each", nil, function() return least() >= 5 end)
    for i = 1, LINES do
      assert.is_true(acknowledged(i) <= 20, ("line %d: %d"):format(i, acknowledged(i)))
    end
  end)

  it("hold no line that has long been quick, when all of them begin in one moment", function()
    local b, quick = broker.new(), broker.new()
    local t = tagline.run([[
      limits { handler_time = 0.05 }
      for i = 1, 9 do
        line("l" .. i) { host = "127.0.0.1", port = PORT,
          station "s" { address = "t", decode = function() while true do end end } }
      end
      line "quick" { host = "127.0.0.1", port = QUICK, station "s" { address = "t",
        decode = function() return { x = os.clock() } end, tags = { x = Ai {} } } }
    ]], { PORT = b.port, QUICK = quick.port })
    local c, endless = quick:handshake(), {}
    for i = 1, 9 do endless[i] = b:handshake() end
    for id = 1, 70 do c:deliver("t", "", id) end
    for _ = 1, 70 do t:value "quick.s.x" end
    for _, one in ipairs(endless) do one:send("PUBLISH", { topic = "t", payload = "" }) end
    c:send("PUBLISH", { topic = "t", payload = "" })
    local before = t:cpu()
    local took = t:value("quick.s.x").value - before
    assert.is_true(took < 0.2, took) -- 0.5 for all of them
    t:stop()
  end)

  it("hold no line that has long been quick, as they all have, when they begin together", function()
    local b, quick = broker.new(), broker.new()
    local t = tagline.run([[
      limits { handler_time = 0.06 }
      local function decode(msg)
        while msg.payload == "endless" do end
        return { x = os.clock() }
      end
      for i = 1, 7 do
        line("l" .. i) { host = "127.0.0.1", port = PORT,
          station "s" { address = "t", decode = decode, tags = { x = Ai {} } } }
      end
      line "quick" { host = "127.0.0.1", port = QUICK,
        station "s" { address = "t", decode = decode, tags = { x = Ai {} } } }
    ]], { PORT = b.port, QUICK = quick.port })
    local all = {}
    for i = 1, 7 do all[i] = b:handshake() end
    all[8] = quick:handshake()
    for id = 1, 70 do
      for _, c in ipairs(all) do c:deliver("t", "", id) end
    end
    for _ = 1, 70 do t:value "quick.s.x" end
    for i = 1, 7 do all[i]:send("PUBLISH", { topic = "t", payload = "endless" }) end
    all[8]:send("PUBLISH", { topic = "t", payload = "" })
    local before = t:cpu()
    local took = t:value("quick.s.x").value - before
    assert.is_true(took < 0.2, took) -- 0.4 for all of them
    t:stop()
  end)
end)
