/* spec/support/spec.h — what C specs share: cmocka, repeatable random numbers, bytes that end
** where their memory ends. */
#ifndef SPEC_SUPPORT_SPEC_H
#define SPEC_SUPPORT_SPEC_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/slice.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* xorshift64*: the same numbers in every run. *state: anything but 0. */
static inline uint64_t random_next (uint64_t *state) {
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * 0x2545F4914F6CDD1Du;
}

/* Owned. ASan sees each byte that is read too far. */
static inline uint8_t *exact_copy (const void *bytes, size_t len) {
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
