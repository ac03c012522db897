--- Lines for stderr and stdout that may hold what devices, brokers or files are called: nothing
--- in them moves a terminal.
local core = require "tagline.core"

local M = {}

--- A line for stderr.
function M.error(text) io.stderr:write(core.visible(text), "\n") end

--- A line for stdout; false when it cannot be written.
function M.line(text) return io.stdout:write(core.visible(text), "\n") and true or false end

return M
