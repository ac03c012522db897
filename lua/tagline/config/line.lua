--- Checks one line: its parameters, and its stations against them and against each other; and the lines against
--- each other.
local kinds = require "tagline.config.kinds"
local shapes = require "tagline.config.shapes"
local station = require "tagline.config.station"
local tag = require "tagline.config.tag"

local metatable = debug.getmetatable -- past __metatable

local line = {}

local Line = { __name = "line", __metatable = "line" }
line.meta = Line

local handlers = { on_connect = true, on_disconnect = true, on_value = true }

local Checker = {}
Checker.__index = Checker

function line.new(load)
  return setmetatable({ load = load, lines = {} }, Checker)
end

function Checker:problem(one, field, text, key, severity)
  self.load.problems:add { at = one.at, word = "line", name = one.name, line = one, field = field, key = key, text = text,
    severity = severity }
end

local function station_problem(self, st, field, text, severity)
  self.load.problems:add { at = st.at, word = "station", name = st.name, station = st, field = field, text = text,
    severity = severity, rank = st.seq }
end

--- Values by position: stations, or lists of them.
local function collect(self, one, given, key, depth)
  local meta = type(given) == "table" and metatable(given)
  if given == self.load.poison then return end
  if meta == station.meta then
    if given.taken then
      self:problem(one, nil, ("station '%s' is used twice, first in line '%s'"):format(given.name, given.line.name), key)
      return
    end
    given.taken, given.line = true, one
    one.stations[#one.stations + 1] = given
  elseif meta == Line then
    self:problem(one, nil, ("expected no line inside a line, got line '%s'"):format(given.name), key)
  elseif type(given) == "table" and not meta and depth < 8 then
    for _, item in ipairs(given) do collect(self, one, item, key, depth + 1) end
    local odd = next(given, #given > 0 and #given or nil)
    if odd ~= nil and (math.type(odd) ~= "integer") then
      self:problem(one, nil, ('expected a station (station "name" { … }), got a table with the field %s')
        :format(kinds.got(odd)), key)
    end
  else
    local got = meta == tag.meta and "a tag, which belongs into a station" or kinds.got(given)
    self:problem(one, nil, ('expected a station (station "name" { … }), got %s'):format(got), key)
  end
end

local function check_fields(self, one, given)
  local shape, params = self.load.shapes.line, one.params
  local positions, wrong_fields = {}, {}
  for key, value in pairs(given) do
    local field = shape.fields[key]
    if math.type(key) == "integer" then
      positions[#positions + 1] = key
    elseif value == self.load.poison then
      wrong_fields[key] = true
    elseif not field then
      self:problem(one, tostring(key), "unknown field" .. self.load:hint(key, shape), key)
    else
      local wrong, normal = field.check(value)
      if wrong then
        wrong_fields[key] = true
        self:problem(one, key, wrong, key)
      elseif handlers[key] then
        one[key] = normal
      elseif key == "will_message" and type(normal) ~= "string" then
        one.will = normal
      elseif normal ~= nil then
        params[key] = normal
      end
    end
  end
  for _, name in ipairs(shape.names) do
    if params[name] == nil and not handlers[name] then params[name] = shape.fields[name].default end
  end
  if params.client_id == nil then params.client_id = "tagline-" .. one.name end
  table.sort(positions)
  for _, key in ipairs(positions) do collect(self, one, given[key], key, 0) end
  return wrong_fields
end

local function check_relations(self, one, given, bad)
  local params = one.params
  if not params.host and not bad.host then self:problem(one, nil, 'expected host = "…" (the broker\'s address), got none') end
  if params.password and not params.user_name and not bad.user_name then
    self:problem(one, "password", "expected a user_name beside the password, got none")
  end
  if params.will_flag and not params.will_topic and not bad.will_topic then
    self:problem(one, "will_flag", "expected a will_topic beside will_flag, got none")
  end
  if params.reconnect_delay_max < params.reconnect_delay and not bad.reconnect_delay_max then
    self:problem(one, given.reconnect_delay_max and "reconnect_delay_max" or "reconnect_delay",
      ("expected reconnect_delay_max of at least reconnect_delay (%s), got %s")
      :format(kinds.got(params.reconnect_delay), kinds.got(params.reconnect_delay_max)))
  end
  if params.session_store and (params.clean_session or params.client_id == "") then
    self:problem(one, "session_store", ("is not used: %s makes the session a clean one"):format(
      params.clean_session and "clean_session" or "the blank client_id"), nil, "warning")
  end
  if params.client_id == "" and not params.clean_session then
    self:problem(one, "client_id", "is blank: the session is clean, whatever clean_session says", nil, "warning")
  end
end

-- A station's parameters: the inherited ones and its own.
local own = { "time_filter", "no_data_timeout", "subscribe_address", "on_missing", "station_will_topic", "station_will_payload",
  "max_instances" }
local all = table.move(own, 1, #own, #shapes.inherited + 1, table.move(shapes.inherited, 1, #shapes.inherited, 1, {}))

--- The merged parameters of a station; equal ones are one table.
local function merge(self, one, st, memo)
  local given, key = st.params, ""
  if given then
    local parts = {}
    for i, name in ipairs(all) do
      local value = given[name]
      parts[i] = value == nil and "" or type(value):sub(1, 1) .. #tostring(value) .. ":" .. tostring(value)
    end
    key = table.concat(parts, "\0")
  end
  local params = memo[key]
  if not params then
    params = {}
    given = given or {}
    for _, name in ipairs(shapes.inherited) do
      params[name] = given[name]
      if params[name] == nil then params[name] = one.params[name] end
    end
    for _, name in ipairs(own) do
      params[name] = given[name]
      if params[name] == nil then params[name] = self.load.shapes.station.fields[name].default end
    end
    memo[key] = params
  end
  st.params = params
end

--- Can the line's filters let this topic in?
local function let_in(core, filters, topic)
  local dollar = topic:byte(1) == 36
  for _, filter in ipairs(filters) do
    if filter == "#" and not dollar or core.filter_match(filter, topic) then return true end
  end
  return false
end

--- What every topic that the expression matches begins with, as far as that is plain to see.
local function beginning(address)
  if address:gsub("\\.", ""):gsub("%b[]", ""):gsub("%b()", ""):find("|", 1, true) then return "" end
  local from = address:byte(1) == 94 and 2 or 1 -- ^
  local stop = address:find("[%^$.%[%]()?*+{}\\]", from) or #address + 1
  if address:find("^[?*{]", stop) then stop = utf8.offset(address, -1, stop) or from end -- what may be there, or not
  return address:sub(from, stop - 1)
end

--- Can a filter let a topic in that begins so? The last level of the beginning may go on.
local function may_let_in(filter, begins)
  filter = filter:gsub("^%$share/[^/]*/", "")
  if #begins > 0 and (begins:byte(1) == 36) ~= (filter:byte(1) == 36) then return false end -- $
  local at = 1
  for level in (filter .. "/"):gmatch "([^/]*)/" do
    if level == "#" then return true end
    local slash = begins:find("/", at, true)
    local there = begins:sub(at, (slash or 0) - 1)
    if not slash then return level == "+" or level:sub(1, #there) == there end
    if level ~= "+" and level ~= there then return false end
    at = slash + 1
  end
  return false
end

local function some_may_let_in(filters, address)
  local begins = beginning(address)
  if begins == "" then return true end
  for _, filter in ipairs(filters) do
    if may_let_in(filter, begins) then return true end
  end
  return false
end

local function check_json_tags(self, st)
  for _, one in ipairs(st.tags) do
    if one.address:sub(1, 3) == "JA=" and not one.problems then
      self.load.problems:add { at = one.at, word = one.type, name = one.name, station = st, tag = one.name, field = "address",
        key = 1, severity = "warning", rank = st.seq + 0.5,
        text = ('JA= needs payload_type = "JSON", here it is "Text only": the tag will never have a value') }
    end
  end
end

--- A will that can never come, and one that leaves no message to the station.
local function check_will(self, st, filters)
  local topic, payload = st.params.station_will_topic, st.params.station_will_payload
  if not topic then return end
  local field, own_topic = st.will_word or "station_will_topic", topic == st.address
  if own_topic and (payload or "") == "" then
    station_problem(self, st, field, "every message of the station is its will: a station_will_payload says which one is", "warning")
  elseif not topic:find("{", 1, true) and not let_in(self.load.core, filters, topic)
    and not (own_topic and st.params.subscribe_address) then
    station_problem(self, st, field, ("never comes: topic_filter %s does not let %s in"):format(
      kinds.got(table.concat(filters, ", ")), kinds.got(topic)), "warning")
  end
end

local function check_stations(self, one)
  local core, filters = self.load.core, one.params.topic_filter
  local names, addresses, memo, all_of_it, without_json = {}, {}, {}, nil, {}
  for _, st in ipairs(one.stations) do
    merge(self, one, st, memo)
    local before = names[st.name]
    if before and st.name ~= "?" then
      station_problem(self, st, nil, ("duplicate name: there is a station '%s' in line %d already")
        :format(st.name, before.at.line))
    end
    names[st.name] = before or st
    if st.address then
      before = addresses[st.address]
      if before then
        station_problem(self, st, "address", ("%s is the address of station '%s' already")
          :format(kinds.got(st.address), before.name))
      end
      addresses[st.address] = before or st
      if st.address == "#" then all_of_it = all_of_it or st end
    end
    if st.params.payload_type == "text" and without_json[st.tags] ~= false then
      local found = false
      for _, t in ipairs(st.tags) do found = found or t.address:sub(1, 3) == "JA=" end
      without_json[st.tags] = found
      if found then check_json_tags(self, st) end
    end
  end
  for _, st in ipairs(one.stations) do
    local subscribed = st.params.subscribe_address
    -- A topic may hold dots and dollars; with these it is an expression.
    if subscribed and st.address and st.address:find "[*?%[%](){}|\\^]" then
      subscribed = false
      station_problem(self, st, "subscribe_address", ("%s is a regular expression, which a broker does not know: topic_filter must let its "
        .. "topics in"):format(kinds.got(st.address)), "warning")
    end
    check_will(self, st, filters)
    if all_of_it and st.address and st.address ~= "#" then
      station_problem(self, st, "address", ("never matches: station '%s' (\"#\") takes every message of the line")
        :format(all_of_it.name), "warning")
    elseif st.address and not subscribed then
      -- An expression that begins with $, the end of the text, matches nothing: it can only equal a topic.
      local is_topic = self.load.checker:is_topic(st.address) or st.address:find "^%$%a"
      if is_topic and not let_in(core, filters, st.address) or not is_topic and not some_may_let_in(filters, st.address) then
        station_problem(self, st, "address", ("never matches: topic_filter %s does not let %s in"):format(
          kinds.got(table.concat(filters, ", ")), kinds.got(st.address)), "warning")
      end
    end
  end
end

--- Check the fields of a line and return its record. Problems go to the load's list.
function Checker:check(name, at, given)
  local one = setmetatable({ name = name, at = at, params = {}, stations = {} }, Line)
  local wrong = name ~= "?" and station.name_wrong(name)
  if wrong then self:problem(one, nil, wrong) end
  local bad = check_fields(self, one, given)
  check_relations(self, one, given, bad)
  check_stations(self, one)
  self.lines[#self.lines + 1] = one
  return one
end

--- The lines against each other, when all are there.
function Checker:across()
  local names, clients = {}, {}
  for _, one in ipairs(self.lines) do
    local before = names[one.name]
    if before and one.name ~= "?" then
      self:problem(one, nil, ("duplicate name: there is a line '%s' in line %d already"):format(one.name, before.at.line))
    end
    names[one.name] = before or one
    for _, host in ipairs(one.params.client_id ~= "" and one.params.host or {}) do
      local key = ("%s\0%d\0%s"):format(host:lower(), one.params.port, one.params.client_id)
      before = clients[key]
      if before and before ~= one then
        self:problem(one, "client_id", ("%s at %s:%d is that of line '%s' too: the broker will end one for the other")
          :format(kinds.got(one.params.client_id), host, one.params.port, before.name), nil, "warning")
        break
      end
      clients[key] = one
    end
  end
end

return line
