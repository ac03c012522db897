/* Malformed and hostile input, one by one, with clean session YES and NO: each closes at once
** and says why, and the next connection works as if nothing had happened; or it is legal, and
** nothing happens at all. */
#include "mqtt/harness.h"

typedef struct {
  const char *what, *bytes;
  size_t n;
  int code;        /* TL_OK: legal */
  const char *why; /* part of the error */
} hostile;
#define BAD(what, text, why) \
  { what, text, sizeof(text) - 1, TL_EMALFORMED, why }
#define FINE(what, text) \
  { what, text, sizeof(text) - 1, TL_OK, "" }

/* In place of CONNACK. */
static const hostile before[] = {
  BAD("CONNACK, reserved bit 1", "\x20\x02\x02\x00", "reserved"),
  BAD("CONNACK, reserved bit 7", "\x20\x02\x80\x00", "reserved"),
  BAD("CONNACK of length 0", "\x20\x00", "instead of 2"),
  BAD("CONNACK of length 1", "\x20\x01\x00", "instead of 2"),
  BAD("CONNACK of length 3", "\x20\x03\x00\x00\x00", "instead of 2"),
  BAD("CONNACK with wrong flags", "\x21\x02\x00\x00", "[MQTT-2.2.2-2]"),
  BAD("session present with a refusal", "\x20\x02\x01\x05", "[MQTT-3.2.2-4]"),
  BAD("HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n", "an HTTP server?"),
  BAD("the first byte of HTTP", "H", "an HTTP server?"),
  BAD("a TLS alert", "\x15\x03\x01\x00\x02\x02\x16", "a TLS port?"),
  BAD("SSH", "SSH-2.0-OpenSSH\r\n", "[MQTT-3.2.0-1]"),
  BAD("PUBLISH first", "\x30\x03\x00\x01t", "[MQTT-3.2.0-1]"),
  BAD("SUBACK first", "\x90\x03\x00\x01\x00", "[MQTT-3.2.0-1]"),
  BAD("PINGRESP first", "\xd0\x00", "[MQTT-3.2.0-1]"),
  BAD("CONNECT first", "\x10\x00", "[MQTT-3.2.0-1]"),
  BAD("a length of five bytes", "\x20\x80\x80\x80\x80\x00", "four bytes"),
  { "a length lie", "\x20\xff\xff\xff\x7f", 5, TL_ETOOBIG, "268435460 bytes" },
};

/* On a connection that is up; SUBSCRIBE is answered. */
static const hostile during[] = {
  BAD("type 0", "\x00\x00", "forbidden"),
  BAD("type 15", "\xf0\x00", "forbidden"),
  BAD("type 0, before its length", "\x00", "forbidden"),
  BAD("five length bytes", "\x30\x80\x80\x80\x80\x01", "four bytes"),
  BAD("four continuation bytes", "\x30\xff\xff\xff\xff", "four bytes"),
  { "a length of 268435455", "\x90\xff\xff\xff\x7f", 5, TL_ETOOBIG, "max_packet_size is 1048576" },
  BAD("a PUBLISH too long, QoS 3", "\x36\xff\xff\xff\x7f\x00\x01t\x00\x01", "[MQTT-3.3.1-4]"),
  BAD("a PUBLISH too long, topic with +", "\x30\xff\xff\xff\x7f\x00\x01+", "wildcard"),
  BAD("a PUBLISH too long, identifier 0", "\x32\xff\xff\xff\x7f\x00\x01t\x00\x00",
      "[MQTT-2.3.1-1]"),
  { "one byte over the limit", "\x90\xfd\xff\x3f", 4, TL_ETOOBIG, "1048577 bytes" },
  FINE("a length with more bytes than needed", "\xd0\x80\x80\x00"),
  BAD("a second CONNACK", "\x20\x02\x00\x00", "a second CONNACK"),
  BAD("CONNACK code 5, later", "\x20\x02\x00\x05", "a second CONNACK"),
  BAD("CONNECT", "\x10\x0c\x00\x04MQTT\x04\x02\x00\x00\x00\x00", "only a client"),
  BAD("SUBSCRIBE", "\x82\x06\x00\x01\x00\x01t\x00", "only a client"),
  BAD("UNSUBSCRIBE", "\xa2\x05\x00\x01\x00\x01t", "only a client"),
  BAD("PINGREQ", "\xc0\x00", "only a client"),
  BAD("DISCONNECT", "\xe0\x00", "only a client"),
  BAD("SUBACK, identifier 0", "\x90\x03\x00\x00\x00", "[MQTT-2.3.1-1]"),
  BAD("SUBACK, no code", "\x90\x02\x00\x01", "without a return code"),
  BAD("SUBACK, code 3", "\x90\x03\x00\x01\x03", "[MQTT-3.9.3-2]"),
  BAD("SUBACK, code 0x7f", "\x90\x03\x00\x01\x7f", "[MQTT-3.9.3-2]"),
  BAD("SUBACK, code 0x81", "\x90\x03\x00\x01\x81", "[MQTT-3.9.3-2]"),
  BAD("SUBACK, code 0xff", "\x90\x03\x00\x01\xff", "[MQTT-3.9.3-2]"),
  BAD("SUBACK with one byte", "\x90\x01\x00", "no identifier"),
  FINE("SUBACK twice", "\x90\x03\x00\x01\x01"),
  FINE("SUBACK, unknown identifier", "\x90\x03\x77\x77\x01"),
  FINE("UNSUBACK, unknown identifier", "\xb0\x02\x77\x77"),
  BAD("UNSUBACK, identifier 0", "\xb0\x02\x00\x00", "[MQTT-2.3.1-1]"),
  BAD("PINGRESP with a body", "\xd0\x01\x00", "instead of 0"),
  FINE("PINGRESP unasked", "\xd0\x00"),
  BAD("PUBLISH, QoS 3", "\x36\x05\x00\x01t\x00\x01", "[MQTT-3.3.1-4]"),
  BAD("PUBLISH, QoS 3 and DUP", "\x3e\x05\x00\x01t\x00\x01", "[MQTT-3.3.1-4]"),
  BAD("PUBLISH, QoS 0 and DUP", "\x38\x03\x00\x01t", "[MQTT-3.3.1-2]"),
  BAD("PUBLISH, QoS 1, identifier 0", "\x32\x05\x00\x01t\x00\x00", "[MQTT-2.3.1-1]"),
  BAD("PUBLISH, QoS 2, identifier 0", "\x34\x05\x00\x01t\x00\x00", "[MQTT-2.3.1-1]"),
  BAD("PUBLISH, empty topic", "\x30\x02\x00\x00", "at least one character"),
  BAD("PUBLISH, topic with +",
      "\x30\x05\x00\x03"
      "a/+",
      "wildcard"),
  BAD("PUBLISH, topic with #", "\x30\x03\x00\x01#", "wildcard"),
  BAD("PUBLISH, topic with NUL",
      "\x30\x05\x00\x03"
      "a\0b",
      "U+0000"),
  BAD("PUBLISH, topic longer than the packet", "\x30\x03\x00\x09t", "longer than the packet"),
  BAD("PUBLISH, topic of 65535 in 3 bytes", "\x30\x03\xff\xfft", "longer than the packet"),
  BAD("PUBLISH, no room for the identifier", "\x32\x03\x00\x01t", "before its identifier"),
  BAD("PUBLISH, half an identifier", "\x32\x04\x00\x01t\x00", "before its identifier"),
  BAD("PUBLISH, no body", "\x30\x00", "before its topic"),
  BAD("PUBLISH, a body of one byte", "\x30\x01\x00", "before its topic"),
  FINE("PUBLISH, control characters", "\x30\x05\x00\x03\x01\x1f\x7f"),
  FINE("PUBLISH, a non-character", "\x30\x05\x00\x03\xef\xbf\xbe"),
  FINE("PUBLISH, a payload that is not UTF-8", "\x30\x04\x00\x01t\xff"),
  FINE("PUBLISH, $SYS", "\x30\x08\x00\x06$SYS/x"),
  BAD("PUBACK of length 0", "\x40\x00", "instead of 2"),
  BAD("PUBACK of length 1", "\x40\x01\x01", "instead of 2"),
  BAD("PUBACK of length 3", "\x40\x03\x00\x01\x00", "instead of 2"),
  BAD("PUBACK, identifier 0", "\x40\x02\x00\x00", "[MQTT-2.3.1-1]"),
  BAD("PUBREC of length 3", "\x50\x03\x00\x01\x00", "instead of 2"),
  BAD("PUBREC, identifier 0", "\x50\x02\x00\x00", "[MQTT-2.3.1-1]"),
  BAD("PUBREL of length 1", "\x62\x01\x01", "instead of 2"),
  BAD("PUBREL, identifier 0", "\x62\x02\x00\x00", "[MQTT-2.3.1-1]"),
  BAD("PUBREL with flags 0", "\x60\x02\x00\x01", "[MQTT-2.2.2-2]"),
  BAD("PUBCOMP of length 0", "\x70\x00", "instead of 2"),
  BAD("PUBCOMP, identifier 0", "\x70\x02\x00\x00", "[MQTT-2.3.1-1]"),
  FINE("PUBACK, unknown identifier", "\x40\x02\x77\x77"),
  FINE("PUBREC, unknown identifier", "\x50\x02\x77\x77"),
  FINE("PUBREL, unknown identifier", "\x62\x02\x77\x77"),
  FINE("PUBCOMP, unknown identifier", "\x70\x02\x77\x77"),
};

/* The write and the message of before must come out right on the next connection. */
static void recovers (harness *h, bool clean, const char *what) {
  h_reconnect(h, !clean);
  h_message_in(h, "after", "", 1, false, 900);
  SENT(h, "PUBACK id=900\n");
  EVENTS(h, "message after= q1 id900\n");
  if (!tl_session_is_connected(h->s)) fail_msg("%s: no connection afterwards", what);
}

static void run (const hostile *list, size_t n, bool up) {
  for (size_t i = 0; i < 2 * n; i++) {
    const hostile *x = &list[i / 2];
    bool clean = i % 2;
    harness h;
    h_init(&h, clean);
    h_start(&h);
    if (up)
      h_connect(&h, false);
    else
      h_open(&h);
    h_forget(&h);
    if (up) h_publish(&h, "t", "", 1, 1);
    h_flush(&h);
    h_forget(&h);
    h_feed(&h, (const uint8_t *)x->bytes, x->n);
    bool as_wanted = x->code == TL_OK ? h.rc == (long)x->n
                                      : h.rc == x->code && strstr(tl_session_error(h.s), x->why);
    if (!as_wanted)
      fail_msg("%s (clean %d): got %ld, '%s'", x->what, clean, h.rc, tl_session_error(h.s));
    if (x->code == TL_OK) {
      h_ack_in(&h, TL_PUBACK, 2); /* the write is still known */
      assert_non_null(memmem(h.events.at, h.events.len, "published 1 done", 16));
    } else {
      h_forget(&h);
      assert_int_equal(h_feed(&h, BYTES("\x30\x03\x00\x01t")), x->code); /* closed is closed */
      EVENTS(&h, "");
      SENT(&h, "");
      h_cut(&h);
      EVENTS(&h, up && clean ? "published 1 lost\n" : "");
      if (up && !clean) {
        h_accept(&h, true);
        h_ack_in(&h, TL_PUBACK, 2);
        EVENTS(&h, "connected 1\npublished 1 done\n");
      }
    }
    recovers(&h, clean, x->what);
    h_fini(&h);
  }
}

static void in_place_of_connack (void **state) {
  (void)state;
  run(before, sizeof before / sizeof *before, false);
}

static void on_a_connection (void **state) {
  (void)state;
  run(during, sizeof during / sizeof *during, true);
}

static void each_split_of_each (void **state) {
  (void)state;
  /* the verdict does not depend on how the bytes come */
  for (size_t i = 0; i < sizeof during / sizeof *during; i++)
    for (size_t split = 0; split < during[i].n; split++) {
      harness h;
      h_up(&h, false);
      h_feed(&h, (const uint8_t *)during[i].bytes, split);
      if (h.rc >= 0)
        h_feed(&h, (const uint8_t *)during[i].bytes + h.rc, during[i].n - (size_t)h.rc);
      assert_int_equal(h.rc < 0 ? h.rc : TL_OK, during[i].code);
      h_fini(&h);
    }
}

static void sixteen_kinds_of_bad_utf8 (void **state) {
  (void)state;
  static const char *const bad[] = {
    "\x80",         "\xbf",         "\xc0\xaf",         "\xc1\x81",     "\xc2",
    "\xc2\x20",     "\xe0\x80\xaf", "\xe0\x9f\xbf",     "\xe2\x82",     "\xe2\x28\xa1",
    "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\xaf", "\xf0\x9f\x94", "\xf4\x90\x80\x80",
    "\xff\xfe"
  };
  for (size_t i = 0; i < 2 * sizeof bad / sizeof *bad; i++) {
    harness h;
    uint8_t packet[20];
    tl_slice topic = tl_slice_str(bad[i / 2]);
    h_up(&h, i % 2);
    tl_build_publish(packet, topic, TL_LIT("x"), 1, false, 5, NULL);
    h_fails(&h, packet, tl_publish_size(topic.len, 1, 1), TL_EMALFORMED, "UTF-8");
    EVENTS(&h, "");
    SENT(&h, ""); /* neither delivered nor acknowledged */
    recovers(&h, i % 2, bad[i / 2]);
    h_fini(&h);
  }
}

static void every_wrong_flag_nibble (void **state) {
  (void)state;
  for (unsigned type = 1; type < 15; type++)
    for (unsigned flags = 0; flags < 32; flags++) {
      bool clean = flags & 16;
      uint8_t first = (uint8_t)(type << 4 | (flags & 15));
      tl_err why;
      harness h;
      if (type == TL_PUBLISH || tl_parse_flags((uint8_t)type, flags & 15, &why) == TL_OK) continue;
      h_up(&h, clean);
      h_fails(&h, &first, 1, TL_EMALFORMED, "[MQTT-2.2.2-2]"); /* from the first byte on */
      h_fini(&h);
    }
}

static void ten_thousand_in_one_segment (void **state) {
  harness *h = *state;
  tl_buf all;
  tl_buf_init(&all);
  for (int i = 0; i < 10000; i++) tl_buf_add(&all, "\x30\x04\x00\x02ta", 6);
  h_takes(h, all.at, all.len);
  assert_int_equal(h_stats(h).received, 10000);
  tl_buf_fini(&all);
}

/* Seeded noise behind CONNACK: whatever comes, the session answers with a code or takes it, and
** the sanitizers are silent. */
static void noise (void **state) {
  (void)state;
  uint64_t x = 88172645463325252u;
  for (int round = 0; round < 3000; round++) {
    harness h;
    uint8_t bytes[64];
    h_up(&h, round & 1);
    h_publish(&h, "t", "", 2, 1);
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(random_next(&x) >> 24);
    if (round & 2) bytes[0] = (uint8_t)((bytes[0] & 0x0f) | 0x30); /* often enough a PUBLISH */
    if (round & 4) bytes[1] &= 0x1f;
    if (round & 8) bytes[2] = 0;
    h_feed(&h, bytes, 1 + x % sizeof bytes);
    assert_true(h.rc >= 0 || h.rc == TL_EMALFORMED || h.rc == TL_ETOOBIG || h.rc == TL_EREFUSED);
    h_fini(&h);
  }
}

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC("[MQTT-3.2.0-1] [MQTT-3.2.2-4] [MQTT-4.8.0-1] in place of CONNACK", in_place_of_connack),
    SPEC("[MQTT-4.8.0-1] [MQTT-2.2.2-2] [MQTT-2.3.1-1] [MQTT-3.3.1-4] [MQTT-3.3.2-2] "
         "[MQTT-3.9.3-2] [MQTT-1.5.3-2] "
         "[MQTT-1.5.3-3] "
         "on a connection",
         on_a_connection),
    SPEC("the verdict does not depend on how the bytes come", each_split_of_each),
    SPEC("[MQTT-1.5.3-1] sixteen kinds of bad UTF-8", sixteen_kinds_of_bad_utf8),
    SPEC("[MQTT-2.2.2-2] every wrong flag nibble of every type", every_wrong_flag_nibble),
    SPEC_UP("ten thousand messages in one segment", ten_thousand_in_one_segment),
    SPEC("noise", noise),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
