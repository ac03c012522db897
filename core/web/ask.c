/* core/web/ask.c — what the words of the REPL know: evaluated as `tagline repl --json` does it, in
** slices, so that no message waits. A few at a time; the others wait in their order. */
#include <stdlib.h>

#include "web/web_impl.h"

enum { AT_ONCE = 3, SLICE_US = 100 };

struct tl_ask {
  request *r; /* NULL: its client has gone */
  tl_web *web;
  tl_eval *eval;
  tl_buf code, printed;
  unsigned failed;
  bool as_text; /* the answer is the text that the code prints, byte by byte: CSV */
};

static bool on_output (void *ctx, tl_slice text) {
  tl_ask *a = ctx;
  tl_buf_slice(&a->printed, text);
  return true;
}

static void start_next (void *ctx);

static void on_done (void *ctx, bool ok, tl_slice text) {
  tl_ask *a = ctx;
  tl_buf out;
  a->web->asks.running--;
  if (a->web->asks.first) tl_loop_later(a->web->loop, start_next, a->web);
  if (!ok) {
    tl_web_fail(a->r, a->failed, "%.*s", TL_ARG(text));
    return;
  }
  if (a->as_text) {
    if (a->printed.len > 0) a->printed.len--;                         /* the line break of print */
    tl_web_answer(a->r, 200, "text/csv; charset=utf-8", &a->printed); /* takes its bytes */
    return;
  }
  tl_buf_init(&out);
  tl_buf_slice(&out, text);
  if (text.len == 0) tl_buf_str(&out, "null");
  tl_buf_byte(&out, '\n');
  tl_web_answer(a->r, 200, TL_WEB_JSON, &out);
}

static void on_note (void *ctx, tl_slice text) {
  (void)ctx;
  (void)text;
}
static void on_more (void *ctx) { on_done(ctx, false, TL_LIT("unfinished")); }

static const tl_eval_events events = { on_output, on_done, on_note, on_more, NULL };

static void start (request *r) {
  tl_ask *a = r->ask;
  if (tl_eval_new(&a->eval, a->web->script, &events, a) < 0) {
    tl_web_fail(r, 500, "no memory");
    return;
  }
  a->web->asks.running++;
  tl_eval_options(a->eval, !a->as_text, false, 0, 80, 0);
  tl_eval_slices(a->eval, SLICE_US);
  tl_eval_run(a->eval, tl_buf_bytes(&a->code), false);
}

static void start_next (void *ctx) {
  tl_web *w = ctx;
  while (w->asks.first && w->asks.running < AT_ONCE) {
    request *r = w->asks.first;
    w->asks.first = r->next_ask;
    start(r);
  }
}

void tl_web_ask (request *r, tl_buf *code, unsigned failed, bool as_text) {
  tl_web *w = r->web;
  tl_ask *a = code->failed ? NULL : calloc(1, sizeof *a);
  if (!a) {
    tl_web_fail(r, 500, "no memory");
    return;
  }
  a->r = r;
  a->web = w;
  a->code = *code;
  a->failed = failed;
  a->as_text = as_text;
  tl_buf_init(code);
  r->ask = a;
  request **at = &w->asks.first;
  while (*at) at = &(*at)->next_ask;
  r->next_ask = NULL;
  *at = r;
  start_next(w);
}

void tl_web_ask_forget (request *r) {
  tl_ask *a = r->ask;
  tl_web *w = r->web;
  if (!a) return;
  request **at = &w->asks.first;
  while (*at && *at != r) at = &(*at)->next_ask;
  if (*at) *at = r->next_ask;
  bool runs = a->eval && !r->response && r->suspended;
  if (a->eval) tl_eval_free(a->eval);
  if (runs) w->asks.running--;
  tl_buf_fini(&a->code);
  tl_buf_fini(&a->printed);
  free(a);
  r->ask = NULL;
}
