--- The tag words: Ai "JA=x", Di { "JA=on", … }. Each gives a checked definition without a name;
--- equal ones from one place in the source are one definition, so that 10,000 stations made in
--- a loop share theirs.
local json_address = require "tagline.config.json_address"
local kinds = require "tagline.config.kinds"
local near = require "tagline.config.near"

local metatable = debug.getmetatable -- past __metatable

local tag = {}

tag.types = { "Ai", "Ao", "Ci", "Co", "Di", "Do", "Qi", "TxtI", "TxtO", "TiA", "ToA", "TiR", "ToR" }

local function set(words)
  local result = {}
  for word in words:gmatch("%S+") do result[word] = true end
  return result
end

local is_output = set "Ao Co Do TxtO ToA ToR"
local is_numeric = set "Ai Ao Ci Co TiR ToR"
local any = set(table.concat(tag.types, " "))
tag.is_output = is_output

-- Which types an address serves.
local serves = {
  IN_TOPIC = { set "TxtI", "type TxtI" },
  IN_DATA = { any, "" },
  IN_ID = { set "Ci", "type Ci" },
  ACK_ID = { set "Co", "type Co" },
  OUT_TOPIC = { set "TxtO", "type TxtO" },
  OUT_VALUE = { is_output, "an output type (Ao Co Do TxtO ToA ToR)" },
}
local address_words = { "IN_TOPIC", "IN_DATA", "IN_ID", "ACK_ID", "OUT_TOPIC", "OUT_VALUE" }
local address_hint = "IN_TOPIC, IN_DATA, IN_ID, JA=…, RE=…, ACK_ID, OUT_TOPIC or OUT_VALUE"

local states = { off = 0, on = 1, trans = 2, err = 3, oscillate = 4 }

local function integer_default(value)
  local n = type(value) == "number" and math.tointeger(value)
  if not n then return kinds.expected("an integer", value) end
  return nil, n
end
local function boolean_default(value)
  if type(value) ~= "boolean" then return kinds.expected("true or false", value) end
  return nil, value
end
local function text_default(value)
  if type(value) ~= "string" then return kinds.expected("a string", value) end
  return nil, value
end
local function state_default(value)
  local n = type(value) == "string" and states[value:lower()] or math.type(value) == "integer"
    and value
  if not n or n < 0 or n > 4 then
    return kinds.expected("0 to 4 or Off, On, Trans, Err, Oscillate", value)
  end
  return nil, n
end
local function time_default(value)
  -- the years 1 to 9999
  if kinds.finite(value) or value < -62135596800 or value >= 253402300800 then
    return kinds.expected("seconds since 1970, UTC", value)
  end
  return nil, value
end
local function duration_default(value)
  if kinds.finite(value) then return kinds.expected("seconds", value) end
  return nil, value
end

local default_check = {
  Ai = kinds.finite, Ao = kinds.finite, Ci = integer_default, Co = integer_default,
    Di = boolean_default, Do = boolean_default,
  Qi = state_default, TxtI = text_default, TxtO = text_default, TiA = time_default,
    ToA = time_default,
  TiR = duration_default, ToR = duration_default,
}

--- What is wrong with an address on a type, or nil.
local function address_wrong(core, type_name, address)
  local rule = serves[address]
  if rule then
    if rule[1][type_name] then return nil end
    return ("%s needs %s, got %s"):format(address, rule[2], type_name)
  end
  local kind, rest = address:match("^(%u%u)=(.*)$")
  if kind == "JA" then
    local ok, why, at = core.json_path(rest)
    return not ok and kinds.at("a JSON address", address, why, (at or 0) + 3) or nil
  elseif kind == "RE" then
    local found, why, at = core.regex(rest, false)
    if not found then return kinds.at("a regular expression", address, why, (at or 0) + 3) end
    if found.count == 0 then
      return (
        "expected a group in the expression, got %s: put ( ) around what is the value"):format(
          kinds.got(address))
    end
    return nil
  end
  local lower, value = address:match("^%s*(%a%a)%s*=%s*(.*)$")
  lower = lower and lower:upper()
  if lower == "JA" or lower == "RE" then
    return ("%s; did you mean '%s=%s'?"):format(kinds.expected("an address", address), lower, value)
  end
  local meant = near.find(address, address_words)
  if not meant and address:match("^[%w_.%[%]]+$") then meant = "JA=" .. address end
  return kinds.expected(address_hint, address)
    .. (meant and ("; did you mean '%s'?"):format(meant) or "")
end

local Tag = { __name = "tag", __metatable = "tag" }
tag.meta = Tag

local function problem(rec, field, text, key, severity)
  rec.problems = rec.problems or {}
  rec.problems[#rec.problems + 1] = { field = field, text = text, key = key, severity = severity }
end

-- Fields that make sense for numbers only.
local numeric_fields = { "linear", "range", "deadband", "decimal" }
local has_states = { Di = true, Do = true, Qi = true }

--- Rules between fields.
local function relations(rec, core)
  if rec.address == "OUT_TOPIC" and type(rec.default) == "string" then
    -- a group's text is not known yet
    local ok, why = core.topic_check((rec.default:gsub("{[%w_]+}", "x")))
    if not ok then
      problem(rec, "default",
        ("expected a topic to publish to, got %s: %s"):format(kinds.got(rec.default), why))
    end
  end
  for _, name in ipairs(numeric_fields) do
    if rec[name] and not is_numeric[rec.type] then
      problem(rec, name, ("expected a numeric type (Ai Ao Ci Co TiR ToR), got %s"):format(rec.type))
    end
  end
  if rec.words and not has_states[rec.type] then
    problem(rec, "words", ("expected a type with states (Di Do Qi), got %s"):format(rec.type))
  elseif rec.words and rec.type ~= "Qi" and rec.words[#rec.words][1] > 1 then
    problem(rec, "words", ("expected words for Off and On: %s has no other states"):format(
      rec.type))
  end
  if rec.linear and rec.linear[1] == 0 then
    problem(rec, "linear", "expected k other than 0, got 0: every value would be q")
  end
  if rec.range and rec.range[1] > rec.range[2] then
    problem(rec, "range", ("expected { min, max }, got the wrong way round: { %s, %s }")
      :format(kinds.got(rec.range[1]), kinds.got(rec.range[2])))
  end
  if rec.out_of_range and not rec.range then
    problem(rec, "out_of_range", "does nothing without a range", nil, "warning")
  end
  if rec.on_missing == "default" and rec.default == nil then
    problem(rec, "on_missing", 'expected a default beside on_missing = "default", got none')
  end
end

--- The text of a table's content, the same for equal tables, or nil when it holds what has no
--- value of its own (a function).
local function content(t, parts)
  local n = #parts
  for k, v in pairs(t) do
    local what = type(v)
    if what == "table" then
      if metatable(v) then return nil end
      parts[n + 1], parts[n + 2] = tostring(k), "{"
      if not content(v, parts) then return nil end
      n = #parts + 1
      parts[n] = "}"
    elseif what == "string" then
      parts[n + 1], parts[n + 2], parts[n + 3] = tostring(k), #v, v
      n = n + 3
    elseif what == "number" or what == "boolean" then
      parts[n + 1], parts[n + 2] = tostring(k), tostring(v)
      n = n + 2
    else
      return nil
    end
  end
  return parts
end

local Maker = {}
Maker.__index = Maker

--- `load`: the load that these words belong to (core, shapes, poison, place).
function tag.new(load)
  return setmetatable({ load = load, made = {}, uses = {}, by_word = {}, count = 0, seq = 0 },
    Maker)
end

function Maker:check(rec, given)
  local load, shape = self.load, self.load.shapes.tag
  for key, value in pairs(given) do
    local field = shape.fields[key]
    if key == 1 then field = shape.fields.address end
    if value == load.poison then
      rec.poisoned = true
    elseif not field then
      if type(key) ~= "string" then
        problem(rec, nil, ("expected one address and named fields, got %s as well"):format(
          kinds.got(value)), key)
      else
        problem(rec, key, "unknown field" .. load:hint(key, shape), key)
      end
    elseif key == "default" then
      local wrong, normal = default_check[rec.type](value)
      if wrong then problem(rec, key, wrong) else rec.default = normal end
    elseif key == 1 and given.address ~= nil then
      problem(rec, "address", "is given twice: by position and by name")
    else
      local wrong, normal = field.check(value)
      if wrong then problem(rec, field.name, wrong, key) else rec[field.name] = normal end
    end
  end
  if rec.address then
    local wrong = rec.address ~= "" and address_wrong(load.core, rec.type, rec.address)
    if wrong then problem(rec, "address", wrong, given[1] ~= nil and 1 or nil) end
    local path, changed = json_address.plain(rec.address:match "^JA=(.*)$" or "")
    if changed then
      rec.warning = ('"$" is not part of an address: %s is read as "JA=%s" (a field of that name \z
        is JA=["$"])'):format(kinds.got(rec.address), path)
      rec.address = "JA=" .. path
    end
  end
  relations(rec, load.core)
end

function Maker:new_record(type_name, at)
  self.count = self.count + 1
  return setmetatable({ type = type_name, at = at, address = "", id = self.count }, Tag)
end

--- Which one of the equal definitions at one place this is, since the last station: the second
--- on one line is a tag of its own.
function Maker:nth(at, key)
  local uses = self.uses[at]
  if not uses then
    uses = {}
    self.uses[at] = uses
  end
  local n = (uses[key] or 0) + 1
  uses[key] = n
  return n == 1 and key or key .. "\0" .. n
end

--- A station is done: what comes next may share its definitions.
function Maker:station_done()
  if next(self.uses) then self.uses = {} end
end

function Maker:of_text(type_name, at, address)
  local key = self:nth(at, type_name .. "\0" .. address)
  local rec = self.made[at][key]
  if not rec then
    rec = self:new_record(type_name, at)
    self:check(rec, { address })
    self.made[at][key] = rec
  end
  return rec
end

function Maker:of_table(type_name, at, given)
  local parts = content(given, { type_name, "\1" })
  local key = parts and self:nth(at, table.concat(parts, "\0"))
  local rec = key and self.made[at][key]
  if not rec then
    rec = self:new_record(type_name, at)
    self:check(rec, given)
    if key then self.made[at][key] = rec end
  end
  return rec
end

--- A definition for a word that stands without address and braces: tags = { x = Ai }.
function Maker:bare(word, at)
  local type_name = self.by_word[word]
  if not type_name then return nil end
  self.made[at] = self.made[at] or {}
  self.seq = self.seq + 1
  local rec = self:of_text(type_name, at, "")
  rec.seq = self.seq
  return rec
end

--- The word itself.
function Maker:word(type_name)
  local load = self.load
  local function word(given, ...)
    local at = load:place(2)
    self.made[at] = self.made[at] or {}
    local what = type(given)
    local rec
    if select("#", ...) > 0 then
      rec = self:new_record(type_name, at)
      problem(rec, nil, ('expected one value behind %s, got more: write %s { "address", unit = … }')
        :format(type_name, type_name))
    elseif what == "string" then
      rec = self:of_text(type_name, at, given)
    elseif what == "nil" then
      rec = self:of_text(type_name, at, "")
    elseif given == load.poison then
      rec = self:of_table(type_name, at, { given })
    elseif what == "table" and metatable(given) == nil then
      rec = self:of_table(type_name, at, given)
    else
      rec = self:new_record(type_name, at)
      problem(rec, nil, kinds.expected("an address or braces with fields behind " .. type_name,
        given))
    end
    self.seq = self.seq + 1
    rec.seq = self.seq
    return rec
  end
  self.by_word[word] = type_name
  return word
end

--- Ai "JA=x" { unit = "V" }: told, rather than Lua's "attempt to call a table value".
function Tag.__call(rec)
  local copy = setmetatable({}, Tag)
  for key, value in pairs(rec) do copy[key] = value end
  copy.problems, copy.id = nil, -rec.id
  problem(copy, nil, ('expected one pair of braces: write %s { "%s", unit = … }'):format(rec.type,
    rec.address))
  return copy
end

return tag
