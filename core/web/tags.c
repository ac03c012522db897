/* core/web/tags.c — tags as objects, one or all of them. A list of 100,000 is made while it is
** sent, some hundred at a time, so that the loop has its turn in between. */
#include <stdlib.h>

#include "base/pattern.h"
#include "base/json_write.h"
#include "web/tags.h"
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

/* Where a list has got to: a place in the model, which may grow or change meanwhile. */
typedef struct {
  tl_web *web;
  request *r;
  tl_buf match; /* NUL-terminated; empty: all */
  tl_buf after; /* a name: the list begins behind it */
  tl_buf out;
  size_t given; /* bytes of `out` that were handed on */
  uint64_t left;
  tl_tag_walk walk;
  bool begun, some, done;
} listing;

static void drop_listing (void *ctx) {
  listing *l = ctx;
  tl_buf_fini(&l->match);
  tl_buf_fini(&l->after);
  tl_buf_fini(&l->out);
  free(l);
}

static bool wanted (listing *l, const tl_tag *t) {
  char name[TL_WEB_NAME];
  if (l->match.len == 0) return true;
  return tl_web_name(t, name) > 0 && tl_glob_match((const char *)l->match.at, name);
}

static void make_some (listing *l) {
  const tl_model *m = tl_gateway_model(l->web->gateway);
  int steps = TL_TAGS_A_SLICE;
  if (!l->begun) tl_buf_byte(&l->out, '[');
  l->begun = true;
  while (!l->done && l->out.len < TL_TAGS_BLOCK) {
    const tl_tag *t = l->left > 0 ? tl_tag_walk_next(&l->walk, m, &steps) : NULL;
    if (!t && l->left > 0 && !l->walk.done) break;
    if (!t) {
      l->done = true;
      tl_buf_str(&l->out, "]\n");
    } else if (wanted(l, t)) {
      if (l->some) tl_buf_byte(&l->out, ',');
      l->some = true;
      l->left--;
      tl_web_tag_json(t, &l->out);
    }
  }
}

static ssize_t on_read (void *ctx, uint64_t at, char *room, size_t max) {
  listing *l = ctx;
  (void)at;
  if (l->given == l->out.len) {
    tl_buf_clear(&l->out);
    l->given = 0;
    if (l->done) return MHD_CONTENT_READER_END_OF_STREAM;
    while (l->out.len == 0 && !l->out.failed && !tl_share_is_used(l->web)) make_some(l);
    if (l->out.failed) return MHD_CONTENT_READER_END_WITH_ERROR;
    if (l->out.len == 0) {
      tl_share_wait(l->r);
      return 0;
    }
  }
  size_t n = l->out.len - l->given < max ? l->out.len - l->given : max;
  memcpy(room, l->out.at + l->given, n);
  l->given += n;
  return (ssize_t)n;
}

/* False: there is no such tag. */
static bool begin_after (listing *l) {
  const tl_model *m = tl_gateway_model(l->web->gateway);
  const tl_tag *t = tl_model_tag(m, tl_slice_of(l->after.at, l->after.len - 1));
  if (t) tl_tag_walk_behind(&l->walk, m, t);
  return t;
}

void tl_web_tags (request *r) {
  listing *l = calloc(1, sizeof *l);
  if (!l) {
    tl_web_fail(r, 500, "no memory");
    return;
  }
  l->web = r->web;
  l->r = r;
  l->left = UINT64_MAX;
  int rc = tl_web_parameter(r, "match", &l->match);
  if (rc >= 0) rc = tl_web_count_parameter(r, "limit", 1000000, &l->left);
  if (rc >= 0) rc = tl_web_parameter(r, "after", &l->after);
  if (rc > 0 && !begin_after(l)) {
    tl_web_fail(r, 404, "after: there is no tag '%.200s'", (const char *)l->after.at);
    rc = -1;
  }
  if (rc < 0) {
    drop_listing(l);
    return;
  }
  struct MHD_Response *response =
      MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, TL_TAGS_BLOCK, on_read, l, drop_listing);
  if (!response) drop_listing(l);
  tl_web_respond(r, 200, response);
  tl_web_header(r, "Content-Type", TL_WEB_JSON);
  tl_web_header(r, "Cache-Control", "no-store");
}
