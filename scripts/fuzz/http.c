/* scripts/fuzz/http.c — libFuzzer target of HTTP answers: any bytes, at any cut; a head that
** is taken is taken whole, its headers are found again, and the check of an upgrade says why
** it refuses. */
#include <stdlib.h>
#include <string.h>

#include "ws/upgrade.h"

static void check (bool holds) {
  if (!holds) abort();
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  tl_http_answer a, b;
  tl_err err = { .text = "" };
  tl_slice value;
  size_t from = 0;
  bool without;
  long n = tl_http_answer_read(data, size, &a, &err);
  if (n <= 0) {
    check(n == TL_EPARTIAL || err.text[0] != '\0');
    return 0;
  }
  check((size_t)n <= size && n <= TL_HTTP_HEAD_MAX && a.status >= 100 && a.status <= 999);
  for (long cut = n > 64 ? n - 64 : 0; cut < n; cut++)
    check(tl_http_answer_read(data, (size_t)cut, &b, NULL) == TL_EPARTIAL);
  while (tl_http_header(&a, "Upgrade", &from, &value)) check(value.at + value.len <= data + n);
  tl_http_has_token(&a, "Connection", "upgrade");
  tl_ws_request r = { .host = TL_LIT("h"),
                      .path = TL_LIT("/mqtt?k"),
                      .subprotocol = TL_LIT("mqtt") };
  int rc = tl_ws_answer_check(&a, &r, "dGhlIHNhbXBsZSBub25jZQ==", &without, &err);
  check(rc == TL_OK || err.text[0] != '\0');
  for (const char *c = err.text; *c; c++) check((uint8_t)*c >= 0x20);
  return 0;
}
