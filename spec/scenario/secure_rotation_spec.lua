-- Certificates that are renewed, revoked or spoilt while messages flow: what is used when, what is
-- said of it, and that no QoS 1 message is lost either way.
local scenario = require "spec.support.scenario"
local files, mosquitto, pki, process, scope, tagline, wait =
  scenario "files mosquitto pki process scope tagline wait"

local MANY = 1500

local config = [[
local sent = 0
line "plant" {
  host = "mqtts://localhost:PORT", reconnect_delay = 0.05, reconnect_delay_max = 0.2,
  clean_session = false, offline_writes = "queue", topic_filter = "in", subscribe_qos = 1,
  client_id = "gw", EXTRA
  station "any" {
    address = "in",
    tags = { data = TxtI { "IN_DATA", new_value_on_time_change = true } },
    on_value = function()  -- each message that comes is answered
      if sent == MANY then return end
      sent = sent + 1
      lines.plant:publish("out", "w" .. sent, { qos = 1 })
    end,
  },
}
]]

local function run(port, extra)
  return tagline.run(config, { PORT = port, EXTRA = extra, MANY = MANY })
end

-- One message after the other from outside, each next one when the one before was handed over.
local function flow(m)
  local words = { "-p", tostring(m.port), "-t", "in", "-q", "1", "-l" }
  local p = process.start(process.find "mosquitto_pub", words)
  local n = 0
  return function(upto)
    local lines = {}
    while n < upto do
      n = n + 1
      lines[#lines + 1] = ("m%d\n"):format(n)
    end
    p:write(table.concat(lines))
    return p
  end
end

-- All that was counted, without what came a second time: QoS 1 may repeat.
local function missing(lines, pattern)
  local seen, lost = {}, {}
  for _, line in ipairs(lines) do
    local n = line:match(pattern)
    if n then seen[tonumber(n)] = true end
  end
  for n = 1, MANY do if not seen[n] then lost[#lost + 1] = n end end
  return lost
end

local function replace(from, to)
  files.write(to .. ".new", files.read(from))
  os.rename(to .. ".new", to)
end

describe("certificates", function()
  after_each(scope.finish)

  it("are renewed on both sides while messages flow; a pair that does not fit leaves the old one \z
    in use and is told; nothing is lost", function()
    local ca = pki.new()
    local cert, key = ca:sign("broker-1", "DNS:localhost", { into = "broker" })
    local own, own_key = ca:sign("gw-1", nil, { into = "own" })
    local port = mosquitto.free_port()
    local m = mosquitto.start { "max_queued_messages 0", "max_inflight_messages 0",
      "listener " .. port .. " 127.0.0.1",
      "cafile " .. ca.file, "certfile " .. cert, "keyfile " .. key, "require_certificate true",
      "use_identity_as_username true" }
    local out = m:subscribe("out", 1)
    local t = run(port, ("tls_ca_file = %q, tls_cert_file = %q, tls_key_file = %q,"):format(ca.file,
      own, own_key))
    t:wait_log "connected to 127.*'CN=broker%-1' until"
    m.process:wait_log "New client connected .* as gw .*u'gw%-1'"
    local go = flow(m)
    go(300)
    t:value "plant.any.data"

    ca:sign("broker-2", "DNS:localhost", { into = "broker" })
    m.process:kill "sighup"
    m.process:wait_log "Reloading config"
    ca:sign("gw-2", nil, { into = "own" })
    go(600)
    assert.equal(0, (t:eval "lines.plant:reconnect()"))
    t:wait_log "connected to 127.*'CN=broker%-2' until"
    m.process:wait_log "New client connected .* as gw .*u'gw%-2'"

    local other, other_key = ca:sign "gw-3"
    replace(other_key, own_key) -- of another certificate
    go(900)
    assert.equal(0, (t:eval "lines.plant:reconnect()"))
    local told = "tls_key_file '[^']+own%.key': does not belong to the certificate in \z
      tls_cert_file; the old one stays in use"
    t:wait_log("WARN  plant: " .. told)
    m.process:wait_log "New client connected .* as gw .*u'gw%-2'"
    wait.till("the same in status()", nil, function()
      local _, said = t:eval "status()"
      return said:find(told)
    end)

    replace(other, own)
    go(1200)
    assert.equal(0, (t:eval "lines.plant:reconnect()"))
    m.process:wait_log "New client connected .* as gw .*u'gw%-3'"
    go(MANY):close_input()
    local values, answers
    wait.till("all messages", nil, function()
      values = missing(t:lines(), '"value":"m(%d+)"')
      answers = missing(out:lines(), "^%d 0 out w(%d+)$")
      return #values + #answers == 0
    end, function()
      return ("%d messages and %d answers are missing"):format(#values, #answers)
    end)
    t:stop()
    assert.is_nil(t:text("stderr"):find "ERROR")
  end)

  it("are revoked by the lists of the whole chain; a list that is missing or does not load is told",
    function()
    local root = pki.new "Root"
    local hall = root:sub "Hall 5"
    local cert, key = hall:sign("broker", "DNS:localhost")
    files.write(cert, files.read(cert) .. files.read(hall.file))
    local port = mosquitto.free_port()
    local m = mosquitto.start { "listener " .. port .. " 127.0.0.1", "certfile " .. cert,
      "keyfile " .. key }
    local lists = scope.file("lists.crl", files.read(hall:list()))
    local t = run(port, ("tls_ca_file = %q, tls_crl_file = %q,"):format(root.file, lists))
    t:wait_log "WARN  plant: localhost:%d+: tls_crl_file has no list of 'CN=Root': whether it \z
      revoked a certificate of the chain is not checked: add its list"
    m:wait_subscribed "gw"
    assert.truthy((select(2, t:eval "status()")):find("no list of 'CN=Root'", 1, true))

    local function with(text, pattern)
      files.write(lists, text)
      assert.equal(0, (t:eval "lines.plant:reconnect()"))
      t:wait_log(pattern)
    end
    with("nothing\n", "WARN  plant: tls_crl_file '[^']+lists%.crl': holds no revocation list in \z
      PEM form; the old one stays in use")
    m:wait_subscribed "gw"
    with(files.read(hall:list()) .. files.read(root:list()), "connected to")
    m:wait_subscribed "gw"
    assert.is_nil((select(2, t:eval "status()")):find("no list of", 1, true))
    with(files.read(hall:list()) .. files.read(root:list { hall.file }),
      "WARN  plant: localhost:%d+: the certificate 'CN=Hall 5' was revoked by its CA")
    with(files.read(hall:list { cert }) .. files.read(root:list()),
      "WARN  plant: localhost:%d+: the certificate 'CN=broker' was revoked by its CA")
    t:stop()
  end)

  it("warn of their end while the connection stays up", function()
    local ca = pki.new()
    local cert, key = ca:sign("broker", "DNS:localhost", { days = 1 })
    local port = mosquitto.free_port()
    mosquitto.start { "listener " .. port .. " 127.0.0.1", "certfile " .. cert, "keyfile " .. key }
    -- due a few seconds after the handshake
    local t = run(port, ("tls_ca_file = %q, tls_expiry_warning = 24 * 3600 - 4,"):format(ca.file))
    t:wait_log "INFO  plant: connected to"
    t:wait_log "WARN  plant: localhost:%d+: the broker's certificate 'CN=broker' ends in 0 days: \z
      renew it"
    t:stop()
  end)
end)
