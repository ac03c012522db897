-- How long the loop of a process works in one turn. A timer of the config looks how much processor
-- time went by since its last look, as the kernel counts it for the loop's thread: neither what
-- else the machine does is in it, nor the threads that wait for disks.
local turns = {}

-- What the config begins with; it needs `--unsafe`.
turns.WATCH = [[
local registry = debug.getregistry() -- it outlives a reload
registry.turns = registry.turns or { most = 0 }
turns = registry.turns
every(0.001, function()
  local f <close> = io.open "/proc/thread-self/schedstat"
  local now = f:read "n"
  if turns.last and now - turns.last > turns.most then turns.most = now - turns.last end
  turns.last = now
end)
]]

-- The longest turn of the process `t` since the last call, in milliseconds.
function turns.longest(t)
  local code, out, err = t:eval "local n = turns.most turns.most = 0 return n / 1e6"
  assert(code == 0, err)
  return tonumber(out)
end

return turns
