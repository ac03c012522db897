/* core/config/http.h — the HTTP server as a config describes it, for the room that serves it.
** All texts are borrowed. */
#ifndef TL_CONFIG_HTTP_H
#define TL_CONFIG_HTTP_H

#include "outlet/config.h"

typedef struct {
  tl_slice listen;        /* "127.0.0.1:8080", "[::1]:8080", or a path that begins with '/' */
  tl_slice token;         /* empty: no token is asked for */
  tl_slice cert, key;     /* PEM texts; empty: no TLS. The key may stand in `cert` */
  const tl_slice *names;  /* host names allowed besides IP addresses and localhost */
  const tl_slice *values; /* patterns of tags whose values /metrics shows */
  size_t name_count, value_count;
  bool write; /* writing tags is allowed */
} tl_http_config;

typedef struct tl_http_hooks {
  /* A config begins to run; NULL: it has no HTTP server. `change` hears what changes; with its
  ** `dry` set nothing changes; it only reports what would change.
  ** False: err says why. At the start this ends the process; at a reload the old server goes
  ** on. */
  bool (*apply)(void *ctx, const tl_http_config *config, const tl_outlets_change *change,
                tl_err *err);
  void *ctx;
} tl_http_hooks;

#endif
