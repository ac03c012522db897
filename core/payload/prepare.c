/* core/payload/prepare.c — small repairs of a payload. Must not know documents nor stations. */
#include "payload/prepare.h"

#include "base/utf8.h"
#include "payload/blanks.h"

static const char *const names[] = { "trim", "latin1", "nan", "function" };

bool tl_prepare_by_name (tl_slice name, tl_prepare_step *step) {
  for (int i = TL_PREPARE_TRIM; i < TL_PREPARE_FUNCTION; i++) {
    if (!tl_slice_eq(name, tl_slice_str(names[i]))) continue;
    *step = (tl_prepare_step)i;
    return true;
  }
  return false;
}

const char *tl_prepare_name (tl_prepare_step step) { return names[step]; }

/* --- trim --- */

static bool is_edge (uint8_t c) { return c == 0 || c == ' ' || (c >= '\t' && c <= '\r'); }

static tl_slice trim (tl_slice s) {
  for (;;) {
    if (s.len >= 3 && memcmp(s.at, "\xef\xbb\xbf", 3) == 0)
      s = tl_slice_of(s.at + 3, s.len - 3);
    else if (s.len > 0 && is_edge(*s.at))
      s = tl_slice_of(s.at + 1, s.len - 1);
    else
      break;
  }
  while (s.len > 0 && is_edge(s.at[s.len - 1])) s.len--;
  return s;
}

/* --- latin1 --- */

static int latin1 (tl_slice s, tl_buf *out, tl_slice *result) {
  if (tl_utf8_valid(s)) {
    *result = s;
    return TL_OK;
  }
  tl_buf_clear(out);
  if (tl_buf_reserve(out, s.len) != TL_OK) return TL_ENOMEM;
  for (size_t i = 0; i < s.len; i++) {
    uint8_t c = s.at[i];
    if (c < 0x80) {
      tl_buf_byte(out, c);
    } else {
      tl_buf_byte(out, (uint8_t)(0xc0 | c >> 6));
      tl_buf_byte(out, (uint8_t)(0x80 | (c & 0x3f)));
    }
  }
  *result = tl_buf_bytes(out);
  return out->failed ? TL_ENOMEM : TL_OK;
}

/* --- nan --- */

static bool is_letter (uint8_t c) { return (uint8_t)((c | 0x20) - 'a') < 26; }

static bool is_word (uint8_t c) { return is_letter(c) || (uint8_t)(c - '0') < 10 || c == '_'; }

static bool same_letters (const uint8_t *at, const char *word, size_t n) {
  for (size_t i = 0; i < n; i++)
    if ((at[i] | 0x20) != word[i]) return false;
  return true;
}

/* The length of a NaN or infinity at s[at..), its sign included; 0: there is none. */
static size_t no_number (tl_slice s, size_t at) {
  static const struct {
    const char *word;
    size_t len;
  } words[] = { { "infinity", 8 }, { "nan", 3 }, { "inf", 3 } };
  size_t sign = s.at[at] == '-' || s.at[at] == '+';
  if (at > 0 && is_word(s.at[at - 1])) return 0;
  size_t from = at + sign, left = s.len - from;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    size_t n = words[i].len;
    if (left < n || !same_letters(s.at + from, words[i].word, n)) continue;
    if (left > n && is_word(s.at[from + n])) continue;
    return sign + n;
  }
  return 0;
}

/* The next byte outside of strings at which a NaN or infinity begins, or the end; *n: its
** length. */
static size_t next_no_number (tl_slice s, size_t at, size_t *n) {
  while (at < s.len) {
    uint8_t c = s.at[at];
    if (c == '"') {
      for (at++; at < s.len && s.at[at] != '"'; at++) at += s.at[at] == '\\';
      at++;
      continue;
    }
    bool may = c == '-' || c == '+' || (c | 0x20) == 'n' || (c | 0x20) == 'i';
    if (may && (*n = no_number(s, at)) > 0) return at;
    at++;
  }
  return s.len;
}

static int nan_as_null (tl_slice s, tl_buf *out, tl_slice *result) {
  size_t n = 0, from = 0, at = next_no_number(s, 0, &n);
  *result = s;
  if (at == s.len) return TL_OK;
  tl_buf_clear(out);
  while (at < s.len) {
    tl_buf_add(out, s.at + from, at - from);
    tl_buf_str(out, "null");
    from = at + n;
    at = next_no_number(s, from, &n);
  }
  tl_buf_add(out, s.at + from, s.len - from);
  *result = tl_buf_bytes(out);
  return out->failed ? TL_ENOMEM : TL_OK;
}

int tl_prepare (tl_prepare_step step, tl_slice payload, tl_buf *scratch, tl_slice *out) {
  switch (step) {
    case TL_PREPARE_LATIN1: return latin1(payload, scratch, out);
    case TL_PREPARE_NAN: return nan_as_null(payload, scratch, out);
    case TL_PREPARE_TRIM: *out = trim(payload); return TL_OK;
    default: *out = payload; return TL_OK;
  }
}

/* --- what would cure --- */

bool tl_prepare_cure (tl_slice payload, size_t at, const char **what, tl_prepare_step *step) {
  if (at >= payload.len) return false;
  tl_slice rest = tl_slice_of(payload.at + at, payload.len - at);
  *step = TL_PREPARE_TRIM;
  if (rest.len >= 3 && memcmp(rest.at, "\xef\xbb\xbf", 3) == 0) {
    *what = "a byte order mark";
    return true;
  }
  if (*rest.at == 0) {
    /* a NUL in the midst is no padding: UTF-16, or no text at all */
    tl_slice text = trim(payload);
    *what = "a NUL byte";
    return text.len > 0 && !memchr(text.at, 0, text.len);
  }
  if (at > 0 && *rest.at >= 0x80 && !tl_utf8_valid(rest)) { /* JSON begins with ASCII */
    *what = "a byte that is not UTF-8";
    *step = TL_PREPARE_LATIN1;
    return true;
  }
  size_t sign = at > 0 && (payload.at[at - 1] == '-' || payload.at[at - 1] == '+');
  if (no_number(payload, at - sign) == 0) return false;
  const uint8_t *letter = rest.at + (*rest.at == '-' || *rest.at == '+');
  *what = (*letter | 0x20) == 'n' ? "NaN" : "an infinity";
  *step = TL_PREPARE_NAN;
  return true;
}
