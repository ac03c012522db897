-- More functions that fail than status() lists: what it lists stays so, and the rest is counted.
local cjson = require "cjson"
local scenario = require "spec.support.scenario"
local broker, scope, tagline = scenario "broker scope tagline"

local LISTED, MANY = 64, 70

local SITE = [[
line "p" { host = "127.0.0.1", port = PORT,
  station "first" { address = "first", decode = function() error "the first" end,
    tags = { x = Ai {} } },
  station "{dev}" { address = "d/(?<dev>.+)", tags = { x = Ai {}, out = TxtO "OUT_VALUE",
      to = TxtO { "OUT_TOPIC", default = "o/{dev}" } },
    decode = function(msg)
      if msg.payload == "name" then return { y = 1 } end
      if msg.payload == "write" then msg.station.tags.out:write(1) end
      if msg.payload == "bad" then error "bad" end
      return { x = 1 }
    end },
}
]]

describe("more failing functions than status() lists", function()
  after_each(scope.finish)

  it("are counted, of each kind apart, and take the place of one that works again", function()
    local b = broker.new()
    local t = tagline.run(SITE, { PORT = b.port })
    local c, id = b:handshake(), 0
    local function send(topic, payload)
      id = id + 1
      c:send("PUBLISH", { topic = topic, payload = payload, qos = 1, id = id })
      assert.equal(id, c:expect("PUBACK").id)
    end
    -- entries with a station, by code, and the texts of those without
    local function told()
      local _, out = tagline.command { "status", "--socket", t.socket, "--json" }
      local status, by_code, rest = cjson.decode(out), {}, {}
      for _, list in ipairs { status.problems, status.remarks } do
        for _, one in ipairs(list) do
          if one.station then
            by_code[one.code] = by_code[one.code] or {}
            by_code[one.code][one.station] = one.text
          elseif one.text:find "not each is listed" then
            rest[#rest + 1] = one.code .. ": " .. one.text:match "^(.-),"
          end
        end
      end
      table.sort(rest)
      return by_code, rest
    end
    local function count(list)
      local n = 0
      for _ in pairs(list or {}) do n = n + 1 end
      return n
    end

    send("first", "x")
    for _ = 1, 2 do
      for i = 1, MANY do send("d/" .. i, "bad") end
    end
    local by_code, rest = told()
    assert.equal(LISTED, count(by_code["handler-failing"]))
    assert.truthy(by_code["handler-failing"]["p.first"]:find "1 time")
    assert.truthy(by_code["handler-failing"]["p.1"]:find "2 times")
    assert.same({ "handler-failing: 14 more calls of functions failed" }, rest)

    for _, payload in ipairs { "write", "name" } do
      for i = 1, MANY do send("d/" .. i, payload) end
    end
    by_code, rest = told()
    assert.truthy(by_code["handler-failing"]["p.first"])
    assert.equal(LISTED, count(by_code["write-refused"]))
    assert.equal(LISTED, count(by_code["unknown-name"]))
    assert.same({ "handler-failing: 14 more calls of functions failed",
      "unknown-name: 6 more names of no tag came from decode",
      "write-refused: 6 more writes were refused" }, rest)

    -- these worked meanwhile: their places are free for others
    send("d/" .. MANY, "bad")
    by_code = told()
    assert.truthy(by_code["handler-failing"]["p.first"])
    assert.truthy(by_code["handler-failing"]["p." .. MANY]:find "1 time")
    t:stop()
  end)

  it("do not fill the log: what a function says of each message is bounded", function()
    local b = broker.new()
    local t = tagline.run([[line "p" { host = "127.0.0.1", port = PORT, station "s" {
      address = "s", tags = { x = Ai {} }, decode = function(msg) error(msg.payload, 0) end } }]],
      { PORT = b.port })
    local c = b:handshake()
    for id = 1, 4200 do
      c:send("PUBLISH", { topic = "s", payload = "no " .. id, qos = 1, id = id })
    end
    for id = 1, 4200 do assert.equal(id, c:expect("PUBACK").id) end
    local function count(pattern) return select(2, t:text "stderr":gsub(pattern, "")) end
    assert.equal(4000, count "ERROR p.s: decode: no %d+")
    assert.equal(1, count "WARN  4000 different errors of functions were logged")
    local _, errors = t:eval "return stations['p.s'].stats.handlers.decode.errors"
    assert.equal("4200", errors:match "%d+")
    t:stop()
  end)
end)
