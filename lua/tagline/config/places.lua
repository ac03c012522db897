--- Where a config's files are. What it reads is beside it; what it writes (histories, spools,
--- sessions) too, unless it runs as a service: there the config's folder is the administrator's,
--- and the service has a folder of its own.
local environment = require "tagline.config.environment"

local places = {}

--- Where scripts/package/tagline@.service puts both.
places.configs, places.states = "/etc/tagline/", "/var/lib/tagline/"

--- The folder that relative names of written files begin in, with a "/" behind it, or "" for the
--- current one: systemd's $STATE_DIRECTORY; of a service's config also for who reads its history
--- from a shell.
function places.written(load)
  local given = (os.getenv "STATE_DIRECTORY" or ""):match "^/[^:]*"
  if given then return given .. "/" end
  local folder, name = load.path:match "^(.*/)([^/]+)%.lua$"
  if folder == places.configs then
    local state = places.states .. name
    local _, _, absent = environment.read(state, 1)
    if not absent then return state .. "/" end
  end
  return load.folder
end

--- What of a load these functions look at, of the config of this path.
function places.of(path) return { path = path, folder = path:match "^.*/" or "" } end

--- The path of a written file.
function places.path(load, name)
  return name:sub(1, 1) == "/" and name or places.written(load) .. name
end

return places
