/* spec/tls/failure_test.c — each way in which a handshake fails, in TLS 1.2 and 1.3, with the
** words for it: cause and remedy. */
#include "pki.h"

static identity ca, other_ca, intermediate, good, by_intermediate, own, foreign_own;
static identity wrong, by_address, ipv6, no_names, self_signed, expired, early, not_server, weak;

static int make_identities (void **unused) {
  (void)unused;
  identity_make(&ca, &(wanted){ .name = "Plant CA", .is_ca = true });
  identity_make(&other_ca, &(wanted){ .name = "Other CA", .is_ca = true });
  identity_make(&intermediate, &(wanted){ .name = "Hall 5", .is_ca = true, .signer = &ca });
  identity_make(&good, &(wanted){ .name = "broker", .alternative = "DNS:broker", .signer = &ca });
  identity_make(
      &by_intermediate,
      &(wanted){ .name = "broker", .alternative = "DNS:broker", .signer = &intermediate });
  identity_make(&own, &(wanted){ .name = "gw1", .signer = &ca });
  identity_make(&foreign_own, &(wanted){ .name = "gw2", .signer = &other_ca });
  identity_make(
      &wrong,
      &(wanted){ .name = "x", .alternative = "DNS:other.local,DNS:*.plant.test", .signer = &ca });
  identity_make(&by_address, &(wanted){ .name = "x", .alternative = "IP:10.0.0.1", .signer = &ca });
  identity_make(&ipv6, &(wanted){ .name = "x", .alternative = "IP:::1", .signer = &ca });
  identity_make(&no_names, &(wanted){ .name = "broker", .signer = &ca });
  identity_make(&self_signed, &(wanted){ .name = "broker", .alternative = "DNS:broker" });
  identity_make(
      &expired,
      &(wanted){
          .name = "broker", .alternative = "DNS:broker", .signer = &ca, .from = -20, .until = -2 });
  identity_make(
      &early,
      &(wanted){
          .name = "broker", .alternative = "DNS:broker", .signer = &ca, .from = 2, .until = 20 });
  identity_make(&not_server, &(wanted){ .name = "broker",
                                        .alternative = "DNS:broker",
                                        .signer = &ca,
                                        .usage = "clientAuth" });
  identity_make(
      &weak,
      &(wanted){ .name = "broker", .alternative = "DNS:broker", .signer = &ca, .rsa_bits = 1024 });
  return 0;
}

static int free_identities (void **unused) {
  (void)unused;
  identity *all[] = { &ca,          &other_ca, &intermediate, &good, &by_intermediate, &own,
                      &foreign_own, &wrong,    &by_address,   &ipv6, &no_names,        &self_signed,
                      &expired,     &early,    &not_server,   &weak };
  for (size_t i = 0; i < COUNT(all); i++) identity_free(all[i]);
  return 0;
}

typedef struct {
  const identity *server, *chain, *ca, *own;
  const char *name;
  tl_tls_verify verify;
  bool wants_own;    /* the server insists on a client certificate */
  const char *words; /* in the error; NULL: it works */
  const char *more;
} one_case;

static const one_case cases[] = {
  { .server = &good, .name = "broker" },
  { .server = &good, .name = "BROKER" },
  { .server = &by_address, .name = "10.0.0.1" },
  { .server = &ipv6, .name = "::1" },
  { .server = &no_names, .name = "broker" },
  { .server = &self_signed, .ca = &self_signed, .name = "broker" },
  { .server = &by_intermediate, .chain = &intermediate, .name = "broker" },
  { .server = &by_intermediate, .ca = &intermediate, .name = "broker" },
  { .server = &wrong, .name = "a.plant.test" },
  { .server = &wrong, .name = "broker", .verify = TL_TLS_VERIFY_CHAIN },
  { .server = &self_signed, .name = "x", .verify = TL_TLS_VERIFY_NONE },
  { .server = &good, .name = "broker", .own = &own, .wants_own = true },
  { .server = &wrong,
    .name = "broker",
    .words = "the certificate is for 'other.local', '*.plant.test', not for 'broker': "
             "set tls_server_name = \"other.local\", or correct host" },
  { .server = &wrong, .name = "a.b.plant.test", .words = "not for 'a.b.plant.test'" },
  { .server = &good,
    .name = "10.0.0.1",
    .words = "the certificate is for 'broker', not for '10.0.0.1': "
             "set tls_server_name = \"broker\", or correct host" },
  { .server = &no_names,
    .name = "plant.test",
    .words = "is for 'broker', not for 'plant.test': set tls_server_name = \"broker\"" },
  { .server = &by_address,
    .name = "10.0.0.2",
    .words = "is for '10.0.0.1', not for '10.0.0.2': set tls_server_name = \"10.0.0.1\"" },
  { .server = &self_signed,
    .name = "broker",
    .words = "the certificate 'CN=broker' is self-signed "
             "and not trusted (SHA-256 ",
    .more = "give it as tls_ca_file" },
  { .server = &self_signed,
    .name = "broker",
    .verify = TL_TLS_VERIFY_CHAIN,
    .words = "is self-signed" },
  { .server = &good,
    .ca = &other_ca,
    .name = "broker",
    .words = "signed by 'CN=Plant CA', which is "
             "not trusted: give its file as tls_ca_file" },
  { .server = &good,
    .chain = &ca,
    .ca = &other_ca,
    .name = "broker",
    .words = "signed by "
             "'CN=Plant CA', which is not trusted" },
  { .server = &by_intermediate,
    .name = "broker",
    .words = "signed by 'CN=Hall 5', which is not "
             "trusted",
    .more = "let the broker send its whole chain" },
  { .server = &by_intermediate,
    .chain = &intermediate,
    .ca = &other_ca,
    .name = "broker",
    .words = "the chain ends at 'CN=Hall 5', signed by 'CN=Plant CA', which is not trusted" },
  { .server = &expired,
    .name = "broker",
    .words = "the certificate 'CN=broker' expired on 20",
    .more = "our clock is right: it says 20" },
  { .server = &early, .name = "broker", .words = "is not valid before 20", .more = "it says 20" },
  { .server = &not_server, .name = "broker", .words = "is not for servers (extended key usage)" },
  { .server = &weak,
    .name = "broker",
    .words = "the key of 1024 bits in a certificate is too weak" },
  { .server = &good,
    .name = "broker",
    .wants_own = true,
    .words = "the broker wants a client "
             "certificate: set tls_cert_file and tls_key_file" },
  { .server = &good,
    .name = "broker",
    .own = &foreign_own,
    .wants_own = true,
    .words = "does not trust the CA of our client certificate 'CN=gw2' (alert unknown CA)" },
};

static void run_case (const one_case *c, int version, pair *p) {
  tl_tls_settings client = { .ca = tl_slice_str((c->ca ? c->ca : &ca)->pem),
                             .min_minor = 2,
                             .verify = c->verify };
  tl_tls_settings server = { .ca = tl_slice_str(ca.pem),
                             .min_minor = 2,
                             .ciphers = TL_LIT("DEFAULT@SECLEVEL=0"),
                             .verify = TL_TLS_VERIFY_NONE };
  char chain[2 * PEM_ROOM];
  snprintf(chain, sizeof chain, "%s%s", c->server->pem, c->chain ? c->chain->pem : "");
  server.cert = tl_slice_str(chain);
  server.key = tl_slice_str(c->server->key_pem);
  if (c->own) {
    client.cert = tl_slice_str(c->own->pem);
    client.key = tl_slice_str(c->own->key_pem);
  }
  tl_tls_context *to = context_of(&client), *from = context_of(&server);
  SSL_CTX_set_max_proto_version(from->ssl, version);
  if (c->wants_own)
    SSL_CTX_set_verify(from->ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  pair_open(p, to, from, c->name, NULL);
  pair_shake(p, 100000);
}

static void every_case_has_its_words (void **unused) {
  (void)unused;
  static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
  for (size_t i = 0; i < COUNT(cases); i++) {
    for (size_t v = 0; v < COUNT(versions); v++) {
      const one_case *c = &cases[i];
      pair p;
      uint8_t room[10];
      run_case(c, versions[v], &p);
      long rc = p.client_rc == TL_OK ? tl_tls_read(p.client, room, sizeof room) : p.client_rc;
      const char *text = tl_tls_error(p.client);
      if (c->words) {
        if (rc != TL_EREFUSED || !strstr(text, c->words) || (c->more && !strstr(text, c->more)))
          fail_msg("case %zu, version %zu: %ld '%s'", i, v, rc, text);
      } else if (rc != TL_EPARTIAL) {
        fail_msg("case %zu, version %zu: %ld '%s'", i, v, rc, text);
      }
      pair_close(&p);
      tl_tls_context_drop(p.contexts[0]);
      tl_tls_context_drop(p.contexts[1]);
    }
  }
}

/* What the client finds with these lists; `below`: the intermediate CA signs the broker. */
static void lists_give (const char *lists, bool below, const identity *trusted, const char *words,
                        const char *unlisted) {
  static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
  char chain[2 * PEM_ROOM];
  const identity *broker = below ? &by_intermediate : &good;
  snprintf(chain, sizeof chain, "%s%s", broker->pem, below ? intermediate.pem : "");
  for (size_t v = 0; v < COUNT(versions); v++) {
    tl_tls_settings client = { .ca = tl_slice_str(trusted->pem),
                               .crl = tl_slice_str(lists),
                               .min_minor = 2 };
    tl_tls_settings server = { .cert = tl_slice_str(chain),
                               .key = tl_slice_str(broker->key_pem),
                               .verify = TL_TLS_VERIFY_NONE,
                               .min_minor = 2 };
    tl_tls_context *to = context_of(&client), *from = context_of(&server);
    pair p;
    tl_tls_info info;
    SSL_CTX_set_max_proto_version(from->ssl, versions[v]);
    pair_open(&p, to, from, "broker", NULL);
    pair_shake(&p, 100000);
    const char *text = tl_tls_error(p.client);
    if (words ? !strstr(text, words) : p.client_rc != TL_OK)
      fail_msg("expected '%s', got '%s'", words ? words : "a connection", text);
    tl_tls_get_info(p.client, &info);
    if (!words) assert_string_equal(info.without_list, unlisted);
    pair_close(&p);
    tl_tls_context_drop(to);
    tl_tls_context_drop(from);
  }
}

static void revoked_ones_are_told (void **unused) {
  (void)unused;
  static const struct {
    bool revoked;
    long from, until;
    const identity *by;
    const char *words;
  } lists[] = {
    { false, -1, 10, &ca, NULL },
    { true, -1, 10, &ca, "the certificate 'CN=broker' was revoked by its CA" },
    { false, -10, -1, &ca, "the list of 'CN=Plant CA' in tls_crl_file is too old, it ended on 20" },
    { false, 1, 10, &ca,
      "the list of 'CN=Plant CA' in tls_crl_file is not valid yet: is our clock right? it says "
      "20" },
    { false, -1, 10, &other_ca,
      "tls_crl_file has no list of 'CN=Plant CA', the CA that signed 'CN=broker': add it" },
  };
  for (size_t i = 0; i < COUNT(lists); i++) {
    char crl[PEM_ROOM];
    crl_make(crl, lists[i].by, lists[i].revoked ? &good : NULL, lists[i].from, lists[i].until);
    lists_give(crl, false, &ca, lists[i].words, "");
  }
}

/* The lists of a chain: its root revokes the CA below, which revokes the broker. */
static void lists_of_a_whole_chain_count (void **unused) {
  (void)unused;
  char of_root[PEM_ROOM], of_below[PEM_ROOM], both[2 * PEM_ROOM];
  crl_make(of_below, &intermediate, NULL, -1, 10);
  lists_give(of_below, true, &ca, NULL, "CN=Plant CA"); /* it is told that the root's is missing */
  lists_give(of_below, true, &intermediate, NULL, "");  /* no list is needed of who is trusted */
  crl_make(of_root, &ca, NULL, -1, 10);
  lists_give(of_root, true, &ca, "no list of 'CN=Hall 5', the CA that signed 'CN=broker'", NULL);
  snprintf(both, sizeof both, "%s%s", of_below, of_root);
  lists_give(both, true, &ca, NULL, "");
  crl_make(of_root, &ca, &intermediate, -1, 10);
  snprintf(both, sizeof both, "%s%s", of_below, of_root);
  lists_give(both, true, &ca, "the certificate 'CN=Hall 5' was revoked by its CA", NULL);
  crl_make(of_root, &ca, NULL, -10, -1);
  snprintf(both, sizeof both, "%s%s", of_root, of_below);
  lists_give(both, true, &ca, "the list of 'CN=Plant CA' in tls_crl_file is too old", NULL);
  crl_make(of_below, &intermediate, &by_intermediate, -1, 10);
  lists_give(of_below, true, &ca, "the certificate 'CN=broker' was revoked by its CA", NULL);
}

/* Its certificate is not looked at, so it is not the cause of what goes wrong then. */
static void what_is_not_verified_is_no_cause (void **unused) {
  (void)unused;
  static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
  for (size_t v = 0; v < COUNT(versions); v++) {
    one_case c = {
      .server = &self_signed, .name = "broker", .verify = TL_TLS_VERIFY_NONE, .wants_own = true
    };
    pair p;
    uint8_t room[10];
    run_case(&c, versions[v], &p);
    if (p.client_rc == TL_OK) p.client_rc = (int)tl_tls_read(p.client, room, sizeof room);
    assert_int_equal(p.client_rc, TL_EREFUSED);
    assert_string_equal(tl_tls_error(p.client), "the broker wants a client certificate: set "
                                                "tls_cert_file and tls_key_file");
    pair_close(&p);
    tl_tls_context_drop(p.contexts[0]);
    tl_tls_context_drop(p.contexts[1]);
  }
}

/* The server's side in one way or another; the client's settings likewise. */
static void settings_fail (tl_tls_settings *client, void (*tweak)(SSL_CTX *), const char *name,
                           const char *words) {
  tl_tls_settings server = { .cert = tl_slice_str(good.pem),
                             .key = tl_slice_str(good.key_pem),
                             .ciphers = TL_LIT("DEFAULT@SECLEVEL=0"),
                             .verify = TL_TLS_VERIFY_NONE };
  tl_tls_context *to = context_of(client), *from = context_of(&server);
  pair p;
  uint8_t room[10];
  tweak(from->ssl);
  pair_open(&p, to, from, name, NULL);
  pair_shake(&p, 100000);
  if (p.client_rc == TL_OK) p.client_rc = (int)tl_tls_read(p.client, room, sizeof room);
  if (p.client_rc != TL_EREFUSED || !strstr(tl_tls_error(p.client), words))
    fail_msg("expected '%s', got %d '%s'", words, p.client_rc, tl_tls_error(p.client));
  pair_close(&p);
  tl_tls_context_drop(to);
  tl_tls_context_drop(from);
}

static void old_versions (SSL_CTX *ssl) { SSL_CTX_set_max_proto_version(ssl, TLS1_1_VERSION); }

static void other_ciphers (SSL_CTX *ssl) {
  SSL_CTX_set_max_proto_version(ssl, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(ssl, "ECDHE-ECDSA-AES128-GCM-SHA256");
}

static int no_protocol (SSL *ssl, const unsigned char **out, unsigned char *n,
                        const unsigned char *in, unsigned in_len, void *ctx) {
  (void)ssl, (void)out, (void)n, (void)in, (void)in_len, (void)ctx;
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void other_protocol (SSL_CTX *ssl) { SSL_CTX_set_alpn_select_cb(ssl, no_protocol, NULL); }

static int no_name (SSL *ssl, int *alert, void *ctx) {
  (void)ssl, (void)ctx;
  *alert = SSL_AD_UNRECOGNIZED_NAME;
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void other_name (SSL_CTX *ssl) { SSL_CTX_set_tlsext_servername_callback(ssl, no_name); }
static void as_it_is (SSL_CTX *ssl) { (void)ssl; }

static void nothing_in_common_is_told (void **unused) {
  (void)unused;
  tl_tls_settings s = { .ca = tl_slice_str(ca.pem), .min_minor = 2 };
  settings_fail(&s, old_versions, "broker",
                "no TLS version in common with us (tls_min_version is "
                "\"1.2\")");
  settings_fail(&s, other_name, "broker", "does not know the name 'broker': set tls_server_name");
  s.alpn = TL_LIT("\3abc");
  settings_fail(&s, other_protocol, "broker", "no protocol in common with us: correct tls_alpn");
  s.alpn = TL_LIT("");
  s.ciphers = TL_LIT("ECDHE-RSA-AES256-GCM-SHA384");
  settings_fail(&s, other_ciphers, "broker", "no cipher in common with us");
  s.ciphers = TL_LIT("");
  s.psk = TL_LIT("0123456789abcdef");
  s.psk_identity = TL_LIT("gw1");
  s.ca = TL_LIT("");
  settings_fail(&s, as_it_is, "broker", "PSK");
}

static void a_psk_works_and_a_wrong_one_is_told (void **unused) {
  (void)unused;
  static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
  for (size_t v = 0; v < COUNT(versions); v++) {
    for (int good_key = 0; good_key < 3; good_key++) {
      tl_tls_settings s = { .psk = TL_LIT("0123456789abcdef"),
                            .psk_identity = TL_LIT("gw1"),
                            .min_minor = 2 };
      tl_tls_context *from = context_of(&s);
      if (good_key == 0) s.psk = TL_LIT("0123456789abcdeX");
      if (good_key == 1) s.psk_identity = TL_LIT("gw2");
      tl_tls_context *to = context_of(&s);
      pair p;
      SSL_CTX_set_max_proto_version(from->ssl, versions[v]);
      SSL_CTX_set_session_id_context(from->ssl, (const unsigned char *)"spec", 4);
      pair_open(&p, to, from, "broker", NULL);
      pair_shake(&p, 100000);
      tl_tls_info info;
      tl_tls_get_info(p.client, &info);
      assert_true(info.psk && !info.resumed);
      if (good_key == 2
              ? p.client_rc != TL_OK
              : !strstr(tl_tls_error(p.client), "PSK: correct tls_psk and tls_psk_identity"))
        fail_msg("%zu %d: %d '%s'", v, good_key, p.client_rc, tl_tls_error(p.client));
      if (good_key == 2) assert_int_equal(tl_tls_handshake(p.client), TL_OK); /* again: as it is */
      pair_close(&p);
      tl_tls_context_drop(to);
      tl_tls_context_drop(from);
    }
  }
}

static void what_is_no_tls_is_named (void **unused) {
  (void)unused;
  static const struct {
    tl_slice bytes;
    const char *words;
  } answers[] = {
#define SAYS(text, words) { { (const uint8_t *)text, sizeof text - 1 }, words }
    SAYS("HTTP/1.1 400 Bad Request\r\n", "no TLS port: it answers with plain HTTP"),
    SAYS("\x20\x02\x00\x05", "no TLS port: it answers with plain MQTT"),
    SAYS("\x20\x02\x00", "no TLS port: it answers with plain MQTT"),
    SAYS("SSH-2.0-OpenSSH", "no TLS port: it answers with 0x53"),
    SAYS("", "closed the connection at our first TLS message"),
    SAYS("\x16\x03\x03\x00\x40\x02", "in the middle of the TLS handshake"),
  };
  for (size_t i = 0; i < COUNT(answers); i++) {
    tl_tls_settings s = { .ca = tl_slice_str(ca.pem), .min_minor = 2 };
    tl_tls_context *c = context_of(&s);
    tl_tls_peer peer = { .name = TL_LIT("broker") };
    tl_tls *t = NULL;
    assert_int_equal(tl_tls_new(&t, c, &peer, NULL), TL_OK);
    assert_int_equal(tl_tls_handshake(t), TL_EPARTIAL);
    tl_tls_feed(t, answers[i].bytes.at, answers[i].bytes.len);
    int rc = tl_tls_handshake(t);
    if (rc == TL_EPARTIAL) rc = tl_tls_end(t);
    if (rc != TL_EREFUSED || !strstr(tl_tls_error(t), answers[i].words))
      fail_msg("answer %zu: %d %s", i, rc, tl_tls_error(t));
    assert_int_equal(tl_tls_handshake(t), rc); /* and it stays so */
    tl_tls_free(t);
    tl_tls_context_drop(c);
  }
}

/* --- each cause by itself: what OpenSSL found, or what the broker said --- */

typedef struct {
  int verify_error, alert; /* alert -1: none */
  bool asked, has_own, has_psk;
  const char *words;
} cause;

static void is_told_as (const cause *c) {
  tl_tls_settings s = { .ca = tl_slice_str(ca.pem), .min_minor = 2 };
  tl_tls_context *context = context_of(&s);
  tl_tls_peer peer = { .name = TL_LIT("broker") };
  tl_tls *t = NULL;
  assert_int_equal(tl_tls_new(&t, context, &peer, NULL), TL_OK);
  context->has_own = c->has_own;
  context->has_psk = c->has_psk;
  snprintf(context->own_name, sizeof context->own_name, "CN=gw1");
  t->asked_certificate = c->asked;
  t->alert = c->alert;
  t->verify_error = c->verify_error;
  if (c->verify_error != X509_V_OK && X509_up_ref(good.cert)) t->bad = good.cert;
  tl_tls_explain(t, 0);
  if (!strstr(tl_tls_error(t), c->words))
    fail_msg("error %d, alert %d: '%s'", c->verify_error, c->alert, tl_tls_error(t));
  context->has_own = context->has_psk = false;
  tl_tls_free(t);
  tl_tls_context_drop(context);
}

static void what_the_broker_says_is_told_with_its_remedy (void **unused) {
  static const cause causes[] = {
    { .alert = SSL_AD_UNKNOWN_CA,
      .has_own = true,
      .words = "does not trust the CA of our client certificate 'CN=gw1' (alert unknown CA)" },
    { .alert = SSL_AD_UNKNOWN_CA, .words = "does not trust the CA of our client certificate (" },
    { .alert = SSL_AD_UNKNOWN_CA, .asked = true, .words = "set tls_cert_file and tls_key_file" },
    { .alert = SSL_AD_CERTIFICATE_EXPIRED,
      .has_own = true,
      .asked = true,
      .words = "'CN=gw1' has expired: renew it" },
    { .alert = SSL_AD_CERTIFICATE_REVOKED, .has_own = true, .words = "was revoked: get a new one" },
    { .alert = SSL_AD_BAD_CERTIFICATE,
      .has_own = true,
      .words = "does not accept our client certificate 'CN=gw1' (alert bad certificate)" },
    { .alert = SSL_AD_UNSUPPORTED_CERTIFICATE, .has_own = true, .words = "does not accept" },
    { .alert = SSL_AD_CERTIFICATE_UNKNOWN, .has_own = true, .words = "does not accept" },
    { .alert = SSL_AD_CERTIFICATE_REQUIRED, .words = "wants a client certificate" },
    { .alert = SSL_AD_HANDSHAKE_FAILURE, .asked = true, .words = "wants a client certificate" },
    { .alert = SSL_AD_HANDSHAKE_FAILURE,
      .asked = true,
      .has_own = true,
      .words = "no cipher in common" },
    { .alert = SSL_AD_INSUFFICIENT_SECURITY, .has_psk = true, .words = "does not take our PSK" },
    { .alert = SSL_AD_BAD_RECORD_MAC, .has_psk = true, .words = "does not take our PSK" },
    { .alert = SSL_AD_DECRYPT_ERROR, .words = "ended TLS with the alert 'decrypt error'" },
    { .alert = SSL_AD_ACCESS_DENIED, .words = "denies access" },
    { .alert = SSL_AD_INTERNAL_ERROR, .words = "failed inside its TLS" },
    { .alert = SSL_AD_USER_CANCELLED, .words = "ended TLS with the alert 'user canceled'" },
    { .alert = -1, .words = "TLS failed: no reason given (in the handshake)" },
  };
  (void)unused;
  for (size_t i = 0; i < COUNT(causes); i++) is_told_as(&causes[i]);
}

static void what_openssl_finds_is_told_with_its_remedy (void **unused) {
  static const cause causes[] = {
    { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, -1, .words = "signed by 'CN=Plant CA'" },
    { X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, -1, .words = "signed by 'CN=Plant CA'" },
    { X509_V_ERR_CRL_SIGNATURE_FAILURE, -1, .words = "does not fit 'CN=broker': " },
    { X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, -1, .words = "does not fit 'CN=broker': " },
    { X509_V_ERR_CRL_NOT_YET_VALID, -1, .words = "is not valid yet: is our clock right?" },
    { X509_V_ERR_INVALID_CA, -1, .words = "signed by one that is no CA" },
    { X509_V_ERR_EE_KEY_TOO_SMALL, -1,
      .words = "the key of 256 bits in a certificate is too weak" },
    { X509_V_ERR_CA_KEY_TOO_SMALL, -1,
      .words = "the key of 256 bits in a certificate is too weak" },
    { X509_V_ERR_CA_MD_TOO_WEAK, -1, .words = "renew it with SHA-256" },
    { X509_V_ERR_CERT_SIGNATURE_FAILURE, -1, .words = "another CA of that name" },
    { X509_V_ERR_PATH_LENGTH_EXCEEDED, -1, .words = "is refused: path length constraint exceeded" },
    { X509_V_ERR_CERT_HAS_EXPIRED, -1, .has_psk = true, .words = "does not take our PSK" },
  };
  (void)unused;
  for (size_t i = 0; i < COUNT(causes); i++) is_told_as(&causes[i]);
}

static void what_stands_in_a_certificate_is_shown (void **unused) {
  static const struct {
    const char *alternative, *shown, *usable;
  } rows[] = {
    { "DNS:*.a,DNS:b,email:x@y.z,DNS:c,DNS:d,IP:10.0.0.1", "'*.a', 'b', 'c' and 2 more", "b" },
    { "IP:fd00::17,IP:10.0.0.1", "'fd00:0:0:0:0:0:0:17', '10.0.0.1'", "fd00:0:0:0:0:0:0:17" },
    { "DNS:*.a", "'*.a'", "" },
    { "email:x@y.z", "'gw'", "gw" },
  };
  char names[300], date[32], small[24], usable[TL_TLS_NAME];
  (void)unused;
  for (size_t i = 0; i < COUNT(rows); i++) {
    identity one;
    identity_make(&one, &(wanted){ .name = "gw", .alternative = rows[i].alternative });
    tl_tls_names_in(one.cert, names, sizeof names, usable);
    assert_string_equal(names, rows[i].shown);
    assert_string_equal(usable, rows[i].usable);
    tl_tls_names_in(one.cert, small, sizeof small, usable); /* what does not fit is left out */
    assert_true(strlen(small) < sizeof small);
    identity_free(&one);
  }
  ASN1_TIME *never = ASN1_TIME_new();
  assert_int_equal(tl_tls_time_of(never), 0);
  tl_tls_date(never, date);
  assert_string_equal(date, "an unreadable time");
  tl_tls_date(NULL, date);
  assert_string_equal(date, "an unreadable time");
  ASN1_TIME_free(never);
}

static void names_of_strangers_are_cleaned (void **unused) {
  (void)unused;
  identity evil;
  identity_make(&evil, &(wanted){ .name = "br\033[2Joker", .alternative = "DNS:broker" });
  one_case c = { .server = &evil, .name = "broker" };
  pair p;
  run_case(&c, TLS1_3_VERSION, &p);
  for (const char *at = tl_tls_error(p.client); *at; at++) assert_true((uint8_t)*at >= 0x20);
  assert_non_null(strstr(tl_tls_error(p.client), "self-signed"));
  pair_close(&p);
  tl_tls_context_drop(p.contexts[0]);
  tl_tls_context_drop(p.contexts[1]);
  identity_free(&evil);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_case_has_its_words),
    cmocka_unit_test(revoked_ones_are_told),
    cmocka_unit_test(lists_of_a_whole_chain_count),
    cmocka_unit_test(what_is_not_verified_is_no_cause),
    cmocka_unit_test(nothing_in_common_is_told),
    cmocka_unit_test(a_psk_works_and_a_wrong_one_is_told),
    cmocka_unit_test(what_is_no_tls_is_named),
    cmocka_unit_test(what_the_broker_says_is_told_with_its_remedy),
    cmocka_unit_test(what_openssl_finds_is_told_with_its_remedy),
    cmocka_unit_test(what_stands_in_a_certificate_is_shown),
    cmocka_unit_test(names_of_strangers_are_cleaned),
  };
  return cmocka_run_group_tests(tests, make_identities, free_identities);
}
