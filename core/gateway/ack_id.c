/* core/gateway/ack_id.c — ACK_ID: a station with such a tag confirms each message itself,
** by a write of IN_ID's value. Until then neither the acknowledgement nor the next message of
** the line goes on, since acknowledgements keep their order; what arrives meanwhile waits here,
** up to receive_queue messages, and then in the socket. */
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

/* Is there so much of what waits, or (part 2) of half of what may? */
static bool reaches (const tl_link *l, int64_t part) {
  const tl_line_params *p = &l->params;
  return (int64_t)l->queued * part >= p->receive_queue ||
         (p->receive_queue_bytes > 0 && (int64_t)l->queued_bytes * part >= p->receive_queue_bytes);
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
  if (l->queue_tail)
    l->queue_tail->next = w;
  else
    l->queue_head = w;
  l->queue_tail = w;
  l->queued++;
  l->queued_bytes += bytes_of(w);
  if (!l->queue_full && reaches(l, 1)) {
    l->queue_full = true;
    tl_session_pause(l->session, true, l->now);
    tl_log(TL_LOG_DEBUG, TL_LINK_SCOPE(l),
           "%u messages of %zu bytes wait for ACK_ID (receive_queue): the socket is not read",
           (unsigned)l->queued, l->queued_bytes);
  }
  return TL_OK;
}

void tl_link_drop_queue (tl_link *l) {
  while (l->queue_head) {
    tl_waiting *w = l->queue_head;
    l->queue_head = w->next;
    free(w);
  }
  l->queue_tail = NULL;
  l->queued = 0;
  l->queued_bytes = 0;
}

/* Deliver what waited, up to the next message that must be confirmed; not while the values'
** reader is behind. */
static void pump (void *ctx) {
  tl_link *l = ctx;
  bool over = false;
  l->now = tl_loop_now(l->gateway->loop);
  tl_pace_begin(l);
  while (!l->awaiting && l->queue_head && !l->removed && !l->gateway->held) {
    if (over && tl_loop_later(l->gateway->loop, pump, l) == TL_OK) break;
    tl_waiting *w = l->queue_head;
    bool held = tl_link_deliver(l, &w->m);
    if (l->no_memory && w->m.qos > 0) { /* it stays where it is: a new connection has another try */
      l->awaiting = NULL;
      tl_link_fail(l, "out of memory for a received message");
      break;
    }
    l->queue_head = w->next;
    if (!l->queue_head) l->queue_tail = NULL;
    l->queued--;
    l->queued_bytes -= bytes_of(w);
    if (!held) tl_session_ack(l->session, w->m.id, l->now);
    free(w);
    over = tl_pace_is_over(l);
  }
  if (l->queue_full && (l->queued == 0 || !reaches(l, 2))) {
    l->queue_full = false;
    tl_link_reading_changed(l);
  }
  tl_link_ask_flush(l);
}

void tl_link_forget_awaiting (tl_link *l, const tl_station *s) {
  if (l->awaiting != s) return;
  /* Its station is gone or off: nobody can confirm any more, and the line must not stand still
  ** for ever. */
  l->awaiting = NULL;
  if (!l->delivering) tl_session_ack(l->session, l->awaiting_id, tl_loop_now(l->gateway->loop));
  tl_link_ask_pump(l);
}

void tl_link_ask_pump (tl_link *l) {
  if (!l->queue_head || l->awaiting) return;
  if (tl_loop_later(l->gateway->loop, pump, l) != TL_OK) pump(l);
}

void tl_link_forget_pump (tl_link *l) { tl_loop_forget(l->gateway->loop, pump, l); }

int tl_link_confirm (tl_link *l, const tl_tag *t, int64_t id, tl_err *err) {
  if (!l->awaiting) return tl_fail(err, TL_ENOENT, 0, "no message waits for an acknowledgement");
  if (l->awaiting != t->station)
    return tl_fail(err, TL_ENOENT, 0, "the message that waits belongs to station '%s'",
                   l->awaiting->name);
  if (id != l->awaiting_id)
    return tl_fail(err, TL_ERANGE, 0, "expected %u (IN_ID of the message that waits), got %lld",
                   (unsigned)l->awaiting_id, (long long)id);
  if (l->delivering) { /* then it is acknowledged by the return of its handlers */
    l->awaiting = NULL;
    return TL_OK;
  }
  int rc = tl_session_ack(l->session, l->awaiting_id, tl_loop_now(l->gateway->loop));
  l->awaiting = NULL;
  tl_link_ask_pump(l);
  tl_link_ask_flush(l);
  if (rc == TL_ELOST)
    return tl_fail(err, rc, 0,
                   "the connection that brought the message is gone: nothing is acknowledged, and "
                   "the broker may send it again");
  return rc < 0 ? tl_fail(err, rc, 0, "the message is not held any more") : TL_OK;
}
