-- luacheck: no max line length (messages are compared whole)
local support = require "spec.config.support"

local function told(fields, name)
  return support.problems(support.station(fields, name))
end
local s1 = "c.lua:1: line 'p', station 's': "

describe("a station", function()
  it("has at most sixteen named groups", function()
    local function said(count)
      local address, name = {}, {}
      for n = 1, count do
        address[n], name[n] = ("(?<g%d>[^/]+)"):format(n), ("{g%d}"):format(n)
      end
      return support.problems(
        ('line "p" { host = "h", station "%s" { address = "%s", tags = {} } }')
        :format(table.concat(name, "_"), table.concat(address, "/")))
    end
    assert.same({}, said(16))
    local found = said(17)
    assert.equal(1, #found)
    assert.truthy(found[1]:find("address: expected at most 16 named groups, got 17", 1, true),
      found[1])
  end)

  it("takes from its line what it does not say itself", function()
    local draft = support.clean [[line "p" { host = "h", payload_type = "JSON",
      time_field_name = "ts", time_mask = "UNIX", ignore_missing_time = true, time_zone = "+01:00",
      station "a" { address = "a" },
      station "b" { address = "b", payload_type = "Text only", time_field_name = "",
        time_mask = "UNIXMS", ignore_missing_time = "NO", time_zone = "local" } }]]
    local a, b = draft.lines[1].stations[1], draft.lines[1].stations[2]
    assert.same({ payload_type = "json", time_field_name = "ts", time_mask = "UNIX",
      ignore_missing_time = true, time_zone = "+01:00",
      time_filter = 10, no_data_timeout = 0, max_instances = 10000 },
        a.params)
    assert.same({ payload_type = "text", time_field_name = "", time_mask = "UNIXMS",
      ignore_missing_time = false, time_zone = "local",
      time_filter = 10, no_data_timeout = 0, max_instances = 10000 },
        b.params)
    assert.same({ file = "c.lua", line = 4 }, b.at)
  end)

  it("has parameters of its own", function()
    local st = support.clean(support.station [[address = "a",
      time_filter = 0, no_data_timeout = 3600, subscribe_address = true,
      on_missing = "keep", SWT = "w", SWP = "off", max_instances = 5,
      decode = function() end, encode = function() end,
      on_value = function() end, on_status = function() end]]).lines[1].stations[1]
    assert.same({ 0, 3600, true, "keep", "w", "off", 5 },
      { st.params.time_filter, st.params.no_data_timeout,
      st.params.subscribe_address, st.params.on_missing, st.params.station_will_topic,
        st.params.station_will_payload,
      st.params.max_instances })
    for _, name in ipairs { "decode", "encode", "on_value", "on_status" } do
      assert.is_function(st[name])
    end
    assert.is_nil(st.groups)
  end)

  it("takes a table that can be called as a handler", function()
    support.clean(
      support.station 'address = "a", decode = setmetatable({}, { __call = function() end })')
  end)

  for _, case in ipairs {
    { "", 'expected address = "…" (a topic or a regular expression), got none' },
    { "address = 5", "address: expected a string, got 5" },
    { 'address = ""',
      "address: expected a topic or a regular expression, got an empty string" },
    { 'address = "a", decode = 5', "decode: expected a function, got 5" },
    { 'address = "a", encode = "f"', 'encode: expected a function, got "f"' },
    { 'address = "a", on_value = {}', "on_value: expected a function, got a table" },
    { 'address = "a", on_status = true', "on_status: expected a function, got true" },
    { 'address = "a", time_filter = "10"',
      'time_filter: expected seconds, a number from 0 to 86400, got "10"' },
    { 'address = "a", no_data_timeout = -1',
      "no_data_timeout: expected seconds, a number from 0 to 3162240000, got -1" },
    { 'address = "a", subscribe_address = 1',
      'subscribe_address: expected true, false, "YES" or "NO", got 1' },
    { 'address = "a", on_missing = "drop"',
      'on_missing: expected "invalidate", "keep" or "default", got "drop"' },
    { 'address = "a", max_instances = 0',
      "max_instances: expected an integer from 1 to 1000000, got 0" },
    { 'address = "a", SWP = 5', "SWP: expected a string, got 5" },
    { 'address = "a", SWT = "w", station_will_topic = "w"',
      "SWT: is station_will_topic, which is given too" },
    { 'address = "a", payload_type = "XML"',
      'payload_type: expected "Text only", "JSON", "CBOR" or "MessagePack", got "XML"' },
    { 'address = "a", host = "h"', "host: unknown field; it is a field of a line" },
    { 'address = "a", adress = "b"', "adress: unknown field; did you mean 'address'?" },
    { 'address = "a", swt = "b"', "swt: unknown field; did you mean 'station_will_topic'?" },
    { 'address = "a", tags = 5', "tags: expected a table of tags by name, got 5" },
    { 'address = "a", 5', "expected named fields, got 5 by position" },
    { 'address = "a", Ai "JA=x"',
      "expected named fields, got a tag (tags stand in tags = { name = … }) by position" },
    { 'address = "a", tags = { Ai "JA=x" }',
      'expected a name for each tag (name = Ai "JA=…"), got a tag by position 1' },
  } do
    it("refuses " .. case[1], function() assert.same({ s1 .. case[2] }, told(case[1])) end)
  end

  it("has a will topic without wildcards", function()
    local list = told 'address = "a", SWT = "a/#"'
    assert.equal(1, #list)
    assert.truthy(list[1]:find(s1 .. 'SWT: expected a topic without wildcards, got "a/#"', 1,
      true))
  end)

  it("is told of a will that says nothing", function()
    local function line(fields)
      return support.problems('line "p" { host = "h", topic_filter = { "a", "b/#" }, '
        .. fields
        .. " }")
    end
    local told_of = "c.lua:1: warning: line 'p', station 's': "
    assert.same({ told_of .. "SWP: does nothing without a station_will_topic" },
      line 'station "s" { address = "a", SWP = "off" }')
    assert.same(
      { told_of .. "station_will_payload: does nothing without a station_will_topic" },
      line 'station "s" { address = "a", station_will_payload = "off" }')
    assert.same(
      { told_of
        .. "SWT: every message of the station is its will: a station_will_payload says \z
          which one is" },
      line 'station "s" { address = "a", SWT = "a" }')
    assert.same(
      { told_of
        .. 'station_will_topic: never comes: topic_filter "a, b/#" does not let "w/a" in' },
      line 'station "s" { address = "a", station_will_topic = "w/a" }')
    assert.same({},
      line 'station "s" { address = "a", SWT = "b/will" }, station "t" { address = "b/x", SWT = \z
        "b/x", SWP = "off" }')
    assert.same({},
      line 'station "s" { address = "c", SWT = "c", SWP = "off", subscribe_address = true }')
    assert.same({},
      line 'station "s-{dev}" { address = "b/(?<dev>[^/]+)/up", SWT = "b/{dev}/will" }')
  end)

  it("refuses an expression that does not compile, with the position", function()
    assert.same(
      { s1
        .. 'address: expected a topic or a regular expression, got "a/(b": missing closing \z
          parenthesis (at position 5)' },
      told 'address = "a/(b"')
  end)

  it("refuses names with other signs, and no name", function()
    assert.same(
      { "c.lua:1: line 'p', station 'a b': expected a name of letters, digits, '_' and '-', got \z
        \"a b\" (at position 2)" },
      told('address = "a"', "a b"))
    assert.same(
      { "c.lua:1: line 'p': expected a name before the braces (station \"name\" { … }), \z
        got none" },
      support.problems 'line "p" { host = "h", station { address = "a" } }')
  end)

  it("needs braces", function()
    local list = support.problems 'line "p" { host = "h",\nstation "s" }'
    assert.same(
      "c.lua:2: station 's': expected braces with fields behind the name, got nothing",
      list[#list])
  end)

  it("has a name and an address of its own", function()
    assert.same({
      "c.lua:2: line 'p', station 'a': duplicate name: there is a station 'a' in line 1 \z
        already",
      "c.lua:3: line 'p', station 'b': address: \"x\" is the address of station 'a' already",
    }, support.problems 'line "p" { host = "h", station "a" { address = "x" },\nstation "a" { \z
      address = "y" },\nstation "b" { address = "x" } }')
  end)

  it("stands in a line, and in no station", function()
    assert.same(
      { "c.lua:2: station 'b': stands outside every line: put it between the braces of one" },
      support.problems 'line "p" { host = "h" }\nstation "b" { address = "x" }')
    assert.same(
      { "c.lua:2: line 'p', station 'a': expected no station inside a station, got station 'b'" },
      support.problems 'line "p" { host = "h", station "a" { address = "x",\nstation "b" { \z
        address = "y" } } }')
  end)

  describe("that can never match", function()
    local function line(fields)
      return support.problems('line "p" { host = "h", ' .. fields .. " }")
    end
    it("because another takes everything, is told", function()
      assert.same(
        { "c.lua:1: warning: line 'p', station 'a': address: never matches: station 'all' \z
          (\"#\") takes every message of the line" },
        line 'station "a" { address = "x" }, station "all" { address = "#" }')
    end)
    it("because the filter does not let its topic in, is told", function()
      local said =
        "c.lua:1: warning: line 'p', station 'a': address: never matches: topic_filter \"y/#, \z
          z\" does not let \"x\" in"
      assert.same({ said },
        line 'topic_filter = { "y/#", "z" }, station "a" { address = "x" }')
      assert.same({},
        line 'topic_filter = { "y/#", "z" }, station "a" { address = "y/x" }, station "b" { \z
          address = "z" }')
      assert.same({},
        line 'topic_filter = { "y/#", "z" }, station "a" { address = "x", subscribe_address = \z
          true }')
    end)
    it("because # lets no topic in that begins with $, is told", function()
      local never = [[c.lua:1: warning: line 'p', station 'a': address: never matches: ]]
        .. [[topic_filter "#" does not let "$SYS/x" in]]
      assert.same({ never }, line 'station "a" { address = "$SYS/x" }')
      assert.same({},
        line 'topic_filter = { "#", "$SYS/#" }, station "a" { address = "$SYS/x" }')
      assert.same({}, line 'station "a" { address = "$SYS/x", subscribe_address = true }')
    end)
    it("because no topic that its expression matches gets in, is told", function()
      local filters =
        'topic_filter = { "y/b/#", "z", "$share/g/s/+/up" }, station "a" { address = "%s" }'
      for _, address in ipairs { "x.*", "x/[^/]+/up", "^x/y$", "y/c/.*", "z/.*", "y/bc+d/.*",
        "^s/t/do+", "s2/.*" } do
        local list = line(filters:format(address))
        assert.equal(1, #list, address)
        assert.truthy(list[1]:find("never matches", 1, true), address)
      end
      for _, address in ipairs { "[xy].*", "y/.*", "y/b.*", "y.", "z?.*", "yy*/b/c",
        "y/bc?/.*",
        "x|y", "x/.*|z", "(x|y)/.*", "(?i)Y/.*",
        "s/.*/up", "s/a/u.*", "z.*", ".*" } do
        assert.same({}, line(filters:format(address)), address)
      end
      assert.same({},
        line 'topic_filter = "y", station "a" { address = "x.y", subscribe_address = true }')
    end)
    it("because a broker is asked to subscribe to an expression, is told", function()
      local said = [[c.lua:1: warning: line 'p', station 'a': subscribe_address: "x.*" is a ]]
        .. "regular expression, which a broker does not know: topic_filter must let its topics in"
      assert.same({ said },
        line 'topic_filter = "x1", station "a" { address = "x.*", subscribe_address = true }')
      local never = [[c.lua:1: warning: line 'p', station 'a': address: never matches: ]]
        .. [[topic_filter "y" does not let "x.*" in]]
      assert.same({ never, said },
        line 'topic_filter = "y", station "a" { address = "x.*", subscribe_address = true }')
    end)
  end)

  describe("whose address looks like an MQTT filter", function()
    for filter, regex in pairs { ["plant/+/up"] = '"plant/[^/]+/up"', ["plant/#"] = '"plant/.*"',
      ["a.b/+/#"] = "[[a\\.b/[^/]+/.*]]", ["a$b/+/up"] = "[[a\\$b/[^/]+/up]]",
      ["a[.]b/+/up"] = '"a[.]b/[^/]+/up"', ["a\\.b/+/(x|y)"] = "[[a\\.b/[^/]+/(x|y)]]" } do
      it("is told what " .. filter .. " is meant to be", function()
        assert.same(
          { "c.lua:1: warning: line 'p', station 's': address: looks like an MQTT filter, but \z
            addresses are topics or regular "
          .. "expressions: is " .. regex .. " meant?" },
            told(("address = [=[%s]=]"):format(filter)))
      end)
    end
    it("is refused when it is no expression either", function()
      local list = told 'address = "+/up"'
      assert.equal(1, #list)
      assert.truthy(list[1]:find('; for an MQTT filter write "[^/]+/up"', 1, true))
      assert.truthy(list[1]:find("(at position ", 1, true))
    end)
  end)

  it("takes # and .* as they are", function()
    support.clean(support.station 'address = "#"')
    support.clean(support.station 'address = ".*"')
  end)
end)

describe("a station per device", function()
  local address = 'address = "site/(?<dev>[^/]+)/up"'

  it("has the groups of its address", function()
    local parameters = address .. [[, SWT = "site/{dev}/gone",
      tags = { out = TxtO { "OUT_TOPIC", default = "site/{dev}/down" } }]]
    local draft = support.clean(support.station(parameters, "sensor-{dev}"))
    local st = draft.lines[1].stations[1]
    assert.same({ "dev" }, st.groups)
    assert.equal("sensor-{dev}", st.name)
    assert.equal("site/{dev}/down", st.tags[1].default)
  end)

  it("needs each group in its name", function()
    assert.same(
      { s1
        .. "expected {dev} in the station's name, since the address has the group 'dev': one \z
          name, one station" },
      told(address))
  end)

  it("has no placeholder that is no group", function()
    assert.same({
      "c.lua:1: line 'p', station 'a-{dev}-{x}': expected a named group of the address ({dev}), \z
        got {x}",
    }, told(address, "a-{dev}-{x}"))
    assert.same({
      "c.lua:1: line 'p', station 'a-{dev}': station_will_topic: expected a named group of the \z
        address ({dev}), got {dve}; did you mean 'dev'?",
      "c.lua:1: line 'p', station 'a-{dev}', tag 'o': default: expected a named group of the \z
        address ({dev}), got {x}",
    }, told(address
      .. ', SWT = "w/{dve}", tags = { o = TxtO { "OUT_TOPIC", default = "{x}" } }',
      "a-{dev}"))
  end)

  it("needs named groups for the placeholders of its name", function()
    assert.same(
      { "c.lua:1: line 'p', station 'a-{dev}': expected a named group (?<dev>…) in the address, \z
        since the station's name has {dev}" },
      told('address = "site/(.*)/up"', "a-{dev}"))
    assert.same(
      { "c.lua:1: line 'p', station 'a-{dev}': expected a named group (?<dev>…) in the address, \z
        since the station's name has {dev}" },
      told('address = "site/up"', "a-{dev}"))
  end)

  it("leaves braces in texts of other stations alone", function()
    support.clean(
      support.station 'address = "a", SWT = "w", SWP = "{off}", tags = { t = TxtO { \z
        "OUT_TOPIC", default = "{x}" } }')
  end)
end)
