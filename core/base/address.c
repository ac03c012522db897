/* core/base/address.c — addresses of brokers and proxies, taken apart. Must not know what is done
** with them. */
#include "base/address.h"

#include <stdio.h>
#include <strings.h>

#include "base/printable.h"

enum { HOST_MAX = 255, PATH_MAX_BYTES = 4096, SHOWN = 64 };

static const struct {
  const char *name;
  tl_scheme scheme;
  const char *meant; /* of a word that others use: ours */
} schemes[] = {
  { "mqtt", TL_SCHEME_MQTT, NULL },      { "mqtts", TL_SCHEME_MQTTS, NULL },
  { "ws", TL_SCHEME_WS, NULL },          { "wss", TL_SCHEME_WSS, NULL },
  { "tcp", TL_SCHEME_NONE, "mqtt://" },  { "ssl", TL_SCHEME_NONE, "mqtts://" },
  { "tls", TL_SCHEME_NONE, "mqtts://" }, { "http", TL_SCHEME_NONE, "ws://" },
  { "https", TL_SCHEME_NONE, "wss://" },
};

uint16_t tl_scheme_port (tl_scheme s) {
  switch (s) {
    case TL_SCHEME_MQTTS: return 8883;
    case TL_SCHEME_WS: return 80;
    case TL_SCHEME_WSS: return 443;
    default: return 1883;
  }
}

/* What stands before "://", and what behind; false: there is none. */
static bool split_scheme (tl_slice text, tl_slice *scheme, tl_slice *rest) {
  const uint8_t *at = text.len > 0 ? memmem(text.at, text.len, "://", 3) : NULL;
  if (!at) return false;
  size_t n = (size_t)(at - text.at);
  *scheme = tl_slice_of(text.at, n);
  *rest = tl_slice_of(at + 3, text.len - n - 3);
  return true;
}

static bool same (tl_slice a, const char *b) {
  return a.len == strlen(b) && strncasecmp((const char *)a.at, b, a.len) == 0;
}

static int unknown_scheme (tl_slice scheme, tl_err *err) {
  char shown[SHOWN];
  tl_printable(shown, sizeof shown, scheme);
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
    if (schemes[i].meant && same(scheme, schemes[i].name))
      return tl_fail(err, TL_ESYNTAX, 0,
                     "expected mqtt://, mqtts://, ws:// or wss://, got \"%s://\": "
                     "here it is \"%s\"",
                     shown, schemes[i].meant);
  }
  return tl_fail(err, TL_ESYNTAX, 0, "expected mqtt://, mqtts://, ws:// or wss://, got \"%s://\"",
                 shown);
}

static bool is_host (tl_slice s) {
  if (s.len == 0 || s.len > HOST_MAX) return false;
  for (size_t i = 0; i < s.len; i++) {
    uint8_t c = s.at[i], lower = c | 0x20;
    bool is_word = (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
    if (!is_word && (c == 0 || !strchr("._:%-", c))) return false;
  }
  return true;
}

static int read_port (tl_slice text, uint16_t *port, tl_err *err) {
  unsigned long n = 0;
  bool good = text.len > 0 && text.len <= 5;
  for (size_t i = 0; good && i < text.len; i++) {
    good = text.at[i] >= '0' && text.at[i] <= '9';
    n = n * 10 + (unsigned long)(text.at[i] - '0');
  }
  if (!good || n == 0 || n > UINT16_MAX)
    return tl_fail(err, TL_ESYNTAX, 0, "expected a port of 1 to 65535 behind the colon");
  *port = (uint16_t)n;
  return TL_OK;
}

/* "host", "host:port", "[v6]:port" */
static int read_authority (tl_slice text, tl_address *out, tl_err *err) {
  const uint8_t *colon;
  if (text.len > 0 && memchr(text.at, '@', text.len))
    return tl_fail(err, TL_ESYNTAX, 0,
                   "expected no user or password in the address: it would be "
                   "logged; set user_name and password");
  if (text.len > 0 && text.at[0] == '[') {
    const uint8_t *end = memchr(text.at, ']', text.len);
    if (!end) return tl_fail(err, TL_ESYNTAX, 0, "expected a ] behind the IPv6 address");
    out->host = tl_slice_of(text.at + 1, (size_t)(end - text.at) - 1);
    text = tl_slice_of(end + 1, text.len - out->host.len - 2);
    if (text.len == 0) return TL_OK;
    if (text.at[0] != ':') return tl_fail(err, TL_ESYNTAX, 0, "expected a port behind the ]");
    return read_port(tl_slice_of(text.at + 1, text.len - 1), &out->port, err);
  }
  colon = text.len > 0 ? memchr(text.at, ':', text.len) : NULL;
  out->host = colon ? tl_slice_of(text.at, (size_t)(colon - text.at)) : text;
  if (!colon) return TL_OK;
  return read_port(tl_slice_of(colon + 1, text.len - out->host.len - 1), &out->port, err);
}

static int check_host (const tl_address *a, tl_err *err) {
  char shown[SHOWN];
  if (a->host.len == 0) return tl_fail(err, TL_ESYNTAX, 0, "expected a host, got an empty one");
  if (is_host(a->host)) return TL_OK;
  return tl_fail(err, TL_ESYNTAX, 0, "expected a host name or an address, got \"%s\"",
                 tl_printable(shown, sizeof shown, a->host));
}

static int check_path (const tl_address *a, tl_err *err) {
  if (a->path.len > 0 && !tl_scheme_is_ws(a->scheme) && a->path.len > 1)
    return tl_fail(err, TL_ESYNTAX, 0, "expected no path: only ws:// and wss:// have one");
  if (a->path.len > PATH_MAX_BYTES)
    return tl_fail(err, TL_ESYNTAX, 0, "expected a path of at most %d bytes", PATH_MAX_BYTES);
  for (size_t i = 0; i < a->path.len; i++) {
    uint8_t c = a->path.at[i];
    if (c <= 0x20 || c >= 0x7f || c == '#')
      return tl_fail(err, TL_ESYNTAX, i,
                     "expected a path of printable ASCII without '#': write "
                     "other bytes as %%XX");
  }
  return TL_OK;
}

int tl_broker_parse (tl_slice text, tl_address *out, tl_err *err) {
  tl_address a = { .scheme = TL_SCHEME_NONE };
  tl_slice scheme, rest;
  int rc = TL_OK;
  if (!split_scheme(text, &scheme, &rest)) {
    bool in_brackets = text.len > 1 && text.at[0] == '[' && text.at[text.len - 1] == ']';
    a.host = in_brackets ? tl_slice_of(text.at + 1, text.len - 2) : text;
  } else {
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
      if (!schemes[i].meant && same(scheme, schemes[i].name)) a.scheme = schemes[i].scheme;
    if (a.scheme == TL_SCHEME_NONE) return unknown_scheme(scheme, err);
    const uint8_t *slash = rest.len > 0 ? memchr(rest.at, '/', rest.len) : NULL;
    size_t n = slash ? (size_t)(slash - rest.at) : rest.len;
    if (slash) a.path = tl_slice_of(slash, rest.len - n);
    rc = read_authority(tl_slice_of(rest.at, n), &a, err);
  }
  if (rc == TL_OK) rc = check_host(&a, err);
  if (rc == TL_OK) rc = check_path(&a, err);
  if (rc == TL_OK) *out = a;
  return rc;
}

int tl_proxy_parse (tl_slice text, tl_address *out, bool *is_socks, tl_err *err) {
  tl_address a = { .scheme = TL_SCHEME_NONE };
  tl_slice scheme, rest;
  bool found = split_scheme(text, &scheme, &rest);
  *is_socks = found && same(scheme, "socks5");
  if (!found || (!*is_socks && !same(scheme, "http")))
    return tl_fail(err, TL_ESYNTAX, 0, "expected \"http://HOST:PORT\" or \"socks5://HOST:PORT\"");
  if (rest.len > 0 && rest.at[rest.len - 1] == '/') rest.len--;
  if (rest.len > 0 && memchr(rest.at, '@', rest.len))
    return tl_fail(err, TL_ESYNTAX, 0,
                   "expected no user or password in it: it would be logged; set "
                   "proxy_user and proxy_password");
  int rc = read_authority(rest, &a, err);
  if (rc == TL_OK) rc = check_host(&a, err);
  if (rc == TL_OK && a.port == 0)
    rc = tl_fail(err, TL_ESYNTAX, 0, "expected a port, as in \"%s://HOST:%s\"",
                 *is_socks ? "socks5" : "http", *is_socks ? "1080" : "3128");
  if (rc == TL_OK) *out = a;
  return rc;
}
