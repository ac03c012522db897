/* spec/tls/context_test.c — settings that make a context, and those that cannot: which field,
** why. */
#include "pki.h"

static identity ca, own, other;
static char encrypted[PEM_ROOM], both[2 * PEM_ROOM];

static int make_identities (void **unused) {
  (void)unused;
  identity_make(&ca, &(wanted){ .name = "Plant CA", .is_ca = true });
  identity_make(&own, &(wanted){ .name = "gw1", .signer = &ca, .from = -1, .until = 7 });
  identity_make(&other, &(wanted){ .name = "gw2", .signer = &ca, .rsa_bits = 2048 });
  BIO *bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, own.key, EVP_aes_256_cbc(), NULL, 0, NULL, "geheim");
  pem_of(bio, encrypted);
  snprintf(both, sizeof both, "%s%s", own.key_pem, own.pem);
  return 0;
}

static int free_identities (void **unused) {
  (void)unused;
  identity_free(&ca);
  identity_free(&own);
  identity_free(&other);
  return 0;
}

static void wrong (const tl_tls_settings *s, tl_tls_field field, const char *words) {
  tl_tls_context *c = NULL;
  tl_tls_field got = TL_TLS_FIELD_NONE;
  tl_err err = { .text = "" };
  tl_tls_settings copy = *s;
  copy.min_minor = 2;
  if (tl_tls_context_new(&c, &copy, &got, &err) == TL_OK) fail_msg("expected '%s'", words);
  if (got != field || !strstr(err.text, words)) fail_msg("%d '%s', not '%s'", got, err.text, words);
  assert_null(strstr(err.text, "geheim"));
}

#define TEXT(x) tl_slice_str(x)

static void wrong_texts_are_told_with_their_field (void **unused) {
  (void)unused;
  char damaged[2 * PEM_ROOM];
  snprintf(damaged, sizeof damaged, "%s%s", ca.pem, ca.pem);
  damaged[strlen(ca.pem) + 100] = '!';
  wrong(&(tl_tls_settings){ .ca = TL_LIT("x") }, TL_TLS_FIELD_CA,
        "holds no certificate in PEM form");
  wrong(&(tl_tls_settings){ .ca = TEXT(own.key_pem) }, TL_TLS_FIELD_CA,
        "a private key and no cert");
  wrong(&(tl_tls_settings){ .ca = TEXT(damaged) }, TL_TLS_FIELD_CA, "is damaged");
  wrong(&(tl_tls_settings){ .ca = TL_LIT("\x30\x82\x01\x9a") }, TL_TLS_FIELD_CA,
        "is in DER form: convert it, openssl x509 -inform der");
  wrong(&(tl_tls_settings){ .crl = TL_LIT("\x30\x81\x9a") }, TL_TLS_FIELD_CRL,
        "is in DER form: convert it, openssl crl -inform der");
  wrong(&(tl_tls_settings){ .cert = TL_LIT("\x30\x82\x01\x9a") }, TL_TLS_FIELD_CERT,
        "is in DER form: convert it, openssl x509 -inform der");
  wrong(&(tl_tls_settings){ .cert = TEXT(own.pem), .key = TL_LIT("\x30\x82\x01\x9a") },
        TL_TLS_FIELD_KEY, "is in DER form: convert it, openssl pkey -inform der");
  wrong(&(tl_tls_settings){ .cert = TL_LIT("x") }, TL_TLS_FIELD_CERT,
        "holds no certificate in PEM");
  wrong(&(tl_tls_settings){ .cert = TEXT(own.key_pem) }, TL_TLS_FIELD_CERT,
        "private key and no cert");
  wrong(&(tl_tls_settings){ .cert = TEXT(own.pem) }, TL_TLS_FIELD_CERT, "set tls_key_file");
  wrong(&(tl_tls_settings){ .cert = TEXT(own.pem), .key = TEXT(own.pem) }, TL_TLS_FIELD_KEY,
        "holds no private key in PEM form");
  wrong(&(tl_tls_settings){ .cert = TEXT(own.pem), .key = TEXT(ca.key_pem) }, TL_TLS_FIELD_KEY,
        "does not belong to the certificate in tls_cert_file");
  wrong(&(tl_tls_settings){ .cert = TEXT(own.pem), .key = TEXT(other.key_pem) }, TL_TLS_FIELD_KEY,
        "does not belong");
  wrong(&(tl_tls_settings){ .cert = TEXT(own.pem), .key = TEXT(encrypted) }, TL_TLS_FIELD_KEY,
        "is encrypted: set tls_key_password");
  wrong(&(tl_tls_settings){ .cert = TEXT(own.pem),
                            .key = TEXT(encrypted),
                            .key_password = TL_LIT("geheimer") },
        TL_TLS_FIELD_KEY_PASSWORD, "does not open the private key");
  wrong(&(tl_tls_settings){ .crl = TEXT(ca.pem) }, TL_TLS_FIELD_CRL, "holds no revocation list");
  wrong(&(tl_tls_settings){ .ciphers = TL_LIT("NONE:TLS_NONE") }, TL_TLS_FIELD_CIPHERS,
        "no cipher");
  wrong(&(tl_tls_settings){ .ciphers = TL_LIT(" : ") }, TL_TLS_FIELD_CIPHERS, "no cipher");
  wrong(&(tl_tls_settings){ .alpn = TL_LIT("\5mqtt") }, TL_TLS_FIELD_ALPN, "1 to 255");
}

static void takes_what_users_have (void **unused) {
  (void)unused;
  tl_tls_settings good[] = {
    { .cert = TEXT(both) }, /* the key before the certificate, in one file */
    { .cert = TEXT(own.pem), .key = TEXT(encrypted), .key_password = TL_LIT("geheim") },
    { .cert = TEXT(own.pem), .key = TEXT(own.key_pem), .key_password = TL_LIT("not needed") },
    { .ca = TL_LIT("# nothing\n"), .ca_is_system = true },
    { .ciphers = TL_LIT("ECDHE-RSA-AES256-GCM-SHA384, TLS_AES_128_GCM_SHA256") },
    { .ciphers = TL_LIT("TLS_AES_128_GCM_SHA256") },
    { .ca = TEXT(ca.pem), .alpn = TL_LIT("\xexx-amzn-mqtt-ca\4mqtt") },
  };
  good[6].alpn = TL_LIT("\16x-amzn-mqtt-ca\4mqtt");
  for (size_t i = 0; i < COUNT(good); i++) {
    good[i].min_minor = 2;
    tl_tls_context *c = context_of(&good[i]);
    tl_tls_context_drop(tl_tls_context_keep(c));
    tl_tls_context_drop(c);
  }
  tl_tls_context_drop(NULL);
}

static void tells_its_own_certificate (void **unused) {
  (void)unused;
  tl_tls_settings s = { .cert = TEXT(both), .min_minor = 2 };
  int64_t until = 0;
  char name[TL_TLS_NAME];
  tl_tls_context *c = context_of(&s);
  assert_true(tl_tls_context_own(c, &until, name));
  assert_string_equal(name, "CN=gw1");
  assert_true(until > 0);
  tl_tls_context_drop(c);
  s.cert = TL_LIT("");
  c = context_of(&s);
  assert_false(tl_tls_context_own(c, &until, name));
  tl_tls_context_drop(c);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(wrong_texts_are_told_with_their_field),
    cmocka_unit_test(takes_what_users_have),
    cmocka_unit_test(tells_its_own_certificate),
  };
  return cmocka_run_group_tests(tests, make_identities, free_identities);
}
