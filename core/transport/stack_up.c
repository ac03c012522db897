/* core/transport/stack_up.c — the layers of a connection are begun one above the other: TCP, then
** the proxy, TLS and the WebSocket, as far as the address asks for them. */
#include "transport/transport_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/address.h"

/* The stage that was under way is done. */
static void report_stage (stack *s) {
  char found[STACK_TEXT];
  tl_transport_info info;
  if (!s->events->stage) return;
  tl_transport_get_info(&s->transport, &info);
  if (s->state == STACK_PROXY) {
    s->events->stage(s->ctx, "proxy", info.proxy);
  } else if (s->state == STACK_TLS) {
    tl_transport_describe(&s->transport, found, sizeof found);
    size_t used = strlen(found);
    const char *list = info.tls.without_list;
    snprintf(found + used, sizeof found - used, "%s%s%s%s%s%s",
             info.tls.resumed ? ", session resumed" : "",
             list[0] ? ", tls_crl_file has no list of '" : "", list, list[0] ? "'" : "",
             info.warning ? "; the old pair is in use: " : "", info.warning ? info.warning : "");
    s->events->stage(s->ctx, "TLS", found);
  } else if (s->state == STACK_UPGRADE) {
    snprintf(found, sizeof found, "%s%s", info.path,
             info.without_subprotocol ? ", without subprotocol" : "");
    s->events->stage(s->ctx, "WebSocket", found);
  }
}

int stack_make_tcp (stack *s) {
  const tl_transport_target *t = &s->goal.target;
  tl_slice host = t->proxy == TL_NO_PROXY ? t->host : t->proxy_host;
  uint16_t port = t->proxy == TL_NO_PROXY ? t->port : t->proxy_port;
  s->state = STACK_CONNECTING;
  return tl_tcp_connect(&s->tcp, s->all->loop, (const char *)host.at, port, t->within_ms,
                        &stack_tcp_events, s);
}

void stack_has_context (stack *s, tl_tls_context *c, const char *error, const char *warning) {
  if (!c) {
    stack_fail(s, TL_EREFUSED, "%s", error);
    return;
  }
  s->context = tl_tls_context_keep(c);
  s->about.warning = warning ? strdup(warning) : NULL;
  stack_shake(s); /* a thousand may have waited for these files */
}

void stack_begin (stack *s) {
  int rc = stack_make_tcp(s);
  if (rc < 0) stack_fail(s, rc, "no resources for a connection (%d)", rc);
}

static void begin_proxy (stack *s) {
  const tl_transport_target *t = &s->goal.target;
  tl_proxy_target to = { .kind = t->proxy == TL_HTTP_PROXY ? TL_PROXY_HTTP : TL_PROXY_SOCKS5,
                         .host = t->host,
                         .port = t->port,
                         .user = t->proxy_user,
                         .password = t->proxy_password };
  tl_buf out;
  tl_err err = { .text = "" };
  tl_buf_init(&out);
  s->state = STACK_PROXY;
  int rc = tl_proxy_begin(&s->proxy, &to, &out, &err);
  if (rc < 0)
    stack_fail(s, rc, "%s", err.text);
  else
    tl_tcp_write(s->tcp, out.at, out.len);
  if (out.len > 0) memset(out.at, 0, out.len);
  tl_buf_fini(&out);
}

static void begin_tls (stack *s) {
  const tl_transport_target *t = &s->goal.target;
  tl_slice name = t->secure.server_name.len > 0 ? t->secure.server_name : t->host;
  tl_err err = { .text = "" };
  bool may_resume = t->memory && t->memory->context == s->context;
  tl_tls_peer peer = { .name = name, .resume = may_resume ? t->memory->session : NULL };
  s->state = STACK_TLS;
  int rc = tl_tls_new(&s->tls, s->context, &peer, &err);
  if (rc < 0)
    stack_fail(s, rc, "%s", err.text);
  else
    stack_shake(s);
}

/* A frame wants four bytes, and a call of the system costs more than all of the rest of it. */
static int random_bytes (void *ctx, uint8_t *at, size_t n) {
  tl_transports *all = ctx;
  if (all->random_left < n) {
    if (getrandom(all->random, sizeof all->random, 0) != (ssize_t)sizeof all->random)
      return TL_ESTATE;
    all->random_left = sizeof all->random;
  }
  all->random_left -= n;
  memcpy(at, all->random + all->random_left, n);
  return TL_OK;
}

static void begin_upgrade (stack *s) {
  const tl_transport_target *t = &s->goal.target;
  uint8_t random[TL_WS_RANDOM];
  char host[280];
  tl_buf out;
  bool is_usual = t->port == tl_scheme_port(t->is_tls ? TL_SCHEME_WSS : TL_SCHEME_WS);
  bool is_v6 = memchr(t->host.at, ':', t->host.len);
  s->state = STACK_UPGRADE;
  int rc = random_bytes(s->all, random, sizeof random);
  if (rc == TL_OK) rc = tl_ws_new(&s->ws, random_bytes, s->all);
  if (rc < 0) {
    stack_fail(s, rc, "no memory or no random bytes for a WebSocket");
    return;
  }
  if (is_usual && is_v6)
    snprintf(host, sizeof host, "[%.*s]", TL_ARG(t->host));
  else if (is_usual)
    snprintf(host, sizeof host, "%.*s", TL_ARG(t->host));
  else
    snprintf(host, sizeof host, "%s", s->about.name);
  tl_ws_key(s->key, random);
  tl_ws_request r = { .host = tl_slice_str(host),
                      .path = t->ws_path,
                      .subprotocol = t->ws_subprotocol,
                      .headers = s->goal.headers,
                      .header_count = t->ws_header_count };
  tl_buf_init(&out);
  tl_ws_request_write(&out, &r, s->key);
  if (out.failed)
    stack_fail(s, TL_ENOMEM, "no memory for a WebSocket");
  else if (!s->tls)
    tl_tcp_write(s->tcp, out.at, out.len);
  else if (tl_tls_write(s->tls, out.at, out.len) < 0)
    stack_fail(s, TL_ENOMEM, "no memory for TLS");
  if (out.len > 0) memset(out.at, 0, out.len);
  tl_buf_fini(&out);
  stack_flush(s);
}

void stack_next (stack *s) {
  const tl_transport_target *t = &s->goal.target;
  report_stage(s);
  if (s->state == STACK_ENDING) return;
  if (s->state == STACK_CONNECTING && t->proxy != TL_NO_PROXY) {
    begin_proxy(s);
  } else if (s->state < STACK_TLS && t->is_tls) {
    begin_tls(s);
  } else if (s->state < STACK_UPGRADE && t->is_ws) {
    begin_upgrade(s);
  } else {
    s->state = STACK_OPEN;
    tl_buf_shrink(&s->in.head, 0);
    tl_tcp_read(s->tcp, s->in.reading);
    s->events->connected(s->ctx, s->about.peer);
  }
}
