-- Times of ISO 8601 as networks write them.
local time = require "tagline.codec.time"

describe("time", function()
  for text, seconds in pairs {
    ["1970-01-01T00:00:00Z"] = 0,
    -- nine digits and an offset, as ChirpStack writes it
    ["2022-07-18T09:34:15.775023242+00:00"] = 1658136855.775023242,
    ["2022-07-18T09:34:15.775023242Z"] = 1658136855.775023242,
    ["2022-07-18T11:34:15+02:00"] = 1658136855,
    ["2022-07-18T04:04:15-0530"] = 1658136855,
    ["2022-07-18T11:34:15+02"] = 1658136855,
    -- Kerlink: UTC, without saying so
    ["2017-07-05 16:06:52"] = 1499270812,
    ["2019-10-23T12:32:44.546Z"] = 1571833964.546,
    ["2024-02-29T23:59:60Z"] = 1709251200,
    ["2000-03-01T00:00:00Z"] = 951868800,
    ["1900-03-01T00:00:00Z"] = -2203891200,
    ["0001-01-01T00:00:00Z"] = -62135596800,
  } do
    it("reads " .. text, function() assert.same(seconds, time.parse(text)) end)
  end

  for text, message in pairs {
    [""] = "byte 1: expected a time like 2022-07-18T09:34:15Z, got ''",
    ["2022-07-18"] = "byte 1: expected a time like 2022-07-18T09:34:15Z, got '2022-07-18'",
    ["2022-07-18T9:34:15Z"] = "byte 12: expected hh:mm:ss, got '9:34:15Z'",
    ["2022-13-18T09:34:15Z"] = "byte 6: expected a month, got '13'",
    ["2023-02-29T09:34:15Z"] = "byte 9: expected a day of that month, got '29'",
    ["2022-04-31T09:34:15Z"] = "byte 9: expected a day of that month, got '31'",
    ["2022-07-18T24:34:15Z"] = "byte 12: expected an hour, got '24'",
    ["2022-07-18T09:60:15Z"] = "byte 15: expected a minute, got '60'",
    ["2022-07-18T09:34:61Z"] = "byte 18: expected a second, got '61'",
    ["2022-07-18T09:34:15.Z"] = "byte 20: expected Z or an offset like +02:00, got '.Z'",
    ["2022-07-18T09:34:15.5 CET"] = "byte 22: expected Z or an offset like +02:00, got ' CET'",
    ["2022-07-18T09:34:15+02:99"] = "byte 20: expected Z or an offset like +02:00, got '+02:99'",
  } do
    it("refuses '" .. text .. "'", function() assert.same({ nil, message },
      { time.parse(text) }) end)
  end

  it("refuses what is no text",
    function() assert.same({ nil, "expected a time as text, got table" }, { time.parse {} }) end)

  it("writes milliseconds in UTC", function()
    assert.same("2022-07-18T09:34:15.775Z", time.format(1658136855.7750232))
    assert.same("1969-12-31T23:59:59.999Z", time.format(-0.001))
    assert.same("2024-02-29T00:00:00.000Z", time.format(1709164800))
    assert.error_matches(function() time.format(1e15) end,
      "expected seconds since 1970 in years 1 to 9999")
    assert.error_matches(function() time.format(0 / 0) end, "expected seconds")
  end)

  it("reads what it writes, on each day of 800 years", function()
    for day = -146097, 146097 do
      local seconds = day * 86400 + day * 7919 % 86400
      local text = time.format(seconds)
      if time.parse(text) ~= seconds then
        error(text .. " came back as " .. tostring(time.parse(text)))
      end
    end
  end)
end)
