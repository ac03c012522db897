/* core/payload/json_choose.c — an element of an array is over: is it the one that a selector
** wants? Must not know how documents are read. */
#include "payload/document.h"
#include "payload/json_set.h"
#include "payload/json_text.h"

/* The text of a value for the comparison with a selector. False: objects, arrays and null have
** none. */
static bool text_of (const tl_json_value *v, tl_slice *text, uint8_t room[TL_DOC_NUMBER_TEXT]) {
  switch ((tl_json_type)v->type) {
    case TL_JSON_STRING:
    case TL_JSON_NUMBER:
    case TL_JSON_TRUE:
    case TL_JSON_FALSE:
    case TL_DOC_BYTES:
    case TL_DOC_TIME_TEXT: *text = v->raw; return true;
    case TL_DOC_NUMBER: *text = tl_doc_number_text(v, room); return text->len > 0;
    default: return false;
  }
}

static int compare (const tl_json_set *set, const tl_json_pick *p, tl_slice text) {
  if (p->len != text.len) return p->len < text.len ? -1 : 1;
  return text.len ? memcmp(set->keys + p->at, text.at, text.len) : 0;
}

static const tl_json_pick *find_text (const tl_json_set *set, const tl_json_choice *c,
                                      tl_slice text) {
  uint32_t from = c->from, to = c->to;
  while (from < to) {
    uint32_t middle = from + (to - from) / 2;
    int order = compare(set, &set->picks[middle], text);
    if (order == 0) return &set->picks[middle];
    if (order < 0)
      from = middle + 1;
    else
      to = middle;
  }
  return NULL;
}

/* A text with escapes, or in chunks, is compared with one after the other: it is rare. */
static const tl_json_pick *find_escaped (const tl_json_set *set, const tl_json_choice *c,
                                         const tl_json_value *v) {
  for (uint32_t i = c->from; i < c->to; i++) {
    const tl_json_pick *p = &set->picks[i];
    tl_slice wanted = tl_slice_of(set->keys + p->at, p->len);
    if (v->format ? tl_doc_chunks_eq(v, wanted) : tl_json_unescaped_eq(v->raw, wanted)) return p;
  }
  return NULL;
}

static const tl_json_pick *find_place (const tl_json_set *set, const tl_json_choice *c,
                                       uint32_t place) {
  uint32_t from = c->from, to = c->to;
  while (from < to) {
    uint32_t middle = from + (to - from) / 2;
    if (set->picks[middle].at == place) return &set->picks[middle];
    if (set->picks[middle].at < place)
      from = middle + 1;
    else
      to = middle;
  }
  return NULL;
}

static const tl_json_pick *find_field (const tl_json_set *set, const tl_json_choice *c,
                                       const tl_json_value *v) {
  uint8_t room[TL_DOC_NUMBER_TEXT];
  tl_slice text;
  if (!text_of(v, &text, room)) return NULL;
  return v->escaped ? find_escaped(set, c, v) : find_text(set, c, text);
}

void tl_json_choose (const tl_json_set *set, const tl_json_node *array, const uint8_t *from,
                     uint32_t index, tl_json_value *values) {
  for (uint32_t i = set->starts[array->array]; i < set->starts[array->array + 1]; i++) {
    const tl_json_choice *c = &set->choices[i];
    const tl_json_pick *p = c->field == TL_JSON_BY_PLACE ? find_place(set, c, index)
                                                         : find_field(set, c, &values[c->field]);
    if (!p || values[p->taken].raw.at == from) continue;
    values[p->taken].raw.at = from; /* the first one counts */
    for (uint32_t k = p->from; k < p->to; k++)
      values[set->copies[k].to] = values[set->copies[k].from];
  }
}
