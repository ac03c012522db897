/* core/web/events.c — Server-Sent Events: a snapshot of the values, then what changes. Each reader
** gets the last value of a tag, at most four times a second; one that is far behind is closed. The
** gateway is observed only while somebody reads, and for a minute after. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/pattern.h"
#include "model/walk.h"
#include "web/changes.h"
#include "web/web_impl.h"

enum {
  READERS = 16,
  PACE_MS = 250,
  COMMENT_MS = 5000,
  AN_EVENT = 2000,          /* values, at most, */
  EVENT_BYTES = 256 * 1024, /* and about so many bytes; the others come with the next */
  A_SLICE = 20,             /* tags or stations that are looked at at once */
  BLOCK = 8 * 1024,
  BEHIND = 1 << 20,
  /* ms for which changes are still noted after the last reader has gone, because it may come
  ** back */
  KEPT_MS = 60000
};

typedef struct reader {
  tl_changes_place mark; /* first */
  struct reader *next;
  tl_feed *feed;
  request *q;
  struct MHD_Connection *mhd;
  int fd;
  tl_buf out, match;
  size_t given;
  uint64_t seen; /* the number of the last change that it has */
  int64_t next_at, comment_at;
  bool waits; /* suspended: nothing to send */
  /* the reader is getting a snapshot; it needs another one after it, because the config was
  ** reloaded meanwhile */
  bool snapshot, again;
  bool some, over;  /* over: no more is sent */
  bool open;        /* an event of values is under way, */
  int count;        /* so many were looked at for it, */
  size_t bytes;     /* and it has so many bytes */
  tl_tag_walk walk; /* where the snapshot has got to */
} reader;

struct tl_feed {
  tl_web *web;
  tl_changes changes;
  tl_observer observer;
  bool observing;
  tl_timer *timer;
  int64_t due;  /* of the timer */
  bool pending; /* changes came since it fired */
  reader *readers;
  unsigned count;
  /* event ids of another epoch are from another process or observation, and mean nothing here */
  uint64_t epoch;
  int64_t left_at;
};

/* The timer at this time, or earlier. */
static void ask (tl_feed *f, int64_t at) {
  if (at >= f->due) return;
  f->due = at;
  tl_timer_at(f->timer, at);
}

static void on_value (void *ctx, tl_tag *t) {
  tl_feed *f = ctx;
  char name[TL_WEB_NAME];
  size_t n = tl_web_name(t, name);
  if (n == 0) return;
  if (tl_changes_add(&f->changes, tl_slice_of(name, n)) < 0) {
    tl_feed_begin_anew(f); /* without memory for a change nobody would hear of it */
    return;
  }
  if (f->pending) return;
  f->pending = true;
  for (const reader *r = f->readers; r; r = r->next)
    if (!r->snapshot) ask(f, r->next_at);
}

static void observe (tl_feed *f) {
  if (f->observing) return;
  f->observing = true;
  f->epoch = tl_clock_mono_ns();
  tl_gateway_observe(f->web->gateway, &f->observer);
}

static void forget (tl_feed *f) {
  if (!f->observing) return;
  f->observing = false;
  tl_gateway_unobserve(f->web->gateway, &f->observer);
  tl_changes_clear(&f->changes);
}

/* --- what one gets --- */

static void wake (reader *r) {
  if (!r->waits) return;
  r->waits = false;
  MHD_resume_connection(r->mhd);
  tl_web_run_soon(r->feed->web);
}

static bool wants (const reader *r, const char *name) {
  return r->match.len == 0 || tl_glob_match((const char *)r->match.at, name);
}

static void add_tag (reader *r, const tl_tag *t) {
  if (r->some) tl_buf_byte(&r->out, ',');
  r->some = true;
  tl_tag_stream(t, &r->out);
  if (!r->out.failed) r->out.len--; /* the line break */
}

static void begin_event (reader *r, const char *name) {
  r->some = false;
  tl_buf_str(&r->out, "event: ");
  tl_buf_str(&r->out, name);
  tl_buf_str(&r->out, "\ndata: [");
}

static void end_event (reader *r) {
  tl_buf_fmt(&r->out, "]\nid: %llx-%llx\n\n", (unsigned long long)r->feed->epoch,
             (unsigned long long)r->seen);
}

static void end_values (reader *r) {
  if (r->open) end_event(r);
  r->open = false;
  r->count = 0;
  r->bytes = 0;
}

static void add_changed (reader *r, const tl_changed_tag *c) {
  const tl_model *m = tl_gateway_model(r->feed->web->gateway);
  size_t before = r->out.len;
  const tl_tag *t = wants(r, c->name) ? tl_model_tag(m, tl_slice_of(c->name, c->len)) : NULL;
  if (!t) return;
  if (!r->open) begin_event(r, "values");
  r->open = true;
  add_tag(r, t);
  r->bytes += r->out.len - before;
}

/* What changed since the last time. False: the share is used up in the midst of it. */
static bool add_values (reader *r) {
  const tl_changed_tag *c = NULL;
  while (r->count < AN_EVENT && r->bytes < EVENT_BYTES &&
         (c = tl_changes_next(&r->feed->changes, &r->mark))) {
    r->seen = c->at.number;
    add_changed(r, c);
    if (++r->count % A_SLICE == 0 && tl_share_is_used(r->feed->web)) return false;
  }
  end_values(r);
  return true;
}

static void begin_snapshot (reader *r) {
  tl_feed *f = r->feed;
  end_values(r);
  tl_changes_unmark(&r->mark);
  r->seen = f->changes.last;
  tl_changes_mark(&f->changes, &r->mark, r->seen);
  r->snapshot = true;
  r->again = false;
  r->walk = (tl_tag_walk){ .line = 0 };
  begin_event(r, "snapshot");
}

static void add_station (reader *r, const tl_station *s) {
  char name[TL_WEB_NAME];
  for (uint16_t i = 0; !s->is_template && i < s->plan->tag_count; i++) {
    size_t n = r->match.len > 0 ? tl_web_name(&s->tags[i], name) : 0;
    if (r->match.len == 0 || (n > 0 && wants(r, name))) add_tag(r, &s->tags[i]);
  }
}

/* A piece of the snapshot; stations may come and go between two. */
static void add_snapshot (reader *r) {
  const tl_model *m = tl_gateway_model(r->feed->web->gateway);
  size_t start = r->out.len;
  for (int n = 0; n < A_SLICE && r->out.len - start < BLOCK; n++) {
    const tl_station *station = tl_station_walk_next(&r->walk, m);
    if (!station) {
      end_event(r);
      r->snapshot = false;
      if (r->again) begin_snapshot(r);
      return;
    }
    add_station(r, station);
  }
}

/* --- libmicrohttpd asks --- */

static ssize_t on_read (void *ctx, uint64_t at, char *room, size_t max) {
  reader *r = ctx;
  (void)at;
  if (r->over || r->out.failed) return MHD_CONTENT_READER_END_OF_STREAM;
  if (r->given == r->out.len) {
    tl_buf_clear(&r->out);
    tl_buf_shrink(&r->out, BLOCK);
    r->given = 0;
    while (r->snapshot && r->out.len == 0 && !r->out.failed && !tl_share_is_used(r->feed->web))
      add_snapshot(r);
    if (r->out.failed) return MHD_CONTENT_READER_END_OF_STREAM;
  }
  size_t n = r->out.len - r->given < max ? r->out.len - r->given : max;
  if (n == 0 && r->snapshot) {
    tl_share_wait(r->q);
    return 0;
  }
  if (n == 0) {
    r->waits = true;
    MHD_suspend_connection(r->mhd);
    ask(r->feed, r->next_at);
    return 0;
  }
  memcpy(room, r->out.at + r->given, n);
  r->given += n;
  return (ssize_t)n;
}

static void on_gone (void *ctx) {
  reader *r = ctx;
  tl_feed *f = r->feed;
  reader **at = &f->readers;
  while (*at != r) at = &(*at)->next;
  *at = r->next;
  f->count--;
  f->left_at = tl_loop_now(f->web->loop);
  tl_changes_unmark(&r->mark);
  tl_buf_fini(&r->out);
  tl_buf_fini(&r->match);
  free(r);
}

/* --- time --- */

static void close_reader (reader *r) {
  tl_log(TL_LOG_WARN, "http", "%s: an event reader is 1 MB behind, and is closed",
         tl_front_peer(r->feed->web->front, r->fd));
  r->over = true;
  shutdown(r->fd, SHUT_RDWR);
  wake(r);
}

/* Returns when it wants something next. */
static int64_t serve (reader *r, int64_t now) {
  if (r->over) return INT64_MAX;
  if (!r->snapshot && r->out.len - r->given > BEHIND) {
    close_reader(r);
    return INT64_MAX;
  }
  if (now >= r->comment_at) {
    if (!r->snapshot && !r->open) tl_buf_str(&r->out, ":\n\n");
    r->comment_at = now + COMMENT_MS;
  }
  bool changed = !r->snapshot && (r->open || r->seen < r->feed->changes.last);
  if (changed && now >= r->next_at) {
    size_t before = r->out.len;
    if (!add_values(r)) return now;
    if (r->out.len > before) r->next_at = now + PACE_MS;
  }
  if (r->out.len > r->given || r->out.failed) wake(r); /* failed: it ends, and may come again */
  bool more = !r->snapshot && r->seen < r->feed->changes.last;
  return more && r->next_at < r->comment_at ? r->next_at : r->comment_at;
}

/* Serve as many readers as HTTP's share of this turn allows; the others are served in the next
** turn. */
void tl_feed_serve (tl_feed *f) {
  int64_t now = tl_loop_now(f->web->loop), next = INT64_MAX;
  if (now < f->due) return;
  f->pending = false;
  for (reader *r = f->readers, *after; r; r = after) {
    after = r->next;
    int64_t at = tl_share_is_used(f->web) ? now : serve(r, now);
    if (at < next) next = at;
  }
  if (!f->readers && now - f->left_at >= KEPT_MS)
    forget(f);
  else if (!f->readers)
    next = f->left_at + KEPT_MS;
  f->due = next;
  tl_timer_at(f->timer, next);
}

static void on_timer (void *ctx) { tl_web_run_soon(((tl_feed *)ctx)->web); }

void tl_feed_poke (tl_feed *f) {
  for (reader *r = f->readers; r; r = r->next) {
    if (!r->waits) continue;
    if (!r->open) tl_buf_str(&r->out, ":\n\n");
    wake(r);
  }
}

void tl_feed_begin_anew (tl_feed *f) {
  if (!f->observing) return;
  tl_changes_clear(&f->changes);
  f->epoch++;
  for (reader *r = f->readers; r; r = r->next) {
    if (r->snapshot) {
      r->again = true;
      continue;
    }
    begin_snapshot(r);
    wake(r);
  }
}

/* --- coming and going --- */

/* "EPOCH-NUMBER" of an id. False: it tells nothing here. */
static bool resume (tl_feed *f, reader *r, const char *id) {
  unsigned long long epoch, number;
  int used = 0;
  if (!id || sscanf(id, "%16llx-%16llx%n", &epoch, &number, &used) != 2 || id[used] != '\0')
    return false;
  if (!f->observing || epoch != f->epoch || number > f->changes.last) return false;
  r->seen = number;
  tl_changes_mark(&f->changes, &r->mark, number);
  return true;
}

static reader *new_reader (request *q) {
  tl_feed *f = q->web->feed;
  reader *r = calloc(1, sizeof *r);
  if (!r) {
    tl_web_fail(q, 500, "no memory");
    return NULL;
  }
  if (tl_web_parameter(q, "match", &r->match) < 0) {
    tl_buf_fini(&r->match);
    free(r);
    return NULL;
  }
  r->feed = f;
  r->q = q;
  r->mhd = q->mhd;
  r->fd = tl_web_fd(q);
  r->next_at = tl_loop_now(f->web->loop);
  r->comment_at = r->next_at + COMMENT_MS;
  r->next = f->readers;
  f->readers = r;
  f->count++;
  return r;
}

void tl_web_events (request *q) {
  tl_feed *f = q->web->feed;
  if (strcmp(q->method, "HEAD") == 0) {
    tl_web_answer_text(q, 200, "text/event-stream", "");
    return;
  }
  if (f->count >= READERS) {
    tl_web_fail(q, 503, "%d clients read events already", READERS);
    tl_web_header(q, "Retry-After", "5");
    return;
  }
  reader *r = new_reader(q);
  if (!r) return;
  bool resumed = resume(f, r, tl_web_field(q, "Last-Event-ID"));
  observe(f);
  tl_buf_str(&r->out, "retry: 2000\n\n");
  if (!resumed) begin_snapshot(r);
  ask(f, r->next_at);
  struct MHD_Response *response =
      MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, on_read, r, on_gone);
  if (!response) on_gone(r);
  tl_front_streams(q->web->front, tl_web_fd(q));
  tl_web_respond(q, 200, response);
  tl_web_header(q, "Content-Type", "text/event-stream");
  tl_web_header(q, "Cache-Control", "no-store");
  tl_web_header(q, "X-Accel-Buffering", "no");
}

int tl_feed_new (tl_feed **out, tl_web *w) {
  tl_feed *f = calloc(1, sizeof *f);
  if (!f) return TL_ENOMEM;
  f->web = w;
  f->due = INT64_MAX;
  f->observer = (tl_observer){ .value = on_value, .ctx = f };
  tl_changes_init(&f->changes);
  int rc = tl_timer_new(&f->timer, w->loop, on_timer, f);
  if (rc < 0) {
    free(f);
    return rc;
  }
  *out = f;
  return TL_OK;
}

void tl_feed_end (tl_feed *f) {
  for (reader *r = f ? f->readers : NULL; r; r = r->next) {
    r->over = true;
    wake(r);
  }
}

void tl_feed_free (tl_feed *f) {
  if (!f) return;
  forget(f);
  tl_changes_fini(&f->changes);
  tl_timer_close(f->timer);
  free(f);
}
