/* core/gateway/goodbye.c — before_disconnect: before an orderly DISCONNECT the line waits
** until the messages that the user's function publishes are acknowledged, or the time for it
** is over. Must not know why the connection ends. */
#include "gateway/link_impl.h"

/* ms to wait at most: when the line has no reply_timeout; while its socket is not read, and no
** acknowledgement can come */
enum { LONGEST = 20000, UNREAD = 1000 };

static void finish (void *ctx) {
  tl_link *l = ctx;
  if (l->goodbye.state != TL_GOODBYE_SAYING) return;
  l->goodbye.state = TL_GOODBYE_SAID;
  tl_link_close(l, true);
}

bool tl_goodbye_waits (tl_link *l) {
  tl_gateway *g = l->gateway;
  int64_t patience = l->params.reply_timeout > 0 ? l->params.reply_timeout : LONGEST;
  if (l->goodbye.state == TL_GOODBYE_SAYING) return true;
  if (l->goodbye.state == TL_GOODBYE_SAID || !l->user || !g->handlers.before_disconnect ||
      l->conn.state != TL_LINK_CONNECTED)
    return false;
  tl_link *outer = g->saying_goodbye;
  int64_t by = tl_loop_now(g->loop) + patience;
  l->goodbye = (tl_goodbye){ TL_GOODBYE_SAYING, 0, by, by };
  tl_goodbye_reading(l);
  g->saying_goodbye = l;
  g->handlers.before_disconnect(g->handlers_ctx, l);
  g->saying_goodbye = outer;
  if (l->goodbye.state != TL_GOODBYE_SAYING || l->goodbye.writes > 0) {
    tl_link_ask_flush(l);
    return true;
  }
  l->goodbye.state = TL_GOODBYE_SAID;
  return false;
}

/* The close is asked for, not done at once: this is called from inside the session. */
void tl_goodbye_settled (tl_link *l) {
  if (l->goodbye.writes > 0 && --l->goodbye.writes == 0 &&
      tl_loop_later(l->gateway->loop, finish, l) != TL_OK)
    finish(l);
}

void tl_goodbye_reading (tl_link *l) {
  tl_goodbye *b = &l->goodbye;
  if (b->state != TL_GOODBYE_SAYING) return;
  int64_t unread = tl_loop_now(l->gateway->loop) + UNREAD, before = b->by;
  if (!(l->input.shut & (TL_SHUT_VALUES | TL_SHUT_QUEUE)))
    b->by = b->latest;
  else if (b->by > unread)
    b->by = unread;
  if (b->by != before) tl_link_arm(l);
}

void tl_goodbye_tick (tl_link *l) {
  if (l->time.now >= tl_goodbye_due(l)) finish(l);
}

void tl_goodbye_forget (tl_link *l) {
  l->goodbye = (tl_goodbye){ TL_GOODBYE_NOT, 0, 0, 0 };
  tl_loop_forget(l->gateway->loop, finish, l);
}
