-- A real terminal for specs: tmux holds it, keys are typed into it, its screen is read.
local process = require "spec.support.process"
local scope = require "spec.support.scope"
local wait = require "spec.support.wait"

local terminal = {}
terminal.__index = terminal

local number = 0

local function tmux(self, ...)
  local code, out, errors = process.run("tmux", { "-L", self.name, "-f", "/dev/null", ... },
    { env = self.env })
  if code ~= 0 then error(("tmux %s: %s"):format((...), errors), 3) end
  return out
end

local function quoted(words)
  local list = {}
  for i, word in ipairs(words) do list[i] = "'" .. word:gsub("'", "'\\''") .. "'" end
  return table.concat(list, " ")
end

-- Start a program (a list of words) in a terminal of columns × rows. Its exit code is shown
-- behind "exit " when it ends.
function terminal.start(words, options)
  options = options or {}
  number = number + 1
  local state = options.state or scope.folder()
  local self = setmetatable({
    name = ("tagline-spec-%d-%d"):format(require("luv").os_getpid(), number),
    env = { XDG_STATE_HOME = state, HOME = state, LC_ALL = "C.UTF-8", TERM = "xterm-256color",
      TMUX_TMPDIR = scope.folder(),
      TMUX = false, LD_PRELOAD = false },
    state = state,
  }, terminal)
  tmux(self, "new-session", "-d", "-x", tostring(options.columns or 100), "-y",
    tostring(options.rows or 30),
    quoted(words) .. "; echo exit $?; exec cat")
  scope.defer(function()
    if os.getenv "SPEC_GENTLE" then self:leave() end
    os.execute(("TMUX_TMPDIR='%s' tmux -L %s kill-server 2>/dev/null"):format(
      self.env.TMUX_TMPDIR, self.name))
  end)
  return self
end

-- For scripts/coverage: a program that is killed has counted in vain, and so has one that Ctrl-C
-- meets while it writes its counts. What it is busy with is given up; then the prompt is left.
function terminal:leave()
  self:press "C-c"
  pcall(wait.poll, "the end of the program", nil, function()
    self:press "C-d"
    return self:screen():find "exit %d"
  end)
end

-- Type a text as it is.
-- `tagline repl` on the process t, at its first prompt. options: no_color, and those of start().
function terminal.attach(t, options)
  local words = { require("spec.support.tagline").program(), "repl", "--socket", t.socket }
  if options and options.no_color then words = { "env", "NO_COLOR=1", table.unpack(words) } end
  local screen = terminal.start(words, options)
  screen:wait "tagline>"
  return screen
end

function terminal:type(text)
  tmux(self, "send-keys", "-l", text)
  return self
end

-- Press keys by tmux's names: "Enter", "Tab", "Up", "C-c".
function terminal:press(...)
  tmux(self, "send-keys", ...)
  return self
end

-- A line, with Enter.
function terminal:line(text) return self:type(text):press "Enter" end

-- The screen as text, without empty lines at its end.
function terminal:screen() return (tmux(self, "capture-pane", "-p"):gsub("%s+$", "")) end

-- The same with the sequences that colour it.
function terminal:colours() return tmux(self, "capture-pane", "-p", "-e") end

-- Wait until the screen holds a Lua pattern; returns the screen.
function terminal:wait(pattern, milliseconds)
  local screen
  wait.poll(("'%s' on the screen"):format(pattern), milliseconds, function()
    screen = self:screen()
    return screen:find(pattern)
  end, function() return "the screen is\n" .. screen end)
  return screen
end

return terminal
