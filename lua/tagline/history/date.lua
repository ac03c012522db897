--- os.date of times that begin with the year: ISO 8601 wants four digits of it, and devices without
--- a clock send the year 1.
local FOUR_DIGITS = -30610137600 -- seconds since 1970 of the second day of the year 1000, in UTC

return function(format, seconds)
  local text = os.date(format, seconds)
  if seconds > FOUR_DIGITS then return text end
  return (text:gsub("^%d+", function(year) return ("%04d"):format(year) end))
end
