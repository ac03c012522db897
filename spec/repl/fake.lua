-- Tags, stations and lines for specs of the REPL's words: tables that print and completion take
-- for objects of the core.
local print_module = require "tagline.repl.print"

local fake = {}
local kinds, groups = setmetatable({}, { __mode = "k" }), setmetatable({}, { __mode = "k" })
local kind, collection = print_module.kind, print_module.collection

-- Take fakes for real ones until restore().
function fake.install()
  print_module.kind = function(v) return type(v) == "table" and kinds[v] or kind(v) end
  print_module.collection = function(v) return groups[v] or collection(v) end
end

function fake.restore() print_module.kind, print_module.collection = kind, collection end

function fake.object(of, fields)
  kinds[fields] = of
  return fields
end

function fake.tag(name, fields)
  local tag = { full_name = name, name = name:match("[^.]*$"), type = "Ai", status = "valid",
    time = 1000 }
  for key, value in pairs(fields or {}) do tag[key] = value end
  return fake.object("tag", tag)
end

-- A list of objects as `tags`, `stations` or `lines` show them.
function fake.collection(of, list)
  local t = {}
  for _, object in ipairs(list) do t[object.full_name or object.name] = object end
  groups[t] = of
  setmetatable(t, { __pairs = function()
    local at = 0
    return function()
      at = at + 1
      if list[at] then return list[at].full_name or list[at].name, list[at] end
    end
  end })
  return t
end

return fake
