-- luacheck: no max line length (messages are compared whole)
-- What a config may say and probably does not mean: warnings of `tagline check`, and what
-- is no reason for one.
local filters = require "tagline.config.filters"
local json_address = require "tagline.config.json_address"
local support = require "spec.config.support"

local function line(fields)
  return ('line "p" { host = "h", payload_type = "JSON", %s }'):format(fields)
end

local function warned(fields) return support.problems(line(fields), { stations = true }) end

describe("a line is warned", function()
  it("that it has no station", function()
    assert.same(
      { "c.lua:1: warning: line 'p': has no station: nothing that it receives becomes a value" },
      support.problems('line "p" { host = "h" }', { stations = true }))
  end)

  it("of overlapping topic filters, whatever they are", function()
    local told = [[c.lua:1: warning: line 'p': topic_filter: "a/#" and "a/b" let the same ]]
      .. "topics in: some brokers send such a message twice"
    assert.same({ told },
      warned 'topic_filter = { "a/#", "a/b" }, station "s" { address = "a/b" }')
  end)

  for _, row in ipairs {
    { "a/#", "a/b" }, { "a/#", "a" }, { "#", "a/b/c" }, { "+/b", "a/+" }, { "a/+/c", "a/b/#" },
      { "$share/g/a/#", "a/b" }, { "+", "#" },
    { "$SYS/#", "$SYS/x" }, { "$share/g/a", "$share/h/a" }, { "a/+/#", "a/b" },
  } do
    it(("that %s and %s overlap"):format(row[1], row[2]), function()
      assert.is_true(filters.overlap(row[1], row[2]))
      assert.is_true(filters.overlap(row[2], row[1]))
    end)
  end

  for _, row in ipairs {
    { "a/#", "b/#" }, { "a/b", "a/c" }, { "#", "$SYS/#" }, { "+/x", "$SYS/x" },
      { "a/+", "a/b/c" }, { "a", "a/b" }, { "+/b/c", "a/+/d" },
    { "a/+/#", "a" }, { "a//b", "a/b" },
  } do
    it(("not, that %s and %s do"):format(row[1], row[2]), function()
      assert.is_false(filters.overlap(row[1], row[2]))
      assert.is_false(filters.overlap(row[2], row[1]))
      local a, b = row[1], row[2]
      assert.same({},
        warned(('topic_filter = { "%s", "%s" }, station "s" { address = ".*" }'):format(a, b)))
    end)
  end

  for _, row in ipairs {
    { 'no_data_timeout = 5', "no_data_timeout" }, { 'SWT = "a/w"', "SWT" },
    { 'tags = { t = Ai { "JA=t", deadband = 1 } }', "the deadband of tag 't'" },
    { 'tags = { t = Ai { "JA=t", history = { max_silence = 60 } } }',
      "history.max_silence of tag 't'" },
    { 'tags = {}, decode = require "tagline.codec.sparkplug_b".host {}', "Sparkplug" },
  } do
    it("of $share beside state: " .. row[2], function()
      local expected = [[c.lua:1: warning: line 'p', station 's': keeps state (%s), but ]]
        .. [[topic_filter "$share/g/a/#" gives each process a part of its messages only]]
      local found = warned(
        ('topic_filter = "$share/g/a/#", station "s" { address = "a/b", %s }'):format(row[1]))
      assert.equal(expected:format(row[2]), found[#found]) -- behind that of an unused option
    end)
  end

  it("of QoS 2 without session_store where values are kept", function()
    local text = 'history { file = "a.db" } line "p" { host = "h", client_id = "c", \z
      clean_session = false, topic_filter = "a", subscribe_qos = 2, %s \z
      station "s" { address = "a" } }'
    local found = support.problems(text:format "")
    assert.equal(1, #found)
    assert.truthy(found[1]:find("line 'p': subscribe_qos: is 2 without session_store", 1,
      true),
      found[1])
    assert.same({}, support.problems(text:format 'session_store = "x",'))
    assert.same({}, support.problems(text:format "history = false,"))
    assert.same({}, support.problems((text:gsub("^history %b{}", "")):format ""))
  end)

  it("of options of a history or a spool that nothing acts on", function()
    local text = '%s line "p" { host = "h", client_id = "c", topic_filter = "a", payload_type = \z
      "JSON", %s station "s" { address = "a", %s tags = { t = Ai { "JA=t", %s } } } }'
    local option = "history = { keep = \"2d\" },"
    local told = "c.lua:1: warning: line 'p': history%s: nothing acts on these options: the \z
      config has no history { … }"
    for _, row in ipairs { { option, "", "", "" }, { "", option, "", " of station 's'" },
      { "", "", option, " of tag 's.t'" } } do
      local place, options = row[4], { row[1], row[2], row[3] }
      assert.same({ told:format(place) }, support.problems(text:format("", table.unpack(options))))
      assert.same({}, support.problems(text:format('history { file = "a.db" }',
        table.unpack(options))))
    end
    assert.same({}, support.problems(text:format("", "", "", "history = false")))
    assert.same({ "c.lua:1: warning: spool: nothing goes into it: the config has no history \z
      { … } and no outlet" }, support.problems(text:format('spool { max = "2MB" }', "", "", "")))
  end)

  -- { fields of the line, the field that is named, what is said of it }
  for _, row in ipairs {
    { 'will_topic = "w"', "will_topic", "does nothing: .* will_flag = true only$" },
    { 'will_message = "x"', "will_message", "does nothing" },
    { 'time_mask = "UNIX"', "time_mask", "is not used: no time_field_name is given, and no tag" },
    { 'payload_type = "Text only", time_field_name = "ts", time_mask = "UNIX"', "time_field_name",
      'is not used: payload_type is "Text only"' },
    { "", "time_mask", "is not used: no time_field_name", 'time_mask = "UNIX",' },
    { [[user_name = "u", password = "p\0w\0"]], "password", "has a NUL byte: .* UTF%-16" },
    { "", "time_field_name", "is not used: payload_type",
      'payload_type = "Text only", time_field_name = "ts",' },
    { "", "out_of_range", "does nothing without a range", "", 'out_of_range = "clamp",' },
  } do
    it(("of %s%s%s, which acts on nothing"):format(row[1], row[4] or "", row[5] or ""), function()
      local found = support.problems(([[line "p" { host = "h", %s,
        station "s" { address = "a", %s
          tags = { t = TxtI "IN_DATA", n = Ai { %s "RE=(.+)" } } } }]])
        :format(row[1] == "" and "port = 1" or row[1], row[4] or "", row[5] or ""),
        { stations = true })
      assert.equal(1, #found, table.concat(found, "\n"))
      assert.truthy(found[1]:find("warning: .*: " .. row[2] .. ": " .. row[3]), found[1])
    end)
  end

  for _, fields in ipairs {
    'will_flag = false, will_topic = "w", will_message = "x"',
    'time_mask = "UNIX", time_field_name = "ts"', 'payload_type = "Text only", time_mask = "UNIX"',
    'time_field_name = "", time_zone = "+01:00"',
  } do
    it("not of " .. fields, function()
      assert.same({}, support.problems(('line "p" { host = "h", payload_type = "JSON", %s, \z
        station "s" { address = "a", tags = { t = TiA "IN_DATA" } } }')
        :gsub('payload_type = "JSON", (%%s)', fields:find "payload" and "%1" or "%0")
        :format(fields), { stations = true }))
    end)
  end

  -- { address, as it is typed in the warning; nil: none }
  for _, row in ipairs {
    { "plant/*/up", '"plant/[^/]+/up"' }, { "*/up", '"[^/]+/up"' }, { "a/*", '"a/[^/]+"' },
    { "v1.0/+/up", [=[[[v1\.0/[^/]+/up]]]=] }, { "a(b/+", [=[[[a\(b/[^/]+]]]=] },
    { "m-(%d+)/up", [=[[[m-(\d+)/up]]]=] }, { "(%a+)/%x*", '"([A-Za-z]+)/[0-9A-Fa-f]*"' },
    { "%w+%.%d+", [=[[[\w+\.\d+]]]=] }, { "a/%20", nil }, { "a/.*", nil }, { "a%d", nil },
    { "a/[^/]+", nil },
  } do
    it("of the address " .. row[1] .. (row[2] and "" or ", which is fine: not"), function()
      local found = support.problems(line(('station "s" { address = "%s" }'):format(row[1])),
        { stations = true })
      if not row[2] then return assert.same({}, found) end
      assert.truthy(found[1]:find(row[2], 1, true), found[1])
    end)
  end

  it("of $share beside named groups and timers", function()
    local found = warned(
      [[topic_filter = "$share/g/a/#", station "s-{d}" { address = "a/(?<d>.+)" } }
      every(1, function() end)
      line "q" { host = "i", station "s" { address = "s" }]])
    assert.equal(2, #found)
    assert.truthy(found[1]:find([["$share/g/a/#" divides the messages between processes, ]]
      .. "and every in line 2 runs in each of them", 1, true), found[1])
    assert.truthy(found[2]:find("keeps state (named groups)", 1, true), found[2])
  end)

  it("of $share alone not", function()
    assert.same({},
      warned 'topic_filter = "$share/g/a/#", station "s" { address = "a/b", tags = { t = Ai \z
        "JA=t" } }')
  end)
end)

describe("a station", function()
  it("with the address # takes what the filters let in", function()
    assert.same({}, warned 'topic_filter = "plant/#", station "s" { address = "#" }')
    assert.same({}, warned 'topic_filter = { "plant/+", "x" }, station "s" { address = ".*" }')
  end)

  it("has one tag for a JSON field, however its address is spelled", function()
    for _, pair in ipairs { { "v", '["v"]' }, { "a.b", 'a["b"]' }, { "a.b", '["a"].b' },
      { "a[1].b", '["a"][1]["b"]' } } do
      local found =
        warned(
          ("station 's' { address = 's', tags = { x = Ai 'JA=%s', y = Ai 'JA=%s' } }"):format(
          pair[1], pair[2]))
      assert.equal(1, #found)
      assert.truthy(
        found[1]:find(("is used by tag 'x' already, as \"JA=%s\""):format(pair[1]:gsub('"',
          '\\"')), 1, true), found[1])
    end
    for _, pair in ipairs { { "a.b", '["a.b"]' }, { "a[1]", 'a["1"]' }, { "a[1]", "a[2]" },
      { "a", "a.b" } } do
      assert.same({},
        warned(
          ("station 's' { address = 's', tags = { x = Ai 'JA=%s', y = Ai 'JA=%s' } }"):format(
          pair[1], pair[2])))
      assert.not_equal(json_address.canonical(pair[1]), json_address.canonical(pair[2]))
    end
  end)

  it("reads JSONPath's $ as the document, and says so", function()
    for given, meant in pairs { ["$.x"] = "x", ["$.a.b"] = "a.b", ["$[1].x"] = "[1].x",
      ["$"] = "" } do
      local draft, found = support.load(support.tag(('Ai "JA=%s"'):format(given)))
      assert.equal("JA=" .. meant, draft.lines[1].stations[1].tags[1].address)
      assert.equal(1, #found)
      assert.truthy(found[1]:find(('"JA=%s" is read as "JA=%s"'):format(given, meant), 1,
        true),
        found[1])
    end
    for _, given in ipairs { "$x", "$$.x", "a.$", '["$"].x' } do
      support.clean(support.tag(("Ai 'JA=%s'"):format(given)))
    end
  end)

  it("has its tags in the order in which they are written, also equal ones on one line",
    function()
    local function order(tags)
      local names = {}
      local text =
        ('line "p" { host = "h", station "s" { address = "s", decode = function() end, tags = { \z
          %s } } }'):format(tags)
      for i, one in ipairs(support.clean(text).lines[1].stations[1].tags) do
        names[i] = one.name
      end
      return table.concat(names, " ")
    end
    assert.equal("d c b a", order "d = Ai {}, c = Ai {}, b = Di {}, a = Ai {}")
    assert.equal("d c b a", order 'd = Ai "", c = Ai "", b = Ai "", a = Ai ""')
    assert.equal("d c b a", order "d = Ai, c = Di, b = Ai {}, a = Ai")
    assert.equal("z y x", order "z = Ai(), y = Ai(), x = Ai()")
    assert.equal("z y x",
      order 'z = Ai { unit = "V" }, y = Ai { unit = "V" }, x = Ai { unit = "V" }')
  end)

  it("has the problems of its tags in their order, also on one line", function()
    local found =
      support.problems(
        'line "p" { host = "h", station "s" { address = "s", tags = { z = Ai "x", y = Di \z
          "IN_ID", x = Ai "JA=[0]" } } }')
    assert.same({ "z", "y", "x" }, { found[1]:match "tag '(.)'", found[2]:match "tag '(.)'",
      found[3]:match "tag '(.)'" })
  end)

  it("is warned that it subscribes to what comes already", function()
    local told = [[c.lua:1: warning: line 'p', station 's': subscribe_address: topic_filter "+" ]]
      .. [[lets "s" in already: some brokers send such a message twice]]
    assert.same({ told },
      warned 'topic_filter = "+", station "s" { address = "s", subscribe_address = true }')
    assert.same({},
      warned 'topic_filter = "x/#", station "s" { address = "s", subscribe_address = true }')
  end)

  it("shares its tags with others made in a loop", function()
    local draft = support.clean [[local list = {}
      for i = 1, 3 do
        list[i] = station("s" .. i) { address = "a" .. i, decode = function() end,
          tags = { b = Ai {}, a = Ai {} } }
      end
      line "p" { host = "h", list }]]
    local s = draft.lines[1].stations
    assert.equal(s[1].tags, s[2].tags)
    assert.equal(s[1].tags, s[3].tags)
    assert.equal("b", s[1].tags[1].name)
  end)
end)
