-- base64 and hex: strict, with the byte of each mistake.
local base64 = require "tagline.codec.base64"
local hex = require "tagline.codec.hex"
local elsys = require "tagline.codec.device.elsys"

describe("base64", function()
  -- RFC 4648, section 10, and payloads of The Things Network.
  local vectors = {
    [""] = "", f = "Zg==", fo = "Zm8=", foo = "Zm9v", foob = "Zm9vYg==", fooba = "Zm9vYmE=",
      foobar = "Zm9vYmFy",
    ["\1\2\3\4"] = "AQIDBA==", ["\xbe\xef"] = "vu8=", ["737F00e800"] = "NzM3RjAwZTgwMA==",
      ["\xfb\xff\xbf"] = "+/+/",
  }
  for bytes, text in pairs(vectors) do
    it("reads and writes '" .. text .. "'", function()
      assert.same(bytes, base64.decode(text))
      assert.same(text, base64.encode(bytes))
    end)
  end

  it("writes what it reads, for each length and byte", function()
    local all = {}
    for i = 0, 255 do all[i + 1] = string.char(i) end
    local bytes = table.concat(all)
    for length = 0, 256 do
      local part = bytes:sub(257 - length)
      assert.same(part, base64.decode(base64.encode(part)))
    end
  end)

  for text, message in pairs {
    ["AQI"] = "byte 4: expected a whole group of four base64 letters, got the end",
    ["AQIDB"] = "byte 6: expected a whole group of four base64 letters, got the end",
    ["AQ=A"] = "byte 4: expected '=', got 'A'",
    ["A==="] = "byte 2: expected a base64 letter, got '='",
    ["===="] = "byte 1: expected a base64 letter, got '='",
    ["AQ==AQ=="] = "byte 3: expected a base64 letter, got '='",
    ["AQI=AQID"] = "byte 4: expected a base64 letter, got '='",
    ["AQ-_"] = "byte 3: expected a base64 letter, got '-'",
    ["AQID\n"] = "byte 5: expected a base64 letter, got byte 0x0A",
    ["AR=="] = "byte 2: expected a base64 letter whose unused bits are 0, got 'R'",
    ["AQJ="] = "byte 3: expected a base64 letter whose unused bits are 0, got 'J'",
  } do
    it("refuses " .. ("%q"):format(text), function() assert.same({ nil, message },
      { base64.decode(text) }) end)
  end

  it("raises when it is not given a string", function()
    assert.error_matches(function() base64.decode(nil) end,
      "base64.decode: expected a string, got nil")
    assert.error_matches(function() base64.encode(7) end,
      "base64.encode: expected a string, got number")
  end)

  it("makes a decode of a device", function()
    local decode = base64(elsys)
    assert.same({ temperature = 22.6, humidity = 41, light = 39, motion = 6, co2 = 776 },
      (decode { payload = "AQDiAikEACcFBgYDCA==" }))
    assert.error_matches(function() decode { payload = "AQDiAikEACcFBgYDCA=" } end,
      "^base64: byte 19: expected a base64 letter, got '='")
    assert.error_matches(function() decode { payload = base64.encode "\1" } end,
      "^elsys: byte 2: expected 2 bytes of temperature, got 0$")
    assert.error_matches(function() base64(7) end, "base64: expected a device module or a function")
  end)
end)

describe("hex", function()
  it("reads both cases and writes lower case", function()
    assert.same("\0\1\xAB\xcd\xff", hex.decode "0001ABcdfF")
    assert.same("0001abcdff", hex.encode "\0\1\xAB\xcd\xff")
    assert.same("", hex.decode "")
    assert.same("", hex.encode "")
  end)

  for text, message in pairs {
    ["0"] = "byte 2: expected a second hexadecimal digit, got the end",
    ["012"] = "byte 4: expected a second hexadecimal digit, got the end",
    ["0g"] = "byte 2: expected a hexadecimal digit, got 'g'",
    ["01 02"] = "byte 3: expected a hexadecimal digit, got byte 0x20",
    ["0x01"] = "byte 2: expected a hexadecimal digit, got 'x'",
  } do
    it("refuses '" .. text .. "'", function() assert.same({ nil, message },
      { hex.decode(text) }) end)
  end

  it("makes a decode of a function", function()
    local decode = hex(function(bytes, port) return { bytes = bytes, port = tostring(port) }, 5 end)
    assert.same({ { bytes = "\1\2", port = "nil" }, 5 }, { decode { payload = "0102" } })
    assert.is_nil(hex(function() end) { payload = "00" })
    assert.error_matches(function() decode { payload = "010" } end, "^hex: byte 4: expected")
  end)

  it("raises when it is not given a string", function()
    assert.error_matches(function() hex.decode {} end, "hex.decode: expected a string, got table")
    assert.error_matches(function() hex.encode() end, "hex.encode: expected a string, got nil")
  end)
end)
