--- What a config may use: the safe part of the standard library, `require` of files beside it,
--- `json`, `re`, `env` and `file`. Its tables are read-only, so that a mistake in one decoder
--- does not reach another.
local core = require "tagline.core"
local kinds = require "tagline.config.kinds"

local environment = {}

local plain = { "pairs", "ipairs", "select", "type", "tostring", "tonumber", "error", "assert",
  "pcall", "xpcall", "next",
  "rawequal", "rawlen", "_VERSION" }
local hidden = { string = { dump = true }, math = { randomseed = true } }
local os_part = { "time", "date", "clock", "difftime" }

--- Words of Lua that a config does not have, for a better message than "unknown".
environment.closed = { io = true, debug = true, package = true, load = true, loadfile = true,
  loadstring = true, dofile = true,
  collectgarbage = true, rawget = true, rawset = true }

local MAX_FILE = 1048576

local function copy_of(library, without)
  local copy = {}
  for name, value in pairs(library) do
    if not (without and without[name]) then copy[name] = value end
  end
  return copy
end

--- Tables within tables too; functions keep what they hold.
local function deep_copy(value, seen)
  if type(value) ~= "table" then return value end
  if seen[value] then return seen[value] end
  local copy = {}
  seen[value] = copy
  for k, v in pairs(value) do copy[k] = deep_copy(v, seen) end
  return setmetatable(copy, deep_copy(debug.getmetatable(value), seen))
end

local function iterate(t)
  return function()
    local key
    return function()
      local value
      key, value = next(t, key)
      return key, value
    end
  end
end

--- What shows `t` and cannot be changed; its tables likewise. `t` is ours: its tables are replaced.
local function read_only(t, name, seen)
  if seen[t] then return seen[t] end
  local meta = debug.getmetatable(t)
  local call = meta and meta.__call
  local proxy = setmetatable({}, {
    __index = t, __pairs = iterate(t), __len = function() return #t end, __metatable = false,
    __call = call and function(_, ...) return call(t, ...) end,
    __newindex = function(_,
      key) error(("%s.%s cannot be assigned to: all handlers share it"):format(name,
        tostring(key)), 2) end,
  })
  seen[t] = proxy
  for key, value in pairs(t) do
    if type(value) == "table" then t[key] = read_only(value, name .. "." .. tostring(key), seen) end
  end
  return proxy
end

local function safe_setmetatable(t, meta)
  if type(meta) == "table" and rawget(meta, "__gc") ~= nil then
    error("__gc is not available in a config: finalizers run outside every budget", 2)
  end
  local mode = type(meta) == "table" and rawget(meta, "__mode")
  -- set later it has no effect
  if type(mode) == "string" and mode:find("k", 1, true) and not mode:find("v", 1, true) then
    error(
      "weak keys are not available in a config: to collect a chain of them takes seconds at \z
        once; __mode may be \"v\" or \"kv\"", 2)
  end
  return setmetatable(t, meta)
end

local function safe_getmetatable(value)
  if type(value) == "table" then return getmetatable(value) end
end

--- Put the library into `env`. `print` (function(text)) takes what the config prints.
function environment.library(env, print_text)
  for _, name in ipairs(plain) do env[name] = _G[name] end
  for _, name in ipairs { "string", "table", "math", "utf8", "coroutine" } do
    env[name] = read_only(copy_of(_G[name], hidden[name]), name, {})
  end
  local times = {}
  for _, name in ipairs(os_part) do times[name] = os[name] end
  env.os = read_only(times, "os", {})
  env.setmetatable, env.getmetatable = safe_setmetatable, safe_getmetatable
  env.print = function(...)
    local parts = table.pack(...)
    for i = 1, parts.n do parts[i] = tostring(parts[i]) end
    print_text(table.concat(parts, "\t"))
  end
  for name, modules in pairs { json = { "tagline.json", "cjson" }, re = { "tagline.re" } } do
    -- those of tagline are in the program; a plain Lua, in specs, may have cjson
    for _, module in ipairs(modules) do
      local found, library = pcall(require, module)
      if found and not env[name] then env[name] = read_only(copy_of(library), name, {}) end
    end
    env[name] = env[name] or read_only({}, name, {})
  end
end

--- Join the config's own globals (`env`) and the words that it is given. Once it has loaded
--- (`running()` is false) its functions may change the globals that it made, and make no new ones.
function environment.join(env, words, unknown, running)
  words._G = env
  setmetatable(words, { __index = unknown })
  setmetatable(env, {
    __index = words, __metatable = false,
    __pairs = function(t)
      local all = copy_of(words)
      for name, value in next, t do all[name] = value end
      return next, all
    end,
    __newindex = function(t, name, value)
      if not running() then
        error(
          ("'%s' is not a global of this config: make it local, or give it a value while the \z
            config loads"):format(
          tostring(name)), 2)
      end
      rawset(t, name, value)
    end,
  })
end

--- Where a file named in a config is: beside the config, unless the name is absolute.
local function beside(load, name)
  return name:sub(1, 1) == "/" and name or load.folder .. name
end

--- The text of a regular file, or nil and why. Never waits: a FIFO, a device or a folder is
--- refused.
environment.read = core.read_file

-- Modules of ours that are not for configs.
local inner = { "^tagline%.core$", "^tagline%.config$", "^tagline%.config%.", "^tagline%.repl",
  "^tagline%.discover",
  "^tagline%.timers$",
  "^tagline%.weak$",
  "^tagline%.offline$" }

local function own_module(load, name)
  for _, pattern in ipairs(inner) do
    if name:find(pattern) then return nil, ("module '%s' is not for configs"):format(name) end
  end
  local ok, module = pcall(require, name)
  if not ok then return nil, (tostring(module):gsub("%s*\n%s*", "; ")) end
  module = deep_copy(module, {})
  if type(module) == "table" then module = read_only(module, name, {}) end
  load.modules[name] = module
  return module
end

local function file_module(load, name)
  local path = name:gsub("%.", "/")
  local tried = {}
  for _, tail in ipairs { ".lua", "/init.lua" } do
    local file = beside(load, path .. tail)
    local text, why, absent = core.read_file(file, 16 * MAX_FILE)
    if not text and not absent then return nil, ("%s: %s"):format(file, why) end
    if text then
      local chunk = load:compile(file, text)
      if not chunk then return load.poison end -- told already
      load.loading[#load.loading + 1] = name
      load.loading[name] = true
      local result = chunk(name, file)
      load.loading[#load.loading], load.loading[name] = nil, nil
      if result == nil then result = true end
      load.modules[name] = result
      return result
    end
    tried[#tried + 1] = file
  end
  return nil, ("module '%s' is not there; tried %s"):format(name, table.concat(tried, ", "))
end

local function find_module(load, name)
  if type(name) ~= "string" then return nil, kinds.expected("a module's name", name) end
  if load.modules[name] ~= nil then return load.modules[name] end
  if load.loading[name] then
    return nil, ("module '%s' requires itself: %s → %s"):format(name,
      table.concat(load.loading, " → "), name)
  end
  if name == "cjson" and load.opts.unsafe then return require "cjson" end
  if name == "cjson" or name == "json" then return load.env.json end
  if name:find("^tagline%.") then return own_module(load, name) end
  for part in (name .. "."):gmatch("([^.]*)%.") do
    if not part:find("^[%w_-]+$") then
      return nil, ("expected a module's name (letters, digits, '_', '-', with dots between \z
        folders), got '%s'"):format(name)
    end
  end
  return file_module(load, name)
end

--- Without its byte order mark and its last line break.
local function content_of(load, word, path)
  local text, why = core.read_file(path, MAX_FILE)
  if not text then return load:fail(word, ("%s: %s"):format(path, why)) end
  return (text:gsub("^\xEF\xBB\xBF", ""):gsub("\r?\n$", ""))
end

local function credential(load, name)
  if type(name) ~= "string" then
    return load:fail("credential", kinds.expected("the name of a credential", name))
  end
  if name == "" or name:find("[/%z]") or name == "." or name == ".." then
    return load:fail("credential", ("expected a name without '/', got '%s'"):format(name))
  end
  local folder = os.getenv "CREDENTIALS_DIRECTORY"
  if folder then return content_of(load, "credential", folder .. "/" .. name) end
  local text = ("'%s': there is no $CREDENTIALS_DIRECTORY; systemd sets it for a service with \z
    LoadCredential="):format(name)
  if not load.opts.check then return load:fail("credential", text) end
  return load:warn("credential", text)
end

--- The words that fetch something: require, env, file, credential. A failure is a problem of
--- the place that asked, and loading goes on; under pcall it is an error. They are words of
--- loading: what they wait for must not hold what runs.
function environment.words(env, load)
  local function loading_only(word)
    if not load.running then
      error(word .. ": only while the config loads; keep what it gives in a local", 3)
    end
  end
  function env.require(name)
    loading_only "require"
    local module, why = find_module(load, name)
    if module == nil and load.opts.unsafe then
      local found, result = pcall(require, name)
      if found then module = result end
    end
    if module == nil then return load:fail("require", why) end
    return module
  end
  function env.env(name, default)
    loading_only "env"
    if type(name) ~= "string" then
      return load:fail("env", kinds.expected("the name of an environment variable", name))
    end
    local value = os.getenv(name) or default
    if value == nil then
      return load:fail("env", ("environment variable '%s' is not set"):format(name))
    end
    return value
  end
  function env.file(name)
    loading_only "file"
    if type(name) ~= "string" then
      return load:fail("file", kinds.expected("the path of a file", name))
    end
    return content_of(load, "file", beside(load, name))
  end
  function env.credential(name)
    loading_only "credential"
    return credential(load, name)
  end
end

return environment
