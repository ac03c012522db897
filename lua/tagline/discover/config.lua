--- A config that reads what was heard: `tagline check` passes it, and its tags have the values that
--- are sent.
local told = require "tagline.discover.commands"
local device = require "tagline.discover.device"
local facts = require "tagline.discover.facts"
local group = require "tagline.discover.group"
local names = require "tagline.discover.names"
local sparkplug = require "tagline.discover.sparkplug"
local station = require "tagline.discover.station"
local tags = require "tagline.discover.tags"
local text = require "tagline.discover.text"

local config = {}

local LONGEST, FIRST_LEVELS, MENTIONED = 60000, 40, 20

-- ---- which topics become stations ----

local describes = { devices = true, groups = true, info = true, logging = true, config = true,
  definitions = true, extensions = true, converters = true, log = true, event = true }

-- Why a topic is no station; nil when it is one.
local function left_out(t)
  if t.kind == "Sparkplug B" then return "sparkplug" end
  if t.command then return "command" end
  if t.shape == "empty" then return "without a payload" end
  if not t.shape then return "payloads too long to look at" end
  if #t.topic > LONGEST then return "names too long for an address" end
  if t.kind == "Home Assistant discovery" then return "descriptions for Home Assistant" end
  local levels = t.levels
  if t.kind == "Homie" and levels[#levels]:byte() == 36 and levels[#levels] ~= "$state" then
    return "descriptions of Homie devices"
  end
  if t.kind == "Zigbee2MQTT" and levels[#levels - 1] == "bridge" and describes[levels[#levels]] then
    return "descriptions by Zigbee2MQTT"
  end
  if levels[1] == "tasmota" and levels[2] == "discovery" then return "descriptions by Tasmota" end
  return nil
end

local function sort_out(topics)
  local good, commands, spb, left, order = {}, {}, {}, {}, {}
  for _, t in ipairs(topics) do
    t.group, t.is_exact = nil, nil
    local why = left_out(t)
    if not why then good[#good + 1] = t
    elseif why == "sparkplug" then spb[#spb + 1] = t
    elseif why == "command" then commands[#commands + 1] = t
    else
      if not left[why] then
        left[why] = {}
        order[#order + 1] = why
      end
      table.insert(left[why], t.topic)
    end
  end
  return good, commands, spb, left, order
end

-- ---- stations ----

local function expression(g)
  local parts = {}
  for i, level in ipairs(g.levels) do
    parts[i] = i == g.at and text.regex(g.prefix) .. "(?<dev>" .. group.expression(g) .. ")"
      .. text.regex(g.suffix) or text.regex(level)
  end
  local whole = table.concat(parts, "/")
  if #whole <= LONGEST then return whole end
  g.foreign = {}
  return expression(g), "it may take topics of others: too many to name"
end

-- A topic as an address: as it is where that is no expression of another meaning.
local function is_exact(topic)
  return topic:find "%w" ~= nil and not text.is_special((topic:gsub("^%$", "")))
end

local function single_address(t)
  if t.is_exact then return t.topic end
  local escaped = text.regex(t.topic)
  return #escaped <= 65535 and escaped or nil
end

local function write_setting(out, name, value)
  if value then out[#out + 1] = ("    %s = %s,"):format(name, text.quote(value)) end
end

local function write_lines(out, s)
  for _, line in ipairs(s.lines) do
    if line.name then
      out[#out + 1] = ("      %s = %s,%s"):format(text.key(line.name), line.written,
        line.comment and " -- " .. line.comment or "")
    else
      out[#out + 1] = "      -- " .. line.comment
    end
  end
end

local function write_command(out, topic, shown)
  out[#out + 1] = ("      -- The device listens to %s. To write it from here:"):format(shown)
  out[#out + 1] = ('      -- command = TxtO { "OUT_TOPIC", default = %s },'):format(topic)
  out[#out + 1] = '      -- setpoint = TxtO "OUT_VALUE",'
end

local function write_decode(out, lines)
  if #lines == 1 then
    out[#out + 1] = ("    decode = function(msg) %s end,"):format(lines[1])
    return
  end
  out[#out + 1] = "    decode = function(msg)"
  for _, line in ipairs(lines) do out[#out + 1] = "      " .. line end
  out[#out + 1] = "    end,"
end

local function write_station(out, name, address, s, more)
  out[#out + 1] = ""
  out[#out + 1] = ("  station %s {"):format(text.quote(name))
  if more.note then out[#out + 1] = "    -- " .. more.note end
  write_setting(out, "address", address)
  if s.payload_type ~= "JSON" then write_setting(out, "payload_type", s.payload_type) end
  write_setting(out, "prepare", s.prepare)
  write_setting(out, "time_field_name", s.time_field_name)
  write_setting(out, "time_mask", s.time_mask)
  if s.time_zone then
    out[#out + 1] = ("    time_zone = %s, -- as the clock is now; a zone's name (\"Europe/…\") "
      .. "knows its summer time"):format(text.quote(s.time_zone))
  end
  write_setting(out, "on_missing", s.on_missing)
  if more.instances then out[#out + 1] = ("    max_instances = %d,"):format(more.instances) end
  if s.decode then write_decode(out, s.decode) end
  if s.codec then
    out[#out + 1] = ("    decode = lorawan.%s(),"):format(s.codec)
    out[#out + 1] = "    -- With the kind of the device its bytes become values, such as:"
    out[#out + 1] = ('    -- decode = lorawan.%s(require "tagline.codec.device.elsys"),')
      :format(s.codec)
  end
  out[#out + 1] = "    tags = {"
  write_lines(out, s)
  for i, c in ipairs(more.commands or {}) do
    if i == 1 then
      write_command(out, text.quote(c.topic), text.comment(c.shown))
    else
      out[#out + 1] = ("      -- The device also listens to %s."):format(text.comment(c.shown))
    end
  end
  out[#out + 1] = "    },"
  out[#out + 1] = "  },"
end

-- ---- the file ----

local function head_of(about)
  return function(out)
    out[#out + 1] = ("  host = %s,"):format(text.quote(about.host))
    if about.port then out[#out + 1] = ("  port = %d,"):format(about.port) end
    if about.tls then out[#out + 1] = "  tls = true," end
    if about.ca_file then
      out[#out + 1] = ("  tls_ca_file = %s,"):format(text.quote(about.ca_file))
    end
    if about.user then out[#out + 1] = ("  user_name = %s,"):format(text.quote(about.user)) end
    if about.password_file then
      out[#out + 1] = ("  password = file %s,"):format(text.quote(about.password_file))
    end
  end
end

-- The filters as they were asked; where another line takes a part of '#', the rest by first levels.
local function write_filters(out, about, good, beside)
  local filters = about.filters
  if beside and #filters == 1 and filters[1] == "#" then
    local seen, firsts = {}, {}
    for _, t in ipairs(good) do
      local first = t.levels[1]
      if not seen[first] then firsts[#firsts + 1] = first .. "/#" end
      seen[first] = true
    end
    table.sort(firsts)
    if #firsts <= FIRST_LEVELS then filters = firsts end
  end
  local quoted = {}
  for i, filter in ipairs(filters) do quoted[i] = text.quote(filter) end
  local list = table.concat(quoted, ", ")
  out[#out + 1] = #quoted == 1 and ("  topic_filter = %s,"):format(list)
    or ("  topic_filter = { %s },"):format(list)
  out[#out + 1] = '  payload_type = "JSON",'
end

local function write_devices(out, source, devices, index, from, used)
  for _, d in ipairs(devices) do
    local address, capture = device.expression(d)
    local levels = table.move(d.levels, 1, d.at, 1, {})
    levels[#levels + 1] = d.part
    write_station(out, names.station(levels, math.min(from, d.at), d.set and d, used), address,
      station.of_device(source, d, capture, source.known),
      { note = ("%s: %s"):format(text.plural(#d.members, "topic"), text.comment(device.pattern(d))),
        commands = d.set and told.of_group(index, d) or told.of_device(index, d),
        instances = d.values and #d.values > 5000 and 2 * #d.values or nil })
  end
end

local function write_groups(out, source, groups, index, from, used)
  for _, g in ipairs(groups) do
    local address, note = expression(g)
    local n = #g.members
    write_station(out, names.station(g.levels, from, g, used), address,
      station.of(source, g.members, g.at, source.known),
      { note = note or ("%s: %s"):format(text.plural(n, "topic"), text.comment(g.pattern)),
        commands = told.of_group(index, g), instances = n > 5000 and 2 * n or nil })
  end
end

local function write_singles(out, source, single, index, from, used)
  for _, t in ipairs(single) do
    local address = single_address(t)
    if address then
      write_station(out, names.station(t.levels, from, nil, used), address,
        station.of(source, { t }, nil, source.known),
        { commands = told.of_topic(index, t) })
    end
  end
end

local function write_rest(out, commands, left, order)
  local function mention(what, list)
    if #list == 0 then return end
    out[#out + 1] = ""
    out[#out + 1] = ("  -- %s: %s"):format(what, text.plural(#list, "topic"))
    for i = 1, math.min(#list, MENTIONED) do
      out[#out + 1] = "  --   " .. text.comment(list[i])
    end
    if #list > MENTIONED then out[#out + 1] = "  --   …" end
  end
  local untold = {}
  for _, c in ipairs(commands) do
    if not c.told then untold[#untold + 1] = c.topic end
  end
  mention("Topics that devices listen to (OUT_TOPIC is for these)", untold)
  for _, why in ipairs(order) do mention("Left out, " .. why, left[why]) end
end

local function uses_lorawan(out)
  for _, line in ipairs(out) do
    if line:find "^    decode = lorawan%." then return true end
  end
  return false
end

local function write_line(out, source, about, name, parts)
  local used, index = {}, told.index(parts.commands)
  local shared = names.shared(parts.good)
  local from = shared and 2 or 1
  local groups, single = group.of(parts.good)
  local devices
  devices, groups, single = device.of(source, groups, single, parts.all)
  for _, t in ipairs(single) do t.is_exact = is_exact(t.topic) end
  group.find_foreign(groups, parts.all)
  out[#out + 1] = ("line %s {"):format(text.quote(name))
  head_of(about)(out)
  write_filters(out, about, parts.good, #parts.spb > 0)
  write_devices(out, source, devices, index, from, used)
  write_groups(out, source, groups, index, from, used)
  write_singles(out, source, single, index, from, used)
  write_rest(out, parts.commands, parts.left, parts.order)
  out[#out + 1] = "}"
end

--- The text of a config. `source.sample(i, n)` gives payloads; `topics` as survey.lua makes them;
--- `about`: host, port, tls, ca_file, user, password_file, filters, title.
function config.text(source, topics, about)
  source = { sample = source.sample, known = facts.of(source, topics) }
  local parts = { all = topics }
  parts.good, parts.commands, parts.spb, parts.left, parts.order = sort_out(topics)
  local silent = facts.commands(source.known, topics)
  table.move(silent, 1, #silent, #parts.commands + 1, parts.commands)
  for _, c in ipairs(parts.commands) do c.told = nil end
  local body, used = {}, {}
  if #parts.good > 0 or #parts.spb == 0 then
    local name = tags.unique(names.shared(parts.good) or "broker", used)
    write_line(body, source, about, name, parts)
  end
  local nodes = sparkplug.nodes(source, parts.spb)
  if #nodes > 0 then
    sparkplug.write(body, nodes, head_of(about), tags.unique("sparkplug", used))
  end
  local out = { "-- " .. about.title,
    "-- Names, types and units are guessed from the messages: check them." }
  if uses_lorawan(body) then
    out[#out + 1] = ""
    out[#out + 1] = 'local lorawan = require "tagline.codec.lorawan"'
  end
  out[#out + 1] = ""
  table.move(body, 1, #body, #out + 1, out)
  return table.concat(out, "\n") .. "\n"
end

return config
