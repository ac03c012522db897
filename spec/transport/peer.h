/* spec/transport/peer.h — the other side of a transport, on the same loop: TCP, a proxy that
** answers, TLS, a WebSocket server. It says at most so many bytes, and then ends as it is told. */
#ifndef TL_SPEC_TRANSPORT_PEER_H
#define TL_SPEC_TRANSPORT_PEER_H

#include "net/net_support.h"
#include "tls/pki.h"

#include <sha1.h>

#include "base/base64.h"
#include "base/format.h"
#include "transport/transport.h"

typedef enum { END_NOT, END_FIN, END_RST } ending;

typedef struct {
  bool http_proxy, socks, tls, ws;
} layers;

typedef struct {
  layers of;
  int listening, fd; /* fd -1: not accepted yet, or over */
  uint16_t port;
  tl_tls_context *context;
  tl_tls *engine;
  int shaken;            /* tl_tls_handshake's result */
  bool tunnelled, ready; /* the proxy has answered; all layers are up */
  int socks_step;
  tl_buf in;  /* plain text that was not understood yet; once ready: what the owner wrote */
  tl_buf out; /* raw bytes on their way */
  size_t said, may_say;
  ending ends; /* once it has said all it may */
  bool deaf;   /* it reads nothing */
} peer;

static inline void peer_open (peer *p, layers of, tl_tls_context *context) {
  *p = (peer){ .of = of, .fd = -1, .context = context, .may_say = SIZE_MAX };
  p->listening = listen_on(AF_INET, 16, &p->port);
  p->shaken = TL_EPARTIAL;
  p->tunnelled = !of.http_proxy && !of.socks;
  assert_true(p->listening >= 0);
  tl_buf_init(&p->in);
  tl_buf_init(&p->out);
}

static inline void peer_hang_up (peer *p) {
  if (p->fd >= 0) close(p->fd);
  p->fd = -1;
}

static inline void peer_close (peer *p) {
  peer_hang_up(p);
  close(p->listening);
  if (p->engine) tl_tls_free(p->engine);
  tl_buf_fini(&p->in);
  tl_buf_fini(&p->out);
}

static inline void peer_raw (peer *p, const void *at, size_t n) { tl_buf_add(&p->out, at, n); }

/* Plain text on its way to the transport. */
static inline void peer_plain (peer *p, const void *at, size_t n) {
  if (!p->engine) {
    peer_raw(p, at, n);
    return;
  }
  assert_int_equal(tl_tls_write(p->engine, at, n), TL_OK);
  tl_buf *records = tl_tls_output(p->engine);
  peer_raw(p, records->at, records->len);
  tl_buf_clear(records);
}

/* Bytes for the owner: as they are, or in one binary frame. */
static inline void peer_send (peer *p, const void *at, size_t n) {
  uint8_t head[10] = { 0x82, 127 };
  size_t used = n < 126 ? 2 : 10;
  if (n < 126) head[1] = (uint8_t)n;
  for (size_t i = 0; n >= 126 && i < 8; i++) head[2 + i] = (uint8_t)((uint64_t)n >> (56 - 8 * i));
  if (p->of.ws) peer_plain(p, head, used);
  peer_plain(p, at, n);
}

static inline bool starts_over (peer *p) { return p->in.len == 0; }

/* CONNECT, or what SOCKS5 asks: method, then address. */
static inline void peer_tunnel (peer *p) {
  static const uint8_t method[] = { 5, 0 }, granted[] = { 5, 0, 0, 1, 127, 0, 0, 1, 0, 80 };
  if (starts_over(p)) return;
  if (p->of.http_proxy) {
    if (!memmem(p->in.at, p->in.len, "\r\n\r\n", 4)) return;
    peer_raw(p, "HTTP/1.1 200 OK\r\n\r\n", 19);
    p->tunnelled = true;
  } else {
    p->socks_step++;
    if (p->socks_step == 1)
      peer_raw(p, method, sizeof method);
    else
      peer_raw(p, granted, sizeof granted);
    p->tunnelled = p->socks_step == 2;
  }
  tl_buf_clear(&p->in);
}

static inline void peer_upgrade (peer *p) {
  static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", name[] = "Sec-WebSocket-Key: ";
  char answer[300];
  uint8_t digest[SHA1_DIGEST_LENGTH];
  tl_buf accept;
  SHA1_CTX sha;
  if (p->in.len < 4 || memcmp(p->in.at + p->in.len - 4, "\r\n\r\n", 4) != 0) return;
  const uint8_t *key = memmem(p->in.at, p->in.len, name, sizeof name - 1);
  assert_non_null(key);
  SHA1Init(&sha);
  SHA1Update(&sha, key + sizeof name - 1, 24);
  SHA1Update(&sha, (const uint8_t *)guid, sizeof guid - 1);
  SHA1Final(digest, &sha);
  tl_buf_init(&accept);
  tl_base64_encode(&accept, tl_slice_of(digest, sizeof digest));
  int n =
      snprintf(answer, sizeof answer,
               "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Accept: %.*s\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n",
               TL_ARG(tl_buf_bytes(&accept)));
  tl_buf_fini(&accept);
  tl_buf_clear(&p->in);
  p->ready = true;
  peer_plain(p, answer, (size_t)n);
}

static inline void peer_shake (peer *p, const uint8_t *at, size_t n) {
  tl_tls_peer from = { .is_server = true };
  tl_err err = { .text = "" };
  if (!p->engine) assert_int_equal(tl_tls_new(&p->engine, p->context, &from, &err), TL_OK);
  uint8_t *copy = exact_copy(at, n);
  assert_int_equal(tl_tls_add(p->engine, copy, n), TL_OK);
  free(copy);
  if (p->shaken == TL_EPARTIAL) p->shaken = tl_tls_handshake(p->engine);
  tl_buf *records = tl_tls_output(p->engine);
  peer_raw(p, records->at, records->len);
  tl_buf_clear(records);
  uint8_t plain[4096];
  long got;
  while (p->shaken == TL_OK && (got = tl_tls_read(p->engine, plain, sizeof plain)) > 0)
    tl_buf_add(&p->in, plain, (size_t)got);
}

static inline void peer_hear (peer *p, const uint8_t *at, size_t n) {
  if (p->tunnelled && p->of.tls)
    peer_shake(p, at, n);
  else
    tl_buf_add(&p->in, at, n);
  if (!p->tunnelled)
    peer_tunnel(p);
  else if (!p->ready && p->of.ws && (!p->of.tls || p->shaken == TL_OK))
    peer_upgrade(p);
  else if (!p->of.ws && p->of.tls && p->shaken == TL_OK)
    p->ready = true;
  if (p->tunnelled && !p->of.ws && !p->of.tls) p->ready = true;
}

static inline void peer_end (peer *p) {
  struct linger hard = { .l_onoff = 1 };
  if (p->ends == END_NOT || p->fd < 0) return;
  if (p->ends == END_RST) setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  peer_hang_up(p);
}

/* Its part of a wake-up. */
static inline void peer_turn (peer *p) {
  uint8_t bytes[65536];
  if (p->fd < 0) {
    if (!readable(p->listening)) return;
    p->fd = accept4(p->listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    p->ready = p->tunnelled && !p->of.tls && !p->of.ws;
  }
  ssize_t n = p->deaf ? -1 : recv(p->fd, bytes, sizeof bytes, 0);
  if (n > 0) peer_hear(p, bytes, (size_t)n);
  size_t part = p->out.len < p->may_say - p->said ? p->out.len : p->may_say - p->said;
  ssize_t sent = part > 0 ? send(p->fd, p->out.at, part, MSG_NOSIGNAL) : 0;
  if (sent > 0) {
    p->said += (size_t)sent;
    tl_buf_drop(&p->out, (size_t)sent);
  }
  if (p->said == p->may_say) peer_end(p);
}

#endif
