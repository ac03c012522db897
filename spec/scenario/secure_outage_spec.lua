-- A thousand lines over TLS whose broker goes and comes back: the loop is not held, memory and
-- processor time are bounded, another line goes on. And their pauses differ.
local cjson = require "cjson"
local scenario = require "spec.support.scenario"
local files, mosquitto, pki, process, scope, tagline, wait =
  scenario "files mosquitto pki process scope tagline wait"

local MANY = 1000

-- `turn`: the longest that the loop's thread worked from one look of the timer to the next, in
-- seconds of the processor as the kernel counts them: what else the machine does is not in it.
local config = [[
for n = 1, MANY do
  line("l" .. n) {
    host = "mqtts://127.0.0.1:SECURE", tls_ca_file = CA,
    client_id = "c" .. n, topic_filter = "t/" .. n,
    reconnect_delay = 0.5, reconnect_delay_max = 2, connect_timeout = 300, recorder = 0,
    station "s" { address = "t/" .. n, off = true, tags = { v = TxtI "IN_DATA" } },
  }
end
line "other" {
  host = "127.0.0.1", port = PORT, topic_filter = "ping", subscribe_qos = 1, client_id = "other",
  station "s" {
    address = "ping", tags = { data = TxtI { "IN_DATA", new_value_on_time_change = true } },
  },
}
turn, last = 0, false
every(0.001, function()
  local f <close> = io.open "/proc/thread-self/schedstat"
  local now = f:read "n"
  if last and now - last > turn * 1e9 then turn = (now - last) / 1e9 end
  last = now
end)
function connected()
  local n = 0
  for _, l in pairs(lines) do if l.status == "connected" then n = n + 1 end end
  return n
end
function longest_turn()
  local t = turn
  turn = 0
  return t
end
]]

local program = files.read(tagline.program())
local sanitized = program:find("__asan_init", 1, true) ~= nil

-- Its TLS listener has no other port, so the broker may be killed and started alone.
local function secure_broker(ca, port)
  local cert, key = ca:sign("broker", "IP:127.0.0.1")
  local conf = scope.file("secure.conf", table.concat({ "listener " .. port .. " 127.0.0.1",
    "certfile " .. cert, "keyfile " .. key, "allow_anonymous true", "log_dest stderr",
    "user " .. require "luv".os_get_passwd().username, "" }, "\n"))
  return function()
    local p = process.start(process.find "mosquitto", { "-c", conf })
    p:wait_log " running$"
    return p
  end
end

describe("a thousand lines over TLS", function()
  after_each(scope.finish)

  it("come back after an outage in turns, while another line goes on", function()
    local ca, port = pki.new(), mosquitto.free_port()
    local start = secure_broker(ca, port)
    local plain, secure = mosquitto.start(), start()
    local t = tagline.run(config, { MANY = MANY, SECURE = port, CA = ("%q"):format(ca.file),
      PORT = plain.port }, { arguments = { "--unsafe", "--log-level", "warn" } })
    wait.till("a connection", nil, function()
      return t.code or plain.process:text("stderr"):find("Sending SUBACK to other", 1, true)
    end, function() return t:text("stderr") end)
    assert.is_nil(t.code, t:text "stderr")
    local function number(code)
      local exit, out, err = t:eval(code)
      assert.equal(0, exit, err)
      return tonumber(out)
    end
    local function all_connected()
      wait.till("all lines", 300000, function() return number "connected()" == MANY + 1 end)
    end
    number "connected()" -- the prompt's modules are loaded
    local before = t:rss()
    t:eval "for _, s in pairs(stations) do s:on() end"
    all_connected()
    local each = (t:rss() - before) / MANY
    if not sanitized then
      assert.is_true(each <= 60 * 1024, ("an idle line takes %.0f bytes"):format(each))
    end

    local held = t:rss()
    number "longest_turn()"
    secure:kill "sigkill"
    secure:wait_exit()
    wait.till("the loss", nil, function() return number "connected()" == 1 end)
    plain:publish("ping", "1", { qos = 1 })
    assert.equal("1", t:value("other.s.data").value)
    local processor = t:cpu_during(function()
      start()
      all_connected()
    end)
    plain:publish("ping", "2", { qos = 1 })
    assert.equal("2", t:value("other.s.data").value)
    local turn = number "longest_turn()"
    local slow = sanitized and 6 or 1
    -- Alone 8 to 16 ms; what else runs takes the caches, and each look at all lines is in it, too.
    -- Without a limit of handshakes a turn it is a second.
    assert.is_true(turn < 0.040 * slow, ("a turn of %.1f ms of the processor"):format(turn * 1000))
    assert.is_true(processor < 10 * slow, ("%.1f s of the processor"):format(processor))
    assert.is_true(t:rss() - held < (sanitized and 256 or 32) << 20,
      ("memory grew by %.1f MB"):format((t:rss() - held) / 1e6))
    t:stop()
  end)

  it("do not try again at the same moment", function()
    local t = tagline.run([[
      for n = 1, 40 do
        line("l" .. n) { host = "mqtts://127.0.0.1:PORT",
          reconnect_delay = 80, reconnect_delay_max = 80,
          station "s" { address = "t", tags = { v = TxtI "IN_DATA" } } }
      end]], { PORT = mosquitto.free_port() })
    local pauses
    wait.till("40 pauses", nil, function()
      local _, out = tagline.command { "status", "--json", "--socket", t.socket }
      local ok, report = pcall(cjson.decode, out)
      local n = 0
      pauses = {}
      for _, problem in ipairs(ok and report.problems or {}) do
        local pause = (problem.remedy or ""):match "next attempt in ([^;]+)"
        if pause then
          pauses[pause] = true
          n = n + 1
        end
      end
      return n == 40
    end)
    local different = 0
    for _ in pairs(pauses) do different = different + 1 end
    assert.is_true(different > 12, different .. " different pauses of 40")
    t:stop()
  end)
end)
