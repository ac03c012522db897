--- Base16: bytes as hexadecimal digits.
--- `hex(device)` is a `decode` for stations whose whole payload is such text.
local kit = require "tagline.codec.kit"

local found, native = pcall(require, "tagline.bytes") -- in C, where there is the program

local hex = {}

local digits = {}
for i = 0, 15 do
  digits[("%x"):format(i):byte()] = i
  digits[("%X"):format(i):byte()] = i
end
local pairs_of = {}
for i = 0, 255 do pairs_of[string.char(i)] = ("%02x"):format(i) end

--- Bytes as lower-case digits.
---@param bytes string
---@return string text
function hex.encode(bytes)
  kit.check_bytes(bytes, "hex.encode")
  if found and not kit.slow then return native.hex_encode(bytes) end
  return (bytes:gsub(".", pairs_of))
end

--- Strict: an even number of digits of either case and nothing else.
---@param text string
---@return string? bytes
---@return string? err names the first wrong byte, counted from 1
function hex.decode(text)
  kit.check_bytes(text, "hex.decode")
  local bytes = found and not kit.slow and native.hex_decode(text)
  if bytes then return bytes end
  local wrong = text:find("%X")
  if wrong then
    return nil, ("byte %d: expected a hexadecimal digit, got %s"):format(wrong,
      kit.show_byte(text, wrong))
  end
  if #text % 2 == 1 then
    return nil, ("byte %d: expected a second hexadecimal digit, got the end"):format(#text + 1)
  end
  return (text:gsub("..", function(two)
    local high, low = two:byte(1, 2)
    return string.char(digits[high] << 4 | digits[low])
  end))
end

return kit.encoding("hex", hex)
