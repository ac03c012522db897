--- `tagline explain`: a config without a network, asked about one message.
local offline = require "tagline.offline"
local explain = require "tagline.repl.explain"
local say = require "tagline.test.say"

local M = {}

--- The whole of a file, "-" being stdin; nil and why.
local function read(path)
  local file = io.stdin
  if path ~= "-" then
    local opened, why = io.open(path, "rb")
    if not opened then return nil, why end
    file = opened
  end
  local text, failed = file:read("a")
  if path ~= "-" then file:close() end
  if not text then return nil, ("%s: %s"):format(path, failed) end
  return text
end

local function fail(text)
  say.error("tagline explain: " .. text)
  return 1
end

--- A config that runs offline, or nil when it has errors, which are printed; warnings are not.
function M.open(config, unsafe, seconds)
  local one, problems, why = offline.new(config, seconds, unsafe)
  if one then return one end
  for _, text in ipairs(problems) do say.error(text) end
  if #problems == 0 then say.error("tagline: " .. why) end
  return nil
end

function M.main(json, unsafe, config, topic, file)
  local payload, why
  if file then
    payload, why = read(file)
    if not payload then return fail(why) end
  end
  local one = M.open(config, unsafe ~= "", os.time())
  if not one then return 1 end
  local ok, doc, text = pcall(one.explain, one, topic, payload)
  one:close()
  if not ok then return fail((tostring(doc):gsub("^.-:%d+: ", ""))) end
  print(json ~= "" and text or explain.text(doc))
  return 0
end

return M
