/* core/base/slice.h — borrowed bytes. Knows nothing else. */
#ifndef TL_BASE_SLICE_H
#define TL_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

/* Borrowed bytes: not NUL-terminated, never freed through the slice. Who must keep them copies
** them. */
typedef struct {
  const uint8_t *at;
  size_t len;
} tl_slice;

static inline tl_slice tl_slice_of (const void *at, size_t len) {
  tl_slice s = { (const uint8_t *)at, len };
  return s;
}
static inline tl_slice tl_slice_str (const char *text) { /* a NUL-terminated string */
  return tl_slice_of(text, strlen(text));
}
static inline bool tl_slice_eq (tl_slice a, tl_slice b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}
#define TL_LIT(text) tl_slice_of("" text, sizeof(text) - 1)

static inline int tl_slice_width (tl_slice s) {
  return s.len > 0x7fffffff ? 0x7fffffff : (int)s.len;
}
/* For printf: "%.*s", TL_ARG(slice). Cut at 2^31 - 1 bytes. */
#define TL_ARG(s) tl_slice_width(s), (const char *)(s).at

#endif
