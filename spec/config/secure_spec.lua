-- luacheck: no max line length (messages are compared whole)
-- What `check` says of a line's transport: each parameter's values, each contradiction.
local support = require "spec.config.support"
local scenario = require "spec.support.scenario"
local files, pki, process, scope = scenario "files pki process scope"

local function told(fields)
  local texts = support.problems(('line "p" { %s }'):format(fields))
  for n, text in ipairs(texts) do texts[n] = text:gsub("^line 'p': ", "") end
  return texts
end

local NO_PASSWORD = "host: expected no user or password in the address: it would be logged; \z
  set user_name and password"
local NO_TLS = 'is not used without TLS: write host = "mqtts://…", or tls = true'
local NO_WS = 'is not used without a WebSocket: write host = "ws://…" or "wss://…"'
local PSK = 'tls_psk = "00112233445566778899aabbccddeeff"'

describe("a line's transport", function()
  local cases = {
    -- addresses
    { 'host = "mqtts://u:geheim@h"', NO_PASSWORD },
    { 'host = "wss://u@h"', NO_PASSWORD },
    { 'host = "http://h"',
      'host: expected mqtt://, mqtts://, ws:// or wss://, got "http://": here it is "ws://"' },
    { 'host = "mqtts://h:99999"', "host: expected a port of 1 to 65535 behind the colon" },
    { 'host = "mqtts://h/path"', "host: expected no path: only ws:// and wss:// have one" },
    { 'host = "mqtts://"', "host: expected a host, got an empty one" },
    { 'host = "ws://h/a b"',
      "host: expected a path of printable ASCII without '#': write other bytes as %XX" },
    { 'host = "MQTTS://h"' },
    { 'host = { "mqtts://a", "ws://b:81/x?y=z", "wss://[::1]" }' },
    { 'host = "h", tls = "maybe"', 'tls: expected true, false, "YES" or "NO", got "maybe"' },
    { 'host = "mqtt://h", tls = true',
      "tls: is not used: every address has a scheme, which says it" },
    -- TLS without TLS
    { 'host = "h", tls_alpn = "x"', "tls_alpn: " .. NO_TLS },
    { 'host = "ws://h", tls_server_name = "x"', "tls_server_name: " .. NO_TLS },
    { 'host = "h", tls_verify = false', "tls_verify: " .. NO_TLS },
    { 'host = "h", tls_expiry_warning = 5', "tls_expiry_warning: " .. NO_TLS },
    { 'host = "h, wss://i", tls_alpn = "x"' },
    { 'host = "h", tls = true, tls_alpn = "x"' },
    -- its values
    { 'host = "mqtts://h", tls_verify = "maybe"',
      'tls_verify: expected true, false or "ca", got "maybe"' },
    { 'host = "mqtts://h", tls_verify = "ca"' },
    { 'host = "mqtts://h", tls_min_version = "1.4"',
      'tls_min_version: expected "1.0", "1.1", "1.2" or "1.3", got "1.4"' },
    { 'host = "mqtts://h", tls_min_version = 1.3' },
    { 'host = "mqtts://h", tls_min_version = "1.1"',
      'tls_min_version: OpenSSL 3 speaks it only with tls_ciphers = "DEFAULT@SECLEVEL=0"' },
    { 'host = "mqtts://h", tls_ciphers = "NOPE"',
      "tls_ciphers: names no cipher that this OpenSSL has: see `openssl ciphers -v`" },
    { 'host = "mqtts://h", tls_alpn = { "a", "" }',
      "tls_alpn: expected a name of 1 to 255 bytes, got 0" },
    { 'host = "mqtts://h", tls_expiry_warning = "30x"',
      'tls_expiry_warning: expected a duration such as 3600, "90d", "12h" or "10m", got "30x"' },
    { 'host = "mqtts://h", tls_server_name = "a b"',
      "tls_server_name: expected a name or an address without blanks, at most 255 bytes, \z
        got \"a b\"" },
    { 'host = "mqtts://h", tls_keylog_file = "keys"',
      "tls_keylog_file: with this file the traffic can be read" },
    { 'host = "mqtts://h", tls_key_password = "geheim"',
      "tls_key_password: expected a tls_cert_file beside the password, got none" },
    { 'host = "mqtts://h", tls_ca = "x"', "tls_ca: unknown field; did you mean 'tls_ca_file'?" },
    { ('host = "mqtts://h", %s'):format(PSK),
      "tls_psk: expected a tls_psk_identity beside the key, got none" },
    { 'host = "mqtts://h", tls_psk_identity = "g"',
      "tls_psk_identity: expected a tls_psk beside its name, got none" },
    { 'host = "mqtts://h", tls_psk = "geheim", tls_psk_identity = "g"',
      "tls_psk: expected an even number of hexadecimal digits, got something else" },
    { ('host = "mqtts://h", %s, tls_psk_identity = "g"'):format(PSK) },
    -- WebSockets
    { 'host = "mqtt://h", ws_path = "/x"', "ws_path: " .. NO_WS },
    { 'host = "h", ws_headers = { a = "geheim" }', "ws_headers: " .. NO_WS },
    { 'host = "ws://h", ws_path = "x"',
      "ws_path: expected a path that begins with /, got something else" },
    { 'host = "ws://h", ws_headers = { ["X-A"] = "geheim\\r\\nB: c" }',
      'ws_headers: expected a value of header "X-A" without line breaks or other control \z
        characters' },
    { 'host = "ws://h", ws_headers = { ["X A"] = "geheim" }',
      'ws_headers: expected the name of a header, got "X A"' },
    { 'host = "ws://h", ws_headers = { Host = "x" }',
      'ws_headers: the header "Host" is written by tagline itself' },
    { 'host = "ws://h", ws_headers = "geheim"',
      'ws_headers: expected a table { Name = "value" } or a function, got a string' },
    { 'host = "ws://h", ws_subprotocol = "a b"',
      'ws_subprotocol: expected a subprotocol such as "mqtt", or "", got "a b"' },
    { 'host = "ws://h", ws_subprotocol = "", ws_headers = function() return {} end' },
    -- proxies
    { 'host = "h", proxy = "ftp://x:1"',
      'proxy: expected "http://HOST:PORT" or "socks5://HOST:PORT"' },
    { 'host = "h", proxy = "http://u:geheim@x:1"',
      "proxy: expected no user or password in it: it would be logged; set proxy_user and \z
        proxy_password" },
    { 'host = "h", proxy = "http://x"', 'proxy: expected a port, as in "http://HOST:3128"' },
    { 'host = "h", proxy_user = "u"', "proxy_user: expected a proxy beside it, got none" },
    { 'host = "h", proxy = "http://x:1", proxy_password = "geheim"',
      "proxy_password: expected a proxy_user beside the password, got none" },
    { 'host = "h", proxy = "socks5://[::1]:1080", proxy_user = "u", proxy_password = "geheim"' },
  }
  for _, case in ipairs(cases) do
    local fields, text = case[1], case[2]
    it(text and ("is refused: %s"):format(fields) or ("may be %s"):format(fields), function()
      local texts = told(fields)
      assert.equal(text and 1 or 0, #texts, table.concat(texts, "\n"))
      if text then assert.truthy(texts[1]:find(text, 1, true), texts[1]) end
      assert.is_nil(table.concat(texts):find("geheim", 1, true))
    end)
  end
end)

describe("a line's certificates", function()
  after_each(scope.finish)

  it("are loaded: what does not fit is named with its file", function()
    local ca = pki.new()
    local cert, key = ca:sign "gw"
    local _, other = ca:sign "other"
    local function openssl(...) assert.equal(0, (process.run(process.find "openssl", { ... }))) end
    openssl("ec", "-in", key, "-aes256", "-passout", "pass:geheim", "-out", key .. ".enc")
    openssl("x509", "-in", cert, "-outform", "der", "-out", cert .. ".der")
    local both = scope.file("both.pem", files.read(cert) .. files.read(key))
    local function says(text, fields, ...)
      local texts = told(('host = "mqtts://h", ' .. fields):format(...))
      assert.equal(text and 1 or 0, #texts, table.concat(texts, "\n"))
      if text then assert.truthy(texts[1]:find(text, 1, true), texts[1]) end
      assert.is_nil(table.concat(texts):find("geheim", 1, true))
    end
    says(nil, "tls_ca_file = %q, tls_cert_file = %q, tls_key_file = %q", ca.file, cert, key)
    says(nil, "tls_cert_file = %q", both)
    says(nil, "tls_cert_file = %q, tls_key_file = %q, tls_key_password = 'geheim'", cert,
      key .. ".enc")
    says(nil, "tls_ca_file = %q, tls_crl_file = %q", ca.file, ca:list())
    says('tls_key_file: "' .. other .. '" does not belong to the certificate in tls_cert_file',
      "tls_cert_file = %q, tls_key_file = %q", cert, other)
    says("holds no private key: set tls_key_file", "tls_cert_file = %q", cert)
    says("tls_key_file: expected a tls_cert_file beside the key, got none", "tls_key_file = %q",
      key)
    says("is encrypted: set tls_key_password", "tls_cert_file = %q, tls_key_file = %q", cert,
      key .. ".enc")
    says("tls_key_password: does not open the private key",
      "tls_cert_file = %q, tls_key_file = %q, tls_key_password = 'nogeheim'", cert, key .. ".enc")
    says("No such file or directory", "tls_ca_file = '/none'")
    says("is a folder, not a file", "tls_ca_file = %q", ca.folder)
    says("is in DER form: convert it, openssl x509", "tls_ca_file = %q", cert .. ".der")
    says("holds a private key and no certificate", "tls_ca_file = %q", key)
    says("holds no revocation list in PEM form", "tls_ca_file = %q, tls_crl_file = %q", ca.file,
      cert)
    says("is not used with tls_psk: a line has either a key or certificates",
      "tls_ca_file = %q, tls_psk = '00112233445566778899aabbccddeeff', tls_psk_identity = 'g'",
      ca.file)
    says(nil, "tls_ca_file = %q", files.read(ca.file)) -- the text itself
  end)
end)
