/* core/web/access.c — who may ask: the Host, the token, the Origin. */
#include "base/text.h"
#include "web/web_impl.h"

bool tl_web_may (request *r) {
  const char *host = tl_web_field(r, "Host");
  const web_settings *s = &r->web->set;
  if (host && !tl_http_host_is_ours(tl_slice_str(host), (const char *)s->names.at, s->names.len)) {
    tl_web_fail(r, 421,
                "'%.100s' is not a name of this server: names = { … } in http { … } adds one",
                host);
    return false;
  }
  r->known = s->token.len <= 1;
  return true;
}

bool tl_web_may_change (request *r) {
  const char *origin = tl_web_field(r, "Origin"), *host = tl_web_field(r, "Host");
  const char *scheme = r->web->set.secure ? "https://" : "http://";
  size_t n = strlen(scheme);
  if (!origin) return true;
  if (host && strncmp(origin, scheme, n) == 0 && strcmp(origin + n, host) == 0) return true;
  tl_web_fail(r, 403, "the page that asked is of another origin");
  return false;
}

void tl_web_make_cookie (web_settings *set) { (void)set; }
