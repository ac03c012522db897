--- watch(): checks what it was asked for, and hands it to the core, which keeps the rate.
local nearest = require "tagline.repl.nearest"
local print_module = require "tagline.repl.print"

local M = {}

local numbers = { rate = { 1, 100000 }, count = { 1, 1e15 }, seconds = { 0.001, 1e9 } }
local known = { topic = true, rate = true, count = true, seconds = true, json = true }

--- A text as a pattern of tags' full names: the name of a line or a station means all its tags.
local function named(text, level)
  if text:find("[/#+]") then
    error(("watch: %s is no pattern of tags' names; did you mean watch { topic = %s }?"):format(
      print_module.quote(text),
      print_module.quote(text)), level + 1)
  end
  local _, dots = text:gsub("%.", "")
  return dots < 2 and not text:find("*", 1, true) and text .. ".*" or text
end

--- A pattern for what was given: a text, a tag, a station, a line, or a collection.
local function pattern(x, level)
  local kind = print_module.kind(x)
  if kind == "tag" then return x.full_name end
  if kind == "station" then return x.full_name .. ".*" end
  if kind == "line" then return x.name .. ".*" end
  if print_module.collection(x) then return "*" end
  if type(x) == "string" then return named(x, level) end
  error(("watch: expected a pattern (\"plant.*\"), a tag, a station or a line, got %s"):format(
    type(x)), level)
end

local function check_numbers(options, level)
  for name, range in pairs(numbers) do
    local v = options[name]
    if v ~= nil and (type(v) ~= "number" or v < range[1] or v > range[2] or name ~= "seconds"
      and v % 1 ~= 0) then
      error(("watch: %s: expected %s from %s to %s, got %s"):format(name, name == "seconds"
        and "a number" or "a whole number",
        print_module.scalar(range[1]), print_module.scalar(math.tointeger(range[2]) or range[2]),
          print_module.scalar(v)), level)
    end
  end
  for name in pairs(options) do
    if type(name) == "string" and not known[name] then
      error(("watch: unknown option '%s' (known: topic rate count seconds json)"):format(name),
        level)
    end
  end
end

--- What live.watch takes, from what a person gave. Raises at `level`.
function M.read(level, ...)
  local given, request = table.pack(...), {}
  local last = given[given.n]
  local options = type(last) == "table" and not print_module.collection(last) and last or {}
  check_numbers(options, level + 1)
  for i = 1, options == last and given.n - 1 or given.n do
    request[#request + 1] = pattern(given[i], level + 1)
  end
  for i = 1, #options do request[#request + 1] = pattern(options[i], level + 1) end
  for name in pairs(known) do request[name] = options[name] end
  if request.rate then request.rate = math.tointeger(request.rate) end
  if request.count then request.count = math.tointeger(request.count) end
  if request.topic == nil then
    if #request == 0 then
      error(
        "watch: expected a pattern (\"plant.*\"), a tag, a station or a line, or { topic = \z
          \"plant/#\" }", level)
    end
    return request
  end
  if #request > 0 then error("watch: either names of tags or a topic, not both", level) end
  if type(request.topic) ~= "string" then
    error(("watch: topic: expected a topic filter, got %s"):format(type(request.topic)), level)
  end
  local ok, why = require "tagline.core".filter_check(request.topic)
  if not ok then error("watch: topic: " .. why, level) end
  return request
end

--- What to say of a pattern that no tag is like now; it may have some later.
local function note_unmatched(live, wanted)
  if live.has_tag(wanted) then return end
  local name = wanted:gsub("%.%*$", "")
  local meant = not name:find("[*?]") and nearest.find(name, live)
  live.note(("[no tag is called like %s now%s]"):format(print_module.quote(wanted),
    meant and ("; did you mean %s?"):format(print_module.quote(meant)) or ""))
end

--- The word watch, for the REPL.
function M.word(live)
  return function(...)
    local request = M.read(3, ...)
    for _, wanted in ipairs(request) do note_unmatched(live, wanted) end
    return live.watch(request)
  end
end

return M
