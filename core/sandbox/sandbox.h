/* core/sandbox/sandbox.h — a Lua state that cannot hang, and cannot take all memory. Knows nothing
** of lines, stations and tags: it runs a C function with a script behind it, for so long, within
** so much memory.
**
** How a script is ended, in one picture:
**
**   a tick       every 4 ms of this thread's processor time a signal comes (watchdog.c). It sets a
**     │          hook in the thread that runs, and a note (`ticked`) for C code that goes on long.
**   the look     before its next instruction the hook, or C code by tl_work(), asks is_over():
**     │          has the call had its time, or its memory? (budget.c)
**   the end      if so, `expired` is set and an error is raised. It is raised again by the hook at
**     │          every instruction that runs meanwhile, and by pcall, xpcall and coroutines of ours
**     │          (lib_basic.c) when it comes by: no script can catch it.
**   the door     tl_sandbox_enter, where the call began, catches it. A call that was set off
**                within another one shares its time: when it ends so, the outer one looks, too.
**
** What can overrun: one tick, and one instruction or C call. Those whose length a script chooses
** say beforehand how long they take (tl_budget_spend), and texts are bounded. Two more of Lua's
** own ways to go on for ever within an instruction are closed where the program is linked:
** callable.c and weak.c. */
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

enum { TL_MEMORY = 256 * 1048576, TL_LOADING_MEMORY = 1024 * 1048576 };

/* The time that one call through the door may take: of the processor, unless the script may
** wait in calls of its own (`unsafe`). Its clock starts when somebody first looks, at a tick of
** the watchdog: a short call costs no look at a clock. */
typedef struct {
  /* limit 0: none; deadline 0: nobody has looked yet; the clock is the monotonic one */
  uint64_t limit_ns, deadline_ns;
  /* of the processor, when it began (0: any time counts), and what it may take of it (0:
  ** limit_ns) */
  uint64_t cpu_ns, cpu_limit_ns;
  /* more, once, when a call that it set off has used up what is left: to go on, or to pause */
  uint64_t grace_ns;
  /* what the error says, in place of how long the call took; NULL */
  const char *message;
  bool inside;  /* a call is running */
  bool expired; /* raise at every chance until the door is reached again */
  /* the script's function returned, C code goes on: calls that it sets off have budgets of their
  ** own */
  bool resting;
} tl_budget;

enum { TL_WEAK_MODES = 3, TL_WEAK_TABLES = 16 };

typedef struct tl_sandbox tl_sandbox;

struct tl_sandbox {
  /* the main state; a lua_State handed to a C function may be a coroutine that dies */
  lua_State *L;
  bool unsafe; /* all of Lua, also what waits */

  /* memory: budget.c */
  tl_heap heap;
  size_t memory, memory_limit; /* bytes of the Lua heap */
  size_t loading_memory;       /* more of it, for a while; the owner's */
  size_t memory_mark;          /* the running call ends where it would pass this */
  bool memory_passed;          /* it has */
  /* it made a text or a table larger than it may, of so many bytes; 0: it did not */
  size_t memory_asked;
  bool system_refused;   /* the system had no memory since this was last cleared, not the limit */
  char memory_place[80]; /* where memory was refused last */
  /* a text is being made that did not come from a script: it may be longer */
  bool from_outside;
  /* of the collector, in percent (heap after the next cycle's start to heap after the last one) */
  int gc_pause;
  size_t collected_at; /* the memory when the collector was set to work last */

  /* time: budget.c; `ticked`, `ticks` also the watchdog's */
  double handler_time; /* seconds that a call of the owner's takes mostly: named in errors */
  tl_budget budget;    /* of the running call */
  lua_State *volatile running; /* the thread that runs: L or a coroutine */
  bool watched;                /* by the watchdog */
  volatile bool ticked;        /* the watchdog ticked since somebody looked */
  volatile uint32_t ticks;     /* how often it did while this script ran */
  uint64_t cpu_ns, cpu_at;     /* the processor's clock when it was read last, and when that was */
  int depth;                   /* calls through the door, one within the other */
  int closing;                 /* coroutines that are being closed, one within the other */
  struct tl_pieces *pieces;    /* pieces.c: that run now; NULL: none */
  bool pausable;               /* what runs may pause, if it runs in pieces that ask for this */
  uint64_t away_ticks;         /* pieces.c: how long those that go on now were away, in all */

  /* An error comes up in a call through the door: true: it needs no traceback. NULL: all do. */
  bool (*is_known)(tl_sandbox *b, const char *text, size_t len);

  /* statistics: budget.c */
  uint64_t start_ns, start_ticks; /* for tl_ticks_seconds */
  uint64_t checked_ticks;         /* when somebody first looked at the budget's clock; 0: nobody */

  /* weak.c */
  tl_sandbox *next; /* of the states whose tables have no weak keys */
  const void *weak_modes[TL_WEAK_MODES], *weak_tables[TL_WEAK_TABLES];
  int weak_count;
};

/* In place. The state has Lua's library and ours (lib.h) in its globals, and tagline.re, .json,
** .zlib and .weak as modules. TL_ENOMEM with err filled: fini() is still to be called. */
int tl_sandbox_init (tl_sandbox *b, bool unsafe, tl_err *err);
void tl_sandbox_fini (tl_sandbox *b);
tl_sandbox *tl_sandbox_of (lua_State *L); /* from any state or coroutine */

/* --- the door (budget.c) --- */

/* Run body(arg) protected, with `seconds` of time (0: no limit). Leaves the stack as it found
** it. LUA_OK, or an error code after *err's text was filled (traceback included, may be NULL:
** then it is logged under `where`). */
int tl_sandbox_enter (tl_sandbox *b, lua_CFunction body, void *arg, double seconds,
                      const char *where, tl_buf *err);
/* The message handler: adds a traceback to string errors. */
int tl_sandbox_traceback (lua_State *L);

/* --- budgets (budget.c) --- */

/* A hook that checks often, for callers that set a hook of their own first; new coroutines
** inherit it. */
void tl_budget_hook (tl_sandbox *b, lua_State *co);
/* begins the watchdog (watchdog.h), whose hook is here; once for each state */
bool tl_watchdog_begin (void);
/* the state's allocator, with its limit */
void *tl_sandbox_alloc (void *sandbox, void *at, size_t before, size_t wanted);
/* as lua_pushlstring, for a text that may be longer than a script's own */
void tl_push_outside (lua_State *L, tl_slice text);
/* the collector, after the memory or its limit has changed much */
void tl_sandbox_tune (tl_sandbox *b);
/* As lua_resume, and the budget goes along. Every coroutine must be resumed through it. */
int tl_sandbox_resume (lua_State *co, lua_State *from, int args, int *results);
/* by the end of a budget: must not be closed, nothing may run in it */
bool tl_sandbox_is_ended (lua_State *co);
/* As lua_resetthread (its __close run), from outside of Lua and within a call's budget. */
void tl_sandbox_close_thread (tl_sandbox *b, lua_State *co);
/* C code that goes through much at a script's wish says so with each step: raises once the time
** is up. `tl_budget_spend` before something that cannot be interrupted, with a guess of how long
** it takes: raises when that is too long. */
void tl_budget_check (lua_State *L);
/* the same for the function that runs, not the one that called it */
void tl_budget_check_here (lua_State *L);
/* the same where there was a tick, in the middle of an instruction; L need not be a sandbox's */
void tl_budget_check_running (lua_State *L);
void tl_budget_spend (lua_State *L, uint64_t ns);
/* ns of the budget, UINT64_MAX without one; raises once it is up */
uint64_t tl_budget_left (lua_State *L);
/* in a protected call that failed: raises again when the budget is the reason */
void tl_budget_rethrow (lua_State *L);
static inline void tl_work (lua_State *L, const tl_sandbox *b) {
  if (b->ticked) tl_budget_check(L);
}

/* The processor's own counter, for statistics of calls too short to ask the system for the
** time. */
uint64_t tl_ticks (void);
double tl_ticks_seconds (const tl_sandbox *b, uint64_t ticks);

/* --- JSON documents as Lua values (json.c) --- */

/* raises with line, column and what was expected */
void tl_push_json (lua_State *L, tl_slice document);
/* of our own: its lists print as lists, even empty ones */
void tl_push_document (lua_State *L, tl_slice document);
void tl_mark_list (lua_State *L); /* the table on top is a list, even when it is empty */
/* raises "WHAT is not JSON: line …" */
void tl_push_json_of (lua_State *L, tl_slice document, const char *what);
/* A value that tl_json_extract gave: a scalar, or an object or array as a table; null (and nothing)
** is json.null. */
void tl_push_json_value (lua_State *L, const tl_json_value *v);
/* binary.c: a document of CBOR or MessagePack, raises with the byte and what was expected.
** Numbers of 64 bits are integers where they fit, null and undefined are json.null, keys that
** are numbers stay numbers. */
void tl_push_binary (lua_State *L, tl_doc_format format, tl_slice document, const char *what);

#endif
