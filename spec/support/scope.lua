-- What a spec opened and how it is all closed again: children, sockets, folders. Each spec ends
-- with `after_each(scope.finish)`. finish closes in reverse order, then fails the test if
-- anything is still open that nobody registered.
local uv = require "luv"
local files = require "spec.support.files"

local scope = {}
local deferred = {}

-- A write to a program or client that has just gone must fail, not end all specs without a word.
local no_sigpipe = uv.new_signal()
no_sigpipe:start("sigpipe")
no_sigpipe:unref()

-- Is it that one, or the same of another spec file that ran before in this process?
local function is_ours(handle)
  return uv.handle_get_type(handle) == "signal" and not uv.has_ref(handle)
end

-- Have `close` called at the end of this spec.
function scope.defer(close) deferred[#deferred + 1] = close end

local function remove(path)
  local entries = uv.fs_scandir(path)
  while entries do
    local name, kind = uv.fs_scandir_next(entries)
    if not name then break end
    if kind == "directory" then
      remove(path .. "/" .. name)
    else
      uv.fs_unlink(path .. "/" .. name)
    end
  end
  uv.fs_rmdir(path)
end

-- A new empty folder, gone when the spec ends.
function scope.folder()
  local base = os.getenv("TMPDIR") or "/tmp"
  local path = assert(uv.fs_mkdtemp(base .. "/tagline-spec.XXXXXX"))
  scope.defer(function() remove(path) end)
  return path
end

-- Write a file into a new folder or the given one; folders in its name are made. Returns its path.
function scope.file(name, text, folder)
  folder = folder or scope.folder()
  -- those that are there stay
  for at in name:gmatch "()/" do uv.fs_mkdir(folder .. "/" .. name:sub(1, at - 1), 448) end
  return files.write(folder .. "/" .. name, text)
end

function scope.finish()
  local problems = {}
  for at = #deferred, 1, -1 do
    local ok, why = pcall(deferred[at])
    if not ok then problems[#problems + 1] = tostring(why) end
  end
  deferred = {}
  local open
  -- closing takes a turn of the loop or two; nothing here waits for anybody else
  for _ = 1, 100 do
    uv.run("nowait")
    open = {}
    uv.walk(function(handle)
      if uv.is_closing(handle) then
        open.closing = true
      elseif not is_ours(handle) then
        open[#open + 1] = handle
      end
    end)
    if not open.closing then break end
  end
  for at, handle in ipairs(open) do
    open[at] = tostring(handle)
    uv.close(handle)
  end
  uv.run("nowait")
  if #open > 0 then problems[#problems + 1] = "left open: " .. table.concat(open, ", ") end
  if #problems > 0 then error(table.concat(problems, "\n"), 0) end
end

return scope
