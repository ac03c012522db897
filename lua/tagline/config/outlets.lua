--- The words of a config that say where values go: history, outlet, spool; and `history` as an
--- option of tags, stations and lines. Checks records; opens nothing.
local kinds = require "tagline.config.kinds"
local tag_patterns = require "tagline.config.patterns"
local postgres = require "tagline.config.postgres"

local outlets = {}

local SECONDS = { s = 1, m = 60, h = 3600, d = 86400, w = 7 * 86400, y = 365 * 86400 }
local LONGEST = 1000 * SECONDS.y
local MAX_PEM = 1048576
local BYTES = { KB = 1000, MB = 1000000, GB = 1000000000, TB = 1000000000000 }

-- Seconds as a config may write them.
local function written(seconds)
  if seconds % SECONDS.h == 0 then return ("%gh"):format(seconds / SECONDS.h) end
  return ("%gs"):format(seconds)
end

--- A duration of at least `min` seconds: seconds, or "90d", "12h", "10m", "30s", "2w", "2y". Its
--- normal form is seconds.
function outlets.duration(min)
  return function(value)
    local seconds
    if type(value) == "number" and not kinds.finite(value) then
      seconds = value
    elseif type(value) == "string" then
      local number, unit = value:match("^(%d+%.?%d*)([smhdwy])$")
      seconds = number and tonumber(number) * SECONDS[unit]
    end
    if not seconds or seconds > LONGEST then
      return kinds.expected('a duration such as "90d", "12h", "10m" or seconds', value)
    end
    if seconds < min then
      return kinds.expected("a duration of at least " .. written(min), value)
    end
    return nil, seconds
  end
end

--- A size: bytes, or "1GB", "500MB".
function outlets.size(min, max)
  return function(value)
    local bytes = math.type(value) and math.tointeger(value)
    if type(value) == "string" then
      local number, unit = value:match("^(%d+%.?%d*) ?([KMGT]B)$")
      bytes = number and math.floor(tonumber(number) * BYTES[unit])
    end
    if not bytes or bytes < min or bytes > max then
      return kinds.expected(('a size such as "1GB", from %d MB to %d GB'):format(min // BYTES.MB,
        max // BYTES.GB), value)
    end
    return nil, bytes
  end
end

local function text(value)
  if type(value) ~= "string" or value == "" or value:find("%z") then
    return kinds.expected("a text", value)
  end
  return nil, value
end

local function one_of(...)
  local words = { ... }
  return function(value)
    for _, word in ipairs(words) do
      if value == word then return nil, word end
    end
    return kinds.expected('"' .. table.concat(words, '" or "') .. '"', value)
  end
end

local function name(value)
  if type(value) ~= "string" or not value:match("^[%w_%-]+$") or #value > 40 then
    return kinds.expected("a name of letters, digits, '_' and '-', at most 40", value)
  end
  return nil, value
end

local function patterns(value)
  local list = type(value) == "table" and value or { value }
  local result = {}
  for i, one in ipairs(list) do
    if type(one) ~= "string" or one == "" then
      return kinds.expected("a pattern such as \"plant.*\", or a list of them", one)
    end
    result[i] = one
  end
  if #result == 0 then
    return kinds.expected("a pattern such as \"plant.*\", or a list of them", value)
  end
  return nil, result
end

local PLACEHOLDERS = { line = true, station = true, tag = true }
local function subject(value)
  local wrong = text(value)
  if wrong then return wrong end
  for word in value:gmatch("{([^}]*)}") do
    if not PLACEHOLDERS[word] then
      return ("unknown placeholder {%s}; expected {line}, {station} or {tag}"):format(word)
    end
  end
  if not value:find("{tag}", 1, true) then
    return "expected {tag} in it: each tag has a subject of its own"
  end
  local literal = value:gsub("{%w+}", "x")
  if literal:find("[^%w_%-%%%.]") then
    return kinds.expected(
      "a NATS subject of letters, digits, '_', '-', '%', points and {placeholders}", value)
  end
  if ("." .. literal .. "."):find("..", 1, true) then
    return kinds.expected("a NATS subject without an empty part between two points", value)
  end
  return nil, value
end

--- "10.0.0.5, tls://nats.example.com:4222": what libnats understands, without a password in it.
local function servers(value)
  local wrong = text(value)
  if wrong then return wrong end
  local count = 0
  for one in value:gmatch("[^%s,;]+") do
    count = count + 1
    if one:find("@", 1, true) then
      return "a user or a password stands in it: give them as user = and \z
        password = credential \"NAME\""
    end
    local scheme, rest = one:match("^(%a+)://(.*)$")
    if scheme and scheme ~= "nats" and scheme ~= "tls" then
      return ("unknown scheme '%s://'; expected nats:// or tls://"):format(scheme)
    end
    local host = rest or one
    local port = host:match("^%[[%x:%.]+%]:(%d+)$") or host:match("^[^:/]+:(%d+)$")
    if not port and not host:match("^%[[%x:%.]+%]$") and not host:match("^[^:/]+$") then
      return kinds.expected('"HOST" or "HOST:PORT"', one)
    end
    if port and (tonumber(port) < 1 or tonumber(port) > 65535) then
      return kinds.expected("a port from 1 to 65535", one)
    end
  end
  if count == 0 or count > 16 then return kinds.expected("1 to 16 servers", value) end
  return nil, value
end

local function schema(value)
  if type(value) ~= "string" or not value:match("^[%a_][%w_]*$") or #value > 60 then
    return kinds.expected("a name of letters, digits and '_'", value)
  end
  if value:find "^pg_" then return "names that begin with pg_ are PostgreSQL's own" end
  return nil, value
end

local function connection(value)
  local wrong = text(value)
  if wrong then return wrong end
  return postgres.check(value), value
end

outlets.shapes = {
  history = kinds.shape { file = text, postgres = connection, password = text, schema = schema,
    keep = outlets.duration(3600) },
  outlet = kinds.shape { nats = servers, stream = name, subject = subject, tags = patterns,
    user = text, password = text, tls_ca_file = text, keep = outlets.duration(1) },
  spool = kinds.shape { folder = text, max = outlets.size(1000000, 100 * BYTES.GB),
    when_full = one_of("drop_oldest", "hold") },
}

--- What `history` may be in a tag, a station or a line: false, or a table of options.
local options = { deadband = kinds.number("a number", 0, math.huge),
  max_silence = outlets.duration(0.001),
  keep = outlets.duration(3600) }
function outlets.option(value)
  if value == false then return nil, false end
  if value == true then return nil, {} end
  if type(value) ~= "table" then
    return kinds.expected("false, or { deadband =, max_silence =, keep = }", value)
  end
  local result = {}
  for key, one in pairs(value) do
    local check = options[key]
    if not check then
      return ("unknown option '%s'; expected deadband, max_silence or keep"):format(tostring(key))
    end
    local wrong, normal = check(one)
    if wrong then return key .. ": " .. wrong end
    result[key] = normal
  end
  return nil, result
end

--- The words, for a load (load.lua): they collect into load.outlets and load.spool.
function outlets.words(load, words)
  load.outlets, load.outlet_names = {}, {}

  local function say(...) load:say(...) end
  local function record(at, word, given)
    return load:record(at, word, given, outlets.shapes[word])
  end

  local function add(at, word, one)
    if load.outlet_names[one.name] then
      say(at, word, ("'%s' is given twice, first in line %d"):format(one.name,
        load.outlet_names[one.name].line))
      return
    end
    load.outlet_names[one.name] = at
    load.outlets[#load.outlets + 1] = one
  end

  local function path(value)
    return require "tagline.config.places".path(load, value)
  end

  function words.history(given, ...)
    if not load.running then
      local live = (load.opts.api or {}).history
      if not live then error("history: there is none here", 2) end
      return require("tagline.repl.history").word(live)(given, ...)
    end
    local at = load:place(2)
    local one = record(at, "history", given)
    if not one then return load.poison end
    if one.file and one.postgres then
      say(at, "history", "expected file or postgres, got both: write one history { … } for each")
    elseif one.file then
      for _, key in ipairs { "password", "schema" } do
        if one[key] then say(at, "history", "belongs to a history in PostgreSQL", key) end
      end
      add(at, "history", { name = "history", kind = "history", file = path(one.file),
        keep = one.keep or 0 })
    elseif one.postgres then
      load:need(at, "history", "POSTGRES", "PostgreSQL")
      add(at, "history", { name = "postgres", kind = "postgres", postgres = one.postgres,
        password = one.password,
        keep = one.keep or 0, schema = one.schema or "tagline" })
    else
      say(at, "history",
        "expected file = \"NAME.db\" or postgres = \"host=… dbname=…\", got neither")
    end
    return load.poison
  end

  words.spool = load:word_once("spool", outlets.shapes.spool, function(one, at)
    load.spool, load.spool_at = one, at
    if one.folder then one.folder = path(one.folder) end
  end)

  function words.outlet(given_name, fields)
    if not load.running then error("outlet: only while the config loads", 2) end
    local at = load:place(2)
    local function braces(given)
      local one = record(at, "outlet", given)
      if not one then return load.poison end
      local wrong = name(given_name)
      if wrong then
        say(at, "outlet", wrong)
        return load.poison
      end
      if given_name == "history" or given_name == "postgres" then
        say(at, "outlet", ("'%s' is the name of a history: give it another"):format(given_name))
      end
      if not one.nats then say(at, "outlet", "expected nats = \"HOST\", got no server") end
      if one.user == nil and one.password ~= nil then
        say(at, "outlet", "expected a user beside the password", "password")
      end
      load:need(at, "outlet", "NATS", "NATS")
      one.name, one.kind = given_name, "nats"
      if one.tls_ca_file and one.tls_ca_file:sub(1, 1) ~= "/" then -- it is read, not written
        one.tls_ca_file = load.folder .. one.tls_ca_file
      end
      one.stream, one.subject = one.stream or "TAGS", one.subject or "tags.{line}.{station}.{tag}"
      add(at, "outlet", one)
      return load.poison
    end
    if fields ~= nil then return braces(fields) end
    return braces
  end
end

--- Does the file of CAs load? The outlet stays away while it does not, and the lines run.
local function authorities_wrong(load, path)
  local pem, why = require "tagline.config.environment".read(path, MAX_PEM)
  if not pem then return why end
  if not load.core.tls_check then return nil end -- a plain Lua, in specs
  local field, wrong = load.core.tls_check { tls_ca_file = pem }
  return field and wrong
end

local function asks_for_history(value) return type(value) == "table" and next(value) ~= nil end

--- Which of a line asks for a history: "", " of station 's'" or " of tag 's.t'"; nil: nothing.
local function asking(line)
  if asks_for_history(line.params.history) then return "" end
  for _, st in ipairs(line.stations) do
    if asks_for_history(st.params.history) then return (" of station '%s'"):format(st.name) end
    for _, t in ipairs(st.tags) do
      if asks_for_history(t.history) then
        return (" of tag '%s.%s'"):format(st.name, t.name)
      end
    end
  end
end

--- Options of a history or a spool that nothing acts on.
local function check_unused(load)
  local has_history = false
  for _, one in ipairs(load.outlets) do has_history = has_history or one.kind ~= "nats" end
  for _, line in ipairs(has_history and {} or load.lines.lines) do
    local whose = asking(line)
    if whose then
      load.problems:add { at = line.at, word = "line", name = line.name, line = line,
        field = "history" .. whose, severity = "warning",
        text = "nothing acts on these options: the config has no history { … }" }
    end
  end
  if load.spool and not load.outlets[1] then
    load.problems:add { at = load.spool_at, word = "spool", field = "spool", severity = "warning",
      text = "nothing goes into it: the config has no history { … } and no outlet" }
  end
end

--- What outlets say against the rest of the config, once all of it is there.
function outlets.check(load)
  if not load.problems.failed then check_unused(load) end
  for _, one in ipairs(load.outlets) do
    local at = load.outlet_names[one.name]
    local function warn(field, what)
      load.problems:add { at = at, word = "outlet", name = one.name, key = field,
        field = ("outlet '%s': %s"):format(one.name, field), text = what, severity = "warning" }
    end
    tag_patterns.check(load.lines.lines, one.tags, function(what) warn("tags", what) end)
    local wrong = one.tls_ca_file and authorities_wrong(load, one.tls_ca_file)
    if wrong then
      warn("tls_ca_file", ("%s: %s: give the file of the CA that signed the server's certificate; \z
        without it the outlet stays away"):format(one.tls_ca_file, wrong))
    end
  end
end

--- What the draft keeps: the list, and the spool with its defaults; nil when nothing goes out.
function outlets.draft(load)
  if #load.outlets == 0 then return nil end
  local spool = load.spool or {}
  local usual = load.path:match("[^/]*$"):gsub("%.lua$", "") .. ".spool"
  local folder = spool.folder or require "tagline.config.places".path(load, usual)
  return { list = load.outlets, spool = { folder = folder, max = spool.max or BYTES.GB,
    hold = spool.when_full == "hold" } }
end

return outlets
