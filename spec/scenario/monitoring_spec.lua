-- examples/monitoring: what Prometheus and Grafana are told of tagline's metrics is true of them.
local cjson = require "cjson"
local scenario = require "spec.support.scenario"
local browser, files, mosquitto, process, scope, tagline, wait =
  scenario "browser files mosquitto process scope tagline wait"

local FOLDER = "examples/monitoring/"

-- The names of metrics that a text of PromQL, or of a file with such, has.
local function names_in(text)
  local names = {}
  for name in text:gmatch "%f[%w_](tagline_[%w_]+)" do
    -- the dashboard's own uid, a job's name
    if not name:find "^tagline_remote" then names[name] = true end
  end
  return names
end

local function promtool(...)
  local code, out, err = process.run(process.find "promtool", { ... })
  assert.equal(0, code, out .. err)
  return out
end

describe("monitoring", function()
  after_each(scope.finish)

  it("has a configuration and rules that Prometheus takes", function()
    promtool("check", "config", FOLDER .. "prometheus.yml")
    assert.truthy(promtool("check", "rules", FOLDER .. "alerts.yml"):find "9 rules found")
  end)

  it("alerts when a line is away for two minutes, and not before", function()
    local rules = require "luv".cwd() .. "/" .. FOLDER .. "alerts.yml"
    local test = scope.file("test.yml", (([[
rule_files: [RULES]
evaluation_interval: 30s
tests:
  - interval: 30s
    input_series:
      - series: 'tagline_line_up{instance="gw", line="plant"}'
        values: '1 1 0 0 0 0 0 0 0 0'
      - series: 'tagline_stations{instance="gw", line="plant", status="StHardErr"}'
        values: '0 0 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3 3'
    alert_rule_test:
      - { eval_time: 2m, alertname: TaglineLineDown, exp_alerts: [] }
      - eval_time: 4m
        alertname: TaglineLineDown
        exp_alerts:
          - exp_labels: { severity: critical, instance: gw, line: plant }
            exp_annotations:
              summary: "line plant is not connected"
              description: "status() at gw says why, and what to do."
      - eval_time: 8m
        alertname: TaglineStationsSilent
        exp_alerts:
          - exp_labels: { severity: warning, instance: gw, line: plant }
            exp_annotations: { summary: "3 stations of line plant are silent or faulty" }
]]):gsub("RULES", rules)))
    promtool("test", "rules", test)
  end)

  it("names only metrics that there are", function()
    local m, port = mosquitto.start(), mosquitto.free_port()
    local t = tagline.run([[
      http { listen = "127.0.0.1:HTTP", values = "plant.*" }
      line "plant" { host = "127.0.0.1", port = PORT, client_id = "metrics", topic_filter = "a/#",
        station "a" { address = "a/b", tags = { v = Ai { "IN_DATA", unit = "V" } } } }
    ]], { PORT = m.port, HTTP = port })
    m:wait_subscribed "metrics"
    m:publish("a/b", "21.5", { qos = 1 })
    t:value "plant.a.v"
    local text
    wait.poll("the metrics", nil, function()
      local ok, status, body = pcall(browser.http, port, "GET", "/metrics")
      text = body
      return ok and status == 200 and body:find("tagline_tag_value", 1, true)
    end, function() return tostring(text) end)
    local there = {}
    for name in text:gmatch "# TYPE ([%w_]+)" do there[name] = true end
    for _, name in ipairs { "alerts.yml", "grafana.json" } do
      for metric in pairs(names_in(files.read(FOLDER .. name))) do
        assert.truthy(there[metric] or there[metric:gsub("_total$", "")], name .. ": " .. metric)
      end
    end
  end)

  it("has a dashboard of which every panel asks something", function()
    local board, ids = cjson.decode(files.read(FOLDER .. "grafana.json")), {}
    for _, panel in ipairs(board.panels) do
      assert.falsy(ids[panel.id])
      ids[panel.id] = true
      for _, target in ipairs(panel.targets) do
        assert.truthy(next(names_in(target.expr)), panel.title)
      end
    end
    assert.truthy(#board.panels >= 10)
  end)
end)
