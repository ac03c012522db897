-- A broker that does exactly what a spec tells it, right or wrong: it accepts, decodes what
-- clients send, and sends given bytes.
--
--   local b = broker.new()
--   local c = b:handshake()                            -- CONNECT, CONNACK, SUBSCRIBE, SUBACK
--   c:send("PUBLISH", { topic = "a", payload = "x", qos = 1, id = 7 })
--   assert.equal(7, c:expect("PUBACK").id)
local uv = require "luv"
local packet = require "spec.support.packet"
local ports = require "spec.support.ports"
local scope = require "spec.support.scope"
local wait = require "spec.support.wait"

local broker, connection = {}, {}
broker.__index, connection.__index = broker, connection

-- ---- one accepted connection ----

local function new_connection(socket)
  local c = setmetatable({ socket = socket, input = "", packets = {}, received = 0, taken = 0,
    spoke = uv.now() }, connection)
  c:resume()
  return c
end

-- A spec that took a minute (the default of ping_interval), since the machine has much else to do,
-- is asked whether it is there: it answers, and sees nothing of that.
local function is_of_silence(c, p)
  uv.update_time()
  return p.type == "PINGREQ" and uv.now() - c.spoke >= 55000
end

local function on_bytes(c, why, bytes)
  if why then
    c.closed = why
  elseif not bytes then
    c.closed = "EOF"
  else
    c.received = c.received + #bytes
    c.input = c.input .. bytes
    while not c.fault do
      local ok, p, used = pcall(packet.decode, c.input)
      if not ok then c.fault = p break end
      if not p then break end
      c.input = c.input:sub(used + 1)
      if is_of_silence(c, p) then
        c:send("PINGRESP")
      else
        c.packets[#c.packets + 1] = p
        if c.pings_answered and p.type == "PINGREQ" then c:send("PINGRESP") end
      end
    end
  end
end

-- Read again after pause().
function connection:resume()
  self.socket:read_start(function(why, bytes) on_bytes(self, why, bytes) end)
end

-- Stop reading: what the client sends fills the kernel's buffers, and then the client must wait.
function connection:pause() self.socket:read_stop() end

local function state(c)
  local words = {}
  for at = c.taken + 1, #c.packets do words[#words + 1] = packet.describe(c.packets[at]) end
  if c.fault then words[#words + 1] = c.fault end
  if #c.input > 0 then words[#words + 1] = ("%d bytes of a packet"):format(#c.input) end
  if c.closed then words[#words + 1] = "connection closed: " .. c.closed end
  return "there was " .. (#words > 0 and table.concat(words, ", ") or "nothing")
end

-- The next packet, whatever it is.
function connection:next(milliseconds, what)
  wait.till(what or "packet", milliseconds, function()
    return #self.packets > self.taken or self.fault or self.closed
  end)
  if #self.packets == self.taken then
    error(("no %s: %s"):format(what or "packet", self.fault or state(self)), 2)
  end
  self.taken = self.taken + 1
  return self.packets[self.taken]
end

-- The next packet, which must be of this type.
function connection:expect(type, milliseconds)
  local p = self:next(milliseconds, type)
  if p.type ~= type then error(("expected %s, got %s"):format(type, packet.describe(p)), 2) end
  return p
end

-- The same, where a reload may have had the line ask for retained messages again: each SUBSCRIBE
-- before it is granted.
function connection:expect_past_subscribe(type, milliseconds)
  local p = self:next(milliseconds, type)
  while p.type == "SUBSCRIBE" and type ~= "SUBSCRIBE" do
    local codes = {}
    for i, filter in ipairs(p.filters) do codes[i] = filter.qos end
    self:send("SUBACK", { id = p.id, codes = codes })
    p = self:next(milliseconds, type)
  end
  if p.type ~= type then error(("expected %s, got %s"):format(type, packet.describe(p)), 2) end
  return p
end

-- The client must close the connection, sending nothing more that is complete. Returns "EOF" or
-- the error's name (ECONNRESET).
function connection:expect_close(milliseconds)
  local function closed() return self.closed end
  wait.till("close by the client", milliseconds, closed, function() return state(self) end)
  if #self.packets > self.taken then error("expected a close, " .. state(self), 2) end
  return self.closed
end

-- The client must neither send nor close for this time.
function connection:silent(milliseconds)
  local function spoken() return #self.packets > self.taken or self.fault or self.closed end
  wait.never("a packet", milliseconds, spoken, function() return state(self) end)
end

-- From now on each PINGREQ gets its PINGRESP at once, whatever the spec is at. next() and expect()
-- give the PINGREQs all the same.
function connection:answer_pings()
  self.pings_answered = true
  for at = self.taken + 1, #self.packets do
    if self.packets[at].type == "PINGREQ" then self:send("PINGRESP") end
  end
  return self
end

-- The next packet that is no PINGREQ.
function connection:next_but_pings(milliseconds)
  local p
  repeat p = self:next(milliseconds) until p.type ~= "PINGREQ"
  return p
end

-- Pass over the PINGREQs that are here already.
function connection:drop_pings()
  while #self.packets > self.taken and self.packets[self.taken + 1].type == "PINGREQ" do
    self.taken = self.taken + 1
  end
end

-- Send a packet by type and fields, or bytes as they are.
function connection:send(what, fields)
  local bytes = packet.CODES[what] and packet.encode(what, fields) or what
  self.sending = (self.sending or 0) + 1
  uv.update_time()
  self.spoke = uv.now()
  self.socket:write(bytes, function(why)
    self.sending = self.sending - 1
    self.send_error = self.send_error or why
  end)
  return self
end

-- A message at QoS 1, whose PUBACK came. `id`: 7 when not given.
function connection:deliver(topic, payload, id)
  self:send("PUBLISH", { topic = topic, payload = payload, qos = 1, id = id or 7 })
  local got = self:expect("PUBACK").id
  if got ~= (id or 7) then error(("PUBACK for %d, not %d"):format(got, id or 7), 2) end
end

-- Wait until the kernel has taken all that was sent.
function connection:flush(milliseconds)
  wait.till("room in the socket", milliseconds, function() return (self.sending or 0) == 0 end)
  return self
end

-- Look for this time whether the client reads on: the kernel must not have taken all that was sent.
function connection:not_taken(milliseconds)
  wait.never("room for all that was sent", milliseconds,
    function() return (self.sending or 0) == 0 end)
end

-- End our direction only (FIN); the client's is still read.
function connection:finish() self:flush().socket:shutdown() end

-- End at once with RST: what is on its way is lost.
function connection:reset()
  self.closed = self.closed or "reset by the broker"
  self.socket:close_reset()
end

function connection:close()
  self.closed = self.closed or "closed by the broker"
  if not self.socket:is_closing() then self.socket:close() end
end

-- ---- the broker ----

-- A broker that listens on a free loopback port, broker.port. options: host ("127.0.0.1"; "::1"),
-- port (any that is free).
function broker.new(options)
  options = options or {}
  local b = setmetatable({ host = options.host or "127.0.0.1", port = options.port or ports.free(),
    connections = {}, taken = 0 }, broker)
  b:listen()
  scope.defer(function() b:close() end)
  return b
end

-- Listen, also again after refuse(), on the same port.
function broker:listen()
  local server = uv.new_tcp()
  assert(server:bind(self.host, self.port))
  assert(server:listen(128, function(why)
    assert(not why, why)
    local socket = uv.new_tcp()
    server:accept(socket)
    socket:nodelay(true)
    self.connections[#self.connections + 1] = new_connection(socket)
  end))
  self.server = server
end

-- Stop listening: new connections are refused; those that are open stay.
function broker:refuse()
  if self.server then self.server:close() end
  self.server = nil
end

-- The next connection that no accept() has returned yet.
function broker:accept(milliseconds)
  wait.till("connection", milliseconds, function() return #self.connections > self.taken end)
  self.taken = self.taken + 1
  return self.connections[self.taken]
end

-- Accept and answer CONNECT and the SUBSCRIBE behind it. options: session_present, codes (of
-- SUBACK). The connection returned has .connect and .subscribe, the packets that came.
function broker:handshake(options)
  options = options or {}
  local c = self:accept()
  c.connect = c:expect("CONNECT")
  c:send("CONNACK", { session_present = options.session_present })
  c.subscribe = c:expect("SUBSCRIBE")
  local codes = options.codes
  if not codes then
    codes = {}
    for at, filter in ipairs(c.subscribe.filters) do codes[at] = filter.qos end
  end
  c:send("SUBACK", { id = c.subscribe.id, codes = codes })
  return c
end

function broker:close()
  self:refuse()
  for _, c in ipairs(self.connections) do c:close() end
end

return broker
