/* core/web/body.c — see body.h. */
#include "web/body.h"

#include <math.h>

#include "base/number.h"
#include "payload/convert.h"

typedef struct {
  int depth;
  bool found, other; /* other: something besides one value */
  tl_json_value value;
} body;

static int on_begin (void *ctx, tl_slice key, bool key_escaped, bool array) {
  body *b = ctx;
  (void)key;
  (void)key_escaped;
  if (b->depth++ > 0 || array) b->other = true;
  return 0;
}

static int on_end (void *ctx, bool array) {
  (void)array;
  ((body *)ctx)->depth--;
  return 0;
}

static int on_value (void *ctx, tl_slice key, bool key_escaped, const tl_json_value *v) {
  body *b = ctx;
  bool is_value = !key_escaped && key.at && tl_slice_eq(key, TL_LIT("value"));
  if (b->depth != 1 || !is_value || b->found) b->other = true;
  b->found = true;
  b->value = *v;
  return 0;
}

static const tl_json_visitor visitor = { on_begin, on_end, on_value };

int tl_body_read (tl_slice bytes, tl_json_value *value, tl_json_error *error) {
  body b = { .depth = 0 };
  if (tl_json_walk(bytes, &visitor, &b, error) != TL_OK) return TL_ESYNTAX;
  if (!b.found || b.other) return TL_ETYPE;
  *value = b.value;
  return TL_OK;
}

/* --- its value, in the tag's type: nothing is guessed --- */

static bool read_number (const tl_json_value *v, double *out) {
  return v->type == TL_JSON_NUMBER && tl_number_parse(v->raw, out) == TL_OK && isfinite(*out);
}

static bool read_integer (const tl_json_value *v, int64_t *out) {
  bool exact = false;
  return v->type == TL_JSON_NUMBER && tl_integer_parse(v->raw, out, &exact) == TL_OK && exact;
}

bool tl_body_value (tl_type type, const tl_json_value *v, tl_buf *text, tl_value *out,
                    const char **expected) {
  double seconds;
  switch (type) {
    case TL_AO: *expected = "a number"; return read_number(v, &out->number);
    case TL_TOR: *expected = "a duration in seconds"; return read_number(v, &out->number);
    case TL_CO: *expected = "an integer"; return read_integer(v, &out->integer);
    case TL_DO:
      *expected = "true or false";
      out->boolean = v->type == TL_JSON_TRUE;
      return v->type == TL_JSON_TRUE || v->type == TL_JSON_FALSE;
    case TL_TOA:
      *expected = "a time in seconds since 1970";
      return read_number(v, &seconds) &&
             tl_convert_number(type, seconds, NULL, out) == TL_REASON_NONE;
    default:
      *expected = "a text";
      if (v->type != TL_JSON_STRING) return false;
      tl_json_unescape(text, v->raw);
      out->text = tl_buf_bytes(text);
      return !text->failed;
  }
}
