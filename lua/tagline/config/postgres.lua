--- Checks a connection string of PostgreSQL before anybody connects: libpq's two forms,
--- "host=db dbname=plant" and "postgresql://user@db:5432/plant?sslmode=require".
local near = require "tagline.config.near"

local postgres = {}

local WORDS = {}
for word in ([[host hostaddr port dbname user connect_timeout application_name options keepalives
  keepalives_idle keepalives_interval keepalives_count tcp_user_timeout sslmode sslcompression
  sslcert sslkey sslpassword sslrootcert sslcrl sslcrldir sslsni requirepeer
  ssl_min_protocol_version ssl_max_protocol_version channel_binding gssencmode krbsrvname gsslib
  target_session_attrs passfile
  fallback_application_name client_encoding requiressl replication]]):gmatch "%S+" do
  WORDS[#WORDS + 1], WORDS[word] = word, true
end

local PASSWORD = 'a password stands in it: give it as password = credential "NAME"'

local function check_word(word)
  if word == "password" then return PASSWORD end
  if word == "service" then
    return "a service file is not read: write host, port and dbname here"
  end
  if WORDS[word] then return nil end
  local meant = near.find(word, WORDS, {})
  return ("unknown word '%s' of a connection string"):format(word)
    .. (meant and ("; did you mean '%s'?"):format(meant) or "")
end

--- One value behind "=": bare up to a blank, or in single quotes; a backslash takes the next as it
--- is. The place behind it, or nil.
local function skip_value(text, at)
  local quoted = text:sub(at, at) == "'"
  if quoted then at = at + 1 end
  while at <= #text do
    local c = text:sub(at, at)
    if c == "\\" then
      at = at + 1
    elseif quoted and c == "'" then
      return at + 1
    elseif not quoted and c:find "%s" then
      return at
    end
    at = at + 1
  end
  return not quoted and at or nil
end

local function check_pairs(text)
  local at = text:find "%S"
  while at do
    local _, stop, word = text:find("^([%w_]+)%s*=%s*", at)
    if not word then
      return ('expected words such as "host=db dbname=plant", got "%s"')
        :format(text:match("^%S+", at))
    end
    local wrong = check_word(word)
    if wrong then return wrong end
    at = skip_value(text, stop + 1)
    if not at then return ("the quote behind '%s=' is not closed"):format(word) end
    at = text:find("%S", at)
  end
end

local function check_url(text)
  local rest = text:match "^%w+://(.*)"
  local user = rest:match "^([^/?@]*)@"
  if user and user:find(":", 1, true) then return PASSWORD end
  for word in (rest:match "%?(.*)" or ""):gmatch "([^&=]+)=" do
    local wrong = check_word(word)
    if wrong then return wrong end
  end
end

--- What is wrong with it; nil: nothing.
function postgres.check(text)
  if text:find "^postgres://" or text:find "^postgresql://" then return check_url(text) end
  if text:find "^%w+://" then return 'expected "postgresql://…" or "host=… dbname=…"' end
  return check_pairs(text)
end

return postgres
