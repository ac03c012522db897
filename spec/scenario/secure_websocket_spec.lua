-- Lines over WebSocket, with and without TLS, against Mosquitto in a network of its own (its
-- WebSocket listener binds all interfaces whatever its config says), and against servers that
-- answer otherwise.
local uv = require "luv"
local scenario = require "spec.support.scenario"
local mosquitto, netns, pki, process, scope, tagline =
  scenario "mosquitto netns pki process scope tagline"

local config = [[
line "plant" {
  host = "HOST", reconnect_delay = 0.05, reconnect_delay_max = 0.2, topic_filter = "a/#",
  client_id = "gw", EXTRA
  station "any" {
    address = "#", tags = { data = TxtI { "IN_DATA", new_value_on_time_change = true } },
  },
}
]]

local function text_of(host, extra)
  return (config:gsub("HOST", function() return host end):gsub("EXTRA", function() return extra
    or "" end))
end

-- Mosquitto's listeners, in a network of their own; their ports by scheme.
local function broker()
  local port = { mqtt = mosquitto.free_port(), ws = mosquitto.free_port(),
    wss = mosquitto.free_port() }
  local net, ca = netns.new(), pki.new()
  local cert, key = ca:sign("broker", "DNS:localhost")
  local folder = scope.folder()
  local conf = scope.file("mosquitto.conf",
    table.concat({ "log_dest stderr", "log_type all", "allow_anonymous true",
    "user " .. uv.os_get_passwd().username, "listener " .. port.mqtt .. " 127.0.0.1",
      "listener " .. port.ws, "protocol websockets",
    "listener " .. port.wss, "protocol websockets", "cafile " .. ca.file, "certfile " .. cert,
      "keyfile " .. key, "" }, "\n"), folder)
  local p = net:start(process.find "mosquitto", { "-c", conf })
  p:wait_log " running$"
  net.port = port
  return net, p, ca
end

-- tagline in that network.
local function run_in(net, host, extra)
  local path, socket = tagline.config(text_of(host, extra)), scope.folder() .. "/socket"
  local t = net:start(tagline.program(), { "run", path, "--values", "--socket", socket })
  t.socket = socket
  return setmetatable(t, tagline)
end

local function publish(net, payload)
  local code, _, errors = net:run(process.find "mosquitto_pub",
    { "-p", tostring(net.port.mqtt), "-t", "a/x", "-q", "1", "-s" }, { input = payload })
  assert.equal(0, code, errors)
end

describe("a line over WebSocket", function()
  after_each(scope.finish)

  for _, scheme in ipairs { "ws", "wss" } do
    it("carries messages both ways, small and large, as " .. scheme, function()
      local net, m, ca = broker()
      local t = run_in(net, ("%s://localhost:%d/mqtt"):format(scheme, net.port[scheme]),
        scheme == "wss" and ("tls_ca_file = %q,"):format(ca.file))
      t:wait_log(scheme == "ws" and "connected to 127%.0%.0%.1:%d+ %(WebSocket /mqtt%)"
        or "connected to 127%.0%.0%.1:%d+ %(TLS 1%.3, .*, 'CN=broker' until .*, WebSocket /mqtt%)")
      m:wait_log "Sending SUBACK to gw"
      for n = 1, 30 do publish(net, "m" .. n) end
      for n = 1, 30 do assert.equal("m" .. n, t:value("plant.any.data").value) end
      for _, size in ipairs { 125, 126, 65535, 65536, 200000 } do
        publish(net, ("x"):rep(size))
        assert.equal(size, #t:value("plant.any.data").value)
      end
      for _, size in ipairs { 1, 125, 126, 65535, 65536, 200000 } do
        assert.equal(0,
          (t:eval(('assert(lines.plant:publish("a/back", ("y"):rep(%d), { qos = 2 }))'):format(
            size))))
        assert.equal(size, #t:value("plant.any.data").value)
      end
      t:stop()
    end)
  end

  it("names a broker that is none, and what check --connect finds", function()
    local net, _, ca = broker()
    local path =
      tagline.config(
        text_of(("ws://localhost:%d, ws://localhost:%d, wss://localhost:%d"):format(net.port.ws,
          net.port.mqtt,
      net.port.wss), ("tls_ca_file = %q,"):format(ca.file)))
    local code, out = net:run(tagline.program(), { "check", "--connect", path })
    assert.equal(1, code)
    assert.truthy(
      out:find(
        "ws://localhost:%d+\n.*WebSocket +[%d.]+ ms +/mqtt\n +CONNECT +[%d.]+ ms +accepted\n \z
          +SUBSCRIBE"), out)
    assert.truthy(
      out:find("ws://localhost:%d+\n.*WebSocket +[%d.]+ ms +FAILED: localhost:%d+: .* WebSocket"),
        out)
    assert.truthy(
      out:find(
        "wss://localhost:%d+\n.*TLS +[%d.]+ ms +TLS 1.3.*WebSocket .*SUBSCRIBE +[%d.]+ ms +a/#"),
          out)
  end)
end)

-- A server of the spec's own: answers a request with `head`, which may be a function of it.
local function http_server(head)
  local s, clients = { heads = {} }, {}
  local server = uv.new_tcp()
  server:bind("127.0.0.1", 0)
  s.port = server:getsockname().port
  server:listen(16, function()
    local c, input = uv.new_tcp(), ""
    server:accept(c)
    clients[#clients + 1] = c
    c:read_start(function(_, bytes)
      if not bytes then return end
      input = input .. bytes
      if input:find("\r\n\r\n", 1, true) and not input.answered then
        s.heads[#s.heads + 1] = input
        input = ""
        c:write(type(head) == "function" and head(s.heads[#s.heads]) or head)
      end
    end)
  end)
  scope.defer(function()
    server:close()
    for _, c in ipairs(clients) do c:close() end
  end)
  return s
end

describe("a WebSocket server that answers otherwise", function()
  after_each(scope.finish)

  local cases = {
    ["HTTP/1.1 404 Not Found\r\n\r\n"] = "HTTP 404 Not Found for '/mqtt': set ws_path",
    ["HTTP/1.1 302 Found\r\nLocation: https://login.example/\r\n\r\n"] =
      "HTTP 302 Found for '/mqtt', to 'https://login.example/': it is not followed",
    ["HTTP/1.1 401 Unauthorized\r\n\r\n"] =
      "HTTP 401 Unauthorized for '/mqtt': it wants a login",
    ["HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"] =
      "HTTP 200 OK for '/mqtt': that is a web server and no WebSocket",
    ["HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: \z
      x\r\n\r\n"] = "Sec-WebSocket-Accept is wrong",
    ["\x20\x02\x00\x05"] = "that is no WebSocket port: correct the port, or use mqtt://",
  }
  for answer, words in pairs(cases) do
    it("is named: " .. words, function()
      local s = http_server(answer)
      local t = tagline.run(text_of("ws://127.0.0.1:" .. s.port,
        'ws_headers = { Authorization = "Bearer geheim" },'))
      t:wait_log("WARN  plant: 127%.0%.0%.1:%d+: .*" .. words:gsub("%p", "%%%0"))
      assert.truthy(s.heads[1]:find "\r\nAuthorization: Bearer geheim\r\n")
      assert.truthy(s.heads[1]:find "\r\nSec%-WebSocket%-Protocol: mqtt\r\n")
      t:stop()
      assert.is_nil(t:text("stderr"):find("geheim", 1, true))
    end)
  end

  it("gets the headers of a function at each attempt, and none when it fails", function()
    local s = http_server "HTTP/1.1 403 Forbidden\r\n\r\n"
    local t = tagline.run("local n = 0\n" .. text_of("ws://127.0.0.1:" .. s.port .. "/x?key=geheim",
      "ws_headers = function() n = n + 1 if n == 3 then error('no token') end return { \z
        ['X-Token'] = 'token' .. n } end,"))
    t:wait_log "HTTP 403 Forbidden for '/x': it does not let us in"
    t:wait_log "no token"
    t:wait_log "ws_headers failed"
    t:wait_log "HTTP 403"
    t:stop()
    assert.truthy(s.heads[1]:find("^GET /x%?key=geheim HTTP/1.1\r\n"))
    assert.truthy(s.heads[1]:find "\r\nX%-Token: token1\r\n")
    assert.truthy(s.heads[2]:find "\r\nX%-Token: token2\r\n")
    assert.truthy(s.heads[3]:find "\r\nX%-Token: token4\r\n")
    assert.is_nil(t:text("stderr"):find("geheim", 1, true))
  end)
end)

-- Proxies of the spec's own: they forward to 127.0.0.1, whatever host is asked for.
local function forward(client, port, ready, first)
  local target = uv.new_tcp()
  target:connect("127.0.0.1", port, function(why)
    if why then client:close() return end
    ready()
    if first and #first > 0 then target:write(first) end
    client:read_start(function(_, bytes) if bytes then
      target:write(bytes) else target:shutdown() end end)
    target:read_start(function(_, bytes) if bytes then
      client:write(bytes) else client:shutdown() end end)
  end)
  scope.defer(function() if not target:is_closing() then target:close() end end)
end

local function proxy_server(on_client)
  local server = uv.new_tcp()
  server:bind("127.0.0.1", 0)
  server:listen(16, function()
    local c = uv.new_tcp()
    server:accept(c)
    scope.defer(function() if not c:is_closing() then c:close() end end)
    on_client(c)
  end)
  scope.defer(function() server:close() end)
  return server:getsockname().port
end

local function http_proxy(asked, answer)
  return proxy_server(function(c)
    local input = ""
    c:read_start(function(_, bytes)
      input = input .. (bytes or "")
      local stop = select(2, input:find("\r\n\r\n", 1, true))
      if not stop then return end
      c:read_stop()
      asked[#asked + 1] = input:sub(1, stop)
      if answer then c:write(answer) return end
      local port = tonumber(input:match "^CONNECT [^ ]*:(%d+) ")
      forward(c, port, function() c:write "HTTP/1.1 200 Connection established\r\n\r\n" end,
        input:sub(stop + 1))
    end)
  end)
end

local function socks_proxy(asked)
  return proxy_server(function(c)
    local input, step = "", 1
    c:read_start(function(_, bytes)
      input = input .. (bytes or "")
      if step == 1 and #input >= 2 and #input >= 2 + input:byte(2) then
        input, step = input:sub(3 + input:byte(2)), 2
        c:write "\5\2"
      end
      if step == 2 and #input > 2 then
        local user, password = string.unpack("s1s1", input, 2)
        asked[#asked + 1] = user .. " " .. password
        input, step = "", 3
        c:write(password == "geheim" and "\1\0" or "\1\1")
      elseif step == 3 and #input > 6 then
        local host, port = string.unpack(">s1I2", input, 5)
        asked[#asked + 1] = host .. ":" .. port
        c:read_stop()
        forward(c, port, function() c:write "\5\0\0\1\127\0\0\1\0\0" end)
      end
    end)
  end)
end

describe("a line through a proxy", function()
  after_each(scope.finish)

  it("asks an HTTP proxy to resolve the name, plain and with TLS", function()
    local ca, asked = pki.new(), {}
    local port = mosquitto.free_port()
    local cert, key = ca:sign("broker", "DNS:broker.plant")
    local m = mosquitto.start { "listener " .. port .. " 127.0.0.1", "cafile " .. ca.file,
      "certfile " .. cert, "keyfile " .. key }
    local proxy = http_proxy(asked)
    local t = tagline.run(text_of("mqtts://broker.plant:" .. port,
      ('tls_ca_file = %q, proxy = "http://127.0.0.1:%d",'):format(ca.file, proxy)))
    t:wait_log("connected to broker%.plant:%d+ %(TLS 1%.3, .*, through 127%.0%.0%.1:" .. proxy
      .. "%)")
    m:wait_subscribed "gw"
    m:publish("a/x", "through", { qos = 1 })
    assert.equal("through", t:value("plant.any.data").value)
    t:stop()
    assert.truthy(asked[1]:find(("^CONNECT broker.plant:%d HTTP/1.1\r\n"):format(port)))
    t = tagline.run(text_of("mqtt://broker.plant:" .. m.port,
      ('proxy = "http://localhost:%d", proxy_user = "u", proxy_password = "geheim",')
      :format(proxy)))
    t:wait_log "connected to broker%.plant:%d+ %(through localhost:%d+%)"
    m:publish("a/x", ("z"):rep(100000), { qos = 1 })
    assert.equal(100000, #t:value("plant.any.data").value)
    t:stop()
    assert.truthy(asked[2]:find("\r\nProxy-Authorization: Basic dTpnZWhlaW0=\r\n", 1, true))
    assert.is_nil(t:text("stderr"):find("geheim", 1, true))
  end)

  it("asks a SOCKS5 proxy, with user and password, and tells what it refuses", function()
    local asked = {}
    local m, proxy = mosquitto.start(), socks_proxy(asked)
    local words =
      ('proxy = "socks5://127.0.0.1:%d", proxy_user = "u", proxy_password = "%%s",'):format(proxy)
    local t = tagline.run(text_of("mqtt://broker.plant:" .. m.port, words:format "geheim"))
    t:wait_log "connected to broker%.plant"
    m:wait_subscribed "gw"
    m:publish("a/x", "through", { qos = 1 })
    assert.equal("through", t:value("plant.any.data").value)
    t:stop()
    assert.same({ "u geheim", "broker.plant:" .. m.port }, asked)
    t = tagline.run(text_of("mqtt://broker.plant:" .. m.port, words:format "falsch"))
    t:wait_log "WARN  plant: broker%.plant:%d+: the proxy does not take proxy_user and \z
      proxy_password: correct them"
    t:stop()
    assert.is_nil(t:text("stderr"):find("falsch", 1, true))
  end)

  it("tells a proxy that wants a password or is not there", function()
    local proxy = http_proxy({},
      "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic \z
        realm=\"plant\"\r\n\r\n")
    local t =
      tagline.run(text_of("mqtt://broker.plant", ('proxy = "http://127.0.0.1:%d",'):format(proxy)))
    t:wait_log "broker%.plant:1883: the proxy wants a password: set proxy_user and \z
      proxy_password %(HTTP 407, realm 'plant'%)"
    t:stop()
    t = tagline.run(text_of("mqtt://broker.plant",
      ('proxy = "http://127.0.0.1:%d",'):format(mosquitto.free_port())))
    t:wait_log "broker%.plant:1883: through the proxy: connect to 127%.0%.0%.1:%d+: connection \z
      refused"
    t:stop()
  end)
end)
