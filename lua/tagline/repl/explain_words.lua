--- Words of explain about one value: what came, what was done to it, and what became of it. The
--- documents are those of core/explain/explain.h.
local print_value = require "tagline.repl.print_value"

local M = {}

local plain, width = print_value.plain, print_value.width

function M.is_null(v) return v == nil or type(v) == "userdata" end

--- Rows of cells as lines with aligned columns, each behind `indent`.
function M.columns(out, indent, rows)
  local widths = {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do widths[i] = math.max(widths[i] or 0, width(cell)) end
  end
  for _, row in ipairs(rows) do
    local cells = {}
    for i, cell in ipairs(row) do cells[i] = cell .. (" "):rep(widths[i] - width(cell)) end
    out[#out + 1] = indent .. (table.concat(cells, "  "):match "^.*%S" or "")
  end
end

local function number(n)
  if math.type(n) == "float" and n == math.floor(n) and math.abs(n) < 1e15 then
    return ("%d"):format(n)
  end
  return math.type(n) == "float" and ("%.15g"):format(n) or tostring(n)
end

function M.value(v, unit)
  if M.is_null(v) then return "-" end
  if type(v) == "table" then return "base64 " .. tostring(v.base64) end
  local text = type(v) == "string" and '"' .. plain(v) .. '"' or type(v) == "number" and number(v)
    or tostring(v)
  return unit and text .. " " .. unit or text
end

local SHOWN = 100 -- columns of a value

--- The same for a table of text, where a long value is cut.
function M.short_value(v, unit)
  local text = M.value(v, unit)
  local stop = #text > SHOWN and utf8.offset(text, SHOWN)
  if not stop or stop > #text then return text end
  local bytes = type(v) == "table" and #require "tagline.codec.base64".decode(v.base64) or #v
  return ("%s… (%d bytes)"):format(text:sub(1, stop - 1), bytes)
end

function M.raw_text(item, key)
  local text = item[key] and plain(item[key]) or item[key .. "_base64"] and "base64 "
    .. item[key .. "_base64"] or ""
  local bytes = item[key .. "_bytes"]
  if #text > 60 then
    local cut = utf8.offset(text, 58) or 58
    if cut <= #text then text = text:sub(1, cut - 1) .. "…" end
  end
  return bytes and ("%s (%d bytes)"):format(text, bytes) or text
end

local function signed(q) return q < 0 and " - " .. number(-q) or " + " .. number(q) end

local numeric = { Ai = true, Ao = true, Ci = true, Co = true, TiR = true, ToR = true }
local states = { Di = true, Do = true, Qi = true }

--- The option that reads a text which its tag's type does not; nil: there is none that surely does.
local function option_for(type, from, raw)
  if from == "text" and raw:find '^%s*[{[]%s*["{[%d]' then
    return ': payload_type = "JSON" and an address "JA=…" read a field of it'
  end
  if #raw > 40 then return nil end
  if states[type] and raw:find "^%a[%w_-]*$" then
    return ": words = { On = …, Off = … } reads a device's own words"
  end
  if not numeric[type] then return nil end
  if raw:find "^%s*[+-]?%d+,%d+%s*$" then return ': decimal = "," would read it' end
  if from == "text" and raw:find "^%s*[+-]?%d+%.?%d*%s*[^%d%s.,:eE+-][^%d]*$" then
    return ': "RE=([-+0-9.]+)" takes the number of a text'
  end
end

local step_texts = {
  convert = function(s, raw)
    if s.code == "ok" then
      return s.lost and (s.lost == "rounded" and "digits are lost: rounded"
        or "more than 64 bits hold: the nearest that they do") or nil
    end
    local textual = s.code == "type" and (s.from == "text" or s.from == "string")
    return ("%s is not readable as %s (%s)%s"):format(s.from, s.to, s.code,
      textual and option_for(s.to, s.from, raw) or "")
  end,
  ["no-match"] = function() return "the expression does not match" end,
  ["not-utf8"] = function() return "the payload is not UTF-8, which RE= needs" end,
  limit = function() return "the expression takes too many steps: it counts as not matching" end,
  linear = function(s) return ("%s × %s%s = %s"):format(number(s.from), number(s.k), signed(s.q),
    number(s.to)) end,
  range = function(s) return ("%s is outside %s..%s"):format(number(s.from), number(s.min),
    number(s.max)) end,
  clamp = function(s) return ("%s is outside %s..%s: %s"):format(number(s.from), number(s.min),
    number(s.max), number(s.to)) end,
  discard = function(s) return ("%s is outside %s..%s"):format(number(s.from), number(s.min),
    number(s.max)) end,
  deadband = function(s) return ("%s is within %s of %s"):format(number(s.from),
    number(s.deadband), number(s.kept)) end,
  default = function() return "not there: the default" end,
  keep = function() return "not there" end,
}

local function steps_text(steps, raw)
  local parts = {}
  for _, s in ipairs(steps or {}) do
    parts[#parts + 1] = step_texts[s.step] and step_texts[s.step](s, raw)
  end
  return table.concat(parts, ", ")
end

--- The way of a JSON address behind a value, as one types it: an `end` is no name in Lua.
local function index(place)
  if load("return _." .. place) then return "." .. place end
  return (place:gsub("[^.]+", '["%0"]'):gsub("%.", ""))
end

--- Where the way of a JSON address ended, and what is there.
local function near_text(near)
  local place = (near.at or "") ~= "" and M.raw_text(near, "at") or "the document"
  local text = ("no '%s' in %s"):format(M.raw_text(near, "lacks"), place)
  if near.type == "array" then
    return ("%s, which has %d item%s"):format(text, near.count, near.count == 1 and "" or "s")
  end
  local kind = (near.type == "number" or near.type == "string") and "a " .. near.type or near.type
  if near.type == "string" and place:find "^[%a_][%w_.]*$" then
    -- gateways wrap a device's JSON into a text of their own
    return ('%s, which is a string: if it holds JSON, prepare = function(p) return \z
      json.decode(p)%s end makes that the document, and the address "JA=%s"'):format(text,
      index(place), M.raw_text(near, "lacks"))
  end
  if near.type ~= "object" then
    return ("%s, which is %s%s"):format(text, kind, place == "the document"
      and ': the address "JA=" is the document itself' or "")
  end
  if near.count == 0 then return text .. ", which is empty" end
  local names = {}
  for i, name in ipairs(near.has) do names[i] = plain(name) end
  if near.count > #names then names[#names + 1] = ("%d more"):format(near.count - #names) end
  return ("%s, which has: %s"):format(text, table.concat(names, ", "))
end

function M.why_text(tag)
  local steps = steps_text(tag.steps, M.raw_text(tag, "raw"))
  if not tag.near then return steps end
  steps = steps:gsub("^not there:?%s*", "")
  return near_text(tag.near) .. (steps ~= "" and ", " .. steps or "")
end

local outcomes = {
  new = function(t) return M.short_value(t.value, t.unit) end,
  default = function(t) return M.short_value(t.value, t.unit) end,
  same = function(t) return M.short_value(t.value, t.unit) .. ", as before" end,
  deadband = function(t) return M.short_value(t.value, t.unit) .. ", as before" end,
  kept = function() return "keeps its value" end,
  discarded = function() return "discarded, keeps its value" end,
  output = function() return "(filled by writes)" end,
  ["no-decode"] = function() return "no address, and the station has no decode" end,
  ["not-returned"] = function() return "decode gave nothing for it" end,
  ["not-json"] = function() return "not read: the station's payload_type is not JSON" end,
}

function M.outcome(t)
  local of = outcomes[t.code]
  return of and of(t) or "invalid: " .. t.code
end

--- The values of one tag that a message gave several of, with their times.
function M.sample_rows(rows, t)
  if not t.samples then return end
  for i, one in ipairs(t.samples) do
    local value = one.status == "valid" and M.short_value(one.value, t.unit) or "invalid: "
      .. tostring(one.reason)
    rows[#rows + 1] = { "", "", "", "",
      ("%s %d of %d, %s"):format(i == 1 and "sample" or "      ", i, t.sample_count, one.time),
      "→ " .. value }
  end
  if t.sample_count > #t.samples then
    rows[#rows + 1] = { "", "", "", "", ("(%d more)"):format(t.sample_count - #t.samples), "" }
  end
end

return M
