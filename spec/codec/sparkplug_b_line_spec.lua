-- A host whose connection breaks, what it puts into its line, and how much it remembers.
local sparkplug_b = require "tagline.codec.sparkplug_b"
local support = require "spec.codec.sparkplug_b_support"

local TIME = support.TIME
local SECONDS = TIME / 1000

local nbirth, ndata = support.nbirth, support.ndata
local int, host_of = support.int, support.host_of

describe("a sparkplug_b host whose connection is lost", function()
  local published
  local line = { publish = function(_, ...)
    published[#published + 1] = { ... }
    return true
  end }

  before_each(function() published = {} end)

  it("knows no births any more, and asks each known node for them on the next", function()
    local host = sparkplug_b.host { on_error = function() end }
    host.on_connect(line)
    assert.same({}, published)
    host(nbirth())
    host(support.msg("spBv1.0/G/NBIRTH/B", { seq = 0, metrics = {} }))
    host.on_disconnect(line, "gone")
    assert.has_error(function() host.encode({ name = "Level" }, 1) end,
      "sparkplug_b: tag 'Level': no metric of that name in the birth certificates seen so far")
    host.on_connect(line)
    assert.same({ "spBv1.0/G/NCMD/B", "spBv1.0/G/NCMD/E" }, { published[1][1], published[2][1] })
    assert.is_nil(published[3])
    -- An alias may now be another metric's.
    local answer = ndata(1, { int(2, 3) }, os.time())
    answer.station = { full_name = "plant.boiler", tags = { Level = { address = "" } },
      line = line }
    assert.same({}, host(answer))
    assert.is_nil(published[3])
    host(nbirth())
    assert.same({ Level = { value = 3, time = SECONDS } }, host(ndata(1, { int(2, 3) })))
  end)

  it("asks in its own way where it has one", function()
    local host, asked = host_of()
    host(nbirth())
    host.on_disconnect(line, "gone")
    host.on_connect(line)
    assert.same({ {}, "connected" }, { published, asked[1].why })
  end)
end)

describe("a sparkplug_b host's line", function()
  local host

  before_each(function() host = sparkplug_b.host { host_id = "scada" } end)

  it("has what the host needs, and what is given", function()
    local called = {}
    local fields = host.line { host = "h", topic_filter = "spBv1.0/G/#",
      { address = "spBv1.0/STATE/scada" },
      on_connect = function() called[#called + 1] = "own" end }
    assert.same({ "spBv1.0/STATE/scada", "spBv1.0/G/#" }, fields.topic_filter)
    assert.same({ "h", true, true, 1, true, "spBv1.0/STATE/scada" },
      { fields.host, fields.clean_session, fields.will_flag, fields.will_qos, fields.will_retain,
        fields.will_topic })
    fields.on_connect { publish = function(_, topic) called[#called + 1] = topic end }
    assert.same({ "spBv1.0/STATE/scada", "own" }, called)
    assert.equal("function", type(fields.on_disconnect))
    assert.is_false(host.line { clean_session = false, { host.state } }.clean_session)
  end)

  it("subscribes to all groups when nothing is said", function()
    assert.equal(7, #host.line { host.state }.topic_filter)
    assert.equal(6, #sparkplug_b.host().line({}).topic_filter)
    assert.is_nil(sparkplug_b.host().line({}).will_flag)
  end)

  it("wants the station of STATE, and no other will", function()
    assert.error_matches(function() host.line {} end,
      'expected station "STATE" %(host.state%) in the line')
    assert.error_matches(function() host.line { host.state, will_topic = "x" } end,
      "will_topic: with a host_id the will is STATE")
    assert.error_matches(function() host.line(5) end, "expected the fields of a line, got number")
  end)
end)

describe("what a sparkplug_b host remembers", function()
  local births = require "tagline.codec.sparkplug_b.births"
  local nodes, metrics = births.MOST_NODES, births.MOST_METRICS
  after_each(function() births.MOST_NODES, births.MOST_METRICS = nodes, metrics end)

  local function birth(host, edge, count)
    local list = {}
    for i = 1, count do list[i] = { name = edge .. i, alias = i, datatype = "Int32", value = i } end
    host(support.msg("spBv1.0/G/NBIRTH/" .. edge, { seq = 0, metrics = list }))
  end

  local function knows(host, edge, seq)
    return next(
      host(support.msg("spBv1.0/G/NDATA/" .. edge, { seq = seq, metrics = { int(1, 5) } }))) ~= nil
  end

  it("is bounded, and the node with most gives way", function()
    births.MOST_METRICS = 100
    local asked = {}
    local host = host_of { on_rebirth = function(topic) asked[#asked + 1] = topic end }
    birth(host, "big", 90)
    birth(host, "small", 20)
    assert.is_true(knows(host, "small", 1))
    assert.is_false(knows(host, "big", 1))
    assert.same({ "spBv1.0/G/NCMD/big" }, asked)
    assert.error_matches(function() birth(host, "big", 90) end,
      "expected at most 100 metrics in all birth certificates")
    assert.is_true(knows(host, "small", 2))
  end)

  it("has room for a node that is born, whoever else was heard", function()
    births.MOST_NODES = 3
    local host = host_of { on_rebirth = false }
    birth(host, "real", 1)
    for i = 1, 20 do knows(host, "noise" .. i, 1) end
    assert.is_true(knows(host, "real", 1))
    for i = 1, 2 do birth(host, "other" .. i, 0) end
    assert.error_matches(function() birth(host, "more", 0) end,
      "expected at most 3 edge nodes, got one more: G/more")
  end)
end)
