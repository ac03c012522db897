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

describe("the documents for contributors", function()
  it("name files and functions that are there", function()
    local rows, functions = 0, 0
    for row in section("core/README.md", "Where is …"):gmatch "\n(|[^\n]+)" do
      local where = row:match "^|[^|]*|([^|]*)|" or ""
      local file
      for word in where:gmatch "`([^`]+)`" do
        if word:find "[A-Z*' ]" or word:find "^settings" then
          file = nil -- a pattern of names
        elseif word:find "%.[chl]" then
          file = assert(find(word), "no file " .. word)
          rows = rows + 1
        elseif file then
          functions = functions + 1
          assert.truthy(files.read(file):find("%f[%w_]" .. word .. " %("), file .. ": " .. word)
        end
      end
      for spec in row:gmatch "`(spec/[%w_/.]+)`" do
        assert.is_true(spec:find "NAME" ~= nil or exists(spec), spec)
      end
    end
    assert.is_true(rows > 15 and functions > 9)
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
