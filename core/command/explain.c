/* core/command/explain.c — `tagline explain CONFIG.lua TOPIC [FILE]`: where a message goes and
** what becomes of every tag. */
#include <stdio.h>

#include "base/log.h"
#include "command/command.h"
#include "command/options.h"
#include "offline/lua_command.h"

static const char help[] = "usage: tagline explain [--json] [--unsafe] CONFIG.lua TOPIC [FILE|-]\n"
                           "\n"
                           "Tells where a message with this topic goes: the topic filter that "
                           "takes it, each station that is\n"
                           "tried and why it does not match, and the station that takes it. With a "
                           "payload (a file, or - for\n"
                           "stdin) also what becomes of each tag: raw value, conversion, status, "
                           "reason and time. Nothing is\n"
                           "connected.\n"
                           "\n"
                           "  --json     one JSON document, with codes that do not change\n"
                           "  --unsafe   the config may use all of Lua (io, os, debug, package)\n";

int tl_command_explain (int argc, char **argv) {
  bool json = false, unsafe = false;
  const char *words[3];
  const tl_option options[] = { { "json", 0, &json, NULL }, { "unsafe", 0, &unsafe, NULL }, { 0 } };
  int n = tl_options_read(argc, argv, "explain", help, options, words, 3);
  if (n < 0) return tl_options_exit(n);
  if (n < 2)
    return tl_options_exit(
        tl_options_wrong("explain", n < 1 ? "a CONFIG.lua is missing" : "a TOPIC is missing"));
  tl_log_set_level(TL_LOG_ERROR);
  const char *arguments[] = { json ? "json" : "", unsafe ? "unsafe" : "", words[0], words[1],
                              n > 2 ? words[2] : "" };
  return tl_lua_command("tagline.test.explain", arguments, n > 2 ? 5 : 4);
}
