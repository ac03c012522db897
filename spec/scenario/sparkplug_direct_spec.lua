-- Metrics that go from C into tags without Lua tables (a station whose decode is the host itself),
-- beside the same host inside a function, whose result is tables: the same values.
local cjson = require "cjson"
local sparkplug_b = require "tagline.codec.sparkplug_b"
local scenario = require "spec.support.scenario"
local scope, tagline = scenario "scope tagline"

local random = math.random

local CONFIG = [[
local sparkplug_b = require "tagline.codec.sparkplug_b"
local direct = sparkplug_b.host { on_rebirth = false, reorder_timeout = 5 }
local plain = sparkplug_b.host { on_rebirth = false, reorder_timeout = 5 }
local makers = { Ai, Ci, Di, TxtI, TiA, TiR, Qi }
local function tags()
  local list = {}
  for type = 1, 15 do
    for i, maker in ipairs(makers) do list["m_" .. type .. "_" .. i] = maker {} end
    list["m_" .. type .. "_8"] = Ci { linear = { 2, 1 }, range = { -1000, 1000 }, deadband = 2 }
    list["m_" .. type .. "_9"] = Di { words = { Off = "zu", On = { "auf", "7" } } }
    list["m_" .. type .. "_10"] = Ai { new_value_on_time_change = true, on_missing = "keep" }
    list["m_" .. type .. "_11"] = Ai("JA=x" .. type) -- not decode's
  end
  return list
end
line "l" {
  host = "127.0.0.1", topic_filter = "#", payload_type = "JSON",
  station "direct" { address = sparkplug_b.address("direct", "E"), decode = direct, tags = tags() },
  station "plain" { address = sparkplug_b.address("plain", "E"),
    decode = function(msg) return plain(msg) end, tags = tags() },
}
]]

local types = { "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float",
  "Double", "Boolean", "String", "DateTime", "Text", "UUID" }
local texts = { "auf", "zu", "7", "on", "12.5", " -3 ", "2026-11-30T10:00:00Z", "01:02:03", "Trans",
  "" }

local function value_of(type)
  if type == 9 or type == 10 then
    return random(12) == 1 and (0 / 0) or random(20) == 1 and math.huge or random(-4000, 4000) / 8
  elseif type == 11 then return random(2) == 1
  elseif type == 12 or type >= 14 then return texts[random(#texts)]
  elseif type == 13 then return random(0, 1 << 42)
  elseif random(3) == 1 then return random(0, 5) end
  local bits = ({ 7, 15, 31, 60, 8, 16, 32, 60 })[type]
  local value = random(0, (1 << bits) - 1)
  return type <= 4 and random(2) == 1 and -value or value
end

local born = {}
for type = 1, 15 do
  for i = 1, 12 do -- the last one has no tag
    born[#born + 1] = { name = ("m/%d/%d"):format(type, i), datatype = types[type],
      alias = (type + i) % 5 ~= 0 and type * 100 + i or nil, type = type }
  end
end

local function birth()
  local list = {}
  for i, one in ipairs(born) do
    list[i] = { name = one.name, alias = one.alias, datatype = one.datatype,
      value = value_of(one.type) }
  end
  return list
end

local function data_metric(one)
  local by_name = not one.alias or random(6) == 1
  local metric = { name = by_name and one.name or nil, alias = one.alias,
    datatype = one.datatype, timestamp = random(4) > 1 and random(1, 1 << 41) or nil }
  if random(12) == 1 then metric.is_null = true else metric.value = value_of(one.type) end
  if random(300) == 1 then metric.properties = { Quality = { datatype = "Int32", value = 0 } } end
  return metric
end

-- In their order with gaps, or in any.
local function data()
  local list, at = {}, random(#born)
  for _ = 1, random(0, 60) do
    at = random(8) == 1 and random(#born) or at % #born + 1
    list[#list + 1] = data_metric(born[at])
  end
  return list
end

local function capture()
  local lines = { '{"tagline_capture":1}\n' }
  local function put(kind, seq, metrics)
    local bytes = assert(sparkplug_b.encode_bytes { timestamp = random(5) > 1 and 1764000000000
      + #lines or nil, seq = seq, metrics = metrics })
    for _, group in ipairs { "direct", "plain" } do
      lines[#lines + 1] = cjson.encode { line = "l", time = "2026-11-30T10:00:00.000Z",
        topic = ("spBv1.0/%s/%s"):format(group, kind),
        base64 = (require "tagline.codec.base64".encode(bytes)) } .. "\n"
    end
  end
  put("NBIRTH/E", 0, { { name = "bdSeq", datatype = "Int64", value = 1 } })
  put("DBIRTH/E/D", 1, birth())
  for i = 2, 250 do
    if i % 80 == 0 then put("DBIRTH/E/D", i, birth())
    elseif i % 50 == 3 then -- too early: it is held, and comes behind the next
      local later = data()
      put("DDATA/E/D", i + 1, later)
      put("DDATA/E/D", i, data())
    elseif i % 50 ~= 4 then put("DDATA/E/D", i, data()) end
  end
  return table.concat(lines)
end

describe("metrics that go from C into tags", function()
  after_each(scope.finish)

  it("give the values that tables of them give", function()
    math.randomseed(20261130)
    local config = scope.file("site.lua", CONFIG)
    local code, out, err = tagline.command({ "replay", scope.file("site.capture", capture()),
      config }, { milliseconds = 170000 })
    assert(code == 0, out .. err)
    local direct, plain = {}, {}
    for value in out:gmatch "[^\n]+" do
      local station, rest = value:match '^(.-"tag":"l%.direct)(.*)$'
      if station then direct[#direct + 1] = station:gsub("direct", "plain") .. rest
      else plain[#plain + 1] = value end
    end
    assert(#direct > 3000, #direct .. " values\n" .. err)
    for i = 1, math.max(#direct, #plain) do
      if plain[i] ~= direct[i] then assert.same({ i, plain[i] }, { i, direct[i] }) end
    end
  end)
end)
