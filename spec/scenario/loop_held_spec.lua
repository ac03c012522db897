-- What could hold the loop of a running process: a log that nobody reads, and files that are none.
local uv = require "luv"
local scenario = require "spec.support.scenario"
local mosquitto, process, scope, tagline, wait = scenario "mosquitto process scope tagline wait"

local config = [[
line "plant" { host = "127.0.0.1", port = PORT,
  station "any" { address = ".*",
    tags = { data = TxtI { "IN_DATA", new_value_on_time_change = true } },
    on_status = HANDLER },
}
every(3600, function() end)
]]

local function fifo(path)
  os.remove(path)
  assert(os.execute(("mkfifo '%s'"):format(path)))
  return path
end

describe("a log that nobody reads", function()
  after_each(scope.finish)

  it("holds neither values nor the REPL nor SIGTERM, and says later what is missing", function()
    local m = mosquitto.start()
    local t = tagline.run(config, { PORT = m.port, HANDLER = "nil" })
    m:wait_subscribed "tagline-plant"
    t:wait_log "connected to"
    t:pause "stderr"
    t:ask [[local n = 0 every(0.001, function()
      n = n + 1
      if n <= 150 then print(("x"):rep(20000)) end
      if n == 151 then lines.plant:publish("a", "printed") end
    end)]]
    assert.equal("printed", t:value("plant.any.data").value) -- 3 MB, and nobody has read them
    m:publish("a", "1")
    assert.equal("1", t:value("plant.any.data").value)
    assert.equal(0, (t:eval "1"))
    t:resume "stderr"
    t:wait_log "WARN  %d+ log lines were not written: stderr was not read"
    t:stop()
  end)

  it("does not keep the process from ending", function()
    local m = mosquitto.start()
    local t = tagline.run(config, { PORT = m.port, HANDLER = "nil" })
    t:wait_log "connected to"
    t:pause "stderr"
    local line = ("x"):rep(1000)
    t:ask(("after(0, function() for _ = 1, 900 do print %q end end)"):format(line))
    t:kill "sigterm"
    wait.till("the end", 20000, function() return t.code end)
    assert.equal(0, t.code)
    t:resume "stderr"
    t:wait_exit()
  end)
end)

describe("a file that is none", function()
  after_each(scope.finish)

  it("in the config's place is refused at once", function()
    local path = fifo(scope.folder() .. "/config.lua")
    for _, words in ipairs { { "check", path }, { "run", path } } do
      local code, out, err = tagline.command(words)
      assert.equal(1, code)
      assert.truthy((out .. err):find(path .. ": cannot be read: is a pipe (FIFO), not a file", 1,
        true), out .. err)
    end
  end)

  it("refuses a reload, and the old config goes on", function()
    local m = mosquitto.start()
    local path = scope.file("config.lua", (config:gsub("PORT", m.port):gsub("HANDLER", "nil")))
    local t = tagline.run(path)
    m:wait_subscribed "tagline-plant"
    fifo(path)
    t:kill "sighup"
    t:wait_log "is a pipe %(FIFO%), not a file"
    t:wait_log "not reloaded, the old config stays"
    m:publish("a", "1")
    assert.equal("1", t:value("plant.any.data").value)
    t:stop()
  end)

  it("is nothing that a handler could wait for", function()
    local m = mosquitto.start()
    local t = tagline.run(config,
      { PORT = m.port,
        HANDLER = ('function() local x = file %q return x end'):format(
          fifo(scope.folder() .. "/pipe")) })
    t:wait_log "config.lua:%d+: file: only while the config loads"
    m:publish("a", "1")
    assert.equal("1", t:value("plant.any.data").value)
    t:stop()
  end)
end)

describe("the log's format", function()
  after_each(scope.finish)

  local function stderr_of(arguments, env)
    local code, _, err = tagline.command({ "run", tagline.config 'line "p" { }',
      table.unpack(arguments) }, { env = env })
    assert.equal(1, code)
    return err
  end

  it("is JSON when that is asked for", function()
    local line = require "cjson".decode(stderr_of { "--log-format", "json" })
    assert.same({ "error", true, true },
      { line.level, line.text:find("config.lua:1: line 'p': expected host", 1, true) ~= nil,
        line.time ~= nil })
  end)

  it("is text elsewhere, also where a journal is named that stderr is not", function()
    assert.truthy(
      stderr_of({},
        { JOURNAL_STREAM = "1:1" }):find "^%d%d%d%d%-.-Z ERROR .*config.lua:1: line 'p': \z
          expected host")
  end)

  it("has priorities and no time where stderr is the journal's", function()
    local path = scope.folder() .. "/journal"
    local out = assert(uv.fs_open(path, "w", 420))
    local st = uv.fs_fstat(out)
    local handle, done = nil, false
    handle = uv.spawn(tagline.program(), { args = { "run", tagline.config 'line "p" { }' },
      stdio = { nil, nil, out },
      env = { "JOURNAL_STREAM=" .. st.dev .. ":" .. st.ino } },
        function() handle:close() done = true end)
    wait.till("the end", 20000, function() return done end)
    uv.fs_close(out)
    local text = io.open(path):read "a"
    assert.truthy(text:find "^<3>[^\n]*config.lua:1: line 'p': expected host", text)
  end)

  it("is coloured on a terminal, where nobody asks for none", function()
    local wrong = tagline.config 'line "p" { }'
    local function on_terminal(words, env) -- script(1) makes the terminal
      return select(2, process.run(process.find "script", { "-qec", ("%s run %s %s"):format(
        tagline.program(), wrong, words), "/dev/null" }, { env = env }))
    end
    local plain = { TERM = "xterm", NO_COLOR = false }
    assert.truthy(on_terminal("", plain):find "Z \27%[[%d;]+mERROR\27%[0?m .*expected host")
    assert.falsy(on_terminal("", { TERM = "xterm", NO_COLOR = "1" }):find "\27")
    assert.falsy(on_terminal("", { TERM = "dumb", NO_COLOR = false }):find "\27")
    assert.falsy(on_terminal("--log-format json", plain):find "\27")
    assert.falsy(stderr_of({}, plain):find "\27")
  end)

  it("is refused when it is another", function()
    local code, _, err = tagline.command { "run", "x.lua", "--log-format", "xml" }
    assert.equal(2, code)
    assert.truthy(err:find("--log-format: expected text or json, got 'xml'", 1, true))
  end)
end)
