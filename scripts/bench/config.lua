-- scripts/bench/config.lua — what the benches run: STATIONS stations (each its own topic),
-- three JSON tags each of the payload SIZE.
-- KIND: plain; devices: the same stations made by named groups; handler: a decoder that returns
-- three numbers fills the tags; both: it fills three more; failing, working: a tag's on_value
-- raises an error, or does nothing; send: each message makes the line publish 1,000.
-- SUBSCRIBE=yes: stations subscribe to their addresses. URL: where to connect to in place of the
-- load source's own port, with the certificates in CA. WEB: a port for the HTTP server.
-- HISTORY: a file in which values are kept, for KEEP seconds.
local kind = env("KIND", "plain")
local paths = ({
  ["60B"] = { "temp", "hum", "on" },
  ["1.3K"] = { "uplink_message.decoded_payload.TempC_SHT", "uplink_message.rx_metadata[1].rssi",
    "uplink_message.f_cnt" },
  ["16K"] = { "[1].batt_cell_v_avg", "[50].batt_cell_t_max", "[100].soc" },
})[env "SIZE"]

local function publish ()
  for _ = 1, 1000 do
    lines.bench:publish("from/us", "0123456789012345678901234567890123456789", { qos = 1 })
  end
end

local function tags ()
  local t = {}
  if kind ~= "handler" then
    t.a, t.b, t.c = Ai("JA=" .. paths[1]), Ai("JA=" .. paths[2]), Ai("JA=" .. paths[3])
  end
  local handlers = { failing = function() error "broken" end, working = function() end,
    send = publish }
  local on_value = handlers[kind]
  if on_value then
    t.a = Ai { "JA=" .. paths[1], on_value = on_value, new_value_on_time_change = kind == "send" }
  end
  if kind == "handler" or kind == "both" then t.x, t.y, t.z = Ai {}, Ai {}, Ai {} end
  return t
end

-- IDLE: so many more lines, connected to BROKER, where nothing comes. The measured line connects
-- behind them, so that each message finds all of them there; one after the other, so that each
-- run counts the same for that.
local idle, connected = tonumber(env("IDLE", "0")), 0
for i = 1, idle do
  line("idle-" .. i) {
    host = "127.0.0.1", port = math.tointeger(tonumber(env "BROKER")), keep_alive = 0,
    topic_filter = "idle/" .. i, recorder = 0,
    on_connect = function()
      connected = connected + 1
      local next = lines[connected < idle and "idle-" .. connected + 1 or "bench"]
      for _, s in pairs(next.stations) do s:on() end
    end,
    station "s" { address = "idle/" .. i, off = i > 1, tags = { v = Ai "IN_DATA" } },
  }
end

local stations = {}
if kind == "devices" then
  stations[1] = station "station-{dev}" { address = "bench/station-(?<dev>[^/]+)/up",
    max_instances = 100000, tags = tags() }
end
for i = 0, kind == "devices" and -1 or tonumber(env "STATIONS") - 1 do
  stations[#stations + 1] = station(("station-%05d"):format(i)) {
    address = ("bench/station-%05d/up"):format(i),
    decode = (kind == "handler" or kind == "both") and function() return { x = 1, y = 2.5,
      z = 3 } end or nil,
    subscribe_address = env("SUBSCRIBE", "no") == "yes",
    off = idle > 0,
    tags = tags(),
  }
end

-- MARK=yes, under callgrind: it is switched on by the payload 1 of bench/mark, and 2 calls
-- clock(3), before which it can dump its counts.
local function mark (m)
  if m.value == 1 then os.execute "callgrind_control --instr=on $PPID >/dev/null 2>&1 &" end
  if m.value == 2 then os.clock() end
end
if env("MARK", "no") == "yes" then
  stations[#stations + 1] = station "mark" { address = "bench/mark", off = idle > 0,
    tags = { m = Ai { "IN_DATA", on_value = mark, new_value_on_time_change = true } } }
end

-- TURNS=yes: the longest turn of the loop, ns of the processor as the kernel counts them for its
-- thread, in `turns.most` of Lua's registry, which outlives a reload (with --unsafe).
if env("TURNS", "no") == "yes" then
  local registry = debug.getregistry()
  local turns = registry.turns or { most = 0 }
  registry.turns = turns
  every(0.001, function()
    local f <close> = io.open "/proc/thread-self/schedstat"
    local now = f:read "n"
    if turns.last and now - turns.last > turns.most then turns.most = now - turns.last end
    turns.last = now
  end)
end

if env("HISTORY", "") ~= "" then
  history { file = env "HISTORY", keep = tonumber(env("KEEP", "")) }
  spool { folder = env "HISTORY" .. ".spool" }
end

if env("WEB", "") ~= "" then http { listen = "127.0.0.1:" .. env "WEB" } end

local url = env("URL", "")

line "bench" {
  host = url ~= "" and url or "127.0.0.1",
  port = url == "" and math.tointeger(tonumber(env "PORT")) or nil,
  tls_ca_file = env("CA", ""),
  topic_filter = "bench/#",
  payload_type = "JSON",
  clean_session = true,
  max_inflight = kind == "send" and 2000 or nil,
  table.unpack(stations),
}
