-- "Where is …" in core/README.md leads strangers: the files, functions and specs that it names are
-- there, and so are the files that .github/CONTRIBUTING.md says to add to.
local files = require "spec.support.files"

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

-- A file as a document names it: beside the core's rooms, or from the top.
local function find(name)
  for _, folder in ipairs { "core/", "", "lua/tagline/codec/", "core/sandbox/" } do
    if exists(folder .. name) then return folder .. name end
  end
end

local function section(path, head)
  return assert(files.read(path):match("\n## " .. head .. "\n(.-)\n## "), head)
end

-- Checks the files and functions of one part: a file, then functions of it. Adds to `count`.
local function check_part(part, count)
  local file
  for word in part:gmatch "`([^`]+)`" do
    if word:find "[A-Z*…]" or word:find "/$" then
      file = nil -- a pattern of names
    elseif word:find "%.[chl][ua]*$" then
      file = assert(find(word), "no file " .. word)
      count.files = count.files + 1
    elseif file then
      count.functions = count.functions + 1
      assert.truthy(files.read(file):find("%f[%w_]" .. word .. " ?%("), file .. ": " .. word)
    end
  end
end

local function check_cell(cell, count)
  for part in cell:gmatch "[^;]+" do check_part(part, count) end
end

-- The names of all parameters that shapes.lua has.
local function parameters()
  local names = {}
  for _, name in ipairs { "shapes", "transport" } do
    local text = files.read("lua/tagline/config/" .. name .. ".lua")
    for word in text:gmatch '{ "([%l_][%l_]+)", [%w.]+[,(]' do names[word] = true end
  end
  return names
end

describe("the documents for contributors", function()
  it("name files and functions that are there", function()
    local count, rows = { files = 0, functions = 0 }, 0
    for row in section("core/README.md", "Where is …"):gmatch "\n(|[^\n]+)" do
      rows = rows + 1
      check_cell(row:match "^|[^|]*|([^|]*)|" or "", count)
      for spec in row:gmatch "`(spec/[%w_/.]+)`" do
        assert.is_true(spec:find "NAME" ~= nil or exists(spec), spec)
      end
    end
    assert.is_true(rows > 60 and count.files > 70 and count.functions > 60)
  end)

  it("name for each parameter the function that acts on it", function()
    local text = section("core/README.md", "Where is …"):match "### What a parameter does\n(.*)"
    for name in pairs(parameters()) do
      local head = name:find "^tls_" and "`tls_" or "`" .. name .. "`"
      assert.truthy(text:find(head, 1, true), name)
    end
    local count = { files = 0, functions = 0 }
    check_cell(text:match "\nOf `limits`: ([^\n]+)", count)
    assert.is_true(count.functions == 3)
  end)

  it("say of each thing that is added where it goes", function()
    local count = 0
    for word in section(".github/CONTRIBUTING.md", "How to add …"):gmatch "`([%w_/.]+/[%w_/.]+)`" do
      if not word:find "[A-Z]" and not word:find "%.%.%." then
        assert.is_true(exists(word), word)
        count = count + 1
      end
    end
    assert.is_true(count > 15)
  end)
end)
