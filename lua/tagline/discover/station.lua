--- One station of the config that discover writes: for a topic, or for a group of topics.
local codecs = require "tagline.codec.lorawan"
local facts = require "tagline.discover.facts"
local fields = require "tagline.discover.fields"
local kind = require "tagline.discover.kind"
local tags = require "tagline.discover.tags"
local text = require "tagline.discover.text"
local times = require "tagline.discover.times"
local units = require "tagline.discover.units"

local station = {}

local DOCUMENTS = 300 -- that are looked at, of a group

--- Tags that an envelope of LoRaWAN fills, in their order.
local envelope = {
  { "payload", "TxtI" }, { "port", "Ci" }, { "counter", "Ci" }, { "dev_eui", "TxtI" },
  { "device_id", "TxtI" }, { "application_id", "TxtI" }, { "rssi", "Ai", "dBm" },
  { "snr", "Ai", "dB" }, { "gateway", "TxtI" }, { "gateways", "Ci" },
  { "frequency", "Ai", "Hz" }, { "bandwidth", "Ai", "Hz" }, { "spreading_factor", "Ci" },
  { "data_rate", "TxtI" }, { "coding_rate", "TxtI" }, { "confirmed", "Di" },
}

--- Where a server puts what a decoder of its own made of the bytes.
local decoded = { things_stack_v3 = "uplink_message.decoded_payload",
  things_network_v2 = "payload_fields", chirpstack_v4 = "object", chirpstack_v3 = "object",
  chirpstack_v2 = "object", rak = "object", live_objects = "value",
  actility = "DevEUI_uplink.payload", helium = "decoded.payload" }

-- The payloads that were kept, of all members in turn: { payload, time, retained, topic }.
local function samples_of(source, members)
  local list = {}
  for n = 1, 3 do
    for _, t in ipairs(members) do
      if #list >= DOCUMENTS then return list end
      local payload, time, retained = source.sample(t.index, n)
      if payload then
        list[#list + 1] = { payload = payload, time = time, retained = retained, topic = t.topic }
      end
    end
  end
  return list
end

local function add_line(s, name, written, comment)
  s.lines[#s.lines + 1] = { name = name, written = written, comment = comment }
end

local function add_comment(s, line) s.lines[#s.lines + 1] = { comment = line } end

-- ---- documents ----

local function siblings_of(list)
  local set = {}
  for _, f in ipairs(list) do
    set[table.concat(units.words(f.words[#f.words] or ""), "_")] = true
  end
  return set
end

local function set_time(s, into, near)
  local f, mask, zone = times.field(into.list, into.docs, near)
  if not f then return nil end
  s.time_field_name, s.time_mask, s.time_zone = f.path, mask, zone
  return f, mask
end

-- What the devices, or all of their kind, say of a field; `doc`: one that has it.
local function learn(s, one, path, words, values, doc)
  local fact = s.known and facts.find(s.known, s.members, path)
  if fact then tags.apply(one, fact, values) end
  if (fact and fact.unit) or one.type ~= "Ai" and one.type ~= "Ci" then return end
  local unit = facts.unit(s.members[1].kind, words, doc)
  if unit then tags.set_unit(one, unit) end
end

local function add_fields(s, into, list, mask, near)
  local siblings, good = siblings_of(list), {}
  tags.find_fractions(list)
  for _, f in ipairs(list) do
    if tags.is_address(f.path) then
      good[#good + 1] = f
    else
      add_comment(s, "a field that no address reaches: " .. text.comment(f.path))
    end
  end
  local names = tags.names(good, s.used)
  for i, f in ipairs(good) do
    local one = tags.of_field(f, siblings, mask, near)
    if one then
      learn(s, one, f.path, f.words, f.values, into.first)
      local written, comment = tags.write(one, "JA=" .. f.path)
      add_line(s, names[i], written, comment)
    else
      add_comment(s, ("%s: only null was heard (JA=%s)"):format(names[i],
        text.quote(f.path):sub(2, -2)))
    end
    if f.docs < into.docs then s.on_missing = "keep" end
  end
  if into.left > 0 then
    add_comment(s, text.plural(into.left, "further field") .. ", which were left out")
  end
end

local function under(list, path)
  local found = {}
  for _, f in ipairs(list) do
    if f.path:sub(1, #path + 1) == path .. "." or f.path:sub(1, #path + 1) == path .. "[" then
      found[#found + 1] = f
    end
  end
  return found
end

local function add_envelope(s, codec, uplinks)
  s.codec = codec
  local seen = {}
  for _, up in ipairs(uplinks) do
    for name in pairs(up) do seen[name] = true end
  end
  for _, row in ipairs(envelope) do
    if seen[row[1]] then
      s.used[row[1]] = true
      add_line(s, row[1], row[3] and ("%s { unit = %s }"):format(row[2], text.quote(row[3]))
        or row[2] .. " {}")
    end
  end
end

local function documents(s, samples, first)
  local into, near, uplinks = fields.new(), 0, {}
  for _, one in ipairs(samples) do
    local doc, prepare = kind.document(first.shape, one.payload)
    if doc ~= nil then
      near = math.max(near, one.time)
      fields.add(into, doc, not one.retained and one.time or nil)
      into.first = into.first or doc
      if prepare then s.prepare = prepare end
      local up = first.uplink and codecs[first.codec].uplink(doc, one.topic)
      if up then uplinks[#uplinks + 1] = up end
    end
  end
  s.payload_type = kind.payload_types[first.shape]
  if #uplinks > 0 then
    add_envelope(s, first.codec, uplinks)
    local path = decoded[first.codec]
    local list = path and under(into.list, path) or {}
    for i = #list, 1, -1 do
      if list[i].path == "value.payload" then table.remove(list, i) end
    end
    return add_fields(s, into, list, nil, near)
  end
  local time, mask = set_time(s, into, near)
  local list = {}
  for _, f in ipairs(into.list) do
    if f ~= time then list[#list + 1] = f end
  end
  add_fields(s, into, list, mask, near)
end

-- ---- whole payloads ----

-- What the topic calls its value: the last level that does not vary.
local function name_of(levels, at)
  local name = levels[#levels]
  if at == #levels and #levels > 1 then name = levels[#levels - 1] end
  return name
end

local function whole(s, samples, first, at)
  local payloads = {}
  for i, one in ipairs(samples) do payloads[i] = one.payload end
  if first.shape == "binary" then
    add_line(s, "payload", 'TxtI "IN_DATA"')
    add_comment(s, "bytes of an unknown kind: decode = function(msg) … string.unpack(\">I2\", "
      .. "msg.payload) … end turns them into values")
    return
  end
  local one = tags.of_payloads(name_of(first.levels, at), payloads)
  learn(s, one, "", first.levels, payloads)
  local written, comment = tags.write(one, "IN_DATA")
  add_line(s, "value", written, comment)
end

--- What a station of these topics needs: { lines, payload_type, prepare, time_field_name,
--- time_mask, time_zone, on_missing, codec }. A line: name and how it is written, and a comment;
--- or a comment alone. `at`: the level that varies, nil for a single topic; `known`: facts.of.
function station.of(source, members, at, known)
  local first = members[1]
  for _, t in ipairs(members) do
    if t.uplink then
      first = t
      break
    end
  end
  local s = { lines = {}, used = {}, known = known, members = members }
  local samples = samples_of(source, members)
  if kind.payload_types[first.shape] then
    documents(s, samples, first)
  else
    whole(s, samples, first, at)
  end
  local has_tag = false
  for _, line in ipairs(s.lines) do has_tag = has_tag or line.name ~= nil end
  if not has_tag then add_line(s, tags.unique("payload", s.used), 'TxtI "IN_DATA"') end
  return s
end

-- The lines of a decode that gives a payload to its tag.
local function decode_lines(d, names, capture)
  local key = ("msg.captures[%d]"):format(capture)
  local lines, plain = { "local tag_of = {" }, true
  for i, one in ipairs(d.tails) do
    lines[i + 1] = ("  [%s] = %s,"):format(text.quote(one.tail), text.quote(names[i]))
    plain = plain and names[i] == one.tail
  end
  if plain then return { ("return { [%s] = msg.payload }"):format(key) } end
  lines[#lines + 1] = "}"
  lines[#lines + 1] = ("return { [tag_of[%s]] = msg.payload }"):format(key)
  return lines
end

--- The station of a device (device.of): a tag for each of its topics, and the lines of a decode
--- that gives each payload to its tag. `capture`: the group of the address that says which.
function station.of_device(source, d, capture, known)
  local s = { lines = {}, used = {}, known = known, payload_type = "JSON" }
  local names = {}
  for i, one in ipairs(d.tails) do
    local name = text.name((one.tail:gsub("/state$", ""):gsub("/", "_")))
    names[i] = tags.unique(name ~= "" and name or "value", s.used)
    local payloads = {}
    for k, sample in ipairs(samples_of(source, one.members)) do payloads[k] = sample.payload end
    local tag = tags.of_payloads(one.levels[#one.levels], payloads)
    s.members = one.members
    learn(s, tag, "", one.levels, payloads)
    add_line(s, names[i], tags.write(tag, nil))
  end
  s.decode = decode_lines(d, names, capture)
  return s
end

return station
