--- `tagline test`: busted in this state, where the module tagline.offline is.
local M = {}

local function is_folder(path)
  local lfs = require "lfs"
  return lfs.attributes(path, "mode") == "directory"
end

function M.main(output, ...)
  -- busted and what it needs are not ours; say what to install, not where Lua looked
  local found, runner = pcall(require, "busted.runner")
  if not found then
    if not tostring(runner):find("module 'busted.runner' not found", 1, true) then
      error(runner, 0)
    end
    io.stderr:write(
      "tagline test: busted is missing: install Debian's package lua-busted (or luarocks \z
        install busted)\n")
    return 1
  end
  local roots = { ... }
  local none = #roots == 0
  if none then roots[1] = is_folder "spec" and "spec" or "." end
  for _, root in ipairs(roots) do
    local file = io.open(root, "r")
    if not file then
      require("tagline.test.say").error(
        ("tagline test: %s: there is no such file or folder"):format(root))
      return 1
    end
    file:close()
  end
  _G.arg = { [0] = "tagline test", "--pattern=_spec%.lua$", "--pattern=_test%.lua$",
    "--ignore-lua" }
  if none and roots[1] == "." then table.insert(_G.arg, "--no-recursive") end
  if output ~= "" then table.insert(_G.arg, "--output=" .. output) end
  for _, root in ipairs(roots) do table.insert(_G.arg, root) end
  runner { standalone = false } -- ends the process itself when a spec fails
  return 0
end

return M
