-- tagline.codec.protobuf: fields by number.
local protobuf = require "tagline.codec.protobuf"

local hexadecimal = require "spec.support.hexadecimal"
local hex = hexadecimal.bytes

describe("tagline.codec.protobuf", function()
  it("reads fields of each wire type by number", function()
    local f =
      protobuf.fields(
        hex "08 9601  12 07 74657374696e67  1d 0000ac41  21 0000000000000a40  1a 03 089601")
    assert.equal(150, f[1])
    assert.equal("testing", f[2])
    assert.equal(3.25, protobuf.double(f[4]))
    assert.equal(150, protobuf.fields(f[3])[1])
    assert.same({ 21.5 }, { protobuf.float(f.all[3][1]) })
  end)

  it("keeps every one of a repeated field", function()
    local f = protobuf.fields(hex "0801 0802 0803 22 06 038e029ea705")
    assert.equal(3, f[1])
    assert.same({ 1, 2, 3 }, f.all[1])
    assert.same({ 3, 270, 86942 }, protobuf.packed(f[4], "varint"))
    assert.same({ 1.5 }, protobuf.packed("\0\0\xC0\x3F", "<f"))
    assert.same({}, protobuf.packed(nil, "varint"))
  end)

  it("knows zigzag and 64 bits", function()
    assert.same({ 0, -1, 1, -2, 2147483647, -2147483648 },
      { protobuf.zigzag(0), protobuf.zigzag(1), protobuf.zigzag(2), protobuf.zigzag(3),
      protobuf.zigzag(4294967294), protobuf.zigzag(4294967295) })
    assert.is_nil(protobuf.zigzag(nil))
    assert.equal(-1, protobuf.fields(hex "08 ffffffffffffffffff01")[1])
    assert.is_nil(protobuf.float(nil))
  end)

  it("names the byte of what it cannot read", function()
    for text, byte in pairs { ["08"] = 2, ["08 ffffffffffffffffff02"] = 11, ["12 05 61"] = 4,
      ["1d 000000"] = 5, ["0b"] = 1, ["00 01"] = 1 } do
      local fields, why = protobuf.fields(hex(text))
      assert.is_nil(fields, text)
      assert.equal(byte, tonumber(why:match "^byte (%d+): "), text .. ": " .. why)
    end
    assert.same({ all = {} }, protobuf.fields "")
    assert.truthy(select(2, protobuf.packed("\x80", "varint")):find "^byte 2")
  end)
end)
