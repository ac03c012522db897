-- Lines over TLS against a real Mosquitto and openssl's own server: what works, what fails and
-- how that is told.
local uv = require "luv"
local scenario = require "spec.support.scenario"
local files, mosquitto, pki, process, scope, tagline, wait =
  scenario "files mosquitto pki process scope tagline wait"

local config = [[
line "plant" {
  host = "HOST", reconnect_delay = 0.05, reconnect_delay_max = 0.2, topic_filter = "a/#",
  client_id = "gw", EXTRA
  station "any" {
    address = "#",
    tags = { data = TxtI { "IN_DATA", new_value_on_time_change = true },
      to = TxtO { "OUT_TOPIC", default = "out" }, out = TxtO "OUT_VALUE" },
  },
}
]]

local function run(host, extra, options)
  local text = config:gsub("HOST", function() return host end):gsub("EXTRA",
    function() return extra or "" end)
  return tagline.run(text, nil, options)
end

-- A Mosquitto with a TLS listener beside its plain one; the TLS port.
local function tls_broker(ca, cert, key, ...)
  local port = mosquitto.free_port()
  local m = mosquitto.start { "listener " .. port .. " 127.0.0.1", "cafile " .. ca.file,
    "certfile " .. cert, "keyfile " .. key, ... }
  return m, port
end

local function openssl_server(...)
  local port = mosquitto.free_port()
  local p = process.start(process.find "openssl",
    { "s_server", "-accept", "127.0.0.1:" .. port,
    "-quiet", ... })
  wait.till("openssl's server", nil, function()
    local s, done, why = uv.new_tcp(), nil, nil
    s:connect("127.0.0.1", port, function(e) done, why = true, e end)
    wait.till("a connection", nil, function() return done end)
    s:close()
    return not why
  end)
  return p, port
end

describe("a line over TLS", function()
  after_each(scope.finish)

  it("carries messages both ways, small and large, and comes back when the broker was down",
    function()
    local ca = pki.new()
    local m, port = tls_broker(ca, ca:sign("broker", "DNS:localhost,IP:127.0.0.1"))
    local t = run("mqtts://localhost:" .. port, ("tls_ca_file = %q,"):format(ca.file))
    t:wait_log "INFO  plant: connected to 127%.0%.0%.1:%d+ %(TLS 1%.3, TLS_AES_256_GCM_SHA384, \z
      'CN=broker' until %d+%-%d+%-%d+%)"
    m:wait_subscribed "gw"
    -- nothing came yet: what it offers to look with knows that the CA is no public one
    local _, status = tagline.command { "status", "--socket", t.socket }
    assert.truthy(status:find(("tagline discover mqtts://localhost:%d --tls-ca-file FILE shows")
      :format(port), 1, true), status)
    for n = 1, 50 do m:publish("a/x", "m" .. n, { qos = 1 }) end
    for n = 1, 50 do assert.equal("m" .. n, t:value("plant.any.data").value) end
    local large = ("x"):rep(300000)
    m:publish("a/x", large, { qos = 1 })
    assert.equal(large, t:value("plant.any.data").value)
    local sub = m:subscribe "out"
    assert.equal(0,
      (t:eval 'assert(lines.plant:publish("out", ("y"):rep(300000), { qos = 2 }))'))
    assert.equal(300000, #sub:wait_line("^2 0 out "):match "y+")
    m:kill()
    t:wait_log "WARN  plant: "
    m:restart()
    m:wait_subscribed("gw", 30000)
    m:publish("a/x", "again", { qos = 1 })
    assert.equal("again", t:value("plant.any.data").value)
    t:stop()
  end)

  it("shows a client certificate whose key is encrypted, and the system's or an inline CA",
    function()
    local ca = pki.new()
    local m, port = tls_broker(ca, ca:sign("broker", "DNS:localhost"))
    local m2, port2 = tls_broker(ca,
      (function(c, k) return c, k end)(ca:sign("broker", "DNS:localhost")))
    m2.options[#m2.options + 1] = "require_certificate true"
    m2:kill()
    m2:restart()
    local cert, key = ca:sign "gw1"
    process.run(process.find "openssl", { "ec", "-in", key, "-aes256", "-passout",
      "pass:geheim",
      "-out", key .. ".enc" })
    local pem = files.read(ca.file)
    local extra = "tls_ca_file = %q, tls_cert_file = %q, tls_key_file = %q, \z
      tls_key_password = 'geheim',"
    local t = run("mqtts://localhost:" .. port2, extra:format(pem, cert, key .. ".enc"))
    t:wait_log "connected to 127"
    m2:wait_subscribed "gw"
    t:stop()
    assert.is_nil(t:text("stderr"):find("geheim", 1, true))
    t = run("mqtts://localhost:" .. port, "", { env = { SSL_CERT_FILE = ca.file } })
    t:wait_log "connected to 127"
    m:wait_subscribed "gw"
    t:stop()
  end)

  local function fails(host, extra, pattern)
    local t = run(host, extra)
    t:wait_log("WARN  plant: " .. pattern)
    -- a reset may take the last words of one attempt with it
    wait.till("the same in status()", nil, function()
      local _, out = t:eval "status()"
      return out:find(pattern)
    end)
    t:stop()
  end

  it("tells an unknown CA, a wrong name and a client certificate that is wanted, with what \z
    to do",
    function()
    local ca, other = pki.new(), pki.new "Other CA"
    local m, port = tls_broker(ca, ca:sign("broker", "DNS:broker.local"))
    local given = ("tls_ca_file = %q,"):format(ca.file)
    fails("mqtts://localhost:" .. port, ("tls_ca_file = %q,"):format(other.file),
      "localhost:%d+: the certificate is signed by 'CN=Plant CA', which is not trusted: give \z
        its file as tls_ca_file")
    fails("mqtts://127.0.0.1:" .. port, given,
      "127%.0%.0%.1:%d+: the certificate is for 'broker%.local', not for '127%.0%.0%.1': \z
        set tls_server_name = \"broker%.local\", or correct host")
    fails("mqtts://localhost:" .. port, given,
      "localhost:%d+: the certificate is for 'broker%.local', not for 'localhost': set \z
        tls_server_name = \"broker%.local\", or correct host")
    local t = run("mqtts://localhost:" .. port, given .. 'tls_server_name = "broker.local",')
    t:wait_log "connected to 127"
    t:stop()
    t = run("mqtts://localhost:" .. port, given .. 'tls_verify = "ca",')
    t:wait_log "connected to 127"
    t:stop()
    t = run("mqtts://localhost:" .. port, "tls_verify = false,")
    t:wait_log "WARN  plant: localhost:%d+: tls_verify = false"
    t:wait_log "connected to 127.*not verified"
    t:stop()
    m.options[#m.options + 1] = "require_certificate true"
    m:kill()
    m:restart()
    fails("mqtts://localhost:" .. port, given .. 'tls_server_name = "broker.local",',
      "localhost:%d+: the broker wants a client certificate: set tls_cert_file and \z
        tls_key_file")
    local cert, key = other:sign "gw2"
    fails("mqtts://localhost:" .. port,
      given
        .. ('tls_server_name = "broker.local", tls_cert_file = %q, tls_key_file = %q,'):format(
        cert, key),
      "localhost:%d+: the broker does not trust the CA of our client certificate 'CN=gw2' \z
        %(alert unknown CA%)")
  end)

  it("tells ports that speak something else, versions and a peer that says nothing", function()
    local ca = pki.new()
    local given = ("tls_ca_file = %q,"):format(ca.file)
    local m = mosquitto.start()
    fails("mqtts://127.0.0.1:" .. m.port, given,
      "127%.0%.0%.1:%d+: the connection broke in the TLS handshake .*no TLS port")
    local cert, key = ca:sign("broker", "DNS:localhost")
    local _, old = openssl_server("-cert", cert, "-key", key, "-tls1_1", "-cipher",
      "DEFAULT@SECLEVEL=0")
    fails("mqtts://localhost:" .. old, given,
      'localhost:%d+: the broker has no TLS version in common with us %(tls_min_version is \z
        "1%.2"%)')
    local server, answer = uv.new_tcp(), "HTTP/1.1 400 Bad Request\r\n\r\n"
    server:bind("127.0.0.1", 0)
    local clients = {}
    server:listen(8, function()
      local c = uv.new_tcp()
      server:accept(c)
      clients[#clients + 1] = c
      c:read_start(function(_, bytes)
        if not bytes or not answer then return end
        c:write(answer)
        c:shutdown()
      end)
    end)
    scope.defer(function()
      server:close()
      for _, c in ipairs(clients) do c:close() end
    end)
    local port = server:getsockname().port
    fails("mqtts://127.0.0.1:" .. port, given,
      "127%.0%.0%.1:%d+: that is no TLS port: it answers with plain HTTP")
    answer = "\x20\x02\x00\x05"
    fails("mqtts://127.0.0.1:" .. port, given,
      "127%.0%.0%.1:%d+: that is no TLS port: it answers with plain MQTT")
    answer = nil
    local t = run("mqtts://127.0.0.1:" .. port, given .. "connect_timeout = 0.3,")
    t:wait_log "ERROR plant: 127%.0%.0%.1:%d+: no end of the TLS handshake within \z
      connect_timeout %(0%.3 s%); port 443 may want tls_alpn"
    t:stop()
  end)

  it("sends what is configured: the name, the protocols", function()
    local ca = pki.new()
    local cert, key = ca:sign("broker", "DNS:broker.local")
    for said, words in pairs { ['Hostname in TLS extension: "broker.local"'] = { "-servername",
      "broker.local", "-cert2", cert, "-key2", key },
      ["ALPN protocols advertised by the client: x-amzn-mqtt-ca, mqtt"] = { "-alpn",
        "x-amzn-mqtt-ca" },
      ["ALPN protocols selected: x-amzn-mqtt-ca"] = { "-alpn", "x-amzn-mqtt-ca" } } do
      local port = mosquitto.free_port()
      local p = process.start(process.find "openssl",
        { "s_server", "-accept", "127.0.0.1:" .. port, "-cert", cert, "-key", key,
        table.unpack(words) })
      p:wait_line "ACCEPT"
      local t = run("mqtts://127.0.0.1:" .. port,
        ('tls_ca_file = %q, tls_server_name = "broker.local", tls_alpn = { "x-amzn-mqtt-ca", \z
          "mqtt" },')
        :format(ca.file))
      p:wait_line "CIPHER is"
      assert.truthy(p:text():find(said, 1, true), p:text())
      t:stop()
      p:kill "sigkill"
    end
  end)

  it("takes a key shared with the broker in place of certificates, and says that it is wrong",
    function()
    local port, key = mosquitto.free_port(), "00112233445566778899aabbccddeeff"
    local keys = scope.file("keys", "gw:" .. key .. "\n")
    local m = mosquitto.start { "listener " .. port .. " 127.0.0.1", "psk_hint x",
      "psk_file " .. keys }
    local t = run("mqtts://127.0.0.1:" .. port,
      ('tls_psk = %q, tls_psk_identity = "gw",'):format(key))
    t:wait_log "connected to 127%.0%.0%.1:%d+ %(TLS 1%.3, TLS_[%w_]+, with tls_psk%)"
    m:wait_subscribed "gw"
    t:stop()
    assert.is_nil(t:text("stderr"):find(key, 1, true))
    for _, pair in ipairs { { key:reverse(), "gw" }, { key, "other" } } do
      fails("mqtts://127.0.0.1:" .. port,
        ("tls_psk = %q, tls_psk_identity = %q,"):format(table.unpack(pair)),
        "127%.0%.0%.1:%d+: the broker does not take our PSK: correct tls_psk and \z
          tls_psk_identity")
    end
  end)

  it("resumes its session, takes a renewed certificate and keeps the old one when the new does \z
    not load", function()
    local ca = pki.new()
    local m, port = tls_broker(ca, ca:sign("broker", "DNS:localhost"))
    local cert, key = ca:sign("gw1", nil, { into = "own" })
    local t = run("mqtts://localhost:" .. port,
      ("tls_ca_file = %q, tls_cert_file = %q, tls_key_file = %q,"):format(ca.file, cert, key),
      { arguments = { "--log-level", "debug" } })
    t:wait_log "session new"
    m:wait_subscribed "gw"
    t:eval "lines.plant:reconnect()"
    t:wait_log "session resumed"
    ca:sign("gw1", nil, { into = "own" })
    t:eval "lines.plant:reconnect()"
    t:wait_log "session new"
    m:wait_subscribed "gw"
    files.write(key, "no key\n")
    t:eval "lines.plant:reconnect()"
    t:wait_log "WARN  plant: tls_key_file '[^']+own.key': holds no private key in PEM form; the \z
      old one stays in use"
    m:wait_subscribed "gw"
    t:stop()
  end)

  it("warns of certificates that end soon, theirs and ours", function()
    local ca = pki.new()
    local _, port = tls_broker(ca, ca:sign("broker", "DNS:localhost", { days = 5 }))
    local t = run("mqtts://localhost:" .. port, ("tls_ca_file = %q,"):format(ca.file))
    t:wait_log "WARN  plant: localhost:%d+: the broker's certificate 'CN=broker' ends in 4 \z
      days: renew it"
    t:stop()
    t = run("mqtts://localhost:" .. port,
      ("tls_ca_file = %q, tls_expiry_warning = '3d',"):format(ca.file))
    t:wait_log "connected"
    t:stop()
    assert.is_nil(t:text("stderr"):find "ends in")
  end)

  it("stops reading while nobody reads the values, and loses nothing of what was decrypted \z
    by then", function()
    local ca = pki.new()
    local cert, key = ca:sign("broker", "DNS:localhost")
    local m, port = tls_broker(ca, cert, key, "max_queued_messages 0",
      "max_inflight_messages 0")
    local t = run("mqtts://localhost:" .. port, ("tls_ca_file = %q,"):format(ca.file))
    m:wait_subscribed "gw"
    t:pause()
    local lines, many = {}, 3000
    for n = 1, many do lines[n] = ("m%d %s"):format(n, ("x"):rep(n % 300)) end
    local words = { "-p", tostring(m.port), "-t", "a/x", "-q", "1", "-l" }
    assert.equal(0,
      (process.run(process.find "mosquitto_pub", words,
        { input = table.concat(lines, "\n") .. "\n" })))
    t:resume()
    for n = 1, many do assert.equal(lines[n], t:value("plant.any.data").value) end
    t:stop()
  end)

  it("tries each address as its own scheme says", function()
    local ca = pki.new()
    local m, port = tls_broker(ca, ca:sign("broker", "DNS:localhost"))
    local t = run(("mqtts://127.0.0.1:%d, mqtt://127.0.0.1:%d"):format(port, m.port),
      ("tls_ca_file = %q,"):format(ca.file))
    t:wait_log "not for '127.0.0.1': set tls_server_name = \"localhost\""
    t:wait_log "INFO  plant: connected to 127%.0%.0%.1:%d+$"
    t:stop()
  end)
end)
