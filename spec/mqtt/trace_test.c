/* spec/mqtt/trace_test.c — packets in words, whole and cut at each byte: what Full Debug shows of
** what any broker may send. */
#include "mqtt/harness.h"

typedef struct {
  uint8_t first; /* type and flags */
  const char *body;
  size_t len;
  const char *words;
} packet;
#define PACKET(first, body, words) \
  { first, body, sizeof(body) - 1, words }

static const packet packets[] = {
  PACKET(0x10, "\0\4MQTT\4\2\0\x3c\0\3abc",
         "CONNECT level=4 clean=1 keep_alive=60 client_id=\"abc\""),
  PACKET(0x10, "\0\4MQTT\4\xec\0\x3c\0\1a\0\1w\0\2hi\0\1u\0\6secret",
         "CONNECT level=4 clean=0 keep_alive=60 client_id=\"a\" will_qos=1 will_retain=1 "
         "will_topic=\"w\" will_message=2 bytes \"hi\" user=\"u\" password=(not shown)"),
  PACKET(0x20, "\1\5", "CONNACK session_present=1 code=5 (not authorized)"),
  PACKET(0x3d, "\0\3a/b\0\7\x01\"\xc3\xa4\\z",
         "PUBLISH qos=2 dup=1 retain=1 id=7 topic=\"a/b\" payload=6 bytes "
         "\"\\x01\\x22\\xc3\\xa4\\x5cz\""),
  PACKET(0x30, "\0\3\xc3\xa4\x7f",
         "PUBLISH qos=0 dup=0 retain=0 topic=\"\xc3\xa4\\x7f\" "
         "payload=0 bytes \"\""),
  PACKET(0x40, "\0\7", "PUBACK id=7"),
  PACKET(0x82, "\0\7\0\1a\1\0\1b\2", "SUBSCRIBE id=7 \"a\" qos=1 \"b\" qos=2"),
  PACKET(0x82, "\0\7\0\1a", "SUBSCRIBE id=7 \"a\""),
  PACKET(0xa2, "\0\7\0\1a\0\1b\0\1c\0\1d\0\1e\0\1f\0\1g\0\1h\0\1i\0\1j",
         "UNSUBSCRIBE id=7 \"a\" \"b\" \"c\" \"d\" \"e\" \"f\" \"g\" \"h\" and 2 more"),
  PACKET(0x90, "\0\7\0\1\x80", "SUBACK id=7 codes=0x00,0x01,0x80"),
  PACKET(0xc0, "", "PINGREQ"),
  PACKET(0xe0, "", "DISCONNECT"),
  PACKET(0x00, "xyz", "reserved 0 of 3 bytes"),
};

static void describe (tl_buf *out, uint8_t first, const void *body, size_t len) {
  uint8_t *copy = exact_copy(body, len); /* no byte behind it is read */
  tl_frame f = { .type = first >> 4, .flags = first & 15, .body = tl_slice_of(copy, len) };
  tl_buf_clear(out);
  tl_describe(out, &f);
  free(copy);
}

static void packets_are_told_in_words (void **state) {
  tl_buf out;
  (void)state;
  tl_buf_init(&out);
  for (size_t i = 0; i < COUNT(packets); i++) {
    describe(&out, packets[i].first, packets[i].body, packets[i].len);
    if (packets[i].first >> 4 == 0) {
      assert_non_null(memmem(out.at, out.len, " of 3 bytes", 11));
      continue;
    }
    assert_bytes(tl_buf_bytes(&out), packets[i].words);
  }
  tl_buf_fini(&out);
}

static void packets_that_are_cut_are_told_as_far_as_they_go (void **state) {
  tl_buf out;
  (void)state;
  tl_buf_init(&out);
  for (size_t i = 0; i < COUNT(packets); i++)
    for (size_t n = 0; n < packets[i].len; n++) {
      describe(&out, packets[i].first, packets[i].body, n);
      const char *name = tl_packet_name(packets[i].first >> 4);
      assert_true(out.len >= strlen(name) && memcmp(out.at, name, strlen(name)) == 0);
      assert_null(memmem(out.at, out.len, "secret", 6)); /* never a password */
    }
  tl_buf_fini(&out);
}

static void long_lists_and_payloads_are_cut (void **state) {
  char body[100] = { 0 };
  tl_buf out;
  (void)state;
  tl_buf_init(&out);
  body[1] = 7;
  describe(&out, 0x90, body, 2 + 40); /* 40 codes */
  assert_non_null(memmem(out.at, out.len, " and 8 more", 11));
  memcpy(body, "\0\1t", 3);
  memset(body + 3, 'x', 90);
  describe(&out, 0x30, body, 93);
  assert_non_null(memmem(out.at, out.len, "payload=90 bytes \"", 18));
  assert_true(memcmp(out.at + out.len - 6, "xx\"\xe2\x80\xa6", 6) == 0);
  tl_buf_fini(&out);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(packets_are_told_in_words),
    cmocka_unit_test(packets_that_are_cut_are_told_as_far_as_they_go),
    cmocka_unit_test(long_lists_and_payloads_are_cut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
