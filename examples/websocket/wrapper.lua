#!/usr/bin/env lua5.4
-- luacheck: std lua54
-- A TCP-to-WebSocket wrapper: takes plain MQTT connections and passes each on to a broker's
-- WebSocket address.
--
--   lua5.4 examples/websocket/wrapper.lua --port 1883 [--listen 127.0.0.1] [--via HOST:PORT] \
--     ws://broker.example.com:8080/mqtt
--
-- Needs lua-luv. --via connects there in place of the broker: for wss:// that is a stunnel
-- (examples/stunnel) which has the broker's connection. Ends at SIGINT or SIGTERM.
local uv = require "luv"

local HIGH_WATER = 1 << 20     -- bytes that wait for one side before the other is not read any more
local LONGEST = 268435460      -- bytes of a frame: the longest MQTT packet
local PATIENCE = 20000         -- milliseconds for the connection to the broker

local function say(...) io.stderr:write(string.format(...), "\n") end

-- ---- what the opening handshake needs (RFC 6455, 4.1) ----

local function sha1(text)
  local function rotate(x, n) return (x << n | x >> (32 - n)) & 0xffffffff end
  local a0, b0, c0, d0, e0 = 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0
  text = text .. "\x80" .. ("\0"):rep((55 - #text) % 64) .. string.pack(">I8", #text * 8)
  for at = 1, #text, 64 do
    local w = { string.unpack((">" .. ("I4"):rep(16)), text, at) }
    for i = 17, 80 do w[i] = rotate(w[i - 3] ~ w[i - 8] ~ w[i - 14] ~ w[i - 16], 1) end
    local a, b, c, d, e = a0, b0, c0, d0, e0
    for i = 1, 80 do
      local f, k
      if i <= 20 then f, k = b & c | ~b & d, 0x5a827999
      elseif i <= 40 then f, k = b ~ c ~ d, 0x6ed9eba1
      elseif i <= 60 then f, k = b & c | b & d | c & d, 0x8f1bbcdc
      else f, k = b ~ c ~ d, 0xca62c1d6 end
      local sum = rotate(a, 5) + (f & 0xffffffff) + e + k + w[i]
      a, b, c, d, e = sum & 0xffffffff, a, rotate(b, 30), c, d
    end
    a0, b0, c0 = a0 + a & 0xffffffff, b0 + b & 0xffffffff, c0 + c & 0xffffffff
    d0, e0 = d0 + d & 0xffffffff, e0 + e & 0xffffffff
  end
  return string.pack(">I4I4I4I4I4", a0, b0, c0, d0, e0)
end

local function base64(bytes)
  local letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
  local out = {}
  for at = 1, #bytes, 3 do
    local a, b, c = bytes:byte(at, at + 2)
    local n = a << 16 | (b or 0) << 8 | (c or 0)
    for shift = 18, 0, -6 do
      local digit = (n >> shift & 63) + 1
      out[#out + 1] = letters:sub(digit, digit)
    end
    if not b then out[#out - 1] = "=" end
    if not c then out[#out] = "=" end
  end
  return table.concat(out)
end

local function request(url, key)
  return table.concat({
    "GET " .. url.path .. " HTTP/1.1", "Host: " .. url.authority,
    "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: " .. key,
    "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: mqtt", "", "",
  }, "\r\n")
end

-- What is wrong with the answer, or nil.
local function judge(head, key)
  if not head:find "^HTTP/1%.1 101[ \r]" then
    return "the broker answered " .. head:match("^[^\r\n]*")
  end
  local fields = {}
  for name, value in head:gmatch("\r\n([^:\r\n]+):[ \t]*([^\r\n]-)[ \t]*%f[\r\n]") do
    fields[name:lower()] = value
  end
  local accept = base64(sha1(key .. "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
  if fields["sec-websocket-accept"] ~= accept then
    return "the broker's Sec-WebSocket-Accept is wrong"
  end
  if fields["sec-websocket-protocol"] ~= "mqtt" then
    return "the broker did not agree to the protocol 'mqtt'"
  end
end

-- ---- frames (RFC 6455, 5.2) ----

local CONTINUATION, BINARY, CLOSE, PING, PONG = 0, 2, 8, 9, 10

local function xor(bytes, mask)
  local m = string.unpack(">I4", mask)
  local wide = m << 32 | m
  local out, whole = {}, #bytes - #bytes % 8
  for at = 1, whole, 8 do
    out[#out + 1] = string.pack(">I8", string.unpack(">I8", bytes, at) ~ wide)
  end
  for at = whole + 1, #bytes do
    out[#out + 1] = string.char(bytes:byte(at) ~ mask:byte((at - 1) % 4 + 1))
  end
  return table.concat(out)
end

local function frame(opcode, bytes)
  local size, mask = #bytes, uv.random(4)
  local length = size < 126 and string.pack("B", size | 128)
    or size < 65536 and string.pack(">BI2", 126 | 128, size)
    or string.pack(">BI8", 127 | 128, size)
  return string.char(0x80 | opcode) .. length .. mask .. xor(bytes, mask)
end

-- The first frame of `bytes`: opcode, payload, length of the whole. While it is not complete: nil,
-- and how many bytes it takes as far as that is known. Raises on what may not come.
local function read_frame(bytes)
  if #bytes < 2 then return nil, 2 end
  local first, size = bytes:byte(1, 2)
  local at = 3
  if first & 0x70 ~= 0 then error("a frame with reserved bits", 0) end
  if size & 128 ~= 0 then error("a masked frame", 0) end
  if size == 126 then
    if #bytes < 4 then return nil, 4 end
    size, at = string.unpack(">I2", bytes, 3)
  elseif size == 127 then
    if #bytes < 10 then return nil, 10 end
    size, at = string.unpack(">I8", bytes, 3)
  end
  if size < 0 or size > LONGEST then error("a frame that is too long", 0) end
  if #bytes < at - 1 + size then return nil, at - 1 + size end
  return first & 15, bytes:sub(at, at - 1 + size), at - 1 + size
end

-- ---- one connection ----

local function close(handle) if not handle:is_closing() then handle:close() end end

local function pair(client, url)
  local broker, timer = uv.new_tcp(), uv.new_timer()
  -- input that is not a whole frame yet: joined once, when it may be
  local parts, size, need = {}, 0, 0
  local open, ended = false, false
  local key = base64(uv.random(16))
  local pump = {}

  local function finish(why)
    if ended then return end
    ended = true
    say("%s", why)
    close(timer)
    for _, side in ipairs { client, broker } do
      -- What is on its way still goes out.
      local ok = pcall(side.shutdown, side, function() close(side) end)
      if not ok then close(side) end
    end
  end

  -- Write to one side; while it takes nothing, the other is not read.
  local function write(side, other, bytes)
    if side:is_closing() then return end
    side:write(bytes, function(why)
      if why then
        finish(why)
      elseif not ended and side:get_write_queue_size() < HIGH_WATER / 2 then
        other:read_start(pump[other])
      end
    end)
    if side:get_write_queue_size() > HIGH_WATER then other:read_stop() end
  end

  local function take_frames(input)
    while true do
      local ok, opcode, payload, used = pcall(read_frame, input)
      if not ok then return finish("the broker sent " .. opcode) end
      if not opcode then
        parts, size, need = { input }, #input, payload
        return
      end
      input = input:sub(used + 1)
      if opcode == BINARY or opcode == CONTINUATION then
        write(client, broker, payload)
      elseif opcode == PING then
        write(broker, client, frame(PONG, payload))
      elseif opcode == CLOSE then
        write(broker, client, frame(CLOSE, payload))
        return finish "the broker closed the WebSocket"
      elseif opcode ~= PONG then -- [MQTT-6.0.0-1]: data frames are binary
        return finish(("the broker sent a frame with opcode %d"):format(opcode))
      end
    end
  end

  pump[client] = function(why, bytes)
    if bytes then return write(broker, client, frame(BINARY, bytes)) end
    if not ended and open then write(broker, client, frame(CLOSE, string.pack(">I2", 1000))) end
    finish(why and "the client: " .. why or "the client closed its connection")
  end

  pump[broker] = function(why, bytes)
    if not bytes then return finish("the broker " .. (why or "closed the connection")) end
    parts[#parts + 1], size = bytes, size + #bytes
    if size < need then return end
    local input = table.concat(parts)
    if not open then
      local head, rest = input:match("^(.-\r\n\r\n)(.*)$")
      if not head then
        parts = { input }
        if size > 65536 then finish "the broker's answer is no HTTP" end
        return
      end
      local wrong = judge(head, key)
      if wrong then return finish(wrong) end
      timer:stop()
      open, input = true, rest
      client:read_start(pump[client])
    end
    take_frames(input)
  end

  timer:start(PATIENCE, 0, function() finish "the broker did not answer in time" end)
  uv.getaddrinfo(url.host, tostring(url.port), { socktype = "stream" }, function(why, list)
    if ended then return end
    if why then return finish(url.host .. ": " .. why) end
    broker:connect(list[1].addr, url.port, function(failed)
      if failed then return finish(("connect to %s: %s"):format(url.authority, failed)) end
      broker:nodelay(true)
      broker:read_start(pump[broker])
      broker:write(request(url, key))
    end)
  end)
end

-- ---- the program ----

local USAGE =
  "usage: wrapper.lua --port PORT [--listen ADDRESS] [--via HOST:PORT] ws://HOST[:PORT][/PATH]"

local function usage(...)
  say(...)
  say(USAGE)
  os.exit(2)
end

-- HOST:PORT, [HOST]:PORT or HOST.
local function split(authority, default_port)
  local host, its_port = authority:match("^(.-):(%d+)$")
  its_port = math.tointeger(tonumber(its_port))
  return ((host or authority):gsub("^%[(.*)%]$", "%1")), its_port or default_port
end

local listen, port, url, via = "127.0.0.1", nil, nil, nil
do
  local at = 1
  while arg[at] do
    local word, value = arg[at], arg[at + 1]
    at = at + 2
    if word == "--help" then print(USAGE) os.exit(0)
    elseif word:find "^%-" and not value then usage("%s needs a value", word)
    elseif word == "--port" then
      port = math.tointeger(tonumber(value))
      if not port or port < 0 or port > 65535 then
        usage("--port: expected 0 to 65535, got '%s'", value)
      end
    elseif word == "--listen" then listen = value
    elseif word == "--via" then via = value
    elseif word:find "^wss://" then
      usage("%s: a stunnel does the TLS; its address is --via HOST:PORT, and the broker's is ws%s \z
        then", word, word:sub(4))
    else
      local authority, path = word:match("^ws://([^/]+)(.*)$")
      if not authority or url then usage("unknown word '%s'", word) end
      url = { authority = authority, path = path ~= "" and path or "/" }
      at = at - 1
    end
  end
end
if not port then usage "--port is missing" end
if not url then usage "the broker's address, ws://…, is missing" end
url.host, url.port = split(via or url.authority, 80)

local server = uv.new_tcp()
local known, ok, wrong = pcall(server.bind, server, listen, port)
if not known then ok, wrong = nil, ok end           -- what is no IP address raises
if ok then
  ok, wrong = server:listen(128, function(why)
    assert(not why, why)
    local client = uv.new_tcp()
    server:accept(client)
    client:nodelay(true)
    pair(client, url)
  end)
end
if not ok then
  say("listen on %s:%d: %s", listen, port, wrong)
  os.exit(1)
end
for _, name in ipairs { "sigint", "sigterm" } do
  local signal = uv.new_signal()
  signal:start(name, function() os.exit(0) end)
end
say("%s:%d → ws://%s%s", listen, server:getsockname().port, url.authority, url.path)
uv.run()
