/* core/payload/doc_publish.c — what a write publishes, in the format of its station. Must not
** know tags nor topics. */
#include "base/number.h"
#include "payload/document.h"
#include "payload/words.h"

/* A time by its mask: a number where the mask is one, else a text. */
static void put_time (tl_doc_format format, const tl_value *v, const tl_time_rule *rule,
                      tl_buf *out) {
  tl_buf text;
  int64_t integer;
  double number;
  bool exact = false;
  tl_buf_init(&text);
  tl_convert_publish(TL_TOA, v, rule, &text);
  out->failed |= text.failed;
  tl_slice written = tl_buf_bytes(&text);
  bool unix = rule && rule->mask && tl_timemask_is_number(rule->mask);
  if (unix && tl_integer_parse(written, &integer, &exact) == TL_OK && exact)
    tl_doc_write_integer(format, integer, out);
  else if (unix && tl_number_parse(written, &number) == TL_OK)
    tl_doc_write_number(format, number, out);
  else
    tl_doc_write_text(format, written, out);
  tl_buf_fini(&text);
}

static void put_text (tl_doc_format format, tl_type type, const tl_text_rule *words,
                      const tl_value *v, const tl_time_rule *rule, tl_buf *out) {
  tl_buf text;
  tl_buf_init(&text);
  tl_words_publish(type, words, v, rule, &text);
  out->failed |= text.failed;
  tl_doc_write_text(format, tl_buf_bytes(&text), out);
  tl_buf_fini(&text);
}

void tl_doc_publish (tl_doc_format format, tl_type type, const tl_text_rule *words,
                     const tl_value *v, const tl_time_rule *rule, tl_buf *out) {
  if (format == TL_DOC_JSON) {
    tl_words_publish(type, words, v, rule, out);
    return;
  }
  if (tl_words_has(type, words, v)) {
    put_text(format, type, words, v, rule, out);
    return;
  }
  switch (type) {
    case TL_CI:
    case TL_CO: tl_doc_write_integer(format, v->integer, out); return;
    case TL_DI:
    case TL_DO: tl_doc_write_boolean(format, v->boolean, out); return;
    case TL_TIA:
    case TL_TOA: put_time(format, v, rule, out); return;
    case TL_TXTI:
    case TL_TXTO:
    case TL_QI: put_text(format, type, words, v, rule, out); return;
    default: tl_doc_write_number(format, v->number, out); return;
  }
}
