/* scripts/fuzz/prepare.c — libFuzzer target of prepare: a byte that says which steps, then a
** payload. What comes out is the payload, a part of it or a text of its own; trimming twice changes
** nothing more; after latin1 it is UTF-8; what was JSON stays JSON; a cure that is named is one. */
#include <stdlib.h>

#include "base/utf8.h"
#include "payload/json.h"
#include "payload/prepare.h"

static void check (bool holds) {
  if (!holds) abort();
}

static int begin (void *ctx, tl_slice key, bool escaped, bool array) {
  (void)ctx, (void)key, (void)escaped, (void)array;
  return 0;
}
static int end (void *ctx, bool array) {
  (void)ctx, (void)array;
  return 0;
}
static int value (void *ctx, tl_slice key, bool escaped, const tl_json_value *v) {
  (void)ctx, (void)key, (void)escaped, (void)v;
  return 0;
}

static bool is_json (tl_slice text, tl_json_error *error) {
  static const tl_json_visitor visitor = { begin, end, value };
  return tl_json_walk(text, &visitor, NULL, error) == TL_OK;
}

static void check_step (tl_prepare_step step, tl_slice before, tl_slice after, tl_slice again) {
  if (step != TL_PREPARE_LATIN1) check(tl_slice_eq(after, again));
  if (step == TL_PREPARE_TRIM)
    check(after.len == 0 ||
          (after.at >= before.at && after.at + after.len <= before.at + before.len));
  if (step == TL_PREPARE_LATIN1) check(tl_utf8_valid(after) && tl_slice_eq(after, again));
  if (step == TL_PREPARE_NAN) check(after.at == before.at || after.len > 0);
  if (is_json(before, NULL)) check(is_json(after, NULL));
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  uint8_t *copy = malloc(size);
  if (!copy) return 0;
  memcpy(copy, data + 1, size - 1);
  tl_slice payload = tl_slice_of(copy, size - 1);
  tl_json_error error = { 0 };
  tl_prepare_step cure;
  const char *what;
  if (!is_json(payload, &error) && tl_prepare_cure(payload, error.at, &what, &cure))
    check(error.got && error.cure && cure < TL_PREPARE_FUNCTION);
  tl_buf bufs[8];
  for (int i = 0; i < 8; i++) tl_buf_init(&bufs[i]);
  for (int i = 0; i < 4; i++) { /* up to four steps, each twice */
    tl_prepare_step step = (tl_prepare_step)(data[0] >> 2 * i & 3);
    tl_slice after, again;
    if (step == TL_PREPARE_FUNCTION) break;
    check(tl_prepare(step, payload, &bufs[2 * i], &after) == TL_OK);
    check(tl_prepare(step, after, &bufs[2 * i + 1], &again) == TL_OK);
    check_step(step, payload, after, again);
    payload = after;
  }
  for (int i = 0; i < 8; i++) tl_buf_fini(&bufs[i]);
  free(copy);
  return 0;
}
