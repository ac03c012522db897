-- before_disconnect: what it publishes is acknowledged before an orderly DISCONNECT; and what a
-- reload adds gets retained messages.
local scenario = require "spec.support.scenario"
local broker, files, scope, tagline, wait = scenario "broker files scope tagline wait"

local config = [[
line "plant" {
  host = "127.0.0.1", port = PORT,
  reconnect_delay = 0.02, reconnect_delay_max = 0.05, reply_timeout = TIMEOUT,
  before_disconnect = function(line) BODY end,
  station "any" {
    address = "a", tags = { data = TxtI { "IN_DATA", new_value_on_time_change = true } },
  },
}
]]

local SAYS = 'assert(line:publish("state", "offline", { qos = 1 }))'

local function start(body, timeout)
  local t, c, b = tagline.connected(config, { BODY = body or SAYS, TIMEOUT = timeout or 5 })
  t:wait_log "connected to"
  return t, c, b
end

describe("before_disconnect", function()
  after_each(scope.finish)

  local ends = {
    ["the end of the process"] = function(t) t:kill "sigterm" end,
    ["reconnect()"] = function(t) t:ask "lines.plant:reconnect()" end,
    ["set"] = function(t) t:ask "lines.plant:set { keep_alive = 77 }" end,
    ["all stations off"] = function(t) t:ask 'stations["plant.any"]:off()' end,
    ["a reload"] = function(t)
      files.change(t.config_path, "reconnect_delay_max = 0.05", "reconnect_delay_max = 0.06")
      t:ask "reload()"
    end,
    ["a reload that removes the line"] = function(t)
      files.change(t.config_path, 'line "plant"', 'line "another"')
      t:ask "reload()"
    end,
  }
  for what, finish in pairs(ends) do
    it("is called before " .. what .. ", and waits for its acknowledgement", function()
      local t, c = start()
      finish(t)
      local p = c:expect "PUBLISH"
      assert.same({ "state", "offline" }, { p.topic, p.payload })
      -- the line is up meanwhile
      c:send("PUBLISH", { topic = "a", payload = "still here", qos = 1, id = 5 })
      assert.equal(5, c:expect("PUBACK").id)
      c:send("PUBACK", { id = p.id })
      c:expect "DISCONNECT"
      c:close()
    end)
  end

  it("waits no longer than reply_timeout", function()
    local t, c = start(nil, 0.3)
    t:ask "lines.plant:reconnect()"
    c:expect "PUBLISH"
    c:expect "DISCONNECT"
  end)

  it("waits for no acknowledgement that cannot come: nobody takes the values", function()
    local t, c = start(nil, 600)
    t:close_stdout()
    c:send("PUBLISH", { topic = "a", payload = "nobody reads this", qos = 1, id = 5 })
    c:expect "PUBLISH"
    c:expect "DISCONNECT"
    t:wait_log "stdout is closed"
    assert.equal(1, (t:wait_exit()))
  end)

  it("waits as long as ever once the values are read again", function()
    local t, c = start(nil, "600, ping_interval = 1.3")
    t:pause()
    c:send("PUBLISH", { topic = "a", payload = ("x"):rep(1 << 20), qos = 1, id = 5 })
    wait.till("the message", 20000, function()
      return select(2, t:eval "lines.plant.stats.messages") ~= "0"
    end)
    t:kill "sigterm"
    local p = c:expect "PUBLISH"
    t:resume()
    assert.equal(5, c:expect("PUBACK").id)
    c:expect "PINGREQ" -- by now the second is over that it waits while nothing is read
    c:send "PINGRESP"
    c:send("PUBACK", { id = p.id })
    c:expect "DISCONNECT"
    assert.equal(0, (t:wait_exit()))
  end)

  it("is no obstacle when it says nothing, or fails", function()
    for _, body in ipairs { "", "error('no')" } do
      local t, c = start(body)
      t:ask "lines.plant:reconnect()"
      c:expect "DISCONNECT"
      c:close()
      t:kill "sigkill"
      scope.finish()
    end
  end)

  it("is not called when the connection is lost", function()
    local t, c, b = start()
    c:reset()
    c = b:handshake { session_present = true }
    c:send("PUBLISH", { topic = "a", payload = "x", qos = 1, id = 5 })
    assert.equal(5, c:expect("PUBACK").id)
    t:value("plant.any.data")
  end)
end)

describe("a reload", function()
  after_each(scope.finish)

  it("asks for the retained messages of what it adds, which alone takes them", function()
    local b = broker.new()
    local t = tagline.run([[
line "plant" { host = "127.0.0.1", port = PORT, topic_filter = { "a/#", "b/#" },
  station "old" { address = "a/old", tags = { data = TxtI "IN_DATA" } },
}]], { PORT = b.port })
    local c = b:handshake { codes = { 1, 1 } }
    c:send("PUBLISH", { topic = "a/old", payload = "live", qos = 0 })
    assert.equal("live", t:value("plant.old.data").value)
    files.change(t.config_path, 'tags = { data = TxtI "IN_DATA" } }',
      'tags = { data = TxtI "IN_DATA", more = TxtI "IN_TOPIC" } },\n'
      .. '  station "new" { address = "a/new", tags = { data = TxtI "IN_DATA" } }')
    assert.equal(0, (t:eval "reload()"))
    local p = c:expect "SUBSCRIBE"
    assert.same({ { filter = "a/#", qos = 1 } }, p.filters)
    c:send("SUBACK", { id = p.id, codes = { 1 } })
    c:send("PUBLISH", { topic = "a/old", payload = "retained", retain = true, qos = 0 })
    c:send("PUBLISH", { topic = "a/new", payload = "retained", retain = true, qos = 0 })
    assert.equal("a/old", t:value("plant.old.more").value)
    assert.equal("retained", t:value("plant.new.data").value)
    -- nothing is new any more
    c:send("PUBLISH", { topic = "a/old", payload = "older", retain = true, qos = 0 })
    c:send("PUBLISH", { topic = "a/old", payload = "live again", qos = 0 })
    assert.equal("live again", t:value("plant.old.data").value)
    assert.equal(0, select(2, t:text("stdout"):gsub('old.data"[^\n]*"retained"', "")))
    assert.equal(0, select(2, t:text("stdout"):gsub('"older"', "")))
  end)

  it("lets a device that it adds know of its retained will, and counts nothing twice", function()
    local b = broker.new()
    local t = tagline.run([[
line "plant" { host = "127.0.0.1", port = PORT, topic_filter = "a/#",
  station "old" { address = "a/old", SWT = "will/old", tags = { data = TxtI "IN_DATA" } },
}]], { PORT = b.port })
    local c = b:handshake()
    c:send("PUBLISH", { topic = "a/old", payload = "live", qos = 0 })
    c:send("PUBLISH", { topic = "a/none", payload = "x", retain = true, qos = 0 })
    assert.equal("live", t:value("plant.old.data").value)
    files.change(t.config_path, 'station "old"', [[
station "new" { address = "a/new", SWT = "will/new", tags = { data = TxtI "IN_DATA" } },
  station "old"]])
    assert.equal(0, (t:eval "reload()"))
    local p = c:expect "SUBSCRIBE"
    c:send("SUBACK", { id = p.id, codes = { 1 } })
    c:send("PUBLISH", { topic = "a/none", payload = "x", retain = true, qos = 0 })
    c:send("PUBLISH", { topic = "a/new", payload = "was", retain = true, qos = 0 })
    c:send("PUBLISH", { topic = "will/old", payload = "", retain = true, qos = 0 })
    c:send("PUBLISH", { topic = "will/new", payload = "", retain = true, qos = 0 })
    assert.equal("was", t:value("plant.new.data").value)
    assert.equal("station-will", t:value("plant.new.data").reason)
    local _, out = t:eval [[return stations["plant.old"].status, stations["plant.new"].status,
      lines.plant.stats.unrouted]]
    assert.equal("StOn\tStHardErr\t1", (out:gsub("%s+$", "")))
    -- heard once, like any station's
    assert.equal(0, (t:eval "reload()"))
    c:send("PUBLISH", { topic = "a/new", payload = "lives", qos = 0 })
    assert.equal("lives", t:value("plant.new.data").value)
  end)
end)
