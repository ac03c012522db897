/* spec/base/base_support.h — what the base specs share: cmocka, repeatable random numbers,
  bytes that end where their memory ends. */
#ifndef TL_SPEC_BASE_SUPPORT_H
#define TL_SPEC_BASE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/slice.h"

static inline uint64_t random_next (uint64_t *state) { /* xorshift64*: the same numbers in every run */
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * 0x2545F4914F6CDD1Du;
}

static inline uint8_t *exact_copy (const void *bytes, size_t len) { /* ASan sees each byte read too far */
  uint8_t *copy = malloc(len > 0 ? len : 1);
  assert_non_null(copy);
  if (len > 0) memcpy(copy, bytes, len);
  return copy;
}

static inline void assert_bytes (tl_slice got, const char *expected) {
  if (got.len != strlen(expected) || (got.len > 0 && memcmp(got.at, expected, got.len) != 0))
    fail_msg("expected \"%s\", got \"%.*s\"", expected, TL_ARG(got));
}

#endif
