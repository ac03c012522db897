--- Results of evaluations as text. Plain for pipes (a text bare, so that a shell can use it), tables indented, tags and stations as
--- aligned columns; `json` gives JSON.
local M = {}

local MAX_ITEMS, MAX_DEPTH = 40, 4

local function is_object(v)
  if type(v) ~= "userdata" then return nil end
  local name = getmetatable(v)
  return type(name) == "string" and name:match("^tagline%.(%a+)$") or nil
end

local function quote(s)
  return (("%q"):format(s):gsub("\\\n", "\\n"):gsub("\r", "\\r"))
end

local function scalar(v, bare)
  if type(v) == "string" then return bare and v or quote(v) end
  return tostring(v)
end

--- Seconds as a short age: 0.4 s, 12 s, 5 min, 3 h, 2 d.
local function age(seconds)
  if seconds < 0 then return "in the future" end
  if seconds < 10 then return ("%.1f s"):format(seconds) end
  if seconds < 120 then return ("%d s"):format(seconds // 1) end
  if seconds < 7200 then return ("%d min"):format(seconds // 60) end
  if seconds < 172800 then return ("%d h"):format(seconds // 3600) end
  return ("%d d"):format(seconds // 86400)
end

--- Rows of texts as aligned columns; widths count UTF-8 characters.
local function columns(rows)
  local widths = {}
  local function width(s) return utf8.len(s) or #s end
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do widths[i] = math.max(widths[i] or 0, width(cell)) end
  end
  local out = {}
  for _, row in ipairs(rows) do
    local cells = {}
    for i, cell in ipairs(row) do
      cells[i] = i < #row and cell .. (" "):rep(widths[i] - width(cell)) or cell
    end
    out[#out + 1] = (table.concat(cells, "  "):gsub("%s+$", ""))
  end
  return table.concat(out, "\n")
end

local function tag_row(tag, now)
  local value = tag.value
  local shown = value == nil and "-" or type(value) == "string" and quote(value) or tostring(value)
  if #shown > 60 then shown = shown:sub(1, 57) .. "..." end
  return {
    tag.full_name, tag.type, shown, tag.unit or "", tag.status, tag.reason or "", tag.time and age(now - tag.time) or "",
  }
end

local function now_seconds() return os.time() end

local TAG_HEAD = { "tag", "type", "value", "unit", "status", "reason", "age" }
local STATION_HEAD = { "station", "status", "address", "messages" }
local LINE_HEAD = { "line", "status", "peer", "messages", "unrouted", "in flight", "last error" }

local rows_of = {
  tag = function(tag) return TAG_HEAD, tag_row(tag, now_seconds()) end,
  station = function(s) return STATION_HEAD, { s.full_name, s.status, s.address, tostring(s.stats.messages) } end,
  line = function(l)
    local st = l.stats
    return LINE_HEAD, { l.name, l.status, st.peer, tostring(st.messages), tostring(st.unrouted), tostring(st.inflight), st.last_error }
  end,
}

local function sorted_keys(t)
  local keys = {}
  for k in pairs(t) do keys[#keys + 1] = k end
  table.sort(keys, function(a, b)
    if type(a) == type(b) and (type(a) == "number" or type(a) == "string") then return a < b end
    return type(a) == "number" and type(b) ~= "number" or tostring(a) < tostring(b)
  end)
  return keys
end

local function first_head(t)
  for _, v in pairs(t) do return (rows_of[is_object(v)](v)) end
end

local show

local function show_table(t, indent, depth, seen)
  if seen[t] then return "(again)" end
  if depth > MAX_DEPTH then return "{ ... }" end
  seen[t] = true
  local keys, out, n = sorted_keys(t), {}, 0
  for _, k in ipairs(keys) do
    n = n + 1
    if n > MAX_ITEMS then
      out[#out + 1] = ("%s... %d more"):format(indent .. "  ", #keys - MAX_ITEMS)
      break
    end
    local name = type(k) == "string" and k:match("^[%a_][%w_]*$") and k or "[" .. scalar(k) .. "]"
    out[#out + 1] = ("%s  %s = %s"):format(indent, name, show(t[k], indent .. "  ", depth + 1, seen))
  end
  seen[t] = nil
  if n == 0 then return "{}" end
  return "{\n" .. table.concat(out, ",\n") .. "\n" .. indent .. "}"
end

function show(v, indent, depth, seen)
  if type(v) == "table" then return show_table(v, indent, depth, seen) end
  return scalar(v)
end

local function is_collection(v)
  local name = getmetatable(v)
  return name == "tagline.tags" or name == "tagline.stations" or name == "tagline.lines"
end

local function table_text(v)
  local kind_rows, rows, left = nil, {}, 0
  for _, item in pairs(v) do
    local kind = is_object(item)
    if not kind or not rows_of[kind] or (kind_rows and kind ~= kind_rows) then return nil end
    kind_rows = kind
    if #rows < MAX_ITEMS then
      rows[#rows + 1] = (select(2, rows_of[kind](item)))
    else
      left = left + 1
    end
  end
  if not kind_rows then return nil end
  table.sort(rows, function(a, b) return a[1] < b[1] end)
  table.insert(rows, 1, first_head(v))
  local text = columns(rows)
  if left > 0 then text = text .. ("\n... %d more"):format(left) end
  return text
end

local function one(v)
  local kind = is_object(v)
  if kind and rows_of[kind] then
    local head, row = rows_of[kind](v)
    return columns { head, row }
  end
  if type(v) == "table" then
    if is_collection(v) then return table_text(v) or "(none)" end
    if next(v) ~= nil then
      local text = table_text(v)
      if text then return text end
    end
    return show(v, "", 1, {})
  end
  return scalar(v, true)
end

--- The text for n results: `format({ json =, tty =, width = }, n, ...)`. No result gives "".
function M.format(_, n, ...)
  local parts = {}
  for i = 1, n do parts[i] = one((select(i, ...))) end
  return table.concat(parts, "\t")
end

M.age, M.columns = age, columns

return M
