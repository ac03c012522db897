-- help() in the running process: of names that only it knows, and of everything that its
-- sandbox and its objects hold.
local scenario = require "spec.support.scenario"
local broker, scope, tagline = scenario "broker scope tagline"

local config = [[
--- Reads the meter's two numbers.
local function decode(msg)
  for _, name in ipairs { "topic", "payload", "json", "captures", "qos", "retain", "dup", "id",
    "time", "station" } do
    local _ = msg[name]
  end
  return { volts = 1 }
end
meter_decode = decode
codec = require "tagline.codec.device.elsys"
line "plant" {
  host = "127.0.0.1", port = PORT, payload_type = "JSON", ignore_missing_time = true,
  station "boiler" { address = "boiler/up", decode = decode,
    tags = { temperature = Ai { "JA=temp", unit = "°C" }, at = TiA "JA=at", volts = Ai {},
      topic = TxtO { "OUT_TOPIC", default = "t" } } },
  station "d-{dev}" { address = "dev/(?<dev>.*)", tags = {} },
}
]]

describe("help in the running process", function()
  local t, c

  before_each(function()
    local b = broker.new()
    t = tagline.run(config, { PORT = b.port })
    c = b:handshake()
  end)
  after_each(scope.finish)

  local function eval(code)
    local exit, out, errors = t:eval(code)
    assert.equal("", errors)
    assert.equal(0, exit)
    return out
  end

  it("tells of a tag, a station and a line by name, with what is wrong with it", function()
    c:send("PUBLISH", { topic = "boiler/up", payload = "{}", qos = 1, id = 1 })
    c:expect "PUBACK"
    local out = eval 'help "plant.boiler.temperature"'
    assert.truthy(out:find("plant.boiler.temperature  Ai", 1, true), out)
    assert.truthy(out:find("\n  JA=temp: a field of the JSON payload", 1, true), out)
    assert.truthy(out:find("\n  missing: the address is not in the payload", 1, true), out)
    assert.truthy(out:find(":write(value", 1, true), out)
    assert.truthy(eval('help "plant.boiler"'):find("boiler/up", 1, true))
    assert.truthy(eval('help "plant"'):find(":reconnect()", 1, true))
    assert.truthy(eval("help(messages()[1])"):find("a recorded message", 1, true))
  end)

  it("knows every function of the sandbox by value and by name", function()
    local out = eval [[
      local unknown, n = {}, 0
      local skip = { _G = true, meter_decode = true, codec = true }
      -- what an older Lua left behind
      for _, old in ipairs {
        "atan2", "cosh", "frexp", "ldexp", "log10", "pow", "sinh", "tanh",
      } do
        skip["math." .. old] = true
      end
      local function ask(name, value)
        for _, x in ipairs { value, name } do
          n = n + 1
          local text = help(x)
          if text:find "nothing is known" or text:find "^a %a+;" or text:find "^a function"
            or text:find "function of the library" then
            unknown[#unknown + 1] = name
          end
        end
      end
      for name, value in pairs(_G) do
        if not skip[name] and (type(value) == "function" or type(value) == "table") then
          ask(name, value)
        end
        for member, v in pairs(type(value) == "table" and not skip[name] and value or {}) do
          if type(v) == "function" and type(member) == "string"
            and not skip[name .. "." .. member] then
            ask(name .. "." .. member, v)
          end
        end
      end
      table.sort(unknown)
      return n .. ": " .. table.concat(unknown, " ")]]
    assert.truthy(tonumber(out:match "^%d+") > 150, out)
    assert.equal("", out:match ": (.-)\n*$")
  end)

  it("knows print and the words of the prompt by value", function()
    assert.truthy(eval("help(print)"):find("^print%(…%)\n"))
    assert.truthy(eval("help(watch)"):find("^watch%(pattern"))
    assert.truthy(eval("help(messages)"):find("^messages%(pattern%)"))
  end)

  it("knows every number in stats", function()
    c:send("PUBLISH", { topic = "dev/a", payload = "{}", qos = 1, id = 1 })
    c:expect "PUBACK"
    local out = eval [[
      local unknown, n = {}, 0
      local function ask(kind, stats)
        for name in pairs(stats) do
          n = n + 1
          if help(kind .. ".stats." .. name):find "nothing is known" then
            unknown[#unknown + 1] = kind .. "." .. name
          end
        end
      end
      ask("line", lines.plant.stats)
      ask("station", stations["plant.boiler"].stats)
      ask("station", stations["plant.d-{dev}"].stats)
      return n .. ": " .. table.concat(unknown, " ")]]
    assert.truthy(tonumber(out:match "^%d+") > 35, out)
    assert.equal("", out:match ": (.-)\n*$")
  end)

  it("shows the comments of the config's own functions, and of codecs", function()
    local out = eval "help(meter_decode)"
    assert.truthy(
      out:find(
        "^decode%(msg%)\n  Reads the meter's two numbers.\na function of %S+config.lua, lines 2 \z
          to 8"), out)
    assert.truthy(
      eval("help(codec)"):find(
        '^require "tagline.codec.device.elsys"\n  Elsys sensors of the ERS family'))
    local codecs = eval 'help "codecs"'
    assert.truthy(codecs:find("tagline.codec.device.elsys +Elsys sensors"), codecs)
    for name in codecs:gmatch "\n  (tagline%.%S+)" do
      assert.truthy(eval(("help %q"):format(name)):find('^require "' .. name:gsub("%p", "%%%0")
        .. '"\n  %S'), name)
    end
  end)

  it("has every field of an object, and no other", function()
    local out = eval [[
      local wrong = {}
      local objects = { tag = tags["plant.boiler.temperature"], station = stations["plant.boiler"],
        line = lines.plant }
      for kind, object in pairs(objects) do
        for name in help(kind):gmatch "\n  ([%a_]+)  " do
          if not pcall(function() return object[name] end) then
            wrong[#wrong + 1] = kind .. "." .. name
          end
        end
      end
      return table.concat(wrong, " ")]]
    assert.equal("", (out:gsub("\n", "")))
  end)
end)
