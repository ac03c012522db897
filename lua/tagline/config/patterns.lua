--- Patterns of tags' names in a config (an outlet's `tags`, `values` of http): does a tag of the
--- config match? Pure.
local kinds = require "tagline.config.kinds"

local patterns = {}

--- A pattern of names ("plant.*.temp?") as Lua patterns of what stands between its asterisks.
local function pieces_of(pattern)
  local pieces = {}
  for piece in (pattern .. "*"):gmatch "([^*]*)%*" do
    pieces[#pieces + 1] = { text = piece:gsub("%W", "%%%0"):gsub("%%%?", "."), len = #piece }
  end
  return pieces
end

local function matches(pieces, full)
  local first, last = pieces[1], pieces[#pieces]
  if #pieces == 1 then return full:find("^" .. first.text .. "$") ~= nil end
  local _, at = full:find("^" .. first.text)
  for i = 2, #pieces - 1 do
    if at then _, at = full:find(pieces[i].text, at + 1) end
  end
  local ending = #full - last.len + 1
  return at ~= nil and ending > at and full:find("^" .. last.text .. "$", ending) ~= nil
end

--- Could a name that begins and ends like this, with anything in between, match?
local function may_match(pattern, front, back)
  local head, tail = pattern:match "^[^*?]*", pattern:match "[^*?]*$"
  if not pattern:find "[*?]" then
    return #pattern >= #front + #back and pattern:sub(1, #front) == front
      and pattern:sub(#pattern - #back + 1) == back
  end
  local n, m = math.min(#head, #front), math.min(#tail, #back)
  return head:sub(1, n) == front:sub(1, n) and tail:sub(#tail - m + 1) == back:sub(#back - m + 1)
end

--- The patterns that no tag of the lines can match, and the name of one tag. A station of named
--- groups gets its name from topics: there the text around its braces is looked at.
local function unmatched(lines, wanted)
  local open, count, sample = {}, 0, nil
  for _, pattern in ipairs(wanted) do
    if not open[pattern] then
      open[pattern], count = pieces_of(pattern), count + 1
    end
  end
  local function look(line, st, t)
    local full = ("%s.%s.%s"):format(line.name, st.name, t.name)
    local front, back = full:match "^([^{]*){.*}([^}]*)$"
    sample = sample or full
    for pattern, pieces in pairs(open) do
      local found = front and may_match(pattern, front, back) or not front and matches(pieces, full)
      if found then
        open[pattern], count = nil, count - 1
      end
    end
  end
  for _, line in ipairs(lines) do
    for _, st in ipairs(line.stations) do
      for _, t in ipairs(count > 0 and st.tags or {}) do look(line, st, t) end
    end
  end
  return open, sample
end

--- Tells `warn(text)` of each pattern of the list (nil: there is none) that matches no tag.
function patterns.check(lines, list, warn)
  local open, sample = unmatched(lines, list or {})
  for _, pattern in ipairs(sample and list or {}) do
    if open[pattern] then
      open[pattern] = nil
      warn(("%s matches no tag of this config, so nothing goes out for it: names are \z
        LINE.STATION.TAG, such as %s"):format(kinds.got(pattern), kinds.got(sample)))
    end
  end
end

return patterns
