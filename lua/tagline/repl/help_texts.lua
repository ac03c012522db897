--- What help() says of everything that is not a parameter: those are told by
--- tagline.config.shapes, which checks them. One line for the list, more behind it. The order
--- is that of the list. Also where scripts/annotations and explain take their words from.
local codes = require "tagline.repl.help_codes"

local texts = { codes = codes.codes, findings = codes.findings, errors = codes.errors,
  troubles = codes.troubles }

--- Words of the REPL: name, how it is called, one line, more.
texts.words = {
  { "lines", "lines, lines[\"plant\"]", "the broker connections; prints as a table",
    "lines.plant works too. See help(\"line\")." },
  { "stations", "stations[\"plant.boiler\"]", "the devices, by full name; prints as a table",
    "stations[\"plant.*\"] is a list. See help(\"station\")." },
  { "tags", "tags[\"plant.boiler.temperature\"]", "the values, by full name; prints as a table",
    "tags[\"plant.*.temperature\"] is a list. See help(\"tag\")." },
  { "find", "find(\"temp\")", "lines, stations and tags that have a text in their name",
    "Or in their address, unit or description, or as their status or reason: find(\"invalid\"), \z
      find(\"StComErr\"). find(\"plant.*.temp\") and \z
      tags[\"plant.*.temp\"] take a full name in which * stands for anything. Fields: lines, \z
      stations, tags." },
  { "status", "status()", "what is wrong, in words, and what to do about it",
    [[Says what runs and since when, and for each line what the broker refused, what fails, what
waits, and which topics no station takes. "!" is wrong now (status().problems); "-" was wrong or
may become so (status().remarks): lists of { code, text, remedy, line, station, tag }. It is also
a table of facts: status().lines[1].state.]] },
  { "watch", "watch(pattern …), watch { topic = \"plant/#\" }",
    "new values or raw messages as they come, until Enter",
    [[A pattern is a full name in which * stands for anything ("plant.*.temperature"), or a tag,
a station, a line, or its name.
watch { "plant.*", rate = 20, count = 100, seconds = 60 }: at most `rate` lines a second (100),
an end after `count` lines or `seconds`.
watch { topic = "plant/#" } shows raw messages: QoS, flags, where they went, and the payload.
The number of lines that were left out is shown. Watching never delays a message.]] },
  { "explain", "explain(topic, payload), explain(tag)",
    "where a message goes and what every tag becomes, and why",
    [=[explain(topic [, payload [, options]]) tries a message, explain(message) one of messages(),
explain(tag) tells which of the last messages could set it. It changes nothing. Options: qos retain
dup id time line, and fresh: as if no message had come before.]=] },
  { "messages", "messages(pattern)", "the last messages that were received, oldest first",
    "messages(pattern, limit). A pattern is a topic filter, or a line, station or tag. Each \z
      line keeps `recorder` bytes of them." },
  { "discover", "discover(), discover(\"plant/#\")",
    "the topics of these messages: kinds, sizes, groups; and a config",
    "What `tagline discover` tells of a broker, of the messages that were recorded. Fields: \z
      topics, groups, and config, a text: print(discover().config)." },
  { "save", "save(\"FILE\" [, pattern])",
    "write the last messages into a file, for `tagline replay`",
    "One JSON object a line." },
  { "freeze", "freeze(message, \"FILE_spec.lua\")",
    "make a test from a real message and the tags that it gave", "`tagline test` runs it." },
  { "reload", "reload(), reload { dry = true }",
    "read the config again; with dry, only say what would change",
    [[Returns what changed; or nil and every problem: then the old config goes on. What did not
change keeps its connection, its messages in flight and its values. Handlers are exchanged between
two messages. Called in a handler, it happens after the present messages.]] },
  { "history", "history(tag, \"1h\"), history(tag, { every = \"1m\", as = \"avg\" })",
    "what a tag's value was, oldest first",
    [[Rows { time, value, status, reason } of the last 24 hours, or of "90d", "12h", "10m", or of
{ from =, to =, last = }, with the value held at `from`. every = "1m" gives intervals, as =
avg time_avg min max first last count sum good, or a list of them. time_avg lets a value hold until
the next. Days begin, and times without an offset are, in zone = "Europe/Bratislava", else in UTC.
limit keeps the newest rows (10000); left_out says how many there are more, which to = rows.left_to
reads. csv = true gives the text of `tagline history --csv`, and what limit left out as a second
text. A tag may be its full name, also of one that only the history has. The config needs
history { file = … }.]] },
  { "plot", "plot(tag …, \"1d\")",
    "the same as a curve; lowest and highest value of each column are kept",
    "plot(tag, { from =, to =, last =, ascii = true, width = 80, height = 10 }). Gaps are times \z
      without a valid value." },
  { "print", "print(…)", "show values",
    "Tables show as at the prompt. In a config and its handlers it writes to stderr." },
  { "help", "help(), help(x)",
    "this list; or about a word, an object, a parameter, an address, a reason, a status …",
    "x is a thing or its name: help(watch), help \"keep_alive\", help \"JA=\", help \"mss\", \z
      help \"missing\", help(tags[\"…\"])." },
  { "more", "more()", "the next part of a long answer that was cut",
    "At a prompt the word alone is enough: more. `_` stays the whole answer." },
  { "_", "_", "the last result", "" },
}

--- Fields and methods of objects. A method's name ends with "()".
texts.objects = {
  line = { doc = "one broker connection", example = 'lines["plant"]',
    { "name", "name", "its name" },
    { "status", "status", "off, waiting, connecting, connected, disconnecting" },
    { "stations", "stations", "its stations by name" },
    { "stats", "stats", "counters, rates, what is in flight, the last error: help \"stats\"" },
    { "publish()", ":publish(topic, payload [, { qos =, retain = }] [, function(ok, why)])",
      "publish a message as it is; at the prompt and in coroutines it waits: true, or nil and \z
        why not" },
    { "set()", ":set { keep_alive = 60 }",
      "change parameters; the line connects again. A topic_filter alone waits for the next \z
        connection" },
    { "probe()", ":probe()",
      "try each address stage by stage, with a Client ID of its own, and say what is found" },
    { "reconnect()", ":reconnect()", "close the connection and connect again" },
  },
  station = { doc = "one device", example = 'stations["plant.boiler"]',
    { "name", "name", "its name in the line" },
    { "full_name", "full_name", "line.station" },
    { "address", "address", "topic or regular expression of its messages" },
    { "status", "status",
      "StOn, StOff, StWait, StSimul, StComErr or StHardErr: help \"statuses\"" },
    { "line", "line", "its line" },
    { "tags", "tags", "its tags by name" },
    { "stats", "stats", "messages, errors, time in handlers: help \"stats\"" },
    { "on()", ":on()", "switch it on" },
    { "off()", ":off()", "switch it off: its tags are invalid (off)" },
    { "simulate()", ":simulate(true)",
      "simulated values in place of the device's; false ends it" },
  },
  tag = { doc = "one value", example = 'tags["plant.boiler.temperature"]',
    { "name", "name", "its name in the station" },
    { "full_name", "full_name", "line.station.tag" },
    { "type", "type", "Ai Ao Ci Co Di Do Qi TxtI TxtO TiA ToA TiR ToR: help \"types\"" },
    { "address", "address", "where its value comes from: help \"addresses\"" },
    { "value", "value", "nil unless its status is valid" },
    { "status", "status", "unset, valid or invalid" },
    { "reason", "reason", "why it is invalid: help \"reasons\"" },
    { "time", "time", "of the value, seconds since 1970, UTC" },
    { "unit", "unit", "engineering unit" },
    { "description", "description", "a text for people" },
    { "station", "station", "its station" },
    { "write()", ":write(value [, function(ok, why)])",
      "write an output, in the tag's type; at the prompt and in coroutines it waits: true, or \z
        nil and why not: help \"errors\"" },
  },
  msg = { doc = "a message, as decode gets it; valid until decode returns", example = "msg",
    { "topic", "topic", "bytes" },
    { "payload", "payload", "bytes" },
    { "json", "json",
      "the payload as Lua values, parsed at first use; integers keep 64 bits, null is json.null" },
    { "captures", "captures",
      "groups of the station's address, by number and by name: help \"named groups\"" },
    { "qos", "qos", "0, 1 or 2" },
    { "retain", "retain", "true when the broker had kept it" },
    { "dup", "dup", "true when the broker sends it again" },
    { "id", "id", "packet identifier; 0 at QoS 0" },
    { "time", "time", "the message's time field, else its arrival; seconds since 1970, UTC" },
    { "station", "station", "the station that takes it" },
  },
  message = { doc = "a recorded message", example = "messages()[1]",
    { "number", "number", "counts the line's messages" },
    { "line", "line", "name of the line" },
    { "time", "time", "of arrival, seconds since 1970, UTC" },
    { "topic", "topic", "bytes" },
    { "payload", "payload", "bytes" },
    { "qos", "qos", "0, 1 or 2" },
    { "retain", "retain", "true when the broker had kept it" },
    { "dup", "dup", "true when the broker sent it again" },
    { "id", "id", "packet identifier; 0 at QoS 0" },
    { "station", "station", "full name of the station that would take it now; nil: none" },
  },
}

--- Numbers of line.stats and station.stats, and of each handler in station.stats.handlers.
texts.stats = {
  line = {
    { "state", "as line.status" }, { "peer", "address of the broker" },
    { "transport", "what the connection is made of besides TCP" },
      { "last_error", "why the last connection ended or failed" },
    { "connects", "connections that were accepted" },
      { "failures", "attempts and connections that failed" },
    { "connected_for", "seconds; none while there is no connection" },
      { "messages", "received and processed" },
    { "received", "PUBLISH packets that came" }, { "sent", "PUBLISH packets that went out" },
    { "received_per_s", "PUBLISH packets a second" }, { "sent_per_s", "PUBLISH packets a second" },
    { "bytes_in", "from the broker" }, { "bytes_out", "to the broker" },
      { "duplicates", "QoS 2 repeats that were not delivered again" },
    { "unknown_acks", "acknowledgements of messages that were not sent" },
      { "inflight", "published, not yet acknowledged" },
    { "oldest_inflight", "age of the oldest of them, seconds" },
      { "queued", "writes that wait for the connection or for max_inflight" },
    { "oldest_queued", "age of the oldest of them, seconds" },
      { "held", "received messages that are not acknowledged yet" },
    { "unrouted", "messages that no station takes" },
      { "wills", "messages that were a station's will" },
    { "queued_bytes", "bytes of outgoing messages, waiting and in flight" },
    { "held_bytes", "bytes of received messages that wait for ACK_ID" },
    { "too_long", "messages longer than max_packet_size, which were skipped" },
    { "handler_errors", "errors of handlers" },
      { "instances_refused", "messages of devices that got no station" },
    { "remembered_topics", "topics whose station is known without a search" },
  },
  station = {
    { "messages", "that it took" }, { "json_errors", "payloads that could not be read" },
    { "retained", "ignored, since they were retained (ignore_retained)" },
    { "time_errors", "timestamps that are missing or cannot be read" },
      { "handler_errors", "errors of its handlers" },
    { "declined", "messages for which decode returned nil" }, { "wills", "times its will came" },
    { "given_up", "regular expressions that took too many steps" },
    { "instances", "stations that it made (of one with named groups)" },
      { "refused", "messages of devices that got no station" },
    { "handlers", "calls, time, longest (seconds) and errors of each handler" },
  },
}

texts.types = {
  { "Ai", "number, from the device" }, { "Ao", "number, written to the device" },
  { "Ci", "64-bit integer, from the device" }, { "Co", "64-bit integer, written to the device" },
  { "Di", "boolean, from the device" }, { "Do", "boolean, written to the device" },
  { "Qi", "one of Off On Trans Err Oscillate (0 to 4), from the device" },
  { "TxtI", "bytes, from the device" }, { "TxtO", "bytes, written to the device" },
  { "TiA", "absolute time, UTC, from the device" },
    { "ToA", "absolute time, UTC, written to the device" },
  { "TiR", "duration in seconds, from the device" },
    { "ToR", "duration in seconds, written to the device" },
}

--- Address kinds of tags.
texts.addresses = {
  { "IN_TOPIC", "the message's topic (TxtI)" },
  { "IN_DATA", "the whole payload, converted to the tag's type" },
  { "IN_ID", "the message's packet identifier, 0 at QoS 0 (Ci)" },
  { "JA=",
    "a field of the JSON payload (of CBOR and MessagePack, too): JA=a.b, JA=a[1].b (counted \z
      from 1), JA=[\"a.b\"], "
    .. "JA=list[id=28FF].temp; JA= alone is the whole document" },
  { "RE=", "the first group of a PCRE2 expression that matches somewhere in the payload" },
  { "ACK_ID",
    "writing the value of IN_ID to it acknowledges the message; until then the line waits (Co)" },
  { "OUT_TOPIC", "the topic that the station publishes to (TxtO)" },
  { "OUT_VALUE", "a write publishes the value; needs OUT_TOPIC or encode (output types)" },
}

texts.masks = {
  { "yyyy", "year, four digits" }, { "rrrr", "year, four digits" },
  { "yy", "year, two digits: 00 to 69 are 2000 to 2069" },
    { "rr", "year, two digits: 00 to 69 are 2000 to 2069" },
  { "mm", "month, 1 to 12" }, { "dd", "day of the month" }, { "hh", "hour, 0 to 23" },
    { "mi", "minute" }, { "ss", "second" },
  { "mss", "decimal fraction of the second; digits after the third are cut" },
  { "tttt", "a weekday; it is skipped" }, { "ttt", "a weekday; it is skipped" },
    { "tt", "a weekday; it is skipped" },
  { "ZZZ", "offset from UTC as +hh" }, { "ZZZZZ", "offset from UTC as +hhmi" },
    { "ZZZZZZ", "offset from UTC as +hh:mi" },
  { "UNIX", "seconds since 1970, UTC, fractions too; stands alone" },
  { "UNIXMS", "milliseconds since 1970, UTC; stands alone" },
    { "UNIXUS", "microseconds since 1970, UTC; stands alone" },
  { "UNIXNS", "nanoseconds since 1970, UTC; stands alone" },
    { "ap", "AM or PM; hh counts from 1 to 12" },
  { "ISO8601", "2026-11-22T14:03:16.123Z and its relatives; stands alone" },
}

--- Why a tag is invalid, and what to look at.
texts.reasons = {
  { "missing", "the address is not in the payload, or the RE= did not match",
    "explain(tag) shows the payloads; on_missing = \"keep\" keeps the last value." },
  { "json", "the payload is not JSON (or not CBOR, not MessagePack, where payload_type says so)",
    "The log says at which line and column, or byte, and which step of prepare would help." },
  { "type", "the value cannot be converted to the tag's type: text that is not a number, null, NaN",
    "explain(tag) shows what came." },
  { "range", "the value is outside `range`",
    "out_of_range = \"clamp\" or \"discard\" keeps such values or leaves them out." },
  { "decoder", "decode raised an error, or returned something that the tag cannot hold",
    "status() shows the error with its line." },
  { "station-will", "the device's will came: it is gone",
    "The next message brings the station back." },
  { "disconnected",
    "the line has been without a connection for longer than time_filter, or decode said that \z
      the device is gone",
    "status() says why." },
  { "no-data",
    "silent for longer than no_data_timeout and time_filter together; or the broker refused the \z
      station's topic filter; or its simulation ended",
    "watch { topic = … } shows whether anything comes." },
  { "off", "the station is switched off", "stations[\"…\"]:on()" },
  { "time", "the text cannot be read by the time mask (TiA, ToA)",
    "explain(tag) shows text and mask." },
}

texts.statuses = {
  { "StOn", "works" },
  { "StOff", "switched off by :off()" },
  { "StWait", "the line is not subscribed yet" },
  { "StSimul", "simulated by :simulate(true)" },
  { "StComErr", "the line is down or the device silent, for a short time: values stay" },
  { "StHardErr",
    "the same for longer than time_filter, or the device's will came: values are invalid" },
  { "unset", "a tag that never had a value" },
  { "valid", "a tag with a value" },
  { "invalid", "a tag without a value; its reason says why" },
}

--- What a line is.
texts.states = {
  { "off", "all its stations are off or in simulation: it needs no connection" },
  { "waiting", "for its next attempt to connect", "status() says why the last one failed." },
  { "connecting", "to the broker: name, TCP, CONNACK" },
  { "connected", "the broker accepted it" },
  { "disconnecting", "its socket is being closed" },
}

--- Words of the config.
texts.config = {
  { "line", "line \"NAME\" { … }",
    "a connection to a broker: its parameters, and its stations by position" },
  { "station", "station \"NAME\" { … }",
    "a device on a line: which messages are its own, and which tags they fill; it stands \z
      between the braces of a line" },
  { "limits", "limits { handler_time =, memory =, stall_time =, instance_text =, text = }",
    "processor time and memory of one call of a handler" },
  { "history", "history { file = \"plant.db\", keep = \"90d\" }",
    "keep all values: in an SQLite file, or postgres = \"…\"" },
  { "spool", "spool { folder =, max = \"1GB\", when_full = \"drop_oldest\" }",
    "where values wait until outlets have them" },
  { "outlet", "outlet \"bus\" { nats = \"…\" }", "send values to a stream" },
  { "http", "http { listen = \"127.0.0.1:8080\", token =, write =, values = }",
    "serve metrics, health, an API and a page by HTTP" },
  { "every", "every(seconds, function)", "call a function every so many seconds" },
  { "after", "after(seconds, function)", "call a function once" },
  { "env", "env \"NAME\", env(\"NAME\", \"default\")",
    "an environment variable; an error when it is not set and no default is given" },
  { "file", "file \"PATH\"",
    "a file's content without its last newline and byte order mark, for secrets" },
  { "credential", "credential \"NAME\"",
    "a file's content like that of file, from the folder $CREDENTIALS_DIRECTORY that systemd \z
      gives a service" },
  { "require", "require \"NAME\"", "a file beside the config, or a module tagline.*" },
  { "json", "json.decode(text), json.encode(value), json.pick(addresses)",
    "JSON as lua-cjson has it; integers keep 64 bits, null is json.null. pick gives a \z
      function(text): the values at addresses" },
  { "re", "re.match, re.find, re.gmatch, re.gsub",
    "PCRE2 with limits, called like the functions of string; a replacement text is literal" },
}

--- What decode sees, and what handlers are called with.
texts.handlers = {
  { "decode", "decode(msg)",
    "returns { tag = value … } and optionally a time; a list of { time =, values = {…} }; or nil \z
      to decline; "
    .. 'as a third result "StHardErr": the device is gone' },
  { "encode", "encode(tag, value, station)",
    "returns payload, topic (nil: OUT_TOPIC's value), { qos =, retain = }" },
  { "on_value", "on_value(tag)", "a new value; in a tag, a station or a line" },
  { "on_status", "on_status(station)", "the station's status changed" },
  { "on_connect", "on_connect(line)", "the line is connected" },
  { "before_disconnect", "before_disconnect(line)",
    "the line is about to disconnect: what this publishes is sent first" },
  { "on_disconnect", "on_disconnect(line, why)", "the connection ended" },
}

--- Things that are no word.
texts.notes = {
  { "named groups", "one station per device",
    [[An address such as site/(?<dev>[^/]+)/up makes a station for each device at its first
message. {dev} stands in the station's name, and may stand in its will texts and in the text default
of a tag. In decode, msg.captures.dev is what the group took. max_instances bounds how many there
are.]] },
  { "values", "the stream of run --values",
    [[Each new value is a line of JSON: time, tag, type, value, status, reason. TiA is ISO 8601
text, TiR seconds, Qi its number; text that is not UTF-8 stands as "base64" in place of
"value".]] },
  { "--json", "results as JSON",
    [[tagline repl --json prints a line of JSON for each result, never cut. A tag is as in the
values stream; a station is { station, status, address, stats }, a line { line, status, stats };
tags, stations, lines and messages() are lists; station.tags and line.stations are objects by name;
bytes that are not UTF-8 are { "base64": "…" }. Errors go to stderr as text, with exit code 1.]] },
}

--- Commands of the program: name, how it is called, one line.
texts.commands = {
  { "init", "tagline init [FOLDER]", "a folder to begin with: config, decoder, tests" },
  { "run", "tagline run CONFIG.lua", "connect and run" },
  { "check", "tagline check CONFIG.lua", "load and validate; every problem as FILE:LINE" },
  { "explain", "tagline explain CONFIG.lua TOPIC [FILE]",
    "where a message goes, what every tag becomes, and why" },
  { "test", "tagline test [FILE …]", "run specs of configs and decoders, without a broker" },
  { "replay", "tagline replay CAPTURE CONFIG.lua", "recorded messages through a config" },
  { "repl", "tagline repl [-e CODE]", "attach to a running process" },
  { "discover", "tagline discover HOST [FILTER …]",
    "what is on a broker; a config for it" },
  { "history", "tagline history FILE|CONFIG.lua [PATTERN]",
    "what a history holds, as CSV or JSON" },
  { "status", "tagline status [--json]",
    "is something wrong with a running process? exit 1 if so" },
  { "help", "tagline help [WORD]", "a command, or a word of configs, payloads and errors" },
}

--- The row of a list that has this name; nil: there is none.
function texts.row(list, name)
  for _, row in ipairs(list) do
    if row[1] == name then return row end
  end
end

return texts
