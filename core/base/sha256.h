/* core/base/sha256.h — SHA-256 (FIPS 180-4) of bytes that come piece by piece: to name a version of a file so that a person can check it
** with sha256sum. Knows nothing else; not made for secrets. */
#ifndef TL_BASE_SHA256_H
#define TL_BASE_SHA256_H

#include "base/slice.h"

typedef struct {
  uint32_t state[8];
  uint64_t len;      /* bytes so far */
  uint8_t block[64]; /* len % 64 of them are filled */
} tl_sha256;

void tl_sha256_init (tl_sha256 *h);
void tl_sha256_add (tl_sha256 *h, const void *bytes, size_t n);
/* The digest as 64 small hexadecimal digits and a NUL. Once: the state is spent. */
void tl_sha256_hex (tl_sha256 *h, char out[65]);

#endif
