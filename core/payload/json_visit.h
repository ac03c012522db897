/* core/payload/json_visit.h — how the values that a set's addresses lead to are noted while a
** document is read: the hooks of the grammars, for JSON and for the binary formats. Included
** once by each of their files. Must not know what becomes of the values. */
#ifndef TL_PAYLOAD_JSON_VISIT_H
#define TL_PAYLOAD_JSON_VISIT_H

#include "payload/json_scan.h"
#include "payload/json_set.h"
#include "payload/json_text.h"

#ifndef VISIT_FORMAT /* of the values that are noted; a file that reads others says so */
#define VISIT_FORMAT 0
#endif

/* Arrays that no address leads to are read here, too, where elements can be passed over. */
#ifndef VISIT_ALL_ARRAYS
#define VISIT_ALL_ARRAYS false
#endif

/* An open object or array that an address leads to or through; all others are skipped. */
typedef struct {
  const tl_json_node *node;
  const uint8_t *from; /* its first byte */
  uint32_t index;      /* of the current element, from 1 */
  uint32_t seen;       /* how many of the node's elements lie before it */
  bool unusual;        /* elements could not be passed over: it is not tried again */
} level;

typedef struct {
  const tl_json_set *set;
  const uint8_t *end; /* of the document */
  tl_json_value *values;
  const tl_json_node *next; /* where the value that follows belongs; NULL: nowhere */
  level *top;
  uint8_t format;
  /* Passing over elements failed before this place: what is unusual there would be met again from
  ** each level of nested arrays, and each time from its beginning. */
  const uint8_t *retry;
} visit;

static inline void forget (const visit *v, const tl_json_node *node) { /* all below the node */
  for (uint32_t i = node->own; i < node->to; i++)
    v->values[v->set->order[i]] = (tl_json_value){ 0 };
}

TL_HOT void keep (const visit *v, const tl_json_node *node, tl_json_value value) {
  for (uint32_t i = node->from; i < node->own; i++) v->values[v->set->order[i]] = value;
}

static inline const tl_json_node *find_escaped (const tl_json_set *set, const tl_json_node *node,
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

/* The child for this key; no byte at or behind `end` is read. */
TL_HOT const tl_json_node *find (const tl_json_set *set, const tl_json_node *node, tl_slice key,
                                 const uint8_t *end) {
  if (!(node->lengths >> (key.len < 63 ? key.len : 63) & 1)) return NULL;
  uint64_t head = tl_json_head(key.at, key.len, (size_t)(end - key.at));
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

TL_HOT void take_key (visit *v, const tl_json_node *next) {
  v->next = next;
  if (next && next->own < next->to)
    forget(v, next); /* the key may have been there before, with more below it */
}

/* An element of an array with selectors: the one before is over. */
static inline void next_element (visit *v, level *top) {
  const tl_json_node *each = v->set->nodes + top->node->each;
  if (top->index > 0) tl_json_choose(v->set, top->node, top->from, top->index, v->values);
  for (uint32_t i = each->from; i < each->to; i++)
    v->values[v->set->order[i]] = (tl_json_value){ 0 };
  top->index++;
  v->next = each;
}

TL_HOT void on_element (visit *v) {
  level *top = v->top;
  const tl_json_node *node = top->node;
  const tl_json_node *element = v->set->nodes + node->children + node->keys + top->seen;
  if (node->each) {
    next_element(v, top);
    return;
  }
  v->next = NULL;
  top->index++;
  if (top->seen < node->elements && element->len == top->index) {
    top->seen++;
    v->next = element;
  }
}

TL_HOT int on_open (visit *v, const uint8_t *from, bool array) {
  static const tl_json_node nowhere;
  const tl_json_node *node = v->next;
  if (!node || (node->from == node->own && (array ? node->elements : node->keys) == 0)) {
    if (!VISIT_ALL_ARRAYS || !array) return 1;
    node = &nowhere;
  }
  *++v->top = (level){ node, from, 0, 0, false };
  return 0;
}

TL_HOT int on_close (visit *v, const uint8_t *behind, bool array) {
  const level *top = v->top--;
  if (array && top->node->each && top->index > 0)
    tl_json_choose(v->set, top->node, top->from, top->index, v->values);
  uint8_t type = array ? TL_JSON_ARRAY : TL_JSON_OBJECT;
  keep(v, top->node,
       (tl_json_value){
           type, false, false, VISIT_FORMAT, { top->from, (size_t)(behind - top->from) } });
  return 0;
}

TL_HOT int on_scalar (visit *v, tl_json_value value) {
  if (v->next) keep(v, v->next, value);
  return 0;
}

#endif
