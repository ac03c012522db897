-- line:set{ … }: parameters of a live line are checked as those in a file.
local core = require "tagline.core"
local set = require "tagline.config.set"

describe("parameters of a live line", function()
  it("are checked as in a config", function()
    assert.same({ keep_alive = 60, topic_filter = { "a/#" }, clean_session = true },
      set.check({ keep_alive = 60, topic_filter = "a/#", clean_session = "YES" }, {}, core))
  end)

  for _, case in ipairs {
    { { keep_alive = -1 }, {}, "keep_alive: expected an integer from 0 to 65535, got -1" },
    { { keepAlive = 1 }, {}, "keepAlive: unknown parameter; did you mean 'keep_alive'?" },
    { { on_value = print }, {}, "on_value: is a handler, which stands in the config" },
    { { [1] = 5 }, {}, "1: unknown parameter" },
    { { password = "x" }, {}, "password: expected a user_name beside the password, got none" },
    { { will_flag = true }, {}, "will_flag: expected a will_topic beside will_flag, got none" },
    { { user_name = "" }, { user_name = "u", password = "p" },
      "password: expected a user_name beside the password, got none" },
  } do
    it("are refused: " .. case[3], function()
      assert.same({ nil, case[3] }, { set.check(case[1], case[2], core) })
    end)
  end

  it("have their files beside the config, as in it", function()
    local _, why = set.check({ tls_ca_file = "ca.crt" }, { host = { "mqtts://a" } }, core,
      "/etc/nowhere/plant.lua")
    assert.matches("^tls_ca_file: /etc/nowhere/ca.crt: ", why)
    -- those that the line has are where they are already
    local present = { host = { "mqtts://a" }, tls_ca_file = "conf/ca.crt" }
    _, why = set.check({ tls_verify = true }, present, core, "conf/plant.lua")
    assert.matches("^tls_ca_file: conf/ca.crt: ", why)
    _, why = set.check({ tls_ca_file = "/x/ca.crt" }, { host = { "mqtts://a" } }, core, "a/b.lua")
    assert.matches("^tls_ca_file: /x/ca.crt: ", why)
  end)

  it("are taken with what the line has", function()
    assert.same({ password = "x" }, set.check({ password = "x" }, { user_name = "u" }, core))
    assert.same({ password = false, full_debug = false },
      set.check({ password = "", full_debug = "NO" }, { user_name = "u", password = "p" }, core))
    assert.same({ will_flag = true }, set.check({ will_flag = true }, { will_topic = "t" }, core))
  end)
end)
