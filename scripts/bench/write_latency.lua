-- How long a write waits while messages flood in as fast as the program takes them. A second
-- line asks for each write, so that the question does not stand in the flood itself; the write
-- goes out on the flooded line. What the reference tunes with Wait Timeout and Max. Wait Retry
-- holds always here; this shows it. Prints figures only.
--
--   TAGLINE=build/release/tagline lua5.4 scripts/bench/write_latency.lua [SECONDS]
package.path = "./?.lua;" .. package.path
local uv = require "luv"
local broker = require "spec.support.broker"
local packet = require "spec.support.packet"
local process = require "spec.support.process"
local scope = require "spec.support.scope"
local tagline = require "spec.support.tagline"

local SECONDS = tonumber(arg and arg[1]) or 5
local HIGH_WATER = 1 << 20

local config = [[
line "flooded" {
  host = "127.0.0.1", port = PORT, client_id = "a", clean_session = true,
  payload_type = "JSON", ignore_missing_time = true,
  station "x" { address = "flood", HANDLER tags = { value = Ai { "JA=v" } } },
}
line "asking" {
  host = "127.0.0.1", port = OTHER, clean_session = true, client_id = "b",
  station "ask" {
    address = "ask", tags = { n = TxtI "IN_DATA" },
    on_value = function(tag) lines.flooded:publish("write", tag.value, { qos = 0 }) end,
  },
}
]]

local cases = {
  { "no flood", "", false },
  { "flood, no handler", "", true },
  { "flood, on_value", "on_value = function() end,", true },
  { "flood, decode of 0.2 ms",
    "decode = function() local from = os.clock() repeat until os.clock() - from > 0.0002 end,",
      true },
}

local function measure(name, handler, flooding)
  local a, b = broker.new(), broker.new()
  local path = tagline.config(config, { PORT = a.port, OTHER = b.port, HANDLER = handler })
  local t = process.start(tagline.program(), { "run", path, "--log-level", "error", "--socket",
    scope.folder() .. "/socket" })
  local c, asking = a:handshake(), b:handshake()
  local piece, sent = {}, 0
  for n = 1, 1000 do
    piece[n] = packet.encode("PUBLISH", { topic = "flood", payload = ('{"v":%d}'):format(n % 2) })
  end
  piece = table.concat(piece)
  local function feed()
    while flooding and c.socket:get_write_queue_size() < HIGH_WATER do
      sent = sent + 1000
      c.socket:write(piece, function(why) if not why then feed() end end)
    end
  end
  local start, asked, waits = uv.hrtime(), nil, {}
  feed()
  while uv.hrtime() - start < SECONDS * 1e9 do
    if not asked then
      asking:send("PUBLISH", { topic = "ask", payload = tostring(#waits) })
      asked = uv.hrtime()
    end
    uv.run "once"
    if #c.packets > c.taken then
      c.taken = c.taken + 1
      waits[#waits + 1], asked = (uv.hrtime() - asked) / 1e6, nil
    end
  end
  flooding = false
  table.sort(waits)
  print(("%-24s %8.0f messages/s %6d writes   median %6.2f ms   99 %% %6.2f ms   longest %6.2f ms")
    :format(name, sent / SECONDS, #waits, waits[#waits // 2 + 1] or 0,
      waits[math.ceil(#waits * 0.99)] or 0, waits[#waits] or 0))
  c:close()
  asking:close()
  t:kill "sigkill"
  t:wait_exit()
  scope.finish()
end

for _, case in ipairs(cases) do measure(table.unpack(case)) end
