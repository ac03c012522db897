-- luacheck: no max line length (messages are compared whole)
local support = require "spec.config.support"
local load = require "tagline.config.load"

local function told(fields)
  return support.problems(support.line(fields))
end

local NO_PASSWORD =
  "expected no user or password in the address: it would be logged; set user_name and password"

describe("a line", function()
  it("has every parameter, with the reference's defaults", function()
    local params = support.clean('line "p" { host = "h" }').lines[1].params
    assert.same({
      host = { "h" }, port = 1883, full_debug = false, topic_filter = { "#" },
        subscribe_qos = 1,
        client_id = "tagline-p",
      clean_session = false, publish_qos = 0, publish_retain = false, keep_alive = 0,
        ping_interval = 60, payload_type = "text",
      time_field_name = "", time_mask = "yyyy-mm-dd hh:mi:ss.mss", ignore_missing_time = false,
        will_flag = false, will_qos = 0,
      will_retain = false, reply_timeout = 20, wait_timeout = 0.1, max_wait_retry = 3,
        connect_timeout = 20, reconnect_delay = 1,
      reconnect_delay_max = 60, max_packet_size = 16777216, max_inflight = 100,
        offline_writes = "reject", max_queued = 10000,
      max_queued_bytes = 16777216, max_queue_age = 0, receive_queue_bytes = 16777216,
      receive_queue = 1000, time_zone = "UTC", recorder = 1048576, tls = false,
        tls_verify = "yes", tls_min_version = "1.2",
      tls_expiry_warning = 2592000, ws_path = "/mqtt", ws_subprotocol = "mqtt",
    }, params)
  end)

  it("takes what is written, in normal form", function()
    local line = support.clean [[line "p" {
      host = " a , b;[::1] ", port = 8883, full_debug = "yes", user_name = "u", password = "p",
      topic_filter = { "a/#", "b/+" }, subscribe_qos = "QoS_2", client_id = "x",
      clean_session = "NO", publish_qos = 1.0, publish_retain = true, keep_alive = 65535,
      ping_interval = 0.5, payload_type = "json", time_field_name = "a.b[1]", time_mask = "UNIX",
      ignore_missing_time = "NO", will_flag = true, will_qos = "qos_1", will_retain = true,
      will_topic = "w", will_message = "gone\0", reply_timeout = 0, wait_timeout = 0.005,
      max_wait_retry = 0, max_packet_size = 2^20, max_inflight = 1, offline_writes = "queue",
      max_queued = 0, receive_queue = 1, time_zone = "Europe/Bratislava", session_store = "store",
      recorder = 0, connect_timeout = 5, reconnect_delay = 0.1, reconnect_delay_max = 0.1,
      max_queued_bytes = 0, max_queue_age = 0.5, receive_queue_bytes = 1 << 40,
      tls = "no", proxy = "http://p:3128",
      on_connect = function() end, before_disconnect = function() end,
      on_disconnect = function() end, on_value = function() end,
    }]].lines[1]
    local expected = {
      host = { "a", "b", "::1" }, port = 8883, full_debug = true, user_name = "u",
        password = "p",
        topic_filter = { "a/#", "b/+" },
      subscribe_qos = 2, client_id = "x", clean_session = false, publish_qos = 1,
        publish_retain = true, keep_alive = 65535,
      ping_interval = 0.5, payload_type = "json", time_field_name = "a.b[1]",
        time_mask = "UNIX",
        ignore_missing_time = false,
      will_flag = true, will_qos = 1, will_retain = true, will_topic = "w",
        will_message = "gone\0", reply_timeout = 0,
      wait_timeout = 0.005, max_wait_retry = 0, max_packet_size = 1048576, max_inflight = 1,
        offline_writes = "queue", max_queued = 0,
      receive_queue = 1, time_zone = "Europe/Bratislava", session_store = "store",
        recorder = 0,
      connect_timeout = 5, reconnect_delay = 0.1, reconnect_delay_max = 0.1,
        max_queued_bytes = 0,
        max_queue_age = 0.5,
      receive_queue_bytes = 1 << 40,
      tls = false, proxy = "http://p:3128",
      tls_verify = "yes", tls_min_version = "1.2", tls_expiry_warning = 2592000,
        ws_path = "/mqtt", ws_subprotocol = "mqtt",
    }
    assert.same(expected, line.params)
    assert.equal("integer", math.type(line.params.max_packet_size))
    for _, name in ipairs { "on_connect", "before_disconnect", "on_disconnect", "on_value" } do
      assert.is_function(line[name])
    end
  end)

  it("takes hosts as a list, and blank texts as not given", function()
    local params = support.clean(
      'line "p" { host = { "a", "b" }, user_name = "", password = "", will_topic = "", \z
        session_store = "" }').lines[1].params
    assert.same({ "a", "b" }, params.host)
    assert.is_nil(params.user_name)
    assert.is_nil(params.password)
    assert.is_nil(params.will_topic)
    assert.is_nil(params.session_store)
  end)

  it("may subscribe to a shared filter", function()
    assert.same({ "$share/g/a/#" },
      support.clean(support.line 'topic_filter = "$share/g/a/#"').lines[1].params.topic_filter)
  end)

  it("may subscribe to nothing, which is no reason to warn of stations that only write",
    function()
    assert.same({},
      support.clean(support.line 'topic_filter = {}').lines[1].params.topic_filter)
  end)

  local fields = {
    { "port = 0", "port: expected an integer from 1 to 65535, got 0" },
    { 'port = "1883"', 'port: expected an integer from 1 to 65535, got "1883"' },
    { "port = 1883.5", "port: expected an integer from 1 to 65535, got 1883.5" },
    { "keep_alive = 65536", "keep_alive: expected an integer from 0 to 65535, got 65536" },
    { "keep_alive = -1", "keep_alive: expected an integer from 0 to 65535, got -1" },
    { "ping_interval = 3601",
      "ping_interval: expected seconds, a number from 0 to 3600, got 3601" },
    { 'ping_interval = "60"',
      'ping_interval: expected seconds, a number from 0 to 3600, got "60"' },
    { "reply_timeout = 0/0",
      "reply_timeout: expected seconds, a number from 0 to 86400, got nan" },
    { "connect_timeout = 0",
      "connect_timeout: expected seconds, a number above 0, up to 86400, got 0" },
    { "max_wait_retry = 1.5",
      "max_wait_retry: expected an integer from 0 to 1000000, got 1.5" },
    { "max_inflight = 65536", "max_inflight: expected an integer from 1 to 65535, got 65536" },
    { "max_packet_size = 10",
      "max_packet_size: expected an integer from 128 to 268435460, got 10" },
    { "receive_queue = 0", "receive_queue: expected an integer from 1 to 100000000, got 0" },
    { "recorder = -1", "recorder: expected an integer from 0 to 1024 MiB, got -1" },
    { "full_debug = 1", 'full_debug: expected true, false, "YES" or "NO", got 1' },
    { 'clean_session = "maybe"',
      'clean_session: expected true, false, "YES" or "NO", got "maybe"' },
    { "subscribe_qos = 3",
      'subscribe_qos: expected 0, 1 or 2, or "QoS_0", "QoS_1", "QoS_2", got 3' },
    { 'publish_qos = "1"',
      'publish_qos: expected 0, 1 or 2, or "QoS_0", "QoS_1", "QoS_2", got "1"' },
    { 'payload_type = "XML"',
      'payload_type: expected "Text only", "JSON", "CBOR" or "MessagePack", got "XML"' },
    { "payload_type = 1",
      'payload_type: expected "Text only", "JSON", "CBOR" or "MessagePack", got 1' },
    { 'offline_writes = "drop"', 'offline_writes: expected "reject" or "queue", got "drop"' },
    { "user_name = 5", "user_name: expected a string, got 5" },
    { 'user_name = "a\\0b"',
      "user_name: expected a string without a zero byte, got one at position 2" },
    { 'user_name = "a\\xff"', "user_name: expected UTF-8, got something else at position 2" },
    { 'client_id = ("x"):rep(65536)', "client_id: expected at most 65535 bytes, got 65536" },
    { 'will_message = 5', "will_message: expected a string or a function, got 5" },
    { 'will_message = ("x"):rep(65536)',
      "will_message: expected at most 65535 bytes, got 65536" },
    { "session_store = true", "session_store: expected a string, got true" },
    { "on_connect = 5", "on_connect: expected a function, got 5" },
    { "on_disconnect = {}", "on_disconnect: expected a function, got a table" },
    { 'on_value = "f"', 'on_value: expected a function, got "f"' },
    { "topic_filter = 5", "topic_filter: expected a topic filter or a list of them, got 5" },
    { 'topic_filter = { "a", "a" }', 'topic_filter: "a" is given twice' },
    { 'topic_filter = { x = "a" }',
      "topic_filter: expected a topic filter or a list of them, got a table with other keys \z
        than 1, 2, 3" },
    { 'time_zone = "Mars/Base"',
      "time_zone: unknown time zone 'Mars/Base' (there is no /usr/share/zoneinfo/Mars/Base)" },
    { "time_zone = 1",
      'time_zone: expected a time zone such as "UTC", "local", "+01:00" or "Europe/Bratislava", \z
        got 1' },
    { 'password = "secret"', "password: expected a user_name beside the password, got none" },
    { "will_flag = true", "will_flag: expected a will_topic beside will_flag, got none" },
    { "reconnect_delay = 90",
      "reconnect_delay: expected reconnect_delay_max of at least reconnect_delay (90), got 60" },
    { "reconnect_delay_max = 0.5",
      "reconnect_delay_max: expected reconnect_delay_max of at least reconnect_delay (1), \z
        got 0.5" },
    { "5", 'expected a station (station "name" { … }), got 5' },
    { "{ x = 1 }",
      'expected a station (station "name" { … }), got a table with the field "x"' },
    { 'Ai "x"',
      'expected a station (station "name" { … }), got a tag, which belongs into a station' },
    { 'address = "a"', "address: unknown field; it is a field of a station" },
    { 'unit = "a"', "unit: unknown field; it is a field of a tag" },
    { "zzz = 1", "zzz: unknown field" },
    { "keepAlive = 1", "keepAlive: unknown field; did you mean 'keep_alive'?" },
    { '["Keep Alive"] = 1', "Keep Alive: unknown field; did you mean 'keep_alive'?" },
    { '["Clean Session Flag"] = true',
      "Clean Session Flag: unknown field; did you mean 'clean_session'?" },
    { '["Max. Wait Retry"] = 1',
      "Max. Wait Retry: unknown field; did you mean 'max_wait_retry'?" },
    { 'KEEP_ALIVE = 1', "KEEP_ALIVE: unknown field; did you mean 'keep_alive'?" },
    { "kep_alvie = 1", "kep_alvie: unknown field; did you mean 'keep_alive'?" },
  }
  for _, field in ipairs(fields) do
    it("refuses " .. field[1], function()
      assert.same({ "c.lua:1: line 'p': " .. field[2] }, told(field[1]))
    end)
  end

  local places = {
    { 'topic_filter = "+/++/up"', 'topic_filter: expected a topic filter, got "+/++/up": ',
      4 },
    { 'topic_filter = ""', 'topic_filter: expected a topic filter, got "": ', 1 },
    { 'topic_filter = "a/#/b"', 'topic_filter: expected a topic filter, got "a/#/b": ', 4 },
    { 'will_topic = "a/+"', 'will_topic: expected a topic without wildcards, got "a/+": ', 3 },
    { 'time_field_name = "a[0]"',
      'time_field_name: expected the address of a JSON field, got "a[0]": ', 3 },
    { 'time_mask = "yyyy HH"', 'time_mask: expected a time mask, got "yyyy HH": ', 6 },
    { 'time_mask = "hb:mi"', 'time_mask: expected a time mask, got "hb:mi": ', 1 },
  }
  for _, place in ipairs(places) do
    it("refuses " .. place[1] .. ", saying where", function()
      local list = told(place[1])
      assert.equal(1, #list)
      local start = "c.lua:1: line 'p': " .. place[2]
      assert.equal(start, list[1]:sub(1, #start))
      assert.truthy(list[1]:find(("(at position %d)"):format(place[3]), 1, true), list[1])
    end)
  end

  it("says of each item of a list what is wrong with it", function()
    local list = support.problems [[line "p" { host = { "a", "h:1", "b c" },
      topic_filter = { "z/#/b", "ok", "", "ok", "a/#/b" } }]]
    assert.equal(6, #list, table.concat(list, "\n"))
    for i, start in ipairs { "host: expected a name or address without a port",
      'host: expected a host name or an address, got "b c"',
      'topic_filter: expected a topic filter, got "z/#/b": ',
      'topic_filter: expected a topic filter, got "": ', 'topic_filter: "ok" is given twice',
      'topic_filter: expected a topic filter, got "a/#/b": ' } do
      assert.truthy(list[i]:find(start, 1, true), list[i])
    end
  end)

  it("says of many wrong items of a list how many they are", function()
    local list = support.problems [[
local filters = {}
for i = 1, 300 do filters[i] = "t" .. i .. "#" end
line "p" { host = "h", topic_filter = filters }
]]
    assert.equal(11, #list, table.concat(list, "\n"))
    for i = 1, 10 do assert.truthy(list[i]:find(('got "t%d#"'):format(i), 1, true), list[i]) end
    assert.truthy(list[10]:find("(and 90 more like this)", 1, true), list[10])
    assert.truthy(list[11]:find("topic_filter: more wrong items in the list: 200", 1, true),
      list[11])
  end)

  for _, case in ipairs {
    { '""', "expected a host, got an empty one" },
    { '"a,,b"', "expected a host, got an empty one" },
    { "1883", "expected a host or a list of hosts, got 1883" },
    { "{ 5 }", "expected a host, as a string, got 5" },
    { '"mqqt://h"', 'expected mqtt://, mqtts://, ws:// or wss://, got "mqqt://"' },
    { '"h:1884"',
      'expected a name or address without a port, got "h:1884": write host = "h", port = 1884, \z
        or "mqtt://h:1884"' },
    { '"[::1]:1884"',
      'expected a name or address without a port, got "[::1]:1884": write host = "::1", port = \z
        1884, or "mqtt://[::1]:1884"' },
    { '"mqtt://joe:secret@h:1883/x"', NO_PASSWORD },
    { '"mqtt://joe:se@cret@h"', NO_PASSWORD },
    { '{ "mqtt://joe:secret" }', "expected a port of 1 to 65535 behind the colon" },
    { '"joe:secret@h"', 'expected a host name or an address, got "…@h"' },
    { '"a b"', 'expected a host name or an address, got "a b"' },
    { '"a, a"', '"a" is given twice' },
  } do
    it("refuses host = " .. case[1], function()
      assert.same({ "c.lua:1: line 'p': host: " .. case[2] },
        support.problems(('line "p" { host = %s }'):format(case[1])))
    end)
  end

  it("needs a host", function()
    assert.same(
      { "c.lua:1: line 'p': expected host = \"…\" (the broker's address), got none" },
      support.problems 'line "p" {}')
  end)

  it("never shows a password", function()
    local list = told 'password = { "hunter2" }, user_name = "u"'
    assert.same({ "c.lua:1: line 'p': password: expected a string, got a table" }, list)
    list = told 'password = 123456, user_name = "u"'
    assert.same({ "c.lua:1: line 'p': password: expected a string, got a number" }, list)
    list = told 'password = "hunter2", port = "x"'
    assert.falsy(table.concat(list, "\n"):find("hunter2", 1, true))
  end)

  it("takes a will message without will_flag", function()
    support.clean(support.line 'will_flag = false, will_message = "bye"')
    assert.truthy(told('will_message = "bye"')[1]:find "warning: .* with will_flag = true only")
  end)

  it("needs a name of letters, digits, '_' and '-'", function()
    assert.same(
      { "c.lua:1: line 'a.b': expected a name of letters, digits, '_' and '-', got \"a.b\" (at \z
        position 2)" },
      support.problems 'line "a.b" { host = "h" }')
    assert.same({ "c.lua:1: line '': expected a name, got an empty one" },
      support.problems 'line "" { host = "h" }')
    local long = ("p"):rep(256)
    assert.same(
      { ("c.lua:1: line '%s': expected a name of at most 255 bytes, got 256"):format(long) },
      support.problems('line "' .. long .. '" { host = "h" }'))
    support.clean('line "' .. long:sub(2) .. '" { host = "h" }')
    assert.same({ 'c.lua:1: expected a name before the braces (line "name" { … }), got none' },
      support.problems 'line { host = "h" }')
    assert.same({ "c.lua:1: expected a name behind line, got 5" },
      support.problems 'line(5) { host = "h" }')
  end)

  it("needs braces", function()
    assert.same(
      { "c.lua:1: line 'p': expected braces with fields behind the name, got nothing" },
      support.problems 'line "p"')
    assert.same({ "c.lua:1: line 'p': expected braces with fields behind the name, got 5" },
      support.problems 'line "p" (5)')
    support.clean 'line("p", { host = "h" })'
  end)

  it("has a name of its own", function()
    assert.same({ "c.lua:2: line 'p': duplicate name: there is a line 'p' in line 1 already" },
      support.problems 'line "p" { host = "h" }\nline "p" { host = "i" }')
  end)

  it("does not stand inside another", function()
    assert.same({ "c.lua:2: line 'p': expected no line inside a line, got line 'q'" },
      support.problems 'line "p" { host = "h",\nline "q" { host = "i" } }')
  end)

  it("shares its client id with no other at one broker", function()
    local function two(second)
      return support.problems('line "a" { host = "x, H", client_id = "c" }\nline "b" { '
        .. second
        .. " }")
    end
    local warning =
      "c.lua:2: warning: line 'b': client_id: \"c\" at h:1883 is that of line 'a' too: the \z
        broker will end one for the other"
    assert.same({ warning }, two 'host = "h", client_id = "c"')
    assert.same({}, two 'host = "h", client_id = "c", port = 1884')
    assert.same({}, two 'host = "i", client_id = "c"')
    assert.same({}, two 'host = "h", client_id = "d"')
    assert.same({}, support.problems [[
      line "a" { host = "h", client_id = "", clean_session = true }
      line "b" { host = "h", client_id = "", clean_session = true }]])
  end)

  it("is warned that a blank client id has no session", function()
    assert.same(
      { "c.lua:1: warning: line 'p': client_id: is blank: the session is clean, whatever \z
        clean_session says" },
      told 'client_id = ""')
    local draft = support.load(support.line 'client_id = ""')
    assert.equal("", draft.lines[1].params.client_id)
  end)

  it("is warned of a session_store that a clean session leaves unused", function()
    assert.same(
      { "c.lua:1: warning: line 'p': session_store: is not used: clean_session makes the \z
        session a clean one" },
      told 'session_store = "s", clean_session = true')
    assert.same(
      { "c.lua:1: warning: line 'p': client_id: is blank: the session is clean, whatever \z
        clean_session says",
      "c.lua:1: warning: line 'p': session_store: is not used: the blank client_id makes the \z
        session a clean one" },
      told 'session_store = "s", client_id = ""')
    assert.same({}, told 'session_store = "s"')
  end)

  it("takes lists of stations, and a station only once", function()
    local draft = support.clean [[
      local list = {}
      for i = 1, 3 do list[i] = station("s" .. i) { address = "t" .. i } end
      line "p" { host = "h", list, station "last" { address = "l" } }]]
    local names = {}
    for i, st in ipairs(draft.lines[1].stations) do names[i] = st.name end
    assert.same({ "s1", "s2", "s3", "last" }, names)
    assert.same({ "c.lua:2: line 'b': station 's' is used twice, first in line 'a'" },
      support.problems
      'local s = station "s" { address = "t" } line "a" { host = "h", s }\nline "b" { host = \z
        "h", s }')
  end)
end)

describe("a config", function()
  it("has a line", function()
    assert.same({ 'c.lua:1: expected at least one line "name" { … }, got none' },
      support.problems "")
    local draft, problems = load.string("", "dir/x.lua")
    assert.is_nil(draft)
    assert.same({ file = "dir/x.lua", line = 1, severity = "error",
      text = 'dir/x.lua:1: expected at least one line "name" { … }, got none' }, problems[1])
  end)

  it("keeps its lines in the order of the source, with their places", function()
    local draft = support.clean 'line "b" { host = "h" }\nline "a" { host = "h" }'
    assert.equal("c.lua", draft.file)
    assert.same({ "b", "a" }, { draft.lines[1].name, draft.lines[2].name })
    assert.same({ file = "c.lua", line = 2 }, draft.lines[2].at)
  end)

  it("has limits", function()
    local draft =
      support.clean 'limits { handler_time = 0.5, memory = 64 * 2^20 } line "p" { host = "h" }'
    local usual = { handler_time = 0.1, memory = 1 << 28, stall_time = 30,
      instance_text = 1 << 25, text = 1 << 28 }
    assert.same(usual, support.clean('line "p" { host = "h" }').limits)
    usual.handler_time, usual.memory = 0.5, 1 << 26
    assert.same(usual, draft.limits)
    assert.same({
      "c.lua:1: handler_time: expected seconds, a number above 0, up to 60, got 0",
      "c.lua:2: memry: unknown field; did you mean 'memory'?",
      "c.lua:3: limits: is given twice, first in line 1",
    }, support.problems 'limits { handler_time = 0,\n memry = 1 } line "p" { host = "h" \z
      }\nlimits {}')
  end)

  it("has timers", function()
    local draft =
      support.clean 'every(5, print)\nafter(0.5, function() end) line "p" { host = "h" }'
    assert.same({ "every", 5, "after", 0.5 },
      { draft.timers[1].kind, draft.timers[1].seconds, draft.timers[2].kind,
        draft.timers[2].seconds })
    assert.same({ file = "c.lua", line = 2 }, draft.timers[2].at)
    assert.same({
      "c.lua:1: every: expected seconds, a number from 0.001 to 1000000000, got 0",
      "c.lua:2: after: expected a function, got nothing as the second value",
    }, support.problems 'every(0, print)\nafter(1) line "p" { host = "h" }')
  end)
end)
