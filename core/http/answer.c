/* core/http/answer.c — reading the head of an HTTP answer. Must not know what it answers. */
#include "http/answer.h"

#include <strings.h>

#include "base/printable.h"

static const char magic[] = "HTTP/1.";

bool tl_http_same (tl_slice a, const char *b) {
  return a.len == strlen(b) && strncasecmp((const char *)a.at, b, a.len) == 0;
}

static tl_slice trim (tl_slice s) {
  while (s.len > 0 && (s.at[0] == ' ' || s.at[0] == '\t')) s = tl_slice_of(s.at + 1, s.len - 1);
  while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t')) s.len--;
  return s;
}

/* The line at *from without its end; *from moves behind it. False: it does not end. */
static bool next_line (tl_slice text, size_t *from, tl_slice *line) {
  const uint8_t *at = text.at + *from, *end = memchr(at, '\n', text.len - *from);
  if (!end) return false;
  size_t len = (size_t)(end - at);
  *from += len + 1;
  if (len > 0 && at[len - 1] == '\r') len--;
  *line = tl_slice_of(at, len);
  return true;
}

static bool is_digit (uint8_t c) { return c >= '0' && c <= '9'; }

static bool is_token (tl_slice s) { /* RFC 9110 section 5.6.2 */
  static const char others[] = "!#$%&'*+-.^_`|~";
  for (size_t i = 0; i < s.len; i++) {
    uint8_t c = s.at[i], lower = c | 0x20;
    bool is_letter = lower >= 'a' && lower <= 'z';
    if (!is_letter && !is_digit(c) && (c == 0 || !strchr(others, c))) return false;
  }
  return s.len > 0;
}

static bool has_control (tl_slice s) {
  for (size_t i = 0; i < s.len; i++) {
    if ((s.at[i] < 0x20 && s.at[i] != '\t') || s.at[i] == 0x7f) return true;
  }
  return false;
}

/* Does what is there begin like an answer, as far as it goes? */
static bool begins_well (const uint8_t *at, size_t len) {
  size_t n = sizeof magic - 1;
  return memcmp(at, magic, len < n ? len : n) == 0;
}

/* HTTP/1.1 101 Switching Protocols */
static int read_status (tl_slice line, tl_http_answer *out) {
  enum { STATUS = sizeof magic - 1 + 2, REASON = STATUS + 3 };
  const uint8_t *at = line.at;
  if (line.len < REASON || has_control(line)) return TL_EMALFORMED;
  if (!is_digit(at[STATUS - 2]) || at[STATUS - 1] != ' ') return TL_EMALFORMED;
  int status = 0;
  for (size_t i = STATUS; i < REASON; i++) {
    if (!is_digit(at[i])) return TL_EMALFORMED;
    status = status * 10 + (at[i] - '0');
  }
  if (status < 100 || (line.len > REASON && at[REASON] != ' ')) return TL_EMALFORMED;
  out->status = status;
  out->reason = trim(tl_slice_of(at + REASON, line.len - REASON));
  return TL_OK;
}

static int check_header (tl_slice line) {
  const uint8_t *colon = line.len > 0 ? memchr(line.at, ':', line.len) : NULL;
  if (!colon || has_control(line)) return TL_EMALFORMED;
  return is_token(tl_slice_of(line.at, (size_t)(colon - line.at))) ? TL_OK : TL_EMALFORMED;
}

static long refuse (tl_slice text, size_t at, tl_err *err) {
  char shown[48];
  tl_slice rest = tl_slice_of(text.at + at, text.len - at);
  const uint8_t *end = memchr(rest.at, '\n', rest.len);
  if (end) rest.len = (size_t)(end - rest.at);
  if (rest.len > 0 && rest.at[rest.len - 1] == '\r') rest.len--;
  return tl_fail(err, TL_EMALFORMED, at, "expected an HTTP answer, got '%s'",
                 tl_printable(shown, sizeof shown, rest));
}

long tl_http_answer_read (const uint8_t *at, size_t len, tl_http_answer *out, tl_err *err) {
  size_t seen = len < TL_HTTP_HEAD_MAX ? len : TL_HTTP_HEAD_MAX, from = 0, first;
  tl_slice text = tl_slice_of(at, seen), line;
  tl_http_answer found = { 0 };
  if (len > 0 && !begins_well(at, len)) return refuse(text, 0, err);
  if (len > 0 && next_line(text, &from, &line)) {
    if (read_status(line, &found) < 0) return refuse(text, 0, err);
    first = from;
    for (size_t before = from; next_line(text, &from, &line); before = from) {
      if (line.len == 0) {
        found.headers = tl_slice_of(at + first, before - first);
        *out = found;
        return (long)from;
      }
      if (check_header(line) < 0) return refuse(text, before, err);
    }
  }
  if (seen < TL_HTTP_HEAD_MAX) return TL_EPARTIAL;
  return tl_fail(err, TL_ETOOBIG, seen, "the head of the HTTP answer is longer than %d bytes",
                 TL_HTTP_HEAD_MAX);
}

bool tl_http_header (const tl_http_answer *a, const char *name, size_t *from, tl_slice *value) {
  tl_slice line;
  while (*from < a->headers.len && next_line(a->headers, from, &line)) {
    const uint8_t *colon = memchr(line.at, ':', line.len);
    size_t n = (size_t)(colon - line.at);
    if (!tl_http_same(tl_slice_of(line.at, n), name)) continue;
    *value = trim(tl_slice_of(colon + 1, line.len - n - 1));
    return true;
  }
  return false;
}

bool tl_http_has_token (const tl_http_answer *a, const char *name, const char *token) {
  size_t from = 0;
  tl_slice value;
  while (tl_http_header(a, name, &from, &value)) {
    while (value.len > 0) {
      const uint8_t *comma = memchr(value.at, ',', value.len);
      size_t n = comma ? (size_t)(comma - value.at) : value.len;
      if (tl_http_same(trim(tl_slice_of(value.at, n)), token)) return true;
      if (!comma) break;
      value = tl_slice_of(comma + 1, value.len - n - 1);
    }
  }
  return false;
}
