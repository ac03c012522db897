--- The values that a network's definition asks for, taken out of a message's text by json.pick: one strict pass, no
--- table of the document. What is unusual (a list of many gateways, a wrong field) is left to the reading of the
--- parsed table, which says what is wrong.
local json = require "tagline.codec.lorawan.json"

local found, native = pcall(require, "tagline.json")

local picks = {}

local GATEWAYS = 8 -- of a list, that are picked

---@class tagline.lorawan.Picks
---@field pick function
---@field index table<string, integer> the place of a path that `is_uplink` or `decode` asks for
---@field places table[] of each element of `gateways`: `there`, and the paths within it
---@field list? integer the place that tells whether there is a list of gateways
---@field more? integer the place that tells whether it has more than are picked

--- Compile a definition's paths; each gets its place (`at`). nil where there is no json.pick (in a plain Lua), or a path
--- is none for it.
---@param paths table<string, table[]> compiled by uplink.compile
---@param uses? string[] paths that the definition's functions ask for
---@return tagline.lorawan.Picks?
function picks.new(paths, uses)
  if not found or not native.pick then return nil end
  local addresses, index = {}, {}
  local function place(text)
    if not index[text] then
      addresses[#addresses + 1] = text
      index[text] = #addresses
    end
    return index[text]
  end

  local within = { gateway = true, gateway_rssi = true, gateway_snr = true }
  for field, list in pairs(paths) do
    if not within[field] and field ~= "gateways" then
      for _, path in ipairs(list) do path.at = place(path.text) end
    end
  end
  for _, text in ipairs(uses or {}) do place(text) end

  local made = { index = index, places = {} }
  if paths.gateways then
    if #paths.gateways > 1 then return nil end
    local list = paths.gateways[1].text
    made.list, made.more = place("?" .. list), place(("?%s[%d]"):format(list, GATEWAYS + 1))
    for k = 1, GATEWAYS do
      local element = ("%s[%d]"):format(list, k)
      local places = { there = place("?" .. element) }
      for field in pairs(within) do
        for i, path in ipairs(paths[field] or {}) do
          local text = element .. "." .. path.text
          places[field] = places[field] or {}
          places[field][i] = { text = path.text, at = place(text) }
        end
      end
      made.places[k] = places
    end
  end
  local fine
  fine, made.pick = pcall(native.pick, addresses)
  if not fine then return nil end
  local c = {}
  function c.get(path)
    local value = c.values[index[path]]
    if type(value) == "userdata" then return nil end -- null
    return value
  end
  made.c = c
  return made
end

--- A message's text as what uplink.read reads; nil when the parsed table must be read. Raises when it is not JSON.
---@param made tagline.lorawan.Picks
---@param text string
---@return table?
function picks.read(made, text)
  if type(text) ~= "string" or text:byte() ~= 123 then return nil end -- no object, or another format than JSON
  local values = { made.pick(text, "the payload") }
  if made.list and (values[made.more] or values[made.list] and not values[made.places[1].there]) then return nil end
  local c = made.c -- one for all: nothing of it is kept
  c.values, c.err = values, nil
  return c
end

local compiled = {}
local count = 0

--- A parsed table as what uplink.read reads.
---@param message table
---@return table
function picks.of_table(message)
  return { message = message, get = function(path)
    local keys = compiled[path]
    if not keys then
      if count >= 1000 then compiled, count = {}, 0 end
      keys, count = json.path((path:gsub("^%?", ""))), count + 1
      compiled[path] = keys
    end
    local value = json.get(message, keys)
    if path:byte() == 63 then return value ~= nil or nil end
    return value
  end }
end

return picks
