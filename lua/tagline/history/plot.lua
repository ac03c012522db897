--- A curve as text: each column shows the lowest and the highest value of its time, so that no
--- peak is lost; gaps stand where there was no valid value. Knows no history.
local date = require "tagline.history.date"

local plot = {}

local BRAILLE = { { 0x01, 0x08 }, { 0x02, 0x10 }, { 0x04, 0x20 }, { 0x40, 0x80 } }

local function number(x)
  if x == math.floor(x) and math.abs(x) < 1e15 then return ("%d"):format(x) end
  return ("%.4g"):format(x)
end

local function is_number(row)
  local value = row.value
  if row.status ~= "valid" then return nil end
  if value == true then return 1 elseif value == false then return 0 end
  return type(value) == "number" and value == value and value or nil
end

--- Lowest and highest value of each of n columns; a value holds until the next row.
local function columns(rows, from, to, n)
  local low, high, width = {}, {}, (to - from) / n
  local function mark(first, last, value)
    for c = math.max(1, first), math.min(n, last) do
      if not low[c] or value < low[c] then low[c] = value end
      if not high[c] or value > high[c] then high[c] = value end
    end
  end
  for i, row in ipairs(rows) do
    local value = is_number(row)
    local until_ = rows[i + 1] and rows[i + 1].time or to
    if value and until_ > from and row.time < to then
      local first = math.floor((math.max(row.time, from) - from) / width) + 1
      local last = math.ceil((math.min(until_, to) - from) / width)
      mark(first, math.max(first, last), value)
    end
  end
  return low, high
end

local function extent(low, high, n)
  local min, max
  for c = 1, n do
    if low[c] and (not min or low[c] < min) then min = low[c] end
    if high[c] and (not max or high[c] > max) then max = high[c] end
  end
  return min, max
end

--- What stands beside the curve and below it: numbers, or times.
local function words_of(is_time)
  if not is_time then return number, number end
  local function of(format)
    return function(seconds) return date(format, math.floor(seconds)) end
  end
  return of "!%H:%M:%S", of "!%Y-%m-%dT%H:%M:%SZ"
end

local function clock(seconds, span)
  return os.date(span > 2 * 86400 and "!%d %b %H:%M" or span > 600 and "!%H:%M" or "!%H:%M:%S",
    math.floor(seconds))
end

--- A grid of dots: dots[y][x], y from the top.
local function dots_of(low, high, n, height, min, max)
  local dots = {}
  for y = 1, height do dots[y] = {} end
  local scale = max > min and (height - 1) / (max - min) or 0
  local function y_of(value) return height - math.floor((value - min) * scale + 0.5) end
  local before
  for x = 1, n do
    if low[x] then
      local top, bottom = y_of(high[x]), y_of(low[x])
      -- A step joins what stands beside it.
      if before and before < top then top = before + 1 end
      if before and before > bottom then bottom = before - 1 end
      if top > bottom then top, bottom = bottom, top end
      for y = math.max(1, top), math.min(height, bottom) do dots[y][x] = true end
      before = y_of(high[x]) == y_of(low[x]) and y_of(low[x]) or nil
    else
      before = nil
    end
  end
  return dots
end

local function braille(dots, cells, lines)
  local result = {}
  for line = 1, lines do
    local text = {}
    for cell = 1, cells do
      local bits = 0
      for y = 1, 4 do
        for x = 1, 2 do
          if dots[(line - 1) * 4 + y][(cell - 1) * 2 + x] then bits = bits | BRAILLE[y][x] end
        end
      end
      text[cell] = bits == 0 and " " or utf8.char(0x2800 + bits)
    end
    result[line] = table.concat(text)
  end
  return result
end

local function ascii(dots, cells, lines)
  local result = {}
  for line = 1, lines do
    local text = {}
    for cell = 1, cells do text[cell] = dots[line][cell] and "*" or " " end
    result[line] = table.concat(text)
  end
  return result
end

--- The plot of rows { time =, value =, status = } between from and to (seconds) as lines of
--- text. `options`: width (of the terminal, in columns), height (lines of the curve, 10),
--- ascii, name, unit, is_time (the values are times).
function plot.lines(rows, from, to, options)
  options = options or {}
  local lines = options.height or 10
  local margin = 12
  local cells = math.max(10, (options.width or 80) - margin - 1)
  local n = options.ascii and cells or cells * 2
  local low, high = columns(rows, from, to, n)
  local min, max = extent(low, high, n)
  local unit = options.unit and options.unit ~= "" and " " .. options.unit or ""
  local title = options.name and options.name .. unit or nil
  if not min then return { (title and title .. ": " or "") .. "no valid value in this time" } end
  local grid = dots_of(low, high, n, options.ascii and lines or lines * 4, min, max)
  local curve = options.ascii and ascii(grid, cells, lines) or braille(grid, cells, lines)
  local result = { title }
  local beside, below = words_of(options.is_time)
  for line, text in ipairs(curve) do
    local label = line == lines and beside(min) or line == 1 and max > min and beside(max) or ""
    result[#result + 1] = ("%" .. margin - 2 .. "s %s%s"):format(label, options.ascii and "|"
      or "│", text):gsub("%s+$", "")
  end
  local left, right = clock(from, to - from), clock(to, to - from)
  local between = cells - #left - #right
  if between > 4 then right, between = right .. " UTC", between - 4 end
  result[#result + 1] = (" "):rep(margin) .. left
    .. (between > 0 and (" "):rep(between) .. right or "")
  local last
  for i = #rows, 1, -1 do
    last = is_number(rows[i])
    if last then break end
  end
  result[#result + 1] = (" "):rep(margin) .. ("min %s  max %s  last %s%s"):format(below(min),
    below(max), below(last), unit)
  return result
end

return plot
