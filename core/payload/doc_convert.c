/* core/payload/doc_convert.c — values of binary documents into tag values, by the same table as
** those of JSON (convert.c). Must not know tags. */
#include "payload/convert_impl.h"
#include "payload/document.h"

static bool is_text (tl_type type) { return type == TL_TXTI || type == TL_TXTO; }
static bool is_time (tl_type type) { return type == TL_TIA || type == TL_TOA; }

static tl_reason text_from (tl_type type, const tl_json_value *v, const tl_time_rule *rule,
                            tl_buf *scratch, tl_value *out) {
  size_t before = scratch->len;
  if (!v->escaped) return tl_convert_text(type, v->raw, rule, out);
  tl_doc_bytes(v, scratch);
  if (scratch->failed) return TL_REASON_TYPE;
  return tl_convert_text(type, tl_appended(scratch, before), rule, out);
}

static tl_reason number_from (tl_type type, const tl_json_value *v, const tl_time_rule *rule,
                              tl_buf *scratch, tl_value *out) {
  tl_doc_number n = tl_doc_number_of(v);
  if (is_text(type) || is_time(type)) {
    uint8_t room[TL_DOC_NUMBER_TEXT];
    tl_slice text = tl_doc_number_text(v, room);
    size_t before = scratch->len;
    if (text.len == 0) return is_time(type) ? TL_REASON_TIME : TL_REASON_TYPE;
    tl_buf_slice(scratch, text);
    if (scratch->failed) return TL_REASON_TYPE;
    return tl_convert_text(type, tl_appended(scratch, before), rule, out);
  }
  if (n.kind == TL_DOC_INT) return tl_convert_integer(type, n.integer, scratch, out);
  if (n.kind != TL_DOC_FLOAT && (type == TL_CI || type == TL_CO)) {
    out->integer = n.kind == TL_DOC_ABOVE ? INT64_MAX : INT64_MIN;
    return TL_REASON_NONE;
  }
  return tl_convert_number(type, n.number, scratch, out);
}

/* The whole of an array or object, as text. */
static tl_reason document_from (tl_type type, const tl_json_value *v, tl_buf *scratch,
                                tl_value *out) {
  size_t before = scratch->len;
  if (!is_text(type)) return TL_REASON_TYPE;
  tl_doc_json(v, scratch);
  if (scratch->failed) return TL_REASON_TYPE;
  out->text = tl_appended(scratch, before);
  return TL_REASON_NONE;
}

tl_reason tl_convert_binary (tl_type type, const tl_json_value *v, const tl_time_rule *rule,
                             tl_buf *scratch, tl_value *out) {
  bool timed = v->type == TL_DOC_TIME_TEXT || (v->type == TL_DOC_NUMBER && v->format & TL_DOC_TIME);
  if (timed && is_time(type))
    return tl_doc_time_of(v, &out->integer) == TL_OK ? TL_REASON_NONE : TL_REASON_TIME;
  switch ((tl_json_type)v->type) {
    case TL_DOC_BYTES:
      if (v->format & TL_DOC_BIG && !is_text(type)) return number_from(type, v, rule, scratch, out);
      return text_from(type, v, rule, scratch, out);
    case TL_JSON_STRING:
    case TL_DOC_TIME_TEXT: return text_from(type, v, rule, scratch, out);
    case TL_DOC_NUMBER: return number_from(type, v, rule, scratch, out);
    case TL_JSON_ARRAY:
    case TL_JSON_OBJECT: return document_from(type, v, scratch, out);
    default: return TL_REASON_TYPE;
  }
}
