--- The datatypes of Sparkplug 3.0: their numbers and names, and how a value of each travels in
--- the fields of a message. Knows the fields by name only; templates and data sets are
--- payload.lua's.
---
--- In Lua: integers (UInt64 from 2^63 on is a float, the nearest there is: never a negative
--- number), floats, booleans, strings, DateTime as an integer (milliseconds since 1970, UTC),
--- arrays as lists.
local protobuf = require "tagline.codec.sparkplug_b.protobuf"

local datatypes = {}

local fail = protobuf.fail

local names = { [0] = "Unknown", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32",
  "UInt64", "Float", "Double",
  "Boolean", "String", "DateTime", "Text", "UUID", "DataSet", "Bytes", "File", "Template",
    "PropertySet", "PropertySetList",
  "Int8Array", "Int16Array", "Int32Array", "Int64Array", "UInt8Array", "UInt16Array",
    "UInt32Array", "UInt64Array",
  "FloatArray", "DoubleArray", "BooleanArray", "StringArray", "DateTimeArray" }

--- Names by number, 0 to 34.
datatypes.names = names
--- Numbers by name.
datatypes.numbers = {}
for number = 0, #names do datatypes.numbers[names[number]] = number end

local TWO_63 = 2.0 ^ 63

-- Bits of each integer type; negative for the signed ones.
local width = { Int8 = -8, Int16 = -16, Int32 = -32, Int64 = -64, UInt8 = 8, UInt16 = 16,
  UInt32 = 32, UInt64 = 64,
  DateTime = 64 }

--- Unsigned: the nearest float when the bits are those of 2^63 or more. (Half of it, with the
--- last bit kept for the rounding.)
local function unsigned(value) return value < 0 and (value >> 1 | value & 1) * 2.0 or value end

--- The 64 bits of an unsigned integer in decimal digits.
---@param value integer
---@return string
function datatypes.unsigned_text(value)
  if value >= 0 then return ("%d"):format(value) end
  local tens = (value >> 1) // 5
  return ("%d%d"):format(tens, value - tens * 10)
end

-- ---- reading ----

local function wrong_field(name, expected, wire, at)
  fail(at, "expected %s for %s, got %s", expected, name, wire)
end

-- A signed number of n bits travels as n bits, or extended to the 32 or 64 bits of its field.
local function read_signed(name, n, value, at)
  if n == 64 then return value end
  local top = 1 << n - 1
  if value >= 0 and value < top then return value end
  if value >= top and value < 1 << n then return value - (1 << n) end
  local extended = value
  if value >= 1 << 31 and value < 1 << 32 then extended = value - (1 << 32) end
  if extended < 0 and extended >= -top then return extended end
  fail(at, "expected an integer of %d bits, signed, for %s, got %s", n, name, unsigned(value))
end

local function read_integer(name, wire, value, at)
  local wide = wire == "long_value"
  if not wide and wire ~= "int_value" then
    wrong_field(name, "int_value or long_value", wire, at)
  end
  local n = width[name]
  if n == -64 and not wide and value >= 1 << 31 then wrong_field(name, "long_value", wire, at) end
  if n < 0 then return read_signed(name, -n, value, at) end
  if n < 64 and (value < 0 or value >= 1 << n) then
    fail(at, "expected an integer from 0 to %d for %s, got %s", (1 << n) - 1, name, unsigned(value))
  end
  return unsigned(value)
end

local function read_items(name, format, value, at)
  local size = format:packsize()
  if #value % size ~= 0 then
    fail(at, "expected a multiple of %d bytes for %s, got %d bytes", size, name, #value)
  end
  local list = {}
  for i = 1, #value // size do list[i] = format:unpack(value, (i - 1) * size + 1) end
  return list
end

local function read_booleans(name, _, value, at)
  if #value < 4 then fail(at, "expected a count of 4 bytes for %s, got %d bytes", name, #value) end
  local count = ("<I4"):unpack(value)
  if #value - 4 ~= (count + 7) // 8 then
    fail(at, "expected %d bytes for %s of %d items, got %d", 4 + (count + 7) // 8, name, count,
      #value)
  end
  local list = {}
  for i = 0, count - 1 do list[i + 1] = value:byte(5 + i // 8) >> 7 - i % 8 & 1 == 1 end
  return list
end

local function read_strings(name, _, value, at)
  local list, from = {}, 1
  while from <= #value do
    local nul = value:find("\0", from, true)
    if not nul then fail(at, "expected a NUL at the end of each string for %s", name) end
    list[#list + 1] = value:sub(from, nul - 1)
    from = nul + 1
  end
  return list
end

-- Bits of an unsigned integer that no Lua number is equal to.
local function is_inexact(bits)
  local float = bits < 0 and unsigned(bits) - 2 * TWO_63
  return float and (float >= 0 or math.tointeger(float) ~= bits)
end

-- `texts` of the list has the exact digits of items that a Lua number cannot hold.
local function read_unsigned_items(name, format, value, at)
  local list = read_items(name, format, value, at)
  for i = 1, #list do
    if is_inexact(list[i]) then
      list.texts = list.texts or {}
      list.texts[i] = datatypes.unsigned_text(list[i])
    end
    list[i] = unsigned(list[i])
  end
  return list
end

local arrays = {
  Int8Array = { read_items, "<i1", "Int8" }, Int16Array = { read_items, "<i2", "Int16" },
  Int32Array = { read_items, "<i4", "Int32" }, Int64Array = { read_items, "<i8", "Int64" },
  UInt8Array = { read_items, "<I1", "UInt8" }, UInt16Array = { read_items, "<I2", "UInt16" },
  UInt32Array = { read_items, "<I4", "UInt32" }, UInt64Array = { read_unsigned_items, "<i8",
    "UInt64" },
  FloatArray = { read_items, "<f", "Float" }, DoubleArray = { read_items, "<d", "Double" },
  DateTimeArray = { read_unsigned_items, "<i8", "DateTime" },
  BooleanArray = { read_booleans }, StringArray = { read_strings },
}

-- The field of each other type.
local fields = { Float = "float_value", Double = "double_value", Boolean = "boolean_value",
  String = "string_value",
  Text = "string_value", UUID = "string_value", Bytes = "bytes_value", File = "bytes_value",
    DataSet = "dataset_value",
  Template = "template_value", PropertySet = "propertyset_value",
    PropertySetList = "propertysets_value" }

--- The value of a field, by its datatype; of a data set, template or property set its message.
--- Gives up by `protobuf.fail`.
---@param name string of the datatype
---@param wire string the field's name
---@param at integer the field's first byte
function datatypes.read(name, wire, value, at)
  if width[name] then return read_integer(name, wire, value, at) end
  local array = arrays[name]
  if array then
    if wire ~= "bytes_value" then wrong_field(name, "bytes_value", wire, at) end
    return array[1](name, array[2], value, at)
  end
  if not fields[name] then fail(at, "expected a datatype that has values, got %s", name) end
  if wire ~= fields[name] then wrong_field(name, fields[name], wire, at) end
  return value
end

--- The decimal digits of what a field holds when no Lua number can: a UInt64 of 2^63 or more.
--- Else nil.
---@return string?
function datatypes.text_of(name, value)
  return name == "UInt64" and math.type(value) == "integer" and value < 0
    and datatypes.unsigned_text(value) or nil
end

--- The field of an integer, when it is not the one that `datatypes.write` chooses by itself.
---@return string?
function datatypes.other_field(name, wire)
  local n = width[name]
  if not n then return nil end
  local usual = (n == 64 or n == -64) and "long_value" or "int_value"
  return wire ~= usual and wire or nil
end

--- A datatype's name by its number.
---@param number integer
---@param at integer
---@return string
function datatypes.name_of(number, at)
  return names[number] or fail(at, "expected a datatype from 0 to %d, got %d", #names, number)
end

-- ---- writing ----

local function show(value)
  return type(value) == "string" and ("%q"):format(value:sub(1, 40)) or tostring(value)
end

local function wrong_value(name, expected, value)
  fail(nil, "expected %s for %s, got %s", expected, name, show(value))
end

-- Decimal text, for the integers that a Lua number cannot hold.
local function bits_of_text(text)
  if not text:find("^%d+$") or #text > 20 then return nil end
  local value = 0
  for digit in text:gmatch "%d" do
    digit = digit:byte() - 48
    if math.ult(1844674407370955161, value) or value == 1844674407370955161 and digit > 5 then
      return nil
    end
    value = value * 10 + digit
  end
  return value
end

-- The 64 bits of an integer of 0 to 2^64 - 1, or nil.
local function unsigned_bits(value)
  if type(value) == "string" then return bits_of_text(value) end
  local integer = math.tointeger(value)
  if integer then return integer >= 0 and integer or nil end
  if math.type(value) == "float" and value >= TWO_63 and value < 2 * TWO_63 then
    return math.tointeger(value - 2 * TWO_63)
  end
  return nil
end

--- A value as it is to be written: the exact digits beside it, when they are those of this value.
---@param text? string
function datatypes.exact(value, text)
  if type(text) ~= "string" or math.type(value) ~= "float" then return value end
  local digits = unsigned_bits(text)
  return digits and unsigned(digits) == value and text or value
end

local function integer_bits(name, value)
  local n = width[name]
  if n == 64 then
    return unsigned_bits(value) or wrong_value(name, "an integer from 0 to 18446744073709551615",
      value)
  end
  local integer = type(value) == "number" and math.tointeger(value)
  if n == -64 then return integer or wrong_value(name, "an integer of 64 bits", value) end
  local low, high = 0, (1 << n) - 1
  if n < 0 then low, high = -(1 << -n - 1), (1 << -n - 1) - 1 end
  if not integer or integer < low or integer > high then
    wrong_value(name, ("an integer from %d to %d"):format(low, high), value)
  end
  return integer
end

local function check_number(name, value)
  if type(value) ~= "number" then wrong_value(name, "a number", value) end
  if name == "Float" and value == value and value ~= math.huge and value ~= -math.huge and
    math.abs(value) > 3.4028235677973362e38 then wrong_value(name, "a number of 32 bits", value) end
  return value + 0.0
end

local function check_string(name, value)
  if type(value) ~= "string" then wrong_value(name, "a string", value) end
  return value
end

local function check_list(name, value)
  if type(value) ~= "table" then wrong_value(name, "a table", value) end
  return value
end

local function write_booleans(list)
  local out, n = { ("<I4"):pack(#list) }, #list
  for i = 1, n, 8 do
    local byte = 0
    for k = i, math.min(i + 7, n) do
      if type(list[k]) ~= "boolean" then wrong_value("BooleanArray", "true or false", list[k]) end
      if list[k] then byte = byte | 128 >> k - i end
    end
    out[#out + 1] = string.char(byte)
  end
  return table.concat(out)
end

local function write_strings(list)
  local out = {}
  for i, text in ipairs(list) do
    if check_string("StringArray", text):find("\0", 1, true) then
      wrong_value("StringArray", "a string without NUL", text)
    end
    out[i] = text .. "\0"
  end
  return table.concat(out)
end

local function write_array(name, value)
  check_list(name, value)
  if name == "BooleanArray" then return write_booleans(value) end
  if name == "StringArray" then return write_strings(value) end
  local format, item = arrays[name][2], arrays[name][3]
  local out, texts = {}, value.texts or {}
  for i = 1, #value do
    local one = datatypes.exact(value[i], texts[i])
    out[i] = format:pack(width[item] and integer_bits(item, one) or check_number(item, one))
  end
  return table.concat(out)
end

--- The field a value travels in and what stands there; data sets, templates and property sets
--- are given back as they are. Gives up by `protobuf.fail` when the value is none of that datatype.
---@param name string
---@param field? string of an integer: the field to use, where it fits
---@return string wire
---@return any value
function datatypes.write(name, value, field)
  local n = width[name]
  if n then
    local value_bits = integer_bits(name, value)
    local wide = n == 64 or n == -64
    if field == "long_value" then wide = true
    elseif field == "int_value" and wide then wide = value_bits < 0 or value_bits >= 1 << 31 end
    if wide then return "long_value", value_bits end
    return "int_value", value_bits & 4294967295
  end
  if arrays[name] then return "bytes_value", write_array(name, value) end
  local wire = fields[name]
  if not wire then fail(nil, "expected a datatype that has values, got %s", show(name)) end
  if name == "Float" or name == "Double" then return wire, check_number(name, value) end
  if name == "Boolean" then
    if type(value) ~= "boolean" then wrong_value(name, "true or false", value) end
    return wire, value
  end
  if wire == "string_value" or wire == "bytes_value" then return wire, check_string(name, value) end
  return wire, check_list(name, value)
end

--- A datatype by its name or number.
---@return integer
function datatypes.number_of(name)
  local number = datatypes.numbers[name] or names[name] and name
  return number or fail(nil, "expected a datatype of Sparkplug, got %s", show(name))
end

return datatypes
