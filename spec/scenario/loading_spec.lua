-- A config that is being loaded acts on nothing that runs: at its start, in check, in a reload, dry
-- or not, right or wrong.
local uv = require "luv"
local scenario = require "spec.support.scenario"
local broker, files, scope, tagline, wait = scenario "broker files scope tagline wait"

local CONFIG = [[
line "l" {
  host = "127.0.0.1", port = PORT,
  station "s" { address = "s", tags = {
    x = Ai "IN_DATA", out = TxtO "OUT_VALUE", to = TxtO { "OUT_TOPIC", default = "out" },
  } },
}
]]

-- Every word that looks at what runs, or acts on it, and what its error begins with.
local words = {
  { "stations['l.s']:off()", "lines, stations and tags" },
  { "stations['l.s']:simulate(true)", "lines, stations and tags" },
  { "tags['l.s.out']:write('x')", "lines, stations and tags" },
  { "lines.l:publish('a', 'b')", "lines, stations and tags" },
  { "lines['l']:set { keep_alive = 5 }", "lines, stations and tags" },
  { "lines['l']:reconnect()", "lines, stations and tags" },
  { "for _, s in pairs(stations) do s:off() end", "lines, stations and tags" },
  { "for _, l in pairs(lines) do l:reconnect() end", "lines, stations and tags" },
  { "for _, t in pairs(tags) do print(t.value) end", "lines, stations and tags" },
  { "coroutine.wrap(function() stations['l.s']:off() end)()", "lines, stations and tags" },
  { "select(2, next(setmetatable({ stations['l.s'] }, {})))", "lines, stations and tags" },
  { "explain('s', '1')", "explain" },
  { "messages()", "messages" },
  { "reload()", "reload" },
}

describe("a config that is being loaded", function()
  after_each(scope.finish)

  for _, word in ipairs(words) do
    it("acts on nothing in check: " .. word[1], function()
      local path = tagline.config(word[1] .. "\n" .. CONFIG, { PORT = 1 })
      local code, out, err = tagline.command { "check", path }
      assert.equal(1, code, err)
      out = out .. err
      assert.truthy(out:find("config.lua:1: " .. word[2] .. ": ", 1, true), out)
    end)
  end

  it("acts on nothing in a reload, right or wrong, dry or not", function()
    local b = broker.new()
    local t = tagline.run(CONFIG, { PORT = b.port })
    local c = b:handshake()
    local text = files.read(t.config_path)
    for i, word in ipairs(words) do
      for _, tail in ipairs { "", "line {}" } do
        local file = assert(io.open(t.config_path, "w"))
        file:write(("local ok, why = pcall(function() %s end) print(ok, why)\n%s%s"):format(
          word[1], text, tail))
        file:close()
        for _, call in ipairs { "reload { dry = true }", "reload()" } do
          local _, out, err = t:eval(call)
          assert.truthy(tail == "" and out ~= "" or err ~= "", out .. err)
        end
      end
      c:send("PUBLISH", { topic = "s", payload = tostring(i), qos = 1, id = 1 })
      assert.equal(1, c:expect("PUBACK").id) -- no other packet has come
      assert.equal(i, t:value("l.s.x").value)
    end
    local _, printed = t:text "stderr":gsub("\nfalse\t", "")
    assert.equal(#words * 4, printed)
    t:stop()
  end)

  it("sees what runs in its handlers and timers", function()
    local b = broker.new()
    local t = tagline.run([[
      after(0, function() print('seen', tags['l.s.x'].name, stations['l.s'].name) end)
      ]] .. CONFIG, { PORT = b.port })
    t:wait_log "seen\tx\ts"
    b:handshake()
    t:stop()
  end)

  it("ends at SIGTERM, also when it would load for ever", function()
    local t = tagline.run [[
      print "loading" while true do pcall(function() while true do end end) end]]
    t:wait_log "loading"
    local took = t:ends_by_sigterm()
    assert.is_true(took < 1, took)
    assert.truthy(t:text "stderr":find("SIGTERM while the config was loading: ending", 1, true))
    assert.falsy(t:text "stderr":find "ERROR")
  end)

  -- Calls of a shell, in which a script waits without an instruction of Lua.
  local WAITS = [[os.execute "echo waits >&2; exec >&- 2>&-; read _ <'PIPE'"]]
  local UNSAFE = { arguments = { "--unsafe" } }
  local pipe

  -- A process whose script waits; `first`: the config that it starts with, before it is told to
  -- read this one.
  local function waiting(text, first)
    pipe = scope.folder() .. "/pipe"
    assert(os.execute(("mkfifo '%s'"):format(pipe)))
    text = text:gsub("WAITS", (WAITS:gsub("PIPE", pipe))):gsub("PORT", "1")
    local t = tagline.run(tagline.config(first or text, { PORT = 1 }), {}, UNSAFE)
    if first then
      t:wait_log "on"
      files.write(t.config_path, text)
      t:kill "sighup"
    end
    t:wait_log "^waits"
    return t
  end

  -- Exit code and log, when it has ended and the shell, too.
  local function ended(t)
    local code = t:wait_exit()
    wait.till("a shell that waits", nil, function()
      local fd = uv.fs_open(pipe, uv.constants.O_WRONLY | uv.constants.O_NONBLOCK, 0)
      return fd and uv.fs_close(fd)
    end)
    return code, t:text "stderr"
  end

  it("ends at SIGTERM, also while it waits in a call of its own (--unsafe)", function()
    local t = waiting "\nWAITS"
    t:kill "sigterm"
    local code, said = ended(t)
    assert.equal(0, code, said)
    assert.truthy(said:find("WARN  SIGTERM while the config was loading, and it does not return: \z
      ending\n", 1, true), said)
    assert.truthy(said:find "in Lua, .-\n[^\n]+%[C%]\n[^\n]+config.lua:2\n", said)
  end)

  it("is watched by its own stall_time from there on", function()
    local code, said = ended(waiting "limits { stall_time = 0.3 }\nWAITS")
    assert.equal(1, code, said)
    assert.truthy(said:find "ERROR the config has not gone on loading for [%d.]+ s %(limits: \z
      stall_time = 0%.3%): ending, to be started again\n", said)
    assert.truthy(said:find("config.lua:2", 1, true), said)
  end)

  it("ends at SIGTERM while it is read again and waits, and so does a handler", function()
    local first = "after(0, function() print 'on' end)\n" .. CONFIG
    for _, text in ipairs { "WAITS",
      "limits { handler_time = 0.01 } after(0, function() WAITS end)\n" .. CONFIG } do
      local t = waiting(text, first)
      t:kill "sigterm"
      local code, said = ended(t)
      assert.equal(1, code, said)
      assert.truthy(said:find "ERROR SIGTERM, but the loop has not turned for [%d.]+ s: \z
        ending without DISCONNECT\n", said)
      assert.truthy(said:find("config.lua:1", 1, true), said)
    end
  end)

  it("is read again when SIGHUP came meanwhile", function()
    local path = tagline.config('print "loading" repeat until file "gate" == "open"\n' .. CONFIG,
      { PORT = 1 })
    local gate = path:match "^.*/" .. "gate"
    files.write(gate, "closed")
    local t = tagline.run(path)
    t:wait_log "loading"
    t:kill "sighup"
    files.write(gate, "open")
    t:wait_log "config.lua: reloaded"
    t:stop()
  end)

  it("may have a text longer than a script may make", function()
    local path = tagline.config(("-- %s\n"):format(("x"):rep(96)):rep(60000) .. CONFIG,
      { PORT = 1 })
    local code, out, err = tagline.command { "check", path }
    assert.equal(0, code, out .. err)
  end)

  it("has lua-cjson itself with --unsafe, and the safe module without", function()
    local text = "local c = require 'cjson' print(c._NAME, c.new ~= nil)\n" .. CONFIG
    local path = tagline.config(text, { PORT = 1 })
    local _, _, err = tagline.command { "check", path }
    assert.truthy(err:find("nil\tfalse", 1, true), err)
    _, _, err = tagline.command { "check", "--unsafe", path }
    assert.truthy(err:find("cjson\ttrue", 1, true), err)
  end)

  it("frees little at a time, however large what it makes", function()
    local code, out, err = tagline.command { "check", "--unsafe", tagline.config([[
      local chain, most, sum, texts = nil, 0, 0, {}
      for _ = 1, 100000 do chain = { chain } end
      chain = nil
      for i = 1, 100 do
        local before = collectgarbage "count"
        texts[i] = ("x"):rep(100000)
        local freed = before + #texts[i] / 1024 - collectgarbage "count"
        most, sum = math.max(most, freed), sum + math.max(freed, 0)
      end
      assert(sum > 6000 and most < 2500, ("%.0f of %.0f KB at once"):format(most, sum))
]] .. CONFIG, { PORT = 1 }) }
    assert.equal(0, code, out .. err)
  end)
end)
