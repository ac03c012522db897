/* core/tls/engine.h — one TLS connection as two streams of bytes: ciphertext in and out on one
** side, plain text on the other. Never sees a socket, so no SIGPIPE, no partial write and no
** end of file come out of OpenSSL; its owner says what the network did. Pure, see context.h. */
#ifndef TL_TLS_ENGINE_H
#define TL_TLS_ENGINE_H

#include "base/buf.h"
#include "tls/context.h"

typedef struct tl_tls tl_tls;
typedef struct tl_tls_session tl_tls_session; /* what a later connection resumes with */

typedef struct {
  /* Sent as SNI and looked for in the certificate; an address (without brackets) is not sent. */
  tl_slice name;
  tl_tls_session *resume; /* borrowed; NULL: none */
  bool is_server;         /* for specs: the other side */
} tl_tls_peer;

/* Keeps the context. TL_ENOMEM; TL_ESYNTAX: the name cannot be one. */
int tl_tls_new (tl_tls **out, tl_tls_context *c, const tl_tls_peer *peer, tl_err *err);
void tl_tls_free (tl_tls *t); /* NULL is fine */

/* Ciphertext from the peer. feed: borrowed until a call returns TL_EPARTIAL, and only then
** may more be fed; a caller that cannot wait calls tl_tls_keep(), which copies the rest. add:
** copied, comes behind what was kept or added. TL_ENOMEM, and the connection cannot go on. */
void tl_tls_feed (tl_tls *t, const uint8_t *at, size_t n);
int tl_tls_keep (tl_tls *t);
int tl_tls_add (tl_tls *t, const uint8_t *at, size_t n);
/* Bytes that can be read on without more being fed, or at least tried: 0 when only a part of a
** record is there. */
size_t tl_tls_waiting (const tl_tls *t);

enum { TL_TLS_CLOSED = -10201 }; /* the peer said close_notify */

/* Go on with the handshake. TL_OK: done, and the peer is accepted. TL_EPARTIAL: more must be
** fed. Else it failed: tl_tls_error() says why; an alert for the peer may be in the output. */
int tl_tls_handshake (tl_tls *t);
/* Plain text into room[0..n), n > 0: as much as there is, of several records: how many bytes.
** TL_EPARTIAL: none; more must be fed. TL_TLS_CLOSED, or a failure, as above: also what TLS 1.3
** refuses only after the handshake. */
long tl_tls_read (tl_tls *t, uint8_t *room, size_t n);
/* The peer's FIN came. TL_TLS_CLOSED: after a whole record, with or without close_notify: an
** ordinary end; else a failure that tl_tls_error() tells. */
int tl_tls_end (tl_tls *t);
/* Encrypts all of it behind the output, in records of up to 16 KiB. TL_ESTATE: not open;
** TL_ENOMEM: the connection is spoilt. */
int tl_tls_write (tl_tls *t, const void *bytes, size_t n);
void tl_tls_close (tl_tls *t);     /* close_notify behind the output, once */
tl_buf *tl_tls_output (tl_tls *t); /* the owner drops what it sent */
void tl_tls_relax (tl_tls *t);     /* gives back what only a record under way needs */

/* Cause and remedy, without the address: "the certificate expired on …". */
const char *tl_tls_error (const tl_tls *t);

/* Of a connection whose handshake is done. Texts live as long as the engine. */
typedef struct {
  const char *version, *cipher; /* "TLSv1.3"; "TLS_AES_256_GCM_SHA384" */
  char subject[TL_TLS_NAME];    /* "CN=broker"; "" with a PSK */
  int64_t until;                /* ms since 1970 UTC; 0: no certificate */
  tl_slice alpn;                /* chosen; empty: none */
  bool resumed, verified;       /* verified: against what the context says, none included: false */
  bool asked_certificate;       /* of us */
  bool psk;                     /* a shared key took the place of certificates */
  /* A CA above the broker's that the revocation lists say nothing of; "": none. */
  char without_list[TL_TLS_NAME];
} tl_tls_info;
void tl_tls_get_info (const tl_tls *t, tl_tls_info *info);
/* The chain as text, a line for each certificate: subject, issuer, dates, SHA-256. */
void tl_tls_chain (const tl_tls *t, tl_buf *out);

/* The newest session of this connection, the caller's from then on; NULL: none yet, or none
** that may be used. */
tl_tls_session *tl_tls_take_session (tl_tls *t);
void tl_tls_session_free (tl_tls_session *s); /* NULL is fine */

/* Lines for a key log file, when the context wants them; the owner clears it. */
tl_buf *tl_tls_keylog (tl_tls *t);

#endif
