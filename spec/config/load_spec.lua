-- luacheck: no max line length (messages are compared whole)
local load = require "tagline.config.load"
local uv = require "luv"
local scope = require "spec.support.scope"
local support = require "spec.config.support"

local plain = 'line "p" { host = "h", station "s" { address = "s" } }\n'

describe("the example of the reference", function()
  it("loads clean", function()
    local draft = support.clean [[
line "plant" {
  -- redundant addresses: comma or semicolon, or a Lua list
  host            = "10.0.0.1, 10.0.0.2",
  client_id       = "boiler-room",
  topic_filter    = "plant/#",
  payload_type    = "JSON",
  time_field_name = "ts",
  time_mask       = "UNIXMS",

  station "boiler" {
    address = "plant/boiler/up",
    tags = {
      temperature = Ai { "JA=rx.temp", unit = "°C" },
      running     = Di "JA=rx.on",
      command     = TxtO { "OUT_TOPIC", default = "plant/boiler/set" },
      setpoint    = TxtO "OUT_VALUE",
    },
  },

  station "meter" {
    address = "plant/meter-.*/up",
    decode  = function(msg)
      local volts, amps = string.unpack(">I2I2", msg.payload)
      return { volts = volts / 10, amps = amps / 100 }
    end,
    tags = { volts = Ai { unit = "V" }, amps = Ai { unit = "A" } },
  },
}
]]
    assert.same({ "10.0.0.1", "10.0.0.2" }, draft.lines[1].params.host)
    assert.same({ volts = 1, amps = 2 },
      draft.lines[1].stations[2].decode { payload = string.pack(">I2I2", 10, 200) })
  end)
end)

describe("problems", function()
  it("are told in one pass, in the order of the file, each on the line of its field",
    function()
    assert.same({
      "c.lua:2: line 'b': host: expected a host or a list of hosts, got 1883",
      "c.lua:3: line 'b': Keep_alive: unknown field; did you mean 'keep_alive'?",
      "c.lua:4: warning: line 'b', station 'a': address: looks like an MQTT filter, but \z
        addresses are topics or regular expressions: is \"x/[^/]+/y\" meant?",
      "c.lua:7: line 'b', station 'c': time_filter: expected seconds, a number from 0 to 86400, \z
        got \"10\"",
      "c.lua:9: line 'b', station 'c', tag 'x': unit: expected a string, got 5",
      "c.lua:11: line 'b', station 'c', tag 'y': expected a tag (a type word and its address: \z
        Ai \"JA=…\"), got \"JA=y\"",
      "c.lua:13: line 'b', station 'd': expected address = \"…\" (a topic or a regular \z
        expression), got none",
      "c.lua:14: line 'b', station 'e': SWP: expected a string, got 5",
    }, support.problems [[
line "b" {
  host = 1883,
  Keep_alive = "30s", payload_type = "JSON",
  station "a" { address = "x/+/y" },
  station "c" {
    address = "c",
    time_filter = "10",
    tags = { x = Ai { "JA=x",
        unit = 5,
      },
      y = "JA=y",
    } },
  station "d" {},
  station "e" { address = "e", SWP = 5 } }
]])
  end)

  it("of records made in a loop stand on the record's line, and many alike are cut", function()
    local list = support.problems [[
local list = {}
for i = 1, 100 do
  list[i] = station("s" .. i) {
    address = "t" .. i,
    tags = { x = Ai { "JA=x", unit = 5 } },
  }
end
line "p" { host = "h", payload_type = "JSON", list }
]]
    assert.equal(10, #list)
    assert.equal("c.lua:5: line 'p', station 's1', tag 'x': unit: expected a string, got 5",
      list[1])
    assert.equal(
      "c.lua:5: line 'p', station 's10', tag 'x': unit: expected a string, got 5 (and 90 more \z
        like this)", list[10])
  end)

  it("of records made in a loop are alike, too, when only names and values in them differ",
    function()
    local list = support.problems [[
local list = {}
for i = 1, 30 do
  list[i] = station("s" .. i) { address = "t/" .. i,
    tags = { ["x" .. i] = Ai { "JA=x", unit = i },
    } }
end
line "p" { host = "h", payload_type = "JSON", topic_filter = "only", list }
]]
    assert.equal(20, #list)
    assert.truthy(list[10]:find("does not let \"t/10\" in (and 20 more like this)", 1, true),
      list[10])
    assert.truthy(list[20]:find("unit: expected a string, got 10 (and 20 more like this)", 1,
      true), list[20])
  end)

  it("have file, line and severity", function()
    local _, problems =
      load.string(
        'line "p" { host = "h", topic_filter = {"x"}, station "s" { address = "x" },\n \z
          client_id = "" }', "a/b.lua")
    assert.same({ { file = "a/b.lua", line = 2, severity = "warning", text =
      "a/b.lua:2: warning: line 'p': client_id: is blank: the session is clean, whatever \z
        clean_session says" } }, problems)
  end)

  it("leave no draft, warnings do", function()
    assert.is_nil((support.load(support.line "port = 0")))
    assert.is_table((support.load(support.line 'client_id = ""')))
  end)

  it("of fields that are given twice are found in the source", function()
    assert.same(
      { "c.lua:3: line 'p', station 's': duplicate field: 'address' is given in line 2 already" },
      support.problems 'line "p" { host = "h", station "s" {\n address = "a",\n address = \z
        "b" } }')
  end)

  it("of Lua itself are told with those found before", function()
    assert.same({ "c.lua:1: line 'p': port: expected an integer from 1 to 65535, got 0",
      "c.lua:3: attempt to perform arithmetic on a nil value (local 'x')" },
      support.problems(support.line "port = 0" .. "\nlocal x\nx = x + 1"))
    assert.same({ "c.lua:2: no more" }, support.problems(plain .. 'error "no more"'))
    assert.same({ "c.lua:2: error (a table)" }, support.problems(plain .. 'error {}'))
    assert.same({ "c.lua:2: bad argument #1 to 'rep' (string expected, got no value)" },
      support.problems(plain .. "string.rep()"))
  end)

  it("of the syntax have their line, whatever the file is called", function()
    assert.same({ "c.lua:2: '}' expected (to close '{' at line 1) near <eof>" },
      support.problems 'line "p" { x = 1\n')
    local path = ("long/"):rep(40) .. "name: 1.lua"
    local _, problems = load.string('line "p" { x = 1\n', path)
    assert.same({ path .. ":2: '}' expected (to close '{' at line 1) near <eof>" },
      { problems[1].text })
    _, problems = load.string('\nlocal x = nil + 1', path)
    assert.same({ path .. ":2: attempt to perform arithmetic on a nil value" },
      { problems[1].text })
  end)

  it("inside an unfinished line are told with its name", function()
    assert.same({
      "c.lua:1: line 'p', station 's': expected address = \"…\" (a topic or a regular \z
        expression), got none",
      "c.lua:2: line 'p': attempt to perform arithmetic on a nil value",
    }, support.problems 'line "p" { station "s" {},\n port = nil + 1 }')
  end)

  it("refuse bytecode", function()
    local list = support.problems(string.dump(function() end))
    assert.equal(1, #list)
    assert.truthy(list[1]:find("binary chunk", 1, true))
  end)

  it("of a file that cannot be read name it", function()
    local draft, problems = load.file "/nowhere/x.lua"
    assert.is_nil(draft)
    assert.same("/nowhere/x.lua: cannot be read: No such file or directory", problems[1].text)
  end)
end)

describe("unknown words", function()
  it("are told once a line, and the rest is still checked", function()
    assert.same({
      "c.lua:1: line 'p': port: expected an integer from 1 to 65535, got 0",
      "c.lua:1: line 'p': unknown word 'localhost' (a string needs quotes)",
      "c.lua:2: line 'p': unknown word 'statoin'; did you mean 'station'?",
      "c.lua:3: line 'p', station 's': zzz: unknown field",
      "c.lua:4: line 'p': unknown word 'some' (a string needs quotes)",
    }, support.problems [[
line "p" { host = localhost .. localhost, port = 0,
statoin "x" { address = 5 },
station "s" { zzz = 1,
  address = some.thing.else_ } }]])
  end)

  it("in the name of a field's value do not hide the record", function()
    assert.same({ "c.lua:1: line 'p': unknown word 'Aii'; did you mean 'Ai'?" },
      support.problems(support.station 'address = "t", tags = { x = Aii "JA=x" }'))
  end)

  for _, name in ipairs { "io", "debug", "load", "dofile", "loadfile", "package",
    "collectgarbage", "rawset" } do
    it("of Lua that a config does not have: " .. name, function()
      assert.same(
        { ("c.lua:2: '%s' is not available in a config (--unsafe opens it)"):format(name) },
        support.problems(plain .. "local x = " .. name))
    end)
  end

  it("do not run away", function()
    assert.same({ "c.lua:1: unknown word 'zzz' (a string needs quotes)" }, support.problems(
      "for i, v in ipairs(zzz) do end for k in pairs(zzz) do end local n = #zzz local b = zzz < \z
        1 local s = -zzz .. 'x'"))
  end)

  it("are errors in a handler", function()
    local draft =
      support.clean 'line "p" { host = "h", on_connect = function() return zzz end }'
    local ok, why = pcall(draft.lines[1].on_connect)
    assert.is_false(ok)
    assert.equal("c.lua:1: unknown word 'zzz'", why)
  end)
end)

describe("the environment", function()
  it("keeps what a config sets to itself", function()
    support.clean(plain
      .. "my = 5 assert(my == 5 and _G.my == 5) function tostring() return 'ours' end \z
        assert(tostring() == 'ours')")
    assert.is_nil(rawget(_G, "my"))
    assert.equal("1", tostring(1))
    support.clean(plain .. 'assert(tostring(1) == "1")')
  end)

  it("shares libraries that nobody can change", function()
    support.clean(plain .. [[
      local shared = { "string", "table", "math", "utf8", "coroutine", "os", "json", "re" }
      for _, name in ipairs(shared) do
        local ok, why = pcall(function() _ENV[name].rep = print end)
        assert(not ok)
        assert(why:find(name .. ".rep cannot be assigned to: all handlers share it", 1, true))
        assert(getmetatable(_ENV[name]) == false and not pcall(setmetatable, _ENV[name], {}))
      end
      local names = {}
      for name in pairs(string) do names[name] = true end
      assert(names.format and next(string) == nil and getmetatable "" == nil)
      assert(not names.dump and string.dump == nil)]])
  end)

  it("has an _ENV that no function can take away from the others", function()
    for _, text in ipairs { "_ENV = {}", "local function f() _ENV = {} end",
      "local a a, _ENV = 1, {}",
      "_ENV, b = {}, 2", "function _ENV() end", "local _ENV = {}",
        "for _ENV in pairs {} do end" } do
      local list = support.problems("-- _ENV = 1\nlocal s = '_ENV = 2'\n" .. text)
      assert.truthy(list[1]:find("c.lua:3: '_ENV' may only be indexed", 1, true), list[1])
    end
    support.clean(plain
      .. "local x = 'a _ENV = {}' assert(_ENV._G == _G and _ENV['pairs'] == pairs)")
  end)

  it("takes new globals only while it loads", function()
    local draft = support.clean(plain .. [[
      count = 0
      line "q" { host = "h", on_connect = function() count = count + 1 return count end,
        on_disconnect = function() other = 1 end,
        on_value = function() string = nil end }]])
    local made = draft.lines[#draft.lines]
    assert.equal(1, made.on_connect())
    assert.equal(2, made.on_connect())
    assert.error_matches(made.on_disconnect,
      "'other' is not a global of this config: make it local, or give it a value " ..
      "while the config loads", 1, true)
    assert.error_matches(made.on_value, "'string' is not a global of this config", 1, true)
  end)

  it("has the safe part of the library", function()
    support.clean(plain .. [[
      for _, f in ipairs { pairs, next, select, type, tostring, tonumber, error, assert, pcall,
        xpcall, setmetatable, getmetatable, rawequal, rawlen, print, string.pack, table.concat,
        math.floor, utf8.char, coroutine.wrap, os.time, os.date, os.clock, json.encode } do
        assert(type(f) == "function")
      end
      for _, name in ipairs { "execute", "exit", "getenv", "remove", "rename", "tmpname",
        "setlocale" } do
        assert(os[name] == nil, name)
      end
      assert(string.dump == nil and math.randomseed == nil and getmetatable("") == nil)
      assert(json.decode('{"a":[1]}').a[1] == 1)]])
  end)

  it("has no finalizers", function()
    local list = support.problems(plain .. "setmetatable({}, { __gc = function() end })")
    assert.same(
      { "c.lua:2: __gc is not available in a config: finalizers run outside every budget" },
        list)
  end)

  it("opens all of Lua with unsafe", function()
    support.clean(plain
      .. 'assert(io.open and os.execute and debug and load and require "os" == os)',
        { unsafe = true })
    assert.same({ "c.lua:2: unknown word 'statoin'; did you mean 'station'?" },
      support.problems(plain .. 'statoin "x" {}', { unsafe = true }))
  end)

  it("prints to where it is told", function()
    local said = {}
    support.clean(plain .. "print(1, nil, 'x')",
      { print = function(text) said[#said + 1] = text end })
    assert.same({ "1\tnil\tx" }, said)
  end)

  it("has more words for handlers", function()
    local called
    local draft =
      support.clean(
        'line "p" { host = "h", on_connect = function() every(1, print) return tags.x end }',
      { api = { tags = { x = 7 }, every = function(seconds) called = seconds end } })
    assert.equal(7, draft.lines[1].on_connect())
    assert.equal(1, called)
  end)

  it("makes no records when the config runs", function()
    local draft =
      support.clean 'line "p" { host = "h", on_connect = function() line "x" { host = "h" \z
        } end }'
    local ok, why = pcall(draft.lines[1].on_connect)
    assert.is_false(ok)
    assert.truthy(why:find("while the config loads", 1, true))
  end)
end)

describe("require, env and file", function()
  local folder
  before_each(function() folder = scope.folder() end)
  after_each(scope.finish)

  local function write(name, text) scope.file(name, text, folder) end

  local function run(text, opts)
    write("site.lua", text)
    local draft, problems = load.file(folder .. "/site.lua", opts)
    for i, problem in ipairs(problems) do
      problems[i] = problem.text:gsub(folder:gsub("%p", "%%%0"), "DIR")
    end
    return draft, problems
  end

  it("find modules beside the config, in its environment, once", function()
    write("common.lua",
      "count = (count or 0) + 1 return { station = function(n) return station(n) { address = n \z
        } end, name = ... }")
    write("deep/er.lua", 'return require "common"')
    write("pack/init.lua", "return 5")
    write("quiet.lua", "")
    local draft, problems = run [[
      count = 0
      local common = require "common"
      assert(common == require "common" and common == require "deep.er")
      assert(count == 1 and common.name == "common")
      assert(require "pack" == 5 and require "quiet" == true)
      line "p" { host = "h", common.station "a", common.station "b" }]]
    assert.same({}, problems)
    assert.equal("b", draft.lines[1].stations[2].name)
    assert.equal(folder .. "/common.lua", draft.lines[1].stations[2].at.file)
  end)

  it("find our modules, as copies", function()
    package.loaded["tagline.codec.fake"] =
      setmetatable({ f = function() return 1 end, t = { 1 } },
        { __call = function() return 2 end })
    local draft, problems = run(plain .. [[
      local fake = require "tagline.codec.fake"
      assert(fake.f() == 1 and fake() == 2 and fake.t[1] == 1)
      for _, t in ipairs { fake, fake.t } do
        assert(not pcall(function() t[1] = 2 end) and not pcall(setmetatable, t, {}))
      end
      assert(#fake.t == 1 and next(fake) == nil)
      for key, value in pairs(fake.t) do assert(key == 1 and value == 1) end
      assert(require "json".encode and require "cjson" == json)]])
    assert.same({}, problems)
    assert.is_table(draft)
    assert.same({ 1 }, package.loaded["tagline.codec.fake"].t)
    assert.is_function(package.loaded["tagline.codec.fake"].f)
    package.loaded["tagline.codec.fake"] = nil
  end)

  it("tell what was tried", function()
    local _, problems =
      run(plain
        .. 'local m = require "no.thing"\nm.x()\nrequire "../x"\nrequire \z
          "tagline.core"\nrequire(5)')
    assert.same({
      "DIR/site.lua:2: require: module 'no.thing' is not there; tried DIR/no/thing.lua, \z
        DIR/no/thing/init.lua",
      "DIR/site.lua:4: require: expected a module's name (letters, digits, '_', '-', with dots \z
        between folders), got '../x'",
      "DIR/site.lua:5: require: module 'tagline.core' is not for configs",
      "DIR/site.lua:6: require: expected a module's name, got 5",
    }, problems)
    _, problems = run(plain .. 'require "tagline.codec.nothing"')
    assert.equal(1, #problems)
    assert.truthy(
      problems[1]:find("DIR/site.lua:2: require: module 'tagline.codec.nothing' not found", 1,
        true))
  end)

  it("tell problems of a module with its own file, after those of the config", function()
    write("m.lua", "return station 's' {\n address = 5 }")
    write("bad.lua", "\nreturn +")
    write("run.lua", "\n\nreturn nil + 1")
    local _, problems = run('line "p" { host = 5, require "m" }\nrequire "bad"\nrequire "run"')
    assert.same({
      "DIR/site.lua:1: line 'p': host: expected a host or a list of hosts, got 5",
      "DIR/m.lua:2: line 'p', station 's': address: expected a string, got 5",
      "DIR/bad.lua:2: unexpected symbol near '+'",
      "DIR/run.lua:3: attempt to perform arithmetic on a nil value",
    }, problems)
  end)

  it("name characters of a word processor", function()
    for text, said in pairs {
      ["x = \u{201C}a\u{201D}"] = "'<\\226>': \u{201C} is a typographic quote: write \"",
      ["x =\u{A0}1"] = "'<\\194>': \u{A0} is a no-break space: write a blank",
      ["x = 1 \u{2013} 2"] = "'<\\226>': \u{2013} is a dash: write -",
      ["x = \u{E9}"] = "'<\\195>'",
    } do
      local _, problems = run("\n" .. text .. "\n")
      assert.same({ "DIR/site.lua:2: unexpected symbol near " .. said }, problems)
    end
  end)

  it("refuse a circle", function()
    write("a.lua", 'return require "b"')
    write("b.lua", 'local a = require "a" return a')
    local _, problems = run(plain .. 'require "a"')
    assert.same({ "DIR/b.lua:1: require: module 'a' requires itself: a → b → a" }, problems)
  end)

  it("are errors under pcall, for what is optional", function()
    local _, problems =
      run(plain
        .. 'assert(not pcall(require, "nothing")) assert(not pcall(env, "TAGLINE_UNSET")) \z
          assert(not pcall(file, "x"))')
    assert.same({}, problems)
  end)

  it("give variables of the environment", function()
    local draft = run 'line "p" { host = "h", user_name = env "PATH" }'
    assert.equal(os.getenv "PATH", draft.lines[1].params.user_name)
    local none, problems = run('line "p" { host = env "TAGLINE_UNSET", port = 0 }\nenv()')
    assert.is_nil(none)
    assert.same({
      "DIR/site.lua:1: line 'p': env: environment variable 'TAGLINE_UNSET' is not set",
      "DIR/site.lua:1: line 'p': port: expected an integer from 1 to 65535, got 0",
      "DIR/site.lua:2: env: expected the name of an environment variable, got nothing",
    }, problems)
  end)

  it("give files beside the config, without the last newline", function()
    write("secret", "hunter2\n")
    write("two", "a\r\n\r\n")
    local draft, problems =
      run((
        'line "p" { host = "h", user_name = file "two", password = file "%s/secret", station \z
          "s" { address = "s" } }'):format(folder))
    assert.same({}, problems)
    assert.same({ "hunter2", "a\r\n" },
      { draft.lines[1].params.password, draft.lines[1].params.user_name })
    draft, problems = run(plain .. 'file "none"\nfile "/dev/zero"')
    assert.same({ "DIR/site.lua:2: file: DIR/none: No such file or directory",
      "DIR/site.lua:3: file: /dev/zero: is a device, not a file" },
      problems)
    assert.is_nil(draft)
    write("mark", "\xEF\xBB\xBFhunter2")
    assert.equal("hunter2",
      run('line "p" { host = "h", user_name = "u", password = file "mark", station "s" { \z
        address = "s" } }').lines[1].params.password)
  end)

  it("give credentials of the service, by a plain name", function()
    uv.os_setenv("CREDENTIALS_DIRECTORY", folder)
    finally(function() uv.os_unsetenv "CREDENTIALS_DIRECTORY" end)
    write("db", "hunter2\n")
    local draft, problems =
      run 'line "p" { host = "h", user_name = "u", password = credential "db", station "s" { \z
        address = "s" } }'
    assert.same({}, problems)
    assert.equal("hunter2", draft.lines[1].params.password)
    draft,
      problems =
        run(plain .. 'credential "../db"\ncredential(5)\ncredential "none"\ncredential ".."')
    assert.same({ "DIR/site.lua:2: credential: expected a name without '/', got '../db'",
      "DIR/site.lua:3: credential: expected the name of a credential, got 5",
      "DIR/site.lua:4: credential: DIR/none: No such file or directory",
      "DIR/site.lua:5: credential: expected a name without '/', got '..'" }, problems)
    assert.is_nil(draft)
  end)

  it("want the folder of credentials when it runs, and warn when it is only checked",
    function()
    local text =
      "'db': there is no $CREDENTIALS_DIRECTORY; systemd sets it for a service with \z
        LoadCredential="
    local config =
      'line "p" { host = "h", user_name = "u", password = credential "db", station "s" { \z
        address = "s" } }'
    local draft, problems = run(config)
    assert.is_nil(draft)
    assert.same({ "DIR/site.lua:1: line 'p': credential: " .. text }, problems)
    draft, problems = run(config, { check = true })
    assert.truthy(draft)
    assert.same({ "DIR/site.lua:1: warning: line 'p': credential: " .. text }, problems)
  end)

  it("are words of loading only", function()
    local draft =
      run(plain
        .. 'function go(word, name) return pcall(_G[word], name) end\nfunction here() local x = \z
          file "x" return x end')
    for _, word in ipairs { "require", "env", "file", "credential" } do
      local ok, why = draft.env.go(word, "json")
      assert.falsy(ok)
      assert.equal(word .. ": only while the config loads; keep what it gives in a local", why)
    end
    local _, why = pcall(draft.env.here)
    assert.truthy(why:find("site.lua:3: file: only while the config loads", 1, true), why)
  end)

  it("refuse what they would have to wait for", function()
    os.execute(("mkfifo '%s/pipe' '%s/mod.lua'"):format(folder, folder))
    local _, problems = run(plain .. 'file "pipe"\nrequire "mod"\nfile "."')
    assert.same({ "DIR/site.lua:2: file: DIR/pipe: is a pipe (FIFO), not a file",
      "DIR/site.lua:3: require: DIR/mod.lua: is a pipe (FIFO), not a file",
      "DIR/site.lua:4: file: DIR/.: is a folder, not a file" }, problems)
  end)

  it("say that a file is UTF-16", function()
    for _, mark in ipairs { "\xFF\xFE", "\xFE\xFF" } do
      local draft, problems = run(mark .. "l\0i\0")
      assert.is_nil(draft)
      assert.same({ "DIR/site.lua:1: is UTF-16: save it as UTF-8" }, problems)
    end
  end)

  it("read over a byte order mark and a first line with #!", function()
    local draft = run("\xEF\xBB\xBF#!/usr/bin/tagline run\n" .. plain)
    assert.equal(2, draft.lines[1].at.line)
  end)
end)

describe("10,000 stations of 3 tags made in a loop", function()
  it("load, sharing what is alike", function()
    local draft = support.clean [[
      local list = {}
      for i = 1, 10000 do
        list[i] = station("s" .. i) {
          address = "plant/s" .. i .. "/up",
          tags = { a = Ai { "JA=rx.a", unit = "V" }, b = Di "JA=on",
            c = TxtI { "JA=text", description = "x" } },
        }
      end
      line "plant" { host = "127.0.0.1", payload_type = "JSON", table.unpack(list) }]]
    local stations = draft.lines[1].stations
    assert.equal(10000, #stations)
    assert.same({ "s1", "s10000" }, { stations[1].name, stations[10000].name })
    assert.equal("plant/s10000/up", stations[10000].address)
    assert.same({ "a", "b", "c" },
      { stations[10000].tags[1].name, stations[10000].tags[2].name,
      stations[10000].tags[3].name })
    assert.equal(stations[1].tags, stations[10000].tags)
    assert.equal(stations[1].params, stations[10000].params)
  end)
end)

describe("a problem of a text that is very long", function()
  it("shows the beginning of a name, and of what is said, that nobody would read", function()
    local long = ("n"):rep(296) .. ("ä"):rep(40000)
    local shown = ("n"):rep(296) .. "..."
    local text = 'line "p" { host = "h",\n  station "%s" { address = "a", %s = 1 } }'
    local texts = support.problems(text:format(long, ("k"):rep(70000)))
    local place = ("c.lua:2: line 'p', station '%s': "):format(shown)
    assert.same({ place .. "expected a name of at most 255 bytes, got 80296",
      place .. ("k"):rep(297) .. "...: unknown field" }, texts)
    texts = support.problems 'error(("y"):rep(70000))'
    assert.equal("c.lua:1: yyy", texts[1]:sub(1, 12))
    assert.equal(#"c.lua:1: " + 2000, #texts[1])
  end)
end)
