-- Names in a REPL that nothing has, or has no more; and names that devices made up to steer a
-- terminal.
local scenario = require "spec.support.scenario"
local files, process, scope, tagline = scenario "files process scope tagline"

local config = [[
line "plant" {
  host = "127.0.0.1", port = PORT, payload_type = "JSON", ignore_missing_time = true,
  station "boiler" {
    address = "boiler/up", tags = { temperature = Ai "JA=temp", text = TxtI "JA=text" },
  },
  station "meter" { address = "meter/up", tags = { volts = Ai "JA=volts" } },
}
]]

local t, c

local function start()
  t, c = tagline.connected(config)
end

local function repl(...) return tagline.command { "repl", "--socket", t.socket, ... } end

local function fails(code)
  local exit, out, errors = repl("-e", code)
  assert.equal(1, exit)
  assert.equal("", out)
  return errors
end

local function notes(code)
  local exit, out, errors = repl("-e", code)
  assert.equal(0, exit)
  assert.equal("", out)
  return errors
end

describe("a name that nothing has", function()
  before_each(start)
  after_each(scope.finish)

  it("is told with the one that may be meant, where Lua only says nil", function()
    local lua =
      "attempt to index a nil value (field '%s'): nothing has this name; did you mean '%s'?"
    for wrong, right in pairs {
      ['tags["plant.boiler.temprature"].value'] = { "plant.boiler.temprature",
        "plant.boiler.temperature" },
      ['tags["plnt.boilr.text"]:write(5)'] = { "plnt.boilr.text", "plant.boiler.text" },
      ['stations["plant.metr"]:off()'] = { "plant.metr", "plant.meter" },
      ["lines.plnt.status"] = { "plnt", "plant" },
    } do assert.equal(lua:format(right[1], right[2]), fails(wrong)) end
    assert.equal(
      "attempt to index a nil value (field 'a.b.c'): no tag, station or line has this name",
        fails 'tags["a.b.c"].value')
    assert.equal(
      "attempt to index a nil value (field 'plant'): tags and stations have full names, as in \z
        stations[\"plant.boiler\"]",
      fails "tags.plant.boiler.text")
  end)

  it("leaves other errors of nil alone", function()
    assert.equal("attempt to index a nil value (field 'x')", fails "local t = {} return t.x.y")
    assert.equal("attempt to index a nil value (global 'x')", (fails "x = nil; x.y = 1"))
  end)

  it("is told where it stands between the wrong brackets", function()
    assert.equal("'stations' is indexed, as in stations[\"plant.boiler\"]; the word of a config \z
      is 'station'", fails 'stations("plant.boiler")')
    assert.equal("'lines' is indexed, as in lines[\"plant\"]; the word of a config is 'line'",
      fails 'lines "plant"')
    assert.equal("'tags' is indexed, as in tags[\"plant.boiler.temperature\"]",
      fails 'tags "plant.boiler.text"')
    local path = tagline.config 'lines "plant" { host = "x" }'
    local exit, out, errors = tagline.command { "check", path }
    assert.equal(1, exit)
    assert.truthy(
      (out .. errors):find(
        ":1: 'lines' is indexed, as in lines[\"plant\"]; the word of a config is 'line'", 1,
          true), out .. errors)
  end)

  it("is noted by watch, which waits all the same", function()
    assert.equal(
      '[no tag is called like "plant.boiler.temprature" now; did you mean \z
        "plant.boiler.temperature"?]',
      notes 'watch("plant.boiler.temprature", { seconds = 0.01 })')
    assert.equal('[no tag is called like "plant.metr.*" now; did you mean "plant.meter"?]',
      notes 'watch("plant.metr", { seconds = 0.01 })')
    assert.equal('[no tag is called like "x*" now]',
      notes 'watch("plant.*", "x*", { seconds = 0.01 })')
    assert.equal("", notes 'watch("plant.boi*", "plant.?eter.volts", { seconds = 0.01 })')
  end)

  it("is no topic for watch", function()
    assert.equal(
      'watch: "plant/#" is no pattern of tags\' names; did you mean watch { topic = "plant/#" }?',
        fails 'watch "plant/#"')
  end)
end)

describe("the errors of the REPL's own words", function()
  before_each(start)
  after_each(scope.finish)

  it("have no place in our own files", function()
    assert.equal('watch: rate: expected a whole number from 1 to 100000, got 0',
      fails 'watch { "plant.*", rate = 0 }')
    assert.equal("watch: topic: expected nothing after '#', got '/'",
      fails 'watch { topic = "a/#/b" }')
    assert.equal("reload: expected { dry = true }, got { dri = true }",
      fails "reload { dri = true }")
    assert.equal("reload: expected { dry = true }, got { dry = 1 }", fails "reload { dry = 1 }")
    t:stop() -- one that is under way is "not reloaded"
    assert.falsy(t:text("stderr"):find "reloaded")
  end)

  it("have the line of a script", function()
    local exit, _, errors = tagline.command({ "repl", "--socket", t.socket },
      { input = "x = 1\n\nwatch(5)\n" })
    assert.equal(1, exit)
    assert.equal(
      'stdin:3: watch: expected a pattern ("plant.*"), a tag, a station or a line, got number',
        errors)
  end)
end)

describe("watch", function()
  before_each(start)
  after_each(scope.finish)

  it("takes the name of a station or a line for all its tags", function()
    for _, name in ipairs { "plant", "plant.boiler" } do
      local watching = process.start(tagline.program(),
        { "repl", "--socket", t.socket, "-e",
          ('print "on" watch(%q, { count = 2 })'):format(name) })
      watching:wait_line "on"
      c:send("PUBLISH",
        { topic = "boiler/up", payload = ('{"temp":%d,"text":%q}'):format(#name, name) })
      watching:wait_line("plant%.boiler%.temperature  " .. #name)
      assert.equal(0, (watching:wait_exit()))
    end
  end)
end)

describe("an object that a reload took away", function()
  before_each(start)
  after_each(scope.finish)

  it("is shown as removed, among others and in JSON", function()
    files.write(t.config_path, (files.read(t.config_path):gsub('  station "meter"[^\n]*\n', "")))
    local script = [[
m = stations["plant.meter"]; v = tags["plant.meter.volts"]; list = { m, stations["plant.boiler"] }
reload()
m
v
list
]]
    local exit, out, errors = tagline.command({ "repl", "--socket", t.socket }, { input = script })
    assert.equal("", errors)
    assert.equal(0, exit)
    assert.truthy(out:find("plant.meter  removed\n", 1, true), out)
    assert.truthy(out:find("plant%.meter%.volts +removed\n"), out)
    assert.truthy(
      out:find("plant.boiler  StOn     boiler/up  2     0         0\nplant.meter   removed", 1,
        true), out)
  end)

  it("is told so in JSON", function()
    files.write(t.config_path, (files.read(t.config_path):gsub('  station "meter"[^\n]*\n', "")))
    local exit, out = repl("--json", "-e",
      'local m = { stations["plant.meter"], tags["plant.meter.volts"] } reload() return m')
    assert.equal(0, exit)
    assert.equal('[{"station":"plant.meter","status":"removed"},\z
      {"tag":"plant.meter.volts","status":"removed"}]', out)
  end)
end)

describe("a topic with control bytes", function()
  before_each(start)
  after_each(scope.finish)

  it("steers no terminal", function()
    local topic = "evil/\27[31m\194\155"
    c:send("PUBLISH", { topic = topic, payload = "\27[2J", qos = 1, id = 7 })
    assert.equal(7, c:expect("PUBACK").id)
    for _, code in ipairs { "status()", "messages()", "explain(messages()[1])", "messages()[1]",
      'return explain("evil/\\27[31m\\194\\155", "\\27[2J")' } do
      local exit, out = repl("-e", code)
      assert.equal(0, exit)
      assert.truthy(out:find("evil/\\x1B[31m\\xC2\\x9B", 1, true), out)
      assert.falsy(out:find("\27", 1, true), code)
      assert.falsy(out:find("\194\155", 1, true), code)
    end
    local watching = process.start(tagline.program(),
      { "repl", "--socket", t.socket, "-e", 'print "on" watch { topic = "#", count = 1 }' })
    watching:wait_line "on"
    c:send("PUBLISH", { topic = topic, payload = "\27[2J\194\155" })
    watching:wait_line "evil/\\x1b%[31m\\xc2\\x9b.*: \\x1b%[2J\\xc2\\x9b$"
    assert.equal(0, (watching:wait_exit()))
  end)
end)
