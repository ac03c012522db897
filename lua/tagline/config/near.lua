--- The nearest known name to one that a user typed: for "did you mean 'keep_alive'?".
local near = {}

--- Number of insertions, deletions, replacements and swaps of neighbours between two texts
--- (optimal string alignment).
function near.distance(a, b)
  local before, row, spare = {}, {}, {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    before, row, spare = row, spare, before
    row[0] = i
    local ca = a:byte(i)
    for j = 1, #b do
      local cb = b:byte(j)
      local best = before[j - 1] + (ca == cb and 0 or 1)
      if before[j] + 1 < best then best = before[j] + 1 end
      if row[j - 1] + 1 < best then best = row[j - 1] + 1 end
      if i > 1 and j > 1 and ca == b:byte(j - 1) and cb == a:byte(i - 1) and spare[j - 2]
        + 1 < best then
        best = spare[j - 2] + 1
      end
      row[j] = best
    end
  end
  return row[#b]
end

--- A name without case, blanks and marks: "Keep Alive", keepAlive and KEEP_ALIVE are all
--- "keepalive".
local function squash(name)
  return (name:lower():gsub("[^%w=]", ""))
end

local SHORT = 3 -- letters of a beginning that stands for a name

--- The name that `flat` is the beginning of: the shortest of them, if it is the beginning of
--- the others.
local function longer(flat, known)
  local shortest
  local list = {}
  for _, candidate in ipairs(known) do
    local other = squash(candidate)
    if #flat >= SHORT and other:sub(1, #flat) == flat then
      list[#list + 1] = other
      if not shortest or #other < #squash(shortest) then shortest = candidate end
    end
  end
  for _, other in ipairs(list) do
    if other:sub(1, #squash(shortest)) ~= squash(shortest) then return nil end
  end
  return shortest
end

--- The known name (a list) that `name` is most likely meant to be, or nil. `aliases`
--- (optional): squashed name to known name.
function near.find(name, known, aliases)
  if #name > 80 then return nil end
  local flat = squash(name)
  if aliases and aliases[flat] then return aliases[flat] end
  local found, least = nil, math.max(1, #flat // 3)
  for _, candidate in ipairs(known) do
    local other = squash(candidate)
    if other == flat then return candidate end
    local d = math.abs(#other - #flat) <= least and near.distance(flat, other)
    if d and d < #flat and (d < least or d == least and not found) then
      found, least = candidate, d
    end
  end
  return found or longer(flat, known)
end

--- " (did you mean 'x'?)"-like tail for a message, "" when nothing is near.
function near.hint(name, known, aliases)
  local found = near.find(name, known, aliases)
  return found and ("; did you mean '%s'?"):format(found) or ""
end

return near
