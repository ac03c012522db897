-- Who may ask the HTTP server: tokens, logins, Hosts, Origins; and who may write.
local scenario = require "spec.support.scenario"
local http, scope, tagline, wait = scenario "http scope tagline wait"

local TOKEN = "0123456789abcdef"
local config = [[
http { listen = "127.0.0.1:WEB", OPTIONS }
line "plant" { host = "127.0.0.1", port = PORT, client_id = "web", topic_filter = "plant/#",
  payload_type = "JSON", publish_qos = 1,
  station "boiler" { address = "plant/boiler/up", tags = {
    temperature = Ai "JA=t", topic = TxtO { "OUT_TOPIC", default = "plant/boiler/set" },
    setpoint = Ao { "OUT_VALUE", range = { 0, 100 } } } },
  station "counter" { address = "plant/counter/up",
    encode = function(tag, v) return tostring(v), "plant/counter/set" end,
    tags = { n = Co {}, on = Do {}, text = TxtO {}, at = ToA {}, span = ToR {} } } }
]]

local function start(options) return tagline.web(config, { OPTIONS = options }) end

local with_token = 'token = "' .. TOKEN .. '", names = { "gw.local" }, write = true'
local bearer = { Authorization = "Bearer " .. TOKEN }

local function post(port, path, body, headers)
  local all = { ["Content-Type"] = "application/json" }
  for name, value in pairs(headers or {}) do all[name] = value end
  return http.request(port, path, { method = "POST", headers = all, body = body })
end

describe("access to the HTTP server", function()
  after_each(scope.finish)

  it("asks for the token everywhere but at health, login and its files", function()
    local _, t, port = start(with_token)
    for _, path in ipairs {
      "/metrics", "/api/v1/", "/api/v1/tags", "/api/v1/events", "/page/app.js", "/none",
      "/api/v1/tags/plant.boiler.setpoint",
    } do
      local a = http.get(port, path)
      assert.equal(401, a.status, path)
      assert.truthy(a.headers["www-authenticate"])
    end
    for _, path in ipairs { "/healthz", "/readyz", "/login", "/page/login.js" } do
      local status = http.get(port, path).status
      assert.truthy(status == 200 or path == "/readyz" and status == 503, path)
    end
    local home = http.get(port, "/")
    assert.same({ 303, "/login" }, { home.status, home.headers.location })
    for _, wrong in ipairs { "Bearer ", "Bearer 0123456789abcdeX", "Bearer " .. TOKEN .. "x",
      "Bearer 0123456789abcde", "Basic " .. TOKEN, TOKEN } do
      assert.equal(401, http.get(port, "/metrics", { headers = { Authorization = wrong } }).status)
    end
    assert.equal(401, http.get(port, "/metrics?token=" .. TOKEN).status)
    assert.equal(200, http.get(port, "/metrics", { headers = bearer }).status)
    assert.equal(200,
      http.get(port, "/api/v1/tags", { headers = { Authorization = "bearer " .. TOKEN } }).status)
    t:stop()
    assert.is_nil(t:text("stderr"):find(TOKEN, 1, true))
  end)

  it("tells no details of health without it", function()
    local _, t, port = start(with_token)
    wait.poll("a line that is ready", nil, function()
      return http.get(port, "/readyz").status == 200
    end)
    assert.same({ ready = true }, http.get(port, "/readyz").json)
    assert.equal("plant", http.get(port, "/readyz", { headers = bearer }).json.lines[1].line)
    t:stop()
  end)

  it("lets a browser in by a form, with a cookie that is not the token", function()
    local _, t, port = start(with_token)
    local form = { ["Content-Type"] = "application/x-www-form-urlencoded" }
    local function login(body, headers)
      return http.request(port, "/login",
        { method = "POST", headers = headers or form, body = body })
    end
    local well = login("token=" .. TOKEN)
    assert.same({ 303, "/" }, { well.status, well.headers.location })
    local cookie = well.headers["set-cookie"]
    assert.truthy(cookie:find("HttpOnly", 1, true) and cookie:find("SameSite=Strict", 1, true))
    assert.is_nil(cookie:find(TOKEN, 1, true))
    local pair = cookie:match "^[^;]+"
    assert.equal(200, http.get(port, "/", { headers = { Cookie = "a=b; " .. pair } }).status)
    assert.equal(200, http.get(port, "/metrics", { headers = { Cookie = pair } }).status)
    assert.equal(401, http.get(port, "/metrics", { headers = { Cookie = pair .. "0" } }).status)
    assert.equal(401, login("token=wrong").status)
    assert.equal(401, login("").status)
    assert.equal(400, login("token=%zz").status)
    assert.equal(415, login("token=" .. TOKEN, { ["Content-Type"] = "text/plain" }).status)
    assert.equal(403, login("token=" .. TOKEN, { ["Content-Type"] = form["Content-Type"],
      Origin = "http://evil.example" }).status)
    assert.equal(303, login("token=" .. TOKEN, { ["Content-Type"] = form["Content-Type"],
      Origin = "http://127.0.0.1" }).status)
    t:wait_log "a login with a wrong token"
    t:stop()
  end)

  local function wrong_client(port)
    return http.connect(port):send(
      "GET /metrics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer wrong\r\n\r\n")
  end

  it("lets the right token in at once beside a flood of wrong ones, where it came before",
    function()
    local _, t, port = start(with_token)
    assert.equal(200, http.get(port, "/metrics", { headers = bearer }).status)
    local count = { [401] = 0, [429] = 0 }
    for _ = 1, 40 do
      local a = wrong_client(port):answer()
      count[a.status] = count[a.status] + 1
    end
    assert.same({ [401] = 40, [429] = 0 }, count)
    wait.poll("too many", nil, function()
      for _ = 1, 20 do
        local a = wrong_client(port):answer()
        count[a.status] = count[a.status] + 1
        assert.equal(a.status == 429 and "5" or nil, a.headers["retry-after"])
        if a.status == 429 then assert.equal("close", a.headers.connection:lower()) end
      end
      return count[429] > 0
    end)
    local last = wrong_client(port)
    assert.equal(200, http.get(port, "/metrics", { headers = bearer }).status)
    assert.equal(200, http.get(port, "/readyz", { headers = bearer }).status)
    last:answer()
    t:stop()
    local _, said = t:text("stderr"):gsub("many wrong tokens: from this address they are", "")
    assert.equal(1, said)
  end)

  it("checks the tokens of a stranger who gives many one at a time, and refuses none unseen",
    function()
    local _, t, port = start(with_token)
    local clients = {}
    for i = 1, 60 do clients[i] = wrong_client(port) end
    for i = 1, 20 do assert.equal(401, clients[i]:answer().status) end
    -- health waits for nobody; who has the token waits for two seconds at most, and is let in
    local stranger = { Authorization = "Bearer x" }
    assert.equal(200, http.get(port, "/healthz", { headers = stranger }).status)
    assert.equal(200, http.get(port, "/metrics", { headers = bearer }).status)
    for i = 21, 60 do
      local status = clients[i]:answer().status
      assert.truthy(status == 401 or status == 429, status)
    end
    t:stop()
  end)

  it("checks a token in its turn while others come without end", function()
    local _, t, port = start(with_token)
    for _ = 1, 40 do wrong_client(port) end
    local right, flood = http.connect(port), {}
    right:send("GET /metrics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " .. TOKEN
      .. "\r\n\r\n")
    wait.poll("the answer to the right token", nil, function()
      if #right.got > 0 then return true end
      flood[#flood + 1] = wrong_client(port)
      http.get(port, "/healthz") -- the one before it is read
      if #flood > 10 then table.remove(flood, 1).socket:close_reset() end
    end)
    assert.equal(200, right:answer().status)
    t:stop()
  end)

  it("has room for others where a stranger's tokens wait on all connections", function()
    local _, t, port = start(with_token)
    for _ = 1, 200 do wrong_client(port) end
    for i = 2, 5 do
      local other = http.connect(port, "127.0.0." .. i)
      other:send("GET /metrics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " .. TOKEN
        .. "\r\n\r\n")
      assert.equal(200, other:answer().status)
    end
    t:stop()
  end)

  it("refuses Hosts that somebody else could let point here", function()
    local _, t, port = start 'names = { "gw.local" }'
    for _, host in ipairs { "evil.example", "evil.example:80", "localhost.evil.example", "",
      "127.0.0.1.evil.example", "gw.local.evil.example" } do
      for _, path in ipairs { "/", "/metrics", "/healthz", "/api/v1/tags", "/login" } do
        assert.equal(421, http.get(port, path, { headers = { Host = host } }).status, host)
      end
    end
    for _, host in ipairs { "localhost", "LocalHost:1", "127.0.0.1", "10.0.0.1:5", "[::1]:5",
      "gw.local", "GW.LOCAL:8080" } do
      assert.equal(200, http.get(port, "/healthz", { headers = { Host = host } }).status, host)
    end
    t:stop()
  end)

  it("writes when the config lets it, and says how that went", function()
    local m, t, port = start(with_token)
    local path = "/api/v1/tags/plant.boiler.setpoint"
    local got = m:subscribe("plant/+/set", 1)
    local a = post(port, path, '{"value": 21.5}', bearer)
    assert.same({ 200, true }, { a.status, a.json.ok })
    got:wait_line "21.5"
    t:wait_log "plant: HTTP from 127.0.0.1:%d+: write boiler.setpoint = 21.5"
    for body, status in pairs {
      ['{"value":101}'] = 422, ['{"value":"21"}'] = 422, ['{"value":null}'] = 422,
      ['{"value":true}'] = 422, ['{"value":[1]}'] = 422, ['{"value":{"value":1}}'] = 422,
      ['{"value":1,"value":2}'] = 422, ['{"value":1,"x":2}'] = 422, ["{}"] = 422, ["5"] = 422,
      ["[5]"] = 422, ['{"value":1e999}'] = 422, [""] = 400, ["{"] = 400, ['{"value":NaN}'] = 400,
      ["{\"value\":1}\0"] = 400,
    } do
      local answer = post(port, path, body, bearer)
      assert.equal(status, answer.status, body)
      assert.truthy(answer.json.error)
    end
    assert.equal(404, post(port, "/api/v1/tags/plant.boiler.none", '{"value":1}', bearer).status)
    assert.equal(422,
      post(port, "/api/v1/tags/plant.boiler.temperature", '{"value":1}', bearer).status)
    assert.equal(415, post(port, path, '{"value":1}', { Authorization = bearer.Authorization,
      ["Content-Type"] = "text/plain" }).status)
    assert.equal(403, post(port, path, '{"value":1}', { Authorization = bearer.Authorization,
      Origin = "http://evil.example" }).status)
    assert.equal(403, post(port, path, '{"value":1}', { Authorization = bearer.Authorization,
      Origin = "null" }).status)
    assert.equal(200, post(port, path, '{"value":1}', { Authorization = bearer.Authorization,
      Origin = "http://127.0.0.1" }).status)
    assert.equal(401, post(port, path, '{"value":1}').status)
    assert.equal(405,
      http.request(port, path, { method = "PUT", headers = bearer, body = "{}" }).status)
    t:stop()
  end)

  it("takes values of each type as they are", function()
    local m, t, port = start "write = true"
    local got = m:subscribe("plant/+/set", 1)
    for _, row in ipairs {
      { "n", "9007199254740993", "9007199254740993" }, { "n", "-9223372036854775808" },
      { "on", "true" }, { "text", '"a\\u00e9\\"<b>"', 'a\u{e9}"<b>' }, { "at", "1795984278.5" },
      { "span", "0.25" },
    } do
      local a = post(port, "/api/v1/tags/plant.counter." .. row[1], '{"value":' .. row[2] .. "}")
      assert.equal(200, a.status, row[1] .. a.body)
      if row[3] then got:wait_line((row[3]:gsub("%p", "%%%0"))) end
    end
    for _, row in ipairs { { "n", "1.5" }, { "n", "9223372036854775808" }, { "on", "1" },
      { "text", "5" }, { "at", '"now"' }, { "span", '"1h"' }, { "at", "1e300" } } do
      local a = post(port, "/api/v1/tags/plant.counter." .. row[1], '{"value":' .. row[2] .. "}")
      assert.equal(422, a.status, row[1] .. row[2])
    end
    t:stop()
  end)

  it("says why a write failed, and writes nothing when that is off", function()
    local m, t, port = start "write = true"
    m:kill()
    t:wait_log "closed the connection"
    local a = post(port, "/api/v1/tags/plant.boiler.setpoint", '{"value":1}')
    assert.same({ 409, "not connected" }, { a.status, a.json.error })
    t:stop()
    local _, off, other = start "write = false"
    assert.equal(403, post(other, "/api/v1/tags/plant.boiler.setpoint", '{"value":1}').status)
    assert.equal(403, post(other, "/api/v1/tags/none", '{"value":1}').status)
    off:stop()
  end)
end)
