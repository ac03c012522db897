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
    .. "08eaf2f5a8a02b12120a05626453657118eaf2f5a8a02b2008580012210a144e6f646520436f6e74726f6c2f5265626972746818eaf2f5a8a02b20"
    .. "0b700012160a0454656d70100118eaf2f5a8a02b2009650000ac4112180a054c6576656c100218eaf2f5a8a02b200350fbffffff0f1800",
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

return support
