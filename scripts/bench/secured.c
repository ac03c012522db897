/* scripts/bench/secured.c — see secured.h. Knows no MQTT. */
#include "secured.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OUT = 1 << 20, FULL = 1 << 17, IN = 1 << 16 };

static int fd = -1;
static SSL *ssl;
static BIO *sealed; /* what TLS wants to send */
static bool framed;
static uint8_t out[OUT];
static size_t out_len;
static uint8_t in[IN]; /* of a WebSocket: frames as they came */
static size_t in_len, in_at;
static uint64_t frame_left;
static uint8_t mask[4];
static unsigned mask_at;

static void fail (const char *what) {
  fprintf(stderr, "source: %s: %s\n", what, strerror(errno));
  ERR_print_errors_fp(stderr);
  exit(1);
}

void secured_flush (void) {
  for (size_t at = 0; at < out_len;) {
    ssize_t put = write(fd, out + at, out_len - at);
    if (put < 0) fail("write");
    at += (size_t)put;
  }
  out_len = 0;
}

static void add (const void *bytes, size_t n) {
  if (out_len + n > OUT) secured_flush();
  if (n > OUT) fail("too long");
  memcpy(out + out_len, bytes, n);
  out_len += n;
}

static void seal (const uint8_t *bytes, size_t n) {
  char *text;
  if (!ssl) {
    add(bytes, n);
    return;
  }
  if (SSL_write(ssl, bytes, (int)n) != (int)n) fail("SSL_write");
  long len = BIO_get_mem_data(sealed, &text);
  add(text, (size_t)len);
  BIO_reset(sealed);
}

void secured_put (const uint8_t *bytes, size_t n) {
  static uint8_t frame[OUT];
  if (framed) {
    size_t head = n < 126 ? 2 : n < 65536 ? 4 : 10;
    frame[0] = 0x82;
    frame[1] = (uint8_t)(head == 2 ? n : head == 4 ? 126 : 127);
    for (size_t i = 2; i < head; i++) frame[i] = (uint8_t)(n >> 8 * (head - 1 - i));
    memcpy(frame + head, bytes, n);
    seal(frame, head + n);
  } else {
    seal(bytes, n);
  }
  if (out_len > FULL) secured_flush();
}

void secured_write (const uint8_t *bytes, size_t n) {
  secured_put(bytes, n);
  secured_flush();
}

static size_t read_plain (uint8_t *to, size_t n) {
  if (ssl) {
    int got = SSL_read(ssl, to, (int)n);
    if (got <= 0) fail("SSL_read");
    return (size_t)got;
  }
  ssize_t got = read(fd, to, n);
  if (got <= 0) fail("the client closed the connection");
  return (size_t)got;
}

static bool has_frame (void) { /* a payload's first byte, or its head, is there */
  while (frame_left == 0) {
    size_t left = in_len - in_at, head = 2;
    uint8_t *at = in + in_at;
    if (left < 2) return false;
    unsigned len = at[1] & 127;
    head += len == 126 ? 2 : len == 127 ? 8 : 0;
    if (left < head + 4) return false;
    frame_left = len < 126 ? len : 0;
    for (size_t i = 2; i < head; i++) frame_left = frame_left << 8 | at[i];
    memcpy(mask, at + head, 4);
    mask_at = 0;
    in_at += head + 4;
  }
  return in_at < in_len;
}

bool secured_ready (int wait_ms) {
  struct pollfd p = { .fd = fd, .events = POLLIN };
  if (framed && has_frame()) return true;
  return (ssl && SSL_pending(ssl) > 0) || poll(&p, 1, wait_ms) > 0;
}

size_t secured_read (uint8_t *to, size_t n) {
  if (!framed) return read_plain(to, n);
  while (!has_frame()) {
    memmove(in, in + in_at, in_len - in_at);
    in_len -= in_at;
    in_at = 0;
    in_len += read_plain(in + in_len, IN - in_len);
  }
  size_t part = in_len - in_at < n ? in_len - in_at : n;
  if (part > frame_left) part = (size_t)frame_left;
  for (size_t i = 0; i < part; i++) to[i] = in[in_at + i] ^ mask[mask_at++ & 3];
  in_at += part;
  frame_left -= part;
  return part;
}

static void upgrade (void) {
  static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  static char head[8192], answer[512], key[128];
  size_t len = 0;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned n = 0;
  while (!strstr(head, "\r\n\r\n")) {
    if (len > sizeof head - 256) fail("upgrade");
    len += read_plain((uint8_t *)head + len, sizeof head - 1 - len);
  }
  char *at = strstr(head, "Sec-WebSocket-Key: ");
  if (!at) fail("upgrade");
  snprintf(key, sizeof key, "%.24s%s", at + 19, guid);
  EVP_Digest(key, strlen(key), digest, &n, EVP_sha1(), NULL);
  EVP_EncodeBlock((unsigned char *)key, digest, (int)n);
  snprintf(answer, sizeof answer,
           "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: "
           "mqtt\r\nSec-WebSocket-Accept: %s\r\n\r\n",
           key);
  seal((uint8_t *)answer, strlen(answer));
  secured_flush();
  framed = true;
}

void secured_begin (int socket, const char *kind, const char *cert, const char *key) {
  fd = socket;
  if (strcmp(kind, "tls") == 0 || strcmp(kind, "wss") == 0) {
    SSL_CTX *c = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_file(c, cert, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_PrivateKey_file(c, key, SSL_FILETYPE_PEM) != 1)
      fail("certificate");
    ssl = SSL_new(c);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) != 1) fail("SSL_accept");
    sealed = BIO_new(BIO_s_mem());
    BIO_up_ref(SSL_get_rbio(ssl));
    SSL_set0_wbio(ssl, sealed);
  }
  if (strcmp(kind, "ws") == 0 || strcmp(kind, "wss") == 0) upgrade();
}
