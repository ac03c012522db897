-- The devices of scripts/demo: the messages of examples/, played for ever as if they came now.
-- Times in them are the present, values wander a little, and what says that a device is gone is
-- left out. Two devices are more than that: the boiler follows plant/boiler/set, and meter 4 has
-- a broken wire, which is the fault to be found.
--
--   TAGLINE_PORT=1883 TZ=Europe/Bratislava tagline run scripts/demo_devices.lua
local LEFT_OUT = {}
for name in ([[boiler-1.json boiler-2.json boiler-3.json boiler-4.json meter-1.txt meter-2.txt
  meter-3.txt cut.bin part.bin bad.json grid-null.json offline.txt offline.json supply-mains.json
  rx-4.json up-0.json up-551.json ddata-2.bin ddeath.bin ndeath.bin]]):gmatch "%S+" do
  LEFT_OUT[name] = true
end
local NAMES = { "first", "things_network_v2", "things_stack_v3", "loriot", "slovanet", "pixii",
  "live_objects", "chirpstack_v4", "sparkplug", "meshtastic", "opcua_gateway", "shelly_gen2",
  "tasmota", "victron", "zigbee2mqtt", "cbor_meter", "senml" }
local PAUSE = 2 -- seconds between two messages of one example

local boiler = { temperature = 56, setpoint = 60, burns = true }

line "devices" {
  host = "127.0.0.1", port = tonumber(env("TAGLINE_PORT", "1883")), client_id = "demo-devices",
  topic_filter = "plant/boiler/set",
  station "boiler" {
    address = "plant/boiler/set", payload_type = "Text only",
    tags = { setpoint = Ai { "IN_DATA", range = { 0, 120 }, out_of_range = "discard",
      on_value = function(tag) boiler.setpoint = tag.value or boiler.setpoint end } },
  },
}

local now = os.time

-- Times as the examples write them, made the present.
local function iso(text, stamp)
  text = text:gsub("%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d(%.?%d*)([Z+]?)", function(part, zone)
    local fraction = part ~= "" and ".0" or ""
    if zone == "" then return os.date("%Y-%m-%dT%H:%M:%S", stamp) .. fraction end -- local
    return os.date("!%Y-%m-%dT%H:%M:%S", stamp) .. fraction .. zone
  end)
  text = text:gsub("%+0[1-9]:00\"", "+00:00\"")
  return (text:gsub("%d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d", os.date("%Y-%m-%d %H:%M:%S", stamp)))
end

local function unix(text, stamp)
  text = text:gsub("%f[%d]1%d%d%d%d%d%d%d%d%d%d%d%d%f[%D]", tostring(stamp * 1000))
  text = text:gsub('"bt":[%d.e+]+', '"bt":' .. stamp)
  return (text:gsub('(time[%w_]*"%s*:%s*)1%d%d%d%d%d%d%d%d%d%f[^%d.]', "%1" .. stamp))
end

-- In CBOR a time is tag 1 with four bytes; in Sparkplug B milliseconds are a varint of six.
local function varint(n)
  local bytes = {}
  repeat
    bytes[#bytes + 1] = n % 128 + (n >= 128 and 128 or 0)
    n = n // 128
  until n == 0
  return string.char(table.unpack(bytes))
end

local function binary(bytes, stamp)
  bytes = bytes:gsub("\xC1\x1A....", "\xC1\x1A" .. (">I4"):pack(stamp):gsub("%%", "%%%%"))
  return (bytes:gsub("[\x80-\xFF][\x80-\xFF][\x80-\xFF][\x80-\xFF]\xBC\x31",
    (varint(stamp * 1000):gsub("%%", "%%%%"))))
end

-- Numbers with a fraction wander by some per cent; places, radio channels and times do not.
local function wander(text, seed)
  local turn = math.sin(now() / 47 + seed) * 0.02 + math.sin(now() / 11 + 2 * seed) * 0.006
  return (text:gsub('("[^"]+"%s*:%s*)(%-?%d+)%.(%d+)%f[^%d]([eE]?)', function(key, whole, part, e)
    local name = key:lower()
    if e ~= "" or name:find "lat" or name:find "lon" or name:find "freq" or name:find "tim" then
      return nil
    end
    local value = tonumber(whole .. "." .. part) * (1 + turn)
    return ("%s%." .. #part .. "f"):format(key, value)
  end))
end

local function present(bytes, seed)
  local stamp = now()
  if bytes:find "[\0-\8\x0E-\x1F\x80-\xFF]" and not bytes:find "^%s*[%[{]" then
    return binary(bytes, stamp)
  end
  return wander(unix(iso(bytes, stamp), stamp), seed)
end

local function publish(topic, payload)
  if lines.devices.status == "connected" then lines.devices:publish(topic, payload, { qos = 1 }) end
end

for at, name in ipairs(NAMES) do
  local messages, turn = {}, 0
  local folder = "../examples/" .. name .. "/"
  for entry in file(folder .. "messages.txt"):gmatch "[^\n]+" do
    local from, topic = entry:match "^([^#%s]%S*) (.+)$"
    if from and not LEFT_OUT[from] then
      messages[#messages + 1] = { topic = topic, bytes = file(folder .. from) }
    end
  end
  -- a birth of Sparkplug says null of what the message behind it has: they come together
  local burst = name == "sparkplug" and #messages or 1
  if #messages > 0 then
    every(PAUSE * burst + at / 100, function()
      for _ = 1, burst do
        local message = messages[turn % #messages + 1]
        turn = turn + 1
        publish(message.topic, present(message.bytes, at))
      end
    end)
  end
end

-- The burner heats until the boiler is warm enough, and begins again when it has cooled down.
every(1, function()
  local above = boiler.temperature - boiler.setpoint
  if above > 1.5 then boiler.burns = false elseif above < -1.5 then boiler.burns = true end
  local change = boiler.burns and 0.16 + math.max(0, -above) * 0.03
    or -0.07 - math.max(0, above) * 0.02
  boiler.temperature = boiler.temperature + change + (math.random() - 0.5) * 0.08
  publish("plant/boiler/up", ('{"ts": %d, "rx": {"temp": %.2f, "on": %s}}'):format(now() * 1000,
    boiler.temperature, boiler.burns))
end)

every(3, function()
  publish("plant/meter-4/up", ("V=-- A=%.2f"):format(4.2 + math.sin(now() / 9)))
end)
