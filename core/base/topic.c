/* core/base/topic.c — MQTT topic names and filters: the rules of MQTT 3.1.1 sections 1.5.3 and
** 4.7. Knows nothing else. */
#include "base/topic.h"
#include "base/utf8.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { TOPIC_MAX = 65535 };

#ifdef __SSE2__
/* 16 bytes of ASCII without U+0000, '+' and '#'? */
static inline bool plain_block (const uint8_t *at) {
  __m128i v = _mm_loadu_si128((const __m128i *)(const void *)at), zero = _mm_setzero_si128();
  __m128i odd = _mm_or_si128(_mm_cmpeq_epi8(v, zero), _mm_cmpeq_epi8(v, _mm_set1_epi8('+')));
  odd = _mm_or_si128(odd, _mm_cmpeq_epi8(v, _mm_set1_epi8('#')));
  return _mm_movemask_epi8(_mm_or_si128(odd, v)) == 0; /* the mask is made of the top bits */
}
#endif

/* Quick check. True: the topic has only bytes that are always valid, as nearly every topic does.
** False: the slow check must decide. */
static bool plain_ascii (tl_slice s) {
  size_t i = 0;
#ifdef __SSE2__
  if (s.len >= 16) {
    for (; s.len - i > 16; i += 16)
      if (!plain_block(s.at + i)) return false;
    return plain_block(s.at + s.len - 16); /* may overlap what was seen */
  }
#endif
  for (; i < s.len; i++)
    if (s.at[i] == 0 || s.at[i] == '+' || s.at[i] == '#' || s.at[i] >= 0x80) return false;
  return true;
}

/* What names and filters share: [MQTT-4.7.3-1..3], [MQTT-1.5.3-1], [MQTT-1.5.3-2]. */
static int check_text (tl_slice s, const char *what, tl_err *err) {
  if (s.len == 0) return tl_fail(err, TL_EMALFORMED, 0, "a %s has at least one character", what);
  if (s.len > TOPIC_MAX)
    return tl_fail(err, TL_EMALFORMED, TOPIC_MAX, "a %s has at most 65535 bytes, got %zu", what,
                   s.len);
  const uint8_t *zero = memchr(s.at, 0, s.len);
  size_t valid = tl_utf8_prefix(s.at, s.len);
  if (zero && (size_t)(zero - s.at) < valid)
    return tl_fail(err, TL_EMALFORMED, (size_t)(zero - s.at), "a %s must not contain U+0000", what);
  if (valid < s.len)
    return tl_fail(err, TL_EMALFORMED, valid, "a %s is UTF-8, got the byte 0x%02x", what,
                   s.at[valid]);
  return TL_OK;
}

int tl_topic_check (tl_slice name, tl_err *err) {
  if (name.len > 0 && name.len <= TOPIC_MAX && plain_ascii(name)) return TL_OK;
  int rc = check_text(name, "topic name", err);
  if (rc != TL_OK) return rc;
  for (size_t i = 0; i < name.len; i++) /* [MQTT-3.3.2-2] */
    if (name.at[i] == '+' || name.at[i] == '#')
      return tl_fail(err, TL_EMALFORMED, i, "a topic name has no wildcard, got '%c'", name.at[i]);
  return TL_OK;
}

/* Wildcards stand alone in their level, '#' in the last one: [MQTT-4.7.1-2], [MQTT-4.7.1-3].
** `base` is where s starts in the whole filter. */
static int check_wildcards (tl_slice s, size_t base, tl_err *err) {
  for (size_t i = 0; i < s.len; i++) {
    uint8_t c = s.at[i];
    if (c != '+' && c != '#') continue;
    bool first = i == 0 || s.at[i - 1] == '/', last = i + 1 == s.len;
    if (!first)
      return tl_fail(err, TL_EMALFORMED, base + i, "expected '/' before '%c', got '%c'", c,
                     s.at[i - 1]);
    if (c == '#' && !last)
      return tl_fail(err, TL_EMALFORMED, base + i + 1, "expected nothing after '#', got '%c'",
                     s.at[i + 1]);
    if (c == '+' && !last && s.at[i + 1] != '/')
      return tl_fail(err, TL_EMALFORMED, base + i + 1, "expected '/' after '+', got '%c'",
                     s.at[i + 1]);
  }
  return TL_OK;
}

static bool is_shared (tl_slice filter) {
  return filter.len >= 7 && memcmp(filter.at, "$share/", 7) == 0;
}

/* Where the filter proper begins in "$share/group/filter"; 0 when it is not of that form. */
static size_t shared_prefix (tl_slice filter) {
  if (!is_shared(filter)) return 0;
  const uint8_t *slash = memchr(filter.at + 7, '/', filter.len - 7);
  return !slash ? 0 : (size_t)(slash + 1 - filter.at);
}

int tl_filter_check (tl_slice filter, tl_err *err) {
  int rc = check_text(filter, "topic filter", err);
  if (rc != TL_OK) return rc;
  if (!is_shared(filter)) return check_wildcards(filter, 0, err);
  size_t prefix = shared_prefix(filter), group_end = prefix == 0 ? filter.len : prefix - 1;
  if (group_end == 7)
    return tl_fail(err, TL_EMALFORMED, 7, "expected a group name after '$share/'");
  for (size_t i = 7; i < group_end; i++)
    if (filter.at[i] == '+' || filter.at[i] == '#')
      return tl_fail(err, TL_EMALFORMED, i, "a share group has no wildcard, got '%c'",
                     filter.at[i]);
  if (prefix == 0 || prefix == filter.len)
    return tl_fail(err, TL_EMALFORMED, filter.len,
                   "expected '/' and a filter after the share group");
  return check_wildcards(tl_slice_of(filter.at + prefix, filter.len - prefix), prefix, err);
}

bool tl_filter_match (tl_slice filter, tl_slice topic) {
  size_t f = shared_prefix(filter), t = 0;
  if (topic.len == 0 || f == filter.len) return false;
  /* [MQTT-4.7.2-1] */
  if (topic.at[0] == '$' && (filter.at[f] == '+' || filter.at[f] == '#')) return false;
  for (;;) { /* both stand at the start of a level */
    if (f < filter.len && filter.at[f] == '#') return true;
    if (f < filter.len && filter.at[f] == '+') {
      f++;
      while (t < topic.len && topic.at[t] != '/') t++;
    } else {
      while (f < filter.len && filter.at[f] != '/' && t < topic.len && filter.at[f] == topic.at[t])
        f++, t++;
    }
    bool filter_ends = f == filter.len, topic_ends = t == topic.len;
    if (filter_ends || topic_ends) /* "a/#" takes "a" too [MQTT-4.7.1-2] */
      return topic_ends && (filter_ends || (filter.len - f == 2 && filter.at[f] == '/' &&
                                            filter.at[f + 1] == '#'));
    if (filter.at[f] != '/' || topic.at[t] != '/') return false;
    f++, t++;
  }
}
