/* scripts/bench/secured.h — the load source's side of TLS and of a WebSocket: what it sends becomes
** records and frames in a buffer of its own, which goes out in large writes, so that it is never
** the slower side. One connection a process; it exits when something fails. */
#ifndef BENCH_SECURED_H
#define BENCH_SECURED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* kind: "plain", "tls", "ws", "wss". With TLS a certificate and key of PEM files. Takes the
** handshakes; returns when MQTT may begin. */
void secured_begin (int fd, const char *kind, const char *cert, const char *key);
/* Sends `n` bytes at once: as one frame in one record, where they fit. */
void secured_write (const uint8_t *bytes, size_t n);
/* The same, but only into the buffer, which secured_flush() or enough of it sends. */
void secured_put (const uint8_t *bytes, size_t n);
void secured_flush (void);
/* What the client sent, without frames and records: > 0. Waits. */
size_t secured_read (uint8_t *out, size_t n);
/* May secured_read() be called without waiting, within so many ms? */
bool secured_ready (int wait_ms);

#endif
