--- Which field of documents is their time, how it is written, and in which zone.
local core = require "tagline.core"
local units = require "tagline.discover.units"

local times = {}

local EARLIEST = 946684800 -- 2000

local ranks = { ts = 1, timestamp = 2, time = 3, datetime = 4, received_at = 5, date = 6,
  at = 7, t = 8, utc = 9, epoch = 10, when = 11 }

-- Is it what a time is called?
local function rank_of(name)
  local words = units.words(name)
  local whole = table.concat(words, "_")
  if ranks[whole] then return ranks[whole] end
  if whole:find "uptime" or whole:find "runtime" or whole:find "timeout" then return nil end
  local last = words[#words] or ""
  if whole:find "time" or whole:find "stamp" then return 20 end
  if last == "ts" or last == "at" or last == "date" or last == "epoch" then return 30 end
  return nil
end

--- The mask by which a value is a time near `near`, and that time.
function times.mask(value, near)
  local kind = math.type(value)
  if kind == "float" then value = ("%.6f"):format(value):gsub("0+$", ""):gsub("%.$", "")
  elseif kind == "integer" then value = tostring(value)
  elseif type(value) ~= "string" or #value < 8 or #value > 64 then return nil end
  local mask, at = core.time_guess(value, near)
  if mask and at >= EARLIEST then return mask, at end
  return nil
end

local function is_epoch(mask) return mask:find "^UNIX" ~= nil end

-- A local time without a zone, heard as it was sent, tells its distance from UTC.
local function zone_of(f, near)
  for i, value in ipairs(f.values) do
    local arrived = f.times[i]
    local has_zone = type(value) ~= "string" or value:find "[Zz]$" or value:find "[+-]%d%d:?%d%d$"
    if has_zone then return nil end
    if arrived then
      local _, at = times.mask(value, near)
      local offset = at - arrived
      local quarters = math.floor(offset / 900 + 0.5) * 900
      if quarters ~= 0 and math.abs(quarters) <= 14 * 3600 and math.abs(offset - quarters) <= 180
      then
        local minutes = math.abs(quarters) // 60
        return ("%s%02d:%02d"):format(quarters < 0 and "-" or "+", minutes // 60, minutes % 60)
      end
      return nil
    end
  end
  return nil
end

-- The one mask that reads all values of a field.
local function mask_of(f, near)
  local found
  for _, value in ipairs(f.values) do
    local mask = times.mask(value, near)
    if not mask or found and mask ~= found then return nil end
    found = mask
  end
  return found
end

-- Within an object the time may be that of a part: there must be one only, in each document.
local function is_of_all(f, list, docs)
  if #f.words == 1 then return true end
  if f.docs < docs then return false end
  for _, other in ipairs(list) do
    if other ~= f and other.words[#other.words] == f.words[#f.words] then return false end
  end
  return true
end

--- The field of `list` that is the time of its documents (so many), its mask, and its distance
--- from UTC where it has one and does not say it; nil when there is none. `near`: when they came.
function times.field(list, docs, near)
  local best, best_rank, best_mask
  for _, f in ipairs(list) do
    local name = f.words[#f.words]
    local rank = name and is_of_all(f, list, docs) and rank_of(name)
    local mask = rank and f.path:find "^[^=]*$" and mask_of(f, near)
    if mask then
      rank = rank + 100 * #f.words
      if not best or rank < best_rank then best, best_rank, best_mask = f, rank, mask end
    end
  end
  if not best then return nil end
  return best, best_mask, not is_epoch(best_mask) and zone_of(best, near) or nil
end

--- Is a field a time that the station's mask reads?
function times.is_time(f, mask, near)
  if not mask or #f.values == 0 then return false end
  if is_epoch(mask) and not rank_of(f.words[#f.words] or "") then return false end
  return mask_of(f, near) == mask
end

return times
