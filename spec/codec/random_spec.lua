-- Each codec on 25,000 byte strings, which are others in each run: random bytes, and published
-- payloads that were cut, lengthened or changed. What comes back is values of known names and
-- kinds, nil, or an error that names a byte. A seed that failed is run again, and more strings are
-- tried, with CODEC_SEED=… CODEC_COUNT=100000 busted spec/codec/random_spec.lua.
local base64 = require "tagline.codec.base64"
local hex = require "tagline.codec.hex"
local lorawan = require "tagline.codec.lorawan"
local lpp = require "tagline.codec.cayenne_lpp"
local support = require "spec.codec.support"
local time = require "tagline.codec.time"

local COUNT = tonumber(os.getenv "CODEC_COUNT") or 25000
collectgarbage "generational" -- nearly all strings die at once
local seed = tonumber(os.getenv "CODEC_SEED") or os.time()

local random = math.random

local function noise(length)
  local parts = {}
  for i = 1, length, 8 do
    parts[#parts + 1] = string.pack("i8", random(0)):sub(1, length - i + 1)
  end
  return table.concat(parts)
end

-- The random strings, the same for all codecs.
math.randomseed(seed)
local noises = {}
for i = 1, COUNT, 2 do noises[i] = noise(i % 1000 == 1 and 300 or random(0, 40)) end

-- Change one of the samples: cut it, lengthen it, set a byte of it, or flip a bit.
local function changed(samples)
  local text = samples[random(#samples)]
  local at, how = random(#text), random(4)
  if how == 1 then return text:sub(1, at) end
  if how == 2 then return text .. noise(random(9)) end
  local byte = how == 3 and random(0, 255) or text:byte(at) ~ 1 << random(0, 7)
  return text:sub(1, at - 1) .. string.char(byte) .. text:sub(at + 1)
end

local function each(samples, visit)
  math.randomseed(seed)
  local input
  local ok, why = xpcall(function()
    for i = 1, COUNT do
      input = noises[i] or changed(samples)
      visit(input, i)
    end
  end, debug.traceback)
  if not ok then error(("CODEC_SEED=%d, input %s: %s"):format(seed, hex.encode(input), why), 0) end
end

local function check_error(why, pattern)
  if type(why) ~= "string" or not why:find(pattern) then
    error("not an error that names a byte: " .. tostring(why))
  end
end

local function check_value(name, value)
  if type(value) == "table" then
    assert(value.status == "invalid", name .. ": a table that is not an invalid value")
    value = value.value
    if value == nil then return end
  end
  local kind = type(value)
  local most = name == "water" and 4e38 or 1e11 -- a float of 32 bits
  local good = kind == "number" and value == value and math.abs(value) < most or kind == "string"
    or kind == "boolean"
  if not good then error(name .. " = " .. tostring(value)) end
end

local function check_values(values, known)
  if values[1] == nil then values = { { values = values } } end
  for _, sample in ipairs(values) do
    assert(sample.time == nil or math.type(sample.time) == "integer")
    for name, value in pairs(sample.values) do
      if not known[name] then
        local plain = name:gsub("_offset$", "")
        assert(known[plain] or known[plain:gsub("^(.*)_%d+(_?%a*)$", "%1_N%2")]
          or plain:find "^externalTemperature2_%d+$"
          or plain:find "^grideye_%d+$", name)
        known[name] = true
      end
      check_value(name, value)
    end
  end
end

describe("with random bytes", function()
  for _, device in ipairs(support.devices()) do
    it("device " .. device.name .. " gives values or an error with a byte", function()
      local samples, known = {}, {}
      for i, example in ipairs(device.examples) do samples[i] = hex.decode(example.input) end
      for _, field in ipairs(device.fields) do known[field.name] = true end
      local values_seen, errors_seen = 0, 0
      local pattern = "^" .. device.name:gsub("%p", "%%%0") .. ": byte %d+: expected .+, got "
      each(samples, function(input)
        local values, extra, note = device.decode_bytes(input)
        if values then
          values_seen = values_seen + 1
          check_values(values, known)
          assert(extra == nil or math.type(extra) == "integer")
          if note then check_error(note, pattern .. ".+; what is behind it was not read$") end
        elseif extra then
          errors_seen = errors_seen + 1
          check_error(extra, pattern)
          local at = tonumber(extra:match(" (%d+):", #device.name))
          if at < 1 or at > #input + 1 then error("a byte that is not there: " .. extra) end
        end
      end)
      assert(values_seen > COUNT / 1000 and errors_seen > COUNT / 20,
        ("%d values, %d errors"):format(values_seen, errors_seen))
    end)
  end

  it("cayenne_lpp writes again what it read, when each entry is another", function()
    local compared = 0
    each({ (hex.decode(lpp.examples[1].input)) }, function(input)
      local values, _, note = lpp.decode_bytes(input)
      local list, by = {}, {}
      if note then return end
      for name in pairs(values or {}) do
        if name:find "^polyline" then return end -- is read as a text, and written from points
      end
      for name, value in pairs(values or {}) do
        local kind, channel, part = name:match "^(%a[%w_]*)_(%d+)_?(%a*)$"
        local key = kind .. channel
        if not by[key] then
          by[key] = { type = kind, channel = math.tointeger(tonumber(channel)), value = part == ""
            and value or {} }
          list[#list + 1] = by[key]
        end
        if part ~= "" then by[key].value[part] = value end
      end
      local bytes, why = lpp.encode(list)
      if not bytes then -- a position of the finer type, which is written as the coarser one
        assert(why:find "gps", why)
        return
      end
      if #bytes == #input then -- else an entry came twice
        compared = compared + 1
        for _, entry in ipairs(list) do
          assert(input:find(lpp.encode { entry }, 1, true), entry.type)
        end
      end
    end)
    assert(compared > COUNT / 1000, compared)
  end)

  it("the downlink form of cayenne_lpp gives values or an error", function()
    each({ "\2\xec\x45\3\0\x64" }, function(input)
      local values, why = lpp.decode_downlink(input)
      assert((values ~= nil) == (#input % 3 == 0))
      if values then for name, value in pairs(values) do check_value(name, value) end
      else check_error(why, "^cayenne_lpp: byte %d+: expected 2 bytes of value_%d+, got [01]$") end
    end)
  end)

  it("base64 reads what it writes, and nothing else", function()
    each({ "AQDiAikEACcFBgYDCA==", "nhhIVgQwACEXcLquC8k=", "y/YLDQN2AQrdf/8=" }, function(input)
      assert(base64.decode(base64.encode(input)) == input)
      local bytes, why = base64.decode(input)
      if bytes then
        assert(base64.encode(bytes) == input)
      else
        check_error(why, "^byte %d+: expected .+, got ")
      end
    end)
  end)

  it("hex reads what it writes, and nothing else", function()
    each({ "0100E202290400270506060308", "9e184856043000211770baae0bc9" }, function(input)
      assert(hex.decode(hex.encode(input)) == input)
      local bytes, why = hex.decode(input)
      if bytes then
        assert(hex.encode(bytes) == input:lower())
      else
        check_error(why, "^byte %d+: expected .+, got ")
      end
    end)
  end)

  it("times are read or refused with a byte", function()
    each({ "2022-07-18T09:34:15.775023242+00:00", "2017-07-05 16:06:52",
      "2019-10-23T12:32:44.546Z" }, function(input)
      local seconds, why = time.parse(input)
      if seconds then
        check_value("seconds", seconds / 100)
      else
        check_error(why, "^byte %d+: expected .+, got ")
      end
    end)
  end)
end)

-- For each network, a message with these bytes as its payload, and a random part of it that is
-- something else.
local messages = {
  things_network_v2 = function(payload, x)
    return { payload_raw = payload, port = 1, counter = x,
      metadata = { time = "2017-07-05T14:06:52Z", gateways = { x }, data_rate = x } }
  end,
  things_stack_v3 = function(payload, x)
    return { end_device_ids = x, uplink_message = { frm_payload = payload, f_port = 1,
      rx_metadata = x, settings = { data_rate = x } } }
  end,
  chirpstack_v4 = function(payload, x) return { data = payload, fPort = 2, deviceInfo = x,
    rxInfo = { { rssi = x } }, txInfo = x } end,
  chirpstack_v3 = function(payload, x) return { data = payload, fPort = x, devEUI = payload,
    rxInfo = { { time = x } }, txInfo = x } end,
  loriot = function(payload, x) return { cmd = "rx", data = payload, EUI = payload, port = 1,
    ts = x, freq = x, dr = payload, gws = x } end,
  actility = function(payload, x) return { DevEUI_uplink = { payload_hex = payload, FPort = "1",
    Time = payload, LrrRSSI = x, SpFact = x } } end,
  live_objects = function(payload, x) return { value = { payload = payload }, timestamp = x,
    metadata = { network = { lora = x } } } end,
  kerlink = function(payload,
    x) return { rx = { moteeui = payload, userdata = { payload = payload, motetx = x },
      gwrx = x } } end,
  slovanet = function(payload, x) return { data = payload, port = x, ts = x, EUI = x, rssi = x,
    snr = x } end,
}

local null = require("cjson").null
local strange = { 1, -1, 7, 1e300, -0.5, "1", "-80.0", "", "x", "0x10", true, false, null, {},
  { {} }, { 1, "a" }, { rssi = 1, snr = {} },
  { time = "2017-07-05 16:06:52", rssi = -33 },
    { lora = { bandwidth = 1e9, spreadingFactor = 12 } }, math.mininteger }

describe("with random payloads and fields", function()
  for name, make in pairs(messages) do
    it("lorawan." .. name .. " gives an uplink, declines, or names the field", function()
      local texts = { "AQDiAikEACcFBgYDCA==", "0100E202290400270506060308", "NzM3RjAwZTgwMA==" }
      local network, uplinks, errors = lorawan[name], 0, 0
      local decode = network(require "tagline.codec.device.elsys")
      each(texts, function(input, i)
        local message = make(input, strange[random(#strange)])
        local up, why = network.uplink(message)
        if up then
          uplinks = uplinks + 1
          assert(type(up.payload) == "string" and (up.port == nil or math.type(up.port)
            == "integer"))
          for field, value in pairs(up) do check_value(field, value) end
        elseif why then
          errors = errors + 1
          check_error(why, "^" .. name .. ": [%w_.%[%]]+: ")
          assert(not why:find "nil" and not why:find "attempt", why)
        end
        if i % 10 == 0 then
          local ok, wrong = pcall(decode, { json = message })
          assert(ok or type(wrong) == "string" and wrong:find("^" .. name .. ": ")
            and not wrong:find "attempt", wrong)
        end
      end)
      assert(uplinks > COUNT / 1000 and errors > COUNT / 1000,
        ("%d uplinks, %d errors"):format(uplinks, errors))
    end)
  end
end)
