--- Sparkplug B (Eclipse Sparkplug 3.0): payloads of edge nodes and their devices, for a host
--- application.
---
---     local sparkplug_b = require "tagline.codec.sparkplug_b"
---     local plant = sparkplug_b.host { tags = { ["Temp/Inlet"] = "inlet" } }
---     line "plant" {
---       topic_filter = sparkplug_b.topic_filters("plant"), …,
--- station "boiler" { address = sparkplug_b.address("plant", "boiler"), decode = plant, encode
--- = plant.encode, tags = { … } },
---     }
---
--- Without state: `decode_bytes` and `encode_bytes`, topics and the messages of a host application.
local datatypes = require "tagline.codec.sparkplug_b.datatypes"
local payload = require "tagline.codec.sparkplug_b.payload"
local writer = require "tagline.codec.sparkplug_b.writer"
local topic = require "tagline.codec.sparkplug_b.topic"
local states = require "tagline.codec.sparkplug_b.state"
local commands = require "tagline.codec.sparkplug_b.command"
local hosts = require "tagline.codec.sparkplug_b.host"

local sparkplug_b = {}

--- Numbers of the datatypes by name.
sparkplug_b.datatypes = datatypes.numbers

local function check_bytes(bytes, where)
  if type(bytes) ~= "string" then
    error(("%s: expected a string, got %s"):format(where, type(bytes)), 3)
  end
end

--- A payload's bytes as a table; compressed ones are decompressed. A metric's value is what its
--- datatype says; an integer without a datatype stays `wire` and `wire_value`. A UInt64 of 2^63
--- or more is the nearest float, with its digits in `text`.
---@param bytes string
---@param options? tagline.sparkplug.Options
---@return tagline.sparkplug.Payload?
---@return string? err "sparkplug_b: byte 17: expected …, got …", counted from 1
function sparkplug_b.decode_bytes(bytes, options)
  check_bytes(bytes, "sparkplug_b.decode_bytes")
  local m, why = payload.read(bytes, options)
  if m then return m end
  return nil, "sparkplug_b: " .. why
end

--- A table as `decode_bytes` gives it, to bytes.
---@param m tagline.sparkplug.Payload
---@return string? bytes
---@return string? err "sparkplug_b: metric 2 "Level": expected …, got …"
function sparkplug_b.encode_bytes(m)
  local bytes, why = writer.write(m)
  if bytes then return bytes end
  return nil, "sparkplug_b: " .. why
end

sparkplug_b.parse_topic = topic.parse
sparkplug_b.topic = topic.of
sparkplug_b.topic_filters = topic.filters
sparkplug_b.address = topic.address
sparkplug_b.rebirth_request = topic.rebirth
sparkplug_b.state = states.new
sparkplug_b.parse_state = states.parse
sparkplug_b.host = hosts.new

---@class tagline.sparkplug.EncodeOptions
---@field group string
---@field edge string
---@field device? string
---@field metrics table<string, { name?: string, alias?: integer, datatype: string }> by tag name

--- An `encode` for a station whose metrics are known beforehand: writes as NCMD, or as DCMD
--- with a device.
---@param options tagline.sparkplug.EncodeOptions
---@return function encode function(tag, value, station)
function sparkplug_b.encode(options)
  if type(options) ~= "table" or type(options.metrics) ~= "table" then
    error("sparkplug_b.encode: expected { group =, edge =, metrics = { tag = { name =, \z
      datatype = } } }", 2)
  end
  topic.of(options.device and "DCMD" or "NCMD", options.group, options.edge, options.device)
  for name, metric in pairs(options.metrics) do
    if type(metric) ~= "table" or not datatypes.numbers[metric.datatype] then
      error(
        ("sparkplug_b.encode: metric of tag '%s': expected a datatype such as \"Int32\""):format(
          tostring(name)), 2)
    end
  end
  return function(tag, value)
    local metric = options.metrics[tag.name]
    if not metric then
      error(("sparkplug_b: tag '%s' has no metric in sparkplug_b.encode"):format(tag.name), 0)
    end
    return commands.make { group = options.group, edge = options.edge, device = options.device,
      name = metric.name,
      alias = metric.alias, datatype = metric.datatype, value = value }
  end
end

return setmetatable(sparkplug_b, {
  --- A decode of its own: `decode = sparkplug_b {}` is `sparkplug_b.host {}`.
  __call = function(_, options) return hosts.new(options) end,
})
