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
  if ((int64_t)l->queued >= l->params.receive_queue && !l->queue_full) {
    l->queue_full = true;
    tl_session_pause(l->session, true, l->now);
    tl_log(TL_LOG_DEBUG, TL_LINK_SCOPE(l),
           "%u messages wait for ACK_ID (receive_queue): the socket is not read",
           (unsigned)l->queued);
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
    l->queue_head = w->next;
    if (!l->queue_head) l->queue_tail = NULL;
    l->queued--;
    if (!tl_link_deliver(l, &w->m)) tl_session_ack(l->session, w->m.id, l->now);
    free(w);
    over = tl_pace_is_over(l);
  }
  if (l->queue_full && (int64_t)l->queued * 2 <= l->params.receive_queue) {
    l->queue_full = false;
    tl_session_pause(l->session, l->gateway->held, l->now);
    tl_link_ask_resume(l); /* what is in the buffer comes before the socket */
  }
  tl_gateway_ask_flush(l->gateway);
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
  if (rc < 0) return tl_fail(err, rc, 0, "the message is not held any more");
  l->awaiting = NULL;
  tl_link_ask_pump(l);
  tl_gateway_ask_flush(l->gateway);
  return TL_OK;
}
