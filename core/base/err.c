/* core/base/err.c — fills the error record that every room reports with. Knows nothing else. */
#include "base/slice.h"

#include <stdarg.h>
#include <stdio.h>

/* The cut must not leave half a UTF-8 sequence: the text is shown to people. */
static void cut_at_character (char *text, size_t len) {
  size_t start = len;
  while (start > 0 && len - start < 3 && ((uint8_t)text[start - 1] & 0xC0) == 0x80) start--;
  if (start == 0) return;
  uint8_t lead = (uint8_t)text[start - 1];
  size_t need = 1;
  if (lead >= 0xF0)
    need = 4;
  else if (lead >= 0xE0)
    need = 3;
  else if (lead >= 0xC0)
    need = 2;
  if (len - (start - 1) < need) text[start - 1] = '\0';
}

int tl_fail (tl_err *err, int code, size_t at, const char *fmt, ...) {
  if (!err) return code;
  err->code = code;
  err->at = at;
  va_list args;
  va_start(args, fmt);
  int n = vsnprintf(err->text, sizeof err->text, fmt, args);
  va_end(args);
  if (n < 0) err->text[0] = '\0';
  if (n >= (int)sizeof err->text) cut_at_character(err->text, sizeof err->text - 1);
  for (char *c = err->text; *c != '\0'; c++)
    if (*c == '\n' || *c == '\r') *c = ' ';
  return code;
}
