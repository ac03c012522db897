/* spec/outlet/collect_test.c — values on their way from tags into the spool: what a history gets of
** them, and that none is lost or doubled while there is no memory, or no room on the disk. */
#include "net/net_support.h"
#include "support/torture.h"

#include <dirent.h>

#include "base/log.h"
#include "outlet/batch.h"
#include "outlet/collect.h"

FAILING(pwrite, ssize_t, (errno = EIO, -1), (int fd, const void *at, size_t n, off_t from),
        (fd, at, n, from))

enum { TAGS = 300, MOST = 2000 };

static char folder[64], logged[2000];
static tl_gateway *gateway;
static tl_spool *spool;
static tl_collect *collect;
static int written;
static tl_buf got; /* what an outlet reads: "tag=value@time " each */

static bool note_log (void *ctx, tl_log_level level, const char *line) {
  (void)ctx, (void)level;
  size_t used = strlen(logged);
  snprintf(logged + used, sizeof logged - used, "%s\n", line);
  return true;
}

static void on_written (void *ctx) { (void)ctx, written++; }

/* --- a gateway with one station, l.s, that is never connected --- */

static void apply (const tl_tagdef *tags, size_t count) {
  tl_plan_spec plan = { .tags = tags, .tag_count = count };
  tl_station_config station = { .spec = { .name = TL_LIT("s"), .address = TL_LIT("t") } };
  tl_line_config line = { .name = TL_LIT("l"), .stations = &station, .station_count = 1 };
  tl_config config = { .lines = &line, .line_count = 1 };
  tl_err err = { .text = "" };
  line.params.port = 1883;
  line.params.max_packet_size = 65536;
  line.params.max_inflight = line.params.max_queued = line.params.receive_queue = 100;
  assert_int_equal(tl_params_set_text(&line.params.offline_writes, TL_LIT("reject")), TL_OK);
  assert_int_equal(tl_params_add_text(&line.params.host, TL_LIT("h")), TL_OK);
  assert_int_equal(tl_plan_new(&station.spec.plan, &plan, &err), TL_OK);
  if (tl_gateway_apply(gateway, &config, NULL, NULL, &err) != TL_OK) fail_msg("%s", err.text);
  tl_plan_unref(station.spec.plan);
  tl_params_fini(&line.params);
}

static void start (const tl_tagdef *tags, size_t count) {
  tl_spool_found found;
  tl_err err;
  memory_is_spared = true;
  strcpy(folder, "/tmp/tagline-collect-XXXXXX");
  assert_non_null(mkdtemp(folder));
  tl_spool_options options = { folder, 64 << 20, true };
  assert_int_equal(tl_spool_open(&spool, &options, 1000, &found, &err), TL_OK);
  assert_int_equal(tl_gateway_new(&gateway, loop, NULL, NULL), TL_OK);
  apply(tags, count);
  assert_int_equal(tl_collect_new(&collect, gateway, loop, spool, on_written, NULL), TL_OK);
  written = 0;
  logged[0] = '\0';
  memory_is_spared = false;
}

static void stop (void) {
  tl_collect_free(collect);
  tl_gateway_free(gateway);
  tl_spool_close(spool);
  turn();
  DIR *dir = opendir(folder);
  for (struct dirent *e; dir && (e = readdir(dir));)
    if (e->d_name[0] != '.') unlinkat(dirfd(dir), e->d_name, 0);
  if (dir) closedir(dir);
  assert_int_equal(rmdir(folder), 0);
}

static int set_up (void **state) {
  tl_buf_init(&got);
  tl_log_set_writer(note_log, NULL);
  return loop_setup(state);
}

static int tear_down (void **state) {
  tl_buf_fini(&got);
  tl_log_set_writer(NULL, NULL);
  return loop_teardown(state);
}

static tl_tag *tag (const char *name) {
  tl_tag *t = tl_model_tag(tl_gateway_model(gateway), tl_slice_str(name));
  assert_non_null(t);
  return t;
}

static void number (const char *name, double x, int64_t time_ms) {
  tl_value v = { .number = x };
  assert_true(tl_tag_receive(tag(name), &v, time_ms));
}

static void integer (const char *name, int64_t x, int64_t time_ms) {
  tl_value v = { .integer = x };
  assert_true(tl_tag_receive(tag(name), &v, time_ms));
}

static const char *why (void) {
  tl_collect_facts facts;
  tl_collect_get(collect, &facts);
  return facts.why;
}

static void add_value (const tl_outlet_value *v) {
  const tl_sample *s = &v->sample;
  tl_buf_fmt(&got, "%.*s=", TL_ARG(v->series->name));
  if (s->status != TL_VALID)
    tl_buf_str(&got, tl_reason_name((tl_reason)s->reason));
  else if (v->series->type == TL_CI)
    tl_buf_fmt(&got, "%lld", (long long)s->value.integer);
  else if (v->series->type == TL_TXTI)
    tl_buf_slice(&got, s->value.text);
  else
    tl_buf_fmt(&got, "%d", (int)(s->value.number * 10));
  tl_buf_fmt(&got, "@%lld", (long long)s->time_ms);
  if (s->n > 0) tl_buf_fmt(&got, ".%u", s->n);
  tl_buf_byte(&got, ' ');
}

/* All that is in the spool, as a history or another outlet reads it; how many. */
static size_t read_spool (bool history) {
  tl_fetch *f;
  tl_spool_place place;
  tl_outlet_batch b;
  size_t count = 0;
  tl_buf_clear(&got);
  assert_int_equal(tl_fetch_new(&f, history, MOST), TL_OK);
  for (uint64_t at = 1; tl_spool_where(spool, at, &place); at = b.next) {
    tl_fetch_prepare(f, &place, tl_spool_id(spool));
    tl_fetch_run(f);
    assert_int_equal(tl_fetch_result(f, &b), TL_OK);
    for (size_t i = 0; i < b.count; i++) add_value(&b.values[i]);
    count += b.count;
  }
  tl_buf_byte(&got, '\0');
  tl_fetch_free(f);
  return count;
}

static void settle (void) {
  tl_gateway_settle(gateway);
  turn();
}

/* --- what a history gets --- */

static void a_change_of_the_deadband_is_hidden_whatever_rounding_makes_of_it (void **state) {
  (void)state;
  const tl_tagdef tags[] = {
    { .name = "n", .address = "", .type = TL_AI, .history = { .deadband = 0.2 } },
  };
  start(tags, COUNT(tags));
  number("l.s.n", 20.9, 1000);
  number("l.s.n", 21.1, 2000);
  number("l.s.n", 20.7, 3000);
  settle();
  read_spool(true);
  assert_string_equal((const char *)got.at, "l.s.n=209@1000 ");
  stop();
}

static void a_deadband_keeps_the_corners_and_a_silence_ends (void **state) {
  (void)state;
  const tl_tagdef tags[] = {
    { .name = "n",
      .address = "",
      .type = TL_AI,
      .history = { .deadband = 1, .silence_ms = 10000 } },
    { .name = "c", .address = "", .type = TL_CI, .history = { .deadband = 1 } },
    { .name = "txt", .address = "", .type = TL_TXTI, .history = { .deadband = 1 } },
    { .name = "off", .address = "", .type = TL_AI, .history = { .off = true } },
  };
  start(tags, COUNT(tags));
  number("l.s.n", 10, 1000);
  number("l.s.n", 10.5, 2000); /* hidden … */
  number("l.s.n", 10.8, 3000);
  number("l.s.n", 13, 4000);  /* … but the last of them is a corner of the curve */
  number("l.s.n", 13, 5000);  /* again, too early */
  number("l.s.n", 13, 14000); /* again, once the longest silence is over */
  number("l.s.n", 13.5, 15000);
  number("l.s.n", 13.4, 25000); /* hidden by the deadband, but the silence is over */
  tl_tag_invalidate(tag("l.s.n"), TL_REASON_NO_DATA, 26000);
  integer("l.s.c", 5, 1000);
  integer("l.s.c", 6, 2000);
  integer("l.s.c", 6, 60000); /* nothing ends its silence */
  integer("l.s.c", 7, 60001);
  integer("l.s.c", 9, 60001); /* another value of the same millisecond */
  number("l.s.off", 1, 1000);
  tl_value text = { .text = TL_LIT("x") };
  assert_true(tl_tag_receive(tag("l.s.txt"), &text, 1000));
  settle();
  assert_int_equal(written, 1);
  read_spool(true);
  assert_string_equal((const char *)got.at,
                      "l.s.n=100@1000 l.s.n=108@3000 l.s.n=130@4000 l.s.n=130@14000 "
                      "l.s.n=135@15000 l.s.n=134@25000 l.s.n=no-data@26000 "
                      "l.s.c=5@1000 l.s.c=6@2000 l.s.c=7@60001 l.s.c=9@60001.1 l.s.txt=x@1000 ");
  read_spool(false); /* as it happened: a deadband of the history is no business of others */
  assert_string_equal((const char *)got.at,
                      "l.s.n=100@1000 l.s.n=105@2000 l.s.n=108@3000 l.s.n=130@4000 l.s.n=130@14000 "
                      "l.s.n=135@15000 l.s.n=134@25000 l.s.n=no-data@26000 l.s.c=5@1000 "
                      "l.s.c=6@2000 l.s.c=7@60001 l.s.c=9@60001.1 l.s.off=10@1000 l.s.txt=x@1000 ");
  stop();
}

/* A reload makes tags anew, of the same name: what is known of them stays, unless the type is
** another one. */
static void a_tag_that_a_reload_changed_goes_on (void **state) {
  (void)state;
  tl_tagdef tags[] = {
    { .name = "a", .address = "", .type = TL_AI, .history.deadband = 1 },
    { .name = "b", .address = "", .type = TL_AI, .history.deadband = 1 },
  };
  start(tags, COUNT(tags));
  number("l.s.a", 10, 1000);
  number("l.s.b", 10, 1000);
  number("l.s.b", 10.5, 2000); /* hidden: of a number that is none any more */
  settle();
  tags[0].has_linear = true; /* its values are others, and start anew */
  tags[0].linear_k = 1;
  tags[1].type = TL_CI;
  apply(tags, COUNT(tags));
  tl_collect_renew(collect);
  number("l.s.a", 10.5, 2000);
  number("l.s.a", 12, 3000);
  integer("l.s.b", 10, 3000);
  settle();
  read_spool(true);
  assert_string_equal((const char *)got.at, "l.s.a=100@1000 l.s.b=100@1000 l.s.a=105@2000 "
                                            "l.s.a=120@3000 l.s.b=10@3000 ");
  stop();
}

/* --- no memory, no room --- */

/* Several values before the wake-up ends, each of which may find no memory, or no disk: what is
** told as stored is there, in order, once. */
static void no_value_is_lost_or_doubled_when_a_request_fails (void **state) {
  (void)state;
  const tl_tagdef tags[] = {
    { .name = "a", .address = "", .type = TL_AI },
    { .name = "b", .address = "", .type = TL_CI, .unit = "m", .description = "depth" },
    { .name = "c", .address = "", .type = TL_AI, .history.deadband = 1 },
    { .name = "unset", .address = "", .type = TL_AI },
  };
  for (torture_round t = { 0 }; torture_next(&t);) {
    start(tags, COUNT(tags));
    memory_is_spared = true;
    number("l.s.c", 1, 500);
    number("l.s.c", 1.5, 600); /* the corner of what comes next */
    settle();
    memory_is_spared = false;
    memory_fails(t.at, t.for_ever);
    number("l.s.a", 1, 1000);
    integer("l.s.b", 2, 1000);
    number("l.s.c", 3, 1000);
    settle();
    settle(); /* in vain while memory is missing for ever */
    bool failed = memory_failed;
    memory_heals();
    if (t.for_ever && failed) assert_string_not_equal(why(), ""); /* nothing is acknowledged */
    RUN_UNTIL((settle(), why()[0] == '\0'));
    assert_true(written > 0);
    if (read_spool(true) != 5) fail_msg("request %ld: %s", t.at, (const char *)got.at);
    const char *text = (const char *)got.at;
    assert_non_null(strstr(text, "l.s.a=10@1000 "));
    assert_non_null(strstr(text, "l.s.b=2@1000 "));
    assert_int_equal(strncmp(text, "l.s.c=10@500 ", 13), 0);
    const char *corner = strstr(text, "l.s.c=15@600 ");
    assert_true(corner && strstr(corner, "l.s.c=30@1000 "));
    stop();
    memory_failed = failed;
  }
}

/* Values of timers come all the same while the disk is full: they fill no more than a part of the
** memory, and how many are left out is told. */
static void a_full_disk_leaves_out_what_would_fill_the_memory (void **state) {
  enum { SIZE = 60000, MANY = TL_SPOOL_BATCH / SIZE + 20 };
  static char large[SIZE];
  (void)state;
  const tl_tagdef tags[] = { { .name = "t", .address = "", .type = TL_TXTI } };
  tl_value v = { .text = tl_slice_of((const uint8_t *)large, sizeof large) };
  memset(large, 'x', sizeof large);
  start(tags, 1);
  assert_true(tl_tag_receive(tag("l.s.t"), &v, 999));
  memory_fails(0, true); /* the disk: nothing else asks for anything but the line of the log */
  settle();
  memory_heals();
  assert_string_not_equal(why(), "");
  for (int i = 0; i < MANY; i++) {
    large[0] = i % 2 ? 'a' : 'b';
    assert_true(tl_tag_receive(tag("l.s.t"), &v, 1000 + i));
  }
  assert_non_null(strstr(logged, "are left out, too"));
  RUN_UNTIL((settle(), why()[0] == '\0'));
  assert_non_null(strstr(logged, "values were left out meanwhile"));
  uint64_t dropped = tl_spool_dropped(spool); /* a hole, which outlets see */
  assert_true(dropped > 0);
  assert_int_equal(read_spool(false) + dropped, MANY + 1);
  stop();
}

/* Lists grow with the tags; a segment defines each once. */
static void many_tags_are_kept_apart (void **state) {
  static char names[TAGS][8];
  static tl_tagdef tags[TAGS];
  (void)state;
  for (int i = 0; i < TAGS; i++) {
    snprintf(names[i], sizeof names[i], "t%d", i);
    tags[i] = (tl_tagdef){ .name = names[i], .address = "", .type = TL_CI };
  }
  start(tags, TAGS);
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < TAGS; i++) {
      char name[20];
      snprintf(name, sizeof name, "l.s.t%d", i);
      integer(name, i, 1000 + round);
    }
    settle();
  }
  assert_int_equal(read_spool(true), TAGS);
  for (int i = 0; i < TAGS; i++) {
    char value[40];
    snprintf(value, sizeof value, "l.s.t%d=%d@1000 ", i, i);
    assert_non_null(strstr((const char *)got.at, value));
  }
  stop();
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(a_change_of_the_deadband_is_hidden_whatever_rounding_makes_of_it),
    SPEC(a_deadband_keeps_the_corners_and_a_silence_ends),
    SPEC(a_tag_that_a_reload_changed_goes_on),
    SPEC(no_value_is_lost_or_doubled_when_a_request_fails),
    SPEC(a_full_disk_leaves_out_what_would_fill_the_memory),
    SPEC(many_tags_are_kept_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
