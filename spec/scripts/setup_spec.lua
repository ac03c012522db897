-- scripts/setup on machines that this one is not: with packages missing, with and without root.
-- Programs of its own stand in for dpkg-query, id, sudo and whatever runs as root, so nothing
-- is installed.
local uv = require "luv"
local files = require "spec.support.files"
local process = require "spec.support.process"
local scope = require "spec.support.scope"

local setup = uv.cwd() .. "/scripts/setup"

-- Run setup where only `missing` (a list of package names) is not installed. options: root,
-- sudo, apt (its exit code), arguments. Returns exit code, stdout, stderr and what ran as root.
local function run(missing, options)
  local folder = scope.folder()
  local function program(name, text)
    assert(uv.fs_chmod(scope.file(name, "#!/bin/bash\n" .. text .. "\n", folder), 448))
  end
  program("dpkg-query",
    ('for last; do :; done; case " %s " in *" $last "*) exit 1 ;; *) printf installed ;; esac')
    :format(table.concat(missing, " ")))
  program("id", options.root and "echo 0" or "echo 1000")
  program("sudo", options.sudo and 'shift; [ "$1" = true ] || exec "$@"' or "exit 1")
  program("env",
    ('echo "$*" >>"%s/ran"; case "$*" in *" install "*) echo "apt speaks"; exit %d ;; esac')
    :format(folder, options.apt or 0))
  local words = { setup, table.unpack(options.arguments or {}) }
  local code, out, err = process.run("/bin/bash", words,
    { env = { PATH = folder .. ":/usr/bin:/bin" } })
  return code, out, err, uv.fs_access(folder .. "/ran", "R") and files.read(folder .. "/ran") or ""
end

describe("setup", function()
  after_each(scope.finish)

  it("does nothing, and says nothing, where all is there", function()
    assert.same({ 0, "", "", "" }, { run({}, { root = true }) })
    assert.same({ 0, "", "", "" }, { run({}, {}) })
  end)

  it("installs exactly what is missing, as root", function()
    local code, out, err, ran = run({ "cmake", "lua-busted" }, { root = true })
    assert.same({ 0, "" }, { code, out })
    assert.equal("installing cmake lua-busted", err)
    assert.truthy(ran:find("apt-get -qq -y update\n", 1, true), ran)
    assert.truthy(ran:find("apt-get -qq -y install --no-install-recommends cmake lua-busted\n", 1,
      true), ran)
  end)

  it("installs through a sudo that asks for no password", function()
    local code, _, _, ran = run({ "cmake" }, { sudo = true })
    assert.equal(0, code)
    assert.truthy(ran:find("install --no-install-recommends cmake\n", 1, true), ran)
  end)

  it("says what is missing and how to get it where it may not install", function()
    local code, out, err, ran = run({ "cmake", "lua-busted" }, {})
    assert.same({ 1, "", "" }, { code, out, ran })
    assert.truthy(err:find("Packages are missing: cmake lua-busted\n", 1, true), err)
    assert.truthy(err:find("apt-get install --no-install-recommends cmake lua-busted", 1, true),
      err)
  end)

  it("shows what apt said when that failed", function()
    local code, _, err = run({ "cmake" }, { root = true, apt = 100 })
    assert.equal(1, code)
    assert.truthy(err:find("apt speaks", 1, true), err)
    assert.truthy(err:find("could not install: cmake", 1, true), err)
  end)

  it("asks nothing of the demo that only the tests need", function()
    assert.same({ 0, "", "", "" },
      { run({ "lua-busted" }, { root = true, arguments = { "demo" } }) })
    assert.equal(0, (run({ "libmosquitto-dev" }, { arguments = { "test" } })))
    assert.equal(1, (run({ "libmosquitto-dev" }, { arguments = { "bench" } })))
  end)

  it("refuses words that it does not know", function()
    assert.equal(2, (run({}, { arguments = { "everything" } })))
  end)
end)
