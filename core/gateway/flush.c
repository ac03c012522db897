/* core/gateway/flush.c — the end of a wake-up: session stores, values, then the sockets of
** links that have output.
** Also the gate that holds acknowledgements back until the values of their messages are
** printed. Must not know what values and packets mean. */
#include "gateway/link_impl.h"

static void flush (void *ctx);

/* --- links that have something to do --- */

static void enter (tl_link *l, tl_link **list) {
  l->flush.next = *list;
  l->flush.at = list;
  if (l->flush.next) l->flush.next->flush.at = &l->flush.next;
  *list = l;
}

static void leave (tl_link *l) {
  *l->flush.at = l->flush.next;
  if (l->flush.next) l->flush.next->flush.at = l->flush.at;
  l->flush.next = NULL;
  l->flush.at = NULL;
}

void tl_link_ask_flush (tl_link *l) {
  if (!l->flush.at) enter(l, &l->gateway->flush.busy);
  tl_gateway_ask_flush(l->gateway);
}

void tl_link_forget_flush (tl_link *l) {
  if (l->flush.at) leave(l);
}

/* --- the gate --- */

/* While the reader of the values stream is behind, no socket is read and no message is
** acknowledged. Writes and PINGs are still sent. */
void tl_gateway_block (tl_gateway *g, bool blocked) {
  if (g->flush.blocked == blocked) return;
  g->flush.blocked = blocked;
  for (uint32_t i = 0; i < g->model->line_count; i++) {
    tl_link *l = g->model->lines[i]->user;
    if (!l) continue;
    if (blocked)
      l->input.shut |= TL_SHUT_VALUES;
    else
      l->input.shut &= ~(unsigned)TL_SHUT_VALUES;
    if (!blocked) {
      tl_link_ask_pump(l);
      tl_line_excuse(l->line, tl_loop_now(g->loop));
      tl_link_ask_flush(l); /* acknowledgements that waited */
    }
    tl_link_reading_changed(l);
  }
}

/* Stop reading at once. The end of the wake-up does the rest, because the observer's settled()
** then answers false. */
void tl_gateway_hold (tl_gateway *g) {
  for (uint32_t i = 0; i < g->model->line_count; i++) {
    tl_link *l = g->model->lines[i]->user;
    if (l) l->input.shut |= TL_SHUT_VALUES;
  }
  tl_gateway_ask_flush(g);
}

static bool are_printed (tl_gateway *g) {
  return !g->values.lost && (!g->values.sink || tl_sink_flush(g->values.sink));
}

/* The session stores hear of received messages only when all observers have stored their
** values. */
static bool settle (tl_gateway *g) {
  bool settled = tl_observers_settled(g);
  if (settled) tl_gateway_put_received(g);
  return settled;
}

bool tl_gateway_values_are_out (tl_gateway *g) { return settle(g) && are_printed(g); }

/* --- the end of a wake-up --- */

/* The order matters, because the process may be killed at any point.
** First the values are written to the spool, then the session stores. After a kill between the
** two, the broker sends a QoS 2 message again and a mark in the spool tells that its values
** are stored (once.h). In the other order its values would be lost.
** Then the values stream is written, and acknowledgements leave only when its reader has
** everything. A QoS 2 identifier is stored before the message's values are printed, so that no
** later process prints them again.
** The sync of the stores comes last: tl_link_flush() asks for it before bytes go to a socket. */
static void flush (void *ctx) {
  tl_gateway *g = ctx;
  g->flush.asked = false;
  bool settled = settle(g);
  g->flush.unsettled = !settled;
  tl_gateway_write_stores(g, NULL);
  tl_gateway_block(g, !settled || !are_printed(g));
  g->flush.flushing = g->flush.busy;
  if (g->flush.flushing) g->flush.flushing->flush.at = &g->flush.flushing;
  g->flush.busy = NULL;
  while (g->flush.flushing) { /* links that ask for a flush from here on wait for the next one */
    tl_link *l = g->flush.flushing;
    leave(l);
    if (!g->flush.blocked) tl_session_release(l->session);
    tl_link_flush(l);
    tl_link_arm(l);
  }
  if (g->life.stopping && g->life.open_links == 0 && g->life.stopped) {
    void (*stopped)(void *) = g->life.stopped;
    g->life.stopped = NULL;
    stopped(g->life.ctx);
  }
}

void tl_gateway_ask_flush (tl_gateway *g) {
  if (g->flush.asked) return;
  g->flush.asked = true;
  if (tl_loop_later(g->loop, flush, g) != TL_OK) flush(g);
}

void tl_gateway_flush_now (tl_gateway *g) {
  if (!g->flush.asked) return;
  tl_gateway_forget_flush(g);
  flush(g);
}

void tl_gateway_forget_flush (tl_gateway *g) { tl_loop_forget(g->loop, flush, g); }
