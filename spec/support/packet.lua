-- MQTT 3.1.1 packets to and from bytes, for scripted brokers. Written apart from the program
-- under test, so that a mistake in one does not hide in the other. Encoders send whatever they
-- are told, right or wrong; the decoder is strict and raises.
local packet = {}

packet.NAMES = {
  "CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBSCRIBE", "SUBACK",
    "UNSUBSCRIBE", "UNSUBACK",
  "PINGREQ", "PINGRESP", "DISCONNECT",
}
packet.CODES = {}
for code, name in ipairs(packet.NAMES) do packet.CODES[name] = code end
local FLAGS = { PUBREL = 2, SUBSCRIBE = 2, UNSUBSCRIBE = 2 }

-- Remaining length as MQTT writes it; `width` forces that many bytes.
function packet.length(n, width)
  local out = {}
  repeat
    local byte = n % 128
    n = n // 128
    local more = n > 0 or (width and #out + 1 < width)
    out[#out + 1] = string.char(more and byte | 128 or byte)
  until not more
  return table.concat(out)
end

-- A whole packet out of its parts. `flags` is the low nibble of the first byte.
function packet.raw(type, flags, body)
  return string.char((packet.CODES[type] or type) << 4 | flags) .. packet.length(#body) .. body
end

local function text(s) return string.pack(">s2", s) end
local function id(p) return string.pack(">I2", p.id) end

local bodies = {
  CONNACK = function(p) return string.char(p.session_present and 1 or 0, p.code or 0) end,
  PUBLISH = function(p)
    local qos = p.qos or 0
    return text(p.topic) .. (qos > 0 and id(p) or "") .. (p.payload or ""),
      (p.dup and 8 or 0) | qos << 1 | (p.retain and 1 or 0)
  end,
  PUBACK = id, PUBREC = id, PUBREL = id, PUBCOMP = id, UNSUBACK = id,
  SUBACK = function(p) return id(p) .. string.char(table.unpack(p.codes)) end,
  SUBSCRIBE = function(p)
    local out = { id(p) }
    for _, filter in ipairs(p.filters) do
      out[#out + 1] = text(filter.filter) .. string.char(filter.qos)
    end
    return table.concat(out)
  end,
  UNSUBSCRIBE = function(p)
    local out = { id(p) }
    for _, filter in ipairs(p.filters) do out[#out + 1] = text(filter) end
    return table.concat(out)
  end,
  CONNECT = function(p)
    local flags = (p.clean_session and 2 or 0) | (p.will
      and 4 | (p.will.qos or 0) << 3 | (p.will.retain and 32 or 0) or 0)
      | (p.password and 64 or 0) | (p.user_name and 128 or 0)
    return text("MQTT") .. string.pack(">BBI2", 4, flags, p.keep_alive or 0)
      .. text(p.client_id or "")
      .. (p.will and text(p.will.topic) .. text(p.will.message) or "")
      .. (p.user_name and text(p.user_name) or "") .. (p.password and text(p.password) or "")
  end,
}

-- packet.encode("PUBLISH", { topic = "a", payload = "x", qos = 1, id = 7 }); `flags` in the
-- table overrides the right ones.
function packet.encode(type, fields)
  fields = fields or {}
  local body, flags = "", FLAGS[type] or 0
  if bodies[type] then
    local own
    body, own = bodies[type](fields)
    flags = own or flags
  end
  return packet.raw(type, fields.flags or flags, body)
end

local function fault(what, ...) error("packet: " .. what:format(...), 0) end

-- A cursor over a body; reading past its end raises.
local function reader(name, body)
  local at = 1
  local r = {}
  function r.take(format)
    local ok, value, next_at = pcall(string.unpack, format, body, at)
    if not ok then fault("%s ends too early", name) end
    at = next_at
    return value
  end
  function r.id()
    local value = r.take(">I2")
    if value == 0 then fault("%s with identifier 0", name) end
    return value
  end
  function r.text()
    local value = r.take(">s2")
    if not utf8.len(value) or value:find("\0", 1, true) then
      fault("%s holds a text that is not UTF-8 or has U+0000", name)
    end
    return value
  end
  function r.rest()
    local value = body:sub(at)
    at = #body + 1
    return value
  end
  function r.more() return at <= #body end
  function r.done()
    if at <= #body then fault("%s is %d bytes too long", name, #body - at + 1) end
  end
  return r
end

local readers = {
  CONNECT = function(p, r)
    if r.text() ~= "MQTT" then fault("CONNECT with a wrong protocol name") end
    if r.take("B") ~= 4 then fault("CONNECT with a wrong level") end
    local flags = r.take("B")
    if flags & 1 ~= 0 then fault("CONNECT with the reserved flag set") end
    p.clean_session = flags & 2 ~= 0
    p.keep_alive = r.take(">I2")
    p.client_id = r.text()
    if flags & 4 ~= 0 then
      p.will = { qos = flags >> 3 & 3, retain = flags & 32 ~= 0 }
      if p.will.qos == 3 then fault("CONNECT with Will QoS 3") end
      p.will.topic = r.text()
      p.will.message = r.take(">s2")
    elseif flags & 0x38 ~= 0 then
      fault("CONNECT with Will flags but no Will")
    end
    if flags & 128 ~= 0 then p.user_name = r.text() end
    if flags & 64 ~= 0 then
      if flags & 128 == 0 then fault("CONNECT with a password but no user name") end
      p.password = r.take(">s2")
    end
  end,
  CONNACK = function(p, r)
    p.session_present = r.take("B") == 1
    p.code = r.take("B")
  end,
  PUBLISH = function(p, r)
    p.dup, p.qos, p.retain = p.flags & 8 ~= 0, p.flags >> 1 & 3, p.flags & 1 ~= 0
    if p.qos == 3 then fault("PUBLISH with QoS 3") end
    if p.qos == 0 and p.dup then fault("PUBLISH with QoS 0 and DUP") end
    p.topic = r.text()
    if p.topic == "" or p.topic:find("[+#]") then fault("PUBLISH with the topic %q", p.topic) end
    if p.qos > 0 then p.id = r.id() end
    p.payload = r.rest()
  end,
  SUBSCRIBE = function(p, r)
    p.id, p.filters = r.id(), {}
    repeat
      local filter, qos = r.text(), r.take("B")
      if qos > 2 then fault("SUBSCRIBE asks for QoS %d", qos) end
      p.filters[#p.filters + 1] = { filter = filter, qos = qos }
    until not r.more()
  end,
  UNSUBSCRIBE = function(p, r)
    p.id, p.filters = r.id(), {}
    repeat p.filters[#p.filters + 1] = r.text() until not r.more()
  end,
  SUBACK = function(p, r)
    p.id = r.id()
    p.codes = { r.rest():byte(1, -1) }
  end,
}
for _, name in ipairs { "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "UNSUBACK" } do
  readers[name] = function(p, r) p.id = r.id() end
end

-- The first packet of `bytes` and how many bytes it took; nil while it is not complete. Raises
-- on what the standard forbids.
function packet.decode(bytes)
  if #bytes < 2 then return nil end
  local length, at = 0, 2
  while true do
    local byte = bytes:byte(at)
    if not byte then return nil end
    length = length | (byte & 127) << 7 * (at - 2)
    at = at + 1
    if byte < 128 then break end
    if at == 6 then fault("a length of more than four bytes") end
  end
  if #bytes < at - 1 + length then return nil end
  local name = packet.NAMES[bytes:byte(1) >> 4]
  if not name then fault("type %d", bytes:byte(1) >> 4) end
  local p = { type = name, flags = bytes:byte(1) & 15 }
  if name ~= "PUBLISH" and p.flags ~= (FLAGS[name] or 0) then
    fault("%s with flags %d", name, p.flags)
  end
  local r = reader(name, bytes:sub(at, at - 1 + length))
  if readers[name] then readers[name](p, r) end
  r.done()
  return p, at - 1 + length
end

-- A packet in a few words, for messages of failed expectations.
function packet.describe(p)
  local words = { p.type }
  for _, field in ipairs { "id", "topic", "qos", "dup", "retain", "code", "client_id" } do
    if p[field] ~= nil then words[#words + 1] = field .. "=" .. tostring(p[field]) end
  end
  if p.payload then words[#words + 1] = ("payload of %d bytes"):format(#p.payload) end
  return table.concat(words, " ")
end

return packet
