/* scripts/fuzz/question.c — libFuzzer target of what HTTP asks the program to do: a query whose
** parameters become Lua, and the body of a write. The first byte chooses a tag's type. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "http/request.h"
#include "web/body.h"
#include "web/code.h"

static void check (bool holds) {
  if (!holds) abort();
}

/* Literals, braces, commas and tonumber() of literals, and nothing else. */
static void check_code (const tl_buf *code) {
  bool inside = false;
  for (size_t i = 0; i < code->len; i++) {
    uint8_t c = code->at[i];
    if (c == '"') {
      inside = !inside;
    } else if (inside && c == '\\') { /* three digits, at most 255 */
      check(code->len - i > 3);
      int n = (code->at[i + 1] - '0') * 100 + (code->at[i + 2] - '0') * 10 + code->at[i + 3] - '0';
      for (int k = 1; k <= 3; k++) check(code->at[i + k] >= '0' && code->at[i + k] <= '9');
      check(n <= 255);
      i += 3;
    } else if (inside) {
      check((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.');
    } else if (c == 't') {
      check(code->len - i > 9 && memcmp(code->at + i, "tonumber(\"", 10) == 0);
      i += 8;
    } else {
      check((c >= '0' && c <= '9') || strchr("/{},)", c));
    }
  }
  check(!inside);
}

static void question (tl_slice query) {
  static void (*const makers[])(tl_buf * code, const tl_buf *text) = { tl_code_text, tl_code_time,
                                                                       tl_code_names,
                                                                       tl_code_span };
  tl_buf name, value, code;
  tl_buf_init(&name);
  tl_buf_init(&value);
  tl_buf_init(&code);
  while (tl_http_parameter(&query, &name, &value) == 1) {
    tl_buf_byte(&value, '\0');
    for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
      tl_buf_clear(&code);
      makers[i](&code, &value);
      check_code(&code);
    }
  }
  tl_buf_fini(&name);
  tl_buf_fini(&value);
  tl_buf_fini(&code);
}

static void body (tl_type type, tl_slice bytes) {
  tl_json_value given;
  tl_json_error error = { .expected = NULL };
  tl_value value;
  tl_buf text;
  const char *expected = NULL;
  int rc = tl_body_read(bytes, &given, &error);
  check(rc == TL_OK || rc == TL_ESYNTAX || rc == TL_ETYPE);
  if (rc == TL_ESYNTAX) check(error.expected && error.at <= bytes.len);
  if (rc < 0) return;
  check(given.raw.at >= bytes.at && given.raw.at + given.raw.len <= bytes.at + bytes.len);
  tl_buf_init(&text);
  bool ok = tl_body_value(type, &given, &text, &value, &expected);
  check(expected != NULL);
  if (ok && (type == TL_AO || type == TL_TOR)) check(isfinite(value.number));
  if (ok && type == TL_TXTO) check(value.text.len <= bytes.len);
  tl_buf_fini(&text);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  static const tl_type types[] = { TL_AO, TL_CO, TL_DO, TL_TXTO, TL_TOA, TL_TOR };
  if (size == 0) return 0;
  tl_slice rest = tl_slice_of(data + 1, size - 1);
  question(rest);
  body(types[data[0] % (sizeof types / sizeof types[0])], rest);
  return 0;
}
