--- What explain found, as text that a person can read. The documents are those of
--- core/explain/explain.h; `wrap` makes one print as its text, and it stays a table for who
--- wants a field of it.
local print_value = require "tagline.repl.print_value"
local texts = require "tagline.repl.help_texts"
local words = require "tagline.repl.explain_words"

local M = {}

local plain = print_value.plain
local columns, raw_text, short_value = words.columns, words.raw_text, words.short_value
local outcome, why_text, sample_rows = words.outcome, words.why_text, words.sample_rows
local is_null = words.is_null

local function tag_row(t)
  local address = t.address ~= "" and t.address or "(decode)"
  return { t.name, t.type, plain(address), raw_text(t, "raw"), why_text(t), "→ " .. outcome(t) }
end

--- What became of the message, where the values below do not tell.
local line_codes = {}
for _, row in ipairs(texts.codes[1]) do line_codes[row[1]] = row[2] end
line_codes.delivered, line_codes.routed = nil, nil

local function station_lines(out, l)
  local status = l.station_status and ("(%s)"):format(l.station_status)
    or "(made at its first message)"
  local row = ("  station   %s %s"):format(l.station, status)
  if l.template then row = row .. ", from " .. l.template end
  out[#out + 1] = row
  if l.captures then
    local parts = {}
    for name, value in pairs(l.captures) do
      parts[#parts + 1] = ("%s = %s"):format(name, plain(value))
    end
    table.sort(parts)
    if #parts > 0 then out[#out + 1] = "  captured  " .. table.concat(parts, ", ") end
  end
  out[#out + 1] = "  payload   " .. l.payload_type .. (l.confirms and ", confirmed by ACK_ID" or "")
end

local time_codes = {
  none = "of arrival (no time field)",
  json = "of arrival: the payload could not be read",
  missing = function(t) return ("of arrival: there is no '%s'"):format(plain(t.field or "")) end,
  time = function(t)
    return ("of arrival: '%s' %s"):format(raw_text(t, "raw"),
      plain(t.why or "does not fit the mask " .. (t.mask or "")))
  end,
  ok = function(t)
    local finer = t.finer
      and (': the mask %s leaves a part of it out, time_mask = "%s" reads all')
        :format(plain(t.mask or ""), t.finer)
      or ""
    return ("%s = %s%s"):format(plain(t.field or ""), raw_text(t, "raw"), finer)
  end,
  decode = function(t) return t.first and ("of decode, the first is %s"):format(t.first)
    or "of decode" end,
}

--- Where a document cannot be read, what was expected there, and what would cure it.
local function json_error(j)
  local place = j.byte and ("byte %d"):format(j.byte) or ("line %d, column %d"):format(j.line,
    j.column)
  local cure = j.cure and (', got %s: prepare = "%s" repairs it'):format(j.got, j.cure) or ""
  return ("%s: expected %s%s"):format(place, j.expected, cure)
end

local function has_raw(item, key) return item[key] ~= nil or item[key .. "_base64"] ~= nil end

local function value_lines(out, l)
  local j, d, t = l.json, l.decode, l.timestamp
  local p = l.prepare
  if p then
    local text = p.code == "ok" and (has_raw(p, "after") and raw_text(p, "before") .. " → "
      .. raw_text(p, "after")
      or "changed nothing: " .. raw_text(p, "before")) or p.code == "declined" and "declined: "
        .. raw_text(p, "before")
      or "failed: " .. plain((p.error or "?"):match "^[^\n]*")
    out[#out + 1] = "  prepare   " .. text
  end
  if j and j.code ~= "ok" then
    out[#out + 1] = (l.payload_type == "JSON" and "  not JSON  %s" or "  not " .. l.payload_type
      .. "  %s"):format(json_error(j))
  end
  if d then
    local text = d.code == "ok" and "ran" or d.code
    if d.error then
      local lines = d.error:gsub("\n%s*%[C%]: in %?$", ""):gsub("\n%s*", "\n")
      text = "failed: " .. plain(lines):gsub("\\x0A", "\n            ")
    end
    out[#out + 1] = "  decode    " .. text
    if d.unknown then
      out[#out + 1] = "            no such tag: " .. plain(table.concat(d.unknown, ", "))
    end
  end
  if t then
    local why = time_codes[t.code]
    out[#out + 1] = ("  time      %s, %s"):format(t.value, type(why) == "function" and why(t)
      or why)
  end
  local rows = {}
  for _, tag in ipairs(l.tags or {}) do
    rows[#rows + 1] = tag_row(tag)
    sample_rows(rows, tag)
  end
  if #rows == 0 then return end
  out[#out + 1] = "  tags"
  columns(out, "    ", rows)
end

local function tried_lines(out, l)
  local rows = {}
  for _, t in ipairs(l.tried or {}) do
    rows[#rows + 1] = { #rows == 0 and "tried" or "", t.station, raw_text(t, "address"),
      (t.matched and "→ " or "") .. t.why }
  end
  if l.tried_more then
    table.insert(rows, #rows, { "", ("(%d more that do not match)"):format(l.tried_more) })
    if rows[1][1] == "" then rows[1][1] = "tried" end
  end
  for _, row in ipairs(rows) do row[1] = row[1] .. (" "):rep(8 - #row[1]) end
  columns(out, "  ", rows)
end

local function awaiting_text(a)
  return ("message %d of %s waits for the write of ACK_ID, and %s behind it"):format(a.id,
    a.station,
    a.waiting == 1 and "1 message" or a.waiting .. " messages")
end

--- Of the stations whose will topic it is, does one take it as its will, not its birth?
local function is_death(l)
  for _, w in ipairs(l.wills or {}) do
    if w.takes and not w.birth then return true end
  end
  return false
end

local function line_text(out, l)
  out[#out + 1] = ("line %s (%s)"):format(l.line, l.status)
  local names, takes = {}, nil
  for _, f in ipairs(l.filters or {}) do
    names[#names + 1] = f.filter
    if f.takes and not takes then takes = f.filter end
  end
  out[#out + 1] = takes and ("  filter    %s takes it"):format(takes)
    or ("  filter    none takes it; tried %s"):format(#names > 0 and table.concat(names, ", ")
      or "none: topic_filter is empty")
  if l.would_take then out[#out + 1] = ("            (%s would take it)"):format(l.would_take) end
  for _, w in ipairs(l.wills or {}) do
    local note = w.birth and ", which says that it is back" or w.takes and "" or w.payload
      and (", with another payload: its own is '%s'"):format(words.raw_text(w, "payload"))
      or ", with another payload"
    out[#out + 1] = ("  will      of %s%s"):format(w.station, note)
  end
  tried_lines(out, l)
  if l.station then station_lines(out, l) end
  value_lines(out, l)
  if l.awaiting then out[#out + 1] = "  waits     " .. awaiting_text(l.awaiting) end
  if l.code == "will" and not is_death(l) then
    out[#out + 1] = "  so        it is a station's birth, and nothing else"
  elseif line_codes[l.code] then
    out[#out + 1] = "  so        " .. line_codes[l.code]
  end
end

local function message_text(doc)
  local out = {}
  local head = doc.topic
  if doc.payload_bytes then
    local many = doc.payload_bytes == 1 and "" or "s"
    local retained = doc.retain and ", retained" or ""
    head = ("%s, %d byte%s, QoS %d%s, received %s"):format(head, doc.payload_bytes, many, doc.qos,
      retained, doc.time)
  end
  out[1] = head
  for _, l in ipairs(doc.lines) do line_text(out, l) end
  return table.concat(out, "\n")
end

local function tag_head(doc)
  local state = doc.status == "valid" and "valid: " .. short_value(doc.value) or doc.status
  if doc.reason then state = ("%s (%s)"):format(state, doc.reason) end
  local address = doc.address ~= "" and raw_text(doc, "address") or "(decode)"
  return ("%s, %s %s: %s"):format(doc.tag, doc.type, address, state)
end

local function message_why(m)
  if m.will then return "its station's will" end
  if m.decode and m.decode.error then return plain(m.decode.error:match("^[^\n]*")) end
  if m.json and m.json.code ~= "ok" then
    return (m.json.byte and "unreadable: " or "not JSON: ") .. json_error(m.json)
  end
  local why = why_text(m)
  if m.time and m.time:sub(1, 19) ~= m.received:sub(1, 19) then
    why = why .. (why ~= "" and ", " or "") .. "time " .. m.time
  end
  return why
end

local SHOWN_MESSAGES = 5

local function history_rows(doc)
  local rows, hidden = {}, 0
  for i, m in ipairs(doc.messages) do
    if i <= SHOWN_MESSAGES or m.number == doc.set_by then
      local set = m.number == doc.set_by and " (this one set it)" or ""
      rows[#rows + 1] = { "#" .. m.number, m.received, plain(m.topic), raw_text(m, "raw"),
        message_why(m), "→ " .. outcome(m) .. set }
      sample_rows(rows, m)
    else
      hidden = hidden + 1
    end
  end
  return rows, hidden
end

local function tag_text(doc)
  local out = { tag_head(doc) }
  out[#out + 1] = ("  its station takes %s and is %s; its line is %s%s"):format(
    raw_text(doc, "station_address"), doc.station_status,
    doc.line_status, doc.line_error and ": " .. plain(doc.line_error) or "")
  if doc.awaiting then out[#out + 1] = "  " .. awaiting_text(doc.awaiting) end
  if doc.no_topic then out[#out + 1] = "  a write of it fails: " .. plain(doc.no_topic) end
  if doc.recorder_bytes == 0 then
    out[#out + 1] = "  the line records no messages (recorder = 0)"
    return table.concat(out, "\n")
  end
  local rows, hidden = history_rows(doc)
  if #rows > 0 then
    out[#out + 1] = "  the last messages that could feed it, newest first"
    columns(out, "    ", rows)
    if hidden > 0 then
      out[#out + 1] = ("    (%d older ones are not shown; messages(%q) has them)")
        :format(hidden, doc.tag:match "^(.*)%.")
    end
    return table.concat(out, "\n")
  end
  out[#out + 1] = doc.recorded == 0 and "  no message has come on its line yet"
    or doc.recorded == 1 and "  the one recorded message of its line is not for its station"
    or ("  none of the %d recorded messages of its line is for its station"):format(doc.recorded)
  for _, o in ipairs(doc.others or {}) do
    rows[#rows + 1] = { plain(o.topic), ("%d×"):format(o.count), o.station and "goes to "
      .. o.station or "goes nowhere", o.why or "" }
  end
  columns(out, "    ", rows)
  return table.concat(out, "\n")
end

--- The text of a document. Whatever of it came from devices, no line of it steers the terminal.
function M.text(doc)
  return ((doc.tag and tag_text(doc) or message_text(doc)):gsub("[^\n]+", plain))
end

local meta = { __name = "tagline.explanation", __tostring = M.text,
  __metatable = "tagline.explanation" }

function M.wrap(doc) return setmetatable(doc, meta) end

local function same(a, b)
  if is_null(a) or is_null(b) then return is_null(a) == is_null(b) end
  if type(a) == "table" and type(b) == "table" then return a.base64 == b.base64 end
  return a == b
end

--- The number of the message that gave the tag what it has; nil: an older one, or no message
--- did (a write, a status). `messages`: newest first.
local function set_by(doc)
  for i, m in ipairs(doc.messages) do
    if m.reported or m.will then
      -- the first that is run: what was before is not known
      local known = i < #doc.messages or doc.complete
      return known and m.status == doc.status and same(m.value, doc.value)
        and same(m.reason, doc.reason) and m.number or nil
    end
  end
end

--- The document of a tag: `head`, and the messages that `next` gives, oldest first, with a
--- pause after each.
function M.history(head, next_message, rest)
  local list = {}
  while true do
    local m = next_message()
    if not m then break end
    list[#list + 1] = m
    rest()
  end
  head.messages = {}
  for i = #list, 1, -1 do head.messages[#head.messages + 1] = list[i] end
  head.set_by = set_by(head)
  return M.wrap(head)
end

M.value = words.value

return M
