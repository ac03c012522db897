/* core/base/buf.c — a growing byte buffer with a sticky failure flag. Knows nothing else. */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { SMALLEST = 64 };

void tl_buf_init (tl_buf *b) { memset(b, 0, sizeof *b); }

void tl_buf_fini (tl_buf *b) {
  free(b->at);
  tl_buf_init(b);
}

void tl_buf_clear (tl_buf *b) {
  b->len = 0;
  b->failed = false;
}

int tl_buf_reserve (tl_buf *b, size_t more) {
  if (b->failed) return TL_ENOMEM;
  if (more <= b->cap - b->len) return TL_OK;
  size_t cap = b->cap < SMALLEST ? SMALLEST : b->cap;
  while (cap - b->len < more) {
    if (cap > SIZE_MAX / 2) {
      b->failed = true;
      return TL_ENOMEM;
    }
    cap *= 2;
  }
  uint8_t *at = realloc(b->at, cap);
  if (!at) {
    b->failed = true;
    return TL_ENOMEM;
  }
  b->at = at;
  b->cap = cap;
  return TL_OK;
}

void tl_buf_fmt (tl_buf *b, const char *fmt, ...) {
  va_list args, again;
  va_start(args, fmt);
  va_copy(again, args);
  size_t room = b->failed ? 0 : b->cap - b->len;
  int n = vsnprintf(room > 0 ? (char *)b->at + b->len : NULL, room, fmt, args);
  va_end(args);
  if (n > 0 && !b->failed) {
    if ((size_t)n < room) {
      b->len += (size_t)n;
    } else if (tl_buf_reserve(b, (size_t)n + 1) == TL_OK) {
      /* vsnprintf writes a NUL behind the text */
      vsnprintf((char *)b->at + b->len, (size_t)n + 1, fmt, again);
      b->len += (size_t)n;
    }
  }
  va_end(again);
}

void tl_buf_drop (tl_buf *b, size_t n) {
  assert(n <= b->len);
  if (n == 0) return;
  b->len -= n;
  if (b->len > 0) memmove(b->at, b->at + n, b->len);
}

void tl_buf_shrink (tl_buf *b, size_t keep) {
  if (b->cap <= keep || b->len > keep) return;
  if (keep == 0) {
    free(b->at);
    b->at = NULL;
    b->cap = 0;
    return;
  }
  uint8_t *at = realloc(b->at, keep);
  if (!at) return; /* the larger block is still good */
  b->at = at;
  b->cap = keep;
}
