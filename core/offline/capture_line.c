/* core/offline/capture_line.c — see capture_line.h. */
#include "offline/capture_line.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/bytes.h"
#include "base/utf8.h"
#include "payload/json.h"
#include "payload/timemask.h"

/* The members of a line, in the order of tl_message_json_begin(). */
enum { LINE, TIME, TOPIC, QOS, RETAIN, DUP, ID, PAYLOAD, BASE64, MEMBERS };
static const char *const names[MEMBERS] = { "line", "time", "topic",   "qos",   "retain",
                                            "dup",  "id",   "payload", "base64" };

enum { TIME_LEN = 24, DAY_LEN = 11 }; /* of 2026-11-22T14:00:00.000Z, and of 2026-11-22T in it */

struct tl_capture_reader {
  tl_json_set *set;
  tl_json_value *values;
  tl_buf topic, payload;
  uint8_t day[DAY_LEN]; /* of the last time that was read the usual way */
  int64_t midnight;     /* its beginning, ms since 1970 */
};

int tl_capture_reader_new (tl_capture_reader **out) {
  tl_capture_reader *r = calloc(1, sizeof *r);
  tl_slice paths[MEMBERS];
  if (!r) return TL_ENOMEM;
  tl_buf_init(&r->topic);
  tl_buf_init(&r->payload);
  for (int i = 0; i < MEMBERS; i++) paths[i] = tl_slice_str(names[i]);
  int rc = tl_json_set_new(&r->set, paths, MEMBERS, NULL, NULL);
  if (rc == TL_OK) r->values = calloc(tl_json_set_slots(r->set), sizeof *r->values);
  if (!r->values) {
    tl_capture_reader_free(r);
    return TL_ENOMEM;
  }
  *out = r;
  return TL_OK;
}

void tl_capture_reader_free (tl_capture_reader *r) {
  if (!r) return;
  if (r->set) tl_json_set_free(r->set);
  free(r->values);
  tl_buf_fini(&r->topic);
  tl_buf_fini(&r->payload);
  free(r);
}

static bool read_base64 (tl_capture_reader *r, tl_slice text, tl_slice *out) {
  tl_buf_clear(&r->payload);
  if (tl_buf_reserve(&r->payload, text.len / 4 * 3 + 3) != TL_OK) return false;
  ptrdiff_t n = tl_base64_read(text, r->payload.at);
  *out = tl_slice_of(r->payload.at, n > 0 ? (size_t)n : 0);
  return n >= 0;
}

/* "2026-11-22T14:00:00Z", with or without three digits of a second; nothing else. */
static bool read_moment (tl_slice t, int64_t *ms) {
  return (t.len == 20 || t.len == TIME_LEN) && t.at[4] == '-' && t.at[10] == 'T' &&
         t.at[13] == ':' && t.at[t.len - 1] == 'Z' && (t.len == 20 || t.at[19] == '.') &&
         tl_time_iso_parse(t, ms) == TL_OK;
}

/* --- any object --- */

static bool read_text (const tl_json_value *v, tl_buf *room, tl_slice *out) {
  if (v->type != TL_JSON_STRING) return false;
  *out = v->raw;
  if (!v->escaped) return true;
  tl_buf_clear(room);
  tl_json_unescape(room, v->raw);
  *out = tl_buf_bytes(room);
  return !room->failed;
}

/* A whole number up to `max`; one that is not there is 0. */
static bool read_number (const tl_json_value *v, uint32_t max, uint32_t *out) {
  *out = 0;
  if (v->type == TL_JSON_NONE) return true;
  if (v->type != TL_JSON_NUMBER || !v->integral || v->raw.len > 5) return false;
  for (size_t i = 0; i < v->raw.len; i++) {
    uint8_t c = v->raw.at[i];
    if (c < '0' || c > '9') return false;
    *out = *out * 10 + (c - '0');
  }
  return *out <= max;
}

static bool read_flag (const tl_json_value *v, bool *out) {
  *out = v->type == TL_JSON_TRUE;
  return v->type == TL_JSON_TRUE || v->type == TL_JSON_FALSE || v->type == TL_JSON_NONE;
}

static bool read_time (const tl_json_value *v, int64_t *ms) {
  return v->type == TL_JSON_STRING && !v->escaped && read_moment(v->raw, ms);
}

static bool read_payload (tl_capture_reader *r, const tl_json_value *v, tl_slice *out) {
  if (v[BASE64].type == TL_JSON_NONE) return read_text(&v[PAYLOAD], &r->payload, out);
  if (v[BASE64].type != TL_JSON_STRING || v[BASE64].escaped) return false;
  return read_base64(r, v[BASE64].raw, out);
}

static bool read_name (const tl_json_value *v, tl_slice *out) {
  *out = tl_slice_of(NULL, 0);
  if (v->type == TL_JSON_NONE || v->type == TL_JSON_NULL) return true;
  *out = v->raw;
  return v->type == TL_JSON_STRING && !v->escaped;
}

bool tl_capture_read_any (tl_capture_reader *r, tl_slice text, tl_incoming *m, tl_slice *line) {
  tl_json_error error;
  uint32_t qos, id;
  const tl_json_value *v = r->values;
  *m = (tl_incoming){ .now = 0 };
  if (tl_json_extract(r->set, text, r->values, &error) != TL_OK) return false;
  if (!read_time(&v[TIME], &m->wall) || !read_text(&v[TOPIC], &r->topic, &m->topic) ||
      !read_payload(r, v, &m->payload) || !read_number(&v[QOS], 2, &qos) ||
      !read_number(&v[ID], 65535, &id) || !read_flag(&v[RETAIN], &m->retain) ||
      !read_flag(&v[DUP], &m->dup) || !read_name(&v[LINE], line))
    return false;
  m->qos = (uint8_t)qos;
  m->id = (uint16_t)id;
  return true;
}

/* --- as tagline writes it --- */

typedef struct {
  const uint8_t *at, *end; /* what is left of the line */
} rest;

static inline bool pass (rest *r, const char *text, size_t n) {
  if ((size_t)(r->end - r->at) < n || memcmp(r->at, text, n) != 0) return false;
  r->at += n;
  return true;
}
#define PASS(r, text) pass(r, "" text, sizeof(text) - 1)

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The next 8 bytes, the first as the lowest. Quotes stand for those behind the end. */
static inline uint64_t eight (const rest *r) {
  uint8_t few[8] = { '"', '"', '"', '"', '"', '"', '"', '"' };
  if (r->end - r->at >= 8) return tl_get_le8(r->at);
  memcpy(few, r->at, (size_t)(r->end - r->at));
  return tl_get_le8(few);
}

/* How many of them come before a quote, a backslash or a control byte. Above the first such byte
** the bits may be wrong, but only the lowest is looked at. */
static inline size_t plain_of (uint64_t x) {
  uint64_t quote = x ^ EACH('"'), escape = x ^ EACH('\\');
  uint64_t stops =
      (((quote - EACH(1)) & ~quote) | ((escape - EACH(1)) & ~escape) | ((x - EACH(' ')) & ~x)) &
      EACH(0x80);
  return stops ? (size_t)__builtin_ctzll(stops) / 8 : 8;
}

/* Where the string from `from` on ends. `seen`: its bytes; none beyond ASCII needs no look. */
static bool close_string (rest *r, const uint8_t *from, uint64_t seen) {
  tl_slice raw = tl_slice_of(from, (size_t)(r->at - from));
  return PASS(r, "\"") && ((seen & EACH(0x80)) == 0 || tl_utf8_valid(raw));
}

/* A string without escapes, behind its opening quote. */
static bool usual_text (rest *r, tl_slice *out) {
  const uint8_t *from = r->at;
  uint64_t seen = 0;
  size_t n;
  do {
    uint64_t x = eight(r);
    seen |= x;
    n = plain_of(x);
    r->at += n;
  } while (n == 8);
  *out = tl_slice_of(from, (size_t)(r->at - from));
  return close_string(r, from, seen);
}

/* What a letter behind a backslash stands for; 0: nothing, or four digits follow. */
static const uint8_t meaning[256] = { ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                      ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t' };

/* A string with escapes of one letter; its text goes to `room`, 8 bytes at a time. */
static bool usual_payload (rest *r, tl_buf *room, tl_slice *out) {
  const uint8_t *from = r->at;
  uint64_t seen = 0;
  tl_buf_clear(room);
  if (tl_buf_reserve(room, (size_t)(r->end - from) + 8) != TL_OK) return false;
  uint8_t *to = room->at;
  for (;;) {
    uint64_t x = eight(r);
    size_t n = plain_of(x);
    seen |= x;
    tl_put_le8(to, x);
    r->at += n;
    to += n;
    if (n == 8) continue;
    if (r->end - r->at < 2 || *r->at != '\\') break;
    if (!(*to++ = meaning[r->at[1]])) return false;
    r->at += 2;
  }
  *out = tl_slice_of(room->at, (size_t)(to - room->at));
  return close_string(r, from, seen);
}

static bool usual_number (rest *r, uint32_t max, uint32_t *out) {
  const uint8_t *from = r->at;
  *out = 0;
  while (r->at < r->end && r->at - from < 5 && *r->at >= '0' && *r->at <= '9')
    *out = *out * 10 + (*r->at++ - '0');
  return r->at > from && (*from != '0' || r->at - from == 1) && *out <= max;
}

static bool usual_flag (rest *r, bool *out) {
  *out = PASS(r, "true");
  return *out || PASS(r, "false");
}

/* A number of two digits; 100 or more: it is none. */
static inline uint32_t two (const uint8_t *at) {
  uint32_t tens = (uint32_t)at[0] - '0', ones = (uint32_t)at[1] - '0';
  return tens > 9 || ones > 9 ? 100 : tens * 10 + ones;
}

/* The time of the day is counted onto its midnight, which the messages of a day share. */
static bool usual_time (tl_capture_reader *r, rest *text, int64_t *ms) {
  tl_slice t = tl_slice_of(text->at, TIME_LEN);
  if (text->end - text->at < TIME_LEN) return false;
  uint32_t hour = two(t.at + 11), minute = two(t.at + 14), second = two(t.at + 17);
  uint32_t hundredths = two(t.at + 20), last = (uint32_t)t.at[22] - '0';
  if (hour > 23 || minute > 59 || second > 59 || hundredths > 99 || last > 9 || t.at[10] != 'T' ||
      t.at[13] != ':' || t.at[16] != ':' || t.at[19] != '.' || t.at[23] != 'Z')
    return false; /* with the T, no text is the day that a new reader remembers: zeros */
  int64_t since = ((int64_t)hour * 3600 + minute * 60 + second) * 1000 + hundredths * 10 + last;
  text->at += TIME_LEN;
  if (memcmp(r->day, t.at, DAY_LEN) != 0) {
    if (!read_moment(t, ms)) return false;
    memcpy(r->day, t.at, DAY_LEN);
    r->midnight = *ms - since;
  }
  *ms = r->midnight + since;
  return true;
}

static bool usual_rest (tl_capture_reader *r, rest *text, tl_slice *out) {
  tl_slice base64;
  if (PASS(text, ",\"payload\":\"")) return usual_payload(text, &r->payload, out);
  return PASS(text, ",\"base64\":\"") && usual_text(text, &base64) && read_base64(r, base64, out);
}

bool tl_capture_read_usual (tl_capture_reader *r, tl_slice text, tl_incoming *m, tl_slice *line) {
  rest left = { text.at, text.at + text.len };
  uint32_t qos, id;
  *m = (tl_incoming){ .now = 0 };
  if (!PASS(&left, "{\"line\":\"") || !usual_text(&left, line) || !PASS(&left, ",\"time\":\"") ||
      !usual_time(r, &left, &m->wall) || !PASS(&left, "\",\"topic\":\"") ||
      !usual_text(&left, &m->topic) || !PASS(&left, ",\"qos\":") || !usual_number(&left, 2, &qos) ||
      !PASS(&left, ",\"retain\":") || !usual_flag(&left, &m->retain) || !PASS(&left, ",\"dup\":") ||
      !usual_flag(&left, &m->dup) || !PASS(&left, ",\"id\":") || !usual_number(&left, 65535, &id) ||
      !usual_rest(r, &left, &m->payload))
    return false;
  m->qos = (uint8_t)qos;
  m->id = (uint16_t)id;
  return PASS(&left, "}") && left.at == left.end;
}

bool tl_capture_read (tl_capture_reader *r, tl_slice text, tl_incoming *m, tl_slice *line) {
  return tl_capture_read_usual(r, text, m, line) || tl_capture_read_any(r, text, m, line);
}
