-- Events: a snapshot, then changes, in what pace and order; who comes again, and who never reads.
local scenario = require "spec.support.scenario"
local files, http, scope, tagline, wait =
  scenario "files http scope tagline wait"

local config = [[
http { listen = "127.0.0.1:WEB" }
line "plant" { host = "127.0.0.1", port = PORT, client_id = "web", topic_filter = "plant/#",
  payload_type = "JSON",
  station "a" { address = "plant/a", tags = { n = Ci "JA=n", x = Ai "JA=x" } },
  station "b" { address = "plant/b", tags = { n = Ci "JA=n" } },
  station "dev-{id}" { address = "plant/dev/(?<id>[^/]+)",
    tags = { n = Ci "JA=n", text = TxtI "JA=text" } } }
]]

local function start() return tagline.web(config) end

local function by_name(event)
  local all = {}
  for _, value in ipairs(event.data) do all[value.tag] = value end
  return all
end

-- Publish n from 1 to `last` and wait until the last is a value.
local function count(m, t, topic, tag, first, last)
  for n = first, last do m:publish(topic, ('{"n":%d}'):format(n)) end
  wait.till("the last value", nil, function()
    local line = t:lines()[#t:lines()]
    return line and line:find(tag, 1, true) and line:find('"value":' .. last .. ",", 1, true)
  end)
end

describe("events", function()
  after_each(scope.finish)

  it("begin with all values, and give the last of each four times a second", function()
    local m, t, port = start()
    m:publish("plant/a", '{"n":1,"x":0.5}')
    t:value "plant.a.x"
    local e = http.events(port, "/api/v1/events")
    assert.same({ 200, "text/event-stream", "no-store" },
      { e.answer.status, e.answer.headers["content-type"], e.answer.headers["cache-control"] })
    local first = by_name(e:next "snapshot")
    assert.same({ 1, 0.5, "unset" }, { first["plant.a.n"].value, first["plant.a.x"].value,
      first["plant.b.n"].status })
    local began = t:cpu()
    for n = 1, 300 do m:publish("plant/b", ('{"n":%d}'):format(n)) end
    local events, last = 0, nil
    repeat
      local event = e:next "values"
      events = events + 1
      assert.equal(1, #event.data)
      assert.truthy(not last or event.data[1].value > last)
      last = event.data[1].value
    until last == 300
    assert.truthy(events < 300)
    assert.truthy(t:cpu() >= began)
    t:stop()
  end)

  it("give those that are asked for, and devices that come", function()
    local m, t, port = start()
    local e = http.events(port, "/api/v1/events?match=plant.dev-*.n")
    assert.same({}, e:next "snapshot".data)
    m:publish("plant/a", '{"n":1,"x":1}')
    m:publish("plant/dev/a17", '{"n":9007199254740993,"text":"x"}')
    local event = e:next "values"
    assert.same({ 1, "plant.dev-a17.n" }, { #event.data, event.data[1].tag })
    assert.equal(400, http.get(port, "/api/v1/events?match=%zz").status)
    t:stop()
  end)

  it("say something each five seconds", function()
    local _, t, port = start()
    local e = http.events(port, "/api/v1/events")
    e:next "snapshot"
    assert.truthy(e:next "comment".comment)
    assert.truthy(e:next "comment".comment)
    t:stop()
  end)

  it("go on where somebody was, without a second snapshot", function()
    local m, t, port = start()
    local e = http.events(port, "/api/v1/events")
    local id = e:next "snapshot".id
    m:publish("plant/a", '{"n":1,"x":1}')
    local event = e:next "values"
    e:close()
    count(m, t, "plant/b", "plant.b.n", 1, 5)
    local again = http.events(port, "/api/v1/events", { ["Last-Event-ID"] = event.id })
    local missed = again:next()
    assert.same({ "values", 1, "plant.b.n", 5 },
      { missed.event, #missed.data, missed.data[1].tag, missed.data[1].value })
    local from_the_start = http.events(port, "/api/v1/events", { ["Last-Event-ID"] = id })
    local all = by_name(from_the_start:next())
    assert.same({ 1, 5 }, { all["plant.a.n"].value, all["plant.b.n"].value })
    local strangers = { "1-1", "x", "", ("f"):rep(40), "-", event.id .. "0",
      event.id:gsub("%-.*", "-ffffff") }
    for _, strange in ipairs(strangers) do
      local other = http.events(port, "/api/v1/events", { ["Last-Event-ID"] = strange })
      assert.equal("snapshot", other:next().event, strange)
      other:close()
    end
    t:stop()
  end)

  it("begin anew when a reload changed the tags", function()
    local _, t, port = start()
    local e = http.events(port, "/api/v1/events")
    local first = e:next "snapshot"
    files.change(t.config_path, 'n = Ci "JA=n" } },\n  station "dev',
      'm = Ci "JA=m" } },\n  station "dev')
    assert.equal(0, (t:eval "print(reload())"))
    local second = e:next()
    assert.equal("snapshot", second.event)
    local all = by_name(second)
    assert.truthy(all["plant.b.m"] and not all["plant.b.n"])
    local old = http.events(port, "/api/v1/events", { ["Last-Event-ID"] = first.id })
    assert.equal("snapshot", old:next().event)
    t:stop()
  end)

  it("go to sixteen, who leave room when they go", function()
    local _, t, port = start()
    local all = {}
    for i = 1, 16 do
      all[i] = http.events(port, "/api/v1/events")
      assert.equal("snapshot", all[i]:next().event)
    end
    local more = http.get(port, "/api/v1/events")
    assert.same({ 503, "string" }, { more.status, type(more.json.error) })
    all[7]:close()
    wait.poll("room for another", nil, function()
      return http.events(port, "/api/v1/events").answer.status == 200
    end)
    t:stop()
  end)

  it("close a reader that never reads, and keep memory and messages", function()
    local m, t, port = start()
    local e = http.events(port, "/api/v1/events")
    e:next "snapshot"
    e.client:stop_reading()
    local reads = http.events(port, "/api/v1/events")
    reads:next "snapshot"
    local before, text = t:rss(), ("x"):rep(60000)
    local closed = false
    for round = 1, 100 do
      for dev = 1, 20 do
        m:publish("plant/dev/" .. dev, ('{"n":%d,"text":"%d%s"}'):format(round, round, text))
      end
      m:publish("plant/a", ('{"n":%d}'):format(round))
      t:wait_line('"plant.a.n".*"value":' .. round .. ",")
      closed = t:text "stderr":find "an event reader is 1 MB behind, and is closed" ~= nil
      if closed then break end
      reads:next "values"
    end
    assert.truthy(closed)
    assert.truthy(reads.client.open)
    e.client:read()
    e.client:ended()
    assert.truthy(t:rss() - before < 128 * 1024 * 1024)
    m:publish("plant/b", '{"n":7}')
    assert.equal(7, t:value "plant.b.n".value)
    t:stop()
  end)
end)
