/* core/route/address.c — literal text at both ends of a regex, found with a reader that gives
** up where PCRE2 gets subtle. Knows nothing of stations. A hint that is too short costs time;
** one that is wrong would lose messages. */
#include "route/address.h"

#include "route/router.h"

static bool is_special (uint8_t c) { /* ']' and '}' alone are plain text to PCRE2 */
  return c != '\0' && strchr("\\^$.[|()?*+{", c);
}

static bool is_alnum (uint8_t c) {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

bool tl_address_is_plain (tl_slice address) {
  if (address.len == 1 && address.at[0] == '#') return false;
  for (size_t i = 0; i < address.len; i++)
    if (is_special(address.at[i])) return false;
  return true;
}

/* Only what needs no knowledge of modes and long escapes: groups without options, escaped
** punctuation, no verbs, no alternatives outside of a group, classes without nested brackets. */
static bool is_simple (tl_slice a) {
  size_t depth = 0;
  for (size_t i = 0; i < a.len; i++) {
    uint8_t c = a.at[i], next = i + 1 < a.len ? a.at[i + 1] : 0;
    if (c == '\\') {
      if (i + 1 == a.len || is_alnum(next)) return false;
      i++;
    } else if (c == '(') {
      if (next == '*') return false;
      if (next == '?' && (i + 2 >= a.len || (a.at[i + 2] != '<' && a.at[i + 2] != ':')))
        return false;
      depth++;
    } else if (c == ')') {
      if (depth-- == 0) return false;
    } else if (c == '|' && depth == 0) {
      return false;
    } else if (c == '[') {
      i++;
      if (i < a.len && a.at[i] == '^') i++;
      for (size_t first = i; i < a.len && (a.at[i] != ']' || i == first); i++)
        if (a.at[i] == '[' || a.at[i] == '\\') return false;
    }
  }
  return depth == 0;
}

static size_t without_last_character (tl_slice a, size_t from, size_t to) {
  while (to > from && (a.at[to - 1] & 0xC0) == 0x80) to--;
  return to > from ? to - 1 : from;
}

static tl_slice prefix_of (tl_slice a) {
  size_t from = a.len > 0 && a.at[0] == '^' ? 1 : 0, to = from;
  while (to < a.len && !is_special(a.at[to])) to++;
  /* it may be absent */
  if (to < a.len && strchr("?*+{", a.at[to])) to = without_last_character(a, from, to);
  if (to - from > TL_PREFIX_MAX) to = from + TL_PREFIX_MAX;
  return tl_slice_of(a.at + from, to - from);
}

static tl_slice suffix_of (tl_slice a) {
  size_t to = a.len;
  if (to > 1 && a.at[to - 1] == '$' && a.at[to - 2] != '\\') to--;
  size_t from = to;
  while (from > 0 && !is_special(a.at[from - 1]) && a.at[from - 1] != ']' && a.at[from - 1] != '}')
    from--;
  /* behind a '\' it begins with punctuation, which stands for itself */
  return tl_slice_of(a.at + from, to - from);
}

tl_address_hints tl_address_hints_of (tl_slice address) {
  tl_address_hints none = { { address.at, 0 }, { address.at, 0 } };
  if (!is_simple(address)) return none;
  return (tl_address_hints){ prefix_of(address), suffix_of(address) };
}
