-- watch on a real terminal while values never pause.
local terminal = require "spec.repl.terminal"
local scenario = require "spec.support.scenario"
local mosquitto, scope, tagline = scenario "mosquitto scope tagline"

local SITE = [[
local n = 0
every(0.005, function() n = n + 1 tags["p.s.out"]:write(n) end)
line "p" { host = "127.0.0.1", port = PORT, topic_filter = "in",
  station "s" { address = "in",
    tags = { topic = TxtO { "OUT_TOPIC", default = "out" }, out = Co "OUT_VALUE" } } }
]]

describe("watch on a terminal", function()
  after_each(scope.finish)

  it("ends at Enter though values come without a pause", function()
    local m = mosquitto.start()
    local t = tagline.run(SITE, { PORT = m.port })
    m:wait_subscribed "tagline-p"
    local s = terminal.start { tagline.program(), "repl", "--socket", t.socket }
    s:wait "tagline>"
    s:line 'watch("*")'
    s:wait "p%.s%.out  %d+\n"
    s:press "Enter"
    s:wait "\ntagline>$"
    s:line "6 * 7"
    s:wait "\n42\ntagline>$"
  end)
end)
