/* core/tls/failure.c — why a connection failed and what to do, in one sentence that a
** technician reads once. OpenSSL says "certificate verify failed" to nearly all of it; the
** cause stands in the result of the verification, in the alert of the peer, and in the first
** bytes that it sent. */
#include "tls/tls_impl.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/printable.h"

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void
set_error (tl_tls *t, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  vsnprintf(t->error, sizeof t->error, fmt, args);
  va_end(args);
}

static void our_clock (char out[32]) {
  ASN1_TIME *now = X509_gmtime_adj(NULL, 0);
  tl_tls_date(now, out);
  ASN1_TIME_free(now);
}

/* The certificate that was refused */

static void wrong_name (tl_tls *t) {
  char names[240], usable[TL_TLS_NAME];
  tl_tls_names_in(t->bad, names, sizeof names, usable);
  if (usable[0])
    set_error(t,
              "the certificate is for %.190s, not for '%.64s': set tls_server_name = \"%s\", "
              "or correct host",
              names, t->name, usable);
  else
    set_error(t,
              "the certificate is for %.190s, not for '%.64s': set tls_server_name to a name that "
              "it has, or correct host",
              names, t->name);
}

static void wrong_time (tl_tls *t, bool expired) {
  char date[32], now[32], subject[TL_TLS_NAME];
  tl_tls_date(expired ? X509_get0_notAfter(t->bad) : X509_get0_notBefore(t->bad), date);
  tl_tls_name_of(X509_get_subject_name(t->bad), subject);
  our_clock(now);
  if (expired)
    set_error(t,
              "the certificate '%.80s' expired on %s: renew it (if our clock is right: it says %s)",
              subject, date, now);
  else
    set_error(t, "the certificate '%.80s' is not valid before %s: is our clock right? it says %s",
              subject, date, now);
}

static void unknown_signer (tl_tls *t) {
  char subject[TL_TLS_NAME], issuer[TL_TLS_NAME], print[100];
  STACK_OF(X509) *chain = SSL_get_peer_cert_chain(t->ssl);
  tl_tls_name_of(X509_get_subject_name(t->bad), subject);
  tl_tls_name_of(X509_get_issuer_name(t->bad), issuer);
  if (t->verify_error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT) {
    tl_tls_fingerprint(t->bad, print);
    set_error(t,
              "the certificate '%.80s' is self-signed and not trusted (SHA-256 %.95s): give it as "
              "tls_ca_file",
              subject, print);
  } else if (t->verify_error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN) {
    set_error(t,
              "the certificate is signed by '%.80s', which is not trusted: give its file as "
              "tls_ca_file",
              subject);
  } else if (chain && sk_X509_num(chain) <= 1) {
    set_error(
        t,
        "the certificate is signed by '%.80s', which is not trusted: give its file as tls_ca_file "
        "(or, if that is an intermediate one, let the broker send its whole chain)",
        issuer);
  } else {
    set_error(t,
              "the chain ends at '%.80s', signed by '%.80s', which is not trusted: give that one's "
              "file as tls_ca_file",
              subject, issuer);
  }
}

static void wrong_list (tl_tls *t) { /* a CRL */
  char subject[TL_TLS_NAME], issuer[TL_TLS_NAME], now[32];
  tl_tls_name_of(X509_get_subject_name(t->bad), subject);
  tl_tls_name_of(X509_get_issuer_name(t->bad), issuer);
  our_clock(now);
  switch (t->verify_error) {
    case X509_V_ERR_CERT_REVOKED:
      set_error(t, "the certificate '%.80s' was revoked by its CA: the broker needs a new one",
                subject);
      return;
    case X509_V_ERR_CRL_HAS_EXPIRED:
      set_error(
          t,
          "the list of '%.80s' in tls_crl_file is too old, it ended on %s: fetch that CA's newest "
          "one (if our clock is right: it says %s)",
          issuer, t->list_until, now);
      return;
    case X509_V_ERR_CRL_NOT_YET_VALID:
      set_error(
          t, "the list of '%.80s' in tls_crl_file is not valid yet: is our clock right? it says %s",
          issuer, now);
      return;
    case X509_V_ERR_UNABLE_TO_GET_CRL:
      set_error(t, "tls_crl_file has no list of '%.80s', the CA that signed '%.80s': add it",
                issuer, subject);
      return;
    default:
      set_error(t, "the list in tls_crl_file does not fit '%.80s': %s", subject,
                X509_verify_cert_error_string(t->verify_error));
  }
}

static void refused_certificate (tl_tls *t) {
  if (t->context->has_psk) {
    set_error(t, "the broker shows a certificate and does not take our PSK: correct tls_psk and "
                 "tls_psk_identity");
    return;
  }
  switch (t->verify_error) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: wrong_name(t); return;
    case X509_V_ERR_CERT_HAS_EXPIRED: wrong_time(t, true); return;
    case X509_V_ERR_CERT_NOT_YET_VALID: wrong_time(t, false); return;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknown_signer(t); return;
    case X509_V_ERR_CERT_REVOKED:
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER: wrong_list(t); return;
    case X509_V_ERR_INVALID_PURPOSE:
      set_error(
          t,
          "the certificate is not for servers (extended key usage): the broker needs one that is");
      return;
    case X509_V_ERR_INVALID_CA:
      set_error(
          t,
          "the certificate is signed by one that is no CA (basic constraints): correct the chain");
      return;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
      set_error(
          t,
          "the key of %d bits in a certificate is too weak (OpenSSL security level): renew the "
          "certificate with a larger one",
          EVP_PKEY_get_bits(X509_get0_pubkey(t->bad)));
      return;
    case X509_V_ERR_CA_MD_TOO_WEAK:
      set_error(t, "a certificate is signed with a digest that is too weak: renew it with SHA-256");
      return;
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      set_error(
          t,
          "the signature of the certificate is wrong: tls_ca_file holds another CA of that name");
      return;
    default:
      set_error(
          t,
          "the certificate is refused: %s: let the broker have another one, or correct tls_ca_file",
          X509_verify_cert_error_string(t->verify_error));
  }
}

/* What the peer said */

static void own_of (const tl_tls *t, char *out, size_t room) {
  if (t->context->has_own)
    snprintf(out, room, " '%.80s'", t->context->own_name);
  else
    out[0] = '\0';
}

static void no_certificate (tl_tls *t) {
  set_error(t, "the broker wants a client certificate: set tls_cert_file and tls_key_file");
}

static void about_own (tl_tls *t) {
  char own[100];
  own_of(t, own, sizeof own);
  if (!t->context->has_own && t->asked_certificate) {
    no_certificate(t);
    return;
  }
  switch (t->alert) {
    case SSL_AD_UNKNOWN_CA:
      set_error(
          t,
          "the broker does not trust the CA of our client certificate%s (alert unknown CA): let "
          "it trust that CA, or correct tls_cert_file",
          own);
      return;
    case SSL_AD_CERTIFICATE_EXPIRED:
      set_error(
          t,
          "the broker says that our client certificate%s has expired: renew it, or look at the "
          "clocks",
          own);
      return;
    case SSL_AD_CERTIFICATE_REVOKED:
      set_error(t, "the broker says that our client certificate%s was revoked: get a new one", own);
      return;
    default:
      set_error(
          t,
          "the broker does not accept our client certificate%s (alert %s): correct tls_cert_file",
          own, SSL_alert_desc_string_long(t->alert));
  }
}

static void handshake_failure (tl_tls *t) {
  if (t->asked_certificate && !t->context->has_own)
    no_certificate(t);
  else if (t->context->has_psk)
    set_error(t, "the broker does not take our PSK: correct tls_psk and tls_psk_identity");
  else
    set_error(t, "the broker has no cipher in common with us (alert handshake failure): look at "
                 "tls_ciphers; it may also want a client certificate or tls_psk");
}

static void alert_logged (tl_tls *t) {
  static const char *const versions[] = { "1.0", "1.1", "1.2", "1.3" };
  switch (t->alert) {
    case SSL_AD_PROTOCOL_VERSION:
      set_error(
          t,
          "the broker has no TLS version in common with us (tls_min_version is \"%s\"): update "
          "the broker, or lower tls_min_version",
          versions[t->context->min_minor]);
      return;
    case SSL_AD_HANDSHAKE_FAILURE:
    case SSL_AD_INSUFFICIENT_SECURITY: handshake_failure(t); return;
    case SSL_AD_UNRECOGNIZED_NAME:
      set_error(t, "the broker does not know the name '%.100s': set tls_server_name", t->name);
      return;
    case SSL_AD_NO_APPLICATION_PROTOCOL:
      set_error(t, "the broker has no protocol in common with us: correct tls_alpn");
      return;
    case SSL_AD_UNKNOWN_PSK_IDENTITY:
    case SSL_AD_ILLEGAL_PARAMETER: /* OpenSSL's servers of TLS 1.2 */
    case SSL_AD_BAD_RECORD_MAC:    /* TLS 1.2 and another key */
    case SSL_AD_DECRYPT_ERROR:
      if (t->context->has_psk) {
        set_error(t, "the broker does not take our PSK: correct tls_psk and tls_psk_identity");
        return;
      }
      break;
    case SSL_AD_CERTIFICATE_REQUIRED: no_certificate(t); return;
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA: about_own(t); return;
    case SSL_AD_ACCESS_DENIED:
      set_error(t, "the broker denies access (TLS alert): does it know our client certificate?");
      return;
    case SSL_AD_INTERNAL_ERROR:
      set_error(t, "the broker failed inside its TLS (alert internal error): look at its log");
      return;
    default: break;
  }
  set_error(t, "the broker ended TLS with the alert '%s': look at its log",
            SSL_alert_desc_string_long(t->alert));
}

/* What it speaks, when that is no TLS */

static bool speaks (const tl_tls *t, const char *beginning) {
  size_t n = strlen(beginning);
  return t->received >= n && memcmp(t->first, beginning, n) == 0;
}

static void no_tls (tl_tls *t) {
  static const uint8_t connack[] = { 0x20, 0x02 };
  if (speaks(t, "HTTP"))
    set_error(t, "that is no TLS port: it answers with plain HTTP: correct the port, or use ws://");
  else if (t->received >= 2 && memcmp(t->first, connack, 2) == 0)
    set_error(t,
              "that is no TLS port: it answers with plain MQTT: use mqtt://, or correct the port");
  else
    set_error(t, "that is no TLS port: it answers with 0x%02X: correct the port or the scheme",
              t->first[0]);
}

static bool is_tls (const tl_tls *t) { /* a record of alert, handshake or data */
  return t->received > 0 && t->first[0] >= 0x14 && t->first[0] <= 0x17;
}

static void other (tl_tls *t) {
  unsigned long e = ERR_peek_error();
  int reason = ERR_GET_REASON(e);
  char shown[120];
  const char *text = ERR_reason_error_string(e);
  if (ERR_GET_LIB(e) == ERR_LIB_SSL &&
      (reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_WRONG_SSL_VERSION)) {
    t->alert = SSL_AD_PROTOCOL_VERSION;
    alert_logged(t);
    return;
  }
  if (ERR_GET_LIB(e) == ERR_LIB_SSL && reason == SSL_R_NO_PROTOCOLS_AVAILABLE) {
    set_error(t, "tls_min_version and this OpenSSL leave no version: lower tls_min_version");
    return;
  }
  tl_printable(shown, sizeof shown, tl_slice_str(text ? text : "no reason given"));
  set_error(t, "TLS failed: %s%s", shown, t->is_open ? "" : " (in the handshake)");
}

void tl_tls_explain (tl_tls *t, int ssl_error) {
  (void)ssl_error;
  bool was_refused = t->verify_error != X509_V_OK && t->bad && !t->is_open;
  if (was_refused && t->context->verify != TL_TLS_VERIFY_NONE)
    refused_certificate(t);
  else if (t->alert >= 0)
    alert_logged(t);
  else if (t->received > 0 && !t->is_open && !is_tls(t))
    no_tls(t);
  else
    other(t);
}

/* FIN came. */
void tl_tls_explain_end (tl_tls *t) {
  if (t->is_open)
    set_error(t, "closed the connection in the middle of a TLS record: cut off on its way");
  else if (t->received > 0 && !is_tls(t))
    no_tls(t);
  else if (t->received == 0)
    set_error(t,
              "closed the connection at our first TLS message: that is probably no TLS port (use "
              "mqtt:// or ws://), or it wants tls_alpn");
  else if (t->asked_certificate && !t->context->has_own)
    no_certificate(t);
  else
    set_error(t, "closed the connection in the middle of the TLS handshake: look at its log");
}
