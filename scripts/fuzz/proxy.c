/* scripts/fuzz/proxy.c — libFuzzer target of what proxies answer: HTTP and SOCKS5, whole and
** byte by byte to the same result; no answer brings out the password. */
#include <stdlib.h>
#include <string.h>

#include "proxy/proxy.h"

static void check (bool holds) {
  if (!holds) abort();
}

static int run (const tl_proxy_target *t, const uint8_t *data, size_t size, size_t piece) {
  tl_proxy p;
  tl_buf out, in;
  tl_err err = { .text = "" };
  size_t used;
  tl_buf_init(&out);
  tl_buf_init(&in);
  int rc = tl_proxy_begin(&p, t, &out, &err);
  check(rc == TL_OK);
  rc = TL_EPARTIAL;
  for (size_t at = 0; at < size && rc == TL_EPARTIAL; at += piece) {
    size_t n = size - at < piece ? size - at : piece;
    tl_buf_add(&in, data + at, n);
    rc = tl_proxy_read(&p, in.at, in.len, &used, &out, &err);
    check(used <= in.len);
    tl_buf_drop(&in, used);
  }
  bool echoed = memmem(data, size, "geheim", 6); /* then it is the proxy's own word */
  if (rc != TL_OK && rc != TL_EPARTIAL)
    check(err.text[0] && (echoed || !strstr(err.text, "geheim")));
  tl_buf_fini(&out);
  tl_buf_fini(&in);
  return rc;
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  if (size < 1) return 0;
  tl_proxy_target t = { .kind = data[0] & 1 ? TL_PROXY_HTTP : TL_PROXY_SOCKS5,
                        .host = TL_LIT("broker"),
                        .port = 8883,
                        .user = data[0] & 2 ? TL_LIT("u") : TL_LIT(""),
                        .password = TL_LIT("geheim") };
  check(run(&t, data + 1, size - 1, size) == run(&t, data + 1, size - 1, 1));
  return 0;
}
