-- What a network does to a connection, in each of its states; several addresses; a broker that
-- does not read.
local scenario = require "spec.support.scenario"
local broker, scope, tagline, wait = scenario "broker scope tagline wait"

local config = [[
fates = { all = 0, failed = 0 }
line "plant" {
  host = HOST, port = PORT, reconnect_delay = 0.02, reconnect_delay_max = 0.05,
  subscribe_qos = 2, clean_session = CLEAN, EXTRA
  station "any" {
    address = "#", tags = { data = TxtI { "IN_DATA", new_value_on_time_change = true } },
  },
}
]]

local function run(port, clean, extra, host)
  return tagline.run(config, { PORT = port, CLEAN = tostring(clean or false), EXTRA = extra or "",
    HOST = host or '"127.0.0.1"' })
end

local ends = {
  FIN = function(c) c:finish() end,
  RST = function(c) c:reset() end,
  ["the broker's close"] = function(c) c:close() end,
}

-- Each brings a connection into a state, from its accept on.
local states = {
  { "before CONNECT was read", function() end },
  { "before CONNACK", function(c) c:expect "CONNECT" end },
  { "amid CONNACK", function(c)
    c:expect "CONNECT"
    c:send("\x20\2\0"):flush()
  end },
  { "before SUBACK", function(c)
    c:expect "CONNECT"
    c:send("CONNACK", {})
    c:expect "SUBSCRIBE"
  end },
  { "after SUBACK", function(c)
    c:expect "CONNECT"
    c:send("CONNACK", {})
    c:send("SUBACK", { id = c:expect("SUBSCRIBE").id, codes = { 2 } }):flush()
  end },
  { "amid a message", function(c)
    c:expect "CONNECT"
    c:send("CONNACK", {})
    c:send("SUBACK", { id = c:expect("SUBSCRIBE").id, codes = { 2 } })
    c:send("\x32\xff\1\0\1axx"):flush()
  end },
  { "between PUBREC and PUBREL", function(c)
    c:expect "CONNECT"
    c:send("CONNACK", {})
    c:send("SUBACK", { id = c:expect("SUBSCRIBE").id, codes = { 2 } })
    c:send("PUBLISH", { topic = "a", payload = "x", qos = 2, id = 3 })
    c:expect "PUBREC"
  end },
}

describe("a connection that ends", function()
  after_each(scope.finish)

  for what, cut in pairs(ends) do
    for _, clean in ipairs { true, false } do
      it("with " .. what .. " comes back from every state, clean session "
        .. (clean and "YES" or "NO"), function()
        local b = broker.new()
        local t = run(b.port, clean)
        for _ = 1, 2 do
          for _, state in ipairs(states) do
            local c = b:accept()
            state[2](c)
            cut(c)
            wait.till("close in the state " .. state[1], 5000, function() return c.closed end)
            c:close()
          end
        end
        t:handles_next(b:handshake(), true)
        t:stop()
      end)
    end
  end

  it("with FIN, which closes a half only, is closed in the other direction, too", function()
    local b = broker.new()
    local t = run(b.port)
    local c = b:handshake()
    c:finish()
    assert.equal("EOF", c:expect_close())
    t:wait_log "WARN  plant: 127.0.0.1:%d+ closed the connection"
    t:handles_next(b:handshake(), true)
  end)

  it("without a word is noticed by PING", function()
    local b = broker.new()
    local t = run(b.port, false, "ping_interval = 0.1, reply_timeout = 1,")
    local c = b:handshake()
    c:pause()
    t:wait_log "no PINGRESP within the reply timeout"
    t:handles_next(b:handshake():answer_pings(), true)
  end)

  it("during DISCONNECT does not keep the program", function()
    for _, cut in pairs(ends) do
      local b = broker.new()
      local t = run(b.port)
      local c = b:handshake()
      t:wait_log "connected to"
      t:kill "sigterm"
      c:expect "DISCONNECT"
      cut(c)
      assert.equal(0, (t:wait_exit(3000)))
    end
  end)

  it("is tried again until the broker is up", function()
    local b = broker.new()
    b:refuse()
    local t = run(b.port)
    for _ = 1, 5 do t:wait_log "WARN  plant: connect to 127.0.0.1:%d+: connection refused" end
    b:listen()
    t:handles_next(b:handshake(), true)
  end)
end)

describe("redundant addresses", function()
  after_each(scope.finish)

  -- Two brokers on one port: at 127.0.0.1 and at another loopback address.
  local function pair(other)
    local first = broker.new()
    local ok, second = pcall(broker.new, { host = other or "127.0.0.2", port = first.port })
    assert(ok, second)
    return first, second
  end

  it("are tried in turn: none is skipped, none favoured", function()
    for _, list in ipairs { '"127.0.0.1, 127.0.0.2"', '{ "127.0.0.1", "127.0.0.2" }',
      '" 127.0.0.1 ;127.0.0.2 "' } do
      local first, second = pair()
      local t = run(first.port, false, "", list)
      for _ = 1, 3 do
        for _, b in ipairs { first, second } do
          local c = b:accept()
          c:expect "CONNECT"
          c:close()
        end
      end
      for _ = 1, 2 do -- also when a connection worked
        for _, b in ipairs { first, second } do b:handshake():close() end
      end
      assert.is_true(math.abs(#first.connections - #second.connections) <= 1)
      t:stop()
    end
  end)

  it("stay with the one that works when the line is only made anew", function()
    local first, second = pair()
    local t = run(first.port, false, "", '"127.0.0.1, 127.0.0.2"')
    first:handshake():close()
    local c = second:handshake()
    for _, code in ipairs {
      "lines.plant:reconnect()", "lines.plant:set { keep_alive = 60 }",
        'stations["plant.any"]:off(); stations["plant.any"]:on()',
    } do
      assert.equal(0, (t:eval(code)))
      c:expect "DISCONNECT"
      c:expect_close()
      c = second:handshake()
    end
    c:close()
    c = first:handshake()
    assert.equal(0, (t:eval 'lines.plant:set { host = "127.0.0.2, 127.0.0.1" }'))
    c:expect "DISCONNECT"
    t:handles_next(second:handshake(), true) -- another list begins at its first
    t:stop()
  end)

  it("let one live while the other is dead, and back", function()
    local first, second = pair()
    first:refuse()
    local t = run(first.port, false, "", '"127.0.0.1, 127.0.0.2"')
    local c = second:handshake()
    t:handles_next(c, true)
    t:wait_log "connect to 127.0.0.1:%d+: connection refused"
    second:refuse()
    c:close()
    t:wait_log "connect to 127.0.0.2:%d+: connection refused"
    first:listen()
    c = first:handshake()
    t:handles_next(c, true)
    first:refuse()
    c:close()
    t:wait_log "connect to 127.0.0.1:%d+: connection refused"
    second:listen()
    t:handles_next(second:handshake(), true)
    t:stop()
  end)

  it("may be names and IPv6, and one that does not resolve is passed over in its turn", function()
    local first, second = pair "::1"
    local t = run(first.port, false, "", '"no-such-host.invalid, localhost, [::1], 127.0.0.1"')
    t:wait_log "no%-such%-host.invalid"
    local seen = {}
    local function either()
      wait.till("connection", 5000, function() return #first.connections > first.taken
        or #second.connections > second.taken end)
      local b = #first.connections > first.taken and first or second
      seen[#seen + 1] = b == first and "v4" or "v6"
      return b:handshake()
    end
    for _ = 1, 3 do either():close() end
    assert.same({ "v6", "v4" }, { seen[2], seen[3] })
    t:wait_log "no%-such%-host.invalid" -- its turn again
    t:stop()
  end)

  it("pass on from one that accepts and never answers", function()
    local first, second = pair()
    local t = run(first.port, false, "connect_timeout = 1,", '"127.0.0.1, 127.0.0.2"')
    first:accept():expect "CONNECT"
    t:handles_next(second:handshake(), true)
    t:wait_log "127.0.0.1:%d+: no CONNACK within connect_timeout"
    t:stop()
  end)
end)

describe("a broker that stops reading", function()
  after_each(scope.finish)

  -- 10,000 writes in evaluations of 500, so that none takes too long.
  local function write_many(t, qos, size)
    local said = {}
    for _ = 1, 20 do
      local _, out = t:ask(([[
        local body, why = ("x"):rep(%d), "taken"
        for _ = 1, 500 do
          local ok, no = lines.plant:publish("out", body, { qos = %d }, function(ok, why)
            if why == "queue full" then return end -- of those that were never accepted
            fates.all = fates.all + 1
            if not ok then fates.failed = fates.failed + 1 end
          end)
          if not ok then why = no end
        end
        return why]]):format(size, qos))
      said[out] = (said[out] or 0) + 1
    end
    return said
  end

  for qos = 0, 1 do
    it("makes writes wait or fail at QoS " .. qos
      .. ", in bounded memory, while its own messages are served", function()
      local b = broker.new()
      local t = run(b.port, false, "max_queued = 1000,")
      local c = b:handshake()
      t:wait_log "connected to"
      local before = t:rss()
      c:pause()
      local said = write_many(t, qos, 8000) -- 80 MB
      assert.is_true((said["queue full"] or 0) > 0)
      assert.is_true(t:rss() < before + (48 << 20), "memory grew by " .. (t:rss() - before))
      c:send("PUBLISH", { topic = "a", payload = "served" })
      assert.equal("served", t:value("plant.any.data").value)
      local accepted = 0
      for why, n in pairs(said) do accepted = accepted + (why == "taken" and n * 500 or 0) end
      c:resume()
      local n = 0
      local function take()
        while #c.packets > c.taken do
          local p = c:next()
          if p.type == "PUBLISH" then n = n + 1 end
          if p.type == "PUBLISH" and qos == 1 then c:send("PUBACK", { id = p.id }) end
        end
      end
      wait.till("all that was accepted", 20000, function()
        take()
        return n >= accepted and n >= 1000
      end, function() return ("%d arrived"):format(n) end)
      wait.poll("their fates", 10000, function()
        take()
        return select(2, t:eval "return fates.all") == tostring(n)
      end)
      assert.equal("0", (select(2, t:eval "return fates.failed")))
      t:handles_next(c, true)
    end)
  end

  it("is not read without end either when it floods us and takes no acknowledgement", function()
    local b = broker.new()
    local t =
      tagline.run([[line "plant" { host = "127.0.0.1", port = PORT,
        station "none" { address = "none", tags = {} } }]], { PORT = b.port })
    local c = b:handshake()
    c:pause()
    c.socket:recv_buffer_size(65536) -- else the kernel may take all acknowledgements in our place
    local before = t:rss()
    local piece = {}
    for n = 1, 5000 do piece[n] = string.pack(">BBs2I2", 0x32, 5, "a", n) end
    piece = table.concat(piece)
    -- 2,500,000 messages, 17 MB; their acknowledgements are 10 MB
    for _ = 1, 500 do c:send(piece) end
    c:not_taken(1500)
    assert.is_true(t:rss() < before + (24 << 20), "memory grew by " .. (t:rss() - before))
    assert.is_nil(c.closed)
    local bytes = 0
    c.socket:read_start(function(_, chunk) bytes = bytes + #(chunk or "") end)
    wait.till("all acknowledgements", 600000, function() return bytes == 2500000 * 4 end,
      function() return bytes .. " bytes" end)
  end)
end)
