/* spec/payload/json_support.h — what the JSON specs share: cmocka, documents from literals, a
** walk that only checks. */
#ifndef TL_SPEC_JSON_SUPPORT_H
#define TL_SPEC_JSON_SUPPORT_H

#include "payload/json.h"
#include "support/spec.h"

static inline int json_quiet_begin (void *ctx, tl_slice key, bool key_escaped, bool array) {
  (void)ctx, (void)key, (void)key_escaped, (void)array;
  return 0;
}
static inline int json_quiet_end (void *ctx, bool array) {
  (void)ctx, (void)array;
  return 0;
}
static inline int json_quiet_value (void *ctx, tl_slice key, bool key_escaped,
                                    const tl_json_value *v) {
  (void)ctx, (void)key, (void)key_escaped, (void)v;
  return 0;
}
static const tl_json_visitor json_quiet = { json_quiet_begin, json_quiet_end, json_quiet_value };

/* The sets that the checks are made with: nothing wanted, the whole document, deep inside. */
static inline tl_json_set *json_set_of (const char *const *texts, size_t n) {
  tl_slice paths[64];
  tl_json_set *set = NULL;
  assert_true(n <= 64);
  for (size_t i = 0; i < n; i++) paths[i] = tl_slice_str(texts[i]);
  assert_int_equal(tl_json_set_new(&set, paths, n, NULL, NULL), TL_OK);
  return set;
}

/* A copy that ends where its memory ends, so that ASan sees each byte read too far. */
static inline tl_slice json_exact (tl_slice doc) {
  return tl_slice_of(exact_copy(doc.at, doc.len), doc.len);
}

/* What makes a random document, begun anew from each seed. */
static uint64_t json_state;

static inline unsigned json_pick (unsigned below) {
  return (unsigned)(random_next(&json_state) >> 33) % below;
}

/* Spoil up to three places: a byte of elsewhere, one byte less, or one of `bytes`. */
static inline void json_spoil (tl_buf *b, const char *bytes) {
  for (unsigned n = json_pick(4); n > 0 && b->len > 1; n--) {
    size_t at = json_pick((unsigned)b->len);
    unsigned way = json_pick(4);
    if (way == 0) {
      b->at[at] = b->at[json_pick((unsigned)b->len)];
    } else if (way == 1) {
      memmove(b->at + at, b->at + at + 1, b->len - at - 1);
      b->len--;
    } else
      b->at[at] = (uint8_t)bytes[json_pick((unsigned)strlen(bytes))];
  }
}

/* Is it JSON? Asked in four ways, which must agree in the place and the words of a refusal, too. */
static inline bool json_accepted (tl_slice text, tl_json_error *error) {
  static tl_json_set *sets[3];
  if (!sets[0]) {
    sets[0] = json_set_of(NULL, 0);
    sets[1] = json_set_of((const char *const[]){ "" }, 1);
    sets[2] = json_set_of(
        (const char *const[]){ "a", "a.b", "b[2]", "[1]", "[2][1]", "[1].a", "[\"\"]" }, 7);
  }
  tl_slice doc = json_exact(text);
  tl_json_error e = { 0 };
  int rc = tl_json_walk(doc, &json_quiet, NULL, &e);
  for (size_t i = 0; i < 3; i++) {
    tl_json_value values[7];
    tl_json_error other = { 0 };
    assert_int_equal(tl_json_extract(sets[i], doc, values, &other), rc);
    assert_int_equal(other.at, e.at);
    assert_int_equal(other.line, e.line);
    assert_int_equal(other.column, e.column);
    assert_string_equal(other.expected ? other.expected : "", e.expected ? e.expected : "");
  }
  free((void *)(uintptr_t)doc.at);
  assert_true(rc == TL_OK || rc == TL_EMALFORMED);
  if (error) *error = e;
  return rc == TL_OK;
}

#endif
