--- Inflate: data compressed by DEFLATE (RFC 1951), in a zlib (RFC 1950) or gzip (RFC 1952) wrapper or bare. Checksums are
--- checked; the size of what comes out is bounded, since a few bytes can stand for a million. Knows no Sparkplug.
local protobuf = require "tagline.codec.sparkplug_b.protobuf"

local inflate = {}

local fail = protobuf.fail

-- ---- bits ----

---@class tagline.Bits bits of a byte string, the lowest of a byte first
---@field bytes string
---@field at integer the next byte to take
---@field stop integer the last one
---@field held integer bits taken and not yet used
---@field count integer how many of them
local bits = {}
bits.__index = bits

function bits:need(n)
  while self.count < n do
    if self.at > self.stop then fail(self.at, "expected more compressed data, got the end") end
    self.held = self.held | self.bytes:byte(self.at) << self.count
    self.at, self.count = self.at + 1, self.count + 8
  end
end

function bits:take(n)
  if n == 0 then return 0 end
  self:need(n)
  local value = self.held & (1 << n) - 1
  self.held, self.count = self.held >> n, self.count - n
  return value
end

--- To the next whole byte; bytes that were looked at too early are given back.
function bits:align()
  self.at = self.at - self.count // 8
  self.held, self.count = 0, 0
end

-- ---- codes ----

local LONGEST = 15

-- A code of lengths[0..n-1] as a table by length and bits: key = 1 << length | bits. Gives up unless it is complete; a code of
-- one symbol may be incomplete, as may an empty one, which is then never used.
local function make_code(lengths, n, at, what)
  local count, first = {}, {}
  for length = 0, LONGEST do count[length] = 0 end
  for i = 0, n - 1 do count[lengths[i]] = count[lengths[i]] + 1 end
  local code, used, room = 0, n - count[0], 1
  count[0] = 0
  for length = 1, LONGEST do
    code = code + count[length - 1] << 1
    first[length] = code
    room = (room << 1) - count[length]
    if room < 0 then fail(at, "expected a prefix code of %s, got one with too many codes", what) end
  end
  if room > 0 and used > 1 then fail(at, "expected a prefix code of %s, got one with too few codes", what) end
  local symbols = {}
  for i = 0, n - 1 do
    local length = lengths[i]
    if length > 0 then
      symbols[1 << length | first[length]] = i
      first[length] = first[length] + 1
    end
  end
  return symbols
end

-- The next symbol. Codes have their highest bit first, so they are taken bit by bit.
local function take_symbol(b, symbols)
  local key, held, count = 1, b.held, b.count
  for length = 1, LONGEST do
    if count < length then
      b:need(length)
      held, count = b.held, b.count
    end
    key = key << 1 | held >> length - 1 & 1
    local symbol = symbols[key]
    if symbol then
      b.held, b.count = held >> length, count - length
      return symbol
    end
  end
  fail(b.at, "expected a code of the block's table")
end

local length_base, length_extra, distance_base, distance_extra = {}, {}, {}, {}
do
  local base = 3
  for i = 0, 27 do
    local extra = i < 8 and 0 or i // 4 - 1
    length_base[257 + i], length_extra[257 + i] = base, extra
    base = base + (1 << extra)
  end
  length_base[285], length_extra[285] = 258, 0
  base = 1
  for i = 0, 29 do
    local extra = i < 4 and 0 or i // 2 - 1
    distance_base[i], distance_extra[i] = base, extra
    base = base + (1 << extra)
  end
end

local fixed_literals, fixed_distances

local function fixed_codes()
  if not fixed_literals then
    local lengths = {}
    for i = 0, 287 do lengths[i] = i < 144 and 8 or i < 256 and 9 or i < 280 and 7 or 8 end
    fixed_literals = make_code(lengths, 288, nil, "literals")
    for i = 0, 31 do lengths[i] = 5 end
    fixed_distances = make_code(lengths, 32, nil, "distances")
  end
  return fixed_literals, fixed_distances
end

local order = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15 }

local function read_codes(b)
  local start = b.at
  local literals, distances, count = b:take(5) + 257, b:take(5) + 1, b:take(4) + 4
  if literals > 286 or distances > 30 then
    fail(start, "expected at most 286 literals and 30 distances, got %d and %d", literals, distances)
  end
  local lengths = {}
  for i = 0, 18 do lengths[i] = 0 end
  for i = 1, count do lengths[order[i]] = b:take(3) end
  local code = make_code(lengths, 19, start, "code lengths")
  local n, all = 0, literals + distances
  lengths = {}
  while n < all do
    local symbol = take_symbol(b, code)
    local value, times = symbol, 1
    if symbol == 16 then
      if n == 0 then fail(b.at, "expected a code length to repeat") end
      value, times = lengths[n - 1], b:take(2) + 3
    elseif symbol == 17 then value, times = 0, b:take(3) + 3
    elseif symbol == 18 then value, times = 0, b:take(7) + 11 end
    if n + times > all then fail(b.at, "expected %d code lengths, got more", all) end
    for i = n, n + times - 1 do lengths[i] = value end
    n = n + times
  end
  if lengths[256] == 0 then fail(b.at, "expected a code for the block's end") end
  local of_distances = {}
  for i = 0, distances - 1 do of_distances[i] = lengths[literals + i] end
  return make_code(lengths, literals, start, "literals"), make_code(of_distances, distances, start, "distances")
end

-- ---- blocks ----

local function check_room(b, n, more, limit)
  if n + more > limit then fail(b.at, "expected at most %d bytes of decompressed data", limit) end
end

local function stored_block(b, out, n, limit)
  b:align()
  local at = b.at
  if b.stop - at + 1 < 4 then fail(at, "expected the length of a stored block (4 bytes), got the end") end
  local length, inverse = ("<I2I2"):unpack(b.bytes, at)
  if length ~= inverse ~ 0xFFFF then fail(at, "expected a stored block's length and its complement") end
  at = at + 4
  if b.stop - at + 1 < length then fail(at, "expected %d bytes of a stored block, got %d", length, b.stop - at + 1) end
  check_room(b, n, length, limit)
  for i = 1, length do out[n + i] = b.bytes:byte(at + i - 1) end
  b.at = at + length
  return n + length
end

local function coded_block(b, out, n, limit, literals, distances)
  while true do
    local symbol = take_symbol(b, literals)
    if symbol < 256 then
      check_room(b, n, 1, limit)
      n = n + 1
      out[n] = symbol
    elseif symbol == 256 then
      return n
    else
      if symbol > 285 then fail(b.at, "expected a length's code up to 285, got %d", symbol) end
      local length = length_base[symbol] + b:take(length_extra[symbol])
      local far = take_symbol(b, distances)
      if far > 29 then fail(b.at, "expected a distance's code up to 29, got %d", far) end
      local distance = distance_base[far] + b:take(distance_extra[far])
      if distance > n then fail(b.at, "expected a distance of at most %d bytes, got %d", n, distance) end
      check_room(b, n, length, limit)
      for i = n + 1, n + length do out[i] = out[i - distance] end
      n = n + length
    end
  end
end

local function raw(b, limit)
  local out, n = {}, 0
  repeat
    local last, kind = b:take(1), b:take(2)
    if kind == 0 then n = stored_block(b, out, n, limit)
    elseif kind == 1 then n = coded_block(b, out, n, limit, fixed_codes())
    elseif kind == 2 then n = coded_block(b, out, n, limit, read_codes(b))
    else fail(b.at, "expected a block of type 0, 1 or 2, got 3") end
  until last == 1
  b:align()
  return out, n
end

local function text_of(out, n)
  local parts = {}
  for i = 1, n, 4096 do parts[#parts + 1] = string.char(table.unpack(out, i, math.min(n, i + 4095))) end
  return table.concat(parts)
end

-- ---- wrappers ----

local crc_table

local function crc32(out, n)
  if not crc_table then
    crc_table = {}
    for i = 0, 255 do
      local c = i
      for _ = 1, 8 do c = c & 1 == 1 and 0xEDB88320 ~ c >> 1 or c >> 1 end
      crc_table[i] = c
    end
  end
  local c = 0xFFFFFFFF
  for i = 1, n do c = crc_table[(c ~ out[i]) & 255] ~ c >> 8 end
  return c ~ 0xFFFFFFFF
end

local function adler32(out, n)
  local a, b = 1, 0
  for i = 1, n do
    a = a + out[i]
    b = b + a
    if i % 4096 == 0 then a, b = a % 65521, b % 65521 end
  end
  return b % 65521 << 16 | a % 65521
end

local function trailer(b, format, what)
  local size = format:packsize()
  if b.stop - b.at + 1 < size then fail(b.at, "expected %s (%d bytes), got the end", what, size) end
  local one, two = format:unpack(b.bytes, b.at)
  b.at = b.at + size
  return one, two
end

local function at_end(b)
  if b.at <= b.stop then fail(b.at, "expected the end of the compressed data, got %d bytes more", b.stop - b.at + 1) end
end

-- A text of a gzip header, up to its NUL.
local function skip_text(b, what)
  local nul = b.bytes:find("\0", b.at, true)
  if not nul or nul > b.stop then fail(b.at, "expected %s that ends in a NUL", what) end
  b.at = nul + 1
end

local function open_bits(bytes, from, to)
  return setmetatable({ bytes = bytes, at = from, stop = to, held = 0, count = 0 }, bits)
end

--- Decompress gzip data. Gives up by `protobuf.fail`, with places in `bytes`.
---@param bytes string
---@param from integer first byte of the data
---@param to integer last byte
---@param limit integer most bytes that may come out
---@return string
function inflate.gzip(bytes, from, to, limit)
  local b = open_bits(bytes, from, to)
  if to - from + 1 < 10 then fail(from, "expected a gzip header (10 bytes), got %d", to - from + 1) end
  local magic, method, flags = ("<I2BB"):unpack(bytes, from)
  if magic ~= 0x8B1F then fail(from, "expected gzip data (1F 8B)") end
  if method ~= 8 then fail(from + 2, "expected compression method 8, got %d", method) end
  if flags & 0xE0 ~= 0 then fail(from + 3, "expected no reserved flags, got 0x%02X", flags) end
  b.at = from + 10
  if flags & 4 ~= 0 then
    local length = trailer(b, "<I2", "an extra field's length")
    if b.stop - b.at + 1 < length then fail(b.at, "expected an extra field of %d bytes, got the end", length) end
    b.at = b.at + length
  end
  if flags & 8 ~= 0 then skip_text(b, "a file name") end
  if flags & 16 ~= 0 then skip_text(b, "a comment") end
  if flags & 2 ~= 0 then trailer(b, "<I2", "the header's checksum") end
  local out, n = raw(b, limit)
  local at = b.at
  local sum, size = trailer(b, "<I4I4", "a checksum and a size")
  if sum ~= crc32(out, n) then fail(at, "expected the checksum %08X, got %08X", crc32(out, n), sum) end
  if size ~= n & 0xFFFFFFFF then fail(at + 4, "expected the size %d, got %d", n, size) end
  at_end(b)
  return text_of(out, n)
end

--- Decompress DEFLATE data: in a zlib wrapper, as Java's Deflater writes it, or bare.
---@param bytes string
---@param from integer first byte of the data
---@param to integer last byte
---@param limit integer most bytes that may come out
---@return string
function inflate.deflate(bytes, from, to, limit)
  local b = open_bits(bytes, from, to)
  local method, flags = bytes:byte(from, math.min(from + 1, to))
  local wrapped = flags and method & 15 == 8 and method >> 4 <= 7 and (method << 8 | flags) % 31 == 0
  if not wrapped then
    local out, n = raw(b, limit)
    at_end(b)
    return text_of(out, n)
  end
  if flags & 32 ~= 0 then fail(from + 1, "expected data without a preset dictionary") end
  b.at = from + 2
  local out, n = raw(b, limit)
  local at = b.at
  local sum = trailer(b, ">I4", "a checksum")
  if sum ~= adler32(out, n) then fail(at, "expected the checksum %08X, got %08X", adler32(out, n), sum) end
  at_end(b)
  return text_of(out, n)
end

return inflate
