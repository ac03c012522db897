--- A line for Sparkplug B: its edge nodes, with the metrics that were heard with their names.
local sparkplug_b = require "tagline.codec.sparkplug_b"
local tags = require "tagline.discover.tags"
local text = require "tagline.discover.text"
local units = require "tagline.discover.units"

local sparkplug = {}

local types = { Int8 = "Ci", Int16 = "Ci", Int32 = "Ci", Int64 = "Ci", UInt8 = "Ci", UInt16 = "Ci",
  UInt32 = "Ci", UInt64 = "Ci", Float = "Ai", Double = "Ai", Boolean = "Di", String = "TxtI",
  Text = "TxtI", UUID = "TxtI", DateTime = "TiA", Bytes = "TxtI", File = "TxtI" }

local MOST = 500

local function is_control(name)
  return name == "bdSeq" or name:find "^Node Control/" or name:find "^Device Control/"
end

local function add_metric(node, device, metric)
  local name = metric.name
  if not name or name == "" or is_control(name) or not metric.datatype then return end
  local key = (device or "") .. "\0" .. name
  if node.seen[key] then return end
  node.seen[key] = true
  node.metrics[#node.metrics + 1] = { device = device, name = name, datatype = metric.datatype,
    value = metric.value }
end

local function add_topic(nodes, order, source, t)
  local at = sparkplug_b.parse_topic(t.topic)
  if not at or at.type == "STATE" or at.type:find "CMD$" then return end
  local key = at.group .. "\0" .. at.edge
  local node = nodes[key]
  if not node then
    node = { group = at.group, edge = at.edge, metrics = {}, seen = {}, is_born = false }
    nodes[key] = node
    order[#order + 1] = node
  end
  if at.type:find "BIRTH$" then node.is_born = true end
  for n = 1, 3 do
    local payload = source.sample(t.index, n)
    local m = payload and sparkplug_b.decode_bytes(payload)
    for _, metric in ipairs(m and m.metrics or {}) do add_metric(node, at.device, metric) end
  end
end

--- The edge nodes of these topics.
function sparkplug.nodes(source, topics)
  local nodes, order = {}, {}
  for _, t in ipairs(topics) do add_topic(nodes, order, source, t) end
  table.sort(order, function(a, b)
    if a.group ~= b.group then return a.group < b.group end
    return a.edge < b.edge
  end)
  return order
end

-- The name of the tag that sparkplug_b.host fills with a metric.
local function tag_of(metric)
  local plain = metric.device and metric.device .. "/" .. metric.name or metric.name
  return (plain:gsub("[^%w_-]", "_"))
end

local function metric_line(metric, name)
  local kind = types[metric.datatype]
  if not kind then
    return ("      -- %s: a metric of type %s"):format(text.comment(metric.name),
      text.comment(tostring(metric.datatype)))
  end
  local one = { type = kind }
  local value = metric.value
  if kind == "Ai" and type(value) == "number" and value == value then
    one.unit, one.guessed = units.of(metric.name:match "[^/]*$", value, value)
  end
  local written, comment = tags.write(one)
  return ("      %s = %s,%s"):format(text.key(name), written, comment and " -- " .. comment or "")
end

local function write_node(out, node, used)
  local name = text.name(node.edge)
  name = tags.unique(name ~= "" and name or "node", used)
  out[#out + 1] = ""
  out[#out + 1] = ("  station %s {"):format(text.quote(name))
  out[#out + 1] = ("    address = sparkplug_b.address(%s, %s),"):format(text.quote(node.group),
    text.quote(node.edge))
  out[#out + 1] = "    decode = sparkplug, encode = sparkplug.encode,"
  if not node.is_born then
    out[#out + 1] = "    -- No birth was heard, which names the metrics: begin listening before the"
    out[#out + 1] = "    -- node starts, or add its metrics here by their names, '_' for '/'."
  end
  out[#out + 1] = "    tags = {"
  table.sort(node.metrics, function(a, b)
    if a.device ~= b.device then return (a.device or "") < (b.device or "") end
    return a.name < b.name
  end)
  local names = {}
  for i, metric in ipairs(node.metrics) do
    local tag = tag_of(metric)
    if i > MOST then
      out[#out + 1] = ("      -- %s more"):format(text.count(#node.metrics - MOST))
      break
    elseif names[tag] then
      out[#out + 1] = ("      -- %s would be %s, too: name it in `tags` or `devices` of the host")
        :format(text.comment(metric.name), tag)
    else
      names[tag] = true
      out[#out + 1] = metric_line(metric, tag)
    end
  end
  out[#out + 1] = "    },"
  out[#out + 1] = "  },"
end

--- Metrics whose tags another one has: the host must leave them out.
local function doubled(nodes)
  local list = {}
  for _, node in ipairs(nodes) do
    local seen = {}
    table.sort(node.metrics, function(a, b)
      if a.device ~= b.device then return (a.device or "") < (b.device or "") end
      return a.name < b.name
    end)
    for _, metric in ipairs(node.metrics) do
      local tag = tag_of(metric)
      if seen[tag] then list[#list + 1] = metric end
      seen[tag] = true
    end
  end
  return list
end

--- Write the line to `out`; `head(out)` writes how it connects.
function sparkplug.write(out, nodes, head, name)
  local options = { "prefix = true" }
  local left, devices = {}, {}
  for _, metric in ipairs(doubled(nodes)) do
    local part = ("[%s] = false"):format(text.quote(metric.name))
    if metric.device then
      devices[metric.device] = devices[metric.device] or {}
      table.insert(devices[metric.device], part)
    else
      left[#left + 1] = part
    end
  end
  if #left > 0 then options[#options + 1] = "tags = { " .. table.concat(left, ", ") .. " }" end
  local ids = {}
  for device in pairs(devices) do ids[#ids + 1] = device end
  table.sort(ids)
  for i, device in ipairs(ids) do
    ids[i] = ("[%s] = { %s }"):format(text.quote(device), table.concat(devices[device], ", "))
  end
  if #ids > 0 then options[#options + 1] = "devices = { " .. table.concat(ids, ", ") .. " }" end
  out[#out + 1] = ""
  out[#out + 1] = "-- Sparkplug B: a node whose birth was missed is asked for it. A device's id"
  out[#out + 1] = "-- stands before the names of its tags."
  out[#out + 1] = 'local sparkplug_b = require "tagline.codec.sparkplug_b"'
  out[#out + 1] = ("local sparkplug = sparkplug_b.host { %s }"):format(table.concat(options, ", "))
  out[#out + 1] = ""
  out[#out + 1] = ("line %s (sparkplug.line {"):format(text.quote(name))
  head(out)
  local one = #nodes == 1 and nodes[1]
  out[#out + 1] = ("  topic_filter = sparkplug_b.topic_filters(%s),"):format(one
    and text.quote(one.group) .. ", " .. text.quote(one.edge) or "")
  local used = {}
  for _, node in ipairs(nodes) do write_node(out, node, used) end
  out[#out + 1] = "})"
end

return sparkplug
