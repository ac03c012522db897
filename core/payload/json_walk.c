/* core/payload/json_walk.c — visits a document in order, to build tables of it. Must not know
** addresses. */
#include "payload/json_scan.h"

typedef struct {
  const tl_json_visitor *visitor;
  void *ctx;
  tl_slice key; /* of the value that follows */
  bool escaped;
  int stopped; /* what a callback returned */
} visit;

TL_HOT int on_key (visit *v, tl_slice raw, bool escaped) {
  v->key = raw;
  v->escaped = escaped;
  return 0;
}

TL_HOT void on_element (visit *v) {
  v->key = tl_slice_of(NULL, 0);
  v->escaped = false;
}

TL_HOT const uint8_t *pass_elements (visit *v, const tl_json_scan *s, const uint8_t *p,
                                     unsigned depth) {
  (void)v, (void)s, (void)p, (void)depth;
  return NULL;
}

TL_HOT int on_open (visit *v, const uint8_t *from, bool array) {
  (void)from;
  v->stopped = v->visitor->begin(v->ctx, v->key, v->escaped, array);
  return v->stopped ? 2 : 0;
}

TL_HOT int on_close (visit *v, const uint8_t *behind, bool array) {
  (void)behind;
  v->stopped = v->visitor->end(v->ctx, array);
  return v->stopped;
}

TL_HOT int on_scalar (visit *v, tl_json_value value) {
  v->stopped = v->visitor->value(v->ctx, v->key, v->escaped, &value);
  return v->stopped;
}

#include "payload/json_grammar.h"

/* What was wrong is found again, for its place. */
static TL_COLD int report (tl_slice doc, tl_json_error *error) {
  tl_json_scan s = tl_json_scan_of(doc);
  const uint8_t *p = tl_json_skip(&s, tl_json_blanks(&s, s.doc), 0);
  if (p) tl_json_bad(&s, tl_json_blanks(&s, p), "the end of the document");
  return tl_json_report(&s, error);
}

int tl_json_walk (tl_slice doc, const tl_json_visitor *visitor, void *ctx, tl_json_error *error) {
  tl_json_scan s = tl_json_scan_of(doc);
  visit v = { .visitor = visitor, .ctx = ctx };
  while (s.end > s.doc && tl_json_is_blank(s.end[-1])) s.end--;
  bool closed = s.end > s.doc && (s.end[-1] == '}' || s.end[-1] == ']');
  if (closed ? grammar_document(&s, &v, true) : grammar_document(&s, &v, false)) return TL_OK;
  return v.stopped ? v.stopped : report(doc, error);
}
