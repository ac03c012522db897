-- `tagline discover` over TLS and WebSocket, and with a password, against a real Mosquitto.
local uv = require "luv"
local scenario = require "spec.support.scenario"
local files, mosquitto, netns, pki, process, scope, tagline =
  scenario "files mosquitto netns pki process scope tagline"

describe("discover over a secure connection", function()
  after_each(scope.finish)

  it("speaks TLS to a URL, and to a plain host with --tls-ca-file", function()
    local ca, port = pki.new(), mosquitto.free_port()
    local cert, key = ca:sign("broker", "DNS:localhost,IP:127.0.0.1")
    local m = mosquitto.start { "listener " .. port .. " 127.0.0.1", "cafile " .. ca.file,
      "certfile " .. cert, "keyfile " .. key }
    m:publish("a/b", "21.5", { retain = true })
    for _, host in ipairs { "mqtts://127.0.0.1:" .. port, "127.0.0.1:" .. port } do
      local code, out, err = tagline.command { "discover", host, "--tls-ca-file", ca.file,
        "--seconds", "1" }
      assert.equal(0, code, err)
      assert.truthy(out:find "\na/b +1 ", out)
    end
    local code, out = tagline.command { "discover", "127.0.0.1:" .. port, "--tls-ca-file", ca.file,
      "--seconds", "1", "--config" }
    assert.equal(0, code)
    local t = tagline.run(scope.file("made.lua", out))
    assert.equal(21.5, t:value("a.b.value").value)
    t:stop()
    local _, _, err = tagline.command { "discover", "mqtts://127.0.0.1:" .. port }
    assert.truthy(err:find("the certificate is signed by 'CN=", 1, true), err)
    _, _, err = tagline.command { "discover", "mqtt://127.0.0.1:" .. port }
    assert.truthy(err:find("before CONNACK: does it want TLS (mqtts://)?", 1, true), err)
  end)

  it("speaks WebSocket, with and without TLS", function()
    local port = { mqtt = mosquitto.free_port(), ws = mosquitto.free_port(),
      wss = mosquitto.free_port() }
    local net, ca = netns.new(), pki.new()
    local cert, key = ca:sign("broker", "DNS:localhost")
    local conf = scope.file("mosquitto.conf", table.concat({ "log_dest stderr",
      "allow_anonymous true", "user " .. uv.os_get_passwd().username,
      "listener " .. port.mqtt .. " 127.0.0.1", "listener " .. port.ws, "protocol websockets",
      "listener " .. port.wss, "protocol websockets", "cafile " .. ca.file, "certfile " .. cert,
      "keyfile " .. key, "" }, "\n"))
    net:start(process.find "mosquitto", { "-c", conf }):wait_log " running$"
    assert.equal(0, (net:run(process.find "mosquitto_pub", { "-p", tostring(port.mqtt), "-t", "a/x",
      "-r", "-m", "on" })))
    local code, out, err = net:run(tagline.program(), { "discover", "ws://localhost:" .. port.ws,
      "--seconds", "1" })
    assert.equal(0, code, err)
    assert.truthy(out:find "\na/x +1 ", out)
    code, out, err = net:run(tagline.program(), { "discover",
      ("wss://localhost:%d/mqtt"):format(port.wss), "--tls-ca-file", ca.file, "--seconds", "1",
      "--config" })
    assert.equal(0, code, err)
    assert.truthy(out:find(('host = "wss://localhost:%d/mqtt"'):format(port.wss), 1, true), out)
    assert.equal(0, (tagline.command { "check", scope.file("made.lua", out) }))
  end)

  it("logs in with a user and the password of a file, and says when that is refused", function()
    local folder = scope.folder()
    local passwords = folder .. "/passwords"
    files.write(passwords, "")
    assert.equal(0, (process.run(process.find "mosquitto_passwd", { "-b", passwords, "me",
      "right one" })))
    local m = mosquitto.start { "allow_anonymous false", "password_file " .. passwords }
    local function discover(password)
      return tagline.command { "discover", "127.0.0.1:" .. m.port, "--user", "me",
        "--password-file", scope.file("secret", password), "--seconds", "0.2", "--json" }
    end
    local code, _, err = discover "right one\n"
    assert.equal(0, code, err)
    code, _, err = discover "wrong one\n"
    assert.equal(1, code)
    assert.truthy(err:find("correct --user and --password-file", 1, true), err)
    assert.truthy(err:find("not authorized", 1, true) or err:find("user name or password", 1, true),
      err)
    assert.is_nil(err:find "wrong one")
  end)
end)
