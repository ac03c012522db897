/* core/nats/subject.c — see subject.h. */
#include "nats/subject.h"

#include <inttypes.h>
#include <stdio.h>

/* Names are of letters, digits, '_' and '-'; a device's name may hold %XX already. */
static bool is_plain (uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '%';
}

static void add_token (tl_buf *out, tl_slice text) {
  for (size_t i = 0; i < text.len; i++) {
    if (is_plain(text.at[i]))
      tl_buf_byte(out, text.at[i]);
    else
      tl_buf_fmt(out, "%%%02X", text.at[i]);
  }
}

static size_t find (tl_slice s, size_t from, uint8_t c) {
  while (from < s.len && s.at[from] != c) from++;
  return from;
}

/* Line, station and tag of a full name. */
static tl_slice part_of (tl_slice name, tl_slice word) {
  size_t first = find(name, 0, '.'), last = name.len;
  while (last > 0 && name.at[last - 1] != '.') last--;
  if (tl_slice_eq(word, TL_LIT("line"))) return tl_slice_of(name.at, first);
  if (last <= first) return tl_slice_of(name.at, name.len);
  if (tl_slice_eq(word, TL_LIT("tag"))) return tl_slice_of(name.at + last, name.len - last);
  if (last - 1 <= first) return tl_slice_of(name.at, 0);
  return tl_slice_of(name.at + first + 1, last - 1 - first - 1);
}

void tl_nats_subject (tl_buf *out, tl_slice template, tl_slice name) {
  for (size_t at = 0; at < template.len;) {
    size_t end = template.at[at] == '{' ? find(template, at, '}') : template.len;
    if (end < template.len) {
      add_token(out, part_of(name, tl_slice_of(template.at + at + 1, end - at - 1)));
      at = end + 1;
    } else {
      tl_buf_byte(out, template.at[at++]);
    }
  }
}

void tl_nats_wildcard (tl_buf *out, tl_slice template) {
  for (size_t at = 0; at < template.len;) {
    size_t end = find(template, at, '.');
    tl_slice token = tl_slice_of(template.at + at, end - at);
    if (at > 0) tl_buf_byte(out, '.');
    if (find(token, 0, '{') < token.len)
      tl_buf_byte(out, '*');
    else
      tl_buf_slice(out, token);
    at = end + 1;
  }
}

bool tl_nats_covers (tl_slice wide, tl_slice narrow) {
  size_t w = 0, n = 0;
  while (w < wide.len && n < narrow.len) {
    size_t w_end = find(wide, w, '.'), n_end = find(narrow, n, '.');
    tl_slice a = tl_slice_of(wide.at + w, w_end - w), b = tl_slice_of(narrow.at + n, n_end - n);
    if (tl_slice_eq(a, TL_LIT(">"))) return true;
    if (tl_slice_eq(b, TL_LIT(">"))) return false;
    if (!tl_slice_eq(a, TL_LIT("*")) && !tl_slice_eq(a, b)) return false;
    w = w_end + 1;
    n = n_end + 1;
  }
  return w >= wide.len && n >= narrow.len;
}

/* Two FNV-1a hashes with different initial values, 128 bits together, so that two texts practically
** never get the same identifier. */
static uint64_t sum_of (tl_slice text, uint64_t sum) {
  for (size_t i = 0; i < text.len; i++) sum = (sum ^ text.at[i]) * UINT64_C(0x100000001b3);
  return sum;
}

void tl_nats_id (char out[TL_NATS_ID], tl_slice payload, uint16_t n) {
  uint64_t a = sum_of(payload, UINT64_C(0xcbf29ce484222325));
  uint64_t b = sum_of(payload, UINT64_C(0x9ae16a3b2f90404f));
  snprintf(out, TL_NATS_ID, "%016" PRIx64 "%016" PRIx64 ".%u", a, b, n);
}

void tl_nats_place (char out[TL_NATS_ID], uint64_t spool, uint64_t number) {
  snprintf(out, TL_NATS_ID, "%016" PRIx64 ":%" PRIu64, spool, number);
}

bool tl_nats_place_read (const char *place, uint64_t spool, uint64_t *number) {
  uint64_t of, n;
  int end = 0;
  if (sscanf(place, "%16" SCNx64 ":%" SCNu64 "%n", &of, &n, &end) != 2) return false;
  if (place[end] != '\0' || of != spool) return false;
  *number = n;
  return true;
}
