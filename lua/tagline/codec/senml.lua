--- SenML (RFC 8428) in JSON and CBOR: packs become records with their names, units and times
--- worked out, or a station's samples.
---
---     station "s" { address = "s", payload_type = "JSON", decode = require "tagline.codec.senml",
---       tags = { temperature = Ai {}, humidity = Ai {} } }
---
--- As a `decode` it gives a sample for each time. A value's tag is the record's own name, or
--- the last part of the base name where it has none, with what a name may not hold as `_`;
--- `senml.decoder { names = { ["urn:dev:ow:10e2/temp"] = "temperature" } }` says others. A sum
--- (`s`) is the tag of that name with `_sum` behind it.
local base64 = require "tagline.codec.base64"
local binary = require "tagline.codec.binary"
local cbor = require "tagline.codec.cbor"
local kit = require "tagline.codec.kit"

local senml = {}

-- CBOR's labels (RFC 8428 table 4).
local labels = { [-6] = "bs", [-5] = "bv", [-4] = "bu", [-3] = "bt", [-2] = "bn", [-1] = "bver",
  [0] = "n", "u", "v", "vs",
  "vb", "s", "t", "ut", "vd" }
local known = {}
for _, label in pairs(labels) do known[label] = true end

local RELATIVE = 1 << 28 -- times below are counted from now (section 4.5.3)

local function json_decode(text)
  for _, name in ipairs { "tagline.json", "cjson" } do
    local found, json = pcall(require, name)
    if found then return pcall(json.decode, text) end
  end
  return false, "there is no JSON in this Lua"
end

local function fail(i, text) error({ senml = ("record %d: %s"):format(i, text) }, 0) end

-- The fields of a record by their names in JSON.
local function named(record, i)
  if type(record) ~= "table" then fail(i, "expected a record, got a " .. type(record)) end
  local fields = {}
  for key, value in pairs(record) do
    local label = labels[key] or key
    if type(label) == "string" and label:sub(-1) == "_" and not known[label] then
      fail(i, ("'%s' must be understood, and is not known"):format(label))
    end
    fields[label] = value
  end
  return fields
end

local function typed(fields, name, what, i)
  local value = fields[name]
  if value == nil or value == binary.null then return nil end
  if type(value) ~= what then
    fail(i, ("%s: expected a %s, got a %s"):format(name, what, type(value)))
  end
  return value
end

local function data_of(text, from_json, i)
  if not from_json then return text end
  local bytes, why = base64.decode((text:gsub("-", "+"):gsub("_", "/")) .. ("="):rep(-#text % 4))
  return bytes or fail(i, "vd: " .. why)
end

local function value_of(f, base, from_json, i)
  local v = typed(f, "v", "number", i)
  local text, boolean, data = typed(f, "vs", "string", i), typed(f, "vb", "boolean", i),
    typed(f, "vd", "string", i)
  local count = (v and 1 or 0) + (text and 1 or 0) + (boolean ~= nil and 1 or 0) + (data and 1 or 0)
  if count > 1 then fail(i, "expected one of v, vs, vb, vd, got several") end
  if v then return v + base.value end
  if text then return text end
  if boolean ~= nil then return boolean end
  if data then return data_of(data, from_json, i) end
end

local function resolve(pack, now, from_json)
  if type(pack) ~= "table" then
    error({ senml = "expected a list of records, got a " .. type(pack) }, 0)
  end
  local base, out = { name = "", time = 0, value = 0, sum = 0 }, {}
  for i, record in ipairs(pack) do
    local f = named(record, i)
    local version = typed(f, "bver", "number", i)
    if version and version > 10 then
      fail(i, ("expected version 10 at most, got %.14g"):format(version))
    end
    base.name, base.unit = typed(f, "bn", "string", i) or base.name, typed(f, "bu", "string", i)
      or base.unit
    base.time, base.value = typed(f, "bt", "number", i) or base.time, typed(f, "bv", "number", i)
      or base.value
    base.sum = typed(f, "bs", "number", i) or base.sum
    local own = typed(f, "n", "string", i) or ""
    local value, sum = value_of(f, base, from_json, i), typed(f, "s", "number", i)
    if value ~= nil or sum then
      local time = base.time + (typed(f, "t", "number", i) or 0)
      if base.name .. own == "" then fail(i, "expected a name (n or bn), got none") end
      out[#out + 1] = { name = base.name .. own, own = own, unit = typed(f, "u", "string", i)
        or base.unit, value = value,
        sum = sum and sum + base.sum, time = time < RELATIVE and now + time or time,
          update = typed(f, "ut", "number", i) }
    end
  end
  return out
end

-- Does it begin as an array of CBOR, or a tag before one?
local function may_be_cbor(bytes)
  local kind = (bytes:byte() or 0) >> 5
  return kind == 4 or kind == 6
end

--- The records of a pack, in their order: { name =, unit =, value =, sum =, time =, update = };
--- value is a number (the base value is in it), a text, a boolean or bytes (vd). Times are
--- seconds since 1970; relative ones are counted from `now`. A pack is bytes (JSON begins with a
--- bracket, all else is CBOR), or the list, as msg.json is.
---@param pack string|table
---@param now? number seconds since 1970 (os.time())
---@return table? records
---@return string? err
function senml.decode(pack, now)
  local from_json = true
  if type(pack) == "string" then
    from_json = pack:find "^%s*%[" ~= nil
    local ok, value, why
    if from_json then
      ok, value = json_decode(pack)
      if not ok then return nil, tostring(value) end
    else
      if not may_be_cbor(pack) then
        return nil, "byte 1: expected a list of records, in JSON or CBOR, got "
          .. kit.show_byte(pack, 1)
      end
      value, why = cbor.decode(pack)
      if value == nil then return nil, why end
    end
    pack = value
  elseif type(pack) == "table" and type(pack[1]) == "table" then
    from_json = true
    for key in pairs(pack[1]) do if type(key) == "number" then from_json = false end end
  end
  local ok, records = pcall(resolve, pack, now or os.time(), from_json)
  if ok then return records end
  if type(records) == "table" and records.senml then return nil, records.senml end
  error(records, 0)
end

local function tag_name(record, names)
  if names[record.name] then return names[record.name] end
  local own = record.own ~= "" and record.own or record.name:match "([^/:]+)[/:]*$" or record.name
  return (own:gsub("[^%w_-]", "_"))
end

--- A `decode` for a station: options.names gives tags for full names.
---@param options? { names: table<string, string>? }
---@return fun(msg: table): table
function senml.decoder(options)
  local names = options and options.names or {}
  return function(msg)
    local records, why = senml.decode(msg.payload, msg.time)
    if not records then error("senml: " .. why, 0) end
    local samples, by_time = {}, {}
    for _, record in ipairs(records) do
      local sample = by_time[record.time]
      if not sample then
        sample = { time = record.time, values = {} }
        by_time[record.time], samples[#samples + 1] = sample, sample
      end
      local name = tag_name(record, names)
      if record.value ~= nil then sample.values[name] = record.value end
      if record.sum then sample.values[name .. "_sum"] = record.sum end
    end
    table.sort(samples, function(a, b) return a.time < b.time end)
    return samples
  end
end

return setmetatable(senml, { __call = function(_, msg) return senml.decoder()(msg) end })
