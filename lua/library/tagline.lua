---@meta
-- Annotations for lua-language-server, made by scripts/annotations: change that, or
-- lua/tagline/config/shapes.lua, not this file. In .luarc.json:
-- { "runtime.version": "Lua 5.4", "workspace.library": ["PREFIX/share/tagline/lua/library"] }

---@alias tagline.PayloadType "Text only"|"JSON"|"CBOR"|"MessagePack"
---@alias tagline.Prepare tagline.PrepareStep|tagline.PrepareStep[]
---@alias tagline.PrepareStep (fun(payload: string): string?)|"trim"|"latin1"|"nan"

---@class tagline.HistoryOptions
---@field deadband? number Changes of no more than this are not stored.
---@field max_silence? number|string The next message after so long is stored, whatever it says.
---@field keep? number|string How long values stay.

---@class tagline.HistoryParameters
---@field file? string An SQLite file beside the config, or absolute.
---@field postgres? string A connection string, without a password.
---@field password? string
---@field schema? string Default: tagline.
---@field keep? number|string How long values stay: "90d". Default: for ever.

---@class tagline.SpoolParameters
---@field folder? string Beside the config, or absolute. Default: NAME.spool.
---@field max? integer|string Default: "1GB".
---@field when_full? "drop_oldest"|"hold"

---@class tagline.HttpParameters
--- An address with a port, or the path of a Unix socket. Default: "127.0.0.1:8080".
---@field listen? string
---@field token? string At least 16 bytes; required where others than this machine can reach it.
---@field write? boolean Tags may be written. Default: false.
---@field values? string|string[] Patterns of tags whose values /metrics shows. Default: none.
---@field names? string|string[] Names of this host, besides addresses and localhost.
---@field tls_cert_file? string A certificate, as a file or PEM text: then it is https.
---@field tls_key_file? string Its key; default: in the certificate's file.

---@class tagline.OutletParameters
---@field nats string Servers: "10.0.0.5, 10.0.0.6", "tls://nats.example.com:4222".
---@field stream? string It is made when it is not there. Default: TAGS.
---@field subject? string Default: tags.{line}.{station}.{tag}.
---@field tags? string|string[] Patterns of tags' names. Default: all.
---@field user? string
---@field password? string
---@field tls_ca_file? string Only certificates of these CAs are trusted; with it TLS is spoken.
--- How long a stream that is made here keeps messages: "90d". Default: for ever.
---@field keep? number|string

---@class tagline.LineParameters
--- Address of the broker; several (with commas, semicolons or a list) are tried in turn.
---@field host string|string[]
---@field port? integer TCP port of the broker. Default: 1883.
--- Log every packet and every value as it is set. Default: false.
---@field full_debug? boolean|"YES"|"NO"
---@field user_name? string User name in CONNECT.
---@field password? string Password in CONNECT; never shown.
---@field topic_filter? string|string[] What to subscribe to: a topic filter or a list of them.
---@field subscribe_qos? 0|1|2|"QoS_0"|"QoS_1"|"QoS_2" Highest QoS of received messages. Default: 1.
--- Client identifier; "" lets the broker choose one and forces a clean session.
---@field client_id? string
--- The broker forgets the session at each connect. Default: false.
---@field clean_session? boolean|"YES"|"NO"
---@field publish_qos? 0|1|2|"QoS_0"|"QoS_1"|"QoS_2" QoS of published messages. Default: 0.
---@field publish_retain? boolean|"YES"|"NO" Retain flag of published messages. Default: false.
--- Keep Alive of CONNECT: a PING is sent in time; 0: the broker expects none (s). Default: 0.
---@field keep_alive? integer
--- After this silence of the broker a PING is sent; 0: never (s). Default: 60.
---@field ping_interval? number
--- How payloads are read: "Text only", "JSON", "CBOR" or "MessagePack". Default: Text only.
---@field payload_type? tagline.PayloadType
---@field time_field_name? string Address of a message's timestamp; none: time of arrival.
---@field time_mask? string How timestamps are written. Default: yyyy-mm-dd hh:mi:ss.mss.
--- No warning when a message has no timestamp. Default: false.
---@field ignore_missing_time? boolean|"YES"|"NO"
--- The broker publishes a will when the connection breaks. Default: false.
---@field will_flag? boolean|"YES"|"NO"
---@field will_qos? 0|1|2|"QoS_0"|"QoS_1"|"QoS_2" QoS of the will. Default: 0.
---@field will_retain? boolean|"YES"|"NO" Retain flag of the will. Default: false.
---@field will_topic? string Topic of the will.
--- Payload of the will, or a function that returns it for each CONNECT.
---@field will_message? string|fun(): string
--- Longest wait for an answer or the rest of a packet; 0: for ever (s). Default: 20.
---@field reply_timeout? number
--- Accepted for compatibility: the event loop reacts at once (s). Default: 0.1.
---@field wait_timeout? number
--- Accepted for compatibility: the event loop reacts at once. Default: 3.
---@field max_wait_retry? integer
---@field connect_timeout? number Longest wait for a connection (s). Default: 20.
--- Pause before the first new attempt; it doubles with each failure (s). Default: 1.
---@field reconnect_delay? number
---@field reconnect_delay_max? number Longest pause between attempts (s). Default: 60.
--- A longer message is skipped and acknowledged (bytes). Default: 16777216.
---@field max_packet_size? integer
--- Outgoing QoS 1 and 2 messages that may wait for their acknowledgement. Default: 100.
---@field max_inflight? integer
--- What happens to writes while there is no connection. Default: reject.
---@field offline_writes? "reject"|"queue"
--- Writes that may wait for the connection or for max_inflight. Default: 10000.
---@field max_queued? integer
--- Memory for outgoing messages; 0: no limit (bytes). Default: 16777216.
---@field max_queued_bytes? integer
--- A write that has waited for this long fails with "too old"; 0: never (s). Default: 0.
---@field max_queue_age? number
--- Messages that may wait behind one that waits for its ACK_ID. Default: 1000.
---@field receive_queue? integer
---@field receive_queue_bytes? integer Memory for these; 0: no limit (bytes). Default: 16777216.
--- For timestamps without an offset: "UTC", "local", "+01:00" or an IANA name. Default: UTC.
---@field time_zone? string
--- Folder that keeps the session over restarts, kills and power failures.
---@field session_store? string
--- False: values are not kept; or { deadband =, max_silence =, keep = }.
---@field history? false|tagline.HistoryOptions
---@field recorder? integer Memory for the last messages; 0: off (bytes). Default: 1048576.
--- TLS to addresses without a scheme, as with mqtts://; their port is 8883 then. Default: false.
---@field tls? boolean
--- CA certificates that are trusted, a path or PEM text; none: the system's.
---@field tls_ca_file? string
---@field tls_cert_file? string Our certificate with its chain, a path or PEM text.
---@field tls_key_file? string Its private key; none: the key stands in tls_cert_file.
---@field tls_key_password? string Password of an encrypted private key; never shown.
---@field tls_server_name? string The name that is sent (SNI) and checked; none: the host.
--- True; "ca": the chain is checked, the name is not; false: nothing is checked. Default: yes.
---@field tls_verify? boolean|"ca"
---@field tls_alpn? string|string[] Protocols to offer (ALPN).
---@field tls_psk? string A key shared with the broker, in hexadecimal; never shown.
---@field tls_psk_identity? string The name of that key.
---@field tls_min_version? "1.0"|"1.1"|"1.2"|"1.3" Oldest version of TLS that is used. Default: 1.2.
---@field tls_ciphers? string Ciphers by OpenSSL's names; none: its own choice.
---@field tls_crl_file? string List of revoked certificates, a path or PEM text.
--- Warn this long before a certificate ends, theirs or ours; 0: never (s). Default: 2592000.
---@field tls_expiry_warning? number|string
--- For debugging: file for the keys of the connections; with it the traffic can be read.
---@field tls_keylog_file? string
---@field ws_path? string Path of the broker's WebSocket. Default: /mqtt.
--- Headers of the upgrade, or a function; never shown.
---@field ws_headers? table<string, string>|fun(): table<string, string>
---@field ws_subprotocol? string Subprotocol to ask for; "": none. Default: mqtt.
---@field proxy? string Proxy for all addresses, "http://HOST:PORT" or "socks5://HOST:PORT".
---@field proxy_user? string User name for the proxy.
---@field proxy_password? string Password for the proxy; never shown.
---@field on_connect? fun(line: tagline.Line) Called with the line when it is connected.
--- Called with the line before an orderly DISCONNECT; what it publishes is sent first.
---@field before_disconnect? fun(line: tagline.Line)
--- Called with the line and why when the connection ended.
---@field on_disconnect? fun(line: tagline.Line, why: string)
---@field on_value? fun(tag: tagline.Tag) Called with each tag of the line that has a new value.
---@field [integer] tagline.StationRecord|tagline.StationRecord[] Stations, by position.

---@class tagline.StationParameters
--- Topic, regular expression, # for all topics, or .* for topics that no other station takes.
---@field address string
---@field station_will_topic? string Topic of the device's will.
---@field station_will_payload? string Payload of the device's will; not given: any.
--- Payload on the will's topic that says the device is back: ends StHardErr and changes no tag.
---@field station_birth_payload? string
---@field tags? table<string, tagline.TagRecord> The station's tags by name.
--- Repairs the payload before anything reads it: a function, "trim", "latin1", "nan"; or a list.
---@field prepare? tagline.Prepare
---@field decode? tagline.Decode Turns a message into values.
---@field encode? tagline.Encode Turns a written value into a message.
---@field payload_type? tagline.PayloadType In place of the line's.
---@field time_field_name? string In place of the line's; "": none.
---@field time_mask? string In place of the line's.
---@field ignore_missing_time? boolean|"YES"|"NO" In place of the line's.
---@field time_zone? string In place of the line's.
---@field time_filter? number How long StComErr lasts before it becomes StHardErr (s). Default: 10.
--- Without a message for this long the station is in StComErr; 0: never (s). Default: 0.
---@field no_data_timeout? number
---@field subscribe_address? boolean|"YES"|"NO" Subscribe to the address too. Default: false.
--- Retained messages are acknowledged and counted, and change nothing. Default: false.
---@field ignore_retained? boolean|"YES"|"NO"
---@field off? boolean|"YES"|"NO" The station starts switched off. Default: false.
---@field simulate? boolean|"YES"|"NO" The station starts with simulated values. Default: false.
--- Tags whose field is missing: "invalidate", "keep" or "default".
---@field on_missing? "invalidate"|"keep"|"default"
---@field history? false|tagline.HistoryOptions In place of the line's.
--- How many stations an address with named groups may make. Default: 10000.
---@field max_instances? integer
---@field on_value? fun(tag: tagline.Tag) Called with each tag of the station that has a new value.
---@field on_status? fun(station: tagline.Station) Called with the station when its status changed.
---@field SWT? string Short for station_will_topic.
---@field SWP? string Short for station_will_payload.
---@field SBP? string Short for station_birth_payload.

---@class tagline.TagOptions
--- IN_TOPIC IN_DATA IN_ID JA=… RE=… ACK_ID OUT_TOPIC OUT_VALUE; none: filled by decode.
---@field address? string
---@field unit? string Engineering unit.
---@field description? string A text for people.
---@field default? any Value of an output at start, and what on_missing = "default" sets.
---@field linear? number[] Value * k + q; inverted on write.
---@field range? number[] Permitted values.
--- What happens to other values: invalid, set to the limit, or left out.
---@field out_of_range? "invalid"|"clamp"|"discard"
--- A device's words for states of Di, Do, Qi: { Off = "CLOSED", On = { "OPEN", "opened" } }.
---@field words? table<string, string|string[]>
---@field decimal? ","|"." "," where numbers in texts have a decimal comma.
---@field deadband? number A change of no more than this is not a new value.
---@field history? false|tagline.HistoryOptions In place of the station's.
--- A value that differs only in its time is a new value, too. Default: false.
---@field new_value_on_time_change? boolean|"YES"|"NO"
---@field on_missing? "invalidate"|"keep"|"default" In place of the station's.
---@field on_value? fun(tag: tagline.Tag) Called with the tag when it has a new value.
---@field [1]? string The address.

---@class tagline.LimitParameters
---@field handler_time? number Processor time of one call of a handler (s). Default: 0.1.
---@field memory? integer Memory of all Lua values (bytes). Default: 268435456.
--- Memory of the texts that one device of named groups keeps (bytes). Default: 33554432.
---@field instance_text? integer
--- Memory of all tags' texts, above which devices take no longer ones (bytes). Default: 268435456.
---@field text? integer
--- How long the whole process may stand still before it ends, to be started again; 0: for ever (s).
--- Default: 30.
---@field stall_time? number

---@class tagline.StationRecord
---@class tagline.TagRecord

--- A connection to a broker: its parameters, and its stations by position.
---@param name string Letters, digits, `_` and `-`.
---@return fun(parameters: tagline.LineParameters)
function line(name) end

--- A device on a line: which messages are its own, and which tags they fill; it stands between the
--- braces of a line.
---@param name string Letters, digits, `_` and `-`; each {group} of an address with named groups.
---@return fun(parameters: tagline.StationParameters): tagline.StationRecord
function station(name) end

--- Processor time and memory of one call of a handler.
---@param parameters tagline.LimitParameters
function limits(parameters) end

--- Keep all values: in an SQLite file, or postgres = "…".
---@param parameters tagline.HistoryParameters
function history(parameters) end

--- Where values wait until outlets have them.
---@param parameters tagline.SpoolParameters
function spool(parameters) end

--- Send values to a stream.
---@param name string Letters, digits, `_` and `-`.
---@return fun(parameters: tagline.OutletParameters)
function outlet(name) end

--- Serve metrics, health, an API and a page by HTTP.
---@param parameters tagline.HttpParameters
function http(parameters) end

--- Call a function every so many seconds.
---@param seconds number Above 0, fractions allowed.
---@param fn fun()
function every(seconds, fn) end

--- Call a function once.
---@param seconds number From now, fractions allowed.
---@param fn fun()
function after(seconds, fn) end

--- An environment variable; an error when it is not set and no default is given.
---@param name string
---@param default? string
---@return string
function env(name, default) end

--- A file's content without its last newline and byte order mark, for secrets.
---@param path string Beside the config, or absolute.
---@return string
function file(path) end

--- A file's content like that of file, from the folder $CREDENTIALS_DIRECTORY that systemd gives a
--- service.
---@param name string Without "/".
---@return string
function credential(name) end

--- JSON as lua-cjson has it; integers keep 64 bits, null is json.null. pick gives a function(text):
--- the values at addresses.
---@class tagline.json
---@field encode fun(value: any): string
---@field decode fun(text: string): any
---@field pick fun(addresses: string[]): fun(text: string): ...
---@field null lightuserdata

---@type tagline.json
json = nil

--- PCRE2 with limits, called like the functions of string; a replacement text is literal.
---@class tagline.re
--- The groups, or the whole match; nil.
---@field match fun(subject: string, pattern: string, init?: integer): ...
--- First and last byte, then the groups.
---@field find fun(subject: string, pattern: string, init?: integer): integer?, integer?, ...
--- Iterates over all matches.
---@field gmatch fun(subject: string, pattern: string): fun(): ...
--- A string is literal.
---@field gsub tagline.Gsub
re = nil

---@alias tagline.Replacement string|table|function
---@alias tagline.Gsub
---| fun(s: string, pattern: string, by: tagline.Replacement, n?: integer): string, integer

--- A tag, analog input: a number.
---@param address_or_options? string|tagline.TagOptions
---@return tagline.TagRecord
function Ai(address_or_options) end

--- A tag, analog output: a number.
---@param address_or_options? string|tagline.TagOptions
---@return tagline.TagRecord
function Ao(address_or_options) end

--- A tag, counter input: a 64-bit integer.
---@param address_or_options? string|tagline.TagOptions
---@return tagline.TagRecord
function Ci(address_or_options) end

--- A tag, counter output: a 64-bit integer.
---@param address_or_options? string|tagline.TagOptions
---@return tagline.TagRecord
function Co(address_or_options) end

--- A tag, digital input: a boolean.
---@param address_or_options? string|tagline.TagOptions
---@return tagline.TagRecord
function Di(address_or_options) end

--- A tag, digital output: a boolean.
---@param address_or_options? string|tagline.TagOptions
---@return tagline.TagRecord
function Do(address_or_options) end

--- A tag, quaternary input: 0..4 (Off On Trans Err Oscillate).
---@param address_or_options? string|tagline.TagOptions
---@return tagline.TagRecord
function Qi(address_or_options) end

--- A tag, text input: bytes.
---@param address_or_options? string|tagline.TagOptions
---@return tagline.TagRecord
function TxtI(address_or_options) end

--- A tag, text output: bytes.
---@param address_or_options? string|tagline.TagOptions
---@return tagline.TagRecord
function TxtO(address_or_options) end

--- A tag, absolute time input, UTC.
---@param address_or_options? string|tagline.TagOptions
---@return tagline.TagRecord
function TiA(address_or_options) end

--- A tag, absolute time output, UTC.
---@param address_or_options? string|tagline.TagOptions
---@return tagline.TagRecord
function ToA(address_or_options) end

--- A tag, duration input, seconds.
---@param address_or_options? string|tagline.TagOptions
---@return tagline.TagRecord
function TiR(address_or_options) end

--- A tag, duration output, seconds.
---@param address_or_options? string|tagline.TagOptions
---@return tagline.TagRecord
function ToR(address_or_options) end

---@alias tagline.Status "unset"|"valid"|"invalid"
---@alias tagline.Reason
---| "missing"
---| "json"
---| "type"
---| "range"
---| "decoder"
---| "station-will"
---| "disconnected"
---| "no-data"
---| "off"
---| "time"
---@alias tagline.StationStatus "StOn"|"StOff"|"StWait"|"StSimul"|"StComErr"|"StHardErr"

--- One sample of a value with more to say than the value itself.
---@class tagline.Sample
---@field value? any
---@field time? number Seconds since 1970, UTC.
---@field status? "valid"|"invalid"
---@field reason? tagline.Reason

---@alias tagline.Values table<string, any|tagline.Sample>
---@alias tagline.Samples { time: number?, values: tagline.Values }[]
---@alias tagline.Decoded tagline.Values|tagline.Samples|nil
---@alias tagline.Decode fun(msg: tagline.Message): tagline.Decoded, number?, "StHardErr"?

---@alias tagline.Flags { qos: integer?, retain: boolean? }
---@alias tagline.Encode
---| fun(tag: tagline.Tag, value: any, station: tagline.Station): string, string?, tagline.Flags?

--- A message, as decode gets it; valid until decode returns.
---@class tagline.Message
---@field topic string Bytes.
---@field payload string Bytes.
--- The payload as Lua values, parsed at first use; integers keep 64 bits, null is json.null.
---@field json any
--- Groups of the station's address, by number and by name.
---@field captures table<string|integer, string>
---@field qos integer 0, 1 or 2.
---@field retain boolean True when the broker had kept it.
---@field dup boolean True when the broker sends it again.
---@field id integer Packet identifier; 0 at QoS 0.
---@field time number The message's time field, else its arrival; seconds since 1970, UTC.
---@field station tagline.Station The station that takes it.

--- One value.
---@class tagline.Tag
---@field name string Its name in the station.
---@field full_name string line.station.tag.
---@field type string Ai Ao Ci Co Di Do Qi TxtI TxtO TiA ToA TiR ToR.
---@field address string Where its value comes from.
---@field value any nil unless its status is valid.
---@field status tagline.Status unset, valid or invalid.
---@field reason? tagline.Reason Why it is invalid.
---@field time? number Of the value, seconds since 1970, UTC.
---@field unit? string Engineering unit.
---@field description? string A text for people.
---@field station tagline.Station Its station.
local Tag = {}

--- Write an output, in the tag's type; at the prompt and in coroutines it waits: true, or nil and
--- why not.
---@param value any In the tag's type, strictly.
---@param done? fun(ok: boolean, why: string?)
---@return true|nil ok
---@return string? why
function Tag:write(value, done) end

--- One device.
---@class tagline.Station
---@field name string Its name in the line.
---@field full_name string line.station.
---@field address string Topic or regular expression of its messages.
---@field status tagline.StationStatus StOn, StOff, StWait, StSimul, StComErr or StHardErr.
---@field line tagline.Line Its line.
---@field tags table<string, tagline.Tag> Its tags by name.
---@field stats table<string, any> messages, errors, time in handlers.
local Station = {}

--- Switch it on.
function Station:on() end

--- Switch it off: its tags are invalid (off).
function Station:off() end

--- Simulated values in place of the device's; false ends it.
---@param simulated boolean
function Station:simulate(simulated) end

--- One broker connection.
---@class tagline.Line
---@field name string Its name.
---@field status string off, waiting, connecting, connected, disconnecting.
---@field stations table<string, tagline.Station> Its stations by name.
---@field stats table<string, any> counters, rates, what is in flight, the last error.
local Line = {}

--- Publish a message as it is; at the prompt and in coroutines it waits: true, or nil and why not.
---@param topic string
---@param payload string
---@param options? tagline.Flags
---@param done? fun(ok: boolean, why: string?)
---@return true|nil ok
---@return string? why
function Line:publish(topic, payload, options, done) end

--- Change parameters; the line connects again. A topic_filter alone waits for the next connection.
---@param parameters tagline.LineParameters
function Line:set(parameters) end

--- Try each address stage by stage, with a Client ID of its own, and say what is found.
function Line:probe() end

--- Close the connection and connect again.
function Line:reconnect() end

--- A recorded message.
---@class tagline.Recorded
---@field number integer Counts the line's messages.
---@field line string Name of the line.
---@field time number Of arrival, seconds since 1970, UTC.
---@field topic string Bytes.
---@field payload string Bytes.
---@field qos integer 0, 1 or 2.
---@field retain boolean True when the broker had kept it.
---@field dup boolean True when the broker sent it again.
---@field id integer Packet identifier; 0 at QoS 0.
---@field station? string Full name of the station that would take it now; nil: none.

--- The broker connections; prints as a table.
--- lines.plant works too. See help("line").
---@type table<string, tagline.Line>
lines = nil
--- The devices, by full name; prints as a table.
--- stations["plant.*"] is a list. See help("station").
---@type table<string, tagline.Station>
stations = nil
--- The values, by full name; prints as a table.
--- tags["plant.*.temperature"] is a list. See help("tag").
---@type table<string, tagline.Tag>
tags = nil

---@class tagline.ExplainOptions
---@field qos? integer
---@field retain? boolean
---@field dup? boolean
---@field id? integer
---@field time? number
---@field line? string
---@field fresh? boolean As if no message had come before.

--- Where a message goes and what every tag becomes, and why.
--- explain(topic [, payload [, options]]) tries a message, explain(message) one of messages(),
--- explain(tag) tells which of the last messages could set it. It changes nothing. Options: qos
--- retain dup id time line, and fresh: as if no message had come before.
---@param what string|tagline.Recorded|tagline.Tag
---@param payload? string
---@param options? tagline.ExplainOptions
---@return table
function explain(what, payload, options) end

--- The last messages that were received, oldest first.
--- messages(pattern, limit). A pattern is a topic filter, or a line, station or tag. Each line
--- keeps `recorder` bytes of them.
---@param pattern? string|tagline.Line|tagline.Station|tagline.Tag
---@param limit? integer
---@return tagline.Recorded[]
function messages(pattern, limit) end
