--- The fields of each record: what they take, what they are when they are not given, and what
--- they mean. One table for the checks, for help and for the documentation, so that they agree.
local kinds = require "tagline.config.kinds"
local outlets = require "tagline.config.outlets"
local transport = require "tagline.config.transport"

local shapes = {}

local function set(names)
  local found = {}
  for _, name in ipairs(names) do found[name] = true end
  return found
end

local MiB = 1048576
local day = 86400

--- Names that others use for ours, squashed: the reference's words that snake case alone does
--- not find, and old habits.
shapes.aliases = {
  line = { cleansessionflag = "clean_session", topic = "topic_filter", filter = "topic_filter",
    qos = "subscribe_qos",
    login = "user_name", user = "user_name", keepalivesec = "keep_alive", hosts = "host",
      broker = "host", server = "host",
    cleanstart = "clean_session", willpayload = "will_message", timezone = "time_zone" },
  station = { swt = "station_will_topic", swp = "station_will_payload",
    sbp = "station_birth_payload", topic = "address", tag = "tags" },
  tag = { addr = "address", newvaluewhenchangingtime = "new_value_on_time_change",
    desc = "description", dead = "deadband" },
  limits = { time = "handler_time", mem = "memory" },
}

--- The shapes, for one load. A field: check, default, unit, doc. `core` checks topics,
--- expressions, masks and zones.
function shapes.new(core)
  local text = kinds.text(core, 65535)
  local yes_no, qos, integer, seconds, handler = kinds.boolean, kinds.qos, kinds.integer,
    kinds.seconds, kinds.handler
  local topic = kinds.core(core.topic_check, "a topic without wildcards")
  local path = kinds.core(core.json_path, "the address of a JSON field")
  local mask = kinds.core(core.timemask, "a time mask")
  local zone = kinds.zone(core)
  local payload = kinds.enum { { "Text only", "text" }, { "JSON", "json" }, { "CBOR", "cbor" },
    { "MessagePack", "msgpack" } }
  local missing = kinds.enum { { "invalidate", "invalidate" }, { "keep", "keep" },
    { "default", "default" } }

  local function optional(check) -- "" means: not given
    return function(value)
      if value == "" then return nil, nil end
      return check(value)
    end
  end

  local function none_or_path(value)
    if value == "" then return nil, "" end
    return path(value)
  end

  local line = {
    { "host", kinds.hosts(core), nil, "",
      "address of the broker; several (with commas, semicolons or a list) are tried in turn" },
    { "port", integer(1, 65535), 1883, "", "TCP port of the broker" },
    { "full_debug", yes_no, false, "", "log every packet and every value as it is set" },
    { "user_name", optional(text), nil, "", "user name in CONNECT" },
    { "password", kinds.secret(65535), nil, "", "password in CONNECT; never shown" },
    { "topic_filter", kinds.filters(core), { "#" }, "",
      "what to subscribe to: a topic filter or a list of them" },
    { "subscribe_qos", qos, 1, "", "highest QoS of received messages" },
    { "client_id", text, nil, "",
      'client identifier; "" lets the broker choose one and forces a clean session' },
    { "clean_session", yes_no, false, "",
      "the broker forgets the session at each connect" },
    { "publish_qos", qos, 0, "", "QoS of published messages" },
    { "publish_retain", yes_no, false, "", "retain flag of published messages" },
    { "keep_alive", integer(0, 65535), 0, "s",
      "Keep Alive of CONNECT: a PING is sent in time; 0: the broker expects none" },
    { "ping_interval", seconds(0, 3600), 60, "s",
      "after this silence of the broker a PING is sent; 0: never" },
    { "payload_type", payload, "text", "",
      'how payloads are read: "Text only", "JSON", "CBOR" or "MessagePack"' },
    { "time_field_name", optional(path), "", "",
      "address of a message's timestamp; none: time of arrival" },
    { "time_mask", mask, "yyyy-mm-dd hh:mi:ss.mss", "", "how timestamps are written" },
    { "ignore_missing_time", yes_no, false, "", "no warning when a message has no timestamp" },
    { "will_flag", yes_no, false, "", "the broker publishes a will when the connection breaks" },
    { "will_qos", qos, 0, "", "QoS of the will" },
    { "will_retain", yes_no, false, "", "retain flag of the will" },
    { "will_topic", optional(topic), nil, "", "topic of the will" },
    { "will_message", kinds.made_bytes(65535), nil, "",
      "payload of the will, or a function that returns it for each CONNECT" },
    { "reply_timeout", seconds(0, day), 20, "s",
      "longest wait for an answer or the rest of a packet; 0: for ever" },
    { "wait_timeout", seconds(0, day), 0.1, "s",
      "accepted for compatibility: the event loop reacts at once" },
    { "max_wait_retry", integer(0, 1000000), 3, "",
      "accepted for compatibility: the event loop reacts at once" },
    { "connect_timeout", seconds(0, day, true), 20, "s", "longest wait for a connection" },
    { "reconnect_delay", seconds(0, day, true), 1, "s",
      "pause before the first new attempt; it doubles with each failure" },
    { "reconnect_delay_max", seconds(0, day, true), 60, "s", "longest pause between attempts" },
    { "max_packet_size", integer(128, 268435460), 16 * MiB, "bytes",
      "a longer message is skipped and acknowledged" },
    { "max_inflight", integer(1, 65535), 100, "",
      "outgoing QoS 1 and 2 messages that may wait for their acknowledgement" },
    { "offline_writes", kinds.enum { { "reject", "reject" }, { "queue", "queue" } }, "reject", "",
      "what happens to writes while there is no connection" },
    { "max_queued", integer(0, 100000000), 10000, "",
      "writes that may wait for the connection or for max_inflight" },
    { "max_queued_bytes", integer(0, 1 << 40), 16 * MiB, "bytes",
      "memory for outgoing messages; 0: no limit" },
    { "max_queue_age", seconds(0, 366 * day), 0, "s",
      "a write that has waited for this long fails with \"too old\"; 0: never" },
    { "receive_queue", integer(1, 100000000), 1000, "",
      "messages that may wait behind one that waits for its ACK_ID" },
    { "receive_queue_bytes", integer(0, 1 << 40), 16 * MiB, "bytes",
      "memory for these; 0: no limit" },
    { "time_zone", zone, "UTC", "",
      'for timestamps without an offset: "UTC", "local", "+01:00" or an IANA name' },
    { "session_store", optional(text), nil, "",
      "folder that keeps the session over restarts, kills and power failures" },
    { "history", outlets.option, nil, "",
      "false: values are not kept; or { deadband =, max_silence =, keep = }" },
    { "recorder", integer(0, 1024 * MiB), MiB, "bytes", "memory for the last messages; 0: off" },
    { "on_connect", handler, nil, "", "called with the line when it is connected" },
    { "before_disconnect", handler, nil, "",
      "called with the line before an orderly DISCONNECT; what it publishes is sent first" },
    { "on_disconnect", handler, nil, "", "called with the line and why when the connection ended" },
    { "on_value", handler, nil, "", "called with each tag of the line that has a new value" },
  }
  local before = 1 -- the handlers
  while line[before][1] ~= "on_connect" do before = before + 1 end
  for i, row in ipairs(transport.rows(core)) do table.insert(line, before + i - 1, row) end
  local station = {
    { "address", text, nil, "",
      "topic, regular expression, # for all topics, or .* for topics that no other station takes" },
    { "station_will_topic", optional(topic), nil, "", "topic of the device's will" },
    { "station_will_payload", kinds.bytes(268435455), nil, "",
      "payload of the device's will; not given: any" },
    { "station_birth_payload", kinds.bytes(268435455), nil, "",
      "payload on the will's topic that says the device is back: ends StHardErr and changes \z
        no tag" },
    { "tags", nil, nil, "", "the station's tags by name" },
    { "prepare", kinds.prepare, nil, "",
      'repairs the payload before anything reads it: a function, "trim", "latin1", "nan"; \z
        or a list' },
    { "decode", handler, nil, "", "turns a message into values" },
    { "encode", handler, nil, "", "turns a written value into a message" },
    { "payload_type", payload, nil, "", "in place of the line's" },
    { "time_field_name", none_or_path, nil, "", "in place of the line's; \"\": none" },
    { "time_mask", mask, nil, "", "in place of the line's" },
    { "ignore_missing_time", yes_no, nil, "", "in place of the line's" },
    { "time_zone", zone, nil, "", "in place of the line's" },
    { "time_filter", seconds(0, day), 10, "s",
      "how long StComErr lasts before it becomes StHardErr" },
    { "no_data_timeout", seconds(0, 100 * 366 * day), 0, "s",
      "without a message for this long the station is in StComErr; 0: never" },
    { "subscribe_address", yes_no, false, "", "subscribe to the address too" },
    { "ignore_retained", yes_no, false, "",
      "retained messages are acknowledged and counted, and change nothing" },
    { "off", yes_no, false, "", "the station starts switched off" },
    { "simulate", yes_no, false, "", "the station starts with simulated values" },
    { "on_missing", missing, nil, "",
      'tags whose field is missing: "invalidate", "keep" or "default"' },
    { "history", outlets.option, nil, "", "in place of the line's" },
    { "max_instances", integer(1, 1000000), 10000, "",
      "how many stations an address with named groups may make" },
    { "on_value", handler, nil, "", "called with each tag of the station that has a new value" },
    { "on_status", handler, nil, "", "called with the station when its status changed" },
  }
  local tag = {
    { "address", text, nil, "",
      "IN_TOPIC IN_DATA IN_ID JA=… RE=… ACK_ID OUT_TOPIC OUT_VALUE; none: filled by decode" },
    { "unit", text, nil, "", "engineering unit" },
    { "description", text, nil, "", "a text for people" },
    { "default", nil, nil, "",
      "value of an output at start, and what on_missing = \"default\" sets" },
    { "linear", kinds.pair("two numbers { k, q }", { "k", "q" }), nil, "",
      "value * k + q; inverted on write" },
    { "range", kinds.pair("two numbers { min, max }", { "min", "max" }), nil, "",
      "permitted values" },
    { "out_of_range", kinds.enum { { "invalid", "invalid" }, { "clamp", "clamp" },
      { "discard", "discard" } }, nil, "",
      "what happens to other values: invalid, set to the limit, or left out" },
    { "words", kinds.words, nil, "",
      'a device\'s words for states of Di, Do, Qi: { Off = "CLOSED", On = { "OPEN", "opened" } }' },
    { "decimal", kinds.enum { { ",", "," }, { ".", "." } }, nil, "",
      '"," where numbers in texts have a decimal comma' },
    { "deadband", kinds.number("a number", 0, math.huge), nil, "",
      "a change of no more than this is not a new value" },
    { "history", outlets.option, nil, "", "in place of the station's" },
    { "new_value_on_time_change", yes_no, false, "",
      "a value that differs only in its time is a new value, too" },
    { "on_missing", missing, nil, "", "in place of the station's" },
    { "on_value", handler, nil, "", "called with the tag when it has a new value" },
  }
  local limits = {
    { "handler_time", seconds(0, 60, true), 0.1, "s", "processor time of one call of a handler" },
    { "memory", integer(MiB, 1 << 40), 256 * MiB, "bytes", "memory of all Lua values" },
    { "instance_text", integer(64 * 1024, 1 << 31), 32 * MiB, "bytes",
      "memory of the texts that one device of named groups keeps" },
    { "text", integer(64 * 1024, 1 << 40), 256 * MiB, "bytes",
      "memory of all tags' texts, above which devices take no longer ones" },
    { "stall_time", seconds(0, 86400), 30, "s",
      "how long the whole process may stand still before it ends, to be started again; \z
        0: for ever" },
  }

  local result = {}
  for name, rows in pairs { line = line, station = station, tag = tag, limits = limits } do
    local shape = { fields = {}, names = {}, word = name, aliases = shapes.aliases[name] }
    for i, row in ipairs(rows) do
      shape.names[i] = row[1]
      shape.fields[row[1]] = { name = row[1], check = row[2], default = row[3], unit = row[4],
        doc = row[5], order = i }
    end
    result[name] = shape
  end
  result.station.own = {}
  for _, name in ipairs(result.station.names) do
    if not shapes.is_inherited[name] and not shapes.is_part[name] then
      table.insert(result.station.own, name)
    end
  end
  local fields = result.station.fields
  fields.SWT, fields.SWP, fields.SBP = fields.station_will_topic, fields.station_will_payload,
    fields.station_birth_payload
  return result
end

--- The parameters that a station takes from its line.
shapes.inherited = { "payload_type", "time_field_name", "time_mask", "ignore_missing_time",
  "time_zone" }
shapes.is_inherited = set(shapes.inherited)
--- What a station's record has besides parameters. All others are parameters of its own.
shapes.is_part = set { "address", "tags", "prepare", "decode", "encode", "on_value",
  "on_status" }

return shapes
