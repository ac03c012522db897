/* A received message that finds no memory is not acknowledged: the session ends the connection, and
** the broker sends it again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/spare_memory.h"

#define malloc spare_malloc
#define free spare_free
#include "model/tag.c"
#undef malloc
#undef free

#include "gateway/link_impl.h"

typedef struct {
  tl_gateway g;
  tl_link link;
  tl_line *line;
  tl_station *station;
} world;

static tl_station *add_station (world *w) {
  tl_tagdef tag = { .name = "data", .address = "IN_DATA", .type = TL_TXTI };
  tl_plan_spec plan = { .tags = &tag, .tag_count = 1 };
  tl_station_spec spec = { .name = TL_LIT("s"), .address = TL_LIT("t") };
  tl_station *s;
  assert_true(tl_address_parse(tl_slice_str(tag.address), &tag.kind, &tag.path));
  assert_int_equal(tl_plan_new(&spec.plan, &plan, NULL), TL_OK);
  assert_int_equal(tl_line_add_station(w->line, &spec, 0, 0, &s), TL_OK);
  tl_plan_unref(spec.plan);
  return s;
}

static int set_up (void **state) {
  world *w = test_calloc(1, sizeof *w);
  tl_link *l = &w->link;
  assert_int_equal(tl_model_new(&w->g.model, NULL, NULL), TL_OK);
  assert_int_equal(tl_model_add_line(w->g.model, TL_LIT("l"), &w->line), TL_OK);
  w->station = add_station(w);
  l->gateway = &w->g;
  l->line = w->line;
  l->params.receive_queue = 10;
  assert_int_equal(tl_router_new(&l->routing.router, 10, 1000), TL_OK);
  assert_int_equal(tl_router_add(l->routing.router, TL_LIT("t"), w->station, NULL), TL_OK);
  tl_recorder_init(&l->recorder);
  *state = w;
  return 0;
}

static int tear_down (void **state) {
  world *w = *state;
  tl_recorder_fini(&w->link.recorder);
  tl_router_free(w->link.routing.router);
  tl_model_free(w->g.model);
  test_free(w);
  return 0;
}

static int message (world *w, const char *payload) {
  tl_message m = { .topic = TL_LIT("t"), .payload = tl_slice_str(payload), .id = 7, .qos = 1 };
  return tl_link_message(&w->link, &m);
}

static void a_value_without_memory_is_not_acknowledged (void **state) {
  world *w = *state;
  const tl_tag *t = &w->station->tags[0];
  countdown = 0;
  assert_int_equal(message(w, "a text that is longer than what there is room for"), TL_ENOMEM);
  countdown = -1;
  assert_int_not_equal(t->status, TL_VALID);
  assert_true(message(w, "again") >= 0); /* no flag sticks */
  assert_int_equal(t->status, TL_VALID);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_value_without_memory_is_not_acknowledged, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
