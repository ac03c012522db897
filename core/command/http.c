/* core/command/http.c — see http.h. Without TAGLINE_HTTP a config's http is refused when it is
** checked. */
#include "command/http.h"

#include "base/log.h"

#ifdef TAGLINE_HTTP

#include "web/web.h"

int tl_http_new (tl_http **out, tl_loop *loop, tl_gateway *g, tl_script *s,
                 const tl_outlet_hooks *outlets) {
  tl_web *w;
  int rc = tl_web_new(&w, loop, g, s, outlets);
  if (rc < 0) {
    tl_log(TL_LOG_ERROR, "http", "cannot start: no memory");
    return rc;
  }
  tl_config_set_http(s, tl_web_hooks(w));
  *out = (tl_http *)w;
  return TL_OK;
}

void tl_http_close (tl_http *h) { tl_web_close((tl_web *)h); }

#else

int tl_http_new (tl_http **out, tl_loop *loop, tl_gateway *g, tl_script *s,
                 const tl_outlet_hooks *outlets) {
  (void)loop;
  (void)g;
  (void)s;
  (void)outlets;
  *out = NULL;
  return TL_OK;
}

void tl_http_close (tl_http *h) { (void)h; }

#endif
