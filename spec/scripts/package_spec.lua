-- The Debian package: built, looked at, installed, upgraded, removed and purged in folders; its
-- man pages, completions and unit as the programs for them see them.
local uv = require "luv"
local files = require "spec.support.files"
local process = require "spec.support.process"
local scope = require "spec.support.scope"

local root = uv.cwd()
local built = {} -- once for all specs of this file
local BUILD = 800000 -- milliseconds, on a machine without ccache
-- The program is built twice here; a release's -O3 takes nearly twice as long, and what is looked
-- at is the same.
local OPTIMISE = "-O1"
local base = os.getenv "TMPDIR" or "/tmp"

local function sh(text, options)
  local code, out, err = process.run("/bin/bash", { "-c", text }, options)
  return code, out, err
end

local function must(text, options)
  local code, out, err = sh(text, options)
  assert.equal(0, code, text .. "\n" .. out .. err)
  return out
end

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

-- A folder that outlives a spec.
local function folder() return assert(uv.fs_mkdtemp(base .. "/tagline-package.XXXXXX")) end

local function build(env)
  local place = folder()
  built[#built + 1] = place
  local code, out, err = process.run(root .. "/scripts/package/deb", { place },
    { env = env, milliseconds = BUILD })
  assert.same({ 0, "" }, { code, err }, out)
  return out:match "([^\n]+)$"
end

local function has(program)
  return sh("command -v " .. program .. " >/dev/null") == 0
end

describe("the Debian package", function()
  local deb, tree

  setup(function()
    deb = build { TAGLINE_OPTIMISE = OPTIMISE }
    tree = folder()
    built[#built + 1] = tree
    must(("dpkg-deb -x %s %s"):format(deb, tree))
  end)
  teardown(function()
    for _, place in ipairs(built) do os.execute("rm -rf " .. quoted(place)) end
  end)
  after_each(scope.finish)

  it("is what the last line names, and lintian has no word about it", function()
    assert.truthy(deb:find "/tagline_[%d.]+_%w+%.deb$", deb)
    assert.truthy(uv.fs_stat(deb))
  end)

  it("is the same from another place, time zone and umask", function()
    local other = must(("umask 077; exec env TMPDIR=%s TZ=Asia/Tokyo TAGLINE_LINTIAN=no \z
      TAGLINE_OPTIMISE=%s %s %s"):format(quoted(scope.folder()), OPTIMISE,
      quoted(root .. "/scripts/package/deb"), quoted(scope.folder())),
      { milliseconds = BUILD }):match "([^\n]+)\n?$"
    must(("cmp %s %s"):format(deb, other))
  end)

  it("holds a program that runs where it lies, and is hardened", function()
    local program = tree .. "/usr/bin/tagline"
    local config = scope.file("x.lua", [[
      local hex = require "tagline.codec.hex"
      line "p" { host = "h", station "s" { address = "a", tags = { x = TxtI() },
        decode = function(m) return { x = hex.encode(m.payload) } end } }
    ]])
    assert.same({ 0, "", "" }, { process.run(program, { "check", config }) })
    local elf = must("LC_ALL=C readelf -Whld " .. quoted(program))
    assert.truthy(elf:find "Type:%s+DYN", elf)
    assert.truthy(elf:find "BIND_NOW", elf)
    assert.truthy(elf:find "GNU_RELRO", elf)
    assert.truthy(elf:find "GNU_STACK[^\n]+RW ", elf)
    local names = must("nm -D " .. quoted(program))
    assert.truthy(names:find "__stack_chk_fail", "no stack protector")
    assert.truthy(names:find "__%w+_chk", "not fortified")
  end)

  it("is installed without a start, keeps configs, and is purged with what services wrote",
    function()
      local place = folder()
      built[#built + 1] = place
      must(("mkdir -p %s/var/lib/dpkg/{info,updates,triggers}; \z
        touch %s/var/lib/dpkg/{status,available}"):format(place, place))
      local function dpkg(words)
        local fake = uv.getuid() ~= 0 and "fakeroot " or ""
        return must(("PATH=$PATH:/usr/sbin:/sbin %sdpkg --root=%s --force-depends \z
          --force-script-chrootless --log=/dev/null %s 2>&1"):format(fake, place, words))
      end
      local function is(path) return uv.fs_lstat(place .. path) ~= nil end
      dpkg("--install " .. deb)
      assert.is_true(is "/usr/bin/tagline")
      assert.is_true(is "/etc/tagline")
      assert.is_true(is "/lib/systemd/system/tagline@.service")
      assert.is_false(is "/etc/systemd")
      files.write(place .. "/etc/tagline/plant.lua", "-- mine")
      must(("mkdir -p %s/var/lib/private/tagline/plant; ln -s private/tagline %s/var/lib/tagline")
        :format(place, place))
      dpkg("--install " .. deb) -- an upgrade
      dpkg "--remove tagline"
      assert.is_false(is "/usr/bin/tagline")
      assert.is_true(is "/etc/tagline/plant.lua")
      assert.is_true(is "/var/lib/tagline/plant")
      dpkg "--purge tagline"
      assert.is_true(is "/etc/tagline/plant.lua")
      assert.is_false(is "/var/lib/tagline")
      assert.is_false(is "/var/lib/private/tagline")
    end)

  local pages = { "tagline.1", "tagline-config.5", "tagline-discover.1", "tagline-history.1",
    "tagline-replay.1", "tagline-test.1" }
  local function page(name)
    return ("%s/usr/share/man/man%s/%s.gz"):format(tree, name:sub(-1), name)
  end

  it("has man pages that render without a warning", function()
    for _, name in ipairs(pages) do
      local code, out, err = sh("MANWIDTH=80 LC_ALL=C.UTF-8 man --warnings -l " .. page(name)
        .. " | col -b")
      assert.same({ 0, "" }, { code, err })
      assert.truthy(out:find("NAME\n       " .. name:match "^(.*)%.", 1, true), out:sub(1, 300))
      if has "mandoc" then
        local said = must(("zcat %s | mandoc -T lint -W warning"):format(page(name)))
        assert.equal("", said)
      end
    end
  end)

  it("has each command and option in a man page and in each completion", function()
    package.path = root .. "/scripts/package/?.lua;" .. package.path
    local tables = require "tables"
    local texts = {}
    for _, name in ipairs(pages) do
      texts[#texts + 1] = must("zcat " .. page(name)):gsub("\\&", ""):gsub("\\(.)", "%1")
    end
    local manual = table.concat(texts)
    local bash = files.read(tree .. "/usr/share/bash-completion/completions/tagline")
    local zsh = files.read(tree .. "/usr/share/zsh/vendor-completions/_tagline")
    local fish = files.read(tree .. "/usr/share/fish/vendor_completions.d/tagline.fish")
    local commands = tables.commands(tree .. "/usr/bin/tagline")
    assert.is_true(#commands >= 9)
    for _, command in ipairs(commands) do
      assert.truthy(manual:find("tagline " .. command.name, 1, true), command.name)
      for _, option in ipairs(command.options) do
        local what = command.name .. " " .. option.name
        assert.truthy(manual:find(option.name, 1, true), what)
        assert.truthy(bash:find(("\n    %s%%) options='[^']*%s[ ']"):format(command.name,
          (option.name:gsub("%-", "%%-")))), what)
        assert.truthy(zsh:find("'" .. option.name .. "[", 1, true), what)
        assert.truthy(fish:find(("_from %s' %s "):format(command.name,
          option.name:gsub("^%-%-", "-l "):gsub("^%-(%w)$", "-s %1")), 1, true), what)
      end
    end
  end)

  it("has each word and field of a config in tagline-config(5)", function()
    local text = must("zcat " .. page "tagline-config.5"):gsub("\\&", ""):gsub("\\(.)", "%1")
    local accept = function() return true end
    package.path = root .. "/lua/?.lua;" .. package.path
    local all = require "tagline.config.shapes".new(setmetatable({}, { __index = function()
      return accept
    end }))
    for kind, shape in pairs(all) do
      for _, name in ipairs(shape.names) do
        assert.truthy(text:find("fB" .. name, 1, true), ("%s of a %s"):format(name, kind))
      end
    end
    local words = { http = require "tagline.config.http".shape }
    for word, shape in pairs(require "tagline.config.outlets".shapes) do words[word] = shape end
    for word, shape in pairs(words) do
      assert.truthy(text:find(word, 1, true), word)
      for name in pairs(shape.fields) do
        assert.truthy(text:find("fB" .. name, 1, true), ("%s of %s"):format(name, word))
      end
    end
  end)

  it("completes in bash", function()
    local script = tree .. "/usr/share/bash-completion/completions/tagline"
    local function complete(...)
      local words = { ... }
      for i, word in ipairs(words) do words[i] = quoted(word) end
      return must((". %s; COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _tagline; \z
        echo ${COMPREPLY[@]}; complete -p tagline"):format(script, table.concat(words, " ")))
        :match "^([^\n]*)\n"
    end
    assert.equal("replay repl", complete("tagline", "rep"))
    assert.equal("--socket", complete("tagline", "run", "--so"))
    assert.equal("warn", complete("tagline", "run", "--log-level", "w"))
    assert.equal("json", complete("tagline", "run", "--log-format", "=", "j"))
    assert.equal("keep_alive", complete("tagline", "help", "keep_"))
    local config = scope.file("my plant.lua", "")
    assert.equal(config, complete("tagline", "run", config:sub(1, -5)))
  end)

  it("completes in zsh", function()
    if not has "zsh" then return pending "zsh is not installed" end
    local place = tree .. "/usr/share/zsh/vendor-completions"
    local function complete(line)
      local found = {}
      local out = must(("cd %s && zsh -f %s/spec/scripts/zsh_completion.zsh %s %s")
        :format(quoted(place), quoted(root), quoted(place), quoted(line)))
      for word in out:gmatch "[^\r\n]+" do found[#found + 1] = word end
      table.sort(found)
      return table.concat(found, " ")
    end
    must(("zsh -n %s/_tagline"):format(place))
    assert.equal("repl replay", complete "tagline rep")
    assert.equal("--socket", complete "tagline run --so")
    assert.equal("warn", complete "tagline run --log-level w")
    assert.equal("json", complete "tagline run --log-format j")
    assert.equal("keep_alive", complete "tagline help keep_")
    assert.equal("_tagline", complete "tagline check ./_t")
    package.path = root .. "/scripts/package/?.lua;" .. package.path
    for _, command in ipairs(require "tables".commands(tree .. "/usr/bin/tagline")) do
      if command.name == "discover" then
        local names = { "--help" }
        for _, option in ipairs(command.options) do names[#names + 1] = option.name end
        table.sort(names)
        assert.equal(table.concat(names, " "), complete "tagline discover --")
      end
    end
  end)

  it("completes in fish", function()
    if not has "fish" then return pending "fish is not installed" end
    local script = tree .. "/usr/share/fish/vendor_completions.d/tagline.fish"
    local home = scope.folder()
    local function complete(line)
      local command = ("fish --no-config -c 'source %s; complete -C %s'")
        :format(script, '"' .. line .. '"')
      return must(command,
        { env = { HOME = home, XDG_CONFIG_HOME = home, XDG_DATA_HOME = home } })
    end
    assert.truthy(complete("tagline rep"):find "repl\tattach to a running process\n")
    assert.truthy(complete("tagline run --so"):find "^%-%-socket")
    assert.truthy(complete("tagline run --log-level w"):find "^warn")
    assert.truthy(complete("tagline help keep_"):find "^keep_alive")
  end)

  it("has a unit that systemd takes, and that exposes little", function()
    if not has "systemd-analyze" then return pending "systemd is not installed" end
    local unit = files.read(tree .. "/lib/systemd/system/tagline@.service")
    assert.truthy(unit:find("\nExecStart=/usr/bin/tagline run /etc/tagline/%i.lua\n", 1, true),
      unit)
    local place = scope.folder()
    local here = scope.file("tagline@plant.service", (unit:gsub("=/usr/bin/tagline", "="
      .. tree .. "/usr/bin/tagline")), place)
    local code, out, err = sh("systemd-analyze verify --man=no " .. here)
    assert.same({ 0, "", "" }, { code, out, err })
    -- exit code 1 when it is more: tenths
    must("systemd-analyze security --offline=true --threshold=15 " .. here)
  end)

  -- The commands of a chapter of lua/doc/service.md, without the sudo that root does not need.
  local function told(chapter)
    local text = files.read "lua/doc/service.md":match("\n## %d+%. " .. chapter .. "\n(.-)\n## ")
    local list = {}
    for command in text:gmatch "\n%$ ([^\n]+)" do list[#list + 1] = command:gsub("^sudo ", "") end
    return table.concat(list, "\n")
  end

  -- What a new user does, under systemd itself.
  local trial = [=[
    cat >/etc/tagline/plant.lua <<'LUA'
history { file = "plant.db" }
line "p" { host = "127.0.0.1", session_store = "session", user_name = "u",
  password = credential "mqtt", time_zone = "Europe/Bratislava",
  station "s" { address = "a(b)?", tags = { x = TxtI "RE=(.*)" } } }
LUA
    mv /etc/tagline/plant.lua .
    { TOLD The config
    } >checked
    { TOLD Passwords
    }
    stat -c '%a %n' /etc/tagline/plant.lua /etc/credstore/tagline.plant.mqtt
    mkdir -p /etc/systemd/system/tagline@.service.d
    printf '[Service]\nStandardError=append:/errors\n' \
      >/etc/systemd/system/tagline@.service.d/test.conf
    systemctl daemon-reload
    { TOLD Start
    } >started 2>/dev/null; echo "started $(grep -o 'Active: active (running)' started)"
    for i in $(seq 600); do
      text=$(systemctl show -P StatusText tagline@plant)
      case $text in *refused*) break ;; esac
      read -rt 0.1 <> <(:) || true
    done
    echo "$text"
    tagline status | sed -n 's/^  ! //p'
    stat -Lc '%a %n' /run/tagline/plant/plant.sock /var/lib/tagline/plant \
      /var/lib/tagline/plant/plant.db /var/lib/tagline/plant/plant.spool \
      /var/lib/tagline/plant/session
    grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/$(systemctl show -P MainPID tagline@plant)/status
    tagline history --csv /etc/tagline/plant.lua; echo "history $?"
    sed -i 's/time_zone/full_debug = false, time_zone/' /etc/tagline/plant.lua
    { TOLD Change the config
    } 2>&1; echo "reloaded $?"
    echo 'oops(' >/etc/tagline/plant.lua
    systemctl reload tagline@plant >/dev/null 2>&1; echo "reloaded $?"
    systemctl is-active tagline@plant
    tagline repl -e 'status().problems[1].code'
    systemctl stop tagline@plant; echo "stopped $? $(systemctl show -P Result tagline@plant)"
    printf 'line "p" { host = "h", password = credential "mqtt", user_name = "u",
      station "s" { address = "a" } }' >/etc/tagline/plant.lua
    rm /etc/credstore/tagline.plant.mqtt
    systemctl start tagline@plant >/dev/null 2>&1; echo "started $?"
    grep -m 1 -io 'credential: /run/credentials.*no such file.*' /errors
  ]=]

  it("runs as a service under systemd", function()
    local code, out, err = process.run(root .. "/scripts/package/trial", { deb,
      scope.file("trial.sh", (trial:gsub("TOLD ([^\n]+)", told))) }, { milliseconds = BUILD })
    if code == 3 then return pending(err) end
    assert.same({ 0, "" }, { code, err }, out)
    local expected = ([[
644 /etc/tagline/plant.lua
600 /etc/credstore/tagline.plant.mqtt
started Active: active (running)
0 of 1 line connected; p: not connected: REFUSED
not connected: REFUSED
600 /run/tagline/plant/plant.sock
700 /var/lib/tagline/plant
600 /var/lib/tagline/plant/plant.db
700 /var/lib/tagline/plant/plant.spool
700 /var/lib/tagline/plant/session
CapEff: 0000000000000000
NoNewPrivs: 1
Seccomp: 2
time,tag,value,status,reason,unit
history 0
reloaded 0
reloaded 1
active
config-refused
stopped 0 success
started 1
credential: /run/credentials/tagline@plant.service/mqtt: No such file or directory]])
      :gsub("REFUSED", "connect to 127.0.0.1:1883: connection refused: start the broker, or \z
        correct host and port")
    assert.equal(expected, (out:gsub("\t", " ")))
  end)

  it("is what cmake installs", function()
    local build_folder = os.getenv "TAGLINE" and os.getenv "TAGLINE":match "^(.*)/tagline$"
      or root .. "/build/release"
    local place = scope.folder()
    must(("DESTDIR=%s cmake --install %s --prefix /usr"):format(place, build_folder))
    local function list(where)
      local out = must(
        ("cd %s && find . \\( -type f -o -type l \\) -printf '%%P\n' | sort"):format(where))
      local set = {}
      for path in out:gmatch "[^\n]+" do
        path = path:gsub("^lib/", "usr/lib/"):gsub("%.gz$", "")
          :gsub("zsh/site%-functions", "zsh/vendor-completions")
        set[#set + 1] = path
      end
      return set
    end
    local debian = { ["usr/share/doc/tagline/changelog"] = true,
      ["usr/share/lintian/overrides/tagline"] = true }
    local found = {}
    for _, path in ipairs(list(place)) do
      found[path == "usr/share/doc/tagline/LICENSE" and "usr/share/doc/tagline/copy" .. "right"
        or path] = true
    end
    for _, path in ipairs(list(tree)) do
      assert.is_true(found[path] or debian[path], path .. " is in the package only")
      found[path] = nil
    end
    assert.is_nil(next(found))
  end)

  it("is also a tarball for /usr/local", function()
    local build_folder = os.getenv "TAGLINE" and os.getenv "TAGLINE":match "^(.*)/tagline$"
      or root .. "/build/release"
    local place = scope.folder()
    must(("cpack --config %s/CPackConfig.cmake -G TGZ -B %s"):format(build_folder, place))
    must(("mkdir %s/to && tar -xzf %s/tagline-*.tar.gz -C %s/to --strip-components=1"):format(
      place, place, place))
    assert.equal("tagline " .. deb:match "tagline_([%d.]+)_%w+%.deb$", must(place
      .. "/to/usr/local/bin/tagline --version"))
    local unit = files.read(place .. "/to/usr/local/lib/systemd/system/tagline@.service")
    assert.truthy(unit:find("\nExecStart=/usr/local/bin/tagline run ", 1, true), unit)
    assert.truthy(uv.fs_stat(place .. "/to/usr/local/share/man/man5/tagline-config.5"))
  end)
end)
