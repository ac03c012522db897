-- A history on disks that are full, read-only or damaged, with clocks that step, and over
-- kills at random moments. scripts/torture runs more of the kills.
local scenario = require "spec.support.scenario"
local files, mosquitto, process, scope, stored, tagline, wait =
  scenario "files mosquitto process scope stored tagline wait"

local KILLS = tonumber(os.getenv "TAGLINE_KILLS") or 8

local config = [[
history { file = "plant.db", keep = "90d" }
spool { max = "1MB", when_full = "hold" }
line "plant" {
  host = "127.0.0.1", port = PORT, client_id = "history", clean_session = false,
  subscribe_qos = QOS, STORE topic_filter = "n/#",
  payload_type = "JSON", time_field_name = "t", time_mask = "UNIXMS",
  reconnect_delay = 0.05, reconnect_delay_max = 0.2,
  station "s" {
    address = "n/up", tags = { n = Ci "JA=n", x = TxtI { "JA=x", on_missing = "keep" } },
  },
}
]]

local function write_config(folder, names)
  names.QOS, names.STORE = names.QOS or 1, names.STORE or ""
  return files.write(folder .. "/config.lua", (config:gsub("%f[%w_][A-Z]+%f[^%w_]",
    function(word) return names[word] and tostring(names[word]) end)))
end

-- `inside`: a process in whose file systems the folder is.
local function sql(folder, query, inside)
  local words = { "-t", inside and tostring(inside) or "self", "-m", "sqlite3", "-readonly",
    folder .. "/plant.db", query }
  if not inside then words = table.move(words, 5, 7, 1, {}) end
  local code, out, err = process.run(process.find(inside and "nsenter" or "sqlite3"), words)
  return code == 0 and out or nil, err
end

local function until_there(folder, wanted, inside)
  local query =
    "SELECT count(*) || ' ' || sum(value) || ' ' || count(DISTINCT value) FROM value WHERE \z
      tag='plant.s.n'"
  wait.poll(wanted .. " in the history", 120000, function() return sql(folder, query, inside)
    == wanted end,
    function() return tostring(sql(folder, query, inside)) end)
end

local function send(m, from, to, options)
  local lines = {}
  for n = from, to do
    lines[#lines + 1] = ('{"t":%d,"n":%d%s}'):format((options.base or 0)
      + n * (options.step or 1), n,
      options.text and (',"x":"%d%s"'):format(n, options.text) or "")
  end
  local code, _, why = process.run(process.find "mosquitto_pub",
    { "-h", "127.0.0.1", "-p", tostring(m.port),
    "-t", "n/up", "-q", tostring(options.qos or 1), "-l" },
      { input = table.concat(lines, "\n") .. "\n",
    milliseconds = 60000 })
  assert.equal(0, code, why)
end

-- May this user mount a file system of its own?
local can_mount = process.run("unshare", { "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt" })
  == 0

describe("a history", function()
  after_each(scope.finish)

  local it_mounts = can_mount and it or pending
  it_mounts(
    "on a full disk loses nothing that was acknowledged, and goes on when there is room",
      function()
    local m, place, ready = mosquitto.start(), scope.folder(), scope.folder()
    local path = write_config(ready, { PORT = m.port })
    local t = process.start(process.find "unshare", { "-m", "sh", "-c",
      ('mount -t tmpfs -o size=3m tmpfs %s && cp %s %s/ && exec %s run %s/config.lua \z
        --socket %s/socket'):format(place, path,
        place, tagline.program(), place, ready) })
    m:wait_subscribed "history"
    local inside = t.handle:get_pid()
    local function run(...)
      return process.run(process.find "nsenter", { "-t", tostring(inside), "-m", ... })
    end
    local base = os.time() * 1000 - 100000
    send(m, 1, 20, { base = base })
    until_there(place, "20 210 20", inside)
    run("dd", "if=/dev/zero", "of=" .. place .. "/filler", "bs=4k") -- all the room there is
    send(m, 21, 60, { base = base, text = ("y"):rep(2000) })
    t:wait_log "No space left"
    local _, status = process.run(tagline.program(), { "status", "--socket", ready .. "/socket" })
    assert.truthy(status:find("the spool cannot be written: No space left", 1, true), status)
    assert.is_nil(status:find("values stream", 1, true)) -- that is not what holds the line
    assert.equal(0, (run("rm", place .. "/filler")))
    until_there(place, "60 1830 60", inside)
    t:kill "sigterm"
    assert.equal(0, (t:wait_exit()))
  end)

  it_mounts("on a read-only file system waits in the spool, until it may be written", function()
    local m, place, folder = mosquitto.start(), scope.folder(), scope.folder()
    local path = write_config(folder, { PORT = m.port })
    files.change(path, 'file = "plant.db"', ('file = "%s/plant.db"'):format(place))
    local t = process.start(process.find "unshare", { "-m", "sh", "-c",
      ("mount -t tmpfs -o size=3m,ro tmpfs %s && exec %s run %s --socket %s/socket"):format(place,
        tagline.program(), path, folder) })
    t:wait_log "history: '.*plant.db.*': .*; values wait in the spool"
    m:wait_subscribed "history"
    send(m, 1, 5, { base = os.time() * 1000 })
    local inside = tostring(t.handle:get_pid())
    assert.equal(0, (process.run(process.find "nsenter", { "-t", inside, "-m", "mount", "-o",
      "remount,rw", place })))
    until_there(place, "5 15 5", inside)
    t:kill "sigterm"
    assert.equal(0, (t:wait_exit()))
  end)

  it("whose spool is damaged says how much is cut off, and goes on", function()
    local m, folder = mosquitto.start(), scope.folder()
    local path = write_config(folder, { PORT = m.port })
    files.write(folder .. "/plant.db",
      "somebody's data, which is no history: values wait in the spool")
    local t = tagline.run(path)
    m:wait_subscribed "history"
    local base = os.time() * 1000
    for n = 1, 10 do send(m, n, n, { base = base }) end
    wait.till("ten values", nil, function() return #t:values() >= 10 end)
    t:kill "sigkill"
    t:wait_exit()
    local segment = folder .. "/config.spool/0000000000000001.spool"
    local bytes = files.read(segment)
    files.write(segment, bytes:sub(1, -10) .. ("?"):rep(9))
    os.remove(folder .. "/plant.db")
    t = tagline.run(path)
    t:wait_log "spool: %d+ bytes at the end of '.*config.spool' were damaged or not \z
      written whole: they are cut off"
    m:wait_subscribed "history"
    send(m, 11, 12, { base = base })
    until_there(folder, "11 68 11") -- all but the tenth
    t:stop()
  end)

  it("takes times that step back, two values of a millisecond, and those of forty days ago",
    function()
    local m, folder = mosquitto.start(), scope.folder()
    local t = tagline.run(write_config(folder, { PORT = m.port }))
    m:wait_subscribed "history"
    local now = os.time() * 1000
    send(m, 1, 5, { base = now })
    send(m, 6, 10, { base = now - 3600000 })
    send(m, 11, 15, { base = now - 40 * 86400000, step = 0 }) -- all in one millisecond
    send(m, 16, 20, { base = now + 1000 })
    until_there(folder, "20 210 20")
    assert.equal("11 12 13 14 15", sql(folder, "SELECT group_concat(value, ' ') FROM \z
      (SELECT value FROM value WHERE tag='plant.s.n' AND time < unixepoch() - 39 * 86400)"))
    t:stop()
    until_there(folder, "20 210 20")
    assert.equal(0, (tagline.command { "history", folder .. "/plant.db", "--check" }))
  end)

  it("that nobody may write waits in the spool, until it may be written", function()
    local m, folder = mosquitto.start(), scope.folder()
    local path = write_config(folder, { PORT = m.port })
    assert(os.execute(("mkdir %s/plant.db"):format(folder)))
    local t = tagline.run(path)
    t:wait_log "history: '.*plant.db' is no regular file; values wait in the spool"
    m:wait_subscribed "history"
    send(m, 1, 5, { base = os.time() * 1000 })
    wait.till("five values", nil, function() return #t:values() >= 5 end)
    local code, _, err = tagline.command { "status", "--socket", t.socket }
    assert.equal(1, code, err)
    assert(os.execute(("rmdir %s/plant.db"):format(folder)))
    until_there(folder, "5 15 5")
    t:stop()
  end)

  for qos = 1, 2 do
    it(("has every acknowledged number once over kills at random moments, at QoS %d"):format(
      qos), function()
      local m, folder = mosquitto.start(), scope.folder()
      local path = write_config(folder, { PORT = m.port, QOS = qos,
        STORE = qos == 2 and ('session_store = "%s/session",'):format(folder) or "" })
      local base, last = os.time() * 1000 - 1000000, 0
      local t = tagline.run(path)
      m:wait_subscribed "history"
      for _ = 1, KILLS do
        send(m, last + 1, last + 50, { base = base, qos = qos })
        last = last + 50
        local some = math.random(0, 45)
        wait.till("some values", nil, function() return #t:values() >= some end)
        t:kill "sigkill"
        t:wait_exit()
        t = tagline.run(path)
        t:wait_log "connected to"
      end
      stored.wait(folder, last)
      t:stop()
      assert.equal("", stored.too_often(folder, m, qos))
      assert.equal(0, (tagline.command { "history", folder .. "/plant.db", "--check" }))
    end)
  end
end)
