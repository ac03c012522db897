/* core/net/later.c — see later_impl.h. */
#include "net/later_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

enum { FEW = 16 }; /* so many are compared one by one */

static size_t bucket_of (const tl_laters *l, void (*fn)(void *ctx), const void *ctx) {
  uint64_t word = (uint64_t)(uintptr_t)fn * 31 ^ (uint64_t)(uintptr_t)ctx;
  return (size_t)(word * 0x9e3779b97f4a7c15u >> 32) & (l->bucket_count - 1);
}

static tl_later_entry *numbered (const tl_laters *l, uint64_t number) {
  return &l->list[number - l->called - 1];
}

static void link_in (tl_laters *l, size_t i) {
  uint64_t *at = &l->buckets[bucket_of(l, l->list[i].fn, l->list[i].ctx)];
  l->list[i].next = *at;
  *at = l->called + i + 1;
}

/* Who waits no more is not found. */
static void take (tl_laters *l, tl_later_entry *it) {
  if (l->hashed) {
    uint64_t *at = &l->buckets[bucket_of(l, it->fn, it->ctx)];
    while (numbered(l, *at) != it) at = &numbered(l, *at)->next;
    *at = it->next;
  }
  it->fn = NULL;
}

/* The buckets are empty whenever `hashed` is not set. */
static void hash_all (tl_laters *l) {
  l->hashed = l->buckets;
  for (size_t i = 0; l->hashed && i < l->n; i++)
    if (l->list[i].fn) link_in(l, i);
}

static int grow (tl_laters *l) {
  size_t cap = l->cap > 0 ? l->cap * 2 : FEW;
  tl_later_entry *list = realloc(l->list, cap * sizeof *list);
  if (!list) return TL_ENOMEM;
  l->list = list;
  l->cap = cap;
  if (cap <= FEW) return TL_OK;
  free(l->buckets);
  l->buckets = calloc(cap, sizeof *l->buckets);
  l->bucket_count = cap;
  hash_all(l);
  return TL_OK;
}

int tl_laters_reserve (tl_laters *l) { return grow(l); }

static tl_later_entry *find (const tl_laters *l, void (*fn)(void *ctx), const void *ctx) {
  if (l->hashed) {
    uint64_t number = l->buckets[bucket_of(l, fn, ctx)];
    while (number != 0) {
      tl_later_entry *it = numbered(l, number);
      if (it->fn == fn && it->ctx == ctx) return it;
      number = it->next;
    }
    return NULL;
  }
  for (size_t i = l->n; i > 0; i--) /* who asks again is mostly who asked last */
    if (l->list[i - 1].fn == fn && l->list[i - 1].ctx == ctx) return &l->list[i - 1];
  return NULL;
}

int tl_laters_ask (tl_laters *l, void (*fn)(void *ctx), void *ctx) {
  if (find(l, fn, ctx)) return TL_OK;
  if (l->n == l->cap && grow(l) != TL_OK) return TL_ENOMEM;
  if (!l->hashed && l->n >= FEW) hash_all(l);
  l->list[l->n++] = (tl_later_entry){ fn, ctx, 0 };
  if (l->hashed) link_in(l, l->n - 1);
  return TL_OK;
}

void tl_laters_forget (tl_laters *l, void (*fn)(void *ctx), void *ctx) {
  tl_later_entry *it = find(l, fn, ctx);
  if (it) take(l, it);
}

void tl_laters_call (tl_laters *l) {
  size_t end = l->n;
  for (size_t i = 0; i < end; i++) {
    tl_later_entry it = l->list[i];
    if (!it.fn) continue;
    take(l, &l->list[i]);
    it.fn(it.ctx);
  }
  l->n -= end;
  l->called += end;
  if (l->n > 0)
    memmove(l->list, l->list + end, l->n * sizeof *l->list);
  else
    l->hashed = false;
}

void tl_laters_fini (tl_laters *l) {
  free(l->list);
  free(l->buckets);
  *l = (tl_laters){ .list = NULL };
}
