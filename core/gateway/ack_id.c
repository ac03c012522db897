/* core/gateway/ack_id.c — the tag ACK_ID: a station that has one confirms each message itself,
** by writing the value of IN_ID to it.
** Until that write the message is not acknowledged to the broker.
** The line delivers no further message either, because acknowledgements must keep their order.
** Messages that arrive meanwhile wait here, up to receive_queue; after that the socket is not
** read. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "gateway/link_impl.h"

struct tl_waiting {
  tl_waiting *next;
  tl_incoming m; /* slices into bytes[] */
  uint8_t bytes[];
};

static size_t bytes_of (const tl_waiting *w) {
  return sizeof *w + w->m.topic.len + w->m.payload.len;
}

/* Has the queue reached its limits? With part 2: has it reached half of them? */
static bool reaches (const tl_link *l, int64_t part) {
  const tl_line_params *p = &l->params;
  return (int64_t)l->ack.count * part >= p->receive_queue ||
         (p->receive_queue_bytes > 0 && (int64_t)l->ack.bytes * part >= p->receive_queue_bytes);
}

int tl_link_queue (tl_link *l, const tl_incoming *m) {
  tl_waiting *w = malloc(sizeof *w + m->topic.len + m->payload.len);
  if (!w) return TL_ENOMEM;
  w->next = NULL;
  w->m = *m;
  memcpy(w->bytes, m->topic.at, m->topic.len);
  if (m->payload.len > 0) memcpy(w->bytes + m->topic.len, m->payload.at, m->payload.len);
  w->m.topic.at = w->bytes;
  w->m.payload.at = w->bytes + m->topic.len;
  if (l->ack.tail)
    l->ack.tail->next = w;
  else
    l->ack.head = w;
  l->ack.tail = w;
  l->ack.count++;
  l->ack.bytes += bytes_of(w);
  if (!(l->input.shut & TL_SHUT_QUEUE) && reaches(l, 1)) {
    l->input.shut |= TL_SHUT_QUEUE;
    tl_input_tell_paused(l);
    tl_log(TL_LOG_DEBUG, TL_LINK_SCOPE(l),
           "%u messages of %zu bytes wait for ACK_ID (receive_queue): the socket is not read",
           (unsigned)l->ack.count, l->ack.bytes);
  }
  return TL_OK;
}

void tl_link_drop_queue (tl_link *l) {
  while (l->ack.head) {
    tl_waiting *w = l->ack.head;
    l->ack.head = w->next;
    free(w);
  }
  l->ack.tail = NULL;
  l->ack.count = 0;
  l->ack.bytes = 0;
}

static tl_waiting *take_first (tl_link *l) {
  tl_waiting *w = l->ack.head;
  l->ack.head = w->next;
  if (!l->ack.head) l->ack.tail = NULL;
  l->ack.count--;
  l->ack.bytes -= bytes_of(w);
  return w;
}

static void put_first (tl_link *l, tl_waiting *w) {
  w->next = l->ack.head;
  l->ack.head = w;
  if (!w->next) l->ack.tail = w;
  l->ack.count++;
  l->ack.bytes += bytes_of(w);
}

/* Delivering the first message failed. It stays first in the queue, and a new connection tries
** again. */
static void fail_first (tl_link *l) {
  l->ack.station = NULL;
  tl_link_fail(l, "out of memory for a received message");
}

static void read_again (tl_link *l) {
  if (!(l->input.shut & TL_SHUT_QUEUE) || (l->ack.count > 0 && reaches(l, 2))) return;
  l->input.shut &= ~(unsigned)TL_SHUT_QUEUE;
  tl_link_reading_changed(l);
}

void tl_link_stay_lost (tl_link *l, const tl_incoming *m) {
  tl_station *s = tl_router_find(l->routing.router, m->topic)->target;
  if (s) tl_station_stay_lost(s, tl_clock_wall_ms());
}

void tl_link_delivered (tl_link *l, tl_waiting *w, bool held, bool no_memory, bool orphan) {
  if (no_memory && w->m.qos > 0 && !orphan) {
    put_first(l, w);
    fail_first(l);
    return;
  }
  if (!held && !orphan) tl_session_ack(l->session, w->m.id, tl_loop_now(l->gateway->loop));
  free(w);
  read_again(l);
  tl_link_ask_pump(l);
  tl_link_ask_flush(l);
}

static void pump (tl_link *l);
static void on_pump (void *ctx);

static void on_its_turn (tl_heavy *h) {
  pump((tl_link *)(void *)((char *)h - offsetof(tl_link, ack.waits)));
}

/* Needs no memory. */
static void wait_for_turn (tl_link *l) {
  l->ack.waits.run = on_its_turn;
  tl_heavy_wait(l->gateway->loop, &l->ack.waits);
}

static void ask_later (tl_link *l) {
  if (tl_loop_later(l->gateway->loop, on_pump, l) != TL_OK) wait_for_turn(l);
}

/* Later in this turn, or, when it is used, in turn with others that take long: with many such lines
** a PING would wait for all of them. */
static void pump_later (tl_link *l) {
  if (tl_loop_is_used(l->gateway->loop))
    wait_for_turn(l);
  else
    ask_later(l);
}

static void on_pump (void *ctx) {
  tl_link *l = ctx;
  if (tl_loop_is_used(l->gateway->loop))
    wait_for_turn(l);
  else
    pump(l);
}

/* Deliver waiting messages, up to the next one that ACK_ID must confirm.
** Nothing is delivered while the reader of the values stream is behind, or while a reload
** exchanges the line's stations. */
static void pump (tl_link *l) {
  bool over = false;
  l->time.now = tl_loop_now(l->gateway->loop);
  tl_pace_begin(l);
  while (!l->ack.station && !l->longer.pieces && l->ack.head && !l->conn.removed &&
         !(l->input.shut & (TL_SHUT_VALUES | TL_SHUT_RELOAD))) {
    if (over) {
      pump_later(l);
      break;
    }
    tl_waiting *w = take_first(l); /* its handlers may drop the queue */
    w->m.late = l->conn.since < 0;
    if (tl_link_begin_long(l, w, &w->m)) break;
    uint64_t sessions = l->sessions;
    bool held = tl_link_deliver(l, &w->m), orphan = l->sessions != sessions;
    tl_link_stay_lost(l, &w->m);
    if (l->routing.no_memory && w->m.qos > 0 && !orphan) {
      put_first(l, w);
      fail_first(l);
      break;
    }
    if (!held && !orphan) tl_session_ack(l->session, w->m.id, l->time.now);
    free(w);
    over = tl_pace_is_over(l);
  }
  read_again(l);
  tl_link_ask_flush(l);
}

void tl_link_forget_awaiting (tl_link *l, const tl_station *s) {
  if (l->ack.station != s) return;
  /* The station was removed or switched off, so nobody can confirm its message any more.
  ** It is acknowledged here, otherwise the line would wait for ever. */
  l->ack.station = NULL;
  if (!l->ack.delivering) tl_session_ack(l->session, l->ack.id, tl_loop_now(l->gateway->loop));
  tl_link_ask_pump(l);
}

/* Never now: inside the session's input it does not know yet that the message is held, and would
** never acknowledge it. */
void tl_link_ask_pump (tl_link *l) {
  if (l->ack.head && !l->ack.station && !l->longer.pieces) ask_later(l);
}

void tl_link_forget_pump (tl_link *l) {
  tl_loop_forget(l->gateway->loop, on_pump, l);
  tl_heavy_forget(l->gateway->loop, &l->ack.waits);
}

/* The session does not know yet that the message is held: where it cannot be handled in pieces, it
** is not handled here. */
void tl_link_begin_first (tl_link *l) {
  if (l->ack.head && l->ack.head == l->ack.tail && !l->ack.station && !l->longer.pieces) {
    tl_waiting *w = take_first(l);
    if (tl_link_begin_long(l, w, &w->m)) return;
    put_first(l, w);
  }
  tl_link_ask_pump(l);
}

/* One message at a time waits, with its station's ACK_ID. Only the write of its identifier to
** that tag confirms it; any other write fails with the reason. Then it is acknowledged, and the
** messages behind it go on. */
int tl_link_confirm (tl_link *l, const tl_tag *t, int64_t id, tl_err *err) {
  if (!l->ack.station) return tl_fail(err, TL_ENOENT, 0, "no message waits for an acknowledgement");
  if (l->ack.station != t->station)
    return tl_fail(err, TL_ENOENT, 0, "the message that waits belongs to station '%s'",
                   l->ack.station->name);
  if (id != l->ack.id)
    return tl_fail(err, TL_ERANGE, 0, "expected %u (IN_ID of the message that waits), got %lld",
                   (unsigned)l->ack.id, (long long)id);
  /* its handlers are still running: the message is acknowledged when they return */
  if (l->ack.delivering) {
    l->ack.station = NULL;
    return TL_OK;
  }
  int rc = tl_session_ack(l->session, l->ack.id, tl_loop_now(l->gateway->loop));
  l->ack.station = NULL;
  tl_link_ask_pump(l);
  tl_link_ask_flush(l);
  if (rc == TL_ELOST)
    return tl_fail(err, rc, 0,
                   "the connection that brought the message is gone: nothing is acknowledged, and "
                   "the broker may send it again");
  return rc < 0 ? tl_fail(err, rc, 0, "the message is not held any more") : TL_OK;
}
