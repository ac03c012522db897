--- find("temp"): the lines, stations and tags whose names, addresses, units or descriptions hold a
--- text, or whose status or reason is this word: find("invalid"), find("StComErr").
local print_module = require "tagline.repl.print"

local M = {}

local KINDS = { "line", "station", "tag" }
local LOOKED_AT = { line = { "name" }, station = { "full_name", "address" },
  tag = { "full_name", "address", "unit", "description" } }

-- Words that are said whole.
local STATES = { line = { "status" }, station = { "status" }, tag = { "status", "reason" } }

local function holds(object, kind, text)
  for _, field in ipairs(STATES[kind]) do
    local value = object[field]
    if value and value:lower() == text then return true end
  end
  for _, field in ipairs(LOOKED_AT[kind]) do
    local value = object[field]
    if type(value) == "string" and value:lower():find(text, 1, true) then return true end
  end
  return false
end

-- With "*" it is a pattern for full names, as tags["plant.*"] has it.
local function matcher(text)
  if not text:find("*", 1, true) then
    return function(object, kind) return holds(object, kind, text) end
  end
  local pattern = "^" .. text:gsub("[%^%$%(%)%%%.%[%]%+%-%?]", "%%%0"):gsub("%*", ".*") .. "$"
  return function(object, kind)
    return (kind == "line" and object.name or object.full_name):lower():find(pattern) ~= nil
  end
end

local function show(found, options)
  local parts = {}
  for _, kind in ipairs(KINDS) do
    local list = found[kind .. "s"]
    if #list > 0 then parts[#parts + 1] = print_module.objects(list, kind, options) end
  end
  return #parts > 0 and table.concat(parts, "\n\n") or "(nothing has that in its name, address, \z
    unit or description, or as its status)"
end

--- The word, for the REPL: { lines =, stations =, tags = }, lists of objects, which print as
--- tables.
function M.word(api)
  return function(text)
    if type(text) ~= "string" or text == "" then
      error('find: expected a part of a name, as in find("temp")', 2)
    end
    local matches = matcher(text:lower())
    local found = {}
    for _, kind in ipairs(KINDS) do
      local list = {}
      for _, object in pairs(api[kind .. "s"]) do
        if matches(object, kind) then list[#list + 1] = object end
      end
      found[kind .. "s"] = list
    end
    return setmetatable(found, { __name = "tagline.found", __show = show })
  end
end

return M
