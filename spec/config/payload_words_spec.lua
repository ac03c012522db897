-- The words of a config for odd payloads: prepare, words, decimal, selectors, birth payloads,
-- off and simulate.
local support = require "spec.config.support"

-- The record of a tag that is fine.
local function tag(text, fields)
  local fields_text = ('address = "a", %s tags = { t = %s }'):format(fields or "", text)
  return support.clean(support.station(fields_text)).lines[1].stations[1].tags[1]
end

local function clean(fields) return support.clean(support.station(fields)).lines[1].stations[1] end

local function told(fields) return support.problems(support.station(fields)) end

local function says(fields, text)
  local all = table.concat(told(fields), "\n")
  assert.truthy(all:find(text, 1, true), ("%s: %s"):format(fields, all))
end

local function tag_says(text, what)
  says(('address = "a", tags = { t = %s }'):format(text), what)
end

describe("words for payloads", function()
  it("takes words for states, in the order of the states", function()
    assert.same({ { 0, "CLOSED" }, { 1, "OPEN" }, { 1, "opened" } },
      tag 'Di { "JA=x", words = { On = { "OPEN", "opened" }, off = "CLOSED" } }'.words)
    assert.same({ { 2, "moving" } }, tag 'Qi { "JA=x", words = { Trans = "moving" } }'.words)
    assert.equal(",", tag 'Ai { "JA=x", decimal = "," }'.decimal)
  end)

  it("refuses words that say nothing or two things", function()
    tag_says('Di { "JA=x", words = { On = "a", Off = "a" } }',
      '"a" stands for two states, Off and On')
    tag_says('Di { "JA=x", words = { Trans = "a" } }',
      "words: expected words for Off and On: Di has no other states")
    tag_says('Ai { "JA=x", words = { On = "a" } }',
      "words: expected a type with states (Di Do Qi), got Ai")
    tag_says('Di { "JA=x", words = { Open = "a" } }', 'got the state "Open"')
    tag_says('Di { "JA=x", words = { On = 1 } }', "expected a text for On, got 1")
    tag_says('Di { "JA=x", words = { On = {} } }', "expected a word for On, got none")
    tag_says('Di { "JA=x", words = {} }', "got an empty table")
    tag_says('Di { "JA=x", words = "OPEN" }', "expected a table of words for states")
    tag_says('Di { "JA=x", decimal = "," }', "decimal: expected a numeric type")
    tag_says('Ai { "JA=x", decimal = ";" }', 'decimal: expected "," or "."')
  end)

  it("checks selectors of addresses", function()
    assert.equal("JA=l[id=28FF].t", tag 'Ai "JA=l[id=28FF].t"'.address)
    assert.equal('JA=l[id="a]b"].t', tag [[Ai 'JA=l[id="a]b"].t']].address)
    tag_says('Ai "JA=l[id=].t"', "expected a value")
    tag_says('Ai "JA=l[=5].t"', "expected a field's name")
    assert.same({},
      told 'address = "a", payload_type = "CBOR", time_field_name = "l[id=1].ts", tags = { t = \z
        Ai "JA=x" }')
  end)

  it("takes steps of prepare", function()
    assert.same({ "trim" }, clean 'address = "a", prepare = "trim"'.prepare)
    local steps =
      clean 'address = "a", prepare = { "latin1", function(p) return p end, "nan" }'.prepare
    assert.same({ "latin1", "function", "nan" }, { steps[1], type(steps[2]), steps[3] })
    says('address = "a", prepare = "utf8"',
      'prepare: expected a function, "trim", "latin1", "nan" or a list of these, got "utf8"')
    says('address = "a", prepare = { "trim", 5 }', "got 5 in it")
    says('address = "a", prepare = {}', "got an empty list")
    says('address = "a", prepare = true', "got true")
  end)

  it("wants a birth beside a will", function()
    says('address = "a", SBP = "on"', "SBP: expected a station_will_topic (SWT) beside it")
    says('address = "a", SWT = "w", SWP = "x", station_birth_payload = "x"',
      "station_birth_payload: is the station_will_payload, too")
    assert.same({}, told 'address = "a", SWT = "w", SBP = "on"')
    says('address = "a", SWT = "w", SBP = "on", station_birth_payload = "on"',
      "SBP: is station_birth_payload, which is given too")
  end)

  it("takes payload types and how a station starts", function()
    local st =
      clean 'address = "a", payload_type = "MessagePack", off = true, simulate = "YES", \z
        ignore_retained = true'
    assert.same({ "msgpack", true, true, true }, { st.params.payload_type, st.params.off,
      st.params.simulate, st.params.ignore_retained })
    says('address = "a", payload_type = "XML"',
      'expected "Text only", "JSON", "CBOR" or "MessagePack", got "XML"')
    says('address = "a", off = 1', "off: expected true, false")
  end)
end)
