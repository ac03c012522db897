/* Packets: the exact bytes of what we build, and what is taken or refused of what the broker
** sends. */
#include "mqtt/harness.h"

static void same_bytes (const tl_buf *got, const char *want, size_t n) {
  assert_int_equal(got->len, n);
  assert_memory_equal(got->at, want, n);
}
#define SAME(buf, want) same_bytes(buf, want, sizeof(want) - 1)

static tl_session_params plain (void) {
  return (
      tl_session_params){ .client_id = TL_LIT("me"), .max_packet_size = 1000, .max_inflight = 10 };
}

/* --- built --- */

static void connect_without_anything (void **state) {
  (void)state;
  tl_session_params p = plain();
  tl_buf b;
  tl_buf_init(&b);
  p.will_qos = 2; /* no Will: these must leave no trace */
  p.will_retain = true;
  p.will_topic = TL_LIT("t");
  p.user = p.password = TL_LIT("secret");
  assert_int_equal(tl_build_connect(&b, &p, false), TL_OK);
  SAME(&b, "\x10\x0e\x00\x04MQTT\x04\x00\x00\x00\x00\x02me");
  tl_buf_clear(&b);
  p.has_password = true; /* without a user name there is no password either */
  assert_int_equal(tl_build_connect(&b, &p, true), TL_OK);
  SAME(&b, "\x10\x0e\x00\x04MQTT\x04\x02\x00\x00\x00\x02me");
  tl_buf_fini(&b);
}

static void connect_with_everything (void **state) {
  (void)state;
  tl_session_params p = plain();
  tl_buf b;
  tl_buf_init(&b);
  p.keep_alive = 0x1234;
  p.will = p.will_retain = p.has_user = p.has_password = true;
  p.will_qos = 2;
  p.will_topic = TL_LIT("w/t");
  p.will_message = TL_LIT("bye");
  p.user = TL_LIT("u");
  p.password = TL_LIT("p\0q");
  assert_int_equal(tl_build_connect(&b, &p, true), TL_OK);
  SAME(&b, "\x10\x20\x00\x04MQTT\x04\xf6\x12\x34\x00\x02me\x00\x03w/t\x00\x03"
           "bye\x00\x01u\x00\x03p\0q");
  tl_buf_fini(&b);
}

static void connect_of_a_blank_client_id_and_an_empty_will_message (void **state) {
  (void)state;
  tl_session_params p = plain();
  tl_buf b;
  tl_buf_init(&b);
  p.client_id = TL_LIT("");
  p.will = true;
  p.will_topic = TL_LIT("w");
  p.will_message = TL_LIT("");
  assert_int_equal(tl_build_connect(&b, &p, true), TL_OK);
  SAME(&b, "\x10\x11\x00\x04MQTT\x04\x06\x00\x00\x00\x00\x00\x01w\x00\x00");
  tl_buf_fini(&b);
}

static void connect_refuses_a_field_over_65535_bytes (void **state) {
  (void)state;
  tl_session_params p = plain();
  tl_buf b;
  static uint8_t big[65536];
  tl_buf_init(&b);
  memset(big, 'x', sizeof big);
  p.client_id = tl_slice_of(big, 65536);
  assert_int_equal(tl_build_connect(&b, &p, true), TL_ETOOBIG);
  assert_int_equal(b.len, 0);
  p.client_id.len = 65535;
  assert_int_equal(tl_build_connect(&b, &p, true), TL_OK);
  assert_int_equal(b.len, 1 + 3 + 10 + 2 + 65535);
  tl_buf_fini(&b);
}

static void publish_at_each_qos (void **state) {
  (void)state;
  uint8_t at[64];
  size_t id_at = 0;
  assert_int_equal(tl_publish_size(3, 2, 0), 9);
  tl_build_publish(at, TL_LIT("a/b"), TL_LIT("hi"), 0, false, 0, NULL);
  assert_memory_equal(at,
                      "\x30\x07\x00\x03"
                      "a/bhi",
                      9);
  assert_int_equal(tl_publish_size(3, 2, 1), 11);
  tl_build_publish(at, TL_LIT("a/b"), TL_LIT("hi"), 1, true, 0x1234, &id_at);
  assert_memory_equal(at,
                      "\x33\x09\x00\x03"
                      "a/b\x12\x34hi",
                      11);
  assert_int_equal(id_at, 7);
  tl_build_publish(at, TL_LIT("a"), TL_LIT(""), 2, false, 9, NULL);
  assert_memory_equal(at,
                      "\x34\x05\x00\x01"
                      "a\x00\x09",
                      7);
  assert_int_equal(tl_publish_size(65536, 0, 0), 0);
  assert_int_equal(tl_publish_size(1, 268435455 - 3, 0), 268435460);
  assert_int_equal(tl_publish_size(1, 268435455 - 2, 0), 0);
  assert_int_equal(tl_publish_size(1, SIZE_MAX, 0), 0);
}

static void subscribe_and_unsubscribe (void **state) {
  (void)state;
  tl_buf b;
  tl_buf_init(&b);
  const tl_subscription wanted[] = { { TL_LIT("a/+"), 1 }, { TL_LIT("#"), 2 }, { TL_LIT("c"), 0 } };
  assert_int_equal(tl_build_subscribe(&b, 0x0a0b, wanted, 3), TL_OK);
  SAME(&b, "\x82\x10\x0a\x0b\x00\x03"
           "a/+\x01\x00\x01#\x02\x00\x01"
           "c\x00");
  tl_buf_clear(&b);
  const tl_slice old[] = { TL_LIT("a/+"), TL_LIT("#") };
  assert_int_equal(tl_build_unsubscribe(&b, 0x0a0c, old, 2), TL_OK);
  SAME(&b, "\xa2\x0a\x0a\x0c\x00\x03"
           "a/+\x00\x01#");
  tl_buf_fini(&b);
}

/* One filter, and all of them together, as long as a packet can say, and one byte more. */
static void filters_beyond_what_a_packet_can_say (void **state) {
  enum { MANY = 4097 };
  static uint8_t text[TL_STRING_MAX + 1];
  static tl_subscription wanted[MANY];
  static tl_slice old[MANY];
  (void)state;
  tl_buf b;
  tl_buf_init(&b);
  wanted[0].filter = old[0] = tl_slice_of(text, sizeof text);
  assert_int_equal(tl_build_subscribe(&b, 1, wanted, 1), TL_ETOOBIG);
  assert_int_equal(tl_build_unsubscribe(&b, 1, old, 1), TL_ETOOBIG);
  for (int i = 0; i < MANY; i++) wanted[i].filter = old[i] = tl_slice_of(text, TL_STRING_MAX);
  assert_int_equal(tl_build_subscribe(&b, 1, wanted, MANY), TL_ETOOBIG);
  assert_int_equal(tl_build_unsubscribe(&b, 1, old, MANY), TL_ETOOBIG);
  assert_int_equal(b.len, 0);
  tl_buf_fini(&b);
}

static void short_packets (void **state) {
  (void)state;
  tl_buf b;
  tl_buf_init(&b);
  tl_build_ack(&b, TL_PUBACK, 0x0102);
  tl_build_ack(&b, TL_PUBREC, 0x0102);
  tl_build_ack(&b, TL_PUBREL, 0x0102);
  tl_build_ack(&b, TL_PUBCOMP, 0x0102);
  tl_build_empty(&b, TL_PINGREQ);
  tl_build_empty(&b, TL_DISCONNECT);
  SAME(&b, "\x40\x02\x01\x02\x50\x02\x01\x02\x62\x02\x01\x02\x70\x02\x01\x02\xc0\x00\xe0\x00");
  tl_buf_fini(&b);
}

/* --- parsed --- */

static tl_frame frame_of (const uint8_t *bytes, size_t n) {
  tl_frame f = { 0 };
  assert_int_equal(tl_frame_read(bytes, n, SIZE_MAX, &f), n);
  return f;
}
#define FRAME(text) frame_of((const uint8_t *)(text), sizeof(text) - 1)

static void every_flag_nibble_of_every_type (void **state) {
  (void)state;
  tl_err err;
  for (unsigned type = 0; type < 16; type++)
    for (unsigned flags = 0; flags < 16; flags++) {
      bool two = type == TL_PUBREL || type == TL_SUBSCRIBE || type == TL_UNSUBSCRIBE;
      bool legal = type == TL_PUBLISH || (type != 0 && type != 15 && flags == (two ? 2u : 0u));
      assert_int_equal(tl_parse_flags((uint8_t)type, (uint8_t)flags, &err),
                       legal ? TL_OK : TL_EMALFORMED);
      if (!legal)
        assert_non_null(strstr(err.text, type == 0 || type == 15 ? "forbidden" : "[MQTT-2.2.2-2]"));
    }
}

/* Each parser judges the flags itself, whoever asked before. */
static void flags_are_part_of_each_packet (void **state) {
  (void)state;
  tl_connack c;
  tl_suback a;
  tl_err err = { .text = "" };
  uint16_t id;
  tl_frame f = FRAME("\x21\x02\x00\x00");
  assert_int_equal(tl_parse_connack(&f, &c, &err), TL_EMALFORMED);
  f = FRAME("\x41\x02\x00\x01");
  assert_int_equal(tl_parse_ack(&f, &id, &err), TL_EMALFORMED);
  f = FRAME("\x91\x03\x00\x01\x00");
  assert_int_equal(tl_parse_suback(&f, &a, &err), TL_EMALFORMED);
  f = FRAME("\xd1\x00");
  assert_int_equal(tl_parse_pingresp(&f, &err), TL_EMALFORMED);
  assert_non_null(strstr(err.text, "[MQTT-2.2.2-2]"));
}

static void connack (void **state) {
  (void)state;
  tl_connack c;
  tl_err err;
  tl_frame f = FRAME("\x20\x02\x01\x00");
  assert_int_equal(tl_parse_connack(&f, &c, &err), TL_OK);
  assert_true(c.session_present && c.code == 0);
  for (int code = 0; code < 256; code++) {
    uint8_t bytes[] = { 0x20, 2, 0, (uint8_t)code };
    f = frame_of(bytes, 4);
    assert_int_equal(tl_parse_connack(&f, &c, &err), TL_OK);
    assert_true(!c.session_present && c.code == code && *tl_connack_reason(c.code));
    bytes[2] = 1; /* session present with a refusal */
    f = frame_of(bytes, 4);
    assert_int_equal(tl_parse_connack(&f, &c, &err), code ? TL_EMALFORMED : TL_OK);
  }
  for (int bit = 1; bit < 8; bit++) {
    uint8_t bytes[] = { 0x20, 2, (uint8_t)(1 << bit), 0 };
    f = frame_of(bytes, 4);
    assert_int_equal(tl_parse_connack(&f, &c, &err), TL_EMALFORMED);
  }
  f = FRAME("\x20\x00");
  assert_int_equal(tl_parse_connack(&f, &c, &err), TL_EMALFORMED);
  f = FRAME("\x20\x01\x00");
  assert_int_equal(tl_parse_connack(&f, &c, &err), TL_EMALFORMED);
  f = FRAME("\x20\x03\x00\x00\x00");
  assert_int_equal(tl_parse_connack(&f, &c, &err), TL_EMALFORMED);
  assert_string_equal(err.text, "CONNACK of 3 bytes instead of 2");
}

static void acknowledgements (void **state) {
  (void)state;
  static const uint8_t types[] = { TL_PUBACK, TL_PUBREC, TL_PUBREL, TL_PUBCOMP, TL_UNSUBACK };
  tl_err err;
  uint16_t id;
  for (size_t i = 0; i < sizeof types; i++) {
    uint8_t first = (uint8_t)(types[i] << 4 | (types[i] == TL_PUBREL ? 2 : 0));
    uint8_t good[] = { first, 2, 0x12, 0x34 }, zero[] = { first, 2, 0, 0 }, none[] = { first, 0 };
    uint8_t one[] = { first, 1, 7 }, three[] = { first, 3, 0, 7, 0 };
    tl_frame f = frame_of(good, sizeof good);
    assert_int_equal(tl_parse_ack(&f, &id, &err), TL_OK);
    assert_int_equal(id, 0x1234);
    id = 77;
    f = frame_of(zero, sizeof zero);
    assert_int_equal(tl_parse_ack(&f, &id, &err), TL_EMALFORMED);
    assert_non_null(strstr(err.text, "[MQTT-2.3.1-1]"));
    f = frame_of(none, sizeof none);
    assert_int_equal(tl_parse_ack(&f, &id, &err), TL_EMALFORMED);
    f = frame_of(one, sizeof one);
    assert_int_equal(tl_parse_ack(&f, &id, &err), TL_EMALFORMED);
    f = frame_of(three, sizeof three);
    assert_int_equal(tl_parse_ack(&f, &id, &err), TL_EMALFORMED);
    assert_int_equal(id, 77);
  }
}

static void suback (void **state) {
  (void)state;
  tl_suback a;
  tl_err err;
  tl_frame f = FRAME("\x90\x06\x00\x09\x00\x01\x02\x80");
  assert_int_equal(tl_parse_suback(&f, &a, &err), TL_OK);
  assert_int_equal(a.id, 9);
  assert_int_equal(a.codes.len, 4);
  for (int code = 0; code < 256; code++) {
    uint8_t bytes[] = { 0x90, 3, 0, 9, (uint8_t)code };
    f = frame_of(bytes, sizeof bytes);
    assert_int_equal(tl_parse_suback(&f, &a, &err),
                     code <= 2 || code == 0x80 ? TL_OK : TL_EMALFORMED);
  }
  f = FRAME("\x90\x02\x00\x09");
  assert_int_equal(tl_parse_suback(&f, &a, &err), TL_EMALFORMED);
  f = FRAME("\x90\x03\x00\x00\x01");
  assert_int_equal(tl_parse_suback(&f, &a, &err), TL_EMALFORMED);
  f = FRAME("\x90\x01\x00");
  assert_int_equal(tl_parse_suback(&f, &a, &err), TL_EMALFORMED);
  f = FRAME("\x90\x00");
  assert_int_equal(tl_parse_suback(&f, &a, &err), TL_EMALFORMED);
}

static void pingresp (void **state) {
  (void)state;
  tl_err err;
  tl_frame f = FRAME("\xd0\x00");
  assert_int_equal(tl_parse_pingresp(&f, &err), TL_OK);
  f = FRAME("\xd0\x01\x00");
  assert_int_equal(tl_parse_pingresp(&f, &err), TL_EMALFORMED);
}

static void publish_in_all_its_forms (void **state) {
  (void)state;
  tl_message m;
  tl_err err;
  tl_frame f = FRAME("\x31\x05\x00\x03"
                     "a/b");
  assert_int_equal(tl_parse_publish(&f, &m, &err), TL_OK);
  assert_true(m.qos == 0 && m.retain && !m.dup && m.id == 0 && m.payload.len == 0);
  f = FRAME("\x3d\x0b\x00\x03"
            "a/b\x12\x34hey\xff");
  assert_int_equal(tl_parse_publish(&f, &m, &err), TL_OK);
  assert_true(m.qos == 2 && m.retain && m.dup && m.id == 0x1234 && m.payload.len == 4 &&
              tl_slice_eq(m.topic, TL_LIT("a/b")));
  static const struct {
    const char *bytes;
    size_t n;
    const char *why;
  } bad[] = {
#define BAD(text, why) { text, sizeof(text) - 1, why }
    BAD("\x36\x05\x00\x01"
        "a\x00\x01",
        "[MQTT-3.3.1-4]"),
    BAD("\x38\x03\x00\x01"
        "a",
        "[MQTT-3.3.1-2]"),
    BAD("\x30\x00", "ends before its topic"),
    BAD("\x30\x01\x00", "ends before its topic"),
    BAD("\x30\x04\x00\x03"
        "ab",
        "longer than the packet"),
    BAD("\x30\x04\xff\xff"
        "ab",
        "longer than the packet"),
    BAD("\x32\x03\x00\x01"
        "a",
        "before its identifier"),
    BAD("\x32\x04\x00\x01"
        "a\x01",
        "before its identifier"),
    BAD("\x32\x05\x00\x01"
        "a\x00\x00",
        "identifier 0"),
    BAD("\x34\x05\x00\x01"
        "a\x00\x00",
        "identifier 0"),
    BAD("\x30\x02\x00\x00", "invalid topic"),
    BAD("\x30\x05\x00\x03"
        "a/+",
        "wildcard"),
    BAD("\x30\x03\x00\x01"
        "#",
        "wildcard"),
    BAD("\x30\x05\x00\x03"
        "a\0b",
        "U+0000"),
    BAD("\x30\x04\x00\x02"
        "a\xff",
        "UTF-8"),
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    f = frame_of((const uint8_t *)bad[i].bytes, bad[i].n);
    assert_int_equal(tl_parse_publish(&f, &m, &err), TL_EMALFORMED);
    if (!strstr(err.text, bad[i].why))
      fail_msg("%zu: '%s' does not say '%s'", i, err.text, bad[i].why);
  }
}

/* Each length takes another path through the vector code: a bad byte must be seen at every
** place of every length. */
static void a_bad_byte_anywhere_in_a_topic (void **state) {
  (void)state;
  static const uint8_t bad[] = { 0, '+', '#', 0x80, 0xff, 0xc0 };
  uint8_t topic[80], packet[100];
  tl_message m;
  tl_err err;
  for (size_t n = 1; n <= 70; n++) {
    memset(topic, 'x', sizeof topic);
    topic[n / 2] = 0x7f; /* a control character is legal, and next to the borders of the ranges */
    size_t size = tl_publish_size(n, 0, 0);
    tl_build_publish(packet, tl_slice_of(topic, n), tl_slice_of(NULL, 0), 0, false, 0, NULL);
    tl_frame f = frame_of(packet, size);
    assert_int_equal(tl_parse_publish(&f, &m, &err), TL_OK);
    assert_int_equal(m.topic.len, n);
    for (size_t at = 0; at < n; at++)
      for (size_t i = 0; i < sizeof bad; i++) {
        uint8_t *place = packet + (size - n) + at, was = *place;
        *place = bad[i];
        assert_int_equal(tl_parse_publish(&f, &m, &err), TL_EMALFORMED);
        *place = was;
      }
  }
}

static void topics_beyond_ascii (void **state) {
  (void)state;
  static const char *const good[] = { "tepl\xc3\xb4ta",
                                      "\xef\xbb\xbf"
                                      "bom",
                                      "\xf0\x9f\x94\xa5",
                                      "\xef\xbf\xbf",
                                      "a\x01"
                                      "b\x1f",
                                      "\xc2\x80" };
  static const char *const bad[] = { "\x80",
                                     "\xbf",
                                     "\xc0\x80",
                                     "\xc1\xbf",
                                     "\xc2",
                                     "\xc2\x20",
                                     "\xe0\x80\x80",
                                     "\xe0\x9f\xbf",
                                     "\xe2\x82",
                                     "\xed\xa0\x80",
                                     "\xed\xbf\xbf",
                                     "\xf0\x80\x80\x80",
                                     "\xf0\x8f\xbf\xbf",
                                     "\xf4\x90\x80\x80",
                                     "\xf5\x80\x80\x80",
                                     "\xfe",
                                     "\xff",
                                     "\xf0\x9f\x94",
                                     "a\xe9z" };
  uint8_t packet[64];
  tl_message m;
  tl_err err;
  for (size_t i = 0; i < sizeof good / sizeof *good + sizeof bad / sizeof *bad; i++) {
    bool fine = i < sizeof good / sizeof *good;
    tl_slice topic = tl_slice_str(fine ? good[i] : bad[i - sizeof good / sizeof *good]);
    tl_build_publish(packet, topic, TL_LIT("\xff"), 0, false, 0, NULL);
    tl_frame f = frame_of(packet, tl_publish_size(topic.len, 1, 0));
    assert_int_equal(tl_parse_publish(&f, &m, &err), fine ? TL_OK : TL_EMALFORMED);
    if (fine) assert_true(tl_slice_eq(m.topic, topic));
  }
}

/* --- in words --- */

static void words_for_every_packet (void **state) {
  (void)state;
  static const struct {
    const char *bytes;
    size_t n;
    const char *words;
  } all[] = {
    BAD("\x10\x20\x00\x04MQTT\x04\xf6\x12\x34\x00\x02me\x00\x03w/t\x00\x03"
        "bye\x00\x01u\x00\x03pwd",
        "CONNECT level=4 clean=1 keep_alive=4660 client_id=\"me\" will_qos=2 will_retain=1 "
        "will_topic=\"w/t\" "
        "will_message=3 bytes "
        "\"bye\" user=\"u\" password=(not shown)"),
    BAD("\x20\x02\x01\x05", "CONNACK session_present=1 code=5 (not authorized)"),
    BAD("\x33\x0a\x00\x03"
        "a/b\x12\x34h\n\xff",
        "PUBLISH qos=1 dup=0 retain=1 id=4660 topic=\"a/b\" payload=3 bytes \"h\\x0a\\xff\""),
    BAD("\x40\x02\x00\x07", "PUBACK id=7"),
    BAD("\x62\x02\x00\x07", "PUBREL id=7"),
    BAD("\x82\x09\x00\x01\x00\x01"
        "a\x01\x00\x00\x02",
        "SUBSCRIBE id=1 \"a\" qos=1 \"\" qos=2"),
    BAD("\x90\x05\x00\x01\x00\x80\x02", "SUBACK id=1 codes=0x00,0x80,0x02"),
    BAD("\xa2\x05\x00\x01\x00\x01"
        "a",
        "UNSUBSCRIBE id=1 \"a\""),
    BAD("\xb0\x02\x00\x07", "UNSUBACK id=7"),
    BAD("\xc0\x00", "PINGREQ"),
    BAD("\xd0\x00", "PINGRESP"),
    BAD("\xe0\x00", "DISCONNECT"),
    BAD("\xf0\x01x", "packet of type 15 of 1 bytes"),
    /* what is broken is described as far as it goes */
    BAD("\x30\x01x", "PUBLISH qos=0 dup=0 retain=0"),
    BAD("\x10\x00", "CONNECT"),
    BAD("\x40\x00", "PUBACK"),
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    tl_buf text;
    tl_buf_init(&text);
    tl_frame f = frame_of((const uint8_t *)all[i].bytes, all[i].n);
    tl_describe(&text, &f);
    same_text(&text, all[i].words, "words", (int)i);
    tl_buf_fini(&text);
  }
}

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC("[MQTT-3.1.2-1] [MQTT-3.1.2-2] [MQTT-3.1.2-3] [MQTT-3.1.2-11] [MQTT-3.1.2-13] "
         "[MQTT-3.1.2-15] [MQTT-3.1.2-18] "
         "[MQTT-3.1.2-20] "
         "[MQTT-3.1.2-22] [MQTT-3.1.3-3] CONNECT without Will, user and password",
         connect_without_anything),
    SPEC("[MQTT-3.1.2-9] [MQTT-3.1.2-14] [MQTT-3.1.2-19] [MQTT-3.1.2-21] [MQTT-3.1.3-1] CONNECT "
         "with all fields in their order",
         connect_with_everything),
    SPEC("[MQTT-3.1.3-7] CONNECT with a blank client id and an empty Will message",
         connect_of_a_blank_client_id_and_an_empty_will_message),
    SPEC("CONNECT refuses a field over 65535 bytes", connect_refuses_a_field_over_65535_bytes),
    SPEC("[MQTT-2.3.1-5] [MQTT-3.3.2-1] [MQTT-4.3.1-1] PUBLISH at each QoS, and the largest",
         publish_at_each_qos),
    SPEC("[MQTT-3.8.1-1] [MQTT-3-8.3-4] [MQTT-3.10.1-1] SUBSCRIBE and UNSUBSCRIBE",
         subscribe_and_unsubscribe),
    SPEC("filters beyond what a packet can say", filters_beyond_what_a_packet_can_say),
    SPEC("[MQTT-2.2.2-1] [MQTT-3.6.1-1] [MQTT-3.14.1-1] acknowledgements, PINGREQ, DISCONNECT",
         short_packets),
    SPEC("[MQTT-2.2.2-2] every flag nibble of every type", every_flag_nibble_of_every_type),
    SPEC("[MQTT-2.2.2-2] flags are part of each packet", flags_are_part_of_each_packet),
    SPEC("[MQTT-3.2.2-4] CONNACK: every code, reserved bit and length", connack),
    SPEC("[MQTT-2.3.1-1] acknowledgements are an identifier that is not 0", acknowledgements),
    SPEC("[MQTT-3.9.3-2] SUBACK: every code, no code, identifier 0", suback),
    SPEC("PINGRESP is empty", pingresp),
    SPEC("[MQTT-3.3.1-2] [MQTT-3.3.1-4] [MQTT-3.3.2-2] [MQTT-4.7.3-1] PUBLISH in all its forms",
         publish_in_all_its_forms),
    SPEC("[MQTT-1.5.3-1] [MQTT-1.5.3-2] [MQTT-3.3.2-2] a bad byte anywhere in a topic",
         a_bad_byte_anywhere_in_a_topic),
    SPEC("[MQTT-1.5.3-1] [MQTT-1.5.3-3] topics beyond ASCII", topics_beyond_ascii),
    SPEC("words for every packet, without the password", words_for_every_packet),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
