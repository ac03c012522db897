--- What devices tell about themselves: Home Assistant's discovery, Homie's attributes,
--- Zigbee2MQTT's list of devices. From it come units, names, types, and the topics that are
--- written.
local kind = require "tagline.discover.kind"
local text = require "tagline.discover.text"
local units = require "tagline.discover.units"

local facts = {}

local function is_text(value) return type(value) == "string" and value ~= "" and #value <= 200 end

local function add(all, topic, path, fact)
  if not is_text(topic) then return end
  all.by_topic[topic] = all.by_topic[topic] or {}
  local here = all.by_topic[topic]
  if here[path] == nil then here[path] = fact end
end

-- `beside`: the topic whose value it sets.
local function add_command(all, topic, beside)
  if is_text(topic) and not topic:find "[+#]" then
    all.commands[topic] = all.commands[topic] or beside or topic
  end
end

-- The newest payload that was kept of a topic.
local function payload_of(source, t)
  for n = 3, 1, -1 do
    local payload = source.sample(t.index, n)
    if payload and payload ~= "" then return payload end
  end
  return nil
end

local function document_of(source, t)
  local payload = payload_of(source, t)
  local doc = payload and kind.document("JSON", payload)
  return type(doc) == "table" and doc or nil
end

-- ---- Home Assistant ----

-- Names as they are written out, and as they are shortened.
local short = { state_topic = "stat_t", value_template = "val_tpl",
  unit_of_measurement = "unit_of_meas", device_class = "dev_cla", command_topic = "cmd_t",
  payload_on = "pl_on", payload_off = "pl_off", state_on = "stat_on", state_off = "stat_off",
  components = "cmps", platform = "p", options = "ops" }

local function get(entity, name)
  local value = entity[name]
  if value == nil then value = entity[short[name] or name] end
  return value
end

local function topic_of(entity, name)
  local topic, base = get(entity, name), entity["~"]
  if not is_text(topic) then return nil end
  if is_text(base) then
    topic = topic:gsub("^~", function() return base end):gsub("~$", function() return base end)
  end
  return topic
end

local harmless = { float = true, int = true, round = true, default = true, is_defined = true,
  string = true }

-- Filters that leave a value what it is: "| float | round(1)".
local function are_harmless(filters)
  for name in filters:gmatch "|%s*([%w_]+)" do
    if not harmless[name] then return false end
  end
  return true
end

--- "{{ value_json.a['b'][0] / 10 }}": the address a.b[1], and 0.1; nil where it is not as simple.
function facts.template(template)
  if template == nil then return "", 1 end
  local inner = type(template) == "string" and template:match "^%s*{{%s*(.-)%s*}}%s*$"
  if not inner then return nil end
  local name, rest = inner:match "^%(?%s*(value[%w_]*)(.*)$"
  local path = ""
  if name ~= "value" and name ~= "value_json" then return nil end
  while true do
    local key, after = rest:match "^%.([%a_][%w_]*)(.*)$"
    if not key then key, after = rest:match "^%[%s*['\"]([%w_ -]+)['\"]%s*%](.*)$" end
    if key then path = path == "" and key or path .. "." .. key end
    if not key then
      key, after = rest:match "^%[(%d+)%](.*)$"
      if key then path = ("%s[%d]"):format(path, tonumber(key) + 1) end
    end
    if not key then break end
    rest = after
  end
  if (name == "value") ~= (path == "") then return nil end
  local casts, sign, by, filters = rest:match "^([%s|%a]*)%)?%s*([*/])%s*([%d.]+)%s*%)?%s*(.*)$"
  if not sign then
    if not rest:find "^%s*%)?%s*|" and rest:find "%S" then return nil end
    return are_harmless(rest) and path or nil, 1
  end
  local factor = tonumber(by)
  if not factor or factor == 0 or not are_harmless(casts) or not are_harmless(filters)
    or filters ~= "" and not filters:find "^|" then return nil end
  return path, sign == "*" and factor or 1 / factor
end

local by_class = { battery = "%", humidity = "%", temperature = "°C", power = "W", voltage = "V",
  current = "A", energy = "kWh", frequency = "Hz", illuminance = "lx", signal_strength = "dBm" }

local two_states = { binary_sensor = true, switch = true }

-- What stands for on and off: nothing where that is no text (true and false are read anyway).
local function states(entity, component, fact)
  local on, off = get(entity, "state_on"), get(entity, "state_off")
  if component == "binary_sensor" or on == nil then on = get(entity, "payload_on") end
  if component == "binary_sensor" or off == nil then off = get(entity, "payload_off") end
  fact.on, fact.off = on == nil and "ON" or on, off == nil and "OFF" or off
end

local function entity_fact(entity, component, factor)
  local class, name = get(entity, "device_class"), entity.name
  local unit = get(entity, "unit_of_measurement")
  local fact = { unit = is_text(unit) and unit or nil, factor = factor ~= 1 and factor or nil,
    description = is_text(name) and name or is_text(class) and class or nil }
  if not fact.unit and by_class[class] and component == "sensor" then
    fact.unit, fact.guessed = by_class[class], true
  end
  if two_states[component] then states(entity, component, fact) end
  return fact
end

local function add_entity(all, entity, component)
  local state, command = topic_of(entity, "state_topic"), topic_of(entity, "command_topic")
  add_command(all, command, state)
  local path, factor = facts.template(get(entity, "value_template"))
  if state and path then add(all, state, path, entity_fact(entity, component, factor)) end
end

local function with_parent(entity, parent)
  return setmetatable(entity, { __index = function(_, name)
    return (name == "~" or name == "state_topic" or name == "stat_t") and parent[name] or nil
  end })
end

local function home_assistant(all, t, doc)
  local parts = get(doc, "components")
  if type(parts) == "table" then
    for _, entity in pairs(parts) do
      if type(entity) == "table" then
        local component = get(entity, "platform")
        add_entity(all, with_parent(entity, doc), component)
      end
    end
    return
  end
  local levels = t.levels
  local component = levels[#levels - 2]
  if not two_states[component] and component ~= "sensor" and #levels > 3 then
    component = levels[#levels - 3]
  end
  add_entity(all, doc, component)
end

-- ---- Homie ----

local homie_types = { integer = "Ci", float = "Ai", percent = "Ai", boolean = "Di", string = "TxtI",
  enum = "TxtI", color = "TxtI", datetime = "TxtI", duration = "TxtI" }

local function homie_property(all, topic, p)
  local type_ = homie_types[p.datatype]
  local fact = { type = type_, unit = is_text(p.unit) and p.unit or nil,
    description = is_text(p.name) and p.name or nil }
  if is_text(p.format) and (type_ == "Ai" or type_ == "Ci") then
    local low, high = p.format:match "^(-?[%d.]+):(-?[%d.]+)"
    low, high = tonumber(low), tonumber(high)
    if low and high and low < high then fact.range = { low, high } end
  elseif is_text(p.format) and p.datatype == "enum" then
    fact.description = ("%s: %s"):format(fact.description or "one of", p.format)
  elseif is_text(p.format) and p.datatype == "boolean" then
    fact.off, fact.on = p.format:match "^([^,]+),([^,]+)$"
  end
  add(all, topic, "", fact)
  if p.settable == true or p.settable == "true" then add_command(all, topic .. "/set", topic) end
end

local function homie_description(all, device, doc)
  for node, n in pairs(type(doc.nodes) == "table" and doc.nodes or {}) do
    local list = type(n) == "table" and n.properties
    for name, p in pairs(type(list) == "table" and list or {}) do
      if type(p) == "table" and type(name) == "string" and type(node) == "string" then
        homie_property(all, ("%s/%s/%s"):format(device, node, name), p)
      end
    end
  end
end

local function homie_attribute(properties, source, t)
  local levels = t.levels
  local topic = table.concat(levels, "/", 1, #levels - 1)
  properties[topic] = properties[topic] or {}
  properties[topic][levels[#levels]:sub(2)] = payload_of(source, t)
end

-- ---- Zigbee2MQTT ----

local function zigbee_exposes(all, topic, list, path)
  for _, e in ipairs(type(list) == "table" and list or {}) do
    local property = type(e) == "table" and is_text(e.property) and e.property
    local here = property and (path == "" and property or path .. "." .. property)
    if type(e) == "table" and e.features then
      zigbee_exposes(all, topic, e.features, e.type == "composite" and here or path)
    elseif here then
      local label = is_text(e.description) and e.description or e.label
      local fact = { unit = is_text(e.unit) and e.unit or nil,
        description = is_text(label) and label or nil }
      if e.type == "binary" then fact.on, fact.off = e.value_on, e.value_off end
      add(all, topic, here, fact)
      if math.type(e.access) == "integer" and e.access & 2 ~= 0 then
        add_command(all, topic .. "/set", topic)
      end
    end
  end
end

local function zigbee_devices(all, t, doc)
  local base = table.concat(t.levels, "/", 1, #t.levels - 2)
  for _, d in ipairs(doc) do
    local definition = type(d) == "table" and d.definition
    if type(definition) == "table" and is_text(d.friendly_name) then
      zigbee_exposes(all, base .. "/" .. d.friendly_name, definition.exposes, "")
    end
  end
end

-- ---- all of them ----

--- What `topics` (as survey.lua makes them) tell of others.
function facts.of(source, topics)
  local all, properties = { by_topic = {}, commands = {} }, {}
  for _, t in ipairs(topics) do
    local last = t.levels[#t.levels]
    if t.kind == "Home Assistant discovery" then
      local doc = document_of(source, t)
      if doc then home_assistant(all, t, doc) end
    elseif t.kind == "Homie" and last == "$description" then
      local doc = document_of(source, t)
      if doc then homie_description(all, table.concat(t.levels, "/", 1, #t.levels - 1), doc) end
    elseif t.kind == "Homie" and last:byte() == 36 then
      homie_attribute(properties, source, t)
    elseif last == "devices" and t.levels[#t.levels - 1] == "bridge" then
      local doc = document_of(source, t)
      if doc then zigbee_devices(all, t, doc) end
    end
  end
  for topic, p in pairs(properties) do
    if p.datatype or p.unit then homie_property(all, topic, p) end
  end
  return all
end

-- What all say alike; nil where they differ.
local function agreed(list, name)
  local value = list[1][name]
  for _, fact in ipairs(list) do
    if name ~= "range" and fact[name] ~= value then return nil end
  end
  return value
end

--- What is known of the field at `path` ("" is the whole payload) of these topics; nil when nothing
--- is.
function facts.find(all, members, path)
  local list = {}
  for _, t in ipairs(members) do
    local here = all.by_topic[t.topic]
    if here and here[path] then list[#list + 1] = here[path] end
  end
  if #list == 0 then return nil end
  local fact = {}
  for _, name in ipairs { "unit", "guessed", "type", "on", "off", "range", "description",
    "factor" } do
    fact[name] = agreed(list, name)
  end
  return fact
end

--- Topics that devices listen to by their own words, though nothing was written to them.
function facts.commands(all, topics)
  local heard, list = {}, {}
  for _, t in ipairs(topics) do heard[t.topic] = true end
  for topic, beside in pairs(all.commands) do
    if not heard[topic] then
      list[#list + 1] = { topic = topic, levels = text.levels(topic), beside = beside }
    end
  end
  table.sort(list, function(a, b) return a.topic < b.topic end)
  return list
end

-- ---- names that a kind of device always uses ----

local tasmota = { Power = "W", ApparentPower = "VA", ReactivePower = "var", Voltage = "V",
  Current = "A", Total = "kWh", Today = "kWh", Yesterday = "kWh", Frequency = "Hz",
  Humidity = "%", RSSI = "%", Signal = "dBm", UptimeSec = "s", Vcc = "V", Illuminance = "lx",
  CarbonDioxide = "ppm", Distance = "cm" }

local shelly = { apower = "W", act_power = "W", aprt_power = "VA", power = "W", voltage = "V",
  current = "A", freq = "Hz", tC = "°C", tF = "°F", temperature = "°C", temperature_f = "°F",
  rssi = "dBm", uptime = "s", total_act_energy = "Wh", total_act_ret_energy = "Wh",
  total_act = "Wh", total_act_ret = "Wh", rh = "%" }

local zigbee = { linkquality = "lqi" }

-- The words of this path; a selector's value is none.
local function last_of(words)
  for i = #words, 1, -1 do
    if not words[i]:find "^%d+$" then return words[i], words[i - 1] end
  end
  return nil
end

--- The unit that every device of this kind means; nil when none is known. `words`: the levels of
--- the field's name, or of the topic; `doc`: a document that has the field.
function facts.unit(of, words, doc)
  local name, before = last_of(words)
  if of == "Tasmota" then
    if before == "ENERGY" or tasmota[name] then return tasmota[name] end
    local is_temperature = name == "Temperature" or name == "DewPoint"
    return is_temperature and type(doc) == "table" and units.degree(doc.TempUnit) or nil
  elseif of == "Shelly" then
    if name == "total" and (before == "aenergy" or before == "ret_aenergy") then return "Wh" end
    local of_channel = before and before:find "^%d+$"
    if of_channel and (name == "energy" or name == "total") then
      return name == "total" and "Wh" or "W·min"
    end
    return shelly[name]
  elseif of == "Zigbee2MQTT" then
    return zigbee[name]
  end
  return nil
end

return facts
