-- `tagline repl` for programs: scripts from standard input, what -e waits for, and what counts
-- as an error.
local scenario = require "spec.support.scenario"
local broker, files, process, scope, tagline = scenario "broker files process scope tagline"

local config = [[
line "plant" {
  host = "127.0.0.1", port = PORT, payload_type = "JSON", ignore_missing_time = true,
  publish_qos = 1, reconnect_delay = 0.05,
  password = "s3cret", user_name = "me",
  station "boiler" {
    address = "boiler/up",
    tags = { temperature = Ai "JA=temp", topic = TxtO { "OUT_TOPIC", default = "boiler/set" },
      setpoint = Ao "OUT_VALUE" },
  },
}
]]

local t, c, b

local function start(text)
  t, c, b = tagline.connected(text or config)
end

local function repl(...) return tagline.command { "repl", "--socket", t.socket, ... } end
local function attach(...)
  return process.start(tagline.program(), { "repl", "--socket", t.socket, ... })
end
local function script(text)
  return tagline.command({ "repl", "--socket", t.socket }, { input = text })
end
local function confirm() c:send("PUBACK", { id = c:expect("PUBLISH").id }) end

describe("a script from standard input", function()
  after_each(scope.finish)

  it("keeps its locals, and prints its expressions", function()
    start()
    local code, out, errors = script [[
-- once
local n <const> = 5
local function double(x)
  return x * 2
end

double(n)
local s = "a"
  -- and
  .. "b"

s
for i = 1, 2 do local n = i * 10; print(i, n) end
n
local t = {
  n, double(n) }
#t
]]
    assert.same({ 0, "10\nab\n1\t10\n2\t20\n5\n2", "" }, { code, out, errors })
  end)

  it("names the line of its error, and stops there", function()
    start()
    for text, expected in pairs {
      ["local x = 1\n\n\nx = x + nil\nprint 'never'\n"] =
        "stdin:4: attempt to perform arithmetic on a nil value",
      ["function f()\n  error 'inner'\nend\n\nf()\nprint 'never'\n"] = "stdin:2: inner",
      ["x = 1\nfor i = 1, 2 do\n"] = "stdin:2: 'end' expected at the end of the code",
      ["\n\nx = = 2\nprint 'never'\n"] = "stdin:3: unexpected symbol near '='",
      ["x = 1\nx = nil\nnope\nprint 'never'"] =
        "stdin:3: unknown word 'nope'; help() lists what there is",
      ["x = 1\nerror({})\nprint 'never'"] = "stdin:2: error object that is a table",
      ["n\n"] = "stdin:1: unknown word 'n'; help() lists what there is",
    } do
      local code, out, errors = script(text)
      assert.same({ 1, "" }, { code, out })
      assert.equal(expected, errors:sub(1, #expected))
    end
    local code, out, errors = script '\ntags["plant.boiler.temperature"]:write(5)\nprint "never"'
    assert.same({ 1, "stdin:2: 'temperature' is an input (Ai): only output tags are written" },
      { code, errors })
    assert.equal("nil\t" .. errors:sub(10), out)
  end)

  it("waits for what its writes have to say", function()
    start()
    local run = process.start(tagline.program(), { "repl", "--socket", t.socket },
      { input = 'tags["plant.boiler.setpoint"]:write(5, function(ok) print("said", ok) \z
        end)\nprint "last"\n' })
    run:wait_line "last"
    assert.is_nil(run.code)
    confirm()
    assert.equal(0, (run:wait_exit()))
    assert.equal("true\nlast\nsaid\ttrue", run:text())
  end)
end)

describe("repl -e", function()
  after_each(scope.finish)

  it("takes nil and a reason for an error", function()
    start()
    for code, expected in pairs {
      ['tags["plant.boiler.temperature"]:write(5)'] =
        "'temperature' is an input (Ai): only output tags are written",
      ['local t = tags["plant.boiler.temperature"]; return t:write(5)'] =
        "'temperature' is an input (Ai): only output tags are written",
      ['nil, "why"'] = "why",
      ['nil, "why", 2'] = "why",
    } do
      assert.same({ 1, "nil\t" .. expected, expected }, { repl("-e", code) })
    end
    for code, expected in pairs {
      ["nil"] = "nil", ["nil, 5"] = "nil\t5", ['false, "why"'] = "false\twhy",
        ['nil, "a", "b"'] = "nil\ta\tb", ['"a", nil'] = "a\tnil",
      ['tags["plant.boiler.temperature"]:write(5); return 1'] = "1",
    } do
      assert.same({ 0, expected, "" }, { repl("-e", code) })
    end
  end)

  it("fails when reload() does", function()
    start()
    assert.same({ 0, "reloaded: nothing changed but the handlers", "" }, { repl("-e", "reload()") })
    files.write(t.config_path, files.read(t.config_path) .. "nope()\n")
    local code, out, errors = repl("-e", "reload()")
    assert.same({ 1, "nil\t" .. errors }, { code, out })
    assert.truthy(errors:find("config.lua:%d+: .*nope"), errors)
  end)

  it("waits for the functions of its writes", function()
    start()
    local run = attach("-e", 'tags["plant.boiler.setpoint"]:write(5, print)')
    run:wait_line "^true$" -- the result, at once
    assert.is_nil(run.code)
    confirm()
    assert.equal(0, (run:wait_exit()))
    assert.equal("true\ntrue\tnil", run:text())
  end)

  it("waits for writes that a function, or a coroutine, starts", function()
    start()
    local run = attach("-e", [[
      local sp = tags["plant.boiler.setpoint"]
      sp:write(1, function() lines.plant:publish("a", "b", function() print "published" end) end)
      coroutine.wrap(function() print("waited", sp:write(2)) end)()
    ]])
    for _ = 1, 3 do confirm() end
    assert.equal(0, (run:wait_exit()))
    local text = run:text()
    assert.truthy(text:find "waited\ttrue" and text:find "published", text)
  end)

  it("waits a while, and no longer than its person", function()
    start()
    local code, out, errors = repl("--wait", "0.1", "-e",
      'tags["plant.boiler.setpoint"]:write(5, print)')
    assert.same({ 0, "true" }, { code, out })
    assert.equal(
      "no answer yet to 1 write; what the function prints goes to the process's stderr", errors)
    confirm()
    t:wait_line("^true\tnil$", nil, "stderr")
    local run = attach("--wait", "60", "-e", 'tags["plant.boiler.setpoint"]:write(5, print)')
    run:wait_line "true"
    run:kill "sigint"
    assert.equal(1, (run:wait_exit()))
    assert.equal("cancelled", run:text "stderr")
    confirm()
    t:wait_line("^true\tnil$", nil, "stderr") -- nobody is there any more
  end)

  it("waits for nothing when told so", function()
    start()
    assert.same({ 0, "true", "" },
      { repl("--wait", "0", "-e",
        'tags["plant.boiler.setpoint"]:write(5, function() print "later" end)') })
    confirm()
    t:wait_line("^later$", nil, "stderr")
  end)

  it("does not wait for a connection", function()
    b = broker.new()
    b:close()
    t = tagline.run((config:gsub("publish_qos = 1", 'publish_qos = 1, offline_writes = "queue"')),
      { PORT = b.port })
    t:wait_log "refused"
    assert.same({ 0, "true", "" },
      { repl("--wait", "60", "-e", 'tags["plant.boiler.setpoint"]:write(5, print)') })
  end)

  it("says how long it may wait", function()
    for _, wrong in ipairs { "-1", "x", "", "1e9", "nan" } do
      local code, _, errors = tagline.command { "repl", "--wait", wrong, "-e", "1" }
      assert.equal(2, code)
      assert.truthy(errors:find("--wait: expected seconds (0 to 86400), got '" .. wrong .. "'", 1,
        true), errors)
    end
  end)

  it("does not wait for timers", function()
    start()
    assert.same({ 0, "", "" }, { repl("-e", 'after(0.2, function() print "late" end)') })
    t:wait_line("^late$", nil, "stderr")
  end)

  it("knows who began what runs later", function()
    start()
    attach("-e", 'after(0.05, function() tags["plant.boiler.setpoint"]:write(8) end)'):wait_exit()
    t:wait_log("REPL of uid %d+: after 0%.05 s")
    t:wait_log("REPL of uid %d+: write boiler%.setpoint = 8")
    confirm()
    local run = attach("-e",
      'tags["plant.boiler.setpoint"]:write(1, function() \z
        stations["plant.boiler"]:simulate(true) end)')
    confirm()
    run:wait_exit()
    t:wait_log("REPL of uid %d+: station boiler: on, simulated")
  end)
end)
