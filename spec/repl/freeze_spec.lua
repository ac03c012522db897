-- freeze: where its file cannot be written whole.
local freeze = require "tagline.repl.freeze"
local scope = require "spec.support.scope"

local message = { topic = "a", payload = "b", line = "p", time = 1, qos = 0 }
local function explain() return { time = "", lines = { { tags = { { tag = "p.s.x", code = "new", status = "invalid" } } } } } end

describe("freeze", function()
  after_each(scope.finish)

  it("leaves no file behind that it could not write", function()
    local path = scope.folder() .. "/a_spec.lua"
    local open, opened = io.open, nil
    local double = stub(io, "open")
    finally(function() double:revert() end)
    double.invokes(function(file, mode)
      local real = open(file, mode)
      if mode ~= "wb" then return real end
      opened = true
      return { write = function() return nil, "disk full" end, close = function() return real:close() end }
    end)
    local ok, why = pcall(freeze.freeze, explain, "c.lua", "/c.lua", message, path)
    assert.same({ false, ("freeze: '%s' could not be written"):format(path) }, { ok, why })
    assert.truthy(opened)
    assert.is_nil(open(path))
  end)

  it("says one tag where it is one", function()
    local path = scope.folder() .. "/a_spec.lua"
    assert.equal(("1 tag in %s; run it with: tagline test %s"):format(path, path), freeze.freeze(explain, "c.lua", "/c.lua", message, path))
    assert.has_error(function() freeze.freeze(explain, "c.lua", "/c.lua", message, path) end,
      ("freeze: '%s' is there already; give another name"):format(path))
  end)
end)
