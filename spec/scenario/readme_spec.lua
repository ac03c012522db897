-- README.md is true: its config is the example it names, its values are what comes out, its
-- transcripts are what the REPL says.
local files = require "spec.support.files"
local mosquitto = require "spec.support.mosquitto"
local scope = require "spec.support.scope"
local tagline = require "spec.support.tagline"

-- The fenced blocks of one language, in order.
local function blocks(text, language)
  local found = {}
  for block in text:gmatch("\n```" .. language .. "\n(.-\n)```") do found[#found + 1] = block end
  return found
end

-- Times, ages, ports and counts differ from run to run: every number is alike, and so is the
-- room that it takes.
local function shape(text)
  return (text:gsub("%d+", "0"):gsub("0%.0", "0"):gsub("[ \t]+", " "):gsub(" *\n", "\n"))
end

-- { code, expected output } of each "> " line.
local function steps(block)
  local list = {}
  for line in block:gmatch "([^\n]*)\n" do
    local code = line:match "^> (.*)$"
    if code then list[#list + 1] = { code, "" }
    else list[#list][2] = list[#list][2] .. line .. "\n" end
  end
  return list
end

-- Every step of the transcripts, one after the other; an error is shown with "error: " before
-- it. What a prompt shows as nil and a reason is an error with -e.
local function answers(t, text)
  local all = steps(assert(blocks(text, "tagline")[1]))
  assert.truthy(#all >= 5)
  for _, step in ipairs(all) do
    local expected = step[2]:match "^error: (.*)$" or step[2]:match "^nil  (.*)$"
    local code, out, err = t:eval(step[1])
    assert.equal(expected and 1 or 0, code, err)
    out = expected and err or out
    assert.equal(shape(expected or step[2]),
      shape(out == "" and "" or (out:gsub("\n*$", "")) .. "\n"), step[1])
  end
end

local function start(m)
  local t = tagline.run("examples/first.lua", nil,
    { env = { TAGLINE_HOST = "127.0.0.1", TAGLINE_PORT = tostring(m.port) } })
  m:wait_subscribed "tagline-plant"
  return t
end

describe("lua/doc/console.md", function()
  after_each(scope.finish)

  it("shows the answers of the running example", function()
    local m = mosquitto.start()
    local t = start(m)
    for _, message in ipairs { { "boiler/up", "boiler-1.json" },
      { "meter-3/up", "meter-1.txt" } } do
      m:publish("plant/" .. message[1], files.read("examples/first/" .. message[2]), { qos = 1 })
    end
    t:wait_line '"tag":"plant.meters.amps"'
    answers(t, files.read "lua/doc/console.md")
    t:stop()
  end)
end)

describe("README.md", function()
  after_each(scope.finish)
  local text = files.read "README.md"

  it("shows the example as it is", function()
    local code = files.read("examples/first.lua"):gsub("^%-%-.-\n\n", "")
    assert.equal(code, blocks(text, "lua")[1])
  end)

  it("has no config that check complains of", function()
    for at, block in ipairs(blocks(text, "lua")) do
      local path = scope.file("readme-" .. at .. ".lua", block)
      assert.same({ 0, "", "" }, { tagline.command { "check", path } }, block)
    end
  end)

  it("shows the values and the answers of the running example", function()
    local m = mosquitto.start()
    local t = start(m)
    for _, message in ipairs { { "boiler/up", "boiler-1.json" }, { "meter-3/up", "meter-1.txt" },
      { "boiler/up", "boiler-4.json" } } do
      m:publish("plant/" .. message[1], files.read("examples/first/" .. message[2]), { qos = 1 })
    end
    local values = assert(blocks(text, "json")[1])
    local _, count = values:gsub("\n", "")
    while #t:lines() < count do t:wait_line "." end
    assert.equal(shape(values), shape(table.concat(t:lines(), "\n", 1, count) .. "\n"))

    answers(t, text)
    t:stop()
  end)

  it("names files that exist", function()
    for path in text:gmatch "`([%w_/]+%.md)`" do assert.truthy(files.read(path), path) end
    for path in text:gmatch "scripts/[%w_/%.]*%w" do
      assert.truthy(pcall(files.read, path) or pcall(files.read, path .. "/README.md"), path)
    end
  end)
end)
