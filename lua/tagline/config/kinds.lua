--- What values a field takes: each kind makes a check, a function(value) that returns nil and
--- the value in its normal form, or what is wrong in words ("expected …, got …"). Strict: the
--- text "21" is not the number 21. Knows nothing of records.
local kinds = {}

local huge = math.huge

--- What an editor should know of a check: "number", "integer". Those that take more are told of in
--- scripts/annotations.
kinds.types = setmetatable({}, { __mode = "k" })

local function typed(of, check)
  kinds.types[check] = of
  return check
end

--- A value as a message shows it.
function kinds.got(value)
  local what = type(value)
  if what == "string" then
    local shown = #value > 60 and value:sub(1, 57) .. "..." or value
    return '"' .. shown:gsub("[%c\"\\]", function(c)
      return c == "\n" and "\\n" or (c == '"' or c == "\\") and "\\" .. c
        or ("\\x%02X"):format(c:byte())
    end) .. '"'
  elseif what == "number" then
    if value ~= value then return "nan" end -- its sign says nothing
    return math.type(value) == "integer" and tostring(value) or ("%.14g"):format(value)
  elseif what == "boolean" then
    return tostring(value)
  end
  return what == "nil" and "nothing" or "a " .. what
end

local got = kinds.got

local function expected(what, value)
  return ("expected %s, got %s"):format(what, got(value))
end
kinds.expected = expected

--- One answer per text, so that the same address in 10,000 stations is checked once.
function kinds.memo(check)
  local answers = {}
  return function(value)
    if type(value) ~= "string" then return check(value) end
    local known = answers[value]
    if known == nil then
      local wrong, normal = check(value)
      known = { wrong, normal }
      answers[value] = known
    end
    return known[1], known[2]
  end
end

local function bound(n)
  return n >= 1048576 and n % 1048576 == 0 and ("%d MiB"):format(n // 1048576) or got(n)
end

local function between(what, min, max)
  if max == huge then return ("%s of at least %s"):format(what, bound(min)) end
  return ("%s from %s to %s"):format(what, bound(min), bound(max))
end

--- An integer; a float with an integral value (16 * 2^20) is one.
function kinds.integer(min, max)
  local what = between("an integer", min, max)
  return typed("integer", function(value)
    local n = type(value) == "number" and math.tointeger(value)
    if not n or n < min or n > max then return expected(what, value) end
    return nil, n
  end)
end

--- A finite number; `above`: the lower bound itself is out.
function kinds.number(what, min, max, above)
  local words = above and ("%s above %s, up to %s"):format(what, got(min), got(max))
    or between(what, min, max)
  return typed("number", function(value)
    if kinds.finite(value) or value < min or value > max or above and value == min then
      return expected(words, value)
    end
    return nil, value
  end)
end

function kinds.seconds(min, max, above)
  return kinds.number("seconds, a number", min, max, above)
end

--- Any finite number.
function kinds.finite(value)
  if type(value) ~= "number" or value ~= value or value == huge or value == -huge then
    return expected("a number", value)
  end
  return nil, value
end

function kinds.boolean(value)
  if type(value) == "boolean" then return nil, value end
  local word = type(value) == "string" and value:upper()
  if word == "YES" or word == "NO" then return nil, word == "YES" end
  return expected('true, false, "YES" or "NO"', value)
end
typed('boolean|"YES"|"NO"', kinds.boolean)

function kinds.qos(value)
  local n = type(value) == "number" and math.tointeger(value)
    or type(value) == "string" and math.tointeger(tonumber(value:upper():match("^QOS_([012])$")))
  if not n or n < 0 or n > 2 then
    return expected('0, 1 or 2, or "QoS_0", "QoS_1", "QoS_2"', value)
  end
  return nil, n
end

--- One of some words, in any case: a list of { as written, normal form }.
function kinds.enum(words)
  local normal, shown = {}, {}
  for i, word in ipairs(words) do
    normal[word[1]:lower()], shown[i] = word[2], '"' .. word[1] .. '"'
  end
  local what = table.concat(shown, ", ", 1, #shown - 1) .. " or " .. shown[#shown]
  return function(value)
    local n = type(value) == "string" and normal[value:lower()]
    if not n then return expected(what, value) end
    return nil, n
  end
end

function kinds.handler(value)
  if type(value) == "function" then return nil, value end
  local meta = type(value) == "table" and debug.getmetatable(value)
  if meta and meta.__call then return nil, value end
  return expected("a function", value)
end

--- A text of at most `max` bytes, well-formed UTF-8 without U+0000 [MQTT-1.5.3-1], [MQTT-1.5.3-2].
function kinds.text(core, max)
  return function(value)
    if type(value) ~= "string" then return expected("a string", value) end
    if max and #value > max then
      return ("expected at most %d bytes, got %d"):format(max, #value)
    end
    local zero = value:find("\0", 1, true)
    if zero then
      return ("expected a string without a zero byte, got one at position %d"):format(zero)
    end
    local good, prefix = core.utf8(value)
    if not good then
      return ("expected UTF-8, got something else at position %d"):format(prefix + 1)
    end
    return nil, value
  end
end

--- Any bytes.
function kinds.bytes(max)
  return function(value)
    if type(value) ~= "string" then return expected("a string", value) end
    if #value > max then return ("expected at most %d bytes, got %d"):format(max, #value) end
    return nil, value
  end
end

--- Bytes, or a function that gives them when they are needed.
function kinds.made_bytes(max)
  local bytes = kinds.bytes(max)
  return function(value)
    if not kinds.handler(value) then return nil, value end
    if type(value) ~= "string" then return expected("a string or a function", value) end
    return bytes(value)
  end
end

--- The same, but what came is never shown, not even its length; "" means not given.
function kinds.secret(max)
  return function(value)
    if type(value) ~= "string" then return ("expected a string, got a %s"):format(type(value)) end
    if #value > max then return ("expected at most %d bytes, got more"):format(max) end
    return nil, value ~= "" and value or nil
  end
end

--- What a function of the core says about a text, with the place: `what` is what was expected.
function kinds.core(check, what)
  return kinds.memo(function(value)
    if type(value) ~= "string" then return expected(what, value) end
    local ok, why, at = check(value)
    if not ok then return kinds.at(what, value, why, at) end
    return nil, value
  end)
end

--- A message about a place inside a text: `at` is a byte offset from 0.
function kinds.at(what, value, why, at)
  return ("expected %s, got %s: %s (at position %d)"):format(what, got(value), why, (at or 0) + 1)
end

--- A time zone; a name has no position in it.
function kinds.zone(core)
  return kinds.memo(function(value)
    if type(value) ~= "string" then
      return expected('a time zone such as "UTC", "local", "+01:00" or "Europe/Bratislava"', value)
    end
    local ok, why = core.zone(value)
    if not ok then return why end
    return nil, value
  end)
end

-- a list with more wrong items than these has one mistake, made again and again
local MOST_WRONG = 100

--- A list of texts out of one text or a list; `each` checks one, `split` (optional) cuts a text
--- into several.
--- none: the list may be empty. What is wrong in the list, item by item, is the check's third
--- result; beyond MOST_WRONG items only how many.
local function texts(what, each, split, none)
  return function(value)
    if type(value) ~= "string" and type(value) ~= "table" then return expected(what, value) end
    local given = type(value) == "table" and value or split and split(value) or { value }
    local list, seen, count, all, more = {}, {}, 0, {}, 0
    for _ in pairs(given) do count = count + 1 end
    if count ~= #given then
      return ("expected %s, got a table with other keys than 1, 2, 3"):format(what)
    end
    for i, item in ipairs(given) do
      local wrong, normal = each(item)
      if not wrong and seen[normal] then wrong = ("%s is given twice"):format(got(normal)) end
      if not wrong then
        list[i], seen[normal] = normal, true
      elseif #all < MOST_WRONG then
        all[#all + 1] = wrong
      else
        more = more + 1
      end
    end
    if more > 0 then all[#all + 1] = ("more wrong items in the list: %d"):format(more) end
    if all[1] then return all[1], nil, all end
    if #list == 0 and not none then return ("expected %s, got none"):format(what) end
    return nil, list
  end
end

kinds.texts = texts

function kinds.filters(core)
  return texts("a topic filter or a list of them",
    kinds.core(core.filter_check, "a topic filter"), nil, true)
end

--- A host to show: what may be a name and a password (mqtt://joe:secret@host) is left out.
local function shown_host(name)
  local scheme, rest = name:match("^(%a[%w+.-]*://)(.*)$")
  rest = rest or name
  local behind = rest:match(".*@(.*)$")
  if behind then rest = "…@" .. behind
  elseif scheme and rest:find(":%d*[^%d/]") then rest = "…" end
  return got((scheme or "") .. rest)
end

local function plain_host(name)
  local bare, port = name:match("^([^:@]+):(%d+)$")
  if not bare then bare, port = name:match("^%[([^%]@]+)%]:(%d+)$") end
  if bare then
    return (
      'expected a name or address without a port, got %s: write host = "%s", port = %s, or \z
        "mqtt://%s"'):format(got(name), bare,
      port, name)
  end
  name = name:match("^%[(.+)%]$") or name
  if #name > 255 or name:find("[^%w._:%%-]") then
    return "expected a host name or an address, got " .. shown_host(name)
  end
  return nil, name
end

--- Redundant addresses: separated by commas or semicolons, or a list; plain ones, or with a scheme.
function kinds.hosts(core)
  local function host(value)
    if type(value) ~= "string" then return expected("a host, as a string", value) end
    local name = value:match("^%s*(.-)%s*$")
    if name == "" then return "expected a host, got an empty one" end
    if not name:find("^%a[%w+.-]*://") then return plain_host(name) end
    local scheme, why = core.broker_address(name)
    if not scheme then return why end
    return nil, name
  end
  return texts("a host or a list of hosts", host, function(value)
    local list = {}
    for part in (value .. ","):gmatch("([^,;]*)[,;]") do list[#list + 1] = part end
    if #list > 1 and list[#list]:match("^%s*$") then list[#list] = nil end -- "a, b," is two
    return list
  end)
end


--- Two numbers in a list.
function kinds.pair(what, names)
  return function(value)
    if type(value) ~= "table" then return expected(what, value) end
    local a, b = value[1], value[2]
    if a == nil and b == nil then a, b = value[names[1]], value[names[2]] end
    local count = 0
    for _ in pairs(value) do count = count + 1 end
    for _, n in ipairs { a, b } do
      if kinds.finite(n) then return ("expected %s, got %s in it"):format(what, got(n)) end
    end
    if a == nil or b == nil or count ~= 2 then
      return ("expected %s, got %d values"):format(what, count)
    end
    return nil, { a, b }
  end
end

--- Steps of prepare: a name, a function, or a list of both.
function kinds.prepare(value)
  local names = { trim = true, latin1 = true, nan = true }
  local what = 'a function, "trim", "latin1", "nan" or a list of these'
  local function wrong(step)
    if type(step) == "string" then return not names[step] end
    return kinds.handler(step) ~= nil
  end
  if type(value) ~= "table" or not wrong(value) then
    if value == nil or wrong(value) then return expected(what, value) end
    return nil, { value }
  end
  local list, count = {}, 0
  for _ in pairs(value) do count = count + 1 end
  if count ~= #value then
    return ("expected %s, got a table with other keys than 1, 2, 3"):format(what)
  end
  if count == 0 then return ("expected %s, got an empty list"):format(what) end
  if count > 16 then return ("expected at most 16 steps, got %d"):format(count) end
  for i, step in ipairs(value) do
    if wrong(step) then return ("expected %s, got %s in it"):format(what, got(step)) end
    list[i] = step
  end
  return nil, list
end

local state_names = { "Off", "On", "Trans", "Err", "Oscillate" }
local state_of = {}
for i, name in ipairs(state_names) do state_of[name:lower()] = i - 1 end

--- Words for states, { Off = "CLOSED", On = { "OPEN", "opened" } }: a list of { state, text },
--- in the order of the states.
function kinds.words(value)
  local what = 'a table of words for states, { Off = "CLOSED", On = { "OPEN", "opened" } }'
  if type(value) ~= "table" or debug.getmetatable(value) then return expected(what, value) end
  local by_state, taken, list = {}, {}, {}
  for name, words in pairs(value) do
    local state = type(name) == "string" and state_of[name:lower()]
    if not state then return ("expected %s, got the state %s"):format(what, got(name)) end
    if by_state[state] then
      return ("the state %s is given twice"):format(state_names[state + 1])
    end
    by_state[state] = type(words) == "table" and words or { words }
  end
  if next(by_state) == nil then return ("expected %s, got an empty table"):format(what) end
  for state = 0, 4 do
    local words = by_state[state] or {}
    for key in pairs(words) do
      if math.type(key) ~= "integer" or key < 1 or key > #words then
        return expected(what, value)
      end
    end
    if by_state[state] and #words == 0 then
      return ("expected a word for %s, got none"):format(state_names[state + 1])
    end
    for _, word in ipairs(words) do
      if type(word) ~= "string" then
        return ("expected a text for %s, got %s"):format(state_names[state + 1], got(word))
      end
      local other = taken[word]
      if other then
        return ("%s stands for two states, %s and %s"):format(got(word), state_names[other + 1],
          state_names[state + 1])
      end
      taken[word] = state
      list[#list + 1] = { state, word }
    end
  end
  return nil, list
end

--- The shape of a word's braces (Load:record) from name → check.
function kinds.shape(checks)
  local shape = { fields = {}, names = {} }
  for name, check in pairs(checks) do
    shape.fields[name] = { check = check }
    shape.names[#shape.names + 1] = name
  end
  table.sort(shape.names)
  return shape
end

return kinds
