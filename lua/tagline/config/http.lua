--- The word of a config that opens the HTTP server: http { listen =, token =, … }. Checks the
--- record and reads the certificate's files; opens nothing.
local kinds = require "tagline.config.kinds"
local patterns = require "tagline.config.patterns"

local http = {}

local PEM = "^%s*%-%-%-%-%-BEGIN"
local MAX_PEM = 1048576
local SHORTEST, LONGEST = 16, 1024 -- bytes of a token

--- The parts of "127.0.0.1:8080" or "[::1]:8080"; nil when it is neither.
local function address(text)
  local host, port = text:match("^%[([%x:.]+)%]:(%d+)$")
  if not host then
    host, port = text:match("^([%d.]+):(%d+)$")
    local a, b, c, d = (host or ""):match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
    for _, part in ipairs { a or "999", b, c, d } do
      if tonumber(part) > 255 then return nil end
    end
  elseif not host:find(":") then
    return nil
  end
  if #port > 5 or tonumber(port) > 65535 then return nil end
  return host, port
end

local function listen(value)
  local wanted = 'an address with a port such as "127.0.0.1:8080" or "[::1]:8080", or the path '
    .. "of a Unix socket that begins with /"
  if type(value) ~= "string" then return kinds.expected(wanted, value) end
  if value:sub(1, 1) == "/" then
    if #value > 107 or value:find("%z") then
      return "expected a path of at most 107 bytes, got a longer one"
    end
    return nil, value
  end
  local text = value:gsub("^localhost:", "127.0.0.1:")
  if not address(text) then return kinds.expected(wanted, value) end
  return nil, text
end

--- A token is never shown.
local function token(value)
  if type(value) ~= "string" then
    return ("expected a text of at least %d bytes, got a %s"):format(SHORTEST, type(value))
  end
  if #value < SHORTEST or #value > LONGEST then
    return ("expected %d to %d bytes, got %d"):format(SHORTEST, LONGEST, #value)
  end
  if value:find("[^!-~]") then return "expected printable ASCII without blanks" end
  return nil, value
end

local function list(what, check)
  return function(value)
    local result = {}
    for i, one in ipairs(type(value) == "table" and value or { value }) do
      if type(one) ~= "string" or not check(one) then return kinds.expected(what, one) end
      result[i] = one
    end
    if type(value) == "table" and next(value) ~= nil and #result == 0 then
      return kinds.expected(what, value)
    end
    return nil, result
  end
end

local function pem(value)
  if type(value) ~= "string" or value == "" or value:find("%z") then
    return "expected the path of a file, or PEM text"
  end
  return nil, value
end

http.shape = kinds.shape {
  listen = listen, token = token, write = kinds.boolean, tls_cert_file = pem, tls_key_file = pem,
  values = list('a pattern such as "plant.*", or a list of them', function(one)
    return one ~= "" and #one < 1024 and not one:find("%z")
  end),
  names = list("a host's name, or a list of them", function(one)
    return #one < 254 and one:find("^[%w_][%w_.-]*$") ~= nil
  end),
}

local function is_loopback(text)
  local host = address(text)
  return not host or host == "::1" or host:match("^127%.") ~= nil
end

--- The certificate and its key as PEM texts, or nothing after a problem.
local function material(load, one, say)
  local read = require "tagline.config.environment".read
  if one.tls_key_file and not one.tls_cert_file then
    return say("expected a tls_cert_file beside the key, got none", "tls_key_file")
  end
  local texts = {}
  for field, name in pairs { tls_cert_file = "cert", tls_key_file = "key" } do
    local value = one[field]
    if value and not value:find(PEM) then
      local path = value:sub(1, 1) == "/" and value or load.folder .. value
      local text, why = read(path, MAX_PEM)
      if not text then return say(("%s: %s"):format(path, why), field) end
      value = text
    end
    texts[field], one[field], one[name] = value, nil, value
  end
  if not texts.tls_cert_file or not load.core.tls_check then return end
  local field, why = load.core.tls_check(texts)
  if field then say(why, field) end
end

--- The word, for a load (load.lua): it leaves load.http.
function http.words(load, words)
  words.http = load:word_once("http", http.shape, function(one, at, given)
    local function say(text, field) load:say(at, "http", text, field) end
    load:need(at, "http", "HTTP", "HTTP")
    one.listen, one.write = one.listen or "127.0.0.1:8080", one.write or false
    if not is_loopback(one.listen) and given.token == nil then
      say(("expected a token beside '%s', which others can reach, got none"):format(one.listen),
        "listen")
    end
    material(load, one, say)
    load.http, load.http_at = one, at
  end)
end

--- What it says against the rest of the config, once all of it is there.
function http.check(load)
  patterns.check(load.lines.lines, load.http and load.http.values, function(what)
    load.problems:add { at = load.http_at, word = "http", key = "values", field = "http: values",
      text = what, severity = "warning" }
  end)
end

return http
