-- cmake --install gives a program that can be moved: it finds its Lua modules beside itself.
local scenario = require "spec.support.scenario"
local process, scope, tagline = scenario "process scope tagline"

describe("an installed tagline", function()
  after_each(scope.finish)

  it("runs from wherever it was moved to", function()
    local build = assert(tagline.program():match "^(.*)/tagline$")
    local folder = scope.folder()
    local code, out, err = process.run("/usr/bin/env", { "cmake", "--install", build, "--prefix",
      folder .. "/here" })
    assert.equal(0, code, out .. err)
    assert.truthy(os.rename(folder .. "/here", folder .. "/moved"))
    local config = tagline.config [[
      local hex = require "tagline.codec.hex"
      line "p" { host = "h", station "s" { address = "a", tags = { x = TxtI() },
        decode = function(m) return { x = hex.encode(m.payload) } end } }
    ]]
    code, out, err = process.run(folder .. "/moved/bin/tagline", { "check", config })
    assert.same({ 0, "", "" }, { code, out, err })
  end)

  it("says what it misses when its modules are gone", function()
    local folder = scope.folder()
    local code, out, err = process.run("/bin/cp", { tagline.program(), folder .. "/tagline" })
    assert.equal(0, code, out .. err)
    code, out, err = process.run(folder .. "/tagline", { "check", "x.lua" })
    assert.same({ 1, "" }, { code, out })
    assert.truthy(err:find("Lua modules are missing", 1, true), err)
  end)
end)
