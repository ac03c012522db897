/* core/base/sha256.c — see sha256.h; names and steps are those of FIPS 180-4, section 6.2. */
#include "base/sha256.h"

#include <stdio.h>
#include <string.h>

/* The first 32 bits of the fractions of the cube roots of the first 64 primes (4.2.2). */
static const uint32_t K[64] = {
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
  0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
  0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
  0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
  0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
  0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t turn (uint32_t x, int n) { return x >> n | x << (32 - n); }

static void take_block (tl_sha256 *h) {
  uint32_t w[64], v[8];
  for (int t = 0; t < 16; t++)
    w[t] = (uint32_t)h->block[4 * t] << 24 | (uint32_t)h->block[4 * t + 1] << 16 | (uint32_t)h->block[4 * t + 2] << 8 | h->block[4 * t + 3];
  for (int t = 16; t < 64; t++) {
    uint32_t small0 = turn(w[t - 15], 7) ^ turn(w[t - 15], 18) ^ w[t - 15] >> 3;
    uint32_t small1 = turn(w[t - 2], 17) ^ turn(w[t - 2], 19) ^ w[t - 2] >> 10;
    w[t] = small1 + w[t - 7] + small0 + w[t - 16];
  }
  memcpy(v, h->state, sizeof v);
  for (int t = 0; t < 64; t++) {
    uint32_t big1 = turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25), choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
    uint32_t big0 = turn(v[0], 2) ^ turn(v[0], 13) ^ turn(v[0], 22), majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
    uint32_t one = v[7] + big1 + choice + K[t] + w[t];
    memmove(v + 1, v, 7 * sizeof *v);
    v[4] += one;
    v[0] = one + big0 + majority;
  }
  for (int i = 0; i < 8; i++) h->state[i] += v[i];
}

void tl_sha256_init (tl_sha256 *h) {
  /* Of the square roots of the first 8 primes (5.3.3). */
  static const uint32_t first[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
  memcpy(h->state, first, sizeof first);
  h->len = 0;
}

void tl_sha256_add (tl_sha256 *h, const void *bytes, size_t n) {
  const uint8_t *at = bytes;
  for (size_t i = 0; i < n; i++) {
    h->block[h->len++ % 64] = at[i];
    if (h->len % 64 == 0) take_block(h);
  }
}

void tl_sha256_hex (tl_sha256 *h, char out[65]) {
  uint8_t bits[8];
  uint64_t len = h->len * 8;
  for (int i = 0; i < 8; i++) bits[i] = (uint8_t)(len >> (56 - 8 * i));
  tl_sha256_add(h, "\x80", 1);
  while (h->len % 64 != 56) tl_sha256_add(h, "", 1);
  tl_sha256_add(h, bits, 8);
  for (int i = 0; i < 8; i++) snprintf(out + 8 * i, 9, "%08x", (unsigned)h->state[i]);
}
