-- What mosquitto:too_often takes for a message of its own, by logs of a broker.
local mosquitto = require "spec.support.mosquitto"

-- A broker whose log this is.
local function broker(log)
  local lines = {}
  for line in log:gmatch "[^\n]+" do lines[#lines + 1] = "1796089937: " .. line end
  return setmetatable({ process = { lines = function() return lines end } }, mosquitto)
end

local PUBLISH = "Sending PUBLISH to s (d%d, q2, r0, m7, 'a', ... (2 bytes))\n"
local DONE = "Received PUBREC from s (Mid: 7)\nSending PUBREL to s (m7)\n"
local COMPLETE = "Received PUBCOMP from s (Mid: 7, RC:0)\n"

describe("too_often", function()
  local first, repeated = PUBLISH:format(0), PUBLISH:format(1)
  local function count(log, times) return broker(log):too_often("s", { [7] = times }) end

  it("takes a repetition before the PUBREL for the same message", function()
    local log = first .. repeated .. DONE .. COMPLETE
    assert.equal("", count(log, 1))
    assert.equal("7 came 2 times: PUBLISH PUBLISH PUBREC PUBREL PUBCOMP\n", count(log, 2))
  end)

  it("takes one after the PUBREL, or after the PUBCOMP, for another message", function()
    for _, log in ipairs { first .. DONE .. repeated, first .. DONE .. COMPLETE .. repeated } do
      assert.equal("", count(log, 2))
      assert.truthy(count(log, 3):find "^7 came 3 times")
    end
  end)

  it("knows what was never sent, or to somebody else", function()
    assert.equal("7 came 1 times: never sent\n", count("", 1))
    assert.equal("7 came 1 times: never sent\n", count(first:gsub("to s", "to other"), 1))
  end)
end)
