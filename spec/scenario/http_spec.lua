-- The HTTP server: what runs, as a program or a browser reads it.
local scenario = require "spec.support.scenario"
local http, scope, tagline = scenario "http scope tagline"

local config = [[
http { listen = "127.0.0.1:WEB" }
line "plant" { host = "127.0.0.1", port = PORT, client_id = "web", topic_filter = "plant/#",
  payload_type = "JSON",
  station "boiler" { address = "plant/boiler/up", tags = {
    temperature = Ai { "JA=t", unit = "°C", description = "of the water" },
    count = Ci "JA=n", running = Di "JA=on", name = TxtI "JA=name" } } }
]]

local function start() return tagline.web(config) end

describe("the HTTP server", function()
  after_each(scope.finish)

  it("serves health, lines, stations and tags as the REPL shows them", function()
    local m, t, port = start()
    m:publish("plant/boiler/up", '{"t":21.5,"n":9007199254740993,"on":true,"name":"<b>é</b>"}')
    t:value "plant.boiler.name"
    assert.equal("ok", http.get(port, "/healthz").json.status)
    local ready = http.get(port, "/readyz")
    assert.same({ 200, true, "plant" },
      { ready.status, ready.json.ready, ready.json.lines[1].line })
    assert.equal("connected", http.get(port, "/api/v1/lines").json[1].status)
    assert.equal("StOn", http.get(port, "/api/v1/stations").json[1].status)
    local one = http.get(port, "/api/v1/tags/plant.boiler.temperature").json
    assert.same({ 21.5, "valid", "°C", "of the water", "JA=t", "Ai" },
      { one.value, one.status, one.unit, one.description, one.address, one.type })
    local all = http.get(port, "/api/v1/tags")
    assert.equal(4, #all.json)
    assert.truthy(all.body:find('"value":9007199254740993', 1, true))
    assert.equal("connected", http.get(port, "/api/v1/status").json.lines[1].state)
    t:stop()
  end)

  it("lists stations as the REPL prints them, in pages", function()
    local m, t, port = tagline.web [[
http { listen = "127.0.0.1:WEB" }
line "plant" { host = "127.0.0.1", port = PORT, client_id = "web", topic_filter = "plant/#",
  station "boiler" { address = "plant/boiler\\/up", ignore_retained = true, prepare = "trim",
    on_status = function() end,
    decode = function() end, encode = function() end,
    tags = { t = Ai { on_value = function() end }, o = TxtO {} } },
  station "meter-{n}" { address = "plant/meter-(?<n>[^/]+)/up", tags = { raw = TxtI "IN_DATA" } },
  station "last" { address = "plant/last", tags = { raw = TxtI "IN_DATA" } } }
]]
    m:publish("plant/meter-a/up", "x")
    m:publish("plant/meter-b/up", "x")
    t:value "plant.meter-b.raw"
    local function untimed(text)
      return (text:gsub('"(%a+)":[%d.e-]+', { longest = "", time = "" }))
    end
    local _, shown = tagline.command { "repl", "--socket", t.socket, "--json", "-e", "stations" }
    local a = http.get(port, "/api/v1/stations")
    assert.equal(untimed(shown), untimed(a.body:gsub("\n$", "")))
    assert.equal(5, #a.json)
    local names, after = {}, ""
    repeat
      local one = http.get(port, "/api/v1/stations?limit=2" .. after).json
      for _, s in ipairs(one) do names[#names + 1] = s.station end
      after = #one > 0 and "&after=" .. one[#one].station or nil
    until not after
    for i, s in ipairs(a.json) do assert.equal(s.station, names[i]) end
    assert.equal(2, #http.get(port, "/api/v1/stations?match=*.meter-?").json)
    t:stop()
  end)

  it("sends a snapshot and then what changes as events", function()
    local m, t, port = start()
    local events = http.events(port, "/api/v1/events?match=*.temperature")
    assert.equal("text/event-stream", events.answer.headers["content-type"])
    local first = events:next()
    assert.same({ "snapshot", 1, "unset" }, { first.event, #first.data, first.data[1].status })
    m:publish("plant/boiler/up", '{"t":1,"n":1}')
    local second = events:next()
    assert.same({ "values", 1, 1 }, { second.event, #second.data, second.data[1].value })
    assert.truthy(second.id)
    t:stop()
  end)

  it("serves the page with a policy that lets nothing else in", function()
    local _, t, port = start()
    local page = http.get(port, "/")
    assert.equal(200, page.status)
    assert.truthy(page.headers["content-type"]:find("^text/html"))
    assert.truthy(page.headers["content-security-policy"]:find("default-src 'none'", 1, true))
    assert.equal("same-origin", page.headers["referrer-policy"])
    local same = http.get(port, "/", { headers = { ["If-None-Match"] = page.headers.etag } })
    assert.same({ 304, "" }, { same.status, same.body })
    assert.equal(404, http.get(port, "/page/../index.html").status)
    t:stop()
  end)
end)
