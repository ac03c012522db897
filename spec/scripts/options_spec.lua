-- What the options of CMakeLists.txt leave out: the files that ask for them compile without
-- warnings, too, where one is off. That the program links then is not seen here.
local files = require "spec.support.files"
local process = require "spec.support.process"
local scope = require "spec.support.scope"
local tagline = require "spec.support.tagline"

local words = { "TAGLINE_HTTP", "TAGLINE_NATS", "TAGLINE_HAS_POSTGRES" }

-- The files of core/ that ask for one of these: path → the words.
local function asking()
  local list = {}
  local _, out = process.run(process.find "grep", { "-rn", "--include=*.[ch]", "^#if.*TAGLINE_",
    "core" })
  for path, line in out:gmatch "([^\n:]+):%d+:([^\n]*)" do
    for _, word in ipairs(words) do
      if line:find(word .. "%f[^%w_]") then
        list[path] = list[path] or {}
        list[path][word] = true
      end
    end
  end
  return list
end

describe("an option that is off", function()
  after_each(scope.finish)

  local commands = tagline.program():gsub("[^/]*$", "compile_commands.json")
  local text = files.read(commands)

  local function command_of(path)
    for entry in text:gmatch "%b{}" do
      if entry:find('"file": "[^"]*/' .. path:gsub("%p", "%%%0") .. '"') then
        return (entry:match '"command": "(.-)",?\n'):gsub('\\"', '"'):gsub('\\\\', '\\'),
          entry:match '"directory": "(.-)"'
      end
    end
  end

  it("is asked for in C files of which each is compiled", function()
    local seen = {}
    for path, of_file in pairs(asking()) do
      assert.matches("%.c$", path)
      local command, folder = command_of(path)
      assert.is_string(command, path)
      for word in pairs(of_file) do
        seen[word] = true
        local without = command:gsub("%-D" .. word .. "%f[%s]", ""):gsub(" %-o %S+", "")
          :gsub(" %-MD.- %-c ", " -c ")
        assert.is_nil(without:find("-D" .. word .. "%f[%s]"))
        local code, _, err = process.run("/bin/sh", { "-c", without .. " -fsyntax-only" },
          { cwd = folder })
        assert.equal(0, code, err)
      end
    end
    for _, word in ipairs(words) do assert.is_true(seen[word], word) end
  end)
end)
