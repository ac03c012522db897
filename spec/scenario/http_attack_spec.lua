-- What hostile clients of the HTTP server get: requests that two parsers could read in two ways,
-- slow and long ones, too many of them, paths that lead elsewhere, markup in every name.
local scenario = require "spec.support.scenario"
local http, scope, tagline, wait = scenario "http scope tagline wait"

local config = [[
http { listen = "127.0.0.1:WEB", write = true }
line "plant" { host = "127.0.0.1", port = PORT, client_id = "web", topic_filter = "plant/#",
  payload_type = "JSON", subscribe_qos = 1,
  station "boiler" { address = "plant/boiler/up", tags = {
    t = Ai { "JA=t", unit = "<b>\"'&", description = "</script>" }, name = TxtI "IN_DATA",
    topic = TxtO { "OUT_TOPIC", default = "other/set" }, set = Ao "OUT_VALUE" } } }
]]

local function start() return tagline.web(config) end

local LINE, HOST = "GET /healthz HTTP/1.1\r\n", "Host: localhost\r\n"
local LOGIN = "POST /login HTTP/1.1\r\n" .. HOST
local second = "GET /api/v1/tags HTTP/1.1\r\nHost: localhost\r\n\r\n"

-- Bytes, the status, and that the connection ends without a second answer.
local refused = {
  ["a length and chunks (CL.TE)"] = { LOGIN
    .. "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG" .. second, 400 },
  ["chunks and a length (TE.CL)"] = { LOGIN
    .. "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n" .. second .. "0\r\n\r\n",
    400 },
  ["chunks in disguise (TE.TE)"] = { LOGIN
    .. "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" .. second, 400 },
  ["a blank before the colon of Transfer-Encoding"] = { LOGIN
    .. "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" .. second, 400 },
  ["two lengths"] = { LOGIN
    .. "Content-Length: 0\r\nContent-Length: 44\r\n\r\n" .. second, 400 },
  ["a list of lengths"] = { LOGIN .. "Content-Length: 0, 44\r\n\r\n" .. second, 400 },
  ["a length that is no number"] = { LOGIN .. "Content-Length: 1a\r\n\r\nx" .. second, 400 },
  ["a negative length"] = { LOGIN .. "Content-Length: -1\r\n\r\n" .. second, 400 },
  ["a folded line"] = { LINE .. HOST .. "A: b\r\n Transfer-Encoding: chunked\r\n\r\n" .. second,
    400 },
  ["a bare CR"] = { LINE .. HOST .. "A: b\rTransfer-Encoding: chunked\r\n\r\n" .. second, 400 },
  ["a bare LF"] = { LINE .. HOST .. "A: b\nTransfer-Encoding: chunked\r\n\r\n" .. second, 400 },
  ["bare LFs only"] = { "GET /healthz HTTP/1.1\nHost: localhost\n\n" .. second, 400 },
  ["a NUL in a value"] = { LINE .. HOST .. "A: b\0c\r\n\r\n" .. second, 400 },
  ["a NUL in the target"] = { "GET /healthz\0x HTTP/1.1\r\n" .. HOST .. "\r\n" .. second, 400 },
  ["two Hosts"] = { LINE .. HOST .. "Host: evil\r\n\r\n" .. second, 400 },
  ["no Host"] = { LINE .. "\r\n" .. second, 400 },
  ["an absolute target"] = { "GET http://localhost/healthz HTTP/1.1\r\n" .. HOST .. "\r\n"
    .. second, 400 },
  ["a blank in the target"] = { "GET /health z HTTP/1.1\r\n" .. HOST .. "\r\n" .. second, 400 },
  ["another version"] = { "GET /healthz HTTP/2.0\r\n" .. HOST .. "\r\n" .. second, 505 },
  ["no version"] = { "GET /healthz\r\n\r\n", 400 },
  ["HTTP/2 from the start"] = { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400 },
  ["TLS on a plain port"] = { "\22\3\1\0\165\1\0\0\161\3\3", 400 },
  ["a name that is no token"] = { LINE .. HOST .. "A(b): c\r\n\r\n" .. second, 400 },
  ["a long line"] = { "GET /" .. ("a"):rep(9000) .. " HTTP/1.1\r\n" .. HOST .. "\r\n", 431 },
  ["many fields"] = { LINE .. HOST .. ("A: b\r\n"):rep(2000) .. "\r\n", 431 },
  ["an endless head"] = { LINE .. HOST .. "A: " .. ("b"):rep(100000), 431 },
  ["a long body"] = { LOGIN .. "Content-Length: 65537\r\n\r\n", 413 },
  ["a very long body"] = { LOGIN .. "Content-Length: " .. ("9"):rep(40) .. "\r\n\r\n", 413 },
}

describe("hostile clients of the HTTP server", function()
  after_each(scope.finish)

  it("are refused where two parsers could differ, and get no second answer", function()
    local _, t, port = start()
    for what, row in pairs(refused) do
      local c = http.connect(port)
      c:send(row[1])
      local all = c:ended()
      assert.equal(row[2], tonumber(all:match "^HTTP/1%.1 (%d+)"), what .. ": " .. all:sub(1, 60))
      assert.equal(1, select(2, all:gsub("HTTP/1%.1 %d", "")), what)
      assert.is_nil(all:find("plant.boiler", 1, true), what)
    end
    assert.equal(200, http.get(port, "/healthz").status)
    t:stop()
  end)

  it("may send what is right in any pieces, one behind the other", function()
    local _, t, port = start()
    local text = LINE .. HOST .. "\r\nPOST /api/v1/tags/none HTTP/1.1\r\n" .. HOST
      .. "Content-Type: application/json\r\nContent-Length: 11\r\n\r\n" .. '{"value":1}'
      .. "GET /api/v1/lines HTTP/1.1\r\n" .. HOST .. "Connection: close\r\n\r\n"
    for _, step in ipairs { 1, 7, #text } do
      local c = http.connect(port)
      for at = 1, #text, step do c:send(text:sub(at, at + step - 1)) end
      assert.same({ 200, 404, 200 }, { c:answer().status, c:answer().status, c:answer().status })
      c:ended()
    end
    t:stop()
  end)

  it("end only themselves: a bad request behind a good one", function()
    local _, t, port = start()
    local c = http.connect(port)
    c:send(LINE .. HOST .. "\r\n" .. LINE .. HOST .. "A: b\rc\r\n\r\n" .. second)
    assert.equal(200, c:answer().status)
    local rest = c:ended()
    assert.is_nil(rest:find("plant.boiler", 1, true))
    t:stop()
  end)

  it("find no file behind a path", function()
    local _, t, port = start()
    for _, path in ipairs {
      "/page/../page.c", "/page/..%2f..%2fetc%2fpasswd", "/page/%2e%2e/index.html",
      "/../../etc/passwd", "/page//etc/passwd", "/page/", "/page", "/page/.",
      "/page/index.html%00.js", "/page/..\\index.html", "/api/v1/../../healthz",
      "/api/v1/tags/../status", "//healthz", "/page/dygraph.min.js/..", "/etc/passwd",
      "/%2e%2e%2fetc/passwd",
    } do
      local a = http.get(port, path)
      assert.truthy(a.status == 404 or a.status == 400, path .. ": " .. a.status)
      assert.is_nil(a.body:find "root:", path)
    end
    for _, path in ipairs {
      "/api/v1/tags?match=%zz", "/api/v1/tags?limit=x", "/api/v1/tags?limit=0",
      "/api/v1/tags?limit=-1", "/api/v1/tags?limit=99999999999999999999", "/api/v1/tags?match=%ff",
      "/api/v1/messages?limit=1.5", "/api/v1/messages?match=%2B%2Fx%2B", "/api/v1/explain",
      "/api/v1/explain?topic=", "/api/v1/explain?tag=a&topic=b", "/api/v1/explain?topic=a%23",
      "/api/v1/status?x=%zz", "/api/v1/lines?%", "/api/v1/tags/plant.boiler.t?x=%ff",
      "/api/v1/?a=%00", "/api/v1/%", "/%c3",
    } do
      local a = http.get(port, path)
      assert.equal(400, a.status, path .. ": " .. a.body)
      assert.is_string(a.json.error)
    end
    t:stop()
  end)

  it("cannot leave the words that ask Lua", function()
    local _, t, port = start()
    for _, text in ipairs {
      '"..(function() while true do end end)().."', '"] = os.exit() --', "]]", "\\", "\n",
      '"); lines.plant:set { port = 1 } --', "${x}", "%s%n",
    } do
      local encoded = text:gsub(".", function(c) return ("%%%02x"):format(c:byte()) end)
      assert.equal(404, http.get(port, "/api/v1/explain?tag=" .. encoded).status)
      assert.equal(404, http.get(port, "/api/v1/history?tag=" .. encoded).status)
      local a = http.get(port, "/api/v1/explain?topic=a&payload=" .. encoded)
      assert.truthy(a.status == 200 or a.status == 400, a.body)
      a = http.get(port, "/api/v1/messages?match=" .. encoded)
      assert.truthy(a.status == 200 or a.status == 400, a.body)
    end
    assert.equal("connected", http.get(port, "/api/v1/lines").json[1].status)
    t:stop()
  end)

  it("get markup as text of JSON, never as a page", function()
    local m, t, port = start()
    m:publish("plant/boiler/up", "<script>alert(1)</script>")
    t:value "plant.boiler.name"
    m:publish("plant/<img src=x>", "<b>")
    for _, path in ipairs {
      "/api/v1/tags", "/api/v1/messages", "/api/v1/status", "/api/v1/tags/plant.boiler.name",
      "/api/v1/%3Cscript%3E", "/%3Cscript%3E", "/page/%3Cscript%3E", "/api/v1/tags/%3Cscript%3E",
      "/api/v1/explain?topic=%3Cb%3E&payload=%3Cscript%3E",
    } do
      local a = http.get(port, path)
      assert.truthy(a.headers["content-type"]:find "^application/json", path)
      assert.equal("nosniff", a.headers["x-content-type-options"])
      assert.truthy(a.headers["content-security-policy"])
      assert.is_table(a.json, path)
    end
    t:stop()
  end)

  it("do not take all connections: a thousand that say nothing, or not all", function()
    local m, t, port = start()
    local before = t:rss()
    local idle = {}
    for i = 1, 1000 do
      local c = http.connect(port)
      if i % 3 == 1 then c:send "GET /healthz HTTP/1.1\r\nHost:" end
      if i % 3 == 2 then
        c:send("POST /login HTTP/1.1\r\n" .. HOST .. "Content-Length: 1000\r\n\r\ntoken=")
      end
      idle[i] = c
    end
    assert.equal(200, http.get(port, "/healthz").status)
    m:publish("plant/boiler/up", '{"t":5}')
    assert.equal(5, t:value "plant.boiler.t".value)
    local open = 0
    wait.poll("64 connections at most", nil, function()
      open = 0
      for _, c in ipairs(idle) do open = open + (c.open and 1 or 0) end
      return open <= 64
    end)
    assert.truthy(t:rss() - before < 32 * 1024 * 1024)
    for _, c in ipairs(idle) do c:close() end
    t:stop()
  end)

  it("who are slow are told so, and closed", function()
    local _, t, port = start()
    local head, body = http.connect(port), http.connect(port)
    head:send "GET /healthz HTTP/1.1\r\nHost: local"
    body:send("POST /login HTTP/1.1\r\n" .. HOST .. "Content-Length: 10\r\n\r\n12345")
    local silent = http.connect(port)
    assert.truthy(head:ended():find "^HTTP/1.1 408")
    body:ended()
    assert.equal("", silent:ended())
    t:stop()
  end)
end)
