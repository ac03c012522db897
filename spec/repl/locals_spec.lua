-- Locals that survive their line (lua/tagline/repl/locals.lua).
local keep = require("tagline.repl.locals").keep

describe("tagline.repl.locals", function()
  -- Chunks one after another, as lines of a session; gives its variables.
  local function session(...)
    local env = setmetatable({}, { __index = _G })
    for _, code in ipairs { ... } do assert(load(keep(code) or code, "=chunk", "t", env))() end
    return setmetatable(env, nil)
  end

  it("makes variables of the outermost locals", function()
    assert.same({ x = 1, y = 2, z = 3 }, session("local x = 1", "local y, z = x + 1, x + 2"))
    assert.equal(7, session("local function f() return 7 end", "r = f()").r)
    assert.equal(120, session("local function f(n) return n < 2 and 1 or n * f(n - 1) end",
      "r = f(5)").r)
    assert.same({ a = 1, b = 2 }, session "local a <const>, b <const> = 1, 2")
    assert.equal(3, session("local x", "x = (x or 2) + 1").x)
    assert.equal(1, session("local x;local y = 1\nx = y").x)
  end)

  it("leaves what is local to a block", function()
    for _, code in ipairs {
      "do local x = 1 end", "for i = 1, 2 do local x = i end",
        "if true then local x = 1 else local y = 2 end",
      "repeat local x = 1 until x", "while nil do local x end", "f = function() local x = 1 end",
        "function g() local x end",
      "x = { function() local y = 1 return y end }",
    } do
      assert.is_nil(keep(code), code)
    end
    assert.same({ y = 2 }, session "do local x = 1 end local y = 2")
    assert.same({ y = 2 }, session "while nil do local x end if nil then local z end local y = 2")
  end)

  it("sees through strings and comments", function()
    for _, code in ipairs {
      "x = 'local y = 1'", 'x = "\\"local y"', "x = [[\nlocal y]]", "x = [==[ ]] local y ]==]",
        "-- local y\nx = 1",
      "--[[ local y\n]] x = 1", "--[==[\nlocal y ]] ]==] x = 1", "x = 0xlocal and 1",
        "locale = 1", "x = 'end'",
    } do
      assert.is_nil(keep(code), code)
    end
    assert.equal("      x = 'do' --[[ end ]]       y = 2",
      keep "local x = 'do' --[[ end ]] local y = 2")
  end)

  it("keeps every line where it is", function()
    local code = "local\nx\n<\nconst\n>\n=\n1\nlocal y"
    local _, before = code:gsub("\n", "")
    local _, after = keep(code):gsub("\n", "")
    assert.equal(before, after)
    assert.same({ x = 1 }, session(code))
  end)

  it("does not touch what must be closed at its end, and _ENV", function()
    assert.is_nil(keep "local x <close> = f()")
    assert.is_nil(keep "local _ENV = {}")
  end)

  it("ends on code that is cut anywhere", function()
    local code =
      "local a <const>, b = 'x\\'y', [==[ z ]==] --[[ c ]] local function f() return 1.5e3 end"
    for n = 0, #code do keep(code:sub(1, n)) end
  end)
end)
