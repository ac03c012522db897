-- Every example: its messages, fed in their order, give exactly the values of its
-- expected.jsonl. Run by: tagline test examples
local cjson = require "cjson"
local t = require "tagline.test"

local NOW, ARRIVAL = 1900000000, "2030-03-17T17:46:40.000Z" -- later than any time in the payloads

local function lines_of(text)
  local list = {}
  for line in text:gmatch("[^\n]+") do list[#list + 1] = line end
  return list
end

-- The values of each tag, in their order: the order of tags within one message is not told by
-- the examples.
local function by_tag(list)
  local tags = {}
  for _, v in ipairs(list) do
    tags[v.tag] = tags[v.tag] or {}
    table.insert(tags[v.tag], { value = v.value, status = v.status, reason = v.reason,
      type = v.type, base64 = v.base64,
      time = v.time == ARRIVAL and "arrival" or v.time })
  end
  return tags
end

for _, name in ipairs {
  "first", "chirpstack_v4", "live_objects", "loriot", "pixii", "slovanet", "sparkplug",
    "things_network_v2", "things_stack_v3",
  "meshtastic", "opcua_gateway", "shelly_gen2", "tasmota", "victron", "zigbee2mqtt", "cbor_meter",
    "senml",
} do
  describe("example " .. name, function()
    it("gives the values that it should", function()
      local expected = {}
      for i, line in ipairs(lines_of(t.file(name .. "/expected.jsonl"))) do
        expected[i] = cjson.decode(line)
        if expected[i].value == cjson.null then expected[i].value = nil end
      end
      local site, values = t.config(name .. ".lua", { time = NOW }), {}
      for _, line in ipairs(lines_of(t.file(name .. "/messages.txt"))) do
        local file, topic = line:match("^([^#%s]%S*) (.+)$")
        if file then
          local new = site:feed(topic, t.file(name .. "/" .. file))
          table.move(new, 1, #new, #values + 1, values)
        end
      end
      assert.same(by_tag(expected), by_tag(values))
      site:close()
    end)
  end)
end

describe("an example's writes", function()
  local function writes(config, tag, value, topic, payload)
    it("of " .. config .. " go to " .. topic, function()
      local site = t.config(config .. ".lua", { time = NOW })
      for line in t.file(config .. "/messages.txt"):gmatch("[^\n]+") do -- makes the stations
        local file, to = line:match("^([^#%s]%S*) (.+)$")
        if file then site:feed(to, t.file(config .. "/" .. file)) end
      end
      local published = assert(site:write(tag, value))
      assert.same({ topic, payload }, { published[1].topic, published[1].payload })
      site:close()
    end)
  end

  writes("shelly_gen2", "shelly.pump.relay", true, "plant/pump/command/switch:0", "on")
  writes("tasmota", "tasmota.boiler.relay", false, "cmnd/boiler/POWER", "OFF")
  writes("zigbee2mqtt", "zigbee.gate.state", true, "zigbee2mqtt/gate/set", '{"state":"ON"}')

  it("of victron keep the values coming", function()
    local site = t.config("victron.lua", { time = NOW })
    site:advance(65)
    assert.same({ "R/c0619ab12345/keepalive", "R/c0619ab12345/keepalive" },
      { site.published[1].topic, site.published[2].topic })
    assert.equal("", site.published[1].payload)
    site:close()
  end)
end)
