-- The programs of scripts/bench, which no other build compiles: they keep up with core/. What
-- needs the headers of a peer that is not installed is left out.
local process = require "spec.support.process"
local scope = require "spec.support.scope"

describe("scripts/bench", function()
  after_each(scope.finish)

  it("has programs that compile without a warning", function()
    local compiled = 0
    local _, list = process.run("/bin/sh", { "-c", "ls scripts/bench/*.c" })
    for path in list:gmatch "%S+" do
      local code, _, err = process.run(process.find "cc", { "-std=c11", "-D_GNU_SOURCE",
        "-DTAGLINE_HAS_POSTGRES", "-Icore", "-fsyntax-only", "-Wall", "-Wextra", "-Wshadow",
        "-Werror", path })
      if not err:find "fatal error: [^\n]*: No such file" then
        assert.equal(0, code, err)
        compiled = compiled + 1
      end
    end
    assert.is_true(compiled >= 8, compiled)
  end)
end)
