-- Topics on a real Mosquitto, what `tagline discover --config` makes of them, and its values.
local uv = require "luv"
local cjson = require "cjson"
local scenario = require "spec.support.scenario"
local packet, process, scope, tagline, wait = scenario "packet process scope tagline wait"

local discovery = {}

--- Publish a list of { topic, payload, retain } on one connection; the last one is confirmed.
function discovery.publish(m, list)
  local socket, answers = uv.new_tcp(), ""
  scope.defer(function() if not socket:is_closing() then socket:close() end end)
  local connected = false
  socket:connect("127.0.0.1", m.port, function(why)
    assert(not why, why)
    connected = true
    socket:read_start(function(_, bytes) answers = answers .. (bytes or "") end)
  end)
  wait.till("connection", nil, function() return connected end)
  local parts = { packet.encode("CONNECT", { client_id = "spec", clean_session = true }) }
  for _, one in ipairs(list) do
    parts[#parts + 1] = packet.encode("PUBLISH", { topic = one[1], payload = one[2],
      retain = one[3] ~= false })
  end
  parts[#parts + 1] =
    packet.encode("PUBLISH", { topic = "spec/end", payload = "", qos = 1, id = 1 })
  socket:write(table.concat(parts))
  wait.till("PUBACK", nil, function() return answers:find("\x40\x02\0\1", 1, true) end)
  socket:close()
end

--- Discover until all that is retained, and what `live` publishes meanwhile, was heard.
function discovery.discover(m, live)
  local p = process.start(tagline.program(), { "discover", "127.0.0.1:" .. m.port, "--seconds",
    "600", "--config" })
  m.process:wait_log "Sending SUBACK to taglinediscover%x+"
  if live then discovery.publish(m, live) end
  discovery.publish(m, { { "spec/last", "end", false } })
  m.process:wait_log "Sending PUBLISH to taglinediscover%x+ .*'spec/last'"
  p:kill "sigint"
  assert(p:wait_exit() == 0, p:text "stderr")
  return p:text "stdout" .. "\n"
end

--- A config that `check` has nothing to say of; its path.
function discovery.check(text)
  local path = scope.file("config.lua", text)
  local code, out = tagline.command { "check", path }
  assert(code == 0 and out == "", out)
  return path
end

--- Run a config until each of these values has come: a set of texts, as JSON writes values.
function discovery.run_for(path, wanted, left)
  local t = tagline.run(path)
  local seen, bad, at = {}, {}, 0
  wait.till("all values", nil, function()
    local lines = t:lines()
    while at < #lines do
      at = at + 1
      local v = cjson.decode(lines[at])
      local value = v.base64 or tostring(v.value)
      if type(v.value) == "number" then value = ("%.10g"):format(v.value) end
      if v.status ~= "valid" then bad[#bad + 1] = lines[at] end
      seen[v.tag] = v
      if wanted[value] then
        wanted[value] = nil
        left = left - 1
      end
    end
    return left == 0
  end, function() return ("%d values are missing: %s"):format(left, tostring(next(wanted))) end)
  return t, seen, bad
end

--- What run_for wants: the values, and how many.
function discovery.set_of(list)
  local set = {}
  for _, value in ipairs(list) do set[value] = true end
  return set, #list
end

return discovery
