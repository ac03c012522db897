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

local BLOCK = 262144 -- bytes

local Reader = {}
Reader.__index = Reader

--- There is a whole line in `text` from `at` on; false at the end of the file. A last line may lack
--- its line break.
local function fill(self)
  while not self.text:find("\n", self.at, true) do
    local rest = self.text:sub(self.at)
    local more, why = self.file:read(math.max(BLOCK, #rest))
    if why then return nil, ("%s: %s"):format(self.path, why) end
    if not more and rest == "" then return false end
    self.text, self.at = rest .. (more or "\n"), 1
  end
  return true
end

local function next_line(self)
  local there, why = fill(self)
  if not there then return nil, why end
  local stop = self.text:find("\n", self.at, true)
  local line = self.text:sub(self.at, stop - 1)
  self.at, self.number = stop + 1, self.number + 1
  return line
end

--- The next message; nil at the end, nil and why with the line when it is wrong.
function Reader:next()
  while true do
    local line, why = next_line(self)
    if not line then return nil, why end
    if line:find "%S" then
      local m, wrong = message(line)
      return m, wrong and ("%s:%d: %s"):format(self.path, self.number, wrong)
    end
  end
end

--- A text with whole lines that were not read yet, and the byte at which they begin; nil at the
--- end, nil and why when the file cannot be read. Who reads lines there says so with passed().
function Reader:block()
  local there, why = fill(self)
  if not there then return nil, why end
  return self.text, self.at
end

--- When the next message came, without reading it; nil: there is none, or it is wrong.
function Reader:first_time()
  local text, at = self:block()
  if not text then return nil end
  local m = message(text:match("^[^\n]*", at))
  return m and m.time
end

function Reader:passed(at, lines)
  self.at, self.number = at, self.number + lines
end

function Reader:close() self.file:close() end

Reader.__close = Reader.close

local function head_wrong(line)
  local ok, head = pcall(cjson.decode, line)
  if not ok or type(head) ~= "table" or not head.tagline_capture then
    return "this is no capture: expected { \"tagline_capture\": 1 } in the first line"
  elseif head.tagline_capture ~= 1 then
    return ("expected a capture of version 1, got %s"):format(tostring(head.tagline_capture))
  end
end

--- A reader of a capture file, which holds no more than a block of it; or nil and why, with the
--- line.
function M.open(path)
  local file, why = io.open(path, "rb")
  if not file then return nil, why end
  local self = setmetatable({ path = path, file = file, text = "", at = 1, number = 0 }, Reader)
  local line
  line, why = next_line(self)
  local wrong = not line and (why or path .. ":1: this is no capture: the file is empty")
  if line then
    wrong = head_wrong(line)
    wrong = wrong and ("%s:1: %s"):format(path, wrong)
  end
  if not wrong then return self end
  file:close()
  return nil, wrong
end

--- The messages of a capture file, in the order of the file; or nil and why, with the line.
function M.read(path)
  local reader <close>, why = M.open(path)
  local list = {}
  while reader do
    local m
    m, why = reader:next()
    if not m then break end
    list[#list + 1] = m
  end
  if why then return nil, why end
  return list
end

return M
