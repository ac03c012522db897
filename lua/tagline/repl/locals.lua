--- Locals of what is typed at a prompt, or read from a pipe, line by line: each chunk has a
--- scope of its own, so that `local x = 1` would be gone on the next line. `keep` makes
--- variables of the locals of the outermost level; whatever stands in blocks and functions is
--- left as it is, and every byte keeps its line.
local M = {}

local opens = { ["function"] = true, ["do"] = true, ["if"] = true, ["repeat"] = true }
local closes = { ["end"] = true, ["until"] = true }

local function after_long(code, at, level)
  local _, stop = code:find("]" .. level .. "]", at, true)
  return (stop or #code) + 1
end

local function after_quoted(code, at, quote)
  local found = at
  repeat
    found = code:find(quote == '"' and '["\\]' or "['\\]", found)
    if found and code:byte(found) ~= 92 then return found + 1 end
    found = found and found + 2
  until not found
  return #code + 1
end

--- The next token at or behind `at`: its text (of strings and numbers: ""), where it begins and
--- what stands behind it. nil at the end.
local function token(code, at)
  while true do
    at = code:find("%S", at)
    if not at then return nil end
    local _, stop, level = code:find("^%-%-%[(=*)%[", at)
    if stop then
      at = after_long(code, stop + 1, level)
    elseif code:find("^%-%-", at) then
      at = code:find("\n", at, true) or #code + 1
    else
      break
    end
  end
  local _, stop, level = code:find("^%[(=*)%[", at)
  if stop then return "", at, after_long(code, stop + 1, level) end
  local quote = code:match("^[\"']", at)
  if quote then return "", at, after_quoted(code, at + 1, quote) end
  _, stop = code:find("^%.?%d[%w_.]*", at)
  if stop then return "", at, stop + 1 end
  _, stop = code:find("^[%a_][%w_]*", at)
  if stop then return code:sub(at, stop), at, stop + 1 end
  return code:sub(at, at), at, at + 1
end

--- `local` stands before `at`. Where its names end and what is to be blanked out; nil: it must
--- stay a local.
local function names(code, at)
  local blanks = {}
  while true do
    local name, _, behind = token(code, at)
    if not name or name == "_ENV" or not name:find "^[%a_]" then return nil end
    local mark, start, next_at = token(code, behind)
    if mark == "<" then
      local attribute, _, after = token(code, next_at)
      -- what is to be closed is closed at the end of its chunk
      if attribute ~= "const" then return nil end
      mark, _, behind = token(code, after)
      if mark ~= ">" then return nil end
      blanks[#blanks + 1] = { start, behind - 1 }
      mark, _, next_at = token(code, behind)
    end
    if mark ~= "," then return behind, blanks, mark == "=" end
    at = next_at
  end
end

local function blank(text) return (text:gsub("[^\n]", " ")) end

--- The code with its outermost locals as variables, or nil when it has none.
function M.keep(code)
  local parts, copied, depth = {}, 1, 0
  local function replace(from, to, text)
    parts[#parts + 1] = code:sub(copied, from - 1)
    parts[#parts + 1] = text
    copied = to + 1
  end
  local word, start, at = token(code, 1)
  while word do
    if opens[word] then depth = depth + 1 end
    if closes[word] then depth = depth - 1 end
    if word == "local" and depth == 0 then
      local next_word = token(code, at)
      local behind, blanks, assigned
      if next_word ~= "function" then behind, blanks, assigned = names(code, at) end
      if next_word == "function" or behind then replace(start, at - 1, blank "local") end
      for _, range in ipairs(blanks or {}) do
        replace(range[1], range[2], blank(code:sub(range[1], range[2])))
      end
      if behind and not assigned then replace(behind, behind - 1, " = nil") end
      at = behind or at
    end
    word, start, at = token(code, at)
  end
  return copied > 1 and table.concat(parts) .. code:sub(copied) or nil
end

return M
