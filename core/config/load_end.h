/* core/config/load_end.h — private to script/: the text for a config whose loading was ended,
** because it took too long or there was no memory. Knows no Lua. */
#ifndef TL_CONFIG_LOAD_END_H
#define TL_CONFIG_LOAD_END_H

#include "base/buf.h"

/* Append "FILE:LINE: why" for the config at `path` to `line`, made of Lua's error `why`.
** Lua names the place where it was ended, and shortens a long file name. If the place is in
** one of tagline's modules, in `lua_dir` (NULL: unknown), the config is named in its place.
** The traceback is left out. */
void tl_load_end_text (tl_buf *line, const char *path, const char *lua_dir, const char *why);

#endif
