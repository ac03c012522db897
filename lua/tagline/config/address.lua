--- Checks the address of a station: a topic, or a regular expression. Knows no station.
local kinds = require "tagline.config.kinds"

local function levels(topic)
  return (topic .. "/"):gmatch("([^/]*)/")
end

--- The regular expression that an MQTT filter would be, when the address looks like one; else nil.
local function as_regex(address)
  if address == "#" then return nil end
  local parts, wild, last = {}, false, nil
  for level in levels(address) do
    last = level
    if level == "+" then
      parts[#parts + 1], wild = "[^/]+", true
    elseif level == "#" then
      parts[#parts + 1] = ".*"
    else
      parts[#parts + 1] = level:gsub("[%^%$%(%)%%%.%[%]%*%+%-%?{}|\\]", function(c)
        return c == "-" and "-" or "\\" .. c
      end)
    end
  end
  return (wild or last == "#") and table.concat(parts, "/") or nil
end

local looks_like_filter =
  'looks like an MQTT filter, but addresses are topics or regular expressions: is "%s" meant?'

--- What an address is: { wrong =, warning =, plain =, groups = }.
return function(core, address)
  if address == "" then
    return { wrong = "expected a topic or a regular expression, got an empty string" }
  end
  if address == "#" or address == ".*" then return { groups = {} } end
  local meant = as_regex(address)
  if core.plain(address) then
    if meant then
      return { plain = true, looks = true, groups = {}, warning = looks_like_filter:format(meant) }
    end
    local ok, why, at = core.topic_check(address)
    if ok then return { plain = true, groups = {} } end
    return { groups = {}, wrong = kinds.at("a topic or a regular expression", address, why, at) }
  end
  local found, why, at = core.regex(address, true)
  if not found then
    local wrong = kinds.at("a topic or a regular expression", address, why, at)
    return { wrong = meant and ('%s; for an MQTT filter write "%s"'):format(wrong, meant) or wrong }
  end
  local facts = { groups = found.groups, count = found.count }
  if meant then
    facts.warning = looks_like_filter:format(meant)
  end
  return facts
end
