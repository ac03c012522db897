--- What the codecs cbor and msgpack share: null, numbers with a byte order, tables as lists or
--- maps, failures with a place. Knows no format.
local binary = {}

--- Containers in containers.
binary.DEPTH = 512

local function find_null()
  for _, name in ipairs { "tagline.json", "cjson" } do
    local found, json = pcall(require, name)
    if found and type(json) == "table" and json.null ~= nil then return json.null end
  end
end

--- What stands for null (json.null); nil in a Lua that has none.
binary.null = find_null()

local failure = {}
failure.__index = failure

--- Give up reading. `at` is the byte at fault, from 1.
---@param at integer
---@param text string
function binary.fail(at, text) error(setmetatable({ at = at, text = text }, failure), 0) end

--- Call f(…): its result; or nil and "byte N: …" when it gave up. Other errors pass through.
function binary.try(f, ...)
  local ok, value = pcall(f, ...)
  if ok then return value end
  if type(value) ~= "table" or getmetatable(value) ~= failure then error(value, 0) end
  return nil, ("byte %d: %s"):format(value.at, value.text)
end

--- The bytes from `at` on, of which there must be `count`.
function binary.need(bytes, at, count, what)
  if count < 0 or count > #bytes - at + 1 then
    binary.fail(#bytes + 1, ("expected the rest of %s, got the end"):format(what))
  end
end

--- decode(bytes) of a format: one value, and nothing behind it. `read(bytes, at, depth)` gives a
--- value and where the next one begins.
---@param name string of the function, for errors of the caller
function binary.decoder(name, read)
  local function document(bytes)
    local value, behind = read(bytes, 1, 0)
    if behind <= #bytes then binary.fail(behind, "expected the end of the document") end
    return value
  end
  return function(bytes)
    if type(bytes) ~= "string" then
      error(("%s: expected a string, got %s"):format(name, type(bytes)), 2)
    end
    return binary.try(document, bytes)
  end
end

--- encode(value) of a format, called by the user's code: `write(value, depth, out)` appends to the
--- list `out`. Raises in the user's line.
function binary.encode(write, value)
  local out = {}
  local ok, why = pcall(write, value, 0, out)
  if not ok then error(why, 3) end
  return table.concat(out)
end

--- An unsigned integer of 64 bits: one of Lua, or above 2^63 a float.
function binary.natural(n) return n >= 0 and n or (n >> 1) * 2.0 + (n & 1) end

--- A key as Lua takes it.
function binary.key(key)
  if key == nil or key == binary.null then return "null" end
  if key ~= key then return "NaN" end
  if type(key) == "table" then return key[1] ~= nil and "array" or "object" end
  return key
end

--- The length of a table as a list; nil: it is a map. Strict: every key from 1 on, and no
--- other. An empty one is a map.
function binary.list_length(t)
  local count = 0
  for key in next, t do
    if math.type(key) ~= "integer" or key < 1 then return nil end
    count = count + 1
  end
  return count > 0 and count == #t and count or nil
end

--- A shortest float that is the same number: "half", "single" or "double", and its bytes.
function binary.float(number)
  local single = number ~= number and nil or string.unpack(">f", string.pack(">f", number))
  if number ~= number then return "double", string.pack(">d", number) end
  if single == number then return "single", string.pack(">f", number) end
  return "double", string.pack(">d", number)
end

--- Bytes that are to be written as such, not as text.
local Bytes = { __name = "bytes" }

---@param bytes string
function binary.bytes(bytes)
  if type(bytes) ~= "string" then
    error(("bytes: expected a string, got %s"):format(type(bytes)), 2)
  end
  return setmetatable({ bytes }, Bytes)
end

function binary.is_bytes(value) return getmetatable(value) == Bytes end

--- Is this text, rather than bytes?
function binary.is_text(s) return utf8.len(s) ~= nil end

return binary
