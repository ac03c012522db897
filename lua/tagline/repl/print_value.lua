--- One value as text, for people: numbers, quoted texts, times, a dump of bytes. And what a value
--- is: an object of the core, one of its collections, the keys of a table in their order.
local date = require "tagline.history.date"
local many = require "tagline.history.rows"

local M = {}

local DUMP = 256     -- bytes of a hex dump
local SORTED = 20000 -- keys that are sorted: a sort cannot pause

M.DUMP, M.SORTED = DUMP, SORTED

--- "tag", "station" or "line" for an object of the core; nil for everything else.
function M.kind(v)
  if type(v) ~= "userdata" then return nil end
  local name = getmetatable(v)
  return type(name) == "string" and name:match("^tagline%.(%a+)$") or nil
end

local collections = { ["tagline.tags"] = "tag", ["tagline.stations"] = "station",
  ["tagline.lines"] = "line" }

--- "tag" for `tags`, and so on; nil for everything else.
function M.collection(v) return type(v) == "table" and collections[getmetatable(v)] or nil end

local function read_name(object) return object.name end

--- Is it in the running config? The fields of one that is not raise.
function M.is_there(object) return (pcall(read_name, object)) end

function M.name_of(object)
  if not M.is_there(object) then return (tostring(object):gsub("^%a+ ", "", 1)) end
  return M.kind(object) == "line" and object.name or object.full_name
end

-- Texts

local C1 = "\xC2[\x80-\x9F]" -- control characters beyond ASCII: terminals obey them, too

local PART = 1 << 16 -- bytes of a text that are looked at without a pause

local function is_part_text(s, tty)
  return utf8.len(s) ~= nil and not s:find("[\0-\8\11\12\14-\31\127]") and not (tty and s:find(C1))
end

--- Bytes that may be shown as they are: UTF-8 without control bytes but tab and line break. In a
--- long text rest() lets the loop run, if it is given; no character is cut in two.
function M.is_text(s, tty, rest)
  local from = 1
  while #s - from >= PART do
    local stop = from + PART - 1
    while stop > from + PART - 5 and s:byte(stop + 1) & 0xC0 == 0x80 do stop = stop - 1 end
    if not is_part_text(s:sub(from, stop), tty) then return false end
    from = stop + 1
    if rest then rest() end
  end
  return is_part_text(from > 1 and s:sub(from) or s, tty)
end

function M.quote(s)
  s = s:gsub('[%c"\\\127]', function(c)
    return c == "\n" and "\\n" or c == "\t" and "\\t" or c == "\r" and "\\r"
      or (c == '"' or c == "\\") and "\\" .. c
      or ("\\x%02x"):format(c:byte())
  end)
  return '"' .. s:gsub(C1, function(c) return ("\\u{%x}"):format(utf8.codepoint(c)) end) .. '"'
end

--- Control bytes as escapes: what a device sends must not steer the terminal.
function M.plain(s)
  s = s:gsub("\u{FEFF}", "\\xEF\\xBB\\xBF") -- nobody sees it
  s = s:gsub("[%c\x7f]", function(c) return ("\\x%02X"):format(c:byte()) end)
  return (s:gsub("\xC2[\x80-\x9F]", function(c) return ("\\x%02X\\x%02X"):format(c:byte(1, 2)) end))
end

function M.hex(s, limit)
  local shown = s:sub(1, limit):gsub(".", function(c) return ("%02x "):format(c:byte()) end)
  return "hex " .. shown:sub(1, -2) .. (#s > limit and ("… (%d bytes)"):format(#s) or "")
end

--- Columns that a text takes.
function M.width(s) return utf8.len(s) or #s end

--- The first `n` columns of it, with "…" when something is missing.
function M.cut(s, n)
  if M.width(s) <= n then return s end
  return s:sub(1, (utf8.offset(s, n) or n) - 1) .. "…"
end

--- 16 bytes a line: offset, hex, and what of it is ASCII. `hint`: how to see more of it.
function M.dump(s, hint)
  local out = { ("%d byte%s"):format(#s, #s == 1 and "" or "s") }
  for at = 1, math.min(#s, DUMP), 16 do
    local row = s:sub(at, math.min(at + 15, DUMP))
    local bytes = row:gsub(".", function(c) return ("%02x "):format(c:byte()) end)
    bytes = #row > 8 and bytes:sub(1, 24) .. " " .. bytes:sub(25) or bytes
    out[#out + 1] = ("%04x  %-49s  %s"):format(at - 1, bytes, (row:gsub("[^\32-\126]", ".")))
  end
  if #s > DUMP then out[#out + 1] = ("… %d bytes more%s"):format(#s - DUMP, hint or "") end
  return table.concat(out, "\n")
end

--- A text in one line: quoted, or in hex.
function M.shown_string(s, limit)
  if utf8.len(s) == nil then return M.hex(s, 16) end
  local text = M.quote(s)
  return limit and M.cut(text, limit) or text
end

function M.shown_number(n)
  if math.type(n) == "integer" then return ("%d"):format(n) end
  if n ~= n then return "nan" end
  if n == math.huge or n == -math.huge then return n > 0 and "inf" or "-inf" end
  for digits = 15, 17 do
    local text = ("%." .. digits .. "g"):format(n)
    if tonumber(text) == n then return text end
  end
end

function M.scalar(v, limit)
  if type(v) == "string" then return M.shown_string(v, limit) end
  if type(v) == "number" then return M.shown_number(v) end
  return tostring(v)
end

--- Seconds as a short time: 0.4 s, 12 s, 5 min, 3 h, 2 d.
function M.span(seconds)
  if seconds < 9.95 then return ("%.1f s"):format(seconds) end
  if seconds < 120 then return ("%d s"):format(seconds // 1) end
  if seconds < 7200 then return ("%d min"):format(seconds // 60) end
  if seconds < 172800 then return ("%d h"):format(seconds // 3600) end
  return ("%d d"):format(seconds // 86400)
end

--- How long ago. A device's clock may be ahead of ours.
function M.age(seconds)
  if seconds >= 0 then return M.span(seconds) end
  return seconds > -0.05 and "0.0 s" or M.span(-seconds) .. " ahead"
end

function M.rate(n)
  if n == 0 then return "0" end
  return n < 10 and ("%.1f"):format(n) or ("%d"):format((n + 0.5) // 1)
end

--- Seconds since 1970 as "2026-11-22T14:03:16.123Z".
function M.time(seconds)
  local ms = math.floor(seconds * 1000 + 0.5)
  return date("!%Y-%m-%dT%H:%M:%S", ms // 1000) .. (".%03dZ"):format(ms % 1000)
end

-- Tables

local ranks = { number = 1, string = 2, boolean = 3 }

local function before(a, b)
  local ra, rb = ranks[type(a)] or 4, ranks[type(b)] or 4
  if ra ~= rb then return ra < rb end
  if ra <= 2 then return a < b end
  return tostring(a) < tostring(b)
end

--- Those of a list are in order already: a sort cannot pause, and a list may have a million items.
function M.sorted_keys(t)
  local keys, rest, n = {}, {}, 0
  local count = many.count(t)
  if count then
    for k in next, t do rest[#rest + 1] = k end
    table.sort(rest, before)
    return many.keys(count, rest)
  end
  while rawget(t, n + 1) ~= nil do
    n = n + 1
    keys[n] = n
  end
  local numbers = false
  for k in next, t do
    if math.type(k) ~= "integer" or k < 1 or k > n then
      rest[#rest + 1] = k
      numbers = numbers or type(k) == "number"
    end
  end
  if numbers then table.move(rest, 1, #rest, n + 1, keys) end
  local sorted = numbers and keys or rest
  if #sorted <= SORTED then table.sort(sorted, before) end
  if not numbers then
    for i = 1, #rest do keys[n + i] = rest[i] end
  end
  return keys
end

return M
