/* core/script/load_end.h — private to script/: what is told when the loading of a config was
** ended: its time is over, or there is no memory. Knows no Lua. */
#ifndef TL_SCRIPT_LOAD_END_H
#define TL_SCRIPT_LOAD_END_H

#include "base/buf.h"

/* "FILE:LINE: why" of the config at `path` into `line`, from Lua's error `why`. Lua names the place
** where it was, shortened where the file's name is long; when that is a module of ours, in
** `lua_dir` (NULL: unknown), the config is named in its place. The traceback behind it is left out:
** it is ours. */
void tl_load_end_text (tl_buf *line, const char *path, const char *lua_dir, const char *why);

#endif
