-- Handlers that try to run for ever, to take all memory, or to reach what is not theirs: each
-- costs its message, and no more.
local scenario = require "spec.support.scenario"
local broker, files, process, scope, tagline = scenario "broker files process scope tagline"

-- Milliseconds of the processor over the budget, for one call of C that cannot be interrupted.
-- With sanitizers, which make such a call ten times as slow, '%q' of a million NULs takes 340 in
-- all, and 500 was seen on a busy machine.
local sanitized = files.read(tagline.program()):find("__asan_init", 1, true) ~= nil
local SLACK = tonumber(os.getenv "SANDBOX_SLACK_MS") or (sanitized and 900 or 400)

-- Tricks by name. Each is the body of a decoder, and ends by its budget (time), for want of
-- memory (memory), or with an error.
local tricks = {
  { "a loop", "time", "while true do end" },
  { "a loop in a coroutine", "time", "coroutine.wrap(function() while true do end end)()" },
  { "a loop in a coroutine made earlier", "time",
    "kept = kept or coroutine.create(function() while true do end end) coroutine.resume(kept)" },
  { "a loop in a coroutine within coroutines", "time",
    "local function go(n) if n == 0 then while true do end end coroutine.wrap(go)(n - 1) \z
      end go(20)" },
  { "coroutines without end", "time",
    "while true do coroutine.resume(coroutine.create(function() while true do end end)) end" },
  { "a loop in __index", "time",
    "local t = setmetatable({}, { __index = function() while true do end end }) return t.x" },
  { "a loop in __newindex", "time",
    "local t = setmetatable({}, { __newindex = function() while true do end end }) t.x = 1" },
  { "a loop in a gsub callback", "time", "('x'):gsub('x', function() while true do end end)" },
  { "a loop in a sort comparison", "time",
    "table.sort({ 3, 2, 1 }, function() while true do end end)" },
  { "a loop in __lt, __concat, __len", "time",
    "local m = {} m.__lt = function() while true do end end return { x = setmetatable({}, m) < \z
      setmetatable({}, m) }" },
  { "pcall in a loop", "time", "while true do pcall(function() while true do end end) end" },
  { "pcall of pcall", "time", "local function f() while true do pcall(f) end end f()" },
  { "xpcall in a loop", "time",
    "while true do xpcall(function() while true do end end, function() while true do end \z
      end) end" },
  { "an xpcall handler that fails", "time",
    "xpcall(function() while true do end end, function() error('again') end) while true do end" },
  { "pcall in a coroutine in a loop", "time",
    "while true do coroutine.wrap(function() while true do pcall(function() while true do end \z
      end) end end)() end" },
  { "coroutine.wrap within pcall", "time",
    "while true do pcall(coroutine.wrap(function() while true do end end)) end" },
  { "__close", "time",
    "local x <close> = setmetatable({}, { __close = function() while true do end end }) while \z
      true do end" },
  { "__close in pcall", "time",
    "while true do pcall(function() local x <close> = setmetatable({}, { __close = function() \z
      while true do end end }) while true do end end) end" },
  { "__close of an ended coroutine", "time",
    "local co = coroutine.wrap(function() local x <close> = setmetatable({}, { __close = \z
      function() while true do end end }) while true do end end) co()" },
  { "__close of a coroutine that yields", "time",
    "local co = coroutine.create(function() local x <close> = setmetatable({}, { __close = \z
      function() while true do end end }) coroutine.yield() end) " ..
    "coroutine.resume(co) coroutine.close(co)" },
  { "a thousand __close", "time",
    "local function deep(n) local x <close> = setmetatable({}, { __close = function() while \z
      true do end end }) " ..
    "if n > 0 then deep(n - 1) else while true do end end end deep(150)" },
  { "an error object with __tostring", "error",
    "error(setmetatable({}, { __tostring = function() while true do end end }))" },
  { "an error object with __name", "error",
    "error(setmetatable({}, { __name = ('x'):rep(1e6) }))" },
  { "an error object in a coroutine", "error",
    "coroutine.wrap(function() error(setmetatable({}, { __tostring = function() while true do \z
      end end })) end)()" },
  { "a number as error", "error", "error(42)" },
  { "nil as error", "error", "error()" },
  { "patterns: a?a?a?", "time",
    "(('a'):rep(30)):find(('a?'):rep(30) .. ('a'):rep(30) .. 'b')" },
  { "patterns: .-.-.-.-b", "time", "(('a'):rep(3000)):find(('.-'):rep(4) .. 'b')" },
  { "patterns: a*a*a*a*b in match", "time", "(('a'):rep(3000)):match(('a*'):rep(6) .. 'b')" },
  { "patterns: in gsub", "time", "(('a'):rep(3000)):gsub(('.-'):rep(4) .. 'b', '')" },
  { "patterns: in gmatch", "time",
    "for _ in (('a'):rep(3000)):gmatch(('.-'):rep(4) .. 'b') do end" },
  { "patterns: long sets", "time", "(('a'):rep(1e6)):find('[' .. ('b'):rep(1e6) .. ']')" },
  { "patterns: nested too deep", "error",
    "(('a'):rep(3000)):find(('(a'):rep(31) .. ('a?'):rep(3000))" },
  { "plain find", "any", "(('a'):rep(2e7)):find(('a'):rep(1e7) .. 'b', 1, true)" },
  { "PCRE2: (a+)+$", "any",
    "while true do pcall(re.match, ('a'):rep(30) .. 'b', [[^(a+)+$]]) end" },
  { "PCRE2: in a JIT-compiled pattern", "any",
    "for i = 1, 1e9 do re.match('aaaaaaaaab' .. i % 10, [[(a|aa)+$]]) end" },
  { "PCRE2: recursion", "any",
    "while true do pcall(re.match, ('('):rep(1e5), [[^(\\((?1)*\\))*$]]) end" },
  { "PCRE2: many patterns", "time",
    "local i = 0 while true do i = i + 1 re.match('x', ('(a|b)*c'):rep(20) .. i) end" },
  { "table.sort of many numbers", "any",
    "local t = {} for i = 1, 2e6 do t[i] = i * 7919 % 1000003 end table.sort(t)" },
  { "table.sort with a C comparison", "time",
    "local t = {} for i = 1, 3e5 do t[i] = -i end while true do table.sort(t, math.ult) end" },
  { "table.move without end", "time", "table.move({}, 1, math.maxinteger - 1, 2)" },
  { "table.insert by a __len that lies", "time",
    "table.insert(setmetatable({}, { __len = function() return 1 << 60 end }), 1, 1)" },
  { "table.remove by a __len that lies", "time",
    "table.remove(setmetatable({}, { __len = function() return 1 << 60 end }), 1)" },
  { "table.concat by a __len that lies", "any",
    "table.concat(setmetatable({}, { __len = function() return 1 << 60 end, __index = \z
      function() return '' end }))" },
  { "table.concat with a long separator", "any",
    "local t = {} for i = 1, 1e5 do t[i] = 'x' end return { x = #table.concat(t, \z
      ('y'):rep(50000)) }" },
  { "table.unpack of many", "error", "return table.unpack({}, 1, 1e8)" },
  { "string.rep, large", "any", "return { x = #('x'):rep(1e9) }" },
  { "string.rep, larger than all", "error", "return { x = #('x'):rep(1 << 60) }" },
  { "string.rep in a loop", "any", "while true do local s = ('x'):rep(3e7) end" },
  { "string.upper of much", "any",
    "local s = ('x'):rep(5e7) while true do s = s:upper() end" },
  { "string.format of much", "any",
    "local s = ('x'):rep(3e7) while true do local t = ('%q %s'):format(s, s) end" },
  { "string.pack with a long format", "error", "string.pack(('x'):rep(1e7))" },
  { "concatenation of much", "any",
    "local s = ('x'):rep(3e7) while true do local t = s .. 'y' end" },
  { "doubling a string", "any", "local s = 'x' while true do s = s .. s end" },
  { "zlib, a bomb", "any", -- 64 KiB in 84 bytes
    "local part = '\\xec\\xc1\\x81\\0\\0\\0\\0\\x80\\x20\\xb6\\xfd\\xa5\\x16\\xa9\\x0a' .. \z
      ('\\0'):rep(63) .. '\\x6a\\0\\0\\0\\xff\\xff' " ..
    "return { x = #assert(zlib.inflate(part:rep(1e5), 4000000000)) }" },
  { "zlib, blocks without content", "time",
    "local text = ('\\0\\0\\0\\xff\\xff'):rep(8e5) while true do \z
      zlib.inflate(text) end" },
  { "zlib, a byte in a loop", "time",
    "while true do zlib.inflate '\\7' end" },
  { "utf8.len of much", "any", "local s = ('x'):rep(5e7) while true do utf8.len(s) end" },
  { "texts of NULs compared", "time",
    "local a, b = ('\\0'):rep(1e6) .. 'a', ('\\0'):rep(1e6) .. 'b' while true do local x = a < \z
      b end" },
  { "texts of NULs sorted", "time",
    "local t = {} for i = 1, 20 do t[i] = ('\\0'):rep(5e5) .. i end while true do \z
      table.sort(t) end" },
  { "numbers in long texts", "time",
    "local s = (' '):rep(1e6) .. '1' while true do local x = s + 1 end" },
  { "tonumber of much", "time", "local s = ('1'):rep(1e6) while true do tonumber(s, 36) end" },
  { "string.format %q of NULs", "any",
    "local s = ('\\0'):rep(1e6) while true do local x = ('%q'):format(s) end" },
  { "string.pack that fills up", "time", "while true do string.pack('c50000000', 'x') end" },
  { "string.find of a long plain text", "time",
    "local s = ('x'):rep(1e6) while true do ('x'):find(s) end" },
  { "utf8.char of many", "time",
    "local t = {} for i = 1, 2e5 do t[i] = 0x7fffffff end while true do \z
      utf8.char(table.unpack(t)) end" },
  { "next in an emptied table", "time",
    "local t = {} for i = 1, 1.5e5 do t[-i] = i end for i = 1, 1.5e5 do t[-i] = nil end while \z
      true do next(t) end" },
  { "samples of an emptied table", "any",
    "local t = {} for i = 1, 1.5e5 do t['n' .. i] = i end for i = 1, 1.5e5 do t['n' .. i] = nil \z
      end " ..
    "local list = {} for i = 1, 1e4 do list[i] = { values = t } end return list" },
  { "json.decode of blanks", "time",
    "local s = (' '):rep(1e6) .. '1' while true do json.decode(s) end" },
  { "json.encode of control characters", "any",
    "local s = ('\\1'):rep(3e5) while true do json.encode(s) end" },
  { "PCRE2: a long text", "time",
    "local s = ('x'):rep(1e6) while true do pcall(re.find, s, 'x*y') end" },
  { "PCRE2: a long text without regard to case", "time",
    "local s = ('é'):rep(5e5) while true do pcall(re.find, s, '(?i)ÉÉÉÉX') end" },
  { "pcall of what takes all memory", "memory",
    "local t = {} while true do pcall(function() while true do t[#t + 1] = { {} } end end) end" },
  { "thirty captures of a long text", "any",
    "local s, p = ('x'):rep(4e6), ('('):rep(30) .. '.*' .. (')'):rep(30) while true do \z
      s:match(p) end" },
  { "os.date with a long format", "error", "os.date(('%c'):rep(1e6))" },
  { "a table without end", "any", "local t = {} while true do t[#t + 1] = {} end" },
  { "tables within tables", "any", "local t = {} while true do t = { t, t } end" },
  { "a string without end", "any",
    "local t = {} while true do t[#t + 1] = ('x'):rep(1e6) .. #t end" },
  { "deep recursion", "error", "local function f() return 1 + f() end return f()" },
  { "recursion in __index", "error",
    "local t = setmetatable({}, { __index = function(t, k) return t[k .. 'x'] end }) \z
      return t.x" },
  { "an object that is its own __call", "time",
    "local t = {} setmetatable(t, { __call = t }) t()" },
  { "the same with room for many arguments", "time",
    "local t = {} setmetatable(t, { __call = t }) local n = select('#', table.unpack({}, 1, \z
      3e5)) pcall(t, n)" },
  { "a long chain of __call", "time",
    "local t = print for _ = 1, 1e5 do t = setmetatable({}, { __call = t }) end t()" },
  { "recursion in C", "error", "local function f(s) return s:gsub('.', f) end return f('x')" },
  { "recursion of pcall", "any", "local function f() pcall(f) error('x') end f()" },
  { "closing coroutines that close coroutines", "any", [[
    local all = {}
    for i = 1, 20000 do
      all[i] = coroutine.create(function()
        local x <close> = setmetatable({}, { __close = function()
          if all[i + 1] then coroutine.close(all[i + 1]) end
        end })
        coroutine.yield()
      end)
      coroutine.resume(all[i])
    end
    coroutine.close(all[1])
    error "all closed"]] },
  { "json.decode nested deep", "error", "json.decode(('['):rep(1e5) .. (']'):rep(1e5))" },
  { "json.encode of a table in itself", "error", "local t = {} t.t = t json.encode(t)" },
  { "json.encode of a doubled table", "any",
    "local t = {} for i = 1, 60 do t = { t, t } end json.encode(t)" },
  { "json.encode of a sparse array", "error", "json.encode { [1 << 31] = 1 }" },
  { "json.encode of NaN", "error", "json.encode { 0 / 0 }" },
  { "yield out of a decoder", "error", "coroutine.yield { x = 1 }" },
  { "yield out of a decoder, in pcall", "error",
    "error(select(2, pcall(coroutine.yield, 1)))" },
  { "closing the main thread", "error",
    "error(select(2, pcall(coroutine.close, (coroutine.running()))))" },
  { "msg of an earlier message", "error",
    "if not earlier then earlier = msg error 'first' end return { x = #earlier.payload }" },
  { "a result with a time that is none", "any", "return { x = 1 }, 0 / 0" },
  { "a million samples", "any",
    "local t = {} for i = 1, 1e6 do t[i] = { values = { x = i } } end return t" },
  { "a result with a loop in __index", "any",
    "return { setmetatable({}, { __index = function() while true do end end }) }" },
  { "string to number arithmetic", "error", "return { x = 'ten' + 1 }" },
  { "division by zero", "error", "return { x = 1 // 0 }" },
  { "modulo zero", "error", "return { x = 1 % 0 }" },
}

local function config (names)
  local bodies = {}
  for i, trick in ipairs(tricks) do
    bodies[i] = ("  function(msg) %s end,\n"):format(trick[3]:gsub("%s*\n%s*", " "))
  end
  local text = ([[
kept, earlier, zlib = false, false, require "tagline.codec.zlib"
local tricks = {
%s}
limits { handler_time = %s, memory = %d }
line "plant" {
  host = "127.0.0.1", port = PORT,
  station "s" {
    address = "s/(.*)",
    decode = function(msg)
      local number = math.tointeger(tonumber(msg.captures[1]))
      if number == 0 then return { x = tonumber(msg.payload) } end
      return tricks[number](msg)
    end,
    tags = { x = Ai { new_value_on_time_change = true } },
  },
  station "other" {
    address = "other", tags = { y = Ai { "IN_DATA", new_value_on_time_change = true } },
  },
}
]]):format(table.concat(bodies), names.time or "0.1", names.memory or 64 << 20)
  return text
end

local function start (names)
  local b = broker.new()
  local t = tagline.run((config(names or {}):gsub("PORT", tostring(b.port))))
  return t, b:handshake()
end

describe("a handler", function()
  local t, c, id, count

  setup(function()
    t, c = start()
    id, count = 0, 0
  end)
  teardown(scope.finish)

  local function publish (topic, payload)
    id = id % 65535 + 1
    c:send("PUBLISH", { topic = topic, payload = payload, qos = 1, id = id })
    assert.equal(id, c:expect("PUBACK").id)
  end

  -- The line of the log that names the trick's line of the config.
  local function said_of(number)
    local place = "config.lua:" .. number + 2 .. ":"
    for _, line in ipairs(t:lines "stderr") do
      if line:find(place, 1, true) then return line end
    end
  end

  for number, trick in ipairs(tricks) do
    local name, kind = trick[1], trick[2]
    it("with " .. name .. " costs its message", function()
      for _ = 1, 2 do -- what it leaves behind must not spare it, or harm others
        local took = t:cpu_during(function() publish("s/" .. number, "") end) * 1000
        assert.is_true(took < 100 + SLACK, ("took %.0f ms"):format(took))
        if os.getenv "SANDBOX_PRINT" then print(("%6.1f ms  %s"):format(took, name)) end
        -- once for each distinct error, and the log may come later
        local said = said_of(number)
        if said then
          assert.truthy(said:find("ERROR plant.s: decode: ", 1, true), said)
          if kind == "time" then
            assert.truthy(said:find("took longer than handler_time (0.1 s)", 1, true), said)
          end
          if kind == "memory" then
            assert.truthy(said:find("not enough memory", 1, true)
              or said:find("took longer", 1,
              true), said)
          end
        end
        count = count + 1
        publish("s/0", tostring(count))
        repeat until t:value("plant.s.x").value == count
      end
      publish("other", tostring(count))
      assert.equal(count, t:value("plant.other.y").value)
    end)
  end

  it("told of most of them, each at its place", function()
    local told = 0
    for number in ipairs(tricks) do told = told + (said_of(number) and 1 or 0) end
    assert.is_true(told > #tricks / 2, told)
  end)

  it("ran each of them, and the process is well", function()
    local code, out =
      t:eval "local d = stations['plant.s'].stats.handlers.decode print(d.calls, d.errors, \z
        d.longest >= 0.1, d.time > 1)"
    assert.equal(0, code)
    assert.equal(("%d"):format(#tricks * 4), out:match "^(%d+)")
    assert.truthy(out:find("true%s+true"), out)
    t:stop()
  end)
end)

describe("the sandbox of a config", function()
  after_each(scope.finish)

  local function check (text)
    local code, out, err = tagline.command { "check", tagline.config(text) }
    return code, out, err
  end

  it("holds nothing that leads out of it", function()
    local code, out, err = check [[
      local function none(...)
        for i, value in ipairs { ... } do if value then error("there is something: " .. i) end end
      end
      local names = {}
      for name in pairs(_G) do names[name] = true end
      for _, name in ipairs { "io", "debug", "package", "load", "loadstring", "loadfile", "dofile",
        "collectgarbage", "rawget", "rawset", "module", "setfenv" } do
        if names[name] then error(name) end
      end
      none(string.dump, ("x").dump, getmetatable "", getmetatable(print), getmetatable(1),
        os.execute, os.exit, os.getenv, os.remove, os.rename, os.tmpname, os.setlocale,
        math.randomseed)
      local ok, why = pcall(string.rep) -- what errors and tracebacks give away is text
      assert(type(why) == "string")
      assert(not pcall(setmetatable, "", {}) and not pcall(setmetatable, {}, { __gc = print })
        and not pcall(setmetatable, _G, {}))
      assert(not pcall(setmetatable, {}, { __mode = "k" }))
      assert(select("#", coroutine.running()) == 2 and type(coroutine.running()) == "thread")
      for _, name in ipairs { "tagline.core", "tagline.config.load", "debug", "io", "../x",
        "cjson.safe" } do
        assert(not pcall(require, name))
      end
      local _, why = pcall(require, "tagline.nothing") -- where it was looked for
      assert(why:find("nothing.lua", 1, true) and not why:find("%.so"), why)
      assert(setmetatable({}, { __mode = "v" }) and setmetatable({}, { __mode = "kv" }))
      local t = setmetatable({}, {}) getmetatable(t).__gc = function() error "ran" end
      t = nil
      line "p" { host = "h" }
    ]]
    assert.equal(0, code, out .. err)
  end)

  it("takes no bytecode, not in files either", function()
    local bytecode = string.dump(function() return 1 end)
    local code, out, err = tagline.command { "check", scope.file("config.lua", bytecode) }
    assert.equal(1, code)
    assert.truthy((out .. err):find("attempt to load a binary chunk", 1, true), out .. err)
    local path = tagline.config 'local x = require "part" line "p" { host = "h" }'
    scope.file("part.lua", bytecode, path:match "^(.*)/")
    code, out, err = tagline.command { "check", path }
    assert.equal(1, code)
    assert.truthy((out .. err):find("attempt to load a binary chunk", 1, true), out .. err)
  end)

  it("opens with --unsafe", function()
    local code, out, err = tagline.command { "check", "--unsafe", tagline.config [[
      assert(io and os.getenv and load and debug and rawset)
      assert(require "cjson"._VERSION and require "json" == json) -- lua-cjson itself, and ours
      line "p" { host = "h" }]] }
    assert.equal(0, code, out .. err)
  end)
end)

describe("a handler within a handler", function()
  after_each(scope.finish)

  it("has no more time than is left of the outer one", function()
    local b = broker.new()
    local t = tagline.run([[
      limits { handler_time = 2 }
      line "plant" { host = "127.0.0.1", port = PORT,
        station "s" { address = "s", tags = { x = Ai {} },
          decode = function()
            local till = os.clock() + 1.5
            while os.clock() < till do end
            tags["plant.out.v"]:write("1")
            return { x = 1 }
          end },
        station "out" { address = "out", tags = { v = TxtO {} },
          encode = function() while true do end end },
      }]], { PORT = b.port })
    local c = b:handshake()
    local before = t:cpu()
    c:send("PUBLISH", { topic = "s", payload = "x", qos = 1, id = 1 })
    c:expect "PUBACK"
    local used = t:cpu() - before -- of the processor, which others use too
    assert.is_true(used > 1.9 and used < 3, used)
    local _, out = t:eval [[
      local inner = stations["plant.out"].stats.handlers.encode
      local outer = stations["plant.s"].stats.handlers.decode
      print(inner.errors, outer.calls)]]
    assert.equal("1\t1", (out:gsub("%s+$", "")))
    t:stop()
  end)
end)

describe("the time of a handler", function()
  after_each(scope.finish)

  it("is the processor's: a process that did not run meanwhile has not used it up", function()
    local b = broker.new()
    local t = tagline.run([[
      limits { handler_time = 1 }
      line "plant" { host = "127.0.0.1", port = PORT, station "s" { address = "s",
        decode = function(msg)
          local began = os.clock()
          while os.clock() - began < 0.1 do end
          print "begun"
          while os.clock() - began < 0.4 do end
          return { x = 1 }
        end, tags = { x = Ai {} } } }]], { PORT = b.port })
    local c = b:handshake()
    local clock = tagline.run [[after(1.5, function() print "time passed" end)
      line "p" { host = "127.0.0.1", port = 1 }]]
    c:send("PUBLISH", { topic = "s", payload = "", qos = 1, id = 1 })
    t:wait_log "begun"
    t:kill "sigstop"
    clock:wait_log "time passed"
    t:kill "sigcont"
    assert.equal(1, c:expect("PUBACK").id)
    assert.equal("valid", t:value("plant.s.x").status)
  end)

  it("is not that of others when it loops for longer", function()
    local b = broker.new()
    local t = tagline.run([[line "plant" { host = "127.0.0.1", port = PORT,
      station "s" { address = "s", tags = { x = Ai {} },
        decode = function(msg) while true do end end } }]], { PORT = b.port })
    local c = b:handshake()
    local before = t:cpu()
    for id = 1, 5 do
      c:send("PUBLISH", { topic = "s", payload = "", qos = 1, id = id })
      c:expect "PUBACK"
    end
    local used = (t:cpu() - before) / 5
    assert.is_true(used > 0.08 and used < 0.1 + SLACK / 1000, used)
  end)

  it("is watched by a timer without which no config runs", function()
    local path = tagline.config 'line "p" { host = "h" }'
    local code, _, err = process.run("bash", { "-c", 'ulimit -i 0; exec "$0" check "$1"',
      tagline.program(), path })
    assert.equal(1, code)
    assert.truthy(
      err:find(
        "cannot watch over scripts: the system has no timer left for this user (ulimit -i)", 1,
          true), err)
  end)
end)

describe("loading", function()
  after_each(scope.finish)

  it("has a budget of its own that a config cannot catch", function()
    local path = tagline.config "while true do pcall(function() while true do end end) end"
    local code, out, err = tagline.command({ "check", path },
      { processor = 30, milliseconds = 600000 })
    assert.equal(1, code)
    -- a problem like any other
    assert.truthy(out:find "^[^\n]*/config%.lua:1: took longer than 10%.0 s\n?$", out .. err)
    assert.equal("", err)
  end)
end)
