-- Files as specs read, write and change them.
local files = require "spec.support.files"
local scope = require "spec.support.scope"

describe("support files", function()
  after_each(scope.finish)

  it("read back what was written, byte for byte", function()
    local path = scope.folder() .. "/x"
    for _, text in ipairs { "", "\0\r\n\xff", "shorter\n" } do
      assert.equal(path, files.write(path, text))
      assert.equal(text, files.read(path))
    end
  end)

  it("are changed in the first place only, and by text, not by pattern", function()
    local path = scope.file("x", "a.b a+b a+b")
    files.change(path, "a+b", "%1")
    assert.equal("a.b %1 a+b", files.read(path))
  end)

  it("raise where there is nothing to read, to write to or to change", function()
    local path = scope.file("x", "text")
    assert.has_error(function() files.change(path, "t.xt", "") end,
      ("'t.xt' is not in %s"):format(path))
    assert.equal("text", files.read(path))
    assert.is_false((pcall(files.read, path .. "/none")))
    assert.is_false((pcall(files.write, path .. "/none", "")))
  end)
end)
