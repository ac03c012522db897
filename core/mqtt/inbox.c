/* core/mqtt/inbox.c — see inbox.h. */
#include "mqtt/inbox.h"

#include <assert.h>
#include <stdlib.h>

enum { WORDS = 65536 / 64 };

void tl_idset_init (tl_idset *set) {
  set->bits = NULL;
  set->count = 0;
}

void tl_idset_fini (tl_idset *set) {
  free(set->bits);
  tl_idset_init(set);
}

bool tl_idset_has (const tl_idset *set, uint16_t id) {
  return set->bits && set->bits[id / 64] >> (id % 64) & 1;
}

int tl_idset_add (tl_idset *set, uint16_t id) {
  if (!set->bits) set->bits = calloc(WORDS, sizeof *set->bits);
  if (!set->bits) return TL_ENOMEM;
  if (!tl_idset_has(set, id)) set->count++;
  set->bits[id / 64] |= (uint64_t)1 << (id % 64);
  return TL_OK;
}

void tl_idset_del (tl_idset *set, uint16_t id) {
  if (!tl_idset_has(set, id)) return;
  set->bits[id / 64] &= ~((uint64_t)1 << (id % 64));
  set->count--;
}

uint16_t tl_idset_next (const tl_idset *set, uint16_t from) {
  if (set->count == 0) return 0;
  for (uint32_t id = from; id < 65536;) {
    uint64_t rest = set->bits[id / 64] >> (id % 64);
    if (rest & 1) return (uint16_t)id;
    id = rest ? id + 1 : (id / 64 + 1) * 64;
  }
  return 0;
}

void tl_acks_init (tl_acks *a) { memset(a, 0, sizeof *a); }

void tl_acks_fini (tl_acks *a) {
  free(a->ring);
  tl_acks_init(a);
}

int tl_acks_reserve (tl_acks *a) {
  if (a->len < a->cap) return TL_OK;
  size_t cap = a->cap ? a->cap * 2 : 16;
  tl_pending_ack *ring = malloc(cap * sizeof *ring);
  if (!ring) return TL_ENOMEM;
  for (size_t i = 0; i < a->len; i++) ring[i] = a->ring[(a->at + i) & (a->cap - 1)];
  free(a->ring);
  a->ring = ring;
  a->cap = cap;
  a->at = 0;
  return TL_OK;
}

void tl_acks_push (tl_acks *a, tl_pending_ack ack) {
  assert(a->len < a->cap && (a->len || ack.held));
  a->ring[(a->at + a->len++) & (a->cap - 1)] = ack;
  a->held += ack.held;
}

const tl_pending_ack *tl_acks_head (const tl_acks *a) { return a->len ? &a->ring[a->at] : NULL; }

tl_pending_ack tl_acks_pop (tl_acks *a) {
  assert(a->len);
  tl_pending_ack ack = a->ring[a->at];
  a->at = (a->at + 1) & (a->cap - 1);
  a->len--;
  a->held -= ack.held;
  return ack;
}

void tl_acks_disconnect (tl_acks *a) {
  size_t kept = 0;
  for (size_t i = 0; i < a->len; i++) {
    tl_pending_ack ack = a->ring[(a->at + i) & (a->cap - 1)];
    if (!ack.held) continue;
    ack.stale = true;
    a->ring[(a->at + kept++) & (a->cap - 1)] = ack;
  }
  a->len = kept;
}

void tl_acks_orphan (tl_acks *a) {
  for (size_t i = 0; i < a->len; i++) {
    tl_pending_ack *ack = &a->ring[(a->at + i) & (a->cap - 1)];
    if (!ack->stale) continue;
    ack->lost = ack->lost || ack->qos > 0;
    ack->qos = 0;
  }
}
