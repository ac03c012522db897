--- What help() says of everything that is not a parameter: those are told by tagline.config.shapes, which checks them. One line for
--- the list, more behind it. The order is that of the list.
local texts = {}

--- Words of the REPL: name, how it is called, one line, more.
texts.words = {
  { "lines", "lines, lines[\"plant\"]", "the broker connections; prints as a table", "lines.plant works too. See help(\"line\")." },
  { "stations", "stations[\"plant.boiler\"]", "the devices, by full name; prints as a table", "See help(\"station\")." },
  { "tags", "tags[\"plant.boiler.temperature\"]", "the values, by full name; prints as a table", "See help(\"tag\")." },
  { "status", "status()", "what is wrong, in words, and what to do about it",
    [[Says what runs since when, and for each line what the broker took away or refused, what fails, what waits, and which topics
no station takes. It is a table of facts, too: status().lines[1].state.]] },
  { "watch", "watch(pattern …), watch { topic = \"plant/#\" }", "new values or raw messages as they come, until Enter",
    [[A pattern is a full name in which * stands for anything ("plant.*.temperature"), or a tag, a station, a line.
watch { "plant.*", rate = 20, count = 100, seconds = 60 }: at most `rate` lines a second (100), an end after `count` lines or `seconds`.
watch { topic = "plant/#" } shows raw messages: QoS, flags, where they went, and the payload.
What is left out is counted and said. Watching never delays a message.]] },
  { "explain", "explain(topic, payload), explain(tag)", "where a message goes and what every tag becomes, and why",
    [=[explain(topic [, payload [, options]]) tries a message, explain(message) one of messages(), explain(tag) tells which of the
last messages could have fed it.]=] },
  { "messages", "messages(pattern)", "the last messages that were received",
    "A pattern is a topic filter, or a line, station or tag. Each line keeps `recorder` bytes of them." },
  { "save", "save(\"FILE\" [, pattern])", "the same into a file, for `tagline replay`", "One JSON object a line." },
  { "freeze", "freeze(message, \"FILE_spec.lua\")", "a spec made of a real message and what its tags became", "`tagline test` runs it." },
  { "reload", "reload(), reload { dry = true }", "read the config anew; with dry, only say what would change",
    [[Gives what changed; or nil and every problem, and then the old config goes on. Connections, messages in flight, values and stations
of what did not change are kept; handlers are swapped between two messages. In a handler it is done at the end of the wake-up.]] },
  { "print", "print(…)", "show values", "Tables show as at the prompt." },
  { "help", "help(), help(x)", "this list; or about a word, object, parameter, address, time-mask token, reason or status",
    "x is a thing or its name: help(watch), help \"keep_alive\", help \"JA=\", help \"mss\", help \"missing\", help(tags[\"…\"])." },
  { "_", "_", "the last result", "" },
}

--- Fields and methods of objects. A method's name ends with "()".
texts.objects = {
  line = { doc = "one broker connection", example = 'lines["plant"]',
    { "name", "name", "its name" },
    { "status", "status", "off, waiting, connecting, connected, disconnecting" },
    { "stations", "stations", "its stations by name" },
    { "stats", "stats", "counters, rates, what is in flight, the last error" },
    { "publish()", ":publish(topic, payload [, { qos =, retain = }] [, function(ok, why)])",
      "publish; waits for the confirmation at the prompt" },
    { "set()", ":set { keep_alive = 60 }", "change parameters; the connection is made anew" },
    { "reconnect()", ":reconnect()", "close the connection and make it anew" },
  },
  station = { doc = "one device", example = 'stations["plant.boiler"]',
    { "name", "name", "its name in the line" },
    { "full_name", "full_name", "line.station" },
    { "address", "address", "topic or regular expression of its messages" },
    { "status", "status", "StOn, StOff, StWait, StSimul, StComErr or StHardErr: see help \"StOn\"" },
    { "line", "line", "its line" },
    { "tags", "tags", "its tags by name" },
    { "stats", "stats", "messages, errors, time in handlers" },
    { "on()", ":on()", "switch it on" },
    { "off()", ":off()", "switch it off: its tags are invalid (off)" },
    { "simulate()", ":simulate(true)", "values made up here in place of the device's; false ends it" },
  },
  tag = { doc = "one value", example = 'tags["plant.boiler.temperature"]',
    { "name", "name", "its name in the station" },
    { "full_name", "full_name", "line.station.tag" },
    { "type", "type", "Ai Ao Ci Co Di Do Qi TxtI TxtO TiA ToA TiR ToR" },
    { "address", "address", "where its value comes from: help \"addresses\"" },
    { "value", "value", "nil unless its status is valid" },
    { "status", "status", "unset, valid or invalid" },
    { "reason", "reason", "why it is invalid: help \"reasons\"" },
    { "time", "time", "of the value, seconds since 1970, UTC" },
    { "unit", "unit", "engineering unit" },
    { "description", "description", "for people" },
    { "station", "station", "its station" },
    { "write()", ":write(value [, function(ok, why)])", "write an output; at the prompt it waits: true, or nil and why not" },
  },
}

texts.types = {
  { "Ai", "number, from the device" }, { "Ao", "number, written to the device" },
  { "Ci", "64-bit integer, from the device" }, { "Co", "64-bit integer, written to the device" },
  { "Di", "boolean, from the device" }, { "Do", "boolean, written to the device" },
  { "Qi", "one of Off On Trans Err Oscillate (0 to 4), from the device" },
  { "TxtI", "bytes, from the device" }, { "TxtO", "bytes, written to the device" },
  { "TiA", "absolute time, UTC, from the device" }, { "ToA", "absolute time, UTC, written to the device" },
  { "TiR", "duration in seconds, from the device" }, { "ToR", "duration in seconds, written to the device" },
}

--- Address kinds of tags.
texts.addresses = {
  { "IN_TOPIC", "the message's topic (TxtI)" },
  { "IN_DATA", "the whole payload, converted to the tag's type" },
  { "IN_ID", "the message's packet identifier, 0 at QoS 0 (Ci)" },
  { "JA=", "a field of the JSON payload: JA=a.b, JA=a[1].b (counted from 1), JA=[\"a.b\"]; JA= alone is the whole document" },
  { "RE=", "the first group of a PCRE2 expression that matches somewhere in the payload" },
  { "ACK_ID", "writing the value of IN_ID to it acknowledges the message; until then the line waits (Co)" },
  { "OUT_TOPIC", "the topic that the station publishes to (TxtO)" },
  { "OUT_VALUE", "a write publishes the value; needs OUT_TOPIC or encode (output types)" },
}

texts.masks = {
  { "yyyy", "year, four digits" }, { "rrrr", "year, four digits" },
  { "yy", "year, two digits: 00 to 69 are 2000 to 2069" }, { "rr", "year, two digits: 00 to 69 are 2000 to 2069" },
  { "mm", "month, 1 to 12" }, { "dd", "day of the month" }, { "hh", "hour, 0 to 23" }, { "mi", "minute" }, { "ss", "second" },
  { "mss", "decimal fraction of the second; digits after the third are cut" },
  { "tttt", "a weekday, read over" }, { "ttt", "a weekday, read over" }, { "tt", "a weekday, read over" },
  { "ZZZ", "offset from UTC as +hh" }, { "ZZZZZ", "offset from UTC as +hhmi" }, { "ZZZZZZ", "offset from UTC as +hh:mi" },
  { "UNIX", "seconds since 1970, UTC; stands alone" }, { "UNIXMS", "milliseconds since 1970, UTC; stands alone" },
  { "ISO8601", "2026-11-22T14:03:16.123Z and its relatives; stands alone" },
}

--- Why a tag is invalid, and what to look at.
texts.reasons = {
  { "missing", "the address is not in the payload, or the RE= did not match",
    "explain(tag) shows the payloads; on_missing = \"keep\" keeps the last value." },
  { "json", "the payload is not JSON", "The log says at which line and column. Is payload_type right?" },
  { "type", "the value is not of the tag's type: text that is no number, null, NaN", "explain(tag) shows what came." },
  { "range", "the value is outside `range`", "out_of_range = \"clamp\" or \"discard\" treats such values otherwise." },
  { "decoder", "decode raised an error, or gave something that the tag cannot hold", "status() shows the error with its line." },
  { "station-will", "the device's will came: it is gone", "The next message brings the station back." },
  { "disconnected", "the line has been without a connection for longer than time_filter", "status() says why." },
  { "no-data", "the device has been silent for longer than no_data_timeout, or its simulation ended",
    "watch { topic = … } shows whether anything comes." },
  { "off", "the station is switched off", "stations[\"…\"]:on()" },
  { "time", "the text cannot be read by the time mask (TiA, ToA)", "explain(tag) shows text and mask." },
}

texts.statuses = {
  { "StOn", "works" },
  { "StOff", "switched off by :off()" },
  { "StWait", "the line is not subscribed yet" },
  { "StSimul", "simulated by :simulate(true)" },
  { "StComErr", "the line is down or the device silent, for a short time: values stay" },
  { "StHardErr", "the same for longer than time_filter, or the device's will came: values are invalid" },
  { "unset", "a tag that never had a value" },
  { "valid", "a tag with a value" },
  { "invalid", "a tag without one; its reason says why" },
}

--- Words of the config.
texts.config = {
  { "line", "line \"NAME\" { … }", "a broker connection: parameters, and stations by position" },
  { "station", "station \"NAME\" { … }", "a device; stands between the braces of a line" },
  { "limits", "limits { handler_time =, memory = }", "what one call of a handler may take" },
  { "every", "every(seconds, function)", "call it again and again" },
  { "after", "after(seconds, function)", "call it once" },
  { "env", "env \"NAME\"", "an environment variable; an error when it is not set" },
  { "file", "file \"PATH\"", "a file's content without its last newline, for secrets" },
  { "require", "require \"NAME\"", "a file beside the config, or a module tagline.*" },
  { "json", "json.decode(text), json.encode(value)", "JSON as Lua tables" },
}

--- What decode sees, and what handlers are called with.
texts.handlers = {
  { "msg", "msg.topic .payload .qos .retain .dup .id .time .captures .station .json", "the message, as decode sees it" },
  { "decode", "decode(msg)", "gives { tag = value … } and optionally a time; a list of { time =, values = {…} }; or nil to decline" },
  { "encode", "encode(tag, value, station)", "gives payload, topic (nil: OUT_TOPIC's value), { qos =, retain = }" },
  { "on_value", "on_value(tag)", "a new value; in a tag, a station or a line" },
  { "on_status", "on_status(station)", "the station's status changed" },
  { "on_connect", "on_connect(line)", "the line is connected" },
  { "on_disconnect", "on_disconnect(line, why)", "the connection ended" },
}

texts.codecs = {
  ["tagline.codec.base64"] = "bytes as base64: encode(bytes), decode(text)",
  ["tagline.codec.hex"] = "bytes as hexadecimal digits: encode(bytes), decode(text)",
  ["tagline.codec.zlib"] = "decompression within a limit: inflate(bytes, limit), gunzip(bytes, limit)",
  ["tagline.codec.cayenne_lpp"] = "Cayenne Low Power Payload: channels with types",
  ["tagline.codec.lorawan"] = "what LoRaWAN network servers wrap around a device's payload",
  ["tagline.codec.sparkplug_b"] = "Sparkplug B: metrics with names, aliases and types",
  ["tagline.codec.kit"] = "what decoders are made of",
  ["tagline.codec.time"] = "times as devices send them",
}

return texts
