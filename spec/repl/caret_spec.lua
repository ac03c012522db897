-- Where in what was typed is the error?
local caret = require "tagline.repl.caret"

describe("the caret", function()
  -- The line of the caret, and the message before it; nil where there is none.
  local function add(code, message)
    local text = caret.add(code, message)
    if not text then return nil end
    return text:match "\n  ( *%^)$", (text:match "^[^\n]*"), text
  end

  local function compiled(code)
    local _, why = load(code, "=repl", "t")
    return why
  end

  for code, expected in pairs {
    ["1 +* 2"] = { "   ^", "repl:1: unexpected symbol near '*'" },
    ["x = = 3"] = { "    ^", "repl:1: unexpected symbol near '='" },
    ["for i 1 do end"] = { "      ^", "repl:1: '=' or 'in' expected near '1'" },
    ["if x the y end"] = { "     ^", "repl:1: 'then' expected near 'the'" },
    ["foo bar baz"] = { "    ^", "repl:1: syntax error near 'bar'" },
    ["local x = 5 5"] = { "            ^", "repl:1: unexpected symbol near '5'" },
  } do
    it("stands below the token of a syntax error: " .. code, function()
      local at, message = add(code, compiled(code))
      assert.equal(expected[1], at)
      assert.equal(expected[2], message)
    end)
  end

  it("stands behind code that ends too early", function()
    local at, message = add("tags['a'", compiled "tags['a'")
    assert.equal("        ^", at)
    assert.equal("repl:1: ']' expected at the end of the code", message)
  end)

  it("stands below the name of an error at run time, where that is there once", function()
    assert.equal("    ^", (add("a.b.c.d", "repl:1: attempt to index a nil value (field 'c')")))
    assert.equal("      ^", (add("lines.plnt.x", "repl:1: unknown word 'plnt'")))
    assert.is_nil(add("c.c", "repl:1: attempt to index a nil value (field 'c')"))
    assert.is_nil(add("a.b", "something else"))
    assert.is_nil(add("abc.c1", "repl:1: attempt to index a nil value (field 'c')"))
  end)

  it("shows the line of several, and columns of characters", function()
    local code = "x = 1\ny = 'é' )\nz = 2"
    local at, _, text = add(code, compiled(code))
    assert.equal("        ^", at)
    assert.truthy(text:find("\n  y = 'é' )\n", 1, true), text)
  end)

  it("is left out where the code is long, or would move a terminal", function()
    assert.is_nil(add(("x"):rep(700) .. " y", "repl:1: syntax error near 'y'"))
    assert.is_nil(add("x = '\27[2J' y", compiled "x = '\27[2J' y"))
  end)
end)
