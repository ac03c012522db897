-- A write after the line has been idle for longer than reply_timeout.
local scenario = require "spec.support.scenario"
local mosquitto, scope, tagline = scenario "mosquitto scope tagline"

local SITE = [[
line "p" { host = "127.0.0.1", port = PORT, publish_qos = 1, reply_timeout = 1, ping_interval = 0,
  topic_filter = "in",
  on_connect = function()
    after(1.5, function()
      tags["p.s.out"]:write(1, function(ok, why) print("written", ok, why) end)
    end)
  end,
  station "s" { address = "in",
    tags = { topic = TxtO { "OUT_TOPIC", default = "out" }, out = Co "OUT_VALUE" } } }
]]

describe("a write on an idle line", function()
  after_each(scope.finish)

  it("has not waited for its PUBACK since the line was last used", function()
    local m = mosquitto.start()
    local t = tagline.run(SITE, { PORT = m.port })
    t:wait_log "written\ttrue"
    assert.is_nil(t:text("stderr"):find("missing for", 1, true))
  end)
end)
