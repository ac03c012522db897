-- scripts/bench/http.lua — what the HTTP server costs: /metrics of 10,000 stations, a page that
-- watches 1,000 values a second. From the root of the tree: lua5.4 scripts/bench/http.lua PROGRAM
package.path = "./?.lua;" .. package.path
local uv = require "luv"
local http = require "spec.support.http"
local mosquitto = require "spec.support.mosquitto"
local scope = require "spec.support.scope"
local tagline = require "spec.support.tagline"
local wait = require "spec.support.wait"

local program = arg[1] or "build/bench/tagline"
uv.os_setenv("TAGLINE", program)

local config = [[
http { listen = "127.0.0.1:WEB" }
line "plant" { host = "127.0.0.1", port = PORT, client_id = "web", topic_filter = "plant/#",
  payload_type = "JSON",
  (function()
    local all = {}
    for i = 1, COUNT do
      all[i] = station("s" .. i) { address = "plant/" .. i,
        tags = { a = Ai "JA=a", b = Ci "JA=b", c = Di "JA=c" } }
    end
    return table.unpack(all)
  end)() }
]]

local function start(count)
  local m, port = mosquitto.start(), http.free_port()
  local t = tagline.run(config, { PORT = m.port, WEB = port, COUNT = count })
  m:wait_subscribed "web"
  return m, t, port
end

local function metrics()
  local _, t, port = start(10000)
  local times = 100
  http.get(port, "/metrics")
  local used = t:cpu_during(function()
    for _ = 1, times do http.get(port, "/metrics") end
  end)
  local body = http.get(port, "/metrics").body
  assert(body:find('tagline_stations{line="plant",status="StOn"} 10000', 1, true))
  print(("/metrics of 10,000 stations, 30,000 tags: %.2f ms of processor time"):format(
    used * 1000 / times))
  t:stop()
end

-- 1,000 messages a second for some seconds, with and without a reader.
local function watched(reads)
  local m, t, port = start(1000)
  local events = reads and http.events(port, "/api/v1/events")
  if events then events:next "snapshot" end
  local seconds = 10
  local lines = {}
  for i = 1, 100 do lines[i] = ("plant/%d"):format(i) end
  local timer, n = uv.new_timer(), 0
  local began = uv.hrtime()
  local source = http.connect(m.port)
  source:send("\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01s")
  local used = t:cpu_during(function()
    timer:start(0, 10, function()
      local packets = {}
      while n < (uv.hrtime() - began) / 1e6 do
        n = n + 1
        local topic, payload = lines[n % 100 + 1], ('{"a":%d}'):format(n)
        packets[#packets + 1] = string.char(0x30, 2 + #topic + #payload) .. (">s2"):pack(topic)
          .. payload
      end
      source:send(table.concat(packets))
      if events then events.client.got = "" end
    end)
    wait.till("its end", 60000, function() return uv.hrtime() - began > seconds * 1e9 end)
    timer:close()
  end)
  local values = http.get(port, "/metrics").body:match 'tagline_values_total{line="plant"} (%d+)'
  print(("%d values a second, %s: %.2f %% of a core"):format(values // seconds, reads
    and "with a page" or "nobody reads", used * 100 / seconds))
  t:stop()
end

metrics()
watched(false)
watched(true)
watched(false)
watched(true)
scope.finish()
