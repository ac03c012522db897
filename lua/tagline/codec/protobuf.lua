--- Protocol Buffers without a schema: the fields of a message by number, for small readers made
--- by hand.
---
---     local protobuf = require "tagline.codec.protobuf"
---     decode = function(msg)
---       local f = assert(protobuf.fields(msg.payload))
---       local position = f[3] and assert(protobuf.fields(f[3])) or {}
--- return { count = f[1], temperature = protobuf.float(f[2]), latitude =
--- protobuf.double(position[1]) }
---     end
local binary = require "tagline.codec.binary"

local protobuf = {}

local fail, need = binary.fail, binary.need

local function varint(bytes, at)
  local value = 0
  for i = 0, 9 do
    local byte = bytes:byte(at + i) or fail(at + i, "expected the rest of a varint, got the end")
    if i == 9 and byte > 1 then fail(at + i, "expected a varint of at most 64 bits") end
    value = value | (byte & 127) << 7 * i
    if byte < 128 then return value, at + i + 1 end
  end
end

local function value_of(bytes, at, wire)
  if wire == 0 then return varint(bytes, at) end
  if wire == 1 or wire == 5 then
    local format = wire == 1 and "<i8" or "<I4"
    need(bytes, at, format:packsize(), "a fixed number")
    return format:unpack(bytes, at)
  elseif wire == 2 then
    local length, from = varint(bytes, at)
    need(bytes, from, length, "a field with a length")
    return bytes:sub(from, from + length - 1), from + length
  end
  fail(at - 1, ("expected a field of wire type 0, 1, 2 or 5, got %d"):format(wire))
end

local function read(bytes)
  local fields, all, at = {}, {}, 1
  while at <= #bytes do
    local place = at
    local key, value
    key, at = varint(bytes, at)
    local number = key >> 3
    if number == 0 then fail(place, "expected a field number from 1") end
    value, at = value_of(bytes, at, key & 7)
    fields[number] = value
    all[number] = all[number] or {}
    table.insert(all[number], value)
  end
  fields.all = all
  return fields
end

--- The fields of a message by number: of one that occurs several times the last, and in
--- `all[number]` every one of them in order. A varint is an integer with its 64 bits, a field
--- with a length (a text, bytes, a message) its bytes, a fixed number the integer of its bits.
---@param bytes string
---@return table? fields
---@return string? err names the byte, from 1
function protobuf.fields(bytes)
  if type(bytes) ~= "string" then
    error(("protobuf.fields: expected a string, got %s"):format(type(bytes)), 2)
  end
  return binary.try(read, bytes)
end

local function of_bits(value, from, to)
  if value == nil then return nil end
  return (to:unpack(from:pack(value)))
end

--- The fixed number of 4 bytes as a float; nil of nil.
---@param value integer?
---@return number?
function protobuf.float(value) return of_bits(value, "<I4", "<f") end

--- The fixed number of 8 bytes as a float; nil of nil.
---@param value integer?
---@return number?
function protobuf.double(value) return of_bits(value, "<i8", "<d") end

--- A sint32 or sint64, which stands in zigzag; nil of nil.
---@param value integer?
---@return integer?
function protobuf.zigzag(value) return value and (value >> 1 ~ -(value & 1)) end

--- The numbers of a packed repeated field: "varint", or a format of string.unpack such as "<f".
---@param bytes string?
---@param kind string
---@return table? numbers
---@return string? err
function protobuf.packed(bytes, kind)
  return binary.try(function()
    local list, at = {}, 1
    while bytes and at <= #bytes do
      if kind == "varint" then
        list[#list + 1], at = varint(bytes, at)
      else
        need(bytes, at, kind:packsize(), "a packed number")
        list[#list + 1], at = kind:unpack(bytes, at)
      end
    end
    return list
  end)
end

return protobuf
