-- What `tagline discover` says of what it had no room for. (Its table: scenario/discover_spec.lua.)
local report = require "tagline.discover.report"

describe("discover's report", function()
  it("says what was over the limits", function()
    assert.same({}, report.notes { over = 0, unkept = 0, topics = 5 })
    local notes = report.notes { over = 1234, unkept = 2, topics = 100000 }
    assert.same({
      "There was room for 100,000 topics: 1,234 messages of others are counted only.",
      "Of 2 topics no payload was kept (too long, or no room): their kind is not known.",
    }, notes)
    notes = report.notes { over = 1, unkept = 0, topics = 1 }
    assert.truthy(notes[1]:find("1 message of others is counted", 1, true))
  end)

  it("puts the notes behind the table", function()
    local lines = report.lines { title = "t", groups = {}, single = {}, notes = { "a note" },
      seconds = 1 }
    assert.same({ "t", "", "a note" }, lines)
  end)
end)
