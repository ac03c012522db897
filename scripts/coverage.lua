-- scripts/coverage.lua — adds up what gcov's JSON texts on stdin say of core/, for
-- scripts/coverage.
--
--   lua5.4 scripts/coverage.lua ROOT BOUND MISSED
local cjson = require "cjson"

local root, bound, missed_path = arg[1], tonumber(arg[2]), arg[3]

-- files[path][line] = { how often each branch was taken, how often the line ran }. A header's
-- functions count wherever they are compiled.
local files = {}

local function add(path, lines)
  local known = files[path] or {}
  files[path] = known
  for _, line in ipairs(lines) do
    local at = known[line.line_number] or { ran = 0, branches = {} }
    known[line.line_number] = at
    at.ran = at.ran + line.count
    for i, branch in ipairs(line.branches) do
      at.branches[i] = (at.branches[i] or 0) + branch.count
    end
  end
end

for text in io.lines() do
  for _, file in ipairs(cjson.decode(text).files) do
    local path = file.file:gsub("^" .. root:gsub("%p", "%%%0") .. "/", "")
    if path:find "^core/" then add(path, file.lines) end
  end
end

local rooms, names, all = {}, {}, { lines = 0, ran = 0, branches = 0, taken = 0 }
local missed = assert(io.open(missed_path, "w"))
local paths = {}
for path in pairs(files) do paths[#paths + 1] = path end
table.sort(paths)

for _, path in ipairs(paths) do
  local name = path:match "^core/([^/]+)/" or "core"
  if not rooms[name] then
    rooms[name] = { lines = 0, ran = 0, branches = 0, taken = 0 }
    names[#names + 1] = name
  end
  local numbers = {}
  for number in pairs(files[path]) do numbers[#numbers + 1] = number end
  table.sort(numbers)
  for _, number in ipairs(numbers) do
    local at, never = files[path][number], 0
    for _, sum in ipairs { rooms[name], all } do
      sum.lines = sum.lines + 1
      sum.ran = sum.ran + (at.ran > 0 and 1 or 0)
      sum.branches = sum.branches + #at.branches
    end
    for _, count in ipairs(at.branches) do
      if count > 0 then
        rooms[name].taken = rooms[name].taken + 1
        all.taken = all.taken + 1
      else
        never = never + 1
      end
    end
    if never > 0 then
      missed:write(("%s:%d: %d of %d\n"):format(path, number, never, #at.branches))
    end
  end
end
missed:close()

local function row(name, sum)
  local function share(n, of) return of > 0 and n * 100 / of or 100 end
  print(("%-14s %6.1f %% of %5d branches   %6.1f %% of %5d lines"):format(name,
    share(sum.taken, sum.branches),
    sum.branches, share(sum.ran, sum.lines), sum.lines))
  return share(sum.taken, sum.branches)
end

if all.lines == 0 then
  print "no counts: nothing was built or run"
  os.exit(1)
end
table.sort(names)
for _, name in ipairs(names) do row(name, rooms[name]) end
local reached = row("all", all)
if reached < bound then
  print(("less than %g %%; %s lists the branches that were never taken"):format(bound, missed_path))
  os.exit(1)
end
