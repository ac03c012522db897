--- Checks of status() about a line's connection: why it is away, what the broker refused. Each
--- check gets the facts of a line and the report (status_report.lua).
local print_value = require "tagline.repl.print_value"
local reports = require "tagline.repl.status_report"

local span = print_value.span
local plural = reports.plural
local object = reports.object
local user_of = reports.user_of

local QUIET = 300     -- seconds: a connection that lasts so long is nobody else's
local DAY = 86400     -- seconds: what happened before is history
local RECENT = 600    -- seconds: a message that was too long is no news any more
local LATE_PING = 2   -- seconds without an answer to PING

local checks = {}

local function add(check) checks[#checks + 1] = check end

local function where_of(l)
  if l.address and l.host:find("://", 1, true) then return l.address end
  return ("%s port %d"):format(l.host, l.port)
end

--- The address as one that speaks TLS.
local function secure(l)
  local at = l.host:match "^[%w+]+://([^/]+)" or l.host
  return at:find ":%d+$" and "mqtts://" .. at or ("mqtts://%s:%d"):format(at, l.port)
end

--- What to do about a connection that failed, by its text, and what the line says beside.
local refusals = {
  { "a TLS port",
    function(l)
      return ('the broker speaks TLS there: tls = true, or host = "%s"'):format(secure(l))
    end },
  { "an HTTP server",
    function(l)
      return where_of(l)
        .. ' is a web server: correct port, or host = "ws://…" for MQTT over WebSocket'
    end },
  { "code 1:", function() return "the broker does not take MQTT 3.1.1" end },
  { "code 2:", function() return "give the line another client_id" end },
  { "code [45]:", function(l)
    if l.user_name == "" then return "the broker wants user_name and password" end
    return ("correct user_name and password: it was refused for the user '%s'"):format(l.user_name)
  end },
  { "code 3:",
    function()
      return "the broker takes no clients at present: look at its log, or wait until it has started"
    end },
  { "code %d+:", function() return "look at the broker's log, which says why" end },
  { "no CONNACK",
    function(l)
      return ("something listens at %s that does not answer: correct port (8883 is usually \z
        TLS)"):format(where_of(l))
    end },
}
local cures = {
  { "WebSocket upgrade",
    function(l)
      return ("%s for plain MQTT, or %s for TLS; else correct the port, or the path behind it")
        :format('host = "mqtt://…"', l.host:find "^wss" and '"ws://…" without' or '"wss://…"')
    end },
  { "session store .*No such file",
    function() return "make the folder that it is in, or correct session_store" end },
  { "session store .*Permission denied",
    function() return "let tagline's user write there, or correct session_store" end },
  { "session store .*in use by another process",
    function()
      return "it goes on when that process ends; else give the line another client_id or \z
        session_store"
    end },
  { "session store .*No space left",
    function() return "make room on the disk: nothing is acknowledged till then" end },
  { "no connection within",
    function() return "correct host and port; a firewall may drop what goes there" end },
  { "connection refused",
    function(l)
      return ("nothing listens at %s: correct host and port, or start the broker"):format(
        where_of(l))
    end },
  { "too many open files",
    function()
      return "the process has no descriptor left: raise LimitNOFILE of the service, or ulimit -Hn"
    end },
  { "resolve '", function() return "correct host, or look at the name server" end },
  { "no sign of life",
    function() return "look at the broker's machine or the network between" end },
  { "PINGRESP",
    function() return "the connection was dead: a shorter ping_interval notices it sooner" end },
}

local function cure(l)
  local text = l.last_error
  for _, row in ipairs(refusals) do
    if text:find(row[1]) then return row[2](l) end
  end
  if text:find "%f[%w]tls_%a" or text:find "%f[%w]ws_%a" or text:find "proxy"
    or text:find "mqtts?://" or text:find "wss?://" then
    return -- the transport's texts have it in them
  end
  for _, row in ipairs(cures) do
    if text:find(row[1]) then return row[2](l) end
  end
  local closed = text:find "closed" or text:find "reset" or text:find "end of file"
  if closed and l.connects == 0 then
    return ('it was closed before CONNACK: a TLS port (tls = true, or host = "%s"), or \z
      no MQTT broker'):format(secure(l))
  elseif closed and l.closed_on == "PUBLISH" then
    return ("it was closed after PUBLISH %s, %d bytes: the broker may not take it"):format(
      print_value.plain(l.closed_topic), l.closed_bytes)
  elseif closed and l.closed_on == "SUBSCRIBE" and l.quick_closes > 0 then
    return "it was closed right after SUBSCRIBE: the broker may not allow these topic filters"
  end
end

-- Do the words of a failed connection end with what to do? (core/dial/failure.c, transport)
local endings = { "set ", "correct ", "look at ", "start the ", "use mqtts://", "use ws://",
  "give the line ", "the broker does not take", "does it " }

local function says_cure(text)
  local last = text:match ".*: (.*)$" or ""
  for _, words in ipairs(endings) do
    if last:sub(1, #words) == words then return true end
  end
  return false
end

add(function(l, report)
  -- an orderly end, for a fraction of a second: nobody has to do anything
  if l.state == "connected" or l.state == "off" or l.state == "disconnecting" then return end
  local last = l.last_error ~= "" and l.last_error or nil
  local remedy = last and cure(l)
  local said = last and says_cure(last) -- people read it once, programs find it as the remedy
  local since = l.lost_ago and ("; the connection was lost %s ago"):format(span(l.lost_ago)) or ""
  if l.state == "waiting" then
    local again = ("next attempt in %s; %s:reconnect() tries at once"):format(
      span(l.retry_in or 0), object("lines", l.name))
    report:problem("not-connected", ("not connected: %s%s"):format(last or where_of(l), since),
      remedy and remedy .. "; " .. again or again, nil, said and again)
  elseif last then
    report:problem("not-connected", ("not connected: %s; %s to %s%s"):format(last, l.state,
      where_of(l), since), remedy, nil, said and "")
  else
    report:problem("connecting", ("%s to %s"):format(l.state, where_of(l)))
  end
end)

add(function(l, report)
  if l.state ~= "connected" or not l.last_failure or l.failed_ago > DAY or l.quick_closes >= 3 then
    return
  end
  local what = l.failed_open and "the connection was lost" or "an attempt to connect failed"
  local since = not l.failed_open and l.lost_ago
    and ("; the connection had been lost %s ago"):format(span(l.lost_ago)) or ""
  report:remark("was-away", ("%s %s ago: %s%s"):format(what, span(l.failed_ago), l.last_failure,
    since))
end)

add(function(l, report)
  if (l.warning or "") ~= "" then report:remark("certificate", l.warning) end
end)

add(function(l, report)
  local late = l.state == "connected" and l.ping_unanswered or 0
  if late < LATE_PING then return end
  local line, remedy = object("lines", l.name)
  if l.reply_timeout > 0 then
    remedy = ("it ends after %s (reply_timeout); %s:reconnect() does it at once"):format(
      span(l.reply_timeout), line)
  end
  report:problem("half-open",
    ("the broker has not answered a PING for %s: the connection may be dead"):format(span(late)),
    remedy or line .. ":reconnect() makes a new one")
end)

add(function(l, report)
  if l.queued == 0 or l.state == "connected" then return end
  local many = l.queued > 1
  local age = l.oldest_queued and (many and ", the oldest for " or " for ")
    .. span(l.oldest_queued) or ""
  local waits = many and "writes wait" or l.oldest_queued and "write has waited" or "write waits"
  report:problem("writes-wait", ("%d %s for the connection%s"):format(l.queued, waits, age),
    ("they go out when the line connects, %d at most (max_queued)"):format(l.max_queued))
end)

add(function(l, report)
  if l.quick_closes < 3 then return end
  local again = ("the broker closed the connection %s in a row"):format(plural(l.quick_closes,
    "time"))
  local code, text, remedy
  if l.closed_on == "PUBLISH" then
    code, text = "write-not-taken",
      ("%s after it was sent PUBLISH %s, %d bytes: it may not take that message"):format(again,
      print_value.plain(l.closed_topic or ""), l.closed_bytes or 0)
    remedy =
      "look at the broker's log, its limit for the size of a message and its access rules for \z
        this topic"
    if l.closed_unacked then -- at QoS 0: nobody knows whether it was taken
      text = ("%s, or another client uses the Client ID '%s'"):format(text, l.client_id)
      remedy = remedy .. ", and whether it keeps retained messages; give each process a \z
        client_id of its own"
    end
  elseif l.closed_on == "SUBSCRIBE" then
    code, text = "subscribe-not-taken",
      again .. " right after SUBSCRIBE: it may not allow these topic filters"
    remedy = "look at the broker's log and its access rules for " .. user_of(l)
  else
    code, text = "client-id",
      ("the broker closed the connection right after CONNACK %s in a row: another client \z
        probably uses the Client ID '%s'"):format(plural(l.quick_closes, "time"), l.client_id)
    remedy = "give each process a client_id of its own"
  end
  if (l.connected_for or 0) > QUIET then
    report:remark(code, text, remedy)
  else
    report:problem(code, text, remedy)
  end
end)

add(function(l, report)
  if l.sessions_lost == 0 or l.session_lost_ago > DAY then return end
  report:remark("session-lost",
    ("the broker lost the session %s, last %s ago: messages that it had kept for us are gone")
      :format(plural(l.sessions_lost, "time"), span(l.session_lost_ago)),
    "look at the broker's persistence and its limit for idle sessions")
end)

add(function(l, report)
  if l.state ~= "connected" then return end
  local refused, lower = {}, {}
  for _, f in ipairs(l.filters) do
    if f.granted == 128 then
      refused[#refused + 1] = "'" .. f.filter .. "'"
    else
      lower[#lower + 1] = ("'%s' (QoS %d, asked for %d)"):format(f.filter, f.granted, f.wanted)
    end
  end
  if #refused > 0 then
    report:problem("filter-refused", "the broker refused the topic filter "
      .. table.concat(refused, ", "),
      ("correct topic_filter or the broker's access rules for %s; tagline subscribes to it \z
        again later"):format(user_of(l)))
  end
  if #lower > 0 then
    report:problem("qos-lowered", "the broker granted a lower QoS for "
      .. table.concat(lower, ", "),
      "messages may be lost; raise the broker's limit or lower subscribe_qos")
  end
end)

add(function(l, report)
  if not l.filters_wait then return end
  report:problem("filters-wait",
    "the topic filters were changed; the broker uses the old ones until the next connection",
    ("lines[%q]:reconnect() makes one"):format(l.name))
end)

add(function(l, report)
  if not l.too_long or l.too_long.count == 0 then return end
  local t = l.too_long
  local text = ("%s longer than max_packet_size %s skipped, the last on %s, %d bytes")
    :format(plural(t.count, "message"), t.count == 1 and "was" or "were",
      print_value.plain(t.topic), t.bytes)
  local remedy = ("raise max_packet_size (now %d), or let the device send less"):format(
    l.max_packet_size)
  if (t.ago or 0) > RECENT then
    report:remark("too-long", text, remedy)
  else
    report:problem("too-long", text, remedy)
  end
end)

return checks
