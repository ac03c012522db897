-- The user's reference (lua/doc/) says the same of each parameter as the shapes that check it.
local documents = require "spec.support.documents"
local files = require "spec.support.files"
local shapes = require "tagline.config.shapes"

--- The rows of a section's tables, by each name in their first column.
local function rows(text, section)
  local body = assert((text .. "\n## "):match("\n## " .. section .. "\n(.-)\n## "), section)
  local found = {}
  for line in body:gmatch "[^\n]+" do
    local first = line:match "^|([^|]*)|"
    for name in (first or ""):gmatch "`([%w_]+)`" do found[name] = line end
  end
  return found
end

describe("the reference", function()
  local text = files.read "lua/doc/config.md" .. "\n" .. files.read "lua/doc/handlers.md"
  local all = shapes.new(require "tagline.core")

  local sections = { ["Line parameters"] = "line", ["Station parameters"] = "station",
    ["Tag options"] = "tag",
    Limits = "limits" }
  for section, kind in pairs(sections) do
    local found = rows(text, section)
    for _, name in ipairs(all[kind].names) do
      local default = all[kind].fields[name].default
      it(("tells of %s's %s and its default"):format(kind, name), function()
        local row = assert(found[name], "no row")
        if type(default) == "number" then
          assert.truthy(row:find(("`%s`"):format(default), 1, true), row)
        end
        if type(default) == "boolean" then
          assert.truthy(row:find(("`%s`"):format(default), 1, true), row)
        end
        if type(default) == "string" and default ~= "" and default ~= "text" then
          assert.truthy(row:find(('`"%s"`'):format(default), 1, true), row)
        end
      end)
    end
    it("has no row in " .. section .. " that is no field", function()
      for name in pairs(found) do
        assert.truthy(all[kind].fields[name] or kind == "tag" and name:match "^[A-Z]", name)
      end
    end)
  end

  it("has examples that load clean", function()
    local load = require "tagline.config.load"
    -- json.pick is the program's own; a plain Lua has none.
    local json = require "cjson"
    json.pick = json.pick or function() return function() end end
    local count = 0
    for _, path in ipairs(documents.paths()) do
      for _, block in ipairs(documents.blocks(files.read(path))) do
        if block.language == "lua" and block.info == "" then
          local draft, problems = load.string(block.body, path)
          local first = problems[1] and problems[1].text
          local lacking = first and first:find("this program is built without", 1, true)
          if not lacking then
            assert.same({}, problems, path .. ":" .. block.line)
            assert.is_table(draft)
          end
          count = count + 1
        end
      end
    end
    assert.is_true(count >= 3, count)
  end)
end)
