-- Real servers between a line and its broker: haproxy that ends TLS, tinyproxy (CONNECT),
-- microsocks (SOCKS5). Each test is pending where its server is not installed.
local uv = require "luv"
local scenario = require "spec.support.scenario"
local files, mosquitto, netns, pki, process, scope, tagline, wait =
  scenario "files mosquitto netns pki process scope tagline wait"

local config = [[
line "plant" {
  host = "HOST", reconnect_delay = 0.05, reconnect_delay_max = 0.2, topic_filter = "a/#",
  client_id = "gw", subscribe_qos = 1, EXTRA
  station "any" {
    address = "#", tags = { data = TxtI { "IN_DATA", new_value_on_time_change = true } },
  },
}
]]

local function run(host, extra, net)
  local text = config:gsub("HOST", function() return host end):gsub("EXTRA",
    function() return extra or "" end)
  return tagline.run(text, nil, { net = net })
end

-- The path of a server, or nothing, and the test is pending.
local function server(name)
  local there, path = pcall(process.find, name)
  if there then return path end
  return pending(name .. " is not installed: scripts/setup test")
end

local function listens(port)
  local s, done, why = uv.new_tcp(), nil, nil
  s:connect("127.0.0.1", port, function(e) done, why = true, e end)
  wait.till("an answer", nil, function() return done end)
  s:close()
  return not why
end

-- Starts it, and waits until it listens at this port.
local function start(path, words, port, net)
  local p = process.start(path, words, { net = net })
  wait.poll(path .. " at its port", nil, function()
    if p.code then error(p:text "stderr" .. p:text()) end
    if not net then return listens(port) end
    return net:run("/bin/sh", { "-c", ("ss -ltn | grep -q ':%d '"):format(port) }) == 0
  end)
  return p
end

local function haproxy(path, lines, port, net)
  local text =
    "defaults\n mode tcp\n timeout connect 1s\n timeout client 100s\n timeout server \z
      100s\n retries 0\n"
  return start(path, { "-db", "-f", scope.file("haproxy.cfg", text .. lines) }, port, net)
end

local function both(cert, key)
  return scope.file("both.pem", files.read(cert) .. files.read(key))
end

-- What `tagline check --connect` finds.
local function probe(host, extra)
  local text = config:gsub("HOST", function() return host end):gsub("EXTRA",
    function() return extra end)
  return select(2, tagline.command { "check", "--connect", tagline.config(text) })
end

describe("haproxy", function()
  after_each(scope.finish)

  it("ends TLS in front of a broker: messages pass, and its end and return are an outage",
    function()
    local path = server "haproxy"
    if not path then return end
    local ca, m, port = pki.new(), mosquitto.start(), mosquitto.free_port()
    local pem = both(ca:sign("front", "DNS:localhost"))
    local lines = ([[
frontend f
 bind 127.0.0.1:%d ssl crt %s
 default_backend b
backend b
 server m 127.0.0.1:%d
]]):format(port, pem, m.port)
    local h = haproxy(path, lines, port)
    local t = run("mqtts://localhost:" .. port, ("tls_ca_file = %q,"):format(ca.file))
    t:wait_log "connected to 127.*TLS 1%.3, .*'CN=front'"
    m:wait_subscribed "gw"
    for _, size in ipairs { 1, 20000, 300000 } do
      m:publish("a/x", ("x"):rep(size), { qos = 1 })
      assert.equal(size, #t:value("plant.any.data").value)
    end
    h:kill "sigkill"
    local ended = t:wait_log "WARN  plant: localhost:%d+: "
    -- which of the two depends on what it had not read yet
    assert.truthy(ended:find "closed the connection"
      or ended:find "connection reset by peer", ended)
    haproxy(path, lines, port)
    m:wait_subscribed "gw"
    m:publish("a/x", "again", { qos = 1 })
    local value
    repeat -- its acknowledgement may have been in haproxy: then the last one comes once more
      value = t:value("plant.any.data").value
    until value ~= ("x"):rep(300000)
    assert.equal("again", value)
    t:stop()
  end)

  it("wants a certificate, or knows one name only: that is told", function()
    local path = server "haproxy"
    if not path then return end
    local ca, m, port, other = pki.new(), mosquitto.start(), mosquitto.free_port(),
      mosquitto.free_port()
    local pem = both(ca:sign("front", "DNS:localhost,IP:127.0.0.1"))
    haproxy(path, ([[
frontend f
 bind 127.0.0.1:%d ssl crt %s ca-file %s verify required
 bind 127.0.0.1:%d ssl crt %s strict-sni
 default_backend b
backend b
 server m 127.0.0.1:%d
]]):format(port, pem, ca.file, other, pem, m.port), port)
    local given = ("tls_ca_file = %q,"):format(ca.file)
    local out = probe("mqtts://localhost:" .. port, given)
    assert.truthy(
      out:find "TLS +[%d.]+ ms +FAILED: localhost:%d+: the broker wants a client certificate", out)
    local cert, key = ca:sign "gw1"
    out = probe("mqtts://localhost:" .. port,
      given .. ("tls_cert_file = %q, tls_key_file = %q,"):format(cert, key))
    assert.truthy(out:find "SUBSCRIBE +[%d.]+ ms +a/#", out)
    out = probe("mqtts://127.0.0.1:" .. other, given)
    assert.truthy(
      out:find "TLS +[%d.]+ ms +FAILED: .*does not know the name '127.0.0.1': set \z
        tls_server_name", out)
    out = probe("mqtts://127.0.0.1:" .. other, given .. 'tls_server_name = "localhost",')
    assert.truthy(out:find "SUBSCRIBE +[%d.]+ ms +a/#", out)
  end)

  it("passes WebSockets on by their path, and says when nobody is behind it", function()
    local path = server "haproxy"
    if not path then return end
    local net, ca = netns.new(), pki.new()
    local ws, port = mosquitto.free_port(), mosquitto.free_port()
    local m = mosquitto.start { net = net, "listener " .. ws, "protocol websockets" }
    local pem = both(ca:sign("front", "DNS:localhost"))
    haproxy(path, ([[
frontend f
 mode http
 bind 127.0.0.1:%d ssl crt %s alpn h2,http/1.1
 use_backend none if { path /none }
 default_backend b
backend b
 mode http
 server m 127.0.0.1:%d
backend none
 mode http
 server n 127.0.0.1:9
]]):format(port, pem, ws), port, net)
    local t = run(("wss://localhost:%d/none, wss://localhost:%d/mqtt"):format(port, port),
      ("tls_ca_file = %q,"):format(ca.file), net)
    t:wait_log "WARN  plant: localhost:%d+: HTTP 503 Service Unavailable for '/none': the server \z
      answers, but the broker behind it does not"
    t:wait_log "connected to 127.*TLS 1%.3.*WebSocket /mqtt"
    m:wait_subscribed "gw"
    m:publish("a/x", ("x"):rep(70000), { qos = 1 })
    assert.equal(70000, #t:value("plant.any.data").value)
    t:stop()
  end)
end)

describe("a real proxy", function()
  after_each(scope.finish)

  local function passes(kind, port)
    local ca, secure = pki.new(), mosquitto.free_port()
    local cert, key = ca:sign("broker", "DNS:localhost")
    local m = mosquitto.start { "listener " .. secure .. " 127.0.0.1", "certfile " .. cert,
      "keyfile " .. key }
    local extra =
      ('tls_ca_file = %q, proxy = "%s://127.0.0.1:%d", proxy_user = "user", proxy_password \z
        = "%%s",'):format(
      ca.file, kind, port)
    local t = run("mqtts://localhost:" .. secure, extra:format "geheim")
    t:wait_log(
      ("connected to localhost:%%d+ %%(TLS 1%%.3, .*, through 127%%.0%%.0%%.1:%d%%)"):format(
        port))
    m:wait_subscribed "gw"
    m:publish("a/x", ("x"):rep(200000), { qos = 1 })
    assert.equal(200000, #t:value("plant.any.data").value)
    t:stop()
    local out = probe("mqtts://localhost:" .. secure, extra:format "falsch")
    assert.truthy(out:find "proxy +[%d.]+ ms +FAILED: localhost:%d+: the proxy does not take \z
      proxy_user and proxy_password: correct them", out)
    out = probe("mqtt://localhost:9", extra:format "geheim":gsub("tls_ca_file = [^,]+,", ""))
    assert.truthy(
      out:find "proxy +[%d.]+ ms +FAILED: localhost:9: the proxy refuses.*: check host and \z
        port", out)
    assert.is_nil((out .. t:text "stderr"):find("geheim", 1, true))
  end

  it("by CONNECT: tinyproxy", function()
    local path, port = server "tinyproxy", mosquitto.free_port()
    if not path then return end
    local settings = scope.file("tinyproxy.conf", ("Port %d\nListen 127.0.0.1\n\z
      BasicAuth user geheim\nLogLevel Error\nMaxClients 9\nTimeout 600\n"):format(port))
    start(path, { "-d", "-c", settings }, port)
    passes("http", port)
  end)

  it("by SOCKS5: microsocks", function()
    local path, port = server "microsocks", mosquitto.free_port()
    if not path then return end
    start(path, { "-i", "127.0.0.1", "-p", tostring(port), "-u", "user", "-P", "geheim" },
      port)
    passes("socks5", port)
  end)
end)
