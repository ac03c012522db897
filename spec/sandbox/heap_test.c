/* spec/sandbox/heap_test.c — the memory of the Lua state: places do not overlap, keep what was
** written, and go back as whole chunks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sandbox/heap.h"

enum { MANY = 20000 };

typedef struct {
  uint8_t *at;
  size_t n;
  uint8_t mark;
} object;

static uint32_t seed = 1;
static uint32_t next (uint32_t below) {
  seed = seed * 1664525u + 1013904223u;
  return (seed >> 8) % below;
}

static void fill (object *o, size_t n) {
  o->n = n;
  o->mark = (uint8_t)next(256);
  memset(o->at, o->mark, n);
}

static void check (const object *o, size_t n) {
  for (size_t i = 0; i < n; i++) assert_int_equal(o->at[i], o->mark);
}

static void objects_keep_their_bytes_whatever_comes_and_goes (void **state) {
  static object all[MANY];
  tl_heap h = { 0 };
  (void)state;
  for (int round = 0; round < 10 * MANY; round++) {
    object *o = &all[next(MANY)];
    size_t n = next(10) ? 1 + next(600) : 1 + next(9000);
    if (o->at == NULL) {
      o->at = tl_heap_realloc(&h, NULL, 0, n);
    } else if (next(3) == 0) {
      check(o, o->n);
      assert_null(tl_heap_realloc(&h, o->at, o->n, 0));
      o->at = NULL;
      continue;
    } else {
      size_t common = n < o->n ? n : o->n;
      o->at = tl_heap_realloc(&h, o->at, o->n, n);
      assert_non_null(o->at);
      check(o, common);
    }
    assert_non_null(o->at);
    assert_int_equal((uintptr_t)o->at % TL_HEAP_STEP, 0);
    fill(o, n);
  }
  for (int i = 0; i < MANY; i++) {
    if (all[i].at == NULL) continue;
    check(&all[i], all[i].n);
    tl_heap_realloc(&h, all[i].at, all[i].n, 0);
    all[i].at = NULL;
  }
  assert_true(h.chunks <= TL_HEAP_CLASSES);
  tl_heap_fini(&h);
  assert_int_equal(h.chunks, 0);
}

static void what_is_freed_is_used_again (void **state) {
  static void *at[MANY];
  tl_heap h = { 0 };
  (void)state;
  for (int i = 0; i < MANY; i++) assert_non_null(at[i] = tl_heap_realloc(&h, NULL, 0, 40));
  size_t most = h.chunks;
  for (int round = 0; round < 5; round++) {
    for (int i = 0; i < MANY; i += 2) tl_heap_realloc(&h, at[i], 40, 0);
    for (int i = 0; i < MANY; i += 2) assert_non_null(at[i] = tl_heap_realloc(&h, NULL, 0, 33));
  }
  assert_int_equal(h.chunks, most);
  for (int i = 0; i < MANY; i++) tl_heap_realloc(&h, at[i], i % 2 ? 40 : 33, 0);
  tl_heap_fini(&h);
  assert_int_equal(h.chunks, 0);
}

static void freeing_nothing_is_harmless (void **state) {
  tl_heap h = { 0 };
  (void)state;
  assert_null(tl_heap_realloc(&h, NULL, 0, 0));
  assert_null(tl_heap_realloc(&h, NULL, 5, 0));
  tl_heap_fini(&h);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(objects_keep_their_bytes_whatever_comes_and_goes),
    cmocka_unit_test(what_is_freed_is_used_again),
    cmocka_unit_test(freeing_nothing_is_harmless),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
