--- Specs of configs and decoders, without a broker: `tagline test` runs them with busted.
---
---   local t = require "tagline.test"
---   local config = t.config("plant.lua", { time = 1700000000 })
---   config:feed("plant/boiler/up", '{"rx":{"temp":21.5}}')
---   assert.equal(21.5, config.tags["plant.boiler.temperature"].value)
---
--- Such a config runs, but without connections. Its clock stands where the spec puts
--- it. Each has a Lua state of its own.
local capture = require "tagline.test.capture"
local core = require "tagline.offline"
local explain = require "tagline.repl.explain"
local hex = require "tagline.codec.hex"
local near = require "tagline.config.near"

local M = {}

local START = 1700000000 -- 2023-11-14T22:13:20Z: a clock that stands still is the same in every run

--- The folder of the spec that called, with its last slash; "" where that cannot be told.
local function spec_folder()
  for level = 2, 20 do
    local info = debug.getinfo(level, "S")
    if not info then return "" end
    local path = info.source:match("^@(.*)$")
    if path and not path:find("/tagline/test/[%w_]+%.lua$") and not path:find("/busted/") then
      return path:match("^(.*/)") or ""
    end
  end
  return ""
end

--- A path as it is given, or beside the spec where there is such a file.
local function find(path)
  if path:sub(1, 1) == "/" then return path end
  local beside = spec_folder() .. path
  local file = io.open(beside, "rb")
  if not file then return path end
  file:close()
  return beside
end

--- The content of a file: a payload. The path is taken from the spec's folder, else from the
--- current one.
function M.file(path)
  local file, why = io.open(find(path), "rb")
  if not file then error("tagline.test: " .. why, 2) end
  local text = file:read("a")
  file:close()
  return text
end

--- Bytes written as hexadecimal digits; blanks between them are skipped.
function M.hex(digits)
  local bytes, why = hex.decode((digits:gsub("%s+", "")))
  if not bytes then error("tagline.test: " .. tostring(why), 2) end
  return bytes
end

--- The messages of a capture, in their order: config:feed takes them.
function M.capture(path)
  local list, why = capture.read(find(path))
  if not list then error("tagline.test: " .. why, 2) end
  return list
end

local function lines_of(text)
  local list = {}
  for line in text:gmatch("[^\n]+") do
    local v = core.json(line)
    if type(v.value) == "userdata" then v.value = nil end -- null
    list[#list + 1] = v
  end
  return list
end

local Config = {}
Config.__index = Config

local EXTRA = "the station has no such tag (logged once)"

--- Takes what happened since the last call; raises what handlers raised. `extra`: but values
--- that have no tag.
local function news(self, extra)
  local values, published, errors = self.core:news()
  for _, one in ipairs(lines_of(published)) do table.insert(self.published, one) end
  for i = extra and #errors or 0, 1, -1 do
    if errors[i]:sub(-#EXTRA) == EXTRA then table.remove(errors, i) end
  end
  if #errors > 0 then error(table.concat(errors, "\n"), 3) end
  return lines_of(values)
end

--- Run a config. `options`: time = where its clock begins (seconds since 1970), unsafe = true.
--- Raises its problems.
function M.config(path, options)
  options = options or {}
  local one, problems, why = core.new(find(path), options.time or START, options.unsafe)
  if not one then error(#problems > 0 and table.concat(problems, "\n") or why, 2) end
  local self = setmetatable({ core = one, published = {} }, Config)
  self.tags = setmetatable({}, { __index = function(_, name)
    local tag = one:tag(name)
    if tag then return tag end
    local meant = near.find(name, one:tags())
    error(("there is no tag '%s'%s"):format(tostring(name),
      meant and (" (did you mean '%s'?)"):format(meant) or ""), 2)
  end, __pairs = function()
    local names, i = one:tags(), 0
    return function()
      i = i + 1
      if names[i] then return names[i], one:tag(names[i]) end
    end
  end })
  self.stations = setmetatable({}, { __index = function(_, name) return one:station(name) end })
  news(self)
  return self
end

--- What the core takes of a message of a capture.
local function message_options(m)
  return { time = m.time, line = m.line, qos = m.qos, retain = m.retain, dup = m.dup, id = m.id }
end

--- `extra` is ours; what else the core does not know, it refuses.
local function without_extra(options)
  local others = {}
  for name, value in pairs(options) do
    if name ~= "extra" then others[name] = value end
  end
  return others
end

--- A message arrives. `options`: time (seconds; the config's clock moves there), line, qos,
--- retain, dup, id, extra (decode may give values that have no tag). Returns the new values in
--- their order, as in the values stream. Raises when no station takes it, and what decode and
--- other handlers raise. A message of t.capture() may stand in place of the topic.
function Config:feed(topic, payload, options)
  local extra = options and options.extra
  if type(topic) == "table" then
    topic, payload, options = topic.topic, topic.payload, message_options(topic)
  elseif extra ~= nil then
    options = without_extra(options)
  end
  local ok, taken, unrouted = pcall(self.core.feed, self.core, topic, payload, options)
  if not ok then error(tostring(taken), 2) end
  local values = news(self, extra)
  if taken == 0 then
    error(unrouted > 0 and ("no station takes '%s'"):format(topic)
      or ("no topic filter takes '%s'"):format(topic), 2)
  end
  return values
end

--- Time passes: timers and time-outs are due meanwhile. Returns the new values.
function Config:advance(seconds)
  self.core:advance(self.core:time() + seconds)
  return news(self)
end

--- The config's clock, in seconds since 1970.
function Config:time() return self.core:time() end

--- Write to an output tag. Returns the messages that were published ({ line, topic, payload or
--- base64, qos, retain }), or nil and why.
function Config:write(name, value)
  local before = #self.published
  local ok, done, why = pcall(self.core.write, self.core, name, value)
  if not ok then error(tostring(done), 2) end
  self:advance(0)
  if not done then return nil, why end
  return table.move(self.published, before + 1, #self.published, 1, {})
end

--- What would become of a message, and why: prints as text.
function Config:explain(topic, payload, options)
  return explain.wrap((self.core:explain(topic, payload, options)))
end

local function close_to(a, b)
  -- counters keep all their digits
  if math.type(a) == "integer" and math.type(b) == "integer" then return a == b end
  if math.type(a) and math.type(b) then
    return a == b or math.abs(a - b) <= 1e-9 * math.max(math.abs(a), math.abs(b))
  end
  return a == b
end

local function show(v)
  if type(v) == "string" then return ("%q"):format(v) end
  return type(v) == "number" and explain.value(v) or tostring(v)
end

--- Tags as they should be: full names and { value =, status =, reason =, time = } (what is
--- given is looked at), or a bare value. A tag that should be valid with another value, or the
--- other way round, is told; all of them at once.
function Config:expect(tags)
  local wrong, names = {}, {}
  for name in pairs(tags) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local wanted, tag = tags[name], self.tags[name]
    if type(wanted) ~= "table" then wanted = { value = wanted, status = "valid" } end
    for _, field in ipairs { "value", "status", "reason", "time" } do
      if wanted[field] ~= nil and not close_to(wanted[field], tag[field]) then
        local got = show(tag[field])
        if field == "value" and tag.value == nil then
          got = tag.status .. (tag.reason and " (" .. tag.reason .. ")" or "")
        end
        wrong[#wrong + 1] = ("%s: %s: expected %s, got %s"):format(name, field,
          show(wanted[field]), got)
      end
    end
  end
  if #wrong > 0 then error(table.concat(wrong, "\n"), 2) end
end

function Config:close() self.core:close() end

-- ---- a decoder's own examples ----

local function compare(path, wanted, got, wrong)
  if type(wanted) ~= "table" or type(got) ~= "table" then
    if not close_to(wanted, got) then
      wrong[#wrong + 1] = ("%s: expected %s, got %s"):format(path, show(wanted), show(got))
    end
    return
  end
  local keys = {}
  for k in pairs(wanted) do keys[k] = true end
  for k in pairs(got) do keys[k] = true end
  local sorted = {}
  for k in pairs(keys) do sorted[#sorted + 1] = k end
  table.sort(sorted, function(a, b) return tostring(a) < tostring(b) end)
  for _, k in ipairs(sorted) do
    compare(path == "" and tostring(k) or ("%s.%s"):format(path, tostring(k)), wanted[k], got[k],
      wrong)
  end
end

local function run_example(decode, example, place)
  local called = ("example %d%s"):format(place, example.description and " ("
    .. example.description .. ")" or "")
  local bytes = hex.decode((example.input:gsub("%s+", "")))
  if not bytes then return { called .. ": its input is not hexadecimal" } end
  local ok, values, extra = pcall(decode, bytes, example.port)
  if not ok then return { called .. ": " .. tostring(values) } end
  if values == nil and extra ~= nil then return { called .. ": " .. tostring(extra) } end
  local wrong = {}
  compare("", example.output, values, wrong)
  if example.time ~= nil then compare("time", example.time, extra, wrong) end
  for i, text in ipairs(wrong) do wrong[i] = called .. ": " .. text end
  return wrong
end

--- Run the examples of a decoder in one call: a device module of tagline.codec.device, or a
--- table with `examples` (a list of { description =, input = hexadecimal digits, port =, output
--- = values, time = }) and decode_bytes(bytes, port). Tells all that differ.
function M.examples(device)
  local decode = type(device) == "table" and device.decode_bytes
  if type(decode) ~= "function" or type(device.examples) ~= "table" then
    error("tagline.test: examples: expected a table with decode_bytes and examples", 2)
  end
  if #device.examples == 0 then error("tagline.test: examples: there is none", 2) end
  local all = {}
  for place, example in ipairs(device.examples) do
    for _, text in ipairs(run_example(decode, example, place)) do all[#all + 1] = text end
  end
  if #all > 0 then error(table.concat(all, "\n"), 2) end
  return #device.examples
end

return M
