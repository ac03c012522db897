-- A real headless Chromium, driven over WebDriver by Debian's chromedriver: the page as its users
-- have it. Loopback only; each browser has a folder of its own, gone when the spec ends.
--
--   if browser.missing then return pending(browser.missing) end
--   local b = browser.open { width = 375, height = 700, dark = true }
--   b:go "http://127.0.0.1:8080/"
--   b:wait("the heading", [[return document.querySelector("h1")?.textContent == "Tags"]])
local uv = require "luv"
local cjson = require "cjson"
local process = require "spec.support.process"
local scope = require "spec.support.scope"
local wait = require "spec.support.wait"

local browser = {}
browser.__index = browser

-- Why there is no browser here; nil when there is one.
local function missing()
  for _, name in ipairs { "chromium", "chromedriver" } do
    if not pcall(process.find, name) then return name .. " is not installed" end
  end
end
browser.missing = missing()

-- One HTTP request to 127.0.0.1 on a connection of its own. Returns the status and the body.
function browser.http(port, method, path, body, head)
  local socket, parts, state = uv.new_tcp(), {}, nil
  local lines = { ("%s %s HTTP/1.1"):format(method, path), "Host: 127.0.0.1:" .. port,
    "Connection: close" }
  for _, line in ipairs(head or {}) do lines[#lines + 1] = line end
  if body then lines[#lines + 1] = "Content-Length: " .. #body end
  socket:connect("127.0.0.1", port, function(why)
    if why then state = why return end
    socket:write(table.concat(lines, "\r\n") .. "\r\n\r\n" .. (body or ""))
    socket:read_start(function(wrong, bytes)
      if bytes then parts[#parts + 1] = bytes else state = wrong or "end" end
    end)
  end)
  local ok, late = pcall(wait.till, "answer to " .. path, nil, function()
    if state then return true end
    local text = table.concat(parts) -- chromedriver keeps the connection open
    local stop = select(2, text:find("\r\n\r\n", 1, true))
    local length = stop and tonumber(text:sub(1, stop):lower():match("content%-length: *(%d+)"))
    return length and #text >= stop + length
  end)
  socket:close()
  if not ok then error(late, 2) end
  local text = table.concat(parts)
  local status, rest = text:match("^HTTP/1%.%d (%d%d%d)[^\r]*\r\n(.*)$")
  if not status then error(("no answer to %s: %s"):format(path, tostring(state)), 2) end
  local headers, content = ("\r\n" .. rest):match("^(.-)\r\n\r\n(.*)$")
  return tonumber(status), content, headers
end

-- A command of WebDriver; raises with what it says when it fails.
function browser:command(method, path, body)
  local base = self.session and "/session/" .. self.session or ""
  local status, text = browser.http(self.port, method, base .. path,
    type(body) == "table" and cjson.encode(body) or body, { "Content-Type: application/json" })
  local ok, answer = pcall(cjson.decode, text)
  if status ~= 200 or not ok then
    local value = ok and answer.value
    local why = type(value) == "table" and value.message or text
    error(("%s %s: %s"):format(method, path, tostring(why):match("^[^\n]*")), 3)
  end
  return answer.value
end

local function flags(folder)
  return { "--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
    "--no-sandbox", -- root of a container has no other way; what is shown is our own
    "--user-data-dir=" .. folder .. "/profile", "--no-first-run", "--no-proxy-server",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1" }
end

-- The browser goes before its driver: a driver that is killed leaves it running.
local function close(b)
  if b.session then pcall(b.command, b, "DELETE", "") end
  if b.browser_pid and not pcall(wait.poll, "end of the browser", 20000, function()
    return uv.kill(b.browser_pid, 0) ~= 0
  end) then
    uv.kill(b.browser_pid, "sigkill")
  end
  b.process:kill "sigterm"
  pcall(wait.till, "end of chromedriver", nil, function() return b.process:has_ended() end)
end

-- Start one. options: width, height (pixels of the page), dark.
function browser.open(options)
  options = options or {}
  local b = setmetatable({ folder = scope.folder() }, browser)
  b.process = process.start(process.find "chromedriver", { "--port=0" },
    { env = { HOME = b.folder, TMPDIR = b.folder } })
  scope.defer(function() close(b) end)
  b.port = tonumber(b.process:wait_line("started successfully on port %d+"):match "port (%d+)")
  local answer = b:command("POST", "/session", { capabilities = { alwaysMatch = {
    ["goog:loggingPrefs"] = { browser = "ALL", performance = "ALL" },
    ["goog:chromeOptions"] = { args = flags(b.folder), binary = process.find "chromium" },
  } } })
  b.session, b.browser_pid = answer.sessionId, answer.capabilities["goog:processID"]
  b:show(options)
  b:requests() -- of the empty page that it began with
  return b
end

-- The size of the page, and its colours.
function browser:show(options)
  local width = options.width or 1280
  self:devtools("Emulation.setDeviceMetricsOverride", { width = width,
    height = options.height or 800, deviceScaleFactor = 1, mobile = width < 500 })
  self:devtools("Emulation.setEmulatedMedia", { features = { { name = "prefers-color-scheme",
    value = options.dark and "dark" or "light" } } })
end

function browser:devtools(name, parameters)
  return self:command("POST", "/goog/cdp/execute", { cmd = name, params = parameters })
end

function browser:go(url) self:command("POST", "/url", { url = url }) end

-- Run a function's body in the page; what it returns. `...`: its arguments.
function browser:run(script, ...)
  local arguments = { ... }
  for at, one in ipairs(arguments) do arguments[at] = cjson.encode(one) end
  return self:command("POST", "/execute/sync", ('{"script":%s,"args":[%s]}'):format(
    cjson.encode(script), table.concat(arguments, ",")))
end

-- Wait until the script returns something true, and return that.
function browser:wait(what, script, ...)
  local found
  local arguments = table.pack(...)
  wait.poll(what, nil, function()
    found = self:run(script, table.unpack(arguments, 1, arguments.n))
    return found and found ~= cjson.null
  end, function()
    return "the page shows: " .. self:run "return document.body.innerText.slice(0, 2000)"
  end)
  return found
end

-- Keys for whatever has the focus: text, or names such as "Tab", "Enter", "ArrowDown".
local KEYS = { Tab = "\u{E004}", Enter = "\u{E007}", Escape = "\u{E00C}", ArrowDown = "\u{E015}",
  ArrowUp = "\u{E013}", End = "\u{E010}", Home = "\u{E011}", Shift = "\u{E008}" }

function browser:press(...)
  local actions = {}
  for _, key in ipairs { ... } do
    for _, code in utf8.codes(KEYS[key] or key) do
      actions[#actions + 1] = { type = "keyDown", value = utf8.char(code) }
      actions[#actions + 1] = { type = "keyUp", value = utf8.char(code) }
    end
  end
  self:command("POST", "/actions", { actions = { { type = "key", id = "keyboard",
    actions = actions } } })
end

-- What the console said since the last call that is an error or a warning, as lines of text.
function browser:complaints()
  local list = {}
  for _, entry in ipairs(self:command("POST", "/se/log", { type = "browser" })) do
    if entry.level == "SEVERE" or entry.level == "WARNING" then
      list[#list + 1] = entry.level .. " " .. entry.message
    end
  end
  return list
end

-- The addresses that the page asked for since the last call.
function browser:requests()
  local list = {}
  for _, entry in ipairs(self:command("POST", "/se/log", { type = "performance" })) do
    local message = cjson.decode(entry.message).message
    if message.method == "Network.requestWillBeSent" then
      list[#list + 1] = message.params.request.url
    end
  end
  return list
end

-- The picture of the page as bytes of a PNG.
function browser:picture()
  return require "tagline.codec.base64".decode(self:command("GET", "/screenshot"))
end

return browser
