--- What help(x) says of a value itself: a tag, a station, a line, a collection of them, a recorded
--- message, a codec, a function. `about` has what tagline.repl.help says of names: functions
--- `thing`, `member`, `object` and `word`.
local codecs = require "tagline.repl.help_codecs"
local docstring = require "tagline.repl.docstring"
local print_module = require "tagline.repl.print"
local texts = require "tagline.repl.help_texts"

local M = {}

--- The names under which a value is found: variables, words, and what their tables hold.
local function names_of(x, live, api)
  local found = {}
  local own, config = live.scopes()
  for _, scope in ipairs { own, api, config } do
    local each, all = next, scope
    -- a config's globals stand before its words
    if print_module.behind(scope) ~= scope then each, all = pairs(scope) end
    for name, value in each, all do
      local is_name = type(name) == "string"
      if is_name and rawequal(value, x) then found[#found + 1] = name end
      local members = is_name and type(value) == "table" and not print_module.collection(value)
        and value ~= scope
      for member, v in next, members and print_module.behind(value) or {} do
        if rawequal(v, x) and type(member) == "string" then
          found[#found + 1] = name .. "." .. member
        end
      end
    end
  end
  table.sort(found)
  return found
end

local function method_help(x, live, about)
  for _, kind in ipairs { "tag", "station", "line" } do
    for _, row in ipairs(texts.objects[kind]) do
      local name = row[1]:match("^(.*)%(%)$")
      if name and live.method and live.method(kind, name) == x then return about.member(name) end
    end
  end
end

local function function_help(x, name)
  local info = debug.getinfo(x, "S")
  if info.what == "C" then return (name and name .. ": " or "") .. "a function of the library" end
  local text, call = docstring.of_function(x)
  local place = ("a function of %s, lines %d to %d"):format(info.short_src, info.linedefined,
    info.lastlinedefined)
  if not text then return place end
  return ("%s\n  %s\n%s"):format(call or name or "function", text:gsub("\n", "\n  "), place)
end

local function object_text(x, kind, live, about)
  local text = print_module.format({ now = live.now() }, 1, x)
  local address = kind == "tag" and x.address or ""
  local row = texts.row(texts.addresses, address:match "^%a+=" or address)
  if row then text = ("%s\n  %s: %s"):format(text, address, row[2]) end
  if kind == "tag" and x.reason then
    text = ("%s\n  %s: %s"):format(text, x.reason, texts.row(texts.reasons, x.reason)[2])
  end
  return text .. "\n\n" .. about.object(kind)
end

--- A tag, station or line by its full name.
function M.named(name, api, live, about)
  for _, row in ipairs { { "tags", "tag" }, { "stations", "station" }, { "lines", "line" } } do
    local all = rawget(api, row[1])
    local object = all and all[name]
    if object then return object_text(object, row[2], live, about) end
  end
end

function M.about(x, live, api, about)
  local kind = print_module.kind(x)
  if kind and texts.objects[kind] then return object_text(x, kind, live, about) end
  kind = print_module.collection(x)
  if kind then return about.word(kind .. "s") .. "\n\n" .. about.object(kind) end
  local meta = debug.getmetatable(x)
  local is_message = type(x) == "table" and type(meta) == "table"
    and meta.__name == "tagline.recorded"
  if is_message then return object_text(x, "message", live, about) end
  if type(x) ~= "function" and type(x) ~= "table" then return nil end
  local codec = type(x) == "table" and codecs.of(x)
  if codec then return codecs.help(codec) end
  local names = names_of(x, live, api)
  for _, name in ipairs(names) do
    local text = about.thing(name)
    if text then return text end
  end
  if type(x) == "function" then return method_help(x, live, about) or function_help(x, names[1]) end
end

return M
