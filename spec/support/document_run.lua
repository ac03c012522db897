-- Runs a document for users from its first block to its last, as its reader would, in a folder of
-- its own. What follows a fence's language tells what to do with the block:
--
--   lua                   a config: `check` finds nothing. With `file=NAME` it is written first
--   lua in=line           part of a config: stations of a line; `in=station`: fields of a station;
--                         `in=tags`: tags; `in=handler`: statements of a handler; `in=top`:
--                         fields of a line
--   lua file=NAME code    written only (a module or a spec)
--   text file=NAME        any other file
--   sh                    lines that begin with "$ " are commands; what follows is what they print.
--                         `exit=N`: with that exit code. `soon`: again until it is so; also tagline
--   sh commands           each line is a command that must succeed, whatever it prints
--   sh terminal=NAME      one command that stays; what follows is what it has printed by then
--   text terminal=NAME    what that one prints next; also json
--   sh not-run: WHY       commands that a spec cannot run; also text, lua
--   tagline               a REPL on the process that runs: lines that begin with "> "
--
-- Numbers, ages and the room they take differ from run to run; all are alike here. A line "…"
-- stands for any lines. A Mosquitto of the document's own takes the place of the one at
-- 127.0.0.1:1883.
local uv = require "luv"
local documents = require "spec.support.documents"
local files = require "spec.support.files"
local mosquitto = require "spec.support.mosquitto"
local process = require "spec.support.process"
local scope = require "spec.support.scope"
local tagline = require "spec.support.tagline"
local wait = require "spec.support.wait"

local run = {}
run.__index = run

local ages = { ms = true, s = true, min = true, h = true, d = true }

--- A text in which what differs from run to run is alike; the run's folder is the reader's.
--- explain shows a message's time only where it is not that of its arrival.
function run.shape(text)
  return (text:gsub("version %x+", "version 0"):gsub("[%w/._-]*tagline%-spec%.%w+/", "/srv/plant/")
    :gsub(",? time %d+%-%d+%-%d+T[%d:.]+Z", ""):gsub("%d+", "0"):gsub("0%.0", "0")
    :gsub("0 (%l+)", function(word) return ages[word] and "0 s" end)
    :gsub("[ \t]+", " "):gsub(" *\n", "\n"))
end

--- The words behind a fence's language.
local function words(info)
  if info:find "^not%-run: %S" then return { ["not-run"] = true } end
  local found = {}
  for word in info:gmatch "%S+" do
    local name, value = word:match "^(%w+)=(.+)$"
    found[name or word] = value or true
  end
  return found
end

local wrapped = {
  top = 'line "plant" {\n%s\nstation "x" { address = "x" } }',
  line = 'line "plant" { host = "10.0.0.1", payload_type = "JSON",\n%s\n}',
  station = 'line "plant" { host = "10.0.0.1", station "x" { address = "x",\n%s\n} }',
  tags = 'line "plant" { host = "10.0.0.1", payload_type = "JSON", station "x" { address = "x", '
    .. 'tags = {\n%s\n} } }',
  handler = 'line "plant" { host = "10.0.0.1", station "x" { address = "x", on_status = '
    .. 'function(station)\n%s\nend } }',
}

--- An executable file of the document's PATH.
function run:tool(name, text)
  local path = scope.file("bin/" .. name, "#!/bin/sh\n" .. text, self.folder)
  assert(uv.fs_chmod(path, 493))
end

--- A new run: an empty folder, its PATH and its broker.
function run.new()
  local self = setmetatable({ folder = scope.folder(), terminals = {} }, run)
  self.broker = mosquitto.start()
  self:tool("tagline", ('exec %s "$@"\n'):format(tagline.program()))
  for _, name in ipairs { "mosquitto_pub", "mosquitto_sub" } do
    self:tool(name, ('exec %s -p %d "$@"\n'):format(process.find(name), self.broker.port))
  end
  scope.file("run/none", "", self.folder)
  assert(uv.fs_symlink(uv.cwd() .. "/examples", self.folder .. "/examples"))
  scope.defer(function() uv.fs_unlink(self.folder .. "/examples") end)
  self.options = { cwd = self.folder, env = { PATH = self.folder .. "/bin:" .. os.getenv "PATH",
    XDG_RUNTIME_DIR = self.folder .. "/run", HOME = self.folder, TAGLINE_HOST = "127.0.0.1",
    TAGLINE_PORT = tostring(self.broker.port), RUNTIME_DIRECTORY = false } }
  return self
end

--- The text of a file or command, with the broker that is there.
function run:here(text)
  local url = ("mqtt://127.0.0.1:%d"):format(self.broker.port)
  return (text:gsub('host( *)= "127%.0%.0%.1"', 'host%1= "' .. url .. '"')
    :gsub("tagline discover 127%.0%.0%.1", "tagline discover " .. url))
end

--- An output, with the broker that the document names.
function run:there(text)
  return (text:gsub(("mqtt://127%%.0%%.0%%.1:%d"):format(self.broker.port), "127.0.0.1"))
end

local function same(expected, got, what)
  local pattern = run.shape(expected):gsub("%p", "%%%0"):gsub("%f[^\n\0]%%…\n", ".-")
  got = run.shape(got)
  if not ("\n" .. got):find("^\n" .. pattern .. "$") then
    local text = "%s\n--- printed:\n%s--- the document has:\n%s"
    error(text:format(what, got, run.shape(expected)), 0)
  end
end

--- Steps { text, expected output } of lines that begin with `mark`.
local function steps(body, mark)
  local list = {}
  for line in body:gmatch "([^\n]*)\n" do
    if line:sub(1, #mark) == mark then
      list[#list + 1] = { line:sub(#mark + 1), "" }
    else
      assert(#list > 0, "no command before: " .. line)
      list[#list][2] = list[#list][2] .. line .. "\n"
    end
  end
  return list
end

--- How many messages the process of the terminal "run" has received; nil when there is none.
function run:received()
  if not self.terminals.run then return nil end
  local code, out = process.run(tagline.program(), { "repl", "-e",
    "local n = 0; for _, l in pairs(lines) do n = n + l.stats.received end; return n" },
    self.options)
  return code == 0 and tonumber(out) or nil
end

--- Commands of which only the end counts.
function run:silently(block)
  for line in block.body:gmatch "[^\n]+" do
    local code, out = process.run("/bin/bash", { "-c", self:here(line) .. " 2>&1" }, self.options)
    if code ~= 0 then error(("%s: exit code %d\n%s"):format(line, code, out), 0) end
  end
end

--- Run `try` once, or until it raises no error.
local function in_time(word, try)
  if not word.soon then return try() end
  local ok, why
  wait.poll("what the document has", nil, function()
    ok, why = pcall(try)
    return ok
  end, function() return tostring(why) end)
end

--- One command and what it prints.
function run:command(step, word)
  local code, out = process.run("/bin/bash", { "-c", self:here(step[1]) .. " 2>&1" }, self.options)
  if out ~= "" and out:sub(-1) ~= "\n" then out = out .. "\n" end
  same(step[2], self:there(out), "$ " .. step[1])
  if code ~= (tonumber(word.exit) or 0) then error(("$ %s: exit code %d"):format(step[1], code)) end
end

--- Commands that end, one after the other; what they publish has then been received.
function run:commands(block, word)
  local before = block.body:find "mosquitto_pub" and self:received()
  local _, published = block.body:gsub("%f[%w]mosquitto_pub ", "")
  for _, step in ipairs(steps(block.body, "$ ")) do
    in_time(word, function() self:command(step, word) end)
  end
  if before then
    wait.poll("what was published", nil, function()
      return (self:received() or 0) >= before + published
    end)
  end
end

--- What a command that stays prints next.
function run:prints(name, expected)
  local p = assert(self.terminals[name], "no terminal " .. name)
  local got = {}
  for line in expected:gmatch "([^\n]*)\n" do
    if line ~= "…" then
      local shaped = run.shape(line .. "\n")
      repeat
        local came = p:wait_line "."
        got[#got + 1] = came
      until run.shape(came .. "\n") == shaped or not expected:find("…", 1, true)
    else
      got[#got + 1] = line
    end
  end
  if not expected:find("…", 1, true) then
    same(expected, table.concat(got, "\n") .. "\n", "terminal " .. name)
  end
end

--- A command that stays.
function run:stays(block, name)
  local step = steps(block.body, "$ ")[1]
  self.terminals[name] = process.start("/bin/bash",
    { "-c", "exec " .. self:here(step[1]) .. " 2>&1" }, self.options)
  self:prints(name, step[2])
end

--- Answers of the REPL. What a prompt shows as nil and a reason is an error with -e.
function run:answer(step)
  local expected = step[2]:match "^error: (.*)$" or step[2]:match "^nil  (.*)$"
  local code, out, err = process.run(tagline.program(), { "repl", "-e", step[1] }, self.options)
  if code ~= (expected and 1 or 0) then error("> " .. step[1] .. "\n" .. out .. err, 0) end
  out = (expected and err or out):gsub("\n*$", "")
  same(expected or step[2], out == "" and "" or out .. "\n", "> " .. step[1])
end

function run:repl(block, word)
  for _, step in ipairs(steps(block.body, "> ")) do
    in_time(word, function() self:answer(step) end)
  end
end

--- A config, or a part of one, that `check` has nothing to say of.
function run:config(block, word)
  local text = block.body
  if word["in"] then
    text = assert(wrapped[word["in"]], word["in"]):gsub("%%s", function() return block.body end)
  end
  local path = word.file or "block.lua"
  scope.file(path, self:here(text), self.folder)
  if word.code then return end
  local code, out = process.run(tagline.program(), { "check", path }, self.options)
  if code ~= 0 or out ~= "" then error("check: " .. out, 0) end
end

local known = { lua = true, sh = true, tagline = true, text = true, json = true, ini = true,
  sql = true }

function run:block(block)
  local word = words(block.info)
  if not known[block.language] then error("a block without a language that specs know", 0) end
  if word["not-run"] then return end
  if block.language == "lua" then
    self:config(block, word)
  elseif word.file then
    scope.file(word.file, self:here(block.body), self.folder)
  elseif block.language == "tagline" then
    self:repl(block, word)
  elseif block.language == "sh" and word.terminal then
    self:stays(block, word.terminal)
  elseif block.language == "sh" and word.commands then
    self:silently(block)
  elseif block.language == "sh" then
    self:commands(block, word)
  elseif word.terminal then
    self:prints(word.terminal, block.body)
  else
    error("nothing says what this block is", 0)
  end
end

--- Run the document of this path; an error names the block's line.
function run.document(path)
  local self = run.new()
  for _, block in ipairs(documents.blocks(files.read(path))) do
    local ok, why = pcall(self.block, self, block)
    if not ok then error(("%s:%d: %s"):format(path, block.line, tostring(why)), 0) end
  end
  for _, p in pairs(self.terminals) do
    p:kill "sigterm"
    p:wait_exit()
  end
end

return run
