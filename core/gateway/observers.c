/* core/gateway/observers.c — passes news on to the observers. Must not know what they do with
** it. */
#include "gateway/link_impl.h"

/* A walk over the observers. An observer may remove any other one while it is called: the
** walks under way then step over the removed one. */
struct tl_news_walk {
  tl_observer *next;
  /* the walk during which this one began: what an observer does may be news, too */
  struct tl_news_walk *outer;
};

static bool is_registered (const tl_gateway *g, const tl_observer *o) {
  const tl_observer *at = g->news.observers;
  while (at && at != o) at = at->next;
  return at;
}

static void on_again (void *ctx, tl_tag *t) {
  for (tl_observer *o = ((tl_gateway *)ctx)->news.observers; o; o = o->next) {
    if (o->again) o->again(o->ctx, t);
  }
}

static void count_listeners (tl_gateway *g) {
  bool again = false;
  g->news.listening = g->news.looking = g->news.acting = false;
  for (const tl_observer *o = g->news.observers; o; o = o->next) {
    g->news.listening = g->news.listening || o->message;
    g->news.looking = g->news.looking || (o->value && !o->acts);
    g->news.acting = g->news.acting || (o->value && o->acts);
    again = again || o->again;
  }
  if (g->model) g->model->hooks.again = again ? on_again : NULL;
}

void tl_gateway_observe (tl_gateway *g, tl_observer *o) {
  tl_observer **at = &g->news.observers;
  if (is_registered(g, o)) return;
  while (*at && (o->acts || !(*at)->acts)) at = &(*at)->next;
  o->next = *at;
  *at = o;
  count_listeners(g);
}

void tl_gateway_unobserve (tl_gateway *g, tl_observer *o) {
  tl_observer **at = &g->news.observers;
  while (*at && *at != o) at = &(*at)->next;
  if (!*at) return;
  *at = o->next;
  for (struct tl_news_walk *w = g->news.walks; w; w = w->outer) {
    if (w->next == o) w->next = o->next;
  }
  o->next = NULL;
  count_listeners(g);
}

static tl_observer *step (struct tl_news_walk *w) {
  tl_observer *o = w->next;
  if (o) w->next = o->next;
  return o;
}

static void begin (tl_gateway *g, struct tl_news_walk *w) {
  w->next = g->news.observers;
  w->outer = g->news.walks;
  g->news.walks = w;
}

static void end (tl_gateway *g, const struct tl_news_walk *w) { g->news.walks = w->outer; }

bool tl_observers_settled (const tl_gateway *g) {
  bool all = true;
  for (const tl_observer *o = g->news.observers; o; o = o->next) {
    if (o->settled && !o->settled(o->ctx)) all = false;
  }
  return all;
}

void tl_gateway_settle (tl_gateway *g) { tl_gateway_ask_flush(g); }

void tl_notify_value (tl_gateway *g, tl_tag *t) {
  bool user = tl_has_functions(t);
  struct tl_news_walk w;
  begin(g, &w);
  for (tl_observer *o = step(&w); o; o = step(&w)) {
    if (o->value && (user || !o->acts)) o->value(o->ctx, t);
  }
  end(g, &w);
}

void tl_notify_message (tl_link *l, const tl_incoming *m, const tl_station *s, tl_fate fate) {
  tl_gateway *g = l->gateway;
  struct tl_news_walk w;
  begin(g, &w);
  for (tl_observer *o = step(&w); o; o = step(&w)) {
    if (o->message) o->message(o->ctx, l, m, s, fate);
  }
  end(g, &w);
}

void tl_notify_status (tl_gateway *g, tl_station *s, tl_station_status before) {
  struct tl_news_walk w;
  begin(g, &w);
  for (tl_observer *o = step(&w); o; o = step(&w)) {
    if (o->status && (s->user || !o->acts)) o->status(o->ctx, s, before);
  }
  end(g, &w);
}

void tl_notify_line (tl_link *l, bool up, const char *why) {
  tl_gateway *g = l->gateway;
  struct tl_news_walk w;
  begin(g, &w);
  for (tl_observer *o = step(&w); o; o = step(&w)) {
    if (o->line && (l->user || !o->acts)) o->line(o->ctx, l, up, why);
  }
  end(g, &w);
}
