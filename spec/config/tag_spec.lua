-- luacheck: no max line length (messages are compared whole)
local support = require "spec.config.support"

local x1 = "c.lua:1: line 'p', station 's', tag 'x': "

local function told(expression)
  return support.problems(support.tag(expression))
end

describe("a tag", function()
  it("refuses an OUT_TOPIC that cannot be published to", function()
    local function said(default)
      return support.problems(
        ('line "p" { host = "h", station "s" { address = "a",\n tags = { o = TxtO { \z
          "OUT_TOPIC", default = %q } } } }'):format(default))
    end
    assert.same({}, said "plant/set")
    for _, default in ipairs { "plant/+/set", "plant/#", "", "a\0b" } do
      local found = said(default)
      assert.equal(1, #found, default)
      assert.truthy(
        found[1]:find(
          "c.lua:2: line 'p', station 's', tag 'o': default: expected a topic to publish to",
            1,
            true), found[1])
    end
  end)

  it("stands in the order of the source, with its type, address and place", function()
    local draft = support.clean(
      [[line "p" { host = "h", payload_type = "JSON", station "s" { address = "t", tags = {
      z = Ai "JA=z",
      b = Di { "JA=b" },
      a = TxtI { address = "JA=a" },
      y = Ci "IN_ID", c = TxtI "IN_TOPIC", d = Ai "IN_DATA", e = Ai "RE=(\\d+)", f = Qi "JA=",
    } } }]])
    local list = {}
    for i, tag in ipairs(draft.lines[1].stations[1].tags) do
      list[i] = tag.name .. " " .. tag.type .. " " .. tag.address
    end
    assert.same({ "z Ai JA=z", "b Di JA=b", "a TxtI JA=a", "y Ci IN_ID", "c TxtI IN_TOPIC",
      "d Ai IN_DATA", "e Ai RE=(\\d+)",
      "f Qi JA=" }, list)
    assert.same({ file = "c.lua", line = 3 }, draft.lines[1].stations[1].tags[2].at)
  end)

  it("keeps the order of the source in a loop, and when two are alike", function()
    local draft = support.clean [[
      local list = {}
      for i = 1, 2 do
        local function T(path) return Ai("JA=" .. path) end
        list[i] = station("s" .. i) { address = "t" .. i,
          tags = { b = T(i == 1 and "x" or "y"), a = T(i == 1 and "y" or "x") } }
      end
      line "p" { host = "h", payload_type = "JSON", list }]]
    for i = 1, 2 do
      local tags = draft.lines[1].stations[i].tags
      assert.same({ "b", "a" }, { tags[1].name, tags[2].name })
    end
  end)

  it("has options", function()
    local draft = support.clean(support.tag [[Ao { "JA=x", unit = "V", description = "volts",
      default = 1, linear = { 2, 1 }, range = { 0, 10 }, out_of_range = "clamp", deadband = 0.5,
      new_value_on_time_change = "YES", on_missing = "keep", on_value = function() end }]])
    local tag = draft.lines[1].stations[1].tags[1]
    assert.is_function(tag.on_value)
    tag.on_value, tag.at = nil, nil
    assert.same({ name = "x", type = "Ao", address = "JA=x", unit = "V", description = "volts",
      default = 1, linear = { 2, 1 },
      range = { 0, 10 }, out_of_range = "clamp", deadband = 0.5,
        new_value_on_time_change = true,
        on_missing = "keep" }, tag)
  end)

  it("takes named pairs", function()
    local draft = support.clean(
      support.tag 'Ai { "JA=x", linear = { k = 2, q = 0 }, range = { min = 1, max = 1 } }')
    local tag = draft.lines[1].stations[1].tags[1]
    assert.same({ { 2, 0 }, { 1, 1 } }, { tag.linear, tag.range })
  end)

  it("needs no address where the station decodes", function()
    for _, expression in ipairs { "Ai {}", "Ai()", "Ai", 'Ai ""', 'Ai { unit = "V" }' } do
      local draft =
        support.clean(support.station('address = "t", decode = print, tags = { x = '
        .. expression .. " }"))
      assert.equal("", draft.lines[1].stations[1].tags[1].address)
      assert.equal("Ai", draft.lines[1].stations[1].tags[1].type)
    end
    support.clean(support.station 'address = "t", encode = print, tags = { x = Ao {} }')
  end)

  it("is told of when nothing can fill it", function()
    local warning =
      "c.lua:1: warning: line 'p', station 's', tag 'x': address: there is none, and the \z
        station has no decode"
    assert.same({ warning .. " that would fill it" }, told "Ai {}")
    assert.same({ warning .. " or encode that would serve it" }, told "Ao {}")
    assert.same({ warning .. " that would fill it" }, support.problems(
      support.station 'address = "t", encode = print, tags = { x = Ai {} }'))
  end)

  for name, value in pairs { Ai = "1.5", Ao = "-1", Ci = "7", Co = "2^40", Di = "true",
    Do = "false", Qi = "4", TxtI = '"x"',
    TxtO = '""', TiA = "1.5e9", ToA = "0", TiR = "1.5", ToR = "0" } do
    it("of type " .. name .. " has a default like " .. value, function()
      assert.not_nil(
        support.clean(support.tag(name .. ' { "JA=x", default = ' .. value
          .. " }")).lines[1].stations[1].tags[1].default)
    end)
  end

  it("normalises a default", function()
    local function default(expression)
      return support.clean(support.tag(expression)).lines[1].stations[1].tags[1].default
    end
    assert.equal(3, default 'Qi { "JA=x", default = "err" }')
    assert.equal("integer", math.type(default 'Co { "JA=x", default = 2^40 }'))
    assert.equal(false, default 'Do { "JA=x", default = false }')
  end)

  for name, case in pairs {
    Ai = { '"1"', 'a number, got "1"' }, Ao = { "true", "a number, got true" },
      Ci = { "1.5", "an integer, got 1.5" },
    Co = { '"1"', 'an integer, got "1"' }, Di = { "1", "true or false, got 1" },
      Do = { '"on"', 'true or false, got "on"' },
    Qi = { "5", "0 to 4 or Off, On, Trans, Err, Oscillate, got 5" },
      TxtI = { "5", "a string, got 5" },
    TxtO = { "false", "a string, got false" },
      TiA = { '"2026"', 'seconds since 1970, UTC, got "2026"' },
    ToA = { "1700000000000", "seconds since 1970, UTC, got 1700000000000" },
      TiR = { '"1:00:00"', 'seconds, got "1:00:00"' },
    ToR = { "{}", "seconds, got a table" },
  } do
    it("of type " .. name .. " has no default like " .. case[1], function()
      assert.same({ x1 .. "default: expected " .. case[2] },
        told(name .. ' { "JA=x", default = ' .. case[1] .. " }"))
    end)
  end

  local hint = "IN_TOPIC, IN_DATA, IN_ID, JA=…, RE=…, ACK_ID, OUT_TOPIC or OUT_VALUE"
  local output = "OUT_VALUE needs an output type (Ao Co Do TxtO ToA ToR), got "
  for _, case in ipairs {
    { 'Ai "IN_ID"', "address: IN_ID needs type Ci, got Ai" },
    { 'Co "IN_ID"', "address: IN_ID needs type Ci, got Co" },
    { 'Ci "ACK_ID"', "address: ACK_ID needs type Co, got Ci" },
    { 'TxtI "OUT_TOPIC"', "address: OUT_TOPIC needs type TxtO, got TxtI" },
    { 'TxtO "IN_TOPIC"', "address: IN_TOPIC needs type TxtI, got TxtO" },
    { 'Ai { address = "in_data" }', "address: expected " .. hint
      .. ", got \"in_data\"; did you mean 'IN_DATA'?" },
    { 'Ai "IN_DTA"', "address: expected " .. hint
      .. ", got \"IN_DTA\"; did you mean 'IN_DATA'?" },
    { 'Ai "rx.temp"', "address: expected " .. hint
      .. ", got \"rx.temp\"; did you mean 'JA=rx.temp'?" },
    { 'Ai "ja=a"', "address: expected an address, got \"ja=a\"; did you mean 'JA=a'?" },
    { 'Ai "RE=a"',
      'address: expected a group in the expression, got "RE=a": put ( ) around what is the \z
        value' },
    { 'Ai "RE=(a"',
      'address: expected a regular expression, got "RE=(a": missing closing parenthesis (at \z
        position 6)' },
    { 'Ai "JA=a[0]"',
      'address: expected a JSON address, got "JA=a[0]": indexes count from 1 (at position 6)' },
    { "Ai(5)", "expected an address or braces with fields behind Ai, got 5" },
    { 'Ai(Ai "JA=x")', "expected an address or braces with fields behind Ai, got a table" },
    { 'Ai("JA=x", { unit = "V" })',
      'expected one value behind Ai, got more: write Ai { "address", unit = … }' },
    { 'Ai "JA=x" { unit = "V" }',
      'expected one pair of braces: write Ai { "JA=x", unit = … }' },
    { 'Ai { "JA=x", "V" }', 'expected one address and named fields, got "V" as well' },
    { 'Ai { "JA=x", address = "JA=y" }', "address: is given twice: by position and by name" },
    { 'Ai { 5 }', "address: expected a string, got 5" },
    { 'Ai { "JA=x", unit = 5 }', "unit: expected a string, got 5" },
    { 'Ai { "JA=x", description = {} }', "description: expected a string, got a table" },
    { 'Ai { "JA=x", linear = { 0, 1 } }',
      "linear: expected k other than 0, got 0: every value would be q" },
    { 'Ai { "JA=x", linear = 2 }', "linear: expected two numbers { k, q }, got 2" },
    { 'Ai { "JA=x", linear = { 2 } }', "linear: expected two numbers { k, q }, got 1 values" },
    { 'Ai { "JA=x", linear = { 2, "1" } }',
      'linear: expected two numbers { k, q }, got "1" in it' },
    { 'Ai { "JA=x", linear = { 1/0, 1 } }',
      "linear: expected two numbers { k, q }, got inf in it" },
    { 'Ai { "JA=x", range = { 5, 1 } }',
      "range: expected { min, max }, got the wrong way round: { 5, 1 }" },
    { 'Di { "JA=x", range = { 0, 1 } }',
      "range: expected a numeric type (Ai Ao Ci Co TiR ToR), got Di" },
    { 'TxtI { "JA=x", deadband = 1 }',
      "deadband: expected a numeric type (Ai Ao Ci Co TiR ToR), got TxtI" },
    { 'Ai { "JA=x", out_of_range = "no" }',
      'out_of_range: expected "invalid", "clamp" or "discard", got "no"' },
    { 'Ai { "JA=x", deadband = 1 / 0 }',
      "deadband: expected a number of at least 0, got inf" },
    { 'Ai { "JA=x", deadband = -1 }', "deadband: expected a number of at least 0, got -1" },
    { 'Ai { "JA=x", new_value_on_time_change = 1 }',
      'new_value_on_time_change: expected true, false, "YES" or "NO", got 1' },
    { 'Ai { "JA=x", on_missing = "x" }',
      'on_missing: expected "invalidate", "keep" or "default", got "x"' },
    { 'Ai { "JA=x", on_missing = "default" }',
      'on_missing: expected a default beside on_missing = "default", got none' },
    { 'Ai { "JA=x", on_value = 5 }', "on_value: expected a function, got 5" },
    { 'Ai { "JA=x", units = "V" }', "units: unknown field; did you mean 'unit'?" },
    { 'Ai { "JA=x", decode = print }', "decode: unknown field; it is a field of a station" },
    { '"JA=x"', 'expected a tag (a type word and its address: Ai "JA=…"), got "JA=x"' },
    { '{ "JA=x" }', 'expected a tag (a type word and its address: Ai "JA=…"), got a table' },
    { 'print', 'expected a tag (a type word and its address: Ai "JA=…"), got a function' },
    { 'TxtO "OUT_VALUE"',
      "address: expected a tag with the address OUT_TOPIC beside OUT_VALUE, got none" },
  } do
    it("refuses " .. case[1], function() assert.same({ x1 .. case[2] }, told(case[1])) end)
  end

  for _, name in ipairs { "Ai", "Ci", "Di", "Qi", "TxtI", "TiA", "TiR" } do
    it("refuses OUT_VALUE on " .. name, function()
      assert.same({ x1 .. "address: " .. output .. name }, support.problems(
        support.station('address = "t", tags = { t = TxtO "OUT_TOPIC", x = ' .. name
          .. ' "OUT_VALUE" }')))
    end)
  end
  for _, name in ipairs { "Ao", "Co", "Do", "TxtO", "ToA", "ToR" } do
    it("takes OUT_VALUE on " .. name, function()
      support.clean(support.station('address = "t", tags = { t = TxtO "OUT_TOPIC", x = '
        .. name
        .. ' "OUT_VALUE" }'))
      support.clean(support.station('address = "t", encode = print, tags = { x = ' .. name
        .. ' "OUT_VALUE" }'))
    end)
  end

  for _, address in ipairs { "JA=a", "RE=(a)", "IN_DATA", "ACK_ID" } do
    it("shares its address with no other: " .. address, function()
      local type_name = address == "ACK_ID" and "Co" or "Ai"
      assert.same(
        { ("c.lua:2: line 'p', station 's', tag 'b': address: \"%s\" is used by tag 'a' \z
          already"):format(address) },
        support.problems(
          support.station(('address = "t", tags = { a = %s "%s",\nb = %s "%s" }')
          :format(type_name, address, type_name, address))))
    end)
  end

  it("has a name of letters, digits, '_' and '-'", function()
    assert.same(
      { "c.lua:2: line 'p', station 's', tag 'a.b': expected a name of letters, digits, '_' and \z
        '-', got \"a.b\" (at position 2)" },
      support.problems(support.station 'address = "t", tags = {\n["a.b"] = Ai "JA=x" }'))
  end)

  it("has a name of its own", function()
    assert.same(
      { "c.lua:3: line 'p', station 's', tag 'a': duplicate name: the tag is given in line 2 \z
        already" },
      support.problems(
        support.station 'address = "t", tags = {\na = Ai "JA=x",\na = Ai "JA=y" }'))
  end)

  it("with JA= is told that text payloads are not parsed", function()
    local warning =
      "c.lua:1: warning: line 'p', station 's', tag 'x': address: JA= needs payload_type = \z
        \"JSON\", here it is \"Text only\": "
      .. "the tag will never have a value"
    assert.same({ warning },
      support.problems 'line "p" { host = "h", station "s" { address = "t", tags = { x = Ai \z
        "JA=x" } } }')
    assert.same({ warning },
      support.problems(
        support.station 'address = "t", payload_type = "Text only", tags = { x = Ai "JA=x" }'))
    assert.same({},
      support.problems 'line "p" { host = "h", station "s" { address = "t", payload_type = \z
        "JSON", tags = { x = Ai "JA=x" } } }')
  end)

  it("may be shared by several stations", function()
    local draft = support.clean [[local common = { a = Ai "JA=a", b = Di "JA=b" }
      line "p" { host = "h", payload_type = "JSON", station "s" { address = "s", tags = common },
        station "t" { address = "t", tags = common } }]]
    assert.equal(draft.lines[1].stations[1].tags, draft.lines[1].stations[2].tags)
  end)
end)
