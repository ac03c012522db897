-- The scripted broker's packets: a broker that misreads would make every scenario worthless.
local packet = require "spec.support.packet"

describe("support packet", function()
  local samples = {
    CONNECT = { client_id = "c", clean_session = true, keep_alive = 60, user_name = "u",
      password = "p",
      will = { topic = "w", message = "gone", qos = 2, retain = true } },
    CONNACK = { session_present = true, code = 0 },
    PUBLISH = { topic = "a/b", payload = "x\0y", qos = 1, id = 65535, dup = true, retain = true },
    PUBACK = { id = 1 }, PUBREC = { id = 2 }, PUBREL = { id = 3 }, PUBCOMP = { id = 4 },
      UNSUBACK = { id = 6 },
    SUBSCRIBE = { id = 7, filters = { { filter = "#", qos = 2 }, { filter = "a/+", qos = 0 } } },
    SUBACK = { id = 7, codes = { 0, 1, 2, 128 } },
    UNSUBSCRIBE = { id = 8, filters = { "a", "b" } },
    PINGREQ = {}, PINGRESP = {}, DISCONNECT = {},
  }

  for _, name in ipairs(packet.NAMES) do
    it("reads " .. name .. " as it was written", function()
      local bytes = packet.encode(name, samples[name])
      local read, used = packet.decode(bytes .. "more")
      assert.equal(#bytes, used)
      assert.equal(name, read.type)
      for field, value in pairs(samples[name]) do assert.same(value, read[field], field) end
    end)

    it("asks for more at every shorter prefix of " .. name, function()
      local bytes = packet.encode(name, samples[name])
      for n = 0, #bytes - 1 do assert.is_nil(packet.decode(bytes:sub(1, n))) end
    end)
  end

  it("writes the bytes of the standard", function()
    local connect = { client_id = "c", clean_session = true, keep_alive = 60 }
    assert.equal("\x10\x0d\0\4MQTT\4\2\0\x3c\0\1c", packet.encode("CONNECT", connect))
    local publish = { topic = "a", payload = "hi", qos = 1, id = 5, dup = true, retain = true }
    assert.equal("\x3b\7\0\1a\0\5hi", packet.encode("PUBLISH", publish))
    assert.equal("\x82\6\0\9\0\1#\1",
      packet.encode("SUBSCRIBE", { id = 9, filters = { { filter = "#", qos = 1 } } }))
    assert.equal("\x62\2\1\0", packet.encode("PUBREL", { id = 256 }))
    assert.equal("\xc0\0", packet.encode "PINGREQ")
  end)

  it("writes lengths of one to four bytes, and longer than needed on request", function()
    for n, bytes in pairs { [0] = "\0", [127] = "\x7f", [128] = "\x80\1", [16383] = "\xff\x7f",
      [16384] = "\x80\x80\1",
      [2097151] = "\xff\xff\x7f", [268435455] = "\xff\xff\xff\x7f" } do
      assert.equal(bytes, packet.length(n))
    end
    assert.equal("\x82\x80\0", packet.length(2, 3))
  end)

  for what, bytes in pairs {
    ["a fifth byte of length"] = "\x30\x80\x80\x80\x80\1",
    ["type 0"] = "\0\0", ["type 15"] = "\xf0\0",
    ["PUBREL without its flags"] = "\x60\2\0\1",
    ["QoS 3"] = "\x36\5\0\1a\0\1",
    ["DUP at QoS 0"] = "\x38\3\0\1a",
    ["identifier 0"] = "\x40\2\0\0",
    ["a wildcard in a topic"] = "\x30\3\0\1#",
    ["a text that is not UTF-8"] = "\x30\3\0\1\xff",
    ["a topic longer than the packet"] = "\x30\3\0\9a",
    ["bytes behind an acknowledgement"] = "\x40\3\0\1x",
    ["a SUBSCRIBE without a filter"] = "\x82\2\0\1",
  } do
    it("refuses " .. what, function() assert.has_error(function() packet.decode(bytes) end) end)
  end
end)
