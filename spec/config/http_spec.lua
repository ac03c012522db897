-- The word that opens the HTTP server: what it takes, what is wrong, and where that is said.
local support = require "spec.config.support"

local line = '\nline "p" { host = "h" }'

describe("http", function()
  it("is nothing where the config says nothing", function()
    assert.is_nil(support.clean(line).http)
  end)

  it("listens on the loopback where nothing else is said", function()
    assert.same({ listen = "127.0.0.1:8080", write = false }, support.clean("http {}" .. line).http)
  end)

  it("is given in the config's own words", function()
    assert.same({ listen = "[::1]:80", write = true, token = ("x"):rep(16), values = { "p.*" },
      names = { "gw.local", "gw" } },
      support.clean('http { listen = "[::1]:80", write = true, token = ("x"):rep(16), \z
        values = "p.*", names = { "gw.local", "gw" } }' .. line).http)
  end)

  it("takes any address with a token, localhost, and the path of a socket without one", function()
    for given, listen in pairs {
      ['"0.0.0.0:8080", token = ("x"):rep(16)'] = "0.0.0.0:8080",
      ['"[::]:0", token = ("x"):rep(16)'] = "[::]:0",
      ['"127.4.5.6:1"'] = "127.4.5.6:1",
      ['"localhost:8080"'] = "127.0.0.1:8080",
      ['"/run/tagline/http.sock"'] = "/run/tagline/http.sock",
    } do
      assert.equal(listen, support.clean("http { listen = " .. given .. " }" .. line).http.listen)
    end
  end)

  for what, row in pairs {
    ["an address that others reach without a token"] = { 'listen = "0.0.0.0:80"',
      "listen: expected a token beside '0.0.0.0:80', which others can reach, got none" },
    ["the same of IPv6"] = { 'listen = "[::]:80"', "expected a token beside '[::]:80'" },
    ["a name"] = { 'listen = "gw.local:80"', 'listen: expected an address with a port such as' },
    ["an address without a port"] = { 'listen = "127.0.0.1"', "listen: expected an address" },
    ["a port alone"] = { "listen = 8080", "listen: expected an address" },
    ["a port that is too high"] = { 'listen = "127.0.0.1:65536"', "listen: expected an address" },
    ["an address that is none"] = { 'listen = "127.0.0.256:80"', "listen: expected an address" },
    ["a short token"] = { 'token = "0123456789abcde"', "token: expected 16 to 1024 bytes, got 15" },
    ["a token with a blank"] = { 'token = "0123456789 abcdef"', "token: expected printable ASCII" },
    ["a token that is a number"] = { "token = 12", "token: expected a text of at least 16 bytes" },
    ["a key alone"] = { 'tls_key_file = "k"', "tls_key_file: expected a tls_cert_file beside" },
    ["a certificate that is not there"] = { 'tls_cert_file = "none.crt"',
      "tls_cert_file: none.crt:" },
    ["a wrong value of write"] = { 'write = "maybe"', "write: expected" },
    ["a name with a slash"] = { 'names = { "a/b" }', "names: expected a host's name" },
    ["names that are a map"] = { "names = { a = 1 }", "names: expected a host's name" },
    ["a pattern that is none"] = { "values = { 5 }", "values: expected a pattern" },
    ["a field of a line"] = { "topic_filter = 1",
      "topic_filter: unknown field; it is a field of a line" },
    ["a second one"] = { "} http {", "http: is given twice, first in line 1" },
    ["an unknown field"] = { "lsten = 1", "lsten: unknown field; did you mean 'listen'?" },
  } do
    it("refuses " .. what, function()
      local problems = support.problems("http { " .. row[1] .. " }" .. line)
      assert.equal(1, #problems, table.concat(problems, "\n"))
      assert.truthy(problems[1]:find("c.lua:1: ", 1, true), problems[1])
      assert.truthy(problems[1]:find(row[2], 1, true), problems[1])
    end)
  end

  it("tells of a pattern of values that matches no tag, as an outlet does", function()
    local text = 'http {\n  values = { "p.s.*", "q.*" } }\nline "p" { host = "h", \z
      station "s" { address = "a", tags = { t = TxtI "IN_DATA" } } }'
    assert.same({ 'c.lua:2: warning: http: values: "q.*" matches no tag of this config, so \z
      nothing goes out for it: names are LINE.STATION.TAG, such as "p.s.t"' },
      support.problems(text))
  end)

  it("never shows a token", function()
    local problems = support.problems('http { token = "hunter2 hunter2 hunter2" }' .. line)
    assert.is_nil(table.concat(problems):find "hunter2")
  end)

  it("refuses what is no record, and a second one", function()
    assert.truthy(support.problems("http(5)" .. line)[1]:find("expected braces with fields, got 5"))
    local twice = support.problems("http {} http {}" .. line)
    assert.truthy(twice[1]:find "is given twice, first in line 1")
  end)

  it("says how to build a program that has it", function()
    local core = setmetatable({ built_with = function() return false end },
      { __index = require "tagline.core" })
    assert.truthy(support.problems("http {}" .. line, { core = core })[1]
      :find("built without HTTP: rebuild it with -DTAGLINE_HTTP=ON", 1, true))
  end)
end)
