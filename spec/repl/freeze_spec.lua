-- freeze: where its file cannot be written whole.
local core = require "tagline.core"
local freeze = require "tagline.repl.freeze"
local scope = require "spec.support.scope"

local message = { topic = "a", payload = "b", line = "p", time = 1, qos = 0 }
local function explain()
  return { time = "",
    lines = { { tags = { { tag = "p.s.x", code = "new", status = "invalid" } } } } }
end

describe("freeze", function()
  after_each(scope.finish)

  it("leaves no file behind that it could not write", function()
    local path = scope.folder() .. "/a_spec.lua"
    local double = stub(core, "write_new_file")
    finally(function() double:revert() end)
    double.returns(nil, "No space left on device", false)
    local ok, why = pcall(freeze.freeze, explain, "c.lua", "/c.lua", message, path)
    assert.same({ false, ("freeze: %s: No space left on device"):format(path) }, { ok, why })
  end)

  it("says why there is no file", function()
    local ok, why = pcall(freeze.freeze, explain, "c.lua", "/c.lua", message, scope.folder()
      .. "/none/a_spec.lua")
    assert.falsy(ok)
    assert.truthy(why:find("/none/a_spec.lua: No such file or directory", 1, true), why)
  end)

  it("says one tag where it is one", function()
    local path = scope.folder() .. "/a_spec.lua"
    assert.equal(("1 tag in %s; run it with: tagline test %s"):format(path, path),
      freeze.freeze(explain, "c.lua", "/c.lua", message, path))
    assert.has_error(function() freeze.freeze(explain, "c.lua", "/c.lua", message, path) end,
      ("freeze: '%s' is there already; give another name"):format(path))
  end)
end)
