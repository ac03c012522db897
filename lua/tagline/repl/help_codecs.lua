--- What help knows of codecs: their names, and the comments in their files.
local docstring = require "tagline.repl.docstring"
local print_module = require "tagline.repl.print"

local M = {}

--- The file of a codec; nil: it is none.
function M.path(name)
  return name:find "^tagline%.codec%." and package.searchpath(name, package.path) or nil
end

function M.names(live)
  local names = live and live.modules() or {}
  table.sort(names)
  return names
end

--- All of them, each with the first sentence of its comment.
function M.list(live)
  local list = {}
  for _, name in ipairs(M.names(live)) do
    local path = M.path(name)
    local text = path and docstring.of_file(path)
    list[#list + 1] = { name, text and print_module.cut(docstring.sentence(text), 90) or "" }
  end
  return print_module.list(list)
end

function M.help(name)
  for _, full in ipairs { name, "tagline.codec." .. name, "tagline.codec.device." .. name } do
    local path = M.path(full)
    local text = path and docstring.of_file(path)
    if text then
      local list = docstring.functions(path)
      return ('require "%s"\n  %s%s'):format(full, text:gsub("\n", "\n  "),
        #list > 0 and "\n\n" .. print_module.list(list) or "")
    end
  end
end

--- Calls found(function) for each that a table holds, with those in tables within it.
local function each_function(t, depth, found)
  for _, value in next, print_module.behind(t) do
    if type(value) == "function" then found(value)
    elseif type(value) == "table" and depth > 1 then each_function(value, depth - 1, found) end
  end
end

--- The module of ours that this table is or is a part of; `help(require "tagline.codec.hex")`.
--- Configs get copies that hold the same functions; one that several modules hold tells nothing.
function M.of(t)
  local owner = {}
  for name, module in pairs(package.loaded) do
    if type(module) == "table" and name:find "^tagline%.codec%." and M.path(name) then
      each_function(module, 3, function(f)
        owner[f] = (owner[f] == nil or owner[f] == name) and name
      end)
    end
  end
  local found
  each_function(t, 3, function(f) found = found or owner[f] end)
  return found
end

return M
