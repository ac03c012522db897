-- A broker that breaks the rules, at every place where it can: the line closes, says which rule
-- was broken, comes back, and handles the next message; and what is no violation does nothing
-- of the kind. One program for all cases of a session kind, so that nothing may be left over
-- from one to the next.
local uv = require "luv"
local scenario = require "spec.support.scenario"
local broker, packet, scope, tagline, wait = scenario "broker packet scope tagline wait"

local config = [[
line "plant" {
  host = "127.0.0.1", port = PORT, clean_session = CLEAN, subscribe_qos = 2,
  reconnect_delay = 0.01, reconnect_delay_max = 0.02, reply_timeout = TIMEOUT,
  connect_timeout = TIMEOUT, max_packet_size = 200000, topic_filter = { "a/#", "b/#" },
  station "any" {
    address = "#", tags = { data = TxtI { "IN_DATA", new_value_on_time_change = true } },
  },
}
]]

local raw, encode = packet.raw, packet.encode
local function publish(flags, topic, rest)
  return raw("PUBLISH", flags, string.pack(">s2", topic) .. (rest or ""))
end

-- In place of CONNACK: bytes, and what the log must say.
local connacks = {
  { "reserved bits", raw("CONNACK", 0, "\2\0"), "CONNACK.*3%.2%.2" },
  { "all reserved bits", raw("CONNACK", 0, "\xfe\0"), "CONNACK" },
  { "no body", raw("CONNACK", 0, ""), "CONNACK" },
  { "a body of 1 byte", raw("CONNACK", 0, "\0"), "CONNACK" },
  { "a body of 3 bytes", raw("CONNACK", 0, "\0\0\0"), "CONNACK" },
  { "flags", raw("CONNACK", 1, "\0\0"), "CONNACK.*2%.2%.2%-2" },
  { "session present with a refusal", raw("CONNACK", 0, "\1\5"), "CONNACK.*3%.2%.2%-4" },
  { "code 1", raw("CONNACK", 0, "\0\1"), "code 1: .*protocol" },
  { "code 2", raw("CONNACK", 0, "\0\2"), "code 2: identifier rejected; another client" },
  { "code 3", raw("CONNACK", 0, "\0\3"), "code 3: .*unavailable" },
  { "code 4", raw("CONNACK", 0, "\0\4"), "code 4: .*user name" },
  { "code 5", raw("CONNACK", 0, "\0\5"), "code 5: .*authori" },
  { "code 6", raw("CONNACK", 0, "\0\6"), "code 6" },
  { "code 255", raw("CONNACK", 0, "\0\255"), "code 255" },
  { "HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP" },
  { "a TLS alert", "\x15\3\3\0\2\2\x28", "TLS" },
  { "a PUBLISH", publish(0, "a"), "CONNACK.*3%.2%.0%-1" },
  { "a SUBACK", raw("SUBACK", 0, "\0\1\0\0"), "CONNACK.*3%.2%.0%-1" },
  { "a PINGRESP", raw("PINGRESP", 0, ""), "CONNACK.*3%.2%.0%-1" },
  { "a long length", "\x20\xff\xff\xff\x7f", "CONNACK" },
  { "a length of five bytes", "\x20\x80\x80\x80\x80\1", "CONNACK.*length" },
}

-- In place of SUBACK; a function is given its identifier.
local subacks = {
  { "one code of two", function(id) return encode("SUBACK", { id = id, codes = { 0 } }) end,
    "SUBACK.*3%.9%.3" },
  { "too many codes", function(id) return encode("SUBACK", { id = id, codes = { 0, 0, 0 } }) end,
    "SUBACK.*3%.9%.3" },
  { "no code", function(id) return raw("SUBACK", 0, string.pack(">I2", id)) end, "SUBACK" },
  { "an id of 1 byte", raw("SUBACK", 0, "\0"), "SUBACK" },
  { "id 0", encode("SUBACK", { id = 0, codes = { 0, 0 } }), "SUBACK.*2%.3%.1%-1" },
  { "a CONNACK", raw("CONNACK", 0, "\0\0"), "second CONNACK" },
  { "flags", function(id) return encode("SUBACK", { id = id, codes = { 0, 0 }, flags = 2 }) end,
    "SUBACK.*2%.2%.2%-2" },
}
for _, code in ipairs { 3, 4, 0x7f, 0x81, 0xff } do
  subacks[#subacks + 1] = { ("code 0x%02x"):format(code),
    function(id) return encode("SUBACK", { id = id, codes = { 0, code } }) end,
      "SUBACK.*3%.9%.3%-2" }
end

-- On a connection that works.
local inputs = {
  { "type 0", "\0\0", "type 0" },
  { "type 15", "\xf0\0", "type 15" },
  { "a length of five bytes", "\x30\x80\x80\x80\x80\1", "PUBLISH.*length" },
  { "the largest length", "\x90\xff\xff\xff\x7f",
    "SUBACK of 268435460 bytes, max_packet_size is 200000" },
  { "one byte more than the limit", "\x90" .. packet.length(200000 - 4 + 1),
    "SUBACK of 200001 bytes" },
  { "QoS 3", publish(6, "a", "\0\1x"), "3%.3%.1%-4" },
  { "DUP on QoS 0", publish(8, "a", "x"), "3%.3%.1%-2" },
  { "id 0 at QoS 1", publish(2, "a", "\0\0x"), "2%.3%.1%-1" },
  { "id 0 at QoS 2", publish(4, "a", "\0\0x"), "2%.3%.1%-1" },
  { "no room for the id", publish(2, "a", "\0"), "PUBLISH" },
  { "no id", publish(2, "a"), "PUBLISH" },
  { "an empty PUBLISH", raw("PUBLISH", 0, ""), "PUBLISH" },
  { "a PUBLISH of 1 byte", raw("PUBLISH", 0, "\0"), "PUBLISH" },
  { "a topic longer than the packet", raw("PUBLISH", 0, "\0\5a/b"), "PUBLISH" },
  { "an empty topic", publish(0, "", "x"), "4%.7%.3%-1" },
  { "a topic with +", publish(0, "a/+", "x"), "3%.3%.2%-2" },
  { "a topic with #", publish(0, "a/#", "x"), "3%.3%.2%-2" },
  { "a topic with U+0000", publish(0, "a\0b", "x"), "1%.5%.3%-2" },
  { "PUBACK with id 0", raw("PUBACK", 0, "\0\0"), "2%.3%.1%-1" },
  { "UNSUBACK with id 0", raw("UNSUBACK", 0, "\0\0"), "2%.3%.1%-1" },
  { "PINGRESP with a body", raw("PINGRESP", 0, "x"), "PINGRESP" },
  { "a second CONNACK", raw("CONNACK", 0, "\0\0"), "second CONNACK" },
  { "HTTP", "HTTP/1.1 200 OK\r\n\r\n", "PUBACK with flags 8" },
}
for name, bytes in pairs {
  ["a lone continuation byte"] = "\x80", ["an unfinished sequence"] = "\xc3",
    ["an overlong slash"] = "\xc0\xaf",
  ["an overlong sequence of 3"] = "\xe0\x80\xaf",
    ["an overlong sequence of 4"] = "\xf0\x80\x80\xaf", ["a surrogate"] = "\xed\xa0\x80",
  ["a low surrogate"] = "\xed\xbf\xbf", ["a pair of surrogates"] = "\xed\xa0\xbd\xed\xb8\x80",
    ["above U+10FFFF"] = "\xf4\x90\x80\x80",
  ["five bytes"] = "\xf8\x88\x80\x80\x80", ["six bytes"] = "\xfc\x84\x80\x80\x80\x80",
    ["0xfe"] = "\xfe", ["0xff"] = "\xff",
  ["a cut sequence of 3"] = "\xe2\x82", ["a cut sequence of 4"] = "\xf0\x9f\x98",
    ["a sequence broken by a letter"] = "\xe2a\x82",
} do
  inputs[#inputs + 1] = { "a topic with " .. name, publish(0, "a/" .. bytes .. "/b"), "1%.5%.3%-1" }
end
for _, name in ipairs { "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "UNSUBACK" } do
  local flags = name == "PUBREL" and 2 or 0
  for _, body in ipairs { "", "\0", "\0\1\0" } do
    inputs[#inputs + 1] = { ("%s of %d bytes"):format(name, #body), raw(name, flags, body), name }
  end
end
for name, right in pairs { PUBACK = 0, PUBREC = 0, PUBREL = 2, PUBCOMP = 0, SUBACK = 0,
  UNSUBACK = 0, PINGRESP = 0, CONNACK = 0 } do
  for flags = 0, 15 do
    if flags ~= right then
      inputs[#inputs + 1] = { name .. " with flags " .. flags, raw(name, flags, "\0\1"),
        name .. ".*2%.2%.2%-2" }
    end
  end
end
for _, name in ipairs { "CONNECT", "SUBSCRIBE", "UNSUBSCRIBE", "PINGREQ", "DISCONNECT" } do
  local flags = name:find "SUBSCRIBE" and 2 or 0
  inputs[#inputs + 1] = { name, raw(name, flags, ""),
    name .. " came, which only a client may send" }
end

-- No violations.
local harmless = {
  { "PUBACK for an unknown id", raw("PUBACK", 0, "\0\7") },
  { "PUBCOMP for an unknown id", raw("PUBCOMP", 0, "\0\7") },
  { "PUBREC for an unknown id", raw("PUBREC", 0, "\0\7"), "PUBREL" },
  { "PUBREL for an unknown id", raw("PUBREL", 2, "\0\7"), "PUBCOMP" },
  { "SUBACK for an unknown id", encode("SUBACK", { id = 77, codes = { 0 } }) },
  { "UNSUBACK for an unknown id", encode("UNSUBACK", { id = 77 }) },
  { "PINGRESP that nobody asked for", raw("PINGRESP", 0, "") },
  { "a length with more bytes than needed", "\x30\x85\x80\x80\0\0\1axx" },
  { "control characters in a topic", publish(0, "a/\1\x7f\xc2\x85", "x") },
  { "a non-character in a topic", publish(0, "a/\xef\xbf\xbf", "x") },
  { "U+FEFF in a topic", publish(0, "\xef\xbb\xbfa", "x") },
  { "a $SYS topic", publish(0, "$SYS/x", "x") },
  { "a topic that nobody subscribed to", publish(0, "zzz", "x") },
  { "a payload that is no UTF-8", publish(0, "a", "\xff\xfe\0") },
  { "no payload", publish(0, "a", "") },
  { "a payload of 100,000 bytes", publish(0, "a", ("x"):rep(100000)) },
}

local function start(clean, timeout)
  local b = broker.new()
  local t = tagline.run(config, { PORT = b.port, CLEAN = tostring(clean), TIMEOUT = timeout or 20 })
  return t, b
end

local function gone(c, what)
  wait.till("close after " .. what, 5000, function() return c.closed end)
  c:close()
end

-- Send a byte each so many milliseconds. Returns what ends it.
local function dribble(c, bytes, milliseconds)
  local timer, at = uv.new_timer(), 0
  timer:start(0, milliseconds, function()
    at = at + 1
    if at <= #bytes and not c.closed then c:send(bytes:sub(at, at)) end
  end)
  return function() timer:close() end
end

for _, clean in ipairs { true, false } do
  describe("a hostile broker, clean session " .. (clean and "YES" or "NO"), function()
    after_each(scope.finish)

    it("is left when its CONNACK is wrong or a refusal", function()
      local t, b = start(clean)
      for _, case in ipairs(connacks) do
        local c = b:accept()
        assert.equal(clean, c:expect("CONNECT").clean_session)
        c:send(case[2])
        gone(c, case[1])
        t:wait_log("ERROR plant: .*" .. case[3])
      end
      if clean then
        local c = b:accept()
        c:expect "CONNECT"
        c:send("CONNACK", { session_present = true })
        gone(c, "session present")
        t:wait_log "session present.*3%.2%.2%-1"
      end
      t:handles_next(b:handshake())
      t:stop()
    end)

    it("is left when its SUBACK is wrong or a refusal", function()
      local t, b = start(clean)
      for _, case in ipairs(subacks) do
        local c = b:accept()
        c:expect "CONNECT"
        c:send("CONNACK", {})
        local id = c:expect("SUBSCRIBE").id
        c:send(type(case[2]) == "function" and case[2](id) or case[2])
        gone(c, case[1])
        t:wait_log("ERROR plant: .*" .. case[3])
      end
      t:handles_next(b:handshake())
      t:stop()
    end)

    it("is left when it sends what is malformed, and only then", function()
      local t, b = start(clean)
      local c = b:handshake()
      local before
      for at, case in ipairs(inputs) do
        if at == 10 then before = t:rss() end
        t:handles_next(c)
        c:send(case[2])
        gone(c, case[1])
        t:wait_log("ERROR plant: .*" .. case[3])
        c = b:handshake()
      end
      -- The sanitizer keeps what is freed for a while; it is still far from the 256 MB that
      -- some inputs lie of.
      local room = os.getenv "ASAN_OPTIONS" and 32 << 20 or 4 << 20
      assert.is_true(t:rss() < before + room, "memory grew")
      local connections = #b.connections
      for _, case in ipairs(harmless) do
        c:send(case[2])
        if case[3] then assert.equal(7, c:expect(case[3]).id, case[1]) end
        t:handles_next(c)
      end
      assert.equal(connections, #b.connections)
      t:stop()
    end)

    it("is left when it acknowledges with the wrong packet", function()
      local t, b = start(clean)
      local c = b:handshake()
      local cases = { { 1, "PUBREC", "PUBACK" }, { 1, "PUBCOMP", "PUBACK" },
        { 2, "PUBACK", "PUBREC" }, { 2, "PUBCOMP", "PUBREC" } }
      for _, case in ipairs(cases) do
        assert.equal(0,
          (t:ask(('lines.plant:publish("out", "x", { qos = %d }, function() end)'):format(
            case[1]))))
        local id = c:expect("PUBLISH").id
        c:send(case[2], { id = id })
        gone(c, case[2])
        t:wait_log("ERROR plant: .*" .. case[2] .. " for identifier " .. id .. ".*waits for "
          .. case[3])
        c = b:handshake { session_present = not clean }
        if not clean then -- repeated, and now answered as it should be
          local p = c:expect "PUBLISH"
          assert.same({ id, true }, { p.id, p.dup })
          if case[1] == 1 then
            c:send("PUBACK", { id = id })
          else
            c:send("PUBREC", { id = id })
            c:expect "PUBREL"
            c:send("PUBCOMP", { id = id })
          end
        end
        t:handles_next(c)
      end
      t:stop()
    end)

    it("is left when a packet stays incomplete, or comes too slowly; not when it comes in time",
      function()
      local t, b = start(clean, 0.8)
      local c = b:handshake()
      for _, part in ipairs { "\x30", "\x30\x80", publish(0, "a", "12345"):sub(1, -2),
        "\x32\x0a" } do
        c:send(part)
        gone(c, "a part")
        t:wait_log "a packet stayed incomplete within the reply timeout"
        c = b:handshake()
      end
      for _, part in ipairs { "\x20", "\x20\2\0" } do
        c:close()
        c = b:accept()
        c:expect "CONNECT"
        c:send(part)
        gone(c, "a part of CONNACK")
        t:wait_log "ERROR plant: "
        c = b:handshake()
      end
      t:handles_next(c)
      -- 13 bytes: more than the reply timeout in total
      local slow = dribble(c, publish(0, "a", "patience"), 80)
      gone(c, "a dribble")
      slow()
      t:wait_log "a packet stayed incomplete within the reply timeout"
      c = b:handshake()
      local quick = dribble(c, publish(0, "a", "patience"), 5)
      assert.equal("patience", t:value("plant.any.data").value)
      quick()
      t:handles_next(c)
      t:stop()
    end)

    it("is left when it does not answer CONNECT or SUBSCRIBE, with the name of what is missing",
      function()
      local t, b = start(clean, 0.8)
      local c = b:accept()
      c:expect "CONNECT"
      gone(c, "no CONNACK")
      t:wait_log "no CONNACK within connect_timeout"
      c = b:accept()
      c:expect "CONNECT"
      c:send("CONNACK", {})
      c:expect "SUBSCRIBE"
      c:send("PUBACK", { id = 1 })
      c:send("SUBACK", { id = 4711, codes = { 0, 0 } }) -- another identifier is no answer
      gone(c, "no SUBACK")
      t:wait_log "no SUBACK within the reply timeout"
      t:handles_next(b:handshake())
      t:stop()
    end)
  end)
end
