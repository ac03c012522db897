-- GET /metrics: promtool has nothing to say, the numbers are what was sent, and counters
-- never fall.
local scenario = require "spec.support.scenario"
local files, http, mosquitto, process, scope, tagline, wait =
  scenario "files http mosquitto process scope tagline wait"

local config = [[
http { listen = "127.0.0.1:WEB", values = { "plant.boiler.*", "none.*" } }
line "plant" { host = "127.0.0.1", port = PORT, client_id = "web", topic_filter = "plant/#",
  subscribe_qos = 2, payload_type = "JSON", reconnect_delay = 1, clean_session = true,
  station "boiler" { address = "plant/boiler/up", tags = {
    t = Ai { "JA=t", unit = "°\"C\"" }, n = Ci "JA=n", on = Di "JA=on", name = TxtI "JA=name",
    topic = TxtO { "OUT_TOPIC", default = "other/set" }, set = Ao "OUT_VALUE" } },
  station "bad" { address = "plant/bad/up", decode = function() error "no" end,
    tags = { x = Ai {} } } }
]]

-- Samples by their text: name{labels} → number.
local function samples(port, headers)
  local a = http.get(port, "/metrics", { headers = headers })
  assert.equal(200, a.status)
  local all = {}
  for name, value in a.body:gmatch "\n([%a_][^ \n]*[^\n]-) (%S+)\n?" do
    all[name] = tonumber(value)
  end
  for line in a.body:gmatch "[^\n]+" do
    local name, value = line:match "^([%a_][%w_]*%b{}) (%S+)$"
    if not name then name, value = line:match "^([%a_][%w_]*) (%S+)$" end
    if name then all[name] = tonumber(value) end
  end
  return all, a
end

local function start(names)
  local m, port = mosquitto.start(), http.free_port()
  names = names or {}
  names.PORT, names.WEB = m.port, port
  local t = tagline.run(config, names)
  m:wait_subscribed "web"
  return m, t, port
end

describe("metrics", function()
  after_each(scope.finish)

  it("are what promtool finds nothing wrong with, and all that the contract names", function()
    local m, t, port = start()
    m:publish("plant/boiler/up", '{"t":1,"n":2,"on":true,"name":"x"}')
    t:value "plant.boiler.name"
    local all, a = samples(port)
    assert.equal("text/plain; version=0.0.4; charset=utf-8", a.headers["content-type"])
    local path = scope.file("metrics.txt", a.body)
    local code, out, errors = process.run("sh", { "-c", "promtool check metrics < " .. path })
    assert.same({ 0, "", "" }, { code, out, errors })
    for _, name in ipairs { 'tagline_line_up{line="plant"}',
      'tagline_line_connects_total{line="plant"}',
      'tagline_line_connect_failures_total{line="plant"}',
      'tagline_messages_received_total{line="plant",qos="0"}',
      'tagline_messages_received_total{line="plant",qos="2"}',
      'tagline_messages_published_total{line="plant",qos="1"}',
      'tagline_messages_unrouted_total{line="plant"}',
      'tagline_messages_failed_total{line="plant",cause="json"}',
      'tagline_messages_failed_total{line="plant",cause="decoder"}',
      'tagline_messages_failed_total{line="plant",cause="time"}',
      'tagline_messages_failed_total{line="plant",cause="regex"}',
      'tagline_stations{line="plant",status="StOn"}',
        'tagline_tags{line="plant",status="valid"}',
      'tagline_tags{line="plant",status="unset"}',
        'tagline_tags{line="plant",status="invalid"}',
      'tagline_values_total{line="plant"}', "process_start_time_seconds",
        "process_cpu_seconds_total",
      "process_resident_memory_bytes",
        'tagline_inflight_messages{line="plant",direction="out"}',
      'tagline_writes_failed_total{line="plant",reason="not connected"}',
      'tagline_writes_queued{line="plant"}',
        'tagline_line_disconnects_total{line="plant",reason="broker"}',
      'tagline_handler_seconds_total{line="plant",handler="decode"}',
        "tagline_lua_memory_bytes",
      "tagline_loop_busy_seconds_total", "tagline_loop_longest_seconds",
        "tagline_config_last_reload_success" } do
      assert.is_number(all[name], name)
    end
    t:stop()
  end)

  it("agree with what was sent", function()
    local m, t, port = start()
    for n = 1, 7 do
      m:publish("plant/boiler/up", ('{"t":%d,"n":%d}'):format(n, n), { qos = n % 3 })
    end
    m:publish("plant/boiler/up", "{")
    m:publish("plant/nobody", "x")
    m:publish("plant/bad/up", "x")
    t:wait_log "no"
    wait.poll("all messages", nil, function()
      local all = samples(port)
      return all['tagline_messages_received_total{line="plant",qos="0"}'] == 5
    end)
    t:eval 'tags["plant.boiler.set"]:write(1)'
    local all = samples(port)
    assert.equal(3, all['tagline_messages_received_total{line="plant",qos="1"}'])
    assert.equal(2, all['tagline_messages_received_total{line="plant",qos="2"}'])
    assert.equal(1, all['tagline_messages_unrouted_total{line="plant"}'])
    assert.equal(1, all['tagline_messages_failed_total{line="plant",cause="json"}'])
    assert.equal(1, all['tagline_messages_failed_total{line="plant",cause="decoder"}'])
    assert.equal(1, all['tagline_messages_published_total{line="plant",qos="0"}'])
    assert.equal(1, all['tagline_line_up{line="plant"}'])
    assert.equal(2, all['tagline_stations{line="plant",status="StOn"}'])
    local values = 0
    for _, one in ipairs(t:values()) do values = values + (one.tag and 1 or 0) end
    assert.equal(values, all['tagline_values_total{line="plant"}'])
    t:stop()
  end)

  it("show valid values of the tags that are asked for, and only numbers", function()
    local m, t, port = start()
    m:publish("plant/boiler/up", '{"t":-0.25,"n":9007199254740993,"on":true,"name":"x"}')
    t:value "plant.boiler.name"
    local _, a = samples(port)
    local unit = [[unit="°\"C\""]]
    assert.truthy(a.body:find('\ntagline_tag_value{tag="plant.boiler.t",' .. unit
      .. "} -0.25\n", 1, true))
    assert.truthy(a.body:find('{tag="plant.boiler.n",unit=""} 9007199254740993\n', 1, true))
    assert.truthy(a.body:find('{tag="plant.boiler.on",unit=""} 1\n', 1, true))
    assert.is_nil(a.body:find('tag="plant.boiler.name"', 1, true))
    assert.is_nil(a.body:find('tag="plant.bad.x"', 1, true))
    m:publish("plant/boiler/up", '{"n":1}')
    t:wait_line '"plant.boiler.t".*"reason":"missing"'
    _, a = samples(port)
    assert.is_nil(a.body:find('tag="plant.boiler.t"', 1, true))
    t:stop()
  end)

  it("know the history's file and its oldest value", function()
    local m, port = mosquitto.start(), http.free_port()
    local t = tagline.run('history { file = "h.db" }\n' .. config,
      { PORT = m.port, WEB = port })
    m:wait_subscribed "web"
    assert.is_nil((samples(port)).tagline_history_oldest_timestamp_seconds)
    m:publish("plant/boiler/up", '{"t":1,"name":"a\\u0001\\"b"}')
    local at
    wait.poll("the value in the history", nil, function()
      local all = samples(port)
      at = all.tagline_history_oldest_timestamp_seconds
      return at and all.tagline_history_bytes > 4096
    end)
    assert.truthy(math.abs(at - os.time()) < 300)
    -- its rows as CSV hold what the device sent, also what no terminal shows
    local a = http.get(port, "/api/v1/history?tag=plant.boiler.name&format=csv")
    assert.equal("time,tag,value,status,reason,unit\nT,plant.boiler.name,\"a\1\"\"b\",valid,,\n",
      (a.body:gsub("%d+%-%d+%-%d+T[%d:.]+Z", "T")))
    a = http.get(port, "/api/v1/history?tag=plant.boiler.name&format=csv&as=max")
    assert.same({ 400, "history: as: needs every, the length of an interval" },
      { a.status, a.json.error })
    t:stop()
  end)

  it("are OpenMetrics for who wants that", function()
    local _, t, port = start()
    local _, a = samples(port,
      { Accept = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5" })
    assert.truthy(
      a.headers["content-type"]:find("^application/openmetrics%-text; version=1%.0%.0"))
    assert.equal("# EOF\n", a.body:sub(-6))
    assert.truthy(a.body:find("# TYPE tagline_values counter\ntagline_values_total{", 1, true))
    t:stop()
  end)

  it("never fall over reloads, other parameters and lost connections", function()
    local m, t, port = start()
    local before
    local function check()
      local all = samples(port)
      for name, value in pairs(all) do
        if name:find "_total" and before and before[name] then
          assert.truthy(value >= before[name], name .. ": " .. before[name] .. " then "
            .. value)
        end
      end
      for name in pairs(before or {}) do
        if name:find 'line="plant"' and name:find "_total" then
          assert.is_number(all[name], name)
        end
      end
      before = all
      return all
    end
    local function traffic(n)
      local name = 'tagline_messages_received_total{line="plant",qos="1"}'
      local first = samples(port)[name]
      for i = 1, n do m:publish("plant/boiler/up", ('{"t":%d}'):format(i), { qos = 1 }) end
      m:publish("plant/bad/up", "x", { qos = 1 })
      wait.poll("the messages", nil, function() return samples(port)[name] == first + n
        + 1 end)
      check()
    end
    local text = files.read(t.config_path)
    local function reload(changed)
      files.write(t.config_path, changed)
      local code, out, errors = t:eval "print(reload())"
      assert.equal(0, code, out .. errors)
      wait.poll("the line", nil, function()
        return samples(port)['tagline_line_up{line="plant"}'] == 1
      end)
      check()
    end
    traffic(5)
    reload((text:gsub('station "bad".-\n', "}\n", 1)))
    assert.is_number(check()['tagline_messages_failed_total{line="plant",cause="decoder"}'])
    reload(text)
    traffic(3)
    assert.equal(2, check()['tagline_messages_failed_total{line="plant",cause="decoder"}'])
    reload((text:gsub('client_id = "web"', 'client_id = "web2"')))
    traffic(2)
    reload((text:gsub('line "plant"', 'line "other"')) .. text:match 'line "plant".*')
    m:kill()
    wait.poll("an attempt that failed", nil, function()
      return samples(port)['tagline_line_connect_failures_total{line="plant"}'] >= 1
    end)
    m:restart()
    wait.poll("the line again", nil, function()
      return samples(port)['tagline_line_connects_total{line="plant"}'] >= 3
        and samples(port)['tagline_line_up{line="plant"}'] == 1
    end)
    check()
    assert.equal(13, before['tagline_messages_received_total{line="plant",qos="1"}'])
    assert.truthy(before['tagline_line_disconnects_total{line="plant",reason="broker"}'] >= 1)
    t:stop()
  end)
end)
