--- Commands of Sparkplug B: what is written becomes a DCMD or an NCMD with one metric.
local clock = require "tagline.codec.sparkplug_b.clock"
local topic = require "tagline.codec.sparkplug_b.topic"
local writer = require "tagline.codec.sparkplug_b.writer"

local commands = {}

local function give_up(text, ...) error("sparkplug_b: " .. text:format(...), 0) end

---@class tagline.sparkplug.Command
---@field group string
---@field edge string
---@field device? string
---@field name? string of the metric, or its alias
---@field alias? integer
---@field datatype string
---@field field? string
---@field value any

--- A command that writes one metric. Values of DateTime are seconds since 1970, as tags have them.
---@param c tagline.sparkplug.Command
---@return string payload
---@return string topic
---@return { qos: integer, retain: boolean }
function commands.make(c)
  local value = c.value
  if c.datatype == "DateTime" and type(value) == "number" then
    value = math.floor(value * 1000 + 0.5)
  end
  local now = c.timestamp or clock.now_ms()
  local bytes, why = writer.write { timestamp = now, metrics = {
    { name = c.name, alias = c.alias, timestamp = now, datatype = c.datatype, field = c.field,
      value = value } } }
  if not bytes then give_up("%s", why) end
  return bytes, topic.of(c.device and "DCMD" or "NCMD", c.group, c.edge, c.device),
    { qos = 0, retain = false }
end

--- The command that writes a tag's metric, as the births of `book` have it.
function commands.of_tag(book, tag, value, station)
  local owner = book:owner(station, tag.name)
  if not owner then
    give_up("tag '%s': no metric of that name in the birth certificates seen so far", tag.name)
  end
  if owner.path ~= owner.root then
    give_up("tag '%s' is a part of metric %q, which can only be written as a whole", tag.name,
      owner.root)
  end
  return commands.make {
    group = owner.node.group, edge = owner.node.edge,
    device = owner.device ~= "" and owner.device or nil,
    name = not owner.alias and owner.root or nil, alias = owner.alias,
    datatype = owner.datatype, field = owner.field, value = value,
  }
end

return commands
