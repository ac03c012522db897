/* core/repl/repl.h — evaluation for consoles: what one attached person types, runs and is shown.
** Knows no socket and no terminal. */
#ifndef TL_REPL_REPL_H
#define TL_REPL_REPL_H

#include "script/caller.h"
#include "script/host.h"

/* tl_eval (script/caller.h) is one attached person: their print, their variables, at most one
** evaluation at a time. */
typedef struct {
  /* what print wrote, with line breaks; false: the reader is behind (drained) */
  bool (*output)(void *ctx, tl_slice text);
  /* the result as text ("" for none), or the error */
  void (*done)(void *ctx, bool ok, tl_slice text);
  void (*note)(void *ctx, tl_slice text); /* words beside the output: nothing failed */
  /* the chunk is unfinished: ask for another line */
  void (*more)(void *ctx);
  void (*leave)(void *ctx); /* of an interactive chunk: the person wants to leave the prompt */
} tl_eval_events;

int tl_eval_new (tl_eval **out, tl_script *s, const tl_eval_events *events, void *ctx);
void tl_eval_free (tl_eval *e); /* a running evaluation is cancelled */
/* `wait_ms`: for the writes under way, see tl_eval_run; 0: not at all. */
void tl_eval_options (tl_eval *e, bool json, bool tty, int wait_ms, int width, uint32_t uid);
/* How long a chunk that is whole waits for the answer to a write itself; at first 10 s. */
void tl_eval_answer_within (tl_eval *e, int ms);
/* Evaluate a chunk: an expression or statements. `interactive`: an unfinished chunk asks for
** more instead of failing, and its locals stay; else it also waits for the writes that this
** person's evaluations left under way, for a while and while a line is connected. */
void tl_eval_run (tl_eval *e, tl_slice code, bool interactive);
/* The next chunk begins at this line of a script: errors say so, and a result of nil and a text
** is one. */
void tl_eval_script (tl_eval *e, int line);
void tl_eval_cancel (tl_eval *e);
/* The reader of the output has caught up. */
void tl_eval_drained (tl_eval *e);
/* The person pressed Enter during an evaluation: ends a watch. */
void tl_eval_entered (tl_eval *e);
/* Answer {"line":TEXT,"at":N} with a JSON list of what may stand before the cursor, appended to
** *out; a number behind it says how many more there are. */
void tl_eval_complete (tl_eval *e, tl_slice request, tl_buf *out);

#endif
