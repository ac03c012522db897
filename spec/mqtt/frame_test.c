/* Frames: a byte stream in any split, hostile lengths, the edge of the input. */
#include "mqtt/harness.h"

#include <sys/mman.h>
#include <unistd.h>

static const uint8_t publish[] = "\x30\x0a\x00\x03"
                                 "a/bhello"; /* QoS 0, topic a/b */
enum { PUBLISH_LEN = sizeof publish - 1 };

static void asks_for_more_at_every_shorter_prefix (void **state) {
  (void)state;
  for (size_t n = 0; n < PUBLISH_LEN; n++) {
    tl_frame f = { .type = 99 };
    assert_int_equal(tl_frame_read(publish, n, 1000, &f), TL_EPARTIAL);
    assert_int_equal(f.type, 99);
  }
}

static void reads_a_whole_frame_and_leaves_what_follows (void **state) {
  (void)state;
  uint8_t two[2 * PUBLISH_LEN];
  tl_frame f;
  memcpy(two, publish, PUBLISH_LEN);
  memcpy(two + PUBLISH_LEN, publish, PUBLISH_LEN);
  assert_int_equal(tl_frame_read(two, sizeof two, 1000, &f), PUBLISH_LEN);
  assert_int_equal(f.type, TL_PUBLISH);
  assert_int_equal(f.flags, 0);
  assert_int_equal(f.body.len, 10);
  assert_ptr_equal(f.body.at, two + 2);
}

static void reads_a_body_of_nothing (void **state) {
  (void)state;
  tl_frame f;
  assert_int_equal(tl_frame_read((const uint8_t *)"\xd0\x00", 2, 1000, &f), 2);
  assert_int_equal(f.type, TL_PINGRESP);
  assert_int_equal(f.body.len, 0);
}

static void takes_a_length_written_with_more_bytes_than_needed (void **state) {
  (void)state;
  tl_frame f;
  assert_int_equal(tl_frame_read((const uint8_t *)"\xd0\x80\x00", 3, 1000, &f), 3);
  assert_int_equal(tl_frame_read((const uint8_t *)"\xd0\x80\x80\x00", 4, 1000, &f), 4);
  assert_int_equal(tl_frame_read((const uint8_t *)"\xd0\x80\x80\x80\x00", 5, 1000, &f), 5);
  assert_int_equal(f.body.len, 0);
}

static void refuses_a_fifth_length_byte_without_waiting_for_it (void **state) {
  (void)state;
  tl_frame f;
  assert_int_equal(tl_frame_read((const uint8_t *)"\x30\x80\x80\x80\x80\x01", 6, SIZE_MAX, &f),
                   TL_EMALFORMED);
  assert_int_equal(tl_frame_read((const uint8_t *)"\x30\x80\x80\x80\x80", 5, SIZE_MAX, &f),
                   TL_EMALFORMED);
  assert_int_equal(tl_frame_read((const uint8_t *)"\x30\x80\x80\x80", 4, SIZE_MAX, &f),
                   TL_EPARTIAL);
}

static void refuses_a_length_over_the_limit_before_the_body_comes (void **state) {
  (void)state;
  tl_frame f;
  /* 268435455 */
  assert_int_equal(tl_frame_read((const uint8_t *)"\x30\xff\xff\xff\x7f", 5, 1 << 24, &f),
                   TL_ETOOBIG);
  assert_int_equal(tl_frame_read((const uint8_t *)"\x30\xff\xff\xff\x7f", 5, 268435460, &f),
                   TL_EPARTIAL);
  assert_int_equal(tl_frame_read((const uint8_t *)"\x30\xff\xff\xff\x7f", 5, 268435459, &f),
                   TL_ETOOBIG);
  assert_int_equal(tl_frame_read((const uint8_t *)"\x30\xff\xff\xff", 4, 10, &f), TL_EPARTIAL);
}

static void counts_the_whole_packet_against_the_limit (void **state) {
  (void)state;
  tl_frame f;
  assert_int_equal(tl_frame_read(publish, PUBLISH_LEN, PUBLISH_LEN, &f), PUBLISH_LEN);
  assert_int_equal(tl_frame_read(publish, PUBLISH_LEN, PUBLISH_LEN - 1, &f), TL_ETOOBIG);
  assert_int_equal(tl_frame_read(publish, 2, PUBLISH_LEN - 1, &f), TL_ETOOBIG);
  assert_int_equal(tl_frame_read(publish, PUBLISH_LEN, 1, &f), TL_ETOOBIG);
}

static void says_how_many_bytes_a_packet_needs (void **state) {
  (void)state;
  assert_int_equal(tl_frame_needs(publish, 0), 0);
  assert_int_equal(tl_frame_needs(publish, 1), 0);
  assert_int_equal(tl_frame_needs(publish, 2), PUBLISH_LEN);
  assert_int_equal(tl_frame_needs((const uint8_t *)"\x30\x80", 2), 0);
  assert_int_equal(tl_frame_needs((const uint8_t *)"\x30\x80\x01", 3), 131);
  assert_int_equal(tl_frame_needs((const uint8_t *)"\x30\xff\xff\xff\x7f", 5), 268435460);
}

static void writes_the_shortest_length_and_reads_it_back (void **state) {
  (void)state;
  static const size_t lengths[] = { 0, 1, 127, 128, 16383, 16384, 2097151, 2097152, 268435455 };
  static const size_t bytes[] = { 1, 1, 1, 2, 2, 3, 3, 4, 4 };
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    uint8_t head[TL_HEADER_MAX];
    assert_int_equal(tl_build_header(head, 0x30, lengths[i]), 1 + bytes[i]);
    assert_int_equal(tl_frame_needs(head, sizeof head), 1 + bytes[i] + lengths[i]);
  }
}

/* A page that may not be touched right behind the input: each parser must stop at the end, at
** every length. */
static void never_reads_past_its_input (void **state) {
  (void)state;
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  uint8_t *two = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  assert_ptr_not_equal(two, MAP_FAILED);
  assert_int_equal(mprotect(two + page, page, PROT_NONE), 0);
  for (size_t topic = 1; topic < 70; topic++) {
    size_t n = tl_publish_size(topic, 0, 1);
    uint8_t name[70], *at = two + page - n;
    tl_frame f;
    tl_message m;
    tl_err err;
    memset(name, 'x', sizeof name);
    tl_build_publish(at, tl_slice_of(name, topic), tl_slice_of(NULL, 0), 1, false, 7, NULL);
    assert_int_equal(tl_frame_read(at, n, 1000, &f), n);
    assert_int_equal(tl_parse_publish(&f, &m, &err), TL_OK);
    for (size_t cut = 1; cut < n; cut++) {
      /* the same bytes, moved so that the end of the prefix is the end of the page */
      memmove(two + page - cut, at, cut);
      assert_int_equal(tl_frame_read(two + page - cut, cut, 1000, &f), TL_EPARTIAL);
      tl_build_publish(at, tl_slice_of(name, topic), tl_slice_of(NULL, 0), 1, false, 7, NULL);
    }
  }
  munmap(two, 2 * page);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(asks_for_more_at_every_shorter_prefix),
    cmocka_unit_test(reads_a_whole_frame_and_leaves_what_follows),
    cmocka_unit_test(reads_a_body_of_nothing),
    cmocka_unit_test(takes_a_length_written_with_more_bytes_than_needed),
    cmocka_unit_test(refuses_a_fifth_length_byte_without_waiting_for_it),
    cmocka_unit_test(refuses_a_length_over_the_limit_before_the_body_comes),
    cmocka_unit_test(counts_the_whole_packet_against_the_limit),
    cmocka_unit_test(says_how_many_bytes_a_packet_needs),
    cmocka_unit_test(writes_the_shortest_length_and_reads_it_back),
    cmocka_unit_test(never_reads_past_its_input),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
