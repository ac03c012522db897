/* core/command/paint.c — see paint.h. Knows the words of statuses, no more of what it paints. */
#include "command/paint.h"

#include <stdlib.h>
#include <unistd.h>

#define RED "\033[31m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define CYAN "\033[36m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

typedef struct {
  const char *text, *colour;
} rule;

/* Whole words. */
static const rule words[] = { { "invalid", RED },
                              { "StHardErr", RED },
                              { "StComErr", RED },
                              { "StWait", YELLOW },
                              { "unset", YELLOW } };
/* What a line begins with, behind its blanks; it is painted as a whole. */
static const rule heads[] = { { "! ", RED },
                              { "\xE2\x86\x92 ", CYAN }, /* an arrow: what to do */
                              { "nothing is wrong", GREEN } };

bool tl_paint_wanted (int fd) {
  const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
  return isatty(fd) && !(no && no[0]) && term && term[0] && strcmp(term, "dumb") != 0;
}

static bool begins (tl_slice s, const char *text) {
  size_t n = strlen(text);
  return s.len >= n && memcmp(s.at, text, n) == 0;
}

static bool is_word (uint8_t c) {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' ||
         c >= 0x80;
}

static void paint_whole (tl_buf *out, tl_slice line, const char *colour) {
  tl_buf_str(out, colour);
  tl_buf_slice(out, line);
  tl_buf_str(out, PLAIN);
}

static const rule *word_at (tl_slice line, size_t at, size_t end) {
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strlen(words[i].text) == end - at && memcmp(line.at + at, words[i].text, end - at) == 0)
      return &words[i];
  return NULL;
}

static void paint_line (tl_buf *out, tl_slice line) {
  size_t blanks = 0;
  while (blanks < line.len && line.at[blanks] == ' ') blanks++;
  for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
    if (!begins(tl_slice_of(line.at + blanks, line.len - blanks), heads[i].text)) continue;
    paint_whole(out, line, heads[i].colour);
    return;
  }
  for (size_t at = 0; at < line.len;) {
    size_t end = at;
    while (end < line.len && is_word(line.at[end])) end++;
    const rule *known = end > at ? word_at(line, at, end) : NULL;
    if (end == at) end++;
    if (known)
      paint_whole(out, tl_slice_of(line.at + at, end - at), known->colour);
    else
      tl_buf_add(out, line.at + at, end - at);
    at = end;
  }
}

void tl_paint (tl_buf *out, tl_slice text, tl_paint_kind kind) {
  while (text.len > 0) {
    const uint8_t *end = memchr(text.at, '\n', text.len);
    tl_slice line = tl_slice_of(text.at, end ? (size_t)(end - text.at) : text.len);
    if (kind == TL_PAINT_TEXT)
      paint_line(out, line);
    else if (line.len > 0)
      paint_whole(out, line, kind == TL_PAINT_ERROR ? RED : DIM);
    if (end) tl_buf_byte(out, '\n');
    size_t used = line.len + (end ? 1 : 0);
    text = tl_slice_of(text.at + used, text.len - used);
  }
}
