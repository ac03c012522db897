--- Decompression: DEFLATE (RFC 1951) bare or in a zlib wrapper (RFC 1950), and gzip (RFC 1952).
--- What comes out is bounded, since a few bytes can stand for a million; it counts as a
--- handler's time and memory like all else that a script does. `zlib(device)` is a `decode` for
--- stations whose whole payload is compressed.
---
---     local zlib = require "tagline.codec.zlib"    -- in front of the line
---     prepare = function(payload) return assert(zlib.decode(payload)) end
---
--- It is part of the program: in a plain Lua its functions raise (run specs of it with `tagline
--- test`).
local kit = require "tagline.codec.kit"

local zlib = {}

-- At first use: who only reads what is not compressed needs none.
local native

local function load_native(name)
  local found, module = pcall(require, "tagline.zlib")
  if not found then
    error(("zlib.%s: zlib is a part of tagline, and this Lua has none: run it with \z
      `tagline test`"):format(name), 4)
  end
  native = module
end

--- Most bytes that come out, unless the caller says otherwise.
zlib.LIMIT = 1048576

local function run(name, bytes, limit, from, to)
  if type(bytes) ~= "string" then
    error(("zlib.%s: expected a string, got %s"):format(name, type(bytes)), 3)
  end
  if not native then load_native(name) end
  local text, why, at = native[name](bytes, limit or zlib.LIMIT, from, to)
  if text then return text end
  return nil, ("byte %d: %s"):format(at, why)
end

--- DEFLATE data, in a zlib wrapper or bare, to what it was.
---@param bytes string
---@param limit? integer most bytes that may come out (1048576)
---@param from? integer the data's first byte, from 1 (1)
---@param to? integer its last byte (the last of all)
---@return string? text
---@return string? err names the byte, counted from 1, and what was expected there
function zlib.inflate(bytes, limit, from, to) return run("inflate", bytes, limit, from, to) end

--- gzip data, of one file or several, to what it was.
---@param bytes string
---@param limit? integer most bytes that may come out (1048576)
---@param from? integer the data's first byte, from 1 (1)
---@param to? integer its last byte (the last of all)
---@return string? text
---@return string? err names the byte, counted from 1, and what was expected there
function zlib.gunzip(bytes, limit, from, to) return run("gunzip", bytes, limit, from, to) end

--- Either of them: gzip when it begins like gzip.
---@param bytes string
---@param limit? integer most bytes that may come out (1048576)
---@return string? text
---@return string? err names the byte, counted from 1, and what was expected there
function zlib.decode(bytes, limit)
  local gzip = type(bytes) == "string" and bytes:sub(1, 2) == "\x1F\x8B"
  return run(gzip and "gunzip" or "inflate", bytes, limit)
end

return kit.encoding("zlib", zlib)
