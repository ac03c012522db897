-- Clients of the console that do not read, are stopped or vanish while values and messages come
-- in a flood.
local scenario = require "spec.support.scenario"
local packet, process, scope, tagline, wait =
  scenario "packet process scope tagline wait"

local config = [[
line "plant" {
  host = "127.0.0.1", port = PORT, payload_type = "JSON", ignore_missing_time = true,
  station "boiler" { address = "boiler/up",
    tags = { temperature = Ai { "JA=temp", new_value_on_time_change = true } } },
}
]]

local t, c

local function start()
  t, c = tagline.connected(config)
end

local function attach(options, ...)
  return process.start(tagline.program(), { "repl", "--socket", t.socket, ... }, options)
end

local function publish(n, payload, from)
  local all = {}
  for i = 1, n do
    all[i] = packet.encode("PUBLISH", { topic = "boiler/up", payload = payload, qos = 1,
      id = (from or 0) + i })
  end
  c:send(table.concat(all))
  for i = 1, n do assert.equal((from or 0) + i, c:expect("PUBACK").id) end
end

-- Watches raw messages, all of each.
local function watch(options)
  return attach(options, "--json", "-e", 'watch { topic = "#", rate = 100000 }')
end

local function await_watching(run)
  wait.poll("watch", 5000, function()
    publish(1, "{}")
    return #run:lines() > 0
  end)
end

local payload = ('{"temp":1,"text":"%s"}'):format(("x"):rep(1000))

describe("clients that do not read", function()
  after_each(scope.finish)

  it("hold no message back, and hear how much they missed", function()
    start()
    local reads, paused, stopped, gone = watch(), watch { paused = true }, watch(), watch()
    for _, run in ipairs { reads, stopped, gone } do await_watching(run) end
    stopped:kill "sigstop"
    for i = 0, 39 do
      publish(200, payload, i * 200)
      if i == 20 then gone:kill "sigkill" end
    end
    for _, run in ipairs { paused, stopped } do assert.is_nil(run.code) end
    -- Who reads misses nothing.
    local function messages() return select(2, reads:text():gsub('"id":%d+', "")) end
    wait.poll("all messages", 10000, function() return messages() >= 8000 end)
    assert.falsy(reads:text():find("left_out", 1, true))
    -- Who does not, hears of it as soon as it reads again, and sees what comes then.
    stopped:kill "sigcont"
    paused:resume()
    for _, run in ipairs { paused, stopped } do run:wait_line '^{"outputs_left_out":%d+}$' end
    publish(1, '{"temp":"afterwards"}', 60000)
    for _, run in ipairs { reads, paused, stopped } do run:wait_line "afterwards" end
  end)

  it("hear it in words where a person reads", function()
    start()
    local run = attach(nil, "-e", 'watch { topic = "#", rate = 100000 }')
    await_watching(run)
    run:kill "sigstop"
    for i = 0, 59 do publish(200, payload, i * 200) end
    run:kill "sigcont"
    run:wait_line "^%[%d+ outputs? left out: not read fast enough%]$"
  end)

  it("are not waited for by a script that prints", function()
    start()
    local run = attach({ paused = true }, "-e", 'for i = 1, 1e5 do print(("x"):rep(100)) end')
    publish(100, payload)
    local code, out = tagline.command { "repl", "--socket", t.socket, "-e", "1 + 1" }
    assert.same({ 0, "2" }, { code, out })
    run:kill "sigstop"
    publish(100, payload, 100)
    run:kill "sigkill"
    publish(100, payload, 200)
  end)
end)
