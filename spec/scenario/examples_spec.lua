-- Each example of examples/ on a real Mosquitto: its messages, sent in order, give exactly the
-- values of its expected.jsonl.
local cjson = require "cjson"
local scenario = require "spec.support.scenario"
local files, mosquitto, scope, tagline = scenario "files mosquitto scope tagline"

-- Each example and the client ids of its lines.
local examples = {
  first = "tagline-plant", things_network_v2 = "tagline-plant-ttn",
    things_stack_v3 = "tagline-plant-tts",
  loriot = "tagline-plant-loriot", slovanet = "tagline-plant-slovanet",
    pixii = "tagline-plant-storage-1",
  live_objects = "tagline-plant-live-objects", chirpstack_v4 = "tagline-plant-chirpstack",
  sparkplug = "tagline-plant-sparkplug", meshtastic = "tagline-plant-mesh",
    opcua_gateway = "tagline-plant-opcua",
  shelly_gen2 = "tagline-plant-shelly", tasmota = "tagline-plant-tasmota",
    victron = "tagline-plant-victron",
  zigbee2mqtt = "tagline-plant-zigbee", cbor_meter = "tagline-plant-heat",
    senml = "tagline-plant-senml",
}

-- The values of each tag in their order; a time that is not the device's own becomes "arrival".
local function by_tag(list, started)
  local tags = {}
  for _, value in ipairs(list) do
    if value.time ~= "arrival" and value.time >= started then value.time = "arrival" end
    tags[value.tag] = tags[value.tag] or {}
    table.insert(tags[value.tag], value)
    value.tag = nil
  end
  return tags
end

describe("example", function()
  after_each(scope.finish)

  for name, client_id in pairs(examples) do
    it(name .. " turns its payloads into the expected values", function()
      local expected = {}
      for line in io.lines("examples/" .. name .. "/expected.jsonl") do
        expected[#expected + 1] = cjson.decode(line)
      end

      local started = os.date("!%Y-%m-%dT%H:%M:%S")
      local m = mosquitto.start()
      local t = tagline.run("examples/" .. name .. ".lua", nil,
        { env = { TAGLINE_HOST = "127.0.0.1", TAGLINE_PORT = tostring(m.port) } })
      m:wait_subscribed(client_id)
      for line in io.lines("examples/" .. name .. "/messages.txt") do
        local file, topic = line:match("^([^#%s]%S*) (.+)$")
        if file then
          m:publish(topic, files.read("examples/" .. name .. "/" .. file), { qos = 1 })
        end
      end
      -- All expected values are here when as many lines are; further ones would be seen once
      -- the program has ended.
      while #t:lines() < #expected do t:wait_line "." end
      t:stop()
      assert.same(by_tag(expected, started), by_tag(t:values(), started))
    end)

    it(name .. " has nothing that check complains of", function()
      assert.same({ 0, "", "" }, { tagline.command { "check", "examples/" .. name .. ".lua" } })
    end)
  end

  it("of every system is in the demo", function()
    local demo = files.read "examples/demo.lua"
    for name in pairs(examples) do
      assert.truthy(demo:find(('require "%s"\n'):format(name), 1, true), name)
    end
    assert.same({ 0, "", "" }, { tagline.command { "check", "examples/demo.lua" } })
  end)
end)
