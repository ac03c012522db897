/* core/command/values.c — see values.h. */
#include "command/values.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "net/sink.h"

enum { STILL_MS = 1000, END_MS = 10000 };

struct tl_values {
  tl_loop *loop;
  tl_gateway *gateway;
  tl_sink *sink;
  tl_timer *timer;
  void (*failed)(void *ctx, const char *text);
  void *failed_ctx;
  void (*done)(void *ctx); /* the end waits for its reader; NULL: it does not */
  void *done_ctx;
  int64_t until;
  size_t pending; /* at the last look */
};

static void tell_done (tl_values *v) {
  void (*done)(void *ctx) = v->done;
  if (!done) return;
  v->done = NULL;
  tl_timer_stop(v->timer);
  done(v->done_ctx);
}

static void give_up (tl_values *v) {
  const char *full = tl_sink_why(v->sink);
  bool whole = tl_sink_end_line(v->sink);
  size_t n = tl_sink_lines(v->sink);
  if (n > 0 && v->done)
    tl_log(TL_LOG_WARN, NULL, "%zu value%s not written: %s%s", n, n == 1 ? " was" : "s were",
           full ? "standard output: " : "the reader of standard output is behind",
           full ? full : "");
  if (!whole && v->done)
    tl_log(TL_LOG_WARN, NULL, "the last line on standard output is cut: %s",
           full ? full : "it is longer than the pipe");
  tell_done(v);
}

static void on_full (void *ctx, const char *why) {
  (void)ctx;
  if (why)
    tl_log(TL_LOG_ERROR, NULL, "values: %s: nothing is acknowledged until there is room", why);
  else
    tl_log(TL_LOG_INFO, NULL, "values: written again");
}

static void on_drained (void *ctx) {
  tl_values *v = ctx;
  if (v->done)
    tell_done(v);
  else
    tl_gateway_values_drained(v->gateway);
}

static void on_failed (void *ctx, int code, const char *text) {
  tl_values *v = ctx;
  (void)code;
  tl_gateway_set_values(v->gateway, NULL);
  v->failed(v->failed_ctx, text);
  tell_done(v);
}

static void look (void *ctx) {
  tl_values *v = ctx;
  size_t pending = tl_sink_pending(v->sink);
  int64_t now = tl_loop_now(v->loop);
  if (pending == v->pending || now >= v->until) {
    give_up(v);
    return;
  }
  v->pending = pending;
  tl_timer_at(v->timer, now + STILL_MS);
}

int tl_values_new (tl_values **out, tl_loop *loop, tl_gateway *gateway,
                   void (*failed)(void *ctx, const char *text), void *ctx) {
  tl_values *v = calloc(1, sizeof *v);
  if (!v) return TL_ENOMEM;
  v->loop = loop;
  v->gateway = gateway;
  v->failed = failed;
  v->failed_ctx = ctx;
  int rc = tl_timer_new(&v->timer, loop, look, v);
  if (rc == 0) rc = tl_sink_new(&v->sink, loop, STDOUT_FILENO, on_drained, on_failed, v);
  if (rc == 0) rc = tl_sink_wait_for_room(v->sink, on_full);
  if (rc < 0) {
    tl_timer_close(v->timer);
    tl_sink_close(v->sink);
    free(v);
    return rc;
  }
  tl_gateway_set_values(gateway, v->sink);
  *out = v;
  return TL_OK;
}

void tl_values_end (tl_values *v, void (*done)(void *ctx), void *ctx) {
  if (v->done) {
    give_up(v);
    return;
  }
  v->done = done;
  v->done_ctx = ctx;
  if (tl_sink_flush(v->sink) || tl_sink_pending(v->sink) == 0) {
    tell_done(v);
    return;
  }
  v->pending = tl_sink_pending(v->sink);
  int64_t now = tl_loop_now(v->loop);
  v->until = now + END_MS;
  tl_timer_at(v->timer, now + STILL_MS);
}

void tl_values_free (tl_values *v) {
  if (!v) return;
  tl_timer_close(v->timer);
  tl_sink_close(v->sink);
  free(v);
}
