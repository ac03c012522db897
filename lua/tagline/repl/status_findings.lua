--- Checks of status() about what the last messages show (core/explain/examine.c): times that do
--- not fit, lost digits, messages that come twice. Facts with a `kind`, each about one station,
--- most with a tag.
local print_value = require "tagline.repl.print_value"

local span = print_value.span

local findings = {}

--- A timestamp that cannot be right.
function findings.time(f)
  local ago = f.behind or 0
  local told = ("its time is %s, which is %s %s its arrival"):format(f.value, span(math.abs(ago)),
    ago >= 0 and "before" or "after")
  if f.swapped then
    return "time-swapped", told .. ": day and month are swapped",
      ('time_mask = "%s" would fit'):format(f.swapped)
  elseif f.epoch then
    return "time-1970", told .. (f.fits and (": it is written as %s"):format(f.fits) or ""),
      f.fits and ('time_mask = "%s" would fit'):format(f.fits)
        or "the device's clock is not set, or its time mask is another one"
  end
  if f.zone then -- behind: or it was sent late
    return ago >= 0 and "time-zone" or "time-ahead",
      told .. ": whole or half hours, as two time zones differ",
      'time_zone = "local", "+01:00" or "Europe/Bratislava" in the station or the line says how \z
        its times are meant'
  end
  return ago >= 0 and "time-behind" or "time-ahead", told,
    "look at the device's clock, time_mask and time_zone"
end

--- What to do about a time that no known mask reads.
local function no_mask(raw, tag)
  if raw == "null" or raw == "" then
    return "the device sends no time there: is its clock set?"
      .. (tag and "" or " else correct time_field_name")
  elseif raw:find "^[{[]" and not tag then
    return "time_field_name names an object or a list: name the field in it"
  elseif raw:find "%a%a%a" then
    return "no mask reads names of months or zones: let the device send ISO 8601, or let decode \z
      return the time, in seconds since 1970"
  end
  return "help \"time_mask\" lists what a mask may hold"
end

function findings.mask(f)
  if not f.raw then -- its message is not recorded any more
    return "time-unreadable",
      ("the last time of %s did not fit the time mask %s: values get the time of arrival"):format(
        f.field, f.mask),
      'the log has the time, and a mask that would fit; help "time_mask" lists what a mask may hold'
  end
  local so = f.tag and "the tag is invalid" or "values get the time of arrival"
  if f.gap then
    return "time-unreadable",
      ("the local time '%s' of %s does not exist%s: %s"):format(f.raw, f.field, f.gap ~= ""
        and " in " .. f.gap or "", so),
      "let the device send UTC, or an offset; or correct time_zone"
  end
  local text = ("the time '%s' of %s does not fit the time mask %s: %s"):format(f.raw, f.field,
    f.mask, so)
  return "time-unreadable", text, f.fits and ('time_mask = "%s" would fit'):format(f.fits)
    or no_mask(f.raw, f.tag)
end

function findings.cut(f)
  return "time-cut",
    ("the time '%s' of %s says more than the time mask %s reads: values are %s too early"):format(
      f.raw, f.field, f.mask, span(f.lost)), ('time_mask = "%s" reads all of it'):format(f.fits)
end

function findings.no_time(f)
  return "time-missing", ("messages have no %s: values get the time of arrival"):format(f.field),
    "correct time_field_name, or set ignore_missing_time = true"
end

function findings.gzip(f)
  return "compressed", ("the payload is %s-compressed, where JSON is expected"):format(f.raw),
    'in front of the line: local zlib = require "tagline.codec.zlib"; in the station: '
      .. "prepare = function(payload) return assert(zlib.decode(payload)) end"
end

local format_cures = {
  CBOR = 'payload_type = "CBOR"', MessagePack = 'payload_type = "MessagePack"',
  JSON = 'payload_type = "JSON"',
  XML = 'payload_type = "Text only", and RE= takes the values out of it',
  base64 = 'in front of the line: local base64 = require "tagline.codec.base64"; in the station: '
    .. "prepare = function(payload) return assert(base64.decode(payload)) end",
  hexadecimal = 'in front of the line: local hex = require "tagline.codec.hex"; in the station: '
    .. "prepare = function(payload) return assert(hex.decode(payload)) end",
  ["UTF-16"] = "let the device send UTF-8, or make it that in a function prepare",
  empty = "an empty message clears a retained one: prepare = function(payload) if payload ~= '' "
    .. "then return payload end end leaves it out",
}

function findings.format(f)
  return "other-format", ("the payload is %s, where %s is expected"):format(f.raw, f.wanted),
    format_cures[f.raw]
end

function findings.retained(f)
  return "retained-only",
    ("its last message, %s ago, was a retained one: its values may be older still"):format(
      span(f.seconds)),
    "no_data_timeout tells when a device is silent; ignore_retained = true takes live messages only"
end

function findings.doubled(f)
  return "doubled",
    ("%s matches the topic filters %s, and the broker sends one message for each"):format(
      print_value.plain(f.topic), table.concat(f.filters, " and ")),
    "keep the wider topic filter only"
end

function findings.rounded(f)
  return "rounded", ("%s came, and the tag holds %s: digits are lost"):format(f.raw, f.value),
    f.integer and "take the type Ci, which holds 64-bit integers exactly"
      or "take the type Ai, which holds fractions"
end

function findings.saturated(f)
  return "saturated",
    ("%s came, which is more than a 64-bit integer holds: the tag has %s"):format(f.raw, f.value),
    "take the type Ai or TxtI"
end

local finding_heads = {
  ["time-swapped"] = "day and month are swapped", ["time-1970"] = "the time is that of 1970",
  ["time-behind"] = "the time is behind",
  ["time-ahead"] = "the time is ahead", ["time-zone"] = "the time is of another zone",
  ["time-unreadable"] = "the time does not fit its mask", ["time-missing"] = "there is no time",
  ["time-cut"] = "the time mask leaves a part of the time out",
  compressed = "compressed payloads", doubled = "messages come twice",
  ["other-format"] = "payloads of another format", rounded = "digits are lost",
  saturated = "too large for 64 bits",
  ["retained-only"] = "no live message since a retained one",
}
local finding_remarks = { rounded = true, ["time-zone"] = true, ["retained-only"] = true,
  ["time-missing"] = true }
local FINDINGS = 8 -- of one kind that are told
local of_times = { time = true, mask = true, cut = true, no_time = true }

--- The check: it gets the facts of a line, and the report (status_report.lua). `findings` are of
--- the last messages of all, `times` of stations, whenever their last message came.
return function(l, report)
  local groups, order, counts, told = {}, {}, {}, {}
  local function add(f)
    local code, text, remedy = findings[f.kind](f)
    if not groups[code] then
      groups[code], order[#order + 1], counts[code] = {}, code, 0
    end
    counts[code] = counts[code] + 1
    local group, name = groups[code], f.tag or f.station
    if #group < FINDINGS then
      local short = name and name:sub(1, #l.name + 1) == l.name .. "." and name:sub(#l.name + 2)
        or name
      group[#group + 1] = { short = short and ("%s (%s)"):format(short, text) or text,
        text = text, remedy = remedy, station = f.station, tag = f.tag }
    end
    return code
  end
  for _, f in ipairs(l.findings or {}) do
    add(f)
    if of_times[f.kind] and not f.tag then told[f.station] = true end
  end
  local more -- the code of those that are not listed
  for _, f in ipairs(l.times or {}) do
    if not told[f.station] then more = add(f) end
  end
  if more then counts[more] = math.max(counts[more], l.times_count or 0) end
  for _, code in ipairs(order) do
    local kind, head = finding_remarks[code] and "remark" or "problem", finding_heads[code]
    report:many(kind, code, counts[code], groups[code], function() return head end)
  end
end
