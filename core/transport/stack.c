/* core/transport/stack.c — a connection from its first step to its last: files, TCP, proxy,
** TLS, WebSocket. Must not know what travels through it.
**
** All ends lead through stack_finish(): it notes why and closes the TCP connection, whose own
** end tells the owner. So `closed` comes exactly once and never from inside a call of the
** owner. */
#include "transport/transport_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/address.h"
#include "base/printable.h"

/* The end */

static void report_closed (stack *s) {
  s->events->closed(s->ctx, s->end.code, s->end.text);
  tl_timer_close(s->end.timer);
  stack_bury(s);
}

void stack_free (stack *s) {
  tl_ws_free(s->ws);
  tl_tls_free(s->tls);
  tl_tls_context_drop(s->context);
  tl_buf_fini(&s->in.head);
  free(s->goal.headers);
  free(s->goal.texts);
  free(s->about.warning);
  free(s);
}

static void on_timer (void *ctx) { report_closed(ctx); }

/* A later connection may go on with the session of this one. */
static void remember_session (stack *s) {
  tl_transport_memory *m = s->goal.target.memory;
  tl_tls_session *session = s->tls && m ? tl_tls_take_session(s->tls) : NULL;
  if (!session) return;
  tl_transport_memory_fini(m);
  m->session = session;
  m->context = tl_tls_context_keep(s->context);
}

void stack_finish (stack *s, int code, int linger_ms) {
  if (s->state == STACK_ENDING) return;
  s->end.was = s->state;
  s->state = STACK_ENDING;
  s->end.code = code;
  contexts_forget(&s->wait);
  stack_forget_shake(s);
  stack_forget_pump(s);
  remember_session(s);
  if (s->tcp)
    tl_tcp_close(s->tcp, linger_ms);
  else if (!s->end.telling)
    tl_timer_at(s->end.timer, tl_loop_now(s->all->loop));
}

void stack_fail (stack *s, int code, const char *fmt, ...) {
  va_list args;
  if (s->state == STACK_ENDING) return;
  size_t used = (size_t)snprintf(s->end.text, sizeof s->end.text, "%s: ", s->about.name);
  va_start(args, fmt);
  vsnprintf(s->end.text + used, sizeof s->end.text - used, fmt, args);
  va_end(args);
  stack_finish(s, code, s->state > STACK_CONNECTING ? STACK_ALERT_MS : 0);
}

/* TCP's events */

static void on_tcp_connected (void *ctx, const char *peer) {
  stack *s = ctx;
  const char *shown = s->goal.target.proxy == TL_NO_PROXY ? peer : s->about.name;
  snprintf(s->about.peer, sizeof s->about.peer, "%s", shown);
  stack_next(s);
}

static uint8_t *on_tcp_room (void *ctx, size_t *room) {
  stack *s = ctx;
  if (s->state == STACK_OPEN && !s->tls && !s->ws) return s->events->room(s->ctx, room);
  *room = sizeof s->all->raw;
  return s->all->raw;
}

static void on_tcp_data (void *ctx, size_t n) {
  stack *s = ctx;
  if (s->state == STACK_OPEN && !s->tls && !s->ws)
    s->events->data(s->ctx, n);
  else
    stack_input(s, s->all->raw, n);
}

static void on_tcp_drained (void *ctx) {
  stack *s = ctx;
  if (s->state != STACK_OPEN) return;
  stack_read(s, s->in.reading);
  s->events->drained(s->ctx);
}

static bool asked_in_vain (const stack *s) {
  tl_tls_info info;
  int64_t until;
  char name[TL_TLS_NAME];
  tl_tls_get_info(s->tls, &info);
  return info.asked_certificate && !tl_tls_context_own(s->context, &until, name);
}

/* The connection ended by itself, at this stage. */
static void explain_end (stack *s, bool at_end, const char *text) {
  char own[STACK_TEXT];
  snprintf(own, sizeof own, "%s", text);
  const char *how = at_end ? "closed" : "reset";
  switch (s->state) {
    case STACK_PROXY:
      stack_fail(s, s->end.code,
                 "the proxy %s the connection: is proxy right, http:// or socks5://?", how);
      return;
    case STACK_TLS:
      if (at_end) {
        tl_tls_end(s->tls);
        stack_fail(s, s->end.code, "%s", tl_tls_error(s->tls));
      } else {
        stack_fail(s, s->end.code,
                   "the connection broke in the TLS handshake (%s): that is probably no TLS port "
                   "(use mqtt:// or ws://)",
                   own);
      }
      return;
    case STACK_UPGRADE:
      stack_fail(s, s->end.code,
                 "%s the connection without an answer to the WebSocket upgrade: that is "
                 "probably no WebSocket port",
                 how);
      return;
    default: break;
  }
  s->about.refused_late = s->tls && !s->in.got_data && asked_in_vain(s);
  if (s->about.refused_late)
    stack_fail(s, s->end.code,
               "the broker wants a client certificate: set tls_cert_file and tls_key_file (it "
               "asked for one and %s the connection)",
               how);
  else if (at_end && s->tls && tl_tls_end(s->tls) != TL_TLS_CLOSED)
    stack_fail(s, s->end.code, "%s", tl_tls_error(s->tls));
  else if (s->goal.target.proxy != TL_NO_PROXY && s->state == STACK_CONNECTING)
    stack_fail(s, s->end.code, "through the proxy: %s", own);
  else if (s->state == STACK_CONNECTING)
    snprintf(s->end.text, sizeof s->end.text, "%s", own);
  else if (at_end)
    snprintf(s->end.text, sizeof s->end.text, "%s closed the connection", s->about.peer);
  else
    snprintf(s->end.text, sizeof s->end.text, "%s", own);
}

static void on_tcp_closed (void *ctx, int code, const char *text) {
  stack *s = ctx;
  s->tcp = NULL;
  s->end.telling = true;
  if (s->state != STACK_ENDING) {
    if (s->state == STACK_TLS && s->turn.queued) stack_shake_now(s); /* what came before the end */
    if (s->state == STACK_OPEN && (s->tls || s->ws)) stack_pump(s);
  }
  if (s->state != STACK_ENDING) {
    s->end.code = code;
    explain_end(s, code == TL_TRANSPORT_END, text);
    if (s->state != STACK_ENDING) stack_finish(s, code, 0);
  }
  report_closed(s);
}

static void on_tcp_stage (void *ctx, const char *stage, const char *found) {
  stack *s = ctx;
  if (s->events->stage) s->events->stage(s->ctx, stage, found);
}

const tl_transport_events stack_tcp_events = { on_tcp_connected, on_tcp_room,   on_tcp_data,
                                               on_tcp_drained,   on_tcp_closed, on_tcp_stage };

/* As a transport */

static int stack_write (tl_transport *t, const void *bytes, size_t n) {
  stack *s = (stack *)t;
  int rc = TL_OK;
  if (s->state != STACK_OPEN) return TL_ESTATE;
  if (!s->ws && !s->tls) return tl_tcp_write(s->tcp, bytes, n);
  if (s->ws)
    rc = tl_ws_write(s->ws, bytes, n);
  else
    rc = tl_tls_write(s->tls, bytes, n);
  if (rc == TL_ENOMEM) stack_fail(s, TL_ENOMEM, "no memory to send");
  if (rc == TL_OK) stack_flush(s);
  return rc;
}

static size_t stack_pending (const tl_transport *t) {
  const stack *s = (const stack *)t;
  return s->tcp ? tl_tcp_pending(s->tcp) : 0;
}

static void stack_read_on (tl_transport *t, bool on) { stack_read((stack *)t, on); }

static void stack_watch (tl_transport *t, int64_t silence_ms) {
  stack *s = (stack *)t;
  if (s->state == STACK_OPEN) tl_tcp_watch(s->tcp, silence_ms);
}

static void stack_close (tl_transport *t, int linger_ms) {
  stack *s = (stack *)t;
  if (s->state == STACK_ENDING) {
    if (s->tcp) tl_tcp_close(s->tcp, linger_ms);
    return;
  }
  snprintf(s->end.text, sizeof s->end.text, "closed");
  if (s->state == STACK_OPEN && linger_ms > 0) {
    if (s->ws) tl_ws_close(s->ws, 1000);
    stack_flush(s);
    if (s->tls) tl_tls_close(s->tls);
    stack_flush(s);
  }
  stack_finish(s, 0, s->state == STACK_OPEN ? linger_ms : 0);
}

static const char *stack_stage (const tl_transport *t) {
  const stack *s = (const stack *)t;
  if (s->about.refused_late) return "end of the TLS handshake";
  switch (s->state == STACK_ENDING ? s->end.was : s->state) {
    case STACK_CONTEXT: return "certificates from their files";
    case STACK_CONNECTING: return "connection";
    case STACK_PROXY: return "answer of the proxy";
    case STACK_TLS: return "end of the TLS handshake";
    case STACK_UPGRADE: return "answer to the WebSocket upgrade";
    default: return NULL;
  }
}

const tl_transport_kind stack_kind = { stack_write, stack_pending, stack_read_on,
                                       stack_close, stack_stage,   stack_watch };

/* Making one */

static tl_slice keep_text (char **at, tl_slice text) {
  char *copy = *at;
  if (text.len > 0) memcpy(copy, text.at, text.len);
  copy[text.len] = '\0';
  *at += text.len + 1;
  return tl_slice_of(copy, text.len);
}

/* All texts of the target into one block. */
static int keep_texts (stack *s, const tl_transport_target *t) {
  tl_slice *texts[] = { &s->goal.target.host,           &s->goal.target.secure.server_name,
                        &s->goal.target.secure.keylog,  &s->goal.target.ws_path,
                        &s->goal.target.ws_subprotocol, &s->goal.target.proxy_host,
                        &s->goal.target.proxy_user,     &s->goal.target.proxy_password };
  enum { MANY = sizeof texts / sizeof *texts };
  size_t n = 0;
  s->goal.target = *t;
  memset(&s->goal.target.secure, 0, sizeof s->goal.target.secure); /* the context has the rest */
  s->goal.target.secure.server_name = t->secure.server_name;
  s->goal.target.secure.keylog = t->secure.keylog;
  for (size_t i = 0; i < MANY; i++) n += texts[i]->len + 1;
  for (size_t i = 0; i < t->ws_header_count; i++) n += t->ws_headers[i].len + 1;
  char *at = s->goal.texts = malloc(n);
  s->goal.headers = calloc(t->ws_header_count + 1, sizeof *s->goal.headers);
  if (!s->goal.texts || !s->goal.headers) return TL_ENOMEM;
  for (size_t i = 0; i < MANY; i++) *texts[i] = keep_text(&at, *texts[i]);
  for (size_t i = 0; i < t->ws_header_count; i++)
    s->goal.headers[i] = keep_text(&at, t->ws_headers[i]);
  bool is_v6 = memchr(t->host.at, ':', t->host.len);
  snprintf(s->about.name, sizeof s->about.name, is_v6 ? "[%.*s]:%u" : "%.*s:%u", TL_ARG(t->host),
           (unsigned)t->port);
  return TL_OK;
}

int tl_transport_connect (tl_transport **out, tl_transports *all, const tl_transport_target *target,
                          const tl_transport_events *events, void *ctx) {
  if (!target->is_tls && !target->is_ws && target->proxy == TL_NO_PROXY) {
    tl_tcp *tcp = NULL;
    int code = tl_tcp_connect(&tcp, all->loop, (const char *)target->host.at, target->port,
                              target->within_ms, events, ctx);
    if (code == TL_OK) *out = tl_tcp_transport(tcp);
    return code;
  }
  stack *s = calloc(1, sizeof *s);
  if (!s) return TL_ENOMEM;
  s->transport.kind = &stack_kind;
  s->all = all;
  s->events = events;
  s->ctx = ctx;
  s->in.reading = true;
  s->wait.stack = s;
  tl_buf_init(&s->in.head);
  int rc = keep_texts(s, target);
  if (rc == TL_OK) rc = tl_timer_new(&s->end.timer, all->loop, on_timer, s);
  if (rc == TL_OK && target->is_tls)
    rc = contexts_ask(all, &target->secure, &s->wait);
  else if (rc == TL_OK)
    rc = stack_make_tcp(s);
  if (rc == TL_OK) {
    *out = &s->transport;
    return TL_OK;
  }
  if (s->end.timer) tl_timer_close(s->end.timer);
  free(s->goal.headers);
  free(s->goal.texts);
  free(s);
  return rc;
}
