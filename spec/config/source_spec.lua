-- The tokenizer that finds the line a field stands on.
local source = require "tagline.config.source"

local words = { line = "line", station = "station", Ai = "tag", Di = "tag", limits = "limits" }

local text = [==[
line "plant" { -- {
  host = "a",
  ["port"] = 5, --[[ {
  ]] decode = function(x) local a = { x = 1, x = 2 } if a then return end end,
  station("s" .. f(1)) {
    address = [[x
]],
    tags = {
      a = Ai { "JA=x",
        unit = "V" },
      b = Di "JA=x", ["c-d"] = Ai {
        linear = { 1,
          2 }, on_value = function(t)
            while t do t = { unit = 1 } end
          end,
        range = { 1, 2 } },
    },
  },
  station "t" ({ tags = { c = Ai({
    "x" }) } }),
  station("u", { address = 1,
    address = 2 }), x == y,
  "it's \" { \
", 'a'
}
limits { memory
 = 5 }
]==]

describe("the source of a config", function()
  local index = source.index(text, words)

  for _, case in ipairs {
    { "line", 1, "plant", "host", 2 }, { "line", 1, "plant", "port", 3 },
      { "line", 1, "plant", "decode", 4 },
    { "line", 1, "plant", 1, 5 }, { "line", 1, "plant", 2, 19 }, { "line", 1, "plant", 3, 21 },
      { "line", 1, "plant", 4, 22 },
    { "line", 1, "plant", 5, 23 }, { "line", 1, "plant", 6, 24 }, { "line", 1, "plant", 7, nil },
    { "station", 5, "s1", "address", 6 }, { "station", 5, "s1", "tags", 8 },
    { "Ai", 9, "a", 1, 9 }, { "Ai", 9, "a", "unit", 10 }, { "Ai", 11, "c-d", "on_value", 13 },
      { "Ai", 11, "c-d", "range", 16 },
    { "Ai", 11, "c-d", "unit", nil }, { "station", 19, "t", "tags", 19 }, { "Ai", 19, "c", 1, 20 },
    { "station", 21, "u", "address", 22 }, { "limits", 26, nil, "memory", 26 },
      { "line", 2, "plant", "host", nil },
  } do
    it(("has %s of the %s of line %d on line %s"):format(case[4], case[1], case[2],
      tostring(case[5])), function()
      assert.equal(case[5], index:field(case[1], case[2], case[3], case[4]))
    end)
  end

  it("has the tags of a station", function()
    assert.same({ 9, 11, 11 }, { index:tag(5, "s1", "a"), index:tag(5, "s1", "b"),
      index:tag(5, "s1", "c-d") })
    assert.equal(19, index:tag(19, "t", "c"))
    assert.is_nil(index:tag(5, "s1", "z"))
  end)

  it("has keys that stand twice, in braces of records only", function()
    assert.equal(1, #index.twice)
    local twice = index.twice[1]
    assert.same({ "address", 22, 21, "u" },
      { twice.key, twice.line, twice.first, twice.frame.name })
  end)

  it("is read to its end whatever it is", function()
    for n = 1, #text do source.index(text:sub(1, n), words) end
    for _, odd in ipairs { "}}}", "[[", "--[[", "'", '"\\', "end end", "line", "line {", "]]",
      "0x", "line 'a' { ['",
      "\0{}" } do
      source.index(odd, words)
    end
  end)

  it("has each line break sought once, however much stands on a line", function()
    local looked = 0
    local counting = setmetatable({ find = function(whole, what, from, plain)
      local at, stop = string.find(whole, what, from, plain)
      if what == "\n" then looked = looked + (at or #whole) - from end
      return at, stop
    end }, { __index = string })
    local path = assert(package.searchpath("tagline.config.source", package.path))
    local env = setmetatable({ string = counting }, { __index = _G })
    local counted = assert(loadfile(path, "t", env))()
    local long = "\n" .. ("a = 'x', "):rep(500) .. "\n" .. ("b = 'x', "):rep(500)
    counted.index(long, words)
    assert.is_true(looked > 0 and looked <= #long, looked)
  end)
end)
