/* core/offline/replay.c — see replay.h. */
#include "offline/replay.h"

#include <stdlib.h>
#include <string.h>

#include "offline/capture_line.h"

enum { NEWS_MAX = 256 * 1024 };

struct tl_replay {
  tl_offline_run *run;
  tl_capture_reader *reader;
};

int tl_replay_new (tl_replay **out, tl_offline_run *run) {
  tl_replay *r = calloc(1, sizeof *r);
  if (!r) return TL_ENOMEM;
  r->run = run;
  int rc = tl_capture_reader_new(&r->reader);
  if (rc != TL_OK) {
    free(r);
    return rc;
  }
  *out = r;
  return TL_OK;
}

void tl_replay_free (tl_replay *r) {
  if (!r) return;
  tl_capture_reader_free(r->reader);
  free(r);
}

/* A line that the config does not have counts as none. */
static bool read_line (tl_replay *r, tl_slice text, tl_incoming *m, tl_slice *line) {
  if (!tl_capture_read(r->reader, text, m, line)) return false;
  if (line->at && !tl_model_line(tl_gateway_model(tl_offline_run_gateway(r->run)), *line))
    *line = tl_slice_of(NULL, 0);
  return true;
}

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
