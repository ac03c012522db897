--- `more`, for the prompt: the next part of an answer that was cut. What was left out is kept for
--- each person until the next answer.
local M = {}

-- By the table of a person's variables: functions that give the next parts as text, in order.
local rests = setmetatable({}, { __mode = "k" })

local NOTHING = "(nothing was cut: there is no more)"

--- What `more()` gives; print.lua puts the next part in its place.
M.page = setmetatable({}, { __name = "tagline.more", __tostring = function() return NOTHING end })

--- Is there somebody at a prompt who could ask for more? `options` as in print.format.
function M.asks(options)
  return options.person ~= nil and options.tty == true and not options.printing
    and not options.json
end

--- Keep what was left out: `rest(options)` gives its text, and may keep again. Without a prompt
--- nothing is kept, and the result is false.
function M.keep(options, rest)
  if not M.asks(options) then return false end
  local list = rests[options.person] or {}
  list[#list + 1] = rest
  rests[options.person] = list
  return true
end

--- A new answer: what the one before left out is let go.
function M.forget(options)
  if options.person then rests[options.person] = nil end
end

--- The next part of what was cut. What that one leaves out comes before the others.
function M.next(options)
  local list = options.person and rests[options.person]
  if not list then return NOTHING end
  M.forget(options)
  local text = list[1](options)
  local now = rests[options.person] or {}
  table.move(list, 2, #list, #now + 1, now)
  rests[options.person] = now[1] and now or nil
  return text
end

--- The word, for the REPL.
function M.word() return M.page end

return M
