/* core/repl/repl.h — evaluations for consoles: what one attached person types, runs and sees.
** Knows no socket and no terminal. */
#ifndef TL_REPL_REPL_H
#define TL_REPL_REPL_H

#include "script/caller.h"
#include "script/host.h"

/* A tl_eval (script/caller.h) is one attached person: their output, their variables, and at
** most one evaluation at a time. These functions are called for it; texts are borrowed. */
typedef struct {
  /* Output of print, with line breaks. False: the reader is behind; tl_eval_drained() is
  ** called when it has caught up. */
  bool (*output)(void *ctx, tl_slice text);
  /* The end: the result as text ("": none), or the error. */
  void (*done)(void *ctx, bool ok, tl_slice text);
  void (*note)(void *ctx, tl_slice text); /* a remark beside the output; not an error */
  /* The chunk is not finished: ask the person for another line. */
  void (*more)(void *ctx);
  void (*leave)(void *ctx); /* the person typed a word that closes the prompt */
} tl_eval_events;

int tl_eval_new (tl_eval **out, tl_script *s, const tl_eval_events *events, void *ctx);
void tl_eval_free (tl_eval *e); /* a running evaluation is cancelled */
/* json: a program reads the output; tty: it goes to a terminal of `width` columns. wait_ms:
** how long to wait for writes under way, see tl_eval_run(); 0: not at all. uid: the user's,
** for the log. */
void tl_eval_options (tl_eval *e, bool json, bool tty, int wait_ms, int width, uint32_t uid);
/* It runs in slices of so many microseconds; at first 2,000. */
void tl_eval_slices (tl_eval *e, uint32_t us);
/* How long, in ms, a chunk that is not interactive waits for the answer to its own write; at
** first 10 s. */
void tl_eval_answer_within (tl_eval *e, int ms);
/* Evaluate a chunk: an expression or statements.
** `interactive`: an unfinished chunk asks for another line, and its local variables stay.
** Otherwise an unfinished chunk is an error, and the evaluation also waits for writes that
** this person's earlier evaluations began: for a limited time, and while a line is connected. */
void tl_eval_run (tl_eval *e, tl_slice code, bool interactive);
/* The next chunk begins at this line of a script: errors tell the line, and results of nil and
** a text count as an error. */
void tl_eval_script (tl_eval *e, int line);
void tl_eval_cancel (tl_eval *e);
/* The reader of the output has caught up. */
void tl_eval_drained (tl_eval *e);
/* The person pressed Enter during an evaluation, which ends a watch. */
void tl_eval_entered (tl_eval *e);
/* Answer the request {"line":TEXT,"at":N}: appends to *out a JSON list of texts that may stand
** before the cursor; a number at its end says how many more there are. */
void tl_eval_complete (tl_eval *e, tl_slice request, tl_buf *out);

#endif
