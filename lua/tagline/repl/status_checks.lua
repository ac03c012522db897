--- What status() finds: each check reads facts of live.status(), and says what is wrong now (a
--- problem), or was, or may be (a remark). This file has the checks of a line's messages, stations
--- and tags; status_connection, status_findings and status_process have the others. Knows nothing
--- of how they are printed.
local print_value = require "tagline.repl.print_value"
local connection = require "tagline.repl.status_connection"
local reports = require "tagline.repl.status_report"

local M = { plural = reports.plural }

local LONG_ACK = 20   -- seconds; or the line's reply_timeout
local FIRST = 60      -- seconds after SUBACK: devices that have not spoken yet are no news
local SLOW_CALL = 0.005  -- seconds of processor time on average: a slow handler
local SLOW_SHARE = 0.25  -- of the processor: it holds up the others

local span = print_value.span
local plural = reports.plural
local object = reports.object

local function explain_tag(name)
  return ("explain(tags[%s]) shows why"):format(print_value.quote(name))
end

-- Checks of a line: each gets the facts of a line and the report (status_report.lua).
local checks = table.move(connection, 1, #connection, 1, {})

local function add(check) checks[#checks + 1] = check end

-- What waits

add(function(l, report)
  local w = l.awaiting
  if not w or w.seconds < 5 then return end
  report:problem("ack-id",
    ("message %d of station '%s' has waited for the write of ACK_ID for %s; %s behind it"):format(
      w.id, w.station, span(w.seconds), plural(w.waiting, "message")),
    "write the value of IN_ID to ACK_ID, or look at what should do so",
    { station = l.name .. "." .. w.station })
end)

add(function(l, report)
  local limit = l.reply_timeout > 0 and l.reply_timeout or LONG_ACK
  if not l.oldest_inflight or l.oldest_inflight < limit then return end
  report:problem("ack-missing",
    ("the broker's acknowledgement of a published message has been missing for %s (%d in \z
      flight, %d queued)"):format(span(l.oldest_inflight), l.inflight, l.queued),
    ("look at the broker's log; %s:reconnect() %s"):format(object("lines", l.name), l.clean_session
      and "lets the write fail, for a clean session repeats nothing" or "sends it again"))
end)

add(function(l, report)
  if l.queue_full then
    report:problem("queue-full", "receive_queue is full: the socket is not read",
      "see ACK_ID above")
  end
  local full = l.values_full or ""
  if l.held and full ~= "" then
    report:problem("values-held", ("the values cannot be written to standard output: %s: nothing \z
      is received or acknowledged until there is room"):format(full), "make room on the disk")
  elseif l.held then
    report:problem("values-held",
      "the reader of the values stream is behind: nothing is received or acknowledged",
      "look at what reads stdout")
  end
  if l.congested then
    report:problem("congested",
      "the broker does not read our acknowledgements: its messages must wait",
      "look at the broker's load")
  end
end)

-- What has no topic

add(function(l, report)
  local w = l.astray
  if not w then return end
  local name = l.name .. "." .. w.tag
  report:problem("write-no-topic", ("%s to %s went nowhere, the last %s ago: %s"):format(
    plural(w.count, "write"), name, span(w.ago), print_value.plain(w.why)),
    ("give its station an OUT_TOPIC with a default, or write the topic first; %s"):format(
      explain_tag(name)), { tag = name })
end)

-- Messages

add(function(l, report)
  local e = l.echo
  if not e then return end
  report:problem("echo",
    ("an echo loop: what is written to %s comes back and is written again, %s a second"):format(
      print_value.plain(e.topic), print_value.rate(e.per_second)),
    "write another topic than the one that is received, or only when the value changed")
end)

add(function(l, report)
  if l.unrouted == 0 or #l.unrouted_topics == 0 then return end
  -- A count is too high by `over` at most: of many topics that come once each, it says nothing.
  local most, example = {}, l.unrouted_topics[1]
  for i = 1, math.min(5, #l.unrouted_topics) do
    local t = l.unrouted_topics[i]
    if t.over <= t.count / 2 then
      most[#most + 1] = ("%s%s (%s%d)"):format(t.topic, t.cut and "…" or "",
        t.over > 0 and "about " or "", t.count)
    end
  end
  local which = #most > 0 and "most often: " .. table.concat(most, ", ")
    or ("of many topics, such as %s%s"):format(example.topic, example.cut and "…" or "")
  report:remark("no-station",
    ("%s that no station takes, %s"):format(plural(l.unrouted, "message"), which),
    ('explain(%s) shows why; a station with address ".*" takes the rest'):format(
      print_value.quote(example.topic)))
end)

add(function(l, report)
  if l.instances_refused == 0 then return end
  report:problem("device-refused",
    ("%s of further devices %s not taken: max_instances is reached, or the name is taken"):format(
      plural(l.instances_refused, "message"), l.instances_refused == 1 and "was" or "were"),
    "the log says which; raise max_instances, or write the groups into the station's name so \z
      that names differ")
end)

add(function(l, report)
  if (l.text_refused or 0) == 0 then return end
  report:problem("text-refused",
    ("%s of devices %s not kept: limits { instance_text =, text = } leave no room"):format(
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
      local since = ("%s for %s"):format(s.status, span(s.seconds))
      items[#items + 1] = { short = ("%s (%s%s)"):format(s.name, since, why),
        text = ("the station is %s though the line works%s"):format(since, why),
        remedy = "the next message of the device brings it back",
        station = l.name .. "." .. s.name }
    end
  end
  if fresh and #items == 0 then return end
  report:many("problem", "station-failed", count, items, function(n)
    return plural(n, "station is", "stations are") .. " in an error though the line works"
  end)
end)

add(function(l, report)
  local items, remedy = {}, nil
  if l.state == "connected" then
    local came = l.messages > 0 or l.too_long and l.too_long.count > 0
    remedy = (came or l.subscribes == false) and 'watch { topic = "#" } shows what comes'
      or ("nothing came through topic_filter: %s shows what is on the broker; where that is \z
        nothing, too, the broker may not let %s read it"):format(reports.discover(l),
        reports.user_of(l))
  end
  for i, s in ipairs(l.silent) do
    items[i] = { short = ("%s (%s)"):format(s.name, s.address),
      text = ("no message yet for the address %s"):format(s.address),
      remedy = remedy,
      station = l.name .. "." .. s.name }
  end
  report:many("remark", "no-message", l.silent_count, items,
    function(n) return "no message yet for " .. plural(n, "station") end)
end)

add(function(l, report)
  local items = {}
  for i, name in ipairs(l.unset) do
    items[i] = { short = name, text = "no value yet, though messages came",
      remedy = explain_tag(name), tag = name }
  end
  report:many("remark", "no-value", l.unset_count, items,
    function() return "no value yet, though messages came" end, 'find("unset")')
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
    items[i] = { short = ("%s (%s)"):format(t.tag, t.reason), tag = t.tag,
      station = t.tag:match "^(.*)%.",
      text = "invalid: " .. t.reason
        .. (reason_texts[t.reason] and ", " .. reason_texts[t.reason] or ""),
      remedy = ('%s; help "%s" tells what it means'):format(explain_tag(t.tag), t.reason) }
  end
  report:many("problem", "tag-invalid", l.invalid_count, items,
    function(n) return plural(n, "tag is", "tags are") .. " invalid" end, 'find("invalid")')
end)

-- Invalid since its station was away; the station is well again, and the next message sets it.
add(function(l, report)
  local items = {}
  for i, t in ipairs(l.waiting_tags or {}) do
    items[i] = { short = ("%s (%s)"):format(t.tag, t.reason), tag = t.tag,
      station = t.tag:match "^(.*)%.",
      text = ("invalid (%s) until a message has a value for it: its station is well again"):format(
        t.reason),
      remedy = explain_tag(t.tag) }
  end
  report:many("remark", "tag-waits", l.waiting_tags_count or 0, items, function(n)
    return plural(n, "tag is", "tags are")
      .. " invalid until a message has values for them: their stations are well again"
  end, 'find("invalid")')
end)

add(require "tagline.repl.status_findings")

local function milliseconds(seconds)
  local ms = seconds * 1000
  return (ms < 100 and "%.3g" or "%.0f"):format(ms)
end

add(function(l, report)
  for _, h in ipairs(l.slow or {}) do
    local text = ("%s of %s takes %s ms of processor time on average, %s ms at most (%s)"):format(
      h.what, h.station, milliseconds(h.mean), milliseconds(h.longest), plural(h.calls, "call"))
    local remedy = "all lines wait meanwhile: do less in it, or less often"
    if h.share >= SLOW_SHARE then
      report:problem("handler-slow", ("%s: %.0f %% of the processor"):format(text, h.share * 100),
        remedy, { station = h.station })
    elseif h.mean >= SLOW_CALL then
      report:remark("handler-slow", text, remedy, { station = h.station })
    end
  end
end)

--- Everything that facts tell: { problems =, remarks =, shown = }, the first two being the lists of
--- the facts, `shown` for people: { kind, text, remedy, line }.
function M.report(facts)
  local report = reports.new(facts.problems, facts.remarks)
  require "tagline.repl.status_process" (facts, report)
  for _, l in ipairs(facts.lines) do
    report.line = l.name
    for _, check in ipairs(checks) do check(l, report) end
  end
  return report
end

return M
