--- help(): a list of what there is; help(x): one thing, given itself or by name. The texts are
--- those of the checks (parameters), of tagline.repl.help_texts and help_lua, and the comments
--- of codecs and functions themselves.
local codecs = require "tagline.repl.help_codecs"
local library = require "tagline.repl.help_lua"
local near = require "tagline.config.near"
local print_module = require "tagline.repl.print"
local shapes = require "tagline.config.shapes"
local texts = require "tagline.repl.help_texts"
local values = require "tagline.repl.help_value"

local M = {}

local WIDE = 30 -- columns of a call; what is wider has a line of its own

local nothing = setmetatable({}, { __index = function() return function() return true end end })

local rows = print_module.list

local by_name = texts.row

-- Parameters

local parameters

local function all_parameters(core)
  parameters = parameters or shapes.new(core or nothing)
  return parameters
end

local kinds = { { "line", "a line's parameter" }, { "station", "a station's parameter" },
  { "tag", "a tag's option" }, { "limits", "a limit" } }

local function shown_default(v)
  if type(v) == "table" then return '"' .. table.concat(v, '", "') .. '"' end
  return print_module.scalar(v)
end

local function parameter_text(shape, kind, name)
  local field = shape.fields[name]
  if not field then return nil end
  local text = ("%s  (%s)\n  %s"):format(name, kind, field.doc)
  if field.unit ~= "" then text = text .. "\n  unit: " .. field.unit end
  if field.default ~= nil and field.default ~= "" then
    text = text .. "\n  default: " .. shown_default(field.default)
  end
  return text
end

local function parameter_help(name, core)
  local found = {}
  for _, kind in ipairs(kinds) do
    found[#found + 1] = parameter_text(all_parameters(core)[kind[1]], kind[2], name)
  end
  return #found > 0 and table.concat(found, "\n") or nil
end

local function parameter_list(kind, core)
  local shape, list = all_parameters(core)[kind], {}
  for i, name in ipairs(shape.names) do
    local field = shape.fields[name]
    local default = field.default ~= nil and field.default ~= "" and shown_default(field.default)
    list[i] = { name, default or "", field.unit, field.doc }
  end
  return rows(list)
end

-- Objects

local function object_help(kind)
  local object, short, long = texts.objects[kind], {}, {}
  for _, row in ipairs(object) do
    if #row[2] > WIDE then
      long[#long + 1] = ("  %s\n      %s"):format(row[2], row[3])
    else
      short[#short + 1] = { row[2], row[3] }
    end
  end
  return ("%s  — %s\n%s%s"):format(object.example, object.doc, rows(short),
    #long > 0 and "\n" .. table.concat(long, "\n") or "")
end

local function stats_list(kind)
  local list = {}
  for i, row in ipairs(texts.stats[kind]) do list[i] = { row[1], row[2] } end
  return ("%s.stats\n%s"):format(texts.objects[kind].example, rows(list))
end

--- What is said of a field or method of one kind of object; nil when it has none of this name.
local function member_help(kind, name)
  local object = texts.objects[kind]
  local row = by_name(object, name .. "()")
  if row then return ("%s%s  (of a %s)\n  %s"):format(kind, row[2], kind, row[3]) end
  row = by_name(object, name)
  local of = kind == "msg" and "message, in decode" or kind
  return row and ("%s.%s  (of a %s)\n  %s"):format(kind, row[2], of, row[3])
end

local function stats_help(kind, name)
  local row = by_name(texts.stats[kind], name)
  return row and ("%s.stats.%s\n  %s"):format(kind, row[1], row[2])
end

local object_kinds = { "line", "station", "tag", "msg", "message" }

local function members_help(name)
  local found = {}
  for _, kind in ipairs(object_kinds) do found[#found + 1] = member_help(kind, name) end
  for _, kind in ipairs { "line", "station" } do found[#found + 1] = stats_help(kind, name) end
  return #found > 0 and table.concat(found, "\n") or nil
end

--- "tag:write", "msg.captures", "line.stats.inflight".
local function path_help(name)
  local kind, member = name:match "^(%a+)%s*[.:]%s*([%w_]+)%s*%(?%)?$"
  if texts.objects[kind] then return member_help(kind, member) end
  kind, member = name:match "^(%a-)%.?stats%.([%w_]+)$"
  if not member then return nil end
  if texts.stats[kind] then return stats_help(kind, member) end
  return stats_help("line", member) or stats_help("station", member)
end

-- Lists by name

local function two(list)
  local out = {}
  for i, row in ipairs(list) do out[i] = { row[1], row[2] } end
  return rows(out)
end

local function calls(list)
  local out = {}
  for i, row in ipairs(list) do out[i] = { row[2], row[3] } end
  return rows(out)
end

local function notes_of(name)
  local row = by_name(texts.notes, name)
  return row and ("%s  — %s\n  %s"):format(row[1], row[2], row[3]:gsub("\n", "\n  "))
end

local function codes_text()
  local parts = {}
  for _, list in ipairs { texts.codes, texts.findings } do
    for _, group in ipairs(list) do parts[#parts + 1] = group.what .. "\n" .. two(group) end
  end
  return table.concat(parts, "\n") .. "\nbeside these: the reasons of tags (help \"reasons\")"
end

local topics = {
  { "parameters", "parameters of a line", function(core) return parameter_list("line", core) end },
  { "station parameters", "parameters of a station",
    function(core) return parameter_list("station", core) end },
  { "tag options", "options of a tag", function(core) return parameter_list("tag", core) end },
  { "limits", "what handlers may take", function(core) return parameter_list("limits", core) end },
  { "types", "types of tags", function() return two(texts.types) end },
  { "addresses", "where tags get their values", function() return two(texts.addresses) end },
  { "named groups", "one station per device", function()
    return "  " .. by_name(texts.notes, "named groups")[3]:gsub("\n", "\n  ")
  end },
  { "time masks", "how times are read", function() return two(texts.masks) end },
  { "reasons", "why a tag is invalid", function() return two(texts.reasons) end },
  { "statuses", "of stations, tags and lines", function()
    return two(texts.statuses) .. "\nof a line\n" .. two(texts.states)
  end },
  { "codes", "what explain and status say", codes_text },
  { "errors", "why a write or a connection fails", function()
    return "of a write or publish\n" .. two(texts.errors) .. "\nof a connection\n"
      .. two(texts.troubles)
  end },
  { "stats", "numbers of lines and stations", function()
    return stats_list "line" .. "\n" .. stats_list "station"
  end },
  { "config", "words of the config", function() return calls(texts.config) end },
  { "handlers", "functions that a config may have", function()
    return calls(texts.handlers) .. "\n" .. object_help "msg"
  end },
  { "library", "functions of Lua", function() return calls(library) end },
  { "codecs", "modules that read devices' payloads",
    function(_, live) return codecs.list(live) end },
  { "commands", "of the program", function() return calls(texts.commands) end },
}

local function overview()
  local list = {}
  for _, row in ipairs(texts.words) do list[#list + 1] = { row[2], row[3] } end
  local more = {}
  for _, row in ipairs(topics) do more[#more + 1] = { 'help "' .. row[1] .. '"', row[2] } end
  return rows(list) .. "\n\n" .. rows(more)
    .. "\n\nTab completes names; Ctrl-C cancels; Ctrl-D leaves."
end

local function word_help(name)
  local row = by_name(texts.words, name)
  if not row then return nil end
  local more = row[4] ~= "" and "\n  " .. row[4]:gsub("\n", "\n  ") or ""
  return ("%s\n  %s%s"):format(row[2], row[3], more)
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

local function codes_help(name)
  local found = {}
  for _, list in ipairs { texts.codes, texts.findings } do
    for _, group in ipairs(list) do found[#found + 1] = simple(group, group.what, name) end
  end
  return #found > 0 and table.concat(found, "\n") or nil
end

--- An error as it was said, or the part of it that is always the same.
local function error_help(name)
  for _, list in ipairs { texts.errors, texts.troubles } do
    for _, row in ipairs(list) do
      if name:find(row[1], 1, true) then
        local what = list == texts.errors and "why a write fails"
          or "why a connection fails or ends"
        return ("%s  (%s)\n  %s%s"):format(row[1], what, row[2], row[3] and "\n  " .. row[3] or "")
      end
    end
  end
end

--- A function of Lua by its full name, a table of them ("string"), or, `loosely`, all of that
--- name ("format").
local function library_help(name, loosely)
  local found, inside = {}, {}
  for _, row in ipairs(library) do
    if row[1] == name or loosely and row[1]:match "%.([%w_]+)$" == name then
      found[#found + 1] = called({ row }, "of Lua", row[1])
    end
    if row[1]:match "^([%w_]+)%." == name then inside[#inside + 1] = { row[2], row[3] } end
  end
  if #inside > 0 then found[#found + 1] = name .. "  (functions)\n" .. rows(inside) end
  return #found > 0 and table.concat(found, "\n") or nil
end

--- Every name that help knows, for "did you mean" and for completion.
function M.names(core, live)
  local seen, list = {}, {}
  local function add(name)
    if not seen[name] then
      seen[name] = true
      list[#list + 1] = name
    end
  end
  for _, all in ipairs { texts.words, texts.addresses, texts.masks, texts.reasons, texts.statuses,
    texts.states, texts.config, texts.types, texts.handlers, texts.errors, texts.troubles,
    texts.notes, texts.commands, library, topics, texts.stats.line, texts.stats.station,
    table.unpack(texts.codes) } do
    for _, row in ipairs(all) do add(row[1]) end
  end
  for _, row in ipairs(library) do
    if row[1]:find ".%." then add(row[1]:match "^[^.]*") end
  end
  for kind, object in pairs(texts.objects) do
    add(kind)
    for _, row in ipairs(object) do
      local name, method = row[1]:gsub("%(%)$", "")
      add(name)
      add(kind .. (method > 0 and ":" or ".") .. name)
    end
  end
  for _, kind in ipairs(kinds) do
    for _, name in ipairs(all_parameters(core)[kind[1]].names) do add(name) end
  end
  for _, name in ipairs(codecs.names(live)) do add(name) end
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
  if texts.objects[name] then
    return join(called(texts.config, "word of the config", name), object_help(name))
  end
  local topic = by_name(topics, name)
  return join(word_help(name), parameter_help(name, core),
    simple(texts.addresses, "address of a tag", address),
    simple(texts.types, "type of a tag", name), simple(texts.reasons, "why a tag is invalid", name),
    simple(texts.statuses, "status", name), simple(texts.states, "status of a line", name),
    codes_help(name), simple(texts.masks, "of a time mask", name),
    called(texts.config, "word of the config", name), called(texts.handlers, "handler", name),
    called(texts.commands, "command of the program", name:match "^tagline%s+(.+)$" or name),
    path_help(name), members_help(name), not topic and notes_of(name), library_help(name),
    codecs.help(name), topic and topic[1] .. "  — " .. topic[2] .. "\n" .. topic[3](core, live))
    or library_help(name, true) or error_help(name)
end

--- The same of a name that stands for a value: of what may be one.
local function about_thing(name)
  return join(word_help(name), simple(texts.types, "type of a tag", name),
    called(texts.config, "word of the config", name), called(texts.handlers, "handler", name),
    library_help(name))
end

--- The names that may have been meant: the nearest, and those that hold what was typed.
local function meant(name, core, live)
  local names, found, seen = M.names(core, live), {}, {}
  local function add(other)
    if other and not seen[other] and #found < 4 then
      seen[other] = true
      found[#found + 1] = "'" .. other .. "'"
    end
  end
  add(near.find(name, names))
  for _, other in ipairs(#name >= 3 and #name <= 40 and names or {}) do
    if other:lower():find(name:lower(), 1, true) then add(other) end
  end
  if #found < 2 then return found[1] end
  return table.concat(found, ", ", 1, #found - 1) .. " or " .. found[#found]
end

local function unknown(name, core, live)
  local others = meant(name, core, live)
  return ("nothing is known of '%s'%s; help() lists what there is"):format(
    print_module.cut(name, 60), others and ("; did you mean %s?"):format(others) or "")
end

-- What is said of names, for values that have one.
local names = { thing = about_thing, member = members_help, object = object_help, word = word_help }

--- The word help, for the REPL.
function M.word(live, api)
  return function(...)
    if select("#", ...) == 0 then return overview() end
    local x = (...)
    local core = require "tagline.core"
    if type(x) == "string" then
      return M.about(x, core, live) or values.named(x, api, live, names)
        or unknown(x, core, live)
    end
    return values.about(x, live, api, names)
      or ("a %s; help(x) takes a word, an object, or the name of anything"):format(type(x))
  end
end

return M
