-- /api/v1/history: what a limit leaves out is told and can be read, tags that only the history has
-- are there, and no parameter is passed over.
local scenario = require "spec.support.scenario"
local http, scope, tagline = scenario "http scope tagline"

local MANY = 10007 -- more than an answer has where nobody says how many
local FIRST = 1795000000

describe("/api/v1/history", function()
  local t, port
  setup(function()
    local rows = { "time,tag,value,status,reason,unit" }
    for i = 1, MANY do
      rows[#rows + 1] = ("%d,plant.boiler.temperature,%d,,,°C"):format(FIRST + i, i)
    end
    rows[#rows + 1] = FIRST .. ",plant.was.level,40,,,%"
    local folder = scope.folder()
    assert.equal(0, (tagline.command { "history", folder .. "/h.db", "--import",
      scope.file("in.csv", table.concat(rows, "\n") .. "\n") }))
    local _
    _, t, port = tagline.web(([[
http { listen = "127.0.0.1:WEB" }
history { file = "%s/h.db" }
line "plant" { host = "127.0.0.1", port = PORT, client_id = "web", topic_filter = "plant/#",
  station "boiler" { address = "plant/boiler", tags = { temperature = Ai { "IN_DATA", unit = "°C" },
    fresh = TxtI "IN_TOPIC" } } }
]]):format(folder))
  end)
  teardown(function()
    t:stop()
    scope.finish()
  end)

  local function get(query) return http.get(port, "/api/v1/" .. query) end

  -- The paths of all answers of a question, each of which leads to the next.
  local function each_answer(query)
    return coroutine.wrap(function()
      while query do
        local a = get(query)
        assert.equal(200, a.status, a.body)
        coroutine.yield(a)
        query = (a.headers.link or ""):match '^</api/v1/(.-)>; rel="next"$'
        assert.equal(query ~= nil, a.headers["x-tagline-left-out"] ~= nil)
      end
    end)
  end

  it("tells how many rows the limit left out, and where they are", function()
    local range = ("&from=%d&to=%d"):format(FIRST, FIRST + 20000)
    local sizes, sum, left = {}, 0, nil
    for a in each_answer("history?tag=plant.boiler.temperature" .. range) do
      left = left or a.headers["x-tagline-left-out"]
      sizes[#sizes + 1] = #a.json
      for _, row in ipairs(a.json) do sum = sum + row.value end
    end
    assert.same({ 10000, 7 }, sizes)
    assert.equal("7", left)
    assert.equal(MANY * (MANY + 1) // 2, math.tointeger(sum))
    -- what was asked for stays: CSV, its limit, intervals, bytes that are escaped
    local lines = 0
    for a in each_answer("history?format=csv&tag=plant%2eboiler.temperature&limit=3000" .. range) do
      lines = lines + select(2, a.body:gsub("\n[^\n]", ""))
    end
    assert.equal(MANY, lines)
    local counts = {}
    local hours = "history?tag=plant.boiler.temperature&every=1h&as=count&limit=2"
    for a in each_answer(hours .. range) do
      assert.equal(2, #a.json)
      for i, row in ipairs(a.json) do table.insert(counts, i, row.value) end
    end
    sum = 0
    for _, n in ipairs(counts) do sum = sum + n end
    assert.equal(MANY, math.tointeger(sum))
    -- times of a zone become moments
    local at = os.date("!%Y-%m-%dT%H:%M:%S", FIRST + 19800 + 1)
    for _, every in ipairs { "", "&every=1&as=first" } do
      lines = 0
      for a in each_answer("history?tag=plant.boiler.temperature&limit=6000&zone=Asia/Kolkata&from="
        .. at .. "&to=" .. FIRST + 20000 .. every) do
        lines = lines + #a.json
      end
      assert.equal(MANY, lines)
    end
    local day = get(("history?tag=plant.boiler.temperature&every=1d&as=count&zone=Asia/Kolkata\z
      &from=%d&to=%d"):format(FIRST, FIRST + 20000)).json[1]
    assert.equal(0, (day.time + 19800) % 86400)
    local all = get("history?tag=plant.boiler.temperature&limit=20000" .. range)
    assert.equal(MANY, #all.json)
    assert.is_nil(all.headers.link)
    local _, shown = t:eval(([[local rows = history("plant.boiler.temperature",
      { from = %d, to = %d, limit = 10 }) return ("%%d %%.3f"):format(rows.left_out, rows.left_to)
      ]]):format(FIRST, FIRST + 20000))
    assert.equal(("%d %.3f"):format(MANY - 10, FIRST + MANY - 10 + 0.001), shown)
    local _, csv = t:eval(([[local text, left = history("plant.boiler.temperature",
      { from = %d, to = %d, csv = true }) local lines = 0
      for _ in text:gmatch "\n" do lines = lines + 1 end return lines, left
      ]]):format(FIRST, FIRST + 20000))
    assert.equal(("10001\t7 older rows are left out: read on with to = %d.001, or give limit = %d")
      :format(FIRST + 7, MANY), csv)
    _, csv = t:eval(([[return select("#", history("plant.boiler.temperature",
      { from = %d, to = %d, csv = true })), pcall(history, "plant.boiler.temperature",
      { csv = "all" })]]):format(FIRST, FIRST + 20))
    assert.truthy(csv:find("^1%sfalse%shistory: csv: expected"), csv)
  end)

  it("has the tags that only the history knows, and those that it does not know yet", function()
    local range = ("&from=%d&to=%d"):format(FIRST - 1, FIRST + 1)
    assert.equal(40, get("history?tag=plant.was.level" .. range).json[1].value)
    assert.truthy(get("history?tag=plant.was.level&format=csv" .. range).body
      :find(",plant.was.level,40,valid,,%\n", 1, true))
    assert.same({ 200, "[]\n" }, { get("history?tag=plant.boiler.fresh").status,
      get("history?tag=plant.boiler.fresh").body })
    local none = get "history?tag=plant.nobody.x"
    assert.same({ 404, "the history has no tag 'plant.nobody.x'" },
      { none.status, none.json.error })
    local _, curve = t:eval(('return plot("plant.was.level", { from = %d, to = %d })'):format(
      FIRST - 10, FIRST + 10))
    assert.truthy(curve:find("plant.was.level %\n", 1, true), curve)
    assert.truthy(curve:find("min 40  max 40  last 40", 1, true), curve)
  end)

  it("is what history() says, which takes times of a zone", function()
    local function india(at) return os.date("!%Y-%m-%d %H:%M:%S", at + 19800) end
    local function of(options)
      return select(2, t:eval(([[local rows, why = history("plant.boiler.temperature",
        { %s zone = "Asia/Kolkata" }) return rows and #rows or why]]):format(options)))
    end
    local from, to = india(FIRST + 10), india(FIRST + 20)
    assert.equal("11", of(('from = "%s", to = "%s",'):format(from, to)))
    assert.equal("11", of(('last = 10, to = "%s",'):format(to)))
    assert.equal("11", of(('from = %d, to = "%s",'):format(FIRST + 10, to)))
    assert.equal("expected from before to", of(('from = %d, to = "%s",'):format(FIRST + 20, to)))
  end)

  it("refuses a parameter that there is not, as every path of the API", function()
    for query, why in pairs {
      ["history?tag=plant.boiler.temperature&form=0"] =
        "there is no parameter 'form' here; expected tag from to last every as zone limit format",
      ["history?tag=plant.boiler.temperature&as=min&every=1h&as=max"] = "as: is given twice",
      ["tags?mach=x"] = "there is no parameter 'mach' here; expected match limit after",
      ["tags/plant.boiler.temperature?limit=1"] =
        "there is no parameter 'limit' here; expected none",
      ["stations?%6datch=*&=1"] = "there is no parameter '' here; expected match limit after",
      ["messages?after=1"] = "there is no parameter 'after' here; expected match limit",
      ["explain?tags=x"] = "there is no parameter 'tags' here; expected tag topic payload",
      ["events?filter=x"] = "there is no parameter 'filter' here; expected match",
      ["status?match=plant"] = "there is no parameter 'match' here; expected none",
      ["lines?match=plant"] = "there is no parameter 'match' here; expected none",
      ["?x"] = "there is no parameter 'x' here; expected none",
    } do
      local a = get(query)
      assert.same({ 400, why }, { a.status, a.json and a.json.error }, query)
    end
  end)
end)
