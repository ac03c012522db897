/* core/transport/transport.h — connections made of TCP and what stands on it: a proxy, TLS, a
** WebSocket. The contract of net/transport.h upwards. Knows nothing of MQTT. */
#ifndef TL_TRANSPORT_TRANSPORT_H
#define TL_TRANSPORT_TRANSPORT_H

#include "base/buf.h"
#include "net/transport.h"
#include "tls/engine.h"

/* What the connections of a process share: contexts that files were read for, a budget of
** handshakes for each turn of the loop, buffers. Free it when all of them are closed. */
typedef struct tl_transports tl_transports;
int tl_transports_new (tl_transports **out, tl_loop *loop); /* TL_ENOMEM */
void tl_transports_free (tl_transports *all);               /* NULL is fine */

/* What a line wants of TLS. Files are paths, or PEM text itself, which begins with
** "-----BEGIN". Empty: not given. */
typedef struct {
  tl_slice ca, cert, key, crl;
  tl_slice key_password, server_name, ciphers;
  tl_slice alpn;              /* as on the wire */
  tl_slice psk, psk_identity; /* bytes */
  tl_slice keylog;            /* a path */
  int min_minor;
  tl_tls_verify verify;
} tl_secure;

/* What is kept of one address between connections: a session to resume. All zero at first; its
** owner keeps it until `closed`, and ends it with tl_transport_memory_fini(). */
typedef struct {
  tl_tls_session *session;
  tl_tls_context *context; /* that the session belongs to */
} tl_transport_memory;
void tl_transport_memory_fini (tl_transport_memory *m);

typedef enum { TL_NO_PROXY, TL_HTTP_PROXY, TL_SOCKS5_PROXY } tl_transport_proxy;

/* Where to, and through what. Borrowed for the call of tl_transport_connect() only. */
typedef struct {
  tl_slice host; /* without brackets; with a NUL behind it, as proxy_host */
  uint16_t port;
  bool is_tls, is_ws;
  tl_secure secure;
  tl_slice ws_path, ws_subprotocol;
  const tl_slice *ws_headers; /* "Name: value" */
  size_t ws_header_count;
  tl_transport_proxy proxy;
  tl_slice proxy_host, proxy_user, proxy_password;
  uint16_t proxy_port;
  int64_t within_ms;           /* see tl_tcp_connect() */
  tl_transport_memory *memory; /* NULL: nothing is resumed */
} tl_transport_target;

/* TL_ENOMEM and libuv's codes are returned; every other failure comes as `closed`, and its text
** begins with the address as it was given: "broker:8883: …". */
int tl_transport_connect (tl_transport **out, tl_transports *all, const tl_transport_target *target,
                          const tl_transport_events *events, void *ctx);

/* Of a transport that has told `connected`. */
typedef struct {
  bool is_tls, is_ws;
  tl_tls_info tls;
  bool without_subprotocol; /* the server names none, though one was asked for */
  bool has_own;             /* a certificate of ours is in use: */
  int64_t own_until;        /* ms since 1970 UTC */
  char own_name[TL_TLS_NAME];
  char path[80];       /* of the WebSocket, without its query */
  char proxy[80];      /* "proxy:3128"; "": none */
  const char *warning; /* new files that could not be used, so that the old ones are; NULL */
} tl_transport_info;
void tl_transport_get_info (const tl_transport *t, tl_transport_info *info);
/* "TLS 1.3, TLS_AES_256_GCM_SHA384, 'CN=broker' until 2027-01-01, WebSocket /mqtt"; "" for TCP
** alone. */
void tl_transport_describe (const tl_transport *t, char *out, size_t room);
void tl_transport_chain (const tl_transport *t, tl_buf *out); /* see tl_tls_chain() */

#endif
