--- What is wrong with a config: collected while it loads, then put in the order of the file,
--- each with the line of its field where that can be found in the source.
local source = require "tagline.config.source"

local problems = {}

local Problems = {}
Problems.__index = Problems

-- as many like ones are told one by one; a mistake in a loop over 10,000 stations is one mistake
local MANY = 10

-- bytes of a name, and of what is said, that a user reads
local NAME, TEXT = 300, 2000 -- a name that may be is whole

--- `files`: path → { text =, order = }. `is_word`: the words whose braces hold fields.
function problems.new(files, is_word)
  return setmetatable({ files = files, is_word = is_word, list = {} }, Problems)
end

--- The beginning of what is too long to be read; no character is cut.
local function short(text, most)
  if #text <= most then return text end
  local n = most - 3
  while n > most - 7 and text:byte(n + 1) & 0xC0 == 0x80 do n = n - 1 end
  return text:sub(1, n) .. "..."
end

--- Add one: { at = { file =, line = }, text =, severity = "error" (default) | "warning", and
--- what is known of: line = record, station = record, tag = name, field = its name (shown),
--- word = and name = of the record that holds the field, key = the field as the source has it
--- (number: by position), item = the how many-th of those that are told of the field's list }.
function Problems:add(problem)
  problem.severity = problem.severity or "error"
  if problem.severity == "error" then self.failed = true end
  problem.text = short(problem.text, TEXT)
  self.list[#self.list + 1] = problem
end

function Problems:index(path)
  local file = self.files[path]
  if not file then return nil end
  if not file.index then file.index = source.index(file.text, self.is_word) end
  return file.index
end

--- The line of the problem's field in the source, else of its record.
function Problems:locate(problem)
  local at, key = problem.at, problem.key or problem.field
  local index = key and problem.word and at.line > 0 and self:index(at.file)
  if not index then return at.line end
  if problem.word == "tags" then return index:tag(at.line, problem.name, key) or at.line end
  return index:field(problem.word, at.line, problem.name, key) or at.line
end

--- Keys that stand twice in the braces of a record: Lua keeps the last and says nothing.
function Problems:twice(path)
  for _, found in ipairs(self:index(path).twice) do
    local frame = found.frame
    local problem = { at = { file = path, line = found.line } }
    local is_tag = frame.word == "tags"
    local what = is_tag and "duplicate name: the tag is"
      or ("duplicate field: '%s' is"):format(found.key)
    problem.text = ("%s given in line %d already"):format(what, found.first)
    while frame do
      local word = frame.word
      if word == "station" or word == "line" then
        problem[word] = problem[word] or { name = frame.name or "?" }
      end
      if self.is_word[frame.word] == "tag" then problem.tag = frame.key end
      frame = frame.parent
    end
    if is_tag then problem.tag = found.key end
    self:add(problem)
  end
end

local function place_words(problem)
  local words = {}
  local line = problem.line or problem.station and problem.station.line
  local function add(what, name) words[#words + 1] = ("%s '%s'"):format(what, short(name, NAME)) end
  if line then add("line", line.name) end
  if problem.station then add("station", problem.station.name) end
  if problem.tag then add("tag", problem.tag) end
  return table.concat(words, ", ")
end

local function whole_text(file, line, severity, place, field, text)
  local parts = { ("%s:%d: "):format(file, line) }
  if severity == "warning" then parts[2] = "warning: " end
  if place ~= "" then parts[#parts + 1] = place .. ": " end
  if field then parts[#parts + 1] = short(field, NAME) .. ": " end
  parts[#parts + 1] = text
  return (table.concat(parts):gsub("[\r\n]+", " "))
end

--- The text without the values in it: what a mistake in a loop says again and again.
local function kind_of(text)
  return (text:gsub('"[^"]*"', '""'):gsub("'[^']*'", "''"):gsub("%d+", "0"))
end

--- The list that a user gets, in the order of the file: { file =, line =, severity =, text = }.
function Problems:finish()
  local found, groups = {}, {}
  for i, problem in ipairs(self.list) do
    local line = self:locate(problem)
    local file = self.files[problem.at.file]
    local like = table.concat({ problem.at.file, line, problem.severity, problem.field or "",
      kind_of(problem.text) }, "\0")
    local group = groups[like] or { count = 0 }
    groups[like] = group
    group.count = group.count + 1
    if group.count <= MANY then
      local place = place_words(problem)
      local one = { file = problem.at.file, line = line, severity = problem.severity, seq = i }
      one.order = file and file.order or 0
      one.text = whole_text(one.file, line, one.severity, place, problem.field, problem.text)
      one.rank = problem.rank or 0
      -- the fields of a record come in the order of a hash table: by their texts the order is
      -- always the same, but the items of a list have one of their own
      one.text_order = not problem.item and one.text or whole_text(one.file, line, one.severity,
        place, problem.field, ("%09d"):format(problem.item))
      found[#found + 1], group.last, group.problem = one, one, problem
    end
  end
  for _, group in pairs(groups) do
    if group.count > MANY then
      group.last.text = group.last.text .. (" (and %d more like this)"):format(group.count - MANY)
    end
  end
  table.sort(found, function(a, b)
    if a.order ~= b.order then return a.order < b.order end
    if a.line ~= b.line then return a.line < b.line end
    if a.rank ~= b.rank then return a.rank < b.rank end
    if a.text_order ~= b.text_order then return a.text_order < b.text_order end
    return a.seq < b.seq
  end)
  local list = {}
  for i, one in ipairs(found) do
    list[i] = { file = one.file, line = one.line, severity = one.severity, text = one.text }
  end
  return list
end

return problems
