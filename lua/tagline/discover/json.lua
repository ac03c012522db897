--- JSON as the program reads it: strict, with integers of 64 bits. In a plain Lua, in specs,
--- lua-cjson.
local json = {}

local library
for _, name in ipairs { "tagline.json", "cjson" } do
  local found, module = pcall(require, name)
  if found then
    library = module
    break
  end
end

json.null = library.null
json.encode = library.encode

--- The document, or nil.
function json.decode(text)
  local ok, doc = pcall(library.decode, text)
  if ok then return doc end
  return nil
end

return json
