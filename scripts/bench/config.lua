-- scripts/bench/config.lua — what the benches run: STATIONS stations (each its own topic), three JSON tags each of the payload SIZE.
local paths = ({
  ["60B"] = { "temp", "hum", "on" },
  ["1.3K"] = { "uplink_message.decoded_payload.TempC_SHT", "uplink_message.rx_metadata[1].rssi", "uplink_message.f_cnt" },
  ["16K"] = { "[1].batt_cell_v_avg", "[50].batt_cell_t_max", "[100].soc" },
})[env "SIZE"]

local stations = {}
for i = 0, tonumber(env "STATIONS") - 1 do
  stations[#stations + 1] = station(("station-%05d"):format(i)) {
    address = ("bench/station-%05d/up"):format(i),
    tags = { a = Ai("JA=" .. paths[1]), b = Ai("JA=" .. paths[2]), c = Ai("JA=" .. paths[3]) },
  }
end

line "bench" {
  host = "127.0.0.1",
  port = math.tointeger(tonumber(env "PORT")),
  topic_filter = "bench/#",
  payload_type = "JSON",
  clean_session = true,
  table.unpack(stations),
}
