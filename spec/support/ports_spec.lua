-- Ports of the loopback, as spec.support.ports gives them.
local uv = require "luv"
local ports = require "spec.support.ports"
local process = require "spec.support.process"
local scope = require "spec.support.scope"

describe("a port", function()
  after_each(scope.finish)

  it("is given once, to all who ask", function()
    local seen = {}
    for _ = 1, 50 do seen[ports.free()] = true end
    local code, out = process.run(process.find "lua5.4", { "-e", [[
      local ports, scope = require "spec.support.ports", require "spec.support.scope"
      for _ = 1, 50 do print(ports.free()) end
      scope.finish()]] })
    assert.equal(0, code)
    for port in out:gmatch "%d+" do seen[tonumber(port)] = true end
    local count = 0
    for _ in pairs(seen) do count = count + 1 end
    assert.equal(100, count)
  end)

  it("is none that the kernel gives to clients", function()
    local port, client, server = ports.free(), uv.new_tcp(), uv.new_tcp()
    assert(server:bind("127.0.0.1", port))
    assert(server:listen(1, function() end))
    client:connect("127.0.0.1", port, function() end)
    local f <close> = assert(io.open "/proc/sys/net/ipv4/ip_local_port_range")
    local low, high = f:read("n", "n")
    local from = client:getsockname().port
    client:close()
    server:close()
    assert.is_true(low <= from and from <= high)
    assert.is_true(port < low or port > high)
  end)

  it("is passed over where somebody listens", function()
    local port, server = ports.free(), uv.new_tcp()
    assert.is_true(ports.is_free(port))
    assert(server:bind("127.0.0.1", port))
    assert(server:listen(1, function() end))
    assert.is_false(ports.is_free(port))
    server:close()
  end)
end)
