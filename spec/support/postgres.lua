-- A real PostgreSQL on a free loopback port and a Unix socket, with a folder of its own. It is
-- Debian's, and runs as an unprivileged user, since it refuses to be root.
--
--   teardown(postgres.forget)                  -- of the file: what initdb made is made once
--   local p = postgres.start()
--   p:config("t", 'history { postgres = "host=127.0.0.1 port=' .. p.port .. ' dbname=plant …" }')
--   p:sql "SELECT count(*) FROM tagline.value"
--   p:crash(); p:restart()
--
-- The database `plant` belongs to the user `tagline` with the password `secret`.
local cjson = require "cjson"
local uv = require "luv"
local files = require "spec.support.files"
local mosquitto = require "spec.support.mosquitto"
local process = require "spec.support.process"
local scope = require "spec.support.scope"
local wait = require "spec.support.wait"

local postgres = {}
postgres.__index = postgres

local template -- a folder with a fresh cluster

local function programs()
  local best
  local folder = uv.fs_scandir("/usr/lib/postgresql")
  while folder do
    local name = uv.fs_scandir_next(folder)
    if not name then break end
    if not best or tonumber(name) > tonumber(best) then best = name end
  end
  if not best then error("PostgreSQL is not installed; scripts/setup installs it", 3) end
  return ("/usr/lib/postgresql/%s/bin/"):format(best)
end

-- Words that run a program as somebody who is not root.
local function as_nobody(path, arguments)
  if uv.getuid() ~= 0 then return path, arguments end
  local code = process.run("/usr/bin/id", { "postgres" })
  local user = code == 0 and "postgres" or "nobody"
  local group = code == 0 and "postgres" or "nogroup"
  return process.find "setpriv", { "--reuid=" .. user, "--regid=" .. group, "--clear-groups",
    "--pdeathsig=KILL", "--", path, table.unpack(arguments) }
end

local function run_as_nobody(path, arguments)
  local word, words = as_nobody(path, arguments)
  local code, _, err = process.run(word, words, { cwd = "/" })
  if code ~= 0 then error(("%s: %s"):format(path, err), 3) end
end

-- A folder that an unprivileged user may use, too.
local function open_folder(path)
  assert(uv.fs_chmod(path, 511))
  return path
end

local function make_template()
  local folder = open_folder(assert(uv.fs_mkdtemp((os.getenv "TMPDIR" or "/tmp")
    .. "/tagline-postgres.XXXXXX")))
  run_as_nobody(programs() .. "initdb", { "-D", folder .. "/data", "-U", "postgres", "-N",
    "--locale=C", "-E", "UTF8" })
  return folder
end

-- At the end of a spec file.
function postgres.forget()
  if template then process.run("/bin/rm", { "-rf", template }) end
  template = nil
  scope.finish()
end

local settings = [[
listen_addresses = '127.0.0.1'
port = %d
unix_socket_directories = '%s'
fsync = off
full_page_writes = off
shared_buffers = 16MB
max_connections = 20
autovacuum = off
%s
]]
local access = [[
local all all trust
local replication all trust
host all tagline 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 reject
]]

-- With `p.small` it has a file system of its own, of so many bytes, at p.folder/small.
local function launch(p)
  local path, words = as_nobody(programs() .. "postgres", { "-D", p.folder .. "/data" })
  if p.small then
    local mount = 'mount -t tmpfs -o mode=777,size=$0 tmpfs "$1" && shift && exec "$@"'
    words = { "-m", "sh", "-c", mount, tostring(p.small), p.folder .. "/small", path,
      table.unpack(words) }
    path = process.find "unshare"
  end
  p.process = process.start(path, words, { cwd = "/" })
  p.process:wait_log(p.standby and "database system is ready to accept read%-only connections"
    or "database system is ready to accept connections")
end

-- Whether a server may have a file system of its own.
function postgres.can_mount()
  return (process.run("unshare", { "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt" })) == 0
end

-- Start a server; `options`: further lines of its configuration, `small`: bytes of a file system
-- of its own.
function postgres.start(options, small)
  template = template or make_template()
  local p = setmetatable({ folder = open_folder(scope.folder()), port = mosquitto.free_port(),
    small = small }, postgres)
  if small then
    open_folder(assert(uv.fs_mkdir(p.folder .. "/small", 511)) and p.folder .. "/small")
  end
  run_as_nobody("/bin/cp", { "-a", template .. "/data", p.folder .. "/data" })
  files.write(p.folder .. "/data/postgresql.conf", settings:format(p.port, p.folder, options or ""))
  files.write(p.folder .. "/data/pg_hba.conf", access)
  launch(p)
  p:sql("CREATE ROLE tagline LOGIN PASSWORD 'secret'", "postgres")
  p:sql("CREATE DATABASE plant OWNER tagline", "postgres")
  return p
end

-- A hot standby of this one, which takes what it gets from it, on a port of its own.
function postgres:start_standby()
  local s = setmetatable({ folder = open_folder(scope.folder()), port = mosquitto.free_port(),
    standby = true }, postgres)
  run_as_nobody(programs() .. "pg_basebackup", { "-D", s.folder .. "/data", "-h", self.folder,
    "-p", tostring(self.port), "-U", "postgres", "-R", "-X", "stream", "-c", "fast" })
  files.write(s.folder .. "/data/postgresql.conf",
    settings:format(s.port, s.folder, "hot_standby = on"))
  launch(s)
  return s
end

-- It becomes a primary.
function postgres:promote()
  self:sql("SELECT pg_promote()", "postgres")
  self.standby = nil
end

-- Run a program inside of its mounts.
function postgres:inside(...)
  return process.run(process.find "nsenter", { "-t", tostring(self.process.pid), "-m", ... })
end

-- The connection string of the user `tagline`; `more` replaces or adds words.
function postgres:conninfo(more)
  return ("host=127.0.0.1 port=%d dbname=plant user=tagline %s"):format(self.port, more or "")
end

-- What psql prints: columns with "|" between, a row a line. Raises when the server says no.
function postgres:sql(query, database)
  local code, out, err = process.run(programs() .. "psql", { "-h", self.folder, "-p",
    tostring(self.port), "-U", "postgres", "-d", database or "plant", "-XAtq", "-v",
    "ON_ERROR_STOP=1", "-c", query })
  if code ~= 0 then error(("%s: %s"):format(query, err), 2) end
  return out
end

-- A session that stays open: statements go through :write(); ends with the spec.
function postgres:session()
  local s = process.start(programs() .. "psql", { "-h", self.folder, "-p", tostring(self.port),
    "-U", "postgres", "-d", "plant", "-XAtq" })
  return s
end

-- End without a word to clients and without a checkpoint (immediate shutdown).
function postgres:crash()
  self.process:kill "sigquit"
  self.process:wait_exit()
end

-- End in order; sessions are cut.
function postgres:stop()
  self.process:kill "sigint"
  self.process:wait_exit()
end

-- Start again on the same port.
function postgres:restart() launch(self) end

local function signal_all(p, signal)
  for child in files.read(("/proc/%d/task/%d/children"):format(p.process.pid, p.process.pid))
    :gmatch "%d+" do
    uv.kill(tonumber(child), signal)
  end
  p.process:kill(signal)
end

-- Stop scheduling all of it, as a machine that vanished; resume() undoes it.
function postgres:freeze() signal_all(self, "sigstop") end
function postgres:resume() signal_all(self, "sigcont") end

-- A look that starts a program, which would take the processor from those that are looked at: at
-- most each 100 ms.
function postgres.seldom(look)
  local due = 0
  return function()
    if uv.now() < due then return false end
    local seen = look()
    due = uv.now() + 100
    return seen
  end
end

-- Wait until the query says this.
function postgres:wait_for(query, expected)
  local last
  wait.poll(query .. " = " .. expected, nil, postgres.seldom(function()
    local ok, out = pcall(self.sql, self, query)
    last = out
    return ok and out == expected
  end), function() return "it is " .. tostring(last) end)
end

-- What status() of the program says of its only outlet.
function postgres.outlet(t)
  local code, out, err = t:eval [[local o = status().outlets[1]
    return json.encode { up = o.up, why = o.why, behind = o.behind, stored = o.stored,
      rejected = o.rejected, last = o.last_rejected, dropped = o.dropped }]]
  assert(code == 0, err)
  return cjson.decode(out)
end

-- Wait until its outlet is away for this reason. By the log: it may be there again a second later.
function postgres.wait_away(t, text)
  wait.poll("away: " .. text, nil, function()
    local lines = t:lines "stderr"
    for i = (t.away_at or 0) + 1, #lines do
      if lines[i]:find(text, 1, true) and lines[i]:find("; values wait in the spool", 1, true) then
        t.away_at = i
        return true
      end
    end
  end, function() return "it is " .. cjson.encode(postgres.outlet(t)) end)
end

-- Send the numbers first to last as plant.s.n, a message and a time for each. `options`: qos (1),
-- bytes: so much text with each.
local from = os.time() * 1000
postgres.from = from -- ms: the time of number 0
function postgres.send(m, first, last, options)
  local bytes, lines = options and options.bytes, {}
  for n = first, last do
    lines[#lines + 1] = ('{"t":%d,"n":%d%s}\n'):format(from + n, n,
      bytes and (',"x":"%d%s"'):format(n, ("x"):rep(bytes)) or "")
  end
  local code, _, err = process.run(process.find "mosquitto_pub", { "-h", "127.0.0.1", "-p",
    tostring(m.port), "-t", "n/up", "-q", tostring(options and options.qos or 1), "-l" },
    { input = table.concat(lines) })
  assert(code == 0, err)
end

-- Numbers that a spec has sent as plant.s.n: the query, and what it says of 1 to last, each once.
postgres.sums = "SELECT count(*), sum(value::bigint), count(DISTINCT value) FROM tagline.value \z
  WHERE tag = 'plant.s.n'"
function postgres.ledger(last) return ("%d|%d|%d"):format(last, last * (last + 1) // 2, last) end

return postgres
