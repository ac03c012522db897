/* core/command/service.c — see service.h. */
#include "command/service.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "command/logs.h"
#include "command/problem.h"
#include "net/notify.h"
#include "net/stall.h"

enum { STATUS_MS = 1000, ASK_TICKS = 5, PROBLEM_ROOM = 400 };

struct tl_service {
  tl_loop *loop;
  tl_script *script;
  tl_gateway *gateway;
  tl_notify *notify;
  tl_stall *stall;
  tl_timer *timer; /* looks whether STATUS= has changed; NULL: nobody wants to know */
  tl_reload_listener reload;
  bool watchdog, ready, stopping;
  bool told_early;     /* the process was told to end while its config was loading */
  tl_problem *problem; /* NULL: nobody wants to know */
  int ticks;           /* seconds since it was asked for */
  uint64_t news;       /* what count_lines gave then */
  tl_buf status, notified;
};

/* "STATUS=2 of 3 lines connected". The result changes whenever a line came or went. */
static uint64_t count_lines (tl_service *s, tl_buf *out) {
  const tl_model *m = tl_gateway_model(s->gateway);
  uint32_t connected = 0, wanted = 0;
  uint64_t news = 0;
  for (uint32_t i = 0; i < m->line_count; i++) {
    tl_link_stats stats;
    tl_link_get_stats(tl_line_link(m->lines[i]), &stats);
    connected += strcmp(stats.state, "connected") == 0;
    wanted += strcmp(stats.state, "off") != 0;
    news += stats.connects + stats.failures;
  }
  const char *lines = wanted == 1 ? "line" : "lines";
  tl_buf_clear(out);
  tl_buf_fmt(out, "STATUS=%" PRIu32 " of %" PRIu32 " %s connected", connected, wanted, lines);
  return news + connected + wanted;
}

/* As much as fits, in whole characters: systemd takes no others. */
static size_t cut (tl_slice text) {
  size_t len = text.len;
  if (len <= PROBLEM_ROOM) return len;
  for (len = PROBLEM_ROOM; len > 0 && (text.at[len] & 0xC0) == 0x80; len--)
    ;
  return len;
}

/* "…; plant: not connected: connect to 10.0.0.1:1883: connection refused", when it is new. */
static void notify_status (void *ctx) {
  tl_service *s = ctx;
  if (!s->ready || s->stopping) return;
  tl_slice problem = tl_problem_text(s->problem);
  count_lines(s, &s->status);
  if (problem.len > 0) tl_buf_str(&s->status, "; ");
  tl_buf_add(&s->status, problem.at, cut(problem));
  tl_buf_byte(&s->status, '\0');
  if (s->status.failed || tl_slice_eq(tl_buf_bytes(&s->status), tl_buf_bytes(&s->notified))) return;
  tl_notify_send(s->notify, (const char *)s->status.at);
  tl_buf_clear(&s->notified);
  tl_buf_slice(&s->notified, tl_buf_bytes(&s->status));
}

/* Called each second. It counts the connected lines. When that count has changed, and every five
** seconds, it also asks status() for the first problem. */
static void on_status_timer (void *ctx) {
  tl_service *s = ctx;
  if (s->ready && !s->stopping) {
    uint64_t news = count_lines(s, &s->status);
    if (news != s->news || ++s->ticks >= ASK_TICKS) {
      s->news = news;
      s->ticks = 0;
      tl_problem_ask(s->problem);
    }
  }
  tl_timer_at(s->timer, tl_loop_now(s->loop) + STATUS_MS);
}

static void on_reload (void *ctx, tl_reload_phase phase) {
  tl_service *s = ctx;
  bool begins = phase == TL_RELOAD_BEGINS;
  char text[80];
  if (!s->notify || s->stopping || phase == TL_RELOAD_APPLIES || phase == TL_RELOAD_APPLIED) return;
  uint64_t us = tl_clock_mono_ns() / 1000;
  snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, us);
  tl_notify_send(s->notify, begins ? text : "READY=1");
  if (!begins) tl_problem_ask(s->problem);
}

/* --- the loop stands still, or not --- */

static int64_t limit_ms (const tl_service *s) {
  return (int64_t)(tl_config_stall_time(s->script) * 1000.0);
}

static void on_beat (void *ctx) {
  tl_service *s = ctx;
  tl_stall_set_limit(s->stall, limit_ms(s)); /* a reload may have changed it */
  if (s->watchdog) tl_notify_send(s->notify, "WATCHDOG=1");
}

static void add_to_note (void *ctx, const char *text) { tl_stall_add(ctx, text); }

static void on_where (void *ctx, tl_stall_note *note) {
  tl_script_where(((tl_service *)ctx)->script, add_to_note, note);
}

static int64_t on_limit (void *ctx, bool told) {
  return tl_config_held_ms(((tl_service *)ctx)->script, told);
}

static void on_why (void *ctx, const char *told, double held_s, char *out, size_t room) {
  tl_service *s = ctx;
  double limit_s = tl_config_stall_time(s->script);
  s->told_early = told && !s->ready;
  if (s->told_early)
    snprintf(out, room, "%s while the config was loading, and it does not return: ending", told);
  else if (told)
    snprintf(out, room, "%s, but the loop has not turned for %g s: ending without DISCONNECT", told,
             held_s);
  else
    snprintf(out, room, "%s for %g s (limits: stall_time = %g): ending, to be started again",
             s->ready ? "the loop has not turned" : "the config has not gone on loading", held_s,
             limit_s);
}

static void on_log (void *ctx, const char *line) {
  tl_log_apart(((tl_service *)ctx)->told_early ? TL_LOG_WARN : TL_LOG_ERROR, line);
}

/* Nothing ran yet, so nothing went wrong when it was told to end. */
static int on_end (void *ctx) {
  tl_logs_end();
  return ((tl_service *)ctx)->told_early ? 0 : 1;
}

static const tl_stall_events stall_events = { on_beat, on_where, on_limit, on_why, on_log, on_end };

void tl_service_loads (tl_service *s) {
  tl_stall_set_limit(s->stall, limit_ms(s));
  tl_stall_turned(s->stall);
}

int tl_service_new (tl_service **out, tl_loop *loop, tl_script *script, tl_gateway *gateway) {
  tl_service *s = calloc(1, sizeof *s);
  if (!s) return TL_ENOMEM;
  s->loop = loop;
  s->script = script;
  s->gateway = gateway;
  tl_buf_init(&s->status);
  tl_buf_init(&s->notified);
  s->notify = tl_notify_open();
  int64_t beat = s->notify ? tl_notify_watchdog_ms() : 0;
  s->watchdog = beat > 0;
  int rc = s->notify ? tl_timer_new(&s->timer, loop, on_status_timer, s) : TL_OK;
  if (rc == TL_OK && s->notify) rc = tl_problem_new(&s->problem, script, notify_status, s);
  if (rc == TL_OK) rc = tl_stall_watch(&s->stall, loop, limit_ms(s), beat, &stall_events, s);
  if (rc < 0) {
    tl_service_free(s);
    return rc;
  }
  s->reload = (tl_reload_listener){ .reloading = on_reload, .ctx = s };
  tl_config_on_reload(script, &s->reload);
  *out = s;
  return TL_OK;
}

void tl_service_ready (tl_service *s) {
  s->ready = true;
  tl_notify_send(s->notify, "READY=1");
  if (!s->notify) return;
  tl_problem_ask(s->problem);
  tl_timer_at(s->timer, tl_loop_now(s->loop) + STATUS_MS);
}

void tl_service_stopping (tl_service *s) {
  if (!s || s->stopping) return;
  s->stopping = true;
  tl_notify_send(s->notify, "STOPPING=1\nSTATUS=ending");
  if (s->timer) tl_timer_stop(s->timer);
}

void tl_service_free (tl_service *s) {
  if (!s) return;
  tl_config_forget_reload(s->script, &s->reload);
  tl_stall_close(s->stall);
  tl_timer_close(s->timer);
  tl_problem_free(s->problem);
  tl_notify_close(s->notify);
  tl_buf_fini(&s->status);
  tl_buf_fini(&s->notified);
  free(s);
}
