--- status(): what runs, what is wrong and what to do about it, as text for people and as a
--- table: `problems` (now) and `remarks` (the past, and what may be), each { code, text,
--- remedy, line, station, tag }, beside the facts of live.status() that they are made of.
local checks = require "tagline.repl.status_checks"
local print_value = require "tagline.repl.print_value"

local M = {}

local span, plural = print_value.span, checks.plural

local function at(seconds) return print_value.time(seconds):sub(1, 19) .. "Z" end

local function line_head(l)
  local text = ("line '%s': %s"):format(l.name, l.state)
  if l.state == "connected" then
    local made_of = (l.transport or "") ~= "" and (" (%s)"):format(l.transport) or ""
    text = ("%s to %s%s for %s"):format(text, l.peer, made_of, span(l.connected_for or 0))
  end
  text = ("%s; %s, %.1f/s"):format(text, plural(l.messages, "message"), l.received_per_s)
  local parts = {}
  for _, name in ipairs { "StOn", "StWait", "StComErr", "StHardErr", "StSimul", "StOff" } do
    if l.stations[name] then parts[#parts + 1] = ("%d %s"):format(l.stations[name], name) end
  end
  if #parts > 0 then text = text .. "; stations: " .. table.concat(parts, ", ") end
  return text
end

--- A history or another outlet that takes what comes, or opens; what is wrong with one is a
--- problem.
local function outlet_line(o, spool)
  if not o.up then
    return ("outlet '%s' (%s): opening for %s; %d behind"):format(o.name, o.kind, span(o.since),
      o.behind)
  end
  return ("outlet '%s' (%s): up for %s; %s stored, %d behind; the spool is %d %% full")
    :format(o.name, o.kind, span(o.since), plural(o.stored, "value"), o.behind,
      spool.bytes * 100 // math.max(spool.max, 1))
end

local function config_head(c, now)
  local reloads = c.reloads > 0 and ", " .. plural(c.reloads, "reload") or ""
  return ("config %s, version %s, loaded %s (%s ago)%s"):format(c.file, c.hash:sub(1, 8),
    at(c.time), span(now - c.time), reloads)
end

local function groups() return { problem = {}, remark = {} } end

--- "!" is wrong now, "-" is worth knowing; the remedy stands below.
local function entries(out, group, indent)
  for _, kind in ipairs { "problem", "remark" } do
    for _, one in ipairs(group[kind]) do
      out[#out + 1] = ("%s%s %s"):format(indent, kind == "problem" and "!" or "-", one.text)
      if one.remedy then out[#out + 1] = ("%s  → %s"):format(indent, one.remedy) end
    end
  end
end

--- The text for live.status()'s facts and what the checks found. `now`: seconds since 1970;
--- `uptime`: seconds.
function M.text(facts, report, now, uptime)
  local out = { ("tagline %s, process %d, running for %s, Lua uses %.1f MB"):format(facts.version,
    facts.pid, span(uptime), facts.memory / 1048576) }
  local of_process, of_line, wrong = groups(), {}, 0
  if facts.config.file then out[#out + 1] = config_head(facts.config, now) end
  for _, l in ipairs(facts.lines) do of_line[l.name] = groups() end
  for _, one in ipairs(report.shown) do
    local list = (of_line[one.line] or of_process)[one.kind]
    list[#list + 1] = one
    if one.kind == "problem" then wrong = wrong + 1 end
  end
  entries(out, of_process, "")
  for _, l in ipairs(facts.lines) do
    out[#out + 1] = line_head(l)
    entries(out, of_line[l.name], "  ")
  end
  for _, o in ipairs(facts.outlets or {}) do
    if facts.spool and (o.up or (o.why or "") == "") then
      out[#out + 1] = outlet_line(o, facts.spool)
    end
  end
  out[#out + 1] = wrong == 0 and "nothing is wrong" or plural(wrong, "thing") .. " to look at"
  -- topics are what a device made of them
  return (table.concat(out, "\n"):gsub("[^\n]+", print_value.plain))
end

--- The word status, for the REPL. The result prints as text and is a table for who wants it.
function M.word(live)
  return function()
    local facts = live.status()
    for _, line in ipairs(facts.lines) do
      local from = 1
      while from do
        from = live.survey(line, from)
        live.rest()
      end
    end
    local report = checks.report(facts)
    local text = M.text(facts, report, live.now(), facts.uptime)
    return setmetatable(facts, { __tostring = function() return text end,
      __name = "tagline.status" })
  end
end

return M
