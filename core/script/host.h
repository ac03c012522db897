/* core/script/host.h — the Lua side of a running tagline: one Lua state, one door into it, and
** what other rooms need of it. This header does not show <lua.h>. */
#ifndef TL_SCRIPT_HOST_H
#define TL_SCRIPT_HOST_H

#include "gateway/gateway.h"

typedef struct tl_script tl_script;

typedef struct {
  const char *lua_dir; /* folder that holds tagline/…; see tl_script_find_lua */
  bool unsafe;         /* --unsafe: configs see all of Lua */
  bool check;          /* `tagline check`: a missing credential is only a warning */
} tl_script_options;

/* Make a state without a gateway, which is enough to load and check configs. TL_OK and *out;
** TL_ENOMEM; TL_ENOENT: the Lua modules were not found (err). */
int tl_script_new (tl_script **out, const tl_script_options *options, tl_err *err);
/* All lines are closed, and the process ends: functions of values, statuses and lines that wait for
** their turn are called, timers and the rest are forgotten. Evaluations of consoles go on. */
void tl_script_end (tl_script *s);
void tl_script_free (tl_script *s);
/* Find the folder of tagline's Lua modules, beside the program: EXE/../lua in a build tree,
** PREFIX/share/tagline/lua when installed. */
int tl_script_find_lua (tl_buf *out);

/* Pass these to tl_gateway_new(), with the script as their context; then tell the script its
** gateway. */
extern const tl_handlers tl_script_handlers;
void tl_script_attach (tl_script *s, tl_gateway *g, tl_loop *loop);
/* There is no loop, and the caller sets the time: handlers do not have to share turns. */
void tl_script_run_offline (tl_script *s);

/* Statistics of the user's functions of one kind ("decode" …) of a station. */
enum { TL_HANDLER_KINDS = 5 };
extern const char *const tl_call_names[TL_HANDLER_KINDS];
typedef struct {
  const char *name;
  bool there; /* it has one, or had one that was called */
  uint64_t calls, errors;
  double seconds, longest; /* seconds */
} tl_handler_facts;
void tl_script_handlers_of (const tl_script *s, const tl_station *station,
                            tl_handler_facts out[TL_HANDLER_KINDS]);
size_t tl_script_memory (const tl_script *s); /* bytes that the Lua heap uses */

/* Where the running script is: lines of text for `add`, the innermost call first. For a signal
** handler in the same thread: allocates nothing. */
void tl_script_where (const tl_script *s, void (*add)(void *ctx, const char *text), void *ctx);

#endif
