-- What the specs of Sparkplug B share: bytes from hexadecimal digits, the vectors, and messages
-- as a station gets them.
local sparkplug_b = require "tagline.codec.sparkplug_b"

local support = {}

function support.bytes(digits)
  return (digits:gsub("%s", ""):gsub("..", function(two) return string.char(tonumber(two, 16)) end))
end

function support.hex(bytes)
  return (bytes:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end

support.TIME = 1486144502122

--- Constructed from the field numbers of the published schema.
support.vectors = {
  nbirth = ""
    .. "08eaf2f5a8a02b12120a05626453657118eaf2f5a8a02b2008580012210a144e6f646520436f6e74726f6c"
    .. "2f5265626972746818eaf2f5a8a02b200b700012160a0454656d70100118eaf2f5a8a02b2009650000ac41"
    .. "12180a054c6576656c100218eaf2f5a8a02b200350fbffffff0f1800",
  ndeath = "08eaf2f5a8a02b12120a05626453657118eaf2f5a8a02b20085800",
  rebirth = "08eaf2f5a8a02b12210a144e6f646520436f6e74726f6c2f5265626972746818eaf2f5a8a02b200b7001",
  null = "12070a014e200a3801",
  double = "120e0a0144200a690000000000000a40",
  string = "120b0a0153200c7a0461686f6a",
}

--- A message as `decode` gets it. `content` is bytes or a payload's table.
function support.msg(topic, content, time)
  local bytes = content
  if type(content) == "table" then bytes = assert(sparkplug_b.encode_bytes(content)) end
  return { topic = topic, payload = bytes, time = time or 1000, qos = 0, retain = false }
end

--- A station with these tags, by name to address (false: none); `published` lists what its line
--- was given to publish.
function support.station(names)
  local station = { full_name = "plant.boiler", tags = {}, published = {} }
  for name, address in pairs(names) do
    station.tags[name] = { name = name, address = address or "" }
  end
  station.line = { publish = function(_, ...)
    if station.refuses then return nil, station.refuses end
    table.insert(station.published, { ... })
    return true
  end }
  return station
end

-- A node G/E with the device D.
function support.node(kind) return "spBv1.0/G/" .. kind .. "/E" end
function support.device(kind, id) return "spBv1.0/G/" .. kind .. "/E/" .. (id or "D") end

function support.nbirth(bdseq, more)
  local metrics = {
    { name = "bdSeq", datatype = "UInt64", value = bdseq or 0 },
    { name = "Node Control/Rebirth", datatype = "Boolean", value = false },
    { name = "Temp", alias = 1, datatype = "Float", value = 21.5 },
    { name = "Level", alias = 2, datatype = "Int32", value = -5 },
  }
  table.move(more or {}, 1, #(more or {}), 5, metrics)
  local payload = { timestamp = support.TIME, seq = 0, metrics = metrics }
  return support.msg(support.node "NBIRTH", payload)
end

function support.ndata(seq, metrics, time)
  local payload = { timestamp = support.TIME, seq = seq, metrics = metrics }
  return support.msg(support.node "NDATA", payload, time)
end

function support.int(alias, bits)
  return { alias = alias, wire = "int_value", wire_value = bits }
end

-- A host whose requests and errors are kept in lists.
function support.host_of(options)
  local asked, errors = {}, {}
  options = options or {}
  options.on_rebirth = options.on_rebirth or function(topic, payload, _, why)
    asked[#asked + 1] = { topic = topic, payload = payload, why = why }
  end
  if options.on_error == nil then
    options.on_error = function(text) errors[#errors + 1] = text end
  end
  if options.on_error == false then options.on_error = nil end
  return sparkplug_b.host(options), asked, errors
end

return support
