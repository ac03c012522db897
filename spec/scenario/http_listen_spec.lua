-- Where the HTTP server listens: addresses, sockets, TLS; what a reload changes, and what cannot
-- be.
local scenario = require "spec.support.scenario"
local files, http, mosquitto, pki, process, scope, tagline, wait =
  scenario "files http mosquitto pki process scope tagline wait"

local rest = [[
line "plant" { host = "127.0.0.1", port = %d, client_id = "web", topic_filter = "plant/#",
  payload_type = "JSON",
  station "boiler" { address = "plant/boiler/up", tags = { t = Ai "JA=t" } } }
]]

local function run(m, word)
  return tagline.run(tagline.config(word .. "\n" .. rest:format(m.port)))
end

-- One that listens.
local function serve(m, word)
  local t = run(m, word)
  t:wait_log "http: listening on"
  return t
end

local function reload(t, m, word)
  files.write(t.config_path, word .. "\n" .. rest:format(m.port))
  return t:eval "reload()"
end

local function at(port, more)
  return ('http { listen = "127.0.0.1:%d", %s }'):format(port, more or "")
end

local function refuses(port)
  local ok = pcall(http.connect, port)
  return not ok
end

describe("the HTTP server's address", function()
  after_each(scope.finish)

  it("is closed where the config says nothing of it", function()
    local m, port = mosquitto.start(), http.free_port()
    local t = run(m, "")
    t:wait_log "connected"
    assert.truthy(refuses(port))
    assert.is_nil(t:text "stderr":find "listening")
    t:stop()
  end)

  it("in use ends the start with 1, and says so", function()
    local m, port = mosquitto.start(), http.free_port()
    local first = serve(m, at(port))
    local said =
      ("http: listen on 127.0.0.1:%d: the port is in use by another process"):format(port)
    -- of a history threads are at work by then
    for _, more in ipairs { "", 'history { file = "h.db" }\n' } do
      local second = run(m, more .. at(port))
      assert.equal(1, (second:wait_exit()))
      assert.truthy(second:text "stderr":find(said, 1, true))
    end
    assert.equal(200, http.get(port, "/healthz").status)
    first:stop()
  end)

  it("changes with a reload; one that cannot be had leaves the old one", function()
    local m = mosquitto.start()
    local one, two, taken = http.free_port(), http.free_port(), http.free_port()
    local t = run(m, at(one))
    t:wait_log "connected"
    files.write(t.config_path, at(two) .. "\n" .. rest:format(m.port))
    local moved = ("http: moved to 127.0.0.1:%d"):format(two)
    assert.truthy(select(2, t:eval "reload { dry = true }"):find(moved, 1, true))
    assert.truthy(refuses(two))
    assert.truthy(select(2, reload(t, m, at(two))):find(moved, 1, true))
    wait.poll("the new address", nil, function()
      local ok, a = pcall(http.get, two, "/healthz")
      return ok and a.status == 200
    end)
    assert.truthy(refuses(one))
    local other = run(m, at(taken))
    other:wait_log "listening"
    local code, said = reload(t, m, at(taken, 'token = "0123456789abcdef"'))
    assert.equal(0, code)
    assert.truthy(said:find("http: listen on 127%.0%.0%.1:%d+: the port is in use by another \z
      process; the old"), said)
    t:wait_log "http: listen on 127.0.0.1:%d+: the port is in use by another process; the old \z
      address goes on"
    assert.truthy(select(2, t:eval "status()"):find("! http is not as the config says: listen on \z
      127%.0%.0%.1:%d+: the port is in use by another process; the old address goes on\n  → "))
    assert.equal(200, http.get(two, "/api/v1/tags").status)
    local reader = http.events(two, "/api/v1/events")
    reader:next "snapshot"
    local changed = select(2, reload(t, m, at(two, 'token = "0123456789abcdef"')))
    assert.truthy(changed:find "http: changed")
    assert.is_nil(select(2, t:eval "status()"):find "http is not")
    wait.till("the end of a reader without the new token", nil,
      function() return not reader.client.open end)
    assert.equal(401, http.get(two, "/api/v1/tags").status)
    assert.equal(0, (reload(t, m, "")))
    t:wait_log "not listening any more"
    assert.truthy(refuses(two))
    local nowhere = select(2, reload(t, m, at(taken)))
    assert.truthy(nowhere:find "in use by another process; until it is opened nothing listens")
    assert.equal(0, (reload(t, m, at(one))))
    assert.equal(200, http.get(one, "/healthz").status)
    other:stop()
    t:stop()
  end)

  it("keeps connections and event readers over a reload that leaves it", function()
    local m, port = mosquitto.start(), http.free_port()
    local t = serve(m, at(port))
    local e, c = http.events(port, "/api/v1/events"), http.connect(port)
    e:next "snapshot"
    assert.equal(0, (reload(t, m, at(port, "write = true"))))
    assert.equal("snapshot", e:next().event)
    c:send "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert.equal(200, c:answer().status)
    t:stop()
  end)

  it("may be a Unix socket, which others cannot use and an end removes", function()
    local m, folder = mosquitto.start(), scope.folder()
    local path = folder .. "/http.sock"
    local t = run(m, ('http { listen = "%s" }'):format(path))
    t:wait_log("http: listening on " .. path:gsub("%p", "%%%0"))
    assert.equal(200, http.get(path, "/healthz", { headers = { Host = "localhost" } }).status)
    local _, mode = process.run("stat", { "-c", "%a %F", path })
    assert.truthy(mode:find "^660 socket")
    local second = run(m, ('http { listen = "%s" }'):format(path))
    assert.equal(1, (second:wait_exit()))
    assert.truthy(second:text "stderr":find "a running process answers")
    t:stop()
    assert.is_nil(io.open(path))
  end)

  it("speaks TLS with a certificate, and with a new one after a reload", function()
    local m, port = mosquitto.start(), http.free_port()
    local ca = pki.new()
    local cert, key = ca:sign("gw", "DNS:localhost,IP:127.0.0.1")
    local word = at(port, ('tls_cert_file = "%s", tls_key_file = "%s"'):format(cert, key))
    local t = run(m, word)
    t:wait_log "http: listening on https://127.0.0.1:"
    local function curl(...)
      local code, out = process.run("curl", { "-sS", "--cacert", ca.file, ... })
      return code, out
    end
    local url = ("https://localhost:%d"):format(port)
    local code, out = curl(url .. "/healthz", url .. "/api/v1/tags")
    assert.equal(0, code)
    assert.truthy(out:find("plant.boiler.t", 1, true))
    assert.truthy(select(2, curl("-I", url .. "/")):find "200 OK")
    local plain = http.connect(port)
    plain:send "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert.is_nil(plain:ended():find "200 OK")
    assert.truthy(select(2, process.run("curl", { "-sS", url .. "/healthz" })) ~= "{")
    ca:sign("other", "DNS:localhost", { into = "gw1" })
    assert.equal(0, (reload(t, m, word)))
    local _, served = process.run("sh", { "-c", ("openssl s_client -connect 127.0.0.1:%d \z
      </dev/null 2>/dev/null | openssl x509 -noout -subject"):format(port) })
    assert.truthy(served:find "CN = other", served)
    files.write(cert, "nothing")
    assert.equal(1, (reload(t, m, word)))
    assert.equal(0, (curl(url .. "/healthz")))
    t:stop()
  end)

  it("ends with the process whatever clients do", function()
    local m, port = mosquitto.start(), http.free_port()
    local t = serve(m, at(port))
    local e = http.events(port, "/api/v1/events")
    local half, open = http.connect(port), http.connect(port)
    e:next "snapshot"
    half:send "GET /api/v1/status HTTP/1.1\r\nHo"
    open:send(("GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n"):rep(20))
    open:answer()
    t:stop()
    assert.truthy(refuses(port))
  end)
end)
