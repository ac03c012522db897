/* core/payload/json_extract.c — one pass over a document that notes what the addresses of a set
** lead to. Must not know what becomes of the values. */
#include "payload/json_scan.h"
#include "payload/json_set.h"
#include "payload/json_text.h"

/* An open object or array that an address leads to or through; all others are skipped. */
typedef struct {
  const tl_json_node *node;
  const uint8_t *from; /* its first byte */
  uint32_t index;      /* of the current element, from 1 */
  uint32_t seen;       /* how many of the node's elements lie before it */
} level;

typedef struct {
  const tl_json_set *set;
  const uint8_t *end; /* of the document */
  tl_json_value *values;
  const tl_json_node *next; /* where the value that follows belongs; NULL: nowhere */
  level *top;
} visit;

static void forget (const visit *v, const tl_json_node *node) { /* all below the node */
  for (uint32_t i = node->own; i < node->to; i++)
    v->values[v->set->order[i]] = (tl_json_value){ 0 };
}

TL_HOT void keep (const visit *v, const tl_json_node *node, tl_json_value value) {
  for (uint32_t i = node->from; i < node->own; i++) v->values[v->set->order[i]] = value;
}

static const tl_json_node *find_escaped (const tl_json_set *set, const tl_json_node *node,
                                         tl_slice raw) {
  const tl_json_node *child = set->nodes + node->children, *behind = child + node->keys;
  for (; child < behind; child++)
    if (tl_json_unescaped_eq(raw, tl_slice_of(set->keys + child->key, child->len))) return child;
  return NULL;
}

TL_HOT bool has_key (const tl_json_set *set, const tl_json_node *child, tl_slice key,
                     uint64_t head) {
  return child->head == head && child->len == key.len &&
         (key.len <= 8 || memcmp(set->keys + child->key + 8, key.at + 8, key.len - 8) == 0);
}

TL_HOT const tl_json_node *find (const visit *v, const tl_json_node *node, tl_slice key) {
  const tl_json_set *set = v->set;
  if (!(node->lengths >> (key.len < 63 ? key.len : 63) & 1)) return NULL;
  uint64_t head = tl_json_head(key.at, key.len, (size_t)(v->end - key.at));
  if (!node->mask) {
    const tl_json_node *child = set->nodes + node->children, *behind = child + node->keys;
    for (; child < behind; child++)
      if (has_key(set, child, key, head)) return child;
    return NULL;
  }
  uint32_t at = tl_json_key_hash(head, key.at, key.len);
  for (;; at++) {
    uint32_t i = set->index[node->index + (at & node->mask)];
    if (!i || has_key(set, set->nodes + i, key, head)) return i ? set->nodes + i : NULL;
  }
}

TL_HOT int on_key (visit *v, tl_slice raw, bool escaped) {
  const tl_json_node *node = v->top->node;
  v->next = escaped ? find_escaped(v->set, node, raw) : find(v, node, raw);
  if (v->next && v->next->own < v->next->to)
    forget(v, v->next); /* the key may have been there before, with more below it */
  return 0;
}

TL_HOT void on_element (visit *v) {
  level *top = v->top;
  const tl_json_node *node = top->node;
  const tl_json_node *element = v->set->nodes + node->children + node->keys + top->seen;
  v->next = NULL;
  top->index++;
  if (top->seen < node->elements && element->len == top->index) {
    top->seen++;
    v->next = element;
  }
}

TL_HOT int on_open (visit *v, const uint8_t *from, bool array) {
  const tl_json_node *node = v->next;
  if (!node || (node->from == node->own && (array ? node->elements : node->keys) == 0)) return 1;
  *++v->top = (level){ node, from, 0, 0 };
  return 0;
}

TL_HOT int on_close (visit *v, const uint8_t *behind, bool array) {
  const level *top = v->top--;
  uint8_t type = array ? TL_JSON_ARRAY : TL_JSON_OBJECT;
  keep(v, top->node,
       (tl_json_value){ type, false, false, { top->from, (size_t)(behind - top->from) } });
  return 0;
}

TL_HOT int on_scalar (visit *v, tl_json_value value) {
  if (v->next) keep(v, v->next, value);
  return 0;
}

#include "payload/json_grammar.h"

/* Scan and visit are built in place: copying what was just written stalls the processor, which
** small documents feel. */
TL_HOT int pass (const tl_json_set *set, const uint8_t *at, const uint8_t *end,
                 tl_json_value *values, tl_json_error *error, bool closed) {
  level levels[TL_JSON_DEPTH + 1];
  tl_json_scan s = { .doc = at, .end = end };
  visit v = { .set = set, .end = end, .values = values, .next = set->nodes, .top = levels };
  for (uint32_t i = 0; i < set->nodes->to; i++) values[i] = (tl_json_value){ 0 };
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
  if (len > 0 && (doc.at[len - 1] == '}' || doc.at[len - 1] == ']') &&
      pass(set, doc.at, doc.at + len, values, NULL, true) == TL_OK)
    return TL_OK;
  return pass_with_care(set, doc, values, error);
}
