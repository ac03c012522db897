-- on_value, on_status, on_connect, on_disconnect, timers and coroutines: when they are called, and
-- what becomes of mistakes.
local scenario = require "spec.support.scenario"
local broker, scope, tagline, wait = scenario "broker scope tagline wait"

local function start (text)
  local b = broker.new()
  local t = tagline.run(text, { PORT = b.port })
  return t, b:handshake()
end

describe("the other handlers", function()
  after_each(scope.finish)

  it("on_value of the tag, its station and its line, in this order", function()
    local t, c = start([[
      said = {}
      local function note(what)
        return function(tag)
          said[#said + 1] = what .. ":" .. tag.name .. "=" .. tostring(tag.value)
        end
      end
      line "plant" { host = "127.0.0.1", port = PORT, payload_type = "JSON", on_value = note "line",
        station "s" { address = "s", on_value = note "station",
          tags = { a = Ai { "JA=a", on_value = note "tag" }, b = Ai "JA=b" } },
        station "t" { address = "t", tags = { a = Ai "JA=a" } } }]])
    c:deliver("s", '{"a": 1}')
    c:deliver("s", '{"a": 1}')
    c:deliver("t", '{"a": 2}')
    local _, out = t:eval "return table.concat(said, ' ')"
    assert.equal("tag:a=1.0 station:a=1.0 line:a=1.0 station:b=nil line:b=nil line:a=2.0",
      (out:gsub("%s+$", "")))
    _, out = t:eval "return stations['plant.s'].stats.handlers.on_value.calls"
    assert.equal("5", out:match "%d+") -- those of the line count where the value is
  end)

  it("on_status, on_connect and on_disconnect with why", function()
    local t, c, b
    b = broker.new()
    t = tagline.run([[
      line "plant" { host = "127.0.0.1", port = PORT, reconnect_delay = 0.05,
        on_connect = function(line) print("connect", line.name) end,
        on_disconnect = function(line, why) print("disconnect", line.name, type(why), #why > 0) end,
        station "s" { address = "s", time_filter = 60, on_status = function(station)
          print("status", station.name, station.status)
        end } }]], { PORT = b.port })
    c = b:handshake()
    t:wait_log "connect\tplant"
    t:wait_log "status\ts\tStOn"
    c:close()
    t:wait_log "status\ts\tStComErr"
    t:wait_log "disconnect\tplant\tstring\ttrue"
    b:handshake()
    t:wait_log "status\ts\tStOn"
  end)

  it("that fail name themselves, and the line goes on", function()
    local t, c = start([[
      line "plant" { host = "127.0.0.1", port = PORT,
        on_connect = function() error "first" end, on_value = function() error "second" end,
        station "s" { address = "s", on_status = function() error "third" end,
          tags = { x = Ai "IN_DATA" } } }]])
    c:deliver("s", "1")
    c:deliver("s", "2")
    t:wait_log "ERROR plant: on_connect: .*config.lua:2: first"
    t:wait_log "ERROR plant.s: on_status: .*config.lua:3: third"
    t:wait_log "ERROR plant.s: on_value: .*config.lua:2: second"
    assert.equal(1, t:value("plant.s.x").value)
    assert.equal(2, t:value("plant.s.x").value)
  end)

  it("each have a budget of their own, also where one sets off the other", function()
    -- Twenty handlers of 0.05 s within decode: more than one budget together, and each far
    -- below it on a busy machine, too.
    local t, c = start([[
      local function busy(seconds)
        local till = os.clock() + seconds
        while os.clock() < till do end
      end
      limits { handler_time = 0.8 }
      local tags, values = {}, {}
      for n = 1, 20 do tags["v" .. n], values["v" .. n] = Ai {}, n end
      line "plant" { host = "127.0.0.1", port = PORT,
        station "s" { address = "s", tags = tags,
          decode = function() busy(0.05) return values end,
          on_value = function() busy(0.05) end } }]])
    c:deliver("s", "1")
    wait.till("20 calls", 20000, function()
      return select(2,
        t:eval "return stations['plant.s'].stats.handlers.on_value.calls"):match "^20"
    end)
    local _, out =
      t:eval "local h = stations['plant.s'].stats.handlers print(h.decode.errors, \z
        h.on_value.errors, h.on_value.calls, h.on_value.longest >= 0.05)"
    assert.equal("0\t0\t20\ttrue", (out:gsub("%s+$", "")))
  end)

  it("every and after, when the config loads and while it runs", function()
    local t, c = start([[
      local ticks = 0
      every(0.02, function() ticks = ticks + 1 if ticks == 3 then print "three ticks" end end)
      after(0.03, function() print "once" after(0.01, function() print "again" end) end)
      line "plant" { host = "127.0.0.1", port = PORT,
        station "s" { address = "s", tags = { x = Ai {} },
        decode = function(msg)
          if msg.payload == "bad" then every("soon", print) end
          if msg.payload == "worse" then after(1, "print") end
          if msg.payload == "many" then for _ = 1, 1e6 do after(1000, print) end end
          if msg.payload == "fails" then after(0.01, function() error "later" end) end
          after(0.01, function() print("later " .. kept) end)
          kept = msg.payload
          return { x = 1 }
        end } }
      kept = ""]])
    t:wait_log "once"
    for _, what in ipairs { "three ticks", "again" } do -- in either order
      if not t:text "stderr":find(what, 1, true) then t:wait_log(what) end
    end
    c:deliver("s", "good")
    t:wait_log "later good"
    c:deliver("s", "bad")
    t:wait_log 'config.lua:%d+: every: expected seconds %(0.001 to 1000000000%), got \z
      string "soon"'
    c:deliver("s", "worse")
    t:wait_log 'after: expected a function as the second value, got string "print"'
    c:deliver("s", "fails")
    t:wait_log "ERROR after: .*config.lua:10: later"
    c:deliver("s", "many")
    t:wait_log "more than 10000 timers"
    t:stop()
  end)

  it("that write for ever leave time for all else", function()
    local b = broker.new()
    local t = tagline.run([[
      line "plant" { host = "127.0.0.1", port = PORT,
        on_connect = function()
          tags["plant.s.n"]:write(0)
          after(0.001, function() print("timer at", tags["plant.s.n"].value) end)
        end,
        station "s" { address = "s",
          encode = function(tag, value) return tostring(value), "out" end,
          tags = { n = Co { on_value = function(tag)
            if tag.value < 20000 then tag:write(tag.value + 1) else print "all written" end
          end } } } }
    ]], { PORT = b.port })
    b:handshake()
    t:wait_log("all written", 20000)
    local before = t:text "stderr":match "^(.*)all written"
    -- each write is done when it is sent (QoS 0)
    assert.truthy(before:find("timer at", 1, true), "only when all was written")
    t:stop()
  end)

  it("may write from a coroutine and wait, and never block", function()
    local t, c = start([[
      line "plant" { host = "127.0.0.1", port = PORT, publish_qos = 1, station "s" { address = "s",
        decode = function(msg)
          coroutine.wrap(function()
            print("wrote", tags["plant.s.out"]:write(tonumber(msg.payload)))
          end)()
          return { x = 1 }
        end,
        tags = { x = Ai {}, topic = TxtO { "OUT_TOPIC", default = "s/set" },
          out = Ao "OUT_VALUE" } } }]])
    c:send("PUBLISH", { topic = "s", payload = "5", qos = 0 })
    local p = c:expect "PUBLISH"
    assert.same({ "s/set", "5" }, { p.topic, p.payload })
    c:send("PUBACK", { id = p.id })
    t:wait_log "wrote\ttrue"
  end)

  it("may resume a coroutine that waits for a write themselves; the write's end is then \z
    nobody's",
    function()
    local t, c = start([[
      line "plant" { host = "127.0.0.1", port = PORT, publish_qos = 1, station "s" { address = "s",
        decode = function(msg)
          local co = coroutine.create(function()
            return "went on with " .. tostring(tags["plant.s.out"]:write(5))
          end)
          coroutine.resume(co)
          print(select(2, coroutine.resume(co, "another's word")))
          return { x = 1 }
        end,
        tags = { x = Ai {}, topic = TxtO { "OUT_TOPIC", default = "s/set" },
          out = Ao "OUT_VALUE" } } }]])
    c:send("PUBLISH", { topic = "s", payload = "", qos = 0 })
    c:send("PUBACK", { id = c:expect("PUBLISH").id })
    t:wait_log "went on with another's word"
    assert.equal(5, t:value("plant.s.out").value)
    t:stop()
    assert.is_nil(t:text("stderr"):find("ERROR", 1, true))
  end)
end)
