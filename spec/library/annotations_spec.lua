-- What editors and luacheck are told of the vocabulary (lua/library) is what a config really finds.
local files = require "spec.support.files"
local load = require "tagline.config.load"

-- The words that a config has beyond Lua's own, as its environment really holds them.
local function real_words()
  local text = 'line "p" { host = "h", station "s" { address = "a" } }'
  local api = { lines = {}, stations = {}, tags = {}, explain = print, messages = print }
  local draft, problems = load.string(text, "c.lua", { api = api })
  assert.same({}, problems)
  local words = {}
  for name in pairs(draft.env) do
    if rawget(_G, name) == nil or name == "json" or name == "re" then words[name] = true end
  end
  return words
end

local function annotated_words(text)
  local words = {}
  for name in text:gmatch "\nfunction ([%w_]+)%(" do words[name] = true end
  for name in text:gmatch "\n([%w_]+) = nil" do words[name] = true end
  return words
end

describe("lua/library", function()
  local text = files.read "lua/library/tagline.lua"

  it("holds what scripts/annotations prints", function()
    local pipe = assert(io.popen("lua5.4 scripts/annotations", "r"))
    local made = pipe:read "a"
    assert.truthy(pipe:close())
    assert.equal(made, text)
  end)

  it("annotates each word of a config, and no other", function()
    assert.same(real_words(), annotated_words(text))
  end)

  it("gives luacheck the same words", function()
    local known = {}
    for _, name in ipairs(dofile("lua/library/luacheckrc.lua").read_globals) do
      known[name] = true
    end
    assert.same(annotated_words(text), known)
  end)

  it("describes each parameter as the shapes do", function()
    local shapes = require "tagline.config.shapes"
    local words = text:gsub("\n%-%-%- ", " ") -- a long description takes several lines
    for kind, shape in pairs(shapes.new(require "tagline.core")) do
      for _, name in ipairs(shape.names) do
        local doc = shape.fields[name].doc
        assert.truthy(words:find(doc:sub(1, 1):upper() .. doc:sub(2), 1, true),
          kind .. "." .. name)
      end
    end
  end)
end)
