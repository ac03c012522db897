-- Histories that commands fill: CSV files, and captures through a config.
local scenario = require "spec.support.scenario"
local terminal = require "spec.repl.terminal"
local files, mosquitto, process, scope, tagline, wait =
  scenario "files mosquitto process scope tagline wait"

local HEAD = "time,tag,value,status,reason,unit\n"

local function import(folder, text, target)
  files.write(folder .. "/in.csv", text)
  return tagline.command { "history", folder .. "/" .. (target or "h.db"), "--import",
    folder .. "/in.csv" }
end

local function export(folder, target)
  local code, out, err = tagline.command { "history", folder .. "/" .. (target or "h.db"),
    "--from",
    "2026-10-01", "--to", "2026-12-01" }
  assert.equal(0, code, err)
  return out .. "\n"
end

local rows = HEAD .. [[
2026-11-01T00:00:00.000Z,plant.s.count,9007199254740993,valid,,
2026-11-01T00:00:00.000Z,plant.s.n,1,valid,,V
2026-11-01T00:00:01.000Z,plant.s.n,2.5,valid,,V
2026-11-01T00:00:01.000Z,plant.s.n,3,valid,,V
2026-11-01T00:00:02.000Z,plant.s.n,,invalid,missing,V
2026-11-01T00:00:00.000Z,plant.s.on,true,valid,,
2026-11-01T00:00:00.000Z,plant.s.text,"a ""b"",
c",valid,,
]]

describe("tagline history --import", function()
  after_each(scope.finish)

  it("takes what the command prints, once, and gives it again", function()
    local folder = scope.folder()
    assert.same({ 0, "7 rows, 7 of them new", "" }, { import(folder, rows) })
    assert.equal(rows, export(folder))
    assert.same({ 0, "7 rows, 0 of them new", "" }, { import(folder, rows) })
    -- A part of it, where the first value of a millisecond is missing; other columns in
    -- another order.
    local others = "\xef\xbb\xbfvalue,tag,time\r\n3,plant.s.n,2026-11-01T01:00:01+01:00\r\n\z
      4,plant.s.n,2026-11-01T00:00:03Z\r\n"
    assert.same({ 0, "2 rows, 1 of them new", "" }, { import(folder, others) })
    assert.truthy(export(folder):find("00:00:03.000Z,plant.s.n,4,valid,,V\n", 1, true))
    assert.equal(0, (tagline.command { "history", folder .. "/h.db", "--check" }))
  end)

  for what, case in pairs {
    ["a column that is unknown"] = { "time,tag,valu\n",
      ":1: unknown column 'valu'; expected time,tag,value" },
    ["no column of values"] = { "time,tag\n", ":1: no column 'value'" },
    ["a column twice"] = { "time,tag,tag,value\n", ":1: the column 'tag' is there twice" },
    ["a line that is too short"] = { HEAD .. "2026-11-01,plant.s.n\n",
      ":2: expected 6 fields as in the first line, got 2" },
    ["a time that is none"] = { "time,tag,value\nnow,plant.s.n,1\n",
      ':2: time: expected a time' },
    ["a name that is none"] = { "time,tag,value\n1,n,1\n", ":2: tag: expected a full name" },
    ["a text in a tag of numbers"] = { "time,tag,value\n2,plant.s.n,1\n3,plant.s.n,x\n",
      ':3: value: expected a number, got "x" (plant.s.n is Ai)' },
    ["a status that is none"] = { HEAD .. "1,plant.s.n,1,good,,\n",
      ":2: status: expected valid, invalid or unset" },
    ["a reason of a valid value"] = { HEAD .. "1,plant.s.n,1,valid,type,\n",
      ":2: reason: a valid value has none" },
    ["a reason that is none"] = { HEAD .. "1,plant.s.n,,invalid,why,\n",
      ":2: reason: expected missing" },
    ["a quote that is open"] = { 'time,tag,value\n1,plant.s.n,"1\n',
      ":2: a quote that is not closed" },
    ["text behind a quote"] = { 'time,tag,value\n1,plant.s.n,"1"2\n',
      ":2: expected a comma behind the closing quote" },
    ["a column that moves a terminal"] = { "time,tag,\27[31mvalue\n",
      [[:1: unknown column '\x1b[31mvalue'; expected]] },
    ["an empty file"] = { "", ": is empty; expected time,tag,value" },
  } do
    it("names " .. what .. ", and changes nothing", function()
      local folder = scope.folder()
      import(folder, rows)
      local code, out, err = import(folder, case[1])
      assert.same({ 1, "" }, { code, out })
      assert.truthy(err:find("tagline history: " .. folder .. "/in.csv" .. case[2], 1, true),
        err)
      assert.equal(rows, export(folder))
    end)
  end

  it("takes types from a config, and is refused while a process writes the file", function()
    local m, folder = mosquitto.start(), scope.folder()
    local path = scope.file("c.lua", ([[history { file = "h.db" }
      line "plant" { host = "127.0.0.1", port = %d, client_id = "c", topic_filter = "a",
        station "s" { address = "a", tags = { n = Ci "IN_DATA", t = TxtI "IN_TOPIC" } } }]])
      :format(m.port), folder)
    assert.same({ 0, "2 rows, 2 of them new", "" },
      { import(folder, "time,tag,value\n2026-11-01,plant.s.n,5\n2026-11-01,plant.s.t,7\n",
        "c.lua") })
    local _, json = tagline.command { "history", path, "--from", "2026-11-01", "--to",
      "2026-11-02", "--json" }
    assert.truthy(json:find('"tag":"plant.s.n","type":"Ci","value":5', 1, true), json)
    assert.truthy(json:find('"tag":"plant.s.t","type":"TxtI","value":"7"', 1, true), json)
    local t = tagline.run(path)
    m:wait_subscribed "c"
    m:publish("a", "1", { qos = 1 })
    wait.till("a value", nil, function() return #t:values() >= 2 end)
    wait.poll("the process writes", nil, function()
      local _, stored = t:eval "return status().outlets[1].stored"
      return stored == "2"
    end)
    local code, _, err = import(folder, "time,tag,value\n2026-11-02,plant.s.n,6\n")
    assert.equal(1, code)
    assert.truthy(
      err:find(("process %d writes it; one process a history"):format(t.handle:get_pid()), 1,
        true), err)
    t:stop()
  end)

  it("keeps nothing that is older than the config's history keeps, and says how many",
    function()
    local folder = scope.folder()
    scope.file("c.lua", [[history { file = "h.db", keep = "90d" }
      line "plant" { host = "h", topic_filter = "a",
      station "s" { address = "a", tags = { n = Ai "IN_DATA" } } }]], folder)
    assert.same({ 0, "2 rows, 1 of them new, 1 older than the history keeps", "" },
      { import(folder,
        ("time,tag,value\n%d,plant.s.n,1\n%d,plant.s.n,2\n"):format(os.time() - 91 * 86400,
        os.time() - 40 * 86400), "c.lua") })
  end)

  it("and reading: days of a zone begin at its midnight, also when the clocks are changed",
    function()
    local folder, lines = scope.folder(), {}
    -- An hour each from 24 to 27 October 2026; the clocks of Bratislava go back on the 25th.
    for hour = 0, 71 do
      lines[#lines + 1] = ("%d,plant.s.n,1"):format(1792792800 + hour * 3600)
    end
    import(folder, "time,tag,value\n" .. table.concat(lines, "\n") .. "\n")
    local function days(zone, from, to)
      local code, out, err = tagline.command { "history", folder .. "/h.db", "--from",
        from or "2026-10-23T22:00Z", "--to", to or "2026-10-26T22:00Z", "--every", "1d", "--as",
        "count", "--zone", zone }
      assert.equal(0, code, err)
      local list = {}
      for time, count in out:gmatch "(2026[^,]+),plant.s.n,(%d+)" do
        list[#list + 1] = time .. " " .. count
      end
      return list
    end
    assert.same({ "2026-10-24T00:00:00.000+02:00 24", "2026-10-25T00:00:00.000+02:00 25",
      "2026-10-26T00:00:00.000+01:00 23" }, days "Europe/Bratislava")
    assert.same({ "2026-10-23T00:00:00.000Z 2", "2026-10-24T00:00:00.000Z 24",
      "2026-10-25T00:00:00.000Z 24",
      "2026-10-26T00:00:00.000Z 22" }, days "UTC")
    -- a time without an offset is the zone's
    assert.same({ "2026-10-24T00:00:00.000+02:00 24", "2026-10-25T00:00:00.000+02:00 25" },
      days("Europe/Bratislava", "2026-10-24", "2026-10-26"))
    local function found(from, to)
      local code, out, err = tagline.command { "history", folder .. "/h.db", "--from", from, "--to",
        to, "--zone", "Europe/Bratislava" }
      assert.equal(0, code, err)
      return select(2, out:gsub("\n2026%-10%-25", ""))
    end
    -- The hour from 2:00 comes twice: it begins with its first pass and ends with its last.
    assert.equal(1 + 2, found("2026-10-25 02:00", "2026-10-25 02:00:01")) -- with the one that held
    assert.equal(1 + 1, found("2026-10-25T02:00+02:00", "2026-10-25T02:00:01+02:00"))
    assert.equal(1 + 4, found("2026-10-25T02:00:00", "2026-10-25T05:00:00"))
    -- one that is left out: the moment of the change
    local function spring(from)
      local _, _, why = tagline.command { "history", folder .. "/h.db", "--from", from, "--to",
        "2026-03-29T01:00Z", "--zone", "Europe/Bratislava" }
      return why
    end
    assert.equal("tagline history: expected --from before --to", spring "2026-03-29 02:30")
    assert.equal("", spring "2026-03-29 01:59")
    local _, _, why = tagline.command { "history", folder .. "/h.db", "--from", "2026-02-29" }
    assert.truthy(why:find("--from: expected a time such as", 1, true), why)
  end)

  it("and reading: what is typed nearly right is understood, or told", function()
    local folder = scope.folder()
    import(folder, rows)
    local function read(...)
      return tagline.command { "history", folder .. "/h.db", "--from", "2026-11-01", "--to",
        "2026-11-02", ... }
    end
    local code, out, err, _ = read("plant.s.n", "--every", "1d", "--as", "min, max")
    assert.same({ 0, "time,tag,min,max,unit\n2026-11-01T00:00:00.000Z,plant.s.n,1,3,V" },
      { code, out }, err)
    _, out = read("plant.s.on", "--zone", "+05:30")
    assert.truthy(out:find("\n2026-11-01T05:30:00.000+05:30,plant.s.on,true,", 1, true), out)
    _, out = read("plant.s.on", "--zone", "-03:30")
    assert.truthy(out:find("\n2026-10-31T20:30:00.000-03:30,plant.s.on,true,", 1, true), out)
    assert.equal(2, (read("--zone", "+25:00")))
    _, _, err = tagline.command { "history", folder .. "/h.db", "--import", folder }
    assert.truthy(err:find(folder .. ": Is a directory", 1, true), err)
    _, _, err = read "plant.s.texd"
    assert.equal("tagline history: no tag of the history is called 'plant.s.texd'; did you mean \z
      'plant.s.text'?", err)
    local path = scope.file("pg.lua", [[history { postgres = "host=db dbname=plant" }
      line "l" { host = "h", station "s" { address = "a" } }]], folder)
    code, _, err = tagline.command { "history", path }
    assert.same({ 1, "tagline history: " .. path .. " has no history { file = … }: ask \z
      PostgreSQL, which has its values" }, { code, err })
  end)

  it("and reading: nothing that a device sent moves a terminal; a file gets all", function()
    local folder = scope.folder()
    import(folder, 'time,tag,value\n2026-11-01,plant.s.text,"a\27[2Jb"\n')
    local words = { tagline.program(), "history", folder .. "/h.db", "--from", "2026-11-01", "--to",
      "2026-11-02" }
    local shown = terminal.start(words):wait "exit 0"
    assert.truthy(shown:find([[plant.s.text,a\x1b[2Jb,valid]], 1, true), shown)
    local _, out = tagline.command { table.unpack(words, 2) }
    assert.truthy(out:find("plant.s.text,a\27[2Jb,valid", 1, true), out)
  end)

  it("and reading: times and lengths may be numbers of seconds", function()
    local folder = scope.folder()
    assert.equal(0, (import(folder, rows)))
    local function read(...)
      local code, out, err = tagline.command { "history", folder .. "/h.db", "plant.s.n", ... }
      assert.equal(0, code, err)
      return out
    end
    local at = 1793491200 -- 2026-11-01
    assert.equal(read("--from", "2026-11-01T00:00:00", "--to", "2026-11-01T00:00:01.5"),
      read("--from", tostring(at), "--to", at + 1 .. ".5"))
    local ago = tostring(os.time() - at + 3600)
    assert.equal(read("--last", ago, "--every", "1h", "--as", "count"),
      read("--last", ago, "--every", "3600", "--as", "count"))
  end)

  it("and reading: JSON is that of the values stream, and an empty interval is not valid",
    function()
    local folder = scope.folder()
    local path = files.write(folder .. "/config.lua", [[
      history { file = "x.db" }
      line "l" { host = "h", time_mask = "UNIX", station "s" { address = "a",
        tags = { at = TiA "JA=t", n = Ci "JA=n", raw = TxtI "IN_DATA" } } }
    ]])
    local csv = scope.file("rows.csv", "time,tag,value\n2026-11-29T10:00:00Z,l.s.at,1796000418.5\n\z
      2026-11-29T10:00:00Z,l.s.raw,x\n2026-11-29T10:00:00Z,l.s.n,9223372036854775807\n")
    assert.equal(0, (tagline.command { "history", path, "--import", csv }))
    assert.equal(0, (process.run(process.find "sqlite3", { folder .. "/x.db",
      "INSERT INTO recent SELECT id, unixepoch('2026-11-29 11:00:00') * 1000, 0, x'ff0041', \z
        NULL, NULL FROM tag WHERE name = 'l.s.raw'" })))
    local day = { "--from", "2026-11-29", "--to", "2026-11-30" }
    local function read(...)
      return select(2, tagline.command { "history", path, ..., table.unpack(day) })
    end
    local out = read "--json"
    assert.truthy(
      out:find(
        '"tag":"l.s.at","type":"TiA","value":"2026-11-30T01:00:18.500Z","status":"valid"', 1,
          true), out)
    assert.truthy(out:find('"tag":"l.s.raw","type":"TxtI","base64":"/wBB","status":"valid"',
      1, true), out)
    local _, found = tagline.command { "history", path, "l.s.a?", "--every", "12h", "--as",
      "time_avg", table.unpack(day) }
    assert.truthy(found:find("2026-11-29T00:00:00.000Z,l.s.at,2026-11-30T01:00:18.500Z,valid,,",
      1, true), found)
    _, found = tagline.command { "history", path, "l.s.a?", "--every", "1d", "--as", "max,count",
      table.unpack(day) }
    assert.truthy(found:find("2026-11-29T00:00:00.000Z,l.s.at,2026-11-30T01:00:18.500Z,1,", 1,
      true), found)
    _, found = tagline.command { "history", path, "l.s.a?", "--wide", "--zone", "Europe/Bratislava",
      table.unpack(day) }
    assert.truthy(found:find("\n2026-11-29T11:00:00.000+01:00,2026-11-30T02:00:18.500+01:00", 1,
      true), found)
    _, found = tagline.command { "history", path, "--json", "--every", "1d", "--as", "last",
      table.unpack(day) }
    assert.truthy(found:find('"value":"2026-11-30T01:00:18.500Z","status":"valid","as":"last"}', 1,
      true), found)
    assert.truthy(found:find('"value":9223372036854775807,', 1, true), found)
    _, _, found = tagline.command { "history", path, "--every", "1d", table.unpack(day) }
    assert.equal("tagline history: l.s.raw: of a text there are count and good: --as count", found)
    _, found = tagline.command { "history", path, "l.s.raw", "--every", "1d", "--as", "count",
      table.unpack(day) }
    assert.truthy(found:find("l.s.raw,2,valid,,", 1, true), found)
    _, found = tagline.command { "history", path, "l.s.a?", "--every", "1h", "--as",
      "time_avg", "--from", "2026-11-29T09:00",
      "--to", "2026-11-29T10:00" }
    assert.truthy(found:find("2026-11-29T09:00:00.000Z,l.s.at,,invalid,,", 1, true), found)
    -- a tag that changed its type is there for each type, and is printed once
    assert.equal(0, (process.run(process.find "sqlite3", { folder .. "/x.db",
      "INSERT INTO tag (name, type, since) VALUES ('l.s.n', 'Ai', 0), ('l.s.was', 'Ai', 0),\z
        ('l.s.was', 'TiA', 0);\z
        INSERT INTO recent SELECT id, unixepoch('2026-11-28 11:00:00') * 1000 + id, 0, 60.33,\z
        NULL, NULL FROM tag WHERE name = 'l.s.was'" })))
    _, found = tagline.command { "history", path, "l.s.n", table.unpack(day) }
    assert.equal(2, select(2, found:gsub("[^\n]+", "")), found)
    _, found = tagline.command { "history", path, "l.s.n", "--json", table.unpack(day) }
    assert.truthy(#found > 0 and out:find(found, 1, true), found)
    -- its rows are of the type that it had
    local function was(...)
      return select(2, tagline.command { "history", path, "l.s.was", "--json", "--from",
        "2026-11-28", "--to", "2026-11-29", ... }):gsub('"time":"[^"]*","tag":"l.s.was",', "")
    end
    local old = '{"type":"Ai","value":60.33,"status":"valid"}\n'
    local new = '{"type":"TiA","value":"1970-01-01T00:01:00.330Z","status":"valid"'
    assert.equal(old .. new .. "}", (was()))
    assert.equal(new .. ',"as":"last"}', (was("--every", "1d", "--as", "last")))
    assert.equal(0, (tagline.command { "history", path, "--import", scope.file("same.csv",
      "time,tag,value\n2026-11-29T10:00:00Z,l.s.raw,y\n2026-11-29T10:00:00Z,l.s.raw,z\n") }))
    local code, _, why = tagline.command { "history", path, "--wide", table.unpack(day) }
    assert.same({ 0, "tagline history: 2 values with the time of another are not shown" },
      { code, why })
    code, _, why = tagline.command { "history", path, "--wide", "--every", "1h",
      "--as", "first,last", table.unpack(day) }
    assert.same({ 2, "tagline history: --wide has room for one of --as" }, { code, why })
    code, _, why = tagline.command { "history", path, "--from", "2999-01-01" }
    assert.same({ 2, "tagline history: --from lies after now, which --to is when it is not \z
      given: give --to" }, { code, why })
  end)

  it("and reading: values that were dropped are told beside those that are there", function()
    local path = scope.folder() .. "/holes.db"
    local csv = scope.file("rows.csv",
      "time,tag,value\n2026-11-29T10:00:00Z,l.s.t,1\n2026-11-29T12:00:00Z,l.s.t,2\n")
    assert.equal(0, (tagline.command { "history", path, "--import", csv }))
    assert.equal(0, (process.run(process.find "sqlite3", { path,
      "INSERT INTO event VALUES(0, 'dropped', 1204, unixepoch('2026-11-29 11:00:00') + 0.5, \z
        unixepoch('2026-11-29 11:07:00'), '')" })))
    local told =
      "1204 values from 2026-11-29T11:00:00.500Z to 2026-11-29T11:07:00.000Z are missing: \z
        they were dropped"
    local code, out, err = tagline.command { "history", path, "--from", "2026-11-29", "--to",
      "2026-11-30" }
    assert.equal(0, code)
    assert.equal(2, select(2, out:gsub(",valid,", "")))
    assert.truthy(err:find(told, 1, true), err)
    local _, _, silent = tagline.command { "history", path, "--from", "2026-11-29T11:30",
      "--to", "2026-11-30" }
    assert.equal("", silent)
    code, out = tagline.command { "history", path, "--check" }
    assert.equal(0, code) -- it is sound all the same
    assert.truthy(out:find("sound", 1, true) and out:find(told, 1, true), out)
  end)

  it("is not given with --check or patterns", function()
    assert.equal(2, (tagline.command { "history", "x.db", "--check", "--import", "x" }))
    assert.equal(2, (tagline.command { "history", "x.db", "p.*", "--import", "x" }))
    local _, _, err = tagline.command { "history", "x.db", "p.*", "--check" }
    assert.truthy(err:find("--check looks at the whole file", 1, true), err)
    assert.equal(2, (tagline.command { "history", "x.db", "--check", "--last", "1h" }))
  end)
end)

describe("tagline replay --history", function()
  after_each(scope.finish)

  it("fills a history with what the live run stored", function()
    local m, folder = mosquitto.start(), scope.folder()
    local path = scope.file("c.lua", ([[history { file = "live.db" }
      line "plant" { host = "127.0.0.1", port = %d, client_id = "c", topic_filter = "n/#",
        payload_type = "JSON", time_field_name = "t", time_mask = "UNIXMS", subscribe_qos = 1,
        station "s" { address = "n/up", tags = {
          n = Ai { "JA=n", history = { deadband = 1, max_silence = 3600 } }, on = Di "JA=on",
          x = TxtI { "JA=x", on_missing = "keep" },
          hidden = Ai { "JA=h", history = false } } } }]]):format(m.port), folder)
    local t = tagline.run(path)
    m:wait_subscribed "c"
    local base = os.time() * 1000 - 60000
    for i, n in ipairs { 1, 1.5, 1.2, 4, 4, 4.5, 9, 2 } do
      m:publish("n/up", ('{"t":%d,"n":%s,"on":%s,"h":1%s}'):format(base + i * 100, n,
        tostring(i % 3 == 0),
        i == 4 and ',"x":"a,b"' or ""), { qos = 1 })
    end
    m:publish("n/up", "no json", { qos = 1 })
    wait.till("the last value", nil, function() return t:text():find('"reason":"json"', 1,
      true) end)
    local code, _, why = t:eval(('save("%s/c.capture")'):format(folder))
    assert.equal(0, code, why)
    t:stop()
    local function all(name)
      local of, out, err = tagline.command { "history", folder .. "/" .. name, "--last", "1d" }
      assert.equal(0, of, err)
      return out
    end
    local live = all "live.db"
    assert.truthy(live:find("plant.s.n,9,valid", 1, true), live)
    for _ = 1, 2 do -- the second time adds nothing
      local of, out, err = tagline.command { "replay", "--history", folder .. "/copy.db",
        folder .. "/c.capture", path }
      assert.same({ 0, "" }, { of, out }, err)
      assert.truthy(err:find("9 messages went into", 1, true), err)
      assert.equal(live, all "copy.db")
    end
    for name in assert(io.popen("ls " .. folder)):lines() do
      assert.falsy(name:find("replay-", 1, true))
    end
    files.write(folder .. "/no.db",
      "somebody's data, which is no history at all, as everybody can see")
    local of, _, err = tagline.command { "replay", "--history", folder .. "/no.db",
      folder .. "/c.capture", path }
    assert.equal(1, of)
    assert.truthy(err:find("no.db", 1, true), err)
    assert.equal(2,
      (tagline.command { "replay", "--history", "a", "--against", "b", "c", "d" }))
  end)
end)
