-- A history: what was acknowledged is in it, once, whatever is killed; SQL reads it.
local scenario = require "spec.support.scenario"
local files, mosquitto, process, scope, tagline, wait =
  scenario "files mosquitto process scope tagline wait"

local config = [[
history { file = "plant.db", keep = "90d" }
line "plant" {
  host = "127.0.0.1", port = PORT, client_id = "CLIENT", clean_session = false,
  subscribe_qos = QOS, topic_filter = "n/#",
  payload_type = "JSON", time_field_name = "t", time_mask = "UNIXMS",
  station "s" {
    address = "n/up",
    tags = { n = Ci { "JA=n", unit = "pcs" }, hidden = Ai { "JA=h", history = false } },
  },
}
]]

-- Rows of the file by the program that every engineer has.
local function sql(folder, query)
  local code, out, err = process.run("sqlite3", { "-readonly", folder .. "/plant.db", query })
  assert.equal(0, code, err)
  return out
end

local function start(m, folder, names)
  local path = folder .. "/config.lua"
  names.PORT, names.CLIENT = m.port, "history"
  files.write(path,
    (config:gsub("%f[%w_][A-Z][A-Z_]*%f[^%w_]", function(word) return names[word]
      and tostring(names[word]) end)))
  return tagline.run(path)
end


describe("the history", function()
  after_each(scope.finish)

  it("has all values after an orderly end, and none of a tag that is left out", function()
    local m, folder = mosquitto.start(), scope.folder()
    local t = start(m, folder, { QOS = 1 })
    m:wait_subscribed "history"
    for n = 1, 20 do
      m:publish("n/up", ('{"t":%d,"n":%d,"h":1}'):format(os.time() * 1000 + n, n), { qos = 1 })
    end
    wait.till("21 values", nil, function() return #t:values() >= 21 end)
    t:stop()
    assert.equal("20|210",
      sql(folder, "SELECT count(*), sum(value) FROM value WHERE tag='plant.s.n'"))
    assert.equal("0", sql(folder, "SELECT count(*) FROM value WHERE tag='plant.s.hidden'"))
    assert.equal("valid|pcs", sql(folder, "SELECT DISTINCT status, unit FROM value"))
  end)

  it("can be read while it is written", function()
    local m, folder = mosquitto.start(), scope.folder()
    local t = start(m, folder, { QOS = 1 })
    m:wait_subscribed "history"
    m:publish("n/up", ('{"t":%d,"n":7}'):format(os.time() * 1000), { qos = 1 })
    t:value "plant.s.n"
    wait.poll("the value in the file", nil, function()
      local code, out = process.run("sqlite3",
        { "-readonly", folder .. "/plant.db", "SELECT value FROM value" })
      return code == 0 and out == "7"
    end)
    -- What its log has, once it cannot begin anew because somebody reads for long; here it is made
    -- as long as that.
    assert.equal(0, (process.run("truncate", { "-s", "300M", folder .. "/plant.db-wal" })))
    m:publish("n/up", ('{"t":%d,"n":8}'):format(os.time() * 1000 + 1), { qos = 1 })
    t:wait_log "plant.db%-wal' has 300 MB and grows: another program has been reading"
    local _, told = t:eval "return status().problems[1].code"
    assert.equal("history-log", told)
    t:stop()
    assert.equal(0, (tagline.command { "history", folder .. "/plant.db", "--check" }))
  end)

  it("loses nothing while memory fails, and acknowledges nothing that it does not have",
    function()
    local m, folder = mosquitto.start(), scope.folder()
    local memory = files.write(folder .. "/memory", string.pack("<i8i8i8i8", -1, 0, 0, 0))
    local program = tagline.program():gsub("tagline$", "tagline_failing")
    local path = folder .. "/config.lua"
    files.write(path, (config:gsub("PORT", m.port):gsub("CLIENT", "history"):gsub("QOS", "1")
      :gsub("stations?", "reconnect_delay = 0.01, reconnect_delay_max = 0.02, station", 1)))
    local t = process.start(program, { "run", path, "--socket", folder .. "/socket" },
      { env = { TAGLINE_MEMORY = memory } })
    m:wait_subscribed "history"
    local function fail_after(requests, forever)
      local file <close> = assert(io.open(memory, "r+b"))
      file:write(string.pack("<i8i8", requests, forever and 1 or 0))
    end
    local from = os.time() * 1000
    for n = 1, 60 do -- each message meets one failure, at another place
      fail_after((n - 1) % 30)
      m:publish("n/up", ('{"t":%d,"n":%d}'):format(from + n, n), { qos = 1 })
    end
    -- Nothing can be stored: what comes waits at the broker.
    fail_after(-1)
    m:publish("n/up", ('{"t":%d,"n":%d}'):format(from + 61, 61), { qos = 1 })
    wait.poll("all of them", nil, function()
      local code, out = process.run("sqlite3", { "-readonly", folder .. "/plant.db",
        "SELECT count(*), sum(value), count(DISTINCT value) FROM value WHERE tag='plant.s.n'" })
      return code == 0 and out == "61|1891|61"
    end, function() return sql(folder, "SELECT group_concat(value, ' ') FROM value") end)
    t:kill "sigterm"
    assert.equal(0, (t:wait_exit()))
  end)

  it("is refused to a second process, and a file of others is left alone", function()
    local m, folder = mosquitto.start(), scope.folder()
    files.write(folder .. "/plant.db", "somebody's data, which is no history")
    local t = start(m, folder, { QOS = 1 })
    wait.till("the warning, and the line that runs all the same", nil, function()
      local log = t:text "stderr"
      return log:find("plant.db: file is not a database", 1, true)
        and log:find("plant: connected", 1, true)
    end)
    local code, _, err = tagline.command { "run", t.config_path, "--socket",
      folder .. "/second" }
    assert.equal(1, code)
    assert.truthy(err:find(("process %d has it; one process a spool\n?$"):format(t.pid)), err)
    t:stop()
    assert.equal("somebody's data, which is no history", files.read(folder .. "/plant.db"))
  end)

  it("goes on in another file after a reload, and once more after it was gone", function()
    local m, folder = mosquitto.start(), scope.folder()
    local t = start(m, folder, { QOS = 1 })
    m:wait_subscribed "history"
    local n = 0
    local function send()
      n = n + 1
      m:publish("n/up", ('{"t":%d,"n":%d}'):format(os.time() * 1000 + n, n), { qos = 1 })
      wait.till("the value", nil, function()
        return t:text():find('"value":' .. n .. ",", 1, true)
      end)
    end
    local function change(from, to)
      files.change(t.config_path, from, to)
      local _, said = t:eval "return reload()"
      return said
    end
    send()
    assert.truthy(change('"plant.db"', '"other.db"'):find(
      "outlet 'history' changed: it starts again, and goes on where it was", 1, true))
    send()
    local line = 'history { file = "other.db", keep = "90d" }\n'
    local said = change(line, "")
    assert.truthy(
      said:find("outlet 'history' removed; its place in the spool is kept for a day", 1,
        true), said)
    send()
    assert.truthy(change("line ", line .. 'spool { folder = "elsewhere" }\nline '):find(
      "spool: another folder counts from the next start on", 1, true))
    t:stop()
    local function count(file)
      local _, out = process.run("sqlite3", { "-readonly", folder .. "/" .. file,
        "SELECT count(*), sum(value) FROM value WHERE tag = 'plant.s.n'" })
      return out
    end
    -- The first value went where it was to go before the change, or goes on behind it.
    assert.equal(n, tonumber(count "plant.db":match "%d+")
      + tonumber(count "other.db":match "%d+"))
  end)

  it("is told at the prompt and by a command, and its state by status()", function()
    local m, folder = mosquitto.start(), scope.folder()
    local t = start(m, folder, { QOS = 1 })
    m:wait_subscribed "history"
    local from = os.time() * 1000 - 600000
    for n = 1, 10 do
      m:publish("n/up", ('{"t":%d,"n":%d}'):format(from + n * 60000, n), { qos = 1 })
    end
    wait.till("ten values", nil, function() return #t:values() >= 10 end)
    wait.poll("the rows", nil, function()
      local _, out = t:eval 'return #history("plant.s.n", "15m")'
      return out == "10"
    end)
    local _, out =
      t:eval 'local r = history(tags["plant.s.n"], { last = "15m", every = "1y", as = "count" \z
        }) return r[#r].value'
    assert.equal("10", out)
    local _, curve =
      t:eval 'return plot("plant.s.n", { last = "15m", ascii = true, height = 4 })'
    assert.truthy(curve:find("min 1  max 10  last 10", 1, true), curve)
    -- a range, and options behind it
    _, out = t:eval [[local c = plot("plant.s.n", "15m", { ascii = true, height = 4 })
      local r = history("plant.s.n", "15m", { every = "1y", as = "count" })
      return c:find("min 1  max 10  last 10", 1, true) ~= nil, r[#r].value,
        pcall(history, "plant.s.n", "15m", { last = "1h" })]]
    assert.truthy(out:find "^true\t10\tfalse\t.*history: expected one range", out)
    local code, _, err = t:eval 'return history("plant.s.nix")'
    assert.truthy(err:find("the history has no tag 'plant.s.nix'", 1, true), err)
    assert.equal(1, code)
    local _, state =
      t:eval 'local o = status().outlets[1] return o.name .. " " .. tostring(o.up) .. " " .. \z
        o.stored'
    assert.equal("history true 10", state)
    local code_of, csv = tagline.command { "history", folder .. "/plant.db", "plant.*",
      "--last",
      "15m" }
    assert.equal(0, code_of)
    assert.equal(10, select(2, csv:gsub("\n", "\n")))
    assert.truthy(
      csv:find("^time,tag,value,status,reason,unit\n\z
        %d%d%d%d%-%d%d%-%d%dT[%d:.]+Z,plant.s.n,1,valid,,pcs\n"), csv)
    local _, json = tagline.command { "history", t.config_path, "--last", "15m", "--json" }
    assert.truthy(json:find('"tag":"plant.s.n","type":"Ci","value":10,"status":"valid"}', 1,
      true), json)
    local secret = scope.file("secret.lua", 'line "p" { host = "h", user_name = "u", '
      .. 'password = credential "mqtt", station "s" { address = "a" } } history { file = \z
        "plant.db" }',
      folder)
    assert.equal(0,
      (tagline.command({ "history", secret }, { env = { CREDENTIALS_DIRECTORY = false } })))
    local wrong, _, why = tagline.command { "history", folder .. "/plant.db", "nix.*" }
    assert.equal(1, wrong)
    assert.truthy(why:find("no tag of the history is called 'nix.*'", 1, true))
    assert.equal(2,
      (tagline.command { "history", folder .. "/plant.db", "--zone", "Mars/Base" }))
    t:stop()
    assert.equal(0, (tagline.command { "history", folder .. "/plant.db", "--check" }))
  end)

  it("is asked by handlers in their coroutines, which wait while all goes on", function()
    local m, folder = mosquitto.start(), scope.folder()
    local t = tagline.run(scope.file("config.lua", ([[
      history { file = "plant.db" }
      line "plant" { host = "127.0.0.1", port = %d, client_id = "history", topic_filter = "n/#",
        payload_type = "JSON", time_field_name = "t", time_mask = "UNIXMS", subscribe_qos = 1,
        station "s" { address = "n/up", tags = { n = Ci "JA=n" } },
        station "ask" { address = "n/ask",
          tags = { what = TxtI { "IN_DATA", on_value = function(tag)
          local alone, why = pcall(history, "plant.s.n", "1h")
          print("alone", alone, (why:match "in a handler it needs a coroutine"))
          coroutine.wrap(function()
            local rows = history("plant.s.n", { last = "1h", limit = 2000 })
            print("rows", #rows, rows[1].value, rows[#rows].value, rows.left_out)
            local one = history("plant.s.n", { last = "1h", every = "1y", as = "sum" })
            print("sum", one[#one].value)
            local days = history("plant.s.n",
              { last = "1h", every = "1d", as = "count", zone = "Asia/Kolkata" })
            print("day", (days[1].time + 5.5 * 3600) %% 86400,
              pcall(history, "plant.s.n", { every = 60, zone = "No/Where" }))
            print("none", history("plant.s.nix", "1h"))
            error("that is told")
          end)()
        end } } },
      }]]):format(m.port), folder))
    m:wait_subscribed "history"
    local from, lines = os.time() * 1000 - 600000, {}
    for n = 1, 1200 do lines[n] = ('{"t":%d,"n":%d}'):format(from + n, n) end
    -- One message a line.
    local code, _, why = process.run(process.find "mosquitto_pub",
      { "-h", "127.0.0.1", "-p", tostring(m.port),
      "-t", "n/up", "-q", "1", "-l" }, { input = table.concat(lines, "\n") .. "\n",
        milliseconds = 60000 })
    assert.equal(0, code, why)
    wait.till("all values", 60000, function() return #t:values() >= 1200 end)
    wait.poll("the rows", nil, function()
      return sql(folder, "SELECT count(*) FROM value WHERE tag='plant.s.n'") == "1200"
    end)
    m:publish("n/ask", '"now"', { qos = 1 })
    t:wait_log "alone\tfalse\tin a handler it needs a coroutine"
    t:wait_log "rows\t1200\t1\t1200\t0"
    t:wait_log "sum\t720600"
    t:wait_log "day\t0.0\ttrue\tnil\tunknown time zone .No/Where"
    t:wait_log "none\tnil\tthe history has no tag 'plant.s.nix'"
    t:wait_log "that is told"
    -- A curve of them has the peaks, and one that is asked for at the very end harms nobody.
    local _, curve =
      t:eval 'return plot("plant.s.n", { last = "11m", ascii = true, height = 4 })'
    assert.truthy(curve:find("min 1  max 1200  last 1200", 1, true), curve)
    m:publish("n/ask", '"again"', { qos = 1 })
    t:wait_log "alone"
    t:stop()
  end)
end)
