-- All device decoders: their examples, which hold the published vectors, and what they do with
-- payloads that are cut off.
local hex = require "tagline.codec.hex"
local kit = require "tagline.codec.kit"
local support = require "spec.codec.support"

local temp = require "tagline.codec.device.adeunis_temp"
local elsys = require "tagline.codec.device.elsys"
local ftd = require "tagline.codec.device.adeunis_ftd"
local lht52 = require "tagline.codec.device.dragino_lht52"
local lht65 = require "tagline.codec.device.dragino_lht65"
local milesight = require "tagline.codec.device.milesight"

local function bytes(digits) return assert(hex.decode(digits)) end

-- Numbers nearly equal: what is published is rounded.
local function near(expected, got, where)
  if type(expected) == "table" then
    assert(type(got) == "table", where .. ": expected a table, got " .. tostring(got))
    for key, value in pairs(expected) do near(value, got[key], where .. "." .. key) end
    for key in pairs(got) do
      assert(expected[key] ~= nil, where .. ": did not expect " .. key)
    end
  elseif type(expected) == "number" then
    assert(type(got) == "number" and math.abs(expected - got) < 1e-9,
      ("%s: expected %s, got %s"):format(where, expected, got))
  else
    assert(expected == got, ("%s: expected %s, got %s"):format(where, expected, got))
  end
end

local function declined(...) assert.same({ n = 2 }, { n = 2, ... }) end

-- The values of a result by name, whether it is a table or a list of samples.
local function each_value(values, visit)
  if values[1] == nil then values = { { values = values } } end
  for _, sample in ipairs(values) do
    for name, value in pairs(sample.values) do visit(name, value) end
  end
end

local function is_field(device, name)
  name = name:gsub("^externalTemperature2_%d+$", "externalTemperature2"):gsub("^grideye_%d+$",
    "grideye_N")
  name = name:gsub("^%a+_offset$", "NAME_offset")
  for _, field in ipairs(device.fields) do
    if name == field.name or name:gsub("_%d+", "_N", 1) == field.name then return true end
  end
  return false
end

for _, device in ipairs(support.devices()) do
  describe("device " .. device.name, function()
    for _, example in ipairs(device.examples) do
      it("reads " .. example.description, function()
        local values, time = device.decode_bytes(bytes(example.input), example.port)
        near(example.output, values, "values")
        assert.same(example.time, time)
        -- it may be unknown: then it is the one for values
        if example.port == device.examples[1].port then
          assert.same(values, (device.decode_bytes(bytes(example.input))))
        end
      end)

      it("reads " .. example.description .. " part by part with the same values", function()
        local input = bytes(example.input)
        local list = { input }
        for at = 1, #input do
          list[#list + 1] = input:sub(1, at - 1)
          for _, byte in ipairs { 0, 127, 255, input:byte(at) ~ 1 } do
            list[#list + 1] = input:sub(1, at - 1) .. string.char(byte) .. input:sub(at + 1)
          end
        end
        for _, text in ipairs(list) do
          local fast = { device.decode_bytes(text, example.port) }
          kit.slow = true
          local slow = { device.decode_bytes(text, example.port) }
          kit.slow = false
          assert.same(slow, fast)
        end
      end)

      it("lists the fields of " .. example.description, function()
        each_value(example.output, function(name) assert(is_field(device, name),
          name .. " is not among the fields") end)
      end)

      it("never makes other values of a part of " .. example.description, function()
        local whole, input = {}, bytes(example.input)
        each_value(example.output, function(name, value) whole[name] = whole[name]
          or {} table.insert(whole[name], value) end)
        for length = 1, #input - 1 do
          local values, why = device.decode_bytes(input:sub(1, length), example.port)
          if values == nil and why == nil then
            -- a frame of periods of another length is of another version
            assert(device == temp or device == temp.v2)
          elseif values == nil then
            assert.matches("^" .. device.name:gsub("%p", "%%%0")
              .. ": byte %d+: expected .*, got", why)
          elseif device ~= ftd then -- its entries stand for themselves
            each_value(values, function(name, value)
              local known = false
              for _, one in ipairs(whole[name] or {}) do
                known = known or pcall(near, one, value, name)
              end
              assert(known, ("%s = %s of %d bytes"):format(name, tostring(value), length))
            end)
          end
        end
      end)
    end

    it("declines an empty payload", function()
      declined(device.decode_bytes "")
      assert.is_nil(device.decode { payload = "" })
    end)

    it("refuses more bytes than a frame can have", function()
      assert.same({ nil, device.name .. ": byte 256: expected at most 255 bytes, got 300" },
        { device.decode_bytes(("\0"):rep(300)) })
    end)

    it("raises when it is not given a string", function()
      assert.error_matches(function() device.decode_bytes(nil) end,
        "decode_bytes: expected a string, got nil")
    end)

    it("is a decode", function()
      local example = device.examples[1]
      local values, time = device.decode { payload = bytes(example.input) }
      near(example.output, values, "values")
      assert.same(example.time, time)
    end)
  end)
end

local function refuses(device, digits, message, port)
  it("refuses " .. digits .. (port and " on port " .. port or ""), function()
    assert.same({ nil, message }, { device.decode_bytes(bytes(digits), port) })
    if not port then
      assert.error_matches(function() device.decode { payload = bytes(digits) } end, message,
        1,
        true)
    end
  end)
end

-- What came before something unknown counts, and what that was is told.
local function stops(device, digits, values, note, port)
  it("stops at what it does not know in " .. digits, function()
    local got, _, why = device.decode_bytes(bytes(digits), port)
    near(values, got, "values")
    assert.equal(note .. "; what is behind it was not read", why)
  end)
end

describe("device elsys", function()
  refuses(elsys, "0100E20229040027050603", "elsys: byte 12: expected 1 byte of x, got 0")
  refuses(elsys, "0229" .. "01E2", "elsys: byte 4: expected 2 bytes of temperature, got 1")
  refuses(elsys, "3C0229", "elsys: byte 1: expected a type of the ERS family, got 0x3C")
  stops(elsys, "02293C04", { humidity = 41 },
    "elsys: byte 3: expected a type of the ERS family, got 0x3C")
  refuses(elsys, "02294100E2", "elsys: byte 6: expected 1 byte of a time offset, got 0")
  refuses(elsys, "1310" .. ("05"):rep(63),
    "elsys: byte 3: expected 64 bytes of grideye, got 63")
  refuses(elsys, "13", "elsys: byte 2: expected 1 byte of the reference of grideye, got 0")

  for digits, values in pairs {
    ["018000"] = { temperature = -3276.8 }, ["03C13F00"] = { x = -63, y = 63, z = 0 },
      ["080CE4"] = { analog1 = 3300 },
    ["09010000020000"] = { lat = 65536, long = 131072 }, ["0A0102"] = { pulse1 = 258 },
      ["0BFFFFFFFF"] = { pulseAbs = 4294967295 },
    ["0CFF9C"] = { externalTemperature = -10 }, ["0D01"] = { digital = 1 },
      ["0E1388"] = { distance = 5000 }, ["0F07"] = { accMotion = 7 },
    ["1000C8FF9C"] = { irInternalTemperature = 20, irExternalTemperature = -10 },
      ["1102"] = { occupancy = 2 },
    ["12FF"] = { waterleak = 255 }, ["14000F7A1A"] = { pressure = 1014.298 },
      ["153C28"] = { soundPeak = 60, soundAvg = 40 },
    ["16FFFF"] = { pulse2 = 65535 }, ["1780000000"] = { pulseAbs2 = 2147483648 },
      ["180001"] = { analog2 = 1 }, ["1A00"] = { digital2 = 0 },
    ["8100FA012C42290501" .. "00E6"] = { temperature = 23, humidity = 41,
      humidity_offset = 5 },
    ["C100FA010203" .. "4100E601"] = { temperature = 25, temperature_offset = 66051 },
    ["1BFFFFFFFF"] = { analogUv = -1 }, ["1C01F4"] = { tvoc = 500 }, ["3D01020304"] = {},
  } do
    it("reads " .. digits, function() near(values, elsys.decode_bytes(bytes(digits)),
      "values") end)
  end

  it("reads a picture", function()
    local values = elsys.decode_bytes(bytes("1314" .. ("05"):rep(63) .. "FF"))
    assert.same({ 20.5, 20.5, 45.5 },
      { values.grideye_1, values.grideye_63, values.grideye_64 })
  end)
  it("declines the device's settings",
    function() declined(elsys.decode_bytes("\x3E\1\2", 6)) end)
end)

describe("device dragino_lht65", function()
  refuses(lht65, "CBF60B0D0376010ADD7FFF", "dragino_lht65: expected port 2, 3 or 5, got 4", 4)
  refuses(lht65, "CBF60B0D0376010ADD7F",
    "dragino_lht65: byte 11: expected 11 bytes in all, got 10")
  refuses(lht65, "CBF60B0D0376010ADD7FFF00",
    "dragino_lht65: byte 12: expected the end after 11 bytes, got 1 more")
  stops(lht65, "CBF60B0D0376030ADD7FFF",
    { BatV = 3.062, Bat_status = 3, Ext = 3, Hum_SHT = 88.6, No_connect = false,
      TempC_SHT = 28.29 },
    "dragino_lht65: byte 7: expected a known external sensor, got 3")
  refuses(lht65, "CBF60B0D0376010ADD7FFF",
    "dragino_lht65: byte 7: expected stored values (bit 0x40), got others", 3)
  refuses(lht65, "7FFF089801464160065F977FFF08",
    "dragino_lht65: byte 12: expected 11 bytes of a stored value, got 3")
  refuses(lht65, "7FFF089801464160065F977FFF088E014B0160066009",
    "dragino_lht65: byte 18: expected a stored value (bit 0x40), got 0x01")
  stops(lht65, "7FFF089801464360065F97",
    { { time = 1611030423, values = { TempC_SHT = 22, Hum_SHT = 32.6, Ext = 3,
      No_connect = false } } },
    "dragino_lht65: byte 7: expected a known external sensor, got 3")
  it("takes the high bit for a missing probe, and the LHT65N for values that it sends again",
    function()
    local again = bytes "0ADD089801468160065F97"
    assert.is_true(lht65.decode_bytes(again).No_connect)
    assert.equal(1611030423, lht65.n.decode_bytes(again)[1].time)
  end)
  it("tells a list on port 3 from stored values by their mark and time", function()
    assert.equal(3.062, lht65.decode_bytes(bytes "0BF6010ADD0A5E0BB8FF9C", 3).BatV)
    assert.equal(1611030423, lht65.decode_bytes(bytes "7FFF029801464160065F97", 3)[1].time)
  end)

  for digits, values in pairs {
    ["CBF6FF9C0376007FFF7FFF"] = { Ext = 0, TempC_SHT = -1 },
    ["CBF60B0D03760401007FFF"] = { Exti_pin_level = true, Exti_status = false },
    ["CBF60B0D03760501F47FFF"] = { ILL_lx = 500 },
      ["CBF60B0D0376060CE47FFF"] = { ADC_V = 3.3 },
    ["CBF60B0D037607FFFF7FFF"] = { Exit_count = 65535 },
      ["CBF60B0D037608FFFFFFFF"] = { Exit_count = 4294967295 },
    ["CBF60B0D0376020ADD7FFF"] = { TempC_TMP117 = 27.81 },
      ["CBF60B0D03760BFF9C0220"] = { Ext_TempC_SHT = -1, Ext_Hum_SHT = 54.4 },
    ["CBF60B0D0376810ADD7FFF"] = { No_connect = true,
      TempC_DS = { value = 27.81, status = "invalid" } },
    ["CBF62861640A0F0BC1D2E3"] = { ID = "2861640a0bc1d2e3" },
  } do
    it("reads " .. digits, function()
      local got = lht65.decode_bytes(bytes(digits), 2)
      for name, value in pairs(values) do near(value, got[name], name) end
      assert.same(3, got.Bat_status)
    end)
  end
  it("gives no temperature in place of a probe's id", function()
    assert.is_nil(lht65.decode_bytes(bytes "CBF62861640A0F0BC1D2E3", 2).TempC_SHT)
  end)
  it("declines the zeros of a device without stored values", function()
    declined(lht65.decode_bytes(("\0"):rep(11), 2))
    declined(lht65.decode_bytes(("\0"):rep(22), 3))
  end)
  it("reads the whole datalog of the manual", function()
    local samples =
      lht65.decode_bytes(
        bytes(
          "7FFF089801464160065F977FFF088E014B41600660097FFF0885014E41600660667FFF0875015141600662BE"
      .. "7FFF086B015541600665167FFF08660155416006676E7FFF085F015A41600669C67FFF0857015D416006"
      .. "6C1E"), 2)
    assert.equal(8, #samples)
    near({ 22.0, 21.9, 21.81, 21.65, 21.55, 21.5, 21.43, 21.35 },
      { samples[1].values.TempC_SHT, samples[2].values.TempC_SHT,
      samples[3].values.TempC_SHT, samples[4].values.TempC_SHT, samples[5].values.TempC_SHT,
        samples[6].values.TempC_SHT,
      samples[7].values.TempC_SHT, samples[8].values.TempC_SHT }, "TempC_SHT")
    near(34.9, samples[8].values.Hum_SHT, "Hum_SHT")
    assert.equal(1611033630, samples[8].time) -- 21/1/19 05:20:30
  end)
  for digits, values in pairs {
    ["01000B0D0376446006600900"] = { Exti_pin_level = true, Exti_status = false },
    ["01F40B0D0376456006600900"] = { ILL_lx = 500 },
      ["0CE40B0D0376466006600900"] = { ADC_V = 3.3 },
    ["FFFF0B0D0376476006600900"] = { Exit_count = 65535 },
      ["0ADD0B0D0376496006600900"] = { TempC_DS = 27.81 },
    ["0ADD0B0D03764B6006600900"] = { Ext_TempC_SHT = 27.81 },
  } do
    it("reads stored " .. digits, function()
      local sample = lht65.decode_bytes(bytes(digits:sub(1, 22)), 2)[1]
      for name, value in pairs(values) do near(value, sample.values[name], name) end
      near(28.29, sample.values.TempC_SHT, "TempC_SHT")
    end)
  end
  it("gives no half of a count", function()
    assert.is_nil(lht65.decode_bytes(bytes "FFFF0B0D03764860066009", 2)[1].values.Exit_count)
  end)
end)

describe("device dragino_lht52", function()
  refuses(lht52, "08CD02207FFF0161CD4EDD", "dragino_lht52: expected port 2 to 5, got 6", 6)
  refuses(lht52, "08CD02207FFF0161CD4EDD08",
    "dragino_lht52: byte 12: expected 11 bytes of a stored value, got 1", 3)
  refuses(lht52, "08CD02207FFF0161CD4E",
    "dragino_lht52: byte 11: expected 11 bytes in all, got 10")
  refuses(lht52, "0B8801002500", "dragino_lht52: byte 7: expected 7 bytes in all, got 6", 5)
  refuses(lht52, "0B8801002500", "dragino_lht52: byte 7: expected 8 bytes in all, got 6", 4)
end)

describe("device dragino_lht52's datalog", function()
  it("is declined when it is empty",
    function() declined(lht52.decode_bytes(("\0"):rep(11), 3)) end)
end)

describe("device milesight", function()
  refuses(milesight.am107, "01755C0367",
    "milesight.am107: byte 6: expected 2 bytes of temperature, got 0")
  refuses(milesight.am107, "01755C03",
    "milesight.am107: byte 5: expected 1 byte of type, got 0")
  stops(milesight.am107, "01755C050001", { battery = 92 },
    "milesight.am107: byte 4: expected a channel and type of this model, got 0x05 0x00")
  refuses(milesight.am107, "20CE9E74466310015D00",
    "milesight.am107: byte 1: expected a channel and type of this model, got 0x20 0xCE")
  refuses(milesight.am319, "0367EE00FE0301",
    "milesight.am319: byte 7: expected 2 bytes of answer 0x03, got 1")
  stops(milesight.am319, "0367EE00FE7701", { temperature = 23.8 },
    "milesight.am319: byte 5: expected a channel and type of this model, got 0xFE 0x77")
  it("makes a field invalid whose byte can be none of it, and no other", function()
    assert.same({ battery = 92, magnet_status = { value = 2, status = "invalid" } },
      milesight.em300_mcs.decode_bytes(bytes "06000201755C"))
    assert.same({ { time = 1665561758, values = { temperature = 27.2, humidity = 46.5 } } },
      milesight.em300_di.decode_bytes(bytes "20CE9E74466310015D030000010000"))
    local values = milesight.em300_di.decode_bytes(bytes "05E10A000A000000C07F01755C")
    near({ battery = 92, water_conv = 1, pulse_conv = 1, water = { status = "invalid" } },
      values,
      "values")
  end)
  it("reads answers to downlinks beside measurements", function()
    assert.same({ temperature = 23.8, humidity = 62, report_interval = 60 },
      milesight.am319_hcho.decode_bytes(
        bytes "0367EE00FE033C00FF1A026400FF1A0004687CFFEB01FFF001020304"))
    assert.same({ battery = 92, report_interval = 600 },
      milesight.am107.decode_bytes(bytes "FF03580201755CFF1000"))
  end)
  refuses(milesight.em300, "20CE9E744663",
    "milesight.em300: byte 7: expected 2 bytes of temperature, got 0")
  refuses(milesight.em300, "FF166136",
    "milesight.em300: byte 3: expected 8 bytes of attribute 0x16, got 2")

  it("reads little-endian", function()
    assert.same({ temperature = -0.1 }, milesight.em300.decode_bytes "\x03\x67\xff\xff")
  end)
  it("takes what a device tells after joining", function()
    assert.same({ serial_number = "6136c40091605408" },
      milesight.em300.decode_bytes(
        bytes "FF0BFFFF0101FF166136C40091605408FF090300FF0A0101FF0F00"))
  end)
  refuses(milesight.em300_di, "20CE9E74466310015D0200000100",
    "milesight.em300_di: byte 12: expected 4 bytes of pulse, got 3")
  refuses(milesight.em300_mld, "0367F6FF",
    "milesight.em300_mld: byte 1: expected a channel and type of this model, got 0x03 0x67")

  it("reads a level and its alarm", function()
    assert.same({ gpio = true, gpio_alarm = false },
      milesight.em300_di.decode_bytes "\x85\0\1\0")
    assert.same({ gpio = false }, milesight.em300_di.decode_bytes "\5\0\0")
  end)
  it("leaves out what a stored level has in place of water", function()
    local samples = milesight.em300_di.decode_bytes(
      bytes "21CEDFF40B6510015D0501010A000A000000C07F")
    assert.same(
      { { time = 1695282399, values = { temperature = 27.2, humidity = 46.5, water_alarm = 5,
        gpio = true } } }, samples)
  end)
  it("tells the AM319's two kinds of tvoc apart", function()
    assert.same({ tvoc = 0.37 }, milesight.am319.decode_bytes "\x08\x7d\x25\0")
    assert.same({ tvoc_density = 37 }, milesight.am319.decode_bytes "\x08\xe6\x25\0")
  end)
  it("takes the serial number of older devices", function()
    assert.same({ serial_number = "6410b0000001" },
      milesight.am107.decode_bytes(bytes "FF086410B0000001"))
  end)
  it("reads a stored set of the AM319, but for its last sensor", function()
    local values = milesight.am319.decode_bytes(
      bytes "20CE9E744663EE007C000102A80325006627200030000400")
    assert.same(
      { { time = 1665561758, values = { temperature = 23.8, humidity = 62, pir = true,
        light_level = 2, co2 = 936, tvoc = 0.37,
      pressure = 1008.6, pm2_5 = 32, pm10 = 48 } } }, values)
  end)
end)

describe("device adeunis_ftd", function()
  refuses(ftd, "9e184856043000211770baae0b",
    "adeunis_ftd: byte 14: expected 14 bytes in all, got 13")
  refuses(ftd, "9e184856043000211770baae0bc90000",
    "adeunis_ftd: byte 15: expected the end after 14 bytes, got 2 more")
  it("makes a position invalid that can be none, and nothing else", function()
    local values = ftd.decode_bytes(bytes "9e1848a6043000211770baae0bc9")
    assert.same({ status = "invalid" }, values.GpsLatitude)
    near(2.1961666666667, values.GpsLongitude, "GpsLongitude")
    assert.same({ 24, 3017 }, { values.Temperature, values.BatteryLevel })
    assert.equal("invalid",
      ftd.decode_bytes(bytes "9e184860043000211770baae0bc9").GpsLatitude.status)
    assert.equal("invalid",
      ftd.decode_bytes(bytes "9e184856043018100010baae0bc9").GpsLongitude.status)
  end)
  it("reads flags alone", function()
    assert.same({ Status = 0x40, TriggerAccelerometer = true, TriggerButton = false },
      ftd.decode_bytes "\x40")
  end)
end)

describe("device adeunis_temp", function()
  refuses(temp, "57", "adeunis_temp: byte 2: expected 1 byte of status, got 0")
  refuses(temp, "5780",
    "adeunis_temp: byte 3: expected whole sets of 1 temperature, got 0 bytes")
  refuses(temp, "579001B3FF9C01F4",
    "adeunis_temp: byte 3: expected whole sets of 2 temperatures, got 6 bytes")
  refuses(temp, "578401B3", "adeunis_temp: byte 3: expected 4 bytes of timestamp, got 2")
  refuses(temp, "30F201B3", "adeunis_temp: byte 3: expected 4 bytes of temperatures, got 2")
  it("makes an alarm invalid that is none", function()
    assert.same({ counter = 0, low_battery = false, configuration_problem = false,
      temperature_1 = 26.4,
      alarm_1 = { value = 3, status = "invalid" } }, temp.decode_bytes(bytes "5800030108"))
  end)
  refuses(temp, "43A2D1015E82FF", "adeunis_temp: byte 8: expected 8 bytes in all, got 7")
  refuses(temp, "99A2",
    "adeunis_temp: byte 1: expected a frame of the TEMP such as 0x57, got 0x99")

  it("declines frames of settings", function()
    declined(temp.decode_bytes(bytes "2010010001"))
    declined(temp.decode_bytes(bytes "101021C0000100010708")) -- of another version
  end)
  refuses(temp, "3620", "adeunis_temp: byte 3: expected 3 bytes in all, got 2")
  refuses(temp, "37420400010201", "adeunis_temp: byte 8: expected 8 bytes in all, got 7")
  it("reads the keep alive of version 2", function()
    for _, device in ipairs { temp, temp.v2 } do
      assert.same({ counter = 5, low_battery = true, temperature_1 = 35,
        temperature_2 = { value = -3276.8, status = "invalid" } },
        device.decode_bytes(bytes "30A2D1015E828000"))
    end
  end)
  it("marks a missing sensor of version 2", function()
    assert.same({ value = -25, status = "invalid" },
      temp.decode_bytes(bytes "43A2D1015E80FF06").temperature_2)
  end)
  it("dates what the device recorded before, when it knows how far apart", function()
    local every = temp.every(600)
    local input = bytes "579601B3FF9C01F4FFFF14ABA3E9"
    local samples, time = every.decode_bytes(input)
    assert.same(1703791337, time)
    assert.same({ { age = 600, values = { temperature_1 = 50, temperature_2 = -0.1 } },
      { values = { counter = 4, low_battery = true, configuration_problem = false,
        temperature_1 = 43.5, temperature_2 = -10 } } }, samples)
    samples, time = every.decode { payload = input }
    assert.same({ 1703790737, 1703791337 }, { samples[1].time, time })
    -- without a timestamp: since it arrived
    samples = every.decode { payload = bytes "578001B301B4", time = 10000 }
    assert.same({ { time = 9400, values = { temperature_1 = 43.6 } } }, { samples[1] })
    assert.same(43.5, every.decode_bytes(bytes "578001B3").temperature_1)
    assert.error_matches(function() temp.every(0) end,
      "adeunis_temp.every: expected seconds above 0, got 0")
  end)
end)

describe("a device's decode", function()
  it("gives a station only what it has tags for that have no address", function()
    local station = support.station({ "temperature", "other" }, { "humidity" })
    assert.same({ temperature = 22.6 }, elsys.decode { payload = bytes "0100E202290400270506",
      station = station })
    local samples = milesight.em300.decode { payload = bytes "0367F6FF20CE9E74466310015D00",
      station = station }
    assert.same({ { time = 1665561758, values = { temperature = 27.2 } },
      { values = { temperature = -1 } } }, samples)
  end)
  it("declines what the device declines",
    function() assert.is_nil(elsys.decode { payload = "\x3E\1" }) end)
end)
