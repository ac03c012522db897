-- Values as text, for people and as JSON.
local fake = require "spec.repl.fake"
local printer = require "tagline.repl.print"

local function show(...)
  return printer.format({ now = 1005, width = 80 }, select("#", ...), ...)
end
local function json(...)
  return printer.format({ now = 1005, json = true }, select("#", ...), ...)
end

describe("tagline.repl.print", function()
  before_each(fake.install)
  after_each(fake.restore)

  it("gives nothing for no result", function() assert.equal("", show()) end)

  it("gives a text bare, and several values apart by tabs", function()
    assert.equal("a\tb\n", show("a\tb\n"))
    assert.equal('1\tx\tnil\ttrue', show(1, "x", nil, true))
    assert.equal("", show(""))
    assert.equal("grüße", show("grüße"))
  end)

  it("gives numbers so that they read back", function()
    for n, expected in pairs { [21.5] = "21.5", [0.1] = "0.1", [1 / 3] = "0.3333333333333333",
      [3] = "3", [2^53] = "9007199254740992",
      [math.mininteger] = "-9223372036854775808", [1e300] = "1e+300", [math.huge] = "inf" } do
      assert.equal(expected, show(n))
      if expected ~= "inf" then assert.equal(n, tonumber(show(n))) end
    end
    assert.equal("nan", show(0 / 0))
  end)

  it("dumps what a terminal cannot show", function()
    assert.equal("3 bytes\n0000  00 41 ff" .. (" "):rep(43) .. ".A.", show("\0A\xff"))
    local out = show(("\1"):rep(300))
    assert.truthy(out:find("^300 bytes\n0000  01"), out)
    assert.truthy(out:find("\n… 44 bytes more$"), out)
    local _, lines = out:gsub("\n", "")
    assert.equal(17, lines)
    assert.truthy(show("\27[2J"):find("^4 bytes"))
    assert.truthy(show("\27"):find("^1 byte\n"))
  end)

  it("cuts a long text at a prompt, at a character, and nowhere else", function()
    local function typed(v, ...)
      return printer.format({ now = 0, tty = true, width = 80 }, 1 + select("#", ...), v, ...)
    end
    local long = ("x"):rep(15999) .. ("é"):rep(50000)
    assert.equal(("x"):rep(15999) .. "\n… 100000 bytes more of 115999; print(_) shows all",
      typed(long))
    assert.equal(long, show(long))
    assert.equal(long, printer.format({ now = 0, tty = true, printing = true }, 1, long))
    assert.equal(("y"):rep(16000), typed(("y"):rep(16000)))
    local lines = ("line\n"):rep(400)
    assert.equal(("line\n"):rep(200) .. "… 1000 bytes more of 2000; print(_) shows all",
      typed(lines))
    assert.equal(("line\n"):rep(200), typed(("line\n"):rep(200)))
    assert.equal(("\n"):rep(200) .. "… 4800 bytes more of 5000; print(_) shows all",
      typed(("\n"):rep(5000)))
  end)

  it("looks at a long text in parts, and cuts no character", function()
    local rests = 0
    local options = { now = 1005, rest = function() rests = rests + 1 end }
    local text = ("x" .. ("☃"):rep(1000)):rep(200)
    assert.equal(text, printer.format(options, 1, text))
    assert.is_true(rests >= #text // 65536, rests)
    assert.truthy(printer.format(options, 1, text .. "\1"):find("bytes more", 1, true))
  end)

  it("dumps control characters beyond ASCII at a terminal only", function()
    assert.equal("a\u{9b}2Jb", show("a\u{9b}2Jb"))
    local out = printer.format({ now = 0, tty = true, width = 80 }, 1, "a\u{9b}2Jb")
    assert.truthy(out:find("^6 bytes\n0000  61 c2 9b 32"), out)
    assert.equal('{ "a\\u{9b}é" }', show { "a\u{9b}é" })
  end)

  it("says at a prompt how a dump goes on", function()
    assert.truthy(printer.format({ now = 0, tty = true }, 1,
      ("\1"):rep(300)):find("\n… 44 bytes more; _:sub(257) goes on", 1, true))
  end)

  it("cuts many results at a prompt", function()
    local many = {}
    for i = 1, 5000 do many[i] = i end
    local out = printer.format({ now = 0, tty = true }, 5000, table.unpack(many))
    assert.truthy(
      out:find "\t99\t100\t… 4900 more results; { } around it shows them as a list$")
    assert.truthy(show(table.unpack(many)):find("\t5000$"))
  end)

  it("leaves the bytes of print alone unless a terminal gets them", function()
    assert.equal("\0\xff", printer.format({ now = 0, printing = true }, 1, "\0\xff"))
    assert.truthy(printer.format({ now = 0, printing = true, tty = true }, 1,
      "\0\xff"):find "2 bytes")
  end)

  it("shows a tag's moment as a date", function()
    local text = show(fake.tag("p.s.at", { type = "TiA", value = 1658138055.799 }))
    assert.truthy(text:find("TiA   2022-07-18T09:54:15.799Z", 1, true), text)
  end)

  it("indents nested tables, short ones in a line", function()
    assert.equal("{}", show {})
    assert.equal('{ 1, 2, "x" }', show { 1, 2, "x" })
    assert.equal('{ a = 1, ["b c"] = { true } }', show { a = 1, ["b c"] = { true } })
    assert.equal('{\n  1,\n  name = "' .. ("x"):rep(70) .. '",\n  t = { a = 1 }\n}',
      show { 1, name = ("x"):rep(70), t = { a = 1 } })
  end)

  it("cuts long and deep tables with a note, and stops at circles", function()
    local long = {}
    for i = 1, 45 do long[i] = i end
    assert.truthy(show(long):find("\n  40,\n  … 5 more\n}$"), show(long))
    local deep = { { { { { { 1 } } } } } }
    assert.truthy(show(deep):find("{ … }", 1, true))
    local circle = {}
    circle.me = circle
    assert.truthy(show(circle):find("(again)", 1, true))
    assert.truthy(show({ ("y"):rep(500) }):find("…", 1, true))
  end)

  it("sorts names, and what is no list, but no long list", function()
    assert.equal('{ [-1] = 1, [1] = "a", [2] = "b", [9] = 2, x = 1 }',
      show { "a", "b", x = 1, [-1] = 1, [9] = 2 })
    assert.equal('{ "a", "b", x = 1, y = 2 }', show { "a", "b", y = 2, x = 1 })
    local list, sort, longest = { left_out = 0 }, table.sort, 0
    for i = 1, 50000 do list[i] = i end
    rawset(table, "sort", function(t, ...)
      longest = math.max(longest, #t)
      return sort(t, ...)
    end)
    local text = show(list)
    rawset(table, "sort", sort)
    assert.equal(1, longest)
    assert.truthy(text:find("… 49961 more", 1, true), text)
  end)

  it("bounds a table with all that is in it", function()
    local wide = {}
    for i = 1, 40 do
      wide[i] = {}
      for k = 1, 40 do wide[i][k] = { k, { k } } end
    end
    local out = show(wide)
    local _, lines = out:gsub("\n", "")
    assert.is_true(lines < 1200, lines)
    assert.truthy(out:find("\n  … %d+ more\n}$"), out:sub(-200))
  end)

  it("says how long a text in a table is, and cuts a long key", function()
    assert.equal('{\n  "' .. ("y"):rep(198) .. '… (500 bytes)\n}', show { ("y"):rep(500) })
    assert.truthy(#show { [("k"):rep(500)] = 1 } < 100)
    assert.equal("{ hex ff fe }", show { "\xff\xfe" })
    assert.truthy(show({ ("\xff"):rep(100) }):find("hex ff .*… %(100 bytes%)"))
  end)

  it("runs no __pairs and no __index of the user's", function()
    local t = setmetatable({ 1 },
      { __pairs = function() error "ran" end, __index = function() error "ran" end })
    assert.equal("{ 1 }", show(t))
  end)

  it("lets a table say itself how it looks", function()
    local t = setmetatable({}, { __tostring = function() return "mine" end })
    assert.equal("mine", show(t))
    assert.equal("{ a = mine }", show { a = t })
  end)

  it("aligns tags with value, unit, status, reason and age", function()
    local one = fake.tag("p.b.temperature", { value = 21.5, unit = "°C", time = 1004.6 })
    local two = fake.tag("p.b.x", { status = "invalid", reason = "missing", time = 900 })
    local three = fake.tag("p.b.text", { type = "TxtI", value = "a\nb" })
    assert.equal(table.concat({
      "tag              type  value   unit  status   reason   age",
      'p.b.temperature  Ai    21.5    °C    valid             0.4 s',
      'p.b.text         TxtI  "a\\nb"        valid             5.0 s',
      "p.b.x            Ai    -             invalid  missing  105 s",
    }, "\n"), show(fake.collection("tag", { one, two, three })))
  end)

  it("shows bytes in a table in hex, and cuts long texts", function()
    assert.truthy(show(fake.tag("p.b.x", { value = "\xff\0" })):find("hex ff 00 ", 1, true))
    assert.truthy(show(fake.tag("p.b.x", { value = ("z"):rep(200) })):find(
      ('"%s…'):format(("z"):rep(58)), 1, true))
  end)

  it("shows the first 40 of many, and says how many there are", function()
    local list = {}
    for i = 1, 100 do list[i] = fake.tag(("p.b.t%03d"):format(i), { value = i }) end
    local out = show(fake.collection("tag", list))
    assert.truthy(out:find("p.b.t040", 1, true))
    assert.falsy(out:find("p.b.t041", 1, true))
    assert.truthy(out:find("\n… 60 more of 100"), out)
    out = printer.format({ now = 0, count = function(kind) return kind == "tag" and 30000 end },
      1, fake.collection("tag", list))
    assert.truthy(out:find("\n… 29960 more of 30000"), out)
    assert.equal("(no tags)", show(fake.collection("tag", {})))
  end)

  it("shows the first 40 by name where it has them all", function()
    local list = {}
    for i = 1, 100 do
      list[("t%03d"):format(i)] = fake.tag(("p.b.t%03d"):format(i), { value = i })
    end
    local out = show(list)
    assert.truthy(out:find("age\np.b.t001 .*\np.b.t040 "), out)
    assert.falsy(out:find("p.b.t041", 1, true), out)
  end)

  it("fits a table into the terminal", function()
    local tag = fake.tag("plant.boiler." .. ("n"):rep(50), { value = ("v"):rep(50) })
    local out = printer.format({ now = 1005, tty = true, width = 90 }, 1, tag)
    for line in out:gmatch "[^\n]+" do assert.is_true(utf8.len(line) <= 90, line) end
    assert.truthy(out:find("…", 1, true))
    assert.is_true(
      utf8.len((printer.format({ now = 1005, width = 90 }, 1, tag):match("\n(.*)"))) > 90)
  end)

  it("leaves out columns that say nothing where the terminal is narrow", function()
    local tag = fake.tag("plant.boiler.temperature", { value = 21.5 })
    local out = printer.format({ now = 1005, tty = true, width = 54 }, 1, tag)
    assert.equal("tag                       type  value  status  age\n\z
      plant.boiler.temperature  Ai    21.5   valid   5.0 s", out)
    assert.truthy(printer.format({ now = 1005, tty = true, width = 80 }, 1, tag):find("unit", 1,
      true))
  end)

  it("says spans in their own units", function()
    for seconds, expected in pairs { [0] = "0.0 s", [0.44] = "0.4 s", [9.94] = "9.9 s",
      [9.96] = "9 s", [119] = "119 s", [120] = "2 min",
      [7199] = "119 min", [7200] = "2 h", [172800] = "2 d" } do
      assert.equal(expected, printer.age(seconds))
    end
    assert.equal("3.0 s ahead", printer.age(-3))
    assert.equal("0.0 s", printer.age(-0.01))
    assert.equal("2026-11-22T14:03:16.123Z", printer.time(1795356196.123))
  end)

  it("gives JSON, one line a value", function()
    assert.equal("", json())
    assert.equal('null\n"x"', json(nil, "x"))
    assert.equal('{"a":[1,2.5,true],"b":{}}', json { a = { 1, 2.5, true }, b = {} })
    assert.equal('"\\"\\\\\\n\\u0000\\u001f"', json '"\\\n\0\31')
    assert.equal('{"base64":"/w=="}', json "\xff")
    assert.equal("null", json(1 / 0))
    assert.equal("null", json(0 / 0))
    assert.equal("9223372036854775807", json(math.maxinteger))
    assert.equal('"function"', json(print))
    local t = {}
    t.t = t
    assert.equal('{"t":"(again)"}', json(t))
    assert.equal('{"1":1,"a":2}', json { 1, a = 2 })
    assert.equal("[]", json(setmetatable({}, { __name = "tagline.list" })))
    assert.equal("[[]]", json { setmetatable({}, { __name = "tagline.messages" }) })
    assert.equal("{}", json(setmetatable({}, { __name = "other" })))
    local long = ("x"):rep(100000)
    assert.equal('"' .. long .. '"', printer.format({ now = 0, json = true, tty = true }, 1, long))
  end)
end)
