--- The fields of documents: where they are, by which address a tag reads them, and what all the
--- messages that were heard say about their type.
local json = require "tagline.discover.json"

local fields = {}

--- More are not told one by one: a config of thousands of tags is nobody's wish.
fields.MOST = 200

local DEPTH, ELEMENTS, SELECTED, VALUES = 12, 8, 32, 16

--- Names of fields that tell the elements of a list apart.
local id_names = { "id", "ID", "Id", "addr", "address", "sensor", "sensor_id", "channel", "ch",
  "serial", "sn", "eui", "mac", "uuid", "key", "port", "slot", "phase", "name", "n", "no", "nr",
  "index", "idx" }

-- A level's name as an address writes it.
local function step(path, key)
  if key:find "^[%w_@:/+%-][%w_$@:/+ %-]*$" and not key:find " $" then
    return path == "" and key or path .. "." .. key
  end
  local quoted = json.encode(key)
  return ("%s[%s]"):format(path, quoted)
end

local function selector(path, field, value)
  local shown = tostring(value)
  if type(value) == "string" and not shown:find "^[%w_:.%-]+$" then shown = json.encode(shown) end
  return ("%s[%s=%s]"):format(path, field, shown)
end

local function is_list(value)
  if #value == 0 then return false end
  local n = 0
  for key in pairs(value) do
    if math.type(key) ~= "integer" then return false end
    n = n + 1
  end
  return n == #value
end

local function sorted_keys(object)
  local keys = {}
  for key in pairs(object) do
    if type(key) == "string" and key ~= "" and #key <= 200 and utf8.len(key) then
      keys[#keys + 1] = key
    end
  end
  table.sort(keys)
  return keys
end

-- The field whose value tells the elements apart; nil when none does.
local function id_field(list)
  for _, name in ipairs(id_names) do
    local seen, good = {}, true
    for _, element in ipairs(list) do
      local value = type(element) == "table" and element[name]
      local usable = type(value) == "string" and #value > 0 and #value <= 64
        or math.type(value) == "integer"
      if not usable or seen[value] then
        good = false
        break
      end
      seen[value] = true
    end
    if good then return name end
  end
  return nil
end

local walk

local function walk_list(into, list, path, words, depth)
  local name = type(list[1]) == "table" and #list <= SELECTED and id_field(list)
  local most = name and SELECTED or ELEMENTS
  for i = 1, math.min(#list, most) do
    local element = list[i]
    local at = name and selector(path, name, element[name]) or ("%s[%d]"):format(path, i)
    words[#words + 1] = tostring(name and element[name] or i)
    walk(into, element, at, words, depth + 1, name)
    words[#words] = nil
  end
  if #list > most then into.left = into.left + #list - most end
end

local function kind_of(value)
  if value == json.null then return "null" end
  local kind = math.type(value) or type(value)
  return kind == "userdata" and "null" or kind
end

local function note(into, value, path, words)
  local f = into.by_path[path]
  if not f then
    if #into.list >= fields.MOST then
      into.left = into.left + 1
      return
    end
    f = { path = path, words = table.move(words, 1, #words, 1, {}), docs = 0, kinds = {},
      values = {}, times = {}, last = 0 }
    into.by_path[path] = f
    into.list[#into.list + 1] = f
  end
  if f.last ~= into.docs then
    f.last = into.docs
    f.docs = f.docs + 1
  end
  local kind = kind_of(value)
  f.kinds[kind] = (f.kinds[kind] or 0) + 1
  if #f.values < VALUES and kind ~= "null" then
    f.values[#f.values + 1] = value
    f.times[#f.values] = into.now or false
  end
  if kind == "integer" or kind == "float" then
    f.low = math.min(f.low or value, value)
    f.high = math.max(f.high or value, value)
  end
end

function walk(into, value, path, words, depth, without)
  if type(value) ~= "table" or depth > DEPTH then
    if type(value) ~= "table" then note(into, value, path, words) end
    return
  end
  if is_list(value) then return walk_list(into, value, path, words, depth) end
  for _, key in ipairs(sorted_keys(value)) do
    if key ~= without then
      words[#words + 1] = key
      walk(into, value[key], step(path, key), words, depth + 1)
      words[#words] = nil
    end
  end
end

--- An empty collection of fields.
function fields.new() return { list = {}, by_path = {}, docs = 0, left = 0 } end

--- Add what one document has; `now`: when it came, for one that is not retained.
---
--- Each field: path, words (its levels' names), docs (in how many documents it is), kinds (counts
--- of integer, float, string, boolean, null), some values with the times at which they came, low
--- and high of its numbers. `into.docs` counts documents, `into.left` what was left out.
function fields.add(into, doc, now)
  into.now = now
  into.docs = into.docs + 1
  walk(into, doc, "", {}, 0)
end

--- The names of a document's first level, as one text: documents of one kind have the same.
function fields.signature(doc)
  if type(doc) ~= "table" then return type(doc) end
  if is_list(doc) then
    return "[" .. (type(doc[1]) == "table" and fields.signature(doc[1]) or type(doc[1])) .. "]"
  end
  return table.concat(sorted_keys(doc), "\0")
end

--- How much two such texts have in common, 0 to 1.
function fields.likeness(a, b)
  if a == b then return 1 end
  local set, both, all = {}, 0, 0
  for name in a:gmatch "%Z+" do
    set[name] = true
    all = all + 1
  end
  for name in b:gmatch "%Z+" do
    if set[name] then both = both + 1 else all = all + 1 end
  end
  return all == 0 and 0 or both / all
end

return fields
