/* Observers: who hears what, in which order, and that any of them may leave while news are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/link_impl.h"

typedef struct {
  tl_gateway g;
  tl_line line;
  tl_link link;
  tl_station *station; /* with one tag */
  tl_buf heard;        /* a word each */
} world;

typedef struct {
  tl_observer o;
  world *w;
  const char *name;
  tl_observer *leaves; /* removed inside the next call; NULL: nobody */
  int again;           /* so many values more are told inside a call */
} listener;

static void told (listener *l, const char *what) {
  tl_buf_fmt(&l->w->heard, "%s:%s ", l->name, what);
  if (l->leaves) tl_gateway_unobserve(&l->w->g, l->leaves);
  l->leaves = NULL;
  if (l->again-- > 0) tl_notify_value(&l->w->g, &l->w->station->tags[0]);
}

static void on_value (void *ctx, tl_tag *t) {
  (void)t;
  told(ctx, "value");
}

static void on_message (void *ctx, tl_link *link, const tl_incoming *m, const tl_station *s,
                        tl_fate fate) {
  (void)link, (void)m, (void)s, (void)fate;
  told(ctx, "message");
}

static void on_status (void *ctx, tl_station *s, tl_station_status before) {
  (void)s, (void)before;
  told(ctx, "status");
}

static void on_line (void *ctx, tl_link *link, bool up, const char *why) {
  (void)link, (void)why;
  told(ctx, up ? "up" : "down");
}

static listener listens (world *w, const char *name) {
  return (listener){
    .w = w,
    .name = name,
    .o = { .value = on_value, .message = on_message, .status = on_status, .line = on_line },
  };
}

static void joins (listener *l) {
  l->o.ctx = l;
  tl_gateway_observe(&l->w->g, &l->o);
}

static int set_up (void **state) {
  world *w = test_calloc(1, sizeof *w);
  w->station = test_calloc(1, sizeof *w->station + sizeof w->station->tags[0]);
  w->line.user = &w->link;
  w->link.gateway = &w->g;
  w->link.line = &w->line;
  w->station->line = &w->line;
  w->station->tags[0].station = w->station;
  tl_buf_init(&w->heard);
  *state = w;
  return 0;
}

static int tear_down (void **state) {
  world *w = *state;
  tl_buf_fini(&w->heard);
  test_free(w->station);
  test_free(w);
  return 0;
}

static void heard (world *w, const char *words) {
  tl_buf_byte(&w->heard, '\0');
  assert_string_equal((const char *)w->heard.at, words);
  tl_buf_clear(&w->heard);
}

static void value (world *w) { tl_notify_value(&w->g, &w->station->tags[0]); }

static void those_that_act_come_last_and_only_where_there_are_functions (void **state) {
  world *w = *state;
  listener script = listens(w, "script"), page = listens(w, "page");
  script.o.acts = true;
  joins(&script);
  joins(&page);
  value(w);
  tl_notify_status(&w->g, w->station, TL_ST_ON);
  tl_notify_line(&w->link, true, "");
  heard(w, "page:value page:status page:up ");
  w->station->user = w;
  value(w);
  tl_notify_status(&w->g, w->station, TL_ST_ON);
  heard(w, "page:value script:value page:status script:status ");
  w->station->user = NULL;
  w->link.user = w;
  value(w);
  tl_notify_line(&w->link, false, "lost");
  heard(w, "page:value script:value page:down script:down ");
}

static void a_gateway_knows_whether_anybody_hears_messages (void **state) {
  world *w = *state;
  tl_incoming m = { .qos = 0 };
  listener a = listens(w, "a"), b = listens(w, "b");
  a.o.message = NULL;
  joins(&a);
  assert_false(w->g.news.listening);
  joins(&b);
  joins(&b); /* twice is once */
  assert_true(w->g.news.listening);
  tl_notify_message(&w->link, &m, NULL, TL_FATE_UNROUTED);
  heard(w, "b:message ");
  tl_gateway_unobserve(&w->g, &b.o);
  tl_gateway_unobserve(&w->g, &b.o);
  assert_false(w->g.news.listening);
}

static void any_may_leave_inside_a_call (void **state) {
  world *w = *state;
  for (int who = 0; who < 3; who++) {
    listener l[3] = { listens(w, "a"), listens(w, "b"), listens(w, "c") };
    for (int i = 0; i < 3; i++) joins(&l[i]);
    l[0].leaves = &l[who].o;
    value(w);
    heard(w, who == 0   ? "a:value b:value c:value "
             : who == 1 ? "a:value c:value "
                        : "a:value b:value ");
    value(w);
    heard(w, who == 0 ? "b:value c:value " : who == 1 ? "a:value c:value " : "a:value b:value ");
    for (int i = 0; i < 3; i++) tl_gateway_unobserve(&w->g, &l[i].o);
  }
}

static void one_that_leaves_in_an_inner_walk_is_not_called_by_the_outer (void **state) {
  world *w = *state;
  listener a = listens(w, "a"), b = listens(w, "b");
  joins(&a);
  joins(&b);
  a.again = 1;
  value(w);
  heard(w, "a:value a:value b:value b:value ");
  a.again = 1;
  b.leaves = &b.o;
  value(w);
  heard(w, "a:value a:value b:value ");
  assert_null(w->g.news.walks);
}

int main (void) {
#define SPEC(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
  const struct CMUnitTest tests[] = {
    SPEC(those_that_act_come_last_and_only_where_there_are_functions),
    SPEC(a_gateway_knows_whether_anybody_hears_messages),
    SPEC(any_may_leave_inside_a_call),
    SPEC(one_that_leaves_in_an_inner_walk_is_not_called_by_the_outer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
