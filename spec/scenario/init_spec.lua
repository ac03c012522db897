-- `tagline init`: a folder to begin with.
local cjson = require "cjson"
local scenario = require "spec.support.scenario"
local files, scope, tagline = scenario "files scope tagline"

local NAMES = { "plant.lua", "meter.lua", "spec/plant_spec.lua", ".luarc.json" }

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

describe("init", function()
  after_each(scope.finish)

  it("makes a folder whose config passes check, and whose tests pass", function()
    local folder = scope.folder() .. "/my plant"
    local code, out, err = tagline.command { "init", folder }
    assert.equal(0, code, err)
    for _, name in ipairs(NAMES) do
      assert.truthy(exists(folder .. "/" .. name), name)
      assert.truthy(out:find(folder .. "/" .. name, 1, true), out)
    end
    assert.truthy(out:find("Next: cd '" .. folder .. "' && tagline check plant.lua && tagline test",
      1, true), out)
    code, out = tagline.command { "check", folder .. "/plant.lua" }
    assert.equal(0, code, out)
    assert.equal("", out)
    code, out = tagline.command({ "test", "--output", "TAP" }, { cwd = folder })
    assert.equal(0, code, out)
    assert.truthy(out:find "ok 4 %- ", out)
    assert.is_nil(out:find "not ok")
    -- from anywhere
    code = tagline.command { "test", folder .. "/spec" }
    assert.equal(0, code)
  end)

  it("tells editors where the library is", function()
    local folder = scope.folder()
    assert.equal(0, (tagline.command({ "init" }, { cwd = folder })))
    local rc = cjson.decode(files.read(folder .. "/.luarc.json"))
    assert.equal("Lua 5.4", rc["runtime.version"])
    local library = rc["workspace.library"][1]
    assert.truthy(exists(library .. "/tagline.lua"), library)
    local example = cjson.decode(files.read "examples/.luarc.json")
    assert.truthy(exists("examples/" .. example["workspace.library"][1] .. "/tagline.lua"))
    example["workspace.library"], rc["workspace.library"] = nil, nil
    assert.same(rc, example)
  end)

  it("overwrites nothing: where one file is there it writes none", function()
    for _, name in ipairs { "plant.lua", ".luarc.json" } do
      local folder = scope.folder()
      scope.file(name, "mine", folder)
      local code, out, err = tagline.command { "init", folder }
      assert.equal(1, code)
      assert.equal("", out)
      assert.truthy(err:find(folder .. "/" .. name .. ": is there already; nothing was written", 1,
        true), err)
      assert.equal("mine", files.read(folder .. "/" .. name))
      for _, other in ipairs(NAMES) do
        assert.equal(other == name, exists(folder .. "/" .. other), other)
      end
    end
  end)

  it("says what is wrong with a folder", function()
    local path = scope.file("file", "x")
    local code, _, err = tagline.command { "init", path }
    assert.equal(1, code)
    assert.truthy(err:find("is there, and no folder", 1, true) or err:find("Not a directory", 1,
      true), err)
    code, _, err = tagline.command { "init", "/nowhere/at/all" }
    assert.equal(1, code)
    assert.truthy(err:find("/nowhere/at/all: No such file or directory", 1, true), err)
    assert.equal(2, (tagline.command { "init", "a", "b" }))
  end)
end)
