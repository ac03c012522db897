--- What a topic's payload is: JSON, CBOR, a number …, and whose. `kind.of` looks at one message;
--- `kind.contexts` finds what only several topics together say.
local cbor = require "tagline.codec.cbor"
local json = require "tagline.discover.json"
local lorawan = require "tagline.discover.lorawan"
local msgpack = require "tagline.codec.msgpack"

local kind = {}

--- Kinds whose payload is a document with addresses.
kind.payload_types = { JSON = "JSON", CBOR = "CBOR", MessagePack = "MessagePack" }

local number = "^%s*[+-]?%d+%.?%d*[eE]?[+-]?%d*%s*$"

local function is_number(payload)
  return payload:find(number) ~= nil and tonumber(payload) ~= nil
    or payload:find "^%s*[+-]?%.%d+%s*$" ~= nil
end

local function is_document(payload) return payload:find '^%s*[{%["]' ~= nil end

-- NaN and Infinity outside of texts, as prepare = "nan" reads them.
local function without_nan(payload)
  return (payload:gsub("([:,%[]%s*)[+-]?[Nn][Aa][Nn](%s*[,%]}])", "%1null%2")
    :gsub("([:,%[]%s*)[+-]?[Ii]nf[inity]*(%s*[,%]}])", "%1null%2"))
end

local function utf8_of_latin1(payload)
  return (payload:gsub("[\x80-\xff]", function(c) return utf8.char(c:byte()) end))
end

local trimmed = function(s) return (s:gsub("^\xEF\xBB\xBF", ""):gsub("^[%z%s]+", "")
  :gsub("[%z%s]+$", "")) end

local repairs = {
  { nil, function(s) return s end },
  { "trim", trimmed },
  { "nan", without_nan },
  { "latin1", utf8_of_latin1 },
}

-- The document, and what prepare must do before it is one.
local function read_json(payload)
  for _, repair in ipairs(repairs) do
    local repaired = repair[2](payload)
    if repair[1] == nil or repaired ~= payload then
      local doc = is_document(repaired) and json.decode(repaired) or nil
      if doc ~= nil then return doc, repair[1] end
    end
  end
  return nil
end

local function size_of(doc)
  local n = 0
  for _ in pairs(doc) do n = n + 1 end
  return n
end

-- A document of several fields or elements; one number is any byte's meaning.
local function read_with(codec, payload)
  local ok, doc = pcall(codec.decode, payload)
  if ok and type(doc) == "table" and size_of(doc) > 0 then return doc end
  return nil
end

local function has_text_key(doc)
  return type(next(doc)) == "string" and next(doc):find "%D" ~= nil
end

local function read_binary(payload)
  if #payload < 3 then return nil end
  local first = payload:byte()
  local map = first >= 0xA0 and first <= 0xBF or payload:sub(1, 3) == "\xD9\xD9\xF7"
  local a = (map or first >= 0x80 and first <= 0x9F or first >= 0xC0 and first <= 0xDB)
    and read_with(cbor, payload)
  local b = (first >= 0x80 and first <= 0x9F or first >= 0xDC and first <= 0xDF)
    and read_with(msgpack, payload)
  if a and b then
    if has_text_key(b) and not has_text_key(a) then a = nil else b = nil end
  end
  if a then return "CBOR", a end
  if b then return "MessagePack", b end
  return nil
end

--- The parsed document of a payload of this kind, and how it must be prepared.
function kind.document(name, payload)
  if name == "CBOR" then return read_with(cbor, payload) end
  if name == "MessagePack" then return read_with(msgpack, payload) end
  return read_json(payload)
end

-- ---- what the topic says ----

local sparkplug_types = { NBIRTH = 4, NDEATH = 4, NDATA = 4, NCMD = 4, DBIRTH = 5, DDEATH = 5,
  DDATA = 5, DCMD = 5 }

local function is_sparkplug(levels)
  if levels[1] ~= "spBv1.0" then return false end
  return levels[2] == "STATE" and #levels == 3 or sparkplug_types[levels[3] or ""] == #levels
end

local home_assistant_fields = { "state_topic", "stat_t", "command_topic", "cmd_t", "unique_id",
  "uniq_id", "device", "dev", "~", "components", "cmps" }

local function is_home_assistant(levels, doc)
  if levels[#levels] ~= "config" or #levels < 3 or type(doc) ~= "table" then return false end
  for _, field in ipairs(home_assistant_fields) do
    if doc[field] ~= nil then return true end
  end
  return false
end

local tasmota_first = { tele = true, stat = true, cmnd = true }
local tasmota_last = { STATE = true, SENSOR = true, LWT = true, INFO1 = true, INFO2 = true,
  INFO3 = true, RESULT = true, UPTIME = true, HASS_STATE = true, ENERGY = true, MARGINS = true }

-- Also with the prefix behind the device: FullTopic %topic%/%prefix%/.
local function is_tasmota(levels)
  if levels[1] == "tasmota" and levels[2] == "discovery" then return true end
  local last = levels[#levels]
  local prefix = tasmota_first[levels[1]] and levels[1] or levels[#levels - 1]
  return #levels >= 3 and tasmota_first[prefix] and (prefix == "cmnd" or tasmota_last[last]
    or last:find "^STATUS%d*$" ~= nil or last:find "^POWER%d*$" ~= nil)
end

local function is_shelly(levels, doc)
  if levels[1] == "shellies" or levels[1]:find "^shelly%w*%-" then return true end
  local last = levels[#levels]
  if last == "rpc" and levels[#levels - 1] == "events" then
    return type(doc) == "table" and type(doc.src) == "string" and doc.method ~= nil
  end
  return levels[#levels - 1] == "status" and last:find "^%l+:%d+$" ~= nil
end

-- ---- one message ----

local function special(levels, doc)
  if is_sparkplug(levels) then return "Sparkplug B" end
  if is_home_assistant(levels, doc) then return "Home Assistant discovery" end
  if is_tasmota(levels) then return "Tasmota" end
  if is_shelly(levels, doc) then return "Shelly" end
  return nil
end

local function shape_of(payload)
  if payload == "" then return "empty" end
  if is_number(payload) then return "number" end
  local doc, prepare = read_json(payload)
  if doc ~= nil then return "JSON", doc, prepare end
  local good = utf8.len(payload)
  if good and not payload:find "[^%C\t\r\n]" then return "text" end
  local name, binary = read_binary(payload)
  if name then return name, binary end
  return "binary"
end

--- { name, shape, doc, prepare, codec, uplink }: `shape` is how the payload is written (JSON, CBOR,
--- MessagePack, number, text, binary, empty), `name` whose it is where that is known, else the
--- same.
function kind.of(levels, payload)
  local shape, doc, prepare = shape_of(payload)
  local found = { shape = shape, doc = doc, prepare = prepare, name = special(levels, doc) }
  if not found.name and shape == "JSON" then
    local server, codec, uplink = lorawan.of(doc)
    if server then
      found.name, found.codec, found.uplink = "LoRaWAN: " .. server, codec, uplink
    end
  end
  found.name = found.name or shape
  return found
end

-- ---- what several topics say ----

local states = { state = true, info = true, devices = true, groups = true, config = true }

--- Zigbee2MQTT and Homie are known by topics beside those of the devices; a Shelly of generation
--- 2 by one of its channels. `topics` are { topic, levels, kind }; their kinds are set.
function kind.contexts(topics)
  local zigbee, homie, shelly = {}, {}, {}
  for _, t in ipairs(topics) do
    local levels = t.levels
    local n = #levels
    if n >= 3 and levels[n - 1] == "bridge" and states[levels[n]] then
      zigbee[table.concat(levels, "/", 1, n - 2)] = n - 2
    elseif n >= 3 and (levels[n] == "$homie" or levels[n] == "$state") then
      homie[table.concat(levels, "/", 1, n - 2)] = n - 2
    elseif levels[1] == "homie" and n >= 3 then
      homie.homie = 1
    elseif levels[1] == "zigbee2mqtt" and n >= 2 then
      zigbee.zigbee2mqtt = 1
    elseif t.kind == "Shelly" and n >= 3 and levels[n - 1] == "status" then
      shelly[table.concat(levels, "/", 1, n - 2)] = n - 2
    end
  end
  local function mark(bases, name)
    if not next(bases) then return end
    for _, t in ipairs(topics) do
      if t.kind == t.shape then
        for n = 1, math.min(#t.levels - 1, 6) do
          if bases[table.concat(t.levels, "/", 1, n)] == n then t.kind, t.base = name, n end
        end
      end
    end
  end
  mark(zigbee, "Zigbee2MQTT")
  mark(homie, "Homie")
  mark(shelly, "Shelly")
end

-- ESPHome: DEVICE/sensor/NAME/state.
local esphome = {}
for word in ("sensor binary_sensor switch light number select text_sensor climate cover fan lock "
  .. "button text"):gmatch "[%w_]+" do
  esphome[word] = true
end

--- The level that names the device, where the kind of the topic tells; else nil.
function kind.device_level(t)
  local levels = t.levels
  if t.kind == "Homie" then
    return levels[1] == "homie" and levels[2] == "5" and 3 or (t.base or 1) + 1
  end
  if levels[1] == "shellies" and #levels > 2 then return 2 end
  if levels[#levels] == "state" and esphome[levels[#levels - 2]] and #levels > 3 then
    return #levels - 3
  end
  return nil
end

-- ---- who writes to a topic ----

local asks = { set = true, get = true, cmd = true, command = true, commands = true, cmnd = true,
  write = true, request = true, downlink = true }

--- Is it a topic that devices listen to, and others write?
function kind.is_command(levels, name)
  local n = #levels
  if name == "Sparkplug B" then return levels[3] == "NCMD" or levels[3] == "DCMD" end
  if n > 1 and levels[1] == "cmnd" or name == "Tasmota" and levels[n - 1] == "cmnd" then
    return true
  end
  if n > 1 and asks[levels[n]] then return true end
  if n > 2 and levels[n - 1] == "down" and (levels[n] == "push" or levels[n] == "replace") then
    return true
  end
  if n > 2 and levels[n - 1] == "command" then return true end
  return name == "Shelly" and levels[n] == "rpc" and levels[n - 1] ~= "events"
end

return kind
