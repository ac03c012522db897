/* core/repl/eval_impl.h — private to repl/: an attached person and their evaluation, for the
** files that make it up. */
#ifndef TL_REPL_EVAL_IMPL_H
#define TL_REPL_EVAL_IMPL_H

#include "repl/repl.h"
#include "script/script.h"

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

struct tl_eval {
  tl_eval_head head; /* first */
  tl_eval *next;
  tl_script *script;
  tl_eval_events events;
  void *ctx;
  int env;        /* registry reference: this console's variables */
  tl_eval **here; /* how functions that outlive this console find it: NULL when it is gone */
  int here_ref;   /* registry reference that keeps it */
  int thread;     /* registry reference of the running evaluation, or LUA_NOREF */
  lua_State *co;
  uint64_t slice_began; /* tl_clock_mono_ns */
  /* of the processor: when the slice began, and used since the last wait */
  uint64_t slice_cpu, used_ns;
  bool waits;  /* tl_eval_wait: for tl_eval_wake */
  bool drains; /* it waits for its own reader */
  void (*stop)(void *ctx);
  void (*entered)(void *ctx);
  void *stop_ctx;
  uint64_t id;         /* tl_caller */
  int next_line, line; /* of the script, where the chunk begins; 0: it is none */
  bool whole;          /* the chunk is: with -e, or a script's end */
  /* it is done, and who asked goes: what is printed now would reach nobody */
  bool left;
  /* writes that have yet to tell somebody's function how they ended */
  unsigned owed;
  bool lingers; /* the result was shown, `done` waits for them */
  tl_timer *patience;
  int patience_ms; /* how long it waits for them; 0: not at all */
  int answer_ms;   /* and for the answer to a write that has no function */
  tl_buf typed;    /* the chunk at a terminal's prompt, for errors; empty: it is none */
  bool sliced;     /* it gave the loop a turn, and waits for nothing */
  bool json, tty;
  int width;
  uint32_t uid;
};

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
/* eval_later.c: the evaluation went well. True: it is not done yet. */
bool tl_eval_linger (tl_eval *e, tl_slice result);
/* eval_later.c: the evaluation waits for a write; with -e for as long as it may, then it ends. */
void tl_eval_await_write (tl_eval *e);
void tl_eval_stop_lingering (tl_eval *e);

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
