/* core/tls/engine.c — one connection: bytes through OpenSSL. Must not know where they travel.
**
** OpenSSL reads and writes through a BIO of ours. It copies what it reads at once, so when it
** wants more nothing of what was fed is left. Its record buffers (some 33 KiB) are given back
** when a wake-up is over, see tl_tls_relax(). */
#include "tls/tls_impl.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

enum { KEEP_ROOM = 4 * 1024 }; /* of buffers that are empty */

/* The BIO */

static int bio_read (BIO *bio, char *room, size_t n, size_t *got) {
  tl_tls *t = BIO_get_data(bio);
  size_t kept = t->in.len - t->in_at;
  BIO_clear_retry_flags(bio);
  *got = 0;
  if (kept + t->fed.len == 0) {
    BIO_set_retry_read(bio);
    return 0;
  }
  if (kept > 0) {
    *got = kept < n ? kept : n;
    memcpy(room, t->in.at + t->in_at, *got);
    t->in_at += *got;
    if (t->in_at == t->in.len) {
      tl_buf_clear(&t->in);
      t->in_at = 0;
    }
  } else {
    *got = t->fed.len < n ? t->fed.len : n;
    memcpy(room, t->fed.at, *got);
    t->fed = tl_slice_of(t->fed.at + *got, t->fed.len - *got);
  }
  for (size_t i = 0; i < *got && t->received + i < TL_TLS_FIRST; i++)
    t->first[t->received + i] = (uint8_t)room[i];
  t->received += *got;
  return 1;
}

static int bio_write (BIO *bio, const char *bytes, size_t n, size_t *put) {
  tl_tls *t = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  tl_buf_add(&t->out, bytes, n);
  *put = t->out.failed ? 0 : n;
  return !t->out.failed;
}

static long bio_ctrl (BIO *bio, int what, long number, void *at) {
  (void)bio, (void)number, (void)at;
  return what == BIO_CTRL_FLUSH;
}

static BIO_METHOD *method;

static void make_method (void) {
  method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tagline");
  if (!method) return;
  BIO_meth_set_read_ex(method, bio_read);
  BIO_meth_set_write_ex(method, bio_write);
  BIO_meth_set_ctrl(method, bio_ctrl);
}

/* Making one */

static bool is_address (const char *name) {
  uint8_t memory[16];
  return inet_pton(AF_INET, name, memory) == 1 || inet_pton(AF_INET6, name, memory) == 1;
}

static int set_name (tl_tls *t, const tl_tls_peer *peer, tl_err *err) {
  if (peer->name.len == 0 || peer->is_server) return TL_OK;
  if (peer->name.len >= sizeof t->name || memchr(peer->name.at, 0, peer->name.len))
    return tl_fail(err, TL_ESYNTAX, 0, "expected a name of at most %zu bytes", sizeof t->name - 1);
  memcpy(t->name, peer->name.at, peer->name.len);
  bool by_address = is_address(t->name);
  bool good = by_address || SSL_set_tlsext_host_name(t->ssl, t->name) == 1;
  if (t->context->verify == TL_TLS_VERIFY && !t->context->has_psk) {
    X509_VERIFY_PARAM *param = SSL_get0_param(t->ssl);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    good = good && (by_address ? X509_VERIFY_PARAM_set1_ip_asc(param, t->name) == 1
                               : X509_VERIFY_PARAM_set1_host(param, t->name, 0) == 1);
  }
  return good ? TL_OK : tl_fail(err, TL_ESYNTAX, 0, "'%s' cannot be a name", t->name);
}

/* A certificate that is not asked for again must still be valid. */
static void resume (tl_tls *t, tl_tls_session *session) {
  SSL_SESSION *s = (SSL_SESSION *)session;
  if (!s || !SSL_SESSION_is_resumable(s)) return;
  X509 *cert = SSL_SESSION_get0_peer(s);
  if (!cert || X509_cmp_current_time(X509_get0_notAfter(cert)) > 0)
    t->resumes = SSL_set_session(t->ssl, s) == 1;
}

int tl_tls_new (tl_tls **out, tl_tls_context *c, const tl_tls_peer *peer, tl_err *err) {
  static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;
  CRYPTO_THREAD_run_once(&once, make_method);
  tl_tls *t = calloc(1, sizeof *t);
  BIO *bio = method ? BIO_new(method) : NULL;
  if (t) t->ssl = SSL_new(c->ssl);
  if (!t || !bio || !t->ssl || SSL_set_ex_data(t->ssl, tl_tls_slot, t) != 1) {
    BIO_free(bio);
    if (t) SSL_free(t->ssl);
    free(t);
    return tl_fail(err, TL_ENOMEM, 0, "no memory for TLS");
  }
  t->context = tl_tls_context_keep(c);
  t->alert = -1;
  t->verify_error = X509_V_OK;
  tl_buf_init(&t->in);
  tl_buf_init(&t->out);
  tl_buf_init(&t->keylog);
  BIO_set_data(bio, t);
  BIO_set_init(bio, 1);
  SSL_set_bio(t->ssl, bio, bio);
  if (peer->is_server)
    SSL_set_accept_state(t->ssl);
  else
    SSL_set_connect_state(t->ssl);
  int rc = set_name(t, peer, err);
  if (rc < 0) {
    tl_tls_free(t);
    return rc;
  }
  resume(t, peer->resume);
  *out = t;
  return TL_OK;
}

void tl_tls_free (tl_tls *t) {
  if (!t) return;
  /* OpenSSL forgets the session of a connection that was not shut down, and a TCP connection that
  ** breaks is no reason to. */
  bool well = t->is_open && (!t->failed || t->failed == TL_TLS_CLOSED);
  if (well) SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(t->ssl);
  SSL_SESSION_free(t->session);
  X509_free(t->bad);
  tl_tls_context_drop(t->context);
  tl_buf_fini(&t->in);
  tl_buf_fini(&t->out);
  tl_buf_fini(&t->keylog);
  free(t);
}

/* Ciphertext in */

void tl_tls_feed (tl_tls *t, const uint8_t *at, size_t n) { t->fed = tl_slice_of(at, n); }

int tl_tls_add (tl_tls *t, const uint8_t *at, size_t n) {
  tl_buf_drop(&t->in, t->in_at);
  t->in_at = 0;
  if (tl_buf_reserve(&t->in, n) != TL_OK) {
    t->in.failed = false;
    return TL_ENOMEM;
  }
  tl_buf_add(&t->in, at, n);
  return TL_OK;
}

int tl_tls_keep (tl_tls *t) {
  int rc = t->fed.len > 0 ? tl_tls_add(t, t->fed.at, t->fed.len) : TL_OK;
  t->fed = tl_slice_of(NULL, 0);
  return rc;
}

size_t tl_tls_waiting (const tl_tls *t) {
  return t->in.len - t->in_at + t->fed.len + (size_t)SSL_pending(t->ssl);
}

/* The result of an SSL call that did not succeed. */
static int outcome (tl_tls *t, int result) {
  int e = SSL_get_error(t->ssl, result);
  if (t->out.failed) {
    snprintf(t->error, sizeof t->error, "no memory for TLS");
    return t->failed = TL_ENOMEM;
  }
  if (e == SSL_ERROR_WANT_READ) return TL_EPARTIAL;
  if (e == SSL_ERROR_ZERO_RETURN) return t->failed = TL_TLS_CLOSED;
  tl_tls_explain(t, e);
  ERR_clear_error();
  return t->failed = TL_EREFUSED;
}

int tl_tls_handshake (tl_tls *t) {
  if (t->failed) return t->failed;
  if (t->is_open) return TL_OK;
  ERR_clear_error();
  int rc = SSL_do_handshake(t->ssl);
  if (rc != 1) return outcome(t, rc);
  t->is_open = true;
  t->resumed = SSL_session_reused(t->ssl) && t->resumes; /* not by a PSK, which looks alike */
  return TL_OK;
}

long tl_tls_read (tl_tls *t, uint8_t *room, size_t n) {
  size_t used = 0, got;
  if (t->failed) return t->failed;
  ERR_clear_error();
  while (used < n) {
    int rc = SSL_read_ex(t->ssl, room + used, n - used, &got);
    if (rc == 1) {
      used += got;
      continue;
    }
    int code = outcome(
        t, rc); /* a failure is returned by the next call, after the bytes that came before it */
    return used > 0 ? (long)used : code;
  }
  return (long)used;
}

int tl_tls_end (tl_tls *t) {
  if (t->failed) return t->failed;
  if (t->is_open && tl_tls_waiting(t) == 0 && !SSL_has_pending(t->ssl))
    return t->failed = TL_TLS_CLOSED;
  tl_tls_explain_end(t);
  return t->failed = TL_EREFUSED;
}

/* Plain text in */

int tl_tls_write (tl_tls *t, const void *bytes, size_t n) {
  size_t put;
  if (!t->is_open || t->failed || t->said_close) return TL_ESTATE;
  ERR_clear_error();
  int rc = SSL_write_ex(t->ssl, bytes, n, &put);
  if (rc == 1) return TL_OK;
  rc = outcome(t, rc);
  return rc == TL_ENOMEM ? TL_ENOMEM : TL_ESTATE;
}

void tl_tls_close (tl_tls *t) {
  if (!t->is_open || t->said_close || (t->failed && t->failed != TL_TLS_CLOSED)) return;
  t->said_close = true;
  ERR_clear_error();
  SSL_shutdown(t->ssl);
  ERR_clear_error();
}

tl_buf *tl_tls_output (tl_tls *t) { return &t->out; }

void tl_tls_relax (tl_tls *t) {
  if (t->out.len == 0) tl_buf_shrink(&t->out, KEEP_ROOM);
  if (t->in.len == 0) tl_buf_shrink(&t->in, 0);
  SSL_free_buffers(t->ssl); /* refused while a record is under way */
}

/* Looking */

const char *tl_tls_error (const tl_tls *t) { return t->error; }

void tl_tls_get_info (const tl_tls *t, tl_tls_info *info) {
  X509 *cert = SSL_get0_peer_certificate(t->ssl);
  const unsigned char *alpn = NULL;
  unsigned n = 0;
  memset(info, 0, sizeof *info);
  info->version = SSL_get_version(t->ssl);
  info->cipher = SSL_get_cipher_name(t->ssl);
  if (cert) {
    tl_tls_name_of(X509_get_subject_name(cert), info->subject);
    info->until = tl_tls_time_of(X509_get0_notAfter(cert));
  }
  SSL_get0_alpn_selected(t->ssl, &alpn, &n);
  info->alpn = tl_slice_of(alpn, n);
  info->resumed = t->resumed;
  info->verified = t->context->verify != TL_TLS_VERIFY_NONE;
  info->asked_certificate = t->asked_certificate;
  info->psk = t->context->has_psk;
  memcpy(info->without_list, t->without_list, sizeof info->without_list);
}

void tl_tls_chain (const tl_tls *t, tl_buf *out) {
  STACK_OF(X509) *chain = SSL_get_peer_cert_chain(t->ssl);
  for (int i = 0; chain && i < sk_X509_num(chain); i++) {
    X509 *cert = sk_X509_value(chain, i);
    char subject[TL_TLS_NAME], issuer[TL_TLS_NAME], from[32], until[32], print[100];
    tl_tls_name_of(X509_get_subject_name(cert), subject);
    tl_tls_name_of(X509_get_issuer_name(cert), issuer);
    tl_tls_date(X509_get0_notBefore(cert), from);
    tl_tls_date(X509_get0_notAfter(cert), until);
    tl_tls_fingerprint(cert, print);
    tl_buf_fmt(out, "'%s' signed by '%s', %s to %s, SHA-256 %s\n", subject, issuer, from, until,
               print);
  }
}

tl_tls_session *tl_tls_take_session (tl_tls *t) {
  SSL_SESSION *s = t->session;
  t->session = NULL;
  return (tl_tls_session *)s;
}

void tl_tls_session_free (tl_tls_session *s) { SSL_SESSION_free((SSL_SESSION *)s); }

tl_buf *tl_tls_keylog (tl_tls *t) { return &t->keylog; }
