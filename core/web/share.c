/* core/web/share.c — HTTP's share of a turn of the loop. Everything that HTTP does runs behind what
** messages need, and for a bounded processor time: a request or an answer that meets the end of it
** is suspended, and goes on in a later turn, in the order of coming. Must not know what is asked
** for. */
#include "base/clock.h"
#include "web/web_impl.h"

/* HTTP's processor time in a turn. A message that comes in the middle of it waits for the rest,
** which is about as long as a hundred messages take. One piece of work is a part of this time, so
** that it is exceeded only a little. */
enum {
  SHARE_NS = 150000,
  AT_ONCE = 4 /* of those that wait are resumed in a turn */
};

static void run (void *ctx);

void tl_web_run_soon (tl_web *w) {
  if (w->poll) tl_loop_last(w->loop, run, w);
}

bool tl_share_is_used (const tl_web *w) {
  return tl_clock_cpu_ns() - w->share.began_ns >= SHARE_NS;
}

void tl_share_wait (request *r) {
  tl_share *s = &r->web->share;
  r->waits_share = true;
  r->next_share = NULL;
  MHD_suspend_connection(r->mhd);
  if (s->last)
    s->last->next_share = r;
  else
    s->first = r;
  s->last = r;
}

static void resume_first (tl_share *s) {
  request *r = s->first;
  s->first = r->next_share;
  if (!s->first) s->last = NULL;
  r->waits_share = false;
  MHD_resume_connection(r->mhd);
}

void tl_share_forget (request *r) {
  tl_share *s = &r->web->share;
  if (!r->waits_share) return;
  r->waits_share = false;
  request **at = &s->first, *before = NULL;
  while (*at != r) {
    before = *at;
    at = &before->next_share;
  }
  *at = r->next_share;
  if (s->last == r) s->last = before;
}

void tl_share_end (tl_web *w) {
  tl_loop_forget(w->loop, run, w);
  while (w->share.first) resume_first(&w->share);
}

static void run (void *ctx) {
  tl_web *w = ctx;
  tl_share *s = &w->share;
  MHD_UNSIGNED_LONG_LONG ms;
  s->began_ns = tl_clock_cpu_ns();
  tl_front_serve(w->front);
  tl_feed_serve(w->feed);
  for (int n = 0; s->first && n < AT_ONCE; n++) resume_first(s);
  MHD_run(w->mhd);
  if (!w->mhd) return;
  uint64_t used = tl_clock_cpu_ns() - s->began_ns;
  if (used > s->longest_ns) s->longest_ns = used;
  if (s->first) tl_web_run_soon(w);
  if (MHD_get_timeout(w->mhd, &ms) == MHD_YES)
    tl_timer_at(w->timer, tl_loop_now(w->loop) + (ms > 60000 ? 60000 : (int64_t)ms));
  else
    tl_timer_stop(w->timer);
}
