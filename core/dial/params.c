/* core/dial/params.c — owning, comparing and describing a line's parameters. Must not know
** what they do. */
#include "dial/params.h"

#include <stdlib.h>

enum { SHOWN = false, SECRET = true };

#define FIELD(name, kind, secret) \
  { #name, TL_PARAM_##kind, offsetof(tl_line_params, name), secret },

const tl_param_field tl_param_fields[] = {
  TL_LINE_PARAMS(FIELD){ NULL, TL_PARAM_BOOL, 0, false },
};

void tl_params_init (tl_line_params *p) { memset(p, 0, sizeof *p); }

static void drop_text (tl_slice *s) {
  free((void *)s->at);
  *s = tl_slice_of(NULL, 0);
}

void tl_params_fini (tl_line_params *p) {
  for (const tl_param_field *f = tl_param_fields; f->name; f++) {
    if (f->kind == TL_PARAM_TEXT) drop_text(tl_param_at(p, f));
    if (f->kind == TL_PARAM_TEXTS) {
      tl_texts *list = tl_param_at(p, f);
      for (size_t i = 0; i < list->n; i++) drop_text(&list->at[i]);
      free(list->at);
    }
  }
  tl_params_init(p);
}

int tl_params_set_text (tl_slice *field, tl_slice text) {
  char *copy = malloc(text.len + 1);
  if (!copy) return TL_ENOMEM;
  if (text.len > 0) memcpy(copy, text.at, text.len);
  copy[text.len] = '\0';
  drop_text(field);
  *field = tl_slice_of(copy, text.len);
  return TL_OK;
}

int tl_params_add_text (tl_texts *list, tl_slice text) {
  tl_slice *grown = realloc(list->at, (list->n + 1) * sizeof *grown);
  if (!grown) return TL_ENOMEM;
  list->at = grown;
  list->at[list->n] = tl_slice_of(NULL, 0);
  int rc = tl_params_set_text(&list->at[list->n], text);
  if (rc == TL_OK) list->n++;
  return rc;
}

static bool same_text (tl_slice a, tl_slice b) { return (!a.at) == (!b.at) && tl_slice_eq(a, b); }

static bool same_field (const tl_param_field *f, const void *a, const void *b) {
  switch (f->kind) {
    case TL_PARAM_BOOL: return *(const bool *)a == *(const bool *)b;
    case TL_PARAM_INT:
    case TL_PARAM_MS: return *(const int64_t *)a == *(const int64_t *)b;
    case TL_PARAM_TEXT: return same_text(*(const tl_slice *)a, *(const tl_slice *)b);
    case TL_PARAM_TEXTS: {
      const tl_texts *x = a, *y = b;
      bool same = x->n == y->n;
      for (size_t i = 0; same && i < x->n; i++) same = same_text(x->at[i], y->at[i]);
      return same;
    }
  }
  return false;
}

int tl_params_diff (const tl_line_params *a, const tl_line_params *b, const char **names, int max) {
  int n = 0;
  for (const tl_param_field *f = tl_param_fields; f->name; f++) {
    if (same_field(f, tl_param_at(a, f), tl_param_at(b, f))) continue;
    if (n < max) names[n] = f->name;
    n++;
  }
  return n;
}
