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
  tl_ask_kind kind;
};

static bool on_output (void *ctx, tl_slice text) {
  tl_ask *a = ctx;
  tl_buf_slice(&a->printed, text);
  return true;
}

static void start_next (void *ctx);

/* core/history/query.c says it of a name that neither it nor the config knows. */
static bool is_of_no_tag (tl_slice why) {
  static const char words[] = "the history has no tag ";
  return why.len > sizeof words && memcmp(why.at, words, sizeof words - 1) == 0;
}

/* The first line of what was printed goes into `line`. */
static void take_line (tl_buf *printed, char line[80]) {
  const uint8_t *end = printed->len > 0 ? memchr(printed->at, '\n', printed->len) : NULL;
  size_t n = end ? (size_t)(end - printed->at) : 0;
  line[0] = '\0';
  if (!end || n >= 80) return;
  memcpy(line, printed->at, n);
  line[n] = '\0';
  printed->len -= n + 1;
  memmove(printed->at, end + 1, printed->len);
}

static void on_done (void *ctx, bool ok, tl_slice text) {
  tl_ask *a = ctx;
  tl_buf out;
  char noted[80];
  a->web->asks.running--;
  if (a->web->asks.first) tl_loop_later(a->web->loop, start_next, a->web);
  if (!ok) {
    tl_web_fail(a->r, is_of_no_tag(text) ? 404 : a->failed, "%.*s", TL_ARG(text));
    return;
  }
  take_line(&a->printed, noted);
  tl_buf_init(&out);
  if (a->kind == TL_ASK_ROWS_CSV) {
    if (a->printed.len > 0) a->printed.len--;                         /* the line break of print */
    tl_web_answer(a->r, 200, "text/csv; charset=utf-8", &a->printed); /* takes its bytes */
  } else {
    tl_buf_slice(&out, text);
    if (text.len == 0) tl_buf_str(&out, "null");
    tl_buf_byte(&out, '\n');
    tl_web_answer(a->r, 200, TL_WEB_JSON, &out);
  }
  if (a->kind != TL_ASK_JSON) tl_web_tell_left(a->r, noted);
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
  tl_eval_options(a->eval, a->kind != TL_ASK_ROWS_CSV, false, 0, 80, 0);
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

void tl_web_ask (request *r, tl_buf *code, unsigned failed, tl_ask_kind kind) {
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
  a->kind = kind;
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
