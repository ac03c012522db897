/* core/command/replay.c — `tagline replay CAPTURE CONFIG.lua`: recorded messages through a
** config, in their own time. */
#include <stdio.h>

#include "base/log.h"
#include "command/command.h"
#include "command/options.h"
#include "offline/tool.h"

static const char help[] =
    "usage: tagline replay [--unsafe] CAPTURE CONFIG.lua\n"
    "       tagline replay --history FILE [--unsafe] CAPTURE CONFIG.lua\n"
    "       tagline replay --against OTHER.lua [--unsafe] CAPTURE CONFIG.lua\n"
    "\n"
    "Runs the messages of a capture (save(\"FILE\") in the REPL writes one) through a config and "
    "prints the values stream. Nothing is\n"
    "connected. The time is that of the messages: timers, time-outs and values see it, and replay "
    "takes as long as the work takes.\n"
    "\n"
    "  --against OTHER.lua  print in place of the values where they differ from OTHER's, tag by "
    "tag (OTHER's first);\n"
    "                       exit code 1 when they differ\n"
    "  --history FILE       put the values into a history in place of printing them; what is there "
    "already adds nothing\n"
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
  return tl_tool_run("tagline.test.replay", arguments, 5);
}
