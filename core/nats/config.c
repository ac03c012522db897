/* core/nats/config.c — what the sessions of one outlet share. See session.h. */
#include <stdlib.h>

#include "nats/session.h"

tl_nats_config *tl_nats_config_new (void) {
  tl_nats_config *c = calloc(1, sizeof *c);
  if (c) atomic_init(&c->refs, 1);
  return c;
}

tl_nats_config *tl_nats_config_ref (tl_nats_config *c) {
  atomic_fetch_add(&c->refs, 1);
  return c;
}

void tl_nats_config_unref (tl_nats_config *c) {
  if (!c || atomic_fetch_sub(&c->refs, 1) > 1) return;
  char *const texts[] = { c->servers, c->stream, c->subject, c->user, c->password, c->tls_ca_file };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) free(texts[i]);
  for (size_t i = 0; i < c->tag_count; i++) free(c->tags[i]);
  free(c->tags);
  free(c);
}
