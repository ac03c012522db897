-- The program's string and table functions against those of a plain Lua: the same answers to
-- the same questions, random ones and odd ones.
local scope = require "spec.support.scope"
local tagline = require "spec.support.tagline"

-- Runs in both: the cases' results as text. Errors count as such; their words may differ.
local answer = [==[
local function show(...)
  local all = table.pack(...)
  for i = 1, all.n do
    all[i] = type(all[i]) == "string" and ("%q"):format(all[i]) or tostring(all[i])
  end
  return table.concat(all, " ")
end
local function call(f, ...)
  local all = table.pack(pcall(f, ...))
  if not all[1] then return "error" end
  return show(table.unpack(all, 2, all.n))
end
local function collect(subject, pattern, init)
  local found = {}
  for a, b, c in string.gmatch(subject, pattern, init) do
    found[#found + 1] = show(a, b, c)
    if #found > 50 then break end
  end
  return table.concat(found, ";")
end
local function answers(case)
  local subject, pattern, init, replacement = table.unpack(case)
  local text = table.concat({
    call(string.find, subject, pattern, init), call(string.match, subject, pattern, init),
    call(collect, subject, pattern, init), call(string.gsub, subject, pattern, replacement),
    call(string.gsub, subject, pattern, function(a, b) return b and a .. b or a end, 3),
    call(string.gsub, subject, pattern, { a = "x", [1] = true }),
    call(string.find, subject, pattern, init, true),
  }, "|")
  -- what is printed moves no terminal
  return (text:gsub("[^ -~]", function(c) return ("<%d>"):format(string.byte(c)) end))
end
]==]

-- The same questions to this Lua and to the program; the cases that differ.
local function differences(cases)
  local text = { answer, "local cases = {\n" }
  for _, case in ipairs(cases) do
    text[#text + 1] = ("{%q,%q,%d,%q},\n"):format(case[1], case[2], case[3], case[4])
  end
  text[#text + 1] =
    '}\nfor _, case in ipairs(cases) do print(answers(case)) end\nline "p" { host = "h" }\n'
  local code, out, err = tagline.command { "check", tagline.config(table.concat(text)) }
  assert.equal(0, code, out .. err)
  local answers = load(answer .. " return answers")()
  local different, at = {}, 0
  for line in err:gmatch "[^\n]+" do
    at = at + 1
    local expected = answers(cases[at])
    if line ~= expected then
      different[#different + 1] = ("find(%q, %q, %d): expected %s, got %s"):format(cases[at][1],
        cases[at][2], cases[at][3], expected, line)
    end
  end
  assert.equal(#cases, at, err)
  return different
end

describe("patterns in the program", function()
  after_each(scope.finish)

  it("are refused when they nest deeper than Lua's may", function()
    local code, out, err = tagline.command { "check", tagline.config [[
      local ok, why = pcall(string.find, ("a"):rep(300), ("a?"):rep(300))
      assert(not ok and why:find "pattern too complex", why)
      assert(string.find(("a"):rep(100), ("a?"):rep(100)))
      line "p" { host = "h" }]] }
    assert.equal(0, code, out .. err)
  end)

  it("answer as Lua's on random subjects and patterns", function()
    math.randomseed(20261122)
    local pieces = { "a", "b", ".", "%a", "%d", "%s", "%w", "%W", "[ab]", "[^ab]", "[a-c]",
      "[%d%-]", "[]]", "[^]]", "%.", "%%", "(", ")", "()", "%1",
      "%2", "$", "^", "%b()", "%bab", "%f[%w]", "%f[^a]", "*", "+", "-", "?", "x", "1", " ",
        "\\0", "%z", "[", "]", "%", "%f", "%b", "[a-", "[%", "(.)" }
    local letters = { "a", "b", "c", "1", "2", " ", "(", ")", ".", "%", "-", "]", "x", "\0", "\n",
      "é" }
    local replacements = { "", "x", "%0", "%1", "<%1%2>", "%%", "%0%0", "%9", "%x", "%" }
    local function word(from, most)
      local parts = {}
      for i = 1, math.random(0, most) do parts[i] = from[math.random(#from)] end
      return table.concat(parts)
    end
    local cases = {}
    for i = 1, 6000 do
      cases[i] = { word(letters, 12), word(pieces, 6), math.random(-4, 14),
        replacements[math.random(#replacements)] }
    end
    assert.same({}, differences(cases))
  end)

  it("answer as Lua's at the edges", function()
    local cases = {}
    for _, pattern in ipairs { "", "^", "$", "^$", "()", "(()", ")", "(", "%", "[", "[]", "[^]",
      "[]a]", "[a-]", "[-a]", "[a-%a]", "[%a-z]", "%f", "%f[", "%b",
      "%bx", "%bxx", "%1", "(%1)", "(a)%1", "()%1", "^^a", "a$b", "a$", "%$", "[%", "[%]", "[%]]",
        "a**", "a-*", "a?b?", "-", "(a*(b*)())", "%a+%s*=%s*%a+",
      ("a?"):rep(30), ("(a)"):rep(32), ("(a)"):rep(33), ("a*"):rep(150), ("(a"):rep(40), "\0",
        "a\0b", "[\0-\31]", "%z", "%Z", "%g+", "%u%l", "%x+", "%c" } do
      for _, subject in ipairs { "", "a", "aa", "ab", "a=b", "  k = v ", "aXbX", "\0", "a\0b",
        "(a(b)c)", "xx", "]a-", "THE (quick) fox", ("a"):rep(40) } do
        for _, init in ipairs { 1, 2, -1, 0, 100, -100 } do
          cases[#cases + 1] = { subject, pattern, init, "[%0]" }
        end
      end
    end
    assert.same({}, differences(cases))
  end)
end)

describe("table functions in the program", function()
  after_each(scope.finish)

  it("answer as Lua's", function()
    local checks = [==[
local function show(t)
  local s = {}
  for i = 1, 12 do s[i] = tostring(t[i]) end
  return table.concat(s, ",")
end
local function try(name, f, ...)
  local all = table.pack(pcall(f, ...))
  for i = 1, all.n do all[i] = type(all[i]) == "table" and show(all[i]) or tostring(all[i]) end
  print(name, all[1] == "true" and table.concat(all, " ") or "error")
end
local function numbers(...) return { ... } end
for n = 0, 5 do
  for p = -1, 7 do
    local t = numbers(table.unpack({ 11, 12, 13, 14, 15 }, 1, n))
    try("insert", function() table.insert(t, p, "x") return t end)
    t = numbers(table.unpack({ 11, 12, 13, 14, 15 }, 1, n))
    try("remove", function() return table.remove(t, p), t end)
    t = { 1, 2, 3, 4, 5 }
    try("move", table.move, t, n, p, 2)
    t = { 1, 2, 3, 4, 5 }
    try("move", table.move, t, n, p, 4, { 9 })
    try("concat", table.concat, { 1, "b", 3.5 }, "-", n, p)
  end
end
try("insert", table.insert, {})
try("insert", table.insert, {}, 1, 2, 3)
try("insert", table.insert, "x", 1)
try("remove", table.remove, {})
try("remove", table.remove, { [0] = "z" }, 0)
try("concat", table.concat, { 1, {}, 3 })
try("concat", table.concat, {})
try("concat", table.concat, { "x" }, 5)
try("concat", table.concat, setmetatable({}, {
  __len = function() return 3 end, __index = function(_, i) return "v" .. i end }), ",")
try("move", table.move, { 1 }, math.mininteger, math.maxinteger, 2)
try("move", table.move, { 1 }, 1, math.maxinteger, 2)
try("sort", function() local t = { "b", "a", "c" } table.sort(t) return t end)
try("sort", function() local t = { 3, "a" } table.sort(t) return t end)
try("sort", function() local t = { 3, 1, 2 } table.sort(t, 5) return t end)
try("sort", function()
  local t = { 3, 1, 2 }
  table.sort(t, function(a, b) return a > b end)
  return t
end)
try("rep", string.rep, "ab", 3, "--")
try("rep", string.rep, "ab", -1)
try("rep", string.rep, "", 1e8)
try("rep", string.rep, "x", math.maxinteger)
try("rep", function()
  local s = ("abc"):rep(100003, "xy")
  return #s, s:sub(1, 20), s:sub(-20), select(2, s:gsub("abcxy", ""))
end)
local seed = 7
local function random(n)
  seed = (seed * 1103515245 + 12345) % 2147483648
  return seed // 65536 % n
end
for n = 0, 60 do
  local t, u = {}, {}
  for i = 1, n do t[i] = random(20) u[i] = -t[i] end
  table.sort(t)
  table.sort(u, function(a, b) return a > b end)
  for i = 1, n do assert(t[i] == -u[i] and (i == 1 or t[i - 1] <= t[i])) end
end
]==]
    local code, _, err = tagline.command { "check",
      tagline.config(checks .. 'line "p" { host = "h" }') }
    assert.equal(0, code, err)
    local expected = {}
    local env =
      setmetatable({ print = function(...) expected[#expected + 1] = table.concat({ ... },
        "\t") end }, { __index = _G })
    assert(load(checks, "=checks", "t", env))()
    assert.equal(table.concat(expected, "\n"), (err:gsub("%s+$", "")))
  end)
end)
