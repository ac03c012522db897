--- Reads capture files: one JSON object a line, the first of them { "tagline_capture": 1 }.
--- save() in the REPL writes them.
local base64 = require "tagline.codec.base64"
local cjson = require "cjson"

local M = {}

local function days(y, m, d)
  y = m <= 2 and y - 1 or y
  local era, yoe = y // 400, y % 400
  local doy = (153 * (m > 2 and m - 3 or m + 9) + 2) // 5 + d - 1
  return era * 146097 + yoe * 365 + yoe // 4 - yoe // 100 + doy - 719468
end

--- "2026-11-22T14:00:00.123Z" as seconds since 1970; nil when it is not that.
function M.time(text)
  local y, mo, d, h, mi, s, ms =
    text:match("^(%d%d%d%d)-(%d%d)-(%d%d)T(%d%d):(%d%d):(%d%d)%.?(%d*)Z$")
  if not y then return nil end
  local seconds = days(tonumber(y), tonumber(mo), tonumber(d)) * 86400 + h * 3600 + mi * 60
    + tonumber(s)
  return seconds + (tonumber("0." .. (ms ~= "" and ms or "0")) or 0)
end

local function message(line)
  local ok, m = pcall(cjson.decode, line)
  if not ok or type(m) ~= "table" then return nil, "expected a JSON object" end
  if type(m.topic) ~= "string" then return nil, "expected a topic" end
  if type(m.time) ~= "string" or not M.time(m.time) then
    return nil, "expected a time like 2026-11-22T14:00:00.123Z"
  end
  local payload = m.payload
  if type(m.base64) == "string" then
    local fine, bytes = pcall(base64.decode, m.base64)
    if not fine or not bytes then return nil, "expected base64" end
    payload = bytes
  end
  if type(payload) ~= "string" then return nil, "expected a payload, or base64" end
  return { line = m.line, topic = m.topic, payload = payload, time = M.time(m.time),
    qos = m.qos or 0, id = m.id or 0,
    retain = m.retain == true, dup = m.dup == true }
end

--- The messages of a capture file, in the order of the file; or nil and why, with the line.
function M.read(path)
  local file, why = io.open(path, "rb")
  if not file then return nil, why end
  local list, number = {}, 0
  for line in file:lines() do
    number = number + 1
    local m, wrong
    if number == 1 then
      local ok, head = pcall(cjson.decode, line)
      if not ok or type(head) ~= "table" or not head.tagline_capture then
        wrong = "this is no capture: expected { \"tagline_capture\": 1 } in the first line"
      elseif head.tagline_capture ~= 1 then
        wrong = ("expected a capture of version 1, got %s"):format(tostring(head.tagline_capture))
      end
    elseif line:find("%S") then
      m, wrong = message(line)
    end
    if wrong then
      file:close()
      return nil, ("%s:%d: %s"):format(path, number, wrong)
    end
    list[#list + 1] = m
  end
  file:close()
  if number == 0 then return nil, path .. ":1: this is no capture: the file is empty" end
  return list
end

return M
