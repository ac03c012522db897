/* core/command/replay.c — `tagline replay CAPTURE CONFIG.lua`: recorded messages through a
** config, in their own time. */
#include <stdio.h>

#include "base/log.h"
#include "command/command.h"
#include "command/options.h"
#include "offline/lua_command.h"

static const char help[] =
    "usage: tagline replay [--unsafe] CAPTURE CONFIG.lua\n"
    "       tagline replay --history FILE [--unsafe] CAPTURE CONFIG.lua\n"
    "       tagline replay --against OTHER.lua [--unsafe] CAPTURE CONFIG.lua\n"
    "\n"
    "Runs the messages of a capture through a config and prints the values stream. At the prompt,\n"
    "save(\"FILE\") writes a capture. Nothing is connected. The time is that of the messages, also "
    "for\n"
    "timers and time-outs; replay runs as fast as it can.\n"
    "\n"
    "  --against OTHER.lua  print only where the values differ from OTHER's, tag by tag, OTHER's\n"
    "                       value first; exit code 1 when they differ\n"
    "  --history FILE       put the values into a history and print none; a value that is there\n"
    "                       already is not added again\n"
    "  --unsafe             the configs may use all of Lua (io, os, debug, package)\n";

int tl_command_replay (int argc, char **argv) {
  bool unsafe = false;
  const char *against = NULL, *history = NULL, *words[2];
  const tl_option options[] = { { "against", 0, NULL, &against },
                                { "history", 0, NULL, &history },
                                { "unsafe", 0, &unsafe, NULL },
                                { 0 } };
  int n = tl_options_read(argc, argv, "replay", help, options, words, 2);
  if (n < 0) return tl_options_exit(n);
  if (n < 2)
    return tl_options_exit(
        tl_options_wrong("replay", n < 1 ? "a CAPTURE is missing" : "a CONFIG.lua is missing"));
  if (history && against)
    return tl_options_exit(tl_options_wrong("replay", "--history and --against: give one"));
  tl_log_set_level(TL_LOG_ERROR);
  const char *arguments[] = { unsafe ? "unsafe" : "", words[0], words[1], against ? against : "",
                              history ? history : "" };
  return tl_lua_command("tagline.test.replay", arguments, 5);
}
