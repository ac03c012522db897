-- explain tells what happened, and what will: the message that set a value, decode's own times
-- and samples, wills and '#', and for random configs and messages the values that then come.
local cjson = require "cjson"
local scenario = require "spec.support.scenario"
local files, mosquitto, scope, tagline = scenario "files mosquitto scope tagline"

local function start(site, subscriber)
  local m = mosquitto.start()
  local t = tagline.run(site, { PORT = m.port })
  m:wait_subscribed(subscriber or "tagline-p")
  return t, m
end

local function document(t, code)
  local exit, out, errors = tagline.command { "repl", "--socket", t.socket, "--json", "-e",
    code }
  assert.same({ 0, "" }, { exit, errors })
  return cjson.decode(out)
end

local function said(t, code)
  local exit, out, errors = t:eval(code)
  assert.same({ 0, "" }, { exit, errors })
  return out
end

describe("explain(tag)", function()
  after_each(scope.finish)

  it("names the message that set the value, and runs messages as they came", function()
    local t, m = start [[line "p" { host = "127.0.0.1", port = PORT,
      station "s" { address = "s", tags = { x = Ai { "IN_DATA", deadband = 1 } } } }]]
    for _, payload in ipairs { "10", "10", "10.5", "20", "20", "20.4", "20", "20.2", "20.3",
      "20.1" } do
      m:publish("s", payload)
    end
    t:eval "return 1"
    repeat local doc = document(t, 'explain(tags["p.s.x"])') until #doc.messages == 10
    local doc = document(t, 'explain(tags["p.s.x"])')
    local codes = {}
    for i, one in ipairs(doc.messages) do codes[#doc.messages + 1 - i] = one.code end
    assert.equal(
      "new deadband deadband new deadband deadband deadband deadband deadband deadband",
        table.concat(codes, " "))
    assert.equal(4, doc.set_by)
    local text = said(t, 'explain(tags["p.s.x"])')
    assert.truthy(text:find "#4 [^\n]*→ 20 %(this one set it%)", text)
    assert.truthy(text:find '%(4 older ones are not shown; messages%("p.s"%) has them%)', text)
  end)

  it("pauses between messages whose decoder is slow", function()
    local t, m = start [[line "p" { host = "127.0.0.1", port = PORT,
      station "s" { address = "s", tags = { x = Ai {} }, decode = function(msg)
        local n = 0
        for i = 1, 400000 do n = n + i end
        return { x = tonumber(msg.payload) }
      end } }
      limits { handler_time = 5 }]]
    for i = 1, 15 do m:publish("s", tostring(i)) end
    repeat until t:value("p.s.x").value == 15
    local doc = document(t, 'explain(tags["p.s.x"])')
    assert.equal(12, #doc.messages)
    assert.same({ 15, 15, false }, { doc.messages[1].number, doc.set_by, doc.complete })
  end)

  it("takes a will of the station for what it is", function()
    local t, m = start [[line "p" { host = "127.0.0.1", port = PORT,
      station "s" { address = "s/.*", SWT = "s/lwt", SWP = "off",
        tags = { x = TxtI "IN_DATA" } } }]]
    m:publish("s/up", "a")
    m:publish("s/lwt", "off")
    repeat until t:value("p.s.x").status == "invalid"
    local doc = document(t, 'explain(tags["p.s.x"])')
    assert.same({ 2, "station-will", true },
      { doc.set_by, doc.messages[1].code, doc.messages[1].will })
    local text = said(t, 'explain(tags["p.s.x"])')
    assert.truthy(
      text:find "#2 [^\n]*its station's will +→ invalid: station%-will %(this one set it%)",
        text)
  end)

  it("claims no message for a value that was written, or is older than what it runs",
    function()
    local t, m = start [[line "p" { host = "127.0.0.1", port = PORT,
      station "s" { address = "s", tags = {
      x = Ao "IN_DATA", t = TxtO { "OUT_TOPIC", default = "o" }, o = Ao "OUT_VALUE" } } }]]
    m:publish("s", "1")
    repeat until t:value("p.s.x").value == 1
    said(t, 'tags["p.s.o"]:write(5)')
    assert.is_nil(document(t, 'explain(tags["p.s.o"])').set_by)
    assert.equal(1, document(t, 'explain(tags["p.s.x"])').set_by)
  end)
end)

describe("explain", function()
  after_each(scope.finish)

  local function ask(site, topic, payload)
    local path = tagline.config(site, { PORT = "1" })
    local file = scope.file("payload", payload)
    local code, out, errors = tagline.command { "explain", "--json", path, topic, file }
    assert.same({ 0, "" }, { code, errors })
    local _, text = tagline.command { "explain", path, topic, file }
    return cjson.decode(out).lines[1], text
  end

  it("shows every sample that decode gave, with its own time", function()
    local line, text = ask([[line "p" { host = "h", payload_type = "JSON",
      station "s" { address = "s", tags = { v = Ai { unit = "V" }, w = Ai "JA=w" },
        decode = function(m)
          local r = {}
          for i, v in ipairs(m.json.v) do r[i] = { time = 1700000000 + i, values = { v = v } } end
          return r
        end } }]],
      "s", '{"v":[1,2,4],"w":7}')
    local v = line.tags[1]
    assert.same({ "v", 3, 3 }, { v.name, v.sample_count, #v.samples })
    assert.same({ "2023-11-14T22:13:21.000Z", 1, "valid" },
      { v.samples[1].time, v.samples[1].value, v.samples[1].status })
    assert.same({ "decode", "decode" }, { line.timestamp.from, line.timestamp.code })
    assert.truthy(text:find "sample 1 of 3, 2023%-11%-14T22:13:21.000Z +→ 1 V\n", text)
    assert.truthy(text:find "3 of 3, 2023%-11%-14T22:13:23.000Z +→ 4 V\n", text)
  end)

  it("shows the time that decode gave", function()
    local line, text = ask([[line "p" { host = "h",
      station "s" { address = "s", tags = { v = Ai {} },
      decode = function(m) return { v = 1 }, 1641667732.35 end } }]], "s", "x")
    assert.same({ "decode", "2022-01-08T18:48:52.350Z" },
      { line.timestamp.from, line.timestamp.value })
    assert.equal("2022-01-08T18:48:52.350Z", line.tags[1].time)
    assert.truthy(text:find "time      2022%-01%-08T18:48:52.350Z, of decode\n", text)
  end)

  it("tells which digits a tag does not hold", function()
    local site =
      [[line "p" { host = "h", payload_type = "JSON",
        station "s" { address = "s", tags = { c = Ci "JA=c", a = Ai "JA=a" } } }]]
    local line, text = ask(site, "s", '{"c":12.7,"a":9007199254740993}')
    assert.same({ "rounded", "rounded" },
      { line.tags[1].steps[1].lost, line.tags[2].steps[1].lost })
    assert.truthy(text:find "12.7 +digits are lost: rounded +→ 13\n", text)
    line = ask(site, "s", '{"c":1e30,"a":0.1}')
    assert.same({ "saturated" }, { line.tags[1].steps[1].lost, line.tags[2].steps[1].lost })
    line = ask(site, "s", '{"c":9223372036854775807,"a":123456}')
    assert.same({}, { line.tags[1].steps[1].lost, line.tags[2].steps[1].lost })
  end)

  local WILLS = [[line "p" { host = "h",
    station "all" { address = "#", tags = { x = TxtI "IN_DATA" } },
    station "s" { address = "s/up", SWT = "s/lwt", SWP = "off" } }]]

  it("tells that a # station takes the wills of others", function()
    local line, text = ask(WILLS, "s/lwt", "off")
    assert.same({ "delivered", "p.all", { { station = "p.s", takes = true } } },
      { line.code, line.station, line.wills })
    assert.truthy(text:find("will      of p.s\n", 1, true), text)
    line = ask(WILLS, "s/lwt", "on")
    assert.same({ "delivered", false }, { line.code, line.wills[1].takes })
  end)

  it("tells that a will is nothing else, whoever's address it matches", function()
    local line = ask([[line "p" { host = "h", station "other" { address = "s/.*" },
      station "s" { address = "s/up", SWT = "s/lwt" } }]], "s/lwt", "x")
    assert.same({ "will" }, { line.code, line.station })
  end)
end)

describe("a will on a line with a # station", function()
  after_each(scope.finish)

  it("reaches both, and messages() tells it", function()
    local t, m = start [[line "p" { host = "127.0.0.1", port = PORT,
      station "all" { address = "#", tags = { x = TxtI "IN_DATA" } },
      station "s" { address = "s/up", SWT = "s/lwt", SWP = "off", time_filter = 0 } }]]
    m:publish("s/lwt", "off")
    assert.equal("off", t:value("p.all.x").value)
    assert.equal("StHardErr", said(t, 'stations["p.s"].status'))
    local one = document(t, "messages()")[1]
    assert.same({ "p.all", "p.s" }, { one.station, one.will })
    assert.truthy(said(t, "messages()"):find("→ p.all, will of p.s", 1, true))
    m:publish("s/lwt", "on")
    assert.equal("on", t:value("p.all.x").value)
    assert.is_nil(document(t, "messages()")[2].will)
  end)

  it("is not taken for a birth, nor a birth for a will", function()
    local t, m = start [[line "p" { host = "127.0.0.1", port = PORT, topic_filter = "s/#",
      station "s" { address = "s/up", SWT = "s/lwt", SBP = "on", tags = { x = TxtI "IN_DATA" } } }]]
    m:publish("s/lwt", "off")
    m:publish("s/lwt", "on")
    m:publish("s/up", "a")
    repeat until t:value("p.s.x").value == "a"
    local messages = document(t, 'messages("p.s")')
    assert.same({ 3, "p.s", false, "p.s", true },
      { #messages, messages[1].will, messages[1].birth, messages[2].will, messages[2].birth })
    local text = said(t, "messages()")
    assert.truthy(text:find("→ will of p.s", 1, true), text)
    assert.truthy(text:find("→ birth of p.s", 1, true), text)
    m:publish("s/lwt", "on")
    assert.equal(4, #document(t, "messages()"))
    assert.equal(3, document(t, 'explain(tags["p.s.x"])').set_by)
    assert.truthy(said(t, 'explain("s/lwt", "on")'):find("it is a station's birth", 1, true))
    assert.truthy(said(t, 'explain("s/lwt", "off")'):find("it is a station's will", 1, true))
  end)

  it("is its own will and nothing else", function()
    local t, m = start [[line "p" { host = "127.0.0.1", port = PORT,
      station "all" { address = "#", SWT = "s/lwt", SWP = "off", tags = { x = TxtI "IN_DATA" } } }]]
    m:publish("s/up", "a")
    m:publish("s/lwt", "off")
    assert.equal("a", t:value("p.all.x").value)
    assert.equal("station-will", t:value("p.all.x").reason)
    assert.truthy(said(t, "messages()"):find("→ will of p.all", 1, true))
  end)
end)

-- Run by `tagline test`: many random configs without a network. What explain says of a message
-- is compared with what the message then does.
local PROPERTY = [==[
local base64 = require "tagline.codec.base64"
local tagline = require "tagline.test"
local seed = SEED
local function random(n)
  seed = (seed * 6364136223846793005 + 1442695040888963407) & 0x7fffffffffffffff
  return (seed >> 33) % n + 1
end
local function pick(list) return list[random(#list)] end

local addresses = { "a", "a/b", "a/.*", "[^/]+/b", ".*", "#", "d/(?<dev>[^/]+)", "a/(b|c)" }
local kinds = { "Ai", "Ci", "Di", "Qi", "TxtI", "TiA", "TiR" }
local sources = { "JA=x", "JA=y.z", "JA=l[1]", "JA=", "IN_DATA", "IN_TOPIC", "IN_ID",
  "RE=([0-9]+)", "" }
local decodes = {
  "nil", "function(m) return { TAG = m.payload } end",
  "function(m) return { TAG = #m.payload }, 1.5e9 end",
  "function(m) error 'no' end", "function(m) return nil end",
  "function(m) if #m.payload % 2 == 0 then return { TAG = 1, none = 2 } end end",
  "function(m) return { { time = 1e9, values = { TAG = 1 } }, \z
    { time = 1.1e9, values = { TAG = 2 } } } end",
  "function(m) return { TAG = { value = 3, status = 'invalid', reason = 'range' } } end",
}

local function tag_text(name)
  local kind, source = pick(kinds), pick(sources)
  if source == "IN_TOPIC" then kind = "TxtI" elseif source == "IN_ID" then kind = "Ci" end
  local options = ""
  if kind == "Ai" or kind == "Ci" then
    if random(3) == 1 then options = options .. ", linear = { 2, 1 }" end
    if random(3) == 1 then
      options = options .. (", range = { 0, 50 }, out_of_range = %q")
        :format(pick { "invalid", "clamp", "discard" })
    end
    if random(3) == 1 then options = options .. ", deadband = 2" end
  end
  if random(3) == 1 then options = options .. ', on_missing = "keep"' end
  if random(4) == 1 then options = options .. ", new_value_on_time_change = true" end
  return ("%s = %s { %q%s }"):format(name, kind, source, options), source
end

local function station_text(i, address)
  local tags, seen, first = {}, {}, nil
  for k = 1, random(4) do
    local name = "t" .. k
    local text, source = tag_text(name)
    if source == "" or not seen[source] then
      seen[source] = true
      tags[#tags + 1] = text
      first = first or name
    end
  end
  local name = address:find "?<dev>" and "s" .. i .. "-{dev}" or "s" .. i
  local more = ""
  if random(4) == 1 then more = ', SWT = "a/b", SWP = "off"' end
  if random(3) == 1 then more = more .. ', time_field_name = "ts", time_mask = "UNIX"' end
  local given = ("station %q { address = %q, payload_type = %q, decode = %s%s, tags = { %s } }")
  return given:format(name, address, pick { "JSON", "Text only" },
    pick(decodes):gsub("TAG", first), more, table.concat(tags, ", "))
end

local topics = { "a", "a/b", "a/c", "d/1", "d/2", "z/b", "q" }
local payloads = { "1", "22", "-5", "on", "off", "", '{"x":1,"y":{"z":2},"l":[3]}',
  '{"x":"7","ts":1700000000}', '{"x":null,"y":5}', "{", "2.5",
  '{"x":60,"l":[true],"ts":"bad"}', "01:02:03", "\xff\xfe", "2023-01-02 03:04:05.000",
  "99999999999999999999" }

local function key(value)
  if type(value) == "userdata" then value = nil end -- null
  if type(value) == "table" then value = base64.decode(value.base64) end -- not UTF-8
  return type(value) == "number" and ("%.15g"):format(value) or tostring(value)
end

-- Of a live tag: a time as explain writes it.
local function live(tag)
  local value = tag.value
  if (tag.type == "TiA") and type(value) == "number" then
    local ms = math.floor(value * 1000 + 0.5)
    value = os.date("!%Y-%m-%dT%H:%M:%S", ms // 1000) .. (".%03dZ"):format(ms % 1000)
  end
  return { key(value), tag.status, tostring(tag.reason) }
end

-- The new values that explain predicts: each reported one with tag, value, status, reason.
local function predicted(doc)
  local list, station = {}, nil
  for _, line in ipairs(doc.lines) do
    for _, tag in ipairs(line.tags or {}) do
      station = station or tag.tag:match "^(.*)%."
      list[tag.tag] = { key(tag.value), tag.status, tostring(tag.reason), tag.code }
    end
  end
  return list, doc.lines[1].code
end

local function run(round)
  local used, stations = {}, {}
  for i = 1, random(4) do
    local address = pick(addresses)
    if not used[address] then
      used[address] = true
      stations[#stations + 1] = station_text(i, address)
    end
  end
  local path = FOLDER .. "/c" .. round .. ".lua"
  local file = assert(io.open(path, "w"))
  local text = 'line "p" { host = "h", ' .. table.concat(stations, ",\n  ") .. " }\n"
  file:write(text)
  file:close()
  local site = tagline.config(path)
  local log = {}
  for step = 1, 12 do
    local topic, payload = pick(topics), pick(payloads)
    local before = {}
    for name, tag in pairs(site.tags) do before[name] = live(tag) end
    local doc = site:explain(topic, payload)
    local said, code = predicted(doc)
    local ok, why = pcall(site.feed, site, topic, payload, { extra = true })
    local function context(what)
      return ("round %d step %d, %s %q, %s\n%s\nexplain: %s\nlog %s, %s")
        :format(round, step, topic, payload, what, text, code, tostring(ok), tostring(why))
    end
    local untaken = not ok and tostring(why):find("no station takes", 1, true) ~= nil
    if untaken ~= (code == "no-station") then error(context "no station", 0) end
    for name, tag in pairs(site.tags) do
      local now = live(tag)
      local expected = said[name]
      if code == "delivered" or code == "decoder" or code == "declined" then
        local of = expected or before[name]
        if of then
          for i = 1, 3 do
            if now[i] ~= of[i] then
              -- a will on the way to a # station
              local will = doc.lines[1].wills and now[3] == "station-will"
              if not will then
                error(context(("%s: expected %s %s %s (%s), got %s %s %s"):format(name, of[1],
                  of[2], of[3], tostring(of[4]), now[1], now[2], now[3])), 0)
              end
            end
          end
        end
      elseif code == "no-station" or code == "refused" then
        for i = 1, 3 do
          if before[name] and now[i] ~= before[name][i] then
            error(context(name .. " has changed"), 0)
          end
        end
      elseif code == "will" then
        if before[name] and now[1] ~= before[name][1] and now[3] ~= "station-will" then
          error(context(name .. " has changed"), 0)
        end
      end
    end
    -- "new" is reported, and nothing else of it is
    if code == "delivered" and ok and not doc.lines[1].wills then
      local came = {}
      for _, value in ipairs(why) do came[value.tag] = true end
      for name, expected in pairs(said) do
        local is_new = expected[4] == "new"
        if is_new and not came[name] then error(context(name .. ": new, and not reported"), 0) end
        local quiet = expected[4] == "kept" or expected[4] == "discarded" or expected[4] == "same"
        if quiet and came[name] then
          error(context(name .. ": " .. expected[4] .. ", and reported"), 0)
        end
      end
    end
    log[#log + 1] = topic
  end
  site:close()
end

describe("what explain predicts", function()
  it("happens", function()
    for round = 1, ROUNDS do run(round) end
  end)
end)
]==]

describe("what explain predicts for random configs and messages", function()
  after_each(scope.finish)

  it("is what then happens", function()
    local folder = scope.folder()
    local rounds = os.getenv "TAGLINE_ROUNDS" or "40"
    local seed = os.getenv "TAGLINE_SEED" or "20261129"
    local text = PROPERTY:gsub("FOLDER", ("%q"):format(folder)):gsub("ROUNDS",
      rounds):gsub("SEED", seed)
    files.write(folder .. "/property_spec.lua", text)
    local code, out, errors = tagline.command { "test", folder .. "/property_spec.lua" }
    assert.same({ 0 }, { code }, out .. errors)
  end)
end)
