--- Values as text. For people: tags, stations and lines as aligned tables, other tables
--- indented, bytes that are no text as a hex dump; long ones are cut with a note of what was
--- left out. A text alone is bare, so that a shell can use it: it is whole but at a terminal's
--- prompt. With `json`: JSON, never cut. At a prompt `more` shows what was left out.
local json = require "tagline.repl.print_json"
local many = require "tagline.history.rows"
local more = require "tagline.repl.more"
local values = require "tagline.repl.print_value"

local M = { kind = values.kind, collection = values.collection, dump = values.dump,
  span = values.span, age = values.age, time = values.time }

local MAX_ITEMS, MAX_DEPTH = 40, 4
local MAX_ROWS = 400                  -- items of a table with all that is in it
local MAX_RESULTS = 100               -- values of one evaluation, at a prompt
local TEXT, TEXT_LINES = 16000, 200   -- bytes and lines of a text at a prompt
local CELL = 60                       -- columns of one value in a table
local NARROW = 12                     -- a column that is cut keeps at least this

local is_text = values.is_text
local quote = values.quote
local width = values.width
local cut = values.cut
local scalar = values.scalar
local rate = values.rate
local is_there = values.is_there
local name_of = values.name_of
local sorted_keys = values.sorted_keys

--- Where the part of a text that begins at `from` ends, for a prompt: a character or a line is not
--- cut in two where that can be helped.
local function part_end(s, from)
  local stop = #s
  if stop - from >= TEXT then
    stop = from + TEXT - 1
    while stop > from and s:byte(stop + 1) & 0xC0 == 0x80 do stop = stop - 1 end
  end
  local at = from - 1
  for _ = 1, TEXT_LINES do
    at = s:find("\n", at + 1, true)
    if not at or at > stop then return stop end
  end
  return at
end

--- A long text in parts, for a prompt, from byte `from` on.
local function part(s, options, from)
  from = from or 1
  local stop = part_end(s, from)
  if stop == #s then return s:sub(from) end
  local how = more.keep(options, function(o) return part(s, o, stop + 1) end)
    and "more shows them, print(_) all" or "print(_) shows all"
  local text = s:sub(from, stop)
  return ("%s%s… %d bytes more of %d; %s"):format(text, text:sub(-1) == "\n" and "" or "\n",
    #s - stop, #s, how)
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

--- Rows of texts as aligned columns without a head, behind two blanks.
function M.list(rows) return (M.columns(rows):gsub("[^\n]+", "  %0")) end

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
        tostring(st.json_errors + st.time_errors + st.handler_errors),
        st.instances and tostring(st.instances) or "" }
    end,
  },
  line = {
    head = { "line", "status", "address", "messages", "in/s", "out/s", "in flight", "queued",
      "no station", "last error" },
    elastic = { 10, 3 },
    row = function(l)
      local st = l.stats
      local made_of = st.transport or ""
      local secure = made_of:match("^TLS [%d.]+") or made_of:match("^WebSocket")
      local peer = secure and ("%s (%s)"):format(st.peer, secure) or st.peer
      return { l.name, l.status, peer, tostring(st.messages), rate(st.received_per_s),
        rate(st.sent_per_s), tostring(st.inflight),
        tostring(st.queued), tostring(st.unrouted), st.last_error }
    end,
  },
}

--- A row of one that a reload took away, while somebody holds it in a variable.
local function removed_row(object, view)
  local cells = {}
  for i, title in ipairs(view.head) do cells[i] = title == "status" and "removed" or "" end
  cells[1] = name_of(object)
  return cells
end

local function by_name(a, b) return a.name < b.name end

local all_of

--- What of a list of objects is left out, and how to see it; `last`: what was shown.
local function left_out(list, kind, options, total, last)
  local function rest(o)
    return M.rows(#list == total and list or all_of(list.of), kind, o, last + 1)
  end
  local how = more.keep(options, rest) and 'more shows them, find("text") and %s["plant.*"] narrow'
    or 'find("text"), %s["plant.*"] or a loop shows others'
  return ("\n… %d more of %d; %s"):format(total - last, total, how:format(kind .. "s"))
end

--- The objects of a list, MAX_ITEMS of them, from number `from` on. `total`: how many there are,
--- where the list has but the first of them.
function M.rows(list, kind, options, from, total)
  local view, rows = views[kind], {}
  total = total or #list
  local last = math.min(#list, from + MAX_ITEMS - 1)
  for i = from, last do
    local object = list[i].object
    rows[#rows + 1] = is_there(object) and view.row(object, options)
      or removed_row(object, view)
  end
  table.insert(rows, 1, view.head)
  local text = M.columns(rows, options.tty and options.width, view.elastic)
  if total == last then return text end
  return text .. left_out(list, kind, options, total, last)
end

--- Sorted by name where that is no wait, else in their order.
local function objects_text(list, kind, options)
  if #list <= values.SORTED then table.sort(list, by_name) end
  return M.rows(list, kind, options, 1)
end

--- A list of objects of one kind ("tag") as a table.
function M.objects(objects, kind, options)
  local list = {}
  for i, object in ipairs(objects) do list[i] = { name = name_of(object), object = object } end
  return objects_text(list, kind, options)
end

--- The objects of `tags`, `stations` or `lines`; of 10,000 only the first ones, when they are not
--- asked for.
function all_of(v, most)
  local list = { of = v }
  for name, object in pairs(v) do
    list[#list + 1] = { name = name, object = object }
    if most and #list >= most then break end
  end
  return list
end

local function collection_text(v, kind, options)
  local total = options.count and options.count(kind)
  local list = all_of(v, total and MAX_ITEMS + 1)
  if #list == 0 then return ("(no %ss)"):format(kind) end
  if not total or total == #list then return objects_text(list, kind, options) end
  return M.rows(list, kind, options, 1, total)
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

--- How an item is reached from the table: `_.list[3]`; nil where its key cannot be written.
local function step(where, k)
  if not where or #where > 200 then return nil end
  if type(k) == "string" and #k <= CELL and utf8.len(k) then
    return k:match "^[%a_][%w_]*$" and where .. "." .. k or ("%s[%s]"):format(where, quote(k))
  end
  return math.type(k) == "integer" and ("%s[%d]"):format(where, k) or nil
end

local function key_text(k)
  local is_name = type(k) == "string" and #k <= CELL and k:match("^[%a_][%w_]*$")
  return is_name and k .. " = " or ("[%s] = "):format(scalar(k, CELL))
end

--- What of a table's items is left out, and how to see it. `state.where`: how the table is
--- reached from `_`.
local function items_left(t, keys, from, depth, state)
  local note = ("… %d more"):format(#keys - from + 1)
  if depth > 1 then
    return more.asks(state.options) and state.where and note .. ": " .. state.where or note
  end
  local kept = more.keep(state.options, function(o) return state.again(t, o, from) end)
  return kept and note .. ": more shows them" or note
end

--- `state`: the tables that this one is in (seen), how many more items are shown (left), the
--- options of print.format, and the first item that is shown of the outermost one (from).
local function show_table(t, indent, depth, state)
  local text = own_text(t)
  if text then return text end
  t = behind(t)
  if state.seen[t] then return "(again)" end
  if next(t) == nil and not many.count(t) then return "{}" end
  if depth > MAX_DEPTH then return "{ … }" end
  state.seen[t] = true
  local keys, out, from = sorted_keys(t), {}, depth == 1 and state.from or 1
  local inner, where = indent .. "  ", state.where
  for n = from, #keys do
    local k = keys[n]
    if n >= from + MAX_ITEMS or state.left <= 0 then
      out[#out + 1] = inner .. items_left(t, keys, n, depth, state)
      break
    end
    state.left = state.left - 1
    state.where = step(where, k)
    out[#out + 1] = inner .. (k == n and "" or key_text(k)) .. show(many.raw(t, k), inner,
      depth + 1, state) .. (n < #keys and "," or "")
    state.where = where
  end
  state.seen[t] = nil
  local line = "{" .. (" " .. table.concat(out, " ")):gsub("%s+", " ") .. " }"
  if #line <= 60 and not line:find("\n") and #keys <= 8 and not table.concat(out):find("\n") then
    return line
  end
  return "{\n" .. table.concat(out, "\n") .. "\n" .. indent .. "}"
end

local function whole_table(t, options, from)
  local function again(u, o, at) return whole_table(u, o, at) end
  return show_table(t, "", 1, { seen = {}, left = MAX_ROWS, options = options, from = from,
    where = "_", again = again })
end

function show(v, indent, depth, state)
  if type(v) == "table" and not M.collection(v) then return show_table(v, indent, depth, state) end
  local text = scalar(v, 200)
  return type(v) == "string" and text:sub(-3) == "…" and ("%s (%d bytes)"):format(text, #v) or text
end

--- Is it the answer to what a person typed?
local function typed(options) return options.tty and not options.printing end

local function table_text(v, options)
  local kind = M.collection(v)
  if kind then return collection_text(v, kind, options) end
  local text = own_text(v, options)
  if text then return typed(options) and part(text, options) or text end
  local of, list = same_objects(v)
  if of and #list > 0 then return objects_text(list, of, options) end
  return whole_table(v, options)
end

local function one(v, options)
  local kind = M.kind(v)
  if kind and views[kind] then return objects_text({ { name = "", object = v } }, kind, options) end
  if type(v) == "table" then return table_text(v, options) end
  if type(v) == "string" then
    -- What a script prints goes where it is sent, byte by byte; a person gets a dump of what a
    -- terminal cannot show.
    if is_text(v, options.tty, options.rest) then
      return typed(options) and part(v, options) or v
    end
    if options.printing and not options.tty then return v end
    return M.dump(v, options.tty and not options.printing
      and ("; _:sub(%d) goes on"):format(values.DUMP + 1))
  end
  return scalar(v)
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
  for _, text in ipairs(parts) do
    if options.json or n > 1 and text:find("\n") then apart = "\n" end
  end
  if shown < n then
    parts[shown + 1] = ("… %d more results; { } around it shows them as a list"):format(n - shown)
  end
  return table.concat(parts, apart)
end

--- What an evaluation runs: the chunk, and then its results as text, all of it in slices.
--- `take(…)` gets the results, and gives the options.
function M.run(chunk, take)
  local results = table.pack(chunk())
  if results[1] == more.page then return more.next(take()) end
  local options = take(table.unpack(results, 1, results.n))
  if results.n > 0 then more.forget(options) end
  return M.format(options, results.n, table.unpack(results, 1, results.n))
end

M.scalar, M.cut, M.quote, M.behind = scalar, cut, quote, behind

return M
