/* core/script/http.h — the HTTP server as a config says it, for whoever serves it. All texts are
** borrowed. */
#ifndef TL_SCRIPT_HTTP_H
#define TL_SCRIPT_HTTP_H

#include "outlet/config.h"

typedef struct {
  tl_slice listen;        /* "127.0.0.1:8080", "[::1]:8080", or a path that begins with '/' */
  tl_slice token;         /* empty: none is asked for */
  tl_slice cert, key;     /* PEM texts; empty: no TLS. The key may stand in `cert` */
  const tl_slice *names;  /* Hosts besides addresses and localhost */
  const tl_slice *values; /* patterns of tags whose values /metrics shows */
  size_t name_count, value_count;
  bool write; /* tags may be written */
} tl_http_config;

typedef struct {
  /* A config runs from now on; NULL: it has no http. `change` hears what changes by it; dry: only
  ** tell. False: err says why; at start that ends the process, at a reload the old one goes on. */
  bool (*apply)(void *ctx, const tl_http_config *config, const tl_outlets_change *change,
                tl_err *err);
  void *ctx;
} tl_http_hooks;

#endif
