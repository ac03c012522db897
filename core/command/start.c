/* core/command/start.c — see start.h. */
#include "command/start.h"

#include <stdio.h>

#include "command/print.h"

tl_script *tl_start_script (bool unsafe, bool check) {
  tl_buf dir;
  tl_script *script = NULL;
  tl_err err = { .text = "" };
  tl_buf_init(&dir);
  if (tl_script_find_lua(&dir) != TL_OK) {
    fputs("tagline: its Lua modules are missing: expected lua/ beside the program, or "
          "../share/tagline/lua\n",
          stderr);
  } else {
    tl_buf_byte(&dir, '\0');
    tl_script_options options = { .lua_dir = (const char *)dir.at,
                                  .unsafe = unsafe,
                                  .check = check };
    if (dir.failed || tl_script_new(&script, &options, &err) < 0)
      tl_print_error(NULL, err.text[0] != '\0' ? err.text : "no memory");
  }
  tl_buf_fini(&dir);
  return script;
}
