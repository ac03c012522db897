-- HTTP without memory: each request for memory fails in turn while a request of HTTP is answered.
-- It gets the right answer, or an error, or its connection ends; then the next one is answered.
local scenario = require "spec.support.scenario"
local http, memory, scope, tagline = scenario "http memory scope tagline"

local config = [[
http { listen = "127.0.0.1:WEB", token = "secret-secret-secret", write = true,
  values = "plant.a.*" }
many = {}
for i = 1, 60 do many["c" .. i] = Ci { "JA=c" .. i, on_missing = "keep" } end
line "plant" { host = "127.0.0.1", port = PORT, client_id = "web", topic_filter = "plant/#",
  payload_type = "JSON",
  station "a" { address = "plant/a", tags = { n = Ci "JA=n", x = Ai "JA=x",
    to = TxtO { "OUT_TOPIC", default = "plant/set" }, out = Co "OUT_VALUE" } },
  station "many" { address = "plant/many", tags = many },
  station "dev-{id}" { address = "plant/dev/(?<id>[^/]+)", tags = { n = Ci "JA=n" } } }
]]

local token = { Authorization = "Bearer secret-secret-secret" }
local closing = { Authorization = token.Authorization, Connection = "close" }
local json = { Authorization = token.Authorization, ["Content-Type"] = "application/json" }

-- What is asked for, which words its right answer has, and how many failures are passed over from
-- one that is tried to the next: what a script answers asks for thousands.
local requests = {
  { "/metrics", "tagline_build_info" },
  { "/healthz", "ok" },
  { "/readyz", '"ready":true' },
  { "/api/v1/tags", '"tag":"plant.a.n"' },
  { "/api/v1/tags?match=plant.a.*&limit=2", '"tag":"plant.a.n"' },
  { "/api/v1/tags/plant.a.n", '"value":7' },
  { "/api/v1/lines", "connected", stride = 9 },
  { "/api/v1/messages?match=plant/a", "plant/a", stride = 25 },
  { "/api/v1/explain?tag=plant.a.n", "plant.a.n", stride = 60 },
  { "/", "<!doctype html" },
  { "/nothing", "there is no", status = 404 },
  { "/api/v1/tags/plant.a.out", "", method = "POST", body = '{"value":5}', stride = 25 },
  { "/login", "", method = "POST", body = "token=secret-secret-secret", form = true, status = 303 },
}

local function ask(port, r)
  local headers = r.body and json or token
  if r.form then headers = { ["Content-Type"] = "application/x-www-form-urlencoded" } end
  return http.request(port, r[1], { method = r.method, body = r.body, headers = headers })
end

local function is_right(a, r)
  return a and (a.status == (r.status or 200) or a.status == 204)
    and a.body:lower():find(r[2]:lower(), 1, true) ~= nil
end

local function start()
  local m = memory.new()
  local broker, t, port = tagline.web(config, nil,
    { program = memory.program(), env = { TAGLINE_MEMORY = m.path } })
  broker:publish("plant/a", '{"n":7,"x":0.5}')
  broker:publish("plant/dev/1", '{"n":1}')
  t:value "plant.dev-1.n"
  return m, t, port, broker
end

describe("HTTP without memory", function()
  after_each(scope.finish)

  it("answers rightly, or with an error, or ends the connection", function()
    local m, t, port = start()
    for _, r in ipairs(requests) do
      local first = ask(port, r)
      assert.is_true(is_right(first, r), ("%s: %s %s"):format(r[1], first and first.status,
        first and first.body:sub(1, 300)))
      local n, failed = 0, 1
      while failed > 0 do
        m:count()
        m:put(n, false)
        local a = ask(port, r)
        m:heal()
        failed = select(2, m:count())
        local told = failed > 0 and (not a or a.status >= 400)
        assert.is_true(is_right(a, r) or told, ("%s, request %d failing: %s"):format(r[1], n,
          a and a.status .. " " .. a.body:sub(1, 200)))
        n = n + (r.stride or 1)
      end
      assert.is_true(is_right(ask(port, r), r), r[1])
    end
    assert.is_false(t:has_ended())
    t:stop()
  end)

  it("events begin, or end and begin anew", function()
    local m, t, port = start()
    local n, failed = 0, 1
    while failed > 0 do
      m:count()
      m:put(n, false)
      local e = http.events(port, "/api/v1/events", closing)
      local first = e.answer and e.answer.status == 200 and e:next "snapshot"
      m:heal()
      failed = select(2, m:count())
      assert.truthy(failed > 0 or first)
      e:close()
      n = n + 1
    end
    assert.is_false(t:has_ended())
    t:stop()
  end)

  it("a change is told, or all values are told again", function()
    local m, t, port, broker = start()
    for n = 0, 29 do -- a tag that nobody heard of needs memory
      local e, name = http.events(port, "/api/v1/events", closing), "plant.many.c" .. n + 1
      assert(e:next "snapshot")
      m:put(n, false)
      broker:publish("plant/many", ('{"c%d":%d}'):format(n + 1, n))
      local told
      repeat
        local found = e:next()
        for _, value in ipairs(found and found.data or {}) do
          told = told or value.tag == name and value.value == n
        end
      until told or not found
      m:heal()
      if not told then -- the connection ended: who comes again has it
        local again = http.events(port, "/api/v1/events", closing):next "snapshot"
        for _, value in ipairs(again.data) do
          told = told or value.tag == name and value.value == n
        end
      end
      assert.is_true(told, name)
      e:close()
    end
    assert.is_false(t:has_ended())
    t:stop()
  end)
end)
