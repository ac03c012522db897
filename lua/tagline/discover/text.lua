--- Texts of topics and payloads as Lua source, as regular expressions, as names. Whatever comes
--- in: spaces, quotes, control characters, what is not UTF-8.
local text = {}

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escape(c) return escapes[c] or ("\\x%02X"):format(c:byte()) end

--- A string as Lua writes it, on one line. UTF-8 stays as it is.
function text.quote(s)
  local plain = s:gsub('[%c"\\\127]', escape)
  if not utf8.len(plain) then plain = plain:gsub("[\x80-\xff]", escape) end
  return '"' .. plain:gsub("\xC2[\x80-\x9F]", function(c) return c:gsub(".", escape) end) .. '"'
end

local reserved = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat
  return then true until while]]):gmatch "%a+" do
  reserved[word] = true
end

--- A key of a table constructor.
function text.key(name)
  if name:find "^[%a_][%w_]*$" and not reserved[name] then return name end
  return "[" .. text.quote(name) .. "]"
end

--- What a regular expression must be to match this text.
function text.regex(s) return (s:gsub("[%^%$%(%)%.%[%]%*%+%?{}|\\]", "\\%0")) end

--- Would an expression mean something else than this text?
function text.is_special(s) return s:find "[%^%$%(%)%[%]%*%+%?{}|\\]" ~= nil end

--- A name of a line, a station or a tag: letters, digits, '_' and '-'.
function text.name(s)
  local name = s:gsub("[^%w_-]+", "_"):gsub("^_+", ""):gsub("_+$", "")
  if #name > 60 then name = name:sub(1, 60):gsub("_+$", "") end
  return name
end

--- A text for people, in a comment: on one line and not too long.
function text.comment(s, most)
  most = most or 120
  if #s > most then
    s = s:sub(1, most):gsub("[\xC0-\xFF][\x80-\xBF]*$", "") .. "…"
  end
  return text.quote(s)
end

--- The levels of a topic.
function text.levels(topic)
  local levels, at = {}, 1
  while true do
    local slash = topic:find("/", at, true)
    levels[#levels + 1] = topic:sub(at, slash and slash - 1)
    if not slash then return levels end
    at = slash + 1
  end
end

--- "12,345"
function text.count(n)
  local digits = ("%d"):format(n)
  local head = #digits % 3
  local parts = head > 0 and { digits:sub(1, head) } or {}
  for i = head + 1, #digits, 3 do parts[#parts + 1] = digits:sub(i, i + 2) end
  return table.concat(parts, ",")
end

--- "1 topic", "12,345 topics"
function text.plural(n, one, many)
  return text.count(n) .. " " .. (n == 1 and one or many or one .. "s")
end

return text
