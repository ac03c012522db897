--- What a config says of the way to its broker: schemes, TLS, WebSocket, proxies. The fields of
--- a line, the rules between them, and the check that certificates and keys load and belong
--- together.
local kinds = require "tagline.config.kinds"

local transport = {}

local got, expected = kinds.got, kinds.expected

local PEM = "^%s*%-%-%-%-%-BEGIN"
local MAX_FILE = 16 * 1048576
local DAY = 86400
local UNITS = { s = 1, m = 60, h = 3600, d = DAY, w = 7 * DAY, y = 365 * DAY }

local PORTS = { mqtt = 1883, mqtts = 8883, ws = 80, wss = 443 }

--- Seconds, or a text such as "90d", "12h", "10m".
local function duration(value)
  if type(value) == "number" then
    return kinds.number("a duration, as seconds or as \"30d\"", 0, 100 * 366 * DAY)(value)
  end
  local number, unit = tostring(value):match("^(%d+)(%l)$")
  if type(value) ~= "string" or not UNITS[unit or ""] then
    return expected('a duration such as 3600, "90d", "12h" or "10m"', value)
  end
  return nil, tonumber(number) * UNITS[unit]
end
transport.duration = duration

--- Bytes whose content is never shown, or a path.
local function file_or_pem(value)
  if type(value) ~= "string" then return expected("the path of a file, or PEM text", value) end
  if #value > MAX_FILE then
    return ("expected at most %d bytes, got %d"):format(MAX_FILE, #value)
  end
  if value == "" then return nil, nil end
  if value:find("\0", 1, true) then
    return "expected a path or PEM text, got a text with a zero byte"
  end
  return nil, value
end

local function verify(value)
  if value == "ca" then return nil, "ca" end
  local wrong, yes = kinds.boolean(value)
  if wrong then return expected('true, false or "ca"', value) end
  return nil, yes and "yes" or "no"
end

local function version(value)
  local text = type(value) == "number" and ("%.1f"):format(value) or value
  if text ~= "1.0" and text ~= "1.1" and text ~= "1.2" and text ~= "1.3" then
    return expected('"1.0", "1.1", "1.2" or "1.3"', value)
  end
  return nil, text
end

--- A key is never shown, not even in part.
local function psk(value)
  if type(value) ~= "string" then
    return ("expected hexadecimal digits, got a %s"):format(type(value))
  end
  if value == "" then return nil, nil end
  if value:find("%X") or #value % 2 ~= 0 then
    return "expected an even number of hexadecimal digits, got something else"
  end
  if #value > 512 then return "expected at most 512 hexadecimal digits, got more" end
  return nil, value
end

local function alpn_name(value)
  if type(value) ~= "string" then return expected("the name of a protocol", value) end
  if #value < 1 or #value > 255 then
    return ("expected a name of 1 to 255 bytes, got %d"):format(#value)
  end
  return nil, value
end

local function server_name(value)
  if type(value) ~= "string" then return expected("a name", value) end
  if value == "" then return nil, nil end
  if #value > 255 or value:find("[^!-~]") then
    return expected("a name or an address without blanks, at most 255 bytes", value)
  end
  return nil, value
end

local function path(value)
  if type(value) ~= "string" then return expected("a path that begins with /", value) end
  if value == "" then return nil, nil end
  if value:sub(1, 1) ~= "/" then return "expected a path that begins with /, got something else" end
  if value:find("[^!-~]") or value:find("#", 1, true) then
    return "expected a path of printable ASCII without '#': write other bytes as %XX"
  end
  if #value > 4096 then return "expected a path of at most 4096 bytes, got more" end
  return nil, value
end

local function subprotocol(value)
  if type(value) ~= "string" or value:find("[^%w!#$%%&'*+.^_`|~-]") then
    return expected('a subprotocol such as "mqtt", or ""', value)
  end
  return nil, value
end

-- Headers that make a WebSocket, or the end of a head.
local ours = { host = true, upgrade = true, connection = true, ["content-length"] = true,
  ["transfer-encoding"] = true }

--- A table of headers as a list of lines; values are secrets. Also what a function returned is
--- checked so.
function transport.headers(value)
  if type(value) ~= "table" then
    return ("expected a table { Name = \"value\" } or a function, got a %s"):format(type(value))
  end
  local lines, size = {}, 0
  for name, text in next, value do
    if type(name) ~= "string" or not name:find("^[%w!#$%%&'*+.^_`|~-]+$") then
      return ("expected the name of a header, got %s"):format(got(name))
    end
    if ours[name:lower()] or name:lower():find("^sec%-websocket%-") then
      return ("the header %s is written by tagline itself"):format(got(name))
    end
    if type(text) == "number" then text = tostring(text) end
    if type(text) ~= "string" then
      return ("expected the value of header %s as a string, got a %s"):format(got(name), type(text))
    end
    if text:find("[%c\127]") then
      return (
        "expected a value of header %s without line breaks or other control characters"):format(
          got(name))
    end
    lines[#lines + 1] = name .. ": " .. text
    size = size + #lines[#lines]
  end
  if size > 65536 then return "expected at most 64 KiB of headers, got more" end
  table.sort(lines)
  return nil, lines
end

local function headers(value)
  if not kinds.handler(value) then return nil, value end
  return transport.headers(value)
end

--- The rows of a line's shape.
function transport.rows(core)
  local function proxy(value)
    if type(value) ~= "string" then
      return expected('"http://HOST:PORT" or "socks5://HOST:PORT"', value)
    end
    if value == "" then return nil, nil end
    local ok, why = core.proxy_address(value)
    if not ok then return why end
    return nil, value
  end
  local function optional_text(max)
    local check = kinds.text(core, max)
    return function(value)
      if value == "" then return nil, nil end
      return check(value)
    end
  end
  local text = optional_text(1024)
  return {
    { "tls", kinds.boolean, false, "",
      "TLS to addresses without a scheme, as with mqtts://; their port is 8883 then" },
    { "tls_ca_file", file_or_pem, nil, "",
      "CA certificates that are trusted, a path or PEM text; none: the system's" },
    { "tls_cert_file", file_or_pem, nil, "", "our certificate with its chain, a path or PEM text" },
    { "tls_key_file", file_or_pem, nil, "",
      "its private key; none: the key stands in tls_cert_file" },
    { "tls_key_password", kinds.secret(1024), nil, "",
      "password of an encrypted private key; never shown" },
    { "tls_server_name", server_name, nil, "",
      "the name that is sent (SNI) and checked; none: the host" },
    { "tls_verify", verify, "yes", "",
      'true; "ca": the chain is checked, the name is not; false: nothing is checked' },
    { "tls_alpn", kinds.texts("the name of a protocol or a list of them", alpn_name), nil, "",
      "protocols to offer (ALPN)" },
    { "tls_psk", psk, nil, "", "a key shared with the broker, in hexadecimal; never shown" },
    { "tls_psk_identity", optional_text(128), nil, "", "the name of that key" },
    { "tls_min_version", version, "1.2", "", "oldest version of TLS that is used" },
    { "tls_ciphers", text, nil, "", "ciphers by OpenSSL's names; none: its own choice" },
    { "tls_crl_file", file_or_pem, nil, "", "list of revoked certificates, a path or PEM text" },
    { "tls_expiry_warning", duration, 30 * DAY, "s",
      "warn this long before a certificate ends, theirs or ours; 0: never" },
    { "tls_keylog_file", text, nil, "",
      "for debugging: file for the keys of the connections; with it the traffic can be read" },
    { "ws_path", path, "/mqtt", "", "path of the broker's WebSocket" },
    { "ws_headers", headers, nil, "", "headers of the upgrade, or a function; never shown" },
    { "ws_subprotocol", subprotocol, "mqtt", "", 'subprotocol to ask for; "": none' },
    { "proxy", proxy, nil, "",
      'proxy for all addresses, "http://HOST:PORT" or "socks5://HOST:PORT"' },
    { "proxy_user", optional_text(255), nil, "", "user name for the proxy" },
    { "proxy_password", kinds.secret(255), nil, "", "password for the proxy; never shown" },
  }
end

--- A host's scheme ("mqtt" when it has none), host and port.
function transport.address(core, host, params)
  local scheme, name, port = core.broker_address(host)
  if not scheme then return "mqtt", host, params.port end -- a wrong one, which was told
  if scheme == "" then return params.tls and "mqtts" or "mqtt", name, params.port end
  return scheme, name, port ~= 0 and port or PORTS[scheme]
end

--- What a host of a config is for a core: with the line's port where a URL has none and the
--- line says one.
local function with_port(core, host, port)
  local scheme, name, given, rest = core.broker_address(host)
  if not scheme or scheme == "" or given ~= 0 then return host end
  if name:find(":", 1, true) then name = "[" .. name .. "]" end
  return ("%s://%s:%d%s"):format(scheme, name, port, rest)
end

local tls_words = { "tls_ca_file", "tls_cert_file", "tls_key_file", "tls_key_password",
  "tls_server_name", "tls_alpn", "tls_psk",
  "tls_psk_identity", "tls_ciphers", "tls_crl_file", "tls_keylog_file" }
local tls_defaults = { "tls_verify", "tls_min_version", "tls_expiry_warning" }
local ws_words = { "ws_path", "ws_headers", "ws_subprotocol" }

--- The files of a line that are given as paths are beside the config.
function transport.resolve(params, folder)
  for _, name in ipairs { "tls_ca_file", "tls_cert_file", "tls_key_file", "tls_crl_file",
    "tls_keylog_file" } do
    local value = params[name]
    if value and not value:find(PEM) and value:sub(1, 1) ~= "/" then
      params[name] = folder .. value
    end
  end
end

--- Do the certificates load? Files that cannot be read are problems, too.
local function check_material(params, problem, core, read)
  if not core.tls_check then return end -- a plain Lua, in specs
  local texts = {}
  for _, name in ipairs { "tls_ca_file", "tls_cert_file", "tls_key_file", "tls_crl_file" } do
    local value = params[name]
    if value and not value:find(PEM) then
      local text, why = read(value, MAX_FILE)
      if not text then
        problem(name, ("%s: %s"):format(value, why))
        return
      end
      value = text
    end
    texts[name] = value
  end
  texts.tls_key_password, texts.tls_ciphers = params.tls_key_password, params.tls_ciphers
  local field, why = core.tls_check(texts)
  if field then
    local shown = params[field]
    if not shown or shown:find(PEM) or field == "tls_key_password" or field == "tls_ciphers" then
      shown = nil
    end
    problem(field, shown and ("%s %s"):format(got(shown), why) or why)
  end
end

local function check_tls(params, given, problem)
  if params.tls_key_file and not params.tls_cert_file then
    problem("tls_key_file", "expected a tls_cert_file beside the key, got none")
  elseif params.tls_key_password and not params.tls_cert_file then
    problem("tls_key_password", "expected a tls_cert_file beside the password, got none")
  end
  if params.tls_psk and not params.tls_psk_identity then
    problem("tls_psk", "expected a tls_psk_identity beside the key, got none")
  end
  if params.tls_psk_identity and not params.tls_psk and not given.tls_psk then
    problem("tls_psk_identity", "expected a tls_psk beside its name, got none")
  end
  if params.tls_psk then
    for _, name in ipairs { "tls_cert_file", "tls_ca_file", "tls_crl_file" } do
      if params[name] then
        problem(name, "is not used with tls_psk: a line has either a key or certificates")
      end
    end
  end
  if params.tls_verify == "no" then
    for _, name in ipairs { "tls_ca_file", "tls_server_name", "tls_crl_file" } do
      if given[name] and name ~= "tls_server_name" then
        problem(name, "is not used: tls_verify is false", "warning")
      end
    end
    problem("tls_verify", "is false: the certificate of the broker is not checked, so anybody can \z
      pretend to be it", "warning")
  end
  if params.tls_crl_file and not params.tls_ca_file then
    problem("tls_crl_file", "expected a tls_ca_file beside the list, got none: whose list is it?",
      "warning")
  end
  if params.tls_keylog_file then
    problem("tls_keylog_file", "with this file the traffic can be read", "warning")
  end
  local old = params.tls_min_version == "1.0" or params.tls_min_version == "1.1"
  if old and not (params.tls_ciphers or ""):find("SECLEVEL=0", 1, true) then
    problem("tls_min_version", 'OpenSSL 3 speaks it only with tls_ciphers = "DEFAULT@SECLEVEL=0"',
      "warning")
  end
end

--- The rules between parameters. `given` is what the user wrote; problem(field, text, severity)
--- takes what is wrong. With `folder` paths become those beside the config; `read` reads a
--- file. Params are changed to what the core takes.
function transport.relate(params, given, problem, core, folder, read)
  local has_tls, has_ws, plain = false, false, false
  if params.tls and not given.port then params.port = 8883 end
  for i, host in ipairs(params.host or {}) do
    if given.port then params.host[i] = with_port(core, host, params.port) end
    local scheme = transport.address(core, host, params)
    has_tls = has_tls or scheme == "mqtts" or scheme == "wss"
    has_ws = has_ws or scheme == "ws" or scheme == "wss"
    plain = plain or core.broker_address(host) == ""
  end
  if folder then transport.resolve(params, folder) end
  local before = problem
  local found = false
  problem = function(field, text, severity)
    found = found or severity ~= "warning"
    before(field, text, severity)
  end
  if given.tls and params.tls and not plain and params.host then
    problem("tls", "is not used: every address has a scheme, which says it", "warning")
  end
  for _, words in ipairs { tls_words, tls_defaults } do
    for _, name in ipairs(words) do
      if given[name] ~= nil and params[name] ~= nil and not has_tls then
        problem(name, "is not used without TLS: write host = \"mqtts://…\", or tls = true")
      end
    end
  end
  for _, name in ipairs(ws_words) do
    if given[name] ~= nil and params[name] ~= nil and not has_ws then
      problem(name, "is not used without a WebSocket: write host = \"ws://…\" or \"wss://…\"")
    end
  end
  if (params.proxy_user or params.proxy_password) and not params.proxy then
    problem(params.proxy_user and "proxy_user" or "proxy_password",
      "expected a proxy beside it, got none")
  elseif params.proxy_password and not params.proxy_user then
    problem("proxy_password", "expected a proxy_user beside the password, got none")
  end
  if type(params.ws_headers) ~= "table" and params.ws_headers ~= nil then
    params.ws_headers_called, params.ws_headers = true, nil
  end
  if not has_tls then return end
  check_tls(params, given, problem)
  if not found and read then check_material(params, problem, core, read) end
end

return transport
