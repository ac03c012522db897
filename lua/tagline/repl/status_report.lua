--- What checks of status() put together: a list of problems (what is wrong now), a list of
--- remarks (what was, or may be), and both as people read them. Each entry has a code, a text, a
--- remedy, and the line, station or tag that it is about. Must not know what is checked.
local print_value = require "tagline.repl.print_value"

local M = {}

function M.plural(n, one, many) return ("%d %s"):format(n, n == 1 and one or many or one .. "s") end

--- Names, and how many more there are; `all`: what lists them.
local function listed(names, count, all)
  local more = count > #names and (", %d more"):format(count - #names) or ""
  return table.concat(names, ", ") .. more
    .. (more ~= "" and all and (" (%s lists all)"):format(all) or "")
end

local keywords = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat
  return then true until while]]):gmatch "%a+" do keywords[word] = true end

--- A line, station or tag as one can type it: lines.plant, lines["things-stack"].
function M.object(collection, name)
  if name:find "^[%a_][%w_]*$" and not keywords[name] then return collection .. "." .. name end
  return ("%s[%s]"):format(collection, print_value.quote(name))
end

--- Whose access rules of the broker count for a line.
function M.user_of(l)
  return (l.user_name or "") ~= "" and ("the user '%s'"):format(l.user_name)
    or "users without a name"
end

--- A word of a shell.
local function shell(word)
  return word:find "^[%w._:/@%%+-]+$" and word or "'" .. word:gsub("'", "'\\''") .. "'"
end

--- The command that shows what is on a line's broker. FILE stands for what only its user knows:
--- the line has the files' contents.
function M.discover(l)
  local at = l.host
  if not at:find("://", 1, true) then
    local host = at:find(":", 1, true) and not at:find "^%[" and "[" .. at .. "]" or at
    at = ("%s%s:%d"):format((l.transport or ""):find "^TLS" and "mqtts://" or "", host, l.port)
  end
  local user = (l.user_name or "") ~= ""
    and (" --user %s --password-file FILE"):format(shell(l.user_name)) or ""
  local ca = l.own_ca and " --tls-ca-file FILE" or ""
  return ("tagline discover %s%s%s"):format(shell(at), user, ca)
end

local Report = {}
Report.__index = Report

--- One entry, for programs. `place`: { station =, tag = }, or nothing.
local function entry(self, kind, code, text, remedy, place)
  place = place or {}
  local one = { code = code, text = text, remedy = remedy, line = self.line,
    station = place.station, tag = place.tag }
  for key, value in pairs(one) do
    -- topics are what a device made of them
    if type(value) == "string" then one[key] = print_value.plain(value) end
  end
  local list = kind == "problem" and self.problems or self.remarks
  list[#list + 1] = one
  return one
end

--- One text, for people; `count`: how many entries it stands for.
local function shown(self, kind, text, remedy, count)
  self.shown[#self.shown + 1] = { kind = kind, text = text, remedy = remedy, line = self.line,
    count = count or 1 }
end

--- Something is wrong now. `place`: { station =, tag = }, or nothing. `brief`: what people see as
--- the remedy, where the text has it already ("": nothing).
function Report:problem(code, text, remedy, place, brief)
  entry(self, "problem", code, text, remedy, place)
  brief = brief or remedy
  shown(self, "problem", text, brief ~= "" and brief or nil)
end

--- Something was wrong, or may be.
function Report:remark(code, text, remedy, place)
  entry(self, "remark", code, text, remedy, place)
  shown(self, "remark", text, remedy)
end

--- Several of one kind. items: { short =, text =, remedy =, station =, tag = }: an entry each, and
--- one text of all of them for people, `head(count)` in front; `all`: what lists those that have
--- no entry.
function Report:many(kind, code, count, items, head, all)
  if #items == 0 then return end
  local names, remedies, seen = {}, {}, {}
  for i, item in ipairs(items) do
    entry(self, kind, code, item.text, item.remedy, item)
    names[i] = item.short
    if item.remedy and not seen[item.remedy] then
      remedies[#remedies + 1], seen[item.remedy] = item.remedy, true
    end
  end
  if count > #items then
    entry(self, kind, code, ("%s: %d more"):format(head(count), count - #items))
  end
  shown(self, kind, ("%s: %s"):format(head(count), listed(names, count, all)), remedies[1])
end

--- An entry with a text of its own for people.
function Report:both(kind, code, text, remedy, place, for_people)
  entry(self, kind, code, text, remedy, place)
  shown(self, kind, for_people)
end

--- `problems` and `remarks`: the lists to fill.
function M.new(problems, remarks)
  return setmetatable({ problems = problems, remarks = remarks, shown = {} }, Report)
end

return M
