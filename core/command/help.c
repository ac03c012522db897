/* core/command/help.c — `tagline help [WORD]`: a command's options, or what a word of configs and
** of the prompt means. */
#include "command/help.h"

#include <stdio.h>
#include <string.h>

#include "command/command.h"
#include "command/options.h"
#include "offline/lua_command.h"

static const char text[] =
    "usage: tagline COMMAND …\n"
    "\n"
    "  init [FOLDER]                      a folder to begin with: config, decoder, tests\n"
    "  run CONFIG.lua                     connect and run\n"
    "  check CONFIG.lua                   load and validate; every problem as FILE:LINE\n"
    "  explain CONFIG.lua TOPIC [FILE]    where a message goes, what every tag becomes, and why\n"
    "  test [FILE …]                      run specs of configs and decoders, without a broker\n"
    "  replay CAPTURE CONFIG.lua          recorded messages through a config\n"
    "  repl [-e CODE]                     attach to a running process\n"
    "  discover HOST [FILTER …]           what is on a broker; a config for it\n"
    "  history FILE|CONFIG.lua [PATTERN]  what a history holds, as CSV or JSON\n"
    "  status [--json]                    is something wrong with a running process? exit 1 if so\n"
    "  help [WORD]                        a command, or a word of configs, payloads and errors\n"
    "\n"
    "tagline COMMAND --help shows the options of a command; tagline --version the version.\n"
    "Exit codes: 0 done, 1 failed (errors in a config, in REPL code, in specs), 2 wrong usage.\n";

static const char help[] =
    "usage: tagline help [--options] [WORD]\n"
    "\n"
    "WORD is a command (tagline help run), or anything that help(\"WORD\") knows at the prompt: a\n"
    "word of configs, a parameter, an address, a status, a reason, an error, a codec.\n"
    "\n"
    "  --options   the options of all commands as a table, for programs: command, option, and\n"
    "              whether it takes a value\n";

static const tl_command commands[] = {
  { "init", tl_command_init },     { "run", tl_command_run },
  { "check", tl_command_check },   { "explain", tl_command_explain },
  { "test", tl_command_test },     { "replay", tl_command_replay },
  { "repl", tl_command_repl },     { "history", tl_command_history },
  { "status", tl_command_status }, { "discover", tl_command_discover },
  { "help", tl_command_help },
};

enum { COMMANDS = sizeof commands / sizeof *commands };

const tl_command *tl_command_find (const char *name) {
  for (int i = 0; i < COMMANDS; i++)
    if (strcmp(name, commands[i].name) == 0) return &commands[i];
  return NULL;
}

const char *tl_command_nearest (const char *word) {
  const char *names[COMMANDS];
  for (int i = 0; i < COMMANDS; i++) names[i] = commands[i].name;
  return tl_options_nearest(word, names, COMMANDS);
}

const char *tl_command_text (void) { return text; }

static void print_help (const char *command, const tl_option *options) {
  for (const tl_option *o = options; o->name || o->letter; o++) {
    const char *takes = o->flag ? "flag" : "value";
    if (o->name) printf("%s\t--%s\t%s\n", command, o->name, takes);
    if (o->letter) printf("%s\t-%c\t%s\n", command, o->letter, takes);
  }
}

/* Commands read their options before they do anything else. */
static int print_options (void) {
  tl_options_list(print_help);
  for (int i = 0; i < COMMANDS; i++) {
    char *alone[] = { (char *)(uintptr_t)commands[i].name, NULL };
    printf("%s\n", commands[i].name);
    commands[i].run(1, alone);
  }
  tl_options_list(NULL);
  return 0;
}

int tl_command_help (int argc, char **argv) {
  const char *words[1];
  bool table = false;
  const tl_option options[] = { { "options", 0, &table, NULL }, { 0 } };
  int n = tl_options_read(argc, argv, "help", help, options, words, 1);
  if (n < 0) return tl_options_exit(n);
  if (table) return print_options();
  if (n == 0) return fputs(text, stdout) < 0;
  const tl_command *c = tl_command_find(words[0]);
  if (!c) return tl_lua_command("tagline.repl.help_command", words, 1);
  char *asked[] = { (char *)(uintptr_t)c->name, "--help", NULL };
  return c->run(2, asked);
}
