/* core/transport/input.c — received bytes: from TCP through TLS and WebSocket into the owner's
** buffer; and what these layers send on their own. Must not know how a connection began.
**
** The socket is read only if the bytes can be passed on. While the owner does not read, or the peer
** does not take what we send, the socket is not read, and bytes that were read already are kept. */
#include "transport/transport_impl.h"

#include <assert.h>
#include <stdio.h>

static void on_pump (void *ctx) { stack_pump(ctx); }

void stack_forget_pump (stack *s) { tl_loop_forget(s->all->loop, on_pump, s); }

bool stack_has_more (const stack *s) {
  if (s->in.raw.len > 0 || (s->ws && tl_ws_waits(s->ws))) return true;
  return s->tls && tl_tls_waiting(s->tls) > 0;
}

/* Output: one write of all that is there. */
void stack_flush (stack *s) {
  tl_buf *out = NULL;
  if (!s->tcp) return;
  if (s->ws && s->state != STACK_UPGRADE) {
    out = tl_ws_output(s->ws);
    if (s->tls && out->len > 0) {
      if (tl_tls_write(s->tls, out->at, out->len) == TL_ENOMEM)
        stack_fail(s, TL_ENOMEM, "no memory to send");
      tl_buf_clear(out);
    }
  }
  if (s->tls) out = tl_tls_output(s->tls);
  if (!out || out->len == 0 || !s->tcp) return;
  tl_tcp_write(s->tcp, out->at, out->len); /* a failure comes as its end */
  tl_buf_clear(out);
}

/* Plain text into room: > 0, 0: no more, < 0: the layer's code. */
static long read_plain (stack *s, uint8_t *room, size_t n) {
  if (s->tls) {
    long got = tl_tls_read(s->tls, room, n);
    return got == TL_EPARTIAL ? 0 : got;
  }
  size_t part = s->in.raw.len < n ? s->in.raw.len : n;
  if (part == 0) return 0;
  memcpy(room, s->in.raw.at, part);
  s->in.raw = tl_slice_of(s->in.raw.at + part, s->in.raw.len - part);
  return (long)part;
}

/* Payload of the WebSocket into room, likewise. */
static long read_frames (stack *s, uint8_t *room, size_t n) {
  size_t used = 0;
  while (used < n) {
    long got = tl_ws_read(s->ws, room + used, n - used);
    if (got < 0) return used > 0 ? (long)used : got;
    used += (size_t)got;
    if (used == n) break;
    if (!s->tls) {
      if (s->in.raw.len == 0) break;
      tl_ws_feed(s->ws, s->in.raw.at, s->in.raw.len);
      s->in.raw = tl_slice_of(NULL, 0);
      continue;
    }
    uint8_t *plain = s->all->plain;
    long more = read_plain(s, plain, sizeof s->all->plain);
    if (more <= 0) return used > 0 ? (long)used : more;
    tl_ws_feed(s->ws, plain, (size_t)more);
  }
  return (long)used;
}

/* What the layers' codes mean for the connection. */
static void layer_failed (stack *s, long code) {
  if (code == TL_TLS_CLOSED) {
    snprintf(s->end.text, sizeof s->end.text, "%s closed the connection", s->about.peer);
    tl_tls_close(s->tls);
    stack_flush(s);
    stack_finish(s, TL_TRANSPORT_END, STACK_ALERT_MS);
    return;
  }
  bool of_ws = code == TL_WS_CLOSED || code == TL_EMALFORMED;
  s->about.refused_late = s->tls && !s->in.got_data && code == TL_EREFUSED;
  stack_flush(s); /* an alert, a close frame */
  if (code == TL_ENOMEM)
    stack_fail(s, TL_ENOMEM, "no memory to read");
  else
    stack_fail(s, (int)code, "%s", of_ws ? tl_ws_error(s->ws) : tl_tls_error(s->tls));
}

/* Once: true when there may be more. */
static bool deliver (stack *s) {
  size_t n = 0;
  uint8_t *room = s->events->room(s->ctx, &n);
  if (s->state != STACK_OPEN) return false;
  if (!room) {
    stack_fail(s, TL_ENOMEM, "no memory to read");
    return false;
  }
  long got = s->ws ? read_frames(s, room, n) : read_plain(s, room, n);
  if (got < 0) layer_failed(s, got);
  if (got <= 0) return false;
  s->in.got_data = true;
  s->events->data(s->ctx, (size_t)got);
  return s->state == STACK_OPEN;
}

static bool is_congested (const stack *s) { return tl_tcp_pending(s->tcp) > STACK_UNREAD; }

/* The buffers of this wake-up are somebody else's in the next. */
static void keep_rest (stack *s) {
  int rc = TL_OK;
  if (s->in.raw.len > 0) { /* the socket is not read while a WebSocket has something to read */
    assert(s->ws && !tl_ws_waits(s->ws));
    tl_ws_feed(s->ws, s->in.raw.at, s->in.raw.len);
    s->in.raw = tl_slice_of(NULL, 0);
  }
  if (s->ws) rc = tl_ws_keep(s->ws);
  if (rc == TL_OK && s->tls) rc = tl_tls_keep(s->tls);
  if (rc < 0) stack_fail(s, rc, "no memory to read");
}

/* After the owner has read, or not: what becomes of the socket. */
static void settle (stack *s) {
  bool more = stack_has_more(s);
  if (more) keep_rest(s);
  if (s->state != STACK_OPEN || !s->tcp) return;
  bool may_read = s->in.reading && !is_congested(s);
  tl_tcp_read(s->tcp, may_read && !more);
  if (may_read && more && tl_loop_later(s->all->loop, on_pump, s) != TL_OK)
    stack_fail(s, TL_ENOMEM, "no memory to read");
  if (!more && s->tls) tl_tls_relax(s->tls);
}

void stack_pump (stack *s) {
  if (s->state != STACK_OPEN || s->in.pumping) return;
  s->in.pumping = true;
  for (int i = 0; s->in.reading && i < STACK_BURST; i++) {
    if (!stack_has_more(s) || !deliver(s)) break;
  }
  s->in.pumping = false;
  if (s->state == STACK_OPEN) stack_flush(s);
  if (s->tls && s->goal.target.secure.keylog.len > 0) stack_log_keys(s);
  if (s->state == STACK_OPEN) settle(s);
}

void stack_read (stack *s, bool on) {
  s->in.reading = on;
  if (s->state != STACK_OPEN || s->in.pumping || !s->tcp) return;
  if (!s->tls && !s->ws)
    tl_tcp_read(s->tcp, on);
  else
    settle(s);
}

/* Answers that come before MQTT does */

static void proxy_answered (stack *s) {
  size_t used = 0;
  tl_buf out, rest;
  tl_err err = { .text = "" };
  tl_buf_init(&out);
  int rc = tl_proxy_read(&s->proxy, s->in.head.at, s->in.head.len, &used, &out, &err);
  tl_buf_drop(&s->in.head, used);
  if (out.len > 0) tl_tcp_write(s->tcp, out.at, out.len);
  if (out.len > 0) memset(out.at, 0, out.len);
  tl_buf_fini(&out);
  if (rc == TL_EPARTIAL) return;
  if (rc < 0) {
    stack_fail(s, rc, "%s", err.text);
    return;
  }
  rest = s->in.head; /* the peer's first bytes came with it */
  tl_buf_init(&s->in.head);
  stack_next(s);
  if (rest.len > 0 && s->state != STACK_ENDING) stack_input(s, rest.at, rest.len);
  tl_buf_fini(&rest);
}

static void upgrade_answered (stack *s) {
  tl_http_answer a;
  tl_err err = { .text = "" };
  const tl_transport_target *t = &s->goal.target;
  tl_ws_request r = { .path = t->ws_path, .subprotocol = t->ws_subprotocol };
  long n = tl_http_answer_read(s->in.head.at, s->in.head.len, &a, &err);
  if (n == TL_EPARTIAL) return;
  if (n < 0) {
    stack_fail(s, (int)n, "%s: that is no WebSocket port: correct the port, or use %s", err.text,
               t->is_tls ? "mqtts://" : "mqtt://");
    return;
  }
  int rc = tl_ws_answer_check(&a, &r, s->key, &s->about.without_subprotocol, &err);
  if (rc < 0) {
    stack_fail(s, rc, "%s", err.text);
    return;
  }
  tl_buf_drop(&s->in.head, (size_t)n);
  tl_ws_feed(s->ws, s->in.head.at, s->in.head.len); /* the first frames */
  rc = tl_ws_keep(s->ws);
  tl_buf_clear(&s->in.head);
  if (rc < 0)
    stack_fail(s, rc, "no memory to read");
  else
    stack_next(s);
}

static void upgrade_input (stack *s) {
  uint8_t *plain = s->all->plain;
  long n;
  while (s->state == STACK_UPGRADE && (n = read_plain(s, plain, sizeof s->all->plain)) != 0) {
    if (n < 0) {
      layer_failed(s, n);
      return;
    }
    tl_buf_add(&s->in.head, plain, (size_t)n);
    if (s->in.head.failed)
      stack_fail(s, TL_ENOMEM, "no memory to read");
    else
      upgrade_answered(s);
  }
  stack_flush(s);
}

void stack_input (stack *s, const uint8_t *at, size_t n) {
  if (s->state == STACK_PROXY) {
    tl_buf_add(&s->in.head, at, n);
    if (s->in.head.failed)
      stack_fail(s, TL_ENOMEM, "no memory to read");
    else
      proxy_answered(s);
    return;
  }
  if (s->state == STACK_TLS) {
    tl_tcp_read(s->tcp, false); /* until its turn has come */
    if (tl_tls_add(s->tls, at, n) < 0)
      stack_fail(s, TL_ENOMEM, "no memory for TLS");
    else
      stack_shake(s);
    return;
  }
  if (s->state != STACK_UPGRADE && s->state != STACK_OPEN) return;
  if (!s->tls && !s->ws) { /* through a proxy: what came with its answer */
    size_t room = 0;
    uint8_t *to = s->events->room(s->ctx, &room);
    if (s->state != STACK_OPEN) return;
    if (!to || room < n) {
      stack_fail(s, TL_ENOMEM, "no memory to read");
      return;
    }
    memcpy(to, at, n);
    s->events->data(s->ctx, n);
    return;
  }
  if (s->tls)
    tl_tls_feed(s->tls, at, n);
  else
    s->in.raw = tl_slice_of(at, n);
  if (s->state == STACK_UPGRADE) upgrade_input(s);
  if (s->state == STACK_OPEN) stack_pump(s);
}
