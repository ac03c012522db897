--- Values as text. For people: tags, stations and lines as aligned tables, other tables
--- indented, bytes that are no text as a hex dump; long ones are cut with a note of what was
--- left out. A text alone is bare, so that a shell can use it: it is whole but at a terminal's
--- prompt. With `json`: JSON, never cut.
local M = {}

local MAX_ITEMS, MAX_DEPTH = 40, 4
local MAX_ROWS = 400                  -- items of a table with all that is in it
local MAX_RESULTS = 100               -- values of one evaluation, at a prompt
local TEXT, TEXT_LINES = 16000, 200   -- bytes and lines of a text at a prompt
local SORTED = 20000                  -- objects that are sorted by name: a sort cannot pause
local CELL = 60                       -- columns of one value in a table
local DUMP = 256                      -- bytes of a hex dump
local NARROW = 12                     -- a column that is cut keeps at least this

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

-- Texts

local C1 = "\xC2[\x80-\x9F]" -- control characters beyond ASCII: terminals obey them, too

--- Bytes that may be shown as they are: UTF-8 without control bytes but tab and line break.
local function is_text(s, tty)
  return utf8.len(s) ~= nil and not s:find("[\0-\8\11\12\14-\31\127]") and not (tty and s:find(C1))
end

local function quote(s)
  s = s:gsub('[%c"\\\127]', function(c)
    return c == "\n" and "\\n" or c == "\t" and "\\t" or c == "\r" and "\\r"
      or (c == '"' or c == "\\") and "\\" .. c
      or ("\\x%02x"):format(c:byte())
  end)
  return '"' .. s:gsub(C1, function(c) return ("\\u{%x}"):format(utf8.codepoint(c)) end) .. '"'
end

local function hex(s, limit)
  local shown = s:sub(1, limit):gsub(".", function(c) return ("%02x "):format(c:byte()) end)
  return "hex " .. shown:sub(1, -2) .. (#s > limit and ("… (%d bytes)"):format(#s) or "")
end

--- Columns that a text takes.
local function width(s) return utf8.len(s) or #s end

--- The first `n` columns of it, with "…" when something is missing.
local function cut(s, n)
  if width(s) <= n then return s end
  return s:sub(1, (utf8.offset(s, n) or n) - 1) .. "…"
end

--- The head of a long text, for a prompt; a character or a line is not cut in two where that
--- can be helped.
local function head(s)
  local stop = #s
  if stop > TEXT then
    stop = TEXT
    while stop > 1 and s:byte(stop + 1) & 0xC0 == 0x80 do stop = stop - 1 end
  end
  local at = 0
  for _ = 1, TEXT_LINES do
    at = s:find("\n", at + 1, true)
    if not at or at > stop then break end
  end
  if at and at < stop then stop = at end
  if stop == #s then return s end
  local text = s:sub(1, stop)
  return ("%s%s… %d bytes more of %d; print(_) shows all"):format(text, text:sub(-1) == "\n"
    and "" or "\n", #s - stop, #s)
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
local function shown_string(s, limit)
  if utf8.len(s) == nil then return hex(s, 16) end
  local text = quote(s)
  return limit and cut(text, limit) or text
end

local function shown_number(n)
  if math.type(n) == "integer" then return ("%d"):format(n) end
  if n ~= n then return "nan" end
  if n == math.huge or n == -math.huge then return n > 0 and "inf" or "-inf" end
  for digits = 15, 17 do
    local text = ("%." .. digits .. "g"):format(n)
    if tonumber(text) == n then return text end
  end
end

local function scalar(v, limit)
  if type(v) == "string" then return shown_string(v, limit) end
  if type(v) == "number" then return shown_number(v) end
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

local function rate(n)
  if n == 0 then return "0" end
  return n < 10 and ("%.1f"):format(n) or ("%d"):format((n + 0.5) // 1)
end

--- Seconds since 1970 as "2026-11-22T14:03:16.123Z".
function M.time(seconds)
  local ms = math.floor(seconds * 1000 + 0.5)
  return os.date("!%Y-%m-%dT%H:%M:%S", ms // 1000) .. (".%03dZ"):format(ms % 1000)
end

-- Tables of objects

--- How wide each column is, and all of them.
local function measure(rows)
  local widths, total = {}, -2
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do widths[i] = math.max(widths[i] or 0, width(cell)) end
  end
  for _, w in ipairs(widths) do total = total + w + 2 end
  return widths, total
end

--- Does the column hold nothing but its head, or zeros?
local function is_idle(rows, i)
  for at = 2, #rows do
    if rows[at][i] ~= "" and rows[at][i] ~= "0" then return false end
  end
  return #rows > 1
end

--- Rows of texts as aligned columns; the first row is their head. `room`: columns of the
--- terminal. What does not fit gives way: first columns that say nothing, then the width of
--- those in `elastic` (by number, as they are before any is left out).
function M.columns(rows, room, elastic)
  local widths, total = measure(rows)
  local gone = {}
  for i = #widths, 2, -1 do
    if room and total > room and is_idle(rows, i) then
      total, gone[i] = total - widths[i] - 2, true
    end
  end
  for _, i in ipairs(room and elastic or {}) do
    local less = gone[i] and 0 or math.min(math.max(total - room, 0),
      math.max((widths[i] or 0) - NARROW, 0))
    widths[i], total = (widths[i] or 0) - less, total - less
  end
  local out = {}
  for at, row in ipairs(rows) do
    local cells = {}
    for i, cell in ipairs(row) do
      if not gone[i] then
        cell = cut(cell, widths[i])
        cells[#cells + 1] = cell .. (" "):rep(widths[i] - width(cell))
      end
    end
    out[at] = (table.concat(cells, "  "):match "^.*%S" or "")
  end
  return table.concat(out, "\n")
end

local views = {
  tag = {
    head = { "tag", "type", "value", "unit", "status", "reason", "age" }, elastic = { 3, 1 },
    row = function(tag, options)
      local value = tag.value
      local moment = (tag.type == "TiA" or tag.type == "ToA") and type(value) == "number"
      local text = value == nil and "-" or moment and M.time(value) or scalar(value, CELL)
      return { tag.full_name, tag.type, text, tag.unit or "", tag.status, tag.reason or "",
        tag.time and M.age(options.now - tag.time) or "" }
    end,
  },
  station = {
    head = { "station", "status", "address", "tags", "messages", "errors", "instances" },
      elastic = { 3, 1 },
    row = function(s)
      local st, count = s.stats, 0
      for _ in pairs(s.tags) do count = count + 1 end
      return { s.full_name, s.status, s.address, tostring(count), tostring(st.messages),
        tostring(st.json_errors + st.time_errors + st.handler_errors), st.instances
          and tostring(st.instances) or "" }
    end,
  },
  line = {
    head = { "line", "status", "address", "messages", "in/s", "out/s", "in flight", "queued",
      "no station", "last error" },
    elastic = { 10, 3 },
    row = function(l)
      local st = l.stats
      local secure = (st.transport or ""):match("^TLS [%d.]+")
        or (st.transport or ""):match("^WebSocket")
      local peer = secure and ("%s (%s)"):format(st.peer, secure) or st.peer
      return { l.name, l.status, peer, tostring(st.messages), rate(st.received_per_s),
        rate(st.sent_per_s), tostring(st.inflight),
        tostring(st.queued), tostring(st.unrouted), st.last_error }
    end,
  },
}

local function read_name(object) return object.name end

--- Is it in the running config? The fields of one that is not raise.
local function is_there(object) return (pcall(read_name, object)) end

local function name_of(object)
  if not is_there(object) then return (tostring(object):gsub("^%a+ ", "", 1)) end
  return M.kind(object) == "line" and object.name or object.full_name
end

--- A row of one that a reload took away, while somebody holds it in a variable.
local function removed_row(object, view)
  local cells = {}
  for i, title in ipairs(view.head) do cells[i] = title == "status" and "removed" or "" end
  cells[1] = name_of(object)
  return cells
end

--- The first MAX_ITEMS objects of `total`; by name where all are in the list, else in their
--- order, without a look at each of 10,000.
local function objects_text(list, kind, options, total)
  local view, rows = views[kind], {}
  total = total or #list
  if total == #list and total <= SORTED then
    table.sort(list, function(a, b) return a.name < b.name end)
  end
  for i = 1, math.min(#list, MAX_ITEMS) do
    local object = list[i].object
    rows[i] = is_there(object) and view.row(object, options) or removed_row(object, view)
  end
  table.insert(rows, 1, view.head)
  local text = M.columns(rows, options.tty and options.width, view.elastic)
  if total > MAX_ITEMS then
    text = ('%s\n… %d more of %d; find("text"), %s["plant.*"] or a loop shows others')
      :format(text, total - MAX_ITEMS, total, kind .. "s")
  end
  return text
end

--- A list of objects of one kind ("tag") as a table.
function M.objects(objects, kind, options)
  local list = {}
  for i, object in ipairs(objects) do list[i] = { name = name_of(object), object = object } end
  return objects_text(list, kind, options)
end

local function collection_text(v, kind, options)
  local list, total = {}, options.count and options.count(kind)
  for name, object in pairs(v) do
    list[#list + 1] = { name = name, object = object }
    if total and #list > MAX_ITEMS then break end
  end
  if #list == 0 then return ("(no %ss)"):format(kind) end
  return objects_text(list, kind, options, total)
end

--- A plain table that holds objects of one kind and nothing else (station.tags, a list of tags)
--- shows as they do.
local function same_objects(t)
  local kind, list = nil, {}
  for _, v in next, t do
    local this = M.kind(v)
    if not this or not views[this] or (kind and this ~= kind) then return nil end
    kind = this
    list[#list + 1] = { name = name_of(v), object = v }
  end
  return kind, list
end

-- Other tables

local ranks = { number = 1, string = 2, boolean = 3 }

local function sorted_keys(t)
  local keys = {}
  for k in next, t do keys[#keys + 1] = k end
  table.sort(keys, function(a, b)
    local ra, rb = ranks[type(a)] or 4, ranks[type(b)] or 4
    if ra ~= rb then return ra < rb end
    if ra <= 2 then return a < b end
    return tostring(a) < tostring(b)
  end)
  return keys
end

--- A table that says itself how it looks; `options` as in M.format.
local function own_text(v, options)
  local meta = debug.getmetatable(v)
  local shows = type(meta) == "table" and rawget(meta, "__show")
  if shows then return shows(v, options or {}) end
  if type(meta) == "table" and rawget(meta, "__tostring") then return tostring(v) end
end

local show

--- What a read-only table of ours shows; any other table as it is.
local function behind(value)
  local meta = debug.getmetatable(value)
  return type(meta) == "table" and meta.__metatable == false and type(meta.__index) == "table"
    and meta.__index or value
end

local function key_text(k)
  return type(k) == "string" and #k <= CELL and k:match("^[%a_][%w_]*$") and k .. " = " or "["
    .. scalar(k, CELL) .. "] = "
end

--- `state`: the tables that this one is in (seen), and how many more items are shown (left).
local function show_table(t, indent, depth, state)
  local text = own_text(t)
  if text then return text end
  t = behind(t)
  if state.seen[t] then return "(again)" end
  if next(t) == nil then return "{}" end
  if depth > MAX_DEPTH then return "{ … }" end
  state.seen[t] = true
  local keys, out = sorted_keys(t), {}
  local inner = indent .. "  "
  for n, k in ipairs(keys) do
    if n > MAX_ITEMS or state.left <= 0 then
      out[n] = ("%s… %d more"):format(inner, #keys - n + 1)
      break
    end
    state.left = state.left - 1
    out[n] = inner .. (k == n and "" or key_text(k)) .. show(rawget(t, k), inner, depth + 1,
      state) .. (n < #keys and "," or "")
  end
  state.seen[t] = nil
  local line = "{" .. (" " .. table.concat(out, " ")):gsub("%s+", " ") .. " }"
  if #line <= 60 and not line:find("\n") and #keys <= 8 and not table.concat(out):find("\n") then
    return line
  end
  return "{\n" .. table.concat(out, "\n") .. "\n" .. indent .. "}"
end

function show(v, indent, depth, state)
  if type(v) == "table" and not M.collection(v) then return show_table(v, indent, depth, state) end
  local text = scalar(v, 200)
  return type(v) == "string" and text:sub(-3) == "…" and ("%s (%d bytes)"):format(text, #v) or text
end

local function table_text(v, options)
  local kind = M.collection(v)
  if kind then return collection_text(v, kind, options) end
  local text = own_text(v, options)
  if text then return text end
  local of, list = same_objects(v)
  if of and #list > 0 then return objects_text(list, of, options) end
  return show_table(v, "", 1, { seen = {}, left = MAX_ROWS })
end

local function one(v, options)
  local kind = M.kind(v)
  if kind and views[kind] then return objects_text({ { name = "", object = v } }, kind, options) end
  if type(v) == "table" then return table_text(v, options) end
  if type(v) == "string" then
    -- What a script prints goes where it is sent, byte by byte; a person gets a dump of what a
    -- terminal cannot show.
    if is_text(v, options.tty) then return options.tty and not options.printing and head(v) or v end
    if options.printing and not options.tty then return v end
    return M.dump(v, options.tty and not options.printing
      and ("; _:sub(%d) goes on"):format(DUMP + 1))
  end
  return scalar(v)
end

-- JSON

local json

local function json_string(s)
  if utf8.len(s) == nil then
    return '{"base64":"' .. require "tagline.codec.base64".encode(s) .. '"}'
  end
  return '"' .. s:gsub('[%c"\\\127]', function(c)
    return c == "\n" and "\\n" or (c == '"' or c == "\\") and "\\" .. c
      or ("\\u%04x"):format(c:byte())
  end) .. '"'
end


local fields = {
  station = { "status", "address", "stats" },
  line = { "status", "stats" },
}

local function json_object(v, kind, seen, options)
  if not is_there(v) then
    return ('{"%s":%s,"status":"removed"}'):format(kind, json_string(name_of(v)))
  end
  if kind == "tag" then return options.live_tag(v) end
  local parts = { ('"%s":%s'):format(kind, json_string(name_of(v))) }
  for _, name in ipairs(fields[kind] or {}) do
    parts[#parts + 1] = ('"%s":%s'):format(name, json(v[name], seen, options))
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

local lists = { ["tagline.list"] = true, ["tagline.messages"] = true }

--- A table that is marked as a list is one, also when it is empty, and whatever else it holds (the
--- rows of a history have `left_out`): those that our own words give are.
local function is_list(t)
  local meta = debug.getmetatable(t)
  if type(meta) == "table" and lists[rawget(meta, "__name")] then return true end
  local n = 0
  for _ in next, t do n = n + 1 end
  return n > 0 and n == #t
end

local function json_table(t, seen, options)
  local kind = M.collection(t)
  if kind then
    local list = {}
    for _, v in pairs(t) do list[#list + 1] = json_object(v, kind, seen, options) end
    return "[" .. table.concat(list, ",") .. "]"
  end
  if seen[t] then return '"(again)"' end
  seen[t] = true
  local text
  if is_list(t) then
    local list = {}
    for i = 1, #t do list[i] = json(rawget(t, i), seen, options) end
    text = "[" .. table.concat(list, ",") .. "]"
  else
    local parts = {}
    for i, k in ipairs(sorted_keys(t)) do
      local name = type(k) == "string" and utf8.len(k) and k or scalar(k)
      parts[i] = json_string(name) .. ":" .. json(rawget(t, k), seen, options)
    end
    text = "{" .. table.concat(parts, ",") .. "}"
  end
  seen[t] = nil
  return text
end

function json(v, seen, options)
  local kind = M.kind(v)
  if kind and (kind == "tag" or fields[kind]) then return json_object(v, kind, seen, options) end
  if type(v) == "table" then return json_table(v, seen, options) end
  if type(v) == "string" then return json_string(v) end
  if type(v) == "number" then
    return v == v and math.abs(v) ~= math.huge and shown_number(v) or "null"
  end
  if type(v) == "boolean" then return tostring(v) end
  if v == nil or type(v) == "userdata" and tostring(v) == "null" then return "null" end -- json.null
  return json_string(type(v)) -- a function, a thread: its address would be another one each time
end

--- The text for n values: `format(options, n, …)`. options: json, tty, printing (as print shows
--- them), width (of the terminal), now (seconds since 1970), live_tag (a tag as a line of the
--- values stream). Several are apart by tabs; with JSON by line breaks.
function M.format(options, n, ...)
  local parts = {}
  local shown = options.tty and not options.printing and not options.json
    and math.min(n, MAX_RESULTS) or n
  for i = 1, shown do
    local v = (select(i, ...))
    parts[i] = options.json and json(v, {}, options) or one(v, options)
  end
  local apart = "\t"
  for _, part in ipairs(parts) do
    if options.json or n > 1 and part:find("\n") then apart = "\n" end
  end
  if shown < n then parts[shown + 1] = ("… %d more results"):format(n - shown) end
  return table.concat(parts, apart)
end

--- What an evaluation runs: the chunk, and then its results as text, all of it in slices.
--- `take(…)` gets the results, and gives the options.
function M.run(chunk, take)
  local results = table.pack(chunk())
  return M.format(take(table.unpack(results, 1, results.n)), results.n,
    table.unpack(results, 1, results.n))
end

M.scalar, M.cut, M.quote, M.behind = scalar, cut, quote, behind

return M
