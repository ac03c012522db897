-- Another program as a spec sees it: its lines, its exit code, its memory. Whatever a spec
-- leaves running is killed when it ends.
local uv = require "luv"
local files = require "spec.support.files"
local scope = require "spec.support.scope"
local wait = require "spec.support.wait"

local process = {}
process.__index = process

local function environment(changes)
  local all = uv.os_environ()
  for name, value in pairs(changes or {}) do all[name] = value or nil end
  local list = {}
  for name, value in pairs(all) do list[#list + 1] = name .. "=" .. value end
  return list
end

local function collect(stream)
  stream.pipe:read_start(function(why, bytes)
    if why or not bytes then
      if stream.partial ~= "" then stream.lines[#stream.lines + 1] = stream.partial end
      stream.partial, stream.ended = "", true
      return
    end
    local text = stream.partial .. bytes
    local at = 1
    while true do
      local stop = text:find("\n", at, true)
      if not stop then break end
      stream.lines[#stream.lines + 1] = text:sub(at, stop - 1)
      at = stop + 1
    end
    stream.partial = text:sub(at)
  end)
end

-- Where a program of the system is; not all of its folders need be in PATH.
function process.find(name)
  for _, folder in ipairs { "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin",
    "/opt/homebrew/bin", "/opt/homebrew/sbin" } do
    if uv.fs_access(folder .. "/" .. name, "X") then return folder .. "/" .. name end
  end
  error(name .. " is not installed; scripts/setup installs it", 2)
end

-- Start a program. options: env (changes; false unsets), cwd, input (text for stdin, which is
-- then closed; without it stdin stays open and empty), paused (do not read stdout until
-- resume()), processor (seconds of it after which the kernel ends the program).
function process.start(path, arguments, options)
  options = options or {}
  if options.processor then
    arguments = { "-c", ('ulimit -t %d; exec "$0" "$@"'):format(options.processor), path,
      table.unpack(arguments or {}) }
    path = "/bin/sh"
  end
  if options.net then path, arguments = options.net:words(path, arguments) end -- spec.support.netns
  local p = setmetatable({ path = path, stdin = uv.new_pipe(false), streams = {} }, process)
  for _, name in ipairs { "stdout", "stderr" } do
    p.streams[name] = { pipe = uv.new_pipe(false), lines = {}, partial = "", taken = 0,
      ended = false }
  end
  local handle, pid = uv.spawn(path, {
    args = arguments, cwd = options.cwd, env = environment(options.env),
    stdio = { p.stdin, p.streams.stdout.pipe, p.streams.stderr.pipe },
  }, function(code, signal)
    p.code, p.signal = code, signal
    p.handle:close()
  end)
  scope.defer(function() p:finish() end)
  if not handle then
    p.code, p.signal = 127, 0
    error(("cannot start %s: %s"):format(path, pid), 2)
  end
  p.handle, p.pid = handle, pid
  if not options.paused then collect(p.streams.stdout) end
  collect(p.streams.stderr)
  if options.input then
    p.stdin:write(options.input)
    p:close_input()
  end
  return p
end

-- Start reading stdout (or stderr) of a program that was started paused, or after pause().
function process:resume(name) collect(self.streams[name or "stdout"]) end

-- Stop reading stdout (or stderr); the pipe fills.
function process:pause(name) self.streams[name or "stdout"].pipe:read_stop() end

-- Close our end of stdout: the program's next write fails.
function process:close_stdout()
  self.streams.stdout.pipe:close()
  self.streams.stdout.ended = true
end

function process:write(text) self.stdin:write(text) end

function process:close_input()
  self.stdin:shutdown(function() if not self.stdin:is_closing() then self.stdin:close() end end)
end

local function said(self)
  local words = {}
  for _, name in ipairs { "stdout", "stderr" } do
    local lines = self.streams[name].lines
    local from = math.max(1, #lines - 9)
    words[#words + 1] = ("%s said %s"):format(name, #lines == 0 and "nothing" or "\n  "
      .. table.concat(lines, "\n  ", from))
  end
  if self.code then
    words[#words + 1] = ("it ended with code %d, signal %d"):format(self.code, self.signal)
  end
  return table.concat(words, "\n")
end

-- The next line that matches the Lua pattern, behind the last one returned for this stream
-- ("stdout" or "stderr"). Raises when the stream ends or time is over first.
function process:wait_line(pattern, milliseconds, name)
  local stream = self.streams[name or "stdout"]
  local found
  local function look()
    while stream.taken < #stream.lines do
      stream.taken = stream.taken + 1
      if stream.lines[stream.taken]:find(pattern) then
        found = stream.lines[stream.taken]
        return true
      end
    end
    return stream.ended
  end
  wait.till(("line like '%s'"):format(pattern), milliseconds, look,
    function() return said(self) end)
  if not found then error(("no line like '%s': %s"):format(pattern, said(self)), 2) end
  return found
end

function process:wait_log(pattern, milliseconds)
  return self:wait_line(pattern, milliseconds, "stderr")
end

-- All of a stream so far, as one text.
function process:text(name)
  local stream = self.streams[name or "stdout"]
  return table.concat(stream.lines, "\n") .. stream.partial
end

function process:lines(name) return self.streams[name or "stdout"].lines end

-- Has it ended, and are both streams' last bytes here?
function process:has_ended()
  return self.code ~= nil and self.streams.stdout.ended and self.streams.stderr.ended
end

-- Wait for that. Returns exit code and signal (0 when none).
function process:wait_exit(milliseconds)
  wait.till("end of " .. self.path, milliseconds, function() return self:has_ended() end,
    function() return said(self) end)
  return self.code, self.signal
end

-- Send a signal ("sigterm", the default, "sigint", "sigkill", "sighup" …) to a program that
-- still runs.
function process:kill(signal) if not self.code then self.handle:kill(signal or "sigterm") end end

-- Bytes of resident memory.
function process:rss()
  return tonumber(files.read(("/proc/%d/status"):format(self.pid)):match(
    "VmRSS:%s*(%d+) kB")) * 1024
end

-- Processor time in seconds that a `stat` file of /proc tells.
local function cpu_of(path)
  local fields = files.read(path):match("%) (.*)")
  local n, ticks = 0, 0
  for field in fields:gmatch("%S+") do
    n = n + 1
    if n == 12 or n == 13 then ticks = ticks + tonumber(field) end
  end
  return ticks / 100
end

-- Processor time used so far, in seconds.
function process:cpu() return cpu_of(("/proc/%d/stat"):format(self.pid)) end

-- The same of its first thread, which is the one of the loop.
function process:loop_cpu()
  return cpu_of(("/proc/%d/task/%d/stat"):format(self.pid, self.pid))
end

-- Processor time, in seconds, that the program uses while `work` runs. What specs measure
-- instead of the clock on the wall, which goes on while other programs have the processor.
function process:cpu_during(work)
  local before = self:cpu()
  work()
  return self:cpu() - before
end

-- End it if it still runs, and close what belongs to it.
function process:finish()
  -- for scripts/coverage: what is killed has counted in vain, also on a busy machine
  if self.handle and not self.code and os.getenv "SPEC_GENTLE" then
    self.handle:kill("sigcont")
    self.handle:kill("sigterm")
    pcall(wait.till, "end of " .. self.path, nil, function() return self.code end)
  end
  if self.handle and not self.code then
    self.handle:kill("sigkill")
    wait.till("end of the killed " .. self.path, nil, function() return self.code end)
  end
  for _, stream in pairs(self.streams) do
    if not stream.pipe:is_closing() then stream.pipe:close() end
  end
  if not self.stdin:is_closing() then self.stdin:close() end
end

-- Run to the end: returns exit code, stdout and stderr.
function process.run(path, arguments, options)
  local p = process.start(path, arguments, options)
  if not (options and options.input) then p:close_input() end
  local code = p:wait_exit(options and options.milliseconds)
  p:finish() -- a spec that polls by programs would run out of descriptors
  return code, p:text("stdout"), p:text("stderr")
end

return process
