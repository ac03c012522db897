-- What a host remembers, asks for and makes of deaths.
local sparkplug_b = require "tagline.codec.sparkplug_b"
local support = require "spec.codec.sparkplug_b_support"

local TIME = support.TIME
local SECONDS = TIME / 1000

local node, device, nbirth = support.node, support.device, support.nbirth
local ndata, int, host_of = support.ndata, support.int, support.host_of

describe("a sparkplug_b host", function()
  it("gives the values of a birth with their times, under names that tags may have", function()
    local host = host_of()
    assert.same({ bdSeq = { value = 0, time = SECONDS },
      Node_Control_Rebirth = { value = false, time = SECONDS },
      Temp = { value = 21.5, time = SECONDS }, Level = { value = -5, time = SECONDS } },
        host(nbirth()))
  end)

  it("knows names and datatypes from the birth", function()
    local host, asked, errors = host_of()
    host(nbirth())
    assert.same({ Level = { value = -7, time = SECONDS } }, host(ndata(1, { int(2, 4294967289) })))
    assert.same({ Level = { value = -8, time = 2 } },
      host(
        ndata(2,
          { { name = "Level", timestamp = 2000, wire = "int_value", wire_value = 4294967288 } })))
    assert.same({ Temp = { value = 1.5, time = SECONDS } },
      host(ndata(3, { { alias = 1, datatype = "Float", value = 1.5 } })))
    assert.same({ {}, {} }, { asked, errors })
  end)

  it("takes an empty name as none", function()
    local host = host_of()
    host(nbirth())
    assert.same({ Level = { value = 4, time = SECONDS } },
      host(ndata(1, { { name = "", alias = 2, wire = "int_value", wire_value = 4 } })))
  end)

  it("wants names in a birth, and an alias for one of them only", function()
    local host = host_of()
    assert.has_error(function() host(
      nbirth(0, { { alias = 9, datatype = "Int8", value = 1 } })) end,
      "sparkplug_b: G/E: expected a name of each metric in a birth certificate, got alias 9")
    assert.has_error(function() host(
      nbirth(0, { { name = "x", alias = 2, datatype = "Int8", value = 1 } })) end,
      'sparkplug_b: G/E: expected an alias of its own for metric "x", got 2, which is that of \z
        "Level"')
  end)

  it("reads the vectors", function()
    local host = host_of()
    local values = host(support.msg(node "NBIRTH", support.bytes(support.vectors.nbirth)))
    assert.same({ -5, 21.5 }, { values.Level.value, values.Temp.value })
    values = host(support.msg(node "NDEATH", support.bytes(support.vectors.ndeath)))
    -- its timestamp is that of CONNECT
    assert.same({ status = "invalid", reason = "disconnected" }, values.Temp)
  end)

  it("keeps the aliases of each device apart", function()
    local host = host_of()
    host(nbirth())
    host(support.msg(device "DBIRTH",
      { timestamp = TIME, seq = 1, metrics = { { name = "Pressure", alias = 1,
      datatype = "Int8",
      value = 5 } } }))
    assert.same({ Pressure = { value = -1, time = SECONDS } },
      host(support.msg(device "DDATA", { timestamp = TIME, seq = 2, metrics = { int(1, 255) } })))
    local values = host(ndata(3, { { alias = 1, wire = "float_value", wire_value = 2.5 } }))
    assert.same({ Temp = { value = 2.5, time = SECONDS } }, values)
  end)

  it("keeps edge nodes apart", function()
    local host, asked = host_of()
    host(nbirth())
    local metrics = { int(2, 1) }
    assert.same({},
      host(support.msg("spBv1.0/G/NDATA/other", { timestamp = TIME, seq = 1, metrics = metrics })))
    assert.equal("spBv1.0/G/NCMD/other", asked[1].topic)
  end)

  it("names tags as told", function()
    local host = host_of { tags = { Temp = "temperature", bdSeq = false },
      devices = { D = { Temp = "d_temp" } } }
    local values = host(nbirth())
    assert.same({ 21.5, -5 }, { values.temperature.value, values.Level.value })
    assert.is_nil(values.bdSeq)
    values =
      host(support.msg(device "DBIRTH",
        { seq = 1, metrics = { { name = "Temp", datatype = "Int8", value = 5 } } }))
    assert.same({ d_temp = { value = 5 } }, values)
  end)

  it("puts the device's id before names when told", function()
    local host = host_of { prefix = true }
    host(nbirth())
    assert.same({ D_Temp = { value = 5 } },
      host(support.msg(device "DBIRTH",
        { seq = 1, metrics = { { name = "Temp", datatype = "Int8", value = 5 } } })))
  end)

  it("refuses two metrics for one tag", function()
    local host = host_of()
    local ok, why = pcall(host,
      nbirth(0, { { name = "a/b", datatype = "Int8", value = 1 }, { name = "a b",
      datatype = "Int8", value = 2 } }))
    assert.is_false(ok)
    assert.equal(
      'sparkplug_b: metrics "a/b" of G/E and "a b" of G/E both go to tag \'a_b\': name another \z
        tag in `tags` or '
      .. "`devices`",
      why)
  end)

  it("gives a station the tags it has, and no others", function()
    local host = host_of()
    local msg = nbirth()
    msg.station = support.station { Temp = false, Level = "JA=x" }
    assert.same({ Temp = { value = 21.5, time = SECONDS } }, host(msg))
  end)

  it("takes null as invalid", function()
    local host = host_of()
    host(nbirth())
    assert.same({ Temp = { status = "invalid", reason = "type", time = SECONDS } },
      host(ndata(1, { { alias = 1,
      is_null = true } })))
  end)

  it("takes values of bad and stale quality as invalid", function()
    local host = host_of()
    local function with(quality) return { { alias = 1, datatype = "Float", value = 1.5,
      properties = { Quality = { datatype = "Int32", value = quality } } } } end
    host(nbirth())
    assert.equal("decoder", host(ndata(1, with(0))).Temp.reason)
    assert.equal("no-data", host(ndata(2, with(500))).Temp.reason)
    assert.equal(1.5, host(ndata(3, with(192))).Temp.value)
    assert.equal("decoder", host(ndata(4, with(193))).Temp.reason)
    assert.equal("decoder", host(ndata(5, { { alias = 1, datatype = "Float", value = 1.5,
      properties = { Quality = { datatype = "String", value = "GOOD" } } } })).Temp.reason)
    assert.equal(1.5, host(ndata(6, { { alias = 1, datatype = "Float", value = 1.5,
      properties = { Quality = { datatype = "Int32" } } } })).Temp.value)
  end)

  it("gives a UInt64 beyond Lua's integers with all its digits", function()
    local host = host_of()
    local big = { columns = { "x" }, types = { "UInt64" }, rows = { { "18446744073709551615" } } }
    local values =
      host(nbirth(0, { { name = "n", datatype = "UInt64", value = "9223372036854775809" },
      { name = "DS", datatype = "DataSet", value = big },
      { name = "A", datatype = "UInt64Array", value = { 1, "9223372036854775811" } } }))
    assert.equal("9223372036854775809", values.n.value)
    assert.equal("18446744073709551615", values.DS_1_x.value)
    assert.same({ 1, "9223372036854775811" }, { values.A_1.value, values.A_2.value })
  end)

  it("gives several values of a metric as samples", function()
    local host = host_of()
    host(nbirth())
    assert.same({ { values = { Temp = { value = 1, time = 1 } } },
      { values = { Temp = { value = 2, time = 2 } } } },
      host(
        ndata(1,
          { { alias = 1, timestamp = 1000, is_historical = true, datatype = "Float", value = 1 },
        { alias = 1, timestamp = 2000, datatype = "Float", value = 2 } })))
  end)

  it("leaves out historical values when told", function()
    local host = host_of { historical = false }
    host(nbirth())
    assert.same({},
      host(ndata(1, { { alias = 1, is_historical = true, datatype = "Float", value = 1 } })))
  end)

  it("gives DateTime in seconds, and the time of arrival for times that cannot be", function()
    local host = host_of()
    local values = host(nbirth(0, { { name = "at", datatype = "DateTime", value = TIME },
      { name = "x", timestamp = math.maxinteger, datatype = "Int8", value = 1 } }))
    assert.same({ value = SECONDS, time = SECONDS }, values.at)
    assert.same({ value = 1, time = SECONDS }, values.x)
    assert.same({ x = { value = 1 } },
      host(support.msg(node "NDATA", { timestamp = math.maxinteger, seq = 1,
      metrics = { { name = "x", datatype = "Int8", value = 1 } } })))
  end)

  it("gives each item of an array a tag, and takes back those that are gone", function()
    local host = host_of { tags = { ["M[2]"] = "second" } }
    local values =
      host(nbirth(0, { { name = "M", alias = 3, datatype = "Int16Array", value = { 7, 8, 9 } } }))
    assert.same({ 7, 8, 9 }, { values.M_1.value, values.second.value, values.M_3.value })
    assert.same({ M_1 = { value = 1, time = SECONDS },
      second = { status = "invalid", reason = "missing", time = SECONDS },
      M_3 = { status = "invalid", reason = "missing", time = SECONDS } },
      host(ndata(1, { { alias = 3, wire = "bytes_value", wire_value = "\1\0" } })))
  end)

  it("gives cells of data sets and members of templates tags", function()
    local host = host_of { tags = { ["DS[2].x"] = "second_x", ["T/rpm"] = "speed" } }
    local values = host(nbirth(0, {
      { name = "DS", datatype = "DataSet", value = { columns = { "x" }, types = { "Int8" },
        rows = { { 1 }, { 2 }, {} } } },
      { name = "T", alias = 9, datatype = "Template",
        value = { metrics = { { name = "rpm", datatype = "Int16", value = -1 } },
        parameters = { { name = "limit", datatype = "Int8", value = 3 } } } },
      { name = "_types_/T", datatype = "Template", value = { is_definition = true,
        metrics = { { name = "rpm", datatype = "Int16", value = 0 } } } } }))
    assert.same({ 1, 2, "type", -1, 3 },
      { values.DS_1_x.value, values.second_x.value, values.DS_3_x.reason, values.speed.value,
        values.T_limit.value })
    assert.is_nil(values._types__T_rpm)
    -- A member's datatype is known from the birth too.
    assert.same({ speed = { value = -2, time = SECONDS } },
      host(ndata(1, { { alias = 9, datatype = "Template",
      value = { metrics = { { name = "rpm", wire = "int_value", wire_value = 65534 } } } } })))
  end)

  it("declines commands, STATE and what is not Sparkplug's", function()
    local host = host_of()
    assert.is_nil(host(support.msg(node "NCMD", "")))
    assert.is_nil(host(support.msg(device "DCMD", "")))
    assert.is_nil(host(support.msg("spBv1.0/STATE/x", "{}")))
    assert.has_error(function() host(support.msg("a/b", "")) end,
      'sparkplug_b: topic, byte 1: expected spBv1.0, got "a"')
  end)

  it("names the byte of a bad payload", function()
    local host = host_of()
    assert.has_error(function() host(support.msg(node "NDATA", "\x08")) end,
      "sparkplug_b: NDATA: byte 2: expected the rest of timestamp (a varint), got the end")
  end)

  it("checks its options", function()
    assert.has_error(function() sparkplug_b.host { tag = {} } end,
      "sparkplug_b.host: unknown option 'tag'")
    assert.has_error(function() sparkplug_b.host { tags = 5 } end,
      "sparkplug_b.host: tags: expected a table, got 5")
    assert.has_error(function() sparkplug_b.host { on_rebirth = 5 } end,
      "sparkplug_b.host: on_rebirth: expected a function or false, got 5")
    assert.has_error(function() sparkplug_b.host(5) end,
      "sparkplug_b.host: expected a table of options, got number")
  end)
end)

describe("a sparkplug_b host's sequence numbers", function()
  it("run from 255 on to 0, over the node and its devices", function()
    local host, asked, errors = host_of()
    host(nbirth())
    host(support.msg(device "DBIRTH", { seq = 1, metrics = {} }))
    for seq = 2, 255 do
      host(seq % 2 == 0 and ndata(seq, {}) or support.msg(device "DDATA",
        { seq = seq, metrics = {} }))
    end
    host(ndata(0, {}))
    host(support.msg(device "DDEATH", { seq = 1, metrics = {} }))
    assert.same({ {}, {} }, { asked, errors })
  end)

  it("with a gap ask for a rebirth, and keep the values that came", function()
    local host, asked, errors = host_of()
    host(nbirth())
    assert.same({ Level = { value = 3, time = SECONDS } }, host(ndata(2, { int(2, 3) }, 1000)))
    assert.same(
      { "sparkplug_b: G/E: expected seq 1, got 2: messages were lost, or go to stations with \z
        another decode" },
      errors)
    assert.same({ "spBv1.0/G/NCMD/E", "seq" }, { asked[1].topic, asked[1].why })
    local command = sparkplug_b.decode_bytes(asked[1].payload)
    assert.same({ timestamp = 1000000,
      metrics = { { name = "Node Control/Rebirth", timestamp = 1000000, datatype = "Boolean",
      value = true } } }, command)
    host(ndata(3, {}))
    assert.equal(1, #errors)
  end)

  it("with a gap raise when nobody hears of errors, after the request", function()
    local host, asked = host_of { on_error = false }
    host(nbirth())
    assert.has_error(function() host(ndata(2, {})) end,
      "sparkplug_b: G/E: expected seq 1, got 2: messages were lost, or go to stations with \z
        another decode")
    assert.equal(1, #asked)
    assert.same({ Level = { value = 3, time = SECONDS } }, host(ndata(3, { int(2, 3) })))
  end)

  it("that are missing or impossible are errors", function()
    local host, asked, errors = host_of()
    host(nbirth())
    host(ndata(nil, {}))
    host(ndata(256, {}))
    assert.same({ "sparkplug_b: G/E: expected a seq from 0 to 255, got none",
      "sparkplug_b: G/E: expected a seq from 0 to 255, got 256" },
      errors)
    assert.same({}, asked)
  end)

  it("are not looked at when told so", function()
    local host, asked, errors = host_of { check_seq = false }
    host(nbirth())
    host(ndata(77, {}))
    assert.same({ {}, {} }, { asked, errors })
  end)
end)

describe("a sparkplug_b host's rebirth request", function()
  it("comes when a node is not known, quietly, and not again at once", function()
    local host, asked = host_of { on_error = false, rebirth_interval = 10 }
    assert.same({}, host(ndata(7, { int(2, 3) }, 1000)))
    assert.same({ Level = { value = 3, time = SECONDS } },
      host(ndata(8, { { name = "Level", datatype = "Int8",
      value = 3 } }, 1009)))
    assert.equal(1, #asked)
    assert.equal("unknown node", asked[1].why)
    host(ndata(9, {}, 1010))
    assert.equal(2, #asked)
    host(ndata(10, {}, 500)) -- a clock that was set back
    assert.equal(3, #asked)
  end)

  it("that is not answered again and again is told, now and then", function()
    local host, asked = host_of { on_error = false, rebirth_interval = 10 }
    local told = {}
    for i = 0, 40 do
      local ok, got = pcall(host, ndata(i, { int(2, 3) }, 1000 + 10 * i))
      if ok then assert.same({}, got) else told[#told + 1] = { i, got } end
    end
    local text = "sparkplug_b: G/E: has not answered 3 requests for its births: does it take the \z
      NCMD 'Node Control/Rebirth'?" -- the same: it is logged once
    assert.same({ { 3, text }, { 33, text } }, told)
    assert.equal(41, #asked)
    host(nbirth())
    assert.same({}, host(ndata(1, {}, 2000)))
  end)

  it("that is not answered takes nothing away from what needs no birth", function()
    local host, asked = host_of { on_error = false, rebirth_interval = 10 }
    for i = 0, 5 do
      local metric = { name = "Level", datatype = "Int8", value = i }
      assert.same({ Level = { value = i, time = SECONDS } },
        host(ndata(i, { metric, int(2, 3) }, 1000 + 10 * i)))
    end
    for i = 6, 9 do assert.same({}, host(ndata(i, {}, 1000 + 10 * i))) end
    assert.equal(10, #asked)
  end)

  it("that comes too soon after another is made up for", function()
    local host, asked = host_of()
    host(nbirth())
    host(ndata(7, {}, 1000))
    host(nbirth())
    host(ndata(7, {}, 1001)) -- were it asked for at once, such a node would be born again for ever
    host(ndata(8, {}, 1009))
    assert.equal(1, #asked)
    host(ndata(9, {}, 1010))
    assert.same({ 2, "seq" }, { #asked, asked[2] and asked[2].why })
    host(ndata(10, {}, 1030))
    assert.equal(2, #asked)
  end)

  it("comes when an alias, a device or a datatype is not known", function()
    for why, send in pairs {
      ["unknown alias"] = function(host) return host(ndata(1, { int(77, 3), int(2, 3) })) end,
      ["unknown metric"] =
        function(host) return host(
          ndata(1, { { name = "New", wire = "int_value", wire_value = 3 }, int(2,
        3) })) end,
      ["unknown device"] = function(host)
        host(support.msg(device "DDATA", { seq = 1, metrics = { int(1, 3) } }))
        return host(ndata(2, { int(2, 3) }))
      end,
    } do
      local host, asked, errors = host_of()
      host(nbirth())
      assert.same({ Level = { value = 3, time = SECONDS } }, send(host))
      assert.equal(why, asked[1].why)
      assert.equal(1, #errors)
    end
  end)

  it("is published on the station's line", function()
    local host = sparkplug_b.host()
    local msg = ndata(1, { int(1, 3) }, SECONDS)
    msg.station = support.station { Temp = false }
    assert.same({}, host(msg))
    assert.same({ { "spBv1.0/G/NCMD/E", support.bytes(support.vectors.rebirth),
      { qos = 0, retain = false } } },
      msg.station.published)
  end)

  it("that cannot be published is an error, and tried again", function()
    local host = sparkplug_b.host()
    local msg = ndata(1, {}, 1000)
    msg.station = support.station {}
    msg.station.refuses = "not connected"
    assert.has_error(function() host(msg) end,
      "sparkplug_b: G/E: cannot ask for a rebirth: not connected")
    msg.station.refuses = nil
    host(msg)
    assert.equal(1, #msg.station.published)
  end)

  it("is left out when told", function()
    local msg = ndata(1, {}, 1000)
    msg.station = support.station {}
    assert.same({}, sparkplug_b.host { on_rebirth = false }(msg))
    assert.same({}, msg.station.published)
  end)
end)

describe("a sparkplug_b host's deaths", function()
  local gone = { status = "invalid", reason = "disconnected" }

  local function born()
    local host, asked, errors =
      host_of { tags = { bdSeq = false, ["Node Control/Rebirth"] = false, Level = false } }
    host(nbirth(4))
    host(support.msg(device "DBIRTH",
      { seq = 1, metrics = { { name = "P", alias = 1, datatype = "Int8", value = 5 } } }))
    host(support.msg(device("DBIRTH", "D2"),
      { seq = 2, metrics = { { name = "Q", datatype = "Int8", value = 5 } } }))
    return host, asked, errors
  end

  local function ndeath(bdseq)
    return support.msg(node "NDEATH",
      { metrics = { { name = "bdSeq", datatype = "UInt64", value = bdseq } } })
  end

  it("of a node make all its metrics invalid, and those of its devices", function()
    local host = born()
    assert.same({ Temp = gone, P = gone, Q = gone }, host(ndeath(4)))
    assert.same({}, host(ndeath(4)))
  end)

  it("of a device make its metrics invalid, until it is born again", function()
    local host, asked = born()
    assert.same({ P = gone }, host(support.msg(device "DDEATH", { seq = 3, metrics = {} })))
    host(support.msg(device "DDATA", { seq = 4, metrics = { int(1, 3) } }))
    assert.equal("unknown device", asked[1].why)
  end)

  it("of an earlier session change nothing", function()
    local host, _, errors = born()
    assert.is_nil(host(ndeath(3)))
    assert.same(
      { "sparkplug_b: G/E: expected an NDEATH with bdSeq 4, got 3: that of an earlier session, \z
        ignored" }, errors)
    assert.equal(7, host(ndata(3, { { alias = 1, datatype = "Float", value = 7 } })).Temp.value)
  end)

  it("of a node that is not known make tags invalid that nothing is known to fill", function()
    local host = host_of()
    local msg = ndeath(1)
    msg.station = support.station { Temp = false, command = "OUT_VALUE" }
    assert.same({ Temp = gone }, host(msg))
  end)

  it("make aliases forgotten", function()
    local host, asked = born()
    host(ndeath(4))
    assert.same({}, host(ndata(0, { int(1, 3) })))
    assert.equal("unknown node", asked[1].why)
  end)

  it("are what a new session is to devices, and a rebirth is not", function()
    local host = born()
    assert.is_nil(host(nbirth(4)).P)
    assert.same({ status = "invalid", reason = "disconnected", time = SECONDS }, host(nbirth(5)).P)
  end)

  it("are what a birth is to metrics that it does not have any more", function()
    local host = host_of()
    host(nbirth(0, { { name = "Old", datatype = "Int8", value = 1 } }))
    assert.same({ status = "invalid", reason = "missing", time = SECONDS }, host(nbirth()).Old)
  end)
end)

describe("writing by sparkplug_b", function()
  local function decoded(payload) return assert(sparkplug_b.decode_bytes(payload)).metrics[1] end

  it("goes to the metric that the birth named, by alias where there is one", function()
    local host = host_of()
    local station = support.station { Temp = false, Level = "OUT_VALUE", at = "OUT_VALUE" }
    local msg = nbirth(0, { { name = "at", datatype = "DateTime", value = TIME } })
    msg.station = station
    host(msg)
    local payload, topic, options = host.encode(station.tags.Level, -9.0, station)
    assert.same({ "spBv1.0/G/NCMD/E", { qos = 0, retain = false } }, { topic, options })
    local metric = decoded(payload)
    assert.same({ nil, 2, "Int32", -9 }, { metric.name, metric.alias, metric.datatype,
      metric.value })
    metric = decoded((host.encode(station.tags.at, SECONDS, station)))
    assert.same({ "at", "DateTime", TIME }, { metric.name, metric.datatype, metric.value })
  end)

  it("uses the field that the birth used for an integer", function()
    local host = host_of()
    host(nbirth(0, {
      { name = "wide", alias = 7, datatype = "UInt32", field = "long_value", value = 4 },
      { name = "minus", alias = 8, datatype = "Int16", field = "long_value", value = -4 },
      { name = "narrow", alias = 9, datatype = "Int64", field = "int_value", value = 4 },
    }))
    -- the other field in a later message changes nothing
    host(ndata(1, { { alias = 7, datatype = "UInt32", value = 5 } }))
    local function field_of(name, value)
      return decoded((host.encode({ name = name }, value))).field
    end
    assert.equal("long_value", field_of("wide", 9))
    assert.equal("long_value", field_of("minus", -9))
    assert.equal(-9, decoded((host.encode({ name = "minus" }, -9))).value)
    assert.equal("int_value", field_of("narrow", 2147483647))
    assert.is_nil(field_of("narrow", 2147483648)) -- which does not fit there
    assert.is_nil(field_of("Level", 1))
  end)

  it("goes to devices", function()
    local host = host_of()
    host(nbirth())
    host(support.msg(device "DBIRTH",
      { seq = 1, metrics = { { name = "On", datatype = "Boolean", value = false } } }))
    local payload, topic = host.encode({ name = "On" }, true, nil)
    assert.equal("spBv1.0/G/DCMD/E/D", topic)
    assert.is_true(decoded(payload).value)
  end)

  it("says what is wrong", function()
    local host = host_of()
    host(nbirth(0, { { name = "M", datatype = "Int8Array", value = { 1 } } }))
    assert.has_error(function() host.encode({ name = "New" }, 1) end,
      "sparkplug_b: tag 'New': no metric of that name in the birth certificates seen so far")
    assert.has_error(function() host.encode({ name = "M_1" }, 1) end,
      "sparkplug_b: tag 'M_1' is a part of metric \"M\", which can only be written as a whole")
    assert.has_error(function() host.encode({ name = "Level" }, 0.5) end,
      "sparkplug_b: metric 1 2: expected an integer from -2147483648 to 2147483647 for Int32, \z
        got 0.5")
  end)

  it("needs no birth when metrics are named", function()
    local encode = sparkplug_b.encode { group = "G", edge = "E", device = "D", metrics = {
      setpoint = { name = "Set/Point", datatype = "Float" },
        level = { alias = 3, datatype = "UInt8" } } }
    local payload, topic, options = encode({ name = "setpoint" }, 2.5)
    assert.same({ "spBv1.0/G/DCMD/E/D", { qos = 0, retain = false } }, { topic, options })
    local metric = decoded(payload)
    assert.same({ "Set/Point", "Float", 2.5 }, { metric.name, metric.datatype, metric.value })
    assert.equal(3, decoded((encode({ name = "level" }, 7))).alias)
    assert.has_error(function() encode({ name = "x" }, 7) end,
      "sparkplug_b: tag 'x' has no metric in sparkplug_b.encode")
  end)

  it("checks what it is told", function()
    assert.has_error(function() sparkplug_b.encode {} end)
    assert.has_error(function() sparkplug_b.encode { group = "a/b", edge = "E", metrics = {} } end)
    assert.has_error(function() sparkplug_b.encode { group = "G", edge = "E",
      metrics = { x = { datatype = "Int7" } } } end,
      "sparkplug_b.encode: metric of tag 'x': expected a datatype such as \"Int32\"")
  end)
end)
