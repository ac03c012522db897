--- The line, station or tag that somebody most likely means, by a name that nothing has.
local near = require "tagline.config.near"

local M = {}

local LIMIT = 2000 -- names of one level that are compared

--- The names of one level behind `head`, and whether `part` is one of them. The least of those
--- that begin with it is always given.
local function level(head, part, live)
  local known, exact = {}, false
  for _, full in ipairs((live.names(head .. part, 3, 1))) do
    exact = exact or full:sub(#head + 1):gsub("%.$", "") == part
  end
  for _, full in ipairs(exact and {} or (live.names(head, 3, LIMIT))) do
    known[#known + 1] = full:sub(#head + 1):gsub("%.$", "")
  end
  return known, exact
end

--- The full name that is nearest to `name`, part by part; nil: none is near, or it is one.
function M.find(name, live)
  local head, other, n = "", false, 0
  for part in name:gmatch "[^.]+" do
    local known, exact = level(head, part, live)
    local found = exact and part or near.find(part, known)
    n = n + 1
    if not found or n > 3 then return nil end
    other = other or not exact
    head = head .. found .. "."
  end
  return other and head:sub(1, -2) or nil
end

--- An error's text, and what may help: that nothing has such a name, where Lua says only that
--- nil cannot be indexed.
function M.explain(text, live)
  local field = text:match "attempt to index a nil value %(field '([^\n]-)'%)"
  if not field then return text end
  local meant = M.find(field, live)
  if meant then return ("%s: nothing has this name; did you mean '%s'?"):format(text, meant) end
  if field:find("%.") then return text .. ": no tag, station or line has this name" end
  local stations = live.names(field .. ".", 2, 1)
  return stations[1] and ("%s: tags and stations have full names, as in stations[%q]"):format(
    text, stations[1]) or text
end

return M
