-- Every example: its messages, fed in their order, give exactly the values of its expected.jsonl. Run by: tagline test examples
local cjson = require "cjson"
local t = require "tagline.test"

local NOW, ARRIVAL = 1900000000, "2030-03-17T17:46:40.000Z" -- later than any time in the payloads

local function lines_of(text)
  local list = {}
  for line in text:gmatch("[^\n]+") do list[#list + 1] = line end
  return list
end

-- The values of each tag, in their order: the order of tags within one message is not told by the examples.
local function by_tag(list)
  local tags = {}
  for _, v in ipairs(list) do
    tags[v.tag] = tags[v.tag] or {}
    table.insert(tags[v.tag], { value = v.value, status = v.status, reason = v.reason, type = v.type, base64 = v.base64,
      time = v.time == ARRIVAL and "arrival" or v.time })
  end
  return tags
end

for _, name in ipairs {
  "first", "chirpstack_v4", "live_objects", "loriot", "pixii", "slovanet", "sparkplug", "things_network_v2", "things_stack_v3",
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
