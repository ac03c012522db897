--- status(): what runs, what is wrong, and what to do about it, in words. `text` makes them from the facts of live.status().
local explain = require "tagline.repl.explain"
local print_module = require "tagline.repl.print"

local M = {}

local LONG_ACK = 20                   -- seconds; or the line's reply_timeout
local QUIET = 300                     -- seconds: a connection that lasts so long is nobody else's
local DAY = 86400                     -- seconds: what happened before is history
local span = print_module.span

local function plural(n, one, many) return ("%d %s"):format(n, n == 1 and one or many or one .. "s") end

--- Names, and how many more there are.
local function listed(names, count)
  return table.concat(names, ", ") .. (count > #names and (", %d more"):format(count - #names) or "")
end

local function at(seconds) return print_module.time(seconds):sub(1, 19) .. "Z" end

-- Each tells of one thing that may be wrong with a line: what it is, and what to do. `say(what, advice)`.
local checks = {}

local function add(check) checks[#checks + 1] = check end

add(function(l, say)
  if l.state == "connected" or l.state == "off" then return end
  local where = ("%s port %d"):format(l.host, l.port)
  if l.state == "waiting" then
    say(("not connected: %s"):format(l.last_error ~= "" and l.last_error or where),
      ("next attempt in %s; lines.%s:reconnect() tries at once"):format(span(l.retry_in or 0), l.name))
  else
    say(("%s to %s"):format(l.state, where), nil)
  end
end)

add(function(l, say)
  if l.queued == 0 or l.state == "connected" then return end
  local many = l.queued > 1
  local age = l.oldest_queued and (many and ", the oldest for " or " for ") .. span(l.oldest_queued) or ""
  local waits = many and "writes wait" or l.oldest_queued and "write has waited" or "write waits"
  say(("%d %s for the connection%s"):format(l.queued, waits, age),
    ("they go out when the line connects, %d at most (max_queued)"):format(l.max_queued))
end)

add(function(l, say)
  if l.quick_closes < 3 or (l.connected_for or 0) > QUIET then return end
  say(("the broker closed the connection right after CONNACK %s in a row: another client probably uses the Client ID '%s'")
    :format(plural(l.quick_closes, "time"), l.client_id), "give each process a client_id of its own")
end)

add(function(l, say)
  if l.sessions_lost == 0 or l.session_lost_ago > DAY then return end
  say(("the broker lost the session %s, last %s ago: what it had kept for us is gone"):format(plural(l.sessions_lost, "time"),
    span(l.session_lost_ago)), "look at the broker's persistence and its limit for idle sessions")
end)

add(function(l, say)
  if l.state ~= "connected" then return end
  local refused, lower = {}, {}
  for _, f in ipairs(l.filters) do
    if f.granted == 128 then refused[#refused + 1] = "'" .. f.filter .. "'"
    else lower[#lower + 1] = ("'%s' (QoS %d, asked for %d)"):format(f.filter, f.granted, f.wanted) end
  end
  if #refused > 0 then
    say("the broker refused the topic filter " .. table.concat(refused, ", "), "check the broker's access rules for this user")
  end
  if #lower > 0 then
    say("the broker granted a lower QoS for " .. table.concat(lower, ", "),
      "messages may be lost; raise the broker's limit or lower subscribe_qos")
  end
end)

add(function(l, say)
  if not l.filters_wait then return end
  say("the topic filters were changed, and the broker has those of before until the next connection",
    ("lines[%q]:reconnect() makes one"):format(l.name))
end)

add(function(l, say)
  local w = l.awaiting
  if not w or w.seconds < 5 then return end
  say(("message %d of station '%s' has waited for the write of ACK_ID for %s; %s behind it"):format(w.id, w.station, span(w.seconds),
    plural(w.waiting, "message")), "write the value of IN_ID to ACK_ID, or look at what should do so")
end)

add(function(l, say)
  local limit = l.reply_timeout > 0 and l.reply_timeout or LONG_ACK
  if not l.oldest_inflight or l.oldest_inflight < limit then return end
  say(("the broker's acknowledgement of a published message has been missing for %s (%d in flight, %d queued)"):format(
    span(l.oldest_inflight), l.inflight, l.queued), ("lines.%s:reconnect() sends it again"):format(l.name))
end)

add(function(l, say)
  if l.queue_full then say("receive_queue is full: the socket is not read", "see ACK_ID above") end
  if l.held then say("the reader of the values stream is behind: nothing is received or acknowledged", "look at what reads stdout") end
  if l.congested then say("the broker does not read our acknowledgements: its messages must wait", "look at the broker's load") end
end)

add(function(l, say)
  if l.unrouted == 0 then return end
  -- A count is too high by `over` at most: of many topics that come once each, it says nothing.
  local most, example = {}, l.unrouted_topics[1]
  for i = 1, math.min(5, #l.unrouted_topics) do
    local t = l.unrouted_topics[i]
    if t.over <= t.count / 2 then
      most[#most + 1] = ("%s%s (%s%d)"):format(t.topic, t.cut and "…" or "", t.over > 0 and "about " or "", t.count)
    end
  end
  say(("%s that no station takes, %s"):format(plural(l.unrouted, "message"), #most > 0 and "most often: " .. table.concat(most, ", ")
    or ("of many topics, such as %s%s"):format(example.topic, example.cut and "…" or "")),
    ('explain(%s) shows why; a station with address ".*" takes the rest'):format(print_module.quote(l.unrouted_topics[1].topic)))
end)

add(function(l, say)
  if l.instances_refused == 0 then return end
  say(("%s of further devices %s not taken: max_instances is reached, or the name is taken"):format(plural(l.instances_refused, "message"),
    l.instances_refused == 1 and "was" or "were"),
    "the log says which; raise max_instances, or let the station's name part its groups better")
end)

local causes = {
  ["station-will"] = "its will came: the device is gone",
  ["no-data"] = "no message for no_data_timeout",
}

add(function(l, say)
  if l.failed_count == 0 then return end
  local names = {}
  for i, s in ipairs(l.failed) do
    names[i] = ("%s (%s for %s%s)"):format(s.name, s.status, span(s.seconds), causes[s.reason] and ": " .. causes[s.reason] or "")
  end
  say(("%s in an error though the line works: %s"):format(plural(l.failed_count, "station is", "stations are"),
    listed(names, l.failed_count)), "the next message of the device brings it back")
end)

add(function(l, say)
  if l.silent_count == 0 then return end
  local names = {}
  for i, s in ipairs(l.silent) do names[i] = ("%s (%s)"):format(s.name, s.address) end
  say(("no message yet for %s: %s"):format(plural(l.silent_count, "station"), listed(names, l.silent_count)),
    l.state == "connected" and 'watch { topic = "#" } shows what comes' or nil)
end)

add(function(l, say)
  if l.unset_count == 0 then return end
  say(("no value yet, though messages came: %s"):format(listed(l.unset, l.unset_count)),
    ('explain(tags["%s"]) shows why'):format(l.unset[1]))
end)

add(function(l, say)
  if l.invalid_count == 0 then return end
  local names = {}
  for i, t in ipairs(l.invalid) do names[i] = ("%s (%s)"):format(t.tag, t.reason) end
  say(("%s invalid: %s"):format(plural(l.invalid_count, "tag is", "tags are"), listed(names, l.invalid_count)),
    ('explain(tags["%s"]) shows why; help "%s" tells what it means'):format(l.invalid[1].tag, l.invalid[1].reason))
end)

local function line_head(l)
  local text = ("line '%s': %s"):format(l.name, l.state)
  if l.state == "connected" then text = ("%s to %s for %s"):format(text, l.peer, span(l.connected_for or 0)) end
  text = ("%s; %s, %.1f/s"):format(text, plural(l.messages, "message"), l.received_per_s)
  local parts = {}
  for _, name in ipairs { "StOn", "StWait", "StComErr", "StHardErr", "StSimul", "StOff" } do
    if l.stations[name] then parts[#parts + 1] = ("%d %s"):format(l.stations[name], name) end
  end
  if #parts > 0 then text = text .. "; stations: " .. table.concat(parts, ", ") end
  return text
end

local function line_text(out, l)
  local wrong = 0
  out[#out + 1] = line_head(l)
  for _, check in ipairs(checks) do
    check(l, function(what, advice)
      wrong = wrong + 1
      out[#out + 1] = "  ! " .. what
      if advice then out[#out + 1] = "    → " .. advice end
    end)
  end
  return wrong
end

local function failure_text(out, f)
  if f.scope == "" then
    if f.last_ago > 600 then return 0 end
    out[#out + 1] = ("! a function of %s(…) failed %s, last %s ago"):format(f.what, plural(f.count, "time"), span(f.last_ago))
  elseif f.works then
    if f.last_ago > 600 then return 0 end
    out[#out + 1] = ("! %s of %s failed %s, last %s ago; it has worked since"):format(f.what, f.scope, plural(f.count, "time"),
      span(f.last_ago))
  else
    out[#out + 1] = ("! %s of %s has failed since %s (%s ago), %s, last %s ago"):format(f.what, f.scope, at(f.since), span(f.since_ago),
      plural(f.count, "time"), span(f.last_ago))
  end
  out[#out + 1] = "    " .. f.text
  return 1
end

local function config_text(out, c, now)
  if not c.file then return 0 end
  out[#out + 1] = ("config %s, version %s, loaded %s (%s ago)%s"):format(c.file, c.hash:sub(1, 8), at(c.time), span(now - c.time),
    c.reloads > 0 and (", %s"):format(plural(c.reloads, "reload")) or "")
  local wrong, changed = 0, {}
  for _, f in ipairs(c.files) do
    if f.changed then changed[#changed + 1] = f.path end
  end
  if c.refused then
    wrong = wrong + 1
    out[#out + 1] = ("! the config of %s was refused, the old one goes on:"):format(at(c.refused_at))
    for line in c.refused:gmatch "[^\n]+" do out[#out + 1] = "    " .. line end
  elseif #changed > 0 then
    out[#out + 1] = ("  %s changed on disk since; reload { dry = true } shows what it would change"):format(table.concat(changed, ", "))
  end
  return wrong
end

--- The text for live.status()'s facts. `now`: seconds since 1970; `uptime`: seconds.
function M.text(facts, now, uptime)
  local out = { ("tagline %s, process %d, running for %s, Lua uses %.1f MB"):format(facts.version, facts.pid, span(uptime),
    facts.memory / 1048576) }
  local wrong = config_text(out, facts.config, now)
  for _, f in ipairs(facts.failures) do wrong = wrong + failure_text(out, f) end
  for _, l in ipairs(facts.lines) do wrong = wrong + line_text(out, l) end
  out[#out + 1] = wrong == 0 and "nothing is wrong" or plural(wrong, "thing") .. " to look at"
  return (table.concat(out, "\n"):gsub("[^\n]+", explain.plain)) -- topics are what a device made of them
end

--- The word status, for the REPL. The result prints as text and is a table of facts for who wants them.
function M.word(live)
  return function()
    local facts = live.status()
    local text = M.text(facts, live.now(), facts.uptime)
    return setmetatable(facts, { __tostring = function() return text end, __name = "tagline.status" })
  end
end

return M
