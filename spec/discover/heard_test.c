/* spec/discover/heard_test.c — what was heard, in bounded memory. */
#include "support/torture.h"

#include "discover/heard.h"

static tl_heard *heard;

static int begin_with (const tl_heard_limits *limits) {
  assert_int_equal(tl_heard_new(&heard, limits), TL_OK);
  return 0;
}

static int end (void **unused) {
  (void)unused;
  tl_heard_free(heard);
  heard = NULL;
  return 0;
}

static void add (const char *topic, const char *payload, bool retained, int64_t wall) {
  tl_heard_add(heard, tl_slice_str(topic), tl_slice_str(payload), strlen(payload), retained, wall);
}

static void assert_sample (size_t i, int n, const char *expected) {
  tl_slice got = tl_heard_at(heard, i)->samples[n].payload;
  if (!expected) {
    assert_null(got.at);
    return;
  }
  assert_int_equal(got.len, strlen(expected));
  assert_memory_equal(got.at, expected, got.len);
}

static void counts_each_topic (void **unused) {
  (void)unused;
  begin_with(&tl_heard_usual);
  add("a/b", "12345", true, 1000);
  add("a/c", "", false, 1500);
  add("a/b", "1", false, 2000);
  add("a/b", "123", false, 3000);
  assert_int_equal(tl_heard_count(heard), 2);
  const tl_heard_topic *t = tl_heard_at(heard, 0);
  assert_true(tl_slice_eq(t->topic, TL_LIT("a/b")));
  assert_int_equal(t->count, 3);
  assert_int_equal(t->bytes, 9);
  assert_int_equal(t->retained, 1);
  assert_int_equal(t->smallest, 1);
  assert_int_equal(t->largest, 5);
  assert_int_equal(t->first, 1000);
  assert_int_equal(t->last, 3000);
  assert_int_equal(tl_heard_at(heard, 1)->smallest, 0);
  assert_int_equal(tl_heard_sum(heard).messages, 4);
  assert_int_equal(tl_heard_sum(heard).bytes, 9);
  assert_int_equal(tl_heard_sum(heard).unkept, 0);
}

static void keeps_the_first_the_longest_and_the_last_payload (void **unused) {
  (void)unused;
  begin_with(&tl_heard_usual);
  add("t", "22", true, 1);
  assert_sample(0, 0, "22");
  assert_sample(0, 1, NULL);
  assert_sample(0, 2, NULL);
  add("t", "4444", false, 2);
  add("t", "333", false, 3);
  assert_sample(0, 0, "22");
  assert_sample(0, 1, "4444");
  assert_sample(0, 2, "333");
  assert_true(tl_heard_at(heard, 0)->samples[0].retained);
  assert_false(tl_heard_at(heard, 0)->samples[2].retained);
  assert_int_equal(tl_heard_at(heard, 0)->samples[1].wall, 2);
  add("t", "", false, 4);
  assert_sample(0, 2, "");
}

static void takes_no_more_topics_than_it_may_and_counts_what_is_over (void **unused) {
  (void)unused;
  tl_heard_limits limits = { .topics = 3, .bytes = 1 << 20, .sample = 100 };
  char topic[16];
  begin_with(&limits);
  for (int round = 0; round < 2; round++)
    for (int i = 0; i < 10; i++) {
      snprintf(topic, sizeof topic, "t/%d", i);
      add(topic, "x", false, i);
    }
  assert_int_equal(tl_heard_count(heard), 3);
  assert_int_equal(tl_heard_at(heard, 2)->count, 2);
  assert_int_equal(tl_heard_sum(heard).messages, 20);
  assert_int_equal(tl_heard_sum(heard).over, 14);
}

static void stays_within_its_memory (void **unused) {
  (void)unused;
  tl_heard_limits limits = { .topics = 100000, .bytes = 20000, .sample = 1000 };
  char topic[16], payload[900];
  begin_with(&limits);
  memset(payload, 'p', sizeof payload);
  for (int i = 0; i < 1000; i++) {
    snprintf(topic, sizeof topic, "t/%d", i % 200);
    tl_heard_add(heard, tl_slice_str(topic), tl_slice_of(payload, sizeof payload), sizeof payload,
                 false, i);
    assert_true(tl_heard_sum(heard).used <= limits.bytes);
  }
  assert_true(tl_heard_sum(heard).over > 0);
  assert_true(tl_heard_sum(heard).unkept > 0);
  assert_int_equal(tl_heard_sum(heard).messages, 1000);
}

static void a_payload_that_is_too_long_is_counted_and_not_kept (void **unused) {
  (void)unused;
  tl_heard_limits limits = { .topics = 10, .bytes = 1 << 20, .sample = 4 };
  begin_with(&limits);
  add("long", "12345", false, 1);
  tl_heard_add(heard, TL_LIT("longer"), tl_slice_of(NULL, 0), 5000000, false, 2);
  assert_sample(0, 0, NULL);
  assert_sample(1, 0, NULL);
  assert_int_equal(tl_heard_at(heard, 1)->largest, 5000000);
  assert_int_equal(tl_heard_sum(heard).unkept, 2);
  add("long", "123", false, 3);
  assert_sample(0, 0, "123");
  assert_int_equal(tl_heard_sum(heard).unkept, 1);
}

/* More topics than the first table has room for, some of them twice. What there was no memory for
** is counted, and not half there. */
static int hear_many (void *unused) {
  (void)unused;
  char topic[16];
  heard = NULL;
  if (tl_heard_new(&heard, &tl_heard_usual) != TL_OK) {
    assert_null(heard);
    return TL_ENOMEM;
  }
  for (int i = 0; i < 100; i++) {
    snprintf(topic, sizeof topic, "t/%d", i % 70);
    add(topic, i < 70 ? "1" : "longer", false, i);
  }
  memory_heals();
  tl_heard_totals sum = tl_heard_sum(heard);
  uint64_t counted = 0, unkept = 0;
  for (size_t i = 0; i < tl_heard_count(heard); i++) {
    const tl_heard_topic *t = tl_heard_at(heard, i);
    counted += t->count;
    unkept += !t->samples[0].payload.at;
    assert_true(t->count == 1 || t->count == 2);
    if (t->count == 1 && t->samples[0].payload.at) assert_null(t->samples[2].payload.at);
  }
  assert_int_equal(sum.messages, 100);
  assert_int_equal(sum.over, 100 - counted);
  assert_int_equal(sum.unkept, unkept);
  add("well", "again", false, 7);
  assert_int_equal(tl_heard_sum(heard).over, sum.over);
  tl_heard_free(heard);
  heard = NULL;
  return TL_OK;
}

static void without_memory_a_message_counts_as_one_without_room (void **unused) {
  (void)unused;
  assert_true(torture_as(hear_many, NULL, true) > 200);
}

static void frees_nothing (void **unused) {
  (void)unused;
  tl_heard_free(NULL);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_teardown(counts_each_topic, end),
    cmocka_unit_test_teardown(keeps_the_first_the_longest_and_the_last_payload, end),
    cmocka_unit_test_teardown(takes_no_more_topics_than_it_may_and_counts_what_is_over, end),
    cmocka_unit_test_teardown(stays_within_its_memory, end),
    cmocka_unit_test_teardown(a_payload_that_is_too_long_is_counted_and_not_kept, end),
    cmocka_unit_test(without_memory_a_message_counts_as_one_without_room),
    cmocka_unit_test(frees_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
