/* core/command/chunk.c — see chunk.h. */
#include "command/chunk.h"

#include <string.h>

static tl_slice without_blanks (tl_slice s) {
  while (s.len > 0 && strchr(" \t\r\n\f\v", s.at[0]) && s.at[0] != '\0')
    s = tl_slice_of(s.at + 1, s.len - 1);
  return s;
}

static bool begins (tl_slice s, const char *with) {
  size_t len = strlen(with);
  return s.len >= len && memcmp(s.at, with, len) == 0;
}

bool tl_chunk_is_blank (tl_slice text) {
  for (;;) {
    text = without_blanks(text);
    if (text.len == 0) return true;
    if (!begins(text, "--") || begins(text, "--[[") || begins(text, "--[=")) return false;
    const uint8_t *end = memchr(text.at, '\n', text.len);
    if (!end) return true;
    text = tl_slice_of(end, text.len - (size_t)(end - text.at));
  }
}

static bool is_word (tl_slice s, const char *word) {
  size_t len = strlen(word);
  if (!begins(s, word)) return false;
  uint8_t c = s.len > len ? s.at[len] : 0;
  return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_');
}

bool tl_chunk_goes_on (tl_slice line) {
  tl_slice s = without_blanks(line);
  if (s.len == 0) return false;
  uint8_t next = s.len > 1 ? s.at[1] : 0;
  switch (s.at[0]) {
    case '+':
    case '*':
    case '/':
    case '%':
    case '^':
    case '<':
    case '>':
    case '&':
    case '|':
    case '=':
    case ',':
    case ')':
    case ']':
    case '}': return true;
    case ':': return next != ':'; /* a label */
    case '.': return next < '0' || next > '9';
    case '~': return next == '=';
    case '-': return next != '-';
    default: return is_word(s, "and") || is_word(s, "or");
  }
}
