--- Checks of status() about the process: functions of the user that fail, the config, outlets and
--- the spool.
local print_value = require "tagline.repl.print_value"
local reports = require "tagline.repl.status_report"

local span = print_value.span
local plural = reports.plural

local RECENT = 600    -- seconds: a failure of a function that nobody can tell apart from others
local WARNINGS = 8    -- of a config that are listed

local function at(seconds) return print_value.time(seconds):sub(1, 19) .. "Z" end

-- Failures that have no entry, since too many fail: kind of report, code, text for one, for many.
local UNLISTED = {
  calls = { "problem", "handler-failing", "more call of a function failed",
    "more calls of functions failed" },
  writes = { "remark", "write-refused", "more write was refused", "more writes were refused" },
  names = { "remark", "unknown-name", "more name of no tag came from decode",
    "more names of no tag came from decode" },
}

local function unlisted(f, report)
  if f.last_ago > RECENT then return end
  local kind, code, one, many = table.unpack(UNLISTED[f.unlisted])
  report[kind](report, code, ("%s, of which not each is listed, last %s ago"):format(
    plural(f.count, one, many), span(f.last_ago)),
    "correct those that are listed: others then take their places")
end

--- A function of the user that failed.
local function failure(f, report)
  if f.unlisted then return unlisted(f, report) end
  local place = f.scope ~= "" and f.scope:find("%.") and { station = f.scope } or nil
  report.line = f.scope ~= "" and f.scope:match "^[^.]*" or nil
  if f.what == "names" then
    return report:remark("unknown-name", (f.text:gsub(" %(logged once%)", "")),
      "add the tag, or correct the name in decode", place)
  end
  if f.what == "writes" then
    if f.last_ago > RECENT then return end
    return report:remark("write-refused", ("%s to %s %s refused, last %s ago: %s"):format(
      plural(f.count, "write"), f.scope, f.count == 1 and "was" or "were", span(f.last_ago),
      f.text), "correct the function that writes it", place)
  end
  local what = f.scope == "" and ("a function of %s(…)"):format(f.what)
    or ("%s of %s"):format(f.what, f.scope)
  local text
  if f.scope == "" or f.works then
    text = ("%s failed %s, last %s ago%s"):format(what, plural(f.count, "time"), span(f.last_ago),
      f.works and "; it has worked since" or "")
  else
    text = ("%s has failed since %s (%s ago), %s, last %s ago"):format(what, at(f.since),
      span(f.since_ago),
      plural(f.count, "time"), span(f.last_ago))
  end
  if (f.scope == "" or f.works) and f.last_ago > RECENT then return end
  local kind = f.works and "remark" or "problem"
  report:both(kind, f.works and "handler-failed" or "handler-failing",
    ("%s: %s"):format(text, f.text), "correct the function at that place; reload() takes it", place,
    text .. "\n    " .. f.text)
end

local function config(c, report)
  local changed = {}
  for _, f in ipairs(c.files or {}) do
    if f.changed then changed[#changed + 1] = f.path end
  end
  if c.refused then
    local text = ("the config of %s was refused, the old one goes on:"):format(at(c.refused_at))
    report:both("problem", "config-refused", text .. " " .. c.refused:gsub("\n", "; "),
      "correct it, and reload()", nil, text .. "\n    " .. c.refused:gsub("\n", "\n    "))
  elseif #changed > 0 then
    report:remark("config-changed",
      ("%s changed on disk since; reload { dry = true } shows what it would change"):format(
      table.concat(changed, ", ")))
  end
  if c.http_refused then
    report:problem("http-refused", "http is not as the config says: " .. c.http_refused,
      "correct http { … }, or free its port (ss -ltnp tells who has it); reload() tries again")
  end
  local warnings = c.warnings or {}
  for i, text in ipairs(warnings) do
    if i > WARNINGS then
      report:remark("config-warning",
        ("%d warnings more: tagline check %s prints them"):format(#warnings - WARNINGS, c.file))
      break
    end
    report.line = text:match "line '([^']*)'"
    local station = text:match "station '([^']*)'"
    report:remark("config-warning", text, nil,
      { station = report.line and station and report.line .. "." .. station })
  end
  report.line = nil
end

local LAG = 10 -- seconds: an outlet takes what comes at once
local OPENING = 10 -- seconds that it may take to open, while nothing has failed

--- How full the spool is, and how long what is left lasts at the present rate.
local function room(spool)
  if not spool then
    return "values wait in the spool until it is full; when_full says what happens then"
  end
  local words = ("values wait in the spool, which is %d %% full"):format(
    spool.bytes * 100 // math.max(spool.max, 1))
  if spool.lasts and spool.lasts < 1000 * 86400 then
    words = ("%s; at this rate the rest lasts %s"):format(words, span(spool.lasts))
  end
  return words .. "; when_full says what happens then"
end

--- What to do about an outlet that is away, by its kind and by the words of its reason; those of
--- PostgreSQL say it themselves (core/postgres/trouble.c).
local CURES = {
  history = {
    { "No such file", "make the folder that it is in, or correct file" },
    { "Permission denied", "let tagline's user write there, or correct file" },
    { "not a database", "name another file: this one is left as it is" },
    { "disk is full", "make room on the disk" },
    { "no regular file", "correct file: it names a folder or a device" },
    { "process %d+ writes it", "end that process, or give this config a file of its own" },
  },
  nats = {
    { "refused", "start the server, or correct nats" },
    { "does not speak NATS",
      "is it stuck? else correct nats: a server's port for clients is 4222" },
    { "[Aa]uthori[sz]ation", "correct user and password" },
    { "JetStream", "start the server with JetStream, or correct stream" },
  },
}

local function outlet_cure(o)
  for _, row in ipairs(CURES[o.kind] or {}) do
    if (o.why or ""):find(row[1]) then return row[2] .. "; " end
  end
  return ""
end

--- Is it slow, or does it take nothing at all?
local function behind_cure(o)
  if (o.held or 0) < LAG then
    return "it is slower than the values that come: look at its "
      .. (o.kind == "history" and "disk" or "server")
  end
  return ("it has taken nothing for %s: %s"):format(span(o.held), o.kind == "history"
    and "its disk may be stuck, or the file locked" or o.kind == "postgres"
    and "it may be stopped, or a table locked" or "it may be stopped")
end

--- A history or another outlet: { name, kind, up, since, why, behind, lag, held, rejected,
--- last_rejected, dropped, too_old }, times in seconds.
local function outlet(o, report, spool)
  local name = ("outlet '%s' (%s)"):format(o.name, o.kind)
  local why = o.why or ""
  if not o.up and (why ~= "" or o.since >= OPENING) then
    report:problem("outlet-away", ("%s has been away for %s%s; %s"):format(name, span(o.since),
      why ~= "" and ": " .. why or "",
      plural(o.behind, "value waits", "values wait")), outlet_cure(o) .. room(spool))
  elseif o.up and o.behind > 0 and (o.lag or 0) >= LAG and o.since >= LAG then -- not just back
    report:problem("outlet-behind", ("%s is %s behind, the oldest for %s"):format(name,
      plural(o.behind, "value"), span(o.lag)), behind_cure(o))
  end
  if (o.dropped or 0) > 0 then
    report:remark("outlet-dropped",
      ("the spool dropped %s before %s had them"):format(plural(o.dropped, "value"), name),
      "spool { max = … } makes it larger")
  end
  if (o.too_old or 0) > 0 then
    report:remark("outlet-too-old", ("%s did not store %s that came: older than `keep`")
      :format(name, plural(o.too_old, "value")),
      "give it a longer `keep`, or set the clock of the device that sends such times")
  end
  if (o.rejected or 0) > 0 then
    report:remark("outlet-rejected", ("%s rejected %s, the last: %s"):format(name,
      plural(o.rejected, "value"), o.last_rejected or ""),
      ("they are put aside in the spool's folder, file %s.rejected"):format(o.name))
  end
end

--- `facts`: all of live.status().
return function(facts, report)
  if facts.config.file then config(facts.config, report) end
  for _, f in ipairs(facts.failures) do failure(f, report) end
  report.line = nil
  for _, o in ipairs(facts.outlets or {}) do outlet(o, report, facts.spool) end
  local history = facts.history
  if history and history.log_held > 0 then
    report:problem("history-log", ("the log of the history (its file's -wal) has %d MB and grows: \z
      another program has been reading the file for long, in one transaction"):format(
      history.log_held >> 20), "end that program's transaction; the log is short again then")
  end
  if facts.spool and (facts.spool.why or "") ~= "" then
    report:problem("spool-away", facts.spool.why
      .. ": nothing is read or acknowledged until it can be written",
      facts.spool.why:find "^the spool is full"
      and "mend the outlet that does not take its values; spool { max = … } gives it more room"
      or "make room on the disk, or name another folder: spool { folder = … }")
  end
  if facts.spool and (facts.spool.unsynced or "") ~= "" then
    report:problem("spool-unsynced", ("the spool's disk does not sync what is written (%s): a "
      .. "power failure may take more than the last second's values"):format(facts.spool.unsynced),
      "look at the disk and its file system, or name another folder: spool { folder = … }")
  end
end
