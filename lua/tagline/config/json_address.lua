--- Spellings of JSON addresses: one that others use, and which ones are the same. The core
--- checks them (payload/json_path.c).
local json_address = {}

--- JSONPath begins with "$", the document: what it means here. The address (without JA=) and
--- whether it was changed.
function json_address.plain(path)
  if path == "$" then return "", true end
  local rest = path:match "^%$%.([^.].*)$" or path:match "^%$(%[.*)$"
  return rest or path, rest ~= nil
end

--- The same text for all spellings of a checked address: a.b and ["a"]["b"] are one.
function json_address.canonical(path)
  local out, at = {}, 1
  while at <= #path do
    local text, stop = path:match('^%["([^"\\]*)"%]()', at)
    if text then
      out[#out + 1], at = "." .. text, stop
    elseif path:byte(at) == 91 then
      local close = path:find("]", at, true) or #path
      if path:byte(at + 1) == 34 then close = path:find('"]', at + 2, true) or close end
      out[#out + 1], at = path:sub(at, close), close + 1
    else
      if path:byte(at) == 46 then at = at + 1 end
      text, stop = path:match("^([^.%[]*)()", at)
      out[#out + 1], at = "." .. text, stop
    end
  end
  return table.concat(out, "\0")
end

return json_address
