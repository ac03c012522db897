--- A host application's side of Sparkplug B: what edge nodes and devices said at birth, sequence
--- numbers, deaths, rebirth requests. State is in memory: after a start or a reload of the
--- config, a node's first message asks for its births again.
local payload = require "tagline.codec.sparkplug_b.payload"
local datatypes = require "tagline.codec.sparkplug_b.datatypes"
local topic = require "tagline.codec.sparkplug_b.topic"
local tags = require "tagline.codec.sparkplug_b.tags"
local order = require "tagline.codec.sparkplug_b.order"
local births = require "tagline.codec.sparkplug_b.births"
local clock = require "tagline.codec.sparkplug_b.clock"
local lines = require "tagline.codec.sparkplug_b.line"
local commands = require "tagline.codec.sparkplug_b.command"
local host_options = require "tagline.codec.sparkplug_b.host_options"

local hosts = {}

local ASKED_AT_ONCE = 200 -- nodes that a turn of the loop asks for their births
local IN_VAIN = 3 -- requests without an answer, after which a node is told of
local AGAIN = 30 -- requests between two such words: each takes what decode gives to all its tags

local function give_up(text, ...) error("sparkplug_b: " .. text:format(...), 0) end

-- ---- what is wrong with a message ----

-- A fault is told; others (`quiet`) only to on_error.
local function note(c, quiet, text, ...)
  text = c.node.key .. ": " .. text:format(...)
  if c.options.on_error then c.options.on_error("sparkplug_b: " .. text, c.msg)
  elseif not quiet then c.fault = c.fault or text end
end

-- A node that was not born yet was asked for its births.
local function count_asked(c)
  local node = c.node
  if node.born then return end
  node.in_vain = node.in_vain and node.in_vain + 1 or 0 -- the requests before this one
  c.in_vain = node.in_vain >= IN_VAIN and (node.in_vain - IN_VAIN) % AGAIN == 0
end

-- Asked for too soon after the last time (a node whose messages never agree would be kept being
-- born), it is asked for with a later message.
local function ask_rebirth(c, why)
  local node, options = c.node, c.options
  node.wants = why
  local now = c.msg.time or 0
  local since = node.asked and now - node.asked
  if options.on_rebirth == false or since and since >= 0
    and since < (options.rebirth_interval or 10) then
    return
  end
  node.asked, node.wants = now, nil
  local to, bytes = topic.rebirth(node.group, node.edge, now > 0 and math.floor(now * 1000 + 0.5)
    or nil)
  if options.on_rebirth then
    count_asked(c)
    return options.on_rebirth(to, bytes, c.msg, why)
  end
  local line = c.line or c.msg.station and c.msg.station.line
  if line == nil then return end
  local ok, reason = line:publish(to, bytes, { qos = 0, retain = false })
  if not ok then
    node.asked, node.wants = nil, why
    note(c, false, "cannot ask for a rebirth: %s", tostring(reason))
  else
    count_asked(c)
  end
end

local function check_seq(c, seq)
  local node = c.node
  if c.options.check_seq == false or not node.born then return end
  local expected = node.seq and (node.seq + 1) % 256
  if seq == expected and seq then
    node.seq = seq -- what is held comes after it
    return
  end
  order.reset(node, order.is_valid(seq) and seq or nil)
  if not node.seq then
    note(c, false, "expected a seq from 0 to 255, got %s", seq and tostring(seq) or "none")
  elseif expected then
    note(c, false,
      "expected seq %d, got %d: messages were lost, or go to stations with another decode",
        expected, seq)
    ask_rebirth(c, "seq")
  end
end

-- ---- messages ----

local function bdseq_of(m)
  for _, metric in ipairs(m.metrics) do
    if metric.name == "bdSeq" then return metric.value or metric.wire_value end
  end
end

local function put_metrics(c, filling, metrics)
  local unknown
  for _, metric in ipairs(metrics) do
    local known = metric.name and metric.name ~= "" and (metric.datatype or metric.is_null)
    if not known then
      unknown = unknown or metric
    elseif not (metric.is_historical and c.options.historical == false) then
      filling:metric(metric)
    end
  end
  return unknown
end

local messages = {}

local function birth(c, m, device)
  local scope = c.host.memory:remember(c.node, device, m.metrics)
  local filling = c.host.book:begin(c.msg, c.node, device, scope.birth, m.timestamp)
  filling.is_birth = true
  put_metrics(c, filling, m.metrics)
  filling:forget(device, "missing", scope.birth)
  return filling
end

function messages.NBIRTH(c, m)
  local node, bdseq = c.node, bdseq_of(m)
  local again = node.born and node.bdseq == bdseq
  local filling = birth(c, m, "")
  if not again then -- a new session: its devices are yet to be born
    for device in pairs(node.scopes) do
      if device ~= "" then
        c.host.memory:forget_scope(node, device)
        filling:forget(device, "disconnected")
      end
    end
  end
  node.born, node.bdseq, node.wants, node.in_vain = true, bdseq, nil, nil
  order.reset(node, order.is_valid(m.seq) and m.seq or nil)
  if m.seq ~= 0 then
    note(c, true, "expected seq 0 in NBIRTH, got %s", m.seq and tostring(m.seq) or "none")
  end
  return filling
end

function messages.NDEATH(c, m)
  local node, bdseq = c.node, bdseq_of(m)
  if node.born and node.bdseq and bdseq and node.bdseq ~= bdseq then
    note(c, true, "expected an NDEATH with bdSeq %s, got %s: that of an earlier session, ignored",
      tostring(node.bdseq),
      tostring(bdseq))
    return nil
  end
  -- Its timestamp is that of the CONNECT which left it with the broker: the time of death is that
  -- of arrival.
  local filling = c.host.book:begin(c.msg, node, "", 0, nil)
  if not node.born then filling:forget_unknown("disconnected") end
  filling:forget(nil, "disconnected")
  filling.dead = not filling:has_owners()
  c.host.memory:unborn_again(node)
  return filling
end

-- Without an NBIRTH nothing is known of its aliases: expected after a start, and mended by a
-- rebirth.
local function check_born(c)
  if c.node.born then return end
  note(c, true, "no NBIRTH was seen")
  ask_rebirth(c, "unknown node")
end

function messages.DBIRTH(c, m)
  check_born(c)
  check_seq(c, m.seq)
  return birth(c, m, c.device)
end

function messages.DDEATH(c, m)
  check_born(c)
  check_seq(c, m.seq)
  c.host.memory:forget_scope(c.node, c.device)
  local filling = c.host.book:begin(c.msg, c.node, c.device, 0, m.timestamp)
  local had = filling:has_owners()
  filling:forget(c.device, "disconnected")
  filling.dead = had and not filling:has_owners()
  return filling
end

function messages.NDATA(c, m)
  local scope = c.node.scopes[c.device]
  check_born(c)
  check_seq(c, m.seq)
  if m.read then return m end -- in C
  local filling = c.host.book:begin(c.msg, c.node, c.device, scope and scope.birth or 0,
    m.timestamp)
  local unknown = put_metrics(c, filling, m.metrics)
  if scope then filling:teach(scope, m.metrics, datatypes.numbers) end
  if c.node.born and not scope then
    note(c, false, "expected DBIRTH of device %q before its DDATA", c.device)
    ask_rebirth(c, "unknown device")
  elseif c.node.born and unknown then
    local named = unknown.name and unknown.name ~= ""
    local what = named and ("metric %q without a datatype"):format(unknown.name)
      or unknown.alias and "alias " .. datatypes.unsigned_text(unknown.alias)
        or "a metric without name and alias"
    note(c, false, "expected metrics of the birth certificate, got %s", what)
    ask_rebirth(c, named and "unknown metric" or "unknown alias")
  elseif c.in_vain and unknown and filling:is_empty() then
    note(c, false,
      "has not answered %d requests for its births: does it take the NCMD 'Node Control/Rebirth'?",
      IN_VAIN)
  end
  return filling
end
messages.DDATA = messages.NDATA

local is_data = { NDATA = true, DDATA = true }
local sequenced = { NDATA = true, DBIRTH = true, DDATA = true, DDEATH = true }

local MOST_TOPICS = 20000

-- The parts of a topic, with the node; nil for what is not for a host. Topics that come again are
-- remembered, some of them.
local function parse(self, text)
  local t = self.topics[text]
  if t then
    t.node = self.memory:node_of(t)
    return t
  end
  local why
  t, why = topic.parse(text)
  if not t then give_up("%s", why) end
  if not messages[t.type] then return nil end -- commands and STATE
  t.node, t.device, t.key = self.memory:node_of(t), t.device or "", t.group .. "/" .. t.edge
  if self.topic_count >= MOST_TOPICS then self.topics, self.topic_count = {}, 0 end
  self.topics[text], self.topic_count = t, self.topic_count + 1
  return t
end

-- One message that is due: what it makes of the tags, or nil; and its fault.
local function take(self, msg, t, m)
  local c = { host = self, options = self.options, msg = msg, node = t.node, device = t.device }
  local filling = messages[t.type](c, m)
  if c.node.wants then ask_rebirth(c, c.node.wants) end
  return filling, c.fault
end

local function read(self, msg, t)
  local scope = t.node.scopes[t.device]
  local is_birth = t.type == "NBIRTH" or t.type == "DBIRTH"
  if is_data[t.type] then
    local reader = self.book:reader(msg.station, scope)
    local values, seq, timestamp
    if reader then
      values, seq, timestamp = reader:read(msg.payload, self.options.historical ~= false)
    end
    if values then return { read = values, seq = seq, timestamp = timestamp } end
  end
  local m, why = payload.read(msg.payload, { max_inflated = self.options.max_inflated,
    resolve = not is_birth and births.resolver(scope) or nil })
  return m or give_up("%s: %s", t.type, why)
end

-- Hold a message back that came before those of a lower number.
local function hold(self, msg, t, seq)
  local node, seconds = t.node, self.options.reorder_timeout or 0
  if seconds <= 0 or not sequenced[t.type] or not node.born or self.options.check_seq == false then
    return false
  end
  local kept
  local function make() -- msg is empty once decode has returned
    kept = { topic = msg.topic, payload = msg.payload, time = msg.time, station = msg.station }
    return kept
  end
  return order.hold(node, seq, make, #msg.payload, seconds, function(expected)
    local now = clock.now_ms()
    local c = { host = self, options = self.options, node = node, device = "",
      msg = { time = now and now / 1000, station = kept.station, topic = kept.topic } }
    ask_rebirth(c, "seq")
    note(c, false,
      "expected seq %d within %g s: messages were lost, those after it were dropped", expected,
        seconds)
    if c.fault then give_up("%s", c.fault) end
  end)
end

-- What comes of held messages goes to their stations; another one's with its next message.
local function release(self, node, station, first)
  local results, fault = { tags.keep(first) }, nil
  for kept in function() return order.next(node) end do
    local ok, filling, why = pcall(function()
      local t = parse(self, kept.topic)
      local made, wrong = take(self, kept, t, read(self, kept, t))
      return tags.keep(made), wrong
    end)
    fault = fault or not ok and filling or why or nil
    if ok and filling then
      if tags.key(kept.station) == tags.key(station) then results[#results + 1] = filling
      else self.book:keep(kept.station, filling) end
    end
  end
  return results, fault
end

-- ---- the connection ----

-- Aliases hold for one connection only: what was born before its end must be born again.
local function lost(self)
  for _, node in pairs(self.memory.nodes) do
    if node.born then self.memory:unborn_again(node) end
    node.asked, node.in_vain = nil, nil
  end
  self.book:lose()
  local stations = self.stations
  self.stations = {}
  for _, station in pairs(stations) do clock.lost(station) end
end

-- Some at a time: what a broker takes at once is not without end.
local function ask_all(self, line, list, from)
  local now = clock.now_ms()
  for i = from, math.min(#list, from + ASKED_AT_ONCE - 1) do
    local node = list[i]
    if self.memory.nodes[node.key] == node and not node.born then
      local c = { host = self, options = self.options, node = node, device = "", line = line,
        msg = { time = now and now / 1000 } }
      ask_rebirth(c, "connected")
    end
  end
  if from + ASKED_AT_ONCE <= #list then
    order.later(function() ask_all(self, line, list, from + ASKED_AT_ONCE) end)
  end
end

-- After a break; a new host knows no nodes.
local function connected(self, line)
  self.connection = nil
  local list = {}
  for _, node in pairs(self.memory.nodes) do list[#list + 1] = node end
  table.sort(list, function(a, b) return a.key < b.key end)
  ask_all(self, line, list, 1)
end

-- Of which connection a message is: also a line without our handlers must not mix aliases.
local function notice_connection(self, station)
  if station == nil then return end
  local number = clock.connection(station)
  if self.connection and number and number ~= self.connection then lost(self) end
  self.connection = number or self.connection
  self.stations[tags.key(station)] = station
end

-- `direct`: what was read in C may be returned as it is.
local function decode(self, msg, direct)
  local t = parse(self, msg.topic)
  if not t then return nil end
  notice_connection(self, msg.station)
  local m = read(self, msg, t)
  local kept = self.book:kept(msg.station)
  if hold(self, msg, t, m.seq) then return tags.result(kept or {}) or {} end
  local filling, fault = take(self, msg, t, m)
  local results = { filling }
  if t.node.held and t.node.held_count > 0 then
    local later
    results, later = release(self, t.node, msg.station, filling)
    fault = fault or later
  end
  if fault and not (filling and filling.dead) then
    error(fault:find("^sparkplug_b: ") and fault or "sparkplug_b: " .. fault, 0)
  end
  if kept then table.move(results, 1, #results, #kept + 1, kept) end
  return tags.result(kept or results, direct)
end

--- A `decode` that keeps what births said. Several stations may share one; its `encode` writes to
--- the metrics it has seen. What comes back is called: `host(msg)`; it has `encode(tag, value,
--- station)`, `line(fields)`, and what that puts into a line.
---@param options? tagline.sparkplug.HostOptions
---@return table host
function hosts.new(options)
  host_options.check(options or {})
  options = options or {}
  local self = { options = options, memory = births.new(), book = tags.new(options), stations = {},
    topics = {}, topic_count = 0 }
  local host = { encode = function(tag, value, station)
    return commands.of_tag(self.book, tag, value, station)
  end }
  lines.equip(host, options.host_id, function(line) connected(self, line) end,
    function() lost(self) end)
  return setmetatable(host, { __call = function(_, msg) return decode(self, msg) end,
    -- core/script/hooks.c: what a station calls whose decode is this host itself
    __direct = function(msg) return decode(self, msg, true) end })
end

return hosts
