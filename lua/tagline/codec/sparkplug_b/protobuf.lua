--- Protocol Buffers (proto2), as far as Sparkplug needs them: messages read by a schema, with
--- the place of each value, and the pieces that messages are written of. Knows no Sparkplug.
---
--- A schema is a table by field number of `{ name, kind, … }`; kinds are `uint64` (its 64
--- bits), `count` (a uint64 below 2^63), `uint32 bool float double string bytes` and `message`
--- (with `message = schema`). `list = true`: a repeated field. `place = true`: of the bytes
--- NAME, NAME_at is the first. `oneof = true`: the field is one of several that exclude each
--- other; the last one read is kept as `wire` (its name), `wire_value` and `wire_at`.
local weak = require "tagline.codec.weak"

local protobuf = {}

--- Messages within messages; templates of templates of templates are still far from it.
protobuf.DEPTH = 32

local unpack, pack, char, byte_of = string.unpack, string.pack, string.char, string.byte

--- What is thrown on bad input, so that `protobuf.try` can tell it from faults of our own.
local failure = {}
failure.__index = failure

--- Give up. `at` is the byte at fault, counted from 1; nil when there is no byte to name.
---@param at integer?
function protobuf.fail(at, text, ...)
  error(setmetatable({ at = at, text = text:format(...) }, failure), 0)
end
local fail = protobuf.fail

local function finish(ok, ...)
  if ok then return ... end
  local why = ...
  if type(why) ~= "table" or getmetatable(why) ~= failure then error(why, 0) end
  return nil, why.at and ("byte %d: %s"):format(why.at, why.text) or why.text, why.at
end

--- Call f(…): its results; or nil, the message and the byte's number when it gave up. Other
--- errors pass through.
function protobuf.try(f, ...) return finish(pcall(f, ...)) end

-- ---- reading ----

-- An integer of up to ten bytes: its 64 bits and the place behind it. `stop` is the last byte
-- that may be read.
local function read_varint(bytes, at, stop, what)
  local first = at <= stop and byte_of(bytes, at)
  if first and first < 128 then return first, at + 1 end -- most of them
  local value = 0
  for i = 0, 9 do
    local byte = at + i <= stop and byte_of(bytes, at + i)
    if not byte then fail(at + i, "expected the rest of %s (a varint), got the end", what) end
    if i == 9 and byte > 1 then fail(at + i, "expected a varint of at most 64 bits as %s", what) end
    value = value | (byte & 127) << 7 * i
    if byte < 128 then return value, at + i + 1 end
  end
end

-- The bounds of a field with a length: its first and its last byte.
local function read_span(bytes, at, stop, what)
  local length, from = read_varint(bytes, at, stop, "the length of " .. what)
  if length < 0 or length > stop - from + 1 then
    fail(at, "expected %s of at most %d bytes, got a length of %s", what, stop - from + 1,
      length < 0 and "2^63 or more" or length)
  end
  return from, from + length - 1
end

local function read_fixed(at, stop, size, what)
  if stop - at + 1 < size then
    fail(at, "expected %d bytes of %s, got %d", size, what, stop - at + 1)
  end
  return at + size
end

local readers = {}

function readers.uint64(bytes, at, stop, what) return read_varint(bytes, at, stop, what) end

function readers.count(bytes, at, stop, what)
  local value, after = read_varint(bytes, at, stop, what)
  if value < 0 then fail(at, "expected an integer below 2^63 as %s", what) end
  return value, after
end

-- Some libraries write a negative number of 32 bits as one of 64.
function readers.uint32(bytes, at, stop, what)
  local value, after = read_varint(bytes, at, stop, what)
  if value < -2147483648 or value > 4294967295 then
    fail(at, "expected an integer of 32 bits as %s", what)
  end
  return value & 4294967295, after
end

function readers.bool(bytes, at, stop, what)
  local value, after = read_varint(bytes, at, stop, what)
  return value ~= 0, after
end

function readers.float(bytes, at, stop, what)
  local after = read_fixed(at, stop, 4, what)
  return (unpack("<f", bytes, at)), after
end

function readers.double(bytes, at, stop, what)
  local after = read_fixed(at, stop, 8, what)
  return (unpack("<d", bytes, at)), after
end

function readers.string(bytes, at, stop, what)
  local from, to = read_span(bytes, at, stop, what)
  return bytes:sub(from, to), to + 1
end
readers.bytes = readers.string

local wire_of = { uint64 = 0, count = 0, uint32 = 0, bool = 0, double = 1, string = 2, bytes = 2,
  message = 2, float = 5 }
local wire_names = { [0] = "a varint", "8 bytes", "a length", "a group", "a group's end",
  "4 bytes" }

local function skip(bytes, at, stop, wire)
  local what = "an unknown field"
  local after, _
  if wire == 0 then _, after = read_varint(bytes, at, stop, what)
  elseif wire == 1 then after = read_fixed(at, stop, 8, what)
  elseif wire == 5 then after = read_fixed(at, stop, 4, what)
  else
    _, after = read_span(bytes, at, stop, what)
    after = after + 1
  end
  return after
end

-- A repeated number may also come packed: many in one field.
local function read_packed(bytes, at, stop, field, list)
  local from, to = read_span(bytes, at, stop, field[1])
  while from <= to do list[#list + 1], from = readers[field[2]](bytes, from, to, field[1]) end
  return to + 1
end

local read_message

local function read_field(bytes, at, stop, field, depth)
  if field[2] ~= "message" then return readers[field[2]](bytes, at, stop, field[1]) end
  if depth >= protobuf.DEPTH then
    fail(at, "expected at most %d messages within each other", protobuf.DEPTH)
  end
  local from, to = read_span(bytes, at, stop, field[1])
  return read_message(bytes, from, to, field.message, depth + 1), to + 1
end

local function store(message, field, value, at)
  local name = field[1]
  if field.list then
    local list = message[name]
    list[#list + 1] = value
  elseif field.oneof then
    message.wire, message.wire_value, message.wire_at = name, value, at
  else
    message[name] = value
  end
end

-- Names of a schema's repeated fields.
local lists_of = setmetatable({}, weak { __index = function(all, schema)
  local names = {}
  for _, field in pairs(schema) do
    if field.list then names[#names + 1] = field[1] end
  end
  all[schema] = names
  return names
end })

read_message = function(bytes, at, stop, schema, depth)
  local message = { at = at }
  local lists = lists_of[schema]
  for i = 1, #lists do message[lists[i]] = {} end
  while at <= stop do
    local start = at
    local key
    key, at = read_varint(bytes, at, stop, "a field's number")
    local number, wire = key >> 3, key & 7
    if number == 0 or number > 536870911 then
      fail(start, "expected a field's number from 1 to 536870911")
    end
    if wire == 3 or wire == 4 or wire > 5 then
      fail(start, "expected a wire type of 0, 1, 2 or 5, got %d for field %d", wire, number)
    end
    local field = schema[number]
    if not field then
      at = skip(bytes, at, stop, wire)
    elseif wire == wire_of[field[2]] then
      local value
      start = at
      value, at = read_field(bytes, at, stop, field, depth)
      store(message, field, value, start)
      if field.place then message[field[1] .. "_at"] = at - #value end
    elseif field.list and wire == 2 then
      at = read_packed(bytes, at, stop, field, message[field[1]])
    else
      fail(start, "expected %s as %s, got %s", wire_names[wire_of[field[2]]], field[1],
        wire_names[wire])
    end
  end
  return message
end

-- The same in C, by schema: nil for what is wrong, which is read here then, to say the byte.
local found, native = pcall(require, "tagline.protobuf")
local readers_of = setmetatable({}, weak { __index = function(all, schema)
  all[schema] = native.reader(schema)
  return all[schema]
end })

--- For specs: true reads all messages in Lua.
protobuf.slow = false

--- Read a whole message. Gives up by `protobuf.fail`; call it under `protobuf.try`. Each
--- message has `at`, its first byte; repeated fields are lists, empty when there is none.
---@param bytes string
---@param schema table
---@return table
function protobuf.read(bytes, schema)
  local message = found and not protobuf.slow and readers_of[schema](bytes)
  return message or read_message(bytes, 1, #bytes, schema, 0)
end

-- ---- writing ----

local function varint(value)
  if value >= 0 and value < 128 then return char(value) end
  local out, n = {}, 0
  repeat
    local byte = value & 127
    value = value >> 7
    n = n + 1
    out[n] = value ~= 0 and byte | 128 or byte
  until value == 0
  return char(table.unpack(out, 1, n))
end
protobuf.varint = varint

local writers = {
  uint64 = varint,
  uint32 = varint,
  bool = function(value) return value and "\1" or "\0" end,
  float = function(value) return pack("<f", value) end,
  double = function(value) return pack("<d", value) end,
  bytes = function(value) return varint(#value) .. value end,
}
writers.string, writers.message = writers.bytes, writers.bytes

--- A field: its number and wire type, then the value. A message's value is its bytes; a 64-bit
--- integer's are its bits.
---@param number integer
---@param kind string
---@return string
function protobuf.field(number, kind, value)
  return varint(number << 3 | wire_of[kind]) .. writers[kind](value)
end

return protobuf
