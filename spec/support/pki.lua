-- Certificates that are made while a spec runs, with the openssl command: a CA, and who it signs.
--
--   local pki = require "spec.support.pki"
--   local ca = pki.new()                                          -- ca.file: its certificate
--   local cert, key = ca:sign("broker", "DNS:localhost,IP:127.0.0.1", { days = 20 })
--   local hall = ca:sub("Hall 5")                                 -- a CA below it
--   local list = ca:list { cert }                                 -- a CRL that revokes it
local files = require "spec.support.files"
local process = require "spec.support.process"
local scope = require "spec.support.scope"

local pki = {}
pki.__index = pki

local function openssl(...)
  local code, _, errors = process.run(process.find "openssl", { ... }, { milliseconds = 30000 })
  if code ~= 0 then error("openssl: " .. errors, 3) end
end

-- A CA of its own folder. `file` is its certificate, `folder` where all that it makes is.
function pki.new(name)
  local ca = setmetatable({ folder = scope.folder(), count = 0 }, pki)
  ca.file, ca.key = ca.folder .. "/ca.crt", ca.folder .. "/ca.key"
  openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
    "-keyout", ca.key, "-out", ca.file,
    "-subj", "/CN=" .. (name or "Plant CA"), "-days", "365")
  return ca
end

-- A certificate of this CA and its key, as files. `names`: "DNS:localhost,IP:127.0.0.1", or
-- nil. options: days (100), into (the name of the files, to replace earlier ones).
function pki:sign(subject, names, options)
  options = options or {}
  self.count = self.count + 1
  local base = self.folder .. "/" .. (options.into or subject .. self.count)
  local extensions = scope.file("extensions" .. self.count, names and "subjectAltName=" .. names
    .. "\n" or "keyUsage=digitalSignature\n",
    self.folder)
  openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
    base .. ".key.new", "-out", base .. ".csr",
    "-subj", "/CN=" .. subject)
  openssl("x509", "-req", "-in", base .. ".csr", "-CA", self.file, "-CAkey", self.key,
    "-CAcreateserial", "-out", base .. ".crt.new",
    "-days", tostring(options.days or 100), "-extfile", extensions)
  os.rename(base .. ".key.new", base .. ".key")
  os.rename(base .. ".crt.new", base .. ".crt")
  return base .. ".crt", base .. ".key"
end

-- A CA below this one, with a folder of its own.
function pki:sub(name)
  local below = setmetatable({ folder = scope.folder(), count = 0 }, pki)
  below.file, below.key = below.folder .. "/ca.crt", below.folder .. "/ca.key"
  local extensions = scope.file("extensions", "basicConstraints=critical,CA:TRUE\n", below.folder)
  openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
    below.key, "-out", below.folder .. "/ca.csr", "-subj", "/CN=" .. name)
  openssl("x509", "-req", "-in", below.folder .. "/ca.csr", "-CA", self.file, "-CAkey", self.key,
    "-CAcreateserial", "-out", below.file, "-days", "365", "-extfile", extensions)
  return below
end

-- A revocation list of this CA, as a file; it revokes these certificates and those of before.
function pki:list(certificates)
  local conf = self.folder .. "/list.conf"
  if not self.index then
    self.index = scope.file("index", "", self.folder)
    files.write(conf, ("[ca]\ndefault_ca = ca\n[ca]\ndatabase = %s\ndefault_md = sha256\n"):format(
      self.index))
  end
  local ours = { "-config", conf, "-cert", self.file, "-keyfile", self.key }
  for _, cert in ipairs(certificates or {}) do
    openssl("ca", "-revoke", cert, table.unpack(ours))
  end
  self.lists = (self.lists or 0) + 1
  local list = ("%s/list%d.crl"):format(self.folder, self.lists)
  openssl("ca", "-gencrl", "-crldays", "10", "-out", list, table.unpack(ours))
  return list
end

return pki
