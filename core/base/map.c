/* core/base/map.c — a hash map from bytes to a pointer: open addressing, linear probing, stored
** hashes. Knows nothing else. */
#include "base/map.h"

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { EMPTY = 0, REMOVED = 1, SMALLEST = 8 };

static inline uint64_t read64 (const uint8_t *at) {
  uint64_t v;
  memcpy(&v, at, 8);
  return v;
}

static inline uint64_t read32 (const uint8_t *at) {
  uint32_t v;
  memcpy(&v, at, 4);
  return v;
}

/* Both halves of the 128-bit product, folded: every input bit reaches every output bit. */
static inline uint64_t fold (uint64_t a, uint64_t b) {
#ifdef __SIZEOF_INT128__
  __extension__ typedef unsigned __int128 wide;
  wide p = (wide)a * b;
  return (uint64_t)p ^ (uint64_t)(p >> 64);
#else
  uint64_t ah = a >> 32, al = (uint32_t)a, bh = b >> 32, bl = (uint32_t)b;
  uint64_t low = al * bl, m1 = ah * bl + (low >> 32), m2 = al * bh + (uint32_t)m1;
  return ((m2 << 32) | (uint32_t)low) ^ (ah * bh + (m1 >> 32) + (m2 >> 32));
#endif
}

/* Three secret odd numbers, different in each process. With known ones an attacker could choose
** texts that all have the same hash.
** All three are needed: a known factor could be combined with an input to give 0, and the other
** input would then not count.
** The initial values are the fractional parts of the square roots of 2, 3 and 5. */
static uint64_t k1 = 0x6A09E667F3BCC909u, k2 = 0xBB67AE8584CAA73Bu, k3 = 0x3C6EF372FE94F82Bu;

/* Before main() and before any map is there. */
__attribute__((constructor)) static void take_secret (void) {
  uint64_t secret[3];
  if (getrandom(secret, sizeof secret, GRND_NONBLOCK) != (ssize_t)sizeof secret) {
    /* the system has no random numbers yet, shortly after its start: addresses and times are better
    ** than known numbers */
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    secret[0] = fold((uint64_t)now.tv_nsec ^ k1, (uint64_t)now.tv_sec ^ k2);
    secret[1] = fold(secret[0] ^ k2, (uint64_t)(uintptr_t)&now ^ k3);
    secret[2] = fold(secret[1] ^ k3, (uint64_t)getpid() ^ k1);
  }
  k1 ^= secret[0] & ~(uint64_t)1;
  k2 ^= secret[1] & ~(uint64_t)1;
  k3 ^= secret[2] & ~(uint64_t)1;
}

uint32_t tl_hash (const void *bytes, size_t n) {
  const uint8_t *at = bytes;
  uint64_t h = k1 ^ n, a, b;
  if (n > 16) {
    size_t left = n;
    for (; left > 16; left -= 16, at += 16) h = fold(read64(at) ^ k2, read64(at + 8) ^ h);
    a = read64(at + left - 16); /* the last 16 bytes, overlapping what was read */
    b = read64(at + left - 8);
  } else if (n >= 8) {
    a = read64(at);
    b = read64(at + n - 8);
  } else if (n >= 4) {
    a = read32(at);
    b = read32(at + n - 4);
  } else {
    a = n == 0 ? 0 : (uint64_t)at[0] << 16 | (uint64_t)at[n / 2] << 8 | at[n - 1];
    b = 0;
  }
  h = fold(a ^ k2, b ^ h);
  h = fold(h ^ k3, k1);
  uint32_t hash = (uint32_t)(h >> 32) ^ (uint32_t)h;
  return hash > REMOVED ? hash : hash + 2;
}

void tl_map_init (tl_map *m) { memset(m, 0, sizeof *m); }

void tl_map_fini (tl_map *m) {
  free(m->slots);
  tl_map_init(m);
}

static tl_map_slot *find_slot (const tl_map *m, tl_slice key, uint32_t hash) {
  if (m->live == 0) return NULL;
  uint32_t mask = m->cap - 1;
  for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
    tl_map_slot *s = &m->slots[i];
    if (s->hash == hash && s->len == key.len &&
        (key.len == 0 || memcmp(s->key, key.at, key.len) == 0))
      return s;
    if (s->hash == EMPTY) return NULL;
  }
}

void *tl_map_get_hashed (const tl_map *m, tl_slice key, uint32_t hash) {
  tl_map_slot *s = find_slot(m, key, hash);
  return !s ? NULL : s->value;
}

void *tl_map_get (const tl_map *m, tl_slice key) {
  return m->live == 0 ? NULL : tl_map_get_hashed(m, key, tl_hash(key.at, key.len));
}

static void place (tl_map_slot *slots, uint32_t cap, tl_map_slot slot) {
  uint32_t i = slot.hash & (cap - 1);
  while (slots[i].hash != EMPTY) i = (i + 1) & (cap - 1);
  slots[i] = slot;
}

/* Make room for one more: twice the size when the map is full, the same size when it is full of
** removed slots. */
static int grow (tl_map *m) {
  if (m->cap > 0 && m->used + 1 <= m->cap - m->cap / 4) return TL_OK;
  uint32_t cap = m->cap == 0 ? SMALLEST : m->cap;
  if (m->live + 1 > cap / 2) {
    if (m->cap > UINT32_MAX / 2) return TL_ENOMEM;
    if (m->cap > 0) cap *= 2;
  }
  tl_map_slot *slots = calloc(cap, sizeof *slots);
  if (!slots) return TL_ENOMEM;
  for (uint32_t i = 0; i < m->cap; i++)
    if (m->slots[i].hash > REMOVED) place(slots, cap, m->slots[i]);
  free(m->slots);
  m->slots = slots;
  m->cap = cap;
  m->used = m->live;
  return TL_OK;
}

int tl_map_put (tl_map *m, tl_slice key, void *value) {
  if (key.len > UINT32_MAX) return TL_ENOMEM;
  tl_map_slot slot = {
    .key = key.at, .len = (uint32_t)key.len, .hash = tl_hash(key.at, key.len), .value = value
  };
  tl_map_slot *old = find_slot(m, key, slot.hash);
  if (old) {
    *old = slot;
    return TL_OK;
  }
  int rc = grow(m);
  if (rc != TL_OK) return rc;
  place(m->slots, m->cap, slot);
  m->used++;
  m->live++;
  return TL_OK;
}

void *tl_map_del (tl_map *m, tl_slice key) {
  tl_map_slot *s = m->live == 0 ? NULL : find_slot(m, key, tl_hash(key.at, key.len));
  if (!s) return NULL;
  void *value = s->value;
  uint32_t mask = m->cap - 1, i = (uint32_t)(s - m->slots);
  *s = (tl_map_slot){ .hash = REMOVED };
  m->live--;
  /* Removed slots just before an empty one serve no probe any more. */
  if (m->slots[(i + 1) & mask].hash == EMPTY) {
    for (; m->slots[i].hash == REMOVED; i = (i - 1) & mask) {
      m->slots[i].hash = EMPTY;
      m->used--;
    }
  }
  return value;
}

bool tl_map_next (const tl_map *m, uint32_t *at, tl_slice *key, void **value) {
  while (*at < m->cap) {
    const tl_map_slot *s = &m->slots[(*at)++];
    if (s->hash <= REMOVED) continue;
    *key = tl_slice_of(s->key, s->len);
    *value = s->value;
    return true;
  }
  return false;
}
