/* core/payload/words.c — words for states and decimal commas, in both directions. Must not know
** tags. */
#include "payload/words.h"

#include "payload/convert_impl.h"

enum { NUMBER_MAX = 64 }; /* bytes of a number with a comma: no longer one has a meaning */

static bool is_boolean (tl_type type) { return type == TL_DI || type == TL_DO; }

static void set_state (tl_type type, uint8_t state, tl_value *out) {
  if (is_boolean(type))
    out->boolean = state != 0;
  else
    out->integer = state;
}

static bool find_word (const tl_text_rule *w, tl_slice text, uint8_t *state) {
  for (uint16_t i = 0; i < w->count; i++) {
    if (!tl_slice_eq(w->words[i].text, text)) continue;
    *state = w->words[i].state;
    return true;
  }
  return false;
}

static const tl_word *word_of (const tl_text_rule *w, uint8_t state) {
  for (uint16_t i = 0; i < w->count; i++)
    if (w->words[i].state == state) return &w->words[i];
  return NULL;
}

/* A usual word ("on") counts only if its state has no words of its own; otherwise the text is
** invalid (type). */
static tl_reason usual (tl_type type, const tl_text_rule *w, tl_reason reason, const tl_value *v,
                        tl_value *out) {
  if (reason != TL_REASON_NONE) return reason;
  uint8_t state = is_boolean(type) ? v->boolean : (uint8_t)v->integer;
  if (word_of(w, state)) return TL_REASON_TYPE;
  *out = *v;
  return TL_REASON_NONE;
}

/* A number with a comma as its point. */
static tl_reason with_comma (tl_type type, tl_slice text, const tl_time_rule *rule, tl_value *out) {
  uint8_t bytes[NUMBER_MAX];
  if (text.len > NUMBER_MAX || memchr(text.at, '.', text.len)) return TL_REASON_TYPE;
  memcpy(bytes, text.at, text.len);
  uint8_t *comma = memchr(bytes, ',', text.len);
  if (comma) *comma = '.'; /* a second one is in no number */
  return tl_convert_text(type, tl_slice_of(bytes, text.len), rule, out);
}

static bool has_comma (tl_type type) {
  switch (type) {
    case TL_AI:
    case TL_AO:
    case TL_CI:
    case TL_CO:
    case TL_TIR:
    case TL_TOR: return true;
    default: return false;
  }
}

tl_reason tl_words_text (tl_type type, const tl_text_rule *w, tl_slice text,
                         const tl_time_rule *rule, tl_value *out) {
  uint8_t state;
  tl_value v;
  if (w->words) {
    if (!find_word(w, text, &state))
      return usual(type, w, tl_convert_text(type, text, rule, &v), &v, out);
    set_state(type, state, out);
    return TL_REASON_NONE;
  }
  if (w->comma && has_comma(type) && text.len > 0) return with_comma(type, text, rule, out);
  return tl_convert_text(type, text, rule, out);
}

/* The text of a string, number or boolean of a document. False: it has none. */
static bool text_of (const tl_json_value *v, tl_buf *scratch, tl_slice *text) {
  size_t before = scratch->len;
  switch ((tl_json_type)v->type) {
    case TL_JSON_STRING:
      if (v->escaped && !v->format) {
        tl_json_unescape(scratch, v->raw);
        *text = tl_appended(scratch, before);
        return !scratch->failed;
      }
      break;
    case TL_JSON_NUMBER:
    case TL_JSON_TRUE:
    case TL_JSON_FALSE: *text = v->raw; return true;
    case TL_DOC_NUMBER:
    case TL_DOC_BYTES:
    case TL_DOC_TIME_TEXT: break;
    default: return false;
  }
  *text = tl_doc_plain(v, scratch);
  return !scratch->failed;
}

tl_reason tl_words_json (tl_type type, const tl_text_rule *w, const tl_json_value *v,
                         const tl_time_rule *rule, tl_buf *scratch, tl_value *out) {
  bool string = v->type == TL_JSON_STRING || v->type == TL_DOC_BYTES;
  tl_slice text;
  tl_value usually;
  uint8_t state;
  if (w->words) {
    if (text_of(v, scratch, &text) && find_word(w, text, &state)) {
      set_state(type, state, out);
      return TL_REASON_NONE;
    }
    return usual(type, w, tl_convert_json(type, v, rule, scratch, &usually), &usually, out);
  }
  if (w->comma && string && has_comma(type) && text_of(v, scratch, &text))
    return tl_words_text(type, w, text, rule, out);
  return tl_convert_json(type, v, rule, scratch, out);
}

bool tl_text_rule_eq (const tl_text_rule *a, const tl_text_rule *b) {
  if (a->count != b->count || a->comma != b->comma) return false;
  for (uint16_t i = 0; i < a->count; i++)
    if (a->words[i].state != b->words[i].state || !tl_slice_eq(a->words[i].text, b->words[i].text))
      return false;
  return true;
}

bool tl_words_has (tl_type type, const tl_text_rule *w, const tl_value *v) {
  if (w->words) return word_of(w, is_boolean(type) ? v->boolean : (uint8_t)v->integer);
  return w->comma && has_comma(type);
}

void tl_words_publish (tl_type type, const tl_text_rule *w, const tl_value *v,
                       const tl_time_rule *rule, tl_buf *out) {
  if (w->words) {
    const tl_word *word = word_of(w, is_boolean(type) ? v->boolean : (uint8_t)v->integer);
    if (word) {
      tl_buf_slice(out, word->text);
      return;
    }
  }
  size_t before = out->len;
  tl_convert_publish(type, v, rule, out);
  if (!w->comma || !has_comma(type) || out->failed) return;
  uint8_t *point = memchr(out->at + before, '.', out->len - before);
  if (point) *point = ',';
}
