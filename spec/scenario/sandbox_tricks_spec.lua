-- Three hundred ways to keep the loop: whatever a decoder does, a message of another line
-- waits for at most a call's time, values of other stations go on, and SIGTERM ends the
-- process. What each trick gives, or fails with, is not asked here (sandbox_budget_spec).
local scenario = require "spec.support.scenario"
local broker, scope, tagline = scenario "broker scope tagline"

-- Milliseconds of processor time from before a trick's message until another line's is
-- acknowledged: handler_time, and room for what cannot be interrupted. (What only a busy machine
-- adds is not there each time: a trick holds the loop when it does so thrice.)
local MOST = tonumber(os.getenv "SANDBOX_TRICK_MS") or 200

local tricks = {}

local function add (name, body) tricks[#tricks + 1] = { name, body } end

-- Each of `list` (a text, or { name, text }) in place of % in the pattern.
local function each (list, name, pattern)
  for _, item in ipairs(list) do
    local text = type(item) == "table" and item[2] or item
    local shown = type(item) == "table" and item[1] or item
    local body = pattern:gsub("%%%%", function() return text end)
    add(name .. ": " .. shown, body)
  end
end

local LONG = "local long = ('x'):rep(3e6) "
local BYTES = "local long = ('\\0\\xff'):rep(1.5e6) "
local DIGITS = "local long = ('9'):rep(3e6) "

-- Loops of every form.
each({
  "while true do end", "repeat until false", "for i = 1, math.huge do end",
    "for i = 1, 1 << 62 do end",
  "::again:: goto again", "for i = 1, 0, -0.0000001 do end for i = 0, 1, 1e-12 do end",
  "local function f() return f() end return f()",
    "local f, g f = function() return g() end g = function() return f() end return f()",
  "local function f(...) return f(1, ...) end return f()",
    "local t = {} while true do t[#t + 1] = #t end",
  "local t = {} while true do t[tostring(#t)] = t t = {} end",
    "local s = '' while true do s = s .. 'x' end",
  "local i = 0 while true do i = i + 1 local t = { i, i, i, i } end",
    "while true do local f = function() return msg end end",
  "while true do coroutine.create(print) end", "while true do string.format('%d', 5) end",
  "for _ in next, setmetatable({}, {}) do end while true do next({}) end",
  "local t = setmetatable({}, { __pairs = function(t) return function() return 1 end end }) for \z
    k in pairs(t) do end",
  "for i in ipairs(setmetatable({}, { __index = function(_, i) return i end })) do end",
  "local x <const> = 1 while x == 1 do end",
}, "a loop", "%%")

-- Every metamethod, endless.
each({
  { "__add", "__add = e }, 1 + t" }, { "__sub", "__sub = e }, t - 1" },
    { "__mul", "__mul = e }, t * 1" },
  { "__div", "__div = e }, t / 1" }, { "__mod", "__mod = e }, t % 1" },
    { "__pow", "__pow = e }, t ^ 1" },
  { "__unm", "__unm = e }, -t" }, { "__idiv", "__idiv = e }, t // 1" },
    { "__band", "__band = e }, t & 1" },
  { "__bor", "__bor = e }, t | 1" }, { "__bxor", "__bxor = e }, t ~ 1" },
    { "__shl", "__shl = e }, t << 1" },
  { "__shr", "__shr = e }, t >> 1" }, { "__bnot", "__bnot = e }, ~t" },
    { "__concat", "__concat = e }, t .. 'x'" },
  { "__len", "__len = e }, #t" }, { "__eq", "__eq = e }, t == u" },
    { "__lt", "__lt = e }, t < u" },
  { "__le", "__le = e }, t <= u" }, { "__index", "__index = e }, t.x" },
    { "__call", "__call = e }, t()" },
  { "__tostring", "__tostring = e }, tostring(t)" }, { "__pairs", "__pairs = e }, pairs(t)" },
  { "__name", "__name = ('x'):rep(1e6) }, tostring(t) .. tostring(t)" },
}, "a metamethod", [[
  local e, t, u = function() while true do end end, {}, {}
  local function run(meta) setmetatable(t, meta) setmetatable(u, meta) end
  local source = "%%"
  local meta = { __add = e, __sub = e, __mul = e, __div = e, __mod = e, __pow = e, __unm = e, __idiv = e, __band = e, __bor = e,
    __bxor = e, __shl = e, __shr = e, __bnot = e, __concat = e, __len = e, __eq = e, __lt = e, __le = e, __index = e,
    __call = e, __tostring = e, __pairs = e }
  run(meta)
  local name = source:match "^[%w_]+"
  local act = { __add = function() return 1 + t end, __sub = function() return t - 1 end, __mul = function() return t * 1 end,
    __div = function() return t / 1 end, __mod = function() return t % 1 end, __pow = function() return t ^ 1 end,
    __unm = function() return -t end, __idiv = function() return t // 1 end, __band = function() return t & 1 end,
    __bor = function() return t | 1 end, __bxor = function() return t ~ 1 end, __shl = function() return t << 1 end,
    __shr = function() return t >> 1 end, __bnot = function() return ~t end, __concat = function() return t .. "x" end,
    __len = function() return #t end, __eq = function() return t == u end, __lt = function() return t < u end,
    __le = function() return t <= u end, __index = function() return t.x end, __call = function() return t() end,
    __tostring = function() return tostring(t) end, __pairs = function() return pairs(t) end,
    __name = function() setmetatable(t, { __name = ("x"):rep(1e6) }) while true do tostring(t) end end }
  act[name]() ]])

-- Functions of the library on long texts, again and again.
each({
  "long:byte(1, 5000)", "long:find('y')", "long:find('y', 1, true)", "long:find('x*y')",
    "long:find('(x-)y')", "long:find('[^x]')",
  "long:find('%f[y]')", "long:find('x-x-x-y')", "long:find(('x'):rep(1000) .. 'y', 1, true)",
    "long:match('^(.-)$')",
  "long:match('.-.-.-z')", "long:gmatch('x*z')()", "long:gsub('x', 'yy')",
    "long:gsub('x', '%0%0')", "long:gsub('x', { x = 'y' })",
  "long:gsub('', 'y')", "long:gsub('.', function() end)", "long:gsub('x+', '%1%1%1')",
    "long:len()", "long:lower()", "long:upper()",
  "long:rep(2)", "long:rep(1000, long)", "long:reverse()", "long:sub(2)", "long:format()",
    "('%s'):format(long)",
  "('%q'):format(long)", "('%-99s'):format(long)", "('%.99f'):format(1e308)",
    "('%a'):format(1.1)",
  "string.pack('s4', long)", "string.pack('z', long)",
    "string.unpack('s4', string.pack('s4', long))", "string.unpack('z', long .. '\\0')",
  "string.packsize(('i4'):rep(1000))", "string.unpack(('B'):rep(200), long)", "utf8.len(long)",
    "utf8.codepoint(long, 1, 5000)",
  "utf8.offset(long, 2e6)", "utf8.offset(long, -2e6)", "utf8.char(long:byte(1, 5000))",
    "tonumber(long)", "tonumber(long, 36)",
  "math.tointeger(long)", "long < long .. 'a'", "long == long .. 'a'", "long .. long",
    "#(long .. 1)", "tostring(long)",
  "json.decode('\"' .. long .. '\"')", "json.encode(long)", "json.encode { long, long }",
    "json.decode(long)", "re.match(long, '(x+x+)+y')",
  "re.find(long, 'y')", "re.find(long, '(?i)Y')", "re.find(long, '(?=x{1000})y')",
    "re.match(long, '^(x?){50}y')",
  "table.concat({ long, long, long, long }, long)", "select('#', long:byte(1, 5000))",
    "rawequal(long, long .. 'x')", "rawlen(long)",
  "os.date(long:sub(1, 1e5))", "os.time { year = 1 }", "pcall(error, long)", "error(long)",
    "assert(false, long)", "print(#long)",
  "explain('bad/1', long)", "explain(long, 'x')", "messages(long:sub(1, 60000))", "tags[long]",
    "stations[long]", "lines[long]",
  "lines['bad']:publish(long, 'x')",
}, "a long text", LONG .. "while true do pcall(function() local result = (%%) end) end")
each({
  "utf8.len(long)", "utf8.len(long, 1, -1, true)", "json.encode(long)", "json.decode(long)",
    "long:find('%z')", "long:gsub('%z', '')",
  "('%q'):format(long)", "long < long .. '\\0'", "string.unpack('z', long)",
    "re.find(long, '\\\\x{ff}')", "tonumber(long)",
  "explain('bad/1', long)",
}, "bytes that are no text",
  BYTES .. "while true do pcall(function() local result = (%%) end) end")
each({
  "tonumber(long)", "tonumber(long, 10)", "long + 1", "long * 1.5", "-long",
    "math.tointeger(long)", "math.floor(long)", "json.decode(long)",
  "('%d'):format(long)", "long | 1", "os.date('%c', long)", "string.pack('i8', long)",
    "utf8.char(long)",
}, "digits", DIGITS .. "while true do pcall(function() local result = (%%) end) end")

-- Deep and wide values.
each({
  "json.encode(deep)", "json.encode(wide)", "table.concat(wide)", "table.concat(wide, ',')",
    "table.sort(wide)",
  "table.sort(wide, function(a, b) return a > b end)",
    "table.sort(wide, function() return true end)", "table.move(wide, 1, #wide, 2)",
  "table.insert(wide, 1, 1)", "table.remove(wide, 1)", "table.unpack(wide, 1, 5000)",
    "table.pack(table.unpack(wide, 1, 200))",
  "next(wide, #wide)", "#wide", "select(-1, table.unpack(wide, 1, 5000))", "rawlen(wide)",
    "tags['bad.s.out']:write(deep)",
  "lines['bad']:set(wide)", "lines['bad']:set(deep)", "explain(wide)", "explain(deep)",
    "explain('bad/1', 'x', wide)",
  "messages(wide)", "setmetatable({}, wide)", "setmetatable(wide, deep)",
    "coroutine.wrap(pairs)(wide)", "math.max(table.unpack(wide, 1, 5000))",
  "string.char(table.unpack(wide, 1, 200))", "utf8.char(table.unpack(wide, 1, 5000))",
    "json.decode(json.encode(wide))",
  "os.time(wide)", "os.date('*t', wide[1])",
    "string.pack(('B'):rep(200), table.unpack(wide, 1, 200))",
}, "deep and wide", [[
  local deep, wide = {}, {}
  for i = 1, 2e4 do deep = { deep } end
  for i = 1, 2e5 do wide[i] = i % 251 end
  while true do pcall(function() local result = (%%) end) end]])

-- What a decoder returns.
each({
  "deep", "wide", "{ deep }", "{ wide }", "wide, wide", "deep, deep, deep",
    "setmetatable({}, { __index = wide })",
  "setmetatable({}, { __len = function() while true do end end })",
    "setmetatable({}, { __pairs = function() while true do end end })",
  "{ x = deep }", "{ x = { value = deep } }", "{ x = ('1'):rep(3e6) }",
    "{ out = ('x'):rep(3e6) }", "{ [('x'):rep(3e6)] = 1 }",
  "samples", "names", "{ { time = 0 / 0, values = wide } }",
    "{ { time = 1, values = names } }",
    "wide[1], 1e300", "{ x = 1 }, ('x'):rep(3e6)",
  "nil, nil, ('x'):rep(3e6)", "coroutine.wrap(function() while true do end end)", "print",
    "0 / 0",
}, "a result", [[
  local deep, wide, samples, names = {}, {}, {}, {}
  for i = 1, 2e4 do deep = { deep } end
  for i = 1, 1e5 do wide[i] = i end
  for i = 1, 3e4 do samples[i] = { time = i, values = { x = i } } end
  for i = 1, 1e5 do names["n" .. i] = i end
  return %%]])

-- The collector.
each({
  { "weak keys from the start", "setmetatable({}, { __mode = 'k' })" },
  { "weak keys that come later",
    "(function() local m = {} local t = setmetatable({}, m) m.__mode = 'k' return t end)()" },
  { "weak keys by another text",
    "(function() local m = {} local t = setmetatable({}, m) m.__mode = 'ephemeral: k' return t \z
      end)()" },
  { "weak values", "setmetatable({}, { __mode = 'v' })" },
    { "weak both", "setmetatable({}, { __mode = 'kv' })" },
  { "no metatable", "{}" },
}, "a chain in a table", [[
  if kept then return { x = #kept } end
  local t = %%
  local key, all = {}, {}
  kept = { t, key }
  for i = 1, 3e4 do
    local nextkey = {}
    all[i] = { key, nextkey }
    key = nextkey
  end
  for i = #all, 1, -1 do local pair = all[i] t[pair[1] ] = pair[2] end
  all = nil
  local garbage
  for i = 1, 1e6 do garbage = { i } end]])
each({
  "local t = {} for i = 1, 3e5 do t[i] = coroutine.create(print) end kept = t",
    "local t for i = 1, 1e6 do t = { t } end kept = t",
  "local t = {} for i = 1, 1e6 do t['k' .. i] = true end kept = t",
    "local t = {} for i = 1, 3e5 do t[i] = function() return t, i end end kept = t",
  "local t = {} for i = 1, 1e6 do t[i] = i end for i = 1, 1e6 do t[i] = nil end kept = t while \z
    true do next(t) end",
  "local t = {} for i = 1, 1e6 do t[-i] = i end for i = 1, 1e6 do t[-i] = nil end t[1] = 1 \z
    while true do next(t, 1) end",
  "local t = {} while true do t = { t, t } end",
    "local s = {} for i = 1, 1e5 do s[i] = ('x'):rep(40) .. i end kept = s",
  "local co = coroutine.wrap(function() local function deep() deep() end deep() end) pcall(co) \z
    kept = co",
  "local x for i = 1, 100 do x = setmetatable({}, { __index = x }) end while true do local y = \z
    x.missing end",
  "local x for i = 1, 3000 do x = setmetatable({}, { __index = x }) end while true do \z
    pcall(function() return x.missing end) end",
  "local x = {} setmetatable(x, { __index = x }) while true do pcall(function() return \z
    x.missing end) end",
  "local x = {} for i = 1, 100 do x = setmetatable({}, { __newindex = x }) end while true do \z
    x.y = nil end",
}, "memory", "%%")

-- Words of handlers.
each({
  "tags['bad.s.x']", "tags['bad.s.x'].value", "stations['bad.s'].tags",
    "stations['bad.s'].stats",
    "lines['bad'].stats", "lines['bad'].stations",
  "pairs(tags)", "messages()", "messages('#')", "messages('#', 1e6)", "messages('bad/#')[1]",
    "explain(tags['bad.s.x'])", "explain('bad/2', 'x')",
  "explain('bad/#', 'x')", "explain('nowhere', 'x')", "stations['bad.s']:off()",
    "stations['bad.s']:on()", "stations['bad.s']:simulate(true)",
  "stations['bad.s']:simulate(false)", "lines['bad']:publish('a', 'b')",
    "lines['bad']:publish('a', 'b', { qos = 1 })",
  "lines['bad']:publish('a', 'b', { qos = 2 })",
    "lines['bad']:publish('a', 'b', function() while true do end end)",
  "lines['bad']:set { keep_alive = 60 }", "tags['bad.s.out']:write('x')",
    "tags['bad.s.out']:write('x', function() while true do end end)",
  "coroutine.wrap(function() tags['bad.s.out']:write('x') while true do end end)()",
    "after(0, function() end)",
  "after(0, function() while true do end end)",
    "every(0.001, function() while true do end end)",
    "print('x')", "reload()",
  "tostring(tags['bad.s.x'])", "tostring(lines)", "tags['bad.s.x'] == tags['bad.s.x']",
}, "a word of handlers",
  "local n = 0 while n < 2000 do n = n + 1 pcall(function() local result = (%%) end) end")

-- Writes of much: what the line's queue takes is another matter.
each({
  "lines['bad']:publish('x', long)", "lines['bad']:publish('x', long, { qos = 1 })",
    "tags['bad.s.out']:write(long)",
  "tags['bad.s.out']:write(long, function() while true do end end)",
    "lines['bad']:publish(long, long)",
}, "a large write",
  "local long = ('x'):rep(1e5) for _ = 1, 20 do pcall(function() local result = (%%) end) end")

-- pcall, xpcall, error, coroutines around an endless loop.
each({
  "pcall(e)", "pcall(pcall, e)", "xpcall(e, e)", "xpcall(error, e)",
    "pcall(error, setmetatable({}, { __tostring = e }))",
  "coroutine.wrap(e)()", "coroutine.resume(coroutine.create(e))",
    "coroutine.wrap(coroutine.wrap)(e)()", "pcall(coroutine.wrap(e))",
  "coroutine.close(coroutine.create(e))", "table.sort({ 2, 1, 3 }, e)", "('x'):gsub('x', e)",
    "('x'):gsub('x', setmetatable({}, { __index = e }))",
  "select(2, pcall(string.rep))", "json.encode(setmetatable({}, { __len = e, __index = e }))",
    "tostring(setmetatable({}, { __tostring = e }))",
  "table.concat(setmetatable({}, { __len = e, __index = e }))",
    "table.unpack(setmetatable({}, { __len = e, __index = e }))",
  "print(setmetatable({}, { __tostring = e }))", "error(setmetatable({}, { __tostring = e }))",
    "pcall(pcall, pcall, pcall, pcall, e)",
  "(function() local x <close> = setmetatable({}, { __close = e }) end)()",
    "(function() local x <close> = setmetatable({}, { __close = e }) error() end)()",
  "explain('bad/1', setmetatable({}, { __tostring = e }))",
    "rawlen(setmetatable({}, { __len = e }))",
  "rawequal(setmetatable({}, { __eq = e }), setmetatable({}, { __eq = e }))",
    "next(setmetatable({}, { __pairs = e }))",
  "select('#', e(), e())", "math.max(1, setmetatable({}, { __lt = e }))",
    "('%s'):format(setmetatable({}, { __tostring = e }))",
  "string.rep(setmetatable({}, { __tostring = e }), 2)", "#setmetatable({}, { __len = e })",
    "utf8.char(setmetatable({}, { __tostring = e }))",
  "table.insert(setmetatable({}, { __len = e, __newindex = e }), 1)",
    "table.move({ 1, 2 }, 1, 2, 1, setmetatable({}, { __newindex = e }))",
  "ipairs(setmetatable({}, { __index = e }))", "coroutine.isyieldable(coroutine.create(e))",
    "lines['bad']:publish(setmetatable({}, { __tostring = e }), 'x')",
}, "caught",
  "local function e() while true do end end while true do pcall(function() local result = (%%) \z
    end) end")

-- Codecs, those that are there.
each({
  "cbor", "msgpack", "senml", "protobuf", "cayenne_lpp", "sparkplug_b", "lorawan", "base64",
    "hex", "zlib",
}, "a codec", [[
  local ok, codec = pcall(require, "tagline.codec.%%")
  if not ok then return end
  local long = { ("\x9f"):rep(1e5), ("\x81"):rep(1e5), ("["):rep(1e5), ("\x0a\x02"):rep(1e5), ("\0"):rep(1e6), ("A"):rep(1e6), ("\xff"):rep(1e6) }
  while true do
    for name, f in pairs(codec) do
      for _, text in ipairs(long) do
        if type(f) == "function" then pcall(f, text) pcall(f, { text }) pcall(f, { payload = text, topic = "x" }) end
      end
    end
  end]])

local function config ()
  local bodies = {}
  for i, trick in ipairs(tricks) do
    bodies[i] = ("  function(msg) %s\n end,\n"):format((trick[2]:gsub("%s*\n%s*", " ")))
  end
  return ([[
kept = false
local codecs = {}
for _, name in ipairs { "cbor", "msgpack", "senml", "protobuf", "cayenne_lpp", "sparkplug_b", "lorawan", "base64", "hex", "zlib" } do
  pcall(require, "tagline.codec." .. name)
end
local tricks = {
%s}
limits { memory = 64 * 2^20 }
line "bad" {
  host = "127.0.0.1", port = BAD, topic_filter = "bad/#", max_queued = 1000,
  station "s" {
    address = "bad/(.*)",
    decode = function(msg)
      local number = math.tointeger(tonumber(msg.captures[1]))
      if number then return tricks[number](msg) end
    end,
    tags = { x = Ai {}, out = TxtO "OUT_VALUE", to = TxtO { "OUT_TOPIC", default = "out" } },
  },
}
line "good" {
  host = "127.0.0.1", port = GOOD, topic_filter = "good",
  on_value = function(tag) seen = tag.value end,
  station "s" { address = "good", tags = { x = Ai { "IN_DATA", new_value_on_time_change = true } } },
}
seen = 0
]]):format(table.concat(bodies))
end

describe("the loop is not held", function()
  local t, b, c, number

  local function start ()
    local bad, good = broker.new(), broker.new()
    t = tagline.run(config(), { BAD = bad.port, GOOD = good.port })
    b, c = bad:handshake(), good:handshake()
    number = 0
  end

  setup(start)
  teardown(scope.finish)

  for index, trick in ipairs(tricks) do
    it("by " .. trick[1], function()
      local most, tries = math.huge, 0
      while most > MOST and tries < 3 do
        most, tries = 0, tries + 1
        for turn = 1, 4 do -- what it leaves behind must not harm others either
          number = number % 65535 + 1
          local before = t:cpu()
          if turn % 2 == 1 then b:send("PUBLISH", { topic = "bad/" .. index, payload = "x" }) end
          c:send("PUBLISH", { topic = "good", payload = tostring(number), qos = 1, id = number })
          assert.equal(number, c:expect("PUBACK", 60000).id)
          most = math.max(most, (t:cpu() - before) * 1000)
          assert.equal(number, t:value("good.s.x", 60000).value)
        end
      end
      if os.getenv "SANDBOX_PRINT" then print(("%6.0f ms  %s"):format(most, trick[1])) end
      assert.is_true(most <= MOST,
        ("a message of another line waited for %.0f ms"):format(most))
    end)
  end

  it("and there are three hundred of them, and SIGTERM ends it", function()
    assert.is_true(#tricks >= 300, #tricks)
    local took = t:ends_by_sigterm()
    assert.is_true(took < 1, took)
  end)
end)
