--- `tagline discover`: what was heard, as text, JSON or a config.
local config = require "tagline.discover.config"
local discovered = require "tagline.discovered"
local report = require "tagline.discover.report"
local survey = require "tagline.discover.survey"
local text = require "tagline.discover.text"

local main = {}

-- A host with its port is written as two fields; a URL stays whole.
local function place_of(host)
  if host:find "://" then return host end
  local name, port = host:match "^%[([^%]]+)%]:?(%d*)$"
  if not name then name, port = host:match "^([^:]+):(%d+)$" end
  if not name then return host end
  return name, math.tointeger(tonumber(port))
end

local function title_of(host, seconds, sum)
  return ("%s, %.0f s: %s of %s"):format(host, seconds, text.plural(sum.messages, "message"),
    text.plural(sum.topics, "topic"))
end

local function sums()
  local messages, bytes, over, unkept, topics = discovered.totals()
  return { messages = messages, bytes = bytes, over = over, unkept = unkept, topics = topics }
end

local function write(...) return io.stdout:write(...) ~= nil end

local function print_config(topics, about, heard)
  about.title = ("Made by tagline discover, %s. %s."):format(os.date("!%Y-%m-%dT%H:%M:%SZ"),
    text.quote(heard.title):sub(2, -2))
  local source = { sample = discovered.sample }
  return write(config.text(source, topics, about)) and 0 or 1
end

function main.main(format, every, host, user, password_file, ca_file, seconds, ...)
  local sum = sums()
  local heard = { host = host, seconds = tonumber(seconds), notes = report.notes(sum) }
  for name, value in pairs(sum) do heard[name] = value end
  heard.title = title_of(host, heard.seconds, sum)
  if sum.topics == 0 and format ~= "json" then
    io.stderr:write("tagline discover: nothing was heard: no retained message, and nothing was \z
      published meanwhile (more --seconds? another FILTER? may this user read?)\n")
    return format == "config" and 1 or 0
  end
  local source = { count = sum.topics, topic = discovered.topic, sample = discovered.sample }
  local topics = survey.topics(source)
  if format == "config" then
    local name, port = place_of(host)
    for _, note in ipairs(heard.notes) do io.stderr:write("tagline discover: ", note, "\n") end
    return print_config(topics, { host = name, port = port, filters = { ... },
      user = user ~= "" and user or nil, ca_file = ca_file ~= "" and ca_file or nil,
      tls = ca_file ~= "" and not host:find "://",
      password_file = password_file ~= "" and password_file or nil }, heard)
  end
  heard.groups, heard.single = survey.groups(topics)
  if format == "json" then
    report.json(heard, topics, write)
    return 0
  end
  for _, line in ipairs(report.lines(heard, every ~= "")) do write(line, "\n") end
  return 0
end

return main
