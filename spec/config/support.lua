--- What the specs of the config share. The module tagline.core comes from the build (LUA_CPATH,
--- set by ctest).
local load = require "tagline.config.load"

local support = {}

--- Load a text as c.lua: the draft and the problems' texts. `opts.stations`: also of lines that
--- have none.
function support.load(text, opts)
  local draft, problems = load.string(text, "c.lua", opts)
  local texts = {}
  for _, problem in ipairs(problems) do
    local bare = problem.text:find("has no station:", 1, true) -- most of these configs need none
    if not bare or opts and opts.stations then texts[#texts + 1] = problem.text end
  end
  return draft, texts
end

--- The problems of a text.
function support.problems(text, opts)
  local _, texts = support.load(text, opts)
  return texts
end

--- The draft of a text that has nothing wrong, not even a warning.
function support.clean(text, opts)
  local draft, texts = support.load(text, opts)
  if not draft or #texts > 0 then error("not clean: " .. table.concat(texts, "\n"), 2) end
  return draft
end

--- What this program is built without that a text needs, in words; nil: nothing.
function support.lacking(text)
  for _, problem in ipairs(support.problems(text)) do
    local why = problem:match "this program is built without [^:]+"
    if why then return why end
  end
end

--- A line with some fields; its only line of source is 1.
function support.line(fields)
  return ('line "p" { host = "h", %s }'):format(fields)
end

--- A JSON line with one station with some fields.
function support.station(fields, name)
  return ('line "p" { host = "h", payload_type = "JSON", station "%s" { %s } }'):format(name
    or "s", fields)
end

--- A JSON line with a station with one tag x.
function support.tag(expression)
  return support.station(('address = "t", tags = { x = %s }'):format(expression))
end

return support
