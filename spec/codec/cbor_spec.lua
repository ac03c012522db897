-- tagline.codec.cbor: RFC 8949 appendix A whole, what is not well-formed, and back.
local cbor = require "tagline.codec.cbor"
local null = require("cjson").null

local hexadecimal = require "spec.support.hexadecimal"
local hex, show = hexadecimal.bytes, hexadecimal.show

local long = {}
for i = 1, 25 do long[i] = i end

-- Hexadecimal, value, and whether `encode` gives the same bytes.
local appendix_a = {
  { "00", 0, true }, { "01", 1, true }, { "0a", 10, true }, { "17", 23, true },
    { "1818", 24, true }, { "1819", 25, true },
  { "1864", 100, true }, { "1903e8", 1000, true }, { "1a000f4240", 1000000, true },
    { "1b000000e8d4a51000", 1000000000000, true },
  { "1bffffffffffffffff", 18446744073709551615.0 },
    { "c249010000000000000000", 18446744073709551616.0 },
  { "3bffffffffffffffff", -18446744073709551616.0 },
    { "c349010000000000000000", -18446744073709551617.0 },
  { "20", -1, true }, { "29", -10, true }, { "3863", -100, true }, { "3903e7", -1000, true },
  { "f90000", 0.0, true }, { "f98000", -0.0, true }, { "f93c00", 1.0, true },
    { "fb3ff199999999999a", 1.1, true }, { "f93e00", 1.5, true },
  { "f97bff", 65504.0, true }, { "fa47c35000", 100000.0, true },
    { "fa7f7fffff", 3.4028234663852886e+38, true },
  { "fb7e37e43c8800759c", 1.0e+300, true }, { "f90001", 5.960464477539063e-8 },
    { "f90400", 0.00006103515625, true }, { "f9c400", -4.0, true },
  { "fbc010666666666666", -4.1, true }, { "f97c00", math.huge, true },
    { "f9fc00", -math.huge, true }, { "fa7f800000", math.huge },
  { "faff800000", -math.huge }, { "fb7ff0000000000000", math.huge },
    { "fbfff0000000000000", -math.huge },
  { "f4", false, true }, { "f5", true, true }, { "f6", null, true }, { "f7", null },
    { "f0", null }, { "f8ff", null },
  { "c074323031332d30332d32315432303a30343a30305a", "2013-03-21T20:04:00Z" },
    { "c11a514b67b0", 1363896240 },
  { "c1fb41d452d9ec200000", 1363896240.5 }, { "d74401020304", "\1\2\3\4" },
    { "d818456449455446", "dIETF" },
  { "d82076687474703a2f2f7777772e6578616d706c652e636f6d", "http://www.example.com" },
    { "40", "" }, { "4401020304", "\1\2\3\4" },
  { "60", "", true }, { "6161", "a", true }, { "6449455446", "IETF", true },
    { "62225c", '"\\', true }, { "62c3bc", "ü", true },
  { "63e6b0b4", "水", true }, { "64f0908591", "\u{10151}", true }, { "80", {} },
    { "83010203", { 1, 2, 3 }, true },
  { "8301820203820405", { 1, { 2, 3 }, { 4, 5 } }, true },
    { "98190102030405060708090a0b0c0d0e0f101112131415161718181819", long, true },
  { "a0", {}, true }, { "a201020304", { [1] = 2, [3] = 4 }, true },
    { "a26161016162820203", { a = 1, b = { 2, 3 } }, true },
  { "826161a161626163", { "a", { b = "c" } }, true },
  { "a56161614161626142616361436164614461656145", { a = "A", b = "B", c = "C", d = "D", e = "E" },
    true },
  { "5f42010243030405ff", "\1\2\3\4\5" }, { "7f657374726561646d696e67ff", "streaming" },
    { "9fff", {} },
  { "9f018202039f0405ffff", { 1, { 2, 3 }, { 4, 5 } } },
    { "9f01820203820405ff", { 1, { 2, 3 }, { 4, 5 } } },
  { "83018202039f0405ff", { 1, { 2, 3 }, { 4, 5 } } },
    { "83019f0203ff820405", { 1, { 2, 3 }, { 4, 5 } } },
  { "9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff", long },
    { "bf61610161629f0203ffff", { a = 1, b = { 2, 3 } } },
  { "826161bf61626163ff", { "a", { b = "c" } } },
    { "bf6346756ef563416d7421ff", { Fun = true, Amt = -2 } },
}

describe("tagline.codec.cbor", function()
  it("reads RFC 8949 appendix A, and writes what is its shortest form", function()
    for _, row in ipairs(appendix_a) do
      local value, why = cbor.decode(hex(row[1]))
      assert.is_nil(why, row[1])
      assert.same(row[2], value, row[1])
      assert.equal(math.type(row[2]), math.type(value), row[1])
      if row[3] then assert.equal(row[1], show(cbor.encode(row[2]))) end
    end
    for _, nan in ipairs { "f97e00", "fa7fc00000", "fb7ff8000000000000" } do
      local value = cbor.decode(hex(nan))
      assert.is_true(value ~= value)
    end
  end)

  it("names the byte of what is not well-formed", function()
    for text, byte in pairs { [""] = 1, ["18"] = 2, ["1901"] = 3, ["1c"] = 1, ["ff"] = 1,
      ["f818"] = 2, ["41"] = 2, ["61ff"] = 2,
      ["8200"] = 3, ["a100"] = 3, ["9f01"] = 3, ["5f6100ff"] = 2, ["7f7f6100ffff"] = 2,
        ["0000"] = 2, ["1f"] = 1, ["df"] = 1,
      ["a1ff"] = 2, ["7bffffffffffffffff00"] = 11, ["9bffffffffffffffff00"] = 11 } do
      local value, why = cbor.decode(hex(text))
      assert.is_nil(value, text)
      assert.truthy(why:find("^byte %d+: expected "), text)
      assert.equal(byte, tonumber(why:match "%d+"), text .. ": " .. why)
    end
    assert.truthy(select(2, cbor.decode(("\x81"):rep(513) .. "\0")):find "512 levels")
    assert.is_table(cbor.decode(("\x81"):rep(512) .. "\0"))
  end)

  it("writes bytes, tags and keys in one order", function()
    assert.equal("4161", show(cbor.encode(cbor.bytes "a")))
    assert.equal("41ff", show(cbor.encode "\xFF"))
    assert.equal("c11a514b67b0", show(cbor.encode(cbor.tag(1, 1363896240))))
    assert.equal(show(cbor.encode { z = 1, a = 2 }), show(cbor.encode { a = 2, z = 1 }))
    assert.equal("3b7fffffffffffffff", show(cbor.encode(math.mininteger)))
    assert.has_error(function() cbor.encode(print) end,
      "cbor.encode: expected data, got a function")
    local circle = {}
    circle[1] = circle
    assert.has_error(function() cbor.encode(circle) end)
    assert.has_error(function() cbor.decode(5) end, "cbor.decode: expected a string, got number")
  end)
end)
