--- Loads a config into a draft: runs the file in its own environment, checks every record as it
--- is made, and reports every problem in one pass, in the order of the file. Changes nothing
--- that runs.
local environment = require "tagline.config.environment"
local http = require "tagline.config.http"
local kinds = require "tagline.config.kinds"
local line = require "tagline.config.line"
local near = require "tagline.config.near"
local outlets = require "tagline.config.outlets"
local problems = require "tagline.config.problems"
local shapes = require "tagline.config.shapes"
local source = require "tagline.config.source"
local station = require "tagline.config.station"
local tag = require "tagline.config.tag"
local vocabulary = require "tagline.config.vocabulary"

local load_config = {}

local SCAN = 262144 -- bytes; longer files are generated, and their doubled keys are not looked for

-- Words whose braces hold fields.
local is_word = { line = "line", station = "station", limits = "limits", tags = "tags",
  history = "history", spool = "spool", outlet = "outlet", http = "http" }
for _, name in ipairs(tag.types) do is_word[name] = "tag" end
local role_words = {}
for word, kind in pairs(is_word) do
  if word ~= "tags" then role_words[word] = kind end
end

--- What stands in place of something unknown, so that one mistake is told once and the rest is
--- still checked.
local function new_poison()
  local poison = {}
  local function same() return poison end
  local function never() return false end
  return setmetatable(poison, {
    __index = function(_, key) return type(key) ~= "number" and poison or nil end,
    __newindex = function() end,
    __call = same, __concat = same, __add = same, __sub = same, __mul = same, __div = same,
    __mod = same, __pow = same, __idiv = same, __unm = same, __band = same, __bor = same,
    __bxor = same, __shl = same, __shr = same, __bnot = same,
    __lt = never, __le = never, __len = function() return 0 end,
    __pairs = function() return function() end end,
    __tostring = function() return "?" end,
    __metatable = false,
  })
end

local Load = {}
Load.__index = Load

local function new_load(path, opts)
  local load = setmetatable({
    path = path, folder = path:match("^(.*/)") or "", opts = opts,
    core = opts.core or require "tagline.core",
    compile_text = opts.compile or function(text, name, env) return load(text, name, "t", env) end,
    files = {}, file_count = 0, ats = {}, path_of = {}, modules = {}, loading = {},
    poison = new_poison(), open = {}, waiting = {}, stations = {}, timers = {}, unknown = {},
    once_at = {}, running = true, seq = 0,
  }, Load)
  load.shapes = opts.shapes or shapes.new(load.core)
  load.problems = problems.new(load.files, role_words)
  load.tags, load.checker, load.lines = tag.new(load), station.new(load), line.new(load)
  return load
end

--- { file =, line = }, one table per place.
function Load:at(path, number)
  local of_file = self.ats[path]
  if not of_file then
    of_file = {}
    self.ats[path] = of_file
  end
  local at = of_file[number]
  if not at then
    at = { file = path, line = number }
    of_file[number] = at
  end
  return at
end

--- The place in a config file that called: the first frame from `level` on (as its caller
--- counts) that is one.
function Load:place(level)
  level = level + 1
  while true do
    local info = debug.getinfo(level, "lf")
    if not info then return self:at(self.path, 0) end
    local path = self.path_of[info.func]
    if path == nil then
      local chunk = debug.getinfo(info.func, "S").source
      path = chunk:sub(1, 1) == "@" and self.files[chunk:sub(2)] and chunk:sub(2) or false
      self.path_of[info.func] = path
    end
    if path then return self:at(path, info.currentline) end
    level = level + 1
  end
end

--- "; did you mean …?" for a field that a shape does not have, or where it belongs.
function Load:hint(key, shape)
  if type(key) ~= "string" then return "" end
  local found = near.find(key, shape.names, shape.aliases)
  if found then return ("; did you mean '%s'?"):format(found) end
  for _, name in ipairs { "line", "station", "tag" } do
    if self.shapes[name].fields[key] then return ("; it is a field of a %s"):format(name) end
  end
  return ""
end

--- A word failed: a problem where it was used, and the poison to go on with. An error under
--- pcall and at run time. Words call it as `return load:fail(…)`.
function Load:fail(word, text)
  -- words end in a tail call of this, so they are not on the stack
  local caller = debug.getinfo(2, "S")
  if not self.running or caller and caller.what == "C" then error(text, 2) end
  self.problems:add { at = self:place(2), line = self.open[#self.open], field = word, text = text }
  return self.poison
end

--- The same as a warning: loading is not refused.
function Load:warn(word, text)
  self.problems:add { at = self:place(2), line = self.open[#self.open], field = word, text = text,
    severity = "warning" }
  return self.poison
end

--- What is wrong with a word that has no name (http, spool …), or with one of its fields.
function Load:say(at, word, text, field, item)
  self.problems:add { at = at, word = word, field = field or word, key = field, text = text,
    item = item }
end

--- What stands in the braces of such a word: name → its normal form, of the fields that are right;
--- what is not is told. Nil: there are no braces. `shape` as kinds.shape() makes it.
function Load:record(at, word, given, shape)
  if given == self.poison then return nil end
  if type(given) ~= "table" then
    self:say(at, word, kinds.expected("braces with fields", given))
    return nil
  end
  local result = {}
  for key, value in pairs(given) do
    local field = shape.fields[key]
    if not field then
      self:say(at, word, "unknown field" .. self:hint(key, shape), tostring(key))
    elseif value ~= self.poison then
      local wrong, normal, all = field.check(value)
      for i, text in ipairs(all or { wrong }) do self:say(at, word, text, key, i) end
      result[key] = normal
    end
  end
  return result
end

--- A word that a config has once.
function Load:once(at, word)
  local first = self.once_at[word]
  if first then self:say(at, word, ("is given twice, first in line %d"):format(first.line)) end
  self.once_at[word] = first or at
end

--- A word without a name that a config has once: http { … }, spool { … }, limits { … }.
--- `take(one, at, given)` gets the record's normal form, its place, and what was written.
function Load:word_once(word, shape, take)
  return function(given)
    if not self.running then error(word .. ": only while the config loads", 2) end
    local at = self:place(2)
    local one = self:record(at, word, given, shape)
    if one then
      self:once(at, word)
      take(one, at, given)
    end
    return self.poison
  end
end

--- Is what a word needs in this program? `option` is CMake's, without its TAGLINE_.
function Load:need(at, word, option, what)
  local built_with = self.core.built_with
  if not built_with or built_with(option) then return end
  self:say(at, word, ("this program is built without %s: rebuild it with -DTAGLINE_%s=ON"):format(
    what, option))
end

--- A message of Lua ("FILE:LINE: text") as a problem; the loader shortens long file names, so
--- the name is taken from us.
function Load:syntax_error(path, message)
  local number, text
  number, text = message:match("^[^\n]-:(%d+): (.*)$")
  self.problems:add { at = self:at(path, tonumber(number) or 0), line = self.open[#self.open],
    text = text or message }
  self.broken = true
end

--- What word processors make of quotes and blanks; Lua tells only the first byte of them.
local odd_characters = {
  ["\u{201C}"] = "a typographic quote: write \"", ["\u{201D}"] = "a typographic quote: write \"",
  ["\u{201E}"] = "a typographic quote: write \"", ["\u{2018}"] = "a typographic quote: write '",
  ["\u{2019}"] = "a typographic quote: write '", ["\u{A0}"] = "a no-break space: write a blank",
  ["\u{2013}"] = "a dash: write -", ["\u{2014}"] = "a dash: write --",
}

--- A message of Lua, and which character it means where that is one of these.
local function with_character(text, why)
  local number, byte = why:match ":(%d+): unexpected symbol near '<\\(%d+)>'$"
  if not number then return why end
  local count = 0
  for row in text:gmatch "[^\n]*" do
    count = count + 1
    if count == tonumber(number) then
      for c in row:gmatch "[\xC2-\xF4][\x80-\xBF]+" do
        local what = c:byte() == tonumber(byte) and odd_characters[c]
        if what then return ("%s: %s is %s"):format(why, c, what) end
      end
    end
  end
  return why
end

--- The function of a source text; nil when it is no Lua, which is then told.
function Load:compile(path, text)
  self.file_count = self.file_count + 1
  local mark = text:sub(1, 2)
  if mark == "\xFF\xFE" or mark == "\xFE\xFF" then
    self.files[path] = { text = "", order = self.file_count }
    self:syntax_error(path, ":1: is UTF-16: save it as UTF-8")
    return nil
  end
  text = text:gsub("^\xEF\xBB\xBF", ""):gsub("^#[^\n]*", "")
  self.files[path] = { text = text, order = self.file_count }
  local chunk, why = self.compile_text(text, "@" .. path, self.env)
  if not chunk then self:syntax_error(path, with_character(text, why)) end
  -- Functions of one file share it: one that assigned to it would take the words of all the others.
  local where = chunk and not self.opts.unsafe and source.environment(text)
  if not where then return chunk end
  self:syntax_error(path,
    (":%d: '_ENV' may only be indexed: all functions of the file share it; its globals are in \z
      _G, too"):format(where))
end

--- Where a running chunk failed: the place that the message names, else the innermost frame of
--- a config file.
local function traced(self)
  return function(message)
    local at = self:place(2)
    if type(message) == "string" then
      for path in pairs(self.files) do
        local number, text = message:match("^" .. path:gsub("%W", "%%%0") .. ":(%d+): (.*)$")
        if number then return { at = self:at(path, tonumber(number)), text = text } end
      end
      return { at = at, text = message:match("^[^\n]-:%d+: (.*)$") or message }
    end
    return { at = at, text = ("error (%s)"):format(kinds.got(message)) }
  end
end

local function check_rest(self)
  for _, waiting in ipairs(self.open) do
    if not self.broken then
      self.problems:add { at = waiting.at, line = waiting,
        text = "expected braces with fields behind the name, got nothing" }
    end
  end
  for waiting in pairs(self.broken and {} or self.waiting) do
    self.problems:add { at = waiting.at, station = waiting,
      text = "expected braces with fields behind the name, got nothing" }
  end
  for _, st in ipairs(self.stations) do
    if not st.taken and not st.inside and not self.broken then
      st.line = nil
      self.problems:add { at = st.at, station = st, rank = st.seq,
        text = "stands outside every line: put it between the braces of one" }
    end
  end
  self.lines:across()
  outlets.check(self)
  http.check(self)
  if #self.lines.lines == 0 and not self.problems.failed then
    self.problems:add { at = self:at(self.path, 1),
      text = 'expected at least one line "name" { … }, got none' }
  end
  for path, file in pairs(self.files) do
    if #file.text <= SCAN and not file.broken then self.problems:twice(path) end
  end
end

--- The draft, without what only the checks needed.
local function draft_of(self)
  local limits = {}
  for name, field in pairs(self.shapes.limits.fields) do
    limits[name] = self.limits and self.limits[name] or field.default
  end
  for _, one in ipairs(self.lines.lines) do
    for _, st in ipairs(one.stations) do
      st.line, st.taken, st.seq = nil, nil, nil
    end
  end
  local files = {}
  for path, file in pairs(self.files) do
    files[#files + 1] = { path = path, text = file.text, order = file.order }
  end
  table.sort(files, function(a, b) return a.order < b.order end)
  return { file = self.path, files = files, lines = self.lines.lines, limits = limits,
    timers = self.timers, outlets = outlets.draft(self), http = self.http, env = self.env }
end

--- Load a config from its text. `opts`: core = the module tagline.core (default: require),
--- compile = function(text, name, env), in place of load(text, name, "t", env),
--- unsafe = true opens all of Lua, print = function(text) takes what the config prints
--- (default: stderr), api = more words for handlers (lines, stations, tags; and `every` and
--- `after` for calls while the config runs), stall_time = function(seconds) hears of that limit at
--- once. Returns the draft, or nil when there is an error;
--- and always the list of problems, { file =, line =, severity = "error" | "warning", text =
--- "FILE:LINE: …" }.
function load_config.string(text, path, opts)
  local self = new_load(path, opts or {})
  vocabulary(self)
  local chunk = self:compile(path, text)
  if chunk then
    local ok, failure = xpcall(chunk, traced(self), path)
    if not ok then
      -- Out of memory there is neither a traceback nor a place.
      if type(failure) ~= "table" then
        failure = { at = self:at(path, 1), text = tostring(failure) }
      end
      self.problems:add { at = failure.at, line = self.open[#self.open], text = failure.text }
      self.broken = true
    end
  end
  check_rest(self)
  local list = self.problems:finish()
  local draft = not self.problems.failed and draft_of(self) or nil
  self.running = false
  self.files, self.ats, self.path_of = {}, {}, {}
  self.stations, self.open, self.waiting = {}, {}, {}
  self.tags.made, self.checker, self.lines, self.problems = {}, nil, nil, nil
  return draft, list
end

--- The same from a file; `path` is shown as it is given.
function load_config.file(path, opts)
  local text, why = environment.read(path, 256 * 1048576)
  if not text then
    return nil, { { file = path, line = 0, severity = "error",
      text = ("%s: cannot be read: %s"):format(path, why) } }
  end
  return load_config.string(text, path, opts)
end

return load_config
