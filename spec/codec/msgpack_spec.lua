-- tagline.codec.msgpack: every format, what is cut, and back.
local msgpack = require "tagline.codec.msgpack"
local null = require("cjson").null

local hexadecimal = require "spec.support.hexadecimal"
local hex, show = hexadecimal.bytes, hexadecimal.show

local formats = {
  { "c0", null, true }, { "c2", false, true }, { "c3", true, true }, { "00", 0, true },
    { "7f", 127, true }, { "ff", -1, true },
  { "e0", -32, true }, { "cc80", 128, true }, { "cdffff", 65535, true },
    { "ceffffffff", 4294967295, true },
  { "cfffffffffffffffff", 18446744073709551615.0 }, { "cf7fffffffffffffff", math.maxinteger,
    true }, { "d080", -128, true },
  { "d18000", -32768, true }, { "d280000000", -2147483648, true },
    { "d38000000000000000", math.mininteger, true }, { "d07f", 127 },
  { "ca3fc00000", 1.5, true }, { "cb3ff199999999999a", 1.1, true }, { "a0", "", true },
    { "a3616263", "abc", true }, { "d903616263", "abc" },
  { "da0003616263", "abc" }, { "db00000003616263", "abc" }, { "c402ff02", "\xFF\2", true },
    { "c50002ff02", "\xFF\2" },
  { "c600000002ff02", "\xFF\2" }, { "90", {} }, { "80", {}, true },
    { "93010203", { 1, 2, 3 }, true }, { "dc00020102", { 1, 2 } },
  { "dd000000020102", { 1, 2 } }, { "82a16101a162920203", { a = 1, b = { 2, 3 } }, true },
    { "de0001a161c0", { a = null } },
  { "df0000000105c3", { [5] = true } }, { "d40501", "\1" }, { "d6ff514b67b0", 1363896240 },
    { "d7ff77359400514b67b0", 1363896240.5 },
  { "c70cff1dcd650000000000514b67b0", 1363896240.5 }, { "c7020501ff", "\1\xFF" },
}

describe("tagline.codec.msgpack", function()
  it("reads every format, and writes the shortest", function()
    for _, row in ipairs(formats) do
      local value, why = msgpack.decode(hex(row[1]))
      assert.is_nil(why, row[1])
      assert.same(row[2], value, row[1])
      assert.equal(math.type(row[2]), math.type(value), row[1])
      if row[3] then assert.equal(row[1], show(msgpack.encode(row[2]))) end
    end
    local text, list = ("x"):rep(70000), {}
    for i = 1, 70000 do list[i] = i % 5 end
    for _, value in ipairs { text, ("x"):rep(300), ("\xFF"):rep(300), list,
      table.move(list, 1, 20, 1, {}) } do
      assert.same(value, (msgpack.decode(msgpack.encode(value))))
    end
  end)

  it("names the byte of what cannot be read", function()
    for bytes, byte in pairs { [""] = 1, ["c1"] = 1, ["cc"] = 2, ["92 01"] = 3, ["81 a161"] = 4,
      ["a3 6162"] = 4, ["c402 01"] = 4, ["0000"] = 2,
      ["ddffffffff 01"] = 7 } do
      local value, why = msgpack.decode(hex(bytes))
      assert.is_nil(value, bytes)
      assert.equal(byte, tonumber(why:match "^byte (%d+): expected "), bytes .. ": "
        .. tostring(why))
    end
    assert.truthy(select(2, msgpack.decode(("\x91"):rep(513) .. "\0")):find "512 levels")
  end)

  it("refuses what is no data", function()
    assert.has_error(function() msgpack.encode(print) end,
      "msgpack.encode: expected data, got a function")
    assert.equal("c40161", show(msgpack.encode(msgpack.bytes "a")))
  end)
end)
