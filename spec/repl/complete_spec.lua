-- What Tab offers, from variables and from what the core says of names.
local complete = require "tagline.repl.complete"
local fake = require "spec.repl.fake"

local all = { "plant", "plant.boiler", "plant.boiler.running", "plant.boiler.temperature",
  "plant.meter", "plant.meter.volts", "well" }

-- As live.names of the core: part by part.
local function names(prefix, depth)
  local found, seen = {}, {}
  for _, name in ipairs(all) do
    local _, dots = prefix:gsub("%.", "")
    local part = name:match("^" .. ("[^.]*%."):rep(dots) .. "[^.]*")
    if part and part:sub(1, #prefix) == prefix and not seen[part] and dots < depth then
      seen[part] = true
      found[#found + 1] = dots + 1 < depth and part .. "." or part
    end
  end
  return found, 0
end

describe("completion", function()
  local live = { names = names, modules = function() return { "tagline.codec.base64",
    "tagline.codec.hex" } end }
  local tag, line, api, own

  before_each(function()
    fake.install()
    tag = fake.tag("plant.boiler.temperature",
      { value = 1, station = fake.object("station", { full_name = "plant.boiler" }) })
    line = fake.object("line", { name = "plant", stations = { boiler = 1, ["not-a-name"] = 2 } })
    api = { tags = fake.collection("tag", { tag }), lines = fake.collection("line", { line }),
      status = function() end, stations = {} }
    own = { store = { alpha = 1, beta = print, ["odd key"] = 3 }, xs = { { inner = 1 } } }
  end)
  after_each(fake.restore)

  local function offers(text, expected)
    local list, more = complete.list(text, #text, own, api, { every = print, env = print }, live)
    assert.same(expected, list)
    assert.equal(0, more)
  end

  it("offers words, variables, the config's words and Lua's", function()
    offers("stat", { "stations", "status(" })
    offers("x = sto", { "store" })
    offers("ev", { "every(" })
    offers("en", { "end", "env" })
    offers("whi", { "while" })
    offers("print(1, tru", { "true" })
    offers("nothing_like_it", {})
  end)

  it("offers names part by part inside of brackets", function()
    offers('tags["pl', { "plant." })
    offers('tags["', { "plant.", "well." })
    offers("print(tags['plant.b", { "plant.boiler." })
    offers('tags["plant.boiler.t', { 'plant.boiler.temperature"]' })
    offers("tags['plant.boiler.t", { "plant.boiler.temperature']" })
    offers('lines [ "w', { 'well"]' })
    offers('store["odd', { 'odd key"]' })
  end)

  it("offers fields behind a point and methods behind a colon", function()
    offers("tags['plant.boiler.temperature'].un", { "unit" })
    offers("tags['plant.boiler.temperature']:w", { "write(" })
    offers("tags['plant.boiler.temperature'].station.na", { "name" })
    offers("store.", { "alpha", "beta(" })
    offers("store:", { "beta(" })
    offers("xs[1].in", { "inner" })
    offers("lines.pl", { "plant" })
    offers("lines.plant.stations.", { "boiler" })
    offers("lines.plant:se", { "set {" })
  end)

  it("offers parameters, modules, help's names and watch's patterns", function()
    offers("lines.plant:set { keep_a", { "keep_alive = " })
    offers("lines.plant:set{ keep_alive = 60, ping", { "ping_interval = " })
    offers('require "tagline.codec.h', { 'tagline.codec.hex"' })
    offers("require('tagline.codec.b", { "tagline.codec.base64'" })
    offers('help "keep_', { 'keep_alive"' })
    offers('help "msg.cap', { 'msg.captures"' })
    offers('watch("plant.m', { "plant.meter." })
    offers("watch { top", { "topic = " })
    offers("reload { ", { "dry = true" })
    offers("reload{d", { "dry = true" })
  end)

  it("offers nothing where nothing can be known", function()
    offers("f().", {})
    offers("nope.", {})
    offers('"a".', {})
    offers("x = 'te", {})
    offers("f()[1].", {})
    offers("-- tags['pl", {})
    offers("tags['a'].b.c.", {})
  end)

  it("looks only at what is before the cursor", function()
    local list = complete.list('tags["pl"]', 8, own, api, nil, live)
    assert.same({ "plant." }, list)
  end)

  it("calls no function of the user's", function()
    own.trap = setmetatable({}, { __index = function() error "called" end,
      __pairs = function() error "called" end })
    offers("trap.x.", {})
    offers("trap.", {})
  end)

  it("bounds the list, and keeps what all of them share", function()
    own.many = {}
    for i = 1, 5000 do own.many[("key%04d"):format(i)] = i end
    own.many.kez = 1
    local list, more = complete.list("many.ke", 7, own, api, nil, live)
    assert.equal(1000, #list)
    assert.equal(4001, more)
    assert.equal("key0001", list[1])
    assert.equal("kez", list[#list])
  end)
end)
