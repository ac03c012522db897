-- Where a config's histories and spools lie: beside it, or where a service may write.
local load = require "tagline.config.load"
local places = require "tagline.config.places"
local scope = require "spec.support.scope"
local uv = require "luv"

local line = 'line "p" { host = "h", station "s" { address = "a" } }'
local text = 'history { file = "plant.db" } spool { folder = "s" } ' .. line

-- The draft of a config of this path, under an environment.
local function drafted(path, env, source)
  local getenv = os.getenv
  os.getenv = function(name) -- luacheck: ignore
    if env[name] ~= nil then return env[name] or nil end
    return getenv(name)
  end
  local draft, problems = load.string(source or text, path)
  os.getenv = getenv -- luacheck: ignore
  for _, one in ipairs(problems) do assert.equal("warning", one.severity) end -- no such files here
  return draft
end

-- The history's file and the spool's folder.
local function placed(path, env, source)
  local outlets = drafted(path, env, source).outlets
  local one = outlets.list[1]
  return one.file or one.tls_ca_file, outlets.spool.folder
end

describe("what a config writes", function()
  after_each(scope.finish)

  it("is beside the config", function()
    local none = { STATE_DIRECTORY = false }
    assert.same({ "plant.db", "s" }, { placed("c.lua", none) })
    assert.same({ "/a/plant.db", "/a/s" }, { placed("/a/c.lua", none) })
    assert.same({ "/a/plant.db", "/a/s" }, { placed("/a/c.lua", { STATE_DIRECTORY = "" }) })
    assert.same({ "/a/plant.db", "/a/s" }, { placed("/a/c.lua", { STATE_DIRECTORY = "x" }) })
  end)

  it("is in the service's folder, the first of several", function()
    local service = { STATE_DIRECTORY = "/var/lib/tagline/plant:/var/lib/other" }
    assert.same({ "/var/lib/tagline/plant/plant.db", "/var/lib/tagline/plant/s" },
      { placed("/etc/tagline/plant.lua", service) })
    assert.same({ "/x.db", "/var/lib/tagline/plant/plant.spool" },
      { placed("/etc/tagline/plant.lua", service, 'history { file = "/x.db" } ' .. line) })
  end)

  it("is there for sessions, too, also for one that a line gets later", function()
    local source = 'history { file = "x.db" } line "p" { host = "h", client_id = "c", \z
      session_store = "session", station "s" { address = "a" } }'
    local state = { STATE_DIRECTORY = "/var/lib/tagline/plant" }
    for path, row in pairs { ["c.lua"] = { "session" }, ["/a/c.lua"] = { "/a/session" },
      ["/etc/tagline/plant.lua"] = { "/var/lib/tagline/plant/session", state } } do
      local draft = drafted(path, row[2] or { STATE_DIRECTORY = false }, source)
      assert.equal(row[1], draft.lines[1].params.session_store)
    end
    local set = require "tagline.config.set"
    local core = require "tagline.core"
    for given, is in pairs { later = "/a/later", ["/later"] = "/later", [""] = false } do
      local found = set.check({ session_store = given }, {}, core, "/a/c.lua")
      assert.same({ session_store = is }, found)
    end
  end)

  it("lies apart from what it reads, which is beside it", function()
    local outlet = 'outlet "bus" { nats = "h", tls_ca_file = "ca.crt" } ' .. line
    assert.equal("/etc/tagline/ca.crt", (placed("/etc/tagline/plant.lua",
      { STATE_DIRECTORY = "/var/lib/tagline/plant" }, outlet)))
    assert.equal("ca.crt", (placed("c.lua", { STATE_DIRECTORY = false }, outlet)))
  end)

  it("is found there by who reads a service's history from a shell", function()
    local configs, states = places.configs, places.states
    places.configs, places.states = "/conf/", scope.folder() .. "/"
    assert(uv.fs_mkdir(places.states .. "plant", 448))
    local file = placed("/conf/plant.lua", { STATE_DIRECTORY = false })
    local other = placed("/conf/never-ran.lua", { STATE_DIRECTORY = false })
    local elsewhere = placed("/home.d/plant.lua", { STATE_DIRECTORY = false })
    local state = places.states
    places.configs, places.states = configs, states
    assert.equal(state .. "plant/plant.db", file)
    assert.equal("/conf/plant.db", other)
    assert.equal("/home.d/plant.db", elsewhere)
  end)
end)
