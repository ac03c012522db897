/* The ring of the last messages: what stays, in which order, and that no byte of it lies
** outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "gateway/recorder.h"

static uint8_t filler[4096];

static void add (tl_recorder *r, size_t bytes, const char *topic, size_t payload) {
  tl_incoming m = { .topic = tl_slice_str(topic),
                    .payload = tl_slice_of(filler, payload),
                    .qos = 1,
                    .id = 7,
                    .retain = true,
                    .wall = 1000 };
  tl_recorder_add(r, bytes, &m);
}

static void costs_nothing_until_the_first_message (void **state) {
  tl_recorder r;
  (void)state;
  tl_recorder_init(&r);
  assert_null(r.at);
  add(&r, 0, "a", 10);
  assert_null(r.at);
  assert_int_equal(0, r.count);
  assert_int_equal(1, r.seen);
  tl_recorder_fini(&r);
}

static void keeps_every_field (void **state) {
  tl_recorder r;
  tl_recorded one;
  (void)state;
  tl_recorder_init(&r);
  add(&r, 1000, "plant/boiler/up", 33);
  assert_int_equal(1, r.count);
  tl_recorder_list(&r, &one);
  assert_int_equal(1, one.number);
  assert_true(tl_slice_eq(one.m.topic, TL_LIT("plant/boiler/up")));
  assert_true(tl_slice_eq(one.m.payload, tl_slice_of(filler, 33)));
  assert_int_equal(1, one.m.qos);
  assert_int_equal(7, one.m.id);
  assert_true(one.m.retain);
  assert_false(one.m.dup);
  assert_int_equal(1000, one.m.wall);
  tl_recorder_fini(&r);
}

/* Whatever comes, what is listed is an unbroken run of numbers that ends at the last message
** kept, and each is whole. */
static void check (const tl_recorder *r, uint64_t last) {
  tl_recorded *all = calloc(r->count + 1u, sizeof *all);
  assert_non_null(all);
  tl_recorder_list(r, all);
  for (uint32_t i = 0; i < r->count; i++) {
    char topic[32];
    assert_int_equal(last - r->count + 1 + i, all[i].number);
    snprintf(topic, sizeof topic, "t/%llu", (unsigned long long)all[i].number);
    assert_true(tl_slice_eq(all[i].m.topic, tl_slice_str(topic)));
    assert_true(tl_slice_eq(all[i].m.payload, tl_slice_of(filler, all[i].m.payload.len)));
    assert_int_equal(all[i].number * 37 % 300, all[i].m.payload.len);
  }
  free(all);
}

static void the_oldest_make_room (void **state) {
  tl_recorder r;
  (void)state;
  for (size_t bytes = 400; bytes < 3000; bytes += 56) {
    tl_recorder_init(&r);
    for (uint64_t i = 1; i < 500; i++) {
      char topic[32];
      snprintf(topic, sizeof topic, "t/%llu", (unsigned long long)i);
      add(&r, bytes, topic, i * 37 % 300);
      assert_true(r.count > 0);
      check(&r, i);
    }
    tl_recorder_fini(&r);
  }
}

static void a_ring_of_four_holds_four (void **state) {
  tl_recorder r;
  (void)state;
  tl_recorder_init(&r);
  add(&r, 4096, "x", 50);
  size_t one = r.head; /* bytes that such a message takes */
  tl_recorder_fini(&r);
  tl_recorder_init(&r);
  for (uint32_t i = 1; i < 100; i++) {
    add(&r, 4 * one, "x", 50);
    assert_int_equal(r.count, i < 4 ? i : 4);
  }
  tl_recorder_fini(&r);
}

static void a_message_longer_than_the_ring_is_counted_only (void **state) {
  tl_recorder r;
  (void)state;
  tl_recorder_init(&r);
  add(&r, 400, "a", 10);
  add(&r, 400, "b", 1000);
  add(&r, 400, "c", 10);
  assert_int_equal(2, r.count);
  assert_int_equal(1, r.skipped);
  assert_int_equal(3, r.seen);
  tl_recorder_fini(&r);
}

static void another_size_keeps_the_newest_that_fit (void **state) {
  tl_recorder r;
  tl_recorded all[64];
  (void)state;
  tl_recorder_init(&r);
  for (int i = 0; i < 20; i++) add(&r, 4000, "x", 50);
  assert_int_equal(20, r.count);
  add(&r, 400, "x", 50);
  assert_in_range(r.count, 2, 5);
  tl_recorder_list(&r, all);
  assert_int_equal(21, all[r.count - 1].number);
  add(&r, 8000, "x", 50);
  tl_recorder_list(&r, all);
  assert_int_equal(22, all[r.count - 1].number);
  assert_int_equal(22 - r.count + 1, all[0].number);
  add(&r, 0, "x", 50);
  assert_int_equal(0, r.count);
  assert_null(r.at);
  tl_recorder_fini(&r);
}

static void a_capture_line_holds_any_bytes (void **state) {
  tl_buf out;
  (void)state;
  tl_buf_init(&out);
  tl_recorded one = { 3,
                      { .topic = TL_LIT("a\"b"),
                        .payload = TL_LIT("\x01\xff"),
                        .qos = 2,
                        .dup = true,
                        .id = 9,
                        .wall = 1700000000123 } };
  tl_recorded_json(&one, "plant", &out);
  one.m.payload = TL_LIT("x\ny");
  tl_recorded_json(&one, "plant", &out);
  tl_buf_byte(&out, 0);
  assert_string_equal("{\"line\":\"plant\",\"time\":\"2023-11-14T22:13:20.123Z\",\"topic\":"
                      "\"a\\\"b\",\"qos\":2,\"retain\":false,\"dup\":true,"
                      "\"id\":9,\"base64\":\"Af8=\"}\n"
                      "{\"line\":\"plant\",\"time\":\"2023-11-14T22:13:20.123Z\",\"topic\":"
                      "\"a\\\"b\",\"qos\":2,\"retain\":false,\"dup\":true,"
                      "\"id\":9,\"payload\":\"x\\ny\"}\n",
                      (const char *)out.at);
  tl_buf_fini(&out);
}

int main (void) {
  for (size_t i = 0; i < sizeof filler; i++) filler[i] = (uint8_t)(i * 7);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(costs_nothing_until_the_first_message),
    cmocka_unit_test(keeps_every_field),
    cmocka_unit_test(the_oldest_make_room),
    cmocka_unit_test(a_ring_of_four_holds_four),
    cmocka_unit_test(a_message_longer_than_the_ring_is_counted_only),
    cmocka_unit_test(another_size_keeps_the_newest_that_fit),
    cmocka_unit_test(a_capture_line_holds_any_bytes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
