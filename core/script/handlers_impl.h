/* core/script/handlers_impl.h — private to script/: the users' functions, for the files that call
** them and the one that keeps them. */
#ifndef TL_SCRIPT_HANDLERS_IMPL_H
#define TL_SCRIPT_HANDLERS_IMPL_H

#include "script/script.h"

/* handlers.c: runs `body` with `arg` behind the door, for a function of this line whose name is
** `what`. LUA_OK, or a status of Lua: then the error is logged, and status() knows of it. */
int tl_handler_call_line (void *script, tl_link *l, lua_CFunction body, void *arg,
                          const char *what);

/* line_handlers.c: as tl_handlers and tl_observer have them; the context is the script */
void tl_handler_line (void *script, tl_link *l, bool up, const char *why);
void tl_handler_before_disconnect (void *script, tl_link *l);
bool tl_handler_will (void *script, tl_link *l, tl_buf *out);
bool tl_handler_headers (void *script, tl_link *l, tl_buf *out);

/* hooks.c: likewise. What a device's station has: the functions of its template, and statistics of
** its own. NULL: no memory, it has no functions. */
void *tl_hooks_share (void *script, void *user);
void tl_hooks_release (void *script, void *user);

#endif
