--- Checks one line: its parameters, and its stations against them and against each other; and
--- the lines against each other.
local filters = require "tagline.config.filters"
local environment = require "tagline.config.environment"
local kinds = require "tagline.config.kinds"
local places = require "tagline.config.places"
local shapes = require "tagline.config.shapes"
local station = require "tagline.config.station"
local tag = require "tagline.config.tag"
local times = require "tagline.config.times"
local transport = require "tagline.config.transport"

local metatable = debug.getmetatable -- past __metatable

local line = {}

local Line = { __name = "line", __metatable = "line" }
line.meta = Line

local handlers = { on_connect = true, before_disconnect = true, on_disconnect = true,
  on_value = true }

local Checker = {}
Checker.__index = Checker

function line.new(load)
  return setmetatable({ load = load, lines = {} }, Checker)
end

function Checker:problem(one, field, text, key, severity, item)
  self.load.problems:add { at = one.at, word = "line", name = one.name, line = one, field = field,
    key = key, text = text, item = item, severity = severity }
end

local function station_problem(self, st, field, text, severity)
  self.load.problems:add { at = st.at, word = "station", name = st.name, station = st,
    field = field, text = text,
    severity = severity, rank = st.seq }
end

--- Values by position: stations, or lists of them.
local function collect(self, one, given, key, depth)
  local meta = type(given) == "table" and metatable(given)
  if given == self.load.poison then return end
  if meta == station.meta then
    if given.taken then
      self:problem(one, nil, ("station '%s' is used twice, first in line '%s'"):format(given.name,
        given.line.name), key)
      return
    end
    given.taken, given.line = true, one
    one.stations[#one.stations + 1] = given
  elseif meta == Line then
    self:problem(one, nil, ("expected no line inside a line, got line '%s'"):format(given.name),
      key)
  elseif type(given) == "table" and not meta and depth < 8 then
    for _, item in ipairs(given) do collect(self, one, item, key, depth + 1) end
    local odd = next(given, #given > 0 and #given or nil)
    if odd ~= nil and (math.type(odd) ~= "integer") then
      self:problem(one, nil,
        ('expected a station (station "name" { … }), got a table with the field %s')
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
      local wrong, normal, all = field.check(value)
      if wrong then
        wrong_fields[key] = true
        for i, text in ipairs(all or { wrong }) do
          self:problem(one, key, text, key, nil, i)
        end
      elseif handlers[key] then
        one[key] = normal
      elseif key == "will_message" and type(normal) ~= "string" then
        one.will = normal
      elseif key == "ws_headers" and not kinds.handler(normal) then
        one.ws_headers, params.ws_headers = normal, normal
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
  if not params.host and not bad.host then
    self:problem(one, nil, 'expected host = "…" (the broker\'s address), got none')
  end
  if params.password and not params.user_name and not bad.user_name then
    self:problem(one, "password", "expected a user_name beside the password, got none")
  end
  if params.password and params.password:find("\0", 1, true) then
    self:problem(one, "password", "has a NUL byte: is the file that it comes from UTF-16?", nil,
      "warning")
  end
  if params.will_flag and not params.will_topic and not bad.will_topic then
    self:problem(one, "will_flag", "expected a will_topic beside will_flag, got none")
  end
  local will = params.will_topic and "will_topic"
    or ((params.will_message or "") ~= "" or one.will) and "will_message"
  if will and given.will_flag == nil then
    self:problem(one, will, "does nothing: the broker gets a will with will_flag = true only", nil,
      "warning")
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
    self:problem(one, "client_id", "is blank: the session is clean, whatever clean_session says",
      nil, "warning")
  end
  if params.session_store then
    params.session_store = places.path(self.load, params.session_store)
  end
  if bad.host or bad.port or bad.tls then return end
  transport.relate(params, given, function(field, text, severity)
    if not bad[field] then self:problem(one, field, text, nil, severity) end
  end, self.load.core, self.load.folder, environment.read)
end

--- The merged parameters of a station; equal ones are one table.
local function merge(self, one, st, memo)
  local shape = self.load.shapes.station
  local given, key = st.params, ""
  if given then
    local parts = {}
    local function add(name)
      local value = given[name]
      parts[#parts + 1] = value == nil and "" or type(value):sub(1, 1) .. #tostring(value) .. ":"
        .. tostring(value)
    end
    for _, name in ipairs(shapes.inherited) do add(name) end
    for _, name in ipairs(shape.own) do add(name) end
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
    for _, name in ipairs(shape.own) do -- a flag that is false says as much as nothing
      params[name] = given[name]
      if params[name] == nil then params[name] = shape.fields[name].default or nil end
    end
    memo[key] = params
  end
  st.params = params
end

local function check_json_tags(self, st)
  for _, one in ipairs(st.tags) do
    if one.address:sub(1, 3) == "JA=" and not one.problems then
      self.load.problems:add { at = one.at, word = one.type, name = one.name, station = st,
        tag = one.name, field = "address",
        key = 1, severity = "warning", rank = st.seq + 0.5,
        text =
          ('JA= needs payload_type = "JSON", here it is "Text only": the tag will never have a \z
            value') }
    end
  end
end

--- A will that can never come, and one that leaves no message to the station.
local function check_will(self, st, list)
  local topic, payload = st.params.station_will_topic, st.params.station_will_payload
  if not topic then return end
  local field, own_topic = st.will_word or "station_will_topic", topic == st.address
  if own_topic and (payload or "") == "" then
    station_problem(self, st, field,
      "every message of the station is its will: a station_will_payload says which one is",
        "warning")
  elseif not topic:find("{", 1, true) and not filters.let_in(self.load.core, list, topic)
    and not (own_topic and st.params.subscribe_address) then
    station_problem(self, st, field, ("never comes: topic_filter %s does not let %s in"):format(
      kinds.got(table.concat(list, ", ")), kinds.got(topic)), "warning")
  end
end

--- What a station keeps from one message to the next, which a message that another process got
--- would change; nil: nothing.
local function state_of(st)
  local params = st.params
  if st.groups then return "named groups" end
  if params.no_data_timeout > 0 then return "no_data_timeout" end
  if params.station_will_topic then return st.will_word or "station_will_topic" end
  for _, handler in ipairs { "decode", "encode" } do
    local fn = st[handler]
    local meta = type(fn) == "table" and metatable(fn)
    if meta then fn = meta.__call end
    if type(fn) == "function" and debug.getinfo(fn, "S").source:find("sparkplug_b", 1, true) then
      return "Sparkplug"
    end
  end
  for _, one in ipairs(st.tags) do
    if one.deadband and one.deadband > 0 then
      return ("the deadband of tag '%s'"):format(one.name)
    end
    local history = type(one.history) == "table" and one.history or {}
    for _, option in ipairs { "deadband", "max_silence" } do
      if history[option] then return ("history.%s of tag '%s'"):format(option, one.name) end
    end
  end
end

local function shared_filter(one)
  for _, filter in ipairs(one.params.topic_filter) do
    if filters.is_shared(filter) then return filter end
  end
end

--- A shared subscription parts the messages of one device between processes.
local function check_shared(self, one)
  local shared = shared_filter(one)
  if not shared then return end
  for _, st in ipairs(one.stations) do
    local state = state_of(st)
    if state then
      local text = ("keeps state (%s), but topic_filter %s gives each process a part of its \z
        messages only"):format(state, kinds.got(shared))
      station_problem(self, st, nil, text, "warning")
    end
  end
end

--- The line's filters, and the addresses that its stations subscribe to, against each other.
local function check_overlap(self, one)
  local a, b = filters.first_overlap(one.params.topic_filter)
  if a then
    self:problem(one, "topic_filter",
      ("%s and %s let the same topics in: some brokers send such a message twice"):format(
        kinds.got(a),
      kinds.got(b)), nil, "warning")
  end
end

local function check_stations(self, one)
  local core, list = self.load.core, one.params.topic_filter
  local names, addresses, memo, all_of_it, without_json = {}, {}, {}, nil, {}
  for _, st in ipairs(one.stations) do
    local own = st.params
    merge(self, one, st, memo)
    local field, unused = times.of_station(st, own)
    if field then station_problem(self, st, field, unused, "warning") end
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
      station_problem(self, st, "subscribe_address",
        ("%s is a regular expression, which a broker does not know: topic_filter must let its "
        .. "topics in"):format(kinds.got(st.address)), "warning")
    end
    local chosen = list ~= self.load.shapes.line.fields.topic_filter.default
    if subscribed and chosen and st.address and filters.let_in(core, list, st.address) then
      station_problem(self, st, "subscribe_address",
        ("topic_filter %s lets %s in already: some brokers send such a message twice"):format(
        kinds.got(table.concat(list, ", ")), kinds.got(st.address)), "warning")
    end
    check_will(self, st, list)
    if all_of_it and st.address and st.address ~= "#" then
      station_problem(self, st, "address",
        ("never matches: station '%s' (\"#\") takes every message of the line")
        :format(all_of_it.name), "warning")
    elseif st.address and not subscribed and #list > 0 then
      -- An expression that begins with $, the end of the text, matches nothing: it can only
      -- equal a topic.
      local is_topic = self.load.checker:is_topic(st.address) or st.address:find "^%$%a"
      local may = is_topic and filters.let_in(core, list, st.address) or not is_topic
        and filters.some_may_let_in(list, st.address)
      if not may then
        station_problem(self, st, "address",
          ("never matches: topic_filter %s does not let %s in"):format(
          kinds.got(table.concat(list, ", ")), kinds.got(st.address)), "warning")
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
  local field, unused = times.of_line(one, given)
  if field then self:problem(one, field, unused, nil, "warning") end
  check_overlap(self, one)
  check_shared(self, one)
  self.lines[#self.lines + 1] = one
  return one
end

--- The lines against each other, when all are there.
function Checker:across()
  local names, clients = {}, {}
  for _, one in ipairs(self.lines) do
    if #one.stations == 0 and #one.params.topic_filter > 0 and not self.load.problems.failed then
      self:problem(one, nil, "has no station: nothing that it receives becomes a value", nil,
        "warning")
    end
    local params = one.params
    if self.load.outlets[1] and params.subscribe_qos == 2 and params.history ~= false
      and not params.session_store then
      self:problem(one, "subscribe_qos", "is 2 without session_store: after a kill a value may be \z
        stored twice; give session_store = \"FOLDER\"", nil, "warning")
    end
    local shared, timer = shared_filter(one), self.load.timers[1]
    if shared and timer then
      local text = ("%s divides the messages between processes, and %s in line %d runs in each \z
        of them"):format(kinds.got(shared), timer.kind, timer.at.line)
      self:problem(one, "topic_filter", text, nil, "warning")
    end
    local before = names[one.name]
    if before and one.name ~= "?" then
      self:problem(one, nil, ("duplicate name: there is a line '%s' in line %d already"):format(
        one.name, before.at.line))
    end
    names[one.name] = before or one
    for _, host in ipairs(one.params.client_id ~= "" and one.params.host or {}) do
      local _, name, port = transport.address(self.load.core, host, one.params)
      local key = ("%s\0%d\0%s"):format(name:lower(), port, one.params.client_id)
      before = clients[key]
      if before and before ~= one and before.name ~= one.name then
        self:problem(one, "client_id",
          ("%s at %s:%d is that of line '%s' too: the broker will end one for the other")
          :format(kinds.got(one.params.client_id), name, port, before.name), nil, "warning")
        break
      end
      clients[key] = one
    end
  end
end

return line
