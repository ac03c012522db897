/* core/web/tags.c — tags as objects, one or all of them. */

#include "base/pattern.h"
#include "base/json_write.h"
#include "web/list.h"
#include "web/web_impl.h"

size_t tl_web_name (const tl_tag *t, char out[TL_WEB_NAME]) {
  const char *parts[] = { t->station->line->name, t->station->name, tl_tag_def(t)->name };
  size_t n = 0;
  for (int i = 0; i < 3; i++) {
    size_t len = strlen(parts[i]);
    if (len + 2 > TL_WEB_NAME - n) return 0;
    memcpy(out + n, parts[i], len);
    n += len;
    out[n++] = i < 2 ? '.' : '\0';
  }
  return n - 1;
}

static void add_field (tl_buf *out, const char *name, const char *text) {
  tl_member_word(out, name, text ? text : "");
}

void tl_web_tag_json (const tl_tag *t, tl_buf *out) {
  const tl_tagdef *d = tl_tag_def(t);
  tl_tag_stream(t, out);
  if (out->failed) return;
  out->len -= 2; /* "}\n" */
  add_field(out, "unit", d->unit);
  add_field(out, "description", d->description);
  add_field(out, "address", d->address);
  tl_buf_byte(out, '}');
}

void tl_web_tag (request *r, const char *name) {
  tl_buf out;
  const tl_tag *t = tl_model_tag(tl_gateway_model(r->web->gateway), tl_slice_str(name));
  if (!t) {
    tl_web_fail(r, 404, "there is no tag '%.200s'", name);
    return;
  }
  tl_buf_init(&out);
  tl_web_tag_json(t, &out);
  tl_buf_byte(&out, '\n');
  tl_web_answer(r, 200, TL_WEB_JSON, &out);
}

/* --- a list --- */

static bool wanted (const tl_list *l, const tl_tag *t) {
  char name[TL_WEB_NAME];
  return l->match.len == 0 ||
         (tl_web_name(t, name) > 0 && tl_glob_match((const char *)l->match.at, name));
}

static bool add_next (tl_list *l, const tl_model *m, int *steps) {
  const tl_tag *t = tl_tag_walk_next(&l->walk, m, steps);
  if (!t) return false;
  if (wanted(l, t)) {
    tl_list_element(l);
    tl_web_tag_json(t, &l->out);
  }
  return true;
}

static bool go_behind (tl_tag_walk *walk, const tl_model *m, tl_slice name) {
  const tl_tag *t = tl_model_tag(m, name);
  if (t) tl_tag_walk_behind(walk, m, t);
  return t;
}

void tl_web_tags (request *r) { tl_list_answer(r, "tag", go_behind, add_next); }
