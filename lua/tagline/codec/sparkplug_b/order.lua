--- Sequence numbers of an edge node: messages that come too early are held until those before
--- them are there, or for as long as the reorder timeout of Sparkplug 3.0. Knows no payloads.
local found, timers = pcall(require, "tagline.timers")

local order = {}

--- Are there timers? Not in a plain Lua.
order.has_timers = found

--- Call fn between this turn of the loop and the next; at once in a plain Lua.
function order.later(fn)
  if found then timers.after(0, fn) else fn() end
end

--- Messages of a node, and bytes of their payloads, that are held at most; with more of them, those
--- before are given up.
order.MOST_HELD, order.MOST_BYTES = 100, 1048576

--- Is it a sequence number?
function order.is_valid(seq) return seq ~= nil and seq <= 255 end

--- Forget what is held of a node: its births begin anew.
function order.reset(node, seq)
  node.seq, node.held, node.held_count, node.held_bytes, node.gap = seq, nil, 0, 0, nil
end

-- When the time is up: one timer for a node, however many gaps come while it runs.
local function wait(node, seconds, give_up)
  node.waiting = true
  local gap = node.gap
  timers.after(seconds, function()
    node.waiting = nil
    if not node.gap then return end
    if node.gap ~= gap then return wait(node, seconds, give_up) end
    local expected = (node.seq + 1) % 256
    order.reset(node, nil)
    give_up(expected)
  end)
end

--- Hold a message back that comes too early. False when it does not, or cannot be held.
---@param node table
---@param seq integer
---@param make fun(): table what is kept of the message
---@param size integer bytes of its payload
---@param seconds number the reorder timeout
---@param give_up fun(expected: integer) is called when the message `expected` did not come in time
---@return boolean held
function order.hold(node, seq, make, size, seconds, give_up)
  if not node.seq or not order.is_valid(seq) then return false end
  local ahead = (seq - node.seq - 1) % 256
  if ahead == 0 or ahead > order.MOST_HELD or (node.held_count or 0) >= order.MOST_HELD then
    return false
  end
  node.held = node.held or {}
  local twice = node.held[seq]
  local bytes = (node.held_bytes or 0) + size - (twice and twice.size or 0)
  if bytes > order.MOST_BYTES then return false end
  if not twice then node.held_count = (node.held_count or 0) + 1 end
  node.held[seq], node.held_bytes = make(), bytes
  node.held[seq].size = size
  node.gap = node.gap or {}
  if not node.waiting then wait(node, seconds, give_up) end
  return true
end

--- The held message that is next now; nil when there is none.
---@return table?
function order.next(node)
  local seq = node.held and node.seq and (node.seq + 1) % 256
  local message = seq and node.held[seq]
  if not message then return nil end
  node.held[seq], node.held_count = nil, node.held_count - 1
  node.held_bytes = node.held_bytes - message.size
  node.gap = node.held_count > 0 and {} or nil -- what is still missing has a time of its own
  return message
end

return order
