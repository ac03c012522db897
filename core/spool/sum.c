/* core/spool/sum.c — see sum.h. Four lanes, each of which takes every fourth word of eight bytes:
** a processor multiplies for all of them at the same time. */
#include "spool/sum.h"

#include <string.h>

#include "base/bytes.h"

enum { LANES = 4, STRIDE = 8 * LANES };

static const uint64_t prime = 0x9e3779b97f4a7c15u;

/* For each word another lane comes of another one: nothing that was taken in gets lost. */
static uint64_t take (uint64_t lane, uint64_t word) {
  lane = (lane ^ word) * prime;
  return lane ^ lane >> 32;
}

uint32_t tl_sum (const uint8_t *at, size_t len) {
  uint64_t lane[LANES] = { 1, 2, 3, 4 }, sum = len;
  size_t left = len;
  for (; left >= STRIDE; left -= STRIDE, at += STRIDE)
    for (int i = 0; i < LANES; i++) lane[i] = take(lane[i], tl_get_le8(at + 8 * i));
  for (int i = 0; left > 0; i++) {
    uint8_t last[8] = { 0 };
    size_t n = left < sizeof last ? left : sizeof last;
    memcpy(last, at, n);
    lane[i] = take(lane[i], tl_get_le8(last));
    left -= n;
    at += n;
  }
  for (int i = 0; i < LANES; i++) sum = take(sum, lane[i]);
  sum = take(sum, 0);
  return (uint32_t)(sum ^ sum >> 32);
}
