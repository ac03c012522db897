-- A lint step that cannot fail proves nothing: each rule is shown a small tree that breaks it,
-- and one that does not.
local uv = require "luv"
local process = require "spec.support.process"
local scope = require "spec.support.scope"

local lint = uv.cwd() .. "/scripts/lint"

-- The rooms are the real ones.
local law = assert(io.open("CMakeLists.txt")):read("a")

-- A tree of files (path → text) in a new folder; with `changes` over the sound one below.
-- Returns lint's exit code and output.
local function run(changes)
  local files = {
    ["core/base/buf.h"] =
      "/* core/base/buf.h — bytes. */\n#ifndef TL_BASE_BUF_H\n#define TL_BASE_BUF_H\n\n#endif\n",
    ["core/mqtt/frame.c"] =
      "/* core/mqtt/frame.c — frames. */\n#include \"base/buf.h\"\n\nint x;\n",
    ["lua/tagline/config/words.lua"] = "-- Words.\nreturn {}\n",
    ["README.md"] = "# x\n",
    ["CMakeLists.txt"] = law,
  }
  for path, text in pairs(changes) do files[path] = text or nil end
  local folder = scope.folder()
  for path, text in pairs(files) do scope.file(path, text, folder) end
  return process.run(lint, { folder })
end

local function c_file(path, body)
  return { [path] = "/* " .. path .. " — a file. */\n" .. body .. "\n" }
end

describe("lint", function()
  after_each(scope.finish)

  it("passes a sound tree", function()
    local code, out = run {}
    assert.equal(0, code, out)
    assert.is_nil(out:find("not ok", 1, true))
    assert.truthy(out:find("^1%.%.%d+\nok 1 "))
  end)

  local long = {}
  for n = 1, 601 do long[n] = "-- " .. n end
  -- Words that the lint step would find in this very file are put together here.
  local marker, pause = "TO" .. "DO", "sle" .. "ep"
  for what, broken in pairs {
    ["an unknown room"] = { c_file("core/misc/a.c", ""), "core/misc/a.c:1:" },
    ["mqtt that includes route"] = { c_file("core/mqtt/a.c", '#include "route/router.h"'),
      "a.c:2: mqtt must not know" },
    ["gateway that includes script"] = { c_file("core/gateway/a.c", '#include "script/a.h"'),
      "gateway must not know" },
    ["script that includes console"] = { c_file("core/script/a.c", '#include <console/server.h>'),
      "script must not know" },
    ["an include without its room"] = { c_file("core/mqtt/a.c", '#include "frame.h"'),
      "name the room" },
    ["an include by a path upwards"] = { c_file("core/mqtt/a.c", '#include "../route/router.h"'),
      "from the root of core" },
    ["a private header of another room"] =
      { c_file("core/gateway/a.c", '#include "mqtt/x_impl.h"'), "is private to mqtt" },
    ["a function of a room that must not be known"] = { {
      ["core/net/a.h"] =
        "/* core/net/a.h — a. */\n#ifndef TL_NET_A_H\n#define TL_NET_A_H\n\nint tl_a_go (int \z
          x);\n\n#endif\n",
      ["core/mqtt/a.c"] = "/* core/mqtt/a.c — a. */\nint y (void) { return tl_a_go(1); }\n" },
      "core/mqtt/a.c:2: mqtt must not know tl_a_go of net" },
    ["a circle of rooms"] = { { ["CMakeLists.txt"] =
      "\nroom(base)\nroom(mqtt base route)\nroom(route base mqtt)\n" },
      "mqtt names route, which is not there yet" },
    ["a room that core/README.md does not name"] =
      { { ["core/README.md"] = "| `base` | x | y | z |\n" }, "no row for the room mqtt" },
    ["a row of core/README.md that says less than CMakeLists.txt"] =
      { { ["core/README.md"] = "\n| `ws` | x | http, base, wslay | z |\n" },
        "ws may name base, http, libmd, wslay" },
    ["a row of core/README.md that says more"] =
      { { ["core/README.md"] = "\n| `mqtt` | x | base, net | z |\n" }, "mqtt may name base" },
    ["uv.h in gateway"] = { c_file("core/gateway/a.c", "#include <uv.h>"),
      "core/gateway/a.c:2: uv.h" },
    ["a uv_ name in gateway"] = { c_file("core/gateway/a.c", "struct uv_loop_s *x;"),
      "a name of a library: uv_loop_s" },
    ["OpenSSL in net"] = { c_file("core/net/a.c", "#include <openssl/ssl.h>"),
      "core/net/a.c:2: openssl/ssl.h" },
    ["a name of OpenSSL in net"] = { c_file("core/net/a.c", "SSL_CTX *x;"),
      "a name of a library: SSL_CTX" },
    ["wslay in net"] = { c_file("core/net/a.c", "int x = wslay_frame_recv();"),
      "a name of a library: wslay_frame_recv" },
    ["lua.h in model"] = { c_file("core/model/a.c", "#include <lua.h>"),
      "core/model/a.c:2: lua.h" },
    ["lauxlib.h in command"] = { c_file("core/command/a.c", "# include <lua5.4/lauxlib.h>"),
      "lauxlib.h" },
    ["a clock in mqtt"] = { c_file("core/mqtt/a.c", "long f (void) { return time(0); }"),
      "a.c:2: time()" },
    ["our clock in model"] = { c_file("core/model/a.c", "long f (void) { tl_clock_wall_ms(); }"),
      "tl_clock_wall_ms()" },
    ["a file read in payload"] =
      { c_file("core/payload/a.c", "void f (void) { fopen (\"x\", \"r\"); }"), "fopen()" },
    ["printing in route"] = { c_file("core/route/a.c", "void f (void) { printf(\"x\"); }"),
      "printf()" },
    ["time.h in payload"] = { c_file("core/payload/a.c", "#include <time.h>"),
      "core/payload/a.c:2: time.h" },
    ["a header without a guard"] = { { ["core/mqtt/a.h"] = "/* core/mqtt/a.h — x. */\nint x;\n" },
      "guard TL_MQTT_A_H" },
    ["a C file that says nothing"] = { { ["core/mqtt/a.c"] = "int x;\n" },
      "core/mqtt/a.c:1: expected" },
    ["a Lua file that says nothing"] = { { ["lua/tagline/x.lua"] = "return {}\n" },
      "x.lua:1: expected" },
    ["a spec that looks at the clock on the wall"] = {
      { ["spec/scenario/x_spec.lua"] = "-- x\nlocal t = uv." .. "hr" .. "time()\n" },
        "x_spec.lua:2: the clock on the wall" },
    ["a spec that takes a port"] = {
      { ["spec/scenario/x_spec.lua"] = '-- x\ns:bi' .. 'nd("127.0.0.1", 1883)\n' },
        "x_spec.lua:2: a fixed port" },
    ["a file of 601 lines"] = { { ["lua/x.lua"] = table.concat(long, "\n") .. "\n" },
      "lua/x.lua:601: 601 lines" },
    ["a line of 101 columns of Lua"] =
      { { ["lua/tagline/x.lua"] = "--" .. (" x"):rep(49) .. "x\n" }, "x.lua:1: 101 columns" },
    ["a line of 101 columns of an example's Lua"] =
      { { ["examples/a/x.lua"] = "--" .. (" x"):rep(49) .. "x\n" }, "x.lua:1: 101 columns" },
    ["a line of 101 columns of a script in Lua"] =
      { { ["scripts/x"] = "#!/usr/bin/env lua5.4\n--" .. (" x"):rep(49) .. "x\n" },
      "scripts/x:2: 101 columns" },
    ["a line of 141 columns of a shell script"] =
      { { ["scripts/x"] = "#!/bin/sh\n#" .. (" x"):rep(70) .. "\n" },
      "scripts/x:2: 141 columns" },
    ["C in another shape"] = { { [".clang-format"] = "BasedOnStyle: LLVM\n",
      ["core/mqtt/a.c"] = "/* core/mqtt/a.c — a file. */\nint  x;\n" },
      "core/mqtt/a.c:2: run clang-format" },
    ["a line of 101 columns of C"] = { c_file("core/mqtt/a.c", "/*" .. (" x"):rep(48) .. " */"),
      "a.c:2: 101 columns" },
    ["a blank at the end"] = { { ["scripts/x"] = "# a \n" }, "scripts/x:1: blank" },
    ["a tab"] = { { ["scripts/x"] = "# a\n\tb\n" }, "scripts/x:2: tab" },
    ["no line break at the end"] = { { ["scripts/x"] = "# a" }, "scripts/x:1: no line break" },
    ["a spec that waits"] = { { ["spec/x_spec.lua"] = "-- A spec.\nuv." .. pause .. "(10)\n" },
      "spec/x_spec.lua:2:" },
    ["a C spec that waits"] = { { ["spec/mqtt/x_test.c"] = "int main (void) { u" .. pause
      .. "(10); }\n" }, "spec/mqtt/x_test.c:1:" },
    ["a C spec that waits under another name"] =
      { { ["spec/mqtt/x_test.c"] = "/* X. */\n#include <t.h>\nint y = nano" .. pause .. " (0);\n" },
      "spec/mqtt/x_test.c:3:" },
    ["a ?: in a branch of another"] = { c_file("core/mqtt/a.c", "int x = a ? 1 : b ? 2 : 3;"),
      "core/mqtt/a.c:2: a ?: within another" },
    ["a line of 101 columns in a spec"] =
      { { ["spec/x_spec.lua"] = "--" .. (" x"):rep(49) .. "x\n" }, "x_spec.lua:1: 101 columns" },
    ["a C spec of no room"] = { { ["spec/misc/x_test.c"] = "/* X. */\n" },
      "spec/misc/x_test.c:1: expected spec/ROOM/" },
    ["a C spec that ctest does not know by its name"] =
      { { ["spec/mqtt/x_tests.c"] = "/* X. */\n" }, "spec/mqtt/x_tests.c:1: expected" },
    ["a Lua spec that ctest does not know by its name"] =
      { { ["spec/x.lua"] = "-- X.\ndescribe(\"x\", print)\n" }, "spec/x.lua:1: expected" },
    ["a Lua spec where nobody looks for it"] = { { ["lua/x_spec.lua"] = "-- X.\n" },
      "lua/x_spec.lua:1: specs stand in" },
    ["a spec that is put off"] = { { ["spec/x_spec.lua"] = "-- X.\npending(\"x\")\n" },
      "spec/x_spec.lua:2: a spec that is put off" },
    ["a picture that is large"] = {
      { ["lua/doc/page.png"] = "\x89PNG\0" .. ("x"):rep(150000) },
        "lua/doc/page.png:1: 150005 bytes" },
    ["a binary file"] = { { ["scripts/tool"] = "\127ELF\0" }, "scripts/tool:1: a NUL byte" },
    ["a folder of others' code"] = { { ["lua/vendor/x.lua"] = "-- X.\n" },
      "lua/vendor/x.lua:1: a folder for code of others: vendor" },
    ["another author's header"] =
      { { ["lua/x.lua"] = "-- X.\n-- Copy" .. "right (c) 2020 Somebody\n" }, "lua/x.lua:2: 'copy"
        .. "right'" },
    ["another licence"] = { { ["lua/x.lua"] = "-- X.\n-- SPDX" .. "-License-Identifier: MIT\n" },
      "lua/x.lua:2: 'spdx" .. "-license'" },
    ["unfinished work"] = { { ["scripts/x"] = "# " .. marker .. ": later\n" }, "scripts/x:1: "
      .. marker },
    ["a path of one machine"] = { { ["scripts/x"] = "cd /ho" .. "me/me/tagline\n" },
      "scripts/x:1: /ho" .. "me" },
    ["a file that the top level should not hold"] = { { ["notes.txt"] = "x\n" },
      "not agreed: notes.txt" },
  } do
    it("refuses " .. what, function()
      local code, out = run(broken[1])
      assert.equal(1, code)
      assert.truthy(out:find(broken[2], 1, true), out)
      local _, count = out:gsub("\nnot ok", "")
      assert.equal(1, count, out)
    end)
  end

  it("takes no word of a comment or a text for code", function()
    local code, out = run(c_file("core/mqtt/a.c",
      '/* time(0) */ // fopen(x)\nconst char *s = "uv_run time(\\"0\\")"; char c = \'"\'; int y;'))
    assert.equal(0, code, out)
  end)

  it("takes no function of the file's own for one of the system", function()
    local code, out = run(c_file("core/mqtt/a.c",
      "static int accept (int x) { return x; }\nint f (void) { return accept(1); }"))
    assert.equal(0, code, out)
  end)

  it("takes no member or longer name for a clock", function()
    local code, out = run(c_file("core/mqtt/a.c",
      "int f (struct s *p) { return p->time(1) + p->v.read(2) + tl_time(3) + timeout(4); }"))
    assert.equal(0, code, out)
  end)

  it("passes what a build leaves behind", function()
    local code, out = run { ["build/x.c"] = "\tbad ", ["build-mine/y"] = "\t", [".cache/z"] = "\t" }
    assert.equal(0, code, out)
  end)

  it("leaves payloads as they came", function()
    local code, out = run { ["examples/loriot/up.json"] = "{\t}",
      ["examples/sparkplug/a.bin"] = "\0", ["scripts/fuzz/seeds/json/a"] = "\0" }
    assert.equal(0, code, out)
  end)
end)
