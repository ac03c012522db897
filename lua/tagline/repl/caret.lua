--- Where in what was typed is the error? Its message, with the line and a caret below it.
local M = {}

local LONGEST, WIDEST = 600, 200

local function is_unfinished(message) return message:find "near <eof>$" ~= nil end

-- The place of the token at which the compiler stopped: the end of the shortest beginning of the
-- code at which it says more than that the code is unfinished. And what it says then.
local function stop_of(head, code)
  local _, message = load(head .. code, "=repl", "t")
  if not message then return nil end
  if is_unfinished(message) then return #code + 1, message end
  local low, high = 0, #code
  for n = 1, #code do
    local _, why = load(head .. code:sub(1, n), "=repl", "t")
    if why and not is_unfinished(why) and why:find(" near ", 1, true) then
      -- a longer piece may make a word of it that is right after all
      local goes_on = code:find("^[%w_]", n) and code:find("^[%w_]", n + 1)
      if not goes_on then
        low = n
        break
      end
    end
  end
  local token = message:match "near '(.-)'$"
  if low == 0 then low = high end
  return math.max(1, low - (token and #token or 1) + 1), message
end

-- As an expression or as statements: what gets further was meant.
local function syntax(code)
  local a, first = stop_of("return ", code)
  local b, second = stop_of("", code)
  if not a or not b then return nil end
  if a > b then return a, first end
  return b, second
end

-- The only place of a word; nil when there are several, or none.
local function only(code, word)
  local found
  local at = 1
  while true do
    local from, to = code:find(word, at, true)
    if not from then return found end
    local free = not code:sub(from - 1, from - 1):find "[%w_]"
      and not code:sub(to + 1, to + 1):find "[%w_]"
    if free or from == 1 and not code:sub(to + 1, to + 1):find "[%w_]" then
      if found then return nil end
      found = from
    end
    at = to + 1
  end
end

local function place(code, message)
  if message:find(" near ", 1, true) then return syntax(code) end
  local word = message:match "%(%a+ '([%a_][%w_]*)'%)" or message:match "^[^']*'([%a_][%w_]*)'"
  return word and only(code, word)
end

-- The line that byte `at` is in, and its column there.
local function line_at(code, at)
  local from = 1
  for line, stop in code:gmatch "([^\n]*)()" do
    if at <= stop then return line, at - from + 1 end
    from = stop + 1
  end
  return code, at
end

--- The message with the line and a caret, or nil when the place is not known. `message` begins
--- with "repl:N: " where the compiler or a function raised it.
function M.add(code, message)
  if #code > LONGEST then return nil end
  local at, better = place(code, message)
  if not at then return nil end
  if better then message = better end
  message = message:gsub(" near <eof>$", " at the end of the code")
  local line, column = line_at(code, at)
  if #line > WIDEST or line:find "[^\t\32-\126\x80-\xff]" then return nil end
  local before = line:sub(1, column - 1)
  local width = utf8.len(before) or #before
  return ("%s\n  %s\n  %s^"):format(message, (line:gsub("\t", " ")), (" "):rep(width))
end

return M
