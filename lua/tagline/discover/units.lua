--- Units and ranges that a field's name and its values speak of. An ending such as `_kwh` says it;
--- a name such as `temperature` lets it be guessed, and the guess must suit the values.
local units = {}

local endings = {
  c = "°C", degc = "°C", celsius = "°C", degf = "°F", fahrenheit = "°F", kelvin = "K",
  v = "V", mv = "mV", kv = "kV", volt = "V", volts = "V",
  a = "A", ma = "mA", ka = "kA", amp = "A", amps = "A", ampere = "A", ah = "Ah", mah = "mAh",
  w = "W", kw = "kW", mw = "MW", watt = "W", watts = "W", va = "VA", kva = "kVA", var = "var",
  kvar = "kvar", wh = "Wh", kwh = "kWh", mwh = "MWh", gwh = "GWh", varh = "varh", kvarh = "kvarh",
  hz = "Hz", khz = "kHz", mhz = "MHz", ghz = "GHz",
  pa = "Pa", hpa = "hPa", kpa = "kPa", mpa = "MPa", bar = "bar", mbar = "mbar", psi = "psi",
  pct = "%", percent = "%", prc = "%", rh = "%",
  rpm = "1/min", ppm = "ppm", ppb = "ppb", lux = "lx", lx = "lx", db = "dB", dbm = "dBm",
  deg = "°", ohm = "Ω", kohm = "kΩ", kg = "kg", mm = "mm", cm = "cm", m = "m",
  km = "km", l = "l", ml = "ml", m3 = "m³", nm3 = "Nm³", m3h = "m³/h", lpm = "l/min",
  lph = "l/h", kmh = "km/h", mps = "m/s", ms = "ms", us = "µs", s = "s", sec = "s", secs = "s",
  seconds = "s", minutes = "min", hours = "h", days = "d", kj = "kJ",
  mj = "MJ", gj = "GJ", ugm3 = "µg/m³", mgm3 = "mg/m³", mgl = "mg/l",
  wm2 = "W/m²", ph = "pH", ntu = "NTU",
}

--- Endings of two words: flow_m3_h, wind_m_s.
local pairs_of = { ["m3/h"] = "m³/h", ["m/s"] = "m/s", ["l/min"] = "l/min", ["l/h"] = "l/h",
  ["km/h"] = "km/h", ["w/m2"] = "W/m²", ["ug/m3"] = "µg/m³", ["mg/l"] = "mg/l",
  ["us/cm"] = "µS/cm", ["ms/cm"] = "mS/cm", ["deg/c"] = "°C", ["deg/f"] = "°F" }

--- Too short to say anything where they are the whole name, or behind a number.
local only_behind = { c = true, v = true, a = true, w = true, m = true, l = true, s = true,
  ms = true, us = true, deg = true,
  ma = true, mw = true, ph = true, pa = true, va = true, bar = true, var = true, rh = true,
  mm = true, cm = true, km = true, ml = true, mj = true }

--- A word within a name, its unit, and between what its values must lie.
local guesses = {
  { "temp", "°C", -60, 150 }, { "temperature", "°C", -60, 150 }, { "tmp", "°C", -60, 150 },
  { "dewpoint", "°C", -60, 60 },
  { "hum", "%", 0, 100 }, { "humidity", "%", 0, 100 }, { "soc", "%", 0, 100 },
  { "voltage", "V", 0, 1000 }, { "current", "A", -1000, 1000 },
  { "pressure", "hPa", 800, 1100 }, { "pressure", "Pa", 80000, 110000 },
  { "rssi", "dBm", -150, -1 }, { "signal", "dBm", -150, -1 }, { "apower", "W", -1e6, 1e6 },
  { "snr", "dB", -30, 30 }, { "co2", "ppm", 200, 20000 },
  { "frequency", "Hz", 45, 65 }, { "illuminance", "lx", 0, 200000 }, { "lat", "°", -90, 90 },
  { "latitude", "°", -90, 90 }, { "lon", "°", -180, 180 }, { "lng", "°", -180, 180 },
  { "longitude", "°", -180, 180 }, { "battery", "%", 5, 100 },
}

--- Quantities that change in small steps, whatever integer they happen to be now.
local quantities = {}
for word in ([[temp temperature tmp hum humidity pressure voltage current power energy flow level
  speed velocity weight mass distance height depth angle lat lon lng latitude longitude altitude
  setpoint value val position brightness luminosity illuminance co2 battery volume torque load
  rssi snr frequency rate ratio density conductivity moisture wind rain dewpoint soc]])
  :gmatch "%w+" do
  quantities[word] = true
end

--- The words of a name: `flowTemp_c` is flow, temp, c.
function units.words(name)
  local list = {}
  local parted = name:gsub("(%l)(%u)", "%1_%2"):gsub("(%u)(%u%l)", "%1_%2"):lower()
  for word in parted:gmatch "[%w\x80-\xff]+" do list[#list + 1] = word end
  return list
end

-- Numbers behind a word do not belong to it: temp1, battery2.
local function plain(word) return (word:gsub("%d+$", "")) end

local function guess(words, low, high)
  for i = #words, 1, -1 do
    for _, g in ipairs(guesses) do
      if (g[1] == words[i] or g[1] == plain(words[i])) and low >= g[3] and high <= g[4] then
        return g[2]
      end
    end
  end
  return nil
end

-- power_a, power_b and power_c are phases, no units.
local function is_phase(words, siblings)
  local last = words[#words]
  if last ~= "a" and last ~= "c" then return false end
  local stem = table.concat(words, "_", 1, #words - 1)
  return siblings[stem .. "_b"] ~= nil
end

--- The unit of numbers from `low` to `high` under this name, and whether it is only guessed; nil
--- when nothing speaks for one. `siblings`: the names beside it as keys, their words with '_'
--- between.
function units.of(name, low, high, siblings)
  local words = units.words(name)
  local last, before = words[#words], words[#words - 1]
  if not last then return nil end
  if siblings and is_phase(words, siblings) then
    words[#words] = nil
    local found = guess(words, low, high)
    return found, found and true
  end
  if last == "f" and before and before:find "^te?mp" then return "°F", false end
  local two = before and pairs_of[before .. "/" .. last]
  if two then return two, false end
  if endings[last] and (before or not only_behind[last]) and not (only_behind[last]
    and before and before:find "^%d+$") then
    return endings[last], false
  end
  local found = guess(words, low, high)
  if found then return found, true end
  return nil
end

--- { 0, 100 } for percentages whose values lie there.
function units.range(unit, low, high)
  if unit == "%" and low >= 0 and high <= 100 then return { 0, 100 } end
  return nil
end

--- Is it something that is measured, so that the next value may have decimals?
function units.is_quantity(name)
  for _, word in ipairs(units.words(name)) do
    if quantities[word] or quantities[plain(word)] then return true end
  end
  return false
end

local by_text = { ["°c"] = "°C", ["℃"] = "°C", ["°f"] = "°F", ["%"] = "%", ["mm/s"] = "mm/s",
  ["m³"] = "m³", ["m³/h"] = "m³/h", ["µs"] = "µs", ["Ω"] = "Ω" }

--- "C" as a device names the unit of its temperatures: "°C".
function units.degree(letter) return letter == "F" and "°F" or letter == "C" and "°C" or nil end

--- The unit that stands behind a number in a text: "21.5 °C", "230V".
function units.behind_number(payload)
  local number, unit = payload:match "^%s*([+-]?%d+%.?%d*)%s*([^%s%d]+)%s*$"
  if not number then return nil end
  return by_text[unit:lower()] or endings[unit:lower()], tonumber(number)
end

return units
