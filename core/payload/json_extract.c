/* core/payload/json_extract.c — one pass over a document that notes what the addresses of a set
** lead to. Must not know what becomes of the values. */
#define VISIT_ALL_ARRAYS true
#include "payload/json_visit.h"

TL_HOT int on_key (visit *v, tl_slice raw, bool escaped) {
  const tl_json_node *node = v->top->node;
  const tl_json_node *next =
      escaped ? find_escaped(v->set, node, raw) : find(v->set, node, raw, v->end);
  take_key(v, next);
  return 0;
}

/* Up to the next element that an address wants, where that is worth while. The visit is not
** given away, so that it stays in registers. *retry: see visit. */
static TL_COLD const uint8_t *pass_unwanted (const tl_json_set *set, level *top,
                                             const tl_json_scan *s, const uint8_t *p,
                                             unsigned depth, const uint8_t **retry) {
  const uint8_t *looked;
  const tl_json_node *node = top->node;
  uint32_t n = UINT32_MAX, passed;
  if (node->each || top->unusual) return NULL;
  if (top->seen < node->elements)
    n = set->nodes[node->children + node->keys + top->seen].len - 1 - top->index;
  if ((uint64_t)(p - top->from) * n < (uint64_t)TL_JSON_LONG * top->index) return NULL;
  p = tl_json_pass(s, p, depth, n, &passed, &looked);
  if (p) {
    top->index += passed;
  } else {
    top->unusual = true;
    *retry = looked;
  }
  return p;
}

TL_HOT const uint8_t *pass_elements (visit *v, const tl_json_scan *s, const uint8_t *p,
                                     unsigned depth) {
  if (__builtin_expect(p - v->top->from < TL_JSON_LONG, 1) || p < v->retry) return NULL;
  const uint8_t *retry = v->retry;
  p = pass_unwanted(v->set, v->top, s, p, depth, &retry);
  v->retry = retry;
  return p;
}

#include "payload/json_grammar.h"

/* Scan and visit are built in place: copying what was just written stalls the processor, which
** small documents feel. */
TL_HOT int pass (const tl_json_set *set, const uint8_t *at, const uint8_t *end,
                 tl_json_value *values, tl_json_error *error, bool closed) {
  level levels[TL_JSON_DEPTH + 1];
  tl_json_scan s = { .doc = at, .end = end };
  visit v = {
    .set = set, .end = end, .values = values, .next = set->nodes, .top = levels, .retry = at
  };
  for (uint32_t i = 0; i < set->slots; i++) values[i] = (tl_json_value){ 0 };
  if (grammar_document(&s, &v, closed)) return TL_OK;
  return closed ? TL_EMALFORMED : tl_json_report(&s, error);
}

/* For scalars, and for what is not JSON: finds the place of the failure. */
static TL_COLD int pass_with_care (const tl_json_set *set, tl_slice doc, tl_json_value *values,
                                   tl_json_error *error) {
  tl_json_scan s = tl_json_scan_of(doc);
  return pass(set, s.doc, s.end, values, error, false);
}

int tl_json_extract (const tl_json_set *set, tl_slice doc, tl_json_value *values,
                     tl_json_error *error) {
  size_t len = doc.len;
  while (len > 0 && tl_json_is_blank(doc.at[len - 1])) len--;
  if (set->flat.is && tl_json_flat(set, doc.at, doc.at + len, values)) return TL_OK;
  if (len > 0 && (doc.at[len - 1] == '}' || doc.at[len - 1] == ']') &&
      pass(set, doc.at, doc.at + len, values, NULL, true) == TL_OK)
    return TL_OK;
  return pass_with_care(set, doc, values, error);
}
