/* core/script/handlers_impl.h — private to script/: the user's functions, for the files that
** call them and the file that keeps them. */
#ifndef TL_SCRIPT_HANDLERS_IMPL_H
#define TL_SCRIPT_HANDLERS_IMPL_H

#include "script/script.h"

/* handlers.c: runs `body` with `arg` behind the door, for the line's function named `what`.
** Returns LUA_OK, or another status of Lua: then the error was logged, and status() shows it. */
int tl_handler_call_line (void *script, tl_link *l, lua_CFunction body, void *arg,
                          const char *what);

/* line_handlers.c: members of tl_handlers and tl_observer; their ctx is the script. */
void tl_handler_line (void *script, tl_link *l, bool up, const char *why);
bool tl_handler_has_will (void *user);
void tl_handler_before_disconnect (void *script, tl_link *l);
void tl_handler_reload_begins (void *script);
bool tl_handler_line_first (void *script, tl_link *l);
bool tl_handler_line_leaves (void *script, tl_link *l);
bool tl_handler_will (void *script, tl_link *l, tl_buf *out);
bool tl_handler_headers (void *script, tl_link *l, tl_buf *out);

/* hooks.c: member `share` of tl_handlers. An instance gets the functions of its template, and
** statistics of its own. NULL: no memory, and the instance has no functions. */
void *tl_hooks_share (void *script, void *user);
void tl_hooks_release (void *script, void *user);

#endif
