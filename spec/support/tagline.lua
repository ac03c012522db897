-- The program under test, as specs run it. Its path is in the environment variable TAGLINE
-- (ctest sets it), else the release build's.
--
-- local t = tagline.run([[ line "plant" { host = "127.0.0.1", port = PORT, station "x" { … } }
-- ]], { PORT = m.port })
--   t:wait_log "subscribed"
--   assert.equal(21.5, t:value("plant.x.temperature").value)
local uv = require "luv"
local cjson = require "cjson"
local process = require "spec.support.process"
local wait = require "spec.support.wait"
local scope = require "spec.support.scope"

local tagline = setmetatable({}, { __index = process })
tagline.__index = tagline

local root = uv.cwd()

function tagline.program()
  local path = os.getenv("TAGLINE") or "build/release/tagline"
  return path:sub(1, 1) == "/" and path or root .. "/" .. path
end

-- A config file in a folder of its own; capital words in the text that `names` holds are
-- replaced. Returns its path.
function tagline.config(text, names)
  text = text:gsub("%f[%w_][A-Z][A-Z_]*%f[^%w_]", function(word) return names and names[word]
    and tostring(names[word]) end)
  return scope.file("config.lua", text)
end

-- Start `tagline run` with --values. options: arguments (further words), program (in place of the
-- one under test), and those of process.start. `config` is the text, or a path when it ends in
-- .lua.
function tagline.run(config, names, options)
  options = options or {}
  local path = config:match("^%S+%.lua$") or tagline.config(config, names)
  local socket = scope.folder() .. "/socket"
  local words = { "run", path, "--values", "--socket", socket,
    table.unpack(options.arguments or {}) }
  local t = process.start(options.program or tagline.program(), words, options)
  t.config_path, t.socket = path, socket
  return setmetatable(t, tagline)
end

-- The same with a scripted broker, which accepts its connection: the process, the connection, the
-- broker. PORT is the broker's.
function tagline.connected(config, names, options)
  local b = require("spec.support.broker").new()
  local all = { PORT = b.port }
  for name, value in pairs(names or {}) do all[name] = value end
  local t = tagline.run(config, all, options)
  return t, b:handshake(), b
end

-- The same with a Mosquitto, and HTTP on a free port: the Mosquitto, the process, the port. WEB is
-- the port, and the line's Client ID is "web".
function tagline.web(config, names, options)
  local m = require("spec.support.mosquitto").start()
  local port = require("spec.support.http").free_port()
  local all = { PORT = m.port, WEB = port }
  for name, value in pairs(names or {}) do all[name] = value end
  local t = tagline.run(config, all, options)
  m:wait_subscribed "web"
  return m, t, port
end

-- Run a command of the program to its end: exit code, stdout, stderr.
function tagline.command(arguments, options)
  return process.run(tagline.program(), arguments, options)
end

-- Evaluate code in the running process: exit code, stdout, stderr of `tagline repl -e`.
function tagline:eval(code)
  return tagline.command { "repl", "--socket", self.socket, "-e", code }
end

-- The same for code whose writes are answered later: their functions are not waited for. What
-- these print goes to the process's stderr.
function tagline:ask(code)
  return tagline.command { "repl", "--socket", self.socket, "--wait", "0", "-e", code }
end

-- The process works: it takes another message on `connection` and acknowledges it, and the tag
-- plant.any.data, whose station takes everything, gets its payload. `past`: other packets may come
-- before the acknowledgement.
function tagline:handles_next(connection, past)
  self.proofs = (self.proofs or 0) + 1
  local proof = "proof " .. self.proofs
  connection:send("PUBLISH", { topic = "a", payload = proof, qos = 1, id = 999 })
  repeat until self:value("plant.any.data").value == proof
  local answer
  repeat answer = past and connection:next() or connection:expect "PUBACK"
  until answer.type == "PUBACK"
  assert(answer.id == 999, "another message was acknowledged")
end

-- The next value of a tag (a full name) as a table; values of other tags before it are passed over.
function tagline:value(name, milliseconds)
  local line = self:wait_line('"tag":"' .. name:gsub("%p", "%%%0") .. '"', milliseconds)
  return cjson.decode(line)
end

-- All lines of the values stream so far.
function tagline:values()
  local all = {}
  for at, line in ipairs(self:lines()) do all[at] = cjson.decode(line) end
  return all
end

-- SIGTERM ends it with exit code 0. Seconds of processor time that it used meanwhile.
function tagline:ends_by_sigterm()
  local last = self:cpu()
  local before = last
  self:kill "sigterm"
  wait.till("end of the process", 60000, function()
    if self:has_ended() then return true end
    local ok, now = pcall(self.cpu, self)
    if ok then last = now end
  end)
  assert(self.code == 0, ("exit code %s: %s"):format(self.code, self:text("stderr"):sub(-2000)))
  return last - before
end

-- Ask it to end, and check that it does so in order.
function tagline:stop(milliseconds)
  self:kill("sigterm")
  local code, signal = self:wait_exit(milliseconds)
  if code ~= 0 or signal ~= 0 then
    error(("tagline ended with code %d, signal %d: %s"):format(code, signal, self:text("stderr")),
      2)
  end
end

return tagline
