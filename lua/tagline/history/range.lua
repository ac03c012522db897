--- What part of a history somebody asks for: durations, times, intervals and aggregates,
--- checked. Reads no file.
local kinds = require "tagline.config.kinds"
local outlets = require "tagline.config.outlets"

local range = {}

local AS = { avg = true, time_avg = true, min = true, max = true, first = true, last = true,
  count = true, sum = true,
  good = true }
range.aggregates = { "avg", "time_avg", "min", "max", "first", "last", "count", "sum", "good" }

local duration = outlets.duration(0.001)

--- Seconds of "1h" or a number; nil and why.
function range.duration(value)
  local wrong, seconds = duration(value)
  if wrong then return nil, wrong end
  return seconds
end

--- Days since 1970 of a date (the proleptic Gregorian calendar).
local function days(year, month, day)
  year = month <= 2 and year - 1 or year
  local era = year // 400
  local of_era = year - era * 400
  local of_year = (153 * (month + (month > 2 and -3 or 9)) + 2) // 5 + day - 1
  return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
end

-- Seconds since 1970 of the years 0 to 9999, which are all that a text can say: milliseconds, their
-- sums and differences stay far from the ends of 64 bits.
local FIRST, LAST = days(0, 1, 1) * 86400, days(10000, 1, 1) * 86400

local LENGTHS = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

--- Is there this day?
local function is_day(year, month, day)
  if month < 1 or month > 12 or day < 1 or day > LENGTHS[month] then return false end
  return month ~= 2 or day < 29
    or year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
end

--- Seconds since 1970 of a number, or of "2026-11-29", "2026-11-29 12:00",
--- "2026-11-29T12:00:00.5+01:00"; UTC where no offset is written, and then true. nil and why.
function range.time(value)
  local what = 'a time such as "2026-11-29T12:00" or seconds since 1970'
  if type(value) == "number" and value >= FIRST and value <= LAST then return value end
  if type(value) ~= "string" then return nil, kinds.expected(what, value) end
  local y, mo, d, rest = value:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)(.*)$")
  if not y then return nil, kinds.expected(what, value) end
  if not is_day(tonumber(y), tonumber(mo), tonumber(d)) then
    return nil, kinds.expected(what, value)
  end
  local seconds = days(tonumber(y), tonumber(mo), tonumber(d)) * 86400.0
  if rest == "" then return seconds, true end
  local h, mi, tail = rest:match("^[T ](%d%d):(%d%d)(.*)$")
  if not h or tonumber(h) > 24 or tonumber(mi) > 59 then return nil, kinds.expected(what, value) end
  seconds = seconds + tonumber(h) * 3600 + tonumber(mi) * 60
  local s, after = tail:match("^:(%d%d%.?%d*)(.*)$")
  if s then
    seconds = seconds + tonumber(s)
    tail = after
  end
  if tail == "" or tail == "Z" then return seconds, tail == "" end
  local sign, oh, om = tail:match("^([+-])(%d%d):?(%d%d)$")
  if not sign then return nil, kinds.expected(what, value) end
  local offset = tonumber(oh) * 3600 + tonumber(om) * 60
  return sign == "+" and seconds - offset or seconds + offset
end

--- The list of aggregates of `as`: a name, or a list of names. nil and why.
local function read_as(as, dash)
  local list = type(as) == "table" and as or { as }
  if #list == 0 then
    return nil, dash .. "as: expected at least one of " .. table.concat(range.aggregates, " ")
  end
  for _, name in ipairs(list) do
    if not AS[name] then
      return nil, dash .. "as: " .. kinds.expected("one of "
        .. table.concat(range.aggregates, " "), name)
    end
  end
  return list
end

local FIELDS = { from = true, to = true, every = true, as = true, limit = true, last = true,
  zone = true }

--- What the zone means in q, or nil and why.
local function read_zone(q, zone)
  if zone == nil then return true end
  if type(zone) ~= "string" then
    return nil, "zone: " .. kinds.expected('a zone such as "Europe/Bratislava"', zone)
  end
  if not (q.every or q.from_local or q.to_local) then
    return nil, "zone: needs every, the length of an interval, or a time without an offset"
  end
  q.zone = zone
  return true
end

--- A time of the question. With a zone, one without an offset is the zone's: `resolve` says which
--- moment that is; without it q says so, for who knows the zone (core/script/l_history_query.c).
local function read_time(q, name, options, dash, resolve)
  if options[name] == nil then return true end
  local seconds, plain = range.time(options[name])
  if not seconds then return nil, dash .. name .. ": " .. plain end
  if plain == true and resolve then
    seconds, plain = resolve(seconds, name == "to")
    if not seconds then return nil, dash .. name .. ": " .. plain end
  elseif plain == true and options.zone ~= nil then
    q[name .. "_local"] = true
  end
  q[name] = seconds
  return true
end

--- Where it begins, if that is not said: so long before its end.
local function begin_before(q, seconds)
  q.from = math.max(FIRST, q.to - seconds)
  if q.to_local then q.span = seconds end
end

--- The question of history(tag, options): "1h", seconds, or { from =, to =, last =, every =, as
--- =, limit =, zone = }; nothing: the last 24 hours. `now` in seconds. Returns { from =, to =,
--- every =, as =, limit =, zone = }, or nil and why; from_local, to_local: these are the zone's
--- times; span: `from` lies so long before `to` then. `dash` stands before the options' names
--- there: "--" of a command. resolve(seconds, is_to) gives the moment of a zone's time.
function range.read(options, now, dash, resolve)
  dash = dash or ""
  if options == nil then options = {} end
  if type(options) ~= "table" then options = { last = options } end
  for key in pairs(options) do
    if not FIELDS[key] then
      return nil, ("unknown option '%s'; expected from, to, last, every, as, zone or limit")
        :format(tostring(key))
    end
  end
  local q = {}
  local ok, why = read_time(q, "to", options, dash, resolve)
  if ok then ok, why = read_time(q, "from", options, dash, resolve) end
  if not ok then return nil, why end
  local seconds = not q.from and 86400 or nil
  if options.last ~= nil then
    seconds, why = range.duration(options.last)
    if not seconds then return nil, dash == "" and why or "--last: " .. why end
    if q.from then return nil, ("expected %sfrom or %slast, got both"):format(dash, dash) end
  end
  q.to = q.to or now + (options.last == nil and 0.001 or 0)
  if seconds then begin_before(q, seconds) end
  if options.to == nil then q.to = now + 0.001 end
  -- beside a moment, a zone's time is not known yet
  if not q.from_local == not q.to_local and q.from >= q.to then
    return nil, (options.to == nil and "%sfrom lies after now, which %sto is when it is not \z
      given: give %sto" or "expected %sfrom before %sto"):format(dash, dash, dash)
  end
  if options.every ~= nil then
    q.every, why = range.duration(options.every)
    if not q.every then return nil, dash .. "every: " .. why end
    q.as, why = read_as(options.as or "avg", dash)
    if not q.as then return nil, why end
  elseif options.as ~= nil then
    return nil, ("%sas: needs %severy, the length of an interval"):format(dash, dash)
  end
  ok, why = read_zone(q, options.zone)
  if not ok then return nil, why end
  if options.limit ~= nil then
    local wrong
    wrong, q.limit = kinds.integer(1, 1000000)(options.limit)
    if wrong then return nil, "limit: " .. wrong end
  end
  return q
end

--- Rows of one aggregate have it as `value`.
function range.plain(rows, as)
  if not as or #as ~= 1 then return rows end
  for _, row in ipairs(rows) do row.value = row[as[1]] end
  return rows
end

return range
