/* core/repl/eval_impl.h — private to repl/: a person at a console and their evaluation. */
#ifndef TL_REPL_EVAL_IMPL_H
#define TL_REPL_EVAL_IMPL_H

#include "repl/repl.h"
#include "script/script.h"

/* Seconds for one call that cannot pause (a pattern, a sort, a coroutine of the user).
** Messages wait for it, so it has the same limit as a handler. */
#define TL_EVAL_CALL_SECONDS 0.1
#define TL_EVAL_CALL_TEXT "0.1 s"

/* What all consoles of a script share (tl_script.repl). Made when the first console is
** attached. */
typedef struct tl_repl {
  tl_eval *evals;
  /* the evaluation whose code runs now; NULL: a handler's code runs, or none */
  tl_eval *evaluating;
  uint64_t made;            /* number of consoles so far */
  lua_Hook hook;            /* the budget's hook, which the hook of eval.c calls */
  int api;                  /* registry reference of the words of a REPL; 0: not made yet */
  struct tl_watch *watches; /* watch.c */
  tl_observer watching;     /* watch.c: registered while there are watches */
} tl_repl;

/* The states of an evaluation:
**
**   IDLE, LEFT ── run ──► RUNNING ──► IDLE or LEFT: it has ended
**                          ▲   │
**                          │   ├──► SLICED        its slice is used up: until the next turn
**                          ├───┼──► WAITING       until tl_eval_wake(): for a watch, a query
**                          │   ├──► DRAINING      until its reader has caught up
**                          │   └──► WRITING       until the write is answered; if no answer
**                          │                      comes in time, it ends
**                          └── goes on
**
**   RUNNING ──► LINGERING   its result was shown, but functions of its writes are not called yet
**
** The end is reported by events.done. LEFT is IDLE for a console that closes after its result
** (`repl -e`): what is printed later would reach nobody. */
typedef enum {
  TL_EVAL_IDLE,
  TL_EVAL_LEFT,
  TL_EVAL_RUNNING,
  TL_EVAL_SLICED,
  TL_EVAL_WAITING,
  TL_EVAL_DRAINING,
  TL_EVAL_WRITING,
  TL_EVAL_LINGERING
} tl_eval_state;

/* Who is attached, and how they read the output; set by tl_eval_options(). */
typedef struct {
  bool json, tty;
  int width;
  uint64_t id; /* these two make up the tl_caller */
  uint32_t uid;
} tl_eval_person;

/* The chunk of code. */
typedef struct {
  /* number of the chunk's first line in a script; 0: it is not from a script */
  int next_line, line;
  bool one_shot;    /* given with -e, or the end of a script: no further chunk follows */
  tl_buf typed;     /* what was typed at a terminal, for errors; empty: it was not typed */
  tl_buf code;      /* long code that waits for its turn to be compiled */
  bool interactive; /* of that */
} tl_eval_chunk;

/* The coroutine of the evaluation. */
typedef struct {
  int ref; /* registry reference, or LUA_NOREF */
  lua_State *co;
  uint64_t slice_ns;    /* length of a slice; after it the loop runs */
  uint64_t slice_began; /* tl_clock_mono_ns */
  /* Processor time in ns: when the slice began; used since the last wait. */
  uint64_t slice_cpu, used_ns;
  tl_heavy waits; /* for the next slice */
  int kept;       /* values on top of its stack that it is resumed with */
} tl_eval_thread;

/* What to call while it is WAITING: when it is cancelled, and when the person enters a line.
** Either may be NULL. */
typedef struct {
  void (*stop)(void *ctx);
  void (*entered)(void *ctx);
  void *ctx;
} tl_eval_waiting;

/* eval_later.c: writes under way that this person began. */
typedef struct {
  unsigned pending; /* writes whose function has not been called yet */
  tl_timer *timer;  /* for WRITING and LINGERING: no answer came in time */
  int linger_ms;    /* ms for LINGERING; 0: it does not linger */
  int answer_ms;    /* ms to wait for the answer to a write without a function */
} tl_eval_writes;

struct tl_eval {
  tl_eval_head head; /* first */
  tl_eval *next;
  tl_script *script;
  tl_eval_events events;
  void *ctx;
  int env; /* registry reference of this console's variables */
  /* for functions that outlive this console: points to it, NULL once it is closed */
  tl_eval **here;
  int here_ref; /* registry reference that keeps `here` alive */
  tl_eval_state state;
  tl_eval_person person;
  tl_eval_chunk chunk;
  tl_eval_thread thread;
  tl_eval_waiting waiting;
  tl_eval_writes writes;
};

/* eval_compile.c: compile what was typed and push the function. False: the code is not
** finished, and nothing was pushed. Raises errors of the code. */
bool tl_eval_compile (lua_State *L, tl_eval *e, tl_slice code, bool interactive);
/* eval_text.c: turn the n values on top of the stack of L into text: they are popped, and the
** text is pushed. `printing`: in the form of print(). e may be NULL: no console. */
void tl_eval_push_text (lua_State *L, tl_eval *e, int n, bool printing);
/* Put the function that does so, and its first arguments, below the n values: a call of n + 2
** arguments and one result. */
void tl_eval_push_format (lua_State *L, tl_eval *e, int n, bool printing);
/* Replace the chunk on top of the stack by what the coroutine runs: a function and its two
** arguments. It calls the chunk, turns its results into text, and assigns the first to `_`. */
void tl_eval_push_run (lua_State *L, tl_eval *e);
/* Push the error object on top of the coroutine as a string on L. */
void tl_eval_push_error (lua_State *L, lua_State *co);
/* Make Lua's error texts plainer: "near <eof>" becomes the end of the code. `line` as in
** tl_eval_chunk. */
void tl_eval_plain_error (tl_buf *out, tl_slice text, int line);
/* eval_bare.c: what a line at the prompt is: Lua code; a word that stands for the call in
** *instead; or a word that closes the console. */
typedef enum { TL_BARE_NOT, TL_BARE_CALL, TL_BARE_LEAVE } tl_bare;
tl_bare tl_eval_bare (tl_eval *e, tl_slice code, tl_buf *instead);
/* eval_text.c: append to *out the message, with the typed code and a caret below the place of
** the error. Appends nothing if the place is not known. */
void tl_eval_add_caret (tl_eval *e, tl_slice message, tl_buf *out);
/* eval_wait.c: print of a console, whose upvalue 1 is its tl_eval.here; and what waits there. */
int tl_eval_print (lua_State *L);
extern const tl_console_hooks tl_eval_hooks;
/* eval.c: resume the coroutine, with what `push` puts on its stack: it returns how many values
** that are. NULL: none. `push` is called at once; the coroutine waits for its turn while the loop
** is busy (tl_loop_is_busy). */
void tl_eval_go_on (tl_eval *e, int (*push)(lua_State *co, void *arg), void *arg);
/* eval.c: the evaluation is SLICED: it goes on in its turn among all else that takes long. */
void tl_eval_await_slice (tl_eval *e);
/* The evaluation has ended: calls events.done. */
void tl_eval_done (tl_eval *e, bool ok, tl_slice text);
/* End the evaluation with an error. */
void tl_eval_give_up (tl_eval *e, tl_slice why);
/* eval_later.c: the evaluation has succeeded. True: it is LINGERING, and not done yet. */
bool tl_eval_linger (tl_eval *e, tl_slice result);
/* eval_later.c: the evaluation is WRITING. With one_shot it is ended if no answer comes in
** time. */
void tl_eval_await_write (tl_eval *e);
void tl_eval_stop_timer (tl_eval *e);

/* While the evaluation waits, `entered` is called for each line that the person enters. */
void tl_eval_on_entered (tl_eval *e, void (*entered)(void *ctx));
bool tl_eval_json (const tl_eval *e); /* is the output read by a program? */
/* eval_later.c: members of tl_console_hooks */
void tl_eval_owe (tl_script *s, tl_caller caller);
void tl_eval_settle (tl_script *s, tl_caller caller);

/* --- what the words of the REPL are made of --- */

/* l_live.c: push the table of words; it is made once. */
void tl_push_api (lua_State *L);
/* l_live.c: push the table of C functions for the words. */
void tl_open_live (lua_State *L);
/* l_live.c: set up the metatable on top, so that a REPL finds its words, then the config's
** variables. */
void tl_set_env (lua_State *L);
int tl_live_tag_json (lua_State *L); /* l_live.c */
int tl_live_status (lua_State *L);   /* l_status.c: all but what survey() adds */
int tl_live_survey (lua_State *L);   /* l_status_stations.c */
int tl_live_watch (lua_State *L);    /* watch.c, as the next one */
int tl_live_has_tag (lua_State *L);
int tl_live_note (lua_State *L);

#endif
