/* core/model/fill.c — {name} placeholders. Must not know where texts or captures come from. */
#include "model/fill.h"

static bool is_word (uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Which name stands in braces at text[at..)? Its index and where the text goes on, or n. */
static size_t place (tl_slice text, size_t at, const tl_slice *names, size_t n, size_t *behind) {
  for (size_t i = 0; i < n; i++) {
    tl_slice name = names[i];
    if (text.len - at < name.len + 2) continue;
    if (text.at[at + 1 + name.len] != '}' ||
        !tl_slice_eq(tl_slice_of(text.at + at + 1, name.len), name))
      continue;
    *behind = at + name.len + 2;
    return i;
  }
  return n;
}

static size_t put_value (uint8_t *to, tl_slice value, tl_fill_how how) {
  static const char hex[] = "0123456789ABCDEF";
  if (how == TL_FILL_PLAIN) {
    if (to && value.len) memcpy(to, value.at, value.len);
    return value.len;
  }
  size_t len = 0;
  for (size_t i = 0; i < value.len; i++) {
    uint8_t c = value.at[i];
    if (how == TL_FILL_NAME && !is_word(c) && c != '-') {
      if (to) to[len] = '%', to[len + 1] = (uint8_t)hex[c >> 4], to[len + 2] = (uint8_t)hex[c & 15];
      len += 3;
      continue;
    }
    if (how == TL_FILL_REGEX && !is_word(c) && c < 0x80) {
      if (to) to[len] = '\\';
      len++;
    }
    if (to) to[len] = c;
    len++;
  }
  return len;
}

size_t tl_fill_into (uint8_t *to, tl_slice text, const tl_slice *names, const tl_slice *values,
                     size_t n, tl_fill_how how) {
  size_t len = 0, behind = 0;
  for (size_t at = 0; at < text.len;) {
    size_t i = text.at[at] == '{' ? place(text, at, names, n, &behind) : n;
    if (i < n) {
      len += put_value(to ? to + len : NULL, values[i], how);
      at = behind;
    } else {
      if (to) to[len] = text.at[at];
      len++, at++;
    }
  }
  return len;
}

bool tl_fill_needed (tl_slice text, const tl_slice *names, size_t n) {
  size_t behind;
  for (size_t at = 0; at < text.len; at++)
    if (text.at[at] == '{' && place(text, at, names, n, &behind) < n) return true;
  return false;
}

int tl_text_fill (tl_buf *out, tl_slice text, const tl_slice *names, const tl_slice *values,
                  size_t n, bool name_escape) {
  tl_fill_how how = name_escape ? TL_FILL_NAME : TL_FILL_PLAIN;
  size_t len = tl_fill_into(NULL, text, names, values, n, how);
  int rc = tl_buf_reserve(out, len);
  if (rc != TL_OK) return rc;
  if (len) tl_fill_into(out->at + out->len, text, names, values, n, how);
  out->len += len;
  return TL_OK;
}
