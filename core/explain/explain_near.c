/* core/explain/explain_near.c — a document does not have what a JSON address names: how far the
** address leads, and what is there instead. */
#include <stdlib.h>

#include "base/format.h"
#include "explain/explain_impl.h"
#include "payload/json.h"

enum { NAMES = 8 };

typedef struct {
  tl_buf *out;
  int depth;
  uint32_t count;
  bool array;
} listing;

static void one (listing *l, tl_slice key, bool escaped) {
  tl_buf plain;
  if (l->depth != 1 || l->count++ >= NAMES || l->array) return;
  tl_buf_init(&plain);
  if (escaped)
    tl_json_unescape(&plain, key);
  else
    tl_buf_slice(&plain, key);
  tl_member(l->out, NULL);
  tl_json_quote(l->out, tl_buf_bytes(&plain));
  tl_buf_fini(&plain);
}

static int on_begin (void *ctx, tl_slice key, bool escaped, bool array) {
  (void)array;
  one(ctx, key, escaped);
  ((listing *)ctx)->depth++;
  return 0;
}

static int on_end (void *ctx, bool array) {
  (void)array;
  ((listing *)ctx)->depth--;
  return 0;
}

static int on_value (void *ctx, tl_slice key, bool escaped, const tl_json_value *v) {
  (void)v;
  one(ctx, key, escaped);
  return 0;
}

/* What the address `path` leads to; false: it is no address (cut within quotes), or leads
** nowhere. */
static bool find (tl_slice path, tl_slice doc, tl_json_value *v) {
  tl_json_set *set;
  tl_json_error ignored;
  tl_err err;
  if (tl_json_set_new(&set, &path, 1, NULL, &err) != TL_OK) return false;
  tl_json_value *values = malloc(tl_json_set_slots(set) * sizeof *values);
  bool found = values && tl_json_extract(set, doc, values, &ignored) == TL_OK &&
               values[0].type != TL_JSON_NONE;
  if (found) *v = values[0];
  free(values);
  tl_json_set_free(set);
  return found;
}

static void near (tl_buf *out, tl_slice path, tl_slice doc) {
  static const tl_json_visitor visitor = { on_begin, on_end, on_value };
  tl_json_value v = { .type = TL_JSON_NONE };
  tl_json_error ignored;
  size_t end = path.len;
  if (path.len == 0) return; /* the whole document is always there */
  do {
    while (end > 0 && path.at[end - 1] != '.' && path.at[end - 1] != '[') end--;
    if (end > 0) end--;
  } while (!find(tl_slice_of(path.at, end), doc, &v) && end > 0);
  if (v.type == TL_JSON_NONE) return;
  listing l = { .out = out, .array = v.type == TL_JSON_ARRAY };
  bool more = end < path.len && path.at[end] == '.';
  tl_member_open(out, "near", '{');
  tl_explain_raw(out, "at", tl_slice_of(path.at, end));
  tl_explain_raw(out, "lacks", tl_slice_of(path.at + end + more, path.len - end - more));
  tl_member_word(out, "type", tl_json_type_name((tl_json_type)v.type));
  if (v.type == TL_JSON_OBJECT || v.type == TL_JSON_ARRAY) {
    tl_member_open(out, "has", '[');
    tl_json_walk(v.raw, &visitor, &l, &ignored);
    tl_buf_byte(out, ']');
    tl_member_integer(out, "count", l.count);
  }
  tl_buf_byte(out, '}');
}

/* A binary document is shown as the JSON text that it would be. */
void tl_explain_near (tl_buf *out, tl_doc_format format, tl_slice path, tl_slice doc) {
  static const tl_slice whole = { (const uint8_t *)"", 0 };
  tl_json_set *set;
  tl_json_value v;
  tl_buf text;
  if (format == TL_DOC_JSON) {
    near(out, path, doc);
    return;
  }
  if (tl_json_set_new(&set, &whole, 1, NULL, NULL) != TL_OK) return;
  tl_buf_init(&text);
  if (tl_doc_extract(format, set, doc, &v, NULL) == TL_OK) tl_doc_json(&v, &text);
  if (!text.failed) near(out, path, tl_buf_bytes(&text));
  tl_buf_fini(&text);
  tl_json_set_free(set);
}
