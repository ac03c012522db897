-- tagline test: specs of configs and decoders, without a broker.
local scope = require "spec.support.scope"
local tagline = require "spec.support.tagline"

local SITE = [[
local opened = 0
line "plant" {
  host = "127.0.0.1", topic_filter = "plant/#", payload_type = "JSON",
  publish_qos = 1, publish_retain = true,
  station "boiler" {
    address = "plant/boiler/up",
    on_value = function(tag)
      if tag.name == "alarm" and tag.value then tags["plant.horn.on"]:write(true) end
    end,
    tags = {
      temperature = Ai "JA=t", big = Ci "JA=big", alarm = Di "JA=alarm", at = TiA { "JA=at", },
      topic = TxtO { "OUT_TOPIC", default = "plant/boiler/set" },
      limit = Ao { "OUT_VALUE", range = { 0, 100 } },
    },
  },
  station "horn" {
    address = "plant/horn",
    tags = { topic = TxtO { "OUT_TOPIC", default = "plant/horn/set" }, on = Do "OUT_VALUE" },
  },
  station "meter" {
    address = "plant/meter/up", payload_type = "Text only", no_data_timeout = 60,
    decode = function(msg) return { volts = string.unpack(">I2", msg.payload) / 10 } end,
    encode = function(tag, value)
      return string.pack(">I2", value), "plant/meter/set", { qos = 2 }
    end,
    tags = { volts = Ai {}, set = Co {} },
  },
}
every(10, function() opened = opened + 1 end)
]]

-- Runs a spec whose body stands in one test. Returns what the command gave.
local function run(body, options)
  local folder = scope.folder()
  scope.file("site.lua", SITE, folder)
  local path = scope.file("site_spec.lua", ([[
local t = require "tagline.test"
describe("the site", function()
  it("does it", function()
    local site = t.config("site.lua")
    %s
  end)
end)
]]):format(body), folder)
  return tagline.command({ "test", path, table.unpack(options or {}) })
end

local function passes(body)
  local code, out, err = run(body)
  assert.equal(0, code, out .. err)
  assert.truthy(out:find("1 success / 0 failures / 0 errors", 1, true), out)
  assert.equal("", err)
end

local function fails(body, why)
  local code, out, err = run(body)
  assert.equal(1, code, out .. err)
  assert.truthy(out:find(why, 1, true), out)
end

describe("tagline test", function()
  after_each(scope.finish)

  it("feeds payloads to a config and shows its tags", function()
    passes [[
      local new = site:feed("plant/boiler/up", '{"t":21.5,"big":9223372036854775807,"alarm":null}')
      assert.same({ "plant.boiler.temperature", 21.5 }, { new[1].tag, new[1].value })
      assert.equal(21.5, site.tags["plant.boiler.temperature"].value)
      assert.equal(math.maxinteger, site.tags["plant.boiler.big"].value)
      local alarm = site.tags["plant.boiler.alarm"]
      assert.same({ "invalid", "type" }, { alarm.status, alarm.reason })
      assert.is_nil(new[3].value)
      assert.equal("Ai", site.tags["plant.boiler.temperature"].type)
      assert.equal("StOn", site.stations["plant.boiler"])
      assert.is_nil(site.stations["plant.nobody"])
      local n = 0
      for _, tag in pairs(site.tags) do assert.is_string(tag.status) n = n + 1 end
      assert.equal(10, n)
    ]]
  end)

  it("has a clock that stands where the spec puts it", function()
    passes [[
      assert.equal(1700000000, site:time())
      site:feed("plant/boiler/up", '{"t":1}')
      assert.equal(1700000000, site.tags["plant.boiler.temperature"].time)
      site:feed("plant/boiler/up", '{"t":2}', { time = 1700000005.25 })
      assert.equal(1700000005.25, site.tags["plant.boiler.temperature"].time)
      site:feed("plant/meter/up", t.hex "01 00")
      assert.same({}, site:advance(60))
      local silent = site:advance(11)[1]
      assert.same({ "invalid", "no-data" },
        { silent.status, site.tags["plant.meter.volts"].reason })
      assert.equal("StHardErr", site.stations["plant.meter"])
    ]]
    local folder = scope.folder()
    scope.file("site.lua", [[line "p" { host = "x", station "s" { address = "a",
      tags = { clock = Ai {}, date = TxtI {} },
      decode = function()
        local noon = os.time { year = 2023, month = 11, day = 14, hour = 12 }
        return { clock = os.time() - noon, date = os.date "!%F" }
      end } } ]],
      folder)
    local path = scope.file("site_spec.lua", [[
      it("x", function()
        local site = require("tagline.test").config("site.lua", { time = 86400 * 365 })
        site:feed("a", "")
        local noon = os.time { year = 2023, month = 11, day = 14, hour = 12 }
        site:expect { ["p.s.clock"] = 86400 * 365 - noon, ["p.s.date"] = "1971-01-01" }
      end)
    ]], folder)
    local code, out, err = tagline.command { "test", path }
    assert.equal(0, code, out .. err)
  end)

  it("shows what is published, by writes and by handlers", function()
    passes [[
      assert.same({
        { line = "plant", topic = "plant/boiler/set", payload = "42.5", qos = 1, retain = true },
      }, site:write("plant.boiler.limit", 42.5))
      assert.equal(42.5, site.tags["plant.boiler.limit"].value)
      assert.same({
        { line = "plant", topic = "plant/meter/set", base64 = "AP8=", qos = 2, retain = true },
      }, site:write("plant.meter.set", 255))
      assert.same({ nil, "expected a value within 0..100" },
        { site:write("plant.boiler.limit", 500) })
      local done, why = site:write("plant.meter.set", 70000) -- encode fails
      assert.is_nil(done)
      assert.truthy(why:find("^encode: .*site.lua:24: bad argument #2 to 'pack' \z
        %(unsigned overflow%)$"), why)
      assert.same({}, site:advance(0)) -- it was told: nothing is left to be raised
      site:feed("plant/boiler/up", '{"alarm":true}')
      local last = site.published[3]
      assert.same({ "plant/horn/set", "true" }, { last.topic, last.payload })
    ]]
  end)

  it("gives each config a Lua state of its own", function()
    passes [[
      local other = t.config "site.lua"
      other:feed("plant/boiler/up", '{"t":5}')
      assert.equal("unset", site.tags["plant.boiler.temperature"].status)
      site:close()
      other:close()
    ]]
  end)

  it("raises what decode raises, with the place in the config", function()
    fails([[site:feed("plant/meter/up", "a")]], "site.lua:22: bad argument #2 to 'unpack'")
    passes [[assert.error_matches(function() site:feed("plant/meter/up", "a") end,
      "plant.meter: decode: .*data string too short")]]
    passes [[
      for _ = 1, 3 do assert.has_error(function() site:feed("plant/meter/up", "a") end) end
      assert.equal("decoder", site.tags["plant.meter.volts"].reason)
    ]]
  end)

  it("tells what no station and no filter takes, and unknown tags with the nearest", function()
    fails([[site:feed("plant/x", "")]], "no station takes 'plant/x'")
    fails([[site:feed("x", "")]], "no topic filter takes 'x'")
    fails([[site:feed("a/#", "")]], "wildcard")
    fails([[return site.tags["plant.boiler.temprature"] ]],
      "did you mean 'plant.boiler.temperature'?")
    fails([[site:write("plant.boiler.limit", "5")]], "expected a finite number, got string")
  end)

  it("compares many tags at once, and tells all that differ", function()
    passes [[
      site:feed("plant/boiler/up", '{"t":21.5}')
      site:expect { ["plant.boiler.temperature"] = 21.5,
        ["plant.boiler.big"] = { status = "invalid", reason = "missing" } }
    ]]
    fails([[
      site:feed("plant/boiler/up", '{"t":21.5}')
      site:expect { ["plant.boiler.temperature"] = 22, ["plant.boiler.big"] = 5 }
    ]], "plant.boiler.big: value: expected 5, got invalid (missing)\n\z
      plant.boiler.big: status: expected \"valid\", got \"invalid\"\n\z
      plant.boiler.temperature: value: expected 22, got 21.5")
  end)

  it("runs a decoder's examples in one call", function()
    passes [[assert.truthy(t.examples(require "tagline.codec.device.elsys") >= 3)]]
    fails([[t.examples { decode_bytes = function(b) return { n = #b } end,
      examples = { { input = "0102", output = { n = 2 } },
        { description = "short", input = "01", output = { n = 2, m = 1 } } } }]],
      "example 2 (short): m: expected 1, got nil")
    fails(
      [[t.examples { decode_bytes = error, examples = { { input = "zz", output = {} } } }]],
      "not hexadecimal")
    fails([[t.examples { decode_bytes = error, examples = {} }]], "there is none")
    fails([[t.examples(5)]], "expected a table with decode_bytes and examples")
  end)

  it("tells the problems of a config that does not load", function()
    fails([[t.config "nowhere.lua"]], "nowhere.lua")
    local folder = scope.folder()
    scope.file("bad.lua", 'line "x" { port = 1 }', folder)
    local path = scope.file("x_spec.lua",
      'it("x", function() require("tagline.test").config("bad.lua") end)', folder)
    local code, out = tagline.command { "test", path }
    assert.equal(1, code)
    assert.truthy(out:find("bad.lua:1: line 'x': expected host", 1, true), out)
  end)

  it("finds specs in spec/, or beside where it is called", function()
    local folder = scope.folder()
    for _, name in ipairs { "a_spec.lua", "b_test.lua" } do
      scope.file(name, 'it("runs", function() end)', folder)
    end
    scope.file("c.lua", 'error "not a spec"', folder)
    local code, out, err = tagline.command({ "test" }, { cwd = folder })
    assert.equal(0, code, out .. err)
    assert.truthy(out:find("2 success", 1, true), out)
    assert(require("luv").fs_mkdir(folder .. "/spec", 448))
    scope.file("d_spec.lua", 'it("runs", function() end)', folder .. "/spec")
    code, out = tagline.command({ "test" }, { cwd = folder })
    assert.equal(0, code)
    assert.truthy(out:find("1 success", 1, true), out)
  end)

  it("fails when a spec fails, does not load, or is not there", function()
    assert.equal(1,
      (tagline.command { "test",
        scope.file("x_spec.lua", 'it("x", function() assert.equal(1, 2) end)') }))
    assert.equal(1, (tagline.command { "test", scope.file("x_spec.lua", "it(") }))
    local code, _, err = tagline.command { "test", "/nowhere_spec.lua" }
    assert.equal(1, code)
    assert.truthy(err:find("/nowhere_spec.lua", 1, true), err)
    assert.equal(2, (tagline.command { "test", "--outptu", "TAP" }))
  end)

  it("says what to install when busted is missing", function()
    local folder = scope.folder()
    assert(require("luv").fs_mkdir(folder .. "/busted", 448))
    local code, _, err = tagline.command({ "test", "x_spec.lua" },
      { env = { LUA_PATH_5_4 = folder .. "/?.lua" }, cwd = folder })
    assert.equal(1, code)
    assert.truthy(err:find("busted is missing: install Debian's package lua-busted", 1,
      true), err)
  end)

  it("reports as it is told", function()
    local code, out = run("site:close()", { "--output", "TAP" })
    assert.equal(0, code)
    assert.truthy(out:find("ok 1", 1, true), out)
  end)
end)
