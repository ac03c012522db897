-- Victron GX (Venus OS): a topic for each value, {"value": …}, null when it is not known. The
-- GX publishes only while it is asked
-- to: an empty message to R/PORTAL/keepalive at least once a minute.
local portal = "c0619ab12345"
local names = { ["system/0/Dc/Battery/Soc"] = "soc",
  ["system/0/Dc/Battery/Power"] = "battery_power",
  ["system/0/Dc/Pv/Power"] = "pv_power", ["system/0/Ac/Grid/L1/Power"] = "grid_power" }

line "victron" {
  host = env("TAGLINE_HOST", "venus.local"), port = tonumber(env("TAGLINE_PORT", "1883")),
    client_id = "tagline-plant-victron",
  topic_filter = "N/" .. portal .. "/#",
  station "system" {
    address = "N/" .. portal .. "/(.+)",
    decode = function(msg)
      local name = names[msg.captures[1]]
      return name and { [name] = msg.json.value } or nil
    end,
    tags = { soc = Ai { unit = "%" }, battery_power = Ai { unit = "W" },
      pv_power = Ai { unit = "W" }, grid_power = Ai { unit = "W" } },
  },
  on_connect = function(line) line:publish("R/" .. portal .. "/keepalive", "") end,
}

every(30, function() lines.victron:publish("R/" .. portal .. "/keepalive", "") end)
