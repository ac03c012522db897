-- `more`: the next part of an answer that was cut at a prompt.
local fake = require "spec.repl.fake"
local messages = require "tagline.repl.messages"
local more = require "tagline.repl.more"
local printer = require "tagline.repl.print"

describe("more", function()
  local person

  before_each(function()
    person = {}
    fake.install()
  end)
  after_each(fake.restore)

  local function options(rest)
    local o = { now = 1005, width = 80, tty = true, person = person }
    for key, value in pairs(rest or {}) do o[key] = value end
    return o
  end

  -- What a prompt prints for an expression.
  local function typed(value, rest)
    return printer.run(function() return value end, function() return options(rest) end)
  end

  local function tags(n)
    local list = {}
    for i = 1, n do list[i] = fake.tag(("plant.pump.t%03d"):format(i), { value = i }) end
    return list
  end

  local function rows(text)
    local names = {}
    for name in text:gmatch "plant%.pump%.t(%d+)" do names[#names + 1] = name end
    return ("%s-%s %d"):format(names[1], names[#names], #names)
  end

  it("shows the next tags of a list, until there are no more", function()
    local text = typed(tags(100))
    assert.equal("001-040 40", rows(text))
    local rest = '\n… 60 more of 100; more shows them, find("text") and tags["plant.*"] narrow'
    assert.truthy(text:find(rest, 1, true), text)
    text = typed(more.page)
    assert.equal("041-080 40", rows(text))
    assert.truthy(text:find "^tag +type", text)
    assert.truthy(text:find("\n… 20 more of 100;", 1, true), text)
    text = typed(more.page)
    assert.equal("081-100 20", rows(text))
    assert.falsy(text:find "…")
    assert.equal("(nothing was cut: there is no more)", typed(more.page))
  end)

  it("goes on with a collection of which the first ones were looked at", function()
    local all = fake.collection("tag", tags(95))
    local count = { count = function() return 95 end }
    assert.equal("001-040 40", rows(typed(all, count)))
    assert.equal("041-080 40", rows(typed(more.page, count)))
    assert.equal("081-095 15", rows(typed(more.page, count)))
  end)

  it("shows older messages", function()
    local list = {}
    for i = 1, 90 do
      list[i] = { number = i, time = 1000 + i, topic = "a", payload = "x", qos = 0, line = "p" }
    end
    local text = typed(messages.wrap(list, 10))
    assert.truthy(text:find("^%(60 older ones are not shown; more shows them"), text)
    assert.truthy(text:find "\n#51 .*\n#90 ")
    text = typed(more.page)
    assert.truthy(text:find "^%(20 older ones.*\n#11 .*\n#50 ", text)
    text = typed(more.page)
    assert.truthy(text:find('^%(10 older ones are not shown; messages%("topic/#"%)'), text)
    assert.truthy(text:find "\n#1 .*\n#10 ", text)
    assert.truthy(typed(more.page):find "no more")
  end)

  it("shows more of a table, and says how to reach what is deeper", function()
    local list, deep = {}, { a = {} }
    for i = 1, 45 do list[i], deep.a[i] = i, i end
    local text = typed(list)
    assert.truthy(text:find("\n  40,\n  … 5 more: more shows them\n}$"), text)
    assert.equal("{ 41, 42, 43, 44, 45 }", (typed(more.page):gsub("%s+", " ")))
    text = typed(deep)
    assert.truthy(text:find("\n    … 5 more: _.a\n", 1, true), text)
    assert.truthy(typed { ["x y"] = { list } }:find('… 5 more: _["x y"][1]', 1, true))
  end)

  it("shows more of a text, and of what prints as one", function()
    local lines = {}
    for i = 1, 450 do lines[i] = "line " .. i end
    local whole = table.concat(lines, "\n")
    local shows = setmetatable({}, { __tostring = function() return whole end })
    for _, value in ipairs { whole, shows } do
      local text = typed(value)
      assert.truthy(
        text:find "\nline 200\n… %d+ bytes more of %d+; more shows them, print%(_%) all$")
      assert.truthy(typed(more.page):find "^line 201\n.*\nline 400\n… ")
      assert.truthy(typed(more.page):find "^line 401\n.*\nline 450$")
    end
  end)

  it("goes through several lists of one answer in their order", function()
    local found = setmetatable({}, { __show = function(_, o)
      return printer.objects(tags(50), "tag", o) .. "\n\n" .. printer.objects(tags(90), "tag", o)
    end })
    typed(found)
    assert.equal("041-050 10", rows(typed(more.page)))
    assert.equal("041-080 40", rows(typed(more.page)))
    assert.equal("081-090 10", rows(typed(more.page)))
    assert.truthy(typed(more.page):find "no more")
  end)

  it("is of the last answer, and of one person", function()
    typed(tags(100))
    typed "something else"
    assert.truthy(typed(more.page):find "no more")
    typed(tags(100))
    assert.truthy(printer.run(function() return more.page end, function()
      return options { person = {} }
    end):find "no more")
    assert.equal("041-080 40", rows(typed(more.page)))
  end)

  it("keeps nothing for a program, which is told of other ways", function()
    local text = printer.format({ now = 1005, width = 80 }, 1, tags(100))
    assert.truthy(
      text:find('… 60 more of 100; find("text"), tags["plant.*"] or a loop shows others', 1, true))
    assert.is_false(more.keep({ tty = true, printing = true, person = person }, print))
  end)
end)
