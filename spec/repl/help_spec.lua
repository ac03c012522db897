-- help() knows every word, parameter, address, token, reason and status; and the user's reference speaks of the same.
local core_found, core = pcall(require, "tagline.core")
local help = require "tagline.repl.help"
local shapes = require "tagline.config.shapes"
local texts = require "tagline.repl.help_texts"
local words = require "tagline.repl.words"

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

local live = { now = function() return 0 end, modules = function() return { "tagline.codec.hex" } end, reload = function() end,
  status = function() end, watch = function() end }

describe("help", function()
  local api = words(live, {})
  local say = help.word(live, api)

  it("finds the core", function() assert.is_true(core_found, core) end)

  it("lists every word with one line", function()
    local all = say()
    for _, row in ipairs(texts.words) do
      assert.truthy(all:find(row[2], 1, true), row[1])
      assert.truthy(all:find(row[3], 1, true), row[1])
      assert.falsy(row[3]:find "\n", row[1])
    end
  end)

  it("tells of every word that there is", function()
    for name, word in pairs(api) do
      local text = say(name)
      assert.falsy(text:find("nothing is known", 1, true), name)
      assert.equal(text:match "[^\n]*", say(word):match "[^\n]*", name)
    end
    for _, name in ipairs { "lines", "stations", "tags", "explain", "messages", "save", "print" } do
      assert.falsy(say(name):find("nothing is known", 1, true), name)
    end
  end)

  for kind, shape in pairs(shapes.new(core_found and core or setmetatable({}, { __index = function() return print end }))) do
    for _, name in ipairs(shape.names) do
      it(("tells of %s's %s what the checks say"):format(kind, name), function()
        assert.truthy(say(name):find(shape.fields[name].doc, 1, true), say(name))
      end)
    end
  end

  it("tells unit and default of a parameter", function()
    local text = say "ping_interval"
    assert.truthy(text:find("unit: s\n", 1, true), text)
    assert.truthy(text:find("default: 60", 1, true), text)
  end)

  for group, list in pairs { addresses = texts.addresses, types = texts.types, masks = texts.masks, reasons = texts.reasons,
    statuses = texts.statuses } do
    for _, row in ipairs(list) do
      it(("tells of %s: %s"):format(group, row[1]), function() assert.truthy(say(row[1]):find(row[2], 1, true)) end)
    end
  end

  it("takes an address with its path", function()
    assert.truthy(say("JA=a.b"):find("a field of the JSON payload", 1, true))
    assert.truthy(say("RE=x+"):find("PCRE2", 1, true))
  end)

  it("tells of objects, their fields and methods", function()
    assert.truthy(say("tag"):find(":write(value", 1, true))
    assert.truthy(say("write"):find("write an output", 1, true))
    assert.truthy(say("full_name"):find("line.station.tag", 1, true))
  end)

  it("tells of topics and codecs", function()
    for _, name in ipairs { "parameters", "station parameters", "tag options", "limits", "types", "addresses", "time masks", "reasons",
      "statuses", "config", "handlers", "codecs" } do
      assert.is_true(#say(name) > 60, name)
    end
    assert.truthy(say("tagline.codec.hex"):find("hexadecimal", 1, true))
    assert.truthy(say("hex"):find("hexadecimal", 1, true))
  end)

  it("asks back when nothing is known", function()
    assert.equal("nothing is known of 'keep_alife'; did you mean 'keep_alive'?; help() lists what there is", say "keep_alife")
    assert.truthy(say("qqqqqq"):find("^nothing is known of 'qqqqqq'; help"))
    assert.truthy(say(nil):find("a nil;", 1, true))
  end)

  it("says where a function of the user's is", function()
    assert.truthy(say(function() end):find("spec/repl/help_spec.lua, lines", 1, true))
  end)

  -- The user's reference and help() must not say different things of what there is.
  local reference = read "lua/README.md"
  for group, list in pairs { words = texts.config, addresses = texts.addresses, types = texts.types } do
    for _, row in ipairs(list) do
      it(("speaks of what lua/README.md has, too: %s %s"):format(group, row[1]), function()
        assert.truthy(reference:find(row[1], 1, true))
      end)
    end
  end
  it("knows every address that lua/README.md has", function()
    local found = 0
    for name in reference:gmatch "\n| `([A-Z]+_?[A-Z]*=?)[^`]*` | %S" do
      if name:find "^[A-Z][A-Z]" then
        found = found + 1
        assert.falsy(say(name):find("nothing is known", 1, true), name)
      end
    end
    assert.is_true(found >= 8, found)
  end)
end)
