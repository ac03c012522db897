/* What the last messages show: times that cannot be right and the mask that would, whatever day it
** is; lost digits, doubles, retained messages. The clock is the spec's. */
#include "support/torture.h"

#include "explain/examine.h"
#include "gateway/offline.h"
#include "net/loop.h"
#include "payload/time_support.h"

#define NOON INT64_C(1780833600000) /* 2026-06-07T12:00:00Z */
#define HOUR INT64_C(3600000)
#define A_DAY (24 * HOUR)

typedef struct {
  tl_loop *loop;
  tl_gateway *g;
  tl_buf out;
  const char *mask;
} world;

static void published (void *ctx, tl_link *l, tl_slice topic, tl_slice payload, uint8_t qos,
                       bool retain) {
  (void)ctx, (void)l, (void)topic, (void)payload, (void)qos, (void)retain;
}

static tl_tagdef def (const char *name, tl_type type, const char *address) {
  tl_tagdef d = { .name = name, .address = address, .type = type };
  assert_true(tl_address_parse(tl_slice_str(address), &d.kind, &d.path));
  return d;
}

/* A line with the filters "s" and "+", and a station "s" with this time mask. */
static void configure (world *w, const char *mask) {
  const tl_tagdef tags[] = { def("a", TL_AI, "JA=a"), def("c", TL_CI, "JA=c"),
                             def("t", TL_TIA, "JA=t") };
  tl_plan_spec spec = { .json = true,
                        .time_field = TL_LIT("ts"),
                        .time_mask = tl_slice_str(mask),
                        .zone = tl_zone_utc(),
                        .tags = tags,
                        .tag_count = 3 };
  tl_station_config station = { .spec = { .name = TL_LIT("s"), .address = TL_LIT("s") } };
  tl_line_config line = { .name = TL_LIT("p"), .stations = &station, .station_count = 1 };
  tl_config config = { .lines = &line, .line_count = 1 };
  tl_err err;
  tl_params_init(&line.params);
  line.params.recorder = line.params.max_packet_size = 65536;
  line.params.max_inflight = line.params.max_queued = line.params.receive_queue = 100;
  line.params.reconnect_delay = line.params.reconnect_delay_max = 10;
  assert_int_equal(tl_params_set_text(&line.params.client_id, TL_LIT("me")), TL_OK);
  assert_int_equal(tl_params_set_text(&line.params.offline_writes, TL_LIT("reject")), TL_OK);
  assert_int_equal(tl_params_add_text(&line.params.host, TL_LIT("h")), TL_OK);
  assert_int_equal(tl_params_add_text(&line.params.topic_filter, TL_LIT("s")), TL_OK);
  assert_int_equal(tl_params_add_text(&line.params.topic_filter, TL_LIT("+")), TL_OK);
  assert_int_equal(tl_plan_new(&station.spec.plan, &spec, &err), TL_OK);
  assert_int_equal(tl_gateway_apply(w->g, &config, NULL, NULL, NULL), TL_OK);
  tl_plan_unref(station.spec.plan);
  tl_offline_begin(w->g, published, NULL, 0, NOON);
}

static int set_up (void **state) {
  static const tl_handlers none;
  world *w = test_calloc(1, sizeof *w);
  assert_int_equal(tl_loop_new(&w->loop), 0);
  assert_int_equal(tl_gateway_new(&w->g, w->loop, &none, NULL), TL_OK);
  tl_buf_init(&w->out);
  *state = w;
  return 0;
}

static void stopped (void *ctx) { tl_loop_stop(((world *)ctx)->loop); }

static int tear_down (void **state) {
  world *w = *state;
  tl_gateway_stop(w->g, stopped, w);
  tl_loop_run(w->loop);
  tl_gateway_free(w->g);
  tl_loop_free(w->loop);
  tl_buf_fini(&w->out);
  test_free(w);
  return 0;
}

static void feed_bytes (world *w, tl_slice payload, int64_t at, bool retain) {
  tl_incoming m = {
    .topic = TL_LIT("s"), .payload = payload, .qos = 1, .id = 1, .retain = retain, .wall = at
  };
  tl_offline_fed fed;
  assert_int_equal(tl_offline_feed(w->g, TL_LIT("p"), &m, &fed, NULL), TL_OK);
}

static void feed (world *w, const char *payload, int64_t at, bool retain) {
  feed_bytes(w, tl_slice_str(payload), at, retain);
}

static void found (world *w, const char *expected) {
  tl_link *l = tl_line_link(tl_gateway_model(w->g)->lines[0]);
  tl_buf_clear(&w->out);
  assert_int_equal(tl_examine(l, NOON, &w->out), TL_OK);
  tl_buf_byte(&w->out, '\0');
  assert_string_equal((const char *)w->out.at, expected);
}

static void day_and_month_that_are_swapped (void **state) {
  world *w = *state;
  configure(w, "mm/dd/yyyy hh:mi:ss");
  feed(w, "{\"a\":1,\"ts\":\"07/06/2026 11:59:00\"}", NOON, false);
  found(w, "[{\"kind\":\"time\",\"station\":\"p.s\",\"value\":\"2026-07-06T11:59:00.000Z\","
           "\"behind\":-2505540,\"swapped\":\"dd/mm/yyyy hh:mi:ss\"}]");
  feed(w, "{\"a\":2,\"ts\":\"06/07/2026 11:59:00\"}", NOON, false);
  found(w, "[]");
}

static void seconds_and_milliseconds (void **state) {
  world *w = *state;
  configure(w, "UNIXMS");
  feed(w, "{\"a\":1,\"ts\":1780833600}", NOON, false);
  found(w, "[{\"kind\":\"time\",\"station\":\"p.s\",\"value\":\"1970-01-21T14:40:33.600Z\","
           "\"behind\":1779052766.4,\"fits\":\"UNIX\",\"epoch\":true}]");
}

static void days_ahead_and_behind (void **state) {
  world *w = *state;
  configure(w, "ISO8601");
  feed(w, "{\"a\":1,\"ts\":\"2026-06-07T12:09:00Z\"}", NOON, false);
  found(w, "[]");
  feed(w, "{\"a\":2,\"ts\":\"2026-06-07T12:11:00Z\"}", NOON, false);
  found(w, "[{\"kind\":\"time\",\"station\":\"p.s\",\"value\":\"2026-06-07T12:11:00.000Z\","
           "\"behind\":-660}]");
  feed(w, "{\"a\":3,\"ts\":\"2026-06-06T13:17:00Z\"}", NOON, false); /* sent late */
  found(w, "[]");
  feed(w, "{\"a\":4,\"ts\":\"2026-06-06T11:59:00Z\"}", NOON, false);
  found(w, "[{\"kind\":\"time\",\"station\":\"p.s\",\"value\":\"2026-06-06T11:59:00.000Z\","
           "\"behind\":86460}]");
}

static void a_zone_that_is_another_one (void **state) {
  world *w = *state;
  configure(w, "ISO8601");
  feed(w, "{\"a\":1,\"ts\":\"2026-06-07T07:00:30\"}", NOON, false);
  found(w, "[{\"kind\":\"time\",\"station\":\"p.s\",\"value\":\"2026-06-07T07:00:30.000Z\","
           "\"behind\":17970,\"zone\":true}]");
  feed(w, "{\"a\":2,\"ts\":\"2026-06-07T14:00:00\"}", NOON, false);
  found(w, "[{\"kind\":\"time\",\"station\":\"p.s\",\"value\":\"2026-06-07T14:00:00.000Z\","
           "\"behind\":-7200,\"zone\":true}]");
}

static void a_retained_message_may_be_old (void **state) {
  world *w = *state;
  configure(w, "ISO8601");
  feed(w, "{\"a\":1,\"ts\":\"2020-01-01T00:00:00Z\"}", NOON - HOUR, true);
  found(w, "[{\"kind\":\"retained\",\"station\":\"p.s\",\"seconds\":3600}]");
  feed(w, "{\"a\":1,\"ts\":\"2026-06-07T12:00:00Z\"}", NOON, false);
  found(w, "[]");
}

static void a_retained_message_that_is_ignored_tells_nothing (void **state) {
  world *w = *state;
  configure(w, "ISO8601");
  tl_gateway_model(w->g)->lines[0]->stations[0]->settings.ignore_retained = true;
  feed(w, "{\"a\":1,\"ts\":\"2026-06-07T15:00:00Z\"}", NOON, false);
  feed(w, "{\"a\":1,\"ts\":\"2030-01-01T00:00:00Z\"}", NOON, true);
  found(w, "[{\"kind\":\"time\",\"station\":\"p.s\",\"value\":\"2026-06-07T15:00:00.000Z\","
           "\"behind\":-10800,\"zone\":true}]");
}

static void a_retained_message_is_not_of_1970_or_of_tomorrow (void **state) {
  world *w = *state;
  configure(w, "UNIXMS");
  feed(w, "{\"a\":1,\"ts\":1780833600}", NOON, true);
  found(w, "[{\"kind\":\"time\",\"station\":\"p.s\",\"value\":\"1970-01-21T14:40:33.600Z\","
           "\"behind\":1779052766.4,\"fits\":\"UNIX\",\"epoch\":true},"
           "{\"kind\":\"retained\",\"station\":\"p.s\",\"seconds\":0}]");
}

/* What is known without its messages. */
static void known (world *w, int64_t arrival, const char *expected) {
  tl_line *line = tl_gateway_model(w->g)->lines[0];
  tl_buf_clear(&w->out);
  bool any = tl_examine_station(tl_line_link(line), line->stations[0], arrival, &w->out);
  assert_int_equal(any, expected[0] != '\0');
  tl_buf_byte(&w->out, '\0');
  assert_string_equal((const char *)w->out.at, expected);
}

static void times_whose_messages_are_not_recorded_any_more (void **state) {
  world *w = *state;
  configure(w, "UNIXMS");
  known(w, NOON, "");
  feed(w, "{\"a\":1,\"ts\":1780833600000}", NOON, false);
  known(w, NOON, "");
  feed(w, "{\"a\":2}", NOON, false);
  known(w, NOON, "{\"kind\":\"no_time\",\"station\":\"p.s\",\"field\":\"ts\"}");
  feed(w, "{\"a\":3,\"ts\":\"soon\"}", NOON, false);
  known(w, NOON, "{\"kind\":\"mask\",\"station\":\"p.s\",\"field\":\"ts\",\"mask\":\"UNIXMS\"}");
  feed(w, "{\"a\":4,\"ts\":1780833600}", NOON, false);
  known(w, NOON,
        "{\"kind\":\"time\",\"station\":\"p.s\",\"value\":\"1970-01-21T14:40:33.600Z\","
        "\"behind\":1779052766.4,\"epoch\":true}");
  feed(w, "{\"a\":5,\"c\":5,\"ts\":1780844400000}", NOON, false);
  known(w, NOON,
        "{\"kind\":\"time\",\"station\":\"p.s\",\"value\":\"2026-06-07T15:00:00.000Z\","
        "\"behind\":-10800,\"zone\":true}");
  /* old, as a retained one may be, and one whose fields are not all of its station */
  known(w, NOON + 3 * HOUR, "");
  known(w, NOON + 30 * A_DAY, "");
}

static void masks_that_do_not_fit (void **state) {
  world *w = *state;
  configure(w, "UNIX");
  feed(w, "{\"a\":1,\"ts\":1780833600000,\"t\":\"2026-06-07T12:00:00Z\"}", NOON, false);
  found(w, "[{\"kind\":\"mask\",\"station\":\"p.s\",\"raw\":\"1780833600000\",\"field\":\"ts\","
           "\"mask\":\"UNIX\",\"fits\":\"UNIXMS\"},"
           "{\"kind\":\"mask\",\"station\":\"p.s\",\"tag\":\"p.s.t\","
           "\"raw\":\"2026-06-07T12:00:00Z\",\"field\":\"JA=t\",\"mask\":\"UNIX\","
           "\"fits\":\"ISO8601\"}]");
  feed(w, "{\"a\":1}", NOON, false);
  feed(w, "{\"a\":2,\"ts\":1780833600}", NOON, false);
  found(w, "[]");
}

static void a_local_time_that_spring_leaves_out (void **state) {
  world *w = *state;
  tl_zone *zone = zone_of("Europe/Bratislava");
  tl_zone_set_name(zone, TL_LIT("Europe/Bratislava"));
  configure(w, "yyyy-mm-dd hh:mi");
  tl_gateway_model(w->g)->lines[0]->stations[0]->plan->rule.zone = zone;
  feed(w, "{\"a\":1,\"ts\":\"2026-03-29 02:30\"}", NOON, false);
  found(w, "[{\"kind\":\"mask\",\"station\":\"p.s\",\"raw\":\"2026-03-29 02:30\",\"field\":\"ts\","
           "\"mask\":\"yyyy-mm-dd hh:mi\",\"gap\":\"Europe/Bratislava\"}]");
  tl_zone_free(zone);
}

static void digits (void **state) {
  world *w = *state;
  configure(w, "UNIX");
  feed(w, "{\"a\":9007199254740993,\"c\":12.5,\"ts\":1780833600}", NOON, false);
  found(w, "[{\"kind\":\"rounded\",\"station\":\"p.s\",\"tag\":\"p.s.a\","
           "\"raw\":\"9007199254740993\",\"value\":9007199254740992,\"integer\":true},"
           "{\"kind\":\"rounded\",\"station\":\"p.s\",\"tag\":\"p.s.c\",\"raw\":\"12.5\","
           "\"value\":13}]");
  feed(w, "{\"a\":1,\"c\":-1e40,\"ts\":1780833600}", NOON, false);
  found(w, "[{\"kind\":\"saturated\",\"station\":\"p.s\",\"tag\":\"p.s.c\",\"raw\":\"-1e40\","
           "\"value\":-9223372036854775808}]");
  feed(w, "{\"a\":0.1,\"c\":\"-9223372036854775808\",\"ts\":1780833600}", NOON, false);
  found(w, "[]");
}

static void doubles (void **state) {
  world *w = *state;
  const char *same = "{\"a\":1,\"ts\":1780833600}";
  configure(w, "UNIX");
  feed(w, same, NOON - 5000, false);
  feed(w, same, NOON, false); /* seconds between them: the device said it twice */
  found(w, "[]");
  feed(w, same, NOON + 20, false);
  found(w, "[{\"kind\":\"doubled\",\"topic\":\"s\",\"filters\":[\"s\",\"+\"]}]");
}

static void compression (void **state) {
  world *w = *state;
  configure(w, "UNIX");
  feed(w, "\x1f\x8b\x08 and so on", NOON, false);
  found(w, "[{\"kind\":\"gzip\",\"station\":\"p.s\",\"raw\":\"gzip\"}]");
  feed(w, "no JSON", NOON, false);
  found(w, "[]");
  static const char *const others[][2] = { { "\x78\x9c so on", "zlib" },
                                           { "\x78\x01 so on", "zlib" },
                                           { "\x78\xda so on", "zlib" },
                                           { "\x28\xb5\x2f\xfd so on", "zstd" } };
  for (size_t i = 0; i < COUNT(others); i++) {
    char expected[100];
    feed(w, others[i][0], NOON, false);
    snprintf(expected, sizeof expected, "[{\"kind\":\"gzip\",\"station\":\"p.s\",\"raw\":\"%s\"}]",
             others[i][1]);
    found(w, expected);
  }
  feed(w, "\x1f\x8b", NOON, false); /* too short for any */
  found(w, "[]");
}

/* Each is known by its bytes; of those that are none, and of a number alone, nothing is said. */
static void either_order_of_utf_16 (void **state) {
  static const char little[] = "{\0\"\0", big[] = "\0{\0\"";
  world *w = *state;
  configure(w, "UNIX");
  for (int i = 0; i < 2; i++) {
    feed_bytes(w, tl_slice_of(i ? big : little, 4), NOON, false);
    found(w, "[{\"kind\":\"format\",\"station\":\"p.s\",\"raw\":\"UTF-16\",\"wanted\":\"JSON\"}]");
  }
}

static void documents_of_another_format (void **state) {
  static const struct {
    const char *payload, *raw;
  } rows[] = {
    { "\xa1\x61x\x05", "CBOR" },
    { "\x81\xa1x\x05", "MessagePack" },
    { "\xde\x01", NULL },
    { " <x>1</x>", "XML" },
    { "eyJ4IjoxfQ==", "base64" },
    { "Wy1dW10=", "base64" },
    { "eyJ4IjoxfQ=", NULL },
    { "7b2278223a317d", "hexadecimal" },
    { "5B5B315d5D", "hexadecimal" },
    { "7b2278223a317", NULL },
    { "7b2278223a31xx", NULL },
    { "eyJ4!joxfQ==", NULL },
    { "\xff\xfe{\x01\"\x01", "UTF-16" },
    { "  ", "empty" },
    { "{'x':1}", NULL },
    { "\xff", NULL },
  };
  world *w = *state;
  configure(w, "UNIX");
  for (size_t i = 0; i < COUNT(rows); i++) {
    char expected[120] = "[]";
    feed(w, rows[i].payload, NOON, false);
    if (rows[i].raw)
      snprintf(expected, sizeof expected,
               "[{\"kind\":\"format\",\"station\":\"p.s\",\"raw\":\"%s\",\"wanted\":\"JSON\"}]",
               rows[i].raw);
    found(w, expected);
  }
}

static void a_time_field_that_is_missing (void **state) {
  world *w = *state;
  configure(w, "");
  feed(w, "{\"a\":1}", NOON, false);
  found(w, "[{\"kind\":\"no_time\",\"station\":\"p.s\",\"field\":\"ts\"}]");
  feed(w, "{\"a\":1,\"ts\":\"x\"}", NOON, false);
  found(w, "[{\"kind\":\"mask\",\"station\":\"p.s\",\"raw\":\"x\",\"field\":\"ts\","
           "\"mask\":\"" TL_TIMEMASK_DEFAULT "\"}]");
}

static void what_is_the_same_again_is_no_double_if_it_is_told_so (void **state) {
  world *w = *state;
  const char *same = "{\"a\":1,\"ts\":1780833600}";
  configure(w, "UNIX");
  feed(w, same, NOON, true);
  feed(w, same, NOON, false); /* the retained one, and the live one */
  found(w, "[]");
  feed(w, "{\"a\":2,\"ts\":1780833600}", NOON, false);
  found(w, "[]");
}

/* A list that was begun is closed, whatever there was no memory for. */
static void without_memory_less_is_found (void **state) {
  world *w = *state;
  configure(w, "ISO8601");
  feed(w, "{\"a\":9007199254740993,\"ts\":\"2020-01-01T00:00:00Z\",\"t\":\"x\"}", NOON, false);
  tl_link *l = tl_line_link(tl_gateway_model(w->g)->lines[0]);
  for (torture_round t = { 0 }; torture_next(&t);) {
    tl_buf_fini(&w->out);
    memory_fails(t.at, t.for_ever);
    int rc = tl_examine(l, NOON, &w->out);
    memory_heals();
    assert_true(rc == TL_OK || (rc == TL_ENOMEM && memory_failed));
    if (rc != TL_OK) continue;
    assert_int_equal(w->out.at[0], '[');
    assert_int_equal(w->out.at[w->out.len - 1], ']');
  }
}

#define SPEC(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(day_and_month_that_are_swapped),
    SPEC(seconds_and_milliseconds),
    SPEC(days_ahead_and_behind),
    SPEC(a_zone_that_is_another_one),
    SPEC(a_retained_message_may_be_old),
    SPEC(a_retained_message_that_is_ignored_tells_nothing),
    SPEC(a_retained_message_is_not_of_1970_or_of_tomorrow),
    SPEC(times_whose_messages_are_not_recorded_any_more),
    SPEC(masks_that_do_not_fit),
    SPEC(a_local_time_that_spring_leaves_out),
    SPEC(digits),
    SPEC(doubles),
    SPEC(compression),
    SPEC(either_order_of_utf_16),
    SPEC(documents_of_another_format),
    SPEC(a_time_field_that_is_missing),
    SPEC(what_is_the_same_again_is_no_double_if_it_is_told_so),
    SPEC(without_memory_less_is_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
