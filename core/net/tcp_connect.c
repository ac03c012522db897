/* core/net/tcp_connect.c — a TCP connection until it is open: the name, and one address after the
** other, in the time that they share. */
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/tcp_impl.h"

int tl_tcp_attempt_ms = 5000;

static void try_address (tl_tcp *t);

void tl_net_peer_text (char *out, const struct sockaddr *sa) {
  char name[INET6_ADDRSTRLEN + 16] = "?";
  if (sa->sa_family == AF_INET6) {
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sa;
    uv_ip6_name(in6, name, sizeof name);
    snprintf(out, TL_NET_PEER, "[%s]:%u", name, ntohs(in6->sin6_port));
  } else {
    const struct sockaddr_in *in4 = (const struct sockaddr_in *)(const void *)sa;
    uv_ip4_name(in4, name, sizeof name);
    snprintf(out, TL_NET_PEER, "%s:%u", name, ntohs(in4->sin_port));
  }
}

static void on_attempt_closed (uv_handle_t *handle) {
  tl_tcp *t = handle->data;
  t->has_socket = false;
  if (t->state == TL_TCP_CLOSING) { /* closed by the owner meanwhile */
    tl_tcp_handle_closed(handle);
    return;
  }
  t->handles--;
  t->attempts.at = t->attempts.at->ai_next;
  if (t->attempts.at)
    try_address(t);
  else
    tl_tcp_finish(t, t->attempts.code);
}

/* This address did not work: note why, go on with the next behind the socket's close callback. */
static void give_up_address (tl_tcp *t, int code) {
  size_t used = strlen(t->text);
  t->state = TL_TCP_BETWEEN;
  t->attempts.code = code;
  snprintf(t->text + used, sizeof t->text - used, "%s %s: %s", used ? "; to" : "connect to",
           t->peer, tl_tcp_words(code));
  uv_timer_stop(&t->timer);
  tl_handle_close((uv_handle_t *)&t->socket, on_attempt_closed);
}

static void on_attempt_timeout (uv_timer_t *timer) { give_up_address(timer->data, UV_ETIMEDOUT); }

static void on_attempt (uv_connect_t *req, int status) {
  tl_tcp *t = req->data;
  if (t->state != TL_TCP_CONNECTING) return; /* cancelled by closing */
  if (status < 0) {
    give_up_address(t, status);
    return;
  }
  uv_timer_stop(&t->timer);
  uv_tcp_nodelay(&t->socket, 1);
  t->state = TL_TCP_OPEN;
  t->text[0] = 0;
  freeaddrinfo(t->attempts.list);
  t->attempts.list = t->attempts.at = NULL;
  if (t->reading) tl_tcp_begin_reading(t);
  if (t->events->stage) t->events->stage(t->ctx, "TCP", t->peer);
  if (t->state == TL_TCP_OPEN) t->events->connected(t->ctx, t->peer);
}

/* How long this address may take: the time that is left is shared equally with the addresses after
** it. */
static uint64_t attempt_time (const tl_tcp *t) {
  int64_t left = t->attempts.by - (int64_t)uv_now(t->timer.loop), n = 0;
  if (t->attempts.by == INT64_MAX) return (uint64_t)tl_tcp_attempt_ms;
  for (const struct addrinfo *a = t->attempts.at; a; a = a->ai_next) n++;
  left = left > 0 ? left / n : 0;
  return (uint64_t)(left < tl_tcp_attempt_ms ? left : tl_tcp_attempt_ms);
}

static void try_address (tl_tcp *t) {
  t->state = TL_TCP_CONNECTING;
  tl_net_peer_text(t->peer, t->attempts.at->ai_addr);
  int rc = uv_tcp_init(tl_loop_uv(t->loop), &t->socket); /* makes no socket yet: cannot fail */
  assert(rc == 0);
  t->socket.data = t;
  t->attempts.req.data = t;
  t->has_socket = true;
  t->handles++;
  rc = uv_tcp_connect(&t->attempts.req, &t->socket, t->attempts.at->ai_addr, on_attempt);
  if (rc < 0)
    give_up_address(t, rc);
  else if (t->attempts.at->ai_next)
    uv_timer_start(&t->timer, on_attempt_timeout, attempt_time(t), 0);
}

/* "10.0.0.1, ::1" */
static void tell_resolved (tl_tcp *t) {
  char found[300] = "", one[TL_NET_PEER];
  for (const struct addrinfo *a = t->attempts.list; a; a = a->ai_next) {
    size_t used = strlen(found);
    tl_net_peer_text(one, a->ai_addr);
    char *end = strrchr(one, ':'); /* of the port */
    if (end) *end = '\0';
    snprintf(found + used, sizeof found - used, "%s%s", used ? ", " : "", one);
  }
  t->events->stage(t->ctx, "resolve", found);
}

static void on_resolved (void *ctx, int code, struct addrinfo *list) {
  tl_tcp *t = ctx;
  t->attempts.resolve = NULL;
  t->attempts.list = t->attempts.at = list;
  if (code == 0 && !list) code = UV_EAI_NODATA;
  if (code == 0) {
    if (t->events->stage && t->attempts.told_later) tell_resolved(t);
    if (t->state == TL_TCP_RESOLVING) try_address(t);
    return;
  }
  snprintf(t->text, sizeof t->text, "resolve '%.150s': %s", t->host, tl_resolve_text(code));
  tl_tcp_finish(t, code);
}

int tl_tcp_connect (tl_tcp **out, tl_loop *loop, const char *host, uint16_t port, int64_t within_ms,
                    const tl_tcp_events *events, void *ctx) {
  size_t len = strlen(host);
  if (len > 1 && host[0] == '[' && host[len - 1] == ']') {
    host++;
    len -= 2;
  }
  tl_tcp *t = calloc(1, sizeof *t + len + 1);
  struct addrinfo *list = NULL;
  if (!t) return TL_ENOMEM;
  memcpy(t->host, host, len);
  t->transport.kind = &tl_tcp_kind;
  t->loop = loop;
  t->events = events;
  t->ctx = ctx;
  t->reading = true;
  t->state = TL_TCP_RESOLVING;
  t->attempts.by = within_ms > 0 ? (int64_t)uv_now(tl_loop_uv(loop)) + within_ms : INT64_MAX;
  uv_timer_init(tl_loop_uv(loop), &t->timer);
  t->timer.data = t;
  t->handles = 1;
  int rc = tl_resolve_start(&t->attempts.resolve, &list, loop, t->host, port, on_resolved, t);
  /* calls no function of the owner: the end comes from close callbacks, the connect from the
  ** loop */
  t->attempts.told_later = rc == 0;
  if (rc != 0) on_resolved(t, rc < 0 ? rc : 0, list);
  *out = t;
  return TL_OK;
}
