/* core/offline/replay.c — see replay.h. */
#include "offline/replay.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "payload/json.h"
#include "payload/timemask.h"

enum { NEWS_MAX = 256 * 1024 };

/* The members of a line, in the order of tl_message_json_begin(). */
enum { LINE, TIME, TOPIC, QOS, RETAIN, DUP, ID, PAYLOAD, BASE64, MEMBERS };
static const char *const names[MEMBERS] = { "line", "time", "topic",   "qos",   "retain",
                                            "dup",  "id",   "payload", "base64" };

struct tl_replay {
  tl_offline_run *run;
  tl_json_set *set;
  tl_json_value *values;
  tl_buf topic, payload;
};

int tl_replay_new (tl_replay **out, tl_offline_run *run) {
  tl_replay *r = calloc(1, sizeof *r);
  tl_slice paths[MEMBERS];
  if (!r) return TL_ENOMEM;
  r->run = run;
  tl_buf_init(&r->topic);
  tl_buf_init(&r->payload);
  for (int i = 0; i < MEMBERS; i++) paths[i] = tl_slice_str(names[i]);
  int rc = tl_json_set_new(&r->set, paths, MEMBERS, NULL, NULL);
  if (rc == TL_OK) r->values = calloc(tl_json_set_slots(r->set), sizeof *r->values);
  if (!r->values) {
    tl_replay_free(r);
    return TL_ENOMEM;
  }
  *out = r;
  return TL_OK;
}

void tl_replay_free (tl_replay *r) {
  if (!r) return;
  if (r->set) tl_json_set_free(r->set);
  free(r->values);
  tl_buf_fini(&r->topic);
  tl_buf_fini(&r->payload);
  free(r);
}

/* --- a line as a message --- */

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

/* "2026-11-22T14:00:00Z", with or without three digits of a second; nothing else. */
static bool read_time (const tl_json_value *v, int64_t *ms) {
  tl_slice t = v->raw;
  return v->type == TL_JSON_STRING && !v->escaped && (t.len == 20 || t.len == 24) &&
         t.at[4] == '-' && t.at[10] == 'T' && t.at[13] == ':' && t.at[t.len - 1] == 'Z' &&
         (t.len == 20 || t.at[19] == '.') && tl_time_iso_parse(t, ms) == TL_OK;
}

static bool read_payload (tl_replay *r, const tl_json_value *v, tl_slice *out) {
  if (v[BASE64].type == TL_JSON_NONE) return read_text(&v[PAYLOAD], &r->payload, out);
  if (v[BASE64].type != TL_JSON_STRING || v[BASE64].escaped) return false;
  tl_buf_clear(&r->payload);
  if (tl_buf_reserve(&r->payload, v[BASE64].raw.len / 4 * 3 + 3) != TL_OK) return false;
  ptrdiff_t n = tl_base64_read(v[BASE64].raw, r->payload.at);
  *out = tl_slice_of(r->payload.at, n > 0 ? (size_t)n : 0);
  return n >= 0;
}

static bool read_line (tl_replay *r, tl_slice text, tl_incoming *m, tl_slice *line) {
  tl_json_error error;
  uint32_t qos, id;
  const tl_json_value *v = r->values;
  *m = (tl_incoming){ .now = 0 };
  if (tl_json_extract(r->set, text, r->values, &error) != TL_OK) return false;
  if (!read_time(&v[TIME], &m->wall) || !read_text(&v[TOPIC], &r->topic, &m->topic) ||
      !read_payload(r, v, &m->payload) || !read_number(&v[QOS], 2, &qos) ||
      !read_number(&v[ID], 65535, &id) || !read_flag(&v[RETAIN], &m->retain) ||
      !read_flag(&v[DUP], &m->dup))
    return false;
  m->qos = (uint8_t)qos;
  m->id = (uint16_t)id;
  *line = tl_slice_of(NULL, 0);
  if (v[LINE].type == TL_JSON_NONE || v[LINE].type == TL_JSON_NULL) return true;
  if (v[LINE].type != TL_JSON_STRING || v[LINE].escaped) return false;
  if (tl_model_line(tl_gateway_model(tl_offline_run_gateway(r->run)), v[LINE].raw))
    *line = v[LINE].raw;
  return true;
}

/* --- many --- */

static void feed (tl_replay *r, tl_slice line, const tl_incoming *m, tl_replayed *out) {
  tl_err err;
  tl_offline_fed fed;
  out->fed++;
  out->topic = m->topic;
  if (tl_offline_run_feed(r->run, line, m, &fed, &err) < 0) {
    out->wrong++;
    return;
  }
  out->filtered += fed.taken == 0 && fed.unrouted == 0;
  out->unrouted += fed.unrouted > 0;
}

tl_replay_end tl_replay_feed (tl_replay *r, tl_slice text, uint64_t most, tl_replayed *out) {
  tl_offline_news *news = tl_offline_run_news(r->run);
  *out = (tl_replayed){ .used = 0 };
  for (;;) {
    tl_incoming m;
    tl_slice line, rest = tl_slice_of(text.at + out->used, text.len - out->used);
    const uint8_t *end = rest.len > 0 ? memchr(rest.at, '\n', rest.len) : NULL;
    if (news->errors.len > 0) return TL_REPLAY_ERROR;
    if (!end) return TL_REPLAY_ALL;
    if (news->values.len > NEWS_MAX || out->fed == most) return TL_REPLAY_FULL;
    rest.len = (size_t)(end - rest.at);
    if (!read_line(r, rest, &m, &line)) return TL_REPLAY_ODD;
    out->used += rest.len + 1;
    feed(r, line, &m, out);
    tl_buf_clear(&news->published);
  }
}
