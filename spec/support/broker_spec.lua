-- The scripted broker itself, against plain sockets: what it cannot do wrong here, no scenario
-- has to doubt.
local uv = require "luv"
local broker = require "spec.support.broker"
local packet = require "spec.support.packet"
local scope = require "spec.support.scope"
local wait = require "spec.support.wait"

describe("support broker", function()
  after_each(scope.finish)

  local function connect(b)
    local client = { socket = uv.new_tcp(), input = "" }
    scope.defer(function() if not client.socket:is_closing() then client.socket:close() end end)
    client.socket:connect(b.host, b.port, function(why)
      client.connected, client.failed = not why, why
      if not why then
        client.socket:read_start(function(problem, bytes)
          if bytes then
            client.input = client.input .. bytes
          else
            client.closed = problem or "EOF"
          end
        end)
      end
    end)
    wait.till("connection", 2000, function() return client.connected ~= nil end)
    return client
  end

  local connect_bytes = packet.encode("CONNECT", { client_id = "c", clean_session = true })

  for _, host in ipairs { "127.0.0.1", "::1" } do
    it("listens on a free port of " .. host, function()
      local b = broker.new { host = host }
      assert.is_true(b.port > 0)
      connect(b)
      assert.is_table(b:accept())
    end)
  end

  it("shakes hands, and keeps what was said", function()
    local b = broker.new()
    local client = connect(b)
    client.socket:write(connect_bytes .. packet.encode("SUBSCRIBE",
      { id = 3, filters = { { filter = "a/#", qos = 2 } } }))
    local c = b:handshake()
    assert.equal("c", c.connect.client_id)
    assert.equal("a/#", c.subscribe.filters[1].filter)
    local answer = packet.encode "CONNACK" .. packet.encode("SUBACK", { id = 3, codes = { 2 } })
    wait.till("answers", 2000, function() return #client.input >= #answer end)
    assert.equal(answer, client.input)
  end)

  it("answers a PINGREQ after a minute of silence itself: no spec waits for that one", function()
    local b = broker.new()
    local client = connect(b)
    client.socket:write(connect_bytes)
    local c = b:accept()
    c:expect "CONNECT"
    c.spoke = c.spoke - 60000
    client.socket:write(packet.encode "PINGREQ" .. packet.encode "DISCONNECT")
    c:expect "DISCONNECT"
    local answer = packet.encode "PINGRESP"
    wait.till("an answer", 2000, function() return #client.input >= #answer end)
    assert.equal(answer, client.input)
  end)

  it("takes a stream in any split", function()
    local b = broker.new()
    local client = connect(b)
    local c = b:accept()
    local stream = connect_bytes
      .. packet.encode("PUBLISH", { topic = "a", payload = ("x"):rep(300) })
    for at = 1, #stream do client.socket:write(stream:sub(at, at)) end
    c:expect "CONNECT"
    assert.equal(300, #c:expect("PUBLISH").payload)
  end)

  it("says what came when it is not what was expected", function()
    local b = broker.new()
    local client = connect(b)
    client.socket:write("\xc0\0")
    local ok, why = pcall(function() b:accept():expect("CONNECT") end)
    assert.is_false(ok)
    assert.truthy(why:find("expected CONNECT, got PINGREQ", 1, true), why)
  end)

  it("raises on bytes that are no packet", function()
    local b = broker.new()
    local client = connect(b)
    client.socket:write("\xf0\0")
    assert.has_error(function() b:accept():expect("CONNECT") end)
  end)

  it("raises when nothing comes in time", function()
    local b = broker.new()
    connect(b)
    local c = b:accept()
    local ok, why = pcall(c.expect, c, "CONNECT", 20)
    assert.is_false(ok)
    assert.truthy(why:find(wait.TIMEOUT, 1, true), why)
  end)

  it("sends half a packet when told so", function()
    local b = broker.new()
    local client = connect(b)
    b:accept():send("\x20\2"):flush()
    wait.till("two bytes", 2000, function() return #client.input == 2 end)
    assert.equal("\x20\2", client.input)
  end)

  it("ends with FIN, and hears what the client still sends", function()
    local b = broker.new()
    local client = connect(b)
    local c = b:accept()
    c:finish()
    wait.till("end of stream", 2000, function() return client.closed end)
    assert.equal("EOF", client.closed)
    client.socket:write("\xc0\0")
    c:expect "PINGREQ"
  end)

  it("ends with RST", function()
    local b = broker.new()
    local client = connect(b)
    b:accept():reset()
    wait.till("reset", 2000, function() return client.closed end)
    assert.equal("ECONNRESET", client.closed)
  end)

  it("sees that a client closed, and what it had sent before", function()
    local b = broker.new()
    local client = connect(b)
    local c = b:accept()
    client.socket:write("\xe0\0")
    client.socket:shutdown()
    c:expect "DISCONNECT"
    assert.equal("EOF", c:expect_close())
  end)

  it("raises when a client sends instead of closing", function()
    local b = broker.new()
    local client = connect(b)
    local c = b:accept()
    client.socket:write("\xc0\0")
    client.socket:shutdown()
    assert.has_error(function() c:expect_close() end)
  end)

  it("refuses connections, then listens on the same port again", function()
    local b = broker.new()
    local port = b.port
    b:refuse()
    assert.equal("ECONNREFUSED", connect(b).failed)
    b:listen()
    assert.equal(port, b.port)
    assert.is_nil(connect(b).failed)
  end)

  it("stops reading, so that a writer has to wait", function()
    local b = broker.new()
    local client = connect(b)
    local c = b:accept()
    c:pause()
    local written = 0
    local chunk = packet.encode("PUBLISH", { topic = "a", payload = ("x"):rep(1 << 20) })
    for _ = 1, 32 do client.socket:write(chunk, function() written = written + 1 end) end
    assert.has_error(function() wait.till("all to be written", 100, function() return written
      == 32 end) end)
    c:resume()
    wait.till("all to be written", 5000, function() return written == 32 end)
    for _ = 1, 32 do c:expect "PUBLISH" end
  end)
end)

describe("support scope", function()
  it("fails a spec that leaves a handle open, and closes it", function()
    uv.new_timer():start(60000, 0, function() end)
    local ok, why = pcall(scope.finish)
    assert.is_false(ok)
    assert.truthy(why:find("left open", 1, true), why)
    assert.has_no_error(scope.finish)
  end)

  it("removes its folders with all that is in them", function()
    local folder = scope.folder()
    scope.file("a.txt", "x", folder)
    assert(uv.fs_mkdir(folder .. "/deep", 448))
    scope.file("b.txt", "y", folder .. "/deep")
    assert.is_truthy(uv.fs_stat(folder .. "/deep/b.txt"))
    scope.finish()
    assert.is_nil(uv.fs_stat(folder))
  end)

  it("closes in reverse order, all of it, also behind an error", function()
    local order = {}
    scope.defer(function() order[#order + 1] = "first" end)
    scope.defer(function() error("oh") end)
    scope.defer(function() order[#order + 1] = "last" end)
    assert.has_error(scope.finish)
    assert.same({ "last", "first" }, order)
  end)
end)
