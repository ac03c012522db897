-- The numbers 1 to `last` that a line "plant" has sent into a history, plant.db in `folder`, as its
-- tag plant.s.n.
local process = require "spec.support.process"
local wait = require "spec.support.wait"

local stored = {}

local distinct = "SELECT min(value) || ' ' || max(value) || ' ' || count(DISTINCT value) \z
  FROM value WHERE tag='plant.s.n'"
local each = "SELECT value, count(*) FROM value WHERE tag='plant.s.n' GROUP BY value"

local function sql(folder, query)
  local code, out =
    process.run(process.find "sqlite3", { "-readonly", folder .. "/plant.db", query })
  return code == 0 and out or nil
end

-- Wait until all of them are there.
function stored.wait(folder, last)
  local wanted = ("1 %d %d"):format(last, last)
  wait.poll(wanted .. " in the history", 120000,
    function() return sql(folder, distinct) == wanted end,
    function() return tostring(sql(folder, distinct)) end)
end

-- Those that are there more often than the broker `m` sent them to the client "history", as a
-- text; "" if there is none. With QoS 2 the numbers must be the broker's packet identifiers: the
-- client gets nothing else.
function stored.too_often(folder, m, qos)
  local times, most = {}, 0
  for n, count in sql(folder, each):gmatch "(%d+)|(%d+)" do
    times[tonumber(n)] = tonumber(count)
    most = math.max(most, tonumber(count))
  end
  if qos == 2 then return m:too_often("history", times) end
  return most > 1 and most .. " times" or ""
end

return stored
