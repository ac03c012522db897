-- The words that say where values go: what they take, what is wrong, and where that is said.
local support = require "spec.config.support"

local line = '\nline "p" { host = "h" }'

describe("history, spool and outlet", function()
  it("are nothing where the config says nothing", function()
    assert.is_nil(support.clean(line).outlets)
  end)

  it("are given in the config's own words", function()
    local text = 'history { file = "plant.db", keep = "90d" }\n'
      .. 'history { postgres = "host=db", keep = "2y" }\n'
      .. 'spool { max = "500MB", when_full = "hold" }\n'
      .. 'outlet "bus" { nats = "a, b", tags = "p.*" }' .. line
    local lacking = support.lacking(text)
    if lacking then return pending(lacking) end
    local draft = support.clean(text)
    local list = draft.outlets.list
    assert.same({ name = "history", kind = "history", file = "plant.db", keep = 90 * 86400 },
      list[1])
    assert.same({ name = "postgres", kind = "postgres", postgres = "host=db",
      keep = 730 * 86400,
      schema = "tagline" }, list[2])
    assert.same({ name = "bus", kind = "nats", nats = "a, b", tags = { "p.*" },
      stream = "TAGS",
      subject = "tags.{line}.{station}.{tag}" }, list[3])
    assert.same({ folder = "c.spool", max = 500000000, hold = true }, draft.outlets.spool)
  end)

  it("have a spool of one gigabyte beside the config where nothing is said", function()
    assert.same({ folder = "c.spool", max = 1000000000, hold = false },
      support.clean('history { file = "/x/plant.db" }' .. line).outlets.spool)
  end)

  it("take both forms of a connection string", function()
    local lacking = support.lacking('history { postgres = "host=db" }' .. line)
    if lacking then return pending(lacking) end
    for _, text in ipairs { "host=db,other port = 5432 dbname='my plant' user=o\\\\'x",
      "postgresql://tagline@db:5432/plant?sslmode=verify-full&connect_timeout=3",
        "postgres://",
      "dbname=plant" } do
      local draft = support.clean(('history { postgres = "%s" }'):format(text) .. line)
      assert.equal((text:gsub("\\\\", "\\")), draft.outlets.list[1].postgres)
    end
  end)

  for what, row in pairs {
    ["neither file nor postgres"] = { "history {}", "history: expected file = " },
    ["both"] = { 'history { file = "a", postgres = "b" }',
      "history: expected file or postgres, got both" },
    ["a schema of a file"] = { 'history { file = "a", schema = "x" }',
      "schema: belongs to a history in PostgreSQL" },
    ["a password in a connection string"] = { 'history { postgres = "host=a password=x" }',
      "postgres: a password stands in it" },
    ["a password in a URL"] = { 'history { postgres = "postgresql://a:x@db/plant" }',
      "postgres: a password stands in it" },
    ["a service"] = { 'history { postgres = "service=plant" }',
      "postgres: a service file is not read" },
    ["a word that libpq does not know"] = { 'history { postgres = "hots=a dbname=b" }',
      "postgres: unknown word 'hots' of a connection string; did you mean 'host'?" },
    ["a word of a URL that libpq does not know"] = {
      'history { postgres = "postgres://db/plant?sslmod=require" }',
        "did you mean 'sslmode'?" },
    ["words without a value"] = { 'history { postgres = "db plant" }',
      'postgres: expected words such as "host=db dbname=plant", got "db"' },
    ["an open quote"] = { [[history { postgres = "host='a" }]],
      "behind 'host=' is not closed" },
    ["another kind of URL"] = { 'history { postgres = "mysql://db/plant" }',
      'postgres: expected "postgresql://' },
    ["a schema of PostgreSQL's"] = { 'history { postgres = "host=a", schema = "pg_x" }',
      "schema: names that begin with pg_" },
    ["two files"] = { 'history { file = "a" } history { file = "b" }',
      "'history' is given twice, first in line 1" },
    ["a wrong duration"] = { 'history { file = "a", keep = "90 days" }',
      'keep: expected a duration such as "90d"' },
    ["a duration too short"] = { 'history { file = "a", keep = "10m" }',
      'keep: expected a duration of at least 1h, got "10m"' },
    ["a silence of no time"] = {
      'history { file = "a" } line "l" { host = "a", history = { max_silence = 0 } }',
      "max_silence: expected a duration of at least 0.001s, got 0" },
    ["an unknown field"] = { 'history { fil = "a" }',
      "fil: unknown field; did you mean 'file'?" },
    ["a spool too small"] = { 'history { file = "a" } spool { max = 1000 }',
      'max: expected a size such as "1GB"' },
    ["an unknown way to be full"] = { 'history { file = "a" } spool { when_full = "x" }',
      'expected "drop_oldest" or "hold", got "x"' },
    ["an unknown placeholder"] = { 'outlet "b" { nats = "a", subject = "x.{site}.{tag}" }',
      "unknown placeholder {site}" },
    ["a subject without its tag"] = { 'outlet "b" { nats = "a", subject = "x.{line}" }',
      "expected {tag} in it" },
    ["an outlet without a server"] = { 'outlet "b" { }',
      'expected nats = "HOST", got no server' },
    ["a name with a blank"] = { 'outlet "b c" { nats = "a" }', "expected a name of letters" },
    ["a history's name"] = { 'outlet "history" { nats = "a" }', "is the name of a history" },
    ["a password without a user"] = { 'outlet "b" { nats = "a", password = "x" }',
      "expected a user beside the password" },
    ["a password in the address"] = { 'outlet "b" { nats = "nats://u:p@a" }',
      "a user or a password stands in it" },
    ["another scheme"] = { 'outlet "b" { nats = "http://a" }', "unknown scheme 'http://'" },
    ["a wrong port"] = { 'outlet "b" { nats = "a:99999" }',
      "expected a port from 1 to 65535" },
    ["a path behind the host"] = { 'outlet "b" { nats = "a/b" }',
      'expected "HOST" or "HOST:PORT"' },
    ["no server in it"] = { 'outlet "b" { nats = " , " }', "expected 1 to 16 servers" },
    ["a subject with a wildcard"] = { 'outlet "b" { nats = "a", subject = "x.*.{tag}" }',
      "expected a NATS subject of letters" },
    ["a subject with an empty part"] = { 'outlet "b" { nats = "a", subject = "x..{tag}" }',
      "without an empty part" },
    ["a subject of the server's own"] = { 'outlet "b" { nats = "a", subject = "$JS.{tag}" }',
      "expected a NATS subject of letters" },
    ["no braces"] = { "history(5)", "expected braces with fields, got 5" },
  } do
    it("refuse " .. what, function()
      local found = table.concat(support.problems(row[1] .. line), "\n")
      assert.truthy(found:find(row[2], 1, true), found)
      assert.truthy(found:find("c.lua:1: ", 1, true), found)
    end)
  end

  local plant = [[

    line "plant" { host = "h", payload_type = "JSON",
      station "boiler" { address = "b", tags = { t = Ai "JA=t", p = Ai "JA=p" } },
      station "meter-{n}-x" { address = "m/(?<n>\\d+)", tags = { kwh = Ai "JA=k" } } }]]

  for _, row in ipairs {
    { "*" }, { "plant.*" }, { "plant.boiler.t" }, { "*.t" }, { "plant.b?iler.*" }, { "*boiler*" },
    { "plant.*.*" }, { "*.?" }, { "plant.meter-7-x.kwh" }, { "plant.meter-*" }, { "*-x.kwh" },
    { "*.kwh" }, { "plant*kwh" },
    { "plnat.*", wrong = true }, { "plant", wrong = true }, { "*.temp", wrong = true },
    { "plant.boiler.t?", wrong = true }, { "plant.meter-7-y.kwh", wrong = true },
    { "plant.meter_*.kwh", wrong = true }, { "plant.meter-x.kwh", wrong = true },
  } do
    it(("are told of a pattern that matches no tag: '%s'"):format(row[1]), function()
      local text = ('outlet "b" { nats = "a",\n  tags = { "*", "%s" } }'):format(row[1]) .. plant
      local lacking = support.lacking(text)
      if lacking then return pending(lacking) end
      local told = ([[c.lua:2: warning: outlet 'b': tags: "%s" matches no tag of this config, ]]
        .. [[so nothing goes out for it: names are LINE.STATION.TAG, such as "plant.boiler.t"]])
        :format(row[1])
      assert.same(row.wrong and { told } or {}, support.problems(text))
    end)
  end

  it("are told of a file of CAs that cannot be used", function()
    local text = 'outlet "b" { nats = "a",\n  tls_ca_file = "%s" }' .. line
    local lacking = support.lacking(text)
    if lacking then return pending(lacking) end
    for path, why in pairs {
      ["/nonexistent/ca.pem"] = "No such file or directory",
      ["/etc/passwd"] = "no certificate",
    } do
      local found = support.problems(text:format(path))
      assert.equal(1, #found)
      local place = "c.lua:2: warning: outlet 'b': tls_ca_file: " .. path .. ": "
      assert.truthy(found[1]:find(place, 1, true), found[1])
      assert.truthy(found[1]:find(why, 1, true), found[1])
      assert.truthy(found[1]:find("give the file of the CA", 1, true), found[1])
    end
  end)

  it("check the options of a tag, a station and a line", function()
    local draft = support.clean [[history { file = "a.db" } line "p" {
      host = "h", payload_type = "JSON", history = { deadband = 1 },
      station "s" { address = "a", history = false, tags = {
        x = Ai { "JA=x", history = { max_silence = "10m", keep = "5y" } } } } }]]
    assert.same({ deadband = 1 }, draft.lines[1].params.history)
    assert.is_false(draft.lines[1].stations[1].params.history)
    assert.same({ max_silence = 600, keep = 5 * 365 * 86400 },
      draft.lines[1].stations[1].tags[1].history)
    local found = table.concat(support.problems [[line "p" { host = "h",
      station "s" { address = "a", tags = { x = Ai { "JA=x", history = { dead = 1 } } } } }]], "\n")
    assert.truthy(found:find("unknown option 'dead'; expected deadband, max_silence or keep",
      1,
      true), found)
  end)

  it("say how to build a program that has what they need", function()
    local core = setmetatable({ built_with = function() return false end },
      { __index = require "tagline.core" })
    local problems =
      support.problems('history { file = "a" }\nhistory { postgres = "host=a" }\n'
      .. 'outlet "bus" { nats = "a" }' .. line, { core = core })
    assert.equal(2, #problems)
    assert.truthy(
      problems[1]:find(
        ":2: .*built without PostgreSQL: rebuild it with %-DTAGLINE_POSTGRES=ON"))
    assert.truthy(
      problems[2]:find(":3: .*built without NATS: rebuild it with %-DTAGLINE_NATS=ON"))
  end)
end)
