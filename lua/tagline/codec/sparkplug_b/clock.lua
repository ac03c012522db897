--- The time and the connection of a station's line, from the program; in a plain Lua (a spec) the
--- clock has seconds only, and there is no connection.
local found, connection = pcall(require, "tagline.connection")

local clock = {}

--- Milliseconds since 1970, UTC; nil where there is no clock.
---@return integer?
function clock.now_ms()
  if found then return connection.now() end
  return os and os.time and os.time() * 1000 or nil
end

--- How often the line of a station was connected; nil when that cannot be known.
---@return integer?
function clock.connection(station)
  if found and type(station) == "userdata" then return connection.count(station) end
end

--- Is the station still in the config?
---@return boolean
function clock.is_there(station)
  return not found or type(station) ~= "userdata" or connection.is_there(station)
end

--- Nothing can be known of the station's device: its tags are invalid until the next message.
function clock.lost(station)
  if found and type(station) == "userdata" and connection.is_there(station) then
    connection.lost(station)
  end
end

return clock
