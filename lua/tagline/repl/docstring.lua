--- What a source file says of itself: the `---` comment at its head, and those above its
--- functions. help() shows them, so that a codec is explained by its own documentation.
local environment = require "tagline.config.environment"

local M = {}

local LONGEST = 1048576

local function lines_of(path)
  local text = environment.read(path, LONGEST)
  local lines = {}
  for line in (text or ""):gmatch "([^\n]*)\n?" do lines[#lines + 1] = line end
  return lines
end

--- The text of a comment line; nil when it is none, or an annotation for editors (---@).
local function comment(line) return line and line:match "^%s*%-%-%-%s?([^@]?.*)$" end

local function block(lines, first, last)
  local text = {}
  for at = first, last do
    if not lines[at]:find "^%s*%-%-%-@" then text[#text + 1] = comment(lines[at]) end
  end
  return #text > 0 and (table.concat(text, "\n"):gsub("%s+$", "")) or nil
end

--- The comment at the head of a file; nil when there is none.
function M.of_file(path)
  local lines, last = lines_of(path), 0
  while comment(lines[last + 1]) do last = last + 1 end
  return block(lines, 1, last)
end

local function above(lines, at)
  local first = at
  while comment(lines[first - 1]) do first = first - 1 end
  return block(lines, first, at - 1)
end

--- The comment above a Lua function, and how it is declared ("hex.decode(text)"); nil for what
--- was not read from a file.
function M.of_function(fn)
  local info = debug.getinfo(fn, "S")
  if info.source:sub(1, 1) ~= "@" then return nil end
  local lines = lines_of(info.source:sub(2))
  local line = lines[info.linedefined]
  if not line then return nil end
  local name, given = line:match "function%s+([%w_.:]+)%s*(%b())"
  return above(lines, info.linedefined), name and name .. given
end

--- The first sentence of a text, without its stop.
function M.sentence(text)
  text = text:gsub("\n", " ")
  return text:match "^(.-)[.:]%s%s" or text:match "^(.-)%.%s" or text:match "^(.-)[.:]?$"
end

--- The functions that a module's file declares as its own (`function M.name(…)`), each with the
--- first sentence above it.
function M.functions(path, table_name)
  local lines, list = lines_of(path), {}
  for at, line in ipairs(lines) do
    local owner, name, given = line:match "^function%s+([%w_]+)[.:]([%w_]+)%s*(%b())"
    if owner and (not table_name or owner == table_name) then
      local text = above(lines, at)
      if text then
        list[#list + 1] = { ("%s.%s%s"):format(owner, name, given), M.sentence(text) }
      end
    end
  end
  return list
end

return M
