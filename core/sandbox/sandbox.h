/* core/sandbox/sandbox.h — a Lua state that cannot hang, and cannot take all memory. It runs C
** functions that call scripts, with a limit of time and memory. Knows nothing of lines,
** stations and tags.
**
** How a script is ended, in one picture:
**
**   a tick       every 4 ms of this thread's processor time a signal comes (watchdog.c). It sets a
**     │          hook in the running thread, and the flag `ticked` for C code that runs for long.
**   the look     before the next instruction the hook, or C code by tl_budget_check(), asks
**     │          is_over(): has the call used up its time or its memory? (budget.c)
**   the end      if so, `expired` is set and an error is raised. It is raised again by the hook at
**     │          every further instruction, and by our pcall, xpcall and coroutine functions
**     │          (lib_basic.c) when they catch it: no script can stop it.
**   the door     tl_sandbox_enter(), where the call began, catches it. A call inside another call
**                shares that one's time: when it is ended so, the outer call looks, too.
**
** A call can exceed its time by one tick, and by one instruction or C call. Functions whose
** length a script chooses say beforehand how long they take (tl_budget_spend), and texts have
** a limit.
** Two more ways in which Lua could run for ever within one instruction, and one in which it would
** collect for long, are closed where the program is linked: callable.c, weak.c and step.c. */
#ifndef TL_SANDBOX_SANDBOX_H
#define TL_SANDBOX_SANDBOX_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/buf.h"
#include "payload/document.h"
#include "payload/json.h"
#include "sandbox/heap.h"

enum { TL_WAITS = 30 };
enum { TL_MEMORY = 256 * 1048576, TL_LOADING_MEMORY = 1024 * 1048576 };

/* The time that one call through the door may take. It is processor time. A script that may wait
** in calls of its own (`unsafe`) may wait there for TL_WAITS times as much (tl_sandbox_wait).
** The clock starts at the first look, at a tick of the watchdog: a short call never reads a
** clock. */
typedef struct {
  /* All in ns. limit 0: none; deadline (monotonic clock) 0: nobody has looked yet. */
  uint64_t limit_ns, deadline_ns;
  /* The processor's clock when the call began (0: nobody has looked yet), and the processor time
  ** that it may take (0: limit_ns). */
  uint64_t cpu_ns, cpu_limit_ns;
  /* Extra time, given once, after a call inside this one has used up the time: to go on, or to
  ** pause. */
  uint64_t grace_ns;
  /* The text of the error; NULL: it says how long the call took. */
  const char *message;
  bool inside;  /* a call is running */
  bool expired; /* an error is raised at every chance until the door is reached */
  /* The script's function has returned, and C code goes on: calls inside it have budgets of
  ** their own. */
  bool resting;
} tl_budget;

/* For how long an outermost call of an `unsafe` state, and all that it sets off, may wait. That is
** real time less what this thread worked, and less what it had to stand back for others: a busy
** machine ends nothing. All in ns. Looked at when an alarm of the real time comes. */
typedef struct {
  uint64_t limit, until;        /* until (monotonic clock): when to ask again; 0: no bound */
  uint64_t began, cpu, starved; /* the clocks when the call began, or shortly before */
  uint64_t starved_at;          /* when `starved` was read */
} tl_sandbox_wait;

enum { TL_WEAK_MODES = 3, TL_WEAK_TABLES = 16 };

typedef struct tl_sandbox tl_sandbox;

/* The Lua heap, and what a call may take of it. */
typedef struct {
  tl_heap heap;
  size_t used, limit; /* bytes of the Lua heap */
  size_t loading;     /* bytes added to `limit` for a while, by the owner */
  size_t mark;        /* the running call is ended when it passes this */
  bool passed;        /* the running call has passed it */
  /* Size in bytes of a text or table that was too large for one object; 0: there was none. */
  size_t asked;
  bool system_refused; /* the system (not the limit) refused memory since this was last cleared */
  char place[80];      /* place in the script where memory was last refused */
  /* A text from outside of scripts is being made: it may be longer than theirs. */
  bool from_outside;
  /* The collector's pause in percent: heap at the start of the next cycle, compared with the
  ** heap after the last one. */
  int gc_pause;
  size_t collected_at; /* `used` when the collector was last set */
  /* step.c: bytes of large objects that the collector has not worked for yet; it does so now */
  size_t owed;
  bool stepping;
} tl_sandbox_memory;

typedef struct {
  tl_sandbox *next; /* next in the list of states */
  const void *modes[TL_WEAK_MODES], *tables[TL_WEAK_TABLES];
  int count;
} tl_sandbox_weak;

struct tl_sandbox {
  /* The main Lua state. It is kept, because a lua_State passed to a C function may be a
  ** coroutine that ends. */
  lua_State *L;
  bool unsafe; /* scripts see all of Lua, also functions that wait */

  tl_sandbox_memory memory; /* memory.c */

  /* time: budget.c; `ticked`, `ticks` also the watchdog's */
  double handler_time;         /* seconds that most calls of the owner may take; shown in errors */
  tl_budget budget;            /* of the running call */
  tl_sandbox_wait wait;        /* of the outermost call */
  lua_State *volatile running; /* the running thread: L or a coroutine */
  bool watched;                /* the watchdog was started for this state */
  volatile bool ticked;        /* the watchdog has ticked since the last look */
  volatile uint32_t ticks;     /* ticks so far while a script of this state ran */
  uint64_t cpu_ns, cpu_at;  /* the processor's clock at its last reading, and when that was; ns */
  int depth;                /* calls through the door inside each other */
  int closing;              /* coroutines being closed inside each other */
  struct tl_pieces *pieces; /* pieces.c: the work in pieces that runs now; NULL: none */
  bool pausable;            /* what runs may pause now, for work that asked for tl_pieces_mind() */
  uint64_t away_ticks;      /* pieces.c: how long finished pauses lasted, in all */

  /* An error is raised in a call through the door. True: it needs no traceback. NULL: every
  ** error gets one. */
  bool (*is_known)(tl_sandbox *b, const char *text, size_t len);

  /* statistics: budget.c */
  uint64_t start_ns, start_ticks; /* for tl_ticks_seconds */
  /* when the budget's clock was first looked at, in ticks of tl_ticks(); 0: not yet */
  uint64_t checked_ticks;

  tl_sandbox_weak weak; /* weak.c */
};

/* Makes the state in *b. Its globals have Lua's library and ours (lib.h), and tagline.re,
** .json and .weak are modules; more(), if it is not NULL, loads others, and may raise. TL_OK;
** TL_ENOMEM with *err: tl_sandbox_fini() must be called also then. */
int tl_sandbox_init (tl_sandbox *b, bool unsafe, void (*more)(lua_State *L), tl_err *err);
void tl_sandbox_fini (tl_sandbox *b);
tl_sandbox *tl_sandbox_of (lua_State *L); /* the sandbox of any state or coroutine */

/* --- the door (budget.c) --- */

/* Run body(arg) protected, with `seconds` of time (0: no limit). The stack is left as it was.
** Returns LUA_OK, or an error code of Lua. The error's text with its traceback is appended to
** *err; err NULL: it is logged under `where`. */
int tl_sandbox_enter (tl_sandbox *b, lua_CFunction body, void *arg, double seconds,
                      const char *where, tl_buf *err);
/* The message handler: adds a traceback to string errors. */
int tl_sandbox_traceback (lua_State *L);

/* --- budgets (budget.c) --- */

/* A hook that looks at the budget often, for callers that have set a hook of their own before;
** new coroutines inherit it. */
void tl_budget_hook (tl_sandbox *b, lua_State *co);
/* Starts the watchdog (watchdog.h) with the hook of budget.c; once for each state. False: the
** system has no timer left. */
bool tl_watchdog_begin (void);
/* The state's allocator, with its limit. */
void *tl_sandbox_alloc (void *sandbox, void *at, size_t before, size_t wanted);
/* Works as lua_pushlstring(), for a text that may be longer than one of a script. */
void tl_push_outside (lua_State *L, tl_slice text);
/* Set the collector, after the memory or its limit has changed much. */
void tl_sandbox_tune (tl_sandbox *b);
/* Works as lua_resume(), under the running budget. Every coroutine must be resumed through
** this function. */
int tl_sandbox_resume (lua_State *co, lua_State *from, int args, int *results);
/* Was the coroutine ended by the end of a budget? Then nothing may run in it, and it must not
** be closed. */
bool tl_sandbox_is_ended (lua_State *co);
/* Works as lua_resetthread() (its __close run). To be called from outside of Lua, within a
** call's budget. */
void tl_sandbox_close_thread (tl_sandbox *b, lua_State *co);
/* C code that takes long because of a script's arguments calls one of these at each step; they
** raise once the time is up.
** tl_budget_spend() comes before work that cannot be interrupted, with an estimate of its time
** in ns: raises if that is too long. */
void tl_budget_check (lua_State *L);
/* The same; the error names the running function as its place, not the caller. */
void tl_budget_check_here (lua_State *L);
/* The same if there was a tick, in the middle of an instruction. L need not belong to a
** sandbox. */
void tl_budget_check_running (lua_State *L);
void tl_budget_spend (lua_State *L, uint64_t ns);
/* From here on the running call is not ended: what it does must not stay half done. Calls
** inside it have budgets of their own. */
void tl_budget_lift (tl_sandbox *b);
/* The rest of the budget in ns; UINT64_MAX: no limit. Raises once the time is up. */
uint64_t tl_budget_left (lua_State *L);
/* After a protected call that failed: raises again if the budget was the reason. */
void tl_budget_rethrow (lua_State *L);
static inline void tl_work (lua_State *L, const tl_sandbox *b) {
  if (b->ticked) tl_budget_check(L);
}

/* A counter of the processor, for statistics of calls that are too short for a system call. */
uint64_t tl_ticks (void);
double tl_ticks_seconds (const tl_sandbox *b, uint64_t ticks);

/* --- JSON documents as Lua values (json.c) --- */

/* Push a JSON document. Raises with line, column and what was expected. */
void tl_push_json (lua_State *L, tl_slice document);
/* Push a document of our own: its lists print as lists, even empty ones. */
void tl_push_document (lua_State *L, tl_slice document);
void tl_mark_list (lua_State *L); /* the table on top is a list, even when it is empty */
/* Raises "WHAT is not JSON: line …". */
void tl_push_json_of (lua_State *L, tl_slice document, const char *what);
/* Push a value that tl_json_extract() gave: a scalar, or an object or array as a table; null,
** or no value, is json.null. */
void tl_push_json_value (lua_State *L, const tl_json_value *v);
/* binary.c: push a CBOR or MessagePack document. Raises with the byte and what was expected.
** Numbers of 64 bits are integers if they fit; null and undefined are json.null; keys that are
** numbers stay numbers. */
void tl_push_binary (lua_State *L, tl_doc_format format, tl_slice document, const char *what);

#endif
