/* spec/tls/pki.h — certificates made while the spec runs, and two engines back to back. */
#ifndef TL_SPEC_TLS_PKI_H
#define TL_SPEC_TLS_PKI_H

#include "support/spec.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "tls/tls_impl.h"

enum { DAY = 86400, PEM_ROOM = 8192 };

/* A certificate with its key, and both as PEM. */
typedef struct {
  X509 *cert;
  EVP_PKEY *key;
  char pem[PEM_ROOM], key_pem[PEM_ROOM];
} identity;

typedef struct {
  const char *name, *alternative; /* CN; subjectAltName: "DNS:broker,IP:10.0.0.1", NULL: none */
  const identity *signer;         /* NULL: itself */
  bool is_ca;
  const char *usage; /* extendedKeyUsage; NULL: none */
  long from, until;  /* days from now; both 0: -1 to 30 */
  int rsa_bits;      /* 0: P-256 */
} wanted;

static inline void pem_of (BIO *bio, char *out) {
  char *text = NULL;
  long n = BIO_get_mem_data(bio, &text);
  assert_true(n > 0 && n < PEM_ROOM);
  memcpy(out, text, (size_t)n);
  out[n] = '\0';
  BIO_free(bio);
}

static inline void extension (X509 *cert, X509 *issuer, int nid, const char *value) {
  X509V3_CTX ctx;
  X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
  X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
  assert_non_null(e);
  X509_add_ext(cert, e, -1);
  X509_EXTENSION_free(e);
}

static inline void identity_make (identity *out, const wanted *w) {
  static long serial = 1;
  EVP_PKEY *key = w->rsa_bits ? EVP_RSA_gen((unsigned)w->rsa_bits) : EVP_EC_gen("P-256");
  X509 *cert = X509_new(), *issuer = w->signer ? w->signer->cert : cert;
  assert_non_null(key);
  X509_set_version(cert, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
  bool given = w->from || w->until;
  X509_gmtime_adj(X509_getm_notBefore(cert), (given ? w->from : -1) * DAY);
  X509_gmtime_adj(X509_getm_notAfter(cert), (given ? w->until : 30) * DAY);
  X509_set_pubkey(cert, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
                             (const unsigned char *)w->name, -1, -1, 0);
  X509_set_issuer_name(cert, X509_get_subject_name(issuer));
  extension(cert, issuer, NID_subject_key_identifier, "hash");
  if (w->is_ca) extension(cert, issuer, NID_basic_constraints, "critical,CA:TRUE");
  if (w->alternative) extension(cert, issuer, NID_subject_alt_name, w->alternative);
  if (w->usage) extension(cert, issuer, NID_ext_key_usage, w->usage);
  assert_true(X509_sign(cert, w->signer ? w->signer->key : key, EVP_sha256()) > 0);
  BIO *bio = BIO_new(BIO_s_mem()), *key_bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, cert);
  PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL);
  pem_of(bio, out->pem);
  pem_of(key_bio, out->key_pem);
  out->cert = cert;
  out->key = key;
}

static inline void identity_free (identity *i) {
  X509_free(i->cert);
  EVP_PKEY_free(i->key);
}

/* A list of the CA that revokes `revoked` (NULL: nothing); valid from and until days from
** now. */
static inline void crl_make (char *out, const identity *ca, const identity *revoked, long from,
                             long until) {
  X509_CRL *crl = X509_CRL_new();
  ASN1_TIME *time = ASN1_TIME_new();
  X509_CRL_set_version(crl, 1);
  X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->cert));
  X509_gmtime_adj(time, from * DAY);
  X509_CRL_set1_lastUpdate(crl, time);
  if (revoked) {
    X509_REVOKED *r = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(revoked->cert));
    X509_REVOKED_set_revocationDate(r, time);
    X509_CRL_add0_revoked(crl, r);
  }
  X509_gmtime_adj(time, until * DAY);
  X509_CRL_set1_nextUpdate(crl, time);
  ASN1_TIME_free(time);
  X509_CRL_sort(crl);
  assert_true(X509_CRL_sign(crl, ca->key, EVP_sha256()) > 0);
  BIO *bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509_CRL(bio, crl);
  pem_of(bio, out);
  X509_CRL_free(crl);
}

/* Two engines back to back */

typedef struct {
  tl_tls_context *contexts[2];
  tl_tls *client, *server;
  int client_rc, server_rc; /* of their handshakes */
} pair;

static inline tl_tls_context *context_of (const tl_tls_settings *s) {
  tl_tls_context *c = NULL;
  tl_err err = { .text = "" };
  if (tl_tls_context_new(&c, s, NULL, &err) != TL_OK) fail_msg("no context: %s", err.text);
  return c;
}

static inline void pair_open (pair *p, tl_tls_context *client, tl_tls_context *server,
                              const char *name, tl_tls_session *resume) {
  tl_err err = { .text = "" };
  tl_tls_peer to = { .name = tl_slice_str(name), .resume = resume }, from = { .is_server = true };
  memset(p, 0, sizeof *p);
  p->contexts[0] = client;
  p->contexts[1] = server;
  p->client_rc = p->server_rc = TL_EPARTIAL;
  if (tl_tls_new(&p->client, client, &to, &err) != TL_OK) fail_msg("no client: %s", err.text);
  assert_int_equal(tl_tls_new(&p->server, server, &from, &err), TL_OK);
}

static inline void pair_close (pair *p) {
  tl_tls_free(p->client);
  tl_tls_free(p->server);
}

/* Moves what `from` has to say to `to`, in pieces; lets it work on each. True: there was
** something. */
static inline bool carry (tl_tls *from, tl_tls *to, int *rc, size_t piece) {
  tl_buf *out = tl_tls_output(from);
  size_t n = out->len;
  for (size_t at = 0; at < n; at += piece) {
    size_t part = n - at < piece ? n - at : piece;
    uint8_t *copy = exact_copy(out->at + at, part);
    if (*rc == TL_EPARTIAL) {
      tl_tls_feed(to, copy, part);
      *rc = tl_tls_handshake(to);
      assert_int_equal(tl_tls_keep(to), TL_OK); /* what comes behind the handshake */
    } else if (*rc == TL_OK) {
      assert_int_equal(tl_tls_add(to, copy, part), TL_OK);
    }
    free(copy);
  }
  tl_buf_drop(out, n);
  return n > 0;
}

static inline void pair_shake (pair *p, size_t piece) {
  if (p->client_rc == TL_EPARTIAL) p->client_rc = tl_tls_handshake(p->client);
  while (carry(p->client, p->server, &p->server_rc, piece) |
         carry(p->server, p->client, &p->client_rc, piece)) {}
}

#endif
