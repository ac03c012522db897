/* core/web/list.c — see list.h. Knows no element. */
#include "web/list.h"

#include <stdlib.h>

void tl_list_element (tl_list *l) {
  if (l->some) tl_buf_byte(&l->out, ',');
  l->some = true;
  l->left--;
}

static void make_some (tl_list *l) {
  const tl_model *m = tl_gateway_model(l->r->web->gateway);
  int steps = TL_LIST_SLICE;
  if (!l->begun) tl_buf_byte(&l->out, '[');
  l->begun = true;
  while (l->out.len < TL_LIST_BLOCK && l->left > 0 && l->add_next(l, m, &steps)) {}
  if (l->left > 0 && !l->walk.done) return;
  l->done = true;
  tl_buf_str(&l->out, "]\n");
}

static ssize_t on_read (void *ctx, uint64_t at, char *room, size_t max) {
  tl_list *l = ctx;
  (void)at;
  if (l->given == l->out.len) {
    tl_buf_clear(&l->out);
    l->given = 0;
    if (l->done) return MHD_CONTENT_READER_END_OF_STREAM;
    while (l->out.len == 0 && !l->out.failed && !tl_share_is_used(l->r->web)) make_some(l);
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

static void drop (void *ctx) {
  tl_list *l = ctx;
  tl_buf_fini(&l->match);
  tl_buf_fini(&l->out);
  free(l);
}

/* The parameters. False: answered. */
static bool begin (tl_list *l, const char *kind,
                   bool (*behind)(tl_tag_walk *walk, const tl_model *m, tl_slice name)) {
  request *r = l->r;
  const tl_model *m = tl_gateway_model(r->web->gateway);
  tl_buf after;
  tl_buf_init(&after);
  l->left = UINT64_MAX;
  int rc = tl_web_parameter(r, "match", &l->match);
  if (rc >= 0) rc = tl_web_count_parameter(r, "limit", 1000000, &l->left);
  if (rc >= 0) rc = tl_web_parameter(r, "after", &after);
  if (rc > 0 && !behind(&l->walk, m, tl_slice_of(after.at, after.len - 1))) {
    tl_web_fail(r, 404, "after: there is no %s '%.200s'", kind, (const char *)after.at);
    rc = -1;
  }
  tl_buf_fini(&after);
  return rc >= 0;
}

void tl_list_answer (request *r, const char *kind,
                     bool (*behind)(tl_tag_walk *walk, const tl_model *m, tl_slice name),
                     bool (*add_next)(tl_list *l, const tl_model *m, int *steps)) {
  tl_list *l = calloc(1, sizeof *l);
  if (!l) {
    tl_web_fail(r, 500, "no memory");
    return;
  }
  l->r = r;
  l->add_next = add_next;
  if (!begin(l, kind, behind)) {
    drop(l);
    return;
  }
  struct MHD_Response *response =
      MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, TL_LIST_BLOCK, on_read, l, drop);
  if (!response) drop(l);
  tl_web_respond(r, 200, response);
  tl_web_header(r, "Content-Type", TL_WEB_JSON);
  tl_web_header(r, "Cache-Control", "no-store");
}
