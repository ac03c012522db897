/* core/config/load_end.c — see load_end.h. */
#include "config/load_end.h"

#include <string.h>

static bool begins (const char *text, const char *with) {
  return with && strncmp(text, with, strlen(with)) == 0;
}

/* Does the error begin with a place in a Lua module of tagline? Returns the rest of the text
** behind it, otherwise NULL. */
static const char *behind_own_place (const char *lua_dir, const char *why) {
  const char *colon = strchr(why, ':'), *module = strstr(why, "/tagline/");
  if (!colon || !module || module > colon) return NULL;
  if (!begins(why, "...") && !begins(why, lua_dir)) return NULL;
  const char *text = strstr(colon + 1, ": ");
  return text ? text + 2 : NULL;
}

/* Does the error begin with the end of the path, as Lua shortens it ("...plant/site.lua:3:
** why")? Returns the text from ":3" on, otherwise NULL. */
static const char *behind_shortened (const char *path, const char *why) {
  const char *colon = strchr(why, ':');
  size_t len = strlen(path);
  if (!colon || !begins(why, "...")) return NULL;
  size_t tail = (size_t)(colon - why) - 3;
  return tail > 0 && tail <= len && memcmp(path + len - tail, why + 3, tail) == 0 ? colon : NULL;
}

void tl_load_end_text (tl_buf *line, const char *path, const char *lua_dir, const char *why) {
  const char *colon = strchr(why, ':'), *stop = strstr(why, "\nstack traceback:");
  const char *own = behind_own_place(lua_dir, why), *rest = behind_shortened(path, why);
  if (rest) {
    tl_buf_str(line, path);
    why = rest;
  } else if (own || !colon || colon[1] < '0' || colon[1] > '9') {
    tl_buf_fmt(line, "%s:1: ", path);
    if (own) why = own;
  }
  tl_buf_slice(line, tl_slice_of(why, stop && stop > why ? (size_t)(stop - why) : strlen(why)));
}
