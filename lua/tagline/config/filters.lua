--- Topic filters against topics, against what an expression's topics begin with, and against
--- each other. Knows nothing of records.
local filters = {}

--- A shared subscription's filter: `$share/group/a/#` is a/#.
local function bare(filter) return (filter:gsub("^%$share/[^/]*/", "")) end

function filters.is_shared(filter) return filter:find "^%$share/[^/]*/" ~= nil end

--- Can one of them let this topic in?
function filters.let_in(core, list, topic)
  local dollar = topic:byte(1) == 36
  for _, filter in ipairs(list) do
    if filter == "#" and not dollar or core.filter_match(filter, topic) then return true end
  end
  return false
end

--- What every topic that the expression matches begins with, as far as that is plain to see.
local function beginning(address)
  if address == "#" then return "" end
  if address:gsub("\\.", ""):gsub("%b[]", ""):gsub("%b()", ""):find("|", 1, true) then return "" end
  local from = address:byte(1) == 94 and 2 or 1 -- ^
  local stop = address:find("[%^$.%[%]()?*+{}\\]", from) or #address + 1
  -- what may be there, or not
  if address:find("^[?*{]", stop) then stop = utf8.offset(address, -1, stop) or from end
  return address:sub(from, stop - 1)
end

--- Can a filter let a topic in that begins so? The last level of the beginning may go on.
local function may_let_in(filter, begins)
  filter = bare(filter)
  if #begins > 0 and (begins:byte(1) == 36) ~= (filter:byte(1) == 36) then return false end -- $
  local at = 1
  for level in (filter .. "/"):gmatch "([^/]*)/" do
    if level == "#" then return true end
    local slash = begins:find("/", at, true)
    local there = begins:sub(at, (slash or 0) - 1)
    if not slash then return level == "+" or level:sub(1, #there) == there end
    if level ~= "+" and level ~= there then return false end
    at = slash + 1
  end
  return false
end

function filters.some_may_let_in(list, address)
  local begins = beginning(address)
  if begins == "" then return true end
  for _, filter in ipairs(list) do
    if may_let_in(filter, begins) then return true end
  end
  return false
end

local function levels(filter)
  local list = {}
  for level in (bare(filter) .. "/"):gmatch "([^/]*)/" do list[#list + 1] = level end
  return list
end

--- Is there a topic that both levels' lists take? A wildcard at the beginning takes no topic
--- that begins with $.
local function meet(a, b)
  local dollar_a, dollar_b = a[1]:byte(1) == 36, b[1]:byte(1) == 36
  if dollar_a ~= dollar_b and (a[1] == "+" or a[1] == "#" or b[1] == "+" or b[1] == "#") then
    return false
  end
  for i = 1, math.max(#a, #b) + 1 do
    local x, y = a[i], b[i]
    if x == "#" or y == "#" then return true end -- it takes the level above, too
    if x == nil or y == nil then return x == y end
    if x ~= y and x ~= "+" and y ~= "+" then return false end
  end
  return true
end

function filters.overlap(a, b) return meet(levels(a), levels(b)) end

local MANY = 300 -- filters that are compared with each other

--- The first two of the list that some topic matches both of; nil: there are none.
function filters.first_overlap(list)
  local split = {}
  for i = 1, math.min(#list, MANY) do
    split[i] = levels(list[i])
    for j = 1, i - 1 do
      if meet(split[j], split[i]) then return list[j], list[i] end
    end
  end
end

return filters
