/* core/gateway/retained.c — after a reload, new stations and tags get the retained messages of
** their topics.
** A broker sends retained messages with the flag only in answer to a SUBSCRIBE [MQTT-3.3.1-8],
** [MQTT-3.3.1-9], so the filters are subscribed to again.
** A retained message that comes after that is only for tags that have no value yet. */
#include "base/log.h"
#include "gateway/filters_impl.h"
#include "gateway/link_impl.h"
#include "base/topic.h"

/* Up to so many new stations are compared with each filter; if there are more, every filter is
** subscribed to again. */
enum { COMPARED = 256 };

typedef struct {
  const tl_station *stations[COMPARED];
  uint32_t n;
  bool all; /* some new address is not a plain filter: any topic filter may serve it */
} wanted;

static void gather (const tl_link *l, wanted *w) {
  for (uint32_t i = 0; i < l->line->station_count; i++) {
    tl_station *s = l->line->stations[i];
    s->reload.will_asked = s->reload.fresh && s->stats.messages == 0 && s->stats.wills == 0;
    if (!s->reload.fresh) continue;
    s->reload.fresh = false;
    if (!tl_address_is_plain(tl_slice_str(s->address)) || w->n == COMPARED)
      w->all = true;
    else
      w->stations[w->n++] = s;
  }
}

static bool feeds_one (void *ctx, tl_slice filter) {
  const wanted *w = ctx;
  bool yes = w->all;
  for (uint32_t i = 0; i < w->n && !yes; i++) {
    yes = tl_filter_match(filter, tl_slice_str(w->stations[i]->address));
  }
  return yes;
}

void tl_link_fetch_retained (tl_link *l) {
  wanted w = { .n = 0 };
  gather(l, &w);
  if (w.n == 0 && !w.all) return;
  size_t n = tl_session_ask_again(l->session, feeds_one, &w);
  if (n == 0) return;
  l->routing.asked_again = true;
  tl_log(TL_LOG_DEBUG, TL_LINK_SCOPE(l),
         "subscribing again to %zu topic filters: new stations or tags get the retained messages",
         n);
}

static bool has_unset (const tl_station *s) {
  for (uint16_t i = 0; i < s->plan->tag_count; i++) {
    if (s->tags[i].status == TL_UNSET && !tl_type_is_output(s->plan->tags[i].type)) return true;
  }
  return false;
}

bool tl_retained_is_old (const tl_link *l, const tl_station *s, const tl_incoming *m) {
  if (!l->routing.asked_again || !m->retain) return false;
  return !s || (!s->is_template && !has_unset(s));
}
