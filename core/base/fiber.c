/* core/base/fiber.c — see fiber.h. POSIX's contexts, and a word to AddressSanitizer at each change
** of stacks: it would take the other stack for an overflow. */
#include "base/fiber.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/err.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TL_WITH_ASAN
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define TL_WITH_ASAN
#endif
#ifdef TL_WITH_ASAN
#include <dlfcn.h>
#include <sanitizer/common_interface_defs.h>
#endif

/* As much as a thread has by default. Only the pages that are used exist. */
enum { STACK = 8 << 20 };

struct tl_fiber {
  ucontext_t inside, outside;
  void (*body)(void *ctx);
  void *ctx;
  uint8_t *map; /* the guard page, and the stack above it */
  size_t map_len;
  bool ended;
#ifdef TL_WITH_ASAN
  void *fake_inside, *fake_outside;
  const void *outer;
  size_t outer_len;
#endif
};

static size_t guard_len (void) { return (size_t)sysconf(_SC_PAGESIZE); }

/* --- AddressSanitizer --- */

/* AddressSanitizer's swapcontext() prints a warning that it may give false reports. So libc's own
** function is called here, and AddressSanitizer is informed of the change of stacks. */
static void change (ucontext_t *from, ucontext_t *to) {
#ifdef TL_WITH_ASAN
  static int (*swap)(ucontext_t *, const ucontext_t *);
  if (!swap) {
    void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    void *at = libc ? dlsym(libc, "swapcontext") : NULL;
    memcpy(&swap, &at, sizeof swap);
  }
  if (swap) {
    swap(from, to);
    return;
  }
#endif
  swapcontext(from, to);
}

static void leave_outside (tl_fiber *f) {
#ifdef TL_WITH_ASAN
  __sanitizer_start_switch_fiber(&f->fake_outside, f->map + guard_len(), f->map_len - guard_len());
#else
  (void)f;
#endif
}

static void arrive_inside (tl_fiber *f) {
#ifdef TL_WITH_ASAN
  __sanitizer_finish_switch_fiber(f->fake_inside, &f->outer, &f->outer_len);
#else
  (void)f;
#endif
}

static void leave_inside (tl_fiber *f) {
#ifdef TL_WITH_ASAN
  __sanitizer_start_switch_fiber(f->ended ? NULL : &f->fake_inside, f->outer, f->outer_len);
#else
  (void)f;
#endif
}

static void arrive_outside (tl_fiber *f) {
#ifdef TL_WITH_ASAN
  __sanitizer_finish_switch_fiber(f->fake_outside, NULL, NULL);
#else
  (void)f;
#endif
}

/* --- */

/* makecontext() passes arguments of type int only, so a pointer is passed as two halves. */
static void enter (unsigned high, unsigned low) {
  tl_fiber *f = (tl_fiber *)((uintptr_t)high << 16 << 16 | (uintptr_t)low);
  arrive_inside(f);
  f->body(f->ctx);
  f->ended = true;
  leave_inside(f);
  change(&f->inside, &f->outside);
}

int tl_fiber_new (tl_fiber **out, void (*body)(void *ctx), void *ctx) {
  tl_fiber *f = calloc(1, sizeof *f);
  if (!f) return TL_ENOMEM;
  f->body = body;
  f->ctx = ctx;
  f->map_len = STACK + guard_len();
  void *map = mmap(NULL, f->map_len, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (map == MAP_FAILED) {
    free(f);
    return TL_ENOMEM;
  }
  f->map = map;
  if (mprotect(map, guard_len(), PROT_NONE) != 0 || getcontext(&f->inside) != 0) {
    tl_fiber_free(f);
    return TL_ENOMEM;
  }
  f->inside.uc_stack.ss_sp = f->map + guard_len();
  f->inside.uc_stack.ss_size = f->map_len - guard_len();
  f->inside.uc_link = NULL; /* `enter` never returns */
  uintptr_t at = (uintptr_t)f;
  makecontext(&f->inside, (void (*)(void))enter, 2, (unsigned)(at >> 16 >> 16), (unsigned)at);
  *out = f;
  return TL_OK;
}

bool tl_fiber_go (tl_fiber *f) {
  assert(!f->ended);
  leave_outside(f);
  change(&f->outside, &f->inside);
  arrive_outside(f);
  return !f->ended;
}

void tl_fiber_pause (tl_fiber *f) {
  leave_inside(f);
  change(&f->inside, &f->outside);
  arrive_inside(f);
}

void tl_fiber_free (tl_fiber *f) {
  if (!f) return;
  munmap(f->map, f->map_len);
  free(f);
}
