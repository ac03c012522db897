--- Checks the address of a station: a topic, or a regular expression. Knows no station.
local kinds = require "tagline.config.kinds"

local function levels(topic)
  return (topic .. "/"):gmatch("([^/]*)/")
end

--- The regular expression that an MQTT filter would be, when the address looks like one; else nil.
--- A level '*' is meant like '+': in an expression it repeats the slash before it.
--- `compiles`: it is an expression; one with groups, say, is meant as one but for these levels.
local function as_regex(address, compiles)
  if address == "#" then return nil end
  local is_one = compiles and address:find "[\\(%[|]"
  local parts, wild, last = {}, false, nil
  for level in levels(address) do
    last = level
    if level == "+" or level == "*" then
      parts[#parts + 1], wild = "[^/]+", true
    elseif level == "#" then
      parts[#parts + 1] = ".*"
    else
      parts[#parts + 1] = is_one and level
        or level:gsub("[%^%$%(%)%%%.%[%]%*%+%-%?{}|\\]", function(c)
          return c == "-" and "-" or "\\" .. c
        end)
    end
  end
  return (wild or last == "#") and table.concat(parts, "/") or nil
end

--- The same as a regular expression, when the address has classes of Lua's patterns; else nil.
local function as_pcre(address)
  if not address:find "%%[adlswx][+*?)]" then return nil end
  local classes = { a = "[A-Za-z]", l = "[a-z]", x = "[0-9A-Fa-f]" }
  return (address:gsub("%%(.)", function(c) return classes[c] or "\\" .. c end))
end

--- A text as one types it in a config, where a backslash needs care.
local function typed(text)
  if not text:find("\\", 1, true) then return '"' .. text .. '"' end
  if text:find "]]" or text:find "]$" then return '"' .. text:gsub("\\", "\\\\") .. '"' end
  return "[[" .. text .. "]]"
end

local looks_like_filter =
  "looks like an MQTT filter, but addresses are topics or regular expressions: is %s meant?"
local looks_like_pattern =
  "looks like a pattern of Lua, but addresses are regular expressions (PCRE2): is %s meant?"

--- What an address is: { wrong =, warning =, plain =, groups = }.
return function(core, address)
  if address == "" then
    return { wrong = "expected a topic or a regular expression, got an empty string" }
  end
  if address == "#" or address == ".*" then return { groups = {} } end
  local meant = as_regex(address)
  if core.plain(address) then
    if meant then
      return { plain = true, looks = true, groups = {},
        warning = looks_like_filter:format(typed(meant)) }
    end
    local ok, why, at = core.topic_check(address)
    if ok then return { plain = true, groups = {} } end
    return { groups = {}, wrong = kinds.at("a topic or a regular expression", address, why, at) }
  end
  local found, why, at = core.regex(address, true)
  if not found then
    local wrong = kinds.at("a topic or a regular expression", address, why, at)
    return { wrong = meant and ("%s; for an MQTT filter write %s"):format(wrong, typed(meant))
      or wrong }
  end
  local facts = { groups = found.groups, count = found.count }
  local pattern = as_pcre(address)
  meant = as_regex(address, true)
  if meant then
    facts.warning = looks_like_filter:format(typed(meant))
  elseif pattern then
    facts.warning = looks_like_pattern:format(typed(pattern))
  end
  return facts
end
