/* core/script/caller.h — for whom code runs: a person at a console, or nobody (a handler, the
** config). What a person changes is logged with who they are, and calls that wait do so through
** their console. The console itself is repl/, which hooks itself in here: this room does not know
** it. */
#ifndef TL_SCRIPT_CALLER_H
#define TL_SCRIPT_CALLER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "sandbox/lib.h"
#include "script/host.h"

/* One attached person, at most one evaluation at a time (repl/repl.h). */
typedef struct tl_eval tl_eval;

/* Who began something that goes on later: a write's function, a coroutine that waits, a timer. */
typedef struct {
  uint64_t eval; /* 0: nobody; the person may have left since */
  uint32_t uid;
} tl_caller;

#define TL_CHUNK_TYPED "=repl"   /* what errors call code that was typed at a console */
#define TL_CHUNK_SCRIPT "=stdin" /* and that of a script which a console was given */

tl_caller tl_caller_here (lua_State *L);
/* Is it a person, at a console or through a function that was typed there? */
bool tl_caller_is_person (lua_State *L);
/* Around what runs later for somebody: enter gives what to leave with. */
tl_caller tl_caller_enter (tl_script *s, tl_caller caller);
void tl_caller_leave (tl_script *s, tl_caller before);
/* A write is under way whose end somebody's function or coroutine will hear of: `tagline repl
** -e` waits for it. Once over, settle. */
void tl_caller_owe (tl_script *s, tl_caller caller);
void tl_caller_settle (tl_script *s, tl_caller caller);

/* --- what the log tells of a change --- */

/* Who asked for it, and what it is. An empty text: nothing is logged, it is a handler's. */
typedef struct {
  tl_caller caller;
  const char *scope; /* borrowed */
  char text[400];
} tl_change;

/* For what may still be refused: logged by tl_change_log once that is known. */
tl_change tl_change_of (lua_State *L, const char *scope, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* `how` it went, "refused", "queue full", and why; how NULL: well. */
void tl_change_log (const tl_change *change, const char *how, const char *why);
/* Both in one, of what went well. */
void tl_change_log_now (lua_State *L, const char *scope, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* --- waiting --- */

/* The evaluation that may wait here: L is its own coroutine, and no C function stands between.
** NULL: it may not. */
tl_eval *tl_eval_of (lua_State *L);
/* Wait: `return tl_eval_wait(L, e, stop, ctx)`. Ends by tl_eval_wake, whose `push` puts the
** results on the coroutine and returns how many they are; it runs protected, and may be NULL.
** `stop` is called when the evaluation ends before that (cancelled, detached). */
int tl_eval_wait (lua_State *L, tl_eval *e, void (*stop)(void *ctx), void *ctx);
void tl_eval_wake (tl_eval *e, int (*push)(lua_State *co, void *arg), void *arg);
/* A C function that may have taken long ends with `return tl_eval_rest(L)`, without results: when
** the evaluation's slice is used up the loop has its turn. Nothing where nobody can wait. */
int tl_eval_rest (lua_State *L);
/* Resume an evaluation that waited for a write. False: the coroutine is not one of theirs. */
bool tl_eval_resume (tl_script *s, lua_State *co, bool ok, const char *why);
/* Show text to the person; not kept back for anything. */
void tl_eval_show (tl_eval *e, tl_slice text);

/* What repl/ hands over when the first console is attached: the functions above as it does
** them. */
typedef struct {
  tl_eval *(*of)(lua_State *L);
  int (*wait)(lua_State *L, tl_eval *e, void (*stop)(void *ctx), void *ctx);
  void (*wake)(tl_eval *e, int (*push)(lua_State *co, void *arg), void *arg);
  int (*rest)(lua_State *L);
  bool (*resume)(tl_script *s, lua_State *co, bool ok, const char *why); /* ok: what was sent */
  void (*show)(tl_eval *e, tl_slice text);
  void (*owe)(tl_script *s, tl_caller caller);
  void (*settle)(tl_script *s, tl_caller caller);
  void (*close)(tl_script *s); /* the script ends: every evaluation, and what they are kept in */
} tl_console_hooks;

void tl_caller_set_console (tl_script *s, const tl_console_hooks *hooks);

/* The first member of a tl_eval. */
typedef struct {
  const tl_console_hooks *console;
} tl_eval_head;

#endif
