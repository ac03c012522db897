/* core/command/check.c — `tagline check CONFIG.lua`: every problem of a config on stdout, exit
** 1 if one is an error. */
#include <stdio.h>

#include "command/command.h"
#include "command/connect.h"
#include "command/options.h"
#include "command/print.h"
#include "command/start.h"

static const char help[] =
    "usage: tagline check [--unsafe] [--connect] CONFIG.lua\n"
    "\n"
    "Loads and checks the config without connecting. Prints every problem as FILE:LINE: what was\n"
    "expected, what came. Exit code 1 if there is an error; warnings alone exit 0.\n"
    "\n"
    "  --connect  also try each address of each line, step by step; exit code 1 if one fails\n"
    "  --unsafe   the config may use all of Lua (io, os, debug, package)\n";

static void print_problem (void *ctx, bool is_error, const char *text) {
  (void)ctx;
  (void)is_error;
  tl_print_line(text);
}

int tl_command_check (int argc, char **argv) {
  bool unsafe = false, connects = false;
  const char *config[1];
  const tl_option options[] = { { "unsafe", 0, &unsafe, NULL },
                                { "connect", 0, &connects, NULL },
                                { 0 } };
  int n = tl_options_read(argc, argv, "check", help, options, config, 1);
  if (n < 0) return tl_options_exit(n);
  if (n < 1) return tl_options_exit(tl_options_wrong("check", "a CONFIG.lua is missing"));
  tl_script *script = tl_start_script(unsafe, true);
  if (!script) return 1;
  int errors = tl_config_load(script, config[0], print_problem, NULL);
  if (errors == 0 && connects) errors = tl_connect_lines(script);
  tl_script_free(script);
  return errors != 0;
}
