--- Times of ISO 8601 as seconds since 1970, UTC.
local found, native = pcall(require, "tagline.bytes") -- in C, where there is the program

local time = {}

--- For specs: true reads in Lua, as what is wrong is always read.
time.slow = false

local days_before = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 }

local function leap(year) return year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0) end

local function days_in(year, month)
  if month == 2 then return leap(year) and 29 or 28 end
  return (month == 4 or month == 6 or month == 9 or month == 11) and 30 or 31
end

local function days_since_1970(year, month, day)
  local y = year - 1
  local days = y * 365 + y // 4 - y // 100 + y // 400 - 719162 + days_before[month] + day - 1
  return month > 2 and leap(year) and days + 1 or days
end

local function expected(at, what, text)
  return nil, ("byte %d: expected %s, got '%s'"):format(at, what, text:sub(1, 40))
end

--- Seconds east of UTC of "Z", "+hh", "+hhmm" or "+hh:mm"; nil when it is none of them.
local function offset_of(zone)
  if zone == "" or zone == "Z" or zone == "z" then return 0 end
  local sign, hours, minutes = zone:match("^([+-])(%d%d):?(%d%d)$")
  if not sign then
    sign, hours = zone:match("^([+-])(%d%d)$")
    minutes = "0"
  end
  hours, minutes = math.tointeger(tonumber(hours)), math.tointeger(tonumber(minutes))
  if not sign or hours > 23 or minutes > 59 then return nil end
  return (hours * 60 + minutes) * (sign == "-" and -60 or 60)
end

--- `2022-07-18T09:34:15.775023242+00:00`: date and time with "T" or a space between them, any
--- number of digits after the second, and an offset; without one it is UTC.
---@param text string
---@return number? seconds
---@return string? err names the byte, counted from 1
function time.parse(text)
  if type(text) ~= "string" then return nil, "expected a time as text, got " .. type(text) end
  local known = found and not time.slow and native.iso8601(text)
  if known then return known end
  local date, separator = text:match("^(%d%d%d%d%-%d%d%-%d%d)([Tt ])")
  if not date then return expected(1, "a time like 2022-07-18T09:34:15Z", text) end
  local clock, rest = text:match("^(%d%d:%d%d:%d%d)(.*)$", #date + #separator + 1)
  if not clock then return expected(12, "hh:mm:ss", text:sub(12)) end
  local year, month, day = tonumber(text:sub(1, 4)), tonumber(text:sub(6, 7)),
    tonumber(text:sub(9, 10))
  local hour, minute, second = tonumber(text:sub(12, 13)), tonumber(text:sub(15, 16)),
    tonumber(text:sub(18, 19))
  if month < 1 or month > 12 then return expected(6, "a month", text:sub(6, 7)) end
  if day < 1 or day > days_in(year, month) then
    return expected(9, "a day of that month", text:sub(9, 10))
  end
  if hour > 23 then return expected(12, "an hour", text:sub(12, 13)) end
  if minute > 59 then return expected(15, "a minute", text:sub(15, 16)) end
  if second > 60 then return expected(18, "a second", text:sub(18, 19)) end
  local fraction, zone = rest:match("^[.,](%d+)(.*)$")
  local offset = offset_of(zone or rest)
  if not offset then
    return expected(#text - #(zone or rest) + 1, "Z or an offset like +02:00", zone or rest)
  end
  local seconds = days_since_1970(year, month, day) * 86400 + hour * 3600 + minute * 60
    + second - offset
  if fraction then return seconds + tonumber("0." .. fraction) end
  return seconds
end

--- `2022-07-18T09:34:15.775Z`, years 1 to 9999.
---@param seconds number
---@return string text
function time.format(seconds)
  if type(seconds) ~= "number" or not (seconds >= -62135596800 and seconds < 253402300800) then
    error("time.format: expected seconds since 1970 in years 1 to 9999, got "
      .. tostring(seconds), 2)
  end
  local ms = math.floor(seconds * 1000 + 0.5)
  local days, rest = ms // 86400000, ms % 86400000
  -- Eras of 400 years that begin on 1 March, so that the leap day is a year's last.
  local shifted = days + 719468
  local era, of_era = shifted // 146097, shifted % 146097
  local year_of_era = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
  local day_of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
  local shifted_month = (5 * day_of_year + 2) // 153
  local day = day_of_year - (153 * shifted_month + 2) // 5 + 1
  local month = shifted_month < 10 and shifted_month + 3 or shifted_month - 9
  local year = era * 400 + year_of_era + (month <= 2 and 1 or 0)
  return ("%04d-%02d-%02dT%02d:%02d:%02d.%03dZ"):format(year, month, day,
    rest // 3600000, rest // 60000 % 60, rest // 1000 % 60, rest % 1000)
end

return time
