/* spec/model/memory_test.c — every allocation of this room fails in turn; what was built stays
** whole. The room's files are compiled in here, so that only their own allocations fail. */
#include "world.h"
#include "support/spare_memory.h"

#define malloc spare_malloc
#define calloc spare_calloc
#define realloc spare_realloc
#include "model/address.c"
#include "model/line.c"
#include "model/model.c"
#include "model/plan.c"
#define receive receive_value
#include "model/receive.c"
#undef receive
#include "model/pool.c"
#include "model/tag.c"
#undef malloc
#undef calloc
#undef realloc

static const tl_tagdef *first_tags (void) {
  static tl_tagdef tags[3];
  tags[0] = def("t", TL_TXTI, "JA=t");
  tags[1] = def("r", TL_AI, "RE=([0-9])");
  tags[2] = def_text("topic", TL_TXTO, "OUT_TOPIC", "s/set");
  return tags;
}

static const tl_tagdef *second_tags (void) {
  static tl_tagdef tags[4];
  tags[0] = first_tags()[0];
  tags[1] = def_text("value", TL_TXTO, "OUT_VALUE", "idle");
  tags[2] = def("x", TL_AI, "JA=x");
  tags[3] = first_tags()[2];
  return tags;
}

static int get_plan (tl_model *m, tl_plan **out, const tl_tagdef *tags, size_t n) {
  tl_err err = { 0 };
  const tl_plan_spec spec = {
    .json = true, .time_field = TL_LIT("ts"), .tags = tags, .tag_count = n
  };
  int rc = tl_plan_pool_get(m->plans, out, &spec, &err);
  if (rc != TL_OK) assert_string_equal(err.text, "no memory");
  return rc;
}

/* Give a station a text; where there is no memory for it, no older text may stay and pass for
** it. */
static int feed (tl_station *s, const char *payload, const char *text) {
  const tl_incoming m = {
    .topic = TL_LIT("s"), .payload = tl_slice_str(payload), .now = 1, .wall = 1
  };
  assert_true(tl_station_receive(s, &m));
  if (s->tags[0].status == TL_VALID) {
    assert_true(tl_slice_eq(s->tags[0].value.text, tl_slice_str(text)));
    return TL_OK;
  }
  assert_int_equal(s->tags[0].reason, TL_REASON_MISSING);
  return TL_ENOMEM;
}

static int add_two (tl_line *line, tl_plan *plan, tl_station **out) {
  static const char *const names[] = { "a", "b" };
  for (int i = 0; i < 2; i++) {
    const tl_station_spec spec = { .name = tl_slice_str(names[i]),
                                   .address = TL_LIT("x"),
                                   .will_topic = TL_LIT("w"),
                                   .plan = plan };
    uint32_t before = line->station_count, refs = plan->refs;
    int rc = tl_line_add_station(line, &spec, 0, 0, out);
    if (rc == TL_OK) continue;
    assert_int_equal(line->station_count, before);
    assert_int_equal(plan->refs, refs);
    assert_null(tl_line_station(line, spec.name));
    return rc;
  }
  return TL_OK;
}

static int change (tl_station *s, tl_plan *plan) {
  tl_station *before = s;
  int rc = tl_station_replan(&s, plan, 0, 0);
  if (rc != TL_OK) {
    assert_ptr_equal(s, before);
    assert_ptr_equal(tl_line_station(s->line, TL_LIT("b")), s);
    assert_true(tl_slice_eq(s->tags[2].value.text, TL_LIT("s/set")));
    return rc;
  }
  assert_true(tl_slice_eq(s->tags[1].value.text, TL_LIT("idle")));
  rc = tl_station_retune(s, &(tl_station_spec){ .will_topic = TL_LIT("other") });
  assert_string_equal(s->will_topic, rc == TL_OK ? "other" : "w");
  return rc != TL_OK ? rc
                     : feed(s, "{\"t\":\"a text longer than the one before it\"}",
                            "a text longer than the one before it");
}

static int life (void) {
  tl_model *m = NULL;
  tl_line *line = NULL;
  tl_station *s = NULL;
  tl_plan *one = NULL, *two = NULL;
  int rc = tl_model_new(&m, NULL, NULL);
  if (rc == TL_OK) rc = tl_model_add_line(m, TL_LIT("plant"), &line);
  if (rc == TL_OK) rc = get_plan(m, &one, first_tags(), 3);
  if (rc == TL_OK) rc = get_plan(m, &two, second_tags(), 4);
  if (rc == TL_OK) rc = add_two(line, one, &s);
  if (rc == TL_OK) rc = feed(s, "{\"t\":\"first\"}", "first");
  if (rc == TL_OK) rc = change(s, two);
  tl_plan_unref(one);
  tl_plan_unref(two);
  tl_model_free(m);
  return rc;
}

static void each_failed_allocation_is_reported_and_leaves_nothing_behind (void **state) {
  (void)state;
  long n = 0;
  for (;; n++) {
    countdown = n;
    int rc = life();
    bool failed = countdown < 0;
    countdown = -1;
    assert_int_equal(rc, failed ? TL_ENOMEM : TL_OK);
    if (!failed) break;
  }
  assert_true(n > 15);
}

int main (void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(
      each_failed_allocation_is_reported_and_leaves_nothing_behind) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
