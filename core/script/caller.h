/* core/script/caller.h — for whom code runs: a person at a console, or nobody (a handler, the
** config).
** What a person changes is logged with who they are. A call that waits does so through the
** person's console.
** The console itself is in repl/, which registers its functions here: this room does not know
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

/* Who began something that goes on later: the function of a write, a waiting coroutine, a
** timer. */
typedef struct {
  uint64_t eval; /* number of the person's console; 0: nobody. The console may be closed by now */
  uint32_t uid;
  const void *line; /* whose handler it was, only compared; NULL: of no line (turn.h) */
} tl_caller;

/* chunk name of code that was typed at a console, as errors show it */
#define TL_CHUNK_TYPED "=repl"
#define TL_CHUNK_SCRIPT "=stdin" /* chunk name of a script that a console was given */

tl_caller tl_caller_here (lua_State *L);
/* Does the code run for a person: at a console, or through a function that was typed there? */
bool tl_caller_is_person (lua_State *L);
/* Called before code runs later for somebody; the result is to be passed to tl_caller_leave()
** afterwards. */
tl_caller tl_caller_enter (tl_script *s, tl_caller caller);
void tl_caller_leave (tl_script *s, tl_caller before);
/* A write is under way, and a function or a coroutine of the caller will be told how it ended:
** `tagline repl -e` waits for that. Each call needs one tl_caller_settle() when the write has
** ended. */
void tl_caller_owe (tl_script *s, tl_caller caller);
void tl_caller_settle (tl_script *s, tl_caller caller);

/* --- what the log tells of a change --- */

/* Who asked for a change, and what it is. An empty text: nothing is logged, because a handler
** asked for it. */
typedef struct {
  tl_caller caller;
  const char *scope; /* borrowed */
  char text[400];
} tl_change;

/* Describe a change that may still be refused; tl_change_log() logs it once that is known. */
tl_change tl_change_of (lua_State *L, const char *scope, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Log the change. `how`: how it failed ("refused", "queue full"), with the reason in `why`;
** NULL: it succeeded. */
void tl_change_log (const tl_change *change, const char *how, const char *why);
/* Describe and log a change that has succeeded. */
void tl_change_log_now (lua_State *L, const char *scope, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* --- waiting --- */

/* The evaluation that may wait here, or NULL. It may wait if L is its own coroutine, and no C
** function stands between. */
tl_eval *tl_eval_of (lua_State *L);
/* Wait: `return tl_eval_wait(L, e, stop, ctx)`. The wait ends by tl_eval_wake(), whose `push`
** puts the results on the coroutine and returns their number; `push` runs protected, and may
** be NULL.
** `stop` is called instead if the evaluation ends before that (it was cancelled, or the
** console closed). */
int tl_eval_wait (lua_State *L, tl_eval *e, void (*stop)(void *ctx), void *ctx);
void tl_eval_wake (tl_eval *e, int (*push)(lua_State *co, void *arg), void *arg);
/* A C function that may have taken long ends with `return tl_eval_rest(L)`, and then has no
** results. If the evaluation has used up its slice, the loop runs first. Where nobody can wait
** it does nothing. */
int tl_eval_rest (lua_State *L);
/* Continue an evaluation that waited for a write. False: the coroutine is not an evaluation's. */
bool tl_eval_resume (tl_script *s, lua_State *co, bool ok, const char *why);
/* Show text to the person at once, without regard to how far the reader is. */
void tl_eval_show (tl_eval *e, tl_slice text);

/* The implementations of the functions above, which repl/ sets when the first console is
** attached. */
typedef struct {
  tl_eval *(*of)(lua_State *L);
  int (*wait)(lua_State *L, tl_eval *e, void (*stop)(void *ctx), void *ctx);
  void (*wake)(tl_eval *e, int (*push)(lua_State *co, void *arg), void *arg);
  int (*rest)(lua_State *L);
  /* ok: `why` says what was published */
  bool (*resume)(tl_script *s, lua_State *co, bool ok, const char *why);
  void (*show)(tl_eval *e, tl_slice text);
  void (*owe)(tl_script *s, tl_caller caller);
  void (*settle)(tl_script *s, tl_caller caller);
  void (*close)(tl_script *s); /* the script ends: free all evaluations and what they share */
} tl_console_hooks;

void tl_caller_set_console (tl_script *s, const tl_console_hooks *hooks);

/* The first member of every tl_eval. */
typedef struct {
  const tl_console_hooks *console;
} tl_eval_head;

#endif
