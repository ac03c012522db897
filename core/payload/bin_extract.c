/* core/payload/bin_extract.c — one pass over a binary document that notes what the addresses of
** a set lead to. Must not know what becomes of the values. */
#define VISIT_FORMAT (uint8_t)(v->format)
#include "payload/bin_scan.h"
#include "payload/json_visit.h"

static const tl_json_node *find_text (const tl_json_set *set, const tl_json_node *node,
                                      tl_slice key) {
  const tl_json_node *child = set->nodes + node->children, *behind = child + node->keys;
  for (; child < behind; child++)
    if (tl_slice_eq(key, tl_slice_of(set->keys + child->key, child->len))) return child;
  return NULL;
}

/* Keys that are no text are addressed by their decimal number. */
static TL_COLD const tl_json_node *find_odd (const tl_json_set *set, const tl_json_node *node,
                                             const tl_json_value *key) {
  uint8_t room[TL_DOC_NUMBER_TEXT];
  if (key->type == TL_DOC_NUMBER) return find_text(set, node, tl_doc_number_text(key, room));
  if (key->type != TL_JSON_STRING && key->type != TL_DOC_BYTES) return NULL;
  if (!key->escaped) return find_text(set, node, key->raw);
  const tl_json_node *child = set->nodes + node->children, *behind = child + node->keys;
  for (; child < behind; child++)
    if (tl_doc_chunks_eq(key, tl_slice_of(set->keys + child->key, child->len))) return child;
  return NULL;
}

TL_HOT int on_key (visit *v, const tl_json_value *key) {
  const tl_json_node *node = v->top->node;
  bool plain = key->type == TL_JSON_STRING && !key->escaped;
  take_key(v, plain ? find(v->set, node, key->raw, v->end) : find_odd(v->set, node, key));
  return 0;
}

#include "payload/bin_grammar.h"

TL_HOT int pass (tl_doc_format format, const tl_json_set *set, tl_slice doc, tl_json_value *values,
                 tl_json_error *error) {
  level levels[TL_JSON_DEPTH + 1];
  bin_scan s = tl_json_scan_of(doc);
  visit v = { .set = set,
              .end = s.end,
              .values = values,
              .next = set->nodes,
              .top = levels,
              .format = (uint8_t)format };
  for (uint32_t i = 0; i < set->slots; i++) values[i] = (tl_json_value){ 0 };
  return bin_document(&s, &v, format) ? TL_OK : tl_bin_report(&s, error);
}

static int cbor (const tl_json_set *set, tl_slice doc, tl_json_value *values,
                 tl_json_error *error) {
  return pass(TL_DOC_CBOR, set, doc, values, error);
}

static int msgpack (const tl_json_set *set, tl_slice doc, tl_json_value *values,
                    tl_json_error *error) {
  return pass(TL_DOC_MSGPACK, set, doc, values, error);
}

int tl_doc_extract (tl_doc_format format, const tl_json_set *set, tl_slice doc,
                    tl_json_value *values, tl_json_error *error) {
  switch (format) {
    case TL_DOC_CBOR: return cbor(set, doc, values, error);
    case TL_DOC_MSGPACK: return msgpack(set, doc, values, error);
    default: return tl_json_extract(set, doc, values, error);
  }
}
