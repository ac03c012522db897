-- `tagline check --connect` and line:probe(): each stage fails in turn, at each address, against
-- scripted and real peers. Its line names the stage, the address, the cause and what to do.
local uv = require "luv"
local scenario = require "spec.support.scenario"
local mosquitto, pki, process, scope, tagline = scenario "mosquitto pki process scope tagline"

-- A server that says `answers[n]` to the n-th bytes that come; { close = true } closes at once.
local function server(answers)
  local s, clients = uv.new_tcp(), {}
  s:bind("127.0.0.1", 0)
  s:listen(8, function()
    local c, n = uv.new_tcp(), 0
    s:accept(c)
    clients[#clients + 1] = c
    if answers.close then c:close() return end
    c:read_start(function(_, bytes)
      n = n + 1
      if bytes and answers[n] then c:write(answers[n]) end
    end)
  end)
  scope.defer(function()
    s:close()
    for _, c in ipairs(clients) do if not c:is_closing() then c:close() end end
  end)
  return s:getsockname().port
end

-- `patience`: connect_timeout, where it is to pass; the stages before it need a part of it.
local function config(host, extra, patience)
  return tagline.config(([[line "plant" { host = %q, topic_filter = "a/#", connect_timeout = %d, %s
    station "s" { address = "a/b", tags = { v = TxtI "IN_DATA" } } }]]):format(host, patience or 90,
    extra or ""))
end

local function probe(host, extra, patience)
  local code, out, err = tagline.command { "check", "--connect", config(host, extra, patience) }
  return code, out, err
end

local upgrade = "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
local socks_ok = "\5\0\0\1\127\0\0\1\0\0"

describe("the probe of a line", function()
  after_each(scope.finish)

  -- the stage that fails, what its line says; HOST and PORT stand for the peer's
  local cases = {
    { "resolve", "mqtts://no-such.invalid", nil,
      "no%-such%.invalid:8883: resolve 'no%-such%.invalid': .*: correct host, or look at the \z
        name server" },
    { "TCP", "ws://127.0.0.1:1", nil,
      "connect to 127%.0%.0%.1:1: connection refused: start the broker, or correct host and port" },
    { "TCP", "mqtts://broker.plant", 'proxy = "http://127.0.0.1:1",',
      "broker%.plant:8883: through the proxy: .* refused: start the proxy, or correct proxy" },
    { "proxy", "mqtt://broker.plant", 'proxy = "http://127.0.0.1:PORT",',
      "broker%.plant:1883: .*403 Forbidden.*", { "HTTP/1.1 403 Forbidden\r\n\r\n" } },
    { "proxy", "mqtt://broker.plant",
      'proxy = "http://127.0.0.1:PORT", proxy_user = "u", proxy_password = "geheim",',
      "broker%.plant:1883: the proxy does not take proxy_user and proxy_password: correct them \z
        %(HTTP 407%)",
      { "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\n\r\n" } },
    { "proxy", "wss://broker.plant", 'proxy = "socks5://127.0.0.1:PORT",',
      "broker%.plant:443: .*not allow.*", { "\5\0", "\5\2\0\1\127\0\0\1\0\0" } },
    { "proxy", "mqtt://broker.plant", 'proxy = "socks5://127.0.0.1:PORT",',
      "broker%.plant:1883: no answer of the proxy within connect_timeout .*http:// or socks5://",
      {} },
    { "TLS", "mqtts://broker.plant:9", 'proxy = "socks5://127.0.0.1:PORT",',
      "broker%.plant:9: no end of the TLS handshake within connect_timeout", { "\5\0", socks_ok } },
    { "TLS", "mqtts://127.0.0.1:PORT", nil,
      "127%.0%.0%.1:PORT: that is no TLS port: it answers with plain HTTP: .*ws://",
      { "HTTP/1.1 400 Bad Request\r\n\r\n" } },
    { "TLS", "mqtts://127.0.0.1:PORT", nil, "127%.0%.0%.1:PORT: .*no TLS port.*mqtt://",
      { close = true } },
    { "WebSocket", "ws://127.0.0.1:PORT/x?token=geheim", nil,
      "127%.0%.0%.1:PORT: HTTP 404 .*for '/x': set ws_path", { "HTTP/1.1 404 Not Found\r\n\r\n" } },
    { "WebSocket", "ws://127.0.0.1:PORT", nil,
      "127%.0%.0%.1:PORT: .*Sec%-WebSocket%-Accept.*", { upgrade } },
    { "WebSocket", "ws://127.0.0.1:PORT", nil,
      "127%.0%.0%.1:PORT: no answer to the WebSocket upgrade within connect_timeout", {} },
    { "CONNECT", "mqtt://127.0.0.1:PORT", 'user_name = "u", password = "geheim",',
      "127%.0%.0%.1:PORT: connection refused, code 4: .*: correct user_name and password \z
        %(the user is 'u'%)",
      { "\32\2\0\4" } },
    { "CONNECT", "mqtt://127.0.0.1:PORT", nil,
      "127%.0%.0%.1:PORT: connection refused, code 5: .*: set user_name and password",
      { "\32\2\0\5" } },
    { "CONNECT", "mqtt://127.0.0.1:PORT", nil,
      "127%.0%.0%.1:PORT: expected CONNACK, .*TLS port.*: use mqtts://", { "\21\3\3\0\2\2\40" } },
    { "CONNECT", "mqtt://127.0.0.1:PORT", nil,
      "127%.0%.0%.1:PORT: no CONNACK within connect_timeout .*mqtts://", {} },
    { "CONNECT", "mqtt://127.0.0.1:PORT", nil, "127%.0%.0%.1:PORT.* before CONNACK: .*mqtts://",
      { close = true } },
    { "SUBSCRIBE", "mqtt://127.0.0.1:PORT", nil,
      "127%.0%.0%.1:PORT: the broker refuses topic filters: a/# REFUSED: look at its access rules",
      { "\32\2\0\0", "\144\3\0\1\128" } },
    { "SUBSCRIBE", "mqtt://127.0.0.1:PORT", nil,
      "127%.0%.0%.1:PORT: no SUBACK within connect_timeout", { "\32\2\0\0" } },
  }
  for n, case in ipairs(cases) do
    local stage, host, extra, words, answers = table.unpack(case, 1, 5)
    it(("names the stage %s and why it fails (%d)"):format(stage, n), function()
      local port = answers and server(answers) or 0
      local function with(text) return text and text:gsub("PORT", port) end
      local passes = words:find "within connect_timeout"
      local code, out, err = probe(with(host), with(extra), passes and (stage == "TLS" and 8 or 2))
      assert.equal(1, code, out .. err)
      local failed = out:match "\n  (%S+ +[%d.]+ ms +FAILED: [^\n]*)"
      assert.truthy(failed, out)
      assert.equal(stage, failed:match "^%S+", out)
      assert.truthy(failed:find(with(words)), failed)
      assert.is_nil((out .. err):find("geheim", 1, true))
    end)
  end

  it("tries each address, and runs beside the connection of the line", function()
    local ca = pki.new()
    local port = mosquitto.free_port()
    local cert, key = ca:sign("broker", "DNS:localhost")
    local m = mosquitto.start { "listener " .. port .. " 127.0.0.1", "certfile " .. cert,
      "keyfile " .. key }
    local hosts = ("mqtts://localhost:%d, mqtt://127.0.0.1:%d, mqtts://127.0.0.1:%d")
      :format(port, m.port, port)
    local path = config(hosts, ("tls_ca_file = %q,"):format(ca.file))
    local t = tagline.run(path)
    m:wait_subscribed "tagline-plant"
    local code, out, err = t:eval "lines.plant:probe()"
    assert.truthy(out:find("mqtts://localhost:%d+\n  resolve +[%d.]+ ms  127%.0%.0%.1\n\z
        \32 TCP +[%d.]+ ms  127%.0%.0%.1:%d+\n\z
        \32 TLS +[%d.]+ ms  TLS 1%.3, .-, 'CN=broker' until %d+%-%d+%-%d+\n\z
        \32 CONNECT +[%d.]+ ms  accepted\n  SUBSCRIBE +[%d.]+ ms  a/#\nmqtt://127"), out)
    assert.truthy(out:find("mqtts://127.0.0.1:%d+\n.*  TLS +[%d.]+ ms  FAILED: \z
      .*not for '127.0.0.1': set tls_server_name"), out)
    assert.equal(1, code, err)
    local _, stats = t:eval "lines.plant.stats.connects"
    assert.equal("1", stats:match "%d+")
    t:stop()
    assert.equal(1, (process.run(tagline.program(), { "check", "--connect", path })))
  end)
end)
