-- Payloads of SPBV1.0_COMPRESSED. They were compressed by Python's zlib and gzip.
local sparkplug_b = require "tagline.codec.sparkplug_b"
local support = require "spec.codec.sparkplug_b_support"

local bytes = support.bytes

describe("sparkplug_b compressed payloads", function()
  local payloads = {
    GZIP = ""
      .. "12130a09616c676f726974686d200c7a04475a49501807221253504256312e305f434f4d505245535345"
      .. "442a4d1f8b0800000000000203e378f5e9eb8a05da42025c5c21a9b905fa51f979a9860acc018c282246"
      .. "401126141163a008338a880950840545c41428c28a226206146193600700e22152d375000000",
    DEFLATE = ""
      .. "12160a09616c676f726974686d200c7a074445464c4154451807221253504256312e305f434f4d505245"
      .. "535345442a4178dae378f5e9eb8a05da42025c5c21a9b905fa51f979a9860acc018c2822464011261411"
      .. "63a008338a880950840545c41428c28a22620614619360070083c41df2",
  }
  for algorithm, digits in pairs(payloads) do
    it("of " .. algorithm .. " are read as what is in them", function()
      local m = assert(sparkplug_b.decode_bytes(bytes(digits)))
      assert.equal(algorithm, m.compressed)
      assert.same({ support.TIME, 7, 6 }, { m.timestamp, m.seq, #m.metrics })
      assert.same({ name = "Temp/Zone6", datatype = "Int32", value = 6 }, m.metrics[6])
    end)
  end

  it("without an algorithm are DEFLATE, without a wrapper too", function()
    local m =
      assert(
        sparkplug_b.decode_bytes(
          bytes("1807221253504256312e305f434f4d505245535345442a3be378f5e9eb8a05da42"
      .. "025c5c21a9b905fa51f979a9860acc018c282246401126141163a008338a880950"
      .. "840545c41428c28a226206146193600700")))
    assert.equal("DEFLATE", m.compressed)
    assert.equal(6, #m.metrics)
  end)

  it("are bounded", function()
    assert.same(
      { nil, "sparkplug_b: byte 107: expected at most 100 bytes of decompressed data, got more" },
      { sparkplug_b.decode_bytes(bytes(payloads.GZIP), { max_inflated = 100 }) })
  end)

  it("say where in them a payload is wrong", function()
    local outer = "\x22\x12SPBV1.0_COMPRESSED\x2a" .. string.pack("s1", "\1\1\0\254\255\8")
    assert.same(
      { nil,
        "sparkplug_b: in the decompressed payload, byte 2: expected the rest of timestamp (a \z
          varint), "
      .. "got the end" },
      { sparkplug_b.decode_bytes(outer) })
  end)

  it("without a body, and of other algorithms, are refused", function()
    assert.same(
      { nil, "sparkplug_b: byte 21: expected a body in a compressed payload, got the end" },
      { sparkplug_b.decode_bytes "\x22\x12SPBV1.0_COMPRESSED" })
    local odd = assert(sparkplug_b.encode_bytes { uuid = "SPBV1.0_COMPRESSED", body = "x",
      metrics = { { name = "algorithm", datatype = "String", value = "LZMA" } } })
    assert.same({ nil, 'sparkplug_b: byte 17: expected the algorithm GZIP or DEFLATE, got "LZMA"' },
      { sparkplug_b.decode_bytes(odd) })
  end)
end)
