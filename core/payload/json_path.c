/* core/payload/json_path.c — the syntax of JSON addresses. Must not know documents nor the
** compiled tree. */
#include "payload/json_scan.h"
#include "payload/json_set.h"
#include "payload/json_text.h"

typedef struct {
  tl_slice path;
  size_t at;
  uint8_t *keys; /* NULL: check only */
  uint32_t *used;
  tl_err *err;
} reader;

static int peek (const reader *r) { /* -1 at the end */
  return r->at < r->path.len ? r->path.at[r->at] : -1;
}

static int fail (const reader *r, const char *expected) {
  int c = peek(r);
  if (c < 0)
    return tl_fail(r->err, TL_ESYNTAX, r->at, "expected %s, got the end of the address", expected);
  if (c < 0x20 || c > 0x7e)
    return tl_fail(r->err, TL_ESYNTAX, r->at, "expected %s, got byte 0x%02x", expected,
                   (unsigned)c);
  return tl_fail(r->err, TL_ESYNTAX, r->at, "expected %s, got '%c'", expected, c);
}

static int plain_key (reader *r, tl_json_step *step) {
  const uint8_t *from = r->path.at + r->at;
  int c;
  while ((c = peek(r)) >= 0 && c != '.' && c != '[' && c != ']') r->at++;
  size_t len = (size_t)(r->path.at + r->at - from);
  if (len == 0) return fail(r, "a level's name");
  if (c == ']') return fail(r, "'.' or '[' (a name with brackets is written [\"a]\"])");
  *step = (tl_json_step){ 0, (uint32_t)len, 0 };
  if (r->keys) {
    step->at = *r->used;
    memcpy(r->keys + step->at, from, len);
    *r->used += (uint32_t)len;
  }
  return TL_OK;
}

static int quoted_key (reader *r, tl_json_step *step) {
  tl_json_scan s = tl_json_scan_of(r->path);
  const uint8_t *p = r->path.at + r->at + 1;
  bool escaped = false;
  tl_json_block block = tl_json_block_at(&s, p);
  const uint8_t *behind = tl_json_string_rest(&s, &block, p, &escaped);
  if (!behind) {
    r->at = (size_t)(s.bad - r->path.at);
    return fail(r, s.expected);
  }
  r->at = (size_t)(behind - r->path.at);
  *step = (tl_json_step){ 0 };
  if (!r->keys) return TL_OK;
  step->at = *r->used;
  while (p < behind - 1) {
    size_t n = 1;
    if (*p == '\\') {
      uint8_t bytes[4];
      p = tl_json_unescape_one(p, behind - 1, bytes, &n);
      memcpy(r->keys + *r->used, bytes, n);
    } else
      r->keys[*r->used] = *p++;
    *r->used += (uint32_t)n;
  }
  step->len = *r->used - step->at;
  return TL_OK;
}

static int array_index (reader *r, tl_json_step *step) {
  size_t from = r->at;
  uint64_t index = 0;
  for (int c; (c = peek(r)) >= '0' && c <= '9' && index <= (uint64_t)1 << 31; r->at++)
    index = index * 10 + (uint64_t)(c - '0');
  if (r->at == from) return fail(r, "an index or a key in quotes");
  if (index == 0) return tl_fail(r->err, TL_ESYNTAX, from, "indexes count from 1");
  if (r->path.at[from] == '0')
    return tl_fail(r->err, TL_ESYNTAX, from, "expected an index without leading zeros");
  if (index > (uint64_t)1 << 31)
    return tl_fail(r->err, TL_ESYNTAX, from, "expected an index of at most 2147483648");
  *step = (tl_json_step){ 0, 0, (uint32_t)index };
  return TL_OK;
}

static int bracket (reader *r, tl_json_step *step) {
  r->at++;
  int rc = peek(r) == '"' ? quoted_key(r, step) : array_index(r, step);
  if (rc != TL_OK) return rc;
  if (peek(r) != ']') return fail(r, "']'");
  r->at++;
  return TL_OK;
}

int tl_json_path_split (tl_slice path, tl_json_step *steps, size_t *n, uint8_t *keys,
                        uint32_t *used, tl_err *err) {
  reader r = { .path = path, .keys = keys, .used = used, .err = err };
  *n = 0;
  if (path.len > TL_JSON_PATH_MAX)
    return tl_fail(err, TL_ESYNTAX, TL_JSON_PATH_MAX, "expected an address of at most 65535 bytes");
  while (r.at < path.len || *n > 0) {
    int c = peek(&r), rc;
    tl_json_step step;
    if (*n > 0 && c < 0) return TL_OK;
    if (c == '[')
      rc = bracket(&r, &step);
    else if (*n == 0)
      rc = plain_key(&r, &step);
    else if (c == '.') {
      r.at++;
      rc = plain_key(&r, &step);
    } else
      rc = fail(&r, "'.' or '['");
    if (rc != TL_OK) return rc;
    if (steps) steps[*n] = step;
    ++*n;
  }
  return TL_OK;
}

int tl_json_path_check (tl_slice path, tl_err *err) {
  size_t n;
  return tl_json_path_split(path, NULL, &n, NULL, NULL, err);
}
