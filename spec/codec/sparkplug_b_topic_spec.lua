-- Topics, requests and STATE.
local sparkplug_b = require "tagline.codec.sparkplug_b"
local support = require "spec.codec.sparkplug_b_support"

describe("sparkplug_b topics", function()
  it("are taken apart", function()
    assert.same({ group = "g", type = "NBIRTH", edge = "e" },
      sparkplug_b.parse_topic "spBv1.0/g/NBIRTH/e")
    assert.same({ group = "g 1", type = "DDATA", edge = "e", device = "d" },
      sparkplug_b.parse_topic "spBv1.0/g 1/DDATA/e/d")
    assert.same({ type = "STATE", host = "scada" }, sparkplug_b.parse_topic "spBv1.0/STATE/scada")
    assert.same({ group = "STATE", type = "NDATA", edge = "e" },
      sparkplug_b.parse_topic "spBv1.0/STATE/NDATA/e")
  end)

  for text, why in pairs {
    ["a/b"] = 'topic, byte 1: expected spBv1.0, got "a"',
      [""] = 'topic, byte 1: expected spBv1.0, got ""',
    ["spBv1.0/g/NDATA"] = "topic, byte 16: expected spBv1.0/group/TYPE/edge, got 3 levels",
    ["spBv1.0/g/XDATA/e"] =
      'topic, byte 11: expected NBIRTH, NDATA or another message type, got "XDATA"',
    ["spBv1.0/g/DDATA/e"] = "topic, byte 18: expected a device for DDATA",
    ["spBv1.0/g/NDATA/e/d"] = "topic, byte 19: expected the end of the topic of NDATA",
    ["spBv1.0/g/DDATA/e/d/x"] = "topic, byte 21: expected the end of the topic of DDATA",
    ["spBv1.0//NDATA/e"] = "topic, byte 9: expected a level that is not empty",
  } do
    it("refuse '" .. text .. "'",
      function() assert.same({ nil, why }, { sparkplug_b.parse_topic(text) }) end)
  end

  it("are put together", function()
    assert.equal("spBv1.0/g/NCMD/e", sparkplug_b.topic("NCMD", "g", "e"))
    assert.equal("spBv1.0/g/DCMD/e/d", sparkplug_b.topic("DCMD", "g", "e", "d"))
    assert.has_error(function() sparkplug_b.topic("NCMD", "g", "e", "d") end,
      "sparkplug_b: expected no device for NCMD")
    assert.has_error(function() sparkplug_b.topic("DCMD", "g", "e") end,
      "sparkplug_b: expected a device for DCMD")
    assert.has_error(function() sparkplug_b.topic("CMD", "g", "e") end,
      'sparkplug_b: expected a message type such as "NCMD", got "CMD"')
    assert.has_error(function() sparkplug_b.topic("NCMD", "a/b", "e") end)
  end)
end)

describe("sparkplug_b subscriptions", function()
  it("are to what nodes and devices publish", function()
    assert.same({ "spBv1.0/g/NBIRTH/+", "spBv1.0/g/NDATA/+", "spBv1.0/g/NDEATH/+",
      "spBv1.0/g/DBIRTH/+/+",
      "spBv1.0/g/DDATA/+/+", "spBv1.0/g/DDEATH/+/+" }, sparkplug_b.topic_filters "g")
    assert.equal("spBv1.0/+/DDEATH/e/+", sparkplug_b.topic_filters(nil, "e")[6])
  end)

  it("go to stations by address", function()
    assert.equal("spBv1\\.0/g\\.1/[ND](?:BIRTH|DATA|DEATH)/boiler\\-1(?:/[^/]+)?",
      sparkplug_b.address("g.1", "boiler-1"))
    assert.equal("spBv1\\.0/(?<group>[^/]+)/[ND](?:BIRTH|DATA|DEATH)/(?<edge>[^/]+)(?:/[^/]+)?",
      sparkplug_b.address())
    assert.has_error(function() sparkplug_b.address "a/b" end)
  end)
end)

describe("sparkplug_b requests", function()
  it("ask for a rebirth", function()
    local topic, payload = sparkplug_b.rebirth_request("g", "e", support.TIME)
    assert.equal("spBv1.0/g/NCMD/e", topic)
    assert.equal(support.vectors.rebirth, support.hex(payload))
  end)

  it("ask for it now when no time is given", function()
    local _, payload = sparkplug_b.rebirth_request("g", "e")
    assert.is_true(math.abs(sparkplug_b.decode_bytes(payload).timestamp - os.time() * 1000) <= 5000)
  end)
end)

describe("sparkplug_b STATE", function()
  it("has a birth and a will of one time", function()
    local state = sparkplug_b.state("scada", support.TIME)
    assert.equal("spBv1.0/STATE/scada", state.topic)
    assert.equal('{"online":true,"timestamp":1486144502122}', state.online)
    assert.equal('{"online":false,"timestamp":1486144502122}', state.offline)
    local published
    state.on_connect { publish = function(_, ...) published = { ... } end }
    assert.same({ state.topic, state.online, { qos = 1, retain = true } }, published)
    assert.equal(state.offline, state.will())
  end)

  it("has the time of each CONNECT when none is given", function()
    local state = sparkplug_b.state "scada"
    state.online = ""
    assert.equal(state.will(), state.offline)
    assert.is_true(
      math.abs(sparkplug_b.parse_state(state.offline).timestamp - os.time() * 1000) <= 5000)
    assert.equal((state.offline:gsub("false", "true")), state.online)
  end)

  it("corrects who says that this host is offline, but not at its own end", function()
    local state, published = sparkplug_b.state("scada", support.TIME), {}
    local line = { publish = function(_, _, payload) published[#published + 1] = payload end }
    local function hear(payload, retain)
      return state.decode { payload = payload, retain = retain,
        station = { line = line, tags = { since = { address = "" } } } }
    end
    state.will()
    assert.same({ since = 5 }, hear '{"online":true,"timestamp":5000}')
    hear('{"online":false,"timestamp":4000}', true) -- of before: our birth follows
    assert.same({}, published)
    hear '{"online":false,"timestamp":4000}'
    assert.same({ state.online }, published)
    state.before_disconnect(line)
    assert.is_false(sparkplug_b.parse_state(published[2]).online)
    hear(published[2])
    assert.is_nil(published[3])
    assert.has_error(function() hear "OFFLINE" end,
      'sparkplug_b: STATE: expected {"online":true or false,"timestamp":milliseconds}, got \z
        "OFFLINE"')
  end)

  it("is read", function()
    assert.same({ online = true, timestamp = 5 },
      sparkplug_b.parse_state '{"online":true,"timestamp":5}')
    assert.same({ online = false, timestamp = 5 },
      sparkplug_b.parse_state ' { "timestamp" : 5 , "online" : false } ')
    for _, text in ipairs { "", "ONLINE", "{}", '{"online":1,"timestamp":5}', '{"online":true}',
      '{"online":true,"timestamp":-5}',
      '{"online":true,"online":true,"timestamp":5}', '{"online":true,"timestamp":5,}',
        '{"online":true "timestamp":5}' } do
      local state, why = sparkplug_b.parse_state(text)
      assert.is_nil(state, text)
      assert.truthy(why:find('^expected {"online":true or false,"timestamp":milliseconds}, got '))
    end
  end)
end)
