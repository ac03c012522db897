/* core/repl/eval_impl.h — private to repl/: an attached person and their evaluation, for the
** files that make it up. */
#ifndef TL_REPL_EVAL_IMPL_H
#define TL_REPL_EVAL_IMPL_H

#include "repl/repl.h"
#include "script/script.h"

/* The limit of one call that cannot pause (a pattern, a sort, a coroutine of the user): messages
** wait for it, so it is as long as a handler's. */
#define TL_EVAL_CALL_SECONDS 0.1
#define TL_EVAL_CALL_TEXT "0.1 s"

/* What all consoles of a script share: tl_script.repl. Made when the first is attached. */
typedef struct tl_repl {
  tl_eval *evals;
  tl_eval *evaluating;      /* whose code is running now; NULL: a handler's, or none */
  uint64_t made;            /* evals, ever */
  lua_Hook hook;            /* of the budget, which eval.c puts its own before */
  int api;                  /* registry reference: the words of a REPL; 0: not made yet */
  struct tl_watch *watches; /* watch.c */
  tl_observer watching;     /* watch.c: while there are any */
} tl_repl;

/* What an evaluation is doing:
**
**   IDLE, LEFT ── run ──► RUNNING ──► IDLE or LEFT: it is over
**                          ▲   │
**                          │   ├──► SLICED        its slice is used up; the loop's next turn
**                          ├───┼──► WAITING       until tl_eval_wake: a watch, a query
**                          │   ├──► DRAINING      until its reader has caught up
**                          │   └──► WRITING       until the write has its answer, or none came
**                          │                      in time: then it is over
**                          └── going on
**
**   RUNNING ──► LINGERING   its result was shown; functions of its writes have yet to be called
**
** It is over with events.done. LEFT is IDLE of one whose person goes with its result (`repl -e`):
** what is printed later would reach nobody. */
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

/* Who is attached, and how they read: tl_eval_options. */
typedef struct {
  bool json, tty;
  int width;
  uint64_t id; /* tl_caller, as uid */
  uint32_t uid;
} tl_eval_person;

/* The chunk. */
typedef struct {
  int next_line, line; /* of the script, where it begins; 0: it is none */
  bool one_shot;       /* with -e, or a script's end: no other one follows */
  tl_buf typed;        /* at a terminal's prompt, for errors; empty: it was not typed */
} tl_eval_chunk;

/* Its coroutine. */
typedef struct {
  int ref; /* registry reference, or LUA_NOREF */
  lua_State *co;
  uint64_t slice_began; /* tl_clock_mono_ns */
  /* of the processor: when the slice began, and used since the last wait */
  uint64_t slice_cpu, used_ns;
} tl_eval_thread;

/* Whom to tell while it is WAITING: that it was cancelled, that a line was typed. Either may be
** NULL. */
typedef struct {
  void (*stop)(void *ctx);
  void (*entered)(void *ctx);
  void *ctx;
} tl_eval_waiting;

/* eval_later.c: writes under way that this person began. */
typedef struct {
  unsigned pending; /* that have yet to tell somebody's function how they ended */
  tl_timer *timer;  /* WRITING and LINGERING: no answer came in time */
  int linger_ms;    /* how long it lingers; 0: not at all */
  int answer_ms;    /* and how long it waits for the answer to a write without a function */
} tl_eval_writes;

struct tl_eval {
  tl_eval_head head; /* first */
  tl_eval *next;
  tl_script *script;
  tl_eval_events events;
  void *ctx;
  int env;        /* registry reference: this console's variables */
  tl_eval **here; /* how functions that outlive this console find it: NULL when it is gone */
  int here_ref;   /* registry reference that keeps it */
  tl_eval_state state;
  tl_eval_person person;
  tl_eval_chunk chunk;
  tl_eval_thread thread;
  tl_eval_waiting waiting;
  tl_eval_writes writes;
};

/* eval_compile.c: what was typed becomes a function on top of the stack. False: it is not finished,
** nothing was pushed. Raises. */
bool tl_eval_compile (lua_State *L, tl_eval *e, tl_slice code, bool interactive);
/* eval_text.c: the n values on top of the stack of L, as text; popped, the text is pushed.
** `printing`: as print() gives them. e may be NULL: nobody is there. */
void tl_eval_push_text (lua_State *L, tl_eval *e, int n, bool printing);
/* What the coroutine runs: the chunk on top of the stack becomes a function and its two
** arguments, which run it and make a text of its results; the first of them becomes `_`. */
void tl_eval_push_run (lua_State *L, tl_eval *e);
/* The error object on top of the coroutine, as a string on L. */
void tl_eval_push_error (lua_State *L, lua_State *co);
/* Lua's wording, for people: "near <eof>" is the end of the code. `line` as in tl_eval. */
void tl_eval_plain_error (tl_buf *out, tl_slice text, int line);
/* eval_bare.c: what a line at the prompt is: code; a word that stands for the call in *instead; or
** the wish to leave. */
typedef enum { TL_BARE_NOT, TL_BARE_CALL, TL_BARE_LEAVE } tl_bare;
tl_bare tl_eval_bare (tl_eval *e, tl_slice code, tl_buf *instead);
/* eval_text.c: the message with what was typed and a caret below the place, appended to *out; where
** that is not known nothing is. */
void tl_eval_add_caret (tl_eval *e, tl_slice message, tl_buf *out);
/* The evaluation is over, as events.done has it. */
void tl_eval_done (tl_eval *e, bool ok, tl_slice text);
/* It is ended, with an error. */
void tl_eval_give_up (tl_eval *e, tl_slice why);
/* eval_later.c: the evaluation went well. True: it is not done yet, and LINGERING. */
bool tl_eval_linger (tl_eval *e, tl_slice result);
/* eval_later.c: it is WRITING; with -e for as long as it may, then it ends. */
void tl_eval_await_write (tl_eval *e);
void tl_eval_stop_timer (tl_eval *e);

/* While a person waits, `entered` hears of the lines they type. */
void tl_eval_on_entered (tl_eval *e, void (*entered)(void *ctx));
bool tl_eval_json (const tl_eval *e); /* does a program read it? */
/* eval_later.c: as tl_console_hooks has them */
void tl_eval_owe (tl_script *s, tl_caller caller);
void tl_eval_settle (tl_script *s, tl_caller caller);

/* --- what the words are made of --- */

/* l_live.c: the table of words; made once */
void tl_push_api (lua_State *L);
/* l_live.c: pushes the core's side of it */
void tl_open_live (lua_State *L);
/* l_live.c: into a metatable: what a REPL sees, its words, then the config's */
void tl_set_env (lua_State *L);
int tl_live_tag_json (lua_State *L); /* l_live.c */
int tl_live_status (lua_State *L);   /* l_status.c */
int tl_live_watch (lua_State *L);    /* watch.c, as the next one */
int tl_live_has_tag (lua_State *L);
int tl_live_note (lua_State *L);

#endif
