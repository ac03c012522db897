--- CBOR (RFC 8949): `decode` reads one item, `encode` writes one. A station whose payload is
--- CBOR needs neither:
--- payload_type = "CBOR" reads it by addresses, and msg.json is the whole of it. These are for
--- CBOR inside of something else, and for writing.
---
---     local cbor = require "tagline.codec.cbor"
---     encode = function(tag, value) return cbor.encode { [tag.name] = value } end
local binary = require "tagline.codec.binary"

local cbor = {}

local fail, need, unpack, pack = binary.fail, binary.need, string.unpack, string.pack

--- For `encode`: a byte string.
cbor.bytes = binary.bytes

--- json.null: null and undefined, both ways.
cbor.null = binary.null

local Tagged = { __name = "tagged" }

--- For `encode`: a value behind a tag. `cbor.tag(1, os.time())` is a time.
---@param number integer
function cbor.tag(number, value)
  if math.type(number) ~= "integer" or number < 0 then
    error("cbor.tag: expected a number from 0", 2)
  end
  return setmetatable({ number, value }, Tagged)
end

-- ---- reading ----

local sizes = { [24] = ">B", [25] = ">I2", [26] = ">I4", [27] = ">i8" }

-- The argument of a head: its 64 bits and the place behind it; nil: of indefinite length.
local function argument(bytes, at, info)
  if info < 24 then return info, at + 1 end
  if info == 31 then return nil, at + 1 end
  local format = sizes[info] or fail(at, "expected a head of CBOR (RFC 8949)")
  need(bytes, at + 1, 1 << info - 24, "a value")
  return unpack(format, bytes, at + 1)
end

local read

local function chunks(bytes, at, major)
  local list = {}
  while true do
    local head = bytes:byte(at) or fail(at, "expected a chunk or a break, got the end")
    if head == 0xFF then return table.concat(list), at + 1 end
    if head >> 5 ~= major or head & 31 == 31 then fail(at, "expected a chunk of the same kind") end
    local length, from = argument(bytes, at, head & 31)
    need(bytes, from, length, "a chunk")
    list[#list + 1] = bytes:sub(from, from + length - 1)
    if major == 3 and not binary.is_text(list[#list]) then fail(from, "expected valid UTF-8") end
    at = from + length
  end
end

local function read_string(bytes, at, major, info)
  local length, from = argument(bytes, at, info)
  if not length then return chunks(bytes, from, major) end
  need(bytes, from, length, major == 3 and "a text" or "a byte string")
  local s = bytes:sub(from, from + length - 1)
  if major == 3 and not binary.is_text(s) then fail(from, "expected valid UTF-8") end
  return s, from + length
end

-- Are there more items of a container? `left` is nil for one that ends with a break.
local function over(bytes, at, left)
  if left then return left <= 0, at end
  local head = bytes:byte(at) or fail(at, "expected a value or a break, got the end")
  if head == 0xFF then return true, at + 1 end
  return false, at
end

local function read_array(bytes, at, info, depth)
  local list, n = {}, 0
  local left, done, value
  left, at = argument(bytes, at, info)
  if left and left < 0 then fail(#bytes + 1, "expected a value, got the end") end
  while true do
    done, at = over(bytes, at, left)
    if done then return list, at end
    value, at = read(bytes, at, depth + 1)
    n = n + 1
    list[n] = value
    left = left and left - 1
  end
end

local function read_map(bytes, at, info, depth)
  local map = {}
  local left, done, key, value
  left, at = argument(bytes, at, info)
  if left and left < 0 then fail(#bytes + 1, "expected a key, got the end") end
  while true do
    done, at = over(bytes, at, left)
    if done then return map, at end
    key, at = read(bytes, at, depth + 1)
    value, at = read(bytes, at, depth + 1)
    map[binary.key(key)] = value
    left = left and left - 1
  end
end

local function half(bits)
  local exponent, mantissa = bits >> 10 & 31, bits & 1023
  local value = exponent == 0 and mantissa * 2.0 ^ -24 or exponent < 31
    and (mantissa + 1024) * 2.0 ^ (exponent - 25)
    or mantissa == 0 and math.huge or 0 / 0
  return bits & 0x8000 ~= 0 and -value or value
end

local function read_simple(bytes, at, info)
  if info == 20 or info == 21 then return info == 21, at + 1 end
  if info == 25 then
    local bits, behind = argument(bytes, at, info)
    return half(bits), behind
  elseif info == 26 or info == 27 then
    need(bytes, at + 1, info == 26 and 4 or 8, "a number")
    return unpack(info == 26 and ">f" or ">d", bytes, at + 1)
  elseif info == 24 then
    local number, behind = argument(bytes, at, info)
    if number < 32 then fail(at + 1, "expected a simple value of at least 32") end
    return binary.null, behind
  elseif info > 27 then
    fail(at, info == 31 and "expected a value, got a break" or "expected a head of CBOR (RFC 8949)")
  end
  return binary.null, at + 1
end

-- Large integers (tags 2 and 3) are numbers; other tags are read through.
local function read_tag(bytes, at, info, depth)
  local number, from = argument(bytes, at, info)
  if not number then fail(at, "expected a head of CBOR (RFC 8949)") end
  local inner = bytes:byte(from)
  local value, behind = read(bytes, from, depth)
  if (number == 2 or number == 3) and inner and inner >> 5 == 2 then
    local sum = #value <= 7 and 0 or 0.0
    for i = 1, #value do sum = sum * 256 + value:byte(i) end
    value = number == 2 and sum or -1 - sum
  end
  return value, behind
end

function read(bytes, at, depth)
  local head = bytes:byte(at) or fail(at, "expected a value, got the end")
  local major, info = head >> 5, head & 31
  if major < 2 then
    local n, behind = argument(bytes, at, info)
    if not n then fail(at, "expected a head of CBOR (RFC 8949)") end
    if major == 0 then return binary.natural(n), behind end
    return n >= 0 and -1 - n or -1.0 - binary.natural(n), behind
  elseif major < 4 then
    return read_string(bytes, at, major, info)
  elseif major < 6 then
    if depth >= binary.DEPTH then fail(at, "expected at most 512 levels") end
    return (major == 4 and read_array or read_map)(bytes, at, info, depth)
  elseif major == 6 then
    return read_tag(bytes, at, info, depth)
  end
  return read_simple(bytes, at, info)
end

--- One item, and nothing behind it. Integers keep 64 bits, larger ones are floats; texts and
--- byte strings are strings; keys that are numbers stay numbers; null, undefined and simple
--- values are json.null; tags are read through.
---@param bytes string
---@return any value
---@return string? err names the byte, from 1, and what was expected there
cbor.decode = binary.decoder("cbor.decode", read)

-- ---- writing ----

local function head(major, n)
  if n < 0 then return pack(">Bi8", major << 5 | 27, n) end
  if n < 24 then return string.char(major << 5 | n) end
  if n < 0x100 then return pack(">BB", major << 5 | 24, n) end
  if n < 0x10000 then return pack(">BI2", major << 5 | 25, n) end
  if n < 0x100000000 then return pack(">BI4", major << 5 | 26, n) end
  return pack(">BI8", major << 5 | 27, n)
end

-- A float that fits 16 bits, or nil: normal numbers with ten bits of fraction.
local function half_of(number)
  if number == 0 then return 1 / number < 0 and "\xF9\x80\x00" or "\xF9\x00\x00" end
  local bits = unpack(">i8", pack(">d", number))
  local exponent = (bits >> 52 & 0x7FF) - 1023
  if exponent < -14 or exponent > 15 or bits & (1 << 42) - 1 ~= 0 then return nil end
  return pack(">BI2", 0xF9, (bits >> 63) << 15 | exponent + 15 << 10 | bits >> 42 & 1023)
end

local function write_number(number)
  if math.type(number) == "integer" then
    return number >= 0 and head(0, number) or head(1, -1 - number)
  end
  if number ~= number then return "\xF9\x7E\x00" end
  if number == math.huge then return "\xF9\x7C\x00" elseif number == -math.huge then
    return "\xF9\xFC\x00" end
  local short = half_of(number)
  if short then return short end
  local kind, bytes = binary.float(number)
  return (kind == "single" and "\xFA" or "\xFB") .. bytes
end

local write

local function write_table(t, depth, out)
  if depth > binary.DEPTH then
    error("cbor.encode: more than 512 levels, or a table in itself", 0)
  end
  local n = binary.list_length(t)
  if n then
    out[#out + 1] = head(4, n)
    for i = 1, n do write(t[i], depth, out) end
    return
  end
  local pairs_list = {}
  for key, value in next, t do
    local one = {}
    write(key, depth, one)
    pairs_list[#pairs_list + 1] = { table.concat(one), value }
  end
  table.sort(pairs_list, function(a, b) return a[1] < b[1] end) -- the same bytes for the same table
  out[#out + 1] = head(5, #pairs_list)
  for _, one in ipairs(pairs_list) do
    out[#out + 1] = one[1]
    write(one[2], depth, out)
  end
end

function write(value, depth, out)
  local what = type(value)
  if value == nil or value == binary.null then out[#out + 1] = "\xF6"
  elseif what == "boolean" then out[#out + 1] = value and "\xF5" or "\xF4"
  elseif what == "number" then out[#out + 1] = write_number(value)
  elseif what == "string" then
    out[#out + 1] = head(binary.is_text(value) and 3 or 2, #value)
    out[#out + 1] = value
  elseif binary.is_bytes(value) then
    out[#out + 1] = head(2, #value[1])
    out[#out + 1] = value[1]
  elseif getmetatable(value) == Tagged then
    out[#out + 1] = head(6, value[1])
    write(value[2], depth + 1, out)
  elseif what == "table" then write_table(value, depth + 1, out)
  else error(("cbor.encode: expected data, got a %s"):format(what), 0) end
end

--- A value as one item, in its shortest form and with its keys in order: a table with the keys
--- 1 to n is an array, any other (an empty one, too) a map; strings that are UTF-8 are texts,
--- others byte strings.
---@param value any
---@return string bytes
function cbor.encode(value)
  local bytes = binary.encode(write, value) -- no tail call, so that an error names the caller
  return bytes
end

return cbor
