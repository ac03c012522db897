--- Topics of one value each that belong to one device: `plant/pump1/temp`, `plant/pump1/pressure`.
--- They become one station with a tag for each, and devices that are alike one station with a
--- named group.
local fields = require "tagline.discover.fields"
local group = require "tagline.discover.group"
local kind = require "tagline.discover.kind"
local text = require "tagline.discover.text"
local units = require "tagline.discover.units"

local device = {}

local ALIKE, LONGEST = 0.5, 50000

--- Mark topics whose whole payload is one value, beside which others may stand. One with its unit
--- ("21.5 °C") needs an address that reads it.
local function mark(source, topics)
  for _, t in ipairs(topics) do
    local levels = t.levels
    local payload = t.shape == "text" and source.sample(t.index, 1)
    local alone = t.shape == "number" or t.shape == "text"
    t.is_value = alone and #levels > 1 and levels[#levels] ~= ""
      and not (payload and units.behind_number(payload))
  end
end

local function tail_of(t, at) return table.concat(t.levels, "/", at + 1) end

local function stem_of(levels, at) return at .. "\0" .. table.concat(levels, "/", 1, at - 1) end

local function set_of(list)
  local set = {}
  for _, value in ipairs(list) do set[value] = true end
  return set
end

-- Of how many of the smaller set's values the other one has, too.
local function overlap(a, a_count, b, b_count)
  if a_count > b_count then a, a_count, b = b, b_count, a end
  local both = 0
  for value in pairs(a) do both = both + (b[value] and 1 or 0) end
  return both / a_count
end

-- ---- several devices: groups of one place, whose devices are the same ----

local function join(c, members)
  for _, t in ipairs(members) do
    c.members[#c.members + 1] = t
    local value = t.levels[c.at]
    if not c.set[value] then
      c.set[value] = true
      c.count = c.count + 1
    end
  end
end

local function are_values(members)
  for _, t in ipairs(members) do
    if not t.is_value then return false end
  end
  return true
end

-- `pump/temp1`, `pump/temp2` are no devices, but values of the pump.
local function are_numbered(g)
  return g.at > 1 and g.at == #g.levels and g.prefix ~= "" and #g.values <= fields.MOST
    and units.is_quantity(g.prefix) and not units.is_quantity(g.levels[g.at - 1])
    and are_values(g.members)
end

local function dissolve_numbered(groups, single)
  local left, alone = {}, table.move(single, 1, #single, 1, {})
  for _, g in ipairs(groups) do
    local is_one = are_numbered(g)
    if not is_one then left[#left + 1] = g end
    for _, t in ipairs(is_one and g.members or {}) do
      t.group = nil
      alone[#alone + 1] = t
    end
  end
  if #alone > #single then table.sort(alone, function(a, b) return a.topic < b.topic end) end
  return left, alone
end

local function cluster(groups)
  local by_stem, clusters = {}, {}
  for _, g in ipairs(groups) do -- the largest first
    if g.at < #g.levels and are_values(g.members) then
      local stem = stem_of(g.levels, g.at)
      by_stem[stem] = by_stem[stem] or {}
      local home
      for _, c in ipairs(by_stem[stem]) do
        home = home or overlap(set_of(g.values), #g.values, c.set, c.count) >= ALIKE and c
      end
      if not home then
        home = { at = g.at, members = {}, set = {}, count = 0, groups = 0 }
        table.insert(by_stem[stem], home)
        clusters[#clusters + 1] = home
      end
      join(home, g.members)
      home.groups = home.groups + 1
    end
  end
  return clusters, by_stem
end

-- What only one of the devices has belongs to it, too.
local function join_singles(by_stem, single)
  for _, t in ipairs(single) do
    for at = 1, t.is_value and #t.levels - 1 or 0 do
      for _, c in ipairs(by_stem[stem_of(t.levels, at)] or {}) do
        if c.set[t.levels[at]] and not t.device then
          join(c, { t })
          c.groups = c.groups + 1
          t.device = c
        end
      end
    end
  end
end

-- A device of hundreds of values is several: one for each first level behind it.
local function split(c)
  local parts, order, tails, count = {}, {}, {}, 0
  for _, t in ipairs(c.members) do
    local first, tail = t.levels[c.at + 1], tail_of(t, c.at)
    if not tails[tail] then tails[tail], count = true, count + 1 end
    if not parts[first] then
      parts[first] = { at = c.at, members = {}, set = {}, count = 0, groups = 2, part = first }
      order[#order + 1] = parts[first]
    end
    join(parts[first], { t })
  end
  if count <= fields.MOST then return { c } end
  for _, part in ipairs(order) do
    for _, t in ipairs(part.members) do t.device = t.device and part end
  end
  return order
end

local function split_all(clusters)
  local list = {}
  for _, c in ipairs(clusters) do
    local parts = c.groups > 1 and split(c) or {}
    table.move(parts, 1, #parts, #list + 1, list)
  end
  return list
end

-- ---- one device ----

local function by_parent(single)
  local places, order = {}, {}
  for _, t in ipairs(single) do
    if t.is_value and not t.device then
      local at = math.min(kind.device_level(t) or #t.levels, #t.levels - 1)
      local parent = table.concat(t.levels, "/", 1, at)
      if parent:find "%w" then
        if not places[parent] then
          places[parent] = { parent = table.move(t.levels, 1, at, 1, {}), at = at, members = {} }
          order[#order + 1] = places[parent]
        end
        table.insert(places[parent].members, t)
      end
    end
  end
  return order
end

-- ---- what they have in common ----

local function tails_of(d)
  local by_tail, list = {}, {}
  for _, t in ipairs(d.members) do
    local tail = tail_of(t, d.at)
    if not by_tail[tail] then
      by_tail[tail] = { tail = tail, members = {}, levels = t.levels }
      list[#list + 1] = by_tail[tail]
    end
    table.insert(by_tail[tail].members, t)
  end
  table.sort(list, function(a, b) return a.tail < b.tail end)
  return list, by_tail
end

local function is_too_long(d)
  local n = 0
  for _, one in ipairs(d.tails) do n = n + 2 * #one.tail end
  for _, value in ipairs(d.values or {}) do n = n + #value end
  return n > LONGEST or #table.concat(d.levels, "/") > LONGEST
end

-- The topics that have a stem in common with one of the clusters.
local function index_topics(clusters, topics)
  local places, index = {}, {}
  for _, c in ipairs(clusters) do places[c.at] = true end
  for at in pairs(places) do
    for _, t in ipairs(topics) do
      if #t.levels > at then
        local stem = stem_of(t.levels, at)
        index[stem] = index[stem] or {}
        table.insert(index[stem], t)
      end
    end
  end
  return index
end

-- Levels of heard topics at the place that varies that the expression would take as well.
local function find_foreign(d, by_tail, index)
  d.foreign = {}
  for _, t in ipairs(index[stem_of(d.levels, d.at)]) do
    local value = t.levels[d.at]
    if t.group ~= d and group.fits(d, value) and by_tail[tail_of(t, d.at)] then
      if d.set[value] then return false end
      table.insert(d.foreign, value)
    end
  end
  return true
end

local function finish(d, index)
  local by_tail
  d.levels = d.members[1].levels
  d.tails, by_tail = tails_of(d)
  if d.set then
    d.values = {}
    for value in pairs(d.set) do d.values[#d.values + 1] = value end
    table.sort(d.values)
    d.prefix, d.suffix = group.affixes(d.values)
  end
  if #d.tails < 2 or #d.tails > fields.MOST or is_too_long(d) then return false end
  local before = {}
  for _, t in ipairs(d.members) do
    before[t] = t.group or false
    t.group = d
  end
  if not d.set or find_foreign(d, by_tail, index) then return true end
  for t, g in pairs(before) do t.group = g or nil end
  return false
end

--- Devices of `groups` and `single` (as group.of gives them), and the groups and single topics
--- that are left. `topics`: all that were heard; `source` has their payloads. A device: members,
--- at (how many levels name it), tails { tail, levels, members }, part (its values begin with this
--- level); of several that are alike also values, prefix, suffix, foreign, as a group has them.
function device.of(source, groups, single, topics)
  mark(source, topics)
  groups, single = dissolve_numbered(groups, single)
  local clusters, by_stem = cluster(groups)
  join_singles(by_stem, single)
  local found, index = {}, index_topics(clusters, topics)
  for _, c in ipairs(split_all(clusters)) do
    if finish(c, index) then found[#found + 1] = c end
  end
  for _, t in ipairs(single) do
    if t.device and t.group ~= t.device then t.device = nil end
  end
  for _, d in ipairs(by_parent(single)) do
    if #d.members > 1 and finish(d) then found[#found + 1] = d end
  end
  local groups_left, single_left = {}, {}
  for _, g in ipairs(groups) do
    if g.members[1].group == g then groups_left[#groups_left + 1] = g end
  end
  for _, t in ipairs(single) do
    t.device = nil
    if not t.group then single_left[#single_left + 1] = t end
  end
  return found, groups_left, single_left
end

--- The address of a device's station, and which of its groups is the tail.
function device.expression(d)
  local parts, tails = {}, {}
  for i = 1, d.at do
    if d.set and i == d.at then
      parts[i] = text.regex(d.prefix) .. "(?<dev>" .. group.expression(d) .. ")"
        .. text.regex(d.suffix)
    else
      parts[i] = text.regex(d.levels[i])
    end
  end
  for i, one in ipairs(d.tails) do tails[i] = text.regex(one.tail) end
  return ("%s/(%s)"):format(table.concat(parts, "/"), table.concat(tails, "|")), d.set and 2 or 1
end

--- Its pattern for people: `plant/pump*/(pressure|temp)`.
function device.pattern(d)
  local levels, tails = table.move(d.levels, 1, d.at, 1, {}), {}
  if d.set then levels[d.at] = d.prefix .. "*" .. d.suffix end
  for i, one in ipairs(d.tails) do tails[i] = one.tail end
  return ("%s/(%s)"):format(table.concat(levels, "/"), table.concat(tails, "|"))
end

return device
