/* scripts/fuzz/request.c — libFuzzer target of what HTTP clients send: a head at any cut, its
** target and parameters, a form, a Host, an Accept. */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "http/request.h"
#include "web/metrics_text.h"

static void check (bool holds) {
  if (!holds) abort();
}

/* What was decoded is text without NUL. */
static void check_text (const tl_buf *b) {
  check(b->len == 0 || (!memchr(b->at, 0, b->len) && tl_utf8_valid(tl_buf_bytes(b))));
}

static void parameters (tl_slice query) {
  tl_buf name, value;
  size_t rounds = 0, len = query.len;
  int rc;
  tl_buf_init(&name);
  tl_buf_init(&value);
  while ((rc = tl_http_parameter(&query, &name, &value)) == 1) {
    check(++rounds <= len);
    check_text(&name);
    check_text(&value);
    check(name.len + value.len <= len);
  }
  check(rc == 0 || rc == TL_ESYNTAX);
  tl_buf_fini(&name);
  tl_buf_fini(&value);
}

static void target (tl_slice text) {
  tl_buf path;
  tl_buf_init(&path);
  if (tl_http_path(text, &path) == TL_OK) check_text(&path);
  tl_buf_fini(&path);
  parameters(tl_http_query(text));
}

/* No line of the head may be one that another parser reads otherwise. */
static void taken (const uint8_t *at, size_t n, const tl_http_request *r) {
  check(n >= 4 && n <= TL_HTTP_REQUEST_HEAD && memcmp(at + n - 4, "\r\n\r\n", 4) == 0);
  for (size_t i = 0; i < n; i++) {
    check(at[i] != 0);
    check(at[i] != '\r' || at[i + 1] == '\n');
    check(at[i] != '\n' || (i > 0 && at[i - 1] == '\r'));
    if (at[i] == '\n' && i + 1 < n) check(at[i + 1] != ' ' && at[i + 1] != '\t');
  }
  check(r->body <= TL_HTTP_REQUEST_BODY);
  check(r->target.at[0] == '/' && !memchr(r->target.at, ' ', r->target.len));
  check(!memmem(at, n, "\nTransfer-Encoding:", 19) && !memmem(at, n, "\ntransfer-encoding:", 19));
  target(r->target);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  tl_http_request whole, cut;
  tl_http_refusal why = { 0 }, later = { 0 };
  size_t seen = 0, step = 0;
  long n = tl_http_request_read(data, size, &step, &whole, &why), rc = TL_EPARTIAL;
  for (size_t len = 0; len <= size && rc == TL_EPARTIAL; len += size > 512 ? 97 : 1)
    rc = tl_http_request_read(data, len, &seen, &cut, &later);
  if (rc == TL_EPARTIAL) rc = tl_http_request_read(data, size, &seen, &cut, &later);
  check(rc == n);
  if (n > 0) taken(data, (size_t)n, &whole);
  if (n == TL_EMALFORMED) check(why.status >= 400 && why.text && later.status == why.status);
  tl_slice all = tl_slice_of(data, size);
  target(all);
  parameters(all);
  static const char names[] = "gw.local\0b";
  tl_http_host_is_ours(all, names, sizeof names);
  char *text = malloc(size + 1);
  memcpy(text, data, size);
  text[size] = '\0';
  tl_metrics_wants_open(text);
  free(text);
  return 0;
}
