-- `tagline status` and `tagline help`: for people, and for what looks after processes.
local cjson = require "cjson"
local scenario = require "spec.support.scenario"
local broker, mosquitto, scope, tagline = scenario "broker mosquitto scope tagline"

local config = [[ line "plant" { host = "127.0.0.1", port = PORT,
  station "any" { address = ".*", tags = { data = TxtI "IN_DATA" } } } ]]

local function status(t, ...) return tagline.command { "status", "--socket", t.socket, ... } end

describe("tagline status", function()
  after_each(scope.finish)

  it("is 0 where nothing is wrong", function()
    local m = mosquitto.start()
    local t = tagline.run(config, { PORT = m.port })
    m:wait_subscribed "tagline-plant"
    t:wait_log "connected to"
    local code, out, err = status(t)
    assert.same({ 0, "" }, { code, err }, out)
    assert.truthy(out:find "^tagline [^\n]*\n" and out:find "nothing is wrong$", out)
    code, out = status(t, "--json")
    local told = cjson.decode(out)
    assert.same({ 0, 0, "table" }, { code, #told.problems, type(told.remarks) })
    assert.is_nil(out:find("\n", 1, true))
  end)

  it("is 1 where something is, and says what", function()
    local t = tagline.run(config, { PORT = mosquitto.free_port() })
    t:wait_log "connection refused"
    local code, out, err = status(t)
    assert.same({ 1, "" }, { code, err }, out)
    assert.truthy(out:find("connection refused", 1, true), out)
    code, out = status(t, "--json")
    local problem = cjson.decode(out).problems[1]
    assert.equal(1, code)
    assert.same({ "string", "string", "plant" }, { type(problem.code), type(problem.text),
      problem.line })
  end)

  it("is 1 without a process", function()
    local folder = scope.folder()
    local env = { XDG_RUNTIME_DIR = folder, RUNTIME_DIRECTORY = false }
    local code, out, err = tagline.command({ "status" }, { env = env })
    assert.same({ 1, "" }, { code, out })
    assert.truthy(err:find("^tagline status: no running process in ")
      or err:find "several processes", err)
    code, out, err = tagline.command { "status", "--socket", folder .. "/none.sock" }
    assert.same({ 1, "" }, { code, out })
    assert.truthy(err:find("tagline status: connect to '" .. folder
      .. "/none.sock': no such file or directory", 1, true), err)
    code, out, err = tagline.command { "status", "--json", "--socket", folder .. "/none.sock" }
    local told = cjson.decode(out)
    assert.same({ 1, "no-process", 0 }, { code, told.problems[1].code, #told.remarks })
    assert.truthy(err:find(told.problems[1].text, 1, true), err)
    assert.equal(2, (tagline.command { "status", "--jsn" }))
  end)

  it("is 1 for a process that does not answer", function()
    local b = broker.new()
    local t = tagline.run(config, { PORT = b.port })
    b:handshake()
    t:kill "sigstop"
    local code, out, err = status(t)
    t:kill "sigcont"
    assert.same({ 1, "" }, { code, out })
    assert.truthy(err:find("tagline status: the process has not answered for 10 s", 1, true), err)
  end)
end)

describe("tagline help", function()
  after_each(scope.finish)

  it("is about all, a command, or a word", function()
    local code, out = tagline.command { "help" }
    assert.truthy(code == 0 and out:find "^usage: tagline COMMAND")
    for _, word in ipairs { "run", "check", "explain", "test", "replay", "repl", "history",
      "status", "help" } do
      code, out = tagline.command { "help", word }
      assert.equal(0, code)
      assert.equal(out, select(2, tagline.command { word, "--help" }))
      assert.truthy(out:find("^usage: tagline " .. word), out)
    end
    code, out = tagline.command { "help", "keep_alive" }
    assert.truthy(code == 0 and out:find("keep_alive", 1, true), out)
    code, out = tagline.command { "help", "credential" }
    assert.truthy(code == 0 and out:find("CREDENTIALS_DIRECTORY", 1, true), out)
  end)

  it("says what it does not know, with the nearest", function()
    local code, out, err = tagline.command { "help", "keep_alve\27[2J" }
    assert.same({ 1, "" }, { code, out })
    assert.is_nil(err:find "\27")
    code, out, err = tagline.command { "help", "keep_alve" }
    assert.same({ 1, "" }, { code, out })
    assert.truthy(err:find("did you mean 'keep_alive'?", 1, true), err)
  end)
end)
