-- A client of HTTP for specs: raw bytes out, answers and events in. Written apart from the program
-- under test.
--
-- local a = http.get(port, "/api/v1/tags")          -- a.status a.headers a.body a.json
-- local c = http.connect(port); c:send "GET /… HTTP/1.1\r\n…"; local a = c:answer()
local uv = require "luv"
local cjson = require "cjson"
local ports = require "spec.support.ports"
local scope = require "spec.support.scope"
local wait = require "spec.support.wait"

local http = {}
local Client = {}
Client.__index = Client

http.free_port = ports.free

-- Read what comes, from now on (again).
function Client:read()
  self.socket:read_start(function(failed, bytes)
    if failed or not bytes then self.open = false else self.got = self.got .. bytes end
  end)
end

-- To a port of 127.0.0.1, or a Unix socket's path. `from`: another address of the loopback.
function http.connect(where, from)
  local is_path = type(where) == "string"
  local socket = is_path and uv.new_pipe(false) or uv.new_tcp()
  local c = setmetatable({ socket = socket, got = "", open = true }, Client)
  scope.defer(function() c:close() end)
  if from then socket:bind(from, 0) end
  local connected
  local function on_connect(err)
    connected = err or true
    if err then
      c.open = false
      return
    end
    c:read()
  end
  if is_path then socket:connect(where, on_connect)
  else socket:connect("127.0.0.1", where, on_connect) end
  wait.till("a connection", nil, function() return connected end)
  if connected ~= true then error("cannot connect: " .. connected, 2) end
  return c
end

function Client:send(bytes)
  if not self.socket:is_closing() then self.socket:write(bytes, function() end) end
  return self
end

function Client:close()
  self.open = false
  if not self.socket:is_closing() then self.socket:close() end
end

function Client:stop_reading() self.socket:read_stop() end

local function head_of(text)
  local head, rest = text:match("^(.-\r\n)\r\n(.*)$")
  if not head then return nil end
  local status = tonumber(head:match("^HTTP/1%.[01] (%d+)"))
  local headers = {}
  for name, value in head:gmatch("\r\n([^:\r\n]+): *([^\r\n]*)") do
    headers[name:lower()] = value
  end
  return { status = status, headers = headers, head = head }, rest
end

-- The chunks of a body that are whole, the rest, and whether the last one was there.
local function chunks(text)
  local out = {}
  while true do
    local size, at = text:match("^(%x+)\r\n()")
    local n = size and tonumber(size, 16)
    if not n or #text < at + n + 1 then return table.concat(out), text, false end
    if n == 0 then return table.concat(out), text:sub(at + 2), true end
    out[#out + 1] = text:sub(at, at + n - 1)
    text = text:sub(at + n + 2)
  end
end

-- The next whole answer; nil when the connection ended without one.
function Client:answer(options)
  local found
  wait.till("an answer", nil, function()
    local a, rest = head_of(self.got)
    if a and a.status == 100 then
      self.got = rest
      return false
    end
    if a then
      local length = tonumber(a.headers["content-length"])
      if options and options.head or a.status == 304 then
        a.body, self.got, found = "", rest, a
      elseif a.headers["transfer-encoding"] == "chunked" then
        local body, left, whole = chunks(rest)
        if whole then a.body, self.got, found = body, left, a end
      elseif length and #rest >= length then
        a.body, self.got, found = rest:sub(1, length), rest:sub(length + 1), a
      elseif not length and not self.open then
        a.body, self.got, found = rest, "", a
      end
    end
    return found or not self.open
  end, function() return ("%q"):format(self.got:sub(1, 200)) end)
  if found then
    local ok, json = pcall(cjson.decode, found.body)
    found.json = ok and json or nil
  end
  return found
end

-- The connection was closed by the other side.
function Client:ended()
  wait.till("the end of the connection", nil, function() return not self.open end,
    function() return ("%q"):format(self.got:sub(1, 200)) end)
  return self.got
end

-- One request on a connection of its own. options: method, headers (a table), body.
function http.request(where, path, options)
  options = options or {}
  local c = http.connect(where)
  local lines = { ("%s %s HTTP/1.1"):format(options.method or "GET", path) }
  local headers = { Host = "127.0.0.1", Connection = "close" }
  if options.body then headers["Content-Length"] = #options.body end
  for name, value in pairs(options.headers or {}) do headers[name] = value or nil end
  for name, value in pairs(headers) do lines[#lines + 1] = ("%s: %s"):format(name, value) end
  c:send(table.concat(lines, "\r\n") .. "\r\n\r\n" .. (options.body or ""))
  local a = c:answer { head = options.method == "HEAD" }
  c:close()
  return a
end

http.get = http.request

-- A reader of events: :next() gives { event =, id =, data = (decoded) } or { comment = true }.
local Events = {}
Events.__index = Events

function http.events(where, path, headers)
  local c = http.connect(where)
  local lines = { ("GET %s HTTP/1.1"):format(path), "Host: localhost" }
  for name, value in pairs(headers or {}) do lines[#lines + 1] = name .. ": " .. value end
  c:send(table.concat(lines, "\r\n") .. "\r\n\r\n")
  local answer
  wait.till("the head of the events", nil, function()
    local rest
    answer, rest = head_of(c.got)
    if answer then c.got = rest end
    return answer or not c.open
  end)
  return setmetatable({ client = c, answer = answer, text = "" }, Events)
end

function Events:close() self.client:close() end

local function parse(block)
  local event = { comment = block:sub(1, 1) == ":" }
  for name, value in (block .. "\n"):gmatch("(%a+): ?([^\n]*)\n") do event[name] = value end
  if event.data then event.data = cjson.decode(event.data) end
  return event
end

-- The next event (of this name); comments and others are passed over unless "comment" is asked for.
function Events:next(name)
  local found
  wait.till("an event " .. (name or ""), nil, function()
    local more, left = chunks(self.client.got)
    self.text, self.client.got = self.text .. more, left
    while not found do
      local block, rest = self.text:match("^(.-)\n\n(.*)$")
      if not block then break end
      self.text = rest
      local event = parse(block)
      if name == "comment" and event.comment or not event.comment and event.event
        and (not name or event.event == name) then
        found = event
      end
    end
    return found or not self.client.open
  end)
  return found
end

return http
