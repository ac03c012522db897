/* spec/ws/frames_test.c — frames as bytes: what is taken, in every cut; what is refused, with
** its close code. */
#include "support/torture.h"

#include <wslay/wslay.h>

#include "ws/frames.h"

FAILING(wslay_frame_context_init, int, WSLAY_ERR_NOMEM,
        (wslay_frame_context_ptr * c, const struct wslay_frame_callbacks *calls, void *ctx),
        (c, calls, ctx))

static bool no_random;

static int fixed_random (void *ctx, uint8_t *at, size_t n) {
  (void)ctx;
  for (size_t i = 0; i < n; i++) at[i] = (uint8_t)(0x11 * (i + 1));
  return no_random ? TL_ENOMEM : TL_OK;
}

static tl_ws *open_ws (void) {
  tl_ws *w = NULL;
  assert_int_equal(tl_ws_new(&w, fixed_random, NULL), TL_OK);
  return w;
}

/* Feeds in pieces of `piece` bytes, reads into rooms of `room`; returns the last result of a
** read. */
static long run (tl_ws *w, tl_slice in, size_t piece, size_t room, tl_buf *got) {
  for (size_t at = 0; at < in.len; at += piece) {
    size_t n = in.len - at < piece ? in.len - at : piece;
    uint8_t *copy = malloc(n), *into = malloc(room);
    memcpy(copy, in.at + at, n);
    tl_ws_feed(w, copy, n);
    long rc;
    while ((rc = tl_ws_read(w, into, room)) > 0) tl_buf_add(got, into, (size_t)rc);
    free(copy);
    free(into);
    if (rc < 0) return rc;
  }
  return 0;
}

/* The whole of `in`, in a WebSocket and a buffer of its own: the result of run(). Both are the
** caller's until done(). */
typedef struct {
  tl_ws *w;
  tl_buf got;
  long rc;
} conversation;

static conversation hear (tl_slice in, size_t piece, size_t room) {
  conversation c = { .w = open_ws() };
  tl_buf_init(&c.got);
  c.rc = run(c.w, in, piece, room, &c.got);
  return c;
}

static void done (conversation *c) {
  tl_buf_fini(&c->got);
  tl_ws_free(c->w);
}

/* The body of the only masked frame in the output; its opcode. */
static uint8_t sent (tl_ws *w, uint8_t *body, size_t *n) {
  tl_buf *out = tl_ws_output(w);
  assert_true(out->len >= 6 && (out->at[1] & 0x80) && (out->at[1] & 0x7f) < 126);
  *n = out->at[1] & 0x7f;
  assert_int_equal(out->len, 6 + *n);
  for (size_t i = 0; i < *n; i++) body[i] = out->at[6 + i] ^ out->at[2 + i % 4];
  return out->at[0];
}

static void reads_every_framing_at_every_cut (void **unused) {
  (void)unused;
  static const struct {
    tl_slice in;
    const char *out;
    size_t n;
  } cases[] = {
#define CASE(i, o) { { (const uint8_t *)i, sizeof i - 1 }, o, sizeof o - 1 }
    CASE("\x82\x05hello", "hello"),
    CASE("\x82\x01h\x82\x01"
         "e\x82\x01l\x82\x01l\x82\x01o",
         "hello"),
    CASE("\x02\x02he\x80\x03llo", "hello"),
    CASE("\x02\x02he\x89\x02hi\x00\x01l\x8a\x00\x80\x02lo",
         "hello"),                                  /* a ping and a pong between fragments */
    CASE("\x82\x00\x02\x00\x80\x00\x82\x01x", "x"), /* empty ones */
    CASE("\x8a\x7d"
         "01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678"
         "90123456789"
         "0123456789012345678901234\x82\x01x",
         "x"),
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (size_t piece = 1; piece <= cases[i].in.len; piece++) {
      for (size_t room = 1; room <= 6; room++) {
        conversation c = hear(cases[i].in, piece, room);
        assert_int_equal(c.rc, 0);
        assert_true(tl_slice_eq(tl_buf_bytes(&c.got), tl_slice_of(cases[i].out, cases[i].n)));
        assert_false(tl_ws_is_inside(c.w));
        done(&c);
      }
    }
  }
}

static void reads_all_forms_of_length (void **unused) {
  (void)unused;
  static const size_t sizes[] = { 125, 126, 127, 128, 4095, 4096, 4097, 65535, 65536, 100000 };
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    size_t n = sizes[i];
    tl_buf in;
    tl_buf_init(&in);
    tl_buf_byte(&in, 0x82);
    if (n < 126)
      tl_buf_byte(&in, (uint8_t)n);
    else if (n <= 65535)
      tl_buf_fmt(&in, "%c%c%c", 126, (int)(n >> 8), (int)(n & 255));
    else {
      tl_buf_byte(&in, 127);
      for (int k = 7; k >= 0; k--) tl_buf_byte(&in, (uint8_t)((uint64_t)n >> (8 * k)));
    }
    for (size_t k = 0; k < n; k++) tl_buf_byte(&in, (uint8_t)(k * 7));
    conversation c = hear(tl_buf_bytes(&in), 1000, 64 * 1024);
    assert_int_equal(c.rc, 0);
    assert_int_equal(c.got.len, n);
    for (size_t k = 0; k < n; k++) assert_int_equal(c.got.at[k], (uint8_t)(k * 7));
    done(&c);
    tl_buf_fini(&in);
  }
}

static void answers_a_ping_with_its_bytes_and_a_flood_of_them_once (void **unused) {
  (void)unused;
  tl_buf in;
  uint8_t body[125];
  size_t n;
  tl_buf_init(&in);
  for (int i = 0; i < 100000; i++) tl_buf_str(&in, "\x89\x02no");
  tl_buf_str(&in, "\x89\x03"
                  "yes");
  conversation c = hear(tl_buf_bytes(&in), 65536, 1000);
  assert_int_equal(c.rc, 0);
  assert_int_equal(sent(c.w, body, &n), 0x8a);
  assert_int_equal(n, 3);
  assert_memory_equal(body, "yes", 3);
  tl_buf_clear(tl_ws_output(c.w));
  assert_int_equal(tl_ws_output(c.w)->len, 0);
  done(&c);
  tl_buf_fini(&in);
}

/* It says so in words, and to the peer by a close frame with this code. */
static void answers_with (const conversation *c, size_t i, unsigned code, const char *words) {
  uint8_t body[125];
  size_t n;
  if (!strstr(tl_ws_error(c->w), words)) fail_msg("case %zu: %s", i, tl_ws_error(c->w));
  assert_int_equal(sent(c->w, body, &n), 0x88);
  assert_in_range(n, 2, sizeof body);
  assert_int_equal((unsigned)body[0] << 8 | body[1], code);
}

static void refuses_what_breaks_a_rule (void **unused) {
  (void)unused;
  static const struct {
    tl_slice in;
    unsigned code;
    const char *words;
  } cases[] = {
#define BAD(i, c, t) { { (const uint8_t *)i, sizeof i - 1 }, c, t }
    BAD("\xc2\x01x", 1002, "reserved bit"),
    BAD("\xa2\x01x", 1002, "reserved bit"),
    BAD("\x92\x01x", 1002, "reserved bit"),
    BAD("\x82\x81\x01\x02\x03\x04x", 1002, "masked"),
    BAD("\x81\x01x", 1003, "text frame [MQTT-6.0.0-1]"),
    BAD("\x01\x01x", 1003, "text frame"),
    BAD("\x80\x01x", 1002, "continuation"),
    BAD("\x02\x01x\x82\x01x", 1002, "inside another"),
    BAD("\x83\x01x", 1002, "opcode"),
    BAD("\x8f\x01x", 1002, "opcode"),
    BAD("\x8b\x00", 1002, "opcode"),
    BAD("\x09\x01x", 1002, "malformed"),         /* a ping in fragments */
    BAD("\x89\x7e\x00\x7ex", 1002, "malformed"), /* a ping of 126 bytes */
    BAD("\x82\x7e\x00\x7dx", 1002, "malformed"), /* a length that has a shorter form */
    BAD("\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xffx", 1002, "malformed"),
    BAD("\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00x", 1002, "malformed"),
    BAD("\x88\x01\x03", 1002, "one byte"),
    BAD("\x88\x02\x03\xed", 1002, "code"),
    BAD("\x88\x02\x03\xe7", 1002, "code"),
    BAD("\x88\x02\x13\x88", 1002, "code"),
    BAD("\x88\x03\x03\xe8\xff", 1007, "UTF-8"),
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (size_t piece = 1; piece <= cases[i].in.len; piece++) {
      conversation c = hear(cases[i].in, piece, 100);
      uint8_t body[1];
      if (c.rc != TL_EMALFORMED) fail_msg("case %zu in pieces of %zu: %ld", i, piece, c.rc);
      answers_with(&c, i, cases[i].code, cases[i].words);
      assert_int_equal(tl_ws_output(c.w)->len, 8);               /* the code alone */
      assert_int_equal(tl_ws_read(c.w, body, 1), TL_EMALFORMED); /* for ever */
      assert_int_equal(tl_ws_write(c.w, "x", 1), TL_ESTATE);
      done(&c);
    }
  }
}

static void a_close_is_told_and_answered_with_its_code (void **unused) {
  (void)unused;
  static const struct {
    tl_slice in;
    unsigned code;
    const char *words;
  } cases[] = {
    BAD("\x82\x01x\x88\x00", 1000, "closed the WebSocket without a reason: look at its log"),
    BAD("\x82\x01x\x88\x02\x03\xe8", 1000,
        "closed the WebSocket: 1000 normal closure: look at its log"),
    BAD("\x82\x01x\x88\x04\x03\xf0no", 1008,
        "1008 policy violation, 'no': check user_name, password and ws_headers"),
    BAD("\x82\x01x\x88\x0b\x03\xeatoo\nlarge", 1002, "1002 protocol error, 'too?large'"),
    BAD("\x82\x01x\x88\x02\x0f\xa1", 4001, "4001 of the broker's own"),
    BAD("\x82\x01x\x88\x02\x0b\xb9", 3001, "3001"),
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    conversation c = hear(cases[i].in, cases[i].in.len, 100);
    assert_int_equal(c.rc, TL_WS_CLOSED);
    assert_int_equal(c.got.len, 1); /* what came before it counts */
    answers_with(&c, i, cases[i].code, cases[i].words);
    done(&c);
  }
}

static void each_code_of_a_close_has_its_words (void **unused) {
  static const struct {
    unsigned code;
    const char *words; /* NULL: it must not be sent */
  } rows[] = { { 1001, "1001 going away: it should come back by itself" },
               { 1003, "1003 unsupported data: look at its log" },
               { 1007, "1007 invalid payload" },
               { 1009, "1009 message too big: send less at once, or let it take more" },
               { 1010, "1010 extension wanted" },
               { 1011, "1011 internal error" },
               { 1012, "1012 service restart: it should come back by itself" },
               { 1013, "1013 try again later: it should come back by itself" },
               { 1014, "1014 bad gateway" },
               { 3000, "3000 registered elsewhere" },
               { 4999, "4999 of the broker's own" },
               { 999, NULL },
               { 1004, NULL },
               { 1005, NULL },
               { 1006, NULL },
               { 1015, NULL },
               { 2999, NULL },
               { 5000, NULL } };
  (void)unused;
  for (size_t i = 0; i < COUNT(rows); i++) {
    const uint8_t in[] = { 0x88, 2, (uint8_t)(rows[i].code >> 8), (uint8_t)rows[i].code };
    tl_ws *w = open_ws();
    tl_buf got;
    tl_buf_init(&got);
    long rc = run(w, tl_slice_of(in, sizeof in), sizeof in, 100, &got);
    assert_int_equal(rc, rows[i].words ? TL_WS_CLOSED : TL_EMALFORMED);
    if (!strstr(tl_ws_error(w), rows[i].words ? rows[i].words : "must not be sent"))
      fail_msg("%u: %s", rows[i].code, tl_ws_error(w));
    assert_int_equal(tl_ws_read(w, (uint8_t[8]){ 0 }, 8), rc); /* it stays so */
    tl_buf_fini(&got);
    tl_ws_free(w);
  }
  tl_ws_free(NULL);
}

/* Bytes that are kept until they can be read, a ping and a frame of ours. */
static void no_memory_is_told_and_nothing_is_sent_in_part (void **unused) {
  (void)unused;
  for (torture_round t = { 0 }; torture_next(&t);) {
    static const uint8_t in[] = "\x89\x01p\x82\x05hello";
    tl_ws *w = NULL;
    uint8_t room[16];
    memory_fails(t.at, t.for_ever);
    int rc = tl_ws_new(&w, fixed_random, NULL);
    if (rc == TL_OK) {
      tl_ws_feed(w, in, sizeof in - 1);
      rc = tl_ws_keep(w);
    }
    if (rc == TL_OK) rc = tl_ws_write(w, "x", 1);
    memory_heals();
    assert_int_equal(rc, memory_failed ? TL_ENOMEM : TL_OK);
    if (!w) continue;
    if (rc == TL_OK) {
      assert_int_equal(tl_ws_read(w, room, sizeof room), 5);
      assert_memory_equal(room, "hello", 5);
    } else {
      assert_int_equal(tl_ws_output(w)->len, 0);
    }
    tl_ws_free(w);
  }
}

static void writes_one_masked_frame_whatever_the_length (void **unused) {
  (void)unused;
  static const size_t sizes[] = { 1, 2, 7, 8, 9, 125, 126, 65535, 65536, 70001 };
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    size_t n = sizes[i], head = n < 126 ? 2 : n <= 65535 ? 4 : 10;
    uint8_t *bytes = malloc(n);
    for (size_t k = 0; k < n; k++) bytes[k] = (uint8_t)(k * 31 + 5);
    tl_ws *w = open_ws();
    assert_int_equal(tl_ws_write(w, bytes, n), TL_OK);
    tl_buf *out = tl_ws_output(w);
    assert_int_equal(out->len, head + 4 + n);
    assert_int_equal(out->at[0], 0x82);
    assert_int_equal(out->at[1], 0x80 | (n < 126 ? n : n <= 65535 ? 126 : 127));
    uint64_t told = n < 126 ? n : 0;
    for (size_t k = 2; k < head; k++) told = told << 8 | out->at[k];
    assert_int_equal(told, n);
    for (size_t k = 0; k < n; k++)
      assert_int_equal(out->at[head + 4 + k] ^ out->at[head + k % 4], bytes[k]);
    tl_ws_free(w);
    free(bytes);
  }
}

static void a_close_of_ours_comes_once_and_last (void **unused) {
  (void)unused;
  tl_ws *w = open_ws();
  assert_int_equal(tl_ws_close(w, 1000), TL_OK);
  assert_int_equal(tl_ws_close(w, 1001), TL_OK);
  assert_int_equal(tl_ws_output(w)->len, 8);
  assert_int_equal(tl_ws_write(w, "x", 1), TL_ESTATE);
  tl_ws_feed(w, (const uint8_t *)"\x89\x00", 2);
  uint8_t room[8];
  assert_int_equal(tl_ws_read(w, room, sizeof room), 0);
  assert_int_equal(tl_ws_output(w)->len, 8); /* no pong behind it */
  tl_ws_free(w);
}

static void no_random_bytes_are_no_frame (void **unused) {
  (void)unused;
  tl_ws *w = open_ws();
  no_random = true;
  assert_int_equal(tl_ws_write(w, "x", 1), TL_ENOMEM);
  no_random = false;
  assert_int_equal(tl_ws_output(w)->len, 0);
  tl_ws_free(w);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(reads_every_framing_at_every_cut),
    cmocka_unit_test(reads_all_forms_of_length),
    cmocka_unit_test(answers_a_ping_with_its_bytes_and_a_flood_of_them_once),
    cmocka_unit_test(refuses_what_breaks_a_rule),
    cmocka_unit_test(a_close_is_told_and_answered_with_its_code),
    cmocka_unit_test(each_code_of_a_close_has_its_words),
    cmocka_unit_test(no_memory_is_told_and_nothing_is_sent_in_part),
    cmocka_unit_test(writes_one_masked_frame_whatever_the_length),
    cmocka_unit_test(a_close_of_ours_comes_once_and_last),
    cmocka_unit_test(no_random_bytes_are_no_frame),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
