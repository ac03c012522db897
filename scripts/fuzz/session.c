/* scripts/fuzz/session.c — libFuzzer target of the whole client session: the input is a script
** of steps (bytes from the broker, time that passes, publishes, acknowledgements, cuts), and
** what the session owes its owner must hold after each. See scripts/fuzz/run. */
#include <stdlib.h>
#include <string.h>

#include "mqtt/frame.h"
#include "mqtt/session.h"

typedef struct {
  tl_session *s;
  const uint8_t *at;
  size_t left;
  uint32_t accepted, reported; /* publishes */
  uint32_t held;
  uint16_t ids[64]; /* of held messages, oldest first */
  uint8_t verdict;
  bool disconnected;
} world;

static void check (bool holds) {
  if (!holds) abort();
}

static uint8_t next (world *w) {
  if (w->left == 0) return 0;
  w->left--;
  return *w->at++;
}

static int on_message (void *ctx, const tl_message *m) {
  world *w = ctx;
  check(m->qos <= 2 && (m->qos > 0) == (m->id > 0) && m->topic.len > 0);
  if (w->verdict == TL_MESSAGE_HELD && w->held < 64) {
    w->ids[w->held++] = m->id;
    return TL_MESSAGE_HELD;
  }
  return w->verdict == TL_MESSAGE_STOP ? TL_MESSAGE_STOP : TL_MESSAGE_DONE;
}
static void on_connected (void *ctx, bool present) { (void)ctx, (void)present; }
static void on_subscribed (void *ctx, const tl_subscription *asked, const uint8_t *granted,
                           size_t n) {
  (void)ctx;
  for (size_t i = 0; i < n; i++) {
    check(asked[i].filter.len > 0 && asked[i].qos <= 2);
    check(granted[i] <= 2 || granted[i] == 0x80);
  }
}
static void on_published (void *ctx, void *token, int result, tl_slice payload) {
  (void)payload;
  world *w = ctx;
  (void)token, (void)result;
  w->reported++;
  check(w->reported <= w->accepted);
}
static void on_notice (void *ctx, int severity, const char *text) {
  (void)ctx, (void)severity;
  check(text[0] != '\0');
}
static void on_trace (void *ctx, char dir, const char *text) {
  (void)ctx;
  check(dir == '<' || dir == '>');
  /* a payload may well spell it */
  check(dir == '<' || strncmp(text, "CONNECT", 7) != 0 || strstr(text, "geheim") == NULL);
}

/* All that is sent must be whole packets of kinds a client may send, the first CONNECT. */
static void take_output (world *w, int64_t now, bool *first) {
  tl_session_release(w->s);
  tl_slice out = tl_session_output(w->s);
  size_t at = 0;
  while (at < out.len) {
    tl_frame f;
    long n = tl_frame_read(out.at + at, out.len - at, 1 << 20, &f);
    check(n > 0 && f.type >= 1 && f.type <= 14 && f.type != 2 && f.type != 9 && f.type != 11 &&
          f.type != 13);
    check((f.type == 1) == *first && !w->disconnected);
    *first = false;
    w->disconnected = f.type == 14;
    at += (size_t)n;
  }
  tl_session_sent(w->s, out.len, now);
}

static void step (world *w, int64_t *now, bool *up, bool *first, tl_buf *in) {
  uint8_t op = next(w), arg = next(w);
  int rc = 0;
  w->verdict = op >> 6;
  switch (op & 7) {
    case 0:
    case 1:
    case 2: { /* bytes from the broker */
      size_t n = arg < w->left ? arg : w->left;
      if (!*up) break;
      tl_buf_add(in, w->at, n);
      w->at += n;
      w->left -= n;
      long used = tl_session_input(w->s, in->at, in->len, *now);
      check(used <= (long)in->len);
      if (used > 0) tl_buf_drop(in, (size_t)used);
      rc = (int)(used < 0 ? used : 0);
      break;
    }
    case 3:
      *now += arg * 500;
      if (*up) rc = tl_session_tick(w->s, *now);
      break;
    case 4: {
      tl_err err;
      w->accepted++;
      if (tl_session_publish(w->s, TL_LIT("a/b"), tl_slice_of(w->at, w->left < 9 ? w->left : 9),
                             arg % 3, arg & 8, w, &err) != TL_OK)
        w->accepted--;
      break;
    }
    case 5:
      if (w->held > 0 && tl_session_ack(w->s, w->ids[0], *now) == TL_OK)
        memmove(w->ids, w->ids + 1, --w->held * sizeof w->ids[0]);
      else
        check(w->held > 0 || tl_session_ack(w->s, arg, *now) == TL_ENOENT);
      break;
    case 6:
      if (*up && arg % 4 == 0) tl_session_disconnect(w->s);
      tl_session_pause(w->s, arg & 1, *now);
      break;
    default:
      if (*up)
        rc = -1;
      else {
        *up = *first = true;
        w->disconnected = false;
        tl_buf_clear(in);
        rc = tl_session_open(w->s, *now);
        check(rc == TL_OK);
      }
  }
  if (*up) take_output(w, *now, first);
  if (rc < 0 && *up) {
    *up = false;
    tl_session_closed(w->s);
    check(!tl_session_is_connected(w->s));
  }
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  static const tl_session_events events = { .message = on_message,
                                            .connected = on_connected,
                                            .subscribed = on_subscribed,
                                            .published = on_published,
                                            .notice = on_notice,
                                            .trace = on_trace };
  world w = { .at = data, .left = size };
  uint8_t options = next(&w);
  tl_subscription filters[] = { { TL_LIT("#"), 2 }, { TL_LIT("$share/g/a/+"), 1 } };
  tl_session_params p = {
    .client_id = options & 1 ? TL_LIT("fuzz") : TL_LIT(""),
    .clean_session = options & 2,
    .has_user = true,
    .has_password = true,
    .user = TL_LIT("user"),
    .password = TL_LIT("geheim"),
    .keep_alive = options & 4 ? 5 : 0,
    .ping_interval_ms = options & 8 ? 10000 : 0,
    .reply_timeout_ms = options & 16 ? 20000 : 0,
    .filters = filters,
    .filter_count = 2,
    .max_packet_size = 1 << 16,
    .max_inflight = 1 + (options >> 5),
    .max_queued = 5,
    .queue_offline = options & 32,
  };
  int64_t now = 1000;
  bool up = false, first = false;
  tl_buf in;
  tl_buf_init(&in);
  if (tl_session_new(&w.s, &p, &events, &w) != TL_OK) return 0;
  tl_session_set_trace(w.s, true);
  while (w.left > 0) step(&w, &now, &up, &first, &in);
  if (up) tl_session_closed(w.s);
  tl_session_free(w.s);
  check(w.reported == w.accepted); /* the fate of each, exactly once */
  tl_buf_fini(&in);
  return 0;
}
