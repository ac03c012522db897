-- Whole files, read and written at once. Needs nothing but Lua, so that every spec can use it;
-- folders of its own a spec gets from scope.
local files = {}

-- A file's bytes. Raises when it is not there.
function files.read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

-- Write a file's bytes; what it held before is gone. Returns the path.
function files.write(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
  return path
end

-- Put `to` in the place of the text `from` (no pattern) where it stands first. Raises when it
-- does not: a spec that believes to have changed something proves nothing.
function files.change(path, from, to)
  local text = files.read(path)
  local first, last = text:find(from, 1, true)
  if not first then error(("'%s' is not in %s"):format(from, path), 2) end
  files.write(path, text:sub(1, first - 1) .. to .. text:sub(last + 1))
end

return files
