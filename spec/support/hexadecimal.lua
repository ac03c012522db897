-- Bytes as hexadecimal digits in specs, blanks between them allowed; and back.
local hexadecimal = {}

function hexadecimal.bytes(text)
  return (text:gsub("%s", ""):gsub("%x%x", function(h) return string.char(tonumber(h, 16)) end))
end

function hexadecimal.show(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

return hexadecimal
