-- Documents for specs: values that are the same in each run, and CBOR written in ways that no
-- shortest form has.
local random = {}

local null = require("cjson").null

-- xorshift64*: the same numbers in every run.
local function numbers(seed)
  local state = seed * 2654435761 + 1
  return function(below)
    state = state ~ state >> 12
    state = state ~ state << 25
    state = state ~ state >> 27
    return (state * 0x2545F4914F6CDD1D >> 33) % below
  end
end

local words = { "temp", "humidity", "id", "a", "", "°C", "list",
  "a longer text of more than thirty-two bytes, all in all", "28FF" }
local integers = { 0, 1, 23, 24, 127, 128, 255, 256, 65535, 65536, 4294967295, 4294967296,
  math.maxinteger, -1, -24, -25, -32, -33, -128, -129,
  -32768, -32769, -2147483648, -2147483649, math.mininteger }
local floats = { 0.5, 1.5, -2.25, 1.1, 65504.0, 65505.5, 1e300, 5.960464477539063e-08,
  3.4028234663852886e+38, math.huge, -math.huge, 21.37 }

-- A function that gives another value at each call.
function random.new(seed)
  local pick = numbers(seed)
  local function value(depth)
    local kind = pick(depth < 5 and 10 or 7)
    if kind == 0 then return null elseif kind == 1 then return pick(2) == 0
    elseif kind < 4 then return integers[pick(#integers) + 1] elseif kind == 4 then
      return floats[pick(#floats) + 1]
    elseif kind < 7 then return words[pick(#words) + 1] end
    local t = {}
    if kind == 7 then
      for i = 1, 1 + pick(5) do t[i] = value(depth + 1) end
      return t
    end
    for _ = 1, pick(6) do
      t[pick(4) == 0 and -pick(5) - 1 or words[pick(#words) + 1]] = value(depth + 1)
    end
    return t
  end
  return function() return value(0) end
end

-- A value as CBOR with tags, indefinite lengths, chunks and heads that are longer than they
-- need to be.
function random.odd_cbor(document, seed)
  local pick = numbers(seed)
  local function head(major, n)
    local size = pick(3)
    if size == 0 and n >= 0 and n < 24 then return string.char(major << 5 | n) end
    if size == 1 and n >= 0 and n < 256 then return string.pack(">BB", major << 5 | 24, n) end
    return string.pack(">Bi8", major << 5 | 27, n)
  end
  local function text(s)
    if pick(3) > 0 or not utf8.len(s) then return head(3, #s) .. s end
    local at = utf8.offset(s, 1 + pick(utf8.len(s) + 1)) or #s + 1
    return "\x7F" .. head(3, at - 1) .. s:sub(1, at - 1) .. head(3, #s - at + 1) .. s:sub(at)
      .. "\xFF"
  end
  local function write(v)
    local tag = pick(8) == 0 and head(6, 100 + pick(1000)) or ""
    if v == null then return tag .. (pick(2) == 0 and "\xF6" or "\xF7") end
    local what = math.type(v) or type(v)
    if what == "boolean" then return tag .. (v and "\xF5" or "\xF4")
    elseif what == "integer" then return tag .. (v >= 0 and head(0, v) or head(1, -1 - v))
    elseif what == "float" then return tag .. "\xFB" .. string.pack(">d", v)
    elseif what == "string" then return tag .. text(v) end
    local parts, count = {}, 0
    if #v > 0 then
      for i, item in ipairs(v) do parts[i] = write(item) end
      count = #v
    else
      for key, item in pairs(v) do
        count = count + 1
        parts[count] = write(key) .. write(item)
      end
      table.sort(parts)
    end
    local major = #v > 0 and 4 or 5
    if pick(2) == 0 then return tag .. head(major, count) .. table.concat(parts) end
    return tag .. string.char(major << 5 | 31) .. table.concat(parts) .. "\xFF"
  end
  return write(document)
end

return random
