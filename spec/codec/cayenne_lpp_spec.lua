-- Cayenne LPP: every type both ways, the published frame, and the form of downlinks.
local base64 = require "tagline.codec.base64"
local hex = require "tagline.codec.hex"
local lpp = require "tagline.codec.cayenne_lpp"

local function decode(digits) return lpp.decode_bytes((hex.decode(digits))) end

describe("cayenne_lpp", function()
  local example = lpp.examples[1]

  it("reads the published frame from base64", function()
    local bytes = base64.decode "AQD/AgFkAwIVSgQD6rYFZQH0BmYyB2f/ZAhoYwlx/lgADwaCCnMp7wuGAWMC\z
      Mf5mDIgH/YcAvvUACGo="
    assert.same(example.output, lpp.decode_bytes(bytes))
    assert.same(example.input, hex.encode(bytes))
  end)

  -- Each type with its extremes.
  for digits, values in pairs {
    ["0000ff"] = { digital_in_0 = 255 }, ["ff0100"] = { digital_out_255 = 0 },
    ["01027fff"] = { analog_in_1 = 327.67 }, ["01038000"] = { analog_out_1 = -327.68 },
    ["0164ffffffff"] = { generic_1 = 4294967295 }, ["0165ffff"] = { luminosity_1 = 65535 },
      ["016601"] = { presence_1 = 1 },
    ["01678000"] = { temperature_1 = -3276.8 }, ["0168c8"] = { relative_humidity_1 = 100 },
    ["017180007fffffff"] = { accelerometer_1_x = -32.768, accelerometer_1_y = 32.767,
      accelerometer_1_z = -0.001 },
    ["0173ffff"] = { barometric_pressure_1 = 6553.5 }, ["01745a00"] = { voltage_1 = 230.4 },
      ["0175ffff"] = { current_1 = 65.535 },
    ["017680000000"] = { frequency_1 = 2147483648 }, ["017864"] = { percentage_1 = 100 },
      ["0179ff38"] = { altitude_1 = -200 },
    ["017d0190"] = { concentration_1 = 400 }, ["01808000"] = { power_1 = 32768 },
      ["0182000004d2"] = { distance_1 = 1.234 },
    ["0183ffffffff"] = { energy_1 = 4294967.295 }, ["0184010e"] = { direction_1 = 270 },
      ["0184ffff"] = { direction_1 = 65535 },
    ["018562d52817"] = { unixtime_1 = 1658136599 }, ["0185ffffffff"] = { unixtime_1 = 4294967295 },
    ["0186800000007fff"] = { gyrometer_1_x = -327.68, gyrometer_1_y = 0, gyrometer_1_z = 327.67 },
    ["0187ff8000"] = { colour_1_red = 255, colour_1_green = 128, colour_1_blue = 0 },
    ["0188f2960a0000017fffff"] = { gps_1_latitude = -87.9094, gps_1_longitude = 0.0001,
      gps_1_altitude = 83886.07 },
    ["018e01"] = { switch_1 = 1 },
    -- By the reference encoder's layout: a size that counts itself, step, first point, steps of
    -- latitude below those of longitude.
    ["01f009e301fbd101d4c111"] = { polyline_1 = "[[13.0001,12.0001],[13.0002,12.0002]]" },
    ["02f0080107664901c14e"] = { polyline_2 = "[[48.4937,11.5022]]" },
    ["01f00ae6ffff9c0000c8f172"] =
      { polyline_1 = "[[-0.1000,0.2000],[-0.0990,0.1990],[-0.0970,0.2060]]" },
  } do
    it("reads " .. digits, function() assert.same(values, decode(digits)) end)
  end

  for digits, message in pairs {
    ["01"] = "cayenne_lpp: byte 2: expected 1 byte of type, got 0",
    ["0167"] = "cayenne_lpp: byte 3: expected 2 bytes of temperature_1, got 0",
    ["000001026700"] = "cayenne_lpp: byte 6: expected 2 bytes of temperature_2, got 1",
    ["0188000000000000"] = "cayenne_lpp: byte 9: expected 3 bytes of gps_1_altitude, got 0",
    ["01f007"] = "cayenne_lpp: byte 3: expected at least 8 bytes of polyline_1, got 7",
    ["01f009e301fbd101d4c1"] = "cayenne_lpp: byte 4: expected 8 bytes of polyline_1, got 7",
    ["01f008c801fbd101d4c1"] =
      "cayenne_lpp: byte 4: expected a step of a polyline (1 to 199, 227 to 239) for \z
        polyline_1, got 200",
    ["0004"] = "cayenne_lpp: byte 2: expected a type of Cayenne LPP, got 4",
  } do
    it("refuses " .. digits, function() assert.same({ nil, message }, { decode(digits) }) end)
  end

  it("writes what it reads", function()
    local list = {
      { channel = 1, type = "digital_in", value = 255 },
        { channel = 2, type = "digital_out", value = 100 },
      { channel = 3, type = "analog_in", value = 54.5 },
        { channel = 4, type = "analog_out", value = -54.5 },
      { channel = 5, type = "luminosity", value = 500 }, { channel = 6, type = 102, value = 50 },
      { channel = 7, type = "temperature", value = -15.6 },
        { channel = 8, type = "relative_humidity", value = 49.5 },
      { channel = 9, type = "accelerometer", value = { x = -0.424, y = 0.015, z = 1.666 } },
      { channel = 10, type = "barometric_pressure", value = 1073.5 },
      { channel = 11, type = "gyrometer", value = { x = 3.55, y = 5.61, z = -4.1 } },
      { channel = 12, type = "gps", value = { latitude = 52.3655, longitude = 4.8885,
        altitude = 21.54 } },
    }
    assert.same(example.input, hex.encode(lpp.encode(list)))
    assert.same("018e01", hex.encode(lpp.encode { { channel = 1, type = "switch", value = true } }))
    assert.same("", lpp.encode {})
    assert.same("01f009e301fbd101d4c111", hex.encode(lpp.encode { { channel = 1, type = "polyline",
      value = { { 13.0001, 12.0001 }, { 13.0002, 12.0002 }, step = 227 } } }))
    assert.same("01f00a0afff0600000009979", hex.encode(lpp.encode { { channel = 1, type = 240,
      value = { { -4, 0 }, { -4.007, -0.007 }, { -4.014, 0 }, step = 10 } } }))
  end)

  for what, case in pairs {
    ["a value beyond the type"] = { { channel = 1, type = "temperature", value = 3276.75 },
      "entry 1: temperature: expected -3276.8 to 3276.7, got 3276.75" },
    ["a negative unsigned value"] = { { channel = 1, type = "voltage", value = -1 },
      "entry 1: voltage: expected 0.0 to 655.35, got -1" },
    ["no number"] = { { channel = 1, type = "voltage", value = "x" },
      "entry 1: voltage: expected a number, got x" },
    ["not a number"] = { { channel = 1, type = "voltage", value = 0 / 0 },
      "entry 1: voltage: expected a number, got " },
    ["a missing part"] = { { channel = 1, type = "gps", value = { latitude = 1, longitude = 2 } },
      "entry 1: gps_altitude: expected a number, got nil" },
    ["an unknown type"] = { { channel = 1, type = "warmth", value = 1 },
      "entry 1: expected a type of Cayenne LPP, got warmth" },
    ["no type"] = { { channel = 1, value = 1 },
      "entry 1: expected a type of Cayenne LPP, got nil" },
    ["a wrong channel"] = { { channel = 256, type = "voltage", value = 1 },
      "entry 1: expected a channel from 0 to 255, got 256" },
    ["a polyline of nothing"] = { { channel = 1, type = "polyline", value = {} },
      "entry 1: polyline: expected a list of points" },
    ["a polyline with a leap"] =
      { { channel = 1, type = "polyline", value = { { 1, 1 }, { 1, 1.0008 } } },
      "entry 1: polyline: point 2: expected at most 7 steps from the point before" },
    ["a polyline off the map"] = { { channel = 1, type = "polyline", value = { { 90.1, 1 } } },
      "entry 1: polyline: point 1: expected degrees from -90 to 90, got 90.1" },
    ["a polyline of an unknown step"] =
      { { channel = 1, type = "polyline", value = { { 1, 1 }, step = 0 } },
      "entry 1: polyline: expected a step from 1 to 199 or 227 to 239, got 0" },
    ["no entry"] = { 7, "entry 1: expected a channel from 0 to 255, got 7" },
  } do
    it("does not write " .. what, function()
      local bytes, why = lpp.encode { case[1] }
      assert.is_nil(bytes)
      assert.same(case[2], why:sub(1, #case[2]))
    end)
  end

  it("does not write what is no list", function()
    assert.same({ nil, "expected a list of entries, got string" }, { lpp.encode "x" })
  end)

  describe("downlink", function()
    it("has no types", function()
      assert.same("02ec45", hex.encode(lpp.encode_downlink { { channel = 2, value = -50.51 } }))
      assert.same({ value_2 = -50.51, value_3 = 1 }, lpp.decode_downlink "\2\xec\x45\3\0\x64")
    end)
    it("names the byte where it ends too early", function()
      assert.same({ nil, "cayenne_lpp: byte 2: expected 2 bytes of value_2, got 1" },
        { lpp.decode_downlink "\2\xec" })
    end)
    it("refuses a value beyond its range", function()
      assert.same({ nil, "entry 2: expected -327.68 to 327.67, got 400" },
        { lpp.encode_downlink { { channel = 1, value = 0 }, { channel = 2, value = 400 } } })
    end)
  end)
end)
