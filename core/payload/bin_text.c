/* core/payload/bin_text.c — a value of a binary document as JSON text. Must not know tags. */
#include "base/base64.h"
#include "base/format.h"
#include "payload/convert_impl.h"
#include "payload/document.h"
#include "payload/timemask.h"

/* Appended; the last byte tells whether a comma comes first. */
typedef struct {
  tl_buf *out;
  bool first; /* in its container */
} writing;

static void base64url (tl_slice bytes, tl_buf *out) {
  size_t from = out->len;
  tl_base64_encode(out, bytes);
  if (out->failed) return;
  while (out->len > from && out->at[out->len - 1] == '=') out->len--;
  for (size_t i = from; i < out->len; i++) {
    if (out->at[i] == '+') out->at[i] = '-';
    if (out->at[i] == '/') out->at[i] = '_';
  }
}

static void put_string (const tl_json_value *v, bool text, tl_buf *out) {
  tl_buf whole;
  tl_slice bytes = v->raw;
  tl_buf_init(&whole);
  if (v->escaped) {
    tl_doc_bytes(v, &whole);
    out->failed |= whole.failed;
    bytes = tl_buf_bytes(&whole);
  }
  if (text) {
    tl_json_quote(out, bytes);
  } else {
    tl_buf_byte(out, '"');
    base64url(bytes, out);
    tl_buf_byte(out, '"');
  }
  tl_buf_fini(&whole);
}

static void put_number (const tl_json_value *v, tl_buf *out) {
  uint8_t room[TL_DOC_NUMBER_TEXT];
  tl_slice text = tl_doc_number_text(v, room);
  tl_buf_slice(out, text.len ? text : TL_LIT("null"));
}

static void put_scalar (const tl_json_value *v, tl_buf *out) {
  switch ((tl_json_type)v->type) {
    case TL_JSON_STRING:
    case TL_DOC_TIME_TEXT: put_string(v, true, out); return;
    case TL_DOC_BYTES: put_string(v, false, out); return;
    case TL_DOC_NUMBER: put_number(v, out); return;
    case TL_JSON_TRUE: tl_buf_str(out, "true"); return;
    case TL_JSON_FALSE: tl_buf_str(out, "false"); return;
    default: tl_buf_str(out, "null"); return;
  }
}

/* The comma, and the key with its colon. */
static void begin_member (writing *w, const tl_json_value *key) {
  if (!w->first) tl_buf_byte(w->out, ',');
  w->first = false;
  if (!key) return;
  if (key->type == TL_JSON_STRING) {
    put_string(key, true, w->out);
  } else if (key->type == TL_DOC_BYTES) {
    put_string(key, false, w->out);
  } else {
    tl_buf_byte(w->out, '"');
    put_scalar(key, w->out);
    tl_buf_byte(w->out, '"');
  }
  tl_buf_byte(w->out, ':');
}

static int on_begin (void *ctx, const tl_json_value *key, bool array) {
  writing *w = ctx;
  begin_member(w, key);
  tl_buf_byte(w->out, array ? '[' : '{');
  w->first = true;
  return w->out->failed ? TL_ENOMEM : 0;
}

static int on_end (void *ctx, bool array) {
  writing *w = ctx;
  tl_buf_byte(w->out, array ? ']' : '}');
  w->first = false;
  return 0;
}

static int on_value (void *ctx, const tl_json_value *key, const tl_json_value *v) {
  writing *w = ctx;
  begin_member(w, key);
  put_scalar(v, w->out);
  return w->out->failed ? TL_ENOMEM : 0;
}

void tl_doc_json (const tl_json_value *v, tl_buf *out) {
  static const tl_doc_visitor visitor = { on_begin, on_end, on_value };
  writing w = { out, true };
  if (v->type == TL_JSON_ARRAY || v->type == TL_JSON_OBJECT)
    tl_doc_walk((tl_doc_format)(v->format & TL_DOC_FORMAT), v->raw, &visitor, &w, NULL);
  else
    put_scalar(v, out);
}

tl_slice tl_doc_plain (const tl_json_value *v, tl_buf *scratch) {
  size_t before = scratch->len;
  if (v->type == TL_JSON_NONE || v->format == TL_DOC_JSON) return v->raw;
  if (v->type == TL_JSON_STRING || v->type == TL_DOC_BYTES || v->type == TL_DOC_TIME_TEXT) {
    if (!v->escaped) return v->raw;
    tl_doc_bytes(v, scratch);
  } else {
    tl_doc_json(v, scratch);
  }
  return tl_appended(scratch, before);
}
