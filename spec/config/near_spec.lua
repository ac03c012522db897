-- The nearest known name: what is near enough to be suggested, and what is not.
local near = require "tagline.config.near"

describe("the nearest name", function()
  local known = { "keep_alive", "host", "port", "payload_type", "time_zone", "_G" }

  for typed, meant in pairs { keep_alvie = "keep_alive", KeepAlive = "keep_alive",
    ["Keep Alive"] = "keep_alive", hots = "host",
    Prot = "port", payloadtype = "payload_type", time_zon = "time_zone" } do
    it(("of %s is %s"):format(typed, meant),
      function() assert.equal(meant, near.find(typed, known)) end)
  end
  for _, typed in ipairs { "zzz", "x", "temperature", ("keep"):rep(100) } do
    it(("of %s is none"):format(typed:sub(1, 20)),
      function() assert.is_nil(near.find(typed, known)) end)
  end

  it("may be one that begins so, unless several very different ones do", function()
    assert.equal("station", near.find("stat", { "stations", "station", "host" }))
    assert.equal("keep_alive", near.find("keep", known))
    assert.is_nil(near.find("wil", { "will_flag", "will_qos" }))
    assert.is_nil(near.find("st", { "station" }))
  end)

  it("may be an alias", function()
    assert.equal("host", near.find("Broker", known, { broker = "host" }))
  end)

  it("is counted in insertions, deletions, replacements and swaps", function()
    for _, case in ipairs { { "", "abc", 3 }, { "abc", "abc", 0 }, { "abc", "acb", 1 },
      { "abc", "ab", 1 }, { "abc", "axc", 1 },
      { "abcd", "badc", 2 }, { "ca", "abc", 3 } } do
      assert.equal(case[3], near.distance(case[1], case[2]))
      assert.equal(case[3], near.distance(case[2], case[1]))
    end
  end)
end)
