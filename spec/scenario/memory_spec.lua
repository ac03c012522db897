-- Memory that fails: every request of starting, connecting, receiving, writing, storing, reloading
-- and of the REPL in turn, once, and all from that one on for a while. Afterwards the process is as
-- if nothing had been, and nothing was acknowledged that was not handled.
local uv = require "luv"
local scenario = require "spec.support.scenario"
local broker, files, http, memory, process, scope, tagline, wait =
  scenario "broker files http memory process scope tagline wait"

-- How many requests are passed over from one that fails to the next: 1 tries each. scripts/test has
-- no time for all of the long phases in each run, so it begins elsewhere each day.
local STRIDE = tonumber(os.getenv "TORTURE_STRIDE") or 7
local FIRST = tonumber(os.getenv "TORTURE_FIRST") or os.time() // 86400 % STRIDE
local WHILE = 40 -- milliseconds for which memory stays away in the second kind

local program = memory.program()

local config = [[
fates, last = {}, 0
limits { handler_time = 5 }
line "plant" {
  host = "127.0.0.1", port = PORT, reconnect_delay = 0.01, reconnect_delay_max = 0.02,
  subscribe_qos = 2, publish_qos = 1, topic_filter = "#", STORE
  station "x" {
    address = "x/up", payload_type = "JSON", time_filter = 60,
    tags = { v = Co { "JA=v", new_value_on_time_change = true }, d = TxtI "IN_DATA",
             to = TxtO { "OUT_TOPIC", default = "x/set" }, out = Co "OUT_VALUE" },
  },
  station "lua" { address = "lua/.*",
    tags = { v = Ci { new_value_on_time_change = true }, t = TxtI {} },
    decode = function(msg)
      return { v = math.tointeger(tonumber(msg.payload)), t = "of " .. msg.payload }
    end,
    on_value = function(tag) last = tag.value end },
  station "d-{dev}" { address = "dev/(?<dev>.+)", payload_type = "JSON", time_filter = 60,
    tags = { v = Ci { "JA=v", new_value_on_time_change = true } } },
}
]]

local more = [[
history { file = "FOLDER/plant.db" }
spool { folder = "FOLDER/spool" }
http { listen = "127.0.0.1:WEB", write = true }
]]

-- The plant: a broker that keeps a session, a program that it sends to, and a ledger of both.
local plant = {}
plant.__index = plant

function plant.start(options)
  local b, m = broker.new(), memory.new()
  local p = setmetatable({ broker = b, memory = m, serial = 0, owed = {}, got = {}, printed = {},
    taken = 0 }, plant)
  p.path = tagline.config(config,
    { PORT = b.port, STORE = options.store and ("session_store = %q,"):format(scope.folder())
      or "" })
  p.socket = scope.folder() .. "/socket"
  p.t = setmetatable(process.start(program, { "run", p.path, "--values", "--socket", p.socket,
    "--log-level", "error" },
    { env = { TAGLINE_MEMORY = m.path } }), tagline)
  return p
end

-- Take what the program printed into the ledger: how often each value of each tag came.
local function read_values(p)
  local lines = p.t:lines()
  for at = p.taken + 1, #lines do
    local tag, value = lines[at]:match '"tag":"([^"]+)".-"value":(%-?%d+)[,}]'
    if tag then
      local key = tag .. "=" .. value
      p.printed[key] = (p.printed[key] or 0) + 1
    end
  end
  p.taken = #lines
end

local function send_owed(p, c, again)
  for _, m in ipairs(p.owed) do
    if m.state == "released" then
      c:send("PUBREL", { id = m.id })
    elseif m.state == "sent" then
      c:send("PUBLISH", { topic = m.topic, payload = m.payload, qos = m.qos, id = m.id,
        dup = again })
    end
  end
end

local function settle(p, packet, state)
  for at, m in ipairs(p.owed) do
    if m.id == packet.id then
      m.state = state
      if state == "done" then table.remove(p.owed, at) end
      return
    end
  end
end

local answers = {
  CONNECT = function(p, c)
    c:send("CONNACK", { session_present = p.known })
    p.known = true
  end,
  SUBSCRIBE = function(p, c, packet)
    c:send("SUBACK", { id = packet.id, codes = { 2 } })
    c.up = true
    send_owed(p, c, true)
  end,
  PINGREQ = function(_, c) c:send("PINGRESP") end,
  PUBLISH = function(p, c, packet)
    p.got[packet.payload] = (p.got[packet.payload] or 0) + 1
    if packet.qos == 1 then c:send("PUBACK", { id = packet.id }) end
  end,
  PUBACK = function(p, _, packet) settle(p, packet, "done") end,
  PUBREC = function(p, c, packet)
    settle(p, packet, "released")
    c:send("PUBREL", { id = packet.id })
  end,
  PUBCOMP = function(p, _, packet) settle(p, packet, "done") end,
}

-- Do the broker's part in what has come.
function plant:serve()
  local b = self.broker
  while #b.connections > b.taken do self.c = b:accept() end
  local c = self.c
  while c and #c.packets > c.taken do
    c.taken = c.taken + 1
    local packet = c.packets[c.taken]
    if answers[packet.type] then answers[packet.type](self, c, packet) end
  end
  if c and c.fault then error(c.fault) end
  if c and c.closed and not c.socket:is_closing() then c:close() end
  read_values(self)
  if self.t.code then error("the program ended: " .. self.t:text "stderr") end
end

-- Run the loop, doing the broker's part, until done() is true.
function plant:till(what, done)
  local function state()
    return ("%s; owed %d; printed %d values; %s"):format(self.state and self.state() or "",
      #self.owed, self.taken,
      self.t:text("stderr"):sub(-1500))
  end
  wait.poll(what, nil, function() self:serve() return done() end, state)
end

-- The same for a while only.
function plant:look(milliseconds, done)
  pcall(wait.poll, "look", milliseconds, function() self:serve() return done() end)
end

function plant:is_up() return self.c and self.c.up and not self.c.closed end

-- A message with a number of its own. Returns a function that tells whether it was acknowledged;
-- then its value has been printed, once at QoS 2.
function plant:message(topic, tag, qos)
  self.serial = self.serial + 1
  local n, prefix = self.serial, topic:match "^lua" and "" or '{"v":'
  local m = { topic = topic, payload = prefix == "" and tostring(n) or prefix .. n .. "}",
    qos = qos, id = n % 60000 + 1, state = "sent" }
  self.owed[#self.owed + 1] = m
  if self:is_up() then
    self.c:send("PUBLISH", { topic = topic, payload = m.payload, qos = qos, id = m.id })
  end
  local key = tag .. "=" .. n
  return function()
    if m.state ~= "done" or not self.printed[key] then return false end
    assert(qos < 2 or self.printed[key] == 1, key .. " was printed twice")
    return true
  end
end

-- Evaluate code as `tagline repl` does. Returns a function that tells whether it was answered, with
-- what: { type, text }, or { "end" } when the process closed the console.
function plant:ask(code, milliseconds)
  local pipe, answer, input = uv.new_pipe(false), nil, ""
  local function finish(how)
    answer = answer or how
    if not pipe:is_closing() then pipe:close() end
  end
  local function frame(type, body) return type .. string.pack(">s4", body) end
  pipe:connect(self.socket, function(why)
    if why then return finish { "end", why } end
    pipe:write(frame("h", ('{"tty":false,"width":80,"json":false,"wait":%d}'):format(milliseconds
      or 0)) .. frame("e", code))
    pipe:read_start(function(_, bytes)
      if not bytes then return finish { "end", "EOF" } end
      input = input .. bytes
      while #input >= 5 do
        local length = string.unpack(">I4", input, 2)
        if #input < 5 + length then break end
        local type, body = input:sub(1, 1), input:sub(6, 5 + length)
        input = input:sub(6 + length)
        if type == "r" or type == "f" then return finish { type, body } end
      end
    end)
  end)
  return function() return answer end
end

function plant:eval(code)
  local answer = self:ask(code)
  self:till("an answer", answer)
  return answer()[2], answer()[1]
end

-- A whole day in the life of the plant, with memory.
function plant:is_well()
  self.memory:heal()
  self:till("a connection", function() return self:is_up() end)
  local done = { self:message("x/up", "plant.x.v", 1), self:message("x/up", "plant.x.v", 2),
    self:message("lua/1", "plant.lua.v", 2),
      self:message("dev/well" .. self.serial, "plant.d-well" .. self.serial .. ".v", 1) }
  for at, one in ipairs(done) do self:till("message " .. at .. " to be handled", one) end
  self.serial = self.serial + 1
  local mark = tostring(self.serial)
  assert.equal("true",
    (self:eval(
      ('return tags["plant.x.out"]:write(%s, function(ok, why) fates[%s] = ok or why end)'):format(
        mark, mark))))
  self:till("a write to arrive", function() return self.got[mark] end)
  self:till("its fate", function() return self:eval(("return fates[%s]"):format(mark))
    == "true" end)
end

-- Let request after request fail while `begin(n)` is under way: it does the thing and returns a
-- function that tells whether it is over. STRIDE is for what asks for much; free: it may ask for
-- nothing.
local function torture(p, what, stride, begin, free)
  for _, forever in ipairs { false, true } do
    local n, tried = stride > 1 and FIRST % stride or 0, 0
    p.memory:count()
    while true do
      p.memory:put(n, forever)
      local done = begin(tried)
      if forever then
        p:look(900, function() return done() or p.memory:failures() > 0 end)
        p:look(WHILE, done)
        p.memory:heal()
      end
      p:till(("%s, request %d failing%s"):format(what, n, forever and " and all behind it" or ""),
        done)
      p.memory:heal()
      local _, failed = p.memory:count()
      tried = tried + 1
      if failed == 0 then break end
      n = n + stride
    end
    if os.getenv "TORTURE_PRINT" then
      print(("# %s: %d tries%s"):format(what, tried, forever and ", for a while" or ""))
    end
    assert.is_true(free or tried > 1, what .. " asks for no memory")
  end
  p:is_well()
end

-- It ends, well or with words for what is missing.
local function says_why(t, n)
  local code, signal = t:wait_exit()
  assert.is_true(signal == 0 and (code == 0 or code == 1),
    ("request %d: code %d, signal %d: %s"):format(n, code, signal, t:text "stderr"))
  if code == 1 then
    assert.is_true(#t:text "stderr" + #t:text "stdout" > 0, "ended without a word, request " .. n)
  end
end

describe("without memory", function()
  after_each(scope.finish)

  for _, store in ipairs { false, true } do
    local with = store and ", with a store" or ""

    it("messages are handled before they are acknowledged" .. with, function()
      local p = plant.start { store = store }
      p:is_well()
      for qos = 1, 2 do
        torture(p, "a message of QoS " .. qos, 1, function() return p:message("x/up", "plant.x.v",
          qos) end, true)
        torture(p, "a message for Lua of QoS " .. qos, 1, function(n)
          return p:message("lua/" .. qos .. n, "plant.lua.v", qos)
        end)
        torture(p, "a new device, QoS " .. qos, 1, function(n)
          local name = ("%d-%d-%d"):format(qos, n, p.serial)
          return p:message("dev/" .. name, "plant.d-" .. name .. ".v", qos)
        end)
      end
      p.t:stop()
    end)

    it("writes arrive or fail, and say which" .. with, function()
      local p = plant.start { store = store }
      p:is_well()
      local fates = [[
        local ok, why = tags["plant.x.out"]:write(%d,
          function(ok, why) fates[%d] = ok and "arrived" or why end)
        return ok and "taken" or why]]
      torture(p, "a write", 1, function()
        p.serial = p.serial + 1
        local n, said = p.serial, #p.t:text "stderr" + 1
        local answer, fate = p:ask(fates:format(n, n)), nil
        function p.state()
          local a, f = answer(), fate and fate()
          return ("answer %s, fate %s"):format(a and table.concat(a, " "),
            f and table.concat(f, " "))
        end
        return function()
          if not answer() then return false end
          if answer()[1] ~= "r" or answer()[2] ~= "taken" then return true end
          fate = fate or p:ask(("return fates[%d]"):format(n))
          if not fate() then return false end
          if fate()[1] ~= "r" then fate = nil return false end
          if fate()[2] == "nil" or fate()[2] == "" then -- the function had no memory: that was told
            local told = p.t:text("stderr"):find("ERROR", said, true)
            if not (told and p.got[tostring(n)]) then fate = nil end
            return fate ~= nil
          end
          if fate()[2] == "arrived" then
            assert(p.got[tostring(n)], "a write that was told as arrived did not")
          end
          return true
        end
      end)
      p.t:stop()
    end)

    it("connections are made anew" .. with, function()
      local p = plant.start { store = store }
      p:is_well()
      torture(p, "a connection", 1, function()
        p.c:reset()
        local done = p:message("x/up", "plant.x.v", 2)
        return function() return done() and p:is_up() end
      end)
      p.t:stop()
    end)
  end

  it("the REPL answers", function()
    local p = plant.start {}
    p:is_well()
    for _, code in ipairs { "1 + 1", "status()", 'explain("x/up", "{}")', "messages()",
      'error "x"', "while true do", "lines" } do
      torture(p, code, code == "1 + 1" and 1 or STRIDE, function() return p:ask(code) end)
    end
    p.t:stop()
  end)

  it("a reload is taken or refused", function()
    local p = plant.start {}
    p:is_well()
    torture(p, "a reload", STRIDE, function(n)
      local text = files.read(p.path):gsub("time_filter = %d+", "time_filter = " .. 60 + n % 5)
      files.write(p.path, text)
      return p:ask "return reload()"
    end)
    local _, how = p:eval "return reload()"
    assert.equal("r", how)
    p.t:stop()
  end)

  it("it starts, or says why not", function()
    local m = memory.new()
    local path = tagline.config(more .. config,
      { PORT = broker.new().port, STORE = ("session_store = %q,"):format(scope.folder()),
        WEB = http.free_port(), FOLDER = scope.folder() })
    local n, tried = FIRST % STRIDE, 0
    repeat
      m:count()
      m:put(n, tried % 2 == 1)
      local t = process.start(program, { "run", path, "--socket", scope.folder() .. "/s",
        "--log-level", "debug" },
        { env = { TAGLINE_MEMORY = m.path } })
      local function begun()
        return t:has_ended() or t:text("stderr"):find("connecting to", 1, true)
      end
      if tried % 2 == 1 then
        pcall(wait.poll, "look", 900, function() return begun() or m:failures() > 0 end)
        pcall(wait.poll, "look", WHILE, begun)
        m:heal()
      end
      wait.till("start or end, request " .. n .. " failing", nil, begun,
        function() return t:text "stderr":sub(-1000) end)
      m:heal()
      if not t:has_ended() then t:kill "sigterm" end
      says_why(t, n)
      t:finish()
      local _, failed = m:count()
      tried = tried + 1
      n = n + STRIDE + n // 12
    until failed == 0
    if os.getenv "TORTURE_PRINT" then print(("# start: %d tries"):format(tried)) end
  end)

  it("a command does its work, or says why not", function()
    local m, t = memory.new(), tagline.connected(config, { STORE = "" })
    local capture = scope.file("capture",
      '{"topic":"x/up","payload":"{\\"v\\":1}","time":"2026-01-01T00:00:00Z"}\n')
    local path, socket = t.config_path, t.socket
    for _, words in ipairs { { "check", path }, { "explain", path, "x/up", '{"v":1}' },
      { "replay", path, capture }, { "status", "--socket", socket },
      { "repl", "--socket", socket, "-e", "1 + 1" } } do
      local n, tried = 0, 0
      repeat
        m:count()
        m:put(n, tried % 2 == 1)
        local command = process.start(program, words, { env = { TAGLINE_MEMORY = m.path } })
        command:close_input()
        says_why(command, n)
        command:finish()
        local _, failed = m:count()
        tried = tried + 1
        n = n + (n < 20 and 1 or STRIDE + n // 4) -- some ask for little
      until failed == 0
      if os.getenv "TORTURE_PRINT" then print(("# %s: %d tries"):format(words[1], tried)) end
    end
    assert.equal("2", select(2, t:eval "return 1 + 1"))
    t:stop()
  end)
end)
