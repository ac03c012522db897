-- `tagline repl` and `tagline run --repl` on a real terminal: keys typed, Tab pressed, screens
-- compared.
local terminal = require "spec.repl.terminal"
local scenario = require "spec.support.scenario"
local broker, scope, tagline = scenario "broker scope tagline"

local config = [[
line "plant" {
  host = "127.0.0.1", port = PORT, payload_type = "JSON", ignore_missing_time = true,
  station "boiler" { address = "boiler/up",
    tags = { temperature = Ai { "JA=temp", unit = "°C" }, running = Di "JA=on" } },
  station "burner" { address = "burner/up", tags = { flame = Di "JA=on" } },
}
]]

local t, c, b

local function start()
  t, c, b = tagline.connected(config)
end

local function attach(options) return terminal.attach(t, options) end

local function publish(topic, payload) c:deliver(topic, payload) end

describe("repl on a terminal", function()
  after_each(scope.finish)

  it("completes names, fields, methods and parameters", function()
    start()
    local s = attach()
    s:type('tags["pl'):press "Tab"
    s:wait 'tags%["plant%.'
    s:type("bo"):press "Tab"
    s:wait 'tags%["plant%.boiler%.'
    s:press "Tab"
    s:wait 'plant%.boiler%.running"%]%s+plant%.boiler%.temperature"%]'
    s:type("te"):press "Tab"
    s:wait 'tags%["plant%.boiler%.temperature"%]'
    s:type(".un"):press "Tab"
    s:wait 'temperature"%]%.unit'
    s:press "Enter"
    s:wait "\n°C\n"
    s:type("lines.plant:re"):press "Tab"
    s:wait "lines%.plant:reconnect%("
    s:press("C-u"):type("lines.plant:set { keep"):press "Tab"
    s:wait "keep_alive =$"
    s:press("C-u"):type('require "tagline.codec.hex'):press "Tab"
    s:wait 'tagline%.codec%.hex"'
    s:press("C-u"):type("sta"):press "Tab"
    s:press "Tab"
    s:wait "stations%s+status%("
  end)

  it("shows a table that fits the window", function()
    start()
    publish("boiler/up", '{"temp":21.5,"on":true}')
    local s = attach { columns = 80 }
    s:line "tags"
    local screen = s:wait "flame.*tagline>$"
    assert.truthy(screen:find("tag +type  value  unit  status  reason  age\n"), screen)
    assert.truthy(screen:find("\nplant%.boiler%.temperature +Ai +21%.5 +°C +valid +%d%.%d s\n"),
      screen)
    local narrow = attach { columns = 50 }
    narrow:line "tags"
    screen = narrow:wait "burner.*tagline>$"
    assert.truthy(screen:find("\nplant%.boiler%.te[^%s]*…  Ai +21%.5 +°C +valid +%d%.%d s\n"),
      screen)
  end)

  it("asks for more while a chunk is unfinished, and Ctrl-C forgets it", function()
    start()
    local s = attach()
    s:line("for i = 1, 2 do"):wait "\n +%->"
    s:line("print('n' .. i)"):line "end"
    s:wait "\nn1\nn2\ntagline>"
    s:line("x = {"):wait "%->%s*$"
    s:press "C-c"
    s:wait "%^C\ntagline>$"
    s:line "1 + 1"
    s:wait "\n2\ntagline>$"
  end)

  it("cancels an evaluation with Ctrl-C, and goes on", function()
    start()
    local s = attach()
    s:line "print('on') while true do end"
    s:wait "\non"
    s:press "C-c"
    s:wait "cancelled\ntagline>$"
    s:line "40 + 2"
    s:wait "\n42\ntagline>$"
    publish("boiler/up", '{"temp":1}')
  end)

  it("watches until Enter", function()
    start()
    local s = attach()
    s:line 'watch("plant.*")'
    s:wait 'watch%("plant%.%*"%)\n?'
    for i = 1, 50 do
      publish("boiler/up", ('{"temp":%d}'):format(i))
      if s:screen():find("temperature  %d+ °C") then break end
    end
    s:wait "plant%.boiler%.temperature  %d+ °C"
    s:press "Enter"
    s:wait "tagline>$"
    s:line "'after' .. 1"
    s:wait "\nafter1\ntagline>$"
  end)

  it("remembers lines in the next session", function()
    start()
    local s = attach()
    s:line "'remembered' .. 1"
    s:wait "\nremembered1\n"
    s:press "C-d"
    s:wait "exit 0"
    local again = attach { state = s.state }
    again:press "Up"
    again:wait "tagline> 'remembered' %.%. 1$"
    again:press "Enter"
    again:wait "\nremembered1\ntagline>$"
  end)

  it("shows bytes as a dump and errors in plain words", function()
    start()
    local s = attach()
    s:line "'\\0\\1' .. ('x'):rep(20)"
    s:wait "0000  00 01 78 78 78 78 78 78  78 78 78 78 78 78 78 78   %.%.xxxxxxxxxxxxxx\n0010  78"
    s:line "lines.plnt.name"
    s:wait "attempt to index a nil value %(field 'plnt'%): nothing has this name; did you mean \z
      'plant'%?\n  lines%.plnt%.name\n        %^\ntagline>$"
  end)

  it("notices that the process is gone", function()
    start()
    local s = attach()
    t:stop()
    s:wait "the process has ended the connection\nexit 1"
  end)
end)

describe("run --repl", function()
  after_each(scope.finish)

  local function run(text)
    b = broker.new()
    local path = tagline.config(text or config, { PORT = b.port })
    local s = terminal.start({ tagline.program(), "run", path, "--repl", "--socket",
      scope.folder() .. "/s" })
    c = b:handshake()
    s:wait "connected to"
    s:wait "tagline>"
    return s
  end

  it("has a prompt on its own terminal, with the log above it", function()
    local s = run()
    s:type "1 + "
    publish("no/where", "x")
    local screen = s:wait "no station takes topic 'no/where'.-\ntagline> 1 %+$"
    local _, times = screen:gsub("no/where", "")
    assert.equal(1, times)
    s:line " 41"
    s:wait "\n42\ntagline>$"
  end)

  it("moves a line of several rows below the log, and below what handlers print", function()
    local s =
      run((config:gsub('address = "boiler/up",',
        'address = "boiler/up", on_value = function(t) print("now " .. t.name) end,')))
    s:type(("x"):rep(250))
    s:wait "x$"
    publish("boiler/up", '{"temp":1}')
    local screen = s:wait "now running\ntagline> x+\nx+\nx+$"
    local _, prompts = screen:gsub("tagline>", "")
    assert.equal(1, prompts, screen)
  end)

  it("takes Ctrl-C for the evaluation, and ends with its prompt", function()
    local s = run()
    s:line "print('on') while true do end"
    s:wait "\non"
    s:press "C-c"
    s:wait "cancelled\ntagline>$"
    s:press "C-d"
    s:wait "ending\n.*exit 0"
    c:expect "DISCONNECT"
  end)

  it("runs a script from standard input, and ends with it", function()
    b = broker.new()
    local path = tagline.config(config, { PORT = b.port })
    local code, out = tagline.command({ "run", path, "--repl", "--socket", scope.folder() .. "/s" },
      { input = "print(lines.plant.name)\n1 + 1\n" })
    assert.equal(0, code)
    assert.equal("plant\n2", out)
    code = tagline.command({ "run", path, "--repl", "--socket", scope.folder() .. "/s" },
      { input = "nope()\n" })
    assert.equal(1, code)
  end)
end)
