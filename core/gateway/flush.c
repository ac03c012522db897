/* core/gateway/flush.c — the end of a wake-up: stores, values, then the sockets of those links that
** have something to say; and the gate that holds acknowledgements back until the values they stand
** for are printed. Must not know what values and packets mean. */
#include "gateway/link_impl.h"

static void flush (void *ctx);

/* --- links that something is to be done for --- */

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
  if (!l->flush.at) enter(l, &l->gateway->busy);
  tl_gateway_ask_flush(l->gateway);
}

void tl_link_forget_flush (tl_link *l) {
  if (l->flush.at) leave(l);
}

/* --- the gate --- */

/* While the reader of the values is behind nothing is read, and what was read is not acknowledged;
** writes and PINGs go out all the same. */
void tl_gateway_block (tl_gateway *g, bool blocked) {
  if (g->blocked == blocked) return;
  g->blocked = blocked;
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

/* The rest comes at the end of the wake-up, where settled() says no. */
void tl_gateway_hold (tl_gateway *g) {
  for (uint32_t i = 0; i < g->model->line_count; i++) {
    tl_link *l = g->model->lines[i]->user;
    if (l) l->input.shut |= TL_SHUT_VALUES;
  }
  tl_gateway_ask_flush(g);
}

static bool are_printed (tl_gateway *g) {
  return !g->lost && (!g->values || tl_sink_flush(g->values));
}

/* Only what was stored is told to the stores. */
static bool settle (tl_gateway *g) {
  bool settled = tl_observers_settled(g);
  if (settled) tl_gateway_put_received(g);
  return settled;
}

bool tl_gateway_values_are_out (tl_gateway *g) { return settle(g) && are_printed(g); }

/* --- the end of a wake-up --- */

/* First what a kill must not take: values, for the spool; then what the sessions remember. A kill
** between the two brings a QoS 2 message once more, of which the spool has a mark (once.h); the
** other way round it would take its values. Then the values stream: only when its reader
** has them do the acknowledgements leave. A QoS 2 identifier is written before its values are
** printed, so that no other process prints them again. Sockets ask for the sync. */
static void flush (void *ctx) {
  tl_gateway *g = ctx;
  g->flush_asked = false;
  bool settled = settle(g);
  tl_gateway_write_stores(g, NULL);
  tl_gateway_block(g, !settled || !are_printed(g));
  g->flushing = g->busy;
  if (g->flushing) g->flushing->flush.at = &g->flushing;
  g->busy = NULL;
  while (g->flushing) { /* what is asked for meanwhile is for the next time */
    tl_link *l = g->flushing;
    leave(l);
    if (!g->blocked) tl_session_release(l->session);
    tl_link_flush(l);
    tl_link_arm(l);
  }
  if (g->stopping && g->open_links == 0 && g->stopped) {
    void (*stopped)(void *) = g->stopped;
    g->stopped = NULL;
    stopped(g->stopped_ctx);
  }
}

void tl_gateway_ask_flush (tl_gateway *g) {
  if (g->flush_asked) return;
  g->flush_asked = true;
  if (tl_loop_later(g->loop, flush, g) != TL_OK) flush(g);
}

void tl_gateway_forget_flush (tl_gateway *g) { tl_loop_forget(g->loop, flush, g); }
