/* spec/support/torture.h — memory that fails at each request in turn, once and for ever. A C spec
** that includes this is linked with malloc and its kin passed through here (spec/CMakeLists.txt):
** requests of all rooms under test fail, those of shared libraries do not. Calls of libraries and
** of the system that a spec names with FAILING fail like these. What leaks then is found by the
** build with AddressSanitizer. */
#ifndef SPEC_SUPPORT_TORTURE_H
#define SPEC_SUPPORT_TORTURE_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "support/spec.h"

static _Atomic long memory_left = -1; /* requests until the one that fails; -1: none does */
static _Atomic bool memory_for_ever;  /* those behind it fail, too */
static _Atomic bool memory_failed;    /* one has, since memory_fails() */
static _Atomic bool memory_is_spared; /* for a while no request fails, and none is counted */

void *__real_malloc (size_t n);
void *__real_calloc (size_t n, size_t size);
void *__real_realloc (void *at, size_t n);
void *__wrap_malloc (size_t n);
void *__wrap_calloc (size_t n, size_t size);
void *__wrap_realloc (void *at, size_t n);
char *__wrap_strdup (const char *text);

static inline bool memory_is_refused (void) {
  if (memory_left < 0 || memory_is_spared) return false;
  if (memory_left > 0) {
    memory_left--;
    return false;
  }
  memory_failed = true;
  if (!memory_for_ever) memory_left = -1;
  errno = ENOMEM;
  return true;
}

void *__wrap_malloc (size_t n) { return memory_is_refused() ? NULL : __real_malloc(n); }
void *__wrap_calloc (size_t n, size_t size) {
  return memory_is_refused() ? NULL : __real_calloc(n, size);
}
void *__wrap_realloc (void *at, size_t n) {
  return memory_is_refused() ? NULL : __real_realloc(at, n);
}
char *__wrap_strdup (const char *text) {
  size_t n = strlen(text) + 1;
  char *copy = __wrap_malloc(n);
  return copy ? memcpy(copy, text, n) : NULL;
}

/* A call that fails in turn like a request for memory, with `value` as its result. Each begins a
** line: spec/CMakeLists.txt reads their names there.
**
**   FAILING(listen, int, (errno = ENOBUFS, -1), (int fd, int backlog), (fd, backlog)) */
#define FAILING(name, result, value, parameters, arguments)         \
  result __real_##name parameters;                                  \
  result __wrap_##name parameters;                                  \
  result __wrap_##name parameters {                                 \
    return memory_is_refused() ? (value) : __real_##name arguments; \
  }

/* A call that passes through __wrap_name(), which the spec writes itself. */
#define WRAPPED(name, prototype) prototype

/* From here on the request behind `left` others fails. */
static inline void memory_fails (long left, bool for_ever) {
  memory_failed = false;
  memory_for_ever = for_ever;
  memory_left = left;
}
static inline void memory_heals (void) { memory_left = -1; }

/* From a request that failed to the next one that is tried: where there are thousands, each
** `of`-th part of the way lies between two. With TORTURE_STRIDE in the environment: the next. */
static inline long torture_step (long at, long of) {
  return getenv("TORTURE_STRIDE") ? 1 : 1 + at / of;
}

/* What is done while memory fails; what it does while memory_is_spared only prepares that. It
** says how that ended (TL_OK, or an error), checks with memory_heals() that all is as before or as
** wanted, and gives everything back. */
typedef int attempt (void *ctx);

/* Each request of the attempt fails in turn, until it asks for no more. It must fail with
** TL_ENOMEM whenever one has, unless it may do without (`spare`), and else end well. Gives the
** number of requests. */
static inline long torture_as (attempt *try, void *ctx, bool spare) {
  long n = 0;
  for (int for_ever = 0; for_ever < 2; for_ever++)
    for (n = 0;; n++) {
      memory_fails(n, for_ever);
      int rc = try(ctx);
      memory_heals();
      if (!memory_failed && rc == TL_OK) break;
      if (memory_failed && (rc == TL_ENOMEM || (rc == TL_OK && spare))) continue;
      fail_msg("%d when request %ld %s%s", rc, n, memory_failed ? "fails" : "does not fail",
               for_ever ? " and all behind it" : "");
    }
  return n;
}
static inline void torture (attempt *try, void *ctx) {
  assert_true(torture_as(try, ctx, false) > 0);
}

/* The same as a loop, where more is to be set up before the attempt or said of its end:
**
**   for (torture_round t = { 0 }; torture_next(&t);) {
**     …
**     memory_fails(t.at, t.for_ever);
**     int rc = what_is_tried();
**     memory_heals();
**     … what holds now, with memory_failed and without …
**   } */
typedef struct {
  long at;
  bool for_ever, begun;
} torture_round;

static inline bool torture_next (torture_round *t) {
  if (!t->begun) {
    *t = (torture_round){ .begun = true };
    return true;
  }
  if (memory_failed) {
    t->at++;
    return true;
  }
  assert_true(t->at > 0); /* what asks for nothing proves nothing */
  if (t->for_ever) return false;
  *t = (torture_round){ .for_ever = true, .begun = true };
  return true;
}

#endif
