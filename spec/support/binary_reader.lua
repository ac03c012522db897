-- A second reader of CBOR and MessagePack, written for the specs: slow, plain, on the
-- standards' tables alone. It gives a text in which each value stands with its kind, so that
-- two readings can be compared. Of maps it keeps the last value of a repeated key.
local reader = {}

local function number(n)
  if n ~= n then return "nan" end
  if math.type(n) == "integer" then return "i" .. n end
  return ("f%a"):format(n)
end

-- The text of a value as Lua holds it; null is whatever `null` is.
function reader.text(value, null)
  if value == null then return "null" end
  local what = type(value)
  if what == "number" then return number(value) end
  if what == "string" then return ("s%q"):format(value) end
  if what ~= "table" then return tostring(value) end
  local parts, list = {}, #value
  for key, item in pairs(value) do
    if math.type(key) == "integer" and key >= 1 and key <= list then goto next end
    parts[#parts + 1] = reader.text(key, null) .. "=" .. reader.text(item, null)
    ::next::
  end
  table.sort(parts)
  for i = 1, list do
    parts[#parts + 1] = reader.text(i, null) .. "=" .. reader.text(value[i], null)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function bits(bytes, at, count)
  local n = 0
  for i = 0, count - 1 do n = n << 8 | bytes:byte(at + i) end
  return n, at + count
end

local function big(n) -- an unsigned number of 64 bits
  if n >= 0 then return n end
  return (n >> 32) * 4294967296.0 + (n & 0xFFFFFFFF)
end

-- MessagePack; { null = …, map and list as tables }.
function reader.msgpack(bytes, null)
  local at, read = 1, nil
  local function take(n)
    local s = bytes:sub(at, at + n - 1)
    assert(#s == n, "cut")
    at = at + n
    return s
  end
  local function uint(n)
    local value
    assert(at + n - 1 <= #bytes, "cut")
    value, at = bits(bytes, at, n)
    return value
  end
  local function list(n)
    local t = {}
    for i = 1, n do t[i] = read() end
    return t
  end
  local function map(n)
    local t = {}
    for _ = 1, n do
      local key = read()
      t[key] = read()
    end
    return t
  end
  function read()
    local b = uint(1)
    if b < 0x80 then return b elseif b >= 0xE0 then return b - 0x100
    elseif b < 0x90 then return map(b - 0x80) elseif b < 0xA0 then
      return list(b - 0x90) elseif b < 0xC0 then return take(b - 0xA0)
    elseif b == 0xC0 then return null elseif b == 0xC2 then return false elseif b == 0xC3 then
      return true
    elseif b == 0xC4 or b == 0xD9 then return take(uint(1)) elseif b == 0xC5 or b == 0xDA then
      return take(uint(2))
    elseif b == 0xC6 or b == 0xDB then return take(uint(4))
    elseif b == 0xCA then return (string.unpack(">f", take(4))) elseif b == 0xCB then
      return (string.unpack(">d", take(8)))
    elseif b >= 0xCC and b <= 0xCE then return uint(1 << b - 0xCC) elseif b == 0xCF then
      return big(uint(8))
    elseif b >= 0xD0 and b <= 0xD3 then
      return (string.unpack(">i" .. (1 << b - 0xD0), take(1 << b - 0xD0)))
    elseif b == 0xDC then return list(uint(2)) elseif b == 0xDD then return list(uint(4))
    elseif b == 0xDE then return map(uint(2)) elseif b == 0xDF then return map(uint(4)) end
    error "no such head"
  end
  local value = read()
  assert(at == #bytes + 1, "more behind")
  return value
end

-- CBOR.
function reader.cbor(bytes, null)
  local at, read = 1, nil
  local BREAK = {}
  local function uint(n)
    local value
    assert(at + n - 1 <= #bytes, "cut")
    value, at = bits(bytes, at, n)
    return value
  end
  local function string_of(major, n)
    if n then
      local s = bytes:sub(at, at + n - 1)
      assert(#s == n, "cut")
      at = at + n
      return s
    end
    local whole = ""
    while bytes:byte(at) ~= 0xFF do
      assert(bytes:byte(at) >> 5 == major)
      whole = whole .. read()
    end
    at = at + 1
    return whole
  end
  local function items(n)
    return function()
      if n then
        n = n - 1
        if n < 0 then return nil, false end
        return read(), true
      end
      local value = read(true)
      if value == BREAK then return nil, false end
      return value, true
    end
  end
  function read(may_break)
    local b = uint(1)
    local major, info, n = b >> 5, b & 31, nil
    if b == 0xFF then
      assert(may_break, "break")
      return BREAK
    end
    if major == 7 then
      if info == 20 then return false elseif info == 21 then return true end
      if info < 24 then return null elseif info == 24 then
        uint(1)
        return null
      end
      if info == 25 then
        local h = uint(2)
        local e, m, sign = h >> 10 & 31, h & 1023, h >= 0x8000 and -1.0 or 1.0
        if e == 31 then return m == 0 and sign * math.huge or 0 / 0 end
        return sign * (e == 0 and m * 2.0 ^ -24 or (1024 + m) * 2.0 ^ (e - 25))
      end
      local size = info == 26 and 4 or 8
      local s = bytes:sub(at, at + size - 1)
      at = at + size
      return (string.unpack(size == 4 and ">f" or ">d", s))
    end
    if info < 24 then n = info elseif info < 28 then n = uint(1 << info - 24) end
    if major == 0 then return big(n) elseif major == 1 then return n >= 0 and -1 - n
      or -1.0 - big(n)
    elseif major == 2 or major == 3 then return string_of(major, n)
    elseif major == 6 then return read() end
    local t, nth, next_item = {}, 0, items(n)
    while true do
      local value, more = next_item()
      if not more then return t end
      nth = nth + 1
      if major == 4 then t[nth] = value else t[value] = read() end
    end
  end
  local value = read()
  assert(at == #bytes + 1, "more behind")
  return value
end

return reader
