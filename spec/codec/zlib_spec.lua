-- The data was compressed by Python's zlib and gzip. The module is C: ctest gives this plain
-- Lua the program's.
local hex = require "tagline.codec.hex"
local zlib = require "tagline.codec.zlib"

local bytes = hex.decode

local function squares()
  local lines = {}
  for i = 0, 59 do lines[#lines + 1] = ("%d;%d\n"):format(i, i * i) end
  return table.concat(lines)
end

local dynamic = ""
  .. "1590c90d00310803ff54c39d44eebfaf9d7d452878b0ed720b85a5da4acf5ab136cab155ad1df5b3ab6d7bba"
  .. "61e10a4780229952d16d51689e05d2b7168851c7c2603acacbdf55259b0f26b75c0d2543dd4c9cbe6d599a7c"
  .. "96ad396b395a28b9da7f3a3affdfd5f937b182ae5c0f4a851eccc28b73a230e35c2cdc04066ab00aa996177b"
  .. "751485dbbabf77f69f62c8d2245b704db42569c33bc46e78970efa4f47214d3c87d7e40baa6a02a6f37f95e5"
  .. "ec3f657bd838f9e14d28f79f5379f89fa210f6a795efaf7a543f6fa81b6336e76f8a7f1a2bee0f95357e3e"

-- 70,000 times 'A', in zlib.
local bomb = "78daedc13101000000c2a06ceb5fca129e4001" .. ("0"):rep(134) .. "6f033fee717c"

local gzip_header = "1f8b081e0000000000ff030078797a6e616d652e62696e006120636f6d6d656e740019f1"
local gzip_body = "2bcf2cc9504854c84bcc4d0500" .. "8c9b9e8d" .. "0b000000"
local gzip_empty = "1f8b080000000000020303000000000000000000"

describe("zlib", function()
  it("reads a stored block", function()
    assert.equal("hello, stored block",
      zlib.inflate(bytes "011300ecff68656c6c6f2c2073746f72656420626c6f636b"))
  end)

  it("reads a block of fixed codes, with copies that overlap", function()
    assert.equal(("abc"):rep(12), zlib.inflate(bytes "4b4c4a4e248400"))
  end)

  it("reads a block with codes of its own",
    function() assert.equal(squares(), zlib.inflate(bytes(dynamic))) end)

  it("reads nothing", function()
    assert.equal("", zlib.inflate(bytes "0300"))
    assert.equal("", zlib.inflate(bytes "789c030000000001"))
    assert.equal("", zlib.gunzip(bytes(gzip_empty)))
  end)

  it("reads what is longer than the pieces it works in", function()
    assert.equal(("A"):rep(70000), zlib.inflate(bytes(bomb)))
    local noise = {} -- stored blocks: as long compressed as it is
    for i = 1, 40 do
      noise[i] = string.pack("<I1I2I2", i == 40 and 1 or 0, 1000, 1000 ~ 0xFFFF)
        .. string.char(i):rep(1000)
    end
    local text = assert(zlib.inflate(table.concat(noise)))
    assert.same({ 40000, 1, 40 }, { #text, text:byte(1), text:byte(40000) })
  end)

  it("reads a gzip header with everything in it", function()
    assert.equal("with a name", zlib.gunzip(bytes(gzip_header .. gzip_body)))
  end)

  it("reads gzip files that stand behind each other", function()
    assert.equal("with a namewith a name",
      zlib.gunzip(bytes(gzip_header .. gzip_body .. gzip_empty .. gzip_header .. gzip_body)))
  end)

  it("reads a part of a string, and counts bytes in all of it", function()
    assert.equal("", zlib.inflate("xx\3\0yy", nil, 3, 4))
    assert.same({ nil, "byte 5: expected the end of the compressed data, got 1 more" },
      { zlib.inflate("xx\3\0yy", nil, 3, 5) })
    assert.same({ nil, "byte 4: expected more compressed data, got the end" },
      { zlib.inflate("xx\3\0yy", nil, 3, 3) })
    assert.same({ nil, "byte 7: expected more compressed data, got the end" },
      { zlib.inflate("xx\3\0yy", nil, 7) })
  end)

  it("tells gzip from zlib", function()
    assert.equal("with a name", zlib.decode(bytes(gzip_header .. gzip_body)))
    assert.equal(70000, #zlib.decode(bytes(bomb)))
  end)

  it("is a decode around a device", function()
    local decode = zlib(function(text) return { length = #text } end)
    assert.same({ length = 70000 }, decode { payload = bytes(bomb) })
    assert.error_matches(function() decode { payload = "\7" } end,
      "^zlib: byte 1: expected valid compressed data, got ")
  end)

  it("stops at the limit", function()
    assert.equal(70000, #assert(zlib.inflate(bytes(bomb), 70000)))
    for _, limit in ipairs { 69999, 65536, 65535, 1, 0 } do
      local text, why = zlib.inflate(bytes(bomb), limit)
      assert.is_nil(text)
      assert.matches("^byte %d+: expected at most " .. limit
        .. " bytes of decompressed data, got more$", why)
    end
    assert.equal("", zlib.inflate(bytes "0300", 0))
  end)

  it("has a limit of 1 MiB", function()
    local mib = bytes("78daedc13101000000c2a06ceb5fca10be4001" .. ("0"):rep(2030) .. "7c06b18c3cf1")
    assert.equal(1048576, #assert(zlib.inflate(mib)))
    assert.matches("expected at most 1048575 bytes", select(2, zlib.inflate(mib, 1048575)))
    assert.equal(1048576, zlib.LIMIT)
  end)

  for what, case in pairs {
    ["a wrong checksum of zlib"] = { "inflate", bomb:sub(1, -2) .. "d", 92,
      "incorrect data check" },
    ["a wrong checksum of gzip"] = { "gunzip", gzip_header .. gzip_body:gsub("8c9b", "8c9c"), 53,
      "incorrect data check" },
    ["a wrong size"] = { "gunzip", gzip_header .. gzip_body:sub(1, -9) .. "0c000000", 57,
      "incorrect length check" },
    ["what is no gzip"] = { "gunzip", "789c0300000000010000", 2, "incorrect header check" },
    ["another method"] = { "gunzip", "1f8b0700000000000203", 4, "unknown compression method" },
    ["a third kind of block"] = { "inflate", "07", 1, "invalid block type" },
    ["a stored block of a wrong length"] = { "inflate", "011300ecfe68", 5,
      "invalid stored block lengths" },
    ["a copy from before the beginning"] = { "inflate", "0302", 2,
      "invalid distance too far back" },
    ["too many codes"] = { "inflate", "fcffff", 3, "too many length or distance symbols" },
  } do
    it("refuses " .. what, function()
      local text, why = zlib[case[1]](bytes(case[2]))
      assert.same(
        { nil, ("byte %d: expected valid compressed data, got what zlib calls '%s'"):format(
          case[3], case[4]) }, { text, why })
    end)
  end

  for what, case in pairs {
    ["a gzip header cut off"] = { "gunzip", "1f8b08",
      "byte 4: expected more compressed data, got the end" },
    ["a file name without end"] = { "gunzip", "1f8b08080000000002034141",
      "byte 13: expected more compressed data, got the end" },
    ["a preset dictionary"] = { "inflate", "78bb00000000",
      "byte 2: expected data without a preset dictionary, got one that needs it" },
    ["data cut off"] = { "inflate", "4b4c4a",
      "byte 4: expected more compressed data, got the end" },
    ["data after the end"] = { "inflate", "030000",
      "byte 3: expected the end of the compressed data, got 1 more" },
    ["data after a gzip file"] = { "gunzip", gzip_empty .. "1f",
      "byte 21: expected the end of the compressed data, got 1 more" },
  } do
    it("refuses " .. what, function() assert.same({ nil, case[3] },
      { zlib[case[1]](bytes(case[2])) }) end)
  end

  it("refuses every shorter prefix", function()
    for name, whole in pairs { inflate = bytes(dynamic),
      gunzip = bytes(gzip_header .. gzip_body) } do
      for n = 0, #whole - 1 do
        assert.same({ nil, ("byte %d: expected more compressed data, got the end"):format(n
          + 1) }, { zlib[name](whole:sub(1, n)) })
      end
    end
  end)

  it("survives 100,000 byte strings: random ones, and good ones with a bit flipped or cut off",
    function()
    local seed = tonumber(os.getenv "CODEC_SEED") or os.time()
    math.randomseed(seed)
    local random, good, texts = math.random,
      { bytes(dynamic), bytes(bomb), bytes(gzip_header .. gzip_body) }, 0
    for i = 1, 100000 do
      local input = good[i % 3 + 1]
      if i % 4 == 0 then input = string.pack("i8i8", random(0), random(0)):sub(1, random(0, 16))
      elseif i % 4 == 1 then input = input:sub(1, random(0, #input))
      else
        local at = random(#input)
        input = input:sub(1, at - 1) .. string.char(input:byte(at) ~ 1 << random(0, 7))
          .. input:sub(at + 1)
      end
      local text, why = zlib.decode(input, 4096)
      local at = why and tonumber(why:match "^byte (%d+): expected .+, got .")
      local ok = text and #text <= 4096 or at and at >= 1 and at <= #input + 1
      if not ok then error(("CODEC_SEED=%d, input %s: %s"):format(seed, hex.encode(input), why)) end
      if text then texts = texts + 1 end
    end
    assert.is_true(texts > 100)
  end)

  it("raises for what is no string, and for places outside of it", function()
    assert.error_matches(function() zlib.inflate(nil) end,
      "zlib.inflate: expected a string, got nil")
    assert.error_matches(function() zlib.gunzip({}) end,
      "zlib.gunzip: expected a string, got table")
    assert.error_matches(function() zlib.inflate("abc", nil, 5) end,
      "expected a byte of the string")
    assert.error_matches(function() zlib.inflate("abc", nil, 2, 4) end,
      "expected a byte of the string")
    assert.error_matches(function() zlib.inflate("abc", -1) end, "expected bytes, from 0")
  end)
end)
