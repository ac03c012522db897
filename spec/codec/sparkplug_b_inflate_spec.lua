-- The data was compressed by Python's zlib and gzip.
local inflate = require "tagline.codec.sparkplug_b.inflate"
local protobuf = require "tagline.codec.sparkplug_b.protobuf"
local sparkplug_b = require "tagline.codec.sparkplug_b"
local support = require "spec.codec.sparkplug_b_support"

local bytes = support.bytes

local function run(kind, data, limit)
  return protobuf.try(inflate[kind], data, 1, #data, limit or 1048576)
end

local function squares()
  local lines = {}
  for i = 0, 59 do lines[#lines + 1] = ("%d;%d\n"):format(i, i * i) end
  return table.concat(lines)
end

local dynamic = ""
  .. "1590c90d00310803ff54c39d44eebfaf9d7d452878b0ed720b85a5da4acf5ab136cab155ad1df5b3ab6d7bba61e10a4780229952d16d51"
  .. "689e05d2b7168851c7c2603acacbdf55259b0f26b75c0d2543dd4c9cbe6d599a7c96ad396b395a28b9da7f3a3affdfd5f937b182ae5c0f"
  .. "4a851eccc28b73a230e35c2cdc04066ab00aa996177b751485dbbabf77f69f62c8d2245b704db42569c33bc46e78970efa4f47214d3c87"
  .. "d7e40baa6a02a6f37f95e5ec3f657bd838f9e14d28f79f5379f89fa210f6a795efaf7a543f6fa81b6336e76f8a7f1a2bee0f95357e3e"

-- 70,000 times 'A', in zlib.
local bomb = "78daedc13101000000c2a06ceb5fca129e4001" .. ("0"):rep(134) .. "6f033fee717c"

local gzip_header = "1f8b081e0000000000ff030078797a6e616d652e62696e006120636f6d6d656e740019f1"
local gzip_body = "2bcf2cc9504854c84bcc4d0500" .. "8c9b9e8d" .. "0b000000"

describe("inflate", function()
  it("reads a stored block", function()
    assert.equal("hello, stored block", run("deflate", bytes "011300ecff68656c6c6f2c2073746f72656420626c6f636b"))
  end)

  it("reads a block of fixed codes, with copies that overlap", function()
    assert.equal(("abc"):rep(12), run("deflate", bytes "4b4c4a4e248400"))
  end)

  it("reads a block with codes of its own", function() assert.equal(squares(), run("deflate", bytes(dynamic))) end)

  it("reads nothing", function()
    assert.equal("", run("deflate", bytes "0300"))
    assert.equal("", run("deflate", bytes "789c030000000001"))
    assert.equal("", run("gzip", bytes "1f8b080000000000020303000000000000000000"))
  end)

  it("reads a zlib wrapper", function() assert.equal(("A"):rep(70000), run("deflate", bytes(bomb))) end)

  it("reads a gzip header with everything in it", function()
    assert.equal("with a name", run("gzip", bytes(gzip_header .. gzip_body)))
  end)

  it("stops at the limit", function()
    assert.equal(70000, #assert(run("deflate", bytes(bomb), 70000)))
    local out, why = run("deflate", bytes(bomb), 69999)
    assert.is_nil(out)
    assert.truthy(why:find "^byte %d+: expected at most 69999 bytes of decompressed data$")
    out, why = run("deflate", bytes "011300ecff68656c6c6f2c2073746f72656420626c6f636b", 18)
    assert.is_nil(out)
    assert.equal("byte 2: expected at most 18 bytes of decompressed data", why)
  end)

  for what, case in pairs {
    ["a wrong checksum of zlib"] = { "deflate", bomb:sub(1, -2) .. "d",
      "byte 89: expected the checksum 3FEE717C, got 3FEE717D" },
    ["a wrong checksum of gzip"] = { "gzip", gzip_header .. gzip_body:gsub("8c9b", "8c9c"),
      "byte 50: expected the checksum 8D9E9B8C, got 8D9E9C8C" },
    ["a wrong size"] = { "gzip", gzip_header .. gzip_body:sub(1, -9) .. "0c000000", "byte 54: expected the size 11, got 12" },
    ["what is no gzip"] = { "gzip", "789c0300000000010000", "byte 1: expected gzip data (1F 8B)" },
    ["a gzip header cut off"] = { "gzip", "1f8b08", "byte 1: expected a gzip header (10 bytes), got 3" },
    ["another method"] = { "gzip", "1f8b0700000000000203", "byte 3: expected compression method 8, got 7" },
    ["a file name without end"] = { "gzip", "1f8b08080000000002034141", "byte 11: expected a file name that ends in a NUL" },
    ["a preset dictionary"] = { "deflate", "78bb00000000", "byte 2: expected data without a preset dictionary" },
    ["a third kind of block"] = { "deflate", "07", "byte 2: expected a block of type 0, 1 or 2, got 3" },
    ["a stored block of a wrong length"] = { "deflate", "011300ecfe68",
      "byte 2: expected a stored block's length and its complement" },
    ["a stored block cut off"] = { "deflate", "011300ecff68", "byte 6: expected 19 bytes of a stored block, got 1" },
    ["a copy from before the beginning"] = { "deflate", "0302", "byte 3: expected a distance of at most 0 bytes, got 1" },
    ["data cut off"] = { "deflate", "4b4c4a", "byte 4: expected more compressed data, got the end" },
    ["data after the end"] = { "deflate", "030000", "byte 3: expected the end of the compressed data, got 1 bytes more" },
    ["too many codes"] = { "deflate", "fcffff", "byte 2: expected at most 286 literals and 30 distances, got 288 and 32" },
  } do
    it("refuses " .. what, function()
      local out, why = run(case[1], bytes(case[2]))
      assert.same({ nil, case[3] }, { out, why })
    end)
  end

  it("refuses every shorter prefix", function()
    for kind, whole in pairs { deflate = bytes(dynamic), gzip = bytes(gzip_header .. gzip_body) } do
      for n = 0, #whole - 1 do
        local out, why = run(kind, whole:sub(1, n))
        assert.is_nil(out)
        assert.truthy(why:find "^byte %d+: expected ", why)
      end
    end
  end)
end)

describe("sparkplug_b compressed payloads", function()
  local payloads = {
    GZIP = ""
      .. "12130a09616c676f726974686d200c7a04475a49501807221253504256312e305f434f4d505245535345442a4d1f8b0800000000000203e378f5"
      .. "e9eb8a05da42025c5c21a9b905fa51f979a9860acc018c282246401126141163a008338a880950840545c41428c28a22620614619360"
      .. "0700e22152d375000000",
    DEFLATE = ""
      .. "12160a09616c676f726974686d200c7a074445464c4154451807221253504256312e305f434f4d505245535345442a4178dae378f5e9eb8a05"
      .. "da42025c5c21a9b905fa51f979a9860acc018c282246401126141163a008338a880950840545c41428c28a226206146193600700"
        .. "83c41df2",
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
    local m = assert(sparkplug_b.decode_bytes(bytes("1807221253504256312e305f434f4d505245535345442a3be378f5e9eb8a05da42025c5c21"
      .. "a9b905fa51f979a9860acc018c282246401126141163a008338a880950840545c41428c28a226206146193600700")))
    assert.equal("DEFLATE", m.compressed)
    assert.equal(6, #m.metrics)
  end)

  it("are bounded", function()
    assert.same({ nil, "sparkplug_b: byte 108: expected at most 100 bytes of decompressed data" },
      { sparkplug_b.decode_bytes(bytes(payloads.GZIP), { max_inflated = 100 }) })
  end)

  it("say where in them a payload is wrong", function()
    local outer = "\x22\x12SPBV1.0_COMPRESSED\x2a" .. string.pack("s1", "\1\1\0\254\255\8")
    assert.same({ nil, "sparkplug_b: in the decompressed payload, byte 2: expected the rest of timestamp (a varint), "
      .. "got the end" },
      { sparkplug_b.decode_bytes(outer) })
  end)

  it("without a body, and of other algorithms, are refused", function()
    assert.same({ nil, "sparkplug_b: byte 21: expected a body in a compressed payload, got the end" },
      { sparkplug_b.decode_bytes "\x22\x12SPBV1.0_COMPRESSED" })
    local odd = assert(sparkplug_b.encode_bytes { uuid = "SPBV1.0_COMPRESSED", body = "x",
      metrics = { { name = "algorithm", datatype = "String", value = "LZMA" } } })
    assert.same({ nil, 'sparkplug_b: byte 17: expected the algorithm GZIP or DEFLATE, got "LZMA"' },
      { sparkplug_b.decode_bytes(odd) })
  end)
end)
