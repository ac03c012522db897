/* core/web/page.c — the page's files: ours are in the program (core/web/page/), dygraphs comes from
** Debian's package and is read when the process starts. */
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "files/read.h"
#include "web/page.h"
#include "web/web_impl.h"

enum { MAX_FILE = 4 << 20 };

typedef struct {
  const char *name, *path, *type;
} extra;

static const extra extras[] = {
  { "dygraph.min.js", "/usr/share/javascript/dygraphs/dygraph.min.js",
    "text/javascript; charset=utf-8" },
  { "dygraph.min.css", "/usr/share/javascript/dygraphs/dygraph.min.css",
    "text/css; charset=utf-8" },
};
enum { EXTRAS = sizeof extras / sizeof extras[0] };

struct page_extra {
  tl_buf bytes; /* empty: it is not there */
  char etag[24];
};

int tl_web_load_extras (tl_web *w) {
  w->extras = calloc(EXTRAS, sizeof *w->extras);
  if (!w->extras) return TL_ENOMEM;
  for (int i = 0; i < EXTRAS; i++) {
    struct page_extra *e = &w->extras[i];
    tl_buf_init(&e->bytes);
    if (tl_file_read(&e->bytes, extras[i].path, MAX_FILE, NULL) < 0) continue;
    snprintf(e->etag, sizeof e->etag, "\"%zx-%x\"", e->bytes.len,
             (unsigned)tl_hash(e->bytes.at, e->bytes.len));
  }
  return TL_OK;
}

void tl_web_free_extras (tl_web *w) {
  for (int i = 0; w->extras && i < EXTRAS; i++) tl_buf_fini(&w->extras[i].bytes);
  free(w->extras);
}

static void give (request *r, unsigned status, tl_slice bytes, const char *type, const char *etag) {
  const char *known = tl_web_field(r, "If-None-Match");
  bool same = status == 200 && known && strcmp(known, etag) == 0;
  struct MHD_Response *response = MHD_create_response_from_buffer(
      same ? 0 : bytes.len, (void *)(uintptr_t)bytes.at, MHD_RESPMEM_PERSISTENT);
  tl_web_respond(r, same ? 304 : status, response);
  tl_web_header(r, "Content-Type", type);
  tl_web_header(r, "ETag", etag);
  tl_web_header(r, "Cache-Control", "no-cache");
}

void tl_web_page (request *r, const char *name, unsigned status) {
  for (size_t i = 0; i < tl_page_file_count; i++) {
    const tl_page_file *f = &tl_page_files[i];
    if (strcmp(f->name, name) == 0) {
      give(r, status, tl_slice_of(f->bytes, f->len), f->type, f->etag);
      return;
    }
  }
  for (int i = 0; i < EXTRAS; i++) {
    if (strcmp(extras[i].name, name) != 0) continue;
    const struct page_extra *e = r->web->extras ? &r->web->extras[i] : NULL;
    if (e && e->bytes.len > 0)
      give(r, status, tl_buf_bytes(&e->bytes), extras[i].type, e->etag);
    else
      tl_web_fail(r, 404, "%s is not there: install the package libjs-dygraphs", extras[i].path);
    return;
  }
  tl_web_fail(r, 404, "there is no page '%.200s'", name);
}
