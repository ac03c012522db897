-- scripts/bench/http_clients.lua — what reads a tagline while a bench runs: a scraper of /metrics,
-- ten times a second; three readers of events; and one that never reads. Ends with the server.
-- lua5.4 scripts/bench/http_clients.lua PORT
local uv = require "luv"

local port = tonumber(arg[1])
local open = 0

local function ask(path)
  return ("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"):format(path)
end

-- A connection, once the server listens; what it sends is thrown away.
local function connect(path, reads, began)
  local socket = uv.new_tcp()
  open = open + 1
  local function over()
    open = open - 1
    socket:close()
    if open == 0 then os.exit(0) end
  end
  socket:connect("127.0.0.1", port, function(failed)
    if failed then
      socket:close()
      open = open - 1
      local again = uv.new_timer()
      again:start(20, 0, function()
        again:close()
        connect(path, reads, began)
      end)
      return
    end
    socket:write(ask(path))
    if reads then
      socket:read_start(function(wrong, bytes) if wrong or not bytes then over() end end)
    end
    if began then began(socket) end
  end)
end

connect("/metrics", true, function(socket)
  local timer = uv.new_timer()
  timer:start(100, 100, function()
    if socket:is_closing() then timer:stop() else socket:write(ask "/metrics") end
  end)
end)
for _ = 1, 3 do connect("/api/v1/events", true) end
connect("/api/v1/events", false)
uv.run()
