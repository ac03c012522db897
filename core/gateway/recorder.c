/* core/gateway/recorder.c — the ring of the last messages. See recorder.h. */
#include "gateway/recorder.h"

#include <stdlib.h>

#include "gateway/message_json.h"

typedef struct {
  uint64_t number;
  int64_t wall;
  uint32_t size; /* bytes of this header and the data behind it, a multiple of 8 */
  uint32_t payload_len;
  uint16_t topic_len, id;
  uint8_t qos;
  bool retain, dup;
} header;

void tl_recorder_init (tl_recorder *r) { *r = (tl_recorder){ 0 }; }

void tl_recorder_fini (tl_recorder *r) {
  free(r->at);
  tl_recorder_init(r);
}

static void drop_oldest (tl_recorder *r) {
  r->tail += ((const header *)(const void *)(r->at + r->tail))->size;
  r->count--;
  if (r->wrapped && r->tail == r->wrap) {
    r->tail = 0;
    r->wrapped = false;
  }
  if (r->count == 0) r->head = r->tail = 0;
}

static void make_room (tl_recorder *r, size_t need) { /* requires need <= cap */
  for (;;) {
    if (r->wrapped) {
      if (r->tail - r->head >= need) return;
      drop_oldest(r);
    } else if (r->cap - r->head >= need) {
      return;
    } else if (r->tail == 0) { /* no room before the oldest message */
      drop_oldest(r);
    } else {
      r->wrap = r->head;
      r->head = 0;
      r->wrapped = true;
    }
  }
}

static void put (tl_recorder *r, uint64_t number, const tl_incoming *m, size_t need) {
  make_room(r, need);
  header *h = (header *)(void *)(r->at + r->head);
  *h = (header){
    number, m->wall,   (uint32_t)need, (uint32_t)m->payload.len, (uint16_t)m->topic.len, m->id,
    m->qos, m->retain, m->dup
  };
  uint8_t *to = (uint8_t *)(h + 1);
  memcpy(to, m->topic.at, m->topic.len);
  if (m->payload.len > 0) memcpy(to + m->topic.len, m->payload.at, m->payload.len);
  r->head += need;
  r->count++;
}

static size_t room_of (const tl_incoming *m) {
  return (sizeof(header) + m->topic.len + m->payload.len + 7) & ~(size_t)7;
}

static void read_at (const tl_recorder *r, size_t at, tl_recorded *out) {
  const header *h = (const header *)(const void *)(r->at + at);
  const uint8_t *bytes = (const uint8_t *)(h + 1);
  *out = (tl_recorded){ h->number,
                        { .topic = tl_slice_of(bytes, h->topic_len),
                          .payload = tl_slice_of(bytes + h->topic_len, h->payload_len),
                          .id = h->id,
                          .qos = h->qos,
                          .retain = h->retain,
                          .dup = h->dup,
                          .wall = h->wall } };
}

/* The next message, oldest first. Before the first call *at is `tail` and *i is 0. */
static bool next (const tl_recorder *r, size_t *at, uint32_t *i, tl_recorded *out) {
  if (*i == r->count) return false;
  if (r->wrapped && *at == r->wrap) *at = 0;
  read_at(r, *at, out);
  *at += ((const header *)(const void *)(r->at + *at))->size;
  ++*i;
  return true;
}

/* Happens rarely: at the first message, and when the parameter changed. Without memory the old
** ring stays as it is. */
static void resize (tl_recorder *r, size_t bytes) {
  tl_recorder fresh = { .seen = r->seen, .skipped = r->skipped, .cap = bytes & ~(size_t)7 };
  tl_recorded one;
  if (bytes > 0 && !(fresh.at = malloc(fresh.cap > 0 ? fresh.cap : 1))) return;
  size_t at = r->tail;
  for (uint32_t i = 0; bytes > 0 && next(r, &at, &i, &one);) {
    size_t need = room_of(&one.m);
    if (need <= fresh.cap) put(&fresh, one.number, &one.m, need);
  }
  free(r->at);
  *r = fresh;
}

void tl_recorder_add (tl_recorder *r, size_t bytes, const tl_incoming *m) {
  r->seen++;
  if ((bytes & ~(size_t)7) != r->cap || (!r->at && bytes > 0)) resize(r, bytes);
  if (!r->at) {
    r->skipped += bytes > 0;
    return;
  }
  size_t need = room_of(m);
  if (need > r->cap)
    r->skipped++;
  else
    put(r, r->seen, m, need);
}

void tl_recorder_list (const tl_recorder *r, tl_recorded *out) {
  size_t at = r->tail;
  for (uint32_t i = 0; next(r, &at, &i, out);) out++;
}

void tl_recorded_json (const tl_recorded *one, const char *line, tl_buf *out) {
  tl_message_json_begin(out, line, &one->m);
  tl_message_json_end(out, one->m.payload);
}
