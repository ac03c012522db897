-- What a host does with messages that come in another order than they were sent, with timers
-- that the spec fires.
local support = require "spec.codec.sparkplug_b_support"

local TIME = support.TIME
local SECONDS = TIME / 1000

insulate("a sparkplug_b host with a reorder timeout", function()
  local timers = {}
  package.loaded["tagline.timers"] =
    { after = function(seconds, fn) timers[#timers + 1] = { seconds = seconds, fn = fn } end }
  for name in pairs(package.loaded) do
    if name:find "^tagline%.codec%.sparkplug_b" then package.loaded[name] = nil end
  end
  local sparkplug_b = require "tagline.codec.sparkplug_b"

  local host, asked, errors, station

  local function fire()
    local timer = table.remove(timers, 1)
    timer.fn()
    return timer.seconds
  end

  local function send(kind, seq, metrics, device, to)
    local topic = "spBv1.0/G/" .. kind .. "/E" .. (device and "/" .. device or "")
    local msg = support.msg(topic, { timestamp = TIME, seq = seq, metrics = metrics }, 1000)
    msg.station = to or station
    local function finish(...)
      -- as a message is once decode has returned
      msg.topic, msg.payload, msg.station = nil, nil, nil
      return ...
    end
    return finish(host(msg))
  end

  local function level(value) return { { alias = 2, wire = "int_value", wire_value = value } } end
  local function is(value) return { Level = { value = value, time = SECONDS } } end

  before_each(function()
    for i = #timers, 1, -1 do timers[i] = nil end
    asked, errors = {}, {}
    station = support.station { Level = false, P = false }
    host = sparkplug_b.host { reorder_timeout = 2,
      on_error = function(text) errors[#errors + 1] = text end,
      on_rebirth = function(topic, _, msg, why) asked[#asked + 1] = { topic, why,
        msg.station and msg.station.full_name } end }
    send("NBIRTH", 0, { { name = "bdSeq", datatype = "UInt64", value = 0 },
      { name = "Level", alias = 2, datatype = "Int32", value = 0 } })
  end)

  it("takes messages in the order of their numbers", function()
    assert.same({}, send("NDATA", 2, level(2)))
    assert.same({}, send("NDATA", 3, level(3)))
    assert.same({ { values = is(1) }, { values = is(2) }, { values = is(3) } },
      send("NDATA", 1, level(1)))
    assert.same(is(4), send("NDATA", 4, level(4)))
    assert.equal(2, fire())
    assert.same({ {}, {}, {} }, { asked, errors, timers })
  end)

  it("goes over from 255 to 0", function()
    for seq = 1, 254 do send("NDATA", seq, {}) end
    assert.same({}, send("NDATA", 0, level(2)))
    assert.same({ { values = is(1) }, { values = is(2) } }, send("NDATA", 255, level(1)))
    assert.same(is(3), send("NDATA", 1, level(3)))
  end)

  it("knows the aliases of a birth that came late", function()
    send("DDATA", 2, { { alias = 7, wire = "int_value", wire_value = 255 } }, "D")
    local samples = send("DBIRTH", 1, { { name = "P", alias = 7, datatype = "Int8", value = 5 } },
      "D")
    assert.same({ 5, -1 }, { samples[1].values.P.value, samples[2].values.P.value })
    assert.same({ {}, {} }, { asked, errors })
  end)

  it("asks for a rebirth when one does not come in time, and gives up those behind it", function()
    send("NDATA", 2, level(2))
    fire()
    assert.same({ { "spBv1.0/G/NCMD/E", "seq", "plant.boiler" } }, asked)
    assert.same(
      { "sparkplug_b: G/E: expected seq 1 within 2 s: messages were lost, those after it were \z
        dropped" }, errors)
    assert.same(is(3), send("NDATA", 3, level(3)))
    assert.same(is(5), send("NDATA", 4, level(5)))
    assert.same({ {}, 1 }, { timers, #errors })
  end)

  it("raises in the timer when nobody hears of errors", function()
    host = sparkplug_b.host { reorder_timeout = 2, on_rebirth = function() end }
    send("NBIRTH", 0, { { name = "Level", alias = 2, datatype = "Int32", value = 0 } })
    send("NDATA", 2, level(2))
    assert.error_matches(fire, "^sparkplug_b: G/E: expected seq 1 within 2 s: ")
  end)

  it("gives each gap its time", function()
    send("NDATA", 2, level(2))
    send("NDATA", 1, level(1))
    send("NDATA", 4, level(4))
    assert.equal(1, #timers)
    fire() -- that of the first gap, which is filled
    assert.same({ 1, {} }, { #timers, asked })
    fire()
    assert.same({ {}, 1 }, { timers, #asked })
  end)

  it("asks at once when too many come, or one comes twice", function()
    for seq = 2, 101 do assert.same({}, send("NDATA", seq, level(seq))) end
    assert.same(is(102), send("NDATA", 102, level(102)))
    assert.same({ 1, 1 }, { #asked, #errors })
    assert.same(is(7), send("NDATA", 102, level(7)))
    assert.equal(2, #errors)
    assert.matches("expected seq 103, got 102", errors[2])
  end)

  it("asks at once when too many bytes come", function()
    local long = { { name = "x", datatype = "String", value = ("x"):rep(400000) } }
    assert.same({}, send("NDATA", 2, long))
    assert.same({}, send("NDATA", 2, long)) -- in place of the first one
    assert.same({}, send("NDATA", 3, long))
    assert.same({}, asked)
    send("NDATA", 4, long)
    assert.same({ 1, 1 }, { #asked, #errors })
  end)

  it("forgets what is held when the node dies or is born again", function()
    send("NDATA", 2, level(2))
    send("NDEATH", nil, {})
    send("NBIRTH", 0, { { name = "Level", alias = 2, datatype = "Int32", value = 9 } })
    assert.same(is(1), send("NDATA", 1, level(1)))
    fire()
    assert.same({}, asked)
  end)

  it("gives values of another station with that one's next message", function()
    local other = support.station { Level = false, P = false }
    other.full_name = "plant.device"
    send("DBIRTH", 1, { { name = "P", alias = 7, datatype = "Int8", value = 5 } }, "D", other)
    assert.same({}, send("DDATA", 3, { { alias = 7, wire = "int_value", wire_value = 6 } }, "D",
      other))
    assert.same(is(1), send("NDATA", 2, level(1)))
    assert.same({ { values = { P = { value = 6, time = SECONDS } } },
      { values = { P = { value = 7, time = SECONDS } } } },
      send("DDATA", 4, { { alias = 7, wire = "int_value", wire_value = 7 } }, "D", other))
  end)

  it("tells what is wrong with a message that was held, when its turn comes", function()
    send("NDATA", 2, { { alias = 77, wire = "int_value", wire_value = 1 } })
    assert.same({}, errors)
    send("NDATA", 1, level(1))
    assert.matches("expected metrics of the birth certificate, got alias 77", errors[1])
  end)

  it("checks its value", function()
    assert.error_matches(function() sparkplug_b.host { reorder_timeout = -1 } end,
      "reorder_timeout: expected 0 to 3600 seconds, got %-1")
    assert.error_matches(function() sparkplug_b.host { reorder_timeout = 0 / 0 } end,
      "reorder_timeout: expected 0 to 3600 seconds")
  end)
end)

describe("a sparkplug_b host without timers", function()
  it("refuses a reorder timeout", function()
    assert.error_matches(function() require("tagline.codec.sparkplug_b").host {
      reorder_timeout = 1 } end,
      "reorder_timeout: this Lua has no timers")
  end)
end)
