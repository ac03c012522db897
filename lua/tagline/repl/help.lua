--- help(): a list of what there is; help(x): one thing, given itself or by name. The texts are those of the checks (parameters) and of
--- tagline.repl.help_texts.
local near = require "tagline.config.near"
local print_module = require "tagline.repl.print"
local shapes = require "tagline.config.shapes"
local texts = require "tagline.repl.help_texts"

local M = {}

local nothing = setmetatable({}, { __index = function() return function() return true end end })

local function rows(list, indent)
  local text = print_module.columns(list)
  return (text:gsub("[^\n]+", function(line) return (indent or "  ") .. line end))
end

local function by_name(list, name)
  for _, row in ipairs(list) do
    if row[1] == name then return row end
  end
end

-- Parameters

local parameters

local function all_parameters(core)
  parameters = parameters or shapes.new(core or nothing)
  return parameters
end

local kinds = { { "line", "a line's parameter" }, { "station", "a station's parameter" }, { "tag", "a tag's option" },
  { "limits", "a limit" } }

local function shown_default(v)
  if type(v) == "table" then return '"' .. table.concat(v, '", "') .. '"' end
  return print_module.scalar(v)
end

local function parameter_text(shape, kind, name)
  local field = shape.fields[name]
  if not field then return nil end
  local text = ("%s  (%s)\n  %s"):format(name, kind, field.doc)
  if field.unit ~= "" then text = text .. "\n  unit: " .. field.unit end
  if field.default ~= nil and field.default ~= "" then text = text .. "\n  default: " .. shown_default(field.default) end
  return text
end

local function parameter_help(name, core)
  local found = {}
  for _, kind in ipairs(kinds) do found[#found + 1] = parameter_text(all_parameters(core)[kind[1]], kind[2], name) end
  return #found > 0 and table.concat(found, "\n") or nil
end

local function parameter_list(kind, core)
  local shape, list = all_parameters(core)[kind], {}
  for i, name in ipairs(shape.names) do
    local field = shape.fields[name]
    list[i] = { name, field.default ~= nil and field.default ~= "" and shown_default(field.default) or "", field.unit, field.doc }
  end
  return rows(list)
end

-- Objects

local function object_help(kind)
  local object = texts.objects[kind]
  local list = {}
  for i, row in ipairs(object) do list[i] = { row[2], row[3] } end
  return ("%s  — %s\n%s"):format(object.example, object.doc, rows(list))
end

-- Lists by name

local function two(list)
  local out = {}
  for i, row in ipairs(list) do out[i] = { row[1], row[2] } end
  return rows(out)
end

local topics = {
  { "parameters", "parameters of a line", function(core) return parameter_list("line", core) end },
  { "station parameters", "parameters of a station", function(core) return parameter_list("station", core) end },
  { "tag options", "options of a tag", function(core) return parameter_list("tag", core) end },
  { "limits", "what handlers may take", function(core) return parameter_list("limits", core) end },
  { "types", "types of tags", function() return two(texts.types) end },
  { "addresses", "where tags get their values", function() return two(texts.addresses) end },
  { "time masks", "how times are read", function() return two(texts.masks) end },
  { "reasons", "why a tag is invalid", function() return two(texts.reasons) end },
  { "statuses", "of stations and tags", function() return two(texts.statuses) end },
  { "config", "words of the config", function()
    local list = {}
    for i, row in ipairs(texts.config) do list[i] = { row[2], row[3] } end
    return rows(list)
  end },
  { "handlers", "functions that a config may have", function()
    local list = {}
    for i, row in ipairs(texts.handlers) do list[i] = { row[2], row[3] } end
    return rows(list)
  end },
  { "codecs", "modules that read devices' payloads", function(_, live)
    local list, names = {}, live and live.modules() or {}
    if #names == 0 then
      for name in pairs(texts.codecs) do names[#names + 1] = name end
    end
    table.sort(names)
    for i, name in ipairs(names) do list[i] = { name, texts.codecs[name] or "" } end
    return rows(list)
  end },
}

local function overview()
  local list = {}
  for _, row in ipairs(texts.words) do list[#list + 1] = { row[2], row[3] } end
  local more = {}
  for _, row in ipairs(topics) do more[#more + 1] = { 'help "' .. row[1] .. '"', row[2] } end
  return rows(list) .. "\n\n" .. rows(more) .. "\n\nTab completes names; Ctrl-C cancels; Ctrl-D leaves."
end

local function word_help(name)
  local row = by_name(texts.words, name)
  if not row then return nil end
  return ("%s\n  %s%s"):format(row[2], row[3], row[4] ~= "" and "\n  " .. row[4]:gsub("\n", "\n  ") or "")
end

local function simple(list, what, name)
  local row = by_name(list, name)
  if not row then return nil end
  return ("%s  (%s)\n  %s%s"):format(name, what, row[2], row[3] and "\n  " .. row[3] or "")
end

local function called(list, what, name)
  local row = by_name(list, name)
  return row and ("%s  (%s)\n  %s"):format(row[2], what, row[3]) or nil
end

local function method_help(name)
  local found = {}
  for kind, object in pairs(texts.objects) do
    for _, row in ipairs(object) do
      if row[1] == name .. "()" then found[#found + 1] = ("%s%s  (of a %s)\n  %s"):format(kind, row[2], kind, row[3]) end
    end
  end
  table.sort(found)
  return #found > 0 and table.concat(found, "\n") or nil
end

local function field_help(name)
  local found = {}
  for _, kind in ipairs { "line", "station", "tag" } do
    local row = by_name(texts.objects[kind], name)
    if row then found[#found + 1] = ("%s.%s  (of a %s)\n  %s"):format(kind, row[2], kind, row[3]) end
  end
  return #found > 0 and table.concat(found, "\n") or nil
end

--- Every name that help knows, for "did you mean" and for completion.
function M.names(core)
  local seen, list = {}, {}
  local function add(name)
    if not seen[name] then
      seen[name] = true
      list[#list + 1] = name
    end
  end
  for _, all in ipairs { texts.words, texts.addresses, texts.masks, texts.reasons, texts.statuses, texts.config, texts.types,
    texts.handlers } do
    for _, row in ipairs(all) do add(row[1]) end
  end
  for _, row in ipairs(topics) do add(row[1]) end
  for kind, object in pairs(texts.objects) do
    add(kind)
    for _, row in ipairs(object) do add((row[1]:gsub("%(%)$", ""))) end
  end
  for _, kind in ipairs(kinds) do
    for _, name in ipairs(all_parameters(core)[kind[1]].names) do add(name) end
  end
  for name in pairs(texts.codecs) do add(name) end
  table.sort(list)
  return list
end

local function join(...)
  local found, seen = {}, {}
  for i = 1, select("#", ...) do
    local text = select(i, ...)
    if text and not seen[text] then
      seen[text] = true
      found[#found + 1] = text
    end
  end
  return #found > 0 and table.concat(found, "\n\n") or nil
end

--- What is known of a name; nil when nothing is.
function M.about(name, core, live)
  name = name:match("^%s*(.-)%s*$")
  local address = name:match("^(JA=)") or name:match("^(RE=)") or name
  if texts.objects[name] then return join(called(texts.config, "word of the config", name), object_help(name)) end
  local topic = by_name(topics, name)
  local codec = texts.codecs[name] or texts.codecs["tagline.codec." .. name]
  return join(word_help(name), parameter_help(name, core), simple(texts.addresses, "address of a tag", address),
    simple(texts.types, "type of a tag", name), simple(texts.reasons, "why a tag is invalid", name),
    simple(texts.statuses, "status", name), simple(texts.masks, "of a time mask", name), called(texts.config, "word of the config", name),
    called(texts.handlers, "handler", name), method_help(name), field_help(name),
    codec and ('require "%s"\n  %s'):format(texts.codecs[name] and name or "tagline.codec." .. name, codec),
    topic and topic[1] .. "  — " .. topic[2] .. "\n" .. topic[3](core, live))
end

local function unknown(name, core)
  local meant = near.find(name, M.names(core))
  return ("nothing is known of '%s'%s; help() lists what there is"):format(name, meant and ("; did you mean '%s'?"):format(meant) or "")
end

--- The word help, for the REPL.
function M.word(live, api)
  return function(...)
    if select("#", ...) == 0 then return overview() end
    local x = (...)
    local core = require "tagline.core"
    if type(x) == "string" then return M.about(x, core, live) or unknown(x, core) end
    local kind = print_module.kind(x)
    if kind and texts.objects[kind] then return print_module.format({ now = live.now() }, 1, x) .. "\n\n" .. object_help(kind) end
    kind = print_module.collection(x)
    if kind then return word_help(kind .. "s") .. "\n\n" .. object_help(kind) end
    for _, row in ipairs(texts.words) do
      if x ~= nil and rawget(api, row[1]) == x then return word_help(row[1]) end
    end
    if x == print then return word_help "print" end
    for _, object_kind in ipairs { "tag", "station", "line" } do
      for _, row in ipairs(texts.objects[object_kind]) do
        local name = row[1]:match("^(.*)%(%)$")
        if name and live.method and live.method(object_kind, name) == x then return method_help(name) end
      end
    end
    if type(x) == "function" then
      local info = debug.getinfo(x, "S")
      if info.what == "C" then return "a function of the library" end
      return ("a function of %s, lines %d to %d"):format(info.short_src, info.linedefined, info.lastlinedefined)
    end
    return ("a %s; help(x) takes a word, an object, or the name of anything"):format(type(x))
  end
end

return M
