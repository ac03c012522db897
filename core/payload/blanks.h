/* core/payload/blanks.h — the blanks around a text that is converted. Inside of this room only. */
#ifndef TL_PAYLOAD_BLANKS_H
#define TL_PAYLOAD_BLANKS_H

#include "base/buf.h"

static inline bool tl_is_blank (uint8_t c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static inline tl_slice tl_trim_blanks (tl_slice s) {
  while (s.len > 0 && tl_is_blank(*s.at)) s = tl_slice_of(s.at + 1, s.len - 1);
  while (s.len > 0 && tl_is_blank(s.at[s.len - 1])) s.len--;
  return s;
}

#endif
