/* core/tls/context.c — settings become a context: certificates, keys, lists, versions, ciphers.
** Must not know connections beyond the callbacks that note what happened to one. */
#include "tls/tls_impl.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

int tl_tls_slot = -1;

/* What is being made of what; `why` goes to the caller. */
typedef struct {
  tl_tls_context *c;
  const tl_tls_settings *s;
  tl_tls_field field;
  tl_err *err;
} making;

tl_tls *tl_tls_of (const SSL *ssl) { return ssl ? SSL_get_ex_data(ssl, tl_tls_slot) : NULL; }

static int wrong (making *m, tl_tls_field field, int code, const char *text) {
  m->field = field;
  ERR_clear_error();
  return tl_fail(m->err, code, 0, "%s", text);
}

static int no_memory (making *m) {
  return wrong(m, TL_TLS_FIELD_NONE, TL_ENOMEM, "no memory for TLS");
}

static BIO *open_text (tl_slice text) {
  return BIO_new_mem_buf(text.at, text.len > INT32_MAX ? INT32_MAX : (int)text.len);
}

static bool holds (tl_slice text, const char *word) {
  return text.len > 0 && memmem(text.at, text.len, word, strlen(word));
}

/* ASN.1's sequence, of more than 127 bytes: a certificate, list or key that is not in text form. */
static bool is_der (tl_slice text) {
  return text.len > 2 && text.at[0] == 0x30 && text.at[1] > 0x80;
}

/* Why did the loop over PEM blocks end: at the end of the text (true), or at a broken block? */
static bool ended_well (void) {
  unsigned long e = ERR_peek_last_error();
  bool at_end = ERR_GET_LIB(e) == ERR_LIB_PEM && ERR_GET_REASON(e) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  return at_end;
}

/* Callbacks of connections */

/* May the revocation list of this CA be missing? The list of the CA that signed the broker's
** certificate must be there.
** The lists of CAs above it are used when they are there. A missing one is reported only, because
** many users have the first list alone. A CA in tls_ca_file is trusted without a list. */
static bool may_lack_a_list (tl_tls *t, X509_STORE_CTX *store) {
  int error = X509_STORE_CTX_get_error(store), depth = X509_STORE_CTX_get_error_depth(store);
  STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(store);
  if (error != X509_V_ERR_UNABLE_TO_GET_CRL && error != X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER)
    return false;
  if (depth == 0) return false;
  if (depth < sk_X509_num(chain) - 1)
    tl_tls_name_of(X509_get_issuer_name(sk_X509_value(chain, depth)), t->without_list);
  X509_STORE_CTX_set_error(store, X509_V_OK);
  return true;
}

static int on_verify (int ok, X509_STORE_CTX *store) {
  SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
  tl_tls *t = tl_tls_of(ssl);
  X509 *cert = X509_STORE_CTX_get_current_cert(store);
  X509_CRL *list = X509_STORE_CTX_get0_current_crl(store);
  if (ok || !t) return ok;
  if (may_lack_a_list(t, store)) return 1;
  t->verify_error = X509_STORE_CTX_get_error(store);
  X509_free(t->bad);
  t->bad = cert && X509_up_ref(cert) ? cert : NULL;
  if (t->verify_error == X509_V_ERR_CRL_HAS_EXPIRED && list)
    tl_tls_date(X509_CRL_get0_nextUpdate(list), t->list_until);
  return ok;
}

static int on_certificate_asked (SSL *ssl, void *ctx) {
  tl_tls *t = tl_tls_of(ssl);
  (void)ctx;
  if (t) t->asked_certificate = true;
  return 1;
}

static void on_info (const SSL *ssl, int where, int value) {
  tl_tls *t = tl_tls_of(ssl);
  if (t && (where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && value >> 8 == SSL3_AL_FATAL)
    t->alert = value & 0xff;
}

static int on_session (SSL *ssl, SSL_SESSION *session) {
  tl_tls *t = tl_tls_of(ssl);
  if (!t) return 0;
  SSL_SESSION_free(t->session);
  t->session = session;
  return 1;
}

static void on_keylog (const SSL *ssl, const char *line) {
  tl_tls *t = tl_tls_of(ssl);
  if (!t) return;
  tl_buf_str(&t->keylog, line);
  tl_buf_byte(&t->keylog, '\n');
}

static unsigned on_psk (SSL *ssl, const char *hint, char *identity, unsigned identity_room,
                        unsigned char *psk, unsigned psk_room) {
  tl_tls *t = tl_tls_of(ssl);
  (void)hint;
  if (!t || t->context->psk_len > psk_room) return 0;
  snprintf(identity, identity_room, "%s", t->context->identity);
  memcpy(psk, t->context->psk, t->context->psk_len);
  return (unsigned)t->context->psk_len;
}

static unsigned on_psk_server (SSL *ssl, const char *identity, unsigned char *psk, unsigned room) {
  tl_tls *t = tl_tls_of(ssl);
  if (!t || t->context->psk_len > room || strcmp(identity, t->context->identity) != 0) return 0;
  memcpy(psk, t->context->psk, t->context->psk_len);
  return (unsigned)t->context->psk_len;
}

/* Making one */

static const char *no_certificate (tl_slice text) {
  return is_der(text) ? "is in DER form: convert it, openssl x509 -inform der -in FILE -out NEW"
                      : "holds no certificate in PEM form";
}

static int read_ca (making *m) {
  X509_STORE *store = SSL_CTX_get_cert_store(m->c->ssl);
  BIO *bio = open_text(m->s->ca);
  X509 *cert;
  size_t n = 0;
  if (!bio) return no_memory(m);
  while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
    if (X509_STORE_add_cert(store, cert) == 1) n++;
    X509_free(cert);
  }
  BIO_free(bio);
  bool well = ended_well();
  if (m->s->ca_is_system) return TL_OK;
  if (n == 0 && holds(m->s->ca, "PRIVATE KEY"))
    return wrong(m, TL_TLS_FIELD_CA, TL_ESYNTAX, "holds a private key and no certificate");
  if (n == 0) return wrong(m, TL_TLS_FIELD_CA, TL_ESYNTAX, no_certificate(m->s->ca));
  if (!well) return wrong(m, TL_TLS_FIELD_CA, TL_ESYNTAX, "holds a certificate that is damaged");
  return TL_OK;
}

static int read_crl (making *m) {
  X509_STORE *store = SSL_CTX_get_cert_store(m->c->ssl);
  BIO *bio = open_text(m->s->crl);
  X509_CRL *crl;
  size_t n = 0;
  if (!bio) return no_memory(m);
  while ((crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL))) {
    if (X509_STORE_add_crl(store, crl) == 1) n++;
    X509_CRL_free(crl);
  }
  BIO_free(bio);
  if (!ended_well() || n == 0)
    return wrong(m, TL_TLS_FIELD_CRL, TL_ESYNTAX,
                 is_der(m->s->crl)
                     ? "is in DER form: convert it, openssl crl -inform der -in FILE -out NEW"
                     : "holds no revocation list in PEM form");
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  return TL_OK;
}

typedef struct {
  tl_slice password;
  bool asked;
} password_asked;

static int on_password (char *room, int size, int writing, void *ctx) {
  password_asked *p = ctx;
  (void)writing;
  p->asked = true;
  if (p->password.len == 0 || p->password.len > (size_t)size) return -1;
  memcpy(room, p->password.at, p->password.len);
  return (int)p->password.len;
}

static int read_key (making *m, EVP_PKEY **key) {
  bool apart = m->s->key.len > 0;
  tl_tls_field field = apart ? TL_TLS_FIELD_KEY : TL_TLS_FIELD_CERT;
  password_asked p = { m->s->key_password, false };
  BIO *bio = open_text(apart ? m->s->key : m->s->cert);
  if (!bio) return no_memory(m);
  *key = PEM_read_bio_PrivateKey(bio, NULL, on_password, &p);
  BIO_free(bio);
  if (*key) return TL_OK;
  if (p.asked && p.password.len == 0)
    return wrong(m, field, TL_EREFUSED, "is encrypted: set tls_key_password");
  if (p.asked)
    return wrong(m, TL_TLS_FIELD_KEY_PASSWORD, TL_EREFUSED, "does not open the private key");
  if (apart && is_der(m->s->key))
    return wrong(m, field, TL_ESYNTAX,
                 "is in DER form: convert it, openssl pkey -inform der -in FILE -out NEW");
  if (apart) return wrong(m, field, TL_ESYNTAX, "holds no private key in PEM form");
  return wrong(m, field, TL_ESYNTAX, "holds no private key: set tls_key_file");
}

/* OpenSSL refuses weak keys and digests here already. */
static int refused_certificate (making *m) {
  int reason = ERR_GET_REASON(ERR_peek_last_error());
  bool weak = reason == SSL_R_EE_KEY_TOO_SMALL || reason == SSL_R_CA_KEY_TOO_SMALL ||
              reason == SSL_R_CA_MD_TOO_WEAK;
  return wrong(m, TL_TLS_FIELD_CERT, TL_ESYNTAX,
               weak ? "has a key or a digest that is too weak for OpenSSL: make a new one"
                    : "holds a certificate that OpenSSL does not accept");
}

static int use_own (making *m, X509 *cert, EVP_PKEY *key) {
  SSL_CTX *ssl = m->c->ssl;
  if (X509_check_private_key(cert, key) != 1)
    return wrong(m, m->s->key.len > 0 ? TL_TLS_FIELD_KEY : TL_TLS_FIELD_CERT, TL_ETYPE,
                 "does not belong to the certificate in tls_cert_file");
  if (SSL_CTX_use_certificate(ssl, cert) != 1 || SSL_CTX_use_PrivateKey(ssl, key) != 1)
    return refused_certificate(m);
  m->c->has_own = true;
  m->c->own_until = tl_tls_time_of(X509_get0_notAfter(cert));
  tl_tls_name_of(X509_get_subject_name(cert), m->c->own_name);
  return TL_OK;
}

static int read_chain (making *m, BIO *bio) {
  X509 *cert;
  while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
    if (SSL_CTX_add0_chain_cert(m->c->ssl, cert) == 1) continue;
    X509_free(cert);
    return refused_certificate(m);
  }
  if (ended_well()) return TL_OK;
  return wrong(m, TL_TLS_FIELD_CERT, TL_ESYNTAX, "holds a certificate that is damaged");
}

static int read_own (making *m) {
  BIO *bio = open_text(m->s->cert);
  EVP_PKEY *key = NULL;
  if (!bio) return no_memory(m);
  X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
  int rc;
  if (!cert)
    rc = wrong(m, TL_TLS_FIELD_CERT, TL_ESYNTAX,
               holds(m->s->cert, "PRIVATE KEY") ? "holds a private key and no certificate"
                                                : no_certificate(m->s->cert));
  else
    rc = read_key(m, &key);
  if (rc == TL_OK) rc = use_own(m, cert, key);
  if (rc == TL_OK) rc = read_chain(m, bio);
  X509_free(cert);
  EVP_PKEY_free(key);
  BIO_free(bio);
  return rc;
}

/* TLS 1.3 names its suites on their own; both kinds may stand in one list. */
static int set_ciphers (making *m) {
  char old[1024] = "", new[1024] = "", word[128];
  tl_slice rest = m->s->ciphers;
  if (rest.len >= sizeof old) return wrong(m, TL_TLS_FIELD_CIPHERS, TL_ESYNTAX, "is too long");
  for (size_t at = 0, n; at < rest.len; at += n + 1) {
    for (n = 0; at + n < rest.len && !strchr(":, ", rest.at[at + n]);) n++;
    if (n == 0 || n >= sizeof word) continue;
    memcpy(word, rest.at + at, n);
    word[n] = '\0';
    char *list = strncmp(word, "TLS_", 4) == 0 ? new : old;
    if (list[0]) strcat(list, ":");
    strcat(list, word);
  }
  bool good = (!old[0] || SSL_CTX_set_cipher_list(m->c->ssl, old) == 1) &&
              (!new[0] || SSL_CTX_set_ciphersuites(m->c->ssl, new) == 1) && (old[0] || new[0]);
  return good ? TL_OK
              : wrong(m, TL_TLS_FIELD_CIPHERS, TL_ESYNTAX,
                      "names no cipher that this OpenSSL has: see `openssl ciphers -v`");
}

static int set_psk (making *m) {
  tl_tls_context *c = m->c;
  if (m->s->psk.len > sizeof c->psk || m->s->psk_identity.len >= sizeof c->identity)
    return wrong(m, TL_TLS_FIELD_PSK, TL_ERANGE, "is too long");
  memcpy(c->psk, m->s->psk.at, m->s->psk.len);
  c->psk_len = m->s->psk.len;
  if (m->s->psk_identity.len > 0)
    memcpy(c->identity, m->s->psk_identity.at, m->s->psk_identity.len);
  c->identity[m->s->psk_identity.len] = '\0';
  c->has_psk = true;
  SSL_CTX_set_psk_client_callback(c->ssl, on_psk);
  SSL_CTX_set_psk_server_callback(c->ssl, on_psk_server);
  if (m->s->ciphers.len > 0) return TL_OK;
  return SSL_CTX_set_cipher_list(c->ssl, "kECDHEPSK:kDHEPSK:kPSK") == 1 ? TL_OK : no_memory(m);
}

static int set_versions (making *m) {
  static const int versions[] = { TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION };
  assert(m->s->min_minor >= 0 && m->s->min_minor <= 3);
  m->c->min_minor = m->s->min_minor;
  return SSL_CTX_set_min_proto_version(m->c->ssl, versions[m->s->min_minor]) == 1 ? TL_OK
                                                                                  : no_memory(m);
}

static void set_callbacks (making *m) {
  SSL_CTX *ssl = m->c->ssl;
  SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(ssl, on_session);
  SSL_CTX_set_cert_cb(ssl, on_certificate_asked, NULL);
  SSL_CTX_set_info_callback(ssl, on_info);
  if (m->s->keylog) SSL_CTX_set_keylog_callback(ssl, on_keylog);
  SSL_CTX_set_verify(ssl, m->s->verify == TL_TLS_VERIFY_NONE ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                     on_verify);
  /* A certificate that somebody put into tls_ca_file is trusted, be it an intermediate one. */
  X509_STORE_set_flags(SSL_CTX_get_cert_store(ssl), X509_V_FLAG_PARTIAL_CHAIN);
}

static int make (making *m) {
  const tl_tls_settings *s = m->s;
  int rc = set_versions(m);
  set_callbacks(m);
  /* First: they may lower the level of security that certificates must have. */
  if (rc == TL_OK && s->ciphers.len > 0) rc = set_ciphers(m);
  if (rc == TL_OK && s->ca.len > 0) rc = read_ca(m);
  if (rc == TL_OK && s->crl.len > 0) rc = read_crl(m);
  if (rc == TL_OK && s->cert.len > 0) rc = read_own(m);
  if (rc == TL_OK && s->psk.len > 0) rc = set_psk(m);
  if (rc == TL_OK && s->alpn.len > 0 &&
      SSL_CTX_set_alpn_protos(m->c->ssl, s->alpn.at, (unsigned)s->alpn.len) != 0)
    rc = wrong(m, TL_TLS_FIELD_ALPN, TL_ESYNTAX, "is no list of names of 1 to 255 bytes");
  return rc;
}

static void make_slot (void) { tl_tls_slot = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL); }

int tl_tls_context_new (tl_tls_context **out, const tl_tls_settings *s, tl_tls_field *field,
                        tl_err *err) {
  tl_tls_context *c = calloc(1, sizeof *c);
  making m = { c, s, TL_TLS_FIELD_NONE, err };
  int rc = TL_ENOMEM;
  static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
  CRYPTO_THREAD_run_once(&once, make_slot);
  if (c) c->ssl = SSL_CTX_new(TLS_method());
  if (!c || !c->ssl || tl_tls_slot < 0) {
    rc = no_memory(&m);
  } else {
    atomic_init(&c->refs, 1);
    c->verify = s->verify;
    c->keylog = s->keylog;
    rc = make(&m);
  }
  ERR_clear_error();
  if (field) *field = m.field;
  if (rc == TL_OK) {
    *out = c;
    return TL_OK;
  }
  if (c) {
    SSL_CTX_free(c->ssl);
    free(c);
  }
  return rc;
}

tl_tls_context *tl_tls_context_keep (tl_tls_context *c) {
  atomic_fetch_add(&c->refs, 1);
  return c;
}

void tl_tls_context_drop (tl_tls_context *c) {
  if (!c || atomic_fetch_sub(&c->refs, 1) > 1) return;
  SSL_CTX_free(c->ssl);
  OPENSSL_cleanse(c->psk, sizeof c->psk);
  free(c);
}

bool tl_tls_context_own (const tl_tls_context *c, int64_t *until, char name[TL_TLS_NAME]) {
  if (!c->has_own) return false;
  *until = c->own_until;
  memcpy(name, c->own_name, TL_TLS_NAME);
  return true;
}
