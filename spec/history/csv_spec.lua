-- Rows of a history as one text.
local csv = require "tagline.history.csv"

describe("rows as CSV", function()
  local read
  local rows = setmetatable({}, { __len = function() return 10000 end, __index = function(_, i)
    read = i
    return { time = 1795977600 + i, value = i }
  end })
  before_each(function() read = 0 end)

  it("are one text with a head", function()
    local text = csv.text({ rows[1], rows[2] }, { name = "l.s.t", unit = "m" })
    assert.equal(csv.head() .. csv.row(rows[1], { name = "l.s.t", unit = "m" })
      .. csv.row(rows[2], { name = "l.s.t", unit = "m" }), text)
  end)

  it("keep blanks around a text, which is in quotes then", function()
    for text, cell in pairs { [" lead "] = '" lead "', ["a\t"] = '"a\t"', ["a b"] = "a b",
      [""] = "", [" "] = '" "', ['"'] = '""""' } do
      assert.equal(cell, csv.cell(text))
    end
  end)

  it("have times as those in the column of times", function()
    local row = { time = 1795977600, value = 1795977660.25, last = 1795977660.25, count = 1 }
    local tag = { name = "l.s.t", type = "TiA" }
    assert.equal(csv.stamp(row.time) .. ",l.s.t," .. csv.stamp(row.value) .. ",valid,,\n",
      csv.row(row, tag))
    assert.equal(csv.stamp(row.time) .. ",l.s.t," .. csv.stamp(row.value) .. ",1,\n",
      csv.row(row, tag, { "last", "count" }))
    assert.equal(csv.stamp(row.time) .. ",l.s.t,1795977660.25,valid,,\n",
      csv.row(row, tag, { "sum" }))
  end)

  it("have years of four digits, which an import can read", function()
    for text, seconds in pairs { ["0001-01-01T00:00:00.000"] = -62135596800,
      ["0999-12-31T23:59:59.500"] = -30610224000.5, ["1000-01-01T00:00:00.000"] = -30610224000,
      ["9999-12-31T23:59:59.000"] = 253402300799 } do
      assert.equal(text, csv.stamp(seconds):sub(1, 23))
    end
  end)

  it("are none beyond a limit, and no more of them are made", function()
    assert.is_nil(csv.text(rows, { name = "l.s.t" }, nil, 50000))
    assert.is_true(read < 2000, read)
  end)
end)
