/* core/tls/tls_impl.h — private to tls/: the structs, and what its files do for each other. */
#ifndef TL_TLS_TLS_IMPL_H
#define TL_TLS_TLS_IMPL_H

#include <openssl/ssl.h>
#include <stdatomic.h>

#include "tls/engine.h"

struct tl_tls_context {
  atomic_uint refs;
  SSL_CTX *ssl;
  tl_tls_verify verify;
  bool keylog, has_own, has_psk;
  int min_minor;
  int64_t own_until;
  char own_name[TL_TLS_NAME];
  uint8_t psk[PSK_MAX_PSK_LEN];
  size_t psk_len;
  char identity[PSK_MAX_IDENTITY_LEN + 1];
};

enum { TL_TLS_FIRST = 8, TL_TLS_ERROR = 400 };

struct tl_tls {
  tl_tls_context *context;
  SSL *ssl;
  tl_slice fed; /* borrowed, comes behind `in` */
  tl_buf in, out, keylog;
  size_t in_at;                /* bytes of `in` that are used */
  uint64_t received;           /* bytes that OpenSSL took */
  uint8_t first[TL_TLS_FIRST]; /* the peer's first bytes: what does it speak? */
  char name[256];              /* that is looked for; NUL-terminated */
  bool is_open;                /* the handshake is done */
  bool asked_certificate;      /* of us */
  bool said_close;             /* our close_notify is out */
  bool resumes, resumed;       /* a session was offered, and taken */
  int failed;                  /* what every later call returns */
  int alert;                   /* fatal, from the peer; -1: none */
  int verify_error;            /* X509_V_…; of the certificate `bad` at this depth */
  X509 *bad;
  char list_until[32];            /* when the revocation list that is too old ended */
  char without_list[TL_TLS_NAME]; /* a CA of the chain that tls_crl_file has no list of */
  SSL_SESSION *session;           /* newest, owned */
  char error[TL_TLS_ERROR];
};

/* context.c */
tl_tls *tl_tls_of (const SSL *ssl); /* NULL: none */
extern int tl_tls_slot;             /* of SSL's extra data */

/* certificate.c */
void tl_tls_name_of (const X509_NAME *name, char out[TL_TLS_NAME]);
int64_t tl_tls_time_of (const ASN1_TIME *time);         /* ms since 1970 UTC */
void tl_tls_date (const ASN1_TIME *time, char out[32]); /* "2027-01-01T00:00:00Z" */
/* "'broker', '10.0.0.1'"; `usable`: the first that tls_server_name may be, or "" */
void tl_tls_names_in (X509 *cert, char *out, size_t room, char usable[TL_TLS_NAME]);
void tl_tls_fingerprint (X509 *cert, char out[100]); /* SHA-256, "AB:CD:…" */

/* failure.c: fills t->error from what OpenSSL and the callbacks noted */
void tl_tls_explain (tl_tls *t, int ssl_error);
void tl_tls_explain_end (tl_tls *t);

#endif
