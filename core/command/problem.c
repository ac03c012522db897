/* core/command/problem.c — see problem.h. */
#include "command/problem.h"

#include <stdlib.h>

#include "base/visible.h"
#include "repl/repl.h"

struct tl_problem {
  tl_eval *eval;
  void (*known)(void *ctx);
  void *ctx;
  bool asking;
  tl_buf printed, text;
};

static const char code[] = "local list = status().problems\n"
                           "local one = list[1]\n"
                           "if not one then return end\n"
                           "local place = one.tag or one.station or one.line\n"
                           "print((place and place .. ': ' or '') .. one.text\n"
                           "  .. (#list > 1 and (' (and %d more)'):format(#list - 1) or ''))\n";

static bool on_output (void *ctx, tl_slice text) {
  tl_problem *p = ctx;
  tl_buf_slice(&p->printed, text);
  return true;
}

/* Without memory for an answer the one before stays. */
static void on_done (void *ctx, bool ok, tl_slice text) {
  tl_problem *p = ctx;
  (void)text;
  p->asking = false;
  if (ok && !p->printed.failed) {
    tl_slice line = tl_buf_bytes(&p->printed);
    if (line.len > 0 && line.at[line.len - 1] == '\n') line.len--;
    tl_buf_clear(&p->text);
    tl_visible(&p->text, line, false);
  }
  p->known(p->ctx);
}

static void on_note (void *ctx, tl_slice text) {
  (void)ctx;
  (void)text;
}

static void on_more (void *ctx) { on_done(ctx, false, TL_LIT("")); }

static const tl_eval_events events = { on_output, on_done, on_note, on_more, NULL };

int tl_problem_new (tl_problem **out, tl_script *script, void (*known)(void *ctx), void *ctx) {
  tl_problem *p = calloc(1, sizeof *p);
  if (!p) return TL_ENOMEM;
  p->known = known;
  p->ctx = ctx;
  tl_buf_init(&p->printed);
  tl_buf_init(&p->text);
  if (tl_eval_new(&p->eval, script, &events, p) != TL_OK) {
    free(p);
    return TL_ENOMEM;
  }
  *out = p;
  return TL_OK;
}

void tl_problem_free (tl_problem *p) {
  if (!p) return;
  tl_eval_free(p->eval);
  tl_buf_fini(&p->printed);
  tl_buf_fini(&p->text);
  free(p);
}

void tl_problem_ask (tl_problem *p) {
  if (p->asking) return;
  p->asking = true;
  tl_buf_clear(&p->printed);
  tl_eval_run(p->eval, tl_slice_str(code), false);
}

tl_slice tl_problem_text (const tl_problem *p) { return tl_buf_bytes(&p->text); }
