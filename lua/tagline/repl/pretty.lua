--- Payloads for people: JSON on several lines, other texts as they are, bytes as a dump.
local M = {}

local LONGEST = 64 * 1024
local LINES = 100

-- JSON text with line breaks, its numbers and texts as they are written: no value is read.
local function lay_out(s)
  local out, depth, at = {}, 0, 1
  local function add(text) out[#out + 1] = text end
  local function line() add("\n" .. ("  "):rep(depth)) end
  while at <= #s do
    local c = s:sub(at, at)
    if c == '"' then
      local stop = at + 1
      while true do
        stop = s:find('["\\]', stop)
        if not stop then return nil end
        if s:byte(stop) == 34 then break end
        stop = stop + 2
      end
      add(s:sub(at, stop))
      at = stop + 1
    elseif c == "{" or c == "[" then
      local closes = s:match(c == "{" and "^{%s*}()" or "^%[%s*%]()", at)
      if closes then
        add(c == "{" and "{}" or "[]")
        at = closes
      else
        depth, at = depth + 1, at + 1
        add(c)
        line()
      end
    elseif c == "}" or c == "]" then
      depth, at = math.max(depth - 1, 0), at + 1
      line()
      add(c)
    elseif c == "," then
      add ","
      line()
      at = at + 1
    elseif c == ":" then
      add ": "
      at = at + 1
    else
      local plain, behind = s:match('^([^%s,:{}%[%]"]*)%s*()', at)
      if behind == at then return nil end
      add(plain)
      at = behind
    end
  end
  return table.concat(out)
end

local function is_json(s)
  local json = require "tagline.discover.json"
  return s:find "^%s*[{%[]" ~= nil and json.decode(s) ~= nil
end

--- A JSON document on several lines; nil when it is none, or too long.
function M.json(s)
  if #s > LONGEST or not is_json(s) then return nil end
  return lay_out(s)
end

--- A payload as lines of text. `dump`: how bytes that are no text look.
function M.payload(s, dump)
  local text = M.json(s)
  if not text then
    if s == "" or utf8.len(s) and not s:find "[^%C\t\r\n]" then return s end
    return dump(s)
  end
  local count, at = 0, 0
  while at and count < LINES do
    at = text:find("\n", at + 1, true)
    count = count + 1
  end
  if not at then return text end
  local _, more = text:sub(at + 1):gsub("\n", "")
  return ("%s\n… %d lines more; .payload is all"):format(text:sub(1, at - 1), more + 1)
end

return M
