/* core/base/bytes.h — numbers as bytes of a fixed order, wherever they stand. Each function is one
** load or store of the machine. Pure. */
#ifndef TL_BASE_BYTES_H
#define TL_BASE_BYTES_H

#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
static inline uint64_t tl_le8 (uint64_t number) { return number; }
static inline uint32_t tl_le4 (uint32_t number) { return number; }
static inline uint64_t tl_be8 (uint64_t number) { return __builtin_bswap64(number); }
static inline uint32_t tl_be4 (uint32_t number) { return __builtin_bswap32(number); }
#else
static inline uint64_t tl_le8 (uint64_t number) { return __builtin_bswap64(number); }
static inline uint32_t tl_le4 (uint32_t number) { return __builtin_bswap32(number); }
static inline uint64_t tl_be8 (uint64_t number) { return number; }
static inline uint32_t tl_be4 (uint32_t number) { return number; }
#endif

/* --- little-endian --- */

static inline void tl_put_le8 (uint8_t *at, uint64_t number) {
  number = tl_le8(number);
  memcpy(at, &number, sizeof number);
}
static inline uint64_t tl_get_le8 (const uint8_t *at) {
  uint64_t number;
  memcpy(&number, at, sizeof number);
  return tl_le8(number);
}
static inline uint32_t tl_get_le4 (const uint8_t *at) {
  uint32_t number;
  memcpy(&number, at, sizeof number);
  return tl_le4(number);
}

/* --- big-endian --- */

static inline void tl_put_be8 (uint8_t *at, uint64_t number) {
  number = tl_be8(number);
  memcpy(at, &number, sizeof number);
}
static inline void tl_put_be4 (uint8_t *at, uint32_t number) {
  number = tl_be4(number);
  memcpy(at, &number, sizeof number);
}

#endif
