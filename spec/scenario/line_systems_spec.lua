-- The systems that the reference names, for real: Mosquitto as broker, stunnel in client mode
-- before its TLS listener, a TCP-to-WebSocket wrapper before its WebSocket listener. The
-- recipes of examples/ are what is tried.
local uv = require "luv"
local scenario = require "spec.support.scenario"
local files, mosquitto, netns, process, scope, tagline, wait =
  scenario "files mosquitto netns process scope tagline wait"

local config = [[
line "plant" {
  host = "127.0.0.1", port = PORT, reconnect_delay = 0.05, reconnect_delay_max = 0.2,
  subscribe_qos = 2, topic_filter = FILTER, client_id = ID, EXTRA
  station "any" {
    address = "#",
    tags = { data = TxtI { "IN_DATA", new_value_on_time_change = true },
      to = TxtO { "OUT_TOPIC", default = "out" }, out = TxtO "OUT_VALUE" },
  },
}
]]

local function run(port, names)
  names = names or {}
  return tagline.run(config, { PORT = port, FILTER = names.filter or '"a/#"',
    ID = ("%q"):format(names.id or "tagline-plant"),
    EXTRA = names.extra or "" })
end

local function data(t, milliseconds) return t:value("plant.any.data", milliseconds).value end

describe("Mosquitto, without any extension of the standard [MQTT-7.0.0-2], [MQTT-7.1.2-1]",
  function()
  after_each(scope.finish)

  it("keeps QoS 1 and 2 messages for a program that was down, in order", function()
    local m = mosquitto.start()
    local t = run(m.port)
    m:wait_subscribed "tagline-plant"
    t:stop()
    for n = 1, 20 do m:publish("a/x", "m" .. n, { qos = 1 + n % 2 }) end
    m:publish("a/x", "not kept", { qos = 0 })
    t = run(m.port)
    t:wait_log "connected to 127.0.0.1:%d+, the broker kept the session"
    for n = 1, 20 do assert.equal("m" .. n, data(t)) end
    m:publish("a/x", "live", { qos = 1 })
    assert.equal("live", data(t))
    t:stop()
  end)

  it("keeps nothing for a clean session", function()
    local m = mosquitto.start()
    local t = run(m.port, { extra = "clean_session = true," })
    m:wait_subscribed "tagline-plant"
    t:stop()
    m:publish("a/x", "missed", { qos = 1 })
    t = run(m.port, { extra = "clean_session = true," })
    m:wait_subscribed "tagline-plant"
    m:publish("a/x", "seen", { qos = 1 })
    assert.equal("seen", data(t))
    t:stop()
  end)

  it("may be killed and started again: a session that it had on disk goes on, unconfirmed \z
    writes arrive once", function()
    local m = mosquitto.start { "persistence true", "autosave_interval 1",
      "autosave_on_changes true" }
    local t = run(m.port, { extra = 'publish_qos = 2, offline_writes = "queue",' })
    m:wait_subscribed "tagline-plant"
    m:stop() -- in order: it saves
    t:wait_log "refused"
    for n = 1, 3 do
      -- -e waits for its own writes, and not for those of a timer.
      assert.equal(0,
        (t:eval(
          ('after(0, function() lines.plant:publish("a/echo", "w%d", { qos = 2 }, function() \z
            end) end)'):format(n))))
    end
    m:restart()
    t:wait_log "the broker kept the session"
    for n = 1, 3 do assert.equal("w" .. n, data(t)) end
    m:kill()
    t:wait_log "WARN  plant: "
    m:restart()
    t:wait_log("connected to", 10000)
    m:publish("a/x", "after", { qos = 1 })
    assert.equal("after", data(t))
    t:stop()
  end)

  it("that lost the session is subscribed anew, and the log says so", function()
    local m = mosquitto.start()
    local t = run(m.port)
    m:wait_subscribed "tagline-plant"
    m:kill() -- without persistence
    m:restart()
    t:wait_log "WARN  plant: the broker lost the session: subscribing again"
    m:wait_subscribed "tagline-plant"
    m:publish("a/x", "after", { qos = 1 })
    assert.equal("after", data(t))
    t:stop()
  end)

  it("that hangs is left after ping_interval and reply_timeout, and found again", function()
    local m = mosquitto.start()
    local t = run(m.port,
      { extra = "ping_interval = 0.2, reply_timeout = 1, connect_timeout = 1," })
    m:wait_subscribed "tagline-plant"
    m:freeze()
    t:wait_log "no %u+ within the reply timeout"
    t:wait_log "no CONNACK within connect_timeout"
    m:resume()
    t:wait_log "connected to"
    m:publish("a/x", "after", { qos = 1 })
    assert.equal("after", data(t))
    t:stop()
  end)

  it("ends the older of two clients with one Client ID; the log names the reason", function()
    local m = mosquitto.start()
    local first = run(m.port, { id = "same" })
    m:wait_subscribed "same"
    local second = run(m.port, { id = "same" })
    local said =
      "closed the connection right after CONNACK %d+ times in a row: another client probably \z
        uses the Client ID 'same'"
    wait.till("the takeover to be named", 10000, function()
      return first:text("stderr"):find(said) or second:text("stderr"):find(said)
    end)
    second:stop()
    m:wait_subscribed "same"
    m:publish("a/x", "peace", { qos = 1 })
    assert.equal("peace", data(first))
    first:stop()
  end)

  it("forgets a filter that the config no longer has, although another process subscribed \z
    to it",
    function()
    local m = mosquitto.start()
    local t = run(m.port)
    m:wait_subscribed "tagline-plant"
    assert.equal(0, (t:eval 'lines.plant:set{ topic_filter = "b/#" }'))
    assert.equal(0, (t:eval "lines.plant:reconnect()"))
    m.process:wait_log "Sending UNSUBACK to tagline%-plant"
    m:wait_subscribed "tagline-plant"
    m:publish("a/x", "old", { qos = 1 })
    m:publish("b/x", "new", { qos = 1 })
    assert.equal("new", data(t))
    t:stop()
  end)

  it("shares a stream between two processes: each message reaches one of them", function()
    local m = mosquitto.start()
    local two = {}
    for at = 1, 2 do
      two[at] = run(m.port, { id = "share-" .. at, filter = '"$share/plant/a/#"' })
      m:wait_subscribed("share-" .. at)
    end
    for n = 1, 20 do m:publish("a/x", "m" .. n, { qos = 1 }) end
    local seen = {}
    wait.till("20 messages", 5000, function() return #two[1]:lines() + #two[2]:lines()
      == 20 end)
    for _, t in ipairs(two) do
      assert.is_true(#t:lines() > 0)
      for _, v in ipairs(t:values()) do
        assert.is_nil(seen[v.value])
        seen[v.value] = true
      end
      t:stop()
    end
  end)

  it("sends the line's will when the program is killed, and not when it ends in order",
    function()
    local m = mosquitto.start()
    local s = m:subscribe "will"
    local extra = 'will_flag = true, will_topic = "will", will_message = "gone", will_qos = 1,'
    local t = run(m.port, { extra = extra })
    m:wait_subscribed "tagline-plant"
    t:stop()
    t = run(m.port, { extra = extra })
    m:wait_subscribed "tagline-plant"
    t:kill "sigkill"
    assert.equal("1 0 will gone", s:wait_line "will")
    assert.equal(1, #s:lines())
  end)

  it("refuses a wrong password, which is named, and never shown", function()
    local m
    local path = scope.file("passwords", "")
    local code = process.run(process.find "mosquitto_passwd",
      { "-b", path, "me", "right-one" })
    assert.equal(0, code)
    m = mosquitto.start { "allow_anonymous false", "password_file " .. path }
    local t = run(m.port, { extra = 'user_name = "me", password = "wrong-one",' })
    t:wait_log "ERROR plant: 127%.0%.0%.1:%d+: connection refused, code [45]: .*: correct \z
      user_name and password"
    assert.equal(0, (t:eval 'lines.plant:set{ password = "right-one" }'))
    t:wait_log "INFO  plant: connected to"
    t:stop()
    assert.is_nil(t:text("stderr"):find("-one", 1, true))
  end)
end)

-- A CA and a certificate of this name that it signed, in a folder: ca.crt, server.crt,
-- server.key.
local function certificates(name)
  local folder = scope.folder()
  local function openssl(...)
    local code, _, errors = process.run(process.find "openssl", { ... }, { cwd = folder })
    assert(code == 0, errors)
  end
  openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-days", "2", "-subj", "/CN=spec CA",
    "-keyout", "ca.key", "-out", "ca.crt")
  openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
    "-subj",
    "/CN=" .. name,
    "-keyout", "server.key", "-out", "server.csr")
  scope.file("extensions", "subjectAltName=DNS:" .. name .. "\n", folder)
  openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
    "-CAcreateserial", "-days", "2",
    "-extfile", "extensions", "-out", "server.crt")
  return folder
end

-- Mosquitto with a TLS listener; returns it and that listener's port.
local function tls_broker(folder, net, ...)
  local port = mosquitto.free_port()
  return mosquitto.start { net = net, "listener " .. port .. " 127.0.0.1",
    "certfile " .. folder
    .. "/server.crt",
    "keyfile " .. folder .. "/server.key", ... }, port
end

-- stunnel with the recipe's lines, but for places and names. Returns it and the port that it
-- listens on.
local function stunnel(tls_port, ca, net)
  local port = mosquitto.free_port()
  local text = files.read "examples/stunnel/stunnel.conf"
  for key, value in pairs { accept = "127.0.0.1:" .. port, connect = "127.0.0.1:" .. tls_port,
    CAfile = ca, checkHost = "broker.test" } do
    local n
    text, n = text:gsub("\n" .. key .. "(%s*)=[^\n]*", "\n" .. key .. "%1= " .. value)
    assert.equal(1, n, key)
  end
  local p = process.start(process.find "stunnel", { scope.file("stunnel.conf", text) },
    { net = net })
  p:wait_log "Configuration successful"
  return p, port
end

describe("the stunnel recipe", function()
  after_each(scope.finish)

  local function run_recipe(port)
    return tagline.run("examples/stunnel/config.lua", nil,
      { env = { TAGLINE_HOST = "127.0.0.1", TAGLINE_PORT = tostring(port) } })
  end

  it("carries messages both ways over TLS, and comes back when stunnel or the broker was down",
    function()
    local folder = certificates "broker.test"
    local m, tls_port = tls_broker(folder)
    local s, port = stunnel(tls_port, folder .. "/ca.crt")
    local t = run_recipe(port)
    m:wait_subscribed "plant-7"
    m:publish("plant/boiler/up", '{"temp":21.5}', { qos = 1 })
    assert.equal(21.5, t:value("cloud.boiler.temperature").value)
    local sub = m:subscribe "out"
    assert.equal(0,
      (t:eval 'assert(lines.cloud:publish("out", ("x"):rep(100000), { qos = 2 }))'))
    assert.equal(100000, #sub:wait_line("^2 0 out "):match "x+")
    m:kill()
    t:wait_log "WARN  cloud: .*closed"
    m:restart()
    m:wait_subscribed("plant-7", 15000)
    s:kill "sigkill"
    s:wait_exit()
    t:wait_log "WARN  cloud: "
    t:stop()
  end)

  it("does not trust a broker that another CA, or another name, vouches for", function()
    local good, other = certificates "broker.test", certificates "somebody.else"
    for _, case in ipairs { { good, other .. "/ca.crt" }, { other, other .. "/ca.crt" } } do
      local m, tls_port = tls_broker(case[1])
      local s, port = stunnel(tls_port, case[2])
      local t = run_recipe(port)
      s:wait_log "Rejected by CERT"
      t:wait_log "WARN  cloud: "
      assert.is_nil(m.process:text("stderr"):find "plant%-7")
      t:stop()
    end
  end)
end)

describe("the WebSocket recipe", function()
  after_each(scope.finish)

  -- Mosquitto's WebSocket listener binds all interfaces, whatever its config says: where it
  -- runs is a network of its own.
  local net
  before_each(function() net = nil end)

  local function wrapper(url, ...)
    local port = mosquitto.free_port()
    local p = process.start(process.find "lua5.4",
      { "examples/websocket/wrapper.lua", "--port",
      tostring(port), url, ... },
      { net = net })
    p:wait_log "→"
    return p, port
  end

  local function broker()
    local port = mosquitto.free_port()
    net = netns.new()
    return mosquitto.start { net = net, "listener " .. port .. " 127.0.0.1",
      "protocol websockets" }, port
  end

  local function run_recipe(port)
    return tagline.run("examples/websocket/config.lua", nil, { net = net,
      env = { TAGLINE_HOST = "127.0.0.1", TAGLINE_PORT = tostring(port) } })
  end

  it("carries messages both ways, small and large, and comes back when the broker was down",
    function()
    local m, ws_port = broker()
    local w, port = wrapper(("ws://127.0.0.1:%d/mqtt"):format(ws_port))
    local t = run_recipe(port)
    m:wait_subscribed "plant-7"
    for n = 1, 50 do
      m:publish("plant/boiler/up", ('{"temp":%d}'):format(n), { qos = 1 + n % 2 })
    end
    for n = 1, 50 do assert.equal(n, t:value("cloud.boiler.temperature").value) end
    -- A frame whose length takes eight bytes; Mosquitto hands a WebSocket some 4 KB each tenth
    -- of a second.
    m:publish("plant/boiler/up", '{"temp":7,"x":"' .. ("y"):rep(66000) .. '"}', { qos = 1 })
    assert.equal(7, t:value("cloud.boiler.temperature").value)
    local sub = m:subscribe "out"
    for _, size in ipairs { 1, 125, 126, 65535, 65536, 300000 } do
      assert.equal(0,
        (t:eval(('assert(lines.cloud:publish("out", ("x"):rep(%d), { qos = 2 }))'):format(
          size))))
      assert.equal(size, #sub:wait_line("^2 0 out "):match "x+")
    end
    m:kill()
    t:wait_log "WARN  cloud: .*closed"
    m:restart()
    m:wait_subscribed("plant-7", 15000)
    m:publish("plant/boiler/up", '{"temp":99}', { qos = 1 })
    assert.equal(99, t:value("cloud.boiler.temperature").value)
    t:stop()
    w:kill "sigterm"
    assert.equal(0, (w:wait_exit()))
  end)

  it("goes over TLS with the stunnel recipe behind it", function()
    local folder = certificates "broker.test"
    net = netns.new()
    local m, tls_port = tls_broker(folder, net, "protocol websockets")
    local _, between = stunnel(tls_port, folder .. "/ca.crt", net)
    local _, port = wrapper("ws://broker.test/mqtt", "--via", "127.0.0.1:" .. between)
    local t = run_recipe(port)
    m:wait_subscribed "plant-7"
    m:publish("plant/boiler/up", '{"temp":21.5}', { qos = 1 })
    assert.equal(21.5, t:value("cloud.boiler.temperature").value)
    t:stop()
  end)

  -- A WebSocket server of the spec's own: { port =, head = the request, frames = { { opcode,
  -- masked, payload } … }, send(bytes) }.
  local function websocket_server(code)
    local port, s = mosquitto.free_port(), { head = "", frames = {}, input = "" }
    local server = uv.new_tcp()
    assert(server:bind("127.0.0.1", port))
    local function read_frames()
      while #s.input >= 6 do
        local first, second = s.input:byte(1, 2)
        local n = second & 127
        assert(n < 126, "a frame of the handshake is short")
        if #s.input < 6 + n then return end
        local payload = {}
        for at = 1, n do
          payload[at] = string.char(s.input:byte(6 + at) ~ s.input:byte(3 + (at - 1) % 4))
        end
        s.frames[#s.frames + 1] = { first & 15, second & 128 ~= 0, table.concat(payload) }
        s.input = s.input:sub(7 + n)
      end
    end
    assert(server:listen(8, function()
      local socket = uv.new_tcp()
      server:accept(socket)
      s.frames, s.input, s.head, s.closed = {}, "", "", false
      s.send = function(bytes) socket:write(bytes) end
      socket:read_start(function(_, bytes)
        if not bytes then
          s.closed = true if not socket:is_closing() then socket:close() end return
        end
        s.input = s.input .. bytes
        if s.head ~= "" then return read_frames() end
        s.head = s.input:match("^.-\r\n\r\n") or ""
        if s.head == "" then return end
        s.input = s.input:sub(#s.head + 1)
        socket:write(
          ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          .. "Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"):format(
            code(s.head:match "Sec%-WebSocket%-Key: (%S+)")))
      end)
    end))
    scope.defer(function() server:close() end)
    s.port = port
    return s
  end

  local function accept_code(key)
    local folder = scope.folder()
    scope.file("key", key .. "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", folder)
    local _, hex = process.run(process.find "openssl",
      { "dgst", "-sha1", "-r", folder .. "/key" })
    scope.file("sum",
      (hex:match("^%x+"):gsub("%x%x",
        function(two) return string.char(tonumber(two, 16)) end)),
        folder)
    local _, text = process.run(process.find "openssl", { "base64", "-in", folder .. "/sum" })
    return text:match "%S+"
  end

  it("asks for 'mqtt' [MQTT-6.0.0-3], sends binary frames [MQTT-6.0.0-1], and takes packets \z
    however they lie in frames [MQTT-6.0.0-2]", function()
    local s = websocket_server(accept_code)
    local _, port = wrapper(("ws://127.0.0.1:%d/mqtt"):format(s.port))
    local t = run_recipe(port)
    wait.till("CONNECT", 5000, function() return #s.frames > 0 end)
    assert.truthy(s.head:find("\r\nSec-WebSocket-Protocol: mqtt\r\n", 1, true), s.head)
    assert.same({ 2, true, "\x10" },
      { s.frames[1][1], s.frames[1][2], s.frames[1][3]:sub(1, 1) })
    for byte in ("\x20\2\0\0"):gmatch "." do s.send("\x82\1" .. byte) end -- a byte a frame
    local subscribe
    wait.till("SUBSCRIBE", 5000, function()
      local all = ""
      for _, f in ipairs(s.frames) do all = all .. f[3] end
      subscribe = all:match "\x82.(..)"
      return subscribe
    end)
    -- SUBACK and the first half of a PUBLISH in one frame; its other half in two fragments
    -- of a message.
    local publish = "\x30" .. string.char(2 + 15 + 11) .. "\0\15plant/boiler/up"
      .. '{"temp":21}'
    local one = "\x90\3" .. subscribe .. "\1" .. publish:sub(1, 10)
    s.send("\x82" .. string.char(#one) .. one)
    s.send("\x02\5" .. publish:sub(11, 15) .. "\x80" .. string.char(#publish - 15)
      .. publish:sub(16))
    assert.equal(21, t:value("cloud.boiler.temperature").value)
    s.send("\x81\2hi") -- text: the connection ends
    wait.till("close", 5000, function() return s.closed end)
    t:wait_log "WARN  cloud: "
    t:kill "sigkill"
  end)

  it("says what is wrong with its command line, and where it cannot listen", function()
    local taken = mosquitto.start().port
    for words, what in pairs {
      [""] = "2 %-%-port is missing",
        ["--port 1"] = "2 the broker's address, ws://…, is missing",
        ["--port"] = "2 %-%-port needs a value",
      ["--port 99999 ws://x"] = "2 %-%-port: expected 0 to 65535, got '99999'",
        ["--port 1 x"] = "2 unknown word 'x'",
      ["--port 1 wss://x/y"] = "2 wss://x/y: a stunnel does the TLS",
        ["--port 0 --listen x ws://x"] = "1 listen on x:0: ",
      ["--port " .. taken .. " ws://x"] = "1 listen on 127%.0%.0%.1:%d+: EADDRINUSE",
    } do
      local arguments = { "examples/websocket/wrapper.lua" }
      for word in words:gmatch "%S+" do arguments[#arguments + 1] = word end
      local code, out, err = process.run(process.find "lua5.4", arguments)
      assert.equal("", out)
      assert.truthy((code .. " " .. err):find("^" .. what), code .. " " .. err)
      assert.is_nil(err:find("traceback", 1, true), err)
    end
    local code, out = process.run(process.find "lua5.4",
      { "examples/websocket/wrapper.lua", "--help" })
    assert.equal(0, code)
    assert.truthy(out:find("^usage: "), out)
  end)

  it("ends a connection whose other side is no WebSocket", function()
    local m = mosquitto.start()
    local w, port = wrapper(("ws://127.0.0.1:%d"):format(m.port))
    local t = run_recipe(port)
    t:wait_log "WARN  cloud: "
    w:wait_log "the broker "
    t:stop()
  end)
end)
