/* spec/gateway/torture_test.c — each request for memory of the gateway fails in turn, once and
** for ever: while a config is applied or changed, a message makes a device's station, and a value
** is written. Who asks again gets what was wanted, and nothing old stays that should have gone. */
#include "support/torture.h"

#include "base/log.h"
#include "gateway/link_impl.h"
#include "gateway/offline.h"

static tl_loop *loop;
static tl_gateway *gateway;
static char published[400]; /* "topic=payload " each */

/* --- configs --- */

typedef struct {
  const char *name, *address, *will, *birth;
  const char *tags[4]; /* "name ADDRESS" or "name ADDRESS default" */
} station_row;

typedef struct {
  const char *name, *filters[3];
  int64_t keep_alive;
  station_row stations[5];
} line_row;

static const line_row before[] = {
  { "one",
    { "a/#", "dev/#" },
    60,
    { { "left",
        "a/left",
        "a/will",
        "up",
        { "v IN_DATA", "topic OUT_TOPIC a/set", "out OUT_VALUE" } },
      { "right", "a/right", NULL, NULL, { "v IN_DATA" } },
      { "goes", "a/goes", "a/will", NULL, { "v IN_DATA" } },
      { "d-{dev}",
        "dev/(?<dev>[^/]+)",
        "dev/{dev}/will",
        "b-{dev}",
        { "v IN_DATA", "name OUT_TOPIC dev/{dev}/set" } } } },
  { "two", { "#" }, 60, { { "all", "#", NULL, NULL, { "v IN_DATA" } } } },
};

/* Stations have exchanged their addresses, and tags, wills, lines have come and gone. */
static const line_row after[] = {
  { "one",
    { "a/#", "dev/#", "more" },
    30,
    { { "left", "a/right", NULL, "up", { "v IN_DATA", "topic OUT_TOPIC a/other", "w IN_TOPIC" } },
      { "right", "a/left", "a/will", NULL, { "v IN_DATA" } },
      { "comes", "more", NULL, NULL, { "v IN_DATA" } },
      { "d-{dev}", "dev/(?<dev>.+)", "dev/{dev}/gone", NULL, { "v IN_DATA", "w RE=(.)" } } } },
  { "three", { "#" }, 60, { { "rest", ".*", NULL, NULL, { "v IN_DATA" } } } },
};

enum { LINES = 2, STATIONS = 5, TAGS = 4 };

typedef struct {
  tl_config config;
  tl_line_config lines[LINES];
  tl_station_config stations[LINES][STATIONS];
} built;

static tl_slice slice_or_none (const char *text) {
  return text ? tl_slice_str(text) : tl_slice_of(NULL, 0);
}

static tl_tagdef tag_of (const char *row) {
  static char texts[3 * TAGS][40];
  static int used;
  char *name = texts[used++ % COUNT(texts)], *address = texts[used++ % COUNT(texts)];
  char *text = texts[used++ % COUNT(texts)];
  text[0] = '\0';
  assert_true(sscanf(row, "%39s %39s %39s", name, address, text) >= 2);
  tl_tagdef d = { .name = name, .address = address, .type = TL_TXTI };
  assert_true(tl_address_parse(tl_slice_str(address), &d.kind, &d.path));
  if (d.kind == TL_ADDRESS_OUT_TOPIC || d.kind == TL_ADDRESS_OUT_VALUE) d.type = TL_TXTO;
  d.has_default = text[0];
  d.default_value.text = tl_slice_str(text);
  return d;
}

static tl_plan *plan_of (const station_row *row) {
  tl_tagdef tags[TAGS];
  tl_plan_spec spec = { .tags = tags };
  tl_plan *plan = NULL;
  tl_err err = { .text = "" };
  while (spec.tag_count < TAGS && row->tags[spec.tag_count]) {
    tags[spec.tag_count] = tag_of(row->tags[spec.tag_count]);
    spec.tag_count++;
  }
  if (tl_plan_pool_get(tl_gateway_model(gateway)->plans, &plan, &spec, &err) != TL_OK)
    fail_msg("%s", err.text);
  return plan;
}

static void build_line (built *b, int i, const line_row *row) {
  tl_line_config *line = &b->lines[i];
  tl_line_params *p = &line->params;
  *line = (tl_line_config){ .name = tl_slice_str(row->name), .stations = b->stations[i] };
  p->port = 1883;
  p->keep_alive = row->keep_alive;
  p->max_packet_size = 65536;
  p->max_inflight = p->max_queued = p->receive_queue = 100;
  p->recorder = 4096;
  assert_int_equal(tl_params_set_text(&p->offline_writes, TL_LIT("reject")), TL_OK);
  assert_int_equal(tl_params_add_text(&p->host, TL_LIT("127.0.0.1")), TL_OK);
  for (int k = 0; k < 3 && row->filters[k]; k++)
    assert_int_equal(tl_params_add_text(&p->topic_filter, tl_slice_str(row->filters[k])), TL_OK);
  for (const station_row *s = row->stations; s->name; s++)
    b->stations[i][line->station_count++].spec =
        (tl_station_spec){ .name = tl_slice_str(s->name),
                           .address = tl_slice_str(s->address),
                           .will_topic = slice_or_none(s->will),
                           .birth_payload = slice_or_none(s->birth),
                           .is_template = strchr(s->name, '{'),
                           .plan = plan_of(s),
                           .settings.max_instances = 10 };
}

static void build (built *b, const line_row *rows) {
  *b = (built){ .config = { .lines = b->lines, .line_count = LINES } };
  for (int i = 0; i < LINES; i++) build_line(b, i, &rows[i]);
}

static void drop (built *b) {
  for (int i = 0; i < LINES; i++) {
    tl_params_fini(&b->lines[i].params);
    for (size_t k = 0; k < b->lines[i].station_count; k++)
      tl_plan_unref(b->stations[i][k].spec.plan);
  }
}

static void ignore (void *ctx, const char *change) { (void)ctx, (void)change; }

static int apply (const line_row *rows, tl_err *err) {
  bool spared = memory_is_spared;
  built b;
  memory_is_spared = true;
  build(&b, rows);
  memory_is_spared = spared;
  int rc = tl_gateway_apply(gateway, &b.config, ignore, NULL, err);
  memory_is_spared = true;
  drop(&b);
  memory_is_spared = spared;
  return rc;
}

/* --- what runs --- */

static void on_published (void *ctx, tl_link *l, tl_slice topic, tl_slice payload, uint8_t qos,
                          bool retain) {
  size_t n = strlen(published);
  (void)ctx, (void)l, (void)qos, (void)retain;
  snprintf(published + n, sizeof published - n, "%.*s=%.*s ", TL_ARG(topic), TL_ARG(payload));
}

static void feed (const char *line, const char *topic, const char *payload) {
  tl_incoming m = { .topic = tl_slice_str(topic),
                    .payload = tl_slice_str(payload),
                    .now = tl_loop_now(loop),
                    .wall = 1700000000000 };
  tl_offline_fed fed;
  tl_err err = { .text = "" };
  if (tl_offline_feed(gateway, tl_slice_str(line), &m, &fed, &err) != TL_OK)
    fail_msg("%s: %s", topic, err.text);
}

static tl_tag *tag (const char *name) {
  return tl_model_tag(tl_gateway_model(gateway), tl_slice_str(name));
}

static bool holds (const char *name, const char *text) {
  const tl_tag *t = tag(name);
  return t && t->status == TL_VALID && tl_slice_eq(t->value.text, tl_slice_str(text));
}

/* Each message reaches this tag, and no other. */
typedef struct {
  const char *line, *topic, *tag;
} way;

static void go (const way *ways, size_t n) {
  static int number;
  char text[16];
  for (size_t i = 0; i < n; i++) {
    snprintf(text, sizeof text, "m%d", ++number);
    feed(ways[i].line, ways[i].topic, text);
    if (!holds(ways[i].tag, text)) fail_msg("%s is not in %s", ways[i].topic, ways[i].tag);
  }
}

static void is_before (void) {
  static const way ways[] = {
    { "one", "a/left", "one.left.v" }, { "one", "a/right", "one.right.v" },
    { "one", "a/goes", "one.goes.v" }, { "one", "dev/a", "one.d-a.v" },
    { "one", "dev/b", "one.d-b.v" },   { "two", "x/y/z", "two.all.v" },
    { "one", "dev/a", "one.d-a.v" },
  };
  go(ways, COUNT(ways));
  feed("one", "a/will", "down");
  assert_int_equal(tag("one.left.v")->status, TL_INVALID);
  assert_int_equal(tag("one.goes.v")->status, TL_INVALID);
  assert_int_equal(tag("one.right.v")->status, TL_VALID);
}

static void is_after (void) {
  static const way ways[] = {
    { "one", "a/left", "one.right.v" }, { "one", "a/right", "one.left.v" },
    { "one", "more", "one.comes.v" },   { "one", "dev/a", "one.d-a.v" },
    { "one", "dev/b", "one.d-b.v" },    { "one", "dev/c/d", "one.d-c%2Fd.v" },
    { "three", "x/y", "three.rest.v" },
  };
  go(ways, COUNT(ways));
  assert_null(tl_model_station(tl_gateway_model(gateway), TL_LIT("one.goes")));
  assert_null(tl_model_line(tl_gateway_model(gateway), TL_LIT("two")));
  feed("one", "a/will", "down");
  assert_int_equal(tag("one.right.v")->status, TL_INVALID);
  assert_int_equal(tag("one.left.v")->status, TL_VALID);
  feed("one", "dev/b/gone", "");
  assert_int_equal(tag("one.d-b.v")->status, TL_INVALID);
}

static void offline (void) {
  tl_offline_begin(gateway, on_published, NULL, tl_loop_now(loop), 1700000000000);
}

static void begin (void) {
  tl_err err = { .text = "" };
  published[0] = '\0';
  memory_is_spared = true;
  assert_int_equal(tl_gateway_new(&gateway, loop, NULL, NULL), TL_OK);
  if (apply(before, &err) != TL_OK) fail_msg("%s", err.text);
  offline();
  memory_is_spared = false;
}

static int end (int rc) {
  tl_gateway_free(gateway);
  gateway = NULL;
  return rc;
}

/* --- attempts --- */

static int start (void *unused) {
  tl_err err = { .text = "" };
  (void)unused;
  gateway = NULL;
  int rc = tl_gateway_new(&gateway, loop, NULL, NULL);
  if (rc != TL_OK) {
    memory_heals();
    assert_null(gateway);
    return rc;
  }
  rc = apply(before, &err);
  memory_heals();
  if (rc != TL_OK) {
    if (!strstr(err.text, "no memory")) fail_msg("%d: \"%s\"", rc, err.text);
    assert_int_equal(apply(before, &err), TL_OK);
  }
  offline();
  is_before();
  return end(rc);
}

static int change (void *unused) {
  tl_err err = { .text = "" };
  (void)unused;
  begin();
  memory_is_spared = true;
  is_before();
  memory_is_spared = false;
  int rc = apply(after, &err);
  memory_heals();
  if (rc != TL_OK) {
    if (!strstr(err.text, "no memory")) fail_msg("%d: \"%s\"", rc, err.text);
    assert_int_equal(apply(after, &err), TL_OK);
  }
  offline();
  is_after();
  return end(rc);
}

/* What was fed while memory failed is there, or the broker must send it again. */
static int device (void *unused) {
  const tl_link *l;
  (void)unused;
  begin();
  l = tl_line_link(tl_model_line(tl_gateway_model(gateway), TL_LIT("one")));
  feed("one", "dev/new", "1");
  memory_heals();
  int rc = l->routing.no_memory ? TL_ENOMEM : TL_OK;
  if (rc == TL_OK) assert_true(holds("one.d-new.v", "1"));
  feed("one", "dev/new", "2");
  assert_true(holds("one.d-new.v", "2"));
  assert_true(holds("one.d-new.name", "dev/new/set"));
  feed("one", "dev/new/will", "");
  assert_int_equal(tag("one.d-new.v")->status, TL_INVALID);
  return end(rc);
}

static void on_written (void *ctx, int result, const char *why) {
  assert_int_equal(result, TL_OK);
  assert_string_equal(why, "");
  ++*(int *)ctx;
}

static void stop (void *ctx) { tl_loop_stop(ctx); }

static void turn (void) {
  for (int i = 0; i < 2; i++) {
    assert_int_equal(tl_loop_later(loop, stop, loop), TL_OK);
    tl_loop_run(loop);
  }
}

static int put (const char *name, const char *text, int *done, tl_err *err) {
  const tl_value v = { .text = tl_slice_str(text) };
  return tl_gateway_write(gateway, tag(name), &v, on_written, done, err);
}

/* A write whose text is sent, and one of a topic, which needs no network. */
static int writes (void *unused) {
  int done = 0;
  tl_err err = { .text = "" };
  (void)unused;
  begin();
  int rc = put("one.left.topic", "a/new", &done, &err);
  int second = put("one.left.out", "on", &done, &err);
  memory_heals();
  bool taken = rc == TL_OK, also = second == TL_OK;
  if (!taken || !also) assert_non_null(strstr(err.text, "no memory"));
  assert_true(holds("one.left.topic", taken ? "a/new" : "a/set"));
  assert_true(!also || holds("one.left.out", "on") || tag("one.left.out")->status == TL_UNSET);
  const char *expected = taken ? "a/new=on " : "a/set=on ";
  assert_string_equal(published, also ? expected : "");
  turn();
  assert_int_equal(done, taken + also);
  assert_int_equal(put("one.left.topic", "a/again", &done, &err), TL_OK);
  assert_int_equal(put("one.left.out", "off", &done, &err), TL_OK);
  assert_non_null(strstr(published, "a/again=off "));
  turn();
  assert_int_equal(done, taken + also + 2);
  return end(taken ? second : rc);
}

static void a_device_is_made_or_its_message_comes_again (void **state) {
  (void)state;
  torture_as(device, NULL, true);
}

static void a_write_is_done_and_told_or_refused (void **state) {
  (void)state;
  torture_as(writes, NULL, true);
}

static void a_config_is_applied_or_asked_for_again (void **state) {
  (void)state;
  torture_as(start, NULL, true);
}

static void a_changed_config_is_applied_or_asked_for_again (void **state) {
  (void)state;
  torture_as(change, NULL, true);
}

static bool quiet (void *ctx, tl_log_level level, const char *text) {
  (void)ctx, (void)level, (void)text;
  return true;
}

static int set_up (void **state) {
  (void)state;
  tl_log_set_writer(quiet, NULL);
  return tl_loop_new(&loop);
}

static int tear_down (void **state) {
  (void)state;
  tl_loop_free(loop);
  return 0;
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_config_is_applied_or_asked_for_again),
    cmocka_unit_test(a_changed_config_is_applied_or_asked_for_again),
    cmocka_unit_test(a_device_is_made_or_its_message_comes_again),
    cmocka_unit_test(a_write_is_done_and_told_or_refused),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
