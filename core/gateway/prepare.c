/* core/gateway/prepare.c — a station's `prepare`: repairs the payload before anything else
** reads it. Must not know what documents are. */
#include "payload/prepare.h"

#include "gateway/link_impl.h"
#include "gateway/prepare.h"

/* Run the steps. The text that one step makes is the payload of the next, so two buffers take
** turns. */
static tl_prepared steps (tl_gateway *g, tl_station *s, tl_slice payload, tl_prepare_room *room,
                          tl_slice *out, tl_buf *error) {
  const tl_plan *plan = s->plan;
  unsigned functions = 0;
  int in = 1;
  for (uint8_t i = 0; i < plan->prepare_count; i++) {
    tl_buf *to = &room->buf[!in];
    tl_prepare_step step = (tl_prepare_step)plan->prepare[i];
    const uint8_t *before = payload.at;
    int rc;
    if (step == TL_PREPARE_FUNCTION) {
      tl_buf_clear(to);
      rc = g->handlers.prepare && s->user
               ? g->handlers.prepare(g->handlers_ctx, s, functions++, payload, to, error)
               : TL_ETYPE;
      if (rc == TL_ENOENT) return TL_PREPARED_DECLINED;
      payload = tl_buf_bytes(to);
    } else {
      rc = tl_prepare(step, payload, to, &payload);
    }
    if (rc != TL_OK || to->failed) return TL_PREPARED_FAILED;
    if (payload.at != before && payload.at == to->at) in = !in;
  }
  *out = payload;
  return TL_PREPARED_OK;
}

tl_prepared tl_prepare_run (tl_gateway *g, tl_station *s, tl_slice payload, tl_prepare_room *room,
                            tl_slice *out, tl_buf *error) {
  bool before = g->dry;
  g->dry = before || error;
  tl_prepared rc = steps(g, s, payload, room, out, error);
  g->dry = before;
  return rc;
}

void tl_prepare_room_take (tl_gateway *g, tl_prepare_room *room) {
  /* a handler may feed in another message meanwhile: it finds empty buffers and allocates its
  ** own */
  *room = g->prepare_room;
  tl_buf_init(&g->prepare_room.buf[0]);
  tl_buf_init(&g->prepare_room.buf[1]);
}

void tl_prepare_room_give (tl_gateway *g, tl_prepare_room *room) {
  enum { LARGE = 64 * 1024 }; /* a buffer of more bytes is freed after the message */
  for (int i = 0; i < 2; i++) {
    tl_buf_clear(&room->buf[i]);
    if (room->buf[i].cap > LARGE) tl_buf_shrink(&room->buf[i], 0);
    tl_buf_fini(&g->prepare_room.buf[i]);
  }
  g->prepare_room = *room;
}

bool tl_link_prepare (tl_link *l, tl_station *s, tl_incoming *in, tl_prepare_room *room) {
  tl_prepared rc = tl_prepare_run(l->gateway, s, in->payload, room, &in->payload, NULL);
  if (rc == TL_PREPARED_OK) return true;
  if (!tl_station_begin(s, in)) return false;
  if (rc == TL_PREPARED_DECLINED)
    s->stats.declined++;
  else
    tl_station_invalidate(s, TL_REASON_DECODER, in->wall);
  return false;
}
