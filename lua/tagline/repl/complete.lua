--- Completion from the live process: what may stand before the cursor. Looks, and never calls:
--- no function of the user's and none of the API's is run by pressing Tab.
local help = require "tagline.repl.help"
local near = require "tagline.config.near"
local print_module = require "tagline.repl.print"
local shapes = require "tagline.config.shapes"
local texts = require "tagline.repl.help_texts"

-- called without parentheses
local loading_words = { require = true, env = true, file = true, credential = true }

local M = {}

local LIMIT = 1000
local behind = print_module.behind

local keywords = { "and", "break", "do", "else", "elseif", "end", "false", "for", "function",
  "goto", "if", "in", "local", "nil", "not",
  "or", "repeat", "return", "then", "true", "until", "while" }

local function is_identifier(s) return type(s) == "string" and s:find("^[%a_][%w_]*$") ~= nil end

--- A set of words that begin with `word`.
local function new_set(word)
  local set = { list = {}, seen = {}, more = 0 }
  function set.add(text)
    if type(text) ~= "string" or set.seen[text] or text:sub(1, #word) ~= word then return end
    set.seen[text] = true
    set.list[#set.list + 1] = text
  end
  return set
end

--- Sorted, and at most LIMIT of them: the first, and the last, so that what all share can be
--- told from those.
local function finish(set)
  table.sort(set.list)
  local n = #set.list
  if n > LIMIT then
    set.list[LIMIT] = set.list[n]
    for i = n, LIMIT + 1, -1 do set.list[i] = nil end
    set.more = set.more + n - LIMIT
  end
  return set.list, set.more
end

-- What stands before the cursor

--- Where the string that the text ends in begins (its quote), and what is in it; nil when it
--- ends outside of one.
local function open_string(text)
  local at = 1
  while true do
    local start = text:find("[\"'%-]", at)
    if not start then return nil end
    local quote = text:sub(start, start)
    if quote == "-" then
      if text:sub(start, start + 1) == "--" then return nil end
      at = start + 1
    else
      local stop = start + 1
      while true do
        stop = text:find("[\\" .. quote .. "]", stop)
        if not stop then return start, text:sub(start + 1), quote end
        if text:sub(stop, stop) == quote then break end
        stop = stop + 2
      end
      at = stop + 1
    end
  end
end

--- The path that a text ends in: root name and steps (keys), outermost first. nil: it is no
--- plain path.
local function path_of(text)
  local steps = {}
  while true do
    text = text:match("^(.-)%s*$")
    local head, key = text:match('^(.*)%[%s*"([^"]*)"%s*%]$')
    if not head then head, key = text:match("^(.*)%[%s*'([^']*)'%s*%]$") end
    if not head then
      head, key = text:match("^(.*)%[%s*(%d+)%s*%]$")
      key = key and tonumber(key)
    end
    if not head then head, key = text:match("^(.*)%.%s*([%a_][%w_]*)$") end
    if not head then
      local before, root = text:match("^(.-)([%a_][%w_]*)$")
      if not root or before:find("[%.:%)%]]%s*$") then return nil end
      return root, steps
    end
    table.insert(steps, 1, key)
    text = head
  end
end

local fields = {}
for kind, object in pairs(texts.objects) do
  fields[kind] = {}
  for _, row in ipairs(object) do fields[kind][row[1]] = true end
end

local function step(value, key)
  local kind = print_module.kind(value)
  if kind then
    if not (fields[kind] and fields[kind][key]) then return nil end
    local ok, result = pcall(function() return value[key] end)
    return ok and result or nil
  end
  if print_module.collection(value) then return type(key) == "string" and value[key] or nil end
  if type(value) == "table" then return rawget(behind(value), key) end
end

local function value_of(text, scopes)
  local root, steps = path_of(text)
  if not root then return nil end
  local value
  for _, scope in ipairs(scopes) do
    value = rawget(scope, root)
    if value ~= nil then break end
  end
  for _, key in ipairs(steps) do
    if value == nil then return nil end
    value = step(value, key)
  end
  return value
end

-- What may stand there

local depths = { line = 1, station = 2, tag = 3 }

local function add_names(set, live, word, depth, tail)
  local names, more = live.names(word, depth, LIMIT)
  for _, name in ipairs(names) do set.add(name:sub(-1) == "." and name or name .. tail) end
  set.more = set.more + more
end

--- Inside a string whose opening quote stands behind `head`.
local function in_string(head, word, quote, scopes, live)
  local set = new_set(word)
  local indexed = head:match("^(.*)%[%s*$")
  if indexed then
    local value, tail = value_of(indexed, scopes), quote .. "]"
    local kind = print_module.collection(value)
    if kind then
      add_names(set, live, word, depths[kind], tail)
    elseif type(value) == "table" then
      for key in next, behind(value) do
        if type(key) == "string" then set.add(key .. tail) end
      end
    end
  elseif head:find("require%s*%(?%s*$") then
    for _, name in ipairs(live.modules()) do set.add(name .. quote) end
  elseif head:find("help%s*%(?%s*$") then
    for _, name in ipairs(help.names(nil, live)) do set.add(name .. quote) end
  elseif head:find("watch%s*[%({]") or head:find("messages%s*%(%s*$") then
    add_names(set, live, word, 3, quote)
  end
  return finish(set)
end

local function add_members(set, value, colon, live, word)
  local kind = print_module.kind(value)
  if kind then
    for name in pairs(fields[kind] or {}) do
      local method = name:match("^(.*)%(%)$")
      if colon and method then set.add(method .. (method == "set" and " {" or "("))
      elseif not colon and not method then set.add(name) end
    end
  elseif colon and type(value) == "string" then
    for name in pairs(string) do set.add(name .. "(") end
  elseif not colon and print_module.collection(value) == "line" then
    for _, name in ipairs((live.names(word, 1, LIMIT))) do
      if is_identifier(name) then set.add(name) end
    end
  elseif type(value) == "table" and not print_module.collection(value) then
    for key, member in next, behind(value) do
      if is_identifier(key) then
        if not colon then set.add(type(member) == "function" and key .. "(" or key)
        elseif type(member) == "function" then set.add(key .. "(") end
      end
    end
  end
end

local function add_parameters(set)
  local shape = shapes.new(require "tagline.core").line
  for _, name in ipairs(shape.names) do
    if not name:find("^on_") then set.add(name .. " = ") end
  end
end

local function add_words(set, scopes)
  for _, scope in ipairs(scopes) do
    for key, value in next, scope do
      if is_identifier(key) and key ~= "_" then
        set.add(type(value) == "function" and not loading_words[key] and key .. "(" or key)
      end
    end
  end
  for _, word in ipairs(keywords) do set.add(word) end
end

--- The tables of variables, innermost first. The config's own stand before the words that it
--- was given.
function M.scopes(own, api, config)
  local scopes = { own, api }
  if type(config) == "table" then
    scopes[3] = config
    if behind(config) ~= config then scopes[4] = behind(config) end
  end
  return scopes
end

--- list(line, at, own, api, config, live): what may stand before the cursor, behind `at` bytes
--- of the line; and how many more there are. own, api, config: tables of variables, looked
--- through in this order.
function M.list(line, at, own, api, config, live)
  local text = line:sub(1, at)
  local scopes = M.scopes(own, api, config)
  local start, inside, quote = open_string(text)
  if start then return in_string(text:sub(1, start - 1), inside, quote, scopes, live) end
  local head, word = text:match("^(.-)([%a_]?[%w_]*)$")
  local set = new_set(word)
  local base, sign = head:match("^(.*)([%.:])%s*$")
  if base and not base:find("%.%s*$") then
    add_members(set, value_of(base, scopes), sign == ":", live, word)
  elseif head:find(":set%s*%(?%s*{[^{}]*$") and head:find("[{,]%s*$") then
    add_parameters(set)
  elseif head:find("watch%s*%(?%s*{[^{}]*$") and head:find("[{,]%s*$") then
    for _, name in ipairs { "topic", "rate", "count", "seconds" } do set.add(name .. " = ") end
  elseif head:find("reload%s*%(?%s*{%s*$") then
    set.add "dry = true"
  else
    add_words(set, scopes)
  end
  return finish(set)
end

--- What to say of a word that nobody knows.
function M.unknown(name, api, config)
  local names = {}
  for _, scope in ipairs(M.scopes({}, api, config)) do
    for key in next, scope do
      if type(key) == "string" then names[#names + 1] = key end
    end
  end
  table.sort(names)
  local meant = near.find(tostring(name), names)
  return ("unknown word '%s'; %s"):format(tostring(name),
    meant and ("did you mean '%s'?"):format(meant) or "help() lists what there is")
end

return M
