-- A real NATS server with JetStream on a free loopback port, with a folder of its own. It runs as
-- whoever runs the specs; it needs no rights.
--
--   -- further words of its command line
--   local n = nats.start { "--user", "plant", "--pass", "secret" }
--   n:messages "TAGS" -- the stream's messages
local uv = require "luv"
local mosquitto = require "spec.support.mosquitto"
local process = require "spec.support.process"
local scope = require "spec.support.scope"
local wait = require "spec.support.wait"

local nats = {}
nats.__index = nats

-- Is a server here to test against? Specs without one say so and pass.
function nats.is_there() return (pcall(process.find, "nats-server")) end

local function launch(n)
  local words = { "-a", "127.0.0.1", "-p", tostring(n.port), "-sd", n.folder,
    table.unpack(n.options) }
  if not n.without_jetstream then table.insert(words, 1, "-js") end
  n.process = process.start(process.find "nats-server", words, { cwd = n.folder })
  n.process:wait_log("Server is ready", 60000)
end

-- options: words of its command line; `without_jetstream`; `port`.
function nats.start(options)
  options = options or {}
  local n = setmetatable({ options = options, folder = scope.folder(),
    port = options.port or mosquitto.free_port(),
    without_jetstream = options.without_jetstream }, nats)
  launch(n)
  return n
end

function nats:restart() launch(self) end
function nats:kill()
  self.process:kill("sigkill")
  self.process:wait_exit()
end
function nats:stop()
  self.process:kill("sigterm")
  self.process:wait_exit()
end
function nats:freeze() self.process:kill("sigstop") end
function nats:resume() self.process:kill("sigcont") end

-- A consumer that was left still delivers for a while: each has a subject of its own.
local count = 0
local function own_subject()
  count = count + 1
  return ("spec.%d.%d"):format(uv.os_getpid(), count)
end

-- A client of 80 lines in place of one more package: send lines, read what comes.
local function connect(n, done)
  local c = { socket = uv.new_tcp(), text = "", reply = own_subject() }
  scope.defer(function() if not c.socket:is_closing() then c.socket:close() end end)
  c.socket:connect("127.0.0.1", n.port, function(why)
    if why then
      c.why = why
      return
    end
    c.socket:read_start(function(_, bytes)
      if bytes then c.text = c.text .. bytes else c.closed = true end
    end)
  end)
  wait.till("NATS's greeting", nil, function() return c.why or c.text:find("\r\n", 1, true) end)
  assert(not c.why, c.why)
  c.text = c.text:match("^[^\n]*\n(.*)$")
  local user = n.user and (',"user":"%s","pass":"%s"'):format(n.user, n.password) or ""
  c.socket:write(
    ('CONNECT {"verbose":false,"pedantic":false,"headers":true%s}\r\nSUB %s 1\r\n')
      :format(user, c.reply))
  return done(c)
end

-- Ask JetStream's API; the answer is JSON text.
function nats:ask(subject, body)
  return connect(self, function(c)
    body = body or ""
    c.socket:write(("PUB %s %s %d\r\n%s\r\n"):format(subject, c.reply, #body, body))
    local answer
    wait.till("an answer to " .. subject, nil, function()
      local size, at = c.text:match("MSG %S+ 1 (%d+)\r\n()")
      if size and #c.text >= at + tonumber(size) - 1 then
        answer = c.text:sub(at, at + tonumber(size) - 1)
      end
      return answer or c.text:find("503", 1, true)
    end)
    c.socket:close()
    return answer
  end)
end

-- Subjects and payloads of all messages of a stream, in order: { subject =, payload =, id = }.
function nats:messages(stream)
  return connect(self, function(c)
    local into = own_subject()
    c.socket:write(("SUB %s 2\r\n"):format(into))
    local body = ('{"stream_name":"%s","config":{"deliver_subject":"%s","ack_policy":"none",\z
      "deliver_policy":"all"}}'):format(stream, into)
    c.socket:write(("PUB $JS.API.CONSUMER.CREATE.%s %s %d\r\n%s\r\n"):format(stream, c.reply, #body,
      body))
    local list, wanted = {}, nil
    wait.till("the messages of " .. stream, nil, function()
      while true do
        local kind, head, at = c.text:match("^(H?MSG) ([^\r\n]*)\r\n()")
        if not kind then
          local skip = c.text:match("^P[IO]NG\r\n()") or c.text:match("^%+OK\r\n()")
          if not skip then break end
          c.text = c.text:sub(skip)
          goto continue
        end
        do
          local words = {}
          for word in head:gmatch("%S+") do words[#words + 1] = word end
          local size = tonumber(words[#words])
          if #c.text < at + size + 1 then break end
          local bytes = c.text:sub(at, at + size - 1)
          c.text = c.text:sub(at + size + 2)
          if words[2] == "1" then
            wanted = tonumber(bytes:match('"num_pending":(%d+)')) or 0
          else
            local split = kind == "HMSG" and tonumber(words[#words - 1]) or 0
            list[#list + 1] = { subject = words[1], payload = bytes:sub(split + 1),
              id = bytes:sub(1, split):match("Nats%-Msg%-Id: *([^\r\n]+)") }
          end
        end
        ::continue::
      end
      return wanted and #list >= wanted
    end, function()
      return ("%d of %s, then: %s"):format(#list, tostring(wanted), c.text:sub(1, 300))
    end)
    c.socket:close()
    return list
  end)
end

-- How many messages a stream holds; nil: there is none.
function nats:count(stream)
  local answer = self:ask("$JS.API.STREAM.INFO." .. stream)
  return answer and tonumber(answer:match('"state":{"messages":(%d+)'))
end

return nats
