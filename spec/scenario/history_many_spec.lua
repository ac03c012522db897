-- A query of very many rows at the prompt: the list reads like a table, and no turn of the loop is
-- long. A reading of the commands: they are whole.
local scenario = require "spec.support.scenario"
local files, process, scope, tagline, turns, wait =
  scenario "files process scope tagline turns wait"

local MANY = 100000
local sanitized = files.read(tagline.program()):find("__asan_init", 1, true) ~= nil

-- A thousand samples a message.
local config = [[
history { file = "plant.db" }
line "plant" { host = "127.0.0.1", port = 1, topic_filter = "a",
  station "s" { address = "a", tags = { n = Ai() },
    decode = function(msg)
      local first, list = 1790000000 + 1000 * tonumber(msg.payload), {}
      for i = 1, 1000 do list[i] = { time = first + i, values = { n = i } } end
      return list
    end } }
]]

local function capture()
  local lines = { '{"tagline_capture":1,"written":"2026-11-29T12:00:00.000Z"}' }
  for i = 0, MANY / 1000 - 1 do
    lines[i + 2] = ('{"line":"plant","time":"2026-11-29T12:%02d:%02d.000Z","topic":"a","qos":0,\z
      "retain":false,"dup":false,"id":0,"payload":"%d"}'):format(i // 60, i % 60, i)
  end
  return table.concat(lines, "\n") .. "\n"
end

describe("very many rows of a history", function()
  local t, folder
  setup(function()
    folder = scope.folder()
    scope.file("config.lua", config, folder)
    files.write(folder .. "/capture", capture())
    local code, _, err = tagline.command { "replay", "--history", folder .. "/plant.db",
      folder .. "/capture", folder .. "/config.lua" }
    assert.equal(0, code, err)
    scope.file("config.lua", turns.WATCH .. config, folder)
    t = tagline.run(folder .. "/config.lua", nil, { arguments = { "--unsafe" } })
    wait.poll("the prompt", 90000, function() return t:eval "1" == 0 end)
  end)
  teardown(function()
    t:stop()
    scope.finish()
  end)

  local function eval(code)
    local exit, out, err = t:eval('local rows = history("plant.s.n", { from = "2026-01-01", \z
      limit = 1000000 }) ' .. code)
    assert.equal(0, exit, err)
    return out
  end

  it("come in pieces: no turn of the loop is long", function()
    turns.longest(t)
    for _ = 1, 3 do -- what the one before left is collected, too
      assert.equal(tostring(MANY), eval "return #rows")
    end
    local ms = turns.longest(t)
    assert.is_true(ms < (sanitized and 60 or 10), ("a turn of %.1f ms of the processor"):format(ms))
  end)

  it("read like a table", function()
    assert.equal("1.0 1000.0 nil nil nil 0 50050000.0 100002 100001 5 100000 1000.0 false", eval [[
      local sum, keys = 0, 0
      for _, row in ipairs(rows) do sum = sum + row.value end
      rows["99999"] = 1 -- a text: another key than the number
      for _ in pairs(rows) do keys = keys + 1 end -- and that, and left_out
      rows["99999"] = nil
      local first, last = rows[1].value, rows[4000].value
      local below, behind, none = rows[0], rows[#rows + 1], rows.x
      rows[#rows + 1] = { value = 5 }
      local more, added = #rows, rows[#rows].value
      table.remove(rows)
      local all = table.pack(first, last, below, behind, none, rows.left_out, sum, keys, more,
        added, #rows, rows[#rows].value, (pcall(setmetatable, rows, {})))
      for i = 1, all.n do all[i] = tostring(all[i]) end
      return table.concat(all, " ")]])
    assert.truthy(eval("return rows"):find("… 99961 more", 1, true))
  end)

  it("are whole in what the command prints, which holds no log while nobody takes it", function()
    local p = process.start(tagline.program(), { "history", folder .. "/plant.db", "--from",
      "2026-01-01" }, { paused = true })
    local pipe, first = p.streams.stdout.pipe, nil
    pipe:read_start(function(_, bytes)
      first = bytes or ""
      pipe:read_stop()
    end)
    wait.till("the first lines", nil, function() return first end)
    -- The log of the file can begin anew: no transaction reads it.
    local _, busy = process.run(process.find "sqlite3", { folder .. "/plant.db",
      "PRAGMA busy_timeout=5000; PRAGMA wal_checkpoint(TRUNCATE)" })
    assert.equal("5000\n0|0|0", busy)
    assert.is_nil(p.code) -- it waits for us
    p:resume()
    assert.equal(0, p:wait_exit())
    assert.equal(MANY + 1, select(2, first:gsub("\n", "\n")) + #p:lines())
  end)
end)
