--- Fields of a parsed JSON document by path, and JSON text in a given order.
local json = {}

--- `a.b[1].c` as a list of keys.
---@param text string
---@return (string|integer)[]
function json.path(text)
  local keys = {}
  for name, index in text:gmatch("([^.%[%]]*)%[?(%d*)%]?%.?") do
    if name ~= "" then keys[#keys + 1] = name end
    if index ~= "" then keys[#keys + 1] = math.tointeger(tonumber(index)) end
  end
  keys.text = text
  return keys
end

--- The value at a path; nil when it is missing or null.
---@param value any
---@param path (string|integer)[]
function json.get(value, path)
  for i = 1, #path do
    if type(value) ~= "table" then return nil end
    value = value[path[i]]
  end
  if type(value) == "userdata" then return nil end -- null
  return value
end

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\" }

local function text_of(value)
  if type(value) == "table" then
    local parts = {}
    if value[1] and type(value[1][1]) == "string" then
      for i, pair in ipairs(value) do parts[i] = text_of(pair[1]) .. ":" .. text_of(pair[2]) end
      return "{" .. table.concat(parts, ",") .. "}"
    end
    for i, element in ipairs(value) do parts[i] = text_of(element) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  if type(value) ~= "string" then return tostring(value) end
  return '"' .. value:gsub('[%c"\\]', function(c) return escapes[c]
    or ("\\u%04x"):format(c:byte()) end) .. '"'
end

--- JSON text of `{ { "name", value }, … }`. Values are texts, integers, booleans, such objects,
--- and lists of objects.
---@param members table[]
---@return string
function json.write(members) return text_of(members) end

return json
