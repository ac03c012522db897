--- Base64 (RFC 4648, section 4), with padding.
--- `base64(device)` is a `decode` for stations whose whole payload is such text.
local kit = require "tagline.codec.kit"

local found, native = pcall(require, "tagline.bytes") -- in C, where there is the program

local base64 = {}

local letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local value_of, letter_of = {}, {}
for i = 1, 64 do
  value_of[letters:byte(i)] = i - 1
  letter_of[i - 1] = letters:sub(i, i)
end

---@param bytes string
---@return string text
function base64.encode(bytes)
  kit.check_bytes(bytes, "base64.encode")
  if found and not kit.slow then return native.base64_encode(bytes) end
  local out = {}
  for i = 1, #bytes, 3 do
    local a, b, c = bytes:byte(i, i + 2)
    local bits = a << 16 | (b or 0) << 8 | (c or 0)
    out[#out + 1] = letter_of[bits >> 18] .. letter_of[bits >> 12 & 63]
      .. (b and letter_of[bits >> 6 & 63] or "=") .. (c and letter_of[bits & 63] or "=")
  end
  return table.concat(out)
end

local function wrong(text, at, expected)
  return nil, ("byte %d: expected %s, got %s"):format(at, expected, kit.show_byte(text, at))
end

--- What is wrong with a group of four letters (the last one may be padded), as a message.
local function explain(text, at)
  for i = at, at + 3 do
    if not value_of[text:byte(i)] then
      if i > #text then return wrong(text, i, "a whole group of four base64 letters") end
      local padding = text:byte(i) == 61 and i >= at + 2 and #text == at + 3
      if not padding then return wrong(text, i, "a base64 letter") end
      if i == at + 2 and text:byte(i + 1) ~= 61 then return wrong(text, i + 1, "'='") end
      return wrong(text, i - 1, "a base64 letter whose unused bits are 0")
    end
  end
end

--- Strict: whole groups of four, padding only at the end, unused bits 0, no line breaks.
---@param text string
---@return string? bytes
---@return string? err names the first wrong byte, counted from 1
function base64.decode(text)
  kit.check_bytes(text, "base64.decode")
  local bytes = found and not kit.slow and native.base64_decode(text)
  if bytes then return bytes end
  local out = {}
  for i = 1, #text, 4 do
    local a, b, c, d = text:byte(i, i + 3)
    a, b = value_of[a], value_of[b]
    local e, f = value_of[c], value_of[d]
    if a and b and e and f then
      local bits = a << 18 | b << 12 | e << 6 | f
      out[#out + 1] = string.char(bits >> 16, bits >> 8 & 255, bits & 255)
    elseif a and b and d == 61 and i + 3 == #text and (e and e & 3 == 0) then
      out[#out + 1] = string.char(a << 2 | b >> 4, (b & 15) << 4 | e >> 2)
    elseif a and b and c == 61 and d == 61 and i + 3 == #text and b & 15 == 0 then
      out[#out + 1] = string.char(a << 2 | b >> 4)
    else
      return explain(text, i)
    end
  end
  return table.concat(out)
end

return kit.encoding("base64", base64)
