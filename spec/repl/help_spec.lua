-- help() knows every word, parameter, address, token, reason and status; and the user's
-- reference speaks of the same.
local core_found, core = pcall(require, "tagline.core")
local documents = require "spec.support.documents"
local files = require "spec.support.files"
local help = require "tagline.repl.help"
local shapes = require "tagline.config.shapes"
local texts = require "tagline.repl.help_texts"
local words = require "tagline.repl.words"

local live = { now = function() return 0 end,
  modules = function() return { "tagline.codec.hex" } end, reload = function() end,
  status = function() end, watch = function() end,
  scopes = function() return {}, { string = string, pcall = pcall } end }

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

  for kind, shape in pairs(shapes.new(core_found and core
    or setmetatable({}, { __index = function() return print end }))) do
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

  local groups = { addresses = texts.addresses, types = texts.types, masks = texts.masks,
    reasons = texts.reasons, errors = texts.errors,
    statuses = texts.statuses, states = texts.states, troubles = texts.troubles }
  for _, group in ipairs(texts.codes) do groups["codes " .. group.what] = group end
  for group, list in pairs(groups) do
    for _, row in ipairs(list) do
      it(("tells of %s: %s"):format(group, row[1]),
        function() assert.truthy(say(row[1]):find(row[2], 1, true)) end)
    end
  end

  it("tells of every name that it knows, in plain words", function()
    local names = help.names(core, live)
    assert.is_true(#names > 300, #names)
    for _, name in ipairs(names) do
      local text = say(name)
      assert.falsy(text:find("nothing is known", 1, true), name)
      assert.truthy(text:find "%S\n%s*%S", name)
    end
  end)

  it("tells of each field and method by its object", function()
    for kind, object in pairs(texts.objects) do
      for _, row in ipairs(object) do
        local name, method = row[1]:gsub("%(%)$", "")
        local asked_for = { kind .. "." .. name, method > 0 and kind .. ":" .. name or nil,
          method > 0 and kind .. ":" .. name .. "()" or nil }
        for _, asked in ipairs(asked_for) do
          assert.truthy(say(asked):find(row[3], 1, true), asked)
        end
      end
    end
    assert.truthy(say("tag:wrote"):find("did you mean 'tag:write'?", 1, true))
  end)

  it("tells of numbers in stats", function()
    assert.truthy(say("line.stats.inflight"):find("not yet acknowledged", 1, true))
    assert.truthy(say("stats.declined"):find("decode returned nil", 1, true))
    assert.truthy(say("oldest_queued"):find("age of the oldest", 1, true))
  end)

  it("finds an error by what was said", function()
    assert.truthy(say("station 'boiler' is off"):find("the station is switched off", 1, true))
    assert.truthy(say("a payload of 300 bytes does not fit into max_packet_size (128)"):find(
      "too long for one packet", 1, true))
    assert.truthy(say("connect to 10.0.0.1:1883: connection refused"):find("nothing listens", 1,
      true))
    assert.truthy(say("connection refused, code 5: not authorized"):find(
      "answered CONNECT with a refusal", 1, true))
  end)

  it("tells of Lua's functions, by value and by name", function()
    assert.truthy(say(string.format):find("^string.format%(format, …%)"))
    assert.truthy(say("format"):find("^string.format%("))
    assert.truthy(say(string):find("string.unpack(format", 1, true))
    assert.truthy(say("string"):find("string.unpack(format", 1, true))
    assert.truthy(say(pcall):find("true and its results", 1, true))
  end)

  it("tells of codecs in their own words", function()
    local hex = require "tagline.codec.hex"
    for _, asked in ipairs { "tagline.codec.hex", "hex", hex } do
      local text = say(asked)
      assert.truthy(
        text:find('^require "tagline.codec.hex"\n  Base16: bytes as hexadecimal digits.\n'), text)
      assert.truthy(text:find("hex.decode(text)", 1, true), text)
    end
    assert.truthy(say(hex.decode):find("^hex.decode%(text%)\n  Strict: an even number of digits"))
    assert.truthy(say("elsys"):find('^require "tagline.codec.device.elsys"\n  Elsys sensors'))
    assert.truthy(say(require("tagline.codec.lorawan").things_stack_v3):find(
      '^require "tagline.codec.lorawan"\n'))
  end)

  it("shows the comment above a function", function()
    --- Adds one.
    ---@param n number
    --- And nothing else.
    local function more(n) return n + 1 end
    assert.equal("more(n)\n  Adds one.\n  And nothing else.",
      say(more):match "^(.*)\na function of spec/repl/help_spec.lua, lines %d+ to %d+$")
  end)

  it("takes an address with its path", function()
    assert.truthy(say("JA=a.b"):find("a field of the JSON payload", 1, true))
    assert.truthy(say("RE=x+"):find("PCRE2", 1, true))
  end)

  it("tells of objects, their fields and methods", function()
    assert.truthy(say("tag"):find(":write(value", 1, true))
    assert.truthy(say("write"):find("write an output", 1, true))
    assert.truthy(say("message"):find("counts the line's messages", 1, true))
    assert.truthy(say("full_name"):find("line.station.tag", 1, true))
  end)

  it("tells of topics and codecs", function()
    for _, name in ipairs { "parameters", "station parameters", "tag options", "limits", "types",
      "addresses", "time masks", "reasons",
      "statuses", "config", "handlers", "codecs", "codes", "errors", "stats", "library",
        "commands", "named groups" } do
      assert.is_true(#say(name) > 60, name)
    end
  end)

  it("asks back when nothing is known", function()
    assert.equal(
      "nothing is known of 'keep_alife'; did you mean 'keep_alive'?; help() lists what there is",
        say "keep_alife")
    assert.truthy(say("qqqqqq"):find("^nothing is known of 'qqqqqq'; help"))
    assert.truthy(say("client"):find("did you mean 'client_id'", 1, true))
    assert.truthy(say("retry"):find("'max_wait_retry'", 1, true), say "retry")
    assert.is_true(#say(("x"):rep(10000)) < 200)
    assert.truthy(say(nil):find("a nil;", 1, true))
  end)

  it("says where a function of the user's is", function()
    assert.truthy(say(function() end):find("spec/repl/help_spec.lua, lines", 1, true))
  end)

  -- The user's reference and help() must not say different things of what there is.
  local reference = documents.reference()
  local objects = {}
  for kind, object in pairs(texts.objects) do
    for _, row in ipairs(object) do objects[#objects + 1] = { (row[1]:gsub("%(%)$", "")), kind } end
  end
  for group, list in pairs { words = texts.config, addresses = texts.addresses,
    types = texts.types, masks = texts.masks,
    reasons = texts.reasons, statuses = texts.statuses, handlers = texts.handlers,
      commands = texts.commands, objects = objects } do
    for _, row in ipairs(list) do
      it(("speaks of what the documents have, too: %s %s"):format(group, row[1]), function()
        assert.truthy(reference:find(row[1], 1, true))
      end)
    end
  end
  it("knows every address that the documents have", function()
    local found = 0
    local section = files.read("lua/doc/config.md"):match "\n## Addresses\n(.-)\n## "
    for name in section:gmatch "\n| `([A-Z]+_?[A-Z]*=?)[^`]*` | %S" do
      if name:find "^[A-Z][A-Z]" then
        found = found + 1
        assert.falsy(say(name):find("nothing is known", 1, true), name)
      end
    end
    assert.is_true(found >= 8, found)
  end)

  it("has no code of explain that its header does not list, and the other way round", function()
    local header = files.read("core/explain/explain.h"):match "Codes do not change%.(.-)%*/"
    local known, listed = {}, {}
    for _, group in ipairs(texts.codes) do
      for _, row in ipairs(group) do known[row[1]] = true end
    end
    for _, row in ipairs(texts.reasons) do known[row[1]] = true end
    header = header:gsub("%b()", ""):gsub("%*%*", " ")
    for part in header:gmatch "Of [%w%s]-:([^.]*)" do
      for word in part:gmatch "[%w%-]+" do listed[word] = true end
    end
    for _, group in ipairs(texts.codes) do
      for _, row in ipairs(group) do assert.is_true(listed[row[1]], row[1]) end
    end
    for _, word in ipairs { "or", "the", "reason", "it", "is", "invalid" } do listed[word] = nil end
    for word in pairs(listed) do assert.is_true(known[word], word) end
  end)

  it("knows each reason that the core has for a failed write", function()
    local seen = 0
    local function missing(path)
      for text in files.read(path):gmatch 'tl_fail%s*(%b())' do
        local said = text:match '"([^"]*)"'
        if said and said ~= "%s" then
          seen = seen + 1
          assert.falsy(say(said):find("nothing is known", 1, true), path .. ": " .. said)
        end
      end
    end
    missing "core/gateway/write.c"
    missing "core/gateway/ack_id.c"
    for text in files.read("core/gateway/write.c"):match("why_of.-\n}"):gmatch 'return "([^"]+)"' do
      seen = seen + 1
      assert.truthy(say(text):find("why a write fails", 1, true), text)
    end
    assert.is_true(seen > 15, seen)
  end)

  it("has errors as the core says them", function()
    local all = {}
    for _, path in ipairs { "core/gateway/write.c", "core/gateway/ack_id.c",
      "core/gateway/connect.c", "core/dial/failure.c", "core/mqtt/session_publish.c",
      "core/mqtt/session_in.c", "core/mqtt/session_time.c", "core/mqtt/session_filters.c",
        "core/script/handlers.c", "core/net/tcp.c" } do
      all[#all + 1] = files.read(path)
    end
    local text = table.concat(all)
    for _, list in ipairs { texts.errors, texts.troubles } do
      for _, row in ipairs(list) do
        assert.truthy(text:find(row[1], 1, true) or row[1] == "connection refused", row[1])
      end
    end
  end)

  it("tells the commands as the program does", function()
    local told = {}
    -- texts that C puts together
    local usage = files.read("core/command/help.c"):gsub(' "\n%s*"', " ")
    for call, text in usage:gmatch '"  (%l[^"]-)%s%s+([^"]-)\\n"' do
      told["tagline " .. call] = text
    end
    for _, row in ipairs(texts.commands) do
      assert.equal(row[3], told[row[2]])
      told[row[2]] = nil
    end
    assert.same({}, told)
  end)
end)
