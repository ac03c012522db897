/* core/gateway/connect.c — a line's connection: its addresses one after the other, the wait
** between attempts, timers, the orderly end. Must not know what messages mean. */
#include "gateway/link_impl.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "gateway/station_log.h"

enum {
  HELD_MS = 250,    /* when to look at the statuses again while the values stream is held */
  LINGER_MS = 1000, /* how long DISCONNECT and the last acknowledgements may take to leave */
  /* A connection that ends sooner than this after CONNACK looks like a takeover by another
  ** client. */
  QUICK_MS = 2000,
  /* With a long reconnect_delay that time is reconnect_delay and this: the other client, when
  ** it takes our Client ID, probably waits as long as we do between attempts. */
  QUICK_MORE_MS = 1000,
  QUICK_MANY = 3,
  PATIENCE = 8, /* turns that are used by others, until an attempt that calls functions is made */
  QUICK_AGAIN = 20 /* this many further quick closes between two warnings */
};

static const tl_transport_events transport_events;

static int64_t min64 (int64_t a, int64_t b) { return a < b ? a : b; }

/* xorshift: it only has to differ from process to process, so that not all reconnect at once. */
static uint32_t next_random (tl_gateway *g) {
  g->random ^= g->random << 13;
  g->random ^= g->random >> 17;
  g->random ^= g->random << 5;
  return g->random;
}

void tl_link_arm (tl_link *l) {
  int64_t due = l->time.status_due;
  if (l->conn.state == TL_LINK_WAITING) due = min64(due, l->conn.retry_at);
  if (l->conn.state == TL_LINK_CONNECTING) due = min64(due, l->conn.connect_by);
  if (l->conn.state != TL_LINK_CLOSING) due = min64(due, tl_session_deadline(l->session));
  due = min64(due, tl_goodbye_due(l));
  if (l->conn.state == TL_LINK_CONNECTED) due = min64(due, l->dial.check_at);
  /* The timer is not moved for every packet, which would cost more: when it fires too early it
  ** finds nothing to do and is set again. */
  if (due >= l->time.armed && l->time.armed > tl_loop_now(l->gateway->loop)) return;
  l->time.armed = due;
  tl_timer_at(l->time.timer, due);
}

void tl_link_tell_lost (tl_link *l) {
  char *why = l->conn.lost;
  if (!why || !tl_line_is_settled(l->line)) return;
  l->conn.lost = NULL;
  tl_notify_line(l, false, why);
  free(why);
}

/* All stations hear now of what the line has become, and then who hears of its end. */
static void settle (tl_link *l) {
  tl_line_settle(l->line, l->time.now, tl_clock_wall_ms());
  tl_link_tell_lost(l);
}

/* Statuses depend on time: compute them now, and when the next one is due to change.
** A station does not count as silent while its messages wait here, behind one that waits for
** ACK_ID or is handled in pieces. */
static void refresh_statuses (tl_link *l) {
  l->time.now = tl_loop_now(l->gateway->loop);
  if (l->ack.station || l->ack.head || l->longer.pieces) tl_line_excuse(l->line, l->time.now);
  l->time.status_due = tl_line_tick(l->line, l->time.now, tl_clock_wall_ms());
  tl_link_tell_lost(l);
}

/* will_message may be a function, which is asked before each attempt. */
static int renew_will (tl_link *l) {
  const tl_handlers *h = &l->gateway->handlers;
  tl_buf will;
  int rc = TL_OK;
  if (!l->params.will_flag || !l->user || !h->will) return TL_OK;
  tl_buf_init(&will);
  if (h->will(l->gateway->handlers_ctx, l, &will)) {
    rc = will.failed ? TL_ENOMEM : tl_session_set_will(l->session, tl_buf_bytes(&will));
  }
  tl_buf_fini(&will);
  return rc;
}

/* An attempt may call functions: will_message, ws_headers. Those of many lines that are due
** together would add up. So where a turn is used, or acknowledgements wait for its end, the next
** attempt is for a later turn; after PATIENCE turns it is made all the same. */
static bool waits_for_turn (tl_link *l) {
  tl_gateway *g = l->gateway;
  uint64_t turn = tl_loop_turn(g->loop);
  bool has_will =
      l->user && l->params.will_flag && g->handlers.has_will && g->handlers.has_will(l->user);
  if (!l->user || !(has_will || l->params.ws_headers_called)) return false;
  bool busy = tl_loop_is_used(g->loop) || tl_loop_is_asked(g->loop);
  bool waits = busy && turn - g->life.attempt_turn < PATIENCE;
  l->conn.state = TL_LINK_WAITING; /* so that what the functions do starts no second attempt */
  l->conn.retry_at = l->time.now + waits;
  if (!waits) g->life.attempt_turn = turn;
  return waits;
}

static void attempt (tl_link *l) {
  tl_err err = { .text = "" };
  assert(!l->conn.transport);
  if (waits_for_turn(l)) return;
  if (tl_link_store_ready(l, true, &err) != TL_OK) {
    tl_link_fail(l, "%s", err.text);
    return;
  }
  tl_link_state state = l->conn.state;
  int rc = renew_will(l);
  /* the function has switched the line off, or changed its parameters */
  if (l->conn.state != state || l->conn.transport) return;
  if (rc < 0) {
    tl_link_fail(l, "no memory for will_message");
    return;
  }
  l->conn.state = TL_LINK_CONNECTING;
  l->conn.peer[0] = '\0';
  l->conn.connect_by =
      l->params.connect_timeout > 0 ? l->time.now + l->params.connect_timeout : INT64_MAX;
  rc = tl_dial_begin(&l->dial, l->conn.host, &l->conn.transport, &transport_events, l, &err);
  if (rc == TL_OK) return;
  l->conn.transport = NULL;
  tl_link_fail(l, "%s: %s", l->dial.address, err.text);
}

void tl_link_check (tl_link *l) {
  tl_gateway *g = l->gateway;
  refresh_statuses(l); /* first: a status handler may switch stations */
  bool wanted = g->life.started && !g->life.stopping && !l->conn.removed && tl_line_wanted(l->line);
  if (wanted && l->conn.state == TL_LINK_OFF) {
    attempt(l);
  } else if (!wanted && l->conn.state == TL_LINK_WAITING) {
    l->conn.state = TL_LINK_OFF;
  } else if (!wanted &&
             (l->conn.state == TL_LINK_CONNECTING || l->conn.state == TL_LINK_CONNECTED)) {
    if (!g->life.stopping && !l->conn.removed)
      tl_log(TL_LOG_INFO, TL_LINK_SCOPE(l), "every station is off or simulated: disconnecting");
    /* of an earlier attempt; with it the new connection would wait instead of starting at once */
    l->conn.error[0] = '\0';
    tl_link_close(l, true);
  }
  tl_link_arm(l);
}

void tl_link_close (tl_link *l, bool say_goodbye) {
  if (!l->conn.transport || l->conn.state == TL_LINK_CLOSING) return;
  if (say_goodbye && tl_goodbye_waits(l)) return;
  /* before_disconnect has closed the connection itself */
  if (!l->conn.transport || l->conn.state == TL_LINK_CLOSING) return;
  if (say_goodbye) {
    /* Acknowledgements leave only after the values are out: the broker repeats a message
    ** without an acknowledgement. */
    if (tl_gateway_values_are_out(l->gateway)) tl_session_release(l->session);
    tl_session_disconnect(l->session);
    tl_link_flush(l);
  }
  l->conn.state = TL_LINK_CLOSING;
  tl_transport_close(l->conn.transport, say_goodbye ? LINGER_MS : 0);
}

static void schedule_retry (tl_link *l) {
  int64_t delay = l->conn.delay > 0 ? l->conn.delay : 1;
  l->conn.state = TL_LINK_WAITING;
  l->conn.retry_at =
      l->time.now + delay / 2 + (int64_t)(next_random(l->gateway) % (uint32_t)(delay / 2 + 1));
  l->conn.delay = min64(
      delay * 2, l->params.reconnect_delay_max > delay ? l->params.reconnect_delay_max : delay);
}

static void count_failure (tl_link *l) {
  l->conn.failures++;
  if (l->conn.since < 0) l->conn.attempts_failed++;
}

void tl_link_fail (tl_link *l, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  vsnprintf(l->conn.error, sizeof l->conn.error, fmt, args);
  va_end(args);
  count_failure(l);
  tl_health_failed(l, l->conn.error);
  tl_dial_log_failure(&l->dial, TL_LOG_ERROR, l->conn.error, l->time.now);
  if (l->conn.transport) {
    tl_link_close(l, false);
  } else if (!l->conn.removed) {
    schedule_retry(l);
    tl_link_arm(l);
  }
}

void tl_link_session_failed (tl_link *l) {
  char text[sizeof l->conn.error];
  tl_dial_refused_text(&l->dial, l->session, l->dial.address, text, sizeof text);
  tl_link_fail(l, "%s", text);
}

static void on_connected (void *ctx, const char *peer) {
  tl_link *l = ctx;
  l->time.now = tl_loop_now(l->gateway->loop);
  snprintf(l->conn.peer, sizeof l->conn.peer, "%s", peer);
  tl_log(TL_LOG_DEBUG, TL_LINK_SCOPE(l), "the connection to %s is up", peer);
  tl_dial_up(&l->dial, l->conn.transport, l->time.now);
  /* All stations have heard of the last connection's end before a message comes on this one: with
  ** a kept session that is before SUBACK. */
  settle(l);
  int rc = tl_session_open(l->session, l->time.now);
  if (rc < 0) {
    tl_link_fail(l, "cannot open the session: %s", tl_session_error(l->session));
    return;
  }
  tl_input_tell_paused(l);
  /* the socket is read at least until CONNACK */
  tl_transport_read(l->conn.transport, tl_input_may_read(l));
  tl_link_flush(l);
  tl_link_arm(l);
}

static void on_drained (void *ctx) { tl_link_flush(ctx); }

/* The connection has ended. Did the broker close it right after CONNACK, several times in a
** row? Then most likely another client uses our Client ID. */
static void judge_close (tl_link *l, bool by_peer) {
  /* never accepted: an address that does not answer tells nothing about a takeover */
  if (l->conn.since < 0) return;
  int64_t pause = l->params.reconnect_delay + QUICK_MORE_MS,
          span = pause > QUICK_MS ? pause : QUICK_MS;
  bool quick = by_peer && l->time.now - l->conn.since < span;
  l->conn.quick_closes = quick ? l->conn.quick_closes + 1 : 0;
  if (quick) tl_health_closed(l);
  if (!quick || l->conn.quick_closes % QUICK_AGAIN != QUICK_MANY) return;
  const tl_health *h = &l->health;
  if (h->closed_on == TL_CLOSED_ON_PUBLISH)
    tl_log(TL_LOG_WARN, TL_LINK_SCOPE(l),
           "the broker closed the connection %u times in a row after it was sent PUBLISH %s, %zu "
           "bytes: it may not take that message (size, access rules)",
           (unsigned)l->conn.quick_closes, h->closed_topic, h->closed_bytes);
  else if (h->closed_on == TL_CLOSED_ON_SUBSCRIBE)
    tl_log(TL_LOG_WARN, TL_LINK_SCOPE(l),
           "the broker closed the connection %u times in a row right after SUBSCRIBE: it may not "
           "allow these topic filters",
           (unsigned)l->conn.quick_closes);
  else if (h->closed_on == TL_CLOSED_ON_QOS0)
    tl_log(TL_LOG_WARN, TL_LINK_SCOPE(l),
           "the broker closed the connection %u times in a row after it was sent PUBLISH %s, %zu "
           "bytes, QoS 0: it may not take that message (size, retain, access rules), or another "
           "client uses the Client ID '%.*s'",
           (unsigned)l->conn.quick_closes, h->closed_topic, h->closed_bytes,
           TL_ARG(l->params.client_id));
  else
    tl_log(TL_LOG_WARN, TL_LINK_SCOPE(l),
           "the broker closed the connection right after CONNACK %u times in a row: another client "
           "probably uses the Client ID '%.*s'",
           (unsigned)l->conn.quick_closes, TL_ARG(l->params.client_id));
}

/* tl_gateway_stop() waits for every socket that was open when it began, also those of removed
** lines. */
static void count_closed (tl_gateway *g) {
  if (g->life.stopping && g->life.open_links > 0 && --g->life.open_links == 0)
    tl_gateway_ask_flush(g);
}

/* Call the handlers that hear of the end of a connection: on_disconnect when all stations have,
** which takes some turns where these are very many. They may switch stations, write, or set
** parameters.
** The link is in the state CLOSING meanwhile, so that all of this takes effect only
** afterwards. */
static void report_closed (tl_link *l, bool was_connected, bool asked) {
  tl_gateway *g = l->gateway;
  char why[sizeof l->conn.error];
  snprintf(why, sizeof why, "%s", asked ? "disconnected" : l->conn.error);
  tl_session_closed(l->session);
  tl_line_down(l->line, l->time.now, l->time.wall);
  if (l->conn.removed || g->life.stopping) tl_line_settle(l->line, l->time.now, l->time.wall);
  if (was_connected && g->news.observers) {
    l->conn.lost = strdup(why);
    if (!l->conn.lost) tl_notify_line(l, false, why); /* no memory: now */
  }
  tl_link_tell_lost(l);
  refresh_statuses(l);
}

void tl_link_left (tl_link *l) {
  if (l->conn.removed && !l->conn.transport) tl_link_free(l);
}

void tl_link_leave (tl_link *l) {
  const tl_gateway *g = l->gateway;
  l->conn.state = TL_LINK_OFF; /* no further attempt */
  if (!g->handlers.leaves || !g->handlers.leaves(g->handlers_ctx, l)) tl_link_free(l);
}

static void on_closed (void *ctx, int code, const char *text) {
  tl_link *l = ctx;
  tl_gateway *g = l->gateway;
  bool ours = l->conn.state == TL_LINK_CLOSING, was_connected = l->conn.since >= 0;
  tl_goodbye_forget(l);
  l->conn.transport = NULL;
  l->conn.state = TL_LINK_CLOSING;
  l->time.now = tl_loop_now(g->loop);
  l->time.wall = tl_clock_wall_ms();
  judge_close(l, !ours);
  if (!ours) {
    bool early = l->conn.peer[0] != '\0' && !was_connected;
    tl_dial_end_text(&l->dial, l->conn.host, code, text, early, l->conn.error,
                     sizeof l->conn.error);
    count_failure(l);
    tl_health_failed(l, l->conn.error);
    tl_dial_log_failure(&l->dial, TL_LOG_WARN, l->conn.error, l->time.now);
  } else if (code == 0 && was_connected && (g->life.stopping || l->conn.removed || l->conn.renew)) {
    tl_log(TL_LOG_INFO, TL_LINK_SCOPE(l), "disconnected");
  }
  bool asked = ours && l->conn.error[0] == '\0';
  tl_link_end how = ours ? TL_END_FAULT : TL_END_BROKER;
  if (was_connected) l->conn.ends[asked ? TL_END_ASKED : how]++;
  l->conn.since = -1;
  tl_input_forget(l);
  report_closed(l, was_connected, asked);
  l->conn.state = TL_LINK_OFF;
  if (l->conn.removed) {
    tl_link_leave(l);
    count_closed(g);
    return;
  }
  if (l->conn.renew) {
    l->conn.renew = false;
    if (tl_link_new_session(l) != TL_OK)
      tl_log(TL_LOG_ERROR, TL_LINK_SCOPE(l),
             "no memory for the new session; the old parameters stay");
    l->conn.delay = l->params.reconnect_delay;
    tl_link_check(l);
  } else if (g->life.started && !g->life.stopping && tl_line_wanted(l->line)) {
    if (asked) {
      tl_link_check(l); /* at the same address, which was no reason for the end */
    } else {
      l->conn.host = (l->conn.host + 1) % l->params.host.n;
      schedule_retry(l);
    }
  }
  tl_link_arm(l);
  count_closed(g);
}

static const tl_transport_events transport_events = { .connected = on_connected,
                                                      .room = tl_input_room,
                                                      .data = tl_input_data,
                                                      .drained = on_drained,
                                                      .closed = on_closed };

/* One write of all that the session wants to send, unless the socket still has bytes of before:
** then on_drained() calls again. What the stores must know is synced first. */
void tl_link_flush (tl_link *l) {
  tl_gateway *g = l->gateway;
  bool wrote = false;
  while (l->conn.transport && l->conn.state != TL_LINK_CLOSING &&
         tl_transport_pending(l->conn.transport) == 0) {
    tl_slice out = tl_session_output(l->session);
    if (out.len == 0) {
      /* acknowledgements are left, and wait until the values are out */
      if (tl_session_unsent(l->session) > 0) return;
      tl_input_drained(l);
      return;
    }
    if (wrote) {
      /* New output by handlers that were told what was sent waits for the next turn.
      ** Otherwise handlers that write again and again would keep the other lines waiting. */
      tl_link_ask_flush(l);
      return;
    }
    if (g->unsaved > 0) {
      /* No byte may leave that tells of something a power failure could still undo. The commit
      ** may close this link. */
      tl_gateway_commit(g, NULL);
      continue;
    }
    int rc = tl_transport_write(l->conn.transport, out.at, out.len);
    if (rc < 0) {
      if (rc != TL_ESTATE) tl_link_fail(l, "cannot send: no memory");
      return;
    }
    tl_session_sent(l->session, out.len, l->time.now);
    wrote = true;
  }
}

/* connect_timeout is over. */
static void on_late (tl_link *l) {
  const char *stage = tl_transport_stage(l->conn.transport);
  char text[sizeof l->conn.error];
  tl_dial_late_text(&l->dial, l->conn.host, stage ? stage : "CONNACK", text, sizeof text);
  tl_link_fail(l, "%s", text);
}

/* Timers come before sockets. So when this process stood still until a deadline was over, what
** came meanwhile is still in the socket: it is read before the deadline counts, and where it waits
** for the line's turn, as many lines have much to read then, it is handled before. An attempt to
** connect has several steps left then, and gets the time that it could not use. */
static bool has_stood_still (tl_link *l) {
  bool connects = l->conn.state == TL_LINK_CONNECTING && l->time.now >= l->conn.connect_by;
  if (l->conn.state == TL_LINK_WAITING || l->conn.state == TL_LINK_CLOSING) return false;
  int64_t due = connects ? l->conn.connect_by : tl_session_deadline(l->session);
  bool first = l->time.looked_for != due, owed = l->pace.owed && l->pace.waits.prev;
  if (l->time.now < due || !(first || owed)) return false;
  if (first) l->pace.owed = true;
  if (connects) due = l->conn.connect_by = l->time.now + (l->time.now - due) + 1;
  l->time.looked_for = due;
  l->time.armed = l->time.now + 1;
  tl_timer_at(l->time.timer, l->time.armed);
  return true;
}

void tl_link_on_timer (void *ctx) {
  tl_link *l = ctx;
  l->time.now = tl_loop_now(l->gateway->loop);
  if (has_stood_still(l)) return;
  l->time.armed = INT64_MAX;
  /* While the values stream is not read, the passing of time makes no new values: they would
  ** fill the memory. A connection that came or ended is told all the same. */
  if (l->time.now >= l->time.status_due && l->gateway->flush.blocked) {
    settle(l);
    l->time.status_due = l->time.now + HELD_MS;
  } else if (l->time.now >= l->time.status_due) {
    refresh_statuses(l);
  }
  if (l->conn.state == TL_LINK_WAITING && l->time.now >= l->conn.retry_at) {
    attempt(l);
  } else if (l->conn.state == TL_LINK_CONNECTING && l->time.now >= l->conn.connect_by) {
    on_late(l);
  } else if (l->conn.state != TL_LINK_CLOSING && l->time.now >= tl_session_deadline(l->session)) {
    int rc = tl_session_tick(l->session, l->time.now);
    if (rc < 0)
      tl_link_session_failed(l);
    else
      tl_link_flush(l);
  }
  tl_goodbye_tick(l);
  if (l->conn.state == TL_LINK_CONNECTED && l->time.now >= l->dial.check_at)
    tl_dial_check(&l->dial, l->conn.transport, l->time.now);
  tl_link_arm(l);
}

void tl_link_reconnect (tl_link *l, const char *why) {
  tl_dial_forget_failures(&l->dial);
  l->conn.delay = l->params.reconnect_delay;
  if (l->conn.state == TL_LINK_WAITING) {
    l->time.now = tl_loop_now(l->gateway->loop);
    l->conn.retry_at = l->time.now;
    tl_link_arm(l);
  } else if (l->conn.transport && l->conn.state != TL_LINK_CLOSING) {
    tl_log(TL_LOG_INFO, TL_LINK_SCOPE(l), "reconnecting: %s", why);
    l->conn.renew = true;
    l->conn.error[0] = '\0';
    tl_link_close(l, true);
  }
}
