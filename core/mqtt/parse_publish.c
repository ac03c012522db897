/* core/mqtt/parse_publish.c — PUBLISH (3.3), with a topic check that costs a few instructions
** for plain ASCII. Knows no session. */
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/topic.h"
#include "mqtt/parse.h"

/* Is the topic plain: 1..65535 bytes of ASCII without NUL, '+' and '#'? That is nearly every
** topic; the others go to tl_topic_check, which also knows UTF-8 and says what is wrong. */
#ifdef __SSE2__
static inline int odd_bytes (__m128i v) {
  __m128i wild =
      _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('+')), _mm_cmpeq_epi8(v, _mm_set1_epi8('#')));
  __m128i bad = _mm_or_si128(wild, _mm_cmpeq_epi8(v, _mm_setzero_si128()));
  return _mm_movemask_epi8(_mm_or_si128(bad, v)); /* the sign bits are the bytes beyond ASCII */
}

static inline uint64_t load (const uint8_t *at, size_t n) { /* n: 4 or 8 */
  uint64_t wide = 0;
  uint32_t narrow;
  if (n == 8) {
    memcpy(&wide, at, 8);
    return wide;
  }
  memcpy(&narrow, at, 4);
  return narrow;
}

static bool is_plain (const uint8_t *at, size_t len) {
  if (len >= 16) {
    /* whole blocks, and the last 16 bytes once more: never a byte beyond the topic */
    int odd = odd_bytes(_mm_loadu_si128((const __m128i *)(const void *)(at + len - 16)));
    for (; len > 16; at += 16, len -= 16)
      odd |= odd_bytes(_mm_loadu_si128((const __m128i *)(const void *)at));
    return odd == 0;
  }
  if (len >= 8)
    return odd_bytes(_mm_set_epi64x((long long)load(at, 8), (long long)load(at + len - 8, 8))) == 0;
  if (len >= 4) {
    uint64_t both = load(at, 4) | load(at + len - 4, 4) << 32;
    return odd_bytes(_mm_set_epi64x((long long)both, (long long)both)) == 0;
  }
  for (size_t i = 0; i < len; i++)
    if (at[i] == 0 || at[i] == '+' || at[i] == '#' || at[i] >= 0x80) return false;
  return len > 0;
}
#else
static bool is_plain (const uint8_t *at, size_t len) {
  unsigned odd = 0;
  for (size_t i = 0; i < len; i++)
    odd |= (at[i] >= 0x80) | (at[i] == 0) | (at[i] == '+') | (at[i] == '#');
  return len > 0 && !odd;
}
#endif

/* Out of the hot function, which so needs no stack frame for it. */
static __attribute__((noinline)) int refuse_topic (tl_slice topic, tl_err *err) {
  tl_err why;
  if (tl_topic_check(topic, &why) == TL_OK) return TL_OK;
  const char *rule = "MQTT-3.3.2-2";
  if (topic.len == 0)
    rule = "MQTT-4.7.3-1";
  else if (why.at >= topic.len || topic.at[why.at] >= 0x80)
    rule = "MQTT-1.5.3-1";
  else if (topic.at[why.at] == 0)
    rule = "MQTT-1.5.3-2";
  return tl_fail(err, TL_EMALFORMED, why.at, "PUBLISH with an invalid topic: %s [%s]", why.text,
                 rule);
}

static __attribute__((noinline)) int refuse (tl_err *err, size_t at, const char *why) {
  return tl_fail(err, TL_EMALFORMED, at, "%s", why);
}

int tl_parse_publish (const tl_frame *f, tl_message *m, tl_err *err) {
  const uint8_t *at = f->body.at;
  size_t left = f->body.len, n;
  uint8_t qos = (f->flags & TL_PUBLISH_QOS) >> 1;
  uint16_t id = 0;
  if (qos == 3) return refuse(err, 0, "PUBLISH with QoS 3 [MQTT-3.3.1-4]");
  if (qos == 0 && (f->flags & TL_PUBLISH_DUP))
    return refuse(err, 0, "PUBLISH with QoS 0 and DUP [MQTT-3.3.1-2]");
  if (left < 2) return refuse(err, 1, "PUBLISH that ends before its topic [MQTT-3.3.2-1]");
  n = (size_t)(at[0] << 8 | at[1]);
  at += 2;
  left -= 2;
  if (left < n)
    return refuse(err, 2, "PUBLISH whose topic is longer than the packet [MQTT-3.3.2-1]");
  tl_slice topic = { at, n };
  if (!is_plain(at, n) && refuse_topic(topic, err) != TL_OK) return TL_EMALFORMED;
  at += n;
  left -= n;
  if (qos) {
    if (left < 2)
      return refuse(err, 2 + n, "PUBLISH that ends before its identifier [MQTT-2.3.1-1]");
    id = (uint16_t)(at[0] << 8 | at[1]);
    if (id == 0)
      return refuse(err, 2 + n, "PUBLISH with QoS above 0 and identifier 0 [MQTT-2.3.1-1]");
    at += 2;
    left -= 2;
  }
  m->topic = topic;
  m->payload = (tl_slice){ at, left };
  m->id = id;
  m->qos = qos;
  m->retain = f->flags & TL_PUBLISH_RETAIN;
  m->dup = f->flags & TL_PUBLISH_DUP;
  return TL_OK;
}
