--- Checks one station: its fields, its address, and its tags together. What depends on the line
--- comes later, in line.lua.
local facts_of_address = require "tagline.config.address"
local json_address = require "tagline.config.json_address"
local kinds = require "tagline.config.kinds"
local near = require "tagline.config.near"
local tag = require "tagline.config.tag"

local metatable = debug.getmetatable -- past __metatable

local station = {}

local Station = { __name = "station", __metatable = "station" }
station.meta = Station

-- Fields of the record itself; the others are parameters.
local own_fields = { address = true, prepare = true, decode = true, encode = true,
  on_value = true, on_status = true }

local Checker = {}
Checker.__index = Checker

function station.new(load)
  return setmetatable({ load = load, facts = {}, sets = {}, named = {}, names = {} }, Checker)
end

function Checker:problem(st, field, text, key, severity)
  self.load.problems:add { at = st.at, word = "station", name = st.name, station = st,
    field = field, key = key, text = text, severity = severity, rank = st.seq }
end

local function tag_problem(self, st, name, rec, found)
  self.load.problems:add { at = rec.at, word = rec.type, name = name, station = st, tag = name,
    field = found.field, key = found.key, text = found.text, severity = found.severity,
    rank = st.seq + 0.5 + (found.place or 0) }
end

--- A problem with an entry of `tags` that is no tag, or whose name is wrong.
local function entry_problem(self, st, name, text)
  self.load.problems:add { at = st.at, word = "tags", name = st.name, station = st, key = name,
    tag = type(name) == "string" and name or nil, text = text, rank = st.seq + 0.5 }
end

local LONGEST = 255 -- bytes of a name: a client_id is made of a line's

--- A name without what it must not hold: nil, or what is wrong.
function station.name_wrong(name)
  if name == "" then return "expected a name, got an empty one" end
  if #name > LONGEST then
    return ("expected a name of at most %d bytes, got %d"):format(LONGEST, #name)
  end
  local at = name:find("[^%w_-]")
  if at then
    return ("expected a name of letters, digits, '_' and '-', got %s (at position %d)"):format(
      kinds.got(name), at)
  end
end

local placeholder = "{([%a_][%w_]*)}"

local CAPTURES = 16 -- TL_CAPTURES_MAX of core/route/router.h

--- The named groups of the address against the placeholders of the name and the texts.
local function check_groups(self, st)
  local groups, list = {}, {}
  for i, name in ipairs(st.groups) do
    groups[name], list[i] = true, "{" .. name .. "}"
  end
  if #list > CAPTURES then
    self:problem(st, "address", ("expected at most %d named groups, got %d"):format(CAPTURES,
      #list))
  end
  local shown = table.concat(list, ", ")
  local in_name = {}
  for name in st.name:gmatch(placeholder) do in_name[name] = true end
  for _, name in ipairs(st.groups) do
    if not in_name[name] then
      self:problem(st, nil,
        ("expected {%s} in the station's name, since the address has the group '%s': one name, \z
          one station")
        :format(name, name))
    end
  end
  local function check_text(text, complain)
    for name in text:gmatch(placeholder) do
      if not groups[name] then
        complain(("expected a named group of the address (%s), got {%s}%s"):format(shown, name,
          near.hint(name, st.groups)))
      end
    end
  end
  check_text(st.name, function(text) self:problem(st, nil, text) end)
  local params = st.params
  for _, field in ipairs { "station_will_topic", "station_will_payload",
    "station_birth_payload" } do
    if params and params[field] then
      check_text(params[field], function(text) self:problem(st, field, text) end)
    end
  end
  for _, one in ipairs(st.tags) do
    if type(one.default) == "string" then
      check_text(one.default, function(text) tag_problem(self, st, one.name, one,
        { field = "default", text = text }) end)
    end
  end
end

--- Is a checked address one topic, rather than an expression or a mistaken filter?
function Checker:is_topic(address)
  local facts = self.facts[address]
  return facts.plain and not facts.looks
end

local function check_address(self, st)
  local facts = self.facts[st.address]
  if not facts then
    facts = facts_of_address(self.load.core, st.address)
    self.facts[st.address] = facts
  end
  if facts.wrong then self:problem(st, "address", facts.wrong) end
  if facts.warning then self:problem(st, "address", facts.warning, nil, "warning") end
  return facts
end

local function check_name(self, st, facts)
  local bare = st.name
  if facts and facts.groups and facts.groups[1] then
    st.groups = facts.groups
    bare = bare:gsub(placeholder, "x")
  elseif facts and facts.groups then
    local name = bare:match(placeholder)
    if name then
      self:problem(st, nil,
        ("expected a named group (?<%s>…) in the address, since the station's name has {%s}")
        :format(name, name))
      return
    end
  end
  if self.names[bare] == nil then self.names[bare] = station.name_wrong(bare) or false end
  if self.names[bare] then self:problem(st, nil, self.names[bare]) end
end

--- Who could fill or serve a tag without an address, when nobody does; else nil.
local function nobody(st, one)
  if one.address ~= "" or one.poisoned or one.problems or st.decode then return nil end
  if not tag.is_output[one.type] then return "decode that would fill it" end
  return not st.encode and "decode or encode that would serve it" or nil
end

--- The tags of a station against each other, and against its handlers. True when there is
--- nothing to say.
local function check_set(self, st, list)
  local clean, seen = true, {}
  local place = 0 -- of the tag among the others, for those that stand on one line
  local function say(one, field, text, severity)
    clean = false
    local key = field == "address" and 1 or nil
    tag_problem(self, st, one.name, one, { field = field, text = text, severity = severity,
      key = key, place = place })
  end
  for i, one in ipairs(list) do
    place = i / (2 * #list + 2)
    for _, found in ipairs(one.problems or {}) do
      clean = false
      tag_problem(self, st, one.name, one, { field = found.field, text = found.text,
        severity = found.severity, key = found.key,
        place = place })
    end
    local path = one.address:match "^JA=(.*)$"
    -- JA=a and JA=["a"] are one
    local same = path and "JA=" .. json_address.canonical(path) or one.address
    local missing, before = nobody(st, one), seen[same]
    if one.warning then say(one, "address", one.warning, "warning") end
    if missing then
      say(one, "address", ("there is none, and the station has no %s"):format(missing), "warning")
    end
    if before then
      local as = before.address ~= one.address and (", as %s"):format(kinds.got(before.address))
        or ""
      say(one, "address", ("%s is used by tag '%s' already%s"):format(kinds.got(one.address),
        before.name, as))
    end
    if one.address ~= "" then seen[same] = before or one end
  end
  if seen.OUT_VALUE and not seen.OUT_TOPIC and not st.encode then
    say(seen.OUT_VALUE, "address",
      "expected a tag with the address OUT_TOPIC beside OUT_VALUE, got none")
  end
  return clean
end

--- Words that stand alone (x = Ai) are made when their table is there already: what their order
--- is, only the source tells.
local function sort_bare(self, st, list)
  local index = self.load.problems:index(st.at.file)
  local tags = index and index:tags(st.at.line, st.name)
  local places = tags and tags.places or {}
  table.sort(list, function(a, b)
    local x, y = places[a.name], places[b.name]
    if x and y then return x < y end
    return a.name < b.name
  end)
end

local SHORT = 16

local function is_made_before(a, b)
  if a.rec.seq ~= b.rec.seq then return a.rec.seq < b.rec.seq end
  return a.name < b.name
end

--- By the order of creation. Most lists are short, and insertion is quick.
local function sort_made(list, n)
  if n > SHORT then return table.sort(list, is_made_before) end
  for i = 2, n do
    local one, p = list[i], i - 1
    while p > 0 and is_made_before(one, list[p]) do
      list[p + 1] = list[p]
      p = p - 1
    end
    list[p + 1] = one
  end
end

--- The tags of a table in the order of the source, as records with names.
local function collect(self, st, given)
  local list, n, bare = {}, 0, false
  for name, rec in pairs(given) do
    if rec == self.load.poison then
      st.poisoned = true
    elseif type(name) ~= "string" then
      entry_problem(self, st, name,
        ("expected a name for each tag (name = Ai \"JA=…\"), got %s by position %s")
        :format(metatable(rec) == tag.meta and "a tag" or kinds.got(rec), kinds.got(name)))
    else
      if type(rec) == "function" then
        rec, bare = self.load.tags:bare(rec, st.at) or rec, true
      end
      if self.names[name] == nil then self.names[name] = station.name_wrong(name) or false end
      if self.names[name] then
        entry_problem(self, st, name, self.names[name])
      elseif type(rec) ~= "table" or metatable(rec) ~= tag.meta then
        local got = metatable(rec) == Station and "a station" or kinds.got(rec)
        entry_problem(self, st, name,
          ("expected a tag (a type word and its address: Ai \"JA=…\"), got %s"):format(got))
      else
        n = n + 1
        list[n] = { rec = rec, name = name }
      end
    end
  end
  sort_made(list, n)
  if bare then sort_bare(self, st, list) end
  return list
end

--- The draft's form of one tag; equal ones are one table.
local function named_tag(self, entry)
  local rec, name = entry.rec, entry.name
  local by_name = self.named[rec]
  if not by_name then
    by_name = {}
    self.named[rec] = by_name
  end
  local one = by_name[name]
  if not one then
    one = {}
    for key, value in pairs(rec) do one[key] = value end
    one.name, one.seq, one.id = name, nil, nil
    by_name[name] = one
  end
  return one
end

local function check_tags(self, st, given)
  if given == nil or given == self.load.poison then return {} end
  if type(given) ~= "table" or metatable(given) then
    self:problem(st, "tags", kinds.expected("a table of tags by name", given))
    return {}
  end
  local entries = collect(self, st, given)
  local parts = { st.decode and "d" or "-", st.encode and "e" or "-" }
  for i, entry in ipairs(entries) do parts[i + 2] = entry.rec.id .. entry.name end
  local key = table.concat(parts, " ")
  local list = self.sets[key]
  if not list then
    list = {}
    for i, entry in ipairs(entries) do list[i] = named_tag(self, entry) end
    if check_set(self, st, list) then self.sets[key] = list end
  end
  return list
end

local function set_field(self, st, shape, key, value)
  local field = shape.fields[key]
  if value == self.load.poison then
    if key == "address" then st.poisoned = true end
  elseif not field then
    if type(key) == "string" then
      self:problem(st, key, "unknown field" .. self.load:hint(key, shape), key)
    elseif metatable(value) == Station then
      value.inside = true
      self:problem(st, nil, ("expected no station inside a station, got station '%s'"):format(
        value.name), key)
    else
      self:problem(st, nil, ("expected named fields, got %s by position"):format(
        metatable(value) == tag.meta and "a tag (tags stand in tags = { name = … })"
          or kinds.got(value)), key)
    end
  elseif field.check then
    local wrong, normal = field.check(value)
    if wrong then
      if key == "address" then st.poisoned = true end
      self:problem(st, key, wrong, key)
    elseif own_fields[key] then
      st[key] = normal
    elseif normal ~= nil then
      st.params = st.params or {}
      st.params[field.name] = normal
    end
  end
end

--- Check the fields of a station and return its record. Problems go to the load's list.
function Checker:check(name, at, given, seq)
  local st = setmetatable({ name = name, at = at, seq = seq }, Station)
  local shape = self.load.shapes.station
  for key, value in pairs(given) do set_field(self, st, shape, key, value) end
  for short, long in pairs { SWT = "station_will_topic", SWP = "station_will_payload",
    SBP = "station_birth_payload" } do
    if given[short] ~= nil and given[long] ~= nil then
      self:problem(st, short, ("is %s, which is given too"):format(long))
    end
  end
  st.will_word = given.SWT ~= nil and "SWT" or nil -- what the user calls it
  local payload = st.params and st.params.station_will_payload or ""
  if payload ~= "" and given.SWT == nil and given.station_will_topic == nil then
    self:problem(st, given.SWP and "SWP" or "station_will_payload",
      "does nothing without a station_will_topic", nil, "warning")
  end
  local birth = st.params and st.params.station_birth_payload
  if birth and given.SWT == nil and given.station_will_topic == nil then
    self:problem(st, given.SBP ~= nil and "SBP" or "station_birth_payload",
      "expected a station_will_topic (SWT) beside it, the topic on which it comes, got none")
  elseif birth and birth == payload then
    self:problem(st, given.SBP ~= nil and "SBP" or "station_birth_payload",
      "is the station_will_payload, too: what does it say?")
  end
  local facts
  if st.address then
    facts = check_address(self, st)
  elseif not st.poisoned then
    self:problem(st, nil, 'expected address = "…" (a topic or a regular expression), got none')
  end
  if name ~= "?" then check_name(self, st, facts) end
  st.tags = check_tags(self, st, given.tags)
  self.load.tags:station_done()
  if st.groups then check_groups(self, st) end
  return st
end

return station
