--- freeze(message, "FILE"): a real message and what became of its tags, as a busted spec that
--- `tagline test` runs.
local core = require "tagline.core"

local M = {}

local function literal(v)
  if type(v) == "string" then
    local text = ("%q"):format(v):gsub("\\\n", "\\n"):gsub("\r", "\\r"):gsub("\t", "\\t")
    return utf8.len(v) and text
      or (text:gsub("[\x80-\xff]", function(c) return ("\\x%02x"):format(c:byte()) end))
  end
  if math.type(v) == "float" then
    if v == math.floor(v) and math.abs(v) < 1e15 then return ("%d"):format(v) end
    local short = ("%.15g"):format(v)
    return tonumber(short) == v and short or ("%.17g"):format(v)
  end
  return tostring(v)
end

local function payload_text(payload)
  if utf8.len(payload) and not payload:find("[%c\x7f]") then
    if not payload:find("]]", 1, true) and payload:sub(-1) ~= "]" and payload ~= "" then
      return "[[" .. payload .. "]]"
    end
    return literal(payload)
  end
  return 't.hex "' .. payload:gsub(".", function(c) return ("%02X"):format(c:byte()) end) .. '"'
end

local is_time = { TiA = true, ToA = true }

--- What a tag should be, as fields of a table.
local function expected(tag)
  local capture = require "tagline.test.capture"
  local fields = {}
  if tag.status == "valid" then
    local v = tag.value
    if type(v) == "table" then v = require("tagline.codec.base64").decode(v.base64) end
    if is_time[tag.type] then v = capture.time(v) or v end
    fields[1] = "value = " .. literal(v)
  end
  fields[#fields + 1] = ("status = %q"):format(tag.status)
  if tag.reason then fields[#fields + 1] = ("reason = %q"):format(tag.reason) end
  if tag.time then fields[#fields + 1] = "time = " .. literal(capture.time(tag.time)) end
  return "{ " .. table.concat(fields, ", ") .. " }"
end

--- The config's path as the spec will find it: beside itself, or from where it is run. `whole`:
--- the same from the root.
local function config_path(config, whole, file)
  if file:sub(1, 1) == "/" and config:sub(1, 1) ~= "/" then
    return whole:match("^(.*/)") == file:match("^(.*/)") and whole:match("[^/]*$") or whole
  end
  local folder = file:match("^(.*/)") or ""
  if config:match("^(.*/)") == folder or (folder == "" and not config:find("/")) then
    return config:match("[^/]*$")
  end
  if config:sub(1, 1) == "/" or file:sub(1, 1) == "/" or folder:find("..", 1, true) then
    return config
  end
  local _, depth = folder:gsub("[^/]+/", "")
  return ("../"):rep(depth) .. config
end

local function options_text(m, extra)
  local parts = { ("line = %s"):format(literal(m.line)), ("time = %s"):format(literal(m.time)) }
  if extra then parts[#parts + 1] = "extra = true" end
  if m.qos > 0 then parts[#parts + 1] = ("qos = %d, id = %d"):format(m.qos, m.id) end
  if m.dup then parts[#parts + 1] = "dup = true" end
  if m.retain then parts[#parts + 1] = "retain = true" end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

local function same(a, b)
  if type(a.value) == "table" and type(b.value) == "table" then
    return a.value.base64 == b.value.base64
  end
  return a.value == b.value and a.status == b.status and a.reason == b.reason and a.time == b.time
end

--- The spec's text. `again`: the document of a second try; a tag that is another one there
--- depends on what decode remembers.
function M.text(doc, m, path, again)
  local line, second = doc.lines[1], again and again.lines[1].tags
  local out = {
    ("-- A message of line '%s', received %s, and what %s made of it then."):format(m.line,
      doc.time, path:match("[^/]*$")),
    'local t = require "tagline.test"', "",
    ("describe(%s, function()"):format(literal(m.topic)),
  }
  local feed = ("config:feed(%s, payload, %s)"):format(literal(m.topic),
    options_text(m, line.decode and line.decode.unknown))
  local failed = line.decode and line.decode.code == "decoder"
  table.move({
    failed and '  it("is what decode fails on", function()'
      or '  it("gives the values that it gave", function()',
    ("    local payload = %s"):format(payload_text(m.payload)),
    ("    local config = t.config(%s, { time = %s })"):format(literal(path), literal(m.time)),
    failed and ("    assert.has_error(function() %s end)"):format(feed) or "    " .. feed,
    "    config:expect {",
  }, 1, 5, #out + 1, out)
  for i, tag in ipairs(line.tags) do
    if second and second[i] and not same(tag, second[i]) then
      out[#out + 1] = ("      -- %s depends on what decode remembers: it came out different at \z
        a second try."):format(tag.tag)
    elseif tag.code ~= "output" then
      out[#out + 1] = ("      [%s] = %s,"):format(literal(tag.tag), expected(tag))
    end
  end
  table.move({ "    }", "  end)", "end)", "" }, 1, 4, #out + 1, out)
  return table.concat(out, "\n")
end

--- Called by the core: explain, the running config's path as it was given and whole, and what
--- the person gave.
function M.freeze(explain, config, whole, message, file)
  if type(message) ~= "table" or type(message.topic) ~= "string" or type(message.payload)
    ~= "string" then
    error(
      "freeze: expected a message of messages() and a file name, as in freeze(messages()[1], \z
        \"boiler_spec.lua\")", 0)
  end
  if type(file) ~= "string" or not file:find("_spec%.lua$") and not file:find("_test%.lua$") then
    error(
      "freeze: expected the name of a file that ends in _spec.lua, where `tagline test` finds it",
        0)
  end
  local doc = explain(message, { fresh = true })
  local line = doc.lines[1]
  if not line or not line.tags then
    error(("freeze: no tag changes by this message (%s)"):format(line and line.code or "no line"),
      0)
  end
  local text = M.text(doc, message, config_path(config, whole, file),
    explain(message, { fresh = true }))
  local written, why, there = core.write_new_file(file, text)
  if there then error(("freeze: '%s' is there already; give another name"):format(file), 0) end
  if not written then error(("freeze: %s: %s"):format(file, why), 0) end
  local n = 0
  for _, tag in ipairs(line.tags) do n = n + (tag.code ~= "output" and 1 or 0) end
  return ("%d tag%s in %s; run it with: tagline test %s"):format(n, n == 1 and "" or "s", file,
    file)
end

return M
