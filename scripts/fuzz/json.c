/* scripts/fuzz/json.c — libFuzzer target of the JSON scanner: extraction and walk must agree on
** what is JSON and on the place of a failure, whole values must scan again as what they are,
** addresses that are keys must lead to the same when they are alone (json_flat.c), and no text
** may be longer than its escapes.
**
**   clang -std=c11 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
**   -D_GNU_SOURCE -Icore \
**     scripts/fuzz/json.c core/payload/json*.c core/base/err.c core/base/buf.c -o json_fuzz
**   ./json_fuzz -max_len=4096 -max_total_time=60 scripts/fuzz/seeds/json */
#include "payload/json.h"

#include <stdlib.h>

static int on_begin (void *ctx, tl_slice key, bool key_escaped, bool array) {
  (void)key, (void)key_escaped, (void)array;
  ++*(long *)ctx;
  return 0;
}
static int on_end (void *ctx, bool array) {
  (void)array;
  --*(long *)ctx;
  return 0;
}
static int on_value (void *ctx, tl_slice key, bool key_escaped, const tl_json_value *v) {
  (void)ctx, (void)key, (void)key_escaped, (void)v;
  return 0;
}

static void check (bool holds) {
  if (!holds) abort();
}

static void check_value (const tl_json_set *whole, const tl_json_value *v) {
  tl_json_value again;
  if (v->type == TL_JSON_NONE) return;
  size_t quotes = v->type == TL_JSON_STRING; /* the raw text of a string lies between them */
  tl_slice text = tl_slice_of(v->raw.at - quotes, v->raw.len + 2 * quotes);
  check(tl_json_extract(whole, text, &again, NULL) == TL_OK);
  check(again.type == v->type && again.escaped == v->escaped && again.integral == v->integral);
  check(tl_slice_eq(again.raw, v->raw));
  if (v->type == TL_JSON_STRING) {
    tl_buf out;
    tl_buf_init(&out);
    tl_json_unescape(&out, v->raw);
    check(out.len <= v->raw.len && (v->escaped || out.len == v->raw.len));
    tl_buf_fini(&out);
  }
}

/* Keys alone are read in another way. `values`: what they lead to beside other addresses, when
** the document is JSON. */
static void check_keys (tl_slice doc, int rc, const tl_json_value *const *values) {
  static const char *const texts[] = { "a", "b", "[\"\"]", "id", "temperature" };
  enum { N = sizeof texts / sizeof *texts };
  static tl_json_set *set;
  tl_json_value alone[N];
  if (!set) {
    tl_slice paths[N];
    for (size_t i = 0; i < N; i++) paths[i] = tl_slice_str(texts[i]);
    check(tl_json_set_new(&set, paths, N, NULL, NULL) == TL_OK);
  }
  check(tl_json_extract(set, doc, alone, NULL) == rc);
  for (size_t i = 0; rc == TL_OK && i < N; i++) {
    const tl_json_value *v = values[i];
    check(alone[i].type == v->type && alone[i].escaped == v->escaped);
    check(alone[i].integral == v->integral && alone[i].format == v->format);
    check(alone[i].raw.at == v->raw.at && alone[i].raw.len == v->raw.len);
  }
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  static const char *const texts[] = { "",     "a",          "a.b",         "b",
                                       "[1]",  "[2]",        "[1].a",       "[2][1]",
                                       "a[1]", "a[2].b",     "[\"a.b\"].c", "[\"\"]",
                                       "id",   "temperature" };
  enum { N = sizeof texts / sizeof *texts };
  static const tl_json_visitor visitor = { on_begin, on_end, on_value };
  static tl_json_set *set, *whole;
  tl_slice doc = tl_slice_of(data, size);
  tl_json_value values[N];
  tl_json_error walked, extracted;
  long open = 0;
  if (!set) {
    tl_slice paths[N];
    for (size_t i = 0; i < N; i++) paths[i] = tl_slice_str(texts[i]);
    check(tl_json_set_new(&set, paths, N, NULL, NULL) == TL_OK &&
          tl_json_set_new(&whole, paths, 1, NULL, NULL) == TL_OK);
  }
  int walk = tl_json_walk(doc, &visitor, &open, &walked);
  int rc = tl_json_extract(set, doc, values, &extracted);
  check(walk == rc);
  check_keys(doc, rc,
             (const tl_json_value *const[]){ &values[1], &values[3], &values[11], &values[12],
                                             &values[13] });
  if (rc == TL_OK) {
    check(open == 0 && values[0].type != TL_JSON_NONE);
    for (size_t i = 0; i < N; i++) check_value(whole, &values[i]);
  } else {
    check(walked.at == extracted.at && walked.at <= size &&
          strcmp(walked.expected, extracted.expected) == 0);
    check(walked.line == extracted.line && walked.column == extracted.column && walked.line > 0 &&
          walked.column > 0);
  }
  tl_json_set *own; /* the same bytes as an address */
  if (tl_json_path_check(doc, NULL) == TL_OK) {
    check(tl_json_set_new(&own, &doc, 1, NULL, NULL) == TL_OK);
    tl_json_set_free(own);
  } else
    check(tl_json_set_new(&own, &doc, 1, NULL, NULL) == TL_ESYNTAX);
  return 0;
}
