/* core/mqtt/inflight.c — see inflight.h. */
#include "mqtt/inflight.h"

#include <assert.h>
#include <stdlib.h>

#include "mqtt/build.h"
#include "mqtt/parse.h"

static tl_outgoing *alloc (size_t size) {
  tl_outgoing *m = malloc(sizeof *m + size);
  if (!m) return NULL;
  memset(m, 0, sizeof *m);
  m->size = m->room = size;
  m->taken_at = m->sent_at = -1;
  return m;
}

tl_outgoing *tl_outgoing_new (tl_slice topic, tl_slice payload, uint8_t qos, bool retain) {
  size_t size = tl_publish_size(topic.len, payload.len, qos);
  assert(size > 0);
  tl_outgoing *m = alloc(size);
  if (!m) return NULL;
  m->qos = qos;
  m->payload_at = size - payload.len;
  tl_build_publish(m->packet, topic, payload, qos, retain, 0, &m->id_at);
  return m;
}

int tl_outgoing_from (tl_outgoing **out, tl_slice packet) {
  tl_frame f;
  tl_message parsed;
  tl_err why;
  uint8_t first = packet.len ? packet.at[0] : 0;
  long n = tl_frame_read(packet.at, packet.len, SIZE_MAX, &f);
  if (n != (long)packet.len || first >> 4 != TL_PUBLISH || !(first & TL_PUBLISH_QOS))
    return TL_EMALFORMED;
  /* The stored identifier may be 0, which parse refuses; the caller's number counts anyway. */
  size_t topic = f.body.len < 2 ? f.body.len : (size_t)(f.body.at[0] << 8 | f.body.at[1]);
  if (f.body.len < 4 || f.body.len - 4 < topic) return TL_EMALFORMED;
  tl_outgoing *m = alloc(packet.len);
  if (!m) return TL_ENOMEM;
  memcpy(m->packet, packet.at, packet.len);
  m->id_at = packet.len - f.body.len + 2 + topic;
  m->qos = (first & TL_PUBLISH_QOS) >> 1;
  tl_outgoing_set_id(m, 1);
  tl_outgoing_set_dup(m, false);
  tl_frame_read(m->packet, m->size, SIZE_MAX, &f);
  if (tl_parse_publish(&f, &parsed, &why) != TL_OK) {
    free(m);
    return TL_EMALFORMED;
  }
  tl_outgoing_set_id(m, 0);
  m->payload_at = m->size - parsed.payload.len;
  *out = m;
  return TL_OK;
}

void tl_outgoing_set_id (tl_outgoing *m, uint16_t id) {
  m->id = id;
  if (m->size == 0) return;
  m->packet[m->id_at] = (uint8_t)(id >> 8);
  m->packet[m->id_at + 1] = (uint8_t)id;
}

void tl_outgoing_set_dup (tl_outgoing *m, bool dup) {
  m->packet[0] = (uint8_t)(dup ? m->packet[0] | TL_PUBLISH_DUP : m->packet[0] & ~TL_PUBLISH_DUP);
}

void tl_outlist_push (tl_outlist *l, tl_outgoing *m) {
  m->next = NULL;
  m->prev = l->tail;
  if (l->tail)
    l->tail->next = m;
  else
    l->head = m;
  l->tail = m;
  l->n++;
  l->bytes += m->room;
}

void tl_outlist_unshift (tl_outlist *l, tl_outgoing *m) {
  m->prev = NULL;
  m->next = l->head;
  if (l->head)
    l->head->prev = m;
  else
    l->tail = m;
  l->head = m;
  l->n++;
  l->bytes += m->room;
}

void tl_outlist_remove (tl_outlist *l, tl_outgoing *m) {
  if (m->prev)
    m->prev->next = m->next;
  else
    l->head = m->next;
  if (m->next)
    m->next->prev = m->prev;
  else
    l->tail = m->prev;
  m->prev = m->next = NULL;
  l->n--;
  l->bytes -= m->room;
}

tl_outlist tl_outlist_take (tl_outlist *l) {
  tl_outlist all = *l;
  memset(l, 0, sizeof *l);
  return all;
}

void tl_released_push (tl_outlist *l, tl_outgoing *m) {
  m->rel_next = NULL;
  m->rel_prev = l->tail;
  if (l->tail)
    l->tail->rel_next = m;
  else
    l->head = m;
  l->tail = m;
  l->n++;
}

void tl_released_remove (tl_outlist *l, tl_outgoing *m) {
  if (m->rel_prev)
    m->rel_prev->rel_next = m->rel_next;
  else
    l->head = m->rel_next;
  if (m->rel_next)
    m->rel_next->rel_prev = m->rel_prev;
  else
    l->tail = m->rel_prev;
  m->rel_prev = m->rel_next = NULL;
  l->n--;
}
