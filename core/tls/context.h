/* core/tls/context.h — what a line wants of TLS, made once of PEM text and kept for many
** connections. Pure but for the system's random numbers and clock inside OpenSSL: no file, no
** socket. Making one costs milliseconds with a large store, and may be done in any thread. */
#ifndef TL_TLS_CONTEXT_H
#define TL_TLS_CONTEXT_H

#include "base/slice.h"

typedef enum {
  TL_TLS_VERIFY,       /* chain and name */
  TL_TLS_VERIFY_CHAIN, /* the chain only: any certificate of the CA is accepted */
  TL_TLS_VERIFY_NONE
} tl_tls_verify;

/* Texts are borrowed while the context is made. Empty: not given. */
typedef struct {
  tl_slice ca;                /* PEM of the certificates that are trusted */
  bool ca_is_system;          /* `ca` is the system's store, of which bad ones are left out */
  tl_slice cert;              /* PEM of our certificate and its chain */
  tl_slice key;               /* PEM; empty: it stands in `cert` */
  tl_slice key_password;      /* never in an error */
  tl_slice crl;               /* PEM of one or more lists */
  tl_slice alpn;              /* as on the wire: a length before each name */
  tl_slice psk, psk_identity; /* bytes; not empty: no certificates, neither theirs nor ours */
  tl_slice ciphers;           /* those of TLS 1.3 begin with TLS_; separated by colons or commas */
  int min_minor;              /* of the version: 0 to 3 for TLS 1.0 to 1.3 */
  tl_tls_verify verify;
  bool keylog; /* engines collect what opens a recording of the connection */
} tl_tls_settings;

typedef struct tl_tls_context tl_tls_context;

/* The settings' field that an error is about. */
typedef enum {
  TL_TLS_FIELD_NONE,
  TL_TLS_FIELD_CA,
  TL_TLS_FIELD_CERT,
  TL_TLS_FIELD_KEY,
  TL_TLS_FIELD_KEY_PASSWORD,
  TL_TLS_FIELD_CRL,
  TL_TLS_FIELD_ALPN,
  TL_TLS_FIELD_PSK,
  TL_TLS_FIELD_CIPHERS
} tl_tls_field;

/* TL_ESYNTAX: a text does not parse; TL_ETYPE: the key does not belong to the certificate;
** TL_EREFUSED: the password is missing or wrong; TL_ENOMEM. `err` (cause and remedy, without
** the name of the field) and *field tell which. */
int tl_tls_context_new (tl_tls_context **out, const tl_tls_settings *s, tl_tls_field *field,
                        tl_err *err);
/* Who keeps one beyond its maker's says so; each gives it back. Any thread. NULL is fine. */
tl_tls_context *tl_tls_context_keep (tl_tls_context *c);
void tl_tls_context_drop (tl_tls_context *c);

enum { TL_TLS_NAME = 128 };
/* Our own certificate: until when (ms since 1970 UTC), and its name. False: there is none. */
bool tl_tls_context_own (const tl_tls_context *c, int64_t *until, char name[TL_TLS_NAME]);

#endif
