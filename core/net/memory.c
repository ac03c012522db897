/* core/net/memory.c — the memory of libuv. */
#include "net/memory.h"

#include <malloc.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "net/uv.h"

enum { RESERVE = 64 * 1024 }; /* a table for 8,000 descriptors */

/* libuv's threads may ask, too. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static alignas(max_align_t) char reserve[RESERVE];
static bool lent;

static void give_back (void) {
  pthread_mutex_lock(&lock);
  lent = false;
  pthread_mutex_unlock(&lock);
}

static bool borrow (size_t n) {
  pthread_mutex_lock(&lock);
  bool free_now = !lent && n <= RESERVE;
  if (free_now) lent = true;
  pthread_mutex_unlock(&lock);
  return free_now;
}

static void release (void *at) {
  if (at == reserve)
    give_back();
  else
    free(at);
}

/* What libuv grows is what it cannot do without. */
static void *grow (void *at, size_t n) {
  if (at == reserve) {
    void *to = malloc(n);
    if (to) {
      memcpy(to, reserve, n < RESERVE ? n : RESERVE);
      give_back();
    } else if (n <= RESERVE) {
      to = reserve;
    }
    if (to) return to;
  } else {
    void *to = realloc(at, n);
    if (to || n == 0) return to;
    if (borrow(n)) {
      size_t had = at ? malloc_usable_size(at) : 0;
      if (had > 0) memcpy(reserve, at, had < n ? had : n);
      free(at);
      return reserve;
    }
  }
  tl_log(TL_LOG_ERROR, NULL, "out of memory for one more descriptor: ending, to be started again");
  _exit(1);
}

void tl_net_memory_begin (void) { uv_replace_allocator(malloc, grow, calloc, release); }
