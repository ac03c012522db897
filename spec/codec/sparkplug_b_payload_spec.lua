-- Vectors, arrays, round trips of all datatypes, and what is said of bad bytes.
local sparkplug_b = require "tagline.codec.sparkplug_b"
local support = require "spec.codec.sparkplug_b_support"

local bytes, hex, vectors, TIME = support.bytes, support.hex, support.vectors, support.TIME

local function decode(digits) return sparkplug_b.decode_bytes(bytes(digits)) end

-- A payload of one metric, whose fields are given behind its name "M".
local function metric_bytes(digits)
  local metric = "\x0a\x01M" .. bytes(digits)
  return "\x12" .. string.char(#metric) .. metric
end

local function value_of(digits)
  local m, why = sparkplug_b.decode_bytes(metric_bytes(digits))
  if not m then return nil, why end
  return m.metrics[1].value
end

-- Encode and decode a metric; what comes back.
local function there_and_back(metric)
  local out = assert(sparkplug_b.encode_bytes { metrics = { metric } })
  local m = assert(sparkplug_b.decode_bytes(out))
  assert.equal(hex(out), hex(assert(sparkplug_b.encode_bytes(m))))
  return m.metrics[1]
end

describe("sparkplug_b payloads", function()
  it("reads an NBIRTH", function()
    assert.same({ timestamp = TIME, seq = 0, metrics = {
      { name = "bdSeq", timestamp = TIME, datatype = "UInt64", value = 0 },
      { name = "Node Control/Rebirth", timestamp = TIME, datatype = "Boolean", value = false },
      { name = "Temp", alias = 1, timestamp = TIME, datatype = "Float", value = 21.5 },
      { name = "Level", alias = 2, timestamp = TIME, datatype = "Int32", value = -5 },
    } }, decode(vectors.nbirth))
  end)

  it("reads an NDEATH, a rebirth command, null, Double and String", function()
    assert.same({ timestamp = TIME,
      metrics = { { name = "bdSeq", timestamp = TIME, datatype = "UInt64", value = 0 } } },
      decode(vectors.ndeath))
    assert.same({ timestamp = TIME, metrics = {
      { name = "Node Control/Rebirth", timestamp = TIME, datatype = "Boolean", value = true } } },
        decode(vectors.rebirth))
    assert.same({ metrics = { { name = "N", datatype = "Double", is_null = true } } },
      decode(vectors.null))
    assert.same({ metrics = { { name = "D", datatype = "Double", value = 3.25 } } },
      decode(vectors.double))
    assert.same({ metrics = { { name = "S", datatype = "String", value = "ahoj" } } },
      decode(vectors.string))
  end)

  for name, digits in pairs(vectors) do
    it("writes the very bytes of vector " .. name, function()
      assert.equal(digits, hex(assert(sparkplug_b.encode_bytes(decode(digits)))))
    end)
  end

  it("reads an empty payload as one without metrics", function()
    assert.same({ metrics = {} }, sparkplug_b.decode_bytes "")
  end)

  it("passes over fields that the schema does not have", function()
    assert.same({ metrics = { { name = "D", datatype = "Double", value = 3.25 } } },
      decode("a80607" .. "b2060161" .. "b90600000000000000ff" .. "bd0601020304" .. vectors.double))
  end)
end)

describe("sparkplug_b integers", function()
  for what, case in pairs {
    ["Int8 of 8 bits"] = { "2001 50e901", -23 },
      ["Int8 extended to 32 bits"] = { "2001 50e9ffffff0f", -23 },
    ["Int8 extended to 64 bits"] = { "2001 50e9ffffffffffffffff01", -23 },
      ["Int8 of 127"] = { "2001 507f", 127 },
    ["Int16 of 16 bits"] = { "2002 50d09502", -30000 },
      ["Int16 extended to 32 bits"] = { "2002 50d095feff0f", -30000 },
    ["Int32"] = { "2003 50fbffffff0f", -5 },
      ["Int32 in long_value"] = { "2003 58fbffffffffffffffff01", -5 },
    ["Int32 of 32 bits in long_value"] = { "2003 58fbffffff0f", -5 },
    ["Int64"] = { "2004 58fbffffffffffffffff01", -5 },
      ["a small Int64 in int_value"] = { "2004 5005", 5 },
    ["UInt8"] = { "2005 50ff01", 255 }, ["UInt16"] = { "2006 50ffff03", 65535 },
    ["UInt32"] = { "2007 50ffffffff0f", 4294967295 },
      ["UInt32 in long_value"] = { "2007 58ffffffff0f", 4294967295 },
    ["UInt64"] = { "2008 58ffffffffffffffff7f", math.maxinteger },
      ["UInt64 in int_value"] = { "2008 50ffffffff0f",
      4294967295 },
    ["DateTime"] = { "200d 58eaf2f5a8a02b", TIME },
  } do
    it("reads " .. what, function() assert.equal(case[2], assert(value_of(case[1]))) end)
  end

  it("reads a UInt64 of 2^63 and more as the nearest float, and keeps its digits", function()
    local m =
      assert(sparkplug_b.decode_bytes(metric_bytes "2008 58ffffffffffffffffff01")).metrics[1]
    assert.same({ name = "M", datatype = "UInt64", value = 2.0 ^ 64,
      text = "18446744073709551615" }, m)
    m = assert(sparkplug_b.decode_bytes(metric_bytes "2008 5880808080808080808001")).metrics[1]
    assert.same({ name = "M", datatype = "UInt64", value = 2.0 ^ 63,
      text = "9223372036854775808" }, m)
  end)

  for what, case in pairs {
    ["an Int8 of 9 bits"] = { "2001 508002",
      "byte 9: expected an integer of 8 bits, signed, for Int8, got 256" },
    ["an Int8 below -128"] = { "2001 50fffeffff0f",
      "byte 9: expected an integer of 8 bits, signed, for Int8, got 4294967167" },
    ["a UInt8 of 9 bits"] = { "2005 508002",
      "byte 9: expected an integer from 0 to 255 for UInt8, got 256" },
    ["a UInt32 of 33 bits"] = { "2007 588080808010",
      "byte 9: expected an integer from 0 to 4294967295 for UInt32, got 4294967296" },
    ["an Int32 of 33 bits"] = { "2003 588080808010",
      "byte 9: expected an integer of 32 bits, signed, for Int32, got 4294967296" },
    ["an int_value of 33 bits"] = { "2003 508080808010",
      "byte 9: expected an integer of 32 bits as int_value" },
    ["an Int64 of which int_value does not tell the sign"] = { "2004 50fbffffff0f",
      "byte 9: expected long_value for Int64, got int_value" },
    ["a Float in double_value"] = { "2009 690000000000000a40",
      "byte 9: expected float_value for Float, got double_value" },
    ["an Int32 in string_value"] = { "2003 7a0135",
      "byte 9: expected int_value or long_value for Int32, got string_value" },
    ["a Boolean in int_value"] = { "200b 5001",
      "byte 9: expected boolean_value for Boolean, got int_value" },
    ["a datatype of no number"] = { "2023 5001",
      "byte 3: expected a datatype from 0 to 34, got 35" },
    ["a metric that is a property set"] = { "2014 5001",
      "byte 3: expected a metric's datatype, got PropertySet" },
  } do
    it("refuses " .. what, function()
      assert.same({ nil, "sparkplug_b: " .. case[2] }, { value_of(case[1]) })
    end)
  end

  it("leaves an integer without a datatype as it came", function()
    assert.same({ metrics = { { alias = 2, wire = "int_value", wire_value = 4294967291 } } },
      decode "1208 1002 50fbffffff0f")
    assert.equal("1208100250fbffffff0f",
      hex(assert(sparkplug_b.encode_bytes(decode "1208100250fbffffff0f"))))
  end)

  it("takes datatypes from whoever remembers them", function()
    local m = assert(sparkplug_b.decode_bytes(bytes "1208 1002 50fbffffff0f", {
      resolve = function(metric) return metric.alias == 2
        and { name = "Level", datatype = "Int32" } or nil end }))
    assert.same({ { name = "Level", alias = 2, datatype = "Int32", value = -5 } }, m.metrics)
  end)
end)

describe("sparkplug_b arrays", function()
  -- The specification's examples; those of Float, Double and DateTime are printed there against
  -- its own definition.
  local arrays = {
    Int8Array = { "e97b", { -23, 123 } }, Int16Array = { "d08a3075", { -30000, 30000 } },
    Int32Array = { "15cd5b07b168de3a", { 123456789, 987654321 } },
    Int64Array = { "ffffffffffffffff0000000000000080", { -1, math.mininteger } },
    UInt8Array = { "17fa", { 23, 250 } }, UInt16Array = { "1e0088cc", { 30, 52360 } },
    UInt32Array = { "34000000ffffffff", { 52, 4294967295 } },
    UInt64Array = { "340000000000000000000000000000" .. "80", { 52, 2.0 ^ 63 } },
    FloatArray = { "0000ac410000a0c0", { 21.5, -5 } },
      DoubleArray = { "0000000000000a40000000000000f0bf", { 3.25, -1 } },
    BooleanArray = { "0c00000034d0", { false, false, true, true, false, true, false, false, true,
      true, false, true } },
    StringArray = { "4142430068656c6c6f00", { "ABC", "hello" } },
      DateTimeArray = { "6a791d055a010000", { TIME } },
  }
  for name, case in pairs(arrays) do
    it("reads and writes " .. name, function()
      local out =
        assert(
          sparkplug_b.encode_bytes {
            metrics = { { name = "A", datatype = name, value = case[2] } } })
      assert.equal(case[1], hex(out):sub(-#case[1]))
      assert.same({ name = "A", datatype = name, value = case[2] },
        sparkplug_b.decode_bytes(out).metrics[1])
      assert.same({ name = "A", datatype = name, value = {} },
        there_and_back { name = "A", datatype = name, value = {} })
    end)
  end

  for what, case in pairs {
    ["DateTimes of 6 bytes"] = { "2022 820106c7d00d9b0500",
      "a multiple of 8 bytes for DateTimeArray, got 6 bytes" },
    ["half a Float"] = { "201e 8201020000", "a multiple of 4 bytes for FloatArray, got 2 bytes" },
    ["Booleans without their count"] = { "2020 8201020c00",
      "a count of 4 bytes for BooleanArray, got 2 bytes" },
    ["more Booleans than bytes"] = { "2020 8201050c00000034",
      "6 bytes for BooleanArray of 12 items, got 5" },
    ["a count of Booleans beyond all"] = { "2020 820104ffffffff",
      "536870916 bytes for BooleanArray of 4294967295 items, got 4" },
    ["a string without its NUL"] = { "2021 8201034142" .. "43",
      "a NUL at the end of each string for StringArray" },
    ["an array in string_value"] = { "2016 7a0135", "bytes_value for Int8Array, got string_value" },
  } do
    it("refuses " .. what, function()
      local value, why = value_of(case[1])
      assert.is_nil(value)
      assert.equal("expected " .. case[2], why:match "^sparkplug_b: byte %d+: (.*)$")
    end)
  end
end)

describe("sparkplug_b round trips", function()
  it("keep all digits of a UInt64 wherever it stands", function()
    local digits = "9223372036854775809"
    local function exact(metric)
      return assert(sparkplug_b.encode_bytes { metrics = { metric } })
    end
    for _, metric in ipairs {
      { name = "M", datatype = "UInt64", value = digits },
      { name = "M", datatype = "UInt64Array", value = { 1, digits, "18446744073709551615" } },
      { name = "M", datatype = "DataSet",
        value = { columns = { "a", "b" }, types = { "UInt64", "Int8" },
          rows = { { digits, 1 } } } },
      { name = "M", datatype = "Template",
        value = { metrics = { { name = "m", datatype = "UInt64", value = digits } },
        parameters = { { name = "p", datatype = "UInt64", value = digits } } } },
      { name = "M", datatype = "Int8", value = 1,
        properties = { p = { datatype = "UInt64", value = digits } } },
    } do
      local once = exact(metric)
      assert.equal(hex(once),
        hex(assert(sparkplug_b.encode_bytes(assert(sparkplug_b.decode_bytes(once))))))
    end
    -- A value that was changed since counts, not the digits that stand beside it.
    local metric = sparkplug_b.decode_bytes(exact { name = "M", datatype = "UInt64",
      value = digits }).metrics[1]
    metric.value = 5
    assert.equal(5, there_and_back(metric).value)
  end)

  it("keep the field of an integer", function()
    for _, case in ipairs { { "UInt32", "long_value", 7 }, { "Int8", "long_value", -7 },
      { "Int64", "int_value", 7 } } do
      local back = there_and_back { name = "M", datatype = case[1], field = case[2],
        value = case[3] }
      assert.same({ case[2], case[3] }, { back.field, back.value })
    end
  end)

  for name, values in pairs {
    Int8 = { -128, -1, 0, 127 }, Int16 = { -32768, -1, 0, 32767 },
      Int32 = { -2147483648, -1, 0, 2147483647 },
    Int64 = { math.mininteger, -1, 0, math.maxinteger }, UInt8 = { 0, 255 },
      UInt16 = { 0, 65535 }, UInt32 = { 0, 4294967295 },
    UInt64 = { 0, math.maxinteger, 2.0 ^ 63 }, Float = { 0.0, -1.5, math.huge },
      Double = { 0.0, 0.1, -math.huge },
    Boolean = { true, false }, String = { "", "ahoj", "\xE2\x82\xAC" }, DateTime = { 0, TIME },
      Text = { "t" },
    UUID = { "f81d4fae-7dec-11d0-a765-00a0c91e6bf6" }, Bytes = { "", "\0\1\255" }, File = { "\0" },
  } do
    it("keep " .. name, function()
      for _, value in ipairs(values) do
        local back = there_and_back { name = "M", datatype = name, value = value }
        assert.equal(value, back.value)
        assert.equal(math.type(value), math.type(back.value))
      end
      assert.same({ name = "M", datatype = name, is_null = true },
        there_and_back { name = "M", datatype = name,
        is_null = true })
    end)
  end

  it("keep NaN", function()
    local value = there_and_back({ name = "M", datatype = "Double", value = 0 / 0 }).value
    assert.is_true(value ~= value)
  end)

  it("write a UInt64 of 20 digits exactly", function()
    local m = { name = "M", datatype = "UInt64", value = "18446744073709551615" }
    assert.equal("18446744073709551615",
      sparkplug_b.decode_bytes(
        assert(sparkplug_b.encode_bytes { metrics = { m } })).metrics[1].text)
  end)

  it("keep data sets, with nulls", function()
    local set = { columns = { "n", "x", "on", "s", "at" },
      types = { "Int8", "Double", "Boolean", "String", "DateTime" },
      rows = { { -1, 0.5, true, "a", TIME }, { nil, nil, false, nil, 1 } } }
    assert.same({ name = "D", datatype = "DataSet", value = set },
      there_and_back { name = "D", datatype = "DataSet",
      value = set })
  end)

  it("reads the types of a data set packed and unpacked", function()
    local want = { columns = { "a", "b" }, types = { "Int8", "Boolean" }, rows = {} }
    assert.same(want, value_of "2010 8a010c 0802 120161 120162 1801 180b")
    assert.same(want, value_of "2010 8a010c 0802 120161 120162 1a02010b")
  end)

  it("keep templates within templates, their parameters and definitions", function()
    local template = { version = "v1", template_ref = "Pump", metrics = {
      { name = "rpm", datatype = "UInt16", value = 1450 },
      { name = "motor", datatype = "Template",
        value = { template_ref = "Motor", is_definition = false, parameters = {},
        metrics = { { name = "amps", datatype = "Float", value = 3.5 },
          { name = "on", datatype = "Boolean",
          is_null = true } } } },
    }, parameters = { { name = "limit", datatype = "Int32", value = -7 },
      { name = "unit", datatype = "String",
      value = "1/min" } } }
    assert.same({ name = "T", datatype = "Template", value = template },
      there_and_back { name = "T", datatype = "Template", value = template })
  end)

  it("keep properties, metadata and marks", function()
    local metric = { name = "M", alias = -1, timestamp = TIME, datatype = "Int32", value = 1,
      is_historical = true,
      is_transient = false, metadata = { is_multi_part = true, content_type = "x/y", size = 12,
        seq = 3, file_name = "f",
        file_type = "bin", md5 = "0", description = "d" },
      properties = { engUnit = { datatype = "String", value = "C" },
        Quality = { datatype = "Int32", value = 192 },
        gone = { datatype = "Double", is_null = true },
        range = { datatype = "PropertySet",
          value = { high = { datatype = "Double", value = 9.5 } } },
        list = { datatype = "PropertySetList",
          value = { { a = { datatype = "Boolean", value = true } }, {} } } } }
    assert.same(metric, there_and_back(metric))
  end)

  it("keep uuid and body", function()
    local m = { timestamp = 1, seq = 255, uuid = "u", body = "\0b", metrics = {} }
    assert.same(m, sparkplug_b.decode_bytes(assert(sparkplug_b.encode_bytes(m))))
  end)
end)

describe("sparkplug_b bad payloads", function()
  for what, case in pairs {
    ["a metric that is cut off"] = { "120e0a01",
      "byte 2: expected metrics of at most 2 bytes, got a length of 14" },
    ["a length of 2^63"] = { "12ffffffffffffffffff01",
      "byte 2: expected metrics of at most 0 bytes, got a length of 2^63 or more" },
    ["a varint that is cut off"] = { "08ea",
      "byte 3: expected the rest of timestamp (a varint), got the end" },
    ["a varint of 11 bytes"] = { "08ffffffffffffffffffff01",
      "byte 11: expected a varint of at most 64 bits as timestamp" },
    ["a timestamp of 2^63"] = { "0880808080808080808001",
      "byte 2: expected an integer below 2^63 as timestamp" },
    ["a float that is cut off"] = { "1205 2009 65 0000",
      "byte 6: expected 4 bytes of float_value, got 2" },
    ["field number 0"] = { "0001", "byte 1: expected a field's number from 1 to 536870911" },
    ["a group"] = { "0b", "byte 1: expected a wire type of 0, 1, 2 or 5, got 3 for field 1" },
    ["a name that is a number"] = { "12020801", "byte 3: expected a length as name, got a varint" },
    ["a timestamp of 8 bytes"] = { "090000000000000000",
      "byte 1: expected a varint as timestamp, got 8 bytes" },
    ["a data set whose columns and types differ"] = { "120a 2010 8a0105 0801 1201 61",
      "byte 8: expected a data set's number of columns, their names and types to agree, got 1, \z
        1 and 0" },
    ["a row of too many elements"] = { "1214 2010 8a010f 0801 120161 1801 2206 0a02 0801 0a00",
      "byte 17: expected 1 elements in a data set's row, got 2" },
    ["a property without a value"] = { "1205 4a03 0a0161",
      "byte 5: expected as many property values as keys, got 0 and 1" },
  } do
    it("refuses " .. what, function() assert.same({ nil, "sparkplug_b: " .. case[2] },
      { decode(case[1]) }) end)
  end

  it("refuses messages nested too deep", function()
    local inner = ""
    for level = 1, 40 do
      local tag = level % 2 == 1 and "\x12" or "\x92\x01"
      inner = tag .. string.pack("s1", inner)
    end
    local m, why = sparkplug_b.decode_bytes("\x12" .. string.pack("s1", inner))
    assert.is_nil(m)
    assert.truthy(
      why:find "^sparkplug_b: byte %d+: expected at most 32 messages within each other$")
  end)

  it("names a byte and an expectation at every shorter prefix, or reads it as a shorter payload",
    function()
    local whole = bytes(vectors.nbirth)
    for n = 0, #whole - 1 do
      local m, why = sparkplug_b.decode_bytes(whole:sub(1, n))
      if not m then assert.truthy(why:find "^sparkplug_b: byte %d+: expected ", why) end
    end
  end)

  it("wants a string", function()
    assert.has_error(function() sparkplug_b.decode_bytes(nil) end,
      "sparkplug_b.decode_bytes: expected a string, got nil")
  end)
end)

describe("sparkplug_b.encode_bytes", function()
  local function metric(datatype, value)
    return { metrics = { { name = "L", datatype = datatype, value = value } } }
  end
  for what, case in pairs {
    ["no table"] = { 5, "expected a table as a payload, got 5" },
    ["no metric"] = { { metrics = { 5 } }, "expected a table as metric 1, got 5" },
    ["an Int8 of 300"] = { metric("Int8", 300),
      'metric 1 "L": expected an integer from -128 to 127 for Int8, got 300' },
    ["half an Int32"] = { metric("Int32", 0.5),
      'metric 1 "L": expected an integer from -2147483648 to 2147483647 for Int32, got 0.5' },
    ["a negative UInt64"] = { metric("UInt64", -1),
      'metric 1 "L": expected an integer from 0 to 18446744073709551615 for UInt64, got -1' },
    ["a UInt64 of 2^64"] = { metric("UInt64", "18446744073709551616"),
      'metric 1 "L": expected an integer from 0 to 18446744073709551615 for UInt64, got \z
        "18446744073709551616"' },
    ["a Boolean of 1"] = { metric("Boolean", 1),
      'metric 1 "L": expected true or false for Boolean, got 1' },
    ["a String of 1"] = { metric("String", 1),
      'metric 1 "L": expected a string for String, got 1' },
    ["a Float beyond 32 bits"] = { metric("Float", 1e39),
      'metric 1 "L": expected a number of 32 bits for Float, got 1e+39' },
    ["an unknown datatype"] = { metric("Int7", 1),
      'metric 1 "L": expected a datatype of Sparkplug, got "Int7"' },
    ["a value of no datatype"] = { metric(nil, 1), 'metric 1 "L": expected a datatype' },
    ["a property set as a metric"] = { metric("PropertySet", {}),
      'metric 1 "L": expected a datatype that can stand here, got "PropertySet"' },
    ["a NUL in StringArray"] = { metric("StringArray", { "a\0" }),
      'metric 1 "L": expected a string without NUL for StringArray, got "a\\0"' },
    ["a negative seq"] = { { seq = -1 }, "expected an integer from 0 as seq, got -1" },
    ["a data set without columns"] = { metric("DataSet", {}),
      'metric 1 "L": expected a table as a data set\'s columns, got nil' },
  } do
    it("refuses " .. what, function() assert.same({ nil, "sparkplug_b: " .. case[2] },
      { sparkplug_b.encode_bytes(case[1]) }) end)
  end

  it("refuses a template that holds itself", function()
    local template = { metrics = {}, parameters = {} }
    template.metrics[1] = { name = "T", datatype = "Template", value = template }
    local out, why = sparkplug_b.encode_bytes(metric("Template", template))
    assert.is_nil(out)
    assert.truthy(why:find "expected at most 32 messages within each other$")
  end)
end)
