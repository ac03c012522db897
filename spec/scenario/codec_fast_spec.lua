-- What codecs do in C, in the program that has it, beside the same in Lua:
-- spec/support/codec_fast.lua says what.
local uv = require "luv"
local scope = require "spec.support.scope"
local tagline = require "spec.support.tagline"

local cases = [==[
local t = require "tagline.test"

describe("what codecs do in C", function()
  local site = t.config("ROOT/spec/support/codec_fast.lua", { unsafe = true })
  local clock = 1700000000

  local function run(case, payload)
    clock = clock + 1
    local values = site:feed("case/" .. case, payload or "", { time = clock })
    assert.equal("ok", values[1] and values[1].value)
  end

  for _, case in ipairs {
    "base64", "hex", "time", "no_json", "many_gateways", "custom", "json", "json_keys",
    "json_shapes", "pick", "pick_errors", "devices", "device_in_envelope", "sparkplug",
    "sparkplug_host",
  } do
    it("gives what it gives in Lua: " .. case, function() run(case) end)
  end
  for _, sample in ipairs(require "spec.codec.lorawan_samples") do
    it("reads what the table says of " .. sample.network .. ": " .. sample.what, function()
      run("envelope", table.concat({ sample.network, sample.topic or "", sample.text }, "\n"))
    end)
  end
end)
]==]

describe("codecs in C", function()
  after_each(scope.finish)

  it("give what they give in Lua", function()
    local path = scope.file("fast_spec.lua", (cases:gsub("ROOT", uv.cwd())))
    local code, out, err = tagline.command({ "test", path }, { milliseconds = 850000 })
    assert(code == 0, out .. err)
  end)
end)
