/* What /metrics gathers over some turns: lines may come and go between them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/loop.h"
#include "script/host.h"
#include "web/facts.h"
#include "web/web_impl.h"

typedef struct {
  tl_loop *loop;
  tl_gateway *g;
  tl_script *script;
  tl_web web;
} world;

static void add_line (tl_line_config *out, const char *name) {
  *out = (tl_line_config){ .name = tl_slice_str(name) };
  tl_params_init(&out->params);
  out->params.max_packet_size = 65536;
  out->params.max_inflight = out->params.max_queued = out->params.receive_queue = 100;
  assert_int_equal(tl_params_set_text(&out->params.client_id, tl_slice_str(name)), TL_OK);
  assert_int_equal(tl_params_set_text(&out->params.offline_writes, TL_LIT("reject")), TL_OK);
  assert_int_equal(tl_params_add_text(&out->params.host, TL_LIT("h")), TL_OK);
}

static void configure (world *w, const char *first, const char *second) {
  tl_line_config lines[2];
  tl_config config = { .lines = lines, .line_count = 2 };
  add_line(&lines[0], first);
  add_line(&lines[1], second);
  assert_int_equal(tl_gateway_apply(w->g, &config, NULL, NULL, NULL), TL_OK);
}

static int set_up (void **state) {
  static const tl_handlers none;
  world *w = test_calloc(1, sizeof *w);
  const tl_script_options options = { .lua_dir = LUA_DIR };
  tl_err err;
  assert_int_equal(tl_loop_new(&w->loop), 0);
  assert_int_equal(tl_gateway_new(&w->g, w->loop, &none, NULL), TL_OK);
  assert_int_equal(tl_script_new(&w->script, &options, &err), TL_OK);
  w->web = (tl_web){ .loop = w->loop, .gateway = w->g, .script = w->script };
  *state = w;
  return 0;
}

static void stopped (void *ctx) { tl_loop_stop(((world *)ctx)->loop); }

static int tear_down (void **state) {
  world *w = *state;
  tl_metrics_free(&w->web);
  tl_gateway_stop(w->g, stopped, w);
  tl_loop_run(w->loop);
  tl_gateway_free(w->g);
  tl_script_free(w->script);
  tl_loop_free(w->loop);
  test_free(w);
  return 0;
}

static bool at_once (const tl_web *w) {
  (void)w;
  return true;
}

/* As a reload does over some turns: as many lines as before, but not the same ones. */
static void a_line_that_went_for_another_is_not_looked_at (void **state) {
  world *w = *state;
  tl_facts f = { .lines = NULL };
  configure(w, "a", "b");
  assert_int_equal(tl_facts_gather(&f, &w->web, at_once), 0);
  configure(w, "b", "c");
  while (tl_facts_gather(&f, &w->web, at_once) == 0) continue;
  assert_int_equal(f.count, 2);
  assert_true(tl_slice_eq(f.lines[0].name, TL_LIT("b")));
  assert_true(tl_slice_eq(f.lines[1].name, TL_LIT("c")));
  tl_facts_fini(&f);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_line_that_went_for_another_is_not_looked_at, set_up,
                                    tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
