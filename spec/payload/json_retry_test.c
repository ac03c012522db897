/* spec/payload/json_retry_test.c — what passing over elements costs where it fails: the bytes that
** it looks at are counted, since nested arrays could have each of them looked at again from each
** level. The reader is included here, with a counter in front of tl_json_pass. */
#include "json_support.h"
#include "payload/json_scan.h"

static size_t looked_at; /* bytes */

static const uint8_t *counted_pass (const tl_json_scan *s, const uint8_t *p, unsigned depth,
                                    uint32_t n, uint32_t *passed, const uint8_t **looked) {
  const uint8_t *behind = tl_json_pass(s, p, depth, n, passed, looked);
  looked_at += (size_t)((behind ? behind : *looked) - p);
  return behind;
}

#define tl_json_pass counted_pass
#include "payload/json_extract.c"
#undef tl_json_pass

/* Arrays in arrays, each with enough before the next that passing is tried, and in the innermost
** one, behind many elements, what passing gives up at. */
static void nest (tl_buf *doc, unsigned levels, const char *end) {
  for (unsigned i = 0; i < levels; i++) {
    tl_buf_str(doc, "[\"");
    for (unsigned k = 0; k < TL_JSON_LONG; k++) tl_buf_byte(doc, 'x');
    tl_buf_str(doc, "\",1,");
  }
  tl_buf_str(doc, "[1");
  for (unsigned i = 0; i < 20000; i++) tl_buf_str(doc, ",22");
  tl_buf_str(doc, end);
  for (unsigned i = 0; i <= levels; i++) tl_buf_byte(doc, ']');
}

static void looks_at_each_byte_about_once (void **state) {
  static const struct {
    const char *end;
    int rc;
  } ends[] = { { ",1e5", TL_OK }, { ",1 2", TL_EMALFORMED }, { "", TL_OK } };
  (void)state;
  tl_json_set *set = json_set_of((const char *const[]){ "a" }, 1);
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    tl_buf doc;
    tl_json_value value;
    tl_buf_init(&doc);
    nest(&doc, 400, ends[i].end);
    looked_at = 0;
    assert_int_equal(tl_json_extract(set, tl_buf_bytes(&doc), &value, NULL), ends[i].rc);
    assert_in_range(looked_at, 1, 2 * doc.len);
    tl_buf_fini(&doc);
  }
  tl_json_set_free(set);
}

int main (void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(looks_at_each_byte_about_once) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
