--- Payloads of Sparkplug B: bytes to a table and back. Stateless; what a metric was called at
--- birth comes from `resolve`.
local protobuf = require "tagline.codec.sparkplug_b.protobuf"
local datatypes = require "tagline.codec.sparkplug_b.datatypes"
local zlib = require "tagline.codec.zlib"

local payload = {}

local fail = protobuf.fail

---@class tagline.sparkplug.Payload
---@field timestamp? integer milliseconds since 1970, UTC
---@field seq? integer
---@field uuid? string
---@field body? string
---@field metrics tagline.sparkplug.Metric[]
---@field compressed? string "GZIP" or "DEFLATE" when it came so (only read)

---@class tagline.sparkplug.Metric
---@field name? string
---@field alias? integer the 64 bits of an unsigned integer
---@field timestamp? integer milliseconds since 1970, UTC
---@field datatype? string a name such as "Int32"
---@field value? any by the datatype; nil when is_null, or when the datatype is not known
--- A UInt64 of 2^63 or more in decimal digits, exact; arrays and rows of data sets have `texts`
--- by position.
---@field text? string
--- "int_value" or "long_value" of an integer that travels in the other one than usual.
---@field field? string
---@field is_null? boolean
---@field is_historical? boolean
---@field is_transient? boolean
---@field metadata? table is_multi_part content_type size seq file_name file_type md5 description
---@field properties? table<string, tagline.sparkplug.Property>
---@field wire? string the value's field when the datatype is not known
---@field wire_value? any what stands there

---@class tagline.sparkplug.Property
---@field datatype string
---@field value? any
---@field is_null? boolean

---@class tagline.sparkplug.DataSet
---@field columns string[]
---@field types string[]
---@field rows any[][] one value for each column; nil is null

---@class tagline.sparkplug.Template
---@field version? string
---@field template_ref? string
---@field is_definition? boolean
---@field metrics tagline.sparkplug.Metric[]
---@field parameters { name: string, datatype: string, value: any }[]

-- ---- schemas ----

local function one(name, kind, message) return { name, kind, oneof = true, message = message } end

local function value_fields(first)
  return { [first] = one("int_value", "uint32"), [first + 1] = one("long_value", "uint64"),
    [first + 2] = one("float_value", "float"), [first + 3] = one("double_value", "double"),
    [first + 4] = one("boolean_value", "bool"), [first + 5] = one("string_value", "string") }
end

local function schema(fields, values)
  for number, entry in pairs(values or {}) do fields[number] = entry end
  return fields
end

local metadata_schema = { { "is_multi_part", "bool" }, { "content_type", "string" },
  { "size", "count" }, { "seq", "count" },
  { "file_name", "string" }, { "file_type", "string" }, { "md5", "string" },
    { "description", "string" } }

local property_schema = schema({ { "type", "uint32" }, { "is_null", "bool" } }, value_fields(3))
local properties_schema = { { "keys", "string", list = true },
  { "values", "message", list = true, message = property_schema } }
local property_list_schema =
  { { "propertyset", "message", list = true, message = properties_schema } }
property_schema[9] = one("propertyset_value", "message", properties_schema)
property_schema[10] = one("propertysets_value", "message", property_list_schema)

local element_schema = value_fields(1)
local row_schema = { { "elements", "message", list = true, message = element_schema } }
local dataset_schema = { { "num_of_columns", "count" }, { "columns", "string", list = true },
  { "types", "uint32", list = true }, { "rows", "message", list = true, message = row_schema } }

local parameter_schema = schema({ { "name", "string" }, { "type", "uint32" } }, value_fields(3))
local template_schema = { { "version", "string" }, [3] = { "parameters", "message", list = true,
  message = parameter_schema },
  [4] = { "template_ref", "string" }, [5] = { "is_definition", "bool" } }
local metric_schema = schema({ { "name", "string" }, { "alias", "uint64" },
  { "timestamp", "count" }, { "datatype", "uint32" },
  { "is_historical", "bool" }, { "is_transient", "bool" }, { "is_null", "bool" },
  { "metadata", "message", message = metadata_schema },
    { "properties", "message", message = properties_schema },
  [16] = one("bytes_value", "bytes"), [17] = one("dataset_value", "message", dataset_schema),
  [18] = one("template_value", "message", template_schema) }, value_fields(10))
template_schema[2] = { "metrics", "message", list = true, message = metric_schema }

local payload_schema = { { "timestamp", "count" },
  { "metrics", "message", list = true, message = metric_schema },
  { "seq", "count" }, { "uuid", "string" }, { "body", "bytes", place = true } }

-- ---- reading: messages become tables of ours, in place where the fields are the same ----

local function take_wire(message)
  local wire, value, at = message.wire, message.wire_value, message.wire_at
  message.wire, message.wire_value, message.wire_at, message.at = nil, nil, nil, nil
  return wire, value, at
end

local to_properties

local function to_property(m)
  local at = m.at
  local name = datatypes.name_of(m.type or 0, at)
  local wire, value, wire_at = take_wire(m)
  m.type, m.datatype = nil, name
  if m.is_null or not wire then
    m.is_null = true
    return m
  end
  m.is_null = nil
  m.value, m.text = datatypes.read(name, wire, value, wire_at), datatypes.text_of(name, value)
  if name == "PropertySet" then
    m.value = to_properties(m.value)
  elseif name == "PropertySetList" then
    local list = m.value.propertyset
    for i, set in ipairs(list) do list[i] = to_properties(set) end
    m.value = list
  end
  return m
end

to_properties = function(m)
  if #m.keys ~= #m.values then
    fail(m.at, "expected as many property values as keys, got %d and %d", #m.values, #m.keys)
  end
  local set = {}
  for i, key in ipairs(m.keys) do set[key] = to_property(m.values[i]) end
  return set
end

local function to_dataset(m)
  local columns, types = m.columns, {}
  if #columns ~= #m.types or m.num_of_columns and m.num_of_columns ~= #columns then
    fail(m.at,
      "expected a data set's number of columns, their names and types to agree, got %s, %d and %d",
      m.num_of_columns or "none", #columns, #m.types)
  end
  for i, number in ipairs(m.types) do types[i] = datatypes.name_of(number, m.at) end
  local rows = {}
  for i, row in ipairs(m.rows) do
    if #row.elements ~= #columns then
      fail(row.at, "expected %d elements in a data set's row, got %d", #columns, #row.elements)
    end
    local values = {}
    for k, element in ipairs(row.elements) do
      if element.wire then
        values[k] = datatypes.read(types[k], element.wire, element.wire_value, element.wire_at)
        local text = datatypes.text_of(types[k], element.wire_value)
        if text then
          values.texts = values.texts or {}
          values.texts[k] = text
        end
      end
    end
    rows[i] = values
  end
  return { columns = columns, types = types, rows = rows }
end

local function to_parameter(m)
  local name = datatypes.name_of(m.type or 0, m.at)
  local wire, value, at = take_wire(m)
  m.type, m.datatype = nil, name
  if wire then
    m.value, m.text = datatypes.read(name, wire, value, at), datatypes.text_of(name, value)
  end
  return m
end

local to_metric

local function to_template(m, resolve, known)
  m.at = nil
  for i, metric in ipairs(m.metrics) do
    m.metrics[i] = to_metric(metric, resolve, known or false)
  end
  for i, parameter in ipairs(m.parameters) do m.parameters[i] = to_parameter(parameter) end
  return m
end

-- The datatype in the message counts, else the one known from birth.
local function name_datatype(m, known, at)
  if m.datatype then
    m.datatype = datatypes.name_of(m.datatype, at)
    if m.datatype == "PropertySet" or m.datatype == "PropertySetList" then
      fail(at, "expected a metric's datatype, got %s", m.datatype)
    end
  end
  if (m.datatype == nil or m.datatype == "Unknown") and known then m.datatype = known.datatype end
  if m.datatype == "Unknown" then m.datatype = nil end
  return m.datatype
end

to_metric = function(m, resolve, parent)
  local at = m.at
  local known = resolve and resolve(m, parent) or nil
  if known and (m.name == nil or m.name == "") then m.name = known.name end
  if m.metadata then m.metadata.at = nil end
  if m.properties then m.properties = to_properties(m.properties) end
  local datatype = name_datatype(m, known, at)
  local wire, value, wire_at = take_wire(m)
  if m.is_null or not wire then
    m.is_null = true
    return m
  end
  m.is_null = nil
  if not datatype then
    m.wire, m.wire_value = wire, value
    return m
  end
  m.value = datatypes.read(datatype, wire, value, wire_at)
  m.field, m.text = datatypes.other_field(datatype, wire), datatypes.text_of(datatype, value)
  if datatype == "DataSet" then m.value = to_dataset(value)
  elseif datatype == "Template" then m.value = to_template(value, resolve, known) end
  return m
end

local COMPRESSED = "SPBV1.0_COMPRESSED"

--- Most bytes that a compressed payload may become, unless the caller says otherwise.
payload.MAX_INFLATED = 1048576

local function algorithm_of(m)
  for _, metric in ipairs(m.metrics) do
    if metric.name == "algorithm" then
      local name = metric.wire == "string_value" and metric.wire_value:upper()
      if name ~= "GZIP" and name ~= "DEFLATE" then
        fail(metric.wire_at or metric.at, "expected the algorithm GZIP or DEFLATE, got %s",
          name and ("%q"):format(name:sub(1, 40)) or metric.wire or "none")
      end
      return name
    end
  end
  return "DEFLATE"
end

local interpret

local function read_compressed(bytes, outer, resolve, limit)
  local algorithm = algorithm_of(outer)
  if not outer.body then
    fail(#bytes + 1, "expected a body in a compressed payload, got the end")
  end
  local decompress = algorithm == "GZIP" and zlib.gunzip or zlib.inflate
  local text, why = decompress(bytes, limit, outer.body_at, outer.body_at + #outer.body - 1)
  if not text then fail(nil, "%s", why) end
  local inner
  inner, why = protobuf.try(interpret, text, resolve)
  if not inner then fail(nil, "in the decompressed payload, %s", why) end
  inner.compressed = algorithm
  inner.seq = inner.seq or outer.seq
  return inner
end

interpret = function(bytes, resolve, limit)
  local m = protobuf.read(bytes, payload_schema)
  if limit and m.uuid == COMPRESSED then return read_compressed(bytes, m, resolve, limit) end
  m.at, m.body_at = nil, nil
  for i, metric in ipairs(m.metrics) do m.metrics[i] = to_metric(metric, resolve) end
  return m
end

---@class tagline.sparkplug.Options
---@field max_inflated? integer most bytes that a compressed payload may become (1048576)
--- What a metric was called at birth: `resolve(metric, parent)` gives `{ name =, datatype = }` or
--- nil.
---@field resolve? function

--- Bytes to a table. Integers without a known datatype stay `wire` and `wire_value`: whether
--- they are signed is not known.
---@param bytes string
---@param options? tagline.sparkplug.Options
---@return tagline.sparkplug.Payload?
---@return string? err names the byte, counted from 1, and what was expected there
---@return integer? at the byte
function payload.read(bytes, options)
  return protobuf.try(interpret, bytes, options and options.resolve,
    options and options.max_inflated or payload.MAX_INFLATED)
end

return payload
