/* spec/payload/document_support.h — what the specs of binary documents share: bytes from
** hexadecimal, documents as JSON text. */
#ifndef SPEC_PAYLOAD_DOCUMENT_SUPPORT_H
#define SPEC_PAYLOAD_DOCUMENT_SUPPORT_H

#include "payload/document.h"
#include "support/spec.h"

/* Owned, exactly as long as it is. Blanks between are passed over. */
static inline tl_slice from_hex (const char *hex) {
  uint8_t bytes[4096];
  size_t n = 0;
  for (; *hex; hex++) {
    unsigned byte;
    if (*hex == ' ') continue;
    assert_true(n < sizeof bytes && sscanf(hex, "%2x", &byte) == 1);
    bytes[n++] = (uint8_t)byte;
    hex++;
  }
  return tl_slice_of(exact_copy(bytes, n), n);
}

static inline void free_hex (tl_slice s) { free((void *)(uintptr_t)s.at); }

/* The value of the whole document, in *v, which borrows from it. */
static inline int whole_of (tl_doc_format format, tl_slice doc, tl_json_value *v,
                            tl_json_error *e) {
  static tl_json_set *set;
  tl_slice all = TL_LIT("");
  if (!set) assert_int_equal(tl_json_set_new(&set, &all, 1, NULL, NULL), TL_OK);
  return tl_doc_extract(format, set, doc, v, e);
}

static inline int quiet_begin (void *ctx, const tl_json_value *key, bool array) {
  (void)ctx, (void)key, (void)array;
  return 0;
}
static inline int quiet_end (void *ctx, bool array) {
  (void)ctx, (void)array;
  return 0;
}
static inline int quiet_value (void *ctx, const tl_json_value *key, const tl_json_value *v) {
  (void)ctx, (void)key, (void)v;
  return 0;
}
static const tl_doc_visitor quiet = { quiet_begin, quiet_end, quiet_value };

static inline void shows (tl_doc_format format, const char *hex, const char *json) {
  tl_slice doc = from_hex(hex);
  tl_json_value v;
  tl_json_error e = { 0 };
  tl_buf out;
  tl_buf_init(&out);
  if (whole_of(format, doc, &v, &e) != TL_OK)
    fail_msg("%s: expected %s at byte %zu", hex, e.expected, e.at);
  tl_doc_json(&v, &out);
  if (out.len != strlen(json) || memcmp(out.at, json, out.len) != 0)
    fail_msg("%s: %.*s, not %s", hex, (int)out.len, (char *)out.at, json);
  assert_int_equal(tl_doc_walk(format, doc, &quiet, NULL, &e), TL_OK);
  tl_buf_fini(&out);
  free_hex(doc);
}

/* Refused at this byte, by all that read. */
static inline void refuses_at (tl_doc_format format, const char *hex, size_t at) {
  tl_slice doc = from_hex(hex);
  tl_json_value v;
  tl_json_error e = { 0 }, walked = { 0 };
  if (whole_of(format, doc, &v, &e) != TL_EMALFORMED) fail_msg("%s was read", hex);
  if (e.at != at) fail_msg("%s: refused at byte %zu (%s), not %zu", hex, e.at, e.expected, at);
  assert_int_equal(e.line, 0);
  assert_int_equal(tl_doc_walk(format, doc, &quiet, NULL, &walked), TL_EMALFORMED);
  assert_int_equal(walked.at, e.at);
  assert_string_equal(walked.expected, e.expected);
  free_hex(doc);
}

/* No beginning of a document is one, and no byte changed lets anything read past the end. */
static inline void survives (tl_doc_format format, const char *hex) {
  tl_slice doc = from_hex(hex);
  tl_json_value v;
  uint64_t seed = 7;
  assert_int_equal(whole_of(format, doc, &v, NULL), TL_OK);
  for (size_t n = 0; n < doc.len; n++) {
    uint8_t *copy = exact_copy(doc.at, n);
    assert_int_equal(whole_of(format, tl_slice_of(copy, n), &v, NULL), TL_EMALFORMED);
    free(copy);
  }
  for (int round = 0; round < 20000; round++) {
    uint8_t *copy = exact_copy(doc.at, doc.len);
    for (int i = 0; i < 3; i++) copy[random_next(&seed) % doc.len] = (uint8_t)random_next(&seed);
    tl_slice changed = tl_slice_of(copy, doc.len);
    tl_json_error e = { 0 }, walked = { 0 };
    tl_buf out;
    tl_buf_init(&out);
    int rc = whole_of(format, changed, &v, &e);
    assert_int_equal(tl_doc_walk(format, changed, &quiet, NULL, &walked), rc);
    assert_int_equal(walked.at, e.at);
    if (rc == TL_OK) tl_doc_json(&v, &out);
    tl_buf_fini(&out);
    free(copy);
  }
  free_hex(doc);
}

#endif
