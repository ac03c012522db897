--- Looks through what was heard: a table for each topic with its kind, and the groups they form.
---
--- `source` is where the messages are: count() topics, topic(i), sample(i, n) as the module
--- tagline.discovered has them.
local fields = require "tagline.discover.fields"
local group = require "tagline.discover.group"
local kind = require "tagline.discover.kind"
local text = require "tagline.discover.text"

local survey = {}

-- Does another payload of a document's topic look like one, too? Then it is not read here.
local function is_alike(t, payload)
  return t.signature ~= nil and t.codec == nil and payload:byte() == t.begins
end

-- What most of the kept payloads are; an empty one says nothing when there are others.
local function look(source, t)
  for n = 1, 3 do
    local payload = source.sample(t.index, n)
    if payload and not is_alike(t, payload) then
      local found = kind.of(t.levels, payload)
      if not t.shape or t.shape == "empty" then
        t.kind, t.shape, t.codec, t.uplink = found.name, found.shape, found.codec, found.uplink
        t.prepare = found.prepare
        if found.doc ~= nil then
          t.signature, t.begins = fields.signature(found.doc), payload:byte()
        end
      elseif found.shape ~= t.shape and found.shape ~= "empty" then
        t.mixed = true
        -- numbers and now and then "unavailable": texts
        if t.shape == "number" then
          t.kind, t.shape = found.name, found.shape
          if found.doc ~= nil then t.signature = fields.signature(found.doc) end
        end
      end
      t.uplink = t.uplink or found.uplink
    end
  end
  t.kind = t.kind or "unknown"
  t.command = kind.is_command(t.levels, t.kind)
end

--- The topics that `wanted(topic)` lets in (all without it), in the order of their names.
function survey.topics(source, wanted)
  local topics = {}
  for i = 1, source.count do
    local topic, count, bytes, smallest, largest, retained, first, last = source.topic(i)
    if not wanted or wanted(topic) then
      topics[#topics + 1] = { index = i, topic = topic, levels = text.levels(topic), count = count,
        bytes = bytes, smallest = smallest, largest = largest, retained = retained, first = first,
        last = last }
    end
  end
  table.sort(topics, function(a, b) return a.topic < b.topic end)
  for _, t in ipairs(topics) do look(source, t) end
  kind.contexts(topics)
  return topics
end

--- Groups, and the topics that are in none.
function survey.groups(topics)
  for _, t in ipairs(topics) do t.group = nil end
  return group.of(topics)
end

return survey
