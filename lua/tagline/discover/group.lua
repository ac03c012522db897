--- Groups of topics that differ in one level only: `plant/meter-*/up`.
local fields = require "tagline.discover.fields"
local kind = require "tagline.discover.kind"
local text = require "tagline.discover.text"
local units = require "tagline.discover.units"

local group = {}

local CLUSTERS, ALIKE = 12, 0.5

local documents = { JSON = true, CBOR = true, MessagePack = true }

-- The topic without one level, and its kind: what members of a group have in common.
local function key_of(t, i)
  local levels = t.levels
  local own = levels[i]
  levels[i] = "\1"
  local key = ("%s\0%s\0%s\0%s"):format(t.kind, t.shape or "", t.prepare or "",
    table.concat(levels, "/"))
  levels[i] = own
  return key
end

local function count_keys(topics)
  local count, digits = {}, {}
  for _, t in ipairs(topics) do
    for i = 1, #t.levels do
      local key = key_of(t, i)
      count[key] = (count[key] or 0) + 1
      if t.levels[i]:find "%d" then digits[key] = (digits[key] or 0) + 1 end
    end
  end
  return count, digits
end

-- The last level of a number or a text names what it is, unless it looks like a number of a
-- device, or the level before names it.
local function may_vary(t, i, count, digits)
  local levels = t.levels
  if levels[i] == "" or levels[i]:byte() == 36 then return false end -- $SYS, $state
  -- the kind of a message is no device, and what stands first rarely is one
  if t.kind == "Sparkplug B" and i == 3 then return false end
  if i ~= (kind.device_level(t) or i) then return false end
  if i == 1 and #levels > 1 and count < 3 and digits * 2 < count then return false end
  if i < #levels or documents[t.shape] then return true end
  if digits * 2 >= count then return true end
  return i > 1 and units.is_quantity(levels[i - 1])
end

-- Where a topic varies: the level with the most others, among equals the one that looks like a
-- number of a device, or the nearer one to the value.
local function choose(t, count, digits)
  local best, most, score = nil, 1, 0
  for i = 1, #t.levels do
    local key = key_of(t, i)
    local n, d = count[key], digits[key] or 0
    local is_more = n > most or n == most and (d / n > score or i < #t.levels and d / n == score)
    if n > 1 and is_more and may_vary(t, i, n, d) then
      best, most, score = i, n, d / n
    end
  end
  return best
end

-- Of documents, those alike belong together.
local function clusters(members)
  if not documents[members[1].shape] then return { members } end
  local by_signature, order = {}, {}
  for _, t in ipairs(members) do
    local list = by_signature[t.signature]
    if not list then
      list = { signature = t.signature }
      by_signature[t.signature] = list
      order[#order + 1] = list
    end
    list[#list + 1] = t
  end
  table.sort(order, function(a, b)
    if #a ~= #b then return #a > #b end
    return a.signature < b.signature
  end)
  local found = {}
  for _, list in ipairs(order) do
    local home
    for i = 1, math.min(#found, CLUSTERS) do
      if fields.likeness(found[i].signature, list.signature) >= ALIKE then
        home = found[i]
        break
      end
    end
    if home then
      table.move(list, 1, #list, #home + 1, home)
    else
      found[#found + 1] = list
    end
  end
  return found
end

local function common_prefix(list)
  local prefix = list[1]
  for _, s in ipairs(list) do
    while s:sub(1, #prefix) ~= prefix do prefix = prefix:sub(1, -2) end
  end
  return prefix
end

-- What all have in front, up to a separator or to where a number begins.
local function prefix_of(list)
  local prefix = common_prefix(list)
  local all_digits = prefix ~= ""
  local bare = prefix:gsub("%d+$", "")
  for _, s in ipairs(list) do
    if not s:find("^%d", #bare + 1) then all_digits = false end
  end
  if all_digits then prefix = bare else prefix = prefix:match "^.*[-_.: ]" or "" end
  for _, s in ipairs(list) do
    if #s == #prefix then return "" end
  end
  return utf8.len(prefix) and prefix or ""
end

local function suffix_of(list, prefix)
  local reversed = {}
  for i, s in ipairs(list) do reversed[i] = s:sub(#prefix + 1):reverse() end
  local suffix = common_prefix(reversed):reverse()
  suffix = suffix:match "[-_.: ].*$" or ""
  for _, s in ipairs(list) do
    if #s <= #prefix + #suffix then return "" end
  end
  return utf8.len(suffix) and suffix or ""
end

--- What names have in common in front and behind; what varies between is never empty.
function group.affixes(list)
  local prefix = prefix_of(list)
  return prefix, suffix_of(list, prefix)
end

local function make(members, at)
  table.sort(members, function(a, b) return a.topic < b.topic end)
  local values = {}
  for i, t in ipairs(members) do values[i] = t.levels[at] end
  local g = { at = at, members = members, values = values, kind = members[1].kind,
    shape = members[1].shape, levels = members[1].levels }
  g.prefix, g.suffix = group.affixes(values)
  local levels = table.move(g.levels, 1, #g.levels, 1, {})
  levels[at] = g.prefix .. "*" .. g.suffix
  g.pattern = table.concat(levels, "/")
  for _, name in ipairs { "count", "bytes", "retained" } do
    g[name] = 0
    for _, t in ipairs(members) do g[name] = g[name] + t[name] end
  end
  g.smallest, g.largest = math.huge, 0
  for _, t in ipairs(members) do
    g.smallest, g.largest = math.min(g.smallest, t.smallest), math.max(g.largest, t.largest)
    t.group = g
  end
  return g
end

--- Groups of at least two topics, largest first, and the topics that are in none, by name. Each
--- topic: topic, levels, kind, shape, signature. Sets `group` of those that are in one. A group:
--- pattern, at (the level that varies), prefix, suffix, values, members, and sums.
function group.of(topics)
  local count, digits = count_keys(topics)
  local by_key, keys = {}, {}
  for _, t in ipairs(topics) do
    local at = choose(t, count, digits)
    local key = at and key_of(t, at)
    if key then
      if not by_key[key] then
        by_key[key] = { at = at }
        keys[#keys + 1] = key
      end
      table.insert(by_key[key], t)
    end
  end
  local groups, single = {}, {}
  for _, key in ipairs(keys) do
    for _, members in ipairs(clusters(by_key[key])) do
      if #members > 1 then groups[#groups + 1] = make(members, by_key[key].at) end
    end
  end
  for _, t in ipairs(topics) do
    if not t.group then single[#single + 1] = t end
  end
  table.sort(groups, function(a, b)
    if #a.members ~= #b.members then return #a.members > #b.members end
    if a.pattern ~= b.pattern then return a.pattern < b.pattern end
    return a.members[1].topic < b.members[1].topic
  end)
  table.sort(single, function(a, b) return a.topic < b.topic end)
  return groups, single
end

-- ---- which topics a group's expression would take that are not of the group ----

--- Does a level suit what a group has in common there?
function group.fits(g, level)
  return #level > #g.prefix + #g.suffix and level:sub(1, #g.prefix) == g.prefix
    and (g.suffix == "" or level:sub(-#g.suffix) == g.suffix)
end

--- Set `foreign` of groups: the levels, at the place that varies, of heard topics that the
--- group's pattern takes though they are of another group, or of none. Those that are a
--- station's address (`is_exact`) need no care: they come first.
function group.find_foreign(groups, topics)
  local by_place = {}
  local function place(levels, i)
    local own = levels[i]
    levels[i] = "\1"
    local key = table.concat(levels, "/")
    levels[i] = own
    return key
  end
  for _, g in ipairs(groups) do
    local key = place(g.levels, g.at)
    by_place[key] = by_place[key] or {}
    table.insert(by_place[key], g)
    g.foreign = {}
  end
  for _, t in ipairs(topics) do
    for i = 1, #t.levels do
      for _, g in ipairs(by_place[place(t.levels, i)] or {}) do
        if t.group ~= g and not t.is_exact and g.at == i and group.fits(g, t.levels[i]) then
          table.insert(g.foreign, t.levels[i])
        end
      end
    end
  end
end

--- The middle of a regular expression for what varies, without its prefix and suffix: anything;
--- or, where that would take foreign topics, all but these, or these values and no others.
function group.expression(g)
  if #g.foreign == 0 then return "[^/]+" end
  local function alternatives(list)
    local parts = {}
    for i, value in ipairs(list) do
      parts[i] = text.regex(value:sub(#g.prefix + 1, #value - #g.suffix))
    end
    return table.concat(parts, "|")
  end
  if #g.foreign * 4 < #g.values then
    return ("(?!(?:%s)%s(?:/|$))[^/]+"):format(alternatives(g.foreign), text.regex(g.suffix))
  end
  return alternatives(g.values)
end

return group
