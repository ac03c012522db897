-- A history in PostgreSQL: values arrive with their types, each acknowledged one once, whatever
-- happens to tagline, to the server and to the session between them.
local cjson = require "cjson"
local scenario = require "spec.support.scenario"
local files, mosquitto, postgres, process, scope, tagline, wait =
  scenario "files mosquitto postgres process scope tagline wait"

local config = [[
history { postgres = "CONNECTION", password = "PASSWORD", MORE }
line "plant" {
  host = "127.0.0.1", port = PORT, client_id = "CLIENT", clean_session = false, subscribe_qos = QOS,
  topic_filter = "n/#", payload_type = "JSON", time_field_name = "t", time_mask = "UNIXMS",
  STORE
  station "s" { address = "n/up", tags = { TAGS } },
}
]]

local function write_config(p, m, folder, names)
  local all = { CONNECTION = p:conninfo(), PASSWORD = "secret", MORE = 'keep = "90d"',
    PORT = m.port, CLIENT = "pg", QOS = 1, STORE = "", TAGS = 'n = Ci { "JA=n", unit = "pcs" }' }
  for key, value in pairs(names or {}) do all[key] = value end
  return files.write(folder .. "/config.lua",
    (config:gsub("%f[%w_][A-Z][A-Z_]*%f[^%w_]", function(word) return all[word]
      and tostring(all[word]) end)))
end

local function start(p, m, folder, names)
  local t = tagline.run(write_config(p, m, folder, names))
  t:wait_log "plant: connected"
  return t
end

local outlet, wait_away = postgres.outlet, postgres.wait_away
local sums, ledger, send = postgres.sums, postgres.ledger, postgres.send
local from = postgres.from

describe("a history in PostgreSQL", function()
  after_each(scope.finish)
  teardown(postgres.forget)

  it("has values with their types, times and words", function()
    local m, p, folder = mosquitto.start(), postgres.start(), scope.folder()
    local t = start(p, m, folder, { MORE = "", TAGS = [[
      ai = Ai { "JA=ai", unit = "°C" }, ci = Ci "JA=ci", di = Di "JA=di", qi = Qi "JA=qi",
      txt = TxtI "JA=txt", nul = TxtI "JA=nul", bytes = TxtI "RE=(.)$", tia = TiA "JA=tia",
      tir = TiR "JA=tir", gone = Ai "JA=gone" ]] })
    m:wait_subscribed "pg"
    m:publish("n/up", '{"t":1785000001123,"ai":21.5,"ci":9223372036854775807,"di":true,"qi":3,\z
      "txt":"gr\u{fc}n \\"x\\"","nul":"a\\u0000b","tia":1785000000456,"tir":90.5}', { qos = 1 })
    p:wait_for("SELECT count(*) FROM tagline.value WHERE time = '2026-07-25 17:20:01.123+00'", "10")
    local rows = p:sql [[
      SELECT split_part(tag, '.', 3), value, jsonb_typeof(value), status, reason, unit
      FROM tagline.value WHERE time = '2026-07-25 17:20:01.123+00' ORDER BY tag]]
    assert.equal([[
ai|21.5|number|valid||°C
bytes|"}"|string|valid||
ci|9223372036854775807|number|valid||
di|true|boolean|valid||
gone|||invalid|missing|
nul|"YQBi"|string|valid||
qi|3|number|valid||
tia|"2026-07-25T17:20:00.456Z"|string|valid||
tir|90.5|number|valid||
txt|"grün \"x\""|string|valid||]], rows)
    assert.equal("timestamp with time zone|text|jsonb|text|text|text|timestamp with time zone",
      p:sql [[SELECT string_agg(data_type, '|' ORDER BY ordinal_position)
        FROM information_schema.columns
        WHERE table_schema = 'tagline' AND table_name = 'value']])
    assert.equal("21.5",
      p:sql "SELECT value FROM tagline.curve WHERE tag = 'plant.s.ai' AND value > 0")
    t:stop()
  end)

  it("waits for a server that is away at start, and tells why", function()
    local m, p, folder = mosquitto.start(), postgres.start(), scope.folder()
    p:stop()
    local t = start(p, m, folder)
    m:wait_subscribed "pg"
    send(m, 1, 5)
    wait.till("the values", nil, function() return #t:values() >= 5 end)
    wait_away(t, "Connection refused")
    local code, out = tagline.command { "status", "--socket", t.socket }
    assert.equal(1, code)
    assert.truthy(out:find("outlet 'postgres' (postgres) has been away", 1, true), out)
    p:restart()
    p:wait_for(sums, ledger(5))
    wait.till("the log", nil, function() return t:text("stderr"):find("there again", 1, true) end)
    assert.same({ true, 0 }, { outlet(t).up, outlet(t).behind })
    t:stop()
  end)

  for qos = 1, 2 do
    it(("loses and doubles nothing when tagline is killed, at QoS %d"):format(qos), function()
      local m, p, folder = mosquitto.start(), postgres.start(), scope.folder()
      local names = { QOS = qos, STORE = ('session_store = "%s/session",'):format(folder) }
      local t = start(p, m, folder, names)
      m:wait_subscribed "pg"
      for round = 0, 3 do
        send(m, round * 30 + 1, round * 30 + 30, { qos = qos })
        wait.till("some values", nil, function() return #t:values() >= 10 end)
        if round % 2 == 1 then -- with the rows stored, and the place in the spool not yet
          p:wait_for("SELECT count(*) > 0 FROM tagline.value", "t")
        end
        t:kill "sigkill"
        t:wait_exit()
        t = start(p, m, folder, names)
      end
      send(m, 121, 121, { qos = qos })
      p:wait_for(sums, ledger(121))
      t:stop()
      p:wait_for(sums, ledger(121))
    end)
  end

  it("loses and doubles nothing whatever happens to the server", function()
    local m, p, folder = mosquitto.start(), postgres.start(), scope.folder()
    local t = start(p, m, folder)
    m:wait_subscribed "pg"
    local n = 0
    local function more()
      send(m, n + 1, n + 10)
      n = n + 10
    end
    more()
    p:wait_for(sums, ledger(n))
    p:crash()
    more()
    wait.poll("the break", nil, function() return not outlet(t).up end)
    p:restart()
    more()
    p:wait_for(sums, ledger(n))
    p:sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tagline'"
    more()
    wait_away(t, "terminating connection due to administrator command")
    p:wait_for(sums, ledger(n))
    p:freeze()
    more()
    wait.poll("values that wait", nil, function() return outlet(t).behind >= 10 end)
    p:resume()
    p:wait_for(sums, ledger(n))
    local session = p:session()
    session:write "BEGIN; LOCK TABLE tagline.sample; SELECT 'locked';\n"
    session:wait_line "locked"
    more()
    wait.poll("values that wait", nil, function() return outlet(t).behind >= 10 end)
    session:write "COMMIT;\n"
    p:wait_for(sums, ledger(n))
    p:sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tagline'"
    p:stop()
    more()
    p:restart()
    p:wait_for(sums, ledger(n))
    t:stop()
    assert.equal(tostring(n), p:sql "SELECT max(next) - 1 FROM tagline.progress")
  end)

  it("tells a server's last words also when they answer a statement, such as that of keep",
    function()
    local m, p, folder = mosquitto.start(), postgres.start(), scope.folder()
    local t = start(p, m, folder)
    m:wait_subscribed "pg"
    send(m, 1, 1)
    p:wait_for(sums, ledger(1))
    t:stop()
    p:sql "CREATE OR REPLACE FUNCTION tagline.trim_all (who text, keep_ms bigint) RETURNS bigint \z
      LANGUAGE sql AS 'SELECT 0::bigint FROM pg_sleep(600)'"
    t = start(p, m, folder)
    p:wait_for("SELECT count(*) FROM pg_stat_activity WHERE usename = 'tagline' \z
      AND state = 'active' AND query LIKE '%trim_all%'", "1")
    p:sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tagline'"
    wait_away(t, "terminating connection due to administrator command")
    t:stop()
  end)

  it("tells a wrong password, a changed one, a missing permission, and never the password",
    function()
    local m, p, folder = mosquitto.start(), postgres.start(), scope.folder()
    local t = start(p, m, folder, { PASSWORD = "hunter2" })
    m:wait_subscribed "pg"
    send(m, 1, 3)
    wait_away(t, 'password authentication failed for user "tagline": correct `password`')
    files.change(t.config_path, "hunter2", "secret")
    local _, said = t:eval "return reload()"
    assert.truthy(said:find("outlet 'postgres' changed", 1, true), said)
    p:wait_for(sums, ledger(3))
    p:sql "ALTER ROLE tagline PASSWORD 'another'"
    send(m, 4, 6)
    p:wait_for(sums, ledger(6)) -- the session goes on
    p:sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tagline'"
    wait_away(t, "password authentication failed")
    send(m, 7, 9)
    p:sql "ALTER ROLE tagline PASSWORD 'secret'"
    p:wait_for(sums, ledger(9))
    files.change(t.config_path, "dbname=plant", "dbname=postgres")
    t:eval "return reload()"
    wait_away(t, "permission denied for database postgres: grant it")
    files.change(t.config_path, "dbname=postgres", "dbname=nix")
    t:eval "return reload()"
    wait_away(t, 'database "nix" does not exist: make it')
    files.change(t.config_path, "dbname=nix", "dbname=plant")
    p:sql("ALTER DATABASE plant SET default_transaction_read_only = on", "postgres")
    t:eval "return reload()"
    wait_away(t, "session is read-only: name the primary")
    local all = t:text "stderr" .. select(2, t:eval "return status()")
    for _, word in ipairs { "hunter2", "secret" } do assert.is_nil(all:find(word, 1, true)) end
    t:stop()
  end)

  it("puts aside what the server refuses, with the reason, and stores the rest", function()
    local m, p, folder = mosquitto.start(), postgres.start(), scope.folder()
    p:sql("CREATE DATABASE latin OWNER tagline ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0",
      "postgres")
    local t = start(p, m, folder, { CONNECTION = p:conninfo():gsub("plant", "latin"),
      TAGS = 'n = Ci { "JA=n", unit = "℃" }, x = TxtI "JA=x"' })
    m:wait_subscribed "pg"
    send(m, 1, 1)
    wait.poll("the table", nil, function()
      return pcall(p.sql, p, "ALTER TABLE tagline.sample ADD CHECK (whole <> 13)", "latin")
    end)
    send(m, 2, 20)
    m:publish("n/up", ('{"t":%d,"n":21,"x":"snow ☃"}'):format(from + 21), { qos = 1 })
    m:publish("n/up", ('{"t":%d,"n":22,"x":"gr\u{fc}n"}'):format(from + 22), { qos = 1 })
    m:publish("n/up", ('{"t":%d,"n":23,"x":"a\\u0000b"}'):format(from + 23), { qos = 1 })
    wait.poll("two that are refused, and all else", nil, function()
      local o = outlet(t)
      return o.rejected >= 2 and o.behind == 0
    end)
    assert.equal("22|263", p:sql("SELECT count(*), sum(value::int) FROM tagline.value \z
      WHERE tag = 'plant.s.n'", "latin"))
    assert.equal("1", p:sql([[SELECT count(*) FROM tagline.value WHERE value = '"gr\u00fcn"']],
      "latin"))
    assert.equal("YQBi", p:sql([[SELECT value #>> '{}' FROM tagline.value
      WHERE tag = 'plant.s.x' ORDER BY time DESC LIMIT 1]], "latin")) -- a NUL: no text has one
    local aside = files.read(folder .. "/config.spool/postgres.rejected")
    local first = cjson.decode(aside:match "[^\n]+")
    assert.same({ "plant.s.n", 13 }, { first.tag, first.value })
    assert.truthy(first.why:find("violates check constraint", 1, true), first.why)
    assert.truthy(aside:find('"value":"snow ☃"', 1, true), aside)
    assert.truthy(aside:find("SQLSTATE 22P05", 1, true), aside)
    t:stop()
  end)

  it("waits for room where the server's disk is full", function()
    local m, p, folder = mosquitto.start(), postgres.start(), scope.folder()
    local t = start(p, m, folder)
    m:wait_subscribed "pg"
    send(m, 1, 5)
    p:wait_for(sums, ledger(5))
    p:sql [[CREATE FUNCTION tagline.refuse() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END $$]]
    p:sql [[CREATE TRIGGER refuse BEFORE INSERT ON tagline.sample FOR EACH ROW
      EXECUTE FUNCTION tagline.refuse()]]
    send(m, 6, 10)
    wait_away(t, "could not extend file: the server's disk is full")
    p:sql "DROP TRIGGER refuse ON tagline.sample"
    p:wait_for(sums, ledger(10))
    assert.equal(0, outlet(t).rejected)
    t:stop()
  end)

  it("leaves a schema of a newer version, and tables of others, as they are", function()
    local m, p, folder = mosquitto.start(), postgres.start(), scope.folder()
    p:sql("CREATE SCHEMA others AUTHORIZATION tagline CREATE TABLE tag (x integer)")
    local t = start(p, m, folder)
    m:wait_subscribed "pg"
    send(m, 1, 2)
    p:wait_for(sums, ledger(2))
    t:stop()
    p:sql "UPDATE tagline.version SET version = 7"
    t = start(p, m, folder)
    wait_away(t, "schema 'tagline' is of version 7, this program knows version 1: run a newer \z
      tagline")
    send(m, 3, 4)
    p:sql "UPDATE tagline.version SET version = 1"
    p:wait_for(sums, ledger(4))
    files.change(t.config_path, 'keep = "90d"', 'schema = "others"')
    t:eval "return reload()"
    wait_away(t, 'relation "tag" already exists: the schema has tables of others')
    t:stop()
    assert.equal("x", p:sql [[SELECT string_agg(column_name, ' ') FROM information_schema.columns
      WHERE table_schema = 'others']])
  end)

  it("lets go what is older than `keep`, the newest older value of each tag apart", function()
    local m, p, folder = mosquitto.start(), postgres.start(), scope.folder()
    local names = { MORE = "", TAGS = [[n = Ci "JA=n",
      long = Ci { "JA=l", history = { keep = "2y" } }, once = Ci "JA=once"]] }
    local t = start(p, m, folder, names)
    m:wait_subscribed "pg"
    local day, now = 86400 * 1000, os.time() * 1000
    for back = 100, 0, -10 do
      m:publish("n/up", ('{"t":%d,"n":%d,"l":%d%s}'):format(now - back * day, back, back,
        back >= 90 and ',"once":' .. back or ""), { qos = 1 })
    end
    p:wait_for("SELECT count(*) FROM tagline.value WHERE tag LIKE '%n'", "11")
    t:stop()
    names.MORE = 'keep = "45d"'
    t = start(p, m, folder, names)
    t:wait_log "values older than `keep` are gone"
    local function rows(tag)
      return p:sql("SELECT string_agg(coalesce(value::text, reason), ' ' ORDER BY time) FROM \z
        tagline.value WHERE tag = 'plant.s." .. tag .. "'")
    end
    assert.equal("50 40 30 20 10 0", rows "n")
    assert.equal("100 90 80 70 60 50 40 30 20 10 0", rows "long")
    assert.equal("missing", rows "once")
    -- late, and too old
    m:publish("n/up", ('{"t":%d,"n":7,"l":7}'):format(now - 60 * day), { qos = 1 })
    t:wait_log "values older than `keep` came"
    p:wait_for("SELECT count(*) FROM tagline.value WHERE value = '7'", "1")
    assert.equal("50 40 30 20 10 0", rows "n")
    t:stop()
  end)

  it("is shared by two processes, beside an embedded one", function()
    local m, p = mosquitto.start(), postgres.start()
    local both = {}
    for i, name in ipairs { "a", "b" } do
      local folder = scope.folder()
      local path = write_config(p, m, folder, { CLIENT = name })
      files.change(path, 'line "plant"', ('history { file = "plant.db" }\nline "%s"'):format(name))
      both[i] = tagline.run(path)
      both[i].file = folder .. "/plant.db"
    end
    wait.till("two subscriptions", nil, function()
      local log = m.process:text "stderr"
      return log:find("SUBACK to a", 1, true) and log:find("SUBACK to b", 1, true)
    end)
    send(m, 1, 30)
    for i, name in ipairs { "a", "b" } do
      p:wait_for(sums:gsub("plant", name), ledger(30))
      both[i]:stop()
      local _, out = process.run("sqlite3", { "-readonly", both[i].file,
        "SELECT count(*), sum(value), count(DISTINCT value) FROM value WHERE tag LIKE '%n'" })
      assert.equal(ledger(30), out)
    end
    assert.equal("2", p:sql "SELECT count(*) FROM tagline.progress")
  end)

  it("is one for the two processes of the example", function()
    local m, p = mosquitto.start(), postgres.start()
    local halls = {}
    for i = 1, 2 do
      local folder = scope.folder()
      for _, name in ipairs { "plant", "hall_" .. i } do
        files.write(("%s/%s.lua"):format(folder, name),
          files.read(("examples/shared/%s.lua"):format(name)))
      end
      halls[i] = tagline.run(("%s/hall_%d.lua"):format(folder, i), nil, { env = {
        TAGLINE_HOST = "127.0.0.1", TAGLINE_PORT = tostring(m.port),
        TAGLINE_POSTGRES = p:conninfo(), TAGLINE_POSTGRES_PASSWORD = "secret" } })
    end
    wait.till("two subscriptions", nil, function()
      local log = m.process:text "stderr"
      return log:find("SUBACK to tagline-hall-1", 1, true)
        and log:find("SUBACK to tagline-hall-2", 1, true)
    end)
    for i = 1, 2 do
      for pump = 1, 3 do
        m:publish(("plant/hall-%d/pump-%d/up"):format(i, pump),
          ('{"ts":%d,"flow":%d.5,"on":true}'):format(from, i * 10 + pump), { qos = 1 })
      end
    end
    p:wait_for("SELECT string_agg(value::text, ' ' ORDER BY tag) FROM tagline.value \z
      WHERE tag LIKE '%.flow'", "11.5 12.5 13.5 21.5 22.5 23.5")
    assert.equal("plant.hall-1-pump-1.flow", p:sql "SELECT min(tag) FROM tagline.curve")
    for _, t in ipairs(halls) do t:stop() end
  end)

  it("goes on in one plain table, as the documents have it for TimescaleDB", function()
    local m, p, folder = mosquitto.start(), postgres.start(), scope.folder()
    local t = start(p, m, folder)
    m:wait_subscribed "pg"
    send(m, 1, 5)
    p:wait_for(sums, ledger(5))
    t:stop()
    local page = files.read "lua/doc/postgres.md"
    local needs = page:match "## What it needs.-```sql[^\n]*\n(.-)```"
    for statement in needs:gsub("tagline", "another"):gsub("plant", "other"):gmatch "[^;]+;" do
      p:sql(statement, "postgres")
    end
    p:sql "CREATE ROLE grafana"
    local queries = page:match "## What is in the database.-\n## "
    for block in queries:gsub("%$__timeFilter%(time%)", "time > now() - interval '9 days'")
      :gsub("plant%.boiler%.temperature", "plant.s.n"):gmatch "```sql[^\n]*\n(.-)```" do
      local rows = p:sql(block) .. "\n"
      assert.truthy(rows:find "|5[|\n]", block .. rows)
    end
    local steps = page:match "## TimescaleDB.-```sql[^\n]*\n(.-)```"
    p:sql("SET ROLE tagline;\n" .. steps:gsub("SELECT public[^\n]*\n", ""))
    t = start(p, m, folder)
    send(m, 4, 9)
    p:wait_for(sums, ledger(9))
    t:stop()
  end)

  it("ends at once at a second signal, and without a wait where the server is away", function()
    local m, p, folder = mosquitto.start(), postgres.start(), scope.folder()
    local t = start(p, m, folder)
    m:wait_subscribed "pg"
    send(m, 1, 1)
    p:wait_for(sums, ledger(1))
    p:freeze()
    send(m, 2, 3)
    wait.till("the values", nil, function() return t:text():find('"value":3,', 1, true) end)
    t:kill "sigterm"
    t:wait_log "plant: disconnected"
    t:kill "sigterm"
    assert.equal(0, (t:wait_exit()))
    p:resume()
    p:stop()
    t = start(p, m, folder)
    wait_away(t, "Connection refused")
    t:stop()
    p:restart()
    t = start(p, m, folder)
    p:wait_for(sums, ledger(3))
    t:stop()
  end)
end)
