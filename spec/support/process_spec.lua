-- Programs under test, and a real Mosquitto, as the scenarios use them.
local uv = require "luv"
local mosquitto = require "spec.support.mosquitto"
local process = require "spec.support.process"
local scope = require "spec.support.scope"
local wait = require "spec.support.wait"

local shell = "/bin/sh"

describe("support process", function()
  after_each(scope.finish)

  it("gives lines, errors and the exit code", function()
    local code, out, err = process.run(shell,
      { "-c", "echo one; echo two >&2; printf three; exit 7" })
    assert.same({ 7, "one\nthree", "two" }, { code, out, err })
  end)

  it("waits for a line, then for one behind it", function()
    local p = process.start(shell, { "-c", "echo a 1; echo b; echo a 2; read x; echo a 3" })
    assert.equal("a 1", p:wait_line "^a")
    assert.equal("a 2", p:wait_line "^a")
    p:write("go\n")
    assert.equal("a 3", p:wait_line "^a")
    assert.equal(0, (p:wait_exit()))
  end)

  it("raises when the awaited line never comes", function()
    local p = process.start(shell, { "-c", "echo other" })
    local ok, why = pcall(p.wait_line, p, "^mine")
    assert.is_false(ok)
    assert.truthy(why:find("other", 1, true), why)
    local slow = process.start(shell, { "-c", "read x" })
    ok, why = pcall(slow.wait_line, slow, "^mine", 20)
    assert.is_false(ok)
    assert.truthy(why:find(wait.TIMEOUT, 1, true), why)
  end)

  it("gives input and environment", function()
    local options = { input = "in\n", env = { WORD = "w", HOME = false } }
    local code, out = process.run(shell, { "-c", "cat; echo $WORD ${HOME-unset}" }, options)
    assert.same({ 0, "in\nw unset" }, { code, out })
  end)

  it("tells a signal from an exit code", function()
    local p = process.start(shell, { "-c", "echo up; read x" })
    p:wait_line "up"
    p:kill "sigkill"
    assert.same({ 0, 9 }, { p:wait_exit() })
  end)

  it("kills what a spec left running", function()
    local p = process.start(shell, { "-c", "trap '' TERM; echo up; read x" })
    p:wait_line "up"
    scope.finish()
    assert.equal(9, p.signal)
    local alive = uv.kill(p.pid, 0)
    assert.is_not.equal(0, alive)
  end)

  it("holds back a program whose output nobody reads", function()
    local script = "i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done; echo done >&2"
    local p = process.start(shell, { "-c", script }, { paused = true })
    assert.has_error(function() p:wait_log("done", 100) end)
    p:resume()
    p:wait_log "done"
    p:wait_line "^19999$"
  end)

  it("reads memory and processor time", function()
    local p = process.start(shell, { "-c", "echo up; read x" })
    p:wait_line "up"
    assert.is_true(p:rss() > 100000 and p:rss() < 100000000)
    assert.is_true(p:cpu() < 5)
  end)
end)

describe("support mosquitto", function()
  after_each(scope.finish)

  it("carries a message of any bytes at each QoS", function()
    local m = mosquitto.start()
    local s = m:subscribe("spec/#", 2)
    for qos = 0, 2 do
      m:publish("spec/t", "payload " .. qos, { qos = qos })
      assert.equal(qos .. " 0 spec/t payload " .. qos, s:wait_line "^%d")
    end
  end)

  it("ends and starts again on its port", function()
    local m = mosquitto.start()
    local port = m.port
    m:kill()
    assert.has_error(function() m:publish("a", "b") end)
    m:restart()
    assert.equal(port, m.port)
    m:publish("a", "b")
  end)

  it("takes further config", function()
    local m = mosquitto.start { "allow_anonymous false" }
    assert.has_error(function() m:publish("a", "b") end)
  end)

  it("says why it does not start", function()
    local ok, why = pcall(mosquitto.start, { "no_such_option 1" })
    assert.is_false(ok)
    assert.truthy(why:find("no_such_option", 1, true), why)
  end)
end)
