/* core/command/init.c — `tagline init [FOLDER]`: a folder to begin with. What is in the files is
** Lua's (lua/tagline/init). */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "command/command.h"
#include "command/options.h"
#include "command/print.h"
#include "offline/lua_command.h"

static const char help[] =
    "usage: tagline init [FOLDER]\n"
    "\n"
    "Makes files to begin with, in FOLDER or here: plant.lua, a config; meter.lua, a decoder;\n"
    "spec/plant_spec.lua, its tests; .luarc.json, which tells editors the words of configs. When "
    "one\n"
    "of these files is there already, nothing is written.\n";

static const char *const names[] = { "plant.lua", "meter.lua", "spec/plant_spec.lua",
                                     ".luarc.json" };

enum { NAMES = sizeof names / sizeof *names };

static int fail (const char *path, const char *why) {
  char text[PATH_MAX + 300];
  snprintf(text, sizeof text, "%s: %s", path, why);
  tl_print_error("init", text);
  return 1;
}

/* path = folder/name; false: it is too long. */
static bool join (char *path, const char *folder, const char *name) {
  int n = snprintf(path, PATH_MAX, "%s/%s", folder, name);
  return n < PATH_MAX;
}

static int make_folder (const char *path) {
  struct stat st;
  if (mkdir(path, 0777) == 0) return 0;
  int why = errno;
  if (why == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode)) return 0;
  return fail(path, why == EEXIST ? "is there, and no folder" : strerror(why));
}

static int prepare (const char *folder) {
  char path[PATH_MAX];
  struct stat st;
  for (int i = 0; i < NAMES; i++) {
    if (!join(path, folder, names[i])) return fail(folder, "the path is too long");
    if (lstat(path, &st) == 0) return fail(path, "is there already; nothing was written");
  }
  int rc = make_folder(folder);
  if (rc == 0 && join(path, folder, "spec")) rc = make_folder(path);
  return rc;
}

int tl_command_init (int argc, char **argv) {
  const char *words[1] = { "." };
  const tl_option options[] = { { 0 } };
  int n = tl_options_read(argc, argv, "init", help, options, words, 1);
  if (n < 0) return tl_options_exit(n);
  char folder[PATH_MAX];
  size_t len = strlen(words[0]);
  if (len == 0 || len >= sizeof folder)
    return tl_options_exit(tl_options_wrong("init", "expected a folder's path"));
  memcpy(folder, words[0], len + 1);
  while (len > 1 && folder[len - 1] == '/') folder[--len] = '\0';
  int rc = prepare(folder);
  if (rc != 0) return rc;
  const char *arguments[] = { folder };
  return tl_lua_command("tagline.init.main", arguments, 1);
}
