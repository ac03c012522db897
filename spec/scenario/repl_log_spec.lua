-- What the log says of changes that somebody makes from a REPL.
local scenario = require "spec.support.scenario"
local broker, process, scope, tagline = scenario "broker process scope tagline"
local uid = require("luv").getuid()

local config = [[
line "plant" {
  host = "127.0.0.1", port = PORT, reconnect_delay = 0.05, password = "s3cret", user_name = "me",
  station "boiler" { address = "boiler/up", tags = { text = TxtI "IN_DATA" } },
}
]]

local t

local function start()
  local b = broker.new()
  t = tagline.run(config, { PORT = b.port })
  b:handshake()
end

local function eval(code)
  assert.equal(0, (tagline.command { "repl", "--socket", t.socket, "-e", code }))
end
local function says(text)
  t:wait_log((("REPL of uid %d: %s"):format(uid, text):gsub("%p", "%%%0")))
end

describe("the log of what a REPL changes", function()
  after_each(scope.finish)

  it("tells the values of parameters, and never a password", function()
    start()
    eval [[lines.plant:set { keep_alive = 33, password = "an0ther", user_name = "you",
      will_flag = true, will_topic = "w/t", will_message = "bye" }]]
    for _, text in ipairs { "set user_name = you", "set password = (not shown)",
      "set keep_alive = 33", "set will_flag = true", "set will_topic = w/t",
      "set will_message = bye" } do says(text) end
    eval [[lines.plant:set { topic_filter = { "a/#", "b/+/c" }, client_id = ("x"):rep(100) }]]
    says "set topic_filter = a/#, b/+/c"
    says("set client_id = " .. ("x"):rep(80) .. "…")
    eval [[lines.plant:set { password = "", user_name = "" }]]
    says "set user_name = nothing"
    says "set password = (not shown)"
    assert.falsy(t:text("stderr"):find "an0ther")
  end)

  it("tells what was published, and how large it was", function()
    start()
    eval 'lines.plant:publish("a", "b\\n\\0", { qos = 0 })'
    says "publish to 'a': 3 bytes: hex 62 0a 00"
    eval 'lines.plant:publish("a", ("x"):rep(1000), { qos = 0, retain = true })'
    says("publish to 'a', retained: 1000 bytes: " .. ("x"):rep(80) .. "…")
  end)

  it("refuses options that publish and explain do not know", function()
    start()
    for code, want in pairs {
      ['lines.plant:publish("a", "b", { qso = 1 })'] =
        "publish: unknown option 'qso' (known: qos retain)",
      ['lines.plant:publish("a", "b", { 1 })'] =
        "publish: unknown option number 1 (known: qos retain)",
      ['lines.plant:publish("a", "b", { qos = "QoS_3" })'] =
        'publish: expected qos 0, 1 or 2, got string "QoS_3"',
      ['lines.plant:publish("a", "b", { qos = 0.5 })'] =
        "publish: expected qos 0, 1 or 2, got number 0.5",
      ['lines.plant:publish("a", "b", { retain = 1 })'] =
        "publish: expected retain = true or false, got number 1",
      ['explain("a", "b", { retian = true })'] = "message: unknown option 'retian'",
    } do
      local exit, out, err = tagline.command { "repl", "--socket", t.socket, "-e", code }
      assert.same({ 1, "" }, { exit, out })
      assert.truthy(err:find(want, 1, true), err)
    end
    eval 'lines.plant:publish("a", "b", { qos = "qos_0", retain = "YES" })'
    says "publish to 'a', retained: 1 byte: b"
  end)

  it("does not let a refused or failed change look like one that happened", function()
    start()
    local evaluate = function(code) return (tagline.command { "repl", "--socket", t.socket, "-e",
      code }) end
    assert.equal(1, evaluate 'lines.plant:publish("a/#", "b")')
    says "refused: publish to 'a/#': 1 byte: b: "
    evaluate 'tags["plant.boiler.text"]:write "x"'
    says "refused: write boiler.text = x: 'text' is an input"
    evaluate 'lines.plant:publish("a", "b", { qos = 1 }, function() end) lines.plant:reconnect()'
    says "publish to 'a': 1 byte: b"
    assert.falsy(t:text("stderr"):find("REPL of uid %d+: write boiler"))
    assert.falsy(t:text("stderr"):find("REPL of uid %d+: publish to 'a/#'"))
  end)

  it("tells which write failed after it was under way", function()
    local b = broker.new()
    t = tagline.run((config:gsub("port = PORT", "port = PORT, clean_session = true")),
      { PORT = b.port })
    local c = b:handshake()
    local run = process.start(tagline.program(),
      { "repl", "--socket", t.socket, "-e", [[lines.plant:publish("a", "b", { qos = 1 })]] })
    c:expect "PUBLISH"
    c:close()
    assert.equal(1, (run:wait_exit()))
    says "failed: publish to 'a': 1 byte: b: connection lost"
  end)

  it("tells of files", function()
    start()
    local path = scope.folder() .. "/capture"
    eval(("save %q"):format(path))
    says(("save '%s': 0 messages"):format(path))
  end)
end)
