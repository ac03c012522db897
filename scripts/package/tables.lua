-- scripts/package/tables.lua — the commands and options of a built tagline, for completions and
-- man pages. Names and whether they take a value come from `help --options`, what they are for
-- from `COMMAND --help`. An option that one of the two does not have is an error.
local tables = {}

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

--- What a program prints, or an error.
function tables.output(program, ...)
  local words = { quoted(program) }
  for _, word in ipairs { ... } do words[#words + 1] = quoted(word) end
  local pipe = assert(io.popen(table.concat(words, " ")))
  local text = pipe:read "a"
  if not pipe:close() then error(table.concat(words, " ") .. " failed", 0) end
  return text
end

--- One paragraph of words that were broken over lines.
local function joined(text)
  return (text:gsub("%s*\n%s*", " "):gsub("^%s+", ""):gsub("%s+$", ""))
end

--- The rows "  --socket PATH, -s PATH   what it is", and what stands around them.
local function read_help(text)
  local usage, rows, before, after = {}, {}, {}, {}
  local row
  for line in text:gmatch "([^\n]*)\n" do
    local left, doc = line:match "^  (%-.-)  +(%S.*)$"
    local form = #before == 0 and #rows == 0 and line:match "^u?s?a?g?e?:? +(tagline .*)$"
    if form then
      usage[#usage + 1] = form
    elseif left then
      row = { left = left, doc = doc }
      rows[#rows + 1] = row
    elseif row and #after == 0 and line:find "^   +%S" then
      row.doc = row.doc .. "\n" .. line
    elseif row then
      after[#after + 1] = line
    else
      before[#before + 1] = line
    end
  end
  return usage, rows, before, after
end

local function paragraphs(lines)
  local list = {}
  for text in (table.concat(lines, "\n") .. "\n\n"):gmatch "(.-)\n\n+" do
    if text:find "%S" then list[#list + 1] = joined(text) end
  end
  return list
end

local function command(program, name, known)
  local usage, rows, before, after = read_help(tables.output(program, name, "--help"))
  local one = { name = name, usage = usage, about = paragraphs(before), notes = paragraphs(after),
    options = {} }
  local told = {}
  for _, row in ipairs(rows) do
    local doc = joined(row.doc)
    for word in (row.left .. ","):gmatch "%s*(.-)," do
      local option, value = word:match "^(%-%-?[%w-]+) ?(.*)$"
      if option and option ~= "--help" then
        local takes = known[option]
        if not takes then
          error(("%s --help tells of %s, which it does not take"):format(name, option), 0)
        end
        if (takes == "value") ~= (value ~= "") then
          error(("%s --help: %s takes a %s"):format(name, option, takes), 0)
        end
        told[option] = true
        one.options[#one.options + 1] = { name = option, value = value ~= "" and value or nil,
          doc = doc, row = row.left }
      end
    end
  end
  for option in pairs(known) do
    if not told[option] then error(("%s --help does not tell of %s"):format(name, option), 0) end
  end
  return one
end

--- The commands, in their order: { name, usage = { … }, about = { … }, notes = { … }, options = {
--- { name = "--socket", value = "PATH" or nil, doc = "…", row = "--socket PATH" } } }.
function tables.commands(program)
  local names, known = {}, {}
  for line in tables.output(program, "help", "--options"):gmatch "[^\n]+" do
    local name, option, takes = line:match "^(%S+)\t(%S+)\t(%S+)$"
    if option then
      known[name][option] = takes
    else
      names[#names + 1] = line
      known[line] = {}
    end
  end
  local list = {}
  for i, name in ipairs(names) do list[i] = command(program, name, known[name]) end
  return list
end

--- "tagline 0.2.0" → "0.2.0"
function tables.version(program)
  return (tables.output(program, "--version"):match "^tagline (%S+)")
end

--- The same tables for texts of the Lua modules: run from the root of the source.
function tables.root(script)
  local root = (script:match "^(.*)/[^/]*$" or ".") .. "/../.."
  package.path = root .. "/lua/?.lua;" .. package.path
  return root
end

return tables
