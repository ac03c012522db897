--- What was heard, as a table for people and as JSON.
local json = require "tagline.discover.json"
local text = require "tagline.discover.text"

local report = {}

local MEMBERS = 10 -- of a group that are shown

local function bytes(n)
  if n < 10000 then return ("%d B"):format(n) end
  if n < 10000000 then return ("%.0f KB"):format(n / 1000) end
  return ("%.0f MB"):format(n / 1000000)
end

local function sizes(t)
  if t.smallest == t.largest then return bytes(t.largest) end
  return ("%d–%s"):format(t.smallest, bytes(t.largest))
end

-- What is no live message was stored on the broker, and came when we subscribed.
local function flow(t)
  if t.retained == t.count then return "retained" end
  return t.retained > 0 and "retained, live" or "live"
end

local function rate(t, seconds)
  local live = t.count - t.retained
  if live == 0 or seconds <= 0 then return "" end
  local a_second = live / seconds
  if a_second >= 1 then return ("%.1f/s"):format(a_second) end
  return ("%.1f/min"):format(a_second * 60)
end

local function kind_of(t)
  local name = t.kind
  if t.shape and t.shape ~= name then name = ("%s (%s)"):format(name, t.shape) end
  if t.mixed then name = name .. ", mixed" end
  return t.command and name .. ", command" or name
end

local function width_of(s) return utf8.len(s) or #s end

local function row(t, name, seconds)
  return { name, text.count(t.count), rate(t, seconds), sizes(t), flow(t), kind_of(t) }
end

local right = { false, true, true, true, false, false }

local function columns(rows)
  local widths = {}
  for _, r in ipairs(rows) do
    for i, cell in ipairs(r) do
      if i > 1 or #r > 1 then widths[i] = math.max(widths[i] or 0, width_of(cell)) end
    end
  end
  widths[1] = math.min(widths[1] or 0, 60)
  local out = {}
  for _, r in ipairs(rows) do
    local cells = {}
    for i, cell in ipairs(r) do
      local pad = (" "):rep(math.max(0, (widths[i] or 0) - width_of(cell)))
      cells[i] = right[i] and pad .. cell or cell .. pad
    end
    out[#out + 1] = table.concat(cells, "  "):match "^.*%S" or ""
  end
  return out
end

-- A topic on one line, whatever it holds.
local function shown(topic)
  local quoted = text.quote(topic):sub(2, -2):gsub('\\"', '"')
  if #quoted <= 200 then return quoted end
  return quoted:sub(1, 200):gsub("[\xC0-\xFF][\x80-\xBF]*$", "") .. "…"
end

local function group_rows(rows, g, heard, every)
  local seconds = heard.seconds
  rows[#rows + 1] = row(g, ("%s  %s"):format(shown(g.pattern), text.plural(#g.members, "topic")),
    seconds)
  local most = every and #g.members or math.min(#g.members, MEMBERS)
  for i = 1, most do
    rows[#rows + 1] = row(g.members[i], "  " .. shown(g.members[i].topic), seconds)
  end
  if most < #g.members then
    rows[#rows + 1] = { ("  … and %s more; %s shows each"):format(
      text.count(#g.members - most), heard.all or "--all") }
  end
end

--- What did not fit, in words: { over =, unkept =, topics = } of the collector.
function report.notes(sum)
  local notes = {}
  if sum.over > 0 then
    notes[#notes + 1] = ("There was room for %s: %s of others %s counted only."):format(
      text.plural(sum.topics, "topic"), text.plural(sum.over, "message"),
      sum.over == 1 and "is" or "are")
  end
  if sum.unkept > 0 then
    notes[#notes + 1] = ("Of %s no payload was kept (too long, or no room): their kind is not \z
      known."):format(text.plural(sum.unkept, "topic"))
  end
  return notes
end

--- Lines of text: groups with their topics, then the other topics.
function report.lines(heard, every)
  local out = { heard.title }
  local rows = { { "topic", "messages", "rate", "bytes", "", "kind" } }
  for _, g in ipairs(heard.groups) do group_rows(rows, g, heard, every) end
  for _, t in ipairs(heard.single) do rows[#rows + 1] = row(t, shown(t.topic), heard.seconds) end
  if #rows > 1 then
    out[#out + 1] = ""
    table.move(columns(rows), 1, #rows, #out + 1, out)
  end
  for _, note in ipairs(heard.notes) do
    out[#out + 1] = ""
    out[#out + 1] = note
  end
  return out
end

local function member(name, value) return json.encode(name) .. ":" .. json.encode(value) end

local function object_of(t, names)
  local parts = {}
  for _, name in ipairs(names) do
    if t[name] ~= nil then parts[#parts + 1] = member(name, t[name]) end
  end
  return table.concat(parts, ",")
end

local function clock(seconds)
  local ms = math.floor(seconds * 1000 + 0.5)
  return ("%s.%03dZ"):format(os.date("!%Y-%m-%dT%H:%M:%S", ms // 1000), ms % 1000)
end

local function live(t) return t.retained < t.count end

local function topic_json(t, seconds)
  local rest = { { "rate", seconds > 0 and (t.count - t.retained) / seconds or 0 },
    { "live", live(t) }, { "first", clock(t.first) }, { "last", clock(t.last) },
    { "payload", t.shape or "unknown" }, { "command", t.command } }
  local parts = { object_of(t, { "topic", "count", "bytes", "smallest", "largest", "retained",
    "kind" }) }
  for _, pair in ipairs(rest) do parts[#parts + 1] = member(pair[1], pair[2]) end
  if t.group then parts[#parts + 1] = member("group", t.group.pattern) end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function group_json(g)
  local topics = {}
  for i, t in ipairs(g.members) do topics[i] = json.encode(t.topic) end
  return ("{%s,%s,%s,\"topics\":[%s]}"):format(member("pattern", g.pattern),
    member("count", #g.members), object_of(g, { "kind", "bytes", "smallest", "largest",
      "retained" }) .. "," .. member("messages", g.count), table.concat(topics, ","))
end

--- One JSON document, through `write`.
function report.json(heard, topics, write)
  local head = {}
  for _, name in ipairs { "host", "seconds", "messages", "bytes", "over", "unkept" } do
    head[#head + 1] = member(name, heard[name])
  end
  write("{" .. table.concat(head, ",") .. ',"topics":[')
  for i, t in ipairs(topics) do write((i > 1 and ",\n" or "\n") .. topic_json(t, heard.seconds)) end
  write '],\n"groups":['
  for i, g in ipairs(heard.groups) do write((i > 1 and ",\n" or "\n") .. group_json(g)) end
  write "]}\n"
end

return report
