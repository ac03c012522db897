-- The command line: usage, exit codes, and what check says.
local scenario = require "spec.support.scenario"
local process, scope, tagline = scenario "process scope tagline"

describe("the command line", function()
  after_each(scope.finish)

  for what, words in pairs {
    ["no command"] = {}, ["an unknown command"] = { "fly" },
      ["an unknown option"] = { "run", "x.lua", "--fly" },
    ["run without a config"] = { "run" }, ["check without a config"] = { "check" },
    ["an option without its value"] = { "run", "x.lua", "--socket" },
    ["an unknown log level"] = { "run", "x.lua", "--log-level", "loud" },
    ["two configs"] = { "check", "a.lua", "b.lua" },
  } do
    it("refuses " .. what .. " with exit code 2, and says where help is", function()
      local code, out, err = tagline.command(words)
      assert.equal(2, code, err)
      assert.equal("", out)
      assert.truthy(err:find("tagline.*%-%-help"), err)
    end)
  end

  it("names the command or option that was probably meant", function()
    for word, meant in pairs { rnu = "run", replya = "replay", ["--versoin"] = "--version",
      ["--hlep"] = "--help" } do
      local code, out, err = tagline.command { word }
      assert.same({ 2, "" }, { code, out })
      assert.truthy(err:find(("'%s'; did you mean '%s'?"):format(word, meant), 1, true), err)
    end
  end)

  it("gives help and version on stdout", function()
    for _, words in ipairs { { "--help" }, { "run", "--help" }, { "check", "--help" },
      { "repl", "--help" } } do
      local code, out, err = tagline.command(words)
      assert.same({ 0, "" }, { code, err })
      assert.truthy(out:find("tagline", 1, true), out)
    end
    local code, out, err = tagline.command { "--version" }
    assert.same({ 0, "" }, { code, err })
    assert.truthy(out:find("%d+%.%d+%.%d+"), out)
  end)

  it("fails when values are wanted and stdout was not open at all", function()
    local path =
      tagline.config(
        'line "p" { host = "127.0.0.1", port = 1, station "s" { address = "a", tags = {} } }')
    local script = 'exec "$0" run "$1" --values --socket "$2" >&-'
    local code, _, err = process.run("/bin/sh", { "-c", script, tagline.program(), path,
      scope.folder() .. "/socket" })
    assert.equal(1, code, err)
    assert.truthy(err:find("stdout is closed", 1, true), err)
  end)

  it("survives a start without stdin, stdout and stderr", function()
    local script = 'exec "$0" check "$1" <&- >&- 2>&-'
    local code = process.run("/bin/sh",
      { "-c", script, tagline.program(), tagline.config('line "p" {}') })
    assert.equal(1, code)
  end)

  it("fails on a config that is not there", function()
    for _, command in ipairs { "run", "check" } do
      local code, out, err = tagline.command { command, "/nonexistent/config.lua" }
      assert.equal(1, code)
      assert.truthy((out .. err):find("/nonexistent/config.lua", 1, true), out .. err)
    end
  end)

  it("prints every problem of a config as file, line and place, and exits 1", function()
    local path = tagline.config [[
line "plant" {
  host = 1883,
  Keep_alive = 30,
  station "a" { address = "x", tags = { t = Ai { "JA=x", default = "warm" } } },
  station "b" { tags = {} },
}
]]
    local code, out = tagline.command { "check", path }
    assert.equal(1, code)
    local lines = {}
    for line in out:gmatch("[^\n]+") do lines[#lines + 1] = line end
    local expected = {
      { 2, "line 'plant'", "host", "1883" },
      { 3, "line 'plant'", "Keep_alive", "did you mean 'keep_alive'?" },
      { 4, "line 'plant', station 'a', tag 't'", "default", "warm" },
      { 5, "line 'plant', station 'b'", "address" },
    }
    assert.equal(#expected, #lines, out)
    for at, words in ipairs(expected) do
      assert.equal(("%s:%d: "):format(path, words[1]), lines[at]:match("^.-:%d+: "))
      for n = 2, #words do assert.truthy(lines[at]:find(words[n], 1, true), lines[at]) end
    end
  end)

  it("runs nothing of a wrong config, and tells the same problems", function()
    local path = tagline.config 'line "plant" { port = 1 }\n'
    local code, out, err = tagline.command { "run", path, "--values" }
    assert.equal(1, code)
    assert.equal("", out)
    assert.truthy(err:find(path .. ":1: line 'plant': ", 1, true), err)
  end)

  it("finds nothing wrong in a sound config", function()
    local path = tagline.config [[
line "plant" { host = "127.0.0.1", payload_type = "JSON",
  station "a" { address = "x", tags = { t = Ai "JA=x" } } }
]]
    assert.same({ 0, "", "" }, { tagline.command { "check", path } })
  end)

  it("says when what it prints does not arrive; a reader that has enough is no failure", function()
    local config = tagline.config 'line "p" { host = "h", station "s" { address = "a" } }'
    for _, words in ipairs { "--version", "--help", "help", "help --options", "check --help",
      ("explain %q a /dev/null"):format(config) } do
      local sh = ("exec %q %s >%%s"):format(tagline.program(), words)
      local code, _, err = process.run("/bin/sh", { "-c", sh:format "/dev/full" })
      assert.equal(1, code, words)
      assert.truthy(err:find "^tagline: write to standard output: ", words .. err)
      if words == "--version" then assert.truthy(err:find "No space left on device$", err) end
    end
    local sh = ("{ %q --help; echo $? >&2; } | true"):format(tagline.program())
    assert.same({ 0, "", "0" }, { process.run("/bin/sh", { "-c", sh }) })
  end)
end)
