-- scripts/package/man.lua — fills the sources of the man pages (man/*.scd, in scdoc's format) with
-- the tables that --help, help() and the check of configs use.
--
--   lua5.4 scripts/package/man.lua PROGRAM man/tagline.1.scd | scdoc > tagline.1
--
-- Lines of a source that are filled:
--   %command run      usage, text and options of a command
--   %others all       the commands that the source has not named so far
--   %also run         its usage and one line, for a command with a page of its own
--   %fields line      the parameters of a line (station, tag, limits): default, unit, meaning
--   %rows types       a list of lua/tagline/repl/help_texts.lua
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. package.path
local tables = require "tables"
tables.root(arg[0])
local shapes = require "tagline.config.shapes"
local texts = require "tagline.repl.help_texts"

local program, source = arg[1], arg[2]

--- Text in which nothing is taken for a sign of scdoc's.
local function plain(text) return (text:gsub("[\\*_~]", "\\%0"):gsub("^([#|%]%-.])", "\\%1")) end

local function bold(text) return "*" .. plain(text) .. "*" end

local out = {}
local function put(...)
  for _, line in ipairs { ... } do out[#out + 1] = line end
end

--- A term and what it is, as scdoc's indented paragraph.
local function entry(term, text, more)
  put(term, "\t" .. plain(text:gsub("%s*\n%s*", " ")))
  if more and more ~= "" then put("", "\t" .. plain(more:gsub("%s*\n%s*", " "))) end
  put ""
end

local commands = {}
for _, command in ipairs(tables.commands(program)) do commands[command.name] = command end

local named = {}

local function command_of(name)
  named[name] = true
  return commands[name] or error(("%s: there is no command '%s'"):format(source, name), 0)
end

--- "tagline run [OPTIONS] CONFIG.lua" with its command in bold.
local function usage(form, name)
  return bold("tagline " .. name) .. plain(form:sub(#("tagline " .. name) + 1))
end

local fill = {}

function fill.command(name)
  local command = command_of(name)
  for i, form in ipairs(command.usage) do
    put(usage(form, name) .. (i < #command.usage and "++" or ""))
  end
  put ""
  for _, text in ipairs(command.about) do put(plain(text), "") end
  local last
  for _, option in ipairs(command.options) do
    if option.row ~= last then entry(bold(option.row), option.doc) end
    last = option.row
  end
  for _, text in ipairs(command.notes) do put(plain(text), "") end
end

function fill.also(name)
  local command, doc = command_of(name), nil
  for _, row in ipairs(texts.commands) do
    if row[1] == name then doc = row[3] end
  end
  entry(usage(command.usage[1], name), ("%s. See tagline-%s(1)."):format(doc, name))
end

function fill.others()
  for _, command in ipairs(tables.commands(program)) do
    if not named[command.name] then fill.command(command.name) end
  end
end

local accept = function() return true end
local all = shapes.new(setmetatable({}, { __index = function() return accept end }))

local function shown(value)
  if type(value) == "table" then return '"' .. table.concat(value, '", "') .. '"' end
  if type(value) == "string" then return '"' .. value .. '"' end
  return tostring(value)
end

function fill.fields(kind)
  local shape = all[kind]
  for _, name in ipairs(shape.names) do
    local field = shape.fields[name]
    local facts = {}
    if field.default ~= nil and field.default ~= "" then
      facts[1] = "default " .. shown(field.default)
    end
    if field.unit ~= "" then facts[#facts + 1] = field.unit == "s" and "seconds" or field.unit end
    entry(bold(name), field.doc .. (#facts > 0 and " (" .. table.concat(facts, ", ") .. ")" or ""))
  end
end

--- Rows { name, [how it is written,] what it is, [more] }.
function fill.rows(list)
  local written = list == "config" or list == "handlers" or list == "words"
  for _, row in ipairs(texts[list] or error("no list " .. list, 0)) do
    if written then
      entry(bold(row[2]), row[3], row[4])
    else
      entry(bold(row[1]), row[2], row[3])
    end
  end
end

local code = false
for line in io.lines(source) do
  local word, what = line:match "^%%(%a+) (%S+)$"
  if line == "```" then code = not code end
  if word then
    (fill[word] or error(("%s: unknown line '%s'"):format(source, line), 0))(what)
  else
    put(code and line or (line:gsub("^    ", "\t"))) -- scdoc indents by tabs
  end
end
io.write((table.concat(out, "\n"):gsub("\n\n\n+", "\n\n")), "\n")
