-- Servers of PostgreSQL that are not as they should be: certificates that do not fit, standbys, a
-- full tablespace, a silent one. What is wrong is told, and values go on where they were.
local scenario = require "spec.support.scenario"
local files, mosquitto, pki, postgres, process, scope, tagline =
  scenario "files mosquitto pki postgres process scope tagline"

local config = [[
history { postgres = "%s", password = "secret" }
line "plant" {
  host = "127.0.0.1", port = %d, client_id = "pg", clean_session = false, subscribe_qos = 1,
  topic_filter = "n/#", payload_type = "JSON", time_field_name = "t", time_mask = "UNIXMS",
  station "s" {
    address = "n/up", tags = { n = Ci "JA=n", x = TxtI { "JA=x", on_missing = "keep" } },
  },
}
]]

local function start(connection, m, folder)
  local t = tagline.run(files.write(folder .. "/config.lua", config:format(connection, m.port)))
  t:wait_log "plant: connected"
  return t
end

local outlet, wait_away = postgres.outlet, postgres.wait_away
local sums, ledger, send = postgres.sums, postgres.ledger, postgres.send

describe("a server of PostgreSQL", function()
  after_each(scope.finish)
  teardown(postgres.forget)

  it("is spoken to in TLS, when its certificate is of that CA and for that name", function()
    local m, p, folder, ca = mosquitto.start(), postgres.start(), scope.folder(), pki.new()
    local cert, key = ca:sign("db", "DNS:db.plant")
    local connection = "host=%s hostaddr=127.0.0.1 port=%d dbname=plant user=tagline \z
      sslmode=verify-full sslrootcert=%s"
    local t = start(connection:format("db.plant", p.port, ca.file), m, folder)
    m:wait_subscribed "pg"
    send(m, 1, 3)
    wait_away(t, "server does not support SSL, but SSL was required: set ssl = on at the server")
    p:stop()
    for name, path in pairs { ["server.crt"] = cert, ["server.key"] = key } do
      files.write(p.folder .. "/data/" .. name, files.read(path))
    end
    local data = p.folder .. "/data"
    process.run("/bin/chown", { "--reference=" .. data .. "/PG_VERSION", data .. "/server.key" })
    process.run("/bin/chmod", { "600", data .. "/server.key" })
    files.write(data .. "/postgresql.conf",
      files.read(data .. "/postgresql.conf") .. "\nssl = on\n")
    p:restart()
    p:wait_for(sums, ledger(3))
    assert.equal("t", p:sql "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity \z
      USING (pid) WHERE usename = 'tagline'")
    t:stop()
    t = start(connection:format("db.plant", p.port, pki.new().file), m, folder)
    send(m, 4, 5)
    wait_away(t, "certificate verify failed: give the CA that signed the server's certificate \z
      as sslrootcert")
    t:stop()
    t = start(connection:format("db.other", p.port, ca.file), m, folder)
    wait_away(t, 'does not match host name "db.other": give `host` a name of the certificate')
    t:stop()
    t = start(connection:format("db.plant", p.port, folder .. "/none"), m, folder)
    wait_away(t, "root certificate file")
    t:stop()
    t = start(connection:format("db.plant", p.port, ca.file), m, folder)
    p:wait_for(sums, ledger(5))
    t:stop()
  end)

  it("that is a standby is passed over, told where it is alone, and taken once it is promoted",
    function()
    local m, p, folder = mosquitto.start(), postgres.start "", scope.folder()
    local s = p:start_standby()
    local both = ("host=127.0.0.1,127.0.0.1 port=%d,%d dbname=plant user=tagline")
      :format(s.port, p.port)
    local t = start(both, m, folder)
    m:wait_subscribed "pg"
    send(m, 1, 5)
    p:wait_for(sums, ledger(5))
    s:wait_for(sums, ledger(5)) -- it came from the primary
    p:stop()
    send(m, 6, 10)
    wait_away(t, "session is read-only: name the primary in `host`")
    s:promote()
    s:wait_for(sums, ledger(10))
    t:stop()
  end)

  local it_mounts = postgres.can_mount() and it or pending
  it_mounts("with a full tablespace stores the rest when there is room", function()
    local m, p, folder = mosquitto.start(), postgres.start("", 6000000), scope.folder()
    p:inside("mkdir", "-m", "777", p.folder .. "/small/data")
    p:inside("chown", "--reference=" .. p.folder .. "/data/PG_VERSION", p.folder .. "/small/data")
    p:inside("chmod", "700", p.folder .. "/small/data")
    p:sql(("CREATE TABLESPACE small LOCATION '%s/small/data'"):format(p.folder), "postgres")
    p:sql("GRANT CREATE ON TABLESPACE small TO tagline", "postgres")
    p:sql("ALTER ROLE tagline SET default_tablespace = small", "postgres")
    local t = start(p:conninfo(), m, folder)
    m:wait_subscribed "pg"
    send(m, 1, 5)
    p:wait_for(sums, ledger(5))
    -- all the room there is
    p:inside("dd", "if=/dev/zero", "of=" .. p.folder .. "/small/filler", "bs=4k")
    send(m, 6, 400, { bytes = 1000 })
    wait_away(t, "No space left on device: the server's disk is full")
    assert.equal(0, (p:inside("rm", p.folder .. "/small/filler")))
    p:wait_for(sums, ledger(400))
    assert.equal(0, outlet(t).rejected)
    t:stop()
  end)
end)
