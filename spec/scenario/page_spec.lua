-- The page in a real browser: what an operator sees of a plant, with a mouse, with a
-- keyboard, on a phone, and when the connection breaks. Skipped where there is no Chromium.
local uv = require "luv"
local scenario = require "spec.support.scenario"
local browser, files, mosquitto, scope, tagline, wait =
  scenario "browser files mosquitto scope tagline wait"

local config = [[
http { listen = "127.0.0.1:HTTP", write = true TOKEN }
history { file = "plant.db" }
line "plant" {
  host = "127.0.0.1", port = PORT, client_id = "page", topic_filter = "plant/#",
  payload_type = "JSON", subscribe_qos = 1,
  station "boiler" {
    address = "plant/boiler/up",
    tags = {
      temperature = Ai { "JA=t", unit = "°C", description = "flow" },
      energy = Ci { "JA=e", unit = "Wh" },
      running = Di "JA=on", note = TxtI "JA=note",
      command = TxtO { "OUT_TOPIC", default = "plant/boiler/set" },
      setpoint = Co { "OUT_VALUE", unit = "°C" },
    },
  },
  station "meter" {
    address = "plant/meter/up", payload_type = "Text only",
    tags = { volts = Ai [=[RE=V=([0-9]+)]=] },
  },
}
local many = { }
for i = 1, 1000 do
  many[i] = station(("s%04d"):format(i)) { address = "many/" .. i, off = true, tags = {
    a = Ai "JA=a", b = Ai "JA=b", c = Ai "JA=c", d = Ai "JA=d", e = Ai "JA=e", f = Ai "JA=f",
    g = Ai "JA=g", h = Ai "JA=h", i = Ai "JA=i", j = Ai "JA=j" } }
end
many.host, many.port, many.topic_filter = "127.0.0.1", PORT, "many/#"
line "many" (many)
]]

local EVIL = [[<img src=x onerror="window.evil = 1"><b>bold</b>]]

-- A plant with an HTTP port of its own. Returns the process, Mosquitto, and the page's
-- address.
local function start(token, port, m)
  m = m or mosquitto.start()
  port = port or mosquitto.free_port()
  local folder = scope.folder()
  local path = folder .. "/config.lua"
  local names = { PORT = m.port, HTTP = port, TOKEN = token
    and (', token = "%s"'):format(token)
    or "" }
  files.write(path, (config:gsub("%f[%w_][A-Z][A-Z_]*%f[^%w_]", names)))
  local t = tagline.run(path)
  m:wait_subscribed "page"
  wait.poll("an answer of the HTTP server", nil, function()
    return (pcall(browser.http, port, "GET", "/healthz"))
  end)
  return t, m, ("http://127.0.0.1:%d/"):format(port), port
end

local function payload(temperature)
  return ('{"t": %s, "e": 9223372036854775807, "on": true, "note": %s}'):format(temperature,
    require "cjson".encode(EVIL))
end

-- The text of the first element that fits.
local function text_of(b, selector)
  return b:run("return document.querySelector(arguments[0])?.textContent ?? null", selector)
end

local function shows(b, selector, text)
  b:wait(("'%s' in %s"):format(text, selector),
    [[return [...document.querySelectorAll(arguments[0])].some(
      (n) => n.checkVisibility() && n.textContent.includes(arguments[1]))]], selector, text)
end

-- Elements that can be used without a name that a screen reader could say.
local NAMELESS = [[
  const named = (n) => n.getAttribute("aria-label") || n.labels?.length || n.textContent.trim()
    || document.getElementById(n.getAttribute("aria-labelledby"))?.textContent || n.title;
  return [...document.querySelectorAll("a, button, input, select, summary, table, section, dialog")]
    .filter((n) => n.checkVisibility() && !named(n)).map((n) => n.outerHTML.slice(0, 120));
]]

local there = browser.missing and pending or describe

there("the page", function()
  local t, m, base, port, b

  setup(function()
    t, m, base, port = start()
    b = browser.open()
    m:publish("plant/boiler/up", payload "21.5", { qos = 1 })
    m:publish("plant/meter/up", "V=-- A=1", { qos = 1 })
    m:publish("plant/<i>other</i>", EVIL, { qos = 1 })
    t:value "plant.meter.volts"
  end)
  teardown(scope.finish)

  -- Nothing that happened may have hurt: the console, the policy, the origin.
  after_each(function()
    assert.same({}, b:complaints())
    for _, url in ipairs(b:requests()) do
      assert.truthy(url:sub(1, #base) == base or url:match "^data:" or url == "about:blank",
        url)
    end
    assert.falsy(b:run "return Boolean(window.evil)")
    assert.same(0, b:run [[return document.querySelectorAll("main img, main b > b").length]])
    assert.same({}, b:run(NAMELESS))
  end)

  it("says first what is wrong, in words, with the way to its cause", function()
    b:go(base)
    shows(b, "h1", "1 thing to look at")
    shows(b, ".is-problems", "plant.meter")
    shows(b, ".is-problems", "the message does not have it")
    shows(b, "#t-lines ~ *", "connected")
    shows(b, ".stations", "plant.boiler")
    assert.same({ "HEADER", "MAIN", "NAV" }, b:run [[
      return ["header", "main", "nav"].map((n) => document.querySelector(n).tagName)]])
    b:run [[document.querySelector(".is-problems a").click()]]
    shows(b, "h1", "plant.meter.volts")
    shows(b, "#t-why ~ *", "the expression does not match")
    shows(b, "#t-last ~ *", "V=-- A=1")
    assert.equal("(1) plant.meter.volts: tagline", b:run "return document.title")
    assert.equal("H1", b:run "return document.activeElement.tagName")
  end)

  it("shows values as they come, integers of 64 bits exactly, and markup as text", function()
    b:go(base .. "#/tags?filter=boiler")
    shows(b, ".rows", "9223372036854775807")
    shows(b, ".rows", "21.5")
    shows(b, ".rows", "°C")
    shows(b, ".rows", EVIL)
    m:publish("plant/boiler/up", payload "48.25", { qos = 1 })
    shows(b, ".rows", "48.25")
    m:publish("plant/boiler/up", payload "null", { qos = 1 })
    shows(b, ".rows", "type: what came is not of the tag's type")
    m:publish("plant/boiler/up", payload "50", { qos = 1 })
    b:wait("that it is valid again", [[return !document.querySelector("tr.is-invalid")]])
    m:publish("plant/boiler/up", (payload(50):gsub('"note": .*', '"note": " a  b "}')), { qos = 1 })
    shows(b, ".rows", "␣a  b␣")
    assert.equal("pre", b:run [[return getComputedStyle(document.querySelector(
      "tbody td.c-value")).whiteSpace]])
  end)

  it("filters and sorts 10,000 tags, of which only those in sight are elements", function()
    b:go(base .. "#/tags")
    shows(b, ".told", "10,007 tags")
    assert.truthy(b:run [[return document.querySelectorAll("tbody tr").length]] < 100)
    assert.equal("10008", b:run [[return document.querySelector("table").ariaRowCount]])
    b:run [[document.querySelector(".scroller").scrollTop = 1e9]]
    shows(b, ".rows", "plant.meter.volts")
    b:run [[document.querySelectorAll(".choice button")[1].click()]]
    shows(b, ".told", "1 of 10,007 tags")
    shows(b, ".rows", "plant.meter.volts")
    assert.truthy(b:run("return location.hash"):find("only=invalid", 1, true))
    b:run [[document.querySelectorAll(".choice button")[0].click()]]
    b:run [[document.querySelectorAll(".sort")[3].click()]]
    b:wait("the invalid one first", [[
      return document.querySelector("th[aria-sort=ascending]")?.textContent === "Status"
        && document.querySelector(".rows tbody tr").textContent.includes("volts")]])
  end)

  it("is led by the keyboard", function()
    b:go(base .. "#/")
    b:go(base .. "#/tags")
    shows(b, ".told", "10,007 tags")
    b:press("/", "boiler.temp")
    shows(b, ".told", "1 of 10,007 tags")
    b:press("Tab", "Tab", "Tab", "Tab") -- all, invalid, unset, the table
    assert.equal("Tags", b:run "return document.activeElement.ariaLabel")
    b:press "ArrowDown"
    b:press "Enter"
    shows(b, "h1", "plant.boiler.temperature")
    b:run "document.activeElement.blur(); history.back()"
    shows(b, ".told", "1 of 10,007 tags")
    b:go(base .. "?again")
    shows(b, "h1", "1 thing to look at")
    b:press "Tab"
    assert.equal("Skip to the content", b:run "return document.activeElement.textContent")
    b:press "Enter"
    assert.equal("main", b:run "return document.activeElement.id")
  end)

  it("draws what the history has", function()
    for i = 1, 5 do m:publish("plant/boiler/up", payload(60 + i), { qos = 1 }) end
    b:go(base .. "#/tag/plant.boiler.temperature")
    shows(b, ".now", "65")
    shows(b, "#t-why ~ *", "65 °C")
    local turn = 0 -- a value is in the history some seconds after it came
    wait.poll("all points", nil, function()
      if turn % 40 == 0 then
        b:run [[document.querySelector(".choice [aria-pressed=true]")?.click()]]
      end
      turn = turn + 1
      local points =
        b:run [[return Number(document.querySelector(".plot")?.dataset.points ?? 0)]]
      return points >= 8
    end)
    shows(b, ".plot-note", "greatest 65 °C")
    assert.truthy(b:run [[return document.querySelector(".plot canvas").width]] > 300)
    b:run [[document.querySelectorAll("[aria-label='Time range'] button")[2].click()]]
    shows(b, ".plot-note", "greatest 65 °C")
    b:go(base .. "#/tag/plant.boiler.energy")
    shows(b, ".plot-note", "least 9223372036854775807 Wh, greatest 9223372036854775807 Wh")
    -- small curves begin with it, too
    b:go(base .. "?small#/tags?filter=boiler.temp")
    b:wait("a small curve of the history",
      [[const path = document.querySelector(".rows tbody .spark path");
        return path?.getAttribute("d")?.includes("L")]])
  end)

  it("shows messages, their payloads, and where each went", function()
    b:go(base .. "#/messages")
    shows(b, ".message-list", "plant/<i>other</i>")
    b:run [[const all = [...document.querySelectorAll(".message")];
      all.find((n) => n.textContent.includes("other")).click()]]
    shows(b, ".detail", EVIL)
    shows(b, ".detail", "no station takes it")
    b:run [[document.querySelector("#match").value = "plant.boiler"]]
    b:run [[document.querySelector("#match").dispatchEvent(new Event("input"))]]
    b:wait("those of the boiler alone",
      [[return document.querySelectorAll(".message").length > 3
        && [...document.querySelectorAll(".message .to")]
          .every((n) => n.textContent === "plant.boiler")]])
    b:run [[document.querySelector(".message").click()]]
    shows(b, ".payload", '"e": 9223372036854775807')
    shows(b, ".detail", "65 °C")
    b:run [[document.querySelector(".pause").click()]]
    m:publish("plant/boiler/up", payload "70.125", { qos = 1 })
    t:value "plant.boiler.temperature"
    shows(b, ".told", "Paused")
    assert.falsy(text_of(b, ".message-list"):find("70.125", 1, true))
    b:run [[document.querySelector(".pause").click()]]
    shows(b, ".message-list", "70.125")
  end)

  it("writes a setpoint after a question, and says how it ended", function()
    local device = m:subscribe("plant/boiler/set", 1)
    b:go(base .. "#/tag/plant.boiler.setpoint")
    b:wait("the form", [[return document.querySelector("#new-value")]])
    local function enter(text)
      b:run(
        [[const f = document.querySelector("#new-value"); f.value = arguments[0];
          f.form.requestSubmit()]],
        text)
    end
    enter "much"
    shows(b, ".said", "a whole number is expected")
    enter "9007199254740993"
    shows(b, "dialog", "9007199254740993 °C")
    assert.equal("Cancel", b:run "return document.activeElement.textContent")
    b:press "Escape"
    b:wait("no dialog", [[return !document.querySelector("dialog")]])
    enter "9007199254740993"
    shows(b, "dialog", "plant.boiler.setpoint")
    b:run [[document.querySelector("dialog .danger").click()]]
    device:wait_line "9007199254740993$"
    shows(b, ".said", "was written")
    shows(b, ".now", "9007199254740993")
    assert.equal(1, #device:lines())
  end)

  it("fits a phone, light and dark", function()
    for _, dark in ipairs { false, true } do
      b:show { width = 375, height = 700, dark = dark }
      for _, view in ipairs { "", "#/tags", "#/tag/plant.meter.volts", "#/messages" } do
        b:go(base .. view)
        b:wait("the heading", [[return document.querySelector("h1")]])
        b:wait("no scroll to the side of " .. view, [[
          const m = document.querySelector("main"), p = document.documentElement;
          return m.clientWidth > 0 && m.scrollWidth <= 375 && p.scrollWidth <= 375]])
        assert.truthy(b:run [[
          const style = getComputedStyle(document.body);
          const [a, g] = [style.color, style.backgroundColor];
          const sum = (c) => c.match(/\d+/g).slice(0, 3).reduce((x, y) => x + Number(y), 0);
          return Math.abs(sum(a) - sum(g)) > 380]])
      end
    end
    b:show { dark = false }
  end)

  it("says that the connection is lost, and is right again by itself", function()
    b:go(base .. "#/tags?filter=boiler")
    shows(b, ".link", "live")
    t:kill "sigstop"
    shows(b, "#lost", "connection lost")
    shows(b, ".link", "connection lost")
    m:publish("plant/boiler/up", payload "77.75", { qos = 1 })
    t:kill "sigcont"
    shows(b, ".link", "live")
    shows(b, ".rows", "77.75")
    b:wait("no word of it any more",
      [[return !document.querySelector("#lost").checkVisibility()]])

    t:stop() -- a process that begins anew is another story for the page: a snapshot
    shows(b, "#lost", "connection lost")
    t = start(nil, port, m)
    m:publish("plant/boiler/up", payload "12.5", { qos = 1 })
    shows(b, ".rows", "12.5")
    shows(b, ".link", "live")
    b:complaints() -- of a server that was not there
  end)
end)

there("the page's door", function()
  after_each(scope.finish)

  it("asks for the token, says when it is wrong, and opens with it", function()
    local _, _, base = start "0123456789abcdef"
    local b = browser.open()
    b:go(base)
    b:wait("the form", [[return document.querySelector("#token")]])
    b:run [[document.querySelector("#token").value = "wrong"; document.forms[0].requestSubmit()]]
    shows(b, "#wrong", "not the token")
    b:complaints() -- of the answer 401
    b:run [[document.querySelector("#token").value = "0123456789abcdef";
      document.forms[0].requestSubmit()]]
    shows(b, "h1", "Nothing is wrong")
    assert.same({}, b:complaints())
    assert.falsy(b:run("return document.cookie"):find "0123456789abcdef")
  end)
end)

describe("the page's files", function()
  it("are less than 100 KB, and load nothing from elsewhere", function()
    local size, folder = 0, "core/web/page/"
    for name in uv.fs_scandir_next, (uv.fs_scandir(folder)) do
      local text = files.read(folder .. name)
      size = size + #text:gsub("\n +", "\n") -- as it is sent (core/web/embed.cmake)
      for address in text:gmatch "https?://[%w.]+" do
        assert.equal("http://www.w3.org", address, name)
      end
      assert.falsy(text:find "innerHTML%s*=" or text:find "%f[%w]eval%(", name)
      assert.falsy(name:match "html$" and (text:find ' style="' or text:find "<script>"), name)
    end
    assert.truthy(size < 100000, size)
  end)
end)
