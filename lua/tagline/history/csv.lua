--- Rows of a history as CSV: `tagline history --csv`, history(tag, { csv = true }) and the API
--- write the same.
local date = require "tagline.history.date"
local many = require "tagline.history.rows"

local csv = {}

--- 2026-11-29T12:00:00.000+01:00, in the process's zone.
function csv.stamp(seconds)
  local ms = math.floor(seconds * 1000 + 0.5)
  local whole = ms // 1000
  local offset = os.date("%z", whole)
  offset = offset == "+0000" and "Z" or offset:sub(1, 3) .. ":" .. offset:sub(4)
  return date("%Y-%m-%dT%H:%M:%S", whole) .. (".%03d"):format(ms % 1000) .. offset
end

--- One cell.
function csv.cell(value)
  if value == nil then return "" end
  if math.type(value) == "float" then
    if value == math.floor(value) and math.abs(value) < 2 ^ 53 then return ("%d"):format(value) end
    return ("%.15g"):format(value) + 0 == value and ("%.15g"):format(value)
      or ("%.17g"):format(value)
  end
  local text = tostring(value)
  if text:find '[",\n\r]' or text:find "^%s" or text:find "%s$" then -- blanks are seen
    text = '"' .. text:gsub('"', '""') .. '"' end
  return text
end

-- Of an interval these are no times.
local no_time = { count = true, sum = true, good = true }

--- Is a value, or this aggregate of an interval, a time?
function csv.is_time(kind, as)
  return (kind == "TiA" or kind == "ToA") and not no_time[as]
end

--- The cell of a value of a tag of this type, or of an aggregate of it: times as in the column of
--- times.
function csv.value(value, kind, as)
  if type(value) == "number" and csv.is_time(kind, as) then return csv.stamp(value) end
  return csv.cell(value)
end

--- The head line; `as`: the aggregates, nil for rows as they are.
function csv.head(as)
  return as and #as > 1 and "time,tag," .. table.concat(as, ",") .. ",unit\n"
    or "time,tag,value,status,reason,unit\n"
end

--- One row with its line break. `tag` has name, unit, and the type of rows that do not name theirs.
function csv.row(row, tag, as)
  local cells = { csv.stamp(row.time), csv.cell(tag.name) }
  local kind = row.type or tag.type
  if as and #as > 1 then
    for _, name in ipairs(as) do cells[#cells + 1] = csv.value(row[name], kind, name) end
  else
    cells[3], cells[5] = csv.value(row.value, kind, as and as[1]), row.reason or ""
    cells[4] = row.status or (row.value == nil and "invalid" or "valid")
  end
  cells[#cells + 1] = csv.cell(tag.unit)
  return table.concat(cells, ",") .. "\n"
end

--- All of them, with the head; nil: that is more than `most` bytes, if it is given.
function csv.text(rows, tag, as, most)
  local head = csv.head(as)
  local function make(i) return i == 1 and head or csv.row(rows[i - 1], tag, as) end
  return many.concat(#rows + 1, make, nil, most)
end

return csv
