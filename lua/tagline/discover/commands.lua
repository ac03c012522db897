--- Where a command that was heard is told of: with the station of the topic beside it, of the topic
--- that it continues, or of a group of these.
local group = require "tagline.discover.group"

local commands = {}

local MENTIONED = 20 -- forms of a group's commands

local function parent(levels, n) return table.concat(levels, "/", 1, n) end

function commands.index(all)
  local index = {}
  for _, c in ipairs(all) do
    if c.beside then
      index[c.beside] = index[c.beside] or {}
      table.insert(index[c.beside], c)
    end
    for n = #c.levels - 1, math.max(1, #c.levels - 2), -1 do
      local key = parent(c.levels, n)
      index[key] = index[key] or {}
      table.insert(index[key], c)
    end
  end
  return index
end

local function take(index, t, list)
  for n = #t.levels, math.max(2, #t.levels - 1), -1 do
    for _, c in ipairs(index[parent(t.levels, n)] or {}) do
      if not c.told and (#c.levels > n or c.beside == t.topic) then
        c.told = true
        list[#list + 1] = c
      end
    end
  end
end

function commands.of_topic(index, t)
  local list = {}
  take(index, t, list)
  for i, c in ipairs(list) do list[i] = { topic = c.topic, shown = c.topic } end
  return list
end

function commands.of_device(index, d)
  local list = {}
  for _, t in ipairs(d.members) do take(index, t, list) end
  for i, c in ipairs(list) do list[i] = { topic = c.topic, shown = c.topic } end
  return list
end

--- Those of a group's members, each form once, with {dev} for what varies.
function commands.of_group(index, g)
  local list, forms, seen = {}, {}, {}
  for _, t in ipairs(g.members) do take(index, t, list) end
  for _, c in ipairs(list) do
    local levels = table.move(c.levels, 1, #c.levels, 1, {})
    if #levels > g.at and group.fits(g, levels[g.at]) then
      levels[g.at] = g.prefix .. "{dev}" .. g.suffix
    end
    local form = table.concat(levels, "/")
    if not seen[form] and #forms < MENTIONED then
      seen[form] = true
      forms[#forms + 1] = { topic = form, shown = form }
    end
  end
  return forms
end

return commands
