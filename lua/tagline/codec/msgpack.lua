--- MessagePack: `decode` reads one value, `encode` writes one. A station whose payload is
--- MessagePack needs
--- neither: payload_type = "MessagePack" reads it by addresses, and msg.json is the whole of it.
local binary = require "tagline.codec.binary"

local msgpack = {}

local fail, need, unpack, pack = binary.fail, binary.need, string.unpack, string.pack

--- For `encode`: a byte string.
msgpack.bytes = binary.bytes

--- json.null: nil of MessagePack, both ways.
msgpack.null = binary.null

local read

local function slice(bytes, at, length, what)
  need(bytes, at, length, what)
  return bytes:sub(at, at + length - 1), at + length
end

local function read_array(bytes, at, n, depth)
  local list = {}
  if depth >= binary.DEPTH then fail(at, "expected at most 512 levels") end
  for i = 1, n do list[i], at = read(bytes, at, depth + 1) end
  return list, at
end

local function read_map(bytes, at, n, depth)
  local map = {}
  local key, value
  if depth >= binary.DEPTH then fail(at, "expected at most 512 levels") end
  for _ = 1, n do
    key, at = read(bytes, at, depth + 1)
    value, at = read(bytes, at, depth + 1)
    map[binary.key(key)] = value
  end
  return map, at
end

-- An extension: the timestamp (type -1) is seconds since 1970, all others are their bytes.
local function read_extension(bytes, at, length)
  need(bytes, at, 1, "an extension")
  local kind = unpack(">b", bytes, at)
  local data, behind = slice(bytes, at + 1, length, "an extension")
  if kind ~= -1 or length ~= 4 and length ~= 8 and length ~= 12 then return data, behind end
  if length == 4 then return unpack(">I4", data), behind end
  local seconds, ns
  if length == 8 then
    local both = unpack(">i8", data)
    ns, seconds = both >> 34, both & 0x3FFFFFFFF
  else
    ns, seconds = unpack(">I4i8", data)
  end
  return ns == 0 and seconds or seconds + ns / 1e9, behind
end

-- Readers by the first byte, from 0xC0 on: a format of what follows, and what becomes of it.
local function number(format, natural)
  local size = format:packsize()
  return function(bytes, at)
    need(bytes, at, size, "a number")
    local n, behind = unpack(format, bytes, at)
    return natural and binary.natural(n) or n, behind
  end
end

local function counted(format, what, f)
  local size = format:packsize()
  return function(bytes, at, depth)
    need(bytes, at, size, what)
    local n, behind = unpack(format, bytes, at)
    return f(bytes, behind, n, depth, what)
  end
end

local function string_of(bytes, at, n, _, what) return slice(bytes, at, n, what) end
local function extension_of(bytes, at, n) return read_extension(bytes, at, n) end
local function fixed(n) return function(bytes, at) return read_extension(bytes, at, n) end end
local function constant(value) return function(_, at) return value, at end end

local readers = {
  [0xC0] = constant(binary.null), [0xC2] = constant(false), [0xC3] = constant(true),
  [0xC4] = counted(">B", "a byte string", string_of), [0xC5] = counted(">I2", "a byte string",
    string_of),
  [0xC6] = counted(">I4", "a byte string", string_of),
    [0xC7] = counted(">B", "an extension", extension_of),
  [0xC8] = counted(">I2", "an extension", extension_of),
    [0xC9] = counted(">I4", "an extension", extension_of),
  [0xCA] = number ">f", [0xCB] = number ">d", [0xCC] = number ">B", [0xCD] = number ">I2",
    [0xCE] = number ">I4",
  [0xCF] = number(">i8", true), [0xD0] = number ">b", [0xD1] = number ">i2",
    [0xD2] = number ">i4", [0xD3] = number ">i8",
  [0xD4] = fixed(1), [0xD5] = fixed(2), [0xD6] = fixed(4), [0xD7] = fixed(8), [0xD8] = fixed(16),
  [0xD9] = counted(">B", "a text", string_of), [0xDA] = counted(">I2", "a text", string_of),
    [0xDB] = counted(">I4", "a text", string_of),
  [0xDC] = counted(">I2", "an array", read_array), [0xDD] = counted(">I4", "an array", read_array),
  [0xDE] = counted(">I2", "a map", read_map), [0xDF] = counted(">I4", "a map", read_map),
}

function read(bytes, at, depth)
  local head = bytes:byte(at) or fail(at, "expected a value, got the end")
  if head < 0x80 then return head, at + 1 end
  if head >= 0xE0 then return head - 256, at + 1 end
  if head < 0x90 then return read_map(bytes, at + 1, head & 15, depth) end
  if head < 0xA0 then return read_array(bytes, at + 1, head & 15, depth) end
  if head < 0xC0 then return slice(bytes, at + 1, head & 31, "a text") end
  local reader = readers[head] or fail(at, "expected a head of MessagePack, which 0xC1 is not")
  return reader(bytes, at + 1, depth)
end

--- One value, and nothing behind it. Integers keep 64 bits, those above 2^63 are floats; texts
--- and bytes are strings; keys that are numbers stay numbers; nil is json.null; a timestamp is
--- seconds since 1970, other extensions are their bytes.
---@param bytes string
---@return any value
---@return string? err names the byte, from 1, and what was expected there
msgpack.decode = binary.decoder("msgpack.decode", read)

-- ---- writing ----

local function write_integer(n)
  if n >= -32 and n < 128 then return pack(">b", n) end
  if n >= 0 then
    return n < 0x100 and pack(">BB", 0xCC, n) or n < 0x10000 and pack(">BI2", 0xCD, n)
      or n < 0x100000000 and pack(">BI4", 0xCE, n)
      or pack(">BI8", 0xCF, n)
  end
  return n >= -128 and pack(">Bb", 0xD0, n) or n >= -32768 and pack(">Bi2", 0xD1, n)
    or n >= -2147483648 and pack(">Bi4", 0xD2, n)
    or pack(">Bi8", 0xD3, n)
end

-- A length behind the first byte of its kind; `short` (and how many it holds) where there is one.
local function length(n, short, room, first)
  if short and n < room then return string.char(short | n) end
  if n < 0x100 and first[1] then return pack(">BB", first[1], n) end
  return n < 0x10000 and pack(">BI2", first[2], n) or pack(">BI4", first[3], n)
end

local TEXT, BYTES, ARRAY, MAP = { 0xD9, 0xDA, 0xDB }, { 0xC4, 0xC5, 0xC6 }, { nil, 0xDC, 0xDD },
  { nil, 0xDE, 0xDF }

local write

local function write_table(t, depth, out)
  if depth > binary.DEPTH then
    error("msgpack.encode: more than 512 levels, or a table in itself", 0)
  end
  local n = binary.list_length(t)
  if n then
    out[#out + 1] = length(n, 0x90, 16, ARRAY)
    for i = 1, n do write(t[i], depth, out) end
    return
  end
  local pairs_list = {}
  for key, value in next, t do
    local one = {}
    write(key, depth, one)
    pairs_list[#pairs_list + 1] = { table.concat(one), value }
  end
  table.sort(pairs_list, function(a, b) return a[1] < b[1] end)
  out[#out + 1] = length(#pairs_list, 0x80, 16, MAP)
  for _, one in ipairs(pairs_list) do
    out[#out + 1] = one[1]
    write(one[2], depth, out)
  end
end

local function write_float(n)
  local kind, bytes = binary.float(n)
  return (kind == "single" and "\xCA" or "\xCB") .. bytes
end

function write(value, depth, out)
  local what = type(value)
  if value == nil or value == binary.null then out[#out + 1] = "\xC0"
  elseif what == "boolean" then out[#out + 1] = value and "\xC3" or "\xC2"
  elseif what == "number" then out[#out + 1] = math.type(value) == "integer"
    and write_integer(value) or write_float(value)
  elseif what == "string" or binary.is_bytes(value) then
    local text = what == "string" and binary.is_text(value)
    local s = what == "string" and value or value[1]
    out[#out + 1] = text and length(#s, 0xA0, 32, TEXT) or length(#s, nil, 0, BYTES)
    out[#out + 1] = s
  elseif what == "table" then write_table(value, depth + 1, out)
  else error(("msgpack.encode: expected data, got a %s"):format(what), 0) end
end

--- A value in its shortest form, with its keys in order: a table with the keys 1 to n is an
--- array, any other (an empty one, too) a map; strings that are UTF-8 are texts, others byte
--- strings.
---@param value any
---@return string bytes
function msgpack.encode(value)
  local bytes = binary.encode(write, value) -- no tail call, so that an error names the caller
  return bytes
end

return msgpack
