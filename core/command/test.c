/* core/command/test.c — `tagline test [FILE…]`: busted specs of configs and decoders, without a
** broker. */
#include <stdio.h>

#include "base/log.h"
#include "command/command.h"
#include "command/options.h"
#include "offline/lua_command.h"

static const char help[] =
    "usage: tagline test [--output NAME] [FILE or FOLDER …]\n"
    "\n"
    "Runs busted specs with the module tagline.test: they feed payloads to a config and look at "
    "its\n"
    "tags, without a broker, at times that they choose. Without FILE: every *_spec.lua and\n"
    "*_test.lua in spec/, or in the current folder when there is no spec/. Exit code 0 when all\n"
    "pass, 1 when one fails.\n"
    "\n"
    "  --output NAME   how busted reports: utfTerminal, plainTerminal, TAP, junit, json …\n";

enum { FILES = 1000 };

int tl_command_test (int argc, char **argv) {
  const char *output = "", *words[FILES + 1];
  const tl_option options[] = { { "output", 0, NULL, &output }, { 0 } };
  int n = tl_options_read(argc, argv, "test", help, options, words + 1, FILES);
  if (n < 0) return tl_options_exit(n);
  tl_log_set_level(TL_LOG_ERROR);
  words[0] = output;
  return tl_lua_command("tagline.test.run", words, n + 1);
}
