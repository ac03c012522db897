--- What birth certificates said, by edge node and device: the names, aliases and datatypes of
--- metrics. Bounded: where there is no room, the node that takes most of it gives way, not the
--- one that comes last.
local order = require "tagline.codec.sparkplug_b.order"

local births = {}

--- Bounds on what is remembered, whatever is received.
births.MOST_NODES, births.MOST_METRICS = 10000, 200000

local function give_up(text, ...) error("sparkplug_b: " .. text:format(...), 0) end

local memory = {}
memory.__index = memory

--- An empty memory. `nodes` are by "group/edge".
function births.new()
  return setmetatable({ nodes = {}, node_count = 0, metric_count = 0, births = 0, unborn = {},
    first = 1 }, memory)
end

-- Metrics by name and alias, as the next messages will name them.
local function defs_of(metrics, where)
  local defs = { names = {}, aliases = {}, count = 0 }
  for _, metric in ipairs(metrics) do
    local name, alias = metric.name, metric.alias
    if not name or name == "" then
      give_up("%s: expected a name of each metric in a birth certificate, got alias %s", where,
        tostring(alias))
    end
    local def = { name = name, datatype = metric.datatype }
    if defs.names[name] then defs.twice = true end
    if alias then
      local other = defs.aliases[alias]
      if other and other.name ~= name then
        give_up("%s: expected an alias of its own for metric %q, got %d, which is that of %q",
          where, name, alias, other.name)
      end
      defs.aliases[alias] = def
    end
    defs.names[name] = def
    defs.count = defs.count + 1
    if metric.datatype == "Template" and metric.value then
      def.members = defs_of(metric.value.metrics, where)
      defs.count = defs.count + def.members.count
    end
  end
  return defs
end

local function find_def(defs, metric)
  if not defs then return nil end
  if metric.name and metric.name ~= "" then return defs.names[metric.name] end
  return metric.alias and defs.aliases[metric.alias]
end

--- For payload.read: metrics of a message by what a birth said, members of a template by the
--- template's.
function births.resolver(scope)
  local defs = scope and scope.defs
  return function(metric, parent)
    if parent == nil then return find_def(defs, metric) end
    return parent and find_def(parent.members, metric)
  end
end

--- Forget what a birth said: of the node ("") or of one of its devices.
function memory:forget_scope(node, device)
  local scope = node.scopes[device]
  if not scope then return end
  self.metric_count, node.count = self.metric_count - scope.defs.count,
    node.count - scope.defs.count
  node.scopes[device] = nil
end

-- Nodes that are not born wait in a list: with too many of them the oldest give way.
local function wait_for_birth(self, node)
  if node.waits then return end
  node.waits = true
  self.unborn[#self.unborn + 1] = node
end

--- The node is not born: what its births said is no longer known, nor what it sent is awaited.
function memory:unborn_again(node)
  for device in pairs(node.scopes) do self:forget_scope(node, device) end
  order.reset(node, nil)
  node.born, node.bdseq, node.wants = false, nil, nil
  wait_for_birth(self, node)
end

-- Room for one more node: the oldest that is not born goes.
local function drop_unborn(self)
  while self.unborn[self.first] do
    local node = self.unborn[self.first]
    self.unborn[self.first] = false
    self.first = self.first + 1
    node.waits = nil
    if not node.born and self.nodes[node.key] == node then
      self.nodes[node.key] = nil
      self.node_count = self.node_count - 1
      return true
    end
  end
  self.unborn, self.first = {}, 1
  return false
end

-- The list loses its used front now and then.
local function tidy(self)
  if self.first < 1000 or self.first * 2 < #self.unborn then return end
  self.unborn = table.move(self.unborn, self.first, #self.unborn, 1, {})
  self.first = 1
end

--- The node of a topic; a new one when it was not heard before. `t.key`: "group/edge", when it is
--- known already.
function memory:node_of(t)
  local key = t.key or t.group .. "/" .. t.edge
  local node = self.nodes[key]
  if node then return node end
  if self.node_count >= births.MOST_NODES and not drop_unborn(self) then
    give_up("expected at most %d edge nodes, got one more: %s", births.MOST_NODES, key)
  end
  tidy(self)
  node = { key = key, group = t.group, edge = t.edge, born = false, scopes = {}, count = 0 }
  self.nodes[key] = node
  self.node_count = self.node_count + 1
  wait_for_birth(self, node)
  return node
end

-- The node with most metrics, apart from one.
local function largest(self, except)
  local found
  for _, node in pairs(self.nodes) do
    if node ~= except and (not found or node.count > found.count) then found = node end
  end
  return found
end

--- Keep what a birth said. When all of them would be too many, larger nodes lose theirs first;
--- they are asked again when they speak.
---@return table scope
function memory:remember(node, device, metrics)
  local defs = defs_of(metrics, node.key .. (device ~= "" and "/" .. device or ""))
  local old = node.scopes[device] and node.scopes[device].defs.count or 0
  while self.metric_count - old + defs.count > births.MOST_METRICS do
    local other = largest(self, node)
    if not other or other.count <= node.count - old + defs.count then
      give_up(
        "%s: expected at most %d metrics in all birth certificates; none has more than this node",
          node.key,
        births.MOST_METRICS)
    end
    self:unborn_again(other)
  end
  self:forget_scope(node, device)
  self.metric_count, node.count = self.metric_count + defs.count, node.count + defs.count
  self.births = self.births + 1
  node.scopes[device] = { defs = defs, birth = self.births }
  return node.scopes[device]
end

return births
