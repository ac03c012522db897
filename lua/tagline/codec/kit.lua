--- What codecs are made of: reading bytes with bounds, turning a table of fields into values, and
--- giving them to a station. Knows no device and no network.
local weak = require "tagline.codec.weak"

local kit = {}

local WEAK = weak()

--- LoRaWAN carries at most 242 bytes; what is longer is no payload of a device.
kit.LONGEST = 255

---@class tagline.Field
---@field name string
---@field unit? string
---@field description? string

---@class tagline.Example
---@field description string
---@field input string bytes, in hexadecimal digits
---@field port? integer
---@field output table what `decode_bytes` returns
---@field time? number what it returns as the time

---@class tagline.Device
---@field name string
---@field fields tagline.Field[]
---@field examples tagline.Example[]
---@field decode_bytes fun(bytes: string, port?: integer): table?, (string|number)?
---@field decode fun(msg: table): table?, number?
---@overload fun(msg: table): table?, number?

--- A byte of `text` for a message; the end when there is none.
---@param text string
---@param at integer
---@return string
function kit.show_byte(text, at)
  local byte = text:byte(at)
  if not byte then return "the end" end
  if byte > 32 and byte < 127 then return "'" .. string.char(byte) .. "'" end
  return ("byte 0x%02X"):format(byte)
end

--- Raises in the name of the caller's caller when `bytes` is no string.
function kit.check_bytes(bytes, where)
  if type(bytes) ~= "string" then
    error(("%s: expected a string, got %s"):format(where, type(bytes)), 3)
  end
end

-- ---- reading ----

local size_of = setmetatable({}, { __index = function(sizes, format)
  sizes[format] = format:packsize()
  return sizes[format]
end })

--- Bytes with a place. The first failure stays: from then on reads give 0 and `more` is false.
---@class tagline.Reader
---@field name string
---@field bytes string
---@field at integer the next byte, from 1
---@field err? string
local reader = {}
reader.__index = reader

---@param name string stands before each error
---@param bytes string
---@return tagline.Reader
function kit.reader(name, bytes)
  return setmetatable({ name = name, bytes = bytes, at = 1 }, reader)
end

--- Remember a failure. `at` is the byte at fault, else the next one.
function reader:fail(text, at)
  self.err = self.err or ("%s: byte %d: %s"):format(self.name, at or self.at, text)
end

--- Something that is not known, which ends the frame: what came before it counts, and
--- `decode_bytes` gives this text as its third result. Nothing came before: it is a failure.
function reader:unknown(text, at)
  self.note = self.note or ("%s: byte %d: %s; what is behind it was not read"):format(self.name,
    at or self.at, text)
  self.at = #self.bytes + 1
end

--- Remember a failure that no byte is to blame for.
function reader:refuse(text) self.err = self.err or self.name .. ": " .. text end

---@return boolean
function reader:more() return not self.err and self.at <= #self.bytes end

---@return integer
function reader:left() return #self.bytes - self.at + 1 end

--- Read by a format of string.unpack with a fixed size.
---@param format string
---@param what string for the message
function reader:read(format, what)
  if self.err then return 0 end
  local size, at = size_of[format], self.at
  local left = #self.bytes - at + 1
  if left < size then
    self:fail(("expected %d byte%s of %s, got %d"):format(size, size == 1 and "" or "s", what,
      left))
    return 0
  end
  self.at = at + size
  return (format:unpack(self.bytes, at))
end

--- The payload must have exactly this many bytes.
---@return boolean
function reader:exactly(count)
  local length = #self.bytes
  if length == count then return true end
  if length < count then self:fail(("expected %d bytes in all, got %d"):format(count, length),
    length + 1)
  else self:fail(("expected the end after %d bytes, got %d more"):format(count, length - count),
    count + 1) end
  return false
end

--- Are at least `count` bytes left? If not, the reader fails. `what` names what comes next, for
--- the message: "a stored value".
---@return boolean
function reader:whole(count, what)
  local left = self:left()
  if left < count then self:fail(("expected %d bytes of %s, got %d"):format(count, what, left)) end
  return left >= count
end

-- ---- fields ----

---@class tagline.Part a field of a payload: name, format, divisor, unit by position
---@field bool? boolean 1 is true, 0 is false, anything else makes the field invalid
---@field finite? boolean infinity and NaN make the field invalid

-- What a part's raw number is as a value.
local function convert(part, value)
  if part.bool then
    if value > 1 then return { value = value, status = "invalid" } end
    return value == 1
  end
  if part.finite and (value ~= value or value == math.huge or value == -math.huge) then
    return { status = "invalid" }
  end
  return part[3] and value / part[3] or value
end

--- Read the parts into `values`, one by one.
---@param r tagline.Reader
---@param parts table[]
---@param values table
function kit.take(r, parts, values)
  for _, part in ipairs(parts) do
    local name = part[1]
    local value = r:read(part[2], name)
    if r.err then return end
    if name ~= "" then values[name] = convert(part, value) end
  end
end

local found_entries, native = pcall(require, "tagline.entries") -- in C, where there is the program

--- For specs: true reads everything in Lua, part by part.
kit.slow = false

-- So many entries one set holds. A device that adds entries as it reads uses few; a set that is
-- full begins anew, so that it cannot grow without a limit.
local MOST_ENTRIES = 2000

---@class tagline.Entries what stands behind which key of a frame, compiled once for a device
---@field parts table<integer, table[]> by key
---@field count integer of keys
---@field width 1|2 bytes of a key
local entries = {}
entries.__index = entries

--- Compile entries: a key, and parts of a fixed size behind it.
---@param width 1|2 bytes of a key; two are big-endian
---@param list? table<integer, table[]> parts by key
---@return tagline.Entries
function kit.entries(width, list)
  local set = setmetatable({ width = width, parts = {}, count = 0 }, entries)
  if found_entries then
    set.put, set.read, set.one, set.frame, set.clear = native.new(width)
  end
  for key, parts in pairs(list or {}) do set:add(key, parts) end
  return set
end

--- One more of them.
---@param key integer
---@param parts table[]
function entries:add(key, parts)
  if self.count >= MOST_ENTRIES then
    self.parts, self.count = {}, 0
    if self.clear then self.clear() end
  end
  self.parts[key], self.count = parts, self.count + 1
  if self.put then self.put(key, parts) end
end

--- Read what stands behind `key` into `values`. What is cut off is read part by part, so that the
--- missing one is named. False: there is no such key.
---@param set tagline.Entries
---@param key integer
---@param values table
---@return boolean
function reader:entry(set, key, values)
  local parts = set.parts[key]
  if not parts then return false end
  local after = set.one and not kit.slow and set.one(self.bytes, self.at, values, key)
  if after then self.at = after else kit.take(self, parts, values) end
  return true
end

--- Read entries into `values`, as many as come: the first that is not known, or is cut off, is
--- left to the caller.
---@param set tagline.Entries
---@param values table
function reader:entries(set, values)
  if set.read and not kit.slow then self.at = set.read(self.bytes, self.at, values) end
end

--- The fields of several lists of parts, each name once.
---@return tagline.Field[]
function kit.fields_of(...)
  local fields, seen = {}, {}
  for _, parts in ipairs { ... } do
    for _, part in ipairs(parts) do
      if part[1] ~= "" and not seen[part[1]] then
        seen[part[1]] = true
        fields[#fields + 1] = { name = part[1], unit = part[4], description = part[5] }
      end
    end
  end
  return fields
end

-- ---- to the station ----

local has_connection, connection = pcall(require, "tagline.connection")

--- Names of the station's tags that decode fills, or nil when `msg` has no station (in a spec).
--- A ready codec knows more values than a station has tags for; those are left out, so that
--- none of them is reported as unknown.
local function wanted(station, cache)
  local names = cache and cache[station]
  if names then return names end
  names = {}
  for name, tag in pairs(station.tags) do
    if (tag.address or "") == "" then names[name] = true end
  end
  if cache then cache[station] = names end
  return names
end

--- The same, kept by the core: a table whose keys are the names; nil where there is no core, or no
--- station.
---@return table<string, boolean>?
function kit.wanted(station)
  if has_connection and not kit.slow and type(station) == "userdata" then
    return connection.wanted(station)
  end
end

-- `values` is the codec's own table.
local function only(values, station, cache)
  if station == nil then return values end
  if has_connection and type(station) == "userdata" then
    connection.only(station, values)
    return values
  end
  local kept, names = {}, wanted(station, cache)
  for name, value in pairs(values) do
    if names[name] then kept[name] = value end
  end
  return kept
end

--- For `kit.deliver` of one decoder: remembers which tags a station has.
function kit.cache() return setmetatable({}, WEAK) end

--- For one decoder: a function(msg, text, key) that tells of something unknown, once for each
--- station and `key` (the text itself, when there is none). It goes to the log.
function kit.sayer()
  local said, count = {}, 0
  return function(msg, text, key)
    local station = msg.station
    local name = station and station.full_name or ""
    local what = name .. "\0" .. (key or text)
    if said[what] then return end
    if count >= 1000 then said, count = {}, 0 end -- to stay small
    said[what], count = true, count + 1
    if kit.on_say then kit.on_say(text, name)
    elseif has_connection then connection.say(name, text) end
  end
end

--- What decode returns for `values`, a table by name or a list of samples. A sample's `age` is
--- seconds before `time`, or before the message's arrival.
---@param msg table
---@param values table
---@param time? number
---@param cache? table
---@return table, number?
function kit.deliver(msg, values, time, cache)
  local station = msg.station
  if values[1] == nil then return only(values, station, cache), time end
  local samples = {}
  for i, sample in ipairs(values) do
    local at = sample.time
    if sample.age then at = (time or msg.time) - sample.age end
    samples[i] = { time = at, values = only(sample.values, station, cache) }
  end
  return samples, time
end

local own_decoders = setmetatable({}, WEAK)

--- Is this function decode_bytes of one of our devices? Then it looks at nothing but bytes and
--- port.
function kit.is_own(decode_bytes) return own_decoders[decode_bytes] ~= nil end

--- What reads a whole frame of usual entries in C: function(bytes, wanted, values), as
--- tagline.entries has it; nil for a device that is not made of entries.
---@return function?
function kit.frame_of(decode_bytes) return own_decoders[decode_bytes] or nil end

--- Make a device of a table with name, fields, examples and `read` (function(r, port)), which
--- returns values and optionally a time, or nil to decline; failures and what is not known are
--- left in the reader. It gets `decode_bytes` (values, time and what was not known; or nil and an
--- error) and `decode`. With `entries` a frame of nothing but those is not given to `read`, which
--- would read the same, whatever the port.
---@param m table
---@return tagline.Device
function kit.device(m)
  local name, read, frame = m.name, m.read, m.entries and m.entries.frame
  m.read, m.entries = nil, nil

  local r, where = kit.reader(name, ""), name .. ".decode_bytes"

  function m.decode_bytes(bytes, port)
    kit.check_bytes(bytes, where)
    if bytes == "" then return nil end
    r.bytes, r.at, r.err, r.note = bytes, 1, nil, nil
    if #bytes > kit.LONGEST then
      r:fail(("expected at most %d bytes, got %d"):format(kit.LONGEST, #bytes), kit.LONGEST + 1)
      return nil, r.err
    end
    local values, time = read(r, port)
    if r.err then return nil, r.err end
    if r.note and (values == nil or next(values) == nil) then
      return nil, (r.note:gsub("; what is behind it was not read$", ""))
    end
    return values, time, r.note
  end

  own_decoders[m.decode_bytes] = frame or false
  local say, cache = kit.sayer(), kit.cache()

  function m.decode(msg)
    local bytes, names = msg.payload, frame and kit.wanted(msg.station)
    local whole = names and type(bytes) == "string" and frame(bytes, names)
    if whole then return whole end
    local values, extra, note = m.decode_bytes(bytes)
    if note then say(msg, note) end
    if values then return kit.deliver(msg, values, extra, cache) end
    if extra then error(extra, 0) end
    return nil
  end

  -- a station's decode as it is
  return setmetatable(m, { __call = function(_, msg) return m.decode(msg) end })
end

--- The function that decodes bytes of a device module, or a function(bytes, port) itself.
---@return function
function kit.decode_bytes_of(device, where)
  if type(device) == "function" then return device end
  local f = type(device) == "table" and device.decode_bytes
  if type(f) ~= "function" then
    error(("%s: expected a device module or a function(bytes, port), got %s"):format(where,
      type(device)), 3)
  end
  return f
end

--- The values that a user's function gave, as tables of our own: they are changed on the way to
--- a station.
---@param values table
---@return table
function kit.own(values)
  local copy = {}
  for key, value in pairs(values) do
    local inner = type(value) == "table" and value.values
    copy[key] = type(inner) == "table" and { time = value.time, age = value.age,
      values = kit.own(inner) } or value
  end
  return copy
end

--- Make a text encoding callable: `encoding(device)` is a decode for payloads in that encoding.
function kit.encoding(name, m)
  return setmetatable(m, { __call = function(_, device)
    local decode_bytes, cache, say = kit.decode_bytes_of(device, name), kit.cache(), kit.sayer()
    return function(msg)
      local bytes, why = m.decode(msg.payload)
      if not bytes then error(name .. ": " .. why, 0) end
      local values, extra, note = decode_bytes(bytes)
      if type(note) == "string" then say(msg, name .. ": " .. note) end
      if type(values) == "table" and decode_bytes == device then values = kit.own(values) end
      if values then return kit.deliver(msg, values, extra, cache) end
      if extra then error(extra, 0) end
      return nil
    end
  end })
end

return kit
