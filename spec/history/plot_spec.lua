-- Curves as text: peaks stay, gaps show.
local plot = require "tagline.history.plot"

local function valid(time, value) return { time = time, value = value, status = "valid" } end

local function drawn(rows, options)
  options = options or {}
  options.ascii, options.width, options.height = true, 33, options.height or 5
  return plot.lines(rows, 0, 100, options)
end

describe("a plot", function()
  it("rises with its values", function()
    local rows = {}
    for i = 0, 19 do rows[i + 1] = valid(i * 5, i) end
    local lines = drawn(rows)
    assert.truthy(lines[1]:find("^ +19 |"))
    assert.truthy(lines[5]:find("^ +0 |%*"))
    assert.truthy(lines[1]:find("%*$"))
    assert.truthy(lines[7]:find("min 0  max 19  last 19", 1, true))
  end)

  it("keeps a peak of a moment", function()
    local rows = { valid(0, 1), valid(50, 1000), valid(50.001, 1), valid(99, 1) }
    local lines = drawn(rows)
    assert.truthy(lines[1]:find("1000 |", 1, true))
    assert.truthy(lines[1]:find("*", 1, true), table.concat(lines, "\n"))
  end)

  it("has a gap where there was no valid value", function()
    local lines = drawn({ valid(0, 1), { time = 40, status = "invalid" }, valid(60, 1) },
      { height = 1 })
    local curve = lines[1]:match("|(.*)$")
    assert.truthy(curve:find("^%*+ +%*+$"), curve)
  end)

  it("draws booleans and braille", function()
    local lines = plot.lines({ valid(0, false), valid(50, true) }, 0, 100,
      { width = 40, height = 3, name = "p.s.on" })
    assert.equal("p.s.on", lines[1])
    assert.truthy(lines[2]:find("1 │", 1, true))
    assert.truthy(utf8.len(table.concat(lines)))
  end)

  it("has one label where all values are the same, and no axis that is wider than it", function()
    local lines = plot.lines({ valid(0, 5) }, 0, 100, { width = 20, height = 3 })
    assert.truthy(lines[1]:find "^ +│$")
    assert.truthy(lines[3]:find "^ +5 │")
    assert.equal((" "):rep(12) .. "00:00:00", lines[4])
    assert.truthy(plot.lines({ valid(0, 5) }, 0, 100, { width = 60 })[11]:find " 00:01:40 UTC$")
  end)

  it("shows times as such", function()
    local lines = plot.lines({ valid(0, 1796032803), valid(50, 1796032806) }, 0, 100,
      { width = 60, height = 3, is_time = true })
    assert.truthy(lines[1]:find "^  10:00:06 │")
    assert.truthy(lines[5]:find("min 2026-11-30T10:00:03Z  max 2026-11-30T10:00:06Z", 1, true))
  end)

  it("says where there is nothing", function()
    assert.same({ "p.s.t: no valid value in this time" },
      drawn({ { time = 1, status = "invalid" } }, { name = "p.s.t" }))
    assert.same({ "no valid value in this time" }, drawn({ valid(0, "text") }))
  end)

  it("is none of a text, which it says", function()
    local live = { now = function() return 1000 end, rest = function() end }
    function live.history()
      return { fill = function(_, rows) rows[1] = { time = 500, good = 1 } end }, {}
    end
    local word = require("tagline.repl.history").plot_word(live, { tags = {} })
    local _, why = pcall(word, nil, "10m")
    assert.truthy(why:find("there is no such tag; one that only the history has is given as a text",
      1, true), why)
    assert.same({ nil, "l.s.name is a TxtI: a text has no curve" },
      { word({ full_name = "l.s.name", type = "TxtI" }, "10m") })
    assert.same({ nil, "l.s.gone is of texts: a text has no curve" }, { word("l.s.gone", "10m") })
    function live.history() return { fill = function() end }, {} end
    assert.truthy(word("l.s.gone", "10m"):find("no valid value in this time", 1, true))
  end)

  it("has the unit of the tag, or of the live one with its name", function()
    local live = { now = function() return 1000 end, rest = function() end }
    local function fill(_, rows)
      rows[1] = { time = 500, min = 1, max = 3, last = 2, good = 1 }
    end
    function live.history() return { fill = fill }, {} end
    local api = { tags = { ["l.s.t"] = { unit = "bar" } } }
    local word = require("tagline.repl.history").plot_word(live, api)
    assert.truthy(word("l.s.t", "10m"):find("l.s.t bar", 1, true))
    assert.truthy(word("l.s.t", "10m"):find("last 2 bar", 1, true))
    assert.truthy(word({ full_name = "l.s.x", unit = "°C" }, "10m"):find("last 2 °C", 1, true))
    assert.truthy(word("l.s.gone", "10m"):find("last 2$", 1))
  end)
end)
