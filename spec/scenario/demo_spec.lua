-- What scripts/demo shows: a plant that lives, of which one thing is wrong, and it is the planted
-- one.
local cjson = require "cjson"
local scenario = require "spec.support.scenario"
local mosquitto, process, scope, tagline, wait = scenario "mosquitto process scope tagline wait"

describe("the demo's plant", function()
  after_each(scope.finish)

  it("has one fault, values of now, and a boiler that follows its setpoint", function()
    local m = mosquitto.start()
    local env = { TAGLINE_HOST = "127.0.0.1", TAGLINE_PORT = tostring(m.port),
      TZ = "Europe/Bratislava" }
    local t = tagline.run("examples/demo.lua", nil, { env = env })
    m:wait_subscribed "tagline-plant-senml"
    process.start(tagline.program(), { "run", "scripts/demo_devices.lua", "--socket",
      scope.folder() .. "/devices" }, { env = env })
    local problems
    wait.poll("seven messages of each line, and one fault", nil, function()
      local _, out = tagline.command { "status", "--socket", t.socket, "--json" }
      local ok, status = pcall(cjson.decode, out)
      if not ok then return false end
      for _, line in ipairs(status.lines) do
        if line.messages < 7 then return false end
      end
      problems = {}
      for i, one in ipairs(status.problems) do
        problems[i] = one.code .. " " .. (one.tag or one.line)
      end
      return table.concat(problems) == "tag-invalid plant.meters.volts"
    end, function() return "problems: " .. table.concat(problems or {}, ", ") end)

    local _, out = tagline.command { "repl", "--socket", t.socket, "--json", "-e", "tags" }
    local today, values = os.date("!%Y-%m-%d", os.time() - 3600), 0
    for _, tag in ipairs(cjson.decode(out)) do
      if tag.status == "valid" then
        assert.truthy(tag.time >= today, tag.tag .. " " .. tag.time)
        values = values + 1
      end
    end
    assert.truthy(values > 150, values)

    t:eval 'tags["plant.boiler.setpoint"]:write("90")'
    wait.till("a boiler that is warmer", nil, function()
      local last = t:values()
      for i = #last, math.max(1, #last - 200), -1 do
        if last[i].tag == "plant.boiler.temperature" then return last[i].value > 64 end
      end
    end)
  end)
end)
