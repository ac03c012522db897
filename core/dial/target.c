/* core/dial/target.c — where a line connects to, for the room transport: its addresses, with
** TLS, WebSocket and proxy as the parameters say. Must not know what is sent. */
#include "dial/dial_impl.h"

#include <stdio.h>
#include <stdlib.h>

enum { ALPN_MAX = 512, PSK_MAX = 256 };

/* A target and the texts that it borrows from outside of the parameters. */
typedef struct {
  tl_transport_target target;
  uint8_t alpn[ALPN_MAX], psk[PSK_MAX];
  char host[256], proxy_host[256];
  tl_buf headers; /* headers that a function made, each followed by a NUL */
  tl_slice *made; /* slices of `headers` */
} route;

tl_address tl_dial_target (const tl_dial *d, size_t host) {
  const tl_line_params *p = d->by.params;
  tl_address a = { .scheme = TL_SCHEME_NONE, .host = p->host.at[host] };
  tl_broker_parse(p->host.at[host], &a, NULL); /* cannot fail: the config was checked */
  if (a.scheme == TL_SCHEME_NONE) {
    if (p->tls) a.scheme = TL_SCHEME_MQTTS;
    a.port = (uint16_t)p->port;
  } else if (a.port == 0) {
    a.port = tl_scheme_port(a.scheme);
  }
  return a;
}

void tl_dial_url (const tl_dial *d, size_t host, char *out, size_t room) {
  static const char *const schemes[] = { "mqtt", "mqtt", "mqtts", "ws", "wss" };
  char address[300];
  tl_dial_address(d, host, address, sizeof address);
  snprintf(out, room, "%s://%s", schemes[tl_dial_target(d, host).scheme], address);
}

void tl_dial_address (const tl_dial *d, size_t host, char *out, size_t room) {
  tl_address a = tl_dial_target(d, host);
  bool is_v6 = a.host.len > 0 && memchr(a.host.at, ':', a.host.len);
  snprintf(out, room, is_v6 ? "[%.*s]:%u" : "%.*s:%u", TL_ARG(a.host), (unsigned)a.port);
}

static tl_slice given (tl_slice text) { return text.at ? text : TL_LIT(""); }

static void copy_text (char *out, size_t room, tl_slice text) {
  snprintf(out, room, "%.*s", TL_ARG(text));
}

static int digit_of (uint8_t c) {
  uint8_t lower = c | 0x20;
  if (c >= '0' && c <= '9') return c - '0';
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static tl_slice from_hex (tl_slice text, uint8_t *out, size_t room) {
  size_t n = 0;
  for (size_t i = 0; i + 1 < text.len && n < room; i += 2)
    out[n++] = (uint8_t)(digit_of(text.at[i]) << 4 | digit_of(text.at[i + 1]));
  return tl_slice_of(out, n);
}

/* The ALPN names as TLS sends them: a length byte before each. */
static tl_slice alpn_of (const tl_texts *names, uint8_t *out) {
  size_t n = 0;
  for (size_t i = 0; i < names->n; i++) {
    tl_slice one = names->at[i];
    if (one.len == 0 || one.len > 255 || n + 1 + one.len > ALPN_MAX) continue;
    out[n++] = (uint8_t)one.len;
    memcpy(out + n, one.at, one.len);
    n += one.len;
  }
  return tl_slice_of(out, n);
}

static int minor_of (tl_slice version) {
  return version.len == 3 && version.at[2] >= '0' && version.at[2] <= '3' ? version.at[2] - '0' : 2;
}

static void fill_tls (route *r, const tl_line_params *p) {
  tl_secure *s = &r->target.secure;
  s->ca = given(p->tls_ca_file);
  s->cert = given(p->tls_cert_file);
  s->key = given(p->tls_key_file);
  s->crl = given(p->tls_crl_file);
  s->key_password = given(p->tls_key_password);
  s->server_name = given(p->tls_server_name);
  s->ciphers = given(p->tls_ciphers);
  s->alpn = alpn_of(&p->tls_alpn, r->alpn);
  s->psk = from_hex(given(p->tls_psk), r->psk, sizeof r->psk);
  s->psk_identity = given(p->tls_psk_identity);
  s->keylog = given(p->tls_keylog_file);
  s->min_minor = minor_of(given(p->tls_min_version));
  tl_slice verify = given(p->tls_verify);
  s->verify = TL_TLS_VERIFY;
  if (tl_slice_eq(verify, TL_LIT("no")))
    s->verify = TL_TLS_VERIFY_NONE;
  else if (tl_slice_eq(verify, TL_LIT("ca")))
    s->verify = TL_TLS_VERIFY_CHAIN;
}

/* Slice what the function of ws_headers has made. */
static int called_headers (route *r, const tl_dial_by *by, tl_err *err) {
  size_t n = 0;
  if (!by->headers) return TL_OK;
  if (!by->headers(by->ctx, &r->headers))
    return tl_fail(err, TL_EREFUSED, 0, "ws_headers failed: see the error before");
  for (size_t i = 0; i < r->headers.len; i++) n += r->headers.at[i] == 0;
  r->made = calloc(n + 1, sizeof *r->made);
  if (!r->made) return tl_fail(err, TL_ENOMEM, 0, "no memory for ws_headers");
  const char *at = (const char *)r->headers.at;
  for (size_t i = 0; i < n; i++) {
    r->made[i] = tl_slice_str(at);
    at += r->made[i].len + 1;
  }
  r->target.ws_headers = r->made;
  r->target.ws_header_count = n;
  return TL_OK;
}

static int fill_ws (route *r, const tl_dial_by *by, tl_slice path, tl_err *err) {
  const tl_line_params *p = by->params;
  r->target.ws_path = path.len > 0 ? path : given(p->ws_path);
  if (r->target.ws_path.len == 0) r->target.ws_path = TL_LIT("/mqtt");
  r->target.ws_subprotocol = given(p->ws_subprotocol);
  r->target.ws_headers = p->ws_headers.at;
  r->target.ws_header_count = p->ws_headers.n;
  return p->ws_headers_called ? called_headers(r, by, err) : TL_OK;
}

static void fill_proxy (route *r, const tl_line_params *p) {
  tl_address a = { .scheme = TL_SCHEME_NONE };
  bool is_socks = false;
  if (!p->proxy.at || p->proxy.len == 0) return;
  if (tl_proxy_parse(p->proxy, &a, &is_socks, NULL) != TL_OK) return;
  copy_text(r->proxy_host, sizeof r->proxy_host, a.host);
  r->target.proxy = is_socks ? TL_SOCKS5_PROXY : TL_HTTP_PROXY;
  r->target.proxy_host = tl_slice_str(r->proxy_host);
  r->target.proxy_port = a.port;
  r->target.proxy_user = given(p->proxy_user);
  r->target.proxy_password = given(p->proxy_password);
}

static tl_transport_memory *memory_of (tl_dial *d, size_t host) {
  size_t n = d->by.params->host.n;
  if (!d->memory) {
    d->memory = calloc(n, sizeof *d->memory);
    d->memories = d->memory ? n : 0;
  }
  return host < d->memories ? &d->memory[host] : NULL;
}

static void forget_sessions (tl_dial *d) {
  for (size_t i = 0; i < d->memories; i++) tl_transport_memory_fini(&d->memory[i]);
  free(d->memory);
  d->memory = NULL;
  d->memories = 0;
  d->stale = false;
}

static int connect_to (tl_dial *d, size_t host, bool resumes, tl_transport **out,
                       const tl_transport_events *events, void *ctx, tl_err *err) {
  const tl_line_params *p = d->by.params;
  tl_address a = tl_dial_target(d, host);
  route r;
  int rc = TL_OK;
  memset(&r, 0, sizeof r);
  tl_buf_init(&r.headers);
  copy_text(r.host, sizeof r.host, a.host);
  r.target.host = tl_slice_str(r.host);
  r.target.port = a.port;
  r.target.within_ms = p->connect_timeout;
  r.target.is_tls = tl_scheme_is_tls(a.scheme);
  r.target.is_ws = tl_scheme_is_ws(a.scheme);
  fill_proxy(&r, p);
  if (r.target.is_tls) {
    fill_tls(&r, p);
    if (resumes) r.target.memory = memory_of(d, host);
  }
  if (r.target.is_ws) rc = fill_ws(&r, &d->by, a.path, err);
  if (rc == TL_OK) {
    rc = tl_transport_connect(out, d->by.transports, &r.target, events, ctx);
    if (rc < 0) tl_fail(err, rc, 0, "no resources for a connection (%d)", rc);
  }
  if (r.headers.len > 0) memset(r.headers.at, 0, r.headers.len);
  tl_buf_fini(&r.headers);
  free(r.made);
  memset(r.psk, 0, sizeof r.psk);
  return rc;
}

int tl_dial_begin (tl_dial *d, size_t host, tl_transport **out, const tl_transport_events *events,
                   void *ctx, tl_err *err) {
  if (d->stale) forget_sessions(d);
  tl_dial_address(d, host, d->address, sizeof d->address);
  d->made_of[0] = '\0';
  tl_log(TL_LOG_DEBUG, d->by.scope, "connecting to %s", d->address);
  return connect_to(d, host, true, out, events, ctx, err);
}

int tl_dial_beside (tl_dial *d, size_t host, tl_transport **out, const tl_transport_events *events,
                    void *ctx, tl_err *err) {
  return connect_to(d, host, false, out, events, ctx, err);
}

void tl_dial_changed (tl_dial *d) {
  d->stale = true;
  tl_dial_end_probes(d);
}

void tl_dial_fini (tl_dial *d) {
  tl_dial_end_probes(d);
  forget_sessions(d);
}
