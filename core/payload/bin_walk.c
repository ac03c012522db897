/* core/payload/bin_walk.c — visits a binary document in order, to build tables or texts of it.
** Must not know addresses. */
#include "payload/bin_scan.h"

typedef struct {
  const tl_doc_visitor *visitor;
  void *ctx;
  tl_json_value key; /* of the value that follows; NONE: it is an element */
  int stopped;       /* what a callback returned */
} visit;

static inline const tl_json_value *key_of (const visit *v) {
  return v->key.type == TL_JSON_NONE ? NULL : &v->key;
}

TL_HOT int on_key (visit *v, const tl_json_value *key) {
  v->key = *key;
  return 0;
}

TL_HOT void on_element (visit *v) { v->key.type = TL_JSON_NONE; }

TL_HOT int on_open (visit *v, const uint8_t *from, bool array) {
  (void)from;
  v->stopped = v->visitor->begin(v->ctx, key_of(v), array);
  return v->stopped ? 2 : 0;
}

TL_HOT int on_close (visit *v, const uint8_t *behind, bool array) {
  (void)behind;
  v->stopped = v->visitor->end(v->ctx, array);
  return v->stopped;
}

TL_HOT int on_scalar (visit *v, tl_json_value value) {
  v->stopped = v->visitor->value(v->ctx, key_of(v), &value);
  return v->stopped;
}

#include "payload/bin_grammar.h"

int tl_doc_walk (tl_doc_format format, tl_slice doc, const tl_doc_visitor *visitor, void *ctx,
                 tl_json_error *error) {
  bin_scan s = tl_json_scan_of(doc);
  visit v = { .visitor = visitor, .ctx = ctx };
  const uint8_t *behind = format == TL_DOC_CBOR ? bin_document(&s, &v, TL_DOC_CBOR)
                                                : bin_document(&s, &v, TL_DOC_MSGPACK);
  if (behind) return TL_OK;
  return v.stopped ? v.stopped : tl_bin_report(&s, error);
}
