-- What part of a history is asked for, and what is wrong with a question.
local range = require "tagline.history.range"

local now = 1795977600 -- 2026-11-29 18:40:00 UTC

describe("the range of a history", function()
  it("is the last day where nothing is said", function()
    assert.same({ from = now + 0.001 - 86400, to = now + 0.001 }, range.read(nil, now))
  end)

  for text, seconds in pairs { ["10m"] = 600, ["12h"] = 43200, ["90d"] = 7776000,
    ["2y"] = 63072000, ["1.5h"] = 5400 } do
    it("takes " .. text, function() assert.equal(now - seconds, range.read(text, now).from) end)
  end

  for text, seconds in pairs {
    ["2026-11-29"] = 1795910400, ["2026-11-29T18:40"] = now, ["2026-11-29 18:40:00.5"] = now
      + 0.5, ["2026-11-29T18:40:00Z"] = now,
    ["2026-11-29T19:40+01:00"] = now, ["1970-01-01"] = 0, ["2024-02-29T00:00"] = 1709164800,
  } do
    it("reads the time " .. text, function() assert.equal(seconds, range.time(text)) end)
  end

  it("begins in the year 0 at the earliest", function()
    assert.equal(range.time "0000-01-01",
      range.read({ to = "0001-01-01", last = "500y" }, now).from)
  end)

  it("has intervals and aggregates", function()
    local q = range.read({ last = "1h", every = "1m", as = { "min", "max" } }, now)
    assert.equal(60, q.every)
    assert.same({ "min", "max" }, q.as)
    assert.same({ "avg" }, range.read({ every = 5 }, now).as)
  end)

  it("has times of a zone, which others know", function()
    local zone = { from = "2026-11-29 10:00", to = "2026-11-29T12:00Z", zone = "Asia/Kolkata" }
    local q = range.read(zone, now)
    assert.same({ true, nil, "Asia/Kolkata" }, { q.from_local, q.to_local, q.zone })
    q = range.read({ to = "2026-11-29 10:00", last = "1h", zone = "local" }, now)
    assert.same({ true, 3600 }, { q.to_local, q.span })
    zone.every = 3600
    q = range.read(zone, now, "--", function(seconds, last) return seconds - 19800, last end)
    assert.equal(range.time "2026-11-29T10:00+05:30", q.from)
    assert.is_nil(q.from_local)
  end)

  for what, row in pairs {
    ["an unknown duration"] = { "1 hour", "expected a duration" },
    ["an unknown option"] = { { evry = 1 }, "unknown option 'evry'; expected from" },
    ["an unknown aggregate"] = { { every = 1, as = "mean" }, "as: expected one of avg" },
    ["an aggregate without intervals"] = { { as = "avg" }, "as: needs every" },
    ["the end before the begin"] = { { from = 5, to = 4 }, "expected from before to" },
    ["a begin in the future without an end"] = { { from = now + 1 },
      "from lies after now, which to is when it is not given: give to" },
    ["from and last"] = { { from = 5, last = 4 }, "expected from or last, got both" },
    ["a wrong time"] = { { from = "yesterday" }, "from: expected a time such as" },
    ["a month 13"] = { { from = "2026-13-01" }, "from: expected a time such as" },
    ["a time that is none"] = { { from = 0 / 0 }, "from: expected a time such as" },
    ["a time beyond the years 0 to 9999"] = { { to = 1e300 }, "to: expected a time such as" },
    ["a day that there is not"] = { { from = "2026-02-29" }, "from: expected a time such as" },
    ["the end before the begin in a zone"] = { { from = "2026-11-29", to = "2026-11-28",
      zone = "local" }, "expected from before to" },
    ["a zone for nothing"] = { { from = 0, zone = "local" }, "zone: needs every" },
    ["a limit of 0"] = { { limit = 0 }, "limit: expected an integer from 1" },
  } do
    it("refuses " .. what, function()
      local q, why = range.read(row[1], now)
      assert.is_nil(q)
      assert.truthy(why:find(row[2], 1, true), why)
    end)
  end
end)
