--- A network's uplinks read from the text of a message: tagline.uplink (core/codec/l_uplink.c)
--- takes the values out of it in one strict pass, without a table of the document. Only what is
--- usual is read there: at the first thing that is not (a number that came as text, a list of
--- many gateways, a field that is wrong) reading gives up, and uplink.lua reads the parsed table,
--- which has the same results and says what is wrong.
local json = require "tagline.codec.lorawan.json"
local uplinks = require "tagline.codec.lorawan.uplink"

local found, native = pcall(require, "tagline.uplink")

local picks = {}

local GATEWAYS = 8 -- of a list, that are picked
local MOST_KEPT = 1000

-- A function of one text whose results are kept, some of them: servers send the same texts
-- again and again.
local function kept(f)
  local known, count = {}, 0
  return function(text)
    local result = known[text]
    if result == nil then
      if count >= MOST_KEPT then known, count = {}, 0 end
      result, count = f(text), count + 1
      known[text] = result
    end
    return result
  end
end

local eui_of = kept(uplinks.eui_of)

-- ---- compiling ----

---@class tagline.lorawan.Picks
---@field pick fun(document: string) reads a message; raises when it is not JSON
---@field get fun(path: string): any a value of the message that was picked last
---@field uplink fun(wanted?: table): table? what that message says
---@field is_uplink? function the network's test, where `uplink` does not make it itself
---@field decode? function the network's own, where `uplink` gives the payload as text

-- Into what the reader is made of: places of addresses in place of paths.
local function add_gateways(made, paths, place)
  local list = paths.gateways[1].text
  made.list, made.long, made.gateways = place("?" .. list),
    place(("?%s[%d]"):format(list, GATEWAYS + 1)), {}
  for k = 1, GATEWAYS do
    local element = ("%s[%d]"):format(list, k)
    local places = { there = place("?" .. element) }
    for _, field in ipairs(uplinks.GATEWAY_PATHS) do
      places[field] = {}
      for i, path in ipairs(paths[field] or {}) do
        places[field][i] = place(element .. "." .. path.text)
      end
    end
    made.gateways[k] = places
  end
end

--- Compile a network's paths. nil where there is no tagline.uplink (in a plain Lua), or a path is
--- none for it.
---@param network table `paths` compiled by uplink.compile, `definition`, `time_unit` …
---@return tagline.lorawan.Picks?
function picks.new(network)
  local paths, definition = network.paths, network.definition
  if not found or paths.gateways and #paths.gateways > 1 then return nil end
  local index = {}
  local made = { addresses = {}, time_unit = network.time_unit and network.time_unit[1],
    zero_omitted = network.zero_omitted, snr_omitted = network.snr_omitted,
    partial = definition.is_partial }
  for name, decode in pairs(uplinks.encodings) do
    if decode == network.decode then made.encoding = name end
  end
  local function place(text)
    if not index[text] then
      table.insert(made.addresses, text)
      index[text] = #made.addresses
    end
    return index[text]
  end

  for _, field in ipairs(uplinks.PATHS) do
    if paths[field] and field ~= "gateways" then
      made[field] = {}
      for i, path in ipairs(paths[field]) do made[field][i] = place(path.text) end
    end
  end
  for _, text in ipairs(definition.uses or {}) do place(text) end
  if definition.uplink_if then
    made.any = {}
    for i, path in ipairs(definition.uplink_if) do made.any[i] = place("?" .. path) end
  end
  if paths.gateways then add_gateways(made, paths, place) end
  local fine, pick, get, uplink = pcall(native.reader, made)
  if not fine then return nil end
  return { pick = pick, uplink = uplink, get = function(path) return get(index[path]) end,
    is_uplink = not definition.uplink_if and definition.is_uplink or nil,
    decode = not made.encoding and network.decode or nil }
end

-- ---- reading ----

--- What a message says: its fields (those of `wanted` only, when it is given), payload (bytes),
--- port, time, and whether it repeats an earlier one. nil when the parsed table must be read
--- (also when it is no uplink).
---@param network table with `picks`, `definition`, `options`, `decode`
---@param msg table
---@param wanted? table<string, boolean>
---@param not_json fun(network: table, why: string) is called when it is not JSON, and raises
---@return table? fields, string payload, integer? port, number? time, boolean? repeated
function picks.read(network, msg, wanted, not_json)
  local document = msg.payload
  -- no object, or another format than JSON
  if type(document) ~= "string" or document:byte() ~= 123 then return nil end
  local made, options = network.picks, network.options
  local ok, why = pcall(made.pick, document)
  if not ok then not_json(network, why) end
  if made.is_uplink and not made.is_uplink(made.get, msg.topic, options) then return nil end
  local up, bytes, port, time, repeated = made.uplink(wanted)
  if not up then return nil end
  if made.decode and bytes ~= "" then
    bytes = made.decode(bytes, made)
    if not bytes then return nil end
  end
  local eui = up.dev_eui
  if eui and #eui ~= 16 then up.dev_eui = eui_of(eui) end
  if options.gateways then repeated = made.get "cmd" == "gw" end
  return up, bytes, port, time, repeated
end

-- ---- the parsed table ----

local path_of = kept(function(path) return json.path((path:gsub("^%?", ""))) end)

--- A parsed table for `is_uplink` and uplink.read.
---@param message table
---@return table
function picks.of_table(message)
  return { message = message, get = function(path)
    local value = json.get(message, path_of(path))
    if path:byte() == 63 then return value ~= nil or nil end
    return value
  end }
end

return picks
