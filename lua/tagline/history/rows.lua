--- Lists of very many rows, which history() gives in parts (core/script/l_history_rows.c), and
--- texts of as many.
local M = {}

--- How many rows stand in parts; nil: any other table.
function M.count(list)
  local meta = debug.getmetatable(list)
  return type(meta) == "table" and rawget(meta, "__name") == "tagline.list"
    and rawget(meta, "count") or nil
end

--- What a table itself holds at a key, as rawget does; a row that stands in a part, too.
function M.raw(list, key)
  if math.type(key) == "integer" and M.count(list) then return list[key] end
  return rawget(list, key)
end

--- The keys of such a list in order, without a table of a million: `rest` come behind the rows.
function M.keys(count, rest)
  return setmetatable({}, { __len = function() return count + #rest end,
    __index = function(_, i) return i <= count and i or rest[i - count] end })
end

--- Texts as one, of which there may be a million: make(i) is the i-th of n. nil: they are more than
--- `most` bytes, if it is given.
function M.concat(n, make, between, most)
  local pieces, size = {}, 0
  for from = 1, n, 1000 do
    local piece = {}
    for i = from, math.min(from + 999, n) do piece[#piece + 1] = make(i) end
    local text = table.concat(piece, between)
    pieces[#pieces + 1], size = text, size + #text
    if most and size > most then return nil end
  end
  return table.concat(pieces, between)
end

return M
