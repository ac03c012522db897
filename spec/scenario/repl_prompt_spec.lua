-- What a person types at the prompt: words without parentheses, searches, errors, writes, Ctrl-R.
local terminal = require "spec.repl.terminal"
local scenario = require "spec.support.scenario"
local process, scope, tagline = scenario "process scope tagline"

local config = [[
line "plant" {
  host = "127.0.0.1", port = PORT, payload_type = "JSON", ignore_missing_time = true,
  publish_qos = 1,
  station "boiler" { address = "boiler/up", tags = {
    temperature = Ai { "JA=temp", unit = "°C" },
    running = Di { "JA=on", description = "the burner" },
    topic = TxtO { "OUT_TOPIC", default = "boiler/set" }, setpoint = Ao "OUT_VALUE" } },
  station "pump" { address = "pump/up", tags = { temperature = Ai "JA=temp" } },
}
]]

local t, c

local function start(options)
  t, c = tagline.connected(config, nil, options)
end

local function attach(options) return terminal.attach(t, options) end

local function publish(topic, payload) c:deliver(topic, payload) end

-- A script from standard input: exit code, stdout, stderr.
local function script(text)
  return process.run(tagline.program(), { "repl", "--socket", t.socket }, { input = text })
end

describe("the prompt", function()
  after_each(scope.finish)

  it("takes help, ?, status and help WORD without parentheses", function()
    start()
    local _, called = script 'help()\n'
    local _, bare = script "help\n"
    assert.equal(called, bare)
    assert.equal(called, (select(2, script "  ?  \n")))
    assert.truthy(select(2, script "status\n"):find "^tagline %d.*nothing is wrong")
    _, called = script 'help("keep_alive")\n'
    assert.equal(called, (select(2, script "help keep_alive\n")))
    assert.equal(called, (select(2, script "? keep_alive\n")))
    assert.equal((select(2, script 'help("JA=")\n')), (select(2, script "help JA=\n")))
  end)

  it("lets a variable of that name come first", function()
    start()
    local code, out =
      script "status = 7\nstatus\nlocal exit = 8\nexit\nquit = 9\nquit\nstatus = nil\nstatus\n"
    assert.equal(0, code)
    assert.truthy(out:find "^7\n8\n9\n", out)
    assert.truthy(out:find "nothing is wrong", out)
  end)

  it("ends at exit and quit, with parentheses or without, and not with -e", function()
    start()
    for _, word in ipairs { "exit", "quit", "exit()", "quit()" } do
      local code, out = script("1 + 1\n" .. word .. "\n3 + 3\n")
      assert.equal(0, code)
      assert.equal("2", out)
    end
    local s = attach()
    s:line "exit"
    s:wait "exit 0"
    assert.equal(1, (t:eval "exit()"))
  end)

  it("finds by a part of a name, a unit, a description, and by patterns", function()
    start()
    local _, out = t:eval 'find("TEMP")'
    assert.truthy(out:find "plant%.boiler%.temperature", out)
    assert.truthy(out:find "plant%.pump%.temperature", out)
    assert.is_nil(out:find "running")
    assert.truthy(select(2, t:eval 'find("burner")'):find "plant%.boiler%.running")
    assert.truthy(select(2, t:eval 'find("pump/up")'):find "\nplant%.pump +StOn")
    assert.equal("1", (select(2, t:eval '#find("plant.*.running").tags')))
    assert.truthy(select(2, t:eval 'find("zzz")'):find "nothing has that")
    assert.equal("2", (select(2, t:eval '#find("ston").stations')))
    assert.equal("4", (select(2, t:eval '#find("unset").tags')))
    assert.truthy(select(3, t:eval 'find(5)'):find 'expected a part of a name')
    assert.equal("2", (select(2, t:eval '#tags["plant.*.temperature"]')))
    assert.equal("plant.boiler", (select(2, t:eval 'stations["*.b*"][1].full_name')))
    assert.equal("0", (select(2, t:eval '#tags["nothing.*"]')))
    out = select(2, t:eval 'tags["plant.*.temperature"]')
    assert.truthy(out:find "^tag +type.*plant%.boiler%.temperature.*plant%.pump%.temperature", out)
  end)

  it("says how to narrow a long list down", function()
    start()
    local _, out = t:eval [[
      local list = {} for i = 1, 50 do list[i] = tags["plant.boiler.running"] end return list]]
    assert.truthy(
      out:find('… 10 more of 50; find("text"), tags["plant.*"] or a loop shows others', 1, true),
      out)
  end)

  it("shows the next of a long list with more, at a prompt", function()
    start()
    local s = attach { columns = 100, lines = 60 }
    s:line 'l = {} for i = 1, 50 do l[i] = tags["plant.boiler.running"] end'
    s:wait "end\ntagline>$" -- a line that is typed before would end a watch, and is not code
    s:line "l"
    s:wait "… 10 more of 50; more shows them"
    s:line "more"
    local _, n = s:wait("tagline> more\ntag +type.*tagline>$"):match("tagline> more\n(.*)$")
      :gsub("plant%.boiler%.running", "")
    assert.equal(10, n)
    s:line "more()"
    s:wait "%(nothing was cut: there is no more%)"
    assert.truthy(select(2, t:eval "more()"):find "no more")
  end)

  it("fits messages to the window, and shows the JSON of one on several lines", function()
    start()
    publish("boiler/up",
      '{"temp":21.5,"on":true,"list":[1,{}],"a long name":"a long text that needs room"}')
    local s = attach { columns = 80 }
    s:line "messages()"
    local screen = s:wait "boiler/up.*tagline>$"
    local row = screen:match "\n(#1 [^\n]*)"
    assert.truthy(row:find "boiler/up", row)
    assert.truthy(utf8.len(row) <= 80, row)
    assert.truthy(row:find "plant", screen)
    s:line "messages()[1]"
    screen = s:wait '\n{\n  "temp": 21.5,\n  "on": true,\n  "list": %[\n    1,\n    {}\n  %],\n'
    assert.truthy(screen)
  end)

  it("shows where an error is", function()
    start()
    local s = attach()
    s:line "1 +* 2"
    s:wait "unexpected symbol near '%*'\n  1 %+%* 2\n     %^\ntagline>$"
    s:line "tags.a.b.c = 5"
    s:wait "\n  tags%.a%.b%.c = 5\n +%^\ntagline>$"
    s:line("for i = 1, 2 do"):wait "%->%s*$"
    s:line "  print(i]"
    s:wait "\n    print%(i%]\n           %^\ntagline>$"
    -- a program is told without
    local _, _, err = t:eval "1 +* 2"
    assert.is_nil(err:find "\n +%^")
  end)

  it("says what a write sent where, and only to a person", function()
    start()
    local s = attach()
    s:type('tags["plant.boiler.setpoint"]:write(55)'):press "Enter"
    local p = c:expect "PUBLISH"
    c:send("PUBACK", { id = p.id })
    s:wait "\nsent to boiler/set: 55 %(QoS 1%)\ntrue\ntagline>$"
    s:type('lines.plant:publish("a/b", "x\\27y", { qos = 0, retain = true })'):press "Enter"
    c:expect "PUBLISH"
    s:wait "\nsent to a/b: x\\x1by %(QoS 0, retained%)\ntrue\ntagline>$"
  end)

  it("paints what is wrong, but for NO_COLOR", function()
    start()
    publish("boiler/up", '{"on":true}')
    local s = attach()
    s:line 'tags["plant.boiler.temperature"]'
    s:wait "invalid"
    assert.truthy(s:colours():find "\27%[31minvalid", s:colours())
    s:line("x ="):wait "%->%s*$"
    s:press "C-c"
    s:wait "%^C\ntagline>$"
    s:line "error('oh no')"
    s:wait "\noh no"
    assert.truthy(s:colours():find "\27%[31m[^\n]*oh no", s:colours())
    local plain = attach { no_color = true }
    plain:line 'tags["plant.boiler.temperature"]'
    plain:wait "invalid"
    assert.is_nil(plain:colours():find "\27%[3%d*m")
  end)

  it("looks for an earlier line with Ctrl-R, in plain words", function()
    start()
    local s = attach()
    s:line "'one' .. 1"
    s:wait "\none1\n"
    s:line "'two' .. 2"
    s:wait "\ntwo2\n"
    s:press "C-r"
    s:wait "earlier line with:"
    s:type "'o"
    s:wait "earlier line with: 'o  >  'one' %.%. 1  %(Enter: run it"
    s:press "Enter"
    s:wait "\none1\n.*\none1\ntagline>$"
    s:type "left":press "C-r"
    s:type "two":wait "two  >  'two'"
    s:press "Tab"
    s:wait "tagline> 'two' %.%. 2$"
    s:type " .. 3":press "Enter"
    s:wait "\ntwo23\ntagline>$"
    s:type "kept":press "C-r"
    s:type "zzz":wait "there is none"
    s:press "C-g"
    s:wait "tagline> kept$"
    s:press "C-r"
    s:press "C-c"
    s:wait "%^C\ntagline>$"
    s:line "4 + 4"
    s:wait "\n8\ntagline>$"
  end)

  it("repl -e ends after --wait when a write gets no answer", function()
    start()
    local code, out, err = tagline.command { "repl", "--socket", t.socket, "--wait", "0.3", "-e",
      'tags["plant.boiler.setpoint"]:write(5)' }
    assert.equal(1, code)
    assert.equal("", out)
    assert.truthy(err:find "no answer to the write within 0.3 s", err)
    local p = c:expect "PUBLISH" -- it is under way all the same
    c:send("PUBACK", { id = p.id })
    -- and one that is answered in time is told so
    local again = process.start(tagline.program(), { "repl", "--socket", t.socket, "--wait", "600",
      "-e", 'tags["plant.boiler.setpoint"]:write(6)' })
    p = c:expect "PUBLISH"
    c:send("PUBACK", { id = p.id })
    assert.equal(0, again:wait_exit())
    assert.equal("true", again:text "stdout")
  end)

  it("repl -e waits longer for a write than for its function where nobody says how long", function()
    start()
    local run = process.start(tagline.program(), { "repl", "--socket", t.socket, "-e",
      'tags["plant.boiler.setpoint"]:write(5)' })
    local p = c:expect "PUBLISH"
    c:silent(1300)
    assert.is_nil(run.code)
    c:send("PUBACK", { id = p.id })
    assert.equal(0, run:wait_exit())
    assert.equal("true", run:text "stdout")
  end)
end)
