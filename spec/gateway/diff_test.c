/* spec/gateway/diff_test.c — each thing that a config may change is told by its name, and what was
** told is then applied: asked again, nothing is told. */
#include "support/spec.h"

#include "base/log.h"
#include "gateway/link_impl.h"
#include "gateway/offline.h"

static tl_loop *loop;
static tl_gateway *gateway;
static tl_buf said;
static tl_zone *zone;

/* What a config may say of one station with two tags, on one line. */
typedef struct {
  tl_tagdef tags[3];
  size_t tag_count;
  tl_plan_spec plan;
  tl_station_spec station;
  tl_line_params params;
} wish;

static const tl_word words[] = { { 1, { (const uint8_t *)"an", 2 } } };

static tl_tagdef tag (const char *name, const char *address, tl_type type) {
  tl_tagdef d = { .name = name, .address = address, .type = type, .unit = "K", .description = "d" };
  assert_true(tl_address_parse(tl_slice_str(address), &d.kind, &d.path));
  return d;
}

static void wish_init (wish *w) {
  *w = (wish){ .tag_count = 2 };
  w->params = (tl_line_params){ .port = 1883, .max_packet_size = 65536, .max_inflight = 10 };
  w->params.max_queued = w->params.receive_queue = 10;
  w->tags[0] = tag("v", "JA=v", TL_AI);
  w->tags[1] = tag("out", "OUT_VALUE", TL_AO);
  w->tags[1].has_default = true;
  w->plan = (tl_plan_spec){ .json = true, .time_field = TL_LIT("ts") };
  w->station = (tl_station_spec){ .name = TL_LIT("s"),
                                  .address = TL_LIT("a/(?<x>.)"),
                                  .will_topic = TL_LIT("w"),
                                  .will_payload = TL_LIT("dead"),
                                  .birth_payload = TL_LIT("alive"),
                                  .is_template = true,
                                  .settings.max_instances = 5 };
}

/* --- what may change --- */

static void change_tag_numbers (tl_tagdef *d, int which) {
  switch (which) {
    case 0: d->linear_k = 2; break;
    case 1: d->linear_q = 2; break;
    case 2: d->range_min = -1; break;
    case 3: d->range_max = 7; break;
    case 4: d->deadband = 0.5; break;
    case 5: d->history.deadband = 0.5; break;
    case 6: d->history.silence_ms = 1000; break;
    case 7: d->history.keep_ms = 1000; break;
    default: d->default_value.number = 4; break;
  }
}

static void change_tag_words (tl_tagdef *d, int which) {
  switch (which) {
    case 0: *d = tag("v", "JA=w", TL_AI); break;
    case 1: d->type = TL_CI; break;
    case 2: d->unit = "°C"; break;
    case 3: d->unit = NULL; break;
    case 4: d->description = "other"; break;
    case 5: d->out_of_range = TL_RANGE_CLAMP; break;
    case 6: d->on_missing = TL_MISSING_KEEP; break;
    case 7: d->has_linear = true; break;
    case 8: d->has_range = true; break;
    case 9: d->new_value_on_time_change = true; break;
    case 10: d->history.off = true; break;
    case 11: d->words.comma = true; break;
    default: d->words = (tl_text_rule){ .words = words, .count = 1 }; break;
  }
}

enum { NUMBERS = 9, WORDS = 13 };

static const char *change_plan (wish *w, int which) {
  static const uint8_t steps[] = { TL_PREPARE_FUNCTION };
  switch (which) {
    case 0: w->plan.format = TL_DOC_CBOR; return "payload_type";
    case 1:
      w->plan.json = false, w->tags[0] = tag("v", "IN_DATA", TL_AI);
      return "tag 'v', payload_type";
    case 2: w->plan.prepare = steps, w->plan.prepare_count = 1; return "prepare";
    case 3: w->plan.time_field = TL_LIT("time"); return "time_field_name";
    case 4: w->plan.time_mask = TL_LIT("UNIX"); return "time_mask";
    case 5: w->plan.zone = zone; return "time_zone";
    case 6: w->plan.ignore_missing_time = true; return "ignore_missing_time";
    case 7: w->tag_count = 1; return "tag 'out' removed";
    case 8: w->tags[w->tag_count++] = tag("more", "JA=m", TL_AI); return "tag 'more' added";
    case 9: {
      tl_tagdef first = w->tags[0];
      w->tags[0] = w->tags[1];
      w->tags[1] = first;
      return "order of tags";
    }
    default: return NULL;
  }
}

static const char *change_station (wish *w, int which) {
  tl_station_spec *s = &w->station;
  switch (which) {
    case 0: s->address = TL_LIT("b/(?<x>.)"); return "address";
    case 1: s->will_topic = TL_LIT("v"); return "station_will_topic";
    case 2: s->will_payload = TL_LIT("gone"); return "station_will_payload";
    case 3: s->birth_payload = TL_LIT("here"); return "station_birth_payload";
    case 4: s->birth_payload = tl_slice_of(NULL, 0); return "station_birth_payload";
    case 5:
      s->will_topic = tl_slice_of(NULL, 0);
      return "station_will_topic, station_will_payload, station_birth_payload";
    case 6: s->settings.time_filter_ms = 3; return "time_filter";
    case 7: s->settings.no_data_ms = 3; return "no_data_timeout";
    case 8: s->settings.ignore_retained = true; return "ignore_retained";
    case 9: s->settings.max_instances = 6; return "max_instances";
    case 10: s->settings.off = true; return "off";
    default: return NULL;
  }
}

/* --- telling and applying --- */

static void heard (void *ctx, const char *change) {
  (void)ctx;
  tl_buf_fmt(&said, "%s\n", change);
}

static void run (const wish *w, bool dry) {
  tl_station_config station = { .spec = w->station };
  tl_line_config line = {
    .name = TL_LIT("one"), .params = w->params, .stations = &station, .station_count = 1
  };
  tl_config config = { .lines = &line, .line_count = 1 };
  tl_plan_spec plan = w->plan;
  tl_err err = { .text = "" };
  plan.tags = w->tags;
  plan.tag_count = w->tag_count;
  tl_plan_pool *pool = tl_gateway_model(gateway)->plans;
  if (tl_plan_pool_get(pool, &station.spec.plan, &plan, &err) != TL_OK) fail_msg("%s", err.text);
  assert_int_equal(tl_params_add_text(&line.params.host, TL_LIT("127.0.0.1")), TL_OK);
  tl_buf_clear(&said);
  int rc = dry ? tl_gateway_compare(gateway, &config, heard, NULL)
               : tl_gateway_apply(gateway, &config, heard, NULL, &err);
  if (rc != TL_OK) fail_msg("%s", err.text);
  tl_params_fini(&line.params);
  tl_plan_unref(station.spec.plan);
  tl_buf_byte(&said, '\0');
}

/* From a first config to w: told, applied, and then the same. */
static void tells (const wish *w, const char *what) {
  char expected[200];
  wish first;
  wish_init(&first);
  run(&first, false);
  run(&first, true);
  assert_string_equal((const char *)said.at, "");
  snprintf(expected, sizeof expected, "station 'one.s' changed: %s\n", what);
  run(w, true);
  assert_string_equal((const char *)said.at, expected);
  run(w, false);
  assert_string_equal((const char *)said.at, expected);
  run(w, true);
  assert_string_equal((const char *)said.at, "");
}

static void each_change_of_a_tag_is_told (void **state) {
  (void)state;
  wish w;
  for (int which = 0; which < WORDS; which++) {
    wish_init(&w);
    change_tag_words(&w.tags[0], which);
    tells(&w, "tag 'v'");
  }
  for (int which = 0; which < NUMBERS; which++) {
    wish_init(&w);
    change_tag_numbers(&w.tags[1], which);
    tells(&w, "tag 'out'");
  }
  wish_init(&w);
  w.tags[1].has_default = false;
  tells(&w, "tag 'out'");
}

static void each_change_of_a_plan_or_a_station_is_told (void **state) {
  (void)state;
  const char *what;
  wish w;
  for (int which = 0; wish_init(&w), (what = change_plan(&w, which)); which++) tells(&w, what);
  for (int which = 0; wish_init(&w), (what = change_station(&w, which)); which++) tells(&w, what);
}

/* Each row of TL_STATION_SETTINGS: no change of a parameter is left out at a reload. */
static void each_setting_is_compared_by_its_row (void **state) {
  (void)state;
  wish w;
  for (const tl_setting_field *f = tl_setting_fields; f->name; f++) {
    wish_init(&w);
    tl_setting_set(&w.station.settings, f, 7);
    tells(&w, f->name);
  }
}

static void a_station_that_makes_none_ignores_the_counts_of_templates_alone (void **state) {
  (void)state;
  for (const tl_setting_field *f = tl_setting_fields; f->name; f++) {
    wish w;
    wish_init(&w);
    w.station.address = TL_LIT("a/b");
    w.station.is_template = false;
    run(&w, false);
    tl_setting_set(&w.station.settings, f, 7);
    run(&w, true);
    bool ignored = f->kind == TL_SETTING_COUNT && f->of_template;
    assert_int_equal(strstr((const char *)said.at, f->name) == NULL, ignored);
  }
}

static void what_is_too_much_for_a_line_of_text_is_counted (void **state) {
  (void)state;
  wish w;
  wish_init(&w);
  for (int which = 0; which < 4; which++) change_station(&w, which);
  for (int which = 6; which < 10; which++) change_station(&w, which);
  tells(&w,
        "address, station_will_topic, station_will_payload, station_birth_payload, time_filter, "
        "no_data_timeout and 2 more");
}

static void changes_of_parameters_are_told (void **state) {
  (void)state;
  wish w;
  wish_init(&w);
  run(&w, false);
  w.params.keep_alive = 7;
  w.params.port = 1884;
  run(&w, false);
  assert_string_equal((const char *)said.at, "line 'one' changed: port, keep_alive\n");
  run(&w, true);
  assert_string_equal((const char *)said.at, "");
}

static void lines_and_stations_come_and_go (void **state) {
  (void)state;
  wish w;
  wish_init(&w);
  run(&w, true);
  assert_string_equal((const char *)said.at, "line 'one' added\n");
  run(&w, false);
  w.station.name = TL_LIT("t");
  run(&w, false);
  assert_string_equal((const char *)said.at, "station 'one.s' removed\nstation 'one.t' added\n");
  tl_buf_clear(&said);
  tl_config none = { .line_count = 0 };
  assert_int_equal(tl_gateway_apply(gateway, &none, heard, NULL, NULL), TL_OK);
  tl_buf_byte(&said, '\0');
  assert_string_equal((const char *)said.at, "line 'one' removed\n");
}

static bool note_pause (void *ctx, bool now) {
  (void)ctx, (void)now;
  tl_buf_fmt(&said, "%u ", (unsigned)tl_gateway_model(gateway)->line_count);
  return true;
}

/* before_disconnect of each may take long: others go on between two. */
static void lines_that_go_do_so_one_after_the_other (void **state) {
  (void)state;
  tl_line_config lines[3] = { { .name = TL_LIT("a") },
                              { .name = TL_LIT("b") },
                              { .name = TL_LIT("c") } };
  tl_config config = { .lines = lines, .line_count = 3 }, none = { .pause = note_pause };
  wish w;
  wish_init(&w);
  for (int i = 0; i < 3; i++) {
    lines[i].params = w.params;
    assert_int_equal(tl_params_add_text(&lines[i].params.host, TL_LIT("127.0.0.1")), TL_OK);
  }
  assert_int_equal(tl_gateway_apply(gateway, &config, NULL, NULL, NULL), TL_OK);
  assert_int_equal(tl_gateway_apply(gateway, &none, NULL, NULL, NULL), TL_OK);
  tl_buf_byte(&said, '\0');
  assert_string_equal((const char *)said.at, "2 1 0 ");
}

static int begin (void **state) {
  (void)state;
  tl_buf_init(&said);
  if (tl_loop_new(&loop) != TL_OK || tl_zone_fixed(&zone, 3600) != TL_OK) return -1;
  return tl_gateway_new(&gateway, loop, NULL, NULL);
}

static int end (void **state) {
  (void)state;
  tl_gateway_free(gateway);
  tl_loop_free(loop);
  tl_zone_free(zone);
  tl_buf_fini(&said);
  return 0;
}

#define SPEC(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(each_change_of_a_tag_is_told),
    SPEC(each_change_of_a_plan_or_a_station_is_told),
    SPEC(each_setting_is_compared_by_its_row),
    SPEC(a_station_that_makes_none_ignores_the_counts_of_templates_alone),
    SPEC(what_is_too_much_for_a_line_of_text_is_counted),
    SPEC(changes_of_parameters_are_told),
    SPEC(lines_and_stations_come_and_go),
    SPEC(lines_that_go_do_so_one_after_the_other),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
