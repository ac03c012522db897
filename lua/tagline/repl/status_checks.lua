--- What status() finds: each check reads the facts of live.status() and says what is wrong now (a problem) or was, or may be
--- (a remark). Facts come in, entries { code, text, remedy, line, station, tag } go out; knows nothing of how they are printed.
local explain = require "tagline.repl.explain"
local print_module = require "tagline.repl.print"

local M = {}

local LONG_ACK = 20   -- seconds; or the line's reply_timeout
local QUIET = 300     -- seconds: a connection that lasts so long is nobody else's
local DAY = 86400     -- seconds: what happened before is history
local FIRST = 60      -- seconds after SUBACK: devices that have not spoken yet are no news
local RECENT = 600    -- seconds: a failure of a function that nobody can tell apart from others
local LATE_PING = 2   -- seconds without an answer to PING
local SLOW_CALL = 0.005  -- seconds of processor time on average: a slow handler
local SLOW_SHARE = 0.25  -- of the processor: it holds up the others

local span = print_module.span

local function plural(n, one, many) return ("%d %s"):format(n, n == 1 and one or many or one .. "s") end
M.plural = plural

--- Names, and how many more there are; `all`: what lists them.
local function listed(names, count, all)
  local more = count > #names and (", %d more"):format(count - #names) or ""
  return table.concat(names, ", ") .. more .. (more ~= "" and all and (" (%s lists all)"):format(all) or "")
end

local keywords = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat return then true until
  while]]):gmatch "%a+" do keywords[word] = true end

--- A line, station or tag as one can type it: lines.plant, lines["things-stack"].
local function object(collection, name)
  if name:find "^[%a_][%w_]*$" and not keywords[name] then return collection .. "." .. name end
  return ("%s[%s]"):format(collection, print_module.quote(name))
end

local function explain_tag(name) return ("explain(tags[%s]) shows why"):format(print_module.quote(name)) end

-- Checks of a line: each is given the line's facts and the report, which takes
--   report:problem(code, text, remedy, place)   place: { station =, tag = }, or nothing
--   report:remark(code, text, remedy, place)
--   report:many(kind, code, count, items, head, all) items: { short =, text =, remedy =, station =, tag = }: an entry each, and
--                                               one text of all of them for people, `head(count)` in front; `all`: what lists
--                                               those that have no entry
local checks = {}

local function add(check) checks[#checks + 1] = check end

-- The connection

local function where_of(l)
  return l.address and l.host:find("://", 1, true) and l.address or ("%s port %d"):format(l.host, l.port)
end

--- What to do about a connection that failed, by its text, and what the line says beside.
local refusals = {
  { "a TLS port", function(l) return ('the broker speaks TLS there: tls = true, or host = "mqtts://%s:%d"'):format(l.host, l.port) end },
  { "an HTTP server", function(l) return ('%s is a web server: correct port, or host = "ws://…" for MQTT over WebSocket'):format(
    where_of(l)) end },
  { "code 1:", function() return "the broker does not take MQTT 3.1.1" end },
  { "code 2:", function() return "give the line another client_id" end },
  { "code [45]:", function(l)
    if l.user_name == "" then return "the broker wants user_name and password" end
    return ("correct user_name and password: it was refused for the user '%s'"):format(l.user_name)
  end },
  { "code 3:", function() return "the broker takes no clients at present: look at its log, or wait until it has started" end },
  { "code %d+:", function() return "look at the broker's log, which says why" end },
  { "no CONNACK", function(l) return ("something listens at %s that does not answer: correct port (8883 is usually TLS)"):format(
    where_of(l)) end },
}
local cures = {
  { "no connection within", function() return "correct host and port; a firewall may drop what goes there" end },
  { "connection refused", function(l) return ("nothing listens at %s: correct host and port, or start the broker"):format(where_of(l))
  end },
  { "resolve '", function() return "correct host, or look at the name server" end },
  { "no sign of life", function() return "look at the broker's machine or the network between" end },
  { "PINGRESP", function() return "the connection was dead: a shorter ping_interval notices it sooner" end },
}

local function cure(l)
  local text = l.last_error
  for _, row in ipairs(refusals) do
    if text:find(row[1]) then return row[2](l) end
  end
  if text:find "%f[%w]tls_%a" or text:find "%f[%w]ws_%a" or text:find "proxy" or text:find "mqtts?://" or text:find "wss?://" then
    return -- the transport's texts have it in them
  end
  for _, row in ipairs(cures) do
    if text:find(row[1]) then return row[2](l) end
  end
  local closed = text:find "closed" or text:find "reset" or text:find "end of file"
  if closed and l.connects == 0 then
    return ("it was closed before CONNACK: a TLS port (tls = true, or host = \"mqtts://%s:%d\"), or no MQTT broker"):format(l.host, l.port)
  elseif closed and l.closed_on == "PUBLISH" then
    return ("it was closed after PUBLISH %s, %d bytes: the broker may not take it"):format(explain.plain(l.closed_topic), l.closed_bytes)
  elseif closed and l.closed_on == "SUBSCRIBE" and l.quick_closes > 0 then
    return "it was closed right after SUBSCRIBE: the broker may not allow these topic filters"
  end
end

add(function(l, report)
  -- an orderly end, for a fraction of a second: nobody has to do anything
  if l.state == "connected" or l.state == "off" or l.state == "disconnecting" then return end
  local last = l.last_error ~= "" and l.last_error or nil
  local remedy = last and cure(l)
  if l.state == "waiting" then
    local again = ("next attempt in %s; %s:reconnect() tries at once"):format(span(l.retry_in or 0), object("lines", l.name))
    report:problem("not-connected", ("not connected: %s"):format(last or where_of(l)), remedy and remedy .. "; " .. again or again)
  elseif last then
    report:problem("not-connected", ("not connected: %s; %s to %s"):format(last, l.state, where_of(l)), remedy)
  else
    report:problem("connecting", ("%s to %s"):format(l.state, where_of(l)))
  end
end)

add(function(l, report)
  if l.state ~= "connected" or not l.last_failure or l.failed_ago > DAY or l.quick_closes >= 3 then return end
  report:remark("was-away", ("%s %s ago: %s"):format(l.connects > 1 and "the connection was lost" or "an attempt to connect failed",
    span(l.failed_ago), l.last_failure))
end)

add(function(l, report)
  if (l.warning or "") ~= "" then report:remark("certificate", l.warning) end
end)

add(function(l, report)
  local late = l.state == "connected" and l.ping_unanswered or 0
  if late < LATE_PING then return end
  report:problem("half-open", ("the broker has not answered a PING for %s: the connection may be dead"):format(
    span(late)), l.reply_timeout > 0 and ("it ends after %s (reply_timeout); %s:reconnect() does it at once"):format(
    span(l.reply_timeout), object("lines", l.name)) or object("lines", l.name) .. ":reconnect() makes a new one")
end)

add(function(l, report)
  if l.queued == 0 or l.state == "connected" then return end
  local many = l.queued > 1
  local age = l.oldest_queued and (many and ", the oldest for " or " for ") .. span(l.oldest_queued) or ""
  local waits = many and "writes wait" or l.oldest_queued and "write has waited" or "write waits"
  report:problem("writes-wait", ("%d %s for the connection%s"):format(l.queued, waits, age),
    ("they go out when the line connects, %d at most (max_queued)"):format(l.max_queued))
end)

add(function(l, report)
  if l.quick_closes < 3 then return end
  local again = ("the broker closed the connection %s in a row"):format(plural(l.quick_closes, "time"))
  local code, text, remedy
  if l.closed_on == "PUBLISH" then
    code, text = "write-not-taken", ("%s after it was sent PUBLISH %s, %d bytes: it may not take that message"):format(again,
      explain.plain(l.closed_topic or ""), l.closed_bytes or 0)
    remedy = "look at the broker's log, its limit for the size of a message and its access rules for this topic"
  elseif l.closed_on == "SUBSCRIBE" then
    code, text = "subscribe-not-taken", again .. " right after SUBSCRIBE: it may not allow these topic filters"
    remedy = ("look at the broker's log and its access rules for %s"):format(
      l.user_name and l.user_name ~= "" and ("the user '%s'"):format(l.user_name) or "users without a name")
  else
    code, text = "client-id", ("the broker closed the connection right after CONNACK %s in a row: another client probably uses the "
      .. "Client ID '%s'"):format(plural(l.quick_closes, "time"), l.client_id)
    remedy = "give each process a client_id of its own"
  end
  if (l.connected_for or 0) > QUIET then report:remark(code, text, remedy) else report:problem(code, text, remedy) end
end)

add(function(l, report)
  if l.sessions_lost == 0 or l.session_lost_ago > DAY then return end
  report:remark("session-lost", ("the broker lost the session %s, last %s ago: messages that it had kept for us are gone"):format(
    plural(l.sessions_lost, "time"), span(l.session_lost_ago)), "look at the broker's persistence and its limit for idle sessions")
end)

add(function(l, report)
  if l.state ~= "connected" then return end
  local refused, lower = {}, {}
  for _, f in ipairs(l.filters) do
    if f.granted == 128 then refused[#refused + 1] = "'" .. f.filter .. "'"
    else lower[#lower + 1] = ("'%s' (QoS %d, asked for %d)"):format(f.filter, f.granted, f.wanted) end
  end
  if #refused > 0 then
    report:problem("filter-refused", "the broker refused the topic filter " .. table.concat(refused, ", "),
      ("correct topic_filter or the broker's access rules for %s; tagline subscribes to it again later"):format(
        l.user_name and l.user_name ~= "" and ("the user '%s'"):format(l.user_name) or "users without a name"))
  end
  if #lower > 0 then
    report:problem("qos-lowered", "the broker granted a lower QoS for " .. table.concat(lower, ", "),
      "messages may be lost; raise the broker's limit or lower subscribe_qos")
  end
end)

add(function(l, report)
  if not l.filters_wait then return end
  report:problem("filters-wait", "the topic filters were changed; the broker uses the old ones until the next connection",
    ("lines[%q]:reconnect() makes one"):format(l.name))
end)

add(function(l, report)
  if not l.too_long or l.too_long.count == 0 then return end
  local t = l.too_long
  local text = ("%s longer than max_packet_size %s skipped, the last on %s, %d bytes"):format(plural(t.count, "message"),
    t.count == 1 and "was" or "were", explain.plain(t.topic), t.bytes)
  local remedy = ("raise max_packet_size (now %d), or let the device send less"):format(l.max_packet_size)
  if (t.ago or 0) > RECENT then report:remark("too-long", text, remedy) else report:problem("too-long", text, remedy) end
end)

-- What waits

add(function(l, report)
  local w = l.awaiting
  if not w or w.seconds < 5 then return end
  report:problem("ack-id", ("message %d of station '%s' has waited for the write of ACK_ID for %s; %s behind it"):format(w.id, w.station,
    span(w.seconds), plural(w.waiting, "message")), "write the value of IN_ID to ACK_ID, or look at what should do so",
    { station = l.name .. "." .. w.station })
end)

add(function(l, report)
  local limit = l.reply_timeout > 0 and l.reply_timeout or LONG_ACK
  if not l.oldest_inflight or l.oldest_inflight < limit then return end
  report:problem("ack-missing", ("the broker's acknowledgement of a published message has been missing for %s (%d in flight, %d queued)")
    :format(span(l.oldest_inflight), l.inflight, l.queued), "look at the broker's log; " .. object("lines", l.name) .. (l.clean_session
    and ":reconnect() lets the write fail, for a clean session repeats nothing" or ":reconnect() sends it again"))
end)

add(function(l, report)
  if l.queue_full then report:problem("queue-full", "receive_queue is full: the socket is not read", "see ACK_ID above") end
  if l.held then
    report:problem("values-held", "the reader of the values stream is behind: nothing is received or acknowledged",
      "look at what reads stdout")
  end
  if l.congested then
    report:problem("congested", "the broker does not read our acknowledgements: its messages must wait", "look at the broker's load")
  end
end)

-- Messages

add(function(l, report)
  local e = l.echo
  if not e then return end
  report:problem("echo", ("an echo loop: what is written to %s comes back and is written again, %s a second"):format(
    explain.plain(e.topic), span(e.per_second):match "^%d+" or "many"),
    "write another topic than the one that is received, or only when the value changed")
end)

add(function(l, report)
  if l.unrouted == 0 or #l.unrouted_topics == 0 then return end
  -- A count is too high by `over` at most: of many topics that come once each, it says nothing.
  local most, example = {}, l.unrouted_topics[1]
  for i = 1, math.min(5, #l.unrouted_topics) do
    local t = l.unrouted_topics[i]
    if t.over <= t.count / 2 then
      most[#most + 1] = ("%s%s (%s%d)"):format(t.topic, t.cut and "…" or "", t.over > 0 and "about " or "", t.count)
    end
  end
  report:remark("no-station", ("%s that no station takes, %s"):format(plural(l.unrouted, "message"),
    #most > 0 and "most often: " .. table.concat(most, ", ")
    or ("of many topics, such as %s%s"):format(example.topic, example.cut and "…" or "")),
    ('explain(%s) shows why; a station with address ".*" takes the rest'):format(print_module.quote(example.topic)))
end)

add(function(l, report)
  if l.instances_refused == 0 then return end
  report:problem("device-refused", ("%s of further devices %s not taken: max_instances is reached, or the name is taken"):format(
    plural(l.instances_refused, "message"), l.instances_refused == 1 and "was" or "were"),
    "the log says which; raise max_instances, or write the groups into the station's name so that names differ")
end)

add(function(l, report)
  if (l.text_refused or 0) == 0 then return end
  report:problem("text-refused", ("%s of devices %s not kept: limits { instance_text =, text = } leave no room"):format(
    plural(l.text_refused, "text"), l.text_refused == 1 and "was" or "were"),
    "raise these limits, or take the part that is needed with JA= or decode in place of IN_DATA")
end)

-- Stations and tags

local causes = {
  ["station-will"] = "its will came: the device is gone",
  ["no-data"] = "no message for no_data_timeout",
  ["disconnected"] = "no message since the line was away",
}

add(function(l, report)
  local items, fresh = {}, (l.subscribed_for or math.huge) < FIRST
  local count = l.failed_count
  for _, s in ipairs(l.failed) do
    if fresh and s.reason == "disconnected" then
      count = count - 1
    else
      local why = causes[s.reason] and ": " .. causes[s.reason] or ""
      items[#items + 1] = { short = ("%s (%s for %s%s)"):format(s.name, s.status, span(s.seconds), why),
        text = ("the station is %s for %s though the line works%s"):format(s.status, span(s.seconds), why),
        remedy = "the next message of the device brings it back", station = l.name .. "." .. s.name }
    end
  end
  if fresh and #items == 0 then return end
  report:many("problem", "station-failed", count, items,
    function(n) return plural(n, "station is", "stations are") .. " in an error though the line works" end)
end)

add(function(l, report)
  local items = {}
  for i, s in ipairs(l.silent) do
    items[i] = { short = ("%s (%s)"):format(s.name, s.address), text = ("no message yet for the address %s"):format(s.address),
      remedy = l.state == "connected" and 'watch { topic = "#" } shows what comes' or nil, station = l.name .. "." .. s.name }
  end
  report:many("remark", "no-message", l.silent_count, items, function(n) return "no message yet for " .. plural(n, "station") end)
end)

add(function(l, report)
  local items = {}
  for i, name in ipairs(l.unset) do
    items[i] = { short = name, text = "no value yet, though messages came", remedy = explain_tag(name), tag = name }
  end
  report:many("remark", "no-value", l.unset_count, items, function() return "no value yet, though messages came" end,
    'find("unset")')
end)

--- What to do about a reason, where more can be said than "look".
local reason_texts = {
  missing = "the message does not have it",
  json = "the message is not JSON",
  type = "what came cannot be converted to the tag's type",
  range = "the value is outside its range",
  decoder = "decode failed, or returned what the tag cannot hold",
  time = "the time mask does not fit what came",
}

add(function(l, report)
  local items = {}
  for i, t in ipairs(l.invalid) do
    items[i] = { short = ("%s (%s)"):format(t.tag, t.reason), tag = t.tag, station = t.tag:match "^(.*)%.",
      text = ("invalid: %s%s"):format(t.reason, reason_texts[t.reason] and ", " .. reason_texts[t.reason] or ""),
      remedy = ('%s; help "%s" tells what it means'):format(explain_tag(t.tag), t.reason) }
  end
  report:many("problem", "tag-invalid", l.invalid_count, items,
    function(n) return plural(n, "tag is", "tags are") .. " invalid" end, 'find("invalid")')
end)

-- What the last messages show (core/explain/examine.c): facts with a `kind`, each about one station, most with a tag.
local findings = {}

local function minutes(seconds) return span(math.abs(seconds)) end

--- A timestamp that cannot be right.
function findings.time(f)
  local ago = f.behind or 0
  local told = ("its time is %s, which is %s %s its arrival"):format(f.value, minutes(ago), ago >= 0 and "before" or "after")
  if f.swapped then
    return "time-swapped", told .. ": day and month are swapped", ('time_mask = "%s" would fit'):format(f.swapped)
  elseif f.epoch then
    return "time-1970", told .. (f.fits and (": it is written as %s"):format(f.fits) or ""),
      f.fits and ('time_mask = "%s" would fit'):format(f.fits) or "the device's clock is not set, or its time mask is another one"
  end
  if f.zone then -- behind: or it was sent late
    return ago >= 0 and "time-zone" or "time-ahead", told .. ": whole or half hours, as two time zones differ",
      'time_zone = "local", "+01:00" or "Europe/Bratislava" in the station or the line says how its times are meant'
  end
  return ago >= 0 and "time-behind" or "time-ahead", told, "look at the device's clock, time_mask and time_zone"
end

function findings.mask(f)
  local text = ("the time '%s' of %s does not fit the time mask %s: values get the time of arrival"):format(f.raw, f.field, f.mask)
  return "time-unreadable", text, f.fits and ('time_mask = "%s" would fit'):format(f.fits)
    or "help \"time_mask\" lists what a mask may hold"
end

function findings.no_time(f)
  return "time-missing", ("messages have no %s: values get the time of arrival"):format(f.field),
    "correct time_field_name, or set ignore_missing_time = true"
end

function findings.gzip(f)
  return "compressed", ("the payload is %s-compressed, where JSON is expected"):format(f.raw),
    'in front of the line: local zlib = require "tagline.codec.zlib"; in the station: '
      .. "prepare = function(payload) return assert(zlib.decode(payload)) end"
end

function findings.retained(f)
  return "retained-only", ("its last message, %s ago, was a retained one: its values may be older still"):format(span(f.seconds)),
    "no_data_timeout tells when a device is silent; ignore_retained = true takes live messages only"
end

function findings.doubled(f)
  return "doubled", ("messages come twice: %s matches the topic filters %s, and the broker sends one message for each"):format(
    explain.plain(f.topic), table.concat(f.filters, " and ")), "keep the wider topic filter only"
end

function findings.rounded(f)
  return "rounded", ("%s came, and the tag holds %s: digits are lost"):format(f.raw, f.value),
    f.integer and "take the type Ci, which holds 64-bit integers exactly" or "take the type Ai, which holds fractions"
end

function findings.saturated(f)
  return "saturated", ("%s came, which is more than a 64-bit integer holds: the tag has %s"):format(f.raw, f.value),
    "take the type Ai or TxtI"
end

local finding_heads = {
  ["time-swapped"] = "day and month are swapped", ["time-1970"] = "the time is that of 1970", ["time-behind"] = "the time is behind",
  ["time-ahead"] = "the time is ahead", ["time-zone"] = "the time is of another zone",
  ["time-unreadable"] = "the time does not fit its mask", ["time-missing"] = "there is no time",
  compressed = "compressed payloads", rounded = "digits are lost", saturated = "too large for 64 bits",
  ["retained-only"] = "no live message since a retained one",
}
local finding_remarks = { rounded = true, ["time-zone"] = true, ["retained-only"] = true, ["time-missing"] = true }
local FINDINGS = 8 -- of one kind that are told

add(function(l, report)
  local groups, order, counts = {}, {}, {}
  for _, f in ipairs(l.findings or {}) do
    local code, text, remedy = findings[f.kind](f)
    if not groups[code] then
      groups[code], order[#order + 1], counts[code] = {}, code, 0
    end
    counts[code] = counts[code] + 1
    local group, name = groups[code], f.tag or f.station
    if #group < FINDINGS then
      local short = name and name:sub(1, #l.name + 1) == l.name .. "." and name:sub(#l.name + 2) or name
      group[#group + 1] = { short = short and ("%s (%s)"):format(short, text) or text, text = text, remedy = remedy,
        station = f.station, tag = f.tag }
    end
  end
  for _, code in ipairs(order) do
    local kind, head = finding_remarks[code] and "remark" or "problem", finding_heads[code]
    if head then
      report:many(kind, code, counts[code], groups[code], function() return head end)
    else
      local one = groups[code][1]
      report:problem(code, one.text, one.remedy)
    end
  end
end)

local function milliseconds(seconds)
  local ms = seconds * 1000
  return (ms < 100 and "%.3g" or "%.0f"):format(ms)
end

add(function(l, report)
  for _, h in ipairs(l.slow or {}) do
    local text = ("%s of %s takes %s ms of processor time on average, %s ms at most (%s)"):format(h.what, h.station,
      milliseconds(h.mean), milliseconds(h.longest), plural(h.calls, "call"))
    local remedy = "all lines wait meanwhile: do less in it, or less often"
    if h.share >= SLOW_SHARE then
      report:problem("handler-slow", ("%s: %.0f %% of the processor"):format(text, h.share * 100), remedy, { station = h.station })
    elseif h.mean >= SLOW_CALL then
      report:remark("handler-slow", text, remedy, { station = h.station })
    end
  end
end)

-- The report

local Report = {}
Report.__index = Report

local function entry(self, kind, code, text, remedy, place)
  local one = { code = code, text = text, remedy = remedy, line = self.line, station = place and place.station,
    tag = place and place.tag }
  for key, value in pairs(one) do
    if type(value) == "string" then one[key] = explain.plain(value) end -- topics are what a device made of them
  end
  local list = kind == "problem" and self.problems or self.remarks
  list[#list + 1] = one
  return one
end

local function shown(self, kind, text, remedy, count)
  self.shown[#self.shown + 1] = { kind = kind, text = text, remedy = remedy, line = self.line, count = count or 1 }
end

function Report:problem(code, text, remedy, place)
  entry(self, "problem", code, text, remedy, place)
  shown(self, "problem", text, remedy)
end

function Report:remark(code, text, remedy, place)
  entry(self, "remark", code, text, remedy, place)
  shown(self, "remark", text, remedy)
end

function Report:many(kind, code, count, items, head, all)
  if #items == 0 then return end
  local names, remedies, seen = {}, {}, {}
  for i, item in ipairs(items) do
    entry(self, kind, code, item.text, item.remedy, item)
    names[i] = item.short
    if item.remedy and not seen[item.remedy] then
      remedies[#remedies + 1], seen[item.remedy] = item.remedy, true
    end
  end
  if count > #items then entry(self, kind, code, ("%s: %d more"):format(head(count), count - #items)) end
  shown(self, kind, ("%s: %s"):format(head(count), listed(names, count, all)), remedies[1])
end

-- The process

local function at(seconds) return print_module.time(seconds):sub(1, 19) .. "Z" end

local function failure(f, report)
  local place = f.scope ~= "" and f.scope:find("%.") and { station = f.scope } or nil
  report.line = f.scope ~= "" and f.scope:match "^[^.]*" or nil
  if f.what == "names" then
    return report:remark("unknown-name", (f.text:gsub(" %(logged once%)", "")), "add the tag, or correct the name in decode", place)
  end
  local what = f.scope == "" and ("a function of %s(…)"):format(f.what) or ("%s of %s"):format(f.what, f.scope)
  local text
  if f.scope == "" or f.works then
    text = ("%s failed %s, last %s ago%s"):format(what, plural(f.count, "time"), span(f.last_ago),
      f.works and "; it has worked since" or "")
  else
    text = ("%s has failed since %s (%s ago), %s, last %s ago"):format(what, at(f.since), span(f.since_ago),
      plural(f.count, "time"), span(f.last_ago))
  end
  if (f.scope == "" or f.works) and f.last_ago > RECENT then return end
  local kind = f.works and "remark" or "problem"
  entry(report, kind, f.works and "handler-failed" or "handler-failing", ("%s: %s"):format(text, f.text),
    "correct the function at that place; reload() takes it", place)
  shown(report, kind, text .. "\n    " .. f.text)
end

local function config(c, report)
  local changed = {}
  for _, f in ipairs(c.files or {}) do
    if f.changed then changed[#changed + 1] = f.path end
  end
  if c.refused then
    local text = ("the config of %s was refused, the old one goes on:"):format(at(c.refused_at))
    entry(report, "problem", "config-refused", text .. " " .. c.refused:gsub("\n", "; "), "correct it, and reload()")
    shown(report, "problem", text .. "\n    " .. c.refused:gsub("\n", "\n    "))
  elseif #changed > 0 then
    report:remark("config-changed", ("%s changed on disk since; reload { dry = true } shows what it would change"):format(
      table.concat(changed, ", ")))
  end
  local warnings = c.warnings or {}
  for i, text in ipairs(warnings) do
    if i > FINDINGS then
      report:remark("config-warning", ("%d warnings more: tagline check %s prints them"):format(#warnings - FINDINGS, c.file))
      break
    end
    report.line = text:match "line '([^']*)'"
    local station = text:match "station '([^']*)'"
    report:remark("config-warning", text, nil, { station = report.line and station and report.line .. "." .. station })
  end
  report.line = nil
end

local LAG = 10 -- seconds: an outlet takes what comes at once

--- How full the spool is, and how long what is left lasts at the present rate.
local function room(spool)
  if not spool then return "values wait in the spool until it is full; when_full says what happens then" end
  local words = ("values wait in the spool, which is %d %% full"):format(spool.bytes * 100 // math.max(spool.max, 1))
  if spool.lasts and spool.lasts < 1000 * 86400 then
    words = ("%s; at this rate the rest lasts %s"):format(words, span(spool.lasts))
  end
  return words .. "; when_full says what happens then"
end

--- A history or another outlet: { name, kind, up, since, why, behind, lag, rejected, last_rejected, dropped }, times in seconds.
local function outlet(o, report, spool)
  local name = ("outlet '%s' (%s)"):format(o.name, o.kind)
  if not o.up then
    report:problem("outlet-away", ("%s has been away for %s%s; %s"):format(name, span(o.since), (o.why or "") ~= "" and ": " .. o.why or "",
      plural(o.behind, "value waits", "values wait")), room(spool))
  elseif o.behind > 0 and (o.lag or 0) >= LAG then
    report:problem("outlet-behind", ("%s is %s behind, the oldest for %s"):format(name, plural(o.behind, "value"), span(o.lag)),
      "it is slower than the values that come: look at its server")
  end
  if (o.dropped or 0) > 0 then
    report:remark("outlet-dropped", ("the spool dropped %s before %s had them"):format(plural(o.dropped, "value"), name),
      "spool { max = … } makes it larger")
  end
  if (o.rejected or 0) > 0 then
    report:remark("outlet-rejected", ("%s rejected %s, the last: %s"):format(name, plural(o.rejected, "value"), o.last_rejected or ""),
      ("they are put aside in the spool's folder, file %s.rejected"):format(o.name))
  end
end

--- Everything that facts tell: { problems =, remarks =, shown = }, the first two being the lists of the facts, `shown` for people:
--- { kind, text, remedy, line }.
function M.report(facts)
  local report = setmetatable({ problems = facts.problems, remarks = facts.remarks, shown = {} }, Report)
  if facts.config.file then config(facts.config, report) end
  for _, f in ipairs(facts.failures) do failure(f, report) end
  report.line = nil
  for _, o in ipairs(facts.outlets or {}) do outlet(o, report, facts.spool) end
  if facts.spool and (facts.spool.why or "") ~= "" then
    report:problem("spool-away", facts.spool.why .. ": nothing is read or acknowledged until it can be written",
      "make room on the disk, or name another folder: spool { folder = … }")
  end
  for _, l in ipairs(facts.lines) do
    report.line = l.name
    for _, check in ipairs(checks) do check(l, report) end
  end
  return report
end

return M
