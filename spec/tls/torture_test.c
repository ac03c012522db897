/* spec/tls/torture_test.c — each request for memory and each call of OpenSSL that may fail fails in
** turn: there is no context, or no connection, and an error says why; data that came is right. */
#include "plant.h"
#include "support/torture.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

FAILING(SSL_CTX_new, SSL_CTX *, NULL, (const SSL_METHOD *m), (m))
FAILING(SSL_CTX_ctrl, long, 0, (SSL_CTX * c, int what, long n, void *at), (c, what, n, at))
FAILING(SSL_CTX_set_cipher_list, int, 0, (SSL_CTX * c, const char *list), (c, list))
FAILING(SSL_CTX_set_ciphersuites, int, 0, (SSL_CTX * c, const char *list), (c, list))
FAILING(SSL_CTX_set_alpn_protos, int, 1, (SSL_CTX * c, const unsigned char *at, unsigned n),
        (c, at, n))
FAILING(SSL_CTX_use_certificate, int, 0, (SSL_CTX * c, X509 *x), (c, x))
FAILING(SSL_CTX_use_PrivateKey, int, 0, (SSL_CTX * c, EVP_PKEY *k), (c, k))
FAILING(X509_check_private_key, int, 0, (const X509 *x, const EVP_PKEY *k), (x, k))
FAILING(X509_STORE_add_cert, int, 0, (X509_STORE * s, X509 *x), (s, x))
FAILING(X509_STORE_add_crl, int, 0, (X509_STORE * s, X509_CRL *x), (s, x))
FAILING(BIO_new_mem_buf, BIO *, NULL, (const void *at, int n), (at, n))
FAILING(BIO_new, BIO *, NULL, (const BIO_METHOD *m), (m))
FAILING(SSL_new, SSL *, NULL, (SSL_CTX * c), (c))
FAILING(SSL_set_ex_data, int, 0, (SSL * s, int at, void *data), (s, at, data))
FAILING(SSL_ctrl, long, 0, (SSL * s, int what, long n, void *at), (s, what, n, at))
FAILING(X509_VERIFY_PARAM_set1_host, int, 0, (X509_VERIFY_PARAM * p, const char *at, size_t n),
        (p, at, n))
FAILING(X509_VERIFY_PARAM_set1_ip_asc, int, 0, (X509_VERIFY_PARAM * p, const char *at), (p, at))
FAILING(SSL_set_session, int, 0, (SSL * s, SSL_SESSION *session), (s, session))
FAILING(SSL_do_handshake, int, (ERR_clear_error(), -1), (SSL * s), (s))
FAILING(SSL_write_ex, int, 0, (SSL * s, const void *at, size_t n, size_t *put), (s, at, n, put))
FAILING(SSL_read_ex, int, 0, (SSL * s, void *at, size_t n, size_t *got), (s, at, n, got))

static char crl[PEM_ROOM], chain[2 * PEM_ROOM];

static int make_identities (void **unused) {
  (void)unused;
  plant_make("DNS:broker,IP:10.0.0.1");
  crl_make(crl, &ca, NULL, -1, 7);
  snprintf(chain, sizeof chain, "%s%s", gateway.pem, ca.pem);
  return 0;
}

static void a_context_is_made_or_says_why_not (void **unused) {
  (void)unused;
  const tl_tls_settings kinds[] = {
    { .ca = tl_slice_str(ca.pem),
      .crl = tl_slice_str(crl),
      .cert = tl_slice_str(chain),
      .key = tl_slice_str(gateway.key_pem),
      .alpn = TL_LIT("\4mqtt"),
      .ciphers = TL_LIT("ECDHE-ECDSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256"),
      .min_minor = 2 },
    { .psk = TL_LIT("0123456789abcdef"), .psk_identity = TL_LIT("gw1"), .min_minor = 2 },
    { .ca = tl_slice_str(ca.pem), .ca_is_system = true, .min_minor = 3, .keylog = true },
  };
  for (size_t i = 0; i < COUNT(kinds); i++)
    for (torture_round t = { 0 }; torture_next(&t);) {
      tl_tls_context *c = NULL;
      tl_tls_field field;
      tl_err err = { .text = "" };
      memory_fails(t.at, t.for_ever);
      int rc = tl_tls_context_new(&c, &kinds[i], &field, &err);
      memory_heals();
      assert_true(memory_failed || rc == TL_OK);
      if (rc < 0) assert_true(!c && err.text[0] != '\0');
      tl_tls_context_drop(c);
      assert_int_equal(ERR_peek_error(), 0); /* nothing is left for the next one */
    }
}

/* Bytes from one to the other; false: one of them failed. */
static bool shakes (tl_tls *client, tl_tls *server) {
  int c = TL_EPARTIAL, s = TL_EPARTIAL;
  for (int i = 0; i < 20 && (c == TL_EPARTIAL || s == TL_EPARTIAL); i++) {
    if (c == TL_EPARTIAL) c = tl_tls_handshake(client);
    tl_buf *out = tl_tls_output(client);
    if (tl_tls_add(server, out->at, out->len) < 0) return false;
    tl_buf_clear(out);
    if (s == TL_EPARTIAL) s = tl_tls_handshake(server);
    out = tl_tls_output(server);
    if (tl_tls_add(client, out->at, out->len) < 0) return false;
    tl_buf_clear(out);
    if ((c < 0 && c != TL_EPARTIAL) || (s < 0 && s != TL_EPARTIAL)) return false;
  }
  return c == TL_OK && s == TL_OK;
}

static bool passes (tl_tls *from, tl_tls *to) {
  uint8_t room[64];
  size_t got = 0;
  if (tl_tls_write(from, "what is said", 12) < 0) return false;
  tl_buf *out = tl_tls_output(from);
  tl_tls_feed(to, out->at, out->len);
  bool kept = tl_tls_keep(to) == TL_OK;
  tl_buf_clear(out);
  if (!kept) return false;
  for (long n; (n = tl_tls_read(to, room + got, sizeof room - got)) > 0;) got += (size_t)n;
  assert_true(got <= 12 && memcmp(room, "what is said", got) == 0);
  return got == 12;
}

static void a_connection_works_or_fails (void **unused) {
  (void)unused;
  tl_tls_settings for_client = { .ca = tl_slice_str(ca.pem), .min_minor = 2, .keylog = true };
  tl_tls_settings for_server = { .cert = tl_slice_str(broker.pem),
                                 .key = tl_slice_str(broker.key_pem),
                                 .min_minor = 2,
                                 .verify = TL_TLS_VERIFY_NONE };
  tl_tls_context *client = context_of(&for_client), *server = context_of(&for_server);
  static const char *const names[] = { "broker", "10.0.0.1" };
  for (int kind = 0; kind < 2; kind++) {
    tl_tls_session *session = NULL;
    for (torture_round t = { 0 }; torture_next(&t);) {
      tl_tls_peer to = { .name = tl_slice_str(names[kind]), .resume = session };
      tl_tls_peer from = { .is_server = true };
      tl_tls *c = NULL, *s = NULL;
      tl_err err = { .text = "" };
      memory_fails(t.at, t.for_ever);
      int rc = tl_tls_new(&c, client, &to, &err);
      if (rc == TL_OK) rc = tl_tls_new(&s, server, &from, &err);
      bool well = rc == TL_OK && shakes(c, s) && passes(c, s) && passes(s, c);
      if (rc == TL_OK) tl_tls_close(c);
      memory_heals();
      assert_true(well || memory_failed);
      if (rc < 0) assert_true(!s && err.text[0] != '\0');
      if (well && !session) session = tl_tls_take_session(c);
      tl_tls_free(c);
      tl_tls_free(s);
      assert_int_equal(ERR_peek_error(), 0);
    }
    tl_tls_session_free(session);
  }
  tl_tls_context_drop(client);
  tl_tls_context_drop(server);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_context_is_made_or_says_why_not),
    cmocka_unit_test(a_connection_works_or_fails),
  };
  return cmocka_run_group_tests(tests, make_identities, plant_free);
}
