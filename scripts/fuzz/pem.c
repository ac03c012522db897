/* scripts/fuzz/pem.c — libFuzzer target of PEM and CRL text: any bytes as each of the
** settings; a context, or a field with a reason. */
#include <stdlib.h>
#include <string.h>

#include "tls/context.h"

static void check (bool holds) {
  if (!holds) abort();
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  if (size < 1) return 0;
  tl_slice text = tl_slice_of(data + 1, size - 1);
  tl_tls_settings s = { .min_minor = 2, .key_password = TL_LIT("geheim") };
  tl_tls_context *c = NULL;
  tl_tls_field field = TL_TLS_FIELD_NONE;
  tl_err err = { .text = "" };
  switch (data[0] % 5) {
    case 0: s.ca = text; break;
    case 1: s.cert = text; break;
    case 2: s.crl = text; break;
    case 3: s.ciphers = text; break;
    default: s.alpn = text; break;
  }
  if (tl_tls_context_new(&c, &s, &field, &err) == TL_OK)
    tl_tls_context_drop(c);
  else
    check(err.text[0] != '\0' && !strstr(err.text, "geheim"));
  return 0;
}
