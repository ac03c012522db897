-- tagline.codec.senml: the examples of RFC 8428 section 5 and 6, base fields, times, and a
-- station's samples.
local cbor = require "tagline.codec.cbor"
local senml = require "tagline.codec.senml"

local function records(pack, now)
  local list, why = senml.decode(pack, now)
  assert.is_nil(why)
  return list
end

local function refused(pack) return select(2, senml.decode(pack, 0)) end

describe("tagline.codec.senml", function()
  it("reads the examples of RFC 8428", function()
    local list = records '[{"n":"urn:dev:ow:10e2073a01080063","u":"Cel","v":23.1}]'
    assert.same({ "urn:dev:ow:10e2073a01080063", "Cel", 23.1 },
      { list[1].name, list[1].unit, list[1].value })
    list = records('[{"bn":"urn:dev:ow:10e2073a01080063:","n":"voltage","u":"V","v":120.1},\z
      {"n":"current","u":"A","v":1.2}]', 100)
    assert.same({ "urn:dev:ow:10e2073a01080063:voltage", 120.1, 100,
      "urn:dev:ow:10e2073a01080063:current", 1.2 },
      { list[1].name, list[1].value, list[1].time, list[2].name, list[2].value })
    list = records([[ [
      {"bn":"urn:dev:ow:10e2073a0108006:","bt":1.276020076001e+09,"bu":"A","bver":5,
       "n":"voltage","u":"V","v":120.1},
      {"n":"current","t":-5,"v":1.2},{"n":"current","t":-4,"v":1.3},{"n":"current","v":1.7}] ]])
    assert.same({ "V", "A", 1276020071.001, 1276020076.001 },
      { list[1].unit, list[2].unit, list[2].time, list[4].time })
    list = records [[ [{"bn":"urn:dev:ow:10e2073a01080063:","n":"temp","u":"Cel","v":23.1},
      {"n":"label","vs":"Machine Room"},{"n":"open","vb":false},
      {"n":"nfc-reader","vd":"aGkgCg"}] ]]
    assert.same({ "Machine Room", false, "hi \n" }, { list[2].value, list[3].value, list[4].value })
  end)

  it("adds base values and sums, and counts relative times from now", function()
    local list = records('[{"bn":"a/","bt":-10,"bv":20,"bs":100,"n":"x","v":1.5,"s":5},\z
      {"n":"y","t":4},{"n":"z","t":4,"v":-1}]', 1000)
    assert.same({ 21.5, 105, 990, 19, 994 }, { list[1].value, list[1].sum, list[1].time,
      list[2].value, list[2].time })
    assert.equal("a/z", list[2].name)
  end)

  it("reads CBOR with its labels", function()
    local pack = cbor.encode { { [-2] = "dev:", [-3] = 1276020076, [0] = "t", [1] = "Cel",
      [2] = 23.5 }, { [0] = "d", [8] = cbor.bytes "\0\1" } }
    local list = records(pack)
    assert.same({ "dev:t", "Cel", 23.5, 1276020076, "\0\1" },
      { list[1].name, list[1].unit, list[1].value, list[1].time, list[2].value })
  end)

  it("is a decode: a sample for each time, by the record's own name", function()
    local msg = { time = 5000,
      payload =
        '[{"bn":"urn:dev:ow:10e2:","n":"temp","v":1,"t":-1},{"n":"temp","v":2},{"n":"hum \z
          %","v":3,"s":4}]' }
    assert.same({ { time = 4999, values = { temp = 1 } },
      { time = 5000, values = { temp = 2, hum__ = 3, hum___sum = 4 } } }, senml(msg))
    local decode = senml.decoder { names = { ["urn:dev:ow:10e2:temp"] = "t" } }
    assert.same({ t = 1 }, decode(msg)[1].values)
    assert.same({ ["10e2"] = 7 },
      senml({ time = 1, payload = '[{"bn":"urn:dev:ow:10e2","v":7}]' })[1].values)
  end)

  it("refuses what breaks the standard", function()
    assert.equal("record 1: 'x_' must be understood, and is not known",
      refused '[{"n":"a","v":1,"x_":2}]')
    assert.equal("record 1: expected version 10 at most, got 11",
      refused '[{"bver":11,"n":"a","v":1}]')
    assert.equal("record 1: v: expected a number, got a string", refused '[{"n":"a","v":"1"}]')
    assert.equal("record 2: expected one of v, vs, vb, vd, got several",
      refused '[{"n":"a","v":1},{"n":"b","v":1,"vs":"x"}]')
    assert.equal("record 1: expected a name (n or bn), got none", refused '[{"v":1}]')
    assert.truthy(refused '[{"n":')
    assert.truthy(refused "\x81":find "^byte 2")
    for input, got in pairs { ['{"n":"t"}'] = "'{'", [""] = "the end", ["\xA1"] = "byte 0xA1" } do
      assert.equal("byte 1: expected a list of records, in JSON or CBOR, got " .. got,
        refused(input))
    end
    assert.has_error(function() senml { time = 0, payload = "[" } end)
  end)
end)
