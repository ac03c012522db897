-- The count of tests decides whether a change is good, so each way of failing is shown to it.
local uv = require "luv"
local process = require "spec.support.process"
local scope = require "spec.support.scope"

local tally = uv.cwd() .. "/scripts/tally"

local function last(out) return out:match("([^\n]*)$") end

-- Counts of one TAP text whose program ended with `code`.
local function tap(text, code)
  local folder = scope.folder()
  scope.file("x.rc", (code or 0) .. "\n", folder)
  local status, out = process.run(tally, { scope.file("x.tap", text, folder) })
  return last(out), status, out
end

-- Counts of a JUnit report with these programs: { name, status, output }.
local function junit(programs, announced)
  local xml =
    { ('<?xml version="1.0"?>\n<testsuite name="x"\n\ttests="%d"\n\tfailures="0">'):format(
      announced or #programs) }
  for _, this in ipairs(programs) do
    local output = this[3]:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" })
    xml[#xml + 1] =
      ('\t<testcase name="%s" classname="%s" time="0.1" status="%s">\n\t\t<system-out>%s'
      .. '</system-out>\n\t</testcase>'):format(this[1], this[1], this[2], output)
  end
  xml[#xml + 1] = "</testsuite>\n"
  local status, out = process.run(tally, { scope.file("report.xml", table.concat(xml, "\n")) })
  return last(out), status, out
end

describe("tally", function()
  after_each(scope.finish)

  for what, case in pairs {
    ["passed tests"] = { "1..2\nok 1 - a\nok 2 - b\n", 0, "2 passed, 0 failed", 0 },
    ["a plan behind the tests"] = { "ok 1 - a\nok 2 - b\n1..2\n", 0, "2 passed, 0 failed", 0 },
    ["several groups of one program"] = { "1..1\nok 1 - a\n# ok - g\n1..1\nok 1 - b\n# ok - h\n",
      0, "2 passed, 0 failed", 0 },
    ["a failed test"] = { "1..2\nok 1 - a\nnot ok 2 - b\n# why\n", 1, "1 passed, 1 failed", 1 },
    ["a failed test of a program that hides it"] = { "1..2\nok 1 - a\nnot ok 2 - b\n", 0,
      "1 passed, 1 failed", 1 },
    ["a skipped test as none"] = { "1..2\nok 1 - a\nok 2 - # SKIP b\n", 0, "1 passed, 0 failed",
      0 },
    ["a skipped test of cmocka as none"] = { "1..2\nok 1 - a\nnot ok 2 # SKIP b\n", 0,
      "1 passed, 0 failed", 0 },
    ["a crash before the end"] = { "1..3\nok 1 - a\n", 139, "1 passed, 1 failed", 1 },
    ["a program that stopped early and says all is well"] = { "1..3\nok 1 - a\n", 0,
      "1 passed, 1 failed", 1 },
    ["more tests than planned"] = { "1..1\nok 1 - a\nok 2 - b\n", 0, "2 passed, 1 failed", 1 },
    ["a program without a plan"] = { "hello\n", 0, "0 passed, 1 failed", 1 },
    ["an empty report"] = { "", 0, "0 passed, 1 failed", 1 },
    ["a plan of no test"] = { "1..0\n", 0, "0 passed, 1 failed", 1 },
    ["a leak behind passed tests"] = { "1..1\nok 1 - a\nERROR: LeakSanitizer\n", 1,
      "1 passed, 1 failed", 1 },
    ["no more than TAP"] = { "1..1\nok 1 - a\nokay\nnot okay\nnote ok\n", 0, "1 passed, 0 failed",
      0 },
  } do
    it("counts " .. what, function()
      local counts, status, out = tap(case[1], case[2])
      assert.equal(case[3], counts, out)
      assert.equal(case[4], status)
    end)
  end

  it("fails where nothing passed", function()
    local counts, status = tap("1..1\nok 1 - # SKIP a\n")
    assert.equal("0 passed, 0 failed", counts)
    assert.equal(1, status)
  end)

  it("says which test failed, and why", function()
    local _, _, out = tap("1..1\nnot ok 1 - the door opens\n# it was locked\n", 1)
    assert.truthy(out:find("FAILED  x: the door opens\n        # it was locked", 1, true), out)
  end)

  it("counts a report that is not there as failed", function()
    local status, out = process.run(tally, { "/nonexistent/report.xml" })
    assert.same({ 1, "0 passed, 1 failed" }, { status, last(out) })
  end)

  it("adds up the programs of ctest", function()
    local first, second = { "c.a", "run", "1..1\nok 1 - a <b>\n" },
      { "c.b", "run", "1..2\nok 1 - a\nok 2 - b\n" }
    local counts, status, out = junit { first, second }
    assert.equal("3 passed, 0 failed", counts, out)
    assert.equal(0, status)
  end)

  it("counts a program of ctest that timed out, or failed behind its last test", function()
    assert.equal("1 passed, 2 failed",
      (junit { { "c.a", "fail", "" }, { "c.b", "fail", "1..1\nok 1 - a\n" } }))
  end)

  it("says how long a program ran that did not run to its end", function()
    local _, _, out = junit { { "c.a", "fail", "1..2\nok 1 - a\n" }, { "c.b", "fail", "" } }
    assert.truthy(out:find("c.a: it planned 2 tests and ran 1; it ended after 0.1 s\n", 1, true),
      out)
    assert.truthy(
      out:find(
        "c.b: it printed no plan: it crashed, timed out or is no test; it ended after 0.1 s\n", 1,
          true), out)
  end)

  it("counts a program of ctest that never ran", function()
    assert.equal("1 passed, 1 failed",
      (junit { { "c.a", "notrun", "Unable to find executable: c.a" },
        { "c.b", "run", "1..1\nok 1 - b\n" } }))
  end)

  it("shows the fault that a sanitizer found, not the legend behind it", function()
    local _, _, out =
      tap("1..1\n==7==ERROR: AddressSanitizer: heap-use-after-free\n    #0 in f x.c:3\n"
        .. ("  legend\n"):rep(30), 1)
    assert.truthy(
      out:find(
        "ran 0\n        ==7==ERROR: AddressSanitizer: heap-use-after-free\n            #0 in f \z
          x.c:3\n", 1, true), out)
    _, _, out = tap("1..1\nx.c:5:3: runtime error: signed integer overflow\n"
      .. ("  legend\n"):rep(30), 1)
    assert.truthy(out:find("\n        x.c:5:3: runtime error: signed integer overflow\n", 1,
      true), out)
  end)

  it("names what was skipped", function()
    local _, _, out = tap("1..2\nok 1 - a\nok 2 - # SKIP the rest\n")
    assert.truthy(out:find("SKIPPED x: # SKIP the rest\n", 1, true), out)
  end)

  it("counts a report that was cut off", function()
    assert.equal("1 passed, 1 failed", (junit({ { "c.a", "run", "1..1\nok 1 - a\n" } }, 2)))
  end)

  it("counts a real run of a broken spec", function()
    local folder = scope.folder()
    scope.file("broken_spec.lua",
      'it("is fine", function() end)\nit("is not", function() error("no") end)\n', folder)
    local code, out = process.run("/usr/bin/busted", { "--lua=lua5.4", "-o", "TAP", folder })
    assert.is_not.equal(0, code)
    assert.equal("1 passed, 1 failed", (tap(out, code)))
    scope.file("torn_spec.lua", 'error("torn")\n', folder)
    code, out = process.run("/usr/bin/busted", { "--lua=lua5.4", "-o", "TAP", folder })
    assert.equal("1 passed, 2 failed", (tap(out, code)))
  end)
end)
