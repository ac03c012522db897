--- From metrics to the tags of a station: names, values, times, and which metric fills which tag.
--- Knows no births and no sequence numbers.
local weak = require "tagline.codec.weak"

local WEAK = weak()

local tags = {}

--- Items of an array, or cells of a data set, that are looked at: each is a name of its own.
local MOST_ITEMS = 1000
local LATEST_MS = 253402300799999 -- year 9999

---@class tagline.sparkplug.Owner the metric that fills a tag
---@field node table
---@field device string "" for the node's own metrics
---@field root string the metric's name
--- The metric's name, or that of a part: `M[1]`, `DS[2].column`, `Template/member`.
---@field path string
---@field datatype? string
---@field alias? integer
---@field field? string where the birth put its integer, when not where it usually is
---@field birth integer number of the birth in which it was seen last

local book = {}
book.__index = book

--- What a host knows of the tags: `tags`, `devices` and `prefix` as in sparkplug_b.host.
function tags.new(options)
  return setmetatable({ tags = options.tags or {}, devices = options.devices or {},
    prefix = options.prefix, owners = {}, waiting = {}, parts = {},
    wanted = setmetatable({}, WEAK) }, book)
end

-- Names of the station's tags; true for those that decode fills. nil when there is no station (in
-- a spec): all names.
local function wanted_by(self, station)
  if station == nil then return nil end
  local names = self.wanted[station]
  if not names then
    names = {}
    for name, tag in pairs(station.tags) do names[name] = (tag.address or "") == "" end
    self.wanted[station] = names
  end
  return names
end

local function station_key(station) return station and station.full_name or "" end
tags.key = station_key

--- The tag that was filled by a metric, for writing.
---@return tagline.sparkplug.Owner?
function book:owner(station, tag_name)
  local owners = self.owners[station_key(station)]
  return owners and owners[tag_name]
end

--- Nothing is known to fill any tag: the connection is lost.
function book:lose() self.owners, self.waiting, self.parts = {}, {}, {} end

-- Names of metrics whose parts fill tags of a station: some of theirs, and of what they were once.
local function parts_of(self, key)
  local parts = self.parts[key]
  if not parts then
    parts = {}
    self.parts[key] = parts
  end
  return parts
end

local function owners_of(self, key)
  local owners = self.owners[key]
  if not owners then
    owners = {}
    self.owners[key] = owners
  end
  return owners
end

-- ---- one message ----

local filling = {}
filling.__index = filling

--- Begin a message: what is put into it becomes what decode returns.
---@param msg table
---@param node table of the host
---@param device string "" for none
---@param birth integer number of the birth that named the metrics
---@param fallback_ms? integer the payload's timestamp
function book:begin(msg, node, device, birth, fallback_ms)
  local key = station_key(msg.station)
  return setmetatable({ book = self, key = key, wanted = wanted_by(self, msg.station),
    owners = owners_of(self, key), parts = parts_of(self, key),
    node = node, device = device,
    birth = birth, fallback = fallback_ms, map = self.devices[device] or {}, samples = { {} } },
      filling)
end

local MOST_NAMES = 20000

-- What a tag's name may not hold becomes '_'; some of the names are kept.
local clean, clean_count = {}, 0
local function clean_name(plain)
  local name = clean[plain]
  if not name then
    if clean_count >= MOST_NAMES then clean, clean_count = {}, 0 end
    name, clean_count = plain:gsub("[^%w_-]", "_"), clean_count + 1
    clean[plain] = name
  end
  return name
end

local function seconds(ms) return ms and ms >= 0 and ms <= LATEST_MS and ms / 1000 or nil end

--- Has nothing been put?
function filling:is_empty() return #self.samples == 1 and next(self.samples[1]) == nil end

function filling:put(tag, value)
  local current = self.samples[#self.samples]
  if current[tag] then
    current = {}
    self.samples[#self.samples + 1] = current
  end
  current[tag] = value
end

-- The tag that a path goes to, and whether decode fills it: nil when the station has none.
-- `plain` is the path with '/' for brackets.
function filling:place_of(path, plain)
  local tag = self.map[path]
  if tag == nil then tag = self.book.tags[path] end
  if tag == nil then
    if self.book.prefix and self.device ~= "" then plain = self.device .. "/" .. plain end
    tag = clean_name(plain)
  end
  return tag, tag and (not self.wanted or self.wanted[tag])
end

-- The same, for a metric that has come: from now on the tag is its own.
function filling:claim(metric, path, plain)
  local tag, fills = self:place_of(path, plain)
  if fills == nil or tag == false then return nil end
  local owner = self.owners[tag]
  if not owner then
    owner = { node = self.node, device = self.device, root = metric.name, path = path }
    self.owners[tag] = owner
  elseif owner.node ~= self.node or owner.device ~= self.device or owner.path ~= path then
    local first = owner.node.key .. (owner.device ~= "" and "/" .. owner.device or "")
    local second = self.node.key .. (self.device ~= "" and "/" .. self.device or "")
    error(
      ("sparkplug_b: metrics %q of %s and %q of %s both go to tag '%s': name another tag in \z
        `tags` or `devices`"):format(
      owner.path, first, path, second, tag), 0)
  end
  if path ~= metric.name then self.parts[metric.name] = true end
  owner.birth, owner.datatype, owner.alias = self.birth, metric.datatype, metric.alias
    or owner.alias
  if self.is_birth then owner.field = metric.field end
  return fills and tag or nil
end

local in_milliseconds = { DateTime = true, DateTimeArray = true }

-- A property of the specification: 192 is good, and so is a metric that has none.
local function bad_quality(metric)
  local quality = metric.properties and metric.properties.Quality
  if not quality or quality.value == nil or quality.value == 192 then return nil end
  return quality.value == 500 and "no-data" or "decoder"
end

-- `text`: the exact digits of a number that no Lua number can hold; a text tag gets all of them.
function filling:scalar(metric, path, plain, value, datatype, text)
  local tag = self:claim(metric, path, plain)
  if not tag then return end
  local detail = { time = self.time }
  if self.bad or value == nil then
    detail.status, detail.reason = "invalid", self.bad or "type"
  else
    detail.value = in_milliseconds[datatype] and value / 1000 or text or value
  end
  self:put(tag, detail)
  if self.seen then self.seen[tag] = true end
end

-- Tags of a metric's parts that this message does not have any more.
function filling:missing_parts(root, reason)
  if not self.parts[root] then return end
  for tag, owner in pairs(self.owners) do
    if owner.root == root and owner.node == self.node and owner.device == self.device
      and not self.seen[tag]
      and (not self.wanted or self.wanted[tag]) then
      self:put(tag, { status = "invalid", reason = reason, time = self.time })
    end
  end
end

local function array(self, metric, path, plain, list, datatype)
  local texts = list.texts or {}
  for i = 1, math.min(#list, MOST_ITEMS) do
    self:scalar(metric, ("%s[%d]"):format(path, i), plain .. "/" .. i, list[i], datatype, texts[i])
  end
end

local function dataset(self, metric, path, plain, set)
  local columns = set.columns
  for i = 1, math.min(#set.rows, MOST_ITEMS // math.max(#columns, 1)) do
    local row = set.rows[i]
    for k, column in ipairs(columns) do
      self:scalar(metric, ("%s[%d].%s"):format(path, i, column),
        ("%s/%d/%s"):format(plain, i, column), row[k], set.types[k],
        row.texts and row.texts[k])
    end
  end
end

function filling:value(metric, path, plain, value, datatype, text)
  if value == nil then
    self:scalar(metric, path, plain, nil, datatype)
  elseif datatype == "Template" then
    for _, parameter in ipairs(value.parameters) do
      local name = parameter.name or ""
      self:scalar(metric, path .. "." .. name, plain .. "/" .. name, parameter.value,
        parameter.datatype, parameter.text)
    end
    for _, member in ipairs(value.metrics) do
      if member.name and (member.datatype or member.is_null) then
        self:value(metric, path .. "/" .. member.name, plain .. "/" .. member.name, member.value,
          member.datatype, member.text)
      end
    end
  elseif datatype == "DataSet" then
    dataset(self, metric, path, plain, value)
  elseif type(value) == "table" then
    array(self, metric, path, plain, value, datatype)
  else
    self:scalar(metric, path, plain, value, datatype, text)
  end
end

--- Put a metric with its name and datatype.
function filling:metric(metric)
  local name = metric.name
  local is_template = metric.datatype == "Template"
  if is_template and metric.value and metric.value.is_definition then return end
  self.time, self.bad, self.seen = seconds(metric.timestamp) or seconds(self.fallback),
    bad_quality(metric), nil
  if metric.value ~= nil and type(metric.value) ~= "table" then -- most of them
    return self:scalar(metric, name, name, metric.value, metric.datatype, metric.text)
  end
  self.seen = {}
  self:value(metric, name, name, metric.value, metric.datatype, metric.text)
  if metric.value == nil then self:missing_parts(name, self.bad or "type")
  elseif type(metric.value) == "table" and not is_template then
    self:missing_parts(name, "missing") end
end

-- ---- plain metrics, which are read in C ----

local found, native = pcall(require, "tagline.metrics")

--- For specs: true reads all messages in Lua.
tags.slow = false

--- What reads the plain metrics of a birth's data messages for a station: `reader:read(bytes,
--- keep_historical)`, core/codec/l_metrics.c. nil: there is none (yet).
function book:reader(station, scope)
  local one = scope and scope.readers and scope.readers[station_key(station)]
  -- the connection was lost meanwhile: who fills a tag is not known any more
  if not one or one.owners ~= self.owners[station_key(station)] or tags.slow then return nil end
  return one.native
end

-- Is this metric, which has filled its tag, just what the birth said of it?
local function is_as_born(metric, def, defs)
  return def and metric.datatype == def.datatype
    and (metric.alias == nil or defs.aliases[metric.alias] == def)
end

local function alias_of(defs, def)
  if not defs.by_name then
    defs.by_name = {}
    for alias, one in pairs(defs.aliases) do defs.by_name[one.name] = alias end
  end
  return defs.by_name[def.name]
end

-- The tag is this metric's by now; but as long as it has not come under its alias, it is not known
-- by that.
function filling:tell(one, name, alias, datatype)
  local tag, fills = self:place_of(name, name)
  local owner = tag and self.owners[tag]
  if owner and owner.alias ~= alias then return end
  one.told[name] = true
  one.native:tell(name, alias, datatype, fills and tag or false)
end

--- After the metrics of a data message: tell the reader of those that it can read, so that the
--- next such message needs no Lua. A metric that comes under other names than its birth's ends
--- that, for this birth.
---@param scope table of the host
---@param datatypes table<string, integer> numbers by name
function filling:teach(scope, metrics, datatypes)
  local defs = scope.defs
  if not found or tags.slow or scope.unreadable or defs.twice then return end
  scope.readers = scope.readers or {}
  local one = scope.readers[self.key]
  if not one or one.owners ~= self.owners then
    one = { native = native.reader(), owners = self.owners, told = {} }
    scope.readers[self.key] = one
  end
  for _, metric in ipairs(metrics) do
    local name = metric.name
    local def = name and defs.names[name]
    if def and not is_as_born(metric, def, defs) then
      scope.unreadable, scope.readers = true, nil
      return
    end
    if def and not one.told[name] and not self.parts[name] then
      self:tell(one, name, alias_of(defs, def), datatypes[def.datatype] or 0)
    end
  end
end

-- ---- what is gone ----

--- Make the tags invalid whose metrics are of this node (and device, when one is given), and
--- forget what filled them; with `birth`, only those that were not seen in that birth.
function filling:forget(device, reason, birth)
  self.time = seconds(self.fallback)
  for tag, owner in pairs(self.owners) do
    if owner.node == self.node and (device == nil or owner.device == device) and owner.birth
      ~= birth then
      if not self.wanted or self.wanted[tag] then
        self:put(tag, { status = "invalid", reason = reason, time = self.time })
      end
      self.owners[tag] = nil
    end
  end
end

--- Make all tags invalid that no metric is known to fill.
function filling:forget_unknown(reason)
  self.time = seconds(self.fallback)
  for tag, fills in pairs(self.wanted or {}) do
    if fills and not self.owners[tag] then
      self:put(tag, { status = "invalid", reason = reason, time = self.time })
    end
  end
end

--- Does any metric fill a tag of the station?
function filling:has_owners() return next(self.owners) ~= nil end

--- Keep what a message of another station made, for that station's next message.
function book:keep(station, made)
  local key = station_key(station)
  local list = self.waiting[key] or {}
  self.waiting[key] = list
  list[#list + 1] = made
end

--- What was kept for a station; nil when nothing was.
function book:kept(station)
  local key = station_key(station)
  local list = self.waiting[key]
  self.waiting[key] = nil
  return list
end

--- What was read in C is good until the next message: tables of it.
function tags.keep(made)
  if made and made.read then made.samples, made.read = made.read:samples(), nil end
  return made
end

--- What decode returns for a list of messages, in their order: a table by name, or samples when
--- there are several values of a tag; nil for none. Behind a time that is not told, the station's
--- status when the last one is a death.
---@param list table[] what messages made; or { read = values }: what a reader made of one
---@param direct? boolean the values of one reader may be returned as they are
---@return (table|userdata)?, number?, string?
function tags.result(list, direct)
  local last = list[#list]
  if not last then return nil end
  if direct and last.read and #list == 1 then return last.read:lend() end
  tags.keep(last)
  local dead = last.dead and "StHardErr" or nil
  if #list == 1 and not last.samples[2] then
    if dead then return last.samples[1], last.time, dead end
    return last.samples[1]
  end
  local samples = {}
  for _, made in ipairs(list) do
    for _, values in ipairs(made.samples) do samples[#samples + 1] = { values = values } end
  end
  if dead then return samples, last.time, dead end
  return samples
end

return tags
