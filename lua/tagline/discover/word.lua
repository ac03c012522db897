--- discover() of the prompt: the same as `tagline discover` with what the running process recorded.
--- Nothing is connected.
local config = require "tagline.discover.config"
local report = require "tagline.discover.report"
local survey = require "tagline.discover.survey"
local text = require "tagline.discover.text"

local M = {}

local MOST = 100000 -- messages

--- Recorded messages as survey.lua wants its source: by topic, with the first, the longest and the
--- last payload.
function M.source(messages)
  local by_topic, list = {}, {}
  for _, m in ipairs(messages) do
    local t = by_topic[m.topic]
    if not t then
      t = { topic = m.topic, count = 0, bytes = 0, retained = 0, smallest = math.huge, largest = 0,
        first = m.time, samples = {} }
      by_topic[m.topic] = t
      list[#list + 1] = t
    end
    local size = #m.payload
    t.count, t.bytes, t.last = t.count + 1, t.bytes + size, m.time
    t.retained = t.retained + (m.retain and 1 or 0)
    t.smallest, t.largest = math.min(t.smallest, size), math.max(t.largest, size)
    local kept = t.samples
    if not kept[1] then kept[1] = m
    else
      if size > #(kept[2] or kept[1]).payload then kept[2] = m end
      kept[3] = m
    end
  end
  return {
    count = #list,
    topic = function(i)
      local t = list[i]
      return t.topic, t.count, t.bytes, t.smallest, t.largest, t.retained, t.first, t.last
    end,
    sample = function(i, n)
      local m = list[i].samples[n]
      if m then return m.payload, m.time, m.retain end
    end,
  }
end

-- Of the lines whose messages these are, the first one's address; and its filters are '#'.
local function about_of(live, messages)
  local name = messages[1] and messages[1].line
  for _, line in ipairs(live.status().lines) do
    if line.name == name then
      local secure = (line.transport or ""):find "TLS"
      local host, port = (line.address or ""):match "^%[?(.-)%]?:(%d+)$"
      return { host = host or "localhost", port = math.tointeger(tonumber(port)),
        tls = secure and true or nil, filters = { "#" } }
    end
  end
  return { host = "localhost", filters = { "#" } }
end

local fields = {}

function fields.config(state)
  local about = state.about
  about.title = ("Made by discover() of recorded messages: %s.")
    :format(text.quote(state.heard.title):sub(2, -2))
  -- the survey's groups are of all topics, the config's of those that become stations
  return config.text(state.source, survey.topics(state.source), about)
end

--- The word, for the REPL. The result prints as a table; `.topics`, `.groups` and `.config` (a
--- text) are for who wants them.
function M.word(live, api)
  return function(pattern)
    local ok, messages = pcall(api.messages, pattern, MOST)
    if not ok then error("discover: " .. tostring(messages), 0) end
    local source = M.source(messages)
    local topics = survey.topics(source)
    local groups, single = survey.groups(topics)
    local first, last = messages[1], messages[#messages]
    local seconds = first and last.time - first.time or 0
    local title = ("%s of %s, recorded in %.0f s"):format(text.plural(#messages, "message"),
      text.plural(#topics, "topic"), seconds)
    local heard = { groups = groups, single = single, seconds = seconds, notes = {}, title = title,
      all = "discover().groups" }
    local state = { source = source, heard = heard, about = about_of(live, messages) }
    local shown = #messages == 0 and "(no messages recorded)"
      or table.concat(report.lines(heard), "\n")
    local result = { topics = M.plain(topics), groups = M.plain_groups(groups) }
    return setmetatable(result, { __name = "tagline.discovered",
      __tostring = function() return shown end,
      __index = function(_, name) return fields[name] and fields[name](state) end })
  end
end

--- Topics as fields that a person may use.
function M.plain(topics)
  local list = {}
  for i, t in ipairs(topics) do
    list[i] = { topic = t.topic, count = t.count, bytes = t.bytes, smallest = t.smallest,
      largest = t.largest, retained = t.retained, kind = t.kind, payload = t.shape,
      command = t.command, group = t.group and t.group.pattern or nil }
  end
  return list
end

function M.plain_groups(groups)
  local list = {}
  for i, g in ipairs(groups) do
    local topics = {}
    for k, t in ipairs(g.members) do topics[k] = t.topic end
    list[i] = { pattern = g.pattern, count = #g.members, kind = g.kind, topics = topics }
  end
  return list
end

return M
