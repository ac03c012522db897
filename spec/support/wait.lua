-- Runs the event loop until something has happened, or raises when a deadline passes first.
local uv = require "luv"

local wait = {}

-- Raised errors start with this, so that a spec can tell a passed deadline from another failure.
wait.TIMEOUT = "deadline passed"

-- Milliseconds that whatever is awaited may take. Only a failure waits that long, so it is
-- meant for the slowest machine: sanitizers, one core, ten other programs on it.
wait.PATIENCE = tonumber(os.getenv "SPEC_PATIENCE") or 90000

-- Deadlines shorter than this are no deadlines: a spec looks for that time whether something
-- comes that must not.
local A_LOOK = 1000

-- The deadline to keep instead of `milliseconds` (nil: PATIENCE).
local function deadline(milliseconds)
  if milliseconds and milliseconds < A_LOOK then return milliseconds end
  return math.max(milliseconds or 0, wait.PATIENCE)
end

-- A timer that is closed at the end of its block, also when what is waited for raises an error.
local function new_timer()
  return setmetatable({ handle = uv.new_timer() },
    { __close = function(timer) timer.handle:close() end })
end

-- Run the loop until done() is true. `what` names the awaited thing; `state`, when given, tells
-- what came instead. `milliseconds`: a deadline, which is never shorter than PATIENCE; below
-- 1000 it is a look at what must not come, and kept as it is.
function wait.till(what, milliseconds, done, state)
  if done() then return end
  milliseconds = deadline(milliseconds)
  local late = false
  local timer <close> = new_timer()
  uv.update_time() -- the spec may have worked for long since the loop last looked at the clock
  timer.handle:start(milliseconds, 0, function() late = true end)
  while not late and not done() do uv.run("once") end
  if late and not done() then
    local seen = state and state()
    error(("%s: no %s within %d ms%s"):format(wait.TIMEOUT, what, milliseconds, seen and "; "
      .. seen or ""), 3)
  end
end

-- The same for what raises no event in this loop (a file of another process): looks again each
-- 5 ms.
function wait.poll(what, milliseconds, done, state)
  if done() then return end
  local ticker = uv.new_timer()
  ticker:start(5, 5, function() end)
  local ok, why = pcall(wait.till, what, milliseconds, done, state)
  ticker:close()
  uv.run("nowait")
  if not ok then error(why, 2) end
end

-- Run the loop for `milliseconds`, and raise when done() is true meanwhile: `what` must not
-- come. A busy machine makes this a shorter look, never a false alarm.
function wait.never(what, milliseconds, done, state)
  local over = false
  local timer <close> = new_timer()
  uv.update_time()
  timer.handle:start(milliseconds, 0, function() over = true end)
  while not over and not done() do uv.run("once") end
  if done() then
    error(("%s came, which must not%s"):format(what, state and "; " .. state() or ""), 3)
  end
end

return wait
