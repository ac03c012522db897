--- Values as JSON, never cut: `json(v, seen, options)`. seen: tables that v is in. options: see
--- print.format.
local many = require "tagline.history.rows"
local value = require "tagline.repl.print_value"

local json

local function json_string(s)
  if utf8.len(s) == nil then
    return '{"base64":"' .. require "tagline.codec.base64".encode(s) .. '"}'
  end
  return '"' .. s:gsub('[%c"\\\127]', function(c)
    return c == "\n" and "\\n" or (c == '"' or c == "\\") and "\\" .. c
      or ("\\u%04x"):format(c:byte())
  end) .. '"'
end

local fields = {
  station = { "status", "address", "stats" },
  line = { "status", "stats" },
}

local function json_object(v, kind, seen, options)
  if not value.is_there(v) then
    return ('{"%s":%s,"status":"removed"}'):format(kind, json_string(value.name_of(v)))
  end
  if kind == "tag" then return options.live_tag(v) end
  local parts = { ('"%s":%s'):format(kind, json_string(value.name_of(v))) }
  for _, name in ipairs(fields[kind] or {}) do
    parts[#parts + 1] = ('"%s":%s'):format(name, json(v[name], seen, options))
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

local lists = { ["tagline.list"] = true, ["tagline.messages"] = true }

--- A table that is marked as a list is one, also when it is empty, and whatever else it holds (the
--- rows of a history have `left_out`): those that our own words give are.
local function is_list(t)
  local meta = debug.getmetatable(t)
  if type(meta) == "table" and lists[rawget(meta, "__name")] then return true end
  local n = 0
  for _ in next, t do n = n + 1 end
  return n > 0 and n == #t
end

local function json_table(t, seen, options)
  local kind = value.collection(t)
  if kind then
    local list = {}
    for _, v in pairs(t) do list[#list + 1] = json_object(v, kind, seen, options) end
    return "[" .. table.concat(list, ",") .. "]"
  end
  if seen[t] then return '"(again)"' end
  seen[t] = true
  local text
  if is_list(t) then
    local function item(i) return json(many.raw(t, i), seen, options) end
    text = "[" .. many.concat(#t, item, ",") .. "]"
  else
    local parts = {}
    for i, k in ipairs(value.sorted_keys(t)) do
      local name = type(k) == "string" and utf8.len(k) and k or value.scalar(k)
      parts[i] = json_string(name) .. ":" .. json(rawget(t, k), seen, options)
    end
    text = "{" .. table.concat(parts, ",") .. "}"
  end
  seen[t] = nil
  return text
end

function json(v, seen, options)
  local kind = value.kind(v)
  if kind and (kind == "tag" or fields[kind]) then return json_object(v, kind, seen, options) end
  if type(v) == "table" then return json_table(v, seen, options) end
  if type(v) == "string" then return json_string(v) end
  if type(v) == "number" then
    return v == v and math.abs(v) ~= math.huge and value.shown_number(v) or "null"
  end
  if type(v) == "boolean" then return tostring(v) end
  if v == nil or type(v) == "userdata" and tostring(v) == "null" then return "null" end -- json.null
  return json_string(type(v)) -- a function, a thread: its address would be another one each time
end

return json
