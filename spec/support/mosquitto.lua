-- A real Mosquitto on a free loopback port, with a folder of its own.
--
--   local m = mosquitto.start { "max_inflight_messages 1" }      -- further lines of its config
--   m:publish("a/b", "21", { qos = 1 })
--   m:kill(); m:restart()                                        -- the same port and folder
local uv = require "luv"
local ports = require "spec.support.ports"
local process = require "spec.support.process"
local scope = require "spec.support.scope"

local mosquitto = {}
mosquitto.__index = mosquitto

mosquitto.free_port = ports.free

-- Start it and wait until it listens; raises with what it said when it does not.
local function launch(m)
  local lines = { "listener " .. m.port .. " 127.0.0.1", "allow_anonymous true",
    "log_dest stderr", "log_type all",
    "user " .. uv.os_get_passwd().username, table.unpack(m.options) }
  scope.file("mosquitto.conf", table.concat(lines, "\n") .. "\n", m.folder)
  m.process = process.start(process.find "mosquitto", { "-c", m.folder .. "/mosquitto.conf" },
    { cwd = m.folder, net = m.net })
  m.process:wait_log(" running$")
end

-- Start a broker with these further config lines, and with `net` in that network
-- (spec.support.netns). `m.port` is its port, `m.folder` its folder (its working directory).
function mosquitto.start(options)
  local m = setmetatable({ options = options or {}, net = options and options.net,
    folder = scope.folder(), port = ports.free() }, mosquitto)
  launch(m)
  return m
end

-- Start again on the same port, after kill() or stop().
function mosquitto:restart() launch(self) end

-- End without a word to anybody (SIGKILL).
function mosquitto:kill()
  self.process:kill("sigkill")
  self.process:wait_exit()
end

-- End in order.
function mosquitto:stop()
  self.process:kill("sigterm")
  self.process:wait_exit()
end

-- Wait until it has answered the next SUBSCRIBE of this client.
function mosquitto:wait_subscribed(client_id, milliseconds)
  self.process:wait_log("Sending SUBACK to " .. client_id:gsub("%p", "%%%0") .. "$", milliseconds)
end

-- Stop scheduling it, as a machine that vanished; resume() undoes it.
function mosquitto:freeze() self.process:kill("sigstop") end
function mosquitto:resume() self.process:kill("sigcont") end

-- Publish with mosquitto_pub and wait until it is done. options: qos, retain, and any further
-- words for its command line.
function mosquitto:publish(topic, payload, options)
  options = options or {}
  local words = { "-h", "127.0.0.1", "-p", tostring(self.port), "-t", topic, "-q",
    tostring(options.qos or 0), "-s" }
  if options.retain then words[#words + 1] = "-r" end
  table.move(options, 1, #options, #words + 1, words)
  local code, _, errors = process.run(process.find "mosquitto_pub", words,
    { input = payload, net = self.net })
  if code ~= 0 then error("mosquitto_pub: " .. errors, 2) end
end

-- Which QoS 2 messages came to this client more often than they were sent to it? `times` says how
-- often each came, by its identifier. Returns a text for each, with what the broker's log says of
-- it; "" if there is none.
-- A PUBLISH that follows the PUBREL is a message of its own. [MQTT-4.3.3-1] forbids it, but
-- Mosquitto 2.0 sends it when a connection ends before all PUBRELs of the one before are repeated:
-- the others are then taken for messages without a PUBREC.
function mosquitto:too_often(client_id, times)
  local sent, released, said = {}, {}, {}
  local client = client_id:gsub("%p", "%%%0")
  local packets = {
    PUBLISH = "^%d+: Sending PUBLISH to " .. client .. " %(d%d, q2, r%d, m(%d+),",
    PUBREL = "^%d+: Sending PUBREL to " .. client .. " %(m(%d+)%)",
    PUBREC = "^%d+: Received PUBREC from " .. client .. " %(Mid: (%d+)%)",
    PUBCOMP = "^%d+: Received PUBCOMP from " .. client .. " %(Mid: (%d+),",
  }
  for _, line in ipairs(self.process:lines "stderr") do
    for packet, pattern in pairs(packets) do
      local id = tonumber(line:match(pattern))
      if id then
        said[id] = (said[id] or "") .. " " .. packet
        if packet == "PUBLISH" and (released[id] or not sent[id]) then
          sent[id] = (sent[id] or 0) + 1
        end
        if packet ~= "PUBREC" then released[id] = packet ~= "PUBLISH" end
      end
    end
  end
  local wrong = {}
  for id, count in pairs(times) do
    if count > (sent[id] or 0) then
      wrong[#wrong + 1] = ("%d came %d times:%s\n"):format(id, count, said[id] or " never sent")
    end
  end
  table.sort(wrong)
  return table.concat(wrong)
end

-- A running mosquitto_sub that prints "QOS RETAIN TOPIC PAYLOAD" a line; subscribed when this
-- returns.
function mosquitto:subscribe(filter, qos)
  local p = process.start(process.find "mosquitto_sub",
    { "-h", "127.0.0.1", "-p", tostring(self.port), "-t", filter,
    "-q", tostring(qos or 2), "-F", "%q %r %t %p" }, { net = self.net })
  self.process:wait_log "Sending SUBACK"
  return p
end

return mosquitto
