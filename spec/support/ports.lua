-- Ports of the loopback for servers that cannot look for one themselves, or that come back to
-- theirs after they were away.
local uv = require "luv"
local scope = require "spec.support.scope"

local ports = {}

-- Where the kernel does not take ports for clients: a connection of somebody else could have the
-- port by the time that it is used.
local function range()
  local f <close> = assert(io.open "/proc/sys/net/ipv4/ip_local_port_range")
  local low, high = f:read("n", "n")
  if low > 20000 then return 10000, low - 1 end
  assert(high < 64000, "no room for servers beside net.ipv4.ip_local_port_range")
  return high + 1, 65535
end

-- A socket of UDP keeps the port's number until the end of the spec. Nobody here speaks UDP, so
-- that it is in nobody's way.
local function keep(port)
  local socket = uv.new_udp()
  local ok = socket:bind("127.0.0.1", port)
  if ok then scope.defer(function() socket:close() end) else socket:close() end
  return ok
end

-- Does nobody listen there?
function ports.is_free(port)
  local server = uv.new_tcp()
  local listens = server:bind("127.0.0.1", port) and server:listen(1, function() end)
  server:close()
  uv.run "nowait"
  return listens ~= nil
end

-- A port of 127.0.0.1 where nobody listens, and which no other spec gets while this one runs.
function ports.free()
  local low, high = range()
  local first = math.tointeger(uv.hrtime() // 1000 + uv.os_getpid() * 977)
  for i = 0, high - low do
    local port = low + (first + i) % (high - low + 1)
    if keep(port) and ports.is_free(port) then return port end
  end
  error("no port is free", 2)
end

return ports
