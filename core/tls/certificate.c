/* core/tls/certificate.c — what is written in certificates, as text. Must not know
** connections. */
#include "tls/tls_impl.h"

#include <openssl/x509v3.h>
#include <stdio.h>

#include "base/printable.h"

void tl_tls_name_of (const X509_NAME *name, char out[TL_TLS_NAME]) {
  enum {
    FORM =
        XN_FLAG_SEP_COMMA_PLUS | XN_FLAG_FN_SN | ASN1_STRFLGS_UTF8_CONVERT | ASN1_STRFLGS_ESC_CTRL
  };
  BIO *bio = BIO_new(BIO_s_mem());
  char *text = NULL;
  out[0] = '\0';
  if (!bio) return;
  if (X509_NAME_print_ex(bio, name, 0, FORM) > 0) {
    long n = BIO_get_mem_data(bio, &text);
    tl_printable(out, TL_TLS_NAME, tl_slice_of(text, n > 0 ? (size_t)n : 0));
  }
  BIO_free(bio);
}

int64_t tl_tls_time_of (const ASN1_TIME *time) {
  struct tm tm = { 0 };
  return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) * 1000 : 0;
}

void tl_tls_date (const ASN1_TIME *time, char out[32]) {
  struct tm tm = { 0 };
  if (!time || ASN1_TIME_to_tm(time, &tm) != 1) {
    snprintf(out, 32, "an unreadable time");
    return;
  }
  snprintf(out, 32, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned)(tm.tm_year + 1900) % 10000,
           (unsigned)(tm.tm_mon + 1) % 100, (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100,
           (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
}

static bool address_text (const ASN1_OCTET_STRING *ip, char *out, size_t room) {
  const unsigned char *b = ASN1_STRING_get0_data(ip);
  int len = ASN1_STRING_length(ip);
  if (len == 4) {
    snprintf(out, room, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
  } else if (len == 16) {
    size_t used = 0;
    for (int i = 0; i < 16 && used < room; i += 2) {
      unsigned part = (unsigned)b[i] << 8 | b[i + 1];
      used += (size_t)snprintf(out + used, room - used, "%s%x", i > 0 ? ":" : "", part);
    }
  }
  return len == 4 || len == 16;
}

/* Is it as it stands in the certificate, and one name, not a pattern? */
static bool is_usable (const char *shown, tl_slice text) {
  return tl_slice_eq(tl_slice_str(shown), text) && text.len > 0 && !memchr(text.at, '*', text.len);
}

/* One name as text. *usable: tls_server_name may be it. */
static bool name_text (const GENERAL_NAME *g, char out[TL_TLS_NAME], bool *usable) {
  *usable = true;
  if (g->type == GEN_IPADD) return address_text(g->d.iPAddress, out, TL_TLS_NAME);
  if (g->type != GEN_DNS) return false;
  const ASN1_IA5STRING *s = g->d.dNSName;
  tl_slice text = tl_slice_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
  tl_printable(out, TL_TLS_NAME, text);
  *usable = is_usable(out, text);
  return true;
}

/* Without alternative names the subject's common name counts. */
static void subject_text (X509 *cert, char *out, size_t room, char usable[TL_TLS_NAME]) {
  const X509_NAME *subject = X509_get_subject_name(cert);
  int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  char one[TL_TLS_NAME];
  tl_tls_name_of(subject, one);
  if (at >= 0) {
    const ASN1_STRING *s = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    tl_slice text = tl_slice_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
    tl_printable(one, sizeof one, text);
    if (is_usable(one, text)) memcpy(usable, one, sizeof one);
  }
  snprintf(out, room, "'%.98s'", one);
}

void tl_tls_names_in (X509 *cert, char *out, size_t room, char usable[TL_TLS_NAME]) {
  enum { SHOWN = 3 };
  GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
  char one[TL_TLS_NAME];
  size_t used = 0;
  int shown = 0, found = 0;
  bool fits;
  out[0] = usable[0] = '\0';
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
    if (!name_text(sk_GENERAL_NAME_value(names, i), one, &fits)) continue;
    if (fits && usable[0] == '\0') memcpy(usable, one, sizeof one);
    if (found++ >= SHOWN) continue;
    int n = snprintf(out + used, room - used, "%s'%.78s'", shown++ ? ", " : "", one);
    if (n > 0 && (size_t)n < room - used) used += (size_t)n;
  }
  if (found > SHOWN) snprintf(out + used, room - used, " and %d more", found - SHOWN);
  GENERAL_NAMES_free(names);
  if (found == 0) subject_text(cert, out, room, usable);
}

void tl_tls_fingerprint (X509 *cert, char out[100]) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned n = 0;
  out[0] = '\0';
  if (X509_digest(cert, EVP_sha256(), digest, &n) != 1) return;
  for (unsigned i = 0; i < n && i < 32; i++)
    snprintf(out + 3 * i, 4, "%02X%s", digest[i], i + 1 < n ? ":" : "");
}
