/* spec/offline/capture_line_test.c — the two ways of reading a line of a capture: the usual one
** takes what tagline writes, and whatever it takes the other one reads the same. */
#include <stdlib.h>

#include "gateway/message_json.h"
#include "offline/capture_line.h"
#include "support/torture.h"

static tl_capture_reader *usual, *any;

static int set_up (void **state) {
  (void)state;
  return tl_capture_reader_new(&usual) || tl_capture_reader_new(&any);
}

static int tear_down (void **state) {
  (void)state;
  tl_capture_reader_free(usual);
  tl_capture_reader_free(any);
  return 0;
}

/* Reads a copy without a byte behind it, so that the sanitizer sees who looks there. */
static bool taken (tl_slice text) {
  tl_incoming a, b, c;
  tl_slice line_a, line_b, line_c;
  uint8_t *copy = malloc(text.len > 0 ? text.len : 1);
  assert_non_null(copy);
  memcpy(copy, text.at, text.len);
  tl_slice line = tl_slice_of(copy, text.len);
  bool quick = tl_capture_read_usual(usual, line, &a, &line_a);
  bool slow = tl_capture_read_any(any, line, &b, &line_b);
  if (quick && !slow) fail_msg("%.*s", TL_ARG(text));
  if (quick && !(tl_slice_eq(line_a, line_b) && tl_slice_eq(a.topic, b.topic) && line_b.at &&
                 tl_slice_eq(a.payload, b.payload) && a.wall == b.wall && a.qos == b.qos &&
                 a.retain == b.retain && a.dup == b.dup && a.id == b.id))
    fail_msg("%.*s", TL_ARG(text));
  if (tl_capture_read(usual, line, &c, &line_c) != slow) fail_msg("%.*s", TL_ARG(text));
  free(copy);
  return quick;
}

#define BYTES(text) \
  { (const uint8_t *)(text), sizeof(text) - 1 }

static const tl_incoming messages[] = {
  { .topic = BYTES("a/b"), .payload = BYTES("{\"t\":2.5,\"on\":true}"), .wall = 1 },
  { .topic = BYTES("\xc3\xa9/\xf0\x9f\x90\x8e"),
    .payload = BYTES("\\ \"\" \b\f\n\r\t / \xe2\x82\xac"),
    .wall = 1767225599999,
    .qos = 2,
    .retain = true,
    .id = 65535 },
  { .topic = BYTES("t"), .payload = BYTES("\x00\xff\x80 abc"), .dup = true, .qos = 1, .id = 10 },
  { .topic = BYTES("sixteen bytes/16"), .payload = BYTES(""), .wall = 253402300799999 },
};

/* The line without its line break. */
static tl_slice write_line (tl_buf *out, const char *line, const tl_incoming *m) {
  tl_buf_clear(out);
  tl_message_json_begin(out, line, m);
  tl_message_json_end(out, m->payload);
  assert_false(out->failed);
  return tl_slice_of(out->at, out->len - 1);
}

static void what_tagline_writes_is_usual (void **state) {
  (void)state;
  tl_buf out;
  tl_buf_init(&out);
  for (size_t i = 0; i < COUNT(messages); i++) {
    const tl_incoming *m = &messages[i];
    tl_incoming got;
    tl_slice line, text = write_line(&out, "plant-1", m);
    if (!tl_capture_read_usual(usual, text, &got, &line)) fail_msg("%.*s", TL_ARG(text));
    assert_true(tl_slice_eq(got.topic, m->topic) && tl_slice_eq(got.payload, m->payload));
    assert_true(tl_slice_eq(line, TL_LIT("plant-1")) && got.wall == m->wall && got.id == m->id);
    assert_true(got.qos == m->qos && got.retain == m->retain && got.dup == m->dup);
    assert_true(taken(text));
  }
  tl_buf_fini(&out);
}

/* Each line cut, and with a byte changed, doubled, put in and left out at each place. */
static void a_line_that_is_damaged_is_read_the_same (void **state) {
  (void)state;
  static const uint8_t bytes[] = { '"', '\\', 'u', 'n',  '0',  '9',  ' ',  ',',
                                   '}', '-',  0,   0x1f, 0x7f, 0x80, 0xc3, 0xff };
  tl_buf out, damaged;
  tl_buf_init(&out);
  tl_buf_init(&damaged);
  for (size_t i = 0; i < COUNT(messages); i++) {
    tl_slice text = write_line(&out, "l", &messages[i]);
    for (size_t at = 0; at < text.len; at++) {
      assert_false(taken(tl_slice_of(text.at, at)));
      for (size_t k = 0; k < 2 * COUNT(bytes) + 2; k++) {
        tl_buf_clear(&damaged);
        tl_buf_add(&damaged, text.at, at);
        if (k < 2 * COUNT(bytes)) tl_buf_byte(&damaged, bytes[k / 2]);
        if (k == 2 * COUNT(bytes)) tl_buf_byte(&damaged, text.at[at]);
        tl_buf_add(&damaged, text.at + at + k % 2, text.len - at - k % 2);
        taken(tl_buf_bytes(&damaged));
      }
    }
  }
  tl_buf_fini(&out);
  tl_buf_fini(&damaged);
}

#define HEAD "{\"line\":\"l\",\"time\":\"2026-01-01T00:00:00.000Z\",\"topic\":\"t\","
#define FLAGS "\"retain\":false,\"dup\":false,"
#define PAYLOAD(text) HEAD "\"qos\":0," FLAGS "\"id\":0,\"payload\":\"" text "\"}"

static void other_lines_are_read_the_general_way (void **state) {
  (void)state;
  static const char *const lines[] = {
    PAYLOAD("\\u0041"),
    PAYLOAD("\\ud83d\\ude00"),
    PAYLOAD("\\x"),
    PAYLOAD("\\"),
    PAYLOAD("\xed\xa0\x80"),
    PAYLOAD("\xc0\x80"),
    PAYLOAD("a") " ",
    PAYLOAD("a") "\r",
    " " PAYLOAD("a"),
    PAYLOAD("a\",\"payload\":\"b"),
    PAYLOAD("a\",\"base64\":\"YQ=="),
    PAYLOAD("a\",\"other\":\"b"),
    HEAD FLAGS "\"qos\":0,\"id\":0,\"payload\":\"a\"}",
    HEAD "\"qos\":0," FLAGS "\"id\":00,\"payload\":\"a\"}",
    HEAD "\"qos\":0," FLAGS "\"id\":65536,\"payload\":\"a\"}",
    HEAD "\"qos\":3," FLAGS "\"id\":0,\"payload\":\"a\"}",
    HEAD "\"qos\":0," FLAGS "\"id\":0,\"base64\":\"YQ=\"}",
    HEAD "\"qos\":0," FLAGS "\"id\":0,\"base64\":\"YR==\"}",
    HEAD "\"qos\":0," FLAGS "\"id\":0,\"base64\":\"Y\\u0051==\"}",
  };
  for (size_t i = 0; i < COUNT(lines); i++)
    if (taken(tl_slice_str(lines[i]))) fail_msg("%s", lines[i]);
  assert_true(taken(tl_slice_str(PAYLOAD("a/\\/\\b \xc3\xa9"))));
}

/* The day of the time before is remembered. */
static void days_follow_each_other (void **state) {
  (void)state;
  static const char *const times[] = {
    "2026-02-28T23:59:59.999Z", "2026-02-29T00:00:00.000Z", "2026-03-01T00:00:00.000Z",
    "2026-02-28T12:30:15.250Z", "2026-02-28T24:00:00.000Z", "2026-02-28T23:59:60.000Z",
    "2024-02-29T00:00:00.001Z", "0001-01-01T00:00:00.000Z", "0000-01-01T00:00:00.000Z",
    "2024-02-29t00:00:00.001Z", "2024-02-29T00:60:00.001Z", "9999-12-31T23:59:59.999Z",
  };
  char text[200];
  for (size_t i = 0; i < COUNT(times); i++) {
    snprintf(text, sizeof text,
             "{\"line\":\"l\",\"time\":\"%s\",\"topic\":\"t\",\"qos\":0," FLAGS
             "\"id\":0,\"payload\":\"a\"}",
             times[i]);
    bool usual_one = i == 0 || i == 2 || i == 3 || i == 6 || i == 7 || i == 11;
    if (taken(tl_slice_str(text)) != usual_one) fail_msg("%s", times[i]);
  }
}

static void a_new_reader_remembers_no_day (void **state) {
  static const char line[] = HEAD "\"qos\":0," FLAGS "\"id\":0,\"payload\":\"a\"}";
  uint8_t text[sizeof line];
  (void)state;
  memcpy(text, line, sizeof line);
  memset((uint8_t *)strstr((char *)text, "2026"), 0, 11);
  tl_incoming m;
  tl_slice name;
  tl_capture_reader *r;
  assert_int_equal(tl_capture_reader_new(&r), TL_OK);
  assert_false(tl_capture_read(r, tl_slice_of(text, sizeof line - 1), &m, &name));
  tl_capture_reader_free(r);
}

static void without_memory_there_is_no_reader (void **state) {
  (void)state;
  for (long n = 0;; n++) {
    tl_capture_reader *r = NULL;
    memory_fails(n, 0);
    int rc = tl_capture_reader_new(&r);
    memory_heals();
    assert_true(rc == TL_OK ? r != NULL : !r);
    tl_capture_reader_free(r);
    if (!memory_failed) break;
  }
}

#define SPEC(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(what_tagline_writes_is_usual),         SPEC(a_line_that_is_damaged_is_read_the_same),
    SPEC(other_lines_are_read_the_general_way), SPEC(days_follow_each_other),
    SPEC(a_new_reader_remembers_no_day),        SPEC(without_memory_there_is_no_reader),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
