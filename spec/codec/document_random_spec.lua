-- CBOR and MessagePack at random: the codecs agree with a second reader, and come back to what
-- was written.
local cbor = require "tagline.codec.cbor"
local msgpack = require "tagline.codec.msgpack"
local reader = require "spec.support.binary_reader"
local random = require "spec.support.random_document"

local null = require("cjson").null

describe("documents at random", function()
  it("are read alike by the codec and by a second reader", function()
    local next_document = random.new(7)
    for i = 1, 3000 do
      local value = next_document()
      for name, codec in pairs { cbor = cbor, msgpack = msgpack } do
        local bytes = codec.encode(value)
        local mine, why = codec.decode(bytes)
        assert.is_nil(why)
        local theirs = reader.text(reader[name](bytes, null), null)
        assert.equal(theirs, reader.text(mine, null), name .. " " .. i)
        assert.equal(theirs, reader.text(value, null), name .. " " .. i)
      end
      local odd = random.odd_cbor(value, i)
      assert.equal(reader.text(reader.cbor(odd, null), null), reader.text(cbor.decode(odd), null),
        i)
    end
  end)

  it("that are cut are refused", function()
    local next_document = random.new(11)
    for _ = 1, 200 do
      local value = next_document()
      for _, codec in pairs { cbor, msgpack } do
        local bytes = codec.encode(value)
        for n = 0, #bytes - 1, 1 + #bytes // 50 do
          local mine, why = codec.decode(bytes:sub(1, n))
          assert.is_nil(mine)
          assert.truthy(why:find "^byte %d+: expected ")
        end
      end
    end
  end)
end)
