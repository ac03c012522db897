--- Reads the text of a config file just far enough to say on which line a field of a record
--- stands, and which keys stand twice in one pair of braces (Lua itself keeps only the last).
--- Runs nothing, and knows nothing of what fields mean.
local source = {}

local find, byte, sub = string.find, string.byte, string.sub

-- `while` and `for` end with their `do`
local opens = { ["function"] = true, ["do"] = true, ["if"] = true, ["repeat"] = true }
local closes = { ["end"] = true, ["until"] = true, ["}"] = true, [")"] = true, ["]"] = true }

--- Where the comment that begins at `at` ends.
local function comment_end(text, at)
  local _, _, level = find(text, "^%[(=*)%[", at + 2)
  if level then
    local _, stop = find(text, "]" .. level .. "]", at + 2, true)
    return stop or #text
  end
  local _, stop = find(text, "^[^\n]*", at)
  return stop
end

--- Where the text in quotes that begins at `at` ends.
local function quoted_end(text, at)
  local stopper = byte(text, at) == 34 and '[\\\n"]' or "[\\\n']"
  local p = at + 1
  while true do
    local q = find(text, stopper, p)
    if not q then return #text end
    if byte(text, q) ~= 92 then return q end -- a line break there is not Lua: the loader says so
    p = q + 2
  end
end

--- The kind of the token at `at`, where it ends, and its text when that is not simply all of it.
local function token(text, at)
  local c = byte(text, at)
  local _, stop = find(text, "^[%a_][%w_]*", at)
  if stop then return "name", stop end
  if c == 34 or c == 39 then
    stop = quoted_end(text, at)
    return "text", stop, sub(text, at + 1, stop - 1)
  end
  if c == 91 then
    local _, first, level = find(text, "^%[(=*)%[", at)
    if level then
      local from, close = find(text, "]" .. level .. "]", first + 1, true)
      return "text", close or #text, sub(text, first + 1, (from or #text + 1) - 1)
    end
  end
  _, stop = find(text, "^%.?%d[%w.]*", at)
  if stop then return "number", stop end
  return "mark", at
end

--- All tokens: three arrays, of kinds, texts and lines. Comments are left out.
local function tokens(text)
  local kinds, words, lines, n = {}, {}, {}, 0
  local at, line = 1, 1
  local broken = find(text, "\n", 1, true) or #text + 1 -- where `line` ends: sought once for each
  while true do
    at = find(text, "%S", at)
    if not at then break end
    if find(text, "^%-%-", at) then
      at = comment_end(text, at) + 1
    else
      local kind, stop, what = token(text, at)
      while broken < at do
        line, broken = line + 1, find(text, "\n", broken + 1, true) or #text + 1
      end
      n = n + 1
      kinds[n], words[n], lines[n] = kind, what or sub(text, at, stop), line
      at = stop + 1
    end
  end
  return kinds, words, lines, n
end

--- The line of the first `_ENV` in the text that is not only indexed; nil when there is none.
function source.environment(text)
  if not find(text, "_ENV", 1, true) then return nil end
  local kinds, words, lines, n = tokens(text)
  for i = 1, n do
    local indexed = words[i + 1] == "." or words[i + 1] == "[" or words[i + 1] == ":"
    if words[i] == "_ENV" and kinds[i] == "name" and not indexed then return lines[i] end
  end
end

local Index = {}
Index.__index = Index

local function add(index, frame)
  local place = frame.word .. ":" .. frame.line
  local list = index.records[place] or {}
  index.records[place] = list
  list[#list + 1] = frame
end

--- Index a source by its records. `is_word`: a set of the words whose braces count.
function source.index(text, is_word)
  local index = setmetatable({ records = {}, twice = {} }, Index)
  local kinds, words, lines, n = tokens(text)
  local opened = {} -- closing token → its opening one

  local function is(i, mark) return kinds[i] == "mark" and words[i] == mark end

  --- What the braces at token i belong to: the token of the word and the record's name; nil
  --- when they are any other table.
  local function role(i)
    local j = i - 1
    -- line("plant", {
    if is(j, ",") and kinds[j - 1] == "text" and is(j - 2, "(") then j = j - 1 end
    -- Ai({   station "x" ({
    if is(j, "(") then j = j - 1 end
    local name
    -- line "plant" {
    if kinds[j] == "text" then
      name, j = words[j], is(j - 1, "(") and j - 2 or j - 1
    -- station("s" .. i) {
    elseif is(j, ")") and opened[j] then
      if opened[j] == j - 2 and kinds[j - 1] == "text" then name = words[j - 1] end
      j = opened[j] - 1
    end
    if kinds[j] == "name" and is_word[words[j]] then return j, name end
  end

  --- The key with which an entry begins at token i, or nil for a value by position.
  local function key_at(i)
    if kinds[i] == "name" and is(i + 1, "=") and not is(i + 2, "=") then return words[i] end
    if is(i, "[") and kinds[i + 1] == "text" and is(i + 2, "]") and is(i + 3, "=") then
      return words[i + 1]
    end
  end

  local function entry(frame, i)
    local key = key_at(i)
    if not key then
      frame.n = frame.n + 1
      key = frame.n
    elseif frame.lines[key] then
      index.twice[#index.twice + 1] = { frame = frame, key = key, line = lines[i],
        first = frame.lines[key] }
    end
    frame.lines[key], frame.key_now = lines[i], key
    frame.count = frame.count + 1
    frame.places[key] = frame.count
  end

  local frame = {}
  for i = 1, n do
    local word, kind = words[i], kinds[i]
    if frame.fresh and not is(i, "}") then
      frame.fresh = false
      entry(frame, i)
    end
    if kind == "mark" and word == "{" then
      local at, name = role(i)
      local inner = { open = i, parent = frame, key = frame.key_now, name = name, lines = {}, n = 0,
        places = {}, count = 0 }
      if at then
        inner.word, inner.line, inner.fresh = words[at], lines[at], true
      elseif frame.word and is(i - 1, "=") and frame.key_now == "tags" then
        inner.word, inner.line, inner.fresh = "tags", lines[i - 2], true
      end
      if inner.word then add(index, inner) end
      frame = inner
    elseif kind == "mark" and (word == "(" or word == "[") or kind == "name" and opens[word] then
      frame = { open = i, parent = frame }
    elseif (kind == "mark" or kind == "name") and closes[word] then
      opened[i] = frame.open
      frame = frame.parent or frame
    elseif kind == "mark" and (word == "," or word == ";") and frame.word then
      frame.fresh = true
    end
  end
  return index
end

--- The braces of the record that `word` makes on `line`, by its name (line, station) or its key
--- in `tags`, else the first there.
function Index:record(word, line, name)
  local list = self.records[word .. ":" .. line]
  if not list then return nil end
  for _, frame in ipairs(list) do
    if name and (frame.name == name or frame.key == name) then return frame end
  end
  return list[1]
end

--- The line of a field of that record, or nil. A number stands for the n-th value by position.
function Index:field(word, line, name, field)
  local frame = self:record(word, line, name)
  return frame and frame.lines[field]
end

--- The `tags` braces of a station, or nil.
function Index:tags(line, station)
  local frame = self:record("station", line, station)
  local at = frame and frame.lines.tags
  for _, tags in ipairs(at and self.records["tags:" .. at] or {}) do
    if tags.parent == frame then return tags end
  end
end

--- The line of a key in them, or nil.
function Index:tag(line, station, key)
  local tags = self:tags(line, station)
  return tags and tags.lines[key]
end

return source
