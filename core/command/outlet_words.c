/* core/command/outlet_words.c — see outlet_words.h. */
#include "command/outlet_words.h"

#include <stdlib.h>

enum { PARTS = 11 };

/* All texts of it. */
static void parts_of (tl_outlet_config *c, tl_slice *out[PARTS]) {
  tl_slice *const parts[PARTS] = { &c->name,     &c->kind,   &c->file,       &c->postgres,
                                   &c->password, &c->schema, &c->nats,       &c->stream,
                                   &c->subject,  &c->user,   &c->tls_ca_file };
  memcpy(out, parts, sizeof parts);
}

static char *keep (tl_slice *s, char *at) {
  if (s->len > 0) memcpy(at, s->at, s->len);
  if (s->at) s->at = (const uint8_t *)at;
  return at + s->len;
}

int tl_outlet_words_new (tl_outlet_words **out, const tl_outlet_config *c) {
  tl_outlet_words *w = calloc(1, sizeof *w);
  if (!w) return TL_ENOMEM;
  tl_slice *parts[PARTS];
  size_t len = 1;
  w->config = *c;
  parts_of(&w->config, parts);
  for (int i = 0; i < PARTS; i++) len += parts[i]->len;
  for (size_t i = 0; i < c->tag_count; i++) len += c->tags[i].len;
  w->memory = malloc(len);
  w->tags = calloc(c->tag_count + 1, sizeof *w->tags);
  if (!w->memory || !w->tags) {
    tl_outlet_words_free(w);
    return TL_ENOMEM;
  }
  char *at = w->memory;
  for (int i = 0; i < PARTS; i++) at = keep(parts[i], at);
  for (size_t i = 0; i < c->tag_count; i++) {
    w->tags[i] = c->tags[i];
    at = keep(&w->tags[i], at);
  }
  w->config.tags = w->tags;
  *out = w;
  return TL_OK;
}

void tl_outlet_words_free (tl_outlet_words *w) {
  if (!w) return;
  free(w->memory);
  free(w->tags);
  free(w);
}

bool tl_outlet_words_same (const tl_outlet_words *w, const tl_outlet_config *c) {
  tl_outlet_config a = w->config, b = *c;
  tl_slice *of_a[PARTS], *of_b[PARTS];
  parts_of(&a, of_a);
  parts_of(&b, of_b);
  for (int i = 0; i < PARTS; i++)
    if (!tl_slice_eq(*of_a[i], *of_b[i])) return false;
  if (a.tag_count != b.tag_count) return false;
  for (size_t i = 0; i < a.tag_count; i++)
    if (!tl_slice_eq(a.tags[i], b.tags[i])) return false;
  return true;
}
