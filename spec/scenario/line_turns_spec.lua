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
end)
