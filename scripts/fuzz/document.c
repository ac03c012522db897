/* scripts/fuzz/document.c — libFuzzer target of CBOR and MessagePack: a byte that says which, then
** a document, also taken as JSON. Extraction and walk must agree on what is well-formed and on the
** byte that is wrong; values must convert without harm, and come to JSON text that is JSON. */
#include <stdlib.h>

#include "payload/words.h"

enum { VALUES = 64 };

static void check (bool holds) {
  if (!holds) abort();
}

static int on_begin (void *ctx, const tl_json_value *key, bool array) {
  (void)key, (void)array;
  ++*(long *)ctx;
  return 0;
}
static int on_end (void *ctx, bool array) {
  (void)array;
  --*(long *)ctx;
  return 0;
}
static int on_value (void *ctx, const tl_json_value *key, const tl_json_value *v) {
  (void)ctx, (void)key;
  check(v->type != TL_JSON_NONE && v->type != TL_JSON_NUMBER);
  return 0;
}

static int json_begin (void *ctx, tl_slice key, bool escaped, bool array) {
  (void)ctx, (void)key, (void)escaped, (void)array;
  return 0;
}
static int json_end (void *ctx, bool array) {
  (void)ctx, (void)array;
  return 0;
}
static int json_value (void *ctx, tl_slice key, bool escaped, const tl_json_value *v) {
  (void)ctx, (void)key, (void)escaped, (void)v;
  return 0;
}

static void check_value (const tl_json_value *v, const tl_time_rule *rule) {
  static const tl_json_visitor json = { json_begin, json_end, json_value };
  static const tl_word words[] = { { 1, { (const uint8_t *)"ON", 2 } } };
  const tl_text_rule texts = { words, 1, false }, comma = { NULL, 0, true };
  tl_buf scratch, text;
  tl_buf_init(&scratch);
  tl_buf_init(&text);
  for (int type = TL_AI; type <= TL_TOR; type++) {
    tl_value out;
    tl_buf_clear(&scratch);
    tl_convert_json((tl_type)type, v, rule, &scratch, &out);
    tl_buf_clear(&scratch);
    tl_words_json((tl_type)type, &comma, v, rule, &scratch, &out);
    tl_buf_clear(&scratch);
    if (type == TL_DI || type == TL_QI)
      tl_words_json((tl_type)type, &texts, v, rule, &scratch, &out);
  }
  if (v->type != TL_JSON_NONE && v->format) {
    tl_doc_json(v, &text);
    check(text.failed || tl_json_walk(tl_buf_bytes(&text), &json, NULL, NULL) == TL_OK);
    tl_buf_clear(&scratch);
    tl_doc_plain(v, &scratch);
  }
  tl_buf_fini(&scratch);
  tl_buf_fini(&text);
}

static void check_document (tl_doc_format format, const tl_json_set *set, tl_slice doc,
                            const tl_time_rule *rule) {
  static const tl_doc_visitor visitor = { on_begin, on_end, on_value };
  tl_json_value values[VALUES];
  tl_json_error walked = { 0 }, extracted = { 0 };
  long open = 0;
  int rc = tl_doc_extract(format, set, doc, values, &extracted);
  if (format != TL_DOC_JSON) {
    check(tl_doc_walk(format, doc, &visitor, &open, &walked) == rc);
    check(rc != TL_OK || open == 0);
    check(rc == TL_OK || (walked.at == extracted.at && walked.at <= doc.len && walked.line == 0));
  }
  if (rc != TL_OK) return;
  for (size_t i = 0; i < tl_json_set_slots(set); i++) check_value(&values[i], rule);
  check(values[0].type != TL_JSON_NONE);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  static const char *const texts[] = { "",
                                       "a",
                                       "a.b",
                                       "[1]",
                                       "[2].a",
                                       "1",
                                       "-1",
                                       "l[id=1].v",
                                       "l[id=A].v",
                                       "l[2].v",
                                       "[k=1].v",
                                       "[k=x]",
                                       "l[id=1].m[k=2].v",
                                       "[\"a.b\"]",
                                       "true" };
  enum { N = sizeof texts / sizeof *texts };
  static tl_json_set *set;
  static tl_time_rule rule;
  if (!set) {
    tl_slice paths[N];
    tl_timemask *mask;
    for (size_t i = 0; i < N; i++) paths[i] = tl_slice_str(texts[i]);
    check(tl_json_set_new(&set, paths, N, NULL, NULL) == TL_OK);
    check(tl_json_set_slots(set) <= VALUES);
    check(tl_timemask_new(&mask, TL_LIT("UNIX"), NULL) == TL_OK);
    rule.mask = mask;
  }
  if (size == 0) return 0;
  uint8_t *copy = malloc(size); /* so that a byte too far is noticed */
  if (!copy) return 0;
  memcpy(copy, data + 1, size - 1);
  tl_slice doc = tl_slice_of(copy, size - 1);
  check_document(data[0] & 1 ? TL_DOC_CBOR : TL_DOC_MSGPACK, set, doc, &rule);
  if (data[0] & 2) check_document(TL_DOC_JSON, set, doc, &rule);
  free(copy);
  return 0;
}
