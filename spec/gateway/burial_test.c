/* spec/gateway/burial_test.c — lines that are gone: their stations are freed, also those of a line
** that goes while functions of another one are released. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "gateway/link_impl.h"

static tl_loop *loop;
static tl_gateway *gateway;
static int released, functions; /* each station has functions, and so has the line */

static bool quiet (void *ctx, tl_log_level level, const char *text) {
  (void)ctx, (void)level, (void)text;
  return true;
}

static tl_line *line_called (const char *name) {
  const tl_model *m = tl_gateway_model(gateway);
  for (uint32_t i = 0; i < m->line_count; i++)
    if (strcmp(m->lines[i]->name, name) == 0) return m->lines[i];
  return NULL;
}

/* The first function that goes takes the other line along. */
static void on_release (void *ctx, void *user) {
  (void)ctx, (void)user;
  released++;
  tl_line *other = line_called("other");
  if (other) tl_link_free(other->user);
}

static void apply_two_lines (void) {
  tl_line_config lines[2] = { { .name = TL_LIT("one") }, { .name = TL_LIT("other") } };
  tl_config config = { .lines = lines, .line_count = 2 };
  tl_station_config stations[2] = { { .user = &functions }, { .user = &functions } };
  tl_plan_spec plan = { .json = true };
  tl_err err = { .text = "" };
  tl_plan_pool *pool = tl_gateway_model(gateway)->plans;
  for (int i = 0; i < 2; i++) {
    stations[i].spec = (tl_station_spec){ .name = TL_LIT("s"), .address = TL_LIT("a") };
    assert_int_equal(tl_plan_pool_get(pool, &stations[i].spec.plan, &plan, &err), TL_OK);
    lines[i].params = (tl_line_params){ .port = 1883, .max_packet_size = 65536 };
    lines[i].params.max_inflight = lines[i].params.max_queued = lines[i].params.receive_queue = 10;
    assert_int_equal(tl_params_add_text(&lines[i].params.host, TL_LIT("127.0.0.1")), TL_OK);
    lines[i].stations = &stations[i];
    lines[i].station_count = 1;
  }
  if (tl_gateway_apply(gateway, &config, NULL, NULL, &err) != TL_OK) fail_msg("%s", err.text);
  for (int i = 0; i < 2; i++) {
    tl_params_fini(&lines[i].params);
    tl_plan_unref(stations[i].spec.plan);
  }
}

static void a_line_may_go_while_functions_of_another_are_released (void **state) {
  static const tl_handlers handlers = { .release = on_release };
  (void)state;
  tl_log_set_writer(quiet, NULL);
  assert_int_equal(tl_loop_new(&loop), TL_OK);
  assert_int_equal(tl_gateway_new(&gateway, loop, &handlers, NULL), TL_OK);
  apply_two_lines();
  tl_link_free(line_called("one")->user);
  tl_loop_run(loop);
  assert_int_equal(released, 2);
  assert_null(gateway->gone);
  tl_gateway_free(gateway);
  tl_loop_free(loop);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_line_may_go_while_functions_of_another_are_released),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
