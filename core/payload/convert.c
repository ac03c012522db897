/* core/payload/convert.c — JSON values, texts and Lua's numbers into tag values, tag values
** into text. Must not know tags. */
#include "payload/convert.h"

#include <math.h>

#include "base/format.h"
#include "base/number.h"
#include "payload/blanks.h"
#include "payload/convert_impl.h"

static inline bool is_digit (uint8_t c) { return (uint8_t)(c - '0') < 10; }

/* in any case; the word has letters and digits only */
static bool same_word (tl_slice s, const char *word) {
  size_t i = 0;
  for (; i < s.len && word[i] != 0; i++) {
    uint8_t a = s.at[i], b = (uint8_t)word[i];
    if (a != b && (is_digit(b) || (a | 0x20) != (b | 0x20))) return false;
  }
  return i == s.len && word[i] == 0;
}

/* --- from bare text, already trimmed: each is TL_REASON_NONE or TL_REASON_TYPE --- */

static inline tl_reason number_of (tl_slice text, double *out) {
  double number;
  if (tl_number_parse(text, &number) != TL_OK || !isfinite(number)) return TL_REASON_TYPE;
  *out = number;
  return TL_REASON_NONE;
}

static inline tl_reason integer_of (tl_slice text, int64_t *out) {
  return tl_integer_parse(text, out, NULL) == TL_OK ? TL_REASON_NONE : TL_REASON_TYPE;
}

static tl_reason boolean_of (tl_slice text, bool *out) {
  static const char *const words[8] = { "0", "1", "false", "true", "off", "on", "no", "yes" };
  for (int i = 0; i < 8; i++) {
    if (!same_word(text, words[i])) continue;
    *out = i % 2 == 1;
    return TL_REASON_NONE;
  }
  return TL_REASON_TYPE;
}

static tl_reason state_of (double number, int64_t *out) {
  if (!(number >= 0 && number <= 4) || number != floor(number)) return TL_REASON_TYPE;
  *out = (int64_t)number;
  return TL_REASON_NONE;
}

static tl_reason state_from (tl_slice text, int64_t *out) {
  for (int i = 0; i < 5; i++) {
    if (!same_word(text, tl_qi_names[i])) continue;
    *out = i;
    return TL_REASON_NONE;
  }
  double number;
  return number_of(text, &number) == TL_REASON_NONE ? state_of(number, out) : TL_REASON_TYPE;
}

/* Is the number of a JSON text not 0? By its digits: 1e-400 is not 0. */
static bool nonzero (tl_slice number) {
  for (size_t i = 0; i < number.len && (number.at[i] | 0x20) != 'e'; i++)
    if (number.at[i] >= '1' && number.at[i] <= '9') return true;
  return false;
}

static tl_reason time_reason (int rc) {
  if (rc == TL_OK) return TL_REASON_NONE;
  if (rc == TL_ETYPE) return TL_REASON_TYPE;
  return TL_REASON_TIME;
}

/* --- the table --- */

static tl_reason time_of (tl_slice text, const tl_time_rule *rule, int64_t *ms) {
  if (!rule || !rule->mask) return TL_REASON_TIME;
  return time_reason(tl_timemask_parse(rule->mask, rule->zone, text, ms));
}

tl_reason tl_convert_text (tl_type type, tl_slice text, const tl_time_rule *rule, tl_value *out) {
  switch (type) {
    case TL_TXTI:
    case TL_TXTO: out->text = text; return TL_REASON_NONE;
    case TL_AI:
    case TL_AO: return number_of(tl_trim_blanks(text), &out->number);
    case TL_CI:
    case TL_CO: return integer_of(tl_trim_blanks(text), &out->integer);
    case TL_DI:
    case TL_DO: return boolean_of(tl_trim_blanks(text), &out->boolean);
    case TL_QI: return state_from(tl_trim_blanks(text), &out->integer);
    case TL_TIA:
    case TL_TOA: return time_of(text, rule, &out->integer);
    case TL_TIR:
    case TL_TOR:
      return tl_duration_parse(text, &out->number) == TL_OK ? TL_REASON_NONE : TL_REASON_TYPE;
    default: return TL_REASON_TYPE;
  }
}

static tl_reason from_string (tl_type type, const tl_json_value *v, const tl_time_rule *rule,
                              tl_buf *scratch, tl_value *out) {
  if (!v->escaped) return tl_convert_text(type, v->raw, rule, out);
  if (v->format) return tl_convert_binary(type, v, rule, scratch, out);
  size_t before = scratch->len;
  tl_json_unescape(scratch, v->raw);
  if (scratch->failed) return TL_REASON_TYPE;
  return tl_convert_text(type, tl_slice_of(scratch->at + before, scratch->len - before), rule, out);
}

static tl_reason from_number (tl_type type, const tl_json_value *v, const tl_time_rule *rule,
                              tl_value *out) {
  switch (type) {
    case TL_CI:
    case TL_CO: return integer_of(v->raw, &out->integer);
    case TL_DI:
    case TL_DO: out->boolean = nonzero(v->raw); return TL_REASON_NONE;
    default: return tl_convert_text(type, v->raw, rule, out);
  }
}

/* What a kind of JSON value may become:
**   a number       Ai: the nearest double; Ci: rounded by its digits (tl_integer_parse);
**                  Di: true unless it is 0; other types: read as a text
**   a string       as the same text without quotes (tl_convert_text)
**   true, false    tl_convert_boolean; for texts these words
**   null, object…  of a wrong type, but for texts an object or array is its own source
**   nothing        missing */
tl_reason tl_convert_json (tl_type type, const tl_json_value *v, const tl_time_rule *rule,
                           tl_buf *scratch, tl_value *out) {
  if (v->type == TL_JSON_NUMBER && (type == TL_AI || type == TL_AO))
    return number_of(v->raw, &out->number);
  switch ((tl_json_type)v->type) {
    case TL_JSON_NUMBER: return from_number(type, v, rule, out);
    case TL_JSON_STRING: return from_string(type, v, rule, scratch, out);
    case TL_JSON_NONE: return TL_REASON_MISSING;
    case TL_JSON_NULL: return TL_REASON_TYPE;
    case TL_JSON_TRUE:
    case TL_JSON_FALSE: break;
    default:
      if (v->format) return tl_convert_binary(type, v, rule, scratch, out);
  }
  if (type == TL_TXTI || type == TL_TXTO) {
    out->text = v->raw;
    return TL_REASON_NONE;
  }
  if (v->type != TL_JSON_TRUE && v->type != TL_JSON_FALSE) return TL_REASON_TYPE;
  return tl_convert_boolean(type, v->type == TL_JSON_TRUE, out);
}

/* --- from Lua --- */

static tl_reason time_from (double seconds, int64_t *ms) {
  double exact = round(seconds * 1000);
  if (!(exact >= (double)TL_TIME_MIN_MS && exact <= (double)TL_TIME_MAX_MS)) return TL_REASON_TIME;
  *ms = (int64_t)exact;
  return TL_REASON_NONE;
}

/* What was written to `scratch` behind `before` is the value. */
static tl_reason made_text (const tl_buf *scratch, size_t before, tl_value *out) {
  if (scratch->failed) return TL_REASON_TYPE;
  out->text = tl_slice_of(scratch->at + before, scratch->len - before);
  return TL_REASON_NONE;
}

tl_reason tl_convert_number (tl_type type, double number, tl_buf *scratch, tl_value *out) {
  if (!isfinite(number)) return TL_REASON_TYPE;
  switch (type) {
    case TL_CI:
    case TL_CO:
      return tl_integer_from(number, &out->integer) == TL_OK ? TL_REASON_NONE : TL_REASON_TYPE;
    case TL_DI:
    case TL_DO: out->boolean = number != 0; return TL_REASON_NONE;
    case TL_QI: return state_of(number, &out->integer);
    case TL_TIA:
    case TL_TOA: return time_from(number, &out->integer);
    case TL_TXTI:
    case TL_TXTO: {
      if (!scratch) return TL_REASON_TYPE;
      size_t before = scratch->len;
      tl_number_format(scratch, number);
      return made_text(scratch, before, out);
    }
    default: out->number = number; return TL_REASON_NONE;
  }
}

tl_reason tl_convert_integer (tl_type type, int64_t integer, tl_buf *scratch, tl_value *out) {
  switch (type) {
    case TL_CI:
    case TL_CO: out->integer = integer; return TL_REASON_NONE;
    case TL_TXTI:
    case TL_TXTO: {
      if (!scratch) return TL_REASON_TYPE;
      size_t before = scratch->len;
      tl_integer_format(scratch, integer);
      return made_text(scratch, before, out);
    }
    default: return tl_convert_number(type, (double)integer, scratch, out);
  }
}

tl_reason tl_convert_boolean (tl_type type, bool boolean, tl_value *out) {
  switch (type) {
    case TL_AI:
    case TL_AO: out->number = boolean; return TL_REASON_NONE;
    case TL_CI:
    case TL_CO: out->integer = boolean; return TL_REASON_NONE;
    case TL_DI:
    case TL_DO: out->boolean = boolean; return TL_REASON_NONE;
    case TL_TXTI:
    case TL_TXTO: out->text = boolean ? TL_LIT("true") : TL_LIT("false"); return TL_REASON_NONE;
    default: return TL_REASON_TYPE;
  }
}

/* --- and back --- */

void tl_convert_publish (tl_type type, const tl_value *v, const tl_time_rule *rule, tl_buf *out) {
  switch (type) {
    case TL_TXTI:
    case TL_TXTO: tl_buf_slice(out, v->text); return;
    case TL_QI: tl_buf_str(out, tl_qi_names[v->integer]); return;
    case TL_TIA:
    case TL_TOA:
      if (rule && rule->mask)
        tl_timemask_format(rule->mask, rule->zone, v->integer, out);
      else
        tl_time_format(out, v->integer);
      return;
    default: tl_convert_to_json(type, v, out); return;
  }
}

void tl_convert_to_json (tl_type type, const tl_value *v, tl_buf *out) {
  switch (type) {
    case TL_CI:
    case TL_CO:
    case TL_QI: tl_integer_format(out, v->integer); return;
    case TL_DI:
    case TL_DO: tl_buf_str(out, v->boolean ? "true" : "false"); return;
    case TL_TXTI:
    case TL_TXTO: tl_json_quote(out, v->text); return;
    case TL_TIA:
    case TL_TOA:
      tl_buf_byte(out, '"');
      tl_time_format(out, v->integer);
      tl_buf_byte(out, '"');
      return;
    default: tl_number_format(out, v->number); return;
  }
}
