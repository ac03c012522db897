/* spec/gateway/health_test.c — what a line remembers for status(): filters that were not granted,
** messages that were too long, echoes of our own messages. */
#include "support/torture.h"

#include "base/log.h"
#include "gateway/link_impl.h"

static tl_loop *loop;
static tl_gateway *gateway;
static tl_link *l;

static bool quiet (void *ctx, tl_log_level level, const char *text) {
  (void)ctx, (void)level, (void)text;
  return true;
}

static int set_up (void **state) {
  tl_line_config line = { .name = TL_LIT("plant") };
  tl_config config = { .lines = &line, .line_count = 1 };
  tl_line_params *p = &line.params;
  (void)state;
  tl_log_set_writer(quiet, NULL);
  assert_int_equal(tl_loop_new(&loop), TL_OK);
  assert_int_equal(tl_gateway_new(&gateway, loop, NULL, NULL), TL_OK);
  p->port = 1883;
  p->max_packet_size = 65536;
  p->max_inflight = p->max_queued = p->receive_queue = 100;
  assert_int_equal(tl_params_add_text(&p->host, TL_LIT("broker")), TL_OK);
  assert_int_equal(tl_gateway_apply(gateway, &config, NULL, NULL, NULL), TL_OK);
  l = tl_line_link(tl_gateway_model(gateway)->lines[0]);
  return 0;
}

static int tear_down (void **state) {
  (void)state;
  tl_gateway_free(gateway);
  tl_loop_free(loop);
  return 0;
}

static tl_link_health health (void) {
  tl_link_health h;
  tl_link_get_health(l, &h);
  return h;
}

static void filters_that_were_not_granted_are_kept (void **state) {
  (void)state;
  tl_subscription filters[12];
  uint8_t granted[12];
  for (size_t i = 0; i < COUNT(filters); i++) {
    filters[i] = (tl_subscription){ TL_LIT("a/#"), 1 };
    granted[i] = i == 0 ? 1 : 0x80;
  }
  granted[1] = 0; /* less than was asked for */
  tl_health_subscribed(l, filters, granted, COUNT(filters));
  assert_int_equal(health().kept->filter_count, 11);
  assert_int_equal(health().kept->filters[0].granted, 0);
  assert_int_equal(health().kept->filters[1].granted, 0x80);
  assert_string_equal(health().kept->filters[7].filter, "a/#"); /* as many as are kept */
  tl_health_subscribed(l, filters, granted, 1);
  assert_int_equal(health().kept->filter_count, 0);
}

/* Nobody acknowledges it: it may be what the broker does not take. */
static void a_close_after_a_message_at_qos_0_names_it (void **state) {
  (void)state;
  static const struct {
    size_t payload, packet;
  } sizes[] = { { 0, 5 },         { 124, 129 },         { 125, 131 },        { 16380, 16386 },
                { 16381, 16388 }, { 2097148, 2097155 }, { 2097149, 2097157 } };
  l->health.subscribed_at = 1; /* SUBACK came */
  tl_health_closed(l);
  assert_int_equal(health().kept->closed_on, TL_CLOSED_ON_CONNACK);
  for (size_t i = 0; i < COUNT(sizes); i++) {
    tl_health_sent_unacked(l, TL_LIT("a"), sizes[i].payload);
    tl_health_closed(l);
    assert_int_equal(health().kept->closed_on, TL_CLOSED_ON_QOS0);
    assert_string_equal(health().kept->closed_topic, "a");
    assert_int_equal(health().kept->closed_bytes, sizes[i].packet);
  }
  tl_health_connected(l); /* what an earlier connection sent is no reason */
  l->health.subscribed_at = 1;
  tl_health_closed(l);
  assert_int_equal(health().kept->closed_on, TL_CLOSED_ON_CONNACK);
}

static void a_topic_of_long_messages_is_logged_once (void **state) {
  (void)state;
  char topic[20];
  assert_true(tl_health_too_long(l, TL_LIT("a"), 5000));
  assert_false(tl_health_too_long(l, TL_LIT("a"), 6000));
  assert_int_equal(health().kept->too_long_size, 6000);
  for (int i = 1; i < TL_TOO_LONG_TOPICS; i++) {
    snprintf(topic, sizeof topic, "t/%d", i);
    assert_true(tl_health_too_long(l, tl_slice_str(topic), 1));
  }
  assert_false(tl_health_too_long(l, TL_LIT("one more"), 7));
  assert_string_equal(health().kept->too_long_topic, "one more");
}

static void an_echo_is_our_message_that_makes_us_publish (void **state) {
  (void)state;
  assert_false(tl_health_is_own(&l->health, TL_LIT("a")));
  tl_health_publish(l, TL_LIT("a"), NULL, tl_slice_of(NULL, 0));
  assert_true(tl_health_is_own(&l->health, TL_LIT("a")));
  assert_false(tl_health_is_own(&l->health, TL_LIT("b")));
  tl_health_publish(l, TL_LIT("b"), l, TL_LIT("other"));
  assert_int_equal(health().kept->echo.count, 0);
  tl_health_publish(l, TL_LIT("b"), l, TL_LIT("a"));
  tl_health_publish(l, TL_LIT("b"), l, TL_LIT("b"));
  assert_int_equal(health().kept->echo.count, 2);
  assert_string_equal(health().kept->echo.topic, "a");
  l->health.echo.last -= 60000; /* a pause ends it */
  tl_health_publish(l, TL_LIT("b"), l, TL_LIT("b"));
  assert_int_equal(health().kept->echo.count, 1);
  assert_string_equal(health().kept->echo.topic, "b");
}

static void without_memory_no_message_is_our_own (void **state) {
  (void)state;
  memory_fails(0, true);
  tl_health_publish(l, TL_LIT("a"), NULL, tl_slice_of(NULL, 0));
  memory_heals();
  assert_false(tl_health_is_own(&l->health, TL_LIT("a")));
  tl_health_publish(l, TL_LIT("a"), NULL, tl_slice_of(NULL, 0));
  assert_true(tl_health_is_own(&l->health, TL_LIT("a")));
}

#define SPEC(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(filters_that_were_not_granted_are_kept),
    SPEC(a_close_after_a_message_at_qos_0_names_it),
    SPEC(a_topic_of_long_messages_is_logged_once),
    SPEC(an_echo_is_our_message_that_makes_us_publish),
    SPEC(without_memory_no_message_is_our_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
