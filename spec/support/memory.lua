-- Memory of `tagline_failing` that fails when a spec says so: the numbers in a file that its
-- allocator looks at (support/failing_memory.c). TAGLINE_MEMORY in its environment names the file.
local uv = require "luv"
local scope = require "spec.support.scope"
local tagline = require "spec.support.tagline"

local memory = {}
memory.__index = memory

function memory.program() return (tagline.program():gsub("tagline$", "tagline_failing")) end

function memory.new()
  local path = scope.file("memory", string.pack("<i8i8i8i8", -1, 0, 0, 0))
  local fd = assert(uv.fs_open(path, "r+", 0))
  scope.defer(function() uv.fs_close(fd) end)
  return setmetatable({ path = path, fd = fd }, memory)
end

-- The request behind `left` others fails; with `forever` all behind it, too.
function memory:put(left, forever)
  assert(uv.fs_write(self.fd, string.pack("<i8i8", left, forever and 1 or 0), 0))
end
function memory:heal() self:put(-1, false) end

-- How many requests there were, and how many of them failed, since the last call of this.
function memory:count()
  local _, _, asked, failed = string.unpack("<i8i8i8i8", uv.fs_read(self.fd, 32, 0))
  local before = self.before or { 0, 0 }
  self.before = { asked, failed }
  return asked - before[1], failed - before[2]
end

-- How many failed since count() was last called.
function memory:failures()
  local _, _, _, failed = string.unpack("<i8i8i8i8", uv.fs_read(self.fd, 32, 0))
  return failed - (self.before or { 0, 0 })[2]
end

return memory
