-- Whatever comes, there is a table or an error that names a byte; never a Lua error, and never
-- for long.
local sparkplug_b = require "tagline.codec.sparkplug_b"
local support = require "spec.codec.sparkplug_b_support"

local SEED, STRINGS, MUTATIONS = 20261122, 100000, 20000

-- A generator of our own: the same strings on every machine, and no other spec's seed disturbed.
local function generator(seed)
  local state = seed
  return function(n)
    state = state * 6364136223846793005 + 1442695040888963407
    return (state >> 33) % n
  end
end

local function random_bytes(random, length)
  local out = {}
  for i = 1, length do out[i] = string.char(random(256)) end
  return table.concat(out)
end

local function check(bytes)
  local ok, m, why = pcall(sparkplug_b.decode_bytes, bytes, { max_inflated = 4096 })
  if not ok or not m and not (why:find "^sparkplug_b: byte %d+: expected "
    or why:find "^sparkplug_b: in the decompressed payload, byte %d+: expected ") then
    error(("%s\nfor %s"):format(ok and why or m, support.hex(bytes)))
  end
  return m
end

local function rich_payload()
  return assert(sparkplug_b.encode_bytes { timestamp = support.TIME, seq = 3, metrics = {
    { name = "a", alias = 1, datatype = "Int16", value = -5,
      properties = { unit = { datatype = "String", value = "C" } } },
    { name = "b", datatype = "BooleanArray", value = { true, false, true } },
    { name = "c", datatype = "DataSet", value = { columns = { "x" }, types = { "Double" },
      rows = { { 0.5 }, { 1.5 } } } },
    { name = "d", datatype = "Template",
      value = { metrics = { { name = "m", datatype = "UInt64", value = 7 } } } },
    { name = "e", datatype = "StringArray", value = { "x", "yz" } },
      { name = "f", datatype = "Float", value = 2.5 },
  } })
end

describe("sparkplug_b", function()
  it("survives " .. STRINGS .. " random byte strings", function()
    local random = generator(SEED)
    local started, read = os.clock(), 0
    for _ = 1, STRINGS do
      if check(random_bytes(random, random(40))) then read = read + 1 end
    end
    assert.is_true(read > 0 and read < STRINGS)
    assert.is_true(os.clock() - started < 15)
  end)

  it("survives valid payloads with bytes changed, taken out and put in", function()
    local random = generator(SEED)
    local sources = { rich_payload(), support.bytes(support.vectors.nbirth),
      support.bytes(""
        .. "12160a09616c676f726974686d200c7a074445464c4154451807221253504256312e305f434f4d5052"
        .. "45535345442a4178dae378f5e9eb8a05da42025c5c21a9b905fa51f979a9860acc018c282246401126"
        .. "141163a008338a880950840545c41428c28a22620614619360070083c41df2") }
    local read = 0
    for i = 1, MUTATIONS do
      local bytes = sources[i % #sources + 1]
      for _ = 0, random(3) do
        local at = random(#bytes) + 1
        local kind = random(3)
        bytes = bytes:sub(1, at - 1) .. (kind == 0 and "" or string.char(random(256)))
          .. bytes:sub(kind == 2 and at or at + 1)
      end
      local m = check(bytes)
      if m then
        read = read + 1
        -- What was read can be written; what is written is read as the same.
        local again, why = sparkplug_b.encode_bytes(m)
        if again then
          local back = check(again)
          m.compressed = nil
          assert.is_true(back ~= nil)
          assert.equal(#m.metrics, #back.metrics)
        else
          assert.truthy(why:find "expected ")
        end
      end
    end
    assert.is_true(read > 100)
  end)

  it("survives random messages at a host", function()
    local random = generator(SEED)
    local host = sparkplug_b.host { on_rebirth = false, on_error = function() end }
    local types = { "NBIRTH", "DBIRTH", "NDATA", "DDATA", "NDEATH", "DDEATH" }
    local rich = rich_payload()
    for _ = 1, 5000 do
      local kind = types[random(#types) + 1]
      local at = random(#rich) + 1
      local bytes = rich:sub(1, at - 1) .. string.char(random(256)) .. rich:sub(at + 1)
      local topic = "spBv1.0/g/" .. kind .. "/e" .. (kind:find "^D" and "/d" .. random(2) or "")
      local ok, why = pcall(host, support.msg(topic, bytes))
      if not ok then assert.truthy(why:find "^sparkplug_b: ", why) end
    end
  end)
end)
