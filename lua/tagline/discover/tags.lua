--- From fields, numbers and texts to the tags that read them: names, types, units.
local core = require "tagline.core"
local text = require "tagline.discover.text"
local times = require "tagline.discover.times"
local units = require "tagline.discover.units"

local tags = {}

local BIG = 1 << 53

local words = { ["true"] = true, ["false"] = true, on = true, off = true, yes = true, no = true }

-- Names whose digits are no number.
local function is_label(name)
  local list = units.words(name)
  for _, word in ipairs(list) do
    if word == "id" or word == "serial" or word == "sn" or word == "eui" or word == "version"
      or word == "mac" or word == "imei" or word == "code" or word == "name" or word == "fw"
      or word == "ip" or word == "model" or word == "hash" or word == "token" then
      return true
    end
  end
  return false
end

local function is_decimal(s)
  return s:find "^[+-]?%d+%.?%d*$" ~= nil and not s:find "^[+-]?0%d"
end

local function all(list, test)
  for _, value in ipairs(list) do
    if not test(value) then return false end
  end
  return #list > 0
end

--- A tag of numbers: { type, unit, range, guessed }.
local function of_numbers(name, low, high, has_fractions, siblings)
  local unit, guessed = units.of(name, low, high, siblings)
  local is_big = math.type(high) == "integer" and (high > BIG or low < -BIG)
  local one = { unit = unit, guessed = guessed, range = unit and units.range(unit, low, high) }
  one.type = not has_fractions and (is_big or not unit and not units.is_quantity(name)) and "Ci"
    or "Ai"
  one.is_big = is_big
  if one.type == "Ci" and unit and is_big then one.range = nil end
  return one
end

local function of_texts(name, list, siblings)
  if all(list, function(s) return words[s:lower()] end) then return { type = "Di" } end
  if all(list, is_decimal) and not is_label(name) then
    local low, high = math.huge, -math.huge
    for _, s in ipairs(list) do
      low, high = math.min(low, tonumber(s)), math.max(high, tonumber(s))
    end
    return of_numbers(name, low, high, true, siblings)
  end
  return { type = "TxtI" }
end

-- An address without which element it is: those of one list are of one type.
local function form_of(path) return (path:gsub("%b[]", "[]")) end

--- Mark fields of whose list some element has fractions.
function tags.find_fractions(list)
  local some = {}
  for _, f in ipairs(list) do
    if f.kinds.float then some[form_of(f.path)] = true end
  end
  for _, f in ipairs(list) do f.has_fractions = some[form_of(f.path)] end
end

--- The tag of a field; nil when only nulls were heard.
function tags.of_field(f, siblings, mask, near)
  local kinds = f.kinds
  local name = f.words[#f.words] or "value"
  local numbers = kinds.integer or kinds.float
  if times.is_time(f, mask, near) then return { type = "TiA" } end
  if kinds.string then
    if numbers or kinds.boolean then return { type = "TxtI" } end
    return of_texts(name, f.values, siblings)
  end
  if kinds.boolean then return { type = numbers and "Ai" or "Di" } end
  if numbers then return of_numbers(name, f.low, f.high, f.has_fractions, siblings) end
  return nil
end

--- The tag that a whole payload fills: numbers and texts. `name` is what the topic calls it.
function tags.of_payloads(name, payloads)
  local numbers, fractions = {}, false
  for i, payload in ipairs(payloads) do
    numbers[i] = tonumber(payload)
    fractions = fractions or math.type(numbers[i]) ~= "integer"
  end
  if #payloads > 0 and #numbers == #payloads and not payloads[1]:find "[xX]" then
    return of_numbers(name, math.min(table.unpack(numbers)), math.max(table.unpack(numbers)),
      fractions)
  end
  if all(payloads, function(p) return p:find "^%s*[+-]?%d+,%d+%s*$" end) then
    return { type = "Ai", decimal = "," }
  end
  if all(payloads, function(p) return words[p:lower()] end) then return { type = "Di" } end
  local unit = payloads[1] and units.behind_number(payloads[1])
  if unit and all(payloads, function(p) return units.behind_number(p) == unit end) then
    return { type = "Ai", unit = unit, address = "RE=([+-]?[0-9]+\\.?[0-9]*)" }
  end
  return { type = "TxtI" }
end

local function are_states(values, on, off)
  return all(values, function(v) return tostring(v) == on or tostring(v) == off end)
end

local plain_words = { on = true, off = false, ["true"] = true, ["false"] = false, yes = true,
  no = false, ["1"] = true, ["0"] = false }

-- What stands for on and off, where the words that a Di knows do not say it. Those that are turned
-- round (contact: true is closed) stay as the device has them.
local function set_states(one, on, off, values)
  on, off = tostring(on), tostring(off)
  if on == off or not are_states(values, on, off) then return end
  local high, low = plain_words[on:lower()], plain_words[off:lower()]
  if high == false or low == true then return end
  one.type = "Di"
  if high == nil or low == nil then one.words = { on, off } end
end

--- Give a number its unit: what has one is measured, and may have decimals the next time.
function tags.set_unit(one, unit, guessed)
  if unit ~= one.unit then one.range = nil end
  one.unit, one.guessed = unit, guessed
  if not one.is_big then one.type = "Ai" end
end

--- What a device tells of itself (facts.find) comes before what was guessed; where its values
--- speak against it, they win. `values`: some that were heard.
function tags.apply(one, fact, values)
  if fact.on ~= nil and fact.off ~= nil then set_states(one, fact.on, fact.off, values) end
  if one.type == "Ci" and fact.type == "Ai" then one.type = "Ai" end
  one.description = fact.description
  if one.type ~= "Ai" and one.type ~= "Ci" then
    one.unit, one.range, one.guessed = nil, nil, nil
    return
  end
  if fact.unit then tags.set_unit(one, fact.unit, fact.guessed) end
  local low, high = math.huge, -math.huge
  for _, v in ipairs(values) do
    low, high = math.min(low, tonumber(v) or low), math.max(high, tonumber(v) or high)
  end
  if fact.range and low >= fact.range[1] and high <= fact.range[2] then one.range = fact.range end
  if fact.factor then one.type, one.factor, one.range = "Ai", fact.factor, nil end
end

--- A tag as Lua: `Ai { "JA=t", unit = "°C" }`, and what stands behind it as a comment.
function tags.write(one, address)
  address = one.address or address
  local parts = { address and text.quote(address) }
  if one.unit then parts[#parts + 1] = "unit = " .. text.quote(one.unit) end
  if one.range then
    parts[#parts + 1] = ("range = { %.14g, %.14g }"):format(one.range[1], one.range[2])
  end
  if one.factor then parts[#parts + 1] = ("linear = { %.14g, 0 }"):format(one.factor) end
  if one.words then
    parts[#parts + 1] = ("words = { On = %s, Off = %s }"):format(text.quote(one.words[1]),
      text.quote(one.words[2]))
  end
  if one.decimal then parts[#parts + 1] = "decimal = " .. text.quote(one.decimal) end
  if one.description then
    parts[#parts + 1] = "description = " .. text.quote(one.description)
  end
  local written
  if #parts == 1 and address then written = one.type .. " " .. parts[1]
  elseif #parts == 0 then written = one.type .. " {}"
  else written = ("%s { %s }"):format(one.type, table.concat(parts, ", ")) end
  return written, one.guessed and "the unit is guessed" or nil
end

--- Names for fields: the last of their levels, with those before it where two would be alike.
function tags.names(list, used)
  local named, depth = {}, {}
  for i = 1, #list do -- the place in a list says nothing alone
    depth[i] = (list[i].words[#list[i].words] or ""):find "^%d+$" and 2 or 1
  end
  local function name_at(i)
    local levels = list[i].words
    local first = math.max(1, #levels - depth[i] + 1)
    local name = text.name(table.concat(levels, "_", first, #levels))
    return name ~= "" and name or "value"
  end
  for _ = 1, 12 do
    local seen, clash = {}, false
    for i = 1, #list do
      named[i] = name_at(i)
      seen[named[i]] = seen[named[i]] or {}
      table.insert(seen[named[i]], i)
    end
    for _, same in pairs(seen) do
      if #same > 1 then
        for _, i in ipairs(same) do
          if depth[i] < #list[i].words then
            depth[i] = depth[i] + 1
            clash = true
          end
        end
      end
    end
    if not clash then break end
  end
  for i = 1, #list do named[i] = tags.unique(named[i], used) end
  return named
end

--- A name that is not in `used`, which it joins.
function tags.unique(name, used)
  local one, n = name, 1
  while used[one] do
    n = n + 1
    one = name .. "_" .. n
  end
  used[one] = true
  return one
end

--- May a tag have this address?
function tags.is_address(path) return path == "" or core.json_path(path) == true end

return tags
