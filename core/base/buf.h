/* core/base/buf.h — a growing byte buffer with a sticky failure flag: append freely, check
** once. Knows nothing else. */
#ifndef TL_BASE_BUF_H
#define TL_BASE_BUF_H

#include "base/slice.h"

/* Owned bytes at[0..len). After a failed allocation `failed` is set, later appends do nothing
** and the bytes so far stay. */
typedef struct {
  uint8_t *at;
  size_t len, cap;
  bool failed;
} tl_buf;

void tl_buf_init (tl_buf *b); /* empty, no allocation */
void tl_buf_fini (tl_buf *b); /* frees; the buffer is as after init */
/* len = 0 and failed = false; keeps the memory */
void tl_buf_clear (tl_buf *b);
/* room for `more` bytes behind len: TL_OK or TL_ENOMEM */
int tl_buf_reserve (tl_buf *b, size_t more);
/* n may be 0 with bytes NULL */
static inline void tl_buf_add (tl_buf *b, const void *bytes, size_t n) {
  if (n == 0 || b->failed || (n > b->cap - b->len && tl_buf_reserve(b, n) != TL_OK)) return;
  memcpy(b->at + b->len, bytes, n);
  b->len += n;
}
static inline void tl_buf_byte (tl_buf *b, uint8_t c) { tl_buf_add(b, &c, 1); }
static inline void tl_buf_str (tl_buf *b, const char *text) { tl_buf_add(b, text, strlen(text)); }
static inline void tl_buf_slice (tl_buf *b, tl_slice s) { tl_buf_add(b, s.at, s.len); }
/* printf; not for a double: its decimal point depends on the locale */
void tl_buf_fmt (tl_buf *b, const char *fmt, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;
/* forget the first n bytes (n <= len), moving the rest to the front */
void tl_buf_drop (tl_buf *b, size_t n);
void tl_buf_shrink (tl_buf *b, size_t keep); /* give memory back when cap > keep and len <= keep */

static inline tl_slice tl_buf_bytes (const tl_buf *b) { /* borrowed until the next append */
  return tl_slice_of(b->at, b->len);
}

#endif
