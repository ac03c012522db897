/* core/payload/json_path.c — the syntax of JSON addresses. Must not know documents nor the
** compiled tree. */
#include "payload/json_scan.h"
#include "payload/json_set.h"
#include "payload/json_text.h"

typedef struct {
  tl_slice path;
  size_t at;
  tl_json_step *steps; /* NULL: check only */
  size_t n;
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

static tl_json_step keep (reader *r, const uint8_t *from, size_t len) {
  tl_json_step step = { 0, (uint32_t)len, 0, 0 };
  if (!r->keys) return step;
  step.at = *r->used;
  memcpy(r->keys + step.at, from, len);
  *r->used += (uint32_t)len;
  return step;
}

static void emit (reader *r, tl_json_step step) {
  if (r->steps) r->steps[r->n] = step;
  r->n++;
}

/* A run of bytes up to one of `stops`. */
static int plain (reader *r, const char *stops, const char *what, tl_json_step *step) {
  const uint8_t *from = r->path.at + r->at;
  for (int c; (c = peek(r)) >= 0 && (c == 0 || !strchr(stops, c));) r->at++;
  size_t len = (size_t)(r->path.at + r->at - from);
  if (len == 0) return fail(r, what);
  *step = keep(r, from, len);
  return TL_OK;
}

static int quoted (reader *r, tl_json_step *step) {
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

static int plain_key (reader *r) {
  tl_json_step step;
  int rc = plain(r, ".[]", "a level's name", &step);
  if (rc != TL_OK) return rc;
  if (peek(r) == ']') return fail(r, "'.' or '[' (a name with brackets is written [\"a]\"])");
  emit(r, step);
  return TL_OK;
}

static int array_index (reader *r) {
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
  emit(r, (tl_json_step){ 0, 0, (uint32_t)index, 0 });
  return TL_OK;
}

/* Is what begins at r->at a selector, "id=28FF]"? Then an '=' comes before the bracket that
** closes, quoted names left out. */
static bool is_selector (const reader *r) {
  bool in_quotes = false;
  for (size_t i = r->at; i < r->path.len; i++) {
    uint8_t c = r->path.at[i];
    if (in_quotes && c == '\\')
      i++;
    else if (c == '"')
      in_quotes = !in_quotes;
    else if (!in_quotes && (c == '=' || c == ']' || c == '['))
      return c == '=';
  }
  return false;
}

/* "id=28FF", "a.b=5", "\"a.b\"=\"x]\"": the step of the value, then those of the field's
** levels. */
static int selector (reader *r) {
  size_t place = r->n;
  tl_json_step step, value;
  uint32_t fields = 0;
  emit(r, (tl_json_step){ 0 });
  for (;; r->at++) {
    bool in_quotes = peek(r) == '"';
    int rc = in_quotes ? quoted(r, &step) : plain(r, ".[]=\"", "a field's name", &step);
    if (rc != TL_OK) return rc;
    emit(r, step);
    fields++;
    if (peek(r) == '=') break;
    if (peek(r) != '.') return fail(r, "'='");
  }
  r->at++;
  int rc = peek(r) == '"' ? quoted(r, &value) : plain(r, "]", "a value", &value);
  if (rc != TL_OK) return rc;
  if (!r->steps) return TL_OK;
  value.index = TL_JSON_SELECT;
  value.fields = fields;
  r->steps[place] = value;
  return TL_OK;
}

static int bracket (reader *r) {
  int rc;
  r->at++;
  if (is_selector(r)) {
    rc = selector(r);
  } else if (peek(r) == '"') {
    tl_json_step step;
    rc = quoted(r, &step);
    if (rc == TL_OK) emit(r, step);
  } else {
    rc = array_index(r);
  }
  if (rc != TL_OK) return rc;
  if (peek(r) != ']') return fail(r, "']'");
  r->at++;
  return TL_OK;
}

static int all_levels (reader *r) {
  while (r->at < r->path.len || r->n > 0) {
    int c = peek(r), rc;
    if (r->n > 0 && c < 0) return TL_OK;
    if (c == '[') {
      rc = bracket(r);
    } else if (r->n == 0) {
      rc = plain_key(r);
    } else if (c == '.') {
      r->at++;
      rc = plain_key(r);
    } else {
      rc = fail(r, "'.' or '['");
    }
    if (rc != TL_OK) return rc;
  }
  return TL_OK;
}

int tl_json_path_split (tl_slice path, tl_json_step *steps, size_t *n, uint8_t *keys,
                        uint32_t *used, tl_err *err) {
  reader r = { .path = path, .steps = steps, .keys = keys, .used = used, .err = err };
  *n = 0;
  if (path.len > TL_JSON_PATH_MAX)
    return tl_fail(err, TL_ESYNTAX, TL_JSON_PATH_MAX, "expected an address of at most 65535 bytes");
  int rc = all_levels(&r);
  *n = r.n;
  return rc;
}

int tl_json_path_check (tl_slice path, tl_err *err) {
  size_t n;
  return tl_json_path_split(path, NULL, &n, NULL, NULL, err);
}
