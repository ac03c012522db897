-- The words of status(): from facts as the core gives them to problems, remarks and text.
local checks = require "tagline.repl.status_checks"
local files = require "spec.support.files"
local status = require "tagline.repl.status"

local function line_facts(changes)
  local l = {
    name = "things-stack", state = "connected", peer = "10.0.0.1:1883", host = "10.0.0.1",
      port = 1883, client_id = "c", user_name = "joe",
    last_error = "", messages = 3, unrouted = 0, instances_refused = 0, inflight = 0, queued = 0,
      max_queued = 100, received_per_s = 1,
    reply_timeout = 20, quick_closes = 0, connects = 1, sessions_lost = 0, connected_for = 1000,
      subscribed_for = 1000, filters = {}, unrouted_topics = {},
    stations = { StOn = 2 }, unset = {}, unset_count = 0, invalid = {}, invalid_count = 0,
      silent = {}, silent_count = 0, failed = {},
    failed_count = 0, max_packet_size = 1000,
  }
  for key, value in pairs(changes or {}) do l[key] = value end
  return l
end

local function facts_of(changes, more)
  local facts = { version = "1", pid = 2, memory = 3, uptime = 4, problems = {}, remarks = {},
    config = {}, failures = {},
    lines = { line_facts(changes) } }
  for key, value in pairs(more or {}) do facts[key] = value end
  return facts
end

local function told(changes, more)
  local facts = facts_of(changes, more)
  local live = { status = function() return facts end, now = function() return 100 end,
    survey = function() end, rest = function() end }
  local result = status.word(live)()
  return result, tostring(result)
end

local function failure(changes)
  local f = { scope = "things-stack.s", what = "decode", text = "c.lua:3: bad", works = false,
    count = 2, since = 10, since_ago = 90,
    last_ago = 5 }
  for key, value in pairs(changes or {}) do f[key] = value end
  return { failures = { f } }
end

-- { what, facts of the line, code, text as a pattern, remedy as a pattern, where, more facts }
local problems = {
  { "a line that waits", { state = "waiting", last_error = "refused", retry_in = 3 },
    "not-connected", "^not connected: refused$",
    '^next attempt in 3.0 s; lines%["things%-stack"%]:reconnect%(%) tries at once$' },
  { "the last error while the next attempt runs",
    { state = "connecting", last_error = "refused" }, "not-connected",
    "^not connected: refused; connecting to 10.0.0.1 port 1883$" },
  { "since when, and what fails now", { state = "waiting", last_error = "refused", lost_ago = 60 },
    "not-connected", "^not connected: refused; the connection was lost 60 s ago$" },
  { "a broker that takes no clients",
    { state = "waiting", retry_in = 1,
      last_error = "connection refused, code 3: server unavailable" }, "not-connected", "code 3",
    "^the broker takes no clients at present" },
  { "a code of the broker's own",
    { state = "waiting", retry_in = 1,
      last_error = "connection refused, code 6: a code the standard does not know" },
    "not-connected", "code 6", "^look at the broker's log" },
  { "a port without WebSocket", { state = "waiting", retry_in = 1, host = "ws://b:1883",
      connects = 0, address = "b:1883", last_error =
      "b:1883: reset the connection without an answer to the WebSocket upgrade: that is \z
        probably no WebSocket port" }, "not-connected", "no WebSocket port",
    '^host = "mqtt://…" for plain MQTT, or "wss://…" for TLS; else correct the port, or the path' },
  { "a TLS port that is spoken to in plain", { state = "waiting", retry_in = 1,
      host = "mqtt://b:1883/", last_error = "b:1883: got 0x15: a TLS port" }, "not-connected",
    "a TLS port", 'tls = true, or host = "mqtts://b:1883"' },
  { "a port that closes at once, given with a scheme", { state = "waiting", retry_in = 1,
      host = "mqtt://b", connects = 0, last_error = "b:1883 closed the connection" },
    "not-connected", "closed", 'host = "mqtts://b:1883"%)' },
  { "a session store without a folder", { state = "waiting", retry_in = 1,
      last_error = "session store /x/p.c.sqlite: No such file or directory" }, "not-connected",
    "session store", "^make the folder that it is in, or correct session_store; next attempt" },
  { "a session store on a full disk", { state = "waiting", retry_in = 1,
      last_error = "session store /x/p.c.sqlite: No space left on device" }, "not-connected",
    "session store", "^make room on the disk: nothing is acknowledged till then; next attempt" },
  { "values that go into a file on a full disk",
    { held = true, values_full = "no space left on device" }, "values-held",
    "^the values cannot be written to standard output: no space left on device: nothing is",
    "^make room on the disk$" },
  { "an acknowledgement that stays away", { oldest_inflight = 25, inflight = 2 }, "ack-missing",
    "missing for 25 s %(2 in flight, 0 queued%)", "reconnect%(%) sends it again" },
  { "one that a clean session forgets",
    { oldest_inflight = 25, inflight = 1, clean_session = true }, "ack-missing", "missing",
    "reconnect%(%) lets the write fail" },
  { "the first attempt", { state = "connecting" }, "connecting",
    "^connecting to 10.0.0.1 port 1883$" },
  { "a PING without an answer", { ping_unanswered = 7 }, "half-open",
    "not answered a PING for 7.0 s", "it ends after 20 s" },
  { "a refused filter", { filters = { { filter = "a/#", granted = 128, wanted = 1 } } },
    "filter-refused", "refused the topic filter 'a/#'",
    "access rules" },
  { "a lower QoS", { filters = { { filter = "a/#", granted = 0, wanted = 1 } } }, "qos-lowered",
    "'a/#' %(QoS 0, asked for 1%)" },
  { "a Client ID of two", { quick_closes = 3, connected_for = 1 }, "client-id",
    "probably uses the Client ID 'c'", "client_id of its own" },
  { "a write that the broker closes on",
    { quick_closes = 3, connected_for = 1, closed_on = "PUBLISH", closed_topic = "o",
    closed_bytes = 2000 }, "write-not-taken",
      "3 times in a row after it was sent PUBLISH o, 2000 bytes", "size of a message" },
  { "a write at QoS 0 that it closes on, or another client",
    { quick_closes = 3, connected_for = 1, closed_on = "PUBLISH", closed_topic = "o",
    closed_bytes = 20, closed_unacked = true }, "write-not-taken",
      "PUBLISH o, 20 bytes: it may not take that message, or another client uses the Client ID 'c'",
      "retained messages; give each process a client_id of its own" },
  { "writes without a topic", { astray = { tag = "s.out", why = "the topic is not known", count = 2,
    ago = 5 } }, "write-no-topic",
    "^2 writes to things%-stack%.s%.out went nowhere, the last 5.0 s ago: the topic is not known$",
    'explain%(tags%["things%-stack%.s%.out"%]%)', { tag = "things-stack.s.out" } },
  { "a SUBSCRIBE that it closes on",
    { quick_closes = 4, connected_for = 1, closed_on = "SUBSCRIBE" }, "subscribe-not-taken",
    "right after SUBSCRIBE", "the user 'joe'" },
  { "a message too long", { too_long = { count = 2, topic = "t", bytes = 2000 } }, "too-long",
    "the last on t, 2000 bytes",
    "raise max_packet_size %(now 1000%)" },
  { "an echo", { echo = { topic = "x", per_second = 40 } }, "echo",
    "what is written to x comes back and is written again, 40 a second", "another topic" },
  { "a fast echo", { echo = { topic = "x", per_second = 300 } }, "echo",
    "written again, 300 a second", "another topic" },
  { "doubles", { findings = { { kind = "doubled", topic = "a/b", filters = { "a/#", "a/b" } } } },
    "doubled", "a/b matches the topic filters a/# and a/b" },
  { "a payload of another format", { findings = { { kind = "format", station = "things-stack.s",
    raw = "CBOR", wanted = "JSON" } } }, "other-format", "^the payload is CBOR, where JSON is",
    '^payload_type = "CBOR"$', { station = "things-stack.s" } },
  { "an invalid tag", { invalid = { { tag = "things-stack.s.t", reason = "missing" } },
    invalid_count = 1 }, "tag-invalid", "^invalid: missing",
    '^explain%(tags%["things%-stack.s.t"%]%) shows why',
      { tag = "things-stack.s.t", station = "things-stack.s" } },
  { "a will",
    { failed = { { name = "s", status = "StHardErr", reason = "station-will", seconds = 5 } },
      failed_count = 1, subscribed_for = 1 },
    "station-failed", "its will came", nil, { station = "things-stack.s" } },
  { "a decoder that fails", {}, "handler-failing",
    "^decode of things%-stack.s has failed since .*c.lua:3: bad$", nil,
    { station = "things-stack.s" }, failure() },
  { "a refused config", {}, "config-refused", "c.lua:1: wrong", nil, nil,
    { config = { file = "c.lua", hash = "12345678", time = 1, reloads = 0,
    files = {}, refused = "c.lua:1: wrong", refused_at = 5 } } },
  { "a mask that does not fit",
    { findings = { { kind = "mask", station = "things-stack.s", raw = "1700000000000", field = "ts",
    mask = "UNIX", fits = "UNIXMS" } } }, "time-unreadable",
      "'1700000000000' of ts does not fit the time mask UNIX",
    '^time_mask = "UNIXMS" would fit$', { station = "things-stack.s" } },
  { "a mask that does not fit, of a message that is not recorded any more",
    { times_count = 1, times = { { kind = "mask", station = "things-stack.s", field = "ts",
    mask = "UNIX" } } }, "time-unreadable", "the last time of ts did not fit the time mask UNIX",
    "the log has", { station = "things-stack.s" } },
  { "a time that is known from its message and from its station",
    { times_count = 1, times = { { kind = "mask", station = "things-stack.s", field = "ts",
    mask = "UNIX" } },
    findings = { { kind = "mask", station = "things-stack.s", raw = "1 Dec 2026", field = "ts",
    mask = "UNIX" } } }, "time-unreadable", "'1 Dec 2026' of ts", "^no mask reads names" },
  { "a local time that there is not",
    { findings = { { kind = "mask", station = "things-stack.s", raw = "2027-03-28 02:30",
    field = "ts", mask = "yyyy-mm-dd hh:mi", gap = "Europe/Warsaw" } } }, "time-unreadable",
    "the local time '2027%-03%-28 02:30' of ts does not exist in Europe/Warsaw: values get",
    "UTC, or an offset" },
  { "a session store of two processes", { state = "waiting", retry_in = 1,
    last_error = "session store s/p.c.sqlite: in use by another process" }, "not-connected",
    "in use by", "^it goes on when that process ends; else" },
  { "a time that is null",
    { findings = { { kind = "mask", station = "things-stack.s", raw = "null", field = "ts",
    mask = "UNIX" } } }, "time-unreadable", "'null' of ts", "^the device sends no time there" },
  { "a time field that is an object",
    { findings = { { kind = "mask", station = "things-stack.s", raw = '{"s":1}', field = "ts",
    mask = "UNIX" } } }, "time-unreadable", "of ts", "name the field in it$" },
  { "an http that a reload could not open", {}, "http-refused",
    "^http is not as the config says: listen on 127.0.0.1:80: in use; the old address goes on$",
    "reload%(%) tries again$", nil, { config = { file = "c.lua", hash = "12345678", time = 1,
    reloads = 1, files = {}, http_refused = "listen on 127.0.0.1:80: in use; the old address \z
    goes on" } } },
  { "a mask that leaves a part of the time out",
    { findings = { { kind = "cut", station = "things-stack.s", raw = "2026-11-22 14:03",
    field = "ts", mask = "yyyy-mm-dd", fits = "yyyy-mm-dd hh:mi", lost = 50580 } } }, "time-cut",
      "'2026%-11%-22 14:03' of ts says more than the time mask yyyy%-mm%-dd reads: values are \z
        14 h too early",
    '^time_mask = "yyyy%-mm%-dd hh:mi" reads all of it$', { station = "things-stack.s" } },
  { "a slow handler that takes the processor",
    { slow = { { what = "decode", station = "things-stack.s", mean = 0.05, longest = 0.09,
    calls = 100, share = 0.5 } } }, "handler-slow", "decode of things%-stack.s takes 50 ms",
      "all lines wait", { station = "things-stack.s" } },
}

local function outlet(changes, spool)
  local o = { name = "bus", kind = "nats", up = true, since = 60, why = "", behind = 0,
    rejected = 0, dropped = 0, last_rejected = "", lag = 0, stored = 0 }
  for key, value in pairs(changes) do o[key] = value end
  return { outlets = { o }, spool = spool }
end
local of_outlets = {
  { "an outlet that is away", {}, "outlet-away",
    "^outlet 'bus' %(nats%) has been away for 60 s: refused; 12 values wait", "spool", nil,
    outlet { up = false, why = "refused", behind = 12 } },
  { "an outlet that does not open", {}, "outlet-away",
    "^outlet 'bus' %(nats%) has been away for 10 s; 0 values wait", nil, nil,
    outlet { up = false, since = 10 } },
  { "an outlet that is behind", {}, "outlet-behind",
    "'bus' %(nats%) is 12 values behind, the oldest for 30 s", nil, nil,
      outlet { behind = 12, lag = 30 } },
  { "an outlet that is slow", {}, "outlet-behind", "12 values behind",
    "^it is slower than the values that come: look at its server$", nil,
    outlet { behind = 12, lag = 30, held = 2 } },
  { "a database that answers nothing", {}, "outlet-behind", "12 values behind",
    "^it has taken nothing for 30 s: it may be stopped, or a table locked$", nil,
    outlet { kind = "postgres", behind = 12, lag = 40, held = 30 } },
  { "an outlet that is away, and room in the spool for hours", {}, "outlet-away", "has been away",
    "25 %% full; at this rate the rest lasts 3 h", nil, outlet({ up = false, why = "refused" },
      { bytes = 250, max = 1000, why = "", lasts = 3 * 3600 }) },
  { "a history whose log cannot begin anew", {}, "history-log", "has 312 MB and grows: another",
    "^end that program's transaction", nil, { history = { log_held = 312 << 20 } } },
  { "a history whose folder is not there", {}, "outlet-away", "No such file",
    "^make the folder that it is in, or correct file; values wait", nil,
    outlet { kind = "history", up = false, why = "'/x/h.db.lock': No such file or directory" } },
  { "a history that another process writes", {}, "outlet-away", "process 7 writes it",
    "^end that process, or give this config a file of its own; values wait", nil,
    outlet { kind = "history", up = false, why = "'h.db': process 7 writes it" } },
  { "a history that is a folder", {}, "outlet-away", "no regular file", "^correct file: .*; values",
    nil, outlet { kind = "history", up = false, why = "'h' is no regular file" } },
  { "an outlet whose port is a broker's", {}, "outlet-away", "does not speak NATS",
    "^is it stuck%? else correct nats: .*4222; values wait", nil, outlet { up = false,
      why = "127.0.0.1:1883: it takes a connection, but does not speak NATS: it stands still" } },
  { "a spool that holds", {}, "spool-away", "^the spool is full %(9 of 10 bytes%): nothing is read",
    "^mend the outlet that does not take its values; spool { max", nil,
    { spool = { bytes = 9, max = 10, why = "the spool is full (9 of 10 bytes)" } } },
  { "a spool whose disk is full", {}, "spool-away", "^the spool cannot be written: No space left",
    "^make room on the disk", nil,
    { spool = { bytes = 9, max = 10, why = "the spool cannot be written: No space left" } } },
}
table.move(of_outlets, 1, #of_outlets, #problems + 1, problems)

local remarks = {
  { "a filter that lets nothing in", { messages = 0, silent_count = 1,
    silent = { { name = "s", address = "a" } } }, "no-message", "no message yet for the address a",
    "^nothing came through topic_filter: tagline discover 10%.0%.0%.1:1883 %-%-user joe \z
      %-%-password%-file FILE shows .* the broker may not let the user 'joe' read it$" },
  { "the same, over TLS", { messages = 0, silent_count = 1, user_name = "", host = "::1",
    transport = "TLS 1.3", silent = { { name = "s", address = "a" } } }, "no-message", "no message",
    "tagline discover 'mqtts://%[::1%]:1883' shows .* users without a name" },
  { "the same, with certificates of its own", { messages = 0, silent_count = 1, transport = "TLS",
    own_ca = true, silent = { { name = "s", address = "a" } } }, "no-message", "no message",
    "tagline discover mqtts://10%.0%.0%.1:1883 %-%-user joe %-%-password%-file FILE \z
      %-%-tls%-ca%-file FILE shows" },
  { "the same, at an address with a scheme", { messages = 0, silent_count = 1, user_name = "it's",
    host = "ws://h/mqtt", silent = { { name = "s", address = "a" } } }, "no-message", "no message",
    "tagline discover ws://h/mqtt %-%-user 'it'\\''s' %-%-password" },
  { "writes that handlers made in vain", {}, "write-refused",
    "^2 writes to things%-stack.s were refused, last 5.0 s ago: o %(Ao%): expected a finite number",
    "^correct the function", { station = "things-stack.s" },
    failure { what = "writes", text = 'o (Ao): expected a finite number, got string "x"' } },
  { "a station without a time field, whose messages are not recorded any more",
    { times_count = 1, times = { { kind = "no_time", station = "things-stack.s", field = "ts" } } },
    "time-missing", "messages have no ts", nil, { station = "things-stack.s" } },
  { "a line that subscribes to nothing", { messages = 0, subscribes = false, silent_count = 1,
    silent = { { name = "s", address = "a" } } }, "no-message", "no message yet",
    "^watch { topic" },
  { "values that the spool dropped", {}, "outlet-dropped", "dropped 5 values", "spool", nil,
    outlet { dropped = 5 } },
  { "a long message of some time ago",
    { too_long = { count = 2, topic = "t", bytes = 2000, ago = 601 } }, "too-long",
      "the last on t, 2000 bytes" },
  { "values that came too late for the history's `keep`", {}, "outlet-too-old",
    "did not store 3 values that came: older than `keep`", "give it a longer `keep`", nil,
    outlet { too_old = 3 } },
  { "values that a server rejects", {}, "outlet-rejected",
    "rejected 2 values, the last: p.s.t: too long", "bus.rejected", nil,
    outlet { rejected = 2, last_rejected = "p.s.t: too long" } },
  { "a lost session", { sessions_lost = 1, session_lost_ago = 10 }, "session-lost",
    "lost the session 1 time" },
  { "a Client ID that was of two", { quick_closes = 3, connected_for = 1000 }, "client-id",
    "Client ID 'c'" },
  { "what ended the last connection", { last_failure = "reset", failed_ago = 7,
    failed_open = true, lost_ago = 7 }, "was-away", "^the connection was lost 7.0 s ago: reset$" },
  { "what the last attempt failed with", { last_failure = "refused", failed_ago = 7, connects = 3,
    failed_open = false, lost_ago = 9 }, "was-away",
    "^an attempt to connect failed 7.0 s ago: refused; the connection had been lost 9.0 s ago$" },
  { "messages that no station takes",
    { unrouted = 2, unrouted_topics = { { topic = "x/y", count = 2, over = 0 } } }, "no-station",
    "2 messages that no station takes, most often: x/y %(2%)", '^explain%("x/y"%)' },
  { "a silent station", { silent = { { name = "s", address = "a/b" } }, silent_count = 1 },
    "no-message", "a/b", "watch", { station = "things-stack.s" } },
  { "a tag without a value", { unset = { "things-stack.s.t" }, unset_count = 1 }, "no-value",
    "no value yet", "explain", { tag = "things-stack.s.t" } },
  { "a tag of a station that is well again",
    { waiting_tags = { { tag = "things-stack.s.t", reason = "station-will" } },
      waiting_tags_count = 1 },
    "tag-waits", "^invalid %(station%-will%) until a message has a value for it", "explain",
    { tag = "things-stack.s.t", station = "things-stack.s" } },
  { "a retained message alone",
    { findings = { { kind = "retained", station = "things-stack.s", seconds = 7200 } } },
      "retained-only",
    "a retained one", "no_data_timeout", { station = "things-stack.s" } },
  { "a decoder that works again", {}, "handler-failed", "it has worked since: c.lua:3: bad", nil,
    nil, failure { works = true } },
  { "a changed file", {}, "config-changed", "^c.lua changed on disk", nil, nil,
    { config = { file = "c.lua", hash = "12345678", time = 1,
    reloads = 0, files = { { path = "c.lua", changed = true } } } } },
  { "a warning of check", {}, "config-warning", "c.lua:1: warning: x", nil, nil,
    { config = { file = "c.lua", hash = "12345678", time = 1,
    reloads = 0, files = {}, warnings = { "c.lua:1: warning: x" } } } },
}

describe("status()", function()
  it("has a text for each of its codes in help", function()
    local known = {}
    for _, group in ipairs(require "tagline.repl.help_texts".findings) do
      for _, row in ipairs(group) do known[row[1]] = true end
    end
    local source = ""
    for _, name in ipairs { "checks", "connection", "findings", "process" } do
      local path = package.searchpath("tagline.repl.status_" .. name, package.path)
      source = source .. files.read(path)
    end
    local count = 0
    for _, pattern in ipairs {
      'report:problem%("([%l%d-]+)"', 'report:remark%("([%l%d-]+)"',
        'report:many%("%a+", "([%l%d-]+)"',
      'return "([%l%d-]+)", ', 'code, text = "([%l%d-]+)"', 'report:both%("%a+", "([%l%d-]+)"',
    } do
      for code in source:gmatch(pattern) do
        count = count + 1
        assert.is_true(known[code], code)
      end
    end
    assert.is_true(count > 35)
  end)

  it("has nothing to say of a healthy plant", function()
    local result, text = told()
    assert.same({ {}, {} }, { result.problems, result.remarks })
    assert.truthy(text:find "\nnothing is wrong$")
  end)

  it("has nothing to say of a line that ends in order, or is off", function()
    for _, state in ipairs { "disconnecting", "off" } do
      local result = told { state = state, last_error = "the broker closed the connection" }
      assert.same({ {}, {} }, { result.problems, result.remarks })
    end
  end)

  for list, rows in pairs { problems = problems, remarks = remarks } do
    for _, row in ipairs(rows) do
      local what, changes, code, text, remedy, where, more = table.unpack(row, 1, 7)
      it(("has %s among its %s"):format(what, list), function()
        local result, shown = told(changes, more)
        local other = list == "problems" and result.remarks or result.problems
        assert.same({}, other)
        assert.equal(1, #result[list], shown)
        local one = result[list][1]
        assert.equal(code, one.code)
        assert.truthy(one.text:find(text), one.text)
        if remedy then assert.truthy(one.remedy and one.remedy:find(remedy), one.remedy) end
        for key, value in pairs(where or {}) do assert.equal(value, one[key]) end
        local sign = list == "problems" and "!" or "-"
        assert.truthy(shown:find("\n *" .. (sign == "-" and "%-" or sign) .. " "), shown)
        assert.equal(list == "remarks", shown:find "\nnothing is wrong$" ~= nil, shown)
        if list == "problems" then assert.truthy(shown:find "\n1 thing to look at$", shown) end
      end)
    end
  end

  it("says nothing of devices that have not spoken in the first minute after SUBACK", function()
    local failed = { { name = "s", status = "StHardErr", reason = "disconnected", seconds = 5 } }
    assert.equal(0, #told({ failed = failed, failed_count = 1, subscribed_for = 59 }).problems)
    assert.equal(1, #told({ failed = failed, failed_count = 1, subscribed_for = 61 }).problems)
  end)

  it("has an entry for each tag and one text for all of them", function()
    local list = {}
    for i = 1, 8 do list[i] = { tag = "things-stack.s.t" .. i, reason = "missing" } end
    local result, text = told { invalid = list, invalid_count = 20 }
    assert.equal(9, #result.problems)
    assert.truthy(result.problems[9].text:find "12 more")
    assert.truthy(text:find "! 20 tags are invalid: things%-stack.s.t1 %(missing%), .*, \z
      12 more %(find%(\"invalid\"%) lists all%)\n")
    assert.truthy(text:find "\n1 thing to look at$")
  end)

  it("counts stations whose times are wrong once, whether their messages are recorded or not",
    function()
    local function no_time(name)
      return { kind = "no_time", station = "things-stack." .. name, field = "ts" }
    end
    local result, text = told { times_count = 300, times = { no_time "s", no_time "t" },
      findings = { no_time "s" } }
    assert.equal(3, #result.remarks)
    assert.truthy(text:find "%- there is no time: s %(.-%), t %(.-%), 298 more\n", text)
    assert.equal(1, #told { times_count = 1, times = { no_time "s" },
      findings = { no_time "s" } }.remarks)
  end)

  it("does not say that nothing came where what came was too long", function()
    local _, text = told { messages = 0, silent = { { name = "s", address = "a" } },
      silent_count = 1, too_long = { count = 1, topic = "t", bytes = 2000 } }
    assert.is_nil(text:find("nothing came", 1, true), text)
  end)

  it("says once what to do where the text of a failed connection says it", function()
    for _, row in ipairs {
      { "connect to 10.0.0.1:1883: connection refused: start the broker, or correct host and port",
        "nothing listens" },
      { "10.0.0.1:1883: connection refused, code 5: not authorized: correct user_name and password",
        "correct user_name and password: it was refused" },
      { "10.0.0.1:1883 closed the connection before CONNACK: does it want TLS (mqtts://)? \z
        Does it know the Client ID and the user?", "" },
      { "resolve 'x': not found: correct host, or look at the name server", "correct host" },
    } do
      local error, more = row[1], row[2]
      local result, shown =
        told { state = "waiting", retry_in = 1, last_error = error, connects = 1 }
      assert.equal("not connected: " .. error, result.problems[1].text)
      assert.equal(1, result.problems[1].remedy:find(more, 1, true), result.problems[1].remedy)
      assert.truthy(shown:find "\n *→ next attempt in 1%.0 s;[^\n]*at once\n", shown)
      shown = select(2, told { state = "connecting", last_error = error, connects = 1 })
      assert.is_nil(shown:find("→", 1, true), shown)
    end
    local _, shown = told { state = "waiting", retry_in = 1, connects = 1,
      last_error = "no PINGRESP within the reply timeout of 20 s" }
    assert.truthy(shown:find "→ the connection was dead: a shorter ping_interval notices it \z
      sooner; next attempt")
    shown = select(2, told { state = "waiting", retry_in = 1, connects = 1,
      last_error = "connect to 10.0.0.1:1883: too many open files" })
    assert.truthy(shown:find "→ the process has no descriptor left: raise LimitNOFILE of the \z
      service, or ulimit %-Hn; next attempt")
  end)

  it("prints commands that run as they stand", function()
    for name, expected in pairs { plant = "lines.plant:",
      ["things-stack"] = 'lines["things-stack"]:', ["end"] = 'lines["end"]:' } do
      local result = told { name = name, state = "waiting", retry_in = 1 }
      assert.truthy(result.problems[1].remedy:find(expected, 1, true))
    end
  end)

  it("lets no bytes of a device steer the terminal", function()
    local result, text = told { unrouted = 1,
      unrouted_topics = { { topic = "a\27[2J", count = 1, over = 0 } } }
    assert.falsy(text:find "\27")
    assert.falsy(result.remarks[1].text:find "\27")
  end)

  it("has a line for each outlet that takes what comes", function()
    local spool = { bytes = 25, max = 100 }
    local _, text = told({}, outlet({ stored = 1234, behind = 2 }, spool))
    local shown = "\noutlet 'bus' (nats): up for 60 s; 1234 values stored, 2 behind; "
      .. "the spool is 25 % full\nnothing is wrong"
    assert.truthy(text:find(shown, 1, true), text)
    _, text = told({}, outlet({ up = false, why = "refused", stored = 1234 }, spool))
    assert.falsy(text:find("up for", 1, true), text)
    -- nothing has failed yet
    _, text = told({}, outlet({ up = false, since = 3, behind = 2 }, spool))
    shown = "\noutlet 'bus' (nats): opening for 3.0 s; 2 behind\nnothing is wrong"
    assert.truthy(text:find(shown, 1, true), text)
  end)

  it("keeps checks and text apart", function()
    local report = checks.report(facts_of { state = "off" })
    assert.same({}, report.shown)
  end)
end)
