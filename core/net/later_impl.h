/* core/net/later_impl.h — private to net/: functions that are to be called once, in the order of
** asking. Knows no loop. */
#ifndef TL_NET_LATER_IMPL_H
#define TL_NET_LATER_IMPL_H

#include "base/slice.h"

typedef struct {
  void (*fn)(void *ctx); /* NULL: taken back, or called */
  void *ctx;
  uint64_t next; /* in its bucket: the number of an earlier one; 0: none */
} tl_later_entry;

/* Zeroed: empty. Whoever asks is looked up among all that wait. A few are compared one by one; more
** are found by buckets, so that 10,000 lines may ask in one wake-up. */
typedef struct {
  tl_later_entry *list; /* in the order of asking */
  size_t n, cap;
  uint64_t called; /* how many were taken off the list so far: list[0] has the number called + 1 */
  uint64_t *buckets;   /* numbers; NULL: no memory for them, one by one will do */
  size_t bucket_count; /* a power of two */
  bool hashed;         /* all that wait are in buckets */
} tl_laters;

/* Room for the first 16, which then cannot fail. TL_ENOMEM. */
int tl_laters_reserve (tl_laters *l);
/* Harmless when it waits already. TL_ENOMEM. */
int tl_laters_ask (tl_laters *l, void (*fn)(void *ctx), void *ctx);
void tl_laters_forget (tl_laters *l, void (*fn)(void *ctx), void *ctx);
/* Call those that wait now. Who asks meanwhile waits for the next time. */
void tl_laters_call (tl_laters *l);
void tl_laters_fini (tl_laters *l);

#endif
