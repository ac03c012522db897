-- A network of its own, in which only what the spec starts listens: for brokers that bind all
-- interfaces whatever their config says, as Mosquitto's WebSocket listener does.
--
--   local net = netns.new()
--   local p = net:start(process.find "mosquitto", { "-c", conf })     -- as process.start
local uv = require "luv"
local process = require "spec.support.process"

local netns = {}
netns.__index = netns

local is_root = uv.getuid() == 0

-- Without root the namespace has users of its own.
function netns.new()
  local words = { "-c", 'ip link set lo up && echo ready && exec cat' }
  local holder = process.start(process.find "unshare",
    { is_root and "-n" or "-rn", "sh", table.unpack(words) })
  holder:wait_line "^ready"
  return setmetatable({ holder = holder }, netns)
end

-- The program and arguments that run this one inside.
function netns:words(path, arguments)
  local words = { "-t", tostring(self.holder.pid), "-n", "--", path, table.unpack(arguments or {}) }
  if not is_root then
    table.insert(words, 1, "--preserve-credentials") table.insert(words, 1, "-U")
  end
  return process.find "nsenter", words
end

function netns:start(path, arguments, options)
  local program, words = self:words(path, arguments)
  return process.start(program, words, options)
end

function netns:run(path, arguments, options)
  local program, words = self:words(path, arguments)
  return process.run(program, words, options)
end

return netns
